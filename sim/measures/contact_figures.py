"""Figures of contacts: offered, answered, abandoned, waits, service level, first response, transfers."""

from __future__ import annotations

import numpy as np

from sim.measures.breakdown import Breakdown, ratio
from sim.measures.day_formulas import quotient, total
from sim.measures.measure import ANSWERED, ARRIVAL, MINUTE, SECOND, WAITING, Measure
from sim.measures.view import View
from sim.service.tables import Float64, Outcome


def _contacts(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).count(np.ones(v.contacts.item.size, dtype=np.bool_))


def _offered(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).count(v.contacts.asked)


def _answered(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).count(v.contacts.granted >= 0)


def _abandoned(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).count(v.contacts.left)


def _waiting_at_end(v: View, by: Breakdown) -> Float64:
    c = v.contacts
    return v.contacts_by(by).count(c.asked & (c.granted < 0) & ~c.left)


def _wait_answered(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).mean(v.contacts.wait, v.contacts.granted >= 0) / SECOND


def _wait_positive(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).share(v.contacts.wait > 0, v.contacts.asked)


def _service_level(v: View, by: Breakdown, *, without_short_abandons: bool = False) -> Float64:
    c, settings = v.contacts, v.record.settings
    offered = c.asked
    if without_short_abandons:
        offered = offered & ~(c.left & (c.wait <= settings.short_abandon_ms))
    return v.contacts_by(by).share((c.granted >= 0) & (c.wait <= settings.service_level_within_ms), offered)


def _unanswered(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).share(v.contacts.answered_at < 0, v.contacts.asked)


def _contained_share(v: View, by: Breakdown) -> Float64:
    c = v.contacts
    return v.contacts_by(by).share(v.contained, c.asked | (c.ended >= 0))


def _outcome_share(v: View, by: Breakdown, outcome: Outcome) -> Float64:
    return v.contacts_by(by).share(v.contacts.outcome == outcome, v.contacts.ended >= 0)


def _transfers(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).mean(v.transfers, v.contacts.answered_at >= 0)


def _transferred(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).share(v.transfers > 0, v.contacts.answered_at >= 0)


def _retrials(v: View, by: Breakdown) -> Float64:
    return v.contacts_by(by).total(v.retrials, v.contacts.asked)


def _handle_time(v: View, by: Breakdown) -> Float64:
    c = v.contacts
    return v.contacts_by(by).mean(v.served_ms, (c.answered_at >= 0) & (c.ended >= 0)) / SECOND


