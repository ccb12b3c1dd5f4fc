"""Scenarios by name: a file, what it extends, overrides and single settings → one validated scenario.

A library file holds the fields of ``sim.scenario.Scenario`` and two keys of its own: ``extends``, the name or file of
the scenario that it changes, and ``overrides``, named changes that may be asked for. All changes are partial trees:
maps are merged, lists and scalars replaced, null removes a key. ``name`` is the file's own name unless the file says
otherwise.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pathlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from sim.consistency import check
from sim.merging import merged, with_set
from sim.problems import InputError, Path, Problem, did_you_mean, listed, quoted
from sim.references import Resolved, resolve
from sim.scenario import Scenario
from sim.schema import problems_of
from sim.yaml_guard import Lines, Tree, plain_value, read_tree

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "scenarios"
"""Where the project's scenarios are; ``overrides`` in it holds files with one override each."""

OVERRIDES = "overrides"
MAX_CHAIN = 10
MAX_PROBLEMS = 100

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Loaded:
    """A scenario that is ready to use, and where it came from.

    ``hash`` stands for the content: it does not depend on comments, layout or the order of keys. ``tree`` is the
    scenario as written, after overrides and settings; ``lines`` says where each of its places comes from.
    """

    scenario: Scenario
    hash: str
    tree: dict[str, Any]
    lines: Lines

    @functools.cached_property
    def text(self) -> str:
        """The resolved scenario as YAML, references as written; loading it gives the same ``hash``."""
        return text_of(self.tree)

    def problem(self, path: Path, message: str, allowed: str = "") -> Problem:
        """A fault that a later stage found, with the file and line it goes back to."""
        return located(Problem(path, message, allowed), self.lines)


# ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────────


def load(
    scenario: str, overrides: Sequence[str] = (), sets: Sequence[str] = (), *, folder: pathlib.Path = FOLDER
) -> Loaded:
    """Load a scenario by its name in the library, or from a file ``something.yaml``.

    Parameters
    ----------
    scenario : name or path.
    overrides : names of overrides, applied in this order: those of the file, then files in ``overrides``.
    sets : settings ``path.to.field=value``, applied last, in this order (see ``sim.merging.with_set``).
    folder : where names are looked up.

    Raises
    ------
    InputError
        With everything that is wrong, in order of lines.
    """
    file = _find(scenario, folder)
    return _load(read_tree(file, _shown(file, folder)), file, overrides, sets, folder)


def load_text(
    text: str,
    overrides: Sequence[str] = (),
    sets: Sequence[str] = (),
    *,
    file_name: str = "scenario.yaml",
    folder: pathlib.Path = FOLDER,
) -> Loaded:
    """Load a scenario from its text; it may extend scenarios of the library by name. Otherwise as ``load``."""
    return _load(read_tree(text, file_name), pathlib.PurePath(file_name), overrides, sets, folder)


def names(folder: pathlib.Path = FOLDER) -> dict[str, str]:
    """Names of the library's scenarios with their titles (empty when the file cannot be read), by name."""
    titles: dict[str, str] = {}
    for name, files in sorted(_files(folder).items()):
        try:
            tree, _ = _with_bases(read_tree(files[0], files[0].name), files[0], folder)
        except InputError:
            titles[name] = ""
        else:
            title = tree.data.get("title", "")
            titles[name] = title if isinstance(title, str) else ""
    return titles


def hash_of(scenario: Scenario) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the scenario's content as canonical JSON."""
    content = json.dumps(scenario.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:16]


