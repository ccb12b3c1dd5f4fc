"""Dates, factors of the day, festivals and weather."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.calendar import CalendarSection, weekday_of
from sim.sections.places import Places
from sim.world.calendar import Calendar, festival_date, public_holidays
from sim.world.chance import Chance
from sim.world.geography import geography

BAD = {"bad_day_share": 0.2, "spell_days": 3.0, "factor_low": 1.2, "factor_high": 1.5}


def calendar(days: int = 7, start: str = "2025-03-03", cities: int = 2, seed: int = 1, **parts: Any) -> Calendar:
    section = CalendarSection(start=start, **parts)
    places = geography(Places(cities=cities))
    return Calendar(section, section.start.weekday(), days, places, Chance(seed, 0))


def factors(days: int = 7, **parts: Any) -> list[float]:
    made = calendar(days, **parts)
    return [made.today(day).orders_factor for day in range(days)]


# ── dates ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("spring_festival", ["2025-01-29", "2026-02-17", "2027-02-06"]),
        ("qingming", ["2025-04-04", "2026-04-05", "2027-04-05"]),
        ("labour_day", ["2025-05-01", "2026-05-01", "2027-05-01"]),
        ("dragon_boat", ["2025-05-31", "2026-06-19", "2027-06-09"]),
        ("mid_autumn", ["2025-10-06", "2026-09-25", "2027-09-15"]),
        ("national_day", ["2025-10-01", "2026-10-01", "2027-10-01"]),
    ],
)
def test_festivals_are_where_the_lunar_calendar_puts_them(name: Any, known: list[str]) -> None:
    assert [str(festival_date(name, int(day[:4]))) for day in known] == known


def test_two_festivals_on_one_day_are_both_found() -> None:
    assert festival_date("mid_autumn", 2020) == festival_date("national_day", 2020) == date(2020, 10, 1)


def test_every_spring_festival_of_the_century_falls_between_late_january_and_late_february() -> None:
    for year in range(2008, 2101):
        assert date(year, 1, 20) <= festival_date("spring_festival", year) <= date(year, 2, 22)


def test_the_weekday_of_the_start_has_to_be_the_horizons() -> None:
    section = CalendarSection(start="2025-03-03")
    assert weekday_of(section.start) == 0
    with pytest.raises(ValueError, match=r"2025-03-03 is a mon .* allowed: first_weekday mon"):
        Calendar(section, 3, 7, geography(Places()), Chance(1, 0))


@pytest.mark.parametrize(
    ("start", "days"), [("1949-12-31", 3), ("2101-01-01", 3), ("2100-12-30", 3), ("9999-12-31", 3)]
)
def test_a_year_without_known_holidays_is_refused_in_one_sentence(start: str, days: int) -> None:
    with pytest.raises(ValueError, match="allowed: years 1950 to 2100") as error:
        calendar(days, start)
    assert "\n" not in str(error.value)


def test_a_festival_that_was_no_holiday_then_is_refused() -> None:
    with pytest.raises(ValueError, match="mid_autumn was no public holiday in 2005; allowed: a run between 2008"):
        calendar(365, "2005-01-01", festivals={"mid_autumn": {"during": {"days": 1}}})


def test_offices_are_closed_on_weekends_and_public_holidays() -> None:
    made = calendar(40, "2025-01-20")
    closed = {str(made.dates[day]) for day in range(40) if not made.today(day).working_day}
    weekends = {str(one) for one in made.dates if one.weekday() >= 5}
    assert weekends <= closed
    assert closed - weekends == {"2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-03", "2025-02-04"}


def test_holidays_of_a_year_are_looked_up_once() -> None:
    assert public_holidays(2025) is public_holidays(2025)


def test_days_run_on_over_the_year_and_its_leap_day() -> None:
    made = calendar(500, "2023-12-30")
    assert made.dates[-1] == date(2023, 12, 30) + timedelta(days=499)
    assert [made.today(day).weekday for day in range(9)] == [5, 6, 0, 1, 2, 3, 4, 5, 6]
    assert [made.today(day).day for day in (0, 7, 499)] == [0, 7, 499]


# ── orders ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_calendar_changes_nothing() -> None:
    made = calendar(400)
    for day in range(400):
        today = made.today(day)
        assert (today.orders_factor, today.staff_absent_share, today.festival) == (1.0, 0.0, "")
        assert today.weather.tolist() == [1.0, 1.0]


def test_weekday_factors_keep_the_mean_of_a_week() -> None:
    week = factors(weekday_factors={"sat-sun": 1.5})
    assert np.mean(week) == pytest.approx(1)
    assert week[5] / week[0] == pytest.approx(1.5)


def test_a_weekday_may_be_without_orders() -> None:
    assert factors(weekday_factors={"sun": 0})[6] == 0


def test_the_season_has_mean_one_and_is_highest_in_the_middle_of_its_month() -> None:
    year = factors(365, start="2025-01-01", season={"amplitude_share": 0.2, "peak_month": 7})
    assert np.mean(year) == pytest.approx(1, abs=1e-3)
    assert (date(2025, 1, 1) + timedelta(days=int(np.argmax(year)))).month == 7
    assert max(year) == pytest.approx(1.2, abs=1e-3)
    assert min(year) == pytest.approx(0.8, abs=1e-3)


def test_a_promotion_holds_on_its_days_and_on_no_other() -> None:
    dated = {"name": "opening", "first": "2025-03-04", "last": "2025-03-05", "orders_factor": 2}
    assert factors(promotions=[dated]) == [1, 2, 2, 1, 1, 1, 1]
    monthly = factors(60, promotions=[{"name": "member_day", "days_of_month": [8], "orders_factor": 1.5}])
    assert [day for day, factor in enumerate(monthly) if factor != 1] == [5, 36]
    yearly = {"name": "sales", "days_of_month": [11], "months": [11], "orders_factor": 3}
    assert sum(factor == 3 for factor in factors(730, promotions=[yearly])) == 2


def test_promotions_that_meet_multiply() -> None:
    one = {"name": "one", "first": "2025-03-03", "last": "2025-03-03", "orders_factor": 2}
    assert factors(promotions=[one, {**one, "name": "two", "orders_factor": 1.5}])[0] == pytest.approx(3)


# ── festivals ────────────────────────────────────────────────────────────────────────────────────────────────────

SPRING = {
    "before": {"days": 3, "orders_factor": 2.0, "staff_absent_share": 0.1},
    "during": {"days": 7, "orders_factor": 0.7, "staff_absent_share": 0.45},
    "after": {"days": 2, "orders_factor": 1.1, "staff_absent_share": 0.2},
}


def test_orders_peak_before_spring_festival_and_staff_are_away_on_its_days() -> None:
    made = calendar(20, "2026-02-10", festivals={"spring_festival": SPRING})
    days = [made.today(day) for day in range(20)]
    assert [day.orders_factor for day in days] == [1] * 4 + [2.0] * 3 + [0.7] * 7 + [1.1] * 2 + [1] * 4
    assert [day.staff_absent_share for day in days] == [0] * 4 + [0.1] * 3 + [0.45] * 7 + [0.2] * 2 + [0] * 4
    assert [day.festival for day in days] == [""] * 7 + ["spring_festival"] * 7 + [""] * 6


def test_a_festival_reaches_back_over_the_turn_of_the_year_and_far_behind_its_days() -> None:
    long_before = {"before": {"days": 40, "orders_factor": 2.0}, "during": {"days": 1}}
    assert factors(3, start="2022-12-29", festivals={"spring_festival": long_before}) == [2, 2, 2]
    long_after = {"during": {"days": 40}, "after": {"days": 40, "orders_factor": 0.5}}
    assert factors(3, start="2025-12-18", festivals={"national_day": long_after}) == [0.5, 0.5, 1]


def test_where_festivals_meet_the_stronger_factor_and_the_larger_absence_hold() -> None:
    week = {"during": {"days": 7, "orders_factor": 1.2, "staff_absent_share": 0.3}}
    moon = {"during": {"days": 1, "orders_factor": 0.5, "staff_absent_share": 0.1}}
    for festivals in ({"national_day": week, "mid_autumn": moon}, {"mid_autumn": moon, "national_day": week}):
        made = calendar(8, "2025-10-01", festivals=festivals)
        assert [made.today(day).orders_factor for day in range(8)] == [1.2] * 5 + [0.5, 1.2, 1.0]
        assert made.today(5).staff_absent_share == 0.3


# ── weather ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bad_days_have_their_share_their_range_and_come_in_spells() -> None:
    weather = calendar(2000, cities=50, weather=BAD).weather
    bad = weather > 1
    assert bad.mean() == pytest.approx(0.2, abs=0.01)
    assert weather[bad].min() >= 1.2
    assert weather[bad].max() <= 1.5
    assert weather[bad].mean() == pytest.approx(1.35, abs=0.01)
    spells = (bad[1:] & ~bad[:-1]).sum() + bad[0].sum()
    assert bad.sum() / spells == pytest.approx(3 / (1 - 0.2), rel=0.05)


def test_spells_of_one_day_are_days_that_know_nothing_of_each_other() -> None:
    bad = calendar(2000, cities=50, weather={**BAD, "spell_days": 1.0}).weather > 1
    assert bad[1:][bad[:-1]].mean() == pytest.approx(0.2, abs=0.01)


def test_bad_weather_has_its_season() -> None:
    season = {"amplitude_share": 0.8, "peak_month": 7}
    made = calendar(4 * 365, "2025-01-01", cities=50, weather={**BAD, "season": season})
    month = np.array([one.month for one in made.dates])
    assert (made.weather[month == 7] > 1).mean() > 3 * (made.weather[month == 1] > 1).mean()


def test_a_worse_climate_keeps_every_bad_day() -> None:
    mild, rough = (calendar(300, weather={**BAD, "bad_day_share": share}).weather for share in (0.1, 0.4))
    assert ((rough > 1) >= (mild > 1)).all()
    assert (rough > 1).sum() > (mild > 1).sum()


def test_another_city_changes_nobodys_weather() -> None:
    few, many = calendar(50, cities=2, weather=BAD), calendar(50, cities=5, weather=BAD)
    assert (many.weather[:, :2] == few.weather).all()


def test_a_longer_run_has_the_same_days() -> None:
    assert (calendar(50, weather=BAD).weather == calendar(400, weather=BAD).weather[:50]).all()


def test_without_bad_days_there_are_none() -> None:
    assert (calendar(300, weather={**BAD, "bad_day_share": 0.0}).weather == 1).all()


def test_weather_can_always_be_bad() -> None:
    assert (calendar(30, weather={**BAD, "bad_day_share": 1.0}).weather > 1).all()


def test_nobody_can_change_the_weather_of_a_day() -> None:
    with pytest.raises(ValueError, match="read-only"):
        calendar().today(0).weather[0] = 2


# ── nonsense ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"start": "3 March"}, "is no date; allowed: a day of the calendar, YYYY-MM-DD"),
        ({"start": "2025-02-30"}, "is no date"),
        ({"start": 20250303}, "is no date"),
        ({"weekday_factors": {"mon-fri": 1.0, "fri": 2.0}}, "'fri' has two factors"),
        ({"weekday_factors": {"mon-sun": 0}}, "no weekday has orders"),
        ({"promotions": [{"name": "never", "orders_factor": 2}]}, "the days of the promotion 'never' are not clear"),
        (
            {"promotions": [{"name": "back", "orders_factor": 2, "first": "2025-03-05", "last": "2025-03-04"}]},
            "ends on 2025-03-04, before it begins",
        ),
        ({"festivals": {"christmas": {"during": {"days": 1}}}}, "spring_festival"),
        ({"weather": {"factor_low": 2, "factor_high": 1.5}}, "factor_low 2 is above factor_high 1.5"),
        ({"weather": {"factor_low": 0.5}}, "greater than or equal to 1"),
        ({"weather": {"bad_day_share": 0.8, "season": {"amplitude_share": 0.5}}}, "the share of bad days is 1.2"),
    ],
)
def test_nonsense_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CalendarSection(**{"start": "2025-03-03", **parts})
