"""``linli bench`` works; how fast anything is, no test says."""

from __future__ import annotations

import json
import platform
import sys

import pytest
from click.testing import CliRunner, Result

from sim.bench import PARTS, peers, world
from sim.bench.figure import CannotMeasureError, figure, missing
from sim.bench.machine import machine, versions
from sim.bench.timing import interleaved, ratios
from sim.cli import linli

ENGINE = {
    "contact_centre_trace_over_simpy",
    "contact_centre_trace_over_cimba",
    "contact_centre_trace_over_ciw",
    "today_over_reference",
    "today_contacts_per_s",
    "two_cores_over_one",
    "peak_mib_10m_contacts",
}
WORLD = {
    f"{span}_{what}"
    for span in ("national_year", "city_month")
    for what in ("s", "world_s", "service_s", "figures_s", "world_share")
} | {"national_year_gib"}
START = {"compile_s", "small_run_s", "python_start_s", "imports_s"}
STUDIES = {"paired_variance_ratio"}


def bench(*arguments: str) -> Result:
    return CliRunner().invoke(linli, ("bench", *arguments))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "names"), [("engine", ENGINE), ("world", WORLD), ("start", START), ("studies", STUDIES)]
)
def test_the_bench_prints_its_figures_and_says_why_one_is_missing(part: str, names: set[str]) -> None:
    done = bench(part, "--quick", "--runs", "1", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert set(answer) >= {"machine", "versions", "figures"}
    assert {"name", "value", "unit", "runs"} <= set.intersection(*(set(one) for one in answer["figures"]))
    by_name = {one["name"]: one for one in answer["figures"]}
    assert len(by_name) == len(answer["figures"])
    assert names <= set(by_name)
    for one in answer["figures"]:
        assert (one["value"] is None) == ("reason" in one) == (one["runs"] == 0)
        assert one["value"] is None or one["value"] >= 0


def test_the_parts_of_a_replication_are_told_apart() -> None:
    spent = world.spent(world.shipped(world.CITY, 1), 0)
    assert set(spent) == {*world.PARTS, "contacts"}
    assert all(value > 0 for value in spent.values())


def test_the_machine_is_described_without_its_name() -> None:
    assert set(machine()) == {"cpu", "cores", "memory_gib", "system", "load"}
    assert platform.node() not in machine().values()
    assert versions()["simpy"] is not None


def test_a_peer_that_is_not_installed_is_a_missing_figure_not_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ciw", None)
    monkeypatch.delitem(sys.modules, "benchmarks.ciw_contact_centre", raising=False)
    with pytest.raises(CannotMeasureError, match=r"ciw.*make bench"):
        peers.peer("ciw")
    assert missing("x", "s", "why").as_json() == {"name": "x", "value": None, "unit": "s", "runs": 0, "reason": "why"}


def test_tasks_take_turns_and_ratios_stay_within_a_round() -> None:
    order: list[str] = []
    values = iter([2.0, 1.0, 6.0, 2.0])

    def task(name: str) -> float:
        order.append(name)
        return next(values)

    measured = interleaved({"a": lambda: task("a"), "b": lambda: task("b")}, 2)
    assert order == ["a", "b", "a", "b"]
    assert ratios(measured["a"], measured["b"]) == [2.0, 3.0]


def test_a_figure_is_the_median_with_its_spread() -> None:
    one = figure("x", [3.0, 1.0, 2.0], "s")
    assert (one.value, one.low, one.high, one.runs) == (2.0, 1.0, 3.0, 3)


def test_an_unknown_part_of_the_bench_is_refused_with_what_is_allowed() -> None:
    done = bench("steam")
    assert done.exit_code == 2
    assert all(part in done.output for part in PARTS)
