"""Erlang's loss and delay formulas, for whole and fractional numbers of servers.

Load is offered work in servers kept busy: arrival rate times mean service time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from sim.theory.inputs import TheoryError, not_negative, open_share, positive, stable, whole


@dataclass(frozen=True)
class ErlangC:
    """An M/M/c queue in steady state, first come first served. Waits are over all offered, those who do not wait too.

    Attributes
    ----------
    arrival_rate_per_s, service_mean_s, servers
        What was asked.
    load
        Offered load, in servers.
    wait_probability
        Share of arrivals that find all servers busy.
    wait_mean_s
        Mean wait, in seconds.
    queue_mean
        Mean number waiting.
    in_system_mean
        Mean number waiting or in service.
    time_in_system_mean_s
        Mean wait plus service, in seconds.
    occupancy_share
        Share of the servers' time that is spent serving.
    """

    arrival_rate_per_s: float
    service_mean_s: float
    servers: float
    load: float
    wait_probability: float
    wait_mean_s: float
    queue_mean: float
    in_system_mean: float
    time_in_system_mean_s: float
    occupancy_share: float

    @property
    def wait_decay_per_s(self) -> float:
        """Rate of the exponential distribution that the wait of those who wait has, per second."""
        return (self.servers - self.load) / self.service_mean_s

    def wait_exceeds_probability(self, seconds: float) -> float:
        """Share of arrivals that wait longer than `seconds`."""
        return self.wait_probability * math.exp(-self.wait_decay_per_s * not_negative("seconds", seconds))

    def answered_within_share(self, seconds: float) -> float:
        """Service level: share of arrivals whose wait is at most `seconds`."""
        return 1.0 - self.wait_exceeds_probability(seconds)

    def wait_quantile_s(self, share: float) -> float:
        """Wait that the given share of arrivals does not exceed, in seconds."""
        open_share("share", share)
        if share <= 1.0 - self.wait_probability:
            return 0.0
        return math.log(self.wait_probability / (1.0 - share)) / self.wait_decay_per_s


def erlang_b(load: float, servers: float) -> float:
    """Share of arrivals that find all servers busy when nobody can wait (M/G/c/c).

    Parameters
    ----------
    load
        Offered load in servers, at least 0.
    servers
        At least 0; a fraction uses the continuous extension 1/B = a ∫ exp(-a t) (1 + t)^servers dt over t > 0.

    Raises
    ------
    TheoryError
        For a negative or infinite load or number of servers.

    Notes
    -----
    The recursion in the number of servers is summed in closed form; all its terms are positive, so nothing cancels.
    Sources: Erlang (1917); Jagerman (1974) for fractional servers.
    """
    not_negative("load", load)
    not_negative("servers", servers)
    if load == 0:
        return 1.0 if servers == 0 else 0.0
    steps = math.floor(servers)
    start = _inverse_loss_below_one_server(load, servers - steps)
    if steps == 0:
        return 1.0 / start
    with np.errstate(over="ignore", under="ignore"):
        products = np.cumprod((servers - np.arange(steps)) / load)
        inverse = 1.0 + float(products[:-1].sum()) + float(products[-1]) * start
    return 1.0 / inverse


def _inverse_loss_below_one_server(load: float, servers: float) -> float:
    """1/B = load^-servers e^load Γ(servers + 1, load) for servers below 1; Legendre's fraction where e^load is big."""
    if load < 50:
        gamma_tail = special.gammaincc(servers + 1, load) * special.gamma(servers + 1)
        return float(load**-servers * math.exp(load) * gamma_tail)
    fraction = 0.0
    for term in range(40, 0, -1):
        fraction = -term * (term - servers - 1) / (load + 2 * term - servers + fraction)
    return load / (load - servers + fraction)


def erlang_b_load(loss_share: float, servers: float) -> float:
    """Offered load at which the given share of arrivals is lost: the inverse of `erlang_b` in its load.

    Raises
    ------
    TheoryError
        For a share outside (0, 1) or servers that are not above 0.
    """
    from scipy.optimize import brentq

    open_share("loss_share", loss_share)
    positive("servers", servers)
    upper = max(1.0, servers)
    while erlang_b(upper, servers) < loss_share:
        upper *= 2
    lower = upper
    while erlang_b(lower, servers) > loss_share:
        lower /= 2
    return float(brentq(lambda load: erlang_b(load, servers) - loss_share, lower, upper, xtol=1e-300, rtol=1e-14))


def erlang_b_servers(load: float, loss_share_at_most: float) -> int:
    """Smallest whole number of servers that loses at most the given share of a load.

    Raises
    ------
    TheoryError
        For a negative load, or a share outside (0, 1).
    """
    not_negative("load", load)
    open_share("loss_share_at_most", loss_share_at_most)
    servers, inverse = 0, 1.0
    while inverse * loss_share_at_most < 1.0:
        servers += 1
        if load == 0:
            return servers
        inverse = 1.0 + servers / load * inverse
    return servers


