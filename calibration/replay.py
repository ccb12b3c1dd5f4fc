"""A log's contacts through a scenario: does the model make of them what really became of them?

What a replication is fed, and by which rules, is in ``calibration.fit``. Both sides, the log and each replication, then
go through the same figures (``calibration.compare``). Simulated waits are first rounded to the log's own resolution,
since a log in whole seconds knows no wait of half a second.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.compare import figures, side_by_side, visits
from calibration.fit import Fit, arrivals_of, fit_log, presence_of
from calibration.logs import TOOK_PLACE, ContactLog, read_log
from calibration.mapping import DAY_MS, WEEKDAYS, Mapping, load_mapping
from sim.library import Loaded
from sim.measures import Estimate, assert_conserved
from sim.measures.view import View
from sim.progress import progress
from sim.run import replicate
from sim.service.build import Network, build
from sim.service.record import Record

CONFIDENCE = 0.95
SHOWN = ("all", "kind", "half_hour", "day")
WHOLE_LOG = "whole_log"
NAMES = {"waited_share": "wait_positive_share"}
"""Names of figures that ``linli measures`` calls otherwise."""


@dataclass(frozen=True)
class Row:
    """One figure, recorded and simulated; ``simulated`` has the mean and the interval for one further replication."""

    measure: str
    by: str
    key: str
    actual: float | None
    simulated: Estimate
    inside: bool | None


@dataclass(frozen=True)
class Comparison:
    """What a log says beside what the model made of its contacts.

    Attributes
    ----------
    scope : str
        Which contacts the figures count, in words; ``rows`` by ``whole_log`` count all.
    confidence : float
        Of the intervals.
    rows : tuple of Row
        By ``all``, ``whole_log``, ``kind``, ``half_hour`` and ``day``.
    distances : dict of str to float or None
        How far apart the two are: see ``_distances``.
    notes : tuple of str
        What the reader should know.
    """

    log: ContactLog
    scope: str
    replications: int
    confidence: float
    rows: tuple[Row, ...]
    distances: dict[str, float | None]
    notes: tuple[str, ...]

    def row(self, measure: str, by: str = "all", key: str = "") -> Row:
        """One figure."""
        return next(row for row in self.rows if (row.measure, row.by, row.key) == (measure, by, key))

    def as_json(self) -> dict[str, Any]:
        """The object that ``linli replay --json`` prints."""
        return {
            "rows_read": self.log.rows_read,
            "rows_set_aside": self.log.rows_set_aside,
            "results": [
                {
                    "measure": row.measure,
                    "by": row.by,
                    "key": row.key,
                    "actual": row.actual,
                    "simulated": row.simulated.mean if np.isfinite(row.simulated.mean) else None,
                    "low": row.simulated.low,
                    "high": row.simulated.high,
                    "inside": row.inside,
                }
                for row in self.rows
            ],
            "distances": self.distances,
        }

    def headline(self) -> list[str]:
        """How close the model is, in plain words."""
        offered, *judged = (self.row(name) for name in ("offered", *_PLAIN))
        lines = [
            f"{offered.actual:,.0f} of {len(self.log.contacts):,} contacts fed count in the figures: {self.scope}.",
            "Simulated against recorded: " + "; ".join(f"{_PLAIN[row.measure]} {_versus(row)}" for row in judged) + ".",
        ]
        if any(row.inside is not None for row in judged):
            outside = [_PLAIN[row.measure] for row in judged if not row.inside]
            half_hours = self.distances["half_hours_wait_inside_share"]
            lines.append(
                f"Recorded inside the {self.confidence * 100:g} % prediction interval of a single replication: "
                f"{len(judged) - len(outside)} of these {len(judged)}"
                + (f" (outside: {', '.join(outside)})" if outside else "")
                + (
                    "."
                    if half_hours is None
                    else f"; the mean wait is inside in {half_hours * 100:.0f} % of the half-hours."
                )
            )
        else:
            lines.append("One replication has no interval; run more of them to see what chance alone does.")
        return lines + [f"Note: {note}." for note in self.notes]


_PLAIN = {
    "wait_mean_s": "mean wait",
    "abandoned_share": "abandoned",
    "service_level_share": "answered in time",
    "wait_positive_share": "had to wait",
}


def _versus(row: Row) -> str:
    if row.actual is None or not np.isfinite(row.simulated.mean):
        return "unknown"
    simulated, actual = row.simulated.mean, row.actual
    if row.simulated.unit == "share":
        return f"{simulated * 100:.1f} % against {actual * 100:.1f} % ({(simulated - actual) * 100:+.1f} points)"
    relative = f" ({(simulated / actual - 1) * 100:+.0f} %)" if actual else ""
    return f"{simulated:.1f} s against {actual:.1f} s{relative}"


def replay_log(
    log: str,
    mapping: str,
    loaded: Loaded,
    *,
    engine: str,
    seed: int,
    replications: int,
    workers: int = 1,
    confidence: float = CONFIDENCE,
) -> Comparison:
    """Feed a log's contacts through a scenario, and compare.

    The figures count the contacts within the opening hours of the mapping's ordinary days: the weekdays that share
    the hours which most of them have. For the bank's January that is Sunday to Thursday, 7 to 24 h.

    Parameters
    ----------
    log, mapping : str
        Files.
    loaded : Loaded
        The scenario, which follows the convention of ``calibration.fit``.
    engine, seed, replications, workers
        As for ``linli run``; the answer does not depend on the number of workers.
    confidence : float
        Of the prediction intervals.

    Raises
    ------
    InputError
        If one of the three cannot be used, or they do not fit together.
    """
    columns = load_mapping(Path(mapping))
    fit = fit_log(read_log(Path(log), columns), loaded)
    simulated = replicated(fit, engine=engine, seed=seed, replications=replications, workers=workers)
    return compared(fit, columns, simulated, confidence)


# ── replications ─────────────────────────────────────────────────────────────────────────────────────────────────


def replicated(fit: Fit, *, engine: str, seed: int, replications: int, workers: int = 1) -> list[pd.DataFrame]:
    """Visits frames of the replications, in order; shows progress."""
    plan = _Plan(fit, build(fit.scenario), engine, seed)
    found: dict[int, pd.DataFrame] = {}
    with progress(fit.scenario.name, replications) as advance:
        for replication, frame in _replications(plan, replications, workers):
            found[replication] = frame
            advance()
    return [found[n] for n in range(replications)]


@dataclass(frozen=True)
class _Plan:
    """What every replication is made from."""

    fit: Fit
    network: Network
    engine: str
    seed: int


def simulated_visits(record: Record, resolution_ms: int) -> pd.DataFrame:
    """What a replication made of the contacts, as a visits frame."""
    contacts = View(record).contacts
    asked = contacts.asked
    waits = (contacts.wait[asked] + resolution_ms // 2) // resolution_ms * resolution_ms
    kinds = np.array(record.names.kinds, dtype=object)[contacts.kind[asked]]
    return pd.DataFrame(
        {"kind": kinds, "arrived_ms": contacts.arrived[asked], "wait_ms": waits, "answered": ~contacts.left[asked]}
    )


def _one(plan: _Plan, replication: int) -> pd.DataFrame:
    record = replicate(
        plan.network,
        plan.seed,
        replication,
        engine=plan.engine,
        given=arrivals_of(plan.fit, plan.network, plan.seed, replication),
        presence=presence_of(plan.fit, plan.network, plan.seed, replication),
    )
    assert_conserved(record)
    # The unit of the log's waits: 1000 for a log in whole seconds.
    return simulated_visits(record, int(np.gcd.reduce(plan.fit.log.contacts["wait_ms"].to_numpy())) or 1000)


_plan: _Plan | None = None


def _prepare(plan: _Plan) -> None:
    global _plan
    os.nice(5)
    _plan = plan


def _job(replication: int) -> pd.DataFrame:
    assert _plan is not None
    return _one(_plan, replication)


def _replications(plan: _Plan, replications: int, workers: int) -> Iterator[tuple[int, pd.DataFrame]]:
    """Replications as they finish."""
    workers = min(workers, replications)
    if workers <= 1:
        for replication in range(replications):
            yield replication, _one(plan, replication)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (plan,))
    try:
        number: dict[Future[pd.DataFrame], int] = {pool.submit(_job, n): n for n in range(replications)}
        waiting = set(number)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from ((number[future], future.result()) for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


# ── the comparison ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Scope:
    """The weekdays and hours (ms of the day) whose contacts count."""

    weekdays: tuple[int, ...]
    hours: tuple[int, int]

    def of(self, frame: pd.DataFrame, log: ContactLog) -> pd.DataFrame:
        weekday = (log.first_day.weekday() + frame["arrived_ms"] // DAY_MS) % 7
        clock = frame["arrived_ms"] % DAY_MS
        return frame[weekday.isin(self.weekdays) & (clock >= self.hours[0]) & (clock < self.hours[1])]

    @property
    def everything(self) -> bool:
        return len(self.weekdays) == 7 and self.hours == (0, DAY_MS)

    @property
    def text(self) -> str:
        if self.everything:
            return "the whole log"
        start, end = (f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}" for ms in self.hours)
        return f"{', '.join(WEEKDAYS[day] for day in self.weekdays)}, {start} to {end} (the mapping's ordinary days)"


def _ordinary(mapping: Mapping) -> _Scope:
    """The opening hours that most weekdays have (of equals, the longest), and those weekdays."""
    hours = mapping.opening_ms
    groups = {span: tuple(day for day in hours if hours[day] == span) for span in hours.values()}
    span = max(groups, key=lambda span: (len(groups[span]), span[1] - span[0]))
    return _Scope(groups[span], span)


def compared(fit: Fit, mapping: Mapping, simulated: list[pd.DataFrame], confidence: float = CONFIDENCE) -> Comparison:
    """The log beside the visits frames of its replications."""
    log, actual, within_s = fit.log, visits(fit.log), fit.scenario.definitions.service_level_within_s
    scope = _ordinary(mapping)
    if scope.of(actual, log).empty:
        scope = _Scope(tuple(range(7)), (0, DAY_MS))
    counted, frames = scope.of(actual, log), [scope.of(frame, log) for frame in simulated]

    def beside(recorded: pd.DataFrame, runs: list[pd.DataFrame], by: Sequence[str]) -> pd.DataFrame:
        sides = [figures(frame, within_s=within_s, by=by) for frame in (recorded, *runs)]
        return side_by_side(sides[0], sides[1:], confidence=confidence)

    table = beside(counted, frames, SHOWN)
    if not scope.everything:
        table = pd.concat([table, beside(actual, simulated, ["all"]).assign(by=WHOLE_LOG)], ignore_index=True)
    table["measure"] = table["measure"].replace(NAMES)
    rows = tuple(_row(row, len(simulated)) for row in table.to_dict("records"))
    return Comparison(
        log=log,
        scope=scope.text,
        replications=len(simulated),
        confidence=confidence,
        rows=rows,
        distances=_distances(rows, counted, frames),
        notes=(
            f"answered in time means within {within_s:g} s, of all offered",
            *fit.notes,
            *_set_aside_note(log, scope, within_s),
        ),
    )


def _row(row: dict[str, Any], replications: int) -> Row:
    def known(value: Any) -> float | None:
        return float(value) if value is not None and np.isfinite(value) else None

    measure = str(row["measure"])
    low, high = known(row["low"]), known(row["high"])
    if measure.endswith("_share"):
        low, high = None if low is None else max(low, 0.0), None if high is None else min(high, 1.0)
    elif low is not None:
        low = max(low, 0.0)
    unit = "share" if measure.endswith("_share") else "s" if measure.endswith("_s") else "1"
    simulated = Estimate(float(row["simulated"]), low, high, unit, replications)
    inside = None if pd.isna(row["inside"]) else bool(row["inside"])
    return Row(measure, str(row["by"]), str(row["key"]), known(row["actual"]), simulated, inside)


def _distances(rows: tuple[Row, ...], actual: pd.DataFrame, simulated: list[pd.DataFrame]) -> dict[str, float | None]:
    """How far simulated and recorded figures are apart; signed ones are simulated less recorded.

    ``wait_mean_relative_error``; ``*_difference`` of the shares; ``wait_wasserstein_s``: mean distance between the
    waits' quantiles, mean over replications; ``half_hour_*_distance``: root mean square difference over the half-hours
    of the day, weighted by their contacts; ``half_hours_*_inside_share``: of the half-hours, those whose recorded
    figure lies inside the interval (missing with one replication).
    """
    overall = {row.measure: row for row in rows if row.by == "all"}
    found: dict[str, float | None] = {}
    mean = overall["wait_mean_s"]
    found["wait_mean_relative_error"] = mean.simulated.mean / mean.actual - 1 if mean.actual else None
    shares = ("abandoned_share", "service_level_share", "wait_positive_share")
    for name in shares:
        was = overall[name].actual
        found[f"{name}_difference"] = None if was is None else overall[name].simulated.mean - was
    grid = (np.arange(10_000) + 0.5) / 10_000
    recorded = np.quantile(actual["wait_ms"], grid, method="inverted_cdf")
    asked = [frame["wait_ms"] for frame in simulated if len(frame)]
    apart = [np.abs(np.quantile(waits, grid, method="inverted_cdf") - recorded).mean() for waits in asked]
    found["wait_wasserstein_s"] = float(np.mean(apart)) / 1000 if apart else None
    half_hours = [row for row in rows if row.by == "half_hour"]
    weight = {row.key: row.actual or 0.0 for row in half_hours if row.measure == "offered"}
    for name in ("wait_mean_s", *shares):
        pairs = [
            (weight[row.key], row.simulated.mean - row.actual)
            for row in half_hours
            if row.measure == name and row.actual is not None and np.isfinite(row.simulated.mean)
        ]
        total = sum(w for w, _ in pairs)
        found[f"half_hour_{name}_distance"] = (
            float(sum(w * gap**2 for w, gap in pairs) / total) ** 0.5 if total else None
        )
    for short, name in (("wait", "wait_mean_s"), ("abandoned", "abandoned_share")):
        judged = [row.inside for row in half_hours if row.measure == name and row.inside is not None]
        found[f"half_hours_{short}_inside_share"] = sum(judged) / len(judged) if judged else None
    return found


def _set_aside_note(log: ContactLog, scope: _Scope, within_s: float) -> list[str]:
    """The recorded figures with the rows that took place but make no sense, or were started by servers."""
    everybody = visits(log, also_counted=TOOK_PLACE)
    extra = len(everybody) - len(log.contacts)
    if not extra:
        return []
    said = figures(scope.of(everybody, log), within_s=within_s, by=["all"]).set_index("measure")["value"]
    return [
        f"{extra:,} of the rows set aside were calls that took place; counted with them, the log has "
        f"{said['offered']:,.0f} offered, {said['abandoned_share'] * 100:.1f} % abandoned, mean wait "
        f"{said['wait_mean_s']:.1f} s, {said['service_level_share'] * 100:.1f} % answered within {within_s:g} s, "
        f"{said['waited_share'] * 100:.1f} % had to wait"
    ]
