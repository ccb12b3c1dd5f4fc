"""M(t)/M/c(t)+M: arrivals and servers that change from interval to interval, by the forward equations.

Within an interval the number inside is a birth and death process. States beyond a largest one are left out; the
probability of ever going there is measured, and more states are taken until it is below the tolerance.

A server whose shift ends finishes what it holds and takes nothing more. It is then no part of the queue's dynamics:
what it holds ends by itself, and the queue goes on with the servers who stay. So the state remains one number, and
exact; all that has to be known is how many of those who leave are busy at that moment, and that is `Leaving`.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.theory.abandonment import answered_within_given_ahead
from sim.theory.inputs import TheoryError, not_negative, open_share, patience, positive, vector, whole
from sim.theory.transient import Course, birth_death_course

Array = NDArray[np.float64]

_MOST_STATES = 50_000


class Leaving(enum.Enum):
    """Which servers go home when an interval begins."""

    ANY = "any"
    """Individuals by the roster, busy or not: of c servers with b busy, d leave, and the busy ones among them are
    hypergeometric. Leavers finish what they hold. The simulator's rule."""

    IDLE_FIRST = "idle first"
    """Idle servers go first; when they are too few, busy ones too, as soon as they have finished what they hold."""

    INTERRUPTED = "interrupted"
    """Servers go at once; whom they were serving returns to the head of the queue."""


@dataclass(frozen=True)
class Interval:
    """What happened in one interval.

    Attributes
    ----------
    starts_s, length_s
        In seconds from the beginning.
    arrival_rate_per_s, servers
        As asked.
    offered, answered, abandoned, completed
        Expected numbers of arrivals, of services started, of customers who left the queue, of services ended.
        Whom a leaving server hands back (`Leaving.INTERRUPTED`) is taken from the answered.
    wait_probability
        Share of the interval's arrivals that find all servers busy.
    abandoned_share
        Abandoned in this interval over offered in this interval; nan when nobody is offered.
    wait_mean_s
        Seconds waited in this interval over offered in this interval; nan when nobody is offered.
    answered_within_share
        Share of the interval's arrivals answered within the asked time, were the servers of the interval to stay.
    queue_mean, busy_mean
        Time averages of the number waiting and in service, that with leaving servers included.
    queue_end_mean
        Mean number waiting at the end, before servers change.
    """

    starts_s: float
    length_s: float
    arrival_rate_per_s: float
    servers: int
    offered: float
    answered: float
    abandoned: float
    completed: float
    wait_probability: float
    abandoned_share: float
    wait_mean_s: float
    answered_within_share: float
    queue_mean: float
    busy_mean: float
    queue_end_mean: float


@dataclass(frozen=True, eq=False)
class TimeVaryingQueue:
    """An M(t)/M/c(t)+M queue over time. Arrays have one entry per time of `times_s`; where servers change, after it.

    Attributes
    ----------
    times_s
        Seconds from the beginning; first 0, last the end.
    queue_mean
        Mean number waiting.
    busy_mean
        Mean number in service, that with servers about to leave included.
    wait_probability
        Probability that an arrival at this time finds all servers busy.
    abandonment_rate_per_s
        Expected customers leaving the queue, per second.
    virtual_wait_mean_s
        Mean wait of an arrival at this time who would wait for ever, were the servers of this time to stay.
    answered_within_share
        Probability that an arrival at this time is answered within the asked time, were the servers of this time to
        stay.
    intervals
        Totals and averages of each interval.
    in_system_end_probabilities
        Probability of 0, 1, 2, ... customers at the end, waiting or with servers who stay.
    truncated_probability
        Bound on the probability of ever having left the states that were computed.
    """

    times_s: Array
    queue_mean: Array
    busy_mean: Array
    wait_probability: Array
    abandonment_rate_per_s: Array
    virtual_wait_mean_s: Array
    answered_within_share: Array
    intervals: tuple[Interval, ...]
    in_system_end_probabilities: Array
    truncated_probability: float


