"""What visits and contacts add up to: a contact's first answer, a case's course from first to last contact.

Pure functions over arrays, by the definitions of ``sim.measures.contacts`` and ``sim.measures.cases``, for the rows of
one evening instead of a whole record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.service.record import FigureSettings
from sim.service.tables import NONE, Int32, Int64, Items, Outcome, VisitEnd
from sim.world.flows import Bool

T = TypeVar("T")

NEVER = np.iinfo(np.int64).max
MOST_SPAN = 1 << 24
"""Numbers that lie within so many of each other are looked up in a table; others are searched."""


def _outcomes(*named: Outcome) -> Bool:
    """Table of all outcomes, an open one (−1) at the end."""
    table = np.zeros(len(Outcome), dtype=np.bool_)
    table[list(named)] = True
    return table


CLOSED = _outcomes(Outcome.SOLVED, Outcome.UNSOLVED, Outcome.CONTAINED, Outcome.DONE)
ANSWERS = _outcomes(Outcome.SOLVED, Outcome.UNSOLVED, Outcome.CONTAINED)
RESOLVED = _outcomes(Outcome.SOLVED, Outcome.CONTAINED)


@dataclass(frozen=True)
class Seen:
    """Visits, as far as the ledger needs them; columns as in ``sim.service.tables.Visits``."""

    item: Int64
    server: Int32
    requested: Int64
    granted: Int64
    ended: Int64
    end: NDArray[np.int8]


@dataclass(frozen=True)
class Grants:
    """Granted visits of contacts that have ended, with their cases: int64 ``case``, ``item``, ``requested``,
    ``granted``; int32 ``server``."""

    case: Int64
    item: Int64
    requested: Int64
    granted: Int64
    server: Int32


@dataclass(frozen=True)
class Firsts:
    """Of each contact: int64 ``wait`` (−1: never asked), ``granted`` of the first staffed visit, ``answered_at``;
    int32 ``server`` who answered first; bool ``asked``, ``left``."""

    wait: Int64
    granted: Int64
    answered_at: Int64
    server: Int32
    asked: Bool
    left: Bool


@dataclass(frozen=True)
class Cases:
    """Cases, columns as in ``sim.measures.cases``; ``draw_key``, ``kind`` and ``topic`` are the first contact's (least
    arrival, then number), ``last_outcome`` is that of the contact that ended last."""

    case: Int64
    draw_key: Int64
    kind: NDArray[np.int16]
    topic: Int32
    arrived: Int64
    contacts: Int64
    first_closed: Bool
    resolved_first: Bool
    closed: Bool
    last_ended: Int64
    last_outcome: NDArray[np.int8]
    reopened: Bool


def rows_taken(block: T, rows: Int64) -> T:
    """Rows of columns by index."""
    return type(block)(*[getattr(block, name)[rows] for name in _columns(block)])


def appended(block: T, new: T) -> T:
    """Columns with more rows."""
    return type(block)(*[np.concatenate((getattr(block, name), getattr(new, name))) for name in _columns(block)])


def _columns(block: object) -> Iterable[str]:
    """Names of a block's columns, in order; ``dataclasses.fields`` takes as long as the copy of a small column."""
    return block.__dataclass_fields__  # type: ignore[attr-defined]


class Lookup:
    """Finds the row of a number among others (a row, if it is there several times)."""

    def __init__(self, numbers: Int64) -> None:
        self._numbers = numbers
        self._row: Int32 | None = None
        if numbers.size:
            self._least = int(numbers.min())
            self._span = int(numbers.max()) - self._least + 1
            if self._span <= MOST_SPAN:
                # Pages of zeros that are not touched cost nothing. The last place stands for all that lies outside.
                self._row = np.zeros(self._span + 1, dtype=np.int32)
                self._row[numbers - self._least] = np.arange(1, numbers.size + 1, dtype=np.int32)
            else:
                self._order = np.argsort(numbers, kind="stable")

    def rows(self, wanted: Int64) -> Int64:
        """Row of each wanted number, −1 where none holds it."""
        if not self._numbers.size or not wanted.size:
            return np.full(wanted.size, NONE, dtype=np.int64)
        if self._row is not None:
            # One comparison for both bounds: what lies below is a huge number without a sign.
            at = np.minimum((wanted - self._least).view(np.uint64), np.uint64(self._span)).view(np.int64)
            return self._row[at].astype(np.int64) - 1
        place = np.searchsorted(self._numbers, wanted, sorter=self._order)
        row = self._order[np.minimum(place, self._numbers.size - 1)]
        return np.where(self._numbers[row] == wanted, row, NONE)

    def has(self, wanted: Int64) -> Bool:
        """Whether each wanted number is there."""
        return self.rows(wanted) >= 0


