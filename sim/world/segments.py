"""The mix of users by segment (F1): how the segments differ, and which of them is likely to be the one who asks."""

from __future__ import annotations

import numpy as np

from sim.sections.segments import Segment
from sim.service.tables import Float64


class SegmentMix:
    """Segments as arrays, (M,) each, in the order of their names in the scenario.

    ``names``. ``share`` : of users; ``of_orders`` : of orders. ``orders`` : orders per user, relative to the mean over
    users. ``phone``, ``voiced``, ``late`` : how much rather they call, speak up, mind late goods, relative to the mean
    over *orders*: contacts and problems come from orders, so that the scenario's ``phone_share`` and ``voiced_share``
    stay the shares of all. ``strictness`` : points off a satisfaction of 1–5, as given.

    Parameters
    ----------
    segments : the scenario's segments; shares add up to 1.
    phone_share : share of contacts that come by telephone. It says how much it tells of a user that he writes; without
        it, nothing.
    """

    def __init__(self, segments: dict[str, Segment], phone_share: float = 0.0) -> None:
        rows = list(segments.values())
        self.names = tuple(segments)
        self.share = np.array([row.share for row in rows])
        orders = np.array([row.orders_factor for row in rows])
        self.orders: Float64 = orders / (self.share @ orders)
        self.of_orders: Float64 = self.share * self.orders / (self.share @ self.orders)
        self.phone = self._scaled([row.phone_factor for row in rows])
        self.voiced = self._scaled([row.voiced_factor for row in rows])
        self.late = self._scaled([row.late_factor for row in rows])
        self.strictness = np.array([row.strictness for row in rows])
        self.phone_share = phone_share

    def _scaled(self, factors: list[float]) -> Float64:
        values = np.array(factors)
        return np.asarray(values / (self.of_orders @ values), dtype=np.float64)

    def posterior(self, channel_is_phone: bool, voiced: bool = False) -> Float64:
        """Chance (M,) that a contact is of each segment, by Bayes' rule.

        Parameters
        ----------
        channel_is_phone : whether the user called; if not, he wrote.
        voiced : whether it is a problem that was spoken up about; an enquiry or a question says nothing of that.
        """
        calls = np.minimum(self.phone_share * self.phone, 1.0) if self.phone_share > 0 else self.phone
        if channel_is_phone:
            likely = calls
        else:
            likely = 1 - calls if self.phone_share > 0 else np.ones_like(calls)
        weight = self.of_orders * likely * (self.voiced if voiced else 1.0)
        total = weight.sum()
        return np.asarray(weight / total if total > 0 else self.of_orders, dtype=np.float64)