CONTACTS = [
    Measure(
        "contacts",
        "1",
        "Contacts that arrived after the warm-up, whether they asked for a server or not.",
        ARRIVAL,
        _contacts,
        total("contacts"),
    ),
    Measure(
        "offered",
        "1",
        "Contacts that arrived after the warm-up and asked for a server at least once. Every wait and answer below "
        "is that of a contact's first request for a server.",
        WAITING,
        _offered,
        total("contacts_offered"),
    ),
    Measure("answered", "1", "Offered contacts whose first request was granted a server.", ANSWERED, _answered),
    Measure(
        "answered_share",
        "share",
        "Answered contacts over offered ones.",
        WAITING,
        lambda v, by: ratio(_answered(v, by), _offered(v, by)),
        better="more",
    ),
    Measure(
        "abandoned",
        "1",
        "Offered contacts that left during the wait of their first request.",
        WAITING,
        _abandoned,
        total("contacts_abandoned"),
        better="less",
    ),
    Measure(
        "abandoned_share",
        "share",
        "Contacts that left during the wait of their first request, over offered ones.",
        WAITING,
        lambda v, by: ratio(_abandoned(v, by), _offered(v, by)),
        quotient("contacts_abandoned", "contacts_offered"),
        better="less",
    ),
    Measure(
        "waiting_at_end",
        "1",
        "Offered contacts whose first request still waits when the run ends. Offered = answered + abandoned + these.",
        WAITING,
        _waiting_at_end,
        better="less",
    ),
    Measure(
        "wait_mean_s",
        "s",
        "Mean wait of offered contacts: from the first request to the grant, or to leaving. One who still waits at "
        "the end counts with the time waited so far.",
        WAITING,
        lambda v, by: v.waits(by).mean() / SECOND,
        quotient("wait_ms", "contacts_offered", factor=1 / SECOND),
        better="less",
    ),
    *(
        Measure(
            f"wait_{name}_s",
            "s",
            f"{text} of the waits of offered contacts, as in wait_mean_s, interpolated linearly between neighbours.",
            WAITING,
            lambda v, by, q=q: v.waits(by).quantile(q) / SECOND,  # type: ignore[misc]
            better="less",
        )
        for name, text, q in (
            ("median", "Median", 0.5),
            ("p90", "90th percentile", 0.9),
            ("p95", "95th percentile", 0.95),
        )
    ),
    Measure(
        "wait_answered_mean_s",
        "s",
        "Mean wait of answered contacts only, from the first request to the grant (average speed of answer).",
        WAITING,
        _wait_answered,
        better="less",
    ),
    Measure(
        "wait_positive_share",
        "share",
        "Offered contacts whose wait was longer than 0, over all offered ones.",
        WAITING,
        _wait_positive,
        better="less",
    ),
    Measure(
        "service_level_share",
        "share",
        "Offered contacts answered within T of their first request, over all offered ones. T is the scenario's "
        "service_level_within_s. Who left, and who still waits at the end, counts as not answered.",
        WAITING,
        _service_level,
        quotient("answered_in_time", "contacts_offered"),
        better="more",
    ),
    Measure(
        "service_level_excluding_short_abandons_share",
        "share",
        "Offered contacts answered within T, over offered ones without those that left within short_abandon_s of "
        "their first request.",
        WAITING,
        lambda v, by: _service_level(v, by, without_short_abandons=True),
        better="more",
    ),
    Measure(
        "unanswered_share",
        "share",
        "Offered contacts that no server has answered at any of their requests by the end of the run, over all "
        "offered ones.",
        WAITING,
        _unanswered,
        quotient(("contacts_offered", "-contacts_answered"), "contacts_offered"),
        better="less",
    ),
    Measure(
        "contained_share",
        "share",
        "Contacts that ended solved, unsolved or contained without ever asking for a server, over contacts that ended "
        "or asked. Turned away, given up or passed on to a call-back is not contained.",
        ARRIVAL,
        _contained_share,
        quotient("contacts_contained", "contacts_known"),
    ),
    Measure(
        "blocked_share",
        "share",
        "Contacts that were turned away (outcome blocked), over contacts that ended.",
        ARRIVAL,
        lambda v, by: _outcome_share(v, by, Outcome.BLOCKED),
        better="less",
    ),
    Measure(
        "ended_abandoned_share",
        "share",
        "Contacts that ended as abandoned, over contacts that ended: given up at whichever wait, silent abandonment "
        "included where the journey ends it so.",
        ARRIVAL,
        lambda v, by: _outcome_share(v, by, Outcome.ABANDONED),
        better="less",
    ),
    Measure(
        "closed",
        "1",
        "Contacts that arrived after the warm-up and ended solved, unsolved, contained or done.",
        ANSWERED,
        lambda v, by: v.contacts_by(by).count(v.closed),
    ),
    Measure(
        "solved",
        "1",
        "Contacts that arrived after the warm-up and ended solved, or contained by the bot.",
        ANSWERED,
        lambda v, by: v.contacts_by(by).count(v.resolved),
    ),
    Measure(
        "solved_share",
        "share",
        "Contacts that ended solved or contained, over closed ones.",
        ANSWERED,
        lambda v, by: v.contacts_by(by).share(v.resolved, v.closed),
        better="more",
    ),
    Measure(
        "transfers_per_contact",
        "1",
        "Hand-overs per contact that was granted a server. A hand-over is a granted request, after the first, to a "
        "server that has not served this contact before, asked for while the contact held no server: a consultation "
        "in which the first server stays is none, nor is a return to an earlier server.",
        ANSWERED,
        _transfers,
        better="less",
    ),
    Measure(
        "transferred_share",
        "share",
        "Contacts handed over at least once (as in transfers_per_contact), over contacts that were granted a server.",
        ANSWERED,
        _transferred,
        better="less",
    ),
    Measure(
        "retrials",
        "1",
        "Requests of contacts at a station whose queue the same contact had left before.",
        WAITING,
        _retrials,
        better="less",
    ),
    Measure(
        "handle_time_mean_s",
        "s",
        "Server time per handled contact: the time from grant to release of all its visits, over contacts that were "
        "granted a server and have ended. One answer to a batch counts for its lead only.",
        ANSWERED,
        _handle_time,
    ),
    Measure(
        "time_in_system_mean_min",
        "min",
        "Mean time from arrival to end of contacts that have ended.",
        ANSWERED,
        lambda v, by: v.times_in_system(by).mean() / MINUTE,
        better="less",
    ),
    Measure(
        "time_in_system_median_min",
        "min",
        "Median time from arrival to end of contacts that have ended.",
        ANSWERED,
        lambda v, by: v.times_in_system(by).quantile(0.5) / MINUTE,
        better="less",
    ),
    Measure(
        "time_in_system_p90_min",
        "min",
        "90th percentile of the time from arrival to end of contacts that have ended.",
        ANSWERED,
        lambda v, by: v.times_in_system(by).quantile(0.9) / MINUTE,
        better="less",
    ),
]

FIRST_RESPONSE = [
    Measure(
        "first_response_mean_min",
        "min",
        "Mean time from a contact's arrival to the first grant of a server at any of its requests, over contacts "
        "that got one. An answer that comes with a batch counts; a bot's message or an automatic acknowledgement "
        "does not. unanswered_share says how many are missing here.",
        ANSWERED,
        lambda v, by: v.first_responses(by).mean() / MINUTE,
        quotient("first_response_ms", "contacts_answered", factor=1 / MINUTE),
        better="less",
    ),
    Measure(
        "first_response_open_mean_min",
        "min",
        "first_response_mean_min on a clock that runs in the scenario's opening hours only.",
        ANSWERED,
        lambda v, by: v.first_responses_open(by).mean() / MINUTE,
        better="less",
    ),
    *(
        Measure(
            f"first_response_{clock}{name}_min",
            "min",
            f"{text} of the times of first_response_{clock}mean_min, interpolated linearly between neighbours.",
            ANSWERED,
            lambda v, by, q=q, clock=clock: (  # type: ignore[misc]
                (v.first_responses_open(by) if clock else v.first_responses(by)).quantile(q) / MINUTE
            ),
            better="less",
        )
        for clock in ("", "open_")
        for name, text, q in (
            ("median", "Median", 0.5),
            ("p90", "90th percentile", 0.9),
            ("p95", "95th percentile", 0.95),
        )
    ),
    Measure(
        "first_response_with_bot_mean_min",
        "min",
        "As first_response_mean_min, and contacts that the bot contained count too, with the time from their "
        "arrival to their end.",
        ARRIVAL,
        lambda v, by: v.first_responses_with_bot(by).mean() / MINUTE,
        quotient("first_response_with_bot_ms", ("contacts_answered", "contacts_contained"), factor=1 / MINUTE),
        better="less",
    ),
]
