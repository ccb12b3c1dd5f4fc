"""What a claim's figure says in one replication: over the run, and week by week."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.claims.crossed import CROSS, CrossedView, groups
from sim.claims.promises import CLAIMS, Figure
from sim.measures import MEASURES, Key, figures, figures_by
from sim.measures.measure import HOUR
from sim.scenario import Scenario
from sim.service.record import Record
from sim.study.replicate import Outcome

DAYS = "days"
WEEK_DAYS = 7

EXPLAINED: dict[str, tuple[str, ...]] = {
    "week": (),
    "channel": (
        *("offered", "unanswered_share", "first_response_mean_min", "cases", "ratings_share"),
        *("satisfaction_recorded_mean", "complaints"),
    ),
    "channel/hour": ("offered", "service_level_share", "unanswered_share", "first_response_mean_min"),
    "clock/kind": ("clocks_expired",),
    "clock/hour": ("clocks_expired",),
    "kind": ("cases", "resolved_first_contact_share", "called_back_share"),
    "cause": (
        *("cases", "resolved_first_contact_share", "ratings_share", "satisfaction_recorded_mean"),
        *("complaints", "compensation_yuan", "refunds_yuan"),
    ),
    "cause/channel within 2 h": ("cases", "closed_within_24h_share"),
    "cause/hour within 2 h": ("cases", "closed_within_24h_share"),
    "weekday": ("leader_round_mean_min",),
    "pool": ("busy_h",),
}
"""Groups that reasons are made from, with their figures."""


@dataclass(frozen=True)
class Days:
    """Days that count: from the first whole one after the warm-up to before ``until``."""

    first: int
    until: int

    @property
    def number(self) -> int:
        """How many."""
        return max(self.until - self.first, 0)

    def of_week(self, week: int) -> int:
        """Days of a week of the run that count."""
        return max(min(self.until, WEEK_DAYS * (week + 1)) - max(self.first, WEEK_DAYS * week), 0)

    @property
    def weeks(self) -> list[int]:
        """Weeks of which all days count; in a shorter run, those of which some do."""
        touched = range(self.first // WEEK_DAYS, -(-self.until // WEEK_DAYS))
        whole = [week for week in touched if self.of_week(week) == WEEK_DAYS]
        return whole or [week for week in touched if self.of_week(week)]


def days_of(scenario: Scenario) -> Days:
    """The days of a scenario's run that count."""
    horizon = scenario.horizon
    return Days(math.ceil(horizon.warm_up_days), horizon.days)


# ── what is kept of a replication ────────────────────────────────────────────────────────────────────────────────


def seen(record: Record, by: Sequence[str] = (), *, everything: bool = True) -> Outcome:
    """Figures of a record, and the groups that claims and their reasons are made from.

    Parameters
    ----------
    by : breakdowns that are kept besides, with all their figures.
    everything : all figures of the whole; otherwise only what claims are about.
    """
    view = CrossedView(record)
    found = figures(record, None if everything else WHOLE, view=view)
    broken_down: dict[str, dict[Key, dict[str, float]]] = {}
    for name, wanted in GROUPS.items():
        split, within_h = _asked(name)
        if not within_h:
            broken_down[name] = groups(view, split, wanted)
        elif record.has_trace:  # sums by day know the scenario's own time alone
            broken_down[name] = groups(_within(view, within_h), split, wanted)
    for name in by:
        own, all_of_it = broken_down.get(name, {}), figures_by(record, name, view=view)
        broken_down[name] = {key: {**own.get(key, {}), **one} for key, one in all_of_it.items()}
    return Outcome(record.replication, found, broken_down)


def _within(view: CrossedView, hours: float) -> CrossedView:
    """The same tables, for figures of cases that are closed within another time."""
    other = copy.copy(view)
    settings = replace(view.record.settings, closed_within_ms=round(hours * HOUR))
    other.record = replace(view.record, settings=settings)
    return other


def group_name(figure: Figure, *, weekly: bool) -> str:
    """Name under which a figure's groups are kept."""
    parts = [figure.by] if figure.by else []
    parts += ["hour"] if figure.peak_hours else []
    parts += ["week"] if weekly else []
    return CROSS.join(parts) + (f" within {figure.within_h:g} h" if figure.within_h else "")


