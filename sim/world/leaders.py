"""Leaders: days off, exams and activities, why they quit, whom they take along, who follows (F2, F34, F36, F64)."""

from __future__ import annotations

import numpy as np

from sim.sections.staff import LeaderStaff, Quitting
from sim.service.tables import Float64, Int32, Int64
from sim.world.chance import Chance
from sim.world.flows import Bool, Delivery
from sim.world.geography import Geography
from sim.world.rosters import Seats, own_pace, per_day


class Feelings:
    """What each leader has got used to: float64 (L,) moving means over ``memory_days`` of hours of service and of
    goods, and of orders, a day; ``days`` int64 (L,) on the post."""

    def __init__(self, count: int, memory_days: float) -> None:
        self._memory = memory_days
        self.days = np.zeros(count, dtype=np.int64)
        self.service_h = np.zeros(count)
        self.goods_h = np.zeros(count)
        self.orders = np.zeros(count)

    def live(self, there: Bool, service_h: Float64, goods_h: Float64, orders: Int64) -> None:
        """Take in a day of those who are on their posts: a plain mean at first, then one that forgets."""
        self.days += there
        weight = np.where(there, 1.0 / np.clip(self.days, 1, self._memory), 0.0)
        self.service_h += weight * (service_h - self.service_h)
        self.goods_h += weight * (goods_h - self.goods_h)
        self.orders += weight * (orders - self.orders)

    def forget(self, who: Int64) -> None:
        """Somebody new begins."""
        self.days[who] = 0
        for felt in (self.service_h, self.goods_h, self.orders):
            felt[who] = 0.0

    @property
    def judging(self) -> Bool:
        """Who has been there long enough to judge (L,)."""
        return self.days >= self._memory


def pressure(rule: Quitting, service_h: Float64, goods_h: Float64, income_yuan_per_month: Float64) -> Float64:
    """Factor on the base hazard of quitting, at least 1 (all of one shape).

    exp(w_s · s + w_l · l + w_i · i): s, felt hours of service (process burden × hours) above what is bearable (F36); l,
    hours of goods and of service above the bearable whole, without those that s already counts (F64); i, the missing
    share of the income floor.
    """
    felt = rule.process_burden * service_h
    service = np.maximum(felt - rule.bearable_service_h, 0.0)
    load = np.maximum(goods_h + np.minimum(felt, rule.bearable_service_h) - rule.bearable_work_h, 0.0)
    floor = rule.income_floor_yuan_per_month
    missing = np.maximum(1 - income_yuan_per_month / floor, 0.0) if floor > 0 else np.zeros_like(felt)
    # Any exponent above this hits the cap of the hazard; the bound keeps the number finite.
    exponent = rule.service_weight_per_h * service + rule.work_weight_per_h * load + rule.income_weight * missing
    return np.exp(np.minimum(exponent, 50.0))


