"""Random numbers by name: every draw is a function of (seed, replication, who, what for, which one).

Nothing here has state. A draw is the Philox4x32-10 block cipher (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3") applied to a counter that says *who* draws (``draw_key``, 64 bits), *what for* (``purpose``, 32 bits)
and *which one* (``visit``, 32 bits), under a key of seed and replication. The same customer therefore has the same
patience and the same problem in every scenario, whatever else changed: common random numbers by construction.

Durations are drawn by inverse transform from flat tables (see ``sim.service.tables.Durations``), in whole
milliseconds. The functions are compiled by Numba and shared by both engines, so that the last bit is shared too.
"""

from __future__ import annotations

import numpy as np
from numba import njit

CONSTANT, EXPONENTIAL, LOGNORMAL, WEIBULL, GAMMA, EMPIRICAL = range(6)
"""Families of a duration component; the meaning of their parameters is in ``sim.service.tables``."""

LONGEST_MS = 1e13
"""No duration is longer (317 years): keeps sums of times inside 64 bits, whatever a heavy tail returns."""

NORMAL_GRID_HALF = 8.5
"""A gamma quantile table covers normal scores from minus to plus this number (beyond any 52-bit uniform)."""

_LOW32 = np.uint64(0xFFFFFFFF)
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_SHIFT32 = np.uint64(32)
_SHIFT6 = np.uint64(6)
_SHIFT12 = np.uint64(12)
_SHIFT20 = np.uint64(20)
_UNIT = 1.0 / 4503599627370496.0  # 2**-52
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_SHIFT30 = np.uint64(30)
_SHIFT27 = np.uint64(27)
_SHIFT31 = np.uint64(31)


