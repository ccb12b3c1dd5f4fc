"""The fleet's day: balances to the unit, switches that move only their own, closed depots, incidents."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from sim.sections.fleet import FleetSection
from sim.sections.places import Community, Places
from sim.service.topics import NUMBERS, ORDINARY
from sim.world.chance import Chance
from sim.world.drive import Driven
from sim.world.fleet import Fleet
from sim.world.flows import Delivery, Today
from sim.world.geography import Geography, geography

CITY = Places(cities=1, communities_per_city=20, users_per_community=1000, leaders_per_community=2)


def section(**changes: object) -> FleetSection:
    """Values near those of today's scenario; ``driving__leg_cv=0`` changes a part's field."""
    parts: dict[str, dict[str, object]] = {
        "driving": {
            "stops_per_van": 40,
            "departs_at_h": 9,
            "unloading_min": 4,
            "unloading_order_s": 1.5,
            "speed_km_per_h": 20,
            "way_factor": 1.3,
            "stop_spread_km": 0.5,
            "leg_cv": 0.4,
            "van_day_cv": 0.12,
            "city_day_cv": 0.06,
            "rush": [{"span": "07:30-09:30", "factor": 1.4}],
            "breakdown_share": 0.01,
            "breakdown_min": 90,
        },
        "sorting": {
            "capacity_orders_per_user": 0.195,
            "sorting_h": 8,
            "error_share": 0.015,
            "error_growth": 4,
            "bad_night_share": 0.03,
            "bad_night_factor": 5,
        },
        "cool_box": {"fresh_share": 0.4, "lasts_h": 4, "fails_per_h": 0.05, "summer_factor": 3, "hottest_day": 200},
        "rounds": {
            "hand_over_min": 4,
            "hand_over_cv": 0.6,
            "neighbourhood_km": 0.75,
            "speed_km_per_h": 5,
            "habit_blocks": 2,
            "street_cv": 0.3,
            "sampled_neighbourhoods": 8,
            "most_doors": 24,
        },
    }
    whole: dict[str, object] = {"due_at_h": 16, "incident_orders": 100, "home_delivery_share": 0.1}
    for name, value in changes.items():
        part, _, field = name.partition("__")
        (parts[part] if field else whole)[field or part] = value
    return FleetSection.model_validate(whole | parts)


def day(number: int, cities: int = 1, weather: float = 1.0) -> Today:
    return Today(number, number % 7, 1.0, 0.0, "", True, np.full(cities, weather))


def orders_of(where: Geography, mean: float, number: int) -> np.ndarray:
    return Chance(9, 0).poisson("orders", np.full(where.size, mean), where.keys, number)


def everybody(where: Geography) -> np.ndarray:
    return np.ones(where.leader_key.size, dtype=np.bool_)


def deliveries(
    of: FleetSection, days: int = 30, mean: float = 150, places: Places = CITY, weather: float = 1.0
) -> list[Delivery]:
    where = geography(places)
    fleet = Fleet(of, where, Chance(1, 0))
    cities = len(where.cities)
    return [fleet.deliver(day(d, cities, weather), orders_of(where, mean, d), everybody(where)) for d in range(days)]


def differing(a: list[Delivery], b: list[Delivery]) -> set[str]:
    """Fields in which two runs differ on some day."""
    return {
        field.name
        for one, other in zip(a, b, strict=True)
        for field in fields(Delivery)
        if not np.array_equal(getattr(one, field.name), getattr(other, field.name), equal_nan=True)
    }


def total(of: list[Delivery], name: str) -> float:
    return float(sum(getattr(one, name).sum() for one in of))


# ── balances ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_orders_are_handed_out_or_brought_to_the_door_to_the_unit() -> None:
    where = geography(CITY)
    for d, one in enumerate(deliveries(section())):
        assert (one.orders == orders_of(where, 150, d)).all()
        got = np.bincount(where.leader_community, weights=one.hand_outs + one.doors)
        assert (got == one.orders).all()
        for part in (one.late, one.warm, one.short):
            assert ((part >= 0) & (part <= one.orders)).all()


def test_orders_are_split_evenly_and_no_leader_is_always_favoured() -> None:
    where = geography(CITY)
    fleet = Fleet(section(), where, Chance(1, 0))
    goods = np.array([fleet._split(np.full(20, 151), everybody(where), d)[0] for d in range(400)])
    assert set(goods.ravel().tolist()) == {75, 76}
    assert goods.mean(axis=0) == pytest.approx(75.5, abs=0.1)


def test_orders_go_to_the_active_leaders_and_without_any_to_the_first_stop() -> None:
    where = geography(Places(cities=1, communities_per_city=3, leaders_per_community=3))
    fleet = Fleet(section(), where, Chance(1, 0))
    active = np.array([True, False, True, False, False, False, True, True, True])
    one = fleet.deliver(day(0), np.array([100, 50, 30]), active)
    kept = one.hand_outs + one.doors
    assert kept.tolist() == [50, 0, 50, 0, 0, 0, 10, 10, 10]
    assert one.orders.tolist() == [100, 50, 30]
    assert np.isfinite(one.goods_at_min).all()
    assert (one.round_min[kept == 0] == 0).all()


def test_a_closed_depot_keeps_its_orders_and_brings_them_when_it_opens() -> None:
    places = Places(cities=2, communities_per_city=5)
    where = geography(places)
    shut = section(closed=[{"city": "city-01", "from_day": 2, "until_day": 3}])
    fleet = Fleet(shut, where, Chance(1, 0))
    here = where.city == 0
    placed = np.zeros(10, dtype=np.int64)
    brought = np.zeros(10, dtype=np.int64)
    for d in range(6):
        orders = orders_of(where, 40, d)
        one = fleet.deliver(day(d, 2), orders, everybody(where))
        placed, brought = placed + orders, brought + one.orders
        assert (placed == brought + fleet.undelivered).all()
        assert (fleet.undelivered[~here] == 0).all()
        closed = d in (2, 3)
        assert (one.orders[here] == 0).all() == closed
        assert np.isnan(one.goods_at_min[here]).all() == closed
        assert (one.vans[0], one.van_km[0]) == (0, 0) if closed else one.vans[0] > 0
        if d == 4:
            assert (one.orders[here] == sum(orders_of(where, 40, k) for k in (2, 3, 4))[here]).all()
    assert (fleet.undelivered == 0).all()


def test_the_other_city_does_not_notice_a_closed_depot() -> None:
    places = Places(cities=2, communities_per_city=5)
    there = geography(places).city == 1
    shut = section(closed=[{"city": "city-01", "from_day": 2, "until_day": 3}])
    for a, b in zip(deliveries(section(), 6, places=places), deliveries(shut, 6, places=places), strict=True):
        for name in ("orders", "late", "warm", "short", "goods_at_min"):
            assert (getattr(a, name)[there] == getattr(b, name)[there]).all()


# ── switches and directions ──────────────────────────────────────────────────────────────────────────────────────


def test_a_later_due_time_ends_lateness_and_changes_nothing_else() -> None:
    usual, never = deliveries(section(due_at_h=14), 40), deliveries(section(due_at_h=48), 40)
    assert total(usual, "late") > 0
    assert total(never, "late") == 0
    assert differing(usual, never) == {"late", "incident"}


def test_announcing_moves_only_what_is_announced() -> None:
    today, plan = deliveries(section(due_at_h=14)), deliveries(section(due_at_h=14, announce=0.9))
    assert differing(today, plan) == {"announced_share"}
    for one in plan:
        assert (one.announced_share == np.where(one.late > 0, 0.9, 0)).all()


def test_how_rounds_are_ordered_moves_only_their_length() -> None:
    habit = deliveries(section())
    optimised = deliveries(section(round_order="optimised"))
    aware = deliveries(section(round_order="optimised", traffic_aware=True))
    assert differing(habit, optimised) == differing(optimised, aware) == {"round_min"}
    assert total(habit, "round_min") > total(optimised, "round_min") > total(aware, "round_min")


def test_no_doors_no_rounds() -> None:
    without = deliveries(section(home_delivery_share=0))
    assert total(without, "doors") == total(without, "round_min") == 0
    assert differing(deliveries(section()), without) == {"doors", "round_min", "hand_outs"}


def test_boxes_that_never_fail_and_sorting_without_errors_move_only_their_own() -> None:
    usual = deliveries(section())
    assert total(usual, "warm") > 0
    assert differing(usual, deliveries(section(cool_box__fails_per_h=0))) == {"warm"}
    assert differing(usual, deliveries(section(cool_box__fresh_share=0))) == {"warm"}
    perfect = deliveries(section(sorting__error_share=0))
    assert total(perfect, "short") == 0
    assert differing(usual, perfect) <= {"short", "short_incident"}


def test_bad_nights_are_bursts_at_the_same_mean() -> None:
    # A quarter of the nights with five times the errors: those of the others fall, the mean stays.
    calm = deliveries(section(sorting__bad_night_share=0), 300)
    rough = deliveries(section(sorting__bad_night_share=0.25, sorting__bad_night_factor=5), 300)
    assert differing(calm, rough) <= {"short", "short_incident"}
    share = [np.array([one.short.sum() / one.orders.sum() for one in of]) for of in (calm, rough)]
    assert share[0].mean() == pytest.approx(0.015, abs=0.0005)
    assert share[1].mean() == pytest.approx(0.015, abs=0.0025)
    assert share[1].std() > 3 * share[0].std()


def test_a_night_above_capacity_makes_late_vans_and_more_errors() -> None:
    usual, busy, busier = (deliveries(section(), 20, mean=mean) for mean in (150, 250, 350))
    for name in ("late", "short"):
        shares = [total(of, name) / total(of, "orders") for of in (usual, busy, busier)]
        assert shares[0] < shares[1] < shares[2]
    within = deliveries(section(sorting__capacity_orders_per_user=10), 20, mean=250)
    assert total(within, "late") < total(busy, "late")


def test_a_night_at_twice_the_capacity_sends_the_vans_off_a_night_later() -> None:
    where = geography(CITY)
    fleet = Fleet(section(sorting__capacity_orders_per_user=0.05), where, Chance(1, 0))
    _, late_start_min, _ = fleet._sorted_at_night(np.full(20, 100), 0)
    assert late_start_min == pytest.approx([8 * 60])


def test_errors_grow_with_the_load_above_capacity() -> None:
    where = geography(CITY)
    changes = {"sorting__error_share": 0.01, "sorting__error_growth": 4, "sorting__bad_night_share": 0}
    fleet = Fleet(section(**changes, sorting__capacity_orders_per_user=0.1), where, Chance(1, 0))
    for orders, share in ((100, 0.01), (125, 0.02), (250, 0.07)):
        short = [fleet._sorted_at_night(np.full(20, orders), d)[0].sum() for d in range(100)]
        spread = np.sqrt(share / (20 * orders * 100))
        assert np.mean(short) / (20 * orders) == pytest.approx(share, abs=4 * spread)


@pytest.mark.parametrize("planning", ["habitual", "planned"])
def test_worse_weather_never_makes_goods_earlier(planning: str) -> None:
    of = section(planning=planning, planning_iterations=50)
    fair, foul = deliveries(of, 10), deliveries(of, 10, weather=1.4)
    for a, b in zip(fair, foul, strict=True):
        assert (b.goods_at_min >= a.goods_at_min - 1e-9).all()
        assert (b.late >= a.late).all()
        assert (b.round_min >= a.round_min).all()
        assert b.van_km == pytest.approx(a.van_km)


def test_more_orders_keep_the_errors_that_were_there() -> None:
    where = geography(CITY)
    calm = section(sorting__capacity_orders_per_user=10)
    few, many = Fleet(calm, where, Chance(1, 0)), Fleet(calm, where, Chance(1, 0))
    for d in range(30):
        orders = orders_of(where, 150, d)
        a, b = few.deliver(day(d), orders, everybody(where)), many.deliver(day(d), orders + 5, everybody(where))
        assert (b.short >= a.short).all()
        assert (b.doors >= a.doors).all()


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_drives_less_and_serves_everybody() -> None:
    places = Places(cities=2, communities_per_city=25)
    habit = deliveries(section(), 8, places=places)
    plan = deliveries(section(planning="planned", planning_iterations=100), 8, places=places)
    assert total(plan, "van_km") < total(habit, "van_km")
    assert differing(habit, plan) <= {"late", "warm", "goods_at_min", "incident", "van_min", "van_km"}


def test_a_plan_stays_while_the_same_communities_order_and_takes_in_a_new_one_at_once() -> None:
    where = geography(Places(cities=1, communities_per_city=6))
    fleet = Fleet(section(planning="planned", planning_iterations=20), where, Chance(1, 0))
    orders = np.array([9, 9, 9, 9, 0, 0])
    seen = []
    for d in range(16):
        today = orders.copy()
        if d == 3:
            today[4] = 9  # joins in the first week and never orders again
        one = fleet.deliver(day(d), today, everybody(where))
        assert (np.isfinite(one.goods_at_min) == (today > 0)).all()
        seen.append((fleet.routes, fleet.routes.order.size))
    assert [size for _, size in seen] == [8] * 3 + [10] * 11 + [8] * 2
    assert seen[0][0] is seen[2][0]
    assert seen[3][0] is seen[13][0]


def test_the_same_run_twice_is_the_same() -> None:
    of = section(planning="planned", planning_iterations=50, cool_box_first=True)
    assert differing(deliveries(of, 10), deliveries(of, 10)) == set()


# ── incidents ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_late_vans_and_bad_nights_have_numbers_of_their_own() -> None:
    places = Places(cities=3, communities_per_city=30)
    where = geography(places)
    seen: set[int] = set()
    late_any = night_any = False
    for one in deliveries(section(due_at_h=13.5, sorting__bad_night_share=0.3), 25, places=places):
        late, night = set(one.incident.tolist()) - {-1}, set(one.short_incident.tolist()) - {-1}
        assert not (late | night) & seen
        assert not late & night
        assert all(number >= ORDINARY for number in late | night)
        assert (one.late[one.incident >= 0] > 0).all()
        assert (one.short[one.short_incident >= 0] > 0).all()
        for number in night:
            assert len(set(where.city[one.short_incident == number].tolist())) == 1
        seen |= late | night
        late_any, night_any = late_any or bool(late), night_any or bool(night)
    assert late_any
    assert night_any
    assert max(seen) < NUMBERS


def test_few_late_orders_are_no_incident() -> None:
    few = deliveries(section(due_at_h=13, incident_orders=1_000_000))
    assert total(few, "late") > 0
    assert all((one.incident == -1).all() for one in few)


def test_a_community_of_two_late_vans_takes_the_one_with_more_of_its_orders() -> None:
    listed = [Community(community="only", city="a", users=1000, leaders=5, x_km=1, y_km=1)]
    where = geography(Places(listed=listed))
    fleet = Fleet(section(due_at_h=0, driving__stops_per_van=3, incident_orders=1), where, Chance(1, 0))
    one = fleet.deliver(day(0), np.array([100]), everybody(where))
    assert one.vans.tolist() == [2]
    assert one.late.tolist() == [100]
    larger = int(np.bincount(fleet.routes.van).argmax())
    assert one.incident.tolist() == [ORDINARY + larger]


def test_a_van_below_the_threshold_gives_its_number_to_nobody() -> None:
    fleet = Fleet(section(incident_orders=60), geography(Places(communities_per_city=3)), Chance(1, 0))
    late, van_of = np.array([5, 20, 50, 50, 0, 9]), np.array([0, 1, 0, 0, 1, 1])
    driven = Driven(late * 1.0, late > 99, van_of, np.array([True, True]), np.ones(2), np.ones(2))
    assert fleet._late_vans(late, driven).tolist() == [ORDINARY, ORDINARY, -1]


# ── edges ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("planning", ["habitual", "planned"])
@pytest.mark.parametrize(
    "places",
    [
        Places(cities=1, communities_per_city=1),
        Places(cities=1, communities_per_city=1, leaders_per_community=0),
        Places(cities=1, communities_per_city=3, users_per_community=0),
        Places(cities=20, communities_per_city=2),
    ],
    ids=["one community", "no leaders", "no users", "20 cities"],
)
def test_small_and_empty_places_work(places: Places, planning: str) -> None:
    where = geography(places)
    cities = len(where.cities)
    of = section(planning=planning, planning_iterations=10, cool_box_first=True, due_at_h=9.2, incident_orders=1)
    fleet = Fleet(of, where, Chance(1, 0))
    for d, mean in enumerate((0.0, 30.0, 0.2, 0.0)):
        orders = orders_of(where, mean, d)
        one = fleet.deliver(day(d, cities), orders, everybody(where))
        assert (one.orders == orders).all()
        assert (np.isnan(one.goods_at_min) == (orders == 0)).all()
        for field in fields(Delivery):
            value = getattr(one, field.name)
            assert field.name == "goods_at_min" or np.isfinite(value).all()
        lengths = {"doors": where.leader_key.size, "vans": cities, "late": where.size}
        assert all(getattr(one, name).shape == (length,) for name, length in lengths.items())
        if not orders.any():
            assert total([one], "van_km") == total([one], "round_min") == total([one], "vans") == 0


def test_one_more_city_changes_nothing_in_the_first() -> None:
    one = deliveries(section(), 5, places=Places(cities=1, communities_per_city=5))
    two = deliveries(section(), 5, places=Places(cities=2, communities_per_city=5))
    for a, b in zip(one, two, strict=True):
        for name in ("orders", "late", "warm", "short", "goods_at_min"):
            assert np.array_equal(getattr(a, name), getattr(b, name)[:5], equal_nan=True)
        assert (a.round_min == b.round_min[:10]).all()


def test_a_closure_of_an_unknown_city_is_refused_in_one_line() -> None:
    shut = section(closed=[{"city": "nowhere", "from_day": 0, "until_day": 0}])
    with pytest.raises(ValueError, match=r"no city is called 'nowhere'; allowed: city-01"):
        Fleet(shut, geography(CITY), Chance(1, 0))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"closed": [{"city": "a", "from_day": 3, "until_day": 2}]}, "until_day 2 is before from_day 3"),
        ({"closed": [{"city": "a", "from_day": 0, "until_day": 2}] * 2}, "'a' is closed twice on day 0"),
        ({"driving__rush": [{"span": "07:00-09:00", "factor": 2}, {"span": "08:00-10:00", "factor": 2}]}, "overlap"),
        ({"driving__rush": [{"span": "23:00-01:00", "factor": 2}, {"span": "00:30-02:00", "factor": 2}]}, "overlap"),
        ({"home_delivery_share": 1.5}, "less than or equal to 1"),
        ({"driving__speed_km_per_h": 0}, "greater than 0"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        section(**changes)
