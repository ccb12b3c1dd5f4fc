"""Figures as tables on a terminal: every one with its unit, its interval and the number of replications."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.measures import MEASURES, Estimate
from sim.shown import GROUPS, IN_GENERAL, MOST_COLUMNS, OF_BREAKDOWN

if TYPE_CHECKING:
    from calibration.replay import Comparison, Row
    from sim.session import Result

MOST_DIGITS = 6
"""After the decimal point."""

NAME_WIDTH = 13
"""Longest line of a column's head, unless a word is longer."""

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
    return f"{value:,.{min(digits, MOST_DIGITS)}f}"


def with_interval(estimate: Estimate | None) -> str:
    """``12.3 (11.8 … 12.9)``; the value alone when there is one replication."""
    if estimate is None:
        return "–"
    text = number(estimate.mean, estimate.unit)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} ({number(estimate.low, estimate.unit)} … {number(estimate.high, estimate.unit)})"


def with_half_width(estimate: Estimate | None) -> str:
    """``12.3 ± 0.6``: the same where there is less room. Where the interval ends at a value that the figure cannot go
    beyond, its other half."""
    if estimate is None:
        return "–"
    text = number(estimate.mean, estimate.unit)
    if estimate.low is None or estimate.high is None or not math.isfinite(estimate.high - estimate.low):
        return text
    half = max(estimate.high - estimate.mean, estimate.mean - estimate.low)
    if half == 0:
        return text
    return f"{text.removesuffix(' %')} ± {_as_precise(half, text, estimate.unit)}"


def _as_precise(half: float, text: str, unit: str) -> str:
    """A half-width with as many decimals as the value that it belongs to."""
    if unit == "share":
        return f"{half * 100:.1f} %"
    _, _, decimals = text.partition(".")
    return f"{half:,.{len(decimals)}f}"


def caption(results: Sequence[Result], interval: str = "(95 % interval over replications)") -> str:
    """What the numbers are means of."""
    first = results[0]
    counts = sorted({r.replications for r in results})
    runs = " and ".join(str(n) for n in counts)
    what = f"mean {interval}" if counts[-1] > 1 else "no interval: one replication"
    return (
        f"{what}; {runs} replication{'s' if counts[-1] > 1 else ''} of {first.loaded.scenario.horizon.days} days, "
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
    measures = {name: value for name, value in result.measures.items() if math.isfinite(value.mean)}
    for title, names in GROUPS.items():
        if there := [name for name in names if name in measures]:
            _heading(table, title)
            for name in there:
                table.add_row(name, with_interval(measures[name]), unit_text(measures[name].unit))
    screen.print(table)
    for by in result.plan.by:
        _breakdown(screen, result, by)
    screen.print("What each figure means: linli measures", style="dim")


def _heading(table: Table, title: str) -> None:
    table.add_section()
    table.add_row(f"[bold]{escape(title)}[/bold]")


def unit_text(unit: str) -> str:
    """A unit as it stands in a column; none where the value has it already."""
    return {"share": "", "1": "", "point": "of 5"}.get(unit, unit)


def _breakdown(screen: Console, result: Result, by: str) -> None:
    """The figures of each group that has any."""
    groups = result.by(by)
    known = [n for n in OF_BREAKDOWN.get(by, IN_GENERAL) if any(n in g and _told(g[n]) for g in groups.values())]
    names = list(dict.fromkeys(known))[:MOST_COLUMNS]
    title = f"by {by}" + (" (mean ± half of the 95 % interval)" if result.replications > 1 else "")
    rows = {escape(str(key)): group for key, group in groups.items() if by == "hour" or _something(group, names)}
    table = Table(title=title, title_justify="left")
    table.add_column(by, no_wrap=True, min_width=max(map(len, rows), default=0))
    for name in names:
        table.add_column(_folded(name))
    for label, group in rows.items():
        table.add_row(label, *(with_half_width(group.get(name)) for name in names))
    screen.print(table)


def _told(estimate: Estimate) -> bool:
    return math.isfinite(estimate.mean)


def _something(group: Mapping[str, Estimate], names: Sequence[str]) -> bool:
    """Whether anything happened in a group: a channel that nobody used is no row."""
    return any(name in group and _told(group[name]) and group[name].mean != 0 for name in names)


def _folded(name: str) -> str:
    """A figure's name in lines that are no longer than a column's values."""
    lines = [""]
    for word in name.split("_"):
        if lines[-1] and len(lines[-1]) + len(word) >= NAME_WIDTH:
            lines.append("")
        lines[-1] += f"{word}_"
    return "\n".join(lines).removesuffix("_")


def side_by_side(
    results: Sequence[Result], groups: Mapping[str, Sequence[str]], promised: Mapping[str, str] | None = None
) -> None:
    """The same figures of several runs in columns, under headings; ``promised`` : what the plan says of some."""
    screen = console()
    heads = [*(r.loaded.scenario.name for r in results), *(["promised"] if promised else []), "unit"]
    told = caption(results, "± half of the 95 % interval over replications")
    table = Table("figure", *heads, caption=told, caption_justify="left")
    columns = [r.measures for r in results]
    for title, names in groups.items():
        _heading(table, title)
        for name in names:
            cells = [with_half_width(c.get(name)) for c in columns]
            cells += [promised.get(name, "")] if promised else []
            table.add_row(name, *cells, unit_text(MEASURES[name].unit))
    screen.print(table)


def side_by_side_by(results: Sequence[Result], by: str, measures: Sequence[str], keys: Sequence[str]) -> None:
    """Figures of several runs in columns, for some groups of a breakdown."""
    table = Table(f"by {by}", *(r.loaded.scenario.name for r in results), "unit")
    columns = [r.by(by) for r in results]
    for measure in measures:
        _heading(table, measure)
        for key in keys:
            cells = [with_half_width(c.get(key, {}).get(measure)) for c in columns]
            table.add_row(key, *cells, unit_text(MEASURES[measure].unit))
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
