"""The ledger counts day by day what the figures count over the whole record, and judges every case exactly once."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from sim.library import load_text
from sim.measures.view import View
from sim.run import join, make_engine, no_rows
from sim.sections.places import Places
from sim.service.arrivals import arrivals_of_day
from sim.service.build import DAY, build
from sim.service.day_records import DayRecords
from sim.service.presence import windows
from sim.service.record import FigureSettings, Names, Record
from sim.service.tables import ClockRows, Items, Marks, Outcome, Trace, VisitEnd, Visits, concatenate, table
from sim.service.topics import CAUSES, topic_of
from sim.world.columns import COLUMNS
from sim.world.flows import CHANNELS, CaseRows, ContactRows
from sim.world.geography import geography
from sim.world.ledger import Ledger

HELP_DESK = pathlib.Path(__file__).parent / "help_desk.yaml"
H, MINUTE = 3_600_000, 60_000
SERVICE = (
    *(
        "contacts",
        "contacts_offered",
        "contacts_answered",
        "contacts_abandoned",
        "contacts_known",
        "contacts_contained",
    ),
    *("first_response_ms", "first_response_with_bot_ms", "wait_ms", "answered_in_time"),
)
CASES = ("cases", "cases_first_closed", "cases_resolved_first", "asks", "cases_day_old", "cases_closed_in_time")

SETTINGS = FigureSettings(
    service_level_within_ms=10 * MINUTE,
    short_abandon_ms=0,
    closed_within_ms=24 * H,
    first_contact_window_ms=7 * DAY,
    first_weekday=0,
    opening_spans=((),) * 7,
)
KINDS = {
    "problem": "contact",
    "question": "contact",
    "supplier": "consultation",
    "call": "call_back",
    "parcel": "goods",
}
PROBLEM, QUESTION, SUPPLIER, CALL, PARCEL = range(5)
PHONE, CHAT = CHANNELS.index("phone"), CHANNELS.index("chat")


# ── against the figures of whole records ─────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Told:
    """A run as the ledger was told of it, day by day."""

    record: Record
    sums: DayRecords
    contacts: list[ContactRows]
    cases: list[CaseRows]


@cache
def told() -> Told:
    """Run the help desk in daily steps, with its kinds on different channels."""
    network = build(load_text(HELP_DESK.read_text(encoding="utf-8")).scenario)
    days = network.scenario.horizon.days
    place = geography(Places())
    sums = DayRecords(COLUMNS, days, place.cities, CHANNELS, CAUSES)
    channels = np.arange(len(network.names.kinds), dtype=np.int8) % 4
    ledger = Ledger(network.names, channels, network.settings, place, sums)
    machine = make_engine("compiled", network.tables, 3, 0)
    present = windows(network.scenario, days, 3, 0)
    machine.add_windows(present)
    traces, arrived, contacts, cases = [no_rows()], [], [], []
    for day in range(days):
        arrived.append(arrivals_of_day(network.sources, day, 3, 0))
        machine.add_arrivals(arrived[-1])
        machine.run((day + 1) * DAY)
        traces.append(machine.take_trace())
        contact_rows, case_rows = ledger.evening(day, traces[-1], machine.pending_items())
        contacts.append(contact_rows)
        cases.append(case_rows)
    open_rows = machine.open_rows()
    ledger.finish(open_rows, network.until_ms)
    record = Record(
        names=network.names,
        settings=network.settings,
        servers=network.tables.servers,
        trace=join(traces),
        open_rows=open_rows,
        arrivals=concatenate(arrived),
        windows=present,
        server_time=machine.server_time(),
        item_time_ms=machine.item_time(),
        from_ms=0,
        until_ms=network.until_ms,
        seed=3,
        replication=0,
        engine="compiled",
    )
    return Told(record, sums, contacts, cases)


def by_day(days: int, t: np.ndarray, where: np.ndarray, amount: np.ndarray | None = None) -> np.ndarray:
    weights = None if amount is None else amount[where].astype(np.float64)
    return np.bincount(t[where] // DAY, weights=weights, minlength=days)


def test_daily_sums_of_contacts_are_those_of_the_figures() -> None:
    run = told()
    view = View(run.record)
    c, contained = view.contacts, view.contained
    everybody, answered = np.ones(c.item.size, dtype=bool), c.answered_at >= 0
    responded = np.where(contained, c.ended, c.answered_at)
    expected = {
        "contacts": (everybody, None),
        "contacts_offered": (c.asked, None),
        "contacts_answered": (answered, None),
        "contacts_abandoned": (c.left, None),
        "contacts_known": (c.asked | (c.ended >= 0), None),
        "contacts_contained": (contained, None),
        "first_response_ms": (answered, c.answered_at - c.arrived),
        "first_response_with_bot_ms": (responded >= 0, responded - c.arrived),
        "wait_ms": (c.asked, c.wait),
        "answered_in_time": ((c.granted >= 0) & (c.wait <= run.record.settings.service_level_within_ms), None),
    }
    assert set(expected) == set(SERVICE)
    assert contained.any()
    assert c.left.any()
    assert (run.record.open_rows.items.item.size) > 0
    for name, (where, amount) in expected.items():
        got = run.sums.values[name].sum(axis=(1, 2, 3))
        assert got.tolist() == pytest.approx(by_day(run.sums.days, c.arrived, where, amount).tolist(), rel=1e-12), name


def test_daily_sums_of_cases_are_those_of_the_figures() -> None:
    run = told()
    c, settings = View(run.record).cases, run.record.settings
    old = run.record.until_ms - c.arrived >= settings.closed_within_ms
    expected = {
        "cases": (np.ones(c.case.size, dtype=bool), None),
        "cases_first_closed": (c.first_closed, None),
        "cases_resolved_first": (c.resolved_first & c.first_closed, None),
        "asks": (c.contacts > 0, c.contacts),
        "cases_day_old": (old, None),
        "cases_closed_in_time": (old & c.closed & (c.last_ended - c.arrived <= settings.closed_within_ms), None),
    }
    assert set(expected) == set(CASES)
    for name, (where, amount) in expected.items():
        got = run.sums.values[name].sum(axis=(1, 2, 3))
        assert got.tolist() == by_day(run.sums.days, c.arrived, where, amount).tolist(), name


def test_quotients_of_the_sums_are_the_figures_of_the_run() -> None:
    from sim.measures.figures import figures

    run = told()
    total = {name: float(run.sums.values[name].sum()) for name in (*SERVICE, *CASES)}
    f = figures(run.record)
    expected = {
        "offered": total["contacts_offered"],
        "abandoned_share": total["contacts_abandoned"] / total["contacts_offered"],
        "wait_mean_s": total["wait_ms"] / total["contacts_offered"] / 1000,
        "service_level_share": total["answered_in_time"] / total["contacts_offered"],
        "contained_share": total["contacts_contained"] / total["contacts_known"],
        "unanswered_share": 1 - total["contacts_answered"] / total["contacts_offered"],
        "first_response_mean_min": total["first_response_ms"] / total["contacts_answered"] / MINUTE,
        "first_response_with_bot_mean_min": total["first_response_with_bot_ms"]
        / (total["contacts_answered"] + total["contacts_contained"])
        / MINUTE,
        "asks_per_case": total["asks"] / total["cases"],
        "resolved_first_contact_share": total["cases_resolved_first"] / total["cases_first_closed"],
        "closed_within_24h_share": total["cases_closed_in_time"] / total["cases_day_old"],
    }
    for name, value in expected.items():
        assert value == pytest.approx(f[name], rel=1e-9), name


def test_every_case_is_judged_at_most_once_and_every_contact_told_once() -> None:
    run = told()
    judged = np.concatenate([rows.case for rows in run.cases])
    cases = View(run.record).cases
    assert np.unique(judged).size == judged.size > 100
    assert run.sums.values["cases_judged"].sum() == judged.size
    assert np.isin(judged, cases.case).all()
    told_of = np.concatenate([rows.item for rows in run.contacts])
    contact = np.array([kind == "contact" for kind in run.record.names.counts_as])
    ended = run.record.trace.items
    assert sorted(told_of) == sorted(ended.item[contact[ended.kind]])
    pending = run.record.open_rows.items
    still = pending.case[contact[pending.kind]]
    assert not np.isin(judged, still).any()


def test_columns_of_cases_are_those_of_the_figures() -> None:
    run = told()
    cases = View(run.record).cases
    rows = {name: np.concatenate([getattr(r, name) for r in run.cases]) for name in CaseRows.__dataclass_fields__}
    place = {case: i for i, case in enumerate(cases.case.tolist())}
    at = np.array([place[case] for case in rows["case"].tolist()])
    assert (rows["arrived"] == cases.arrived[at]).all()
    assert (rows["kind"] == cases.kind[at]).all()
    # Some call-backs have opened their case again after it was judged.
    later = cases.contacts[at] > rows["asks"]
    assert 0 < later.sum() < 0.1 * later.size
    assert (rows["asks"] <= cases.contacts[at]).all()
    assert (rows["closed"][~later] == cases.last_ended[at][~later]).all()
    assert (rows["reopened"][~later] == cases.reopened[at][~later]).all()
    assert (rows["called_back"] >= cases.called_back[at])[~later].all()


# ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Day:
    """A few days written down by hand: items and visits that end, items that are pending at night."""

    def __init__(self, days: int = 5, communities: int = 2) -> None:
        names = Names(
            kinds=tuple(KINDS),
            counts_as=tuple(KINDS.values()),
            is_case=(True, False, False, False, False),
            **dict.fromkeys(("stations", "pools", "levels", "clocks", "moments", "steps", "server_groups"), ()),
        )
        place = geography(Places(communities_per_city=communities))
        self.sums = DayRecords(COLUMNS, days, place.cities, CHANNELS, CAUSES)
        channels = np.array([PHONE, CHAT, 0, 0, 0], dtype=np.int8)
        self.ledger = Ledger(names, channels, SETTINGS, place, self.sums)
        self.day = -1

    def evening(
        self, items: Sequence[tuple], visits: Sequence[tuple] = (), pending: Sequence[tuple] = ()
    ) -> tuple[ContactRows, CaseRows]:
        """``items`` : (item, case, arrived, ended, kind, outcome[, topic]). ``visits`` : (item, server, requested,
        granted, ended). ``pending`` : (item, case, kind)."""
        self.day += 1
        trace = trace_of(items, visits)
        waiting = table(Items, [(i, case, i, -1, -1, kind, -1, -1) for i, case, kind in pending])
        return self.ledger.evening(self.day, trace, waiting)

    def total(self, name: str) -> float:
        return float(self.sums.values[name].sum())


def trace_of(items: Sequence[tuple], visits: Sequence[tuple] = ()) -> Trace:
    item_rows = [
        (i, case, 1000 + i, arrived, ended, kind, *(topic or [-1]), outcome)
        for i, case, arrived, ended, kind, outcome, *topic in items
    ]
    visit_rows = [
        (i, 0, 0, server, requested, granted, ended, 0, 0, VisitEnd.SERVED if granted >= 0 else VisitEnd.ABANDONED)
        for i, server, requested, granted, ended in visits
    ]
    return Trace(table(Visits, visit_rows), table(Items, item_rows), table(ClockRows, []), table(Marks, []))


def test_a_contact_of_two_visits_by_hand() -> None:
    d = Day()
    contacts, cases = d.evening(
        [(0, 0, 0, 9 * MINUTE, QUESTION, Outcome.SOLVED, int(topic_of(1, 2, 70)))],
        [(0, 5, 4 * MINUTE, 6 * MINUTE, 9 * MINUTE), (0, -1, 1 * MINUTE, -1, 3 * MINUTE)],
    )
    assert (contacts.wait[0], contacts.answered_at[0], contacts.server[0]) == (2 * MINUTE, 6 * MINUTE, 5)
    assert contacts.left[0]
    assert (contacts.community[0], contacts.cause[0], contacts.channel[0]) == (1, 2, CHAT)
    assert cases.case.size == 0
    here = (0, 0, CHAT, 2)
    assert {name: d.sums.values[name][here] for name in SERVICE} == {
        "contacts": 1,
        "contacts_offered": 1,
        "contacts_answered": 1,
        "contacts_abandoned": 1,
        "contacts_known": 1,
        "contacts_contained": 0,
        "first_response_ms": 6 * MINUTE,
        "first_response_with_bot_ms": 6 * MINUTE,
        "wait_ms": 2 * MINUTE,
        "answered_in_time": 0,
    }


def test_a_case_reopened_two_days_later_is_one_case_judged_on_its_last_day() -> None:
    d = Day()
    first = [(0, 0, H, 2 * H, PROBLEM, Outcome.SOLVED)]
    _, cases = d.evening(first, [(0, 7, H, H, 2 * H)], pending=[(1, 0, PROBLEM)])
    assert cases.case.size == 0
    assert d.evening([], pending=[(1, 0, PROBLEM)])[1].case.size == 0
    at = 2 * DAY + H
    _, cases = d.evening([(1, 0, at, at + H, PROBLEM, Outcome.SOLVED)], [(1, 8, at, at, at + H)])
    assert cases.case.tolist() == [0]
    assert (cases.asks[0], cases.hops[0], cases.last_server[0]) == (2, 1, 8)
    assert cases.reopened[0]
    assert cases.solved[0]
    assert not cases.resolved_first[0]
    assert (cases.arrived[0], cases.closed[0], cases.first_response[0]) == (H, at + H, 0)
    assert cases.draw_key[0] == 1000
    assert d.sums.values["cases"][0].sum() == 1
    assert d.sums.values["cases_judged"][2].sum() == 1
    assert d.sums.values["case_time_ms"][2].sum() == 2 * DAY + H
    assert d.total("cases_closed_in_time") == d.total("cases_resolved_first") == 0


def test_an_open_consultation_keeps_a_case_open_over_midnight_and_goods_do_not() -> None:
    d = Day()
    problem = [(0, 0, 0, H, PROBLEM, Outcome.UNSOLVED), (10, 10, 0, H, PROBLEM, Outcome.SOLVED)]
    _, cases = d.evening(problem, pending=[(1, 0, SUPPLIER), (11, 10, PARCEL)])
    assert cases.case.tolist() == [10]
    _, cases = d.evening([(1, 0, H, DAY + H, SUPPLIER, Outcome.DONE)])
    assert cases.case.tolist() == [0]
    assert not cases.solved[0]
    assert d.total("cases") == d.total("cases_judged") == 2


def test_a_call_back_that_opens_a_judged_case_again_counts_but_is_not_judged_again() -> None:
    d = Day()
    solved = [(0, 0, 0, H, PROBLEM, Outcome.SOLVED)]
    _, cases = d.evening(solved, pending=[(1, 0, CALL)])
    assert cases.case.tolist() == [0]
    assert cases.called_back[0]
    assert d.total("cases") == 0
    called = [(1, 0, 2 * H, DAY + H, CALL, Outcome.DONE)]
    assert d.evening(called, pending=[(2, 0, PROBLEM)])[1].case.size == 0
    again = [(2, 0, DAY + 2 * H, 2 * DAY + H, PROBLEM, Outcome.SOLVED)]
    assert d.evening(again)[1].case.size == 0
    assert (d.total("cases"), d.total("asks"), d.total("cases_judged")) == (1, 2, 1)
    assert d.ledger._rows.item.size == d.ledger._judged.size == d.ledger._called_back.size == 0


def test_a_call_back_that_has_ended_is_seen_when_the_case_closes() -> None:
    d = Day()
    d.evening([(0, 0, 0, H, PROBLEM, Outcome.SOLVED), (1, 0, H, 2 * H, CALL, Outcome.DONE)], pending=[(2, 0, PROBLEM)])
    _, cases = d.evening([(2, 0, DAY, DAY + H, PROBLEM, Outcome.ABANDONED), (3, 3, DAY, DAY, PROBLEM, Outcome.BLOCKED)])
    assert cases.called_back.tolist() == [True, False]
    assert cases.given_up.tolist() == [True, False]
    assert cases.first_response.tolist() == cases.last_server.tolist() == [-1, -1]
    assert cases.hops.tolist() == [0, 0]


def test_a_consultation_within_a_contact_is_no_hand_over_and_passing_on_is() -> None:
    d = Day()
    items = [(i, i, 0, H, PROBLEM, Outcome.SOLVED) for i in (0, 10, 20)]
    items += [(21, 20, 2 * H, 3 * H, PROBLEM, Outcome.SOLVED)]
    kept = [(0, server, t, t, t + 1) for t, server in enumerate((3, 4, 5, 3))]  # 3 asks 4 and 5 and stays
    passed = [(10, server, t, t, t + 1) for t, server in enumerate((3, 4, 4, 5))]  # 3 → 4 → 5
    asked_again = [(20, 3, 0, 0, 1), (21, 4, 2 * H, 2 * H, 3 * H)]
    _, cases = d.evening(items, [*kept, *passed, *asked_again])
    assert cases.hops.tolist() == [0, 2, 1]
    assert cases.last_server.tolist() == [3, 5, 4]
    assert d.total("hops") == 3


def test_hops_follow_the_order_of_grant_not_of_writing() -> None:
    d = Day()
    d.evening([], [(0, 4, 5, 6, 7)], pending=[(0, 0, PROBLEM)])
    _, cases = d.evening([(0, 0, 0, DAY, PROBLEM, Outcome.SOLVED)], [(0, 3, 1, 2, DAY)])
    assert (cases.hops[0], cases.last_server[0], cases.first_response[0]) == (1, 4, 2)


def test_cases_of_questions_are_none_when_problems_are_marked() -> None:
    d = Day()
    contacts, cases = d.evening([(0, 0, 0, H, QUESTION, Outcome.SOLVED), (1, 1, 0, H, PARCEL, Outcome.DONE)])
    assert contacts.item.tolist() == [0]
    assert cases.case.size == 0
    assert (d.total("contacts"), d.total("cases")) == (1, 0)


def test_what_is_open_at_the_end_counts_with_the_wait_so_far() -> None:
    d = Day(days=1)
    solved = [(0, 0, 0, H, PROBLEM, Outcome.SOLVED)]
    _, cases = d.evening(solved, pending=[(1, 0, PROBLEM), (2, 2, QUESTION)])
    assert cases.case.size == 0
    open_items = [(1, 0, 22 * H, -1, PROBLEM, Outcome.OPEN), (2, 2, 20 * H, -1, QUESTION, Outcome.OPEN)]
    still = trace_of(open_items)
    waiting = table(Visits, [(2, 0, 0, -1, 20 * H, -1, -1, 0, 0, VisitEnd.OPEN)])
    d.ledger.finish(replace(still, visits=waiting), DAY)
    assert (d.total("contacts"), d.total("contacts_offered"), d.total("wait_ms")) == (3, 1, 4 * H)
    assert (d.total("cases"), d.total("asks"), d.total("cases_first_closed")) == (1, 2, 1)
    assert (d.total("cases_day_old"), d.total("cases_closed_in_time"), d.total("cases_judged")) == (1, 0, 0)


def test_a_day_without_anything_leaves_nothing() -> None:
    d = Day()
    contacts, cases = d.evening([])
    d.ledger.finish(trace_of([]), 5 * DAY)
    assert contacts.item.size == cases.case.size == 0
    assert {len(getattr(cases, name)) for name in CaseRows.__dataclass_fields__} == {0}
    assert all(not d.total(name) for name in (*SERVICE, *CASES, "cases_judged", "hops", "case_time_ms"))


def test_nothing_is_kept_of_what_is_over() -> None:
    d = Day(days=60)
    for day in range(50):
        t = day * DAY
        items = [(3 * day + i, 3 * day + i, t, t + H, PROBLEM, Outcome.SOLVED) for i in range(3)]
        items.append((5000 + day, 5000 + day, t, t + H, PARCEL, Outcome.DONE))
        d.evening(items, [(i, 1, t, t, t + H) for i, *_ in items], pending=[(10_000, 10_000, PROBLEM)])
    kept = d.ledger
    assert kept._rows.item.size == kept._grants.case.size == kept._visits.item.size == kept._judged.size == 0
    assert d.total("cases_judged") == d.total("cases") == 150


def test_numbers_far_apart_are_found_all_the_same() -> None:
    far = 1 << 40
    d = Day()
    items = [(0, 0, 0, H, PROBLEM, Outcome.SOLVED), (far, far, 0, H, PROBLEM, Outcome.SOLVED)]
    contacts, cases = d.evening(items, [(far, 3, 0, 5, H), (0, 4, 0, 7, H)], pending=[(far + 1, far, CALL)])
    assert contacts.server.tolist() == [4, 3]
    assert cases.case.tolist() == [0, far]
    assert cases.called_back.tolist() == [False, True]
