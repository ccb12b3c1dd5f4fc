"""Who is where on a day: the windows of all servers from their rosters, and who sits on which seat.

A *seat* is a server of the tables; the person on it may change. Rosters are those of the scenario's pools, drawn with
the same named uniforms as ``sim.service.presence``, so that a world in which nothing happens to staff has the same
presence as a scenario without a world.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from sim.draws import uniforms
from sim.naming import stable_hash
from sim.scenario import Group, Pool, Scenario
from sim.service.keys import DAYS
from sim.service.presence import _merge, _shift, shifts_by_weekday
from sim.service.tables import Float64, Int32, Int64, Windows
from sim.world.chance import Chance
from sim.world.flows import Bool

DAY = 86_400_000
HOUR = 3_600_000
MINUTE = 60_000
LONG_AGO = -1_000_000
"""First day of somebody who has been there for ever."""

_SLOT_BITS = 20


@dataclass(frozen=True)
class _Weekday:
    """Windows of a weekday before absences, in order of server and time.

    int64 ``enter``, ``leave`` in ms from midnight, ``first`` the server's first enter of that day; int32 ``server``.
    ``hours`` : float64 (S,) scheduled, breaks among them.
    """

    enter: Int64
    leave: Int64
    first: Int64
    server: Int32
    hours: Float64


class Rosters:
    """Windows of all servers, day by day.

    Parameters
    ----------
    scenario : its pools' groups have the rosters.
    seed, replication : of the draws of absence.
    daily_pools : pools whose servers may be away for other reasons than the roster's. A server that is always there, of
        a pool that is not named here, has one window over all days of the horizon.

    Days are asked for in order. A shift that touches or overlaps one of an earlier day begins 1 ms after that one's end
    (engines take no windows that touch, and the earlier one is already theirs): a roster around the clock loses 1 ms a
    day, and a break of an earlier day's shift stays a break.
    """

    def __init__(self, scenario: Scenario, seed: int, replication: int, daily_pools: Collection[str] = ()) -> None:
        self._draws = seed, replication
        groups = [(pool, name, group) for name, pool in scenario.pools.items() for group in pool.groups]
        counts = np.array([group.head_count for _, _, group in groups], dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.size = int(first[-1])
        self.labels = tuple(f"{name}/{group.group}" for _, name, group in groups)
        self.group: Int64 = np.repeat(np.arange(len(groups)), counts)
        self.number: Int64 = np.arange(self.size) - np.repeat(first[:-1], counts)
        """Place (S,) of each server in its group."""
        pool_number = {name: i for i, name in enumerate(scenario.pools)}
        self.pool: Int64 = np.repeat(np.array([pool_number[name] for _, name, _ in groups], dtype=np.int64), counts)
        speeds = [max(round(group.speed * 1000), 1) for _, _, group in groups]
        self.speed_pm: Int64 = np.repeat(np.array(speeds, dtype=np.int64), counts)
        """Pace (S,) as the scenario gives it, in thousandths."""
        always = [name not in daily_pools and _without_roster(group) for _, name, group in groups]
        self.always: Int32 = np.flatnonzero(np.repeat(np.array(always, dtype=np.bool_), counts)).astype(np.int32)
        self.horizon_ms = scenario.horizon.days * DAY
        shifts = [shifts_by_weekday(group) for _, _, group in groups]
        self._week = [
            self._weekday(weekday, groups, [week[weekday] for week in shifts], first, always) for weekday in range(7)
        ]
        self._reach = any(bool((day.leave >= DAY).any()) for day in self._week)
        self._last_leave: Int64 = np.full(self.size, -1, dtype=np.int64)
        share = np.repeat(np.array([group.absence_share for _, _, group in groups]), counts)
        self._drawn = np.flatnonzero(share > 0)
        self._absence_share = share[self._drawn]
        hashes = np.repeat(np.array([stable_hash(label) for label in self.labels], dtype=np.uint64), counts)
        keys = (hashes << np.uint64(32)) | self.number.astype(np.uint64)
        self._absence_keys = keys[self._drawn]
        self._absence_purpose = stable_hash("roster:absence")

    def _weekday(
        self,
        weekday: int,
        groups: Sequence[tuple[Pool, str, Group]],
        shifts: Sequence[Sequence[tuple[int, int]]],
        first: Int64,
        always: list[bool],
    ) -> _Weekday:
        blocks: list[Windows] = []
        hours = np.zeros(self.size)
        for i, (_, _, group) in enumerate(groups):
            number = np.arange(group.head_count)
            servers = np.arange(first[i], first[i + 1], dtype=np.int32)
            on_roster = (weekday + 2 * number) % 7 < group.days_per_week
            for start, end in shifts[i]:
                hours[servers[on_roster]] += (end - start) / 60
                if not always[i]:
                    blocks += _shift(start * MINUTE, end * MINUTE, group, number, on_roster, servers)
        if not any(block.enter.size for block in blocks):
            none = np.empty(0, dtype=np.int64)
            return _Weekday(none, none, none, none.astype(np.int32), hours)
        found = _merge(*(np.concatenate([getattr(b, name) for b in blocks]) for name in ("enter", "leave", "server")))
        starts = np.flatnonzero(np.concatenate([[True], found.server[1:] != found.server[:-1]]))
        times = np.diff(np.concatenate([starts, [found.server.size]]))
        return _Weekday(found.enter, found.leave, np.repeat(found.enter[starts], times), found.server, hours)

    def hours(self, weekday: int) -> Float64:
        """Scheduled hours (S,) of the shifts that begin on a weekday, breaks included; 0 on a day off."""
        return self._week[weekday].hours

    def absent(self, day: int) -> Bool:
        """Who is absent (S,) as the roster draws it (the same draws as in ``sim.service.presence``).

        Raises
        ------
        ValueError
            If the day has no draw key.
        """
        if not -1 <= day < DAYS - 1:
            raise ValueError(f"day {day} has no draw key; allowed: -1 to {DAYS - 2}")
        absent = np.zeros(self.size, dtype=np.bool_)
        if self._drawn.size:
            keys = (self._absence_keys | np.uint64((day + 1) << _SLOT_BITS)).view(np.int64)
            absent[self._drawn] = uniforms(*self._draws, keys, self._absence_purpose) < self._absence_share
        return absent

    def windows(self, day: int, weekday: int, here: Bool, later_ms: Int64 | None = None) -> Windows:
        """Windows of the shifts that begin on a day, absolute times in ms, in order of server and time.

        Day 0 has besides those who are always there, and what is left of the shifts of the evening before.

        Parameters
        ----------
        day, weekday : number from 0; Monday 0.
        here : bool (S,), who works if the roster says so. Who is always there is not asked.
        later_ms : int64 (S,), how much later than the first shift's start each begins with contacts (meetings,
            training); a break that falls into it is not made up.
        """
        if day:
            return self._shifts(day, weekday, here, later_ms)
        count = self.always.size
        blocks = [
            Windows(np.zeros(count, np.int64), np.full(count, self.horizon_ms, np.int64), self.always),
            self._shifts(-1, (weekday - 1) % 7, ~self.absent(-1), None),
            self._shifts(0, weekday, here, later_ms),
        ]
        enter, leave, server = (
            np.concatenate([getattr(b, name) for b in blocks]) for name in ("enter", "leave", "server")
        )
        order = np.lexsort((enter, server))
        return Windows(enter[order], leave[order], server[order])

    def _shifts(self, day: int, weekday: int, here: Bool, later_ms: Int64 | None) -> Windows:
        week = self._week[weekday]
        rows = np.flatnonzero(here[week.server])
        server, enter, leave = week.server[rows], week.enter[rows] + day * DAY, week.leave[rows] + day * DAY
        if later_ms is None and not self._reach and day >= 0:
            return Windows(enter, leave, server)
        if later_ms is not None:
            enter = np.maximum(enter, week.first[rows] + later_ms[server] + day * DAY)
        enter = np.maximum(enter, self._last_leave[server] + 1)
        some = enter < leave
        enter, leave, server = enter[some], leave[some], server[some]
        self._last_leave[server] = leave  # in order of time: a server's last one stays
        return Windows(enter, leave, server)


def _without_roster(group: Group) -> bool:
    """Whether the servers of a group are there all the time."""
    return group.presence == "always" and group.days_per_week == 7 and not group.absence_share and not group.break_min


class Seats:
    """Who sits on a set of seats: the how-manieth person, since when on the floor; or since when nobody does.

    ``keys`` : int64 (N,) of the seats. ``person`` : int64 (N,) from 0. ``since`` : int64 (N,) first day on the floor.
    ``filled`` : bool (N,). ``filled_on`` : int64 (N,), day on which the next one begins, for empty seats.
    """

    def __init__(self, keys: Int64, quit_per_day: Float64, chance: Chance) -> None:
        """Everybody sits; how long they have done so is drawn as it is in the long run at a constant hazard."""
        self.keys = keys
        self._chance = chance
        self.person = np.zeros(keys.size, dtype=np.int64)
        self.since: Int64 = np.full(keys.size, LONG_AGO, dtype=np.int64)
        some = quit_per_day > 0
        waited = -np.log(chance.uniform("staff:tenure", keys[some])) / quit_per_day[some]
        self.since[some] = -np.minimum(waited, -LONG_AGO).astype(np.int64)
        self.filled = np.ones(keys.size, dtype=np.bool_)
        self.filled_on = np.zeros(keys.size, dtype=np.int64)

    def scores(self, what_for: str, seats: Int64 | slice = slice(None)) -> Float64:
        """Standard normal scores of the persons on some seats: a person's own, whatever the day."""
        return self._chance.normal(what_for, self.keys[seats], self.person[seats])

    def empty(self, seats: Int64, filled_on: Int64) -> None:
        """People leave; each seat has its next one on the day ``filled_on`` (same shape as ``seats``)."""
        self.filled[seats] = False
        self.filled_on[seats] = filled_on

    def fill(self, day: int, induction: Int64) -> Int64:
        """Seats whose next person begins on a day, on the floor after ``induction`` (N,) days."""
        new = np.flatnonzero(~self.filled & (self.filled_on <= day))
        if new.size:
            self.filled[new] = True
            self.person[new] += 1
            self.since[new] = day + induction[new]
        return new

    def progress(self, day: int, full_days: Float64) -> Float64:
        """How far each has learnt on a day: 0 on the first, 1 after ``full_days`` (N,), a straight line between."""
        return np.where(full_days > 0, np.clip((day - self.since) / np.maximum(full_days, 1e-9), 0.0, 1.0), 1.0)


def per_day(per_month: Float64, month_days: int) -> Float64:
    """Chance of a day that makes a share ``per_month`` of a month (any shape)."""
    return -np.expm1(np.log1p(-np.minimum(per_month, 1 - 1e-12)) / month_days)


def own_pace(scores: Float64, cv: float) -> Float64:
    """Pace of individuals (shape of ``scores``), lognormal: the mean of their times is 1, its spread ``cv``."""
    variance = np.log1p(cv**2)
    return np.exp(np.sqrt(variance) * scores + variance / 2)
