"""A call centre in a page: first come first served, with patience, presence and work after the call.

Written apart from the engines, in plain Python and for reading, so that a generated log has an origin of which
everything is known and nothing is shared with what is tested on it. It is no third engine: it knows one queue.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from calibration.logs import NONE

_LEAVE, _ENTER, _FREE, _PATIENCE, _ARRIVE = range(5)  # what comes first when moments coincide


@dataclass(frozen=True)
class Caller:
    """What somebody brings along; times in milliseconds.

    ``after_ms`` is work that its server has left when the caller is gone; ``own_work_ms`` is what the server then
    does of its own accord if nobody waits (0 for nothing).
    """

    arrived_ms: int
    kind: str
    service_ms: int
    patience_ms: int
    head_start_ms: int = 0
    after_ms: int = 0
    own_work_ms: int = 0


@dataclass(frozen=True)
class Window:
    """One server's presence."""

    server: str
    from_ms: int
    until_ms: int


@dataclass(frozen=True)
class Visit:
    """What became of a caller (``caller`` is its place in the list), or of a server's own work (``caller`` is −1)."""

    caller: int
    queued_until_ms: int
    served_from_ms: int
    served_until_ms: int
    server: str


def serve(callers: Sequence[Caller], windows: Sequence[Window]) -> list[Visit]:
    """Let the callers through: who waits longest (head start included) is next, and the longest idle server takes them.

    A server whose window ends finishes what it has. Nobody waits for ever: whoever is not served leaves at the end of
    their patience.
    """
    events: list[tuple[int, int, int]] = [(caller.arrived_ms, _ARRIVE, n) for n, caller in enumerate(callers)]
    for n, window in enumerate(windows):
        events += [(window.from_ms, _ENTER, n), (window.until_ms, _LEAVE, n)]
    heapq.heapify(events)
    names = sorted({window.server for window in windows})
    number = {name: n for n, name in enumerate(names)}
    present = [False] * len(names)
    busy = [False] * len(names)
    idle_since = [0] * len(names)
    pending_own_work = [0] * len(names)
    queue: list[tuple[int, int]] = []
    waiting: set[int] = set()
    visits: list[Visit] = []

    def occupy(server: int, now: int, length: int, after: int) -> None:
        busy[server] = True
        heapq.heappush(events, (now + length + after, _FREE, server))

    def dispatch(now: int) -> None:
        while waiting:
            free = [n for n in range(len(names)) if present[n] and not busy[n]]
            if not free:
                return
            server = min(free, key=lambda n: (idle_since[n], n))
            _, who = heapq.heappop(queue)
            if who not in waiting:
                continue
            waiting.discard(who)
            caller = callers[who]
            visits.append(Visit(who, now, now, now + caller.service_ms, names[server]))
            pending_own_work[server] = caller.own_work_ms
            occupy(server, now, caller.service_ms, caller.after_ms)

    while events:
        now, phase, who = heapq.heappop(events)
        if phase == _LEAVE:
            present[number[windows[who].server]] = False
        elif phase == _ENTER:
            server = number[windows[who].server]
            present[server], idle_since[server] = True, now
        elif phase == _FREE:
            busy[who], idle_since[who] = False, now
            if pending_own_work[who] and present[who] and not waiting:
                visits.append(Visit(NONE, NONE, now, now + pending_own_work[who], names[who]))
                occupy(who, now, pending_own_work[who], 0)
            pending_own_work[who] = 0
        elif phase == _PATIENCE:
            if who in waiting:
                waiting.discard(who)
                visits.append(Visit(who, now, NONE, NONE, ""))
        else:
            caller = callers[who]
            waiting.add(who)
            heapq.heappush(queue, (caller.arrived_ms - caller.head_start_ms, who))
            heapq.heappush(events, (now + caller.patience_ms, _PATIENCE, who))
        dispatch(now)
    return visits
