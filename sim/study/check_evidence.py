"""What the rows of the table of checks are made from: sums over days, of the scenario and of a variant beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.measures import Estimate
from sim.service.tables import Float64
from sim.study.check_variants import Asked
from sim.study.checks import Check, Kind, Unit, estimated
from sim.study.paired_runs import Runs

if TYPE_CHECKING:
    from sim.sections.world import World

COST = ("wages_yuan", "training_yuan", "systems_yuan", "incentives_yuan", "compensation_yuan", "refunds_yuan")
"""Cost of service with what users are paid."""

Span = tuple[int, int]
"""First day and the day after the last."""


@dataclass(frozen=True)
class Evidence:
    """What rows are made from."""

    world: World
    asked: Asked
    runs: Runs

    @property
    def own_days(self) -> Span:
        """Days on which the scenario's own totals are looked at."""
        return self.asked.start, self.asked.base_until

    def days_from(self, after_start: int, length: int) -> Span:
        """Days that begin so long after the first day of an event."""
        return self.asked.start + after_start, self.asked.start + after_start + length

    def sums(
        self,
        variant: str,
        days: Span,
        *columns: str | Sequence[str],
        channels: Sequence[str] = (),
        causes: Sequence[str] = (),
    ) -> list[Float64]:
        """Sums (replications,) of each of the columns (or groups of columns) over days."""
        return [self.runs.total(variant, one, *days, channels=channels, causes=causes) for one in columns]

    def paired(self, variant: str, days: Span, *columns: str | Sequence[str], **only: Sequence[str]) -> list[Float64]:
        """The scenario's sums, then the variant's."""
        return self.sums("base", days, *columns, **only) + self.sums(variant, days, *columns, **only)

    def row(
        self,
        fact: str,
        what: str,
        plan: float | tuple[float | None, float | None],
        unit: Unit,
        found: Estimate,
        how: str,
        *,
        of: str = "base",
        kind: Kind = "check",
        no_effect: float | None = None,
    ) -> Check:
        """A row; ``of`` : variant that it needs."""
        if of in self.asked.missing:
            how = f"{how}; {self.asked.missing[of]}"
        both = plan if isinstance(plan, tuple) else (plan, plan)
        return Check(fact, kind, what, both, unit, found, no_effect, how)

    def change(
        self,
        variant: str,
        days: Span,
        above: str | Sequence[str],
        below: str | Sequence[str] = (),
        **only: Sequence[str],
    ) -> Estimate:
        """Relative change of a sum, or of a quotient of sums, from the scenario to the variant."""
        if not below:
            return estimated(lambda a, b: b / a - 1, self.paired(variant, days, above, **only), "change")
        columns = self.paired(variant, days, above, below, **only)
        return estimated(lambda a, n, b, m: (b / m) / (a / n) - 1, columns, "change")