def _asked(name: str) -> tuple[str, float]:
    """Breakdown and time of a name that ``group_name`` made."""
    split, _, hours = name.partition(" within ")
    return split, float(hours.removesuffix(" h")) if hours else 0.0


def _parts(figure: Figure) -> tuple[str, ...]:
    """Registered figures that a figure is made from."""
    names = (*figure.above, *figure.below, figure.otherwise, figure.weight)
    return tuple(name for name in names if name and name != DAYS)


def _wanted(claimed: Iterable[Figure]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    whole: dict[str, None] = {}
    split: dict[str, dict[str, None]] = {name: dict.fromkeys(names) for name, names in EXPLAINED.items()}
    for figure in claimed:
        if not figure.by:
            whole |= dict.fromkeys(_parts(figure))
        for weekly in (False, True):
            if name := group_name(figure, weekly=weekly):
                split.setdefault(name, {}).update(dict.fromkeys(_parts(figure)))
    whole |= dict.fromkeys(FOR_REASONS)
    return tuple(whole), {name: tuple(names) for name, names in split.items()}


FOR_REASONS = (
    *("users_mean", "orders", "orders_per_user_per_day", "orders_lost_enquiries_share", "agents_mean", "leaders_mean"),
    *("problems_per_order", "problems_silent_share", "users_lost_without_problem_share", "users_taken_along_share"),
    *("reopened_share", "satisfaction_true_mean", "compensation_yuan", "refunds_yuan", "first_response_open_mean_min"),
    *("late_delivery_share", "closed_within_24h_share"),
)
"""Figures of the whole that reasons quote."""

WHOLE, GROUPS = _wanted(claim.figure for claim in CLAIMS if claim.figure is not None)
"""Figures of the whole, and by breakdown, that a replication has to keep."""


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────


def value(figure: Figure, outcome: Outcome, days: Days, week: int | None = None) -> float:
    """Value of a claim's figure in a replication (in one week of it); NaN where it has none."""
    kept = outcome.by.get(group_name(figure, weekly=week is not None), {})
    tail = "" if week is None else f"{CROSS}{week}"
    if not figure.by:
        return _made(figure, outcome.figures if week is None else kept.get(week, {}), days, week)
    if figure.peak_hours:
        rows = [kept.get(f"{key}{tail}", {}) for key in peaks(figure, outcome)]
        return _weighted(figure, rows)
    rows = [kept.get(f"{key}{tail}", {}) for key in figure.keys]
    return _made(figure, rows[0], days, week) if len(rows) == 1 else _weighted(figure, rows)


def peaks(figure: Figure, outcome: Outcome) -> list[str]:
    """Keys ``channel/hour`` of the busiest hours of the day, in all of the figure's channels."""
    kept = outcome.by.get(group_name(figure, weekly=False), {})
    amount = [
        math.fsum(_known(kept.get(f"{key}{CROSS}{hour}", {}).get(figure.weight)) for key in figure.keys)
        for hour in range(24)
    ]
    busiest = sorted(sorted(range(24), key=lambda hour: -amount[hour])[: figure.peak_hours])
    return [f"{key}{CROSS}{hour}" for key in figure.keys for hour in busiest]


def _known(number: float | None) -> float:
    return number if number is not None and math.isfinite(number) else 0.0


def _made(figure: Figure, found: Mapping[str, float], days: Days, week: int | None) -> float:
    above = math.fsum(found.get(name, math.nan) for name in figure.above)
    if not math.isfinite(above) and figure.otherwise:
        above = found.get(figure.otherwise, math.nan)
    length = float(days.number if week is None else days.of_week(week))
    below = math.prod(length if name == DAYS else found.get(name, math.nan) for name in figure.below)
    return above / below if below else math.nan


def _weighted(figure: Figure, rows: Sequence[Mapping[str, float]]) -> float:
    weights = [_known(row.get(figure.weight)) for row in rows]
    values = [row.get(figure.above[0], math.nan) for row in rows]
    given = [(w, v) for w, v in zip(weights, values, strict=True) if w > 0 and math.isfinite(v)]
    total = math.fsum(w for w, _ in given)
    return math.fsum(w * v for w, v in given) / total if total else math.nan


def unit_of(figure: Figure) -> str:
    """Unit of a figure; a quotient has none of its own."""
    return "1" if figure.below else MEASURES[figure.above[0]].unit
