"""Alarms F70–F75 on hand-made days: when they ring, when they do not, and for whom."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.alarms import AlarmSection
from sim.service.day_records import Alarm, Column, DayRecords
from sim.service.topics import CAUSES
from sim.world.alarms import alarms
from sim.world.columns import COLUMNS
from sim.world.flows import CHANNELS

SECTION = AlarmSection()
EAST, WEST = 0, 1
ALL = slice(None)


def records(days: int = 10, cities: tuple[str, ...] = ("east", "west"), **extra: Column) -> DayRecords:
    """Days on which nothing happens."""
    return DayRecords({**COLUMNS, **extra}, days, cities, CHANNELS, CAUSES)


def put(of: DayRecords, name: str, day: int | slice, city: int | slice, value: float) -> None:
    """Set a column for one city (all of it in one channel and cause)."""
    axes = of.columns[name].axes
    of.values[name][(day, city, *(0 for axis in axes if axis != "city"))] = value


def quiet(days: int = 10, cities: tuple[str, ...] = ("east", "west")) -> DayRecords:
    """Days on which everything is well, and large enough to be judged."""
    of = records(days, cities)
    for name, value in {
        "orders_delivered": 20_000,
        "complaints": 600,
        "contacts_answered": 100,
        "first_response_ms": 100 * 5 * 60_000,
        "rounds": 10,
        "round_min": 900,
        "ratings": 50,
        "satisfaction_recorded": 50 * 4.4,
        "leaders": 100,
    }.items():
        put(of, name, ALL, ALL, value)
    return of


def rang(of: DayRecords, section: AlarmSection = SECTION) -> list[tuple[int, str | None, str]]:
    """Day, city and fact of what rang."""
    return [(one.day, one.city, one.fact) for one in alarms(of, section)]


def test_when_all_is_well_nothing_rings() -> None:
    assert alarms(quiet(days=200), SECTION) == []


def test_with_nothing_to_look_at_nothing_rings_and_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert alarms(records(days=200), SECTION) == []
        assert alarms(records(days=1), SECTION) == []
        assert alarms(DayRecords({}, 5, ("east",), CHANNELS, CAUSES), SECTION) == []


def test_f70_rings_when_more_than_one_order_in_twenty_brings_a_complaint() -> None:
    of = quiet()
    put(of, "complaints", ALL, WEST, 1000)  # exactly 5 %
    assert alarms(of, SECTION) == []
    put(of, "complaints", ALL, WEST, 1001)
    assert set(rang(of)) == {(day, "west", "F70") for day in range(10)}
    put(of, "complaints", ALL, EAST, 1000)
    first = alarms(of, SECTION)[0]
    assert first == Alarm(0, None, "F70", "complaints_per_order", 2001 / 40_000, 0.05)


def test_f70_adds_up_all_places_and_causes() -> None:
    of = quiet(cities=("east",))
    of.values["complaints"][4, EAST] = 20.0  # 56 cells of 20: 1,120 complaints
    assert rang(of) == [(4, None, "F70"), (4, None, "F70")]  # too many, and far more than the day before


def test_f70_does_not_ring_for_a_city_so_small_that_a_complaint_or_two_pass_the_threshold() -> None:
    of = quiet()
    put(of, "orders_delivered", ALL, WEST, 30)
    put(of, "complaints", ALL, WEST, 3)
    assert alarms(of, SECTION) == []
    assert len(alarms(of, SECTION.model_copy(update={"least_orders": 30}))) == 10


def test_f70_rings_on_a_rise_by_more_than_a_tenth_per_order_once_there_are_enough_complaints() -> None:
    of = quiet(cities=("east",))
    put(of, "complaints", 5, EAST, 661)  # 600 × 1.1 = 660
    assert [(a.day, a.name) for a in alarms(of, SECTION)] == [(5, "complaints_per_order_rise")]
    assert alarms(of, SECTION)[0].value == pytest.approx(661 / 600 - 1)
    put(of, "orders_delivered", 5, EAST, 22_000)  # more orders: less per order
    assert alarms(of, SECTION) == []
    put(of, "complaints", ALL, EAST, 300)
    put(of, "complaints", 5, EAST, 500)
    assert alarms(of, SECTION) == []  # from 300 on a rise of a tenth is chance
    assert rang(of, SECTION.model_copy(update={"least_complaints": 300}))[0] == (5, None, "F70")


def test_f70_says_nothing_of_a_day_after_one_without_orders() -> None:
    of = quiet(cities=("east",))
    put(of, "orders_delivered", 3, EAST, 0)
    put(of, "complaints", 3, EAST, 0)
    assert alarms(of, SECTION) == []


def test_f71_and_f72_ring_above_their_minutes_and_not_at_them() -> None:
    of = quiet()
    put(of, "first_response_ms", 2, EAST, 100 * 10 * 60_000)
    put(of, "round_min", 3, EAST, 1200)
    assert alarms(of, SECTION) == []
    put(of, "first_response_ms", 2, EAST, 100 * 10 * 60_000 + 100)
    put(of, "round_min", 3, EAST, 1201)
    assert rang(of) == [(2, "east", "F71"), (3, "east", "F72")]


def test_f71_and_f72_do_not_judge_a_handful_of_answers_and_rounds() -> None:
    of = quiet(cities=("east",))
    put(of, "contacts_answered", 2, EAST, 29)
    put(of, "first_response_ms", 2, EAST, 1e12)
    put(of, "rounds", 3, EAST, 4)
    put(of, "round_min", 3, EAST, 5000)
    assert alarms(of, SECTION) == []
    assert rang(of, SECTION.model_copy(update={"least_answers": 29, "least_rounds": 4})) == [
        (2, None, "F71"),
        (3, None, "F72"),
    ]


def test_f73_rings_on_the_third_low_day_in_a_row_and_on_each_that_follows() -> None:
    of = quiet(cities=("east",))
    for day in (1, 2, 4, 5, 6, 7):
        put(of, "satisfaction_recorded", day, EAST, 50 * 3.9)
    assert rang(of) == [(6, None, "F73"), (7, None, "F73")]
    put(of, "satisfaction_recorded", 6, EAST, 50 * 4.0)  # not below
    assert alarms(of, SECTION) == []


def test_f73_is_interrupted_by_a_day_with_too_few_ratings() -> None:
    of = quiet(cities=("east",))
    put(of, "satisfaction_recorded", slice(2, 5), EAST, 50 * 3.0)
    assert rang(of) == [(4, None, "F73")]
    put(of, "ratings", 3, EAST, 9)
    put(of, "satisfaction_recorded", 3, EAST, 9)
    assert alarms(of, SECTION) == []


def test_f73_judges_a_quarter_on_its_last_day_by_all_its_ratings() -> None:
    of = quiet(days=180, cities=("east",))
    for day in range(0, 90, 2):  # never two days in a row
        put(of, "satisfaction_recorded", day, EAST, 50 * 3.5)
    assert [(a.day, a.name) for a in alarms(of, SECTION)] == [(89, "quarter_satisfaction_mean")]
    assert alarms(of, SECTION)[0].value == pytest.approx((3.5 + 4.4) / 2)
    assert alarms(DayRecords(COLUMNS, 89, ("east",), CHANNELS, CAUSES), SECTION) == []


def test_f74_rings_once_a_quarter_on_the_day_that_more_than_a_tenth_of_the_leaders_is_lost() -> None:
    of = quiet(days=180)
    put(of, "leaders_lost", slice(0, 12), EAST, 1)  # 100 leaders there
    put(of, "leaders_lost", slice(90, 100), EAST, 1)  # ten in the second quarter: not more than a tenth
    assert rang(of) == [(10, "east", "F74")]
    assert alarms(of, SECTION)[0].value == pytest.approx(0.11)
    put(of, "leaders_lost", 150, EAST, 1)
    assert rang(of) == [(10, "east", "F74"), (150, "east", "F74")]


def test_f74_does_not_judge_a_handful_of_leaders() -> None:
    of = quiet()
    put(of, "leaders", ALL, ALL, 4)
    put(of, "leaders_lost", 3, EAST, 1)
    assert alarms(of, SECTION) == []
    assert rang(of, SECTION.model_copy(update={"least_leaders": 4})) == [(3, None, "F74"), (3, "east", "F74")]


def test_f75_stands_ready_for_records_of_compliance() -> None:
    kept, checks = Column(("city",), "checks", "rules kept"), Column(("city",), "checks", "checks")
    of = records(180, compliance=kept, compliance_checks=checks)
    put(of, "compliance_checks", ALL, ALL, 10)
    put(of, "compliance", ALL, EAST, 9)
    put(of, "compliance", ALL, WEST, 8)
    assert set(rang(of)) == {(day, city, "F75") for day in (89, 179) for city in (None, "west")}
    assert {one.value for one in alarms(of, SECTION) if one.city == "west"} == {0.8}


def test_a_platform_of_one_city_rings_once_not_twice() -> None:
    of = quiet(cities=("east",))
    put(of, "round_min", 3, EAST, 5000)
    assert rang(of) == [(3, None, "F72")]


def test_alarms_come_in_order_of_days_with_the_platform_first() -> None:
    of = quiet()
    put(of, "round_min", slice(3, 5), ALL, 5000)
    put(of, "first_response_ms", 3, WEST, 1e12)
    assert rang(of) == [
        (3, None, "F71"),
        (3, "west", "F71"),
        (3, None, "F72"),
        (3, "east", "F72"),
        (3, "west", "F72"),
        (4, None, "F72"),
        (4, "east", "F72"),
        (4, "west", "F72"),
    ]


def test_looking_for_alarms_changes_no_record() -> None:
    of = quiet()
    before = {name: values.copy() for name, values in of.values.items()}
    alarms(of, SECTION)
    assert all(np.array_equal(before[name], values) for name, values in of.values.items())


@pytest.mark.parametrize(
    ("field", "value"), [("complaints_per_order_share", -0.1), ("satisfaction_point", 6), ("satisfaction_days", 0)]
)
def test_nonsense_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValidationError):
        AlarmSection.model_validate({field: value})
