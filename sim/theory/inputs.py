"""What the formulas accept, and the sentence that says so when they are given something else."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


class TheoryError(ValueError):
    """The formula cannot be evaluated for this input; the message names the input and what is allowed."""


class UnstableQueueError(TheoryError):
    """More work arrives than the servers can do, and nobody leaves: there is no steady state."""


def positive(name: str, value: float) -> float:
    """`value`, when it is a finite number above zero.

    Raises
    ------
    TheoryError
        Otherwise.
    """
    if not (math.isfinite(value) and value > 0):
        raise TheoryError(f"{name} is {value}: a finite number above 0 is needed")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """`value`, when it is a finite number of at least zero.

    Raises
    ------
    TheoryError
        Otherwise.
    """
    if not (math.isfinite(value) and value >= 0):
        raise TheoryError(f"{name} is {value}: a finite number of at least 0 is needed")
    return float(value)


def open_share(name: str, value: float) -> float:
    """`value`, when it lies strictly between 0 and 1.

    Raises
    ------
    TheoryError
        Otherwise.
    """
    if not 0 < value < 1:
        raise TheoryError(f"{name} is {value}: a share strictly between 0 and 1 is needed")
    return float(value)


def patience(value: float) -> float:
    """Mean patience in seconds: above zero, or infinite for customers who never leave.

    Raises
    ------
    TheoryError
        Otherwise.
    """
    if not value > 0:
        raise TheoryError(f"patience_mean_s is {value}: seconds above 0 are needed, or infinity if nobody leaves")
    return float(value)


def whole(name: str, value: int, at_least: int) -> int:
    """`value`, when it is a whole number of at least `at_least`.

    Raises
    ------
    TheoryError
        Otherwise.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TheoryError(f"{name} is {value}: a whole number is needed") from None
    if number < at_least:
        raise TheoryError(f"{name} is {number}: a whole number of at least {at_least} is needed")
    return number


def vector(name: str, values: Sequence[float], *, zero_allowed: bool) -> NDArray[np.float64]:
    """`values` as a one-dimensional array of finite numbers, none below zero.

    Raises
    ------
    TheoryError
        When it is empty, has more than one dimension, or holds a number that is not allowed; names its place.
    """
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise TheoryError(f"{name} has shape {array.shape}: a list of at least one number is needed")
    for place, value in enumerate(array.tolist()):
        check = not_negative if zero_allowed else positive
        check(f"{name}[{place}]", value)
    return array


def stable(load: float, servers: float, queue: str) -> None:
    """Refuse a load that the servers cannot carry.

    Raises
    ------
    UnstableQueueError
        When `load` is not below `servers`; `queue` says in words which queue it is.
    """
    if not load < servers:
        raise UnstableQueueError(f"load {load} is not below servers {servers}: {queue} has no steady state")
