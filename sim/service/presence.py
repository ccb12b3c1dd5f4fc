"""Rosters to presence windows: shifts, days off, absence and breaks of each server."""

from __future__ import annotations

import numpy as np

from sim.draws import uniforms
from sim.fields import span_minutes, weekdays
from sim.naming import stable_hash
from sim.scenario import Group, Scenario
from sim.service.keys import day_keys
from sim.service.tables import Int32, Int64, Windows

MINUTE = 60_000
DAY = 86_400_000
GOLDEN = 0.6180339887498949


def windows(scenario: Scenario, days: int, seed: int, replication: int) -> Windows:
    """Presence of all servers over the first ``days`` days, merged and in order of server and time.

    A shift that runs over midnight belongs to the day it starts on; one that started the evening before day 0 counts.
    Servers who are always there (no roster at all) have one window over everything.
    """
    blocks: list[Windows] = []
    first = 0
    for pool_name, pool in scenario.pools.items():
        for group in pool.groups:
            label = f"{pool_name}/{group.group}"
            if group.head_count:
                blocks += _group_windows(scenario, group, label, first, days, seed, replication)
            first += group.head_count
    if not any(block.enter.size for block in blocks):
        empty = np.empty(0, dtype=np.int64)
        return Windows(empty, empty, empty.astype(np.int32))
    enter, leave, server = (np.concatenate([getattr(b, name) for b in blocks]) for name in ("enter", "leave", "server"))
    return _merge(enter, leave, server)


def _group_windows(
    scenario: Scenario, group: Group, label: str, first: int, days: int, seed: int, replication: int
) -> list[Windows]:
    count = group.head_count
    servers = np.arange(first, first + count, dtype=np.int32)
    if group.presence == "always" and group.days_per_week == 7 and not group.absence_share and not group.break_min:
        return [Windows(np.zeros(count, np.int64), np.full(count, days * DAY, np.int64), servers)]
    week = shifts_by_weekday(group)
    first_weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(scenario.horizon.first_weekday)
    number = np.arange(count)
    blocks = []
    for day in range(-1, days):
        weekday = (first_weekday + day) % 7
        # Days off depend on the server's own number alone, so that one more colleague changes nobody's roster; steps of
        # two spread the usual two days off over the week.
        on_roster = (weekday + 2 * number) % 7 < group.days_per_week
        u = uniforms(seed, replication, day_keys(stable_hash(label), day + 1, number), stable_hash("roster:absence"))
        present = on_roster & (u >= group.absence_share)
        for start, end in week[weekday]:
            blocks += _shift(day * DAY + start * MINUTE, day * DAY + end * MINUTE, group, number, present, servers)
    inside = []
    for block in blocks:
        keep = block.leave > 0
        inside.append(Windows(np.maximum(block.enter[keep], 0), block.leave[keep], block.server[keep]))
    return inside


def shifts_by_weekday(group: Group) -> list[list[tuple[int, int]]]:
    """Shifts in minutes of the day by weekday (Monday 0); ends past 1440 lie on the next day."""
    if group.presence == "always":
        return [[(0, 1440)]] * 7
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for days, spans in group.presence.items():
        for weekday in weekdays(days):
            week[weekday] += [span_minutes(span) for span in spans]
    return week


def _shift(start: int, end: int, group: Group, number: Int64, present: np.ndarray, servers: Int32) -> list[Windows]:
    """Windows of one shift: two around the break, which lies in the middle half and is staggered over the servers."""
    who = servers[present]
    enter, leave = np.full(who.size, start, np.int64), np.full(who.size, end, np.int64)
    pause = int(group.break_min * MINUTE)
    if pause == 0 or pause * 2 >= end - start:
        return [Windows(enter, leave, who)]
    room = (end - start) // 2 - pause if (end - start) // 2 > pause else 0
    begin = start + (end - start) // 4 + ((number[present] * GOLDEN) % 1.0 * room).astype(np.int64)
    return [Windows(enter, begin, who), Windows(begin + pause, leave, who)]


def _merge(enter: Int64, leave: Int64, server: Int32) -> Windows:
    """Join windows of one server that touch or overlap; order by server and time."""
    order = np.lexsort((enter, server))
    enter, leave, server = enter[order], leave[order], server[order]
    # Each server's times lie in a range of their own, so that one running maximum serves all.
    apart = server.astype(np.int64) * (int(leave.max()) + 2)
    latest = np.maximum.accumulate(leave + apart)
    starts = np.concatenate([[True], (enter + apart)[1:] > latest[:-1]])
    index = np.flatnonzero(starts)
    last = np.concatenate([index[1:] - 1, [server.size - 1]])
    return Windows(enter[index], latest[last] - apart[last], server[index])
