"""A figure of the bench: the median of several runs with its spread, or the reason why it is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Effort:
    """How much is measured: ``runs`` of everything that is measured several times; ``quick`` makes everything tiny."""

    runs: int = 5
    quick: bool = False

    def size(self, normal: int, quick: int) -> int:
        """A size for this effort."""
        return quick if self.quick else normal


@dataclass(frozen=True)
class Figure:
    """One figure. ``value`` is the median of ``runs`` runs, None when it could not be measured (``reason`` says why);
    ``low`` and ``high`` are the least and the largest of them. ``goal`` : what it should be. ``note`` : of what."""

    name: str
    value: float | None
    unit: str
    runs: int
    low: float | None = None
    high: float | None = None
    goal: str = ""
    note: str = ""
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """The figure with the keys that say something."""
        data = {"name": self.name, "value": self.value, "unit": self.unit, "runs": self.runs}
        more = {"low": self.low, "high": self.high, "goal": self.goal, "note": self.note, "reason": self.reason}
        return data | {key: value for key, value in more.items() if value not in (None, "")}


Section = Callable[[Effort], list[Figure]]


def figure(name: str, values: Sequence[float], unit: str, *, goal: str = "", note: str = "") -> Figure:
    """The median of the values of several runs."""
    return Figure(name, median(values), unit, len(values), min(values), max(values), goal, note)


def missing(name: str, unit: str, reason: str, *, goal: str = "") -> Figure:
    """A figure that could not be measured."""
    return Figure(name, None, unit, 0, goal=goal, reason=reason)


class CannotMeasureError(Exception):
    """Something that a figure needs is not there; the message says what, and what to do about it."""
