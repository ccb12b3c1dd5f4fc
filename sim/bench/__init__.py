"""How fast Linli is, beside itself yesterday and beside other simulators: the figures of ``linli bench``.

A part (``engine``, ``world``, …) is a module with a tuple ``SECTIONS``: functions from an ``Effort`` to
figures. To add a part, write such a module and name it in ``PARTS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from sim.bench.figure import Effort, Figure, Section
from sim.progress import progress

PARTS = {
    "engine": "sim.bench.engine",
    "world": "sim.bench.world",
    "start": "sim.bench.start",
    "studies": "sim.bench.studies",
}
"""Parts by name, with the module that measures them."""

ALL = "all"


def measure(what: str, effort: Effort) -> list[Figure]:
    """Figures of one part, or of all parts.

    Raises
    ------
    KeyError
        If there is no such part.
    """
    chosen = list(PARTS.values()) if what == ALL else [PARTS[what]]
    sections: list[Section] = [s for name in chosen for s in importlib.import_module(name).SECTIONS]
    figures: list[Figure] = []
    with progress("bench", len(sections)) as advance:
        for section in sections:
            figures += section(effort)
            advance()
    return figures


def as_json(figures: Sequence[Figure], effort: Effort) -> dict[str, Any]:
    """The object that ``linli bench --json`` prints."""
    from sim.bench.machine import machine, versions

    return {
        "machine": machine(),
        "versions": versions(),
        "quick": effort.quick,
        "figures": [figure.as_json() for figure in figures],
    }
