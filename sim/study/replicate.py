"""Independent replications of scenarios, in this process or in several, and the figures that come out.

The answer is the same for any number of workers: a replication is a function of scenario, seed and its number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Event

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


Job = tuple[str, int]
"""Name of a network, and the number of a replication."""

_scenarios: Mapping[str, Scenario] = {}
_networks: dict[str, Network] = {}
_plan: Plan | None = None
_stop: Event | None = None


class AbandonedError(Exception):
    """Nobody waits for this replication any more."""


def _prepare(scenarios: Mapping[str, Scenario], plan: Plan, stop: Event) -> None:
    """Tell a worker process what there is to run. An interrupt from the keyboard is its parent's business, which then
    says stop."""
    global _scenarios, _plan, _stop
    os.nice(5)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _scenarios, _plan, _stop = scenarios, plan, stop


def _still_wanted(_: int = 0) -> None:
    if _stop is not None and _stop.is_set():
        raise AbandonedError


def _job(name: str, replication: int) -> Outcome:
    """Run a replication; each network is built once per worker process."""
    assert _plan is not None
    _still_wanted()
    if name not in _networks:
        _networks[name] = build(_scenarios[name])
    return one(_networks[name], _plan, replication, _still_wanted)


def outcomes_of(
    networks: Mapping[str, Network],
    plan: Plan,
    jobs: Sequence[Job],
    workers: int,
    on_day: Callable[[int], None] | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Replications of several networks as they finish (in any order when there are several workers), each with the
    name of its network.

    Closing the iterator early abandons what is not finished: a long replication ends with the day that it simulates.
    """
    workers = min(workers, len(jobs))
    seconds = {name: expected_seconds(network, plan.engine) for name, network in networks.items()}
    if workers <= 1 or sum(seconds[name] for name, _ in jobs) < WORTH_A_PROCESS_S:
        for name, replication in jobs:
            yield name, one(networks[name], plan, replication, on_day)
        return
    scenarios = {name: network.scenario for name, network in networks.items()}
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(workers, context, _prepare, (scenarios, plan, stop))
    try:
        waiting: dict[Future[Outcome], str] = {pool.submit(_job, *job): job[0] for job in jobs}
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield waiting.pop(future), future.result()
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def outcomes(
    network: Network, plan: Plan, replications: range, workers: int, on_day: Callable[[int], None] | None = None
) -> Iterator[Outcome]:
    """Replications of one network as they finish; otherwise as ``outcomes_of``."""
    name = network.scenario.name
    for _, found in outcomes_of({name: network}, plan, [(name, r) for r in replications], workers, on_day):
        yield found


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
