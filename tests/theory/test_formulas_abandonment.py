"""Erlang A, square-root staffing, and staffing by them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from sim.theory import (
    ServiceTarget,
    TheoryError,
    UnstableQueueError,
    erlang_a,
    erlang_a_servers,
    erlang_b,
    erlang_c,
    erlang_c_servers,
    garnett_abandoned_share,
    garnett_beta,
    garnett_wait_probability,
    halfin_whitt_beta,
    halfin_whitt_wait_probability,
    square_root_staffing,
)

quick = settings(max_examples=60)
crews = st.integers(1, 150)
loads = st.floats(0.05, 200.0)
patiences = st.floats(1.0, 3000.0)


def by_summing_all_states(
    rate: float, service_s: float, patience_s: float, servers: int, within_s: float
) -> list[float]:
    """The birth and death process on thousands of states, and the wait from each as a sum of exponentials."""
    states = np.arange(20_000)
    down = np.minimum(states, servers) / service_s + np.maximum(states - servers, 0) / patience_s
    logs = np.concatenate(([0.0], np.cumsum(math.log(rate) - np.log(down[1:]))))
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    queue = float(np.maximum(states - servers, 0) @ shares)
    ahead = states[: states.size - servers]
    x = servers / service_s * patience_s
    cut = math.exp(-within_s / patience_s)
    answered = x / (x + ahead + 1) * special.betaincc(x + 1, ahead + 1, cut)
    return [
        float(shares[servers:].sum()),
        queue / (rate * patience_s),
        queue / rate,
        float(shares[:servers].sum() + answered @ shares[servers:]),
    ]


def test_erlang_a_gives_the_yardstick_for_100_calls_per_half_hour() -> None:
    queue = erlang_a(100 / 1800, 180, 300, 14)
    assert round(queue.wait_probability, 5) == 0.14526
    assert round(queue.abandoned_share, 6) == 0.013984
    assert round(queue.wait_mean_s / 60, 6) == 0.069919
    assert round(queue.answered_within_share(20), 6) == 0.916792


def test_erlang_a_gives_the_call_centre_with_patience_of_gans_koole_and_mandelbaum_2003() -> None:
    queue = erlang_a(48 / 60, 60, 120, 50)
    assert round(queue.abandoned_share, 3) == 0.031
    assert round(queue.wait_mean_s, 1) == 3.7
    assert round(queue.queue_mean) == 3
    assert round(queue.occupancy_share, 2) == 0.93


@quick
@given(load=loads, servers=crews, patience_s=patiences, within_s=st.floats(0.1, 300.0))
def test_erlang_a_is_what_all_states_together_give(
    load: float, servers: int, patience_s: float, within_s: float
) -> None:
    queue = erlang_a(load / 180, 180, patience_s, servers)
    summed = by_summing_all_states(load / 180, 180, patience_s, servers, within_s)
    got = [queue.wait_probability, queue.abandoned_share, queue.wait_mean_s, queue.answered_within_share(within_s)]
    assert got == pytest.approx(summed, rel=1e-7, abs=1e-13)


@pytest.mark.parametrize("rate", [4.0, 5.0, 5.5, 5.5555, 5.6, 7.0])
@pytest.mark.parametrize("patience_s", [1.0, 60.0, 300.0, 3000.0])
def test_a_thousand_servers_keep_their_digits(rate: float, patience_s: float) -> None:
    queue = erlang_a(rate, 180, patience_s, 1000)
    summed = by_summing_all_states(rate, 180, patience_s, 1000, 20)
    got = [queue.wait_probability, queue.abandoned_share, queue.wait_mean_s, queue.answered_within_share(20)]
    assert got == pytest.approx(summed, rel=1e-8, abs=1e-13)


@quick
@given(servers=crews, occupancy=st.floats(0.05, 0.93))
def test_endless_patience_is_erlang_c_and_huge_patience_tends_to_it(servers: int, occupancy: float) -> None:
    rate = servers * occupancy / 180
    limit = erlang_c(rate, 180, servers)
    for patience_s, error in ((math.inf, 1e-12), (1e10, 1e-4)):
        queue = erlang_a(rate, 180, patience_s, servers)
        assert queue.wait_probability == pytest.approx(limit.wait_probability, rel=error)
        assert queue.wait_mean_s == pytest.approx(limit.wait_mean_s, rel=error)
        assert queue.answered_within_share(20) == pytest.approx(limit.answered_within_share(20), rel=error)
        assert queue.wait_exceeds_probability(20) == pytest.approx(limit.wait_exceeds_probability(20), rel=error)


@quick
@given(load=loads, servers=crews)
def test_patience_that_tends_to_nothing_gives_erlang_b(load: float, servers: int) -> None:
    queue = erlang_a(load / 180, 180, 1e-9, servers)
    assert queue.abandoned_share == pytest.approx(erlang_b(load, servers), rel=1e-6)
    assert queue.wait_probability == pytest.approx(erlang_b(load, servers), rel=1e-6)


@quick
@given(load=loads, servers=crews)
def test_patience_as_long_as_service_makes_the_number_inside_poisson(load: float, servers: int) -> None:
    queue = erlang_a(load / 180, 180, 180, servers)
    assert queue.in_system_mean == pytest.approx(load, rel=1e-10)
    assert queue.wait_probability == pytest.approx(float(special.pdtrc(servers - 1, load)), rel=1e-8, abs=1e-14)


@quick
@given(load=loads, servers=st.floats(1.0, 100.0), patience_s=patiences, part=st.floats(0.01, 1.0))
def test_more_servers_even_a_part_of_one_never_make_erlang_a_worse(
    load: float, servers: float, patience_s: float, part: float
) -> None:
    fewer, more = (erlang_a(load / 180, 180, patience_s, count) for count in (servers, servers + part))
    assert more.wait_probability <= fewer.wait_probability + 1e-12
    assert more.abandoned_share <= fewer.abandoned_share + 1e-12
    assert more.answered_within_share(20) >= fewer.answered_within_share(20) - 1e-12


@settings(max_examples=30)
@given(load=loads, servers=crews, patience_s=patiences)
def test_who_is_never_answered_has_left_and_the_wait_integrates_to_its_mean(
    load: float, servers: int, patience_s: float
) -> None:
    queue = erlang_a(load / 180, 180, patience_s, servers)
    assert queue.answered_within_share(0) == pytest.approx(1 - queue.wait_probability, abs=1e-12)
    assert queue.answered_within_share(60 * patience_s) == pytest.approx(1 - queue.abandoned_share, abs=1e-10)
    # The wait is mostly short: the panels of the quadrature crowd near 0.
    edges = np.linspace(0, 1, 31) ** 3 * 40 * patience_s
    nodes, weights = np.polynomial.legendre.leggauss(12)
    halves = np.diff(edges)[:, None] / 2
    places = (edges[:-1, None] + halves * (nodes + 1)).ravel()
    widths = (halves * weights).ravel()
    integral = sum(w * queue.wait_exceeds_probability(t) for t, w in zip(places.tolist(), widths.tolist(), strict=True))
    assert integral == pytest.approx(queue.wait_mean_s, rel=1e-5, abs=1e-9)


@quick
@given(load=st.floats(0.1, 200.0), patience_s=patiences, share=st.floats(0.05, 0.99), abandoned=st.floats(1e-3, 0.5))
def test_erlang_a_servers_are_enough_and_one_less_is_not(
    load: float, patience_s: float, share: float, abandoned: float
) -> None:
    target = ServiceTarget(answered_within_share_at_least=share, abandoned_share_at_most=abandoned)
    servers = erlang_a_servers(load / 180, 180, patience_s, target)
    assert target.met_by(erlang_a(load / 180, 180, patience_s, servers))
    assert servers == 1 or not target.met_by(erlang_a(load / 180, 180, patience_s, servers - 1))


def test_customers_who_leave_save_servers_and_customers_who_never_leave_save_none() -> None:
    target = ServiceTarget(answered_within_share_at_least=0.8)
    assert erlang_a_servers(5, 180, 120, target) < erlang_c_servers(5, 180, target)
    assert erlang_a_servers(5, 180, math.inf, target) == erlang_c_servers(5, 180, target)


def test_no_server_is_needed_when_leaving_by_itself_keeps_the_mean_wait() -> None:
    assert erlang_a_servers(5, 180, 30, ServiceTarget(wait_mean_at_most_s=30)) == 0
    assert erlang_a_servers(5, 180, 30, ServiceTarget(wait_mean_at_most_s=29)) > 0
    assert erlang_a_servers(0, 180, 30, ServiceTarget(wait_mean_at_most_s=29)) == 0


@pytest.mark.parametrize(("share", "beta"), [(0.5, 0.50605), (0.2, 1.06152), (0.1, 1.42019), (0.01, 2.37489)])
def test_square_root_staffing_gives_the_yardstick(share: float, beta: float) -> None:
    assert round(halfin_whitt_beta(share), 5) == beta


@quick
@given(share=st.floats(1e-6, 0.999), ratio=st.floats(0.01, 100.0))
def test_betas_invert_their_wait_probabilities(share: float, ratio: float) -> None:
    assert halfin_whitt_wait_probability(halfin_whitt_beta(share)) == pytest.approx(share, rel=1e-9)
    assert garnett_wait_probability(garnett_beta(share, ratio), ratio) == pytest.approx(share, rel=1e-6)


@quick
@given(beta=st.floats(-3.0, 3.0), ratio=st.floats(0.05, 20.0))
def test_garnetts_function_is_the_limit_of_erlang_a(beta: float, ratio: float) -> None:
    load = 40_000.0
    queue = erlang_a(load, 1.0, 1.0 / ratio, load + beta * math.sqrt(load))
    assert garnett_wait_probability(beta, ratio) == pytest.approx(queue.wait_probability, abs=0.01)
    assert garnett_abandoned_share(beta, ratio, load) == pytest.approx(queue.abandoned_share, rel=0.05)


@quick
@given(beta=st.floats(0.05, 4.0))
def test_halfin_and_whitts_function_is_the_limit_of_erlang_c_and_of_garnetts_for_endless_patience(beta: float) -> None:
    load = 40_000.0
    queue = erlang_c(load, 1.0, load + beta * math.sqrt(load))
    assert halfin_whitt_wait_probability(beta) == pytest.approx(queue.wait_probability, abs=0.005)
    assert garnett_wait_probability(beta, 1e-10) == pytest.approx(halfin_whitt_wait_probability(beta), rel=1e-5)


def test_servers_equal_to_the_load_and_patience_equal_to_service_let_half_of_the_arrivals_wait() -> None:
    assert garnett_wait_probability(0.0, 1.0) == pytest.approx(0.5)
    assert garnett_wait_probability(0.0, 4.0) == pytest.approx(1 / 3)


def test_the_square_root_rule_is_within_one_server_of_erlang() -> None:
    for load in (20.0, 100.0, 900.0):
        target = ServiceTarget(wait_probability_at_most=0.2)
        exact_c, exact_a = erlang_c_servers(load, 1, target), erlang_a_servers(load, 1, 2, target)
        assert abs(square_root_staffing(load, 0.2).servers - exact_c) <= 1
        assert abs(square_root_staffing(load, 0.2, service_over_patience=0.5).servers - exact_a) <= 1


def test_endless_patience_with_too_few_servers_is_refused() -> None:
    with pytest.raises(UnstableQueueError, match="without abandonment has no steady state"):
        erlang_a(12 / 180, 180, math.inf, 12)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: erlang_a(-1, 180, 300, 3), "arrival_rate_per_s"),
        (lambda: erlang_a(1, 180, 0, 3), "patience_mean_s"),
        (lambda: erlang_a(1, 180, math.nan, 3), "patience_mean_s"),
        (lambda: erlang_a(1, 180, 300, 0), "servers"),
        (lambda: erlang_a(1, 180, 300, 3).answered_within_share(-1), "seconds"),
        (lambda: erlang_a(1, 180, 300, 3).wait_exceeds_probability(math.nan), "seconds"),
        (lambda: halfin_whitt_wait_probability(0.0), "beta"),
        (lambda: halfin_whitt_beta(1.0), "wait_probability"),
        (lambda: halfin_whitt_beta(1e-300), "wait_probability"),
        (lambda: garnett_wait_probability(math.inf, 1.0), "beta"),
        (lambda: garnett_wait_probability(0.0, 0.0), "service_over_patience"),
        (lambda: garnett_beta(0.0, 1.0), "wait_probability"),
        (lambda: garnett_beta(1e-300, 1.0), "reaches"),
        (lambda: garnett_abandoned_share(0.0, 1.0, 0.0), "load"),
        (lambda: square_root_staffing(-1.0, 0.2), "load"),
    ],
)
def test_input_that_is_not_allowed_is_named(call, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TheoryError, match=named):
        call()
