"""Figures of money: what orders bring in, what service costs, and what is left."""

from __future__ import annotations

import math

from sim.measures.day_formulas import quotient, total
from sim.measures.world_figures import ALL, CAUSE, CITY, world

SERVICE = ("wages_yuan", "training_yuan", "systems_yuan", "incentives_yuan")
OUTLAYS = (*SERVICE, "compensation_yuan", "refunds_yuan", "acquisition_yuan")
NET = ("contribution_yuan", *(f"-{column}" for column in OUTLAYS))

MONEY = [
    world("gmv_yuan", "yuan", "Value of the orders placed.", CITY, total("gmv_yuan"), better="more"),
    world(
        "contribution_yuan",
        "yuan",
        "What the orders placed leave after the leaders' commission, goods and fulfilment, before service.",
        CITY,
        total("contribution_yuan"),
        least=-math.inf,
        better="more",
    ),
    world(
        "commission_yuan",
        "yuan",
        "Leaders' commission on the orders placed; the contribution is what is left after it.",
        CITY,
        total("commission_yuan"),
    ),
    world(
        "wages_yuan",
        "yuan",
        "Wages of the pools that the platform pays. What is spent for the whole platform is divided among cities by "
        "their users, as in all figures of money.",
        CITY,
        total("wages_yuan"),
        better="less",
    ),
    world(
        "training_yuan",
        "yuan",
        "Training, beside the wages of the trained.",
        CITY,
        total("training_yuan"),
        better="less",
    ),
    world("systems_yuan", "yuan", "Systems and quality checks.", CITY, total("systems_yuan"), better="less"),
    world(
        "incentives_yuan", "yuan", "Incentives for leaders and agents.", CITY, total("incentives_yuan"), better="less"
    ),
    world(
        "service_cost_yuan",
        "yuan",
        "Wages + training + systems + incentives.",
        CITY,
        total(SERVICE),
        better="less",
    ),
    world(
        "service_cost_gmv_share",
        "share",
        "Service cost over the value of the orders placed.",
        CITY,
        quotient(SERVICE, "gmv_yuan"),
        better="less",
    ),
    world(
        "service_budget_gmv_share",
        "share",
        "Training + systems + incentives, without wages, over the value of the orders placed (F45: at least 1 %).",
        CITY,
        quotient(SERVICE[1:], "gmv_yuan"),
    ),
    world(
        "cost_per_contact_yuan",
        "yuan",
        "Service cost (wages + training + systems + incentives) over contacts that arrived, those that the bot "
        "contained included.",
        CITY,
        quotient(SERVICE, "contacts"),
        better="less",
    ),
    world(
        "compensation_yuan",
        "yuan",
        "What cases that closed for good were paid: coupons, refunds and re-delivery decided on by a person.",
        ALL,
        total("compensation_yuan"),
        better="less",
    ),
    world(
        "refunds_yuan",
        "yuan",
        "Refunds of small claims that nobody decided on, by the day of the goods.",
        CAUSE,
        total("refunds_yuan"),
        better="less",
    ),
    world(
        "acquisition_yuan",
        "yuan",
        "Cost of winning the users who joined.",
        CITY,
        total("acquisition_yuan"),
        better="less",
    ),
    world(
        "net_benefit_yuan",
        "yuan",
        "Contribution − wages − training − systems − incentives − compensation − refunds − acquisition.",
        CITY,
        total(NET),
        least=-math.inf,
        better="more",
    ),
    world(
        "net_benefit_per_order_yuan",
        "yuan",
        "Net benefit over orders placed.",
        CITY,
        quotient(NET, "orders"),
        least=-math.inf,
        better="more",
    ),
]
