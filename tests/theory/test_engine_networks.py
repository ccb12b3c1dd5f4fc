"""More than one class or station: priorities, Jackson's network, two skill groups, retrials."""

import itertools

import numpy as np
import pytest
from engine_runs import Runs, all_visits, every_engine, many_runs, runs, waits_ms
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from sim.service.record import Record
from sim.service.tables import VisitEnd, Visits, concatenate, take
from sim.theory import jackson_network, priority_queue

pytestmark = [pytest.mark.theory, every_engine]

CLASSES = ("urgent", "normal", "can_wait")


def of_level(found: Runs, level: str) -> np.ndarray:
    """Mean wait of a class in seconds."""

    def mean(record: Record, visits: Visits) -> float:
        own = take(visits, visits.level == record.names.levels.index(level))
        return float(waits_ms(record, own).mean()) / 1000

    return found.over_visits(mean)


def test_classes_wait_as_cobhams_formula_says(engine: str) -> None:
    rates = [0.85 / 60, 1.275 / 60, 2.125 / 60]
    formula = priority_queue(rates, 60, 5)
    found = many_runs("priorities", (), 24, engine)
    known = found.controls(sum(rates), 60)
    for level, wait, within in zip(CLASSES, formula.wait_means_s, (0.06, 0.08, 0.2), strict=True):
        found.assert_agrees(of_level(found, level), wait, within, known)
    found.assert_agrees(found.wait_mean_s(), formula.wait_mean_s, 0.2, known)
    found.assert_agrees(found.wait_share(), formula.wait_probability, 0.03, known)
    found.assert_agrees(found.busy_mean() / 5, formula.occupancy_share, 0.02)


def test_each_station_of_a_jackson_network_holds_as_many_as_if_it_were_alone(engine: str) -> None:
    formula = jackson_network(
        [0.75 / 60, 0, 0],
        [[0, 0.4, 0], [0, 0, 1], [0.5, 0, 0]],
        [120, 300, 109.2],
        [3, 4, 1],
        ["desk", "back_office", "checking"],
    )
    found = many_runs("jackson", (), 20, engine)
    known = found.controls(0.75 / 60)
    for station, within in zip(formula.stations, (0.05, 0.05, 0.15), strict=True):
        found.assert_agrees(found.number_mean(station.name), station.queue.in_system_mean, within, known)
        found.assert_agrees(found.busy_mean(station.name), station.queue.load, 0.05, known)
        found.assert_agrees(found.wait_mean_s(station.name), station.queue.wait_mean_s, 0.3, known)
    found.assert_agrees(found.number_mean(), formula.in_system_mean, 0.06, known)

    # The product form: at any one moment the numbers are uncorrelated.
    off = [
        [numbers_by_hour(record, station.name) - station.queue.in_system_mean for record in found.records]
        for station in formula.stations
    ]
    for first, second in itertools.combinations(off, 2):
        found.assert_agrees(np.array([float(np.mean(x * y)) for x, y in zip(first, second, strict=True)]), 0.0)


def numbers_by_hour(record: Record, station: str) -> np.ndarray:
    """Number at a station at every full hour after the warm-up."""
    visits = all_visits(record, station)
    times = np.arange(record.from_ms, record.until_ms, 3_600_000)
    left = np.where(visits.ended >= 0, visits.ended, record.until_ms)
    return np.searchsorted(np.sort(visits.requested), times, "right") - np.searchsorted(np.sort(left), times, "right")


# ── two groups of agents ─────────────────────────────────────────────────────────────────────────────────────────────

SPECIALISTS, FLEXIBLE = 6, 4
ORDERS_PER_S, COMPLAINTS_PER_S, SERVICE_S, PATIENCE_S = 120 / 3600, 50 / 3600, 180.0, 180.0


