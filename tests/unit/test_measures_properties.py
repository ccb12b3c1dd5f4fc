"""Figures of random small networks, run by the reference engine, against the definitions written out row by row."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.measures import MEASURES, conservation, figures, figures_by
from sim.service.record import FigureSettings, Names, Record
from sim.service.reference import ReferenceEngine
from sim.service.tables import (
    NONE,
    Arrivals,
    Choices,
    Clocks,
    Durations,
    Lanes,
    Op,
    Outcome,
    Program,
    Routes,
    Seizes,
    Servers,
    Stations,
    Tables,
    VisitEnd,
    Windows,
    table,
)

U = 600_000  # all times are multiples of ten minutes, so that ties abound and hours differ
CONTACT, CASE, CALL_BACK = range(3)
NEVER = math.inf

PROGRAM = [
    # a contact: bot, desk (patience, then once more), a consultation or a hand-over, a call-back
    (Op.WAIT, 0, 0, 0),
    (Op.BRANCH_SHARE, 0, 1, 0),  # 1/4 contained → 14
    (Op.SEIZE, 0, 0, 0),  # impatient → 12
    (Op.WORK, 1, 0, 0),
    (Op.BRANCH_SHARE, 1, 1, 0),  # 1/3 hand-over → 9
    (Op.SEIZE, 1, 0, 0),  # consultation
    (Op.WORK, 2, 0, 0),
    (Op.SPAWN, 17, CALL_BACK, 0),
    (Op.END, Outcome.SOLVED, 0, 0),
    (Op.RELEASE, 0, 0, 0),  # 9
    (Op.SEIZE, 1, 0, 0),
    (Op.GOTO, 0, 0, 15),
    (Op.SEIZE, 2, 0, 0),  # 12: again; impatient → 16
    (Op.GOTO, 0, 0, 3),
    (Op.END, Outcome.CONTAINED, 0, 0),
    (Op.WORK, 1, 0, 0),  # 15
    (Op.END, Outcome.ABANDONED, 0, 0),  # 16, or after the work at the expert
    (Op.SEIZE, 3, 0, 0),  # 17: call-back
    (Op.WORK, 2, 0, 0),
    (Op.END, Outcome.DONE, 0, 0),
]


def network(lengths: list[int], patience: int, batch: int, slots: list[int]) -> Tables:
    """Two stations (the desk may batch), two pools; the desk overflows to the experts."""
    visit_slots = [
        i if op in (Op.WAIT, Op.SEIZE, Op.WORK, Op.BRANCH_SHARE, Op.SPAWN) else NONE
        for i, (op, *_) in enumerate(PROGRAM)
    ]
    constants = [*lengths, patience]
    return Tables(
        program=table(
            Program,
            [(op, a, b, c, 0, i, s) for i, ((op, a, b, c), s) in enumerate(zip(PROGRAM, visit_slots, strict=True))],
        ),
        choices=table(Choices, [(0.25, 14), (0.34, 9)]),
        seizes=table(
            Seizes,
            [
                (station, 3 if else_pc != NONE else NONE, 100 + i, else_pc, 0, 0, NONE, NONE, 0, NONE)
                for i, (station, else_pc) in enumerate([(0, 12), (1, NONE), (0, 16), (0, NONE)])
            ],
        ),
        stations=table(Stations, [(0, 0, 2, batch), (0, 2, 3, 1)]),
        routes=table(Routes, [(0, 0), (1, 2 * U), (1, 0)]),
        lanes=Lanes(np.zeros((2, 1), dtype=np.int32), np.zeros((2, 1), dtype=np.int64)),
        clocks=table(Clocks, []),
        servers=table(Servers, [(pool, 0, 1000, slots[i]) for i, pool in enumerate((0, 0, 1))]),
        slow_pm=np.full((2, max(slots) + 1), 1000, dtype=np.int64),
        durations=Durations(
            span=np.array([[i, 1] for i in range(len(constants))], dtype=np.int32),
            component=np.array([[1.0, 0, value * U, 0, 0, 1] for value in constants]),
            knot=np.zeros((0, 2)),
        ),
        gate_scope=np.zeros(0, dtype=np.int32),
        moments=0,
        visit_slots=len(PROGRAM),
    )


@st.composite
def records(draw: st.DrawFn) -> Record:
    """A run of up to two days of a random network with random arrivals, presence and warm-up."""
    lengths = draw(st.lists(st.integers(0, 4), min_size=3, max_size=3))
    slots = draw(st.lists(st.integers(1, 3), min_size=3, max_size=3))
    tables = network(lengths, draw(st.integers(0, 4)), draw(st.sampled_from([1, 2, 5])), slots)
    until = draw(st.integers(20, 290))
    # Most come within few ticks, so that queues and batches form, also across the end; now and then nobody comes.
    spans = [(0, 5), (100, 110), (until - 8, until), (0, until + 5)]
    came = st.tuples(st.integers(*draw(st.sampled_from(spans))), st.integers(0, 1))
    people = sorted(draw(st.lists(came, min_size=draw(st.sampled_from([0, 8, 20])), max_size=30)))
    outside = [
        (
            t * U,
            0,
            kind,
            0,
            1000 + i,
            NONE,
            i % 2,
            draw(st.integers(0, i - 1)) if i and draw(st.booleans()) else NONE,
            NONE,
        )
        for i, (t, kind) in enumerate(people)
    ]
    windows = []
    for server in range(3):
        bounds = sorted(draw(st.sets(st.integers(0, until + 20), max_size=6))) or [0, until + 1]
        windows += [(a * U, b * U, server) for a, b in zip(bounds[::2], bounds[1::2], strict=False)]
    engine = ReferenceEngine(tables, draw(st.integers(0, 9)), 0)
    arrivals, present = table(Arrivals, outside), table(Windows, windows)
    engine.add_windows(present)
    engine.add_arrivals(arrivals)
    engine.run(until * U)
    return Record(
        names=Names(
            ("contact", "case", "call_back"),
            ("contact", "contact", "call_back"),
            (False, draw(st.booleans()), False),
            ("desk", "expert"),
            ("agents", "experts"),
            ("normal",),
            (),
            (),
            ("step",),
            ("agents/a", "agents/b", "experts/a"),
        ),
        settings=FigureSettings(
            draw(st.integers(0, 3)) * U,
            draw(st.integers(0, 2)) * U,
            draw(st.integers(1, 20)) * U,
            draw(st.integers(1, 30)) * U,
            draw(st.integers(0, 6)),
            (((9 * 6 * U, 18 * 6 * U),),) * 7,
        ),
        servers=tables.servers,
        trace=engine.take_trace(),
        open_rows=engine.open_rows(),
        arrivals=arrivals,
        windows=present,
        server_time=engine.server_time(),
        item_time_ms=engine.item_time(),
        from_ms=draw(st.sampled_from([0, 0, until // 3 * U])),
        until_ms=until * U,
        seed=0,
        replication=0,
        engine=engine.name,
    )


# ── the definitions, row by row ──────────────────────────────────────────────────────────────────────────────────


@dataclass
class Stay:
    """One contact and its visits."""

    item: dict[str, Any]
    visits: list[dict[str, Any]]


def rows(record: Record, what: str) -> list[dict[str, Any]]:
    """Ended and open rows as dicts, None for what is missing."""
    out = []
    for trace in (record.trace, record.open_rows):
        columns = {name: column.tolist() for name, column in vars(getattr(trace, what)).items()}
        out += [
            {n: None if n in ("granted", "ended", "server") and c[i] == NONE else c[i] for n, c in columns.items()}
            for i in range(len(columns["item"]))
        ]
    return out


def over(visit: dict[str, Any], until: int) -> int:
    """When the wait was over."""
    if visit["granted"] is not None:
        return int(visit["granted"])
    return until if visit["ended"] is None else int(visit["ended"])


def end_of(row: dict[str, Any], record: Record) -> int:
    """When a visit or item ended, or the end of the run."""
    return record.until_ms if row["ended"] is None else int(row["ended"])


def stays(record: Record) -> list[Stay]:
    """Contacts that arrived after the warm-up, with their visits in order of request."""
    visits = defaultdict(list)
    for number, visit in enumerate(rows(record, "visits")):
        visits[visit["item"]].append({**visit, "row": number})
    until = record.until_ms
    return [
        Stay(item, sorted(visits[item["item"]], key=lambda v: (v["requested"], over(v, until), v["row"])))
        for item in rows(record, "items")
        if item["kind"] != CALL_BACK and item["arrived"] >= record.from_ms
    ]


def handovers(stay: Stay) -> int:
    """Hand-overs, visit by visit."""
    granted = [v for v in stay.visits if v["granted"] is not None]
    granted.sort(key=lambda v: (v["granted"], v["requested"], v["row"]))
    count, seen, held_until = 0, set(), -1.0
    for i, visit in enumerate(granted):
        if i and visit["server"] not in seen and visit["requested"] >= held_until:
            count += 1
        seen.add(visit["server"])
        held_until = max(held_until, NEVER if visit["ended"] is None else visit["ended"])
    return count


def mean(values: list[float]) -> float:
    """Mean, NaN of nothing."""
    return sum(values) / len(values) if values else math.nan


def by_rows(record: Record) -> dict[str, float]:
    """Figures by the letter of their definitions."""
    until, limits = record.until_ms, record.settings
    contacts = stays(record)
    offered = [s for s in contacts if s.visits]
    first = [s.visits[0] for s in offered]
    waits = [over(v, until) - v["requested"] for v in first]
    left = [v["end"] == VisitEnd.ABANDONED for v in first]
    quick = [
        v["granted"] is not None and w <= limits.service_level_within_ms for v, w in zip(first, waits, strict=True)
    ]
    stayed = [not (gone and w <= limits.short_abandon_ms) for gone, w in zip(left, waits, strict=True)]
    responses = [
        min(v["granted"] for v in s.visits if v["granted"] is not None) - s.item["arrived"]
        for s in offered
        if any(v["granted"] is not None for v in s.visits)
    ]
    retrials = 0
    for stay in offered:
        gone: set[int] = set()
        for visit in sorted(stay.visits, key=lambda v: (v["requested"], v["row"])):
            retrials += visit["station"] in gone
            if visit["end"] == VisitEnd.ABANDONED:
                gone.add(visit["station"])
    served = [s for s in offered if any(v["granted"] is not None for v in s.visits)]
    return {
        "contacts": len(contacts),
        "offered": len(offered),
        "answered": sum(v["granted"] is not None for v in first),
        "abandoned_share": mean([float(x) for x in left]),
        "wait_mean_s": mean(waits) / 1000,
        "wait_p90_s": float(np.quantile(waits, 0.9)) / 1000 if waits else math.nan,
        "wait_positive_share": mean([w > 0 for w in waits]),
        "service_level_share": mean([float(x) for x in quick]),
        "service_level_excluding_short_abandons_share": mean([q for q, s in zip(quick, stayed, strict=True) if s]),
        "first_response_mean_min": mean(responses) / 60_000,
        "first_response_median_min": float(np.median(responses)) / 60_000 if responses else math.nan,
        "transfers_per_contact": mean([handovers(s) for s in served]),
        "retrials": retrials,
        "handle_time_mean_s": mean(
            [
                sum(v["ended"] - v["granted"] for v in s.visits if v["end"] == VisitEnd.SERVED)
                for s in served
                if s.item["ended"] is not None
            ]
        )
        / 1000,
        **cases_by_rows(record),
        **time_by_ticks(record),
    }


def cases_by_rows(record: Record) -> dict[str, float]:
    """Figures of cases by the letter of their definitions."""
    counts = (CASE,) if record.names.is_case[CASE] else (CONTACT, CASE)
    groups = defaultdict(list)
    for item in sorted(rows(record, "items"), key=lambda i: (i["arrived"], i["item"])):
        if item["kind"] in counts:
            groups[item["case"]].append(item)
    cases = [c for c in groups.values() if c[0]["arrived"] >= record.from_ms]
    window, within = record.settings.first_contact_window_ms, record.settings.closed_within_ms
    good = (Outcome.SOLVED, Outcome.CONTAINED)
    known = [c for c in cases if c[0]["ended"] is not None]
    resolved = [c[0]["outcome"] in good and all(i["arrived"] > c[0]["arrived"] + window for i in c[1:]) for c in known]
    closed = [
        all(i["ended"] is not None for i in c)
        and any(i["outcome"] != Outcome.ABANDONED for i in c)
        and max(i["ended"] for i in c) - c[0]["arrived"] <= within
        for c in cases
        if record.until_ms - c[0]["arrived"] >= within
    ]
    again = [
        any(a["ended"] is not None and a["outcome"] in good and a["ended"] < b["arrived"] for a in c for b in c)
        for c in known
    ]
    return {
        "cases": len(cases),
        "asks_per_case": mean([len(c) for c in cases]),
        "resolved_first_contact_share": mean([float(x) for x in resolved]),
        "closed_within_24h_share": mean([float(x) for x in closed]),
        "reopened_share": mean([float(x) for x in again]),
    }


def time_by_ticks(record: Record) -> dict[str, float]:
    """Time averages, tick by tick of ten minutes: everything happens on ticks."""
    begin, until = record.from_ms // U, record.until_ms // U
    visits, items = rows(record, "visits"), rows(record, "items")
    present = [
        (w[0] // U, w[1] // U, w[2])
        for w in zip(
            record.windows.enter.tolist(), record.windows.leave.tolist(), record.windows.server.tolist(), strict=True
        )
    ]
    busy = scheduled = overtime = waiting = inside = 0
    for tick in range(begin, until):
        t = tick * U
        for server in range(3):
            holds = any(v["server"] == server and v["granted"] <= t < end_of(v, record) for v in visits)
            there = any(s == server and a <= tick < b for a, b, s in present)
            busy, scheduled, overtime = busy + holds, scheduled + there, overtime + (holds and not there)
        waiting += sum(v["requested"] <= t < over(v, record.until_ms) for v in visits)
        inside += sum(i["kind"] != CALL_BACK and i["arrived"] <= t < end_of(i, record) for i in items)
    ticks = until - begin
    return {
        "occupancy_share": busy / (scheduled + overtime) if scheduled + overtime else math.nan,
        "overtime_h": overtime / 6,
        "queue_mean": waiting / ticks,
        "number_in_system_mean": inside / ticks,
    }


@settings(max_examples=400)
@given(records())
def test_figures_are_what_their_definitions_say_row_by_row(record: Record) -> None:
    found = figures(record)
    for name, expected in by_rows(record).items():
        assert found[name] == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True), name


@settings(max_examples=400)
@given(records())
def test_whatever_the_reference_engine_runs_adds_up(record: Record) -> None:
    assert conservation(record) == []


ADD_UP = (
    "contacts",
    "offered",
    "answered",
    "abandoned",
    "closed",
    "solved",
    "cases",
    "items",
    "call_backs",
    "retrials",
    "presence_h",
    "busy_h",
    "overtime_h",
)


@settings(max_examples=40)
@given(records(), st.sampled_from(["hour", "half_hour", "day", "week", "weekday", "kind", "station", "pool", "group"]))
def test_counts_and_hours_of_the_groups_add_up_to_the_whole(record: Record, by: str) -> None:
    whole, parts = figures(record), figures_by(record, by)
    for name in ADD_UP:
        if by in MEASURES[name].by and not (name in ("closed", "solved") and by in ("pool", "group", "station")):
            assert sum(part[name] for part in parts.values()) == pytest.approx(whole[name]), name


@settings(max_examples=40)
@given(records(), st.sampled_from(["hour", "day", "kind", "station", "level"]))
def test_a_group_has_the_figures_of_its_contacts_alone(record: Record, by: str) -> None:
    contacts = [s for s in stays(record) if s.visits]

    def key(stay: Stay) -> object:
        arrived = stay.item["arrived"]
        return {
            "hour": arrived // (6 * U) % 24,
            "day": arrived // (144 * U),
            "kind": record.names.kinds[stay.item["kind"]],
            "station": record.names.stations[stay.visits[0]["station"]],
            "level": "normal",
        }[by]

    for label, found in figures_by(record, by).items():
        waits = [over(s.visits[0], record.until_ms) - s.visits[0]["requested"] for s in contacts if key(s) == label]
        assert found["offered"] == len(waits)
        assert found["wait_mean_s"] == pytest.approx(mean(waits) / 1000, nan_ok=True)
        expected = float(np.quantile(waits, 0.9)) / 1000 if waits else math.nan
        assert found["wait_p90_s"] == pytest.approx(expected, nan_ok=True)


@settings(max_examples=40)
@given(records())
def test_time_averages_of_the_hours_weighted_by_their_length_are_those_of_the_run(record: Record) -> None:
    whole, hours = figures(record), figures_by(record, "hour")
    length = defaultdict(int)
    for tick in range(record.from_ms // U, record.until_ms // U):
        length[tick // 6 % 24] += 1
    assert set(hours) == set(length)
    for name in ("queue_mean", "number_in_system_mean"):
        total = sum(hours[hour][name] * length[hour] for hour in hours) / sum(length.values())
        assert total == pytest.approx(whole[name], abs=1e-12)


@settings(max_examples=40)
@given(records())
def test_offered_contacts_were_answered_left_or_wait_still_and_shares_are_shares(record: Record) -> None:
    found = figures(record)
    assert found["offered"] == found["answered"] + found["abandoned"] + found["waiting_at_end"]
    assert found["service_level_share"] <= found["answered_share"] or math.isnan(found["service_level_share"])
    for name, value in found.items():
        if MEASURES[name].unit == "share":
            assert math.isnan(value) or 0 <= value <= 1, name
