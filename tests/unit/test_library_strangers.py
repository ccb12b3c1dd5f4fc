"""Whatever a stranger writes, loading it gives a scenario or an ``InputError``, never anything else."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.library import load_text
from sim.problems import InputError
from sim.yaml_guard import load_yaml

BASE = (Path(__file__).parent / "malformed" / "base.yaml").read_text(encoding="utf-8")
TREE, _ = load_yaml(BASE, "base.yaml")


def words(node: Any) -> set[str]:
    """All keys and texts of a tree."""
    if isinstance(node, dict):
        return {str(key) for key in node}.union(*map(words, node.values()))
    if isinstance(node, list):
        return set().union(*map(words, node))
    return {node} if isinstance(node, str) else set()


WORDS = st.sampled_from(sorted(words(TREE)))
SCALARS = (
    WORDS
    | st.sampled_from([None, True, "", "$", "$agents", "$x", "08:00", "mon", "always", 0, -1, 1, 0.5, 1e-320, 1e18])
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=5) | st.integers(0, 2), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["product", "ratio", "complement"]), inner, min_size=1, max_size=1)
    ),
    max_leaves=6,
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree as its container and key."""
    found: list[tuple[Any, Any]] = []
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        found += [(node, key), *places(value)]
    return found


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, Any]:
    """The valid tree with one to three changes."""
    tree = copy.deepcopy(TREE)
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(tree)))
        change = draw(st.sampled_from(["replace", "remove", "add", "move", "repeat"]))
        if change == "replace":
            container[key] = draw(VALUES)
        elif change == "remove":
            del container[key]
        elif change == "move":
            container[key] = copy.deepcopy(draw(st.sampled_from([c[k] for c, k in places(tree)])))
        elif isinstance(container, dict):
            container[draw(WORDS)] = draw(VALUES) if change == "add" else copy.deepcopy(container[key])
        else:
            container.insert(key, draw(VALUES) if change == "add" else copy.deepcopy(container[key]))
    return tree


def outcome(text: str, sets: list[str]) -> str:
    """``loaded``, or ``refused`` after checking what is said."""
    try:
        loaded = load_text(text, sets=sets)
    except InputError as error:
        problems = error.problems
    else:
        assert load_text(loaded.text).hash == loaded.hash
        return "loaded"
    assert problems
    assert all(problem.message and "\n" not in str(problem) for problem in problems)
    assert all(problem.line > 0 or problem.file == "--set" for problem in problems)
    lines = [problem.line for problem in problems if problem.file != "--set"]
    assert lines == sorted(lines)
    return "refused"


@settings(max_examples=400)
@given(mutated())
def test_a_changed_tree_is_loaded_or_refused(tree: dict[str, Any]) -> None:
    outcome(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True), [])


@settings(max_examples=200)
@given(
    st.integers(0, len(BASE) - 1),
    st.integers(0, 30),
    st.text(max_size=6) | st.sampled_from("[]{}:-#&*!|>'\"%@`\t\n,? "),
)
@example(0, len(BASE), "")
def test_a_changed_text_is_loaded_or_refused(start: int, length: int, new: str) -> None:
    outcome(BASE[:start] + new + BASE[start + length :], [])


PATHS = st.sampled_from(
    [
        "horizon.days",
        "arrivals.users.rate_per_h",
        "arrivals[0]",
        "pools.agents.groups.late",
        "regimes.today.question.ask.patience.mean_min",
        "assumptions.handle",
        "stations.desk.levels",
        "kinds.more",
        "profiles.office.hours[2]",
        "overrides.x",
        "extends",
    ]
)


@settings(max_examples=200)
@given(PATHS | st.text("ab.[]0=hdesk", max_size=12), st.text(max_size=6) | SCALARS.map(str))
def test_a_setting_is_taken_or_refused(path: str, value: str) -> None:
    outcome(BASE, [f"{path}={value}"])


def test_the_changes_give_both_scenarios_and_refusals() -> None:
    outcomes = {outcome(BASE, []), outcome(BASE.replace("days: 7", "days: x"), [])}
    assert outcomes == {"loaded", "refused"}
