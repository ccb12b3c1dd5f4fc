"""Agents: turnover, learning, outsourced seats, star grades and what follows from them."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from staff_days import case_rows, contact_rows, evening, places, platform, staff, today, windows_of

from sim.sections.staff import StaffSection
from sim.world.agents import lowest, standard_scores
from sim.world.staff import Staff

WHERE = places()
LEAVING = {"turnover_per_month_share": 0.125}


def agents(count: int = 10, seed: int = 1, of_group: dict[str, Any] | None = None, **fields: Any) -> Staff:
    return staff({"agents": fields}, platform(agents=count, **(of_group or {})), WHERE, seed)


def live(of: Staff, days: int, **evenings: Any) -> list[tuple[int, int]]:
    """Mornings and evenings; agents lost and hired by day."""
    moved = []
    for day in range(days):
        of.morning(today(day))
        turnover = evening(of, WHERE, day, **evenings)
        moved.append((turnover.agents_lost, turnover.agents_hired))
    return moved


def month(of: Staff, quality: Any, number: int = 0, solved: Any = None, cases: int = 20) -> None:
    """A month in which every agent closes cases of a satisfaction of his own (and answers as many contacts)."""
    servers = of.agents.servers
    for day in range(number * 30, number * 30 + 30):
        of.morning(today(day))
        last = day % 30 == 29
        rows = np.repeat(servers, cases) if last else servers[:0]
        shares = np.ones(servers.size) if solved is None else np.asarray(solved)
        good = np.concatenate([np.arange(cases) < share * cases for share in shares]) if last else ()
        points = np.repeat(np.asarray(quality, dtype=np.float64), cases) if last else ()
        evening(of, WHERE, day, case_rows(rows, good), points, contact_rows(rows))


# ── turnover ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_loses_the_share_that_its_rate_says() -> None:
    of = agents(3000, in_house=LEAVING)
    lost = sum(gone for gone, _ in live(of, 60))
    filled_days = 60 * 3000
    daily = 1 - 0.875 ** (1 / 30)
    spread = (filled_days * daily * (1 - daily)) ** 0.5
    assert abs(lost - filled_days * daily) < 3.3 * spread


def test_agents_and_vacancies_are_all_seats_and_move_by_who_comes_and_goes() -> None:
    of = agents(200, in_house={**LEAVING, "vacancy_days": 10})
    before = of.agents_on_payroll
    for lost, hired in live(of, 50):
        before += hired - lost
    assert of.agents_on_payroll == before
    assert of.agents_on_payroll + of.vacancies == 200
    assert of.vacancies > 0


def test_a_seat_is_empty_for_exactly_the_vacancy_and_is_not_paid() -> None:
    of = agents(40, in_house={**LEAVING, "vacancy_days": 5})
    seen, pay = [], []
    for day in range(40):
        morning = of.morning(today(day))
        seen.append(np.isin(of.agents.servers, morning.server))
        pay.append(morning.paid_h[:2].sum())
        evening(of, WHERE, day)
    there = np.array(seen)
    assert (np.array(pay) == 8 * there.sum(axis=1)).all()
    empty = [np.diff(np.flatnonzero(np.diff(np.r_[1, column, 1]))).tolist() for column in there.T.astype(int)]
    gaps = [gap[::2] for gap in empty if gap]
    assert gaps
    assert all(gap == 5 for of_seat in gaps for gap in of_seat[:-1])
    assert all(of_seat[0] == 5 for of_seat in gaps if len(of_seat) > 1)


def test_without_vacancy_the_next_one_begins_the_next_morning() -> None:
    of = agents(100, in_house=LEAVING)
    moved = live(of, 30)
    assert all(lost == hired for lost, hired in moved)
    assert of.vacancies == 0


def test_more_turnover_loses_those_who_left_anyway_and_others() -> None:
    few, many = (agents(500, in_house={"turnover_per_month_share": share}) for share in (0.3, 0.6))
    for of in (few, many):
        of.morning(today(0))
        evening(of, WHERE, 0)
    gone = [set(np.flatnonzero(of.agents.seats.person).tolist()) for of in (few, many)]
    assert gone[0] < gone[1]


def test_one_more_seat_changes_nobody_elses_luck() -> None:
    fields: dict[str, Any] = {
        "in_house": LEAVING,
        "outsourced": LEAVING,
        "outsourcing": {"share": 0.4},
        "pace_cv": 0.3,
        "grade_sd": 0.5,
    }
    few, many = agents(50, **fields), agents(51, **fields)
    live(few, 40)
    live(many, 40)
    old = np.r_[0:48, 49:51]  # the new one is the last of the chat group, before the two of the phone group
    assert (few.agents.seats.person == many.agents.seats.person[old]).all()
    assert (few.agents.outsourced == many.agents.outsourced[old]).all()
    assert (few.agents.pace(40) == many.agents.pace(40)[old]).all()
    assert (few.agents.grade(40) == many.agents.grade(40)[old]).all()


def test_other_seeds_and_replications_have_other_people() -> None:
    paces = [agents(20, seed, pace_cv=0.3).agents.pace(0).tolist() for seed in (1, 2)]
    assert paces[0] != paces[1]


# ── learning ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_new_learns_in_a_straight_line_from_his_first_day_on_the_floor() -> None:
    learning = {"start_speed_share": 0.6, "full_speed_days": 28}
    of = agents(1, in_house={"vacancy_days": 3, "induction_days": 2, "learning": learning})
    of.agents.seats.empty(np.array([0]), np.array([3]))
    speeds, there, trained = {}, {}, {}
    for day in range(40):
        morning = of.morning(today(day))
        speeds[day], there[day], trained[day] = (
            morning.speed_pm[0],
            bool((morning.server == 0).any()),
            morning.trained_h,
        )
        evening(of, WHERE, day)
    assert [there[day] for day in range(7)] == [False, False, False, False, False, True, True]
    assert [trained[day] for day in range(7)] == [0, 0, 0, 8, 8, 0, 0]
    by_hand = {5: 600, 12: 700, 19: 800, 26: 900, 33: 1000, 39: 1000}
    assert {day: speeds[day] for day in by_hand} == by_hand


def test_paces_are_the_same_array_until_somebody_learns() -> None:
    of = agents(5, pace_cv=0.2, in_house={"learning": {"start_speed_share": 0.5, "full_speed_days": 10}})
    first = of.morning(today(0)).speed_pm
    live(of, 3)
    assert of.morning(today(3)).speed_pm is first
    of.agents.seats.empty(np.array([2]), np.array([5]))
    evening(of, WHERE, 4)
    second = of.morning(today(5)).speed_pm
    assert second is not first
    assert np.flatnonzero(second != first).tolist() == [2]


def test_individual_paces_keep_the_mean_handle_time() -> None:
    speeds = agents(4000, pace_cv=0.25).morning(today(0)).speed_pm[:4000]
    assert (1000 / speeds).mean() == pytest.approx(1, abs=0.02)
    assert (1000 / speeds).std() == pytest.approx(0.25, abs=0.02)


def test_the_longest_range_of_paces_never_stops_anybody() -> None:
    slow = agents(50, pace_cv=1.0, in_house={"learning": {"start_speed_share": 0.001, "full_speed_days": 100}})
    slow.agents.seats.since[:] = 0
    slow.agents.changed = True
    assert slow.morning(today(0)).speed_pm.min() >= 1


# ── outsourced seats (F3) ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("share", "seats"), [(0.0, 0), (0.3, 3), (0.5, 5), (1.0, 10)])
def test_the_outsourced_share_of_a_group_is_rounded_half_up(share: float, seats: int) -> None:
    of = agents(12, outsourcing={"share": share})
    assert int(of.agents.outsourced[:10].sum()) == seats


def test_seats_follow_the_forecast_of_14_days_before_and_never_fall_below_the_least() -> None:
    rule = {"share": 0.5, "least_seats_share": 0.4, "forecast_over_days": 1, "orders_per_seat_per_day": 100}
    of = agents(20, outsourcing=rule)
    ordered = []
    for day in range(40):
        ordered.append(int((of.agents.ordered & of.agents.outsourced).sum()))
        of.morning(today(day))
        # 20 seats are planned for 2,000 orders a day; half of them are outsourced.
        evening(of, WHERE, day, orders={0: 1000, 1: 750}.get(day, 50 if day < 20 else 5000))
    assert ordered[:14] == [10] * 14
    assert ordered[14:17] == [10, 8, 4]
    assert ordered[33:35] == [4, 10]


def test_seats_that_are_not_ordered_neither_work_nor_cost() -> None:
    rule = {"share": 0.5, "least_seats_share": 0.0, "forecast_over_days": 7, "orders_per_seat_per_day": 100}
    of = agents(20, outsourcing=rule)
    live(of, 20)
    morning = of.morning(today(20))
    assert morning.paid_h[:2].sum() == 80
    assert of.outsourced_paid_h.sum() == 0
    assert set(morning.server.tolist()) & set(of.agents.servers[of.agents.outsourced].tolist()) == set()
    assert of.agents_on_payroll + of.vacancies == 20


def test_paid_hours_of_outsourced_seats_are_told_apart() -> None:
    of = agents(12, outsourcing={"share": 0.5})
    morning = of.morning(today(0))
    assert of.outsourced_paid_h.tolist() == [5 * 8, 8, 0, 0]
    assert morning.paid_h[:2].tolist() == [80, 16]


def test_outsourced_agents_know_less_and_leave_more_often() -> None:
    of = agents(
        2000,
        in_house={"turnover_per_month_share": 0.03},
        outsourced={"turnover_per_month_share": 0.13, "grade_lost": 0.4},
        outsourcing={"share": 0.5},
    )
    live(of, 20)
    out = of.agents.outsourced
    assert of.grade[of.agents.servers[out]].tolist() == [pytest.approx(2.6)] * int(out.sum())
    assert (of.grade[of.agents.servers[~out]] == 3).all()
    assert of.agents.seats.person[out].sum() > 2 * of.agents.seats.person[~out].sum()


# ── meetings and training ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_morning_meeting_takes_the_first_ten_minutes_of_agents_alone() -> None:
    morning = agents(4, morning_meeting_min=10).morning(today(0))
    assert windows_of(morning, 0) == [(8 + 1 / 6, 16)]
    assert windows_of(morning, 4) == [(7, 23)]
    assert morning.paid_h[0] == 16


def test_monthly_training_is_taken_off_the_floor_in_daily_portions() -> None:
    of = agents(1, training_h_per_month=3, off_floor_h_per_day=2)
    hours, starts = [], []
    for day in range(30):
        morning = of.morning(today(day))
        hours.append(morning.trained_h)
        starts.append(windows_of(morning, 0)[0][0] - 24 * day)
        evening(of, WHERE, day)
    assert hours == [2, 1] + [0] * 28
    assert starts[:3] == [10, 9, 8]


# ── star grades and what follows from them (F34) ─────────────────────────────────────────────────────────────────────


def test_standard_scores_are_taken_within_a_pool() -> None:
    values, pool = np.array([1.0, 3.0, 10.0, 10.0]), np.array([0, 0, 1, 1])
    assert standard_scores(values, pool).tolist() == [-1, 1, 0, 0]
    assert standard_scores(values[:0], pool[:0]).size == 0


def test_the_lowest_share_is_rounded_half_up() -> None:
    order = np.arange(10)
    assert [lowest(order, share).tolist() for share in (0.0, 0.04, 0.05, 0.2)] == [[], [], [0], [0, 1]]


def test_stars_follow_satisfaction_and_are_given_by_rank() -> None:
    of = agents(12)
    month(of, np.r_[np.linspace(2, 4, 10), 3, 3])
    stars = of.agents.stars[:10]
    assert (np.diff(stars) >= 0).all()
    assert (stars[0], stars[-1]) == (1, 5)
    assert of.stars[12:].tolist() == [3] * 5


def test_who_solves_more_and_who_is_quicker_is_graded_higher() -> None:
    of = agents(12)
    month(of, np.full(12, 3.0), solved=np.r_[np.linspace(0.3, 0.9, 10), 0.5, 0.5])
    assert (np.diff(of.agents.stars[:10]) >= 0).all()
    of = agents(12)
    servers = np.repeat(of.agents.servers, 20)
    of.morning(today(0))
    minutes = np.repeat(np.r_[np.linspace(4, 20, 10), 5, 5], 20)
    evening(of, WHERE, 0, case_rows(servers), None, contact_rows(servers, minutes))
    _, score = of.agents.scores()
    assert (np.diff(score[:10]) < 0).all()


def test_who_has_too_few_cases_keeps_his_stars() -> None:
    of = agents(12)
    month(of, np.linspace(1, 5, 12), cases=19)
    assert (of.agents.stars == 3).all()


def test_the_lowest_tenth_is_coached_off_the_floor_and_gains() -> None:
    grading = {
        "coached_share": 0.1,
        "coaching_h": 3,
        "coaching_pace_gain_share": 0.05,
        "coaching_grade_gain": 0.2,
    }
    of = agents(12, grading=grading)
    month(of, np.r_[1.0, np.linspace(3, 4, 11)])
    found = []
    for day in range(30, 33):
        morning = of.morning(today(day))
        found.append((morning.trained_h, windows_of(morning, 0)[0][0] - 24 * day))
        evening(of, WHERE, day)
    after = of.morning(today(33))
    assert found == [(2, 10), (1, 9), (0, 8)]
    assert after.speed_pm[:12].tolist() == [1050] + [1000] * 11
    assert of.grade[:12].tolist() == [3.2] + [3.0] * 11


def test_coaching_has_an_end() -> None:
    grading = {
        "coached_share": 0.1,
        "coaching_pace_gain_share": 0.1,
        "coaching_grade_gain": 0.5,
        "most_pace_gain_share": 0.15,
        "most_grade_gain": 0.6,
    }
    of = agents(12, grading=grading)
    for number in range(4):
        month(of, np.r_[1.0, np.linspace(3, 4, 11)], number)
    assert of.agents.pace(120)[0] == pytest.approx(1.15)
    assert of.agents.grade(120)[0] == pytest.approx(3.6)


@pytest.mark.parametrize(
    ("rules", "months"), [({"lowest_share": 0.05, "lowest_months": 2}, 2), ({"one_star_months": 3}, 3)]
)
def test_who_is_lowest_too_long_is_retrained_for_a_week(rules: dict[str, Any], months: int) -> None:
    of = agents(12, grading={**rules, "retraining_days": 7, "retraining_grade_gain": 0.5})
    quality = np.r_[1.0, np.linspace(3, 4, 11)]
    for number in range(months):
        if number == months - 1:
            assert of.agents.grade(0)[0] == 3
        month(of, quality, number)
    day = months * 30
    there = []
    for later in range(day, day + 9):
        morning = of.morning(today(later))
        there.append((bool((morning.server == 0).any()), morning.trained_h))
        assert morning.paid_h[0] == 80
        evening(of, WHERE, later)
    assert there == [(False, 8.0)] * 7 + [(True, 0.0)] * 2
    assert of.agents.grade(0)[0] == 3.5


def test_two_bad_quarters_in_a_row_move_the_agent_away() -> None:
    of = agents(12, grading={"coached_share": 0.1, "bad_quarters": 2})
    quality = np.r_[1.0, np.linspace(3, 4, 11)]
    for number in range(5):
        month(of, quality, number)
    assert (of.agents.seats.person == 0).all()
    month(of, quality, 5)
    assert of.agents.seats.person.tolist() == [1] + [0] * 11


def test_the_third_yellow_card_dismisses() -> None:
    of = agents(5, grading={"yellow_cards": 3, "yellow_card_per_month_share": 1.0})
    moved = live(of, 91)
    assert [day for day, (lost, _) in enumerate(moved) if lost] == [89]
    assert moved[89][0] == 5


def test_a_new_agent_has_none_of_the_past_of_the_one_before() -> None:
    of = agents(12, grading={"coached_share": 0.1, "coaching_grade_gain": 0.5})
    month(of, np.r_[1.0, np.linspace(3, 4, 11)])
    assert of.agents.grade(30)[0] == 3.5
    of.agents.seats.empty(np.array([0]), np.array([31]))
    evening(of, WHERE, 30)
    assert of.agents.grade(31)[0] == 3
    assert of.agents.stars[0] == 3


def test_without_rules_stars_are_given_and_nothing_follows() -> None:
    of, bare = agents(12), agents(12)
    month(of, np.linspace(1, 5, 12))
    live(bare, 30)
    one, other = of.morning(today(30)), bare.morning(today(30))
    assert (one.server == other.server).all()
    assert (one.enter == other.enter).all()
    assert (one.speed_pm == other.speed_pm).all()
    assert (of.grade == 3).all()


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"agents": {"pools": ["a", "a"]}}, "named twice"),
        ({"agents": {"pools": ["a"]}, "leaders": {"pool": "a"}}, "of leaders and of agents"),
        ({"agents": {"pace_cv": -1}}, "greater than or equal to 0"),
        ({"agents": {"in_house": {"learning": {"start_speed_share": 0}}}}, "greater than 0"),
        ({"leaders": {"pool": "a", "quitting": {"users_taken_low_share": 0.5}}}, "users_taken_low_share is above"),
        ({"leaders": {"pool": "a", "quitting": {"bearable_work_h": 0.5}}}, "bearable_work_h is below"),
    ],
)
def test_nonsense_is_refused_with_what_is_allowed(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        StaffSection.model_validate(section)
