"""One replication from start to end: arrivals and presence in, a record out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim.service.arrivals import arrivals_of_day, in_order_of_time, no_arrivals
from sim.service.build import DAY, Network
from sim.service.day_records import DayRecords
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
    take,
)

if TYPE_CHECKING:
    from sim.world.day import Built

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

    def pending_items(self) -> Items: ...

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
    on_part: Callable[[str], None] | None = None,
    keep_trace: bool = True,
) -> Record:
    """Run one replication over the scenario's horizon.

    Parameters
    ----------
    network : the scenario, built.
    seed, replication : key of all draws, 0 … 2**32 − 1 each.
    given : arrivals to feed (in order of time) instead of the scenario's sources; no world is simulated then.
    presence : presence windows instead of the scenario's rosters.
    on_day : called with the number of each day that was simulated.
    on_trace : called with each day's finished rows, and at the end with the open ones.
    on_part : called with "world" or "service" when that part begins its share of a day (for whoever takes the time).
    keep_trace : whether the record holds the rows; without, a long run needs no more memory than a day of it.
    """
    machine = make_engine(engine, network.tables, seed, replication)
    days = network.scenario.horizon.days
    source = _source(network, seed, replication, given, presence)
    kept_arrivals, kept_windows, kept_traces = [no_arrivals()], [table(Windows, [])], [no_rows()]
    for day in range(days):
        if on_part is not None:
            on_part("world")
        arrivals, present = source.morning(day, machine)
        if on_part is not None:
            on_part("service")
        machine.run((day + 1) * DAY)
        rows = machine.take_trace()
        if on_trace is not None:
            on_trace(rows)
        if keep_trace:
            kept_arrivals.append(arrivals)
            kept_windows.append(present)
            kept_traces.append(rows)
        if on_part is not None:
            on_part("world")
        source.evening(day, rows, machine)
        if on_day is not None:
            on_day(day)
    still_open = machine.open_rows()
    if on_trace is not None:
        on_trace(still_open)
    return Record(
        names=network.names,
        settings=network.settings,
        servers=network.tables.servers,
        trace=join(kept_traces),
        open_rows=still_open if keep_trace else no_rows(),
        arrivals=concatenate(kept_arrivals),
        windows=concatenate(kept_windows),
        server_time=machine.server_time(),
        item_time_ms=machine.item_time(),
        from_ms=network.from_ms,
        until_ms=network.until_ms,
        seed=seed,
        replication=replication,
        engine=machine.name,
        days=source.end(still_open, network.until_ms),
        has_trace=keep_trace,
    )


class _Source(Protocol):
    """Where a day's work comes from, and who is told what became of it."""

    def morning(self, day: int, machine: Engine) -> tuple[Arrivals, Windows]: ...

    def evening(self, day: int, rows: Trace, machine: Engine) -> None: ...

    def end(self, still_open: Trace, until_ms: int) -> DayRecords | None: ...


def _source(network: Network, seed: int, replication: int, given: Arrivals | None, presence: Windows | None) -> _Source:
    if network.scenario.world is not None and given is None:
        return _Living(network, seed, replication)
    return _Fixed(network, seed, replication, given, presence)


class _Fixed:
    """Sources and rosters of the scenario, or arrivals and presence that are given: nothing follows from anything."""

    def __init__(
        self, network: Network, seed: int, replication: int, given: Arrivals | None, presence: Windows | None
    ) -> None:
        self._network, self._seed, self._replication = network, seed, replication
        self._given, self._presence = given, presence

    def morning(self, day: int, machine: Engine) -> tuple[Arrivals, Windows]:
        present, network = table(Windows, []), self._network
        if day == 0:
            days = network.scenario.horizon.days
            made = self._presence is None
            present = windows(network.scenario, days, self._seed, self._replication) if made else self._presence  # type: ignore[assignment]
            machine.add_windows(present)
        arrivals = no_arrivals()
        if self._given is None:
            arrivals = arrivals_of_day(network.sources, day, self._seed, self._replication)
        elif day == 0:
            arrivals = self._given
        if arrivals.t.size:
            machine.add_arrivals(arrivals)
        return arrivals, present

    def evening(self, day: int, rows: Trace, machine: Engine) -> None:
        pass

    def end(self, still_open: Trace, until_ms: int) -> None:
        return None


class _Living:
    """A world whose days follow from each other; sources that it does not drive come beside."""

    def __init__(self, network: Network, seed: int, replication: int) -> None:
        from sim.world.day import World

        self._network, self._seed, self._replication = network, seed, replication
        self._world = World(built_of(network), seed, replication)
        self._speed = network.tables.servers.speed_pm

    def morning(self, day: int, machine: Engine) -> tuple[Arrivals, Windows]:
        made = self._world.morning(day)
        if made.windows.enter.size:
            machine.add_windows(made.windows)
        if not np.array_equal(made.speed_pm, self._speed):
            machine.set_speeds(made.speed_pm)
            self._speed = made.speed_pm
        arrivals = made.arrivals
        if self._network.sources:
            beside = arrivals_of_day(self._network.sources, day, self._seed, self._replication)
            if beside.t.size:
                both = concatenate([arrivals, beside])
                arrivals = take(both, in_order_of_time(both.t - day * DAY))
        if arrivals.t.size:
            machine.add_arrivals(arrivals)
        return arrivals, made.windows

    def evening(self, day: int, rows: Trace, machine: Engine) -> None:
        self._world.evening(day, rows, machine.pending_items())

    def end(self, still_open: Trace, until_ms: int) -> DayRecords:
        return self._world.end(still_open, until_ms)


def built_of(network: Network) -> Built:
    """What a world has to know of a network."""
    from sim.world.day import Built

    return Built(network.scenario, network.names, network.settings, network.entry, network.tables.servers.pool)


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
