"""What does not fit together between a scenario's world and its network, each with its place in the tree."""

from __future__ import annotations

from collections.abc import Iterator

from sim.fields import WEEKDAYS
from sim.problems import Problem
from sim.scenario import Scenario
from sim.sections.calendar import weekday_of
from sim.sections.world import World
from sim.world.calendar import Calendar
from sim.world.chance import Chance
from sim.world.geography import geography
from sim.world.sources import problems_of_driven
from sim.world.staff import problems_of_staff


def problems_of_world(scenario: Scenario) -> list[Problem]:
    """All that is wrong; nothing for a scenario without a world whose sources are not driven by one."""
    if scenario.world is None:
        return [
            Problem(("arrivals", i, "driven"), "there is no world that could drive this source", "a section 'world'")
            for i, arrival in enumerate(scenario.arrivals)
            if arrival.driven is not None
        ]
    world = scenario.world
    found = [*_of_days(scenario, world), *_of_dates(scenario, world), *_of_cities(world), *_of_wages(scenario, world)]
    found += [Problem(*one) for one in problems_of_staff(world.staff, scenario, geography(world.places))]
    found += [Problem(*one) for one in problems_of_driven(scenario)]
    return found


def _of_days(scenario: Scenario, world: World) -> Iterator[Problem]:
    weekday, first = WEEKDAYS[weekday_of(world.calendar.start)], scenario.horizon.first_weekday
    if weekday != first:
        message = f"{world.calendar.start} is a {weekday}, and horizon.first_weekday is {first}"
        yield Problem(("world", "calendar", "start"), message, f"a {first}, or another first_weekday")
    for i, event in enumerate(world.events):
        if event.day >= scenario.horizon.days:
            message = f"day {event.day} lies after the end of the run"
            yield Problem(("world", "events", i, "day"), message, f"0 to {scenario.horizon.days - 1}")


def _of_dates(scenario: Scenario, world: World) -> Iterator[Problem]:
    """Years of which no festivals are known."""
    section = world.calendar
    try:
        Calendar(section, weekday_of(section.start), scenario.horizon.days, geography(world.places), Chance(0, 0))
    except ValueError as error:
        message, _, allowed = str(error).partition("; allowed: ")
        yield Problem(("world", "calendar", "start"), message, allowed)


def _of_cities(world: World) -> Iterator[Problem]:
    names = world.places.city_names
    closed = [(("world", "fleet", "closed", i, "city"), one.city) for i, one in enumerate(world.fleet.closed)]
    events = [(("world", "events", i, "city"), one.city) for i, one in enumerate(world.events)]
    for path, city in (*closed, *events):
        if city is not None and city not in names:
            yield Problem(path, f"there is no city '{city}'", ", ".join(names))


def _of_wages(scenario: Scenario, world: World) -> Iterator[Problem]:
    for name in world.money.wages:
        if name not in scenario.pools:
            yield Problem(("world", "money", "wages", name), f"there is no pool '{name}'", ", ".join(scenario.pools))
