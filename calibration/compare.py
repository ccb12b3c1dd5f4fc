"""Figures of a log, and of what a model made of its arrivals, by one definition; then the two side by side.

A *visits* frame is all that is asked for, so that simulated contacts go the same way as recorded ones: one row per
offered contact, ``kind`` (str), ``arrived_ms`` (from the first midnight), ``wait_ms``, ``answered`` (bool).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd

from calibration.logs import ContactLog
from calibration.mapping import DAY_MS, MINUTE_MS

HALF_HOUR_MS = 30 * MINUTE_MS
VISITS = ("kind", "arrived_ms", "wait_ms", "answered")
GROUPS = ("all", "kind", "half_hour", "day", "kind_half_hour")
ADDITIVE = ("offered", "abandoned")  # nobody in a group means 0, not unknown


def visits(
    log: ContactLog,
    *,
    weekdays: Collection[int] | None = None,
    opening_hours_only: bool = False,
    also_counted: Collection[str] = (),
) -> pd.DataFrame:
    """What a log says became of its contacts, as a visits frame; which contacts: see ``ContactLog.offered``."""
    chosen = log.offered(weekdays=weekdays, opening_hours_only=opening_hours_only, also_counted=also_counted)
    frame = chosen.assign(answered=chosen["outcome"] == "answered")
    return frame[list(VISITS)]


def figures(frame: pd.DataFrame, *, within_s: float = 20.0, by: Collection[str] = GROUPS) -> pd.DataFrame:
    """Figures of a visits frame.

    ``offered``: contacts that asked for a server. ``abandoned``: those who left without an answer, and
    ``abandoned_share`` of the offered. ``waited_share``: of the offered, wait above 0. ``wait_mean_s``: mean wait
    of all offered, from the request to the answer or to leaving. ``service_level_share``: answered after at most
    ``within_s`` seconds, of all offered.

    Parameters
    ----------
    frame : pandas.DataFrame
        Visits.
    within_s : float
        The service level's limit.
    by : collection of str
        Out of ``GROUPS``: all together, by kind, by half-hour of the day, by day of the log, by kind and half-hour.

    Returns
    -------
    pandas.DataFrame
        ``measure``, ``by``, ``key``, ``value``. Keys: ``""``, ``"PS"``, ``"07:30"``, ``"3"`` (days from 0), ``"PS
        07:30"``.
    """
    unknown = set(by) - set(GROUPS)
    if unknown:
        raise ValueError(f"'{min(unknown)}' is no grouping; allowed: {', '.join(GROUPS)}")
    base = pd.DataFrame(
        {
            "offered": 1.0,
            "abandoned": (~frame["answered"].astype(bool)).astype(float),
            "waited_share": (frame["wait_ms"] > 0).astype(float),
            "wait_mean_s": frame["wait_ms"] / 1000.0,
            "service_level_share": (frame["answered"].astype(bool) & (frame["wait_ms"] <= within_s * 1000)).astype(
                float
            ),
        },
        index=frame.index,
    )
    half_hour = frame["arrived_ms"] % DAY_MS // HALF_HOUR_MS
    clock = half_hour.map({n: f"{n // 2:02d}:{n % 2 * 30:02d}" for n in range(48)})
    keys: dict[str, Callable[[], pd.Series]] = {
        "all": lambda: pd.Series("", index=frame.index, dtype=object),
        "kind": lambda: frame["kind"].astype(object),
        "half_hour": lambda: clock.astype(object),
        "day": lambda: (frame["arrived_ms"] // DAY_MS).astype(str).astype(object),
        "kind_half_hour": lambda: frame["kind"].astype(object) + " " + clock.astype(object),
    }
    parts = []
    for group in [name for name in GROUPS if name in by]:
        key = keys[group]()
        sums = base.groupby(key, sort=group != "day").sum()
        offered = sums["offered"]
        table = sums.assign(abandoned_share=sums["abandoned"] / offered)
        for share in ("waited_share", "wait_mean_s", "service_level_share"):
            table[share] = sums[share] / offered
        long = table.rename_axis(index="key").reset_index().melt("key", var_name="measure", value_name="value")
        parts.append(long.assign(by=group))
    columns = ["measure", "by", "key", "value"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def side_by_side(actual: pd.DataFrame, simulated: Sequence[pd.DataFrame], *, confidence: float = 0.95) -> pd.DataFrame:
    """Recorded figures beside simulated ones.

    The interval is one for a *single further replication* (mean ± t · standard deviation · √(1 + 1/n)), since the
    log is one run of the real thing and not a mean of many: a model that is right holds the recorded value inside
    at its confidence.

    Parameters
    ----------
    actual : pandas.DataFrame
        From ``figures``.
    simulated : sequence of pandas.DataFrame
        From ``figures``, one per replication.
    confidence : float
        Of the interval.

    Returns
    -------
    pandas.DataFrame
        ``measure``, ``by``, ``key``, ``actual``, ``simulated`` (mean), ``low``, ``high`` (missing below two
        replications), ``inside`` (missing when the interval or the actual value is). A group that one side lacks
        has no contacts there: its counts are 0, its shares and means missing.
    """
    from scipy.special import stdtrit

    index = ["measure", "by", "key"]
    if not simulated:
        raise ValueError("there is no replication to compare with")
    wide = pd.concat(
        [frame.set_index(index)["value"].rename(n) for n, frame in enumerate([actual, *simulated])], axis=1, sort=False
    )
    counts = wide.index.get_level_values("measure").isin(ADDITIVE)
    wide[counts] = wide[counts].fillna(0.0)
    runs = wide.iloc[:, 1:]
    count, mean = runs.notna().sum(axis=1), runs.mean(axis=1)
    spread = runs.std(axis=1, ddof=1).to_numpy() * np.sqrt(1 + 1 / count.clip(lower=1).to_numpy())
    reach = stdtrit((count - 1).clip(lower=1).to_numpy(), 0.5 + confidence / 2) * spread
    low, high = mean - reach, mean + reach
    known = low.notna() & wide[0].notna()
    slack = 1e-9 * wide[0].abs()  # replications that all agree leave no width but the last bit
    inside = ((low - slack <= wide[0]) & (wide[0] <= high + slack)).astype("boolean").where(known)
    table = pd.DataFrame({"actual": wide[0], "simulated": mean, "low": low, "high": high, "inside": inside})
    return table.reset_index()
