"""How news travels among users (F18): posts in chat groups, scandals, good deeds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.fields import Model, Share
from sim.sections.people import HalfLife, PerUser

Families = Annotated[float, Field(ge=0, le=10_000)]


class WordOfMouth(Model):
    """Strength and length of word of mouth. Its effects on orders are not typed in: they come out (F18's checks).

    Zero families, shares or neighbours switch off the part that they belong to, and nothing else.
    """

    families_per_post: Families
    """Families of the community that one bad case told in the group keeps from ordering for a while (F18: over 20)."""

    families_per_joiner: Families
    """Further families moved by each user who joins in: what is said a second time carries less, but adds up."""

    joins_share: Share
    """Chance that a user who remembers a bad experience joins in when somebody posts."""

    unhappy_half_life_days: HalfLife
    """How long a bad experience is remembered well enough to join in."""

    unhappy_at_start_per_user: PerUser
    """Bad experiences per user that are remembered at the start."""

    moved_half_life_days: HalfLife
    """Time in which half of the families that were moved order again."""

    ordering_every_days: Annotated[float, Field(ge=1, le=365)]
    """A family that orders at all does so every so many days: together with a day's orders it says how many families
    there are to be moved. With even users it would be 1 / orders per user and day; but the regulars order most."""

    scandal_heard_share: Share
    """Users of the whole platform who hear of a scandal."""

    scandal_stops_share: Share
    """Of these, those who stop ordering at first."""

    scandal_half_life_days: HalfLife
    """Time in which half of them come back."""

    neighbours_per_good_deed: Families
    """Neighbours whom a good deed brings (F18: five)."""

    neighbours_new_share: Share
    """Of these, those who were no users yet and join; the others order more for a while."""

    good_deed_orders_share: Annotated[float, Field(ge=0, le=10)]
    """Orders that the others place more, at first."""

    good_deed_half_life_days: HalfLife
    """Time in which half of that is over."""
