"""One row per case: the contacts in which one user asked about one problem."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.measures.breakdown import Mask
from sim.measures.contacts import CLOSED, NEVER, RESOLVED, ItemRows, counts_as, outcome_in
from sim.service.record import Record
from sim.service.tables import Int32, Int64


@dataclass(frozen=True)
class Cases:
    """Cases whose first contact (least arrival, then number) arrived in [from_ms, until_ms).

    ``arrived``, ``kind``, ``topic`` : of the first contact. ``contacts`` : how many. ``first_closed`` : the first has
    ended. ``resolved_first`` : it ended solved or contained, and no other came within the window. ``window_over`` : the
    window ended before the run did. ``closed`` : no contact is open, and one at least was not given up or turned away.
    ``last_ended`` : end of the last contact, −1 if one is open. ``reopened`` : a contact came after an earlier one
    had ended solved or contained. ``called_back`` : a call-back of the case has ended.
    """

    case: Int64
    arrived: Int64
    kind: NDArray[np.int16]
    topic: Int32
    contacts: Int64
    first_closed: Mask
    resolved_first: Mask
    window_over: Mask
    closed: Mask
    last_ended: Int64
    reopened: Mask
    called_back: Mask


def case_kinds(record: Record) -> Mask:
    """Kinds whose contacts make up cases: contacts marked so, or all contacts when none is marked."""
    contact = np.array([name == "contact" for name in record.names.counts_as], dtype=np.bool_)
    marked = contact & np.array(record.names.is_case, dtype=np.bool_)
    return marked if marked.any() else contact


def cases_of(record: Record, items: ItemRows) -> Cases:
    """The cases of a record."""
    settings = record.settings
    rows = np.flatnonzero(case_kinds(record)[items.kind])
    # Numbers rise with time and case numbers with them, so that both sorts meet nearly ordered rows.
    rows = rows[np.argsort(items.item[rows], kind="stable")]
    rows = rows[np.argsort(items.arrived[rows], kind="stable")]
    rows = rows[np.argsort(items.case[rows], kind="stable")]
    case, arrived, ended = items.case[rows], items.arrived[rows], items.ended[rows]
    first = np.flatnonzero(np.append(True, case[1:] != case[:-1])[: case.size])
    size = np.diff(np.append(first, case.size))
    outcome = items.outcome[rows]
    resolved = outcome_in(outcome, RESOLVED)

    def per_case(combine: np.ufunc, values: NDArray[np.generic]) -> Int64:
        return combine.reduceat(values, first) if first.size else np.zeros(0, dtype=np.int64)

    begun = arrived[first]
    window = settings.first_contact_window_ms
    within = per_case(np.add, (arrived <= np.repeat(begun + window, size)).astype(np.int64))
    open_now = per_case(np.minimum, ended) < 0
    some_closed = per_case(np.maximum, outcome_in(outcome, CLOSED).astype(np.int64)) > 0
    settled_at = per_case(np.minimum, np.where(resolved, ended, NEVER))
    call_backs = counts_as(record, "call_back", items.kind) & (items.ended >= 0)

    cases = Cases(
        case=case[first],
        arrived=begun,
        kind=items.kind[rows][first],
        topic=items.topic[rows][first],
        contacts=size,
        first_closed=ended[first] >= 0,
        resolved_first=resolved[first] & (within == 1),
        window_over=begun + window < record.until_ms,
        closed=~open_now & some_closed,
        last_ended=np.where(open_now, -1, per_case(np.maximum, ended)),
        reopened=per_case(np.maximum, arrived) > settled_at,
        called_back=np.isin(case[first], items.case[call_backs]),
    )
    chosen = (begun >= record.from_ms) & (begun < record.until_ms)
    return Cases(**{name: getattr(cases, name)[chosen] for name in Cases.__dataclass_fields__})
