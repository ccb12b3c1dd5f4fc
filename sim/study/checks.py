"""The plan's slopes and totals against the model's: one row each, with interval and verdict.

A check is never typed into a model. The model's own figure comes from runs, or, where a mechanism has a closed form,
from that; differences come from paired runs under the same luck (``sim.study.paired_runs``). A verdict is computed
from the plan's number and the interval, by one rule for all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sim.measures import Estimate, estimate
from sim.progress import progress
from sim.service.tables import Float64

if TYPE_CHECKING:
    from sim.library import Loaded

Kind = Literal["check", "claim", "input"]
"""What the plan's number is (FACTS): seen in practice, promised, or a strength that the scenario sets itself."""

Unit = Literal["share", "change", "min", "h", "families", "users"]
"""Unit of a row; ``change`` : relative change, 0.1 for ten per cent more."""

CLOSE_SHARE = 0.1
"""The plan's numbers are round and come from single cases: what lies within a tenth of one agrees with it."""

WIDE_SHARE = 0.5
"""An interval that is wider than half of the plan's effect tells nothing, though it may reach the plan's number."""

DEFAULT_REPLICATIONS = 10


@dataclass(frozen=True)
class Check:
    """One number of the plan against the model's.

    ``fact`` : its number in FACTS. ``plan`` : lowest and highest value that the plan states, the same for a single
    number; None at an open end, or twice where it states none. ``no_effect`` : value at which nothing would follow
    from anything (0 for a change); None for a total. ``estimate`` : the model's, with its interval over replications;
    without a width where nothing is drawn. ``how`` : how it was got.
    """

    fact: str
    kind: Kind
    what: str
    plan: tuple[float | None, float | None]
    unit: Unit
    estimate: Estimate
    no_effect: float | None
    how: str

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        return verdict(self.estimate, self.plan, self.no_effect)

    def as_json(self) -> dict[str, Any]:
        """As ``linli checks --json`` prints it."""
        mean = self.estimate.mean
        return {
            "fact": self.fact,
            "kind": self.kind,
            "what": self.what,
            "unit": self.unit,
            "plan_low": self.plan[0],
            "plan_high": self.plan[1],
            "estimate": mean if math.isfinite(mean) else None,
            "low": self.estimate.low,
            "high": self.estimate.high,
            "replications": self.estimate.replications,
            "verdict": self.verdict,
            "how": self.how,
        }


def verdict(found: Estimate, plan: tuple[float | None, float | None], no_effect: float | None) -> str:
    """Compare an interval with a number of the plan.

    The plan's number is taken with ``CLOSE_SHARE`` of its distance from no effect (of itself for a total) on both
    sides. An interval that reaches it *agrees*, unless it reaches beyond it and is wider than ``WIDE_SHARE`` of that
    distance: then nothing *can be told*, nor without an interval. An interval beside it is *weaker* or *stronger*, or,
    all of it beyond no effect, goes the *other way*; a total is *smaller* or *larger*.
    """
    if plan == (None, None):
        return "no number in the plan"
    if found.low is None or found.high is None or not math.isfinite(found.mean):
        return "cannot be told"
    nothing = 0.0 if no_effect is None else no_effect
    stated = [x for x in plan if x is not None]
    margins = [CLOSE_SHARE * abs(x - nothing) for x in stated]
    low = -math.inf if plan[0] is None else plan[0] - margins[0]
    high = math.inf if plan[1] is None else plan[1] + margins[-1]
    if found.low <= high and found.high >= low:
        inside = low <= found.low and found.high <= high
        wide = found.high - found.low > WIDE_SHARE * max(abs(x - nothing) for x in stated)
        return "cannot be told" if wide and not inside else "agrees"
    above = found.low > high
    if no_effect is None:
        return "larger" if above else "smaller"
    plan_is_above = sum(stated) / len(stated) > no_effect
    if above == plan_is_above:
        return "stronger"
    beyond = found.high < no_effect if plan_is_above else found.low > no_effect
    return "other way" if beyond else "weaker"


