"""What the page shows, as numbers: from replications, or from theory while there are none.

No words and no pictures here; those who draw know what to make of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sim.fields import span_minutes
from sim.instant import InstantEstimate
from sim.measures import Estimate
from sim.measures import estimate as estimated
from sim.scenario import Scenario
from sim.study.replicate import Outcome

ACTORS = {
    "chat_agents": "agents",
    "phone_agents": "agents",
    "leaders": "leaders",
}
"""Who answers: pools by what people call them; all others are ``others``."""

AGENTS = tuple(pool for pool, actor in ACTORS.items() if actor == "agents")
OF_STATION = {"chat": "agents", "phone": "agents", "group": "leaders", "leader_desk": "leaders"}
PARTS = ("leaders", "agents", "others", "closed")
"""Where the minutes of a mean first response come from: whom people waited for during opening hours, and time that
passed outside them."""


@dataclass(frozen=True)
class Target:
    """What the plan promises of a figure (F…)."""

    value: float
    at_most: bool
    fact: str

    def verdict(self, figure: Estimate) -> str:
        """``met``, ``missed``, or ``near`` where the interval holds both."""
        low = figure.mean if figure.low is None else figure.low
        high = figure.mean if figure.high is None else figure.high
        if not self.at_most:
            low, high, limit = -high, -low, -self.value
        else:
            limit = self.value
        return "met" if high <= limit else "missed" if low > limit else "near"


TARGETS = {
    "response": Target(10, True, "F50"),
    "resolved": Target(0.9, False, "F51"),
    "closed": Target(1.0, False, "F23"),
}
FIGURES = ("response", "resolved", "closed", "occupancy")
MEASURE = {
    "response": "first_response_mean_min",
    "resolved": "resolved_first_contact_share",
    "closed": "closed_within_24h_share",
}
UNITS = {"response": "min", "resolved": "share", "closed": "share", "occupancy": "share"}


@dataclass(frozen=True)
class Hour:
    """Mean first response in minutes of those who ask in an hour of the day."""

    hour: int
    value: Estimate


@dataclass(frozen=True)
class Busiest:
    """The station with most people waiting: how many at a time, and the hour of the day with the longest queues of
    all stations together (``total`` : how many wait then)."""

    station: str
    waiting: float
    hour: int
    total: float


@dataclass(frozen=True)
class Answer:
    """One setting's figures. ``replications`` : 0 for an estimate by theory. Figures that theory has no answer for are
    not there. ``parts`` : minutes by ``PARTS``, adding up to the mean response."""

    replications: int
    figures: dict[str, Estimate]
    p90: Estimate
    hours: tuple[Hour, ...]
    parts: dict[str, float]
    leaders_min: float
    agents_min: float
    busiest: Busiest | None

    @property
    def simulated(self) -> bool:
        """Whether this was simulated and not estimated."""
        return self.replications > 0


def theory(instant: InstantEstimate) -> Answer:
    """What the instant estimate says."""

    def known(value: float, unit: str) -> Estimate:
        return Estimate(value, None, None, unit, 0)

    rows = [(OF_STATION.get(name, "others"), *row) for name, row in instant.response_by_station.items()]
    agents = [instant.occupancy[pool] for pool in AGENTS if math.isfinite(instant.occupancy.get(pool, math.nan))]
    figures = {
        "response": known(instant.first_response_mean_min, "min"),
        "resolved": known(instant.resolved_first_contact_share, "share"),
        "occupancy": known(sum(agents) / len(agents) if agents else math.nan, "share"),
    }
    waiting = [sum(station.waiting_by_hour[h] for station in instant.stations.values()) for h in range(24)]
    busiest = instant.busiest_station
    hour = max(range(24), key=lambda h: waiting[h])
    return Answer(
        0,
        {name: value for name, value in figures.items() if math.isfinite(value.mean)},
        known(instant.first_response_p90_min, "min"),
        tuple(Hour(h, known(value, "min")) for h, value in enumerate(instant.by_hour)),
        _parts(rows),
        _mean_of(rows, "leaders"),
        _mean_of(rows, "agents"),
        Busiest(busiest, instant.stations[busiest].waiting_mean, hour, waiting[hour]) if busiest else None,
    )


def simulated(outcomes: Sequence[Outcome]) -> Answer:
    """What replications say."""
    rows = [_rows(outcome) for outcome in outcomes]
    parts = [_parts(of) for of in rows]
    return Answer(
        len(outcomes),
        {name: estimated(values(outcomes, name), UNITS[name], at_least=0.0) for name in FIGURES},
        estimated([o.figures["first_response_p90_min"] for o in outcomes], "min", at_least=0.0),
        tuple(
            Hour(h, estimated([_at(o.by["hour"], h, MEASURE["response"]) for o in outcomes], "min", at_least=0.0))
            for h in range(24)
        ),
        {part: _average(p[part] for p in parts) for part in PARTS},
        _average(_mean_of(of, "leaders") for of in rows),
        _average(_mean_of(of, "agents") for of in rows),
        _busiest(outcomes),
    )


def scaled(moved: Answer, unmoved: Answer, baseline: Answer) -> Answer:
    """An estimate by theory, taken from a simulated baseline: theory says only what the levers change.

    Parameters
    ----------
    moved, unmoved : theory's answers for the setting and for the baseline; ``baseline`` : the simulated one. Times
        change by theory's factor, shares by theory's difference.
    """

    def times(one: float, other: float, known: float) -> float:
        return known * one / other if min(one, other, known) > 0 else one

    def taken(one: Estimate, other: Estimate, known: Estimate) -> Estimate:
        if one.unit == "share":
            return replace(one, mean=min(max(known.mean + one.mean - other.mean, 0.0), 1.0))
        return replace(one, mean=times(one.mean, other.mean, known.mean))

    figures = {name: taken(x, unmoved.figures[name], baseline.figures[name]) for name, x in moved.figures.items()}
    parts = {p: times(moved.parts[p], unmoved.parts[p], baseline.parts[p]) for p in PARTS}
    total = figures["response"].mean / max(sum(parts.values()), 1e-9)
    hours = zip(moved.hours, unmoved.hours, baseline.hours, strict=True)
    return replace(
        moved,
        figures=figures,
        p90=taken(moved.p90, unmoved.p90, baseline.p90),
        hours=tuple(Hour(one.hour, taken(one.value, other.value, known.value)) for one, other, known in hours),
        parts={p: value * total for p, value in parts.items()},
        leaders_min=times(moved.leaders_min, unmoved.leaders_min, baseline.leaders_min),
        agents_min=times(moved.agents_min, unmoved.agents_min, baseline.agents_min),
    )


def values(outcomes: Sequence[Outcome], figure: str) -> list[float]:
    """A key figure of each replication."""
    if figure == "occupancy":
        return [_occupancy(outcome) for outcome in outcomes]
    return [outcome.figures[MEASURE[figure]] for outcome in outcomes]


def differences(outcomes: Sequence[Outcome], baseline: Sequence[Outcome]) -> dict[str, Estimate]:
    """Each key figure less the baseline's, replication by replication: both had the same customers with the same luck.

    Empty while there are no two pairs, and so no interval.
    """
    pairs = min(len(outcomes), len(baseline))
    if pairs < 2:
        return {}
    both = {name: (values(outcomes[:pairs], name), values(baseline[:pairs], name)) for name in FIGURES}
    # No share: an interval of differences may reach below 0.
    return {
        name: estimated([a - b for a, b in zip(*rows, strict=True)], "1" if UNITS[name] == "share" else UNITS[name])
        for name, rows in both.items()
    }


def open_hours(scenario: Scenario) -> tuple[float, float]:
    """First and last hour of the day at which the scenario is ever open."""
    spans = [span_minutes(text) for texts in scenario.definitions.opening_hours.values() for text in texts]
    if not spans or any(end > 1440 for _, end in spans):
        return 0.0, 24.0
    return min(start for start, _ in spans) / 60, max(end for _, end in spans) / 60


def agents_on_payroll(scenario: Scenario) -> int:
    """Head count of the agents' pools."""
    return sum(g.head_count for name in AGENTS if name in scenario.pools for g in scenario.pools[name].groups)


