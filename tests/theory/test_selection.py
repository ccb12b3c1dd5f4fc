"""The best of several: Kim and Nelson's procedure keeps its guarantee, and is no more careful than it has to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import betaincinv

from sim.study.selection import Selection, kim_nelson

pytestmark = pytest.mark.theory

CONFIDENCE = 0.999


def interval(right: int, repetitions: int) -> tuple[float, float]:
    """Interval of a share (C. J. Clopper and E. S. Pearson 1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(right, repetitions - right + 1, tail) if right else 0.0
    high = betaincinv(right + 1, repetitions - right, 1 - tail) if right < repetitions else 1.0
    return float(low), float(high)


def normal_values(
    rng: np.random.Generator, means: list[float], spreads: list[float], correlation: float, replications: int
) -> np.ndarray:
    """Replications of options with known means and standard deviations; each pair has the same correlation."""
    shared = rng.standard_normal((replications, 1))
    own = rng.standard_normal((replications, len(means)))
    mixed = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own
    return np.array(means) + np.array(spreads) * mixed


def selections(
    means: list[float],
    spreads: list[float],
    correlation: float,
    *,
    guarantee: float,
    first_stage: int,
    repetitions: int = 600,
) -> list[Selection]:
    """What is selected in many repetitions, with an indifference of 1."""
    rng = np.random.default_rng(20_010_711)
    return [
        kim_nelson(normal_values(rng, means, spreads, correlation, 1500), 1.0, guarantee, first_stage)
        for _ in range(repetitions)
    ]


@pytest.mark.parametrize(
    ("means", "spreads", "correlation", "guarantee", "first_stage"),
    [
        ([1, 0], [4, 4], 0.0, 0.95, 10),
        ([0, 0, 1, 0], [2, 2, 2, 2], 0.0, 0.95, 10),
        ([0, 0, 1, 0], [4, 4, 4, 4], 0.8, 0.95, 10),
        ([0, 0, 0, 0, 0, 1], [1, 2, 3, 4, 2, 3], 0.5, 0.90, 20),
        ([0, 1, 0], [2, 2, 2], 0.3, 0.80, 5),
    ],
    ids=("two", "independent", "common luck", "unequal variances", "short first stage"),
)
def test_the_best_is_chosen_as_often_as_guaranteed_where_that_is_hardest(
    means: list[float], spreads: list[float], correlation: float, guarantee: float, first_stage: int
) -> None:
    # The slippage configuration: the best is ahead of every other by the indifference and no more.
    found = selections(means, spreads, correlation, guarantee=guarantee, first_stage=first_stage)
    right = sum(one.chosen == means.index(1) for one in found)
    assert interval(right, len(found))[1] >= guarantee


def test_two_options_with_much_noise_cost_hardly_more_than_the_guarantee_asks_for() -> None:
    # With one rival Fabian's bound is exact for Brownian motion (V. Fabian 1974, Note on Anderson's sequential
    # procedures with triangular boundary, Annals of Statistics 2(1)): only the overshoot of steps is given away.
    found = selections([1, 0], [6, 6], 0.0, guarantee=0.80, first_stage=20)
    low, high = interval(sum(one.chosen == 0 for one in found), len(found))
    assert low <= 0.85
    assert high >= 0.80


def test_options_that_share_their_luck_need_fewer_replications() -> None:
    after = {
        correlation: np.mean(
            [one.after for one in selections([1, 0, 0], [4, 4, 4], correlation, guarantee=0.95, first_stage=10)]
        )
        for correlation in (0.0, 0.8)
    }
    assert after[0.8] < after[0.0] / 3


def test_a_pair_is_decided_after_as_many_replications_as_were_announced_at_the_latest() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        values = normal_values(rng, [0, 0, 0], [2, 2, 2], 0.0, 1500)
        early = kim_nelson(values[:12], 1.0, 0.95, 10)
        whole = kim_nelson(values, 1.0, 0.95, 10)
        assert whole.chosen is not None
        assert early.at_most is not None
        assert whole.after <= early.at_most
        assert whole.eliminated.items() >= early.eliminated.items()
        assert kim_nelson(values[: whole.after], 1.0, 0.95, 10) == whole
        assert whole.after == 10 or kim_nelson(values[: whole.after - 1], 1.0, 0.95, 10).chosen is None


def test_the_triangle_is_the_published_one() -> None:
    # By hand: k = 2, n₀ = 2, guarantee 0.75: η = ½ ((2 · 0.25)^(−2) − 1) = 1.5 and h² = 2 · 1.5 · 1 = 3. Differences 3
    # and 1 have the mean 2 and the variance 2. Indifference 1: N = ⌊3 · 2 / 1⌋ = 6, so that 7 replications decide at
    # the latest; after r of them the sum has to pass (6 − r) / 2. The sums are 4 after two (2 is passed) …
    assert kim_nelson(np.array([[3.0, 0], [1, 0]]), 1, 0.75, 2) == Selection(0, 2, (0,), {1: 2}, 2)
    # … and with differences 1 and −1 (variance 2 again) 0 (2 is not), 1 (1.5 is not), and 1 + 0.1 after four (1 is).
    slow = np.array([[1.0, 0], [-1, 0], [1, 0], [0.1, 0]])
    assert kim_nelson(slow[:3], 1, 0.75, 2) == Selection(None, 3, (0, 1), {}, 7)
    assert kim_nelson(slow, 1, 0.75, 2) == Selection(0, 4, (0,), {1: 4}, 4)


def test_equal_options_end_undivided_and_the_first_is_as_good_as_any() -> None:
    same = np.repeat(np.arange(5.0)[:, None], 3, axis=1)
    assert kim_nelson(same, 1, 0.95, 2) == Selection(0, 2, (0, 1, 2), {}, 2)


def test_before_the_first_stage_is_complete_nothing_is_said() -> None:
    assert kim_nelson(np.array([[100.0, 0.0]]), 1, 0.95, 2) == Selection(None, 1, (0, 1), {}, None)


@pytest.mark.parametrize(
    ("shape", "indifference", "guarantee", "first_stage"),
    [((9, 1), 1, 0.9, 5), ((9, 2), 0, 0.9, 5), ((9, 2), 1, 0.5, 5), ((9, 2), 1, 1.0, 5), ((9, 2), 1, 0.9, 1)],
)
def test_what_the_procedure_cannot_mean_is_refused(
    shape: tuple[int, int], indifference: float, guarantee: float, first_stage: int
) -> None:
    with pytest.raises(ValueError, match="allowed"):
        kim_nelson(np.zeros(shape), indifference, guarantee, first_stage)


def test_a_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        kim_nelson(np.array([[1.0, math.nan], [1, 2]]), 1, 0.95, 2)
