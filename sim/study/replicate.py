"""Independent replications of one scenario, in this process or in several, and the figures that come out.

The answer is the same for any number of workers: a replication is a function of scenario, seed and its number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context

from sim.measures import Key, assert_conserved, figures, figures_by, relative_half_width
from sim.measures.view import View
from sim.run import replicate
from sim.scenario import Scenario
from sim.service.build import Network, build
from sim.service.record import Record

FIRST_LOOK = 5
"""Replications before a sequential run judges its precision: below, the variance itself is hardly known."""


WORTH_A_PROCESS_S = 4.0
"""Expected work below which more processes cost more than they save: each one takes seconds to import and build."""

SECONDS_PER_ITEM = {"compiled": 3e-6, "reference": 50e-6}
"""Rough cost of an item with its figures; decides only where it is computed, never what comes out."""


@dataclass(frozen=True)
class Plan:
    """What every replication does: engine, seed, breakdowns, and where its trace goes (nowhere if empty)."""

    engine: str
    seed: int
    by: tuple[str, ...] = ()
    trace_folder: str = ""


@dataclass(frozen=True)
class Outcome:
    """Figures of one replication, whole and broken down."""

    replication: int
    figures: dict[str, float]
    by: dict[str, dict[Key, dict[str, float]]] = field(default_factory=dict)


MOST_ITEMS_KEPT = 2_000_000
"""Items from outside up to which a replication of a world keeps its rows. A longer one needs no more memory than a day
of it: its figures are those that the days' sums give."""


def expected_items(network: Network) -> float:
    """About how many items come from outside in a replication."""
    per_day = sum(source.expected_per_day for source in network.sources)
    if network.scenario.world is not None:
        from sim.world.ordinary import about_items_per_day

        per_day += about_items_per_day(network.scenario.world)
    return per_day * network.scenario.horizon.days


def expected_seconds(network: Network, engine: str) -> float:
    """About how long a replication takes, from the number of items that are expected from outside."""
    return expected_items(network) * SECONDS_PER_ITEM[engine]


def keeps_trace(network: Network) -> bool:
    """Whether the figures of a replication come from its rows, or from the sums of its days alone."""
    return network.scenario.world is None or expected_items(network) <= MOST_ITEMS_KEPT


def one(network: Network, plan: Plan, replication: int, on_day: Callable[[int], None] | None = None) -> Outcome:
    """Run one replication, check that nothing was lost in it, and take its figures."""
    keep = keeps_trace(network)
    if not plan.trace_folder:
        record = replicate(network, plan.seed, replication, engine=plan.engine, on_day=on_day, keep_trace=keep)
    else:
        from sim.service.parquet import TraceParts

        parts = TraceParts(plan.trace_folder, replication)
        record = replicate(
            network, plan.seed, replication, engine=plan.engine, on_day=on_day, on_trace=parts.add, keep_trace=keep
        )
        parts.close()
    assert_conserved(record)
    return outcome(record, plan.by)


def outcome(record: Record, by: Sequence[str] = ()) -> Outcome:
    """Figures of a record."""
    view = View(record)
    broken_down = {name: figures_by(record, name, view=view) for name in by}
    return Outcome(record.replication, figures(record, view=view), broken_down)


_network: Network | None = None
_plan: Plan | None = None


def _prepare(scenario: Scenario, plan: Plan) -> None:
    """Build the network once per worker process."""
    global _network, _plan
    os.nice(5)
    _network, _plan = build(scenario), plan


def _job(replication: int) -> Outcome:
    assert _network is not None
    assert _plan is not None
    return one(_network, _plan, replication)


def outcomes(
    network: Network, plan: Plan, replications: range, workers: int, on_day: Callable[[int], None] | None = None
) -> Iterator[Outcome]:
    """Replications as they finish (in any order when there are several workers).

    Closing the iterator early abandons what has not started.
    """
    workers = min(workers, len(replications))
    if workers <= 1 or expected_seconds(network, plan.engine) * len(replications) < WORTH_A_PROCESS_S:
        for replication in replications:
            yield one(network, plan, replication, on_day)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (network.scenario, plan))
    try:
        waiting: set[Future[Outcome]] = {pool.submit(_job, replication) for replication in replications}
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def until_precise(
    network: Network, plan: Plan, most: int, workers: int, measure: str, precision: float
) -> Iterator[Outcome]:
    """Replications until the relative half-width of a measure is small enough, at most ``most``.

    Rounds have fixed sizes and a whole round is judged at a time, so that the answer does not depend on the workers.
    """
    finished: list[Outcome] = []
    while len(finished) < most:
        count = FIRST_LOOK if not finished else max(len(finished) // 2, 1)
        block = range(len(finished), min(len(finished) + count, most))
        for result in outcomes(network, plan, block, workers):
            finished.append(result)
            yield result
        in_order = [o.figures for o in sorted(finished, key=lambda o: o.replication)]
        if relative_half_width(in_order, measure) <= precision:
            return
