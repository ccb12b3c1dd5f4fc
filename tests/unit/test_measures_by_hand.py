"""Figures of a morning small enough to work out on paper: every expected number is derived where it stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.measures import BREAKDOWNS, MEASURES, conservation, definitions, figures, figures_by
from sim.measures.opening import open_time
from sim.service.record import FigureSettings, Names, Record
from sim.service.tables import (
    NONE,
    Arrivals,
    ClockEnd,
    ClockRows,
    Items,
    Marks,
    Outcome,
    Servers,
    ServerTime,
    Trace,
    VisitEnd,
    Visits,
    Windows,
    table,
)

S = 1_000
DESK, EXPERT = 0, 1
QUESTION, COMPLAINT, CALL_BACK, ROUND = range(4)
ANN, BEN, EVE = range(3)
SERVED, RODE, LEFT = VisitEnd.SERVED, VisitEnd.RODE_ALONG, VisitEnd.ABANDONED

NAMES = Names(
    kinds=("question", "complaint", "call_back", "round"),
    counts_as=("contact", "contact", "call_back", "round"),
    is_case=(False, True, False, False),
    stations=("desk", "expert"),
    pools=("agents", "experts"),
    levels=("normal", "high"),
    clocks=("reply", "close"),
    moments=(),
    steps=("ask",),
    server_groups=("agents/day", "agents/night", "experts/all"),
)
# Day 0 is a Wednesday; open from 00:30 on.
SETTINGS = FigureSettings(20 * S, 5 * S, 1500 * S, 4800 * S, 2, tuple(((1800 * S, 86_400 * S),) for _ in range(7)))

# (item, station, server, requested, granted, ended, end), in seconds; None: still there. Ann has two slots.
VISITS = [
    (0, DESK, ANN, 100, 100, 400, SERVED),
    (1, DESK, ANN, 210, 225, 500, SERVED),
    (2, DESK, None, 300, None, 303, LEFT),
    (3, DESK, None, 350, None, 400, LEFT),
    (3, DESK, ANN, 1000, 1060, 1160, SERVED),
    (6, EXPERT, EVE, 2100, 2100, 2200, SERVED),  # Ben consults Eve and keeps the contact
    (6, DESK, BEN, 2000, 2030, 2400, SERVED),
    (7, DESK, BEN, 2500, 2500, 2600, SERVED),
    (7, EXPERT, EVE, 2600, 2620, 2900, SERVED),  # Ben hands over to Eve …
    (7, DESK, BEN, 2900, 2900, 2950, SERVED),  # … and gets it back
    (13, DESK, BEN, 3000, 3000, 3100, SERVED),
    (9, DESK, ANN, 3590, 3590, 3700, SERVED),  # 100 s past the end of Ann's shift
    (14, EXPERT, EVE, 3200, 3260, 3860, SERVED),
    (8, DESK, BEN, 4000, 4000, 4100, SERVED),
    (12, DESK, BEN, 4990, 4990, 5100, SERVED),
    (10, DESK, BEN, 5000, 5100, 5200, SERVED),  # answers the question of 11, too
    (11, DESK, BEN, 5010, 5100, 5200, RODE),
    (15, DESK, BEN, 6000, 6000, None, None),
    (16, DESK, None, 6900, None, None, None),
]
# (item, case, kind, arrived, ended, outcome)
ITEMS = [
    (0, 0, QUESTION, 100, 400, Outcome.SOLVED),
    (1, 1, QUESTION, 200, 500, Outcome.SOLVED),
    (2, 2, QUESTION, 300, 303, Outcome.ABANDONED),
    (3, 3, QUESTION, 350, 1160, Outcome.SOLVED),
    (4, 4, QUESTION, 600, 630, Outcome.CONTAINED),
    (5, 5, QUESTION, 700, 700, Outcome.BLOCKED),
    (6, 6, COMPLAINT, 2000, 2400, Outcome.SOLVED),
    (7, 7, COMPLAINT, 2500, 2950, Outcome.UNSOLVED),
    (13, 6, CALL_BACK, 3000, 3100, Outcome.DONE),
    (9, 9, QUESTION, 3590, 3700, Outcome.SOLVED),
    (14, 14, ROUND, 3200, 3860, Outcome.DONE),
    (8, 7, COMPLAINT, 4000, 4100, Outcome.SOLVED),
    (12, 12, QUESTION, 4990, 5100, Outcome.SOLVED),
    (10, 10, QUESTION, 5000, 5200, Outcome.SOLVED),
    (11, 11, QUESTION, 5010, 5200, Outcome.SOLVED),
    (15, 15, COMPLAINT, 6000, None, None),
    (16, 16, COMPLAINT, 6900, None, None),
    (17, 17, QUESTION, 7000, None, None),  # with the bot
]
# (item, started, ended, clock, end)
CLOCKS = [
    (2, 300, 303, 0, ClockEnd.ITEM_ENDED),  # gave up: does not count
    (6, 2000, 2030, 0, ClockEnd.KEPT),
    (7, 2500, 2600, 1, ClockEnd.EXPIRED),
    (8, 4000, 4050, 1, ClockEnd.RESTARTED),
    (8, 4050, 4100, 1, ClockEnd.ITEM_ENDED),  # solved: kept
    (15, 6000, None, 1, None),
]


def ms(seconds: int | None) -> int:
    """Milliseconds; −1 for what has not happened."""
    return NONE if seconds is None else seconds * S


def trace(*, still: bool) -> Trace:
    """The rows above that have ended, or those that are still there."""
    visits = [
        (i, st, st, NONE if who is None else who, ms(req), ms(got), ms(end), 0, 0, NONE if how is None else how)
        for i, st, who, req, got, end, how in VISITS
        if (end is None) == still
    ]
    items = [
        (i, case, i * 10, ms(came), ms(end), kind, NONE, NONE if outcome is None else outcome)
        for i, case, kind, came, end, outcome in ITEMS
        if (end is None) == still
    ]
    clocks = [
        (i, ms(start), ms(end), clock, NONE if how is None else how)
        for i, start, end, clock, how in CLOCKS
        if (end is None) == still
    ]
    return Trace(table(Visits, visits), table(Items, items), table(ClockRows, clocks), table(Marks, []))


def morning(**changes: object) -> Record:
    """The record of 0:00–2:00."""
    outside = sorted(
        (ms(came), 0, kind, 0, i * 10, NONE, NONE, NONE, NONE) for i, _, kind, came, _, _ in ITEMS if i != 13
    )
    seconds = ServerTime(
        present=np.array([3600, 5400, 7200]),
        busy=np.array([610, 2130, 980]),  # 400 + 100 + 110; 370+100+50+100+100+110+100+1200; 100 + 280 + 600
        idle=np.array([3090, 3270, 6220]),
        overtime=np.array([100, 0, 0]),
        slot_time=np.array([785, 2130, 980]),  # Ann held two items for 175 s
    )
    record = Record(
        names=NAMES,
        settings=SETTINGS,
        servers=table(Servers, [(0, 0, 1000, 2), (0, 0, 1000, 1), (1, 0, 1000, 1)]),
        trace=trace(still=False),
        open_rows=trace(still=True),
        arrivals=table(Arrivals, outside),
        windows=table(Windows, [(0, 3600 * S, ANN), (1800 * S, 7200 * S, BEN), (0, 9000 * S, EVE)]),
        server_time=ServerTime(**{name: column * S for name, column in vars(seconds).items()}),
        item_time_ms=5463 * S,
        from_ms=0,
        until_ms=7200 * S,
        seed=1,
        replication=0,
        engine="hand",
    )
    return replace(record, **changes)  # type: ignore[arg-type]


# Offered: 0 1 2 3 6 7 8 9 10 11 12 15 16. Their first waits in s: 0 15 3 50 30 0 0 0 100 90 0 0 300, together 588.
EXPECTED = {
    "contacts": 16,
    "offered": 13,
    "answered": 10,  # not 2 and 3, which left, nor 16, which waits
    "answered_share": 10 / 13,
    "abandoned": 2,
    "abandoned_share": 2 / 13,
    "waiting_at_end": 1,
    "wait_mean_s": 588 / 13,
    "wait_median_s": 3,  # in order: six zeros, 3, 15, 30, 50, 90, 100, 300
    "wait_p90_s": 98,  # place 12 × 0.9 = 10.8: 90 + 0.8 × 10
    "wait_p95_s": 180,  # place 11.4: 100 + 0.4 × 200
    "wait_answered_mean_s": (15 + 30 + 100 + 90) / 10,
    "wait_positive_share": 7 / 13,
    "service_level_share": 7 / 13,  # 0 1 7 8 9 12 15
    "service_level_excluding_short_abandons_share": 7 / 12,  # without 2, which left after 3 s
    "unanswered_share": 2 / 13,  # 2 and 16: 3 came again
    "contained_share": 1 / 15,  # 4, over all but 17
    "blocked_share": 1 / 13,
    "ended_abandoned_share": 1 / 13,
    "closed": 11,
    "solved": 10,
    "solved_share": 10 / 11,
    "transfers_per_contact": 1 / 11,  # 7, once
    "transferred_share": 1 / 11,
    "retrials": 1,
    "handle_time_mean_s": (300 + 275 + 100 + 470 + 430 + 100 + 110 + 100 + 0 + 110) / 10,
    "time_in_system_mean_min": 3003 / 13 / 60,
    "time_in_system_median_min": 190 / 60,  # 0 3 30 100 110 110 190 200 300 300 400 450 810
    "time_in_system_p90_min": 440 / 60,
    "first_response_mean_min": (25 + 710 + 30 + 100 + 90) / 11 / 60,
    "first_response_median_min": 0,  # six zeros of 0 0 0 0 0 0 25 30 90 100 710
    "first_response_p90_min": 100 / 60,
    "first_response_p95_min": 405 / 60,
    "first_response_open_mean_min": (30 + 100 + 90) / 11 / 60,  # 1 and 3 were answered before the doors opened
    "first_response_open_median_min": 0,
    "first_response_open_p90_min": 90 / 60,
    "first_response_open_p95_min": 95 / 60,
    "first_response_with_bot_mean_min": (955 + 30) / 12 / 60,
    "cases": 4,  # of complaints: 6, 7 (with 8), 15, 16
    "asks_per_case": 5 / 4,
    "resolved_first_contact_share": 1 / 2,
    "resolved_first_contact_window_over_share": 1,  # the window of 4800 s is over for case 6 only
    "closed_within_24h_share": 1 / 2,  # here 1500 s: case 6 took 400 s, case 7 1600 s, 15 and 16 are younger
    "case_time_mean_h": (400 + 1600) / 2 / 3600,
    "reopened_share": 0,  # case 7 came again, but nobody had called it solved
    "called_back_share": 1 / 2,
    "items": 18,
    "consultations": 0,
    "call_backs": 1,
    "goods": 0,
    "rounds": 1,
    "tickets": 0,
    "tasks": 0,
    "round_length_mean_min": 10,
    "round_length_p90_min": 10,
    "clock_kept_share": 2 / 3,
    "clocks_expired": 1,
    "backlog_end": 3,
    "backlog_age_mean_h": (1200 + 300 + 200) / 3 / 3600,
    "backlog_age_median_h": 300 / 3600,
    "occupancy_share": (610 + 2130 + 980) / (3600 + 100 + 5400 + 7200),
    "utilisation_share": (785 + 2130 + 980) / (2 * 3700 + 5400 + 7200),
    "presence_h": 16_200 / 3600,
    "busy_h": 3720 / 3600,
    "overtime_h": 100 / 3600,
    "queue_mean": (588 + 60 + 20 + 60) / 7200,  # first waits, 3 again, 7 at the expert, the round
    "number_in_system_mean": (5463 - 100 - 660) / 7200,  # all stays but the call-back's and the round's
    "service_time_mean_s": 1995 / 12,
    "batch_size_mean": 15 / 14,
}


def test_the_record_of_the_morning_adds_up() -> None:
    assert conservation(morning()) == []


def test_every_figure_of_the_morning_has_its_value_worked_out_by_hand() -> None:
    assert set(EXPECTED) == {name for name, value in MEASURES.items() if value.formula is not value.from_days}


@pytest.mark.parametrize("name", EXPECTED)
def test_figure_is_as_worked_out_by_hand(name: str) -> None:
    assert figures(morning())[name] == pytest.approx(EXPECTED[name], rel=1e-12)


def check_by(by: str, expected: dict[object, dict[str, float]], record: Record | None = None) -> None:
    """Compare the named figures of each group."""
    found = figures_by(record or morning(), by)
    assert list(found) == list(expected)
    for key, values in expected.items():
        for name, value in values.items():
            assert found[key][name] == pytest.approx(value, rel=1e-12, nan_ok=True), (key, name)  # type: ignore[index]


def test_contacts_by_hour_go_by_their_arrival_and_time_averages_by_the_time_spent_there() -> None:
    check_by(
        "hour",
        {
            0: {
                "offered": 7,
                "abandoned_share": 2 / 7,
                "wait_mean_s": 98 / 7,
                "wait_median_s": 3,  # 0 0 0 3 15 30 50
                "cases": 2,
                "occupancy_share": (510 + 620 + 720) / (3600 + 1800 + 3600),
                "overtime_h": 0,
                "utilisation_share": (685 + 620 + 720) / (7200 + 1800 + 3600),
                "queue_mean": 238 / 3600,
                "number_in_system_mean": (300 + 300 + 3 + 810 + 30 + 400 + 450 + 10) / 3600,
            },
            1: {
                "offered": 6,
                "abandoned_share": 0,
                "wait_mean_s": 490 / 6,
                "wait_median_s": 45,  # 0 0 0 90 100 300
                "cases": 2,
                "occupancy_share": (100 + 1510 + 260) / (0 + 3600 + 3600 + 100),
                "overtime_h": 100 / 3600,
                "utilisation_share": 1870 / (2 * 100 + 3600 + 3600),
                "queue_mean": 490 / 3600,
                "number_in_system_mean": (100 + 100 + 200 + 190 + 110 + 1200 + 300 + 200) / 3600,
            },
        },
    )


def test_half_hours_days_and_weekdays_are_named_as_people_name_them() -> None:
    record = morning()
    by_half_hour = figures_by(record, "half_hour")
    assert list(by_half_hour) == ["00:00", "00:30", "01:00", "01:30"]
    assert [by_half_hour[key]["contacts"] for key in by_half_hour] == [6, 3, 4, 3]
    check_by("day", {0: {"offered": 13, "backlog_end": 3}})
    check_by("week", {0: {"offered": 13, "backlog_end": 3}})
    check_by("weekday", {"wed": {"offered": 13, "queue_mean": 728 / 7200}})


def test_kinds_have_their_own_contacts_cases_and_items() -> None:
    nan = float("nan")
    check_by(
        "kind",
        {
            "question": {"contacts": 11, "offered": 8, "cases": 0, "asks_per_case": nan, "items": 11, "backlog_end": 1},
            "complaint": {"contacts": 5, "offered": 5, "cases": 4, "asks_per_case": 1.25, "items": 5, "backlog_end": 2},
            "call_back": {"contacts": 0, "offered": 0, "wait_mean_s": nan, "items": 1, "call_backs": 1},
            "round": {"contacts": 0, "wait_p90_s": nan, "items": 1, "rounds": 1, "round_length_mean_min": 10},
        },
    )


def test_stations_have_their_own_queue_and_contacts_belong_to_the_first_station() -> None:
    check_by(
        "station",
        {
            "desk": {"offered": 13, "queue_mean": 648 / 7200, "batch_size_mean": 12 / 11},
            "expert": {"offered": 0, "wait_mean_s": float("nan"), "queue_mean": 80 / 7200, "batch_size_mean": 1},
        },
    )


def test_pools_groups_and_servers_have_their_own_occupancy_and_the_contacts_that_they_answered_first() -> None:
    check_by(
        "pool",
        {
            "agents": {"occupancy_share": 2740 / 9100, "utilisation_share": 2915 / 12_800, "answered": 10},
            "experts": {"occupancy_share": 980 / 7200, "utilisation_share": 980 / 7200, "answered": 0},
        },
    )
    check_by(
        "group",
        {
            "agents/day": {"occupancy_share": 610 / 3700, "answered": 3},  # 0 1 9
            "agents/night": {"occupancy_share": 2130 / 5400, "answered": 7},
            "experts/all": {"occupancy_share": 980 / 7200, "service_time_mean_s": 190},  # 100 and 280
        },
    )
    check_by("server", {0: {"overtime_h": 100 / 3600}, 1: {"overtime_h": 0}, 2: {"overtime_h": 0}})


def test_levels_and_clocks_are_told_apart() -> None:
    check_by("level", {"normal": {"offered": 13}, "high": {"offered": 0}})
    check_by("clock", {"reply": {"clock_kept_share": 1}, "close": {"clock_kept_share": 1 / 2, "clocks_expired": 1}})


def test_after_a_warm_up_only_later_contacts_count_but_time_averages_see_all_who_are_there() -> None:
    found = figures(morning(from_ms=2450 * S))
    assert found["offered"] == 8  # 7 to 12, 15, 16
    assert found["wait_mean_s"] == pytest.approx(490 / 8)
    assert found["cases"] == 3  # not 6
    assert found["occupancy_share"] == pytest.approx((110 + 1760 + 880) / (1150 + 100 + 4750 + 4750))
    assert found["queue_mean"] == pytest.approx((20 + 60 + 490) / 4750)
    assert found["overtime_h"] == pytest.approx(100 / 3600)
    early = figures(morning(from_ms=2300 * S))
    assert early["offered"] == 8  # item 6 is under way, but came before
    assert early["number_in_system_mean"] == pytest.approx((100 + 450 + 110 + 2300) / 4900)
    assert early["busy_h"] == pytest.approx((110 + 1860 + 880) / 3600)


def test_a_case_counts_as_reopened_when_it_comes_again_after_it_was_solved() -> None:
    items = morning().trace.items
    outcome = np.where(items.item == 7, Outcome.SOLVED, items.outcome).astype(np.int8)
    record = morning(trace=replace(morning().trace, items=replace(items, outcome=outcome)))
    found = figures(record)
    assert found["reopened_share"] == 1 / 2
    assert found["resolved_first_contact_share"] == 1 / 2  # solved, but asked again within the window


def test_a_second_ask_after_the_window_leaves_the_first_contact_resolved() -> None:
    items = morning().trace.items
    outcome = np.where(items.item == 7, Outcome.SOLVED, items.outcome).astype(np.int8)
    for window, expected in ((1500, 1 / 2), (1499, 1.0)):  # item 8 came 1500 s after item 7
        record = morning(
            trace=replace(morning().trace, items=replace(items, outcome=outcome)),
            settings=replace(SETTINGS, first_contact_window_ms=window * S + (S - 1 if window == 1499 else 0)),
        )
        assert figures(record)["resolved_first_contact_share"] == expected


def test_limits_are_inclusive() -> None:
    # Item 1 waited 15 s, item 2 left after 3 s, case 6 took 400 s and case 7 1600 s.
    exact = replace(SETTINGS, service_level_within_ms=15 * S, short_abandon_ms=3 * S, closed_within_ms=1600 * S)
    just = replace(exact, service_level_within_ms=15 * S - 1, short_abandon_ms=3 * S - 1, closed_within_ms=1600 * S - 1)
    found, missed = figures(morning(settings=exact)), figures(morning(settings=just))
    assert (found["service_level_share"], missed["service_level_share"]) == (7 / 13, 6 / 13)
    assert found["service_level_excluding_short_abandons_share"] == 7 / 12
    assert missed["service_level_excluding_short_abandons_share"] == 6 / 13
    assert (found["closed_within_24h_share"], missed["closed_within_24h_share"]) == (1, 1 / 2)
    # Case 15 is 1200 s old and open.
    for limit, expected in ((1200 * S, 1 / 3), (1200 * S + 1, 1 / 2)):
        settings = replace(SETTINGS, closed_within_ms=limit)
        assert figures(morning(settings=settings))["closed_within_24h_share"] == expected


def test_all_contacts_make_cases_where_no_kind_is_marked() -> None:
    record = morning(names=replace(NAMES, is_case=(False,) * 4))
    assert figures(record)["cases"] == 15  # 16 contacts, of which 7 and 8 are one case


def with_one_contact(visits: list[tuple[int, ...]]) -> Record:
    """The morning with one contact only, from 0 to 900 s."""
    return morning(
        trace=replace(
            trace(still=False),
            visits=table(Visits, visits),
            items=table(Items, [(0, 0, 0, 0, 900 * S, QUESTION, NONE, Outcome.SOLVED)]),
        ),
        open_rows=Trace(table(Visits, []), table(Items, []), table(ClockRows, []), table(Marks, [])),
    )


def test_of_two_requests_in_one_millisecond_the_first_is_the_one_whose_wait_was_over_first() -> None:
    consulted_at_once = [
        (0, EXPERT, EXPERT, EVE, 100, 150, 200, 0, 0, SERVED),  # written before the visit within which it was
        (0, DESK, DESK, ANN, 100, 100, 300, 0, 0, SERVED),
    ]
    found = figures(with_one_contact(consulted_at_once))
    assert found["wait_mean_s"] == 0
    assert found["transfers_per_contact"] == 0
    assert figures_by(with_one_contact(consulted_at_once), "station")["desk"]["offered"] == 1


def test_of_two_grants_in_one_millisecond_the_earlier_request_is_the_hand_over() -> None:
    consulted_the_first_server = [
        (0, DESK, DESK, BEN, 0, 0, 10, 0, 0, SERVED),
        (0, DESK, DESK, BEN, 25, 25, 30, 0, 0, SERVED),  # Ann asks Ben back at once
        (0, DESK, DESK, ANN, 20, 25, 40, 0, 0, SERVED),
    ]
    assert figures(with_one_contact(consulted_the_first_server))["transfers_per_contact"] == 1


def test_an_empty_record_has_counts_of_zero_and_nothing_else() -> None:
    nothing = Trace(table(Visits, []), table(Items, []), table(ClockRows, []), table(Marks, []))
    zeros = np.zeros(3, dtype=np.int64)
    record = morning(
        trace=nothing,
        open_rows=nothing,
        arrivals=table(Arrivals, []),
        windows=table(Windows, []),
        server_time=ServerTime(zeros, zeros, zeros, zeros, zeros),
        item_time_ms=0,
    )
    assert conservation(record) == []
    found = figures(record)
    time_based = {"queue_mean", "number_in_system_mean", "presence_h", "busy_h", "overtime_h", "retrials"}
    for name in EXPECTED:
        value = found[name]
        zero = name in time_based or (MEASURES[name].unit == "1" and "_per_" not in name and name != "batch_size_mean")
        assert (value == 0) if zero else np.isnan(value), name
    for by in set(BREAKDOWNS) - {"city", "channel", "cause"}:
        figures_by(record, by)
    nobody = replace(record, servers=table(Servers, []), names=replace(NAMES, server_groups=(), clocks=()))
    nobody = replace(nobody, server_time=ServerTime(*(zeros[:0],) * 5))
    assert conservation(nobody) == []
    assert figures(nobody)["offered"] == 0


def test_the_opening_hours_clock_counts_every_open_minute_and_no_other() -> None:
    hour = 3600 * S
    # Mon and Tue 9–12 and 13–18, Sun 22 until 2 on Monday, Fri round the clock; day 0 is a Saturday.
    spans = [((9 * hour, 12 * hour), (13 * hour, 18 * hour))] * 2 + [
        (),
        (),
        ((0, 24 * hour),),
        (),
        ((22 * hour, 26 * hour),),
    ]
    settings = replace(SETTINGS, opening_spans=tuple(spans), first_weekday=5)
    minute = 60 * S
    starts = np.arange(0, 16 * 24 * 60) * minute
    weekday, of_day = (starts // (24 * hour) + 5) % 7, starts % (24 * hour)
    is_open = np.zeros(starts.size, dtype=bool)
    for day in (0, 1):
        is_open |= (weekday == day) & (of_day >= 9 * hour) & (of_day < 18 * hour) & (of_day // hour != 12)
    is_open |= weekday == 4
    is_open |= ((weekday == 6) & (of_day >= 22 * hour)) | ((weekday == 0) & (of_day < 2 * hour))
    expected = np.append(0, np.cumsum(is_open)) * minute
    found = open_time(np.append(starts, starts[-1] + minute), settings)
    np.testing.assert_array_equal(found - found[0], expected)


def test_a_first_response_on_the_opening_clock_does_not_exist_when_nothing_ever_opens() -> None:
    found = figures(morning(settings=replace(SETTINGS, opening_spans=((),) * 7)))
    assert np.isnan(found["first_response_open_mean_min"])


def test_definitions_name_unit_and_sentence_of_every_figure() -> None:
    rows = definitions()
    assert [row["name"] for row in rows] == list(MEASURES)
    for row in rows:
        assert row["definition"].endswith(".")
        assert row["unit"] in {"s", "min", "h", "km", "yuan", "point", "share", "1"}
        assert row["unit"] in ("1", "point") or row["name"].endswith("_" + row["unit"])


def test_unknown_names_are_refused_with_what_is_allowed() -> None:
    with pytest.raises(ValueError, match=r"'wait' does not exist; allowed: contacts, offered"):
        figures(morning(), ["wait"])
    with pytest.raises(ValueError, match=r"by 'town' do not exist; allowed: hour, half_hour"):
        figures_by(morning(), "town")
    assert list(figures(morning(), ["offered", "busy_h"])) == ["offered", "busy_h"]
