"""Moods of an evening: how users feel about closed cases, and what they do about it.

A case is judged once, on the evening on which it closed for good, by its own luck: the same case in another scenario
differs by how it was served, by nothing else. Waiting and hand-overs act on satisfaction, satisfaction on rating,
leaving and telling others; complaints (``sim.world.escalation``) take what is left without the two, which act there by
themselves. What users do acts from the next morning on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.sections.moods import MoodSection
from sim.service.arrivals import DAY
from sim.service.day_records import DayRecords
from sim.service.record import Names
from sim.service.tables import Float64, Int64
from sim.service.topics import CAUSES
from sim.world.chance import Chance
from sim.world.compensation import Compensation, Paid
from sim.world.escalation import Complaints, Escalation
from sim.world.flows import CHANNELS, Bool, CaseRows, Delivery, Moods, Problems, Today
from sim.world.geography import Geography
from sim.world.segments import SegmentMix

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
PHONE, GROUP = CHANNELS.index("phone"), CHANNELS.index("group")
LATE = CAUSES.index("late")
WORST, MIDDLE, BEST = 1.0, 3.0, 5.0
"""The scale of a satisfaction, and of a server's grade."""

LEAST_CLAIM_YUAN = 1e-9
"""A claim counts as no less where compensation is measured by it."""

LARGEST_EXPONENT = 700.0
"""From here on a chance to leave is 0 in any case; the bound keeps the number finite."""

REMEMBERED_DAYS = 64
"""Announcements are looked up so far back; cases about older goods count as not announced."""


