"""The product-limit estimate of a duration that is often only known to be longer than what was seen.

Our own dozen lines, not ``scipy.stats.ecdf``: importing ``scipy.stats`` takes seconds, its result has neither
numbers at risk nor events by time, which the tail rule needs, and it repeats the sorting for every interval. The
tests hold the two together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.quantiles import PROBABILITIES, QuantileTable

TAIL_AT_RISK = 30  # fewer at risk than these say nothing about a hazard
LAST_QUANTILE = 0.9999  # an exponential tail has no end; a table has


def product_limit(durations_ms: npt.ArrayLike, ended: npt.ArrayLike, *, confidence: float = 0.95) -> pd.DataFrame:
    """Kaplan–Meier estimate of survival.

    Parameters
    ----------
    durations_ms : array of int
        What was seen of each duration.
    ended : array of bool
        Whether it ended there (an event) or was cut off (censored). At a tie, events come first.
    confidence : float
        Of the interval: Greenwood's variance on the scale log(−log S), which keeps it within 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row per time of an event: ``time_ms``, ``at_risk``, ``events``, ``survival`` (just after it), ``low``,
        ``high``.

    References
    ----------
    Kaplan and Meier 1958; Kalbfleisch and Prentice 2002, section 1.4.
    """
    from scipy.special import ndtri

    seen = np.asarray(durations_ms, dtype=np.int64)
    event = np.asarray(ended, dtype=bool)
    time, events = np.unique(seen[event], return_counts=True)
    at_risk = len(seen) - np.searchsorted(np.sort(seen), time, side="left")
    survival = np.cumprod(1.0 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        reach = ndtri(0.5 + confidence / 2) * np.sqrt(greenwood) / np.abs(np.log(survival))
        low, high = survival ** np.exp(reach), survival ** np.exp(-reach)
    inside = (survival > 0) & (survival < 1)  # elsewhere the scale has no value, and the data no say
    return pd.DataFrame(
        {
            "time_ms": time,
            "at_risk": at_risk,
            "events": events,
            "survival": survival,
            "low": np.where(inside, low, np.where(survival == 0, 0.0, survival)),
            "high": np.where(inside, high, np.where(survival == 0, 1.0, survival)),
        }
    )


def survival_at(table: pd.DataFrame, time_ms: float, column: str = "survival") -> float:
    """Share that lasts longer than ``time_ms`` (or the interval's ``low`` or ``high``); 1 before the first event."""
    place = int(np.searchsorted(table["time_ms"], time_ms, side="right"))
    return float(table[column].iloc[place - 1]) if place else 1.0


def median_ms(table: pd.DataFrame) -> float:
    """The first time at which at most half is left; not a number when the estimate does not come so far down."""
    reached = table.loc[table["survival"] <= 0.5, "time_ms"]
    return float(reached.iloc[0]) if len(reached) else float("nan")


def censored_quantiles(
    durations_ms: npt.ArrayLike, ended: npt.ArrayLike, *, longest_ms: int | None = None
) -> QuantileTable:
    """Quantile table of a censored duration.

    The estimate does not come down to 0 when the longest durations are cut off, and its last steps rest on few.
    **Tail rule**: the estimate is followed up to its last event with ``TAIL_AT_RISK`` at risk (or its first event,
    if there are never so many), linear between its steps. Beyond, the duration is exponential, with the hazard of
    the last tenth of the events up to there: those events, over the time that everybody together spent at risk
    while they happened. The table ends at its ``LAST_QUANTILE``.

    Parameters
    ----------
    durations_ms, ended
        As in ``product_limit``.
    longest_ms : int, optional
        Where the duration ends in any case; the tail is cut there.

    Raises
    ------
    ValueError
        If there is no event at all: nothing but cut-off durations say nothing about how long they are.
    """
    seen = np.asarray(durations_ms, dtype=np.int64)
    event = np.asarray(ended, dtype=bool)
    if not event.any():
        raise ValueError("every duration was cut off: none is known to its end")
    table = product_limit(seen, event)
    enough = max(1, int((table["at_risk"] >= TAIL_AT_RISK).sum()))
    body = table.iloc[:enough]
    last, left = int(body["time_ms"].iloc[-1]), float(body["survival"].iloc[-1])

    ends = np.sort(seen[event & (seen <= last)])
    start = int(ends[int(0.9 * (len(ends) - 1))])
    start = start if start < last else 0
    exposure = float(np.clip(np.minimum(seen, last) - start, 0, None).sum())
    hazard = float((ends > start).sum()) / exposure if exposure > 0 else float("inf")

    wanted = np.minimum(PROBABILITIES, LAST_QUANTILE)
    # Linear from 0 and between the steps, which lie a second apart in most logs: their rounding is spread again.
    known = np.concatenate([[0.0], 1.0 - body["survival"].to_numpy()])
    values = np.interp(wanted, known, np.concatenate([[0.0], body["time_ms"].to_numpy(dtype=float)]))
    beyond = wanted > 1.0 - left + 1e-12
    values[beyond] = last - np.log((1.0 - wanted[beyond]) / left) / hazard
    if longest_ms is not None:
        values = np.minimum(values, longest_ms)
    whole = np.rint(np.maximum.accumulate(values)).astype(np.int64)
    return QuantileTable(PROBABILITIES, tuple(whole.tolist()), len(seen))
