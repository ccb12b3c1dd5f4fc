"""Arrivals and staff that change over the day: the engine against the forward equations, interval by interval."""

from collections.abc import Callable

import numpy as np
import pytest
from engine_runs import Runs, all_visits, every_engine, many_runs, runs, waits_ms

from sim.library import load
from sim.service.record import Record
from sim.service.tables import VisitEnd
from sim.theory import TimeVaryingQueue, time_varying_queue

pytestmark = [pytest.mark.theory, every_engine]

HOUR = 3_600_000
SHIFTS = [(3, 0, 24), (5, 7, 15), (8, 9, 21), (3, 15, 23)]
TOGETHER = 24 * 5
"""Five figures of 24 hours are to hold all at once."""


def forward_equations() -> TimeVaryingQueue:
    hours = load("time_varying").scenario.profiles["day"].hours
    servers = [sum(n for n, start, end in SHIFTS if start <= hour < end) for hour in range(24)]
    leaving = [sum(n for n, _, end in SHIFTS if end == hour) for hour in range(24)]
    return time_varying_queue([calls / 3600 for calls in hours], servers, 240, 180, 3600, leaving_servers=leaving)


def by_hour(found: Runs, figure: Callable[[Record, int, int], float]) -> list[np.ndarray]:
    """One array over replications per hour; the figure gets the hour's first and last millisecond."""
    return [found.each(lambda r, h=hour: figure(r, h * HOUR, (h + 1) * HOUR)) for hour in range(24)]  # type: ignore[misc]


def mean_number(record: Record, start: int, end: int, begins: str, ends: str | None = None) -> float:
    visits = all_visits(record)
    first = getattr(visits, begins)
    last = visits.ended if ends is None else np.where(visits.granted >= 0, visits.granted, visits.ended)
    last = np.where(last >= 0, last, record.until_ms)
    inside = np.minimum(last, end) - np.maximum(first, start)
    return float(inside[(first >= 0) & (inside > 0)].sum()) / (end - start)


def queue_mean(record: Record, start: int, end: int) -> float:
    return mean_number(record, start, end, "requested", "granted")


def busy_mean(record: Record, start: int, end: int) -> float:
    return mean_number(record, start, end, "granted")


def offered(record: Record, start: int, end: int) -> float:
    return float(((record.arrivals.t >= start) & (record.arrivals.t < end)).sum())


def abandoned(record: Record, start: int, end: int) -> float:
    visits = record.trace.visits
    return float(((visits.end == VisitEnd.ABANDONED) & (visits.ended >= start) & (visits.ended < end)).sum())


def found_all_busy(record: Record, start: int, end: int) -> float:
    visits = all_visits(record)
    asked = (visits.requested >= start) & (visits.requested < end)
    return float((waits_ms(record, visits)[asked] > 0).sum())


def test_every_hour_agrees_with_the_forward_equations(engine: str) -> None:
    formula = forward_equations()
    found = many_runs("time_varying", (), 60, engine)
    calls, queue, busy, left, waited = (
        by_hour(found, figure) for figure in (offered, queue_mean, busy_mean, abandoned, found_all_busy)
    )
    surplus = np.column_stack([calls[h] - formula.intervals[h].offered for h in range(24)])
    for hour, interval in enumerate(formula.intervals):
        known = surplus[:, max(hour - 1, 0) : hour + 1]
        found.assert_agrees(calls[hour], interval.offered, together=TOGETHER)
        found.assert_agrees(busy[hour], interval.busy_mean, 0.5, known, together=TOGETHER)
        # In quiet hours too few wait for Student's interval to mean anything.
        if waited[hour].mean() >= 8:
            found.assert_agrees(queue[hour], interval.queue_mean, 0.8, known, together=TOGETHER)
            found.assert_agrees(left[hour], interval.abandoned, 0.8, known, together=TOGETHER)
            found.assert_agrees(
                waited[hour], interval.wait_probability * interval.offered, 0.5, known, together=TOGETHER
            )

    # The hour before the day shift comes, by itself.
    peak, known = formula.intervals[8], surplus[:, 7:9]
    found.assert_agrees(queue[8], peak.queue_mean, 0.16, known)
    found.assert_agrees(left[8], peak.abandoned, 0.16, known)
    found.assert_agrees(waited[8], peak.wait_probability * peak.offered, 0.08, known)


def test_who_leaves_at_the_end_of_a_shift_finishes_and_takes_nothing_more(engine: str) -> None:
    for record in runs("time_varying", (), 5, engine).records:
        assert (record.server_time.overtime[3:] > 0).any()
        visits = record.trace.visits
        served = visits.granted >= 0
        for server, start, end in zip(
            record.windows.server.tolist(), record.windows.enter.tolist(), record.windows.leave.tolist(), strict=True
        ):
            own = served & (visits.server == server)
            assert ((visits.granted[own] >= start) & (visits.granted[own] < end)).all()
