"""The compiled engine's ordered structures, in flat arrays: events, queues of requests, idle servers, keys.

Everything here is compiled by Numba as part of the kernel. Reference counting is off (``_nrt=False``): a call that
hands over an array otherwise counts references, which costs more than what most of these functions do.

None of the orders has two equal members, so a structure may be rebuilt in any way without changing what comes out.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from sim import draws
from sim.service.columns import (
    A_EVENTS,
    A_FULL_RING,
    A_HOLE,
    A_RING,
    A_RING_KEY,
    A_RING_T,
    E_KEY,
    E_LOAD,
    E_T,
    G_COUNT,
    G_HEAD,
    G_SIZE,
    G_START,
    I_NUMBER,
    I_PRIORITY,
    I_RANK_TIME,
    K_CHAIN,
    K_FIRST_LIST,
    K_LISTS,
    K_OPEN,
    K_PC,
    K_PLACE,
    K_SKILLS,
    K_TOPIC,
    K_WHERE,
    NEVER,
    O_FIRST_CLASS,
    O_FREE,
    O_LAST_CLASS,
    O_ROWS,
    Q_HEAD,
    Q_ROOT,
    Q_TAIL,
    R_NEXT,
    R_POOL,
    R_PREV,
    RING_WALK,
    V_CHANGED,
    V_CLASS,
    V_HELD,
    V_NEXT,
    V_POOL,
    V_PREV,
    X_FREE_KEY,
    X_KEY_SLOTS,
    X_KEYS,
)

IN_LIST = -2
"""Child link of a member of a queue's list; members of its heap have a child or −1."""

LIST_WALK = 8
"""A request that would have to pass more than this many others goes to the queue's heap instead of its list."""

OPTIONS: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}
compiled = njit(**OPTIONS)
inlined = njit(forceinline=True, **OPTIONS)


# ── events: a 4-ary heap, and rings for constant delays ──────────────────────────────────────────────────────────────


@inlined
def sift_down(heap, count, t, key, load):  # type: ignore[no-untyped-def]
    """Fill the vacant root of a heap of ``count`` places with an event."""
    place = 0
    child = 1
    while child < count:
        least = child
        least_t = heap[child, E_T]
        least_key = heap[child, E_KEY]
        last = min(child + 4, count)
        for other in range(child + 1, last):
            other_t = heap[other, E_T]
            if other_t <= least_t:
                other_key = heap[other, E_KEY]
                if other_t < least_t or other_key < least_key:
                    least = other
                    least_t = other_t
                    least_key = other_key
        if least_t > t or (least_t == t and least_key >= key):
            break
        heap[place, E_T] = least_t
        heap[place, E_KEY] = least_key
        heap[place, E_LOAD] = heap[least, E_LOAD]
        place = least
        child = 4 * place + 1
    heap[place, E_T] = t
    heap[place, E_KEY] = key
    heap[place, E_LOAD] = load


@inlined
def push_event(agenda, heap, t, key, load):  # type: ignore[no-untyped-def]
    """Put an event into the heap; the place of the event that is being executed is used first."""
    count = agenda[A_EVENTS]
    if agenda[A_HOLE] == 1:
        agenda[A_HOLE] = 0
        sift_down(heap, count, t, key, load)
        return
    agenda[A_EVENTS] = count + 1
    place = count
    while place > 0:
        parent = (place - 1) >> 2
        parent_t = heap[parent, E_T]
        parent_key = heap[parent, E_KEY]
        if parent_t < t or (parent_t == t and parent_key <= key):
            break
        heap[place, E_T] = parent_t
        heap[place, E_KEY] = parent_key
        heap[place, E_LOAD] = heap[parent, E_LOAD]
        place = parent
    heap[place, E_T] = t
    heap[place, E_KEY] = key
    heap[place, E_LOAD] = load


@compiled
def close_hole(agenda, heap):  # type: ignore[no-untyped-def]
    """Fill the root with the heap's last event."""
    count = agenda[A_EVENTS] - 1
    agenda[A_EVENTS] = count
    agenda[A_HOLE] = 0
    if count > 0:
        sift_down(heap, count, heap[count, E_T], heap[count, E_KEY], heap[count, E_LOAD])


@inlined
def _around(place, size):  # type: ignore[no-untyped-def]
    """A place in a ring, counted from its start, when that may lie one round further."""
    return place - size if place >= size else place


