"""How often each rule fires in random scenarios: a reference engine that counts, and what a trace and a tree tell.

``python tests/agreement/rule_counts.py [SCENARIOS]`` prints in how many of so many scenarios each rule fired.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from cut_runs import content_of, steps
from random_scenarios import Case, for_each

from sim.run import join
from sim.service.actors import SHARED, UNNOTICED, WAITING, Item, Request, Server
from sim.service.build import Network, build
from sim.service.reference import ReferenceEngine
from sim.service.rules import DAY, Phase, next_lapse
from sim.service.tables import (
    NONE,
    ClockAction,
    ClockEnd,
    GateScope,
    IfAbsent,
    Op,
    Prefer,
    Tables,
    TopicField,
    Trace,
    VisitEnd,
)

LEAST_SHARE = 0.05
"""Each rule fires in at least this share of the scenarios."""


_RULES = """
age: of a route that it left | overflows to a later pool | reached, nobody free
batch: a rider passes its own age | an unnoticed one rides along | rank is not the order of numbers | rides
  along, private | rides along, shared | the limit cuts it
branch: after_release | again | cause_passed | cause_taken | clock_passed | clock_taken | impatient_passed |
  impatient_taken | incident_passed | incident_taken | opens | out | parent_passed | parent_taken |
  queue_passed | queue_taken | share_passed | share_taken | stayed | through_gate
call: a server holds work at a cut | a spawned item is still to come at a cut | cut at an event's time | new
  skills found work | skills changed | then other shares | then other skills | then other speeds
clock: a stale end | ends with the item | jump while private | jump while riding along | jump while waiting
  | jump, does not wait | raise while private | raise while riding along | raise while waiting | raise, does
  not wait | record while private | record while riding along | record while waiting | record, does not wait
  | restarted | stopped in time | stopped when it has run out | the flag is cleared
duration: item brings no work | item's own work | of an absent server | own work at another pace | pace not
  normal | slower with others held | wait of 0 ms | work of 0 ms
end of the run: open items | open visits
end: of a parent before its child | releases a server | releases several
enter: finds work | still holds work
fallback: granted by it | to the route | too late | unnoticed until then
gate: not in the order they came | of an incident, other communities wait | opened for waiters | others wait
  at another key | several go on | stays open, passes | waits at it | waits with a server held
grant: at another station than asked
has arrivals: at | for_each_server_of | home_pool | overdispersion | profile | times_s | topics | work_s
has clock: jump | raise | record
has do: branch | branch_cause | branch_clock | branch_incident | branch_parent | branch_queue | end | go |
  level | mark | open_gate | own | release | seize | serve | spawn | start_clock | stop_clock | wait |
  wait_gate | work
has family: constant | cut off | empirical | exponential | gamma | hyperexponential | lognormal | mixture |
  weibull
has scope: home | incident | run | topic
hold: 2 servers | 3 servers | 4 servers | a server twice
lapse: before patience | behind patience | ends a wait | never drew patience | of the next day | served at
  once
leave: an unnoticed one moves | holds work | private requests move | private requests stay | several move
notice: by a busy or absent server | by a free server | too late
patience: drawn, served at once | ends a private wait | ends a wait | ends at once | granted in the same
  tick | of one that holds a server | of one that moved
prefer: absent, route | absent, wait | home is present | lacks the skill | no home | no owner | not in the
  route's pools | owner is present
private: fallback of 0 ms | granted at once | notice of 0 ms | unnoticed by a free server
release: absent, takes nothing | followers go on | followers, then the next | the server finds work
route: a later pool at once | granted at once | granted when it moves | moved, waits again
run: several granted go on in turn
server: fewest held decides | longest idle decides | the number decides | the skill excludes a free one
spawn: in the same tick | inherits an owner | inherits own work | with a delay
tick: ARRIVE of arrivals and spawned | ENTER and ARRIVE | ENTER and PATIENCE | ENTER and RULE | ENTER and
  STEP | LEAVE and ARRIVE | LEAVE and ENTER | LEAVE and PATIENCE | LEAVE and RULE | LEAVE and STEP |
  PATIENCE and ARRIVE | RULE and ARRIVE | RULE and PATIENCE | STEP and ARRIVE | STEP and PATIENCE | STEP and
  RULE | an earlier phase after a later one | two of ARRIVE | two of ENTER | two of LEAVE | two of PATIENCE
  | two of RULE | two of STEP
