"""Who comes from outside, day by day: rates with profiles and over-dispersion, given times, clock times.

The number of a source's items on a day comes from one uniform, each item's time from its own: more demand keeps the
customers that were there, and one source's demand changes nobody's luck elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from sim.draws import correlated_scores, uniform_of, uniforms
from sim.fields import WEEKDAYS, clock_minutes, weekdays
from sim.naming import stable_hash
from sim.problems import InputError, Problem
from sim.scenario import Arrival, Overdispersion, Profile, Scenario
from sim.service.keys import SLOTS, day_keys
from sim.service.tables import NONE, Arrivals, Float64, Int32, Int64, concatenate, take

DAY = 86_400_000

COUNT, TIME, HOME, TOPIC, DAY_FACTOR, INTERVAL_FACTOR = (
    stable_hash(f"arrivals:{name}") for name in ("count", "time", "home", "topic", "day_factor", "interval_factor")
)
"""Purposes of the draws of an arrival."""


@dataclass(frozen=True)
class Source:
    """A source of items, resolved to numbers: ``homes`` are the servers that its items may belong to, ``work_ms`` the
    work that each brings, or −1."""

    arrival: Arrival
    profile: Profile | None
    first_weekday: int
    entry_pc: int
    kind: int
    level: int
    homes: Int32
    for_each: Int32
    topics: int
    first_topic: int
    work_ms: int

    @cached_property
    def key(self) -> int:
        """Hash of the source's name."""
        return stable_hash(self.arrival.source)

    @property
    def expected_per_day(self) -> float:
        """About how many items come on a day that has any."""
        listed = len(self.arrival.times_s or []) + len(self.arrival.at or []) * max(self.for_each.size, 1)
        return self.arrival.mean_per_day + listed

    def weights(self, day: int) -> Float64:
        """Relative rate in equal parts of a day, mean 1 (before the weekday's factor, which is included)."""
        return self._week[(self.first_weekday + day) % 7]

    @cached_property
    def _week(self) -> tuple[Float64, ...]:
        return tuple(self._weights_on(weekday) for weekday in range(7))

    def _weights_on(self, weekday: int) -> Float64:
        if self.profile is None:
            return np.ones(1)
        hours, factor = self.profile.hours, 1.0
        for days, other in self.profile.hours_by_weekday.items():
            hours = other if weekday in weekdays(days) else hours
        for days, value in self.profile.weekdays.items():
            factor = value if weekday in weekdays(days) else factor
        weights = np.array(hours)
        return weights / weights.mean() * factor

    def rates_per_day(self, day: int, seed: int, replication: int) -> Float64:
        """Rate in equal parts of a day, in items per day, over-dispersion drawn."""
        weights = self.weights(day) * self.arrival.mean_per_day
        spread = self.arrival.overdispersion
        if spread is None:
            return weights
        factors = _factors(spread, self.key, day, seed, replication)
        parts = math.lcm(weights.size, factors.size)
        return np.repeat(weights, parts // weights.size) * np.repeat(factors, parts // factors.size)

    def times(self, day: int, seed: int, replication: int) -> tuple[Int64, Int64]:
        """Times (ms from the first midnight) and slots of the day's items."""
        if self.arrival.times_s is not None:
            t = (np.array(self.arrival.times_s, dtype=np.float64) * 1000 + 0.5).astype(np.int64)
            t = np.sort(t[(t >= day * DAY) & (t < (day + 1) * DAY)], kind="stable")
            return t, np.arange(t.size, dtype=np.int64)
        if self.arrival.at is not None:
            return self._clock_times(day)
        rates = self.rates_per_day(day, seed, replication)
        edges = np.linspace(0.0, 1.0, rates.size + 1)
        cumulative = np.concatenate([[0.0], np.cumsum(rates) / rates.size])
        if cumulative[-1] <= 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        key = int(day_keys(self.key, day, np.zeros(1, np.int64))[0])
        count = poisson_quantile(uniform_of(seed, replication, key, COUNT, 0), cumulative[-1])
        if count > SLOTS:
            message = f"source '{self.arrival.source}' makes {count} items on day {day}"
            raise InputError([Problem(("arrivals", self.arrival.source), message, f"at most {SLOTS} a day")])
        slots = np.arange(count, dtype=np.int64)
        u = uniforms(seed, replication, day_keys(self.key, day, slots), TIME)
        share = np.interp(u * cumulative[-1], cumulative, edges)
        return day * DAY + np.minimum((share * DAY).astype(np.int64), DAY - 1), slots

    def _clock_times(self, day: int) -> tuple[Int64, Int64]:
        weekday = (self.first_weekday + day) % 7
        if not any(weekday in weekdays(days) for days in self.arrival.on):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        at = np.array([clock_minutes(text) for text in self.arrival.at or []], dtype=np.int64) * 60_000
        # Server by server: one more of them changes the slots of nobody else.
        t = day * DAY + np.tile(at, max(self.for_each.size, 1))
        return t, np.arange(t.size, dtype=np.int64)

    def draw(self, day: int, seed: int, replication: int) -> Arrivals:
        """The items of a day, in order of slot."""
        t, slots = self.times(day, seed, replication)
        keys = day_keys(self.key, day, slots)
        home = np.full(t.size, NONE, np.int32)
        place = np.zeros(t.size, np.int64)
        if self.for_each.size:
            place = slots // len(self.arrival.at or [1])
            home = self.for_each[place]
        elif self.homes.size:
            u = uniforms(seed, replication, keys, HOME)
            place = (u * self.homes.size).astype(np.int64)
            home = self.homes[place]
        topic = np.full(t.size, NONE, np.int32)
        if self.topics:
            u = uniforms(seed, replication, keys, TOPIC)
            topic = (self.first_topic + place * self.topics + (u * self.topics).astype(np.int64)).astype(np.int32)

        def same(value: int) -> Int32:
            return np.full(t.size, value, np.int32)

        case = np.full(t.size, NONE, np.int64)
        return Arrivals(
            t=t,
            entry_pc=same(self.entry_pc),
            kind=same(self.kind),
            level=same(self.level),
            draw_key=keys,
            home_server=home,
            topic=topic,
            case=case,
            work_ms=same(self.work_ms),
        )


def sources(
    scenario: Scenario, entry: dict[tuple[str, str], int], kinds: dict[str, int], servers: dict[str, Int32]
) -> tuple[Source, ...]:
    """The scenario's sources without those that a world drives; ``entry`` by (regime, kind), ``servers`` by pool."""
    made: list[Source] = []
    first_topic = 0
    nobody = np.empty(0, np.int32)
    for arrival in scenario.arrivals:
        if arrival.driven is not None:
            continue
        homes = servers[arrival.home_pool] if arrival.home_pool else nobody
        each = servers[arrival.for_each_server_of] if arrival.for_each_server_of else nobody
        topics = arrival.topics or 0
        work = arrival.time_ms("work")
        source = Source(
            arrival=arrival,
            profile=scenario.profiles[arrival.profile] if arrival.profile else None,
            first_weekday=WEEKDAYS.index(scenario.horizon.first_weekday),
            entry_pc=entry[arrival.regime or scenario.regime, arrival.kind],
            kind=kinds[arrival.kind],
            level=scenario.levels.index(arrival.level) if arrival.level else 0,
            homes=homes,
            for_each=each,
            topics=topics,
            first_topic=first_topic,
            work_ms=NONE if work is None else round(work),
        )
        first_topic += topics * max(homes.size, each.size, 1)
        made.append(source)
    return tuple(made)


def arrivals_of_day(all_sources: tuple[Source, ...], day: int, seed: int, replication: int) -> Arrivals:
    """Everybody who comes on a day, in order of time, source and slot."""
    blocks = [source.draw(day, seed, replication) for source in all_sources]
    if not blocks:
        return no_arrivals()
    joined = concatenate(blocks)
    return take(joined, in_order_of_time(joined.t - day * DAY))


def in_order_of_time(t: Int64) -> Int64:
    """Stable order of times within a day: time and place packed into one number sort several times faster."""
    bits = np.int64(t.size.bit_length())
    return np.sort((t << bits) | np.arange(t.size, dtype=np.int64)) & ((np.int64(1) << bits) - np.int64(1))


def no_arrivals() -> Arrivals:
    """An empty table."""
    long, short = np.empty(0, np.int64), np.empty(0, np.int32)
    return Arrivals(long, short, short, short, long, short, short, long, short)


def poisson_quantile(u: float, mean: float) -> int:
    """Smallest count whose Poisson probability of not being exceeded is at least ``u``."""
    if mean <= 0:
        return 0
    count = max(math.ceil(float(special.pdtrik(u, mean)) - 1e-9), 0)
    while count > 0 and special.pdtr(count - 1, mean) >= u:
        count -= 1
    while special.pdtr(count, mean) < u:
        count += 1
    return count


def _factors(spread: Overdispersion, source_hash: int, day: int, seed: int, replication: int) -> Float64:
    """Gamma factors of the intervals of a day: the day's own times the interval's."""
    intervals = round(1440 / spread.interval_min) if spread.interval_cv > 0 else 1
    keys = day_keys(source_hash, day, np.arange(intervals, dtype=np.int64))
    day_u = uniforms(seed, replication, keys[:1], DAY_FACTOR)
    factors = np.full(intervals, float(_gamma_quantile(day_u, spread.daily_cv)[0]))
    if spread.interval_cv > 0:
        u = uniforms(seed, replication, keys, INTERVAL_FACTOR)
        share = special.ndtr(correlated_scores(u, spread.correlation))
        factors = factors * _gamma_quantile(share, spread.interval_cv)
    return factors


def _gamma_quantile(u: Float64, cv: float) -> Float64:
    """Quantile of a gamma factor with mean 1."""
    if cv == 0:
        return np.ones_like(u)
    return special.gammaincinv(1 / cv**2, u) * cv**2
