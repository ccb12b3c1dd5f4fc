"""Leaders and agents as people: days off, learning, coaching, suspension, dismissal, quitting.

All defaults are neutral: a section without a number changes nothing against the rosters of the scenario's pools. Months
are ``month_days`` long; days may be written as fractions (a range of an assumption may end in one) and are rounded.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from sim.fields import Model, Name, NotNegative, Share
from sim.fields import wrong as _wrong

Days = Annotated[float, Field(ge=0, le=4000)]
Hours = Annotated[float, Field(ge=0, le=24)]
Points = Annotated[float, Field(ge=0, le=4)]
Times = Annotated[int, Field(ge=0, le=100)]
Spread = Annotated[float, Field(ge=0, le=1)]


class Learning(Model):
    """How somebody new comes up to speed: in a straight line over calendar days (four weeks where outsourced, F3)."""

    start_speed_share: Annotated[float, Field(gt=0, le=1, description="pace on the first day, of one's own")] = 1.0
    full_speed_days: Annotated[Days, Field(description="days until the pace is one's own")] = 0.0


class Quitting(Model):
    """Why a leader quits: a base and three pressures (F36, F64); whom he takes along; when somebody follows.

    The pressures multiply the base by exp(weight × excess), the excess being hours a day above what is bearable, or the
    share of the income floor that is missing. A weight of 0 switches a pressure off.
    """

    base_per_month_share: Annotated[Share, Field(description="leaders who quit in a month without any pressure")] = 0.0
    most_per_month_share: Annotated[Share, Field(description="no pressure makes more than these quit in a month")] = 0.5
    memory_days: Annotated[
        float, Field(ge=1, le=365, description="days over which load and income are felt; who is newer does not judge")
    ] = 14.0
    process_burden: Annotated[
        NotNegative, Field(description="felt hours per hour of service work: forms, codes, call-backs (F36)")
    ] = 1.0
    bearable_service_h: Annotated[Hours, Field(description="felt hours of service work a day that are bearable")] = 1.0
    service_weight_per_h: Annotated[NotNegative, Field(description="weight of each felt hour above (F36)")] = 0.0
    bearable_work_h: Annotated[Hours, Field(description="hours of goods and service a day that are bearable")] = 4.0
    work_weight_per_h: Annotated[NotNegative, Field(description="weight of each hour above (F64)")] = 0.0
    commission_share: Annotated[Share, Field(description="of the value of the leader's orders")] = 0.1
    basket_yuan: Annotated[NotNegative, Field(description="value of an order")] = 25.0
    income_floor_yuan_per_month: Annotated[NotNegative, Field(description="below this the work is not worth it")] = 0.0
    income_weight: Annotated[NotNegative, Field(description="weight of the missing share of the floor")] = 0.0
    answer_min: Annotated[NotNegative, Field(description="a leader's time for a contact")] = 0.0
    case_min: Annotated[NotNegative, Field(description="a leader's time for a case that he closes, beside it")] = 0.0
    hand_out_s: Annotated[NotNegative, Field(description="a leader's time to hand out an order")] = 0.0
    users_taken_low_share: Annotated[Share, Field(description="least share of his users taken along (F64)")] = 0.0
    users_taken_high_share: Annotated[Share, Field(description="largest share of his users taken along (F64)")] = 0.0
    replaced_after_days: Annotated[Days, Field(description="days without a leader, exactly (F60: 7)")] = 14.0

    @model_validator(mode="after")
    def _in_order(self) -> Quitting:
        if self.users_taken_low_share > self.users_taken_high_share:
            raise _wrong("users_taken_low_share is above users_taken_high_share; allowed: at most that")
        if self.bearable_work_h < self.bearable_service_h:
            raise _wrong("bearable_work_h is below bearable_service_h; allowed: at least that, it includes service")
        return self


class LeaderStaff(Model):
    """The leaders (F2, F21, F34, F36, F64). ``pool`` is the scenario's pool of leaders, one server for each; its roster
    is the frame of their day."""

    pool: Name
    day_off_share: Annotated[Share, Field(description="days on which a leader does not open")] = 0.0
    festival_factor: Annotated[Share, Field(description="festival absence, relative to that of other staff")] = 1.0
    pace_cv: Annotated[Spread, Field(description="spread of individual times")] = 0.0
    learning: Learning = Learning()
    exam_pass_share: Annotated[Share, Field(description="leaders who pass the monthly exam (F2); 1: no exam")] = 1.0
    exams_failed: Annotated[Times, Field(description="fails in a row that suspend (F2); 0: never")] = 2
    activity_share: Annotated[Share, Field(description="leaders who hold the month's activity (F2); 1: no rule")] = 1.0
    activities_missed: Annotated[Times, Field(description="missed in a row that suspend (F2); 0: never")] = 2
    suspended_days: Annotated[Days, Field(description="days without orders of a suspended leader")] = 7.0
    training_h_per_month: Annotated[NotNegative, Field(description="training, in his own time (F34)")] = 0.0
    quitting: Quitting = Quitting()


class Contract(Model):
    """What in-house and outsourced agents differ in (F3)."""

    turnover_per_month_share: Annotated[Share, Field(description="agents who leave in a month by themselves")] = 0.0
    vacancy_days: Annotated[Days, Field(description="days until the seat is filled")] = 0.0
    induction_days: Annotated[Days, Field(description="first days on the payroll, in a class room")] = 0.0
    learning: Learning = Learning()
    grade_lost_new: Annotated[Points, Field(description="grade that a new agent lacks, made up with the pace")] = 0.0
    grade_lost: Annotated[Points, Field(description="grade lacking for good: less product knowledge (F3)")] = 0.0


class Outsourcing(Model):
    """Seats ordered from a contractor: a forecast of orders fixed days ahead, and least seats (F3)."""

    share: Annotated[Share, Field(description="of the seats of every group of agents")] = 0.0
    least_seats_share: Annotated[Share, Field(description="least seats, of the outsourced ones; 1: always all")] = 1.0
    fixed_ahead_days: Annotated[Days, Field(description="the forecast for a day is made so long before")] = 14.0
    forecast_over_days: Annotated[
        float, Field(ge=1, le=365, description="it is the mean of the orders of so many days up to then")
    ] = 7.0
    orders_per_seat_per_day: Annotated[
        float, Field(gt=0, le=1e9, description="orders a day for which one seat is planned, of all seats")
    ] = 1.0


class Grading(Model):
    """Star grades and what follows from them (F34); the standard's rules, all off by default.

    Each month agents with enough cases are ranked by the weighted sum of three standard scores within their pool: mean
    satisfaction (F34: users 40), share of cases solved (superior 30, peers 20), time from answer to end (system 10).
    """

    satisfaction_weight: Share = 0.4
    resolution_weight: Share = 0.5
    pace_weight: Share = 0.1
    from_cases: Annotated[int, Field(ge=1, description="cases from which on an agent is graded")] = 20
    carried_share: Annotated[
        float, Field(ge=0, lt=1, description="evidence of past months that still counts a month later")
    ] = 0.0
    outer_star_share: Annotated[float, Field(ge=0, le=0.25, description="ranked one star, and as many five")] = 0.10
    inner_star_share: Annotated[float, Field(ge=0, le=0.25, description="ranked two stars, and as many four")] = 0.20
    coached_share: Annotated[Share, Field(description="lowest, coached in the next month (F34: 10 %)")] = 0.0
    coaching_h: Annotated[NotNegative, Field(description="hours of a coaching, off the floor")] = 0.0
    coaching_pace_gain_share: Share = 0.0
    coaching_grade_gain: Points = 0.0
    lowest_share: Annotated[Share, Field(description="lowest that count for retraining (F34: 5 %)")] = 0.0
    lowest_months: Annotated[Times, Field(description="months among them, in a row; 0: never (F34: 2)")] = 0
    one_star_months: Annotated[Times, Field(description="months of one star, in a row; 0: never (F34: 3)")] = 0
    retraining_days: Annotated[Days, Field(description="off the floor, paid")] = 7.0
    retraining_pace_gain_share: Share = 0.0
    retraining_grade_gain: Points = 0.0
    most_pace_gain_share: Annotated[Share, Field(description="all coaching of one agent gains no more")] = 0.15
    most_grade_gain: Annotated[Points, Field(description="all coaching of one agent gains no more")] = 1.0
    bad_quarters: Annotated[
        Times, Field(description="quarters among the lowest that are coached, in a row, then moved; 0: never (F34: 2)")
    ] = 0
    yellow_cards: Annotated[Times, Field(description="dismissed with so many; 0: never (F34: 3)")] = 0
    yellow_card_per_month_share: Annotated[Share, Field(description="agents given one in a month (F35)")] = 0.0


class AgentStaff(Model):
    """The agents (F3, F34): in-house and outsourced seats in the scenario's ``pools``."""

    pools: Annotated[list[Name], Field(max_length=64)] = []
    festival_factor: Annotated[Share, Field(description="festival absence, relative to the calendar's share")] = 1.0
    morning_meeting_min: Annotated[float, Field(ge=0, le=240, description="at the start of a shift (F3: 10)")] = 0.0
    pace_cv: Annotated[Spread, Field(description="spread of individual handle times")] = 0.0
    grade_sd: Annotated[Points, Field(description="spread of individual grades around 3")] = 0.0
    training_h_per_month: Annotated[NotNegative, Field(description="off the floor, paid (F34)")] = 0.0
    off_floor_h_per_day: Annotated[
        float, Field(gt=0, le=24, description="at most so much training and coaching on one day")
    ] = 2.0
    in_house: Contract = Contract()
    outsourced: Contract = Contract()
    outsourcing: Outsourcing = Outsourcing()
    grading: Grading = Grading()


class StaffSection(Model):
    """Everybody who works: leaders, agents, and the others (suppliers, supervisors), whom only festivals keep away."""

    leaders: LeaderStaff | None = None
    agents: AgentStaff = AgentStaff()
    others_festival_factor: Annotated[
        Share, Field(description="festival absence of all others with a roster, relative to the calendar's share")
    ] = 1.0
    month_days: Annotated[int, Field(ge=1, le=366, description="length of a month for exams, grades and rates")] = 30

    @model_validator(mode="after")
    def _apart(self) -> StaffSection:
        pools = self.agents.pools
        if len(set(pools)) < len(pools):
            raise _wrong("a pool of agents is named twice; allowed: each pool once")
        if self.leaders is not None and self.leaders.pool in pools:
            raise _wrong(f"the pool '{self.leaders.pool}' is one of leaders and of agents; allowed: one of them")
        return self
