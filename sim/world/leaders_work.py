"""What leaders do with the goods: announce late ones, hand out, drive a round. It keeps them from answering the group.

One item for each leader and block of the pick-up time, never one per parcel; its work is the sum of the block's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.sections.contacts import PickUp
from sim.service.tables import NONE, Float64, Int32, Int64
from sim.service.topics import CAUSES, ORDINARY, topic_of
from sim.world.chance import Chance, mixed
from sim.world.flows import Bool, Delivery
from sim.world.geography import Geography
from sim.world.incidents import Tickets
from sim.world.sources import LATEST, DrivenSources

LATE = CAUSES.index("late")

LONGEST_WORK_MS = 2**31 - 1


@dataclass(frozen=True)
class Placed:
    """Items whose time is known: int64 ``key``, ``t_ms`` of the day; int32 ``source``, ``topic``, ``leader`` (place in
    the geography) or −1, ``work_ms`` or −1."""

    key: Int64
    t_ms: Int64
    source: Int32
    topic: Int32
    leader: Int32
    work_ms: Int32


class LeadersWork:
    """Announcements, hand-outs and rounds of each day."""

    def __init__(self, pick_up: PickUp, geography: Geography, sources: DrivenSources, chance: Chance) -> None:
        self._pick_up = pick_up
        self._geography = geography
        self._sources = sources
        self._chance = chance
        self._block_shares = {i: self._shares_of_blocks(i) for i in sources.by("hand_outs")}
        self._keys = {i: mixed(geography.leader_key, int(key)) for i, key in enumerate(sources.keys)}

    def of_day(self, day: int, delivery: Delivery, goods_at: Float64, active: Bool) -> list[Placed]:
        """All of it, source by source.

        Parameters
        ----------
        goods_at : float64 (C,), minute at which the goods were there, 0 without goods.
        active : bool (L,), leaders who have a shop today.
        """
        there = goods_at[self._geography.leader_community]
        makers = {"announcements": self._announcements, "hand_outs": self._hand_outs, "rounds": self._rounds}
        return [make(i, day, delivery, there, active) for by, make in makers.items() for i in self._sources.by(by)]

    def _announcements(self, i: int, day: int, delivery: Delivery, _: Float64, active: Bool) -> Placed:
        """A message of each leader whose community gets late goods that are announced (F23)."""
        announced = (delivery.late > 0) & (delivery.announced_share > 0)
        leader = np.flatnonzero(active & announced[self._geography.leader_community])
        minute = max(self._pick_up.starts_min - self._pick_up.announce_before_min, 0.0)
        incident = delivery.incident[self._geography.leader_community[leader]]
        number = np.where(incident >= ORDINARY, incident, 0)
        work = np.full(leader.size, self._sources.work_ms[i], dtype=np.int32)
        return self._items(i, day, leader, 0, np.full(leader.size, minute), work, LATE, number)

    def _hand_outs(self, i: int, day: int, delivery: Delivery, there: Float64, active: Bool) -> Placed:
        """Goods to hand out.

        A leader's orders are spread over the blocks by the weights of pick-up, to the unit and with one uniform for
        each leader; those who come before the goods are handed theirs in the first block after them (or, when that was
        the last block, as the goods come).
        """
        at = self._sources.clock_minutes(i)
        some = np.flatnonzero(active & (delivery.hand_outs > 0))
        orders, there = delivery.hand_outs[some, None], there[some]
        keys = mixed(self._keys[i][some], day)
        u = self._chance.uniform("leaders_work:block", keys)[:, None]
        upto = np.minimum((orders * self._block_shares[i] + u).astype(np.int64), orders)
        upto[at < there[:, None]] = 0
        counts = np.diff(upto, axis=1, prepend=0, append=orders)
        row, block = np.nonzero(counts)
        minute = np.where(block == at.size, there[row], np.append(at, 0.0)[block])
        number = counts[row, block].astype(np.float64)
        work = number * (self._pick_up.hand_out_s * 1000)
        if self._pick_up.hand_out_cv > 0:
            score = self._chance.normal("leaders_work:hand_out", mixed(keys[row], block))
            work *= _gamma_factor(score, self._pick_up.hand_out_cv, number)
        return self._items(i, day, some[row], block, minute, np.rint(work))

    def _rounds(self, i: int, day: int, delivery: Delivery, there: Float64, active: Bool) -> Placed:
        """A round to the doors of each leader who has any, not before the goods are there."""
        leader = np.flatnonzero(active & (delivery.doors > 0))
        minute = np.maximum(self._sources.clock_minutes(i)[0], there[leader])
        work = np.rint(delivery.round_min[leader] * 60_000)
        return self._items(i, day, leader, 0, minute, work)

    def _items(
        self,
        i: int,
        day: int,
        leader: Int64,
        slot: Int64 | int,
        minute: Float64,
        work_ms: Float64 | Int32,
        cause: int = 0,
        number: Int64 | int = 0,
    ) -> Placed:
        """Items of a source that belong to given leaders."""
        return Placed(
            key=mixed(self._keys[i][leader], day, slot),
            t_ms=_of_day(minute),
            source=np.full(leader.size, i, dtype=np.int32),
            topic=topic_of(self._geography.leader_community[leader], cause, number),
            leader=leader.astype(np.int32),
            work_ms=np.minimum(work_ms, LONGEST_WORK_MS).astype(np.int32),
        )

    def _shares_of_blocks(self, i: int) -> Float64:
        """Share of the pick-ups up to the end of each block (B,): a block lasts until the next one begins."""
        weights = np.array(self._pick_up.weights)
        cumulative = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
        ends = np.append(self._sources.clock_minutes(i)[1:], 1440.0)
        shares = np.interp(ends / 1440, np.linspace(0.0, 1.0, cumulative.size), cumulative)
        shares[-1] = 1.0
        return shares


def placed_tickets(tickets: Tickets, i: int, day: int, geography: Geography, sources: DrivenSources) -> Placed:
    """Parent tickets as items of a source; they are nobody's until somebody takes them up."""
    size = tickets.number.size
    return Placed(
        key=mixed(geography.keys[tickets.community], int(sources.keys[i]), tickets.cause, day),
        t_ms=_of_day(tickets.minute),
        source=np.full(size, i, dtype=np.int32),
        topic=topic_of(tickets.community, tickets.cause, tickets.number),
        leader=np.full(size, NONE, dtype=np.int32),
        work_ms=np.full(size, sources.work_ms[i], dtype=np.int32),
    )


def _of_day(minute: Float64) -> Int64:
    """Milliseconds of the day; what would come after midnight comes at the last one."""
    return np.minimum((minute * 60_000).astype(np.int64), LATEST)


def _gamma_factor(score: Float64, cv: float, number: Float64) -> Float64:
    """Sum of so many gamma-distributed times over its mean, from a normal score (Wilson and Hilferty 1931)."""
    ninth = cv**2 / (9 * number)
    root = np.maximum(1 - ninth + score * np.sqrt(ninth), 0.0)
    return root * root * root
