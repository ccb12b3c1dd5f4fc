"""What a run's days leave behind: sums by day, city, channel and cause, from which all figures of the world come."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.service.tables import Float64, Int64

AXES = ("city", "channel", "cause")


@dataclass(frozen=True)
class Alarm:
    """An alarm on the day on which it would ring (F70–F75).

    ``city`` : its name, None for the whole platform. ``fact`` : number of the rule, "F70" … "F75". ``name`` : what was
    looked at; ``value`` has passed ``threshold``.
    """

    day: int
    city: str | None
    fact: str
    name: str
    value: float
    threshold: float


@dataclass(frozen=True)
class Column:
    """A sum that is kept for every day: its axes beside the day (in the order of ``AXES``), unit and meaning."""

    axes: tuple[str, ...]
    unit: str
    meaning: str


@dataclass
class DayRecords:
    """Sums by day: ``values[name]`` is float64 of shape (days, then the column's axes).

    ``cities``, ``channels``, ``causes`` : names along the axes. ``alarms`` : those that rang, in order of the days, the
    platform's own and each city's; None while nobody has looked.
    """

    columns: dict[str, Column]
    days: int
    cities: tuple[str, ...]
    channels: tuple[str, ...]
    causes: tuple[str, ...]
    values: dict[str, Float64] = field(default_factory=dict)
    alarms: list[Alarm] | None = None

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            self.values.setdefault(name, np.zeros((self.days, *self.shape(column))))

    def shape(self, column: Column) -> tuple[int, ...]:
        """Lengths of a column's axes."""
        lengths = {"city": len(self.cities), "channel": len(self.channels), "cause": len(self.causes)}
        return tuple(lengths[axis] for axis in column.axes)

    def add(self, name: str, day: int, values: Float64 | Int64 | float) -> None:
        """Add to a day's sums (a number, or an array of the column's shape)."""
        self.values[name][day] += values

    def count(self, name: str, day: int | Int64, *codes: Int64, weights: Float64 | Int64 | None = None) -> None:
        """Add rows by their codes along the column's axes: their number, or the sum of ``weights``; ``day`` may be one
        for all or one for each row."""
        block = self.values[name]
        size = codes[0].size if codes else (day.size if isinstance(day, np.ndarray) else 0)
        if not size:
            return
        if isinstance(day, np.ndarray):
            codes, target, shape = (day, *codes), block, block.shape
        else:
            target, shape = block[day], block.shape[1:]
        flat = np.zeros(size, dtype=np.int64)
        for code, length in zip(codes, shape, strict=True):
            flat = flat * length + code
        target += np.bincount(flat, weights=weights, minlength=target.size).reshape(shape)
