"""Which figures a terminal shows, and in which order: groups of a whole run, and those that fit a breakdown."""

from __future__ import annotations

from sim.measures.case_figures import CASES
from sim.measures.contact_figures import CONTACTS, FIRST_RESPONSE
from sim.measures.item_figures import ITEMS
from sim.measures.measure import Measure
from sim.measures.money_figures import MONEY
from sim.measures.server_figures import SERVER_TIME
from sim.measures.world_figures import ALARMS, DELIVERIES, PEOPLE, PROBLEMS, SATISFACTION, STAFF


def _names(*parts: list[Measure]) -> tuple[str, ...]:
    return tuple(measure.name for part in parts for measure in part)


GROUPS: dict[str, tuple[str, ...]] = {
    "Contacts": _names(CONTACTS),
    "First response": _names(FIRST_RESPONSE),
    "Cases": _names(CASES, SATISFACTION),
    "Problems and complaints": _names(PROBLEMS),
    "Deliveries": _names(DELIVERIES),
    "Users and orders": _names(PEOPLE),
    "Leaders, agents and others": _names(STAFF, SERVER_TIME),
    "Work that is no contact": _names(ITEMS),
    "Money": _names(MONEY),
    "Alarms": _names(ALARMS),
}
"""All figures, in the order in which people ask for them."""

MOST_COLUMNS = 6
"""Figures of a breakdown that a terminal has room for; ``--json`` has them all."""

_SERVICE = ("offered", "first_response_mean_min", "wait_mean_s", "abandoned_share", "service_level_share", "queue_mean")
_DAYS = (
    "orders",
    "first_response_mean_min",
    "satisfaction_true_mean",
    "complaints_per_order",
    "users_lost_per_month_share",
    "net_benefit_yuan",
    *_SERVICE,
)
_SERVERS = ("answered", "first_response_mean_min", "occupancy_share", "presence_h", "busy_h", "service_time_mean_s")

OF_BREAKDOWN: dict[str, tuple[str, ...]] = {
    "day": _DAYS,
    "week": _DAYS,
    "month": _DAYS,
    "weekday": _DAYS,
    "city": (
        "orders",
        "first_response_mean_min",
        "late_delivery_share",
        "satisfaction_true_mean",
        "users_lost_per_month_share",
        "net_benefit_yuan",
    ),
    "channel": (
        "contacts",
        "first_response_mean_min",
        "abandoned_share",
        "resolved_first_contact_share",
        "satisfaction_true_mean",
        "complaints_per_order",
    ),
    "cause": (
        "problems_per_order",
        "problems_silent_share",
        "contacts",
        "resolved_first_contact_share",
        "satisfaction_true_mean",
        "complaints_per_order",
    ),
    "kind": (
        "contacts",
        "first_response_mean_min",
        "abandoned_share",
        "solved_share",
        "items",
        "time_in_system_mean_min",
    ),
    "station": ("offered", "abandoned_share", "wait_mean_s", "wait_p90_s", "first_response_mean_min", "queue_mean"),
    "pool": _SERVERS,
    "group": _SERVERS,
    "server": _SERVERS,
    "clock": ("clock_kept_share", "clocks_expired"),
}
"""Figures by breakdown, the most important first; ``IN_GENERAL`` for all others. The first that exist are shown."""

IN_GENERAL = _SERVICE