def first_visits(contact: Int64, visits: Seen, contacts: int, until_ms: int) -> Firsts:
    """First staffed visit (least request, then whose wait was over first, then as written) and first grant of each.

    ``contact`` : row of each visit's contact, negative for none. ``until_ms`` : end of a wait that is not over.
    """
    first = np.full(contacts, NONE, dtype=np.int64)
    answer = np.full(contacts, NONE, dtype=np.int64)
    rows = np.flatnonzero(contact >= 0)
    if not rows.size:
        nothing = np.zeros(contacts, dtype=np.bool_)
        return Firsts(first, first, first, first.astype(np.int32), nothing, nothing)
    of, granted, requested = contact[rows], visits.granted[rows], visits.requested[rows]
    over = np.where(granted >= 0, granted, visits.ended[rows])
    over[over < 0] = until_ms
    first[of[::-1]] = np.arange(rows.size - 1, -1, -1)  # of several, the last one set stays: the first that was written
    given = (granted >= 0).nonzero()[0][::-1]
    answer[of[given]] = given
    several = np.bincount(of, minlength=contacts) > 1
    again = np.flatnonzero(several[of])
    if again.size:
        order = again[np.lexsort((over[again], requested[again], of[again]))]
        first[of[order[::-1]]] = order[::-1]
        order = again[np.lexsort((granted[again], of[again]))]
        order = order[granted[order] >= 0][::-1]
        answer[of[order]] = order
    asked, answered = first >= 0, answer >= 0
    return Firsts(
        wait=np.where(asked, (over - requested)[first], NONE),
        granted=np.where(asked, granted[first], NONE),
        answered_at=np.where(answered, granted[answer], NONE),
        server=np.where(answered, visits.server[rows[answer]], np.int32(NONE)),
        asked=asked,
        left=asked & (visits.end[rows[first]] == VisitEnd.ABANDONED),
    )


def cases_of(rows: Items, settings: FigureSettings) -> Cases:
    """The cases that these contacts make up."""
    order = np.lexsort((rows.item, rows.arrived, rows.case))
    case, arrived, ended, outcome = rows.case[order], rows.arrived[order], rows.ended[order], rows.outcome[order]
    begins = np.ones(case.size, dtype=np.bool_)
    np.not_equal(case[1:], case[:-1], out=begins[1:])
    first = np.flatnonzero(begins)
    size = np.diff(first, append=case.size)
    group = np.cumsum(begins) - 1
    begun = arrived[first]
    resolved = RESOLVED[outcome]

    def each(combine: np.ufunc, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(combine.reduceat(values, first)) if first.size else values[:0]

    open_now = each(np.minimum, ended) < 0
    last_ended = np.where(open_now, NONE, each(np.maximum, ended))
    latest = np.flatnonzero(ended == last_ended[group])
    last = first.copy()
    last[group[latest]] = latest  # of equals the last one set stays: the latest to arrive
    within = np.bincount(group, weights=arrived <= (begun + settings.first_contact_window_ms)[group])
    return Cases(
        case=case[first],
        draw_key=rows.draw_key[order[first]],
        kind=rows.kind[order[first]],
        topic=rows.topic[order[first]],
        arrived=begun,
        contacts=size,
        first_closed=ended[first] >= 0,
        resolved_first=resolved[first] & (within == 1),
        closed=~open_now & each(np.logical_or, CLOSED[outcome]),
        last_ended=last_ended,
        last_outcome=outcome[last],
        reopened=each(np.maximum, arrived) > each(np.minimum, np.where(resolved, ended, NEVER)),
    )


def courses(grants: Grants, case: Int64) -> tuple[Int64, Int64, Int32]:
    """First grant, hand-overs and last server of each case (−1, 0, −1 if it was never granted one).

    A hand-over is a change from one person to another, in order of grant. Whoever is consulted is none: visits between
    two of the same contact with one person do not count, because that person kept the contact (F25).
    """
    answered_at = np.full(case.size, NONE, dtype=np.int64)
    hops = np.zeros(case.size, dtype=np.int64)
    last_server = np.full(case.size, NONE, dtype=np.int32)
    of = Lookup(case).rows(grants.case)
    rows = np.flatnonzero(of >= 0)
    of = of[rows]
    answered_at[of], last_server[of] = grants.granted[rows], grants.server[rows]
    more = np.bincount(of, minlength=case.size)[of] > 1
    if not more.any():
        return answered_at, hops, last_server
    rows, of = rows[more], of[more]
    order = np.lexsort((grants.requested[rows], grants.granted[rows], of))
    rows, of = rows[order], of[order]
    last_server[of] = grants.server[rows]
    answered_at[of[::-1]] = grants.granted[rows[::-1]]
    met = ~_consulted(grants.item[rows], grants.server[rows])
    of, server = of[met], grants.server[rows[met]]
    changed = (of[1:] == of[:-1]) & (server[1:] != server[:-1])
    return answered_at, np.bincount(of[1:][changed], minlength=case.size), last_server


def _consulted(item: Int64, server: Int32) -> Bool:
    """Which visits (in order of grant) lie between two visits of the same item to one other server."""
    order = np.argsort(item, kind="stable")
    pair = item[order] * (int(server.max()) + 1) + server[order]
    same = np.argsort(pair, kind="stable")
    new = pair[same[1:]] != pair[same[:-1]]
    first, last = same[np.append(True, new)], same[np.append(new, True)]
    twice = last > first
    covered = np.zeros(item.size + 1, dtype=np.int64)
    np.add.at(covered, first[twice] + 1, 1)
    np.add.at(covered, last[twice], -1)
    consulted = np.empty(item.size, dtype=np.bool_)
    consulted[order] = np.cumsum(covered[:-1]) > 0
    return consulted
