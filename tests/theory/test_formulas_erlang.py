"""Erlang B, Erlang C, finite room, and staffing by them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.theory import (
    ServiceTarget,
    TheoryError,
    UnstableQueueError,
    erlang_b,
    erlang_b_load,
    erlang_b_servers,
    erlang_c,
    erlang_c_servers,
    finite_room_queue,
)

loads = st.floats(0.01, 300.0)
occupancies = st.floats(0.02, 0.98)
crews = st.integers(1, 200)
quick = settings(max_examples=60)


def continuous_loss_by_quadrature(load: float, servers: float) -> float:
    nodes, weights = np.polynomial.laguerre.laggauss(100)
    return 1.0 / float(weights @ (1.0 + nodes / load) ** servers)


@pytest.mark.parametrize(("servers", "load"), [(10, 4.461), (20, 12.031), (50, 37.901), (100, 84.064)])
def test_erlang_b_loses_one_per_cent_at_the_tabulated_loads(servers: int, load: float) -> None:
    assert round(erlang_b_load(0.01, servers), 3) == load


@pytest.mark.parametrize(
    ("loss", "servers", "load"), [(0.01, 1, 0.0101), (0.01, 5, 1.361), (0.02, 10, 5.084), (0.05, 10, 6.216)]
)
def test_erlang_b_loads_are_those_of_the_traffic_tables_of_the_itu(loss: float, servers: int, load: float) -> None:
    assert erlang_b_load(loss, servers) == pytest.approx(load, abs=5e-4)


@quick
@given(load=loads, servers=st.integers(0, 60))
def test_erlang_b_follows_its_recursion_also_between_whole_servers(load: float, servers: int) -> None:
    for count in (servers, servers + 0.37):
        before, after = erlang_b(load, count), erlang_b(load, count + 1)
        assert after == pytest.approx(load * before / (count + 1 + load * before), rel=1e-12)


@pytest.mark.parametrize(
    ("load", "servers"), [(5.0, 0.5), (20.0, 7.3), (49.9, 1.9), (50.1, 1.9), (60.0, 40.2), (500.0, 0.01)]
)
def test_erlang_b_for_fractional_servers_is_the_integral_that_defines_it(load: float, servers: float) -> None:
    assert erlang_b(load, servers) == pytest.approx(continuous_loss_by_quadrature(load, servers), rel=1e-9)


@quick
@given(load=loads, servers=crews, part=st.floats(0.01, 0.99))
def test_erlang_b_of_fractional_servers_lies_between_its_whole_neighbours(
    load: float, servers: int, part: float
) -> None:
    assert erlang_b(load, servers) >= erlang_b(load, servers + part) >= erlang_b(load, servers + 1)


@quick
@given(loss=st.floats(1e-4, 0.99), servers=st.floats(0.2, 300.0))
def test_erlang_b_load_inverts_erlang_b(loss: float, servers: float) -> None:
    assert erlang_b(erlang_b_load(loss, servers), servers) == pytest.approx(loss, rel=1e-8)


@quick
@given(load=loads, loss=st.floats(1e-4, 0.5))
def test_erlang_b_servers_are_enough_and_one_less_is_not(load: float, loss: float) -> None:
    servers = erlang_b_servers(load, loss)
    assert erlang_b(load, servers) <= loss * (1 + 1e-12)
    assert servers == 0 or erlang_b(load, servers - 1) > loss * (1 - 1e-12)


def test_erlang_b_of_no_load_or_of_far_too_many_servers_is_zero_without_overflow() -> None:
    assert erlang_b(0.0, 3) == 0.0
    assert erlang_b(0.0, 0) == 1.0
    assert erlang_b(1e-3, 5000) == 0.0


def test_erlang_c_gives_the_yardstick_for_load_10_and_14_servers() -> None:
    queue = erlang_c(10 / 180, 180, 14)
    assert round(queue.wait_probability, 7) == 0.1741319
    assert round(queue.answered_within_share(20), 5) == 0.88835
    assert round(queue.wait_mean_s, 6) == 7.835937
    assert round(queue.occupancy_share, 7) == 0.7142857


def test_erlang_c_gives_the_yardstick_for_55_servers() -> None:
    queue = erlang_c(0.2, 240, 55)
    assert round(queue.wait_probability, 4) == 0.2387
    assert round(queue.wait_mean_s, 3) == 8.184
    assert round(queue.answered_within_share(15), 4) == 0.8459


def test_three_servers_at_six_per_hour_give_the_yardstick() -> None:
    queue = erlang_c(6 / 3600, 20 * 60, 3)
    assert queue.queue_mean == pytest.approx(8 / 9, rel=1e-12)
    assert round(queue.time_in_system_mean_s / 60, 3) == 28.889


def test_erlang_c_gives_the_call_centre_without_patience_of_gans_koole_and_mandelbaum_2003() -> None:
    queue = erlang_c(48 / 60, 60, 50)
    assert round(queue.wait_mean_s, 1) == 20.8
    assert round(queue.wait_quantile_s(0.9), 1) == 58.1
    assert round(queue.queue_mean) == 17
    assert queue.occupancy_share == pytest.approx(0.96)


@quick
@given(servers=crews, occupancy=occupancies, part=st.floats(0.01, 0.99))
def test_erlang_c_of_fractional_servers_lies_between_its_whole_neighbours(
    servers: int, occupancy: float, part: float
) -> None:
    rate = servers * occupancy / 180
    fewer, between, more = (erlang_c(rate, 180, count) for count in (servers, servers + part, servers + 1))
    assert fewer.wait_probability >= between.wait_probability >= more.wait_probability
    assert fewer.wait_mean_s >= between.wait_mean_s >= more.wait_mean_s


@quick
@given(occupancy=occupancies)
def test_one_server_waits_with_the_probability_that_it_is_busy(occupancy: float) -> None:
    queue = erlang_c(occupancy / 60, 60, 1)
    assert queue.wait_probability == pytest.approx(occupancy, rel=1e-12)
    assert queue.queue_mean == pytest.approx(occupancy**2 / (1 - occupancy), rel=1e-12)


@quick
@given(servers=crews, occupancy=occupancies, share=st.floats(0.01, 0.999))
def test_a_quantile_of_the_wait_is_where_the_service_level_reaches_the_share(
    servers: int, occupancy: float, share: float
) -> None:
    queue = erlang_c(servers * occupancy / 180, 180, servers)
    quantile = queue.wait_quantile_s(share)
    if quantile > 0:
        assert queue.answered_within_share(quantile) == pytest.approx(share, abs=1e-9)
    else:
        assert queue.answered_within_share(0) >= share


@quick
@given(load=st.floats(0.1, 200.0), share=st.floats(0.05, 0.99), within_s=st.floats(0, 120))
def test_erlang_c_servers_are_enough_and_one_less_is_not(load: float, share: float, within_s: float) -> None:
    target = ServiceTarget(answered_within_share_at_least=share, within_s=within_s)
    servers = erlang_c_servers(load / 180, 180, target)
    assert erlang_c(load / 180, 180, servers).answered_within_share(within_s) >= share
    if servers - 1 > load:
        assert erlang_c(load / 180, 180, servers - 1).answered_within_share(within_s) < share


@quick
@given(load=st.floats(0.1, 200.0), wait_s=st.floats(0.1, 300.0), delayed=st.floats(0.01, 0.9))
def test_a_target_on_the_mean_wait_or_the_wait_probability_is_met_by_no_server_less(
    load: float, wait_s: float, delayed: float
) -> None:
    for target in (ServiceTarget(wait_mean_at_most_s=wait_s), ServiceTarget(wait_probability_at_most=delayed)):
        servers = erlang_c_servers(load / 180, 180, target)
        queues = [erlang_c(load / 180, 180, count) for count in (servers, servers - 1) if count > load]
        kept = [queue.wait_mean_s <= wait_s for queue in queues]
        if target.wait_probability_at_most is not None:
            kept = [queue.wait_probability <= delayed for queue in queues]
        assert kept == [True, False][: len(queues)]


def test_every_part_of_a_target_has_to_hold() -> None:
    rate = 10 / 180
    level = erlang_c_servers(rate, 180, ServiceTarget(answered_within_share_at_least=0.8))
    wait = erlang_c_servers(rate, 180, ServiceTarget(wait_mean_at_most_s=1.0))
    delay = erlang_c_servers(rate, 180, ServiceTarget(wait_probability_at_most=0.01))
    everything = ServiceTarget(
        answered_within_share_at_least=0.8, wait_mean_at_most_s=1.0, wait_probability_at_most=0.01
    )
    assert level < wait < delay == erlang_c_servers(rate, 180, everything)
    assert level == 14


def test_nobody_is_needed_when_nobody_arrives() -> None:
    assert erlang_c_servers(0.0, 180, ServiceTarget(wait_mean_at_most_s=1.0)) == 0


@quick
@given(load=st.floats(0.05, 60.0), servers=st.integers(1, 60))
def test_a_room_as_large_as_the_servers_is_erlang_b(load: float, servers: int) -> None:
    queue = finite_room_queue(load / 60, 60, servers, servers)
    assert queue.blocked_share == pytest.approx(erlang_b(load, servers), rel=1e-9)
    assert queue.queue_mean == 0.0


@quick
@given(servers=st.integers(1, 40), occupancy=st.floats(0.05, 0.9))
def test_a_very_large_room_is_erlang_c(servers: int, occupancy: float) -> None:
    rate = servers * occupancy / 60
    limited, unlimited = finite_room_queue(rate, 60, servers, servers + 600), erlang_c(rate, 60, servers)
    assert limited.wait_probability == pytest.approx(unlimited.wait_probability, rel=1e-8)
    assert limited.wait_mean_admitted_s == pytest.approx(unlimited.wait_mean_s, rel=1e-8)
    assert limited.answered_within_share(20) == pytest.approx(unlimited.answered_within_share(20), rel=1e-8)


@quick
@given(occupancy=st.floats(0.1, 3.0), room=st.integers(1, 60))
def test_one_server_in_a_finite_room_has_geometric_states(occupancy: float, room: int) -> None:
    queue = finite_room_queue(occupancy / 60, 60, 1, room)
    powers = np.power(occupancy, np.arange(room + 1))
    assert queue.in_system_probabilities == pytest.approx(tuple(powers / powers.sum()), rel=1e-9)


@quick
@given(load=st.floats(0.1, 100.0), servers=st.integers(1, 60), places=st.integers(0, 60))
def test_what_is_offered_to_a_finite_room_is_blocked_or_served(load: float, servers: int, places: int) -> None:
    queue = finite_room_queue(load / 60, 60, servers, servers + places)
    assert queue.throughput_per_s == pytest.approx(queue.arrival_rate_per_s * (1 - queue.blocked_share), rel=1e-9)
    assert queue.answered_within_share(1e9) == pytest.approx(1 - queue.blocked_share, rel=1e-9)
    assert queue.answered_within_share(0) == pytest.approx(1 - queue.blocked_share - queue.wait_probability, abs=1e-12)


def test_a_load_that_the_servers_cannot_carry_is_refused_with_both_numbers() -> None:
    with pytest.raises(UnstableQueueError) as refusal:
        erlang_c(12 / 180, 180, 10)
    assert str(refusal.value) == (
        "load 12.0 is not below servers 10: an M/M/c queue without abandonment has no steady state"
    )


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: erlang_b(-1.0, 3), "load"),
        (lambda: erlang_b(math.nan, 3), "load"),
        (lambda: erlang_b(1.0, -0.5), "servers"),
        (lambda: erlang_b(1.0, math.inf), "servers"),
        (lambda: erlang_b_load(1.0, 3), "loss_share"),
        (lambda: erlang_b_load(0.1, 0), "servers"),
        (lambda: erlang_b_servers(3.0, 0.0), "loss_share_at_most"),
        (lambda: erlang_c(-0.1, 180, 3), "arrival_rate_per_s"),
        (lambda: erlang_c(0.1, 0, 3), "service_mean_s"),
        (lambda: erlang_c(0.1, 1, 0), "servers"),
        (lambda: erlang_c(0.01, 180, 3).answered_within_share(-1), "seconds"),
        (lambda: erlang_c(0.01, 180, 3).wait_quantile_s(1.0), "share"),
        (lambda: finite_room_queue(0.1, 1, 3, 2), "room 2 is below servers 3"),
        (lambda: finite_room_queue(0.1, 1, 2.5, 4), "servers"),  # type: ignore[arg-type]
        (lambda: ServiceTarget(), "promises nothing"),
        (lambda: ServiceTarget(answered_within_share_at_least=80), "answered_within_share_at_least"),
        (lambda: ServiceTarget(wait_mean_at_most_s=0), "wait_mean_at_most_s"),
        (lambda: erlang_c_servers(0.1, 180, ServiceTarget(abandoned_share_at_most=0.05)), "erlang_a_servers"),
    ],
)
def test_input_that_is_not_allowed_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TheoryError, match=named):
        call()
