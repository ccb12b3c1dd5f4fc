"""Days out of the ordinary that a scenario sets: weather, late goods, the system down, leaders who leave, bad news."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.fields import Model, Name, Share
from sim.fields import wrong as _wrong


class Event(Model):
    """What happens from a day on, for so many days, in one city or (none named) in all.

    ``bad_weather`` : driving takes ``driving_factor`` times as long. ``system_down`` : for ``hours`` of each day no
    order can be placed, and agents work at ``pace_factor`` (manual registration, F29, F63). ``leaders_leave`` :
    ``share`` of the leaders quit in the evening of the first day (F64). ``late_goods`` : vans leave ``hours`` later.
    ``post`` : in the evening, somebody in each community tells the group bad news, beside whoever does so anyway (F18).
    ``scandal`` : in the evening, bad news reach the whole platform (F18).
    """

    event: Literal["bad_weather", "system_down", "leaders_leave", "late_goods", "post", "scandal"]
    day: Annotated[int, Field(ge=0, le=4000)]
    days: Annotated[int, Field(ge=1, le=4000)] = 1
    city: Name | None = None
    driving_factor: Annotated[float, Field(ge=1, le=10)] | None = None
    hours: Annotated[float, Field(gt=0, le=24)] | None = None
    pace_factor: Annotated[float, Field(gt=0, le=1)] | None = None
    share: Share | None = None

    @model_validator(mode="after")
    def _complete(self) -> Event:
        needed = {
            "bad_weather": {"driving_factor"},
            "system_down": {"hours", "pace_factor"},
            "leaders_leave": {"share"},
            "late_goods": {"hours"},
            "post": set(),
            "scandal": set(),
        }[self.event]
        given = {n for n in ("driving_factor", "hours", "pace_factor", "share") if getattr(self, n) is not None}
        if given != needed:
            raise _wrong(
                f"{self.event} cannot be given by {' and '.join(sorted(given)) or 'nothing'}; "
                f"allowed: {' and '.join(sorted(needed)) or 'nothing'}"
            )
        if self.event in ("system_down", "scandal") and self.city is not None:
            raise _wrong(f"{self.event} is the whole platform's; allowed: {self.event} without a city")
        return self


Events = Annotated[list[Event], Field(max_length=1000)]
