"""What a figure is: its name, unit, definition and formula, and the breakdowns that it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.measures.breakdown import HOUR_MS, Breakdown
from sim.measures.view import View
from sim.service.tables import Float64

SECOND, MINUTE, HOUR = 1_000.0, 60_000.0, float(HOUR_MS)

DAYS = frozenset({"day", "week", "month", "weekday"})
TIMES = DAYS | {"hour", "half_hour"}
TOPIC = frozenset({"city", "channel", "cause"})
ARRIVAL = TIMES | TOPIC | {"kind"}
WAITING = ARRIVAL | {"station", "level"}
SERVERS = frozenset({"pool", "group", "server"})
ANSWERED = WAITING | SERVERS

Formula = Callable[[View, Breakdown], Float64]

Better = Literal["less", "more", ""]
"""Which way a figure is better; "" where that depends on what else happens (a bot that contains more, more agents)."""


@dataclass(frozen=True)
class Measure:
    """One figure.

    ``unit`` : "s", "min", "h", "km", "yuan", "point" (of 1–5), "share" (0–1) or "1" (a number). ``definition`` : what
    it is, in plain sentences, with the formula. ``by`` : breakdowns in which it makes sense. ``formula`` : one value
    for each group; NaN when there is nothing to divide by. ``from_days`` : the same figure from the sums by day, for a
    run that kept no trace. ``least`` : no value is below this. ``better`` : which way it is better, where that is
    clear.
    """

    name: str
    unit: str
    definition: str
    by: frozenset[str]
    formula: Formula
    from_days: Formula | None = None
    least: float = 0.0
    better: Better = ""

    def values(self, view: View, by: Breakdown) -> Float64:
        """The figure of each group; NaN where the record cannot tell."""
        formula = self.formula if view.record.has_trace else self.from_days
        return np.full(len(by.labels), np.nan) if formula is None else formula(view, by)
