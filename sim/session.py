"""What a command runs: a scenario, a number of replications, and the result that is shown or written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.measures import BREAKDOWNS, Estimate, Key, by_as_json, measures_as_json, summarise, summarise_by
from sim.problems import InputError, Problem
from sim.progress import progress
from sim.service.build import Network, build
from sim.study.replicate import Outcome, Plan, outcomes, until_precise

if TYPE_CHECKING:
    from sim.library import Loaded
    from sim.scenario import Scenario

DEFAULT_REPLICATIONS = 5
MOST_REPLICATIONS = 1000
"""A sequential run gives up its precision here and says so by its interval."""


@dataclass(frozen=True)
class Result:
    """Figures of a run with intervals over replications. ``interrupted`` : fewer replications than asked for."""

    loaded: Loaded
    plan: Plan
    outcomes: tuple[Outcome, ...]
    interrupted: bool = False

    @property
    def replications(self) -> int:
        """Number of finished replications."""
        return len(self.outcomes)

    @property
    def measures(self) -> dict[str, Estimate]:
        """Every figure with its interval."""
        return summarise([o.figures for o in self.outcomes])

    def by(self, name: str) -> dict[Key, dict[str, Estimate]]:
        """The groups of a breakdown."""
        return summarise_by([o.by[name] for o in self.outcomes])

    def as_json(self) -> dict[str, Any]:
        """The object that ``linli run --json`` prints."""
        return {
            "scenario": self.loaded.scenario.name,
            "hash": self.loaded.hash,
            "engine": self.plan.engine,
            "seed": self.plan.seed,
            "replications": self.replications,
            "days": self.loaded.scenario.horizon.days,
            "measures": measures_as_json(self.measures),
            "by": {name: by_as_json(self.by(name)) for name in self.plan.by},
            "interrupted": self.interrupted,
        }


@dataclass
class Session:
    """One run as it was asked for."""

    loaded: Loaded
    engine: str
    seed: int
    workers: int
    by: tuple[str, ...] = ()
    out: str | None = None
    finished: list[Outcome] = field(default_factory=list)

    def run(self, replications: int | None, precision: float | None, measure: str) -> Result:
        """Run all replications; an interrupt keeps what was finished."""
        _check_breakdowns(self.loaded.scenario, self.by)
        network = build_loaded(self.loaded)
        folder = _claimed(self.out) if self.out else None
        plan = Plan(self.engine, self.seed, self.by, str(folder / "trace") if folder else "")
        most = replications or (MOST_REPLICATIONS if precision else DEFAULT_REPLICATIONS)
        interrupted = False
        days, shown = self.loaded.scenario.horizon.days, 0
        with progress(f"{self.loaded.scenario.name}, days", most * days) as advance:

            def day_done(_: int) -> None:
                nonlocal shown
                shown += 1
                advance()

            try:
                for outcome in self._outcomes(network, plan, most, precision, measure, day_done):
                    self.finished.append(outcome)
                    advance(len(self.finished) * days - shown)  # days of other processes are not seen one by one
                    shown = len(self.finished) * days
            except KeyboardInterrupt:
                interrupted = True
        result = Result(self.loaded, plan, tuple(sorted(self.finished, key=lambda o: o.replication)), interrupted)
        if folder:
            (folder / "scenario.yaml").write_text(self.loaded.text, encoding="utf-8")
            text = json.dumps(result.as_json(), ensure_ascii=False, indent=1, allow_nan=False)
            (folder / "figures.json").write_text(text + "\n", encoding="utf-8")
        return result

    def _outcomes(
        self,
        network: Network,
        plan: Plan,
        most: int,
        precision: float | None,
        measure: str,
        on_day: Callable[[int], None],
    ) -> Iterator[Outcome]:
        if precision is None:
            return outcomes(network, plan, range(most), self.workers, on_day)
        return until_precise(network, plan, most, self.workers, measure, precision)


def build_loaded(loaded: Loaded) -> Network:
    """Build a loaded scenario; a fault found only here is placed in its file."""
    from sim.world.consistency import problems_of_world

    try:
        if problems := problems_of_world(loaded.scenario):
            raise InputError(problems)
        return build(loaded.scenario)
    except InputError as error:
        raise InputError([loaded.problem(p.path, p.message, p.allowed) for p in error.problems]) from error


def _check_breakdowns(scenario: Scenario, by: Sequence[str]) -> None:
    """Refuse breakdowns that the scenario cannot give before anything is run: cities and causes need a world, channels
    a world or kinds that have one."""
    world = getattr(scenario, "world", None) is not None
    missing = set() if world else {"city", "cause"}
    if not world and all(kind.channel == "none" for kind in scenario.kinds.values()):
        missing.add("channel")
    if wrong := [name for name in by if name in missing]:
        there = ", ".join(name for name in BREAKDOWNS if name not in missing)
        raise InputError([Problem(("--by",), f"figures by '{wrong[0]}' do not exist for this scenario", there)])


def _claimed(out: str) -> Path:
    """The folder for results: made if missing, refused if it already holds something."""
    folder = Path(out)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError([Problem(("--out",), f"'{out}' already holds something", "a new or an empty folder")])
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError([Problem(("--out",), f"'{out}' cannot be made ({error.strerror})", "a folder")]) from error
    return folder
