"""Figures of all items: how many of what, rounds, service clocks, backlog and number in the system."""

from __future__ import annotations

import numpy as np

from sim.measures.breakdown import Breakdown
from sim.measures.contacts import counts_as
from sim.measures.measure import ARRIVAL, HOUR, MINUTE, TOPIC, Formula, Measure
from sim.measures.view import View
from sim.service.tables import ClockEnd, Float64, Outcome


def _counting_as(what: str) -> Formula:
    return lambda v, by: v.items_by(by).count(v.items_counted & counts_as(v.record, what, v.items.kind))


def _clocks_kept(v: View, by: Breakdown) -> Float64:
    clocks = v.clocks
    outcome = v.items.outcome[v.clock_item] if v.items.item.size else np.zeros(clocks.item.size, dtype=np.int8)
    served = (outcome != Outcome.ABANDONED) & (outcome != Outcome.BLOCKED)
    kept = (clocks.end == ClockEnd.KEPT) | ((clocks.end == ClockEnd.ITEM_ENDED) & served)
    decided = (kept | (clocks.end == ClockEnd.EXPIRED)) & (clocks.started >= v.record.from_ms)
    return v.clocks_by(by).share(kept, decided)


def _clocks_expired(v: View, by: Breakdown) -> Float64:
    counted = v.clocks.started >= v.record.from_ms
    return v.clocks_by(by).count((v.clocks.end == ClockEnd.EXPIRED) & counted)


def _backlog(v: View, by: Breakdown) -> Float64:
    arrived, ended = v.items.arrived[v.contact_items], v.items.ended[v.contact_items]
    if not by.by_time:
        return v.items_by(by).count(v.contact_items & (v.items.ended < 0))
    at = by.edges(v.record.from_ms, v.record.until_ms)[1:]
    come = np.searchsorted(np.sort(arrived), at)
    return (come - np.searchsorted(np.sort(ended[ended >= 0]), at)).astype(np.float64)


ITEMS = [
    Measure(
        "items",
        "1",
        "All items that arrived after the warm-up: contacts, consultations, call-backs and whatever else moves.",
        ARRIVAL,
        lambda v, by: v.items_by(by).count(v.items_counted),
    ),
    *(
        Measure(name, "1", f"{text} that arrived after the warm-up.", ARRIVAL, _counting_as(what))
        for name, text, what in (
            ("consultations", "Consultations", "consultation"),
            ("call_backs", "Call-backs", "call_back"),
            ("goods", "Goods to hand out", "goods"),
            ("rounds", "Rounds to drive", "round"),
            ("tickets", "Parent tickets", "ticket"),
            ("tasks", "Tasks", "task"),
        )
    ),
    Measure(
        "round_length_mean_min",
        "min",
        "Mean time from the first grant of a server to the end of rounds that have ended.",
        ARRIVAL,
        lambda v, by: v.round_lengths(by).mean() / MINUTE,
        better="less",
    ),
    Measure(
        "round_length_p90_min",
        "min",
        "90th percentile of the time from the first grant of a server to the end of rounds that have ended.",
        ARRIVAL,
        lambda v, by: v.round_lengths(by).quantile(0.9) / MINUTE,
        better="less",
    ),
    Measure(
        "clock_kept_share",
        "share",
        "Service clocks stopped in time, over those and the ones that ran out. A clock that was running when its "
        "item ended counts as kept, and not at all when the item was given up or turned away; restarted and still "
        "running clocks do not count.",
        ARRIVAL | {"clock"},
        _clocks_kept,
        better="more",
    ),
    Measure(
        "clocks_expired",
        "1",
        "Service clocks started after the warm-up that ran out.",
        ARRIVAL | {"clock"},
        _clocks_expired,
        better="less",
    ),
    Measure(
        "backlog_end",
        "1",
        "Contacts in the system at the end of the run, those from before the warm-up's end included (by day, "
        "week or month: at the end of it).",
        TOPIC | {"day", "week", "month", "kind"},
        _backlog,
        better="less",
    ),
    Measure(
        "backlog_age_mean_h",
        "h",
        "Mean age, from arrival to the end of the run, of contacts in the system then.",
        TOPIC | {"kind"},
        lambda v, by: v.backlog_ages(by).mean() / HOUR,
        better="less",
    ),
    Measure(
        "backlog_age_median_h",
        "h",
        "Median age, from arrival to the end of the run, of contacts in the system then.",
        TOPIC | {"kind"},
        lambda v, by: v.backlog_ages(by).quantile(0.5) / HOUR,
        better="less",
    ),
]
