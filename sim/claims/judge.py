"""From replications to verdicts: each claim with estimate, interval, probability, since when it holds, and why not.

A change is always that of a replication against the same replication of the baseline, which lived under the same luck.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sim.claims.promises import CLAIMS, TRADE_GROWTH, Claim, Figure
from sim.claims.reasons import Evidence, reason
from sim.claims.values import Days, days_of, group_name, unit_of, value
from sim.measures import MEASURES, Estimate, estimate
from sim.service.tables import Float64
from sim.study.checks import estimated
from sim.study.replicate import Outcome

if TYPE_CHECKING:
    from sim.library import Loaded
    from sim.session import Result

YEAR_DAYS = 365.0
BEST_POINT = 5.0
"""Satisfaction ends there."""

BEFORE_DAYS = 28
"""Before: the baseline's first four weeks after its warm-up."""

Against = Literal["", "before", "doing nothing"]
Status = Literal["holds", "missed", "not simulated"]

SPREAD = (0.05, 0.95)
"""Quantiles over the draws of the assumptions that are shown."""


@dataclass(frozen=True)
class Probability:
    """Share of replications in which a claim is met, with Wilson's 95 % interval."""

    share: float
    low: float
    high: float
    replications: int


@dataclass(frozen=True)
class Verdict:
    """One claim for one scenario against one baseline.

    ``against`` : "before", "doing nothing", or empty for a claim about a level. ``estimate`` : of the figure, or of its
    change; NaN where it is not simulated. ``baseline_value`` : the figure in the baseline. ``probability`` : over
    replications of the scenario as it is. ``over_draws`` : the same over draws of all assumptions, where asked for;
    ``spread`` : quantiles of the value over them; ``baseline_spread`` : of the baseline's
    figure. ``holds_from_week`` : first week of the run (from 0) from which the
    claim is met in every week, None if the last one misses it. ``reason`` : why it is missed or not simulated.
    """

    claim: Claim
    against: Against
    estimate: Estimate
    baseline_value: float
    probability: Probability | None
    over_draws: Probability | None
    spread: tuple[float, float] | None
    baseline_spread: tuple[float, float] | None
    holds_from_week: int | None
    status: Status
    reason: str

    @property
    def open(self) -> bool:
        """Whether the interval lies on both sides of the target."""
        low, high = self.estimate.low, self.estimate.high
        return low is not None and high is not None and self.claim.met(low) != self.claim.met(high)

    def as_json(self) -> dict[str, Any]:
        """As ``linli claims --json`` prints it."""
        claim, figure = self.claim, self.claim.figure
        chosen = self.over_draws or self.probability
        return {
            "fact": claim.fact,
            "claim": claim.text,
            "measure": figure.name if figure else None,
            "group": figure.group if figure else "",
            "comparison": claim.comparison,
            "target": claim.target,
            "relative": claim.relative,
            "baseline": self.against or None,
            "baseline_value": _finite(self.baseline_value),
            "estimate": _finite(self.estimate.mean),
            "low": self.estimate.low,
            "high": self.estimate.high,
            "unit": self.estimate.unit,
            "replications": self.estimate.replications,
            "probability": chosen.share if chosen else None,
            "probability_low": chosen.low if chosen else None,
            "probability_high": chosen.high if chosen else None,
            "probability_over": "assumptions" if self.over_draws else "replications" if chosen else None,
            "probability_as_assumed": self.probability.share if self.probability else None,
            "draws_low": self.spread[0] if self.spread else None,
            "draws_high": self.spread[1] if self.spread else None,
            "baseline_draws_low": self.baseline_spread[0] if self.baseline_spread else None,
            "baseline_draws_high": self.baseline_spread[1] if self.baseline_spread else None,
            "holds_from_week": self.holds_from_week,
            "status": self.status,
            "open": self.open,
            "reason": self.reason,
            "due": claim.due,
            "reading": claim.reading,
        }


@dataclass(frozen=True)
class Runs:
    """Replications of a scenario and of its baseline: before, and over the same days. In all of them replication r has
    the same luck (and the same draw of the assumptions, where these are drawn)."""

    own: tuple[Outcome, ...]
    before: tuple[Outcome, ...]
    nothing: tuple[Outcome, ...]

    def paired(self) -> Runs:
        """Only the replications that all of them have finished, in order."""
        numbers = set.intersection(*({o.replication for o in one} for one in (self.own, self.before, self.nothing)))

        def kept(all_: Sequence[Outcome]) -> tuple[Outcome, ...]:
            return tuple(sorted((o for o in all_ if o.replication in numbers), key=lambda o: o.replication))

        return Runs(kept(self.own), kept(self.before), kept(self.nothing))


