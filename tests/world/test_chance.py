"""Draws by name: keys, uniforms, and counts against scipy's own quantiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.service.tables import Int64
from sim.world.chance import Chance, binomial_counts, key_of, mixed, poisson_counts

ROWS = 4000


def keys(number: int = ROWS, of: str = "community") -> Int64:
    return mixed(np.full(number, key_of(of)), np.arange(number))


def uniforms(number: int = ROWS) -> np.ndarray:
    return Chance(7, 0).uniform("test", keys(number))


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_of_names_are_the_same_everywhere_and_tell_order_and_parts_apart() -> None:
    assert key_of("community", "a") == key_of("community", "a")
    names = [("a", "b"), ("b", "a"), ("a",), ("b",), ("ab",), ("a", "b", ""), ("city", "a")]
    assert len({key_of(*name) for name in names}) == len(names)
    assert all(-(2**63) <= key_of(*name) < 2**63 for name in names)


def test_mixed_keys_do_not_meet() -> None:
    day, slot = np.arange(-50, 400)[:, None], np.arange(200)[None, :]
    assert np.unique(mixed(np.array([key_of("a")]), day, slot)).size == day.size * slot.size


def test_mixed_keys_are_those_of_whole_numbers_modulo_2_to_the_64() -> None:
    def by_hand(key: int, *parts: int) -> int:
        z = key
        for part in parts:
            z = ((z ^ part) % 2**64 * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
            z ^= z >> 31
        return z - 2**64 if z >= 2**63 else z

    some, slot = keys(5), np.array([3, -1, 0, 2**40, 7])
    assert mixed(some, -4).tolist() == [by_hand(key, -4) for key in some.tolist()]
    of_each = [by_hand(key, 9, one) for key, one in zip(some.tolist(), slot.tolist(), strict=True)]
    assert mixed(some, 9, slot).tolist() == of_each
    crossed = mixed(some[:, None], slot[None, :2], 1)
    assert crossed.tolist() == [[by_hand(key, one, 1) for one in slot[:2].tolist()] for key in some.tolist()]


def test_parts_are_not_exchangeable() -> None:
    key = np.array([5], dtype=np.int64)
    assert mixed(key, 1, 2) != mixed(key, 2, 1)
    assert mixed(key, 1) != mixed(key, 1, 0)


def test_mixing_leaves_the_keys_themselves_alone() -> None:
    some = keys(10)
    before = some.copy()
    mixed(some, 3)
    assert (some == before).all()


# ── uniforms ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_draw_depends_on_seed_replication_purpose_key_and_day() -> None:
    key = keys(1)
    draws = [
        Chance(1, 0).uniform("a", key, 0),
        Chance(2, 0).uniform("a", key, 0),
        Chance(1, 1).uniform("a", key, 0),
        Chance(1, 0).uniform("b", key, 0),
        Chance(1, 0).uniform("a", key, 1),
        Chance(1, 0).uniform("a", keys(2)[1:], 0),
    ]
    assert np.unique(np.concatenate(draws)).size == len(draws)
    assert Chance(1, 0).uniform("a", key, 0) == draws[0]


def test_a_key_has_its_draw_whoever_else_draws() -> None:
    chance, all_keys = Chance(3, 2), keys(100)
    whole = chance.uniform("orders", all_keys, 5)
    assert (chance.uniform("orders", all_keys[::-1], 5) == whole[::-1]).all()
    assert (chance.uniform("orders", all_keys[40:41], 5) == whole[40]).all()


def test_uniforms_have_the_shape_of_keys_and_parts() -> None:
    chance, some = Chance(1, 0), keys(3)
    table = chance.uniform("weather", some[None, :], np.arange(4)[:, None])
    assert table.shape == (4, 3)
    assert (table[2] == chance.uniform("weather", some, 2)).all()
    assert chance.uniform("weather", some[:0], 1).shape == (0,)
    assert 0 < chance.one("scandal", 3) < 1


def test_uniforms_are_even_and_normal_scores_normal() -> None:
    assert stats.kstest(uniforms(20_000), "uniform").pvalue > 0.001
    assert stats.kstest(Chance(7, 0).normal("n", keys(20_000)), "norm").pvalue > 0.001


def test_draws_of_neighbouring_days_know_nothing_of_each_other() -> None:
    chance, some = Chance(7, 0), keys(20_000)
    one, two = chance.uniform("a", some, 10), chance.uniform("a", some, 11)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(20_000)


# ── counts against scipy ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mean", [1e-6, 0.03, 0.8, 5.0, 11.99, 12.0, 12.01, 40.0, 151.3, 3000.0, 2e5])
def test_poisson_counts_are_scipys_quantiles(mean: float) -> None:
    u = uniforms()
    assert (poisson_counts(u, np.full(ROWS, mean)) == stats.poisson.ppf(u, mean)).all()


@pytest.mark.parametrize("p", [1e-5, 0.004, 0.3, 0.5, 0.51, 0.77, 0.9999])
@pytest.mark.parametrize("n", [1, 2, 9, 40, 1000, 50_000])
def test_binomial_counts_are_scipys_quantiles(n: int, p: float) -> None:
    u = uniforms(1500)
    assert (binomial_counts(u, np.full(1500, n), np.full(1500, p)) == stats.binom.ppf(u, n, p)).all()


def test_counts_of_mixed_sizes_are_scipys_quantiles() -> None:
    u = uniforms()
    mean = 10 ** Chance(8, 0).uniform("mean", keys()) * 20 - 20
    assert (poisson_counts(u, mean) == np.where(mean > 0, stats.poisson.ppf(u, mean), 0)).all()
    n = np.arange(ROWS) // 4
    p = Chance(8, 0).uniform("share", keys())
    assert (binomial_counts(u, n, p) == np.where(n > 0, stats.binom.ppf(u, n, p), 0)).all()


@pytest.mark.filterwarnings("error")
def test_impossible_and_certain_things() -> None:
    u = uniforms(5)
    assert poisson_counts(u, np.zeros(5)).tolist() == [0] * 5
    assert binomial_counts(u, np.full(5, 7), np.array([0.0, 0, 1, 1, 0])).tolist() == [0, 0, 7, 7, 0]
    assert binomial_counts(u, np.zeros(5, dtype=np.int64), np.full(5, 0.3)).tolist() == [0] * 5
    assert poisson_counts(np.zeros(0), np.zeros(0)).size == 0
    assert binomial_counts(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0)).size == 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mean", [0.1, 1.8, 12.0, 13.0, 150.0, 5000.0])
def test_the_luckiest_and_the_unluckiest_uniform_give_counts_that_can_be(mean: float) -> None:
    least, most = poisson_counts(np.array([2.0**-53, 1 - 2.0**-53]), np.full(2, mean))
    assert 0 <= least <= mean < most <= mean + 12 * np.sqrt(mean) + 20
    n = int(4 * mean) + 1
    least, most = binomial_counts(np.array([2.0**-53, 1 - 2.0**-53]), np.full(2, n), np.full(2, 0.25))
    assert 0 <= least <= most <= n


# ── common random numbers ────────────────────────────────────────────────────────────────────────────────────────


@given(
    u=st.floats(1e-12, 1 - 1e-12),
    mean=st.floats(0, 400),
    more=st.floats(0, 50),
)
def test_a_higher_mean_keeps_what_was_there(u: float, mean: float, more: float) -> None:
    low, high = poisson_counts(np.full(2, u), np.array([mean, mean + more]))
    assert low <= high


@given(
    u=st.floats(1e-9, 1 - 1e-9),
    n=st.integers(0, 400),
    extra=st.integers(0, 40),
    p=st.floats(0, 1),
    more=st.floats(0, 0.3),
)
def test_more_trials_or_a_better_chance_keep_what_was_there(
    u: float, n: int, extra: int, p: float, more: float
) -> None:
    trials, shares = np.array([n, n + extra, n]), np.array([p, p, min(1.0, p + more)])
    base, longer, better = binomial_counts(np.full(3, u), trials, shares)
    assert base <= longer
    assert base <= better
    assert 0 <= base <= n


def test_counts_of_a_key_depend_on_its_own_mean_alone() -> None:
    chance, some = Chance(1, 0), keys(50)
    mean = np.linspace(0, 60, 50)
    alone = chance.poisson("orders", mean, some, 1)
    mixed_up = chance.poisson("orders", mean[::-1], some[::-1], 1)[::-1]
    assert (alone == mixed_up).all()
    n = np.arange(50)
    shares = chance.binomial("lost", n, 0.4, some, 1)
    assert (shares == chance.binomial("lost", n[::-1], 0.4, some[::-1], 1)[::-1]).all()


def test_rounded_amounts_keep_their_mean_and_lie_next_to_them() -> None:
    amount = np.full(20_000, 3.3)
    counts = Chance(1, 0).rounded("rounds", amount, keys(20_000))
    assert set(counts.tolist()) == {3, 4}
    assert counts.mean() == pytest.approx(3.3, abs=4 * np.sqrt(0.21 / 20_000))
    assert (Chance(1, 0).rounded("rounds", np.array([0.0, 2.0]), keys(2)) == [0, 2]).all()
