"""The peers' models that the bench compares with: the same system as Linli's scenario."""

from __future__ import annotations

import pytest

from benchmarks import simpy_contact_centre, workload
from benchmarks.validate import Comparison, compare, linli_days, peer_days
from sim.library import load


@pytest.fixture(scope="module")
def linli() -> list[workload.Outcome]:
    return linli_days(20)


@pytest.mark.slow
def test_the_simpy_model_says_what_the_scenario_says(linli: list[workload.Outcome]) -> None:
    rows = compare(peer_days(simpy_contact_centre.run, 3), linli)
    assert [row for row in rows if not row.agrees] == []


def test_a_model_with_five_agents_less_would_be_found_out(
    linli: list[workload.Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simpy_contact_centre, "AGENTS", workload.AGENTS - 5)
    rows = compare(peer_days(simpy_contact_centre.run, 1), linli)
    assert not all(row.agrees for row in rows)


def test_a_difference_is_judged_by_its_standard_error() -> None:
    assert Comparison("wait_mean_s", 7.0, 7.1, -3.9).agrees
    assert not Comparison("wait_mean_s", 7.0, 7.1, -4.1).agrees


def test_the_workload_has_the_numbers_of_the_scenario() -> None:
    scenario = load("contact_centre").scenario
    rates = {arrival.kind: arrival.rate_per_s for arrival in scenario.arrivals}
    assert rates == {c.name: c.rate_per_s for c in workload.CLASSES}
    staff = {name: sum(group.head_count for group in pool.groups) for name, pool in scenario.pools.items()}
    assert staff == {"agents": workload.AGENTS, "leaders": workload.LEADERS}
