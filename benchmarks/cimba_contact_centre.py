"""The contact centre in cimba: a spawned model per contact, resources with priorities, patience by a timer.

The first run compiles both models (once per Python process).
"""

import cimba as cb
from cimba import inputs

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

TALK_SIGMA = lognormal(1.0, TALK_CV)[1]
BACK_OFFICE_MU, BACK_OFFICE_SIGMA = lognormal(BACK_OFFICE_MEAN_S, BACK_OFFICE_CV)
CLOSING_MU, CLOSING_SIGMA = lognormal(CLOSING_MEAN_S, CLOSING_CV)
TIMEOUT = -5


class Contact(cb.Model):
    """One contact, from the bot to the end."""

    centre: cb.Ref["Centre"]
    priority: int
    talk_mu: float

    @cb.process
    def journey(self) -> None:
        """What the contact goes through."""
        cb.hold(BOT_S)
        if cb.random.bernoulli(CONTAINED_SHARE):
            return

        me = cb.this_process()
        asked = cb.now()
        me.timer_set(cb.random.exponential(PATIENCE_MEAN_S), TIMEOUT)
        signal = self.centre.agents.acquire(1, self.priority)
        me.timers_clear()
        self.centre.waits.record(cb.now() - asked)
        if signal == TIMEOUT:
            self.centre.left += 1
            return
        cb.hold(cb.random.lognormal(self.talk_mu, TALK_SIGMA))
        self.centre.agents.release(1)
        if not cb.random.bernoulli(PASSED_ON_SHARE):
            return

        self.centre.leaders.acquire(1, self.priority)
        cb.hold(cb.random.lognormal(BACK_OFFICE_MU, BACK_OFFICE_SIGMA))
        self.centre.leaders.release(1)
        self.centre.agents.acquire(1, self.priority)
        cb.hold(cb.random.lognormal(CLOSING_MU, CLOSING_SIGMA))
        self.centre.agents.release(1)


class Source(cb.Model):
    """Contacts of one class, one after the other."""

    centre: cb.Ref["Centre"]
    gap: cb.Input[float]
    priority: cb.Param[int]
    talk_mu: cb.Param[float]

    def __init__(self, contact_class: ContactClass) -> None:
        self.gap = inputs.dist.exponential(mean=1 / contact_class.rate_per_s)
        self.priority = 1 if contact_class.first else 0
        self.talk_mu = lognormal(contact_class.talk_mean_s, TALK_CV)[0]

    def attached(self, owner: cb.Model, field: str) -> None:
        """Know the centre that this source belongs to."""
        self.centre = owner

    @cb.process
    def arrivals(self) -> None:
        """Send contacts for ever."""
        while True:
            cb.hold(self.gap.next())
            self.centre.came += 1
            cb.spawn(Contact, centre=self.centre, priority=self.priority, talk_mu=self.talk_mu)


class Centre(cb.Model):
    """Agents, leaders, and what was seen of the contacts."""

    sources: list[Source]
    agents: cb.Resource = cb.Resource(capacity=AGENTS)
    leaders: cb.Resource = cb.Resource(capacity=LEADERS)
    waits: cb.Dataset
    came: int = 0
    left: int = 0
    contacts: cb.Output[int]
    offered: cb.Output[int]
    abandoned: cb.Output[int]
    wait_mean: cb.Output[float]
    agents_occupancy: cb.Output[float]
    leaders_occupancy: cb.Output[float]

    def __init__(self) -> None:
        self.sources = [Source(c) for c in CLASSES]

    @cb.on_end
    def measure(self) -> None:
        """Figures of the run."""
        self.contacts = self.came
        self.offered = self.waits.sample_count()
        self.abandoned = self.left
        self.wait_mean = self.waits.sample_mean()
        self.agents_occupancy = self.agents.utilization()
        self.leaders_occupancy = self.leaders.utilization()


def run(days: float, seed: int) -> Outcome:
    """Run the centre for some days, on one core."""
    centre = Centre()
    results = cb.Experiment(centre, window=cb.Window(duration=days * DAY_S), seed=seed).run(workers=1)
    if results.failed.any():
        raise RuntimeError(f"cimba: {results.failure_reasons.ravel()[0]}")
    figures = results[centre]
    return Outcome(
        contacts=int(figures.contacts[0, 0]),
        offered=int(figures.offered[0, 0]),
        abandoned=int(figures.abandoned[0, 0]),
        wait_mean_s=float(figures.wait_mean[0, 0]),
        agents_occupancy=float(figures.agents_occupancy[0, 0]),
        leaders_occupancy=float(figures.leaders_occupancy[0, 0]),
    )
