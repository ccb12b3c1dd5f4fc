"""Both engines give the same trace, integer for integer, on random scenarios that are cut into several calls.

``LINLI_AGREEMENT`` sets how many scenarios are tried. One on which the engines disagree is made smaller and saved in
``tests/agreement/failing``, where ``linli run`` can run it and this module tries it again.
"""

from __future__ import annotations

import os
import pathlib

import pytest
from cut_runs import Plan, content_of, first_difference, record_of, states, steps
from random_scenarios import Case, by_seed, for_each
from rule_counts import LEAST_SHARE, RULES, count, idle_beside_work, table_of
from smaller import smaller

from sim.library import load_text
from sim.measures.conservation import conservation
from sim.run import make_engine
from sim.service.build import build
from sim.service.reference import ReferenceEngine
from sim.service.tables import VisitEnd

SCENARIOS = int(os.environ.get("LINLI_AGREEMENT", "1000"))
BLOCKS = 20
"""Tests that the scenarios are divided into, so that several processes share them."""

COUNTED = 1000
"""Scenarios in which the rules are counted: the rarest fires in about 7 % of them."""

IDLE_CHECKED = 400

FAILING = pathlib.Path(__file__).parent / "failing"

pytestmark = pytest.mark.agreement


def disagreement(case: Case) -> str:
    """What is wrong with a case: where the engines differ first, or what does not add up; empty if nothing."""
    network = build(case.scenario)
    content = content_of(network, case.plan)
    runs = []
    for name in ("reference", "compiled"):
        engine = make_engine(name, network.tables, case.plan.seed, 0)
        runs.append(states(engine, network, case.plan, content))
    if difference := first_difference(*runs):
        return difference
    return "; ".join(conservation(record_of(network, engine, runs[1], content, case.plan.seed)))


def is_wrong(case: Case) -> bool:
    """Whether the engines disagree on a case, or lose something."""
    return bool(disagreement(case))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_engines_agree_on_random_scenarios_after_every_call_and_lose_nothing(block: int) -> None:
    def agree(case: Case) -> None:
        if is_wrong(case):
            least = smaller(case, is_wrong)
            FAILING.mkdir(exist_ok=True)
            file = FAILING / f"block_{block}.yaml"
            file.write_text(least.text(), encoding="utf-8")
            shown = f"tests/agreement/failing/{file.name}"
            pytest.fail(
                f"{disagreement(least)}\nsaved, made as small as possible, as {shown} (delete it when mended):\n"
                f"linli run {shown} --seed {least.plan.seed} --replications 1 --engine reference",
                pytrace=False,
            )

    for_each(-(-SCENARIOS // BLOCKS), block, agree)


def test_engines_agree_on_the_scenarios_saved_by_earlier_failures() -> None:
    for file in sorted(FAILING.glob("*.yaml")):
        case = read_case(file.read_text(encoding="utf-8"))
        assert disagreement(case) == "", file.name


def test_each_rule_fires_in_at_least_one_of_twenty_scenarios() -> None:
    fired = count(COUNTED)
    rare = [rule for rule in RULES if fired[rule] < LEAST_SHARE * COUNTED]
    assert not rare, table_of(fired, COUNTED)


@pytest.mark.parametrize("block", range(2))
def test_no_server_idles_after_a_call_while_work_that_it_may_take_waits(block: int) -> None:
    def nobody_idles(case: Case) -> None:
        network = build(case.scenario)
        engine = ReferenceEngine(network.tables, case.plan.seed, 0)
        for cut in steps(engine, network, case.plan, content_of(network, case.plan)):
            assert idle_beside_work(engine) == [], f"until {cut.until} ms\n{case.text()}"

    for_each(IDLE_CHECKED // 2, 1000 + block, nobody_idles)


def test_a_saved_case_is_read_back_as_it_was() -> None:
    for seed in range(20):
        case = by_seed(seed)
        again = read_case(case.text())
        assert again.plan == case.plan
        assert again.scenario == case.scenario


def test_a_failing_case_is_made_as_small_as_can_be() -> None:
    def abandons(case: Case) -> bool:
        network = build(case.scenario)
        engine = ReferenceEngine(network.tables, case.plan.seed, 0)
        found = states(engine, network, case.plan, content_of(network, case.plan))
        return any((state.trace.visits.end == VisitEnd.ABANDONED).any() for state in found)

    case = min(filter(abandons, map(by_seed, range(20, 40))), key=lambda case: len(case.text()))
    least = smaller(case, abandons)
    left = [step["do"] for kinds in least.tree["regimes"].values() for steps in kinds.values() for step in steps]
    assert abandons(least)
    assert sorted(left) in (["end", "serve"], ["end", "seize"])
    assert len(least.plan.cuts) == 1


def read_case(text: str) -> Case:
    """The case that was saved as this text."""
    plan = Plan.of(text.splitlines()[0].removeprefix("# plan: "))
    return Case(load_text(text).tree, plan)
