"""What each day of a run is: weekday, festival, how much is ordered, who is away, and the weather."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import numpy as np

from sim.fields import WEEKDAYS
from sim.sections.calendar import CalendarSection, Festival, FestivalName, Promotion, Season, weekday_of
from sim.service.tables import Float64
from sim.world.chance import Chance
from sim.world.flows import Today
from sim.world.geography import Geography

DAYS_PER_YEAR = 365.25

NAMES: dict[FestivalName, str] = {
    "spring_festival": "Chinese New Year (Spring Festival)",
    "qingming": "Tomb-Sweeping Day",
    "labour_day": "Labor Day",
    "dragon_boat": "Dragon Boat Festival",
    "mid_autumn": "Mid-Autumn Festival",
    "national_day": "National Day",
}
"""How the package ``holidays`` calls the festivals; the first day of that name is the festival's date."""


class Calendar:
    """Every day of a run, laid out at its start.

    Parameters
    ----------
    section : the scenario's calendar.
    first_weekday : weekday of day 0 (Monday 0) by the horizon; the date has to agree.
    days : length of the run.
    geography : for the cities, which have a weather each.
    chance : draws of the weather.

    Raises
    ------
    ValueError
        In one sentence: if weekday and date disagree, or no dates of festivals are known for a year.
    """

    def __init__(
        self, section: CalendarSection, first_weekday: int, days: int, geography: Geography, chance: Chance
    ) -> None:
        weekday = weekday_of(section.start)
        if weekday != first_weekday:
            raise ValueError(
                f"{section.start} is a {WEEKDAYS[weekday]} but the horizon begins on a {WEEKDAYS[first_weekday]}; "
                f"allowed: first_weekday {WEEKDAYS[weekday]}"
            )
        _, first_year, last_year = public_holidays(section.start.year)
        last_day = section.start.toordinal() + days - 1
        if last_day > date(last_year, 12, 31).toordinal():
            raise ValueError(f"the run ends after {last_year}; allowed: years {first_year} to {last_year}")
        dates = [section.start + timedelta(days=i) for i in range(days)]
        orders = season_curve(section.season, dates)
        orders *= _weekday_factors(section)[[one.weekday() for one in dates]]
        orders *= [_promotion_factor(section.promotions, one) for one in dates]
        names, festival_orders, absent = _festival_days(section.festivals, section.start, days)
        orders *= festival_orders
        free = set().union(*(public_holidays(year)[0] for year in range(dates[0].year, dates[-1].year + 1)))
        self.weather = _weather(section, dates, geography, chance)
        self.weather.flags.writeable = False
        self.dates = tuple(dates)
        self._days = tuple(
            Today(
                day=i,
                weekday=one.weekday(),
                orders_factor=float(orders[i]),
                staff_absent_share=float(absent[i]),
                festival=names[i],
                working_day=one.weekday() < 5 and one not in free,
                weather=self.weather[i],
            )
            for i, one in enumerate(dates)
        )

    def today(self, day: int) -> Today:
        """What the calendar says of a day, from 0."""
        return self._days[day]


def season_curve(season: Season, dates: list[date]) -> Float64:
    """Factors of a yearly curve on given dates: a cosine around 1, highest in the middle of the peak month."""
    of_year = np.array([one.timetuple().tm_yday for one in dates], dtype=np.float64)
    peak = (season.peak_month - 0.5) * DAYS_PER_YEAR / 12
    return 1 + season.amplitude_share * np.cos(2 * np.pi * (of_year - peak) / DAYS_PER_YEAR)


def _weekday_factors(section: CalendarSection) -> Float64:
    """Factors from Monday to Sunday with mean 1."""
    factors = np.array(section.by_weekday)
    return np.asarray(factors / factors.mean(), dtype=np.float64)


def _promotion_factor(promotions: Iterable[Promotion], one: date) -> float:
    factor = 1.0
    for promotion in promotions:
        if promotion.first is not None and promotion.last is not None:
            holds = promotion.first <= one <= promotion.last
        else:
            holds = one.day in (promotion.days_of_month or ()) and one.month in (promotion.months or range(1, 13))
        factor *= promotion.orders_factor if holds else 1.0
    return factor


