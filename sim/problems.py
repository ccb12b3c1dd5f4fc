"""What is wrong with an input: one sentence that says where, what, and what is allowed."""

from __future__ import annotations

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
