"""A record as figures see it: tables and spans, each made when first asked for and kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from sim.measures.breakdown import (
    WHOLE,
    Breakdown,
    Codes,
    Grouped,
    Mask,
    Sample,
    breakdown,
    item_codes,
    server_codes,
)
from sim.measures.cases import Cases, cases_of
from sim.measures.contacts import (
    ANSWERS,
    CLOSED,
    RESOLVED,
    Contacts,
    ItemRows,
    VisitRows,
    contacts_of,
    counts_as,
    first_rows,
    item_rows,
    outcome_in,
    retrials_of,
    row_of_number,
    served_time_of,
    transfers_of,
    visit_rows,
)
from sim.measures.day_sums import DaySums
from sim.measures.opening import open_time
from sim.measures.servers import Holding, ServerSpans, clipped, held_rows, presence_spans, sweep
from sim.measures.spans import Spans
from sim.service.record import Record
from sim.service.tables import ClockRows, Float64, Int32, Int64, concatenate

SERVER_BREAKDOWNS = ("pool", "group", "server")


class View:
    """Tables of one record, lazily made. Nothing in it changes once made."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._grouped: dict[tuple[str, str], Grouped] = {}
        self._samples: dict[tuple[str, str], Sample] = {}

    @cached_property
    def items(self) -> ItemRows:
        """All items."""
        return item_rows(self.record)

    @cached_property
    def visits(self) -> VisitRows:
        """All visits."""
        return visit_rows(self.record)

    @cached_property
    def _contacts(self) -> tuple[Contacts, Int32]:
        return contacts_of(self.record, self.items, self.visits)

    @cached_property
    def contacts(self) -> Contacts:
        """Contacts that arrived after the warm-up."""
        return self._contacts[0]

    @property
    def contact_of_visit(self) -> Int32:
        """Row of each visit's contact, −1 for none."""
        return self._contacts[1]

    @cached_property
    def cases(self) -> Cases:
        """Cases that began after the warm-up."""
        return cases_of(self.record, self.items)

    @cached_property
    def days(self) -> DaySums:
        """Sums by day."""
        return DaySums(self.record)

    @cached_property
    def clocks(self) -> ClockRows:
        """All started clocks, ended ones first."""
        return concatenate([self.record.trace.clocks, self.record.open_rows.clocks])

    @cached_property
    def clock_item(self) -> Int32:
        """Row in ``items`` of each clock's item."""
        return row_of_number(self.items.item, self.clocks.item)

    def breakdown(self, by: str | None) -> Breakdown:
        """The breakdown of that name, or the whole."""
        return WHOLE if by is None else breakdown(self.record, by)

    # ── rows by group ────────────────────────────────────────────────────────────────────────────────────────────

    def _rows_by(self, what: str, by: Breakdown, codes: Callable[[], Codes]) -> Grouped:
        if any(name not in (by.name, WHOLE.name) for _, name in self._grouped):
            # One breakdown at a time besides the whole: each costs memory by the row.
            self._grouped = {key: one for key, one in self._grouped.items() if key[1] == WHOLE.name}
            self._samples = {key: one for key, one in self._samples.items() if key[1] == WHOLE.name}
        if (what, by.name) not in self._grouped:
            self._grouped[what, by.name] = Grouped(by.name, None if by is WHOLE else codes(), len(by.labels))
        return self._grouped[what, by.name]

    def contacts_by(self, by: Breakdown) -> Grouped:
        """Contacts by group."""
        contacts = self.contacts

        def codes() -> Codes:
            if by.by_time:
                return by.group_of_time(contacts.arrived)
            if by.name in SERVER_BREAKDOWNS:
                return server_codes(self.record, by.name)[contacts.server]
            columns: dict[str, Codes] = {"station": contacts.station, "level": contacts.level}
            if by.name in columns:
                return columns[by.name]
            return item_codes(self.record, by.name, contacts.kind, contacts.topic)

        return self._rows_by("contacts", by, codes)

    def cases_by(self, by: Breakdown) -> Grouped:
        """Cases by group: of their first contact."""
        cases = self.cases

        def codes() -> Codes:
            if by.by_time:
                return by.group_of_time(cases.arrived)
            return item_codes(self.record, by.name, cases.kind, cases.topic)

        return self._rows_by("cases", by, codes)

    def items_by(self, by: Breakdown) -> Grouped:
        """Items by group; those from before the warm-up's end have none by time."""
        items = self.items

        def codes() -> Codes:
            if by.by_time:
                return np.where(self.items_counted, by.group_of_time(items.arrived), -1)
            return item_codes(self.record, by.name, items.kind, items.topic)

        return self._rows_by("items", by, codes)

    def visits_by(self, by: Breakdown) -> Grouped:
        """Visits by group; those requested before the warm-up's end have none by time."""
        visits, record = self.visits, self.record

        def codes() -> Codes:
            if by.by_time:
                counted = visits.requested >= record.from_ms
                return np.where(counted, by.group_of_time(visits.requested), -1)
            if by.name in SERVER_BREAKDOWNS:
                return server_codes(record, by.name)[visits.server]
            columns: dict[str, Codes] = {"station": visits.station, "level": visits.level}
            return columns[by.name]

        return self._rows_by("visits", by, codes)

    def clocks_by(self, by: Breakdown) -> Grouped:
        """Clocks by group; those started before the warm-up's end have none by time."""
        clocks = self.clocks

        def codes() -> Codes:
            if by.by_time:
                counted = clocks.started >= self.record.from_ms
                return np.where(counted, by.group_of_time(clocks.started), -1)
            if by.name == "clock":
                return clocks.clock
            return item_codes(self.record, by.name, self.items.kind, self.items.topic)[self.clock_item]

        return self._rows_by("clocks", by, codes)

    # ── samples of times ─────────────────────────────────────────────────────────────────────────────────────────

    def _sample(self, what: str, grouped: Grouped, values: Callable[[], tuple[Int64, Mask]]) -> Sample:
        """Sorted values by group, kept for the next quantile; ``values`` gives values and which rows count."""
        if (what, grouped.by) not in self._samples:
            self._samples[what, grouped.by] = grouped.sample(*values())
        return self._samples[what, grouped.by]

    def waits(self, by: Breakdown) -> Sample:
        """Waits of offered contacts, in ms."""
        return self._sample("waits", self.contacts_by(by), lambda: (self.contacts.wait, self.contacts.asked))

    def first_responses(self, by: Breakdown) -> Sample:
        """Arrival to the first grant, of contacts that got one, in ms."""

        def values() -> tuple[Int64, Mask]:
            contacts = self.contacts
            return contacts.answered_at - contacts.arrived, contacts.answered_at >= 0

        return self._sample("first responses", self.contacts_by(by), values)

    def first_responses_open(self, by: Breakdown) -> Sample:
        """The same on the clock of the opening hours; none if nothing ever opens."""

        def values() -> tuple[Int64, Mask]:
            contacts, settings = self.contacts, self.record.settings
            given = (contacts.answered_at >= 0) & any(settings.opening_spans)
            return open_time(contacts.answered_at, settings) - open_time(contacts.arrived, settings), given

        return self._sample("first responses, open", self.contacts_by(by), values)

    def first_responses_with_bot(self, by: Breakdown) -> Sample:
        """First responses, and times in the system of contacts that the bot contained, in ms."""

        def values() -> tuple[Int64, Mask]:
            contacts, contained = self.contacts, self.contained
            responded = np.where(contained, contacts.ended, contacts.answered_at)
            return responded - contacts.arrived, responded >= 0

        return self._sample("first responses with bot", self.contacts_by(by), values)

    def times_in_system(self, by: Breakdown) -> Sample:
        """Arrival to end of ended contacts, in ms."""

        def values() -> tuple[Int64, Mask]:
            contacts = self.contacts
            return contacts.ended - contacts.arrived, contacts.ended >= 0

        return self._sample("times in system", self.contacts_by(by), values)

    def round_lengths(self, by: Breakdown) -> Sample:
        """First grant to end of ended rounds, in ms."""

        def values() -> tuple[Int64, Mask]:
            items, visits = self.items, self.visits
            rounds = counts_as(self.record, "round", items.kind) & self.items_counted & (items.ended >= 0)
            if not rounds.any():
                return items.ended, rounds
            row = row_of_number(items.item, visits.item)
            given = np.flatnonzero((row >= 0) & (visits.granted >= 0))
            given = given[rounds[row[given]]]
            first = first_rows(row[given], visits.granted[given], items.item.size)
            rounds &= first >= 0
            length = np.zeros(items.item.size, dtype=np.int64)
            length[rounds] = items.ended[rounds] - visits.granted[given[first[rounds]]]
            return length, rounds

        return self._sample("round lengths", self.items_by(by), values)

    def backlog_ages(self, by: Breakdown) -> Sample:
        """Arrival to the end of the run of contacts that are open then, in ms."""
        return self._sample(
            "backlog ages",
            self.items_by(by),
            lambda: (self.record.until_ms - self.items.arrived, self.contact_items & (self.items.ended < 0)),
        )

    # ── masks and counts of rows ─────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def items_counted(self) -> Mask:
        """Items that arrived after the warm-up."""
        return (self.items.arrived >= self.record.from_ms) & (self.items.arrived < self.record.until_ms)

    @cached_property
    def contact_items(self) -> Mask:
        """Items that are contacts, whenever they arrived."""
        return counts_as(self.record, "contact", self.items.kind)

    @property
    def closed(self) -> Mask:
        """Contacts that were brought to an end."""
        return outcome_in(self.contacts.outcome, CLOSED)

    @property
    def resolved(self) -> Mask:
        """Contacts that ended solved or contained."""
        return outcome_in(self.contacts.outcome, RESOLVED)

    @property
    def contained(self) -> Mask:
        """Contacts that were answered without asking for a server; one that was only passed on (done) is none."""
        return outcome_in(self.contacts.outcome, ANSWERS) & ~self.contacts.asked

    @cached_property
    def transfers(self) -> Int64:
        """Hand-overs of each contact."""
        return transfers_of(self.contact_of_visit, self.visits, self.contacts.item.size)

    @cached_property
    def retrials(self) -> Int64:
        """Requests of each contact at a station that it had left before."""
        return retrials_of(self.contact_of_visit, self.visits, self.contacts.item.size)

    @cached_property
    def served_ms(self) -> Int64:
        """Slot time spent on each contact."""
        return served_time_of(self.contact_of_visit, self.visits, self.contacts.item.size)

    # ── spans ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _spans(self, start: Int64, end: Int64, codes: dict[str, Callable[[], Codes]]) -> Spans:
        return Spans(start, end, self.record.from_ms, self.record.until_ms, None, codes)

    @cached_property
    def run_span(self) -> Spans:
        """The run itself, after the warm-up."""
        start, end = self.record.from_ms, max(self.record.from_ms, self.record.until_ms)
        return self._spans(np.array([start]), np.array([end]), {})

    @cached_property
    def waiting(self) -> Spans:
        """Waits of all requests."""
        visits, record = self.visits, self.record
        over = np.where(visits.granted >= 0, visits.granted, visits.ended)
        start = np.maximum(visits.requested, record.from_ms)
        end = np.where(over < 0, record.until_ms, over)
        some = start < end
        codes: dict[str, Callable[[], Codes]] = {
            "station": lambda: visits.station[some],
            "level": lambda: visits.level[some],
        }
        return self._spans(start[some], end[some], codes)

    @cached_property
    def in_system(self) -> Spans:
        """Stays of contacts, those from before the warm-up's end included."""
        items, record = self.items, self.record
        start = np.maximum(items.arrived, record.from_ms)
        end = np.where(items.ended < 0, record.until_ms, items.ended)
        some = self.contact_items & (start < end)

        def by(name: str) -> Callable[[], Codes]:
            return lambda: item_codes(record, name, items.kind[some], items.topic[some])

        return self._spans(start[some], end[some], {name: by(name) for name in ("kind", "city", "channel", "cause")})

    @cached_property
    def _held(self) -> Holding:
        return clipped(held_rows(self.record), self.record.from_ms, self.record.until_ms)

    @cached_property
    def _swept(self) -> ServerSpans:
        record = self.record
        start, end = record.from_ms, record.until_ms
        return sweep(self._held, presence_spans(record.windows, start, end), record.servers.pool.size)

    def _server_spans(self, holding: Holding, *, slots: bool) -> Spans:
        record = self.record

        def by(name: str) -> Callable[[], Codes]:
            return lambda: server_codes(record, name)[holding.server]

        weight = record.servers.slots[holding.server].astype(np.int64) if slots else None
        return Spans(
            holding.start, holding.end, record.from_ms, record.until_ms, weight, {n: by(n) for n in SERVER_BREAKDOWNS}
        )

    def busy_time(self, by: Breakdown) -> Float64:
        """Time in which servers held at least one item, in ms."""
        return self._server_spans(self._swept.busy, slots=False).time(by)

    def overtime(self, by: Breakdown, *, slots: bool = False) -> Float64:
        """Time in which servers held something beyond their presence, in ms (or slot-ms)."""
        return self._server_spans(self._swept.overtime, slots=slots).time(by)

    def presence(self, by: Breakdown, *, slots: bool = False) -> Float64:
        """Scheduled presence, in ms (or slot-ms)."""
        record = self.record
        holding = presence_spans(record.windows, record.from_ms, record.until_ms)
        return self._server_spans(holding, slots=slots).time(by)

    def slot_time(self, by: Breakdown) -> Float64:
        """Integral of the number of items held, in ms."""
        return self._server_spans(self._held, slots=False).time(by)
