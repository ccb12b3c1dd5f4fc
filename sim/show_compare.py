"""A comparison on a terminal: each option beside the baseline, then the options in order, and what follows in words."""

from __future__ import annotations

import math

from rich.markup import escape
from rich.table import Column, Table

from sim.measures import MEASURES, Estimate, summarise
from sim.show import MOST_DIGITS, console, number, unit_text, with_interval
from sim.study.compare import Best, Compared
from sim.study.differences import Difference

SHOWN = (
    "wait_mean_s",
    "first_response_mean_min",
    "service_level_share",
    "abandoned_share",
    "resolved_first_contact_share",
    "closed_within_24h_share",
    "late_delivery_share",
    "satisfaction_true_mean",
    "complaints_per_order",
    "users_lost_per_month_share",
    "leaders_lost_per_quarter_share",
    "orders",
    "agents_mean",
    "service_cost_yuan",
    "compensation_yuan",
    "net_benefit_yuan",
    "alarms",
)
"""Figures that a terminal shows unless others are asked for; ``--json`` has them all."""


def show_compare(result: Compared) -> None:
    """Tables and a closing sentence."""
    screen = console()
    if not result.replications:
        screen.print("no replication was finished by all options")
        return
    asked = result.asked
    names = [n for n in asked.measures or SHOWN if any(_known(result.measures[o].get(n)) for o in asked.names)]
    for option in asked.options:
        if option.scenario.name != asked.base:
            screen.print(_beside_baseline(result, option.scenario.name, option.scenario.title, names))
    screen.print(_caption(result), style="dim")
    screen.print(_ranked(result))
    screen.print(escape(closing(result.best)))


def closing(best: Best) -> str:
    """What can be said of the best, in one sentence or two."""
    measure = MEASURES[best.measure]
    by = f"{best.measure} ({measure.better} is better)"
    if best.reason:
        return f"Which option is best by {by} cannot be told: {best.reason}."
    assert best.indifference is not None
    assert best.at_most is not None
    small = f"differences below {_amount(best.indifference, measure.unit)} do not matter"
    if best.chosen is None:
        return (
            f"By {by}, {_and(best.remaining)} cannot be told apart after {best.after} replications, if {small}. "
            f"At most {best.at_most} replications, or a larger --indifference, decide."
        )
    sentence = (
        f"{best.chosen} is best by {by} with probability at least {_per_cent(best.guarantee)}, if {small}. "
        f"{best.after} replications were enough to say so."
    )
    if near := [name for name in best.remaining if name != best.chosen]:
        sentence += f" {_and(near)} differ{'s' if len(near) == 1 else ''} from it by too little to matter."
    return sentence


def difference_text(found: Estimate) -> str:
    """``-8.78 ± 0.77``: a mean difference with half the width of its interval, which is symmetric; of shares in
    percentage points."""
    scale = 100 if found.unit == "share" else 1
    half = None if found.low is None or found.high is None else scale * (found.high - found.low) / 2
    mean = scale * found.mean
    largest = max(abs(mean), half or 0)
    digits = min(max(2 - math.floor(math.log10(largest)), 0), MOST_DIGITS) if 0 < largest < 100 else 0
    text = f"{mean:+,.{digits}f}" if largest else "0"
    return f"{text} ± {half:,.{digits}f}" if half else text


def _amount(value: float, unit: str) -> str:
    """An absolute difference with its unit."""
    return f"{value * 100:g} points" if unit == "share" else f"{value:,.10g} {unit_text(unit)}".rstrip()


def _beside_baseline(result: Compared, option: str, title: str, names: list[str]) -> Table:
    base = result.asked.base
    table = Table(
        Column("figure", no_wrap=True),
        base,
        option,
        "difference",
        "P(better)",
        "in words",
        "unit",
        title=f"[bold]{option}[/bold] beside {base}: {escape(title)}",
        title_justify="left",
    )
    for name in names:
        own, other = result.measures[option].get(name), result.measures[base].get(name)
        found = result.differences[option][name]
        cells = [number(one.mean, one.unit) if one else "–" for one in (other, own)]
        if found.estimate.replications:
            cells += [difference_text(found.estimate), _chance(found), found.verdict]
        else:
            cells += ["–", "–", "–"]
        unit = MEASURES[name].unit
        table.add_row(name, *cells, "points" if unit == "share" else unit_text(unit))
    return table


def _ranked(result: Compared) -> Table:
    """All options by the figure that the best is chosen by."""
    best = result.best
    measure = MEASURES[best.measure]
    sign = -1 if measure.better == "more" else 1
    rows = [(name, result.figures[name]) for name in result.asked.names]
    found = {name: summarise([{best.measure: row[best.measure]} for row in own])[best.measure] for name, own in rows}
    table = Table("option", best.measure, "", title="The options in order", title_justify="left")
    order = sorted(found, key=lambda n: sign * found[n].mean if math.isfinite(found[n].mean) else math.inf)
    for name in order:
        table.add_row(name, with_interval(found[name]), _place(best, name))
    return table


def _place(best: Best, name: str) -> str:
    if name == best.chosen:
        return "the best"
    if name in best.eliminated:
        return f"ruled out after {best.eliminated[name]} replications"
    if best.reason:
        return ""
    return "as good" if best.chosen else "may be the best"


def _caption(result: Compared) -> str:
    asked, n = result.asked, result.replications
    horizon = asked.options[0].scenario.horizon
    if n == 1:
        return f"One replication of {horizon.days} days, seed {asked.seed}: nothing is known about luck."
    others = len(asked.options) - 1
    holm = f", Holm's correction over {others} options, figure by figure" if others > 1 else ""
    return (
        f"{n} replications of {horizon.days} days, seed {asked.seed}, {asked.engine} engine; the options share their "
        "luck, replication by replication. Difference: mean ± half of its 95 % interval (Student's t on pairs); of "
        "shares in percentage points. P(better): that the option does better in one more replication (Jeffreys). "
        f"Better, worse, differs: the mean difference is not 0 (5 %{holm})."
    )


def _chance(found: Difference) -> str:
    return "–" if found.p_better is None else f"{100 * found.p_better:.0f} %"


def _known(found: Estimate | None) -> bool:
    return found is not None and math.isfinite(found.mean)


def _per_cent(share: float) -> str:
    return f"{100 * share:g} %"


def _and(names: tuple[str, ...] | list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
