"""Today's figures (F50–F52, F54) come out of today's scenario, in two ways that differ in what they assume."""

from __future__ import annotations

import math

import pytest

from sim.library import load
from sim.measures import estimate
from sim.session import build_loaded
from sim.study.replicate import Plan, outcomes

TODAY = {
    "first_response_mean_min": 30.0,  # F50
    "resolved_first_contact_share": 0.60,  # F51
    "satisfaction_recorded_mean": 3.5,  # F52
    "users_lost_per_month_share": 0.08,  # F54
}
REPLICATIONS = 8


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [(), ("overloaded_days",)])
def test_todays_figures_lie_in_the_intervals_of_both_fits(overrides: tuple[str, ...]) -> None:
    network = build_loaded(load("today", overrides))
    found = [o.figures for o in outcomes(network, Plan("compiled", 1), range(REPLICATIONS), 1)]
    for name, known in TODAY.items():
        fitted = estimate([figures[name] for figures in found])
        assert fitted.low is not None
        assert fitted.high is not None
        assert fitted.low <= known <= fitted.high, (name, fitted)
        # The interval is narrow enough to say something.
        assert fitted.high - fitted.low < 0.15 * known, (name, fitted)


@pytest.mark.parametrize("name", ["today", "plan"])
@pytest.mark.parametrize("overrides", [(), ("overloaded_days",)])
def test_every_assumption_is_inside_its_range_and_says_why(name: str, overrides: tuple[str, ...]) -> None:
    for assumption in load(name, overrides).scenario.assumptions.values():
        assert assumption.low <= assumption.used <= assumption.high
        assert len(assumption.reason) > 10
        assert math.isfinite(assumption.used)


def test_the_two_fits_are_different() -> None:
    first, second = (load("today", overrides).scenario.assumptions for overrides in ((), ("overloaded_days",)))
    moved = {name for name in first if first[name].used != second[name].used}
    assert {"night_asks_factor", "question_min", "absence_share"} <= moved
