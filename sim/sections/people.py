"""Users of a scenario: who they are, how often they order, what makes them order less, leave and join."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from sim.fields import Model, NotNegative, Share
from sim.fields import wrong as _wrong
from sim.sections.segments import Segments

HalfLife = Annotated[float, Field(ge=0.1, le=3650)]
"""Days in which half of an effect is gone."""

Spread = Annotated[float, Field(ge=0, le=3)]
"""Coefficient of variation: standard deviation over mean."""

PerUser = Annotated[float, Field(ge=0, le=10)]
"""Experiences that are remembered, per user."""

FACTORS = ("phone_factor", "voiced_factor", "late_factor")


class PeopleSection(Model):
    """Users, their orders, and their coming and going.

    Each number acts by itself: with 0 (``joined_per_month_share``, ``lost_per_month_share``, the two ``cv``, the two
    shares of experiences, ``enquirer_lost_share``) that influence is gone and nothing else moves.
    """

    segments: Segments
    """Kinds of users (F1); their shares add up to 1."""

    orders_per_user_per_day: Annotated[float, Field(ge=0, le=100)]
    """Orders that a user means to place on an average day of the year at the start, before slow answers lose some."""

    community_daily_cv: Spread
    """How much a community's daily orders vary from day to day, beside chance and calendar."""

    platform_daily_cv: Spread
    """The same for what all communities have in common: a rival's offer, a television programme, a price."""

    joined_per_month_share: Annotated[float, Field(ge=0, le=10)]
    """Users won in a month by advertising, as share of the users at the start, while as many households of the
    community are still to be won as then."""

    households_per_user: Annotated[float, Field(gt=1, le=1000)]
    """Households of a community for each user at the start: more cannot be won."""

    lost_per_month_share: Annotated[float, Field(ge=0, lt=1)]
    """Users who leave in a month without any problem: they move house, or shop elsewhere. What problems do comes on
    top, from the moods."""

    unhappy_orders_loss_share: Share
    """Orders that a user leaves out right after a bad experience (F17: repeat purchase)."""

    unhappy_half_life_days: HalfLife
    """How long that lasts; after half a year nothing may be left of it (F17)."""

    unhappy_at_start_per_user: PerUser
    """Bad experiences per user that are remembered at the start; the same number daily experiences lead to in the long
    run is (experiences per user and day) × half-life / ln 2."""

    happy_orders_gain_share: Annotated[float, Field(ge=0, le=10)]
    """Orders that a user places more right after a good experience (F17)."""

    happy_half_life_days: HalfLife
    """How long that lasts."""

    happy_at_start_per_user: PerUser
    """Good experiences per user that are remembered at the start."""

    enquirer_lost_share: Share
    """Enquirers who do not buy although they are answered at once. Orders per user count those who buy."""

    enquiry_late_more_lost_share: NotNegative
    """By how much that share grows for those answered late or never (F10: 0.58)."""

    enquiry_late_after_min: Annotated[float, Field(gt=0, le=1440)]
    """An answer to an enquiry is late after this time (F10: 5 min)."""

    @model_validator(mode="after")
    def _segments(self) -> PeopleSection:
        total = sum(segment.share for segment in self.segments.values())
        if abs(total - 1) > 1e-9:
            raise _wrong(f"the shares of the segments add up to {total:g}; allowed: exactly 1")
        if not any(one.share * one.orders_factor for one in self.segments.values()):
            raise _wrong("no segment orders anything; allowed: at least one orders_factor above 0")
        for factor in FACTORS:
            if not any(one.share * one.orders_factor * getattr(one, factor) for one in self.segments.values()):
                raise _wrong(f"{factor} is 0 for all segments that order; allowed: at least one above 0")
        return self
