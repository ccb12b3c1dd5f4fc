"""Who comes today, and with what: enquiries, questions, problems, complaints, tickets, and the leaders' own work.

All items of a day are drawn in one go over sources, communities and causes. An item's key is made of its source,
community, cause, day and slot: one more of them elsewhere changes nobody's luck here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.problems import InputError, Problem
from sim.scenario import Arrival, Kind, Profile
from sim.sections.contacts import ContactsSection
from sim.service.arrivals import DAY, in_order_of_time
from sim.service.tables import NONE, Arrivals, Float64, Int64, concatenate, take
from sim.service.topics import CAUSE_SHIFT, CAUSES, COMMUNITIES, ORDINARY, topic_of
from sim.world.chance import Chance, mixed
from sim.world.flows import CHANNELS, Bool, Delivery, Demand, Problems, Today
from sim.world.geography import Geography
from sim.world.incidents import Incidents
from sim.world.leaders_work import LeadersWork, Placed, placed_tickets
from sim.world.problems import GoodsProblems, Told, spread, unnoticed_share
from sim.world.segments import SegmentMix
from sim.world.sources import Courses, DrivenSources, Homes, Numbers

NO_CAUSE, LATE, PICK_UP = (CAUSES.index(name) for name in ("none", "late", "pick_up"))
IN_HAND = np.array([name in ("quality", "missing", "weight", "pick_up") for name in CAUSES])
"""Causes of problems that nobody can have before the goods are there."""

ASKED = {"enquiries": (NO_CAUSE,), "questions": (NO_CAUSE, LATE, PICK_UP)}
"""Causes of what is asked: the ordinary, where late goods are, the pick-up code."""

TIME_BITS = (DAY - 1).bit_length()
COMMUNITY_MASK = COMMUNITIES - 1

Regimes = Sequence[str] | Callable[[int], Sequence[str]]
"""Regime of each community, on every day or by day."""


@dataclass(frozen=True)
class Rows:
    """Items on their way into the table, int64: ``source``, ``community``, ``cause``, ``number``, ``key``; float64
    ``earliest`` (share of the day before which they cannot come)."""

    source: Int64
    community: Int64
    cause: Int64
    number: Int64
    key: Int64
    earliest: Float64


class Contacts:
    """The day's arrivals.

    Parameters
    ----------
    section : rates and chances.
    segments : mix of users by segment.
    geography : communities and leaders.
    arrivals, profiles, kinds : of the scenario; only driven arrivals are used.
    numbers : what the engines' tables call them.
    due_min : minute of the day at which goods are due at the leaders.
    first_weekday : Monday 0.
    regimes : regime of each community, or a function of the day that says so.
    chance : draws.
    """

    def __init__(
        self,
        section: ContactsSection,
        segments: SegmentMix,
        geography: Geography,
        arrivals: Sequence[Arrival],
        profiles: Mapping[str, Profile],
        kinds: Mapping[str, Kind],
        numbers: Numbers,
        due_min: float,
        first_weekday: int,
        regimes: Regimes,
        chance: Chance,
    ) -> None:
        self._section = section
        self._geography = geography
        self._chance = chance
        self._due_min = due_min
        self._regimes = regimes
        self._leader_servers = numbers.leader_servers
        self._regime_names = tuple(dict.fromkeys(regime for regime, _ in numbers.entry))
        self._regime = None if callable(regimes) else self._codes(regimes)
        self.sources = DrivenSources(arrivals, profiles, kinds, numbers, first_weekday, self._regime_names)
        self.goods = GoodsProblems(section, segments, geography, due_min, chance)
        self.incidents = Incidents(section, geography, due_min, chance)
        self._of_problems = self.sources.by("problems")
        shares = np.cumsum([self.sources.share(i) for i in self._of_problems])
        self._problem_shares = np.where(np.abs(shares - 1) < 1e-9, 1.0, shares)
        self._asked_sources = [(i, by) for by in ASKED for i in self.sources.by(by)]
        self._asked_cells = self._cells()
        self._leaders_work = LeadersWork(section.pick_up, geography, self.sources, chance)

    def morning(
        self, today: Today, demand: Demand, delivery: Delivery, leaders_active: Bool, escalations: Int64
    ) -> tuple[Arrivals, Problems]:
        """The day's items in order of time, and the problems behind them.

        Parameters
        ----------
        leaders_active : bool (L,), leaders who have a shop today.
        escalations : int64 (C, H), yesterday's complaints that come in today.
        """
        day = today.day
        courses = self.sources.courses(day, self._chance)
        batch = self.incidents.batches(day)
        problems, told, of_batch = self.goods.of_day(day, delivery, batch, escalations)
        goods_at = np.nan_to_num(delivery.goods_at_min)
        rows = concatenate(
            [
                self._asked(day, demand, delivery, courses),
                self._told(told, goods_at),
                *self._escalated(day, escalations),
            ]
        )
        placed = concatenate(
            [
                self._placed(rows, Homes(self._geography, leaders_active, self._chance), courses),
                *self._tickets(day, delivery, batch, of_batch),
                *self._leaders_work.of_day(day, delivery, goods_at, leaders_active),
            ]
        )
        return self._table(day, take(placed, in_order_of_time(placed.t_ms))), problems

    # ── contacts ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _cells(self) -> Int64:
        """Keys of the cells of what is asked, by source, community and cause, in that order."""
        keys = [
            mixed(self._geography.keys[:, None], int(self.sources.keys[i]), np.array(ASKED[by], dtype=np.int64))
            for i, by in self._asked_sources
        ]
        return np.concatenate([key.ravel() for key in keys]) if keys else np.empty(0, np.int64)

    def _asked(self, day: int, demand: Demand, delivery: Delivery, courses: Courses) -> Rows:
        """Enquiries and questions: Poisson by source, community and cause."""
        expected = {"enquiries": self._enquiries(demand), "questions": self._questions(demand, delivery)}
        means, source, community, cause = [], [], [], []
        everybody = np.arange(self._geography.size)
        for i, by in self._asked_sources:
            means.append((expected[by] * (courses.factor[i] * self.sources.share(i))).ravel())
            source.append(np.full(means[-1].size, i))
            community.append(np.repeat(everybody, len(ASKED[by])))
            cause.append(np.tile(ASKED[by], everybody.size))
        if not means:
            return _no_rows()
        base = mixed(self._asked_cells, day)
        counts = self._chance.poisson("contacts:count", np.concatenate(means), base)
        cell, slot = spread(counts)
        causes = np.concatenate(cause)[cell]
        return Rows(
            source=np.concatenate(source)[cell],
            community=np.concatenate(community)[cell],
            cause=causes,
            number=np.zeros(cell.size, np.int64),
            key=mixed(base[cell], slot),
            earliest=np.where(causes == LATE, self._due_min / 1440, 0.0),
        )

    def _enquiries(self, demand: Demand) -> Float64:
        """Expected enquiries (C, 1): before the order (F10)."""
        return demand.expected[:, None] * self._section.enquiries_per_order

    def _questions(self, demand: Demand, delivery: Delivery) -> Float64:
        """Expected questions (C, 3) by cause: a part on the day of the order, the rest with the goods (F11)."""
        section, pick_up = self._section, self._section.pick_up
        first = section.questions_on_order_day_share
        with_goods = delivery.orders * (section.questions_per_order * (1 - first))
        code = section.code_questions_share
        told = 1 - delivery.announced_share * pick_up.announced_stills_share
        return np.stack(
            [
                demand.expected * (section.questions_per_order * first) + with_goods * (1 - code),
                delivery.late * section.questions_per_late_order * told,
                with_goods * (code * unnoticed_share(pick_up)),
            ],
            axis=1,
        )

    def _told(self, told: Told, goods_at: Float64) -> Rows:
        """Voiced problems and abused claims, each with one of the sources of problems."""
        if not self._of_problems:
            return _no_rows()
        place = np.zeros(told.key.size, dtype=np.int64)
        if self._problem_shares[0] < 1:
            u = self._chance.uniform("contacts:source", told.key)
            place = np.searchsorted(self._problem_shares, u, side="right")
            heard = place < self._problem_shares.size
            if not heard.all():
                told, place = take(told, heard), place[heard]
        source = np.array(self._of_problems)[place]
        in_hand = np.maximum(goods_at, self._section.pick_up.starts_min) / 1440
        earliest = np.where(IN_HAND[told.cause], in_hand[told.community], 0.0)
        return Rows(
            source=source,
            community=told.community,
            cause=told.cause,
            number=told.number,
            key=mixed(told.key, self.sources.keys[source]),
            earliest=np.where(told.cause == LATE, self._due_min / 1440, earliest),
        )

    def _escalated(self, day: int, escalations: Int64) -> list[Rows]:
        """Complaints of yesterday at each channel that has a source."""
        blocks = []
        for i in self.sources.by("escalations"):
            driven = self.sources.arrivals[i].driven
            assert driven is not None
            assert driven.channel is not None
            community, slot = spread(escalations[:, CHANNELS.index(driven.channel)])
            if community.size:
                nothing = np.zeros(community.size, np.int64)
                key = mixed(self._geography.keys[community], int(self.sources.keys[i]), day, slot)
                blocks.append(Rows(nothing + i, community, nothing, nothing, key, np.zeros(community.size)))
        return blocks

    def _placed(self, rows: Rows, homes: Homes, courses: Courses) -> Placed:
        """Give the contacts their times, leaders and questions."""
        sources = self.sources
        homed = np.flatnonzero(sources.homed[rows.source])
        leader = np.full(rows.key.size, NONE, dtype=np.int32)
        leader[homed] = homes.leaders(rows.community[homed], rows.key[homed])
        t_ms = courses.times_ms(rows.source, self._chance.uniform("contacts:time", rows.key), rows.earliest)
        source = rows.source
        if not homes.active.all():
            # Who has no leader to ask writes to the platform instead.
            source = np.where(homes.active[rows.community] == 0, sources.instead[source], source)
        number = rows.number
        if sources.topics.any():
            questions = sources.topics[source]
            ordinary = np.flatnonzero((questions > 0) & (rows.cause == NO_CAUSE))
            u = self._chance.uniform("contacts:topic", rows.key[ordinary])
            number = number.copy()
            number[ordinary] = (u * questions[ordinary]).astype(np.int64)
        placed = Placed(
            key=rows.key,
            t_ms=t_ms,
            source=source.astype(np.int32),
            topic=topic_of(rows.community, rows.cause, number),
            leader=leader,
            work_ms=sources.work_ms[source],
        )
        return self._stilled(placed)

    def _stilled(self, placed: Placed) -> Placed:
        """Without those of the questions in groups that repeat an earlier one and find its answer there."""
        sources, share = self.sources, self._section.stilled_share
        asking = sources.group & (sources.topics > 0)
        if share <= 0 or not asking.any():
            return placed
        asked = np.flatnonzero(asking[placed.source] & (placed.leader >= 0))
        # One number for leader, question and time: repeats of a question stand behind the first one.
        what = placed.leader[asked].astype(np.int64) * sources.keys.size + placed.source[asked]
        what = what * (len(CAUSES) * ORDINARY) + (placed.topic[asked] >> CAUSE_SHIFT)
        order = np.argsort((what << TIME_BITS) | placed.t_ms[asked], kind="stable")
        asked, what = asked[order], what[order]
        repeats = asked[1:][what[1:] == what[:-1]]
        keep = np.ones(placed.key.size, dtype=np.bool_)
        keep[repeats] = self._chance.uniform("contacts:stilled", placed.key[repeats]) >= share
        return take(placed, keep)

    def _tickets(self, day: int, delivery: Delivery, batch: Int64, of_batch: Int64) -> list[Placed]:
        """Parent tickets of the day's incidents."""
        of_incidents = self.sources.by("incidents")
        if not of_incidents:
            return []
        tickets = self.incidents.tickets(delivery, batch, of_batch)
        if not tickets.number.size:
            return []
        return [placed_tickets(tickets, i, day, self._geography, self.sources) for i in of_incidents]

    # ── the table ────────────────────────────────────────────────────────────────────────────────────────────────

    def _codes(self, regimes: Sequence[str]) -> Int64:
        return np.array([self._regime_names.index(regime) for regime in regimes], dtype=np.int64)

    def _table(self, day: int, placed: Placed) -> Arrivals:
        """Rows of the engines' table."""
        regime = self._regime
        if regime is None:
            assert callable(self._regimes)
            regime = self._codes(self._regimes(day))
        if (regime == regime[0]).all():
            entry = self.sources.entry[:, regime[0]][placed.source]
        else:
            entry = self.sources.entry[placed.source, regime[placed.topic & COMMUNITY_MASK]]
        if entry.size and int(entry.min()) < 0:
            row = int(np.argmin(entry))
            source = self.sources.arrivals[int(placed.source[row])]
            name = self._regime_names[int(regime[placed.topic[row] & COMMUNITY_MASK])]
            message = f"the regime '{name}' has no journey for the kind '{source.kind}' of this source"
            raise InputError([Problem(("arrivals", source.source), message, "a journey for it in every regime in use")])
        server = np.append(self._leader_servers, np.int32(NONE))
        return Arrivals(
            t=placed.t_ms + day * DAY,
            entry_pc=entry,
            kind=self.sources.kind[placed.source],
            level=self.sources.level[placed.source],
            draw_key=placed.key,
            home_server=server[placed.leader],
            topic=placed.topic,
            case=np.full(placed.key.size, NONE, dtype=np.int64),
            work_ms=placed.work_ms,
        )


def _no_rows() -> Rows:
    none = np.empty(0, np.int64)
    return Rows(none, none, none, none, none, np.empty(0))
