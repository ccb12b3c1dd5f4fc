"""Sources that the world drives: from counts per community and cause to rows of the engines' table of arrivals.

A source of a scenario that is ``driven`` has a profile (when in the day its items come), a kind, a level and perhaps a
home pool; how many come, and from whom, is the world's business. Here stand the parts that all such sources share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sim.fields import clock_minutes, weekdays
from sim.naming import stable_hash
from sim.scenario import Arrival, Kind, Profile, Scenario
from sim.service.arrivals import DAY, _factors
from sim.service.tables import NONE, Float64, Int32, Int64
from sim.world.chance import Chance, key_of
from sim.world.flows import Bool
from sim.world.geography import Geography

GROUP, CHAT = "group", "chat"
"""Channels (``CHANNELS``) of the leader's chat group, and of what stands in for it where there is no leader."""

SHARED = ("enquiries", "questions", "problems")
"""What several sources may divide among themselves."""

AT_LEADERS = ("announcements", "hand_outs", "rounds")
"""What a leader does with the goods."""

LATEST = DAY - 1
GUIDES = 256
"""Entry points per source into the table of times."""

BELOW_ONE = 1 - 1e-9
"""A share this near to 1 counts as 1: it is less than a millisecond of the day."""


@dataclass(frozen=True)
class Numbers:
    """Numbers that the engines' tables give to names: ``entry`` of a journey by (regime, kind), ``kinds``, ``levels``
    in order; ``leader_servers`` int32 (L,), the server of each leader of the geography."""

    entry: Mapping[tuple[str, str], int]
    kinds: Mapping[str, int]
    levels: Sequence[str]
    leader_servers: Int32


class Courses:
    """When in a day the items of each source (N of them) come.

    Parameters
    ----------
    factor : float64 (N,), on the number of items of each source.
    cumulative : of each source the share of its items up to each edge of equal parts of the day, from 0 to 1.
    """

    def __init__(self, factor: Float64, cumulative: Sequence[Float64]) -> None:
        self.factor = factor
        # Source after source: its number plus the share of items, and its number plus the share of the day. This is one
        # line that rises by 1 from source to source, so that items of all sources are looked up at once.
        self._items = np.concatenate([i + shares for i, shares in enumerate(cumulative)] or [np.zeros(1)])
        self._day = np.concatenate([i + _edges(shares.size) for i, shares in enumerate(cumulative)] or [np.zeros(1)])
        width = np.diff(self._items)
        self._slope = np.divide(np.diff(self._day), width, out=np.zeros(width.size), where=width > 0)
        # Where to begin to look: NumPy's own search among so few points takes three times as long.
        begin = np.arange(len(cumulative) * GUIDES) / GUIDES
        self._guide = np.searchsorted(self._items, begin, side="right") - 1

    def times_ms(self, source: Int64, u: Float64, earliest: Float64) -> Int64:
        """Times of the day of items, given their sources and uniforms.

        ``earliest`` is the share of the day (0: midnight, may pass 1) before which an item cannot come. Its uniform is
        mapped to what the profile has after that: nobody piles up at one instant. Where it has nothing left, the item
        comes evenly in the rest of the day; where no day is left, at its last millisecond.
        """
        some = np.flatnonzero(earliest > 0)
        of, after, even = source[some], earliest[some], u[some]
        before = np.interp(of + np.minimum(after, 1.0), self._day, self._items) - of
        within = u.copy()
        within[some] = before + even * (1 - before)
        at = source.astype(np.float64) + np.minimum(within, BELOW_ONE)
        share = self._share_of_day(at) - source
        rest = after + even * np.maximum(1 - after, 0.0)
        share[some] = np.where(before >= BELOW_ONE, rest, np.maximum(share[some], after))
        return np.clip((share * DAY).astype(np.int64), 0, LATEST)

    def _share_of_day(self, at: Float64) -> Float64:
        """Number of the source plus share of the day, from number plus share of items."""
        i = self._guide[(at * GUIDES).astype(np.int64)]
        behind = np.flatnonzero(at >= self._items[i + 1])
        while behind.size:
            i[behind] += 1
            behind = behind[at[behind] >= self._items[i[behind] + 1]]
        return self._day[i] + (at - self._items[i]) * self._slope[i]


