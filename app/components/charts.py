"""The day's curve, in Altair: twenty-four points, never more."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from app.components.answer import TARGETS, Answer
from app.components.words import Words

FONT = "'Source Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
TEAL, GREY, RED, INK, NIGHT = "#0B6E6E", "#7C868B", "#B3411E", "#1C2529", "#E9E9E3"
TICKS_MIN = (1, 3, 10, 30, 60, 180, 480)
LOWEST_MIN, HIGHEST_MIN = 0.5, 720.0
HEIGHT = 200


def frame(answer: Answer) -> pd.DataFrame:
    """The curve's points: hour of the day and mean, interval where there is one; kept within the scale."""
    rows = [
        {"hour": h.hour + 0.5, "mean": h.value.mean, "low": h.value.low, "high": h.value.high}
        for h in answer.hours
        if math.isfinite(h.value.mean)
    ]
    table = pd.DataFrame(rows, columns=["hour", "mean", "low", "high"], dtype=float)
    return table.assign(**{name: table[name].clip(LOWEST_MIN, HIGHEST_MIN) for name in ("mean", "low", "high")})


def day(words: Words, answer: Answer, baseline: Answer | None, opening: tuple[float, float]) -> alt.LayerChart:
    """First response by hour with its band, the baseline, the target and the closed hours."""
    points = frame(answer)
    x = alt.X(
        "hour:Q",
        title=None,
        scale=alt.Scale(domain=[0, 24], nice=False),
        axis=alt.Axis(
            values=list(range(0, 25, 3)), labelExpr="datum.value + ':00'", grid=False, labelFlush=True, tickSize=4
        ),
    )
    minutes, hours = words("chart.minutes"), words("chart.hours")
    bottom = _bottom(points)
    scale = alt.Scale(type="log", domain=[bottom, HIGHEST_MIN], nice=False, clamp=True)
    axis = alt.Axis(
        values=[tick for tick in TICKS_MIN if tick >= bottom],
        labelExpr=f"datum.value < 60 ? datum.value + ' {minutes}' : datum.value / 60 + ' {hours}'",
        gridColor="#E4E5DF",
        domain=False,
        ticks=False,
        labelPadding=6,
        labelOverlap=False,
    )
    y, low = (alt.Y(f"{name}:Q", title=None, scale=scale, axis=axis) for name in ("mean", "low"))
    layers: list[alt.Chart] = [
        alt.Chart(_closed(opening)).mark_rect(color=NIGHT).encode(x=alt.X("start:Q"), x2="end:Q")
    ]
    if answer.replications > 1:
        layers.append(alt.Chart(points).mark_area(color=TEAL, opacity=0.22).encode(x=x, y=low, y2="high:Q"))
    if baseline is not None:
        line = alt.Chart(frame(baseline)).mark_line(color=GREY, strokeWidth=1.6, strokeDash=[5, 3])
        layers.append(line.encode(x=x, y=y))
    target = pd.DataFrame({"mean": [TARGETS["response"].value]})
    layers.append(alt.Chart(target).mark_rule(color=RED, strokeWidth=1.4).encode(y=y))
    dash = [1, 0] if answer.simulated else [2, 2]
    layers.append(alt.Chart(points).mark_line(color=TEAL, strokeWidth=2.6, strokeDash=dash).encode(x=x, y=y))
    layers.append(_hover(words, points, x, y))
    return (
        alt.layer(*layers)
        .properties(height=HEIGHT, background="transparent", padding={"left": 0, "right": 8, "top": 6, "bottom": 0})
        .configure(font=FONT)
        .configure_axis(labelFont=FONT, titleFont=FONT, labelFontSize=12, labelColor="#4A555A", domainColor="#B9BDB6")
        .configure_view(strokeWidth=0)
    )


def _hover(words: Words, points: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.Chart:
    told = points.assign(
        clock=[words("clock", hour=int(hour)) for hour in points["hour"]],
        told=[words.amount(value, "min") for value in points["mean"]],
        interval=[
            f"{words.number(low, 'min')} – {words.number(high, 'min')}"
            if math.isfinite(low)
            else words("figure.estimated")
            for low, high in zip(points["low"], points["high"], strict=True)
        ],
    )
    tooltip = [
        alt.Tooltip("clock:N", title=words("chart.x")),
        alt.Tooltip("told:N", title=words("chart.y")),
        alt.Tooltip("interval:N", title="95 %"),
    ]
    return alt.Chart(told).mark_circle(color=TEAL, size=34, opacity=1).encode(x=x, y=y, tooltip=tooltip)


def _bottom(points: pd.DataFrame) -> float:
    """The scale begins below the lowest of what is shown, at a tick."""
    lowest = min(points[["mean", "low"]].min().min(), TARGETS["response"].value) if len(points) else 1.0
    return max([tick for tick in (LOWEST_MIN, 1.0, 3.0) if tick <= lowest * 0.9] or [LOWEST_MIN])


def _closed(opening: tuple[float, float]) -> pd.DataFrame:
    spans = [(0.0, opening[0]), (opening[1], 24.0)]
    return pd.DataFrame([span for span in spans if span[0] < span[1]], columns=["start", "end"])
