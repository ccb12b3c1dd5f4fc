"""Draws of all assumptions within their ranges: the same luck for every scenario that knows an assumption.

An assumption is drawn from the triangular distribution on its range whose peak is the number that the scenario uses.
The draw is keyed by the assumption's name, so that a scenario and its baseline agree on what both assume. Median and
mean of one and the same time share a draw: who has a long median has a long mean.
"""

from __future__ import annotations

import copy
import math
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from sim.library import FOLDER, Loaded, load_text, text_of
from sim.problems import InputError, Problem
from sim.references import resolve
from sim.schema import schema_at
from sim.world.chance import Chance, key_of

MOST_ATTEMPTS = 100
"""A draw that makes no sound scenario (a mean below its median) is drawn again, at most so often."""

_SAME_DRAW = ("_median_", "_mean_")


def triangular(u: float, low: float, used: float, high: float) -> float:
    """Quantile of the triangular distribution from ``low`` to ``high`` with its peak at ``used``."""
    if not low < high:
        return used
    peak = (used - low) / (high - low)
    if u <= peak:
        return low + math.sqrt(u * (high - low) * (used - low))
    return high - math.sqrt((1 - u) * (high - low) * (high - used))


def drawn(loadeds: Mapping[str, Loaded], seed: int, draw: int, folder: pathlib.Path = FOLDER) -> dict[str, Loaded]:
    """The scenarios with one draw of all their assumptions.

    Raises
    ------
    InputError
        If no draw makes all of them sound.
    """
    for attempt in range(MOST_ATTEMPTS):
        try:
            return {name: _with_draw(loaded, seed, draw, attempt, folder) for name, loaded in loadeds.items()}
        except InputError as error:
            last = error.problems[0]
    message = f"no draw of the assumptions within their ranges makes a sound scenario ({last.field}: {last.message})"
    raise InputError([Problem(("assumptions",), message, "ranges that fit together")])


def _with_draw(loaded: Loaded, seed: int, draw: int, attempt: int, folder: pathlib.Path) -> Loaded:
    tree = copy.deepcopy(loaded.tree)
    for name, number in draws(loaded, seed, draw, attempt).items():
        tree["assumptions"][name]["value"] = number
    return load_text(text_of(tree), file_name=f"{loaded.scenario.name}.yaml", folder=folder)


def draws(loaded: Loaded, seed: int, draw: int, attempt: int = 0) -> dict[str, float]:
    """One draw of each assumption, by name."""
    chance = Chance(seed, draw)
    whole = whole_numbers(loaded)
    found = {}
    for name, one in loaded.scenario.assumptions.items():
        key = np.array([key_of(_keyed_as(name))], dtype=np.int64)
        u = float(chance.uniform("assumption", key, attempt)[0])
        number = triangular(u, one.low, one.used, one.high)
        if name in whole and one.used:
            step = one.used / whole[name] if whole[name] else one.used
            number = _nearest(number, step, one.low, one.high)
        found[name] = number
    return found


def _nearest(number: float, step: float, low: float, high: float) -> float:
    """Nearest multiple of a step within a range."""
    least, most = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return min(max(round(number / step), least), most) * step


def _keyed_as(name: str) -> str:
    for part in _SAME_DRAW:
        name = name.replace(part, "_")
    return f"assumption/{name}"


def whole_numbers(loaded: Loaded) -> dict[str, int]:
    """Assumptions that whole numbers are made of, with the number that is made today.

    The models take some numbers only whole (leaders per community: leaders over communities). What is calculated from
    an assumption by products and ratios is taken to be in proportion to it.
    """
    found: dict[str, int] = {}
    resolved = resolve(loaded.tree).data
    for path, node in _leaves(loaded.tree, ()):
        names = [name for name in _referenced(node) if name in loaded.scenario.assumptions]
        if names and _takes_whole_number(path, loaded.tree):
            found[names[0]] = int(_at(resolved, path))
    return found


def _leaves(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """References and calculations of a tree, with their places."""
    if isinstance(node, str) and node.startswith("$"):
        yield path, node
    elif isinstance(node, dict):
        if len(node) == 1 and next(iter(node)) in ("product", "ratio"):
            yield path, node
            return
        for key, below in node.items():
            if path or key not in ("inputs", "assumptions"):
                yield from _leaves(below, (*path, str(key)))
    elif isinstance(node, list):
        for i, below in enumerate(node):
            yield from _leaves(below, (*path, i))


def _referenced(node: Any) -> Iterator[str]:
    if isinstance(node, str) and node.startswith("$"):
        yield node[1:]
    elif isinstance(node, dict):
        for below in node.values():
            yield from _referenced(below)
    elif isinstance(node, list):
        for below in node:
            yield from _referenced(below)


def _takes_whole_number(path: tuple[str | int, ...], tree: Any) -> bool:
    schema = schema_at(path, tree)
    branches = schema.get("anyOf", [schema]) if schema else []
    kinds = {branch.get("type") for branch in branches}
    return "integer" in kinds and "number" not in kinds


def _at(node: Any, path: tuple[str | int, ...]) -> Any:
    """Value at a path whose keys of maps are texts."""
    for key in path:
        node = {str(name): below for name, below in node.items()}[str(key)] if isinstance(node, dict) else node[key]
    return node
