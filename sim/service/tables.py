"""The contract between a scenario and the engines: flat tables in, flat traces out.

Both engines know nothing but what stands here. Every table is a group of equally long NumPy columns; a missing
value is −1 everywhere (``NONE``). Times and durations are int64 milliseconds from the scenario's first midnight.
What the tables *mean* (order of events, choice of work and server) is written in ``sim.service.rules``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")

NONE = -1
MAX_HELD = 4
"""An item holds at most this many servers at once (an agent who consults a supplier who …)."""

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]


class Op(IntEnum):
    """Operations of a journey's program. Columns ``a``, ``b``, ``c`` of ``Program`` by operation:

    =============  =========================  ===========================  =====================
    operation      a                          b                            c
    =============  =========================  ===========================  =====================
    WAIT           duration                   –                            –
    SEIZE          row of ``Seizes``          –                            –
    WORK           duration                   –                            –
    RELEASE        –                          –                            –
    BRANCH_SHARE   first row of ``Choices``   number of rows               –
    BRANCH_QUEUE   station                    queue length, at least       target pc
    BRANCH_CLOCK   clock (expired?)           –                            target pc
    BRANCH_PARENT  –                          –                            target pc
    LEVEL          level                      –                            –
    CLOCK_START    clock                      –                            –
    CLOCK_STOP     clock                      –                            –
    OWN            –                          –                            –
    SPAWN          entry pc                   kind                         delay duration or −1
    GATE_WAIT      gate                       –                            –
    GATE_OPEN      gate                       1: stays open, 0: one pulse  –
    MARK           moment                     –                            –
    GOTO           –                          –                            target pc
    END            ``Outcome``                –                            –
    BRANCH_TOPIC   ``TopicField``             value (of CAUSE)             target pc
    =============  =========================  ===========================  =====================

    WORK with duration −1 lasts as long as the work that the item brings.
    """

    WAIT = 0
    SEIZE = 1
    WORK = 2
    RELEASE = 3
    BRANCH_SHARE = 4
    BRANCH_QUEUE = 5
    BRANCH_CLOCK = 6
    BRANCH_PARENT = 7
    LEVEL = 8
    CLOCK_START = 9
    CLOCK_STOP = 10
    OWN = 11
    SPAWN = 12
    GATE_WAIT = 13
    GATE_OPEN = 14
    MARK = 15
    GOTO = 16
    END = 17
    BRANCH_TOPIC = 18


class TopicField(IntEnum):
    """What a branch asks of a topic (``sim.service.topics``): its cause, or whether it is part of an incident."""

    CAUSE = 0
    INCIDENT = 1


class Prefer(IntEnum):
    """Whom a seize asks first."""

    ROUTE = 0
    OWNER = 1
    HOME = 2


class IfAbsent(IntEnum):
    """What a seize does while the preferred server is absent."""

    ROUTE = 0
    WAIT = 1


class GateScope(IntEnum):
    """For whom a gate is opened: everybody, one topic, the items of one home server, or one incident (cause and number
    of the topic, in all communities)."""

    RUN = 0
    TOPIC = 1
    HOME = 2
    INCIDENT = 3


class ClockAction(IntEnum):
    """What happens to a *waiting* item when its clock runs out; ``arg`` is a level or a station."""

    RECORD = 0
    RAISE = 1
    JUMP = 2


class Outcome(IntEnum):
    """How an item ended."""

    OPEN = -1
    SOLVED = 0
    UNSOLVED = 1
    ABANDONED = 2
    CONTAINED = 3
    BLOCKED = 4
    DONE = 5


class VisitEnd(IntEnum):
    """How a visit to a station ended; ``OPEN`` rows appear only in the report of what is still there."""

    OPEN = -1
    SERVED = 0
    RODE_ALONG = 1
    ABANDONED = 2


class ClockEnd(IntEnum):
    """How a service clock ended: stopped in time, ran out, restarted before its time, or the item ended first."""

    OPEN = -1
    KEPT = 0
    EXPIRED = 1
    RESTARTED = 2
    ITEM_ENDED = 3


@dataclass(frozen=True)
class Program:
    """Operations of all journeys, one after the other.

    ``op`` : int32, ``Op``. ``a``, ``b``, ``c`` : int32, see ``Op``. ``step`` : int32, index of the step's name.
    ``purpose`` : int64 (0 … 2³²−1), hash of the step's name, for the draw of the operation.
    ``visit_slot`` : int32, place of the item's counter of this operation, −1 when it cannot be reached twice.
    """

    op: Int32
    a: Int32
    b: Int32
    c: Int32
    step: Int32
    purpose: Int64
    visit_slot: Int32


@dataclass(frozen=True)
class Choices:
    """Outcomes of a branch by share: taken when the uniform is below ``cumulative_share``; none: the next pc."""

    cumulative_share: Float64
    target: Int32


@dataclass(frozen=True)
class Seizes:
    """Requests for a server.

    ``station`` : int32. ``patience`` : int32 duration or −1 (waits for ever). ``patience_purpose`` : int64.
    ``else_pc`` : int32, where the impatient go, or −1 when nobody is. ``prefer`` : int32, ``Prefer``.
    ``if_absent`` : int32, ``IfAbsent``. ``fallback_ms`` : int64, wait after which a request to a preferred server
    moves to the station's route, or −1 (never). ``notice`` : int32 duration until the preferred server notices the
    request, or −1 (at once). ``notice_purpose`` : int64. ``lapse_at_ms`` : int64, time of the day (0 … 86,399,999) at
    which patience ends in any case, or −1.
    """

    station: Int32
    patience: Int32
    patience_purpose: Int64
    else_pc: Int32
    prefer: Int32
    if_absent: Int32
    fallback_ms: Int64
    notice: Int32
    notice_purpose: Int64
    lapse_at_ms: Int64


@dataclass(frozen=True)
class Stations:
    """Stations: ``need_mask`` int64 bits of skills that a server must have; ``route_start``, ``route_end`` int32
    rows of ``Routes``; ``batch_limit`` int32, most items that one service takes (1: no batches)."""

    need_mask: Int64
    route_start: Int32
    route_end: Int32
    batch_limit: Int32


@dataclass(frozen=True)
class Routes:
    """Pools that serve a station, in order of preference, ages not falling: ``pool`` int32, ``age_ms`` int64 wait
    from which the pool may serve. A pool stands in one station's route at most once."""

    pool: Int32
    age_ms: Int64


