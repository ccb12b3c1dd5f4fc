"""Figures of a platform's world, worked out by hand, and the service's figures from both of their sources."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from sim.library import load
from sim.measures import MEASURES, conservation, figures, figures_by, summarise
from sim.measures.breakdown import OF_DAYS
from sim.problems import InputError
from sim.run import no_rows
from sim.service.day_records import Alarm, Column, DayRecords
from sim.service.record import FigureSettings, Names, Record
from sim.service.tables import (
    NONE,
    Arrivals,
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
from sim.service.topics import CAUSES, topic_of
from sim.session import Session
from sim.world.columns import COLUMNS
from sim.world.flows import CHANNELS

NAN = float("nan")
MIN, H, DAY = 60_000, 3_600_000, 86_400_000
EAST, WEST = 0, 1
PHONE, CHAT, GROUP, REGULATOR, SOCIAL = (CHANNELS.index(c) for c in ("phone", "chat", "group", "regulator", "social"))
QUALITY, LATE, AROUND = (CAUSES.index(c) for c in ("quality", "late", "passed_around"))
QUESTION, PROBLEM, CALL_BACK = range(3)

NAMES = Names(
    kinds=("question", "problem", "call_back"),
    counts_as=("contact", "contact", "call_back"),
    is_case=(False, True, False),
    stations=("desk",),
    pools=("agents",),
    levels=("normal",),
    clocks=(),
    moments=(),
    steps=("ask",),
    server_groups=("agents/day",),
    channels=("chat", "phone", "none"),
    community_city=(EAST, EAST, WEST),
    cities=("east", "west"),
)
SETTINGS = FigureSettings(10 * MIN, MIN, 24 * H, 48 * H, 4, ((),) * 7)  # day 0 is a Friday

# (item, case, kind, community, cause, arrived, ended, outcome), in minutes; None: still there at the end of day 2.
ITEMS = [
    (0, 0, QUESTION, 0, "late", 600, 630, Outcome.SOLVED),
    (1, 1, QUESTION, 1, "pick_up", 700, 701, Outcome.CONTAINED),
    (2, 2, PROBLEM, 2, "quality", 1430, 1500, Outcome.UNSOLVED),  # answered on the next day only
    (3, 3, PROBLEM, 0, "late", 800, 805, Outcome.ABANDONED),
    (4, 2, PROBLEM, 2, "quality", 1800, 1900, Outcome.SOLVED),  # the second ask of case 2
    (5, 5, QUESTION, 2, "none", 2000, 2030, Outcome.SOLVED),
    (6, 6, PROBLEM, 1, "missing", 2100, 2160, Outcome.SOLVED),
    (7, 7, PROBLEM, 0, "quality", 3000, 3050, Outcome.SOLVED),
    (8, 7, CALL_BACK, 0, "quality", 3060, 3070, Outcome.DONE),
    (9, 9, PROBLEM, 2, "late", 4300, None, None),  # waits
    (10, 10, QUESTION, 0, "none", 4319, None, None),  # with the bot
]
# (item, requested, granted, ended)
VISITS = [
    (0, 605, 620, 630),
    (2, 1430, 1490, 1500),
    (3, 800, None, 805),
    (4, 1810, 1815, 1900),
    (5, 2000, 2000, 2030),
    (6, 2100, 2130, 2140),
    (6, 2140, 2150, 2160),
    (7, 3000, 3010, 3050),
    (9, 4300, None, None),
]


def ms(minute: int | None) -> int:
    """Milliseconds; −1 for what has not happened."""
    return NONE if minute is None else minute * MIN


def trace(*, still: bool) -> Trace:
    """The rows above that have ended, or those that are still there."""
    items = [
        (i, case, i, ms(came), ms(end), kind, int(topic_of(place, CAUSES.index(cause), 0)), -1 if how is None else how)
        for i, case, kind, place, cause, came, end, how in ITEMS
        if (end is None) == still
    ]
    visits = [
        (
            i,
            0,
            0,
            NONE if got is None else 0,
            ms(asked),
            ms(got),
            ms(end),
            0,
            0,
            VisitEnd.OPEN if end is None else VisitEnd.ABANDONED if got is None else VisitEnd.SERVED,
        )
        for i, asked, got, end in VISITS
        if (end is None) == still
    ]
    return Trace(table(Visits, visits), table(Items, items), table(ClockRows, []), table(Marks, []))


def columns(*names: str) -> dict[str, Column]:
    """Some of the world's columns."""
    return {name: COLUMNS[name] for name in names}


