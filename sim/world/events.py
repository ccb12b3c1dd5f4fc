"""A scenario's events, day by day: what they do to driving, ordering, pace, leaders and what is being said."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.sections.events import Event
from sim.service.tables import Float64
from sim.world.chance import Chance
from sim.world.flows import Bool, Demand, Moods, Today
from sim.world.geography import Geography


@dataclass(frozen=True)
class Events:
    """All events of a scenario. Each method returns its argument unchanged on a day without an event."""

    events: tuple[Event, ...]
    geography: Geography
    chance: Chance

    def _on(self, what: str, day: int) -> list[Event]:
        return [e for e in self.events if e.event == what and e.day <= day < e.day + e.days]

    def _in_cities(self, event: Event) -> Bool:
        """Cities (K,) in which an event happens."""
        return np.array([event.city in (None, name) for name in self.geography.cities])

    def driving(self, today: Today) -> Today:
        """The day with its bad weather, whose factors multiply, and the hours that vans leave later, which add up."""
        weather = today.weather
        later_min: Float64 | float = today.vans_later_min
        for event in self._on("bad_weather", today.day):
            weather = np.where(self._in_cities(event), weather * (event.driving_factor or 1.0), weather)
        for event in self._on("late_goods", today.day):
            later_min = np.asarray(later_min + 60 * (event.hours or 0.0) * self._in_cities(event), dtype=np.float64)
        same = weather is today.weather and later_min is today.vans_later_min
        return today if same else replace(today, weather=weather, vans_later_min=later_min)

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
                here = self._in_cities(event)
                u: Float64 = self.chance.uniform("leaders leave", self.geography.leader_key, today.day)
                going |= (u < (event.share or 0.0)) & here[self.geography.city[self.geography.leader_community]]
        return going

    def told(self, today: Today, moods: Moods) -> Moods:
        """The evening's moods with the bad news that events bring. They move orders from the next morning on, and
        nothing else: nobody's case is behind them."""
        posts = moods.posts
        for event in self._on("post", today.day):
            posts = posts + self._in_cities(event)[self.geography.city]
        scandal = moods.scandal or bool(self._on("scandal", today.day))
        same = posts is moods.posts and scandal == moods.scandal
        return moods if same else replace(moods, posts=posts, scandal=scandal)
