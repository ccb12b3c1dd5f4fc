"""Logs for the tests of calibration: small ones written by hand, and the one that ships with the project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calibration.generated import EXAMPLE_LOG, EXAMPLE_MAPPING, GeneratedLog, generate
from calibration.logs import ContactLog, read_log
from calibration.mapping import Mapping, load_mapping

MAPPING: dict[str, Any] = {
    "log": {"format": "tsv"},
    "contact": "id",
    "kind": {"column": "topic", "keep": ["red", "blue"]},
    "arrived": {"date": "on", "time": "at", "format": "%Y-%m-%d %H:%M:%S"},
    "queued": {"from": "hold", "until": "released", "none": "0:00:00"},
    "served": {"from": "start", "until": "end", "by": "who", "nobody": "NOBODY"},
    "outcome": {"column": "result", "answered": ["done"], "abandoned": ["left"], "ignore": ["test"]},
    "priority": {"column": "level", "high": [2]},
    "open": {"mon-fri": "08:00-20:00", "sat": "10:00-12:00"},
}
# Answered after a wait of ten seconds, on a Monday.
GOOD_ROW = {
    "id": "7",
    "topic": "red",
    "on": "2024-01-01",
    "at": "9:00:00",
    "hold": "9:00:00",
    "released": "9:00:10",
    "start": "9:00:10",
    "end": "9:02:00",
    "who": "Ann",
    "result": "done",
    "level": "1",
}


@pytest.fixture
def mapping() -> Mapping:
    return Mapping.model_validate(MAPPING)


@pytest.fixture
def mapping_data() -> dict[str, Any]:
    return {name: dict(part) if isinstance(part, dict) else part for name, part in MAPPING.items()}


@pytest.fixture
def write_rows(tmp_path: Path) -> Callable[..., Path]:
    """Write rows that differ from a good one in the cells that are given."""

    def write(*rows: dict[str, str], name: str = "log.tsv") -> Path:
        path = tmp_path / name
        lines = ["\t".join(GOOD_ROW), *("\t".join({**GOOD_ROW, **row}.values()) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def example_mapping() -> Mapping:
    return load_mapping(EXAMPLE_MAPPING)


@pytest.fixture(scope="session")
def example_truth(example_mapping: Mapping) -> GeneratedLog:
    return generate(example_mapping)


@pytest.fixture(scope="session")
def example_log(example_mapping: Mapping) -> ContactLog:
    return read_log(EXAMPLE_LOG, example_mapping)
