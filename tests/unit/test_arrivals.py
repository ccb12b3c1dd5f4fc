"""Who comes: counts, times of the day, over-dispersion, and customers who stay the same when demand changes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from sim.scenario import Scenario
from sim.service.arrivals import arrivals_of_day, no_arrivals, poisson_quantile
from sim.service.build import DAY, build
from sim.service.keys import day_keys
from sim.service.tables import NONE, Arrivals, rows_of

HOUR = DAY // 24
CONFIDENCE = 0.999


def scenario_with(*arrivals: dict[str, object], leaders: int = 4, **parts: object) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "arrivals",
            "horizon": {"days": 28},
            "levels": ["urgent", "normal"],
            "pools": {"leaders": {"groups": [{"group": "all", "servers": leaders}]}},
            "stations": {"desk": {"route": [{"pool": "leaders"}]}},
            "kinds": {"question": {}, "goods": {"counts_as": "goods"}},
            "regime": "only",
            "regimes": {
                "only": {kind: [{"do": "end", "outcome": "done"}] for kind in ("question", "goods")},
                "other": {"question": [{"do": "mark", "moment": "seen"}, {"do": "end", "outcome": "done"}]},
            },
            "arrivals": list(arrivals),
            **parts,
        }
    )


def source(name: str = "calls", **fields: object) -> dict[str, object]:
    return {"source": name, "kind": "question", **fields}


def days_of(scenario: Scenario, days: int, seed: int = 1, replication: int = 0) -> list[Arrivals]:
    sources = build(scenario).sources
    return [arrivals_of_day(sources, day, seed, replication) for day in range(days)]


def half_width(values: np.ndarray) -> float:
    """Of Student's interval for the mean of independent values."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size))


def assert_mean_is(values: np.ndarray, expected: float) -> None:
    assert abs(values.mean() - expected) < half_width(values)


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(u=st.floats(1e-12, 1 - 1e-9), mean=st.floats(1e-3, 1e6))
def test_poisson_quantile_is_the_smallest_count_that_reaches_the_probability(u: float, mean: float) -> None:
    assert poisson_quantile(u, mean) == stats.poisson.ppf(u, mean)


def test_nobody_comes_at_rate_0() -> None:
    assert poisson_quantile(0.999, 0) == 0
    assert rows_of(days_of(scenario_with(source(rate_per_day=0)), 1)[0]) == 0
    assert rows_of(arrivals_of_day((), 0, 1, 0)) == rows_of(no_arrivals()) == 0


@pytest.mark.parametrize(
    ("rate", "per_day"),
    [
        ({"rate_per_s": 1 / 864}, 100),
        ({"rate_per_min": 0.05}, 72),
        ({"rate_per_h": 5}, 120),
        ({"rate_per_day": 3.5}, 3.5),
    ],
)
def test_daily_counts_are_poisson_with_the_stated_rate(rate: dict[str, float], per_day: float) -> None:
    counts = np.array([rows_of(day) for day in days_of(scenario_with(source(**rate)), 1000)])
    assert abs(counts.mean() - per_day) < stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt(per_day / counts.size)
    dispersion = ((counts - counts.mean()) ** 2).sum() / counts.mean()
    low, high = stats.chi2.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], counts.size - 1)
    assert low < dispersion < high


def test_counts_of_different_days_and_replications_are_uncorrelated() -> None:
    sources = build(scenario_with(source(rate_per_day=50))).sources
    counts = np.array([[rows_of(arrivals_of_day(sources, day, 1, r)) for day in range(30)] for r in range(100)])
    limit = stats.norm.ppf((1 + CONFIDENCE) / 2)
    following = np.corrcoef(counts[:, 1:].ravel(), counts[:, :-1].ravel())[0, 1]
    beside = np.corrcoef(counts[1:].ravel(), counts[:-1].ravel())[0, 1]
    assert abs(following) < limit / math.sqrt(counts[:, 1:].size)
    assert abs(beside) < limit / math.sqrt(counts[1:].size)


def test_times_lie_inside_their_day_and_in_order() -> None:
    for number, day in enumerate(days_of(scenario_with(source(rate_per_h=20), source("more", rate_per_h=3)), 10)):
        assert (np.diff(day.t) >= 0).all()
        assert (day.t >= number * DAY).all()
        assert (day.t < (number + 1) * DAY).all()


