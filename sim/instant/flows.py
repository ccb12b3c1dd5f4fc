"""Who asks which station when, on an average day: the journeys as a Markov chain with times.

Every kind's journey is walked with all its items at once: a vector of items per quarter-hour of the day goes from step
to step, is split where the journey branches, and moves on in time where the journey waits. What a walk spawns is walked
in its turn until next to nothing is left.

An average day knows less than a run: a request that lapses at a time of day counts as one that does not (its patience
counts, if it has one); work that items bring (``duration: own``) is the mean of what the sources of their kind give, 0
for kinds that none sends; what a topic is about, and whether it is part of an incident, is chance with the shares of
``Topics``, drawn anew for what an item sends off.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from sim import scenario as s
from sim.fields import clock_minutes, weekdays
from sim.instant.times import BIN_MIN, BINS, delay, mean_of, moved, points_of
from sim.scenario import Scenario
from sim.service.tables import Float64

NEGLIGIBLE = 2e-4
"""Share of the day's items below which what is left over is dropped."""

PARENT_STILL_THERE = 0.5
"""Chance that the item which spawned another is still in the system when the other asks."""


@dataclass(frozen=True)
class Ask:
    """What distinguishes requests: where, for whom, how patient. ``home`` : to the item's own server; ``lumps`` : items
    that arrive at clock times, one for each server; ``patience_min`` : infinite for who never leaves."""

    station: str
    level: int
    home: bool
    lumps: bool
    patience_min: float
    notice: s.Duration | None = None

    @functools.cached_property
    def key(self) -> tuple[object, ...]:
        """What the waits depend on."""
        notice = None if self.notice is None else points_of(self.notice).tobytes()
        return (self.station, self.level, self.home, self.lumps, self.patience_min, notice)


class Waits(Protocol):
    """How long requests wait."""

    def points(self, ask: Ask) -> tuple[Float64, Float64]:
        """Waits in minutes of those who would wait for ever, and weights: both of shape (BINS, K)."""
        ...


class NoWaits:
    """Nobody waits: where the calculation begins."""

    def points(self, ask: Ask) -> tuple[Float64, Float64]:
        return np.zeros((BINS, 1)), np.ones((BINS, 1))


@dataclass
class Demand:
    """Items that ask in each quarter-hour, and the work they bring."""

    ask: Ask
    count: Float64 = field(default_factory=lambda: np.zeros(BINS))
    work_min: Float64 = field(default_factory=lambda: np.zeros(BINS))


@dataclass
class Flows:
    """All of a day. ``first`` : first requests of contacts, by kind; ``cases`` and ``resolved`` : items."""

    demands: dict[tuple[object, ...], Demand] = field(default_factory=dict)
    first: dict[tuple[str, tuple[object, ...]], Demand] = field(default_factory=dict)
    cases: float = 0.0
    resolved: float = 0.0


def blended(one: Flows, other: Flows) -> Flows:
    """Demands half-way between two passes: what swings between too much and too little comes to rest."""
    result = Flows(first=other.first, cases=other.cases, resolved=other.resolved)
    for key in {**one.demands, **other.demands}:
        both = [found.demands[key] for found in (one, other) if key in found.demands]
        count = sum((d.count for d in both), np.zeros(BINS)) / 2
        result.demands[key] = Demand(both[0].ask, count, sum((d.work_min for d in both), np.zeros(BINS)) / 2)
    return result


@dataclass(frozen=True)
class Topics:
    """What topics are about: shares by cause (what is missing to 1 has none), and the share that is part of an
    incident."""

    causes: Mapping[str, float] = field(default_factory=dict)
    incident_share: float = 0.0


@dataclass(frozen=True)
class _At:
    """Where some items of a kind are, and what has become of them so far; ``clean`` : nothing that makes the user ask
    again was sent off; ``cause`` : what their topic is about, where that is known; ``not_causes`` : what it is not;
    ``incident`` : whether they are part of one, −1 where that is not known."""

    step: int
    asked: bool = False
    clean: bool = True
    late: bool = False
    held: tuple[tuple[object, ...], ...] = ()
    level: int = 0
    cause: str = ""
    not_causes: tuple[str, ...] = ()
    incident: int = -1


def flows(scenario: Scenario, waits: Waits, topics: Topics | None = None) -> Flows:
    """Follow an average day's arrivals through the journeys, given how long requests wait and what topics are about."""
    walk = _Walk(scenario, waits, topics or Topics())
    for arrival in scenario.arrivals:
        density = arrival_density(scenario, arrival)
        level = scenario.levels.index(arrival.level) if arrival.level else 0
        regime = arrival.regime or scenario.regime
        walk.pending[regime, arrival.kind, level, True, arrival.at is not None] += density
    total = sum(float(density.sum()) for density in walk.pending.values())
    for _ in range(500):
        if not walk.pending:
            break
        key = max(walk.pending, key=lambda k: float(walk.pending[k].sum()))
        density = walk.pending.pop(key)
        if density.sum() < NEGLIGIBLE * total:
            break
        walk.kind(*key, density)
    return walk.found


