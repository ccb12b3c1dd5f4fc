"""What the compiled engine's kernel does to one item or server: coming in, holding, joining and leaving a queue, rows.

Compiled as part of the kernel, like ``sim.service.orders``; these are pieces of a turn that have a name of their own.
"""

from __future__ import annotations

from sim.service import rules
from sim.service.columns import (
    BUSY,
    H_ASKED,
    H_FOLLOWERS,
    H_GRANT_LEVEL,
    H_GRANTED,
    H_NEXT,
    H_REQUESTED,
    H_SERVER,
    H_STATION,
    I_ARRIVED,
    I_ASKED,
    I_EXPIRED,
    I_FOLLOWERS,
    I_GRANT_LEVEL,
    I_GRANTED,
    I_HELD,
    I_LEVEL,
    I_LINK,
    I_NUMBER,
    I_OUTER,
    I_PC,
    I_PLACE,
    I_PREV,
    I_PRIORITY,
    I_QUEUE,
    I_RANK_TIME,
    I_REQUESTED,
    I_RUNNING,
    I_SERVER,
    I_STATE,
    I_STATION,
    I_TOPIC,
    J_GROUP,
    J_PREV,
    O_ROWS,
    P_A,
    P_STEP,
    PRIVATE_QUEUES,
    Q_HEAD,
    Q_ROOT,
    R_AGE,
    R_NEXT,
    R_STATION,
    S_BATCH,
    S_NEED,
    S_ROUTE_END,
    S_ROUTE_START,
    S_WAITING,
    UNNOTICED,
    V_BOTH_MS,
    V_BUSY_MS,
    V_CHANGED,
    V_HELD,
    V_POOL,
    V_PRESENT,
    V_PRIVATE,
    V_SKILLS,
    V_SLOT_MS,
    V_SLOTS,
    X_CLOCK_ROWS,
    X_FREE_ITEM,
    X_FREE_OUTER,
    X_ITEM_SLOTS,
    X_ITEMS,
    X_NUMBERED,
    X_OUTER_SLOTS,
    X_OUTERS,
    Z_ABSENT,
    Z_STATION,
)
from sim.service.orders import (
    add_key,
    compiled,
    dequeue,
    drop_key,
    enqueue,
    find_key,
    first_of,
    goes_before,
    inlined,
    link_idle,
    link_rows,
    unlink_idle,
    unlink_rows,
)
from sim.service.tables import IfAbsent

ABSENT_WAIT = int(IfAbsent.WAIT)

next_lapse = compiled(rules.next_lapse)
"""The rule itself, as a call: few requests lapse."""


# ── items and what they hold ─────────────────────────────────────────────────────────────────────────────────────────


@inlined
def new_item(register, item64, item32, visit_count):  # type: ignore[no-untyped-def]
    """A place for a new item, numbered and blank; tickets go on from the place's last item."""
    i = register[X_FREE_ITEM]
    if i >= 0:
        register[X_FREE_ITEM] = item32[i, I_LINK]
    else:
        i = register[X_ITEM_SLOTS]
        register[X_ITEM_SLOTS] = i + 1
    register[X_ITEMS] += 1
    item64[i, I_NUMBER] = register[X_NUMBERED]
    register[X_NUMBERED] += 1
    item64[i, I_ARRIVED] = -1
    item32[i, I_HELD] = 0
    item32[i, I_STATE] = BUSY
    item32[i, I_OUTER] = -1
    item32[i, I_EXPIRED] = 0
    item32[i, I_RUNNING] = 0
    for slot in range(visit_count.shape[1]):
        visit_count[i, slot] = 0
    return i


@compiled
def store_hold(register, outer, item64, item32, i):  # type: ignore[no-untyped-def]
    """Put the innermost hold of an item aside, before it asks for another server."""
    h = register[X_FREE_OUTER]
    if h >= 0:
        register[X_FREE_OUTER] = outer[h, H_NEXT]
    else:
        h = register[X_OUTER_SLOTS]
        register[X_OUTER_SLOTS] = h + 1
    register[X_OUTERS] += 1
    outer[h, H_ASKED] = item32[i, I_ASKED]
    outer[h, H_STATION] = item32[i, I_STATION]
    outer[h, H_SERVER] = item32[i, I_SERVER]
    outer[h, H_GRANT_LEVEL] = item32[i, I_GRANT_LEVEL]
    outer[h, H_FOLLOWERS] = item32[i, I_FOLLOWERS]
    outer[h, H_REQUESTED] = item64[i, I_REQUESTED]
    outer[h, H_GRANTED] = item64[i, I_GRANTED]
    outer[h, H_NEXT] = item32[i, I_OUTER]
    item32[i, I_OUTER] = h


