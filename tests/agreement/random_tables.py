"""Random networks for the agreement of the engines: every operation and rule, and as many ties as can be had.

A ``Plan`` is what a world would do with an engine: hand over arrivals and presence, change shares, speeds and skills,
run for a while, again and again. What the scenario level guarantees is kept: cycles take time, holds are a stack of at
most four, a batch's section holds only waits and work, ages on a route do not fall, windows neither touch nor overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.draws import CONSTANT, EMPIRICAL, EXPONENTIAL, GAMMA, LOGNORMAL, WEIBULL
from sim.service.tables import (
    MAX_HELD,
    NONE,
    Arrivals,
    Choices,
    Clocks,
    Durations,
    Lanes,
    Op,
    Program,
    Routes,
    Seizes,
    Servers,
    Stations,
    Tables,
    TopicField,
    Windows,
    table,
    take,
)
from sim.service.topics import topic_of

TICK = 1000
"""Times are multiples of this, mostly, so that events coincide."""

DRAWING = (Op.WAIT, Op.SEIZE, Op.WORK, Op.BRANCH_SHARE, Op.SPAWN)


@dataclass
class Plan:
    """A network and what is done with it: calls of an engine's methods, by name, in order."""

    tables: Tables
    seed: int
    replication: int
    calls: list[tuple[str, Any]]


def random_plan(seed: int) -> Plan:
    """The plan of that number."""
    return _Maker(np.random.default_rng([20260101, seed])).plan()


