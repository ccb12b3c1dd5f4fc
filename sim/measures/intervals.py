"""From the figures of several replications to estimates with confidence intervals, and to JSON.

Replications are independent and identically distributed by construction, so that Student's t applies to their
values (Law, Simulation Modeling and Analysis, 5th ed., section 9.4.1).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.measures.breakdown import Key
from sim.measures.definitions import MEASURES

Units = Mapping[str, str]


@dataclass(frozen=True)
class Estimate:
    """Mean over replications with its confidence interval.

    ``low`` and ``high`` are None below two replications; ``mean`` is NaN without any. ``replications`` counts those
    in which the figure had a value.
    """

    mean: float
    low: float | None
    high: float | None
    unit: str
    replications: int

    def as_json(self) -> dict[str, Any]:
        """As ``--json`` prints it; a mean that does not exist is null."""
        return {
            "mean": self.mean if math.isfinite(self.mean) else None,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "replications": self.replications,
        }


def unit_of(name: str) -> str:
    """Unit of a figure: the registered one, else by the name's ending, else "1"."""
    if name in MEASURES:
        return MEASURES[name].unit
    ending = name.rsplit("_", 1)[-1]
    return ending if ending in ("share", "s", "min", "h", "km", "yuan", "days") else "1"


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; sums are exact, so that they do not depend on the order."""
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2 or min(values) == max(values):
        return (values[0], 0.0) if n > 1 else (mean, math.nan)
    return mean, math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1) / n)


def t_quantile(degrees: int, level: float) -> float:
    """Two-sided quantile of Student's t."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))


def _checked(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}: allowed are numbers between 0 and 1, such as 0.95")


def estimate(values: Sequence[float], unit: str = "1", level: float = 0.95, at_least: float = -math.inf) -> Estimate:
    """Mean with Student's t interval of one figure's values; NaN (and None) are left out.

    Intervals of shares are cut to 0 … 1, others at ``at_least``: what no value can be is in no interval.

    Raises
    ------
    ValueError
        The level is not between 0 and 1.
    """
    _checked(level)
    known = [float(x) for x in values if x is not None and math.isfinite(x)]
    if not known:
        return Estimate(math.nan, None, None, unit, 0)
    mean, error = _mean_and_error(known)
    if len(known) < 2:
        return Estimate(mean, None, None, unit, 1)
    half = t_quantile(len(known) - 1, level) * error
    low, high = max(mean - half, at_least), mean + half
    if unit == "share":
        low, high = max(low, 0.0), min(high, max(1.0, *known))  # a daily share times thirty may pass 1
    return Estimate(mean, low, high, unit, len(known))


def summarise(
    per_replication: Sequence[Mapping[str, float]], level: float = 0.95, units: Units | None = None
) -> dict[str, Estimate]:
    """Estimate of every figure over replications.

    Parameters
    ----------
    per_replication : figures of each replication; a figure may be missing or NaN in some.
    level : of confidence.
    units : of figures that the registry does not know.
    """
    names = dict.fromkeys(name for one in per_replication for name in one)
    known = units or {}
    return {
        name: estimate(
            [one.get(name, math.nan) for one in per_replication],
            known.get(name, unit_of(name)),
            level,
            at_least=MEASURES[name].least if name in MEASURES else -math.inf,
        )
        for name in names
    }


def summarise_by(
    per_replication: Sequence[Mapping[Key, Mapping[str, float]]], level: float = 0.95, units: Units | None = None
) -> dict[Key, dict[str, Estimate]]:
    """The same for each group of a breakdown; groups in the order in which they first appear."""
    keys = dict.fromkeys(key for one in per_replication for key in one)
    return {key: summarise([one.get(key, {}) for one in per_replication], level, units) for key in keys}


# ── precision of sequential runs ─────────────────────────────────────────────────────────────────────────────────


def half_width(values: Sequence[float], level: float = 0.95) -> float:
    """Half-width of the t interval, not cut; infinite below two values."""
    _checked(level)
    known = [float(x) for x in values if math.isfinite(x)]
    if len(known) < 2:
        return math.inf
    return t_quantile(len(known) - 1, level) * _mean_and_error(known)[1]


def relative_half_width(per_replication: Sequence[Mapping[str, float]], name: str, level: float = 0.95) -> float:
    """Half-width over the absolute mean of a named figure; 0 when the figure never varies, infinite when the mean is 0
    otherwise, or below two values."""
    values = [x for one in per_replication if math.isfinite(x := one.get(name, math.nan))]
    half = half_width(values, level)
    if half == 0:
        return 0.0
    mean = math.fsum(values) / len(values) if values else 0.0
    return half / abs(mean) if mean else math.inf


def replications_needed(
    per_replication: Sequence[Mapping[str, float]], name: str, relative: float, level: float = 0.95
) -> int | None:
    """About how many replications in all give a relative half-width, judging by the variance so far.

    None when that cannot be told (below two values, or mean 0). Never below what is there already.
    """
    now = relative_half_width(per_replication, name, level)
    if now <= relative:
        return len(per_replication)
    if math.isinf(now) or relative <= 0:
        return None
    n = sum(math.isfinite(one.get(name, math.nan)) for one in per_replication)
    spread = now / t_quantile(n - 1, level) * math.sqrt(n)

    def enough(count: int) -> bool:
        return t_quantile(count - 1, level) * spread / math.sqrt(count) <= relative

    too_few, many = n, 2 * n
    while not enough(many):
        too_few, many = many, 2 * many
    while many - too_few > 1:
        middle = (too_few + many) // 2
        too_few, many = (too_few, middle) if enough(middle) else (middle, many)
    return math.ceil(many * len(per_replication) / n)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def measures_as_json(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, Any]]:
    """``MEASURES`` of ``--json``: {name: {mean, low, high, unit, replications}}."""
    return {name: one.as_json() for name, one in estimates.items()}


def by_as_json(groups: Mapping[Key, Mapping[str, Estimate]]) -> list[dict[str, Any]]:
    """One breakdown of ``--json``: [{key, measures}]."""
    return [{"key": key, "measures": measures_as_json(estimates)} for key, estimates in groups.items()]
