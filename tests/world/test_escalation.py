"""Complaints: who makes one, where, what about, and what comes in tomorrow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from closed_cases import BARE, Evening, H, cases, judged, section

from sim.service.topics import CAUSES
from sim.world.chance import Chance
from sim.world.escalation import Escalation
from sim.world.flows import CHANNELS

CHAT, GROUP, OWN, REGULATOR, SOCIAL = (
    CHANNELS.index(name) for name in ("chat", "group", "own_entry", "regulator", "social")
)
QUALITY, PASSED_AROUND = CAUSES.index("quality"), CAUSES.index("passed_around")
ANGRY: dict[str, Any] = {"escalation.discontent_per_point": 1e6}
"""Whoever is not content complains."""


def weights(**places: float) -> dict[str, Any]:
    return {"escalation.place_weights": places, "escalation.claim_powers": {}}


def test_impulses_add_up_by_hand() -> None:
    escalation = Escalation(section().escalation, 20.0, Chance(1, 0))
    rows = cases(3, hops=[0, 2, 0], given_up=[False, False, True])
    impulse = escalation.impulse(rows, np.array([0.0, 1.5, 2.0]), np.array([0.0, 3.0, 30.0]), np.array([1.0, 2.0, 1.0]))
    assert impulse == pytest.approx([0.0, 2 * (0.03 + 0.03 + 0.04), 0.04 + 0.24 + 0.05])


def test_the_chance_of_a_complaint_is_that_of_its_impulse() -> None:
    n = 20_000
    changes = BARE | {"satisfaction.solved_start": 4.0, "escalation.per_hop": 0.1}
    expected = 1 - np.exp(-(0.2 + 0.01 / 6))  # two hand-overs, ten minutes
    made = judged(cases(n, hops=2), changes).complains.mean()
    assert abs(made - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize(
    ("columns", "alone"),
    [
        ({"first_response": 12 * H}, "waiting_per_h"),
        ({"hops": 3}, "per_hop"),
        ({"given_up": True, "last_server": -1, "solved": False}, "given_up"),
        ({"solved": False}, "discontent_per_point"),
    ],
)
def test_each_impulse_adds_complaints_and_takes_none_away(columns: dict[str, Any], alone: str) -> None:
    others = {"waiting_per_h", "per_hop", "given_up", "discontent_per_point"} - {alone}
    off = {f"escalation.{name}": 0 for name in others}
    before, after = judged(cases(4000), off).complains, judged(cases(4000, **columns), off).complains
    assert (after >= before).all()
    assert after.sum() > before.sum()
    none = judged(cases(4000, **columns), off | {f"escalation.{alone}": 0})
    assert not none.complains.any()


def test_waiting_and_hand_overs_act_once() -> None:
    rows = cases(4000, first_response=5 * H, hops=3)
    deaf = {"escalation.waiting_per_h": 0, "escalation.per_hop": 0}
    mild, hard = (
        judged(rows, deaf | {"satisfaction.wait_points": points, "satisfaction.hop_points": points})
        for points in (0.0, 0.5)
    )
    assert hard.satisfaction.mean() < mild.satisfaction.mean() - 1
    np.testing.assert_array_equal(hard.complains, mild.complains)


def test_longer_waits_than_the_bound_add_nothing() -> None:
    a, b = (judged(cases(2000, first_response=h * H, closed=100 * H)).complains for h in (24, 90))
    np.testing.assert_array_equal(a, b)


def test_those_who_speak_up_complain_more_unless_that_is_switched_off() -> None:
    rows, one, loud = cases(2, hops=2), np.ones(2), np.array([1.0, 3.0])
    for power, factor in ((0, 1), (1, 3), (2, 9)):
        escalation = Escalation(section({"escalation.voiced_power": power}).escalation, 20.0, Chance(1, 0))
        calm, louder = (escalation.impulse(rows, one, one, voiced) for voiced in (one, loud))
        assert louder == pytest.approx(calm * [1, factor])


def test_places_are_chosen_in_proportion_to_their_weights() -> None:
    n = 8000
    rows = cases(n, solved=False)
    moods = judged(rows, ANGRY | weights(own_entry=2, regulator=1, social=1) | {"satisfaction.noise_sd": 0})
    assert moods.complains.all()
    for place, share in ((OWN, 0.5), (REGULATOR, 0.25), (SOCIAL, 0.25), (GROUP, 0.0)):
        assert abs((moods.place == place).mean() - share) <= 4 * np.sqrt(share * (1 - share) / n)


def test_a_case_of_the_group_is_rather_told_in_the_group() -> None:
    n = 6000
    changes = ANGRY | weights(own_entry=1, group=1) | {"satisfaction.noise_sd": 0, "escalation.group_case_factor": 3}
    chat, group = (judged(cases(n, solved=False, channel=channel), changes).place for channel in (CHAT, GROUP))
    assert abs((chat == GROUP).mean() - 0.5) < 0.03
    assert abs((group == GROUP).mean() - 0.75) < 0.03


def test_nobody_complains_again_where_the_case_already_is() -> None:
    rows = cases(300, solved=False, channel=np.array([OWN, REGULATOR, SOCIAL])[np.arange(300) % 3])
    moods = judged(rows, ANGRY | {"satisfaction.noise_sd": 0})
    assert moods.complains.all()
    assert (moods.place != rows.channel).all()
    only = judged(rows, ANGRY | weights(regulator=1))
    assert not only.complains[1::3].any()
    assert (only.place[1::3] == 0).all()
    assert (only.complaint_cause[1::3] == 0).all()


def test_large_claims_go_rather_to_the_regulator() -> None:
    rows = cases(4000, solved=False, cause=QUALITY)
    shared = ANGRY | {"satisfaction.noise_sd": 0, "compensation.severe_share": 0.0}
    flat = judged(rows, shared | {"escalation.claim_powers": {}})
    steep = judged(rows, shared | {"escalation.claim_powers": {"regulator": 2.0}})
    claim = Evening(shared).mood.compensation.pay(rows).claim_yuan
    large = claim > 40
    assert (steep.place[large] == REGULATOR).mean() > (flat.place[large] == REGULATOR).mean() + 0.2
    assert (steep.place[~large] == REGULATOR).mean() < (flat.place[~large] == REGULATOR).mean()
    np.testing.assert_array_equal(steep.complains, flat.complains)


def test_a_basket_of_nothing_makes_no_trouble() -> None:
    evening = Evening(ANGRY)
    free = Escalation(section(ANGRY).escalation, 0.0, Chance(1, 0))
    rows = cases(50, solved=False)
    found = free.complaints(rows, np.full(50, 9.0), np.zeros(50))
    assert set(found.place[found.made]) <= {OWN, GROUP, REGULATOR, SOCIAL}
    assert evening.judge(rows).complains.any()


def test_a_complaint_is_about_being_passed_around_beyond_so_many_hand_overs_or_asks() -> None:
    rows = cases(4, solved=False, cause=QUALITY, hops=[1, 2, 0, 0], asks=[2, 1, 3, 1])
    moods = judged(rows, ANGRY | {"satisfaction.noise_sd": 0})
    assert moods.complains.all()
    assert moods.complaint_cause.tolist() == [QUALITY, PASSED_AROUND, PASSED_AROUND, QUALITY]


def test_ownership_takes_complaints_about_being_passed_around_away() -> None:
    hops = np.arange(1000) % 4
    passed, owned = judged(cases(1000, hops=hops), ANGRY), judged(cases(1000), ANGRY)
    assert (passed.complaint_cause == PASSED_AROUND).any()
    assert not (owned.complaint_cause == PASSED_AROUND).any()


def test_third_parties_are_all_places_but_the_platforms_own() -> None:
    moods = judged(cases(2000, solved=False), ANGRY)
    assert set(moods.place[moods.complains]) == {OWN, GROUP, REGULATOR, SOCIAL}
    np.testing.assert_array_equal(moods.third_party, np.isin(moods.place, [GROUP, REGULATOR, SOCIAL]))


def test_complaints_come_in_tomorrow_but_for_what_is_told_in_the_group() -> None:
    evening = Evening(ANGRY, communities=3)
    rows = cases(900, communities=3, solved=False)
    moods = evening.judge(rows)
    for c in range(3):
        for place in (OWN, REGULATOR, SOCIAL):
            expected = ((rows.community == c) & (moods.place == place)).sum()
            assert moods.escalations[c, place] == expected > 0
    assert moods.escalations.sum() + (moods.place == GROUP).sum() == moods.complains.sum()
    assert evening.sums.values["complaints"].sum() == moods.complains.sum()
    assert evening.sums.values["complaints"][0].sum(axis=(0, 2))[[CHAT, GROUP]].tolist() == [
        0,
        (moods.place == GROUP).sum(),
    ]
