"""Malformed scenarios: each gives one sentence that says where, what, and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sim import yaml_guard
from sim.library import load, load_text
from sim.problems import InputError, Problem
from sim.yaml_guard import load_yaml, plain_value

FOLDER = Path(__file__).parent / "malformed"
BASE = (FOLDER / "base.yaml").read_text(encoding="utf-8")
CASES = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))
MARK = "#!"
STAND_INS = {
    "HASH_A": "name15455",
    "HASH_B": "name31598",
    "CLOCKS": "".join(f"  more{i}: {{limit_s: 1}}\n" for i in range(30)),
}
"""What the cases stand for: two names with the same 32-bit hash, and many clocks."""


def changed(case: dict[str, Any]) -> str:
    """The base with the changes of a case."""
    text = BASE
    for old, new in ((case["old"], case["new"]), case.get("also", ("", ""))):
        assert old in text, f"the base has no {old!r}"
        text = text.replace(old, new, 1) if old else text
    for name, stands_for in STAND_INS.items():
        text = text.replace(name, stands_for)
    return text


def line_of(text: str, part: str) -> int:
    """Line (from 1) that a part of a text begins in."""
    return text[: text.index(part)].count("\n") + 1


def problems_in(text: str) -> list[Problem]:
    """What loading a text finds wrong."""
    with pytest.raises(InputError) as caught:
        load_text(text, file_name="malformed.yaml")
    return caught.value.problems


def test_the_base_itself_is_well_formed() -> None:
    assert load_text(BASE).scenario.name == "base"


def test_there_are_many_kinds_of_malformed_scenarios() -> None:
    assert len({case["kind"] for case in CASES}) == len(CASES) >= 120


@pytest.mark.parametrize("case", CASES, ids=[case["kind"].replace(" ", "-") for case in CASES])
def test_a_malformed_scenario_gives_one_problem_with_its_line(case: dict[str, Any]) -> None:
    text = changed(case)
    found = problems_in(text)
    assert len(found) == 1, [str(problem) for problem in found]
    problem = found[0]
    assert problem.field == case["field"]
    assert problem.file == "malformed.yaml"
    assert problem.line == line_of(text, case.get("at", MARK)), str(problem)
    assert case["message"] in problem.message
    assert case["allowed"] in problem.allowed
    assert "\n" not in str(problem)
    assert len(str(problem)) < 1200
    for jargon in ("Input should", "Value error", "valid dictionary", "pydantic", "Traceback"):
        assert jargon not in str(problem)


@pytest.mark.parametrize("case", [c for c in CASES if "\n" not in c["field"]][:25], ids=lambda case: case["kind"])
def test_the_parser_written_in_python_refuses_the_same_yaml(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_guard, "LOADER", yaml.SafeLoader)
    text = changed(case)
    assert [problem.line for problem in problems_in(text)] == [line_of(text, case.get("at", MARK))]


def test_all_faults_of_a_file_are_reported_at_once_in_order_of_lines() -> None:
    text = BASE
    for old, new in (
        ("title: Base", "title: &x Base"),
        ("days: 7,", "days: 0,"),
        ("slots: 2", "slotz: 2"),
        ("servers: $agents", "servers: $agent"),
        ("scope: topic", "scope: topics"),
        ("rate_per_h: 20", "rate_per_h: many"),
        ("outcome: solved", "outcome: solved\n        outcome: done"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    found = problems_in(text)
    assert [problem.field for problem in found] == [
        "title",
        "horizon.days",
        "pools.agents.groups[0].servers",
        "pools.agents.groups[1].slotz",
        "gates.repaired.scope",
        "regimes.today.question[13].outcome",
        "arrivals[0].rate_per_h",
    ]
    assert [problem.line for problem in found] == sorted(problem.line for problem in found)


def test_all_faults_between_parts_are_reported_at_once() -> None:
    text = BASE.replace("profile: office", "profile: nights").replace("regime: today", "regime: never")
    text = text.replace("to: ask", "to: nowhere")
    assert [p.field for p in problems_in(text)] == [
        "regimes.today.question[9].to",
        "regime",
        "arrivals[0].profile",
    ]


def test_no_more_than_a_hundred_problems_are_listed() -> None:
    text = BASE.replace("rate_per_h: 20", "times_s: [" + ", ".join(["x"] * 500) + "]", 1)
    text = text.replace("    profile: office\n    overdispersion: {daily_cv: 0.2}\n", "")
    found = problems_in(text)
    assert len(found) == 101
    assert found[-1].message == "and 400 more"


def test_a_long_text_of_several_lines_is_quoted_short() -> None:
    (problem,) = problems_in(BASE.replace("[18:00, 19:30]", '["18:00; allowed: x\\n' + "y" * 3000 + '"]'))
    assert problem.allowed == "HH:MM"
    assert "\n" not in problem.message
    assert len(problem.message) < 200


def test_a_fault_in_an_input_is_not_repeated_where_the_input_is_used() -> None:
    found = problems_in(BASE.replace("agents: {value: 3,", "agents: {value: three,"))
    assert [(problem.field, problem.message) for problem in found] == [("inputs.agents.value", "'three' is no number")]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b"", "nothing in it", 1),
        (b"\n# only a comment\n", "nothing in it", 1),
        (b"- a\n- b\n", "is no map", 1),
        (b"just text\n", "is no map", 1),
        (b"a: 1\nb: caf\xe9\n", "byte 0xe9 is not UTF-8", 2),
        ("a: 1\n".encode("utf-16"), "is not UTF-8", 1),
        (b"a: 1\nb: \x00\n", "U+0000", 2),
        (b"a: " + b"x" * (5 * 1024 * 1024), "is too large", 0),
        (b"\x1f\x8b\x08\x00", "is not UTF-8", 1),
    ],
)
def test_a_file_that_is_no_yaml_map_is_refused(tmp_path: Path, content: bytes, message: str, line: int) -> None:
    file = tmp_path / "given.yaml"
    file.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(str(file))
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.file, problem.line) == (str(file), line)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    for name, message in (("folder.yaml", "is a folder"), ("missing.yaml", "no such file"), ("x" * 5000, "")):
        with pytest.raises(InputError) as caught:
            load_yaml(tmp_path / name, name)
        assert message in caught.value.problems[0].message


def test_a_byte_order_mark_and_windows_lines_are_read() -> None:
    data, lines = load_yaml("\ufeffa: 1\r\nb: [x,\r\n  y]\r\n", "f.yaml")
    assert data == {"a": 1, "b": ["x", "y"]}
    assert lines["b", 1] == ("f.yaml", 3)


# ── bombs ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("loader", [yaml_guard.LOADER, yaml.SafeLoader], ids=["libyaml", "python"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 30)), "is an anchor"),
        ("a: &a [*a]\n", "is an anchor"),
        ("a: " + "[" * 10_000 + "]" * 10_000, "nested too deep"),
        ("a: " + "{a: " * 10_000 + "1" + "}" * 10_000, "nested too deep"),
        ("".join(" " * i + "a:\n" for i in range(500)), "nested too deep"),
        ("- " * 5000 + "x", "nested too deep"),
        ("a: !!python/object/apply:os.system ['true']", "is a tag"),
        ("<<: [{a: 1}, {b: 2}]\na: &b 1", "is an anchor"),
    ],
    ids=["laughs", "circle", "lists", "maps", "indented", "dashes", "object", "merge"],
)
def test_a_bomb_is_refused_before_it_goes_off(
    text: str, message: str, loader: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_guard, "LOADER", loader)
    with pytest.raises(InputError, match=message):
        load_yaml(text, "bomb.yaml")


def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_guard, "MAX_VALUES", 1000)
    with pytest.raises(InputError, match="too many values"):
        load_yaml("a: [" + "1," * 1001 + "]", "f.yaml")


# ── what plain text means ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("08:00", "08:00"),
        ("16:00", "16:00"),
        ("190:20:30", "190:20:30"),
        ("08:00-16:00", "08:00-16:00"),
        ("2024-05-01", "2024-05-01"),
        ("2024-05-01 10:00:00", "2024-05-01 10:00:00"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("0b1", "0b1"),
        ("1_000", 1000),
        ("1_00", "1_00"),
        ("1e3", 1000.0),
        ("1.5E-2", 0.015),
        (".5", 0.5),
        ("5.", 5.0),
        ("-3", -3),
        ("+3", 3),
        ("nan", "nan"),
        ("infinity", "infinity"),
        ("1 2", "1 2"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_plain_text_is_a_number_only_when_it_looks_like_one(text: str, value: object) -> None:
    assert plain_value(text) == value
    assert type(plain_value(text)) is type(value)


def test_text_in_quotes_stays_text() -> None:
    assert load_yaml("a: '5'\nb: \"true\"\nc: ''\nd: |\n  7\n", "f")[0] == {"a": "5", "b": "true", "c": "", "d": "7\n"}


def test_keys_stay_text_but_for_those_of_quantiles() -> None:
    data, _ = load_yaml("on: 1\nno: 2\nquantiles_s: {0: 1, 0.5: 2}\n08:00: 3\n", "f.yaml")
    assert list(data) == ["on", "no", "quantiles_s", "08:00"]
    assert data["quantiles_s"] == {0: 1, 0.5: 2}


def test_quantile_keys_that_are_the_same_number_stand_twice() -> None:
    with pytest.raises(InputError, match="stands twice"):
        load_yaml("quantiles_s: {0.5: 1, 0.50: 2}", "f.yaml")


def test_every_place_knows_its_line() -> None:
    _, lines = load_yaml("a:\n  b: [1,\n    2]\n  c:\n    - x: 1\n    - y: 2\n", "f.yaml")
    expected = {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 2,
        ("a", "b", 1): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 0, "x"): 5,
        ("a", "c", 1): 6,
        ("a", "c", 1, "y"): 6,
    }
    assert {path: line for path, (_, line) in lines.items()} == expected


def test_faults_of_yaml_are_collected() -> None:
    with pytest.raises(InputError) as caught:
        load_yaml("a: &x 1\nb: *x\nc: 1\nc: 2\nd: !t 1\ne:\n", "f.yaml")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 4, 5, 6]