def estimated(formula: Callable[..., float], sums: Sequence[Float64], unit: Unit) -> Estimate:
    """Value of a formula of sums over replications, with a 95 % interval by the jackknife.

    Each replication is left out once; the pseudo-values n f(all) − (n − 1) f(all but one) are taken as independent
    values of what is estimated (Miller 1974, The jackknife – a review; for ratios in simulation Law, Simulation
    Modeling and Analysis, 5th ed., section 9.5.3). For a formula that is a mean this is the usual interval of
    Student's t. Sums of rare things are added up before they are divided, so that a replication without one does no
    harm.

    Parameters
    ----------
    formula : of as many numbers as there are sums; may be NaN.
    sums : float64 (replications,) each.
    """
    n = sums[0].size if sums else 0
    if not n:
        return Estimate(math.nan, None, None, unit, 0)
    with np.errstate(all="ignore"):
        whole = float(formula(*(one.sum() for one in sums)))
        if n == 1 or not math.isfinite(whole):
            return Estimate(whole, None, None, unit, n if math.isfinite(whole) else 0)
        without = [float(formula(*(one.sum() - one[r] for one in sums))) for r in range(n)]
    pseudo = [n * whole - (n - 1) * one for one in without]
    if not all(math.isfinite(one) for one in pseudo):
        return Estimate(whole, None, None, unit, n)
    return replace(estimate(pseudo, unit if unit == "share" else "1"), unit=unit)


def exact(value: float, unit: Unit) -> Estimate:
    """A value that is computed and does not depend on luck."""
    return Estimate(value, value, value, unit, 0)


def unknown(unit: Unit) -> Estimate:
    """A value that the model does not give."""
    return Estimate(math.nan, None, None, unit, 0)


@dataclass(frozen=True)
class Checks:
    """All rows for a scenario.

    ``days`` : length of the longest run. ``against`` : name of the scenario that F14 compares with. ``interrupted`` :
    fewer replications than asked for.
    """

    loaded: Loaded
    engine: str
    seed: int
    replications: int
    days: int
    against: str | None
    rows: tuple[Check, ...]
    interrupted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The object that ``linli checks --json`` prints."""
        return {
            "scenario": self.loaded.scenario.name,
            "hash": self.loaded.hash,
            "engine": self.engine,
            "seed": self.seed,
            "replications": self.replications,
            "days": self.days,
            "against": self.against,
            "checks": [row.as_json() for row in self.rows],
            "interrupted": self.interrupted,
        }


def hold(
    loaded: Loaded,
    *,
    engine: str,
    seed: int = 1,
    replications: int = DEFAULT_REPLICATIONS,
    workers: int = 1,
    days: int | None = None,
    against: Loaded | None = None,
) -> Checks:
    """Hold the plan's checks against a scenario.

    Parameters
    ----------
    days : longest run [half a year after the week of late goods]; checks that need a longer one cannot be told.
    against : scenario whose complaint rate is compared with this one's (F14).

    Raises
    ------
    InputError
        If the scenario has no world.
    """
    from sim.study.check_rows import rows
    from sim.study.check_variants import COLUMNS, variants
    from sim.study.paired_runs import run_paired

    asked = variants(loaded, days, against)
    with progress(f"checks of {loaded.scenario.name}", replications * len(asked.scenarios)) as advance:
        runs, interrupted = run_paired(
            asked.scenarios,
            COLUMNS,
            engine=engine,
            seed=seed,
            replications=replications,
            workers=workers,
            advance=advance,
        )
    return Checks(
        loaded=loaded,
        engine=engine,
        seed=seed,
        replications=runs.replications,
        days=asked.days,
        against=against.scenario.name if against else None,
        rows=tuple(rows(loaded, asked, runs)),
        interrupted=interrupted,
    )
