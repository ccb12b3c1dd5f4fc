"""Classes of customers with strict priority; who is in service is never interrupted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.theory.erlang import erlang_c
from sim.theory.inputs import TheoryError, stable, vector, whole


@dataclass(frozen=True)
class PriorityQueue:
    """A non-preemptive priority queue in steady state; tuples have one entry per class, the most urgent first.

    Attributes
    ----------
    arrival_rates_per_s, service_means_s, servers
        What was asked.
    wait_probability
        Share of arrivals, the same in every class, that find all servers busy.
    wait_means_s
        Mean wait over all offered of the class, in seconds.
    queue_means
        Mean number of the class that waits.
    time_in_system_means_s
        Mean wait plus service of the class, in seconds.
    wait_mean_s
        Mean wait over all classes' arrivals, in seconds.
    occupancy_share
        Share of the servers' time that is spent serving.
    """

    arrival_rates_per_s: tuple[float, ...]
    service_means_s: tuple[float, ...]
    servers: int
    wait_probability: float
    wait_means_s: tuple[float, ...]
    queue_means: tuple[float, ...]
    time_in_system_means_s: tuple[float, ...]
    wait_mean_s: float
    occupancy_share: float


def priority_queue(arrival_rates_per_s: Sequence[float], service_mean_s: float, servers: int) -> PriorityQueue:
    """Several servers, exponential service with the same mean in every class.

    Parameters
    ----------
    arrival_rates_per_s
        One rate above 0 per class, the most urgent first.
    service_mean_s
        Above 0.
    servers
        Whole number of at least 1, above the load of all classes together.

    Raises
    ------
    UnstableQueueError
        When the load of all classes is not below the servers.
    TheoryError
        For rates, times or servers that are not allowed.

    Notes
    -----
    Sources: Cobham (1954); Kella and Yechiali (1985).
    """
    rates = vector("arrival_rates_per_s", arrival_rates_per_s, zero_allowed=False)
    whole("servers", servers, at_least=1)
    together = erlang_c(float(rates.sum()), service_mean_s, servers)
    until_first_completion_s = together.wait_probability * service_mean_s / servers
    means = np.full(rates.size, service_mean_s)
    return _by_class(rates, means, servers, together.wait_probability, until_first_completion_s)


def single_server_priority_queue(
    arrival_rates_per_s: Sequence[float],
    service_means_s: Sequence[float],
    service_squared_variations: Sequence[float],
) -> PriorityQueue:
    """One server, service times of any distribution that may differ between classes.

    Parameters
    ----------
    arrival_rates_per_s, service_means_s
        One number above 0 per class, the most urgent first.
    service_squared_variations
        Variance over squared mean of the class's service time, at least 0.

    Raises
    ------
    UnstableQueueError
        When the load of all classes is not below 1.
    TheoryError
        For lists of different length, or numbers that are not allowed.

    Notes
    -----
    Source: Cobham (1954).
    """
    rates = vector("arrival_rates_per_s", arrival_rates_per_s, zero_allowed=False)
    means = vector("service_means_s", service_means_s, zero_allowed=False)
    variations = vector("service_squared_variations", service_squared_variations, zero_allowed=True)
    if not rates.size == means.size == variations.size:
        raise TheoryError(
            f"arrival_rates_per_s, service_means_s and service_squared_variations have {rates.size}, {means.size} and "
            f"{variations.size} entries: one per class is needed in each"
        )
    load = float(rates @ means)
    stable(load, 1, "a single-server priority queue")
    residual_s = float(rates @ (means**2 * (1.0 + variations))) / 2.0
    return _by_class(rates, means, 1, load, residual_s)


def _by_class(
    rates: NDArray[np.float64],
    means: NDArray[np.float64],
    servers: int,
    wait_probability: float,
    until_first_completion_s: float,
) -> PriorityQueue:
    """Cobham's formula: what is found in front, stretched by the more urgent who come later."""
    up_to_class = np.cumsum(rates * means) / servers
    before_class = np.concatenate(([0.0], up_to_class[:-1]))
    waits = until_first_completion_s / ((1.0 - before_class) * (1.0 - up_to_class))
    return PriorityQueue(
        arrival_rates_per_s=tuple(rates.tolist()),
        service_means_s=tuple(means.tolist()),
        servers=servers,
        wait_probability=wait_probability,
        wait_means_s=tuple(waits.tolist()),
        queue_means=tuple((rates * waits).tolist()),
        time_in_system_means_s=tuple((waits + means).tolist()),
        wait_mean_s=float(rates @ waits / rates.sum()),
        occupancy_share=float(up_to_class[-1]),
    )
