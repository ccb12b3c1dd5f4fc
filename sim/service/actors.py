"""Who and what the reference engine moves about: items, their requests, and the servers they ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.service.tables import NONE

WAITING, UNNOTICED, ELSEWHERE = "waiting", "unnoticed", "elsewhere"
SHARED = NONE
"""Place of a request that waits in its station's shared lanes; a private one has its server's number."""


@dataclass(slots=True, eq=False)
class Item:
    """What moves through the network; times in ms, numbers −1 for none."""

    number: int
    case: int
    key: int
    kind: int
    level: int
    home: int
    topic: int
    pc: int
    work: int = NONE
    """Work that the item brings, in ms."""
    owner: int = NONE
    parent: int = NONE
    arrived: int = NONE
    request: Request | None = None
    """The request that waits or rides along; a granted one is in ``held``."""
    held: list[Request] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)
    running: dict[int, tuple[int, object]] = field(default_factory=dict)
    """Running clocks: when started, and a token that names this start."""
    expired: set[int] = field(default_factory=set)


@dataclass(slots=True, eq=False)
class Request:
    """One executed SEIZE: who waits where since when, and what became of it."""

    item: Item
    row: int
    station: int
    requested: int
    step: int
    state: str = ELSEWHERE
    place: int = SHARED
    since: int = NONE
    """Run-wide number of its latest entry into a queue: heap entries with another number are stale."""
    routed: int = 0
    """Counts how often it was put on a route: events for the pools of an earlier route are stale."""
    level: int = NONE
    server: int = NONE
    granted: int = NONE
    followers: list[Request] = field(default_factory=list)

    @property
    def waits(self) -> bool:
        """In a queue: neither granted nor riding along nor gone."""
        return self.state != ELSEWHERE


@dataclass(slots=True, eq=False)
class Server:
    """One individual: presence, what it holds, and the account of its time in ms."""

    number: int
    pool: int
    skills: int
    speed: int
    slots: int
    present: bool = False
    held: int = 0
    changed: int = 0
    queue: list[tuple[tuple[int, int, int], int, Request]] = field(default_factory=list)
    """Noticed private requests as a heap of (rank, entry, request), stale ones included."""
    private: dict[int, Request] = field(default_factory=dict)
    """All private requests that wait, by item number."""
    seen: int = 0
    present_ms: int = 0
    busy: int = 0
    idle: int = 0
    overtime: int = 0
    slot_time: int = 0

    @property
    def takes_work(self) -> bool:
        """Present, with a free slot."""
        return self.present and self.held < self.slots

    def account(self, now: int) -> None:
        """Book the time since the last change."""
        passed = now - self.seen
        self.seen = now
        self.slot_time += self.held * passed
        self.busy += passed if self.held else 0
        self.idle += passed if self.present and not self.held else 0
        self.overtime += passed if self.held and not self.present else 0
        self.present_ms += passed if self.present else 0

    def hold(self, change: int, now: int) -> None:
        """Take (+1) or give back (−1) one item."""
        self.account(now)
        self.held += change
        self.changed = now
