"""What is wrong with an input: one sentence that says where, what, and what is allowed."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Place in a scenario's tree: keys of maps and numbers of list entries."""


@dataclass(frozen=True)
class Problem:
    """One fault of an input.

    ``path`` is the place in the tree, ``message`` says what is wrong there and ``allowed`` what would be right (may be
    empty). ``file`` and ``line`` (from 1) are known once the place is found in a file; ``line`` 0 is "no line".
    """

    path: Path
    message: str
    allowed: str = ""
    file: str = ""
    line: int = 0

    @property
    def field(self) -> str:
        """The place as people write it: ``pools.agents.groups[0].servers``."""
        text = ""
        for key in self.path:
            text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
        return text

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file and self.line else self.file
        parts = [p for p in (where, self.field, self.message) if p]
        return ": ".join(parts) + (f"; allowed: {self.allowed}" if self.allowed else "")


class InputError(ValueError):
    """An input that cannot be used, with all that was found wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


def listed(names: Iterable[object], most: int = 40) -> str:
    """Names for a sentence, in the order given: ``a, b, c``; a long list ends with how many there are."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:most]) + (f", … ({len(texts)} in all)" if len(texts) > most else "")


def did_you_mean(word: object, names: Iterable[object]) -> str:
    """Question for the end of a message when one of the names is close to a word; nothing among very many names."""
    texts = list(map(str, itertools.islice(names, 1001)))
    if len(texts) > 1000:
        return ""
    by_lower = {text.lower(): text for text in texts}
    close = difflib.get_close_matches(str(word)[:100].lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean '{by_lower[close[0]]}'?" if close else ""


def quoted(value: object) -> str:
    """A value as it may stand in a sentence: short, on one line."""
    text = " ".join(str(value).split())
    return f"'{text[:60]}…'" if len(text) > 61 else f"'{text}'"
