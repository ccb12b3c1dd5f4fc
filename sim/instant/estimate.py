"""Expected figures of an average day from flows and queues.

A world is asked for an ordinary fortnight (``sim.world.ordinary``): what comes on an average day, how busy each day is,
and what the staff who are there can do. The flows are those of the average day; queues live through the fortnight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.fields import span_minutes, weekdays
from sim.instant.flows import Ask, Flows, NoWaits, Topics, blended, flows
from sim.instant.queues import PER_BIN, Crew, Days, Queues, presence
from sim.instant.times import BIN_MIN, BINS
from sim.scenario import Pool, Scenario
from sim.service.tables import Float64, Int64

MOST_PASSES = 3
MOST_DAYS = 7
"""Days without a world that are looked at; with one, the days before its fortnight."""
SAME_WORK = 0.02
"""The flows are followed again with the waits that came out, since who waits asks again, until the work changes by no
more than this share."""

MIDDLES_MIN = (np.arange(BINS) + 0.5) * BIN_MIN
"""Middle of each bin, in minutes of the day."""

LIMITS = (
    "of a world, an ordinary fortnight: its mean work, the staff who are there, and how busy its days are; what "
    "follows from a day is left out: complaints that go further, moods, users who leave, orders lost, money",
    "without a world, an average day of the week, and none that is busier or quieter by chance",
    "the hours of a day have their share of its work, and none is busier or quieter by chance",
    "every case in a group is answered by itself, though one message may answer several",
    "service clocks, owners of cases and overflow times are left out",
    "one queue for pools that share stations; more urgent work always first",
    "chasing depends on the time a case has been open, here on a fixed share",
)
"""What the estimate leaves out, in words."""


@dataclass(frozen=True)
class StationEstimate:
    """A station on an average day. ``peak_hour`` : hour of the day in which most requests wait."""

    offered_per_day: float
    waiting_mean: float
    waiting_by_hour: tuple[float, ...]

    @property
    def peak_hour(self) -> int:
        """Hour of the day in which most requests wait."""
        return int(np.argmax(self.waiting_by_hour))


@dataclass(frozen=True)
class InstantEstimate:
    """Figures as ``sim.measures`` defines them, as theory sees them; NaN where there is nothing to divide by.

    ``by_hour`` : first response of contacts by hour of arrival, in minutes. ``response_by_station`` : answered contacts
    a day, and their mean first response in minutes on the calendar's and on the opening hours' clock. ``occupancy`` :
    by pool.
    """

    first_response_mean_min: float
    first_response_p90_min: float
    answered_per_day: float
    resolved_first_contact_share: float
    by_hour: tuple[float, ...]
    response_by_station: dict[str, tuple[float, float, float]]
    occupancy: dict[str, float]
    stations: dict[str, StationEstimate]

    @property
    def busiest_station(self) -> str | None:
        """The station where most requests wait."""
        waiting = {name: station.waiting_mean for name, station in self.stations.items()}
        return max(waiting, key=lambda name: waiting[name]) if waiting else None


def estimate(scenario: Scenario) -> InstantEstimate:
    """What theory says of a scenario, in some tens of milliseconds; with a world, of an ordinary fortnight of it, in
    about a fifth of a second.

    Waits come out too short, by about a sixth and near full load by up to a third: see ``LIMITS``.
    """
    scenario, topics, days = _at_rest(scenario)
    found = flows(scenario, NoWaits(), topics)
    queues = Queues(scenario, found, days)
    for _ in range(MOST_PASSES):
        again = flows(scenario, queues, topics)
        before, now = _work(found), _work(again)
        found = blended(found, again)
        queues = Queues(scenario, found, days)
        if abs(now - before) <= SAME_WORK * now:
            break
    told = _responses(scenario, found, queues)
    return InstantEstimate(
        first_response_mean_min=_mean(told.waits, told.answered),
        first_response_p90_min=_quantile(told.waits, told.answered, 0.9),
        answered_per_day=float(told.answered.sum()),
        resolved_first_contact_share=found.resolved / found.cases if found.cases else float("nan"),
        by_hour=tuple(_means(told, told.waits, told.hours, 24).tolist()),
        response_by_station=_by_station(scenario, told),
        occupancy=_occupancy(queues),
        stations=_stations(scenario, found, queues),
    )


def _at_rest(scenario: Scenario) -> tuple[Scenario, Topics, Days]:
    """The scenario without its world, what its topics are about, and how busy its days are."""
    if scenario.world is None:
        return scenario, Topics(), Days((1.0,) * min(scenario.horizon.days, MOST_DAYS))
    from sim.run import built_of
    from sim.service.build import build
    from sim.world.ordinary import ordinary

    usual = ordinary(built_of(build(scenario)))
    pools = {name: _with_capacity(pool, usual.capacity_h[name]) for name, pool in usual.scenario.pools.items()}
    days = Days((*usual.busy_days[-MOST_DAYS:], *usual.busy_days), MOST_DAYS)
    return (
        usual.scenario.model_copy(update={"pools": pools}),
        Topics(usual.cause_shares, usual.incident_share),
        days,
    )


def _with_capacity(pool: Pool, capacity_h: float) -> Pool:
    """The pool with a pace at which its rosters do what the world's staff does."""
    planned = sum(float(presence(group).mean()) * 24 for group in pool.groups)
    if planned <= 0:
        return pool
    groups = [group.model_copy(update={"speed": group.speed * capacity_h / planned}) for group in pool.groups]
    return pool.model_copy(update={"groups": groups})


