"""What the tables mean: the rules that both engines obey, to the last tie.

An engine is a machine that pops the least event ``(t, phase, entity, sub-index)``, lets the item concerned run its
program until it blocks, then lets every item that was granted something meanwhile run, first in first out, and only
then pops the next event. Everything below is part of the contract; the agreement tests hold both engines to it.

**Events.** A call ``run(until)`` executes events with t < until. Phases within a tick are those of ``Phase``. The
entity is the server's number for LEAVE and ENTER and the item's number otherwise. An event that is created for the
present tick in an earlier phase than the one being executed is simply the least event now: phases order events that
exist together, they are no barriers.

**Item numbers.** Items are numbered from 0 over the whole run: an arrival when it is executed, a spawned item when
it is spawned. In phase ARRIVE, the arrivals of the table come first, in table order, then spawned items by number.

**Running.** A granted item continues after the current one blocks. An item served at once does not pause. WAIT and
WORK always pause, for 0 ms too.

**Request.** A seize fixes the request time, draws patience (always, if it has one) and makes one visit, which ends with
the release of the server or with leaving. The request time survives every move between queues.

1. *Preferred server* (owner or home). If there is one and it has the station's skills:

   - absent and ``if_absent`` is ROUTE: the request goes to the route at once;
   - otherwise the request is *private* to that server. With a notice (drawn above 0 ms) it is *unnoticed* until then;
     without, it is granted at once if the server is present and has a free slot. ``fallback_ms`` after the request
     (0: in this tick, by its own event) it moves to the station's route, if still waiting;
   - when the preferred server leaves (LEAVE), its private requests whose ``if_absent`` is ROUTE move to their
     routes, in rank order, noticed or not.

   An unnoticed request cannot be granted by itself; when it is noticed and the server is present with a free slot,
   it is granted at once (nothing that could go before it waits).
2. *Route*: pools in order whose age ≤ time waited (inclusive), the first that has a suitable server. If none has,
   the request waits in the lane [station, level]; when its wait reaches the age of a later pool, that pool is tried.

**Rank** of a waiting request: (priority of the lane, request time − head start of the lane, item number).

**Choice of server** in a pool: present, a free slot, the station's skills; fewest items held, longest since it last
got, gave or came on, number.

**Choice of work** for a server with a free slot (after giving, after coming on): the best rank among its private
noticed requests and the shared lanes of all stations that route to its pool, whose skills it has, and whose head has
waited at least the pool's age. Repeated while slots are free. Private requests compete by rank, without precedence.

**Batches.** At a station with ``batch_limit`` > 1 the granted request (the lead) takes along, in rank order, up to the
limit, the requests that wait at the same seize of the same program for the same station with the same topic, and in
the same place: the shared lanes (whatever their age on the route), or the same server's private requests (noticed or
not). They ride: one slot, one duration, one end. When the lead releases, or ends, they continue where the lead
then stands (after the release; at the end), in rank order, before anybody whom the freed server is granted.

**Work** lasts ``work_duration(draw, slow, speed)``, fixed when it starts, slow being that of the number of items which
the server now holds, this one included. The server is the one seized last and not yet released. In place of the draw, a
WORK without a distribution takes the work that the item brings (``work_ms``; 0 if it brings none).

**Shift end.** LEAVE comes before STEP: nobody takes new work at the instant a shift ends; what is held is finished.

**Patience** runs from the request and survives moves. PATIENCE comes after STEP and RULE: who is granted in the
tick in which patience ends is served. If the seize lapses at a time of day, patience ends at the next such time
strictly after the request (``next_lapse``) or when the drawn patience ends, whichever comes first; without a drawn
patience, at the lapse. In all else a lapse is the end of patience.

**Clocks.** A clock that runs out is written, its *expired* flag set, and acts: RAISE sets the item's level (and the
rank, if it waits; it stays in its place, private or shared), JUMP moves a *waiting* item (private or shared, not
one at a gate) to the shared lane of the named station, at its level, where it tries the route at its true age; when
granted it goes on behind its seize as usual. RECORD does no more. Starting a clock clears the flag; starting a running
clock restarts it; stopping leaves the flag.

**Topics** are compared and no more, but for two places that read them as ``sim.service.topics`` writes them: a gate for
an incident, and BRANCH_TOPIC, taken when the cause is the one asked for, or when the topic is part of an incident. An
item without topic never takes it.

**Gates** are opened for a key: the whole run, a topic, a home server, or an incident (topic >> 11: cause and number, in
all communities alike). Items without topic or home share the key −1. Waiters of the key continue in item order. A gate
that stays open lets later items pass without pause.

**Spawned items** inherit case, topic, home server, owner, level and own work; their draw key derives from the parent's.
They arrive in phase ARRIVE of the tick, or of a later one when the spawn has a delay. BRANCH_PARENT is taken while
the item that spawned this one is in the system.

**End** releases held servers in reverse order, then ends running clocks in the order of their numbers, then writes
the item.

**Queue length** for a branch: requests waiting in the station's shared lanes, all levels; private ones do not count.

**Draws** of an operation: (draw key, hash of the step's name, how many times the item executed this operation before);
WAIT, WORK, SEIZE, BRANCH_SHARE and SPAWN draw and therefore count; a WORK that draws nothing counts all the same.

**Between calls** the world may append arrivals and windows that begin at or after the time reached, and change shares,
speeds and skills. A change of skills lets the servers concerned choose work, in order of number, at the start
of the next call, at the time reached. Skills are asked for when a request is made and when shared work is chosen; a
private request that already waits stays with its server, whatever that one has forgotten meanwhile.

**Nothing** pre-empts. Cycles of operations that take no time are refused when the tables are built.
"""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """Order of events within a millisecond."""

    LEAVE = 0
    ENTER = 1
    STEP = 2
    RULE = 3
    PATIENCE = 4
    ARRIVE = 5


MAX_CLOCKS = 32
"""Clocks in a scenario: their numbers come first among the sub-indices of RULE events."""

SUB_NOTICE = MAX_CLOCKS
SUB_ROUTE = MAX_CLOCKS + 1
"""Sub-index of the event for the first pool of a route; later pools follow."""

MAX_ROUTE = 64
SUB_FALLBACK = SUB_ROUTE + MAX_ROUTE

DAY = 86_400_000
"""Milliseconds of a day; the first begins at time 0."""


def rank(priority: int, requested: int, head_start: int, item: int) -> tuple[int, int, int]:
    """Place of a waiting request; smaller goes first."""
    return priority, requested - head_start, item


def server_order(held: int, last_change: int, server: int) -> tuple[int, int, int]:
    """Order in which suitable servers of one pool are chosen; smaller goes first."""
    return held, last_change, server


def work_duration(draw: int, slow_pm: int, speed_pm: int) -> int:
    """Length of work in ms: the draw, stretched by the slow-down and divided by the pace, rounded half up."""
    return (draw * slow_pm + speed_pm // 2) // speed_pm


def next_lapse(requested: int, lapse_at_ms: int) -> int:
    """When a request lapses: the first time after it at which the day is so many ms old."""
    lapse = requested - requested % DAY + lapse_at_ms
    return lapse if lapse > requested else lapse + DAY
