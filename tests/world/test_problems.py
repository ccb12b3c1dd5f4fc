"""What goes wrong with goods, and what becomes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from contacts_town import SECTION, Town, cause, changed
from pydantic import ValidationError
from scipy import stats

from sim.sections.contacts import Claims, ContactsSection
from sim.sections.segments import Segment
from sim.world.chance import Chance
from sim.world.flows import Problems
from sim.world.problems import GoodsProblems, leniency, quality_share, refund_without_agent_mean_yuan, weight_share
from sim.world.segments import SegmentMix


def town(**changes: object) -> Town:
    return Town(200, **changes)


def problems(of: Town, day: int = 3, **columns: object) -> Problems:
    return of.day(day, **columns)[1]


def test_problems_balance_to_the_unit_and_stay_within_the_orders() -> None:
    got = problems(town(incidents__bad_batch_share=1.0), late=60, warm=10, short=8)
    assert (got.all == got.voiced + got.refunded + got.silent).all()
    for part in (got.voiced, got.refunded, got.silent, got.abused):
        assert (part >= 0).all()
    assert got.all[:, cause("late")].max() <= 60
    assert got.all[:, cause("missing")].max() <= 8
    assert got.all.max() <= 150
    assert got.abused.sum() <= (got.voiced + got.refunded).sum()
    assert got.all[:, [cause("none"), cause("passed_around")]].sum() == 0


def test_every_order_of_a_hopeless_day_is_a_problem_of_each_cause_and_of_quality_only_once() -> None:
    certain = {f"problems__{name}": 1.0 for name in ("quality_share", "quality_when_warm_share", "late_share")}
    of = town(**certain, problems__short_refunded_share=0.0, incidents__bad_batch_share=1.0)
    got = problems(of, late=150, warm=40, short=150)
    for name in ("quality", "late", "missing"):
        assert (got.all[:, cause(name)] == 150).all()


@pytest.mark.parametrize(
    ("name", "n", "p"),
    [
        ("quality", 140, 0.04),
        ("late", 60, 0.08 + 2 * 0.05),
        ("missing", 8, 0.7),
        ("weight", 150, 0.5 * 0.5 * stats.norm.cdf(-2.0)),
        ("pick_up", 150, 0.02 * (1 - 0.6 * 0.6)),
        ("other", 150, 0.012),
    ],
)
def test_counts_have_the_expectation_of_their_cause(name: str, n: int, p: float) -> None:
    of, days = town(), 10
    at = {"late": 60, "warm": 10, "short": 8, "goods_at_min": 16 * 60 + 120.0}
    got = sum(int(problems(of, day, **at).all[:, cause(name)].sum()) for day in range(days))
    mean, variance = n * p, n * p * (1 - p)
    if name == "quality":
        mean, variance = mean + 10 * 0.25, variance + 10 * 0.25 * 0.75
    size = 200 * days
    assert got == pytest.approx(size * mean, abs=3.5 * math.sqrt(size * variance))


def test_voiced_refunded_and_abused_have_their_shares() -> None:
    of = town(claims__abuse_share=0.1)
    got = [problems(of, day) for day in range(10)]
    total = {
        name: sum(getattr(one, name)[:, cause("quality")].sum() for one in got)
        for name in ("all", "voiced", "refunded", "abused")
    }
    claims = total["voiced"] + total["refunded"]
    share = leniency(of.section.claims)
    assert claims / total["all"] == pytest.approx(0.4, abs=3.5 * math.sqrt(0.24 / total["all"]))
    assert total["refunded"] / claims == pytest.approx(share, abs=3.5 * math.sqrt(share / claims))
    abused = 0.1 + 0.05 * share
    assert total["abused"] / claims == pytest.approx(abused, abs=3.5 * math.sqrt(abused / claims))
    assert sum(one.refunded[:, cause("pick_up")].sum() for one in got) == 0


def test_small_claims_follow_the_lognormal_by_simulation() -> None:
    claims = ContactsSection.model_validate(SECTION).claims
    rng = np.random.Generator(np.random.Philox(5))
    sigma = math.sqrt(math.log(1 + 0.7**2))
    amounts = np.exp(math.log(15) - sigma**2 / 2 + sigma * rng.standard_normal(400_000))
    small = amounts[amounts < 20]
    assert amounts.mean() == pytest.approx(15, rel=0.01)
    assert leniency(claims) == pytest.approx(small.size / amounts.size * 0.9 * 0.25, rel=0.01)
    assert refund_without_agent_mean_yuan(claims) == pytest.approx(small.mean(), rel=0.01)


def test_without_a_limit_nothing_is_refunded_without_an_agent() -> None:
    of = town(claims__refund_without_agent_below_yuan=0)
    got = problems(of, short=10)
    assert got.refunded.sum() == 0
    assert refund_without_agent_mean_yuan(of.section.claims) == 0
    with_limit = problems(town(), short=10)
    assert (got.all == with_limit.all).all()
    assert (got.voiced == with_limit.voiced + with_limit.refunded).all()


def test_more_leniency_more_abuse_and_fewer_contacts() -> None:
    strict, lenient = town(claims__refund_button_share=0.0), town(claims__refund_button_share=1.0)
    few = sum(problems(strict, day).abused.sum() for day in range(5))
    many = sum(problems(lenient, day).abused.sum() for day in range(5))
    assert many > few > 0
    assert (problems(lenient).voiced <= problems(strict).voiced).all()
    assert (problems(lenient).all == problems(strict).all).all()


def test_weights_within_the_tolerance_are_no_problem() -> None:
    section = ContactsSection.model_validate(changed(SECTION, problems__packed_weight_cv=0.0))
    assert weight_share(section.problems) == 0
    assert problems(town(problems__packed_weight_cv=0.0)).all[:, cause("weight")].sum() == 0
    wide = ContactsSection.model_validate(changed(SECTION, problems__packed_weight_cv=0.05))
    assert weight_share(wide.problems) == pytest.approx(0.25 * 0.158655, rel=1e-4)


def test_new_packing_takes_the_packing_fault_from_35_to_5_per_cent() -> None:
    new = changed(SECTION, problems__badly_packed_share=1.0, problems__packing_fault_share=0.05)
    chances = ContactsSection.model_validate(new).problems
    # 65 of 100 problems stay; they are 95 % of what is left.
    assert quality_share(chances) == pytest.approx(0.04 * 0.65 / 0.95)
    assert quality_share(ContactsSection.model_validate(SECTION).problems) == pytest.approx(0.04)


def test_a_notice_in_time_prevents_pick_up_problems_and_nothing_else() -> None:
    none, all_ = problems(town(pick_up__notice_share=0.0)), problems(town(pick_up__notice_share=1.0))
    assert (all_.all[:, cause("pick_up")] <= none.all[:, cause("pick_up")]).all()
    assert all_.all[:, cause("pick_up")].sum() < none.all[:, cause("pick_up")].sum()
    others = np.arange(8) != cause("pick_up")
    assert (all_.all[:, others] == none.all[:, others]).all()


def test_announced_late_goods_are_less_of_a_problem_and_later_goods_more() -> None:
    of, late = town(), cause("late")
    plain = problems(of, late=40).all[:, late]
    announced = problems(of, late=40, announced_share=1.0).all[:, late]
    later = problems(of, late=40, goods_at_min=20 * 60.0).all[:, late]
    assert (announced <= plain).all()
    assert (plain <= later).all()
    assert announced.sum() < plain.sum() < later.sum()


def test_warm_goods_change_no_problem_of_other_causes() -> None:
    of = town()
    cold, warm = problems(of), problems(of, warm=40)
    assert warm.all[:, cause("quality")].sum() > cold.all[:, cause("quality")].sum()
    others = np.arange(8) != cause("quality")
    for part in ("all", "voiced", "refunded", "abused"):
        assert (getattr(cold, part)[:, others] == getattr(warm, part)[:, others]).all()


def test_a_segment_that_speaks_up_more_leaves_the_mean_share_as_it_is() -> None:
    of = town()
    mix = SegmentMix({"shy": Segment(share=0.7, voiced_factor=0.5), "demanding": Segment(share=0.3, voiced_factor=2)})
    goods = GoodsProblems(of.section, mix, of.places, 960.0, Chance(7, 0))
    nobody = of.whole(-1)
    got = goods.of_day(3, of.delivery(), nobody, np.zeros((200, 7), np.int64))[0]
    assert (got.voiced == problems(of).voiced).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"claims__refundable": ["quality", "quality"]}, "refundable twice; allowed: each cause once"),
        ({"claims__refundable": ["passed_around"]}, "refundable"),
        ({"claims__claim_mean_yuan": 0}, "claim_mean_yuan"),
        ({"pick_up__weights": [0, 0]}, "allowed: 1, 2, 3"),
        ({"pick_up__weights": [1] * 7}, "7 weights do not divide the day"),
        ({"problems__quality_share": 1.5}, "quality_share"),
        ({"problems__packing_fault_share": 1.0}, "packing_fault_share"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ContactsSection.model_validate(changed(SECTION, **changes))


def test_claims_that_cannot_be_small_have_no_mean_refund() -> None:
    claims = Claims.model_validate({**SECTION["claims"], "refund_without_agent_below_yuan": 0.0})
    assert leniency(claims) == 0
