"""Every sum that the world keeps by day, with its axes, unit and meaning: the raw material of its figures."""

from __future__ import annotations

from sim.service.day_records import Column

CITY = ("city",)
CITY_CAUSE = ("city", "cause")
ALL = ("city", "channel", "cause")

COLUMNS: dict[str, Column] = {
    # People and orders, by the day itself.
    "users": Column(CITY, "users", "users in the morning"),
    "users_lost": Column(CITY, "users", "users who left in the evening, for whatever reason"),
    "users_lost_without_problem": Column(CITY, "users", "of these, those whom no problem drove away"),
    "users_taken": Column(CITY, "users", "of these, those whom a leader took along"),
    "users_joined": Column(CITY, "users", "users who joined in the evening"),
    "orders_wanted": Column(CITY, "orders", "orders that users meant to place"),
    "orders": Column(CITY, "orders", "orders placed, delivered the next day"),
    "orders_lost_enquiries": Column(CITY, "orders", "orders lost because an enquiry was answered too late or never"),
    "posts": Column(CITY, "posts", "bad news told in a chat group"),
    "good_deeds": Column(CITY, "posts", "good news told in a chat group"),
    "scandals": Column((), "posts", "bad news that reached the whole platform"),
    # Deliveries, by the day on which the goods come.
    "orders_delivered": Column(CITY, "orders", "orders brought to the leaders"),
    "orders_late": Column(CITY, "orders", "of these, those that came after the due time"),
    "orders_announced_late": Column(CITY, "orders", "of the late ones, those announced before users asked"),
    "orders_warm": Column(CITY, "orders", "orders that were over-heated on the way"),
    "orders_short": Column(CITY, "orders", "orders with something missing or wrong"),
    "doors": Column(CITY, "orders", "orders that a leader brings to the door"),
    "rounds": Column(CITY, "rounds", "leaders' rounds to the doors"),
    "round_min": Column(CITY, "min", "total length of the leaders' rounds"),
    "vans": Column(CITY, "vans", "vans that drove"),
    "van_min": Column(CITY, "min", "time of vans on the road"),
    "van_km": Column(CITY, "km", "way of vans"),
    # Problems, by the day of the goods.
    "problems": Column(CITY_CAUSE, "problems", "problems with goods, voiced or not"),
    "problems_voiced": Column(CITY_CAUSE, "problems", "of these, those told to an agent or a leader"),
    "problems_refunded": Column(CITY_CAUSE, "problems", "of these, those refunded without anybody"),
    "claims_abused": Column(CITY_CAUSE, "problems", "claims without a problem"),
    # The service, by the day of a contact's arrival.
    "contacts": Column(ALL, "contacts", "contacts that arrived"),
    "contacts_offered": Column(ALL, "contacts", "of these, those that asked for a server"),
    "contacts_answered": Column(ALL, "contacts", "of these, those that were granted one at some visit"),
    "contacts_abandoned": Column(ALL, "contacts", "offered contacts that left the first wait"),
    "contacts_known": Column(ALL, "contacts", "contacts that asked for a server or ended without"),
    "contacts_contained": Column(ALL, "contacts", "contacts answered without asking for a server"),
    "first_response_ms": Column(ALL, "ms", "arrival to first grant, summed over the answered"),
    "first_response_with_bot_ms": Column(ALL, "ms", "the same with the bot's contained contacts (arrival to end)"),
    "wait_ms": Column(ALL, "ms", "wait at the first staffed visit, summed over the offered"),
    "answered_in_time": Column(ALL, "contacts", "offered contacts answered within the service level's time"),
    # Cases, by the day of their first contact.
    "cases": Column(ALL, "cases", "cases"),
    "cases_first_closed": Column(ALL, "cases", "of these, those whose first contact has ended"),
    "cases_resolved_first": Column(ALL, "cases", "cases resolved at first contact"),
    "asks": Column(ALL, "contacts", "contacts of cases"),
    "cases_day_old": Column(ALL, "cases", "cases old enough to be closed within the time set for it"),
    "cases_closed_in_time": Column(ALL, "cases", "of these, those closed within that time"),
    # Cases that closed for good, by the day on which they did.
    "cases_judged": Column(ALL, "cases", "cases closed for good"),
    "hops": Column(ALL, "hand-overs", "changes from one person to another in these cases"),
    "case_time_ms": Column(ALL, "ms", "first contact's arrival to the last one's end, summed over these cases"),
    "satisfaction_true": Column(ALL, "points", "true satisfaction 1–5, summed over these cases"),
    "ratings": Column(ALL, "ratings", "these cases that were rated"),
    "satisfaction_recorded": Column(ALL, "points", "recorded satisfaction 1–5, summed over the ratings"),
    "complaints": Column(ALL, "complaints", "complaints by place (as channel) and cause, 'passed around' among them"),
    "compensation_yuan": Column(ALL, "yuan", "paid to these cases: coupons, refunds, re-delivery"),
    # Leaders and agents.
    "leaders": Column(CITY, "leaders", "leaders with a shop in the morning"),
    "leaders_lost": Column(CITY, "leaders", "leaders who quit in the evening"),
    "leaders_replaced": Column(CITY, "leaders", "leaders who took over a community"),
    "agents": Column((), "agents", "agents on the payroll in the morning"),
    "agents_lost": Column((), "agents", "agents who left in the evening"),
    "agents_hired": Column((), "agents", "agents who began"),
    "agent_paid_h": Column((), "h", "paid hours of agents"),
    "training_h": Column((), "h", "hours of training"),
    # Money, yuan; what is spent for the whole platform is divided among cities by their users.
    "gmv_yuan": Column(CITY, "yuan", "value of the orders placed"),
    "contribution_yuan": Column(CITY, "yuan", "what orders leave after commission and fulfilment"),
    "commission_yuan": Column(CITY, "yuan", "leaders' commission, which the contribution has been reduced by already"),
    "wages_yuan": Column(CITY, "yuan", "wages of agents, supervisors and night cover"),
    "training_yuan": Column(CITY, "yuan", "training"),
    "systems_yuan": Column(CITY, "yuan", "systems and quality checks"),
    "incentives_yuan": Column(CITY, "yuan", "incentives for leaders and staff"),
    "refunds_yuan": Column(CITY_CAUSE, "yuan", "refunds that nobody decided on; what agents pay back is compensation"),
    "acquisition_yuan": Column(CITY, "yuan", "winning new users"),
}
"""Sums by name."""
