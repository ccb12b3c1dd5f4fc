"""How long requests wait on an average day: rosters against work, by a fluid queue and Erlang A.

Pools that a station's route connects form one *crew*: their servers share all of its work. The crew's queue is followed
as a fluid through some days, in steps of five minutes: work flows in, the rostered servers carry it off, the impatient
leave. That treats what dominates service with closed nights: what came at night waits for the morning, and an
overloaded afternoon is made up in the evening. Days may differ (``Days``): what a busy one leaves undone is there on
the next. On top comes the wait by chance of a queue that keeps up, from Erlang A with the hour's load. More urgent work
goes first.

A *home* pool (leaders) is one server each: a request is noticed after a while, and then waits for the server to be
there and to have finished what they are doing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from sim.instant.flows import Ask, Demand, Flows
from sim.instant.times import BIN_MIN, BINS, points_of
from sim.scenario import Group, Pool, Scenario
from sim.service.presence import shifts_by_weekday
from sim.service.tables import Float64
from sim.theory import erlang_a

STEP_MIN = 5
STEPS = 1440 // STEP_MIN
PER_BIN = BIN_MIN // STEP_MIN
SAME_DAY = 0.02
"""Relative difference of backlogs below which two days count as the same."""

HIGHEST_LOAD = 0.97
"""Load per server that Erlang A is asked about at most: beyond, the fluid queue tells."""


LARGEST_POWER = 600.0
BLOCK = STEPS // 4
"""Steps whose backlogs are looked up together."""

USUAL_WAIT_MIN = 60.0
"""A wait by which those who leave are told from those who stay, where a crew has both."""


@dataclass(frozen=True)
class Days:
    """Days that a queue is followed through, beginning empty. ``factors`` : work of each over the average day's.
    ``warm_up`` : so many of them come first and are not looked at."""

    factors: tuple[float, ...] = (1.0,) * 7
    warm_up: int = 0

    @property
    def alike(self) -> bool:
        """Whether no day differs from another."""
        return len(set(self.factors)) == 1


@dataclass(frozen=True)
class Crew:
    """Servers that share work. ``servers`` : expected number present in each five minutes of an average day;
    ``slots`` : items each may hold; ``slow`` : duration factor with all slots in use; ``home`` : one server each."""

    pools: tuple[str, ...]
    servers: Float64
    slots: float
    slow: float
    head_count: int
    home: bool

    @property
    def pace(self) -> Float64:
        """Minutes of work done per minute, all slots in use."""
        return self.servers * self.slots / self.slow


def presence(group: Group) -> Float64:
    """Expected servers of a group present in each five minutes, averaged over the week."""
    minutes = np.zeros(1440)
    for shifts in shifts_by_weekday(group):
        for start, end in shifts:
            there = np.ones(end - start)
            half = (end - start) / 2
            if 0 < group.break_min < half:
                quarter = (end - start) // 4
                there[quarter : quarter + int(half)] -= group.break_min / half
            np.add.at(minutes, np.arange(start, end) % 1440, there / 7)
    share = group.days_per_week / 7 * (1 - group.absence_share) * group.speed
    return np.asarray(minutes.reshape(STEPS, STEP_MIN).mean(axis=1) * group.head_count * share)


def crews(scenario: Scenario, flows: Flows) -> dict[str, Crew]:
    """Crew of each station that is asked. Stations asked at home belong to the pool that their items' homes are in."""
    named = (arrival.home_pool or arrival.for_each_server_of for arrival in scenario.arrivals)
    homes = {name for name in named if name is not None}
    at_home = {demand.ask.station for demand in flows.demands.values() if demand.ask.home}
    together: dict[str, set[str]] = {}
    for name, station in scenario.stations.items():
        pools = set(homes) if name in at_home and homes else {route.pool for route in station.route}
        for other in [s for s, those in together.items() if those & pools]:
            pools |= together[other]
        for other in [s for s, those in together.items() if those & pools]:
            together[other] = pools
        together[name] = pools
    return {
        name: _crew(tuple(p for p in scenario.pools if p in pools), scenario.pools, home=name in at_home)
        for name, pools in together.items()
        if pools
    }


def _crew(names: tuple[str, ...], pools: dict[str, Pool], *, home: bool) -> Crew:
    groups = [(pools[name], group) for name in names for group in pools[name].groups]
    servers = sum((presence(group) for _, group in groups), np.zeros(STEPS))
    heads = sum(group.head_count for _, group in groups)
    slots = sum(group.slots * group.head_count for _, group in groups) / max(heads, 1)
    pace = sum(group.slots / _slow(pool, group.slots) * group.head_count for pool, group in groups) / max(heads, 1)
    return Crew(names, servers, slots or 1.0, slots / pace if pace else 1.0, heads, home)


