"""Leaders: why they quit, how long nobody follows, whom they take along, exams, days off."""

from typing import Any

import numpy as np
import pytest
from staff_days import contact_rows, delivery, evening, places, platform, staff, today

from sim.sections.places import Places
from sim.sections.staff import Quitting, StaffSection
from sim.world.chance import Chance
from sim.world.geography import Geography, geography
from sim.world.leaders import Feelings, pressure
from sim.world.staff import Staff, problems_of_staff

WHERE = places()
MANY = places(communities=200, leaders_each=5)


def leaders(where: Geography = WHERE, seed: int = 1, **fields: Any) -> Staff:
    return staff({"leaders": fields}, where=where, seed=seed)


def live(of: Staff, where: Geography, days: int, start: int = 0, **evenings: Any) -> tuple[int, int]:
    """Mornings and evenings; all leaders lost and replaced."""
    lost = replaced = 0
    for day in range(start, start + days):
        of.morning(today(day))
        turnover = evening(of, where, day, **evenings)
        lost += int(turnover.leaders_lost.sum())
        replaced += int(turnover.leaders_replaced.sum())
    return lost, replaced


# ── quitting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_month_loses_the_share_that_the_base_says() -> None:
    of = leaders(MANY, quitting={"base_per_month_share": 0.1, "replaced_after_days": 0})
    lost, replaced = live(of, MANY, 90)
    daily = 1 - 0.9 ** (1 / 30)
    mean = 90 * 1000 * daily
    assert abs(lost - mean) < 3.3 * mean**0.5
    assert replaced == lost


def test_leaders_lost_and_replaced_balance() -> None:
    of = leaders(MANY, quitting={"base_per_month_share": 0.2, "replaced_after_days": 14})
    lost, replaced = live(of, MANY, 60)
    assert 1000 - lost + replaced == int(of.leaders_active.sum())
    assert lost > replaced > 0


def test_a_leader_who_quit_is_missing_for_exactly_the_delay_and_the_next_one_is_slower() -> None:
    of = leaders(
        MANY,
        learning={"start_speed_share": 0.7, "full_speed_days": 30},
        quitting={"base_per_month_share": 0.2, "replaced_after_days": 14},
    )
    seen, paces = [], []
    for day in range(60):
        seen.append(of.leaders_active)
        morning = of.morning(today(day))
        assert (np.isin(of.leader_servers, morning.server) == seen[-1]).all()
        paces.append(morning.speed_pm[of.leader_servers])
        evening(of, MANY, day)
    there, speeds = np.array(seen), np.array(paces)
    for leader in range(there.shape[1]):
        changes = np.flatnonzero(np.diff(there[:, leader])) + 1
        assert (np.diff(changes)[::2] == 14).all()
        for back in changes[1::2]:
            assert speeds[back : back + 2, leader].tolist() == [700, 710][: 60 - back]
    assert (np.diff(there, axis=0).sum(axis=0) >= 2).any()


def test_nobody_quits_without_a_base_whatever_the_pressure() -> None:
    rules = {"service_weight_per_h": 5.0, "work_weight_per_h": 5.0, "answer_min": 60.0}
    of = leaders(quitting=rules)
    calls = contact_rows(np.repeat(of.leader_servers, 20))
    assert live(of, WHERE, 60, contacts=calls) == (0, 0)


@pytest.mark.parametrize(
    ("service_h", "goods_h", "income", "exponent"),
    [
        (1.0, 2.0, 2000.0, 0.0),  # bearable in all
        (2.0, 0.0, 2000.0, 0.5 * 1.0),  # one felt hour too many
        (1.0, 4.0, 2000.0, 0.3 * 1.0),  # an hour of goods too many
        (2.0, 4.0, 2000.0, 0.5 * 1.0 + 0.3 * 1.0),  # the hour of service counts once
        (0.0, 0.0, 500.0, 2.0 * 0.5),  # half of the floor missing
    ],
)
def test_pressure_by_hand(service_h: float, goods_h: float, income: float, exponent: float) -> None:
    rule = Quitting(
        bearable_service_h=1,
        service_weight_per_h=0.5,
        bearable_work_h=4,
        work_weight_per_h=0.3,
        income_floor_yuan_per_month=1000,
        income_weight=2,
    )
    found = pressure(rule, np.array([service_h]), np.array([goods_h]), np.array([income]))
    assert found[0] == pytest.approx(np.exp(exponent))


