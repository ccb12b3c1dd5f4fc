"""Words that every part of a scenario is made of: the base model, names, shares, spans of the day, weekdays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

MS = {"s": 1_000, "min": 60_000, "h": 3_600_000}
"""Milliseconds in each unit that a field's name may end with."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
NotNegative = Annotated[float, Field(ge=0, le=1e12)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _minute_of(text: str, latest: int) -> int | None:
    hour, colon, minute = text.partition(":")
    digits = text.isascii() and hour.isdigit() and minute.isdigit()
    if colon and digits and len(hour) <= 2 and len(minute) == 2 and int(minute) < 60:
        minutes = int(hour) * 60 + int(minute)
        return minutes if minutes <= latest else None
    return None


def span_minutes(text: str) -> tuple[int, int]:
    """Minutes from midnight of a span ``HH:MM-HH:MM``; an end at or before the start lies on the next day."""
    start, _, end = text.partition("-")
    first, last = _minute_of(start, 1439), _minute_of(end, 1440)
    if first is None or last is None:
        raise PydanticCustomError("span", "'{text}' is no span of the day; allowed: HH:MM-HH:MM", {"text": text})
    return first, last if last > first else last + 1440


def clock_minutes(text: str) -> int:
    """Minutes from midnight of a time ``HH:MM``."""
    minutes = _minute_of(text, 1439)
    if minutes is None:
        raise PydanticCustomError("clock", "'{text}' is no time of the day; allowed: HH:MM", {"text": text})
    return minutes


def weekdays(text: str) -> tuple[int, ...]:
    """Numbers (Monday 0) of a weekday ``mon`` or a range of them ``mon-fri`` (which may run over Sunday)."""
    first, dash, last = text.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise PydanticCustomError(
            "weekdays", "'{text}' is no weekday or range; allowed: mon … sun, mon-fri", {"text": text}
        )
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple((start + i) % 7 for i in range((end - start) % 7 + 1))


def _check(function: Callable[[str], object]) -> AfterValidator:
    def keep(text: str) -> str:
        function(text)
        return text

    return AfterValidator(keep)


Span = Annotated[str, _check(span_minutes)]
ClockTime = Annotated[str, _check(clock_minutes)]
Days = Annotated[str, _check(weekdays)]
WeekSpans = dict[Days, list[Span]]
"""Spans of the day by weekday or range of weekdays; a weekday that is not named has none."""


class Model(BaseModel):
    """Base of all parts of a scenario: frozen, no unknown keys, no numbers written as text, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_max_length=4000)

    def time_ms(self, base: str) -> float | None:
        """Value in ms of the field ``base`` in whichever unit it is given, or None."""
        for unit, ms in MS.items():
            value = getattr(self, f"{base}_{unit}", None)
            if value is not None:
                return float(value * ms)
        return None

    def given(self, *bases: str) -> list[str]:
        """Names of the fields of these bases (with any unit) that are given."""
        names = [f"{base}_{unit}" for base in bases for unit in MS]
        return [name for name in names if getattr(self, name, None) is not None]


def wrong(message: str) -> PydanticCustomError:
    """An error that says what is wrong and what is allowed."""
    return PydanticCustomError("scenario", message)
