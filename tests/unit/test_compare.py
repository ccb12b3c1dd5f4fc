"""Options side by side: pairs, words, the best, and what cannot be compared."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.cli import linli
from sim.library import Loaded, load, load_text
from sim.measures import MEASURES, estimate
from sim.problems import InputError
from sim.run import ENGINES
from sim.show_compare import closing, difference_text
from sim.study import compare as module
from sim.study import replicate as study
from sim.study.compare import Asked, Compared, best_of, compare
from sim.study.differences import differences, holm, p_value, share_better
from sim.study.replicate import Outcome


def small(name: str, servers: int = 3, *sets: str) -> Loaded:
    """The small waiting line with so many servers."""
    return load_text(
        f"name: {name}\nextends: mmc\nhorizon: {{days: 3}}\n",
        (),
        [f"pools.servers.groups.all.servers={servers}", *sets],
    )


def asked(*options: Loaded, **more: object) -> Asked:
    return replace(Asked(options, ENGINES[0], replications=6), **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def three() -> Compared:
    """Three, four and five servers."""
    return compare(asked(small("three"), small("four", 4), small("five", 5)))


def rows(name: str, *values: float) -> list[dict[str, float]]:
    return [{name: value} for value in values]


# ── pairs ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_options_have_the_same_customers_replication_by_replication(three: Compared) -> None:
    offered = [[row["offered"] for row in found] for found in three.figures.values()]
    assert offered[0] == offered[1] == offered[2]
    assert len(set(offered[0])) > 1


def test_a_difference_is_that_of_the_pairs(three: Compared) -> None:
    pairs = zip(three.figures["four"], three.figures["three"], strict=True)
    expected = estimate([own["wait_mean_s"] - base["wait_mean_s"] for own, base in pairs])
    found = three.differences["four"]["wait_mean_s"]
    assert (found.estimate.mean, found.estimate.low, found.estimate.high) == (
        expected.mean,
        expected.low,
        expected.high,
    )
    assert found.estimate.unit == "s"
    assert (found.better_in, found.distinguishable, found.verdict) == (6, True, "better")


def test_an_option_that_changes_nothing_cannot_be_told_apart() -> None:
    result = compare(asked(small("one"), small("other")))
    for found in result.differences["other"].values():
        if found.estimate.replications:
            assert (found.estimate.mean, found.distinguishable, found.verdict) == (0, False, "not told apart")
            assert found.p_better in (0.5, None)


def test_turning_the_comparison_round_turns_every_sign_and_chance() -> None:
    options = small("three"), small("four", 4)
    there, back = compare(asked(*options)), compare(asked(*options, baseline="four"))
    for name, found in there.differences["four"].items():
        other = back.differences["three"][name]
        if found.estimate.replications:
            assert other.estimate.mean == -found.estimate.mean
            assert other.distinguishable == found.distinguishable
        if found.p_better is not None and other.p_better is not None:
            assert found.p_better + other.p_better == pytest.approx(1)


def test_differences_of_shares_may_be_negative() -> None:
    found = differences(
        rows("abandoned_share", 0.9, 0.8, 0.9), {"b": rows("abandoned_share", 0.1, 0.1, 0.3)}, ["abandoned_share"]
    )
    one = found["b"]["abandoned_share"]
    assert one.estimate.high is not None
    assert one.estimate.high < 0
    assert difference_text(one.estimate).startswith("-70.0 ± ")


def test_replications_in_which_a_figure_is_missing_are_left_out_of_the_pair() -> None:
    base, own = rows("wait_mean_s", 1, math.nan, 3, 4), rows("wait_mean_s", 2, 2, math.nan, 6)
    one = differences(base, {"b": own}, ["wait_mean_s", "orders"])["b"]
    assert (one["wait_mean_s"].estimate.mean, one["wait_mean_s"].estimate.replications) == (1.5, 2)
    assert (one["orders"].estimate.replications, one["orders"].distinguishable) == (0, False)


def test_the_chance_of_doing_better_is_jeffreys_share() -> None:
    # Brown, Cai and DasGupta (2001), Table 5: limits of Jeffreys' interval for n = 10.
    assert share_better(3, 10) == pytest.approx((3.5 / 11, 0.093, 0.606), abs=5e-4)
    assert share_better(10, 10)[0::2] == (10.5 / 11, 1.0)
    assert share_better(0, 10)[1] == 0.0


def test_equal_replications_count_half_and_figures_without_direction_have_no_chance() -> None:
    names = ("alarms", "agents_mean")
    base = [dict.fromkeys(names, x) for x in (1.0, 1.0, 2.0)]
    own = [dict.fromkeys(names, x) for x in (1.0, 0.0, 1.0)]
    found = differences(base, {"b": own}, names)["b"]
    assert (found["alarms"].better_in, found["alarms"].p_better) == (2.5, 0.75)
    assert (found["agents_mean"].better_in, found["agents_mean"].p_better) == (None, None)


def test_what_is_always_the_same_difference_is_distinguishable() -> None:
    found = differences(rows("agents_mean", 30, 30), {"b": rows("agents_mean", 50, 50)}, ["agents_mean"])
    assert found["b"]["agents_mean"].verdict == "differs"
    assert p_value([0.0, 0.0]) == p_value([1.0]) == 1.0


def test_holm_asks_more_of_the_surest_and_stops_at_the_first_that_fails() -> None:
    assert holm({"a": 0.012, "b": 0.02, "c": 0.04}, 0.05) == {"a", "b", "c"}
    assert holm({"a": 0.02, "b": 0.02, "c": 0.02}, 0.05) == set()
    assert holm({"a": 0.001, "b": 0.03, "c": 0.04}, 0.05) == {"a"}


def test_more_options_ask_for_more_evidence() -> None:
    base, own = rows("alarms", 0, 0, 0), rows("alarms", 1, 1.2, 1.7)
    alone = differences(base, {"a": own}, ["alarms"])["a"]["alarms"]
    among = differences(base, {"a": own, "b": rows("alarms", 1, -1, 0), "c": base}, ["alarms"])["a"]["alarms"]
    assert (alone.verdict, among.verdict) == ("worse", "not told apart")
    assert alone.estimate == among.estimate


def test_directions_are_said_where_they_are_clear() -> None:
    less = ("first_response_mean_min", "abandoned_share", "complaints_per_order", "users_lost_per_month_share")
    more = ("satisfaction_true_mean", "resolved_first_contact_share", "net_benefit_yuan", "service_level_share")
    assert {MEASURES[name].better for name in (*less, "service_cost_yuan", "alarms", "late_delivery_share")} == {"less"}
    assert {MEASURES[name].better for name in more} == {"more"}
    assert {MEASURES[name].better for name in ("offered", "agents_mean", "contained_share")} == {""}


# ── the best ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_best_is_chosen_and_said_in_words(three: Compared) -> None:
    best = best_of(replace(three.asked, indifference=300.0), three.figures)
    assert (best.chosen, best.first_stage, best.indifference) == ("five", 6, 300.0)
    assert closing(best).startswith(
        "five is best by wait_mean_s (less is better) with probability at least 95 %, "
        "if differences below 300 s do not matter."
    )


def test_what_cannot_be_told_apart_is_said_with_the_replications_that_would_tell() -> None:
    values = (5.0, 1.0, 4.0, 2.0), (1.0, 5.0, 2.0, 4.0), (990.0, 991.0, 992.0, 990.0)
    figures = {name: tuple(rows("wait_mean_s", *own)) for name, own in zip("abc", values, strict=True)}
    options = [small(name) for name in "abc"]
    best = best_of(asked(*options, replications=4, indifference=0.5), figures)
    assert (best.chosen, best.remaining, best.eliminated) == (None, ("a", "b"), {"c": 4})
    assert best.at_most is not None
    assert "a and b cannot be told apart after 4 replications" in closing(best)
    assert f"At most {best.at_most} replications" in closing(best)


def test_more_is_better_where_the_measure_says_so() -> None:
    figures = {"a": tuple(rows("orders", 10, 11, 10, 11)), "b": tuple(rows("orders", 20, 21, 20, 21))}
    options = [small(name) for name in "ab"]
    question = asked(*options, best="orders", indifference=1.0)
    assert best_of(replace(question, replications=4), figures).chosen == "b"
    figures = {name: tuple(rows("alarms", *(row["orders"] for row in own))) for name, own in figures.items()}
    assert best_of(replace(question, replications=4, best="alarms"), figures).chosen == "a"


def test_the_indifference_is_a_round_hundredth_of_the_baseline_unless_given(three: Compared) -> None:
    mean = estimate([row["wait_mean_s"] for row in three.figures["three"][: three.asked.first_stage]]).mean
    assert three.best.indifference == float(f"{mean / 100:.0e}")


@pytest.mark.parametrize(
    ("values", "words"),
    [((0.0, 0.0, 0.0, 0.0), "--indifference"), ((1.0, math.nan, 1.0, 1.0), "no value"), ((1.0,), "fewer than 4")],
)
def test_without_a_selection_the_reason_is_said(values: tuple[float, ...], words: str) -> None:
    figures = {name: tuple(rows("wait_mean_s", *values)) for name in "ab"}
    best = best_of(asked(small("a"), small("b"), replications=4), figures)
    assert best.chosen is None
    assert words in best.reason
    assert best.reason in closing(best)


def test_it_stops_as_soon_as_the_best_is_chosen_or_the_differences_are_precise() -> None:
    options = small("three"), small("four", 4)
    chosen = compare(asked(*options, replications=100, until_best=True, indifference=200.0))
    assert chosen.best.chosen == "four"
    assert chosen.best.first_stage == 10
    assert chosen.replications < 100
    precise = compare(asked(*options, replications=100, precision=0.3))
    base = precise.measures["three"]["wait_mean_s"].mean
    found = precise.differences["four"]["wait_mean_s"].estimate
    assert found.high is not None
    assert found.high - found.mean <= 0.3 * base
    assert precise.replications < 100


# ── how it is run ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_workers_give_the_same_answer_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    question = asked(small("three"), small("four", 4), replications=3)
    alone = compare(question).as_json()
    monkeypatch.setattr(study, "WORTH_A_PROCESS_S", 0.0)
    assert compare(replace(question, workers=2)).as_json() == alone


def test_an_interrupt_keeps_the_replications_that_all_options_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    real = study.outcomes_of

    def interrupted(*arguments: object) -> Iterator[tuple[str, Outcome]]:
        for done, found in enumerate(real(*arguments)):  # type: ignore[arg-type]
            if done == 5:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(module, "outcomes_of", interrupted)
    result = compare(asked(small("three"), small("four", 4)))
    assert (result.interrupted, result.replications) == (True, 2)
    done = CliRunner().invoke(linli, ("compare", "mmc", "jackson", *SAME, "--json"))
    assert done.exit_code == 130
    assert json.loads(done.stdout)["replications"] == 2


def test_an_interrupt_before_anything_is_finished_leaves_an_answer_without_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> Iterator[tuple[str, Outcome]]:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(module, "outcomes_of", interrupted)
    for more in ((), ("--json",)):
        done = CliRunner().invoke(linli, ("compare", "mmc", "jackson", *SAME, *more))
        assert done.exit_code == 130
        assert done.stdout


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────────

SAME = ("--days", "2", "--set", "horizon.warm_up_days=1")


def command(*arguments: str) -> Result:
    return CliRunner().invoke(linli, ("compare", *arguments))


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Two options as files."""
    for name, servers in (("three", 3), ("four", 4)):
        (tmp_path / f"{name}.yaml").write_text(small(name, servers).text, encoding="utf-8")
    return str(tmp_path / "three.yaml"), str(tmp_path / "four.yaml")


