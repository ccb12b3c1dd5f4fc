"""Open Jackson networks: stations that pass their customers on at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.theory.erlang import ErlangC, erlang_c
from sim.theory.inputs import TheoryError, UnstableQueueError, vector, whole

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Station:
    """One station of an open network in steady state; waits are per visit.

    Attributes
    ----------
    name
        Of the station.
    visits_mean
        Visits per customer who enters the network.
    queue
        The station alone: an M/M/c queue, by Jackson's theorem independent of the others at any one moment.
    """

    name: str
    visits_mean: float
    queue: ErlangC


@dataclass(frozen=True)
class JacksonNetwork:
    """An open network of M/M/c stations in steady state.

    Attributes
    ----------
    stations
        In the order asked.
    arrival_rate_per_s
        Customers entering the network, per second.
    in_system_mean
        Mean number of customers in the network.
    time_in_system_mean_s
        Mean time from entering to leaving the network, in seconds.
    wait_mean_s
        Mean time of that spent waiting, over all visits, in seconds.
    """

    stations: tuple[Station, ...]
    arrival_rate_per_s: float
    in_system_mean: float
    time_in_system_mean_s: float
    wait_mean_s: float


def jackson_network(
    external_rates_per_s: Sequence[float],
    routing: Sequence[Sequence[float]],
    service_means_s: Sequence[float],
    servers: Sequence[int],
    names: Sequence[str] | None = None,
) -> JacksonNetwork:
    """Solve the traffic equations and every station.

    Parameters
    ----------
    external_rates_per_s
        Customers that enter at each station, per second; at least 0, not all 0.
    routing
        routing[i][j]: probability that who leaves station i goes to station j; what a row lacks to 1 leaves.
    service_means_s
        Mean exponential service time per station, above 0.
    servers
        Whole number of at least 1 per station.
    names
        For messages and results; "station 1", "station 2", ... when not given.

    Raises
    ------
    UnstableQueueError
        When a station's load is not below its servers; names the station.
    TheoryError
        When sizes differ, a row of the routing is not a distribution, nobody enters, or some customers never leave.

    Notes
    -----
    Source: Jackson (1957).
    """
    entering = vector("external_rates_per_s", external_rates_per_s, zero_allowed=True)
    means = vector("service_means_s", service_means_s, zero_allowed=False)
    labels = [f"station {place + 1}" for place in range(entering.size)] if names is None else list(names)
    matrix = np.array(routing, dtype=np.float64)
    _refuse_other_sizes(entering, matrix, means, servers, labels)
    _refuse_bad_routing(matrix, labels)
    arriving = float(entering.sum())
    if arriving == 0:
        raise TheoryError("external_rates_per_s are all 0: at least one station needs customers from outside")
    rates = _visit_rates(entering, matrix, labels)
    stations = tuple(
        Station(label, rate / arriving, _station_queue(label, rate, mean, count))
        for label, rate, mean, count in zip(labels, rates.tolist(), means.tolist(), servers, strict=True)
    )
    inside = sum(station.queue.in_system_mean for station in stations)
    waiting = sum(station.queue.queue_mean for station in stations)
    return JacksonNetwork(
        stations=stations,
        arrival_rate_per_s=arriving,
        in_system_mean=inside,
        time_in_system_mean_s=inside / arriving,
        wait_mean_s=waiting / arriving,
    )


def _refuse_other_sizes(
    entering: NDArray[np.float64],
    matrix: NDArray[np.float64],
    means: NDArray[np.float64],
    servers: Sequence[int],
    labels: list[str],
) -> None:
    size = entering.size
    if matrix.shape != (size, size):
        raise TheoryError(f"routing has shape {matrix.shape}: {size} rows of {size} probabilities are needed")
    for name, found in (("service_means_s", means.size), ("servers", len(servers)), ("names", len(labels))):
        if found != size:
            raise TheoryError(f"{name} has {found} entries: {size}, one per station, are needed")


def _refuse_bad_routing(matrix: NDArray[np.float64], labels: list[str]) -> None:
    for label, row in zip(labels, matrix, strict=True):
        total = float(row.sum())
        if not ((row >= 0).all() and total <= 1 + _ROUNDING):
            raise TheoryError(
                f"routing from {label} is {row.tolist()}: probabilities that add up to at most 1 are needed"
            )


def _visit_rates(entering: NDArray[np.float64], matrix: NDArray[np.float64], labels: list[str]) -> NDArray[np.float64]:
    """Solve rates = entering + rates @ matrix, after making sure that everybody can leave from everywhere."""
    can_leave = matrix.sum(axis=1) < 1 - _ROUNDING
    for _ in labels:
        can_leave = can_leave | ((matrix > 0) & can_leave).any(axis=1)
    for label, leaves in zip(labels, can_leave, strict=True):
        if not leaves:
            raise TheoryError(f"routing from {label} never leads out of the network: an open network needs a way out")
    return np.asarray(np.linalg.solve(np.eye(entering.size) - matrix.T, entering))


def _station_queue(label: str, rate_per_s: float, service_mean_s: float, servers: int) -> ErlangC:
    whole(f"servers of {label}", servers, at_least=1)
    load = rate_per_s * service_mean_s
    if not load < servers:
        raise UnstableQueueError(
            f"{label}: load {load} is not below servers {servers}: the network has no steady state"
        )
    return erlang_c(max(0.0, rate_per_s), service_mean_s, servers)
