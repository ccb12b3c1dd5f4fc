"""The places of a scenario as arrays: communities, their cities, users, leaders and positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from scipy import special

from sim.naming import stable_hash
from sim.sections.places import Places
from sim.service.tables import Float64, Int32, Int64
from sim.world.chance import key_of


@dataclass(frozen=True)
class Geography:
    """Communities (C of them), cities (K) and leaders (L), in a fixed order.

    ``communities``, ``cities`` : names. ``keys`` : int64 (C,), from the names, for draws. ``city`` : int32 (C,).
    ``users`` : int64 (C,) at the start. ``x_km``, ``y_km`` : float64 (C,), the city's depot in the middle.
    ``leaders`` : int64 (C,) number in each community. ``leader_community`` : int32 (L,); the leaders of a community
    stand together. ``leader_key`` : int64 (L,), by community and place in it.
    """

    communities: tuple[str, ...]
    cities: tuple[str, ...]
    keys: Int64
    city: Int32
    users: Int64
    x_km: Float64
    y_km: Float64
    leaders: Int64
    leader_community: Int32
    leader_key: Int64

    @property
    def size(self) -> int:
        """Number of communities."""
        return len(self.communities)

    @cached_property
    def first_leader(self) -> Int64:
        """Bounds (C + 1,) of the communities' leaders in the arrays of leaders."""
        return np.concatenate([[0], np.cumsum(self.leaders)])

    @cached_property
    def city_keys(self) -> Int64:
        """Keys (K,) of the cities."""
        return np.array([key_of("city", name) for name in self.cities], dtype=np.int64)

    def by_city(self, values: Float64 | Int64) -> Float64:
        """Sums (K,) over the communities of each city."""
        return np.bincount(self.city, weights=values, minlength=len(self.cities)).astype(np.float64)


def geography(places: Places) -> Geography:
    """Lay out the places; a name says where on the disc a community lies, and how large it is."""
    return _named(places) if places.listed is None else _laid_out(places)


@lru_cache(maxsize=8)
def _named(places: Places) -> Geography:
    """Places that are not listed are known by a few numbers, and laid out once in a process."""
    made = _laid_out(places)
    for column in vars(made).values():
        if isinstance(column, np.ndarray):
            column.flags.writeable = False
    return made


def _laid_out(places: Places) -> Geography:
    city_names = places.city_names
    city = np.array(places.city_of_community, dtype=np.int32)
    if places.listed is not None:
        names = [one.community for one in places.listed]
        users = np.array([round(one.users) for one in places.listed], dtype=np.int64)
        x = np.array([one.x_km for one in places.listed])
        y = np.array([one.y_km for one in places.listed])
        leaders = np.array([one.leaders for one in places.listed], dtype=np.int64)
    else:
        names = [f"{name}-{j + 1:04d}" for name in city_names for j in range(places.communities_per_city)]
        size = np.ones(len(names))
        if places.users_cv > 0:
            size = special.gammaincinv(1 / places.users_cv**2, _share(names, "size")) * places.users_cv**2
        users = np.round(places.users_per_community * size).astype(np.int64)
        radius = places.city_radius_km * np.sqrt(_share(names, "radius"))
        angle = 2 * np.pi * _share(names, "angle")
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        leaders = np.full(len(names), places.leaders_per_community, dtype=np.int64)
    of_leader = np.repeat(np.arange(len(names), dtype=np.int32), leaders)
    place = np.arange(of_leader.size) - np.repeat(np.cumsum(leaders) - leaders, leaders)
    return Geography(
        communities=tuple(names),
        cities=tuple(city_names),
        keys=np.array([key_of("community", name) for name in names], dtype=np.int64),
        city=city,
        users=users,
        x_km=x,
        y_km=y,
        leaders=leaders,
        leader_community=of_leader,
        leader_key=np.array(
            [key_of("leader", names[c], str(j)) for c, j in zip(of_leader.tolist(), place.tolist(), strict=True)],
            dtype=np.int64,
        ),
    )


def _share(names: list[str], what: str) -> Float64:
    """A number strictly between 0 and 1 from each name."""
    return np.array([(stable_hash(f"{name}:{what}") + 0.5) / 2**32 for name in names])