def two_groups_with_overflow_at_once() -> dict[str, float]:
    """Mean numbers waiting and busy of the N design by its global balance equations.

    States: specialists busy, flexible agents busy, orders waiting, complaints waiting. Orders wait only when everybody
    is busy, complaints only when all flexible agents are; a flexible agent takes complaints first.
    """
    longest = 40
    states = [(a, b, 0, 0) for a in range(SPECIALISTS + 1) for b in range(FLEXIBLE)]
    states += [(a, FLEXIBLE, 0, c) for a in range(SPECIALISTS) for c in range(longest + 1)]
    states += [(SPECIALISTS, FLEXIBLE, o, c) for o in range(longest + 1) for c in range(longest + 1)]
    number = {state: place for place, state in enumerate(states)}
    moves: list[tuple[int, int, float]] = []

    def move(origin: tuple[int, ...], target: tuple[int, ...], rate: float) -> None:
        if target in number and rate > 0:
            moves.append((number[origin], number[target], rate))
            moves.append((number[origin], number[origin], -rate))

    for state in states:
        a, b, o, c = state
        order = (a + 1, b, o, c) if a < SPECIALISTS else (a, b + 1, o, c) if b < FLEXIBLE else (a, b, o + 1, c)
        move(state, order, ORDERS_PER_S)
        move(state, (a, b + 1, o, c) if b < FLEXIBLE else (a, b, o, c + 1), COMPLAINTS_PER_S)
        move(state, (a, b, o - 1, c) if o else (a - 1, b, o, c), a / SERVICE_S)
        move(state, (a, b, o, c - 1) if c else (a, b, o - 1, c) if o else (a, b - 1, o, c), b / SERVICE_S)
        move(state, (a, b, o - 1, c), o / PATIENCE_S)
        move(state, (a, b, o, c - 1), c / PATIENCE_S)
    origins, targets, rates = zip(*moves, strict=True)
    balance = coo_array((rates, (targets, origins)), shape=(len(states),) * 2).tolil()
    balance[0, :] = 1.0
    shares = spsolve(balance.tocsr(), np.eye(len(states))[0])
    assert shares[[number[SPECIALISTS, FLEXIBLE, longest, 0], number[0, FLEXIBLE, 0, longest]]].max() < 1e-9
    columns = np.array(states).T
    names = ("specialists", "flexible", "orders", "complaints")
    return {name: float(shares @ column) for name, column in zip(names, columns, strict=True)}


def busy_of_pool(found: Runs, pool: str) -> np.ndarray:
    def mean(record: Record) -> float:
        members = record.servers.pool == record.names.pools.index(pool)
        return float(record.server_time.busy[members].sum()) / record.until_ms

    return found.each(mean)


def test_two_skill_groups_with_overflow_agree_with_their_balance_equations(engine: str) -> None:
    expected = two_groups_with_overflow_at_once()
    found = many_runs("multi_skill", ("at_once",), 16, engine)
    known = found.controls(ORDERS_PER_S + COMPLAINTS_PER_S)
    found.assert_agrees(found.queue_mean("orders"), expected["orders"], 0.15, known)
    found.assert_agrees(found.queue_mean("complaints"), expected["complaints"], 0.1, known)
    found.assert_agrees(found.wait_mean_s("orders"), expected["orders"] / ORDERS_PER_S, 0.15, known)
    found.assert_agrees(found.wait_mean_s("complaints"), expected["complaints"] / COMPLAINTS_PER_S, 0.1, known)
    found.assert_agrees(found.abandoned_share("orders"), expected["orders"] / PATIENCE_S / ORDERS_PER_S, 0.2, known)
    found.assert_agrees(found.busy_mean(), expected["specialists"] + expected["flexible"], 0.02, known)
    # Since the start, which was empty: a little less than in steady state, whence no interval but an order.
    assert busy_of_pool(found, "specialists").mean() / SPECIALISTS > busy_of_pool(found, "flexible").mean() / FLEXIBLE


def test_a_flexible_agent_takes_an_order_only_after_its_wait(engine: str) -> None:
    found = runs("multi_skill", (), 2, engine)
    overflowed = 0
    for record in found.records:
        visits = record.trace.visits
        orders = take(visits, (visits.station == record.names.stations.index("orders")) & (visits.granted >= 0))
        by_flexible = record.servers.pool[orders.server] == record.names.pools.index("flexible")
        waited = orders.granted - orders.requested
        assert (waited[by_flexible] >= 20_000).all()
        overflowed += int(by_flexible.sum())
    assert overflowed > 100


# ── retrials ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_callers_who_try_again_are_as_many_as_falin_and_templeton_say(engine: str) -> None:
    rate, load, between_tries_s = 0.7 / 60, 0.7, 120.0
    waiting_to_retry = load / (1 - load) * (load + rate * between_tries_s)
    found = many_runs("retrial", (), 20, engine)
    known = found.controls(rate, 60)

    def inside(record: Record) -> float:
        items = concatenate([record.trace.items, record.open_rows.items])
        ended = np.where(items.ended >= 0, items.ended, record.until_ms)
        spent = ended - np.maximum(items.arrived, record.from_ms)
        return float(spent[spent > 0].sum()) / (record.until_ms - record.from_ms)

    found.assert_agrees(found.each(inside), waiting_to_retry + load, 0.1, known)
    found.assert_agrees(found.busy_mean(), load, 0.01, known)
    tries = found.over_visits(lambda r, visits: visits.item.size / float((r.arrivals.t >= r.from_ms).sum()))
    found.assert_agrees(tries, 1 + waiting_to_retry / between_tries_s / rate, 0.1, known)
    for record in found.records:
        visits = record.trace.visits
        lost = visits.end == VisitEnd.ABANDONED
        assert (visits.granted[~lost] == visits.requested[~lost]).all()
        assert (visits.ended[lost] == visits.requested[lost]).all()
