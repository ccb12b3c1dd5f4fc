"""What is wrong with a log or a mapping, said to the person who can mend it."""

from __future__ import annotations

from sim.problems import InputError, Problem


class LogError(InputError):
    """A log or its mapping cannot be used; ``str`` gives one line: file, line, field, what is wrong, what is allowed.

    Parameters
    ----------
    file : str
        The file as its reader named it; empty when the fault is not in a file.
    line : int or None
        Line (text) or row (Parquet) of the file, counted from 1.
    field : str
        Dotted name in the mapping, or the log's column; empty when the whole file is meant.
    message : str
        What is wrong, as a sentence without its full stop.
    allowed : str
        What would be right; empty when the message already says so.
    """

    def __init__(self, *, file: str, line: int | None, field: str, message: str, allowed: str) -> None:
        self.file, self.line, self.field, self.message, self.allowed = file, line, field, message, allowed
        super().__init__([Problem((field,) if field else (), message, allowed, file, line or 0)])

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the five fields, since a keyword-only constructor has no positional arguments to replay."""
        return _rebuild, (self.file, self.line, self.field, self.message, self.allowed)


def _rebuild(file: str, line: int | None, field: str, message: str, allowed: str) -> LogError:
    return LogError(file=file, line=line, field=field, message=message, allowed=allowed)
