"""What a figure can be broken down by, and arithmetic group by group.

A figure of the whole run is the case of one group, so that every figure has one formula.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.service.record import Record
from sim.service.tables import Float64, Int32, Int64
from sim.service.topics import CAUSES, cause_of, community_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Key = int | str
Codes = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]

BREAKDOWNS: dict[str, str] = {
    "hour": "hour of the day, 0–23",
    "half_hour": "half-hour of the day, by its start",
    "day": "day of the run, from 0",
    "week": "seven days of the run, from 0",
    "month": "thirty days of the run, from 0",
    "weekday": "day of the week",
    "city": "city of the user's community (in a scenario with a world)",
    "channel": "where a contact comes in, and a complaint goes to: phone, chat, group, …",
    "cause": "what a contact, problem or complaint is about (in a scenario with a world)",
    "kind": "kind of item",
    "station": "station asked (contacts: at the first staffed visit)",
    "level": "priority level at the end of the wait (contacts: at the first staffed visit)",
    "pool": "pool of the server (contacts: who answered first)",
    "group": "group of servers within a pool (contacts: of who answered first)",
    "server": "individual server, by number (contacts: who answered first)",
    "clock": "service clock",
}
"""Breakdowns by name. Those by time go by the arrival of a contact or item, by the first arrival of a case, by the
start of a clock and the request of a visit; time averages are taken over the parts of the run that fall there. What the
world sums up by day goes by that day. City and cause go by an item's topic, those of a case by its first contact's."""

OF_DAYS = ("day", "week", "month", "weekday", "city", "channel", "cause")
"""Breakdowns that sums by day can give."""


@dataclass(frozen=True)
class Breakdown:
    """Groups of one breakdown.

    ``labels`` : the groups' keys. ``step_ms`` : length of a bin of time, 0 when the breakdown is not by time;
    ``offset`` and ``cycle`` turn a bin's number into a group: (number + offset) mod cycle (0: no cycle).
    """

    name: str
    labels: tuple[Key, ...]
    step_ms: int = 0
    offset: int = 0
    cycle: int = 0

    @property
    def by_time(self) -> bool:
        """Whether groups are parts of the run's time."""
        return self.step_ms > 0

    def group_of_time(self, t: Int64) -> Int64:
        """Group of each time."""
        group = t // self.step_ms + self.offset
        return group % self.cycle if self.cycle else group

    def edges(self, start: int, end: int) -> Int64:
        """Bounds of the bins of time that make up start … end, both included."""
        first = start // self.step_ms + 1
        inner = np.arange(first * self.step_ms, end, self.step_ms, dtype=np.int64)
        return np.concatenate([np.array([start]), inner, np.array([max(start, end)])]).astype(np.int64)


WHOLE = Breakdown("whole", ("all",))
"""The breakdown that is none."""


def group_labels(record: Record) -> tuple[str, ...]:
    """Names of the groups of servers, in the order of their first server."""
    return tuple(dict.fromkeys(record.names.server_groups))


def breakdown(record: Record, by: str) -> Breakdown:
    """The breakdown of that name for a record.

    Raises
    ------
    ValueError
        The name is unknown, or the scenario or the run has nothing to break down by; the message lists what exists.
    """
    if by not in BREAKDOWNS:
        raise ValueError(f"figures by '{by}' do not exist; allowed: {', '.join(BREAKDOWNS)}")
    if not record.has_trace and by not in OF_DAYS:
        raise ValueError(f"figures by '{by}' do not exist for a run without its trace; allowed: {', '.join(OF_DAYS)}")
    missing = {name for name in ("city", "channel", "cause") if not group_names(record, name)}
    if by in missing:
        there = ", ".join(name for name in BREAKDOWNS if name not in missing)
        raise ValueError(f"figures by '{by}' do not exist for this scenario; allowed: {there}")
    return _made(record, by)


