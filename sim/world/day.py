"""The world's day: a morning that makes the day's work, an evening that takes in what became of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.fields import WEEKDAYS
from sim.scenario import Scenario
from sim.sections.world import World as WorldSection
from sim.service.day_records import DayRecords
from sim.service.record import FigureSettings, Names
from sim.service.tables import Arrivals, Float64, Int32, Int64, Items, Outcome, Trace, Windows
from sim.service.topics import CAUSES
from sim.world.alarms import alarms
from sim.world.calendar import Calendar
from sim.world.chance import Chance
from sim.world.columns import COLUMNS
from sim.world.contacts import Contacts
from sim.world.events import Events
from sim.world.fleet import Fleet
from sim.world.flows import CHANNELS, ContactRows, Delivery, Demand, Moods, Orders, Presence, Problems, Today, Turnover
from sim.world.geography import Geography, geography
from sim.world.ledger import Ledger
from sim.world.money import Money
from sim.world.moods import Mood
from sim.world.people import People
from sim.world.segments import SegmentMix
from sim.world.sources import Numbers
from sim.world.staff import Staff
from sim.world.word_of_mouth import Buzz


@dataclass(frozen=True)
class Built:
    """What the world has to know of the network: the scenario, names by number, entries of the journeys, the pool of
    each server, and the numbers that define figures."""

    scenario: Scenario
    names: Names
    settings: FigureSettings
    entry: dict[tuple[str, str], int]
    server_pool: Int32


@dataclass(frozen=True)
class Morning:
    """What the service is given for a day: who comes, who is present, at which pace (int64 (S,), thousandths)."""

    arrivals: Arrivals
    windows: Windows
    speed_pm: Int64


@dataclass(frozen=True)
class _Day:
    """What the evening has to know of the morning."""

    today: Today
    demand: Demand
    delivery: Delivery
    problems: Problems
    presence: Presence
    users: Int64


class World:
    """The world of one replication. Days are lived in order: ``morning``, the service, ``evening``; at last ``end``.

    ``records`` : the sums by day so far. ``geography`` : its places.
    """

    def __init__(self, built: Built, seed: int, replication: int) -> None:
        scenario, section = built.scenario, _section(built.scenario)
        first_weekday = WEEKDAYS.index(scenario.horizon.first_weekday)
        self.chance = chance = Chance(seed, replication)
        self.geography = places = geography(section.places)
        self.section = section
        days = scenario.horizon.days
        self.records = DayRecords(COLUMNS, days, places.cities, CHANNELS, CAUSES)
        mix = SegmentMix(section.people.segments, phone_share_of(scenario))
        self.calendar = Calendar(section.calendar, first_weekday, days, places, chance)
        self.events = Events(tuple(section.events), places, chance)
        self.people = People(section.people, places, chance)
        self.buzz = Buzz(section.word_of_mouth, places, chance)
        self.fleet = Fleet(section.fleet, places, chance)
        self.staff = Staff(section.staff, scenario, built.names.server_groups, places, chance, first_weekday)
        numbers = Numbers(
            built.entry,
            {name: i for i, name in enumerate(scenario.kinds)},
            scenario.levels,
            self.staff.leader_servers,
        )
        self.contacts = Contacts(
            section.contacts,
            mix,
            places,
            scenario.arrivals,
            scenario.profiles,
            scenario.kinds,
            numbers,
            section.fleet.due_at_h * 60,
            first_weekday,
            [scenario.regime] * places.size,
            chance,
        )
        channel = np.array([CHANNELS.index(kind.channel) for kind in scenario.kinds.values()], dtype=np.int8)
        self.ledger = Ledger(built.names, channel, built.settings, places, self.records)
        basket = section.money.basket_yuan
        self.mood = Mood(section.moods, mix, places, built.names, chance, basket, self.records)
        self.money = Money(
            section.money, places, tuple(scenario.pools), self.records, section.contacts.claims, built.server_pool
        )
        enquiring = {a.kind for a in scenario.arrivals if a.driven is not None and a.driven.by == "enquiries"}
        self._enquiry = np.array([name in enquiring for name in scenario.kinds], dtype=np.bool_)
        self._agent_pools = [i for i, name in enumerate(scenario.pools) if name in section.staff.agents.pools]
        self._agent = np.isin(built.server_pool, self._agent_pools)
        self._placed = self._before_the_first_day()
        self._escalations = np.zeros((places.size, len(CHANNELS)), dtype=np.int64)
        self._taken = np.zeros(places.size, dtype=np.int64)
        self._day: _Day | None = None

    def _before_the_first_day(self) -> Int64:
        """Orders of the day before the first: what users order on an ordinary day."""
        places = self.geography
        mean = np.asarray(places.users * self.section.people.orders_per_user_per_day, dtype=np.float64)
        return self.chance.poisson("orders before the first day", mean, places.keys)

    def morning(self, day: int) -> Morning:
        """Make the day's work from what yesterday's evening left."""
        today = self.events.driving(self.calendar.today(day))
        users = self.people.users.copy()
        demand = self.events.orders(today, self.people.demand(today, self.buzz.factor()))
        presence = self.staff.morning(today)
        delivery = self.fleet.deliver(today, self._placed, presence.leaders_active)
        arrivals, problems = self.contacts.morning(today, demand, delivery, presence.leaders_active, self._escalations)
        self._day = _Day(today, demand, delivery, problems, presence, users)
        self._write_morning(day, users, demand, delivery, problems, presence)
        speed, pace = presence.speed_pm, self.events.pace(today)
        if pace != 1.0:
            slowed = np.maximum(np.round(speed * pace), 1).astype(np.int64)
            speed = np.where(self._agent, slowed, speed)
        return Morning(arrivals, Windows(presence.enter, presence.leave, presence.server), speed)

    def evening(self, day: int, trace: Trace, pending: Items) -> None:
        """Take in what became of the day: rows that finished, and everything that is in the system or on its way."""
        assert self._day is not None
        assert self._day.today.day == day
        today, demand, delivery = self._day.today, self._day.demand, self._day.delivery
        contacts, cases = self.ledger.evening(day, trace, pending)
        moods = self.mood.evening(today, cases, self._day.problems, delivery, self.staff.grade)
        moods = self.events.told(today, moods)
        asked, late = self._enquiries(contacts)
        won = self.buzz.joiners()
        orders = self.people.evening(today, demand, moods, asked, late, self._taken, won)
        self.buzz.evening(today, moods, demand)
        turnover = self.staff.evening(
            today,
            cases,
            moods.satisfaction,
            contacts,
            delivery,
            self.people.users,
            orders.placed,
            self.events.leaving(today),
        )
        self.money.evening(
            day,
            orders,
            demand,
            self._day.presence,
            self._day.problems,
            self._day.users,
            moods,
            self.staff.outsourced_paid_h,
        )
        self._write_evening(day, orders, moods, turnover)
        self._placed, self._escalations, self._taken = orders.placed, moods.escalations, turnover.users_taken

    def let_pass(self) -> None:
        """End a day without having served it: people order what they meant to, and nothing else changes."""
        assert self._day is not None
        self._placed = self._day.demand.wanted

    def end(self, open_rows: Trace, until_ms: int) -> DayRecords:
        """Add what is still open, look for alarms, and hand over the sums."""
        self.ledger.finish(open_rows, until_ms)
        self.records.alarms = alarms(self.records, self.section.alarms)
        return self.records

    def _enquiries(self, contacts: ContactRows) -> tuple[Int64, Int64]:
        """Enquiries (C,) that ended today, and those of them that nobody answered within the time that loses no buyer
        (F10). Who asks again after an answer is no second buyer."""
        chosen = self._enquiry[contacts.kind] & (contacts.item == contacts.case)
        limit = round(self.section.people.enquiry_late_after_min * 60_000)
        contained = contacts.outcome == Outcome.CONTAINED
        answered = np.where(contained, contacts.ended, contacts.answered_at)
        late = chosen & ((answered < 0) | (answered - contacts.arrived > limit))
        size = self.geography.size
        return (
            np.bincount(contacts.community[chosen], minlength=size).astype(np.int64),
            np.bincount(contacts.community[late], minlength=size).astype(np.int64),
        )

    def _write_morning(
        self, day: int, users: Int64, demand: Demand, delivery: Delivery, problems: Problems, presence: Presence
    ) -> None:
        records, places = self.records, self.geography
        of_leader = places.city[places.leader_community]
        cities = len(places.cities)
        by_community: dict[str, Int64 | Float64] = {
            "users": users,
            "orders_wanted": demand.wanted,
            "orders_delivered": delivery.orders,
            "orders_late": delivery.late,
            "orders_announced_late": np.asarray(delivery.late * delivery.announced_share, dtype=np.float64),
            "orders_warm": delivery.warm,
            "orders_short": delivery.short,
        }
        for name, values in by_community.items():
            records.add(name, day, places.by_city(values))
        by_leader = {
            "doors": delivery.doors,
            "rounds": delivery.doors > 0,
            "round_min": delivery.round_min,
            "leaders": presence.leaders_active,
        }
        for name, of_each in by_leader.items():
            records.add(name, day, np.bincount(of_leader, weights=of_each, minlength=cities))
        records.add("vans", day, delivery.vans)
        records.add("van_min", day, delivery.van_min)
        records.add("van_km", day, delivery.van_km)
        for name, table in {
            "problems": problems.all,
            "problems_voiced": problems.voiced,
            "problems_refunded": problems.refunded,
            "claims_abused": problems.abused,
        }.items():
            records.add(name, day, _by_city(places, table))
        records.add("agents", day, self.staff.agents_on_payroll)
        records.add("agent_paid_h", day, float(presence.paid_h[self._agent_pools].sum()))
        records.add("training_h", day, presence.trained_h)

    def _write_evening(self, day: int, orders: Orders, moods: Moods, turnover: Turnover) -> None:
        records, places = self.records, self.geography
        for name, values in {
            "orders": orders.placed,
            "orders_lost_enquiries": orders.lost_enquiries,
            "users_lost": orders.users_lost,
            "users_lost_without_problem": orders.lost_no_problem,
            "users_taken": self._taken,
            "users_joined": orders.users_joined,
            "posts": moods.posts,
            "good_deeds": moods.good_deeds,
            "leaders_lost": turnover.leaders_lost,
            "leaders_replaced": turnover.leaders_replaced,
        }.items():
            records.add(name, day, places.by_city(values))
        records.add("scandals", day, float(moods.scandal))
        records.add("agents_lost", day, turnover.agents_lost)
        records.add("agents_hired", day, turnover.agents_hired)


def _section(scenario: Scenario) -> WorldSection:
    assert scenario.world is not None
    return scenario.world


def _by_city(places: Geography, table: Int64) -> np.ndarray:
    """Sums (K, A) of a table by community and cause."""
    cities, causes = len(places.cities), table.shape[1]
    cell = (places.city[:, None] * causes + np.arange(causes)).ravel()
    return np.bincount(cell, weights=table.ravel(), minlength=cities * causes).reshape(cities, causes)


def phone_share_of(scenario: Scenario) -> float:
    """Share of problems that come by telephone, of those that come to somebody."""
    shares = [
        (a.driven.share, scenario.kinds[a.kind].channel == "phone")
        for a in scenario.arrivals
        if a.driven is not None and a.driven.by == "problems"
    ]
    total = sum(share for share, _ in shares)
    return sum(share for share, phone in shares if phone) / total if total > 0 else 0.0
