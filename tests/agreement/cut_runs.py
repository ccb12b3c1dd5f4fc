"""Runs that are cut into several calls, and the comparison of what two engines left behind after each of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

from sim.run import Engine, join
from sim.service.arrivals import arrivals_of_day
from sim.service.build import Network
from sim.service.presence import windows
from sim.service.record import Record
from sim.service.tables import NONE, Arrivals, Items, ServerTime, Tables, Trace, Windows, concatenate, take
from sim.service.topics import topic_of


@dataclass(frozen=True)
class Cut:
    """A call ``run(until)``, and what the world changes after it: of ``shares``, ``speeds``, ``skills``."""

    until: int
    changes: tuple[str, ...] = ()
    luck: int = 0


@dataclass(frozen=True)
class Plan:
    """How a run is cut into calls. ``in_pieces`` : arrivals and presence are given before the call that needs them;
    ``world`` : topics have a structure, and items bring work, as a world gives them."""

    seed: int
    cuts: tuple[Cut, ...]
    in_pieces: bool
    world: bool = False

    def text(self) -> str:
        """The plan on one line."""
        return json.dumps(asdict(self))

    @staticmethod
    def of(text: str) -> Plan:
        """The plan that ``text`` wrote."""
        data = json.loads(text)
        cuts = tuple(Cut(cut["until"], tuple(cut["changes"]), cut["luck"]) for cut in data["cuts"])
        return Plan(data["seed"], cuts, data["in_pieces"], data["world"])


@dataclass(frozen=True)
class Given:
    """What an engine is given over the whole horizon: everybody who comes, and all presence."""

    arrivals: Arrivals
    windows: Windows


def content_of(network: Network, plan: Plan) -> Given:
    """Arrivals and presence over the whole horizon."""
    days = network.scenario.horizon.days
    arrivals = concatenate([arrivals_of_day(network.sources, day, plan.seed, 0) for day in range(days)])
    return Given(
        _as_of_a_world(arrivals, plan.seed) if plan.world else arrivals, windows(network.scenario, days, plan.seed, 0)
    )


def _as_of_a_world(arrivals: Arrivals, seed: int) -> Arrivals:
    """The same items with few topics, incidents in several communities among them, and work of their own."""
    luck = np.random.default_rng(seed)
    size = arrivals.t.size
    causes, numbers = luck.permutation([(0, 0), (2, 64), (2, 63), (2, 131_071), (7, 64)])[: luck.integers(1, 4)].T
    which = luck.integers(0, causes.size, size)
    topic = topic_of(luck.choice([0, 0, 2047], size), causes[which], numbers[which])
    work = luck.choice([NONE, 0, 20_000, 60_000, 60_000, 120_000], size).astype(np.int32)
    return replace(arrivals, topic=np.where(arrivals.topic == NONE, np.int32(NONE), topic), work_ms=work)


def steps(engine: Engine, network: Network, plan: Plan, content: Given) -> Iterator[Cut]:
    """Run an engine call by call as the plan says, stopping after each call, before the world changes anything."""
    arrivals, presence = content.arrivals, content.windows
    fed = 0
    if not plan.in_pieces:
        engine.add_arrivals(arrivals)
        engine.add_windows(presence)
    for i, cut in enumerate(plan.cuts):
        if plan.in_pieces:
            last = i == len(plan.cuts) - 1
            until = np.iinfo(np.int64).max if last else cut.until
            engine.add_windows(take(presence, (presence.enter >= fed) & (presence.enter < until)))
            engine.add_arrivals(take(arrivals, (arrivals.t >= fed) & (arrivals.t < until)))
            fed = max(fed, until)
        engine.run(cut.until)
        yield cut
        _change(engine, cut, network.tables)


def _change(engine: Engine, cut: Cut, tables: Tables) -> None:
    """What the world changes between calls."""
    luck = np.random.default_rng(cut.luck)
    share, servers = tables.choices.cumulative_share, tables.servers
    if "shares" in cut.changes:
        engine.set_shares(np.minimum(share * luck.choice([0.6, 0.8, 1.0, 1.25]), 1.0))
    if "speeds" in cut.changes:
        engine.set_speeds(luck.choice(np.array([500, 1000, 1500, 3000]), servers.speed_pm.size))
    if "skills" in cut.changes:
        every = int(np.bitwise_or.reduce(servers.skills, initial=0))
        options = [np.full_like(servers.skills, every), luck.permutation(servers.skills), servers.skills & 1]
        engine.set_skills(options[cut.luck % 4 % 3])


@dataclass(frozen=True)
class State:
    """What can be seen of an engine after a call: rows written in it, what is still open, and its accounts."""

    until: int
    trace: Trace
    open_rows: Trace
    server_time: ServerTime
    item_time: int
    pending: Items


def states(engine: Engine, network: Network, plan: Plan, content: Given) -> list[State]:
    """The states after all calls of a plan."""
    return [
        State(
            until=cut.until,
            trace=engine.take_trace(),
            open_rows=engine.open_rows(),
            server_time=engine.server_time(),
            item_time=engine.item_time(),
            pending=engine.pending_items(),
        )
        for cut in steps(engine, network, plan, content)
    ]


def first_difference(expected: list[State], found: list[State]) -> str:
    """Where two runs of one plan differ first, as a sentence; empty if nowhere."""
    for number, (a, b) in enumerate(zip(expected, found, strict=True)):
        where = f"call {number + 1}, until {a.until} ms: "
        for what in ("trace", "open_rows"):
            for table in ("visits", "items", "clocks", "marks"):
                here, there = vars(getattr(getattr(a, what), table)), vars(getattr(getattr(b, what), table))
                if difference := _of_columns(here, there):
                    return f"{where}{what}.{table}, {difference}"
        if difference := _of_columns(vars(a.server_time), vars(b.server_time)):
            return f"{where}server_time, {difference}"
        if difference := _of_columns(vars(a.pending), vars(b.pending)):
            return f"{where}pending_items, {difference}"
        if a.item_time != b.item_time:
            return f"{where}item_time is {a.item_time} and {b.item_time}"
    return ""


def _of_columns(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> str:
    """The first row that differs, whole; columns must have the same type."""
    for name in a:
        if a[name].dtype != b[name].dtype:
            return f"column {name} is {a[name].dtype} and {b[name].dtype}"
    rows = [list(zip(*(column.tolist() for column in columns.values()), strict=True)) for columns in (a, b)]
    for i in range(max(len(rows[0]), len(rows[1]))):
        first, second = (str(side[i]) if i < len(side) else "missing" for side in rows)
        if first != second:
            return f"row {i} of ({', '.join(a)}): {first} and {second}"
    return ""


def record_of(network: Network, engine: Engine, found: list[State], content: Given, seed: int) -> Record:
    """A run over the whole horizon as a record, for the figures' own checks."""
    return Record(
        names=network.names,
        settings=network.settings,
        servers=network.tables.servers,
        trace=join([state.trace for state in found]),
        open_rows=found[-1].open_rows,
        arrivals=content.arrivals,
        windows=content.windows,
        server_time=found[-1].server_time,
        item_time_ms=found[-1].item_time,
        from_ms=network.from_ms,
        until_ms=network.until_ms,
        seed=seed,
        replication=0,
        engine=engine.name,
    )
