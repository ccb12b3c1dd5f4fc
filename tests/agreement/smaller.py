"""Making a failing case smaller: whatever can be left out while the engines still disagree is left out."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import ValidationError
from random_scenarios import Case, Tree, constant

from sim.consistency import check
from sim.scenario import Scenario

MOST_TRIES = 3000
Path = tuple[Any, ...]


def smaller(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The smallest case found within a number of tries that is valid and still fails."""
    tries, first = 0, 0
    while True:
        candidates = list(_candidates(case))
        for place in range(first, len(candidates)):
            candidate = candidates[place]()
            if _valid(candidate.tree):
                tries += 1
                if fails(candidate):
                    # What was in vain before is tried again only at the end.
                    case, first = candidate, place
                    break
        else:
            if first == 0:
                return case
            first = 0
        if tries >= MOST_TRIES:
            return case


def _valid(tree: Tree) -> bool:
    try:
        return not check(Scenario.model_validate(tree, strict=True))
    except ValidationError:
        return False


def _candidates(case: Case) -> Iterator[Callable[[], Case]]:
    """Cases with one thing less, big things first; each is made when it is called."""
    plan, cuts = case.plan, case.plan.cuts
    if plan.in_pieces:
        yield partial(replace, case, plan=replace(plan, in_pieces=False))
    if plan.world:
        yield partial(replace, case, plan=replace(plan, world=False))
    for i in range(len(cuts) - 1):
        yield partial(replace, case, plan=replace(plan, cuts=(*cuts[:i], *cuts[i + 1 :])))
    for i, cut in enumerate(cuts):
        if cut.changes:
            plain = replace(cut, changes=cut.changes[1:])
            yield partial(replace, case, plan=replace(plan, cuts=(*cuts[:i], plain, *cuts[i + 1 :])))
    for path, change in _changes(case.tree):
        yield partial(_changed, case, path, change)


def _changed(case: Case, path: Path, change: Callable[[Any, Any], None]) -> Case:
    tree = copy.deepcopy(case.tree)
    around: Any = tree
    for key in path[:-1]:
        around = around[key]
    change(around, path[-1])
    return replace(case, tree=tree)


def _changes(tree: Tree) -> Iterator[tuple[Path, Callable[[Any, Any], None]]]:
    """Places in the tree and what to do there: several elements of a list out, one key out, a duration made plain."""
    places = sorted(_places(tree), key=lambda place: len(place[0]))
    for path, node in places:
        for size in (16, 8, 4, 2, 1) if isinstance(node, list) else ():
            for start in range(0, len(node) - size + 1, max(size // 2, 1)):
                yield (*path, slice(start, start + size)), _without
    for path, node in places:
        for key in list(node) if isinstance(node, dict) else ():
            yield (*path, key), _without
            if isinstance(node[key], dict) and node[key].get("family", "constant") != "constant":
                yield (*path, key), _as_constant


def _places(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(node, (dict, list)):
        yield path, node
        for key, below in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _places(below, (*path, key))


def _without(around: Any, key: Any) -> None:
    del around[key]


def _as_constant(around: Any, key: Any) -> None:
    around[key] = constant(60.0)