def _work(found: Flows) -> float:
    return sum(float(demand.work_min.sum()) for demand in found.demands.values())


@dataclass(frozen=True)
class _Responses:
    """First responses in minutes, how many a day of each, at which station, and the hour of arrival."""

    waits: Float64
    open_waits: Float64
    answered: Float64
    stations: Int64
    hours: Int64


def _responses(scenario: Scenario, found: Flows, queues: Queues) -> _Responses:
    place = {name: i for i, name in enumerate(scenario.stations)}
    hour = np.arange(BINS) // (BINS // 24)
    clock = _OpenClock(scenario)
    waits, opened, answered = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    stations, hours = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for demand in found.first.values():
        wait, weight = queues.points(demand.ask)
        waits.append(wait.ravel())
        opened.append(clock.minutes(np.repeat(MIDDLES_MIN, wait.shape[1]), wait.ravel()))
        answered.append((demand.count[:, None] * weight * np.exp(-wait / demand.ask.patience_min)).ravel())
        stations.append(np.full(wait.size, place[demand.ask.station]))
        hours.append(np.repeat(hour, wait.shape[1]))
    return _Responses(
        np.concatenate(waits),
        np.concatenate(opened),
        np.concatenate(answered),
        np.concatenate(stations),
        np.concatenate(hours),
    )


class _OpenClock:
    """The scenario's opening hours, averaged over the week."""

    def __init__(self, scenario: Scenario) -> None:
        share = np.zeros(1440)
        for days, texts in scenario.definitions.opening_hours.items():
            for start, end in map(span_minutes, texts):
                np.add.at(share, np.arange(start, end) % 1440, len(weekdays(days)) / 7)
        self._before = np.concatenate([[0.0], np.cumsum(share)])

    def minutes(self, start_min: Float64, length_min: Float64) -> Float64:
        """Open minutes in spans that begin at some minute of the day."""
        return self._until(start_min + length_min) - self._until(start_min)

    def _until(self, t: Float64) -> Float64:
        days = np.floor(t / 1440)
        return np.asarray(days * self._before[-1] + np.interp(t - days * 1440, np.arange(1441), self._before))


def _by_station(scenario: Scenario, told: _Responses) -> dict[str, tuple[float, float, float]]:
    size = len(scenario.stations)
    count = np.bincount(told.stations, weights=told.answered, minlength=size).tolist()
    means = _means(told, told.waits, told.stations, size).tolist()
    opened = _means(told, told.open_waits, told.stations, size).tolist()
    rows = zip(scenario.stations, count, means, opened, strict=True)
    return {name: (n, mean, during) for name, n, mean, during in rows if n > 0}


