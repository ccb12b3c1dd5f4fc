"""Formulas on sums by day: sums of columns and quotients of them."""

from __future__ import annotations

import numpy as np

from sim.measures.breakdown import Breakdown, ratio
from sim.measures.measure import Formula
from sim.measures.view import View
from sim.service.tables import Float64

Columns = str | tuple[str, ...]
"""Columns to add up; one with a minus before its name is taken off."""


Only = tuple[str, ...]
"""Channels or causes that count; empty: all."""


def _sum(view: View, by: Breakdown, columns: Columns, channels: Only = (), causes: Only = ()) -> Float64:
    total = np.zeros(len(by.labels))
    for name in (columns,) if isinstance(columns, str) else columns:
        sign = -1.0 if name.startswith("-") else 1.0
        total = total + sign * view.days.total(name.removeprefix("-"), by, channels, causes)
    return total


def total(columns: Columns, *, factor: float = 1.0) -> Formula:
    """Sum of columns over days, times a factor."""
    return lambda view, by: factor * _sum(view, by, columns)


def quotient(above: Columns, below: Columns, *, factor: float = 1.0, channels: Only = (), causes: Only = ()) -> Formula:
    """Sum of columns over that of others, times a factor; ``channels`` and ``causes`` restrict what stands above."""
    return lambda view, by: factor * ratio(_sum(view, by, above, channels, causes), _sum(view, by, below))


def per_day(columns: Columns, *, factor: float = 1.0) -> Formula:
    """Mean of a sum over days, times a factor."""
    return lambda view, by: factor * ratio(_sum(view, by, columns), view.days.number_of_days(by))


def alarms(fact: str | None = None) -> Formula:
    """Number of alarms of a fact, or of all."""
    return lambda view, by: view.days.alarms(by, fact)
