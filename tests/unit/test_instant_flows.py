"""What the instant estimate makes of steps that an average day knows little of."""

from __future__ import annotations

from typing import Any

import pytest
from test_reference_rules import constant, end, scenario, serve, source

from sim.instant.flows import NoWaits, flows

OWN = {"do": "serve", "step": "work", "station": "desk", "duration": "own"}


def asked(journeys: dict[str, list[dict[str, Any]]], *arrivals: dict[str, Any]) -> tuple[float, float]:
    """Requests on the day, and their work in minutes."""
    found = flows(scenario(journeys, list(arrivals)), NoWaits()).demands.values()
    return sum(float(d.count.sum()) for d in found), sum(float(d.work_min.sum()) for d in found)


def test_own_work_is_the_mean_of_what_the_sources_of_the_kind_give() -> None:
    calls = [source("call", 1, 2, 3, work_min=4), source("call", 5, level="urgent")]
    assert asked({"call": [OWN, end()]}, *calls) == pytest.approx((4, 12))


def test_a_kind_that_no_source_sends_has_no_own_work() -> None:
    journeys = {"call": [{"do": "spawn", "step": "pass_on", "kind": "ticket"}, end()], "ticket": [OWN, end()]}
    assert asked(journeys, source("call", 1, work_min=4)) == pytest.approx((1, 0))


def test_a_lapse_is_left_out_and_no_topic_has_a_cause_or_is_an_incident() -> None:
    steps = [
        {"do": "branch_cause", "cause": "none", "to": "out"},
        {"do": "branch_incident", "to": "out"},
        serve(60, lapses_at="01:00", impatient_to="out"),
        serve(60, "again", patience=constant(600)),
        end(),
        end(step="out"),
    ]
    assert asked({"call": steps}, source("call", 1, 2, topics=3)) == pytest.approx((4, 4))
