"""The compiled engine: the rules of ``sim.service.rules``, obeyed a hundred times faster than by the reference.

This class owns the arrays in which the kernel (``sim.service.kernel``) keeps everything: it unrolls the tables into
them, makes them larger when the kernel says so, and reads the trace out of them. Nothing happens here by itself.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim import draws
from sim.service import columns as at
from sim.service import growth
from sim.service.growth import Rows, add_ring_room, chain_keys, grow, make_heap_room
from sim.service.kernel import kernel
from sim.service.rules import Phase
from sim.service.tables import (
    NONE,
    Arrivals,
    ClockEnd,
    ClockRows,
    Int64,
    Items,
    Marks,
    Op,
    Outcome,
    ServerTime,
    Tables,
    Trace,
    VisitEnd,
    Visits,
    Windows,
    table,
)

T = TypeVar("T")

ARRIVALS = {
    "arrival_t": "t",
    "arrival_pc": "entry_pc",
    "arrival_kind": "kind",
    "arrival_level": "level",
    "arrival_key": "draw_key",
    "arrival_home": "home_server",
    "arrival_topic": "topic",
    "arrival_case": "case",
    "arrival_work": "work_ms",
}
"""Kernel arguments that are the columns of a block of arrivals."""


class CompiledEngine:
    """One replication of a network, run day by day; in every way like ``ReferenceEngine``, but fast.

    Parameters
    ----------
    tables : the network.
    seed, replication : 0 … 2**32 − 1, the key of all draws.
    """

    name = "compiled"

    def __init__(self, tables: Tables, seed: int, replication: int) -> None:
        self.tables = tables
        self.seed, self.replication = seed, replication
        self.reached = 0
        self._kernel = kernel()
        self._array: dict[str, Any] = {}
        self._later: list[Arrivals] = []
        self._last_arrival = 0
        self._windows: list[tuple[Int64, Int64]] = []
        self._last_leave = np.full(tables.servers.pool.size, NONE, dtype=np.int64)
        self._to_offer: set[int] = set()
        self._unroll_network()
        self._unroll_program()
        self._empty_state()
        self._group_by_skill()
        for name, values in self._array.items():
            self._array[name] = _fit(name, values)

    # ── tables to arrays ─────────────────────────────────────────────────────────────────────────────────────────

    def _unroll_network(self) -> None:
        a, t = self._array, self.tables
        stations, routes, servers = t.stations, t.routes, t.servers
        station = np.zeros((stations.need_mask.size, at.STATION_COLUMNS), dtype=np.int64)
        station[:, at.S_NEED] = stations.need_mask
        station[:, at.S_ROUTE_START] = stations.route_start
        station[:, at.S_ROUTE_END] = stations.route_end
        station[:, at.S_BATCH] = stations.batch_limit
        route = np.full((routes.pool.size, at.ROUTE_COLUMNS), NONE, dtype=np.int64)
        route[:, at.R_POOL] = routes.pool
        route[:, at.R_AGE] = routes.age_ms
        for s, (first, last) in enumerate(zip(stations.route_start, stations.route_end, strict=True)):
            route[first:last, at.R_STATION] = s
        server = np.zeros((servers.pool.size, at.SERVER_COLUMNS), dtype=np.int64)
        server[:, at.V_POOL] = servers.pool
        server[:, at.V_SKILLS] = servers.skills
        server[:, at.V_SPEED] = servers.speed_pm
        server[:, at.V_SLOTS] = servers.slots
        clock = np.full((t.clocks.limit_ms.size, at.CLOCK_COLUMNS), NONE, dtype=np.int64)
        clock[:, at.C_LIMIT] = t.clocks.limit_ms
        clock[:, at.C_ACTION] = t.clocks.action
        clock[:, at.C_ARG] = t.clocks.arg
        pool = np.full((t.pools, at.POOL_COLUMNS), NONE, dtype=np.int64)
        a |= {"station": station, "route": route, "server": server, "clock": clock, "pool": pool}
        a |= {"slow": t.slow_pm, "gate_scope": t.gate_scope}
        a |= {"lane_priority": t.lanes.priority, "lane_head_start": t.lanes.head_start_ms}
        a |= {"span": t.durations.span, "component": t.durations.component, "knot": t.durations.knot}
        a |= {"share": t.choices.cumulative_share, "target": t.choices.target}
        a["constant"] = _constants(t)

    def _unroll_program(self) -> None:
        """Program, seizes and clocks, with a ring for each of the commonest constant delays."""
        a, p, z, constant = self._array, self.tables.program, self.tables.seizes, self._array["constant"]
        program = np.full((p.op.size, at.PROGRAM_COLUMNS), NONE, dtype=np.int64)
        for column, name in enumerate(p.__dataclass_fields__, start=at.P_OP):
            program[:, column] = getattr(p, name)
        program[(p.op == Op.WORK) & (p.a == NONE), at.P_A] = constant.size - 1
        seize = np.full((z.station.size, at.SEIZE_COLUMNS), NONE, dtype=np.int64)
        for column, name in enumerate(z.__dataclass_fields__, start=at.Z_STATION):
            seize[:, column] = getattr(z, name)
        is_wait, is_spawn = p.op == Op.WAIT, p.op == Op.SPAWN
        delay = np.full(p.op.size, NONE, dtype=np.int64)
        delay[is_wait] = constant[p.a[is_wait]]
        delay[is_spawn] = _delays(constant, p.c[is_spawn], otherwise=0)
        # Where a lapse may cut patience short, the delay is not constant.
        patience = np.where(z.lapse_at_ms == NONE, _delays(constant, z.patience, otherwise=NONE), NONE)
        route, clock = a["route"], a["clock"]
        places = (
            (program[:, at.P_RING], delay),
            (clock[:, at.C_RING], clock[:, at.C_LIMIT]),
            (seize[:, at.Z_PATIENCE_RING], patience),
            (seize[:, at.Z_FALLBACK_RING], z.fallback_ms),
            (seize[:, at.Z_NOTICE_RING], _delays(constant, z.notice, otherwise=NONE)),
            (route[:, at.R_RING], route[:, at.R_AGE]),
        )
        rings: dict[int, int] = {}
        for place, delays in places:
            for ms in np.unique(delays[delays >= 0]).tolist():
                if ms in rings or len(rings) < at.MOST_RINGS:
                    place[delays == ms] = rings.setdefault(ms, len(rings))
        first = growth.FIRST_RING
        ring = np.zeros((len(rings), at.RING_COLUMNS), dtype=np.int64)
        ring[:, at.G_START] = np.arange(len(rings)) * first
        ring[:, at.G_SIZE] = first
        a |= {"program": program, "seize": seize, "ring": ring}
        a["ring_event"] = np.zeros((len(rings) * first, at.EVENT_COLUMNS), dtype=np.int64)

    def _empty_state(self) -> None:
        a, t = self._array, self.tables
        register = np.zeros(at.REGISTERS, dtype=np.int64)
        for x in (
            *(at.X_CURRENT, at.X_READY_HEAD, at.X_READY_TAIL, at.X_LEADER, at.X_LEADER_TAIL, at.X_LEAVING),
            *(at.X_RIDERS, at.X_OFFER, at.X_LOOSE, at.X_FREE_ITEM, at.X_FREE_OUTER, at.X_FREE_KEY),
        ):
            register[x] = NONE
        spans = t.stations.route_end - t.stations.route_start
        register[at.X_LONGEST_ROUTE] = spans.max(initial=0)
        register[at.X_LEVELS] = t.levels
        agenda = np.zeros(at.AGENDA_COLUMNS, dtype=np.int64)
        agenda[[at.A_RING, at.A_FULL_RING]] = NONE
        agenda[at.A_RING_T] = at.NEVER
        a |= {"register": register, "agenda": agenda, "to_offer": np.zeros(0, dtype=np.int64)}
        a["heap"] = np.zeros((growth.FIRST_EVENTS, at.EVENT_COLUMNS), dtype=np.int64)
        items, keys = growth.FIRST_ITEMS, growth.FIRST_KEYS
        a["item64"] = np.zeros((items, at.ITEM64_COLUMNS), dtype=np.int64)
        a["item32"] = np.zeros((items, at.ITEM32_COLUMNS), dtype=np.int32)
        groups = at.GROUP32_COLUMNS if t.stations.batch_limit.max(initial=1) > 1 else 0
        a["group32"] = np.zeros((items, groups), dtype=np.int32)
        a["visit_count"] = np.zeros((items, t.visit_slots), dtype=np.int32)
        a["clock_started"] = np.zeros((items, t.clocks.limit_ms.size), dtype=np.int64)
        a["outer"] = np.zeros((growth.FIRST_HOLDS, at.OUTER_COLUMNS), dtype=np.int64)
        self._lanes = t.stations.need_mask.size * t.levels
        self._first_key_queue = self._lanes + at.PRIVATE_QUEUES * t.servers.pool.size
        a["queue"] = np.full((self._first_key_queue + keys, at.QUEUE_COLUMNS), NONE, dtype=np.int32)
        a["keyed"] = np.zeros((keys, at.KEYED_COLUMNS), dtype=np.int32)
        a["bucket"] = np.full(keys, NONE, dtype=np.int32)
        no_arrivals = table(Arrivals, [])
        a |= {name: getattr(no_arrivals, column) for name, column in ARRIVALS.items()}
        a |= {"window_t": np.zeros(0, dtype=np.int64), "window_key": np.zeros(0, dtype=np.int64)}
        self._visits = Rows(Visits, "visit", at.X_VISITS, at.VISIT_ROOM, a)
        self._ended = Rows(Items, "ended", at.X_ENDED, at.ENDED_ROOM, a)
        self._clock_rows = Rows(ClockRows, "clocked", at.X_CLOCK_ROWS, at.CLOCK_ROOM, a)
        self._marks = Rows(Marks, "marked", at.X_MARKS, at.MARK_ROOM, a)

    def _group_by_skill(self) -> None:
        """Classes of servers with the same pool and skills, and their idle lists in the order of the rules."""
        a = self._array
        server, pool = a["server"], a["pool"]
        keys = server[:, [at.V_POOL, at.V_SKILLS]]
        classes, number = np.unique(keys, axis=0, return_inverse=True)
        number = number.reshape(-1)
        skill_class = np.zeros((classes.shape[0], at.CLASS_COLUMNS), dtype=np.int64)
        lists = np.zeros(classes.shape[0], dtype=np.int64)
        np.maximum.at(lists, number, server[:, at.V_SLOTS])
        skill_class[:, at.K_SKILLS] = classes[:, 1]
        skill_class[:, at.K_LISTS] = lists
        skill_class[:, at.K_FIRST_LIST] = np.cumsum(lists) - lists
        server[:, at.V_CLASS] = number
        every = np.arange(pool.shape[0])
        pool[:, at.O_FIRST_CLASS] = np.searchsorted(classes[:, 0], every, side="left")
        pool[:, at.O_LAST_CLASS] = np.searchsorted(classes[:, 0], every, side="right")
        free = np.flatnonzero((server[:, at.V_PRESENT] == 1) & (server[:, at.V_HELD] < server[:, at.V_SLOTS]))
        pool[:, at.O_FREE] = np.bincount(server[free, at.V_POOL], minlength=pool.shape[0])
        row = skill_class[server[free, at.V_CLASS], at.K_FIRST_LIST] + server[free, at.V_HELD]
        order = np.lexsort((free, server[free, at.V_CHANGED], row))
        free, row = free[order], row[order]
        idle = np.full((int(lists.sum()), 2), NONE, dtype=np.int32)
        starts = np.append(True, row[1:] != row[:-1])[: row.size]
        ends = np.append(row[1:] != row[:-1], True)[: row.size]
        idle[row[starts], 0] = free[starts]
        idle[row[ends], 1] = free[ends]
        server[free, at.V_PREV] = np.where(starts, NONE, np.roll(free, 1))
        server[free, at.V_NEXT] = np.where(ends, NONE, np.roll(free, -1))
        a |= {"skill_class": skill_class, "idle": idle}

    # ── between calls ────────────────────────────────────────────────────────────────────────────────────────────

    def add_arrivals(self, arrivals: Arrivals) -> None:
        """Append arrivals; times must not fall, nor lie before the time reached or the last one given.

        The columns are used as they are, without a copy: do not change them afterwards.
        """
        t = arrivals.t
        before = np.append(self._last_arrival, t[:-1])[: t.size]
        wrong = np.flatnonzero(t < np.maximum(before, self.reached))
        if wrong.size:
            first = int(wrong[0])
            raise ValueError(
                f"arrival at {t[first]} ms comes after one at {before[first]} ms or before {self.reached} ms"
            )
        if t.size:
            self._last_arrival = int(t[-1])
            self._later.append(arrivals)
            self._array["register"][at.X_MORE_ARRIVALS] = 1

    def add_windows(self, windows: Windows) -> None:
        """Append presence; a server's windows come in order and neither touch nor overlap."""
        enter, leave, server = (np.asarray(x, dtype=np.int64) for x in (windows.enter, windows.leave, windows.server))
        order = np.argsort(server, kind="stable")
        of = server[order]
        earlier = np.append(NONE, leave[order][:-1])[: of.size]
        first = np.append(True, of[1:] != of[:-1])[: of.size]
        last_leave = np.where(first, self._last_leave[of], earlier)
        last = np.empty(server.size, dtype=np.int64)
        last[order] = last_leave
        wrong = np.flatnonzero((enter >= leave) | (enter <= last) | (enter < self.reached))
        good = int(wrong[0]) if wrong.size else server.size
        if good:
            np.maximum.at(self._last_leave, server[:good], leave[:good])
            for t, phase in ((enter, Phase.ENTER), (leave, Phase.LEAVE)):
                key = (int(phase) << at.PHASE_SHIFT) | (server[:good] << at.ENTITY_SHIFT)
                self._windows.append((t[:good], key))
        if wrong.size:
            raise ValueError(
                f"window {enter[good]} … {leave[good]} ms of server {server[good]} "
                "is empty, out of order or in the past"
            )

    def set_shares(self, cumulative_share: np.ndarray) -> None:
        """Replace the shares of all branches (shape of ``Choices.cumulative_share``)."""
        self._array["share"] = _like(self._array["share"], cumulative_share, "shares")

    def set_speeds(self, speed_pm: np.ndarray) -> None:
        """Replace the pace of all servers, in thousandths; work under way keeps its end."""
        server = self._array["server"]
        server[:, at.V_SPEED] = _like(server[:, at.V_SPEED], speed_pm, "speeds")

    def set_skills(self, skills: np.ndarray) -> None:
        """Replace the skills of all servers; those that changed choose work at the start of the next call."""
        server = self._array["server"]
        new = _like(server[:, at.V_SKILLS], skills, "skills")
        changed = np.flatnonzero(server[:, at.V_SKILLS] != new)
        if changed.size:
            self._to_offer.update(changed.tolist())
            server[:, at.V_SKILLS] = new
            self._group_by_skill()

    def run(self, until: int) -> None:
        """Execute all events with t < until."""
        a = self._array
        register = a["register"]
        register[at.X_NOW] = self.reached
        register[at.X_TO_OFFER] = 0
        a["to_offer"] = np.array(sorted(self._to_offer), dtype=np.int64)
        self._to_offer.clear()
        self._merge_windows()
        fixed = (int(until), self.seed, self.replication)
        names = tuple(at.ARGUMENTS)[len(fixed) :]
        while (code := self._kernel(*fixed, *[a[name] for name in names])) != at.DONE:
            if code == at.NEEDS_ARRIVALS:
                self._next_arrivals()
            else:
                self._make_room()
        self.reached = max(self.reached, int(until))

    def take_trace(self) -> Trace:
        """Rows written since the last call, in the order of writing."""
        return Trace(self._visits.take(), self._ended.take(), self._clock_rows.take(), self._marks.take())

    def server_time(self) -> ServerTime:
        """Each server's time up to the time reached."""
        server = self._array["server"]
        held, here = server[:, at.V_HELD], server[:, at.V_PRESENT]
        present = server[:, at.V_PRESENT_MS] + self.reached * here
        busy = server[:, at.V_BUSY_MS] + self.reached * (held > 0)
        both = server[:, at.V_BOTH_MS] + self.reached * ((held > 0) & (here == 1))
        slot_time = server[:, at.V_SLOT_MS] + self.reached * held
        return ServerTime(present, busy, present - both, busy - both, slot_time)

    def item_time(self) -> int:
        """Integral of the number of items in the system up to the time reached, in item-milliseconds."""
        register = self._array["register"]
        return int(register[at.X_ITEM_MS] + register[at.X_OPEN] * self.reached)

    # ── what is still there ──────────────────────────────────────────────────────────────────────────────────────

    def open_rows(self) -> Trace:
        """What is still there now, by item number: rows as in the trace, ended −1 and end or outcome OPEN."""
        a = self._array
        slots = int(a["register"][at.X_ITEM_SLOTS])
        item64 = a["item64"][:slots]
        here = np.flatnonzero((item64[:, at.I_NUMBER] >= 0) & (item64[:, at.I_ARRIVED] >= 0))
        here = here[np.argsort(item64[here, at.I_NUMBER])]
        long, short = item64[here], a["item32"][here]
        running = (short[:, [at.I_RUNNING]] >> np.arange(a["clock"].shape[0])) & 1
        row, clock = np.nonzero(running)
        clocks = {
            "item": long[row, at.I_NUMBER],
            "started": a["clock_started"][here[row], clock],
            "ended": np.full(row.size, NONE),
            "clock": clock,
            "end": np.full(row.size, ClockEnd.OPEN),
        }
        visits, items = self._open_visits(long, short), self._open_items(here)
        return Trace(visits, items, _typed(ClockRows, clocks), table(Marks, []))

    def pending_items(self) -> Items:
        """Items that are here, or were spawned with a delay and are still to arrive (arrived −1), by number."""
        number = self._array["item64"][: int(self._array["register"][at.X_ITEM_SLOTS]), at.I_NUMBER]
        here = np.flatnonzero(number >= 0)
        return self._open_items(here[np.argsort(number[here])])

    def _open_items(self, here: NDArray[np.int64]) -> Items:
        """Rows of the items in these places."""
        long, short = self._array["item64"], self._array["item32"]
        nothing = np.full(here.size, NONE)
        items = {
            "item": long[here, at.I_NUMBER],
            "case": long[here, at.I_CASE],
            "draw_key": long[here, at.I_KEY],
            "arrived": long[here, at.I_ARRIVED],
            "ended": nothing,
            "kind": short[here, at.I_KIND],
            "topic": short[here, at.I_TOPIC],
            "outcome": nothing + (Outcome.OPEN - NONE),
        }
        return _typed(Items, items)

    def _open_visits(self, long: NDArray[Any], short: NDArray[Any]) -> Visits:
        """Holds from the outermost to the innermost, then the request that waits or rides, item by item."""
        a = self._array
        program = a["program"]
        state = short[:, at.I_STATE]
        requesting = (state == at.WAITING) | (state == at.UNNOTICED) | (state == at.RIDING)
        depth = short[:, at.I_HELD] + requesting
        blocks: list[NDArray[np.int64]] = []

        def add(rows: NDArray[Any], place: NDArray[Any], *request: NDArray[Any]) -> None:
            blocks.append(np.column_stack((rows, place, *request)).astype(np.int64))

        rows = np.flatnonzero(depth > 0)
        now = short[rows]
        level = np.where(now[:, at.I_GRANT_LEVEL] == NONE, now[:, at.I_LEVEL], now[:, at.I_GRANT_LEVEL])
        times = (long[rows, at.I_REQUESTED], long[rows, at.I_GRANTED])
        add(
            rows,
            depth[rows],
            *(now[:, c] for c in (at.I_ASKED, at.I_STATION, at.I_SERVER)),
            *times,
            level,
        )
        place = depth - 1
        hold = short[:, at.I_OUTER].astype(np.int64)
        rows = np.flatnonzero(place > 0)
        while rows.size:
            outer = a["outer"][hold[rows]]
            fields = (at.H_ASKED, at.H_STATION, at.H_SERVER, at.H_REQUESTED, at.H_GRANTED, at.H_GRANT_LEVEL)
            add(rows, place[rows], *(outer[:, c] for c in fields))
            hold[rows] = outer[:, at.H_NEXT]
            place[rows] -= 1
            rows = rows[place[rows] > 0]
        every = np.concatenate(blocks)
        every = every[np.lexsort((every[:, 1], every[:, 0]))]
        of, _, asked, station, server, requested, granted, level = every.T
        visits = {
            "item": long[of, at.I_NUMBER],
            "station": a["seize"][program[asked, at.P_A], at.Z_STATION],
            "served_at": station,
            "server": server,
            "requested": requested,
            "granted": granted,
            "ended": np.full(of.size, NONE),
            "step": program[asked, at.P_STEP],
            "level": level,
            "end": np.full(of.size, VisitEnd.OPEN),
        }
        return _typed(Visits, visits)

    # ── room for the kernel ──────────────────────────────────────────────────────────────────────────────────────

    def _next_arrivals(self) -> None:
        """Give the kernel the next block of arrivals."""
        a, block = self._array, self._later.pop(0)
        for name, column in ARRIVALS.items():
            a[name] = _fit(name, getattr(block, column))
        a["register"][at.X_ARRIVAL] = 0
        a["register"][at.X_MORE_ARRIVALS] = int(bool(self._later))

    def _merge_windows(self) -> None:
        """Put new windows among those that are still to come."""
        if not self._windows:
            return
        a = self._array
        done = int(a["register"][at.X_WINDOW])
        t = np.concatenate([a["window_t"][done:], *(t for t, _ in self._windows)])
        key = np.concatenate([a["window_key"][done:], *(key for _, key in self._windows)])
        order = np.lexsort((key, t))
        a["window_t"], a["window_key"] = t[order], key[order]
        a["register"][at.X_WINDOW] = 0
        self._windows.clear()

    def _make_room(self) -> None:
        """Enlarge whatever is, or will soon be, too small for the kernel's next step."""
        a = self._array
        register, agenda = a["register"], a["agenda"]
        if a["item64"].shape[0] - register[at.X_ITEMS] < 1:
            for name in ("item64", "item32", "group32", "visit_count", "clock_started"):
                grow(a[name])
        if a["outer"].shape[0] - register[at.X_OUTERS] < 1:
            grow(a["outer"])
        if a["keyed"].shape[0] - register[at.X_KEYS] < 1:
            grow(a["keyed"])
            a["queue"].resize((self._first_key_queue + a["keyed"].shape[0], at.QUEUE_COLUMNS), refcheck=False)
            a["bucket"] = chain_keys(a)
        if agenda[at.A_FULL_RING] >= 0:
            add_ring_room(a)
        event_room = int(register[at.X_LONGEST_ROUTE]) + 4
        if a["heap"].shape[0] - agenda[at.A_EVENTS] < event_room:
            make_heap_room(a, event_room)
        for rows in (self._visits, self._ended, self._clock_rows, self._marks):
            rows.make_room()


