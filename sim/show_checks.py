"""The table of checks on a terminal: the plan's number, the model's with its interval, and the verdict."""

from __future__ import annotations

import math

from rich.markup import escape
from rich.table import Table

from sim.show import console
from sim.study.checks import Check, Checks, Unit

RANGES = {
    "smaller, larger": "a total below or above the plan's",
    "weaker, stronger": "an effect of the same direction, or none, below or above the plan's",
    "cannot be told": "the interval is too wide, or there is none",
}
"""Words that a verdict may have beside 'agrees'."""


def show_checks(checks: Checks) -> None:
    """All rows, then how each was got."""
    screen = console()
    if not checks.replications:
        screen.print("no replication was finished")
        return
    scenario = checks.loaded.scenario
    screen.print(f"[bold]{escape(scenario.name)}[/bold]  {escape(scenario.title)}  (hash {checks.loaded.hash})")
    table = Table("fact", "check", "plan", "model", "verdict", caption=_caption(checks), caption_justify="left")
    before = ""
    for row in checks.rows:
        if before and row.fact != before:
            table.add_section()
        table.add_row(row.fact, escape(row.what), plan_text(row), model_text(row), row.verdict)
        before = row.fact
    screen.print(table)
    for fact, how in dict.fromkeys((row.fact, row.how) for row in checks.rows):
        screen.print(f"{fact}  {escape(how)}", style="dim")


def plan_text(row: Check) -> str:
    """The plan's number or range; – where it has none."""
    low, high = row.plan
    if low is None and high is None:
        return "–"
    if low == high and low is not None:
        return value_text(low, row.unit)
    if high is None and low is not None:
        return f"over {value_text(low, row.unit)}"
    if low is None and high is not None:
        return f"below {value_text(high, row.unit)}"
    return f"{number_text(low or 0.0, row.unit)} … {value_text(high or 0.0, row.unit)}"


def model_text(row: Check) -> str:
    """The model's number with its interval; the number alone where nothing is drawn, or for one replication."""
    found = row.estimate
    if not math.isfinite(found.mean):
        return "–"
    text = value_text(found.mean, row.unit)
    if found.low is None or found.high is None or found.low == found.high == found.mean:
        return text
    return f"{text} ({number_text(found.low, row.unit)} … {number_text(found.high, row.unit)})"


def number_text(value: float, unit: Unit) -> str:
    """A number without its unit: shares in per cent, changes with their sign."""
    if unit in ("share", "change"):
        per_cent = 100 * value
        digits = 1 if abs(per_cent) < 10 else 0
        rounded = round(per_cent, digits) + 0.0
        return f"{rounded:{'+' if unit == 'change' and rounded else ''}.{digits}f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 1 else 2
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def value_text(value: float, unit: Unit) -> str:
    """A number with its unit."""
    return f"{number_text(value, unit)} {'%' if unit in ('share', 'change') else unit}"


def _caption(checks: Checks) -> str:
    n = checks.replications
    interval = "95 % interval over replications" if n > 1 else "no interval: one replication"
    words = "; ".join(f"{word}: {meaning}" for word, meaning in RANGES.items())
    return (
        f"{interval}; {n} replication{'s' if n > 1 else ''} of up to {checks.days} days, seed {checks.seed}, "
        f"{checks.engine} engine. {words[0].upper()}{words[1:]}"
    )
