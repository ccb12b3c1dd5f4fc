"""Sums by day as figures read them: the days after the warm-up, added up by the groups of a breakdown."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sim.measures.breakdown import DAY_MS, Breakdown
from sim.service.record import Record
from sim.service.tables import Float64, Int64


class DaySums:
    """Sums over the days of a record that lie wholly after the warm-up."""

    def __init__(self, record: Record) -> None:
        self.record = record

    @cached_property
    def days(self) -> Int64:
        """Numbers of the days that count."""
        until = -(-self.record.until_ms // DAY_MS)
        kept = until if self.record.days is None else min(until, self.record.days.days)
        return np.arange(-(-self.record.from_ms // DAY_MS), kept, dtype=np.int64)

    def _kept(self, by_day: Float64) -> Float64:
        """The rows of the days that count."""
        first = int(self.days[0]) if self.days.size else 0
        return by_day[first : first + self.days.size]

    def number_of_days(self, by: Breakdown) -> Float64:
        """Days of each group; all of them in a group that is no part of the time."""
        return self._grouped(np.ones(self.days.size), by)

    def total(self, name: str, by: Breakdown, channels: tuple[str, ...] = (), causes: tuple[str, ...] = ()) -> Float64:
        """A column's sum in each group; NaN where the record does not have the column.

        Parameters
        ----------
        name : of the column.
        by : groups. A column without the breakdown's axis is not split: every group gets the sum of all, so that it can
            be divided by (complaints of one cause over all orders).
        channels, causes : only these (empty: all), of a column that tells them apart.
        """
        records = self.record.days
        if records is None or name not in records.columns:
            return np.full(len(by.labels), np.nan)
        axes = records.columns[name].axes
        values = self._kept(records.values[name])
        for axis, wanted, labels in (("channel", channels, records.channels), ("cause", causes, records.causes)):
            if wanted and axis in axes:
                chosen = np.array([label in wanted for label in labels], dtype=np.float64)
                values = values * chosen.reshape([-1 if one == axis else 1 for one in ("day", *axes)])
        keep = 0 if by.by_time or by.name not in axes else axes.index(by.name) + 1
        summed = values.sum(axis=tuple(i for i in range(values.ndim) if i != keep))
        return summed if keep else self._grouped(summed, by)

    def alarms(self, by: Breakdown, fact: str | None = None) -> Float64:
        """Number of alarms (of one fact) in each group: the platform's own, by city each city's."""
        records = self.record.days
        if records is None or records.alarms is None:
            return np.full(len(by.labels), np.nan)
        rang = [one for one in records.alarms if fact in (None, one.fact)]
        if by.name == "city":
            return np.array([self._rang([a.day for a in rang if a.city == name]).sum() for name in by.labels])
        return self._grouped(self._rang([a.day for a in rang if a.city is None]), by)

    def _rang(self, on: list[int]) -> Float64:
        """Number of times that a day of those that count is in a list."""
        records = self.record.days
        size = 0 if records is None else records.days
        return self._kept(np.bincount(np.array(on, dtype=np.int64), minlength=size).astype(np.float64))

    def _grouped(self, by_day: Float64, by: Breakdown) -> Float64:
        """Values by day added up by group of time; elsewhere every group gets their sum."""
        if by.by_time:
            groups = by.group_of_time(self.days * DAY_MS)
            return np.bincount(groups, weights=by_day, minlength=len(by.labels)).astype(np.float64)
        return np.full(len(by.labels), by_day.sum())
