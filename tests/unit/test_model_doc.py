"""What docs/model.md says is what the scenarios hold: numbers, moved values, facts, and the list of all assumptions.

To renew what is written from the scenarios (docs/assumptions.md, the table of moved values): ``python
tests/unit/test_model_doc.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.library import load
from sim.scenario import Assumption, Input, Scenario

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs" / "model.md"
APPENDIX = ROOT / "docs" / "assumptions.md"
OVERRIDES = ROOT / "scenarios" / "overrides"

INPUT_FACTS = (
    *("F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F10", "F11", "F15", "F18", "F19"),
    *("F21", "F22", "F23", "F24", "F25", "F26", "F27", "F28", "F29", "F30", "F32", "F34", "F35", "F36"),
    *("F40", "F45", "F60", "F64", "F70", "F71", "F72", "F73", "F74", "F75", "F76"),
)
"""Facts of the kind *input*, and the actors, that are not about the rollout or events of risk."""

MOVED = "<!-- moved: written by tests/unit/test_model_doc.py -->"
END_OF_MOVED = "<!-- end of moved -->"
MOST_PLACES = 3

NUMBER = re.compile(
    r"`(?P<name>[a-z][a-z0-9_]*)`(?P<standard> \(standard\))? "
    r"(?P<default>[\d.]+)(?P<percent> %)? \[(?P<low>[\d.]+)–(?P<high>[\d.]+)\]"
)


@pytest.fixture(scope="module")
def text() -> str:
    return " ".join(MODEL.read_text(encoding="utf-8").split())


@pytest.fixture(scope="module")
def today() -> Scenario:
    return load("today").scenario


@pytest.fixture(scope="module")
def plan() -> Scenario:
    return load("plan").scenario


# ── what is written from the scenarios ───────────────────────────────────────────────────────────────────────────


def own_of_plan(today: Scenario, plan: Scenario) -> dict[str, Assumption]:
    """Assumptions that the standard has of its own, or has changed."""
    return {name: a for name, a in plan.assumptions.items() if today.assumptions.get(name) != a}


def appendix(today: Scenario, plan: Scenario) -> str:
    """The page with all assumptions."""
    lines = [
        "# Assumptions",
        "",
        "Numbers that nobody has told us, as the scenarios hold them: default, range, the value used where it is",
        "another, where they enter, and why. Written by `python tests/unit/test_model_doc.py`; a test holds it up to",
        "date. [model.md](model.md) says what they do.",
        "",
        "## Today",
        "",
        *_table(today.assumptions, "today"),
        "",
        "## The standard's own",
        "",
        "All others are as today.",
        "",
        *_table(own_of_plan(today, plan), "plan"),
    ]
    return "\n".join(lines) + "\n"


def moved(today: Scenario, plan: Scenario) -> str:
    """The table of assumptions whose value is not the default, and of those that an override of today moves."""
    others = {path.stem: load("today", (path.stem,)).scenario for path in sorted(OVERRIDES.glob("*.yaml"))}
    names = [name for name, one in others.items() if one.assumptions != today.assumptions]
    head = ["assumption", "default", "range", "value", *(f"with `{name}`" for name in names), "reason of the default"]
    rows = [
        [f"`{name}`", f"{a.default:g}", f"{a.low:g}–{a.high:g}", f"{a.used:g}", *used, a.reason]
        for name, a in today.assumptions.items()
        for used in [[f"{others[other].assumptions[name].used:g}" for other in names]]
        if {f"{a.used:g}", *used} != {f"{a.default:g}"}
    ]
    rows += [
        [f"`{name}` (standard)", f"{a.default:g}", f"{a.low:g}–{a.high:g}", f"{a.used:g}", *[""] * len(names), a.reason]
        for name, a in own_of_plan(today, plan).items()
        if a.used != a.default
    ]
    table = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join([MOVED, "", *table, "", END_OF_MOVED])


def _table(assumptions: Mapping[str, Assumption], scenario: str) -> list[str]:
    places = _places(scenario)
    rows = [
        f"| `{name}` | {a.default:g} | {a.low:g}–{a.high:g} | {'' if a.value is None else f'{a.value:g}'} | {a.unit} "
        f"| {_some(places.get(name, []))} | {a.reason} |"
        for name, a in assumptions.items()
    ]
    return [
        "| assumption | default | range | value used | unit | enters | reason |",
        "|---|---|---|---|---|---|---|",
        *rows,
    ]


def _some(places: list[str]) -> str:
    different = list(dict.fromkeys(places))
    return ", ".join(different[:MOST_PLACES]) + (", …" if len(different) > MOST_PLACES else "") or "nothing"


def _places(scenario: str) -> dict[str, list[str]]:
    """Fields in which each number is used, in this scenario's file and in those that it extends."""
    raw = _raw(scenario)
    found: dict[str, list[str]] = _places(raw["extends"]) if "extends" in raw else {}
    for name, place in _references(raw, ()):
        found.setdefault(name, []).append(place)
    return found


def _raw(scenario: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / "scenarios" / f"{scenario}.yaml").read_text(encoding="utf-8"))


