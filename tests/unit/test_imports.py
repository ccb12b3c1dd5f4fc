"""Who may import whom: the architecture, held by walking the import graph."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("sim", "calibration", "app")

DESCRIPTION = {"sim.fields", "sim.scenario", "sim.problems", "sim.naming"}
LIBRARY = DESCRIPTION | {
    "sim.library",
    "sim.consistency",
    "sim.journeys",
    "sim.merging",
    "sim.references",
    "sim.schema",
    "sim.yaml_guard",
}
ENGINE = {
    f"sim.service.{name}"
    for name in ("reference", "actors", "compiled", "kernel", "columns", "orders", "growth", "moves")
}
CONTRACT = {"sim.service.tables", "sim.service.rules", "sim.service.topics", "sim.draws", "sim.naming"}
NUMBA = (ENGINE - {"sim.service.reference", "sim.service.actors"}) | {"sim.draws"}


def modules() -> dict[str, Path]:
    """All modules of ours by name."""
    found = {}
    for package in OURS:
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
SECTIONS = {m for m in MODULES if m.startswith("sim.sections")}
WORLD = {m for m in MODULES if m.startswith("sim.world")}


def imports(module: str) -> Iterator[str]:
    """Modules that a module imports anywhere in its text, those of ours as modules (not as names inside)."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in MODULES else str(node.module)


def ours(module: str) -> set[str]:
    """Modules of ours that a module imports, without itself."""
    return {name for name in imports(module) if name.split(".")[0] in OURS} - {module}


def importers(package: str) -> set[str]:
    """Modules of ours that import an outside package."""
    return {m for m in MODULES if any(name.split(".")[0] == package for name in imports(m))}


@pytest.mark.parametrize("module", sorted(LIBRARY & set(MODULES)))
def test_what_a_scenario_is_knows_nothing_of_how_it_is_run(module: str) -> None:
    assert ours(module) <= LIBRARY | SECTIONS


@pytest.mark.parametrize("module", sorted(SECTIONS))
def test_a_section_is_data_about_the_world_and_no_more(module: str) -> None:
    assert ours(module) <= SECTIONS | {"sim.fields"}


@pytest.mark.parametrize("module", sorted(WORLD))
def test_the_world_knows_neither_engines_nor_figures(module: str) -> None:
    service = {
        f"sim.service.{name}" for name in ("tables", "topics", "record", "day_records", "arrivals", "presence", "keys")
    }
    below = {"sim.scenario", "sim.fields", "sim.problems", "sim.naming", "sim.draws"}
    assert ours(module) <= WORLD | SECTIONS | service | below


@pytest.mark.parametrize("module", sorted(ENGINE & set(MODULES)))
def test_an_engine_knows_only_tables_rules_and_draws(module: str) -> None:
    other = {"sim.service.reference", "sim.service.actors"}
    side = other if module in other else ENGINE - other
    assert ours(module) <= CONTRACT | side


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("sim.measures")))
def test_figures_come_from_tables_and_records_alone(module: str) -> None:
    own = {m for m in MODULES if m.startswith("sim.measures")}
    assert ours(module) <= own | {f"sim.service.{name}" for name in ("tables", "record", "day_records", "topics")}


@pytest.mark.parametrize("module", sorted(m for m in MODULES if m.startswith("sim.theory")))
def test_theory_imports_nothing_of_ours(module: str) -> None:
    assert ours(module) <= {m for m in MODULES if m.startswith("sim.theory")}


def test_simpy_numba_and_pydantic_are_known_to_few() -> None:
    assert importers("simpy") == {"sim.service.reference"}
    assert importers("numba") <= NUMBA
    assert importers("click") == {"sim.cli"}
    assert importers("streamlit") <= {m for m in MODULES if m.startswith("app")}
    assert not any(m.startswith("sim.service") for m in importers("pydantic"))


def test_scipy_stats_is_imported_by_nobody() -> None:
    users = {m for m in MODULES if any(name.startswith("scipy.stats") for name in imports(m))}
    assert users == set(), "scipy.stats takes seconds to import"


def test_the_simulator_does_without_calibration_and_app() -> None:
    users = {m for m in MODULES if m.startswith("sim") and any(i.startswith("calibration") for i in ours(m))}
    assert users <= {"sim.cli", "sim.show"}
    assert not any(i.startswith("app") for m in MODULES if not m.startswith("app") for i in ours(m))


def test_imports_make_no_circle() -> None:
    state: dict[str, int] = {}

    def visit(module: str, path: tuple[str, ...]) -> None:
        if state.get(module) == 2:
            return
        assert state.get(module) != 1, f"circle: {' → '.join((*path, module))}"
        state[module] = 1
        for name in sorted(ours(module) & set(MODULES)):
            if not _only_for_types(module, name):
                visit(name, (*path, module))
        state[module] = 2

    for module in sorted(MODULES):
        visit(module, ())


def _only_for_types(module: str, name: str) -> bool:
    """Whether a module imports another only under TYPE_CHECKING or inside a function."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (
            node.module == name or any(f"{node.module}.{alias.name}" == name for alias in node.names)
        ):
            return False
    return True
