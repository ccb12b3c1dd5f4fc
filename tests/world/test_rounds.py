"""Leaders' rounds to the doors: exact where it can be known, never longer when planned better."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from sim.sections.fleet import FleetSection, Rounds
from sim.world import rounds as subject
from sim.world.chance import Chance
from sim.world.rounds import order_of, round_lengths, round_table, share_table
from sim.world.route_plans import length_m, shortest_tours

SMALL = {"sampled_neighbourhoods": 8, "most_doors": 24}


def rounds(**changes: object) -> Rounds:
    plain = {"hand_over_min": 4, "neighbourhood_km": 0.75, "speed_km_per_h": 5, "habit_blocks": 2, "street_cv": 0.3}
    return Rounds.model_validate(plain | SMALL | changes)


def section(share: float = 0.2, **changes: object) -> FleetSection:
    return FleetSection.model_validate(
        {
            "due_at_h": 16,
            "incident_orders": 100,
            "home_delivery_share": share,
            "driving": {"stops_per_van": 40, "departs_at_h": 9, "unloading_min": 4, "speed_km_per_h": 20},
            "sorting": {"capacity_orders_per_user": 0.2},
            "cool_box": {"fresh_share": 0.4, "lasts_h": 4},
            "rounds": rounds(),
        }
        | changes
    )


def test_a_round_to_one_door_goes_there_and_back() -> None:
    one = rounds(street_cv=0, hand_over_min=0)
    x, y = subject._doors(one)
    for order in ("habit", "optimised", "traffic_aware"):
        way = round_table(one, order).way_min
        assert (way[0] == 0).all()
        assert way[1] == pytest.approx(2 * (np.abs(x[:, 1]) + np.abs(y[:, 1])) * 60 / 5)


def test_the_shortest_round_of_eight_doors_is_the_best_of_all_orders() -> None:
    km, _ = subject._neighbourhoods(rounds())
    found = subject._along(km, subject._shortest_tours(km[:, :9, :9]))[8]
    orders = np.array([(0, *one) for one in permutations(range(1, 9)) if one[0] < one[-1]])
    best = [one[orders, np.roll(orders, -1, axis=1)].sum(axis=1).min() for one in km]
    assert found == pytest.approx(best)


def test_longer_rounds_come_within_some_per_cent_of_pyvrp() -> None:
    km, _ = subject._neighbourhoods(rounds())
    ours = subject._along(km, subject._shortest_tours(km))
    for doors in (12, 24):
        gaps = []
        for sample in range(4):
            metres = np.rint(1e5 * km[sample, : doors + 1, : doors + 1]).astype(np.int64)
            tour = shortest_tours(metres, np.ones(doors, dtype=np.int64), 1, doors, 200)
            gaps.append(ours[doors, sample] / (length_m(tour, metres) / 1e5) - 1)
        assert np.mean(gaps) < 0.04
        assert min(gaps) > -0.01


def test_every_tour_goes_to_each_door_once() -> None:
    km, _ = subject._neighbourhoods(rounds())
    for tours in (subject._habitual_tours(rounds()), subject._shortest_tours(km)):
        assert len(tours) == 25
        for n, tour in enumerate(tours):
            assert (np.sort(tour, axis=1) == np.arange(n + 1)).all()


def test_one_block_is_the_lists_order_and_blocks_are_walked_to_and_fro() -> None:
    assert (subject._habitual_tours(rounds(habit_blocks=1))[24] == np.arange(25)).all()
    x, y = subject._doors(rounds())
    tour = subject._habitual_tours(rounds(habit_blocks=2))[24]
    for sample in range(8):
        at_x, at_y = x[sample, tour[sample, 1:]] > 0, y[sample, tour[sample, 1:]] > 0
        block = np.where(at_y, 3 - at_x, at_x)  # 0 1 below, then 2 3 above, back again
        assert (np.diff(block) >= 0).all()


def test_optimising_shortens_and_knowing_the_traffic_shortens_more() -> None:
    way = {order: round_table(rounds(), order).way_min for order in ("habit", "optimised", "traffic_aware")}
    many = slice(5, None)
    assert (way["optimised"].mean(axis=1)[many] < way["habit"].mean(axis=1)[many]).all()
    assert (way["traffic_aware"].mean(axis=1)[many] < way["optimised"].mean(axis=1)[many]).all()
    assert (way["traffic_aware"][:7] <= way["optimised"][:7] + 1e-9).all()  # exact, so for every single one
    assert (way["traffic_aware"][:7] <= way["habit"][:7] + 1e-9).all()


def test_without_traffic_there_is_nothing_to_know_about_it() -> None:
    quiet = rounds(street_cv=0)
    assert (round_table(quiet, "traffic_aware").way_min == round_table(quiet, "optimised").way_min).all()


def test_hand_overs_add_up_to_their_mean_and_spread() -> None:
    table = round_table(rounds(hand_over_cv=0.6), "habit").hand_over_min
    assert (table[0] == 0).all()
    assert table.mean(axis=1) == pytest.approx(4 * np.arange(25))
    assert (table.std(axis=1) / np.maximum(table.mean(axis=1), 1))[[1, 4, 16]] == pytest.approx(
        [0.6, 0.3, 0.15], rel=0.05
    )
    assert (round_table(rounds(), "habit").hand_over_min[7] == 28).all()


def test_a_round_is_way_in_this_weather_and_hand_overs() -> None:
    table = round_table(rounds(), "habit")
    u = np.array([0.0, 0.99])
    fair, foul = (table.round_min(np.array([6, 6]), u, u, np.full(2, w)) for w in (1.0, 1.5))
    assert fair == pytest.approx(table.way_min[6, [0, 7]] + 24)
    assert foul - fair == pytest.approx(table.way_min[6, [0, 7]] * 0.5)
    assert (table.round_min(np.zeros(2, dtype=np.int64), u, u, np.ones(2)) == 0).all()


def test_more_doors_than_the_table_has_are_several_rounds() -> None:
    table = round_table(rounds(), "habit")
    u, one = np.array([0.3]), np.ones(1)
    assert table.round_min(np.array([60]), u, u, one) == pytest.approx(2.5 * table.round_min(np.array([24]), u, u, one))


def test_mean_round_lengths_are_ordered_and_grow_with_the_share_to_the_door() -> None:
    few, many = round_lengths(section(0.10), 75), round_lengths(section(0.20), 75)
    for lengths in (few, many):
        assert lengths["habit"] > lengths["optimised"] > lengths["traffic_aware"]
    assert all(many[order] > few[order] for order in many)
    assert round_lengths(section(0.0), 75) == {"habit": 0.0, "optimised": 0.0, "traffic_aware": 0.0}
    table = round_table(rounds(), "habit")
    one_door = float(table.way_min[1].mean() + 4)
    assert round_lengths(section(1e-6), 75)["habit"] == pytest.approx(one_door, rel=1e-3)
    every_order = float(table.way_min[20].mean() + 80)
    assert round_lengths(section(1.0), 20)["habit"] == pytest.approx(every_order)


def test_the_order_follows_the_section() -> None:
    assert order_of(section()) == "habit"
    assert order_of(section(round_order="optimised")) == "optimised"
    assert order_of(section(round_order="optimised", traffic_aware=True)) == "traffic_aware"
    with pytest.raises(ValueError, match="traffic_aware does not fit round_order habit; allowed"):
        section(traffic_aware=True)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.4, 1.0])
def test_looked_up_counts_are_those_of_the_draws(share: float) -> None:
    keys = np.arange(3000)
    n = keys % 400  # from 257 on not in the table
    u = Chance(3, 0).uniform("doors", keys)
    looked_up = share_table(share).counts(u, n)
    assert (looked_up == Chance(3, 0).binomial("doors", n, share, keys)).all()
