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
NOT_ASKED = ("goods",)
"""Stations where goods and rounds wait for a leader, but nobody who has asked for something."""
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
    "satisfaction": Target(4.5, False, "F52"),
    "lost": Target(0.03, True, "F54"),
}
KEY_FIGURES = ("response", "resolved", "closed", "occupancy")
"""What the service does: the cards."""
CONSEQUENCES = ("satisfaction", "complaints", "lost", "benefit")
"""What follows from it for users and the platform: the line below. Theory has no answer for these."""
OTHERS = ("with_bot", "satisfaction_true", "problems", "late", "round", "contact_cost", "cost_share")
"""What is in the table of all figures only."""
FIGURES = (*KEY_FIGURES, *CONSEQUENCES, *OTHERS)


@dataclass(frozen=True)
class Shown:
    """How a figure of the simulation is shown: its unit on the page, and the factor from the measure's."""

    measure: str
    unit: str
    factor: float = 1.0


SHOWN = {
    "response": Shown("first_response_mean_min", "min"),
    "resolved": Shown("resolved_first_contact_share", "share"),
    "closed": Shown("closed_within_24h_share", "share"),
    "satisfaction": Shown("satisfaction_recorded_mean", "point"),
    "complaints": Shown("complaints_per_order", "per_thousand", 1000),
    "lost": Shown("users_lost_per_month_share", "share"),
    "with_bot": Shown("first_response_with_bot_mean_min", "min"),
    "satisfaction_true": Shown("satisfaction_true_mean", "point"),
    "problems": Shown("problems_per_order", "per_thousand", 1000),
    "late": Shown("late_delivery_share", "share"),
    "round": Shown("leader_round_mean_min", "min"),
    "contact_cost": Shown("cost_per_contact_yuan", "yuan"),
    "cost_share": Shown("service_cost_gmv_share", "share"),
}
UNITS = {name: shown.unit for name, shown in SHOWN.items()} | {"occupancy": "share", "benefit": "yuan_per_month"}
CHANNELS = ("phone", "chat", "group", "own_entry", "regulator", "social")
OF_CHANNEL = {
    "response": Shown("first_response_mean_min", "min"),
    "given_up": Shown("abandoned_share", "share"),
    "resolved": Shown("resolved_first_contact_share", "share"),
    "satisfaction_true": Shown("satisfaction_true_mean", "point"),
}
"""Figures by where users ask."""


@dataclass(frozen=True)
class Hour:
    """Mean first response in minutes of those who ask in an hour of the day."""

    hour: int
    value: Estimate


@dataclass(frozen=True)
class Busiest:
    """The station with most people waiting: how many at a time, and the hour of the day with the longest queues of
    all stations together (``total`` : how many wait then, goods for a leader included)."""

    station: str
    waiting: float
    hour: int
    total: float


@dataclass(frozen=True)
class Answer:
    """One setting's figures. ``replications`` : 0 for an estimate by theory. Figures that theory has no answer for are
    not there. ``parts`` : minutes by ``PARTS``, adding up to the mean response. ``channels`` : figures by where users
    ask (``OF_CHANNEL``)."""

    replications: int
    figures: dict[str, Estimate]
    p90: Estimate
    hours: tuple[Hour, ...]
    parts: dict[str, float]
    leaders_min: float
    agents_min: float
    busiest: Busiest | None
    channels: tuple[tuple[str, dict[str, Estimate]], ...] = ()

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
    asked = {name: station for name, station in instant.stations.items() if name not in NOT_ASKED}
    waiting = [sum(station.waiting_by_hour[h] for station in instant.stations.values()) for h in range(24)]
    busiest = max(asked, key=lambda name: asked[name].waiting_mean, default=None)
    hour = max(range(24), key=lambda h: waiting[h])
    return Answer(
        0,
        {name: value for name, value in figures.items() if math.isfinite(value.mean)},
        known(instant.first_response_p90_min, "min"),
        tuple(Hour(h, known(value, "min")) for h, value in enumerate(instant.by_hour)),
        _parts(rows),
        _mean_of(rows, "leaders"),
        _mean_of(rows, "agents"),
        Busiest(busiest, asked[busiest].waiting_mean, hour, waiting[hour]) if busiest else None,
    )


def simulated(outcomes: Sequence[Outcome]) -> Answer:
    """What replications say."""
    rows = [_rows(outcome) for outcome in outcomes]
    parts = [_parts(of) for of in rows]
    return Answer(
        len(outcomes),
        {name: _estimated(values(outcomes, name), name) for name in FIGURES},
        estimated([o.figures["first_response_p90_min"] for o in outcomes], "min", at_least=0.0),
        tuple(
            Hour(h, estimated([_at(o.by["hour"], h, "first_response_mean_min") for o in outcomes], "min", at_least=0.0))
            for h in range(24)
        ),
        {part: _average(p[part] for p in parts) for part in PARTS},
        _average(_mean_of(of, "leaders") for of in rows),
        _average(_mean_of(of, "agents") for of in rows),
        _busiest(outcomes),
        tuple((channel, found) for channel in CHANNELS if (found := _of_channel(outcomes, channel))),
    )


def _estimated(values: Sequence[float], figure: str) -> Estimate:
    at_least = {"benefit": -math.inf, "satisfaction": 1.0, "satisfaction_true": 1.0}.get(figure, 0.0)
    return estimated(values, UNITS[figure], at_least=at_least)


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
    """A figure of each replication, in the page's unit."""
    if figure == "occupancy":
        return [_occupancy(outcome) for outcome in outcomes]
    if figure == "benefit":
        return [_benefit(outcome) for outcome in outcomes]
    shown = SHOWN[figure]
    return [outcome.figures[shown.measure] * shown.factor for outcome in outcomes]


def differences(outcomes: Sequence[Outcome], baseline: Sequence[Outcome]) -> dict[str, Estimate]:
    """Each figure less the baseline's, replication by replication: both had the same customers with the same luck.

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


def _benefit(outcome: Outcome) -> float:
    """Net benefit of thirty days, whatever the run's length: by order, orders by user and day, and users are known."""
    f = outcome.figures
    return 30 * f["net_benefit_per_order_yuan"] * f["orders_per_user_per_day"] * f["users_mean"]


def _of_channel(outcomes: Sequence[Outcome], channel: str) -> dict[str, Estimate]:
    """Figures of those who ask there; none where nobody does."""
    groups = [o.by.get("channel", {}).get(channel, {}) for o in outcomes]
    if not any(group.get("contacts", 0.0) > 0 for group in groups):
        return {}
    return {
        name: estimated([group.get(shown.measure, math.nan) for group in groups], shown.unit, at_least=0.0)
        for name, shown in OF_CHANNEL.items()
    }


def _average(values: Iterable[float]) -> float:
    known = [x for x in values if math.isfinite(x)]
    return sum(known) / len(known) if known else math.nan


def _busiest(outcomes: Sequence[Outcome]) -> Busiest | None:
    def mean(by: str) -> Callable[[int | str], float]:
        return lambda key: _average(_at(o.by[by], key, "queue_mean") for o in outcomes)

    waiting = {key: mean("station")(key) for key in outcomes[0].by["station"]}
    hours = {h: mean("hour")(h) for h in range(24)}
    waiting = {key: value for key, value in waiting.items() if math.isfinite(value) and key not in NOT_ASKED}
    hours = {key: value for key, value in hours.items() if math.isfinite(value)}
    if not waiting or not hours:
        return None
    station, hour = max(waiting, key=lambda k: waiting[k]), max(hours, key=lambda h: hours[h])
    return Busiest(str(station), waiting[station], hour, hours[hour])
