"""Options side by side under the same luck, replication by replication: differences to a baseline, and the best.

All options draw from the same seed, and a draw belongs to a name, not to a place in the run. So replication r of one
option and replication r of another have the same customers with the same problems, and what differs between them is
what the options do differently (common random numbers; Law, Simulation Modeling and Analysis, 5th ed., sections 10.2.1
and 11.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures import MEASURES, Estimate, estimate, half_width, measures_as_json, summarise
from sim.measures.money_figures import MONEY
from sim.measures.world_figures import WORLD
from sim.problems import InputError, Problem, listed
from sim.progress import progress
from sim.session import build_loaded
from sim.study.differences import Difference, differences
from sim.study.replicate import FIRST_LOOK, Outcome, Plan, outcomes_of
from sim.study.selection import Selection, kim_nelson

if TYPE_CHECKING:
    from sim.library import Loaded
    from sim.service.build import Network

DEFAULT_REPLICATIONS = 10
MOST_REPLICATIONS = 1000
"""A sequential comparison stops here, and says so by what it leaves open."""

LARGEST_FIRST_STAGE = 10
"""Replications from which the selection learns the variances; all of a smaller budget."""

INDIFFERENCE_SHARE = 0.01
"""Indifference when none is asked for: this share of the baseline's mean, as a number of one digit."""

BEST_OF_A_WORLD, BEST_OF_A_NETWORK = "net_benefit_yuan", "wait_mean_s"


@dataclass(frozen=True)
class Asked:
    """What is compared, and how.

    ``options`` : loaded scenarios. ``baseline`` : name of one of them [the first]. ``replications`` : of each option
    [10]; the most when it is to stop earlier. ``precision`` : stop when every difference of the best measure to the
    baseline is known to this share of the baseline's mean. ``until_best`` : stop when the best is chosen.
    ``measures`` : figures to give [all]. ``best`` : figure by which the best is chosen. ``guarantee`` : probability
    of a correct selection. ``indifference`` : difference of it that is worth detecting, in its own unit.
    """

    options: tuple[Loaded, ...]
    engine: str
    seed: int = 1
    workers: int = 1
    baseline: str | None = None
    replications: int | None = None
    precision: float | None = None
    until_best: bool = False
    measures: tuple[str, ...] = ()
    best: str | None = None
    guarantee: float = 0.95
    indifference: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the options."""
        return tuple(option.scenario.name for option in self.options)

    @property
    def base(self) -> str:
        """Name of the baseline."""
        return self.baseline or self.names[0]

    @property
    def best_measure(self) -> str:
        """Figure by which the best is chosen."""
        living = all(option.scenario.world is not None for option in self.options)
        return self.best or (BEST_OF_A_WORLD if living else BEST_OF_A_NETWORK)

    @property
    def sequential(self) -> bool:
        """Whether it may stop before the last replication."""
        return self.until_best or self.precision is not None

    @property
    def most(self) -> int:
        """Replications of each option, at most."""
        return self.replications or (MOST_REPLICATIONS if self.sequential else DEFAULT_REPLICATIONS)

    @property
    def first_stage(self) -> int:
        """Replications from which the selection learns the variances; known before anything is run."""
        return max(min(self.most, LARGEST_FIRST_STAGE), 2)


@dataclass(frozen=True)
class Best:
    """Which option is best by one figure. ``indifference`` : None, and nothing chosen, where it could not be set.

    ``reason`` : why there is no selection; empty when there is one.
    """

    measure: str
    guarantee: float
    indifference: float | None
    first_stage: int
    chosen: str | None
    after: int
    remaining: tuple[str, ...]
    eliminated: dict[str, int]
    at_most: int | None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """As ``linli compare --json`` prints it."""
        return {
            "measure": self.measure,
            "better": MEASURES[self.measure].better,
            "scenario": self.chosen,
            "guarantee": self.guarantee,
            "indifference": self.indifference,
            "unit": MEASURES[self.measure].unit,
            "first_stage": self.first_stage,
            "replications": self.after,
            "remaining": list(self.remaining),
            "eliminated": [{"scenario": name, "replications": r} for name, r in self.eliminated.items()],
            "at_most": self.at_most,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Compared:
    """What came out. ``figures`` : by option, those of each replication, the same replications for all of them.

    ``interrupted`` : fewer replications than asked for.
    """

    asked: Asked
    figures: dict[str, tuple[dict[str, float], ...]]
    interrupted: bool = False

    @property
    def replications(self) -> int:
        """Replications that all options finished."""
        return len(self.figures[self.asked.base])

    @cached_property
    def measures(self) -> dict[str, dict[str, Estimate]]:
        """By option: every figure that was asked for, with its interval."""
        wanted = self.asked.measures or tuple(MEASURES)
        return {name: summarise([{m: row[m] for m in wanted} for row in rows]) for name, rows in self.figures.items()}

    @cached_property
    def differences(self) -> dict[str, dict[str, Difference]]:
        """By option, the baseline left out: each figure less the baseline's."""
        base = self.asked.base
        others = {name: rows for name, rows in self.figures.items() if name != base}
        return differences(self.figures[base], others, self.asked.measures or tuple(MEASURES))

    @cached_property
    def best(self) -> Best:
        """The best option, or those among which it is."""
        return best_of(self.asked, self.figures)

    def as_json(self) -> dict[str, Any]:
        """The object that ``linli compare --json`` prints."""
        first = self.asked.options[0].scenario
        return {
            "baseline": self.asked.base,
            "engine": self.asked.engine,
            "seed": self.asked.seed,
            "replications": self.replications,
            "days": first.horizon.days,
            "options": [
                {
                    "scenario": option.scenario.name,
                    "hash": option.hash,
                    "measures": measures_as_json(self.measures[option.scenario.name]),
                    "difference": {
                        name: one.as_json()
                        for name, one in self.differences.get(option.scenario.name, {}).items()
                        if one.estimate.replications
                    },
                }
                for option in self.asked.options
            ],
            "best": self.best.as_json(),
            "interrupted": self.interrupted,
        }


