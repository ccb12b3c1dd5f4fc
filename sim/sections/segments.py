"""Segments of users (F1): what differs between the elderly, young mothers, office workers and the demanding."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from sim.fields import Model, Name, NotNegative, Share


class Segment(Model):
    """A segment. Factors are relative to the whole; ``sim.world`` scales them so that their mean over all users is 1.

    ``share`` : of users (all segments add up to 1). ``orders_factor`` : orders per user. ``phone_factor`` : how much
    rather they call than write. ``voiced_factor`` : how much rather they speak up about a problem (the rest say nothing
    and leave more easily). ``strictness`` : points taken off a satisfaction of 1–5. ``late_factor`` : how much late
    goods trouble them (office workers pick up late anyway).
    """

    share: Share
    orders_factor: NotNegative = 1.0
    phone_factor: NotNegative = 1.0
    voiced_factor: NotNegative = 1.0
    strictness: Annotated[float, Field(ge=-2, le=2)] = 0.0
    late_factor: NotNegative = 1.0


Segments = Annotated[dict[Name, Segment], Field(min_length=1, max_length=16)]
