"""Malformed worlds: ``linli check`` refuses each with status 2 and a sentence: where, what, what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from sim.cli import linli
from sim.library import load, load_text
from sim.problems import InputError
from sim.session import build_loaded

FOLDER = Path(__file__).parent / "malformed"
BASE = (FOLDER / "world_base.yaml").read_text(encoding="utf-8")
CASES = yaml.safe_load((FOLDER / "world_cases.yaml").read_text(encoding="utf-8"))
MARK = "#!"
BELOW = "scenarios/today.yaml"
"""What the base extends; a fault of a whole section may be reported there, where the section begins."""


def changed(case: dict[str, Any]) -> str:
    """The base with the change of a case."""
    if "set" in case:
        return BASE
    assert case["old"] in BASE, f"the base has no {case['old']!r}"
    return BASE.replace(case["old"], case["new"], 1)


def line_of(text: str, part: str) -> int:
    """Line (from 1) that a part of a text begins in."""
    return text[: text.index(part)].count("\n") + 1


def checked(file: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status of ``linli check --json``, and the errors that it lists."""
    done = CliRunner().invoke(linli, ["check", str(file), "--json", *options])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, json.loads(done.stdout)["errors"]


def test_the_base_itself_is_well_formed() -> None:
    loaded = load_text(BASE)
    assert build_loaded(loaded).names.cities == ("east", "west")


def test_there_are_many_kinds_of_malformed_worlds() -> None:
    assert len({case["kind"] for case in CASES}) == len(CASES) >= 75


@pytest.mark.parametrize("case", CASES, ids=[case["kind"].replace(" ", "-") for case in CASES])
def test_a_malformed_world_gives_one_problem_with_its_place_and_status_2(case: dict[str, Any], tmp_path: Path) -> None:
    text, file = changed(case), tmp_path / "malformed.yaml"
    file.write_text(text, encoding="utf-8")
    status, errors = checked(file, *(("--set", case["set"]) if "set" in case else ()))
    assert status == 2
    assert len(errors) == 1, errors
    (error,) = errors
    assert error["field"] == case["field"]
    assert case["message"] in error["message"]
    assert case["allowed"] in error["allowed"]
    sentence = f"{error['message']}; allowed: {error['allowed']}"
    assert "\n" not in sentence
    assert len(sentence) < 1200
    for jargon in ("Input should", "Value error", "valid dictionary", "pydantic", "Traceback"):
        assert jargon not in sentence
    if "set" in case:
        assert error["file"] in ("--set", BELOW)
    elif "section" in case:
        assert (error["file"], error["line"]) == (str(file), line_of(text, case["section"])) or error["file"] == BELOW
    else:
        assert (error["file"], error["line"]) == (str(file), line_of(text, case.get("at", MARK)))


def test_a_driven_source_without_a_world_is_refused_where_it_stands() -> None:
    sources = load("today").tree["arrivals"]
    with pytest.raises(InputError) as caught:
        build_loaded(load("today", sets=["world=null"]))
    assert [problem.field for problem in caught.value.problems] == [
        f"arrivals[{i}].driven" for i in range(len(sources))
    ]
    for problem in caught.value.problems:
        assert problem.message == "there is no world that could drive this source"
        assert problem.allowed == "a section 'world'"
        assert problem.line > 0


def test_faults_between_the_world_and_the_network_are_reported_at_once() -> None:
    text = BASE
    for old, new in (
        ('start: "2026-03-02"', 'start: "2026-03-04"'),
        ("city: west, from_day", "city: wset, from_day"),
        ("city: east, driving", "city: eats, driving"),
        ("event: leaders_leave, day: 6", "event: leaders_leave, day: 60"),
        ("servers: 6,", "servers: 5,"),
        ("      chat_agents: {in_house", "      chat: {in_house"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(InputError) as caught:
        build_loaded(load_text(text, file_name="malformed.yaml"))
    assert {problem.field for problem in caught.value.problems} == {
        "world.calendar.start",
        "world.fleet.closed[0].city",
        "world.events[0].city",
        "world.events[2].day",
        "pools.leaders.groups",
        "world.money.wages.chat",
    }