def _fit(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The array as the kernel wants its argument of that name; a copy only if it is not so already."""
    return np.require(values, dtype=at.ARGUMENTS[name][0], requirements=["C", "W", "A"])


def _constants(tables: Tables) -> Int64:
    """Duration of each distribution that is one constant, else −1; last, ``OWN_WORK``."""
    span, component = tables.durations.span, tables.durations.component
    constant = np.full(span.shape[0] + 1, NONE, dtype=np.int64)
    constant[-1] = at.OWN_WORK
    for dist, (row, rows) in enumerate(span.tolist()):
        if rows == 1 and int(component[row, 1]) == draws.CONSTANT:
            constant[dist] = int(np.floor(min(component[row, 2], draws.LONGEST_MS) + 0.5))
    return constant


def _delays(constant: Int64, distribution: NDArray[np.int32], otherwise: int) -> Int64:
    """Constant durations of distributions; ``otherwise`` where there is none."""
    delays = np.full(distribution.size, otherwise, dtype=np.int64)
    drawn = distribution != NONE
    delays[drawn] = constant[distribution[drawn]]
    return delays


def _like(old: NDArray[Any], new: np.ndarray, what: str) -> NDArray[Any]:
    """The new values in the type of the old; there must be as many."""
    if np.shape(new) != old.shape:
        raise ValueError(f"{np.shape(new)} {what} were given; allowed: {old.shape}")
    return np.array(new, dtype=old.dtype)


def _typed(kind: type[T], values: dict[str, NDArray[Any]]) -> T:
    """A column table of a kind, each column in its type."""
    return kind(**{name: values[name].astype(column.dtype) for name, column in vars(table(kind, [])).items()})
