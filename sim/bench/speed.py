"""Contacts per second with the full trace: the engines, and other simulators on the same workload."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sim.bench.child import ask
from sim.bench.figure import CannotMeasureError, Effort, Figure, figure, missing
from sim.bench.machine import cores
from sim.bench.networks import (
    COMPILED,
    REFERENCE,
    SEED,
    contact_centre,
    contacts_of,
    records,
    require_engine,
)
from sim.bench.peers import PEERS
from sim.bench.timing import Task, interleaved, processor_seconds, ratios, wall_seconds
from sim.library import load
from sim.run import built_of, replicate
from sim.service.build import Network, build
from sim.service.tables import Arrivals
from sim.world.ordinary import ordinary

PER_S = "contacts/s"
GOALS = {
    "contact_centre_trace_over_simpy": "≥ 120 (60)",
    "contact_centre_trace_over_cimba": "≥ 12 (6)",
    "today_over_reference": "≥ 50",
    "today_contacts_per_s": "≥ 700,000",
    "two_cores_over_one": "≥ 1.8",
}


def rate(contacts: int, work: Callable[[], object]) -> Task:
    """A task that measures contacts per second of processor time."""
    return lambda: contacts / processor_seconds(work)


def engine_task(network: Network, engine: str, replications: int) -> Task:
    """Whole replications: arrivals drawn, engine built, run, full trace handed over."""
    counted = sum(contacts_of(record) for record in records(network, engine, replications))  # and warms up

    def work() -> None:
        for _ in records(network, engine, replications):
            pass

    return rate(counted, work)


def given_task(network: Network, engine: str, replications: int) -> Task:
    """The same with arrivals that were drawn before: the engine alone."""
    drawn: list[Arrivals] = []
    counted = 0
    for record in records(network, engine, replications):
        drawn.append(record.arrivals)
        counted += contacts_of(record)

    def work() -> None:
        for r, arrivals in enumerate(drawn):
            replicate(network, SEED, r, engine=engine, given=arrivals)

    return rate(counted, work)


def peer_task(name: str, days: float) -> Task:
    """A peer's model of the contact centre, in a process of its own: cimba does not run beside other uses of Numba."""
    ask("peer", name, min(days, 0.01))  # is it there, and does it run?
    return lambda: ask("peer", name, days)["contacts_per_s"]


def prepared(makers: dict[str, Callable[[], Task]]) -> tuple[dict[str, Task], dict[str, str]]:
    """Tasks that can be measured, and the reasons why others cannot."""
    tasks: dict[str, Task] = {}
    reasons: dict[str, str] = {}
    for name, make in makers.items():
        try:
            tasks[name] = make()
        except CannotMeasureError as error:
            reasons[name] = str(error)
    return tasks, reasons


def ratio_figure(
    name: str, over: str, under: str, measured: dict[str, list[float]], reasons: dict[str, str], note: str = ""
) -> Figure:
    """A ratio of two tasks, median of the ratios within each round."""
    goal = GOALS.get(name, "")
    for part in (over, under):
        if part in reasons:
            return missing(name, "ratio", reasons[part], goal=goal)
    return figure(name, ratios(measured[over], measured[under]), "ratio", goal=goal, note=note)


def rate_figure(name: str, task: str, measured: dict[str, list[float]], reasons: dict[str, str], note: str) -> Figure:
    """A task's contacts per second."""
    if task in reasons:
        return missing(name, PER_S, reasons[task], goal=GOALS.get(name, ""))
    return figure(name, measured[task], PER_S, goal=GOALS.get(name, ""), note=note)


PEER_DAYS = {"simpy": 1.0, "ciw": 0.5, "cimba": 5.0}
"""Length of a peer's run: long enough to be measured, and to forget that it began empty."""


