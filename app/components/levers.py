"""Levers: numbers of a scenario that a visitor may move, and the settings that they amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.scenario import Scenario

SCENARIOS = ("plan", "today")
"""Scenarios that the page offers; the first is the default."""


@dataclass(frozen=True)
class Lever:
    """A lever: ``code`` in addresses, ``name`` of the scenario's input or assumption, range and step as shown;
    ``shown`` is what the scenario's number is multiplied by. ``follows`` : another entry that keeps its proportion."""

    code: str
    name: str
    low: float
    high: float
    step: float
    digits: int = 0
    shown: float = 1.0
    follows: str | None = None

    def base(self, scenario: Scenario) -> float:
        """The scenario's own value, as shown."""
        return round(entry(scenario, self.name) * self.shown, 6)

    def snapped(self, value: float) -> float:
        """The nearest value that the lever can take."""
        steps = round((min(max(value, self.low), self.high) - self.low) / self.step)
        return round(self.low + steps * self.step, 6)


LEVERS = (
    Lever("u", "users_per_agent", 500, 4000, 100),
    Lever("b", "bot_coverage_share", 0, 90, 5, shown=100),
    Lever("d", "orders_per_user_per_day", 0.05, 0.30, 0.01, digits=2),
    Lever("l", "leader_notice_mean_min", 5, 90, 5, follows="leader_notice_median_min"),
    Lever("p", "photo_clock_min", 5, 60, 5),
    Lever("c", "closed_clock_h", 4, 72, 4),
)
CLOCKS = ("p", "c")
"""Codes of the levers that are service clocks."""

Moved = Mapping[str, float]
"""Levers away from the scenario's own value: code → value as shown."""


def levers_of(scenario: Scenario) -> tuple[Lever, ...]:
    """Levers that a scenario has."""
    return tuple(x for x in LEVERS if x.name in scenario.inputs or x.name in scenario.assumptions)


def entry(scenario: Scenario, name: str) -> float:
    """Value of an input or assumption."""
    return scenario.inputs[name].value if name in scenario.inputs else scenario.assumptions[name].used


def sets_of(scenario: Scenario, moved: Moved) -> tuple[str, ...]:
    """Settings (as ``sim.library.load`` takes them) that move a scenario's levers; none for those that stay."""
    sets: list[str] = []
    for lever in levers_of(scenario):
        value = moved.get(lever.code, lever.base(scenario))
        if value == lever.base(scenario):
            continue
        sets += _set(scenario, lever.name, value / lever.shown)
        if lever.follows:
            proportion = entry(scenario, lever.follows) / entry(scenario, lever.name)
            sets += _set(scenario, lever.follows, value / lever.shown * proportion)
    return tuple(sets)


def _set(scenario: Scenario, name: str, value: float) -> list[str]:
    """A lever may go further than an assumption thinks likely: then the assumption's range is widened."""
    value = round(value, 6)
    if name in scenario.inputs:
        return [f"inputs.{name}={value:g}"]
    assumption = scenario.assumptions[name]
    widened = []
    if value < assumption.low:
        widened.append(f"assumptions.{name}.low={value:g}")
    if value > assumption.high:
        widened.append(f"assumptions.{name}.high={value:g}")
    return [*widened, f"assumptions.{name}={value:g}"]
