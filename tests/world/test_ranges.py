"""Every assumption of today's and the plan's scenario can be put to both ends of its range: the run adds up."""

from __future__ import annotations

import copy
import functools
import math
from typing import Any

import numpy as np
import pytest
from whole_runs import of_size

from sim.consistency import check
from sim.library import load
from sim.measures import assert_conserved, figures
from sim.references import resolve
from sim.run import replicate
from sim.scenario import Scenario
from sim.service.build import build
from sim.world.consistency import problems_of_world

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]

SMALL = of_size(cities=1, communities=2, users=6000, leaders=4, days=3)
BLOCKS = 12
"""Tests that the assumptions are divided into, so that several processes share them."""


@functools.cache
def tree_of(scenario: str) -> dict[str, Any]:
    return load(scenario, sets=SMALL).tree


def own_assumptions(scenario: str) -> list[str]:
    """Assumptions of today's scenario; of the plan's, those that are not the same as today's."""
    entries = tree_of(scenario)["assumptions"]
    known = {} if scenario == "today" else tree_of("today")["assumptions"]
    return [name for name in entries if entries[name] != known.get(name)]


def moved_with(name: str) -> tuple[str, ...]:
    """Median and mean of one duration go together: the mean of a lognormal lies above its median."""
    pair = (name, name.replace("_median_", "_mean_"))
    back = (name, name.replace("_mean_", "_median_"))
    return pair if "_median_" in name else back


def put(scenario: str, name: str, end: str) -> Scenario:
    """A scenario with one assumption at an end of its range, checked as a loaded one is."""
    tree = copy.deepcopy(tree_of(scenario))
    for one in moved_with(name):
        if one in tree["assumptions"]:
            tree["assumptions"][one]["value"] = tree["assumptions"][one][end]
    resolved = resolve(tree)
    assert not resolved.problems
    made = Scenario.model_validate(resolved.data, strict=True)
    assert not check(made)
    assert not problems_of_world(made)
    return made


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("scenario", ["today", "plan"])
def test_every_assumption_can_be_put_to_both_ends_and_the_run_adds_up(scenario: str, block: int) -> None:
    for name in own_assumptions(scenario)[block::BLOCKS]:
        for end in ("low", "high"):
            record = replicate(build(put(scenario, name, end)), 1, 0)
            assert_conserved(record)
            assert record.days is not None
            sums = record.days.values
            assert all(np.isfinite(values).all() for values in sums.values()), (name, end)
            morning = (sums["users"] - sums["users_lost"] + sums["users_joined"])[:-1]
            assert np.array_equal(sums["users"][1:], morning), (name, end)
            assert np.array_equal(sums["orders"][:-1], sums["orders_delivered"][1:]), (name, end)
            found = figures(record, ["contacts", "orders", "net_benefit_yuan"])
            assert all(math.isfinite(value) for value in found.values()), (name, end)
            assert found["contacts"] > 0, (name, end)


def test_there_are_as_many_assumptions_as_a_modeller_would_expect() -> None:
    assert len(own_assumptions("today")) > 250
    assert len(own_assumptions("plan")) > 25


@pytest.mark.parametrize("scenario", ["today", "plan"])
def test_the_ends_of_a_range_lie_around_its_default(scenario: str) -> None:
    for name, entry in tree_of(scenario)["assumptions"].items():
        used = entry.get("value", entry["default"])
        assert entry["low"] <= entry["default"] <= entry["high"], name
        assert entry["low"] <= used <= entry["high"], name
        assert entry["low"] < entry["high"] or name == "leaders", name
