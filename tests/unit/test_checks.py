"""The table of checks: verdicts by hand, intervals of quotients, paired runs, and a whole table of a small world."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sim.cli import linli
from sim.library import load, load_text
from sim.measures import Estimate, estimate
from sim.problems import InputError
from sim.show_checks import model_text, number_text, plan_text
from sim.study import paired_runs
from sim.study.check_variants import variants, world_of
from sim.study.checks import Check, Checks, estimated, exact, hold, unknown, verdict
from sim.study.paired_runs import Variant, changed, run_paired
from sim.world.word_of_mouth import size_of_a_post

Plan = tuple[float | None, float | None]


def between(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, "change", 10)


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("low", "high", "plan", "words"),
    [
        (0.30, 0.40, 0.37, "agrees"),
        (0.39, 0.40, 0.37, "agrees"),  # within a tenth of the plan's number
        (0.10, 0.20, 0.37, "weaker"),
        (-0.05, 0.05, 0.37, "weaker"),  # no effect that could be seen, and not the plan's
        (0.50, 0.60, 0.37, "stronger"),
        (-0.30, -0.10, 0.37, "other way"),
        (-0.10, 0.80, 0.37, "cannot be told"),
        (0.20, 0.40, 0.37, "cannot be told"),  # as well as half of it
        (-0.15, -0.11, -0.12, "agrees"),
        (-0.08, -0.01, -0.12, "weaker"),
        (-0.30, -0.20, -0.12, "stronger"),
        (0.01, 0.02, -0.12, "other way"),
    ],
)
def test_the_verdict_on_an_effect_follows_from_interval_and_number(
    low: float, high: float, plan: float, words: str
) -> None:
    assert verdict(between(low, high), (plan, plan), 0) == words


@pytest.mark.parametrize(
    ("low", "high", "plan", "words"),
    [
        (0.33, 0.36, (0.35, 0.35), "agrees"),
        (0.10, 0.20, (0.35, 0.35), "smaller"),
        (0.50, 0.60, (0.35, 0.35), "larger"),
        (0.10, 0.60, (0.35, 0.35), "cannot be told"),
        (39, 41, (10, 120), "agrees"),
        (200, 210, (10, 120), "larger"),
        (20, 20, (20, None), "agrees"),
        (5, 6, (20, None), "smaller"),
        (500, 600, (20, None), "agrees"),
        (10, 30, (20, None), "cannot be told"),
        (15, 110, (10, 120), "agrees"),
        (0.0, 0.22, (0.22, 0.22), "cannot be told"),  # reaches it, and nothing as well
        (0.0, 0.1, (None, None), "no number in the plan"),
    ],
)
def test_the_verdict_on_a_total_follows_from_interval_and_range(
    low: float, high: float, plan: Plan, words: str
) -> None:
    assert verdict(between(low, high), plan, None) == words


def test_what_is_counted_from_another_number_than_zero_is_weaker_when_it_is_nearer_to_that() -> None:
    for minutes, words in ((98, "weaker"), (91, "agrees"), (70, "stronger"), (130, "other way")):
        assert verdict(exact(minutes, "min"), (90, 90), 120) == words


def test_nothing_can_be_told_without_an_interval() -> None:
    assert verdict(Estimate(0.37, None, None, "change", 1), (0.37, 0.37), 0) == "cannot be told"
    assert verdict(unknown("change"), (0.37, 0.37), 0) == "cannot be told"
    assert verdict(Estimate(math.inf, None, None, "change", 0), (0.37, 0.37), 0) == "cannot be told"


# ── intervals ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_interval_of_a_mean_is_students() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0])
    found, known = estimated(lambda s, n: s / n, [values, np.ones(4)], "min"), estimate(values.tolist())
    assert known.low is not None
    assert known.high is not None
    assert (found.mean, found.low, found.high) == pytest.approx((known.mean, known.low, known.high))
    assert (found.unit, found.replications) == ("min", 4)


def test_the_interval_of_a_quotient_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(400):
        above, below = rng.poisson(30, 10).astype(float), rng.poisson(60, 10).astype(float)
        found = estimated(lambda a, b: a / b, [above, below], "change")
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.5 <= found.high
    assert abs(covered / 400 - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 400)


def test_a_replication_without_a_single_case_does_no_harm_to_a_share() -> None:
    found = estimated(lambda a, b: a / b, [np.array([0.0, 2.0, 1.0]), np.array([0.0, 4.0, 4.0])], "share")
    assert math.isfinite(found.mean)
    assert found.low is not None
    assert found.low >= 0


def test_a_share_of_nothing_and_one_replication_have_no_interval() -> None:
    nothing = estimated(lambda a, b: a / b, [np.zeros(3), np.zeros(3)], "share")
    assert not math.isfinite(nothing.mean)
    assert (nothing.low, nothing.high, nothing.replications) == (None, None, 0)
    one = estimated(lambda a, b: a / b, [np.array([1.0]), np.array([2.0])], "share")
    assert (one.mean, one.low, one.high) == (0.5, None, None)


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_numbers_are_written_with_the_sign_of_a_change_and_without_needless_digits() -> None:
    assert [number_text(x, "change") for x in (0.3712, -0.0123, 0.0, -1.0)] == ["+37", "-1.2", "0.0", "-100"]
    assert [number_text(x, "share") for x in (0.3712, 0.0123)] == ["37", "1.2"]
    assert [number_text(x, "min") for x in (0.25, 30, 39.71, 116.2)] == ["0.25", "30", "39.7", "116"]


def test_plan_and_model_are_written_as_number_range_or_dash() -> None:
    def row(plan: Plan, found: Estimate) -> Check:
        return Check("F1", "check", "what", plan, "min", found, None, "how")

    assert plan_text(row((30, 30), unknown("min"))) == "30 min"
    assert plan_text(row((10, 120), unknown("min"))) == "10 … 120 min"
    assert plan_text(row((20, None), unknown("min"))) == "over 20 min"
    assert plan_text(row((None, None), unknown("min"))) == "–"
    assert model_text(row((30, 30), unknown("min"))) == "–"
    assert model_text(row((30, 30), exact(29, "min"))) == "29 min"
    assert model_text(row((30, 30), Estimate(29, 28, 30, "min", 5))) == "29 min (28 … 30)"
    assert model_text(row((30, 30), Estimate(29, None, None, "min", 1))) == "29 min"


# ── paired runs ──────────────────────────────────────────────────────────────────────────────────────────────────

SHORT = ("horizon.days=8", "horizon.warm_up_days=2")


def test_a_variant_that_changes_nothing_gives_the_same_sums() -> None:
    pilot = load("today_pilot", (), SHORT)
    scenarios = {name: changed(pilot, Variant(name, 6)) for name in ("base", "same")}
    columns = ("orders", "complaints", "first_response_ms")
    runs, interrupted = run_paired(scenarios, columns, engine="compiled", seed=1, replications=2, workers=1)
    assert not interrupted
    assert runs.days("base") == 6
    for column in columns:
        assert (runs.sums["base"][column] == runs.sums["same"][column]).all()
    assert runs.total("base", "orders", 0, 6).shape == (2,)
    assert np.isnan(runs.total("base", "orders", 0, 7)).all()
    assert np.isnan(runs.total("other", "orders", 0, 1)).all()


def test_two_workers_give_the_same_bits_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired_runs, "WORTH_A_PROCESS_S", 0.0)
    pilot = load("today_pilot", (), SHORT)
    scenarios = {name: changed(pilot, Variant(name, days)) for name, days in (("base", 4), ("longer", 6))}
    one, two = (
        run_paired(scenarios, ("orders", "complaints"), engine="compiled", seed=1, replications=2, workers=workers)[0]
        for workers in (1, 2)
    )
    for name in scenarios:
        assert (one.sums[name]["orders"] == two.sums[name]["orders"]).all()
        assert (one.sums[name]["complaints"] == two.sums[name]["complaints"]).all()


def test_interrupted_runs_keep_the_replications_that_every_variant_has_finished() -> None:
    pilot = load("today_pilot", (), SHORT)
    scenarios = {name: changed(pilot, Variant(name, 4)) for name in ("base", "other")}
    finished = 0

    def stop_after_three() -> None:
        nonlocal finished
        finished += 1
        if finished == 3:
            raise KeyboardInterrupt

    runs, interrupted = run_paired(
        scenarios, ("orders",), engine="compiled", seed=1, replications=4, workers=1, advance=stop_after_three
    )
    assert interrupted
    assert runs.replications == 1
    assert runs.sums["other"]["orders"].shape == (1, 4)


def test_sums_over_some_places_or_causes_add_up_to_all() -> None:
    pilot = load("today_pilot", (), SHORT)
    runs, _ = run_paired(
        {"base": changed(pilot, Variant("base", 6))},
        ("cases_judged", "orders", "gmv_yuan"),
        engine="compiled",
        seed=1,
        replications=1,
        workers=1,
    )
    parts = sum(runs.total("base", "cases_judged", 0, 6, channels=(one,)) for one in runs.channels)
    assert parts == runs.total("base", "cases_judged", 0, 6)
    parts = sum(runs.total("base", "cases_judged", 0, 6, causes=(one,)) for one in runs.causes)
    assert parts == runs.total("base", "cases_judged", 0, 6)
    both = runs.total("base", "orders", 0, 6) + runs.total("base", "gmv_yuan", 0, 6)
    assert runs.total("base", ("orders", "gmv_yuan"), 0, 6, channels=("group",)) == pytest.approx(both)


def test_events_of_the_scenario_stay_unless_they_come_after_the_end() -> None:
    pilot = load("today_pilot", (), ("world.events=[{event: post, day: 3}, {event: scandal, day: 20}]",))
    made = changed(pilot, Variant("more", 10, events=({"event": "late_goods", "day": 4, "hours": 2},)))
    assert made.world is not None
    assert [one.event for one in made.world.events] == ["post", "late_goods"]


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def table() -> Checks:
    return hold(load("today_pilot", (), SHORT), engine="compiled", replications=3, days=11, against=load("plan_pilot"))


def row_of(table: Checks, fact: str, words: str) -> Check:
    (found,) = (row for row in table.rows if row.fact == fact and words in row.what)
    return found


def test_every_fact_that_is_asked_for_stands_in_the_table(table: Checks) -> None:
    facts = ("F12", "F13", "F14", "F16", "F17", "F18", "F20", "F31", "F33", "F63", "F64", "F65")
    assert list(dict.fromkeys(row.fact for row in table.rows)) == sorted(facts, key=lambda fact: int(fact[1:]))


def test_shares_of_complaints_by_cause_and_by_place_each_make_a_whole(table: Checks) -> None:
    for fact in ("F12", "F13"):
        assert sum(row.estimate.mean for row in table.rows if row.fact == fact) == pytest.approx(1, abs=0.05)


def test_a_day_without_the_system_loses_all_orders_and_their_value(table: Checks) -> None:
    for figure in ("orders", "GMV"):
        row = row_of(table, "F63", f"{figure} of that day")
        assert (row.estimate.mean, row.estimate.low, row.estimate.high) == (-1, -1, -1)
        assert row.verdict == "stronger"
    assert -0.3 < row_of(table, "F63", "orders of that week").estimate.mean < -0.05


def test_a_post_in_every_community_does_about_what_the_closed_form_says_of_one(table: Checks) -> None:
    told, world = row_of(table, "F18", "a post, told").estimate, world_of(table.loaded)
    talk, users = world.word_of_mouth, world.places.users_per_community
    joiners = talk.joins_share * (1 - math.exp(-talk.unhappy_at_start_per_user)) * users
    closed = size_of_a_post(talk, users, world.people.orders_per_user_per_day, joiners)
    assert told.low is not None
    assert told.high is not None
    assert told.low < -closed < told.high


def test_what_needs_a_longer_run_cannot_be_told_and_says_so(table: Checks) -> None:
    for fact, words in (("F17", "orders per user"), ("F33", "time to settle"), ("F64", "orders of the community")):
        row = next(row for row in table.rows if row.fact == fact and words in row.what)
        assert row.verdict == "cannot be told"
        assert "needs a run of" in row.how


def test_what_the_model_does_not_have_cannot_be_told(table: Checks) -> None:
    assert row_of(table, "F65", "wrong wording: cost").verdict == "cannot be told"


def test_against_doing_nothing_a_change_is_larger_than_against_before(table: Checks) -> None:
    before, nothing = (row_of(table, "F14", words).estimate.mean for words in ("before", "nothing"))
    assert 1 + nothing == pytest.approx((1 + before) / 1.45, abs=0.02)


def test_the_table_as_json_keeps_its_promises(table: Checks) -> None:
    data = json.loads(json.dumps(table.as_json(), allow_nan=False))
    assert data["scenario"] == "today_pilot"
    assert data["against"] == "plan_pilot"
    assert (data["replications"], data["days"], data["interrupted"]) == (3, 11, False)
    keys = {"fact", "kind", "what", "unit", "plan_low", "plan_high", "estimate", "low", "high", "verdict", "how"}
    assert all(keys | {"replications"} == set(row) for row in data["checks"])


def test_a_variant_is_made_of_inputs_as_of_assumptions_and_one_that_cannot_be_made_says_why() -> None:
    plan = variants(load("plan_pilot", (), SHORT), 20)
    assert sum(g.head_count for g in plan.scenarios["base"].pools["phone_agents"].groups) > sum(
        g.head_count for g in plan.scenarios["few_agents"].pools["phone_agents"].groups
    )
    assert set(plan.missing) >= {"content", "trained", "late_week"}
    assert all("needs a run of" in reason for reason in plan.missing.values())
    text = load("today_pilot", (), SHORT).text.replace("leader_settles_share", "settled_by_leaders_share")
    renamed = variants(load_text(text), 120)
    assert "no assumption 'leader_settles_share'" in renamed.missing["trained"]


def test_a_scenario_without_a_world_is_refused_in_one_line() -> None:
    with pytest.raises(InputError, match="no world"):
        hold(load("mmc"), engine="compiled")


def test_the_command_prints_one_object_or_a_table_with_verdicts() -> None:
    arguments: tuple[Any, ...] = ("checks", "today_pilot", "--days", "9", "--replications", "2", "--workers", "1")
    short = (*arguments, "--set", "horizon.warm_up_days=2")
    done = CliRunner().invoke(linli, (*short, "--json"))
    assert done.exit_code == 0
    rows = json.loads(done.stdout)["checks"]
    done = CliRunner().invoke(linli, short)
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    for word in ("F12", "F65", "chat group", "cannot be told", rows[0]["how"].split(";")[0]):
        assert word in text
