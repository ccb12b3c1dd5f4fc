"""Replications of a run: what is told while they go on, how they are ended, and what they keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import sim.session
from sim.library import load
from sim.progress import Advance
from sim.run import replicate
from sim.service.build import Network, build
from sim.service.tables import rows_of
from sim.session import Session
from sim.study import replicate as study
from sim.study.replicate import AbandonedError, Plan


def network(days: int, name: str = "erlang_c") -> Network:
    return build(load(name, (), ("horizon.warm_up_days=0", f"horizon.days={days}")).scenario)


class StopsAfter:
    """An event that is set from the so-manieth question on."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_replication_that_nobody_waits_for_ends_with_the_day_it_simulates(monkeypatch: pytest.MonkeyPatch) -> None:
    lived: list[int] = []

    def one(_: Network, plan: Plan, replication: int, on_day: Callable[[int], None]) -> None:
        for day in range(100):
            lived.append(day)
            on_day(day)

    monkeypatch.setattr(study, "_plan", Plan("compiled", 1))
    monkeypatch.setattr(study, "_networks", {"a": network(1)})
    monkeypatch.setattr(study, "_stop", StopsAfter(3))
    monkeypatch.setattr(study, "one", one)
    with pytest.raises(AbandonedError):
        study._job("a", 0)
    assert lived == [0, 1, 2]


def test_a_replication_that_waits_in_a_worker_does_not_begin_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "_plan", Plan("compiled", 1))
    monkeypatch.setattr(study, "_stop", StopsAfter(0))
    with pytest.raises(AbandonedError):
        study._job("not even built", 0)


def test_progress_is_told_day_by_day_and_ends_where_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    totals: list[int] = []

    @contextmanager
    def watched(_: str, total: int) -> Iterator[Advance]:
        totals.append(total)
        yield lambda pieces=1: told.append(pieces)

    monkeypatch.setattr(sim.session, "progress", watched)
    loaded = load("erlang_c", (), ("horizon.warm_up_days=0", "horizon.days=2"))
    Session(loaded, "compiled", seed=1, workers=1).run(3, None, "")
    assert totals == [6]
    assert sum(told) == 6
    assert told.count(1) == 6


def test_a_run_of_the_world_without_its_trace_keeps_no_row_and_the_same_sums() -> None:
    kept, not_kept = (replicate(network(3, "today_pilot"), 1, 0, keep_trace=keep) for keep in (True, False))
    assert rows_of(kept.trace.items) > 0
    for block in (not_kept.trace.items, not_kept.trace.visits, not_kept.open_rows.items, not_kept.arrivals):
        assert rows_of(block) == 0
    assert kept.days is not None
    assert not_kept.days is not None
    assert kept.days.values.keys() == not_kept.days.values.keys()
    assert all(np.array_equal(kept.days.values[name], not_kept.days.values[name]) for name in kept.days.values)
