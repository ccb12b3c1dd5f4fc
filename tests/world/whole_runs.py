"""Whole runs of a world for tests: small scenarios, and what passed between its parts on every day."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np

import sim.world.day as day_module
from sim.library import load
from sim.run import replicate
from sim.service.build import Network
from sim.service.record import Record
from sim.service.tables import Arrivals, Int64, Items, Trace
from sim.service.topics import cause_of, community_of
from sim.session import build_loaded
from sim.world.flows import (
    CaseRows,
    ContactRows,
    Delivery,
    Demand,
    Moods,
    Orders,
    Presence,
    Problems,
    Turnover,
)

DAY_MS = 86_400_000

LEADERS = "assumptions.leaders={{default: {0}, low: {0}, high: {0}, unit: leaders, reason: as many as the test wants}}"


def of_size(cities: int, communities: int, users: int, leaders: int, days: int) -> tuple[str, ...]:
    """Settings that make a city of any size out of ``today`` or ``plan``; no warm-up."""
    return (
        f"horizon.days={days}",
        "horizon.warm_up_days=0",
        f"inputs.cities={cities}",
        f"inputs.communities={communities}",
        f"inputs.users={users}",
        LEADERS.format(leaders),
    )


PILOT = ("horizon.days=10", "horizon.warm_up_days=2")
TWO_CITIES = of_size(cities=2, communities=6, users=9000, leaders=18, days=10)
"""Six communities in two cities, three leaders in each."""

OUT_OF_THE_ORDINARY = (
    "world.fleet.closed=[{city: city-02, from_day: 3, until_day: 4}]",
    "world.events=["
    "{event: bad_weather, day: 1, days: 3, city: city-01, driving_factor: 3}, "
    "{event: system_down, day: 5, hours: 6, pace_factor: 0.5}, "
    "{event: leaders_leave, day: 6, share: 0.5}]",
)
"""For two cities: a closed depot, a storm, a day without the system, half of the leaders who leave."""


@functools.cache
def network_of(scenario: str, sets: tuple[str, ...] = ()) -> Network:
    """A scenario of the library with settings, built once."""
    return build_loaded(load(scenario, sets=sets))


Alter = Callable[[int, Any], Any]
"""What a day's result of a part is changed into: (day, result) → result."""


@dataclass
class Life:
    """A run, and what its parts said on each day. ``pending`` : what was open or on its way in each evening."""

    record: Record = field(init=False)
    world: day_module.World = field(init=False)
    demand: list[Demand] = field(default_factory=list)
    delivery: list[Delivery] = field(default_factory=list)
    presence: list[Presence] = field(default_factory=list)
    arrivals: list[Arrivals] = field(default_factory=list)
    problems: list[Problems] = field(default_factory=list)
    contacts: list[ContactRows] = field(default_factory=list)
    cases: list[CaseRows] = field(default_factory=list)
    pending: list[Items] = field(default_factory=list)
    moods: list[Moods] = field(default_factory=list)
    orders: list[Orders] = field(default_factory=list)
    turnover: list[Turnover] = field(default_factory=list)

    @property
    def sums(self) -> dict[str, np.ndarray]:
        """Sums by day of the record."""
        assert self.record.days is not None
        return self.record.days.values

    def day(self, day: int) -> dict[str, Any]:
        """All that was seen and done on a day: what parts said, and the rows that the service wrote."""
        return {
            "demand": self.demand[day],
            "delivery": self.delivery[day],
            "presence": self.presence[day],
            "arrivals": self.arrivals[day],
            "problems": self.problems[day],
            "contacts": self.contacts[day],
            "cases": self.cases[day],
        }


def live(network: Network, seed: int = 1, replication: int = 0, *, moods: Alter | None = None) -> Life:
    """Run a world with the compiled engine and note what its parts say.

    ``moods`` : changes an evening's moods before anybody else sees them.
    """
    life = Life()
    with _watched(life, moods):
        life.record = replicate(network, seed, replication)
    return life


@contextmanager
def _watched(life: Life, moods: Alter | None) -> Iterator[None]:
    def noting(part: Any, method: str, note: Callable[[Any], Any]) -> None:
        original = getattr(part, method)

        def noted(*args: Any, **named: Any) -> Any:
            return note(original(*args, **named))

        setattr(part, method, noted)

    def into(*lists: list[Any]) -> Callable[[Any], Any]:
        def note(result: Any) -> Any:
            for one, value in zip(lists, result if len(lists) > 1 else (result,), strict=True):
                one.append(value)
            return result

        return note

    def counted(ledger: Any) -> None:
        original = ledger.evening

        def noted(day: int, trace: Trace, pending: Items) -> Any:
            life.pending.append(pending)
            return original(day, trace, pending)

        ledger.evening = noted

    def judged(result: Moods) -> Moods:
        if moods is not None:
            result = moods(len(life.moods), result)
        life.moods.append(result)
        return result

    class Watched(day_module.World):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            life.world = self
            noting(self.people, "demand", into(life.demand))
            noting(self.fleet, "deliver", into(life.delivery))
            noting(self.staff, "morning", into(life.presence))
            noting(self.contacts, "morning", into(life.arrivals, life.problems))
            counted(self.ledger)
            noting(self.ledger, "evening", into(life.contacts, life.cases))
            noting(self.mood, "evening", judged)
            noting(self.people, "evening", into(life.orders))
            noting(self.staff, "evening", into(life.turnover))

    with mock.patch.object(day_module, "World", Watched):
        yield


def first_difference(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Name of the first array in which two days differ; empty if in none."""
    for part in a:
        here, there = vars(a[part]), vars(b[part])
        for name in here:
            if not np.array_equal(here[name], there[name], equal_nan=_may_be_nan(here[name])):
                return f"{part}.{name}"
    return ""


def _may_be_nan(values: Any) -> bool:
    return np.asarray(values).dtype.kind == "f"


def rows_until(record: Record, day: int) -> dict[str, list[Any]]:
    """The rows of items and visits that were finished by the end of a day, as they were written."""
    until = (day + 1) * DAY_MS
    items, visits = record.trace.items, record.trace.visits
    return {
        "items": [column[items.ended < until].tolist() for column in vars(items).values()],
        "visits": [column[visits.ended < until].tolist() for column in vars(visits).values()],
    }


def arrived(record: Record, kinds: tuple[str, ...]) -> Int64:
    """Outside arrivals of some kinds, by day, city and cause."""
    assert record.days is not None
    found = record.arrivals
    wanted = np.isin(found.kind, [record.names.kinds.index(kind) for kind in kinds])
    table = np.zeros((record.days.days, len(record.days.cities), len(record.days.causes)), dtype=np.int64)
    city = np.array(record.names.community_city)[community_of(found.topic[wanted])]
    np.add.at(table, (found.t[wanted] // DAY_MS, city, cause_of(found.topic[wanted])), 1)
    return table
