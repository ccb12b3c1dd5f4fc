"""The plan's promises: complete data, verdicts from made-up replications with known answers, and small whole runs."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.claims import CLAIMS, Claim, Claims, Verdict, claims_of, hold, watch
from sim.claims import runs as runs_module
from sim.claims.assumptions import drawn, draws, triangular, whole_numbers
from sim.claims.crossed import CrossedView, Crossing, crossing, groups
from sim.claims.judge import probability
from sim.claims.promises import FACTS, Figure
from sim.claims.reasons import WHY, Evidence, hours_text, lost_parts, shares, spans
from sim.claims.values import Days, peaks, seen, value
from sim.cli import linli
from sim.library import Loaded, load
from sim.measures import MEASURES, figures, figures_by
from sim.problems import InputError
from sim.run import replicate
from sim.service.record import Record
from sim.session import Result, build_loaded
from sim.show_claims import show_claims
from sim.study.replicate import Outcome, Plan

DAYS = 35
"""Days of ``today`` and ``plan``, the first seven of them warm-up."""

SMALL = (
    "horizon.days=9",
    "horizon.warm_up_days=1",
    "inputs.communities=2",
    "inputs.users=2000",
    "assumptions.leaders={default: 4, low: 2, high: 20, unit: leaders, reason: two for each community}",
)


@pytest.fixture(scope="module")
def today() -> Loaded:
    return load("today")


@pytest.fixture(scope="module")
def plan() -> Loaded:
    return load("plan")


@pytest.fixture(scope="module")
def small_record() -> Record:
    return replicate(build_loaded(load("plan", sets=SMALL)), 1, 0)


@pytest.fixture(scope="module")
def small() -> Claims:
    """Two replications of the plan in two communities."""
    return hold([load("plan", sets=SMALL)], load("today", sets=SMALL), engine="compiled", replications=2)[0]


# ── made-up replications ─────────────────────────────────────────────────────────────────────────────────────────


def result(
    loaded: Loaded, per_replication: Sequence[Mapping[str, float]], weeks: Mapping[str, Sequence[float]] = {}
) -> Result:
    """A result whose replications say what the test says; weeks from 1 on, the same in every replication."""
    by_week = (
        {week: {name: numbers[week - 1] for name, numbers in weeks.items()} for week in range(1, 5)} if weeks else {}
    )
    made = tuple(Outcome(r, dict(found), {"week": by_week}) for r, found in enumerate(per_replication))
    return Result(loaded, Plan("compiled", 1), made)


def verdict(claims: Claims, text: str, against: str = "") -> Verdict:
    (found,) = [v for v in claims.verdicts if v.claim.text == text and v.against == against]
    return found


def each(name: str, numbers: Sequence[float]) -> list[dict[str, float]]:
    return [{name: number} for number in numbers]


# ── data ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_fact_that_holds_a_claim_is_there_and_every_claim_is_named_once() -> None:
    claims = ["F23", "F24", "F31", "F40", "F46", *(f"F{n}" for n in range(50, 57))]
    assert list(FACTS) == claims
    named = [(claim.fact, claim.text) for claim in CLAIMS]
    assert len(set(named)) == len(named)


def test_targets_are_those_of_the_facts() -> None:
    targets = {(claim.fact, claim.text): (claim.comparison, claim.target) for claim in CLAIMS}
    assert targets["F31", "leader's round, routes optimised"] == ("<=", 90)
    assert targets["F31", "leader's round, traffic and weather too"] == ("<=", 85)
    assert targets["F46", "agents needed"] == ("<=", -0.30)
    assert targets["F46", "compensation"] == ("<=", -0.40)
    assert targets["F46", "revenue from repeat purchase"] == (">=", 0.20)
    assert targets["F46", "repeat purchase"] == (">=", 0.15)
    assert targets["F46", "acquisition cost"] == ("<=", -0.20)
    assert targets["F46", "complaint handling cost"] == ("<=", -0.30)
    assert targets["F50", "mean response time"] == ("<=", 10)
    assert targets["F50", "mean response time, with bot"] == ("<=", 8)
    assert targets["F51", "resolved at first contact"] == (">=", 0.90)
    assert targets["F52", "recorded satisfaction"] == (">=", 4.5)
    assert targets["F53", "complaint rate"] == ("<=", -0.50)
    assert targets["F54", "users lost in a month"] == ("<=", 0.03)
    assert targets["F56", "complaints about late delivery"] == ("<=", -0.60)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.fact} {claim.text}")
def test_a_claim_is_about_figures_that_exist_or_says_why_it_cannot_be_judged(claim: Claim) -> None:
    if claim.figure is None:
        assert claim.missing
        assert claim.needed
        return
    assert not claim.missing
    assert claim.why in WHY
    names = {*claim.figure.above, *claim.figure.below, claim.figure.otherwise, claim.figure.weight} - {"", "days"}
    assert names <= MEASURES.keys()
    if claim.figure.by:
        assert all(claim.figure.by in MEASURES[name].by for name in claim.figure.above)


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_level_holds_or_is_missed_by_the_mean_and_the_probability_is_the_share_of_replications(
    today: Loaded, plan: Loaded
) -> None:
    name = "first_response_mean_min"
    found = claims_of(result(today, each(name, [30, 30, 30, 30])), result(plan, each(name, [9, 9, 9, 12])))
    response = verdict(found, "mean response time")
    assert response.status == "holds"
    assert response.open  # three degrees of freedom reach far
    assert response.estimate.mean == pytest.approx(9.75)
    assert response.baseline_value == pytest.approx(30)
    assert response.probability is not None
    assert response.probability.share == 0.75
    missed = verdict(claims_of(result(today, each(name, [30])), result(plan, each(name, [10.1]))), "mean response time")
    assert (missed.status, missed.open, missed.estimate.low) == ("missed", False, None)


def test_no_interval_holds_a_value_that_the_figure_cannot_have(today: Loaded, plan: Loaded) -> None:
    own = [{"satisfaction_recorded_mean": x, "complaints_per_order": y} for x, y in ((1.5, 1e-4), (4.9, 2e-2))]
    base = [{"satisfaction_recorded_mean": 3.5, "complaints_per_order": 1e-2}] * 2
    found = claims_of(result(today, base), result(plan, own))
    satisfaction = verdict(found, "recorded satisfaction").estimate
    assert (satisfaction.low, satisfaction.high) == (1.0, 5.0)
    assert verdict(found, "complaint rate", "before").estimate.low == -1.0


def test_on_the_target_is_enough_in_both_directions() -> None:
    for claim in CLAIMS:
        assert claim.met(claim.target)
        assert claim.met(claim.target + 1) == (claim.comparison == ">=")


def test_the_share_of_replications_has_wilsons_interval() -> None:
    # Ten trials: 0 / 10 → 0 … 0.2775, 5 / 10 → 0.2366 … 0.7634 (Newcombe 1998's method 3 for these counts).
    none, half = probability([False] * 10), probability([True, False] * 5)
    assert none is not None
    assert half is not None
    assert (none.share, none.low, none.high) == pytest.approx((0, 0, 0.27753), abs=1e-5)
    assert (half.share, half.low, half.high) == pytest.approx((0.5, 0.23659, 0.76341), abs=1e-5)
    assert probability([]) is None


def test_a_change_is_that_of_each_replication_against_the_same_replication_of_the_baseline(
    today: Loaded, plan: Loaded
) -> None:
    name, before = "orders_per_user_per_day", [0.10, 0.40, 0.20]
    grown = result(plan, each(name, [1.2 * x for x in before]))
    paired = verdict(claims_of(result(today, each(name, before)), grown), "repeat purchase", "before")
    assert (paired.estimate.mean, paired.estimate.low, paired.estimate.high) == pytest.approx((0.2, 0.2, 0.2))
    assert paired.probability is not None
    assert paired.probability.share == 1.0
    crossed = verdict(claims_of(result(today, each(name, before[::-1])), grown), "repeat purchase", "before")
    assert crossed.estimate.high is not None
    assert crossed.estimate.low is not None
    assert crossed.estimate.high - crossed.estimate.low > 1


def test_replications_are_paired_by_their_number_and_one_that_only_one_side_has_is_left_out(
    today: Loaded, plan: Loaded
) -> None:
    name, before = "orders_per_user_per_day", [0.1, 0.2, 0.4]
    base = result(today, each(name, before))
    grown = result(plan, each(name, [1.2 * x for x in before]))
    mixed = replace(grown, outcomes=(grown.outcomes[2], grown.outcomes[0], Outcome(9, {name: 7.0})))
    found = claims_of(base, mixed)
    assert found.replications == 2
    assert verdict(found, "repeat purchase", "before").estimate.mean == pytest.approx(0.2)


def test_doing_nothing_lets_complaints_grow_with_the_trade_and_nothing_else(today: Loaded, plan: Loaded) -> None:
    base = [{"complaints_per_order": 0.01, "orders_per_user_per_day": 0.1}] * 2
    own = [{"complaints_per_order": 0.006, "orders_per_user_per_day": 0.1}] * 2
    growth = statistics.fmean(1.45 ** ((day + 0.5) / 365) for day in range(7, DAYS))
    found = claims_of(result(today, base), result(plan, own))
    assert verdict(found, "complaint rate", "before").estimate.mean == pytest.approx(-0.4)
    assert verdict(found, "complaint rate", "doing nothing").estimate.mean == pytest.approx(0.6 / growth - 1)
    assert verdict(found, "repeat purchase", "doing nothing").estimate.mean == pytest.approx(0)
    flat = claims_of(result(today, base), result(plan, own), trade_growth=0.0)
    assert verdict(flat, "complaint rate", "doing nothing").estimate.mean == pytest.approx(-0.4)


def test_before_may_be_another_run_than_doing_nothing(today: Loaded, plan: Loaded) -> None:
    name = "orders_per_user_per_day"
    found = claims_of(
        result(today, each(name, [0.08])), result(plan, each(name, [0.10])), before=result(today, each(name, [0.10]))
    )
    assert verdict(found, "repeat purchase", "before").estimate.mean == pytest.approx(0)
    assert verdict(found, "repeat purchase", "doing nothing").estimate.mean == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("weeks", "since"),
    [
        ([12, 9, 9, 9], 2),
        ([9, 9, 9, 9], 1),
        ([9, 9, 9, 12], None),
        ([9, 12, math.nan, 9], 4),
        ([12, 9, math.nan, 9], 2),
    ],
)
def test_a_claim_holds_from_the_first_week_after_which_no_week_misses_it(
    today: Loaded, plan: Loaded, weeks: list[float], since: int | None
) -> None:
    name = "first_response_mean_min"
    found = claims_of(result(today, each(name, [30])), result(plan, each(name, [11]), {name: weeks}))
    assert verdict(found, "mean response time").holds_from_week == since


def test_week_by_week_before_stays_as_it_was_and_doing_nothing_is_the_same_week(today: Loaded, plan: Loaded) -> None:
    name = "orders_per_user_per_day"
    base = result(today, each(name, [0.10]), {name: [0.10, 0.10, 0.05, 0.05]})
    own = result(plan, each(name, [0.10]), {name: [0.10, 0.10, 0.10, 0.10]})
    found = claims_of(base, own)
    assert verdict(found, "repeat purchase", "before").holds_from_week is None
    assert verdict(found, "repeat purchase", "doing nothing").holds_from_week == 3


def test_what_is_not_simulated_says_why_and_never_shows_a_number(today: Loaded, plan: Loaded) -> None:
    found = claims_of(result(today, [{}]), result(plan, [{}]))
    for one in found.verdicts:
        row = one.as_json()
        assert one.status == "not simulated"
        assert "needed: " in one.reason
        assert not found.missed
        assert all(row[key] is None for key in ("estimate", "low", "high", "probability", "holds_from_week"))


def test_a_clock_that_the_scenario_does_not_have_is_named(today: Loaded) -> None:
    found = claims_of(result(today, [{}]), result(today, [{}]))
    assert "no clock 'reply'" in verdict(found, "pre-sales reply within 15 s").reason


def test_runs_of_other_luck_or_other_days_are_refused(today: Loaded, plan: Loaded) -> None:
    other_seed = replace(result(plan, [{}]), plan=Plan("compiled", 2))
    with pytest.raises(ValueError, match="same seed"):
        claims_of(result(today, [{}]), other_seed)
    with pytest.raises(ValueError, match="same days"):
        claims_of(result(today, [{}]), result(load("plan", sets=("horizon.days=30",)), [{}]))


# ── figures of claims ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_peaks_are_the_hours_with_most_contacts_over_the_channels_together() -> None:
    figure = Figure(("service_level_share",), by="channel", keys=("phone", "chat"), weight="offered", peak_hours=1)
    cells = {
        "phone/9": {"offered": 50.0, "service_level_share": 1.0},
        "chat/9": {"offered": 50.0, "service_level_share": 0.8},
        "chat/20": {"offered": 90.0, "service_level_share": 0.1},
    }
    outcome = Outcome(0, {}, {"channel/hour": cells})
    assert peaks(figure, outcome) == ["phone/9", "chat/9"]
    assert value(figure, outcome, Days(7, 35)) == pytest.approx(0.9)


def test_totals_are_taken_per_day_so_that_runs_of_other_lengths_compare() -> None:
    figure = Figure(("commission_yuan",), below=("leaders_mean", "days"))
    outcome = Outcome(0, {"commission_yuan": 5600.0, "leaders_mean": 100.0})
    assert value(figure, outcome, Days(7, 35)) == pytest.approx(2.0)


def test_only_whole_weeks_count_unless_there_is_none() -> None:
    assert Days(7, 35).weeks == [1, 2, 3, 4]
    assert Days(3, 31).weeks == [1, 2, 3]
    assert Days(1, 5).weeks == [0]
    assert Days(1, 5).of_week(0) == 4


def test_groups_of_two_breakdowns_add_up_to_those_of_one(small_record: Record) -> None:
    view = CrossedView(small_record)
    crossed = groups(view, "channel/hour", ["offered"])
    alone = figures_by(small_record, "channel", ["offered"])
    for channel, row in alone.items():
        assert math.fsum(crossed[f"{channel}/{hour}"]["offered"] for hour in range(24)) == row["offered"]
    complaints = groups(view, "cause/week", ["complaints"])
    whole = figures(small_record, ["complaints"])["complaints"]
    assert math.fsum(row["complaints"] for row in complaints.values()) == whole > 0
    three = groups(view, "channel/hour/week", ["offered"])
    assert math.fsum(row["offered"] for row in three.values()) == figures(small_record, ["offered"])["offered"]


def test_a_group_of_two_breakdowns_has_the_figure_of_its_rows(small_record: Record) -> None:
    view = CrossedView(small_record)
    crossed = groups(view, "channel/hour", ["first_response_mean_min"])
    contacts, names = view.contacts, small_record.names
    hour = contacts.arrived // 3_600_000 % 24
    chat = np.array([channel == "chat" for channel in names.channels])[contacts.kind]
    rows = chat & (hour == 18) & (contacts.answered_at >= 0)
    mean = float(np.mean(contacts.answered_at[rows] - contacts.arrived[rows])) / 60_000
    assert crossed["chat/18"]["first_response_mean_min"] == pytest.approx(mean)


def test_a_row_without_a_group_in_one_breakdown_is_in_no_group_of_both(small_record: Record) -> None:
    both = crossing(small_record, "channel/hour")
    assert isinstance(both, Crossing)
    assert both.joined([np.array([1, -1, 2]), np.array([3, 3, -1])]).tolist() == [27, -1, -1]


def test_settled_within_two_hours_is_less_than_within_a_day_and_unknown_without_rows(small_record: Record) -> None:
    (fruit,) = [claim.figure for claim in CLAIMS if claim.text == "bad fruit settled within 2 h"]
    assert fruit is not None
    days = Days(1, 9)
    within_two = value(fruit, seen(small_record), days)
    within_day = figures_by(small_record, "cause", ["closed_within_24h_share"])["quality"]["closed_within_24h_share"]
    assert 0 < within_two < within_day
    assert math.isnan(value(fruit, seen(replace(small_record, has_trace=False)), days))


# ── reasons ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_hours_are_put_together_over_midnight_and_shares_are_of_all_that_is_too_much() -> None:
    cells = {f"group/{hour}": 0.0 for hour in range(24)}
    cells |= {"group/22": 29.0, "group/23": 20.0, "group/0": 10.0, "group/5": 1.0, "chat/8": 40.0, "chat/9": -500.0}
    assert spans(cells)["leaders' groups 22–1 h"] == 59.0
    assert len(spans(cells)) == 2  # what is less than the mean hour's is in none
    assert hours_text(cells) == "leaders' groups 22–1 h 59 %, chat 8–9 h 40 %"
    assert shares({"chat": 1.0, "group": 3.0, "phone": -9.0}) == "leaders' groups 75 %, chat 25 %"
    assert shares({}) == ""


def test_the_channel_that_is_slow_is_named_first(today: Loaded, plan: Loaded) -> None:
    cell: Callable[[float, float], dict[str, float]] = lambda n, mean: {  # noqa: E731
        "offered": n,
        "unanswered_share": 0.0,
        "first_response_mean_min": mean,
    }
    cells = {"chat/10": cell(100, 11), "group/18": cell(100, 40), "phone/9": cell(100, 1)}
    own = Result(plan, Plan("compiled", 1), (Outcome(0, {"first_response_mean_min": 52 / 3}, {"channel/hour": cells}),))
    found = claims_of(result(today, each("first_response_mean_min", [30])), own)
    reason = verdict(found, "mean response time").reason
    assert "beyond 10 min: leaders' groups 97 %" in reason
    assert "phone" not in reason


def test_what_drove_users_away_adds_up_to_all_who_left(small: Claims, plan: Loaded) -> None:
    own = {
        "users_lost_per_month_share": 0.07,
        "users_lost_without_problem_share": 0.4,
        "users_taken_along_share": 0.1,
        "orders_per_user_per_day": 0.15,
        "problems_per_order": 0.08,
        "problems_silent_share": 0.6,
    }
    parts = lost_parts(Evidence(plan, plan, [Outcome(0, own)], [Outcome(0, own)]))
    assert math.fsum(parts.values()) == pytest.approx(0.07)
    assert parts["without a problem"] == pytest.approx(0.028)
    assert plan.scenario.world is not None
    leave = plan.scenario.world.moods.loss.silent_share
    assert parts["silent problems"] == pytest.approx(30 * 0.15 * 0.08 * 0.6 * leave)


# ── draws of the assumptions ─────────────────────────────────────────────────────────────────────────────────────


def test_the_triangular_quantile_meets_the_ends_the_peak_and_the_median_of_a_symmetric_range() -> None:
    assert triangular(0.0, 1, 3, 5) == pytest.approx(1)
    assert triangular(1.0, 1, 3, 5) == pytest.approx(5)
    assert triangular(0.5, 1, 3, 5) == pytest.approx(3)
    assert triangular(0.25, 1, 2, 5) == pytest.approx(2)  # a quarter of the mass lies below the peak
    assert triangular(0.3, 2, 2, 2) == 2
    assert triangular(0.0, 2, 2, 4) == 2


def test_a_scenario_and_its_baseline_assume_the_same(today: Loaded, plan: Loaded) -> None:
    ours, theirs = draws(plan, 1, 4), draws(today, 1, 4)
    a, b = plan.scenario.assumptions, today.scenario.assumptions
    same = [name for name in ours if name in theirs and a[name] == b[name]]
    assert len(same) > 100
    assert all(ours[name] == theirs[name] for name in same)
    assert all(a[name].low <= ours[name] <= a[name].high for name in ours)
    assert draws(plan, 1, 5) != ours
    assert draws(plan, 2, 4) != ours
    assert draws(plan, 1, 4, attempt=1) != ours


def test_what_has_to_be_whole_is_drawn_whole(today: Loaded) -> None:
    assert whole_numbers(today)["leaders"] == 2
    found = [draws(today, 1, draw)["leaders"] / 50 for draw in range(20)]
    assert all(number == round(number) for number in found)
    assert len(set(found)) > 3


def test_a_drawn_scenario_is_sound_and_has_the_drawn_numbers(today: Loaded, plan: Loaded) -> None:
    made = drawn({"plan": plan, "today": today}, 1, 0)
    used = made["plan"].scenario.assumptions["voiced_share"].used
    assert used == draws(plan, 1, 0)["voiced_share"] == made["today"].scenario.assumptions["voiced_share"].used
    assert used != plan.scenario.assumptions["voiced_share"].used


def _today_under_draws(sets: tuple[str, ...]) -> list[Outcome]:
    made = [drawn({"today": load("today", sets=sets), "plan": load("plan", sets=sets)}, 1, r)["today"] for r in (0, 1)]
    return [seen(replicate(build_loaded(one), 1, r)) for r, one in enumerate(made)]


def test_probabilities_are_over_the_draws_when_these_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = tuple(one for one in SMALL if "horizon" not in one)
    short = (*sets, "horizon.days=3", "horizon.warm_up_days=1")
    asked: list[tuple[tuple[str, ...], int]] = []

    def noted(loadeds: Mapping[str, Loaded], seed: int, draw: int) -> dict[str, Loaded]:
        asked.append((tuple(loadeds), draw))
        return drawn(loadeds, seed, draw)

    monkeypatch.setattr(runs_module, "drawn", noted)
    one = hold([load("plan", sets=short)], load("today", sets=short), engine="compiled", replications=1, draws=2)[0]
    assert asked == [(("own 0", "doing nothing"), 0), (("own 0", "doing nothing"), 1)]
    response = verdict(one, "mean response time")
    assert one.draws == 2
    assert response.over_draws is not None
    assert response.over_draws.replications == 2
    assert response.spread is not None
    assert response.spread[0] <= response.spread[1]
    own = [o.figures["first_response_mean_min"] for o in _today_under_draws(short)]
    assert response.baseline_spread == pytest.approx(tuple(np.quantile(own, (0.05, 0.95))))
    assert response.estimate.replications == 1
    show_claims(one)
    assert "They are not held against what is known of today" in " ".join(capsys.readouterr().out.split())


# ── whole runs ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_promised_object_comes_out_for_every_fact(small: Claims) -> None:
    data = json.loads(json.dumps(small.as_json(), allow_nan=False))
    assert {"scenario", "hash", "claims"} <= data.keys()
    assert {row["fact"] for row in data["claims"]} == set(FACTS)
    promised = {"fact", "measure", "comparison", "target", "estimate", "low", "high", "probability", "holds_from_week"}
    assert all(promised | {"reason"} <= row.keys() for row in data["claims"])
    for row in data["claims"]:
        assert row["status"] in ("holds", "missed", "not simulated")
        assert row["probability"] is None or 0 <= row["probability"] <= 1
        if row["estimate"] is not None:
            met = row["estimate"] <= row["target"] if row["comparison"] == "<=" else row["estimate"] >= row["target"]
            assert row["status"] == ("holds" if met else "missed")
        if row["status"] != "holds":
            assert row["reason"]


def test_a_claim_relative_to_the_baseline_is_shown_against_before_and_against_doing_nothing(small: Claims) -> None:
    relative = [v for v in small.verdicts if v.claim.relative and v.claim.figure is not None]
    assert {v.against for v in relative} == {"before", "doing nothing"}
    assert sum(v.against == "before" for v in relative) == len(relative) / 2


def test_the_same_as_the_baseline_changes_nothing() -> None:
    same = load("today", sets=SMALL)
    found = hold([same], same, engine="compiled", replications=2, trade_growth=0.0)[0]
    changes = [v for v in found.verdicts if v.claim.relative and math.isfinite(v.estimate.mean)]
    assert changes
    assert all(v.estimate.mean == v.estimate.low == v.estimate.high == 0 for v in changes)


def test_runs_that_there_are_give_the_same_table_as_runs_of_its_own(small: Claims) -> None:
    both = [load(name, sets=SMALL) for name in ("today", "plan")]
    results = watch(both, engine="compiled", replications=2, by=("pool",))
    assert claims_of(*results).as_json() == small.as_json()
    assert "occupancy_share" in results[0].by("pool")["leaders"]
    assert "wait_p90_s" in results[0].measures


def test_a_longer_run_has_its_first_four_weeks_as_before() -> None:
    sets = tuple(one for one in SMALL if "horizon" not in one)
    longer = (*sets, "horizon.days=36", "horizon.warm_up_days=1")
    found = hold([load("plan", sets=longer)], load("today", sets=longer), engine="compiled", replications=1)[0]
    first_weeks = load("today", sets=(*sets, "horizon.days=29", "horizon.warm_up_days=1"))
    (short,) = watch([first_weeks], engine="compiled", replications=1)
    name = "orders_per_user_per_day"
    assert verdict(found, "repeat purchase", "before").baseline_value == short.measures[name].mean
    nothing = verdict(found, "repeat purchase", "doing nothing").baseline_value
    assert nothing != short.measures[name].mean


def test_the_table_for_people_shows_what_is_simulated_and_says_the_rest_in_words(
    small: Claims, capsys: pytest.CaptureFixture[str]
) -> None:
    show_claims(small)
    out = " ".join(capsys.readouterr().out.split())
    assert "mean response time ≤ 10 min" in out
    assert "Why not" in out
    assert "Not simulated" in out
    assert "F55 standard known, training done: training is not a process" in out
    assert "nan" not in out


# ── the command ──────────────────────────────────────────────────────────────────────────────────────────────────


def small_files(folder: Path) -> tuple[str, str]:
    """Files of the small plan and of its baseline."""
    paths = []
    for name in ("today", "plan"):
        path = folder / f"small_{name}.yaml"
        tree = load(name, sets=(*SMALL, "horizon.days=4")).text
        path.write_text(tree, encoding="utf-8")
        paths.append(str(path))
    return paths[0], paths[1]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(linli, ["claims", *arguments, "--workers", "1"])
    return done.exit_code, done.stdout


def test_require_is_exit_3_for_a_missed_claim_and_0_for_one_that_is_not_simulated(tmp_path: Path) -> None:
    base, own = small_files(tmp_path)
    common = (own, "--baseline", base, "--replications", "1", "--json")
    status, out = run(*common, "--facts", "F46", "--require")
    assert status == 3
    assert "missed" in {row["status"] for row in json.loads(out)["claims"]}
    status, out = run(*common, "--facts", "F46")
    assert status == 0
    status, out = run(*common, "--facts", "F55", "--require")
    assert status == 0
    assert {row["fact"] for row in json.loads(out)["claims"]} == {"F55"}


def test_several_scenarios_are_one_object(tmp_path: Path) -> None:
    base, own = small_files(tmp_path)
    status, out = run(own, base, "--baseline", base, "--replications", "1", "--days", "3", "--json")
    assert status == 0
    assert [one["scenario"] for one in json.loads(out)["scenarios"]] == ["plan", "today"]


@pytest.mark.parametrize(
    ("scenario", "words"),
    [("plan_pilot", "15,000 users at the start"), ("mmc", "no world")],
)
def test_a_scenario_that_cannot_be_compared_is_refused_in_a_sentence(scenario: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        hold([load(scenario)], load("today"), engine="compiled", replications=1)


def test_a_fact_that_is_no_claim_is_refused_with_those_that_are(today: Loaded) -> None:
    with pytest.raises(InputError, match=r"F99.*allowed: F23, F24"):
        hold([today], today, engine="compiled", replications=1, facts=("F99",))