def arrival_density(scenario: Scenario, arrival: s.Arrival) -> Float64:
    """Items of a source in each quarter-hour, averaged over the week."""
    density = np.zeros(BINS)
    if arrival.at is not None:
        each = 1
        if arrival.for_each_server_of:
            each = sum(group.head_count for group in scenario.pools[arrival.for_each_server_of].groups)
        days = {day for text in arrival.on for day in weekdays(text)}
        for text in arrival.at:
            density[clock_minutes(text) // BIN_MIN] += each * len(days) / 7
        return density
    if arrival.times_s is not None:
        for t in arrival.times_s:
            density[int(t % 86_400 // 60 // BIN_MIN)] += 1 / scenario.horizon.days
        return density
    profile = scenario.profiles[arrival.profile] if arrival.profile else None
    for day in range(7):
        density += arrival.mean_per_day * _weights(profile, day) / BINS / 7
    return density


def own_work_min(scenario: Scenario) -> dict[tuple[str, str], float]:
    """Mean work in minutes that items from outside bring, by regime and kind."""
    items: dict[tuple[str, str], float] = defaultdict(float)
    minutes: dict[tuple[str, str], float] = defaultdict(float)
    for arrival in scenario.arrivals:
        place, count = (
            (arrival.regime or scenario.regime, arrival.kind),
            float(arrival_density(scenario, arrival).sum()),
        )
        items[place] += count
        minutes[place] += count * (arrival.time_ms("work") or 0.0) / 60_000
    return {place: minutes[place] / count for place, count in items.items() if count > 0}


def _weights(profile: s.Profile | None, day: int) -> Float64:
    """Relative rate of each quarter-hour of a weekday (Monday 0), mean 1 before the weekday's factor."""
    if profile is None:
        return np.ones(BINS)
    hours, factor = profile.hours, 1.0
    for text, other in profile.hours_by_weekday.items():
        hours = other if day in weekdays(text) else hours
    for text, value in profile.weekdays.items():
        factor = value if day in weekdays(text) else factor
    weights = np.array(hours, dtype=np.float64)
    place = (np.arange(BINS * 12) + 0.5) / (BINS * 12) * weights.size
    fine = weights[place.astype(np.int64)] / weights.mean()
    return np.asarray(fine.reshape(BINS, 12).mean(axis=1) * factor)


class _Walk:
    """Walks journeys and writes down what is asked of whom."""

    def __init__(self, scenario: Scenario, waits: Waits, topics: Topics) -> None:
        self.scenario = scenario
        self.topics = topics
        self.waits = waits
        self.found = Flows()
        self.pending: dict[tuple[str, str, int, bool, bool], Float64] = defaultdict(lambda: np.zeros(BINS))
        self._grants: dict[tuple[object, float], tuple[Float64 | None, Float64 | None, Float64]] = {}
        self._own_work_min = own_work_min(scenario)
        self._leads = {regime: _leads_to_contacts(scenario, regime) for regime in scenario.regimes}

    def kind(self, regime: str, kind: str, level: int, outside: bool, lumps: bool, density: Float64) -> None:
        """One kind's items through their journey; ``outside`` : they came from outside, not from another item."""
        journey = self.scenario.regimes[regime][kind]
        place = {step.step: i for i, step in enumerate(journey) if step.step is not None}
        contact = self.scenario.kinds[kind].counts_as == "contact"
        case = outside and contact and self.scenario.kinds[kind].case
        limit = min((_limit_min(self.scenario, x.clock) for x in journey if isinstance(x, s.BranchClock)), default=1e9)
        if case:
            self.found.cases += float(density.sum())
        here: dict[_At, Float64] = {_At(0, level=level): density}
        smallest = density.sum() * 1e-5

        def go(at: _At, step: int, items: Float64, **change: object) -> None:
            if items.sum() <= smallest:
                return
            then = _At(**{**at.__dict__, "step": step, **change})
            here[then] = here[then] + items if then in here else items

        while here:
            at = min(here, key=lambda a: a.step)
            items = here.pop(at)
            if at.step >= len(journey):
                continue
            step, after = journey[at.step], at.step + 1
            match step:
                case s.Request():
                    for change, to, share in self._ask(step, at, items, regime, kind, contact, lumps, limit):
                        go(at, after if to is None else place.get(to, len(journey)), share, **change)
                case s.Work():
                    self._work(at.held[-1], items, self._mean_work(step.duration, regime, kind))
                    go(at, after, items)
                case s.Release():
                    go(at, after, items, held=at.held[:-1])
                case s.Wait():
                    go(at, after, items @ delay(step.duration))
                case s.Branch():
                    rest = 1.0
                    for option in step.options:
                        rest -= option.share
                        go(at, place[option.to], items * option.share)
                    go(at, after, items * max(rest, 0.0))
                case s.BranchClock():
                    go(at, place[step.to] if at.late else after, items)
                case s.BranchCause():
                    about = self._cause_share(step.cause, at)
                    go(at, place[step.to], items * about, cause=step.cause)
                    go(at, after, items * (1 - about), not_causes=tuple(sorted({*at.not_causes, step.cause})))
                case s.BranchIncident():
                    part = self.topics.incident_share if at.incident < 0 else float(at.incident)
                    go(at, place[step.to], items * part, incident=1)
                    go(at, after, items * (1 - part), incident=0)
                case s.BranchParent():
                    go(at, place[step.to], items * PARENT_STILL_THERE)
                    go(at, after, items * (1 - PARENT_STILL_THERE))
                case s.Level():
                    go(at, after, items, level=self.scenario.levels.index(step.level))
                case s.Spawn():
                    sent = items if step.delay is None else items @ delay(step.delay)
                    self.pending[regime, step.kind, at.level, False, False] += sent
                    go(at, after, items, clean=at.clean and not self._leads[regime][step.kind])
                case s.Go():
                    go(at, place[step.to], items)
                case s.End():
                    if case and at.clean and step.outcome in ("solved", "contained"):
                        self.found.resolved += float(items.sum())
                case _:
                    go(at, after, items)

    def _ask(
        self, step: s.Request, at: _At, items: Float64, regime: str, kind: str, contact: bool, lumps: bool, limit: float
    ) -> Iterator[tuple[dict[str, object], str | None, Float64]]:
        """A request: written down, then split into those served in time, served late, and gone."""
        patience = mean_of(step.patience) if step.patience else np.inf
        ask = Ask(step.station, at.level, step.prefer == "home", lumps, patience, step.notice)
        demand = self.found.demands.setdefault(ask.key, Demand(ask))
        demand.count += items
        if contact and not at.asked:
            first = self.found.first.setdefault((kind, ask.key), Demand(ask))
            first.count += items
        held = at.held if isinstance(step, s.Serve) else (*at.held, ask.key)
        in_time, late, stay = self._served(ask, limit)
        if isinstance(step, s.Serve):
            self._work(ask.key, items * stay, self._mean_work(step.duration, regime, kind))
        for is_late, where in ((False, in_time), (True, late)):
            if where is not None:
                yield {"asked": True, "held": held, "late": at.late or is_late}, None, items @ where
        if step.patience:
            yield {"asked": True}, step.impatient_to or "", items * np.maximum(1 - stay, 0.0)

    def _served(self, ask: Ask, limit: float) -> tuple[Float64 | None, Float64 | None, Float64]:
        """When requests of each bin are granted, within a limit and later, and the share that is ever granted."""
        if (ask.key, limit) not in self._grants:
            waits, weights = self.waits.points(ask)
            stays = weights * np.exp(-waits / ask.patience_min)
            late = waits > limit
            parts = [moved(waits, np.where(late == is_late, stays, 0.0)) for is_late in (False, True)]
            in_time, after = (part if part.any() else None for part in parts)
            self._grants[ask.key, limit] = in_time, after, stays.sum(axis=1)
        return self._grants[ask.key, limit]

    def _work(self, key: tuple[object, ...], items: Float64, mean_min: float) -> None:
        self.found.demands[key].work_min += items * mean_min

    def _cause_share(self, cause: str, at: _At) -> float:
        """Chance that a topic has this cause, given what is known of it."""
        if at.cause or cause in at.not_causes:
            return float(at.cause == cause)
        left = 1 - sum(self.topics.causes.get(name, 0.0) for name in at.not_causes)
        return min(self.topics.causes.get(cause, 0.0) / left, 1.0) if left > 1e-12 else 0.0

    def _mean_work(self, duration: s.Duration | Literal["own"], regime: str, kind: str) -> float:
        return self._own_work_min.get((regime, kind), 0.0) if duration == "own" else mean_of(duration)


def _limit_min(scenario: Scenario, clock: str) -> float:
    return (scenario.clocks[clock].time_ms("limit") or 0.0) / 60_000


def _leads_to_contacts(scenario: Scenario, regime: str) -> dict[str, bool]:
    """Whether a kind is, or can send off, another contact of the user."""
    leads = {kind: what.counts_as == "contact" for kind, what in scenario.kinds.items()}
    for _ in scenario.kinds:
        for kind, journey in scenario.regimes[regime].items():
            leads[kind] = leads[kind] or any(isinstance(x, s.Spawn) and leads[x.kind] for x in journey)
    return leads
