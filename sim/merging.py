"""Trees put on top of each other: what extends a scenario, overrides it, or sets one place of it."""

from __future__ import annotations

import copy
import re
from typing import Any

from sim.problems import InputError, Path, Problem, did_you_mean, listed, quoted
from sim.schema import keys_at, schema_at, takes_number
from sim.yaml_guard import NUMBER_KEYS, Lines, Tree, parse_value, plain_value

NAMING_KEYS = ("source", "group", "step", "pool")
"""Keys whose value names an entry of a list."""

SETS = "--set"

_TOKEN = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")


def merged(base: Tree, over: Tree) -> Tree:
    """Put a tree on another: maps are merged, lists and scalars replaced, null removes a key.

    Lines follow the values: each place knows the file it comes from.
    """
    replaced: set[Path] = set()
    data = _merge(base.data, over.data, (), replaced)
    lines = {path: place for path, place in base.lines.items() if not _under(path, replaced)} if base.lines else {}
    for path, place in over.lines.items():
        if path not in lines or path in replaced or not isinstance(_value(over.data, path), dict):
            lines[path] = place
    return Tree(data, lines, [*base.problems, *over.problems])


def _under(path: Path, replaced: set[Path]) -> bool:
    return bool(replaced) and any(path[:i] in replaced for i in range(1, len(path) + 1))


def _value(data: Any, path: Path) -> Any:
    for key in path:
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and isinstance(key, int) and key < len(data):
            data = data[key]
        else:
            return None
    return data


def _merge(base: Any, over: Any, path: Path, replaced: set[Path]) -> Any:
    if not (isinstance(base, dict) and isinstance(over, dict)):
        replaced.add(path)
        return _without_nulls(over)
    together = dict(base)
    for key, value in over.items():
        if value is None:
            replaced.add((*path, str(key)))
            together.pop(key, None)
        elif key in together:
            together[key] = _merge(together[key], value, (*path, str(key)), replaced)
        else:
            together[key] = _without_nulls(value)
    return together


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


# ── one place ────────────────────────────────────────────────────────────────────────────────────────────────────


def with_set(tree: Tree, text: str) -> Tree:
    """The tree with one place set, as ``path.to.field=value`` says.

    Lists are indexed by number (``arrivals[0]``) or by the name of an entry (``arrivals.calls``: its ``source``,
    ``group``, ``step`` or ``pool``). ``assumptions.NAME=5`` and ``inputs.NAME=5`` set the value of that entry; null
    removes a key.

    Raises
    ------
    InputError
        If the path names nothing that is there or that a scenario could have, or the value is no YAML.
    """
    field, sign, value_text = text.partition("=")
    keys = _tokens(field.strip())
    if not sign or not keys:
        raise _fault((), f"{quoted(text)} sets nothing", "path.to.field=value, such as horizon.days=14")
    data = copy.deepcopy(tree.data)
    place: list[str | int] = []
    node: Any = data
    for number, key in enumerate(keys):
        node = _step(data, node, place, key, last=number == len(keys) - 1)
    value = parse_value(value_text.strip(), SETS, tuple(place))
    if value.data is None and value_text.strip() not in ("null", "~"):
        raise _fault(tuple(place), "no value is given", "a value; null to remove the key")
    if len(place) == 2 and place[0] in ("assumptions", "inputs") and not isinstance(value.data, dict):
        if not isinstance(_value(data, tuple(place)), dict):
            raise _unknown(place[:-1], place[-1], _value(data, tuple(place[:-1])) or {}, "name")
        place.append("value")
    _put(data, place, _without_nulls(value.data))
    lines: Lines = {path: line for path, line in tree.lines.items() if path[: len(place)] != tuple(place)}
    lines |= dict.fromkeys(value.lines, (SETS, 0)) | {tuple(place): (SETS, 0)}
    return Tree(data, lines, tree.problems)


