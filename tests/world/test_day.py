"""The world's day as a whole: figures from rows and from days agree, and users, orders, cases and money balance."""

from __future__ import annotations

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
from whole_runs import OUT_OF_THE_ORDINARY, PILOT, TWO_CITIES, Life, arrived, live, network_of

from sim.measures import MEASURES, assert_conserved, figures, figures_by
from sim.measures.money_figures import NET
from sim.world.problems import refund_without_agent_mean_yuan

RUNS = {
    "today": ("today_pilot", PILOT),
    "plan": ("plan_pilot", PILOT),
    "today in two cities, out of the ordinary": ("today", (*TWO_CITIES, *OUT_OF_THE_ORDINARY)),
    "plan in two cities, out of the ordinary": ("plan", (*TWO_CITIES, *OUT_OF_THE_ORDINARY)),
}

PROBLEM_KINDS = ("problem", "call_problem", "group_problem")
KEEPS_OPEN = ("contact", "consultation", "task")

FROM_DAYS = [measure.name for measure in MEASURES.values() if measure.from_days is not None]
BREAKDOWNS = ("day", "week", "month", "weekday", "city", "channel", "cause")

runs = pytest.mark.parametrize("run", RUNS)


@functools.cache
def life_of(run: str) -> Life:
    return live(network_of(*RUNS[run]))


def differing(rows: dict[str, float], days: dict[str, float]) -> list[str]:
    """Figures that are not the same from rows and from days."""
    assert rows.keys() == days.keys()
    return [name for name in rows if not _alike(rows[name], days[name])]