@compiled
def recall_hold(register, outer, item64, item32, i):  # type: ignore[no-untyped-def]
    """Make the hold that was put aside last the innermost one again."""
    h = item32[i, I_OUTER]
    item32[i, I_ASKED] = outer[h, H_ASKED]
    item32[i, I_STATION] = outer[h, H_STATION]
    item32[i, I_SERVER] = outer[h, H_SERVER]
    item32[i, I_GRANT_LEVEL] = outer[h, H_GRANT_LEVEL]
    item32[i, I_FOLLOWERS] = outer[h, H_FOLLOWERS]
    item64[i, I_REQUESTED] = outer[h, H_REQUESTED]
    item64[i, I_GRANTED] = outer[h, H_GRANTED]
    item32[i, I_OUTER] = outer[h, H_NEXT]
    outer[h, H_NEXT] = register[X_FREE_OUTER]
    register[X_FREE_OUTER] = h
    register[X_OUTERS] -= 1


# ── queues ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@inlined
def join_queue(  # type: ignore[no-untyped-def]
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
    i,
):
    """Put a request into a shared lane or a private queue, by rank, and among those that may ride together."""
    at = item32[i, I_STATION]
    level = item32[i, I_LEVEL]
    place = item32[i, I_PLACE]
    lanes = station.shape[0] * levels
    item32[i, I_PRIORITY] = lane_priority[at, level]
    item64[i, I_RANK_TIME] = item64[i, I_REQUESTED] - lane_head_start[at, level]
    if place < 0:
        q = at * levels + level
        count = station[at, S_WAITING]
        station[at, S_WAITING] = count + 1
        if count == 0:
            link_rows(route, pool, station[at, S_ROUTE_START], station[at, S_ROUTE_END])
    else:
        q = lanes + PRIVATE_QUEUES * place
        if item32[i, I_STATE] == UNNOTICED:
            q += 2
        if seize[program[item32[i, I_ASKED], P_A], Z_ABSENT] == ABSENT_WAIT:
            q += 1
        server[place, V_PRIVATE] += 1
    item32[i, I_QUEUE] = q
    enqueue(item64, item32, queue, item32, I_PREV, q, i)
    if group32.shape[1] > 0:
        k = -1
        if station[at, S_BATCH] > 1:
            first_key_queue = lanes + PRIVATE_QUEUES * server.shape[0]
            pc = item32[i, I_PC]
            topic = item32[i, I_TOPIC]
            k = find_key(keyed, bucket, place, at, pc, topic)
            if k < 0:
                k = add_key(register, keyed, bucket, queue, first_key_queue, place, at, pc, topic)
            enqueue(item64, item32, queue, group32, J_PREV, first_key_queue + k, i)
        group32[i, J_GROUP] = k


