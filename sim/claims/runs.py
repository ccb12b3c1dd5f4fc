"""Runs that claims need: scenarios and their baseline under the same luck, as they are and under drawn assumptions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context

from sim.claims.assumptions import drawn
from sim.claims.judge import BEFORE_DAYS, Claims, Runs, claims_of
from sim.claims.promises import FACTS, TRADE_GROWTH
from sim.claims.values import days_of, seen
from sim.library import Loaded, load_text
from sim.measures import assert_conserved
from sim.problems import InputError, Problem, listed
from sim.progress import progress
from sim.run import replicate
from sim.service.build import Network
from sim.session import Result, build_loaded
from sim.study.replicate import WORTH_A_PROCESS_S, Outcome, Plan, expected_seconds, keeps_trace
from sim.world.geography import geography

OWN, BEFORE, NOTHING = "own", "before", "doing nothing"

DEFAULT_REPLICATIONS = 10


@dataclass(frozen=True)
class Task:
    """What every run does. ``by`` : breakdowns to keep besides those of the claims. ``everything`` : all figures of the
    whole, or only those that claims are about."""

    engine: str
    seed: int
    by: tuple[str, ...] = ()
    everything: bool = False

    def run(self, network: Network, replication: int) -> Outcome:
        """One replication, checked for losses."""
        keep = keeps_trace(network)
        record = replicate(network, self.seed, replication, engine=self.engine, keep_trace=keep)
        assert_conserved(record)
        return seen(record, self.by, everything=self.everything)


@dataclass(frozen=True)
class Job:
    """A replication of some scenarios: as they are, or all under one draw of the assumptions."""

    scenarios: tuple[str, ...]
    replication: int
    under_draw: bool = False


def watch(
    loadeds: Sequence[Loaded],
    *,
    engine: str,
    seed: int = 1,
    replications: int = DEFAULT_REPLICATIONS,
    workers: int = 1,
    by: tuple[str, ...] = (),
) -> list[Result]:
    """Run scenarios and keep, beside all figures and the breakdowns asked for, what claims are judged by."""
    task = Task(engine, seed, by, everything=True)
    named = {f"{OWN} {i}": loaded for i, loaded in enumerate(loadeds)}
    jobs = [Job((name,), r) for r in range(replications) for name in named]
    with progress(" and ".join(loaded.scenario.name for loaded in loadeds), len(jobs)) as advance:
        done, interrupted = _gathered(named, task, jobs, workers, advance)
    return [_result(loaded, task, done.get((name, False), []), interrupted) for name, loaded in named.items()]


def hold(
    loadeds: Sequence[Loaded],
    baseline: Loaded,
    *,
    engine: str,
    seed: int = 1,
    replications: int = DEFAULT_REPLICATIONS,
    draws: int = 0,
    workers: int = 1,
    trade_growth: float = TRADE_GROWTH,
    facts: Sequence[str] = (),
) -> tuple[Claims, ...]:
    """Hold the plan's claims against scenarios.

    Parameters
    ----------
    loadeds : scenarios, each with a world as large as the baseline's, all over the same days.
    baseline : today's service.
    replications : of each scenario and of the baseline.
    draws : so many draws of all assumptions, one replication of each scenario and of the baseline under each.
    trade_growth, facts : see ``claims_of``.

    Raises
    ------
    InputError
        If a scenario has no world, or cannot be compared with the baseline, or a fact is no claim.
    """
    if unknown := [fact for fact in facts if fact not in FACTS]:
        raise InputError([Problem(("--facts",), f"'{unknown[0]}' is no claim of the plan", listed(FACTS))])
    names = _named(loadeds, baseline)
    task = Task(engine, seed)
    everything = tuple(names)
    jobs = [Job((name,), r) for r in range(replications) for name in everything]
    jobs += [Job(everything, draw, under_draw=True) for draw in range(draws)]
    with progress("claims", len(jobs)) as advance:
        done, interrupted = _gathered(names, task, jobs, workers, advance)

    def result(name: str) -> Result:
        return _result(names[name], task, done.get((name, False), []), interrupted)

    def under_draws(name: str) -> Runs | None:
        if not draws:
            return None
        found = {one: tuple(done.get((one, True), [])) for one in (name, BEFORE, NOTHING) if one in names}
        return Runs(found[name], found.get(BEFORE, found[NOTHING]), found[NOTHING])

    own = [name for name in names if name.startswith(OWN)]
    return tuple(
        claims_of(
            result(NOTHING),
            result(name),
            before=result(BEFORE) if BEFORE in names else None,
            drawn=under_draws(name),
            trade_growth=trade_growth,
            facts=facts,
        )
        for name in own
    )


def _named(loadeds: Sequence[Loaded], baseline: Loaded) -> dict[str, Loaded]:
    """Everything that is run, by a name of its own; the baseline over the scenarios' days, and its beginning if that is
    shorter."""
    horizon = loadeds[0].scenario.horizon
    for loaded in (*loadeds, baseline):
        if loaded.scenario.world is None:
            raise InputError(
                [loaded.problem(("world",), "there is no world to judge", "a scenario with a section 'world'")]
            )
    sets = [f"horizon.days={horizon.days}", f"horizon.warm_up_days={horizon.warm_up_days}"]
    nothing = baseline
    if baseline.scenario.horizon != horizon:
        nothing = _with(baseline, *sets)
    for loaded in loadeds:
        _check_fits(loaded, nothing)
    days = days_of(nothing.scenario)
    named = {f"{OWN} {i}": loaded for i, loaded in enumerate(loadeds)} | {NOTHING: nothing}
    if days.number > BEFORE_DAYS:
        named[BEFORE] = _with(nothing, f"horizon.days={days.first + BEFORE_DAYS}")
    return named


def _with(loaded: Loaded, *sets: str) -> Loaded:
    return load_text(loaded.text, (), sets, file_name=f"{loaded.scenario.name}.yaml")


def _check_fits(loaded: Loaded, baseline: Loaded) -> None:
    own, other = loaded.scenario, baseline.scenario
    if own.horizon.days != other.horizon.days or own.horizon.warm_up_days != other.horizon.warm_up_days:
        message = f"'{own.name}' runs for {own.horizon.days} days, others for {other.horizon.days}"
        raise InputError([loaded.problem(("horizon", "days"), message, "the same days and warm-up, such as by --days")])
    users, others = _users(loaded), _users(baseline)
    if users != others:
        message = f"'{own.name}' has {users:,} users at the start and the baseline '{other.name}' {others:,}"
        raise InputError([loaded.problem(("world", "places"), message, "a --baseline of the same size")])


def _users(loaded: Loaded) -> int:
    assert loaded.scenario.world is not None
    return int(geography(loaded.scenario.world.places).users.sum())


def _result(loaded: Loaded, task: Task, outcomes: Sequence[Outcome], interrupted: bool) -> Result:
    in_order = tuple(sorted(outcomes, key=lambda o: o.replication))
    return Result(loaded, Plan(task.engine, task.seed, task.by), in_order, interrupted)


# ── one job, here or in another process ──────────────────────────────────────────────────────────────────────────


_loadeds: Mapping[str, Loaded] = {}
_networks: dict[str, Network] = {}
_task: Task | None = None


def _prepare(loadeds: Mapping[str, Loaded], task: Task) -> None:
    """Tell a worker process what there is to run."""
    global _loadeds, _task
    os.nice(5)
    _loadeds, _task = loadeds, task


def _job(job: Job) -> dict[str, Outcome]:
    assert _task is not None
    return _run(job, _loadeds, _task, _networks)


def _run(job: Job, loadeds: Mapping[str, Loaded], task: Task, networks: dict[str, Network]) -> dict[str, Outcome]:
    """Run a job; networks of scenarios as they are are built once and kept."""
    if job.under_draw:
        made = drawn({name: loadeds[name] for name in job.scenarios}, task.seed, job.replication)
        return {name: task.run(build_loaded(loaded), job.replication) for name, loaded in made.items()}
    for name in job.scenarios:
        if name not in networks:
            networks[name] = build_loaded(loadeds[name])
    return {name: task.run(networks[name], job.replication) for name in job.scenarios}


Gathered = dict[tuple[str, bool], list[Outcome]]
"""Outcomes by name, and by whether they are under a draw."""


def _gathered(
    loadeds: Mapping[str, Loaded], task: Task, jobs: Sequence[Job], workers: int, advance: Callable[[], None]
) -> tuple[Gathered, bool]:
    """Outcomes of all jobs; interrupted, of those that have finished."""
    done: Gathered = {}
    try:
        for job, found in _finished(loadeds, task, jobs, workers):
            for name, outcome in found.items():
                done.setdefault((name, job.under_draw), []).append(outcome)
            advance()
    except KeyboardInterrupt:
        return done, True
    return done, False


def _finished(
    loadeds: Mapping[str, Loaded], task: Task, jobs: Sequence[Job], workers: int
) -> Iterator[tuple[Job, dict[str, Outcome]]]:
    """Jobs as they finish."""
    networks = {name: build_loaded(loaded) for name, loaded in loadeds.items()}
    seconds = {name: expected_seconds(network, task.engine) for name, network in networks.items()}
    work = sum(seconds[name] for job in jobs for name in job.scenarios)
    workers = min(workers, len(jobs))
    if workers <= 1 or work < WORTH_A_PROCESS_S:
        for job in jobs:
            yield job, _run(job, loadeds, task, networks)
        return
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (dict(loadeds), task))
    try:
        waiting: dict[Future[dict[str, Outcome]], Job] = {pool.submit(_job, job): job for job in jobs}
        while waiting:
            finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                yield waiting.pop(future), future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
