"""One queue in steady state: the engine against the formulas, within the interval of its own replications."""

import math

import numpy as np
import pytest
from engine_runs import every_engine, many_runs

from sim.service.record import Record
from sim.service.tables import Outcome
from sim.theory import (
    constant_service_queue,
    erlang_a,
    erlang_b,
    erlang_b_load,
    erlang_c,
    finite_room_queue,
    halfin_whitt_beta,
    single_server_queue,
    square_root_staffing,
)

pytestmark = [pytest.mark.theory, every_engine]


def test_mmc(engine: str) -> None:
    formula = erlang_c(6 / 3600, 1200, 3)
    found = many_runs("mmc", (), 30, engine)
    known = found.controls(6 / 3600, 1200)
    found.assert_agrees(found.queue_mean(), formula.queue_mean, 0.1, known)
    found.assert_agrees(found.number_mean() / (6 / 60), formula.time_in_system_mean_s / 60, 0.03, known)
    found.assert_agrees(found.wait_mean_s(), formula.wait_mean_s, 0.1, known)
    found.assert_agrees(found.wait_share(), formula.wait_probability, 0.03, known)
    found.assert_agrees(found.busy_mean(), formula.load, 0.02)


@pytest.mark.parametrize(
    ("overrides", "rate", "service_s", "servers", "within_s", "within"),
    [((), 200 / 3600, 180, 14, 20, (0.08, 0.2, 0.02)), (("large_centre",), 0.2, 240, 55, 15, (0.25, 0.5, 0.08))],
    ids=["14_agents", "55_agents"],
)
def test_erlang_c(
    engine: str,
    overrides: tuple[str, ...],
    rate: float,
    service_s: float,
    servers: int,
    within_s: float,
    within: tuple[float, float, float],
) -> None:
    formula = erlang_c(rate, service_s, servers)
    found = many_runs("erlang_c", overrides, 40 if servers == 14 else 10, engine)
    known = found.controls(rate, service_s)
    found.assert_agrees(found.wait_share(), formula.wait_probability, within[0], known)
    found.assert_agrees(found.wait_mean_s(), formula.wait_mean_s, within[1], known)
    found.assert_agrees(
        found.answered_within_share(within_s), formula.answered_within_share(within_s), within[2], known
    )
    found.assert_agrees(found.busy_mean() / servers, formula.occupancy_share, 0.02)


def test_erlang_a(engine: str) -> None:
    formula = erlang_a(100 / 1800, 180, 300, 14)
    found = many_runs("erlang_a", (), 40, engine)
    known = found.controls(100 / 1800, 180)
    found.assert_agrees(found.wait_share(), formula.wait_probability, 0.06, known)
    found.assert_agrees(found.abandoned_share(), formula.abandoned_share, 0.12, known)
    found.assert_agrees(found.wait_mean_s(), formula.wait_mean_s, 0.12, known)
    found.assert_agrees(found.answered_within_share(20), formula.answered_within_share(20), 0.02, known)
    found.assert_agrees(found.queue_mean(), formula.queue_mean, 0.12, known)
    found.assert_agrees(found.busy_mean() / 14, formula.occupancy_share, 0.02)


@pytest.mark.parametrize(
    ("overrides", "servers", "load_each", "within"),
    [
        ((), 2, 0.8, 0.09),
        (("servers_5",), 5, 0.8, 0.12),
        (("servers_10",), 10, 0.9, 0.2),
        (("servers_25",), 25, 0.95, 0.35),
    ],
    ids=["2", "5", "10", "25"],
)
def test_md_c(engine: str, overrides: tuple[str, ...], servers: int, load_each: float, within: float) -> None:
    rate = servers * load_each / 100
    formula = constant_service_queue(rate, 100, servers)
    found = many_runs("md_c", overrides, {10: 16, 25: 12}.get(servers, 30), engine)
    known = found.controls(rate)
    found.assert_agrees(found.wait_mean_s() / 100, formula.wait_mean_s / 100, within, known)
    found.assert_agrees(found.wait_share(), formula.wait_probability, 0.1, known)


def test_mg1(engine: str) -> None:
    formula = single_server_queue(0.8 / 60, 60, 2)
    found = many_runs("mg1", (), 20, engine)
    known = found.controls(0.8 / 60, 60)
    found.assert_agrees(found.wait_mean_s() / 60, formula.wait_mean_s / 60, 0.15, known)
    found.assert_agrees(found.wait_share(), formula.occupancy_share, 0.02, known)
    found.assert_agrees(found.queue_mean(), formula.queue_mean, 0.15, known)


@pytest.mark.parametrize("lines", [10, 20, 50, 100])
def test_erlang_b(engine: str, lines: int) -> None:
    load = round(erlang_b_load(0.01, lines), 3)
    found = many_runs(
        "erlang_b", () if lines == 10 else (f"lines_{lines}",), 40 if lines < 50 else 24 if lines == 50 else 16, engine
    )
    known = found.controls(load / 600, 600)
    found.assert_agrees(found.abandoned_share(), erlang_b(load, lines), 0.3, known)
    found.assert_agrees(found.busy_mean(), load * (1 - erlang_b(load, lines)), 0.02)


@pytest.mark.parametrize(
    ("overrides", "wait_share", "within"),
    [(("half",), 0.5, 0.1), ((), 0.2, 0.15), (("tenth",), 0.1, 0.2), (("hundredth",), 0.01, 0.6)],
    ids=["half", "fifth", "tenth", "hundredth"],
)
def test_square_root_staffing(engine: str, overrides: tuple[str, ...], wait_share: float, within: float) -> None:
    servers = square_root_staffing(16, wait_share).servers
    assert servers == math.ceil(16 + 4 * halfin_whitt_beta(wait_share))
    found = many_runs("square_root", overrides, 16, engine)
    assert {record.servers.pool.size for record in found.records} == {servers}
    known = found.controls(320 / 3600, 180)
    found.assert_agrees(found.wait_share(), erlang_c(320 / 3600, 180, servers).wait_probability, within, known)


def blocked_share(record: Record) -> float:
    items = record.trace.items
    return float((items.outcome[items.arrived >= record.from_ms] == Outcome.BLOCKED).mean())


def test_finite_room(engine: str) -> None:
    formula = finite_room_queue(4 / 60, 60, 4, 10)
    found = many_runs("finite_queue", (), 12, engine)
    known = found.controls(4 / 60, 60)
    found.assert_agrees(found.each(blocked_share), formula.blocked_share, 0.07, known)
    found.assert_agrees(found.queue_mean(), formula.queue_mean, 0.05, known)
    found.assert_agrees(found.wait_mean_s(), formula.wait_mean_admitted_s, 0.05, known)
    found.assert_agrees(found.number_mean(), formula.in_system_mean, 0.03, known)
    found.assert_agrees(found.busy_mean() / 4, formula.occupancy_share, 0.02)
    assert all(largest_queue(run) == 6 for run in found.records)


def largest_queue(record: Record) -> int:
    visits = record.trace.visits
    waited = visits.granted > visits.requested
    t = np.concatenate([visits.requested[waited], visits.granted[waited]])
    change = np.repeat([1, -1], waited.sum())
    return int(np.cumsum(change[np.lexsort((change, t))]).max())