@inlined
def push_ring(agenda, ring, ring_event, r, t, key, load):  # type: ignore[no-untyped-def]
    """Put an event into a ring, in order; false if there is no room or too many would have to be passed."""
    count = ring[r, G_COUNT]
    size = ring[r, G_SIZE]
    if count == size:
        agenda[A_FULL_RING] = r
        return False
    start = ring[r, G_START]
    head = ring[r, G_HEAD]
    before = count
    while before > 0:
        last = start + _around(head + before - 1, size)
        last_t = ring_event[last, E_T]
        if last_t < t or (last_t == t and ring_event[last, E_KEY] <= key):
            break
        before -= 1
        if count - before > RING_WALK:
            return False
    for place in range(count, before, -1):
        to = start + _around(head + place, size)
        of = start + _around(head + place - 1, size)
        ring_event[to, E_T] = ring_event[of, E_T]
        ring_event[to, E_KEY] = ring_event[of, E_KEY]
        ring_event[to, E_LOAD] = ring_event[of, E_LOAD]
    place = start + _around(head + before, size)
    ring_event[place, E_T] = t
    ring_event[place, E_KEY] = key
    ring_event[place, E_LOAD] = load
    ring[r, G_COUNT] = count + 1
    if before == 0 and (t < agenda[A_RING_T] or (t == agenda[A_RING_T] and key < agenda[A_RING_KEY])):
        agenda[A_RING] = r
        agenda[A_RING_T] = t
        agenda[A_RING_KEY] = key
    return True


@inlined
def find_ring(agenda, ring, ring_event):  # type: ignore[no-untyped-def]
    """Note the ring whose first event is the least."""
    best = -1
    best_t = NEVER
    best_key = 0
    for r in range(ring.shape[0]):
        if ring[r, G_COUNT] > 0:
            place = ring[r, G_START] + ring[r, G_HEAD]
            t = ring_event[place, E_T]
            key = ring_event[place, E_KEY]
            if t < best_t or (t == best_t and key < best_key):
                best = r
                best_t = t
                best_key = key
    agenda[A_RING] = best
    agenda[A_RING_T] = best_t
    agenda[A_RING_KEY] = best_key


@inlined
def schedule_here(agenda, heap, ring, ring_event, r, t, key, load):  # type: ignore[no-untyped-def]
    """Schedule an event whose delay is that of ring ``r`` (−1: any delay)."""
    if r < 0 or not push_ring(agenda, ring, ring_event, r, t, key, load):
        push_event(agenda, heap, t, key, load)


@compiled
def schedule(agenda, heap, ring, ring_event, r, t, key, load):  # type: ignore[no-untyped-def]
    """``schedule_here`` as a call."""
    schedule_here(agenda, heap, ring, ring_event, r, t, key, load)


# ── queues: a sorted list for those who come in order, a pairing heap for the others ─────────────────────────────────


@inlined
def goes_before(item64, item32, i, j):  # type: ignore[no-untyped-def]
    """Whether the rank of item ``i`` is before that of item ``j``."""
    first, second = item32[i, I_PRIORITY], item32[j, I_PRIORITY]
    if first != second:
        return first < second
    early, late = item64[i, I_RANK_TIME], item64[j, I_RANK_TIME]
    if early != late:
        return early < late
    return item64[i, I_NUMBER] < item64[j, I_NUMBER]


@compiled
def _meld(item64, item32, link, column, a, b):  # type: ignore[no-untyped-def]
    """Join two pairing heaps by their roots; prev, next and child are at ``column`` … of ``link``."""
    if a < 0:
        return b
    if b < 0:
        return a
    if goes_before(item64, item32, b, a):
        a, b = b, a
    child = link[a, column + 2]
    link[b, column + 1] = child
    if child >= 0:
        link[child, column] = b
    link[b, column] = a
    link[a, column + 2] = b
    link[a, column] = -1
    link[a, column + 1] = -1
    return a


@compiled
def _join_children(item64, item32, link, column, first):  # type: ignore[no-untyped-def]
    """One heap of a row of siblings: pair them from the left, then join the pairs from the right."""
    stack = -1
    while first >= 0:
        a = first
        b = link[a, column + 1]
        first = -1
        link[a, column] = -1
        if b >= 0:
            first = link[b, column + 1]
            a = _meld(item64, item32, link, column, a, b)
        link[a, column + 1] = stack
        stack = a
    root = -1
    while stack >= 0:
        a = stack
        stack = link[a, column + 1]
        link[a, column + 1] = -1
        root = _meld(item64, item32, link, column, root, a)
    return root


@compiled
def _enqueue_within(item64, item32, queue, link, column, q, i):  # type: ignore[no-untyped-def]
    """Put an item that is neither first nor last in its place in the list if that is near the end, else in the heap."""
    j = queue[q, Q_TAIL]
    for _ in range(LIST_WALK):
        later = j
        j = link[j, column]
        if goes_before(item64, item32, j, i):
            link[i, column] = j
            link[i, column + 1] = later
            link[i, column + 2] = IN_LIST
            link[j, column + 1] = i
            link[later, column] = i
            return
    link[i, column] = -1
    link[i, column + 1] = -1
    link[i, column + 2] = -1
    queue[q, Q_ROOT] = _meld(item64, item32, link, column, queue[q, Q_ROOT], i)