class Mood:
    """Judges closed cases, and counts what silent problems and refunds leave behind.

    ``community_mood`` : float64 (C,), mean satisfaction of yesterday's cases less ``mood_neutral``, 0 without a case.

    Parameters
    ----------
    section : all numbers.
    segments : how users differ (F1).
    geography : communities.
    names : names of the run's servers; ``grade`` has one entry for each.
    chance : draws, keyed by case, or by community and day.
    basket_yuan : mean value of an order.
    records : sums of satisfaction, ratings, complaints and compensation are added to it, if given.
    """

    def __init__(
        self,
        section: MoodSection,
        segments: SegmentMix,
        geography: Geography,
        names: Names,
        chance: Chance,
        basket_yuan: float,
        records: DayRecords | None = None,
    ) -> None:
        self.section, self.segments, self.geography = section, segments, geography
        self.chance, self.records = chance, records
        self.servers = len(names.server_groups)
        self.compensation = Compensation(section.compensation, basket_yuan, chance)
        self.escalation = Escalation(section.escalation, self.compensation.claim_mean_yuan, chance)
        self.community_mood: Float64 = np.zeros(geography.size)
        satisfaction = section.satisfaction
        self._start = np.array([satisfaction.unsolved_start, satisfaction.solved_start, satisfaction.given_up_start])
        self._cause_points = np.array([satisfaction.cause_points.get(cause, 0.0) for cause in CAUSES])  # type: ignore[call-overload]
        # Only cases that were spoken up about are judged: the demanding are more of them than of the users.
        self._upto = [np.cumsum(segments.posterior(phone, voiced=True))[:-1] for phone in (False, True)]
        self._announced = np.zeros((REMEMBERED_DAYS, geography.size))

    def evening(
        self, today: Today, cases: CaseRows, problems: Problems, delivery: Delivery, grade: NDArray[np.float64]
    ) -> Moods:
        """Judge a day.

        Parameters
        ----------
        today : the day.
        cases : cases that closed for good today.
        problems : today's problems; the silent and the refunded ones are counted here, the others are cases.
        delivery : today's goods; remembered for its announcements.
        grade : float64 (S,), stars of the servers, 1–5.
        """
        section, keys = self.section, cases.draw_key
        self._announced[today.day % REMEMBERED_DAYS] = np.nan_to_num(delivery.announced_share)
        segment = self._segment(cases)
        paid = self.compensation.pay(cases)
        waited_ms = np.where(cases.first_response >= 0, cases.first_response, cases.closed - cases.arrived)
        wait_off = section.satisfaction.wait_points * np.log2(
            1 + waited_ms / (section.satisfaction.wait_scale_min * MINUTE_MS)
        )
        hop_off = section.satisfaction.hop_points * cases.hops
        felt = self._felt(today, cases, paid, segment, grade)
        satisfaction = np.clip(felt - wait_off - hop_off, WORST, BEST)
        rated, recorded = self._rated(cases, satisfaction)
        mended = self._mended(cases, recorded)
        felt += mended
        satisfaction = np.clip(felt - wait_off - hop_off, WORST, BEST)

        discontent = np.maximum(section.escalation.content_from - np.clip(felt, WORST, BEST), 0.0)
        impulse = self.escalation.impulse(cases, discontent, waited_ms / HOUR_MS, self.segments.voiced[segment])
        complaints = self.escalation.complaints(cases, impulse, paid.claim_yuan)
        posts, deeds = self._told(cases, satisfaction)
        scandals = posts & paid.severe
        if scandals.any():
            scandals &= self.chance.uniform("scandal", keys) < section.posts.scandal_share
        unhappy, happy = self._experiences(cases, problems, satisfaction)
        moods = Moods(
            satisfaction=satisfaction,
            rated=rated,
            recorded=recorded,
            compensation_yuan=paid.yuan,
            complains=complaints.made,
            place=complaints.place,
            complaint_cause=complaints.cause,
            third_party=complaints.third_party,
            unhappy=unhappy,
            happy=happy,
            leaves=self._leaves(today, cases, problems, satisfaction),
            posts=self._by_community(cases, posts).astype(np.int64),
            good_deeds=self._by_community(cases, deeds).astype(np.int64),
            scandal=bool(scandals.any()),
            escalations=self._tomorrow(cases, complaints),
        )
        self._remember(cases, satisfaction)
        self._record(today.day, cases, moods)
        return moods

    # ── satisfaction ─────────────────────────────────────────────────────────────────────────────────────────────

    def _segment(self, cases: CaseRows) -> Int64:
        """Segment of each case's user: drawn, given that he spoke up and whether he called."""
        u = self.chance.uniform("segment", cases.draw_key)
        written, called = (np.searchsorted(upto, u, side="right") for upto in self._upto)
        return np.where(cases.channel == PHONE, called, written)

    def _felt(self, today: Today, cases: CaseRows, paid: Paid, segment: Int64, grade: NDArray[np.float64]) -> Float64:
        """Satisfaction, not cut, before what the wait and the hand-overs take off."""
        s = self.section.satisfaction
        felt = self._start[np.where(cases.given_up, 2, cases.solved)] - self.segments.strictness[segment]
        felt -= s.ask_points * (cases.asks - 1)
        felt -= s.time_points * np.log2(1 + (cases.closed - cases.arrived) / (s.time_scale_h * HOUR_MS))
        felt -= s.reopened_points * cases.reopened
        late = cases.cause == LATE
        felt -= self._cause_points[cases.cause] * np.where(late, self.segments.late[segment], 1.0)
        if s.announced_points > 0 and late.any():
            felt += s.announced_points * (late & self._announced_to(today, cases))
        claim = np.maximum(paid.claim_yuan, LEAST_CLAIM_YUAN)
        felt += s.compensation_points * np.minimum(paid.yuan / claim, s.compensation_most_ratio)
        felt += s.refund_points * paid.refunded + s.call_back_points * cases.called_back
        if s.grade_points > 0 and self.servers:
            felt += s.grade_points * np.where(cases.last_server >= 0, grade[cases.last_server] - MIDDLE, 0.0)
        if s.noise_sd > 0:
            felt += s.noise_sd * self.chance.normal("noise", cases.draw_key)
        if s.mood_weight > 0:
            felt += s.mood_weight * self.community_mood[cases.community]
        return felt

    def _announced_to(self, today: Today, cases: CaseRows) -> Bool:
        """Whether the user of a case was told of the delay: with the share of the day of the first contact."""
        day = cases.arrived // DAY
        share = self._announced[day % REMEMBERED_DAYS, cases.community]
        share = np.where(today.day - day < REMEMBERED_DAYS, share, 0.0)
        return self.chance.uniform("announced", cases.draw_key) < share

    def _rated(self, cases: CaseRows, satisfaction: Float64) -> tuple[Bool, Float64]:
        """Who rates, and what is recorded (NaN where nothing is)."""
        r = self.section.rating
        away = (satisfaction - MIDDLE) / (BEST - MIDDLE)
        chance = r.rated_share * (1 + np.where(away < 0, r.unhappy_extra, r.happy_extra) * away**2)
        chance[cases.given_up] *= r.given_up_factor
        rated = self.chance.uniform("rates", cases.draw_key) < chance
        seen = satisfaction
        if r.closed_early_share > 0:
            early = self.chance.uniform("closed_early", cases.draw_key) < r.closed_early_share
            seen = satisfaction + r.closed_early_points * early
        return rated, np.where(rated, np.clip(np.floor(seen + 0.5), WORST, BEST), np.nan)

    def _mended(self, cases: CaseRows, recorded: Float64) -> Float64 | float:
        """Points that second calls give back."""
        call = self.section.second_call
        if not call.share:
            return 0.0
        called = recorded <= call.unhappy_at_most  # no number: False
        called &= self.chance.uniform("second_call", cases.draw_key) < call.share
        called &= self.chance.uniform("second_call_mends", cases.draw_key) < call.mends_share
        return np.where(called, call.points, 0.0)

    # ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────

    def _told(self, cases: CaseRows, satisfaction: Float64) -> tuple[Bool, Bool]:
        """Who tells bad news in the group, and who good news (F18)."""
        p = self.section.posts
        bad = p.post_share * np.maximum((p.post_below - satisfaction) / (p.post_below - WORST), 0.0)
        bad *= np.where(cases.channel == GROUP, p.group_factor, 1.0) * np.where(cases.incident, p.incident_factor, 1.0)
        good = p.deed_share * np.maximum((satisfaction - p.deed_above) / (BEST - p.deed_above), 0.0)
        keys = cases.draw_key
        return self.chance.uniform("posts", keys) < bad, self.chance.uniform("good_deed", keys) < good

    def _leaves(self, today: Today, cases: CaseRows, problems: Problems, satisfaction: Float64) -> Int64:
        """Users (C,) who leave: for closed cases one by one, for silent and refunded problems by number."""
        loss, keys = self.section.loss, self.geography.keys
        above = np.minimum((satisfaction - loss.case_middle) / loss.case_spread, LARGEST_EXPONENT)
        chance = loss.case_most_share / (1 + np.exp(above))
        gone = self._by_community(cases, self.chance.uniform("leaves", cases.draw_key) < chance).astype(np.int64)
        if loss.silent_share or loss.refunded_share:
            number = np.stack([problems.silent.sum(axis=1), problems.refunded.sum(axis=1)])
            share = np.array([[loss.silent_share], [loss.refunded_share]])
            slot = np.arange(2, dtype=np.int64)[:, None]
            gone += self.chance.binomial("leaves_unheard", number, share, keys, today.day, slot).sum(axis=0)
        return gone

    def _experiences(self, cases: CaseRows, problems: Problems, satisfaction: Float64) -> tuple[Float64, Float64]:
        """Bad and good experiences (C,), in people (F17)."""
        loss = self.section.loss
        unhappy = self._by_community(cases, satisfaction < loss.unhappy_below)
        unhappy += loss.silent_unhappy_weight * problems.silent.sum(axis=1)
        happy = self._by_community(cases, satisfaction > loss.happy_above)
        happy += loss.refunded_happy_weight * problems.refunded.sum(axis=1)
        return unhappy, happy

    def _tomorrow(self, cases: CaseRows, complaints: Complaints) -> Int64:
        """Complaints (C, H) that come in as contacts tomorrow; what is told in the group makes none."""
        shape = (self.geography.size, len(CHANNELS))
        rows = np.flatnonzero(complaints.contact)
        at = cases.community[rows].astype(np.int64) * shape[1] + complaints.place[rows]
        return np.bincount(at, minlength=shape[0] * shape[1]).reshape(shape)

    def _by_community(self, cases: CaseRows, weight: NDArray[Any]) -> Float64:
        return np.bincount(cases.community, weights=weight, minlength=self.geography.size).astype(np.float64)

    def _remember(self, cases: CaseRows, satisfaction: Float64) -> None:
        """Keep the communities' moods for tomorrow."""
        if self.section.satisfaction.mood_weight > 0:
            number = np.bincount(cases.community, minlength=self.geography.size)
            above = self._by_community(cases, satisfaction - self.section.satisfaction.mood_neutral)
            self.community_mood = above / np.maximum(number, 1)

    def _record(self, day: int, cases: CaseRows, moods: Moods) -> None:
        records = self.records
        if records is None or not cases.case.size:
            return
        city = self.geography.city[cases.community].astype(np.int64)
        codes = (city, cases.channel.astype(np.int64), cases.cause.astype(np.int64))
        records.count("satisfaction_true", day, *codes, weights=moods.satisfaction)
        records.count("compensation_yuan", day, *codes, weights=moods.compensation_yuan)
        rated = tuple(code[moods.rated] for code in codes)
        records.count("ratings", day, *rated)
        records.count("satisfaction_recorded", day, *rated, weights=moods.recorded[moods.rated])
        made = moods.complains
        place, about = moods.place[made].astype(np.int64), moods.complaint_cause[made].astype(np.int64)
        records.count("complaints", day, city[made], place, about)
