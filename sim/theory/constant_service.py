"""M/D/c: Poisson arrivals, several servers, every service equally long. Exact.

Whoever is in service now has left one service time later, and nobody else has. So the number in system, looked at once
per service time, is a Markov chain N' = max(N - c, 0) + Poisson(a), and its generating function is fixed by the c - 1
roots inside the unit circle of z^c = exp(a (z - 1)), which Lambert's W function gives in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.theory.inputs import TheoryError, not_negative, positive, stable, whole

_LONGEST_TRANSFORM = 2**22


@dataclass(frozen=True)
class ConstantServiceQueue:
    """An M/D/c queue in steady state, first come first served. Waits are over all offered.

    Attributes
    ----------
    arrival_rate_per_s, service_s, servers
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
    service_s: float
    servers: int
    load: float
    wait_probability: float
    wait_mean_s: float
    queue_mean: float
    in_system_mean: float
    time_in_system_mean_s: float
    occupancy_share: float

    def in_system_probabilities(self) -> NDArray[np.float64]:
        """Probability of 0, 1, 2, ... customers inside, until what is left out is below 1e-13.

        Raises
        ------
        TheoryError
            When the occupancy is so close to 1 that millions of states matter.
        """
        return _in_system_probabilities(self.load, self.servers)

    def answered_within_share(self, seconds: float) -> float:
        """Service level: share of arrivals whose wait is at most `seconds`; Franx (2001), accurate to about 1e-9.

        Raises
        ------
        TheoryError
            For negative seconds, or as `in_system_probabilities`.
        """
        not_negative("seconds", seconds)
        services = math.floor(seconds / self.service_s) + 1
        inside = np.cumsum(_in_system_probabilities(self.load, self.servers))
        # At most m wait: at most servers + m are inside.
        most_waiting = services * self.servers - 1 - np.arange(services * self.servers)
        at_most = inside[np.minimum(self.servers + most_waiting, inside.size - 1)]
        mean = self.arrival_rate_per_s * (services * self.service_s - seconds)
        arrivals = np.arange(services * self.servers)
        density = np.exp(special.xlogy(arrivals, mean) - mean - special.gammaln(arrivals + 1))
        return float(min(1.0, at_most @ density))


def constant_service_queue(arrival_rate_per_s: float, service_s: float, servers: int) -> ConstantServiceQueue:
    """The M/D/c queue.

    Parameters
    ----------
    arrival_rate_per_s
        Above 0.
    service_s
        The length of every service, above 0.
    servers
        Whole number of at least 1, above the load.

    Raises
    ------
    UnstableQueueError
        When the load is not below the servers.
    TheoryError
        For rates, times or servers that are not allowed.

    Notes
    -----
    Sources: Crommelin (1932); Franx (2001).
    """
    positive("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_s", service_s)
    whole("servers", servers, at_least=1)
    load = arrival_rate_per_s * service_s
    stable(load, servers, "an M/D/c queue")
    distances = 1.0 - _roots(load, servers)
    spare = servers - load
    idle_probability = spare * math.exp(-float(np.log(distances).sum().real))
    from_roots = float((1.0 / distances).sum().real)
    queue = max(0.0, from_roots + (load * load - servers * (servers - 1)) / (2.0 * spare))
    return ConstantServiceQueue(
        arrival_rate_per_s=arrival_rate_per_s,
        service_s=service_s,
        servers=servers,
        load=load,
        wait_probability=min(1.0, max(0.0, 1.0 - idle_probability)),
        wait_mean_s=queue / arrival_rate_per_s,
        queue_mean=queue,
        in_system_mean=queue + load,
        time_in_system_mean_s=queue / arrival_rate_per_s + service_s,
        occupancy_share=load / servers,
    )


def _roots(load: float, servers: int) -> NDArray[np.complex128]:
    """The roots of z^servers = exp(load (z - 1)) inside the unit circle, without z = 1."""
    unity = np.exp(2j * np.pi * np.arange(1, servers) / servers)
    ratio = load / servers
    return np.asarray(-special.lambertw(-ratio * math.exp(-ratio) * unity) / ratio)


def _in_system_probabilities(load: float, servers: int) -> NDArray[np.float64]:
    """Invert the generating function on the unit circle; the tail is geometric with the real root above 1."""
    ratio = load / servers
    decay = -float(special.lambertw(-ratio * math.exp(-ratio), -1).real) / ratio
    needed = load + 12 * math.sqrt(load) + servers + 32 / math.log(decay)
    size = 2 ** math.ceil(math.log2(needed))
    if size > _LONGEST_TRANSFORM:
        raise TheoryError(
            f"load {load} is too close to servers {servers}: the distribution of an M/D/c queue would need {size} "
            f"states, at most {_LONGEST_TRANSFORM} are allowed"
        )
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    arrivals = np.exp(load * (z - 1.0))
    transform = np.ones_like(z)
    inner = z[1:]
    values = (servers - load) * (inner - 1.0) * arrivals[1:] / (inner**servers - arrivals[1:])
    for root in _roots(load, servers):
        values *= (inner - root) / (1.0 - root)
    transform[1:] = values
    return np.asarray(np.maximum(np.fft.irfft(transform, size), 0.0))
