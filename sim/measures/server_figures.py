"""Figures of servers, averaged over time: occupancy, utilisation, overtime, queue, service times, batches."""

from __future__ import annotations

from sim.measures.breakdown import WHOLE, Breakdown, ratio
from sim.measures.measure import ARRIVAL, HOUR, SECOND, SERVERS, TIMES, Measure
from sim.measures.view import View
from sim.service.tables import Float64, VisitEnd


def _run(v: View, by: Breakdown) -> Float64:
    return v.run_span.time(by if by.by_time else WHOLE)


def _occupancy(v: View, by: Breakdown) -> Float64:
    return ratio(v.busy_time(by), v.presence(by) + v.overtime(by))


def _utilisation(v: View, by: Breakdown) -> Float64:
    return ratio(v.slot_time(by), v.presence(by, slots=True) + v.overtime(by, slots=True))


def _service_time(v: View, by: Breakdown) -> Float64:
    served = (v.visits.end == VisitEnd.SERVED) & (v.contact_of_visit >= 0)
    return v.visits_by(by).mean(v.visits.ended - v.visits.granted, served) / SECOND


def _batch_size(v: View, by: Breakdown) -> Float64:
    counted = v.visits.requested >= v.record.from_ms
    led = (v.visits.end == VisitEnd.SERVED) & counted
    rode = (v.visits.end == VisitEnd.RODE_ALONG) & counted
    return ratio(v.visits_by(by).count(led | rode), v.visits_by(by).count(led))


ON_DUTY = TIMES | SERVERS

SERVER_TIME = [
    Measure(
        "occupancy_share",
        "share",
        "Time in which servers held at least one item, over their scheduled presence plus overtime, after the "
        "warm-up, summed over servers.",
        ON_DUTY,
        _occupancy,
    ),
    Measure(
        "utilisation_share",
        "share",
        "Slots held, integrated over time, over slots × (scheduled presence + overtime), summed over servers. With "
        "one slot each it equals the occupancy. One answer to a batch holds one slot.",
        ON_DUTY,
        _utilisation,
    ),
    Measure("presence_h", "h", "Scheduled presence of all servers.", ON_DUTY, lambda v, by: v.presence(by) / HOUR),
    Measure(
        "busy_h",
        "h",
        "Time in which servers held at least one item, summed over servers.",
        ON_DUTY,
        lambda v, by: v.busy_time(by) / HOUR,
    ),
    Measure(
        "overtime_h",
        "h",
        "Time in which servers held an item after the end of their scheduled presence, summed over servers.",
        ON_DUTY,
        lambda v, by: v.overtime(by) / HOUR,
        better="less",
    ),
    Measure(
        "queue_mean",
        "1",
        "Number of requests that wait for a server, averaged over time (by station: the one first asked).",
        TIMES | {"station", "level"},
        lambda v, by: ratio(v.waiting.time(by), _run(v, by)),
        better="less",
    ),
    Measure(
        "number_in_system_mean",
        "1",
        "Number of contacts in the system, waiting, served or otherwise under way, averaged over time.",
        ARRIVAL,
        lambda v, by: ratio(v.in_system.time(by), _run(v, by)),
        better="less",
    ),
    Measure(
        "service_time_mean_s",
        "s",
        "Mean time from grant to release of contacts' ended visits, one for each batch.",
        TIMES | SERVERS | {"station", "level"},
        _service_time,
    ),
    Measure(
        "batch_size_mean",
        "1",
        "Items served per service: ended visits, those that rode along included, over ended visits that did not "
        "ride along.",
        TIMES | SERVERS | {"station", "level"},
        _batch_size,
    ),
]
