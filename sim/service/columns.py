"""Where the compiled engine keeps what: the arrays of its kernel, in the order of its arguments, and their columns.

Columns are plain integers, which Numba folds into the machine code. A missing value is −1, as in the tables.
"""

from __future__ import annotations

# program[pc]
P_OP, P_A, P_B, P_C, P_STEP, P_PURPOSE, P_SLOT, P_RING = range(8)
PROGRAM_COLUMNS = 8
"""An operation as in ``tables.Program``; ``P_RING`` : ring of its constant delay, or −1."""

OWN_WORK = -2
"""The constant duration, in a row of its own behind the others, that stands for the work which the item brings."""

# seize[row]
Z_STATION, Z_PATIENCE, Z_PATIENCE_PURPOSE, Z_ELSE, Z_PREFER, Z_ABSENT, Z_FALLBACK, Z_NOTICE, Z_NOTICE_PURPOSE = range(9)
Z_LAPSE, Z_PATIENCE_RING, Z_FALLBACK_RING, Z_NOTICE_RING = range(9, 13)
SEIZE_COLUMNS = 13

# station[s]; S_WAITING counts the requests in its shared lanes.
S_NEED, S_ROUTE_START, S_ROUTE_END, S_BATCH, S_WAITING = range(5)
STATION_COLUMNS = 5

# route[r]; R_NEXT and R_PREV chain the rows of a pool whose stations have somebody waiting.
R_POOL, R_AGE, R_STATION, R_RING, R_NEXT, R_PREV = range(6)
ROUTE_COLUMNS = 6

# pool[p]; O_FREE counts servers in its idle lists, O_ROWS heads the chain of route rows with somebody waiting.
O_FIRST_CLASS, O_LAST_CLASS, O_FREE, O_ROWS = range(4)
POOL_COLUMNS = 4

# skill_class[c]: servers of one pool with the same skills; one idle list for each number of items held.
K_SKILLS, K_FIRST_LIST, K_LISTS = range(3)
CLASS_COLUMNS = 3

# clock[c]
C_LIMIT, C_ACTION, C_ARG, C_RING = range(4)
CLOCK_COLUMNS = 4

# server[s]; V_NEXT and V_PREV chain its idle list, V_PRIVATE counts its private requests that wait.
V_POOL, V_SKILLS, V_SPEED, V_SLOTS, V_CLASS, V_PRESENT, V_HELD, V_CHANGED, V_NEXT, V_PREV, V_PRIVATE = range(11)
V_PRESENT_MS, V_BUSY_MS, V_BOTH_MS, V_SLOT_MS = range(11, 15)
"""Sums of (end − start) of presence, of holding, of both and of each item held; an open span lacks its end."""
SERVER_COLUMNS = 16

# item64[i]
I_NUMBER, I_CASE, I_KEY, I_ARRIVED, I_REQUESTED, I_GRANTED, I_PARENT_NUMBER, I_RANK_TIME = range(8)
ITEM64_COLUMNS = 8

# item32[i]. What I_ASKED (the pc of the seize) … I_FOLLOWERS and the two times above say is the request that waits or
# rides or, when there is none, the innermost hold; other holds are in ``outer``, reached by I_OUTER.
I_PC, I_LEVEL, I_KIND, I_HOME, I_TOPIC, I_OWNER, I_HELD, I_STATE = range(8)
I_ASKED, I_STATION, I_SERVER, I_GRANT_LEVEL, I_FOLLOWERS, I_OUTER, I_PLACE, I_LINK = range(8, 16)
I_QUEUE, I_PREV, I_NEXT, I_CHILD, I_PRIORITY, I_PARENT, I_TICKET, I_ROUTED = range(16, 24)
I_EXPIRED, I_RUNNING, I_WORK = range(24, 27)
ITEM32_COLUMNS = 27

# group32[i]: place of a waiting request among those that may ride together; without batches it has no columns.
J_PREV, J_NEXT, J_CHILD, J_GROUP = range(4)
GROUP32_COLUMNS = 4

# I_STATE
BUSY, WAITING, UNNOTICED, RIDING, AT_GATE = range(5)

# outer[h]: a hold that is not the innermost; H_NEXT leads further out (or along the free ones).
H_ASKED, H_STATION, H_SERVER, H_GRANT_LEVEL, H_FOLLOWERS, H_REQUESTED, H_GRANTED, H_NEXT = range(8)
OUTER_COLUMNS = 8

# queue[q]: shared lanes first (station × levels + level), then four for each server, then one for each key.
Q_HEAD, Q_TAIL, Q_ROOT = range(3)
QUEUE_COLUMNS = 3
PRIVATE_QUEUES = 4
"""Private queues of a server: noticed, route when absent · noticed, wait · unnoticed, route · unnoticed, wait."""

# keyed[k]: gates and groups of requests that may ride together, chained by hash (the free ones: by K_CHAIN too).
K_PLACE, K_WHERE, K_PC, K_TOPIC, K_CHAIN, K_OPEN = range(6)
KEYED_COLUMNS = 6
GATE_PLACE = -2
"""``K_PLACE`` of a gate; a group has −1 (shared lanes) or a server."""

# Events, in the heap and in the rings: time, (phase, entity, sub-index) in one integer, slot and ticket in another.
E_T, E_KEY, E_LOAD = range(3)
EVENT_COLUMNS = 3
PHASE_SHIFT, ENTITY_SHIFT, LOAD_SHIFT = 60, 7, 32

