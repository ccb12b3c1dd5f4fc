"""What the app says, in English and Simplified Chinese: texts by key, and numbers as people read them."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "text"
LANGUAGES = {"en": "English", "zh": "中文"}
DEFAULT = "en"

SMALL = ("point", "per_thousand", "yuan")
"""Units of numbers that are small and told with two decimals."""

NONE = "–"
"""Stands for a number that is not there."""


@dataclass(frozen=True)
class Words:
    """The texts of one language."""

    language: str
    entries: dict[str, str]

    def __call__(self, key: str, **fields: object) -> str:
        """The text of a key, its {fields} filled in."""
        return self.entries[key].format(**fields) if fields else self.entries[key]

    def number(self, value: float, unit: str, digits: int | None = None) -> str:
        """A number without its unit: shares in per cent, minutes with one decimal, – where there is none.

        Money of a month is told in the language's own large unit (``scale``).
        """
        if not math.isfinite(value):
            return NONE
        if unit == "share":
            value *= 100
        if f"scale.{unit}" in self.entries:
            value /= float(self.entries[f"scale.{unit}"])
        if digits is None:
            digits = 0 if unit == "1" or abs(value) >= 99.95 else 2 if unit in SMALL and abs(value) < 9.995 else 1
        text = f"{value:,.{digits}f}"
        return text.replace("-", "−") if float(text.replace(",", "")) else text.lstrip("-")

    def amount(self, value: float, unit: str, digits: int | None = None) -> str:
        """A number with its unit."""
        return self(f"unit.{unit}", value=self.number(value, unit, digits))

    def listed(self, parts: list[str]) -> str:
        """Parts as one enumeration."""
        if len(parts) < 2:
            return "".join(parts)
        return self("list.comma").join(parts[:-1]) + self("list.and") + parts[-1]


@functools.cache
def words(language: str) -> Words:
    """Texts of a language; of ``DEFAULT`` where there is no such language."""
    language = language if language in LANGUAGES else DEFAULT
    tree = yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return Words(language, dict(_flat(tree, "")))


def _flat(tree: dict[str, Any], before: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in tree.items():
        rows += _flat(value, f"{before}{key}.") if isinstance(value, dict) else [(f"{before}{key}", str(value))]
    return rows