def _made(record: Record, by: str) -> Breakdown:
    names, settings = record.names, record.settings
    last = max(record.until_ms - 1, record.from_ms)
    first_day, last_day = record.from_ms // DAY_MS, last // DAY_MS
    half_hours = tuple(f"{h:02d}:{m:02d}" for h in range(24) for m in (0, 30))
    makers: dict[str, Callable[[], Breakdown]] = {
        "hour": lambda: Breakdown(by, tuple(range(24)), HOUR_MS, 0, 24),
        "half_hour": lambda: Breakdown(by, half_hours, HOUR_MS // 2, 0, 48),
        "day": lambda: Breakdown(by, tuple(range(first_day, last_day + 1)), DAY_MS, -first_day),
        "week": lambda: Breakdown(by, tuple(range(first_day // 7, last_day // 7 + 1)), 7 * DAY_MS, -(first_day // 7)),
        "month": lambda: Breakdown(
            by, tuple(range(first_day // 30, last_day // 30 + 1)), 30 * DAY_MS, -(first_day // 30)
        ),
        "weekday": lambda: Breakdown(by, WEEKDAYS, DAY_MS, settings.first_weekday, 7),
        **dict.fromkeys(("city", "channel", "cause"), lambda: Breakdown(by, group_names(record, by))),
        "kind": lambda: Breakdown(by, names.kinds),
        "station": lambda: Breakdown(by, names.stations),
        "level": lambda: Breakdown(by, names.levels),
        "pool": lambda: Breakdown(by, names.pools),
        "group": lambda: Breakdown(by, group_labels(record)),
        "server": lambda: Breakdown(by, tuple(range(record.servers.pool.size))),
        "clock": lambda: Breakdown(by, names.clocks),
    }
    return makers[by]()


def group_names(record: Record, by: str) -> tuple[str, ...]:
    """Names of cities, channels or causes of a record; none where the scenario tells none apart."""
    names, days = record.names, record.days
    if by == "channel":
        used = tuple(dict.fromkeys(names.channels))
        return days.channels if days is not None else () if used == ("none",) else used
    if by == "city":
        return days.cities if days is not None else names.cities
    return days.causes if days is not None else CAUSES if names.cities else ()


def item_codes(record: Record, by: str, kind: Codes, topic: Int32) -> Codes:
    """Group of items of these kinds and topics in the breakdown ``kind``, ``channel``, ``city`` or ``cause``; −1 for an
    item whose topic names no city."""
    if by == "kind":
        return kind
    if by == "channel":
        place = {name: i for i, name in enumerate(group_names(record, by))}
        channels = record.names.channels or ("none",) * len(record.names.kinds)
        return np.array([place.get(name, -1) for name in channels], dtype=np.int64)[kind]
    if by == "city":
        city = np.append(np.array(record.names.community_city, dtype=np.int64), -1)
        return city[np.minimum(community_of(topic), city.size - 1)]
    return np.maximum(cause_of(topic), 0)  # no topic: no cause


def server_codes(record: Record, by: str) -> Int64:
    """Group of each server in the breakdown ``pool``, ``group`` or ``server``; one more at the end: −1, for none."""
    if by == "pool":
        codes = record.servers.pool.astype(np.int64)
    elif by == "group":
        place = {label: i for i, label in enumerate(group_labels(record))}
        codes = np.array([place[label] for label in record.names.server_groups], dtype=np.int64)
    else:
        codes = np.arange(record.servers.pool.size, dtype=np.int64)
    return np.append(codes, -1)


def ratio(above: Float64, below: Float64) -> Float64:
    """Quotient, NaN where there is nothing to divide by."""
    out = np.full(np.broadcast(above, below).shape, np.nan)
    return np.divide(above, below, out=out, where=below != 0)


@dataclass(frozen=True)
class Sample:
    """Values of some rows, sorted within each group: ``start`` holds the groups' bounds in ``values``."""

    values: Int64
    start: Int64

    @property
    def sizes(self) -> Int64:
        """Number of values of each group."""
        return np.diff(self.start)

    def mean(self) -> Float64:
        """Mean of each group, NaN for an empty one."""
        total = np.append(0, np.cumsum(self.values))[self.start]
        return ratio(np.diff(total).astype(np.float64), self.sizes.astype(np.float64))

    def quantile(self, q: float) -> Float64:
        """Quantile of each group by linear interpolation between order statistics (NumPy's default)."""
        out = np.full(self.sizes.size, np.nan)
        some = np.flatnonzero(self.sizes)
        place = (self.sizes[some] - 1) * q
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, self.sizes[some] - 1)
        low, high = self.values[self.start[some] + below], self.values[self.start[some] + above]
        out[some] = low + (high - low) * (place - below)
        return out


@dataclass(frozen=True)
class Grouped:
    """Rows by group of the breakdown ``by``: ``codes`` is each row's group, −1 for none; None when all rows are in the
    one group."""

    by: str
    codes: Codes | None
    size: int

    def count(self, where: Mask) -> Float64:
        """Number of rows."""
        if self.codes is None:
            return np.array([np.count_nonzero(where)], dtype=np.float64)
        counts = np.bincount(self.codes[where].astype(np.int64) + 1, minlength=self.size + 1)
        return counts[1 : self.size + 1].astype(np.float64)

    def total(self, values: Codes, where: Mask) -> Float64:
        """Sum of values."""
        if self.codes is None:
            return np.array([values[where].sum(dtype=np.int64)], dtype=np.float64)
        sums = np.bincount(self.codes[where].astype(np.int64) + 1, weights=values[where], minlength=self.size + 1)
        return sums[1 : self.size + 1].astype(np.float64)

    def mean(self, values: Codes, where: Mask) -> Float64:
        """Mean of values, NaN for an empty group."""
        return ratio(self.total(values, where), self.count(where))

    def share(self, hit: Mask, where: Mask) -> Float64:
        """Share of rows that are hits."""
        return ratio(self.count(hit & where), self.count(where))

    def sample(self, values: Int64, where: Mask) -> Sample:
        """Values sorted within groups; none may be negative."""
        if self.codes is None:
            chosen = np.sort(values[where])
            return Sample(chosen, np.array([0, chosen.size], dtype=np.int64))
        where = where & (self.codes >= 0)
        chosen, groups = values[where], self.codes[where].astype(np.int64)
        # One sort of plain numbers: group and value packed into one.
        width = int(chosen.max(initial=0)) + 1
        packed = np.sort(groups * width + chosen)
        start = np.searchsorted(packed, np.arange(self.size + 1, dtype=np.int64) * width)
        return Sample(packed % width, start.astype(np.int64))
