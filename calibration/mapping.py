"""What a log's columns are. A mapping is data: no column name of any data set stands in code."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from calibration.errors import LogError
from sim.problems import InputError
from sim.yaml_guard import Lines, load_yaml

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MS = 86_400_000
MINUTE_MS = 60_000

# Directives that carry a zone or depend on the machine's language: the times of a log are local clock times.
_REFUSED_DIRECTIVES = ("%z", "%Z", "%c", "%x", "%X", "%a", "%A", "%p")


def _as_text(value: object) -> object:
    """Let a whole number stand for its digits; YAML reads a bare NO as false, which stands for nothing."""
    if isinstance(value, bool):
        raise ValueError("is a truth value in YAML; put it in quotes")
    if isinstance(value, int):
        return str(value)
    return value


def _without_repeats(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"names {', '.join(repeated)} more than once")
    return values


Value = Annotated[str, BeforeValidator(_as_text), Field(max_length=200)]
Column = Annotated[str, BeforeValidator(_as_text), Field(min_length=1, max_length=200)]
SomeValues = Annotated[tuple[Value, ...], Field(min_length=1, max_length=1000), AfterValidator(_without_repeats)]
AnyValues = Annotated[tuple[Value, ...], Field(max_length=1000), AfterValidator(_without_repeats)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LogFormat(_Part):
    """How the file is written. XES can be named, and is refused by the reader with a sentence until it can be read."""

    format: Literal["csv", "tsv", "parquet", "xes"]
    compressed: Literal["none", "gzip"] = "none"

    @model_validator(mode="after")
    def _parquet_compresses_itself(self) -> Self:
        if self.format == "parquet" and self.compressed != "none":
            raise ValueError("a Parquet file compresses itself: leave 'compressed' out")
        return self


class Kind(_Part):
    """The kind of a contact. Rows of other kinds are no arrivals, but they keep their server busy."""

    column: Column
    keep: SomeValues


class Arrived(_Part):
    """When a contact asks for a server: a date column and a clock column, or one column with both (no ``date``)."""

    date: Column | None = None
    time: Column
    format: StrictStr = Field(
        max_length=100, description='strptime; with ``date``: "DATE CLOCK", split at the last space'
    )

    @model_validator(mode="after")
    def _format_reads_what_it_writes(self) -> Self:
        refused = [directive for directive in _REFUSED_DIRECTIVES if directive in self.format]
        if refused:
            raise ValueError(f"format has {', '.join(refused)}; times are local clock times in digits, without a zone")
        moment = datetime(1999, 12, 31, 23, 59, 58)
        try:
            known = datetime.strptime(moment.strftime(self.format), self.format)
        except ValueError as error:
            raise ValueError(f"format cannot be read back: {error}") from None
        if known.date() != moment.date() or (known.hour, known.minute) != (moment.hour, moment.minute):
            raise ValueError("format has to give year, month, day, hour and minute")
        if self.date is not None and "%H" not in self.clock_format:
            raise ValueError("with a date column, format is the date's, one space, the clock's")
        return self

    @property
    def date_format(self) -> str:
        """Format of the date column; only with ``date``."""
        return self.format.rpartition(" ")[0]

    @property
    def clock_format(self) -> str:
        """Format of every other time column: the clock's part with a date column, else the whole format."""
        return self.format if self.date is None else self.format.rpartition(" ")[2]


class Queued(_Part):
    """When a contact waited. ``none`` is what the log writes where there is no time; an empty cell says the same."""

    from_: Column = Field(alias="from")
    until: Column
    none: StrictStr = Field(default="", max_length=200)


class Served(_Part):
    """When and by whom a contact was served. ``nobody`` is what the log writes for no server; so is an empty cell."""

    from_: Column = Field(alias="from")
    until: Column
    by: Column
    nobody: Value = ""


class Outcome(_Part):
    """What became of a contact. A value in none of the lists sets the row aside."""

    column: Column
    answered: SomeValues
    abandoned: AnyValues = ()
    ignore: AnyValues = ()

    @model_validator(mode="after")
    def _one_meaning_each(self) -> Self:
        _without_repeats((*self.answered, *self.abandoned, *self.ignore))
        return self


