"""How contacts per second change with the length of the run, the crowd in it, and the number of pools."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from sim.bench.figure import CannotMeasureError, Effort, Figure, missing
from sim.bench.networks import (
    COMPILED,
    CONTACTS_PER_DAY,
    POOL_RATE_PER_S,
    SEED,
    blocks,
    contact_centre,
    many_pools,
    require_engine,
    stream,
)
from sim.bench.speed import PER_S, engine_task, prepared, rate, rate_figure
from sim.bench.timing import Task, interleaved
from sim.run import replicate
from sim.service.tables import concatenate


def _measured(makers: dict[str, Callable[[], Task]], notes: dict[str, str], rounds: int) -> list[Figure]:
    try:
        require_engine(COMPILED)
    except CannotMeasureError as error:
        return [missing(name, PER_S, str(error)) for name in makers]
    tasks, reasons = prepared(makers)
    measured = interleaved(tasks, rounds)
    return [rate_figure(name, name, measured, reasons, notes[name]) for name in makers]


def by_length(effort: Effort) -> list[Figure]:
    """Longer and longer runs of the contact centre, arrivals in blocks of a day, the trace of a day forgotten."""
    makers: dict[str, Callable[[], Task]] = {}
    for contacts in (1_000, 10_000) if effort.quick else (10_000, 100_000, 1_000_000, 10_000_000):
        name = f"contacts_per_s_{contacts}_contacts"
        makers[name] = partial(_stream_task, contacts)
    note = "contact centre, in blocks of a day"
    return _measured(makers, dict.fromkeys(makers, note), min(effort.runs, 3))


def _stream_task(contacts: int) -> Task:
    network = contact_centre(1)
    stream(network, COMPILED, min(contacts, 1000))
    times = max(100_000 // contacts, 1)

    def work() -> None:
        for _ in range(times):
            stream(network, COMPILED, contacts)

    return rate(contacts * times, work)


def by_crowd(effort: Effort) -> list[Figure]:
    """One day of the contact centre with more and more demand and staff: more events wait at a time."""
    makers: dict[str, Callable[[], Task]] = {}
    notes = {}
    for times in (1, 2) if effort.quick else (1, 10, 40):
        name = f"contacts_per_s_{times}_times_demand"
        share = 0.05 if effort.quick else 1.0
        replications = max(20 // times, 1) if not effort.quick else 1
        makers[name] = partial(_crowd_task, times * share, replications)
        notes[name] = f"contact centre with {times * 50} agents, {CONTACTS_PER_DAY * times:,} contacts in a day"
    return _measured(makers, notes, min(effort.runs, 3))


def _crowd_task(times: float, replications: int) -> Task:
    return engine_task(contact_centre(1, times=times), COMPILED, replications)


def by_pools(effort: Effort) -> list[Figure]:
    """The same number of contacts in networks of more and more pools."""
    contacts = effort.size(400_000, 2_000)
    makers: dict[str, Callable[[], Task]] = {}
    for pools in (3, 10) if effort.quick else (10, 100, 1000):
        name = f"contacts_per_s_{pools}_pools"
        makers[name] = partial(_pools_task, pools, contacts)
    note = "5 servers each, overflow to the next pool; arrivals drawn beforehand"
    return _measured(makers, dict.fromkeys(makers, note), min(effort.runs, 3))


def _pools_task(pools: int, contacts: int) -> Task:
    days = math.ceil(contacts / (pools * POOL_RATE_PER_S * 86_400))
    network = many_pools(pools, days)
    arrivals = concatenate(list(blocks(network, contacts)))
    return rate(arrivals.t.size, lambda: replicate(network, SEED, 0, engine=COMPILED, given=arrivals))
