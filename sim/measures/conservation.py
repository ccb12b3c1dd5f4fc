"""Nothing is lost: exact integer checks that a record adds up.

Each check counts the same thing in two ways, so that an engine that loses an item, a millisecond or a release is
caught, and so is a record that was put together wrongly. Trace rows are held against the engine's own accounts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sim.measures.contacts import ItemRows, item_rows, row_of_number
from sim.measures.servers import clipped, held_rows, presence_spans, sweep, time_by_server
from sim.service.record import Record, presence_in
from sim.service.tables import NONE, Outcome, VisitEnd

MOST_SHOWN = 3
"""Offenders named per check; the rest are counted."""


class ConservationError(AssertionError):
    """A record does not add up; the message lists what is wrong."""

    def __init__(self, violations: list[str]) -> None:
        super().__init__("the record does not add up:\n" + "\n".join(violations))
        self.violations = violations


def assert_conserved(record: Record) -> None:
    """Raise if the record does not add up.

    Raises
    ------
    ConservationError
        With all violations found.
    """
    if violations := conservation(record):
        raise ConservationError(violations)


def conservation(record: Record) -> list[str]:
    """Everything about a record that does not add up, as sentences; empty if it does. Where no trace was kept, only the
    engine's accounts of its servers can be checked against each other."""
    if not record.has_trace:
        return list(_engine_accounts(record))
    shape = list(_shape(record))
    if shape:  # the checks below read the rows as well-formed
        return shape
    items = item_rows(record)
    checks = (_arrivals, _visits_of_items, _time_in_system, _server_time)
    return [sentence for check in checks for sentence in check(record, items)]


def _named(rows: np.ndarray, name: Callable[[int], str]) -> Iterator[str]:
    for row in rows[:MOST_SHOWN].tolist():
        yield name(row)
    if rows.size > MOST_SHOWN:
        yield f"… and {rows.size - MOST_SHOWN} more of that"


def _shape(record: Record) -> Iterator[str]:
    """Every row by itself: times in order and inside the run, numbers inside their tables, ends that fit."""
    until = record.until_ms
    names, servers = record.names, record.servers.pool.size
    for where, trace, is_open in (("trace", record.trace, False), ("open rows", record.open_rows, True)):
        items, visits = trace.items, trace.visits
        wrong = (items.arrived < 0) | (items.arrived >= until) | (items.kind < 0) | (items.kind >= len(names.kinds))
        if is_open:
            wrong |= (items.ended != NONE) | (items.outcome != Outcome.OPEN)
        else:
            wrong |= (items.ended < items.arrived) | (items.ended >= until)
            wrong |= (items.outcome <= Outcome.OPEN) | (items.outcome > max(Outcome))
        yield from _named(
            np.flatnonzero(wrong),
            lambda i, items=items, where=where: (  # type: ignore[misc]
                f"{where}: item {items.item[i]}, arrived {items.arrived[i]} ms, ended {items.ended[i]} ms, kind "
                f"{items.kind[i]}, outcome {items.outcome[i]}, is no possible row of a run of {until} ms"
            ),
        )
        given = visits.granted >= 0
        wrong = (visits.requested < 0) | (visits.requested >= until) | (given != (visits.server >= 0))
        wrong |= (visits.server >= servers) | (given & (visits.granted < visits.requested)) | (visits.granted >= until)
        if is_open:
            wrong |= (visits.ended != NONE) | (visits.end != VisitEnd.OPEN)
        else:
            wrong |= (visits.ended < np.maximum(visits.requested, visits.granted)) | (visits.ended >= until)
            wrong |= (visits.end < 0) | (visits.end > max(VisitEnd)) | ((visits.end == VisitEnd.ABANDONED) == given)
        yield from _named(
            np.flatnonzero(wrong),
            lambda i, visits=visits, where=where: (  # type: ignore[misc]
                f"{where}: visit of item {visits.item[i]}, requested {visits.requested[i]} ms, granted "
                f"{visits.granted[i]} ms, ended {visits.ended[i]} ms, server {visits.server[i]}, end {visits.end[i]}, "
                f"is no possible row of a run of {until} ms"
            ),
        )