def save_text(text: str, path: pathlib.Path) -> None:
    """Write a scenario's text to a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def located(problem: Problem, lines: Lines) -> Problem:
    """The problem with file and line of its place, or of the nearest place around it that has one."""
    for length in range(len(problem.path), -1, -1):
        if problem.path[:length] in lines:
            file, line = lines[problem.path[:length]]
            return Problem(problem.path, problem.message, problem.allowed, file, line)
    return problem


def _load(
    own: Tree, file: pathlib.PurePath, overrides: Sequence[str], sets: Sequence[str], folder: pathlib.Path
) -> Loaded:
    tree, named = _with_bases(own, file, folder)
    if own.data.get("name") is None and _NAME.fullmatch(file.stem):
        tree.data = {"name": file.stem} | tree.data | {"name": file.stem}
    for override in overrides:
        tree = merged(tree, _override(override, named, folder))
    refused: list[Problem] = []
    for text in sets:
        try:
            tree = with_set(tree, text)
        except InputError as error:
            refused += error.problems
    problems, scenario = _validated(resolve(tree.data), tree)
    problems += refused
    if scenario is None or problems:
        raise _all(problems, tree)
    return Loaded(scenario, hash_of(scenario), tree.data, tree.lines)


def _validated(resolved: Resolved, tree: Tree) -> tuple[list[Problem], Scenario | None]:
    """Everything that is wrong with the content, without what only follows from something reported already."""
    known = {problem.path for problem in tree.problems if problem.path} | set(resolved.unknown)
    around = {path[:length] for path in known for length in range(len(path))}
    found = [*tree.problems, *(located(problem, tree.lines) for problem in resolved.problems)]
    try:
        scenario = Scenario.model_validate(resolved.data, strict=True)
        faults = [] if found or resolved.unknown else check(scenario)
    except ValidationError as error:
        scenario = None
        faults = problems_of(error, resolved.data, tree.data)
    for fault in faults:
        below = any(fault.path[:length] in known for length in range(1, len(fault.path) + 1))
        if not below and fault.path not in around:
            found.append(located(fault, tree.lines))
    return found, scenario


def _all(problems: list[Problem], tree: Tree) -> InputError:
    """The problems in order: the scenario's own file first, then the others, lines rising."""
    main = tree.lines.get((), ("", 0))[0]
    ordered = sorted(problems, key=lambda p: (p.file != main, p.line == 0, p.file, p.line))
    if len(ordered) > MAX_PROBLEMS:
        rest = len(ordered) - MAX_PROBLEMS
        ordered = [*ordered[:MAX_PROBLEMS], Problem((), f"and {rest} more", "", ordered[0].file)]
    return InputError(ordered)


# ── the tree as text ─────────────────────────────────────────────────────────────────────────────────────────────


_SafeDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SafeDumper):
    """Writes text in quotes wherever the strict reader would take it for something else; never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    try:
        plain = isinstance(plain_value(text), str) and text != ""
    except ValueError:
        plain = False
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


_Dumper.add_representer(str, _text)


def text_of(data: dict[str, Any]) -> str:
    """A tree as YAML that the strict reader reads back as the same tree."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _find(scenario: str, folder: pathlib.Path) -> pathlib.Path:
    if scenario.endswith(_SUFFIXES):
        return pathlib.Path(scenario)
    return _find_name(scenario, folder, Problem((), "", file=scenario[:80]))


def _find_name(name: str, folder: pathlib.Path, place: Problem) -> pathlib.Path:
    """File of a scenario of the library; what is wrong is reported at ``place``."""

    def refuse(message: str, allowed: str) -> InputError:
        return InputError([Problem(place.path, message, allowed, place.file, place.line)])

    if not _NAME.fullmatch(name):
        raise refuse(f"{quoted(name)} is no name of a scenario", "letters, digits, _ and -, or a file name.yaml")
    files = _files(folder)
    if name not in files:
        raise refuse(f"there is no scenario {quoted(name)}{did_you_mean(name, files)}", listed(sorted(files)))
    if len(files[name]) > 1:
        places = listed(_shown(file, folder) for file in files[name])
        raise refuse(f"there is more than one scenario {quoted(name)}", places)
    return files[name][0]


