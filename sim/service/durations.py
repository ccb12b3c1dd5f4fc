"""Distributions of times: from the way people state them to the flat tables that the engines draw from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from sim.draws import CONSTANT, EMPIRICAL, EXPONENTIAL, GAMMA, LOGNORMAL, NORMAL_GRID_HALF, WEIBULL
from sim.fields import MS
from sim.scenario import Duration
from sim.service.tables import Durations

GAMMA_KNOTS = 1025
NORMAL_P90 = 1.2815515655446004


@dataclass(frozen=True)
class Part:
    """One component of a distribution: its share, family, parameters and the probabilities it is cut to."""

    share: float
    family: int
    p0: float
    p1: float = 0.0
    lowest: float = 0.0
    highest: float = 1.0
    points: tuple[tuple[float, float], ...] = ()
    """Quantiles (probability, ms) of an empirical part."""

    def below(self, ms: float, *, inclusive: bool) -> float:
        """Probability that the uncut part is below (or at) a time."""
        if self.family == CONSTANT:
            return 1.0 if self.p0 < ms or (inclusive and self.p0 == ms) else 0.0
        if self.family == EMPIRICAL:
            return _empirical_below(self.points, ms, inclusive=inclusive)
        if ms <= 0:
            return 0.0
        if self.family == EXPONENTIAL:
            return -math.expm1(-ms / self.p0)
        if self.family == LOGNORMAL:
            return float(special.ndtr((math.log(ms) - self.p0) / self.p1))
        if self.family == WEIBULL:
            return -math.expm1(-((ms / self.p0) ** (1 / self.p1)))
        return float(special.gammainc(self.p0, ms / self.p1))

    def cut(self, low: float, high: float) -> Part | None:
        """The part between two times (both included), its share reduced; None if nothing is left."""
        first = max(self.lowest, self.below(low, inclusive=False))
        last = min(self.highest, self.below(high, inclusive=True))
        if last <= first:
            return None
        if self.family == CONSTANT:
            return self
        return replace(
            self, share=self.share * (last - first) / (self.highest - self.lowest), lowest=first, highest=last
        )


def _empirical_below(points: tuple[tuple[float, float], ...], ms: float, *, inclusive: bool) -> float:
    """Inverse of a quantile table; steps of equal times are atoms."""
    probabilities, times = np.array(points).T
    if ms < times[0] or (ms == times[0] and not inclusive):
        return 0.0
    if ms > times[-1] or (ms == times[-1] and inclusive):
        return 1.0
    right = int(np.searchsorted(times, ms, side="right" if inclusive else "left"))
    if times[right] == times[right - 1]:
        return float(probabilities[right - 1])
    share = (ms - times[right - 1]) / (times[right] - times[right - 1])
    return float(probabilities[right - 1] + share * (probabilities[right] - probabilities[right - 1]))


def parts_of(duration: Duration) -> list[Part]:
    """Components of a distribution, shares adding up to 1; for a gamma, p0 is the shape and p1 the scale in ms.

    Raises
    ------
    ValueError
        If ``at_least`` and ``at_most`` leave (almost) nothing of the distribution.
    """
    parts = _uncut(duration)
    low, high = duration.time_ms("at_least"), duration.time_ms("at_most")
    if low is not None or high is not None:
        cut = [part.cut(low or 0.0, math.inf if high is None else high) for part in parts]
        parts = [part for part in cut if part is not None]
        if sum(part.share for part in parts) < 1e-9:
            raise ValueError(
                "at_least and at_most leave nothing of the distribution; allowed: bounds that it can reach"
            )
    total = sum(part.share for part in parts)
    return [replace(part, share=part.share / total) for part in parts if part.share > 0]


def _uncut(duration: Duration) -> list[Part]:
    mean, median, cv = duration.time_ms("mean"), duration.time_ms("median"), duration.cv
    match duration.family:
        case "constant":
            return [Part(1.0, CONSTANT, duration.time_ms("value") or 0.0)]
        case "exponential":
            return [Part(1.0, EXPONENTIAL, mean if mean is not None else (median or 0.0) / math.log(2))]
        case "lognormal":
            return [Part(1.0, LOGNORMAL, *_lognormal(mean, median, duration.time_ms("p90"), cv))]
        case "weibull":
            assert mean is not None
            shape = duration.shape if duration.shape is not None else _weibull_shape(cv or 1.0)
            return [Part(1.0, WEIBULL, mean / math.exp(math.lgamma(1 + 1 / shape)), 1 / shape)]
        case "gamma":
            assert mean is not None
            assert cv is not None
            return [Part(1.0, GAMMA, 1 / cv**2, mean * cv**2)]
        case "hyperexponential":
            assert mean is not None
            assert cv is not None
            share = (1 + math.sqrt((cv**2 - 1) / (cv**2 + 1))) / 2
            phases = [Part(p, EXPONENTIAL, mean / (2 * p)) for p in (share, 1 - share) if p > 0]
            return phases
        case "mixture":
            return [
                replace(part, share=part.share * component.share)
                for component in duration.components or []
                if component.share > 0
                for part in parts_of(component.duration)
            ]
        case "empirical":
            unit = MS["s"] if duration.quantiles_s is not None else MS["min"]
            quantiles = duration.quantiles_s or duration.quantiles_min or {}
            return [Part(1.0, EMPIRICAL, 0, points=tuple((p, t * unit) for p, t in sorted(quantiles.items())))]
    raise AssertionError(duration.family)


def _lognormal(mean: float | None, median: float | None, p90: float | None, cv: float | None) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm."""
    if median is not None and p90 is not None:
        return math.log(median), math.log(p90 / median) / NORMAL_P90
    assert mean is not None
    if median is not None:
        return math.log(median), math.sqrt(2 * math.log(mean / median))
    assert cv is not None
    variance = math.log1p(cv**2)
    return math.log(mean) - variance / 2, math.sqrt(variance)


