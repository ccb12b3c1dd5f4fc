"""Events of a scenario: what each does on its days, in its city, and to nothing else."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.library import load
from sim.run import replicate
from sim.sections.events import Event
from sim.sections.places import Places
from sim.service.tables import Float64
from sim.session import build_loaded
from sim.world.chance import Chance
from sim.world.events import Events
from sim.world.flows import CHANNELS, Demand, Moods, Today
from sim.world.geography import geography

TOWN = geography(Places(cities=2, communities_per_city=3, users_per_community=1000, leaders_per_community=50))
"""Two cities of three communities with 150 leaders each."""


def events(*given: dict[str, Any]) -> Events:
    return Events(tuple(Event.model_validate(one) for one in given), TOWN, Chance(3, 0))


def today(day: int) -> Today:
    return Today(day, day % 7, 1.0, 0.0, "", True, np.array([1.0, 1.2]))


def demand() -> Demand:
    users = np.full(6, 1000, dtype=np.int64)
    return Demand(users, np.full(6, 1000.0), users.copy())


def moods() -> Moods:
    none, nothing, never = np.zeros(6, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.bool_)
    codes = np.zeros(0, dtype=np.int8)
    return Moods(
        satisfaction=nothing,
        rated=never,
        recorded=nothing,
        compensation_yuan=nothing,
        complains=never,
        place=codes,
        complaint_cause=codes,
        third_party=never,
        unhappy=none.astype(np.float64),
        happy=none.astype(np.float64),
        leaves=none,
        posts=np.arange(6),
        good_deeds=none,
        scandal=False,
        escalations=np.zeros((6, len(CHANNELS)), dtype=np.int64),
    )


# ── what is said of each event ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"event": "bad_weather", "day": 1}, "driving_factor"),
        ({"event": "late_goods", "day": 1}, "hours"),
        ({"event": "late_goods", "day": 1, "hours": 3, "share": 0.5}, "allowed: hours"),
        ({"event": "post", "day": 1, "share": 0.5}, "allowed: nothing"),
        ({"event": "scandal", "day": 1, "hours": 2}, "allowed: nothing"),
        ({"event": "scandal", "day": 1, "city": "city-01"}, "without a city"),
        ({"event": "system_down", "day": 1, "hours": 2, "pace_factor": 0.5, "city": "city-01"}, "without a city"),
        ({"event": "earthquake", "day": 1}, "event"),
    ],
)
def test_an_event_that_is_not_what_it_needs_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Event.model_validate(wrong)


# ── each event by itself ─────────────────────────────────────────────────────────────────────────────────────────


def test_without_an_event_every_day_is_handed_on_as_it_is() -> None:
    on_other_days = events(
        {"event": "bad_weather", "day": 5, "driving_factor": 2},
        {"event": "late_goods", "day": 5, "hours": 2},
        {"event": "system_down", "day": 5, "hours": 2, "pace_factor": 0.5},
        {"event": "post", "day": 5},
        {"event": "scandal", "day": 5},
        {"event": "leaders_leave", "day": 5, "share": 1},
    )
    for here in (events(), on_other_days):
        day, wanted, said = today(4), demand(), moods()
        assert here.driving(day) is day
        assert here.orders(day, wanted) is wanted
        assert here.told(day, said) is said
        assert here.pace(day) == 1.0
        assert not here.leaving(day).any()


def test_bad_weather_multiplies_driving_times_in_its_city_on_its_days() -> None:
    storm = events(
        {"event": "bad_weather", "day": 2, "days": 2, "city": "city-02", "driving_factor": 1.5},
        {"event": "bad_weather", "day": 3, "driving_factor": 2},
    )
    by_day: list[list[float]] = [storm.driving(today(day)).weather.tolist() for day in range(1, 5)]
    assert by_day == [[1.0, 1.2], [1.0, pytest.approx(1.8)], [2.0, pytest.approx(3.6)], [1.0, 1.2]]


def test_hours_by_which_vans_leave_later_add_up() -> None:
    late = events(
        {"event": "late_goods", "day": 2, "days": 2, "city": "city-01", "hours": 1.5},
        {"event": "late_goods", "day": 3, "hours": 2},
    )
    assert np.asarray(late.driving(today(2)).vans_later_min).tolist() == [90, 0]
    assert np.asarray(late.driving(today(3)).vans_later_min).tolist() == [210, 120]
    assert late.driving(today(3)).weather.tolist() == [1.0, 1.2]


def test_while_the_system_is_down_no_order_is_placed_and_agents_are_slower() -> None:
    down = events({"event": "system_down", "day": 2, "hours": 6, "pace_factor": 0.5})
    found = down.orders(today(2), demand())
    assert found.expected.tolist() == [750.0] * 6
    assert abs(found.wanted.sum() - 4500) < 5 * np.sqrt(6000 * 0.75 * 0.25)
    assert (found.wanted <= demand().wanted).all()
    assert down.pace(today(2)) == pytest.approx(1 - 0.25 * 0.5)


def test_a_longer_outage_leaves_no_community_more_orders() -> None:
    wanted = [
        events({"event": "system_down", "day": 2, "hours": hours, "pace_factor": 1}).orders(today(2), demand()).wanted
        for hours in (2, 6, 12, 24)
    ]
    assert all((more >= less).all() for more, less in pairwise(wanted))
    assert not wanted[-1].any()


def test_a_share_of_the_leaders_leaves_once_and_only_in_the_city() -> None:
    leaving = events({"event": "leaders_leave", "day": 2, "days": 3, "city": "city-02", "share": 0.3})
    going = leaving.leaving(today(2))
    in_city = TOWN.city[TOWN.leader_community] == 1
    assert not going[~in_city].any()
    assert abs(going.sum() - 45) < 5 * np.sqrt(150 * 0.3 * 0.7)
    assert not leaving.leaving(today(3)).any()


def test_whoever_leaves_of_a_few_leaves_of_many_too() -> None:
    few, many = (events({"event": "leaders_leave", "day": 2, "share": share}).leaving(today(2)) for share in (0.1, 0.4))
    assert few.any()
    assert (many | ~few).all()


def test_an_events_post_comes_on_top_of_those_that_users_write() -> None:
    said = events({"event": "post", "day": 2, "city": "city-02"}, {"event": "post", "day": 2}).told(today(2), moods())
    assert said.posts.tolist() == [1, 2, 3, 5, 6, 7]
    assert not said.scandal


def test_a_scandal_is_told_once() -> None:
    scandal = events({"event": "scandal", "day": 2})
    assert [scandal.told(today(day), moods()).scandal for day in (1, 2, 3)] == [False, True, False]
    assert scandal.told(today(2), moods()).posts.tolist() == moods().posts.tolist()


# ── in a run ─────────────────────────────────────────────────────────────────────────────────────────────────────

DAY, DAYS = 2, 6


def lived(*given: str) -> dict[str, Float64]:
    """Sums by day of six days in the pilot's communities, with events on the third."""
    sets = [f"horizon.days={DAYS}", "horizon.warm_up_days=0"]
    if given:
        sets.append(f"world.events=[{', '.join(given)}]")
    record = replicate(build_loaded(load("today_pilot", (), sets)), 1, 0, keep_trace=False)
    assert record.days is not None
    return {name: values.reshape(DAYS, -1).sum(axis=1) for name, values in record.days.values.items()}