def test_times_between_arrivals_are_exponential() -> None:
    t = np.concatenate([day.t for day in days_of(scenario_with(source(rate_per_h=30)), 28)])
    assert stats.kstest(np.diff(t) / 120_000, "expon").pvalue > 1 - CONFIDENCE


# ── profiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────

HOURS = [0, 0, 0, 0, 0, 0, 0, 1, 3, 6, 8, 7, 5, 4, 4, 4, 5, 6, 8, 9, 7, 5, 2, 0]


def test_arrivals_follow_the_profile_of_hours() -> None:
    days = days_of(scenario_with(source(rate_per_h=50, profile="p"), profiles={"p": {"hours": HOURS}}), 50)
    counts = np.bincount(np.concatenate([day.t % DAY // HOUR for day in days]), minlength=24)
    expected = np.array(HOURS) / sum(HOURS) * 50 * 24 * 50
    assert (counts[expected == 0] == 0).all()
    statistic = (((counts - expected) ** 2)[expected > 0] / expected[expected > 0]).sum()
    assert statistic < stats.chi2.ppf(CONFIDENCE, (expected > 0).sum())


def test_within_an_interval_of_the_profile_arrivals_are_even() -> None:
    days = days_of(scenario_with(source(rate_per_h=50, profile="p"), profiles={"p": {"hours": HOURS}}), 30)
    place = np.concatenate([day.t % HOUR / HOUR for day in days])
    assert stats.kstest(place, "uniform").pvalue > 1 - CONFIDENCE


def test_weekdays_and_their_hours_follow_the_calendar() -> None:
    profile = {
        "hours": [1, 1],
        "weekdays": {"mon-fri": 1.5, "sat": 0.5, "sun": 0},
        "hours_by_weekday": {"sat": [1, 3]},
    }
    scenario = scenario_with(
        source(rate_per_day=400, profile="p"),
        profiles={"p": profile},
        horizon={"days": 28, "first_weekday": "thu"},
    )
    days = days_of(scenario, 280)
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    for weekday, mornings, afternoons in [(0, 300, 300), (3, 300, 300), (5, 50, 150), (6, 0, 0)]:
        of_weekday = [day for number, day in enumerate(days) if (3 + number) % 7 == weekday]
        assert len(of_weekday) == 40
        t = np.concatenate([day.t % DAY for day in of_weekday])
        for found, mean in [((t < DAY // 2).sum(), mornings), ((t >= DAY // 2).sum(), afternoons)]:
            assert abs(found - 40 * mean) <= z * math.sqrt(40 * mean)


# ── over-dispersion ──────────────────────────────────────────────────────────────────────────────────────────────────


def counts_by_hour(spread: dict[str, float], per_hour: float, days: int) -> np.ndarray:
    found = days_of(scenario_with(source(rate_per_h=per_hour, overdispersion=spread)), days)
    return np.array([np.bincount(day.t % DAY // HOUR, minlength=24) for day in found])


def test_a_daily_factor_spreads_the_days_and_ties_their_hours_together() -> None:
    per_hour, cv = 10.0, 0.4
    counts = counts_by_hour({"daily_cv": cv}, per_hour, 2000)
    totals = counts.sum(axis=1)
    mean = 24 * per_hour
    assert_mean_is(totals, mean)
    assert_mean_is((totals - mean) ** 2, mean + (mean * cv) ** 2)
    assert_mean_is((counts[:, 3] - per_hour) * (counts[:, 20] - per_hour), (per_hour * cv) ** 2)


def test_days_with_a_daily_factor_are_independent() -> None:
    totals = counts_by_hour({"daily_cv": 0.4}, 10, 2000).sum(axis=1) - 240
    assert_mean_is(totals[1:] * totals[:-1], 0)


def gamma_product_moment(cv: float, correlation: float) -> float:
    """Mean product of two gamma factors (mean 1) under a Gaussian copula."""
    gamma = stats.gamma(1 / cv**2, scale=cv**2)

    def density(y: float, x: float) -> float:
        joint = stats.multivariate_normal.pdf([x, y], cov=[[1, correlation], [correlation, 1]])
        return float(gamma.ppf(stats.norm.cdf(x)) * gamma.ppf(stats.norm.cdf(y)) * joint)

    return float(integrate.dblquad(density, -7, 7, -7, 7, epsabs=1e-4)[0])


def test_interval_factors_spread_the_intervals_and_fade_with_their_distance() -> None:
    per_hour, cv, correlation = 20.0, 0.5, 0.6
    counts = counts_by_hour({"interval_cv": cv, "interval_min": 60, "correlation": correlation}, per_hour, 1500)
    assert_mean_is(counts.mean(axis=1), per_hour)
    assert_mean_is(((counts - per_hour) ** 2).mean(axis=1), per_hour + (per_hour * cv) ** 2)
    for lag in (1, 2):
        products = ((counts[:, lag:] - per_hour) * (counts[:, :-lag] - per_hour)).mean(axis=1)
        tie = gamma_product_moment(cv, correlation**lag) - 1
        assert tie > 0.05
        assert_mean_is(products, tie * per_hour**2)


def test_day_and_interval_factors_multiply() -> None:
    per_hour, daily, interval = 20.0, 0.3, 0.4
    counts = counts_by_hour({"daily_cv": daily, "interval_cv": interval, "interval_min": 60}, per_hour, 1500)
    squares = (1 + daily**2) * (1 + interval**2)
    assert_mean_is(((counts - per_hour) ** 2).mean(axis=1), per_hour + per_hour**2 * (squares - 1))
    products = ((counts[:, 1:] - per_hour) * (counts[:, :-1] - per_hour)).mean(axis=1)
    assert_mean_is(products, (per_hour * daily) ** 2)


# ── customers who stay the same ──────────────────────────────────────────────────────────────────────────────────────


def by_key(day: Arrivals) -> dict[int, tuple[int, ...]]:
    columns = (day.t, day.kind, day.level, day.home_server, day.topic, day.case)
    return dict(zip(day.draw_key.tolist(), zip(*(c.tolist() for c in columns), strict=True), strict=True))


@pytest.mark.parametrize(
    "more",
    [{}, {"overdispersion": {"daily_cv": 0.5, "interval_cv": 0.3, "correlation": 0.5}}],
    ids=["poisson", "spread"],
)
def test_more_demand_keeps_the_customers_that_were_there(more: dict[str, object]) -> None:
    def customers(rate: float) -> list[Arrivals]:
        calls = source(rate_per_h=rate, profile="p", home_pool="leaders", topics=3, **more)
        return days_of(scenario_with(calls, profiles={"p": {"hours": HOURS}}), 7)

    for few, many in zip(customers(10), customers(13), strict=True):
        before, after = by_key(few), by_key(many)
        assert len(before) < len(after)
        assert all(after[key] == row for key, row in before.items())


def test_less_demand_never_brings_anybody_new() -> None:
    for rate in (9.9, 5, 0.1):
        few, many = (days_of(scenario_with(source(rate_per_h=r)), 3) for r in (rate, 10))
        assert all(set(a.draw_key.tolist()) <= set(b.draw_key.tolist()) for a, b in zip(few, many, strict=True))


def test_one_sources_demand_changes_nobody_elsewhere() -> None:
    steady = source("steady", rate_per_h=5, home_pool="leaders", topics=2, overdispersion={"daily_cv": 0.3})
    alone = days_of(scenario_with(steady), 5)
    beside = days_of(scenario_with(source("loud", rate_per_h=50), steady, source("late", rate_per_h=9)), 5)
    for a, b in zip(alone, beside, strict=True):
        joined = by_key(b)
        assert all(joined[key] == row for key, row in by_key(a).items())


def test_sources_draw_independently() -> None:
    sources = [source(name, rate_per_day=100) for name in ("one", "two")]
    days = days_of(scenario_with(*sources), 2000)
    keys = [(day.draw_key.astype(np.uint64) >> np.uint64(32)) for day in days]
    first = keys[0][0]
    counts = np.array([[(k == first).sum(), (k != first).sum()] for k in keys])
    correlation = np.corrcoef(counts.T)[0, 1]
    assert abs(correlation) < stats.norm.ppf((1 + CONFIDENCE) / 2) / math.sqrt(len(days))


def test_keys_are_unique_over_sources_and_days() -> None:
    days = days_of(scenario_with(source(rate_per_h=100), source("more", rate_per_h=100)), 20)
    keys = np.concatenate([day.draw_key for day in days])
    assert np.unique(keys).size == keys.size


def test_days_and_slots_out_of_range_have_no_key() -> None:
    with pytest.raises(ValueError, match="no draw key"):
        day_keys(1, 4096, np.zeros(1, np.int64))
    with pytest.raises(ValueError, match="no draw key"):
        day_keys(1, 0, np.array([1 << 20]))


# ── homes, topics, levels, regimes ───────────────────────────────────────────────────────────────────────────────────


def test_homes_and_topics_are_drawn_evenly_and_topics_belong_to_one_home() -> None:
    calls = source(rate_per_h=100, home_pool="leaders", topics=5, level="normal")
    days = days_of(scenario_with(source("others", rate_per_h=1, topics=7), calls), 20)
    home, topic = (np.concatenate([getattr(day, name) for day in days]) for name in ("home_server", "topic"))
    own = home != NONE
    assert ((topic >= 0) & (topic < 7))[~own].all()
    assert ((topic[own] - 7) // 5 == home[own]).all()
    counts = np.bincount(topic[own] - 7, minlength=20)
    assert stats.chisquare(counts).pvalue > 1 - CONFIDENCE


def test_without_home_pool_and_topics_an_item_has_none() -> None:
    (day,) = days_of(scenario_with(source(rate_per_h=10)), 1)
    assert set(day.home_server.tolist()) == set(day.topic.tolist()) == {NONE}
    assert set(day.case.tolist()) == {NONE}


def test_a_source_may_name_its_level_and_its_regime() -> None:
    scenario = scenario_with(source(times_s=[1]), source("b", times_s=[2], level="normal", regime="other"))
    network = build(scenario)
    (day,) = days_of(scenario, 1)
    assert day.level.tolist() == [0, 1]
    assert day.entry_pc.tolist() == [network.entry["only", "question"], network.entry["other", "question"]]


# ── given times and clock times ──────────────────────────────────────────────────────────────────────────────────────


def test_given_times_come_on_their_day_in_order() -> None:
    first, second, third = days_of(scenario_with(source(times_s=[90_000, 5, 86_399.9995, 5, 0.0004])), 3)
    assert first.t.tolist() == [0, 5000, 5000]
    assert second.t.tolist() == [DAY, 90_000_000]
    assert rows_of(third) == 0


def test_clock_times_make_an_item_for_each_server_on_the_named_days() -> None:
    goods = {
        "source": "goods",
        "kind": "goods",
        "at": ["16:00", "07:30"],
        "on": ["mon-tue", "sun"],
        "for_each_server_of": "leaders",
        "topics": 1,
    }
    days = days_of(scenario_with(goods, leaders=3), 14)
    assert [rows_of(day) for day in days] == [6, 6, 0, 0, 0, 0, 6] * 2
    assert (days[8].t - 8 * DAY).tolist() == [27_000_000] * 3 + [57_600_000] * 3
    assert days[8].home_server.tolist() == [0, 1, 2] * 2
    assert days[8].topic.tolist() == [0, 1, 2] * 2
    assert np.unique(days[8].draw_key).size == 6


def test_clock_times_without_servers_make_one_item_each() -> None:
    (day,) = days_of(scenario_with({"source": "round", "kind": "goods", "at": ["00:00", "23:59"]}), 1)
    assert day.t.tolist() == [0, 86_340_000]


def test_another_server_leaves_the_clock_time_items_of_the_others_alone() -> None:
    def goods(leaders: int) -> dict[int, tuple[int, ...]]:
        fields = {"at": ["07:30", "16:00"], "for_each_server_of": "leaders"}
        (day,) = days_of(scenario_with({"source": "goods", "kind": "goods", **fields}, leaders=leaders), 1)
        return by_key(day)

    before, after = goods(3), goods(4)
    assert all(after[key] == row for key, row in before.items())


def test_items_of_one_moment_come_in_order_of_source_and_slot() -> None:
    at = {"at": ["08:00"], "for_each_server_of": "leaders"}
    scenario = scenario_with(
        source("b", times_s=[28_800]), {"source": "a", "kind": "goods", **at}, source("c", times_s=[28_800, 28_800])
    )
    (day,) = days_of(scenario, 1)
    assert day.kind.tolist() == [0, 1, 1, 1, 1, 0, 0]
    assert day.home_server.tolist() == [NONE, 0, 1, 2, 3, NONE, NONE]