def _references(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names after a $ with the field they stand in; operators and places in lists are no fields."""
    if isinstance(value, str) and value.startswith("$"):
        yield value[1:], ".".join(path)
    elif isinstance(value, dict):
        for key, part in value.items():
            operator = key in ("product", "ratio", "complement", "options", "groups")
            yield from _references(part, path if operator else (*path, key))
    elif isinstance(value, list):
        for part in value:
            names = part if isinstance(part, dict) else {}
            called = [str(names[key]) for key in ("step", "source", "group", "name") if key in names]
            yield from _references(part, (*path, *called[:1]))


# ── tests ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_assumption_is_told_with_its_default_and_range(text: str, today: Scenario, plan: Scenario) -> None:
    told = {False: set(), True: set()}
    for match in NUMBER.finditer(text):
        name, standard = match["name"], match["standard"] is not None
        assumptions = own_of_plan(today, plan) if standard else today.assumptions
        assert name in assumptions, f"docs/model.md has {match[0]}, which no scenario knows"
        unit = 100 if match["percent"] else 1
        said = [float(match[part]) / unit for part in ("default", "low", "high")]
        meant = assumptions[name]
        assert said == pytest.approx([meant.default, meant.low, meant.high]), match[0]
        told[standard].add(name)
    used = {name for name in today.assumptions if name in _places("plan")}
    assert used - told[False] == set()
    assert set(own_of_plan(today, plan)) - told[True] == set()


def test_no_range_on_the_page_is_written_in_a_way_that_is_not_checked(text: str) -> None:
    like = re.findall(r"`[a-z0-9_]+`(?: \(standard\))? [\d.]+[^|`]{0,3}\[[\d.]+–", text)
    assert len(like) == len(NUMBER.findall(text))


def test_the_list_of_assumptions_is_that_of_the_scenarios(today: Scenario, plan: Scenario) -> None:
    assert APPENDIX.read_text(encoding="utf-8") == appendix(today, plan), "renew: python tests/unit/test_model_doc.py"


def test_the_moved_values_are_those_of_the_scenarios(today: Scenario, plan: Scenario) -> None:
    assert moved(today, plan) in MODEL.read_text(encoding="utf-8"), "renew: python tests/unit/test_model_doc.py"


def test_the_standards_own_assumptions_inherit_no_value_of_todays_fit(today: Scenario, plan: Scenario) -> None:
    """Maps are merged: a default of its own would keep the value that today's fit has moved."""
    own = _raw("plan")["assumptions"]
    for name, assumption in own_of_plan(today, plan).items():
        meant = own[name].get("value")
        assert assumption.used == (own[name]["default"] if meant is None else meant), name


@pytest.mark.parametrize("fact", INPUT_FACTS)
def test_every_input_fact_has_its_row(fact: str) -> None:
    rows = fact_rows()
    assert fact in rows
    assert all(cell for cell in rows[fact]), "a cell is empty; nothing is said by –, or by none"


def test_what_the_facts_enter_as_exists(today: Scenario, plan: Scenario) -> None:
    trees = [_merged("today"), _merged("plan")]
    for fact, (_, _, enters, _) in fact_rows().items():
        for name in re.findall(r"`([a-z][a-z0-9_.]*)`", enters):
            known = any(name in (*s.assumptions, *s.inputs) for s in (today, plan))
            assert known or any(_resolves(tree, name) for tree in trees), f"{fact}: there is no {name}"


def test_every_input_with_a_fact_stands_in_its_row(today: Scenario, plan: Scenario) -> None:
    rows, inputs = fact_rows(), [*today.inputs.items(), *plan.inputs.items()]
    for name, one in inputs:
        for fact in _facts(one):
            assert fact not in INPUT_FACTS or f"`{name}`" in rows[fact][2], f"{name} is missing in the row of {fact}"


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    page = MODEL.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", page, re.M)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors


def test_the_length_of_the_runs_is_the_scenarios(text: str, today: Scenario, plan: Scenario) -> None:
    nation = load("today_nation").scenario.horizon
    assert f"`today` and `plan` run {today.horizon.days} days, the nation's {nation.days}," in text
    assert f"{today.horizon.warm_up_days:g} of them warm-up" in text
    assert today.horizon == plan.horizon


def fact_rows() -> dict[str, tuple[str, str, str, str]]:
    """Rows of the table of facts: fact, mechanism, what it enters as, what is not covered."""
    page = MODEL.read_text(encoding="utf-8")
    table = page.split("## Inputs: facts by number")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("| F")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0].split()[0]: (row[0], row[1], row[2], row[3]) for row in cells}


def _facts(one: Input) -> list[str]:
    return re.split(r", ?", one.fact) if one.fact else []


def _merged(scenario: str) -> dict[str, Any]:
    raw = _raw(scenario)
    return {**(_merged(raw["extends"]) if "extends" in raw else {}), **raw}


def _resolves(tree: Any, path: str) -> bool:
    for key in path.split("."):
        # Fields that a file leaves out have their defaults: an empty list of events, for example.
        if path == "world.events":
            return True
        if not isinstance(tree, dict) or key not in tree:
            return False
        tree = tree[key]
    return True


if __name__ == "__main__":
    scenarios = load("today").scenario, load("plan").scenario
    APPENDIX.write_text(appendix(*scenarios), encoding="utf-8")
    page = MODEL.read_text(encoding="utf-8")
    before, rest = page.split(MOVED)
    MODEL.write_text(before + moved(*scenarios) + rest.split(END_OF_MOVED)[1], encoding="utf-8")
