"""Routes of vans: PyVRP and its readers against known optima, habit against plan."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import pyvrp
import vrplib
from pyvrp.stop import MaxIterations

from sim.sections.fleet import Driving
from sim.sections.places import Community, Places
from sim.world.geography import geography
from sim.world.route_plans import (
    Tours,
    distances_m,
    habitual_tours,
    lay_out_stops,
    length_m,
    planned_tours,
    shortest_tours,
    van_keys,
    vans_for,
)


def city(seed: int, stops: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stops on a disc of 10 km and the order in which they joined."""
    random = np.random.default_rng(seed)
    radius, angle = 10 * np.sqrt(random.random(stops)), 2 * np.pi * random.random(stops)
    return radius * np.cos(angle), radius * np.sin(angle), random.integers(-(2**62), 2**62, stops)


def all_stops(tours: Tours) -> list[int]:
    return sorted(stop for tour in tours for stop in tour)


def best_of_all(distance: np.ndarray, capacity: int) -> int:
    """Least total length with two vans, by trying every split of the stops and every order."""
    stops = range(1, distance.shape[0])
    full = (1 << len(stops)) - 1

    def tour(members: int) -> int:
        chosen = [stop for stop in stops if members >> (stop - 1) & 1]
        if len(chosen) > capacity:
            return 10**12
        lengths = [
            sum(int(distance[a, b]) for a, b in zip((0, *p), (*p, 0), strict=True)) for p in permutations(chosen)
        ]
        return min(lengths)

    best = {members: tour(members) for members in range(full + 1)}
    return min(best[members] + best[full ^ members] for members in best)


@pytest.mark.parametrize("seed", range(4))
def test_the_planner_finds_the_optimum_of_small_instances(seed: int) -> None:
    distance = distances_m(*city(seed, stops=7)[:2])
    tours = shortest_tours(distance, np.ones(7, dtype=np.int64), vans=2, capacity=4, iterations=200)
    assert all_stops(tours) == list(range(7))
    assert max(len(tour) for tour in tours) <= 4
    assert length_m(tours, distance) == best_of_all(distance, capacity=4)


def test_the_planner_keeps_far_clusters_apart() -> None:
    # Three clusters of three stops, 100 km away in three directions: a van each, 2 × 102 km, nothing shorter.
    rays = np.exp(2j * np.pi * np.arange(3) / 3)
    at = (rays[:, None] * np.array([100.0, 101.0, 102.0])).ravel()
    tours = shortest_tours(distances_m(at.real, at.imag), np.ones(9, dtype=np.int64), 3, 3, 100)
    assert sorted(sorted(tour) for tour in tours) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert length_m(tours, distances_m(at.real, at.imag)) == 3 * 2 * 102_000


