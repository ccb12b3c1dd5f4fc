"""One row per contact: when it came, how its first staffed visit went, who answered it first, how it ended."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.measures.breakdown import Mask
from sim.service.record import Record
from sim.service.tables import NONE, Int32, Int64, Outcome, VisitEnd

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class ItemRows:
    """All items, ended ones first, then open ones (``ended`` −1)."""

    item: Int64
    case: Int64
    kind: NDArray[np.int16]
    topic: Int32
    arrived: Int64
    ended: Int64
    outcome: NDArray[np.int8]


@dataclass(frozen=True)
class VisitRows:
    """All visits, ended ones first, then open ones (``ended`` −1)."""

    item: Int64
    station: NDArray[np.int16]
    server: Int32
    requested: Int64
    granted: Int64
    ended: Int64
    level: NDArray[np.int8]
    end: NDArray[np.int8]


@dataclass(frozen=True)
class Contacts:
    """Contacts that arrived in [from_ms, until_ms). Columns about visits are −1 where there was none.

    ``station``, ``level``, ``wait`` (ms), ``granted``, ``left`` : of the first staffed visit (least request time; of
    equals, whose wait was over first, then in the order of writing). ``wait`` runs from the request to the grant, or to
    leaving, or to the end of the run. ``left`` : the wait ended in abandonment. ``answered_at``, ``server`` : the first
    grant at any visit, riding along in a batch included.
    """

    item: Int64
    kind: NDArray[np.int16]
    topic: Int32
    arrived: Int64
    ended: Int64
    outcome: NDArray[np.int8]
    station: NDArray[np.int16]
    level: NDArray[np.int8]
    wait: Int64
    granted: Int64
    left: Mask
    answered_at: Int64
    server: Int32

    @property
    def asked(self) -> Mask:
        """Asked for a server at least once: offered."""
        return self.station >= 0


def item_rows(record: Record) -> ItemRows:
    """All items of a record."""
    ended, still = record.trace.items, record.open_rows.items
    return ItemRows(
        **{name: np.concatenate([getattr(ended, name), getattr(still, name)]) for name in ItemRows.__dataclass_fields__}
    )


def visit_rows(record: Record) -> VisitRows:
    """All visits of a record."""
    ended, still = record.trace.visits, record.open_rows.visits
    return VisitRows(
        **{
            name: np.concatenate([getattr(ended, name), getattr(still, name)])
            for name in VisitRows.__dataclass_fields__
        }
    )


def row_of_number(numbers: Int64, wanted: Int64) -> Int32:
    """Row in ``numbers`` (no number twice) that holds each wanted number, −1 where none does."""
    if numbers.size == 0 or wanted.size == 0:
        return np.full(wanted.size, NONE, dtype=np.int32)
    least, most = int(numbers.min()), int(numbers.max())
    inside = (wanted >= least) & (wanted <= most)
    if most - least < 8 * numbers.size + 1_000_000:  # numbers are dense as a rule: a map is faster than a search
        row = np.full(most - least + 1, NONE, dtype=np.int32)
        row[numbers - least] = np.arange(numbers.size, dtype=np.int32)
        return np.where(inside, row[np.where(inside, wanted - least, 0)], np.int32(NONE))
    order = np.argsort(numbers, kind="stable")
    place = np.minimum(np.searchsorted(numbers, wanted, sorter=order), numbers.size - 1)
    return np.where(numbers[order[place]] == wanted, order[place], NONE).astype(np.int32)


def counts_as(record: Record, what: str, kind: NDArray[np.int16]) -> Mask:
    """Which rows are items of a kind that counts as that."""
    return np.array([name == what for name in record.names.counts_as], dtype=np.bool_)[kind]


def first_rows(group: Int32, when: Int64, groups: int) -> Int64:
    """Row with the least ``when`` in each group, the first of equals; −1 for a group without rows."""
    least = np.full(groups, NEVER, dtype=np.int64)
    np.minimum.at(least, group, when)
    row = np.full(groups, NONE, dtype=np.int64)
    candidates = np.flatnonzero(when == least[group])[::-1]
    row[group[candidates]] = candidates  # of equals the last written stays, which is the first row
    return row


def contacts_of(record: Record, items: ItemRows, visits: VisitRows) -> tuple[Contacts, Int32]:
    """The contacts of a record, and for each visit the row of its contact, −1 where the item is none of them."""
    chosen = counts_as(record, "contact", items.kind)
    chosen &= (items.arrived >= record.from_ms) & (items.arrived < record.until_ms)
    number = items.item[chosen]
    contact = row_of_number(number, visits.item)
    n = number.size

    rows = np.flatnonzero(contact >= 0)
    group, requested, granted = contact[rows], visits.requested[rows], visits.granted[rows]
    wait_over = np.where(granted >= 0, granted, visits.ended[rows])
    wait_over[wait_over < 0] = record.until_ms
    least = np.full(n, NEVER, dtype=np.int64)
    np.minimum.at(least, group, requested)
    first = first_rows(group, np.where(requested == least[group], wait_over, NEVER), n)
    asked = first >= 0
    at = rows[first[asked]]

    def of_first(column: NDArray[np.generic]) -> NDArray[np.generic]:
        values = np.full(n, NONE, dtype=column.dtype)
        values[asked] = column[at]
        return values

    wait = np.full(n, NONE, dtype=np.int64)
    wait[asked] = wait_over[first[asked]] - requested[first[asked]]
    left = np.zeros(n, dtype=np.bool_)
    left[asked] = visits.end[at] == VisitEnd.ABANDONED

    given = np.flatnonzero(granted >= 0)
    first_grant = first_rows(group[given], granted[given], n)
    answered = first_grant >= 0
    answered_at = np.full(n, NONE, dtype=np.int64)
    answered_at[answered] = granted[given[first_grant[answered]]]
    server = np.full(n, NONE, dtype=np.int32)
    server[answered] = visits.server[rows[given[first_grant[answered]]]]

    contacts = Contacts(
        item=number,
        kind=items.kind[chosen],
        topic=items.topic[chosen],
        arrived=items.arrived[chosen],
        ended=items.ended[chosen],
        outcome=items.outcome[chosen],
        station=of_first(visits.station),  # type: ignore[arg-type]
        level=of_first(visits.level),  # type: ignore[arg-type]
        wait=wait,
        granted=of_first(visits.granted),  # type: ignore[arg-type]
        left=left,
        answered_at=answered_at,
        server=server,
    )
    return contacts, contact


def order_by(major: Int64 | Int32, minor: Int64) -> Int64:
    """Rows in order of (major, minor, row)."""
    width = int(minor.max(initial=0)) + 1
    if int(major.max(initial=0)) + 1 < NEVER // width:
        return np.argsort(major.astype(np.int64) * width + minor, kind="stable")
    return np.lexsort((minor, major))


def transfers_of(contact: Int32, visits: VisitRows, contacts: int) -> Int64:
    """Hand-overs of each contact.

    A granted visit after the first is a hand-over when its server has not served the contact before and when the
    contact held no server at the request: a consultation, in which the first server stays, is none, nor is a return.
    """
    granted = (contact >= 0) & (visits.granted >= 0)
    several = np.bincount(contact[granted], minlength=contacts) > 1
    rows = np.flatnonzero(granted)
    rows = rows[several[contact[rows]]]
    if rows.size == 0:
        return np.zeros(contacts, dtype=np.int64)
    # By request, not by grant: who asks later may be granted in the same millisecond, and is written earlier if nested.
    rows = rows[order_by(contact[rows], visits.requested[rows])]
    rows = rows[order_by(contact[rows], visits.granted[rows])]
    owner, server = contact[rows].astype(np.int64), visits.server[rows]
    begins = np.append(True, owner[1:] != owner[:-1])
    place = np.cumsum(begins) - 1

    # Held until when by earlier visits: a running maximum that starts anew with each contact.
    ended = np.where(
        visits.ended[rows] < 0, visits.ended.max(initial=0) + visits.requested.max() + 1, visits.ended[rows]
    )
    width = int(ended.max()) + 1
    held_until = np.maximum.accumulate(place * width + ended) - place * width
    free = np.append(True, visits.requested[rows[1:]] >= held_until[:-1])

    same = order_by(place, server.astype(np.int64))
    seen = np.zeros(rows.size, dtype=np.bool_)
    seen[same[1:]] = (place[same[1:]] == place[same[:-1]]) & (server[same[1:]] == server[same[:-1]])
    return np.bincount(owner[~begins & free & ~seen], minlength=contacts)


def retrials_of(contact: Int32, visits: VisitRows, contacts: int) -> Int64:
    """Visits of each contact to a station that the same contact had left waiting before."""
    stations = int(visits.station.max(initial=0)) + 1
    pair = contact.astype(np.int64) * stations + visits.station
    left = np.unique(pair[(contact >= 0) & (visits.end == VisitEnd.ABANDONED)])
    if left.size == 0:
        return np.zeros(contacts, dtype=np.int64)
    known = np.zeros(contacts, dtype=np.bool_)
    known[left // stations] = True
    rows = np.flatnonzero(contact >= 0)
    rows = rows[known[contact[rows]]]
    rows = rows[np.isin(pair[rows], left)]
    rows = rows[order_by(pair[rows], visits.requested[rows])]
    gone = (visits.end[rows] == VisitEnd.ABANDONED).astype(np.int64)
    before = np.cumsum(gone) - gone
    first = np.flatnonzero(np.append(True, pair[rows[1:]] != pair[rows[:-1]]))
    at_start = np.repeat(before[first], np.diff(np.append(first, rows.size)))
    return np.bincount(contact[rows[before > at_start]], minlength=contacts)


def served_time_of(contact: Int32, visits: VisitRows, contacts: int) -> Int64:
    """Slot time that servers held each contact in ended visits that led their batch, in ms."""
    served = (contact >= 0) & (visits.end == VisitEnd.SERVED)
    length = visits.ended[served] - visits.granted[served]
    return np.bincount(contact[served], weights=length, minlength=contacts).astype(np.int64)


CLOSED = (Outcome.SOLVED, Outcome.UNSOLVED, Outcome.CONTAINED, Outcome.DONE)
"""Outcomes of what was brought to an end; the others gave up or were turned away."""

ANSWERS = (Outcome.SOLVED, Outcome.UNSOLVED, Outcome.CONTAINED)
"""Outcomes that come with an answer, right or wrong."""

RESOLVED = (Outcome.SOLVED, Outcome.CONTAINED)
"""Outcomes that settle the problem: by a server, or by the bot."""


def outcome_in(outcome: NDArray[np.int8], outcomes: tuple[Outcome, ...]) -> Mask:
    """Which rows ended so; an open row did not."""
    table = np.array([o in outcomes for o in (*sorted(o for o in Outcome if o >= 0), Outcome.OPEN)], dtype=np.bool_)
    return table[outcome]
