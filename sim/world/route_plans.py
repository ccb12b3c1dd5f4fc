"""In which order vans serve their stops: as habit has grown it, or as PyVRP plans it.

A stop is a leader's place; a community without leaders has one stop in its middle. Distances are straight lines in
whole metres, as PyVRP wants them. Plans depend on their input alone, never on a clock: the number of iterations and
the seed are fixed. Identical input, of whichever city, week or replication, is planned once in a process.

References
----------
Wouda, Lan and Kool (2024), "PyVRP: a high-performance VRP solver package", INFORMS Journal on Computing 36(4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from sim.sections.fleet import Driving
from sim.service.tables import Float64, Int64
from sim.world.chance import Chance, key_of
from sim.world.geography import Geography

SEED = 1
"""Of PyVRP's search. Fixed, so that a plan is a function of its input."""

_PLACES = Chance(0, 0)
"""Where leaders live is the same in every run."""

Tours = tuple[tuple[int, ...], ...]
"""Stops of each van, in driving order."""


@dataclass(frozen=True)
class Stops:
    """Places to which goods are brought (S of them), in order of community.

    ``community``, ``city`` : int64 (S,). ``leader`` : int64 (S,), place in the geography's leaders, −1 for none.
    ``keys`` : int64 (S,), for draws. ``x_km``, ``y_km`` : float64 (S,). ``first`` : int64 (C + 1,), bounds of the
    communities' stops; each community has at least one. ``vans`` : int64 (K,) of each city, numbered through all
    cities from ``first_van`` int64 (K + 1,) on.
    """

    community: Int64
    city: Int64
    leader: Int64
    keys: Int64
    x_km: Float64
    y_km: Float64
    first: Int64
    vans: Int64
    first_van: Int64

    @property
    def size(self) -> int:
        """Number of stops."""
        return int(self.community.size)


def lay_out_stops(driving: Driving, geography: Geography) -> Stops:
    """The stops of all communities; a leader's key says where in the community they live, the same in every run."""
    each = np.maximum(geography.leaders, 1)
    first = np.concatenate([[0], np.cumsum(each)]).astype(np.int64)
    community = np.repeat(np.arange(geography.size, dtype=np.int64), each)
    leader = np.full(community.size, -1, dtype=np.int64)
    leader[geography.leaders[community] > 0] = np.arange(geography.leader_community.size)
    keys = geography.keys[community].copy()
    keys[leader >= 0] = geography.leader_key
    radius = driving.stop_spread_km * np.sqrt(_PLACES.uniform("leader's place: radius", keys)) * (leader >= 0)
    angle = 2 * np.pi * _PLACES.uniform("leader's place: angle", keys)
    city = geography.city[community].astype(np.int64)
    stops_of_city = np.bincount(city, minlength=len(geography.cities))
    vans = np.array([vans_for(driving, int(n)) for n in stops_of_city], dtype=np.int64)
    return Stops(
        community=community,
        city=city,
        leader=leader,
        keys=keys,
        x_km=geography.x_km[community] + radius * np.cos(angle),
        y_km=geography.y_km[community] + radius * np.sin(angle),
        first=first,
        vans=vans,
        first_van=np.concatenate([[0], np.cumsum(vans)]).astype(np.int64),
    )


def vans_for(driving: Driving, stops: int) -> int:
    """Vans that a city's stops take: those it has, or as many as ``stops_per_van`` asks for."""
    if not stops:
        return 0
    if driving.vans_per_city is not None:
        return min(math.ceil(driving.vans_per_city), stops)
    return math.ceil(stops / driving.stops_per_van)


def van_keys(geography: Geography, vans: Int64) -> Int64:
    """Keys (V,) of the vans, from the city's name and the van's number in it."""
    cities = zip(geography.cities, vans.tolist(), strict=True)
    return np.array([key_of("van", city, str(i)) for city, n in cities for i in range(n)], dtype=np.int64)


def distances_m(x_km: Float64, y_km: Float64) -> Int64:
    """Straight lines in whole metres between depot (0, 0) and stops, int64 (n + 1, n + 1); the depot comes first."""
    x, y = np.concatenate([[0.0], x_km]), np.concatenate([[0.0], y_km])
    return np.rint(1000 * np.hypot(x[:, None] - x, y[:, None] - y)).astype(np.int64)