class Leaders:
    """The leaders' posts, L of them, in the order of the geography. Days are lived in order.

    ``servers`` : int32 (L,). ``active`` : bool (L,), who has a shop on the day that comes next (or is under way): on
    the post and not suspended.
    """

    def __init__(
        self, section: LeaderStaff, month_days: int, servers: Int32, geography: Geography, chance: Chance
    ) -> None:
        self.section, self.month_days, self.servers, self._chance = section, month_days, servers, chance
        self.keys = geography.leader_key
        self._community, self._communities = geography.leader_community, geography.size
        rule = section.quitting
        count = servers.size
        base = per_day(np.full(count, rule.base_per_month_share), month_days)
        self.seats = Seats(self.keys, base, chance)
        self._full_days = np.full(count, section.learning.full_speed_days)
        self._at_once = np.zeros(count, dtype=np.int64)
        self._own_pace = np.ones(count)
        self._meet(slice(None))
        self.feelings = Feelings(count, rule.memory_days)
        self._failed = np.zeros(count, dtype=np.int64)
        self._missed = np.zeros(count, dtype=np.int64)
        self._suspended_until = np.zeros(count, dtype=np.int64)
        self.active = np.ones(count, dtype=np.bool_)
        self.changed = True

    def _meet(self, seats: Int64 | slice) -> None:
        if self.section.pace_cv > 0:
            self._own_pace[seats] = own_pace(self.seats.scores("staff:pace", seats), self.section.pace_cv)

    # ── a day ────────────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, day: int) -> Bool:
        """Who opens on a day (L,): active, and not on a day off."""
        if not self.section.day_off_share:
            return self.active
        return self.active & (self._chance.uniform("staff:day off", self.keys, day) >= self.section.day_off_share)

    def learning(self, day: int) -> bool:
        """Whether somebody's pace is still on its way on a day."""
        return bool(((day - self.seats.since <= self._full_days + 1) & self.seats.filled).any())

    def pace(self, day: int) -> Float64:
        """Pace (L,) of a day, relative to the group's: own, and what is learnt."""
        start = self.section.learning.start_speed_share
        return self._own_pace * (start + (1 - start) * self.seats.progress(day, self._full_days))

    def evening(
        self,
        day: int,
        answered: Float64,
        closed: Float64,
        delivery: Delivery,
        users: Int64,
        leaving: Bool | None = None,
    ) -> tuple[Int64, Int64, Int64]:
        """Feel the day, sit the exam, quit or stay; fill posts for the next day.

        Parameters
        ----------
        answered, closed : float64 (L,), contacts answered first and cases closed by each.
        users : int64 (C,), from whom those taken along are taken.
        leaving : bool (L,), who quits this evening for a reason of the scenario's; None: nobody.

        Returns
        -------
        int64 (C,): leaders lost, leaders who begin the next morning, users taken along.
        """
        rule = self.section.quitting
        self._feel(answered, closed, delivery)
        if (day + 1) % self.month_days == 0:
            self._month_ends(day)
        going = self._chance.uniform("staff:quit", self.keys, day) < self.hazard()
        if leaving is not None:
            going |= leaving
        going &= self.seats.filled
        gone = np.flatnonzero(going)
        taken = self._users_taken(day, gone, users)
        delay = round(rule.replaced_after_days)
        self.seats.empty(gone, np.full(gone.size, day + 1 + delay, dtype=np.int64))
        new = self.seats.fill(day + 1, self._at_once)
        if new.size:
            self._begin(new)
        self.active = self.seats.filled & (self._suspended_until <= day + 1)
        return self._by_community(gone), self._by_community(new), taken

    def hazard(self) -> Float64:
        """Chance of quitting this evening (L,). Who has not been there for ``memory_days`` knows no pressure yet."""
        rule, felt = self.section.quitting, self.feelings
        income = rule.commission_share * rule.basket_yuan * felt.orders * self.month_days
        factor = np.where(felt.judging, pressure(rule, felt.service_h, felt.goods_h, income), 1.0)
        most = max(rule.most_per_month_share, rule.base_per_month_share)
        return per_day(np.minimum(rule.base_per_month_share * factor, most), self.month_days)

    def _feel(self, answered: Float64, closed: Float64, delivery: Delivery) -> None:
        rule = self.section.quitting
        service_h = (rule.answer_min * answered + rule.case_min * closed) / 60
        goods_h = delivery.hand_outs * (rule.hand_out_s / 3600) + delivery.round_min / 60
        self.feelings.live(self.seats.filled, service_h, goods_h, delivery.hand_outs)

    def _month_ends(self, day: int) -> None:
        """The exam and the community activity of the month (F2): two failed or missed in a row suspend orders."""
        rules, there = self.section, self.seats.filled
        suspended = np.zeros(there.size, dtype=np.bool_)
        for what_for, share, most, row in (
            ("staff:exam", rules.exam_pass_share, rules.exams_failed, self._failed),
            ("staff:activity", rules.activity_share, rules.activities_missed, self._missed),
        ):
            if share >= 1 or not most:
                continue
            missed = self._chance.uniform(what_for, self.keys, day) >= share
            row[:] = np.where(missed & there, row + 1, 0)
            suspended |= row >= most
            row[row >= most] = 0
        self._suspended_until[suspended] = day + 1 + round(rules.suspended_days)

    def _users_taken(self, day: int, gone: Int64, users: Int64) -> Int64:
        """Users (C,) who go with leaders (places ``gone``): a share, drawn evenly, of those who were his (F64).

        His are the community's users divided by its leaders of that evening.
        """
        rule = self.section.quitting
        if not gone.size or rule.users_taken_high_share <= 0:
            return np.zeros(self._communities, dtype=np.int64)
        community = self._community[gone]
        leaders = np.bincount(self._community, weights=self.seats.filled, minlength=self._communities)
        his = users[community] / leaders[community]
        low, high = rule.users_taken_low_share, rule.users_taken_high_share
        share = low + (high - low) * self._chance.uniform("staff:users taken", self.keys[gone], day)
        whole = self._chance.rounded("staff:user taken", his * share, self.keys[gone], day)
        taken = np.bincount(community, weights=whole, minlength=self._communities).astype(np.int64)
        return np.minimum(taken, users)

    def _begin(self, new: Int64) -> None:
        """Everything that belongs to a person starts afresh."""
        self._meet(new)
        self.feelings.forget(new)
        self._failed[new] = self._missed[new] = self._suspended_until[new] = 0
        self.changed = True

    def _by_community(self, places: Int64) -> Int64:
        return np.bincount(self._community[places], minlength=self._communities)
