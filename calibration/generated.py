"""A log whose truth is known: a small centre's week, with wrong rows put in on purpose.

It ships as ``calibration/examples/generated.tsv.gz``, so that everything that reads logs runs without anybody's
data. The columns' names are those of the mapping that it is written through. To write it again::

    python -c "from calibration.generated import write_example; write_example()"
"""

from __future__ import annotations

import datetime as dt
import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np

from calibration.logs import NONE
from calibration.mapping import DAY_MS, MINUTE_MS, Mapping, load_mapping
from calibration.queue_by_hand import Caller, Visit, Window, serve

HERE = Path(__file__).parent
EXAMPLE_MAPPING = HERE / "mappings" / "generated.yaml"
EXAMPLE_LOG = HERE / "examples" / "generated.tsv.gz"
SEED = 20240304

FIRST_DAY = dt.date(2024, 3, 4)  # a Monday
DAYS = 8
SERVICE_MEAN_S = (200.0, 150.0, 320.0)  # of the mapping's first three kinds
SERVICE_LOG_DEVIATION = 0.9
PATIENCE_MEAN_S = (420.0, 180.0, 600.0)
KIND_SHARES = (0.65, 0.25, 0.10)
AFTER_CALL_MEAN_S = 12.0
HIGH_SHARE, HEAD_START_S = 0.25, 90.0
LEAVE_IN_MENU_SHARE = 0.04
OWN_WORK_SHARE, OWN_WORK_MEAN_S, OWN_WORK_KIND = 0.03, 90.0, "call_back"
CALLS_PER_HOUR = dict(enumerate((38, 58, 62, 48, 42, 46, 50, 52, 46, 40, 38, 36, 28, 20, 16), start=9))
CALLS_PER_HOUR_SATURDAY = {10: 20, 11: 24, 12: 22, 13: 18, 14: 16, 15: 14}
SHIFTS_H = ((9.0, 16.5), (9.0, 17.0), (9.5, 17.0), (11.0, 19.0), (12.0, 20.0), (16.0, 24.0), (16.5, 24.0), (17.0, 24.0))
SHIFTS_SATURDAY_H = ((10.0, 16.0), (10.0, 16.0), (10.5, 16.0))
WRONG_ROWS_EACH = 6


@dataclass(frozen=True)
class GeneratedLog:
    """A log's text and what is true about it.

    Attributes
    ----------
    text : str
        The file's content: a header and the rows.
    windows : tuple of Window
        Who was present when.
    callers : tuple of Caller
        Who asked for a server, with the patience and the work that the log does not show.
    rows_set_aside : dict of str to int
        What a reader has to find wrong, by reason.
    """

    text: str
    windows: tuple[Window, ...]
    callers: tuple[Caller, ...]
    rows_set_aside: dict[str, int]


def generate(mapping: Mapping, seed: int = SEED) -> GeneratedLog:
    """Make a week; the same mapping and seed give the same text."""
    # Uniforms only, and everything else by inverse transform: NumPy promises the stream of these, not of its
    # exponentials.
    uniform = np.random.Generator(np.random.PCG64(seed)).random
    windows = _windows(uniform)
    callers = _callers(mapping, uniform)
    visits = serve(callers, windows)
    rows = [_row(mapping, callers, visit) for visit in visits]
    own = sum(visit.caller == NONE for visit in visits)
    menu = [_left_in_menu(mapping, callers[n]) for n in range(len(callers)) if uniform() < LEAVE_IN_MENU_SHARE]
    rows += menu
    rows.sort(key=lambda row: (row[mapping.arrived.date or ""], row[mapping.arrived.time], row[mapping.served.by]))
    lines = ["\t".join(mapping.columns)]
    for number, row in enumerate(rows):
        lines.append("\t".join({**row, mapping.contact: f"T{number:05d}"}[name] for name in mapping.columns))
    wrong = _wrong_rows(mapping, rows)
    counts = {reason: len(some) for reason, some in wrong.items()}
    every = len(lines) // (sum(counts.values()) + 1)
    for n, line in enumerate(line for some in wrong.values() for line in some):
        lines.insert((n + 1) * every + n, line)
    counts.update({"left before queueing": len(menu), "kind not kept": own})
    return GeneratedLog("\n".join(lines) + "\n", windows, callers, counts)


