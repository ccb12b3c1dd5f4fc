"""The view in the address: codes and numbers, no words, so that a link reads the same in either language.

Whatever an address says is a stranger's text. What is not a known code with a value in its range is left out and
counted, never repeated.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from app.components.levers import LEVERS, SCENARIOS
from app.components.words import LANGUAGES

OPENING = {"u": 1500.0}
"""The question that an address without any asks: the plan, with the ratio that service is assumed to have today."""

_NUMBER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
_OWNER = re.compile(r"[A-Za-z0-9_-]{12,32}")
MOST_PARAMETERS = 50


@dataclass(frozen=True)
class Address:
    """What an address asks for. ``language`` : empty when it does not say; ``ignored`` : parts that made no sense."""

    scenario: str = SCENARIOS[0]
    moved: Mapping[str, float] = field(default_factory=dict)
    language: str = ""
    owner: str = ""
    ignored: int = 0


def read(parameters: Mapping[str, list[str]]) -> Address:
    """Understand an address's parameters."""
    levers = {lever.code: lever for lever in LEVERS}
    scenario, language, owner, ignored = "", "", "", 0
    moved: dict[str, float] = {}
    for code, values in list(parameters.items())[:MOST_PARAMETERS]:
        value = values[-1] if len(values) == 1 else ""
        if code == "s" and value in SCENARIOS:
            scenario = value
        elif code == "lang" and value in LANGUAGES:
            language = value
        elif code == "id" and _OWNER.fullmatch(value):
            owner = value
        elif code in levers and _NUMBER.fullmatch(value) and levers[code].low <= float(value) <= levers[code].high:
            moved[code] = levers[code].snapped(float(value))
        else:
            ignored += 1
    ignored += max(0, len(parameters) - MOST_PARAMETERS)
    if not scenario and not moved:
        moved = dict(OPENING)
    return Address(scenario or SCENARIOS[0], moved, language, owner, ignored)


def written(scenario: str, moved: Mapping[str, float], language: str, owner: str = "") -> dict[str, str]:
    """Parameters that ``read`` understands as this view; without an owner they are fit to be shared."""
    numbers = {lever.code: f"{moved[lever.code]:g}" for lever in LEVERS if lever.code in moved}
    return {"s": scenario, **numbers, "lang": language} | ({"id": owner} if owner else {})


def link(base: str, scenario: str, moved: Mapping[str, float], language: str) -> str:
    """A link that reproduces the view for anybody."""
    return f"{base.split('?')[0].split('#')[0].rstrip('/')}/?{urlencode(written(scenario, moved, language))}"


def new_owner() -> str:
    """A name for whoever opens the page: it says nothing about them."""
    return secrets.token_urlsafe(12)