def test_a_process_that_weighs_more_drives_more_leaders_away() -> None:
    gone = []
    for burden in (0.0, 1.0, 2.0):
        of = leaders(
            MANY,
            quitting={
                "base_per_month_share": 0.05,
                "memory_days": 1,
                "process_burden": burden,
                "bearable_service_h": 1,
                "service_weight_per_h": 1.0,
                "answer_min": 12,
                "most_per_month_share": 1.0,
            },
        )
        calls = contact_rows(np.repeat(of.leader_servers, 10))  # two hours
        live(of, MANY, 1, contacts=calls)
        gone.append(set(np.flatnonzero(~of.leaders_active).tolist()))
    assert gone[0] <= gone[1] < gone[2]


@pytest.mark.parametrize("what", ["goods", "round", "income"])
def test_more_goods_longer_rounds_and_less_income_drive_more_leaders_away(what: str) -> None:
    gone = []
    for much in (False, True):
        of = leaders(
            MANY,
            quitting={
                "base_per_month_share": 0.05,
                "memory_days": 1,
                "work_weight_per_h": 0.5,
                "bearable_work_h": 4,
                "hand_out_s": 60,
                "income_floor_yuan_per_month": 1500 if what == "income" else 0,
                "income_weight": 2,
            },
        )
        orders = {"goods": (60, 600), "round": (60, 60), "income": (60, 5)}[what][much]
        minutes = {"goods": (60, 60), "round": (60, 480), "income": (60, 60)}[what][much]
        live(of, MANY, 1, goods=delivery(MANY, orders, minutes))
        gone.append(set(np.flatnonzero(~of.leaders_active).tolist()))
    assert gone[0] < gone[1]


def test_pressure_is_felt_only_after_some_time_on_the_post() -> None:
    felt = Feelings(2, 3.0)
    both, none = np.ones(2, dtype=np.bool_), np.zeros(2)
    for hours, judging in ((6.0, False), (0.0, False), (0.0, True), (2.0, True)):
        felt.live(both, np.full(2, hours), none, np.zeros(2, dtype=np.int64))
        assert felt.judging.tolist() == [judging] * 2
    # a plain mean of three days, 2, then a third of the way to 2
    assert felt.service_h.tolist() == [2.0, 2.0]
    felt.forget(np.array([1]))
    assert felt.days.tolist() == [4, 0]


# ── whom they take along ─────────────────────────────────────────────────────────────────────────────────────────────


def test_who_quits_takes_along_a_third_to_two_thirds_of_his_own_users() -> None:
    where = places(communities=300, leaders_each=1, users_each=1000)
    of = leaders(
        where,
        quitting={
            "base_per_month_share": 1.0,
            "most_per_month_share": 1.0,
            "users_taken_low_share": 0.3,
            "users_taken_high_share": 0.6,
        },
    )
    of.morning(today(0))
    turnover = evening(of, where, 0)
    taken = turnover.users_taken[turnover.leaders_lost > 0]
    assert taken.size > 50
    assert taken.min() >= 300
    assert taken.max() <= 600
    assert taken.mean() == pytest.approx(450, abs=45)
    assert (turnover.users_taken[turnover.leaders_lost == 0] == 0).all()


def test_his_users_are_those_of_the_community_divided_by_its_leaders() -> None:
    where = places(communities=300, leaders_each=4, users_each=1000)
    of = leaders(
        where,
        quitting={"base_per_month_share": 0.2, "users_taken_low_share": 0.4, "users_taken_high_share": 0.4},
    )
    of.morning(today(0))
    turnover = evening(of, where, 0)
    assert turnover.users_taken.tolist() == (100 * turnover.leaders_lost).tolist()
    assert turnover.leaders_lost.sum() > 0


def test_nobody_takes_along_users_who_are_not_there() -> None:
    where = places(communities=50, leaders_each=2, users_each=0)
    of = leaders(
        where,
        quitting={"base_per_month_share": 1.0, "most_per_month_share": 1.0, "users_taken_high_share": 1.0},
    )
    lost, _ = live(of, where, 5)
    assert lost > 0
    turnover = evening(of, where, 5)
    assert turnover.users_taken.sum() == 0


# ── exams, activities, days off (F2) ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("share", ["exam_pass_share", "activity_share"])
def test_two_in_a_row_suspend_orders_for_a_week(share: str) -> None:
    of = leaders(**{share: 0.0}, suspended_days=7)
    active = []
    for day in range(70):
        active.append(bool(of.leaders_active[0]))
        morning = of.morning(today(day))
        assert bool((morning.server == of.leader_servers[0]).any()) == active[-1]
        evening(of, WHERE, day)
    assert [day for day, there in enumerate(active) if not there] == list(range(60, 67))


