"""One replication from start to end: arrivals and presence in, a record out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from sim.service.arrivals import arrivals_of_day, no_arrivals
from sim.service.build import DAY, Network
from sim.service.presence import windows
from sim.service.record import Record
from sim.service.tables import (
    Arrivals,
    ClockRows,
    Items,
    Marks,
    ServerTime,
    Tables,
    Trace,
    Visits,
    Windows,
    concatenate,
    table,
)

ENGINES = ("compiled", "reference")
"""The first is the default; the second is there to be read, extended and checked against."""


class Engine(Protocol):
    """What both engines offer: built for one replication, run day by day, state kept between calls."""

    name: str

    def add_arrivals(self, arrivals: Arrivals) -> None: ...

    def add_windows(self, windows: Windows) -> None: ...

    def set_shares(self, cumulative_share: np.ndarray) -> None: ...

    def set_speeds(self, speed_pm: np.ndarray) -> None: ...

    def set_skills(self, skills: np.ndarray) -> None: ...

    def run(self, until: int) -> None: ...

    def take_trace(self) -> Trace: ...

    def open_rows(self) -> Trace: ...

    def server_time(self) -> ServerTime: ...

    def item_time(self) -> int: ...


def make_engine(engine: str, tables: Tables, seed: int, replication: int) -> Engine:
    """An engine by name; heavy modules are imported only when they are used."""
    if engine == "compiled":
        from sim.service.compiled import CompiledEngine

        return CompiledEngine(tables, seed, replication)
    if engine == "reference":
        from sim.service.reference import ReferenceEngine

        return ReferenceEngine(tables, seed, replication)
    raise ValueError(f"no engine '{engine}'; allowed: {', '.join(ENGINES)}")


def replicate(
    network: Network,
    seed: int,
    replication: int,
    *,
    engine: str = ENGINES[0],
    given: Arrivals | None = None,
    presence: Windows | None = None,
    on_day: Callable[[int], None] | None = None,
    on_trace: Callable[[Trace], None] | None = None,
    keep_trace: bool = True,
) -> Record:
    """Run one replication over the scenario's horizon.

    Parameters
    ----------
    network : the scenario, built.
    seed, replication : key of all draws, 0 … 2**32 − 1 each.
    given : arrivals to feed (in order of time) instead of the scenario's sources.
    presence : presence windows instead of the scenario's rosters.
    on_day : called with the number of each day that was simulated.
    on_trace : called with each day's finished rows, and at the end with the open ones.
    keep_trace : whether the record holds the rows; without, a long run needs no more memory than a day of it.
    """
    machine = make_engine(engine, network.tables, seed, replication)
    days = network.scenario.horizon.days
    present = windows(network.scenario, days, seed, replication) if presence is None else presence
    machine.add_windows(present)
    if given is not None:
        machine.add_arrivals(given)
    arrived = [no_arrivals() if given is None else given]
    traces = [no_rows()]
    for day in range(days):
        if given is None:
            today = arrivals_of_day(network.sources, day, seed, replication)
            machine.add_arrivals(today)
            if keep_trace:
                arrived.append(today)
        machine.run((day + 1) * DAY)
        rows = machine.take_trace()
        if on_trace is not None:
            on_trace(rows)
        if keep_trace:
            traces.append(rows)
        if on_day is not None:
            on_day(day)
    still_open = machine.open_rows()
    if on_trace is not None:
        on_trace(still_open)
    return Record(
        names=network.names,
        settings=network.settings,
        servers=network.tables.servers,
        trace=join(traces),
        open_rows=still_open,
        arrivals=concatenate(arrived),
        windows=present,
        server_time=machine.server_time(),
        item_time_ms=machine.item_time(),
        from_ms=network.from_ms,
        until_ms=network.until_ms,
        seed=seed,
        replication=replication,
        engine=machine.name,
    )


def no_rows() -> Trace:
    """A trace without rows."""
    return Trace(table(Visits, []), table(Items, []), table(ClockRows, []), table(Marks, []))


def join(traces: list[Trace]) -> Trace:
    """Traces of successive calls as one."""
    return Trace(
        visits=concatenate([t.visits for t in traces]),
        items=concatenate([t.items for t in traces]),
        clocks=concatenate([t.clocks for t in traces]),
        marks=concatenate([t.marks for t in traces]),
    )
