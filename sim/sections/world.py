"""All that changes from day to day, in one section of a scenario."""

from __future__ import annotations

from sim.fields import Model
from sim.sections.alarms import AlarmSection
from sim.sections.calendar import CalendarSection
from sim.sections.contacts import ContactsSection
from sim.sections.events import Events
from sim.sections.fleet import FleetSection
from sim.sections.money import MoneySection
from sim.sections.moods import MoodSection
from sim.sections.people import PeopleSection
from sim.sections.places import Places
from sim.sections.staff import StaffSection
from sim.sections.word_of_mouth import WordOfMouth


class World(Model):
    """The world of a platform: places and people, goods on their way, contacts, staff, moods, money, alarms."""

    places: Places
    calendar: CalendarSection
    people: PeopleSection
    word_of_mouth: WordOfMouth
    fleet: FleetSection
    contacts: ContactsSection
    staff: StaffSection
    moods: MoodSection
    money: MoneySection
    alarms: AlarmSection
    events: Events = []
