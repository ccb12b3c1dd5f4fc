"""What a closed case is paid: a coupon as today (F21), a refund or re-delivery as in the standard (F24)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.sections.moods import Compensation as Section
from sim.service.tables import Float64
from sim.service.topics import CAUSES
from sim.world.chance import Chance
from sim.world.flows import Bool, CaseRows

QUALITY = CAUSES.index("quality")


@dataclass(frozen=True)
class Paid:
    """Of each case: float64 ``claim_yuan``, what the goods in question were worth to the user; ``yuan`` paid; bool
    ``refunded`` or delivered again; bool ``severe`` (food safety, or a large claim about quality, F7)."""

    claim_yuan: Float64
    yuan: Float64
    refunded: Bool
    severe: Bool


class Compensation:
    """Decides for each case, once, by its own luck.

    Parameters
    ----------
    section : the rules.
    basket_yuan : mean value of an order.
    chance : draws, keyed by case.
    """

    def __init__(self, section: Section, basket_yuan: float, chance: Chance) -> None:
        self.section, self.chance = section, chance
        self.claim_mean_yuan = section.claim_basket_share * basket_yuan
        self._sigma = float(np.sqrt(np.log1p(section.claim_cv**2)))
        self._refund_share = np.array([section.refund_share.get(cause, 0.0) for cause in CAUSES])  # type: ignore[call-overload]

    def pay(self, cases: CaseRows) -> Paid:
        """Claims and what is paid for them.

        A claim is lognormal around its mean. A solved case is refunded with the chance of its cause, in full. Of the
        others that a person answered, and nobody gave up, a share gets a coupon.
        """
        section, chance, keys = self.section, self.chance, cases.draw_key
        claim = np.full(keys.size, self.claim_mean_yuan)
        if self._sigma > 0:
            claim *= np.exp(self._sigma * chance.normal("claim", keys) - self._sigma**2 / 2)
        answered = (cases.last_server >= 0) & ~cases.given_up
        refunded = np.zeros(keys.size, dtype=np.bool_)
        if self._refund_share.any():
            lucky = chance.uniform("refund", keys) < self._refund_share[cases.cause]
            refunded = lucky & answered & cases.solved
        yuan = np.where(refunded, claim, 0.0)
        if section.coupon_share > 0:
            coupon = answered & ~refunded & (chance.uniform("coupon", keys) < section.coupon_share)
            yuan[coupon] = section.coupon_yuan
        quality = cases.cause == QUALITY
        severe = quality & ((claim >= section.severe_yuan) | (chance.uniform("severe", keys) < section.severe_share))
        return Paid(claim, yuan, refunded, severe)