@dataclass(frozen=True)
class Lanes:
    """Queue discipline, shape (stations, levels): ``priority`` int32, smaller first; ``head_start_ms`` int64."""

    priority: NDArray[np.int32]
    head_start_ms: NDArray[np.int64]


@dataclass(frozen=True)
class Clocks:
    """Service clocks: ``limit_ms`` int64; ``action`` int32, ``ClockAction``; ``arg`` int32, level or station."""

    limit_ms: Int64
    action: Int32
    arg: Int32


@dataclass(frozen=True)
class Servers:
    """Individuals: ``pool`` int32; ``skills`` int64 bits; ``speed_pm`` int64, pace in thousandths (1000: normal,
    1250: a quarter faster); ``slots`` int32, items that can be held at once."""

    pool: Int32
    skills: Int64
    speed_pm: Int64
    slots: Int32


@dataclass(frozen=True)
class Durations:
    """Distributions, each a span of components (a mixture; one component is the ordinary case).

    ``span`` : int32 (distributions, 2), first row and number of rows in ``component``.
    ``component`` : float64 (rows, 6): cumulative share; family; p0; p1; lowest and highest probability (truncation).

    ===========  ==================  ===================
    family       p0                  p1
    ===========  ==================  ===================
    CONSTANT     value, ms           –
    EXPONENTIAL  mean, ms            –
    LOGNORMAL    mean of log(ms)     sd of log(ms)
    WEIBULL      scale, ms           1 / shape
    GAMMA        first row of knot   number of knots
    EMPIRICAL    first row of knot   number of knots
    ===========  ==================  ===================

    ``knot`` : float64 (rows, 2): (probability, ms) of an empirical table; (log(ms), its slope) of a gamma table at
    equally spaced normal scores.
    """

    span: NDArray[np.int32]
    component: NDArray[np.float64]
    knot: NDArray[np.float64]


@dataclass(frozen=True)
class Tables:
    """Everything that is fixed for a run. ``slow_pm`` is int64 (pools, most slots + 1): duration factor in
    thousandths while holding that many items, this one included (column 0 is unused). ``gate_scope`` is int32
    (gates,), ``GateScope``. ``moments`` and ``visit_slots`` are numbers of them."""

    program: Program
    choices: Choices
    seizes: Seizes
    stations: Stations
    routes: Routes
    lanes: Lanes
    clocks: Clocks
    servers: Servers
    slow_pm: NDArray[np.int64]
    durations: Durations
    gate_scope: Int32
    moments: int
    visit_slots: int

    @property
    def pools(self) -> int:
        """Number of pools."""
        return int(self.slow_pm.shape[0])

    @property
    def levels(self) -> int:
        """Number of priority levels."""
        return int(self.lanes.priority.shape[1])


@dataclass(frozen=True)
class Arrivals:
    """Items that come from outside, in order of ``t``: int64 ``t``; int32 ``entry_pc``, ``kind``, ``level``;
    int64 ``draw_key`` (bit pattern); int32 ``home_server`` or −1; int32 ``topic`` (question, incident) or −1;
    int64 ``case``: number of an earlier case that this item belongs to, or −1 (a new case, named by the item);
    int32 ``work_ms``: amount of work that the item brings (0 … 2³¹ − 1 ms), or −1."""

    t: Int64
    entry_pc: Int32
    kind: Int32
    level: Int32
    draw_key: Int64
    home_server: Int32
    topic: Int32
    case: Int64
    work_ms: Int32


@dataclass(frozen=True)
class Windows:
    """Presence: int64 ``enter``, ``leave``; int32 ``server``. Windows of one server neither touch nor overlap."""

    enter: Int64
    leave: Int64
    server: Int32


