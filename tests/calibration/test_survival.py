"""Cut-off durations are estimated by the product limit, and become tables with a stated tail."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.quantiles import PROBABILITIES, QuantileTable, from_durations
from calibration.survival import LAST_QUANTILE, censored_quantiles, median_ms, product_limit, survival_at


def test_a_worked_example_comes_out():
    table = product_limit([3, 3, 5, 5, 8, 9], [True, False, True, True, False, True])
    assert table["time_ms"].tolist() == [3, 5, 9]
    assert table["at_risk"].tolist() == [6, 4, 1]
    assert table["survival"].tolist() == pytest.approx([5 / 6, 5 / 12, 0.0])
    assert [survival_at(table, t) for t in (2.9, 3, 4.9, 8.9, 9)] == pytest.approx([1, 5 / 6, 5 / 6, 5 / 12, 0])
    assert median_ms(table) == 5


def test_the_median_of_what_mostly_lasts_is_no_number():
    assert np.isnan(median_ms(product_limit([1, 2, 2], [True, False, False])))


samples = st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=60)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@given(samples.filter(lambda rows: any(ended for _, ended in rows)))
def test_survival_and_interval_agree_with_scipy(rows):
    from scipy.stats import CensoredData, ecdf

    seen, ended = np.array([t for t, _ in rows]), np.array([e for _, e in rows])
    table = product_limit(seen, ended)
    theirs = ecdf(CensoredData(uncensored=seen[ended], right=seen[~ended])).sf
    assert table["survival"].to_numpy() == pytest.approx(theirs.evaluate(table["time_ms"].to_numpy()), abs=1e-12)
    with np.errstate(all="ignore"):
        interval = theirs.confidence_interval(method="log-log")
    inside = table["survival"].between(0, 1, inclusive="neither").to_numpy()
    for ours, side in ((table["low"], interval.low), (table["high"], interval.high)):
        assert ours[inside].to_numpy() == pytest.approx(side.evaluate(table["time_ms"].to_numpy())[inside], abs=1e-9)


@given(samples)
def test_survival_falls_and_lies_within_its_interval(rows):
    table = product_limit([t for t, _ in rows], [e for _, e in rows])
    assert (np.diff(table["survival"]) < 0).all()
    assert (table["low"] <= table["survival"] + 1e-12).all()
    assert (table["survival"] <= table["high"] + 1e-12).all()


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        lasts, cut = random.exponential(100_000, 150), random.exponential(120_000, 150)
        table = product_limit(np.minimum(lasts, cut), lasts <= cut)
        covered += survival_at(table, 60_000, "low") <= np.exp(-0.6) <= survival_at(table, 60_000, "high")
    assert abs(covered / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


def test_the_tail_of_a_cut_off_exponential_is_continued_at_its_hazard():
    random = np.random.default_rng(6)
    lasts = random.exponential(300_000, 40_000)
    cut = random.uniform(0, 240_000, 40_000)
    table = censored_quantiles(np.minimum(lasts, cut), lasts <= cut)
    assert table.mean_ms == pytest.approx(300_000, rel=0.05)
    assert table.above(900_000) == pytest.approx(np.exp(-3), rel=0.15)
    assert table.values_ms[-1] == pytest.approx(-np.log(1 - LAST_QUANTILE) * 300_000, rel=0.1)


def test_the_tail_follows_the_hazard_of_the_last_events_and_not_of_the_first():
    random = np.random.default_rng(9)
    hasty, patient = random.exponential(20_000, 20_000), random.exponential(600_000, 20_000)
    lasts = np.where(random.random(20_000) < 0.5, hasty, patient)
    table = censored_quantiles(np.minimum(lasts, 300_000), lasts <= 300_000)
    assert table.above(900_000) == pytest.approx(0.5 * np.exp(-1.5), rel=0.25)


def test_a_longest_duration_cuts_the_tail():
    table = censored_quantiles([1000, 2000, 9000], [True, False, False], longest_ms=5000)
    assert table.values_ms[-1] == 5000


def test_nothing_but_cut_off_durations_are_refused():
    with pytest.raises(ValueError, match="every duration was cut off"):
        censored_quantiles([5, 6], [False, False])


@given(samples.filter(lambda rows: any(ended for _, ended in rows)))
def test_any_sample_with_an_event_gives_a_table(rows):
    table = censored_quantiles([t for t, _ in rows], [e for _, e in rows])
    assert table.observations == len(rows)
    assert table.values_ms[0] == 0


def test_a_table_of_whole_durations_keeps_their_mean_and_ends():
    random = np.random.default_rng(7)
    sample = np.rint(random.lognormal(12, 1.0, 5_000)).astype(np.int64)
    table = from_durations(sample)
    assert table.mean_ms == pytest.approx(sample.mean(), rel=0.01)
    assert (table.values_ms[0], table.values_ms[-1]) == (sample.min(), sample.max())
    assert table.above(float(np.median(sample))) == pytest.approx(0.5, abs=0.01)
    assert from_durations([0, 100, 1000]).mean_ms == pytest.approx(1100 / 3, rel=0.03)
    drawn = table.quantile_ms(random.random(50_000))
    assert drawn.mean() == pytest.approx(sample.mean(), rel=0.03)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_stay_within_the_sample_and_rise(sample, probability):
    table = from_durations(sample)
    value = int(table.quantile_ms(probability))
    assert min(sample) <= value <= max(sample)
    assert value <= int(table.quantile_ms(min(1.0, probability + 0.1)))


@pytest.mark.parametrize(
    ("probabilities", "values"),
    [
        ((0.0, 1.0), (1, 2, 3)),
        ((0.0, 0.9), (1, 2)),
        ((0.0, 1.0), (2, 1)),
        ((0.0, 0.0, 1.0), (1, 1, 2)),
        ((0.0, 1.0), (-1, 2)),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities, values):
    with pytest.raises(ValueError, match="quantile table"):
        QuantileTable(probabilities, values, 2)


def test_no_durations_make_no_table():
    with pytest.raises(ValueError, match="no durations"):
        from_durations([])


def test_the_probabilities_rise_from_0_to_1():
    assert (PROBABILITIES[0], PROBABILITIES[-1]) == (0, 1)
    assert (np.diff(PROBABILITIES) > 0).all()