@pytest.fixture(scope="module")
def quiet() -> dict[str, Float64]:
    return lived()


def test_goods_that_leave_after_the_due_time_all_come_late(quiet: dict[str, Float64]) -> None:
    late = lived(f"{{event: late_goods, day: {DAY}, hours: 8}}")
    assert late["orders_late"][DAY] == late["orders_delivered"][DAY] == quiet["orders_delivered"][DAY] > 0
    assert late["problems"][DAY] > quiet["problems"][DAY]
    assert late["orders_late"][DAY + 1] == quiet["orders_late"][DAY + 1]
    for name in ("orders", "problems", "users", "van_km"):
        assert (late[name][:DAY] == quiet[name][:DAY]).all()


def test_a_post_takes_orders_from_the_next_morning_on(quiet: dict[str, Float64]) -> None:
    told = lived(f"{{event: post, day: {DAY}}}")
    assert told["posts"][DAY] == quiet["posts"][DAY] + 3
    assert (told["orders"][: DAY + 1] == quiet["orders"][: DAY + 1]).all()
    assert (told["orders_wanted"][DAY + 1 :] < quiet["orders_wanted"][DAY + 1 :]).all()
    assert (told["complaints"][: DAY + 1] == quiet["complaints"][: DAY + 1]).all()


def test_a_scandal_takes_orders_from_the_next_morning_on(quiet: dict[str, Float64]) -> None:
    told = lived(f"{{event: scandal, day: {DAY}}}")
    assert told["scandals"].tolist() == [0, 0, 1, 0, 0, 0]
    assert (told["orders"][: DAY + 1] == quiet["orders"][: DAY + 1]).all()
    assert (told["orders_wanted"][DAY + 1 :] < quiet["orders_wanted"][DAY + 1 :]).all()


def test_bad_weather_keeps_vans_on_the_road_for_longer_and_no_further(quiet: dict[str, Float64]) -> None:
    storm = lived(f"{{event: bad_weather, day: {DAY}, driving_factor: 3}}")
    assert storm["van_min"][DAY] > quiet["van_min"][DAY]
    assert storm["van_km"][DAY] == quiet["van_km"][DAY]
    assert storm["round_min"][DAY] > quiet["round_min"][DAY]


def test_a_day_without_the_system_is_a_day_without_orders(quiet: dict[str, Float64]) -> None:
    down = lived(f"{{event: system_down, day: {DAY}, hours: 24, pace_factor: 0.5}}")
    assert down["orders"][DAY] == 0
    assert down["orders_delivered"][DAY] == quiet["orders_delivered"][DAY]
    assert down["orders_delivered"][DAY + 1] == 0


def test_leaders_whom_an_event_takes_are_gone_the_next_morning(quiet: dict[str, Float64]) -> None:
    leave = lived(f"{{event: leaders_leave, day: {DAY}, share: 0.5}}")
    gone = leave["leaders_lost"][DAY]
    assert gone > quiet["leaders_lost"][DAY]
    assert leave["leaders"][DAY + 1] == leave["leaders"][DAY] - gone
    assert leave["users_taken"][DAY + 1] > 0
