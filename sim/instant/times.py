"""Time in an average day, cut into bins, and distributions of times as a few points of equal weight."""

from __future__ import annotations

import functools

import numpy as np
from scipy import special

from sim.draws import CONSTANT, EMPIRICAL, EXPONENTIAL, LOGNORMAL, WEIBULL
from sim.scenario import Duration
from sim.service.durations import Part, parts_of
from sim.service.tables import Float64

BIN_MIN = 15
BINS = 1440 // BIN_MIN
POINTS = 16
_FINE = 256
MINUTE_MS = 60_000


def points_of(duration: Duration) -> Float64:
    """Means of a distribution's sixteenths, in minutes, rising: sixteen points that keep its mean."""
    return _points_of(_Itself(duration))


def mean_of(duration: Duration) -> float:
    """Mean in minutes."""
    return _mean_of(_Itself(duration))


class _Itself:
    """A distribution as a key that is quickly compared: equal to nothing but itself."""

    def __init__(self, duration: Duration) -> None:
        self.duration = duration

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.duration is self.duration

    def __hash__(self) -> int:
        return id(self.duration)


@functools.lru_cache(maxsize=4096)
def _points_of(key: _Itself) -> Float64:
    return _points(tuple(parts_of(key.duration)))


@functools.lru_cache(maxsize=4096)
def _mean_of(key: _Itself) -> float:
    return float(_points_of(key).mean())


@functools.lru_cache(maxsize=4096)
def _points(parts: tuple[Part, ...]) -> Float64:
    values, weights = [], []
    for part in parts:
        u = part.lowest + (part.highest - part.lowest) * (np.arange(POINTS * _FINE) + 0.5) / (POINTS * _FINE)
        values.append(_quantile(part, u))
        weights.append(np.full(u.size, part.share / u.size))
    value, weight = np.concatenate(values), np.concatenate(weights)
    order = np.argsort(value, kind="stable")
    value, weight = value[order], weight[order]
    # Cumulative weight and cumulative weighted value, read off at the sixteenths.
    below = np.concatenate([[0.0], np.cumsum(weight)])
    total = np.concatenate([[0.0], np.cumsum(weight * value)])
    at = np.interp(np.linspace(0.0, below[-1], POINTS + 1), below, total)
    points: Float64 = np.diff(at) * POINTS / below[-1] / MINUTE_MS
    points.setflags(write=False)
    return points


def _quantile(part: Part, u: Float64) -> Float64:
    if part.family == CONSTANT:
        return np.full(u.size, part.p0)
    if part.family == EXPONENTIAL:
        return -part.p0 * np.log1p(-u)
    if part.family == LOGNORMAL:
        return np.exp(part.p0 + part.p1 * special.ndtri(u))
    if part.family == WEIBULL:
        return part.p0 * (-np.log1p(-u)) ** part.p1
    if part.family == EMPIRICAL:
        probabilities, times = np.array(part.points).T
        return np.interp(u, probabilities, times)
    return special.gammaincinv(part.p0, u) * part.p1


def delay(duration: Duration) -> Float64:
    """Matrix that moves items of each bin on by a distribution of times, around the clock: ``items @ delay(...)``."""
    return _delay(points_of(duration).tobytes())


@functools.lru_cache(maxsize=1024)
def _delay(points: bytes) -> Float64:
    delays = np.broadcast_to(np.frombuffer(points), (BINS, POINTS))
    return moved(delays, np.full((BINS, POINTS), 1 / POINTS))


def moved(delays_min: Float64, weights: Float64) -> Float64:
    """Matrix (BINS, BINS) that moves each bin's items on by some minutes, each with a weight; both shape (BINS, K)."""
    offset = np.minimum(delays_min / BIN_MIN, 100.0 * BINS)
    whole = np.floor(offset)
    part = (offset - whole) * weights
    place = (np.arange(BINS)[:, None] + whole.astype(np.int64)) % BINS
    row = np.arange(BINS)[:, None] * BINS
    # Half-way between two bins belongs to both.
    cells = np.concatenate([(row + place).ravel(), (row + (place + 1) % BINS).ravel()])
    mass = np.concatenate([(weights - part).ravel(), part.ravel()])
    total: Float64 = np.bincount(cells, weights=mass, minlength=BINS * BINS).astype(np.float64)
    return total.reshape(BINS, BINS)