def time_varying_queue(
    arrival_rates_per_s: Sequence[float],
    servers: Sequence[int],
    service_mean_s: float,
    patience_mean_s: float,
    interval_s: float | Sequence[float],
    *,
    within_s: float = 20.0,
    step_s: float = 300.0,
    start_in_system: int | Sequence[float] = 0,
    leaving: Leaving = Leaving.ANY,
    leaving_servers: Sequence[int] | None = None,
    tolerance: float = 1e-9,
) -> TimeVaryingQueue:
    """Follow the distribution of the number inside through all intervals.

    Parameters
    ----------
    arrival_rates_per_s
        One rate per interval, at least 0.
    servers
        One whole number per interval, at least 0.
    service_mean_s
        Above 0.
    patience_mean_s
        Above 0; may be infinite.
    interval_s
        Length of every interval, or one length per interval; above 0.
    within_s
        Waiting time of the service level, at least 0.
    step_s
        Longest distance between two times of the result: a choice of output, not of accuracy.
    start_in_system
        Customers inside at the beginning, or the probabilities of 0, 1, 2, ... of them.
    leaving
        Which servers go home at an interval's start.
    leaving_servers
        How many go home at each interval's start, where that is more than the fall in `servers` because others relieve
        them; the first is 0. By default the fall.
    tolerance
        Largest probability of leaving the computed states.

    Returns
    -------
    TimeVaryingQueue

    Raises
    ------
    TheoryError
        When lists differ in length, numbers are not allowed, or the queue grows beyond tens of thousands.

    Notes
    -----
    Source, for queues whose leaving servers finish: Ingolfsson, Akhmetshina, Budge, Li and Wu (2007).
    """
    rates = vector("arrival_rates_per_s", arrival_rates_per_s, zero_allowed=True)
    lengths = _lengths(interval_s, rates.size)
    crew = [whole(f"servers[{place}]", count, at_least=0) for place, count in enumerate(servers)]
    if len(crew) != rates.size:
        raise TheoryError(f"servers has {len(crew)} entries: {rates.size}, one per arrival rate, are needed")
    positive("service_mean_s", service_mean_s)
    patience(patience_mean_s)
    not_negative("within_s", within_s)
    positive("step_s", step_s)
    budget = open_share("tolerance", tolerance) / rates.size
    going = _going(crew, leaving_servers)

    inside = _start(start_in_system)
    starts_s, leavers_busy, truncated = 0.0, 0.0, 0.0
    waiting = float(np.maximum(np.arange(inside.size) - crew[0], 0) @ inside)
    readings: list[Array] = []
    intervals: list[Interval] = []
    for place, (rate, count, length_s) in enumerate(zip(rates.tolist(), crew, lengths.tolist(), strict=True)):
        if going[place]:
            inside, busy = _let_go(inside, crew[place - 1], going[place], leaving)
            leavers_busy += busy
        station = _Station(rate, count, service_mean_s, patience_mean_s, within_s)
        course, left_out = _follow(station, inside, length_s, math.ceil(length_s / step_s), budget)
        reading = _reading(station, course, starts_s, length_s, leavers_busy)
        intervals.append(_interval(station, course, starts_s, length_s, leavers_busy, waiting))
        readings.append(reading if place == rates.size - 1 else reading[:, :-1])
        inside = course.shares[-1]
        waiting = intervals[-1].queue_end_mean
        leavers_busy *= math.exp(-length_s / service_mean_s)
        starts_s += length_s
        truncated += left_out
    columns = np.concatenate(readings, axis=1)
    for array in (columns, inside):
        array.setflags(write=False)
    times_s, queue, busy, wait_probability, abandonment_rate, virtual_wait, answered_within = columns
    return TimeVaryingQueue(
        times_s=times_s,
        queue_mean=queue,
        busy_mean=busy,
        wait_probability=wait_probability,
        abandonment_rate_per_s=abandonment_rate,
        virtual_wait_mean_s=virtual_wait,
        answered_within_share=answered_within,
        intervals=tuple(intervals),
        in_system_end_probabilities=inside,
        truncated_probability=truncated,
    )