def test_demand_fills_vans() -> None:
    distance = distances_m(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    tours = shortest_tours(distance, np.array([2, 1, 2], dtype=np.int64), vans=2, capacity=3, iterations=100)
    assert all_stops(tours) == [0, 1, 2]
    # The far two together (6 km), the near one alone (2 km); all in one van would not fit.
    assert length_m(tours, distance) == 8_000


def spokes(vans: int, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers on spokes, int (n, 2), and the hours they are to be served at, int (n,).

    Those of a level are to be served at the same moment, so that no van serves two of them; each of ``vans`` therefore
    serves one of each level, the outermost too, and drives at least to it and back. Along its own spoke it drives
    exactly that: the optimum is ``vans`` × 2 × the outermost radius.
    """
    directions = np.array([(3, 4), (4, -3), (-3, -4), (-4, 3), (0, 5), (5, 0)])[:vans]
    steps = 2 + np.arange(levels)
    return (directions[:, None, :] * steps[:, None]).reshape(-1, 2), np.tile(5 * steps, vans)


@pytest.mark.parametrize(("vans", "levels"), [(2, 4), (4, 5), (6, 8)])
def test_pyvrp_solves_time_windows_with_an_optimum_known_by_construction(
    tmp_path: Path, vans: int, levels: int
) -> None:
    at, due = spokes(vans, levels)
    nodes = [f"{i + 2} {x} {y}" for i, (x, y) in enumerate(at)]
    windows = [f"{i + 2} {when} {when}" for i, when in enumerate(due)]
    file = tmp_path / "spokes.vrp"
    file.write_text(
        "\n".join(
            [
                "NAME : spokes",
                "TYPE : VRPTW",
                f"DIMENSION : {len(at) + 1}",
                f"VEHICLES : {vans}",
                f"CAPACITY : {levels}",
                "SERVICE_TIME : 0",
                "EDGE_WEIGHT_TYPE : EUC_2D",
                "NODE_COORD_SECTION",
                "1 0 0",
                *nodes,
                "DEMAND_SECTION",
                "1 0",
                *(f"{i + 2} 1" for i in range(len(at))),
                "TIME_WINDOW_SECTION",
                "1 0 1000",
                *windows,
                "DEPOT_SECTION",
                "1",
                "-1",
                "EOF",
            ]
        )
    )
    data = pyvrp.read(file, round_func="exact")
    result = pyvrp.solve(data, MaxIterations(500), seed=1, collect_stats=False)
    assert result.is_feasible()
    assert result.cost() == vans * 2 * 5 * (1 + levels) * 1000
    assert (data.distance_matrix(0) == distances_m(at[:, 0].astype(float), at[:, 1].astype(float))).all()


def test_an_instance_in_solomons_format_has_the_planners_distances(tmp_path: Path) -> None:
    x, y, _ = city(5, stops=25)
    x, y = np.round(x), np.round(y)
    rows = [f"{i + 1} {int(a)} {int(b)} 10 0 1236 90" for i, (a, b) in enumerate(zip(x, y, strict=True))]
    columns = "CUST NO. XCOORD. YCOORD. DEMAND READY TIME DUE DATE SERVICE TIME"
    head = f"SPREAD\nVEHICLE\nNUMBER CAPACITY\n3 90\nCUSTOMER\n{columns}\n"
    file = tmp_path / "spread.txt"
    file.write_text(head + "\n".join(["0 0 0 0 0 1236 0", *rows]))
    read = vrplib.read_instance(file, instance_format="solomon")
    ours = distances_m(x, y)
    assert (np.rint(1000 * read["edge_weight"]).astype(np.int64) == ours).all()
    tours = shortest_tours(ours, read["demand"][1:], int(read["vehicles"]), int(read["capacity"]), 100)
    assert all_stops(tours) == list(range(25))
    assert max(10 * len(tour) for tour in tours) <= 90


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_is_never_longer_than_habit_and_serves_the_same_stops(seed: int) -> None:
    x, y, joined = city(seed)
    habit, distance = habitual_tours(x, y, joined, 2), distances_m(x, y)
    assert all_stops(habit) == list(range(60))
    assert [len(tour) for tour in habit] == [30, 30]
    for iterations in (0, 20, 200):
        plan = planned_tours(x, y, joined, 2, iterations)
        assert all_stops(plan) == list(range(60))
        assert max(len(tour) for tour in plan) <= 30
        assert length_m(plan, distance) <= length_m(habit, distance)


def test_four_hundred_iterations_come_near_to_many_more() -> None:
    x, y, joined = city(11, stops=40)
    distance = distances_m(x, y)
    short, long = (length_m(planned_tours(x, y, joined, 2, n), distance) for n in (400, 2000))
    assert short <= 1.03 * long


def test_equal_cities_are_planned_once_and_alike() -> None:
    x, y, joined = city(1, stops=30)
    assert planned_tours(x, y, joined, 1, 50) is planned_tours(x.copy(), y.copy(), joined.copy(), 1, 50)
    assert habitual_tours(x, y, joined, 1) is habitual_tours(x.copy(), y.copy(), joined.copy(), 1)


def test_a_new_stop_leaves_the_others_in_their_order() -> None:
    x, y, joined = city(3, stops=20)
    joined[-1] = np.iinfo(np.int64).max
    before, after = habitual_tours(x[:-1], y[:-1], joined[:-1], 1), habitual_tours(x, y, joined, 1)
    assert tuple(stop for stop in after[0] if stop != 19) == before[0]


def test_no_stops_need_no_tours() -> None:
    nothing = np.empty(0)
    assert habitual_tours(nothing, nothing, np.empty(0, dtype=np.int64), 0) == ()
    assert planned_tours(nothing, nothing, np.empty(0, dtype=np.int64), 0, 100) == ()


def driving(**changes: object) -> Driving:
    return Driving.model_validate(
        {"stops_per_van": 40, "departs_at_h": 9, "unloading_min": 4, "speed_km_per_h": 20} | changes
    )


def test_vans_are_as_many_as_the_stops_take() -> None:
    assert [vans_for(driving(), n) for n in (0, 1, 40, 41, 100)] == [0, 1, 1, 2, 3]
    assert [vans_for(driving(vans_per_city=4), n) for n in (0, 2, 100)] == [0, 2, 4]


def test_each_leader_has_a_stop_near_the_middle_and_a_community_without_leaders_one_in_it() -> None:
    listed = [
        Community(community=name, city="a", users=100, leaders=leaders, x_km=3 * i, y_km=1)
        for i, (name, leaders) in enumerate([("none", 0), ("three", 3), ("one", 1)])
    ]
    where = geography(Places(listed=listed))
    stops = lay_out_stops(driving(stop_spread_km=0.5), where)
    assert stops.community.tolist() == [0, 1, 1, 1, 2]
    assert stops.leader.tolist() == [-1, 0, 1, 2, 3]
    assert stops.first.tolist() == [0, 1, 4, 5]
    away = np.hypot(stops.x_km - where.x_km[stops.community], stops.y_km - where.y_km[stops.community])
    assert away[0] == 0
    assert ((away[1:] > 0) & (away[1:] <= 0.5)).all()
    assert van_keys(where, stops.vans).size == 1


def test_one_more_city_moves_no_stop_and_no_van() -> None:
    def laid_out(cities: int) -> tuple[np.ndarray, np.ndarray]:
        where = geography(Places(cities=cities, communities_per_city=30))
        stops = lay_out_stops(driving(stop_spread_km=0.5), where)
        return stops.x_km, van_keys(where, stops.vans)

    (one, van), (two, more) = laid_out(1), laid_out(2)
    assert (two[: one.size] == one).all()
    assert (more[: van.size] == van).all()
    assert len(set(more.tolist())) == 4
