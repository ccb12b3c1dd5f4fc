"""Both engines write the same trace, integer for integer, on random networks."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from random_tables import Plan, random_plan

from sim.service import columns as at
from sim.service import growth, orders
from sim.service.actors import UNNOTICED, WAITING, Item, Request, Server
from sim.service.compiled import CompiledEngine
from sim.service.kernel import kernel
from sim.service.reference import ReferenceEngine
from sim.service.rules import next_lapse
from sim.service.tables import NONE, Arrivals, ClockAction, ClockEnd, GateScope, Op, Tables, TopicField, Windows, table

NETWORKS = int(os.environ.get("LINLI_AGREEMENT_NETWORKS", "400"))
BLOCKS = 20
"""Tests that the networks are divided into, so that several processes share them."""

LEAST_SHARE = 0.05
RULES = 103
"""Rules that ``Watched`` knows; each fires in at least ``LEAST_SHARE`` of the networks."""

SMALLEST = {
    **dict.fromkeys(("FIRST_ITEMS", "FIRST_EVENTS", "FIRST_RING", "FIRST_HOLDS", "FIRST_KEYS", "FIRST_ROWS"), 1),
    **{"MOST_ROWS": 64, "SLOW_GROWTH": 8},
}
"""Sizes with which all arrays of the compiled engine have to grow all the time."""

pytestmark = pytest.mark.agreement


def differences(plan: Plan, reference: Any, compiled: Any) -> list[str]:
    """Run both engines as the plan says and compare all that they tell after every run."""
    found: list[str] = []
    for method, argument in plan.calls:
        for engine in (reference, compiled):
            getattr(engine, method)(argument)
        if method == "run":
            for what in ("take_trace", "open_rows", "server_time", "item_time", "pending_items"):
                found += compare(what, getattr(reference, what)(), getattr(compiled, what)())
            if found:
                return [f"after run({argument})", *found]
    return found


def compare(what: str, left: Any, right: Any) -> list[str]:
    """What differs between two answers, by column, with the first row that does."""
    if isinstance(left, int):
        return [] if left == right else [f"{what}: {left} ≠ {right}"]
    if isinstance(left, np.ndarray):
        if left.dtype != right.dtype:
            return [f"{what}: {left.dtype} ≠ {right.dtype}"]
        if left.shape != right.shape:
            return [f"{what}: {left.size} ≠ {right.size} rows"]
        rows = np.flatnonzero(left != right)
        return [f"{what} row {rows[0]}: {left[rows[0]]} ≠ {right[rows[0]]}"] if rows.size else []
    return [d for f in fields(left) for d in compare(f"{what}.{f.name}", getattr(left, f.name), getattr(right, f.name))]


def disagreement(number: int) -> list[str]:
    plan = random_plan(number)
    engines = [kind(plan.tables, plan.seed, plan.replication) for kind in (ReferenceEngine, CompiledEngine)]
    return differences(plan, *engines)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_both_engines_write_the_same_trace(block: int) -> None:
    for number in range(block, NETWORKS, BLOCKS):
        assert (number, disagreement(number)) == (number, [])


@pytest.mark.parametrize("small", [tuple(SMALLEST), ("FIRST_RING",), ("FIRST_EVENTS", "SLOW_GROWTH")])
def test_arrays_that_grow_all_the_time_change_nothing(monkeypatch: pytest.MonkeyPatch, small: tuple[str, ...]) -> None:
    for name in small:
        monkeypatch.setattr(growth, name, SMALLEST[name])
    for number in range(NETWORKS, NETWORKS + 100):
        assert (number, disagreement(number)) == (number, [])


@pytest.mark.slow
def test_no_array_is_overrun() -> None:
    """In a process of its own, whose kernel is compiled with bounds checking (and cached beside the other)."""
    script = f"""
import numba, pytest
from sim.service import growth
from test_compiled_tables import SMALLEST, disagreement
assert numba.core.config.BOUNDSCHECK == 1
for name, size in SMALLEST.items():
    setattr(growth, name, size)
for number in range({NETWORKS + 100}, {NETWORKS + 300}):
    assert disagreement(number) == [], number
