"""The compiled engine's interpreter: one function that obeys ``sim.service.rules``, event by event.

It is one loop on purpose. Each turn does one small step (one operation, one event, one choice), chosen by the first
of these that applies: followers to take along, requests of a server that left, followers to let go on, a server that
chooses work, the current item's next operation, the next item that is ready, the next event. A step only *names* what
is to happen to an item – leave its queue, ask a route, wait, be granted – and the four sections at the end of the
turn do it. So each of the large routines stands here once, and all of the state can stay in machine registers.

Before a turn nothing is half done: that is where the kernel returns when an array might become too small.
"""

# ruff: noqa: F403, F405
from __future__ import annotations

import hashlib
import inspect
from functools import cache
from types import ModuleType
from typing import Any

from numba import njit, types
from numba.core import config
from numba.core.caching import FunctionCache

from sim import draws
from sim.service import columns, moves, orders, rules, tables, topics
from sim.service.columns import *
from sim.service.moves import (
    choose_work,
    first_of_two,
    give_slot,
    join_queue,
    leave_queue,
    new_item,
    next_lapse,
    recall_hold,
    store_hold,
    take_slot,
    write_clock,
    write_visit,
)
from sim.service.orders import (
    add_key,
    choose_server,
    close_hole,
    dequeue,
    draw_duration,
    drop_key,
    enqueue,
    find_key,
    find_ring,
    first_of,
    link_idle,
    schedule,
    schedule_here,
    unlink_idle,
)
from sim.service.rules import SUB_FALLBACK, SUB_NOTICE, SUB_ROUTE, Phase
from sim.service.tables import ClockAction, ClockEnd, GateScope, IfAbsent, Op, Prefer, TopicField, VisitEnd
from sim.service.topics import CAUSE_MASK, CAUSE_SHIFT, NUMBER_SHIFT, ORDINARY

OP_WAIT, OP_SEIZE, OP_WORK, OP_RELEASE, OP_END = map(int, (Op.WAIT, Op.SEIZE, Op.WORK, Op.RELEASE, Op.END))
OP_BRANCH_SHARE, OP_BRANCH_QUEUE, OP_BRANCH_CLOCK = int(Op.BRANCH_SHARE), int(Op.BRANCH_QUEUE), int(Op.BRANCH_CLOCK)
OP_BRANCH_PARENT, OP_LEVEL, OP_OWN, OP_SPAWN = int(Op.BRANCH_PARENT), int(Op.LEVEL), int(Op.OWN), int(Op.SPAWN)
OP_CLOCK_START, OP_CLOCK_STOP, OP_MARK = int(Op.CLOCK_START), int(Op.CLOCK_STOP), int(Op.MARK)
OP_GATE_WAIT, OP_GATE_OPEN, OP_BRANCH_TOPIC = int(Op.GATE_WAIT), int(Op.GATE_OPEN), int(Op.BRANCH_TOPIC)

LEAVE, ENTER, STEP, RULE, PATIENCE, ARRIVE = map(int, Phase)
STEP_KEY, RULE_KEY = STEP << PHASE_SHIFT, RULE << PHASE_SHIFT
PATIENCE_KEY, ARRIVE_KEY = PATIENCE << PHASE_SHIFT, ARRIVE << PHASE_SHIFT
ENTITY_MASK = (1 << (PHASE_SHIFT - ENTITY_SHIFT)) - 1
SUB_MASK = (1 << ENTITY_SHIFT) - 1
SLOT_MASK = (1 << LOAD_SHIFT) - 1
NOTICE_SUB, ROUTE_SUB, FALLBACK_SUB = int(SUB_NOTICE), int(SUB_ROUTE), int(SUB_FALLBACK)

RAISE, JUMP = int(ClockAction.RAISE), int(ClockAction.JUMP)
KEPT, EXPIRED, RESTARTED, ITEM_ENDED = map(
    int, (ClockEnd.KEPT, ClockEnd.EXPIRED, ClockEnd.RESTARTED, ClockEnd.ITEM_ENDED)
)
SERVED, RODE_ALONG, ABANDONED = int(VisitEnd.SERVED), int(VisitEnd.RODE_ALONG), int(VisitEnd.ABANDONED)
TOPIC, HOME, INCIDENT = int(GateScope.TOPIC), int(GateScope.HOME), int(GateScope.INCIDENT)
BY_CAUSE = int(TopicField.CAUSE)
FIRST_INCIDENT = ORDINARY << NUMBER_SHIFT
PREFER_OWNER, PREFER_HOME = int(Prefer.OWNER), int(Prefer.HOME)
ABSENT_ROUTE = int(IfAbsent.ROUTE)


