"""Users of each community from day to day: what they want to order, who leaves and who joins."""

from __future__ import annotations

import numpy as np

from sim.sections.people import PeopleSection
from sim.service.tables import Float64, Int64
from sim.world.chance import Chance
from sim.world.flows import Demand, Moods, Orders, Today
from sim.world.geography import Geography

DAYS_PER_MONTH = 365.25 / 12


class Memory:
    """Experiences that the users of each community remember, (C,) per user, and that fade by half in a given time.

    Kept per user, so that users who leave take theirs along.

    Parameters
    ----------
    size : number of communities.
    at_start : experiences per user that are remembered at the start.
    half_life_days : time in which half of them is forgotten.
    """

    def __init__(self, size: int, at_start: float, half_life_days: float) -> None:
        self.per_user: Float64 = np.full(size, at_start)
        self.kept = 0.5 ** (1 / half_life_days)

    def add(self, experiences: Float64, users: Int64) -> None:
        """A day passes: older experiences fade, the day's are added."""
        self.per_user = self.per_user * self.kept + per(experiences, users)

    @property
    def share(self) -> Float64:
        """Share (C,) of users who remember at least one, if chance spreads them over users: 1 − exp(−per user)."""
        return saturated(self.per_user)


def saturated(amount: Float64 | float) -> Float64:
    """Share that is reached at least once when ``amount`` hits per head fall by chance: 1 − exp(−amount)."""
    return np.asarray(-np.expm1(-np.asarray(amount, dtype=np.float64)))


def per(amount: Float64, heads: Float64 | Int64) -> Float64:
    """Amount per head; 0 where there is nobody."""
    return np.divide(amount, heads, out=np.zeros(len(amount)), where=heads > 0)


class People:
    """Users and their orders, by community.

    ``users`` : int64 (C,), in the morning.

    Parameters
    ----------
    section : the scenario's people.
    geography : communities with their users at the start.
    chance : draws, keyed by community and day.
    """

    def __init__(self, section: PeopleSection, geography: Geography, chance: Chance) -> None:
        self.section = section
        self.chance = chance
        self.keys = geography.keys
        self.users: Int64 = geography.users.copy()
        self.households: Int64 = np.floor(section.households_per_user * geography.users).astype(np.int64)
        size = geography.size
        self.grudge = Memory(size, section.unhappy_at_start_per_user, section.unhappy_half_life_days)
        self.liking = Memory(size, section.happy_at_start_per_user, section.happy_half_life_days)
        self._mood_at_start = self._mood()
        self._lost_per_day = 1 - (1 - section.lost_per_month_share) ** (1 / DAYS_PER_MONTH)
        # Advertising reaches households that are no users yet: the fewer are left, the fewer it wins.
        won_per_day = section.joined_per_month_share / DAYS_PER_MONTH
        self._won_per_household = won_per_day / (section.households_per_user - 1)
        late = min(1.0, section.enquirer_lost_share * (1 + section.enquiry_late_more_lost_share))
        self._lost_per_late_enquiry = late - section.enquirer_lost_share
        self._community_sigma, self._platform_sigma = (
            float(np.sqrt(np.log1p(cv**2))) for cv in (section.community_daily_cv, section.platform_daily_cv)
        )

    def demand(self, today: Today, buzz: Float64) -> Demand:
        """Orders that users mean to place today.

        Expected are users × orders per user × calendar × word of mouth × what their experiences leave of it, relative
        to the start. The day's luck of the platform and of each community is lognormal with mean 1; the count is
        Poisson around it.

        Parameters
        ----------
        today : the calendar's day.
        buzz : float64 (C,), factor of word of mouth.
        """
        per_user = self.section.orders_per_user_per_day * today.orders_factor
        expected = self.users * per_user * buzz * (self._mood() / self._mood_at_start)
        wanted = self.chance.poisson("orders", expected * self._luck(today.day), self.keys, today.day)
        return Demand(users=self.users.copy(), expected=expected, wanted=wanted)

    def evening(
        self,
        today: Today,
        demand: Demand,
        moods: Moods,
        enquiries: Int64,
        enquiries_late: Int64,
        taken: Int64,
        won: Int64,
    ) -> Orders:
        """Count the day's orders, let users leave and join, and remember the day's experiences.

        Parameters
        ----------
        today : the calendar's day.
        demand : what was wanted this morning.
        moods : ``leaves`` are users who go for a bad experience; ``unhappy`` and ``happy`` order less or more.
        enquiries : int64 (C,), enquiries that ended today.
        enquiries_late : int64 (C,), of these, answered after ``enquiry_late_after_min`` or never (F10).
        taken : int64 (C,), users that leaders who quit take along.
        won : int64 (C,), users won by good deeds (``Buzz.joiners``).
        """
        day, users = today.day, self.users
        late = np.minimum(enquiries_late, enquiries)
        not_bought = self.chance.binomial("enquirers_lost", late, self._lost_per_late_enquiry, self.keys, day)
        lost_enquiries = np.minimum(not_bought, demand.wanted)

        driven = np.minimum(moods.leaves, users)
        along = np.minimum(taken, users - driven)
        idle = self.chance.binomial("users_lost", users, self._lost_per_day, self.keys, day)
        idle = np.minimum(idle, users - driven - along)
        lost = driven + along + idle
        stay = users - lost

        to_win = np.maximum(self.households - users, 0)
        joined = self.chance.poisson("users_joined", self._won_per_household * to_win, self.keys, day) + won
        joined = np.minimum(joined, np.maximum(self.households - stay, 0))

        # Who leaves for a bad experience orders nothing: it is not counted a second time among those who order less.
        self.grudge.add(np.maximum(moods.unhappy - driven, 0.0), users)
        self.liking.add(moods.happy, users)
        self.users = stay + joined
        # Who has just joined remembers nothing.
        old_share = per(stay.astype(np.float64), self.users)
        self.grudge.per_user *= old_share
        self.liking.per_user *= old_share
        return Orders(
            placed=demand.wanted - lost_enquiries,
            lost_enquiries=lost_enquiries,
            users_lost=lost,
            lost_no_problem=idle,
            users_joined=joined,
        )

    def _mood(self) -> Float64:
        """Orders (C,) relative to users without any experience: fewer by those with a grudge, more by the content."""
        less = 1 - self.section.unhappy_orders_loss_share * self.grudge.share
        return np.asarray(less * (1 + self.section.happy_orders_gain_share * self.liking.share))

    def _luck(self, day: int) -> Float64 | float:
        """Lognormal factors of mean 1: one for the platform, one for each community."""
        luck: Float64 | float = 1.0
        if self._platform_sigma > 0:
            score = self.chance.normal("orders_platform", np.zeros(1, dtype=np.int64), day)[0]
            luck = float(np.exp(self._platform_sigma * score - self._platform_sigma**2 / 2))
        if self._community_sigma > 0:
            scores = self.chance.normal("orders_community", self.keys, day)
            luck = luck * np.exp(self._community_sigma * scores - self._community_sigma**2 / 2)
        return luck