def test_compare_prints_the_promised_object_and_nothing_else(files: tuple[str, str]) -> None:
    done = command(*files, "--replications", "4", "--workers", "1", "--measures", "wait_mean_s,offered", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert {"baseline", "options", "best"} <= data.keys()
    assert (data["baseline"], [one["scenario"] for one in data["options"]]) == ("three", ["three", "four"])
    base, other = data["options"]
    assert base["difference"] == {}
    assert list(other["measures"]) == list(other["difference"]) == ["wait_mean_s", "offered"]
    found = other["difference"]["wait_mean_s"]
    assert {"mean", "low", "high", "p_better", "distinguishable"} <= found.keys()
    assert other["difference"]["offered"]["p_better"] is None
    assert data["best"]["measure"] == "wait_mean_s"


def test_compare_shows_the_options_beside_the_baseline_and_ends_in_words(files: tuple[str, str]) -> None:
    done = command(*files, "--replications", "4", "--workers", "1", "--baseline", "four", "--indifference", "300")
    assert done.exit_code == 0, done.output
    words = " ".join(done.stdout.split())
    assert "three beside four" in words
    assert "worse" in words
    assert "four is best by wait_mean_s (less is better) with probability at least 95 %" in words


def test_one_replication_says_that_nothing_is_known_about_luck(files: tuple[str, str]) -> None:
    done = command(*files, "--replications", "1", "--workers", "1")
    assert done.exit_code == 0, done.output
    assert "nothing is known about luck" in done.stdout
    assert "cannot be told: fewer than 2 replications" in " ".join(done.stdout.split())
    data = json.loads(command(*files, "--replications", "1", "--workers", "1", "--json").stdout)
    found = data["options"][1]["difference"]["wait_mean_s"]
    assert (found["low"], found["p_better"], found["distinguishable"]) == (None, None, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("mmc",), "one option leaves nothing to compare"),
        (("mmc", "mmc"), "'mmc' is given twice"),
        (("mmc", "jackson", *SAME, "--baseline", "md_c"), "no option is called 'md_c'; allowed: mmc, jackson"),
        (("mmc", "jackson", *SAME, "--measures", "joy"), "--measures: no measure 'joy'; allowed: contacts, "),
        (("mmc", "jackson", *SAME, "--best", "joy"), "--best: no measure 'joy'; allowed: contacts, "),
        (("mmc", "jackson", *SAME, "--best", "offered"), "--best: of 'offered' neither less nor more is better"),
        (("mmc", "jackson", *SAME, "--best", "net_benefit_yuan"), "'mmc' has no world"),
        (("mmc", "jackson", "--days", "2"), "horizon.warm_up_days: 'jackson' has "),
        (("today", "mmc"), "horizon.days: 'mmc' has 30, 'today' has 35; allowed: the same for all options (--days"),
    ],
)
def test_what_cannot_be_compared_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = command(*arguments)
    assert isinstance(done.exception, InputError)
    assert len(done.exception.problems) == 1
    assert words in str(done.exception.problems[0])


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("horizon.first_weekday=tue", "horizon.first_weekday: 'b' has tue, 'a' has mon"),
        ("definitions.closed_within_h=48", "definitions.closed_within_h: 'b' has 48"),
    ],
)
def test_options_of_other_weekdays_or_definitions_are_refused(setting: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(asked(small("a"), small("b", 3, setting)))


def test_worlds_that_begin_on_other_dates_are_refused() -> None:
    other = load_text("name: later\nextends: today\nworld: {calendar: {start: 2026-03-09}}\n")
    first = load("today")
    assert first.scenario.world is not None
    with pytest.raises(InputError, match=r"world\.calendar\.start: 'later' has 2026-03-09"):
        compare(asked(first, other))