def _arrivals(record: Record, items: ItemRows) -> Iterator[str]:
    """Item numbers are unique; per kind, outside arrivals + spawned items = closed + abandoned + open."""
    number, times = np.unique(items.item, return_counts=True)
    yield from _named(np.flatnonzero(times > 1), lambda i: f"item {number[i]} is there {times[i]} times")

    # An item came from outside if it can be laid on a row of the arrivals (time, kind, draw key); what is left was
    # spawned, and then its case is an earlier item's.
    came = record.arrivals.t < record.until_ms
    draw_key = np.concatenate([record.trace.items.draw_key, record.open_rows.items.draw_key])
    t = np.concatenate([record.arrivals.t[came], items.arrived])
    kind = np.concatenate([record.arrivals.kind[came].astype(np.int16), items.kind])
    key = np.concatenate([record.arrivals.draw_key[came], draw_key])
    is_item = np.arange(t.size) >= np.count_nonzero(came)
    inherits = np.concatenate([np.zeros(np.count_nonzero(came), dtype=np.bool_), items.case < items.item])
    order = np.lexsort((key, kind, t))
    t, kind, key = t[order], kind[order], key[order]
    new = np.append(True, (t[1:] != t[:-1]) | (kind[1:] != kind[:-1]) | (key[1:] != key[:-1]))[: t.size]
    first = np.flatnonzero(new)
    if first.size == 0:
        return
    arrived = np.add.reduceat((~is_item[order]).astype(np.int64), first)
    there = np.add.reduceat(is_item[order].astype(np.int64), first)
    may_be_spawned = np.add.reduceat(inherits[order].astype(np.int64), first)
    spawned = np.maximum(there - arrived, 0)

    kinds = len(record.names.kinds)
    outside_by_kind = np.bincount(record.arrivals.kind[came], minlength=kinds)
    spawned_by_kind = np.bincount(kind[first], weights=np.minimum(spawned, may_be_spawned), minlength=kinds).astype(int)
    still, gave_up = items.outcome == Outcome.OPEN, items.outcome == Outcome.ABANDONED
    counts = [np.bincount(items.kind[mask], minlength=kinds) for mask in (~still & ~gave_up, gave_up, still)]
    for k in np.flatnonzero(outside_by_kind + spawned_by_kind != sum(counts)).tolist():
        closed, abandoned, in_system = (int(c[k]) for c in counts)
        yield (
            f"kind {record.names.kinds[k]}: {outside_by_kind[k]} arrivals + {spawned_by_kind[k]} spawned, but "
            f"{closed} closed + {abandoned} abandoned + {in_system} open"
        )
    yield from _named(
        np.flatnonzero(there < arrived),
        lambda i: f"kind {record.names.kinds[kind[first[i]]]}: an arrival at {t[first[i]]} ms left no item",
    )
    yield from _named(
        np.flatnonzero(spawned > may_be_spawned),
        lambda i: f"kind {record.names.kinds[kind[first[i]]]}: an item at {t[first[i]]} ms came from nowhere",
    )


def _visits_of_items(record: Record, items: ItemRows) -> Iterator[str]:
    """Every visit belongs to an item and lies inside its stay; open visits belong to open items."""
    for where, visits in (("visit", record.trace.visits), ("open visit", record.open_rows.visits)):
        row = row_of_number(items.item, visits.item)
        known = row >= 0
        arrived = np.where(known, items.arrived[row], 0) if items.item.size else np.zeros(row.size, dtype=np.int64)
        ended = np.where(known, items.ended[row], NONE) if items.item.size else np.full(row.size, NONE)
        yield from _named(
            np.flatnonzero(~known),
            lambda i, v=visits, w=where: f"{w} of item {v.item[i]}, which is not there",  # type: ignore[misc]
        )
        outside = visits.requested < arrived
        outside |= (ended != NONE) & ((visits.ended > ended) | (visits.ended == NONE))
        yield from _named(
            np.flatnonzero(known & outside),
            lambda i, v=visits, w=where, a=arrived, e=ended: (  # type: ignore[misc]
                f"{w} of item {v.item[i]} from {v.requested[i]} to {v.ended[i]} ms is not within its stay from {a[i]} "
                f"to {e[i]} ms"
            ),
        )


def _time_in_system(record: Record, items: ItemRows) -> Iterator[str]:
    """Integral of the number in the system = sum of the stays."""
    ended = np.where(items.ended == NONE, record.until_ms, items.ended)
    total = int((ended - items.arrived).sum(dtype=np.int64))
    if total != record.item_time_ms:
        yield f"items were in the system for {total} ms by their rows, {record.item_time_ms} ms by the engine"


def _engine_accounts(record: Record) -> Iterator[str]:
    """Per server: presence + overtime = busy + idle, by the engine alone."""
    engine = record.server_time
    yield from _named(
        np.flatnonzero(engine.present + engine.overtime != engine.busy + engine.idle),
        lambda s: (
            f"server {s}: presence {engine.present[s]} + overtime {engine.overtime[s]} is not busy {engine.busy[s]} + "
            f"idle {engine.idle[s]} ms"
        ),
    )


def _server_time(record: Record, items: ItemRows) -> Iterator[str]:
    """Per server: presence, busy, idle, overtime, slot time, by rows and by the engine; never more than its slots."""
    until, n, engine = record.until_ms, record.servers.pool.size, record.server_time
    held = clipped(held_rows(record), 0, until)
    swept = sweep(held, presence_spans(record.windows, 0, until), n)
    scheduled = presence_in(record.windows, n, 0, until)
    pairs = (
        ("scheduled presence", scheduled, engine.present),
        ("time busy", time_by_server(swept.busy, n), engine.busy),
        ("overtime", time_by_server(swept.overtime, n), engine.overtime),
        ("slot time", time_by_server(held, n), engine.slot_time),
    )
    for what, by_rows, by_engine in pairs:
        yield from _named(
            np.flatnonzero(by_rows != by_engine),
            lambda s, what=what, r=by_rows, e=by_engine: (  # type: ignore[misc]
                f"server {s}: {what} is {r[s]} ms by the rows and windows, {e[s]} ms by the engine"
            ),
        )
    yield from _named(
        np.flatnonzero(scheduled + engine.overtime != engine.busy + engine.idle),
        lambda s: (
            f"server {s}: presence {scheduled[s]} + overtime {engine.overtime[s]} is not busy {engine.busy[s]} + idle "
            f"{engine.idle[s]} ms"
        ),
    )
    slots = record.servers.slots
    yield from _named(
        np.flatnonzero(swept.most > slots),
        lambda s: f"server {s}: holds {swept.most[s]} items at once, with {slots[s]} slots",
    )