@inlined
def leave_queue(  # type: ignore[no-untyped-def]
    register, station, route, pool, server, item64, item32, group32, queue, keyed, bucket, levels, i
):
    """Take a request out of its queue and from among those that may ride together."""
    lanes = station.shape[0] * levels
    q = item32[i, I_QUEUE]
    dequeue(item64, item32, queue, item32, I_PREV, q, i)
    if q < lanes:
        at = q // levels
        count = station[at, S_WAITING] - 1
        station[at, S_WAITING] = count
        if count == 0:
            unlink_rows(route, pool, station[at, S_ROUTE_START], station[at, S_ROUTE_END])
    else:
        server[(q - lanes) // PRIVATE_QUEUES, V_PRIVATE] -= 1
    if group32.shape[1] > 0 and group32[i, J_GROUP] >= 0:
        k = group32[i, J_GROUP]
        g = lanes + PRIVATE_QUEUES * server.shape[0] + k
        dequeue(item64, item32, queue, group32, J_PREV, g, i)
        if queue[g, Q_HEAD] < 0 and queue[g, Q_ROOT] < 0:
            drop_key(register, keyed, bucket, k)


@inlined
def first_of_two(item64, item32, queue, q, r):  # type: ignore[no-untyped-def]
    """The item with the better rank of the first ones of two queues, or −1."""
    i = first_of(item64, item32, queue, q)
    j = first_of(item64, item32, queue, r)
    if i < 0 or (j >= 0 and goes_before(item64, item32, j, i)):
        return j
    return i


@inlined
def choose_work(station, route, pool, server, item64, item32, queue, levels, now, s):  # type: ignore[no-untyped-def]
    """The request that a server takes next: the best rank of its private ones and of the lanes that it may serve."""
    best = -1
    if server[s, V_PRIVATE] > 0:
        q = station.shape[0] * levels + PRIVATE_QUEUES * s
        best = first_of_two(item64, item32, queue, q, q + 1)
    skills = server[s, V_SKILLS]
    r = pool[server[s, V_POOL], O_ROWS]
    while r >= 0:
        at = route[r, R_STATION]
        need = station[at, S_NEED]
        if skills & need == need:
            age = route[r, R_AGE]
            for q in range(at * levels, (at + 1) * levels):
                j = first_of(item64, item32, queue, q)
                if (
                    j >= 0
                    and now - item64[j, I_REQUESTED] >= age
                    and (best < 0 or goes_before(item64, item32, j, best))
                ):
                    best = j
        r = route[r, R_NEXT]
    return best


# ── servers' slots ───────────────────────────────────────────────────────────────────────────────────────────────────


@inlined
def take_slot(server, pool, skill_class, idle, now, s, is_linked):  # type: ignore[no-untyped-def]
    """A server that is present takes one item more; ``is_linked`` : it stands in an idle list."""
    held = server[s, V_HELD]
    if is_linked:
        unlink_idle(server, pool, skill_class, idle, s)
    server[s, V_HELD] = held + 1
    server[s, V_CHANGED] = now
    server[s, V_SLOT_MS] -= now
    if held == 0:
        server[s, V_BUSY_MS] -= now
        server[s, V_BOTH_MS] -= now
    if is_linked and held + 1 < server[s, V_SLOTS]:
        link_idle(server, pool, skill_class, idle, s)


@inlined
def give_slot(server, pool, skill_class, idle, now, s):  # type: ignore[no-untyped-def]
    """A server gives an item back; it is in no idle list then, since it chooses work next."""
    held = server[s, V_HELD]
    if server[s, V_PRESENT] == 1 and held < server[s, V_SLOTS]:
        unlink_idle(server, pool, skill_class, idle, s)
    server[s, V_HELD] = held - 1
    server[s, V_CHANGED] = now
    server[s, V_SLOT_MS] += now
    if held == 1:
        server[s, V_BUSY_MS] += now
        if server[s, V_PRESENT] == 1:
            server[s, V_BOTH_MS] += now


# ── rows of the trace ────────────────────────────────────────────────────────────────────────────────────────────────


@inlined
def write_visit(  # type: ignore[no-untyped-def]
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
    row,
    now,
    end,
    program,
    seize,
    item64,
    item32,
    i,
):
    """A visit has ended: of the request that waits or rides, or of the innermost hold."""
    asked = item32[i, I_ASKED]
    level = item32[i, I_GRANT_LEVEL]
    visit_item[row] = item64[i, I_NUMBER]
    visit_station[row] = seize[program[asked, P_A], Z_STATION]
    visit_served_at[row] = item32[i, I_STATION]
    visit_server[row] = item32[i, I_SERVER]
    visit_requested[row] = item64[i, I_REQUESTED]
    visit_granted[row] = item64[i, I_GRANTED]
    visit_ended[row] = now
    visit_step[row] = program[asked, P_STEP]
    visit_level[row] = level if level >= 0 else item32[i, I_LEVEL]
    visit_end[row] = end


@inlined
def write_clock(  # type: ignore[no-untyped-def]
    register,
    clocked_item,
    clocked_started,
    clocked_ended,
    clocked_clock,
    clocked_end,
    clock_started,
    now,
    end,
    item64,
    item32,
    i,
    c,
):
    """A running clock has ended; it runs no more."""
    row = register[X_CLOCK_ROWS]
    clocked_item[row] = item64[i, I_NUMBER]
    clocked_started[row] = clock_started[i, c]
    clocked_ended[row] = now
    clocked_clock[row] = c
    clocked_end[row] = end
    register[X_CLOCK_ROWS] = row + 1
    item32[i, I_RUNNING] &= ~(1 << c)
