"""A scenario and variants of it that live under the same luck: the platform's sums by day of every replication.

A variant is the scenario with settings; replication r of a variant draws what replication r of the scenario draws, so
that a difference between them is the settings' work and not the luck's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

import numpy as np

from sim.library import Loaded, load_text
from sim.measures import assert_conserved
from sim.run import replicate
from sim.scenario import Scenario
from sim.service.build import Network, build
from sim.service.day_records import DayRecords
from sim.service.tables import Float64
from sim.study.replicate import WORTH_A_PROCESS_S, expected_seconds


@dataclass(frozen=True)
class Variant:
    """A scenario changed for a question. ``days`` : length of its run. ``sets`` : settings as ``--set`` takes them.
    ``events`` : entries of ``world.events`` that are added to the scenario's own."""

    name: str
    days: int
    sets: tuple[str, ...] = ()
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Runs:
    """What came out: ``sums[name of variant][column]`` is float64 (replications, days, axes without the city).

    ``channels``, ``causes`` : names along these axes. ``columns`` : axes of each column.
    """

    replications: int
    channels: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sums: dict[str, dict[str, Float64]] = field(default_factory=dict)

    def days(self, variant: str) -> int:
        """Length of a variant's run; 0 for one that was not run."""
        return next(iter(self.sums[variant].values())).shape[1] if variant in self.sums else 0

    def total(
        self,
        variant: str,
        columns: str | Sequence[str],
        first: int,
        until: int,
        channels: Sequence[str] = (),
        causes: Sequence[str] = (),
    ) -> Float64:
        """Sum of columns over the days from ``first`` to before ``until``, float64 (replications,).

        ``channels``, ``causes`` : only these (empty: all), of columns that tell them apart. NaN where the variant has
        not run so long.
        """
        if until > self.days(variant):
            return np.full(self.replications, np.nan)
        total = np.zeros(self.replications)
        for column in (columns,) if isinstance(columns, str) else columns:
            values = self.sums[variant][column][:, first:until]
            for axis, wanted, labels in (("channel", channels, self.channels), ("cause", causes, self.causes)):
                if wanted and axis in self.axes[column]:
                    chosen = np.array([label in wanted for label in labels], dtype=np.float64)
                    shape = [-1 if one == axis else 1 for one in self.axes[column]]
                    values = values * chosen.reshape([1, 1, *shape])
            total += values.reshape(self.replications, -1).sum(axis=1)
        return total


def changed(loaded: Loaded, variant: Variant) -> Scenario:
    """The scenario of a variant. Events of the scenario that begin after the variant's end are left out.

    Raises
    ------
    InputError
        If the scenario does not have what the variant sets.
    """
    sets = [f"horizon.days={variant.days}", *variant.sets]
    own = loaded.scenario.horizon
    if own.warm_up_days >= variant.days:
        sets.append("horizon.warm_up_days=0")
    world = loaded.tree.get("world")
    given = list(world.get("events", [])) if isinstance(world, dict) else []
    events = [*(one for one in given if one.get("day", 0) < variant.days), *variant.events]
    if events != given:
        sets.append(f"world.events={json.dumps([dict(one) for one in events])}")
    return load_text(loaded.text, (), sets, file_name=f"{loaded.scenario.name}.yaml").scenario


def run_paired(
    scenarios: Mapping[str, Scenario],
    columns: Sequence[str],
    *,
    engine: str,
    seed: int,
    replications: int,
    workers: int,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Runs, bool]:
    """Run all replications of all variants.

    Parameters
    ----------
    scenarios : by name of the variant.
    columns : of the day records (``sim.world.columns``) to keep; summed over cities.
    advance : called once per finished run.

    Returns
    -------
    Runs, and whether it was interrupted. Interrupted, the replications that all variants have finished are kept.
    """
    done: dict[tuple[str, int], dict[str, Float64]] = {}
    interrupted = False
    longest_first = sorted(scenarios, key=lambda name: -scenarios[name].horizon.days)
    jobs = [(name, r) for r in range(replications) for name in longest_first]
    try:
        for job, sums in _finished(scenarios, _Task(tuple(columns), engine, seed), jobs, workers):
            done[job] = sums
            advance()
    except KeyboardInterrupt:
        interrupted = True
    whole = [r for r in range(replications) if all((name, r) in done for name in scenarios)]
    return _gathered(scenarios, columns, done, whole), interrupted


def _gathered(
    scenarios: Mapping[str, Scenario],
    columns: Sequence[str],
    done: Mapping[tuple[str, int], dict[str, Float64]],
    whole: Sequence[int],
) -> Runs:
    from sim.service.topics import CAUSES
    from sim.world.columns import COLUMNS
    from sim.world.flows import CHANNELS

    runs = Runs(len(whole), CHANNELS, CAUSES)
    runs.axes = {name: tuple(axis for axis in COLUMNS[name].axes if axis != "city") for name in columns}
    if whole:
        runs.sums = {
            name: {column: np.stack([done[name, r][column] for r in whole]) for column in columns} for name in scenarios
        }
    return runs


# ── one run, here or in another process ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Task:
    """What every run does: columns to hand over, engine, seed."""

    columns: tuple[str, ...]
    engine: str
    seed: int

    def run(self, network: Network, replication: int) -> dict[str, Float64]:
        """One replication, checked for losses: its sums by day, over all cities."""
        record = replicate(network, self.seed, replication, engine=self.engine, keep_trace=False)
        assert_conserved(record)
        assert record.days is not None
        return {name: _over_cities(record.days, name) for name in self.columns}


def _over_cities(records: DayRecords, name: str) -> Float64:
    values, axes = records.values[name], records.columns[name].axes
    return values.sum(axis=1 + axes.index("city")) if "city" in axes else values


_scenarios: Mapping[str, Scenario] = {}
_networks: dict[str, Network] = {}
_task: _Task | None = None


def _prepare(scenarios: Mapping[str, Scenario], task: _Task) -> None:
    """Tell a worker process what there is to run."""
    global _scenarios, _task
    os.nice(5)
    _scenarios, _task = scenarios, task


def _job(name: str, replication: int) -> dict[str, Float64]:
    assert _task is not None
    if name not in _networks:
        _networks[name] = build(_scenarios[name])
    return _task.run(_networks[name], replication)


def _finished(
    scenarios: Mapping[str, Scenario], task: _Task, jobs: Sequence[tuple[str, int]], workers: int
) -> Iterator[tuple[tuple[str, int], dict[str, Float64]]]:
    """Runs as they finish."""
    workers = min(workers, len(jobs))
    networks: dict[str, Network] = {}
    if workers > 1:
        one_each = sum(expected_seconds(build(scenario), task.engine) for scenario in scenarios.values())
        if one_each * len(jobs) / len(scenarios) < WORTH_A_PROCESS_S:
            workers = 1
    if workers <= 1:
        for name, replication in jobs:
            network = networks.setdefault(name, networks.get(name) or build(scenarios[name]))
            yield (name, replication), task.run(network, replication)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (dict(scenarios), task))
    try:
        waiting: dict[Future[dict[str, Float64]], tuple[str, int]] = {pool.submit(_job, *job): job for job in jobs}
        while waiting:
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                yield waiting.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
