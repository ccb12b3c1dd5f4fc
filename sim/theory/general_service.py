"""Poisson arrivals and service times of any distribution: exact for one server, two moments for several."""

from __future__ import annotations

from dataclasses import dataclass

from sim.theory.erlang import erlang_c
from sim.theory.inputs import not_negative, positive, stable, whole


@dataclass(frozen=True)
class GeneralServiceQueue:
    """A queue without abandonment in steady state, first come first served. Waits are over all offered.

    Attributes
    ----------
    arrival_rate_per_s, service_mean_s, servers, service_squared_variation, arrival_squared_variation
        What was asked; squared variation is variance divided by the square of the mean.
    load
        Offered load, in servers.
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
    approximate
        Whether the wait is an approximation.
    """

    arrival_rate_per_s: float
    service_mean_s: float
    servers: int
    service_squared_variation: float
    arrival_squared_variation: float
    load: float
    wait_mean_s: float
    queue_mean: float
    in_system_mean: float
    time_in_system_mean_s: float
    occupancy_share: float
    approximate: bool


def single_server_queue(
    arrival_rate_per_s: float, service_mean_s: float, service_squared_variation: float
) -> GeneralServiceQueue:
    """The M/G/1 queue, exactly. Its wait probability is its occupancy.

    Parameters
    ----------
    arrival_rate_per_s, service_mean_s
        Both above 0.
    service_squared_variation
        At least 0: 0 for constant, 1 for exponential service.

    Raises
    ------
    UnstableQueueError
        When the load is not below 1.
    TheoryError
        For rates, times or variations that are not allowed.

    Notes
    -----
    Sources: Pollaczek (1930); Khinchine (1932).
    """
    positive("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    not_negative("service_squared_variation", service_squared_variation)
    load = arrival_rate_per_s * service_mean_s
    stable(load, 1, "an M/G/1 queue")
    wait = load * service_mean_s * (1.0 + service_squared_variation) / (2.0 * (1.0 - load))
    return _with_wait(arrival_rate_per_s, service_mean_s, 1, service_squared_variation, 1.0, wait, approximate=False)


def several_server_approximation(
    arrival_rate_per_s: float,
    service_mean_s: float,
    servers: int,
    service_squared_variation: float,
    arrival_squared_variation: float = 1.0,
) -> GeneralServiceQueue:
    """The G/G/c queue, approximately: the wait of M/M/c times the mean of the two squared variations.

    Exact for M/M/c and M/G/1, good in heavy traffic. It knows two moments only; with Poisson arrivals and
    service times that vary much less or more than exponential ones, errors of 10 % are ordinary at moderate load.

    Parameters
    ----------
    arrival_rate_per_s, service_mean_s
        Both above 0.
    servers
        Whole number of at least 1, above the load.
    service_squared_variation, arrival_squared_variation
        At least 0. The default for arrivals is a Poisson process.

    Raises
    ------
    UnstableQueueError
        When the load is not below the servers.
    TheoryError
        For rates, times, servers or variations that are not allowed.

    Notes
    -----
    Sources: Lee and Longton (1959) for Poisson arrivals; Allen and Cunneen (Allen 1978) for general ones.
    """
    positive("arrival_rate_per_s", arrival_rate_per_s)
    whole("servers", servers, at_least=1)
    not_negative("service_squared_variation", service_squared_variation)
    not_negative("arrival_squared_variation", arrival_squared_variation)
    exponential = erlang_c(arrival_rate_per_s, service_mean_s, servers)
    wait = exponential.wait_mean_s * (service_squared_variation + arrival_squared_variation) / 2.0
    return _with_wait(
        arrival_rate_per_s,
        service_mean_s,
        servers,
        service_squared_variation,
        arrival_squared_variation,
        wait,
        approximate=True,
    )


def _with_wait(
    arrival_rate_per_s: float,
    service_mean_s: float,
    servers: int,
    service_squared_variation: float,
    arrival_squared_variation: float,
    wait_mean_s: float,
    *,
    approximate: bool,
) -> GeneralServiceQueue:
    """All that follows from the mean wait by Little's law."""
    load = arrival_rate_per_s * service_mean_s
    queue = arrival_rate_per_s * wait_mean_s
    return GeneralServiceQueue(
        arrival_rate_per_s=arrival_rate_per_s,
        service_mean_s=service_mean_s,
        servers=servers,
        service_squared_variation=service_squared_variation,
        arrival_squared_variation=arrival_squared_variation,
        load=load,
        wait_mean_s=wait_mean_s,
        queue_mean=queue,
        in_system_mean=queue + load,
        time_in_system_mean_s=wait_mean_s + service_mean_s,
        occupancy_share=load / servers,
        approximate=approximate,
    )
