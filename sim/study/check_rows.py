"""The rows of the table of checks: what the plan says (FACTS), and how the model's own figure is got."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from sim.study.check_events import late_goods, leader_leaves, system_down, weather_and_words, word_of_mouth
from sim.study.check_evidence import Evidence
from sim.study.check_variants import AGENTS_FACTOR, REPEAT_FIRST, REPEAT_UNTIL, SLOW_NOTICE_MIN, Asked, world_of
from sim.study.checks import Check, estimated, exact, unknown
from sim.study.paired_runs import Runs
from sim.world.rounds import round_lengths

if TYPE_CHECKING:
    from sim.library import Loaded

MIN_MS, H_MS = 60_000, 3_600_000

LEAST_LATER_H = 1 / 12
"""A slope per hour is taken from no less than five minutes."""

TRADE_GROWTH = 0.45
"""F14: complaints of the trade in a year. No mechanism of the model: it only says against what a change is meant."""


def rows(loaded: Loaded, asked: Asked, runs: Runs) -> Iterator[Check]:
    """All rows, in order of the facts."""
    evidence = Evidence(world_of(loaded), asked, runs)
    parts: tuple[Callable[[Evidence], Iterator[Check]], ...] = (
        _causes_and_places,
        _trade,
        _later_answers,
        _repeat_purchase,
        late_goods,
        word_of_mouth,
        _response_times,
        _rounds,
        _trained_leaders,
        system_down,
        leader_leaves,
        weather_and_words,
    )
    for part in parts:
        yield from part(evidence)


# ── complaints ───────────────────────────────────────────────────────────────────────────────────────────────────


def _causes_and_places(e: Evidence) -> Iterator[Check]:
    causes = {
        "product quality": (0.35, ("quality", "weight")),
        "delivery": (0.28, ("late", "missing", "pick_up")),
        "being passed around": (0.22, ("passed_around",)),
        "the unnamed rest": (0.15, ("none", "other")),
    }
    (everything,) = e.sums("base", e.own_days, "complaints")
    how = "complaints beyond the case, by cause: quality and weight; late, missing, pick-up; passed around; other"
    for name, (share, chosen) in causes.items():
        part = e.sums("base", e.own_days, "complaints", causes=chosen)
        found = estimated(lambda some, all_: some / all_, [*part, everything], "share")
        yield e.row("F12", f"complaints about {name}", share, "share", found, how)
    places = {"chat group": (0.40, "group"), "12315": (0.30, "regulator"), "own entry": (0.20, "own_entry")}
    places["social media"] = (0.10, "social")
    for name, (share, place) in places.items():
        part = e.sums("base", e.own_days, "complaints", channels=(place,))
        found = estimated(lambda some, all_: some / all_, [*part, everything], "share")
        yield e.row("F13", f"complaints: {name}", share, "share", found, "the same complaints by place")


def _trade(e: Evidence) -> Iterator[Check]:
    if "against" not in e.asked.scenarios:
        return
    columns = e.sums("base", e.own_days, "complaints", "orders_delivered")
    columns += e.sums("against", e.own_days, "complaints", "orders_delivered")
    how = f"complaints per order of the other scenario; doing nothing: this scenario's, {100 * TRADE_GROWTH:.0f} % more"
    for against, growth in (("before", 0.0), ("doing nothing for a year", TRADE_GROWTH)):

        def change(a: float, n: float, c: float, m: float, growth: float = growth) -> float:
            return (c / m) / (a / n * (1 + growth)) - 1

        found = estimated(change, columns, "change")
        yield e.row("F14", f"complaint rate against {against}", -0.5, "change", found, how, kind="claim", no_effect=0)


def _later_answers(e: Evidence) -> Iterator[Check]:
    seldom = max(SLOW_NOTICE_MIN.values())
    ways = {
        "slow_leaders": ("leaders look seldom", f"leaders look after {seldom:.0f} min on average"),
        "few_agents": ("fewer agents", f"{AGENTS_FACTOR} times as many users for each agent"),
    }
    columns = ("complaints", "orders_delivered", "first_response_ms", "contacts_answered")
    for variant, (name, what) in ways.items():
        sums = e.paired(variant, e.own_days, *columns)
        later = estimated(_later_h, sums, "h")
        text = f"{60 * later.mean:.0f} min later" if math.isfinite(later.mean) else "later"
        how = f"{what}: first response {text}; ratio of complaints per order, to the power of 1 / hours"
        found = estimated(_slope_per_h, sums, "change")
        yield e.row("F16", f"complaints per hour later: {name}", 0.37, "change", found, how, of=variant, no_effect=0)


def _later_h(c0: float, n0: float, ms0: float, a0: float, c1: float, n1: float, ms1: float, a1: float) -> float:
    """Hours by which the mean first response is later; NaN for less than can bear a slope."""
    later = (ms1 / a1 - ms0 / a0) / H_MS
    return later if later >= LEAST_LATER_H else math.nan


def _slope_per_h(c0: float, n0: float, ms0: float, a0: float, c1: float, n1: float, ms1: float, a1: float) -> float:
    later = _later_h(c0, n0, ms0, a0, c1, n1, ms1, a1)
    return float(((c1 / n1) / (c0 / n0)) ** (1 / later) - 1)


# ── repeat purchase ──────────────────────────────────────────────────────────────────────────────────────────────


def _repeat_purchase(e: Evidence) -> Iterator[Check]:
    days = (REPEAT_FIRST, REPEAT_UNTIL)
    how = "starts of satisfaction raised in every case; orders in the third month, scaled to +10 % of the true mean"
    for name, per in (("orders per user", "users"), ("orders in all", "")):

        def slope(j0: float, s0: float, o0: float, u0: float, j1: float, s1: float, o1: float, u1: float) -> float:
            more = math.log(1.1) / np.log((s1 / j1) / (s0 / j0))
            return float((o1 / u1 / (o0 / u0)) ** more - 1)

        columns = e.paired("content", days, "cases_judged", "satisfaction_true", "orders", per or ())
        if not per:
            columns[3] = columns[7] = np.ones(e.runs.replications)
        found = estimated(slope, columns, "change")
        what = f"satisfaction +10 %: {name}"
        yield e.row("F17", what, 0.23, "change", found, how, of="content", no_effect=0)


# ── response, rounds, training ───────────────────────────────────────────────────────────────────────────────────


def _response_times(e: Evidence) -> Iterator[Check]:
    how = "arrival to the first answer of a person, around the clock, over answered contacts"
    channels: dict[str, tuple[float | tuple[float, float], tuple[str, ...]]] = {
        "first response, all channels": (30, ()),
        "first response in app chats (good apps: 15 s)": (0.25, ("chat",)),
        "first response in leaders' groups": ((10, 120), ("group",)),
    }
    for what, (plan, chosen) in channels.items():
        sums = e.sums("base", e.own_days, "first_response_ms", "contacts_answered", channels=chosen)
        found = estimated(lambda ms, n: ms / n / MIN_MS, sums, "min")
        yield e.row("F20", what, plan, "min", found, how)


def _rounds(e: Evidence) -> Iterator[Check]:
    sums = e.sums("base", e.own_days, "orders_delivered", "leaders")
    found = estimated(lambda n, leaders: _round_min(e, n / leaders), sums, "min")
    how = "round by habit at this scenario's orders per leader and day, ordinary weather"
    yield e.row("F31", "leader's round today", 120, "min", found, how, kind="claim")
    per_leader = _orders_for_a_round(e, 120)
    how = "no number of orders makes the round by habit 120 min"
    shorter = {"optimised": unknown("min"), "traffic_aware": unknown("min")}
    if per_leader is not None:
        how = f"with {per_leader} orders per leader and day, of which the round by habit takes 120 min"
        lengths = round_lengths(e.world.fleet, per_leader)
        shorter = {order: exact(minutes, "min") for order, minutes in lengths.items()}
    for order, plan, what in (("optimised", 90, "route optimised"), ("traffic_aware", 85, "traffic and weather too")):
        what = f"a round of 120 min: {what}"
        yield e.row("F31", what, plan, "min", shorter[order], how, kind="claim", no_effect=120)


def _round_min(e: Evidence, orders_per_leader: float) -> float:
    """Length of a round by habit, between the whole numbers of orders."""
    if not math.isfinite(orders_per_leader):
        return math.nan
    below = math.floor(orders_per_leader)
    low, high = (round_lengths(e.world.fleet, n)["habit"] for n in (below, below + 1))
    return low + (high - low) * (orders_per_leader - below)


def _orders_for_a_round(e: Evidence, minutes: float) -> int | None:
    """Fewest orders per leader and day with which a round by habit takes so long; None where no number is found."""
    most = 2048
    if round_lengths(e.world.fleet, most)["habit"] < minutes:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if round_lengths(e.world.fleet, middle)["habit"] < minutes else (low, middle)
    return high


def _trained_leaders(e: Evidence) -> Iterator[Check]:
    days = (REPEAT_FIRST, REPEAT_UNTIL)
    how = (
        "trained: leaders look soon, settle more and answer right (good ends of the ranges); group cases, from first "
        "contact to last end; third month"
    )
    columns = ("case_time_ms", "cases_judged")
    for variant, plan, what in (("base", 48, "today"), ("trained", 12, "trained")):
        found = estimated(lambda ms, n: ms / n / H_MS, e.sums(variant, days, *columns, channels=("group",)), "h")
        yield e.row("F33", f"after-sales by leaders, {what}", plan, "h", found, how, of="trained")
    found = e.change("trained", days, *columns, channels=("group",))
    yield e.row("F33", "leaders trained: time to settle", -0.75, "change", found, how, of="trained", no_effect=0)
    found = e.change("trained", days, "orders", "users")
    yield e.row("F33", "leaders trained: orders per user", 0.25, "change", found, how, of="trained", no_effect=0)
