"""The contact centre in SimPy: one generator per contact, priority resources, waits in a list."""

from __future__ import annotations

import random
from collections.abc import Generator
from typing import Any

import simpy

from benchmarks.workload import (
    AGENTS,
    BACK_OFFICE_CV,
    BACK_OFFICE_MEAN_S,
    BOT_S,
    CLASSES,
    CLOSING_CV,
    CLOSING_MEAN_S,
    CONTAINED_SHARE,
    DAY_S,
    LEADERS,
    PASSED_ON_SHARE,
    PATIENCE_MEAN_S,
    TALK_CV,
    ContactClass,
    Outcome,
    lognormal,
)

Process = Generator[simpy.Event, Any, None]

BACK_OFFICE = lognormal(BACK_OFFICE_MEAN_S, BACK_OFFICE_CV)
CLOSING = lognormal(CLOSING_MEAN_S, CLOSING_CV)


class ContactCentre:
    """Agents, leaders, and what was seen of the contacts."""

    def __init__(self, until: float, seed: int) -> None:
        self.env = simpy.Environment()
        self.random = random.Random(seed)
        self.until = until
        self.agents = simpy.PriorityResource(self.env, AGENTS)
        self.leaders = simpy.PriorityResource(self.env, LEADERS)
        self.contacts = 0
        self.abandoned = 0
        self.waits: list[float] = []
        self.agents_busy = 0.0
        self.leaders_busy = 0.0
        for contact_class in CLASSES:
            self.env.process(self.arrivals(contact_class))

    def arrivals(self, contact_class: ContactClass) -> Process:
        """Contacts of one class, one after the other."""
        talk = lognormal(contact_class.talk_mean_s, TALK_CV)
        priority = 0 if contact_class.first else 1
        while True:
            yield self.env.timeout(self.random.expovariate(contact_class.rate_per_s))
            self.contacts += 1
            self.env.process(self.contact(priority, talk))

    def contact(self, priority: int, talk: tuple[float, float]) -> Process:
        """From the bot to the end."""
        env, random = self.env, self.random
        yield env.timeout(BOT_S)
        if random.random() < CONTAINED_SHARE:
            return

        asked = env.now
        with self.agents.request(priority) as request:
            yield request | env.timeout(random.expovariate(1 / PATIENCE_MEAN_S))
            self.waits.append(env.now - asked)
            if not request.triggered:
                self.abandoned += 1
                return
            duration = random.lognormvariate(*talk)
            self.agents_busy += min(duration, self.until - env.now)
            yield env.timeout(duration)
        if random.random() >= PASSED_ON_SHARE:
            return

        with self.leaders.request(priority) as request:
            yield request
            duration = random.lognormvariate(*BACK_OFFICE)
            self.leaders_busy += min(duration, self.until - env.now)
            yield env.timeout(duration)
        with self.agents.request(priority) as request:
            yield request
            duration = random.lognormvariate(*CLOSING)
            self.agents_busy += min(duration, self.until - env.now)
            yield env.timeout(duration)


def run(days: float, seed: int) -> Outcome:
    """Run the centre for some days."""
    until = days * DAY_S
    centre = ContactCentre(until, seed)
    centre.env.run(until)
    return Outcome(
        contacts=centre.contacts,
        offered=len(centre.waits),
        abandoned=centre.abandoned,
        wait_mean_s=sum(centre.waits) / len(centre.waits),
        agents_occupancy=centre.agents_busy / (AGENTS * until),
        leaders_occupancy=centre.leaders_busy / (LEADERS * until),
    )
