"""How long the world takes: a year of the nation, four weeks of a city, each with its figures by day."""

from __future__ import annotations

import time
from statistics import median

from sim.bench.child import ask
from sim.bench.figure import CannotMeasureError, Effort, Figure, Section, figure, missing
from sim.bench.networks import COMPILED, SEED, require_engine
from sim.library import load
from sim.measures import assert_conserved
from sim.run import replicate
from sim.service.build import Network, build
from sim.service.record import Record
from sim.study.replicate import keeps_trace, outcome

NATION, CITY = "today_nation", "today"
YEAR_DAYS, MONTH_DAYS = 365, 28
YEAR_RUNS = 3
"""A year is measured so many times at most: each takes half a minute."""

PARTS = {
    "world": "mornings and evenings, the start of the replication among them",
    "service": "the engine",
    "figures": "the record's check, figures of the whole and by day",
}
GOALS = {"national_year_s": "≤ 60", "national_year_gib": "≤ 2", "city_month_s": "≤ 0.5"}
SECONDS, GIB, SHARE = "s", "GiB", "share"


def shipped(name: str, days: int) -> Network:
    """A shipped scenario, built for so many days."""
    return build(load(name, (), ("horizon.warm_up_days=0", f"horizon.days={days}")).scenario)


def spent(network: Network, replication: int) -> dict[str, float]:
    """Processor seconds of one replication by part (``PARTS``), and the contacts that arrived in it."""
    seconds = dict.fromkeys(PARTS, 0.0)
    part, since = "world", time.process_time()

    def begins(next_part: str) -> None:
        nonlocal part, since
        now = time.process_time()
        seconds[part] += now - since
        part, since = next_part, now

    record = replicate(
        network,
        SEED,
        replication,
        engine=require_engine(COMPILED),
        on_part=begins,
        keep_trace=keeps_trace(network),
    )
    begins("figures")
    assert_conserved(record)
    outcome(record, ("day",))
    begins("")
    return seconds | {"contacts": _contacts(record)}


def _contacts(record: Record) -> float:
    assert record.days is not None
    return float(record.days.values["contacts"].sum())


def national_year(effort: Effort) -> list[Figure]:
    """A replication of the whole platform, in a process of its own, which says how much memory it came to."""
    prefix, days = "national_year", effort.size(YEAR_DAYS, 2)
    try:
        runs = [ask("national_year", days) for _ in range(min(effort.runs, YEAR_RUNS))]
    except CannotMeasureError as error:
        return [
            missing(name, unit, str(error), goal=GOALS[name])
            for name, unit in ((f"{prefix}_s", SECONDS), (f"{prefix}_gib", GIB))
        ]
    memory = figure(
        f"{prefix}_gib",
        [run["peak_gib"] for run in runs],
        GIB,
        goal=GOALS[f"{prefix}_gib"],
        note="resident at most, in a process of its own",
    )
    return [*_figures(prefix, runs, days), memory]


def city_month(effort: Effort) -> list[Figure]:
    """Replications of one city after a first one, which loads what all of them need."""
    days = effort.size(MONTH_DAYS, 2)
    try:
        require_engine(COMPILED)
    except CannotMeasureError as error:
        return [missing("city_month_s", SECONDS, str(error), goal=GOALS["city_month_s"])]
    network = shipped(CITY, days)
    spent(network, 0)
    return _figures("city_month", [spent(network, 1 + run) for run in range(effort.runs)], days)


def _figures(prefix: str, runs: list[dict[str, float]], days: int) -> list[Figure]:
    """Seconds of whole replications, and of their parts."""
    whole = [sum(run[part] for part in PARTS) for run in runs]
    contacts = median(run["contacts"] for run in runs)
    name, about = f"{prefix}_s", f"one replication of {days} days, {contacts:,.0f} contacts, figures by day"
    shares = [run["world"] / seconds for run, seconds in zip(runs, whole, strict=True)]
    return [
        figure(name, whole, SECONDS, goal=GOALS[name], note=about),
        *(
            figure(f"{prefix}_{part}_s", [run[part] for run in runs], SECONDS, note=meaning)
            for part, meaning in PARTS.items()
        ),
        figure(f"{prefix}_world_share", shares, SHARE, note=f"world's share of {name}"),
    ]


SECTIONS: tuple[Section, ...] = (city_month, national_year)
