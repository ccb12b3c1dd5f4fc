"""What goes wrong with goods, who speaks up about it, what is refunded without anybody, and who claims without cause.

An order may have several problems; each is a row of its own with a key made of community, origin, day and slot, so that
one more late order leaves every other problem, and what its user does about it, as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.sections.contacts import Claims, ContactsSection, PickUp, ProblemChances
from sim.service.tables import Float64, Int64
from sim.service.topics import CAUSES, ORDINARY
from sim.world.chance import Chance, key_of, mixed
from sim.world.flows import Delivery, Problems
from sim.world.geography import Geography
from sim.world.segments import SegmentMix

ORIGINS = {
    "quality": "quality",
    "warm": "quality",
    "late": "late",
    "missing": "missing",
    "weight": "weight",
    "pick_up": "pick_up",
    "other": "other",
    "batch": "quality",
}
"""What problems come from, each with its cause. Goods that are bad of themselves, warm or of a bad batch are three
origins of one cause, so that more of one leaves the problems of the others as they were."""

QUALITY, WARM, LATE, MISSING, _WEIGHT, _PICK_UP, _OTHER, BATCH = range(len(ORIGINS))
CAUSE_OF = np.array([CAUSES.index(cause) for cause in ORIGINS.values()], dtype=np.int64)
"""Cause (code) of each origin."""

ABUSED = key_of("problem", "abused")
"""Tells the key of a claim without a problem from that of the claim beside which it stands."""


@dataclass(frozen=True)
class Told:
    """Problems that come to agents or leaders, and claims without a problem: int64 ``community``, ``cause`` (code),
    ``number`` of the incident that the case waits for (0: none) and ``key`` of the problem."""

    community: Int64
    cause: Int64
    number: Int64
    key: Int64


class GoodsProblems:
    """What goes wrong with the goods of a day."""

    def __init__(
        self,
        section: ContactsSection,
        segments: SegmentMix,
        geography: Geography,
        due_min: float,
        chance: Chance,
    ) -> None:
        self._section = section
        self._chance = chance
        self._due_min = due_min
        self._size = geography.size
        origins = np.array([key_of("problem", origin) for origin in ORIGINS], dtype=np.int64)
        self._cells = mixed(geography.keys[:, None], origins[None, :])
        self._chances = np.array([_chance(section, origin) for origin in ORIGINS])
        claims = section.claims
        # In proportion to each segment's factor (F1): the mean stays as long as none of them speaks up always.
        self._voiced = float(segments.of_orders @ np.minimum(claims.voiced_share * segments.voiced, 1.0))
        refundable = np.array([cause in claims.refundable for cause in CAUSES])
        self._refunded = self._voiced * leniency(claims) * refundable
        self._abused = min(claims.abuse_share + claims.abuse_per_leniency * leniency(claims), 1.0)

    def of_day(self, day: int, delivery: Delivery, batch: Int64, escalations: Int64) -> tuple[Problems, Told, Int64]:
        """Problems with the goods that come on a day.

        Parameters
        ----------
        day : number from 0.
        delivery : what became of yesterday's orders.
        batch : int64 (C,), number of the bad batch in each community's goods, or −1.
        escalations : int64 (C, H), handed on.

        Returns
        -------
        problems : counts by community and cause.
        told : those that somebody hears of.
        of_batch : int64 (C,), problems that the bad batch made.
        """
        base = mixed(self._cells, day)
        counts = self._counts(delivery, batch, base)
        size, causes = self._size, len(CAUSES)
        cell, slot = spread(counts.ravel())
        key = mixed(base.ravel()[cell], slot)
        community, origin = np.divmod(cell, len(ORIGINS))
        cause = CAUSE_OF[origin]
        u = self._chance.uniform("problems:fate", key)

        claimed = np.flatnonzero(u < self._voiced)
        by_button = u[claimed] < self._refunded[cause[claimed]]
        voiced, refunded = claimed[~by_button], claimed[by_button]
        abused = claimed[self._chance.uniform("problems:abuse", key[claimed]) < self._abused]

        def table(rows: NDArray[np.int64] | slice) -> Int64:
            code = community[rows] * causes + cause[rows]
            return np.bincount(code, minlength=size * causes).reshape(size, causes)

        all_, voiced_, refunded_ = table(slice(None)), table(voiced), table(refunded)
        problems = Problems(
            all=all_,
            voiced=voiced_,
            refunded=refunded_,
            silent=all_ - voiced_ - refunded_,
            abused=table(abused),
            escalations=escalations,
        )
        number = self._incident_numbers(delivery, batch, community[voiced], origin[voiced], key[voiced])
        told = Told(
            community=np.concatenate([community[voiced], community[abused]]),
            cause=np.concatenate([cause[voiced], cause[abused]]),
            number=np.concatenate([number, np.zeros(abused.size, np.int64)]),
            key=np.concatenate([key[voiced], mixed(key[abused], ABUSED)]),
        )
        return problems, told, counts[:, BATCH]

    def _counts(self, delivery: Delivery, batch: Int64, base: Int64) -> Int64:
        """Problems by community and origin, int64 (C, origins)."""
        orders = delivery.orders
        warm, late = np.minimum(delivery.warm, orders), np.minimum(delivery.late, orders)
        n = np.empty((self._size, len(ORIGINS)), dtype=np.int64)
        n[:] = orders[:, None]
        n[:, QUALITY] -= warm
        n[:, WARM] = warm
        n[:, LATE] = late
        n[:, MISSING] = np.minimum(delivery.short, orders)
        n[:, BATCH] = 0
        p = np.empty(n.shape)
        p[:] = self._chances
        p[:, LATE] = self._late_chance(delivery)
        counts = self._chance.binomial("problems:count", n, p, base)
        hit = np.flatnonzero(batch >= 0)
        if hit.size:
            # Goods that are bad anyway are not bad twice.
            left = orders[hit] - counts[hit, QUALITY] - counts[hit, WARM]
            counts[hit, BATCH] = self._chance.binomial(
                "problems:count", left, self._chances[BATCH], np.ascontiguousarray(base[hit, BATCH])
            )
        return counts

    def _late_chance(self, delivery: Delivery) -> Float64:
        """Chance that a late order is a problem (C,): it rises with the hours, an announcement lowers it (F23)."""
        chances = self._section.problems
        hours = np.maximum(np.nan_to_num(delivery.goods_at_min) - self._due_min, 0.0) / 60
        told = 1 - delivery.announced_share * self._section.pick_up.announced_stills_share
        return np.minimum(chances.late_share + chances.late_share_per_h * hours, 1.0) * told

    def _incident_numbers(self, delivery: Delivery, batch: Int64, community: Int64, origin: Int64, key: Int64) -> Int64:
        """Number of the incident whose parent ticket each voiced problem waits for, 0 for none."""
        number = np.zeros(community.size, dtype=np.int64)
        for of, numbers in ((LATE, delivery.incident), (MISSING, delivery.short_incident), (BATCH, batch)):
            if (numbers >= ORDINARY).any():
                rows = np.flatnonzero(origin == of)
                rows = rows[numbers[community[rows]] >= ORDINARY]
                seen = self._chance.uniform("problems:parent", key[rows]) < self._section.incidents.parent_ticket_share
                number[rows[seen]] = numbers[community[rows[seen]]]
        return number


def spread(counts: Int64) -> tuple[Int64, Int64]:
    """Cell and slot (0, 1, … in its cell) of each item, in order of cells."""
    cell = np.repeat(np.arange(counts.size, dtype=np.int64), counts)
    before = np.cumsum(counts) - counts
    return cell, np.arange(cell.size, dtype=np.int64) - before[cell]


def _chance(section: ContactsSection, origin: str) -> float:
    """Chance of a problem for an order that is exposed to the origin; late orders' depends on the day."""
    of = section.problems
    return {
        "quality": quality_share(of),
        "warm": of.quality_when_warm_share,
        "late": 0.0,
        "missing": 1 - of.short_refunded_share,
        "weight": weight_share(of),
        "pick_up": of.pick_up_share * unnoticed_share(section.pick_up),
        "other": of.other_share,
        "batch": section.incidents.bad_batch_orders_share * section.incidents.bad_batch_problem_share,
    }[origin]


