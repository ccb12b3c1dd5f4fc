"""Intervals over replications, held against tables of Student's t and against their own definition."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.measures import (
    Estimate,
    by_as_json,
    estimate,
    half_width,
    measures_as_json,
    relative_half_width,
    replications_needed,
    summarise,
    summarise_by,
)
from sim.measures.intervals import unit_of

NAN = math.nan
values = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=2, max_size=20)


def test_the_interval_is_students_t_on_the_replications_values() -> None:
    # 1 … 5: mean 3, variance 2.5, standard error √0.5; t(4; 0.975) = 2.776, t(4; 0.95) = 2.132.
    found = estimate([1, 2, 3, 4, 5])
    assert found.mean == 3
    assert found.high == pytest.approx(3 + 2.7764451 * math.sqrt(0.5), abs=1e-6)
    assert found.low == pytest.approx(3 - 2.7764451 * math.sqrt(0.5), abs=1e-6)
    assert estimate([1, 2, 3, 4, 5], level=0.9).high == pytest.approx(3 + 2.1318468 * math.sqrt(0.5), abs=1e-6)


def test_one_replication_has_no_interval_and_none_has_no_mean() -> None:
    assert estimate([4.0], "s") == Estimate(4.0, None, None, "s", 1)
    nothing = estimate([NAN, NAN])
    assert math.isnan(nothing.mean)
    assert (nothing.low, nothing.high, nothing.replications) == (None, None, 0)


def test_a_figure_that_is_missing_in_some_replications_counts_those_that_have_it() -> None:
    found = summarise([{"wait_mean_s": 2.0}, {"wait_mean_s": NAN}, {}, {"wait_mean_s": 4.0}])["wait_mean_s"]
    assert (found.mean, found.replications, found.unit) == (3.0, 2, "s")
    assert found.high == pytest.approx(3 + 12.7062047, abs=1e-5)  # t(1; 0.975), standard error 1


def test_a_figure_that_never_varies_has_an_interval_of_no_width() -> None:
    assert estimate([0.1] * 7) == Estimate(0.1, 0.1, 0.1, "1", 7)


def test_intervals_hold_no_value_that_a_figure_cannot_have() -> None:
    found = summarise([{"answered_share": 0.9, "queue_mean": 0.0}, {"answered_share": 1.0, "queue_mean": 1.0}])
    assert found["answered_share"].high == 1.0
    assert found["answered_share"].low is not None
    assert found["answered_share"].low >= 0.0
    assert found["queue_mean"].low == 0.0
    assert found["queue_mean"].high is not None
    assert found["queue_mean"].high > 1.0
    difference = summarise([{"difference_of_waits_s": 0.0}, {"difference_of_waits_s": 1.0}])["difference_of_waits_s"]
    assert difference.low is not None
    assert difference.low < 0


@given(values)
def test_the_mean_lies_within_its_interval_whatever_the_order_of_replications(numbers: list[float]) -> None:
    found = estimate(numbers)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.mean <= found.high
    assert estimate(numbers[::-1]).mean == pytest.approx(found.mean, rel=1e-15)


@given(values, st.floats(0.5, 0.98))
def test_more_confidence_needs_a_wider_interval(numbers: list[float], level: float) -> None:
    assert half_width(numbers, level) <= half_width(numbers, level + 0.01)


def test_relative_half_width_is_that_of_the_interval_over_the_mean() -> None:
    per_replication = [{"wait_mean_s": x} for x in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert relative_half_width(per_replication, "wait_mean_s") == pytest.approx(
        2.7764451 * math.sqrt(0.5) / 3, abs=1e-6
    )
    assert relative_half_width(per_replication[:1], "wait_mean_s") == math.inf
    assert relative_half_width([{"x": 0.0}] * 3, "x") == 0
    assert relative_half_width([{"x": -1.0}, {"x": 1.0}], "x") == math.inf
    assert relative_half_width([], "x") == math.inf


def test_replications_needed_are_the_fewest_that_reach_the_precision_at_the_variance_so_far() -> None:
    # Standard deviation over mean is √2.5 / 3 = 0.527: t(n − 1) · 0.527 / √n ≤ 0.1 holds from n = 110 on.
    per_replication = [{"x": x} for x in (1.0, 2.0, 3.0, 4.0, 5.0)]
    needed = replications_needed(per_replication, "x", 0.1)
    assert needed is not None
    from scipy.special import stdtrit

    def width(n: int) -> float:
        return float(stdtrit(n - 1, 0.975)) * math.sqrt(2.5) / 3 / math.sqrt(n)

    assert width(needed) <= 0.1 < width(needed - 1)
    assert replications_needed(per_replication, "x", 10.0) == 5
    assert replications_needed(per_replication[:1], "x", 0.1) is None
    assert replications_needed(per_replication, "x", 0.0) is None


def test_groups_are_summarised_one_by_one_and_may_be_missing_in_some_replications() -> None:
    found = summarise_by([{"mon": {"offered": 1.0}}, {"mon": {"offered": 3.0}, "tue": {"offered": 5.0}}])
    assert list(found) == ["mon", "tue"]
    assert found["mon"]["offered"].mean == 2
    assert found["tue"]["offered"].replications == 1


def test_json_has_null_where_there_is_no_number() -> None:
    found = summarise([{"offered": 7.0, "wait_mean_s": NAN}])
    assert json.loads(json.dumps(measures_as_json(found), allow_nan=False)) == {
        "offered": {"mean": 7.0, "low": None, "high": None, "unit": "1", "replications": 1},
        "wait_mean_s": {"mean": None, "low": None, "high": None, "unit": "s", "replications": 0},
    }
    assert by_as_json({8: found})[0]["key"] == 8
    assert by_as_json({8: found})[0]["measures"] == measures_as_json(found)


def test_units_of_other_figures_are_given_or_read_off_their_names() -> None:
    assert (unit_of("wait_mean_s"), unit_of("cost_yuan"), unit_of("orders")) == ("s", "yuan", "1")
    assert summarise([{"orders": 1.0}], units={"orders": "per day"})["orders"].unit == "per day"


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_no_probability_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="allowed are numbers between 0 and 1"):
        estimate([1.0, 2.0], level=level)


def test_figures_and_intervals_do_without_the_slow_module() -> None:
    code = (
        "import sys, sim.measures; sim.measures.estimate([1.0, 2.0]); "
        "sys.exit('scipy.stats' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
