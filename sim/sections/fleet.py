"""Goods on their way: depots that sort at night, vans, cool boxes and the leaders' rounds to the doors."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.fields import Model, Name, NotNegative, Positive, Share, Span, span_minutes
from sim.fields import wrong as _wrong

ClockHour = Annotated[float, Field(ge=0, le=48)]
Spread = Annotated[float, Field(ge=0, le=3)]


class Closure(Model):
    """A city's depot is closed from ``from_day`` to ``until_day``, both included. Its communities get nothing; the
    orders come with the next open day's."""

    city: Name
    from_day: Annotated[int, Field(ge=0)]
    until_day: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _forward(self) -> Closure:
        if self.until_day < self.from_day:
            raise _wrong(f"until_day {self.until_day} is before from_day {self.from_day}; allowed: the same or later")
        return self


class Rush(Model):
    """A span of the day in which driving takes ``factor`` times as long."""

    span: Span
    factor: Annotated[float, Field(ge=1, le=10)]


class Driving(Model):
    """Vans from a depot in the middle of each city to the leaders' places and back.

    ``stops_per_van`` : most stops of a van's day; a city has as many vans as that takes. ``vans_per_city`` : their
    number instead. ``departs_at_h`` : hour of the day at which vans leave. ``unloading_min`` : time at a stop, beside
    ``unloading_order_s`` for each order. ``speed_km_per_h`` : on the road, lights and parking included.
    ``way_factor`` : way over the straight line. ``stop_spread_km`` : leaders live within this distance of their
    community's middle. ``leg_cv``, ``van_day_cv``, ``city_day_cv`` : spread of driving times (lognormal, mean 1) by
    leg, by van and day, by city and day. ``rush`` : rush hours. ``breakdown_share`` : of vans on a day that stand still
    on the way, for ``breakdown_min``. ``opens_at_h`` : hour at which the first leaders open; each has an hour of their
    own, up to ``opens_spread_h`` later. A van waits for a leader who is not yet open.
    """

    stops_per_van: Annotated[float, Field(ge=1, le=500)]
    vans_per_city: Annotated[float, Field(ge=1, le=500)] | None = None
    departs_at_h: ClockHour
    unloading_min: NotNegative
    unloading_order_s: NotNegative = 0.0
    speed_km_per_h: Annotated[float, Field(gt=0, le=200)]
    way_factor: Annotated[float, Field(ge=1, le=5)] = 1.0
    stop_spread_km: Annotated[float, Field(ge=0, le=50)] = 0.0
    leg_cv: Spread = 0.0
    van_day_cv: Spread = 0.0
    city_day_cv: Spread = 0.0
    rush: Annotated[list[Rush], Field(max_length=24)] = []
    breakdown_share: Share = 0.0
    breakdown_min: NotNegative = 0.0
    opens_at_h: ClockHour = 0.0
    opens_spread_h: Annotated[float, Field(ge=0, le=12)] = 0.0

    @model_validator(mode="after")
    def _apart(self) -> Driving:
        spans = sorted(span_minutes(one.span) for one in self.rush)
        ends = [end for _, end in spans]
        starts = [start for start, _ in spans[1:]] + [start + 1440 for start, _ in spans[:1]]
        if any(end > start for end, start in zip(ends, starts, strict=True)):
            raise _wrong("rush hours overlap; allowed: spans that lie apart")
        return self


class Sorting(Model):
    """The night in the depot.

    ``capacity_orders_per_user`` : orders that a night can sort, per user at the start. ``sorting_h`` : how long a night
    at capacity takes; more orders take longer at the same pace, and all vans of the depot wait for them.
    ``error_share`` : orders with something missing or wrong (sorting errors, stock-outs), mean of nights within
    capacity. ``error_growth`` : relative growth of that share per unit of load above capacity (4: at 1.25 times the
    capacity twice as many). ``bad_night_share`` : nights that go badly, with ``bad_night_factor`` times the errors of
    the others: bursts, at the same mean.
    """

    capacity_orders_per_user: Positive
    sorting_h: Annotated[float, Field(ge=0, le=24)] = 0.0
    error_share: Share = 0.0
    error_growth: NotNegative = 0.0
    bad_night_share: Share = 0.0
    bad_night_factor: Annotated[float, Field(ge=1, le=1000)] = 1.0


