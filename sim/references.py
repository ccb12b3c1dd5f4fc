"""Numbers that are written as references or calculations: ``$name``, product, ratio, complement."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from sim.problems import Path, Problem, did_you_mean, listed, quoted
from sim.schema import takes_number

OPERATIONS = ("product", "ratio", "complement")


@dataclass
class Resolved:
    """A tree without references, and what could not be resolved; ``unknown`` are the places of the latter."""

    data: Any
    problems: list[Problem] = field(default_factory=list)
    unknown: list[Path] = field(default_factory=list)


class _Unknown(Exception):  # noqa: N818 (not an error of its own: the problem is written where it is found)
    """A number that cannot be computed, for a reason that is already reported."""


def resolve(data: dict[str, Any]) -> Resolved:
    """Replace references and calculations by numbers, and put maps into the order of their keys.

    A reference is taken for one only where the models want a number, outside ``inputs`` and ``assumptions``. What
    cannot be resolved becomes 1 and is listed in ``unknown``. Whole numbers lose their decimal point. Maps are sorted
    because their order has no meaning: the same content gives the same model, whatever the file looks like.
    """
    resolver = _Resolver(data)
    return Resolved(resolver.tree(data, ()), resolver.problems, resolver.unknown)


class _Resolver:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.problems: list[Problem] = []
        self.unknown: list[Path] = []
        self.values: dict[str, float | None] = {}
        inputs, assumptions = ({} if not isinstance(p := data.get(s), dict) else p for s in ("inputs", "assumptions"))
        for name, entry in inputs.items():
            self.values[name] = _number(entry.get("value")) if isinstance(entry, dict) else None
        for name, entry in assumptions.items():
            if name in self.values:
                message = f"{quoted(name)} is among the inputs too"
                self.problems.append(Problem(("assumptions", name), message, "a name in one of inputs and assumptions"))
            value = None
            if isinstance(entry, dict):
                value = _number(entry.get("default") if entry.get("value") is None else entry["value"])
            self.values[name] = value
        self.known = listed(f"${name}" for name in sorted(self.values)) or "names in inputs or assumptions"

    def tree(self, node: Any, path: Path) -> Any:
        """A part of the tree, resolved."""
        if isinstance(node, dict) and not (len(node) == 1 and takes_number(path, self.data)):
            if path in (("inputs",), ("assumptions",)):
                return _sorted(node)
            keys = sorted(node, key=lambda key: (isinstance(key, str), key))
            return {key: self.tree(node[key], (*path, key if isinstance(key, str) else str(key))) for key in keys}
        if isinstance(node, list):
            return [self.tree(item, (*path, i)) for i, item in enumerate(node)]
        calculated = isinstance(node, dict) or (
            isinstance(node, str) and node.startswith("$") and takes_number(path, self.data)
        )
        if not calculated:
            return _without_point(node)
        try:
            return _without_point(self.number(node, path))
        except _Unknown:
            self.unknown.append(path)
            return 1

    def number(self, node: Any, path: Path) -> float:
        """Value of a number, a reference or a calculation."""
        number = _number(node)
        if number is not None:
            return number
        if isinstance(node, str) and node.startswith("$"):
            return self._reference(node[1:], path)
        if isinstance(node, dict) and len(node) == 1:
            return self._calculation(*next(iter(node.items())), path)
        raise self._fault(path, f"{quoted(node)} is no number", "a number, $name or {product: …}")

    def _reference(self, name: str, path: Path) -> float:
        if name not in self.values:
            raise self._fault(path, f"${name} is unknown{did_you_mean(name, self.values)}", self.known)
        value = self.values[name]
        if value is None:  # what is wrong with the entry itself is said there
            raise _Unknown
        return value

    def _calculation(self, operation: str, arguments: Any, path: Path) -> float:
        if operation not in OPERATIONS:
            message = f"unknown calculation {quoted(operation)}{did_you_mean(operation, OPERATIONS)}"
            raise self._fault(path, message, listed(OPERATIONS))
        path = (*path, operation)
        if operation == "complement":
            share = self.number(arguments, path)
            if not 0 <= share <= 1:
                raise self._fault(path, f"{share:g} is no share", "a number from 0 to 1")
            return 1 - share
        if not isinstance(arguments, list) or not arguments or (operation == "ratio" and len(arguments) != 2):
            allowed = "a list of two numbers" if operation == "ratio" else "a list of numbers"
            raise self._fault(path, f"{operation} cannot be calculated from this", allowed)
        numbers = self._numbers(arguments, path)
        if operation == "ratio" and numbers[1] == 0:
            raise self._fault((*path, 1), "the divisor is 0", "a number other than 0")
        result = math.prod(numbers) if operation == "product" else numbers[0] / numbers[1]
        if not math.isfinite(result):
            raise self._fault(path, f"the {operation} is too large", "a finite number")
        return result

    def _numbers(self, arguments: list[Any], path: Path) -> list[float]:
        """All arguments; every one that is wrong is reported."""
        numbers: list[float] = []
        for i, argument in enumerate(arguments):
            try:
                numbers.append(self.number(argument, (*path, i)))
            except _Unknown:
                continue
        if len(numbers) < len(arguments):
            raise _Unknown
        return numbers

    def _fault(self, path: Path, message: str, allowed: str) -> _Unknown:
        self.problems.append(Problem(path, message, allowed))
        return _Unknown()


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _without_point(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _sorted(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _sorted(node[key]) for key in sorted(node, key=str)}
    return _without_point(node)