def write_log(generated: GeneratedLog, path: Path) -> None:
    """Write a generated log, compressed; the same text gives the same bytes on one machine."""
    path.write_bytes(gzip.compress(generated.text.encode(), mtime=0))


def write_example() -> None:
    """Write the log that ships with the project."""
    write_log(generate(load_mapping(EXAMPLE_MAPPING)), EXAMPLE_LOG)


def _windows(uniform: Callable[[], float]) -> tuple[Window, ...]:
    """Shifts with one break each, some minutes early or late."""
    found = []
    for day in range(DAYS):
        weekday = (FIRST_DAY.weekday() + day) % 7
        shifts = {5: SHIFTS_SATURDAY_H, 6: ()}.get(weekday, SHIFTS_H)
        for n, (starts, ends) in enumerate(shifts):
            from_ms = int(day * DAY_MS + starts * 3_600_000 + (uniform() - 0.5) * 10 * MINUTE_MS)
            until_ms = int(day * DAY_MS + ends * 3_600_000 + (uniform() - 0.5) * 10 * MINUTE_MS)
            pause = int(from_ms + (0.4 + 0.2 * uniform()) * (until_ms - from_ms))
            length = int((30 + 20 * uniform()) * MINUTE_MS)
            server = f"A{(n + 3 * day) % 10:02d}"
            found += [Window(server, from_ms, pause), Window(server, pause + length, until_ms)]
    return tuple(found)


def _callers(mapping: Mapping, uniform: Callable[[], float]) -> tuple[Caller, ...]:
    def exponential_ms(mean_s: float) -> int:
        return round(-math.log1p(-uniform()) * mean_s * 1000)

    def service_ms(mean_s: float) -> int:
        normal = NormalDist().inv_cdf(min(max(uniform(), 1e-12), 1 - 1e-12))
        return round(mean_s * 1000 * math.exp(SERVICE_LOG_DEVIATION * normal - SERVICE_LOG_DEVIATION**2 / 2))

    found = []
    for day in range(DAYS):
        weekday = (FIRST_DAY.weekday() + day) % 7
        for hour, rate in {5: CALLS_PER_HOUR_SATURDAY, 6: {}}.get(weekday, CALLS_PER_HOUR).items():
            at = float(day * DAY_MS + hour * 3_600_000)
            end = at + 3_600_000
            while (at := at + exponential_ms(3600.0 / rate)) < end:
                kind = int(np.searchsorted(np.cumsum(KIND_SHARES), uniform(), side="right").clip(max=2))
                caller = Caller(
                    arrived_ms=int(at),
                    kind=mapping.kind.keep[kind],
                    service_ms=min(service_ms(SERVICE_MEAN_S[kind]), 3 * 3_600_000),
                    patience_ms=exponential_ms(PATIENCE_MEAN_S[kind]),
                    head_start_ms=int(HEAD_START_S * 1000) if uniform() < HIGH_SHARE else 0,
                    after_ms=exponential_ms(AFTER_CALL_MEAN_S),
                    own_work_ms=exponential_ms(OWN_WORK_MEAN_S) if uniform() < OWN_WORK_SHARE else 0,
                )
                found.append(caller)
    return tuple(found)


def _clock(mapping: Mapping, time_ms: int) -> str:
    if time_ms == NONE:
        return mapping.queued.none
    return _moment(time_ms).strftime(mapping.arrived.clock_format)


