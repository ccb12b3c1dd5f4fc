"""The evening's accounts: what the day's orders brought in, and what service cost.

net benefit = contribution − wages − training − systems − incentives − compensation − refunds − acquisition. The first
and the last two terms and leaders' incentives belong to the city they arise in; what is spent for the whole platform
is divided among cities by their users. Compensation, with what agents pay back, is written where cases are judged
(``sim.world.moods``); refunds are those that nobody decides on.
"""

from __future__ import annotations

import numpy as np

from sim.fields import span_minutes
from sim.sections.contacts import Claims
from sim.sections.money import MoneySection
from sim.service.day_records import DayRecords
from sim.service.tables import Float64, Int32, Int64
from sim.world.flows import Demand, Moods, Orders, Presence, Problems
from sim.world.geography import Geography
from sim.world.problems import refund_without_agent_mean_yuan

HOUR = 3_600_000
DAY = 24 * HOUR
DAYS_PER_YEAR = 365.0
DAYS_PER_MONTH = 30.0


class Money:
    """Accounts of one replication, kept in its day records.

    Parameters
    ----------
    section : prices, wages, budgets.
    geography : cities, and users at the start.
    pools : names of the scenario's pools, in their order.
    records : where the sums go.
    claims : amounts of claims, and the limit below which they may be refunded without anybody.
    server_pool : int32 (S,), number of each server's pool, for the night supplement; None: nobody gets one.

    Raises
    ------
    ValueError
        Wages are given for a pool that does not exist.
    """

    def __init__(
        self,
        section: MoneySection,
        geography: Geography,
        pools: tuple[str, ...],
        records: DayRecords,
        claims: Claims,
        server_pool: Int32 | Int64 | None = None,
    ) -> None:
        if unknown := [name for name in section.wages if name not in pools]:
            raise ValueError(f"wages of the pool '{unknown[0]}', which does not exist; allowed: {', '.join(pools)}")
        self._section = section
        self._geography = geography
        self._records = records
        wages = [section.wages.get(pool) for pool in pools]
        self._wage = np.array([wage.in_house_yuan_per_h if wage else 0.0 for wage in wages])
        outside = [wage.outsourced_yuan_per_h if wage else None for wage in wages]
        self._outsourced_wage = np.array([self._wage[i] if yuan is None else yuan for i, yuan in enumerate(outside)])
        supplement = section.night_supplement_share
        self._server_pool = server_pool if supplement > 0 else None
        self._systems_per_day = section.systems_yuan_per_user_per_year * float(geography.users.sum()) / DAYS_PER_YEAR
        self._owed = 0.0
        self._refund_yuan = refund_without_agent_mean_yuan(claims)

    def evening(
        self,
        day: int,
        orders: Orders,
        demand: Demand,
        presence: Presence,
        problems: Problems,
        users: Int64,
        moods: Moods | None = None,
        outsourced_paid_h: Float64 | None = None,
    ) -> None:
        """Write the day's money.

        Parameters
        ----------
        day : number from 0.
        orders : placed today, users joined.
        demand : not used: what was meant to be ordered brings nothing.
        presence : paid hours, hours of training, leaders with a shop.
        problems : of the goods that came today; their refunds are booked today, whenever the case closes.
        users : int64 (C,), in the morning; what is spent for all is divided by them.
        moods : not used: compensation is written by who decides on it.
        outsourced_paid_h : float64 (pools,), those of the paid hours that are a contractor's; None: none of them.
        """
        section, add = self._section, self._records.add
        placed = self._geography.by_city(orders.placed)
        gmv = placed * section.basket_yuan
        above = section.commission_share - section.commission_within_contribution_share
        add("gmv_yuan", day, gmv)
        add("commission_yuan", day, gmv * section.commission_share)
        add("contribution_yuan", day, placed * section.contribution_yuan_per_order - gmv * above)
        joined = self._geography.by_city(orders.users_joined)
        add("acquisition_yuan", day, joined * section.acquisition_yuan_per_user)
        add("refunds_yuan", day, self._refunds(problems))

        wages = float(presence.paid_h @ self._wage) + self._night_yuan(presence)
        if outsourced_paid_h is not None:
            wages += float(outsourced_paid_h @ (self._outsourced_wage - self._wage))
        training = presence.trained_h * section.training_yuan_per_h
        to_leaders = self._active_leaders(presence) * section.leader_incentive_yuan_per_month / DAYS_PER_MONTH
        bonus = wages * section.agent_bonus_share
        systems = self._systems_yuan(float(gmv.sum()), training + float(to_leaders.sum()) + bonus)
        share = self._share_of(users)
        add("wages_yuan", day, wages * share)
        add("training_yuan", day, training * share)
        add("systems_yuan", day, systems * share)
        add("incentives_yuan", day, to_leaders + bonus * share)

    def _share_of(self, users: Int64) -> Float64:
        """Share (K,) of each city in what is spent for all: by users, alike where there are none at all."""
        of_city = self._geography.by_city(users)
        total = of_city.sum()
        return of_city / total if total > 0 else np.full(of_city.size, 1 / max(of_city.size, 1))

    def _active_leaders(self, presence: Presence) -> Float64:
        """Leaders (K,) with a shop today."""
        city = self._geography.city[self._geography.leader_community[presence.leaders_active]]
        return np.bincount(city, minlength=len(self._geography.cities)).astype(np.float64)

    def _systems_yuan(self, gmv: float, others: float) -> float:
        """Systems cost what they cost; and where a budget is a share of the value of orders (F45), as much as the
        budget so far has left over after training and incentives. A day that spends more is made up for later."""
        self._owed += self._section.budget_gmv_share * gmv - others
        spent = max(self._systems_per_day, self._owed)
        self._owed -= spent
        return spent

    def _night_yuan(self, presence: Presence) -> float:
        """Supplement for the hours of presence that lie in the night, on the in-house wage."""
        if self._server_pool is None or not presence.server.size:
            return 0.0
        start, end = (minute * 60_000 for minute in span_minutes(self._section.night))
        night_ms = _inside(presence.leave, start, end) - _inside(presence.enter, start, end)
        wage = self._wage[self._server_pool[presence.server]]
        return float(night_ms @ wage) / HOUR * self._section.night_supplement_share

    def _refunds(self, problems: Problems) -> Float64:
        """Refunds (K, A) that nobody decided on."""
        causes = problems.refunded.shape[1]
        cell = (self._geography.city[:, None] * causes + np.arange(causes)).ravel()
        size = len(self._geography.cities) * causes
        number = np.bincount(cell, weights=problems.refunded.ravel(), minlength=size).astype(np.float64)
        return number.reshape(-1, causes) * self._refund_yuan


def _inside(t: Int64, start: int, end: int) -> Int64:
    """Time from 0 to each t that lies in the daily span [start, end), which may run over midnight (ms)."""
    days, rest = np.divmod(t, DAY)
    evening = np.clip(rest - start, 0, min(end, DAY) - start)
    morning = np.clip(rest, 0, max(end - DAY, 0))
    return days * (end - start) + evening + morning
