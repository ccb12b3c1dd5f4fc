"""Figures of the bench as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from sim import show
from sim.bench.figure import Figure
from sim.bench.machine import machine, versions


def show_figures(figures: Sequence[Figure]) -> None:
    """Print machine, versions and all figures."""
    screen = show.console()
    computer = machine()
    screen.print(f"{computer['cpu']}, {computer['cores']} cores, {computer['memory_gib']} GiB, {computer['system']}")
    if (computer["load"] or 0) > computer["cores"]:
        screen.print(
            f"Busy machine (load {computer['load']}): times by the wall clock and the gain of two cores suffer."
        )
    screen.print(", ".join(f"{name} {number or '(missing)'}" for name, number in versions().items()))
    table = Table(caption=CAPTION, caption_justify="left")
    for heading in ("figure", "median", "goal"):
        table.add_column(heading, no_wrap=True)
    table.add_column("about")
    for one in figures:
        if one.value is None:
            table.add_row(one.name, "missing", one.goal, one.reason)
        else:
            table.add_row(one.name, f"{value(one.value)} {UNITS.get(one.unit, one.unit)}", one.goal, about(one))
    screen.print(table)


def about(one: Figure) -> str:
    """What a figure is of, and how much its runs differed."""
    spread = f"{value(one.low)} … {value(one.high)} in {one.runs} runs" if one.runs > 1 else ""
    return "; ".join(part for part in (one.note, spread) if part)


UNITS = {"ratio": "×", "contacts/s": "/s"}

CAPTION = (
    "Medians. What runs on one core is measured in processor time; ratios are taken within one round in which all take "
    "their turn."
)


def value(number: float | None) -> str:
    """A number with three digits that count."""
    return show.number(number, "")
