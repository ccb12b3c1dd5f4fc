"""Room for the compiled engine: arrays that grow, events that no longer matter swept out, rows of the trace kept.

The kernel never writes beyond an array: it comes back before that could happen, and what is here makes room.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.service import columns as at
from sim.service.orders import hashed
from sim.service.rules import SUB_FALLBACK, SUB_NOTICE, Phase
from sim.service.tables import NONE, table

T = TypeVar("T")

FIRST_ITEMS, FIRST_EVENTS, FIRST_RING, FIRST_HOLDS, FIRST_KEYS = 256, 1024, 64, 16, 16
"""First sizes of the arrays; that of keys is a power of two."""

FIRST_ROWS, MOST_ROWS = 1 << 10, 1 << 18
"""Rows of the first and of the largest block of a trace table."""

LIVE_BLOCK = 1 << 16
"""So many events are looked at together, lest the looking take more memory than the events."""

SAMPLE = 1 << 12
"""About so many events tell whether it pays to look at all."""

MOSTLY = 0.75
"""Events are swept when less than this share of them matters."""

SLOW_GROWTH = 1 << 16
"""From so many rows on, an array grows by an eighth instead of to its double."""


def grow(array: NDArray[Any]) -> None:
    """Give an array more rows, of 0, in place: a large one is not copied but mapped anew."""
    rows = array.shape[0]
    array.resize((_more(rows), *array.shape[1:]), refcheck=False)


def _more(rows: int) -> int:
    return rows + (rows if rows < SLOW_GROWTH else rows // 8)


class Rows(Generic[T]):
    """One table of the trace: full blocks, and the block that the kernel writes into.

    Parameters
    ----------
    kind : the table's type.
    prefix : of the names of its columns among the kernel's arguments.
    register : number of the register that counts rows in the present block.
    room : rows that one step of the kernel may write.
    array : the kernel's arguments by name.
    """

    def __init__(self, kind: type[T], prefix: str, register: int, room: int, array: dict[str, Any]) -> None:
        self.kind, self.register, self.room, self.array = kind, register, room, array
        self.names = {name: f"{prefix}_{name}" for name in vars(table(kind, []))}
        self.full: dict[str, list[NDArray[Any]]] = {name: [] for name in self.names}
        self.size = FIRST_ROWS
        self._new_block()

    def _new_block(self) -> None:
        for name in self.names.values():
            self.array[name] = np.empty(self.size, dtype=at.ARGUMENTS[name][0])
        self.array["register"][self.register] = 0

    def make_room(self) -> None:
        """Put the present block aside if the next step might not fit into it."""
        written = int(self.array["register"][self.register])
        if self.size - written < self.room:
            for column, name in self.names.items():
                self.full[column].append(self.array[name][:written])
            self.size = min(2 * self.size, MOST_ROWS)
            self._new_block()

    def take(self) -> T:
        """All rows, which are forgotten here. Columns are joined one by one, so that little is held twice."""
        written = int(self.array["register"][self.register])
        taken: dict[str, NDArray[Any]] = {}
        for column, name in self.names.items():
            blocks = self.full[column]
            blocks.append(self.array[name][:written])
            taken[column] = np.concatenate(blocks)
            blocks.clear()
        self.array["register"][self.register] = 0
        return self.kind(**taken)


def _live(a: dict[str, Any], events: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which events still matter; the others would do nothing when their time comes."""
    blocks = [_live_block(a, events[first : first + LIVE_BLOCK]) for first in range(0, events.shape[0], LIVE_BLOCK)]
    return np.concatenate([np.zeros(0, dtype=np.bool_), *blocks])


