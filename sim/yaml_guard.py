"""Strict reading of YAML that strangers wrote: plain trees, with the line of everything.

The tree is built from the parser's events, so that nothing is expanded or constructed on the way: size, depth and
number of values are capped; anchors, aliases, tags, duplicate keys and further documents are refused. Plain text
becomes a number only when it looks like one to a person: ``on``, ``yes``, ``08:00``, ``2024-05-01`` and ``010`` stay
text, ``1e3`` is a number, and only ``true`` and ``false`` are truth values.
"""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from sim.problems import InputError, Path, Problem, quoted

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 64
MAX_VALUES = 500_000
NUMBER_KEYS = frozenset({"quantiles_s", "quantiles_min", "quantiles_h"})
"""Keys of maps whose own keys are numbers."""

Lines = dict[Path, tuple[str, int]]
"""File and line (from 1) of each place of a tree."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser: libyaml's where PyYAML was built with it, about ten times as fast as the one in Python."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:_[0-9]{3})+)")
_DECIMAL = re.compile(
    r"[-+]?(?:(?:0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:_[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,6})?"
)
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULLS = ("null", "Null", "NULL", "~")
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NOT_A_VALUE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass
class Tree:
    """A file's content, where everything stands in it, and what is wrong with its YAML but did not stop the reader."""

    data: Any
    lines: Lines = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_yaml(source: pathlib.Path | str, file_name: str) -> tuple[dict[str, Any], Lines]:
    """Read a map from a file (a path) or a text.

    Parameters
    ----------
    source : path of a file, or a text that is YAML itself.
    file_name : how messages call it.

    Returns
    -------
    data, lines : the map, and file and line of each of its places.

    Raises
    ------
    InputError
        With everything that is wrong with it, in order of lines.
    """
    tree = read_tree(source, file_name)
    if tree.problems:
        raise InputError(sorted(tree.problems, key=lambda problem: problem.line))
    return tree.data, tree.lines


def read_tree(source: pathlib.Path | str, file_name: str) -> Tree:
    """Read a map, keeping faults that do not stop the reader in ``problems``; raises ``InputError`` for the others."""
    text = _text_of_file(source, file_name) if isinstance(source, pathlib.Path) else source
    tree = _read(text, file_name, ())
    if tree.data is None and not tree.problems:
        raise InputError([Problem((), "there is nothing in it", "a map, 'key: value' lines", file_name, 1)])
    if not isinstance(tree.data, dict):
        problem = Problem((), f"{quoted(tree.data)} is no map", "a map, 'key: value' lines", file_name, 1)
        raise InputError(tree.problems or [problem])
    return tree


def parse_value(text: str, file_name: str, path: Path) -> Tree:
    """Read one value (a scalar, or a list or map in one line) that belongs at a path; raises ``InputError``."""
    tree = _read(text, file_name, path)
    if tree.problems:
        raise InputError(tree.problems)
    return tree


def plain_value(text: str) -> bool | int | float | str | None:
    """What text without quotes means.

    Raises
    ------
    ValueError
        If it is a number that cannot be used, with the sentence to say.
    """
    if text in _NULLS:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no finite number")
    if _INTEGER.fullmatch(text):
        if len(text) > 20:
            raise ValueError(f"{quoted(text)} is too large")
        return int(text)
    if _DECIMAL.fullmatch(text):
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError(f"{quoted(text)} is too large")
        return number
    return text


# ── bytes to text ────────────────────────────────────────────────────────────────────────────────────────────────