def _weibull_shape(cv: float) -> float:
    """Shape of the Weibull distribution with a coefficient of variation, by bisection on log(shape)."""

    def squared(shape: float) -> float:
        return math.expm1(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape))

    low, high = math.log(0.03), math.log(1000.0)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if squared(math.exp(middle)) > cv**2 else (low, middle)
    return math.exp((low + high) / 2)


def gamma_knots(shape: float, scale: float) -> np.ndarray:
    """Logarithm of the gamma quantile and its slope over equally spaced normal scores, shape (GAMMA_KNOTS, 2)."""
    z = np.linspace(-NORMAL_GRID_HALF, NORMAL_GRID_HALF, GAMMA_KNOTS)
    with np.errstate(divide="ignore", invalid="ignore", under="ignore", over="ignore"):
        x = np.where(z < 0, special.gammaincinv(shape, special.ndtr(z)), special.gammainccinv(shape, special.ndtr(-z)))
        # Far below, the quantile underflows; there the density is x**(shape - 1) / Γ(shape) and can be inverted.
        power_law = (special.log_ndtr(z) + special.gammaln(shape + 1)) / shape
        log_x = np.where(x < 1e-200, power_law, np.log(x))
        log_density_of_log = shape * log_x - np.exp(log_x) - special.gammaln(shape)
        slope = np.exp(-z * z / 2 - 0.5 * math.log(2 * math.pi) - log_density_of_log)
    return np.column_stack([log_x + math.log(scale), slope])


@dataclass
class DurationTable:
    """Collects the distributions of a scenario; equal ones share a row."""

    span: list[tuple[int, int]] = field(default_factory=list)
    component: list[tuple[float, ...]] = field(default_factory=list)
    knot: list[np.ndarray] = field(default_factory=list)
    knots: int = 0
    seen: dict[tuple[Part, ...], int] = field(default_factory=dict)

    def add(self, duration: Duration) -> int:
        """Row of a distribution."""
        return self.add_parts(parts_of(duration))

    def add_parts(self, parts: list[Part]) -> int:
        """Row of a distribution given by its parts."""
        key = tuple(parts)
        if key not in self.seen:
            self.seen[key] = len(self.span)
            self.span.append((len(self.component), len(parts)))
            below = 0.0
            for i, part in enumerate(parts):
                below = 1.0 if i == len(parts) - 1 else below + part.share
                self.component.append((below, part.family, *self._parameters(part), part.lowest, part.highest))
        return self.seen[key]

    def _parameters(self, part: Part) -> tuple[float, float]:
        if part.family == GAMMA:
            rows = gamma_knots(part.p0, part.p1)
        elif part.family == EMPIRICAL:
            rows = np.array(part.points)
        else:
            return part.p0, part.p1
        first = self.knots
        self.knot.append(rows)
        self.knots += len(rows)
        return float(first), float(len(rows))

    def tables(self) -> Durations:
        """The collected distributions as flat tables."""
        return Durations(
            span=np.array(self.span, dtype=np.int32).reshape(-1, 2),
            component=np.array(self.component, dtype=np.float64).reshape(-1, 6),
            knot=np.concatenate([*self.knot, np.empty((0, 2))]).astype(np.float64),
        )


def is_zero(duration: Duration) -> bool:
    """Whether the duration is always 0 ms: a step that takes no time."""
    return all(part.family == CONSTANT and part.p0 < 0.5 for part in parts_of(duration))
