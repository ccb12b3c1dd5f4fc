"""The ledger of an evening: which contacts ended and which cases closed for good, by the definitions of the figures.

What a row means (first staffed visit, first response, asks, resolved at first contact, closed) is what
``sim.measures`` says; the ledger only counts day by day, and forgets what can no longer change. A test holds both to
the same sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.service.arrivals import DAY
from sim.service.day_records import DayRecords
from sim.service.record import FigureSettings, Names
from sim.service.tables import NONE, Int32, Int64, Items, Outcome, Trace, Visits, table
from sim.service.topics import ORDINARY, cause_of, community_of, number_of
from sim.world.episodes import (
    ANSWERS,
    RESOLVED,
    Cases,
    Firsts,
    Grants,
    Lookup,
    Seen,
    appended,
    cases_of,
    courses,
    first_visits,
    rows_taken,
)
from sim.world.flows import Bool, CaseRows, ContactRows
from sim.world.geography import Geography

KEEPS_OPEN = ("contact", "consultation", "task")
"""A case is not closed for good while an item of it that counts as one of these is here or on its way."""

Int8 = NDArray[np.int8]


@dataclass(frozen=True)
class Cells:
    """Cells of rows in the flattened sums by day, city, channel and cause: int64 ``cell``, counted from ``first``;
    all lie within ``span``."""

    first: int
    span: int
    cell: Int64


class Ledger:
    """Keeps visits of items that have not ended, and contacts of cases that are not closed for good; nothing else.

    Parameters
    ----------
    names : names and meanings of the kinds.
    channels_of_kind : int8 (kinds,), codes of ``CHANNELS``.
    settings : numbers that define the figures.
    geography : communities; a topic's community that is none of them counts as the first.
    records : sums of contacts and cases are added to it ("the service", "cases", "closed for good").
    """

    def __init__(
        self,
        names: Names,
        channels_of_kind: Int8,
        settings: FigureSettings,
        geography: Geography,
        records: DayRecords,
    ) -> None:
        self.settings, self.geography, self.records = settings, geography, records
        self._channel = np.asarray(channels_of_kind, dtype=np.int8)
        counts_as = np.array(names.counts_as)
        self._contact = counts_as == "contact"
        marked = self._contact & np.array(names.is_case, dtype=np.bool_)
        self._of_case = marked if marked.any() else self._contact
        self._keeps_open = np.isin(counts_as, KEEPS_OPEN)
        self._call_back = counts_as == "call_back"
        none, nobody = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        self._visits = _seen(table(Visits, []))
        self._rows = table(Items, [])
        self._grants = Grants(none, none, none, none, nobody)
        self._called_back = none
        self._judged = none

    def evening(self, day: int, trace: Trace, pending: Items) -> tuple[ContactRows, CaseRows]:
        """Take in a day.

        Parameters
        ----------
        day : its number.
        trace : rows finished since the last call.
        pending : all items that are here, or were spawned and are yet to arrive.

        Returns
        -------
        tuple
            The contacts that ended, and the cases that closed for good: nothing of them is open or yet to come, but
            perhaps a call-back. A case that such a call-back opens again is counted on, but not judged twice.
        """
        items, visits = trace.items, appended(self._visits, _seen(trace.visits))
        ended = np.flatnonzero(self._contact[items.kind])
        place = np.full(items.item.size + 1, NONE, dtype=np.int64)  # the last for visits of items that have not ended
        place[ended] = np.arange(ended.size)
        row = Lookup(items.item).rows(visits.item)
        contact = place[row]
        self._visits = rows_taken(visits, np.flatnonzero(row < 0))
        contacts = rows_taken(items, ended)
        back = items.case[self._call_back[items.kind]]
        if back.size:
            self._called_back = np.concatenate([self._called_back, back])
        firsts = first_visits(contact, visits, ended.size, NONE)
        rows = self._contact_rows(contacts, firsts)
        self._count_contacts(rows, firsts)
        self._keep(contacts, contact, visits)
        return rows, self._close(day, pending)

    def finish(self, open_rows: Trace, until_ms: int) -> None:
        """Count what is still open at the end of the run, as the figures do: a wait counts as far as it went.

        Parameters
        ----------
        open_rows : what is still there (ended −1), after the last evening.
        until_ms : end of the run.
        """
        items, visits = open_rows.items, appended(self._visits, _seen(open_rows.visits))
        contacts = rows_taken(items, np.flatnonzero(self._contact[items.kind]))
        contact = Lookup(contacts.item).rows(visits.item)
        firsts = first_visits(contact, visits, contacts.item.size, until_ms)
        self._count_contacts(self._contact_rows(contacts, firsts), firsts)
        self._keep(contacts, contact, visits)
        self._count_cases(cases_of(self._rows, self.settings), until_ms)
        self._rows = table(Items, [])

    # ── contacts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _contact_rows(self, items: Items, firsts: Firsts) -> ContactRows:
        return ContactRows(
            item=items.item,
            case=items.case,
            kind=items.kind,
            community=self._community(items.topic),
            channel=self._channel[items.kind],
            cause=_cause(items.topic),
            arrived=items.arrived,
            ended=items.ended,
            outcome=items.outcome,
            answered_at=firsts.answered_at,
            wait=firsts.wait,
            left=firsts.left,
            server=firsts.server,
        )

    def _count_contacts(self, rows: ContactRows, firsts: Firsts) -> None:
        if not rows.item.size:
            return
        contained = ANSWERS[rows.outcome] & ~firsts.asked
        answered = rows.answered_at >= 0
        responded = np.where(contained, rows.ended, rows.answered_at)
        in_time = (firsts.granted >= 0) & (rows.wait <= self.settings.service_level_within_ms)
        at = self._cells(rows.arrived // DAY, rows.community, rows.channel, rows.cause)
        self._add("contacts", at)
        self._add("contacts_offered", at, firsts.asked)
        self._add("contacts_answered", at, answered)
        self._add("contacts_abandoned", at, rows.left)
        self._add("contacts_known", at, firsts.asked | (rows.ended >= 0))
        self._add("contacts_contained", at, contained)
        self._add("first_response_ms", at, answered, rows.answered_at - rows.arrived)
        self._add("first_response_with_bot_ms", at, responded >= 0, responded - rows.arrived)
        self._add("wait_ms", at, firsts.asked, rows.wait)
        self._add("answered_in_time", at, in_time)

    # ── cases ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _keep(self, contacts: Items, contact: Int64, visits: Seen) -> None:
        """Keep the contacts of cases, and the visits at which they were granted a server."""
        of_case = self._of_case[contacts.kind]
        if not of_case.any():
            return
        self._rows = appended(self._rows, rows_taken(contacts, np.flatnonzero(of_case)))
        granted = np.flatnonzero((contact >= 0) & (visits.granted >= 0))
        granted = granted[of_case[contact[granted]]]
        new = Grants(
            case=contacts.case[contact[granted]],
            item=visits.item[granted],
            requested=visits.requested[granted],
            granted=visits.granted[granted],
            server=visits.server[granted],
        )
        self._grants = appended(self._grants, new)

    def _close(self, day: int, pending: Items) -> CaseRows:
        """Judge the cases of which nothing is open; forget those of which nothing at all is to come."""
        case, to_come, judged = self._rows.case, Lookup(pending.case), Lookup(self._judged)
        is_open = Lookup(pending.case[self._keeps_open[pending.kind]]).has(case)
        stays = to_come.has(case)
        settled = np.flatnonzero(~is_open & ~(stays & judged.has(case)))
        cases = cases_of(rows_taken(self._rows, settled), self.settings)
        new = rows_taken(cases, np.flatnonzero(~judged.has(cases.case)))
        gone = rows_taken(cases, np.flatnonzero(~to_come.has(cases.case)))
        called = np.concatenate([self._called_back, pending.case[self._call_back[pending.kind]]])
        rows = self._case_rows(new, Lookup(called).has(new.case))
        self._count_judged(day, rows)
        self._count_cases(gone, self.records.days * DAY)
        self._rows = rows_taken(self._rows, np.flatnonzero(stays))
        self._grants = rows_taken(self._grants, np.flatnonzero(to_come.has(self._grants.case)))
        known = np.concatenate([self._judged, new.case])
        self._judged = known[to_come.has(known)]
        self._called_back = self._called_back[to_come.has(self._called_back)]
        return rows

    def _case_rows(self, cases: Cases, called_back: Bool) -> CaseRows:
        answered_at, hops, last_server = courses(self._grants, cases.case)
        solved = RESOLVED[cases.last_outcome]
        return CaseRows(
            case=cases.case,
            draw_key=cases.draw_key,
            kind=cases.kind,
            community=self._community(cases.topic),
            channel=self._channel[cases.kind],
            cause=_cause(cases.topic),
            arrived=cases.arrived,
            closed=cases.last_ended,
            first_response=np.where(answered_at >= 0, answered_at - cases.arrived, NONE),
            asks=cases.contacts,
            hops=hops,
            solved=solved,
            resolved_first=solved & (cases.contacts == 1),
            given_up=cases.last_outcome == Outcome.ABANDONED,
            called_back=called_back,
            reopened=cases.reopened,
            incident=number_of(cases.topic) >= ORDINARY,
            last_server=last_server,
        )

    def _count_judged(self, day: int, rows: CaseRows) -> None:
        if rows.case.size:
            at = self._cells(day, rows.community, rows.channel, rows.cause)
            self._add("cases_judged", at)
            self._add("hops", at, None, rows.hops)
            self._add("case_time_ms", at, None, rows.closed - rows.arrived)

    def _count_cases(self, cases: Cases, until_ms: int) -> None:
        if cases.case.size:
            within = self.settings.closed_within_ms
            old = until_ms - cases.arrived >= within
            in_time = old & cases.closed & (cases.last_ended - cases.arrived <= within)
            community, channel = self._community(cases.topic), self._channel[cases.kind]
            at = self._cells(cases.arrived // DAY, community, channel, _cause(cases.topic))
            self._add("cases", at)
            self._add("cases_first_closed", at, cases.first_closed)
            self._add("cases_resolved_first", at, cases.resolved_first & cases.first_closed)
            self._add("asks", at, None, cases.contacts)
            self._add("cases_day_old", at, old)
            self._add("cases_closed_in_time", at, in_time)

    # ── codes and sums ───────────────────────────────────────────────────────────────────────────────────────────

    def _community(self, topic: Int32) -> Int32:
        """Communities of topics; the first where a topic names none of the places."""
        community = community_of(np.maximum(topic, 0))
        community[community >= self.geography.size] = 0
        return community

    def _cells(self, day: int | Int64, community: Int32, channel: Int8, cause: Int8) -> Cells:
        """Where rows (at least one) belong."""
        records = self.records
        at = day * len(records.cities) + self.geography.city[community].astype(np.int64)
        at = (at * len(records.channels) + channel) * len(records.causes) + cause
        first = int(at.min())
        return Cells(first, int(at.max()) - first + 1, at - first)

    def _add(self, name: str, at: Cells, where: Bool | None = None, amount: Int64 | None = None) -> None:
        """Add the number of rows (of those chosen), or their amounts, to a column in these cells."""
        if amount is not None and where is not None:
            amount = np.where(where, amount, 0)
        sums = np.bincount(at.cell, weights=where if amount is None else amount, minlength=at.span)
        self.records.values[name].reshape(-1)[at.first : at.first + at.span] += sums


def _seen(visits: Visits) -> Seen:
    return Seen(visits.item, visits.server, visits.requested, visits.granted, visits.ended, visits.end)


def _cause(topic: Int32) -> Int8:
    """Causes of topics, 0 where there is none."""
    return cause_of(np.maximum(topic, 0)).astype(np.int8)
