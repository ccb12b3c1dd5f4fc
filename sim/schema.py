"""What the scenario's models allow at a place of the tree, and what is wrong with a tree, in sentences."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from sim.problems import Path, Problem, did_you_mean, listed, quoted
from sim.scenario import Scenario

Schema = dict[str, Any]

NAME = "^[A-Za-z0-9_-]{1,64}$"
TAG = "do"
"""Key that says which of the models of a step is meant."""

MOST_FAULTS = 2000
"""Faults of a tree that are put into sentences."""

OWN_FAULTS = ("scenario", "span", "clock", "weekdays")
"""Types of the errors that ``sim.scenario`` raises itself, as "message; allowed: …"."""

_PATTERNS = {
    NAME: "a name of 1 to 64 letters, digits, _ or -",
    r"^F[0-9]{1,3}(, ?F[0-9]{1,3})*$": "numbers of facts such as F12 or 'F12, F13'",
}


# ── what is allowed ──────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def _root() -> Schema:
    return Scenario.model_json_schema()


def _resolved(schema: Schema, data: Any) -> Schema | None:
    """Schema without references and choices: the branch that fits the data; None if it cannot be told."""
    while True:
        if "$ref" in schema:
            schema = _root()["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        elif "discriminator" in schema:
            kind = data.get(TAG) if isinstance(data, dict) else None
            reference = schema["discriminator"]["mapping"].get(kind) if isinstance(kind, str) else None
            if reference is None:
                return None
            schema = {"$ref": reference}
        elif "anyOf" in schema:
            wanted = "object" if isinstance(data, dict) else "array" if isinstance(data, list) else None
            branches = [b for b in schema["anyOf"] if b.get("type") != "null"]
            fitting = [b for b in branches if wanted is None or b.get("type", "object") == wanted]
            schema = (fitting or branches)[0]
        else:
            return schema


def _child(schema: Schema, key: str | int) -> Schema | None:
    if isinstance(key, int):
        return schema.get("items") if schema.get("type") == "array" else None
    if "properties" in schema:
        found: Schema | None = schema["properties"].get(key)
        return found
    for entries in (*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")):
        if isinstance(entries, dict):
            return entries
    return None


def schema_at(path: Path, data: Any) -> Schema | None:
    """Schema of a place in a tree (data decides which model of a choice is meant); None if the models have no such."""
    schema: Schema = _root()
    for key in path:
        resolved = _resolved(schema, data)
        below = _child(resolved, key) if resolved is not None else None
        if below is None:
            return None
        schema = below
        data = _at(data, (key,))
    return schema


def takes_number(path: Path, data: Any) -> bool:
    """Whether a number is what the models want there."""
    schema = schema_at(path, data)
    if schema is None:
        return False
    branches = schema.get("anyOf", [schema])
    return any(branch.get("type") in ("number", "integer") for branch in branches)


def keys_at(path: Path, data: Any) -> list[str] | None:
    """Keys that a map there may have; None if it takes names of its own (or is no map)."""
    schema = schema_at(path, data)
    data = _at(data, path)
    if schema is None:
        return None
    resolved = _resolved(schema, data if isinstance(data, dict) else {})
    if resolved is None:
        return [TAG]
    return list(resolved["properties"]) if "properties" in resolved else None


def describe(schema: Schema | None) -> str:
    """What a schema allows, in words; empty if there is nothing to say."""
    if schema is None:
        return ""
    if "anyOf" in schema:
        return " or ".join(describe(branch) for branch in schema["anyOf"] if branch.get("type") != "null")
    if "discriminator" in schema:
        return f"a map with {TAG}: {listed(schema['discriminator']['mapping'])}"
    if "$ref" in schema:
        schema = _root()["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return listed(schema["enum"])
    match schema.get("type"):
        case "number" | "integer":
            return _number(schema)
        case "boolean":
            return "true or false"
        case "string":
            if "pattern" in schema:
                return _PATTERNS.get(schema["pattern"], "text of another form")
            return f"text of at least {schema['minLength']} characters" if "minLength" in schema else "text"
        case "array":
            return _sized("a list", schema.get("minItems"), schema.get("maxItems"), "entries")
        case "object":
            if "properties" in schema:
                return f"a map with the keys {listed(schema['properties'])}"
            return _sized("a map", schema.get("minProperties"), schema.get("maxProperties"), "entries")
    return ""


def _sized(what: str, least: int | None, most: int | None, unit: str) -> str:
    if least is not None and most is not None:
        return f"{what} of {least} to {most} {unit}"
    if least is not None:
        return f"{what} of at least {least} {unit if least > 1 else 'entry'}"
    return f"{what} of at most {most} {unit}" if most is not None else what


def _number(schema: Schema) -> str:
    text = "a whole number" if schema["type"] == "integer" else "a number"
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if low is not None and high is not None and high < 1e12:
        return f"{text} from {_figure(low)} to {_figure(high)}"
    bounds = [f"at least {_figure(low)}"] if low is not None else []
    bounds += [f"above {_figure(above)}"] if above is not None else []
    bounds += [f"at most {_figure(high)}"] if high is not None and high < 1e12 else []
    bounds += [f"below {_figure(below)}"] if below is not None else []
    of = "of " if bounds and bounds[0].startswith("at ") else ""
    return f"{text} {of}{' and '.join(bounds)}" if bounds else text


def _figure(number: float) -> str:
    if number != int(number):
        return f"{number:g}"
    return f"{number:,.0f}" if number >= 10_000 else f"{number:.0f}"


# ── what is wrong ────────────────────────────────────────────────────────────────────────────────────────────────


def problems_of(error: ValidationError, data: Any, written: Any) -> list[Problem]:
    """One problem for each fault that the models found.

    Parameters
    ----------
    error : what validation of ``data`` raised.
    data : the tree that was validated.
    written : the same tree with references unresolved, to quote from.
    """
    found: dict[Problem, None] = {}
    near: dict[Path, list[str]] = {}
    faults = error.errors(include_url=False)[:MOST_FAULTS]
    for fault in [fault for fault in faults if _is_meant(fault, data)] or faults:
        path, _, key = _place(fault["loc"], data)
        if fault["type"] == "extra_forbidden":
            near.setdefault(path[:-1], []).append(did_you_mean(path[-1], keys_at(path[:-1], data) or []))
        found[_problem(fault, path, key, data, _at(written, path))] = None
    return [problem for problem in found if not _misspelt(problem, near)]


def _is_meant(fault: Any, data: Any) -> bool:
    """Whether an error is about what is there: where a word or a map may stand, only one of them is meant."""
    _, branches, _ = _place(fault["loc"], data)
    return all(isinstance(value, (dict, list)) != branch.startswith("literal[") for branch, value in branches)


def _misspelt(problem: Problem, near: dict[Path, list[str]]) -> bool:
    """Whether a key is missing whose misspelling is reported beside it."""
    if not problem.path or not problem.message.endswith("is missing"):
        return False
    return any(f"'{problem.path[-1]}'" in question for question in near.get(problem.path[:-1], []))


def _at(data: Any, path: Iterable[str | int]) -> Any:
    """Value at a path (whose numeric keys of maps are texts); None if there is none."""
    for key in path:
        if isinstance(data, dict):
            data = data[key] if key in data else next((v for k, v in data.items() if str(k) == key), None)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def _place(location: tuple[int | str, ...], data: Any) -> tuple[Path, list[tuple[str, Any]], bool]:
    """Path of an error without the names of models and branches; the branches and what stands there; if of a key."""
    path: list[str | int] = []
    branches: list[tuple[str, Any]] = []
    before: int | str | None = None
    for place, key in enumerate(location):
        inside = isinstance(data, dict) and (key in data or any(str(name) == key for name in data))
        last = place == len(location) - 1
        if isinstance(before, int) and isinstance(data, dict) and data.get(TAG) == key and len(path) == 4:
            before = None
            continue
        if key == "[key]" and last:
            return tuple(path), branches, True
        if isinstance(key, str) and "[" in key and not inside:
            branches.append((key, data))
            before = None
            continue
        path.append(str(key) if isinstance(data, dict) else key)
        data = _at(data, (key,))
        before = key
    return tuple(path), branches, False


def _problem(fault: Any, path: Path, key: bool, data: Any, written: Any) -> Problem:
    schema = schema_at(path, data)
    allowed = describe(schema)
    kind = fault["type"]
    if key:
        return _key_problem(fault, path, data)
    if kind in OWN_FAULTS:
        return Problem(path, *_own_sentence(fault))
    if kind == "missing":
        return Problem(path, f"{path[-1]} is missing", allowed)
    if kind == "extra_forbidden":
        keys = keys_at(path[:-1], data) or []
        return Problem(path, f"unknown key {quoted(path[-1])}{did_you_mean(path[-1], keys)}", listed(sorted(keys)))
    if kind == "union_tag_not_found":
        return Problem((*path, TAG), f"{TAG} is missing", listed(_tags(schema)))
    if kind == "union_tag_invalid":
        tag = fault["ctx"]["tag"]
        tags = _tags(schema)
        return Problem((*path, TAG), f"unknown step {quoted(tag)}{did_you_mean(tag, tags)}", listed(tags))
    if kind == "string_too_long":
        allowed = f"at most {fault['ctx']['max_length']} characters"
    return Problem(path, _message(kind, fault, _shown(fault["input"], written), allowed), allowed)


def _own_sentence(fault: Any) -> tuple[str, str]:
    """Message and what is allowed of an error that our own models raised; text of the file in it is kept short."""
    message, _, allowed = fault["msg"].rpartition("; allowed: ")
    message = " ".join(message.split())
    return message if len(message) <= 200 else f"{message[:100]} … {message[-60:]}", allowed


def _tags(schema: Schema | None) -> list[str]:
    return list(schema["discriminator"]["mapping"]) if schema and "discriminator" in schema else []


def _key_problem(fault: Any, path: Path, data: Any) -> Problem:
    """A key of a map that is not as the map wants it."""
    if fault["type"] in OWN_FAULTS:
        return Problem(path, *_own_sentence(fault))
    if fault["type"] == "string_pattern_mismatch":
        return Problem(path, f"the key {quoted(path[-1])} is no name", _PATTERNS[NAME])
    parent = schema_at(path[:-1], data)
    names = (_resolved(parent, {}) or {}).get("propertyNames") if parent else None
    allowed = describe(names) or "a number from 0 to 1"
    return Problem(path, f"the key {quoted(path[-1])} does not fit here", allowed)


def _shown(value: Any, written: Any) -> str:
    """The value of an error as the message quotes it, with the reference it came from."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = quoted(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, (int, float)) and isinstance(written, str):
        return f"{written} ({text})"
    return f"{text} (calculated)" if isinstance(written, dict) else text


_MESSAGES = {
    "float_type": "is no number",
    "int_type": "is no whole number",
    "int_from_float": "is no whole number",
    "bool_type": "is neither true nor false",
    "string_type": "is no text",
    "list_type": "is no list",
    "dict_type": "is no map",
    "model_type": "is no map",
    "model_attributes_type": "is no map",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than": "is too large",
    "less_than_equal": "is too large",
    "finite_number": "is no finite number",
    "int_parsing_size": "is too large",
    "string_too_long": "is too long",
    "string_too_short": "is too short",
}


def _message(kind: str, fault: Any, shown: str, allowed: str) -> str:
    if kind == "string_pattern_mismatch":
        return f"{shown} is no name" if fault["ctx"]["pattern"] == NAME else f"{shown} has another form"
    if kind in ("too_short", "too_long"):
        length = len(fault["input"])
        return f"has {length} {'entry' if length == 1 else 'entries'}"
    if kind == "literal_error":
        words = allowed.split(", ")
        return f"{shown} is not allowed here{did_you_mean(shown.strip(chr(39)), words)}"
    if kind in _MESSAGES:
        return f"{shown} {_MESSAGES[kind]}"
    return f"{shown}: {fault['msg'].removeprefix('Value error, ').removeprefix('Input ')}"
