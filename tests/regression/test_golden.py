"""Exact values of shipped scenarios: whatever changes them has to be meant, and said in CHANGELOG.md.

To renew after a change that is meant: ``python tests/regression/test_golden.py``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import pytest

from sim.library import load
from sim.measures import assert_conserved, figures
from sim.run import ENGINES, replicate
from sim.service.build import build

GOLDEN = Path(__file__).with_name("golden.json")
DAYS = {"today": 2, "plan": 2, "contact_centre": 1, "multi_skill": 1, "priorities": 2, "jackson": 2}
FIGURES = ("offered", "abandoned_share", "wait_mean_s", "first_response_mean_min", "occupancy_share", "backlog_end")


def outcome(name: str, engine: str) -> dict[str, object]:
    """Hash of the trace and some figures of one replication."""
    loaded = load(name, sets=["horizon.warm_up_days=0", f"horizon.days={DAYS[name]}"])
    record = replicate(build(loaded.scenario), seed=20_26, replication=3, engine=engine)
    assert_conserved(record)
    digest = hashlib.sha256()
    for part in (record.trace, record.open_rows):
        for block in (getattr(part, f.name) for f in fields(part)):
            for column in fields(block):
                digest.update(getattr(block, column.name).tobytes())
    return {"trace": digest.hexdigest()[:16], **{k: v for k, v in figures(record, FIGURES).items() if v == v}}


@pytest.mark.regression
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DAYS)
def test_a_shipped_scenario_still_gives_the_same_trace_and_figures(name: str, engine: str) -> None:
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))[name]
    found = outcome(name, engine)
    assert found["trace"] == expected.pop("trace")
    for figure, value in expected.items():
        assert found[figure] == pytest.approx(value, rel=1e-9), figure


if __name__ == "__main__":
    renewed = {name: outcome(name, ENGINES[-1]) for name in DAYS}
    GOLDEN.write_text(json.dumps(renewed, indent=1) + "\n", encoding="utf-8")