def _moment(time_ms: int) -> dt.datetime:
    return dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(seconds=time_ms // 1000)


def _row(mapping: Mapping, callers: tuple[Caller, ...], visit: Visit) -> dict[str, str]:
    """One visit as the log's cells; who did not wait has no times of waiting."""
    caller = callers[visit.caller] if visit.caller != NONE else None
    arrived = caller.arrived_ms if caller else visit.served_from_ms
    waited = caller is not None and visit.queued_until_ms > arrived
    answered = visit.served_from_ms != NONE
    high = caller is not None and caller.head_start_ms > 0
    return {
        **_arrival(mapping, arrived),
        mapping.kind.column: caller.kind if caller else OWN_WORK_KIND,
        mapping.queued.from_: _clock(mapping, arrived if waited else NONE),
        mapping.queued.until: _clock(mapping, visit.queued_until_ms if waited else NONE),
        mapping.served.from_: _clock(mapping, visit.served_from_ms),
        mapping.served.until: _clock(mapping, visit.served_until_ms),
        mapping.served.by: visit.server if answered else mapping.served.nobody,
        mapping.outcome.column: (mapping.outcome.answered if answered else mapping.outcome.abandoned)[0],
        **({mapping.priority.column: mapping.priority.high[0] if high else "basic"} if mapping.priority else {}),
    }


def _arrival(mapping: Mapping, time_ms: int) -> dict[str, str]:
    assert mapping.arrived.date is not None, "a generated log has a date column"
    moment = _moment(time_ms)
    date = moment.strftime(mapping.arrived.date_format)
    return {mapping.arrived.date: date, mapping.arrived.time: moment.strftime(mapping.arrived.clock_format)}


def _left_in_menu(mapping: Mapping, caller: Caller) -> dict[str, str]:
    """Somebody like this caller, a while later, who hung up before asking for a server."""
    nowhere = Visit(caller=0, queued_until_ms=NONE, served_from_ms=NONE, served_until_ms=NONE, server="")
    return {**_row(mapping, (caller,), nowhere), **_arrival(mapping, caller.arrived_ms + 20_000)}


def _wrong_rows(mapping: Mapping, rows: list[dict[str, str]]) -> dict[str, list[str]]:
    """Spoil copies of good rows, each in one way; the reader has to give that reason and no other."""
    assert mapping.arrived.date is not None
    none = mapping.queued.none
    kept = [row for row in rows if row[mapping.kind.column] in mapping.kind.keep]
    good = [row for row in kept if none not in (row[mapping.queued.from_], row[mapping.served.from_])]
    good = [row for row in good if "10:" <= row[mapping.arrived.time] <= "17:"][:: max(1, len(good) // 200)]

    def later(row: dict[str, str], column: str, minutes: float) -> str:
        form = mapping.arrived.clock_format
        return (dt.datetime.strptime(row[column], form) + dt.timedelta(minutes=minutes)).strftime(form)

    date, time = mapping.arrived.date, mapping.arrived.time
    queued, served, outcome = mapping.queued, mapping.served, mapping.outcome
    spoil: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
        "outcome to ignore": lambda row: {outcome.column: outcome.ignore[0]},
        "outcome not in the mapping": lambda row: {outcome.column: "???"},
        "time unreadable": lambda row: {time: "25:61:00"},
        "date far from the others": lambda row: {date: dt.date(1970, 1, 1).strftime(mapping.arrived.date_format)},
        "incomplete times": lambda row: {served.until: ""},
        "negative duration": lambda row: {queued.until: later(row, queued.from_, -0.5)},
        "absurd duration": lambda row: {served.until: later(row, served.from_, 6 * 60)},
        "clocks disagree": lambda row: {
            served.from_: later(row, served.from_, 5),
            served.until: later(row, served.until, 5),
        },
        "answered by nobody": lambda row: {served.by: served.nobody},
        "answered without a service time": lambda row: {served.from_: none, served.until: none},
    }
    wrong: dict[str, list[str]] = {}
    source = iter(good)
    for reason, change in spoil.items():
        some = [next(source) for _ in range(WRONG_ROWS_EACH)]
        spoiled = [{**row, **change(row), mapping.contact: "wrong"} for row in some]
        wrong[reason] = ["\t".join(row[name] for name in mapping.columns) for row in spoiled]
    short = [next(source) for _ in range(WRONG_ROWS_EACH)]
    wrong["wrong number of fields"] = ["\t".join(list(row.values())[:3]) for row in short]
    return wrong