def _means(told: _Responses, values: Float64, groups: Int64, size: int) -> Float64:
    """Mean of the answered contacts of each group."""
    count = np.bincount(groups, weights=told.answered, minlength=size)
    total = np.bincount(groups, weights=told.answered * values, minlength=size)
    return np.divide(total, count, out=np.full(size, np.nan), where=count > 0)


def _mean(values: Float64, weights: Float64) -> float:
    total = float(weights.sum())
    return float(values @ weights) / total if total > 0 else float("nan")


def _quantile(values: Float64, weights: Float64, q: float) -> float:
    if not weights.sum() > 0:
        return float("nan")
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, q * below[-1])])


def _occupancy(queues: Queues) -> dict[str, float]:
    """Share of their presence in which a pool's servers hold something."""
    shares: dict[str, float] = {}
    for crew in {crew.pools: crew for crew in queues.crews.values()}.values():
        share = _crew_occupancy(crew, queues)
        shares |= dict.fromkeys(crew.pools, share)
    return shares


def _crew_occupancy(crew: Crew, queues: Queues) -> float:
    """Work is carried off as the fluid has it; items spread evenly over servers with several slots."""
    arriving = np.zeros(BINS)
    for demand in queues.demands(crew):
        stays = _stay(demand.ask, queues)
        arriving += demand.work_min * stays
    servers = crew.servers.reshape(BINS, PER_BIN).mean(axis=1)
    work = _carried(arriving, crew.pace.reshape(BINS, PER_BIN).sum(axis=1) * (1440 / BINS / PER_BIN))
    held = np.divide(work / (1440 / BINS), servers, out=np.zeros(BINS), where=servers > 0)
    if crew.slots > 1:
        full = np.minimum(held / (crew.slots / crew.slow), 1.0)
        held = np.minimum(held * (1 + (crew.slow - 1) * full), crew.slots)
        held = 1 - np.exp(-held)
    held = np.minimum(held, 1.0)
    present = float(servers.sum())
    return float(held @ servers) / present if present > 0 else float("nan")


def _stay(ask: Ask, queues: Queues) -> Float64:
    """Share of a bin's requests that is served in the end."""
    wait, weight = queues.points(ask)
    return np.asarray((weight * np.exp(-wait / ask.patience_min)).sum(axis=1))


def _carried(arriving: Float64, most: Float64) -> Float64:
    """Work done in each bin of a day that repeats itself."""
    done, left = np.zeros(BINS), 0.0
    for t in range(2 * BINS):
        left += arriving[t % BINS]
        done[t % BINS] = min(left, most[t % BINS])
        left -= done[t % BINS]
    return done


def _stations(scenario: Scenario, found: Flows, queues: Queues) -> dict[str, StationEstimate]:
    result = {}
    for name in scenario.stations:
        demands = [d for d in found.demands.values() if d.ask.station == name]
        if not demands:
            continue
        waiting = np.zeros(BINS)
        for demand in demands:
            waiting += _waiting(demand.count, *queues.points(demand.ask), demand.ask.patience_min)
        by_hour = waiting.reshape(24, -1).mean(axis=1)
        offered = sum(float(d.count.sum()) for d in demands)
        result[name] = StationEstimate(offered, float(by_hour.mean()), tuple(by_hour.tolist()))
    return result


def _waiting(count: Float64, waits: Float64, weights: Float64, patience_min: float) -> Float64:
    """Mean number of requests waiting in each bin: who came k bins ago and still waits."""
    bin_min = 1440 / BINS
    waiting = np.zeros(BINS)
    for k in range(2 * BINS):
        age = (k + 0.5) * bin_min
        still = (weights * (waits > age)).sum(axis=1) * np.exp(-age / patience_min)
        if not still.any():
            break
        waiting += np.roll(count * still, k)
    return waiting
