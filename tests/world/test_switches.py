"""One influence switched off moves what it should and nothing else, under common random numbers; and no event of a
day sees a mood of the same day."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from whole_runs import DAY_MS, Life, first_difference, live, network_of, of_size, rows_until

from sim.measures import assert_conserved, figures, figures_by
from sim.service.topics import CAUSES, cause_of
from sim.world.flows import Moods

DAYS = 6
TOWN = of_size(cities=1, communities=3, users=4500, leaders=6, days=DAYS)

NO_SLOW_ENQUIRIES = "world.people.enquirer_lost_share=0"
"""Nobody is lost to a slow answer: then what is placed on day 0 does not depend on how busy the service was, and the
goods of day 1 are the same however the service fared."""

ALL_BUT_ARRIVALS = ("demand", "delivery", "presence", "problems")
LATE, MISSING, QUALITY = (CAUSES.index(cause) for cause in ("late", "missing", "quality"))


@functools.cache
def life_of(*sets: str) -> Life:
    life = live(network_of("today", (*TOWN, *sets)))
    assert_conserved(life.record)
    return life


def parts(life: Life, day: int, *names: str) -> dict[str, Any]:
    return {name: getattr(life, name)[day] for name in names}


def assert_same(a: Life, b: Life, day: int, *names: str) -> None:
    assert first_difference(parts(a, day, *names), parts(b, day, *names)) == "", f"day {day}"


def arrivals_without(life: Life, day: int, cause: int) -> dict[str, list[int]]:
    """Outside arrivals of a day that are not about something."""
    rows = cause_of(life.arrivals[day].topic) != cause
    return {name: column[rows].tolist() for name, column in vars(life.arrivals[day]).items()}


# ── word of mouth ────────────────────────────────────────────────────────────────────────────────────────────────

TALK = ("assumptions.post_share=0.05", "assumptions.good_deed_share=0.03")


def first_talk(life: Life) -> int:
    """Evening on which somebody first told the neighbours anything."""
    return next(day for day, moods in enumerate(life.moods) if moods.posts.any() or moods.good_deeds.any())


def test_without_posts_nothing_differs_until_the_morning_after_the_first_one() -> None:
    talking = life_of(*TALK)
    silent = life_of("world.moods.posts.post_share=0", "world.moods.posts.deed_share=0")
    day = first_talk(talking)
    assert 0 < day < DAYS - 1
    for earlier in range(day + 1):
        assert first_difference(talking.day(earlier), silent.day(earlier)) == ""
    assert rows_until(talking.record, day) == rows_until(silent.record, day)
    assert not any(moods.posts.any() or moods.good_deeds.any() for moods in silent.moods)
    posted = talking.moods[day].posts > 0
    told, untold = (life.demand[day + 1].expected for life in (talking, silent))
    assert (told[posted] < untold[posted]).all()
    calm = ~posted & (talking.moods[day].good_deeds == 0)
    assert np.array_equal(told[calm], untold[calm])


def test_posts_that_move_nobody_change_nothing_but_their_number() -> None:
    deaf = ("world.word_of_mouth.families_per_post=0", "world.word_of_mouth.families_per_joiner=0")
    quiet = ("world.moods.posts.deed_share=0", "world.moods.posts.scandal_share=0")
    talking = life_of(*TALK, *deaf, *quiet[1:], "world.word_of_mouth.neighbours_per_good_deed=0")
    silent = life_of("world.moods.posts.post_share=0", *quiet)
    assert talking.sums["posts"].sum() > 0
    for day in range(DAYS):
        assert first_difference(talking.day(day), silent.day(day)) == ""
    moved = [name for name, values in talking.sums.items() if not np.array_equal(values, silent.sums[name])]
    assert set(moved) <= {"posts", "good_deeds"}


# ── goods ────────────────────────────────────────────────────────────────────────────────────────────────────────

LATE_VANS = (NO_SLOW_ENQUIRIES, "world.fleet.driving.departs_at_h=14.5")


@pytest.mark.parametrize(
    ("base", "off", "cause"),
    [
        pytest.param(LATE_VANS, "world.fleet.due_at_h=40", LATE, id="late goods"),
        pytest.param((NO_SLOW_ENQUIRIES,), "world.fleet.sorting.error_share=0", MISSING, id="sorting errors"),
    ],
)
def test_what_goes_right_at_the_depot_and_on_the_road_removes_its_own_problems_and_no_others(
    base: tuple[str, ...], off: str, cause: int
) -> None:
    bad, good = life_of(*base), life_of(*base, off)
    others = [i for i in range(len(CAUSES)) if i != cause]
    for day in (0, 1):
        assert bad.problems[day].all[:, cause].sum() > 0
        assert good.problems[day].all[:, cause].sum() == 0
        for name in ("all", "voiced", "refunded", "silent", "abused"):
            here, there = getattr(bad.problems[day], name), getattr(good.problems[day], name)
            assert np.array_equal(here[:, others], there[:, others]), (day, name)
        assert_same(bad, good, 0, "demand", "presence")
        assert np.array_equal(bad.delivery[day].orders, good.delivery[day].orders)
        assert np.array_equal(bad.delivery[day].doors, good.delivery[day].doors)
    assert arrivals_without(bad, 0, cause) == arrivals_without(good, 0, cause)


def test_late_goods_are_late_because_of_the_road_alone() -> None:
    late = life_of(*LATE_VANS)
    early = life_of(NO_SLOW_ENQUIRIES, "world.fleet.driving.departs_at_h=6")
    assert late.sums["orders_late"].sum() > 0
    assert early.sums["orders_late"].sum() == 0
    assert np.array_equal(late.delivery[0].short, early.delivery[0].short)
    for name in ("quality", "missing", "weight", "pick_up", "other"):
        cause = CAUSES.index(name)
        assert np.array_equal(late.problems[0].all[:, cause], early.problems[0].all[:, cause])


def test_without_bad_batches_only_quality_problems_are_fewer() -> None:
    bad = life_of(NO_SLOW_ENQUIRIES, "world.contacts.incidents.bad_batch_share=1")
    good = life_of(NO_SLOW_ENQUIRIES, "world.contacts.incidents.bad_batch_share=0")
    for day in (0, 1):
        assert bad.problems[day].all[:, QUALITY].sum() > good.problems[day].all[:, QUALITY].sum()
        others = [i for i in range(len(CAUSES)) if i != QUALITY]
        assert np.array_equal(bad.problems[day].all[:, others], good.problems[day].all[:, others])
        assert_same(bad, good, day, "delivery")
    assert arrivals_without(bad, 0, QUALITY) == arrivals_without(good, 0, QUALITY)
    assert bad.arrivals[0].t.size > good.arrivals[0].t.size


def test_without_doors_there_are_no_rounds_and_all_orders_are_handed_out() -> None:
    some, none = life_of(NO_SLOW_ENQUIRIES), life_of(NO_SLOW_ENQUIRIES, "world.fleet.home_delivery_share=0")
    assert some.sums["rounds"].sum() > 0
    assert none.sums["rounds"].sum() == none.sums["doors"].sum() == none.sums["round_min"].sum() == 0
    for day in (0, 1):
        for name in ("orders", "late", "warm", "short"):
            assert np.array_equal(getattr(some.delivery[day], name), getattr(none.delivery[day], name))
        assert_same(some, none, day, "problems")
        with_doors = some.delivery[day].hand_outs + some.delivery[day].doors
        assert np.array_equal(none.delivery[day].hand_outs, with_doors)


# ── claims and questions ─────────────────────────────────────────────────────────────────────────────────────────


def test_without_abuse_every_claim_has_a_problem_and_every_problem_stays() -> None:
    some = life_of(NO_SLOW_ENQUIRIES, "assumptions.abuse_share=0.02", "assumptions.abuse_per_leniency=0.1")
    none = life_of(
        NO_SLOW_ENQUIRIES, "world.contacts.claims.abuse_share=0", "world.contacts.claims.abuse_per_leniency=0"
    )
    assert some.sums["claims_abused"].sum() > 0
    assert none.sums["claims_abused"].sum() == 0
    for day in (0, 1):
        for name in ("all", "voiced", "refunded", "silent"):
            assert np.array_equal(getattr(some.problems[day], name), getattr(none.problems[day], name))


def test_without_the_button_refunds_become_claims_of_the_same_problems() -> None:
    button = life_of(NO_SLOW_ENQUIRIES, "assumptions.refund_button_share=0.8")
    none = life_of(NO_SLOW_ENQUIRIES, "world.contacts.claims.refund_without_agent_below_yuan=0")
    assert button.sums["problems_refunded"].sum() > none.sums["problems_refunded"].sum() == 0
    assert none.sums["refunds_yuan"].sum() == 0
    for day in (0, 1):
        here, there = button.problems[day], none.problems[day]
        assert np.array_equal(here.all, there.all)
        assert np.array_equal(here.silent, there.silent)
        assert np.array_equal(here.voiced + here.refunded, there.voiced)


def test_questions_that_are_stilled_are_missing_and_nothing_else() -> None:
    stilled, asked = life_of("assumptions.stilled_share=0.7"), life_of("world.contacts.stilled_share=0")
    assert_same(stilled, asked, 0, *ALL_BUT_ARRIVALS)
    here, there = (
        set(zip(*(column.tolist() for column in vars(life.arrivals[0]).values()), strict=True))
        for life in (stilled, asked)
    )
    assert here < there


# ── leaders and agents ───────────────────────────────────────────────────────────────────────────────────────────


def test_leaders_who_look_at_once_answer_the_group_sooner_and_change_no_problem() -> None:
    base = (NO_SLOW_ENQUIRIES,)
    slow = life_of(*base)
    at_once = life_of(
        *base,
        "assumptions.leader_notice_median_min={default: 0.02, low: 0.01, high: 1, unit: min, reason: at once}",
        "assumptions.leader_notice_mean_min={default: 0.03, low: 0.02, high: 2, unit: min, reason: at once}",
    )
    for day in (0, 1):
        assert_same(slow, at_once, day, "delivery", "problems")
    assert_same(slow, at_once, 0, "demand", "presence", "arrivals")
    waits = [figures_by(life.record, "channel")["group"]["first_response_mean_min"] for life in (slow, at_once)]
    assert waits[1] < waits[0] - 15


def test_more_agents_than_contacts_make_waits_vanish_while_agents_are_there_and_change_no_problem() -> None:
    base = (NO_SLOW_ENQUIRIES,)
    few = life_of(*base)
    many = life_of(*base, "assumptions.users_per_agent={default: 30, low: 20, high: 100, unit: users, reason: plenty}")
    for day in (0, 1):
        assert_same(few, many, day, "delivery", "problems")
    assert_same(few, many, 0, "demand")
    for name, column in vars(few.arrivals[0]).items():
        if name != "home_server":  # the leaders' numbers come after the agents'
            assert np.array_equal(column, getattr(many.arrivals[0], name)), name
    for channel in ("chat", "phone"):
        waits = [figures_by(life.record, "channel")[channel]["wait_mean_s"] for life in (few, many)]
        assert waits[1] < waits[0]
    # A call that comes while somebody is there is answered at once; at night nobody is.
    record = many.record
    calls = np.isin(record.trace.visits.station, [record.names.stations.index("phone")])
    granted = record.trace.visits.granted[calls] - record.trace.visits.requested[calls]
    hour = record.trace.visits.requested[calls] % DAY_MS // 3_600_000
    assert granted[(hour >= 9) & (hour < 21)].max() == 0


def test_without_turnover_nobody_leaves_and_the_first_day_is_the_same_but_for_paces() -> None:
    restless = life_of(
        "assumptions.in_house_turnover_per_month_share=0.06", "assumptions.leader_quit_per_month_share=0.04"
    )
    loyal = life_of(
        "world.staff.agents.in_house.turnover_per_month_share=0",
        "world.staff.agents.outsourced.turnover_per_month_share=0",
        "world.staff.leaders.quitting.base_per_month_share=0",
    )
    for name in ("agents_lost", "agents_hired", "leaders_lost", "leaders_replaced", "users_taken"):
        assert loyal.sums[name].sum() == 0
    assert (loyal.sums["agents"] == loyal.sums["agents"][0]).all()
    assert_same(restless, loyal, 0, "demand", "delivery", "problems", "arrivals")


# ── what users do ────────────────────────────────────────────────────────────────────────────────────────────────


def test_without_advertising_nobody_joins_but_the_neighbours_of_good_deeds() -> None:
    none = life_of("world.people.joined_per_month_share=0", "world.moods.posts.deed_share=0")
    some = life_of("world.moods.posts.deed_share=0")
    assert some.sums["users_joined"].sum() > none.sums["users_joined"].sum() == 0
    assert first_difference(some.day(0), none.day(0)) == ""


def test_without_any_reason_to_leave_all_users_stay() -> None:
    life = life_of(
        "world.people.lost_per_month_share=0",
        "world.moods.loss.case_most_share=0",
        "world.moods.loss.silent_share=0",
        "world.moods.loss.refunded_share=0",
        "world.staff.leaders.quitting.base_per_month_share=0",
    )
    assert life.sums["users_lost"].sum() == 0
    assert_same(life, life_of(), 0, "demand", "delivery", "problems", "arrivals")


def test_without_any_reason_to_complain_nobody_does_and_nothing_escalates() -> None:
    base = life_of()
    calm = life_of(
        *(
            f"world.moods.escalation.{field}=0"
            for field in ("discontent_per_point", "waiting_per_h", "per_hop", "given_up")
        )
    )
    assert base.sums["complaints"].sum() > calm.sums["complaints"].sum() == 0
    assert not any(moods.escalations.any() for moods in calm.moods)
    day = next(day for day, moods in enumerate(base.moods) if moods.escalations.any())
    for earlier in range(day + 1):
        assert first_difference(base.day(earlier), calm.day(earlier)) == ""
        here, there = base.moods[earlier], calm.moods[earlier]
        assert np.array_equal(here.satisfaction, there.satisfaction)
        assert np.array_equal(here.leaves, there.leaves)


def test_where_slow_answers_lose_no_enquirer_only_the_orders_of_that_day_are_more() -> None:
    base, patient = life_of(), life_of("inputs.late_enquiry_more_lost_share=0")
    assert base.sums["orders_lost_enquiries"].sum() > patient.sums["orders_lost_enquiries"].sum() == 0
    assert first_difference(base.day(0), patient.day(0)) == ""
    assert np.array_equal(base.demand[1].wanted, patient.demand[1].wanted)
    assert (base.orders[0].placed <= patient.orders[0].placed).all()


def test_money_moves_nothing_but_money() -> None:
    base = life_of()
    dear = life_of(
        "assumptions.in_house_yuan_per_h=55",
        "assumptions.acquisition_yuan_per_user=40",
        "assumptions.contribution_yuan_per_order=0.5",
        "assumptions.training_yuan_per_h=30",
        "assumptions.systems_yuan_per_user_per_year=5",
    )
    for day in range(DAYS):
        assert first_difference(base.day(day), dear.day(day)) == ""
    assert rows_until(base.record, DAYS - 1) == rows_until(dear.record, DAYS - 1)
    here, there = figures(base.record), figures(dear.record)
    moved = {name for name in here if not np.array_equal(here[name], there[name], equal_nan=True)}
    assert {"wages_yuan", "acquisition_yuan", "contribution_yuan", "net_benefit_yuan"} <= moved
    assert all("yuan" in name or "gmv" in name for name in moved), moved


# ── what is not changed moves nothing ────────────────────────────────────────────────────────────────────────────


def test_a_shorter_run_is_the_beginning_of_a_longer_one() -> None:
    longer, shorter = life_of(), life_of("horizon.days=3")
    for day in range(3):
        assert first_difference(longer.day(day), shorter.day(day)) == ""


def test_a_second_city_leaves_the_goods_and_the_luck_of_the_first_as_they_were() -> None:
    one = life_of()
    two = live(network_of("today", of_size(cities=2, communities=6, users=9000, leaders=12, days=2)))
    for name in ("demand", "delivery", "problems"):
        here, there = vars(getattr(one, name)[0]), vars(getattr(two, name)[0])
        for field, values in here.items():
            assert np.array_equal(values, there[field][: len(values)], equal_nan=values.dtype.kind == "f"), field


# ── moods act from the next morning on ───────────────────────────────────────────────────────────────────────────


def gloomy(at: int) -> Any:
    """Moods of one evening, changed as far as they go: everybody posts, many leave and complain."""

    def alter(day: int, moods: Moods) -> Moods:
        if day != at:
            return moods
        return replace(
            moods,
            satisfaction=np.ones_like(moods.satisfaction),
            unhappy=moods.unhappy + 500,
            leaves=moods.leaves + 100,
            posts=moods.posts + 20,
            scandal=True,
            escalations=moods.escalations + np.array([0, 0, 0, 0, 2, 2, 2]),
        )

    return alter


@pytest.mark.parametrize("day", [0, 3])
def test_what_happens_on_a_day_never_depends_on_the_moods_of_its_evening(day: int) -> None:
    network = network_of("today", TOWN)
    base, other = life_of(), live(network, moods=gloomy(day))
    for earlier in range(day + 1):
        assert first_difference(base.day(earlier), other.day(earlier)) == ""
    assert rows_until(base.record, day) == rows_until(other.record, day)
    morning = day + 1
    assert (other.demand[morning].users < base.demand[morning].users).all()
    assert (other.demand[morning].expected < 0.8 * base.demand[morning].expected).all()
    assert other.problems[morning].escalations.sum() == base.problems[morning].escalations.sum() + 3 * 6


def test_neighbours_whom_a_good_deed_brings_join_on_the_evening_after() -> None:
    def kind(day: int, moods: Moods) -> Moods:
        return replace(moods, good_deeds=moods.good_deeds + 20) if day == 2 else moods

    base, other = life_of(), live(network_of("today", TOWN), moods=kind)
    joined = [[int(orders.users_joined.sum()) for orders in life.orders] for life in (base, other)]
    assert joined[1][:3] == joined[0][:3]
    new = 3 * 20 * base.world.section.word_of_mouth.neighbours_per_good_deed
    assert joined[1][3] - joined[0][3] == pytest.approx(
        new * base.world.section.word_of_mouth.neighbours_new_share, rel=0.2
    )


@pytest.mark.parametrize(
    ("event", "day"),
    [
        ("{event: leaders_leave, day: 2, share: 0.7}", 2),
        ("{event: post, day: 2}", 2),
        ("{event: scandal, day: 2}", 2),
        ("{event: late_goods, day: 3, hours: 9}", 2),
        ("{event: bad_weather, day: 3, driving_factor: 4}", 2),
        ("{event: system_down, day: 3, hours: 12, pace_factor: 0.4}", 2),
    ],
)
def test_an_event_changes_nothing_before_it_comes(event: str, day: int) -> None:
    """What leaders and news do is done in the evening of their day; the others act on their day."""
    base, eventful = life_of(), life_of(f"world.events=[{event}]")
    for earlier in range(day + 1):
        assert first_difference(base.day(earlier), eventful.day(earlier)) == ""
    assert rows_until(base.record, day) == rows_until(eventful.record, day)
    assert first_difference(base.day(day + 1), eventful.day(day + 1)) != ""


def test_leaders_whom_an_event_makes_leave_take_users_along_and_are_replaced() -> None:
    base = life_of("world.staff.leaders.quitting.replaced_after_days=2")
    left = life_of(
        "world.staff.leaders.quitting.replaced_after_days=2", "world.events=[{event: leaders_leave, day: 1, share: 1}]"
    )
    assert left.turnover[1].leaders_lost.sum() == 6
    assert not left.presence[2].leaders_active.any()
    assert not left.presence[3].leaders_active.any()
    assert left.presence[4].leaders_active.all()
    taken = left.turnover[1].users_taken
    users = left.world.geography.users
    assert (taken > 0.25 * users).all()
    assert (taken < 0.65 * users).all()
    assert left.sums["users_lost"][2].sum() > base.sums["users_lost"][2].sum() + 0.25 * users.sum()
    # Nobody hands out, nobody is asked in a group: those who would have asked there write to the platform.
    assert left.delivery[2].hand_outs.sum() == left.delivery[2].doors.sum() == 0
    names = left.record.names
    group = [i for i, channel in enumerate(names.channels) if channel == "group"]
    assert not np.isin(left.arrivals[2].kind, group).any()
    assert np.isin(base.arrivals[2].kind, group).any()


def test_a_day_with_the_system_down_has_fewer_orders_and_slower_agents() -> None:
    base = life_of()
    down = life_of("world.events=[{event: system_down, day: 2, hours: 12, pace_factor: 0.4}]")
    assert np.array_equal(down.demand[2].wanted, base.demand[2].wanted)  # what people would have ordered
    ordered = down.sums["orders_wanted"][2].sum() / base.sums["orders_wanted"][2].sum()
    assert 0.4 < ordered < 0.6
    for name in ("orders_wanted", "orders"):
        assert np.array_equal(down.sums[name][:2], base.sums[name][:2])


def test_bad_weather_makes_vans_take_longer_on_its_days_and_no_others() -> None:
    base = life_of(NO_SLOW_ENQUIRIES)
    storm = life_of(NO_SLOW_ENQUIRIES, "world.events=[{event: bad_weather, day: 1, driving_factor: 4}]")
    assert (storm.delivery[1].van_min > 1.2 * base.delivery[1].van_min).all()
    assert np.array_equal(storm.delivery[1].orders, base.delivery[1].orders)
    assert np.array_equal(storm.delivery[0].van_min, base.delivery[0].van_min)
    assert (storm.delivery[2].van_min < 1.05 * base.delivery[2].van_min).all()


def test_vans_that_leave_later_come_later_on_that_day_with_the_same_goods() -> None:
    base = life_of(NO_SLOW_ENQUIRIES)
    late = life_of(NO_SLOW_ENQUIRIES, "world.events=[{event: late_goods, day: 1, hours: 9}]")
    assert late.sums["orders_late"][1].sum() == late.sums["orders_delivered"][1].sum() > 0
    for name in ("orders", "short", "doors", "hand_outs"):
        assert np.array_equal(getattr(late.delivery[1], name), getattr(base.delivery[1], name))
    others = [i for i in range(len(CAUSES)) if i not in (LATE, QUALITY)]  # warm goods are the same boxes
    assert np.array_equal(late.problems[1].all[:, others], base.problems[1].all[:, others])
    assert not late.sums["orders_late"][2:].any()


def test_a_post_moves_the_orders_of_the_next_morning_and_a_scandal_those_of_the_whole_platform() -> None:
    base, quiet = life_of("world.moods.posts.post_share=0"), ("world.moods.posts.post_share=0",)
    for event, strength in (("post", 0.99), ("scandal", 0.9)):
        told = life_of(*quiet, f"world.events=[{{event: {event}, day: 1}}]")
        assert np.array_equal(told.demand[1].wanted, base.demand[1].wanted)
        assert (told.demand[2].expected < strength * base.demand[2].expected).all()
        assert told.sums["posts"][1].sum() == (3 if event == "post" else 0)
