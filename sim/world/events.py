"""A scenario's events, day by day: what they do to driving, ordering, pace and leaders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.sections.events import Event
from sim.service.tables import Float64
from sim.world.chance import Chance
from sim.world.flows import Bool, Demand, Today
from sim.world.geography import Geography


@dataclass(frozen=True)
class Events:
    """All events of a scenario. Each method returns its argument unchanged on a day without an event."""

    events: tuple[Event, ...]
    geography: Geography
    chance: Chance

    def _on(self, what: str, day: int) -> list[Event]:
        return [e for e in self.events if e.event == what and e.day <= day < e.day + e.days]

    def weather(self, today: Today) -> Today:
        """The day with its bad weather: factors multiply."""
        weather = today.weather
        for event in self._on("bad_weather", today.day):
            here = np.array([event.city in (None, name) for name in self.geography.cities])
            weather = np.where(here, weather * (event.driving_factor or 1.0), weather)
        return today if weather is today.weather else replace(today, weather=weather)

    def orders(self, today: Today, demand: Demand) -> Demand:
        """Orders that can be placed: while the system is down there are none, and nobody orders later instead."""
        share = 1.0
        for event in self._on("system_down", today.day):
            share *= 1 - (event.hours or 0.0) / 24
        if share == 1.0:
            return demand
        wanted = self.chance.binomial("system down: orders", demand.wanted, share, self.geography.keys, today.day)
        return replace(demand, expected=demand.expected * share, wanted=wanted)

    def pace(self, today: Today) -> float:
        """Pace of agents: while the system is down they register by hand. A day's mean over its hours."""
        pace = 1.0
        for event in self._on("system_down", today.day):
            down = (event.hours or 0.0) / 24
            pace *= 1 - down * (1 - (event.pace_factor or 1.0))
        return pace

    def leaving(self, today: Today) -> Bool:
        """Leaders (L,) whom an event makes quit this evening."""
        size = self.geography.leader_community.size
        going = np.zeros(size, dtype=np.bool_)
        for event in self.events:
            if event.event == "leaders_leave" and event.day == today.day:
                here = np.array([event.city in (None, name) for name in self.geography.cities])
                u: Float64 = self.chance.uniform("leaders leave", self.geography.leader_key)
                going |= (u < (event.share or 0.0)) & here[self.geography.city[self.geography.leader_community]]
        return going
