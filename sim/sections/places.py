"""Where the platform works: cities, communities, users and leaders in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from sim.fields import Model, Name, Positive
from sim.fields import wrong as _wrong

MOST_COMMUNITIES = 2048
"""A topic has 11 bits for the community (``sim.service.topics``)."""


class Community(Model):
    """One community, given by itself. Coordinates are km in its city's plane, the depot in the middle (0, 0)."""

    community: Name
    city: Name
    users: Annotated[float, Field(ge=0, le=1_000_000)]
    leaders: Annotated[int, Field(ge=0, le=1000)]
    x_km: Annotated[float, Field(ge=-500, le=500)]
    y_km: Annotated[float, Field(ge=-500, le=500)]


class Places(Model):
    """Communities, either so many alike per city, on a disc around the depot, or listed one by one.

    ``users_cv`` spreads the communities' sizes (gamma, mean ``users_per_community``); sizes and positions depend on
    the communities' names alone, never on the seed: they are the same in every run.
    """

    cities: Annotated[int, Field(ge=1, le=100)] = 1
    communities_per_city: Annotated[int, Field(ge=1, le=MOST_COMMUNITIES)] = 1
    users_per_community: Annotated[float, Field(ge=0, le=1_000_000)] = 1000.0
    users_cv: Annotated[float, Field(ge=0, le=3)] = 0.0
    leaders_per_community: Annotated[int, Field(ge=0, le=1000)] = 2
    city_radius_km: Positive = 10.0
    listed: Annotated[list[Community], Field(min_length=1, max_length=MOST_COMMUNITIES)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Places:
        if self.listed is None and self.cities * self.communities_per_city > MOST_COMMUNITIES:
            raise _wrong(
                f"{self.cities} × {self.communities_per_city} communities are too many; allowed: {MOST_COMMUNITIES}"
            )
        names = [one.community for one in self.listed or []]
        if len(set(names)) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise _wrong(f"the community '{twice}' is listed twice; allowed: each community once")
        return self

    @property
    def city_names(self) -> list[str]:
        """Cities in their order."""
        if self.listed is not None:
            return list(dict.fromkeys(one.city for one in self.listed))
        return [f"city-{i + 1:02d}" for i in range(self.cities)]

    @property
    def city_of_community(self) -> list[int]:
        """Number of each community's city, in the order of the communities."""
        if self.listed is not None:
            number = {name: i for i, name in enumerate(self.city_names)}
            return [number[one.city] for one in self.listed]
        return [i for i in range(self.cities) for _ in range(self.communities_per_city)]
