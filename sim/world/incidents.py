"""What makes many cases at once: bad batches, and the parent tickets of the day's incidents.

A late van and a bad night of sorting are incidents of the fleet, which numbers them; a bad batch is one of the goods
and is drawn here. One parent ticket stands for each: its supplier's answer closes every case that waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.sections.contacts import ContactsSection
from sim.service.tables import NONE, Float64, Int64
from sim.service.topics import CAUSES, NUMBERS, ORDINARY
from sim.world.chance import Chance
from sim.world.flows import Delivery
from sim.world.geography import Geography

QUALITY, LATE, MISSING = (CAUSES.index(name) for name in ("quality", "late", "missing"))

CITIES_A_DAY = 100
"""Numbers of bad batches that each day keeps for its cities: one more city leaves the others' numbers as they were."""


@dataclass(frozen=True)
class Tickets:
    """Parent tickets of a day: int64 ``cause`` (code) and ``number`` of the incident, ``community`` (the first that
    it touched); float64 ``minute`` of the day at which it is noticed."""

    cause: Int64
    number: Int64
    community: Int64
    minute: Float64


class Incidents:
    """Bad batches, and who opens a ticket for what."""

    def __init__(self, section: ContactsSection, geography: Geography, due_min: float, chance: Chance) -> None:
        self._section = section
        self._geography = geography
        self._due_min = due_min
        self._chance = chance

    def batches(self, day: int) -> Int64:
        """Number (from 64) of the bad batch in each community's goods, −1 for none, int64 (C,)."""
        places = self._geography
        u = self._chance.uniform("incidents:bad_batch", places.city_keys, day)
        hit = u < self._section.incidents.bad_batch_share
        a_day = max(CITIES_A_DAY, len(places.cities))
        number = ORDINARY + (day * a_day + np.arange(hit.size)) % (NUMBERS - ORDINARY)
        of_city = np.where(hit, number, NONE)
        return np.asarray(of_city[places.city], dtype=np.int64)

    def tickets(self, delivery: Delivery, batch: Int64, of_batch: Int64) -> Tickets:
        """One ticket for each incident that somebody can notice today.

        Late vans are noticed when the goods are due; short sorts and bad batches when pick-up begins. An incident that
        did no harm (no late or short order, no problem) is not noticed.

        Parameters
        ----------
        batch, of_batch : int64 (C,), number of the bad batch, and the problems that it made.
        """
        pick_up = self._section.pick_up.starts_min
        causes, numbers, communities, minutes = [], [], [], []
        for cause, minute, incident, harm in (
            (LATE, self._due_min, delivery.incident, delivery.late),
            (MISSING, pick_up, delivery.short_incident, delivery.short),
            (QUALITY, pick_up, batch, of_batch),
        ):
            touched = np.flatnonzero((incident >= ORDINARY) & (harm > 0))
            if not touched.size:
                continue
            number, first = np.unique(incident[touched], return_index=True)
            causes.append(np.full(number.size, cause, dtype=np.int64))
            numbers.append(number)
            communities.append(touched[first])
            minutes.append(np.full(number.size, float(minute)))
        if not causes:
            none = np.empty(0, dtype=np.int64)
            return Tickets(none, none, none, np.empty(0))
        return Tickets(
            cause=np.concatenate(causes),
            number=np.concatenate(numbers),
            community=np.concatenate(communities),
            minute=np.concatenate(minutes),
        )
