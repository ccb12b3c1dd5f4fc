"""How the distribution of a birth and death process moves, by uniformisation.

Events are taken from a Poisson process as fast as the fastest state; in slower states some of them change nothing.
What comes out is a sum of positive numbers, so nothing cancels; a Poisson tail below 1e-16 is left out.
Source: Jensen (1953).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

_MOST_EVENTS_AT_ONCE = 500.0


@dataclass(frozen=True, eq=False)
class Course:
    """A distribution over states 0, 1, ..., top, followed for a while.

    Attributes
    ----------
    shares
        One row per time, equally spaced, the start's and the end's included; one column per state.
    seconds_in_state
        Expected seconds spent in each state.
    """

    shares: Array
    seconds_in_state: Array


def birth_death_course(start: Array, births_per_s: float, deaths_per_s: Array, length_s: float, steps: int) -> Course:
    """Follow a birth and death process for `length_s`.

    Parameters
    ----------
    start
        Probability of each state 0, 1, ..., top.
    births_per_s
        Rate from every state to the next; from the top there is none.
    deaths_per_s
        Rate from each state to the one below; the first is 0.
    length_s
        Seconds, above 0.
    steps
        Number of equal steps at whose ends the distribution is wanted.

    Returns
    -------
    Course
    """
    shares = np.empty((steps + 1, start.size))
    shares[0] = start
    seconds_in_state = np.zeros(start.size)
    rate = births_per_s + float(deaths_per_s.max())
    parts = max(1, math.ceil(rate * length_s / steps / _MOST_EVENTS_AT_ONCE))
    part_s = length_s / steps / parts
    weights, remaining_s = _event_weights(rate, part_s)

    up = births_per_s / rate if rate > 0 else 0.0
    down = deaths_per_s[1:] / rate if rate > 0 else deaths_per_s[1:]
    stay = np.ones(start.size)
    stay[:-1] -= up
    stay[1:] -= down
    after_events = np.empty((weights.size, start.size))
    moved = np.empty(start.size - 1)
    now = start
    for step in range(1, steps + 1):
        for _ in range(parts):
            after_events[0] = now
            for before, after in itertools.pairwise(after_events):
                np.multiply(before, stay, out=after)
                np.multiply(before[:-1], up, out=moved)
                after[1:] += moved
                np.multiply(before[1:], down, out=moved)
                after[:-1] += moved
            now = weights @ after_events
            seconds_in_state += remaining_s @ after_events
        shares[step] = now
    return Course(shares, seconds_in_state)


def _event_weights(rate: float, length_s: float) -> tuple[Array, Array]:
    """Probability of 0, 1, 2, ... events, and the expected seconds between each and the next, within `length_s`."""
    mean = rate * length_s
    if mean == 0:
        return np.ones(1), np.full(1, length_s)
    events = np.arange(math.ceil(mean + 8.5 * math.sqrt(mean) + 30))
    weights = np.exp(events * math.log(mean) - mean - special.gammaln(events + 1))
    more_events = special.gammainc(events + 1, mean)
    return weights / weights.sum(), more_events * (length_s / more_events.sum())