# ── festivals ────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def public_holidays(year: int) -> tuple[dict[date, str], int, int]:
    """China's public holidays of a year with their English names, and the first and last year that are known.

    Source: the package ``holidays``, which computes the lunar ones and knows the days off that were decreed. The
    working weekends that make up for bridge days (调休) are not taken over.
    """
    import holidays

    entity = holidays.country_holidays("CN", language="en_US")
    if not entity.start_year <= year <= entity.end_year:
        raise ValueError(
            f"no public holidays are known for {year}; allowed: years {entity.start_year} to {entity.end_year}"
        )
    days = holidays.country_holidays("CN", years=year, language="en_US")
    return dict(days.items()), entity.start_year, entity.end_year


def festival_date(name: FestivalName, year: int) -> date:
    """First day of a festival.

    Raises
    ------
    ValueError
        If it is not among the year's public holidays (three of them are only since 2008).
    """
    days, _, last = public_holidays(year)
    found = [one for one, names in days.items() if NAMES[name] in names.split("; ")]
    if not found:
        raise ValueError(f"{name} was no public holiday in {year}; allowed: a run between 2008 and {last}")
    return min(found)


def _festival_days(
    festivals: dict[FestivalName, Festival], start: date, days: int
) -> tuple[list[str], Float64, Float64]:
    """Name, orders factor and absent share of each day: the factor furthest from 1 and the largest absence hold."""
    names, orders, absent = [""] * days, np.ones(days), np.zeros(days)
    last_year = public_holidays(start.year)[2]
    last = date.fromordinal(start.toordinal() + days - 1)
    for name, festival in festivals.items():
        # Next January's may begin to work within the run; none of October, 80 days long at most, lasts into a January.
        latest = date.fromordinal(last.toordinal() + festival.before.days)
        for year in range(start.year, min(latest.year, last_year) + 1):
            first = (festival_date(name, year) - start).days
            ends = first + festival.during.days
            phases = (
                (festival.before, first - festival.before.days, first),
                (festival.during, first, ends),
                (festival.after, ends, ends + festival.after.days),
            )
            for phase, begin, end in phases:
                for day in range(max(begin, 0), min(end, days)):
                    if _distance(phase.orders_factor) > _distance(float(orders[day])):
                        orders[day] = phase.orders_factor
                    absent[day] = max(absent[day], phase.staff_absent_share)
            for day in range(max(first, 0), min(ends, days)):
                names[day] = name
    return names, orders, absent


def _distance(factor: float) -> float:
    """How far a factor is from 1, halving as far as doubling."""
    return abs(float(np.log(factor))) if factor > 0 else float("inf")


# ── weather ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _weather(section: CalendarSection, dates: list[date], geography: Geography, chance: Chance) -> Float64:
    """Factors ≥ 1 on driving times, (days, K): each city's days are good or bad, a Markov chain of two states.

    With p the season's share of bad days and r = 1 − 1 / ``spell_days``, a bad day follows a good one with chance
    p (1 − r) and a bad one with chance p + r (1 − p): the share of bad days is p, a spell lasts ``spell_days`` /
    (1 − p) days. Both chances grow with p, and one uniform decides, so that a worse climate keeps every bad day.
    """
    weather = section.weather
    keys, number = geography.city_keys, np.arange(len(dates))[:, None]
    bad_share = weather.bad_day_share * season_curve(weather.season, dates)
    persistence = 1 - 1 / weather.spell_days
    luck = chance.uniform("weather", keys[None, :], number)
    force = chance.uniform("weather_factor", keys[None, :], number)
    bad = np.zeros(luck.shape, dtype=np.bool_)
    bad[0] = luck[0] < bad_share[0]
    after_good = bad_share * (1 - persistence)
    after_bad = bad_share + persistence * (1 - bad_share)
    for day in range(1, len(dates)):
        bad[day] = luck[day] < np.where(bad[day - 1], after_bad[day], after_good[day])
    factor = weather.factor_low + (weather.factor_high - weather.factor_low) * force
    return np.where(bad, factor, 1.0)