# ── one replication ──────────────────────────────────────────────────────────────────────────────────────────────

RESPONSES = ("answered", "first_response_mean_min", "first_response_open_mean_min")
Row = tuple[str, float, float, float]
"""Who answers, how many answers, their mean first response in minutes, and that on the opening hours' clock."""


def _at(groups: Mapping[int | str, Mapping[str, float]], key: int | str, name: str) -> float:
    return groups.get(key, {}).get(name, math.nan)


def _rows(outcome: Outcome) -> list[Row]:
    rows: list[Row] = []
    for pool in outcome.by["pool"]:
        count, mean, during = (_at(outcome.by["pool"], pool, name) for name in RESPONSES)
        if math.isfinite(count) and math.isfinite(mean) and math.isfinite(during):
            rows.append((ACTORS.get(str(pool), "others"), count, mean, during))
    return rows


def _parts(rows: Iterable[Row]) -> dict[str, float]:
    """The mean of all answers as a sum: opening hours by who was waited for, and the closed hours."""
    rows = list(rows)
    total = sum(count for _, count, _, _ in rows) or math.nan
    parts = dict.fromkeys(PARTS, 0.0)
    for actor, count, mean, during in rows:
        parts[actor] += count / total * during
        parts["closed"] += count / total * (mean - during)
    return parts


def _mean_of(rows: Iterable[Row], actor: str) -> float:
    """Mean first response of one actor's answers, in minutes."""
    own = [(count, mean) for who, count, mean, _ in rows if who == actor]
    total = sum(count for count, _ in own)
    return sum(count * mean for count, mean in own) / total if total else math.nan


def _occupancy(outcome: Outcome) -> float:
    """Agents' busy time over their presence and overtime."""
    pools = [outcome.by["pool"][pool] for pool in AGENTS if pool in outcome.by["pool"]]
    busy = sum(pool["busy_h"] for pool in pools)
    there = sum(pool["presence_h"] + pool["overtime_h"] for pool in pools)
    return busy / there if there else math.nan


def _average(values: Iterable[float]) -> float:
    known = [x for x in values if math.isfinite(x)]
    return sum(known) / len(known) if known else math.nan


def _busiest(outcomes: Sequence[Outcome]) -> Busiest | None:
    def mean(by: str) -> Callable[[int | str], float]:
        return lambda key: _average(_at(o.by[by], key, "queue_mean") for o in outcomes)

    waiting = {key: mean("station")(key) for key in outcomes[0].by["station"]}
    hours = {h: mean("hour")(h) for h in range(24)}
    waiting = {key: value for key, value in waiting.items() if math.isfinite(value)}
    hours = {key: value for key, value in hours.items() if math.isfinite(value)}
    if not waiting or not hours:
        return None
    station, hour = max(waiting, key=lambda k: waiting[k]), max(hours, key=lambda h: hours[h])
    return Busiest(str(station), waiting[station], hour, hours[hour])