# ring[r]: a queue of events with one delay, in the G_SIZE places of ``ring_event`` from G_START on.
G_START, G_SIZE, G_HEAD, G_COUNT = range(4)
RING_COLUMNS = 4
MOST_RINGS = 12
RING_WALK = 16
"""An event that would have to pass more than this many others of its tick goes to the heap instead."""

# agenda: the state of the event machinery. A_HOLE: the heap's root was taken and not yet replaced.
A_EVENTS, A_HOLE, A_RING, A_RING_T, A_RING_KEY, A_FULL_RING = range(6)
AGENDA_COLUMNS = 6

# register: scalars that live between calls.
(
    X_NOW,
    X_CURRENT,
    X_READY_HEAD,
    X_READY_TAIL,
    X_LEADER,
    X_LEADER_LEFT,
    X_LEADER_TAIL,
    X_LEAVING,
    X_RIDERS,
    X_RIDERS_PC,
    X_OFFER,
    X_LOOSE,
    X_TO_OFFER,
    X_NUMBERED,
    X_OPEN,
    X_ITEM_MS,
    X_ITEMS,
    X_ITEM_SLOTS,
    X_FREE_ITEM,
    X_OUTERS,
    X_OUTER_SLOTS,
    X_FREE_OUTER,
    X_KEYS,
    X_KEY_SLOTS,
    X_FREE_KEY,
    X_ARRIVAL,
    X_MORE_ARRIVALS,
    X_WINDOW,
    X_VISITS,
    X_ENDED,
    X_CLOCK_ROWS,
    X_MARKS,
    X_LONGEST_ROUTE,
    X_LEVELS,
) = range(34)
REGISTERS = 34
"""Of ITEMS, OUTERS and KEYS that many are in use, in the first …_SLOTS places, the rest of which are chained free."""

NEVER = 1 << 62

# What the kernel says when it comes back.
DONE, NEEDS_ROOM, NEEDS_ARRIVALS = range(3)

VISIT_ROOM, ENDED_ROOM, CLOCK_ROOM, MARK_ROOM = 1, 1, 33, 1
"""Rows that one step of the kernel may write."""

ARGUMENTS: dict[str, tuple[str, int]] = {
    "until": ("int64", 0),
    "seed": ("int64", 0),
    "replication": ("int64", 0),
    "register": ("int64", 1),
    "agenda": ("int64", 1),
    "heap": ("int64", 2),
    "ring": ("int64", 2),
    "ring_event": ("int64", 2),
    "program": ("int64", 2),
    "share": ("float64", 1),
    "target": ("int32", 1),
    "seize": ("int64", 2),
    "station": ("int64", 2),
    "route": ("int64", 2),
    "pool": ("int64", 2),
    "skill_class": ("int64", 2),
    "idle": ("int32", 2),
    "lane_priority": ("int32", 2),
    "lane_head_start": ("int64", 2),
    "clock": ("int64", 2),
    "server": ("int64", 2),
    "slow": ("int64", 2),
    "constant": ("int64", 1),
    "span": ("int32", 2),
    "component": ("float64", 2),
    "knot": ("float64", 2),
    "gate_scope": ("int32", 1),
    "to_offer": ("int64", 1),
    "arrival_t": ("int64", 1),
    "arrival_pc": ("int32", 1),
    "arrival_kind": ("int32", 1),
    "arrival_level": ("int32", 1),
    "arrival_key": ("int64", 1),
    "arrival_home": ("int32", 1),
    "arrival_topic": ("int32", 1),
    "arrival_case": ("int64", 1),
    "arrival_work": ("int32", 1),
    "window_t": ("int64", 1),
    "window_key": ("int64", 1),
    "item64": ("int64", 2),
    "item32": ("int32", 2),
    "group32": ("int32", 2),
    "visit_count": ("int32", 2),
    "clock_started": ("int64", 2),
    "outer": ("int64", 2),
    "queue": ("int32", 2),
    "keyed": ("int32", 2),
    "bucket": ("int32", 1),
    "visit_item": ("int64", 1),
    "visit_station": ("int16", 1),
    "visit_served_at": ("int16", 1),
    "visit_server": ("int32", 1),
    "visit_requested": ("int64", 1),
    "visit_granted": ("int64", 1),
    "visit_ended": ("int64", 1),
    "visit_step": ("int16", 1),
    "visit_level": ("int8", 1),
    "visit_end": ("int8", 1),
    "ended_item": ("int64", 1),
    "ended_case": ("int64", 1),
    "ended_draw_key": ("int64", 1),
    "ended_arrived": ("int64", 1),
    "ended_ended": ("int64", 1),
    "ended_kind": ("int16", 1),
    "ended_topic": ("int32", 1),
    "ended_outcome": ("int8", 1),
    "clocked_item": ("int64", 1),
    "clocked_started": ("int64", 1),
    "clocked_ended": ("int64", 1),
    "clocked_clock": ("int16", 1),
    "clocked_end": ("int8", 1),
    "marked_item": ("int64", 1),
    "marked_t": ("int64", 1),
    "marked_moment": ("int16", 1),
}
"""Arguments of the kernel: type and number of dimensions. One fixed signature, compiled once per machine."""
