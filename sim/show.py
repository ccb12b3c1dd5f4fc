"""Figures as tables on a terminal: every one with its unit, its interval and the number of replications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.measures import MEASURES, Estimate

if TYPE_CHECKING:
    from calibration.replay import Comparison, Row
    from sim.session import Result

PLAIN_WIDTH = 110
"""Width when the output goes to a file or a pipe."""


def console() -> Console:
    """Standard output; as wide as the terminal, or a fixed width for files."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def number(value: float | None, unit: str) -> str:
    """A value as people read it: shares in per cent, three significant digits, – where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "share":
        return f"{value * 100:.1f} %"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if abs(value) < 100 else 0
    return f"{value:,.{min(digits, 4)}f}"


def with_interval(estimate: Estimate | None) -> str:
    """``12.3 (11.8 … 12.9)``; the value alone when there is one replication."""
    if estimate is None:
        return "–"
    text = number(estimate.mean, estimate.unit)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({number(estimate.low, estimate.unit)} … {number(estimate.high, estimate.unit)})"


def caption(results: Sequence[Result]) -> str:
    """What the numbers are means of."""
    first = results[0]
    counts = sorted({r.replications for r in results})
    runs = " and ".join(str(n) for n in counts)
    interval = "mean (95 % interval over replications)" if counts[-1] > 1 else "no interval: one replication"
    return (
        f"{interval}; {runs} replication{'s' if counts[-1] > 1 else ''} of {first.loaded.scenario.horizon.days} days, "
        f"seed {first.plan.seed}, {first.plan.engine} engine"
    )


def figures(result: Result) -> None:
    """All figures of a run, then its breakdowns."""
    screen = console()
    if not result.outcomes:
        screen.print("no replication was finished")
        return
    scenario = result.loaded.scenario
    screen.print(f"[bold]{scenario.name}[/bold]  {scenario.title}  (hash {result.loaded.hash})")
    table = Table("figure", "value", "unit", caption=caption([result]), caption_justify="left")
    for name, estimate in result.measures.items():
        if math.isfinite(estimate.mean):
            table.add_row(name, with_interval(estimate), _unit(estimate.unit))
    screen.print(table)
    for by in result.plan.by:
        _breakdown(screen, result, by)
    screen.print("What each figure means: linli measures", style="dim")


def _unit(unit: str) -> str:
    return {"share": "", "1": "", "point": "of 5"}.get(unit, unit)


def _breakdown(screen: Console, result: Result, by: str) -> None:
    groups = result.by(by)
    wanted = SHOWN_BY.get(by, SHOWN)
    names = [n for n in wanted if any(n in g and math.isfinite(g[n].mean) for g in groups.values())]
    table = Table(by, *names, title=f"by {by}", title_justify="left")
    for key, group in groups.items():
        table.add_row(str(key), *(with_interval(group.get(name)) for name in names))
    screen.print(table)


SHOWN = ("offered", "abandoned_share", "wait_mean_s", "service_level_share", "occupancy_share", "queue_mean")
"""Figures of a breakdown that a terminal has room for; ``--json`` has them all."""

SHOWN_BY = {
    "month": (
        "orders",
        "first_response_mean_min",
        "resolved_first_contact_share",
        "satisfaction_true_mean",
        "complaints_per_order",
        "users_lost_per_month_share",
        "net_benefit_yuan",
    ),
    "city": (
        "orders",
        "first_response_mean_min",
        "late_delivery_share",
        "satisfaction_true_mean",
        "complaints_per_order",
        "users_lost_per_month_share",
        "net_benefit_yuan",
    ),
    "channel": (
        "contacts",
        "first_response_mean_min",
        "abandoned_share",
        "resolved_first_contact_share",
        "satisfaction_true_mean",
        "complaints_per_order",
    ),
    "cause": (
        "problems_per_order",
        "problems_silent_share",
        "contacts",
        "resolved_first_contact_share",
        "satisfaction_true_mean",
        "complaints_per_order",
        "refunds_yuan",
    ),
}
"""The same where other figures fit the breakdown better."""


def side_by_side(results: Sequence[Result], names: Sequence[str]) -> None:
    """The same figures of several runs in columns."""
    screen = console()
    table = Table(
        "figure", *(r.loaded.scenario.name for r in results), "unit", caption=caption(results), caption_justify="left"
    )
    columns = [r.measures for r in results]
    for name in names:
        table.add_row(name, *(with_interval(c.get(name)) for c in columns), _unit(MEASURES[name].unit))
    screen.print(table)


def side_by_side_by(results: Sequence[Result], by: str, measure: str, keys: Sequence[str]) -> None:
    """One figure of several runs in columns, for some groups of a breakdown."""
    table = Table(f"{measure} by {by}", *(r.loaded.scenario.name for r in results), "unit")
    columns = [r.by(by) for r in results]
    for key in keys:
        table.add_row(
            key, *(with_interval(c.get(key, {}).get(measure)) for c in columns), _unit(MEASURES[measure].unit)
        )
    console().print(table)


def definitions(rows: list[dict[str, str]]) -> None:
    """All figures with unit and definition."""
    table = Table("figure", "unit", "definition", show_lines=True)
    for row in rows:
        table.add_row(row["name"], row["unit"], row["definition"])
    console().print(table)


def comparison(result: Comparison) -> None:
    """Simulated against actual figures of a replayed log: in words, rows set aside, overall, by kind and half-hour."""
    screen = console()
    for line in result.headline():
        screen.print(escape(line))
    aside = result.log.rows_set_aside
    table = Table("row set aside", "rows", title=f"{result.log.rows_read:,} rows read", title_justify="left")
    for reason, count in aside.items():
        table.add_row(reason, f"{count:,}")
    table.add_row("all of them", f"{sum(aside.values()):,}")
    screen.print(table)
    for by, title in (("all", result.scope), ("whole_log", "the whole log")):
        _overall(screen, [row for row in result.rows if row.by == by], title, result.replications)
    for by in ("kind", "half_hour"):
        _recorded_and_simulated(screen, [row for row in result.rows if row.by == by], by)


def _overall(screen: Console, rows: Sequence[Row], title: str, replications: int) -> None:
    if not rows:
        return
    caption = f"simulated: mean of {replications} replication{'s' if replications > 1 else ''}"
    caption += " (prediction interval of one more)" if replications > 1 else ", no interval"
    table = Table(
        "figure",
        "recorded",
        "simulated",
        "inside",
        title=title,
        title_justify="left",
        caption=caption,
        caption_justify="left",
    )
    for row in rows:
        inside = "–" if row.inside is None else "yes" if row.inside else "no"
        table.add_row(row.measure, number(row.actual, row.simulated.unit), with_interval(row.simulated), inside)
    screen.print(table)


def _recorded_and_simulated(screen: Console, rows: Sequence[Row], by: str) -> None:
    """One line for each group; a star where the recorded figure lies outside the interval."""
    names = list(dict.fromkeys(row.measure for row in rows if row.measure != "abandoned"))
    title = f"by {by}: recorded → simulated (* recorded lies outside the interval)"
    table = Table(by, *names, title=title, title_justify="left")
    cells: dict[str, dict[str, str]] = {}
    for row in rows:
        unit = row.simulated.unit
        text = number(row.actual, unit)
        if row.measure != "offered" or row.actual != row.simulated.mean:
            text += f" → {number(row.simulated.mean, unit)}{' *' if row.inside is False else ''}"
        cells.setdefault(row.key, {})[row.measure] = text
    for key, values in cells.items():
        table.add_row(escape(key), *(values.get(name, "–") for name in names))
    screen.print(table)