def erlang_c(arrival_rate_per_s: float, service_mean_s: float, servers: float) -> ErlangC:
    """The M/M/c queue without abandonment.

    Parameters
    ----------
    arrival_rate_per_s
        At least 0.
    service_mean_s
        Above 0.
    servers
        Above the load; a fraction uses the continuous extension of Erlang B.

    Raises
    ------
    UnstableQueueError
        When the load is not below the servers.
    TheoryError
        For rates, times or servers that are not allowed.

    Notes
    -----
    Sources: Erlang (1917); Jagers and van Doorn (1991) for fractional servers.
    """
    not_negative("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    positive("servers", servers)
    load = arrival_rate_per_s * service_mean_s
    stable(load, servers, "an M/M/c queue without abandonment")
    lost = erlang_b(load, servers)
    delayed = lost / (1.0 - load / servers * (1.0 - lost))
    wait = delayed * service_mean_s / (servers - load)
    queue = arrival_rate_per_s * wait
    return ErlangC(
        arrival_rate_per_s=arrival_rate_per_s,
        service_mean_s=service_mean_s,
        servers=servers,
        load=load,
        wait_probability=delayed,
        wait_mean_s=wait,
        queue_mean=queue,
        in_system_mean=queue + load,
        time_in_system_mean_s=wait + service_mean_s,
        occupancy_share=load / servers,
    )


@dataclass(frozen=True)
class FiniteRoomQueue:
    """An M/M/c/K queue in steady state: who finds `room` customers inside is turned away.

    Attributes
    ----------
    arrival_rate_per_s, service_mean_s, servers, room
        What was asked; room counts those in service and those waiting.
    load
        Offered load, in servers.
    blocked_share
        Share of the offered that is turned away.
    wait_probability
        Share of the offered that is let in and has to wait.
    wait_mean_admitted_s
        Mean wait of those let in, in seconds.
    queue_mean
        Mean number waiting.
    in_system_mean
        Mean number waiting or in service.
    occupancy_share
        Share of the servers' time that is spent serving.
    throughput_per_s
        Customers let in, and so served, per second.
    in_system_probabilities
        Probability of 0, 1, ..., room customers inside.
    """

    arrival_rate_per_s: float
    service_mean_s: float
    servers: int
    room: int
    load: float
    blocked_share: float
    wait_probability: float
    wait_mean_admitted_s: float
    queue_mean: float
    in_system_mean: float
    occupancy_share: float
    throughput_per_s: float
    in_system_probabilities: tuple[float, ...]

    def answered_within_share(self, seconds: float) -> float:
        """Share of the offered, those turned away included, that is let in and waits at most `seconds`."""
        not_negative("seconds", seconds)
        found = np.array(self.in_system_probabilities[:-1])
        completions_needed = np.arange(1, self.room - self.servers + 1)
        in_time = special.gammainc(completions_needed, self.servers / self.service_mean_s * seconds)
        return float(found[: self.servers].sum() + found[self.servers :] @ in_time)


def finite_room_queue(arrival_rate_per_s: float, service_mean_s: float, servers: int, room: int) -> FiniteRoomQueue:
    """The M/M/c/K queue. Any load has a steady state; room equal to servers is Erlang's loss system.

    Parameters
    ----------
    arrival_rate_per_s, service_mean_s
        Both above 0.
    servers, room
        Whole numbers, 1 <= servers <= room.

    Raises
    ------
    TheoryError
        For rates, times or numbers that are not allowed.

    Notes
    -----
    The birth and death process is summed relative to its likeliest state. Source: Kleinrock (1975), section 3.8.
    """
    positive("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    whole("servers", servers, at_least=1)
    whole("room", room, at_least=1)
    if room < servers:
        raise TheoryError(f"room {room} is below servers {servers}: room counts those in service too")
    load = arrival_rate_per_s * service_mean_s
    inside = np.arange(room + 1)
    busy = np.minimum(inside, servers)
    log_weights = np.concatenate(([0.0], np.cumsum(math.log(load) - np.log(busy[1:]))))
    weights = np.exp(log_weights - log_weights.max())
    shares = weights / weights.sum()
    blocked = float(shares[-1])
    throughput = float(busy @ shares) / service_mean_s
    queue = float((inside - busy) @ shares)
    return FiniteRoomQueue(
        arrival_rate_per_s=arrival_rate_per_s,
        service_mean_s=service_mean_s,
        servers=servers,
        room=room,
        load=load,
        blocked_share=blocked,
        wait_probability=float(shares[servers:-1].sum()),
        wait_mean_admitted_s=queue / throughput,
        queue_mean=queue,
        in_system_mean=float(inside @ shares),
        occupancy_share=throughput * service_mean_s / servers,
        throughput_per_s=throughput,
        in_system_probabilities=tuple(shares.tolist()),
    )
