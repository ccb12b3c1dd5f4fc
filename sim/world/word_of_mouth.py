"""Word of mouth (F18): bad news in a chat group, scandals on the whole platform, and good deeds.

A post moves families of the community, and so does each user who joins in; who has been moved does not order for a
while. How many join in depends on how many have a bad experience of their own in mind: the same post is a ripple in a
content community and a wave in an angry one.
"""

from __future__ import annotations

import numpy as np

from sim.sections.word_of_mouth import WordOfMouth
from sim.service.tables import Float64, Int64
from sim.world.chance import Chance
from sim.world.flows import Demand, Moods, Today
from sim.world.geography import Geography
from sim.world.people import Memory, per, saturated


class Buzz:
    """What is being said, by community and on the platform.

    ``joined_in`` : int64 (C,), users who joined in with today's posts. ``moved_per_family`` : float64 (C,), families
    moved, not yet back, per family that orders (may exceed 1: several voices reach the same family).

    Parameters
    ----------
    section : strength and length of word of mouth.
    geography : communities.
    chance : draws, keyed by community and day.
    """

    def __init__(self, section: WordOfMouth, geography: Geography, chance: Chance) -> None:
        self.section = section
        self.chance = chance
        self.keys = geography.keys
        size = geography.size
        self.bad = Memory(size, section.unhappy_at_start_per_user, section.unhappy_half_life_days)
        self.joined_in: Int64 = np.zeros(size, dtype=np.int64)
        self.moved_per_family: Float64 = np.zeros(size)
        self.pleased_per_family: Float64 = np.zeros(size)
        self.scandal_share = 0.0
        self._families: Float64 = np.zeros(size)
        self._won: Int64 = np.zeros(size, dtype=np.int64)
        self._factor: Float64 = np.ones(size)
        self._moved_kept, self._scandal_kept, self._pleased_kept = (
            0.5 ** (1 / days)
            for days in (section.moved_half_life_days, section.scandal_half_life_days, section.good_deed_half_life_days)
        )

    def factor(self) -> Float64:
        """Factor (C,) on this morning's orders: below 1 after bad news, above 1 after good deeds alone."""
        return self._factor.copy()

    def joiners(self) -> Int64:
        """New users (C,) won by yesterday's good deeds."""
        return self._won.copy()

    def evening(self, today: Today, moods: Moods, demand: Demand) -> None:
        """Let the day's news spread; it acts from the next morning on.

        Parameters
        ----------
        today : the calendar's day.
        moods : ``posts``, ``good_deeds``, ``scandal``, and ``unhappy``, from whom later posts find company.
        demand : this morning's users and expected orders, which say how many families order.
        """
        section = self.section
        self._count_families(today, demand)
        self.bad.add(np.maximum(moods.unhappy - moods.leaves, 0.0), demand.users)
        self._let_others_join(today.day, moods.posts, demand.users)
        moved = section.families_per_post * moods.posts + section.families_per_joiner * self.joined_in
        self.moved_per_family = self.moved_per_family * self._moved_kept + per(moved, self._families)

        neighbours: Float64 = moods.good_deeds.astype(np.float64) * section.neighbours_per_good_deed
        new = section.neighbours_new_share
        self._won = np.zeros(neighbours.size, dtype=np.int64)
        rows = np.flatnonzero(neighbours)
        if rows.size:
            self._won[rows] = self.chance.poisson("neighbours", neighbours[rows] * new, self.keys[rows], today.day)
        pleased = per(neighbours * (1 - new), self._families)
        self.pleased_per_family = self.pleased_per_family * self._pleased_kept + pleased

        self.scandal_share *= self._scandal_kept
        if moods.scandal:
            self.scandal_share = 1 - (1 - self.scandal_share) * (1 - _first_loss(section))
        stopped = saturated(self.moved_per_family)
        more = section.good_deed_orders_share * saturated(self.pleased_per_family)
        self._factor = (1 - stopped) * (1 + more) * (1 - self.scandal_share)

    def _count_families(self, today: Today, demand: Demand) -> None:
        """Families (C,) that order: those of an ordinary day without buzz, times the days between two orders.

        A day without orders says nothing of them: the last count stays.
        """
        usual = self._factor * today.orders_factor
        known = (usual > 0) & (demand.expected > 0)
        daily = np.divide(demand.expected, usual, out=np.zeros(usual.size), where=known)
        families = np.minimum(daily * self.section.ordering_every_days, demand.users)
        self._families = np.where(known, families, np.minimum(self._families, demand.users))

    def _let_others_join(self, day: int, posts: Int64, users: Int64) -> None:
        """Draw how many join in with today's posts: at most everybody who has a bad experience in mind."""
        self.joined_in = np.zeros(posts.size, dtype=np.int64)
        rows = np.flatnonzero(posts)
        if rows.size:
            angry = self.bad.share[rows] * users[rows]
            drawn = self.chance.poisson(
                "joins_in", posts[rows] * self.section.joins_share * angry, self.keys[rows], day
            )
            self.joined_in[rows] = np.minimum(drawn, np.floor(angry).astype(np.int64) * posts[rows])


def size_of_a_post(section: WordOfMouth, users: float, orders_per_user_per_day: float, joiners: float) -> float:
    """Share that one post with so many joiners takes off a calm community's orders on the first day after it.

    The yardstick is F18: a post that ten-odd users joined cut the community's daily orders by 60 %.
    """
    families = min(users * orders_per_user_per_day * section.ordering_every_days, users)
    if families <= 0:
        return 0.0
    return float(saturated((section.families_per_post + joiners * section.families_per_joiner) / families))


def size_of_a_scandal(section: WordOfMouth, days: int = 30) -> float:
    """Mean share that one scandal takes off the platform's orders over the days after it (F18: 15 % in a month)."""
    kept = 0.5 ** (1 / section.scandal_half_life_days)
    return float(_first_loss(section) * np.mean(kept ** np.arange(days)))


def _first_loss(section: WordOfMouth) -> float:
    """Share of orders that are missing on the first day after a scandal."""
    return section.scandal_heard_share * section.scandal_stops_share