class DrivenSources:
    """The driven sources of a scenario (N of them), in its order, as arrays.

    ``keys`` : int64 (N,) for draws. ``kind``, ``level`` : int32 (N,). ``entry`` : int32 (N, R) by regime, −1 where
    the regime has no such journey. ``group`` :
    bool (N,), comes in at a leader's chat group. ``homed`` : bool (N,), items belong to a leader. ``topics`` : int64
    (N,), different ordinary questions. ``instead`` : int64 (N,), the source that takes over where a community has no
    active leader (itself, if it needs none or there is no other). ``work_ms`` : int32 (N,), given work or −1.
    """

    def __init__(
        self,
        arrivals: Sequence[Arrival],
        profiles: Mapping[str, Profile],
        kinds: Mapping[str, Kind],
        numbers: Numbers,
        first_weekday: int,
        regimes: Sequence[str],
    ) -> None:
        self.arrivals = driven = [arrival for arrival in arrivals if arrival.driven is not None]
        self._first_weekday = first_weekday
        self._hashes = [stable_hash(arrival.source) for arrival in driven]
        self._shapes = [_shapes(profiles.get(arrival.profile or "")) for arrival in driven]
        self._plain = [[_course(shape, np.ones(1)) for shape in shapes] for shapes in self._shapes]
        self._still = all(arrival.overdispersion is None for arrival in driven)
        self._week = [_joined([plain[weekday] for plain in self._plain]) for weekday in range(7)] if self._still else []
        self.keys = np.array([key_of("source", arrival.source) for arrival in driven], dtype=np.int64)
        self.kind = np.array([numbers.kinds[arrival.kind] for arrival in driven], dtype=np.int32)
        self.level = np.array(
            [list(numbers.levels).index(arrival.level) if arrival.level else 0 for arrival in driven], dtype=np.int32
        )
        self.entry = np.array(
            [
                [numbers.entry.get((arrival.regime or name, arrival.kind), NONE) for name in regimes]
                for arrival in driven
            ],
            dtype=np.int32,
        ).reshape(len(driven), len(regimes))
        self.group = np.array([kinds[arrival.kind].channel == GROUP for arrival in driven], dtype=np.bool_)
        self.homed = np.array([arrival.home_pool is not None for arrival in driven], dtype=np.bool_)
        self.topics = np.array([arrival.topics or 0 for arrival in driven], dtype=np.int64)
        work = [arrival.time_ms("work") for arrival in driven]
        self.work_ms = np.array([NONE if ms is None else round(ms) for ms in work], dtype=np.int32)
        self.instead = np.array([self._stand_in(i, kinds) for i in range(len(driven))], dtype=np.int64)
        self._clock = [np.array(sorted({clock_minutes(text) for text in a.at or []}), dtype=np.float64) for a in driven]

    def by(self, what: str) -> list[int]:
        """Places of the sources that are driven by something."""
        return [i for i, arrival in enumerate(self.arrivals) if arrival.driven and arrival.driven.by == what]

    def share(self, i: int) -> float:
        """Share of its kind of demand that a source takes."""
        driven = self.arrivals[i].driven
        return driven.share if driven is not None else 0.0

    def clock_minutes(self, i: int) -> Float64:
        """Clock times of a source in minutes of the day, in order."""
        return self._clock[i]

    def courses(self, day: int, chance: Chance) -> Courses:
        """When the items of each source come on a day, over-dispersion drawn as for any other source."""
        weekday = (self._first_weekday + day) % 7
        if self._still:
            return self._week[weekday]
        return _joined(
            [
                self._plain[i][weekday]
                if (spread := arrival.overdispersion) is None
                # The engines' own sources draw theirs in the same way.
                else _course(
                    self._shapes[i][weekday],
                    _factors(spread, self._hashes[i], day, chance.seed, chance.replication),
                )
                for i, arrival in enumerate(self.arrivals)
            ]
        )

    def _stand_in(self, i: int, kinds: Mapping[str, Kind]) -> int:
        driven = self.arrivals[i].driven
        if not self.group[i] or driven is None:
            return i
        others = [j for j in self.by(driven.by) if not self.group[j]]
        chats = [j for j in others if kinds[self.arrivals[j].kind].channel == CHAT]
        return (chats or others or [i])[0]


class Homes:
    """Which leader of their community items belong to, on one day."""

    def __init__(self, geography: Geography, active: Bool, chance: Chance) -> None:
        self._chance = chance
        self._first = geography.first_leader
        self._leaders = geography.leaders
        self._active = active
        self._all_active = bool(active.all())
        self._standing = np.flatnonzero(active)
        self.active = np.bincount(geography.leader_community[self._standing], minlength=geography.size)
        self._first_standing = np.cumsum(self.active) - self.active

    def leaders(self, community: Int64, keys: Int64) -> Int64:
        """A leader (place in the geography) for each item, evenly among the active ones, −1 where there is none.

        Each item draws among all leaders of its community, and once more among the active ones if that leader is not:
        a leader who stops moves nobody but the own items.
        """
        leader = np.full(community.size, NONE, dtype=np.int64)
        some = np.flatnonzero(self.active[community] > 0)
        u = self._chance.uniform("contacts:leader", keys[some])
        at = community[some]
        leader[some] = self._first[at] + (u * self._leaders[at]).astype(np.int64)
        if not self._all_active:
            again = some[~self._active[leader[some]]]
            u, at = self._chance.uniform("contacts:other_leader", keys[again]), community[again]
            leader[again] = self._standing[self._first_standing[at] + (u * self.active[at]).astype(np.int64)]
        return leader


def _shapes(profile: Profile | None) -> tuple[Float64, ...]:
    """Relative rates in equal parts of the day by weekday, each of mean 1: how many come on a weekday is the orders'
    business, not the profile's."""
    shapes = []
    for weekday in range(7):
        hours = [1.0] if profile is None else profile.hours
        for days, other in (profile.hours_by_weekday if profile else {}).items():
            hours = other if weekday in weekdays(days) else hours
        shapes.append(np.array(hours) / np.mean(hours))
    return tuple(shapes)