def on_contact_centre(effort: Effort) -> list[Figure]:
    """Engines and peers on ``contact_centre.yaml``."""
    network = contact_centre(1, times=0.05 if effort.quick else 1.0)
    replications = effort.size(20, 1)
    makers: dict[str, Callable[[], Task]] = {
        "trace": lambda: engine_task(network, require_engine(COMPILED), replications),
        "given": lambda: given_task(network, require_engine(COMPILED), replications),
        "reference": lambda: engine_task(network, REFERENCE, 1),
    }
    for name in PEERS:
        days = 0.02 if effort.quick else PEER_DAYS[name]
        makers[name] = partial(peer_task, name, days)
    tasks, reasons = prepared(makers)
    measured = interleaved(tasks, effort.runs)
    prefix = "contact_centre_trace"
    figures = [
        rate_figure(f"{prefix}_contacts_per_s", "trace", measured, reasons, "with drawing arrivals"),
        rate_figure(f"{prefix}_given_contacts_per_s", "given", measured, reasons, "arrivals drawn beforehand"),
        rate_figure(f"{prefix}_reference_contacts_per_s", "reference", measured, reasons, "reference engine"),
    ]
    figures += [rate_figure(f"contact_centre_{p}_contacts_per_s", p, measured, reasons, f"{p} model") for p in PEERS]
    figures += [ratio_figure(f"{prefix}_over_{p}", "trace", p, measured, reasons) for p in (*PEERS, "reference")]
    note = "arrivals drawn beforehand"
    figures += [ratio_figure(f"{prefix}_given_over_{p}", "given", p, measured, reasons, note) for p in PEERS]
    return figures


def on_today(effort: Effort) -> list[Figure]:
    """Both engines on a rich network, that of ``today.yaml`` with the arrivals of an ordinary fortnight."""
    network = build(load("today", (), ("horizon.warm_up_days=0", f"horizon.days={effort.size(7, 1)}")).scenario)
    network = build(ordinary(built_of(network)).scenario)
    makers: dict[str, Callable[[], Task]] = {
        "compiled": lambda: engine_task(network, require_engine(COMPILED), effort.size(20, 1)),
        "given": lambda: given_task(network, require_engine(COMPILED), effort.size(20, 1)),
        "reference": lambda: engine_task(network, REFERENCE, 1),
    }
    tasks, reasons = prepared(makers)
    measured = interleaved(tasks, effort.runs)
    note = "arrivals drawn beforehand"
    return [
        rate_figure("today_contacts_per_s", "compiled", measured, reasons, "with drawing arrivals"),
        rate_figure("today_given_contacts_per_s", "given", measured, reasons, note),
        rate_figure("today_reference_contacts_per_s", "reference", measured, reasons, "reference engine"),
        ratio_figure("today_over_reference", "compiled", "reference", measured, reasons),
        ratio_figure("today_given_over_reference", "given", "reference", measured, reasons, note),
    ]


def on_two_cores(effort: Effort) -> list[Figure]:
    """Replications one after the other, and the same in two threads."""
    name, goal = "two_cores_over_one", GOALS["two_cores_over_one"]
    try:
        engine = require_engine(COMPILED)
        if cores() < 2:
            raise CannotMeasureError("this process may use one core only")
    except CannotMeasureError as error:
        return [missing(name, "ratio", str(error), goal=goal)]
    network = contact_centre(effort.size(20, 1), times=0.05 if effort.quick else 1.0)
    jobs = range(effort.size(6, 4))

    def one(replication: int) -> None:
        replicate(network, SEED, replication, engine=engine)

    def serial() -> None:
        for job in jobs:
            one(job)

    def threads() -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, jobs))

    serial()
    measured = interleaved(
        {"one": lambda: 1 / wall_seconds(serial), "two": lambda: 1 / wall_seconds(threads)}, effort.runs
    )
    note = "replications in two threads; both cores must be idle"
    return [figure(name, ratios(measured["two"], measured["one"]), "ratio", goal=goal, note=note)]