def length_m(tours: Tours, distance: Int64) -> int:
    """Length of tours from the depot through their stops and back."""
    total = 0
    for tour in tours:
        at = np.concatenate([[0], np.asarray(tour, dtype=np.int64) + 1, [0]])
        total += int(distance[at[:-1], at[1:]].sum())
    return total


def habitual_tours(x_km: Float64, y_km: Float64, joined: Int64, vans: int) -> Tours:
    """Tours as they grow: each van has a sector, and each new stop went where it cost least on the day it joined.

    Sectors are cut by the angle seen from the depot, all with as many stops (one more or less). Within a sector the
    stops join in the order of ``joined`` (the leaders' keys) and the order that is there is never looked at again:
    cheapest insertion, plausible but not optimal (Rosenkrantz, Stearns and Lewis 1977).
    """
    if not x_km.size:
        return ()
    return _habitual(x_km.tobytes(), y_km.tobytes(), joined.tobytes(), vans)


@lru_cache(maxsize=4096)
def _habitual(x_bytes: bytes, y_bytes: bytes, joined_bytes: bytes, vans: int) -> Tours:
    x, y, joined = np.frombuffer(x_bytes), np.frombuffer(y_bytes), np.frombuffer(joined_bytes, dtype=np.int64)
    distance = distances_m(x, y)
    by_angle = np.lexsort((joined, np.arctan2(y, x)))
    tours = []
    for sector in np.array_split(by_angle, vans):
        tour = np.zeros(2, dtype=np.int64)
        for stop in sector[np.argsort(joined[sector], kind="stable")] + 1:
            detour = distance[tour[:-1], stop] + distance[stop, tour[1:]] - distance[tour[:-1], tour[1:]]
            tour = np.insert(tour, int(np.argmin(detour)) + 1, stop)
        tours.append(tuple((tour[1:-1] - 1).tolist()))
    return tuple(tours)


def planned_tours(x_km: Float64, y_km: Float64, joined: Int64, vans: int, iterations: int) -> Tours:
    """Tours that PyVRP plans: least way, every van at most its even share of the stops.

    An even share (rather than as many as a van can hold) lets all vans end at about the same time. The search starts
    from the habitual tours, so that the plan is never longer than these.
    """
    if not x_km.size:
        return ()
    return _planned(x_km.tobytes(), y_km.tobytes(), joined.tobytes(), vans, iterations)


@lru_cache(maxsize=4096)
def _planned(x_bytes: bytes, y_bytes: bytes, joined_bytes: bytes, vans: int, iterations: int) -> Tours:
    habit = _habitual(x_bytes, y_bytes, joined_bytes, vans)
    distance = distances_m(np.frombuffer(x_bytes), np.frombuffer(y_bytes))
    most = math.ceil((distance.shape[0] - 1) / vans)
    return shortest_tours(distance, np.ones(distance.shape[0] - 1, dtype=np.int64), vans, most, iterations, habit)


def shortest_tours(
    distance: Int64, demand: Int64, vans: int, capacity: int, iterations: int, start: Tours | None = None
) -> Tours:
    """Tours of least total length by PyVRP (capacitated vehicle routing).

    Parameters
    ----------
    distance : int64 (n + 1, n + 1), whole numbers, the depot first.
    demand : int64 (n,), of the stops, in the unit of ``capacity``.
    vans : how many there are, each with ``capacity``.
    iterations : of the iterated local search.
    start : tours to start from (within capacity), else PyVRP makes some.
    """
    import pyvrp
    from pyvrp.stop import MaxIterations

    stops = distance.shape[0] - 1
    matrix: Any = distance  # PyVRP's stub asks for an array of int, which NumPy's types do not know
    data = pyvrp.ProblemData(
        locations=[pyvrp.Location(0, 0) for _ in range(stops + 1)],
        clients=[pyvrp.Client(i + 1, delivery=[int(demand[i])]) for i in range(stops)],
        depots=[pyvrp.Depot(0)],
        vehicle_types=[pyvrp.VehicleType(vans, capacity=[capacity])],
        distance_matrices=[matrix],
        duration_matrices=[matrix],
    )
    first = None if start is None else pyvrp.Solution(data, [list(tour) for tour in start if tour])
    result = pyvrp.solve(data, MaxIterations(iterations), SEED, collect_stats=False, initial_solution=first)
    return tuple(tuple(a.idx for a in route if a.is_client()) for route in result.best.routes())
