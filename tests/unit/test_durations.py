"""Distributions of times: every family against its closed form, cut, mixed, tabulated and as people state it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from sim import draws
from sim.scenario import Duration
from sim.service.durations import DurationTable, gamma_knots, is_zero, parts_of

PROBABILITIES = np.unique(
    np.concatenate([np.linspace(0.001, 0.999, 333), np.logspace(-12, -3, 19), 1 - np.logspace(-12, -3, 19)])
)
SAMPLE = 100_000


class Drawn:
    """A distribution as the engines see it: rows of the flat tables."""

    def __init__(self, **fields: object) -> None:
        self.duration = Duration.model_validate(fields)
        table = DurationTable()
        self.row = table.add(self.duration)
        tables = table.tables()
        self.tables = (tables.span, tables.component, tables.knot)

    def at(self, u: float) -> int:
        """Duration in ms at a probability."""
        return int(draws.duration_from_uniform(u, self.row, *self.tables))

    def ats(self, probabilities: np.ndarray) -> np.ndarray:
        return np.array([self.at(u) for u in probabilities.tolist()], dtype=np.float64)

    def sample(self, n: int = SAMPLE) -> np.ndarray:
        return np.array([draws.duration_ms(1, 0, key, 3, 0, self.row, *self.tables) for key in range(n)], np.float64)


def lognormal(mean: float, cv: float) -> stats.rv_continuous:
    variance = math.log1p(cv**2)
    return stats.lognorm(s=math.sqrt(variance), scale=mean * math.exp(-variance / 2))


def weibull_cv(shape: float) -> float:
    return math.sqrt(special.gamma(1 + 2 / shape) / special.gamma(1 + 1 / shape) ** 2 - 1)


# Long times, so that rounding to the millisecond hides nothing: 1e8 s = 1e11 ms.
LONG_S, LONG_MS = 1e8, 1e11

FAMILIES = [
    ({"family": "exponential", "mean_s": LONG_S}, stats.expon(scale=LONG_MS)),
    ({"family": "exponential", "median_h": 1e5}, stats.expon(scale=1e5 * 3.6e6 / math.log(2))),
    ({"family": "lognormal", "mean_s": LONG_S, "cv": 0.05}, lognormal(LONG_MS, 0.05)),
    ({"family": "lognormal", "mean_min": 1e6, "cv": 0.8}, lognormal(6e10, 0.8)),
    ({"family": "lognormal", "median_s": 1e7, "mean_s": 2e7}, stats.lognorm(s=math.sqrt(2 * math.log(2)), scale=1e10)),
    (
        {"family": "lognormal", "median_min": 1e5, "p90_min": 3e5},
        stats.lognorm(s=math.log(3) / stats.norm.ppf(0.9), scale=6e9),
    ),
    (
        {"family": "weibull", "mean_s": LONG_S, "shape": 0.7},
        stats.weibull_min(0.7, scale=LONG_MS / special.gamma(1 + 1 / 0.7)),
    ),
    (
        {"family": "weibull", "mean_s": LONG_S, "shape": 3},
        stats.weibull_min(3, scale=LONG_MS / special.gamma(1 + 1 / 3)),
    ),
    (
        {"family": "weibull", "mean_h": 1e4, "cv": weibull_cv(1.5)},
        stats.weibull_min(1.5, scale=3.6e10 / special.gamma(1 + 1 / 1.5)),
    ),
]


def name_of(case: object) -> str:
    return "-".join(str(value) for value in case.values()) if isinstance(case, dict) else ""


# ── each family ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("fields", "expected"), FAMILIES, ids=name_of)
def test_quantiles_are_those_of_the_closed_form_to_the_millisecond(
    fields: dict[str, object], expected: stats.rv_continuous
) -> None:
    drawn = Drawn(**fields)
    # Above one half, the survival function is the exact one; a uniform cannot tell the two apart.
    exact = np.minimum(
        np.where(PROBABILITIES < 0.5, expected.ppf(PROBABILITIES), expected.isf(1 - PROBABILITIES)), draws.LONGEST_MS
    )
    assert (np.abs(drawn.ats(PROBABILITIES) - exact) <= 0.5 + 1e-11 * exact).all()


@pytest.mark.parametrize("shape", [0.01, 0.05, 0.08, 0.2, 0.5, 0.9, 1.0, 1.5, 4.0, 17.3, 100.0, 400.0, 10_000.0])
def test_gamma_quantiles_agree_with_scipy_to_1e_8(shape: float) -> None:
    knots = gamma_knots(shape, 1.0)
    found = np.array([draws._gamma_from_table(u, 0, len(knots), knots) for u in PROBABILITIES.tolist()])
    exact = np.where(
        PROBABILITIES < 0.5, special.gammaincinv(shape, PROBABILITIES), special.gammainccinv(shape, 1 - PROBABILITIES)
    )
    usual = exact > 1e-250  # below, scipy's quantile underflows
    assert usual.sum() > 0.7 * usual.size
    assert np.abs(found[usual] / exact[usual] - 1).max() < 1e-8


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.0, 2.0])
def test_gamma_by_mean_and_cv_rounds_scipys_quantile(cv: float) -> None:
    exact = stats.gamma(1 / cv**2, scale=LONG_MS * cv**2).ppf(PROBABILITIES)
    assert (np.abs(Drawn(family="gamma", mean_s=LONG_S, cv=cv).ats(PROBABILITIES) - exact) <= 0.5 + 1e-8 * exact).all()


def test_the_lower_tail_of_a_small_gamma_shape_does_not_underflow_to_nonsense() -> None:
    drawn = Drawn(family="gamma", mean_s=1, cv=math.sqrt(1 / 0.06))
    assert drawn.at(1e-12) == 0
    assert math.isfinite(draws._gamma_from_table(1e-12, 0, 1025, gamma_knots(0.06, 1.0)))


def test_a_constant_is_that_number_at_every_probability() -> None:
    assert set(Drawn(family="constant", value_min=2.5).ats(PROBABILITIES)) == {150_000.0}
    assert Drawn(family="constant", value_s=0.0004).at(0.5) == 0
    assert Drawn(family="constant", value_s=0.0005).at(0.5) == 1


def test_durations_are_whole_milliseconds_rounded_half_up_and_have_a_longest() -> None:
    drawn = Drawn(family="exponential", mean_s=1)
    assert drawn.at(1 - math.exp(-0.5)) == 500
    assert Drawn(family="exponential", mean_h=1e12).at(0.5) == int(draws.LONGEST_MS)


MOMENTS = [
    ({"family": "exponential", "mean_min": 3}, 180_000, 1.0),
    ({"family": "lognormal", "mean_s": 240, "cv": 0.8}, 240_000, 0.8),
    ({"family": "gamma", "mean_s": 240, "cv": 0.3}, 240_000, 0.3),
    ({"family": "gamma", "mean_s": 240, "cv": 1.7}, 240_000, 1.7),
    ({"family": "weibull", "mean_s": 240, "cv": 0.6}, 240_000, 0.6),
    ({"family": "weibull", "mean_s": 240, "shape": 0.8}, 240_000, weibull_cv(0.8)),
    ({"family": "hyperexponential", "mean_s": 240, "cv": math.sqrt(2)}, 240_000, math.sqrt(2)),
    ({"family": "hyperexponential", "mean_s": 240, "cv": 1}, 240_000, 1.0),
    ({"family": "empirical", "quantiles_s": {0: 0, 0.5: 10, 1: 30}}, 12_500, math.sqrt(700 / 3 - 12.5**2) / 12.5),
]


@pytest.mark.parametrize(("fields", "mean", "cv"), MOMENTS, ids=name_of)
def test_drawn_samples_have_the_stated_mean_and_cv(fields: dict[str, object], mean: float, cv: float) -> None:
    x = Drawn(**fields).sample()
    z = special.ndtri(0.9995)
    assert abs(x.mean() - mean) < z * mean * cv / math.sqrt(x.size)
    squares = (x - mean) ** 2
    assert abs(squares.mean() - (mean * cv) ** 2) < z * squares.std() / math.sqrt(x.size)


def test_hyperexponential_phases_carry_the_same_load() -> None:
    fast, slow = parts_of(Duration(family="hyperexponential", mean_s=60, cv=2.0))
    assert fast.share + slow.share == pytest.approx(1)
    assert fast.share * fast.p0 == pytest.approx(30_000)
    assert slow.share * slow.p0 == pytest.approx(30_000)


@pytest.mark.parametrize("cv", [0.011, 0.1, 0.5, 1.0, 3.0, 19.0])
def test_a_weibull_by_cv_has_that_cv(cv: float) -> None:
    (part,) = parts_of(Duration(family="weibull", mean_s=60, cv=cv))
    ratio = math.exp(math.lgamma(1 + 2 * part.p1) - 2 * math.lgamma(1 + part.p1))
    assert ratio - 1 == pytest.approx(cv**2, rel=1e-6)
    assert part.p0 * math.exp(math.lgamma(1 + part.p1)) == pytest.approx(60_000)


# ── cut ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

CUTS = [(None, 120.0), (30.0, None), (30.0, 120.0), (59.0, 61.0), (200.0, 1e5)]


@pytest.mark.parametrize(("low_s", "high_s"), CUTS)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"family": "exponential", "mean_s": 60}, stats.expon(scale=60_000)),
        ({"family": "lognormal", "mean_s": 60, "cv": 1.2}, lognormal(60_000, 1.2)),
        ({"family": "gamma", "mean_s": 60, "cv": 0.7}, stats.gamma(1 / 0.49, scale=60_000 * 0.49)),
        ({"family": "weibull", "mean_s": 60, "shape": 2}, stats.weibull_min(2, scale=60_000 / special.gamma(1.5))),
    ],
    ids=["exponential", "lognormal", "gamma", "weibull"],
)
def test_a_cut_distribution_is_the_conditional_one(
    fields: dict[str, object], expected: stats.rv_continuous, low_s: float | None, high_s: float | None
) -> None:
    bounds = {"at_least_s": low_s, "at_most_s": high_s}
    drawn = Drawn(**fields, **{name: value for name, value in bounds.items() if value is not None})
    low, high = (low_s or 0) * 1000, math.inf if high_s is None else high_s * 1000
    u = np.linspace(0.0005, 0.9995, 301)
    x = drawn.ats(u)
    assert (x >= low).all()
    assert (x <= high).all()
    first, last = expected.sf(low), expected.sf(high)
    exact = expected.isf(first - u * (first - last))
    assert (np.abs(x - exact) <= 0.5 + 1e-7 * exact).all()


def test_the_mean_of_a_cut_sample_is_the_conditional_mean() -> None:
    x = Drawn(family="exponential", mean_s=100, at_least_s=50, at_most_s=150).sample()
    mass, _ = integrate.quad(lambda t: t * math.exp(-t / 100) / 100, 50, 150)
    mean = 1000 * mass / (math.exp(-0.5) - math.exp(-1.5))
    assert abs(x.mean() - mean) < special.ndtri(0.9995) * x.std() / math.sqrt(x.size)


def test_bounds_at_an_atom_keep_it() -> None:
    fields = {"family": "mixture", "components": [constant(0.5, 10), constant(0.5, 20)]}
    assert set(Drawn(**fields, at_least_s=10, at_most_s=20).ats(PROBABILITIES)) == {10_000.0, 20_000.0}
    assert set(Drawn(**fields, at_least_s=10.001).ats(PROBABILITIES)) == {20_000.0}
    assert set(Drawn(**fields, at_most_s=19.999).ats(PROBABILITIES)) == {10_000.0}


@pytest.mark.parametrize(
    "fields",
    [
        {"family": "constant", "value_s": 10, "at_least_s": 11},
        {"family": "exponential", "mean_s": 1, "at_least_s": 1e6},
        {"family": "empirical", "quantiles_s": {0: 5, 1: 10}, "at_most_s": 4},
        {"family": "lognormal", "mean_s": 100, "cv": 0.1, "at_most_s": 1},
    ],
)
def test_a_distribution_that_is_cut_to_nothing_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="at_least and at_most leave nothing"):
        parts_of(Duration.model_validate(fields))


def test_a_cut_component_may_be_cut_again_with_the_mixture() -> None:
    inner = {"family": "exponential", "mean_s": 60, "at_least_s": 30}
    mixture = {"family": "mixture", "components": [{"share": 1.0, "duration": inner}], "at_most_s": 90}
    once = Drawn(family="exponential", mean_s=60, at_least_s=30, at_most_s=90)
    assert Drawn(**mixture).ats(PROBABILITIES).tolist() == once.ats(PROBABILITIES).tolist()


# ── mixtures ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def constant(share: float, value_s: float) -> dict[str, object]:
    return {"share": share, "duration": {"family": "constant", "value_s": value_s}}


def exponential(share: float, mean_s: float) -> dict[str, object]:
    return {"share": share, "duration": {"family": "exponential", "mean_s": mean_s}}


def test_a_mixture_with_an_atom_at_zero_spends_one_uniform() -> None:
    drawn = Drawn(family="mixture", components=[constant(0.3, 0), exponential(0.7, LONG_S)])
    u = np.linspace(0.001, 0.999, 999)
    exact = np.where(u < 0.3, 0.0, -LONG_MS * np.log1p(-np.clip((u - 0.3) / 0.7, 0, 1)))
    assert (np.abs(drawn.ats(u) - exact) <= 0.5 + 1e-10 * exact).all()


def test_cutting_a_mixture_moves_the_shares_of_its_components() -> None:
    components = [constant(0.3, 0), exponential(0.7, 60)]
    from_10 = parts_of(Duration(family="mixture", components=components, at_least_s=10))
    assert [part.share for part in from_10] == [1.0]
    atom, rest = parts_of(Duration(family="mixture", components=components, at_most_s=60))
    kept = 0.7 * (1 - math.exp(-1))
    assert atom.share == pytest.approx(0.3 / (0.3 + kept))
    assert rest.share == pytest.approx(kept / (0.3 + kept))


def test_mixtures_of_mixtures_multiply_their_shares() -> None:
    inner = {"family": "mixture", "components": [constant(0.25, 1), constant(0.75, 2)]}
    drawn = Drawn(family="mixture", components=[constant(0.2, 0), {"share": 0.8, "duration": inner}])
    shares = [part.share for part in parts_of(drawn.duration)]
    assert shares == pytest.approx([0.2, 0.2, 0.6])
    assert [drawn.at(u) for u in (0.1, 0.3, 0.5, 0.99)] == [0, 1000, 2000, 2000]


def test_components_with_share_0_are_left_out() -> None:
    assert len(parts_of(Duration(family="mixture", components=[constant(0, 5), constant(1, 6)]))) == 1


@given(
    shares=st.lists(st.floats(0.01, 1), min_size=1, max_size=5),
    means=st.lists(st.floats(1, 1000), min_size=5, max_size=5),
)
def test_durations_rise_with_the_uniform_inside_every_component(shares: list[float], means: list[float]) -> None:
    total = sum(shares)
    families = ["exponential", "lognormal", "gamma", "weibull", "lognormal"]
    components = [
        {
            "share": share / total,
            "duration": {"family": family, "mean_s": mean, **({} if family == "exponential" else {"cv": 0.9})},
        }
        for share, family, mean in zip(shares, families, means, strict=False)
    ]
    drawn = Drawn(family="mixture", components=components)
    below = 0.0
    for part in parts_of(drawn.duration):
        inside = below + part.share * np.linspace(0.001, 0.999, 50)
        assert (np.diff(drawn.ats(inside)) >= 0).all()
        below += part.share


# ── empirical ────────────────────────────────────────────────────────────────────────────────────────────────────────

TABLE = {0.0: 0.0, 0.2: 5.0, 0.6: 5.0, 0.9: 50.0, 1.0: 200.0}
"""Seconds; a fifth of them evenly up to 5 s, then an atom of 0.4 at 5 s."""


def test_an_empirical_table_draws_straight_lines_between_its_quantiles() -> None:
    u = np.linspace(0.0005, 0.9995, 999)
    exact = np.interp(u, list(TABLE), [1000 * t for t in TABLE.values()])
    assert np.abs(Drawn(family="empirical", quantiles_s=TABLE).ats(u) - exact).max() <= 0.5 + 1e-9


def test_an_empirical_table_in_minutes_is_the_same_in_seconds() -> None:
    minutes = {p: t / 60 for p, t in TABLE.items()}
    in_minutes, in_seconds = (
        Drawn(family="empirical", quantiles_min=minutes),
        Drawn(family="empirical", quantiles_s=TABLE),
    )
    assert in_minutes.ats(PROBABILITIES).tolist() == in_seconds.ats(PROBABILITIES).tolist()


@pytest.mark.parametrize(
    ("bounds", "first", "last"),
    [
        ({"at_most_s": 5}, 0.0, 0.6),  # the atom on the bound stays
        ({"at_most_s": 4}, 0.0, 0.16),
        ({"at_least_s": 5}, 0.2, 1.0),
        ({"at_least_s": 5.001}, 0.6 + 0.3 * 0.001 / 45, 1.0),
        ({"at_least_s": 14, "at_most_s": 125}, 0.66, 0.95),
    ],
)
def test_a_cut_empirical_table_is_the_conditional_one(bounds: dict[str, float], first: float, last: float) -> None:
    u = np.linspace(0.0005, 0.9995, 301)
    exact = np.interp(first + u * (last - first), list(TABLE), [1000 * t for t in TABLE.values()])
    assert np.abs(Drawn(family="empirical", quantiles_s=TABLE, **bounds).ats(u) - exact).max() <= 0.5 + 1e-6


def test_two_equal_quantiles_are_a_constant() -> None:
    assert set(Drawn(family="empirical", quantiles_s={0: 7, 1: 7}).ats(PROBABILITIES)) == {7000.0}


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_equal_distributions_share_a_row() -> None:
    table = DurationTable()
    rows = [
        table.add(Duration(family="exponential", mean_s=60)),
        table.add(Duration(family="exponential", mean_min=1)),
        table.add(Duration(family="gamma", mean_s=60, cv=0.5)),
        table.add(Duration(family="exponential", mean_s=61)),
        table.add(Duration(family="gamma", mean_s=60, cv=0.5)),
    ]
    assert rows == [0, 0, 1, 2, 1]
    tables = table.tables()
    assert tables.span.tolist() == [[0, 1], [1, 1], [2, 1]]
    assert len(tables.knot) == 1025


def test_only_what_always_rounds_to_0_ms_takes_no_time() -> None:
    assert is_zero(Duration(family="constant", value_s=0.0004))
    assert not is_zero(Duration(family="constant", value_s=0.0005))
    assert not is_zero(Duration(family="mixture", components=[constant(0.5, 0), constant(0.5, 1)]))
    assert is_zero(Duration(family="mixture", components=[constant(0.5, 0), constant(0.5, 0)]))
