"""General and constant service, priorities, networks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.theory import (
    TheoryError,
    UnstableQueueError,
    constant_service_queue,
    erlang_c,
    jackson_network,
    priority_queue,
    several_server_approximation,
    single_server_priority_queue,
    single_server_queue,
)

quick = settings(max_examples=60)
occupancies = st.floats(0.05, 0.97)
variations = st.floats(0.0, 10.0)


def test_one_server_with_squared_variation_2_gives_the_yardstick() -> None:
    assert single_server_queue(0.8, 1, 2).wait_mean_s == pytest.approx(6, rel=1e-12)


@quick
@given(occupancy=occupancies)
def test_pollaczek_and_khinchine_with_exponential_service_is_erlang_c(occupancy: float) -> None:
    queue = single_server_queue(occupancy / 60, 60, 1)
    assert queue.wait_mean_s == pytest.approx(erlang_c(occupancy / 60, 60, 1).wait_mean_s, rel=1e-10)
    assert queue.queue_mean == pytest.approx(queue.wait_mean_s * queue.arrival_rate_per_s)


@quick
@given(occupancy=occupancies, variation=variations, servers=st.integers(1, 50))
def test_the_approximation_for_several_servers_is_exact_where_the_answer_is_known(
    occupancy: float, variation: float, servers: int
) -> None:
    one = several_server_approximation(occupancy / 60, 60, 1, variation)
    assert one.wait_mean_s == pytest.approx(single_server_queue(occupancy / 60, 60, variation).wait_mean_s, rel=1e-9)
    rate = servers * occupancy / 60
    exponential = several_server_approximation(rate, 60, servers, 1)
    assert exponential.wait_mean_s == pytest.approx(erlang_c(rate, 60, servers).wait_mean_s)
    assert exponential.approximate
    assert not single_server_queue(occupancy / 60, 60, variation).approximate


@pytest.mark.parametrize(
    ("servers", "occupancy", "wait"), [(2, 0.8, 0.90328), (5, 0.8, 0.28906), (10, 0.9, 0.34458), (25, 0.95, 0.29841)]
)
def test_constant_service_gives_the_yardstick(servers: int, occupancy: float, wait: float) -> None:
    queue = constant_service_queue(servers * occupancy, 1, servers)
    assert round(queue.wait_mean_s, 5) == wait


@quick
@given(occupancy=occupancies)
def test_one_server_with_constant_service_is_pollaczek_and_khinchine(occupancy: float) -> None:
    queue = constant_service_queue(occupancy / 60, 60, 1)
    assert queue.wait_mean_s == pytest.approx(single_server_queue(occupancy / 60, 60, 0).wait_mean_s, rel=1e-9)
    assert queue.wait_probability == pytest.approx(occupancy, rel=1e-9)


@quick
@given(servers=st.integers(1, 40), occupancy=st.floats(0.1, 0.95))
def test_the_distribution_of_constant_service_solves_its_embedded_chain_and_agrees_with_the_means(
    servers: int, occupancy: float
) -> None:
    load = servers * occupancy
    queue = constant_service_queue(load, 1, servers)
    inside = queue.in_system_probabilities()
    states = np.arange(inside.size)
    assert inside.sum() == pytest.approx(1, abs=1e-10)
    assert float(states @ inside) == pytest.approx(queue.in_system_mean, abs=1e-7)
    assert float(inside[servers:].sum()) == pytest.approx(queue.wait_probability, abs=1e-9)
    left = np.concatenate(([inside[: servers + 1].sum()], inside[servers + 1 :]))
    arrivals = np.exp(states * math.log(load) - load - np.array([math.lgamma(n + 1) for n in states]))
    assert np.convolve(left, arrivals)[: inside.size] == pytest.approx(inside, abs=1e-10)


@quick
@given(servers=st.integers(1, 20), occupancy=st.floats(0.2, 0.9))
def test_the_wait_for_constant_service_integrates_to_its_mean_and_starts_at_the_share_who_do_not_wait(
    servers: int, occupancy: float
) -> None:
    queue = constant_service_queue(servers * occupancy / 30, 30, servers)
    assert queue.answered_within_share(0) == pytest.approx(1 - queue.wait_probability, abs=1e-9)
    nodes, weights = np.polynomial.legendre.leggauss(12)
    integral = 0.0
    for service in range(60):
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            integral += weight * 15 * (1 - queue.answered_within_share(30 * service + 15 * (node + 1)))
    assert integral == pytest.approx(queue.wait_mean_s, rel=1e-4, abs=1e-6)


@quick
@given(servers=st.integers(1, 40), occupancy=occupancies, cuts=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5))
def test_priorities_keep_the_mean_wait_of_all_and_order_the_classes(
    servers: int, occupancy: float, cuts: list[float]
) -> None:
    rates = np.array(cuts) / sum(cuts) * servers * occupancy / 60
    queue = priority_queue(rates.tolist(), 60, servers)
    fifo = erlang_c(float(rates.sum()), 60, servers)
    assert queue.wait_mean_s == pytest.approx(fifo.wait_mean_s, rel=1e-9)
    assert sum(queue.queue_means) == pytest.approx(fifo.queue_mean, rel=1e-9)
    assert list(queue.wait_means_s) == sorted(queue.wait_means_s)


@quick
@given(
    occupancy=occupancies,
    classes=st.lists(st.tuples(st.floats(0.05, 1.0), st.floats(1.0, 100.0), variations), min_size=1, max_size=5),
)
def test_cobhams_classes_obey_the_conservation_law_and_one_class_is_pollaczek_and_khinchine(
    occupancy: float, classes: list[tuple[float, float, float]]
) -> None:
    weights, means, squared = (np.array(column) for column in zip(*classes, strict=True))
    rates = weights / (weights @ means) * occupancy
    queue = single_server_priority_queue(rates.tolist(), means.tolist(), squared.tolist())
    # Kleinrock (1965): loads times waits add up to load times the wait of first come, first served.
    residual = float(rates @ (means**2 * (1 + squared))) / 2
    assert float(rates * means @ queue.wait_means_s) == pytest.approx(occupancy * residual / (1 - occupancy), rel=1e-9)
    alone = single_server_priority_queue([occupancy / 60], [60], [squared[0]])
    expected = single_server_queue(occupancy / 60, 60, float(squared[0])).wait_mean_s
    assert alone.wait_mean_s == pytest.approx(expected, rel=1e-9)


def test_both_priority_formulas_agree_on_one_server_with_exponential_service() -> None:
    several = priority_queue([0.2, 0.3, 0.1], 1.5, 1)
    single = single_server_priority_queue([0.2, 0.3, 0.1], [1.5] * 3, [1] * 3)
    assert several.wait_means_s == pytest.approx(single.wait_means_s, rel=1e-12)
    # By hand: W0 = 0.6 · 1.5² = 1.35, loads up to each class 0.3, 0.75, 0.9.
    assert single.wait_means_s == pytest.approx((1.35 / 0.7, 1.35 / (0.7 * 0.25), 1.35 / (0.25 * 0.1)), rel=1e-12)


@quick
@given(servers=st.integers(1, 30), occupancy=occupancies, back=st.floats(0.0, 0.9))
def test_a_network_of_one_station_is_erlang_c_with_its_visits(servers: int, occupancy: float, back: float) -> None:
    rate = servers * occupancy / 60
    network = jackson_network([rate * (1 - back)], [[back]], [60], [servers])
    alone = erlang_c(rate, 60, servers)
    visits = 1 / (1 - back)
    assert network.stations[0].visits_mean == pytest.approx(visits, rel=1e-9)
    assert network.time_in_system_mean_s == pytest.approx(visits * alone.time_in_system_mean_s, rel=1e-6)
    assert network.wait_mean_s == pytest.approx(visits * alone.wait_mean_s, rel=1e-6)


def test_stations_in_a_row_add_their_times_and_a_fork_solves_the_traffic_equations() -> None:
    row = jackson_network([0.1, 0, 0], [[0, 1, 0], [0, 0, 1], [0, 0, 0]], [5, 8, 20], [1, 1, 3])
    alone = [erlang_c(0.1, mean, count).time_in_system_mean_s for mean, count in ((5, 1), (8, 1), (20, 3))]
    assert row.time_in_system_mean_s == pytest.approx(sum(alone), rel=1e-12)
    fork = jackson_network([1, 0, 0], [[0, 0.5, 0.5], [0, 0, 0.2], [0, 0.1, 0]], [0.1] * 3, [1] * 3)
    # By hand: r2 = 0.5 + 0.1 r3 and r3 = 0.5 + 0.2 r2, so r2 = 0.55/0.98 and r3 = 0.6/0.98.
    assert [station.visits_mean for station in fork.stations] == pytest.approx([1, 0.55 / 0.98, 0.6 / 0.98])
    assert fork.in_system_mean == pytest.approx(fork.arrival_rate_per_s * fork.time_in_system_mean_s)


def test_an_unstable_network_names_the_station() -> None:
    with pytest.raises(UnstableQueueError) as refusal:
        jackson_network([0.1, 0], [[0, 1], [0, 0]], [5, 20], [1, 2], names=["desk", "kitchen"])
    assert str(refusal.value) == "kitchen: load 2.0 is not below servers 2: the network has no steady state"


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: single_server_queue(1, 1, 1), "an M/G/1 queue has no steady state"),
        (lambda: single_server_queue(0.5, 1, -1), "service_squared_variation"),
        (lambda: several_server_approximation(2, 1, 2, 1), "no steady state"),
        (lambda: several_server_approximation(1, 1, 2, 1, -1), "arrival_squared_variation"),
        (lambda: several_server_approximation(1, 1, 2.5, 1), "whole number"),  # type: ignore[arg-type]
        (lambda: constant_service_queue(2, 1, 2), "an M/D/c queue has no steady state"),
        (lambda: constant_service_queue(1 - 1e-7, 1, 1).in_system_probabilities(), "too close"),
        (lambda: constant_service_queue(0.5, 1, 1).answered_within_share(-1), "seconds"),
        (lambda: priority_queue([0.5, 0.5], 1, 1), "no steady state"),
        (lambda: priority_queue([], 1, 1), "arrival_rates_per_s"),
        (lambda: priority_queue([0.1, -0.1], 1, 1), r"arrival_rates_per_s\[1\]"),
        (lambda: single_server_priority_queue([0.5, 0.5], [1, 1], [1, 1]), "no steady state"),
        (lambda: single_server_priority_queue([0.1, 0.1], [1], [1, 1]), "2, 1 and 2"),
        (lambda: jackson_network([0.1], [[1.0]], [1], [1]), "station 1 never leads out"),
        (lambda: jackson_network([0.1, 0], [[0, 1], [1, 0]], [1, 1], [1, 1]), "never leads out"),
        (lambda: jackson_network([0.1], [[1.1]], [1], [1]), "routing from station 1"),
        (lambda: jackson_network([0.1], [[-0.1]], [1], [1]), "routing from station 1"),
        (lambda: jackson_network([0.1], [[math.nan]], [1], [1]), "routing from station 1"),
        (lambda: jackson_network([0.1], [[0, 0]], [1], [1]), "routing has shape"),
        (lambda: jackson_network([0.1], [[0]], [1, 1], [1]), "service_means_s has 2"),
        (lambda: jackson_network([0.1], [[0]], [1], [1, 1]), "servers has 2"),
        (lambda: jackson_network([0.1], [[0]], [1], [0]), "servers of station 1"),
        (lambda: jackson_network([0.0], [[0]], [1], [1]), "from outside"),
        (lambda: jackson_network([0.1], [[0]], [1], [1], names=[]), "names has 0"),
    ],
)
def test_input_that_is_not_allowed_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TheoryError, match=named):
        call()
