"""Users and their orders: demand, enquiries that were lost, loss, growth, what is remembered; the mix of segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.people import PeopleSection
from sim.sections.places import Places
from sim.sections.segments import Segment
from sim.service.tables import Int64
from sim.world.chance import Chance
from sim.world.flows import CHANNELS, Demand, Moods, Orders, Today
from sim.world.geography import geography
from sim.world.people import DAYS_PER_MONTH, Memory, People, per, saturated
from sim.world.segments import SegmentMix

QUIET: dict[str, Any] = {
    "segments": {"all": {"share": 1.0}},
    "orders_per_user_per_day": 0.15,
    "community_daily_cv": 0.0,
    "platform_daily_cv": 0.0,
    "joined_per_month_share": 0.0,
    "households_per_user": 2.5,
    "lost_per_month_share": 0.0,
    "unhappy_orders_loss_share": 0.0,
    "unhappy_half_life_days": 30,
    "unhappy_at_start_per_user": 0.0,
    "happy_orders_gain_share": 0.0,
    "happy_half_life_days": 14,
    "happy_at_start_per_user": 0.0,
    "enquirer_lost_share": 0.0,
    "enquiry_late_more_lost_share": 0.58,
    "enquiry_late_after_min": 5,
}
LIVELY = {
    **QUIET,
    "community_daily_cv": 0.15,
    "platform_daily_cv": 0.05,
    "joined_per_month_share": 0.08,
    "lost_per_month_share": 0.025,
    "unhappy_orders_loss_share": 0.25,
    "unhappy_at_start_per_user": 0.3,
    "happy_orders_gain_share": 0.05,
    "enquirer_lost_share": 0.35,
}


def made(
    communities: int = 4, users: float = 1000, seed: int = 1, base: dict[str, Any] = QUIET, **changes: Any
) -> People:
    section = PeopleSection(**{**base, **changes})
    places = geography(Places(communities_per_city=communities, users_per_community=users))
    return People(section, places, Chance(seed, 0))


def day_of(day: int = 0, orders_factor: float = 1.0) -> Today:
    return Today(day, day % 7, orders_factor, 0.0, "", True, np.ones(1))


def moods(size: int, **by_community: Any) -> Moods:
    nothing = np.zeros(0)
    whole = {name: np.zeros(size, dtype=np.int64) for name in ("leaves", "posts", "good_deeds")}
    states: dict[str, Any] = {**whole, "unhappy": np.zeros(size), "happy": np.zeros(size), "scandal": False}
    for name, value in by_community.items():
        states[name] = value if name == "scandal" else np.full(size, value, dtype=states[name].dtype)
    return Moods(
        satisfaction=nothing,
        rated=nothing.astype(bool),
        recorded=nothing,
        compensation_yuan=nothing,
        complains=nothing.astype(bool),
        place=nothing.astype(np.int8),
        complaint_cause=nothing.astype(np.int8),
        third_party=nothing.astype(bool),
        escalations=np.zeros((size, len(CHANNELS)), dtype=np.int64),
        **states,
    )


def live(
    people: People,
    day: int = 0,
    late: int = 0,
    taken: int = 0,
    won: int = 0,
    orders_factor: float = 1.0,
    **by_community: Any,
) -> tuple[Demand, Orders]:
    size = people.users.size

    def each(number: int) -> Int64:
        return np.full(size, number, dtype=np.int64)

    today = day_of(day, orders_factor)
    demand = people.demand(today, np.ones(size))
    evening = people.evening(today, demand, moods(size, **by_community), each(100), each(late), each(taken), each(won))
    return demand, evening


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_expected_orders_are_users_times_rate_times_calendar_times_buzz() -> None:
    demand = made().demand(day_of(orders_factor=1.2), np.full(4, 0.5))
    assert demand.expected == pytest.approx(np.full(4, 1000 * 0.15 * 1.2 * 0.5))


def test_wanted_orders_have_the_expected_mean_and_a_poisson_spread() -> None:
    people = made(2000)
    wanted = people.demand(day_of(), np.ones(2000)).wanted
    assert wanted.mean() == pytest.approx(150, abs=4 * np.sqrt(150 / 2000))
    assert wanted.var() == pytest.approx(150, rel=0.15)


def test_a_communitys_luck_widens_its_days_and_keeps_their_mean() -> None:
    people = made(2000, community_daily_cv=0.3)
    wanted = people.demand(day_of(), np.ones(2000)).wanted
    assert wanted.mean() == pytest.approx(150, rel=0.03)
    assert wanted.std() / wanted.mean() == pytest.approx(np.sqrt(0.3**2 + 1 / 150), rel=0.1)


def test_the_platforms_luck_moves_all_communities_together() -> None:
    people = made(200, platform_daily_cv=0.2)
    totals = [people.demand(day_of(day), np.ones(200)).wanted.sum() for day in range(300)]
    assert np.std(totals) / np.mean(totals) == pytest.approx(0.2, rel=0.15)


def test_the_platforms_luck_keeps_the_mean() -> None:
    people = made(1, platform_daily_cv=1.0)
    totals = [people.demand(day_of(day), np.ones(1)).wanted.sum() for day in range(2000)]
    assert np.mean(totals) == pytest.approx(150, rel=4 / np.sqrt(2000))


def test_more_demand_keeps_the_orders_that_were_there() -> None:
    people = made(200, base=LIVELY)
    low, high = (people.demand(day_of(3, factor), np.ones(200)).wanted for factor in (1.0, 1.1))
    assert (high >= low).all()
    assert high.sum() > low.sum()


def test_another_community_changes_nobodys_orders() -> None:
    few, many = (made(size, base=LIVELY).demand(day_of(2), np.ones(size)).wanted for size in (3, 30))
    assert (many[:3] == few).all()


def test_asking_twice_gives_the_same_answer_and_changes_nothing() -> None:
    people = made(base=LIVELY)
    first, second = (people.demand(day_of(), np.ones(4)) for _ in range(2))
    assert (first.wanted == second.wanted).all()
    first.users[:] = 0
    assert (people.users == 1000).all()


# ── enquiries ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_late_answers_lose_what_f10_adds_to_the_ordinary_loss() -> None:
    _, orders = live(made(2000, enquirer_lost_share=0.35), late=20)
    assert orders.lost_enquiries.mean() == pytest.approx(20 * 0.35 * 0.58, rel=0.05)


def test_placed_and_lost_are_what_was_wanted() -> None:
    demand, orders = live(made(50, base=LIVELY), late=40)
    assert (orders.placed + orders.lost_enquiries == demand.wanted).all()
    assert orders.lost_enquiries.sum() > 0


def test_no_more_is_lost_than_was_wanted_or_asked() -> None:
    demand, orders = live(made(20, users=10, enquirer_lost_share=0.5, enquiry_late_more_lost_share=5), late=20)
    assert (orders.lost_enquiries == demand.wanted).all()
    assert (orders.placed == 0).all()


def test_only_enquiries_can_be_late() -> None:
    lost = [
        live(made(50, enquirer_lost_share=0.2, enquiry_late_more_lost_share=0.5), late=late)[1] for late in (100, 900)
    ]
    assert (lost[0].lost_enquiries == lost[1].lost_enquiries).all()


def test_each_late_answer_more_loses_at_least_as_many() -> None:
    lost = [live(made(100, enquirer_lost_share=0.35), late=late)[1].lost_enquiries for late in (0, 10, 30)]
    assert (lost[0] == 0).all()
    assert (lost[1] <= lost[2]).all()


def test_without_f10_late_answers_cost_nothing() -> None:
    people = made(100, enquirer_lost_share=0.35, enquiry_late_more_lost_share=0)
    assert live(people, late=50)[1].lost_enquiries.sum() == 0


# ── users ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_users_balance_to_the_unit_every_day() -> None:
    people = made(100, base=LIVELY)
    for day in range(60):
        before = people.users.copy()
        _, orders = live(people, day, late=3, taken=2 * (day % 20 == 5), won=1, leaves=1, unhappy=4.5, happy=0.3)
        assert (people.users == before - orders.users_lost + orders.users_joined).all()
        assert (orders.lost_no_problem <= orders.users_lost).all()
        assert (people.users >= 0).all()


def test_the_base_hazard_loses_its_share_in_a_month() -> None:
    people = made(2000, lost_per_month_share=0.05)
    days = 61
    lost = sum(int(live(people, day)[1].users_lost.sum()) for day in range(days))
    assert lost / 2_000_000 == pytest.approx(1 - 0.95 ** (days / DAYS_PER_MONTH), rel=0.007)
    assert people.users.sum() == 2_000_000 - lost


def test_whoever_is_driven_away_or_taken_along_is_lost_beside_the_base() -> None:
    calm, moved = made(100, base=LIVELY), made(100, base=LIVELY)
    base, more = live(calm)[1], live(moved, leaves=3, taken=5)[1]
    assert (more.lost_no_problem == base.lost_no_problem).all()
    assert (more.users_lost == base.users_lost + 8).all()


def test_no_more_users_are_lost_than_there_are() -> None:
    people = made(10, users=6, lost_per_month_share=0.9)
    _, orders = live(people, leaves=4, taken=30)
    assert (orders.users_lost == 6).all()
    assert (orders.lost_no_problem == 0).all()
    assert (people.users == 0).all()
    demand, orders = live(people, 1, leaves=2, taken=1)
    assert demand.wanted.sum() == orders.users_lost.sum() == 0


@pytest.mark.parametrize("households", [1.5, 2.5, 100.0])
def test_advertising_wins_its_share_at_first_whatever_the_number_of_households(households: float) -> None:
    people = made(1000, joined_per_month_share=1.0, households_per_user=households)
    joined = live(people)[1].users_joined
    assert joined.mean() == pytest.approx(1000 / DAYS_PER_MONTH, rel=0.02)


def test_the_fewer_households_are_left_the_fewer_are_won() -> None:
    people = made(500, joined_per_month_share=1.0, households_per_user=2.0)
    live(people, won=500)
    assert live(people, 1)[1].users_joined.mean() == pytest.approx(0.5 * 1000 / DAYS_PER_MONTH, rel=0.1)


def test_growth_ends_at_the_communitys_households() -> None:
    people = made(50, users=100, joined_per_month_share=5, households_per_user=1.2)
    sizes = []
    for day in range(300):
        live(people, day, won=1)
        sizes.append(people.users.sum())
    assert (people.users == 120).all()
    assert sizes == sorted(sizes)


def test_users_won_by_good_deeds_join() -> None:
    assert (live(made(), won=5)[1].users_joined == 5).all()


def test_nothing_moves_when_everything_is_switched_off() -> None:
    people = made(20)
    for day in range(30):
        demand, orders = live(people, day, late=10, unhappy=50.0, happy=50.0)
        assert (orders.placed == demand.wanted).all()
        assert demand.expected == pytest.approx(np.full(20, 150.0))
    assert (people.users == 1000).all()


# ── what is remembered ───────────────────────────────────────────────────────────────────────────────────────────


def test_bad_experiences_lower_the_orders_of_those_who_had_them() -> None:
    people = made(unhappy_orders_loss_share=0.4)
    live(people, unhappy=100.0)
    share = 1 - np.exp(-0.1)
    assert people.demand(day_of(1), np.ones(4)).expected == pytest.approx(np.full(4, 150 * (1 - 0.4 * share)))


def test_half_of_a_grudge_is_gone_after_its_half_life_and_nothing_is_left_of_it_after_half_a_year() -> None:
    people = made(unhappy_orders_loss_share=0.5, unhappy_half_life_days=30)
    live(people, unhappy=10.0)
    missing = [150 - people.demand(day_of(1), np.ones(4)).expected[0]]
    for day in range(1, 183):
        live(people, day)
        missing.append(150 - people.demand(day_of(day + 1), np.ones(4)).expected[0])
    assert missing[30] / missing[0] == pytest.approx(0.5, rel=0.01)
    assert missing[182] / missing[0] < 0.02


def test_good_experiences_raise_orders() -> None:
    people = made(happy_orders_gain_share=0.1)
    live(people, happy=200.0)
    assert people.demand(day_of(1), np.ones(4)).expected == pytest.approx(np.full(4, 150 * (1 + 0.1 * -np.expm1(-0.2))))


def test_more_unhappiness_never_brings_more_orders() -> None:
    wanted = []
    for unhappy in (0.0, 5.0, 50.0):
        people = made(100, base=LIVELY)
        for day in range(10):
            live(people, day, unhappy=unhappy)
        wanted.append(people.demand(day_of(10), np.ones(100)).wanted)
    assert (wanted[0] >= wanted[1]).all()
    assert (wanted[1] >= wanted[2]).all()
    assert wanted[0].sum() > wanted[2].sum()


def test_the_rate_is_what_is_seen_at_the_start_whatever_is_remembered_then() -> None:
    people = made(unhappy_orders_loss_share=0.4, unhappy_at_start_per_user=0.5, happy_at_start_per_user=0.1)
    assert people.demand(day_of(), np.ones(4)).expected == pytest.approx(np.full(4, 150.0))
    live(people)
    assert (people.demand(day_of(1), np.ones(4)).expected > 150).all()


def test_who_leaves_is_not_counted_among_those_who_order_less() -> None:
    left, stayed = made(unhappy_orders_loss_share=0.4), made(unhappy_orders_loss_share=0.4)
    live(left, unhappy=50.0, leaves=50)
    live(stayed, unhappy=50.0)
    assert (left.grudge.per_user == 0).all()
    assert (stayed.grudge.per_user == 0.05).all()


def test_users_who_join_remember_nothing() -> None:
    people = made(unhappy_at_start_per_user=0.3, unhappy_half_life_days=1000)
    live(people, won=1000)
    assert people.grudge.per_user == pytest.approx(np.full(4, 0.15), rel=0.01)
    pleased = made(happy_at_start_per_user=0.3, happy_half_life_days=1000)
    live(pleased, won=1000)
    assert pleased.liking.per_user == pytest.approx(np.full(4, 0.15), rel=0.01)


def test_a_day_sees_nothing_of_its_own_mood() -> None:
    calm, angry = (made(base=LIVELY) for _ in range(2))
    assert (live(calm)[0].wanted == live(angry, unhappy=500.0)[0].wanted).all()


def test_what_is_remembered_settles_where_its_field_says() -> None:
    memory, users = Memory(1, 0.0, 30), np.array([1000])
    for _ in range(1000):
        memory.add(np.array([7.5]), users)
    assert memory.per_user[0] == pytest.approx(0.0075 * 30 / np.log(2), rel=0.02)


def test_shares_per_head_need_no_heads() -> None:
    assert per(np.array([3.0, 4.0]), np.array([0, 2])).tolist() == [0, 2]
    assert saturated(0.0) == 0
    assert saturated(1.0) == pytest.approx(1 - np.exp(-1))


@pytest.mark.filterwarnings("error")
def test_no_users_no_orders_and_no_warnings() -> None:
    people = made(1, users=0, base=LIVELY)
    for day in range(3):
        demand, orders = live(people, day, late=5, taken=2, won=3, leaves=1, unhappy=1.0, happy=1.0)
        total = demand.wanted + orders.placed + orders.users_lost + orders.users_joined + orders.lost_enquiries
        assert total.sum() == 0
        assert np.isfinite(demand.expected).all()
    demand, _ = live(made(base=LIVELY), orders_factor=0.0, late=5)
    assert demand.wanted.sum() == 0


# ── segments ─────────────────────────────────────────────────────────────────────────────────────────────────────

SEGMENTS = {
    "elderly": Segment(share=0.3, orders_factor=0.8, phone_factor=3.0, voiced_factor=0.5),
    "office": Segment(share=0.6, orders_factor=1.0, late_factor=0.5),
    "demanding": Segment(share=0.1, orders_factor=1.6, voiced_factor=2.0, strictness=0.5),
}


def test_factors_are_scaled_so_that_the_whole_stays_what_it_is() -> None:
    mix = SegmentMix(SEGMENTS, phone_share=0.25)
    assert mix.share @ mix.orders == pytest.approx(1)
    assert mix.of_orders.sum() == pytest.approx(1)
    for factor in (mix.phone, mix.voiced, mix.late):
        assert mix.of_orders @ factor == pytest.approx(1)
    assert mix.phone[0] / mix.phone[1] == pytest.approx(3)
    assert mix.strictness.tolist() == [0, 0, 0.5]
    assert mix.names == ("elderly", "office", "demanding")


@pytest.mark.parametrize("voiced", [False, True])
def test_callers_and_writers_together_are_everybody(voiced: bool) -> None:
    mix = SegmentMix(SEGMENTS, phone_share=0.25)
    weight = mix.of_orders * (mix.voiced if voiced else 1)
    calling = (weight * 0.25 * mix.phone).sum() / weight.sum()
    both = calling * mix.posterior(True, voiced) + (1 - calling) * mix.posterior(False, voiced)
    assert both == pytest.approx(weight / weight.sum())


def test_who_calls_is_rather_old_and_who_speaks_up_rather_demanding() -> None:
    mix = SegmentMix(SEGMENTS, phone_share=0.25)
    assert mix.posterior(True)[0] > mix.of_orders[0] > mix.posterior(False)[0]
    assert mix.posterior(True, voiced=True)[2] > mix.posterior(True)[2]
    known = np.array([0.24 * 3, 0.6, 0.16])
    assert mix.posterior(True) == pytest.approx(known / known.sum())


def test_writing_tells_nothing_when_nobody_calls_or_everybody_does() -> None:
    for mix in (SegmentMix(SEGMENTS), SegmentMix({"all": Segment(share=1.0)}, phone_share=1.0)):
        assert mix.posterior(False) == pytest.approx(mix.of_orders)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segments": {"a": {"share": 0.5}, "b": {"share": 0.4}}}, "add up to 0.9; allowed: exactly 1"),
        ({"segments": {"a": {"share": 1.0, "orders_factor": 0}}}, "no segment orders anything"),
        ({"segments": {"a": {"share": 1.0, "phone_factor": 0}}}, "phone_factor is 0 for all"),
        ({"lost_per_month_share": 1.0}, "less than 1"),
        ({"households_per_user": 1.0}, "greater than 1"),
        ({"unhappy_half_life_days": 0}, "greater than or equal to 0.1"),
        ({"orders_per_user_per_day": -0.1}, "greater than or equal to 0"),
        ({"loyalty": 1}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        PeopleSection(**{**QUIET, **changes})
