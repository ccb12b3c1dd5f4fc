"""What a topic says, where a world gives it a structure: whose it is, what it is about, and what happened.

A topic is an int32: ``(number << 14) | (cause << 11) | community``. Numbers below ``ORDINARY`` are ordinary questions,
those from there on incidents, which have the same cause and number in all communities that they touch. The engines
compare topics, and read cause and number from them (``Op.BRANCH_TOPIC``, ``GateScope.INCIDENT``).

Sources of a scenario without a world number their topics plainly, from 0. Read as here, such a number means nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

CAUSE_SHIFT, NUMBER_SHIFT = 11, 14
CAUSE_MASK = (1 << (NUMBER_SHIFT - CAUSE_SHIFT)) - 1

COMMUNITIES = 1 << CAUSE_SHIFT
NUMBERS = 1 << (31 - NUMBER_SHIFT)
"""Communities are 0 … 2,047, numbers 0 … 131,071."""

ORDINARY = 64
"""From this number on it is an incident."""

CAUSES = ("none", "quality", "late", "missing", "weight", "pick_up", "other", "passed_around")
"""What a question or an incident is about; the place in the list is the code. ``sim.scenario.Cause`` has the same."""

Int32 = NDArray[np.int32]


def topic_of(community: ArrayLike, cause: ArrayLike, number: ArrayLike) -> Int32:
    """Topics of communities, causes (codes) and numbers, of any shapes that go together.

    Raises
    ------
    ValueError
        If one of them is out of its range.
    """
    parts = {"community": (community, COMMUNITIES), "cause": (cause, len(CAUSES)), "number": (number, NUMBERS)}
    values = {name: np.asarray(value, dtype=np.int64) for name, (value, _) in parts.items()}
    for name, (_, bound) in parts.items():
        wrong = values[name][(values[name] < 0) | (values[name] >= bound)]
        if wrong.size:
            raise ValueError(f"{name} {wrong.flat[0]} does not fit into a topic; allowed: 0 to {bound - 1}")
    topic = (values["number"] << NUMBER_SHIFT) | (values["cause"] << CAUSE_SHIFT) | values["community"]
    return np.asarray(topic, dtype=np.int32)


def community_of(topic: ArrayLike) -> Int32:
    """Communities of topics; −1 for no topic."""
    return _part(topic, 0, COMMUNITIES - 1)


def cause_of(topic: ArrayLike) -> Int32:
    """Codes of the causes of topics; −1 for no topic."""
    return _part(topic, CAUSE_SHIFT, CAUSE_MASK)


def number_of(topic: ArrayLike) -> Int32:
    """Numbers of topics; −1 for no topic."""
    return _part(topic, NUMBER_SHIFT, NUMBERS - 1)


def is_incident(topic: ArrayLike) -> NDArray[np.bool_]:
    """Whether topics are part of an incident; no topic is not."""
    return np.asarray(number_of(topic) >= ORDINARY)


def _part(topic: ArrayLike, shift: int, mask: int) -> Int32:
    of = np.asarray(topic, dtype=np.int32)
    return np.where(of < 0, np.int32(-1), (of >> shift) & mask).astype(np.int32)
