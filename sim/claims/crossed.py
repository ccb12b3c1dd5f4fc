"""Figures by several breakdowns at once, such as channel and hour: the figures' own formulas on finer groups.

The breakdown ``channel/hour`` has one group for each pair, with the key ``chat/8``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.measures import MEASURES, Key
from sim.measures.breakdown import Breakdown, Codes, Grouped, breakdown
from sim.measures.day_sums import DaySums
from sim.measures.view import View
from sim.service.record import Record
from sim.service.tables import Float64, Int64

CROSS = "/"
"""Between the names of the breakdowns, and between the keys of a group."""


@dataclass(frozen=True)
class Crossing(Breakdown):
    """Groups that are one group of each part; the last part counts fastest."""

    parts: tuple[Breakdown, ...] = ()

    def joined(self, codes: Iterable[Codes]) -> Int64:
        """Group of each row from its groups in the parts; −1 where one of them is none."""
        group: Int64 = np.zeros(1, dtype=np.int64)
        none = np.zeros(1, dtype=np.bool_)
        for part, code in zip(self.parts, codes, strict=True):
            group = group * len(part.labels) + code
            none = none | (code < 0)
        return np.where(none, -1, group)


def crossing(record: Record, name: str) -> Breakdown:
    """The breakdown of a record by one name, or by several with ``CROSS`` between.

    Raises
    ------
    ValueError
        As ``sim.measures.breakdown.breakdown``.
    """
    parts = tuple(breakdown(record, one) for one in name.split(CROSS))
    if len(parts) == 1:
        return parts[0]
    labels: list[str] = [""]
    for part in parts:
        labels = [f"{before}{CROSS if before else ''}{label}" for before in labels for label in part.labels]
    return Crossing(name, tuple(labels), parts=parts)


class CrossedView(View):
    """Tables of a record that can be grouped by several breakdowns at once."""

    def _rows_by(self, what: str, by: Breakdown, codes: Callable[[], Codes]) -> Grouped:
        if not isinstance(by, Crossing):
            return super()._rows_by(what, by, codes)
        rows: Callable[[Breakdown], Grouped] = getattr(self, f"{what}_by")

        def together() -> Codes:
            found = [rows(part).codes for part in by.parts]
            return by.joined([one for one in found if one is not None])

        return super()._rows_by(what, by, together)

    @cached_property
    def days(self) -> DaySums:
        """Sums by day."""
        return CrossedDays(self.record)


class CrossedDays(DaySums):
    """Sums by day, by a channel or cause and another breakdown; NaN by others."""

    def number_of_days(self, by: Breakdown) -> Float64:
        """Days of each group."""
        if not isinstance(by, Crossing):
            return super().number_of_days(by)
        return np.tile(super().number_of_days(by.parts[-1]), len(by.labels) // len(by.parts[-1].labels))

    def total(self, name: str, by: Breakdown, channels: tuple[str, ...] = (), causes: tuple[str, ...] = ()) -> Float64:
        """A column's sum in each group; a column without the first axis is the same for all of it."""
        if not isinstance(by, Crossing):
            return super().total(name, by, channels, causes)
        topic, *rest = by.parts
        if topic.name not in ("channel", "cause") or len(rest) > 1:
            return np.full(len(by.labels), np.nan)
        found = []
        for label in map(str, topic.labels):
            only = ((label,), causes) if topic.name == "channel" else (channels, (label,))
            found.append(super().total(name, rest[0], *only))
        return np.concatenate(found)


def groups(view: CrossedView, by: str, names: Iterable[str]) -> dict[Key, dict[str, float]]:
    """Some figures of each group; empty where the record has no such groups (it kept no rows, or there is no world)."""
    try:
        made = crossing(view.record, by)
    except ValueError:
        return {}
    columns = {name: MEASURES[name].values(view, made).tolist() for name in names}
    return {label: {name: column[i] for name, column in columns.items()} for i, label in enumerate(made.labels)}
