"""The calendar of a scenario: first day, season, weekdays, promotions, festivals and weather."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from sim.fields import WEEKDAYS, Days, Model, Name, Share, weekdays
from sim.fields import wrong as _wrong

FestivalName = Literal["spring_festival", "qingming", "labour_day", "dragon_boat", "mid_autumn", "national_day"]

Factor = Annotated[float, Field(ge=0, le=100)]
"""What an ordinary day's orders are multiplied with."""


def _iso_date(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise _wrong(f"'{str(value)[:40]}' is no date; allowed: a day of the calendar, YYYY-MM-DD")


Date = Annotated[date, BeforeValidator(_iso_date)]


def weekday_of(start: date) -> int:
    """Weekday of a date, Monday 0: what the horizon's ``first_weekday`` has to be."""
    return start.weekday()


class Season(Model):
    """A smooth yearly curve around 1: ``1 + amplitude_share · cos(2π (day − peak) / year)``.

    ``amplitude_share`` : how far the curve leaves 1 (0: no season). ``peak_month`` : the month in whose middle it is
    highest. Its mean over a year is 1.
    """

    amplitude_share: Share = 0.0
    peak_month: Annotated[float, Field(ge=1, le=12)] = 1.0


class Promotion(Model):
    """Days on which the platform asks for more orders than usual.

    Either from the date ``first`` to the date ``last`` (included), or ``days_of_month`` of every month, or of those
    ``months`` that are named. ``orders_factor`` : orders relative to the day without it. Promotions that meet on a day
    multiply.
    """

    name: Name
    orders_factor: Factor
    first: Date | None = None
    last: Date | None = None
    days_of_month: Annotated[list[Annotated[int, Field(ge=1, le=31)]], Field(min_length=1, max_length=31)] | None = None
    months: Annotated[list[Annotated[int, Field(ge=1, le=12)]], Field(min_length=1, max_length=12)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Promotion:
        dated = self.first is not None and self.last is not None and self.days_of_month is None and self.months is None
        monthly = self.first is None and self.last is None and self.days_of_month is not None
        if not dated and not monthly:
            raise _wrong(
                f"the days of the promotion '{self.name}' are not clear; allowed: first and last, or days_of_month "
                "(with months, if not every month)"
            )
        if self.first is not None and self.last is not None and self.last < self.first:
            raise _wrong(f"the promotion '{self.name}' ends on {self.last}, before it begins; allowed: first ≤ last")
        return self


class Phase(Model):
    """Days of a festival that are alike. ``days`` : how many. ``orders_factor`` : orders relative to ordinary days.
    ``staff_absent_share`` : staff who are away for it, beside ordinary absence."""

    days: Annotated[int, Field(ge=0, le=40)]
    orders_factor: Factor = 1.0
    staff_absent_share: Share = 0.0


class Festival(Model):
    """A festival: its own days from its date on, the days before and the days after.

    People stock up before Spring Festival and travel while it lasts, so that the three differ. Where phases of two
    festivals meet (Mid-Autumn inside the National Day's week), the orders factor that is further from 1 holds, and the
    larger absence.
    """

    during: Phase
    before: Phase = Phase(days=0)
    after: Phase = Phase(days=0)


class Weather(Model):
    """Bad days by city: days on which driving takes longer (F65; the cause of the delay, not the delay itself).

    ``bad_day_share`` : share of days that are bad, over the year. ``season`` : when they are more frequent.
    ``spell_days`` : how long bad weather lasts on average where it is rare (1: every day for itself).
    ``factor_low``, ``factor_high`` : driving times of a bad day relative to a good one, drawn evenly between them.
    """

    bad_day_share: Share = 0.0
    season: Season = Season()
    spell_days: Annotated[float, Field(ge=1, le=60)] = 1.0
    factor_low: Annotated[float, Field(ge=1, le=10)] = 1.0
    factor_high: Annotated[float, Field(ge=1, le=10)] = 1.0

    @model_validator(mode="after")
    def _fits(self) -> Weather:
        if self.factor_low > self.factor_high:
            raise _wrong(
                f"factor_low {self.factor_low:g} is above factor_high {self.factor_high:g}; allowed: low ≤ high"
            )
        worst = self.bad_day_share * (1 + self.season.amplitude_share)
        if worst > 1:
            raise _wrong(f"at the worst of the season the share of bad days is {worst:g}; allowed: at most 1")
        return self


class CalendarSection(Model):
    """What is known of days before anything happens on them. Left out, a part changes nothing.

    ``start`` : date of day 0. ``season`` : orders over the year. ``weekday_factors`` : orders by weekday or range of
    weekdays, relative to each other (those not named have 1; they are scaled to a mean of 1, so that orders per user
    and day stay what they are). ``promotions``, ``festivals``, ``weather`` : see there.
    """

    start: Date
    season: Season = Season()
    weekday_factors: dict[Days, Factor] = {}
    promotions: Annotated[list[Promotion], Field(max_length=200)] = []
    festivals: dict[FestivalName, Festival] = {}
    weather: Weather = Weather()

    @model_validator(mode="after")
    def _weekdays(self) -> CalendarSection:
        named = [day for days in self.weekday_factors for day in weekdays(days)]
        twice = next((day for i, day in enumerate(named) if day in named[:i]), None)
        if twice is not None:
            raise _wrong(f"'{WEEKDAYS[twice]}' has two factors; allowed: each weekday in one entry")
        if sum(self.by_weekday) == 0:
            raise _wrong("no weekday has orders; allowed: at least one factor above 0")
        return self

    @property
    def by_weekday(self) -> tuple[float, ...]:
        """Factors from Monday to Sunday as given, not yet scaled."""
        factors = [1.0] * 7
        for days, factor in self.weekday_factors.items():
            for day in weekdays(days):
                factors[day] = factor
        return tuple(factors)
