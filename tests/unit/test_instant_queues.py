"""The fluid queue of the instant estimate: known answers step by step, and what a world's days and staff do to it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.instant import estimate
from sim.instant.estimate import _at_rest  # the scenario that the estimate is made of
from sim.instant.flows import Ask, Demand
from sim.instant.queues import STEP_MIN, STEPS, _backlogs, _patience, _time_to_clear, presence
from sim.library import load
from sim.service.tables import Float64

DAYS = 3


def open_by_day(most: float) -> Float64:
    """A pace that is drawn anew in each step of the day and 0 at night."""
    random = np.random.default_rng(7).random(DAYS * STEPS) * most
    step = np.arange(DAYS * STEPS) % STEPS
    return np.where((step >= 96) & (step < 276), random, 0.0)


@pytest.mark.parametrize("patience_min", [0.3, 3.0, 40.0, 600.0, math.inf])
@pytest.mark.parametrize("load", [0.5, 1.0, 2.0])
def test_backlogs_are_those_of_a_queue_followed_step_by_step(patience_min: float, load: float) -> None:
    pace, stay = open_by_day(2.0), math.exp(-STEP_MIN / patience_min)
    inflow = np.random.default_rng(8).random(pace.size) * load
    expected, now = [], 0.0
    for came, can in zip(inflow, pace, strict=True):
        expected.append(now + came)
        now = max(now + came - can, 0.0) * stay
    assert _backlogs(inflow, pace, stay) == pytest.approx(np.array(expected), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("patience_min", [3.0, 40.0, 600.0, math.inf])
def test_a_backlog_waits_until_as_much_was_carried_off_or_has_left(patience_min: float) -> None:
    pace, stay = open_by_day(2.0), math.exp(-STEP_MIN / patience_min)
    backlog = np.random.default_rng(9).random(STEPS) * 40
    found = _time_to_clear(backlog, pace, stay)
    for start in range(0, STEPS, 7):
        left, step = backlog[start] + 1e-6, start
        while pace[step] < left:
            left, step = (left - pace[step]) * stay, step + 1
        part = left / pace[step] if step > start else 0.0
        expected = STEP_MIN * (step - start + part) if step > start else 0.0
        assert found[start] == pytest.approx(expected, abs=1e-6)


def demand(work_min: float, patience_min: float) -> Demand:
    """Work a day of people who wait so long."""
    return Demand(Ask("desk", 0, False, False, patience_min), work_min=np.full(96, work_min / 96))


def test_the_impatient_hardly_count_among_those_who_wait() -> None:
    assert _patience([demand(100, 30.0)]) == pytest.approx(30)
    assert _patience([demand(100, math.inf)]) == math.inf
    # Of those who came an hour ago, all of the 10 and a tenth of the 90 have left; 3 and 57 minutes each on average.
    mixed = _patience([demand(10, 3.0), demand(90, 600.0)])
    gone = 1 - math.exp(-0.1)
    assert mixed == pytest.approx((10 * 3 + 90 * 600 * gone) / (10 + 90 * gone), rel=1e-6)


@pytest.mark.parametrize("name", ["today", "plan"])
def test_a_worlds_staff_can_do_less_than_its_rosters_say(name: str) -> None:
    scenario = load(name).scenario
    rest, _, days = _at_rest(scenario)
    able, planned = (
        sum(float(presence(group).sum()) for pool in ("chat_agents", "phone_agents") for group in of.pools[pool].groups)
        for of in (rest, scenario)
    )
    assert 0.6 * planned < able < planned
    assert np.mean(days.factors[days.warm_up :]) == pytest.approx(1)
    assert max(days.factors) > 1.1 > 0.9 > min(days.factors)


def test_fewer_agents_make_longer_waits_and_busy_days_make_them_longer_still() -> None:
    waits = [
        estimate(load("today", sets=[f"assumptions.users_per_agent={users}"]).scenario).first_response_mean_min
        for users in (1000, 2000, 3000, 4000)
    ]
    assert waits == sorted(waits)
    assert waits[3] - waits[2] > waits[1] - waits[0]
