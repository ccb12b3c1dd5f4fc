"""Figures of the world: users, orders, deliveries, problems, complaints, satisfaction, leaders and agents.

All are sums by day, or quotients of such sums; a month is thirty days, a quarter ninety. Without a world they are NaN.
"""

from __future__ import annotations

from sim.measures.day_formulas import alarms, per_day, quotient, total
from sim.measures.measure import DAYS, HOUR, MINUTE, TOPIC, Better, Formula, Measure

CITY = DAYS | {"city"}
CAUSE = CITY | {"cause"}
ALL = DAYS | TOPIC
MONTH, QUARTER = 30.0, 90.0
OUTSIDE = ("regulator", "social")
"""Channels that are not the platform's own: the regulator's line 12315 and social media."""
MIN_PER_H = HOUR / MINUTE


def world(
    name: str,
    unit: str,
    definition: str,
    by: frozenset[str],
    formula: Formula,
    least: float = 0.0,
    better: Better = "",
) -> Measure:
    """A figure that comes from sums by day, whether the run kept its trace or not."""
    return Measure(name, unit, definition, by, formula, formula, least, better)


PEOPLE = [
    world("users_mean", "1", "Users in the morning, averaged over days.", CITY, per_day("users"), better="more"),
    world(
        "users_lost_per_month_share",
        "share",
        "Users who left, over users in the morning, both summed over days, times 30: the daily share by thirty, not "
        "compounded. 8 % here leave (1 − 0.08/30)³⁰ = 92.3 % of the users after thirty days without new ones.",
        CITY,
        quotient("users_lost", "users", factor=MONTH),
        better="less",
    ),
    world(
        "users_lost_without_problem_share",
        "share",
        "Users who left though no problem drove them away, over users who left.",
        CITY,
        quotient("users_lost_without_problem", "users_lost"),
    ),
    world(
        "users_taken_along_share",
        "share",
        "Users whom a leader who quit took along, over users who left.",
        CITY,
        quotient("users_taken", "users_lost"),
    ),
    world(
        "users_joined_per_month_share",
        "share",
        "Users who joined, over users in the morning, both summed over days, times 30, not compounded.",
        CITY,
        quotient("users_joined", "users", factor=MONTH),
        better="more",
    ),
    world("orders", "1", "Orders placed after the warm-up.", CITY, total("orders"), better="more"),
    world(
        "orders_per_user_per_day",
        "1",
        "Orders placed over users in the morning, both summed over days.",
        CITY,
        quotient("orders", "users"),
        better="more",
    ),
    world(
        "orders_lost_enquiries",
        "1",
        "Orders that users meant to place and did not, because an enquiry was answered late or never (F10).",
        CITY,
        total("orders_lost_enquiries"),
        better="less",
    ),
    world(
        "orders_lost_enquiries_share",
        "share",
        "Orders lost to enquiries answered late or never (F10), over orders that users meant to place.",
        CITY,
        quotient("orders_lost_enquiries", "orders_wanted"),
        better="less",
    ),
    world(
        "posts_per_month",
        "1",
        "Bad news told in chat groups, over days, times 30.",
        CITY,
        per_day("posts", factor=MONTH),
        better="less",
    ),
    world(
        "good_deeds_per_month",
        "1",
        "Good news told in chat groups, over days, times 30.",
        CITY,
        per_day("good_deeds", factor=MONTH),
        better="more",
    ),
    world("scandals", "1", "Bad news that reached the whole platform.", DAYS, total("scandals"), better="less"),
]

DELIVERIES = [
    world(
        "late_delivery_share",
        "share",
        "Orders brought to the leaders after the due time, over orders brought.",
        CITY,
        quotient("orders_late", "orders_delivered"),
        better="less",
    ),
    world(
        "announced_late_share",
        "share",
        "Late orders whose users were told before they asked (F23), over late orders.",
        CITY,
        quotient("orders_announced_late", "orders_late"),
        better="more",
    ),
    world(
        "warm_delivery_share",
        "share",
        "Orders over-heated on the way (F32), over orders brought.",
        CITY,
        quotient("orders_warm", "orders_delivered"),
        better="less",
    ),
    world(
        "short_delivery_share",
        "share",
        "Orders with something missing or wrong, over orders brought.",
        CITY,
        quotient("orders_short", "orders_delivered"),
        better="less",
    ),
    world(
        "leader_round_mean_min",
        "min",
        "Length of the leaders' rounds to the doors as walked (F31), over rounds. The wait until a leader sets out is "
        "not in it (round_length_mean_min has the round as the service's queues saw it).",
        CITY,
        quotient("round_min", "rounds"),
        better="less",
    ),
    world("van_time_h", "h", "Time of vans on the road.", CITY, total("van_min", factor=1 / MIN_PER_H), better="less"),
    world("van_way_km", "km", "Way of vans.", CITY, total("van_km"), better="less"),
    world("orders_per_van", "1", "Orders brought over vans that drove.", CITY, quotient("orders_delivered", "vans")),
]

