"""Random numbers by name: the published vectors, the ends of the interval, and names that do not touch each other."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from sim import draws
from sim.naming import stable_hash

WORD = 0xFFFFFFFF

PUBLISHED = [
    # counter, key → words: Random123's kat_vectors, philox4x32, 10 rounds
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint64)


def philox_in_plain_integers(counter: list[int], key: list[int]) -> list[int]:
    """The cipher as its paper writes it, in Python's unbounded integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & WORD, (p0 >> 32) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return [c0, c1, c2, c3]


def sample(n: int, seed: int = 1, replication: int = 0, purpose: int = 7, first_key: int = 0) -> np.ndarray:
    return draws.uniforms(seed, replication, np.arange(first_key, first_key + n, dtype=np.int64), purpose)


# ── the cipher ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_published_words(counter: str, key: str, expected: str) -> None:
    assert draws.philox_block(words(counter), words(key)).tolist() == words(expected).tolist()


@given(st.lists(st.integers(0, WORD), min_size=6, max_size=6))
def test_philox_equals_the_cipher_in_plain_integers(numbers: list[int]) -> None:
    found = draws.philox_block(np.array(numbers[:4], np.uint64), np.array(numbers[4:], np.uint64))
    assert found.tolist() == philox_in_plain_integers(numbers[:4], numbers[4:])


# ── uniforms ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@given(
    seed=st.integers(0, WORD),
    replication=st.integers(0, WORD),
    key=st.integers(-(2**63), 2**63 - 1),
    purpose=st.integers(0, WORD),
    visit=st.integers(0, WORD),
)
def test_a_uniform_is_the_first_52_bits_of_the_block_of_its_name(
    seed: int, replication: int, key: int, purpose: int, visit: int
) -> None:
    high, low, _, _ = philox_in_plain_integers([key & WORD, (key >> 32) & WORD, purpose, visit], [seed, replication])
    point = (high << 20) | (low >> 12)
    assert draws.uniform_of(seed, replication, key, purpose, visit) == (2 * point + 1) / 2**53


def test_both_ends_of_the_grid_of_uniforms_lie_inside_the_open_interval() -> None:
    ends = [(np.float64(point) + 0.5) * draws._UNIT for point in (0, 2**52 - 1)]
    assert ends[0] > 0.0
    assert ends[1] < 1.0


def test_a_million_uniforms_are_never_0_or_1_and_lie_on_the_grid() -> None:
    u = sample(1_000_000)
    point = u * 2**52 - 0.5
    assert (u > 0).all()
    assert (u < 1).all()
    assert (point == np.floor(point)).all()


def test_uniforms_of_many_keys_are_those_of_each_key() -> None:
    keys = np.array([0, 1, -1, 2**62, -(2**63)], dtype=np.int64)
    assert draws.uniforms(3, 4, keys, 5).tolist() == [draws.uniform_of(3, 4, key, 5, 0) for key in keys.tolist()]


def test_uniforms_are_uniform_by_a_chi_square_test_of_1000_cells() -> None:
    n, cells = 1_000_000, 1000
    counts = np.bincount((sample(n) * cells).astype(int), minlength=cells)
    statistic = float(((counts - n / cells) ** 2).sum() / (n / cells))
    assert special.chdtri(cells - 1, 0.9995) < statistic < special.chdtri(cells - 1, 0.0005)


def test_draws_of_different_names_are_uncorrelated() -> None:
    n = 100_000
    streams = [
        sample(n),
        sample(n, purpose=8),
        sample(n, purpose=stable_hash("patience")),
        sample(n, seed=2),
        sample(n, replication=1),
        sample(n, seed=0, replication=1),
        sample(n, first_key=1),
        sample(n, first_key=1 << 32),
        np.array([draws.uniform_of(1, 0, key, 7, 1) for key in range(n)]),
    ]
    pairs = list(itertools.combinations(range(len(streams)), 2))
    # All pairs together stay below this with probability 99.9 %.
    limit = float(special.ndtri(1 - 0.0005 / len(pairs))) / math.sqrt(n)
    together = np.corrcoef(streams)
    assert max(abs(together[i, j]) for i, j in pairs) < limit


def test_successive_visits_of_one_item_are_independent() -> None:
    n = 100_000
    u = np.array([draws.uniform_of(1, 0, 42, 7, visit) for visit in range(n)])
    limit = float(special.ndtri(1 - 0.0005 / 10)) / math.sqrt(n)
    assert all(abs(np.corrcoef(u[lag:], u[:-lag])[0, 1]) < limit for lag in range(1, 11))


def test_every_part_of_the_name_changes_the_draw() -> None:
    names = [(1, 2, 3, 4, 5), (0, 2, 3, 4, 5), (1, 0, 3, 4, 5), (1, 2, 0, 4, 5), (1, 2, 3, 0, 5), (1, 2, 3, 4, 0)]
    names += [(1, 2, 3 + (1 << 40), 4, 5), (2, 1, 3, 4, 5), (1, 2, 3, 5, 4)]
    assert len({draws.uniform_of(*name) for name in names}) == len(names)


# ── normal quantile ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_normal_quantile_agrees_with_scipy_to_1e_14() -> None:
    p = np.concatenate(
        [np.linspace(1e-6, 1 - 1e-6, 200_001), np.logspace(-300, -2, 3000), 1 - np.logspace(-15, -2, 3000)]
    )
    p = p[p != 0.5]
    found = np.array([draws.normal_quantile(x) for x in p])
    assert np.abs(found / special.ndtri(p) - 1).max() < 1e-14
    assert draws.normal_quantile(0.5) == 0


def test_normal_quantile_rises_with_the_probability() -> None:
    p = np.sort(sample(200_000))
    found = np.array([draws.normal_quantile(x) for x in p])
    assert (np.diff(found) >= 0).all()


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_names_hash_to_the_same_numbers_for_ever() -> None:
    assert stable_hash("") == 309448485
    assert stable_hash("talk") == 2393498282
    assert stable_hash("talk:patience") == 2749267551
    assert stable_hash("邻里") == 2257588698


def test_a_childs_key_depends_on_parent_step_and_visit_alone() -> None:
    keys = {
        draws.child_key_of(parent, purpose, visit)
        for parent in (0, 1, -1, 1 << 40)
        for purpose in (1, 2)
        for visit in (0, 1)
    }
    assert len(keys) == 16
    assert draws.child_key_of(0, 1, 0) == -7518138603117545432


def test_children_of_neighbouring_parents_draw_independently_of_them() -> None:
    n = 50_000
    children = np.array([draws.child_key_of(parent, 9, 0) for parent in range(n)], dtype=np.int64)
    assert np.unique(children).size == n
    own, theirs = sample(n), draws.uniforms(1, 0, children, 7)
    assert abs(np.corrcoef(own, theirs)[0, 1]) < special.ndtri(0.9995) / math.sqrt(n)
