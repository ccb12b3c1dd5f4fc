"""The fleet's day: yesterday's orders are sorted at night, driven to the leaders and carried to the doors."""

from __future__ import annotations

import numpy as np

from sim.fields import wrong
from sim.sections.fleet import FleetSection
from sim.service.tables import Float64, Int64
from sim.service.topics import NUMBERS, ORDINARY
from sim.world.chance import Chance
from sim.world.drive import Driven, Road, Routes
from sim.world.flows import Bool, Delivery, Today
from sim.world.geography import Geography
from sim.world.rounds import order_of, round_table, share_table
from sim.world.route_plans import Tours, habitual_tours, lay_out_stops, planned_tours, van_keys, vans_for

NONE = -1


class Fleet:
    """Depots, vans and leaders' rounds of one replication. Days are delivered in order.

    ``undelivered`` : int64 (C,), orders that wait in a closed depot.
    """

    def __init__(self, section: FleetSection, geography: Geography, chance: Chance) -> None:
        self.section, self.geography, self.chance = section, geography, chance
        self.stops = lay_out_stops(section.driving, geography)
        self.undelivered = np.zeros(geography.size, dtype=np.int64)
        keys = van_keys(geography, self.stops.vans)
        self.road = Road(section.driving, section.cool_box, self.stops, keys, geography.city_keys, chance)
        self.round_table = round_table(section.rounds, order_of(section))
        self.doors_of = share_table(section.home_delivery_share)
        self.fresh_of = share_table(section.cool_box.fresh_share)
        self.capacity = section.sorting.capacity_orders_per_user * geography.by_city(geography.users)
        self._late_so_far = self._nights_so_far = 0
        for one in section.closed:
            if one.city not in geography.cities:
                raise wrong(f"no city is called '{one.city}'; allowed: {', '.join(geography.cities)}")
        # In the habitual order every stop has its place from the first day on. A plan is made for the communities
        # that get goods, and looked at again from time to time.
        self._expected = np.full(geography.size, section.planning == "habitual")
        self._recent = np.zeros(geography.size, dtype=np.bool_)
        self._tours: list[Tours] = [() for _ in geography.cities]
        self._next_look = 0
        self.routes = Routes(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
        if section.planning == "habitual":
            self._lay_routes(np.arange(len(geography.cities)))

    def deliver(self, today: Today, orders: Int64, leaders_active: Bool) -> Delivery:
        """Bring yesterday's orders to the leaders.

        Parameters
        ----------
        orders : int64 (C,), placed yesterday. What a closed depot kept back comes on top.
        leaders_active : bool (L,). The orders of a community go to its active leaders, as evenly as whole orders
            allow. Where no leader is active they go to the first stop, and nobody hands them out.

        Returns
        -------
        Delivery
            ``hand_outs`` are orders handed out at the shop; those in ``doors`` are not among them.
        """
        section, stops, city = self.section, self.stops, self.geography.city
        waiting = orders + self.undelivered
        sent = np.where(self._open(today.day)[city], waiting, 0) if section.closed else waiting
        self.undelivered = waiting - sent
        if section.planning == "planned":
            self._keep_plan(today.day, sent > 0)
        goods, active = self._split(sent, leaders_active, today.day)
        short, late_start_min, bad_night = self._sorted_at_night(sent, today.day)
        departs = 60 * section.driving.departs_at_h + late_start_min + today.vans_later_min
        driven = self.road.drive(today, self.routes, goods, departs, section.cool_box_first)
        late_goods = np.where(driven.at_min > 60 * section.due_at_h, goods, 0)  # NaN is not late
        late = self._by_community(late_goods)
        at_min = np.fmax.reduceat(driven.at_min, stops.first[:-1])
        incident = self._late_vans(late_goods, driven)
        short_incident = self._bad_nights(short, bad_night)
        doors, round_min = self._rounds(today, np.where(active, goods, 0))
        return Delivery(
            orders=sent,
            late=late,
            warm=self._warm(goods, driven.warm, today.day),
            short=short,
            announced_share=np.where(late > 0, section.announce, 0.0),
            goods_at_min=at_min,
            incident=incident,
            short_incident=short_incident,
            doors=doors,
            round_min=round_min,
            hand_outs=self._of_leaders(np.where(active, goods, 0)) - doors,
            van_min=self._of_vans(driven.van_min),
            van_km=self._of_vans(driven.van_km),
            vans=self._of_vans(driven.drove).astype(np.int64),
        )

    # ── which depots, which stops, which order ───────────────────────────────────────────────────────────────────

    def _open(self, day: int) -> Bool:
        """Cities (K,) whose depot is open."""
        shut = {one.city for one in self.section.closed if one.from_day <= day <= one.until_day}
        return np.array([city not in shut for city in self.geography.cities])

    def _keep_plan(self, day: int, goods: Bool) -> None:
        """Look at the plan again, when the time has come or when a community gets goods that is not in it.

        A plan is for the communities (all their stops) that got goods since the last look: with the same ones it stays
        as it is, and a community without goods on a day is passed over.
        """
        self._recent |= goods
        expected = self._expected | goods
        if day >= self._next_look:
            expected, self._recent = self._recent, goods.copy()
            self._next_look = day + self.section.plan_every_days
        changed = self._expected != expected
        if changed.any():
            self._expected = expected
            self._lay_routes(np.unique(self.geography.city[changed]))

    def _lay_routes(self, cities: Int64) -> None:
        """Tours of some cities anew, by habit or planned, and with them everybody's order of stops."""
        section, stops = self.section, self.stops
        for k in cities.tolist():
            of_city = np.flatnonzero((stops.city == k) & self._expected[stops.community])
            x, y, joined = stops.x_km[of_city], stops.y_km[of_city], stops.keys[of_city]
            vans = vans_for(section.driving, of_city.size)
            if section.planning == "planned":
                tours = planned_tours(x, y, joined, vans, section.planning_iterations)
            else:
                tours = habitual_tours(x, y, joined, vans)
            self._tours[k] = tuple(tuple(of_city[list(tour)].tolist()) for tour in tours)
        days = [
            (van, tour)
            for first, tours in zip(stops.first_van[:-1].tolist(), self._tours, strict=True)
            for van, tour in enumerate(tours, start=first)
        ]
        lengths = [len(tour) for _, tour in days]
        self.routes = Routes(
            order=np.array([stop for _, tour in days for stop in tour], dtype=np.int64),
            van=np.repeat(np.array([van for van, _ in days], dtype=np.int64), lengths),
        )

    def _split(self, orders: Int64, leaders_active: Bool, day: int) -> tuple[Int64, Bool]:
        """Orders for each stop, int64 (S,), and whether a leader is active there, bool (S,).

        Of a active leaders the r-th gets the whole numbers between n r / a and n (r + 1) / a, both moved by a draw of
        the community's: each gets n / a on average, all together n.
        """
        stops = self.stops
        active = np.zeros(stops.size, dtype=np.bool_)
        active[stops.leader >= 0] = leaders_active
        takes = active.copy()
        nobody = np.add.reduceat(active, stops.first[:-1], dtype=np.int64) == 0
        takes[stops.first[:-1][nobody]] = True
        number = np.add.reduceat(takes, stops.first[:-1], dtype=np.int64)
        moved = (self.chance.uniform("odd orders", self.geography.keys, day) * number).astype(np.int64)
        ranks = np.cumsum(takes, dtype=np.int64)
        rank: Int64 = ranks - (ranks - takes)[stops.first[:-1]][stops.community]  # 1 … a where somebody takes
        n, a, o = orders[stops.community], number[stops.community], moved[stops.community]
        return np.where(takes, (n * rank + o) // a - (n * (rank - 1) + o) // a, 0), active

    # ── the night, the day, the evening ──────────────────────────────────────────────────────────────────────────

    def _sorted_at_night(self, orders: Int64, day: int) -> tuple[Int64, Float64, Bool]:
        """Short orders (C,), minutes (K,) that vans leave late, and whether the night went badly, bool (K,)."""
        sorting, geography = self.section.sorting, self.geography
        of_city = geography.by_city(orders)
        limited = self.capacity > 0  # a depot that serves nobody at the start has no limit
        over = np.where(limited, np.maximum(of_city / np.where(limited, self.capacity, 1.0) - 1, 0.0), 0.0)
        bad = np.zeros(of_city.size, dtype=np.bool_)
        if sorting.bad_night_share > 0:
            bad = self.chance.uniform("bad night", geography.city_keys, day) < sorting.bad_night_share
        mean = 1 + sorting.bad_night_share * (sorting.bad_night_factor - 1)
        share = sorting.error_share / mean * np.where(bad, sorting.bad_night_factor, 1.0)
        share = np.minimum(share * (1 + sorting.error_growth * over), 1.0)
        short = self.chance.binomial("sorting errors", orders, share[geography.city], geography.keys, day)
        return short, 60 * sorting.sorting_h * over, bad

    def _warm(self, goods: Int64, hot: Bool, day: int) -> Int64:
        """Over-heated orders (C,): the fresh ones in boxes that got too warm."""
        warm = np.zeros(self.stops.size, dtype=np.int64)
        at = np.flatnonzero(hot)
        if at.size:
            warm[at] = self.fresh_of.counts(self.chance.uniform("fresh goods", self.stops.keys[at], day), goods[at])
        return self._by_community(warm)

    def _rounds(self, today: Today, goods: Int64) -> tuple[Int64, Float64]:
        """Doors (L,) and length (L,) of the leaders' rounds; ``goods`` of active leaders' stops."""
        keys, day = self.geography.leader_key, today.day
        doors = self.doors_of.counts(self.chance.uniform("to the door", keys, day), self._of_leaders(goods))
        if not doors.any():
            return doors, np.zeros(doors.size)
        weather = today.weather[self.geography.city[self.geography.leader_community]]
        u_way, u_hand_over = (self.chance.uniform(what, keys, day) for what in ("round: way", "round: hand-over"))
        return doors, self.round_table.round_min(doors, u_way, u_hand_over, weather)

    # ── incidents ────────────────────────────────────────────────────────────────────────────────────────────────

    # Numbers of late vans go up from the first that a topic has for incidents, those of bad nights down from the last,
    # so that neither kind moves the other's. They meet after 131,008 incidents; from there on they begin anew.

    def _late_vans(self, late: Int64, driven: Driven) -> Int64:
        """Incident (C,) that made a community's goods late: the van with most of its late orders; ``late`` by stop."""
        incident = np.full(self.geography.size, NONE, dtype=np.int64)
        stop = np.flatnonzero(late)
        vans = driven.drove.size
        of_van = np.bincount(driven.van_of[stop], weights=late[stop], minlength=vans)
        bad = np.flatnonzero(of_van >= self.section.incident_orders)
        if not bad.size:
            return incident
        number = np.full(vans, NONE, dtype=np.int64)
        number[bad] = ORDINARY + (self._late_so_far + np.arange(bad.size)) % (NUMBERS - ORDINARY)
        self._late_so_far += bad.size
        stop = stop[number[driven.van_of[stop]] >= 0]
        pair, of_pair = np.unique(self.stops.community[stop] * vans + driven.van_of[stop], return_inverse=True)
        amount = np.bincount(of_pair, weights=late[stop])
        by_amount = np.argsort(amount, kind="stable")  # the largest is written last
        incident[pair[by_amount] // vans] = number[pair[by_amount] % vans]
        return incident

    def _bad_nights(self, short: Int64, bad: Bool) -> Int64:
        """Incident (C,) of a bad night of sorting, for the communities that miss something."""
        number = np.full(bad.size, NONE, dtype=np.int64)
        hit = np.flatnonzero(bad & (self.geography.by_city(short) > 0))
        number[hit] = NUMBERS - 1 - (self._nights_so_far + np.arange(hit.size)) % (NUMBERS - ORDINARY)
        self._nights_so_far += hit.size
        return np.where(short > 0, number[self.geography.city], NONE)

    def _of_vans(self, values: Float64 | Bool) -> Float64:
        """Sums (K,) over the vans of each city."""
        cities = len(self.geography.cities)
        return np.bincount(self.road.city_of_van, weights=values, minlength=cities).astype(np.float64)

    def _by_community(self, values: Int64) -> Int64:
        return np.add.reduceat(values, self.stops.first[:-1])

    def _of_leaders(self, values: Int64) -> Int64:
        return values[self.stops.leader >= 0]
