"""Memory: resident at most in a long run, per item in the system, per row of the trace."""

from __future__ import annotations

from dataclasses import fields

from sim.bench.child import ask
from sim.bench.figure import CannotMeasureError, Effort, Figure, figure, missing
from sim.bench.networks import COMPILED, contact_centre, records, require_engine
from sim.service.tables import rows_of

MIB, BYTES = "MiB", "bytes"
PEAK, ITEM = "peak_mib_10m_contacts", "bytes_per_item_in_system"


def peak(effort: Effort) -> list[Figure]:
    """Resident memory of a process that runs ten million contacts with figures only."""
    contacts = effort.size(10_000_000, 10_000)
    goal = "< 400"
    try:
        answer = ask("peak", contacts)
    except CannotMeasureError as error:
        return [missing(PEAK, MIB, str(error), goal=goal)]
    note = f"{contacts:,} contacts, arrivals in blocks of a day, figures only"
    return [figure(PEAK, [answer["peak_mib"]], MIB, goal=goal, note=note)]


def per_item(effort: Effort) -> list[Figure]:
    """What one more item that waits takes."""
    goal = "≤ 256"
    try:
        answer = ask("item", effort.size(2**17, 2**12))
    except CannotMeasureError as error:
        return [missing(ITEM, BYTES, str(error), goal=goal)]
    return [figure(ITEM, [answer["bytes"]], BYTES, goal=goal, note="a waiting request with patience")]


def per_row(effort: Effort) -> list[Figure]:
    """Width of the rows of the trace."""
    goal = "≤ 48"
    names = ("visits", "items")
    try:
        engine = require_engine(COMPILED)
    except CannotMeasureError as error:
        return [missing(f"bytes_per_row_of_{name}", BYTES, str(error), goal=goal) for name in names]
    record = next(records(contact_centre(1, times=0.05), engine, 1))
    figures = []
    for name in names:
        block = getattr(record.trace, name)
        size = sum(getattr(block, f.name).nbytes for f in fields(block)) / rows_of(block)
        figures.append(figure(f"bytes_per_row_of_{name}", [size], BYTES, goal=goal))
    return figures