@lru_cache(maxsize=64)
def _edges(number: int) -> Float64:
    """So many edges of equal parts of the day, from 0 to 1."""
    edges = np.linspace(0.0, 1.0, number)
    edges.flags.writeable = False
    return edges


def _joined(made: Sequence[tuple[float, Float64]]) -> Courses:
    return Courses(np.array([factor for factor, _ in made]), [cumulative for _, cumulative in made])


def _course(shape: Float64, factors: Float64) -> tuple[float, Float64]:
    """Factor on the number of items, and the cumulative share of them in equal parts of the day."""
    parts = math.lcm(shape.size, factors.size)
    rates = np.repeat(shape, parts // shape.size) * np.repeat(factors, parts // factors.size)
    total = float(rates.sum())
    if total <= 0:
        return 0.0, np.linspace(0.0, 1.0, parts + 1)
    cumulative = np.concatenate([[0.0], np.cumsum(rates) / total])
    cumulative[-1] = 1.0
    return total / parts, cumulative


Fault = tuple[tuple[str | int, ...], str, str]
"""Place in the scenario, what is wrong there, what is allowed."""


def problems_of_driven(scenario: Scenario) -> list[Fault]:
    """What does not fit together among the driven sources of a scenario."""
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    channels: dict[str | None, int] = {}
    pools: list[str] = []
    total = dict.fromkeys(SHARED, 0.0)
    for i, arrival in enumerate(scenario.arrivals):
        if arrival.driven is None:
            continue
        by, path = arrival.driven.by, ("arrivals", i)
        faults += [((*path, field), message, allowed) for field, message, allowed in _faults_of(arrival, scenario)]
        if arrival.home_pool is not None and pools and arrival.home_pool != pools[0]:
            message = f"the sources of a world belong to '{pools[0]}' and '{arrival.home_pool}'"
            faults.append(((*path, "home_pool"), message, "one home_pool, that of the leaders"))
        pools += [arrival.home_pool] if arrival.home_pool is not None else []
        if by in SHARED:
            total[by] += arrival.driven.share
        elif by == "escalations":
            if arrival.driven.channel in channels:
                message = f"the escalations at '{arrival.driven.channel}' come twice"
                faults.append(((*path, "driven", "channel"), message, "one source for each channel"))
            channels[arrival.driven.channel] = i
        elif by in seen:
            faults.append(((*path, "driven", "by"), f"there are two sources of {by}", "one of them"))
        seen[by] = i
    for what in SHARED:
        if what in seen and abs(total[what] - 1) > 1e-9:
            message = f"the shares of all sources of {what} add up to {total[what]:g}"
            faults.append((("arrivals", seen[what], "driven", "share"), message, "exactly 1"))
    return faults


def _faults_of(arrival: Arrival, scenario: Scenario) -> list[tuple[str, str, str]]:
    """What is wrong with one driven source: field, message, allowed."""
    assert arrival.driven is not None
    by, faults = arrival.driven.by, []
    kind = scenario.kinds.get(arrival.kind)
    in_group = kind is not None and kind.channel == GROUP and by in SHARED
    if arrival.home_pool is None and (by in AT_LEADERS or in_group):
        what = "the leader's chat group" if in_group else "a leader"
        faults.append(("home_pool", f"these items belong to {what}, and no pool is named", "home_pool: the leaders"))
    if by not in SHARED and arrival.driven.share != 1:
        faults.append(("driven", f"{by} are not divided; the share is {arrival.driven.share:g}", "a share of 1"))
    if by == "rounds" and len(set(arrival.at or [])) > 1:
        faults.append(("at", "a leader drives one round a day", "one clock time"))
    if arrival.topics is not None and by not in ("enquiries", "questions"):
        faults.append(("topics", f"{by} have topics of their own", "topics with enquiries or questions"))
    if by in ("hand_outs", "rounds") and arrival.given("work"):
        faults.append((arrival.given("work")[0], f"the work of {by} comes from the goods", "without it"))
    timed = by in (*SHARED, "escalations")
    if not timed and (arrival.profile or arrival.overdispersion):
        field = "profile" if arrival.profile else "overdispersion"
        faults.append((field, f"the time of {by} is known", "without profile and overdispersion"))
    profile = scenario.profiles.get(arrival.profile or "")
    if timed and profile is not None and any(factor != 1 for factor in profile.weekdays.values()):
        message = f"the profile '{arrival.profile}' has factors by weekday, which the orders bring already"
        faults.append(("profile", message, "a profile without weekdays (hours_by_weekday may differ)"))
    spread = arrival.overdispersion
    if by in ("problems", "escalations") and spread is not None and spread.daily_cv > 0:
        message = f"how many {by} come is known: a spread from day to day would have no effect"
        faults.append(("overdispersion", message, "daily_cv 0; interval_cv spreads them over the day"))
    return faults