@njit(cache=True, inline="always")
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Philox4x32 with 10 rounds: four 32-bit words (as uint64) from a counter of four and a key of two."""
    for _ in range(10):
        p0 = _MULTIPLIER_0 * c0
        p1 = _MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (
            (p1 >> _SHIFT32) ^ c1 ^ k0,
            p1 & _LOW32,
            (p0 >> _SHIFT32) ^ c3 ^ k1,
            p0 & _LOW32,
        )
        k0 = (k0 + _WEYL_0) & _LOW32
        k1 = (k1 + _WEYL_1) & _LOW32
    return c0, c1, c2, c3


@njit(cache=True, inline="always")
def uniform(seed, replication, draw_key, purpose, visit):  # type: ignore[no-untyped-def]
    """One uniform strictly between 0 and 1, on a grid of 2**52 points that leaves out both ends."""
    key = np.uint64(draw_key)
    high, low, _, _ = philox(
        key & _LOW32,
        key >> _SHIFT32,
        np.uint64(purpose),
        np.uint64(visit),
        np.uint64(seed),
        np.uint64(replication),
    )
    # The casts to signed are exact (32 and 20 bits) and make the conversion to float cheap.
    return (np.float64(np.int64((high << _SHIFT20) | (low >> _SHIFT12))) + 0.5) * _UNIT


@njit(cache=True)
def uniforms(seed, replication, draw_keys, purpose):  # type: ignore[no-untyped-def]
    """One uniform for each draw key (visit 0)."""
    out = np.empty(draw_keys.size, dtype=np.float64)
    for i in range(draw_keys.size):
        out[i] = uniform(seed, replication, draw_keys[i], purpose, 0)
    return out


@njit(cache=True, inline="always")
def _mixed_key(key, part):  # type: ignore[no-untyped-def]
    """Key of 64 bits that depends on a key and a whole number (SplitMix64's finaliser)."""
    z = (np.uint64(key) ^ np.uint64(part)) * _STEP + _STEP
    z = (z ^ (z >> _SHIFT30)) * _MIX_1
    z = (z ^ (z >> _SHIFT27)) * _MIX_2
    return np.int64(z ^ (z >> _SHIFT31))


@njit(cache=True)
def mixed_with_one(keys, part):  # type: ignore[no-untyped-def]
    """Keys (int64, one axis), each mixed with the same whole number."""
    out = np.empty(keys.size, dtype=np.int64)
    for i in range(keys.size):
        out[i] = _mixed_key(keys[i], part)
    return out


@njit(cache=True)
def mixed_with_each(keys, parts):  # type: ignore[no-untyped-def]
    """Keys (int64, one axis), each mixed with a whole number of its own (int64)."""
    out = np.empty(keys.size, dtype=np.int64)
    for i in range(keys.size):
        out[i] = _mixed_key(keys[i], parts[i])
    return out


@njit(cache=True)
def poisson_added_up(u, none, mean, negligible):  # type: ignore[no-untyped-def]
    """Smallest Poisson counts whose cumulative probability is at least ``u``, adding up from ``none``, that of 0.

    A probability of at most ``negligible`` ends a sum, which rounding may keep below a uniform next to 1.
    """
    counts = np.zeros(u.size, dtype=np.int64)
    for i in range(u.size):
        term = total = none[i]
        going, k = u[i] > total, 0
        while going:
            k += 1
            term *= mean[i] / k
            total += term
            going = u[i] > total and term > negligible
        counts[i] = k
    return counts


@njit(cache=True)
def binomial_added_up(u, none, trials, odds, negligible):  # type: ignore[no-untyped-def]
    """The same for binomial counts of ``trials`` (float64) and odds of success; may pass ``trials`` by rounding."""
    counts = np.zeros(u.size, dtype=np.int64)
    for i in range(u.size):
        term = total = none[i]
        going, k = u[i] > total, 0
        while going:
            k += 1
            term *= odds[i] * ((trials[i] - k + 1) / k)
            total += term
            going = u[i] > total and term > negligible
        counts[i] = k
    return counts


@njit(cache=True, inline="always")
def child_key(seed_key, purpose, visit):  # type: ignore[no-untyped-def]
    """Draw key of a spawned item, from its parent's key and the step that spawns it.

    The key of the cipher is a constant, so that a child's identity does not depend on seed or replication.
    """
    key = np.uint64(seed_key)
    high, low, _, _ = philox(
        key & _LOW32, key >> _SHIFT32, np.uint64(purpose), np.uint64(visit), np.uint64(0x6C696E6C), np.uint64(0x69)
    )
    return np.int64((high << _SHIFT32) | low)


@njit(cache=True, inline="always")
def normal_quantile(p):  # type: ignore[no-untyped-def]
    """Standard normal quantile by algorithm AS 241 (Wichura 1988), about 16 digits."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        numerator = (
            (
                (
                    (
                        ((2.5090809287301226727e3 * r + 3.3430575583588128105e4) * r + 6.7265770927008700853e4) * r
                        + 4.5921953931549871457e4
                    )
                    * r
                    + 1.3731693765509461125e4
                )
                * r
                + 1.9715909503065514427e3
            )
            * r
            + 1.3314166789178437745e2
        ) * r + 3.3871328727963666080e0
        denominator = (
            (
                (
                    (
                        ((5.2264952788528545610e3 * r + 2.8729085735721942674e4) * r + 3.9307895800092710610e4) * r
                        + 2.1213794301586595867e4
                    )
                    * r
                    + 5.3941960214247511077e3
                )
                * r
                + 6.8718700749205790830e2
            )
            * r
            + 4.2313330701600911252e1
        ) * r + 1.0
        return q * numerator / denominator
    r = p if q < 0.0 else 1.0 - p
    r = np.sqrt(-np.log(r))
    if r <= 5.0:
        r -= 1.6
        numerator = (
            (
                (
                    (
                        ((7.74545014278341407640e-4 * r + 2.27238449892691845833e-2) * r + 2.41780725177450611770e-1)
                        * r
                        + 1.27045825245236838258e0
                    )
                    * r
                    + 3.64784832476320460504e0
                )
                * r
                + 5.76949722146069140550e0
            )
            * r
            + 4.63033784615654529590e0
        ) * r + 1.42343711074968357734e0
        denominator = (
            (
                (
                    (
                        ((1.05075007164441684324e-9 * r + 5.47593808499534494600e-4) * r + 1.51986665636164571966e-2)
                        * r
                        + 1.48103976427480074590e-1
                    )
                    * r
                    + 6.89767334985100004550e-1
                )
                * r
                + 1.67638483018380384940e0
            )
            * r
            + 2.05319162663775882187e0
        ) * r + 1.0
    else:
        r -= 5.0
        numerator = (
            (
                (
                    (
                        ((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 1.24266094738807843860e-3)
                        * r
                        + 2.65321895265761230930e-2
                    )
                    * r
                    + 2.96560571828504891230e-1
                )
                * r
                + 1.78482653991729133580e0
            )
            * r
            + 5.46378491116411436990e0
        ) * r + 6.65790464350110377720e0
        denominator = (
            (
                (
                    (
                        ((2.04426310338993978564e-15 * r + 1.42151175831644588870e-7) * r + 1.84631831751005468180e-5)
                        * r
                        + 7.86869131145613259100e-4
                    )
                    * r
                    + 1.48753612908506148525e-2
                )
                * r
                + 1.36929880922735805310e-1
            )
            * r
            + 5.99832206555887937690e-1
        ) * r + 1.0
    x = numerator / denominator
    return -x if q < 0.0 else x


@njit(cache=True)
def correlated_scores(u, correlation):  # type: ignore[no-untyped-def]
    """Normal scores of independent uniforms, each then correlated with the one before (first-order autoregression)."""
    out = np.empty(u.size, dtype=np.float64)
    fresh = np.sqrt(1.0 - correlation * correlation)
    for i in range(u.size):
        score = normal_quantile(u[i])
        out[i] = score if i == 0 else correlation * out[i - 1] + fresh * score
    return out


@njit(cache=True, inline="always")
def duration_from_uniform(u, dist, dist_span, component, knot):  # type: ignore[no-untyped-def]
    """Duration in whole milliseconds of distribution ``dist`` at probability ``u`` (see ``tables.Durations``).

    A mixture spends one uniform: it chooses the component, and its place inside the component's share is the
    component's own uniform.
    """
    row = dist_span[dist, 0]
    last = row + dist_span[dist, 1] - 1
    below = 0.0
    while row < last and u >= component[row, 0]:
        below = component[row, 0]
        row += 1
    family = int(component[row, 1])
    p0 = component[row, 2]
    if family == CONSTANT:
        x = p0
    else:
        p1 = component[row, 3]
        v = (u - below) / (component[row, 0] - below)
        v = component[row, 4] + v * (component[row, 5] - component[row, 4])
        v = min(max(v, 1e-300), 1.0 - 1.1102230246251565e-16)
        if family == EXPONENTIAL:
            x = -p0 * np.log1p(-v)
        elif family == LOGNORMAL:
            x = np.exp(p0 + p1 * normal_quantile(v))
        elif family == WEIBULL:
            x = p0 * (-np.log1p(-v)) ** p1
        elif family == GAMMA:
            x = _gamma_from_table(v, int(p0), int(p1), knot)
        else:
            x = _empirical(v, int(p0), int(p1), knot)
    return np.int64(np.floor(min(x, LONGEST_MS) + 0.5))


@njit(cache=True, inline="always")
def _gamma_from_table(v, first, count, knot):  # type: ignore[no-untyped-def]
    """Gamma quantile: its logarithm as a cubic Hermite spline over the normal score (knots: value, slope)."""
    step = 2.0 * NORMAL_GRID_HALF / (count - 1)
    place = (normal_quantile(v) + NORMAL_GRID_HALF) / step
    place = min(max(place, 0.0), count - 1.000001)
    i = int(place)
    s = place - i
    y0 = knot[first + i, 0]
    d0 = knot[first + i, 1] * step
    y1 = knot[first + i + 1, 0]
    d1 = knot[first + i + 1, 1] * step
    t = 1.0 - s
    return np.exp(t * t * ((1.0 + 2.0 * s) * y0 + s * d0) + s * s * ((1.0 + 2.0 * t) * y1 - t * d1))


@njit(cache=True, inline="always")
def _empirical(v, first, count, knot):  # type: ignore[no-untyped-def]
    """Quantile table with straight lines between its knots (probability, value)."""
    low = first
    high = first + count - 1
    while high - low > 1:
        middle = (low + high) // 2
        if knot[middle, 0] <= v:
            low = middle
        else:
            high = middle
    width = knot[high, 0] - knot[low, 0]
    if width <= 0.0:
        return knot[high, 1]
    share = min(max((v - knot[low, 0]) / width, 0.0), 1.0)
    return knot[low, 1] + share * (knot[high, 1] - knot[low, 1])


@njit(cache=True)
def duration_ms(seed, replication, draw_key, purpose, visit, dist, dist_span, component, knot):  # type: ignore[no-untyped-def]
    """Draw one duration in milliseconds: ``duration_from_uniform`` of the uniform of that name."""
    u = uniform(seed, replication, draw_key, purpose, visit)
    return duration_from_uniform(u, dist, dist_span, component, knot)


@njit(cache=True)
def uniform_of(seed, replication, draw_key, purpose, visit):  # type: ignore[no-untyped-def]
    """``uniform`` as a function that Python can call."""
    return uniform(seed, replication, draw_key, purpose, visit)


@njit(cache=True)
def child_key_of(draw_key, purpose, visit):  # type: ignore[no-untyped-def]
    """``child_key`` as a function that Python can call."""
    return child_key(draw_key, purpose, visit)


@njit(cache=True)
def philox_block(counter, key):  # type: ignore[no-untyped-def]
    """``philox`` on arrays of four and two uint64 words: what the published test vectors are checked with."""
    a, b, c, d = philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1])
    return np.array([a, b, c, d], dtype=np.uint64)
