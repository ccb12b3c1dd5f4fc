"""Each row of the table: an assumption, a figure, and which way the one moves the other, under common random numbers.

Only directions that can be argued for are here. Where two influences pull apart (more orders pay more and keep agents
busier) the base of the row switches one of them off, or there is no row.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import pytest

from sim.library import load
from sim.measures import MEASURES, figures
from sim.references import resolve
from sim.run import replicate
from sim.scenario import Scenario
from sim.service.build import build

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
    "bad nights": (*PILOT, *SILENT, "world.fleet.sorting.bad_night_share=0.3"),
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
    "restless agents": (*PILOT, *SILENT, "world.staff.month_days=3", "inputs.users=60000"),
    "closed early": (*PILOT, *SILENT, "world.moods.rating.closed_early_share=0.3"),
    "second calls": (*PILOT, *SILENT, "inputs.second_call_share=1"),
    "rivals": (*PILOT, *SILENT, "world.staff.agents.pace_cv=0"),
}

UP, DOWN = 1, -1


@dataclass(frozen=True)
class Row:
    """What raising an assumption from its low to its high end does to a figure, and why."""

    assumption: str
    figure: str
    sign: int
    why: str
    base: str = "ordinary"


TABLE = [
    # Staff
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
    Row("weekend_orders_factor", "problems_per_order", UP, "nothing but luck moves it") if False else None,
    # What people ask
    Row("questions_to_agents_share", "occupancy_share", UP, "more work at the desks") if False else None,
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
    Row("parent_ticket_share", "tickets", UP, "no ticket fewer") if False else None,
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
    Row("breakdown_share", "van_time_h", UP, "more vans stand still"),
    Row("breakdown_min", "van_time_h", UP, "they stand longer", "late"),
    Row("unloading_order_s", "van_time_h", UP, "all stops take longer"),
    Row("bad_weather_share", "van_time_h", UP, "more bad days"),
    Row("bad_weather_factor_high", "van_time_h", UP, "worse days"),
    Row("leader_opens_h", "van_time_h", UP, "vans wait at the door"),
    Row("late_problem_share", "problems_per_order", UP, "more mind", "late"),
    Row("late_problem_share_per_h", "problems_per_order", UP, "more mind", "late"),
    Row("questions_per_late_order", "contacts", UP, "where is it?", "late"),
    Row("late_points", "satisfaction_true_mean", DOWN, "points off", "late"),
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
    Row("leader_quit_per_month_share", "leaders_lost_per_quarter_share", UP, "by definition") if False else None,
    Row("process_burden", "leaders_lost_per_quarter_share", UP, "more pressure (F36)", "restless leaders"),
    Row("leader_income_floor_yuan_per_month", "leaders_lost_per_quarter_share", UP, "more pressure", "restless leaders"),
    Row("leader_income_weight", "leaders_lost_per_quarter_share", UP, "more pressure", "restless leaders"),
    Row("leader_users_taken_low_share", "users_taken_along_share", UP, "by definition (F64)", "restless leaders"),
    Row("leader_users_taken_high_share", "users_taken_along_share", UP, "by definition (F64)", "restless leaders"),
    Row("leader_replaced_after_days", "leaders_mean", DOWN, "posts are empty longer", "restless leaders"),
    # Agents
    Row("in_house_turnover_per_month_share", "agents_lost_per_month_share", UP, "by definition", "restless agents"),
    Row("outsourced_turnover_per_month_share", "agents_lost_per_month_share", UP, "by definition", "restless agents"),
    Row("in_house_vacancy_days", "agents_mean", DOWN, "seats are empty longer", "restless agents"),
    Row("in_house_induction_days", "training_h", UP, "more days in class", "restless agents"),
    Row("agent_training_h_per_month", "training_h", UP, "by definition"),
    Row("outsourced_grade_lost", "satisfaction_true_mean", DOWN, "less product knowledge (F3)"),
    Row("outsourced_least_seats_share", "agent_paid_h", UP, "more seats are paid whatever comes") if False else None,
    # Times of the service
    Row("verification_mean_min", "handle_time_mean_s", UP, "longer (F22)"),
    Row("verification_share", "handle_time_mean_s", UP, "more often (F22)"),
    Row("after_sales_min", "handle_time_mean_s", UP, "longer"),
    Row("coupon_accepted_share", "resolved_first_contact_share", UP, "settled at once (F21)"),
    Row("leader_settles_share", "resolved_first_contact_share", UP, "settled at once"),
    Row("reopened_share", "asks_per_case", UP, "they come back"),
    Row("chase_after_mean_h", "asks_per_case", DOWN, "fewer chasers"),
    Row("severe_share", "compensation_yuan", UP, "nothing") if False else None,
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
    Row("unhappy_orders_loss_share", "orders", DOWN, "they order less (F17)") if False else None,
    Row("enquirer_lost_share", "orders_lost_enquiries_share", UP, "58 % of more (F10)"),
    # Complaints
    Row("complaint_per_discontent_point", "complaints_per_order", UP, "by definition"),
    Row("content_from_points", "complaints_per_order", UP, "more are discontent"),
    Row("complaint_per_waiting_h", "complaints_per_order", UP, "by definition (F16)"),
    Row("complaint_waiting_most_h", "complaints_per_order", UP, "long waits count on"),
    Row("complaint_per_hop", "complaints_per_order", UP, "by definition"),
    Row("complaint_when_given_up", "complaints_per_order", UP, "by definition"),
    Row("passed_around_above_asks", "complaints_passed_around_share", DOWN, "fewer are called so"),
    Row("passed_around_above_hops", "complaints_passed_around_share", DOWN, "fewer are called so"),
    # Word of mouth
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
]
TABLE = [row for row in TABLE if row is not None]


@functools.cache
def tree_of(base: str) -> dict[str, object]:
    return load("today_pilot", sets=BASES[base]).tree


@functools.cache
def figures_of(base: str, assumption: str, end: str) -> dict[str, float]:
    tree = copy.deepcopy(tree_of(base))
    entry = tree["assumptions"][assumption]  # type: ignore[index]
    entry["value"] = entry[end]
    resolved = resolve(tree)
    assert not resolved.problems
    scenario = Scenario.model_validate(resolved.data, strict=True)
    return figures(replicate(build(scenario), 1, 0, keep_trace=True))


@pytest.mark.parametrize("row", TABLE, ids=[f"{row.assumption}-{row.figure}" for row in TABLE])
def test_an_assumption_moves_a_figure_the_way_it_must(row: Row) -> None:
    low, high = (figures_of(row.base, row.assumption, end)[row.figure] for end in ("low", "high"))
    assert (high - low) * row.sign > 0, f"{row.figure}: {low:g} at the low end, {high:g} at the high end ({row.why})"


def test_the_table_names_figures_that_exist_and_each_row_once() -> None:
    assert all(row.figure in MEASURES for row in TABLE)
    assert len({(row.assumption, row.figure) for row in TABLE}) == len(TABLE)
    assert len({row.assumption for row in TABLE}) > 120
