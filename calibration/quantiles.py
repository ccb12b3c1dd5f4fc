"""A distribution as a table of quantiles: what a scenario can carry instead of a family and its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Every per cent, every thousandth above 99 %, and the end: service times have long tails, and the tail makes the
# queue.
PROBABILITIES: tuple[float, ...] = (
    *(round(step / 100, 2) for step in range(100)),
    *(round(0.99 + step / 1000, 3) for step in range(1, 10)),
    0.9995,
    0.9998,
    1.0,
)


@dataclass(frozen=True)
class QuantileTable:
    """A distribution of durations, linear between its quantiles.

    Attributes
    ----------
    probabilities : tuple of float
        From 0 to 1, rising.
    values_ms : tuple of int
        The quantile of each, never falling.
    observations : int
        How many durations stand behind it (censored ones included).
    """

    probabilities: tuple[float, ...]
    values_ms: tuple[int, ...]
    observations: int

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if len(self.probabilities) != len(self.values_ms) or len(self.values_ms) < 2:
            raise ValueError("a quantile table has as many values as probabilities, two at least")
        if self.probabilities[0] != 0.0 or self.probabilities[-1] != 1.0 or np.any(np.diff(self.probabilities) <= 0):
            raise ValueError("the probabilities of a quantile table rise from 0 to 1")
        if self.values_ms[0] < 0 or np.any(np.diff(self.values_ms) < 0):
            raise ValueError("the values of a quantile table are no negative durations and never fall")

    @property
    def mean_ms(self) -> float:
        """Mean of the distribution that the table describes."""
        return float(np.trapezoid(self.values_ms, self.probabilities))

    def quantile_ms(self, probability: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Inverse of the distribution function, in whole milliseconds; uniforms in, durations out."""
        return np.rint(np.interp(np.asarray(probability, dtype=float), self.probabilities, self.values_ms)).astype(
            np.int64
        )

    def above(self, duration_ms: float) -> float:
        """Share of durations above ``duration_ms``."""
        place = int(np.searchsorted(self.values_ms, duration_ms, side="right"))
        if place == 0:
            return 1.0
        if place == len(self.values_ms):
            return 0.0
        low, high = self.values_ms[place - 1], self.values_ms[place]
        left, right = self.probabilities[place - 1], self.probabilities[place]
        return 1.0 - (left + (right - left) * (duration_ms - low) / (high - low))


def from_durations(durations_ms: npt.ArrayLike) -> QuantileTable:
    """Table of a sample of durations that were all seen to their end.

    Raises
    ------
    ValueError
        If there is none.
    """
    sample = np.asarray(durations_ms, dtype=np.int64)
    if not len(sample):
        raise ValueError("there are no durations to make a table of")
    values = np.rint(np.quantile(sample, PROBABILITIES, method="hazen")).astype(np.int64)
    return QuantileTable(PROBABILITIES, tuple(values.tolist()), len(sample))
