"""Figures of one replication, of the whole and broken down."""

from __future__ import annotations

from collections.abc import Iterable

from sim.measures.breakdown import WHOLE, Key
from sim.measures.definitions import MEASURES
from sim.measures.measure import Measure
from sim.measures.view import View
from sim.service.record import Record


def _chosen(names: Iterable[str] | None) -> list[Measure]:
    if names is None:
        return list(MEASURES.values())
    names = list(names)
    if unknown := [name for name in names if name not in MEASURES]:
        raise ValueError(f"measure '{unknown[0]}' does not exist; allowed: {', '.join(MEASURES)}")
    return [MEASURES[name] for name in names]


def figures(record: Record, names: Iterable[str] | None = None, view: View | None = None) -> dict[str, float]:
    """Figures of a record by name; NaN where there is nothing to divide by.

    Parameters
    ----------
    record : one replication.
    names : figures wanted; all if None.
    view : tables of this record, if some were made before (they are shared between calls).

    Raises
    ------
    ValueError
        A name is unknown.
    """
    view = view or View(record)
    return {m.name: float(m.values(view, WHOLE)[0]) for m in _chosen(names)}


def figures_by(
    record: Record, by: str, names: Iterable[str] | None = None, view: View | None = None
) -> dict[Key, dict[str, float]]:
    """Figures of each group of a breakdown: those that make sense there (``Measure.by``).

    Parameters
    ----------
    record, names, view : see ``figures``; names that the breakdown does not allow are left out.
    by : one of ``BREAKDOWNS``.

    Returns
    -------
    dict
        By the group's key, in the breakdown's order. Hours, weekdays and the like that the run does not touch
        are left out.

    Raises
    ------
    ValueError
        The breakdown or a name is unknown.
    """
    view = view or View(record)
    groups = view.breakdown(by)
    columns = {m.name: m.values(view, groups).tolist() for m in _chosen(names) if by in m.by}
    touched = (view.run_span.time(groups) > 0).tolist() if groups.by_time else [True] * len(groups.labels)
    return {
        label: {name: column[i] for name, column in columns.items()}
        for i, label in enumerate(groups.labels)
        if touched[i]
    }
