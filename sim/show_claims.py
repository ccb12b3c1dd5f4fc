"""The table of claims on a terminal: what was promised, what comes out, how surely, since when, and why not."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.claims import Claims, Probability, Verdict
from sim.show import console, number

KNOWN_TODAY = ("F50", "F51", "F52", "F54")
"""Targets of which the plan says what they are today."""

SIGNS = {"<=": "≤", ">=": "≥"}


def show_claims(claims: Claims) -> None:
    """All claims of a scenario; then why those that are missed are missed, and what is not simulated."""
    screen = console()
    if not claims.replications:
        screen.print("no replication was finished")
        return
    scenario, baseline = claims.loaded.scenario, claims.baseline.scenario
    screen.print(
        f"[bold]{escape(scenario.name)}[/bold]  {escape(scenario.title)}  (hash {claims.loaded.hash}), "
        f"baseline [bold]{escape(baseline.name)}[/bold]"
    )
    lines = _lines(claims.verdicts)
    screen.print(_table(claims, lines))
    _paragraph(screen, "Why not", [(v, v.reason) for v, _ in lines if v.status == "missed" and v.reason])
    _paragraph(screen, "Not simulated", [(v, v.reason) for v, _ in lines if v.status == "not simulated"])
    _paragraph(screen, "How the plan's words are read", [(v, v.claim.reading) for v, _ in lines if v.claim.reading])


def _table(claims: Claims, lines: Sequence[tuple[Verdict, str]]) -> Table:
    """What is simulated; the rest stands below the table with its reason."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.caption, table.caption_justify = _caption(claims), "left"
    names = (claims.baseline.scenario.name, claims.loaded.scenario.name)
    for title in ("fact", "promise", "target", *names, "P in %"):
        table.add_column(escape(title), no_wrap=title != "promise")
    if claims.draws:
        table.add_column("draws", no_wrap=True)
    table.add_column("week", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for verdict, against in lines:
        if verdict.status == "not simulated":
            continue
        claim = verdict.claim
        table.add_row(
            claim.fact,
            escape(claim.text + against),
            target_text(verdict),
            "" if claim.relative else _with_unit(verdict.baseline_value, verdict.estimate.unit),
            value_text(verdict),
            probability_text(verdict.over_draws or verdict.probability),
            *([_spread(verdict)] if claims.draws else []),
            "–" if verdict.holds_from_week is None else str(verdict.holds_from_week),
            verdict.status + (" ±" if verdict.open else ""),
        )
    return table


def _lines(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, str]]:
    """Verdicts with what a change is against; one line where both baselines say the same."""
    lines: list[tuple[Verdict, str]] = []
    for verdict in verdicts:
        last = lines[-1][0] if lines else None
        if last is not None and last.claim is verdict.claim and last.estimate == verdict.estimate:
            lines[-1] = (last, "")
        else:
            lines.append((verdict, f", against {verdict.against}" if verdict.against else ""))
    return lines


def target_text(verdict: Verdict) -> str:
    """Comparison and target: ``≤ 10 min``, ``≤ −50 %``."""
    claim = verdict.claim
    unit = "change" if claim.relative else verdict.estimate.unit
    if unit in ("share", "change"):
        text = f"{100 * claim.target:{'+' if unit == 'change' else ''}g}".replace("-", "−")
    else:
        text = f"{claim.target:g}"
    return f"{SIGNS[claim.comparison]} {text}{_unit(unit)}"


def value_text(verdict: Verdict) -> str:
    """Estimate with its interval; – where there is none."""
    found = verdict.estimate
    if found.low is None or found.high is None:
        return _with_unit(found.mean, found.unit)
    low, high = (_number(x, found.unit) for x in (found.low, found.high))
    return f"{_number(found.mean, found.unit)} ({low} … {high}){_unit(found.unit)}"


def probability_text(found: Probability | None) -> str:
    """Share of replications with its interval, in per cent."""
    if found is None:
        return "–"
    return f"{100 * found.share:.0f} ({100 * found.low:.0f} … {100 * found.high:.0f})"


def _spread(verdict: Verdict) -> str:
    if verdict.spread is None:
        return "–"
    low, high = (_number(x, verdict.estimate.unit) for x in verdict.spread)
    return f"{low} … {high}"


def _with_unit(value: float, unit: str) -> str:
    text = _number(value, unit)
    return text + _unit(unit) * (text != "–")


def _number(value: float, unit: str) -> str:
    """A number without its unit: shares and changes in per cent, changes with their sign."""
    if unit not in ("share", "change") or value != value:
        return f"{value:.2f}" if unit == "point" and value == value else number(value, "1")
    per_cent = round(100 * value, 1)
    if unit == "share":
        return f"{per_cent:.1f}"
    text = f"{per_cent:+.0f}" if abs(per_cent) >= 10 else f"{per_cent:+.1f}"
    return text.replace("-", "−")


def _unit(unit: str) -> str:
    words = {"share": " %", "change": " %", "1": "", "point": ""}
    return words.get(unit, f" {unit}")


def _paragraph(screen: Console, title: str, entries: Sequence[tuple[Verdict, str]]) -> None:
    """Sentences under a title, the same one only once, with the claims that it is about."""
    about: dict[str, list[str]] = {}
    for verdict, text in entries:
        names = about.setdefault(text, [])
        if (name := f"{verdict.claim.fact} {verdict.claim.text}") not in names:
            names.append(name)
    if not about:
        return
    screen.print(f"[bold]{title}[/bold]")
    for text, names in about.items():
        screen.print(f"  {escape(' / '.join(names))}: {escape(text)}")


def _caption(claims: Claims) -> str:
    n, draws, horizon = claims.replications, claims.draws, claims.loaded.scenario.horizon
    interval = "95 % interval over replications" if n > 1 else "no interval: one replication"
    over = f"{draws} draws of all assumptions within their ranges" if draws else "replications, everything as assumed"
    parts = [
        f"{interval}; {n} replication{'s' if n > 1 else ''} of {horizon.days} days, {horizon.warm_up_days:g} of them "
        f"warm-up, seed {claims.seed}, {claims.engine} engine.",
        f"P: share of {over}, with Wilson's 95 % interval.",
        f"Draws: 5 and 95 % quantile over these. {_unconditioned(claims)}" if draws else "",
        "Week: since when every week holds, counted from 0.",
        "±: the interval reaches across the target.",
        "Changes: against the first four weeks before, and against doing nothing over the same days, where complaints "
        f"grow {100 * claims.trade_growth:g} % a year (F14); one line where both say the same.",
    ]
    return " ".join(part for part in parts if part)


def _unconditioned(claims: Claims) -> str:
    """What the draws make of the baseline: they are not held against what is known of it."""
    name = claims.baseline.scenario.name
    parts = []
    for verdict in claims.verdicts:
        unit, spread = verdict.estimate.unit, verdict.baseline_spread
        if verdict.claim.fact in KNOWN_TODAY and not verdict.claim.relative and spread is not None:
            low, high = (_number(x, unit) for x in spread)
            parts.append(f"{verdict.claim.text} {low} … {high}{_unit(unit)}")
    text = f"They are not held against what is known of {name}; under them it has: {', '.join(parts)}."
    return text if parts else ""