@dataclass(frozen=True)
class Claims:
    """All claims for a scenario. ``draws`` : number of draws of the assumptions; 0 if they stay as they are."""

    loaded: Loaded
    baseline: Loaded
    engine: str
    seed: int
    replications: int
    draws: int
    trade_growth: float
    verdicts: tuple[Verdict, ...]
    interrupted: bool = False

    @property
    def missed(self) -> tuple[Verdict, ...]:
        """Claims whose estimate does not meet the target; what is not simulated is not among them."""
        return tuple(one for one in self.verdicts if one.status == "missed")

    def as_json(self) -> dict[str, Any]:
        """The object that ``linli claims --json`` prints for a scenario."""
        return {
            "scenario": self.loaded.scenario.name,
            "hash": self.loaded.hash,
            "baseline": self.baseline.scenario.name,
            "baseline_hash": self.baseline.hash,
            "engine": self.engine,
            "seed": self.seed,
            "replications": self.replications,
            "draws": self.draws,
            "days": self.loaded.scenario.horizon.days,
            "trade_growth_per_year": self.trade_growth,
            "claims": [one.as_json() for one in self.verdicts],
            "interrupted": self.interrupted,
        }


def claims_of(
    today: Result,
    result: Result,
    *,
    before: Result | None = None,
    drawn: Runs | None = None,
    trade_growth: float = TRADE_GROWTH,
    facts: Sequence[str] = (),
) -> Claims:
    """The claims table from runs that there are.

    Parameters
    ----------
    today : the baseline over the same days and with the same seed (``sim.claims.runs.watch`` keeps what is needed).
    result : the scenario.
    before : the baseline over its first four weeks, where ``today`` is longer; else ``today`` is both.
    drawn : the same under draws of the assumptions; probabilities are taken over these then.
    trade_growth : growth of the trade's complaints in a year (F14) in the baseline that does nothing; 0 for none.
    facts : only claims of these; all if none is named.

    Raises
    ------
    ValueError
        The runs have other seeds or days: they would not have the same luck.
    """
    before = before or today
    if len({one.plan.seed for one in (today, result, before)}) > 1:
        raise ValueError("scenario and baseline must have the same seed")
    if days_of(today.loaded.scenario) != days_of(result.loaded.scenario):
        raise ValueError("scenario and baseline must have the same days and warm-up")
    runs = Runs(result.outcomes, before.outcomes, today.outcomes).paired()
    bench = _Bench(
        runs=runs,
        drawn=drawn.paired() if drawn else None,
        days=days_of(result.loaded.scenario),
        before_days=days_of(before.loaded.scenario),
        growth=trade_growth,
        evidence=Evidence(result.loaded, today.loaded, runs.own, runs.nothing),
    )
    return Claims(
        loaded=result.loaded,
        baseline=today.loaded,
        engine=result.plan.engine,
        seed=result.plan.seed,
        replications=len(runs.own),
        draws=len(bench.drawn.own) if bench.drawn else 0,
        trade_growth=trade_growth,
        verdicts=tuple(
            verdict for claim in CLAIMS if not facts or claim.fact in facts for verdict in bench.judged(claim)
        ),
        interrupted=result.interrupted or today.interrupted,
    )


@dataclass(frozen=True)
class _Bench:
    """What verdicts are made from."""

    runs: Runs
    drawn: Runs | None
    days: Days
    before_days: Days
    growth: float
    evidence: Evidence

    def judged(self, claim: Claim) -> list[Verdict]:
        """A claim against each baseline that it needs."""
        if claim.relative and claim.figure is not None:
            return [self._against(claim, claim.figure, "before"), self._against(claim, claim.figure, "doing nothing")]
        if claim.figure is None:
            return [_not_simulated(claim, f"{claim.missing}; needed: {claim.needed}")]
        return [self._against(claim, claim.figure, "")]

    def _against(self, claim: Claim, figure: Figure, against: Against) -> Verdict:
        own = _values(self.runs.own, figure, self.days)
        base = self._baseline(self.runs, claim, figure, against)
        found = _change(own, base) if claim.relative else _level(own, figure)
        if not math.isfinite(found.mean):
            return _not_simulated(claim, _without_value(figure, own, self.runs.own, self.evidence.loaded), against)
        holds = claim.met(found.mean)
        over, spread, baseline_spread = self._over_draws(claim, figure, against)
        return Verdict(
            claim=claim,
            against=against,
            estimate=found,
            baseline_value=_mean(base),
            probability=probability([claim.met(one) for one in _each(claim, own, base)]),
            over_draws=over,
            spread=spread,
            baseline_spread=baseline_spread,
            holds_from_week=self._holds_from(claim, figure, against),
            status="holds" if holds else "missed",
            reason="" if holds else reason(claim, self.evidence),
        )

    def _baseline(self, runs: Runs, claim: Claim, figure: Figure, against: Against, week: int | None = None) -> Float64:
        """The baseline's values; before is the same for every week."""
        if against == "before":
            return _values(runs.before, figure, self.before_days)
        values = _values(runs.nothing, figure, self.days, week)
        return values * self._trend(claim, against, week)

    def _trend(self, claim: Claim, against: Against, week: int | None) -> float:
        """Mean growth of the trade's complaints over the days in question, compounded from the run's first day."""
        if not claim.trend or against != "doing nothing":
            return 1.0
        first, until = self.days.first, self.days.until
        if week is not None:
            first, until = max(first, 7 * week), min(until, 7 * (week + 1))
        middle = np.arange(first, until) + 0.5
        return float(np.mean((1 + self.growth) ** (middle / YEAR_DAYS))) if middle.size else 1.0

    def _over_draws(
        self, claim: Claim, figure: Figure, against: Against
    ) -> tuple[Probability | None, tuple[float, float] | None, tuple[float, float] | None]:
        """Probability over the draws, and quantiles of the value and of the baseline's figure."""
        if self.drawn is None:
            return None, None, None
        base = self._baseline(self.drawn, claim, figure, against)
        each = _each(claim, _values(self.drawn.own, figure, self.days), base)
        return probability([claim.met(one) for one in each]), _spread(each), _spread(base[np.isfinite(base)].tolist())

    def _holds_from(self, claim: Claim, figure: Figure, against: Against) -> int | None:
        """First week from which the mean over replications meets the claim until the end."""
        since = None
        for week in reversed(self.days.weeks):
            own = _values(self.runs.own, figure, self.days, week)
            base = self._baseline(self.runs, claim, figure, against, week)
            now = _change(own, base).mean if claim.relative else _mean(own)
            if not math.isfinite(now):
                continue
            if not claim.met(now):
                break
            since = week
        return since


