"""What one replication leaves behind: the rows it wrote, what is still open, and the names to read them by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.service.day_records import DayRecords
from sim.service.tables import Arrivals, Int64, Servers, ServerTime, Trace, Windows


@dataclass(frozen=True)
class Names:
    """Names by number, as the tables count them. ``counts_as``, ``is_case`` and ``channels`` go by kind;
    ``server_groups`` by server (``pool/group``). ``cities`` and, by community, ``community_city`` (a city's number) are
    there where a world gives topics a structure (``sim.service.topics``)."""

    kinds: tuple[str, ...]
    counts_as: tuple[str, ...]
    is_case: tuple[bool, ...]
    stations: tuple[str, ...]
    pools: tuple[str, ...]
    levels: tuple[str, ...]
    clocks: tuple[str, ...]
    moments: tuple[str, ...]
    steps: tuple[str, ...]
    server_groups: tuple[str, ...]
    channels: tuple[str, ...] = ()
    community_city: tuple[int, ...] = ()
    cities: tuple[str, ...] = ()


@dataclass(frozen=True)
class FigureSettings:
    """Numbers that define figures, times in ms. ``opening_spans`` : for each weekday (Monday 0), open spans
    (from, until) in ms from midnight, in order, not touching; ``first_weekday`` : that of day 0."""

    service_level_within_ms: int
    short_abandon_ms: int
    closed_within_ms: int
    first_contact_window_ms: int
    first_weekday: int
    opening_spans: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class Record:
    """One replication from time 0 to ``until_ms``.

    ``trace`` : finished rows in the order of writing; ``open_rows`` : what was still there at the end (ended −1).
    ``arrivals`` : what came from outside; ``windows`` : all presence (may reach past the end).
    ``item_time_ms`` : integral of the number of items in the system, kept by the engine.
    ``from_ms`` : end of the warm-up; figures leave out what arrived before.
    ``days`` : sums by day, where the scenario has a world. ``has_trace`` : whether ``trace`` and ``open_rows`` hold the
    rows; a long run keeps none, and its figures come from ``days``.
    """

    names: Names
    settings: FigureSettings
    servers: Servers
    trace: Trace
    open_rows: Trace
    arrivals: Arrivals
    windows: Windows
    server_time: ServerTime
    item_time_ms: int
    from_ms: int
    until_ms: int
    seed: int
    replication: int
    engine: str
    days: DayRecords | None = None
    has_trace: bool = True


def presence_in(windows: Windows, servers: int, start: int, end: int) -> Int64:
    """Scheduled presence of each server between two times, in ms."""
    inside = np.minimum(windows.leave, end) - np.maximum(windows.enter, start)
    return np.bincount(windows.server, weights=np.maximum(inside, 0), minlength=servers).astype(np.int64)
