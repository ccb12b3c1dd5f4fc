"""Places as arrays: communities, cities, leaders and where they lie."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from sim.sections.places import MOST_COMMUNITIES, Places
from sim.world.geography import geography


def listed(*names: str, city: str = "here", leaders: int = 1) -> list[dict[str, object]]:
    return [
        {"community": name, "city": city, "users": 500.4, "leaders": leaders, "x_km": 1.5, "y_km": -2} for name in names
    ]


def test_communities_stand_city_by_city() -> None:
    places = geography(Places(cities=3, communities_per_city=4))
    assert places.size == 12
    assert places.cities == ("city-01", "city-02", "city-03")
    assert places.city.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert places.communities[5] == "city-02-0002"
    assert places.by_city(places.users).tolist() == [4000, 4000, 4000]


def test_listed_communities_are_taken_as_they_are() -> None:
    places = geography(Places(listed=[*listed("a", "b"), *listed("c", city="there", leaders=3)]))
    assert places.communities == ("a", "b", "c")
    assert places.cities == ("here", "there")
    assert places.city.tolist() == [0, 0, 1]
    assert places.users.tolist() == [500, 500, 500]
    assert (places.x_km[0], places.y_km[0]) == (1.5, -2)
    assert places.leaders.tolist() == [1, 1, 3]
    assert places.by_city(places.leaders).tolist() == [2, 3]


def test_cities_may_be_listed_in_any_order() -> None:
    rows = [*listed("a"), *listed("b", city="there"), *listed("c")]
    assert geography(Places(listed=rows)).city.tolist() == [0, 1, 0]


def test_leaders_of_a_community_stand_together_and_have_keys_of_their_own() -> None:
    rows = [*listed("a", leaders=2), *listed("b", leaders=0), *listed("c", leaders=3)]
    places = geography(Places(listed=rows))
    assert places.leader_community.tolist() == [0, 0, 2, 2, 2]
    assert places.first_leader.tolist() == [0, 2, 2, 5]
    assert np.unique(places.leader_key).size == 5


def test_another_community_or_leader_changes_nobodys_key_place_or_size() -> None:
    few = geography(Places(cities=2, communities_per_city=3, users_cv=0.5))
    many = geography(Places(cities=5, communities_per_city=9, users_cv=0.5, leaders_per_community=4))
    at = [many.communities.index(name) for name in few.communities]
    for name in ("keys", "users", "x_km", "y_km"):
        assert (getattr(many, name)[at] == getattr(few, name)).all()
    assert set(few.leader_key.tolist()) < set(many.leader_key.tolist())
    assert (many.city_keys[:2] == few.city_keys).all()


def test_keys_are_all_different() -> None:
    places = geography(Places(cities=20, communities_per_city=50))
    assert np.unique(places.keys).size == 1000
    assert np.unique(places.leader_key).size == 2000
    assert np.unique(places.city_keys).size == 20


def test_communities_lie_evenly_on_the_citys_disc() -> None:
    places = geography(Places(cities=20, communities_per_city=100, city_radius_km=8))
    distance = np.hypot(places.x_km, places.y_km)
    assert distance.max() <= 8
    assert (distance < 4).mean() == pytest.approx(1 / 4, abs=0.03)
    assert abs(places.x_km.mean()) < 0.4
    assert abs(places.y_km.mean()) < 0.4


def test_sizes_have_their_mean_and_spread() -> None:
    places = geography(Places(cities=20, communities_per_city=100, users_per_community=1000, users_cv=0.4))
    assert places.users.mean() == pytest.approx(1000, rel=0.03)
    assert places.users.std() == pytest.approx(400, rel=0.06)
    assert (geography(Places(communities_per_city=5)).users == 1000).all()


def test_one_community_without_leaders_and_users_is_a_place_too() -> None:
    places = geography(Places(users_per_community=0, leaders_per_community=0))
    assert places.size == 1
    assert places.users.tolist() == [0]
    assert places.leader_community.size == places.leader_key.size == 0
    assert places.first_leader.tolist() == [0, 0]


def test_too_many_communities_and_one_listed_twice_are_refused() -> None:
    assert geography(Places(cities=2, communities_per_city=1024)).size == MOST_COMMUNITIES
    with pytest.raises(ValidationError, match="3 × 1024 communities are too many; allowed: 2048"):
        Places(cities=3, communities_per_city=1024)
    with pytest.raises(ValidationError, match="'a' is listed twice; allowed: each community once"):
        Places(listed=listed("a", "b", "a"))
