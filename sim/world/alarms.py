"""Alarms F70–F75: on which days they would ring, for the platform and for each of its cities.

They look at the sums by day once the run is over. A day's mean first response is that of the contacts which arrived on
the day, those answered later included. The alarms change nothing: what follows from one (F60, F76) is not simulated.
"""

from __future__ import annotations

import numpy as np

from sim.sections.alarms import AlarmSection
from sim.service.day_records import Alarm, DayRecords
from sim.service.tables import Float64, Int64
from sim.world.flows import Bool

MIN_MS = 60_000.0


def alarms(records: DayRecords, section: AlarmSection) -> list[Alarm]:
    """All alarms of a run, in order of day, fact and city (the platform first).

    Parameters
    ----------
    records : sums by day. A rule whose columns are missing rings never; F75 needs ``compliance`` (checks at which the
        rules were kept) and ``compliance_checks``.
    section : thresholds.
    """
    watch = _Watch(records)
    rules = (_complaints, _response, _rounds, _satisfaction, _leaders, _compliance)
    found = [alarm for rule in rules for alarm in rule(watch, section)]
    place: dict[str | None, int] = {name: i for i, name in enumerate((None, *records.cities))}
    return sorted(found, key=lambda a: (a.day, a.fact, a.name, place[a.city]))


class _Watch:
    """Columns as (days, units): the platform, then its cities where there are several."""

    def __init__(self, records: DayRecords) -> None:
        self.records = records
        self.units: tuple[str | None, ...] = (None, *(records.cities if len(records.cities) > 1 else ()))

    def sums(self, name: str) -> Float64:
        """A column by day and unit; zeros where it is missing, or not told apart by city."""
        out = np.zeros((self.records.days, len(self.units)))
        if name not in self.records.columns:
            return out
        axes, values = self.records.columns[name].axes, self.records.values[name]
        out[:, 0] = values.sum(axis=tuple(range(1, values.ndim)))
        if "city" in axes and out.shape[1] > 1:
            out[:, 1:] = values.sum(axis=tuple(i + 1 for i, axis in enumerate(axes) if axis != "city"))
        return out

    def rings(self, fact: str, name: str, value: Float64, threshold: float, where: Bool) -> list[Alarm]:
        """The alarms of a rule that holds on these days for these units."""
        return [
            Alarm(day, self.units[unit], fact, name, float(value[day, unit]), threshold)
            for day, unit in zip(*(i.tolist() for i in np.nonzero(where)), strict=True)
        ]


def _over(above: Float64, below: Float64) -> Float64:
    """Quotient, 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def _quarter_ends(days: int, length: int) -> Int64:
    """Last days of the quarters that the run completes."""
    return np.arange(length - 1, days, length, dtype=np.int64)


def _quarters(values: Float64, length: int) -> Float64:
    """Sums since the start of the quarter, by day."""
    total = np.cumsum(values, axis=0)
    start = np.arange(values.shape[0]) // length * length
    return total - np.where((start > 0)[:, None], total[start - 1], 0.0)


def _only_on(days: Int64, shape: tuple[int, ...]) -> Bool:
    mask = np.zeros(shape, dtype=np.bool_)
    mask[days] = True
    return mask


def _complaints(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F70: complaints per order in a day, and their rise on the day before."""
    complaints, orders = watch.sums("complaints"), watch.sums("orders_delivered")
    rate = _over(complaints, orders)
    many = (rate > section.complaints_per_order_share) & (orders >= section.least_orders) & (orders > 0)
    rise = np.zeros_like(rate)
    rise[1:] = _over(rate[1:], rate[:-1]) - 1
    known = np.zeros_like(many)
    known[1:] = (rate[:-1] > 0) & (complaints[:-1] >= section.least_complaints) & (orders[1:] > 0)
    rose = known & (rise > section.complaints_rise_share)
    return [
        *watch.rings("F70", "complaints_per_order", rate, section.complaints_per_order_share, many),
        *watch.rings("F70", "complaints_per_order_rise", rise, section.complaints_rise_share, rose),
    ]


def _response(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F71: mean first response by a person, of contacts that arrived on the day."""
    answered = watch.sums("contacts_answered")
    mean = _over(watch.sums("first_response_ms"), answered) / MIN_MS
    slow = (mean > section.response_min) & (answered >= section.least_answers)
    return watch.rings("F71", "first_response_mean_min", mean, section.response_min, slow)


def _rounds(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F72: leaders' mean round."""
    rounds = watch.sums("rounds")
    mean = _over(watch.sums("round_min"), rounds)
    long = (mean > section.round_min) & (rounds >= section.least_rounds)
    return watch.rings("F72", "leader_round_mean_min", mean, section.round_min, long)


def _satisfaction(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F73: recorded satisfaction low for days in a row (rings on the last of them and on each that follows), and in a
    quarter (on its last day). A day with too few ratings ends the row."""
    points, ratings = watch.sums("satisfaction_recorded"), watch.sums("ratings")
    mean = _over(points, ratings)
    low = (mean < section.satisfaction_point) & (ratings >= section.least_ratings) & (ratings > 0)
    in_a_row = low.copy()
    for back in range(1, min(section.satisfaction_days, low.shape[0] + 1)):
        in_a_row[back:] &= low[:-back]
        in_a_row[:back] = False
    quarter, given = _quarters(points, section.quarter_days), _quarters(ratings, section.quarter_days)
    of_quarter = _over(quarter, given)
    bad = (of_quarter < section.quarter_satisfaction_point) & (given >= section.least_ratings) & (given > 0)
    bad &= _only_on(_quarter_ends(low.shape[0], section.quarter_days), low.shape)
    return [
        *watch.rings("F73", "satisfaction_recorded_mean", mean, section.satisfaction_point, in_a_row),
        *watch.rings("F73", "quarter_satisfaction_mean", of_quarter, section.quarter_satisfaction_point, bad),
    ]


def _leaders(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F74: leaders lost since the quarter began, over those at its start; rings once, on the day it passes."""
    leaders, lost = watch.sums("leaders"), _quarters(watch.sums("leaders_lost"), section.quarter_days)
    start = np.arange(leaders.shape[0]) // section.quarter_days * section.quarter_days
    share = _over(lost, leaders[start])
    over = (share > section.leaders_lost_quarter_share) & (leaders[start] >= section.least_leaders)
    before = np.zeros_like(over)
    before[1:] = over[:-1] & (start[1:] == start[:-1])[:, None]
    return watch.rings("F74", "leaders_lost_quarter_share", share, section.leaders_lost_quarter_share, over & ~before)


def _compliance(watch: _Watch, section: AlarmSection) -> list[Alarm]:
    """F75: rules kept, of what was checked, on the last day of a quarter."""
    checks = _quarters(watch.sums("compliance_checks"), section.quarter_days)
    share = _over(_quarters(watch.sums("compliance"), section.quarter_days), checks)
    bad = (share < section.compliance_quarter_share) & (checks >= section.least_checks) & (checks > 0)
    bad &= _only_on(_quarter_ends(bad.shape[0], section.quarter_days), bad.shape)
    return watch.rings("F75", "compliance_quarter_share", share, section.compliance_quarter_share, bad)
