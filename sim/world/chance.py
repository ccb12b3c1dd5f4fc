"""Luck of the world by name: uniforms and counts that depend on seed, replication, who, what for and which day.

*Who* is a key of 64 bits made from names (a community, a leader, a van), never a running number, so that one more
community changes nobody else's luck. A count comes from one uniform by inverse transform: a higher mean keeps
what was there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.draws import binomial_added_up, mixed_with_each, mixed_with_one, poisson_added_up, uniforms
from sim.naming import stable_hash
from sim.service.tables import Float64, Int64

SMALL_MEAN = 12.0
"""Up to here a quantile is found by adding up probabilities; above, from the normal one, put right."""

NEGLIGIBLE = 1e-18
"""A smaller probability ends a sum, which rounding may keep below a uniform next to 1."""

LARGEST = 1e15
"""No count is larger: ends the search where rounding keeps a cumulative probability below its uniform."""

_purpose = lru_cache(maxsize=1024)(stable_hash)


def mixed(keys: NDArray[np.int64], *parts: int | NDArray[np.int64]) -> Int64:
    """Keys of 64 bits that depend on a key and further whole numbers (SplitMix64's finaliser after each).

    Parameters
    ----------
    keys : int64, any shape that broadcasts with the parts.
    parts : whole numbers (negative ones too).
    """
    who = np.asarray(keys, dtype=np.int64)
    for part in parts:
        if isinstance(part, np.ndarray):
            who, each = np.broadcast_arrays(who, np.asarray(part, dtype=np.int64))
            who = mixed_with_each(who.ravel(), each.ravel()).reshape(who.shape)
        else:
            who = mixed_with_one(who.ravel(), int(part)).reshape(who.shape)
    return who if parts else np.ascontiguousarray(who)


def key_of(*names: str) -> int:
    """Key of something that is known by names, as a signed 64-bit number."""
    high = stable_hash("/".join(names))
    low = stable_hash("//".join(reversed(names)) + "#")
    return int(np.uint64((high << 32) | low).view(np.int64))


class Chance:
    """Draws of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed = seed
        self.replication = replication

    def uniform(self, what_for: str, keys: Int64, *parts: int | Int64) -> Float64:
        """One uniform in (0, 1) for each key, of the shape of keys and parts broadcast.

        ``what_for`` names the purpose; ``parts`` (the day, a slot) tell draws of one key for one purpose apart.
        """
        who = mixed(keys, *parts) if parts else np.ascontiguousarray(keys)
        return uniforms(self.seed, self.replication, who.ravel(), _purpose(what_for)).reshape(who.shape)

    def one(self, what_for: str, *parts: int) -> float:
        """One uniform for the whole platform."""
        return float(self.uniform(what_for, np.zeros(1, np.int64), *parts)[0])

    def normal(self, what_for: str, keys: Int64, *parts: int | Int64) -> Float64:
        """Standard normal scores."""
        return special.ndtri(self.uniform(what_for, keys, *parts))

    def poisson(self, what_for: str, mean: Float64, keys: Int64, *parts: int | Int64) -> Int64:
        """Poisson counts of given means (0 allowed), from one uniform each."""
        return poisson_counts(self.uniform(what_for, keys, *parts), np.asarray(mean, dtype=np.float64))

    def binomial(self, what_for: str, n: Int64, p: Float64 | float, keys: Int64, *parts: int | Int64) -> Int64:
        """Binomial counts, from one uniform each."""
        return binomial_counts(self.uniform(what_for, keys, *parts), np.asarray(n), np.asarray(p, dtype=np.float64))

    def rounded(self, what_for: str, amount: Float64, keys: Int64, *parts: int | Int64) -> Int64:
        """Whole numbers whose expectation is ``amount``: rounded up with the chance of the fraction."""
        below = np.floor(amount)
        return (below + (self.uniform(what_for, keys, *parts) < amount - below)).astype(np.int64)


def poisson_counts(u: Float64, mean: Float64) -> Int64:
    """Smallest counts whose Poisson probability of not being exceeded is at least ``u`` (same shape)."""
    mean = _of_shape(mean, u.shape)
    counts = np.zeros(u.shape, dtype=np.int64)
    small = (mean > 0) & (mean <= SMALL_MEAN)
    flat, of = counts.reshape(-1), mean.ravel()
    rows = np.flatnonzero(small.ravel())
    m, left = of[rows], u.ravel()[rows]
    flat[rows] = poisson_added_up(left, np.exp(-m), m, NEGLIGIBLE)
    large = mean > SMALL_MEAN
    if large.any():
        counts[large] = _stepped(u[large], special.pdtr, (mean[large],), mean[large], np.sqrt(mean[large]), 1.0)
    return counts


def binomial_counts(u: Float64, n: NDArray[np.int64], p: Float64) -> Int64:
    """Smallest counts whose binomial probability of not being exceeded is at least ``u`` (shapes broadcast)."""
    n, p = _of_shape(n, u.shape), _of_shape(p, u.shape)
    counts = np.zeros(u.shape, dtype=np.int64)
    counts[p >= 1] = n[p >= 1]
    some = np.flatnonzero(((n > 0) & (p > 0) & (p < 1)).ravel())
    if not some.size:
        return counts
    flat = counts.ravel()
    left, of, share = u.ravel()[some], n.ravel()[some].astype(np.float64), p.ravel()[some]
    mirrored = share > 0.5
    share, left = np.where(mirrored, 1 - share, share), np.where(mirrored, 1 - left, left)
    found = np.zeros(some.size, dtype=np.int64)
    small = of * share <= SMALL_MEAN
    none = np.exp(of * np.log1p(-share))
    rows = np.flatnonzero(small & (left > none))
    trials, odds = of[rows], share[rows] / (1 - share[rows])
    added = binomial_added_up(left[rows], none[rows], trials, odds, NEGLIGIBLE)
    found[rows] = np.minimum(added, trials.astype(np.int64))
    large = ~small
    if large.any():
        wide, prob = of[large].astype(np.int64), share[large]
        width = np.sqrt(wide * prob * (1 - prob))
        found[large] = np.minimum(
            _stepped(left[large], special.bdtr, (wide, prob), wide * prob, width, 1 - 2 * prob), wide
        )
    flat[some] = np.where(mirrored, of.astype(np.int64) - found, found)
    return flat.reshape(u.shape)


def _of_shape(values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Values broadcast to a shape; NumPy takes its time over those that have it."""
    return values if values.shape == shape else np.broadcast_to(values, shape)


def _stepped(
    u: Float64,
    cumulative: Callable[..., Float64],
    parameters: tuple[NDArray[Any], ...],
    mean: Float64,
    width: Float64,
    skew: Float64 | float,
) -> Int64:
    """Smallest counts whose cumulative probability is at least ``u``: a guess, and steps from there.

    The guess is Cornish and Fisher's (1938) to the first order: normal, put right by ``skew`` (skewness × ``width``).
    It is at most one or two off, so that a few calls of the cumulative function decide.
    """
    z = special.ndtri(u)
    k = np.maximum(np.ceil(mean + width * z + skew * (z * z - 1) / 6 - 0.5), 0.0)
    rows = np.arange(u.size)
    above = cumulative(k, *parameters) >= u
    down = rows[above & (k > 0)]
    while down.size:
        down = down[cumulative(k[down] - 1, *(one[down] for one in parameters)) >= u[down]]
        k[down] -= 1
        down = down[k[down] > 0]
    up = rows[~above]
    while up.size:
        k[up] += 1
        up = up[(cumulative(k[up], *(one[up] for one in parameters)) < u[up]) & (k[up] < LARGEST)]
    return k.astype(np.int64)
