"""Do the peers' models say the same as ``contact_centre.yaml``? ``python -m benchmarks.validate [RUNS]`` tells.

Each model runs several days of its own luck, each day from empty. A figure agrees when its mean differs from Linli's by
no more than ``LIMIT`` standard errors. The spread between days is taken from Linli's runs, of which there are many.
"""

from __future__ import annotations

import importlib
import math
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.workload import Outcome
from sim.library import load
from sim.measures import figures, figures_by
from sim.measures.view import View
from sim.run import ENGINES, replicate
from sim.service.build import build

PEERS = ("simpy", "ciw", "cimba")
FIGURES = ("offered_share", "abandoned_share", "wait_mean_s", "agents_occupancy", "leaders_occupancy")
LIMIT = 4.0
"""Standard errors. One in 16,000 sound figures lies further away."""


@dataclass(frozen=True)
class Comparison:
    """A figure of a peer beside Linli's, and how many standard errors lie between."""

    figure: str
    peer: float
    linli: float
    errors: float

    @property
    def agrees(self) -> bool:
        """Whether the difference may be chance."""
        return abs(self.errors) <= LIMIT


def linli_days(days: int, *, engine: str = ENGINES[0]) -> list[Outcome]:
    """Outcomes of single days of Linli's own model."""
    network = build(load("contact_centre").scenario)
    outcomes = []
    for replication in range(days):
        record = replicate(network, 1, replication, engine=engine)
        view = View(record)
        whole, pools = figures(record, view=view), figures_by(record, "pool", view=view)
        outcomes.append(
            Outcome(
                contacts=int(whole["contacts"]),
                offered=int(whole["offered"]),
                abandoned=round(whole["abandoned_share"] * whole["offered"]),
                wait_mean_s=whole["wait_mean_s"],
                agents_occupancy=pools["agents"]["occupancy_share"],
                leaders_occupancy=pools["leaders"]["occupancy_share"],
            )
        )
    return outcomes


def peer_days(run: Callable[[float, int], Outcome], days: int) -> list[Outcome]:
    """Outcomes of single days of a peer's model."""
    return [run(1.0, seed) for seed in range(1, days + 1)]


def compare(peer: Sequence[Outcome], linli: Sequence[Outcome]) -> list[Comparison]:
    """All figures of a peer beside Linli's."""
    rows = []
    for figure in FIGURES:
        theirs = [float(getattr(outcome, figure)) for outcome in peer]
        ours = [float(getattr(outcome, figure)) for outcome in linli]
        error = statistics.stdev(ours) * math.sqrt(1 / len(theirs) + 1 / len(ours))
        a, b = statistics.fmean(theirs), statistics.fmean(ours)
        rows.append(Comparison(figure, a, b, (a - b) / error))
    return rows


def main() -> None:
    """Compare all peers that are installed; exit status 1 if a figure disagrees."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    peers: dict[str, list[Outcome]] = {}
    for name in PEERS:  # before Linli: cimba 0.9.6 does not compile after other code that Numba has compiled
        try:
            module = importlib.import_module(f"benchmarks.{name}_contact_centre")
        except ImportError as error:
            print(f"{name}: not installed ({error})")
        else:
            peers[name] = peer_days(module.run, days)
    linli = linli_days(10 * days)
    sound = True
    for name, outcomes in peers.items():
        for row in compare(outcomes, linli):
            sound &= row.agrees
            word = "agrees" if row.agrees else "DISAGREES"
            print(f"{name:6} {row.figure:18} {row.peer:9.4f}  Linli {row.linli:9.4f}  {row.errors:+5.1f} s.e.  {word}")
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    main()
