"""The numbers of ``scenarios/textbook/contact_centre.yaml``, in seconds, and what a run of it tells."""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY_S = 86_400.0

AGENTS = 50
LEADERS = 80
BOT_S = 3.0
CONTAINED_SHARE = 0.6
PASSED_ON_SHARE = 0.2
PATIENCE_MEAN_S = 180.0


@dataclass(frozen=True)
class ContactClass:
    """One class of contacts: how many a second, how long they talk on average, and whether they go first."""

    name: str
    rate_per_s: float
    talk_mean_s: float
    first: bool


CLASSES = (
    ContactClass("class0", 0.10, 240.0, True),
    ContactClass("class1", 0.25, 180.0, False),
    ContactClass("class2", 0.15, 300.0, False),
)

TALK_CV = 0.8
BACK_OFFICE_MEAN_S, BACK_OFFICE_CV = 1500.0, 1.0
CLOSING_MEAN_S, CLOSING_CV = 60.0, 0.5


def lognormal(mean: float, cv: float) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of a lognormal time with that mean and coefficient of variation."""
    variance = math.log(1.0 + cv * cv)
    return math.log(mean) - variance / 2.0, math.sqrt(variance)


@dataclass(frozen=True)
class Outcome:
    """Figures of one run.

    ``contacts`` : that arrived. ``offered`` : that asked for an agent and were answered or left. ``wait_mean_s`` : from
    asking to the answer or to leaving. ``agents_occupancy``, ``leaders_occupancy`` : share of their time in which they
    were busy.
    """

    contacts: int
    offered: int
    abandoned: int
    wait_mean_s: float
    agents_occupancy: float
    leaders_occupancy: float

    @property
    def offered_share(self) -> float:
        """Offered, of all contacts: what the bot did not contain."""
        return self.offered / self.contacts

    @property
    def abandoned_share(self) -> float:
        """Left without an answer, of the offered."""
        return self.abandoned / self.offered
