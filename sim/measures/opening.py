"""The clock that runs in opening hours only."""

from __future__ import annotations

import numpy as np

from sim.measures.breakdown import DAY_MS
from sim.service.record import FigureSettings
from sim.service.tables import Int64

WEEK_MS = 7 * DAY_MS


def week_spans(settings: FigureSettings) -> list[tuple[int, int]]:
    """Open spans of a week from Monday's midnight, merged; what runs past Sunday's end goes on on Monday."""
    spans: list[tuple[int, int]] = []
    for weekday, opened in enumerate(settings.opening_spans):
        for start, end in opened:
            first, last = weekday * DAY_MS + start, weekday * DAY_MS + end
            spans.append((first, min(last, WEEK_MS)))
            if last > WEEK_MS:
                spans.append((0, last - WEEK_MS))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def open_time(t: Int64, settings: FigureSettings) -> Int64:
    """Reading of the opening-hours clock at each time, in ms; only differences mean something.

    It stands still for ever when nothing is open.
    """
    spans = week_spans(settings)
    if not spans:
        return np.zeros_like(t)
    start = np.array([s for s, _ in spans], dtype=np.int64)
    length = np.array([e - s for s, e in spans], dtype=np.int64)
    before = np.append(0, np.cumsum(length))
    weeks, rest = np.divmod(t + settings.first_weekday * DAY_MS, WEEK_MS)
    # The span that began last, if any; the first one stands in before it, with nothing of it passed.
    i = np.maximum(np.searchsorted(start, rest, side="right") - 1, 0)
    passed = np.clip(rest - start[i], 0, length[i])
    return weeks * before[-1] + before[i] + passed