def advance(  # type: ignore[no-untyped-def]
    until,
    seed,
    replication,
    register,
    agenda,
    heap,
    ring,
    ring_event,
    program,
    share,
    target,
    seize,
    station,
    route,
    pool,
    skill_class,
    idle,
    lane_priority,
    lane_head_start,
    clock,
    server,
    slow,
    constant,
    span,
    component,
    knot,
    gate_scope,
    to_offer,
    arrival_t,
    arrival_pc,
    arrival_kind,
    arrival_level,
    arrival_key,
    arrival_home,
    arrival_topic,
    arrival_case,
    arrival_work,
    window_t,
    window_key,
    item64,
    item32,
    group32,
    visit_count,
    clock_started,
    outer,
    queue,
    keyed,
    bucket,
    visit_item,
    visit_station,
    visit_served_at,
    visit_server,
    visit_requested,
    visit_granted,
    visit_ended,
    visit_step,
    visit_level,
    visit_end,
    ended_item,
    ended_case,
    ended_draw_key,
    ended_arrived,
    ended_ended,
    ended_kind,
    ended_topic,
    ended_outcome,
    clocked_item,
    clocked_started,
    clocked_ended,
    clocked_clock,
    clocked_end,
    marked_item,
    marked_t,
    marked_moment,
):
    """Execute all events with t < ``until``; ``DONE``, or what is needed before the same call goes on."""
    now = register[X_NOW]
    current = register[X_CURRENT]
    ready_head = register[X_READY_HEAD]
    ready_tail = register[X_READY_TAIL]
    leader = register[X_LEADER]
    leader_left = register[X_LEADER_LEFT]
    leader_tail = register[X_LEADER_TAIL]
    leaving = register[X_LEAVING]
    riders = register[X_RIDERS]
    riders_pc = register[X_RIDERS_PC]
    offer = register[X_OFFER]
    loose = register[X_LOOSE]
    arrival = register[X_ARRIVAL]
    window = register[X_WINDOW]
    visits = register[X_VISITS]
    ended = register[X_ENDED]
    levels = register[X_LEVELS]
    arrival_next = arrival_t[arrival] if arrival < arrival_t.size else NEVER
    window_next = window_t[window] if window < window_t.size else NEVER
    lanes = station.shape[0] * levels
    first_key_queue = lanes + PRIVATE_QUEUES * server.shape[0]
    event_room = register[X_LONGEST_ROUTE] + 4
    turns = 0
    code = DONE

    while True:
        if turns == 0:
            # So many turns can be made before any array might be full.
            turns = min(
                min(item64.shape[0] - register[X_ITEMS], (heap.shape[0] - agenda[A_EVENTS]) // event_room),
                min(visit_item.size - visits, ended_item.size - ended),
            )
            turns = min(
                min(turns, (clocked_item.size - register[X_CLOCK_ROWS]) // CLOCK_ROOM),
                min(marked_item.size - register[X_MARKS], outer.shape[0] - register[X_OUTERS]),
            )
            turns = min(turns, keyed.shape[0] - register[X_KEYS])
            if agenda[A_FULL_RING] >= 0:
                turns = 0
            if turns <= 0:
                code = NEEDS_ROOM
                break
        turns -= 1

        closes = -1  # item whose visit ends
        how = SERVED
        leaves = -1  # item that leaves its queue
        asks = -1  # item that asks the rows first_row … last_row − 1 of a route
        first_row = 0
        last_row = 0
        waits = -1  # item that joins a queue
        granted = -1  # item that is granted the server by
        by = -1
        asked_now = -1  # seize row of the current item's new request
        visit = 0

        if leader & leaving & riders & offer != -1:
            if leader >= 0:
                # A batch: the next follower of the request that was just granted.
                follower = -1
                if leader_left > 0:
                    place, at = item32[leader, I_PLACE], item32[leader, I_STATION]
                    k = find_key(keyed, bucket, place, at, item32[leader, I_PC], item32[leader, I_TOPIC])
                    if k >= 0:
                        follower = first_of(item64, item32, queue, first_key_queue + k)
                if follower < 0:
                    leader = -1
                else:
                    leaves = follower
                    item32[follower, I_STATE] = RIDING
                    item32[follower, I_SERVER] = item32[leader, I_SERVER]
                    item32[follower, I_GRANT_LEVEL] = item32[follower, I_LEVEL]
                    item64[follower, I_GRANTED] = now
                    item32[follower, I_LINK] = -1
                    if leader_tail < 0:
                        item32[leader, I_FOLLOWERS] = follower
                    else:
                        item32[leader_tail, I_LINK] = follower
                    leader_tail = follower
                    leader_left -= 1
            elif leaving >= 0:
                # A server has left: its private requests that may go to the route do so, in rank order.
                q = lanes + PRIVATE_QUEUES * leaving
                i = first_of_two(item64, item32, queue, q, q + 2)
                if i < 0:
                    leaving = -1
                else:
                    leaves = i
                    asks = i
            elif riders >= 0:
                # The batch has ended: its next follower goes on.
                i = riders
                riders = item32[i, I_LINK]
                closes = i
                how = RODE_ALONG
                item32[i, I_STATE] = BUSY
                item32[i, I_PC] = riders_pc
                item32[i, I_LINK] = -1
                if ready_head < 0:
                    ready_head = i
                else:
                    item32[ready_tail, I_LINK] = i
                ready_tail = i
            else:
                # A server chooses work.
                best = -1
                if server[offer, V_PRESENT] == 1 and server[offer, V_HELD] < server[offer, V_SLOTS]:
                    best = choose_work(station, route, pool, server, item64, item32, queue, levels, now, offer)
                    if best < 0 and loose == offer:
                        link_idle(server, pool, skill_class, idle, offer)
                if best >= 0:
                    leaves = best
                    granted = best
                    by = offer
                else:
                    loose = -1
                    offer = -1
        elif register[X_TO_OFFER] < to_offer.size:
            # Servers whose skills changed between calls choose work before anything else happens.
            offer = to_offer[register[X_TO_OFFER]]
            register[X_TO_OFFER] += 1
        elif current >= 0:
            i = current
            pc = item32[i, I_PC]
            op = program[pc, P_OP]
            item32[i, I_PC] = pc + 1
            if program[pc, P_SLOT] >= 0:
                visit = visit_count[i, program[pc, P_SLOT]]
                visit_count[i, program[pc, P_SLOT]] = visit + 1
            if op in (OP_WORK, OP_WAIT):
                length = constant[program[pc, P_A]]
                if length < 0:
                    if length == OWN_WORK:
                        length = max(item32[i, I_WORK], 0)
                    else:
                        who, purpose, dist = item64[i, I_KEY], program[pc, P_PURPOSE], program[pc, P_A]
                        length = draw_duration(seed, replication, who, purpose, visit, dist, span, component, knot)
                if op == OP_WORK:
                    s = item32[i, I_SERVER]
                    speed = server[s, V_SPEED]
                    factor = slow[server[s, V_POOL], server[s, V_HELD]]
                    if factor != speed:
                        length = (length * factor + speed // 2) // speed
                key = STEP_KEY | (item64[i, I_NUMBER] << ENTITY_SHIFT)
                due = now + length
                schedule_here(agenda, heap, ring, ring_event, program[pc, P_RING], due, key, i)
                current = -1
            elif op == OP_BRANCH_SHARE:
                u = draws.uniform(seed, replication, item64[i, I_KEY], program[pc, P_PURPOSE], visit)
                for choice in range(program[pc, P_A], program[pc, P_A] + program[pc, P_B]):
                    if u < share[choice]:
                        item32[i, I_PC] = target[choice]
                        break
            elif op == OP_SEIZE:
                if item32[i, I_HELD] > 0:
                    store_hold(register, outer, item64, item32, i)
                asked_now = program[pc, P_A]
                at = seize[asked_now, Z_STATION]
                item32[i, I_ASKED] = pc
                item32[i, I_STATION] = at
                item32[i, I_SERVER] = -1
                item32[i, I_GRANT_LEVEL] = -1
                item32[i, I_TICKET] += 1
                item64[i, I_REQUESTED] = now
                item64[i, I_GRANTED] = -1
                s = -1
                if seize[asked_now, Z_PREFER] == PREFER_OWNER:
                    s = item32[i, I_OWNER]
                elif seize[asked_now, Z_PREFER] == PREFER_HOME:
                    s = item32[i, I_HOME]
                need = station[at, S_NEED]
                if (
                    s < 0
                    or server[s, V_SKILLS] & need != need
                    or (server[s, V_PRESENT] == 0 and seize[asked_now, Z_ABSENT] == ABSENT_ROUTE)
                ):
                    asks = i
                else:
                    unnoticed = 0
                    if seize[asked_now, Z_NOTICE] >= 0:
                        who, purpose, dist = (
                            item64[i, I_KEY],
                            seize[asked_now, Z_NOTICE_PURPOSE],
                            seize[asked_now, Z_NOTICE],
                        )
                        unnoticed = draw_duration(seed, replication, who, purpose, visit, dist, span, component, knot)
                    item32[i, I_PLACE] = s
                    if unnoticed == 0 and server[s, V_PRESENT] == 1 and server[s, V_HELD] < server[s, V_SLOTS]:
                        granted = i
                        by = s
                    else:
                        waits = i
                        item32[i, I_STATE] = WAITING
                        load = i | (item32[i, I_TICKET] << LOAD_SHIFT)
                        key = RULE_KEY | (item64[i, I_NUMBER] << ENTITY_SHIFT)
                        if unnoticed > 0:
                            item32[i, I_STATE] = UNNOTICED
                            r = seize[asked_now, Z_NOTICE_RING]
                            due = now + unnoticed
                            schedule(agenda, heap, ring, ring_event, r, due, key | NOTICE_SUB, load)
                        if seize[asked_now, Z_FALLBACK] >= 0:
                            r = seize[asked_now, Z_FALLBACK_RING]
                            due = now + seize[asked_now, Z_FALLBACK]
                            schedule(agenda, heap, ring, ring_event, r, due, key | FALLBACK_SUB, load)
            elif op == OP_RELEASE or (op == OP_END and item32[i, I_HELD] > 0):
                if op == OP_END:
                    item32[i, I_PC] = pc
                s = item32[i, I_SERVER]
                closes = i
                how = SERVED
                riders = item32[i, I_FOLLOWERS]
                riders_pc = item32[i, I_PC]
                give_slot(server, pool, skill_class, idle, now, s)
                offer = s
                loose = s
            elif op == OP_END:
                number = item64[i, I_NUMBER]
                running = item32[i, I_RUNNING]
                if running != 0:
                    for c in range(clock.shape[0]):
                        if (running >> c) & 1 == 1:
                            write_clock(
                                register,
                                clocked_item,
                                clocked_started,
                                clocked_ended,
                                clocked_clock,
                                clocked_end,
                                clock_started,
                                now,
                                ITEM_ENDED,
                                item64,
                                item32,
                                i,
                                c,
                            )
                ended_item[ended] = number
                ended_case[ended] = item64[i, I_CASE]
                ended_draw_key[ended] = item64[i, I_KEY]
                ended_arrived[ended] = item64[i, I_ARRIVED]
                ended_ended[ended] = now
                ended_kind[ended] = item32[i, I_KIND]
                ended_topic[ended] = item32[i, I_TOPIC]
                ended_outcome[ended] = program[pc, P_A]
                ended += 1
                register[X_ITEM_MS] += now
                register[X_OPEN] -= 1
                register[X_ITEMS] -= 1
                item64[i, I_NUMBER] = -1
                item32[i, I_LINK] = register[X_FREE_ITEM]
                register[X_FREE_ITEM] = i
                current = -1
            elif op == OP_BRANCH_QUEUE:
                if station[program[pc, P_A], S_WAITING] >= program[pc, P_B]:
                    item32[i, I_PC] = program[pc, P_C]
            elif op == OP_BRANCH_CLOCK:
                if (item32[i, I_EXPIRED] >> program[pc, P_A]) & 1 == 1:
                    item32[i, I_PC] = program[pc, P_C]
            elif op == OP_BRANCH_PARENT:
                parent = item32[i, I_PARENT]
                if parent >= 0 and item64[parent, I_NUMBER] == item64[i, I_PARENT_NUMBER]:
                    item32[i, I_PC] = program[pc, P_C]
            elif op == OP_LEVEL:
                item32[i, I_LEVEL] = program[pc, P_A]
            elif op in (OP_CLOCK_START, OP_CLOCK_STOP):
                c = program[pc, P_A]
                if (item32[i, I_RUNNING] >> c) & 1 == 1:
                    write_clock(
                        register,
                        clocked_item,
                        clocked_started,
                        clocked_ended,
                        clocked_clock,
                        clocked_end,
                        clock_started,
                        now,
                        RESTARTED if op == OP_CLOCK_START else KEPT,
                        item64,
                        item32,
                        i,
                        c,
                    )
                if op == OP_CLOCK_START:
                    item32[i, I_RUNNING] |= 1 << c
                    item32[i, I_EXPIRED] &= ~(1 << c)
                    clock_started[i, c] = now
                    key = RULE_KEY | (item64[i, I_NUMBER] << ENTITY_SHIFT) | c
                    due = now + clock[c, C_LIMIT]
                    schedule(agenda, heap, ring, ring_event, clock[c, C_RING], due, key, i)
            elif op == OP_OWN:
                item32[i, I_OWNER] = item32[i, I_SERVER]
            elif op == OP_SPAWN:
                j = new_item(register, item64, item32, visit_count)
                item64[j, I_CASE] = item64[i, I_CASE]
                item64[j, I_KEY] = draws.child_key(item64[i, I_KEY], program[pc, P_PURPOSE], visit)
                item64[j, I_PARENT_NUMBER] = item64[i, I_NUMBER]
                item32[j, I_PARENT] = i
                item32[j, I_PC] = program[pc, P_A]
                item32[j, I_KIND] = program[pc, P_B]
                item32[j, I_LEVEL] = item32[i, I_LEVEL]
                item32[j, I_HOME] = item32[i, I_HOME]
                item32[j, I_TOPIC] = item32[i, I_TOPIC]
                item32[j, I_WORK] = item32[i, I_WORK]
                item32[j, I_OWNER] = item32[i, I_OWNER]
                delay = 0
                if program[pc, P_C] >= 0:
                    who, purpose, dist = item64[i, I_KEY], program[pc, P_PURPOSE], program[pc, P_C]
                    delay = draw_duration(seed, replication, who, purpose, visit, dist, span, component, knot)
                key = ARRIVE_KEY | (item64[j, I_NUMBER] << ENTITY_SHIFT)
                due = now + delay
                schedule(agenda, heap, ring, ring_event, program[pc, P_RING], due, key, j)
            elif op in (OP_GATE_WAIT, OP_GATE_OPEN):
                gate = program[pc, P_A]
                scope = gate_scope[gate]
                topic = -1
                if scope == TOPIC:
                    topic = item32[i, I_TOPIC]
                elif scope == HOME:
                    topic = item32[i, I_HOME]
                elif scope == INCIDENT:
                    topic = item32[i, I_TOPIC] >> CAUSE_SHIFT
                k = find_key(keyed, bucket, GATE_PLACE, gate, 0, topic)
                if op == OP_GATE_WAIT:
                    if k < 0 or keyed[k, K_OPEN] == 0:
                        if k < 0:
                            k = add_key(register, keyed, bucket, queue, first_key_queue, GATE_PLACE, gate, 0, topic)
                        item32[i, I_STATE] = AT_GATE
                        item32[i, I_PRIORITY] = 0
                        item64[i, I_RANK_TIME] = 0
                        enqueue(item64, item32, queue, item32, I_PREV, first_key_queue + k, i)
                        current = -1
                else:
                    if k >= 0:
                        j = first_of(item64, item32, queue, first_key_queue + k)
                        while j >= 0:
                            dequeue(item64, item32, queue, item32, I_PREV, first_key_queue + k, j)
                            item32[j, I_STATE] = BUSY
                            item32[j, I_LINK] = -1
                            if ready_head < 0:
                                ready_head = j
                            else:
                                item32[ready_tail, I_LINK] = j
                            ready_tail = j
                            j = first_of(item64, item32, queue, first_key_queue + k)
                    if program[pc, P_B] != 0:
                        if k < 0:
                            k = add_key(register, keyed, bucket, queue, first_key_queue, GATE_PLACE, gate, 0, topic)
                        keyed[k, K_OPEN] = 1
                    elif k >= 0 and keyed[k, K_OPEN] == 0:
                        drop_key(register, keyed, bucket, k)
            elif op == OP_MARK:
                row = register[X_MARKS]
                marked_item[row] = item64[i, I_NUMBER]
                marked_t[row] = now
                marked_moment[row] = program[pc, P_A]
                register[X_MARKS] = row + 1
            elif op == OP_BRANCH_TOPIC:
                topic = item32[i, I_TOPIC]
                if program[pc, P_A] == BY_CAUSE:
                    if topic >= 0 and (topic >> CAUSE_SHIFT) & CAUSE_MASK == program[pc, P_B]:
                        item32[i, I_PC] = program[pc, P_C]
                elif topic >= FIRST_INCIDENT:
                    item32[i, I_PC] = program[pc, P_C]
            else:
                item32[i, I_PC] = program[pc, P_C]
        elif ready_head >= 0:
            current = ready_head
            ready_head = item32[current, I_LINK]
        else:
            # The next event: heap, rings, presence, arrivals.
            if agenda[A_HOLE] == 1:
                close_hole(agenda, heap)
            if arrival_next == NEVER and register[X_MORE_ARRIVALS] == 1:
                code = NEEDS_ARRIVALS
                break
            t = agenda[A_RING_T]
            key = agenda[A_RING_KEY]
            source = 1
            if agenda[A_EVENTS] > 0 and (heap[0, E_T] < t or (heap[0, E_T] == t and heap[0, E_KEY] < key)):
                t = heap[0, E_T]
                key = heap[0, E_KEY]
                source = 0
            if arrival_next < t or (arrival_next == t and key > ARRIVE_KEY):
                t = arrival_next
                key = ARRIVE_KEY
                source = 2
            if window_next < t or (window_next == t != NEVER and window_key[window] < key):
                t = window_next
                key = window_key[window]
                source = 3
            if t >= until:
                break
            now = t
            if source == 2:
                i = new_item(register, item64, item32, visit_count)
                number = item64[i, I_NUMBER]
                case = arrival_case[arrival]
                item64[i, I_CASE] = number if case < 0 else case
                item64[i, I_KEY] = arrival_key[arrival]
                item64[i, I_ARRIVED] = now
                item32[i, I_PC] = arrival_pc[arrival]
                item32[i, I_KIND] = arrival_kind[arrival]
                item32[i, I_LEVEL] = arrival_level[arrival]
                item32[i, I_HOME] = arrival_home[arrival]
                item32[i, I_TOPIC] = arrival_topic[arrival]
                item32[i, I_WORK] = arrival_work[arrival]
                item32[i, I_OWNER] = -1
                item32[i, I_PARENT] = -1
                register[X_ITEM_MS] -= now
                register[X_OPEN] += 1
                current = i
                arrival += 1
                arrival_next = arrival_t[arrival] if arrival < arrival_t.size else NEVER
            elif source == 3:
                s = (key >> ENTITY_SHIFT) & ENTITY_MASK
                held = server[s, V_HELD]
                window += 1
                window_next = window_t[window] if window < window_t.size else NEVER
                if key >> PHASE_SHIFT == LEAVE:
                    if held < server[s, V_SLOTS]:
                        unlink_idle(server, pool, skill_class, idle, s)
                    server[s, V_PRESENT] = 0
                    server[s, V_PRESENT_MS] += now
                    if held > 0:
                        server[s, V_BOTH_MS] += now
                    leaving = s
                else:
                    server[s, V_PRESENT] = 1
                    server[s, V_PRESENT_MS] -= now
                    if held > 0:
                        server[s, V_BOTH_MS] -= now
                    server[s, V_CHANGED] = now
                    offer = s
                    loose = s
            else:
                if source == 0:
                    load = heap[0, E_LOAD]
                    agenda[A_HOLE] = 1
                else:
                    r = agenda[A_RING]
                    load = ring_event[ring[r, G_START] + ring[r, G_HEAD], E_LOAD]
                    ring[r, G_HEAD] += 1
                    if ring[r, G_HEAD] == ring[r, G_SIZE]:
                        ring[r, G_HEAD] = 0
                    ring[r, G_COUNT] -= 1
                    find_ring(agenda, ring, ring_event)
                phase = key >> PHASE_SHIFT
                i = load & SLOT_MASK
                if phase == STEP:
                    current = i
                elif phase == PATIENCE:
                    if item32[i, I_TICKET] == load >> LOAD_SHIFT and (
                        item32[i, I_STATE] == WAITING or item32[i, I_STATE] == UNNOTICED
                    ):
                        leaves = i
                        row = program[item32[i, I_ASKED], P_A]
                        closes = i
                        how = ABANDONED
                        item32[i, I_STATE] = BUSY
                        item32[i, I_PC] = seize[row, Z_ELSE]
                        current = i
                elif phase == ARRIVE:
                    item64[i, I_ARRIVED] = now
                    register[X_ITEM_MS] -= now
                    register[X_OPEN] += 1
                    current = i
                else:
                    sub = key & SUB_MASK
                    state = item32[i, I_STATE]
                    queued = state in (WAITING, UNNOTICED)
                    if sub < NOTICE_SUB:
                        if (
                            item64[i, I_NUMBER] == (key >> ENTITY_SHIFT) & ENTITY_MASK
                            and (item32[i, I_RUNNING] >> sub) & 1 == 1
                            and clock_started[i, sub] + clock[sub, C_LIMIT] == now
                        ):
                            write_clock(
                                register,
                                clocked_item,
                                clocked_started,
                                clocked_ended,
                                clocked_clock,
                                clocked_end,
                                clock_started,
                                now,
                                EXPIRED,
                                item64,
                                item32,
                                i,
                                sub,
                            )
                            item32[i, I_EXPIRED] |= 1 << sub
                            action = clock[sub, C_ACTION]
                            if action == RAISE:
                                item32[i, I_LEVEL] = clock[sub, C_ARG]
                                if queued:
                                    leaves = i
                                    waits = i
                            elif action == JUMP and queued:
                                item32[i, I_STATION] = clock[sub, C_ARG]
                                leaves = i
                                asks = i
                    elif sub == NOTICE_SUB:
                        if state == UNNOTICED and item32[i, I_TICKET] == load >> LOAD_SHIFT:
                            leaves = i
                            s = item32[i, I_PLACE]
                            if server[s, V_PRESENT] == 1 and server[s, V_HELD] < server[s, V_SLOTS]:
                                granted = i
                                by = s
                            else:
                                item32[i, I_STATE] = WAITING
                                waits = i
                    elif sub == FALLBACK_SUB:
                        if queued and item32[i, I_TICKET] == load >> LOAD_SHIFT and item32[i, I_PLACE] >= 0:
                            leaves = i
                            asks = i
                    elif state == WAITING and item32[i, I_PLACE] < 0 and item32[i, I_ROUTED] == load >> LOAD_SHIFT:
                        asks = i
                        first_row = station[item32[i, I_STATION], S_ROUTE_START] + sub - ROUTE_SUB
                        last_row = first_row + 1

        # ── closes: a visit ends; what the item holds now is what it held before
        if closes >= 0:
            write_visit(
                visit_item,
                visit_station,
                visit_served_at,
                visit_server,
                visit_requested,
                visit_granted,
                visit_ended,
                visit_step,
                visit_level,
                visit_end,
                visits,
                now,
                how,
                program,
                seize,
                item64,
                item32,
                closes,
            )
            visits += 1
            if how == SERVED:
                item32[closes, I_HELD] -= 1
            if item32[closes, I_HELD] > 0:
                recall_hold(register, outer, item64, item32, closes)

        # ── asks: try the pools that are due; last_row says that only one is tried, by a request that goes on waiting
        if asks >= 0:
            at = item32[asks, I_STATION]
            tries = last_row > 0
            if not tries:
                first_row = station[at, S_ROUTE_START]
                last_row = station[at, S_ROUTE_END]
                item32[asks, I_ROUTED] += 1
            waited = now - item64[asks, I_REQUESTED]
            need = station[at, S_NEED]
            r = first_row
            while r < last_row and route[r, R_AGE] <= waited:
                by = choose_server(server, pool, skill_class, idle, route[r, R_POOL], need)
                if by >= 0:
                    break
                r += 1
            if by >= 0:
                granted = asks
                if tries:
                    leaves = asks
            elif not tries:
                waits = asks
                item32[asks, I_STATE] = WAITING
                load = asks | (item32[asks, I_ROUTED] << LOAD_SHIFT)
                key = (RULE_KEY | (item64[asks, I_NUMBER] << ENTITY_SHIFT)) + ROUTE_SUB - first_row
                while r < last_row:
                    delay_ring = route[r, R_RING] if waited == 0 else -1
                    due = now + route[r, R_AGE] - waited
                    schedule(agenda, heap, ring, ring_event, delay_ring, due, key + r, load)
                    r += 1

        # ── leaves: out of its queue and its group
        if leaves >= 0:
            leave_queue(
                register, station, route, pool, server, item64, item32, group32, queue, keyed, bucket, levels, leaves
            )

        # ── waits: into a shared lane or a private queue, by rank, and into its group
        if waits >= 0:
            if asks >= 0:
                item32[waits, I_PLACE] = -1
            join_queue(
                register,
                program,
                seize,
                station,
                route,
                pool,
                server,
                lane_priority,
                lane_head_start,
                item64,
                item32,
                group32,
                queue,
                keyed,
                bucket,
                levels,
                waits,
            )
            if asked_now >= 0:
                # Patience matters only to those who wait.
                due = NEVER
                if seize[asked_now, Z_PATIENCE] >= 0:
                    length = constant[seize[asked_now, Z_PATIENCE]]
                    if length < 0:
                        who, purpose, dist = (
                            item64[waits, I_KEY],
                            seize[asked_now, Z_PATIENCE_PURPOSE],
                            seize[asked_now, Z_PATIENCE],
                        )
                        length = draw_duration(seed, replication, who, purpose, visit, dist, span, component, knot)
                    due = now + length
                lapse = seize[asked_now, Z_LAPSE]
                if lapse >= 0:
                    due = min(due, next_lapse(now, lapse))
                if due < NEVER:
                    load = waits | (item32[waits, I_TICKET] << LOAD_SHIFT)
                    key = PATIENCE_KEY | (item64[waits, I_NUMBER] << ENTITY_SHIFT)
                    r = seize[asked_now, Z_PATIENCE_RING]
                    schedule(agenda, heap, ring, ring_event, r, due, key, load)
                current = -1

        # ── granted: takes a slot of the server and goes on, at once or when those before it have
        if granted >= 0:
            if asks >= 0:
                item32[granted, I_PLACE] = -1
            take_slot(server, pool, skill_class, idle, now, by, loose != by)
            item32[granted, I_STATE] = BUSY
            item32[granted, I_SERVER] = by
            item32[granted, I_GRANT_LEVEL] = item32[granted, I_LEVEL]
            item32[granted, I_FOLLOWERS] = -1
            item32[granted, I_HELD] += 1
            item64[granted, I_GRANTED] = now
            if station[item32[granted, I_STATION], S_BATCH] > 1:
                leader = granted
                leader_left = station[item32[granted, I_STATION], S_BATCH] - 1
                leader_tail = -1
            if granted != current:
                item32[granted, I_LINK] = -1
                if ready_head < 0:
                    ready_head = granted
                else:
                    item32[ready_tail, I_LINK] = granted
                ready_tail = granted

    if agenda[A_HOLE] == 1:
        close_hole(agenda, heap)
    register[X_NOW] = now
    register[X_CURRENT] = current
    register[X_READY_HEAD] = ready_head
    register[X_READY_TAIL] = ready_tail
    register[X_LEADER] = leader
    register[X_LEADER_LEFT] = leader_left
    register[X_LEADER_TAIL] = leader_tail
    register[X_LEAVING] = leaving
    register[X_RIDERS] = riders
    register[X_RIDERS_PC] = riders_pc
    register[X_OFFER] = offer
    register[X_LOOSE] = loose
    register[X_ARRIVAL] = arrival
    register[X_WINDOW] = window
    register[X_VISITS] = visits
    register[X_ENDED] = ended
    return code


class _KernelCache(FunctionCache):
    """Numba's disk cache, which by itself notices neither a change of an inlined function nor of bounds checking."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        bounds_checked = config.BOUNDSCHECK  # type: ignore[attr-defined]
        return (
            *super()._index_key(sig, codegen),
            _digest((columns, draws, moves, orders, rules, tables, topics)),
            bounds_checked,
        )


def _digest(modules: tuple[ModuleType, ...]) -> str:
    """Fingerprint of the sources of modules."""
    text = "\0".join(inspect.getsource(module) for module in modules)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


@cache
def kernel() -> Any:
    """``advance``, compiled for its one signature: by this machine once, then from the cache on disk."""
    dispatcher = njit(nogil=True, **orders.OPTIONS)(advance)
    dispatcher._cache = _KernelCache(advance)
    arguments = [
        getattr(types, kind) if dimensions == 0 else types.Array(getattr(types, kind), dimensions, "C")
        for kind, dimensions in columns.ARGUMENTS.values()
    ]
    dispatcher.compile(types.int64(*arguments))
    dispatcher.disable_compile()
    return dispatcher