@dataclass(frozen=True)
class Visits:
    """One row per visit to a station (one executed SEIZE), written when the visit ends.

    int64 ``item``; int16 ``station`` asked, ``served_at`` where it ended (differs after a clock's jump); int32
    ``server`` or −1; int64 ``requested``, ``granted`` or −1, ``ended``; int16 ``step``; int8 ``level`` at the end of
    the wait, ``end`` (``VisitEnd``). 46 bytes.
    """

    item: Int64
    station: NDArray[np.int16]
    served_at: NDArray[np.int16]
    server: Int32
    requested: Int64
    granted: Int64
    ended: Int64
    step: NDArray[np.int16]
    level: NDArray[np.int8]
    end: NDArray[np.int8]


@dataclass(frozen=True)
class Items:
    """One row per item, written when it ends: int64 ``item``, ``case``, ``draw_key``, ``arrived``, ``ended``; int16
    ``kind``; int32 ``topic``; int8 ``outcome`` (``Outcome``). 47 bytes."""

    item: Int64
    case: Int64
    draw_key: Int64
    arrived: Int64
    ended: Int64
    kind: NDArray[np.int16]
    topic: Int32
    outcome: NDArray[np.int8]


@dataclass(frozen=True)
class ClockRows:
    """One row per started clock, written when it ends: int64 ``item``, ``started``, ``ended``; int16 ``clock``;
    int8 ``end`` (``ClockEnd``)."""

    item: Int64
    started: Int64
    ended: Int64
    clock: NDArray[np.int16]
    end: NDArray[np.int8]


@dataclass(frozen=True)
class Marks:
    """One row per marked moment: int64 ``item``, ``t``; int16 ``moment``."""

    item: Int64
    t: Int64
    moment: NDArray[np.int16]


@dataclass(frozen=True)
class Trace:
    """What an engine writes: rows in the order of writing."""

    visits: Visits
    items: Items
    clocks: ClockRows
    marks: Marks


@dataclass(frozen=True)
class ServerTime:
    """Time of each server since the start of the run, int64 ms, kept by the engine as it goes.

    ``present`` : inside its windows. ``busy`` : holding at least one item. ``idle`` : present and holding none.
    ``overtime`` : holding while not present. ``slot_time`` : integral of the number held.
    Always present + overtime = busy + idle.
    """

    present: Int64
    busy: Int64
    idle: Int64
    overtime: Int64
    slot_time: Int64


COLUMN_TYPES: dict[type, dict[str, type]] = {
    Program: {"purpose": np.int64},
    Choices: {"cumulative_share": np.float64},
    Seizes: {
        "patience_purpose": np.int64,
        "fallback_ms": np.int64,
        "notice_purpose": np.int64,
        "lapse_at_ms": np.int64,
    },
    Stations: {"need_mask": np.int64},
    Routes: {"age_ms": np.int64},
    Clocks: {"limit_ms": np.int64},
    Servers: {"skills": np.int64, "speed_pm": np.int64},
    Arrivals: {"t": np.int64, "draw_key": np.int64, "case": np.int64},
    Windows: {"enter": np.int64, "leave": np.int64},
    Visits: {
        **dict.fromkeys(("item", "requested", "granted", "ended"), np.int64),
        **dict.fromkeys(("station", "served_at", "step"), np.int16),
        **dict.fromkeys(("level", "end"), np.int8),
    },
    Items: {
        **dict.fromkeys(("item", "case", "draw_key", "arrived", "ended"), np.int64),
        "kind": np.int16,
        "outcome": np.int8,
    },
    ClockRows: {**dict.fromkeys(("item", "started", "ended"), np.int64), "clock": np.int16, "end": np.int8},
    Marks: {"item": np.int64, "t": np.int64, "moment": np.int16},
}
"""Type of each column that is not int32."""


def table(kind: type[T], rows: Sequence[tuple[int | float, ...]]) -> T:
    """Build a column table from a list of rows in the order of the table's fields.

    Parameters
    ----------
    kind : one of the column tables of this module.
    rows : one tuple per row; may be empty.
    """
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    types = COLUMN_TYPES[kind]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return kind(
        **{name: np.array(column, dtype=types.get(name, np.int32)) for name, column in zip(names, columns, strict=True)}
    )


def rows_of(block: object) -> int:
    """Number of rows of a column table."""
    return int(getattr(block, fields(block)[0].name).size)  # type: ignore[arg-type]


def concatenate(blocks: list[T]) -> T:
    """Join column tables of one type, in order."""
    first = blocks[0]
    return replace(
        first,  # type: ignore[type-var]
        **{f.name: np.concatenate([getattr(block, f.name) for block in blocks]) for f in fields(first)},  # type: ignore[arg-type]
    )


def take(block: T, index: NDArray[np.int64] | NDArray[np.bool_]) -> T:
    """Rows of a column table by index or mask."""
    return replace(block, **{f.name: getattr(block, f.name)[index] for f in fields(block)})  # type: ignore[type-var, arg-type]
