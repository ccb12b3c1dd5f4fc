"""Pieces of HTML: cards, verdict, badge. All text is escaped here and nowhere else; ``**`` becomes bold."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from pathlib import Path

from app.components.answer import CONSEQUENCES, KEY_FIGURES, OF_CHANNEL, PARTS, TARGETS, UNITS, Answer
from app.components.verdict import Verdict
from app.components.words import Words
from sim.measures import Estimate

STYLE = Path(__file__).with_name("style.css")
LONG_UNITS = ("point", "yuan_per_month")
"""Units that stand beside the figure, and not again in its interval and its difference."""


def style() -> str:
    """The app's style sheet."""
    return f"<style>{STYLE.read_text(encoding='utf-8')}</style>"


def text(raw: str) -> str:
    """Escaped text; what stands between ``**`` is bold."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(raw))


def tip(words: Words, definition: str, name: str) -> str:
    """A question mark that shows a definition to the mouse and to the keyboard."""
    label = html.escape(f"{words('figure.definition')}: {words(name)}", quote=True)
    return (
        f'<span class="li-tip" tabindex="0" role="note" aria-label="{label}">?'
        f'<span class="li-tip-text" role="tooltip">{text(words(definition))}</span></span>'
    )


def verdict(words: Words, said: Verdict) -> str:
    """The verdict block."""
    reasons = text(words("list.sentence").join(said.reasons))
    return (
        f'<section class="li-verdict li-{said.state}" lang="{words.language}" aria-live="polite">'
        f"<h2>{text(said.headline)}</h2><p>{reasons}</p></section>"
    )


def badge(words: Words, answer: Answer, progress: str) -> str:
    """What the figures are made of, and how far."""
    if not answer.simulated:
        kind, label = "instant", words("badge.instant")
    elif answer.replications == 1:
        kind, label = "simulated", words("badge.simulated_one")
    else:
        kind, label = "simulated", words("badge.simulated", n=answer.replications)
    more = f'<span class="li-progress">{text(progress)}</span>' if progress else ""
    return f'<div class="li-badge li-{kind}" role="status"><span class="li-dot"></span>{text(label)}{more}</div>'


def cards(
    words: Words,
    answer: Answer,
    before: Answer | None,
    baseline: Answer | None,
    baseline_name: str,
    differences: Mapping[str, Estimate],
    payroll: int,
    *,
    moved: bool,
) -> str:
    """The key figures. ``before`` : what was shown last; it stands in, dimmed, for what is not known yet."""
    made = []
    for name in KEY_FIGURES:
        figure, stale = answer.figures.get(name), ""
        if figure is None or not math.isfinite(figure.mean):
            figure, stale = _stand_in(words, name, before, baseline, baseline_name)
        base = baseline.figures.get(name) if baseline and moved else None
        made.append(_card(words, name, figure, stale, base, baseline_name, differences.get(name), answer, payroll))
    return f'<div class="li-cards">{"".join(made)}</div>'


def consequences(
    words: Words,
    answer: Answer,
    before: Answer | None,
    baseline: Answer | None,
    baseline_name: str,
    differences: Mapping[str, Estimate],
    *,
    moved: bool,
) -> str:
    """What follows for users and the platform, in one line; parameters as in ``cards``."""
    cells = []
    for name in CONSEQUENCES:
        figure, stale = answer.figures.get(name), ""
        if figure is None or not math.isfinite(figure.mean):
            figure, stale = _stand_in(words, name, before, baseline, baseline_name)
        base = baseline.figures.get(name) if baseline and moved and not stale else None
        target = _target(words, name, None if stale else figure) if name in TARGETS else ""
        lines = [f'<div class="li-interval">{text(stale or _interval(words, figure, UNITS[name]))}</div>']
        if base is not None and name in differences:
            lines.append(f"<div>{text(_changed(words, differences[name], UNITS[name]))}</div>")
        elif base is not None:
            known = words.amount(base.mean, UNITS[name])
            lines.append(f"<div>{text(words('figure.base', baseline=baseline_name, value=known))}</div>")
        value = text(words.amount(figure.mean, UNITS[name])) if figure else "–"
        cells.append(
            f'<div class="li-follow{" li-stale" if stale else ""}" data-figure="{name}">'
            f"<h3>{text(words(f'figure.{name}'))}{tip(words, f'definition.{name}', f'figure.{name}')}</h3>"
            f'<div class="li-line"><span class="li-value">{value}</span>{target}</div>{"".join(lines)}</div>'
        )
    return f'<div class="li-follows">{"".join(cells)}</div>'


def _changed(words: Words, difference: Estimate, unit: str) -> str:
    """The difference from the baseline, which the cards above name."""
    told = difference_text(words, difference, unit)
    return told if told == words("figure.no_difference") else words("figure.change", difference=told)


def _stand_in(
    words: Words, name: str, before: Answer | None, baseline: Answer | None, baseline_name: str
) -> tuple[Estimate | None, str]:
    for source, label in (
        (before, words("figure.stale")),
        (baseline, words("figure.stale_base", baseline=baseline_name)),
    ):
        if source and name in source.figures and math.isfinite(source.figures[name].mean):
            return source.figures[name], label
    return None, words("figure.unknown")


def _card(
    words: Words,
    name: str,
    figure: Estimate | None,
    stale: str,
    base: Estimate | None,
    baseline_name: str,
    difference: Estimate | None,
    answer: Answer,
    payroll: int,
) -> str:
    unit = UNITS[name]
    value = words.amount(figure.mean, unit) if figure else words("figure.unknown")
    number = words.number(figure.mean, unit) if figure else ""
    big = value.replace(number, f'<span class="li-number">{number}</span>', 1) if figure else "–"
    lines = [f'<div class="li-interval">{text(stale or _interval(words, figure, unit))}</div>']
    if name == "response" and not stale:
        lines.append(f"<div>{text(words('figure.p90', value=words.amount(answer.p90.mean, 'min')))}</div>")
    if name == "occupancy":
        lines.append(f"<div>{text(words('figure.payroll', value=payroll))}</div>")
    if name in TARGETS:
        lines.append(_target(words, name, None if stale else figure))
    if base is not None:
        lines.append(_against(words, base, baseline_name, None if stale else difference, unit))
    return (
        f'<article class="li-card{" li-stale" if stale else ""}" data-figure="{name}">'
        f"<h3>{text(words(f'figure.{name}'))}{tip(words, f'definition.{name}', f'figure.{name}')}</h3>"
        f'<div class="li-value">{big}</div>{"".join(lines)}</article>'
    )


def interval(words: Words, figure: Estimate, unit: str) -> str:
    """``22.4 – 23.6`` or a dash."""
    if figure.low is None or figure.high is None:
        return "–"
    return f"{words.number(figure.low, unit)} – {words.number(figure.high, unit)}"


def _interval(words: Words, figure: Estimate | None, unit: str) -> str:
    if figure is None:
        return ""
    if figure.replications == 0:
        return words("figure.estimated")
    if figure.low is None or figure.high is None:
        return words("figure.no_interval")
    low, high = (words.number(value, unit) for value in (figure.low, figure.high))
    if unit not in LONG_UNITS:
        high = words.amount(figure.high, unit)
    return words("figure.interval", low=low, high=high)


def _target(words: Words, name: str, figure: Estimate | None) -> str:
    target = TARGETS[name]
    unit = UNITS[name]
    value = words.number(target.value, unit, 1) if unit == "point" else words.amount(target.value, unit, 0)
    key = "target_at_most" if target.at_most else "target_all" if target.value == 1 else "target_at_least"
    state = target.verdict(figure) if figure else ""
    mark = f' <b class="li-mark li-{state}">{text(words(f"figure.{state}"))}</b>' if state else ""
    return f'<div class="li-target">{text(words(f"figure.{key}", value=value))}{mark}</div>'


def difference_text(words: Words, difference: Estimate, unit: str) -> str:
    """A difference with its sign and interval; of shares, in percentage points. One that would be rounded away is told
    more precisely."""
    if difference.low is not None and difference.high is not None and difference.low <= 0 <= difference.high:
        return words("figure.no_difference")
    sign = "+" if difference.mean > 0 else "−"
    digits = 2 if not float(words.number(abs(difference.mean), unit).replace(",", "")) else None
    value = words.number(abs(difference.mean), unit, digits)
    if unit == "share":
        value = words("figure.points", value=value)
    elif unit not in LONG_UNITS:
        value = words(f"unit.{unit}", value=value)
    low, high = (words.number(x or 0.0, unit, digits) for x in (difference.low, difference.high))
    return words("figure.difference", sign=sign, value=value, low=low, high=high)


def _against(words: Words, base: Estimate, name: str, difference: Estimate | None, unit: str) -> str:
    known = words("figure.base", baseline=name, value=words.amount(base.mean, unit))
    told = f"<div>{text(difference_text(words, difference, unit))}</div>" if difference else ""
    return f'<div class="li-base"><div>{text(known)}</div>{told}</div>'


def parts(words: Words, answer: Answer) -> str:
    """Where the minutes come from, as bars."""
    total = sum(answer.parts.values())
    largest = max([*answer.parts.values(), 1e-9])
    rows = []
    for part in sorted(PARTS, key=lambda p: -answer.parts[p]):
        value = answer.parts[part]
        if math.isfinite(value) and value >= 0.05:
            rows.append(
                f'<div class="li-part"><span>{text(words(f"parts.{part}"))}</span>'
                f'<span class="li-part-value">{text(words.amount(value, "min"))}</span>'
                f'<i class="li-bar li-bar-{part}" style="width:{100 * value / largest:.1f}%"></i></div>'
            )
    title = words("parts.title", minutes=words.amount(total, "min"))
    return f"<h3>{text(title)}{_help(words, 'parts')}</h3>{''.join(rows)}"


def busiest(words: Words, answer: Answer) -> str:
    """The busiest station and hour, named."""
    most = answer.busiest
    if most is None:
        return ""
    key = f"station.{most.station}"
    station = words(key) if key in words.entries else most.station
    waiting, total = (words.number(x, "1", 0) for x in (most.waiting, most.total))
    start, end = words("clock", hour=most.hour), words("clock", hour=most.hour + 1)
    return (
        f'<div class="li-busiest"><h3>{text(words("busiest.title"))}{_help(words, "busiest")}</h3>'
        f"<p>{text(words('busiest.line', station=station, waiting=waiting))}<br>"
        f"{text(words('busiest.hour', start=start, end=end, total=total))}</p></div>"
    )


def _help(words: Words, what: str) -> str:
    label = html.escape(words("figure.definition"), quote=True)
    return (
        f'<span class="li-tip" tabindex="0" role="note" aria-label="{label}">?'
        f'<span class="li-tip-text" role="tooltip">{text(words(f"{what}.help"))}</span></span>'
    )


def channels(words: Words, answer: Answer) -> str:
    """Figures by where users ask, as a table; nothing while there are none."""
    if not answer.channels:
        return ""
    head = [words("more.channel"), *(words(f"channel_figure.{name}") for name in OF_CHANNEL)]
    rows = [
        [
            words(f"channel.{channel}"),
            *(_with_interval(words, found[name], OF_CHANNEL[name].unit) for name in OF_CHANNEL),
        ]
        for channel, found in answer.channels
    ]
    return table(head, rows)


def _with_interval(words: Words, figure: Estimate, unit: str) -> str:
    if not math.isfinite(figure.mean):
        return "–"
    known = words.amount(figure.mean, unit)
    return known if figure.low is None else f"{known} ({interval(words, figure, unit)})"


def legend(words: Words, baseline_name: str, answer: Answer, *, moved: bool) -> str:
    """The chart's heading with its keys."""
    this = words("chart.this_band" if answer.replications > 1 else "chart.this")
    kind = "li-key-line" if answer.simulated else "li-key-line li-key-dotted"
    keys = [(kind, this)] + ([("li-key-base", words("chart.base", baseline=baseline_name))] if moved else [])
    keys += [("li-key-target", words("chart.target")), ("li-key-night", words("chart.night"))]
    spans = "".join(f'<span><i class="{kind}"></i>{text(name)}</span>' for kind, name in keys)
    return (
        f"<h3>{text(words('chart.title'))}<small>{text(words('chart.scale'))}</small></h3>"
        f'<div class="li-legend">{spans}</div>'
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A plain table."""
    top = "".join(f'<th scope="col">{text(cell)}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    whole = f'<table class="li-table"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="li-scroll">{whole}</div>'
