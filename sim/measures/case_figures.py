"""Figures of cases: asks, resolution at first contact, closing on the user's clock, call-backs."""

from __future__ import annotations

import numpy as np

from sim.measures.breakdown import Breakdown
from sim.measures.day_formulas import quotient, total
from sim.measures.measure import ARRIVAL, HOUR, Measure
from sim.measures.view import View
from sim.service.tables import Float64


def _cases(v: View, by: Breakdown) -> Float64:
    return v.cases_by(by).count(np.ones(v.cases.case.size, dtype=np.bool_))


def _closed_within(v: View, by: Breakdown) -> Float64:
    c, within = v.cases, v.record.settings.closed_within_ms
    old_enough = v.record.until_ms - c.arrived >= within
    return v.cases_by(by).share(c.closed & (c.last_ended - c.arrived <= within), old_enough)


def _reopened(v: View, by: Breakdown) -> Float64:
    return v.cases_by(by).share(v.cases.reopened, v.cases.first_closed)


CASES = [
    Measure(
        "cases",
        "1",
        "Cases that began after the warm-up. A case is the contacts that share a case number, of kinds marked as "
        "cases (of all kinds of contact where none is marked); it belongs to the time and kind of its first contact.",
        ARRIVAL,
        _cases,
        total("cases"),
    ),
    Measure(
        "asks_per_case",
        "1",
        "Contacts per case.",
        ARRIVAL,
        lambda v, by: v.cases_by(by).mean(v.cases.contacts, v.cases.contacts > 0),
        quotient("asks", "cases"),
        better="less",
    ),
    Measure(
        "resolved_first_contact_share",
        "share",
        "Cases whose first contact ended solved or contained and that had no other contact within "
        "first_contact_window_days of the first one's arrival, over cases whose first contact has ended. A case "
        "whose window reaches past the end of the run counts as what is known by then, so the share is an upper "
        "bound.",
        ARRIVAL,
        lambda v, by: v.cases_by(by).share(v.cases.resolved_first, v.cases.first_closed),
        quotient("cases_resolved_first", "cases_first_closed"),
        better="more",
    ),
    Measure(
        "resolved_first_contact_window_over_share",
        "share",
        "resolved_first_contact_share over those cases only whose window ended before the run did.",
        ARRIVAL,
        lambda v, by: v.cases_by(by).share(v.cases.resolved_first, v.cases.first_closed & v.cases.window_over),
        better="more",
    ),
    Measure(
        "closed_within_24h_share",
        "share",
        "Cases closed within closed_within_h (24 unless the scenario says otherwise) on the user's clock, from the "
        "first contact's arrival to the last contact's end, over cases at least that old at the end of the run. A "
        "case with an open contact, or whose contacts were all given up or turned away, is not closed.",
        ARRIVAL,
        _closed_within,
        quotient("cases_closed_in_time", "cases_day_old"),
        better="more",
    ),
    Measure(
        "case_time_mean_h",
        "h",
        "Mean time from the first contact's arrival to the last contact's end, over closed cases.",
        ARRIVAL,
        lambda v, by: v.cases_by(by).mean(v.cases.last_ended - v.cases.arrived, v.cases.closed) / HOUR,
        better="less",
    ),
    Measure(
        "reopened_share",
        "share",
        "Cases with a contact that came after an earlier one had ended solved or contained, over cases whose first "
        "contact has ended.",
        ARRIVAL,
        _reopened,
        better="less",
    ),
    Measure(
        "called_back_share",
        "share",
        "Closed cases with a call-back that has ended, over closed cases.",
        ARRIVAL,
        lambda v, by: v.cases_by(by).share(v.cases.called_back, v.cases.closed),
    ),
]