def probability(met: Sequence[bool]) -> Probability | None:
    """Share of independent trials with Wilson's interval (Wilson 1927; good for few trials: Brown, Cai and DasGupta
    2001, Interval estimation for a binomial proportion)."""
    n = len(met)
    if not n:
        return None
    z = 1.959963984540054
    share = sum(met) / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Probability(share, max(middle - half, 0.0), min(middle + half, 1.0), n)


# ── values over replications ─────────────────────────────────────────────────────────────────────────────────────


def _values(outcomes: Sequence[Outcome], figure: Figure, days: Days, week: int | None = None) -> Float64:
    return np.array([value(figure, one, days, week) for one in outcomes], dtype=np.float64)


def _both(own: Float64, base: Float64) -> tuple[Float64, Float64]:
    """The pairs of which both are known."""
    known = np.isfinite(own) & np.isfinite(base)
    return own[known], base[known]


def _change(own: Float64, base: Float64) -> Estimate:
    """Relative change of the mean, with the jackknife's interval over pairs."""
    found = estimated(_quotient, _both(own, base), "change")
    # What cannot be negative cannot fall by more than all of it.
    return found if found.low is None or found.low >= -1 else replace(found, low=-1.0)


def _quotient(now: float, then: float) -> float:
    return now / then - 1 if then else math.nan


def _level(own: Float64, figure: Figure) -> Estimate:
    least = MEASURES[figure.above[0]].least
    found = estimate(own.tolist(), unit_of(figure), at_least=least)
    if found.unit == "point" and found.high is not None:
        return replace(found, high=min(found.high, BEST_POINT))
    return found


def _each(claim: Claim, own: Float64, base: Float64) -> list[float]:
    """Value, or change, in each replication; one whose baseline is 0 has none."""
    if not claim.relative:
        return own[np.isfinite(own)].tolist()
    own, base = _both(own, base)
    return [float(a / b - 1) for a, b in zip(own, base, strict=True) if b]


def _spread(values: Sequence[float]) -> tuple[float, float] | None:
    if not values:
        return None
    low, high = np.quantile(values, SPREAD).tolist()
    return low, high


def _mean(values: Float64) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _not_simulated(claim: Claim, why: str, against: Against = "") -> Verdict:
    nothing = Estimate(math.nan, None, None, "change" if claim.relative else "1", 0)
    return Verdict(claim, against, nothing, math.nan, None, None, None, None, None, "not simulated", why)


def _without_value(figure: Figure, own: Float64, kept: Sequence[Outcome], loaded: Loaded) -> str:
    """Why a figure that is there for the asking has no value in these runs."""
    clocks = loaded.scenario.clocks
    if figure.by == "clock" and not any(key in clocks for key in figure.keys):
        return f"the scenario has no clock '{figure.keys[0]}'; needed: a regime that starts it"
    if np.isfinite(own).any():
        return "the baseline has none of it to compare with; needed: a longer run, or a baseline that has some"
    if figure.by and not any(one.by.get(group_name(figure, weekly=False)) for one in kept):
        groups = group_name(figure, weekly=False)
        return f"these runs kept nothing by {groups}; needed: 'linli claims', and runs short enough to keep their rows"
    needed = "one that keeps its rows and is long enough for something to happen"
    return f"{figure.name} has no value in this run; needed: {needed}"