class _Station:
    """The birth and death process of one interval, and what each of its states means."""

    def __init__(
        self, arrival_rate_per_s: float, servers: int, service_mean_s: float, patience_mean_s: float, within_s: float
    ) -> None:
        self.arrival_rate_per_s = arrival_rate_per_s
        self.servers = servers
        self.service_mean_s = service_mean_s
        self.patience_mean_s = patience_mean_s
        self.within_s = within_s

    def busy(self, states: int) -> Array:
        return np.minimum(np.arange(states, dtype=np.float64), self.servers)

    def waiting(self, states: int) -> Array:
        return np.maximum(np.arange(states, dtype=np.float64) - self.servers, 0.0)

    def departures_per_s(self, states: int) -> Array:
        return self.busy(states) / self.service_mean_s + self.waiting(states) / self.patience_mean_s

    def finds_all_busy(self, states: int) -> Array:
        return (np.arange(states) >= self.servers).astype(np.float64)

    def answered_within(self, states: int) -> Array:
        answered = np.ones(states)
        completions_per_s = self.servers / self.service_mean_s
        ahead = np.arange(max(0, states - self.servers), dtype=np.float64)
        answered[self.servers :] = answered_within_given_ahead(
            ahead, completions_per_s, self.patience_mean_s, self.within_s
        )
        return answered

    def virtual_wait_s(self, states: int) -> Array:
        """Mean time until everybody in front has left and a server is free, for an arrival who never leaves."""
        waits = np.zeros(states)
        if self.servers == 0:
            return waits + math.inf
        ahead = np.arange(max(0, states - self.servers))
        waits[self.servers :] = np.cumsum(1.0 / (self.servers / self.service_mean_s + ahead / self.patience_mean_s))
        return waits

    def states_needed(self, shares: Array, length_s: float, negligible: float) -> int:
        """A first guess: above where the interval begins, and above the fluid limit's highest point by what is rare."""
        highest = self._highest_level(float(np.arange(shares.size) @ shares), length_s)
        deviation = math.ceil(8.0 * math.sqrt(highest)) + 20
        full = max(self.servers, math.ceil(highest))
        beyond = full + np.arange(1, deviation + 1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            falling = self.arrival_rate_per_s / self.departures_per_s(full + deviation + 1)[beyond]
            rare = np.cumprod(falling) <= negligible
        deviation = min(deviation, 5 + int(np.count_nonzero(~rare)))
        return max(full + deviation, shares.size + 5)

    def _highest_level(self, level: float, length_s: float) -> float:
        """The fluid limit's highest point, roughly."""
        step_s = 0.5 * min(self.service_mean_s, self.patience_mean_s)
        highest = level
        for _ in range(min(1000, math.ceil(length_s / step_s))):
            served = min(level, self.servers) / self.service_mean_s
            left = max(level - self.servers, 0.0) / self.patience_mean_s
            level += (self.arrival_rate_per_s - served - left) * step_s
            highest = max(highest, level)
        return highest


def _lengths(interval_s: float | Sequence[float], count: int) -> Array:
    if isinstance(interval_s, (int, float, np.integer)):
        return np.full(count, positive("interval_s", interval_s))
    lengths = vector("interval_s", interval_s, zero_allowed=False)
    if lengths.size != count:
        raise TheoryError(f"interval_s has {lengths.size} entries: {count}, one per arrival rate, are needed")
    return lengths


def _start(start_in_system: int | Sequence[float]) -> Array:
    if isinstance(start_in_system, (int, np.integer)):
        shares = np.zeros(whole("start_in_system", int(start_in_system), at_least=0) + 1)
        shares[-1] = 1.0
        return shares
    shares = vector("start_in_system", start_in_system, zero_allowed=True)
    if abs(float(shares.sum()) - 1.0) > 1e-9:
        raise TheoryError(
            f"start_in_system adds up to {float(shares.sum())}: probabilities that add up to 1 are needed"
        )
    return shares


def _going(crew: list[int], leaving_servers: Sequence[int] | None) -> list[int]:
    """How many servers go home at the start of each interval."""
    before = [crew[0], *crew[:-1]]
    falls = [max(0, earlier - later) for earlier, later in zip(before, crew, strict=True)]
    if leaving_servers is None:
        return falls
    going = [whole(f"leaving_servers[{place}]", count, at_least=0) for place, count in enumerate(leaving_servers)]
    if len(going) != len(crew):
        raise TheoryError(f"leaving_servers has {len(going)} entries: {len(crew)}, one per interval, are needed")
    for place, (count, fall) in enumerate(zip(going, falls, strict=True)):
        most = before[place] if place else 0
        if not fall <= count <= most:
            raise TheoryError(
                f"leaving_servers[{place}] is {count}: at least {fall} and at most {most} can go home then"
            )
    return going


def _let_go(inside: Array, servers: int, going: int, leaving: Leaving) -> tuple[Array, float]:
    """The distribution without the customers whom leaving servers hold, and the mean number of those."""
    if leaving is Leaving.INTERRUPTED:
        return inside, 0.0
    states = np.arange(inside.size)
    busy = np.minimum(states, servers)
    after = np.zeros(inside.size)
    held_mean = 0.0
    for held in range(min(going, inside.size - 1) + 1):
        if leaving is Leaving.IDLE_FIRST:
            chance = (np.maximum(going - (servers - busy), 0) == held).astype(np.float64)
        else:
            chance = _hypergeometric(held, going, busy, servers)
        moved = inside * chance
        after[: inside.size - held] += moved[held:]
        held_mean += held * float(moved.sum())
    return after, held_mean


def _hypergeometric(held: int, going: int, busy: NDArray[np.int_], servers: int) -> Array:
    """Probability that `held` of `going` servers, picked from `servers` of which `busy` are busy, are busy."""
    idle = servers - busy
    possible = (held <= busy) & (going - held <= idle)
    chance = np.zeros(busy.size)
    b, i = busy[possible], idle[possible]
    log_chance = _log_choose(b, held) + _log_choose(i, going - held) - _log_choose(np.array([servers]), going)
    chance[possible] = np.exp(log_chance)
    return chance


def _log_choose(total: NDArray[np.int_], chosen: int) -> Array:
    return np.asarray(special.gammaln(total + 1) - special.gammaln(chosen + 1) - special.gammaln(total - chosen + 1))


def _follow(station: _Station, inside: Array, length_s: float, steps: int, budget: float) -> tuple[Course, float]:
    """The course of one interval on enough states, and the probability left out."""
    tail = np.cumsum(inside[::-1])[::-1]
    kept = inside[: max(1, int(np.count_nonzero(tail > budget / 100)))]
    trimmed = max(0.0, float(inside.sum() - kept.sum()))
    states = station.states_needed(kept, length_s, budget / 100)
    while states <= _MOST_STATES:
        start = np.concatenate((kept, np.zeros(states - kept.size)))
        departures = station.departures_per_s(states)
        course = birth_death_course(start, station.arrival_rate_per_s, departures, length_s, steps)
        beyond = station.arrival_rate_per_s * float(course.seconds_in_state[-1])
        if beyond <= budget:
            return course, trimmed + beyond
        states += max(40, states // 2)
    raise TheoryError(
        f"the queue grows beyond {_MOST_STATES} customers with {station.servers} servers and "
        f"{station.arrival_rate_per_s} arrivals per second: fewer arrivals, more servers or less patience are needed"
    )


def _reading(station: _Station, course: Course, starts_s: float, length_s: float, leavers_busy: float) -> Array:
    """The rows of `TimeVaryingQueue`'s arrays for one interval, its end included."""
    times, states = course.shares.shape
    elapsed = np.linspace(0.0, length_s, times)
    queue = course.shares @ station.waiting(states)
    busy = course.shares @ station.busy(states) + leavers_busy * np.exp(-elapsed / station.service_mean_s)
    wait_probability = course.shares @ station.finds_all_busy(states)
    virtual = course.shares @ station.virtual_wait_s(states) if station.servers else np.full(times, math.inf)
    answered = course.shares @ station.answered_within(states)
    return np.array(
        [starts_s + elapsed, queue, busy, wait_probability, queue / station.patience_mean_s, virtual, answered]
    )


def _interval(
    station: _Station, course: Course, starts_s: float, length_s: float, leavers_busy: float, waiting_before: float
) -> Interval:
    """Totals of one interval; services started are what left the queue otherwise than by abandoning."""
    seconds = course.seconds_in_state
    states = seconds.size
    offered = station.arrival_rate_per_s * length_s
    waited_s = float(seconds @ station.waiting(states))
    leavers_s = -math.expm1(-length_s / station.service_mean_s) * station.service_mean_s * leavers_busy
    busy_s = float(seconds @ station.busy(states)) + leavers_s
    abandoned = waited_s / station.patience_mean_s
    waiting_end = float(course.shares[-1] @ station.waiting(states))
    return Interval(
        starts_s=starts_s,
        length_s=length_s,
        arrival_rate_per_s=station.arrival_rate_per_s,
        servers=station.servers,
        offered=offered,
        answered=offered + waiting_before - abandoned - waiting_end,
        abandoned=abandoned,
        completed=busy_s / station.service_mean_s,
        wait_probability=float(seconds @ station.finds_all_busy(states)) / length_s,
        abandoned_share=abandoned / offered if offered > 0 else math.nan,
        wait_mean_s=waited_s / offered if offered > 0 else math.nan,
        answered_within_share=float(seconds @ station.answered_within(states)) / length_s,
        queue_mean=waited_s / length_s,
        busy_mean=busy_s / length_s,
        queue_end_mean=waiting_end,
    )