def empty_days(days: int = 3, chosen: dict[str, Column] = COLUMNS) -> DayRecords:
    """Sums by day, all of them 0."""
    return DayRecords(chosen, days, NAMES.cities, CHANNELS, CAUSES)


def service_days() -> DayRecords:
    """The sums that the service of these three days leaves, contact by contact and case by case."""
    days = empty_days()

    def add(name: str, item: tuple[object, ...], amount: float = 1.0) -> None:
        _, _, kind, place, cause, came, *_ = item
        where = (NAMES.community_city[place], CHANNELS.index(NAMES.channels[kind]), CAUSES.index(cause))  # type: ignore
        days.values[name][came // 1440][where] += amount  # type: ignore[operator]

    cases: dict[int, list[tuple[object, ...]]] = {}
    for item in ITEMS:
        number, case, kind, _, _, came, ended, outcome = item
        if kind == CALL_BACK:
            continue
        if kind == PROBLEM:
            cases.setdefault(case, []).append(item)
        visits = [v for v in VISITS if v[0] == number]
        add("contacts", item)
        if visits or ended is not None:
            add("contacts_known", item)
        if not visits and outcome == Outcome.CONTAINED:
            add("contacts_contained", item)
            add("first_response_with_bot_ms", item, (ended - came) * MIN)
        for _, requested, granted, left in visits[:1]:
            wait = (granted or left or 3 * 1440) - requested
            add("contacts_offered", item)
            add("wait_ms", item, wait * MIN)
            add("contacts_abandoned", item, granted is None and left is not None)
            add("answered_in_time", item, granted is not None and wait <= 10)
            if granted is not None:
                add("contacts_answered", item)
                add("first_response_ms", item, (granted - came) * MIN)
                add("first_response_with_bot_ms", item, (granted - came) * MIN)
    for asks in cases.values():
        first, ends = asks[0], [ask[6] for ask in asks]
        old = 3 * 1440 - first[5] >= 1440
        add("cases", first)
        add("asks", first, len(asks))
        add("cases_first_closed", first, first[6] is not None)
        add("cases_resolved_first", first, first[7] == Outcome.SOLVED and len(asks) == 1)
        add("cases_day_old", first, old)
        closed = None not in ends and any(ask[7] != Outcome.ABANDONED for ask in asks)
        add("cases_closed_in_time", first, old and closed and max(ends) - first[5] <= 1440)
    return days


def record(**changes: object) -> Record:
    """Three days of a platform with two cities."""
    zero = np.zeros(1, dtype=np.int64)
    made = Record(
        names=NAMES,
        settings=SETTINGS,
        servers=table(Servers, [(0, 0, 1000, 9)]),
        trace=trace(still=False),
        open_rows=trace(still=True),
        arrivals=table(Arrivals, []),
        windows=table(Windows, []),
        server_time=ServerTime(zero, zero, zero, zero, zero),
        item_time_ms=0,
        from_ms=0,
        until_ms=3 * DAY,
        seed=1,
        replication=0,
        engine="hand",
        days=empty_days(),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def without_trace(of: Record) -> Record:
    """The same run, of which only the sums by day were kept."""
    return replace(of, trace=no_rows(), open_rows=no_rows(), has_trace=False)


BOTH = [m.name for m in MEASURES.values() if m.from_days is not None and m.formula is not m.from_days]


# ── two sources ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_service_figures_that_long_runs_need_have_both_sources() -> None:
    assert set(BOTH) >= {
        "offered",
        "abandoned_share",
        "wait_mean_s",
        "first_response_mean_min",
        "first_response_with_bot_mean_min",
        "service_level_share",
        "resolved_first_contact_share",
        "asks_per_case",
        "closed_within_24h_share",
        "contained_share",
    }


@pytest.mark.parametrize("warm_up_days", [0, 1])
def test_rows_and_sums_by_day_give_the_same_service_figures(warm_up_days: int) -> None:
    rows = record(days=service_days(), from_ms=warm_up_days * DAY)
    found, expected = figures(without_trace(rows), BOTH), figures(rows, BOTH)
    assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert not any(math.isnan(value) for value in found.values())


@pytest.mark.parametrize("by", OF_DAYS)
def test_rows_and_sums_by_day_give_the_same_service_figures_in_every_group(by: str) -> None:
    rows = record(days=service_days())
    found, expected = figures_by(without_trace(rows), by, BOTH), figures_by(rows, by, BOTH)
    assert list(found) == list(expected)
    for key, group in expected.items():
        assert found[key] == pytest.approx(group, rel=1e-12, nan_ok=True), key


def test_the_service_figures_of_the_three_days_are_as_worked_out_by_hand() -> None:
    found = figures(record(), BOTH)
    assert found["contacts"] == 10
    assert found["offered"] == 8  # not 1 and 10
    assert found["wait_mean_s"] == pytest.approx((15 + 60 + 5 + 5 + 0 + 30 + 10 + 20) * 60 / 8)
    assert found["service_level_share"] == 3 / 8  # 4, 5 and 7
    assert found["first_response_mean_min"] == pytest.approx((20 + 60 + 15 + 0 + 30 + 10) / 6)
    assert found["first_response_with_bot_mean_min"] == pytest.approx((135 + 1) / 7)
    assert found["contained_share"] == 1 / 9  # not 10, of which nothing is known
    assert found["asks_per_case"] == 6 / 5  # cases 2, 3, 6, 7 and 9
    assert found["resolved_first_contact_share"] == 2 / 4  # 6 and 7, of 2, 3, 6 and 7
    assert found["closed_within_24h_share"] == 2 / 3  # 3 was given up, 7 and 9 are younger


def test_a_run_without_its_trace_has_no_other_figures_of_the_service() -> None:
    found = figures(without_trace(record(days=service_days())))
    assert math.isnan(found["wait_p90_s"])
    assert math.isnan(found["occupancy_share"])
    assert found["orders"] == 0
    with pytest.raises(ValueError, match="by 'hour' do not exist for a run without its trace; allowed: day, week"):
        figures_by(without_trace(record()), "hour")


def test_a_run_without_its_trace_is_held_against_the_engines_own_accounts() -> None:
    assert conservation(without_trace(record())) == []
    time = ServerTime(*(np.array([v]) for v in (5, 3, 2, 1, 3)))
    assert conservation(replace(without_trace(record()), server_time=time)) == [
        "server 0: presence 5 + overtime 1 is not busy 3 + idle 2 ms"
    ]


# ── breakdowns of rows ───────────────────────────────────────────────────────────────────────────────────────────


def test_contacts_and_cases_by_city_channel_and_cause_go_by_their_topic_and_kind() -> None:
    by_city = figures_by(record(), "city")
    assert {key: group["contacts"] for key, group in by_city.items()} == {"east": 6, "west": 4}
    assert {key: group["cases"] for key, group in by_city.items()} == {"east": 3, "west": 2}
    assert by_city["west"]["asks_per_case"] == 3 / 2
    by_channel = figures_by(record(), "channel")
    assert list(by_channel) == list(CHANNELS)
    assert by_channel["chat"]["offered"] == 2
    assert by_channel["phone"]["offered"] == 6
    assert by_channel["none"]["call_backs"] == 1
    assert by_channel["phone"]["backlog_end"] == 1
    by_cause = figures_by(record(), "cause")
    assert by_cause["quality"]["cases"] == 2
    assert by_cause["late"]["wait_mean_s"] == (15 + 5 + 20) * 60 / 3
    assert by_cause["none"]["contacts"] == 2
    assert math.isnan(by_cause["weight"]["wait_mean_s"])


@pytest.mark.parametrize("by", ["city", "channel", "cause", "month"])
def test_counts_and_time_averages_of_the_new_groups_add_up_to_the_whole(by: str) -> None:
    whole, parts = figures(record()), figures_by(record(), by)
    for name in ("contacts", "offered", "cases", "items", "backlog_end", "number_in_system_mean"):
        assert sum(group[name] for group in parts.values()) == pytest.approx(whole[name]), name


def test_an_item_without_a_topic_is_in_no_city_and_has_no_cause() -> None:
    items = replace(trace(still=False).items, topic=np.full(9, NONE, dtype=np.int32))
    rows = record(trace=replace(trace(still=False), items=items))
    assert sum(group["contacts"] for group in figures_by(rows, "city").values()) == 2  # the open ones
    assert figures_by(rows, "cause")["none"]["contacts"] == 9


def test_a_scenario_without_a_world_has_no_cities_and_causes_and_channels_only_if_its_kinds_have_some() -> None:
    plain = record(days=None, names=replace(NAMES, community_city=(), cities=()))
    for by in ("city", "cause"):
        with pytest.raises(ValueError, match=f"by '{by}' do not exist for this scenario; allowed: hour, half_hour"):
            figures_by(plain, by)
    assert list(figures_by(plain, "channel")) == ["chat", "phone", "none"]
    with pytest.raises(ValueError, match="by 'channel' do not exist for this scenario; allowed: hour"):
        figures_by(replace(plain, names=replace(plain.names, channels=("none",) * 3)), "channel")


@pytest.mark.parametrize("by", ["city", "channel", "cause"])
def test_a_command_refuses_such_a_breakdown_before_it_runs_anything(by: str) -> None:
    session = Session(load("erlang_c"), "no engine at all", seed=1, workers=1, by=("hour", by))
    with pytest.raises(InputError, match=f"--by: figures by '{by}' do not exist for this scenario; allowed: hour"):
        session.run(1, None, "")


def test_a_scenario_without_a_world_has_no_figures_of_it() -> None:
    found = figures(record(days=None))
    assert all(math.isnan(found[m.name]) for m in MEASURES.values() if m.formula is m.from_days)
    assert found["offered"] == 8


# ── sums by day ──────────────────────────────────────────────────────────────────────────────────────────────────


def world_days() -> DayRecords:
    """Three days of two cities, in numbers easy to add up."""
    days = empty_days()
    put = days.values
    put["users"][:] = [[1000, 500], [990, 500], [980, 520]]
    put["users_lost"][:] = [[10, 0], [20, 10], [0, 5]]
    put["users_lost_without_problem"][:] = [[4, 0], [5, 0], [0, 0]]
    put["users_joined"][:] = [[0, 0], [10, 30], [5, 0]]
    put["orders"][:] = [[100, 50], [200, 50], [100, 0]]
    put["orders_wanted"][:] = [[110, 50], [200, 50], [100, 0]]
    put["orders_lost_enquiries"][0] = [10, 0]
    put["orders_delivered"][:] = [[0, 0], [100, 50], [200, 50]]
    put["orders_late"][1:] = [[25, 5], [0, 0]]
    put["orders_announced_late"][1] = [12, 3]
    put["rounds"][1:] = [[2, 1], [2, 1]]
    put["round_min"][1:] = [[200, 130], [240, 0]]
    put["van_min"][1] = [90, 30]
    put["problems"][1, EAST, [QUALITY, LATE]] = [10, 5]
    put["problems"][2, WEST, QUALITY] = 25
    put["problems_voiced"][1, EAST, [QUALITY, LATE]] = [4, 1]
    put["problems_refunded"][1, EAST, QUALITY] = 3
    put["claims_abused"][1, EAST, QUALITY] = 1
    put["complaints"][1, EAST, GROUP, LATE] = 2
    put["complaints"][1, EAST, REGULATOR, AROUND] = 1
    put["complaints"][2, WEST, SOCIAL, QUALITY] = 1
    put["cases_judged"][1, EAST, CHAT, QUALITY] = 4
    put["cases_judged"][2, WEST, PHONE, LATE] = 1
    put["satisfaction_true"][1, EAST, CHAT, QUALITY] = 12
    put["satisfaction_true"][2, WEST, PHONE, LATE] = 1
    put["ratings"][1, EAST, CHAT, QUALITY] = 2
    put["satisfaction_recorded"][1, EAST, CHAT, QUALITY] = 9
    put["hops"][1, EAST, CHAT, QUALITY] = 6
    put["compensation_yuan"][1, EAST, CHAT, QUALITY] = 20
    put["contacts"][1, EAST, CHAT, QUALITY] = 40
    put["contacts"][2, WEST, PHONE, LATE] = 10
    put["leaders"][:] = [4, 2]
    put["leaders_lost"][2] = [1, 0]
    put["agents"][:] = [5, 5, 4]
    put["agents_lost"][1] = 1
    put["posts"][1] = [2, 1]
    put["gmv_yuan"][:] = 25 * put["orders"]
    put["contribution_yuan"][:] = 2 * put["orders"]
    put["wages_yuan"][:] = [[200, 100]] * 3
    put["training_yuan"][0] = [10, 5]
    put["systems_yuan"][:] = [[5, 1]] * 3
    put["incentives_yuan"][2] = [7, 0]
    put["refunds_yuan"][1, EAST, QUALITY] = 30
    put["acquisition_yuan"][1] = [50, 150]
    days.alarms = [
        Alarm(0, None, "F72", "leader_round_mean_min", 130, 120),
        Alarm(1, None, "F72", "leader_round_mean_min", 130, 120),
        Alarm(1, "west", "F72", "leader_round_mean_min", 130, 120),
        Alarm(2, None, "F70", "complaints_per_order", 0.06, 0.05),
    ]
    return days


COST = 900 + 15 + 18 + 7
EXPECTED = {
    "users_mean": 4490 / 3,
    "users_lost_per_month_share": 45 / 4490 * 30,
    "users_lost_without_problem_share": 9 / 45,
    "users_joined_per_month_share": 45 / 4490 * 30,
    "orders": 500,
    "orders_per_user_per_day": 500 / 4490,
    "orders_lost_enquiries": 10,
    "orders_lost_enquiries_share": 10 / 510,
    "posts_per_month": 30,
    "late_delivery_share": 30 / 400,
    "announced_late_share": 15 / 30,
    "warm_delivery_share": 0,
    "leader_round_mean_min": 570 / 6,
    "van_time_h": 2,
    "problems_per_order": 40 / 400,
    "problems_voiced_per_order": 5 / 400,
    "problems_silent_share": 32 / 40,
    "problems_refunded_share": 3 / 40,
    "claims_abused_share": 1 / 9,
    "complaints": 4,
    "complaints_per_order": 4 / 400,
    "complaints_third_party_per_order": 2 / 400,
    "complaints_passed_around_share": 1 / 4,
    "satisfaction_true_mean": 13 / 5,
    "satisfaction_recorded_mean": 4.5,
    "ratings_share": 2 / 5,
    "hops_per_case": 6 / 5,
    "leaders_mean": 6,
    "leaders_lost_per_quarter_share": 1 / 18 * 90,
    "agents_mean": 14 / 3,
    "agents_lost_per_month_share": 1 / 14 * 30,
    "alarms": 3,
    "alarms_f72": 2,
    "alarms_f70": 1,
    "alarms_f75": 0,
    "gmv_yuan": 12_500,
    "contribution_yuan": 1000,
    "service_cost_yuan": COST,
    "service_cost_gmv_share": COST / 12_500,
    "service_budget_gmv_share": 40 / 12_500,
    "cost_per_contact_yuan": COST / 50,
    "compensation_yuan": 20,
    "refunds_yuan": 30,
    "acquisition_yuan": 200,
    "net_benefit_yuan": 1000 - COST - 20 - 30 - 200,
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("kept", [True, False])
def test_figure_of_the_world_is_as_worked_out_by_hand(name: str, kept: bool) -> None:
    rows = record(days=world_days())
    assert figures(rows if kept else without_trace(rows), [name])[name] == pytest.approx(EXPECTED[name], rel=1e-12)


def check_by(by: str, expected: dict[object, dict[str, float]], rows: Record | None = None) -> None:
    """Compare the named figures of some groups."""
    found = figures_by(rows or record(days=world_days()), by)
    for key, values in expected.items():
        for name, value in values.items():
            assert found[key][name] == pytest.approx(value, rel=1e-12, nan_ok=True), (key, name)  # type: ignore[index]


def test_figures_of_the_world_by_city_and_by_time() -> None:
    east = {"orders": 400, "users_mean": 990, "late_delivery_share": 25 / 300, "complaints_per_order": 3 / 300}
    west = {"orders": 100, "net_benefit_yuan": 200 - 308 - 150, "leader_round_mean_min": 130 / 2}
    check_by("city", {"east": {**east, "alarms": 0}, "west": {**west, "alarms_f72": 1}})
    check_by("day", {0: {"orders": 150, "late_delivery_share": NAN, "alarms": 1}, 2: {"orders": 100, "alarms_f70": 1}})
    check_by("weekday", {"fri": {"orders": 150}, "sun": {"users_lost_per_month_share": 5 / 1500 * 30}})
    check_by("month", {0: {"orders": 500, "posts_per_month": 30}})
    check_by("week", {0: {"users_mean": 4490 / 3}})


def test_by_channel_and_cause_complaints_and_problems_are_taken_over_all_orders() -> None:
    check_by(
        "channel",
        {
            "group": {"complaints_per_order": 2 / 400, "complaints_third_party_per_order": 0, "complaints": 2},
            "regulator": {"complaints_third_party_per_order": 1 / 400, "complaints_passed_around_share": 1},
            "chat": {"satisfaction_true_mean": 3, "ratings_share": 1 / 2, "compensation_yuan": 20},
            "phone": {"satisfaction_true_mean": 1, "satisfaction_recorded_mean": NAN},
        },
    )
    check_by(
        "cause",
        {
            "quality": {"problems_per_order": 35 / 400, "problems_silent_share": 28 / 35, "refunds_yuan": 30},
            "late": {"complaints_per_order": 2 / 400, "satisfaction_true_mean": 1},
            "passed_around": {"complaints_per_order": 1 / 400, "problems_per_order": 0},
        },
    )
    assert "orders" not in figures_by(record(days=world_days()), "cause")["quality"]


def test_a_month_is_thirty_days_of_the_run_and_a_share_per_month_does_not_depend_on_its_length() -> None:
    days = empty_days(65, columns("users", "users_lost"))
    days.values["users"][:] = 100
    days.values["users_lost"][:, EAST] = 1
    rows = record(days=days, until_ms=65 * DAY, trace=no_rows(), open_rows=no_rows())
    found = figures_by(rows, "month")
    assert list(found) == [0, 1, 2]
    assert [group["users_lost_per_month_share"] for group in found.values()] == pytest.approx([0.15] * 3)
    assert math.isnan(figures(rows)["orders"])  # no such column here


def test_the_warm_up_leaves_out_its_days_wholly() -> None:
    after = record(days=world_days(), from_ms=DAY)
    assert figures(after, ["orders", "users_mean", "alarms", "training_yuan"]) == pytest.approx(
        {"orders": 350, "users_mean": 2990 / 2, "alarms": 2, "training_yuan": 0}
    )
    assert figures(replace(after, from_ms=DAY + H), ["orders"])["orders"] == 100  # a day that began before is none


def test_figures_over_nothing_are_undefined_and_sums_over_nothing_are_zero() -> None:
    found = figures(record(days=empty_days()))
    assert found["net_benefit_yuan"] == 0
    assert math.isnan(found["users_lost_per_month_share"])
    assert math.isnan(found["cost_per_contact_yuan"])
    assert math.isnan(found["alarms"])  # nobody has looked


def test_losses_may_be_negative_in_an_interval_and_everything_else_may_not() -> None:
    losses = [{"net_benefit_yuan": -5.0, "orders": 0.0}, {"net_benefit_yuan": 5.0, "orders": 2.0}]
    found = summarise(losses)
    assert found["net_benefit_yuan"].low is not None
    assert found["net_benefit_yuan"].low < 0
    assert found["orders"].low == 0
    assert found["net_benefit_yuan"].unit == "yuan"
    quick = summarise([{"users_lost_per_month_share": x} for x in (1.2, 1.4)])["users_lost_per_month_share"]
    assert quick.high == 1.4