@inlined
def enqueue(item64, item32, queue, link, column, q, i):  # type: ignore[no-untyped-def]
    """Put item ``i`` into queue ``q``."""
    tail = queue[q, Q_TAIL]
    if tail < 0:
        queue[q, Q_HEAD] = i
        queue[q, Q_TAIL] = i
        link[i, column] = -1
        link[i, column + 1] = -1
        link[i, column + 2] = IN_LIST
    elif goes_before(item64, item32, tail, i):
        queue[q, Q_TAIL] = i
        link[tail, column + 1] = i
        link[i, column] = tail
        link[i, column + 1] = -1
        link[i, column + 2] = IN_LIST
    elif goes_before(item64, item32, i, queue[q, Q_HEAD]):
        head = queue[q, Q_HEAD]
        queue[q, Q_HEAD] = i
        link[head, column] = i
        link[i, column] = -1
        link[i, column + 1] = head
        link[i, column + 2] = IN_LIST
    else:
        _enqueue_within(item64, item32, queue, link, column, q, i)


@compiled
def _leave_heap(item64, item32, queue, link, column, q, i):  # type: ignore[no-untyped-def]
    children = _join_children(item64, item32, link, column, link[i, column + 2])
    if queue[q, Q_ROOT] == i:
        queue[q, Q_ROOT] = children
        return
    prev = link[i, column]
    after = link[i, column + 1]
    if link[prev, column + 2] == i:
        link[prev, column + 2] = after
    else:
        link[prev, column + 1] = after
    if after >= 0:
        link[after, column] = prev
    queue[q, Q_ROOT] = _meld(item64, item32, link, column, queue[q, Q_ROOT], children)


@inlined
def dequeue(item64, item32, queue, link, column, q, i):  # type: ignore[no-untyped-def]
    """Take item ``i`` out of queue ``q``, wherever it stands."""
    if link[i, column + 2] == IN_LIST:
        prev = link[i, column]
        after = link[i, column + 1]
        if prev >= 0:
            link[prev, column + 1] = after
        else:
            queue[q, Q_HEAD] = after
        if after >= 0:
            link[after, column] = prev
        else:
            queue[q, Q_TAIL] = prev
    else:
        _leave_heap(item64, item32, queue, link, column, q, i)


@inlined
def first_of(item64, item32, queue, q):  # type: ignore[no-untyped-def]
    """The item with the best rank in queue ``q``, or −1."""
    head = queue[q, Q_HEAD]
    root = queue[q, Q_ROOT]
    if root < 0:
        return head
    if head < 0 or goes_before(item64, item32, root, head):
        return root
    return head


# ── idle servers: one list for each pool, set of skills and number held, the longest idle first ──────────────────────


@inlined
def link_idle(server, pool, skill_class, idle, s):  # type: ignore[no-untyped-def]
    """Put a server that can take work into its list; it belongs at the end, but for others of the same tick."""
    row = skill_class[server[s, V_CLASS], K_FIRST_LIST] + server[s, V_HELD]
    changed = server[s, V_CHANGED]
    prev = idle[row, 1]
    after = -1
    while prev >= 0 and (server[prev, V_CHANGED] > changed or (server[prev, V_CHANGED] == changed and prev > s)):
        after = prev
        prev = server[prev, V_PREV]
    server[s, V_PREV] = prev
    server[s, V_NEXT] = after
    if prev >= 0:
        server[prev, V_NEXT] = s
    else:
        idle[row, 0] = s
    if after >= 0:
        server[after, V_PREV] = s
    else:
        idle[row, 1] = s
    pool[server[s, V_POOL], O_FREE] += 1


@inlined
def unlink_idle(server, pool, skill_class, idle, s):  # type: ignore[no-untyped-def]
    """Take a server out of its list."""
    row = skill_class[server[s, V_CLASS], K_FIRST_LIST] + server[s, V_HELD]
    prev = server[s, V_PREV]
    after = server[s, V_NEXT]
    if prev >= 0:
        server[prev, V_NEXT] = after
    else:
        idle[row, 0] = after
    if after >= 0:
        server[after, V_PREV] = prev
    else:
        idle[row, 1] = prev
    pool[server[s, V_POOL], O_FREE] -= 1


