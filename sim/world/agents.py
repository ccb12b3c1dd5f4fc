"""Agents: in-house and outsourced seats, learning, star grades and what follows from them, turnover (F3, F34)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.sections.staff import AgentStaff, Contract
from sim.service.tables import Float64, Int32, Int64
from sim.world.chance import Chance
from sim.world.flows import Bool, CaseRows, ContactRows
from sim.world.rosters import Seats, own_pace, per_day

MIDDLE_GRADE = 3.0
"""Middle of the scale of stars, 1 to 5: whoever is neither good nor bad."""

LOWEST_GRADE, HIGHEST_GRADE = 1.0, 5.0
MONTHS_OF_QUARTER = 3


@dataclass(frozen=True)
class DaysWork:
    """Contacts that each server answered first, and cases that each closed, on one day: float64 (S,)."""

    answered: Float64
    closed: Float64


class Evidence:
    """What is known of each agent since the last grading: float64 (N,) sums over cases closed and contacts answered."""

    def __init__(self, count: int) -> None:
        self.cases = np.zeros(count)
        self.satisfaction = np.zeros(count)
        self.solved = np.zeros(count)
        self.contacts = np.zeros(count)
        self.log_minutes = np.zeros(count)

    def add(
        self, servers: Int32, work: DaysWork, cases: CaseRows, satisfaction: Float64, contacts: ContactRows
    ) -> None:
        """Count a day's rows: a case for who closed it, a contact for who answered it first."""
        size = work.closed.size
        self.cases += work.closed[servers]
        self.satisfaction += by_server(cases.last_server, size, satisfaction)[servers]
        self.solved += by_server(cases.last_server, size, cases.solved)[servers]
        # Times are spread over orders of magnitude, so that their logarithm is what differs between agents.
        log_minutes = np.log1p(np.maximum(contacts.ended - contacts.answered_at, 0) / 60_000)
        self.contacts += work.answered[servers]
        self.log_minutes += by_server(contacts.server, size, log_minutes)[servers]

    def keep(self, share: float, of: Int64 | slice = slice(None)) -> None:
        """Let only a share of it count from now on."""
        for sums in (self.cases, self.satisfaction, self.solved, self.contacts, self.log_minutes):
            sums[of] *= share


def by_server(server: Int32, size: int, weights: Float64 | Bool | None = None) -> Float64:
    """Rows, or the sum of their weights, of each of ``size`` servers; rows of nobody (−1) are left out."""
    return np.bincount(server + 1, weights=weights, minlength=size + 1)[1:].astype(np.float64)


def standard_scores(values: Float64, pool: Int64) -> Float64:
    """Values in standard deviations from the mean of their pool; 0 in a pool without spread (all of one shape)."""
    count = np.maximum(np.bincount(pool), 1)
    apart = values - (np.bincount(pool, weights=values) / count)[pool]
    spread = np.sqrt(np.bincount(pool, weights=apart**2) / count)[pool]
    return np.where(spread > 1e-12, apart / np.maximum(spread, 1e-12), 0.0)


def lowest(order: Int64, share: float) -> Int64:
    """The share (rounded half up) of those in ``order`` who stand first in it."""
    return order[: int(share * order.size + 0.5)]


