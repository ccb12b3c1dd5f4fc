"""Servers' time, recomputed from visit rows and presence: who held how much when, in exact integers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.measures.breakdown import Mask
from sim.measures.contacts import row_of_number
from sim.service.record import Record
from sim.service.tables import Int32, Int64, VisitEnd, Windows


@dataclass(frozen=True)
class Holding:
    """Spans in which a server held one item in one slot: int32 ``server``, int64 ``start``, ``end``."""

    server: Int32
    start: Int64
    end: Int64


@dataclass(frozen=True)
class ServerSpans:
    """Spans of servers: ``busy`` (holding at least one item, does not overlap for one server), the part of it that
    is ``overtime`` (not present), and the ``most`` items that each server ever held at once."""

    busy: Holding
    overtime: Holding
    most: Int64


def held_rows(record: Record) -> Holding:
    """Spans of all visits that take up a slot: ended visits that led, and open ones up to the end of the run."""
    visits, still = record.trace.visits, record.open_rows.visits
    led = visits.end == VisitEnd.SERVED
    leads = open_leads(record)
    return Holding(
        np.concatenate([visits.server[led], still.server[leads]]),
        np.concatenate([visits.granted[led], still.granted[leads]]),
        np.concatenate([visits.ended[led], np.full(np.count_nonzero(leads), record.until_ms, dtype=np.int64)]),
    )


def open_leads(record: Record) -> Mask:
    """Which open visits take up a slot of their server.

    An open row does not say whether its item rides along. Riders share server, time of grant, station, step and topic
    with their lead, so that a row which shares them with no other is a lead. Among those that do (a batch, or
    several batches begun in one millisecond), the number of leads is the one that the server's slot time confirms;
    which of the rows it is makes no difference to any figure.
    """
    visits = record.open_rows.visits
    leads = visits.granted >= 0
    open_items = record.open_rows.items
    rows = np.flatnonzero(leads)
    if np.unique(np.stack([visits.server[rows], visits.granted[rows]]), axis=1).shape[1] == rows.size:
        return leads
    item = row_of_number(open_items.item, visits.item)
    topic = np.where(item >= 0, open_items.topic[item], -1) if open_items.item.size else np.full(item.size, -1)
    alike: dict[int, dict[tuple[int, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows.tolist():
        key = (visits.granted[row], visits.served_at[row], visits.step[row], topic[row])
        alike[int(visits.server[row])][tuple(int(k) for k in key)].append(row)
    led = record.trace.visits.end == VisitEnd.SERVED
    servers, ended = record.trace.visits.server[led], record.trace.visits.ended[led]
    done = np.bincount(
        np.maximum(servers, 0), weights=ended - record.trace.visits.granted[led], minlength=record.servers.slots.size
    ).astype(np.int64)
    for server, groups in alike.items():
        if not 0 <= server < record.servers.slots.size:
            continue
        length = [record.until_ms - granted for granted, *_ in groups]
        size = [len(group) for group in groups.values()]
        target = int(record.server_time.slot_time[server] - done[server])
        counts = _lead_counts(length, size, target, int(record.servers.slots[server]))
        for count, group in zip(counts or [1] * len(size), groups.values(), strict=True):
            leads[group[count:]] = False
    return leads


def _lead_counts(length: list[int], size: list[int], target: int, slots: int) -> list[int] | None:
    """Numbers of leads, 1 … size each and ``slots`` at most in all, whose lengths add up to the target."""
    if not length:
        return [] if target == 0 else None
    for count in range(1, min(size[0], slots - len(size) + 1) + 1):
        rest = _lead_counts(length[1:], size[1:], target - count * length[0], slots - count)
        if rest is not None:
            return [count, *rest]
    return None


def clipped(holding: Holding, start: int, end: int) -> Holding:
    """Spans cut to [start, end); what lies outside goes."""
    first, last = np.maximum(holding.start, start), np.minimum(holding.end, end)
    inside = first < last
    return Holding(holding.server[inside], first[inside], last[inside])


def presence_spans(windows: Windows, start: int, end: int) -> Holding:
    """Scheduled presence as spans cut to [start, end)."""
    return clipped(Holding(windows.server, windows.enter, windows.leave), start, end)


FREED, LEFT, CAME, TOOK = range(4)
"""What happens to a server at a time, in this order within a millisecond: what is given back leaves room first."""

HELD_CHANGE = np.array([-1, 0, 0, 1], dtype=np.int32)
PRESENT_CHANGE = np.array([0, -1, 1, 0], dtype=np.int32)


def sweep(held: Holding, present: Holding, servers: int) -> ServerSpans:
    """Go through each server's changes in order of time and read off what it was doing between them.

    Parameters
    ----------
    held, present : spans, all with 0 ≤ server < servers and 0 ≤ start ≤ end.
    servers : number of servers.
    """
    width = int(max(held.end.max(initial=0), present.end.max(initial=0))) + 1
    # One sort of plain numbers: server, time and what happens packed into one.
    packed = np.concatenate(
        [
            (s.astype(np.int64) * width + t) * 4 + what
            for s, t, what in (
                (held.server, held.start, TOOK),
                (held.server, held.end, FREED),
                (present.server, present.start, CAME),
                (present.server, present.end, LEFT),
            )
        ]
    )
    packed.sort()
    what = (packed & 3).astype(np.int8)
    place = packed >> 2
    del packed
    count = np.cumsum(HELD_CHANGE[what], dtype=np.int32)
    there = np.cumsum(PRESENT_CHANGE[what], dtype=np.int32)
    busy = np.flatnonzero((count[:-1] > 0) & (place[:-1] < place[1:]))

    def spans(rows: NDArray[np.intp]) -> Holding:
        server, start = np.divmod(place[rows], width)
        return Holding(server.astype(np.int32), start, place[rows + 1] - server * width)

    most = np.zeros(servers, dtype=np.int64)
    np.maximum.at(most, place // width, count)
    return ServerSpans(spans(busy), spans(busy[there[busy] == 0]), most)


def time_by_server(holding: Holding, servers: int) -> Int64:
    """Total length of each server's spans, in ms."""
    return np.bincount(holding.server, weights=holding.end - holding.start, minlength=servers).astype(np.int64)