def test_who_passes_in_between_is_not_suspended() -> None:
    of = leaders(MANY, exam_pass_share=0.5)
    live(of, MANY, 60)
    suspended = ~of.leaders_active
    failed = [Chance(1, 0).uniform("staff:exam", MANY.leader_key, day) >= 0.5 for day in (29, 59)]
    assert (suspended == (failed[0] & failed[1])).all()


def test_suspended_leaders_are_neither_lost_nor_replaced() -> None:
    of = leaders(exam_pass_share=0.0)
    assert live(of, WHERE, 80) == (0, 0)
    assert of.leaders_active.all()


def test_days_off_close_the_shop_for_a_day_and_the_leader_stays_active() -> None:
    of = leaders(MANY, day_off_share=0.2)
    there = []
    for day in range(20):
        morning = of.morning(today(day))
        assert morning.leaders_active.all()
        there.append(np.isin(of.leader_servers, morning.server).mean())
    assert np.mean(there) == pytest.approx(0.8, abs=0.01)


def test_training_of_leaders_is_counted_in_hours() -> None:
    assert leaders(training_h_per_month=3).morning(today(0)).trained_h == pytest.approx(4 * 3 / 30)


# ── luck by name ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_more_leaders_in_one_community_change_no_other_community() -> None:
    def listed(first: int) -> Geography:
        one = {"city": "city", "users": 1000, "x_km": 0, "y_km": 0}
        return geography(
            Places.model_validate(
                {"listed": [{**one, "community": f"c{i}", "leaders": first if i == 0 else 3} for i in range(30)]}
            )
        )

    rules = {
        "day_off_share": 0.2,
        "exam_pass_share": 0.6,
        "pace_cv": 0.2,
        "quitting": {"base_per_month_share": 0.3, "users_taken_low_share": 0.3, "users_taken_high_share": 0.6},
    }
    few, many = listed(2), listed(7)
    one, other = leaders(few, **rules), leaders(many, **rules)
    for day in range(65):
        a, b = one.morning(today(day, 0.3, "spring")), other.morning(today(day, 0.3, "spring"))
        assert (np.isin(one.leader_servers, a.server)[2:] == np.isin(other.leader_servers, b.server)[7:]).all()
        assert (a.speed_pm[one.leader_servers[2:]] == b.speed_pm[other.leader_servers[7:]]).all()
        x, y = evening(one, few, day), evening(other, many, day)
        assert (x.users_taken[1:] == y.users_taken[1:]).all()
        assert (x.leaders_lost[1:] == y.leaders_lost[1:]).all()


# ── what does not fit together ───────────────────────────────────────────────────────────────────────────────────────


def test_what_fits_has_no_problems() -> None:
    section = StaffSection.model_validate({"agents": {"pools": ["chat"]}, "leaders": {"pool": "leaders"}})
    assert list(problems_of_staff(section, platform(leaders=4), WHERE)) == []


@pytest.mark.parametrize(
    ("section", "servers", "message"),
    [
        ({"leaders": {"pool": "leaders"}}, 5, "5 servers for the 4 leaders of the places"),
        ({"leaders": {"pool": "lead"}}, 4, "there is no pool 'lead'"),
        ({"leaders": {"pool": "leaders"}, "agents": {"pools": ["mail"]}}, 4, "there is no pool 'mail'"),
        ({}, 4, "the places have 4 leaders and no pool is theirs"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(section: dict[str, Any], servers: int, message: str) -> None:
    found = list(problems_of_staff(StaffSection.model_validate(section), platform(leaders=servers), WHERE))
    assert [text for _, text, _ in found] == [message]
    assert all(path[0] in ("world", "pools") and allowed for path, _, allowed in found)


def test_a_roster_of_leaders_that_counts_them_is_refused() -> None:
    of = platform()
    group = of.pools["leaders"].groups[0].model_copy(update={"days_per_week": 6, "break_min": 30.0})
    pools = {**of.pools, "leaders": of.pools["leaders"].model_copy(update={"groups": [group]})}
    found = list(
        problems_of_staff(
            StaffSection.model_validate({"leaders": {"pool": "leaders"}}), of.model_copy(update={"pools": pools}), WHERE
        )
    )
    assert [path[-1] for path, _, _ in found] == ["days_per_week", "break_min"]


def test_a_number_of_servers_that_is_not_that_of_leaders_stops_the_world() -> None:
    with pytest.raises(ValueError, match="5 servers for 4 leaders; allowed: one for each"):
        staff(scenario=platform(leaders=5), where=WHERE)
