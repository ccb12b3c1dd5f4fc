"""Who was present when, which a log of calls does not say: inferred from who served when, by one simple rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.logs import ContactLog
from calibration.mapping import DAY_MS, MINUTE_MS


@dataclass(frozen=True)
class PresenceRule:
    """What the time between two works of a server means.

    Above ``span_gap_min`` the server went home: one span ends, another starts. Above ``break_gap_min`` it had a
    break, and was absent for exactly as long as the gap. Any shorter gap is idle time or work that nobody recorded:
    it was present.

    **Ends.** A server comes before its first work and leaves after its last. Each span is made longer at both ends
    by the mean of the short gaps (those of presence, gaps of 0 included) within it, or of that server's in the
    whole log when the span has fewer than ``fewest_gaps`` of them, or of everybody's: as long as the server
    typically had nothing to do.

    Defaults are those found on a bank's call centre, and are uncertain: five per cent more or fewer heads move
    abandonment by more than a point.
    """

    span_gap_min: float = 120.0
    break_gap_min: float = 20.0
    fewest_gaps: int = 3

    def __post_init__(self) -> None:
        """Refuse gaps that would let the longer ends of two spans meet."""
        if not 0 <= 2 * self.break_gap_min <= self.span_gap_min:
            raise ValueError("span_gap_min is at least twice break_gap_min, and neither is negative")


def presence_windows(log: ContactLog, rule: PresenceRule | None = None) -> pd.DataFrame:
    """Windows of presence of every server.

    All works count, those too that are no arrivals (calls that servers started themselves).

    Returns
    -------
    pandas.DataFrame
        ``server``, ``day`` (on which the window starts), ``from_ms``, ``until_ms``, ``works`` (how many it holds),
        by server and start. Windows of one server neither touch nor overlap.
    """
    rule = rule or PresenceRule()
    works = log.works()
    if works.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()})
    found = [
        _of_one(str(server), some["from_ms"].to_numpy(), some["until_ms"].to_numpy(), rule)
        for server, some in works.groupby("server", sort=True)
    ]
    everybody = np.concatenate([gaps[short] for _, gaps, short in found])
    typical = float(everybody.mean()) if len(everybody) else 0.0
    return pd.concat([_extended(spans, gaps, short, typical, rule) for spans, gaps, short in found], ignore_index=True)


def without_own_work(windows: pd.DataFrame, log: ContactLog) -> pd.DataFrame:
    """Windows without the time that servers spent on what they started themselves.

    A replay feeds the arrivals only. Rows that are no arrivals (kinds not kept) kept their server busy all the same:
    with these windows the server is absent for as long, and the rest of its
    time is left to the arrivals.

    Parameters
    ----------
    windows : pandas.DataFrame
        From ``presence_windows``.
    log : ContactLog
        The log that they come from.

    Returns
    -------
    pandas.DataFrame
        With the same columns; ``works`` is that of the window which was cut.
    """
    works = log.works()
    own = {
        str(server): list(zip(some["from_ms"].tolist(), some["until_ms"].tolist(), strict=True))
        for server, some in works[~works["arrival"]].groupby("server")
    }
    rest: list[tuple[str, int, int, int, int]] = []
    for window in windows.itertuples(index=False):
        at = window.from_ms
        for start, end in own.get(window.server, []):
            if start >= window.until_ms or end <= at:
                continue
            if start > at:
                rest.append((window.server, at // DAY_MS, at, start, window.works))
            at = end
        if at < window.until_ms:
            rest.append((window.server, at // DAY_MS, at, window.until_ms, window.works))
    return pd.DataFrame(rest, columns=list(_COLUMNS)).astype(_COLUMNS)


def heads(windows: pd.DataFrame, *, step_min: int = 30) -> pd.DataFrame:
    """Mean number of servers present in each interval.

    Returns
    -------
    pandas.DataFrame
        ``from_ms`` and ``servers`` (time-weighted), for every interval from the log's first midnight to the last
        window's end.
    """
    step = step_min * MINUTE_MS
    last = int(windows["until_ms"].max()) if len(windows) else 0
    edges = np.arange(0, last + step, step, dtype=np.int64)
    present = np.zeros(len(edges))
    for time, sign in ((windows["from_ms"].to_numpy(), 1.0), (windows["until_ms"].to_numpy(), -1.0)):
        # Time present before each edge, summed over windows: the part of (time, edge) that lies after a start, less
        # that after an end.
        order = np.sort(time)
        before = np.searchsorted(order, edges, side="right")
        total = np.concatenate([[0.0], np.cumsum(order, dtype=float)])
        present += sign * (before * edges.astype(float) - total[before])
    return pd.DataFrame({"from_ms": edges[:-1], "servers": np.diff(present) / step})


_COLUMNS = {"server": "str", "day": "int64", "from_ms": "int64", "until_ms": "int64", "works": "int64"}

Gaps = npt.NDArray[np.int64]
Short = npt.NDArray[np.bool_]


def _of_one(server: str, from_ms: Gaps, until_ms: Gaps, rule: PresenceRule) -> tuple[pd.DataFrame, Gaps, Short]:
    """Cut one server's works into windows; the gaps after each work but the last, and which of them are presence."""
    until = np.maximum.accumulate(until_ms)  # works may overlap
    gaps = np.maximum(from_ms[1:] - until[:-1], 0)
    short = gaps <= rule.break_gap_min * MINUTE_MS
    home = gaps > rule.span_gap_min * MINUTE_MS
    first = np.concatenate([[0], np.flatnonzero(~short) + 1])
    last = np.concatenate([first[1:] - 1, [len(from_ms) - 1]])
    opens = np.concatenate([[True], home[first[1:] - 1]])  # it opens a span, and is not what follows a break
    spans = pd.DataFrame(
        {
            "server": server,
            "from_ms": from_ms[first],
            "until_ms": until[last],
            "works": last - first + 1,
            "first": first,
            "opens": opens,
            "closes": np.concatenate([opens[1:], [True]]),
            "span": np.cumsum(opens),
        }
    )
    return spans, gaps, short


def _extended(spans: pd.DataFrame, gaps: Gaps, short: Short, typical: float, rule: PresenceRule) -> pd.DataFrame:
    own = float(gaps[short].mean()) if short.sum() >= rule.fewest_gaps else typical
    starts = spans.loc[spans["opens"], "first"].to_numpy()
    reach = np.full(len(starts), own)
    for n, (start, end) in enumerate(zip(starts, [*starts[1:], len(gaps) + 1], strict=True)):
        within = gaps[start : end - 1][short[start : end - 1]]
        if len(within) >= rule.fewest_gaps:
            reach[n] = within.mean()
    longer = np.rint(reach[spans["span"].to_numpy() - 1]).astype(np.int64)
    from_ms = np.maximum(spans["from_ms"].to_numpy() - np.where(spans["opens"], longer, 0), 0)
    until_ms = spans["until_ms"].to_numpy() + np.where(spans["closes"], longer, 0)
    # A window that holds nothing but works of no length would be empty, and a service model has no empty windows.
    frame = spans.assign(from_ms=from_ms, until_ms=np.maximum(until_ms, from_ms + 1), day=from_ms // DAY_MS)
    return frame[list(_COLUMNS)].astype({name: kind for name, kind in _COLUMNS.items() if kind == "int64"})