def _text_of_file(path: pathlib.Path, file_name: str) -> str:
    def refuse(message: str, allowed: str = "", line: int = 0) -> InputError:
        return InputError([Problem((), message, allowed, file_name, line)])

    try:
        if path.is_dir():
            raise refuse("is a folder", "a YAML file")
        if path.exists() and not path.is_file():
            raise refuse("is no ordinary file", "a YAML file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("there is no such file", "an existing YAML file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse(f"cannot be read ({reason})", "a YAML file") from None
    if len(data) > MAX_BYTES:
        raise refuse("is too large", f"at most {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise refuse(f"byte 0x{data[error.start]:02x} is not UTF-8", "text in UTF-8", line) from None


# ── events to a tree ─────────────────────────────────────────────────────────────────────────────────────────────


class _Stop(Exception):  # noqa: N818 (it stops the reader; what is wrong is in the problem)
    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def _read(text: str, file_name: str, path: Path) -> Tree:
    reader = _Reader(text, file_name)
    try:
        data = reader.document(path)
    except _Stop as stop:
        raise InputError(sorted([*reader.tree.problems, stop.problem], key=lambda problem: problem.line)) from None
    except RecursionError:  # not reached below the depth cap; a reader of strangers' files does not rely on that
        raise InputError([Problem((), "is nested too deep", f"{MAX_DEPTH} levels", file_name, 1)]) from None
    reader.tree.data = data
    return reader.tree


class _Reader:
    """Builds one tree from the events of one text."""

    def __init__(self, text: str, file_name: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self.file = file_name
        self.tree = Tree(None)
        self.values = 0

    def document(self, path: Path) -> Any:
        """The only document of the text; None if it is empty."""
        if len(self.text.encode("utf-8", "replace")) > MAX_BYTES:
            self._stop("is too large", f"at most {MAX_BYTES // 1024 // 1024} MiB", 0)
        if found := _NOT_TEXT.search(self.text):
            line = self.text.count("\n", 0, found.start()) + 1
            self._stop(f"the character U+{ord(found.group()):04X} is no text", "text in UTF-8", line)
        self.parser = LOADER(self.text)
        try:
            self._next()
            event = self._next()
            if isinstance(event, yaml.StreamEndEvent):
                return None
            if event.tags:
                self._stop("a %TAG line", "no tags", event.start_mark.line + 1)
            self.tree.lines[path] = (self.file, 1)
            data = self._value(self._next(), path, 1)
            self._next()
            event = self._next()
            if not isinstance(event, yaml.StreamEndEvent):
                self._stop("a second document begins", "one document in a file", event.start_mark.line + 1)
            return data
        finally:
            self.parser.dispose()

    def _next(self) -> Any:
        try:
            return self.parser.get_event()
        except yaml.MarkedYAMLError as error:
            line, character = self._place(error)
            message, allowed = _sentence(error, character)
            begin = error.context_mark.line + 1 if error.context_mark else line
            since = f" (it begins in line {begin})" if begin < line and "closed" in message else ""
            self._stop(message + since, allowed, line)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            self._stop(f"cannot be read as YAML ({str(error).splitlines()[0]})", "", 1)

    def _place(self, error: yaml.MarkedYAMLError) -> tuple[int, str]:
        """Line of an error and the character there; what is not closed at the end is wrong where it began."""
        lines = self.text.rstrip().split("\n")
        mark = error.problem_mark or error.context_mark
        at_end = mark is None or mark.line >= len(lines) or (mark.line, mark.column) >= (len(lines) - 1, len(lines[-1]))
        if mark is not None and at_end and error.context_mark is not None:
            mark = error.context_mark
        if mark is None or mark.line >= len(lines):
            return len(lines), ""
        return mark.line + 1, lines[mark.line][mark.column : mark.column + 1]

    def _stop(self, message: str, allowed: str, line: int, path: Path = ()) -> None:
        raise _Stop(Problem(path, message, allowed, self.file, line))

    def _fault(self, path: Path, line: int, message: str, allowed: str) -> None:
        self.tree.problems.append(Problem(path, message, allowed, self.file, line))

    def _value(self, event: Any, path: Path, depth: int) -> Any:
        line = event.start_mark.line + 1
        self.tree.lines.setdefault(path, (self.file, line))
        self.values += 1
        if self.values > MAX_VALUES:
            self._stop("there are too many values", f"at most {MAX_VALUES:,}", line)
        if depth > MAX_DEPTH:
            self._stop("is nested too deep", f"{MAX_DEPTH} levels", line, path[:8])
        if isinstance(event, yaml.AliasEvent):
            self._fault(path, line, f"*{event.anchor} is an alias", "the value itself, written out")
            return None
        if event.anchor is not None:
            self._fault(path, line, f"&{event.anchor} is an anchor", "no anchors and aliases; write values out")
        if event.tag is not None:
            self._fault(path, line, f"{event.tag} is a tag", "no tags; text in quotes, numbers without")
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(path, depth)
        return self._scalar(event, path, line)

    def _list(self, path: Path, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items)), depth + 1))
        return items

    def _map(self, path: Path, depth: int) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        first: dict[Any, int] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self._key(event, path, line, depth)
            place = (*path, str(key))
            if key in first:
                self._fault(place, line, f"the key {quoted(key)} stands twice, first in line {first[key]}", "once")
                kept, self.tree.lines = self.tree.lines, {}
                self._value(self._next(), place, depth + 1)
                self.tree.lines = kept
                continue
            self.tree.lines[place] = (self.file, line)
            value = self._value(self._next(), place, depth + 1)
            if key is not None:
                items[key] = value
                first[key] = line
        return items

    def _key(self, event: Any, path: Path, line: int, depth: int) -> str | float | None:
        """A key; None for one that cannot be used."""
        if not isinstance(event, yaml.ScalarEvent):
            self._fault(path, line, "a key is a list, a map or an alias", "text")
            self._value(event, (*path, ""), depth + 1)
            return None
        if event.anchor is not None or event.tag is not None:
            self._fault(path, line, f"the key {quoted(event.value)} has an anchor or a tag", "plain text")
        key = event.value
        if _NOT_A_VALUE.search(key) or "\n" in key or not key.strip() or len(key) > 1000:
            self._fault(path, line, "a key is empty, very long, or has characters that are no text", "text")
            return None
        if event.implicit[0]:
            value = _plain_or_text(key)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                if path and path[-1] in NUMBER_KEYS:
                    return value
                self._fault((*path, key), line, f"the key {key} is a number", "text (in quotes if it is a name)")
        return str(key)

    def _scalar(self, event: Any, path: Path, line: int) -> Any:
        text = event.value
        if _NOT_A_VALUE.search(text.replace("\n", "").replace("\r", "")):
            self._fault(path, line, "the text has characters that are no text", "letters, digits, signs")
            return ""
        if not event.implicit[0]:
            return text
        if text == "":
            self._fault(path, line, "no value is given", "a value; {} or [] for an empty one, null to leave it out")
            return None
        try:
            return plain_value(text)
        except ValueError as error:
            self._fault(path, line, str(error), "a finite number")
            return 0