@inlined
def choose_server(server, pool, skill_class, idle, p, need):  # type: ignore[no-untyped-def]
    """Who of pool ``p`` takes the work: fewest held, longest idle, least number; −1 when nobody can."""
    best = -1
    if pool[p, O_FREE] == 0:
        return best
    best_held = 0
    best_changed = 0
    for c in range(pool[p, O_FIRST_CLASS], pool[p, O_LAST_CLASS]):
        if skill_class[c, K_SKILLS] & need != need:
            continue
        row = skill_class[c, K_FIRST_LIST]
        for held in range(skill_class[c, K_LISTS]):
            s = idle[row + held, 0]
            if s >= 0:
                changed = server[s, V_CHANGED]
                if (
                    best < 0
                    or held < best_held
                    or (held == best_held and (changed < best_changed or (changed == best_changed and s < best)))
                ):
                    best = s
                    best_held = held
                    best_changed = changed
                break
    return best


# ── who has somebody waiting: for each pool, a chain of the route rows of such stations ──────────────────────────────


@compiled
def link_rows(route, pool, first, last):  # type: ignore[no-untyped-def]
    """Tell the pools of a route that its station has somebody waiting."""
    for r in range(first, last):
        p = route[r, R_POOL]
        after = pool[p, O_ROWS]
        route[r, R_NEXT] = after
        route[r, R_PREV] = -1
        if after >= 0:
            route[after, R_PREV] = r
        pool[p, O_ROWS] = r


@compiled
def unlink_rows(route, pool, first, last):  # type: ignore[no-untyped-def]
    """Tell the pools of a route that nobody waits there any more."""
    for r in range(first, last):
        prev = route[r, R_PREV]
        after = route[r, R_NEXT]
        if prev >= 0:
            route[prev, R_NEXT] = after
        else:
            pool[route[r, R_POOL], O_ROWS] = after
        if after >= 0:
            route[after, R_PREV] = prev


# ── keys: gates and groups, found by hash ────────────────────────────────────────────────────────────────────────────


@inlined
def hashed(place, where, pc, topic):  # type: ignore[no-untyped-def]
    """A 31-bit hash of a key; works on integers and on int64 arrays alike."""
    x = place * 0x1656667B19E3779F + where * 0x27D4EB2F165667C5 + pc * 0x165667919E3779B1 + topic * 0x1E3779B97F4A7C15
    x = (x ^ ((x >> 32) & 0xFFFFFFFF)) * 0x2545F4914F6CDD1D
    return (x >> 33) & 0x7FFFFFFF


@compiled
def find_key(keyed, bucket, place, where, pc, topic):  # type: ignore[no-untyped-def]
    """The entry of a key, or −1."""
    k = bucket[hashed(place, where, pc, topic) & (bucket.size - 1)]
    while k >= 0:
        if (
            keyed[k, K_PC] == pc
            and keyed[k, K_TOPIC] == topic
            and keyed[k, K_WHERE] == where
            and keyed[k, K_PLACE] == place
        ):
            return k
        k = keyed[k, K_CHAIN]
    return k


@compiled
def add_key(register, keyed, bucket, queue, first_queue, place, where, pc, topic):  # type: ignore[no-untyped-def]
    """A new entry with an empty queue for a key that has none."""
    k = register[X_FREE_KEY]
    if k >= 0:
        register[X_FREE_KEY] = keyed[k, K_CHAIN]
    else:
        k = register[X_KEY_SLOTS]
        register[X_KEY_SLOTS] = k + 1
    register[X_KEYS] += 1
    b = hashed(place, where, pc, topic) & (bucket.size - 1)
    keyed[k, K_PLACE] = place
    keyed[k, K_WHERE] = where
    keyed[k, K_PC] = pc
    keyed[k, K_TOPIC] = topic
    keyed[k, K_OPEN] = 0
    keyed[k, K_CHAIN] = bucket[b]
    bucket[b] = k
    queue[first_queue + k, Q_HEAD] = -1
    queue[first_queue + k, Q_TAIL] = -1
    queue[first_queue + k, Q_ROOT] = -1
    return k


@compiled
def drop_key(register, keyed, bucket, k):  # type: ignore[no-untyped-def]
    """Forget an entry whose queue is empty."""
    b = hashed(keyed[k, K_PLACE], keyed[k, K_WHERE], keyed[k, K_PC], keyed[k, K_TOPIC]) & (bucket.size - 1)
    other = bucket[b]
    if other == k:
        bucket[b] = keyed[k, K_CHAIN]
    else:
        while keyed[other, K_CHAIN] != k:
            other = keyed[other, K_CHAIN]
        keyed[other, K_CHAIN] = keyed[k, K_CHAIN]
    keyed[k, K_CHAIN] = register[X_FREE_KEY]
    register[X_FREE_KEY] = k
    register[X_KEYS] -= 1


# ── draws, as calls that count no references ─────────────────────────────────────────────────────────────────────────


@compiled
def draw_duration(seed, replication, key, purpose, visit, dist, span, component, knot):  # type: ignore[no-untyped-def]
    """``draws.duration_ms`` for the kernel."""
    u = draws.uniform(seed, replication, key, purpose, visit)
    return draws.duration_from_uniform(u, dist, span, component, knot)
