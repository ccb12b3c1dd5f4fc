"""The reference engine: the rules of ``sim.service.rules``, written to be read, on SimPy's clock and event queue.

It interprets the tables item by item and event by event. Speed is the compiled engine's business; here every rule
stands once, in plain words. Queues are heaps with lazily dropped entries, so that a long backlog stays cheap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

import numpy as np
import simpy

from sim import draws
from sim.service.actors import ELSEWHERE, SHARED, UNNOTICED, WAITING, Item, Request, Server
from sim.service.rules import SUB_FALLBACK, SUB_NOTICE, SUB_ROUTE, Phase, next_lapse, rank, server_order, work_duration
from sim.service.tables import (
    NONE,
    Arrivals,
    ClockAction,
    ClockEnd,
    ClockRows,
    GateScope,
    IfAbsent,
    Items,
    Marks,
    Op,
    Outcome,
    Prefer,
    ServerTime,
    Tables,
    TopicField,
    Trace,
    VisitEnd,
    Visits,
    Windows,
    table,
)
from sim.service.topics import CAUSE_MASK, CAUSE_SHIFT, NUMBER_SHIFT, ORDINARY


class Tick(simpy.Event):
    """A SimPy event that is already decided and calls one function; its heap priority is a tuple."""

    def __init__(self, env: simpy.Environment, action: Callable[[], None]) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        self.callbacks = [lambda _: action()]


class ReferenceEngine:
    """One replication of a network, run day by day.

    Parameters
    ----------
    tables : the network.
    seed, replication : 0 … 2**32 − 1, the key of all draws.
    """

    name = "reference"

    def __init__(self, tables: Tables, seed: int, replication: int) -> None:
        self.tables = tables
        self.seed, self.replication = seed, replication
        self.reached = 0
        self.env = simpy.Environment()
        self.ready: deque[Item] = deque()
        self.open: dict[int, Item] = {}
        self.coming: dict[int, Item] = {}
        self.numbered = 0
        self.area = 0
        self.area_seen = 0
        self._unroll(tables)
        stations, levels = tables.lanes.priority.shape
        self.lanes: list[list[list[tuple[int, int, int, Request]]]] = [
            [[] for _ in range(levels)] for _ in range(stations)
        ]
        self.queue_length = [0] * stations
        self.groups: dict[tuple[int, int, int, int], list[tuple[tuple[int, int, int], int, Request]]] = {}
        self.entries = 0
        self.at_gate: dict[tuple[int, int], list[Item]] = {}
        self.gate_open: set[tuple[int, int]] = set()
        self.to_offer: list[int] = []
        self.arrivals: list[tuple[int, ...]] = []
        self.next_arrival = 0
        self.last_leave = [NONE] * len(self.servers)
        self._forget()

    def _unroll(self, tables: Tables) -> None:
        """Turn the columns into Python lists: element access on arrays is slow."""
        program, seizes = tables.program, tables.seizes
        self.op, self.a, self.b, self.c = (x.tolist() for x in (program.op, program.a, program.b, program.c))
        self.step, self.purpose, self.slot = (x.tolist() for x in (program.step, program.purpose, program.visit_slot))
        self.share, self.target = tables.choices.cumulative_share.tolist(), tables.choices.target.tolist()
        self.seize = list(zip(*(getattr(seizes, f).tolist() for f in seizes.__dataclass_fields__), strict=True))
        self.need = tables.stations.need_mask.tolist()
        self.batch_limit = tables.stations.batch_limit.tolist()
        pool, age = tables.routes.pool.tolist(), tables.routes.age_ms.tolist()
        spans = zip(tables.stations.route_start.tolist(), tables.stations.route_end.tolist(), strict=True)
        self.route = [[(pool[r], age[r]) for r in range(start, end)] for start, end in spans]
        self.serves: list[list[tuple[int, int]]] = [
            [(s, age) for s, route in enumerate(self.route) for p, age in route if p == pool]
            for pool in range(tables.pools)
        ]
        self.priority, self.head_start = tables.lanes.priority.tolist(), tables.lanes.head_start_ms.tolist()
        self.clock = list(
            zip(*(x.tolist() for x in (tables.clocks.limit_ms, tables.clocks.action, tables.clocks.arg)), strict=True)
        )
        self.slow = tables.slow_pm.tolist()
        self.gate_scope = tables.gate_scope.tolist()
        columns = (tables.servers.pool, tables.servers.skills, tables.servers.speed_pm, tables.servers.slots)
        rows = zip(*(x.tolist() for x in columns), strict=True)
        self.servers = [Server(number, *row) for number, row in enumerate(rows)]
        self.members: list[list[Server]] = [[] for _ in range(tables.pools)]
        for server in self.servers:
            self.members[server.pool].append(server)
        self.durations = (tables.durations.span, tables.durations.component, tables.durations.knot)

    # ── between calls ────────────────────────────────────────────────────────────────────────────────────────────

    def add_arrivals(self, arrivals: Arrivals) -> None:
        """Append arrivals; times must not fall, nor lie before the time reached or the last one given."""
        rows = list(zip(*(getattr(arrivals, f).tolist() for f in arrivals.__dataclass_fields__), strict=True))
        latest = self.arrivals[-1][0] if self.arrivals else 0
        for row in rows:
            if row[0] < max(latest, self.reached):
                raise ValueError(f"arrival at {row[0]} ms comes after one at {latest} ms or before {self.reached} ms")
            latest = row[0]
        waiting = self.next_arrival < len(self.arrivals)
        self.arrivals = self.arrivals[self.next_arrival :] + rows
        self.next_arrival = 0
        if rows and not waiting:
            self._expect_arrival()

    def add_windows(self, windows: Windows) -> None:
        """Append presence; a server's windows come in order and neither touch nor overlap."""
        for enter, leave, number in zip(
            windows.enter.tolist(), windows.leave.tolist(), windows.server.tolist(), strict=True
        ):
            if enter >= leave or enter <= self.last_leave[number] or enter < self.reached:
                raise ValueError(
                    f"window {enter} … {leave} ms of server {number} is empty, out of order or in the past"
                )
            self.last_leave[number] = leave
            server = self.servers[number]
            self._at(enter, Phase.ENTER, number, 0, partial(self._enter, server))
            self._at(leave, Phase.LEAVE, number, 0, partial(self._leave, server))

    def set_shares(self, cumulative_share: np.ndarray) -> None:
        """Replace the shares of all branches (shape of ``Choices.cumulative_share``)."""
        self.share = cumulative_share.tolist()

    def set_speeds(self, speed_pm: np.ndarray) -> None:
        """Replace the pace of all servers, in thousandths; work under way keeps its end."""
        for server, speed in zip(self.servers, speed_pm.tolist(), strict=True):
            server.speed = speed

    def set_skills(self, skills: np.ndarray) -> None:
        """Replace the skills of all servers; those that changed choose work at the start of the next call."""
        for server, mask in zip(self.servers, skills.tolist(), strict=True):
            if server.skills != mask:
                server.skills = mask
                self.to_offer.append(server.number)

    def run(self, until: int) -> None:
        """Execute all events with t < until."""
        if self.to_offer:
            # Before all that is still to come, but at the time reached and not at that of the last event.
            event = Tick(self.env, self._offer_changed)
            self.env.schedule(event, priority=(NONE, NONE, NONE), delay=self.reached - self.env.now)  # type: ignore[arg-type]
            self.env.step()
            self._drain()
        while self.env.peek() < until:
            self.env.step()
            self._drain()
        self.reached = max(self.reached, until)

    def take_trace(self) -> Trace:
        """Rows written since the last call, in the order of writing."""
        trace = Trace(
            table(Visits, self.visit_rows),
            table(Items, self.item_rows),
            table(ClockRows, self.clock_rows),
            table(Marks, self.mark_rows),
        )
        self._forget()
        return trace

    def open_rows(self) -> Trace:
        """What is still there now, by item number: rows as in the trace, ended −1 and end or outcome OPEN."""
        visits: list[tuple[int | float, ...]] = []
        items: list[tuple[int | float, ...]] = []
        clocks: list[tuple[int | float, ...]] = []
        for item in sorted(self.open.values(), key=lambda i: i.number):
            for request in [*item.held, *([item.request] if item.request else [])]:
                visits.append(self._visit(request, NONE, VisitEnd.OPEN))
            for clock, (started, _) in sorted(item.running.items()):
                clocks.append((item.number, started, NONE, clock, ClockEnd.OPEN))
            items.append(self._item(item, NONE, Outcome.OPEN))
        return Trace(table(Visits, visits), table(Items, items), table(ClockRows, clocks), table(Marks, []))

    def pending_items(self) -> Items:
        """Items that are here, or were spawned with a delay and are still to arrive (arrived −1), by number."""
        pending = sorted([*self.open.values(), *self.coming.values()], key=lambda item: item.number)
        return table(Items, [self._item(item, NONE, Outcome.OPEN) for item in pending])

    def server_time(self) -> ServerTime:
        """Each server's time up to the time reached."""
        for server in self.servers:
            server.account(self.reached)
        names = ("present_ms", "busy", "idle", "overtime", "slot_time")
        return ServerTime(*(np.array([getattr(s, n) for s in self.servers], dtype=np.int64) for n in names))

    def item_time(self) -> int:
        """Integral of the number of items in the system up to the time reached, in item-milliseconds."""
        return self.area + len(self.open) * (self.reached - self.area_seen)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def now(self) -> int:
        return int(self.env.now)

    def _at(self, t: int, phase: Phase, entity: int, sub: int, action: Callable[[], None]) -> None:
        # SimPy passes the priority to its heap untouched, so a tuple orders ties as the rules say.
        event = Tick(self.env, action)
        self.env.schedule(event, priority=(int(phase), entity, sub), delay=t - self.env.now)  # type: ignore[arg-type]

    def _drain(self) -> None:
        while self.ready:
            self._proceed(self.ready.popleft())

    def _expect_arrival(self) -> None:
        if self.next_arrival < len(self.arrivals):
            t = self.arrivals[self.next_arrival][0]
            self._at(t, Phase.ARRIVE, NONE, self.next_arrival, self._arrive)

    def _arrive(self) -> None:
        _, pc, kind, level, key, home, topic, case, work = self.arrivals[self.next_arrival]
        self.next_arrival += 1
        number = self._number()
        item = Item(number, number if case == NONE else case, key, kind, level, home, topic, pc, work)
        self._expect_arrival()
        self._come_in(item)

    def _number(self) -> int:
        self.numbered += 1
        return self.numbered - 1

    def _come_in(self, item: Item) -> None:
        self.coming.pop(item.number, None)
        self._count_items(+1, item)
        item.arrived = self.now
        self._proceed(item)

    def _count_items(self, change: int, item: Item) -> None:
        self.area += len(self.open) * (self.now - self.area_seen)
        self.area_seen = self.now
        if change > 0:
            self.open[item.number] = item
        else:
            del self.open[item.number]

    def _enter(self, server: Server) -> None:
        server.account(self.now)
        server.present = True
        server.changed = self.now
        self._offer(server)

    def _leave(self, server: Server) -> None:
        server.account(self.now)
        server.present = False
        moving = [r for r in server.private.values() if self.seize[r.row][5] == IfAbsent.ROUTE]
        for request in sorted(moving, key=self._rank):
            self._move(request, request.station)

    # ── the program ──────────────────────────────────────────────────────────────────────────────────────────────

    def _visit_count(self, item: Item, pc: int) -> int:
        slot = self.slot[pc]
        if slot == NONE:
            return 0
        count = item.counts.get(slot, 0)
        item.counts[slot] = count + 1
        return count

    def _duration(self, item: Item, dist: int, purpose: int, visit: int) -> int:
        return int(draws.duration_ms(self.seed, self.replication, item.key, purpose, visit, dist, *self.durations))

    def _pause(self, item: Item, duration: int) -> None:
        self._at(self.now + duration, Phase.STEP, item.number, 0, lambda: self._proceed(item))

    def _proceed(self, item: Item) -> None:
        """Run the item's program until it blocks or ends."""
        while True:
            pc = item.pc
            item.pc = pc + 1
            match self.op[pc]:
                case Op.WAIT:
                    visit = self._visit_count(item, pc)
                    self._pause(item, self._duration(item, self.a[pc], self.purpose[pc], visit))
                    return
                case Op.WORK:
                    server = self.servers[item.held[-1].server]
                    amount = self._amount_of_work(item, pc)
                    self._pause(item, work_duration(amount, self.slow[server.pool][server.held], server.speed))
                    return
                case Op.SEIZE:
                    if not self._seize(item, pc):
                        return
                case Op.RELEASE:
                    self._release(item, item.pc)
                case Op.BRANCH_SHARE:
                    self._branch_by_share(item, pc)
                case Op.BRANCH_QUEUE:
                    if self.queue_length[self.a[pc]] >= self.b[pc]:
                        item.pc = self.c[pc]
                case Op.BRANCH_CLOCK:
                    if self.a[pc] in item.expired:
                        item.pc = self.c[pc]
                case Op.BRANCH_PARENT:
                    if item.parent in self.open:
                        item.pc = self.c[pc]
                case Op.BRANCH_TOPIC:
                    if self._is_about(item.topic, self.a[pc], self.b[pc]):
                        item.pc = self.c[pc]
                case Op.LEVEL:
                    item.level = self.a[pc]
                case Op.CLOCK_START:
                    self._start_clock(item, self.a[pc])
                case Op.CLOCK_STOP:
                    self._stop_clock(item, self.a[pc], ClockEnd.KEPT)
                case Op.OWN:
                    item.owner = item.held[-1].server
                case Op.SPAWN:
                    self._spawn(item, pc)
                case Op.GATE_WAIT:
                    key = self._gate_key(item, self.a[pc])
                    if key not in self.gate_open:
                        self.at_gate.setdefault(key, []).append(item)
                        return
                case Op.GATE_OPEN:
                    self._open_gate(self._gate_key(item, self.a[pc]), stays=bool(self.b[pc]))
                case Op.MARK:
                    self.mark_rows.append((item.number, self.now, self.a[pc]))
                case Op.GOTO:
                    item.pc = self.c[pc]
                case Op.END:
                    self._end(item, pc)
                    return

    def _amount_of_work(self, item: Item, pc: int) -> int:
        visit = self._visit_count(item, pc)
        if self.a[pc] == NONE:
            return max(item.work, 0)
        return self._duration(item, self.a[pc], self.purpose[pc], visit)

    def _is_about(self, topic: int, field: int, value: int) -> bool:
        if field == TopicField.CAUSE:
            return topic != NONE and (topic >> CAUSE_SHIFT) & CAUSE_MASK == value
        return topic >> NUMBER_SHIFT >= ORDINARY

    def _branch_by_share(self, item: Item, pc: int) -> None:
        visit = self._visit_count(item, pc)
        u = draws.uniform_of(self.seed, self.replication, item.key, self.purpose[pc], visit)
        for row in range(self.a[pc], self.a[pc] + self.b[pc]):
            if u < self.share[row]:
                item.pc = self.target[row]
                return

    def _spawn(self, item: Item, pc: int) -> None:
        visit = self._visit_count(item, pc)
        key = int(draws.child_key_of(item.key, self.purpose[pc], visit))
        child = Item(self._number(), item.case, key, self.b[pc], item.level, item.home, item.topic, self.a[pc])
        child.work, child.owner, child.parent = item.work, item.owner, item.number
        self.coming[child.number] = child
        delay = 0 if self.c[pc] == NONE else self._duration(item, self.c[pc], self.purpose[pc], visit)
        self._at(self.now + delay, Phase.ARRIVE, child.number, 0, lambda: self._come_in(child))

    def _gate_key(self, item: Item, gate: int) -> tuple[int, int]:
        match self.gate_scope[gate]:
            case GateScope.TOPIC:
                return gate, item.topic
            case GateScope.HOME:
                return gate, item.home
            case GateScope.INCIDENT:
                return gate, item.topic >> CAUSE_SHIFT
        return gate, NONE

    def _open_gate(self, key: tuple[int, int], *, stays: bool) -> None:
        if stays:
            self.gate_open.add(key)
        self.ready.extend(sorted(self.at_gate.pop(key, []), key=lambda item: item.number))

    def _end(self, item: Item, pc: int) -> None:
        while item.held:
            self._release(item, pc)
        for clock in sorted(item.running):
            self._stop_clock(item, clock, ClockEnd.ITEM_ENDED)
        self._count_items(-1, item)
        self.item_rows.append(self._item(item, self.now, self.a[pc]))

    # ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _start_clock(self, item: Item, clock: int) -> None:
        self._stop_clock(item, clock, ClockEnd.RESTARTED)
        item.expired.discard(clock)
        token = object()
        item.running[clock] = (self.now, token)
        due = self.now + self.clock[clock][0]
        self._at(due, Phase.RULE, item.number, clock, lambda: self._expire(item, clock, token))

    def _stop_clock(self, item: Item, clock: int, end: ClockEnd) -> None:
        if clock in item.running:
            started, _ = item.running.pop(clock)
            self.clock_rows.append((item.number, started, self.now, clock, end))

    def _expire(self, item: Item, clock: int, token: object) -> None:
        if item.running.get(clock, (0, None))[1] is not token:
            return
        self._stop_clock(item, clock, ClockEnd.EXPIRED)
        item.expired.add(clock)
        _, action, arg = self.clock[clock]
        request = item.request if item.request and item.request.waits else None
        if action == ClockAction.RAISE:
            if request is None:
                item.level = arg
            else:
                state = request.state
                self._withdraw(request)
                item.level = arg
                self._wait(request, request.place, state)
        elif action == ClockAction.JUMP and request is not None:
            self._move(request, arg)

    # ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _seize(self, item: Item, pc: int) -> bool:
        """Ask for a server; true if it was granted at once."""
        row = self.a[pc]
        station, patience, patience_purpose, _, prefer, if_absent, fallback, notice, notice_purpose, lapse = self.seize[
            row
        ]
        visit = self._visit_count(item, pc)
        item.request = request = Request(item, row, station, self.now, self.step[pc])
        number = item.owner if prefer == Prefer.OWNER else item.home if prefer == Prefer.HOME else NONE
        preferred = self.servers[number] if number != NONE else None
        if (
            preferred is None
            or not self._knows(preferred, station)
            or (not preferred.present and if_absent == IfAbsent.ROUTE)
        ):
            granted = self._take_route(request)
        else:
            unnoticed = self._duration(item, notice, notice_purpose, visit) if notice != NONE else 0
            granted = self._ask_privately(request, preferred, unnoticed, fallback)
        if not granted:
            ends = [self.now + self._duration(item, patience, patience_purpose, visit)] if patience != NONE else []
            ends += [next_lapse(self.now, lapse)] if lapse != NONE else []
            if ends:
                self._at(min(ends), Phase.PATIENCE, item.number, 0, lambda: self._lose_patience(request))
        return granted

    def _ask_privately(self, request: Request, server: Server, unnoticed: int, fallback: int) -> bool:
        """Ask one server in particular; true if it was granted at once."""
        request.place = server.number
        if unnoticed == 0 and server.takes_work:
            self._grant(request, server)
            return True
        self._wait(request, server.number, UNNOTICED if unnoticed else WAITING)
        number = request.item.number
        if unnoticed:
            self._at(self.now + unnoticed, Phase.RULE, number, SUB_NOTICE, lambda: self._notice(request))
        if fallback != NONE:
            self._at(self.now + fallback, Phase.RULE, number, SUB_FALLBACK, lambda: self._fall_back(request))
        return False

    def _take_route(self, request: Request) -> bool:
        """Try the pools of the route that are due; if none has a server, wait in the shared lane."""
        request.place = SHARED
        request.routed += 1
        waited = self.now - request.requested
        for pool, age in self.route[request.station]:
            if age <= waited and (server := self._choose_server(pool, request.station)):
                self._grant(request, server)
                return True
        self._wait(request, SHARED, WAITING)
        routed = request.routed
        for position, (pool, age) in enumerate(self.route[request.station]):
            if age > waited:
                due, sub = request.requested + age, SUB_ROUTE + position
                reach = partial(self._reach_age, request, routed, pool)
                self._at(due, Phase.RULE, request.item.number, sub, reach)
        return False

    def _reach_age(self, request: Request, routed: int, pool: int) -> None:
        if request.waits and request.routed == routed and (server := self._choose_server(pool, request.station)):
            self._withdraw(request)
            self._grant(request, server)
            self.ready.append(request.item)

    def _wait(self, request: Request, place: int, state: str) -> None:
        """Put the request into its queue: a shared lane, or a server's private queue."""
        item = request.item
        request.state, request.place = state, place
        self.entries += 1
        request.since = self.entries
        if place == SHARED:
            lane = self.lanes[request.station][item.level]
            heappush(lane, (request.requested, item.number, request.since, request))
            self.queue_length[request.station] += 1
        else:
            server = self.servers[place]
            server.private[item.number] = request
            if state == WAITING:
                heappush(server.queue, (self._rank(request), request.since, request))
        if self.batch_limit[request.station] > 1:
            group = (place, request.station, item.pc, item.topic)
            heappush(self.groups.setdefault(group, []), (self._rank(request), request.since, request))

    def _withdraw(self, request: Request) -> None:
        """Take a waiting request out of its queue; its heap entries become stale."""
        if request.place == SHARED:
            self.queue_length[request.station] -= 1
        else:
            del self.servers[request.place].private[request.item.number]
        request.state = ELSEWHERE
        request.since = NONE

    def _move(self, request: Request, station: int) -> None:
        """Move a waiting request to the route of a station; it keeps its request time."""
        self._withdraw(request)
        request.station = station
        if self._take_route(request):
            self.ready.append(request.item)

    def _notice(self, request: Request) -> None:
        if request.state != UNNOTICED:
            return
        server = self.servers[request.place]
        self._withdraw(request)
        if server.takes_work:
            self._grant(request, server)
            self.ready.append(request.item)
        else:
            self._wait(request, server.number, WAITING)

    def _fall_back(self, request: Request) -> None:
        if request.waits and request.place != SHARED:
            self._move(request, request.station)

    def _lose_patience(self, request: Request) -> None:
        if not request.waits:
            return
        item = request.item
        self._withdraw(request)
        self.visit_rows.append(self._visit(request, self.now, VisitEnd.ABANDONED))
        item.request = None
        item.pc = self.seize[request.row][3]
        self._proceed(item)

    # ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _knows(self, server: Server, station: int) -> bool:
        return server.skills & self.need[station] == self.need[station]

    def _rank(self, request: Request) -> tuple[int, int, int]:
        station, level = request.station, request.item.level
        priority, head_start = self.priority[station][level], self.head_start[station][level]
        return rank(priority, request.requested, head_start, request.item.number)

    def _choose_server(self, pool: int, station: int) -> Server | None:
        able = [s for s in self.members[pool] if s.takes_work and self._knows(s, station)]
        return min(able, key=lambda s: server_order(s.held, s.changed, s.number), default=None)

    def _grant(self, request: Request, server: Server) -> None:
        """Give the server to a request that is in no queue (any more), and let followers ride along."""
        server.hold(+1, self.now)
        item = request.item
        request.server, request.granted, request.level = server.number, self.now, item.level
        item.request = None
        item.held.append(request)
        limit = self.batch_limit[request.station]
        if limit > 1:
            group = self.groups.get((request.place, request.station, item.pc, item.topic), [])
            while group and len(request.followers) < limit - 1:
                _, since, follower = heappop(group)
                if follower.since == since:
                    self._withdraw(follower)
                    follower.server, follower.granted, follower.level = server.number, self.now, follower.item.level
                    request.followers.append(follower)

    def _release(self, item: Item, followers_go_on_at: int) -> None:
        """Give back the server seized last: followers go on first, then the server chooses work."""
        request = item.held.pop()
        server = self.servers[request.server]
        self.visit_rows.append(self._visit(request, self.now, VisitEnd.SERVED))
        server.hold(-1, self.now)
        for follower in request.followers:
            self.visit_rows.append(self._visit(follower, self.now, VisitEnd.RODE_ALONG))
            follower.item.request = None
            follower.item.pc = followers_go_on_at
            self.ready.append(follower.item)
        self._offer(server)

    def _offer_changed(self) -> None:
        for number in sorted(set(self.to_offer)):
            self._offer(self.servers[number])
        self.to_offer.clear()

    def _offer(self, server: Server) -> None:
        """Let a server with free slots choose work."""
        while server.takes_work and (request := self._choose_work(server)):
            self._withdraw(request)
            self._grant(request, server)
            self.ready.append(request.item)

    def _choose_work(self, server: Server) -> Request | None:
        best: tuple[tuple[int, int, int], Request] | None = None
        queue = server.queue
        while queue and queue[0][2].since != queue[0][1]:
            heappop(queue)
        if queue:
            best = (queue[0][0], queue[0][2])
        for station, age in self.serves[server.pool]:
            if not self._knows(server, station):
                continue
            for lane in self.lanes[station]:
                while lane and lane[0][3].since != lane[0][2]:
                    heappop(lane)
                if lane and self.now - lane[0][0] >= age:
                    candidate = self._rank(lane[0][3])
                    if best is None or candidate < best[0]:
                        best = (candidate, lane[0][3])
        return best[1] if best else None

    # ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _forget(self) -> None:
        self.visit_rows: list[tuple[int | float, ...]] = []
        self.item_rows: list[tuple[int | float, ...]] = []
        self.clock_rows: list[tuple[int | float, ...]] = []
        self.mark_rows: list[tuple[int | float, ...]] = []

    def _visit(self, request: Request, ended: int, end: VisitEnd) -> tuple[int, ...]:
        return (
            request.item.number,
            self.seize[request.row][0],
            request.station,
            request.server,
            request.requested,
            request.granted,
            ended,
            request.step,
            request.item.level if request.level == NONE else request.level,
            end,
        )

    def _item(self, item: Item, ended: int, outcome: int) -> tuple[int, ...]:
        return (item.number, item.case, item.key, item.arrived, ended, item.kind, item.topic, outcome)