def _plain_or_text(text: str) -> bool | int | float | str | None:
    try:
        return plain_value(text)
    except ValueError:
        return text


_SENTENCES = (
    ("mapping values are not allowed", "a ': ' stands where no key can be", "text with a colon in quotes"),
    ("could not find expected ':'", "a key without ': '", "'key: value', keys of one map in one column"),
    ("unexpected end of stream", "a quote is not closed", "quotes in pairs"),
    ("undefined tag handle", "a tag", "no tags"),
    ("multiple", "more than one anchor, tag or directive", "none of them"),
    ("did not find expected ',' or ']'", "a list in [ ] has no comma or is not closed", "[a, b, c]"),
    ("expected ',' or ']'", "a list in [ ] has no comma or is not closed", "[a, b, c]"),
    ("did not find expected ',' or '}'", "a map in { } has no comma or is not closed", "{a: 1, b: 2}"),
    ("expected ',' or '}'", "a map in { } has no comma or is not closed", "{a: 1, b: 2}"),
    ("node content", "a sign such as , ] or } stands where a value should", "a value, or such text in quotes"),
    ("expected key", "the indentation does not fit the lines above", "keys of one map in one column"),
    ("expected '-' indicator", "the indentation does not fit the lines above", "entries of one list in one column"),
    ("expected <block end>", "the indentation does not fit the lines above", "keys of one map in one column"),
    ("sequence entries are not allowed", "a list begins where no list can be", "'- ' on a line of its own"),
    ("<document start>", "a second value begins", "one map in a file"),
    ("escape", "a backslash in double quotes begins nothing known", r"\\ for a backslash, or single quotes"),
)


def _sentence(error: yaml.MarkedYAMLError, character: str) -> tuple[str, str]:
    """Message and what is allowed, for an error of either parser."""
    problem = str(error.problem or error.context or "is no YAML")
    if character == "\t":
        return "a tab stands where YAML wants spaces", "spaces"
    if "cannot start any token" in problem:
        return f"a value cannot begin with {quoted(character)}", "such text in quotes"
    for part, message, allowed in _SENTENCES:
        if part in problem:
            return message, allowed
    return f"is no YAML here ({problem})", "'key: value' lines"
