"""An ordinary fortnight of a world, as a scenario without one: sources with plain rates, the leaders' work as its mean.

For whoever needs the network at rest: the instant estimate, a forecast of how long a run takes. Nothing is fed back:
two weeks of mornings are lived from the first day's state, and what comes is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.scenario import Arrival, Scenario
from sim.sections.world import World as WorldSection
from sim.service.topics import CAUSES, cause_of, is_incident
from sim.world.day import Built, World

DAYS = 14
"""Two weeks even out weekdays; with the city's few hundred contacts a day their mean is known to some 2 %."""


@dataclass(frozen=True)
class Ordinary:
    """``scenario`` : the same network with plain arrivals. ``cause_shares`` : of problems, by cause.
    ``incident_share`` : of problems that are part of an incident. ``items_per_day`` : from outside. ``busy_days`` :
    contacts of each day over their mean. ``capacity_h`` : by pool, hours that servers are there a day, times their
    pace: vacancies, training, the new and the slow are in it, unlike in the rosters."""

    scenario: Scenario
    cause_shares: dict[str, float]
    incident_share: float
    items_per_day: float
    busy_days: tuple[float, ...]
    capacity_h: dict[str, float]


def ordinary(built: Built) -> Ordinary:
    """Live the mornings and average them."""
    scenario = built.scenario.model_copy(
        update={"horizon": built.scenario.horizon.model_copy(update={"days": DAYS, "warm_up_days": 0.0})}
    )
    world = World(Built(scenario, built.names, built.settings, built.entry, built.server_pool), 0, 0)
    kinds = {name: i for i, name in enumerate(scenario.kinds)}
    counts = np.zeros(len(kinds))
    work_ms = np.zeros(len(kinds))
    causes = np.zeros(len(CAUSES))
    incidents = 0
    contact = np.array([kind.counts_as == "contact" for kind in scenario.kinds.values()], dtype=np.bool_)
    contacts, capacity_ms = np.zeros(DAYS), np.zeros(len(scenario.pools))
    of_problems = [kinds[a.kind] for a in scenario.arrivals if a.driven is not None and a.driven.by == "problems"]
    for day in range(DAYS):
        made = world.morning(day)
        rows, there = made.arrivals, made.windows
        contacts[day] = np.count_nonzero(contact[rows.kind])
        work_done = (there.leave - there.enter) * made.speed_pm[there.server] / 1000
        capacity_ms += np.bincount(built.server_pool[there.server], weights=work_done, minlength=capacity_ms.size)
        counts += np.bincount(rows.kind, minlength=len(kinds))
        work_ms += np.bincount(rows.kind, weights=np.maximum(rows.work_ms, 0), minlength=len(kinds))
        topics = rows.topic[np.isin(rows.kind, of_problems)]
        causes += np.bincount(cause_of(topics), minlength=len(CAUSES))
        incidents += int(is_incident(topics).sum())
        world.let_pass()
    problems = max(causes.sum(), 1.0)
    arrivals = [_plain(a, counts[kinds[a.kind]] / DAYS, work_ms[kinds[a.kind]], scenario) for a in scenario.arrivals]
    return Ordinary(
        scenario.model_copy(update={"arrivals": arrivals, "world": None, "horizon": built.scenario.horizon}),
        {name: float(share) for name, share in zip(CAUSES, causes / problems, strict=True)},
        incidents / problems,
        float(counts.sum()) / DAYS,
        tuple((contacts * DAYS / max(contacts.sum(), 1.0)).tolist()),
        {name: float(ms) / DAYS / 3.6e6 for name, ms in zip(scenario.pools, capacity_ms, strict=True)},
    )


def about_items_per_day(world: WorldSection) -> float:
    """Rough number of items that come from outside a day: decides where a run is computed and what it keeps, never what
    comes out."""
    places, contacts = world.places, world.contacts
    if places.listed is None:
        users = places.cities * places.communities_per_city * places.users_per_community
        leaders = places.cities * places.communities_per_city * places.leaders_per_community
    else:
        users = sum(one.users for one in places.listed)
        leaders = sum(one.leaders for one in places.listed)
    orders = users * world.people.orders_per_user_per_day
    asked = contacts.enquiries_per_order + contacts.questions_per_order + 0.1 * contacts.claims.voiced_share
    return orders * asked + 9 * leaders


def _plain(arrival: Arrival, per_day: float, work_ms: float, scenario: Scenario) -> Arrival:
    """A driven source as one with a rate, or with clock times for each leader."""
    if arrival.driven is None:
        return arrival
    change: dict[str, object] = {"driven": None}
    if arrival.at is not None:
        leaders = sum(group.head_count for group in scenario.pools[arrival.home_pool or ""].groups)
        planned = len(arrival.at) * leaders * DAYS
        change |= {"for_each_server_of": arrival.home_pool, "home_pool": None}
        change |= {"work_min": work_ms / 60_000 / planned if planned else 0.0}
    else:
        change |= {"rate_per_day": per_day}
    return arrival.model_copy(update=change)