def quality_share(chances: ProblemChances) -> float:
    """Chance of a quality problem of goods that stayed cool, with the packing in use (F15).

    Of the problems with badly packed goods a share f₀ comes from today's packing. If that share falls to f, what does
    not come from packing stays: problems with such goods fall by the factor (1 − f₀) / (1 − f).
    """
    factor = (1 - chances.packing_fault_today_share) / (1 - chances.packing_fault_share)
    bad = chances.badly_packed_share
    return min(chances.quality_share * (1 - bad + bad * factor), 1.0)


def weight_share(chances: ProblemChances) -> float:
    """Chance of a weight dispute: packed weights are normal around the label, some short by more than the tolerance
    (F19)."""
    if chances.packed_weight_cv == 0:
        return 0.0
    below = float(special.ndtr(-chances.weight_tolerance_share / chances.packed_weight_cv))
    return chances.weighed_share * below * chances.weight_noticed_share


def unnoticed_share(pick_up: PickUp) -> float:
    """Share of pick-up trouble that is left by notices in time (F11, F23)."""
    return 1 - pick_up.notice_share * pick_up.notice_stills_share


def leniency(claims: Claims) -> float:
    """Share of refundable claims that are refunded without anybody: small, of a clean record, by the button."""
    return _below(claims, 0.0) * claims.clean_record_share * claims.refund_button_share


def refund_without_agent_mean_yuan(claims: Claims) -> float:
    """Mean amount of a refund without an agent: a claim, given that it is below the limit; 0 where there are none."""
    share = _below(claims, 0.0)
    return claims.claim_mean_yuan * _below(claims, 1.0) / share if share > 0 else 0.0


def _below(claims: Claims, moment: float) -> float:
    """Share of the claims (moment 0) or of their sum (moment 1) that lies below the limit."""
    limit = claims.refund_without_agent_below_yuan
    if limit <= 0:
        return 0.0
    sigma = math.sqrt(math.log1p(claims.claim_cv**2))
    middle = math.log(claims.claim_mean_yuan) - sigma**2 / 2
    return float(special.ndtr((math.log(limit) - middle) / sigma - moment * sigma))