topic: of a branch, has the cause | of a branch, is none | of a branch, other cause
visit counted again: BRANCH_SHARE | SEIZE | SPAWN | WAIT | WORK
visit: abandoned | rode_along | served
work: a head start decides | chosen among several | priority or head start decides | private before shared |
  shared before private | the age excludes a queue | the item's number decides | the skill excludes a queue
"""


def _rules() -> Iterator[str]:
    for line in _RULES.strip().replace("\n  ", " ").splitlines():
        topic, _, names = line.partition(": ")
        yield from (f"{topic}: {name}" for name in names.split(" | "))


RULES = frozenset(_rules())
"""Everything that is counted; a rule that never fires is missed by name."""


class CountingEngine(ReferenceEngine):
    """The reference engine, which notes in ``fired`` what happens; it decides nothing itself."""

    def __init__(self, tables: Tables, seed: int, replication: int) -> None:
        self.fired: Counter[str] = Counter()
        self.was: dict[Request, str] = {}
        self.moved: set[Request] = set()
        self.tick = (NONE, set[tuple[Phase, int]]())
        super().__init__(tables, seed, replication)

    def note(self, rule: str, happened: bool = True) -> None:
        """Count a rule if it fired."""
        if happened:
            self.fired[rule] += 1

    # ── events and ticks ─────────────────────────────────────────────────────────────────────────────────────────

    def run(self, until: int) -> None:
        before = sum(len(server.private) for server in self.servers) + sum(self.queue_length)
        self.note("call: skills changed", bool(self.to_offer))
        numbers, self.tick = list(self.to_offer), (NONE, set())
        if numbers:
            for number in sorted(set(numbers)):
                self._offer(self.servers[number])
            after = sum(len(server.private) for server in self.servers) + sum(self.queue_length)
            self.note("call: new skills found work", after < before)
        super().run(until)
        self.note("call: cut at an event's time", self.env.peek() == until)
        self.note("call: a server holds work at a cut", any(server.held for server in self.servers))
        self.note("call: a spawned item is still to come at a cut", bool(self.coming))

    def _at(self, t: int, phase: Phase, entity: int, sub: int, action: Callable[[], None]) -> None:
        def noted() -> None:
            if self.tick[0] != t:
                self.tick = (t, set())
            events = self.tick[1]
            for other in {other for other, _ in events if other != phase}:
                first, second = sorted((phase, other))
                self.note(f"tick: {first.name} and {second.name}")
            self.note(f"tick: two of {phase.name}", any(p == phase and e != entity for p, e in events))
            self.note("tick: an earlier phase after a later one", any(p > phase for p, _ in events))
            spawned = phase == Phase.ARRIVE and entity != NONE
            self.note("tick: ARRIVE of arrivals and spawned", spawned and (phase, NONE) in events)
            events.add((phase, entity))
            action()

        super()._at(t, phase, entity, sub, noted)

    def _drain(self) -> None:
        self.note("run: several granted go on in turn", len(self.ready) > 1)
        super()._drain()

    def _pause(self, item: Item, duration: int) -> None:
        working = self.op[item.pc - 1] == Op.WORK
        self.note("duration: work of 0 ms" if working else "duration: wait of 0 ms", duration == 0)
        if working:
            server = self.servers[item.held[-1].server]
            self.note(
                "duration: slower with others held", self.slow[server.pool][server.held] != 1000 and server.held > 1
            )
            self.note("duration: pace not normal", server.speed != 1000)
            self.note("duration: of an absent server", not server.present)
            if self.a[item.pc - 1] == NONE:
                self.note("duration: item's own work" if item.work > 0 else "duration: item brings no work")
                self.note("duration: own work at another pace", 0 < item.work != duration)
        super()._pause(item, duration)

    def _visit_count(self, item: Item, pc: int) -> int:
        count = super()._visit_count(item, pc)
        self.note(f"visit counted again: {Op(self.op[pc]).name}", count > 0)
        return count

    # ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _enter(self, server: Server) -> None:
        ready, held = len(self.ready), server.held
        super()._enter(server)
        self.note("enter: finds work", len(self.ready) > ready)
        self.note("enter: still holds work", held > 0)

    def _leave(self, server: Server) -> None:
        requests = list(server.private.values())
        moving = [r for r in requests if self.seize[r.row][5] == IfAbsent.ROUTE]
        self.note("leave: holds work", server.held > 0)
        self.note("leave: private requests move", bool(moving))
        self.note("leave: several move", len(moving) > 1)
        self.note("leave: an unnoticed one moves", any(r.state == UNNOTICED for r in moving))
        self.note("leave: private requests stay", len(moving) < len(requests))
        super()._leave(server)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _seize(self, item: Item, pc: int) -> bool:
        station, patience, _, _, prefer, if_absent, *_, lapse = self.seize[self.a[pc]]
        number = item.owner if prefer == Prefer.OWNER else item.home if prefer == Prefer.HOME else NONE
        if prefer != Prefer.ROUTE:
            server = self.servers[number] if number != NONE else None
            who = Prefer(prefer).name.lower()
            if server is None:
                self.note(f"prefer: no {who}")
            elif not self._knows(server, station):
                self.note("prefer: lacks the skill")
            elif not server.present:
                self.note(f"prefer: absent, {IfAbsent(if_absent).name.lower()}")
            else:
                self.note(f"prefer: {who} is present")
                self.note("prefer: not in the route's pools", server.pool not in [p for p, _ in self.route[station]])
        granted = super()._seize(item, pc)
        self.note("patience: drawn, served at once", granted and patience != NONE)
        if lapse != NONE:
            due = next_lapse(self.now, lapse)
            self.note("lapse: served at once", granted)
            self.note("lapse: of the next day", not granted and due // DAY > self.now // DAY)
        return granted

    def _ask_privately(self, request: Request, server: Server, unnoticed: int, fallback: int) -> bool:
        granted = super()._ask_privately(request, server, unnoticed, fallback)
        self.note("private: granted at once", granted)
        self.note("private: notice of 0 ms", unnoticed == 0 and self.seize[request.row][7] != NONE)
        self.note("private: unnoticed by a free server", unnoticed > 0 and server.takes_work)
        self.note("private: fallback of 0 ms", fallback == 0 and not granted)
        return granted

    def _take_route(self, request: Request) -> bool:
        moved = request.routed > 0 or request.place != SHARED
        if moved:
            self.moved.add(request)
        granted = super()._take_route(request)
        self.note("route: granted at once", granted and not moved)
        self.note("route: granted when it moves", granted and moved)
        self.note("route: moved, waits again", moved and not granted)
        if granted:
            pools = [pool for pool, _ in self.route[request.station]]
            self.note("route: a later pool at once", pools.index(self.servers[request.server].pool) > 0)
        return granted

    def _reach_age(self, request: Request, routed: int, pool: int) -> None:
        waits = request.waits and request.routed == routed
        super()._reach_age(request, routed, pool)
        self.note("age: overflows to a later pool", waits and not request.waits)
        self.note("age: reached, nobody free", waits and request.waits)
        self.note("age: of a route that it left", request.waits and request.routed != routed)

    def _withdraw(self, request: Request) -> None:
        self.was[request] = request.state
        super()._withdraw(request)

    def _notice(self, request: Request) -> None:
        unnoticed = request.state == UNNOTICED
        super()._notice(request)
        self.note("notice: by a free server", unnoticed and not request.waits)
        self.note("notice: by a busy or absent server", unnoticed and request.state == WAITING)
        self.note("notice: too late", not unnoticed)

    def _fall_back(self, request: Request) -> None:
        private = request.waits and request.place != SHARED
        self.note("fallback: to the route", private)
        self.note("fallback: unnoticed until then", private and request.state == UNNOTICED)
        self.note("fallback: too late", not private)
        super()._fall_back(request)
        self.note("fallback: granted by it", private and not request.waits)

    def _lose_patience(self, request: Request) -> None:
        self.note("patience: ends a wait", request.waits)
        self.note("patience: ends a private wait", request.waits and request.place != SHARED)
        self.note("patience: ends at once", request.waits and request.requested == self.now)
        self.note("patience: of one that moved", request.waits and request in self.moved)
        self.note("patience: granted in the same tick", not request.waits and request.granted == self.now)
        self.note("patience: of one that holds a server", request.waits and bool(request.item.held))
        _, patience, *_, lapse = self.seize[request.row]
        if lapse != NONE and request.waits:
            lapses = next_lapse(request.requested, lapse) == self.now
            self.note("lapse: ends a wait", lapses)
            self.note("lapse: never drew patience", patience == NONE)
            self.note("lapse: before patience" if lapses else "lapse: behind patience", patience != NONE)
        super()._lose_patience(request)

    # ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _choose_server(self, pool: int, station: int) -> Server | None:
        chosen = super()._choose_server(pool, station)
        free = [s for s in self.members[pool] if s.takes_work]
        self.note("server: the skill excludes a free one", any(not self._knows(s, station) for s in free))
        able = [s for s in free if self._knows(s, station)]
        if chosen is not None and len(able) > 1:
            alike = [s for s in able if s.held == chosen.held]
            self.note("server: fewest held decides", len(alike) < len(able) and min(able, key=_longest) is not chosen)
            self.note("server: longest idle decides", alike[0] is not chosen)
            self.note("server: the number decides", sum(s.changed == chosen.changed for s in alike) > 1)
        return chosen

    def _grant(self, request: Request, server: Server) -> None:
        private = request.place != SHARED
        super()._grant(request, server)
        held = len(request.item.held)
        self.note(f"hold: {held} servers", held > 1)
        self.note("hold: a server twice", len({r.server for r in request.item.held}) < held)
        self.note("grant: at another station than asked", request.station != self.seize[request.row][0])
        riders = request.followers
        self.note("batch: rides along, private" if private else "batch: rides along, shared", bool(riders))
        self.note("batch: an unnoticed one rides along", any(self.was[f] == UNNOTICED for f in riders))
        self.note("batch: the limit cuts it", len(riders) == self.batch_limit[request.station] - 1 and len(riders) > 0)
        ranks = [self._rank(f) for f in riders]
        self.note("batch: rank is not the order of numbers", ranks != sorted(ranks, key=lambda r: r[-1]))
        self.note("batch: a rider passes its own age", any(self._too_early(f, server) for f in riders if not private))

    def _too_early(self, request: Request, server: Server) -> bool:
        ages = [age for pool, age in self.route[request.station] if pool == server.pool]
        return bool(ages) and self.now - request.requested < ages[0]

    def _release(self, item: Item, followers_go_on_at: int) -> None:
        server = self.servers[item.held[-1].server]
        ended = self.op[item.pc - 1] == Op.END
        riders, ready = len(item.held[-1].followers), len(self.ready)
        self.note("release: followers go on", riders > 0)
        super()._release(item, followers_go_on_at)
        granted = len(self.ready) - ready - riders
        self.note("release: the server finds work", granted > 0)
        self.note("release: followers, then the next", riders > 0 and granted > 0)
        self.note("release: absent, takes nothing", not server.present)
        self.note("end: releases a server", ended)
        self.note("end: releases several", ended and bool(item.held))

    def _choose_work(self, server: Server) -> Request | None:
        chosen = super()._choose_work(server)
        waiting = list(self._heads(server))
        self.note("work: the skill excludes a queue", any(why == "skill" for why, _ in waiting))
        self.note("work: the age excludes a queue", any(why == "age" for why, _ in waiting))
        fit = [request for why, request in waiting if why == ""]
        if chosen is None:
            return None
        self.note("work: chosen among several", len(fit) > 1)
        first = min(fit, key=lambda r: (r.requested, r.item.number))
        plain = min(fit, key=lambda r: (self.priority[r.station][r.item.level], r.requested, r.item.number))
        self.note("work: priority or head start decides", first is not chosen)
        self.note("work: a head start decides", plain is not chosen)
        ranks = sorted(self._rank(r)[:2] for r in fit)
        self.note("work: the item's number decides", len(fit) > 1 and ranks[0] == ranks[1])
        shared = any(r.place == SHARED for r in fit)
        if shared and any(r.place != SHARED for r in fit):
            self.note("work: shared before private" if chosen.place == SHARED else "work: private before shared")
        return chosen

    def _heads(self, server: Server) -> Iterator[tuple[str, Request]]:
        """Waiting requests that the server could be given, with what excludes them."""
        for request in server.private.values():
            if request.state == WAITING:
                yield "", request
        ages = dict(self.serves[server.pool])
        for item in self.open.values():
            request = item.request
            if request and request.waits and request.place == SHARED and request.station in ages:
                known, early = (
                    self._knows(server, request.station),
                    self.now - request.requested < ages[request.station],
                )
                yield "" if known and not early else "age" if known else "skill", request

    # ── clocks, gates, spawned items, the end ────────────────────────────────────────────────────────────────────

    def _start_clock(self, item: Item, clock: int) -> None:
        self.note("clock: restarted", clock in item.running)
        self.note("clock: the flag is cleared", clock in item.expired)
        super()._start_clock(item, clock)

    def _stop_clock(self, item: Item, clock: int, end: ClockEnd) -> None:
        kept = end == ClockEnd.KEPT
        self.note("clock: stopped in time", kept and clock in item.running)
        self.note("clock: stopped when it has run out", kept and clock in item.expired)
        self.note("clock: ends with the item", end == ClockEnd.ITEM_ENDED)
        super()._stop_clock(item, clock, end)

    def _expire(self, item: Item, clock: int, token: object) -> None:
        if item.running.get(clock, (0, None))[1] is token:
            action = ClockAction(self.clock[clock][1]).name.lower()
            request = item.request
            waits = request is not None and request.waits
            self.note(f"clock: {action} while waiting" if waits else f"clock: {action}, does not wait")
            private = waits and request is not None and request.place != SHARED
            self.note(f"clock: {action} while private", private)
            self.note(f"clock: {action} while riding along", request is not None and not request.waits)
        else:
            self.note("clock: a stale end")
        super()._expire(item, clock, token)

    def _gate_key(self, item: Item, gate: int) -> tuple[int, int]:
        key = super()._gate_key(item, gate)
        if self.op[item.pc - 1] == Op.GATE_WAIT:
            self.note("gate: waits at it", key not in self.gate_open)
            self.note("gate: stays open, passes", key in self.gate_open)
            self.note("gate: waits with a server held", key not in self.gate_open and bool(item.held))
        return key

    def _open_gate(self, key: tuple[int, int], *, stays: bool) -> None:
        waiters = [item.number for item in self.at_gate.get(key, [])]
        self.note("gate: opened for waiters", bool(waiters))
        self.note("gate: several go on", len(waiters) > 1)
        self.note("gate: not in the order they came", waiters != sorted(waiters))
        self.note("gate: others wait at another key", bool(set(self.at_gate) - {key}))
        waiting = {item.topic for item in self.at_gate.get(key, [])}
        of_incident = self.gate_scope[key[0]] == GateScope.INCIDENT
        self.note("gate: of an incident, other communities wait", of_incident and len(waiting) > 1)
        super()._open_gate(key, stays=stays)

    def _is_about(self, topic: int, field: int, value: int) -> bool:
        about = super()._is_about(topic, field, value)
        self.note("topic: of a branch, is none", topic == NONE)
        if topic != NONE and field == TopicField.CAUSE:
            self.note("topic: of a branch, has the cause" if about else "topic: of a branch, other cause")
        return about

    def _spawn(self, item: Item, pc: int) -> None:
        delayed = self.c[pc] != NONE
        self.note("spawn: with a delay" if delayed else "spawn: in the same tick")
        self.note("spawn: inherits an owner", item.owner != NONE)
        self.note("spawn: inherits own work", item.work > 0)
        super()._spawn(item, pc)

    def _end(self, item: Item, pc: int) -> None:
        self.note("end: of a parent before its child", any(other.parent == item.number for other in self.open.values()))
        super()._end(item, pc)


def _longest(server: Server) -> tuple[int, int]:
    return server.changed, server.number


# ── what the trace and the tree tell ─────────────────────────────────────────────────────────────────────────────


def _of_trace(network: Network, whole: Trace, still: Trace) -> Iterator[str]:
    """Ways of branches by the moments marked behind them, ends of visits, what is open."""
    moments = np.array([*network.names.moments, ""])
    yield from (
        f"branch: {name}" for name in np.unique(moments[whole.marks.moment]) if name not in ("passed", "joined")
    )
    yield from (f"visit: {VisitEnd(end).name.lower()}" for end in np.unique(whole.visits.end))
    yield from ["end of the run: open items"] * bool(still.items.item.size)
    yield from ["end of the run: open visits"] * bool(still.visits.item.size)


def _of_tree(case: Case) -> Iterator[str]:
    """Operations, distributions and kinds of arrivals that the scenario has."""

    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            yield node
        for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
            yield from walk(below)

    for node in walk(case.tree):
        yield from (f"has {key}: {node[key]}" for key in ("do", "family", "scope") if key in node)
        if "do" not in node and "action" in node:
            yield f"has clock: {node['action']}"
        cut = {"at_least_s", "at_most_s"} & set(node)
        yield from ["has family: cut off"] * bool(cut)
    ways = ("times_s", "at", "profile", "overdispersion", "for_each_server_of", "home_pool", "topics", "work_s")
    for way, source in itertools.product(ways, case.tree["arrivals"]):
        yield from [f"has arrivals: {way}"] * (way in source)


# ── idle servers ─────────────────────────────────────────────────────────────────────────────────────────────────


def idle_beside_work(engine: ReferenceEngine) -> list[str]:
    """Servers with a free slot while work that they may take waits, after a call of ``run``."""
    last = engine.reached - 1  # everything up to here has happened
    found = []
    for item in engine.open.values():
        request = item.request
        if request is None or not request.waits or request.state == UNNOTICED:
            continue
        if request.place != SHARED:
            may = [engine.servers[request.place]]
        else:
            pools = [pool for pool, age in engine.route[request.station] if last - request.requested >= age]
            may = [s for pool in pools for s in engine.members[pool] if engine._knows(s, request.station)]
        found += [f"server {s.number} is free and item {item.number} waits" for s in may if s.takes_work]
    return found


# ── the count ────────────────────────────────────────────────────────────────────────────────────────────────────


def rules_fired(case: Case) -> set[str]:
    """Names of the rules that fired in a case."""
    network = build(case.scenario)
    engine = CountingEngine(network.tables, case.plan.seed, 0)
    traces = []
    for cut in steps(engine, network, case.plan, content_of(network, case.plan)):
        traces.append(engine.take_trace())
        for change in cut.changes:
            engine.note(f"call: then other {change}")
    return {*engine.fired, *_of_trace(network, join(traces), engine.open_rows()), *_of_tree(case)}


def count(scenarios: int) -> Counter[str]:
    """In how many of so many scenarios each rule fired."""
    fired = Counter(dict.fromkeys(RULES, 0))
    for_each(scenarios, 0, lambda case: fired.update(rules_fired(case)))
    if unknown := set(fired) - RULES:
        raise AssertionError(f"not in the list of rules: {sorted(unknown)}")
    return fired


def table_of(fired: Counter[str], scenarios: int) -> str:
    """The count as a table, the rarest first."""
    lines = (f"{100 * n / scenarios:6.1f} %  {rule}" for rule, n in sorted(fired.items(), key=lambda x: (x[1], x[0])))
    return "\n".join([f"of {scenarios} scenarios", *lines])


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(table_of(count(number), number))
