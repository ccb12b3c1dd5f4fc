"""What a figure is: its name, unit, definition and formula, and the breakdowns that it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.measures.breakdown import HOUR_MS, Breakdown
from sim.measures.view import View
from sim.service.tables import Float64

SECOND, MINUTE, HOUR = 1_000.0, 60_000.0, float(HOUR_MS)

TIMES = frozenset({"hour", "half_hour", "day", "week", "weekday"})
ARRIVAL = TIMES | {"kind"}
WAITING = ARRIVAL | {"station", "level"}
SERVERS = frozenset({"pool", "group", "server"})
ANSWERED = WAITING | SERVERS

Formula = Callable[[View, Breakdown], Float64]


@dataclass(frozen=True)
class Measure:
    """One figure.

    ``unit`` : "s", "min", "h", "share" (0–1) or "1" (a number). ``definition`` : what it is, in plain sentences, with
    the formula. ``by`` : breakdowns in which it makes sense. ``formula`` : one value for each group; NaN when
    there is nothing to divide by.
    """

    name: str
    unit: str
    definition: str
    by: frozenset[str]
    formula: Formula