def _tokens(field: str) -> list[str]:
    """Keys of a path; a bracket's number or text keeps its bracket, so that a number can be told from a name."""
    keys: list[str] = []
    place = 0
    while place < len(field):
        found = _TOKEN.match(field, place)
        if found is None or not (found[1] or found[2]):
            raise _fault((), f"{quoted(field)} is no path", "path.to.field, entries of lists as [0] or by name")
        keys.append(found[1] if found[1] is not None else f"[{found[2]}]")
        place = found.end()
    return keys


def _step(data: Any, node: Any, place: list[str | int], key: str, *, last: bool) -> Any:
    """Go down one key, which is added to the place; maps that a model may have are made on the way."""
    if isinstance(node, list):
        index = _entry(node, place, key)
        place.append(index)
        return node[index]
    name = key.strip("[]")
    if not isinstance(node, dict):
        raise _fault(tuple(place), "has nothing inside that could be set", "the whole of it")
    for known in node:
        if str(known) == name:
            place.append(name)
            return node[known]
    path = tuple(place)
    fields = keys_at(path, data)
    schema = schema_at((*path, name), data)
    if schema is None or (fields is None and not last) or (fields is None and schema_at(path, data) is None):
        raise _unknown(place, name, [*node, *(fields or [])], "key" if fields is not None else "name")
    place.append(name)
    if last:
        return None
    if takes_number(tuple(place), data) or (keys_at(tuple(place), data) is None and not _is_map(schema)):
        raise _fault(tuple(place), "is not given, and has nothing inside that could be set", "the whole of it")
    node[name] = {}
    return node[name]


def _is_map(schema: dict[str, Any]) -> bool:
    return any(branch.get("type") == "object" for branch in schema.get("anyOf", [schema]))


def _entry(entries: list[Any], place: list[str | int], key: str) -> int:
    """Number of a list's entry from ``[0]`` or from its name."""
    if key.startswith("["):
        text = key[1:-1]
        if text.isascii() and text.isdigit() and len(text) < 7 and int(text) < len(entries):
            return int(text)
        allowed = f"[0] to [{len(entries) - 1}]" if entries else "none: the list is empty"
        raise _fault(tuple(place), f"has no entry {key}", allowed)
    names = {i: [entry.get(k) for k in NAMING_KEYS if k in entry] for i, entry in enumerate(entries) if _is_dict(entry)}
    found = [i for i, own in names.items() if own and own[0] == key]
    if len(found) == 1:
        return found[0]
    if found:
        raise _fault(tuple(place), f"has {len(found)} entries called {quoted(key)}", "a number in brackets")
    raise _unknown(place, key, [str(own[0]) for own in names.values() if own], "entry")


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _put(data: Any, place: list[str | int], value: Any) -> None:
    for key in place[:-1]:
        data = data[key] if isinstance(key, int) else data[_own_key(data, key)]
    last = place[-1]
    if isinstance(last, int):
        if value is None:
            raise _fault(tuple(place), "an entry of a list cannot be removed", "the whole list, without it")
        data[last] = value
    elif value is None:
        data.pop(_own_key(data, last), None)
    else:
        numeric = len(place) > 1 and place[-2] in NUMBER_KEYS
        data[_own_key(data, last, numeric=numeric)] = value


def _own_key(data: dict[Any, Any], text: str | int, *, numeric: bool = False) -> Any:
    """The key of a map that is written so; numeric keys of quantiles are numbers."""
    for key in data:
        if str(key) == text:
            return key
    return plain_value(str(text)) if numeric else text


def _unknown(place: list[str | int], name: object, known: Any, what: str) -> InputError:
    names = sorted({str(entry) for entry in known})
    message = f"unknown {what} {quoted(name)}{did_you_mean(name, names)}"
    return _fault((*place, str(name)), message, listed(names) or "nothing: it is empty")


def _fault(path: Path, message: str, allowed: str) -> InputError:
    return InputError([Problem(path, message, allowed, SETS)])
