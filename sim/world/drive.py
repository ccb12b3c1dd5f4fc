"""A day on the road: when each stop gets its goods, given the order in which the vans serve them.

All vans of all cities drive at once; a loop goes over the position of a stop in the day, not over vans or stops.
Driving times depend on the time of the day through speeds, not through durations, so that who leaves later never
arrives earlier (Ichoua, Gendreau and Potvin 2003, "Vehicle dispatching with time-dependent travel times", EJOR 144).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.fields import span_minutes
from sim.sections.fleet import CoolBox, Driving, Rush
from sim.service.tables import Float64, Int64
from sim.world.chance import Chance
from sim.world.flows import Bool, Today
from sim.world.route_plans import Stops

DAYS_OF_RUSH = 4
"""So many days of rush hours are laid out; a van that is under way for longer drives on without."""

YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Routes:
    """Stops in driving order, van by van: int64 (n,) ``order`` (a stop) and ``van`` (through all cities, ascending)."""

    order: Int64
    van: Int64


@dataclass(frozen=True)
class Driven:
    """What a day on the road brought.

    ``at_min`` : float64 (S,), minute of the day at which a stop's goods were unloaded, NaN without goods. ``warm`` :
    bool (S,), the cool box of the stop was over-heated by then. ``van_of`` : int64 (S,), the van that served the stop
    (0 without goods). ``drove`` : bool (V,). ``van_min``, ``van_km`` : float64 (V,), from the depot and back to it.
    """

    at_min: Float64
    warm: Bool
    van_of: Int64
    drove: Bool
    van_min: Float64
    van_km: Float64


def rush_clock(rush: list[Rush]) -> tuple[Float64, Float64]:
    """The time of the day against the driving that fits into it: two columns of corner points (minutes, minutes).

    Driving done grows by a minute a minute, and by 1/factor of it in rush hours. A leg that takes w minutes on free
    roads and starts at t ends where the driving done is that of t plus w.
    """
    minutes, done = [-1440.0], [-1440.0]  # a span may have begun yesterday
    spans = sorted((*span_minutes(one.span), one.factor) for one in rush)
    for day in range(-1, DAYS_OF_RUSH if spans else -1):
        for start, end, factor in spans:
            free = start + 1440 * day - minutes[-1]
            minutes += [minutes[-1] + free, minutes[-1] + free + end - start]
            done += [done[-1] + free, done[-1] + free + (end - start) / factor]
    minutes.append(minutes[-1] + 1e7)
    done.append(done[-1] + 1e7)
    return np.array(minutes), np.array(done)


def lognormal(normal: Float64, cv: float) -> Float64:
    """Factors of mean 1 with this coefficient of variation from standard normal scores."""
    variance = np.log1p(cv * cv)
    return np.exp(np.sqrt(variance) * normal - variance / 2)


class Road:
    """The roads between the stops of a scenario, and the luck on them."""

    def __init__(
        self,
        driving: Driving,
        cool_box: CoolBox,
        stops: Stops,
        van_keys: Int64,
        city_keys: Int64,
        chance: Chance,
    ) -> None:
        self.driving, self.cool_box, self.stops, self.chance = driving, cool_box, stops, chance
        self.van_keys, self.city_keys = van_keys, city_keys
        self.city_of_van = np.repeat(np.arange(city_keys.size), stops.vans)
        self.min_per_km = 60 * driving.way_factor / driving.speed_km_per_h
        self.clock = rush_clock(driving.rush) if driving.rush else None
        # A leader's hour of opening holds for the whole run and is the same in every run.
        later = Chance(0, 0).uniform("leader opens", stops.keys)
        opens = 60 * (driving.opens_at_h + driving.opens_spread_h * later)
        self.opens_min = np.where(stops.leader >= 0, opens, 0.0)

    def drive(self, today: Today, routes: Routes, goods: Int64, departs_min: Float64, cool_box_first: bool) -> Driven:
        """Drive the day.

        Parameters
        ----------
        routes : all stops that may have goods today; those without are passed over.
        goods : int64 (S,), orders for each stop.
        departs_min : float64 (K,), minute of the day at which the vans of a city leave.
        cool_box_first : rule F32. How long each box will last shows when it is loaded (its sensor, its ice). The boxes
            that would not last until their turn, with driving times as planned, come first, in the route's order.
        """
        served = goods[routes.order] > 0
        stop, van = routes.order[served], routes.van[served]
        at_min = np.full(self.stops.size, np.nan)
        warm = np.zeros(self.stops.size, dtype=np.bool_)
        van_of = np.zeros(self.stops.size, dtype=np.int64)
        van_min, van_km = np.zeros(self.van_keys.size), np.zeros(self.van_keys.size)
        drove = np.zeros(self.van_keys.size, dtype=np.bool_)
        if stop.size:
            drove[van] = True
            lasts_min = self._box_lasts_min(stop, today.day) if self.cool_box.fails_per_h > 0 else None
            if cool_box_first and lasts_min is not None:
                again = self._hot_first(today, stop, van, goods, lasts_min)
                stop, lasts_min = stop[again], lasts_min[again]
            at_min[stop], van_min[drove], van_km[drove] = self._on_the_way(today, stop, van, goods, departs_min)
            van_of[stop] = van
            if lasts_min is not None:
                warm[stop] = at_min[stop] - departs_min[self.city_of_van[van]] > lasts_min
        return Driven(at_min, warm, van_of, drove, van_min, van_km)

    def _box_lasts_min(self, stop: Int64, day: int) -> Float64:
        """Time on the road after which the boxes of stops are over-heated, in minutes."""
        box = self.cool_box
        heat = max(np.cos(2 * np.pi * (day - box.hottest_day) / YEAR_DAYS), 0.0)
        hazard = box.fails_per_h * (1 + (box.summer_factor - 1) * heat)
        u = self.chance.uniform("cool box", self.stops.keys[stop], day)
        return 60 * (box.lasts_h - np.log1p(-u) / hazard)

    def _hot_first(self, today: Today, stop: Int64, van: Int64, goods: Int64, lasts_min: Float64) -> Int64:
        """The order that puts boxes first that would not last until their turn, with driving times as planned."""
        first, count = _days_of_vans(van)
        weather = today.weather[self.stops.city[stop]]
        minutes = np.cumsum(self._legs_km(stop, first) * self.min_per_km * weather + self._unloading_min(stop, goods))
        before = np.concatenate([[0.0], minutes])[first]
        hot = minutes - np.repeat(before, count) > lasts_min
        place = self.stops.community[stop] * self.van_keys.size + van
        hot = np.isin(place, place[hot])
        return np.argsort(2 * van + ~hot, kind="stable")

    def _on_the_way(
        self, today: Today, stop: Int64, van: Int64, goods: Int64, departs_min: Float64
    ) -> tuple[Float64, Float64, Float64]:
        """Minute at which each stop is served; minutes and km of each van that drives, with the way back."""
        driving, day = self.driving, today.day
        first, count = _days_of_vans(van)
        last, vans = first + count - 1, van[first]
        row, column = np.arange(stop.size) - np.repeat(first, count), np.repeat(np.arange(vans.size), count)
        pace = self.min_per_km * self._pace(today, vans)
        km = self._legs_km(stop, first)
        legs = km * pace[column] * self._luck("leg", self.stops.keys[stop], day)
        if driving.breakdown_share > 0:
            # One uniform says whether a van breaks down, and the place of it within the share says where.
            u = self.chance.uniform("breakdown", self.van_keys[vans], day) / driving.breakdown_share
            broken = u < 1
            legs[(first + np.floor(u * count).astype(np.int64))[broken]] += driving.breakdown_min
        shape = (int(count.max()), vans.size)
        leg, unloading, opens, at = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.empty(shape)
        leg[row, column] = legs
        unloading[row, column] = self._unloading_min(stop, goods)
        opens[row, column] = self.opens_min[stop]
        departs = departs_min[self.city_of_van[vans]]
        time = departs
        for j in range(shape[0]):
            time = np.maximum(self._arrival(time, leg[j]), opens[j])
            time = np.add(time, unloading[j], out=at[j])
        back_km = np.hypot(self.stops.x_km[stop[last]], self.stops.y_km[stop[last]])
        back = back_km * pace * self._luck("leg back", self.van_keys[vans], day)
        home = self._arrival(at[count - 1, np.arange(vans.size)], back)
        van_km = (np.add.reduceat(km, first) + back_km) * driving.way_factor
        return at[row, column], home - departs, van_km

    def _arrival(self, leaves_min: Float64, leg_min: Float64) -> Float64:
        """Minute at which a leg ends that takes so long on free roads."""
        if self.clock is None:
            return leaves_min + leg_min
        minutes, done = self.clock
        return np.asarray(np.interp(np.interp(leaves_min, minutes, done) + leg_min, done, minutes), dtype=np.float64)

    def _pace(self, today: Today, vans: Int64) -> Float64:
        """Factor on the driving times of vans: weather, the city's day and the van's."""
        city = self.city_of_van[vans]
        factor = today.weather[city]
        if self.driving.city_day_cv > 0:
            scores = self.chance.normal("city's day", self.city_keys, today.day)
            factor = factor * lognormal(scores, self.driving.city_day_cv)[city]
        if self.driving.van_day_cv > 0:
            scores = self.chance.normal("van's day", self.van_keys[vans], today.day)
            factor = factor * lognormal(scores, self.driving.van_day_cv)
        return factor

    def _luck(self, what: str, keys: Int64, day: int) -> Float64 | float:
        """Factors of single legs. The way to a stop has its luck from the stop, wherever the van comes from."""
        if self.driving.leg_cv == 0:
            return 1.0
        return lognormal(self.chance.normal(what, keys, day), self.driving.leg_cv)

    def _legs_km(self, stop: Int64, first: Int64) -> Float64:
        """Straight lines to each stop from the one before, or from the depot."""
        x, y = self.stops.x_km[stop], self.stops.y_km[stop]
        from_x, from_y = np.concatenate([[0.0], x[:-1]]), np.concatenate([[0.0], y[:-1]])
        from_x[first] = from_y[first] = 0.0
        return np.hypot(x - from_x, y - from_y)

    def _unloading_min(self, stop: Int64, goods: Int64) -> Float64:
        """Time at each stop."""
        return self.driving.unloading_min + self.driving.unloading_order_s / 60 * goods[stop].astype(np.float64)


def _days_of_vans(van: Int64) -> tuple[Int64, Int64]:
    """Where each van's stops begin, and how many there are (vans ascending)."""
    first = np.flatnonzero(np.concatenate([[True], van[1:] != van[:-1]]))
    return first, np.diff(np.concatenate([first, [van.size]]))
