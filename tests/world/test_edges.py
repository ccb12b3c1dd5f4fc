"""The edges of a world: nobody, nothing, one of each, everything at once. All of them run, balance and give figures."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from whole_runs import LEADERS, Life, live, network_of, of_size

from sim.measures import BREAKDOWNS, MEASURES, assert_conserved, figures, figures_by

DAYS = 4
SMALL = of_size(cities=1, communities=2, users=6000, leaders=4, days=DAYS)
PLACES_WITHOUT_LEADERS = (
    *SMALL,
    LEADERS.format(3),
    "world.places={listed: ["
    "{community: a, city: east, users: 300, leaders: 3, x_km: 1, y_km: 1}, "
    "{community: b, city: east, users: 300, leaders: 0, x_km: -1, y_km: 2}, "
    "{community: c, city: west, users: 0, leaders: 0, x_km: 0, y_km: 0}]}",
)
ONE_DAY_OFF = '{name: shut, orders_factor: 0, first: "2026-03-03", last: "2026-03-03"}'


def all_of(section: str, fields: tuple[str, ...], value: float) -> tuple[str, ...]:
    return tuple(f"{section}.{field}={value:g}" for field in fields)


CHANCES = (
    "quality_share",
    "quality_when_warm_share",
    "late_share",
    "late_share_per_h",
    "weighed_share",
    "pick_up_share",
    "other_share",
)

CASES: dict[str, tuple[str, ...]] = {
    "no users, but staff": (*SMALL, "world.places.users_per_community=0"),
    "no users and no staff": of_size(1, 2, 0, 4, DAYS),
    "one community": of_size(1, 1, 3000, 2, DAYS),
    "one user": of_size(1, 1, 1, 1, DAYS),
    "communities without leaders": PLACES_WITHOUT_LEADERS,
    "no leader at all": (
        *of_size(1, 1, 500, 1, DAYS),
        "world.places.leaders_per_community=0",
        "world.staff.leaders=null",
    ),
    "all leaders leave": (
        *SMALL,
        "world.events=[{event: leaders_leave, day: 0, share: 1}]",
        "world.staff.leaders.quitting.replaced_after_days=100",
    ),
    "closed depot": (*SMALL, f"world.fleet.closed=[{{city: city-01, from_day: 0, until_day: {DAYS - 1}}}]"),
    "no orders": (*SMALL, "world.people.orders_per_user_per_day=0"),
    "a day without orders": (*SMALL, f"world.calendar.promotions=[{ONE_DAY_OFF}]"),
    "one day": of_size(1, 2, 6000, 4, 1),
    "one day, one user": of_size(1, 1, 1, 1, 1),
    "system down": (
        *SMALL,
        f"world.events=[{{event: system_down, day: 0, days: {DAYS}, hours: 24, pace_factor: 0.1}}]",
    ),
    "vans that come after midnight": (
        *SMALL,
        f"world.events=[{{event: bad_weather, day: 0, days: {DAYS}, driving_factor: 10}}]",
        "world.fleet.driving.departs_at_h=40",
    ),
    "everything goes wrong": (
        *SMALL,
        *all_of("world.contacts.problems", (*CHANCES, "badly_packed_share", "weight_noticed_share"), 1),
        "world.contacts.problems.short_refunded_share=0",
        "world.contacts.claims.voiced_share=1",
        "world.contacts.incidents.bad_batch_share=1",
        "world.fleet.sorting.error_share=1",
        "world.fleet.sorting.bad_night_share=0",
        "world.fleet.due_at_h=0",
    ),
    "nothing goes wrong": (
        *SMALL,
        *all_of("world.contacts.problems", CHANCES, 0),
        "world.contacts.incidents.bad_batch_share=0",
        "world.fleet.sorting.error_share=0",
    ),
    "everything is refunded": (
        *SMALL,
        *all_of("world.contacts.claims", ("voiced_share", "clean_record_share", "refund_button_share"), 1),
        "world.contacts.claims.refund_without_agent_below_yuan=100000",
        "world.contacts.claims.refundable=[quality, late, missing, weight, pick_up, other]",
    ),
    "nobody asks": (*SMALL, "world.contacts.enquiries_per_order=0", "world.contacts.questions_per_order=0"),
    "everybody leaves": (*SMALL, "world.people.lost_per_month_share=0.999999", "world.people.joined_per_month_share=0"),
    "everybody leaves for every reason": (
        *of_size(1, 2, 60, 4, DAYS),
        *all_of("world.contacts.problems", CHANCES, 1),
        *all_of("world.moods.loss", ("case_most_share", "silent_share", "refunded_share"), 1),
        "world.people.orders_per_user_per_day=3",
        "world.people.lost_per_month_share=0.999999",
        "world.people.joined_per_month_share=0",
        "world.events=[{event: leaders_leave, day: 0, share: 1}]",
    ),
    "everybody is on holiday": (
        *SMALL,
        "horizon.first_weekday=tue",
        'world.calendar.start="2026-02-17"',
        "world.calendar.festivals={spring_festival: {during: {days: 7, staff_absent_share: 1}}}",
        "world.staff.leaders.festival_factor=1",
    ),
    "nobody learns, quits or is graded": (
        *SMALL,
        "world.staff.agents={pools: [chat_agents, phone_agents]}",
        "world.staff.leaders={pool: leaders}",
    ),
}

pytestmark = pytest.mark.filterwarnings("error")


@functools.cache
def life_of(case: str, scenario: str = "today") -> Life:
    return live(network_of(scenario, CASES[case]))


@pytest.mark.parametrize("scenario", ["today", "plan"])
@pytest.mark.parametrize("case", CASES)
def test_the_edges_of_a_world_run_balance_and_give_all_figures(case: str, scenario: str) -> None:
    life = life_of(case, scenario)
    assert_conserved(life.record)
    found = figures(life.record)
    assert found.keys() == MEASURES.keys()
    assert not [name for name, value in found.items() if math.isinf(value)]
    for by in BREAKDOWNS:
        for group in figures_by(life.record, by).values():
            assert not [name for name, value in group.items() if math.isinf(value)], by
    for name, values in life.sums.items():
        assert np.isfinite(values).all(), name
        assert name == "contribution_yuan" or (values >= 0).all(), name
    sums = life.sums
    assert np.array_equal(sums["users"][1:], (sums["users"] - sums["users_lost"] + sums["users_joined"])[:-1])
    assert (sums["users_lost_without_problem"] + sums["users_taken"] <= sums["users_lost"]).all()
    assert np.array_equal(sums["orders_wanted"], sums["orders"] + sums["orders_lost_enquiries"])


@pytest.mark.parametrize("case", ["no users, but staff", "no users and no staff", "no orders"])
def test_without_users_or_orders_nothing_comes_and_nothing_goes(case: str) -> None:
    life = life_of(case)
    for name in ("orders", "problems", "contacts", "cases", "complaints", "gmv_yuan", "vans", "rounds"):
        # Goods of the day before the first are there already where only ordering has stopped.
        assert life.sums[name].sum() == 0, name
    assert life.record.trace.items.item.size == 0


def test_where_there_are_no_users_the_staff_who_are_there_cost_what_they_cost() -> None:
    assert figures(life_of("no users, but staff").record)["wages_yuan"] > 0
    assert figures(life_of("no users and no staff").record)["orders"] == 0


def test_a_day_without_orders_is_followed_by_one_without_goods_and_then_by_an_ordinary_one() -> None:
    sums = life_of("a day without orders").sums
    assert sums["orders"].sum(axis=1).astype(bool).tolist() == [True, False, True, True]
    for name in ("orders_delivered", "vans", "doors"):
        assert sums[name].sum(axis=1).astype(bool).tolist() == [True, True, False, True], name
    assert not sums["problems"][2].any()


def test_a_closed_depot_sends_nothing_and_keeps_everything() -> None:
    life = life_of("closed depot")
    assert life.sums["orders_delivered"].sum() == life.sums["problems"].sum() == life.sums["vans"].sum() == 0
    before_the_first_day = life.world.fleet.undelivered.sum() - life.sums["orders"][:-1].sum()
    assert before_the_first_day == life_of("one day").sums["orders_delivered"].sum() > 0
    assert life.sums["contacts"].sum() > 0  # enquiries come all the same


@pytest.mark.parametrize("case", ["no leader at all", "communities without leaders", "all leaders leave"])
def test_a_community_without_a_leader_writes_to_the_platform(case: str) -> None:
    life = life_of(case)
    days = range(1, DAYS) if case == "all leaders leave" else range(DAYS)
    places, names = life.world.geography, life.record.names
    group = [i for i, channel in enumerate(names.channels) if channel == "group"]
    asked = 0
    for day in days:
        active = life.presence[day].leaders_active
        led = np.bincount(places.leader_community, weights=active, minlength=places.size) > 0
        arrivals = life.arrivals[day]
        leaderless = ~led[arrivals.topic & 2047]
        assert not np.isin(arrivals.kind[leaderless], group).any()
        asked += int(leaderless.sum())
    assert asked > 0
    orders = np.array([delivery.orders for delivery in life.delivery]).sum(axis=0)
    assert (orders[places.users > 0] > 0).all()


def test_everything_that_goes_wrong_is_counted_and_no_order_has_the_same_problem_twice() -> None:
    life = life_of("everything goes wrong")
    sums, causes = life.sums, life.record.days.causes  # type: ignore[union-attr]
    delivered = sums["orders_delivered"].sum()
    problems = dict(zip(causes, sums["problems"].sum(axis=(0, 1)).tolist(), strict=True))
    for cause in ("quality", "late", "missing", "other"):
        assert problems[cause] == delivered, cause
    assert max(problems.values()) == delivered


def test_where_nothing_goes_wrong_there_is_no_problem_and_where_all_is_refunded_nobody_is_asked() -> None:
    right, refunded = life_of("nothing goes wrong").sums, life_of("everything is refunded").sums
    assert right["problems"].sum() == right["cases"].sum() == right["complaints"].sum() == 0
    assert right["contacts"].sum() > 0
    # Some of those who seldom speak up say nothing even so, though on average everybody does.
    assert refunded["problems_refunded"].sum() > 0.8 * refunded["problems"].sum()
    assert refunded["problems_voiced"].sum() == 0


def test_users_who_leave_for_several_reasons_leave_once() -> None:
    sums = life_of("everybody leaves for every reason").sums
    assert sums["users_lost"].sum() == sums["users"][0].sum() == 60
    assert sums["users"][-1].sum() == 0


def test_a_system_that_is_down_takes_no_order_and_goods_that_come_after_midnight_are_late() -> None:
    down, late = life_of("system down").sums, life_of("vans that come after midnight").sums
    assert down["orders"].sum() == 0
    assert down["orders_delivered"][0].sum() > 0
    assert np.array_equal(late["orders_late"], late["orders_delivered"])
    assert late["orders_late"].sum() > 0


def test_when_everybody_is_on_holiday_goods_come_and_nobody_answers() -> None:
    """They are paid for it; what is asked waits for those who come back."""
    life = life_of("everybody is on holiday")
    assert life.sums["agent_paid_h"].sum() > 0
    assert life.sums["contacts_contained"].sum() > 0  # by the bot
    assert life.sums["contacts_answered"].sum() == 0
    assert life.sums["contacts_offered"].sum() > 0
    assert life.sums["orders_delivered"].sum() > 0
