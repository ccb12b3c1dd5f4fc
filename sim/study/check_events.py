"""Rows of the table of checks about what happens once: late goods, bad news, the system down, a leader who leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.study.check_evidence import COST, Evidence
from sim.study.check_variants import (
    DOWN_HOURS,
    DOWN_PACE,
    FOUR_WEEKS,
    HALF_YEAR,
    LATE_HOURS,
    LEAVING_SHARE,
    MONTH,
    WEEK,
)
from sim.study.checks import Check, estimated, exact, unknown
from sim.world.word_of_mouth import size_of_a_post, size_of_a_scandal

JOINERS = 12
"""The "ten-odd" users who joined in with a post (F18)."""


# ── late goods ───────────────────────────────────────────────────────────────────────────────────────────────────


def late_goods(e: Evidence) -> Iterator[Check]:
    people = e.world.people
    kept = 0.5 ** (np.arange(1, FOUR_WEEKS + 1) / people.unhappy_half_life_days)
    minded = exact(-people.unhappy_orders_loss_share * float(kept.mean()), "change")
    how = "closed form: what one bad experience takes off a user's orders, mean of the four weeks after it"
    yield e.row("F17", "goods late: orders of a user who minds", -0.12, "change", minded, how, no_effect=0)
    ways = {
        "weather": ("week of bad weather", "a week of bad weather (F65)"),
        "late_week": ("week of nothing in time", f"all vans leave {LATE_HOURS} h later for a week"),
    }
    for variant, (name, what) in ways.items():
        how = (
            f"{what}: orders of the four weeks after, over the share of users who had a late order more than else "
            "(1 − exp(−late orders per user))"
        )
        sums = e.paired(variant, e.days_from(WEEK, FOUR_WEEKS), "orders")
        sums += e.paired(variant, e.days_from(0, WEEK), "orders_late") + e.sums("base", e.days_from(0, WEEK), "users")
        found = estimated(_per_user_concerned, sums, "change")
        what = f"goods late, {name}: orders per user concerned"
        yield e.row("F17", what, -0.12, "change", found, how, of=variant, no_effect=0)
    left = exact(float(0.5 ** (HALF_YEAR / people.unhappy_half_life_days)), "share")
    how = "closed form: share of a bad experience that is remembered after half a year"
    yield e.row("F17", "goods late: left after half a year, a user who minds", 0.0, "share", left, how, no_effect=1)
    sums = e.paired("late_week", e.days_from(WEEK, FOUR_WEEKS), "orders")
    sums += e.paired("late_week", e.days_from(WEEK + HALF_YEAR - FOUR_WEEKS, FOUR_WEEKS), "orders")
    found = estimated(lambda a0, a1, z0, z1: (1 - z1 / z0) / (1 - a1 / a0), sums, "share")
    how = "the week of late goods: loss of orders in the last four weeks of half a year, over that of the first four"
    what = "goods late, week of nothing in time: left after half a year"
    yield e.row("F17", what, 0.0, "share", found, how, of="late_week", no_effect=1)


def _per_user_concerned(o0: float, o1: float, late0: float, late1: float, user_days: float) -> float:
    """Change of orders over the share of users with a late order in a week."""
    return float((o1 / o0 - 1) / -np.expm1(-(late1 - late0) / (user_days / WEEK)))


# ── word of mouth ────────────────────────────────────────────────────────────────────────────────────────────────


def word_of_mouth(e: Evidence) -> Iterator[Check]:
    talk, people, places = e.world.word_of_mouth, e.world.people, e.world.places
    given = "an input: the scenario sets it"
    found = exact(talk.families_per_post, "families")
    yield e.row("F18", "families that one bad case moves (set)", (20, None), "families", found, given, kind="input")
    found = exact(talk.neighbours_per_good_deed, "users")
    yield e.row("F18", "neighbours whom a good deed brings (set)", 5, "users", found, given, kind="input")

    users = float(np.mean([one.users for one in places.listed])) if places.listed else places.users_per_community
    size = -size_of_a_post(talk, users, people.orders_per_user_per_day, JOINERS)
    how = f"closed form: a calm community of {users:.0f} users, {JOINERS} joiners"
    found = exact(size, "change")
    yield e.row("F18", "a post: the community's orders next day", -0.60, "change", found, how, no_effect=0)
    joiners = talk.joins_share * -math.expm1(-talk.unhappy_at_start_per_user) * users
    how = f"one post in every community on the same evening; about {joiners:.0f} join in each, as the model draws them"
    found = e.change("post", e.days_from(1, 1), "orders")
    yield e.row("F18", "a post, told: the same", -0.60, "change", found, how, of="post", no_effect=0)

    how = "closed form: one scandal, mean of the 30 days after"
    found = exact(-size_of_a_scandal(talk, MONTH), "change")
    yield e.row("F18", "a scandal: orders of the month", -0.15, "change", found, how, no_effect=0)
    found = e.change("scandal", e.days_from(1, MONTH), "orders")
    how = "one scandal told; orders of the 30 days after"
    yield e.row("F18", "a scandal, told: orders of the month", -0.15, "change", found, how, of="scandal", no_effect=0)


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────


def system_down(e: Evidence) -> Iterator[Check]:
    how = (
        f"no orders for {DOWN_HOURS} h, agents at {DOWN_PACE:g} of their pace; nobody orders later instead; one "
        "basket, so that orders and their value fall alike; cost: service, compensation, refunds"
    )
    figures = (("orders", -0.20, "orders"), ("GMV", -0.15, "gmv_yuan"), ("cost", 0.10, COST))
    for name, length in (("day", 1), ("week", WEEK)):
        for figure, plan, columns in figures:
            found = e.change("down", e.days_from(0, length), columns)
            what = f"system down for a day: {figure} of that {name}"
            yield e.row("F63", what, plan, "change", found, how, of="down", no_effect=0)
    found = e.change("down", e.days_from(0, WEEK), COST, "orders")
    what = "system down for a day: cost per order of that week"
    yield e.row("F63", what, 0.10, "change", found, how, of="down", no_effect=0)


def leader_leaves(e: Evidence) -> Iterator[Check]:
    places = e.world.places
    communities = len(places.city_of_community)
    listed = places.listed
    leaders = sum(one.leaders for one in listed) if listed else communities * places.leaders_per_community
    figures = (("orders", -0.10, "orders"), ("GMV", -0.08, "gmv_yuan"), ("cost", 0.05, COST))
    how = f"{100 * LEAVING_SHARE:.0f} % of the leaders leave on one evening; the 30 days after, for one of them, over"
    sizes = (
        ("community", leaders / communities, "a mean community"),
        ("platform", leaders, "everything; GMV falls alike"),
    )
    for whose, size, of_whom in sizes:
        for figure, plan, columns in figures if whose == "community" else figures[:1]:

            def change(a: float, c: float, gone0: float, gone1: float, there: float, size: float = size) -> float:
                gone = (gone1 - gone0) / there
                return (c / a - 1) / gone / size if gone > 0 else math.nan

            sums = e.paired("leave", e.days_from(1, MONTH), columns)
            sums += e.paired("leave", e.days_from(0, 1), "leaders_lost") + e.sums("base", e.days_from(0, 1), "leaders")
            found = estimated(change, sums, "change")
            what = f"a leader leaves: {figure} of the {whose}, a month"
            yield e.row("F64", what, plan, "change", found, f"{how} {of_whom}", of="leave", no_effect=0)


def weather_and_words(e: Evidence) -> Iterator[Check]:
    nothing = (None, None)
    factor = e.world.calendar.weather.factor_high
    how = f"a week of driving times × {factor:g}, the worst of the range, beside the weather that there is"
    sums = e.paired("weather", e.days_from(0, WEEK), "orders_late", "orders_delivered")
    found = estimated(lambda l0, n0, l1, n1: l1 / n1 - l0 / n0, sums, "change")
    what = "bad weather: late orders, points of share"
    yield e.row("F65", what, nothing, "change", found, how, of="weather", no_effect=0)
    for what, column in (("complaints", "complaints"), ("compensation", "compensation_yuan")):
        found = e.change("weather", e.days_from(0, 2 * WEEK), column)
        text = f"{how}; of two weeks from its begin"
        yield e.row("F65", f"bad weather: {what}", nothing, "change", found, text, of="weather", no_effect=0)
    how = "a later risk: the model has no such event yet"
    for what, plan in (("cost", 0.01), ("complaints of a quarter", 0.20)):
        yield e.row("F65", f"wrong wording: {what}", plan, "change", unknown("change"), how, no_effect=0)
