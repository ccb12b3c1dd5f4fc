"""Complaints that go beyond the case: who makes one, where (F13), and what it is about (F12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.sections.moods import Escalation as Section
from sim.service.tables import Float64
from sim.service.topics import CAUSES
from sim.world.chance import Chance
from sim.world.flows import CHANNELS, Bool, CaseRows

PLACES = ("own_entry", "group", "regulator", "social")
"""Where a user may complain; the order of the columns here."""

CODES = np.array([CHANNELS.index(place) for place in PLACES], dtype=np.int8)
GROUP = CHANNELS.index("group")
PASSED_AROUND = CAUSES.index("passed_around")
THIRD_PARTIES = tuple(place for place in PLACES if place != "own_entry")
BECOME_CONTACTS = tuple(place for place in PLACES if place != "group")


@dataclass(frozen=True)
class Complaints:
    """Of each case: bool ``made``; int8 ``place`` (``CHANNELS``) and ``cause`` (``CAUSES``), 0 where none is made; bool
    ``third_party`` (not with the platform itself); bool ``contact`` (comes in tomorrow)."""

    made: Bool
    place: NDArray[np.int8]
    cause: NDArray[np.int8]
    third_party: Bool
    contact: Bool


class Escalation:
    """Complaints of one evening's closed cases.

    Parameters
    ----------
    section : propensities.
    claim_mean_yuan : the claim that makes no difference to the place.
    chance : draws, keyed by case.
    """

    def __init__(self, section: Section, claim_mean_yuan: float, chance: Chance) -> None:
        self.section, self.chance, self.claim_mean_yuan = section, chance, claim_mean_yuan
        weight = np.array([section.place_weights.get(place, 0.0) for place in PLACES])  # type: ignore[call-overload]
        by_channel = np.tile(weight, (len(CHANNELS), 1))
        for column, place in enumerate(PLACES):
            code = CHANNELS.index(place)
            by_channel[code, column] *= section.group_case_factor if code == GROUP else 0.0
        self._weight = by_channel
        self._power = np.array([section.claim_powers.get(place, 0.0) for place in PLACES])  # type: ignore[call-overload]
        named = np.zeros((2, len(CHANNELS)), dtype=np.bool_)
        for row, places in enumerate((THIRD_PARTIES, BECOME_CONTACTS)):
            named[row, [CHANNELS.index(place) for place in places]] = True
        self._third_party, self._contact = named

    def impulse(self, cases: CaseRows, discontent: Float64, waited_h: Float64, voiced: Float64) -> Float64:
        """Impulse to complain: discontent, waiting, hand-overs and having given up, each in proportion, added up.

        Parameters
        ----------
        cases : rows.
        discontent : points below content, without what waiting and hand-overs took off.
        waited_h : hours until the first response.
        voiced : how much rather the user's segment speaks up.
        """
        s = self.section
        impulse = s.discontent_per_point * discontent
        impulse += s.waiting_per_h * np.minimum(waited_h, s.waiting_most_h)
        impulse += s.per_hop * cases.hops + s.given_up * cases.given_up
        if s.voiced_power > 0:
            impulse *= voiced**s.voiced_power
        return impulse

    def complaints(self, cases: CaseRows, impulse: Float64, claim_yuan: Float64) -> Complaints:
        """Who complains, with chance 1 − exp(−impulse), where, and what about."""
        size = cases.case.size
        made = self.chance.uniform("complains", cases.draw_key) < -np.expm1(-impulse)
        place = np.zeros(size, dtype=np.int8)
        rows = np.flatnonzero(made)
        if rows.size:
            place[rows] = self._places(cases, claim_yuan, rows)
            made &= place > 0
        s = self.section
        passed = (cases.hops > s.passed_around_above_hops) | (cases.asks > s.passed_around_above_asks)
        cause = np.where(made, np.where(passed, np.int8(PASSED_AROUND), cases.cause), np.int8(0))
        return Complaints(made, place, cause, self._third_party[place], self._contact[place])

    def _places(self, cases: CaseRows, claim_yuan: Float64, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Places (codes) of the complaints in these rows; 0 where none is left to turn to."""
        weight = self._weight[cases.channel[rows]]
        if self._power.any() and self.claim_mean_yuan > 0:
            weight = weight * (claim_yuan[rows] / self.claim_mean_yuan)[:, None] ** self._power
        upto = np.cumsum(weight, axis=1)
        drawn = self.chance.uniform("complains_where", cases.draw_key[rows]) * upto[:, -1]
        column = np.minimum((upto <= drawn[:, None]).sum(axis=1), len(PLACES) - 1)
        return np.where(upto[:, -1] > 0, CODES[column], np.int8(0))