def _alike(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────


@runs
def test_every_figure_is_the_same_from_the_rows_and_from_the_sums_by_day(run: str) -> None:
    record = life_of(run).record
    without = replace(record, has_trace=False)
    found = figures(record, FROM_DAYS)
    assert differing(found, figures(without, FROM_DAYS)) == []
    assert sum(not math.isnan(value) for value in found.values()) > 65
    for by in BREAKDOWNS:
        groups, again = figures_by(record, by, FROM_DAYS), figures_by(without, by, FROM_DAYS)
        assert groups.keys() == again.keys()
        for key in groups:
            assert differing(groups[key], again[key]) == [], f"{by} {key}"


@runs
def test_groups_add_up_to_the_whole(run: str) -> None:
    record = life_of(run).record
    whole = figures(record)
    for by in ("day", "city", "channel", "cause"):
        groups = figures_by(record, by)
        sums = [name for name in ("contacts", "cases", "orders", "compensation_yuan") if by in MEASURES[name].by]
        assert sums
        for name in sums:
            assert math.isclose(sum(group[name] for group in groups.values()), whole[name], rel_tol=1e-12), (by, name)


@runs
def test_nothing_is_lost_or_invented_in_the_service_of_a_world(run: str) -> None:
    assert_conserved(life_of(run).record)


# ── users ────────────────────────────────────────────────────────────────────────────────────────────────────────


@runs
def test_users_balance_to_the_unit_every_day_in_every_city(run: str) -> None:
    sums = life_of(run).sums
    evening = sums["users"] - sums["users_lost"] + sums["users_joined"]
    assert np.array_equal(sums["users"][1:], evening[:-1])
    parts = sums["users_lost_without_problem"] + sums["users_taken"]
    assert (parts <= sums["users_lost"]).all()
    assert sums["users_lost"].sum() > 0
    assert sums["users_joined"].sum() > 0


@runs
def test_users_balance_to_the_unit_in_every_community_and_their_sums_are_those_of_the_days(run: str) -> None:
    life = life_of(run)
    users = life.world.geography.users
    for day, (demand, orders) in enumerate(zip(life.demand, life.orders, strict=True)):
        assert np.array_equal(demand.users, users)
        users = users - orders.users_lost + orders.users_joined
        assert np.array_equal(life.sums["users_lost"][day], life.world.geography.by_city(orders.users_lost))
    assert np.array_equal(users, life.world.people.users)
    assert (users >= 0).all()


@runs
def test_users_whom_leaders_take_along_are_lost_on_the_next_day(run: str) -> None:
    life = life_of(run)
    for day, turnover in enumerate(life.turnover[:-1]):
        taken = life.world.geography.by_city(turnover.users_taken)
        assert np.array_equal(life.sums["users_taken"][day + 1], taken)
    if "out of the ordinary" in run:
        assert sum(int(one.leaders_lost.sum()) for one in life.turnover) >= 6
        assert life.sums["users_taken"][7].sum() > 0


@runs
def test_agents_and_leaders_balance_every_day(run: str) -> None:
    """Leaders on the post; with exams (the plan's) some of them may be suspended, which takes more than ten days."""
    sums = life_of(run).sums
    for who, came in (("agents", "agents_hired"), ("leaders", "leaders_replaced")):
        evening = sums[who] - sums[f"{who}_lost"] + sums[came]
        assert np.array_equal(sums[who][1:], evening[:-1]), who


# ── orders and goods ─────────────────────────────────────────────────────────────────────────────────────────────


@runs
def test_every_order_that_is_placed_is_delivered_on_the_next_day_or_waits_in_a_closed_depot(run: str) -> None:
    life = life_of(run)
    waiting = np.zeros(life.world.geography.size, dtype=np.int64)
    for day in range(1, len(life.delivery)):
        waiting += life.orders[day - 1].placed - life.delivery[day].orders
        assert (waiting >= 0).all()
        closed = "out of the ordinary" in run and day in (3, 4)
        assert waiting.any() == closed
    assert np.array_equal(waiting, life.world.fleet.undelivered)


@runs
def test_orders_wanted_are_placed_or_lost_to_slow_answers(run: str) -> None:
    sums = life_of(run).sums
    assert np.array_equal(sums["orders_wanted"], sums["orders"] + sums["orders_lost_enquiries"])
    assert (sums["orders_late"] <= sums["orders_delivered"]).all()
    assert (sums["orders_announced_late"] <= sums["orders_late"]).all()


@runs
def test_every_order_with_an_active_leader_is_handed_out_or_brought_to_the_door(run: str) -> None:
    life = life_of(run)
    places = life.world.geography
    for delivery, presence in zip(life.delivery, life.presence, strict=True):
        by_leader = delivery.hand_outs + delivery.doors
        assert not by_leader[~presence.leaders_active].any()
        handed = np.bincount(places.leader_community, weights=by_leader, minlength=places.size)
        served = np.bincount(places.leader_community, weights=presence.leaders_active, minlength=places.size) > 0
        assert np.array_equal(handed, np.where(served, delivery.orders, 0))


# ── problems, contacts, cases ────────────────────────────────────────────────────────────────────────────────────


@runs
def test_voiced_problems_and_abused_claims_are_the_contacts_that_come_in_about_problems(run: str) -> None:
    life = life_of(run)
    told = life.sums["problems_voiced"] + life.sums["claims_abused"]
    assert np.array_equal(arrived(life.record, PROBLEM_KINDS), told)
    assert told.sum() > 0
    for problems in life.problems:
        assert np.array_equal(problems.all, problems.voiced + problems.refunded + problems.silent)
        assert min(int(table.min()) for table in (problems.voiced, problems.refunded, problems.silent)) >= 0


@runs
def test_complaints_of_an_evening_come_in_on_the_next_day_where_they_were_made(run: str) -> None:
    life = life_of(run)
    names, channels = life.record.names, life.record.days.channels  # type: ignore[union-attr]
    for kind in ("own_complaint", "regulator_complaint", "social_complaint"):
        channel = channels.index(names.channels[names.kinds.index(kind)])
        came = arrived(life.record, (kind,)).sum(axis=(1, 2))
        made = life.sums["complaints"][:, :, channel].sum(axis=(1, 2)).astype(int).tolist()
        assert came.tolist() == [0, *made[:-1]]
        assert made == [int(moods.escalations[:, channel].sum()) for moods in life.moods]


@runs
def test_every_case_that_closed_is_judged_exactly_once(run: str) -> None:
    life = life_of(run)
    judged = np.concatenate([cases.case for cases in life.cases])
    assert judged.size == np.unique(judged).size > 0
    assert life.sums["cases_judged"].sum() == judged.size
    record, names = life.record, life.record.names
    of_case = np.array(names.is_case)
    rows = (record.trace.items, record.open_rows.items)
    known = np.unique(np.concatenate([items.case[of_case[items.kind]] for items in rows]))
    assert np.isin(judged, known).all()
    # What is left has something open or on its way, and nothing else is left.
    last = life.pending[-1]
    still_open = np.unique(last.case[np.isin(names.counts_as, KEEPS_OPEN)[last.kind]])
    left = np.setdiff1d(known, judged)
    assert np.isin(left, still_open).all()
    assert 0 < left.size < known.size / 5
    # A case that was judged may be open again only because its call-back found the user unhappy.
    again = np.intersect1d(judged, still_open)
    called = np.array([name == "call_back" for name in names.counts_as])
    assert np.isin(again, np.concatenate([items.case[called[items.kind]] for items in rows])).all()


# ── money ────────────────────────────────────────────────────────────────────────────────────────────────────────


@runs
def test_the_parts_of_the_money_add_up_to_the_net_benefit(run: str) -> None:
    record = life_of(run).record
    for found in (figures(record), *figures_by(record, "city").values(), *figures_by(record, "day").values()):
        costs = ("wages", "training", "systems", "incentives", "compensation", "refunds", "acquisition")
        net = found["contribution_yuan"] - sum(found[f"{cost}_yuan"] for cost in costs)
        assert math.isclose(net, found["net_benefit_yuan"], rel_tol=1e-9)
    assert len(NET) == 8


@runs
def test_money_follows_from_orders_hours_refunds_and_cases_day_by_day(run: str) -> None:
    life = life_of(run)
    sums, scenario = life.sums, life.world.section
    money, pools = scenario.money, life.record.names.pools
    joined = np.array([life.world.geography.by_city(orders.users_joined) for orders in life.orders])
    refund = refund_without_agent_mean_yuan(scenario.contacts.claims)
    paid = [float(moods.compensation_yuan.sum()) for moods in life.moods]
    above = money.commission_share - money.commission_within_contribution_share
    contribution = money.contribution_yuan_per_order - money.basket_yuan * above
    for name, expected in {
        "gmv_yuan": sums["orders"] * money.basket_yuan,
        "commission_yuan": sums["gmv_yuan"] * money.commission_share,
        "contribution_yuan": sums["orders"] * contribution,
        "acquisition_yuan": joined * money.acquisition_yuan_per_user,
        "refunds_yuan": sums["problems_refunded"] * refund,
    }.items():
        assert np.allclose(sums[name], expected, rtol=1e-12), name
    assert np.allclose(sums["compensation_yuan"].sum(axis=(1, 2, 3)), paid, rtol=1e-12)
    # Wages lie between all hours at the contractor's price, and all at that of one's own people, at night.
    wage = [money.wages.get(pool) for pool in pools]
    own = np.array([0.0 if one is None else one.in_house_yuan_per_h for one in wage])
    outside = [0.0 if one is None else one.outsourced_yuan_per_h or one.in_house_yuan_per_h for one in wage]
    hours = np.array([presence.paid_h for presence in life.presence])
    wages = sums["wages_yuan"].sum(axis=1)
    assert (wages >= hours @ np.array(outside) - 1e-6).all()
    assert (wages <= hours @ own * (1 + money.night_supplement_share) + 1e-6).all()
    assert wages.sum() > 0
