"""What a topic says: packed into an integer and read out of it again."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from sim.scenario import Cause
from sim.service.topics import (
    CAUSES,
    COMMUNITIES,
    NUMBERS,
    ORDINARY,
    cause_of,
    community_of,
    is_incident,
    number_of,
    topic_of,
)


def test_a_topic_is_number_cause_and_community_in_17_3_and_11_bits() -> None:
    assert topic_of(0, 0, 0) == 0
    assert topic_of(2047, 7, 131_071) == 2**31 - 1
    assert topic_of(5, 2, 64) == (64 << 14) | (2 << 11) | 5


def test_what_is_put_in_is_read_out() -> None:
    community, cause, number = np.meshgrid([0, 1, 1200, 2047], np.arange(8), [0, 1, 63, 64, 65, 131_071])
    topic = topic_of(community, cause, number)
    assert (topic.dtype, topic.shape) == (np.dtype(np.int32), community.shape)
    for read, written in ((community_of, community), (cause_of, cause), (number_of, number)):
        assert read(topic).dtype == np.int32
        assert (read(topic) == written).all()
    assert (is_incident(topic) == (number >= ORDINARY)).all()


def test_cause_and_number_are_what_a_topic_has_left_of_its_community() -> None:
    assert topic_of(0, 3, 70) >> 11 == topic_of(2047, 3, 70) >> 11
    assert topic_of(0, 3, 70) >> 11 != topic_of(0, 4, 70) >> 11


def test_no_topic_has_no_parts_and_is_no_incident() -> None:
    for read in (community_of, cause_of, number_of):
        assert read([-1, 0]).tolist() == [-1, 0]
    assert is_incident([-1, topic_of(0, 0, ORDINARY)]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((COMMUNITIES, 0, 0), "community 2048 .* allowed: 0 to 2047"),
        ((0, [1, 8], 0), "cause 8 .* allowed: 0 to 7"),
        ((0, 0, NUMBERS), "number 131072 .* allowed: 0 to 131071"),
        ((-1, 0, 0), "community -1"),
    ],
)
def test_what_does_not_fit_is_refused(parts: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        topic_of(*parts)


def test_a_scenario_names_the_same_causes_in_the_same_order() -> None:
    assert get_args(Cause) == CAUSES
