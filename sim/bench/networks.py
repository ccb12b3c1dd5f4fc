"""The scenarios that are measured, at any size, and ways to run them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.bench.figure import CannotMeasureError
from sim.library import load
from sim.measures.contacts import counts_as, item_rows
from sim.run import ENGINES, Engine, make_engine, replicate
from sim.scenario import Scenario
from sim.service.arrivals import arrivals_of_day
from sim.service.build import DAY, Network, build
from sim.service.presence import windows
from sim.service.record import Record
from sim.service.tables import Arrivals, Trace, VisitEnd, take

COMPILED, REFERENCE = "compiled", "reference"
SEED = 1
CONTACTS_PER_DAY = 43_200
"""Expected arrivals a day of the contact centre."""


def require_engine(name: str) -> str:
    """The engine's name, if this version has it."""
    if name not in ENGINES:
        raise CannotMeasureError(f"this version has no engine '{name}'")
    return name


def contact_centre(days: int, *, times: float = 1.0) -> Network:
    """The benchmark workload, with ``times`` the demand and (rounded up) the staff."""
    sets = [f"horizon.days={days}"]
    if times != 1.0:
        scenario = load("contact_centre").scenario
        sets += [f"arrivals.{a.source}.rate_per_s={(a.rate_per_s or 0.0) * times}" for a in scenario.arrivals]
        for name, pool in scenario.pools.items():
            servers = [(g.group, math.ceil(g.head_count * times)) for g in pool.groups]
            sets += [f"pools.{name}.groups.{group}.servers={count}" for group, count in servers]
    return build(load("contact_centre", (), sets).scenario)


def many_pools(pools: int, days: int) -> Network:
    """Pools of 5 servers, each with customers of its own, who after a minute overflow to the next pool."""
    names = [f"p{i}" for i in range(pools)]
    following = dict(zip(names, names[1:] + names[:1], strict=True))
    journey: list[dict[str, Any]] = [
        {
            "do": "serve",
            "step": "talk",
            "station": "",
            "patience": {"family": "exponential", "mean_s": 600},
            "duration": {"family": "lognormal", "mean_s": 300, "cv": 1},
        },
        {"do": "end", "outcome": "solved"},
    ]
    scenario = Scenario.model_validate(
        {
            "name": "many_pools",
            "horizon": {"days": days},
            "pools": {name: {"groups": [{"group": "all", "servers": 5}]} for name in names},
            "stations": {n: {"route": [{"pool": n}, {"pool": following[n], "after_s": 60}]} for n in names},
            "kinds": {name: {} for name in names},
            "regime": "only",
            "regimes": {"only": {name: [{**journey[0], "station": name}, journey[1]] for name in names}},
            "arrivals": [{"source": name, "kind": name, "rate_per_s": POOL_RATE_PER_S} for name in names],
        }
    )
    return build(scenario)


POOL_RATE_PER_S = 5 * 0.85 / 300
"""Customers of one of the many pools: 85 % of what its servers can do."""


def contacts_of(record: Record) -> int:
    """Contacts that arrived."""
    items = item_rows(record)
    return int(np.count_nonzero(counts_as(record, "contact", items.kind) & (items.arrived >= 0)))


def records(network: Network, engine: str, replications: int) -> Iterator[Record]:
    """Whole replications with their full trace, one at a time."""
    return (replicate(network, SEED, r, engine=engine) for r in range(replications))


@dataclass
class Tally:
    """Figures of a run of which no trace is kept: waits and what became of requests, added up block by block."""

    contacts: int = 0
    requests: int = 0
    abandoned: int = 0
    wait_ms: int = 0

    def add(self, trace: Trace) -> None:
        """Take in the rows of a block."""
        visits = trace.visits
        self.requests += int(visits.item.size)
        self.abandoned += int(np.count_nonzero(visits.end == VisitEnd.ABANDONED))
        over = np.where(visits.granted >= 0, visits.granted, visits.ended)
        self.wait_ms += int((over - visits.requested).sum())


def blocks(network: Network, contacts: int, replication: int = 0) -> Iterator[Arrivals]:
    """Arrivals day by day until there are so many (of a network in which every arrival is a contact)."""
    left, day = contacts, 0
    while left > 0:
        block = arrivals_of_day(network.sources, day, SEED, replication)
        if block.t.size == 0:
            raise ValueError("nobody arrives")
        if block.t.size > left:
            block = take(block, np.arange(left))
        yield block
        left -= block.t.size
        day += 1


MOST_DAYS = 4000
"""Longest run in blocks; servers are present until then."""


def stream(network: Network, engine: str, contacts: int) -> Tally:
    """Run so many contacts, however long that takes: arrivals in blocks of a day, its rows added up and forgotten."""
    machine: Engine = make_engine(engine, network.tables, SEED, 0)
    machine.add_windows(windows(network.scenario, MOST_DAYS, SEED, 0))
    tally = Tally()
    for day, block in enumerate(blocks(network, contacts)):
        machine.add_arrivals(block)
        tally.contacts += block.t.size
        machine.run((day + 1) * DAY)
        tally.add(machine.take_trace())
    return tally
