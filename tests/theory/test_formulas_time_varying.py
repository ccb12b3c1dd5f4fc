"""M(t)/M/c(t)+M by its forward equations."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from sim.theory import Leaving, TheoryError, erlang_a, erlang_c, time_varying_queue

quick = settings(max_examples=25)
plans = st.lists(st.tuples(st.floats(0.0, 0.2), st.integers(0, 20)), min_size=1, max_size=6)


@quick
@given(load=st.floats(0.5, 25.0), servers=st.integers(1, 20), patience_s=st.floats(10.0, 1000.0))
def test_constant_rate_and_servers_converge_to_erlang_a(load: float, servers: int, patience_s: float) -> None:
    course = time_varying_queue([load / 180] * 2, [servers] * 2, 180, patience_s, [20_000, 3600], step_s=3600)
    limit = erlang_a(load / 180, 180, patience_s, servers)
    last = course.intervals[-1]
    assert last.wait_probability == pytest.approx(limit.wait_probability, abs=1e-6)
    assert last.abandoned_share == pytest.approx(limit.abandoned_share, abs=1e-6)
    assert last.wait_mean_s == pytest.approx(limit.wait_mean_s, abs=1e-3)
    assert last.answered_within_share == pytest.approx(limit.answered_within_share(20), abs=1e-6)
    assert last.busy_mean / servers == pytest.approx(limit.occupancy_share, abs=1e-6)
    assert course.queue_mean[-1] == pytest.approx(limit.queue_mean, abs=1e-5)


def test_without_abandonment_the_virtual_wait_converges_to_erlang_c() -> None:
    course = time_varying_queue([10 / 180], [14], 180, math.inf, 40_000, step_s=40_000)
    limit = erlang_c(10 / 180, 180, 14)
    assert course.virtual_wait_mean_s[-1] == pytest.approx(limit.wait_mean_s, rel=1e-6)
    assert course.answered_within_share[-1] == pytest.approx(limit.answered_within_share(20), rel=1e-7)
    assert course.abandonment_rate_per_s[-1] == 0
    assert course.intervals[0].abandoned == 0


@pytest.mark.parametrize("leaving", list(Leaving))
@quick
@given(plan=plans, relieved=st.booleans())
def test_patience_as_long_as_service_makes_everybody_inside_follow_the_queue_with_endless_servers(
    leaving: Leaving, plan: list[tuple[float, int]], relieved: bool
) -> None:
    rates, servers = [rate for rate, _ in plan], [count for _, count in plan]
    going = [0, *[max(0, a - b) if not relieved else a for a, b in itertools.pairwise(servers)]]
    course = time_varying_queue(
        rates, servers, 180, 180, 900, start_in_system=3, leaving=leaving, leaving_servers=going, step_s=900
    )
    expected = [3.0]
    for rate in rates:
        expected.append(rate * 180 + (expected[-1] - rate * 180) * math.exp(-900 / 180))
    assert course.queue_mean + course.busy_mean == pytest.approx(np.array(expected), abs=1e-6)


@quick
@given(plan=plans, patience_s=st.floats(5.0, 2000.0), start=st.integers(0, 30))
def test_customers_are_conserved_in_every_interval(
    plan: list[tuple[float, int]], patience_s: float, start: int
) -> None:
    rates, servers = [rate for rate, _ in plan], [count for _, count in plan]
    course = time_varying_queue(rates, servers, 180, patience_s, 900, start_in_system=start, step_s=900)
    offered, abandoned, completed = (
        sum(getattr(interval, name) for interval in course.intervals) for name in ("offered", "abandoned", "completed")
    )
    inside = course.queue_mean[-1] + course.busy_mean[-1]
    assert start + offered - abandoned - completed == pytest.approx(inside, abs=1e-6)
    waiting_first = max(0, start - servers[0])
    answered = sum(interval.answered for interval in course.intervals)
    assert waiting_first + offered - abandoned - answered == pytest.approx(course.queue_mean[-1], abs=1e-6)
    assert course.in_system_end_probabilities.sum() == pytest.approx(1, abs=1e-9)
    assert course.truncated_probability <= 1.1e-9


def individuals_on_a_roster(
    staying: int, leaving: int, rate: float, service_s: float, patience_s: float, before_s: float, after_s: float
) -> tuple[float, float]:
    """Mean queue and busy servers when each server is followed by name and `leaving` of them go home after a while."""
    longest = 40
    crew = staying + leaving
    states = [(busy, queue) for busy in itertools.product((0, 1), repeat=crew) for queue in range(longest + 1)]
    number = {state: place for place, state in enumerate(states)}

    def generator(taking: list[int]) -> np.ndarray:
        matrix = np.zeros((len(states), len(states)))

        def move(origin: tuple, target: tuple, speed: float) -> None:
            matrix[number[origin], number[target]] += speed
            matrix[number[origin], number[origin]] -= speed

        for busy, queue in states:
            idle = [server for server in taking if not busy[server]]
            for server in idle:
                taken = tuple(1 if place == server else value for place, value in enumerate(busy))
                move((busy, queue), (taken, queue), rate / len(idle))
            if not idle and queue < longest:
                move((busy, queue), (busy, queue + 1), rate)
            if queue:
                move((busy, queue), (busy, queue - 1), queue / patience_s)
            for server in range(crew):
                if busy[server]:
                    freed = tuple(0 if place == server else value for place, value in enumerate(busy))
                    next_taken = server in taking and queue > 0
                    move((busy, queue), (busy, queue - 1) if next_taken else (freed, queue), 1 / service_s)
        return matrix

    shares = np.zeros(len(states))
    shares[number[((0,) * crew, 0)]] = 1
    shares = shares @ expm(generator(list(range(crew))) * before_s) @ expm(generator(list(range(staying))) * after_s)
    queue = sum(share * state[1] for share, state in zip(shares, states, strict=True))
    busy = sum(share * sum(state[0]) for share, state in zip(shares, states, strict=True))
    return queue, busy


def test_a_roster_of_individuals_who_finish_what_they_hold_gives_the_same_queue() -> None:
    queue, busy = individuals_on_a_roster(2, 2, 0.02, 100, 150, before_s=200, after_s=60)
    course = time_varying_queue([0.02, 0.02], [4, 2], 100, 150, [200, 60], step_s=200)
    assert course.queue_mean[-1] == pytest.approx(queue, abs=1e-8)
    assert course.busy_mean[-1] == pytest.approx(busy, abs=1e-8)


def test_who_leaves_decides_what_the_leavers_take_with_them() -> None:
    def start_of_second_interval(leaving: Leaving) -> tuple[float, float]:
        course = time_varying_queue([0, 0], [4, 1], 1e9, 1e9, 1, start_in_system=2, leaving=leaving, step_s=1)
        return course.queue_mean[1], course.wait_probability[1]

    # Two of four are busy and three leave: idle ones first leaves one busy; at random takes none, one or both idle.
    assert start_of_second_interval(Leaving.IDLE_FIRST) == pytest.approx((0, 1), abs=1e-6)
    assert start_of_second_interval(Leaving.ANY) == pytest.approx((0, 0.5), abs=1e-6)
    assert start_of_second_interval(Leaving.INTERRUPTED) == pytest.approx((1, 1), abs=1e-6)


def test_relief_of_the_whole_crew_takes_all_work_in_hand_along() -> None:
    course = time_varying_queue([0, 0], [3, 3], 1e9, 1e9, 1, start_in_system=5, leaving_servers=[0, 3], step_s=1)
    assert course.queue_mean == pytest.approx([2, 0, 0], abs=1e-6)
    assert course.busy_mean == pytest.approx([3, 5, 5], abs=1e-6)


def test_a_short_interval_agrees_with_the_matrix_exponential() -> None:
    servers, states = 3, 60
    up, down = 0.05, np.minimum(np.arange(states), servers) / 60 + np.maximum(np.arange(states) - servers, 0) / 90
    generator = np.diag(np.full(states - 1, up), 1) + np.diag(down[1:], -1)
    generator -= np.diag(generator.sum(axis=1))
    expected = expm(generator * 100)[0]
    course = time_varying_queue([up], [servers], 60, 90, 100, step_s=10)
    found = course.in_system_end_probabilities
    assert found == pytest.approx(expected[: found.size], abs=1e-9)
    assert course.wait_probability[-1] == pytest.approx(expected[servers:].sum(), abs=1e-9)
    assert course.times_s == pytest.approx(np.arange(0, 101, 10))


def test_the_steps_of_the_output_do_not_change_the_answer() -> None:
    plan = ([0.02, 0.1, 0.05], [4, 12, 8], 180, 120, [1800, 900, 2700])
    coarse, fine = time_varying_queue(*plan, step_s=1e6), time_varying_queue(*plan, step_s=17)
    assert coarse.times_s == pytest.approx([0, 1800, 2700, 5400])
    for one, other in zip(coarse.intervals, fine.intervals, strict=True):
        assert one.abandoned == pytest.approx(other.abandoned, rel=1e-9)
        assert one.queue_end_mean == pytest.approx(other.queue_end_mean, rel=1e-8)


def test_an_overloaded_hour_without_abandonment_leaves_the_fluid_backlog() -> None:
    course = time_varying_queue([1.0], [100], 180, math.inf, 3600, start_in_system=200)
    assert course.queue_mean[-1] == pytest.approx(100 + 3600 * (1.0 - 100 / 180), rel=1e-6)


def test_a_distribution_to_start_from_is_carried_on() -> None:
    first = time_varying_queue([0.05], [8], 180, 120, 1800)
    whole = time_varying_queue([0.05, 0.08], [8, 10], 180, 120, 1800)
    second = time_varying_queue(
        [0.08], [10], 180, 120, 1800, start_in_system=first.in_system_end_probabilities.tolist()
    )
    assert second.intervals[0].abandoned == pytest.approx(whole.intervals[1].abandoned, rel=1e-7)


def test_without_servers_everybody_waits_for_ever_or_leaves() -> None:
    course = time_varying_queue([0.1], [0], 180, 60, 6000, step_s=6000)
    assert course.queue_mean[-1] == pytest.approx(6, rel=1e-6)
    assert course.wait_probability[-1] == pytest.approx(1)
    assert math.isinf(course.virtual_wait_mean_s[-1])
    assert course.intervals[0].answered == pytest.approx(0, abs=1e-9)
    assert course.intervals[0].answered_within_share == 0


def test_an_interval_without_arrivals_has_no_shares_of_them() -> None:
    interval = time_varying_queue([0.0], [2], 180, 60, 600).intervals[0]
    assert math.isnan(interval.abandoned_share)
    assert math.isnan(interval.wait_mean_s)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: time_varying_queue([], [], 180, 60, 600), "arrival_rates_per_s"),
        (lambda: time_varying_queue([0.1, -0.1], [1, 1], 180, 60, 600), r"arrival_rates_per_s\[1\]"),
        (lambda: time_varying_queue([0.1], [1, 1], 180, 60, 600), "servers has 2"),
        (lambda: time_varying_queue([0.1], [], 180, 60, 600), "servers has 0"),
        (lambda: time_varying_queue([0.1], [-1], 180, 60, 600), r"servers\[0\]"),
        (lambda: time_varying_queue([0.1], [1.5], 180, 60, 600), "whole"),  # type: ignore[list-item]
        (lambda: time_varying_queue([0.1], [1], 0, 60, 600), "service_mean_s"),
        (lambda: time_varying_queue([0.1], [1], 180, 0, 600), "patience_mean_s"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 0), "interval_s"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, [600, 600]), "interval_s has 2"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, within_s=-1), "within_s"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, step_s=0), "step_s"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, tolerance=0), "tolerance"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, start_in_system=-1), "start_in_system"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, start_in_system=[0.5, 0.4]), "add up"),
        (lambda: time_varying_queue([0.1] * 2, [2, 1], 180, 60, 600, leaving_servers=[0, 0]), "at least 1"),
        (lambda: time_varying_queue([0.1] * 2, [2, 1], 180, 60, 600, leaving_servers=[0, 3]), "at most 2"),
        (lambda: time_varying_queue([0.1] * 2, [2, 1], 180, 60, 600, leaving_servers=[1, 1]), r"\[0\] is 1"),
        (lambda: time_varying_queue([0.1], [1], 180, 60, 600, leaving_servers=[]), "leaving_servers has 0"),
        (lambda: time_varying_queue([100], [1], 180, math.inf, 3600), "grows beyond"),
    ],
)
def test_input_that_is_not_allowed_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TheoryError, match=named):
        call()
