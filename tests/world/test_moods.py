"""Moods: each influence acts in its direction, by itself, on the same cases with the same luck."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from closed_cases import BARE, BASKET_YUAN, DAY, MINUTE, Evening, H, cases, judged, section
from pydantic import ValidationError

from sim.sections.segments import Segment
from sim.service.topics import CAUSES
from sim.world.flows import CHANNELS, Moods

QUALITY, LATE = CAUSES.index("quality"), CAUSES.index("late")
PHONE, GROUP = CHANNELS.index("phone"), CHANNELS.index("group")
PER_CASE = tuple(f.name for f in dataclasses.fields(Moods))[:8]
PER_COMMUNITY = tuple(f.name for f in dataclasses.fields(Moods))[8:]


def bare(**changes: Any) -> dict[str, Any]:
    return BARE | {f"satisfaction.{name}": value for name, value in changes.items()}


def same(a: Moods, b: Moods) -> set[str]:
    """Names of the fields in which two evenings agree to the last bit."""
    return {
        f.name
        for f in dataclasses.fields(Moods)
        if np.array_equal(
            getattr(a, f.name), getattr(b, f.name), equal_nan=np.asarray(getattr(a, f.name)).dtype.kind == "f"
        )
    }


# ── satisfaction ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "columns", "expected"),
    [
        ({}, {}, 4.5),
        ({}, {"solved": False}, 2.7),
        ({}, {"solved": False, "given_up": True}, 2.0),
        ({"wait_points": 0.5}, {"first_response": 15 * MINUTE}, 4.5 - 0.5 * 2),  # log2(1 + 15 / 5) = 2
        ({"wait_points": 0.5}, {"first_response": -1, "closed": 8 * H + 35 * MINUTE}, 4.5 - 0.5 * 3),
        ({"hop_points": 0.3}, {"hops": 2}, 4.5 - 0.6),
        ({"ask_points": 0.3}, {"asks": 3}, 4.5 - 0.6),
        ({"time_points": 0.4}, {"closed": 8 * H + 14 * H}, 4.5 - 0.4 * 3),  # log2(1 + 14 / 2) = 3
        ({"reopened_points": 0.3}, {"reopened": True}, 4.2),
        ({"cause_points": {"quality": 0.4}}, {"cause": QUALITY}, 4.1),
        ({"cause_points": {"quality": 0.4}}, {}, 4.5),
        ({"call_back_points": 0.2}, {"called_back": True}, 4.7),
        ({"hop_points": 4}, {"hops": 9}, 1.0),
        ({"call_back_points": 4}, {"called_back": True}, 5.0),
    ],
)
def test_satisfaction_by_hand(changes: dict[str, Any], columns: dict[str, Any], expected: float) -> None:
    assert judged(cases(3, **columns), bare(**changes)).satisfaction == pytest.approx([expected] * 3)


def test_a_server_of_four_stars_pleases_and_one_of_two_does_not() -> None:
    rows = cases(2, last_server=[0, -1])
    changes = bare(grade_points=0.3)
    assert judged(rows, changes, grade=4.0).satisfaction == pytest.approx([4.8, 4.5])
    assert judged(rows, changes, grade=2.0).satisfaction == pytest.approx([4.2, 4.5])


def test_compensation_pleases_in_proportion_to_the_claim_up_to_a_bound() -> None:
    changes = bare(compensation_points=0.4, compensation_most_ratio=1.0) | {
        "compensation.coupon_share": 1.0,
        "compensation.claim_cv": 0.0,
    }
    # A claim of 0.8 × 25 = 20 yuan, a coupon of 5.
    assert judged(cases(2), changes).satisfaction == pytest.approx([4.6] * 2)
    generous = changes | {"compensation.coupon_yuan": 200}
    assert judged(cases(2), generous).satisfaction == pytest.approx([4.9] * 2)
    refunds = changes | {"compensation.refund_share": {"other": 1.0}, "satisfaction.refund_points": 0.05}
    assert judged(cases(2), refunds).satisfaction == pytest.approx([4.95] * 2)
    assert judged(cases(2), refunds).compensation_yuan == pytest.approx([20.0] * 2)


@pytest.mark.parametrize(
    ("columns", "sign"),
    [
        ({"first_response": 3 * H}, -1),
        ({"first_response": -1, "solved": False, "given_up": True, "last_server": -1}, -1),
        ({"hops": 2}, -1),
        ({"asks": 3}, -1),
        ({"closed": 8 * H + 3 * DAY}, -1),
        ({"reopened": True}, -1),
        ({"solved": False}, -1),
        ({"cause": LATE}, -1),
        ({"called_back": True}, 1),
    ],
)
def test_each_step_of_a_case_moves_everybody_the_same_way(columns: dict[str, Any], sign: int) -> None:
    better, worse = judged(cases(500)).satisfaction, judged(cases(500, **columns)).satisfaction
    assert (sign * (worse - better) >= 0).all()
    assert (sign * (worse - better) > 0).mean() > 0.5


@pytest.mark.parametrize(
    ("changes", "columns", "sign"),
    [
        ({"compensation.coupon_share": 1.0}, {}, 1),
        ({"compensation.refund_share": {"other": 1.0}}, {}, 1),
        ({"satisfaction.wait_points": 0.3}, {}, -1),
        ({"satisfaction.time_scale_h": 1}, {}, -1),
        ({"satisfaction.solved_start": 4.0}, {}, -1),
        ({"second_call.share": 1.0, "second_call.unhappy_at_most": 3, "rating.rated_share": 1.0}, {"hops": 9}, 1),
    ],
)
def test_each_number_moves_everybody_the_same_way(changes: dict[str, Any], columns: dict[str, Any], sign: int) -> None:
    rows = cases(500, **columns)
    before, after = judged(rows).satisfaction, judged(rows, changes).satisfaction
    assert (sign * (after - before) >= 0).all()
    assert (sign * (after - before) > 0).any()


def test_a_strict_segment_is_less_content_and_calls_as_often_as_it_should() -> None:
    segments = {
        "strict": Segment(share=0.3, strictness=1.0, phone_factor=2.0),
        "other": Segment(share=0.7),
    }
    evening = Evening(bare(), segments=segments)
    n = 4000
    moods = evening.judge(cases(n, channel=np.where(np.arange(n) % 2, PHONE, GROUP)))
    strict = moods.satisfaction < 4.0
    assert set(np.unique(moods.satisfaction)) == {3.5, 4.5}
    for phone in (0, 1):
        share = evening.mood.segments.posterior(bool(phone), voiced=True)[0]
        assert abs(strict[phone::2].mean() - share) < 4 * np.sqrt(share * (1 - share) / (n / 2))
    assert strict[1::2].mean() > strict[::2].mean()


def test_late_goods_trouble_those_less_who_mind_them_less() -> None:
    segments = {"minds": Segment(share=0.5), "does_not": Segment(share=0.5, late_factor=0.0)}
    moods = Evening(bare(cause_points={"late": 0.4}), segments=segments).judge(cases(200, cause=LATE))
    assert sorted(set(moods.satisfaction.round(6))) == [3.7, 4.5]
    bad = Evening(bare(cause_points={"quality": 0.4}), segments=segments).judge(cases(200, cause=QUALITY))
    assert bad.satisfaction == pytest.approx([4.1] * 200)


def test_luck_goes_by_the_draw_key_not_by_the_number_of_the_case() -> None:
    segments = {"strict": Segment(share=0.5, strictness=1.0), "other": Segment(share=0.5)}
    rows = cases(300, cause=1 + np.arange(300) % 6)
    renumbered = dataclasses.replace(rows, case=rows.case + 17)
    a, b = (Evening(segments=segments).judge(r) for r in (rows, renumbered))
    assert same(a, b) == {f.name for f in dataclasses.fields(Moods)}


def test_a_delay_that_was_announced_on_the_day_of_the_first_contact_troubles_less() -> None:
    rows = cases(100, cause=[LATE] * 50 + [QUALITY] * 50, arrived=2 * DAY + H)
    evening = Evening(bare(announced_points=0.5, solved_start=4.0))
    evening.judge(cases(0), day=1)
    evening.judge(cases(0), day=2, announced=1.0)
    assert evening.judge(rows, day=3).satisfaction == pytest.approx([4.5] * 50 + [4.0] * 50)
    other_day = dataclasses.replace(rows, arrived=rows.arrived - DAY, closed=rows.closed - DAY)
    assert evening.judge(other_day, day=4).satisfaction == pytest.approx([4.0] * 100)
    assert evening.judge(rows, day=90).satisfaction == pytest.approx([4.0] * 100)


def test_a_community_without_late_goods_may_have_no_announced_share() -> None:
    evening = Evening()
    assert np.isfinite(evening.judge(cases(50, cause=LATE), announced=float("nan")).satisfaction).all()


def test_yesterdays_mood_is_felt_today_and_todays_is_not() -> None:
    evening = Evening(bare(mood_weight=0.5, mood_neutral=3.5), communities=2)
    cross = evening.judge(cases(10, communities=2, solved=[True, False] * 5))
    assert cross.satisfaction == pytest.approx([4.5, 2.7] * 5)
    after = evening.judge(cases(10, communities=2), day=1)
    assert after.satisfaction == pytest.approx([4.5 + 0.5 * 1.0, 4.5 - 0.5 * 0.8] * 5)
    evening.judge(cases(0), day=2)
    assert evening.judge(cases(10, communities=2), day=3).satisfaction == pytest.approx([4.5] * 10)


def test_a_case_feels_the_same_in_any_company_and_on_any_evening() -> None:
    changes = {"satisfaction.mood_weight": 0}
    alone, many = judged(cases(40), changes), judged(cases(90), changes, day=6, silent=3)
    for name in PER_CASE:
        np.testing.assert_array_equal(getattr(alone, name), getattr(many, name)[:40], err_msg=name)


# ── ratings and second calls ─────────────────────────────────────────────────────────────────────────────────────


def test_recorded_satisfaction_is_a_whole_number_near_the_true_one() -> None:
    moods = judged(cases(4000, hops=np.arange(4000) % 12), {"rating.rated_share": 0.5})
    recorded = moods.recorded[moods.rated]
    assert set(recorded) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (np.abs(recorded - moods.satisfaction[moods.rated]) <= 0.5).all()
    assert np.isnan(moods.recorded[~moods.rated]).all()


@pytest.mark.parametrize(("start", "expected"), [(3.0, 0.1), (1.0, 0.25), (5.0, 0.2)])
def test_the_very_unhappy_and_the_very_happy_rate_more(start: float, expected: float) -> None:
    changes = bare(given_up_start=1, unsolved_start=1, solved_start=start) | {"rating.rated_share": 0.1}
    n = 8000
    assert abs(judged(cases(n), changes).rated.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_those_who_gave_up_are_missing_among_the_ratings() -> None:
    rows = cases(500, solved=False, given_up=np.arange(500) % 2 == 0, last_server=-1)
    moods = judged(rows, {"rating.rated_share": 1.0, "rating.given_up_factor": 0.0})
    assert moods.rated.tolist() == (~rows.given_up).tolist()


def test_closing_early_makes_the_record_too_high_and_moves_nothing_else() -> None:
    rows, rated = cases(800, hops=4), {"rating.rated_share": 0.5}
    honest, early = judged(rows, rated), judged(rows, rated | {"rating.closed_early_share": 1.0})
    assert {f.name for f in dataclasses.fields(Moods)} - same(honest, early) == {"recorded"}
    raised = (early.recorded - honest.recorded)[honest.rated]
    assert (raised >= 0).all()
    assert raised.mean() > 0.5


def test_a_second_call_mends_some_of_the_unhappy_rated_cases_and_nobody_else() -> None:
    rows, rated = cases(2000, hops=12), {"rating.rated_share": 0.3}
    without, with_call = judged(rows, rated), judged(rows, rated | {"second_call.share": 1.0})
    moved = with_call.satisfaction != without.satisfaction
    unhappy = without.recorded <= 2
    assert (moved <= unhappy).all()
    assert abs(moved[unhappy].mean() - 0.5) < 4 * np.sqrt(0.25 / unhappy.sum())
    assert (with_call.satisfaction >= without.satisfaction).all()
    assert {"rated", "recorded", "compensation_yuan"} <= same(without, with_call)
    assert with_call.leaves.sum() < without.leaves.sum()


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_chances_to_leave_by_hand() -> None:
    n = 20_000
    changes = bare(unsolved_start=2.0, given_up_start=2.0)
    rows = cases(n, solved=False)
    expected = 0.4 / 2  # at the middle, half of the most
    leaves = judged(rows, changes).leaves.sum()
    assert abs(leaves - n * expected) < 4 * np.sqrt(n * expected * (1 - expected))
    assert judged(rows, changes | {"loss.case_most_share": 0.0}).leaves.sum() == 0


def test_silent_problems_drive_away_more_than_refunded_ones_and_none_when_switched_off() -> None:
    evening = Evening(communities=200)
    silent, refunded = evening.judge(cases(0), silent=50).leaves, evening.judge(cases(0), refunded=50).leaves
    assert abs(silent.sum() - 1200) < 4 * np.sqrt(10_000 * 0.12 * 0.88)
    assert abs(refunded.sum() - 300) < 4 * np.sqrt(10_000 * 0.03 * 0.97)
    off = Evening({"loss.silent_share": 0.0, "loss.refunded_share": 0.0}, communities=200)
    assert off.judge(cases(0), silent=50, refunded=50).leaves.sum() == 0
    everybody = Evening({"loss.silent_share": 1.0, "loss.refunded_share": 1.0}, communities=3)
    assert everybody.judge(cases(0), silent=4, refunded=2).leaves.tolist() == [6, 6, 6]


def test_more_silent_problems_keep_those_who_left() -> None:
    evening = Evening(communities=100)
    fewer, more = evening.judge(cases(0), silent=20).leaves, evening.judge(cases(0), silent=30).leaves
    assert (more >= fewer).all()
    assert more.sum() > fewer.sum()


def test_worse_service_keeps_those_who_left_posted_and_complained() -> None:
    good, bad = judged(cases(3000)), judged(cases(3000, hops=6, asks=4))
    assert (bad.leaves >= good.leaves).all()
    assert (bad.posts >= good.posts).all()
    assert (bad.complains >= good.complains).all()
    assert (bad.unhappy >= good.unhappy).all()
    assert (bad.happy <= good.happy).all()
    assert (bad.good_deeds <= good.good_deeds).all()
    assert bad.leaves.sum() > good.leaves.sum()
    assert bad.posts.sum() > good.posts.sum()


def test_experiences_are_counted_in_people_with_their_weights() -> None:
    rows = cases(10, solved=[True] * 7 + [False] * 3)
    changes = bare(solved_start=4.6, unsolved_start=2.4, given_up_start=2.4)
    moods = judged(rows, changes, silent=8, refunded=20)
    assert moods.unhappy.tolist() == pytest.approx([3 + 0.5 * 8])
    assert moods.happy.tolist() == pytest.approx([7 + 0.1 * 20])


def test_bad_news_are_told_more_from_the_group_and_from_incidents() -> None:
    changes = bare(unsolved_start=1.0, given_up_start=1.0) | {"posts.post_share": 0.1}
    n = 4000
    for columns, expected in (({}, 0.1), ({"channel": GROUP}, 0.2), ({"incident": True, "channel": GROUP}, 0.4)):
        posts = judged(cases(n, solved=False, **columns), changes).posts.sum()
        assert abs(posts - n * expected) < 4 * np.sqrt(n * expected * (1 - expected))
    assert judged(cases(n), changes).posts.sum() == 0


def test_a_scandal_needs_a_post_about_a_severe_quality_case() -> None:
    changes = bare(unsolved_start=1.0, given_up_start=1.0) | {
        "posts.post_share": 1.0,
        "posts.scandal_share": 1.0,
        "compensation.severe_share": 1.0,
    }
    bad = {"solved": False, "cause": QUALITY}
    assert judged(cases(5, **bad), changes).scandal
    assert not judged(cases(5, solved=False), changes).scandal
    assert not judged(cases(5, **bad), changes | {"posts.scandal_share": 0.0}).scandal
    assert not judged(cases(5, **bad), changes | {"posts.post_share": 0.0}).scandal
    large = changes | {"compensation.severe_share": 0.0, "compensation.claim_cv": 0.0, "compensation.severe_yuan": 20}
    assert judged(cases(5, **bad), large).scandal


@pytest.mark.parametrize(
    ("changes", "moved"),
    [
        ({"posts.post_share": 0.0}, {"posts"}),
        ({"posts.deed_share": 0.0}, {"good_deeds"}),
        ({"loss.case_most_share": 0.0}, {"leaves"}),
        ({"loss.silent_share": 0.0}, {"leaves"}),
        ({"loss.silent_unhappy_weight": 0.0}, {"unhappy"}),
        ({"loss.refunded_happy_weight": 0.0}, {"happy"}),
        ({"rating.rated_share": 0.0}, {"rated", "recorded"}),
        (
            {"escalation.place_weights": {}},
            {"complains", "place", "complaint_cause", "third_party", "escalations"},
        ),
        ({"compensation.severe_share": 1.0}, set()),
        ({"satisfaction.mood_weight": 0.0}, set()),
    ],
)
def test_switching_one_thing_off_moves_only_that(changes: dict[str, Any], moved: set[str]) -> None:
    rows = cases(3000, hops=np.arange(3000) % 8, cause=1 + np.arange(3000) % 6)
    with_it, without = judged(rows, silent=60, refunded=40), judged(rows, changes, silent=60, refunded=40)
    assert {f.name for f in dataclasses.fields(Moods)} - same(with_it, without) == moved


def test_no_cases_leave_nothing_but_the_silent() -> None:
    moods = Evening(communities=3).judge(cases(0))
    assert all(getattr(moods, name).size == 0 for name in PER_CASE)
    assert all(not np.asarray(getattr(moods, name)).any() for name in PER_COMMUNITY)
    assert moods.leaves.shape == (3,)
    assert moods.escalations.shape == (3, len(CHANNELS))


def test_records_hold_the_sums_of_the_moods() -> None:
    evening = Evening({"rating.rated_share": 0.3}, communities=4)
    rows = cases(600, communities=4, cause=1 + np.arange(600) % 6, hops=np.arange(600) % 5)
    moods = evening.judge(rows, day=2)
    values = evening.sums.values
    assert values["satisfaction_true"][2].sum() == pytest.approx(moods.satisfaction.sum())
    assert values["compensation_yuan"][2].sum() == pytest.approx(moods.compensation_yuan.sum())
    assert values["ratings"][2].sum() == moods.rated.sum()
    assert values["satisfaction_recorded"][2].sum() == moods.recorded[moods.rated].sum()
    assert values["complaints"][2].sum() == moods.complains.sum() > 0
    by_cause = values["satisfaction_true"][2, 0, CHANNELS.index("chat")]
    expected = np.bincount(rows.cause, weights=moods.satisfaction, minlength=len(CAUSES))
    assert by_cause.tolist() == pytest.approx(expected.tolist())
    assert not values["satisfaction_true"][[0, 1, 3]].any()


# ── compensation ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_todays_coupon_goes_to_a_share_of_the_answered_cases() -> None:
    rows = cases(4000, last_server=np.where(np.arange(4000) % 4, 1, -1))
    paid = judged(rows, {"compensation.refund_share": {}}).compensation_yuan
    assert set(paid) == {0.0, 5.0}
    assert not paid[::4].any()
    assert abs((paid > 0).mean() - 0.75 * 0.5) < 0.03
    assert not judged(cases(50, given_up=True, solved=False)).compensation_yuan.any()


def test_a_refund_is_the_claim_whose_mean_comes_from_the_basket() -> None:
    n = 20_000
    paid = judged(cases(n, cause=QUALITY), {"compensation.refund_share": {"quality": 1.0}}).compensation_yuan
    mean = 0.8 * BASKET_YUAN
    assert (paid > 0).all()
    assert abs(paid.mean() - mean) < 4 * mean / np.sqrt(n)
    unsolved = judged(cases(50, cause=QUALITY, solved=False), {"compensation.refund_share": {"quality": 1.0}})
    assert set(unsolved.compensation_yuan) <= {0.0, 5.0}


def test_more_refunds_keep_those_that_were_refunded() -> None:
    rows = cases(1000, cause=QUALITY)
    few, many = (judged(rows, {"compensation.refund_share": {"quality": s}}).compensation_yuan for s in (0.3, 0.6))
    refunded = (few != 0) & (few != 5)
    np.testing.assert_array_equal(few[refunded], many[refunded])


# ── bad numbers ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"satisfaction.unsolved_start": 4.9}, "do not fall; allowed: solved_start ≥ unsolved_start ≥ given_up_start"),
        ({"loss.unhappy_below": 4.9}, "allowed: unhappy_below ≤ happy_above"),
        ({"satisfaction.hop_points": -1}, "greater than or equal to 0"),
        ({"satisfaction.cause_points": {"noise": 1}}, "noise"),
        ({"compensation.refund_share": {"quality": 1.5}}, "less than or equal to 1"),
        ({"escalation.place_weights": {"moon": 1}}, "moon"),
        ({"posts.post_below": 1}, "greater than 1"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        section(changes)