PROBLEMS = [
    world(
        "problems_per_order",
        "1",
        "Problems with goods, voiced or not, over orders brought to the leaders (by cause: over all orders).",
        CAUSE,
        quotient("problems", "orders_delivered"),
        better="less",
    ),
    world(
        "problems_voiced_per_order",
        "1",
        "Problems that users told an agent or a leader, over orders brought to the leaders (by cause: over all).",
        CAUSE,
        quotient("problems_voiced", "orders_delivered"),
    ),
    world(
        "problems_silent_share",
        "share",
        "Problems neither voiced nor refunded without anybody, over problems.",
        CAUSE,
        quotient(("problems", "-problems_voiced", "-problems_refunded"), "problems"),
    ),
    world(
        "problems_refunded_share",
        "share",
        "Problems refunded without anybody, over problems.",
        CAUSE,
        quotient("problems_refunded", "problems"),
    ),
    world(
        "claims_abused_share",
        "share",
        "Claims without a problem, over all claims: those, the voiced problems and the refunded ones.",
        CAUSE,
        quotient("claims_abused", ("claims_abused", "problems_voiced", "problems_refunded")),
        better="less",
    ),
    world(
        "complaints",
        "1",
        "Complaints that went beyond the case itself (F12, F13).",
        ALL,
        total("complaints"),
        better="less",
    ),
    world(
        "complaints_per_order",
        "1",
        "Complaints over orders brought to the leaders (by channel and cause: over all orders). A complaint goes "
        "beyond the case itself, to the chat group, the platform's own entry, the regulator or social media (F13); "
        "its day is that on which the case closed.",
        ALL,
        quotient("complaints", "orders_delivered"),
        better="less",
    ),
    world(
        "complaints_third_party_per_order",
        "1",
        "Complaints to the regulator (12315) and in social media, over orders brought to the leaders.",
        ALL,
        quotient("complaints", "orders_delivered", channels=OUTSIDE),
        better="less",
    ),
    world(
        "complaints_passed_around_share",
        "share",
        "Complaints about being passed around, over all complaints (F12: 22 %).",
        CITY | {"channel"},
        quotient("complaints", "complaints", causes=("passed_around",)),
    ),
]

SATISFACTION = [
    world(
        "satisfaction_recorded_mean",
        "point",
        "Mean of the ratings given, 1–5, of cases that closed for good after the warm-up (F52). Few answer.",
        ALL,
        quotient("satisfaction_recorded", "ratings"),
        least=1.0,
        better="more",
    ),
    world(
        "satisfaction_true_mean",
        "point",
        "Mean true satisfaction, 1–5, over all cases that closed for good after the warm-up, rated or not.",
        ALL,
        quotient("satisfaction_true", "cases_judged"),
        least=1.0,
        better="more",
    ),
    world(
        "ratings_share",
        "share",
        "Cases rated by their users, over cases that closed for good.",
        ALL,
        quotient("ratings", "cases_judged"),
    ),
    world(
        "hops_per_case",
        "1",
        "Changes from one person to another, over cases that closed for good (F21).",
        ALL,
        quotient("hops", "cases_judged"),
        better="less",
    ),
]

STAFF = [
    world("leaders_mean", "1", "Leaders with a shop in the morning, averaged over days.", CITY, per_day("leaders")),
    world(
        "leaders_lost_per_quarter_share",
        "share",
        "Leaders who quit, over leaders in the morning, both summed over days, times 90, not compounded (F74).",
        CITY,
        quotient("leaders_lost", "leaders", factor=QUARTER),
        better="less",
    ),
    world("agents_mean", "1", "Agents on the payroll in the morning, averaged over days.", DAYS, per_day("agents")),
    world(
        "agents_lost_per_month_share",
        "share",
        "Agents who left, over agents on the payroll in the morning, both summed over days, times 30, not compounded.",
        DAYS,
        quotient("agents_lost", "agents", factor=MONTH),
        better="less",
    ),
    world("agent_paid_h", "h", "Paid hours of agents.", DAYS, total("agent_paid_h")),
    world("training_h", "h", "Hours of training.", DAYS, total("training_h")),
]

ALARMS = [
    world(
        "alarms",
        "1",
        "Alarms of F70–F75 that rang for the platform as a whole (by city: for that city alone).",
        CITY,
        alarms(),
        better="less",
    ),
    *(
        world(
            f"alarms_{fact.lower()}",
            "1",
            f"Alarms of {fact}: {what}. Counted as in alarms.",
            CITY,
            alarms(fact),
            better="less",
        )
        for fact, what in (
            ("F70", "complaints per order too many in a day, or far more than the day before"),
            ("F71", "the day's mean first response too late"),
            ("F72", "the day's mean round of a leader too long"),
            ("F73", "recorded satisfaction too low for days in a row, or in a quarter"),
            ("F74", "too many leaders lost in a quarter"),
            ("F75", "rules kept too seldom in a quarter"),
        )
    ),
]

WORLD = [*PEOPLE, *DELIVERIES, *PROBLEMS, *SATISFACTION, *STAFF, *ALARMS]