class Agents:
    """The agents' seats, N of them. Days are lived in order: ``morning`` uses up training, ``evening`` moves people.

    ``servers`` : int32 (N,). ``outsourced`` : bool (N,). ``ordered`` : bool (N,), seats that are to work this day.
    ``stars`` : int64 (N,), the grade 1–5 awarded last (3 before). What a person is really worth is ``grade(day)``, on
    the same scale: moods see that, the platform sees the stars. ``off_floor_h`` : what training took this morning.
    """

    def __init__(
        self,
        section: AgentStaff,
        month_days: int,
        servers: Int32,
        keys: Int64,
        number: Int64,
        pool: Int64,
        chance: Chance,
    ) -> None:
        """``keys``, ``number`` (in its group) and ``pool`` : int64 (N,) of the seats."""
        self.section, self.month_days, self.servers, self.keys, self._chance = (
            section,
            month_days,
            servers,
            keys,
            chance,
        )
        self._number = number
        self._pool: Int64 = np.unique(pool, return_inverse=True)[1].astype(np.int64)
        share = section.outsourcing.share
        # Spread evenly over the group by the seat's own number: one more seat leaves all others what they are.
        self.outsourced: Bool = np.floor((number + 1) * share + 0.5) > np.floor(number * share + 0.5)
        self._quit = per_day(self._of(lambda contract: contract.turnover_per_month_share), month_days)
        self._vacancy = np.rint(self._of(lambda contract: contract.vacancy_days)).astype(np.int64)
        self._induction = np.rint(self._of(lambda contract: contract.induction_days)).astype(np.int64)
        self._start = self._of(lambda contract: contract.learning.start_speed_share)
        self._full_days = self._of(lambda contract: contract.learning.full_speed_days)
        self._grade_lost_new = self._of(lambda contract: contract.grade_lost_new)
        self.seats = Seats(keys, self._quit, chance)
        self._own_pace = np.ones(servers.size)
        self._own_grade = np.zeros(servers.size)
        self._gain = np.zeros(servers.size)
        self._grade_gain = np.zeros(servers.size)
        self._meet(slice(None))
        self._orders: list[float] = []
        self._rank = np.full(servers.size, -1, dtype=np.int64)
        out = np.flatnonzero(self.outsourced)
        self._rank[out[np.lexsort((servers[out], number[out]))]] = np.arange(out.size)
        self.ordered = np.ones(servers.size, dtype=np.bool_)
        self.stars = np.full(servers.size, round(MIDDLE_GRADE), dtype=np.int64)
        self._evidence = Evidence(servers.size)
        self._streaks = {
            name: np.zeros(servers.size, dtype=np.int64) for name in ("low", "one_star", "bad_quarters", "cards")
        }
        self._quarter = np.zeros((2, servers.size))
        self._away_until = np.zeros(servers.size, dtype=np.int64)
        self._training_h = np.zeros(servers.size)
        self._coaching_h = np.zeros(servers.size)
        self.changed = True

    def _of(self, value: Callable[[Contract], float]) -> Float64:
        return np.where(self.outsourced, value(self.section.outsourced), value(self.section.in_house))

    def _meet(self, seats: Int64 | slice) -> None:
        """Pace and grade of the persons on some seats, from their own luck."""
        if self.section.pace_cv > 0:
            self._own_pace[seats] = own_pace(self.seats.scores("staff:pace", seats), self.section.pace_cv)
        spread = self.section.grade_sd
        own = spread * self.seats.scores("staff:grade", seats) if spread > 0 else 0.0
        lost = self._of(lambda contract: contract.grade_lost)[seats]
        self._own_grade[seats] = MIDDLE_GRADE + own - lost

    # ── a day ────────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def on_payroll(self) -> int:
        """Agents there are; with the vacancies all seats."""
        return int(np.count_nonzero(self.seats.filled))

    @property
    def vacancies(self) -> int:
        """Seats that nobody sits on."""
        return int(self.servers.size - self.on_payroll)

    def learning(self, day: int) -> bool:
        """Whether somebody's pace is still on its way on a day."""
        return bool(((day - self.seats.since <= self._full_days + 1) & self.seats.filled).any())

    def pace(self, day: int) -> Float64:
        """Pace (N,) of a day, relative to the group's: own, coached, and what is learnt."""
        learnt = self._start + (1 - self._start) * self.seats.progress(day, self._full_days)
        return self._own_pace * (1 + self._gain) * learnt

    def grade(self, day: int) -> Float64:
        """What each agent is worth (N,) on the scale of stars."""
        lost = self._grade_lost_new * (1 - self.seats.progress(day, self._full_days))
        return np.clip(self._own_grade + self._grade_gain - lost, LOWEST_GRADE, HIGHEST_GRADE)

    def paid(self) -> Bool:
        """Who is paid (N,) this day: seats that are filled and ordered."""
        return self.seats.filled & self.ordered

    def in_class(self, day: int) -> Bool:
        """Who is off the floor (N,) all day: new ones, and those who are retrained."""
        return self.paid() & ((self.seats.since > day) | (self._away_until > day))

    def later_h(self, day: int, here: Bool) -> Float64:
        """Hours (N,) of training and coaching of those who are ``here`` (bool (N,)), used up by asking."""
        monthly = self.section.training_h_per_month
        if monthly > 0:
            # Everybody has a day of the month from which on this month's hours are due.
            self._training_h[((day + self._number) % self.month_days == 0) & self.seats.filled] += monthly
        due = self._training_h + self._coaching_h
        hours = np.where(here, np.minimum(due, self.section.off_floor_h_per_day), 0.0)
        if hours.any():
            coached = np.minimum(self._coaching_h, hours)
            self._coaching_h -= coached
            self._training_h = np.maximum(self._training_h - (hours - coached), 0.0)
            done = np.flatnonzero((coached > 0) & (self._coaching_h < 1e-9))
            self._coaching_h[done] = 0.0
            grading = self.section.grading
            self._improve(done, grading.coaching_pace_gain_share, grading.coaching_grade_gain)
        return hours

    def evening(
        self, day: int, work: DaysWork, cases: CaseRows, satisfaction: Float64, contacts: ContactRows, orders: float
    ) -> tuple[int, int]:
        """Grade at the end of a month, let people go, fill seats for the next day.

        Parameters
        ----------
        work : of all servers. orders : placed on this day, for the next forecast.

        Returns
        -------
        Agents lost this evening, and agents who begin the next morning.
        """
        if not self.servers.size:
            return 0, 0
        grading = self.section.grading
        self._evidence.add(self.servers, work, cases, satisfaction, contacts)
        going = self.seats.filled & (self._chance.uniform("staff:quit", self.keys, day) < self._quit)
        if (day + 1) % self.month_days == 0:
            going |= self._month_ends(day)
            self._evidence.keep(grading.carried_share)
        gone = np.flatnonzero(going)
        self.seats.empty(gone, day + 1 + self._vacancy[gone])
        new = self.seats.fill(day + 1, self._induction)
        if new.size:
            self._begin(new)
        self._order_seats(day, orders)
        return int(gone.size), int(new.size)

    def _begin(self, new: Int64) -> None:
        """Everything that belongs to a person starts afresh."""
        self._meet(new)
        for own in (self._gain, self._grade_gain, self._training_h, self._coaching_h):
            own[new] = 0.0
        for streak in self._streaks.values():
            streak[new] = 0
        self._quarter[:, new] = 0.0
        self._away_until[new] = 0
        self.stars[new] = round(MIDDLE_GRADE)
        self._evidence.keep(0.0, new)
        self.changed = True

    def _improve(self, seats: Int64, pace: float, grade: float) -> None:
        most = self.section.grading
        self._gain[seats] = np.minimum(self._gain[seats] + pace, most.most_pace_gain_share)
        self._grade_gain[seats] = np.minimum(self._grade_gain[seats] + grade, most.most_grade_gain)
        self.changed |= bool(seats.size)

    def _order_seats(self, day: int, orders: float) -> None:
        """Outsourced seats of the next day, from the forecast that was fixed for it days ago (F3)."""
        rule = self.section.outsourcing
        self._orders.append(orders)
        known = day + 2 - round(rule.fixed_ahead_days)
        if rule.least_seats_share >= 1 or known <= 0:
            return  # all seats are ordered, also before a first forecast
        seen = self._orders[max(known - round(rule.forecast_over_days), 0) : known]
        wanted = sum(seen) / len(seen) / rule.orders_per_seat_per_day
        outsourced = int(np.count_nonzero(self.outsourced))
        share = wanted / self.servers.size
        seats = max(int(rule.least_seats_share * outsourced + 0.5), int(share * outsourced + 0.5))
        self.ordered = self._rank < seats

    # ── the end of a month (F34) ─────────────────────────────────────────────────────────────────────────────────

    def scores(self) -> tuple[Int64, Float64]:
        """Agents who are graded, and their scores: satisfaction, resolution and pace in standard scores, weighted."""
        known, rules = self._evidence, self.section.grading
        graded = np.flatnonzero(self.seats.filled & (known.cases + 1e-9 >= rules.from_cases))
        pool, cases = self._pool[graded], known.cases[graded]
        quick = -known.log_minutes[graded] / np.maximum(known.contacts[graded], 1.0)
        return graded, (
            rules.satisfaction_weight * standard_scores(known.satisfaction[graded] / cases, pool)
            + rules.resolution_weight * standard_scores(known.solved[graded] / cases, pool)
            + rules.pace_weight * standard_scores(quick, pool)
        )

    def _month_ends(self, day: int) -> Bool:
        """Stars, coaching, retraining; who has to go (N,)."""
        rules, streaks = self.section.grading, self._streaks
        graded, score = self.scores()
        # Equals are told apart by lot, else the same seat would always be the lowest.
        lot = self._chance.uniform("staff:equals", self.keys[graded], day)
        order = graded[np.lexsort((lot, score))]
        self._award(order)
        self._coach(order)
        lowest_ones = np.zeros(self.servers.size, dtype=np.bool_)
        lowest_ones[lowest(order, rules.lowest_share)] = True
        streaks["low"] = np.where(lowest_ones, streaks["low"] + 1, 0)
        one_star = np.zeros(self.servers.size, dtype=np.bool_)
        one_star[order] = self.stars[order] == 1
        streaks["one_star"] = np.where(one_star, streaks["one_star"] + 1, 0)
        self._retrain(day)
        self._quarter[0, graded] += score
        self._quarter[1, graded] += 1
        going = (
            self._quarter_ends() if (day + 1) // self.month_days % MONTHS_OF_QUARTER == 0 else np.zeros_like(one_star)
        )
        if rules.yellow_card_per_month_share > 0:
            streaks["cards"] += self._chance.uniform("staff:card", self.keys, day) < rules.yellow_card_per_month_share
        if rules.yellow_cards:
            going |= streaks["cards"] >= rules.yellow_cards
        return going & self.seats.filled

    def _award(self, order: Int64) -> None:
        """Stars 1–5 by rank among the graded (``order`` : lowest first)."""
        rules = self.section.grading
        steps = [rules.outer_star_share, rules.inner_star_share]
        bounds = np.cumsum([*steps, 1 - 2 * sum(steps), steps[1]])
        place = (np.arange(order.size) + 0.5) / max(order.size, 1)
        self.stars[order] = 1 + np.searchsorted(bounds, place, side="right")

    def _coach(self, order: Int64) -> None:
        rules = self.section.grading
        coached = lowest(order, rules.coached_share)
        if rules.coaching_h > 0:
            self._coaching_h[coached] = rules.coaching_h
        else:
            self._improve(coached, rules.coaching_pace_gain_share, rules.coaching_grade_gain)

    def _retrain(self, day: int) -> None:
        """A week off the floor for those who were lowest, or had one star, too many months in a row."""
        rules, low, one_star = self.section.grading, self._streaks["low"], self._streaks["one_star"]
        again = np.zeros(self.servers.size, dtype=np.bool_)
        if rules.lowest_months:
            again |= low >= rules.lowest_months
        if rules.one_star_months:
            again |= one_star >= rules.one_star_months
        who = np.flatnonzero(again)
        low[who] = one_star[who] = 0
        self._away_until[who] = day + 1 + round(rules.retraining_days)
        self._improve(who, rules.retraining_pace_gain_share, rules.retraining_grade_gain)

    def _quarter_ends(self) -> Bool:
        """Who was among the lowest of too many quarters in a row."""
        rules, bad = self.section.grading, self._streaks["bad_quarters"]
        known = np.flatnonzero((self._quarter[1] > 0) & self.seats.filled)
        mean = self._quarter[0, known] / self._quarter[1, known]
        worst = lowest(known[np.argsort(mean, kind="stable")], rules.coached_share)
        again = np.zeros(self.servers.size, dtype=np.int64)
        again[worst] = bad[worst] + 1
        self._streaks["bad_quarters"] = again
        self._quarter[:] = 0.0
        return again >= rules.bad_quarters if rules.bad_quarters else np.zeros(self.servers.size, dtype=np.bool_)