class Priority(_Part):
    """Who is served earlier than their turn."""

    column: Column
    high: SomeValues


class Mapping(_Part):
    """What a log's columns are.

    Examples
    --------
    ``calibration/mappings/bank_1999.yaml`` is one.
    """

    log: LogFormat
    contact: Column
    kind: Kind
    arrived: Arrived
    queued: Queued
    served: Served
    outcome: Outcome
    priority: Priority | None = None
    open: dict[str, str] | None = Field(default=None, max_length=7, description='"sun-thu": "07:00-24:00"')

    @field_validator("open")
    @classmethod
    def _open_can_be_read(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        if value is not None:
            _opening(value)
        return value

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the mapping names, once each."""
        named = [self.contact, self.kind.column, self.arrived.time, self.queued.from_, self.queued.until]
        named += [self.served.from_, self.served.until, self.served.by, self.outcome.column]
        named += [self.arrived.date] if self.arrived.date else []
        named += [self.priority.column] if self.priority else []
        return tuple(dict.fromkeys(named))

    @property
    def opening_ms(self) -> dict[int, tuple[int, int]]:
        """Opening hours as milliseconds of the day, by weekday (0 is Monday); a day that is closed has none."""
        if self.open is None:
            return dict.fromkeys(range(7), (0, DAY_MS))
        return _opening(self.open)


def _opening(hours: dict[str, str]) -> dict[int, tuple[int, int]]:
    found: dict[int, tuple[int, int]] = {}
    for days, clock in hours.items():
        first, _, last = days.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
            raise ValueError(f"'{days}' is no range of days; allowed: mon … sun, or two of them as in 'sun-thu'")
        match = re.fullmatch(r"(\d{1,2}):([0-5]\d)-(\d{1,2}):([0-5]\d)", clock)
        from_, until = (
            ((int(match[1]) * 60 + int(match[2])) * MINUTE_MS, (int(match[3]) * 60 + int(match[4])) * MINUTE_MS)
            if match
            else (0, 0)
        )
        if not 0 <= from_ < until <= DAY_MS:
            raise ValueError(f"'{clock}' is no range within a day; allowed: as in '07:00-24:00'")
        start = WEEKDAYS.index(first)
        for step in range((WEEKDAYS.index(last or first) - start) % 7 + 1):
            if (start + step) % 7 in found:
                raise ValueError(f"{WEEKDAYS[(start + step) % 7]} stands in more than one range")
            found[(start + step) % 7] = (from_, until)
    return found


def mapping_from(data: object, *, file: str = "", lines: Lines | None = None) -> Mapping:
    """Check a mapping that was already parsed.

    Parameters
    ----------
    data : object
        What the YAML holds.
    file : str
        Named in errors.
    lines : dict, optional
        File and line of each place, from ``sim.yaml_guard.load_yaml``; what is missing has its parent's line.

    Raises
    ------
    LogError
        With the first fault that is found.
    """
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        path, known = fault["loc"], lines or {}
        line = next((known[path[:n]][1] for n in range(len(path), -1, -1) if path[:n] in known), None)
        context: dict[str, Any] = fault.get("ctx", {})
        allowed = str(context["expected"]) if fault["type"] == "literal_error" else ""
        if fault["type"] == "extra_forbidden":
            message = "is no part of a mapping"
        elif fault["type"] == "missing":
            message = "is missing"
        else:
            message = fault["msg"].removeprefix("Value error, ")
        field = ".".join(map(str, path))
        raise LogError(file=file, line=line, field=field, message=message, allowed=allowed) from None


def load_mapping(path: Path) -> Mapping:
    """Read a mapping's YAML file, as strictly as a scenario's.

    Raises
    ------
    LogError
        If the file cannot be read, is no YAML, or is no mapping.
    """
    try:
        data, lines = load_yaml(path, str(path))
    except InputError as error:
        first = error.problems[0]
        raise LogError(
            file=str(path), line=first.line or None, field=first.field, message=first.message, allowed=first.allowed
        ) from None
    return mapping_from(data, file=str(path), lines=lines)
