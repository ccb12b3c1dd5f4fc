"""Each row of the table: an assumption, a figure, and which way the one moves the other, under common random numbers.

Only directions that can be argued for are here. Where two influences pull apart (more orders pay more and keep agents
busier) the base of the row switches one of them off, or there is no row.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import Any

import pytest

from sim.library import load
from sim.measures import MEASURES, figures, figures_by
from sim.references import resolve
from sim.run import replicate
from sim.scenario import Scenario
from sim.service.build import build
from sim.service.record import Record

pytestmark = pytest.mark.slow

PILOT = ("horizon.days=10", "horizon.warm_up_days=0")
SILENT = ("world.moods.posts.post_share=0", "world.moods.posts.deed_share=0")
"""Nobody tells anything: one post more or less would move more orders than anything else here."""

BASES: dict[str, tuple[str, ...]] = {
    "ordinary": (*PILOT, *SILENT),
    "late": (*PILOT, *SILENT, "world.fleet.driving.departs_at_h=13.5", "world.fleet.driving.leg_cv=0"),
    "hot": (*PILOT, *SILENT, "world.fleet.cool_box.hottest_day=5", "world.fleet.cool_box.lasts_h=1"),
    "overloaded": (*PILOT, *SILENT, "world.people.orders_per_user_per_day=0.25"),
    "batches": (*PILOT, *SILENT, "world.contacts.incidents.bad_batch_share=0.5"),
    "talkative": (*PILOT, "world.moods.posts.post_share=0.2", "world.moods.posts.deed_share=0"),
    "kind": (*PILOT, "world.moods.posts.post_share=0", "world.moods.posts.deed_share=0.5"),
    "scandal": (*PILOT, *SILENT, "world.events=[{event: scandal, day: 0}]"),
    "restless leaders": (
        *PILOT,
        *SILENT,
        "world.staff.month_days=3",
        "world.staff.leaders.quitting.base_per_month_share=0.2",
        "world.staff.leaders.quitting.memory_days=2",
    ),
    "burdened leaders": (
        *PILOT,
        *SILENT,
        "world.staff.month_days=3",
        "world.staff.leaders.quitting.base_per_month_share=0.1",
        "world.staff.leaders.quitting.most_per_month_share=1",
        "world.staff.leaders.quitting.memory_days=2",
        "world.staff.leaders.quitting.bearable_service_h=0",
        "world.staff.leaders.quitting.income_floor_yuan_per_month=0",
    ),
    "poor leaders": (
        *PILOT,
        *SILENT,
        "world.staff.month_days=3",
        "world.staff.leaders.quitting.base_per_month_share=0.2",
        "world.staff.leaders.quitting.memory_days=2",
    ),
    "quitting leaders": (*PILOT, *SILENT, "world.staff.month_days=1"),
    "restless agents": (
        "horizon.days=40",
        "horizon.warm_up_days=0",
        *SILENT,
        "world.staff.month_days=2",
        "inputs.users=30000",
    ),
    "agents replaced at once": (
        *PILOT,
        *SILENT,
        "world.staff.month_days=3",
        "inputs.users=60000",
        "world.staff.agents.in_house.vacancy_days=0",
        "world.staff.agents.in_house.turnover_per_month_share=0.3",
    ),
    "many vans": (*PILOT, *SILENT, "world.fleet.driving.stops_per_van=2"),
    "many late vans": (
        *PILOT,
        *SILENT,
        "world.fleet.driving.stops_per_van=2",
        "world.fleet.driving.departs_at_h=16",
    ),
    "breakdowns": (*PILOT, *SILENT, "world.fleet.driving.breakdown_share=0.5"),
    "announced": (*PILOT, *SILENT, "world.fleet.driving.departs_at_h=13.5", "world.fleet.announce=1"),
    "impatient": (
        *PILOT,
        *SILENT,
        "world.moods.escalation.waiting_per_h=0.05",
        "assumptions.users_per_agent=4000",
    ),
    "complaining": (*PILOT, *SILENT, "world.moods.escalation.discontent_per_point=0.5"),
    "before the New Year": (*PILOT, *SILENT, "horizon.first_weekday=sat", 'world.calendar.start="2026-02-07"'),
    "New Year": (*PILOT, *SILENT, "horizon.first_weekday=tue", 'world.calendar.start="2026-02-17"'),
    "long": ("horizon.days=40", "horizon.warm_up_days=0", *SILENT),
    "free": PILOT,
    "closed early": (*PILOT, *SILENT, "world.moods.rating.closed_early_share=0.3"),
    "second calls": (*PILOT, *SILENT, "inputs.second_call_share=1"),
}

UP, DOWN = 1, -1
LOST_LEADERS = "leaders_lost_per_quarter_share"


@dataclass(frozen=True)
class Row:
    """What raising an assumption from its low to its high end does to a figure, and why.

    ``base`` : what else is set. ``ends`` : the two values, for an input, which has no range, and where the range is too
    narrow for a short run. ``by`` : breakdown and group of the figure; the whole's if empty.
    """

    name: str
    figure: str
    sign: int
    why: str
    base: str = "ordinary"
    ends: tuple[float, float] | None = None
    by: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.name}-{self.figure}"


TABLE = [
    # Staff
    Row("users_per_agent", "agents_mean", DOWN, "by definition"),
    Row("users_per_agent", "service_cost_yuan", DOWN, "fewer are paid"),
    Row("users_per_agent", "first_response_mean_min", UP, "fewer answer"),
    Row("users_per_agent", "satisfaction_true_mean", DOWN, "waits cost points"),
    Row("absence_share", "first_response_mean_min", UP, "fewer are there"),
    Row("outsourced_share", "wages_yuan", DOWN, "contractors are cheaper"),
    # Demand
    Row("orders_per_user_per_day", "orders", UP, "by definition"),
    Row("orders_per_user_per_day", "contacts", UP, "contacts come from orders"),
    Row("orders_per_user_per_day", "leader_round_mean_min", UP, "more doors in a round"),
    Row("enquiries_per_order", "contacts", UP, "by definition"),
    Row("questions_per_order", "contacts", UP, "by definition"),
    Row("problems_per_order", "problems_per_order", UP, "by definition"),
    Row("problems_per_order", "cases", UP, "problems make cases"),
    Row("problems_per_order", "users_lost_per_month_share", UP, "some leave for each"),
    Row("voiced_share", "cases", UP, "who speaks up makes a case"),
    Row("voiced_share", "problems_silent_share", DOWN, "by definition"),
    Row("season_amplitude_share", "orders", UP, "March lies above the mean of a year with its peak in December"),
    Row("member_day_orders_factor", "orders", UP, "8 March is one"),
    Row("before_spring_festival_orders_factor", "orders", UP, "by definition", "before the New Year"),
    Row("near_spring_festival_absent_share", "presence_h", DOWN, "fewer are there", "before the New Year"),
    Row("spring_festival_orders_factor", "orders", UP, "by definition", "New Year"),
    Row("spring_festival_absent_share", "presence_h", DOWN, "fewer are there", "New Year"),
    Row("leader_festival_factor", "presence_h", DOWN, "fewer are there", "New Year"),
    # What people ask
    Row("stilled_share", "contacts", DOWN, "who can read the answer does not ask"),
    Row("notice_share", "problems_per_order", DOWN, "fewer pick-ups go wrong (F11)"),
    Row("notice_stills_share", "problems_per_order", DOWN, "fewer pick-ups go wrong (F11)"),
    Row("code_questions_share", "contacts", DOWN, "notices still some of these"),
    Row("repetitive_share", "contained_share", UP, "the bot can answer more (F30)"),
    Row("bot_success_share", "contained_share", UP, "the bot answers more (F30)"),
    Row("bot_contained_unsolved_share", "contacts", UP, "who was not helped asks again"),
    Row("answer_right_share", "contacts", DOWN, "fewer ask again"),
    Row("wrong_desk_share", "transfers_per_contact", UP, "by definition"),
    # Problems and claims
    Row("quality_of_problems_share", "problems_per_order", UP, "part of them"),
    Row("pick_up_of_problems_share", "problems_per_order", UP, "part of them"),
    Row("other_of_problems_share", "problems_per_order", UP, "part of them"),
    Row("weighed_share", "problems_per_order", UP, "more can be short (F19)"),
    Row("weight_noticed_share", "problems_per_order", UP, "more is seen (F19)"),
    Row("packed_weight_cv", "problems_per_order", UP, "more is short by over 5 % (F19)"),
    Row("refund_button_share", "problems_refunded_share", UP, "by definition"),
    Row("refund_button_share", "problems_voiced_per_order", DOWN, "who uses it asks nobody"),
    Row("refund_without_agent_below_yuan", "problems_refunded_share", UP, "more claims are small enough"),
    Row("clean_record_share", "problems_refunded_share", UP, "more may use the button"),
    Row("abuse_share", "claims_abused_share", UP, "by definition"),
    Row("abuse_per_leniency", "claims_abused_share", UP, "leniency is found out"),
    Row("claim_basket_share", "compensation_yuan", UP, "claims are larger"),
    Row("basket_yuan", "gmv_yuan", UP, "by definition"),
    Row("bad_batch_share", "problems_per_order", UP, "more batches"),
    Row("bad_batch_orders_share", "problems_per_order", UP, "more orders of each", "batches"),
    Row("bad_batch_problem_share", "problems_per_order", UP, "more of them are bad", "batches"),
    # Depots, vans, rounds
    Row("sorting_error_share", "short_delivery_share", UP, "by definition"),
    Row("sorting_error_share", "problems_per_order", UP, "what is short is missed"),
    Row("short_refunded_share", "problems_per_order", DOWN, "paid back before it is missed"),
    Row("sorting_error_growth", "short_delivery_share", UP, "load above capacity", "overloaded"),
    Row("sorting_reserve_factor", "short_delivery_share", DOWN, "less load above capacity", "overloaded"),
    Row("goods_due_h", "late_delivery_share", DOWN, "later is late", "late"),
    Row("unloading_min", "late_delivery_share", UP, "all stops take longer", "late"),
    Row("van_speed_km_per_h", "late_delivery_share", DOWN, "all legs are shorter", "late"),
    Row("way_factor", "late_delivery_share", UP, "all legs are longer", "late"),
    Row("way_factor", "van_way_km", UP, "all legs are longer"),
    Row("city_radius_km", "van_way_km", UP, "communities lie further out"),
    Row("stops_per_van", "van_way_km", DOWN, "fewer ways from and to the depot"),
    Row("rush_factor", "van_time_h", UP, "slower in the rush", "late"),
    Row("breakdown_share", "van_time_h", UP, "more vans stand still", "many vans"),
    Row("breakdown_min", "van_time_h", UP, "they stand longer", "breakdowns"),
    Row("unloading_order_s", "van_time_h", UP, "all stops take longer"),
    Row("bad_weather_share", "van_time_h", UP, "more bad days", "long"),
    Row("bad_weather_factor_high", "van_time_h", UP, "worse days", "long"),
    Row("leader_opens_h", "van_time_h", UP, "vans wait at the door"),
    Row("late_problem_share", "problems_per_order", UP, "more mind", "late"),
    Row("late_problem_share_per_h", "problems_per_order", UP, "more mind", "late"),
    Row("questions_per_late_order", "contacts", UP, "where is it?", "late"),
    Row("late_points", "satisfaction_true_mean", DOWN, "points off", "late"),
    Row("late_incident_orders", "tickets", DOWN, "fewer vans late enough", "many late vans"),
    Row("announced_stills_share", "problems_per_order", DOWN, "they come later (F23)", "announced"),
    Row("announced_points", "satisfaction_true_mean", UP, "points given back (F23)", "announced"),
    Row("fresh_share", "warm_delivery_share", UP, "more can be warm", "hot"),
    Row("cool_box_fails_per_h", "warm_delivery_share", UP, "boxes last less long", "hot"),
    Row("summer_heat_factor", "warm_delivery_share", UP, "boxes last less long", "hot"),
    Row("cool_box_lasts_h", "warm_delivery_share", DOWN, "boxes last longer"),
    Row("quality_when_warm_share", "problems_per_order", UP, "more of the warm is bad", "hot"),
    Row("home_delivery_share", "leader_round_mean_min", UP, "more doors in a round"),
    Row("door_hand_over_min", "leader_round_mean_min", UP, "longer at each door"),
    Row("neighbourhood_km", "leader_round_mean_min", UP, "longer ways"),
    Row("round_speed_km_per_h", "leader_round_mean_min", DOWN, "faster"),
    Row("round_habit_blocks", "leader_round_mean_min", DOWN, "shorter ways"),
    # Leaders
    Row("leader_notice_mean_min", "first_response_mean_min", UP, "they look later"),
    Row("leader_day_off_share", "first_response_mean_min", UP, "on a day off nobody answers"),
    Row("process_burden", LOST_LEADERS, UP, "more pressure (F36)", "burdened leaders", (1, 5)),
    Row("leader_service_weight_per_h", LOST_LEADERS, UP, "more pressure (F36)", "burdened leaders", (0, 4)),
    Row("leader_income_floor_yuan_per_month", LOST_LEADERS, UP, "more pressure", "poor leaders"),
    Row("leader_income_weight", LOST_LEADERS, UP, "more pressure", "poor leaders"),
    Row("leader_commission_share", LOST_LEADERS, DOWN, "less pressure", "poor leaders"),
    Row("leader_quit_most_per_month_share", LOST_LEADERS, UP, "the cap is higher", "poor leaders"),
    Row("leader_quit_per_month_share", LOST_LEADERS, UP, "by definition", "quitting leaders"),
    Row("leader_users_taken_low_share", "users_taken_along_share", UP, "by definition (F64)", "restless leaders"),
    Row("leader_users_taken_high_share", "users_taken_along_share", UP, "by definition (F64)", "restless leaders"),
    Row("leader_replaced_after_days", "leaders_mean", DOWN, "posts are empty longer", "restless leaders"),
    # Agents
    Row("in_house_turnover_per_month_share", "agents_lost_per_month_share", UP, "by definition", "restless agents"),
    Row("outsourced_turnover_per_month_share", "agents_lost_per_month_share", UP, "by definition", "restless agents"),
    Row("in_house_vacancy_days", "agents_mean", DOWN, "seats are empty longer", "restless agents"),
    Row("in_house_induction_days", "training_h", UP, "more days in class", "agents replaced at once"),
    Row("agent_training_h_per_month", "training_h", UP, "by definition"),
    Row("outsourced_grade_lost", "satisfaction_true_mean", DOWN, "less product knowledge (F3)"),
    # Times of the service
    Row("enquiry_min", "handle_time_mean_s", UP, "longer"),
    Row("question_min", "handle_time_mean_s", UP, "longer"),
    Row("phone_factor", "handle_time_mean_s", UP, "calls take longer"),
    Row("leader_answer_min", "busy_h", UP, "longer"),
    Row("leader_case_min", "busy_h", UP, "longer"),
    Row("hand_out_s", "busy_h", UP, "longer"),
    Row("chat_patience_h", "abandoned_share", DOWN, "fewer give up"),
    Row("enquiry_patience_h", "abandoned_share", DOWN, "fewer give up"),
    Row("phone_patience_min", "abandoned_share", DOWN, "fewer hang up", by=("channel", "phone")),
    Row("call_again_share", "contacts", UP, "they write instead"),
    Row("inattentive_lost_share", "solved_share", DOWN, "the answer is not seen"),
    Row("verification_mean_min", "handle_time_mean_s", UP, "longer (F22)"),
    Row("verification_share", "handle_time_mean_s", UP, "more often (F22)"),
    Row("after_sales_min", "handle_time_mean_s", UP, "longer"),
    Row("coupon_accepted_share", "resolved_first_contact_share", UP, "settled at once (F21)"),
    Row("leader_settles_share", "resolved_first_contact_share", UP, "settled at once"),
    Row("reopened_share", "asks_per_case", UP, "they come back"),
    Row("chase_after_mean_h", "asks_per_case", DOWN, "fewer chasers"),
    # Satisfaction
    Row("solved_start_points", "satisfaction_true_mean", UP, "by definition"),
    Row("given_up_start_points", "satisfaction_true_mean", UP, "by definition"),
    Row("wait_points", "satisfaction_true_mean", DOWN, "points off (F20)"),
    Row("wait_scale_min", "satisfaction_true_mean", UP, "fewer points off (F20)"),
    Row("hop_points", "satisfaction_true_mean", DOWN, "points off (F21)"),
    Row("ask_points", "satisfaction_true_mean", DOWN, "points off (F21)"),
    Row("time_points", "satisfaction_true_mean", DOWN, "points off (F21)"),
    Row("time_scale_h", "satisfaction_true_mean", UP, "fewer points off (F21)"),
    Row("reopened_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("quality_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("missing_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("weight_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("pick_up_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("other_points", "satisfaction_true_mean", DOWN, "points off"),
    Row("demanding_strictness", "satisfaction_true_mean", DOWN, "points off (F1)"),
    Row("compensation_points", "satisfaction_true_mean", UP, "points added"),
    Row("refund_points", "satisfaction_true_mean", UP, "points added"),
    Row("rated_share", "ratings_share", UP, "by definition"),
    Row("unhappy_rates_extra", "ratings_share", UP, "more rate"),
    Row("happy_rates_extra", "ratings_share", UP, "more rate"),
    Row("given_up_rates_factor", "ratings_share", UP, "more rate"),
    Row("closed_early_points", "satisfaction_recorded_mean", UP, "rated while hopeful (F67)", "closed early"),
    Row("second_call_points", "satisfaction_true_mean", UP, "points given back (F27)", "second calls"),
    Row("second_call_mends_share", "satisfaction_true_mean", UP, "more is mended (F27)", "second calls"),
    Row("mood_neutral_points", "satisfaction_true_mean", DOWN, "yesterday was less good by comparison"),
    Row("closed_early_share", "satisfaction_recorded_mean", UP, "more are rated while hopeful (F67)"),
    # Compensation
    Row("coupon_share", "compensation_yuan", UP, "more coupons (F21)"),
    Row("quality_refund_share", "compensation_yuan", UP, "more refunds (F24)"),
    Row("weight_refund_share", "compensation_yuan", UP, "more refunds (F24)"),
    Row("missing_refund_share", "satisfaction_true_mean", UP, "refunds please (F24)"),
    # Coming and going
    Row("base_lost_per_month_share", "users_lost_per_month_share", UP, "by definition"),
    Row("joined_per_month_share", "users_joined_per_month_share", UP, "by definition"),
    Row("case_leave_most_share", "users_lost_per_month_share", UP, "more leave"),
    Row("case_leave_middle_points", "users_lost_per_month_share", UP, "more leave"),
    Row("silent_leave_share", "users_lost_per_month_share", UP, "more leave (F1)"),
    Row("refunded_leave_share", "users_lost_per_month_share", UP, "more leave"),
    Row("unhappy_below_points", "orders", DOWN, "more are unhappy and order less (F17)"),
    Row("silent_unhappy_weight", "orders", DOWN, "more are unhappy and order less (F17)"),
    Row("happy_above_points", "orders", DOWN, "fewer are happy and order more (F17)"),
    Row("enquirer_lost_share", "orders_lost_enquiries_share", UP, "58 % of more (F10)"),
    # Complaints
    Row("complaint_per_discontent_point", "complaints_per_order", UP, "by definition"),
    Row("content_from_points", "complaints_per_order", UP, "more are discontent"),
    Row("complaint_per_waiting_h", "complaints_per_order", UP, "by definition (F16)"),
    Row("complaint_waiting_most_h", "complaints_per_order", UP, "long waits count on", "impatient"),
    Row("complaint_per_hop", "complaints_per_order", UP, "by definition"),
    Row("complaint_when_given_up", "complaints_per_order", UP, "by definition"),
    Row("own_entry_weight", "complaints", UP, "chosen more", "complaining", by=("channel", "own_entry")),
    Row("group_weight", "complaints", UP, "chosen more", "complaining", by=("channel", "group")),
    Row("group_case_factor", "complaints", UP, "chosen more", "complaining", by=("channel", "group")),
    Row("regulator_weight", "complaints", UP, "chosen more", "complaining", by=("channel", "regulator")),
    Row("social_weight", "complaints", UP, "chosen more", "complaining", by=("channel", "social")),
    Row("passed_around_above_asks", "complaints_passed_around_share", DOWN, "fewer are called so", "complaining"),
    Row("passed_around_above_hops", "complaints_passed_around_share", DOWN, "fewer are called so", "complaining"),
    # Word of mouth
    Row("post_share", "posts_per_month", UP, "by definition", "free"),
    Row("families_per_post", "orders", DOWN, "more are moved (F18)", "talkative"),
    Row("families_per_joiner", "orders", DOWN, "more are moved (F18)", "talkative"),
    Row("joins_share", "orders", DOWN, "more join in (F18)", "talkative"),
    Row("moved_half_life_days", "orders", DOWN, "they stay away longer (F18)", "talkative"),
    Row("ordering_every_days", "orders", UP, "more families than are moved", "talkative"),
    Row("post_below_points", "posts_per_month", UP, "more post", "talkative"),
    Row("post_group_factor", "posts_per_month", UP, "more post", "talkative"),
    Row("good_deed_above_points", "good_deeds_per_month", DOWN, "fewer tell", "kind"),
    Row("neighbours_per_good_deed", "users_joined_per_month_share", UP, "more come (F18)", "kind"),
    Row("neighbours_new_share", "users_joined_per_month_share", UP, "more come (F18)", "kind"),
    Row("good_deed_orders_share", "orders", UP, "they order more", "kind"),
    Row("scandal_heard_share", "orders", DOWN, "more hear (F18)", "scandal"),
    Row("scandal_stops_share", "orders", DOWN, "more stop (F18)", "scandal"),
    Row("scandal_half_life_days", "orders", DOWN, "they stay away longer (F18)", "scandal"),
    # Money
    Row("contribution_yuan_per_order", "net_benefit_yuan", UP, "by definition"),
    Row("leader_commission_share", "net_benefit_yuan", DOWN, "paid away"),
    Row("commission_within_contribution_share", "net_benefit_yuan", UP, "less is taken off"),
    Row("in_house_yuan_per_h", "service_cost_yuan", UP, "wages"),
    Row("outsourced_yuan_per_h", "service_cost_yuan", UP, "wages"),
    Row("supervisor_yuan_per_h", "service_cost_yuan", UP, "wages"),
    Row("night_supplement_share", "service_cost_yuan", UP, "wages"),
    Row("training_yuan_per_h", "training_yuan", UP, "by definition", "restless agents"),
    Row("systems_yuan_per_user_per_year", "systems_yuan", UP, "by definition"),
    Row("leader_incentive_yuan_per_month", "incentives_yuan", UP, "by definition"),
    Row("agent_bonus_share", "incentives_yuan", UP, "by definition"),
    Row("acquisition_yuan_per_user", "net_benefit_yuan", DOWN, "a price"),
    # Inputs, from one value to another
    Row("bot_coverage_share", "contained_share", UP, "the bot takes more (F30)", ends=(0.3, 0.8)),
    Row("packing_fault_share", "problems_per_order", UP, "today's packing (F15)", ends=(0.05, 0.35)),
    Row("weight_tolerance_share", "problems_per_order", DOWN, "more counts as normal (F19)", ends=(0.03, 0.10)),
    Row("late_enquiry_more_lost_share", "orders_lost_enquiries", UP, "more are lost (F10)", ends=(0.1, 1.0)),
    Row("enquiry_late_after_min", "orders_lost_enquiries", DOWN, "fewer are late (F10)", ends=(1, 60)),
    Row("verification_longest_min", "handle_time_mean_s", UP, "longer (F22)", ends=(5, 60)),
    Row("coupon_yuan", "compensation_yuan", UP, "by definition (F21)", ends=(2, 20)),
    Row("second_call_share", "satisfaction_true_mean", UP, "points given back (F27)", ends=(0, 1)),
    Row("budget_gmv_share", "systems_yuan", UP, "more has to be spent (F45)", ends=(0, 0.05)),
    Row("round_alarm_min", "alarms_f72", DOWN, "rings less often (F72)", ends=(10, 500)),
    Row("response_alarm_min", "alarms_f71", DOWN, "rings less often (F71)", ends=(0.01, 1000)),
]


@functools.cache
def tree_of(base: str) -> dict[str, Any]:
    return load("today_pilot", sets=BASES[base]).tree


@functools.cache
def record_of(base: str, name: str, value: float) -> Record:
    """A run with one input or assumption set to a value; runs that several rows need are done once."""
    tree = copy.deepcopy(tree_of(base))
    entry = tree["inputs" if name in tree["inputs"] else "assumptions"][name]
    if "low" in entry:
        entry |= {"low": min(entry["low"], value), "high": max(entry["high"], value)}
    entry["value"] = value
    resolved = resolve(tree)
    assert not resolved.problems
    return replicate(build(Scenario.model_validate(resolved.data, strict=True)), 1, 0)


def ends_of(row: Row) -> tuple[float, float]:
    if row.ends is not None:
        return row.ends
    entry = tree_of(row.base)["assumptions"][row.name]
    return entry["low"], entry["high"]


def figure_of(row: Row, value: float) -> float:
    record = record_of(row.base, row.name, value)
    if row.by is None:
        return figures(record, [row.figure])[row.figure]
    breakdown, group = row.by
    return figures_by(record, breakdown, [row.figure])[group][row.figure]


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_an_input_or_assumption_moves_a_figure_the_way_it_must(row: Row) -> None:
    low, high = (figure_of(row, value) for value in ends_of(row))
    assert (high - low) * row.sign > 0, f"{row.figure}: {low:g} at the low end, {high:g} at the high end ({row.why})"


def test_the_table_names_figures_that_exist_and_each_pair_once() -> None:
    assert all(row.figure in MEASURES for row in TABLE)
    assert len({(row.name, row.figure) for row in TABLE}) == len(TABLE)
    assert {row.base for row in TABLE} == set(BASES)
    assert len({row.name for row in TABLE}) > 150