"""
    here = pathlib.Path(__file__).parent
    environment = dict(os.environ, NUMBA_BOUNDSCHECK="1", PYTHONPATH=str(here))
    subprocess.run([sys.executable, "-c", script], cwd=here.parents[1], env=environment, check=True)


def test_the_kernel_is_not_compiled_a_second_time() -> None:
    """A process that finds the disk cache filled does not compile; the engine of this process has filled it."""
    kernel()
    script = (
        "from sim.service.kernel import kernel\n"
        "stats = kernel().stats\n"
        "print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))"
    )
    root = pathlib.Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, text=True)
    assert told.stdout.split() == ["1", "0"]


def _arrivals(*t: int) -> Arrivals:
    return table(Arrivals, [(x, 0, 0, 0, 1, NONE, NONE, NONE, NONE) for x in t])


@pytest.mark.parametrize(
    ("method", "first", "second"),
    [
        ("add_arrivals", _arrivals(5, 9), _arrivals(8)),
        ("add_arrivals", _arrivals(), _arrivals(3, 2)),
        ("add_windows", table(Windows, [(0, 9, 0)]), table(Windows, [(20, 30, 0), (9, 12, 0)])),
        ("add_windows", table(Windows, [(0, 9, 0)]), table(Windows, [(10, 10, 0)])),
        ("add_windows", table(Windows, []), table(Windows, [(5, 7, 0), (5, 7, 0)])),
    ],
)
def test_both_engines_refuse_what_comes_too_late_in_the_same_words(method: str, first: Any, second: Any) -> None:
    plan = random_plan(0)
    words = []
    for engine in (ReferenceEngine(plan.tables, 0, 0), CompiledEngine(plan.tables, 0, 0)):
        getattr(engine, method)(first)
        with pytest.raises(ValueError, match="ms") as refused:
            getattr(engine, method)(second)
        words.append(str(refused.value))
    assert words[0] == words[1]


@pytest.mark.parametrize("seed", range(5))
def test_a_queue_gives_its_first_whatever_came_and_left_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 300
    item64 = np.zeros((size, at.ITEM64_COLUMNS), dtype=np.int64)
    item32 = np.zeros((size, at.ITEM32_COLUMNS), dtype=np.int32)
    item64[:, at.I_NUMBER] = np.arange(size)
    queue = np.full((1, at.QUEUE_COLUMNS), NONE, dtype=np.int32)
    waiting: dict[int, tuple[int, int, int]] = {}
    for step in range(4000):
        i = int(rng.integers(size))
        if i in waiting:
            if rng.random() < 0.5:
                i = min(waiting, key=waiting.__getitem__)
            orders.dequeue(item64, item32, queue, item32, at.I_PREV, 0, i)
            del waiting[i]
        else:
            waiting[i] = int(rng.integers(3)), int(rng.integers(step // 10 + 1)), i
            item32[i, at.I_PRIORITY], item64[i, at.I_RANK_TIME], _ = waiting[i]
            orders.enqueue(item64, item32, queue, item32, at.I_PREV, 0, i)
        first = min(waiting, key=waiting.__getitem__) if waiting else NONE
        assert orders.first_of(item64, item32, queue, 0) == first


class _Noting(list[Any]):
    """A column that tells which of its rows are read."""

    def __init__(self, values: list[Any], note: Callable[[int], None]) -> None:
        super().__init__(values)
        self.note = note

    def __getitem__(self, row: Any) -> Any:
        self.note(row)
        return super().__getitem__(row)


class Watched(ReferenceEngine):
    """The reference engine, noting which rules fire (``fired``) and that nobody idles while work waits."""

    def __init__(self, tables: Tables, seed: int, replication: int) -> None:
        super().__init__(tables, seed, replication)
        self.fired: set[str] = set()
        self.left_queue: dict[Request, str] = {}
        self.left_at: dict[int, int] = {}
        names = [Op(op).name for op in self.op]
        self.op = _Noting(self.op, lambda pc: self.fired.add(names[pc]))
        self.c = _Noting(self.c, lambda pc: self.fired.add(f"{names[pc]} taken"))

    def note(self, rule: str, when: object = True) -> None:
        if when:
            self.fired.add(rule)

    def run(self, until: int) -> None:
        super().run(until)
        self.note("pending between calls", self.coming)
        for server in self.servers:
            assert not (server.takes_work and self._choose_work(server)), "a server idles while work waits"

    def _offer_changed(self) -> None:
        ready = len(self.ready)
        super()._offer_changed()
        self.note("new skills find work", len(self.ready) > ready)

    def _leave(self, server: Server) -> None:
        private = len(server.private)
        self.left_at[server.number] = self.now
        super()._leave(server)
        self.note("private requests go to the route when the server leaves", len(server.private) < private)
        self.note("private requests stay when the server leaves", server.private)
        self.note("shift ends during work", server.held)

    def _release(self, item: Item, followers_go_on_at: int) -> None:
        request = item.held[-1]
        server = self.servers[request.server]
        self.note("work ends in the tick of the shift's end", self.left_at.get(server.number) == self.now)
        self.note("overtime", not server.present)
        at_end = followers_go_on_at != item.pc or self.op[item.pc - 1] == Op.END
        self.note("batch ends by END", request.followers and at_end)
        self.note("END releases", at_end)
        self.note("END releases several", at_end and len(item.held) > 1)
        self.note("followers hold other servers", any(f.item.held for f in request.followers))
        super()._release(item, followers_go_on_at)

    def _amount_of_work(self, item: Item, pc: int) -> int:
        self.note("own work", self.a[pc] == NONE and item.work > 0)
        self.note("no own work", self.a[pc] == NONE and item.work == NONE)
        return super()._amount_of_work(item, pc)

    def _is_about(self, topic: int, field: int, value: int) -> bool:
        about = super()._is_about(topic, field, value)
        self.note(f"{TopicField(field).name}: {about}")
        self.note("branch without topic", topic == NONE)
        return about

    def _pause(self, item: Item, duration: int) -> None:
        self.note("work or wait of no length", duration == 0)
        super()._pause(item, duration)

    def _visit_count(self, item: Item, pc: int) -> int:
        visit = super()._visit_count(item, pc)
        self.note("a step is repeated", visit)
        return visit

    def _spawn(self, item: Item, pc: int) -> None:
        super()._spawn(item, pc)
        self.note("spawned with delay" if self.c[pc] != NONE else "spawned at once")
        self.note("own work inherited", item.work > 0)

    def _gate_key(self, item: Item, gate: int) -> tuple[int, int]:
        key = super()._gate_key(item, gate)
        self.note("open gate passed", key in self.gate_open)
        waiters = [i.number for i in self.at_gate.get(key, [])]
        self.note("several wait at a gate", len(waiters) > 1)
        self.note("waiters at a gate out of order", waiters != sorted(waiters))
        return key

    def _open_gate(self, key: tuple[int, int], *, stays: bool) -> None:
        scope = GateScope(self.gate_scope[key[0]]).name
        self.note(f"gate opened for {scope}", self.at_gate.get(key))
        super()._open_gate(key, stays=stays)

    def _stop_clock(self, item: Item, clock: int, end: ClockEnd) -> None:
        self.note(f"clock {end.name}", clock in item.running)
        super()._stop_clock(item, clock, end)

    def _expire(self, item: Item, clock: int, token: object) -> None:
        if item.running.get(clock, (0, None))[1] is token:
            action = ClockAction(self.clock[clock][1]).name
            request = item.request if item.request and item.request.waits else None
            place = "not waiting" if request is None else "shared" if request.place == NONE else "private"
            self.note(f"{action} while {place}")
            jumps = request is not None and self.clock[clock][1] == ClockAction.JUMP
            self.note(
                "jump is granted at once", jumps and self.servers and self._would_take(request, self.clock[clock][2])
            )
        super()._expire(item, clock, token)

    def _would_take(self, request: Any, station: int) -> bool:
        waited = self.now - request.requested
        return any(age <= waited and self._choose_server(pool, station) for pool, age in self.route[station])

    def _take_route(self, request: Request) -> bool:
        granted = super()._take_route(request)
        pools = [pool for pool, _ in self.route[request.station]]
        if granted:
            self.note("second pool at once", self.servers[request.server].pool != pools[0])
        else:
            self.note("waits in a lane")
        return granted

    def _ask_privately(self, request: Request, server: Server, unnoticed: int, fallback: int) -> bool:
        granted = super()._ask_privately(request, server, unnoticed, fallback)
        self.note("private request granted at once", granted)
        self.note("private request to an absent server", not server.present)
        return granted

    def _reach_age(self, request: Request, routed: int, pool: int) -> None:
        ready = len(self.ready)
        super()._reach_age(request, routed, pool)
        self.note("overflow to a later pool", len(self.ready) > ready)

    def _notice(self, request: Request) -> None:
        ready, unnoticed = len(self.ready), request.state == UNNOTICED
        super()._notice(request)
        if unnoticed:
            self.note("noticed and granted" if len(self.ready) > ready else "noticed and waits")

    def _fall_back(self, request: Request) -> None:
        self.note("fallback", request.waits and request.place != NONE)
        self.note("fallback in the tick of the request", request.waits and request.requested == self.now)
        super()._fall_back(request)

    def _lose_patience(self, request: Request) -> None:
        if request.waits:
            self.note("patience ends in a lane" if request.place == NONE else "patience ends in a private queue")
            self.note("no patience at all", request.requested == self.now)
            self.note("impatient while holding", request.item.held)
            _, patience, *_, lapse = self.seize[request.row]
            lapses = lapse != NONE and next_lapse(request.requested, lapse) == self.now
            self.note("lapses", lapses)
            self.note("lapses before patience ends", lapses and patience != NONE)
            self.note("patience ends before it lapses", lapse != NONE and not lapses)
        super()._lose_patience(request)

    def _withdraw(self, request: Request) -> None:
        self.left_queue[request] = request.state
        super()._withdraw(request)

    def _choose_server(self, pool: int, station: int) -> Server | None:
        free = [s for s in self.members[pool] if s.takes_work]
        able = sorted((s.held, s.changed) for s in free if self._knows(s, station))
        self.note("a free server lacks the skills", len(able) < len(free))
        self.note("servers tie", len(able) > 1 and able[0] == able[1])
        self.note("fewest held decides", len(able) > 1 and able[0][0] < able[1][0])
        return super()._choose_server(pool, station)

    def _choose_work(self, server: Server) -> Request | None:
        chosen = super()._choose_work(server)
        if chosen is not None:
            item = chosen.item
            waiting = [i.request for i in self.open.values() if i.request and i.request.state == WAITING]
            rivals = [r for r in waiting if r.place == chosen.place and r.station == chosen.station and r is not chosen]
            self.note("priority before time", any(r.requested < chosen.requested for r in rivals))
            same = [r for r in rivals if self._rank(r)[0] == self._rank(chosen)[0]]
            self.note("head start decides", any(r.requested < chosen.requested for r in same))
            self.note("item number decides", any(self._rank(r)[:2] == self._rank(chosen)[:2] for r in same))
            self.note("private request chosen" if chosen.place != NONE else "shared request chosen")
            self.note("lane beats private request", chosen.place == NONE and server.queue)
            self.note("work chosen by who holds already", server.held)
            self.note("item chooses by rank over stations", len({r.station for r in waiting}) > 1 and item)
        return chosen

    def _grant(self, request: Request, server: Server) -> None:
        super()._grant(request, server)
        self.note("several slots in use", server.held > 1)
        self.note("slowed down", self.slow[server.pool][server.held] != 1000)
        self.note("consults while holding", len(request.item.held) > 1)
        if request.followers:
            self.note("batch from a lane" if request.place == NONE else "batch from a private queue")
            self.note("batch up to its limit", len(request.followers) == self.batch_limit[request.station] - 1)
            self.note("unnoticed request rides along", any(self.left_queue[f] == UNNOTICED for f in request.followers))


def rules_fired(number: int) -> set[str]:
    """Which rules fire in a random network."""
    plan = random_plan(number)
    watched = Watched(plan.tables, plan.seed, plan.replication)
    for method, argument in plan.calls:
        getattr(watched, method)(argument)
    return watched.fired


def test_each_rule_fires_in_enough_of_the_networks() -> None:
    networks = 800
    fired = Counter(rule for number in range(networks) for rule in rules_fired(number))
    assert {rule: times for rule, times in fired.items() if times < LEAST_SHARE * networks} == {}
    assert len(fired) == RULES
