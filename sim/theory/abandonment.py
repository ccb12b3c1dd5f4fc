"""Erlang A: many servers, and customers who leave the queue when their exponential patience runs out.

With x = servers · patience / service and y = arrival rate · patience, the states with j customers waiting have relative
weights r_j = y^j / ((x + 1) ... (x + j)), and who finds j waiting and would wait for ever waits V with
exp(-V / patience) ~ Beta(x, j + 1). Two exact evaluations follow. Summing over j has positive terms only, so nothing
cancels, but is long when the queue is long. Given that V > 0, y exp(-V / patience) also is a Gamma(x) variable cut off
at y, which is quick, and accurate unless the cut-off lies far out in the tail. Each is used where it is good.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.theory.erlang import erlang_b
from sim.theory.inputs import not_negative, patience, positive, stable

_SUM_FOR_QUEUES_UP_TO = 50.0
_SMALLEST_GAMMA_SHARE = 1e-3
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class ErlangA:
    """An M/M/c+M queue in steady state, first come first served. Waits are over all offered: served, left, not waiting.

    Attributes
    ----------
    arrival_rate_per_s, service_mean_s, patience_mean_s, servers
        What was asked.
    load
        Offered load, in servers.
    wait_probability
        Share of arrivals that find all servers busy.
    abandoned_share
        Share of arrivals that leave before their service starts.
    wait_mean_s
        Mean time in the queue until service or leaving, in seconds.
    queue_mean
        Mean number waiting.
    in_system_mean
        Mean number waiting or in service.
    occupancy_share
        Share of the servers' time that is spent serving.
    """

    arrival_rate_per_s: float
    service_mean_s: float
    patience_mean_s: float
    servers: float
    load: float
    wait_probability: float
    abandoned_share: float
    wait_mean_s: float
    queue_mean: float
    in_system_mean: float
    occupancy_share: float

    def answered_within_share(self, seconds: float) -> float:
        """Service level: share of all offered whose service starts within `seconds`; exact."""
        not_negative("seconds", seconds)
        waiting = _waiting(self.arrival_rate_per_s, self.service_mean_s, self.patience_mean_s, self.servers)
        return 1.0 - self.wait_probability + self.wait_probability * waiting.answered_within(seconds)

    def wait_exceeds_probability(self, seconds: float) -> float:
        """Share of all offered that are still waiting, neither served nor gone, after `seconds`; exact."""
        not_negative("seconds", seconds)
        waiting = _waiting(self.arrival_rate_per_s, self.service_mean_s, self.patience_mean_s, self.servers)
        return self.wait_probability * waiting.exceeds(seconds) * math.exp(-seconds / self.patience_mean_s)


def erlang_a(arrival_rate_per_s: float, service_mean_s: float, patience_mean_s: float, servers: float) -> ErlangA:
    """The M/M/c+M queue: Erlang C's, with exponential patience.

    Parameters
    ----------
    arrival_rate_per_s
        At least 0.
    service_mean_s
        Above 0.
    patience_mean_s
        Above 0; infinity gives Erlang C.
    servers
        Above 0; a fraction uses the continuous extension of Erlang B.

    Raises
    ------
    UnstableQueueError
        When nobody ever leaves and the load is not below the servers.
    TheoryError
        For rates, times or servers that are not allowed.

    Notes
    -----
    Sources: Palm (1957); Mandelbaum and Zeltyn (2007).
    """
    not_negative("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    patience(patience_mean_s)
    positive("servers", servers)
    load = arrival_rate_per_s * service_mean_s
    waiting = _waiting(arrival_rate_per_s, service_mean_s, patience_mean_s, servers)
    lost = erlang_b(load, servers)
    wait_probability = lost / (lost + (1.0 - lost) * waiting.no_queue_share)
    queue = wait_probability * waiting.queue_mean
    abandoned = queue / (arrival_rate_per_s * patience_mean_s) if arrival_rate_per_s > 0 else 0.0
    served_load = load * (1.0 - abandoned)
    return ErlangA(
        arrival_rate_per_s=arrival_rate_per_s,
        service_mean_s=service_mean_s,
        patience_mean_s=patience_mean_s,
        servers=servers,
        load=load,
        wait_probability=wait_probability,
        abandoned_share=abandoned,
        wait_mean_s=queue / arrival_rate_per_s if arrival_rate_per_s > 0 else 0.0,
        queue_mean=queue,
        in_system_mean=queue + served_load,
        occupancy_share=served_load / servers,
    )


def answered_within_given_ahead(
    ahead: NDArray[np.float64], completions_per_s: float, patience_mean_s: float, seconds: float
) -> NDArray[np.float64]:
    """Probability that a customer who finds `ahead` others waiting is served within `seconds`.

    Parameters
    ----------
    ahead
        Numbers waiting on arrival, all servers being busy.
    completions_per_s
        Servers divided by mean service time; may be 0.
    patience_mean_s
        Above 0; may be infinite.
    seconds
        At least 0.
    """
    if completions_per_s == 0:
        return np.zeros_like(ahead)
    if math.isinf(patience_mean_s):
        return np.asarray(special.gammainc(ahead + 1, completions_per_s * seconds))
    x = completions_per_s * patience_mean_s
    reached = -math.expm1(-seconds / patience_mean_s)
    return np.asarray(x / (x + ahead + 1) * special.betainc(ahead + 1, x + 1, reached))


class _Waiting(Protocol):
    """What happens given that all servers are busy: everything but how often that is."""

    @property
    def no_queue_share(self) -> float: ...

    @property
    def queue_mean(self) -> float: ...

    def answered_within(self, seconds: float) -> float: ...

    def exceeds(self, seconds: float) -> float:
        """Probability that the wait of a customer who never leaves is longer than `seconds`."""
        ...


def _waiting(arrival_rate_per_s: float, service_mean_s: float, patience_mean_s: float, servers: float) -> _Waiting:
    if math.isinf(patience_mean_s):
        load = arrival_rate_per_s * service_mean_s
        stable(load, servers, "an M/M/c queue without abandonment")
        return _Endless(load / servers, (servers - load) / service_mean_s)
    x = servers / service_mean_s * patience_mean_s
    y = arrival_rate_per_s * patience_mean_s
    if y <= _SUM_FOR_QUEUES_UP_TO or special.gammainc(x, y) < _SMALLEST_GAMMA_SHARE:
        return _Summed(x, y, patience_mean_s)
    return _CutOffGamma(x, y, patience_mean_s)


class _Endless:
    """Nobody leaves: a geometric queue and an exponential wait."""

    def __init__(self, ratio: float, decay_per_s: float) -> None:
        self.no_queue_share = 1.0 - ratio
        self.queue_mean = ratio / (1.0 - ratio)
        self._decay_per_s = decay_per_s

    def answered_within(self, seconds: float) -> float:
        return -math.expm1(-self._decay_per_s * seconds)

    def exceeds(self, seconds: float) -> float:
        return math.exp(-self._decay_per_s * seconds)


class _Summed:
    """The sum over the number waiting, cut where the rest is negligible."""

    def __init__(self, x: float, y: float, patience_mean_s: float) -> None:
        terms = 64
        while True:
            weights = np.concatenate(([1.0], np.cumprod(y / (x + np.arange(1, terms)))))
            ratio = y / (x + terms)
            if ratio < 1 and weights[-1] * ratio / (1 - ratio) < _NEGLIGIBLE * weights.sum():
                break
            terms *= 2
        self._x, self._patience_mean_s = x, patience_mean_s
        self._ahead = np.arange(terms, dtype=np.float64)
        self._shares = weights / weights.sum()
        self.no_queue_share = float(self._shares[0])
        self.queue_mean = float(self._ahead @ self._shares)

    def answered_within(self, seconds: float) -> float:
        completions_per_s = self._x / self._patience_mean_s
        served = answered_within_given_ahead(self._ahead, completions_per_s, self._patience_mean_s, seconds)
        return float(served @ self._shares)

    def exceeds(self, seconds: float) -> float:
        reached = -math.expm1(-seconds / self._patience_mean_s)
        return 1.0 - float(special.betainc(self._ahead + 1, self._x, reached) @ self._shares)


class _CutOffGamma:
    """The wait's closed form, by incomplete gamma functions."""

    def __init__(self, x: float, y: float, patience_mean_s: float) -> None:
        self._x, self._y, self._patience_mean_s = x, y, patience_mean_s
        self._share = float(special.gammainc(x, y))
        self.no_queue_share = _poisson_density(x, y) / self._share
        self.queue_mean = y - x + x * self.no_queue_share

    def answered_within(self, seconds: float) -> float:
        cut = self._y * math.exp(-seconds / self._patience_mean_s)
        served = special.gammainc(self._x + 1, self._y) - special.gammainc(self._x + 1, cut)
        return float(self._x / self._y * served / self._share)

    def exceeds(self, seconds: float) -> float:
        cut = self._y * math.exp(-seconds / self._patience_mean_s)
        return float(special.gammainc(self._x, cut)) / self._share


def _poisson_density(x: float, y: float) -> float:
    """exp(-y) y^x / Γ(x + 1), also where the two factors are huge and nearly cancel."""
    if x < 100:
        return math.exp(x * math.log(y) - y - math.lgamma(x + 1))
    surplus = (y - x) / x
    stirling = 1 / (12 * x) - 1 / (360 * x**3)
    return math.exp(-x * (surplus - math.log1p(surplus)) - stirling) / math.sqrt(2 * math.pi * x)
