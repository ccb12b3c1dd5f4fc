"""Spans of time and their overlap with parts of the run: what time averages are made of, in exact integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sim.measures.breakdown import Breakdown, Codes
from sim.service.tables import Float64, Int64


@dataclass(frozen=True)
class Spans:
    """Spans [start, end) inside [from_ms, until_ms).

    ``weight`` : what each counts, 1 if None. ``codes`` : by name of a breakdown that is not by time, a function that
    gives each span's group, −1 for none.
    """

    start: Int64
    end: Int64
    from_ms: int
    until_ms: int
    weight: Int64 | None = None
    codes: dict[str, Callable[[], Codes]] = field(default_factory=dict)

    def time(self, by: Breakdown) -> Float64:
        """Total length in ms (times weight) of each group of a breakdown."""
        if by.by_time:
            edges = by.edges(self.from_ms, self.until_ms)
            area = time_between(self.start, self.end, self.weight, edges)
            groups = by.group_of_time(edges[:-1])
            return np.bincount(groups, weights=area, minlength=len(by.labels)).astype(np.float64)
        length = (self.end - self.start) * (1 if self.weight is None else self.weight)
        if by.name not in self.codes:
            return np.array([length.sum()], dtype=np.float64)
        codes = self.codes[by.name]().astype(np.int64) + 1  # group −1 is none
        sums = np.bincount(codes, weights=length, minlength=len(by.labels) + 1)
        return sums[1 : len(by.labels) + 1].astype(np.float64)


def time_between(start: Int64, end: Int64, weight: Int64 | None, edges: Int64) -> Int64:
    """Integral over each part [edge, next edge) of the number of spans under way.

    Parameters
    ----------
    start, end : bounds of the spans.
    weight : what each span counts, or None for 1.
    edges : ascending bounds of the parts.

    Notes
    -----
    The integral up to e of spans that began is Σ max(0, e − start), and the same with ``end`` is taken off. Sums may
    wrap around 2⁶³ on the way; the differences are right all the same, as int64 arithmetic is modular.
    """
    return np.diff(_time_since(start, weight, edges) - _time_since(end, weight, edges))


def _time_since(t: Int64, weight: Int64 | None, edges: Int64) -> Int64:
    if weight is None:
        ordered = np.sort(t)
        past = np.searchsorted(ordered, edges, side="right").astype(np.int64)
        return past * edges - np.append(0, np.cumsum(ordered))[past]
    order = np.argsort(t)
    ordered, weights = t[order], weight[order]
    past = np.searchsorted(ordered, edges, side="right")
    return np.append(0, np.cumsum(weights))[past] * edges - np.append(0, np.cumsum(ordered * weights))[past]
