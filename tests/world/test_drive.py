"""A day on the road: arrival times by hand, and what moves them which way under common random numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sim.sections.fleet import CoolBox, Driving, Rush
from sim.sections.places import Community, Places
from sim.world.chance import Chance
from sim.world.drive import Driven, Road, Routes, lognormal, rush_clock
from sim.world.flows import Today
from sim.world.geography import geography
from sim.world.route_plans import lay_out_stops, van_keys

LINE = [("near", 5.0, 0.0), ("middle", 10.0, 0.0), ("far", 20.0, 0.0), ("side", 20.0, 10.0)]
"""Four stops of one city, and the way that a van takes through them: 5, 5, 10, 10 km and √500 km back."""


def today(weather: float = 1.0, day: int = 3, cities: int = 1) -> Today:
    return Today(day, 0, 1.0, 0.0, "", True, np.full(cities, weather))


def road(cool_box: dict[str, float] | None = None, seed: int = 1, **changes: object) -> Road:
    """Roads of the line: 60 km/h, 4 min at a stop, without any luck unless changed."""
    listed = [Community(community=c, city="a", users=100, leaders=1, x_km=x, y_km=y) for c, x, y in LINE]
    plain = {"stops_per_van": 40, "departs_at_h": 9, "unloading_min": 4, "speed_km_per_h": 60}
    driving = Driving.model_validate(plain | changes)
    where = geography(Places(listed=listed))
    stops = lay_out_stops(driving, where)
    box = CoolBox.model_validate({"fresh_share": 0.5, "lasts_h": 4} | (cool_box or {}))
    return Road(driving, box, stops, van_keys(where, stops.vans), where.city_keys, Chance(seed, 0))


def drive(
    on: Road, goods: tuple[int, ...] = (1, 1, 1, 1), weather: float = 1.0, day: int = 3, first: bool = False
) -> Driven:
    routes = Routes(order=np.arange(4), van=np.zeros(4, dtype=np.int64))
    return on.drive(today(weather, day), routes, np.array(goods), np.array([540.0]), first)


LUCKY = {"leg_cv": 0.4, "van_day_cv": 0.15, "city_day_cv": 0.1, "breakdown_share": 0.2, "breakdown_min": 60}


def test_without_luck_arrivals_are_the_sums_of_legs_and_unloading() -> None:
    done = drive(road())
    assert done.at_min == pytest.approx([549, 558, 572, 586])
    assert done.van_km == pytest.approx([30 + np.sqrt(500)])
    assert done.van_min == pytest.approx([46 + np.sqrt(500)])
    assert done.drove.tolist() == [True]
    assert not done.warm.any()


def test_way_factor_speed_weather_and_orders_each_do_their_part() -> None:
    done = drive(road(way_factor=1.5, speed_km_per_h=30, unloading_order_s=6), goods=(10, 20, 0, 30), weather=1.2)
    per_km = 60 / 30 * 1.5 * 1.2
    first, second = 540 + 5 * per_km + 4 + 1, 540 + 10 * per_km + 8 + 3
    fourth = second + np.hypot(10, 10) * per_km + 4 + 3
    assert done.at_min == pytest.approx([first, second, np.nan, fourth], nan_ok=True)
    assert done.van_km == pytest.approx([(10 + np.hypot(10, 10) + np.sqrt(500)) * 1.5])


def test_rush_hours_stretch_the_driving_that_falls_into_them() -> None:
    # Twice as slow from 09:02 to 09:06: 2 min free and 1.5 min of driving left take 3 min of rush, unloading takes 4.
    done = drive(road(rush=[{"span": "09:02-09:06", "factor": 2}]))
    assert done.at_min == pytest.approx([540 + 2 + 4 + 1 + 4, 551 + 5 + 4, 574, 588])
    # A rush in which the van unloads costs nothing.
    assert drive(road(rush=[{"span": "09:05-09:09", "factor": 9}])).at_min == pytest.approx([549, 558, 572, 586])


def test_a_rush_hour_may_run_over_midnight() -> None:
    minutes, done = rush_clock([Rush(span="23:00-01:00", factor=2)])
    assert np.interp([0, 60, 120, 1380, 1500], minutes, done) - np.interp(0, minutes, done) == pytest.approx(
        [0, 30, 90, 1350, 1410]
    )


def test_who_leaves_later_never_arrives_earlier() -> None:
    on = road(rush=[{"span": "09:00-10:00", "factor": 5}, {"span": "12:00-12:30", "factor": 2}])
    leaves = np.linspace(500, 800, 3001)
    assert (np.diff(on._arrival(leaves, np.full(3001, 30.0))) >= -1e-9).all()


def test_a_van_waits_for_a_leader_who_is_not_yet_open() -> None:
    done = drive(road(opens_at_h=9.25))
    assert done.at_min == pytest.approx([555 + 4, 559 + 9, 582, 596])
    spread = road(opens_at_h=9, opens_spread_h=2).opens_min
    assert ((spread >= 540) & (spread <= 660)).all()
    assert len(set(spread.tolist())) == 4


def test_a_van_that_breaks_down_delays_what_comes_after() -> None:
    plain, broken = drive(road()), drive(road(breakdown_share=1, breakdown_min=90))
    delay = broken.at_min - plain.at_min
    assert set(delay.round(6).tolist()) <= {0.0, 90.0}
    assert delay[-1] == pytest.approx(90)
    assert (np.diff(delay) >= -1e-9).all()
    assert broken.van_min == pytest.approx(plain.van_min + 90)


@pytest.mark.parametrize("change", ["leg_cv", "van_day_cv", "city_day_cv"])
def test_luck_on_the_road_has_mean_one(change: str) -> None:
    on, without = road(**{change: 0.3}), drive(road(), goods=(0, 0, 0, 1))
    drawn = [float(drive(on, goods=(0, 0, 0, 1), day=day).at_min[3]) for day in range(2000)]
    way = np.sqrt(500)
    assert np.mean(drawn) == pytest.approx(without.at_min[3], abs=4 * 0.3 * way / np.sqrt(2000))
    assert np.std(drawn) == pytest.approx(0.3 * way, rel=0.15)


def test_lognormal_factors_have_the_stated_mean_and_spread() -> None:
    scores = Chance(1, 0).normal("scores", np.arange(200_000))
    drawn = lognormal(scores, 0.5)
    assert drawn.mean() == pytest.approx(1, abs=0.006)
    assert drawn.std() == pytest.approx(0.5, rel=0.02)
    assert (lognormal(scores, 0.0) == 1).all()


@pytest.mark.parametrize("rush", [[], [{"span": "09:00-09:30", "factor": 3}]])
def test_worse_weather_never_makes_anybody_earlier(rush: list[dict[str, object]]) -> None:
    on = road(**LUCKY, rush=rush, opens_at_h=9.2, opens_spread_h=0.5)
    for day in range(50):
        fair, foul, storm = (drive(on, weather=weather, day=day) for weather in (1.0, 1.3, 2.0))
        assert (foul.at_min >= fair.at_min - 1e-9).all()
        assert (storm.at_min >= foul.at_min - 1e-9).all()
        assert (storm.van_min > fair.van_min).all()


def test_a_stop_without_goods_is_passed_over_and_moves_nobodys_luck() -> None:
    on = road(**LUCKY)
    with_all, without_last = drive(on), drive(on, goods=(1, 1, 1, 0))
    plain = road(leg_cv=0.4)
    assert (drive(plain, goods=(1, 1, 1, 0)).at_min[:3] == drive(plain).at_min[:3]).all()
    assert np.isnan(without_last.at_min[3])
    assert np.isfinite(with_all.at_min).all()


def test_no_goods_no_drive() -> None:
    done = drive(road(**LUCKY), goods=(0, 0, 0, 0))
    assert np.isnan(done.at_min).all()
    assert done.van_min.sum() == done.van_km.sum() == 0
    assert not done.drove.any()


def test_boxes_hold_for_a_while_and_then_fail_at_the_stated_rate() -> None:
    on = road({"fails_per_h": 0.5, "lasts_h": 0.2})
    hot = np.array([drive(on, day=day).warm for day in range(4000)])
    hours = np.array([9, 18, 32, 46]) / 60
    expected = 1 - np.exp(-0.5 * np.maximum(hours - 0.2, 0))
    assert expected[0] == 0
    assert not hot[:, 0].any()
    assert hot.mean(axis=0) == pytest.approx(expected, abs=0.03)


def test_summer_heats_boxes_and_winter_does_not() -> None:
    def hot(day: int, factor: float) -> int:
        box = {"fails_per_h": 0.3, "lasts_h": 0, "summer_factor": factor, "hottest_day": 200}
        return sum(int(drive(road(box, seed=seed), day=day).warm.sum()) for seed in range(60))

    assert hot(200, 4) > hot(200, 1)
    assert hot(200 - 183, 4) == hot(200 - 183, 1)


def test_boxes_that_would_not_last_come_first_and_stay_cool() -> None:
    box = {"fails_per_h": 3.0, "lasts_h": 0.5}
    on = road(box)
    saved = 0
    for day in range(60):
        usual, sensed = drive(on, day=day), drive(on, day=day, first=True)
        hot = np.flatnonzero(usual.warm)
        if hot.size == 1 and hot[0] == 3:
            # The last stop goes first: out to it, then the others in their order.
            assert sensed.at_min[3] == pytest.approx(540 + np.sqrt(500) + 4)
            assert (np.argsort(sensed.at_min) == [3, 0, 1, 2]).all()
            assert not sensed.warm[3]
            saved += 1
        if not hot.size:
            assert (sensed.at_min == usual.at_min).all()
    assert saved > 0


def test_a_van_that_is_there_for_a_hot_box_serves_the_whole_community() -> None:
    listed = [
        Community(community=name, city="a", users=100, leaders=leaders, x_km=x, y_km=0)
        for name, leaders, x in (("near", 1, 5), ("far", 2, 20))
    ]
    where = geography(Places(listed=listed))
    driving = Driving(stops_per_van=40, departs_at_h=9, unloading_min=4, speed_km_per_h=60)
    box = CoolBox(fresh_share=0.5, lasts_h=0.2, fails_per_h=1)
    stops = lay_out_stops(driving, where)
    on = Road(driving, box, stops, van_keys(where, stops.vans), where.city_keys, Chance(1, 0))
    routes, goods, departs = (
        Routes(np.arange(3), np.zeros(3, dtype=np.int64)),
        np.ones(3, dtype=np.int64),
        np.array([540.0]),
    )
    seen = 0
    for day in range(40):
        usual, sensed = (on.drive(today(day=day), routes, goods, departs, first) for first in (False, True))
        if usual.warm.tolist() in ([False, True, False], [False, False, True]):
            assert sensed.at_min == pytest.approx([587, 564, 568])
            seen += 1
    assert seen > 0


def test_without_boxes_that_fail_the_rule_changes_nothing() -> None:
    on = road(**LUCKY)
    usual, sensed = drive(on), drive(on, first=True)
    assert (usual.at_min == sensed.at_min).all()
    assert not sensed.warm.any()