def _live_block(a: dict[str, Any], events: NDArray[np.int64]) -> NDArray[np.bool_]:
    item32 = a["item32"]
    t, key, load = events[:, at.E_T], events[:, at.E_KEY], events[:, at.E_LOAD]
    phase = key >> at.PHASE_SHIFT
    number = (key >> at.ENTITY_SHIFT) & ((1 << (at.PHASE_SHIFT - at.ENTITY_SHIFT)) - 1)
    sub = key & ((1 << at.ENTITY_SHIFT) - 1)
    slot, ticket = load & ((1 << at.LOAD_SHIFT) - 1), load >> at.LOAD_SHIFT
    state = item32[slot, at.I_STATE]
    same_item = a["item64"][slot, at.I_NUMBER] == number
    same_request = same_item & (item32[slot, at.I_TICKET] == ticket)
    waits = (state == at.WAITING) | (state == at.UNNOTICED)
    live = (phase == Phase.STEP) | (phase == Phase.ARRIVE)
    live |= (phase == Phase.PATIENCE) & same_request & waits
    rule = phase == Phase.RULE
    live |= rule & (sub == SUB_NOTICE) & same_request & (state == at.UNNOTICED)
    live |= rule & (sub == SUB_FALLBACK) & same_request & waits & (item32[slot, at.I_PLACE] >= 0)
    reaches_age = rule & (sub > SUB_NOTICE) & (sub < SUB_FALLBACK)
    live |= reaches_age & same_item & (state == at.WAITING) & (item32[slot, at.I_ROUTED] == ticket)
    clocks = a["clock"].shape[0]
    if clocks:
        clock = np.minimum(sub, clocks - 1)
        runs = (item32[slot, at.I_RUNNING] >> clock) & 1 == 1
        due = a["clock_started"][slot, clock] + a["clock"][clock, at.C_LIMIT] == t
        live |= rule & (sub < SUB_NOTICE) & same_item & runs & due
    return live


def _mostly_live(a: dict[str, Any], events: NDArray[np.int64]) -> bool:
    """Whether sweeping them would hardly make room."""
    sample = events[:: max(1, events.shape[0] // SAMPLE)]
    return not sample.size or float(_live(a, sample).mean()) >= MOSTLY


def make_heap_room(a: dict[str, Any], room: int) -> None:
    """Drop the heap's dead events, if they are many, or make it larger. A sorted array is a heap."""
    heap, agenda = a["heap"], a["agenda"]
    events = heap[: agenda[at.A_EVENTS]]
    if not _mostly_live(a, events):
        kept = events[_live(a, events)]
        agenda[at.A_EVENTS] = kept.shape[0]
        heap[: kept.shape[0]] = kept[np.lexsort((kept[:, at.E_KEY], kept[:, at.E_T]))]
    while heap.shape[0] - agenda[at.A_EVENTS] < room:
        grow(heap)


def add_ring_room(a: dict[str, Any]) -> None:
    """Drop dead events of the ring that was full; if they were few, make it larger and push those behind it back."""
    ring, events, agenda = a["ring"], a["ring_event"], a["agenda"]
    full = int(agenda[at.A_FULL_RING])
    agenda[at.A_FULL_RING] = NONE
    start, size, head = (int(ring[full, c]) for c in (at.G_START, at.G_SIZE, at.G_HEAD))
    kept = np.roll(events[start : start + size], -head, axis=0)[: ring[full, at.G_COUNT]]
    if _mostly_live(a, kept):
        more = _more(size) - size
        events.resize((events.shape[0] + more, at.EVENT_COLUMNS), refcheck=False)
        for r in range(ring.shape[0] - 1, full, -1):
            first, last = ring[r, at.G_START], ring[r, at.G_START] + ring[r, at.G_SIZE]
            events[first + more : last + more] = events[first:last]
            ring[r, at.G_START] += more
        ring[full, at.G_SIZE] += more
    else:
        kept = kept[_live(a, kept)]
    events[start : start + kept.shape[0]] = kept
    ring[full, at.G_HEAD] = 0
    ring[full, at.G_COUNT] = kept.shape[0]
    used = np.flatnonzero(ring[:, at.G_COUNT]).tolist()
    heads = [(*events[ring[r, at.G_START] + ring[r, at.G_HEAD], : at.E_LOAD].tolist(), r) for r in used]
    agenda[[at.A_RING_T, at.A_RING_KEY, at.A_RING]] = min(heads, default=(at.NEVER, 0, NONE))


def chain_keys(a: dict[str, Any]) -> NDArray[np.int32]:
    """Hash the keys in use into new buckets, at least as many as there is room for keys (a power of two).

    When the keys run out, the first places are all in use.
    """
    keyed = a["keyed"]
    buckets = 1 << (keyed.shape[0] - 1).bit_length()
    used = int(a["register"][at.X_KEYS])
    key = keyed[:used, : at.K_CHAIN].astype(np.int64)
    place = hashed.py_func(*(key[:, c] for c in (at.K_PLACE, at.K_WHERE, at.K_PC, at.K_TOPIC))) & (buckets - 1)
    order = np.argsort(place, kind="stable")
    same = np.append(place[order][1:] == place[order][:-1], False)[:used]
    keyed[order, at.K_CHAIN] = np.where(same, np.roll(order, -1), NONE)
    bucket = np.full(buckets, NONE, dtype=np.int32)
    first = np.append(True, place[order][1:] != place[order][:-1])[:used]
    bucket[place[order][first]] = order[first]
    return bucket
