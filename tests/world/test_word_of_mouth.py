"""Word of mouth: posts and who joins in, scandals, good deeds, and how all of it fades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.places import Places
from sim.sections.word_of_mouth import WordOfMouth
from sim.world.chance import Chance
from sim.world.flows import CHANNELS, Demand, Moods, Today
from sim.world.geography import geography
from sim.world.word_of_mouth import Buzz, size_of_a_post, size_of_a_scandal

TALK: dict[str, Any] = {
    "families_per_post": 20,
    "families_per_joiner": 10,
    "joins_share": 0.04,
    "unhappy_half_life_days": 30,
    "unhappy_at_start_per_user": 0.3,
    "moved_half_life_days": 7,
    "ordering_every_days": 2,
    "scandal_heard_share": 0.5,
    "scandal_stops_share": 0.4,
    "scandal_half_life_days": 10,
    "neighbours_per_good_deed": 5,
    "neighbours_new_share": 0.6,
    "good_deed_orders_share": 0.3,
    "good_deed_half_life_days": 7,
}


def section(**changes: Any) -> WordOfMouth:
    return WordOfMouth(**{**TALK, **changes})


class Town:
    """Communities of 1,000 users with 0.15 orders each a day, that listen to ``buzz``."""

    def __init__(self, communities: int = 4, seed: int = 1, users: int = 1000, **changes: Any) -> None:
        self.size = communities
        self.users = np.full(communities, users, dtype=np.int64)
        self.buzz = Buzz(section(**changes), geography(Places(communities_per_city=communities)), Chance(seed, 0))
        self.day = 0

    def live(self, orders_factor: float = 1.0, **by_community: Any) -> None:
        """One day: what is said by community (a number for all, or an array)."""
        today = Today(self.day, self.day % 7, orders_factor, 0.0, "", True, np.ones(1))
        expected = self.users * 0.15 * orders_factor * self.buzz.factor()
        demand = Demand(self.users, expected, np.round(expected).astype(np.int64))
        self.buzz.evening(today, moods(self.size, **by_community), demand)
        self.day += 1


def moods(size: int, **by_community: Any) -> Moods:
    nothing = np.zeros(0)
    whole = {name: np.zeros(size, dtype=np.int64) for name in ("leaves", "posts", "good_deeds")}
    states: dict[str, Any] = {**whole, "unhappy": np.zeros(size), "happy": np.zeros(size), "scandal": False}
    for name, value in by_community.items():
        states[name] = value if name == "scandal" else np.zeros(size, dtype=states[name].dtype) + value
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


# ── posts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_quiet_day_changes_no_orders() -> None:
    town = Town()
    for _ in range(10):
        town.live(unhappy=20.0, happy=5.0)
        assert (town.buzz.factor() == 1).all()
        assert (town.buzz.joiners() == 0).all()


def test_a_post_takes_off_its_families_of_those_that_order() -> None:
    town = Town(joins_share=0)
    town.live(posts=np.array([1, 0, 0, 0]))
    assert town.buzz.factor() == pytest.approx([np.exp(-20 / 300), 1, 1, 1])


def test_the_first_day_after_a_post_is_what_the_yardstick_says() -> None:
    town = Town(50)
    town.live(posts=1)
    joined = town.buzz.joined_in
    assert len(set(joined.tolist())) > 3
    known = [1 - size_of_a_post(section(), 1000, 0.15, int(number)) for number in joined]
    assert town.buzz.factor() == pytest.approx(known)


def test_those_with_a_bad_experience_in_mind_join_in() -> None:
    town = Town(2000)
    town.live(posts=1)
    remembered = 0.3 * 0.5 ** (1 / 30)
    assert town.buzz.joined_in.mean() == pytest.approx(0.04 * 1000 * (1 - np.exp(-remembered)), rel=0.03)
    twice = Town(2000)
    twice.live(posts=2)
    assert twice.buzz.joined_in.mean() == pytest.approx(2 * town.buzz.joined_in.mean(), rel=0.03)
    calm = Town(2000, unhappy_at_start_per_user=0)
    calm.live(posts=1)
    assert calm.buzz.joined_in.sum() == 0


def test_a_post_is_louder_in_an_angry_community() -> None:
    calm, angry = Town(300), Town(300)
    for _ in range(10):
        calm.live(unhappy=2.0)
        angry.live(unhappy=40.0)
    calm.live(posts=1)
    angry.live(posts=1)
    assert (angry.buzz.joined_in >= calm.buzz.joined_in).all()
    assert (angry.buzz.factor() <= calm.buzz.factor()).all()
    assert angry.buzz.factor().mean() < calm.buzz.factor().mean()


def test_those_who_have_left_do_not_join_in() -> None:
    stay, leave = Town(unhappy_at_start_per_user=0), Town(unhappy_at_start_per_user=0)
    stay.live(unhappy=300.0)
    leave.live(unhappy=300.0, leaves=300)
    assert (stay.buzz.bad.share > 0).all()
    assert (leave.buzz.bad.share == 0).all()


def test_not_more_join_in_than_have_reason_to() -> None:
    town = Town(100, joins_share=1, unhappy_at_start_per_user=0)
    town.live(posts=1, unhappy=5.0)
    assert 0 < town.buzz.joined_in.max() <= 5


def test_a_second_post_adds_less_than_the_first_and_never_stops_everybody() -> None:
    town, lost = Town(joins_share=0), []
    for _ in range(3):
        town.live(posts=10)
        lost.append(1 - town.buzz.factor()[0])
    assert lost[1] - lost[0] < lost[0]
    town.live(posts=60)
    assert 0 < town.buzz.factor()[0] < 0.05


def test_half_of_the_moved_families_are_back_after_the_half_life() -> None:
    town = Town(joins_share=0)
    town.live(posts=1)
    first = -np.log(town.buzz.factor()[0])
    for _ in range(7):
        town.live()
    assert -np.log(town.buzz.factor()[0]) == pytest.approx(first / 2)


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_post_hits_the_same_share_on_a_busy_and_on_a_quiet_day(factor: float) -> None:
    usual, other = Town(), Town()
    usual.live(posts=1)
    other.live(orders_factor=factor, posts=1)
    assert other.buzz.factor() == pytest.approx(usual.buzz.factor())


def test_families_are_counted_without_those_who_are_silent_already() -> None:
    town = Town(joins_share=0)
    town.live(posts=5)
    before = town.buzz.moved_per_family.copy()
    town.live(posts=5)
    assert town.buzz.moved_per_family == pytest.approx(before * 0.5 ** (1 / 7) + 100 / 300)


def test_no_more_families_order_than_there_are_users() -> None:
    town = Town(joins_share=0, ordering_every_days=100)
    town.live(posts=1)
    assert town.buzz.factor() == pytest.approx(np.full(4, np.exp(-20 / 1000)))


def test_another_community_changes_nobodys_news() -> None:
    few, many = Town(3), Town(30)
    for town in (few, many):
        town.live(posts=2, good_deeds=1, unhappy=10.0)
    assert (many.buzz.factor()[:3] == few.buzz.factor()).all()
    assert (many.buzz.joiners()[:3] == few.buzz.joiners()).all()


# ── scandals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_scandal_lowers_the_orders_of_the_whole_platform_for_a_while() -> None:
    town = Town()
    town.live(scandal=True)
    assert town.buzz.factor() == pytest.approx(np.full(4, 0.8))
    for _ in range(10):
        town.live()
    assert town.buzz.factor() == pytest.approx(np.full(4, 0.9))
    for _ in range(50):
        town.live()
    assert (town.buzz.factor() > 0.99).all()


def test_a_second_scandal_stops_only_those_who_still_order() -> None:
    town = Town(scandal_half_life_days=3650)
    town.live(scandal=True)
    town.live(scandal=True)
    assert town.buzz.factor() == pytest.approx(np.full(4, 0.8**2), rel=1e-3)


def test_the_size_of_a_scandal_is_the_mean_of_the_days_after_it() -> None:
    town, factors = Town(), []
    town.live(scandal=True)
    for _ in range(30):
        factors.append(town.buzz.factor()[0])
        town.live()
    assert size_of_a_scandal(section(), 30) == pytest.approx(1 - np.mean(factors))


# ── good deeds ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_good_deed_brings_five_neighbours_of_whom_some_are_new() -> None:
    town = Town(2000)
    town.live(good_deeds=1)
    assert town.buzz.joiners().mean() == pytest.approx(5 * 0.6, rel=0.06)
    known = 1 + 0.3 * -np.expm1(-5 * 0.4 / 300)
    assert town.buzz.factor() == pytest.approx(np.full(2000, known))


def test_neighbours_join_once_and_good_news_fade() -> None:
    town = Town()
    town.live(good_deeds=20)
    first = town.buzz.factor()[0]
    town.live()
    assert town.buzz.joiners().sum() == 0
    for _ in range(6):
        town.live()
    assert 1 < town.buzz.factor()[0] < 1 + 0.55 * (first - 1)


# ── switches and empty places ────────────────────────────────────────────────────────────────────────────────────

LOUD: dict[str, Any] = {"posts": 2, "good_deeds": 2, "scandal": True, "unhappy": 30.0}


@pytest.mark.parametrize(
    ("off", "news"),
    [
        ({"families_per_post": 0, "families_per_joiner": 0}, {"posts": 5}),
        ({"scandal_heard_share": 0}, {"scandal": True}),
        ({"scandal_stops_share": 0}, {"scandal": True}),
        ({"neighbours_per_good_deed": 0}, {"good_deeds": 5}),
    ],
)
def test_what_is_switched_off_moves_nothing(off: dict[str, Any], news: dict[str, Any]) -> None:
    town = Town(**off)
    town.live(**news)
    assert (town.buzz.factor() == 1).all()
    assert (town.buzz.joiners() == 0).all()


def test_switching_one_part_off_leaves_the_others_alone() -> None:
    whole, quiet = Town(), Town(neighbours_per_good_deed=0, scandal_heard_share=0)
    whole.live(**LOUD)
    quiet.live(**LOUD)
    assert (whole.buzz.joined_in == quiet.buzz.joined_in).all()
    assert (whole.buzz.moved_per_family == quiet.buzz.moved_per_family).all()


def test_a_day_without_orders_keeps_the_count_of_families() -> None:
    town = Town(joins_share=0)
    town.live()
    town.live(orders_factor=0.0, posts=1)
    assert town.buzz.factor() == pytest.approx(np.full(4, np.exp(-20 / 300)))


@pytest.mark.filterwarnings("error")
def test_a_community_without_users_hears_nothing() -> None:
    town = Town(1, users=0)
    for _ in range(3):
        town.live(**{**LOUD, "scandal": False})
        assert (town.buzz.factor() == 1).all()


@pytest.mark.filterwarnings("error")
def test_a_scandal_may_stop_everybody() -> None:
    town = Town(scandal_heard_share=1, scandal_stops_share=1)
    for _ in range(3):
        town.live(**LOUD)
        assert (town.buzz.factor() == 0).all()


def test_the_factor_cannot_be_changed_from_outside() -> None:
    town = Town()
    town.buzz.factor()[:] = 0
    assert (town.buzz.factor() == 1).all()


# ── sizes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_size_of_a_post_by_hand() -> None:
    assert size_of_a_post(section(), 1000, 0.15, 0) == pytest.approx(1 - np.exp(-20 / 300))
    assert size_of_a_post(section(), 1000, 0.15, 12) == pytest.approx(1 - np.exp(-140 / 300))
    assert size_of_a_post(section(ordering_every_days=100), 1000, 0.15, 12) == pytest.approx(1 - np.exp(-140 / 1000))
    assert size_of_a_post(section(), 0, 0.15, 12) == 0


def test_a_post_is_larger_with_more_company_and_smaller_among_more_families() -> None:
    sizes = [size_of_a_post(section(), 1000, 0.15, joiners) for joiners in range(0, 30, 5)]
    assert sizes == sorted(sizes)
    assert size_of_a_post(section(), 2000, 0.15, 10) < size_of_a_post(section(), 1000, 0.15, 10)


def test_what_f18_saw_lies_within_the_reach_of_the_mechanism_but_is_typed_in_nowhere() -> None:
    weak = size_of_a_post(section(families_per_post=10, families_per_joiner=2, ordering_every_days=7), 1000, 0.15, 12)
    strong = size_of_a_post(
        section(families_per_post=40, families_per_joiner=20, ordering_every_days=1), 1000, 0.15, 12
    )
    assert weak < 0.6 < strong


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"families_per_post": -1}, "greater than or equal to 0"),
        ({"joins_share": 1.5}, "less than or equal to 1"),
        ({"ordering_every_days": 0.5}, "greater than or equal to 1"),
        ({"moved_half_life_days": 0}, "greater than or equal to 0.1"),
        ({"cut": 0.6}, "Extra inputs"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        section(**changes)