def compare(asked: Asked) -> Compared:
    """Run all options and compare them; an interrupt keeps the replications that all of them finished.

    Raises
    ------
    InputError
        If the options cannot be compared, or what is asked of them does not exist.
    """
    check(asked)
    networks = {option.scenario.name: build_loaded(option) for option in asked.options}
    work = _Work(asked, networks)
    interrupted = False
    days, finished, shown = asked.options[0].scenario.horizon.days, 0, 0
    with progress(f"{' / '.join(asked.names)}, days", asked.most * len(networks) * days) as advance:

        def day_done(_: int) -> None:
            nonlocal shown
            shown += 1
            advance()

        try:
            for name, outcome in work.outcomes(day_done):
                work.done[name].append(outcome)
                finished += 1
                advance(finished * days - shown)  # days of other processes are not seen one by one
                shown = finished * days
        except KeyboardInterrupt:
            interrupted = True
    return Compared(asked, work.figures(), interrupted)


@dataclass
class _Work:
    """Replications as they come, in rounds whose sizes do not depend on the workers."""

    asked: Asked
    networks: dict[str, Network]
    done: dict[str, list[Outcome]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.done = {name: [] for name in self.networks}

    def outcomes(self, on_day: Callable[[int], None]) -> Iterator[tuple[str, Outcome]]:
        """All replications, or as many rounds of them as it takes."""
        asked, begun = self.asked, 0
        plan = Plan(asked.engine, asked.seed)
        while begun < asked.most:
            more = max(begun // 2, 1) if begun else max(FIRST_LOOK, asked.first_stage)
            until = min(begun + more, asked.most) if asked.sequential else asked.most
            jobs = [(name, r) for r in range(begun, until) for name in self.networks]
            yield from outcomes_of(self.networks, plan, jobs, asked.workers, on_day)
            begun = until
            if asked.sequential and self.enough():
                return

    def enough(self) -> bool:
        """Whether everything that was to be reached is reached."""
        found = self.figures()
        precise = self.asked.precision is None or _is_precise(self.asked, found, self.asked.precision)
        return precise and (not self.asked.until_best or best_of(self.asked, found).chosen is not None)

    def figures(self) -> dict[str, tuple[dict[str, float], ...]]:
        """Figures of the replications that all options have finished, in order."""
        by_number = {name: {o.replication: o.figures for o in found} for name, found in self.done.items()}
        whole = sorted(set.intersection(*(set(found) for found in by_number.values())))
        return {name: tuple(found[r] for r in whole) for name, found in by_number.items()}


def _is_precise(asked: Asked, figures: dict[str, tuple[dict[str, float], ...]], precision: float) -> bool:
    """Whether half the width of every difference's interval is at most this share of the baseline's mean."""
    columns = {name: [row[asked.best_measure] for row in rows] for name, rows in figures.items()}
    base = columns.pop(asked.base)
    widest = max(half_width([x - y for x, y in zip(own, base, strict=True)]) for own in columns.values())
    return widest <= precision * abs(estimate(base).mean)


# ── the best ─────────────────────────────────────────────────────────────────────────────────────────────────────


def best_of(asked: Asked, figures: dict[str, tuple[dict[str, float], ...]]) -> Best:
    """Select the best option from what there is so far."""
    measure = asked.best_measure
    names = asked.names
    values = np.array([[row[measure] for row in figures[name]] for name in names], dtype=np.float64).T
    empty = Best(measure, asked.guarantee, asked.indifference, asked.first_stage, None, len(values), names, {}, None)
    if len(values) < asked.first_stage:
        return replace(empty, reason=f"fewer than {asked.first_stage} replications")
    if not np.isfinite(values).all():
        return replace(empty, reason=f"{measure} has no value in some replications")
    indifference = asked.indifference or _round_share(values[: asked.first_stage, names.index(asked.base)])
    if not indifference:
        return replace(empty, reason="the baseline's mean is 0, so that --indifference has to be given")
    sign = -1 if MEASURES[measure].better == "less" else 1
    found = kim_nelson(sign * values, indifference, asked.guarantee, asked.first_stage)
    return _named(replace(empty, indifference=indifference), found, names)


def _named(empty: Best, found: Selection, names: Sequence[str]) -> Best:
    return replace(
        empty,
        chosen=None if found.chosen is None else names[found.chosen],
        after=found.after,
        remaining=tuple(names[i] for i in found.remaining),
        eliminated={names[i]: r for i, r in found.eliminated.items()},
        at_most=found.at_most,
    )


def _round_share(base: np.ndarray) -> float:
    """A hundredth of the baseline's mean as a number of one digit, so that it hardly depends on luck; 0 for mean 0."""
    return float(f"{INDIFFERENCE_SHARE * abs(math.fsum(base.tolist()) / base.size):.0e}")


# ── what cannot be compared ──────────────────────────────────────────────────────────────────────────────────────


SAME = ("service_level_within_s", "short_abandon_s", "closed_within_h", "first_contact_window_days")
"""Definitions that must be equal: else figures of the same name would be different figures."""


def check(asked: Asked) -> None:
    """Refuse what cannot be compared, before anything is run.

    Raises
    ------
    InputError
        With all that is wrong.
    """
    names = asked.names
    problems: list[Problem] = []
    if len(names) < 2:
        problems.append(Problem(("SCENARIO",), "one option leaves nothing to compare", "two scenarios or more"))
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.append(Problem(("SCENARIO",), f"'{name}' is given twice", "each option once, by a name of its own"))
    if asked.baseline is not None and asked.baseline not in names:
        problems.append(Problem(("--baseline",), f"no option is called '{asked.baseline}'", listed(names)))
    for option in asked.options[1:]:
        problems += _unlike(asked.options[0], option)[:1]
    problems += _wrong_measures(asked)
    if problems:
        raise InputError(problems)


def _unlike(first: Loaded, other: Loaded) -> list[Problem]:
    """Where two options differ though they must not."""
    name = first.scenario.name
    fields = [("horizon", key) for key in type(first.scenario.horizon).model_fields]
    fields += [("definitions", key) for key in SAME]
    pairs = [
        ((part, key), getattr(getattr(first.scenario, part), key), getattr(getattr(other.scenario, part), key))
        for part, key in fields
    ]
    if first.scenario.world is not None and other.scenario.world is not None:
        starts = (first.scenario.world.calendar.start, other.scenario.world.calendar.start)
        pairs.append((("world", "calendar", "start"), *starts))  # type: ignore[arg-type]
    return [
        other.problem(path, f"'{other.scenario.name}' has {own}, '{name}' has {base}", _the_same(path))
        for path, base, own in pairs
        if own != base
    ]


def _the_same(path: tuple[str, ...]) -> str:
    way = "--days" if path[-1] == "days" else f"--set {'.'.join(path)}=…"
    return f"the same for all options ({way} sets it for all)"


def _wrong_measures(asked: Asked) -> list[Problem]:
    for option, names in (("--measures", asked.measures), ("--best", (asked.best_measure,))):
        if unknown := [name for name in names if name not in MEASURES]:
            return [Problem((option,), f"no measure '{unknown[0]}'", listed(MEASURES, len(MEASURES)))]
    figures_of_a_world = {m.name for m in (*WORLD, *MONEY)}
    bare = [option.scenario.name for option in asked.options if option.scenario.world is None]
    if asked.best_measure in figures_of_a_world and bare:
        return [Problem(("--best",), f"'{bare[0]}' has no world, hence no {asked.best_measure}", "another figure")]
    if not MEASURES[asked.best_measure].better:
        ranked = [m.name for m in MEASURES.values() if m.better]
        text = f"of '{asked.best_measure}' neither less nor more is better by itself"
        return [Problem(("--best",), text, listed(ranked, len(ranked)))]
    return []
