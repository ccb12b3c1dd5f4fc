"""What is changed for each question that the plan's checks ask of a scenario, and when it is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.problems import InputError, Problem
from sim.scenario import Scenario
from sim.study.paired_runs import Variant, changed

if TYPE_CHECKING:
    from sim.library import Loaded
    from sim.sections.world import World

MONTH, WEEK, FOUR_WEEKS, HALF_YEAR = 30, 7, 28, 182
"""Days."""

RUN_OFF_DAYS = 2
"""A run goes on after the days whose response times are looked at, until their contacts are answered."""

REPEAT_FIRST, REPEAT_UNTIL = 60, 90
"""The third month after a change that lasts: F17 and F33 are held against repeat purchase within three months."""

SLOW_NOTICE_MIN = {"leader_notice_median_min": 90.0, "leader_notice_mean_min": 180.0}
"""F16: leaders who look at the group every two or three hours; beyond the range, for a response that is half an hour
later on the mean of all channels."""

AGENTS_FACTOR = 2
"""F16: so many times as many users for each agent."""

CONTENT_POINTS = 0.35
"""F17: a tenth of today's 3.5 (F52), added to the start of each case's satisfaction; scaled to ten per cent after."""

LATE_HOURS = 7
"""F17: vans leave so much later that no goods are in time."""

DOWN_HOURS, DOWN_PACE = 24, 0.5
"""F63: the system is down for a day, and agents register by hand at half their pace."""

LEAVING_SHARE = 0.1
"""F64: so many of the leaders leave on one evening; what follows is divided by their number."""

COLUMNS = (
    "users",
    "orders",
    "orders_delivered",
    "orders_late",
    "complaints",
    "first_response_ms",
    "contacts_answered",
    "cases_judged",
    "case_time_ms",
    "satisfaction_true",
    "leaders",
    "leaders_lost",
    "gmv_yuan",
    "wages_yuan",
    "training_yuan",
    "systems_yuan",
    "incentives_yuan",
    "compensation_yuan",
    "refunds_yuan",
)
"""Sums by day that the checks read."""


@dataclass(frozen=True)
class Asked:
    """What is run. ``start`` : first day after the warm-up, on which events begin. ``days`` : longest run.
    ``base_until`` : end of the days on which the scenario's own totals are looked at. ``scenarios`` : by name of the
    variant. ``missing`` : why a variant is not run."""

    start: int
    days: int
    base_until: int
    scenarios: dict[str, Scenario]
    missing: dict[str, str]


def world_of(loaded: Loaded) -> World:
    """The world of a scenario.

    Raises
    ------
    InputError
        If it has none.
    """
    world = loaded.scenario.world
    if world is None:
        raise InputError(
            [loaded.problem(("world",), "there is no world to check", "a scenario with a section 'world'")]
        )
    return world


def variants(loaded: Loaded, days: int | None = None, against: Loaded | None = None) -> Asked:
    """The scenario and its variants, for runs of at most so many days."""
    world_of(loaded)
    start = math.ceil(loaded.scenario.horizon.warm_up_days)
    longest = start + WEEK + HALF_YEAR
    limit = min(days or longest, longest)
    base_until = max(min(start + FOUR_WEEKS, limit - RUN_OFF_DAYS), start)
    scenarios: dict[str, Scenario] = {}
    missing: dict[str, str] = {}
    for name, make in _questions(loaded, start, min(start + FOUR_WEEKS + RUN_OFF_DAYS, limit), limit):
        try:
            variant = make()
            if variant.days > limit:
                missing[name] = f"needs a run of {variant.days} days"
            else:
                scenarios[name] = changed(loaded, variant)
        except InputError as error:
            if name == "base":
                raise
            problem: Problem = error.problems[0]
            missing[name] = f"the scenario lacks what it changes: {problem.message}"
    if against is not None:
        world_of(against)
        scenarios["against"] = changed(against, Variant("against", min(start + FOUR_WEEKS + RUN_OFF_DAYS, limit)))
    return Asked(start, limit, base_until, scenarios, missing)


def _questions(loaded: Loaded, start: int, short: int, limit: int) -> Iterator[tuple[str, Callable[[], Variant]]]:
    """Names of the variants, and how each is made. ``short`` : length of runs for totals."""

    def event(name: str, run_days: int, what: str, **fields: float) -> tuple[str, Callable[[], Variant]]:
        return name, lambda: Variant(name, run_days, events=({"event": what, "day": start, **fields},))

    def settings(name: str, days: int, sets: Callable[[Loaded], tuple[str, ...]]) -> tuple[str, Callable[[], Variant]]:
        return name, lambda: Variant(name, days, sets(loaded))

    worst = world_of(loaded).calendar.weather.factor_high
    yield "base", lambda: Variant("base", limit)
    yield settings("slow_leaders", short, _slow_leaders)
    yield settings("few_agents", short, _few_agents)
    yield settings("content", REPEAT_UNTIL, _content)
    yield settings("trained", REPEAT_UNTIL, _trained)
    yield event("late_week", start + WEEK + HALF_YEAR, "late_goods", hours=LATE_HOURS, days=WEEK)
    yield event("post", start + 1 + WEEK, "post")
    yield event("scandal", start + 1 + MONTH, "scandal")
    yield event("down", start + WEEK, "system_down", hours=DOWN_HOURS, pace_factor=DOWN_PACE)
    yield event("leave", start + 1 + MONTH, "leaders_leave", share=LEAVING_SHARE)
    yield event("weather", start + WEEK + FOUR_WEEKS, "bad_weather", driving_factor=worst, days=WEEK)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _slow_leaders(loaded: Loaded) -> tuple[str, ...]:
    return tuple(one for name, value in SLOW_NOTICE_MIN.items() for one in _set(loaded, name, value, 0.0))


def _few_agents(loaded: Loaded) -> tuple[str, ...]:
    return _set(loaded, "users_per_agent", 0.0, AGENTS_FACTOR)


def _content(loaded: Loaded) -> tuple[str, ...]:
    """All starts of a case's satisfaction raised alike, as far as the scale goes."""
    starts = world_of(loaded).moods.satisfaction
    more = min(CONTENT_POINTS, 5 - starts.solved_start)
    names = ("solved_start", "unsolved_start", "given_up_start")
    return tuple(f"world.moods.satisfaction.{name}={getattr(starts, name) + more!r}" for name in names)


def _trained(loaded: Loaded) -> tuple[str, ...]:
    """Leaders at the good end of what is assumed of them: they look soon, settle more, and answer right."""
    ends = {
        "leader_notice_median_min": "low",
        "leader_notice_mean_min": "low",
        "leader_settles_share": "high",
        "answer_right_share": "high",
    }
    return tuple(f"assumptions.{name}={_assumption(loaded, name)[end]!r}" for name, end in ends.items())


def _set(loaded: Loaded, name: str, number: float, factor: float) -> tuple[str, ...]:
    """A number of the scenario as a number and so many times itself; an assumption's range gives way to it."""
    inputs = loaded.tree.get("inputs", {})
    if name in inputs:
        return (f"inputs.{name}={number + factor * inputs[name]['value']!r}",)
    entry = _assumption(loaded, name)
    value = number + factor * entry.get("value", entry["default"])
    return f"assumptions.{name}.high={max(entry['high'], value)!r}", f"assumptions.{name}={value!r}"


def _assumption(loaded: Loaded, name: str) -> dict[str, float]:
    known = loaded.tree.get("assumptions", {})
    if name not in known:
        raise InputError([Problem(("assumptions",), f"no assumption '{name}'", "a scenario that has it")])
    entry: dict[str, float] = known[name]
    return entry