def _slow(pool: Pool, held: int) -> float:
    return pool.slow_factors[min(held, len(pool.slow_factors)) - 1]


class Queues:
    """Waits that follow from the demands of an earlier pass (``sim.instant.flows.Waits``)."""

    def __init__(self, scenario: Scenario, flows: Flows, days: Days) -> None:
        self.flows = flows
        self.days = days
        self.crews = crews(scenario, flows)
        self._demands: dict[tuple[str, ...], list[Demand]] = defaultdict(list)
        for demand in flows.demands.values():
            if demand.ask.station in self.crews:
                self._demands[self.crews[demand.ask.station].pools].append(demand)
        self._kept: dict[object, tuple[Float64, Float64]] = {}
        self._waits: dict[object, Float64] = {}

    def demands(self, crew: Crew, level: int = 1_000_000) -> list[Demand]:
        """Demands on a crew that go before a level or with it."""
        return [demand for demand in self._demands[crew.pools] if demand.ask.level <= level]

    def points(self, ask: Ask) -> tuple[Float64, Float64]:
        """Waits in minutes of those who would wait for ever, and weights: both of shape (BINS, K)."""
        if ask.key not in self._kept:
            self._kept[ask.key] = self._points(ask)
        return self._kept[ask.key]

    def _points(self, ask: Ask) -> tuple[Float64, Float64]:
        crew = self.crews.get(ask.station)
        if ask.lumps:
            return np.zeros((BINS, 1)), np.ones((BINS, 1))  # goods and rounds: nobody measures their wait
        if crew is None or not crew.servers.any():
            return np.full((BINS, 1), 1e6), np.ones((BINS, 1))
        fluid = self.fluid_wait(crew, ask.level)
        if ask.home:
            waits = _noticed(ask, fluid[-STEPS:])
            return waits, np.full(waits.shape, 1 / waits.shape[1])
        base = fluid.reshape(-1, BINS, PER_BIN).transpose(1, 0, 2).reshape(BINS, -1)
        who = self._days_shares(fluid.size // STEPS)
        chance, mean = self._by_chance(crew, ask)
        # Who waits by chance waits an exponential time: two points of equal weight have its mean.
        halves = (1 - np.log(2), 1 + np.log(2))
        waits = np.concatenate([base, *(base + mean[:, None] * half for half in halves)], axis=1)
        shares = [1 - chance, chance / 2, chance / 2]
        weights = np.concatenate([x[:, None] * who for x in shares], axis=1)
        return waits, weights

    def _days_shares(self, days: int) -> Float64:
        """Share of a bin's requests that each step of each day has; (days · PER_BIN,)."""
        factors = np.array(self.days.factors[self.days.warm_up :]) if days > 1 else np.ones(1)
        return np.repeat(factors / max(factors.sum(), 1e-12) / PER_BIN, PER_BIN)

    # ── the fluid ────────────────────────────────────────────────────────────────────────────────────────────────

    def fluid_wait(self, crew: Crew, level: int) -> Float64:
        """Wait, in minutes, of work that arrives in each five minutes of the days looked at."""
        key = (crew.pools, level)
        if key not in self._waits:
            self._waits[key] = self._fluid_wait(crew, level)
        return self._waits[key]

    def _fluid_wait(self, crew: Crew, level: int) -> Float64:
        demands = self.demands(crew, level)
        share = 1 / max(crew.head_count, 1) if crew.home else 1.0
        inflow = np.zeros(STEPS)
        for demand in demands:
            if demand.ask.lumps:
                inflow[::PER_BIN] += demand.work_min * share
            else:
                inflow += np.repeat(demand.work_min, PER_BIN) / PER_BIN * share
        pace = crew.pace * share * STEP_MIN
        stay = np.exp(-STEP_MIN / _patience(demands))
        factors = (1.0,) * len(self.days.factors) if crew.home else self.days.factors
        seen = _backlogs(np.concatenate([inflow * factor for factor in factors]), np.tile(pace, len(factors)), stay)
        days = seen.reshape(-1, STEPS)
        if crew.home or self.days.alike:
            # Where the days repeat themselves, one of them tells all.
            change = np.abs(np.diff(days, axis=0)).max(axis=1) <= SAME_DAY * np.maximum(days[1:].max(axis=1), 1.0)
            if change.any():
                days = days[1:][np.argmax(change)][None, :]
        else:
            days = days[self.days.warm_up :]
        return _time_to_clear(days.ravel(), np.tile(pace, len(days) + 2), stay)

    # ── chance ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _by_chance(self, crew: Crew, ask: Ask) -> tuple[Float64, Float64]:
        """Chance of waiting though the crew keeps up, and the mean wait then, in minutes, for each bin."""
        demands = self.demands(crew, ask.level)
        count = sum((d.count for d in demands), np.zeros(BINS)).reshape(24, -1).sum(axis=1)
        work = sum((d.work_min for d in demands), np.zeros(BINS)).reshape(24, -1).sum(axis=1)
        present = (crew.servers * crew.slots).reshape(24, -1).mean(axis=1)
        chance, mean = np.zeros(24), np.zeros(24)
        for hour in range(24):
            if count[hour] < 1e-6 or present[hour] < 0.5:
                continue
            rate = count[hour] / 60
            service = work[hour] / count[hour] * crew.slow
            load = rate * service / present[hour]
            if load < 0.3 and present[hour] > 10:
                continue
            if load > HIGHEST_LOAD:
                rate *= HIGHEST_LOAD / load
            queue = erlang_a(rate, max(service, 1e-6), ask.patience_min, float(present[hour]))
            chance[hour] = queue.wait_probability
            mean[hour] = queue.wait_mean_s / max(queue.wait_probability, 1e-12)
        return np.repeat(chance, BINS // 24), np.repeat(mean, BINS // 24)


def _patience(demands: list[Demand]) -> float:
    """Mean patience of work that waits, in minutes: who leaves soon is hardly ever among those who wait.

    Work with patience p that would wait for w leaves with chance 1 − exp(−w/p) and is there for p (1 − exp(−w/p)) on
    average; what leaves, over what is there, is the rate of leaving.
    """
    leaving = there = 0.0
    for demand in demands:
        work, patience = float(demand.work_min.sum()), demand.ask.patience_min
        gone = -np.expm1(-USUAL_WAIT_MIN / patience)
        leaving += work * gone
        there += work * (patience * gone if np.isfinite(patience) else USUAL_WAIT_MIN)
    return there / leaving if leaving > 0 else np.inf


def _backlogs(inflow: Float64, pace: Float64, stay: float) -> Float64:
    """Work that is there in each step, what flows in included: each step carries off its pace, and ``stay`` is the
    share of the rest that does not leave. It begins with none.

    Without anybody leaving it is Lindley's recursion: what flowed in less the pace, summed up, above its lowest so far.
    Measured in units that shrink like what waits does, it is the same with leaving, for as long as they can be told.
    """
    leaving = -np.log(stay)
    most = inflow.size if leaving * inflow.size < LARGEST_POWER else max(int(LARGEST_POWER / leaving), 1)
    left, parts = 0.0, []
    for first in range(0, inflow.size, most):
        growth = np.exp(leaving * np.arange(min(most, inflow.size - first)))
        came = inflow[first : first + most] * growth
        change = np.cumsum(came - pace[first : first + most] * growth)
        after = change - np.minimum(np.minimum.accumulate(change), -left)
        parts.append((np.concatenate([[left], after[:-1]]) + came) / growth)
        left = float(after[-1] / growth[-1]) * stay
    return np.concatenate(parts)


def _time_to_clear(backlog: Float64, pace: Float64, stay: float) -> Float64:
    """Minutes until each backlog is carried off, ``stay`` being the share that does not leave in a step; at least
    until somebody is there.

    After n steps a backlog b is stayⁿ (b − Σ pace_k stay⁻ᵏ): it is gone at the first n at which the sum, which rises,
    has reached b, and that is looked up for many backlogs at a time. Powers that grow too large end the look-up: what
    is left by then (some e⁻⁶⁰⁰ of it) has gone.
    """
    leaving = -np.log(stay)
    reach = pace.size if leaving * pace.size < LARGEST_POWER else int(LARGEST_POWER / leaving)
    ahead = backlog + 1e-6
    waits = np.full(backlog.size, float(pace.size * STEP_MIN))
    for first in range(0, backlog.size, BLOCK):
        here = np.arange(min(BLOCK, backlog.size - first))
        window = pace[first : first + max(reach, 2 * BLOCK)]
        growth = np.exp(np.minimum(leaving * np.arange(window.size), LARGEST_POWER))
        done = np.concatenate([[0.0], np.cumsum(window * growth)])
        target = done[here] + ahead[first + here] * growth[here]
        last = np.searchsorted(done, target) - 1
        gone = last < window.size
        here, last, target = here[gone], last[gone], target[gone]
        steps = last - here
        # Within the step that clears it, only the part that is needed; a quarter-hour's own work arrives bit by bit.
        part = (target - done[last]) / (window[last] * growth[last])
        waits[first + here] = np.where(steps > 0, STEP_MIN * (steps + part), 0.0)
    return waits


def _noticed(ask: Ask, fluid: Float64) -> Float64:
    """Notice, then the wait for the home server from that moment on; shape (BINS, K)."""
    notice = points_of(ask.notice) if ask.notice is not None else np.zeros(1)
    at = np.arange(STEPS)[:, None] + notice[None, :] / STEP_MIN
    waits = notice[None, :] + fluid[np.floor(at).astype(np.int64) % STEPS]
    return waits.reshape(BINS, -1)
