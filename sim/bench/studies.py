"""What studies cost: how much less the luck of a paired comparison varies than that of independent runs."""

from __future__ import annotations

import numpy as np

from sim.bench.figure import CannotMeasureError, Effort, Figure, figure, missing
from sim.bench.networks import COMPILED, require_engine
from sim.library import load
from sim.measures import figures
from sim.run import replicate
from sim.service.build import Network, build

NAME = "paired_variance_ratio"
AGENTS = (50, 52)
MEASURE = "wait_mean_s"
GOAL = "at least 15"


def paired_variance_ratio(effort: Effort) -> list[Figure]:
    """Variance of the difference of the mean wait between 52 and 50 agents, of independent runs over paired ones.

    Both come from the same replications: of independent runs the variances add, of paired ones the differences are
    taken replication by replication. One run of the bench has a seed of its own.
    """
    try:
        require_engine(COMPILED)
    except CannotMeasureError as error:
        return [missing(NAME, "1", str(error), goal=GOAL)]
    networks = [_contact_centre(agents) for agents in AGENTS]
    replications = effort.size(200, 5)
    ratios = [_ratio(networks, seed, replications) for seed in range(1, effort.runs + 1)]
    note = f"contact centre, {AGENTS[1]} against {AGENTS[0]} agents, {MEASURE} of a day, {replications} replications"
    return [figure(NAME, ratios, "1", goal=GOAL, note=note)]


def _contact_centre(agents: int) -> Network:
    return build(load("contact_centre", (), [f"pools.agents.groups.all.servers={agents}"]).scenario)


def _ratio(networks: list[Network], seed: int, replications: int) -> float:
    waits = np.array([[_wait(network, seed, r) for network in networks] for r in range(replications)])
    return float(waits.var(axis=0, ddof=1).sum() / np.diff(waits, axis=1).var(ddof=1))


def _wait(network: Network, seed: int, replication: int) -> float:
    record = replicate(network, seed, replication, engine=COMPILED)
    return figures(record, [MEASURE])[MEASURE]


SECTIONS = (paired_variance_ratio,)
