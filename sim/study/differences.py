"""Paired differences: a figure of an option less the baseline's, replication by replication.

*Interval.* Student's t on the differences (Law, Simulation Modeling and Analysis, 5th ed., section 10.2.1).

*P(better).* The probability that the option does better than the baseline in one more replication: another such month.
It is the posterior mean of a share under Jeffreys' prior, (b + ½) / (n + 1), where b of n replications were better and
an equal one counts half; its interval is Jeffreys' (L. D. Brown, T. T. Cai and A. DasGupta 2001, Interval estimation
for a binomial proportion, Statistical Science 16(2), 101–133). It needs no normal values, does not change when a figure
is put on another scale, and is never 0 or 1: ten of ten make 95 %. Whether the *mean* is better is what the interval of
the difference says.

*Distinguishable.* The mean difference is not 0, by the t test at 5 % with Holm's correction over the options, figure by
figure (S. Holm 1979, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6(2),
65–70). With one option beside the baseline: its interval leaves out 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sim.measures import MEASURES, Estimate, estimate

LEVEL = 0.95

Rows = Sequence[Mapping[str, float]]
"""Figures by name, of each replication."""

Verdict = Literal["better", "worse", "differs", "not told apart"]


@dataclass(frozen=True)
class Difference:
    """An option's figure less the baseline's.

    ``estimate`` : of the mean difference, over the replications in which both have a value. ``better_in`` : the
    replications in which the option was better, equal ones by half; it, ``p_better`` and its interval ``p_low``,
    ``p_high`` are None where it is not said which way the figure is better, or below two replications.
    ``distinguishable`` : the mean difference is not 0.
    """

    measure: str
    estimate: Estimate
    better_in: float | None
    p_better: float | None
    p_low: float | None
    p_high: float | None
    distinguishable: bool

    @property
    def verdict(self) -> Verdict:
        """The difference in a word."""
        if not self.distinguishable:
            return "not told apart"
        better = MEASURES[self.measure].better
        if not better:
            return "differs"
        return "better" if (self.estimate.mean > 0) == (better == "more") else "worse"

    def as_json(self) -> dict[str, Any]:
        """As ``linli compare --json`` prints it."""
        return self.estimate.as_json() | {
            "better_in": self.better_in,
            "p_better": self.p_better,
            "p_better_low": self.p_low,
            "p_better_high": self.p_high,
            "distinguishable": self.distinguishable,
        }


def differences(base: Rows, others: Mapping[str, Rows], names: Sequence[str]) -> dict[str, dict[str, Difference]]:
    """Differences of named figures, by option.

    Parameters
    ----------
    base : figures of the baseline.
    others : of the options, each with the same replications in the same order.
    """
    found: dict[str, dict[str, Difference]] = {option: {} for option in others}
    for name in names:
        values = {option: paired_values(base, rows, name) for option, rows in others.items()}
        chances = {option: p_value(own) for option, own in values.items()}
        distinct = holm(chances, 1 - LEVEL)
        for option, own in values.items():
            found[option][name] = _difference(name, own, option in distinct)
    return found


def paired_values(base: Rows, rows: Rows, name: str) -> list[float]:
    """Differences of a figure in the replications in which both have it."""
    pairs = ((own.get(name, math.nan), other.get(name, math.nan)) for own, other in zip(rows, base, strict=True))
    return [x - y for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


def _difference(name: str, values: Sequence[float], distinguishable: bool) -> Difference:
    measure = MEASURES[name]
    found = replace(estimate(values, "1", LEVEL), unit=measure.unit)
    if len(values) < 2 or not measure.better:
        return Difference(name, found, None, None, None, None, distinguishable)
    sign = 1 if measure.better == "more" else -1
    better = sum(sign * x > 0 for x in values) + 0.5 * sum(x == 0 for x in values)
    return Difference(name, found, better, *share_better(better, len(values)), distinguishable)


def share_better(better: float, count: int) -> tuple[float, float, float]:
    """Posterior mean of a share under Jeffreys' prior, and Jeffreys' interval of 95 %."""
    from scipy.special import betaincinv

    a, b, tail = better + 0.5, count - better + 0.5, (1 - LEVEL) / 2
    low = 0.0 if better == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if better == count else float(betaincinv(a, b, 1 - tail))
    return a / (a + b), low, high


def p_value(values: Sequence[float]) -> float:
    """Two-sided p of Student's test that the mean is 0; 1 where there is nothing to test."""
    from scipy.special import stdtr

    n = len(values)
    if n < 2:
        return 1.0
    mean = math.fsum(values) / n
    error = math.sqrt(math.fsum((x - mean) ** 2 for x in values) / (n - 1) / n)
    if min(values) == max(values) or error == 0:
        return 1.0 if values[0] == 0 else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) / error))


def holm(chances: Mapping[str, float], level: float) -> set[str]:
    """Names whose p is small enough when all of them were looked at."""
    kept: set[str] = set()
    for place, (name, p) in enumerate(sorted(chances.items(), key=lambda pair: pair[1])):
        if p > level / (len(chances) - place):
            break
        kept.add(name)
    return kept