def _files(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Files of the library by name; one in the folder itself goes before those in its subfolders."""
    files: dict[str, list[pathlib.Path]] = {}
    found = sorted(path for suffix in _SUFFIXES for path in folder.rglob(f"*{suffix}"))
    for path in found:
        inside = path.relative_to(folder).parts
        if OVERRIDES not in inside[:-1] and _NAME.fullmatch(path.stem):
            files.setdefault(path.stem, []).append(path)
    return {name: [p for p in paths if p.parent == folder] or paths for name, paths in files.items()}


def _shown(file: pathlib.Path, folder: pathlib.Path) -> str:
    """How messages call a file: the library's from its folder on, others as they were given."""
    try:
        return (pathlib.PurePath(folder.name) / file.relative_to(folder)).as_posix()
    except ValueError:
        return str(file)


def _with_bases(own: Tree, file: pathlib.PurePath, folder: pathlib.Path) -> tuple[Tree, dict[str, Tree]]:
    """The tree merged onto all that it extends, and the named overrides of the whole chain (nearest first)."""
    chain, seen = [own], [_identity(file)]
    while "extends" in chain[-1].data:
        wanted = chain[-1].data["extends"]
        place = located(Problem(("extends",), ""), chain[-1].lines)
        base = _base(wanted, file, folder, place)
        if _identity(base) in seen:
            raise InputError([_at(place, f"{quoted(wanted)} extends itself, by a circle of files", "no circle")])
        if len(chain) > MAX_CHAIN:
            raise InputError([_at(place, "too many scenarios extend each other", f"a chain of {MAX_CHAIN}")])
        chain.append(read_tree(base, _shown(base, folder)))
        seen.append(_identity(base))
        file = base
    named: dict[str, Tree] = {}
    tree = Tree({})
    for part in reversed(chain):
        named |= _take_overrides(part)
        part.data.pop("extends", None)
        tree = merged(tree, part)
    tree.lines[()] = own.lines[()]
    return tree, named


def _identity(file: pathlib.PurePath) -> str:
    return str(file.resolve()) if isinstance(file, pathlib.Path) else f"text:{file}"


def _at(place: Problem, message: str, allowed: str) -> Problem:
    return Problem(place.path, message, allowed, place.file, place.line)


def _base(wanted: Any, file: pathlib.PurePath, folder: pathlib.Path, place: Problem) -> pathlib.Path:
    """File that ``extends`` names."""
    if not isinstance(wanted, str):
        raise InputError([_at(place, f"{quoted(wanted)} is no scenario", "a name, or a file name.yaml")])
    if not wanted.endswith(_SUFFIXES):
        return _find_name(wanted, folder, place)
    relative = pathlib.PurePath(wanted)
    if relative.is_absolute() or "\\" in wanted or not isinstance(file, pathlib.Path):
        allowed = "a name of the library" + (", or a file relative to this one" * isinstance(file, pathlib.Path))
        raise InputError([_at(place, f"{quoted(wanted)} cannot be extended from here", allowed)])
    base = file.parent / relative
    if not base.is_file():
        raise InputError([_at(place, f"there is no file {quoted(wanted)}", "a file relative to this one")])
    return base


def _take_overrides(part: Tree) -> dict[str, Tree]:
    """Take the named overrides out of a file's tree."""
    given = part.data.pop(OVERRIDES, None)
    if given is None:
        return {}
    place = located(Problem((OVERRIDES,), ""), part.lines)
    allowed = "names, each with a map of what it changes"
    if not isinstance(given, dict):
        part.problems.append(_at(place, "overrides is no map", allowed))
        return {}
    lines: dict[str, Lines] = {}
    for path in [path for path in part.lines if path[:1] == (OVERRIDES,)]:
        if len(path) > 1:
            lines.setdefault(str(path[1]), {})[path[2:]] = part.lines[path]
        del part.lines[path]
    named: dict[str, Tree] = {}
    for name, change in given.items():
        problem = located(Problem((), ""), lines.get(name, {}))
        where = Problem((OVERRIDES, name), "", "", problem.file, problem.line)
        if not _NAME.fullmatch(name):
            part.problems.append(_at(where, f"{quoted(name)} is no name", "letters, digits, _ and -"))
        elif not isinstance(change, dict):
            part.problems.append(_at(where, f"the override {quoted(name)} is no map", allowed))
        else:
            named[name] = Tree(change, lines.get(name, {}))
    return named


def _override(name: str, named: dict[str, Tree], folder: pathlib.Path) -> Tree:
    """An override by name: one of the scenario's own, or a file of the library."""
    if name in named:
        return named[name]
    files = {p.stem: p for suffix in _SUFFIXES for p in sorted((folder / OVERRIDES).glob(f"*{suffix}"))}
    files = {stem: path for stem, path in files.items() if _NAME.fullmatch(stem)}
    if name not in files:
        known = sorted({*named, *files})
        message = f"there is no override {quoted(name)}{did_you_mean(name, known)}"
        raise InputError([Problem((), message, listed(known) or "none: there are no overrides", "--override")])
    return read_tree(files[name], _shown(files[name], folder))
