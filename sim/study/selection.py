"""Best of several options with a stated guarantee: the fully sequential procedure of Kim and Nelson (2001).

The procedure looks at one replication of every option after the other. Each pair of options is a random walk of the sum
of their differences inside a triangle that closes as replications come: whoever falls below its lower side is out. Only
differences enter, so that options may share their luck (common random numbers), and gain by it: the smaller the
variance of a difference, the smaller the triangle.

*Guarantee.* For values that are independent from replication to replication and jointly normal, with whatever
variances and correlations, the best option is chosen with at least the stated probability whenever its mean is ahead of
every other's by the indifference or more. Options that are nearer to the best than that are as good to have.

S.-H. Kim and B. L. Nelson (2001), A fully sequential procedure for indifference-zone selection in simulation, ACM
Transactions on Modeling and Computer Simulation 11(3), 251–273: procedure KN with c = 1, in the form for dependent
options, which divides the error evenly among the rivals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.service.tables import Float64


@dataclass(frozen=True)
class Selection:
    """What the procedure says after the replications that there are. Options are columns of the values.

    ``chosen`` : the best option; None while that is open. ``after`` : replications that were looked at.
    ``remaining`` : options that were not ruled out, the chosen one among them (several when the procedure ended because
    the rest differ by too little to matter). ``eliminated`` : those ruled out, with the replications that it took.
    ``at_most`` : replications after which the procedure ends for certain; None before the first stage is complete.
    """

    chosen: int | None
    after: int
    remaining: tuple[int, ...]
    eliminated: dict[int, int]
    at_most: int | None


def kim_nelson(values: Float64, indifference: float, guarantee: float, first_stage: int) -> Selection:
    """Choose the option with the largest mean.

    Parameters
    ----------
    values : float64 (replications, options), all finite; replications in the order in which they are looked at.
    indifference : difference of means that is worth detecting, above 0, fixed before the values are seen.
    guarantee : probability of a correct selection, above 1 / options and below 1.
    first_stage : replications from which the variances are estimated, at least 2, fixed before the values are seen.

    Raises
    ------
    ValueError
        A parameter is not what is allowed.
    """
    count, options = values.shape
    if options < 2 or first_stage < 2 or not indifference > 0 or not 1 / options < guarantee < 1:
        raise ValueError(
            f"{options} options, first stage {first_stage}, indifference {indifference}, guarantee {guarantee}; "
            "allowed: two options or more, a first stage of two or more, an indifference above 0, a guarantee "
            "between 1 / options and 1"
        )
    if not np.isfinite(values).all():
        raise ValueError("a value is missing; allowed: finite numbers")
    alive = np.ones(options, dtype=np.bool_)
    if count < first_stage:
        return _state(alive, None, count, {}, None)

    # Differences of options i − l, summed over replications; the triangle's half-width and where it ends.
    differences = values[:, :, None] - values[:, None, :]
    sums = differences.cumsum(axis=0)
    variances = differences[:first_stage].var(axis=0, ddof=1)
    height = _squared_h(options, guarantee, first_stage) * variances / indifference
    ends = np.floor(height / indifference).astype(np.int64)
    eliminated: dict[int, int] = {}
    for r in range(first_stage, count + 1):
        last = max(int(ends[np.ix_(alive, alive)].max()) + 1, first_stage)
        if r >= last:
            standing = np.where(alive, sums[r - 1, :, 0], -np.inf)
            return _state(alive, int(standing.argmax()), r, eliminated, r)
        room = np.maximum(height - indifference * r, 0) / 2
        behind = (sums[r - 1] < -room) & alive[:, None] & alive[None, :]
        for option in np.flatnonzero(behind.any(axis=1)).tolist():
            alive[option] = False
            eliminated[option] = r
        if alive.sum() == 1:
            return _state(alive, int(alive.argmax()), r, eliminated, r)
    last = max(int(ends[np.ix_(alive, alive)].max()) + 1, first_stage)
    return _state(alive, None, count, eliminated, last)


def _squared_h(options: int, guarantee: float, first_stage: int) -> float:
    """The constant h² = 2 c η (n₀ − 1) with c = 1, and η from ½ (1 + 2 η)^(−(n₀ − 1)/2) = α / (k − 1)."""
    error = (1 - guarantee) / (options - 1)
    eta = math.expm1(-2 / (first_stage - 1) * math.log(2 * error)) / 2
    return 2 * eta * (first_stage - 1)


def _state(
    alive: np.ndarray, chosen: int | None, after: int, eliminated: dict[int, int], at_most: int | None
) -> Selection:
    return Selection(chosen, after, tuple(np.flatnonzero(alive).tolist()), eliminated, at_most)
