"""What the documents show is true: examples are sound, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.cli import linli
from sim.library import load, load_text

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_scenario_shown_is_sound(page: Path) -> None:
    for example in re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S):
        load_text(example)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_shown_exists(page: Path) -> None:
    for command in re.findall(r"linli ([a-z]+)", page.read_text(encoding="utf-8")):
        assert command in linli.commands, f"{page.name} shows 'linli {command}'"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_lever_shown_first_can_be_moved() -> None:
    assert load("plan", sets=["inputs.users_per_agent=1500"]).scenario.inputs["users_per_agent"].value == 1500