@dataclass
class _Maker:
    rng: np.random.Generator
    rows: list[list[Any]] = field(default_factory=list)
    choices: list[tuple[float, Any]] = field(default_factory=list)
    seizes: list[list[Any]] = field(default_factory=list)
    label: dict[Any, int] = field(default_factory=dict)
    slots: int = 0

    # ── small choices ────────────────────────────────────────────────────────────────────────────────────────────

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def upto(self, most: int, least: int = 0) -> int:
        return int(self.rng.integers(least, most + 1))

    def purpose(self) -> int:
        return int(self.rng.integers(0, 2**32))

    # ── the network ──────────────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> Plan:
        self.crowded = self.chance(0.15)
        self.stations, self.pools, self.levels = self.upto(5, 1), self.upto(4, 1), self.upto(3, 1)
        self.clocks, self.gates, self.kinds = self.pick(0, 2, 3, 4), self.upto(3), self.upto(4, 1)
        self.durations = self._durations()
        batch = [self.pick(1, 2, 3, 9) for _ in range(self.stations)]
        self.question = self.pick(-1, 0, 2)
        self.batch = batch
        routes: list[tuple[int, ...]] = []
        stations: list[tuple[int, ...]] = []
        self.empty_route: list[bool] = []
        for s in range(self.stations):
            empty = s > 0 and self.chance(0.15)
            pools = [] if empty else self.rng.permutation(self.pools)[: self.upto(3, 1)].tolist()
            ages = np.cumsum([self.pick(0, 0, 1, 2, 5) * TICK for _ in pools])
            self.empty_route.append(empty)
            need = self.pick(0, 0, 0, 1, 2, 3)
            stations.append((need, len(routes), len(routes) + len(pools), batch[s]))
            routes += [(p, int(age)) for p, age in zip(pools, ages, strict=True)]
        shape = (self.stations, self.levels)
        lanes = Lanes(
            self.rng.integers(0, 3, shape).astype(np.int32),
            self.rng.choice([0, 0, 0, 1, 3, 10], shape).astype(np.int64) * TICK,
        )
        servers = []
        for p in range(self.pools):
            for _ in range(self.upto(4, 2 if p == 0 else 1)):
                slots = self.pick(1, 2, 3, 3) if p == 0 else self.pick(1, 1, 2, 3)
                servers.append((p, self.pick(3, 3, 3, 0, 1, 2), self.pick(1000, 1000, 500, 1250, 937), slots))
        self.servers = len(servers)
        slow = np.full((self.pools, 4), 1000, dtype=np.int64)
        for p in range(self.pools):
            slow[p, 2:] = self.pick((1000, 1000), (1500, 2000), (1333, 1777))
        own = [s for s in range(self.stations) if not self.empty_route[s]]
        clocks = []
        for _ in range(self.clocks):
            action = self.upto(2)
            arg = NONE if action == 0 else self.upto(self.levels - 1) if action == 1 else self.pick(*own)
            clocks.append((self.pick(0, 1, 2, 3, 5, 10) * TICK, action, arg))
        entries = [self._journey(kind) for kind in range(self.kinds)]
        tables = Tables(
            program=table(
                Program,
                [
                    (op, a, b, NONE if c is None else self._pc(c), step, purpose, slot)
                    for op, a, b, c, step, purpose, slot in (self._resolved(r, entries) for r in self.rows)
                ],
            ),
            choices=table(Choices, [(share, self._pc(to)) for share, to in self.choices]),
            seizes=table(Seizes, [tuple(self._pc(v) if n == 3 else v for n, v in enumerate(z)) for z in self.seizes]),
            stations=table(Stations, stations),
            routes=table(Routes, routes),
            lanes=lanes,
            clocks=table(Clocks, clocks),
            servers=table(Servers, servers),
            slow_pm=slow,
            durations=self.durations,
            gate_scope=np.array([self.upto(3) for _ in range(self.gates)], dtype=np.int32),
            moments=3,
            visit_slots=self.slots,
        )
        return Plan(tables, self.purpose(), self.purpose(), self._calls(tables, entries))

    def _durations(self) -> Durations:
        constants = [0, 0, 1, 1, 2, 3, 5, 8]
        span = [(n, 1) for n in range(len(constants))]
        component = [(1.0, CONSTANT, float(x * TICK), 0.0, 0.0, 1.0) for x in constants]
        mean = float(self.pick(500, 3000, 9000))
        knot = [(0.0, 0.0), (0.3, 1000.0), (0.3, 2000.0), (0.8, 4000.0), (1.0, 20000.0)]
        scores = np.linspace(-8.5, 8.5, 35)
        gamma_row = len(knot)
        knot += [(float(np.log(mean) + 0.5 * z), 0.5) for z in scores]
        families: list[list[tuple[float, ...]]] = [
            [(1.0, EXPONENTIAL, mean, 0.0, 0.0, 1.0)],
            [(1.0, LOGNORMAL, float(np.log(mean)), 0.7, 0.0, 1.0)],
            [(1.0, WEIBULL, mean, 0.6, 0.05, 0.9)],
            [(1.0, GAMMA, float(gamma_row), float(scores.size), 0.0, 1.0)],
            [(1.0, EMPIRICAL, 0.0, 5.0, 0.0, 1.0)],
            [(0.3, CONSTANT, 0.0, 0.0, 0.0, 1.0), (1.0, EXPONENTIAL, mean, 0.0, 0.0, 1.0)],
            [
                (0.4, CONSTANT, 1000.0, 0.0, 0.0, 1.0),
                (0.7, CONSTANT, 2000.0, 0.0, 0.0, 1.0),
                (1.0, CONSTANT, 4000.0, 0.0, 0.0, 1.0),
            ],
        ]
        for parts in families:
            span.append((len(component), len(parts)))
            component += parts
        self.constants, self.distributions = len(constants), len(span)
        return Durations(
            np.array(span, dtype=np.int32), np.array(component, dtype=np.float64), np.array(knot, dtype=np.float64)
        )

    def duration(self, zero: bool = True) -> int:
        if self.chance(0.7):
            return self.upto(self.constants - 1, 0 if zero else 2)
        return self.upto(self.distributions - 1, self.constants)

    def work(self) -> int:
        """A duration, or the item's own work."""
        return NONE if self.chance(0.15) else self.duration()

    # ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _pc(self, target: Any) -> int:
        return target if isinstance(target, int) else self.label[target]

    def _resolved(self, row: list[Any], entries: list[int]) -> list[Any]:
        op, a, *rest = row
        return [op, entries[a] if op == Op.SPAWN else a, *rest]

    def add(self, op: Op, a: int = NONE, b: int = NONE, to: Any = None) -> None:
        slot = NONE
        if self.loops and op in DRAWING:
            slot = self.in_journey
            self.in_journey += 1
            self.slots = max(self.slots, self.in_journey)
        self.rows.append([op, a, b, to, self.upto(20), self.purpose(), slot])

    def _journey(self, kind: int) -> int:
        self.kind, self.in_journey = kind, 0
        self.loops = self.chance(0.5)
        entry = len(self.rows)
        self.blocks = self.upto(9, 5 if kind == 0 else 2)
        for block in range(self.blocks):
            self.block = block
            self.label[kind, block] = len(self.rows)
            self._block()
        self.label[kind, self.blocks] = len(self.rows)
        self.block = self.blocks
        self.add(Op.END, self.upto(5))
        if self.loops:
            self.label[kind, "retry"] = len(self.rows)
            self.add(Op.WAIT, self.upto(self.constants - 1, 2))
            self._branch([(0.5, (kind, self.upto(self.blocks - 1)))])
            self.add(Op.END, 2)
        return entry

    def _later(self) -> Any:
        """A step behind this one, or the retry."""
        if self.loops and self.chance(0.3):
            return self.kind, "retry"
        return self.kind, self.upto(self.blocks, self.block + 1)

    def _branch(self, options: list[tuple[float, Any]]) -> None:
        first = len(self.choices)
        self.choices += options
        self.add(Op.BRANCH_SHARE, first, len(options))

    def _block(self) -> None:
        kinds = ["serve"] * 13 + ["wait", "share", "queue", "level", "mark", "go", "topic", "topic"]
        kinds += ["clock"] * (3 if self.clocks else 0) + ["gate"] * (12 if self.gates else 0)
        kinds += ["spawn"] * (2 if self.kind + 1 < self.kinds else 0) + ["parent"] * (3 if self.kind > 0 else 1)
        match self.pick(*kinds):
            case "serve":
                if self.clocks and self.chance(0.5):
                    self.add(Op.CLOCK_START, self.upto(self.clocks - 1))
                self._serve(0)
                if self.clocks and self.chance(0.3):
                    self.add(Op.CLOCK_STOP, self.upto(self.clocks - 1))
                if self.clocks and self.chance(0.3):
                    self.add(Op.BRANCH_CLOCK, self.upto(self.clocks - 1), to=self._later())
            case "wait":
                self.add(Op.WAIT, self.duration())
            case "share":
                shares = np.sort(self.rng.random(self.upto(3, 1)))
                self._branch([(float(x), self._later()) for x in shares])
            case "queue":
                self.add(Op.BRANCH_QUEUE, self.upto(self.stations - 1), self.upto(3), to=self._later())
            case "level":
                self.add(Op.LEVEL, self.upto(self.levels - 1))
            case "mark":
                self.add(Op.MARK, self.upto(2))
            case "spawn":
                if self.chance(0.5):
                    self._branch([(0.5, (self.kind, self.block + 1))])
                delay = self.duration() if self.chance(0.5) else NONE
                self.add(Op.SPAWN, self.upto(self.kinds - 1, self.kind + 1), self.upto(5), to=delay)
                if self.chance(0.5):
                    self.add(Op.WAIT, self.duration())
            case "topic":
                if self.chance(0.5):
                    self.add(Op.BRANCH_TOPIC, TopicField.CAUSE, self.pick(0, 2, 2, 7), to=self._later())
                else:
                    self.add(Op.BRANCH_TOPIC, TopicField.INCIDENT, to=self._later())
            case "parent":
                self.add(Op.BRANCH_PARENT, to=self._later())
            case "go":
                if self.chance(0.5):
                    self._branch([(0.5, (self.kind, self.block + 1))])
                self.add(Op.GOTO, to=self._later())
            case "clock":
                op, clock = self.pick(Op.CLOCK_START, Op.CLOCK_START, Op.CLOCK_STOP), self.upto(self.clocks - 1)
                self.add(op, clock)
                if self.chance(0.6):
                    self.add(Op.BRANCH_CLOCK, clock, to=self._later())
            case "gate":
                gate = self.upto(self.gates - 1)
                if self.chance(0.5):
                    self.add(Op.GATE_WAIT, gate)
                else:
                    if self.chance(0.5):
                        self.add(Op.WAIT, self.duration())
                    self.add(Op.GATE_OPEN, self.upto(self.gates - 1), self.pick(0, 0, 0, 0, 1))

    def _serve(self, held: int) -> None:
        """A visit to a station, perhaps with others inside it; leads on at the same number of holds."""
        station = self.upto(self.stations - 1)
        batches = [s for s in range(self.stations) if self.batch[s] > 1]
        if held and batches and self.chance(0.95):
            station = self.pick(*batches)
        self.inside = held > 0
        after = ("after", len(self.rows), len(self.seizes))
        self._seize(station, self._later() if held == 0 else after)
        if self.batch[station] > 1:
            for _ in range(self.upto(2)):
                op = self.pick(Op.WORK, Op.WORK, Op.WAIT)
                self.add(op, self.work() if op == Op.WORK else self.duration())
        else:
            if self.chance(0.5):
                self.add(Op.OWN)
            self.add(Op.WORK, self.work())
            if self.clocks and self.chance(0.15):
                self.add(Op.CLOCK_START, self.upto(self.clocks - 1))
            if self.gates and self.chance(0.05):
                self.add(Op.GATE_WAIT, self.upto(self.gates - 1))
            if held + 1 < MAX_HELD and self.chance(0.85 if held == 0 else 0.4):
                self._serve(held + 1)
                if self.chance(0.5):
                    self.add(Op.WORK, self.work())
        if self.chance(0.1 + 0.2 * (held > 0) + 0.1 * (self.batch[station] > 1)):
            self.add(Op.END, self.upto(5))
        else:
            self.add(Op.RELEASE)
        self.label[after] = len(self.rows)
        if self.rows[-1][0] == Op.END and held > 0:
            # Who lost patience inside still holds the outer server.
            self.add(Op.RELEASE)
            for _ in range(held - 1):
                self.add(Op.RELEASE)
            self.add(Op.END, self.upto(5))
            self.dead_end = True

    def _seize(self, station: int, otherwise: Any) -> None:
        empty = self.empty_route[station]
        prefer = self.pick(1, 1, 2, 2) if empty or self.chance(0.6) else 0
        patience = NONE if self.chance(0.7 if self.inside else 0.4) else self.duration()
        lapse = self.upto(60) * TICK if self.chance(0.25) else NONE
        fallback = NONE if empty or self.chance(0.5) else self.pick(0, 1, 2, 4) * TICK
        if_absent = 1 if empty else self.upto(1)
        notice = NONE if self.chance(0.2) else self.duration()
        self.add(Op.SEIZE, len(self.seizes))
        self.seizes.append(
            [
                *(station, patience, self.purpose(), NONE if patience == lapse == NONE else otherwise),
                *(prefer, if_absent, fallback, notice, self.purpose(), lapse),
            ]
        )

    # ── what is done with it ─────────────────────────────────────────────────────────────────────────────────────

    def _calls(self, tables: Tables, entries: list[int]) -> list[tuple[str, Any]]:
        length = self.pick(20, 60, 120)
        count = self.upto(400, 150) if self.crowded else self.upto(100, 10)
        if self.crowded:
            length = self.pick(3, 20)
        grid = self.pick(TICK, TICK, TICK, 500, 7)
        t = np.sort(self.rng.integers(0, length * TICK // grid, count)) * grid
        entry = np.array(entries, dtype=np.int32)
        kind = np.where(self.rng.random(count) < 0.6, 0, self.rng.integers(0, len(entries), count))
        homes = min(self.pick(1, 2, self.servers), self.servers)
        case = np.where(self.rng.random(count) < 0.2, self.rng.integers(0, 5, count), NONE)
        arrivals = Arrivals(
            t=t.astype(np.int64),
            entry_pc=entry[kind],
            kind=kind.astype(np.int32),
            level=self.rng.integers(0, self.levels, count).astype(np.int32),
            draw_key=self.rng.integers(-(2**63), 2**63 - 1, count),
            home_server=self.rng.integers(-1, homes, count).astype(np.int32),
            topic=self._topics(count),
            case=case.astype(np.int64),
            work_ms=self.rng.choice([NONE, 0, 1000, 2000, 5000, 7], count).astype(np.int32),
        )
        windows = self._windows(length)
        cuts = [self.upto(length * TICK) for _ in range(self.upto(4))]
        cuts = sorted({cut // TICK * TICK if self.chance(0.7) else cut for cut in cuts})
        calls: list[tuple[str, Any]] = []
        reached = 0
        for cut in [*cuts, length * TICK, self.pick(2, 50) * length * TICK]:
            last = cut == max(length * TICK, cut) and cut > length * TICK
            inside = (arrivals.t >= reached) & ((arrivals.t < cut) | last)
            if self.chance(0.3):
                # Two blocks, the second of which may begin in the same tick.
                half = np.flatnonzero(inside)[: self.upto(int(inside.sum()))]
                first = np.zeros_like(inside)
                first[half] = True
                calls.append(("add_arrivals", take(arrivals, first)))
                inside &= ~first
            calls.append(("add_arrivals", take(arrivals, inside)))
            here = (windows.enter >= reached) & ((windows.enter < cut) | last)
            calls.append(("add_windows", take(windows, here)))
            if self.chance(0.2):
                calls.append(("set_shares", tables.choices.cumulative_share**2))
            if self.chance(0.3):
                calls.append(("set_speeds", self.rng.choice([1000, 800, 1250, 333], self.servers).astype(np.int64)))
            if self.chance(0.4):
                calls.append(("set_skills", self.rng.choice([3, 3, 1, 2, 0], self.servers).astype(np.int64)))
            calls.append(("run", cut))
            reached = max(reached, cut)
        return calls

    def _topics(self, count: int) -> NDArray[np.int32]:
        """None, few plain ones, or those of a world: the same in two communities, ordinary and of an incident."""
        plain = self.rng.integers(-1, 1 + self.question, count).astype(np.int32)
        if self.chance(0.5):
            return plain
        topic = topic_of(self.rng.choice([0, 2047], count), self.pick(0, 2, 7), self.rng.choice([63, 64], count))
        return np.where(self.rng.random(count) < 0.1, plain, topic)

    def _windows(self, length: int) -> Windows:
        rows = []
        for server in range(self.servers):
            t = 0 if self.chance(0.7) else self.upto(length // 2)
            for _ in range(self.pick(0, 1, 2, 3, 4)):
                if self.chance(0.25):
                    leave = t + 20 * length
                else:
                    leave = t + self.upto(max(length // 2, 1), 1) // 5 * 5 + self.pick(0, 0, 0, 1)
                    leave = max(leave, t + 1)
                rows.append((t * TICK, leave * TICK, server))
                t = leave + self.upto(10, 1)
        rows.sort()
        return table(Windows, rows)