class CoolBox(Model):
    """One box of fresh goods for each stop.

    ``fresh_share`` : of orders. ``lasts_h`` : time on the road for which every box stays cool. ``fails_per_h`` : chance
    per hour beyond it that the box is over-heated (a constant hazard). ``summer_factor`` : that hazard on the hottest
    day of the year; between it and winter's 1 the year goes as a cosine whose cold half is flat. ``hottest_day`` :
    number of that day in the run.
    """

    fresh_share: Share
    lasts_h: NotNegative
    fails_per_h: Annotated[float, Field(ge=0, le=100)] = 0.0
    summer_factor: Annotated[float, Field(ge=1, le=100)] = 1.0
    hottest_day: Annotated[float, Field(ge=-4000, le=4000)] = 200.0


class Rounds(Model):
    """A leader's round from the shop to the doors and back, in a square neighbourhood with streets at right angles.

    ``hand_over_min`` : time at a door, gamma with ``hand_over_cv``. ``neighbourhood_km`` : side of the square, the
    shop in its middle, doors anywhere. ``speed_km_per_h`` : walking or by e-bike. ``habit_blocks`` : the habitual order
    takes the neighbourhood in so many by so many blocks (rounded half up), to and fro; within a block the doors come as
    they stand on the list (1: the list's order all the way). ``street_cv`` : spread of the day's factors on the ways
    between doors (lognormal, mean 1): what a planner who knows traffic can go around. ``sampled_neighbourhoods`` and
    ``most_doors`` : size of the table of ways; a round of more doors than that counts as several.
    """

    hand_over_min: NotNegative
    hand_over_cv: Annotated[float, Field(ge=0, le=3)] = 0.0
    neighbourhood_km: Positive
    speed_km_per_h: Annotated[float, Field(gt=0, le=100)]
    habit_blocks: Annotated[float, Field(ge=1, le=20)] = 1.0
    street_cv: Spread = 0.0
    sampled_neighbourhoods: Annotated[int, Field(ge=1, le=512)] = 32
    most_doors: Annotated[int, Field(ge=1, le=128)] = 48


class FleetSection(Model):
    """How goods come to leaders and users.

    ``planning`` : vans drive in the order that has grown by habit, or as PyVRP plans it, ``planning_iterations`` long,
    looked at again every ``plan_every_days``. ``due_at_h`` : hour of the day after which goods are late.
    ``incident_orders`` : so many late orders make a van's day an incident. ``announce`` : share of late orders whose
    users are told before they ask (F23). ``cool_box_first`` : boxes that will not last until their turn are delivered
    first (F32). ``home_delivery_share`` : orders to the door. ``round_order`` : the leader's round by habit or
    optimised (F31); ``traffic_aware`` : optimised for the day's traffic (F31). ``closed`` : days of closed depots.
    """

    planning: Literal["habitual", "planned"] = "habitual"
    planning_iterations: Annotated[int, Field(ge=0, le=1_000_000)] = 400
    plan_every_days: Annotated[int, Field(ge=1, le=366)] = 7
    due_at_h: ClockHour
    incident_orders: Annotated[float, Field(ge=1, le=1_000_000)]
    announce: Share = 0.0
    cool_box_first: bool = False
    home_delivery_share: Share
    round_order: Literal["habit", "optimised"] = "habit"
    traffic_aware: bool = False
    closed: Annotated[list[Closure], Field(max_length=1000)] = []
    driving: Driving
    sorting: Sorting
    cool_box: CoolBox
    rounds: Rounds

    @model_validator(mode="after")
    def _fits(self) -> FleetSection:
        if self.traffic_aware and self.round_order == "habit":
            raise _wrong("traffic_aware does not fit round_order habit; allowed: with round_order optimised")
        by_city = sorted((one.city, one.from_day, one.until_day) for one in self.closed)
        for a, b in itertools.pairwise(by_city):
            if a[0] == b[0] and b[1] <= a[2]:
                raise _wrong(f"the depot of '{a[0]}' is closed twice on day {b[1]}; allowed: closures that lie apart")
        return self
