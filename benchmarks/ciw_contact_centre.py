"""The contact centre in Ciw: three nodes, routing by class; who comes back from the back office is of another class.

A closing has its own length, no impatience and ends the contact. In Ciw these go by class, so that the class changes at
the back office, which keeps the priority.
"""

from __future__ import annotations

import ciw

from benchmarks.workload import (
    AGENTS,
    BACK_OFFICE_CV,
    BACK_OFFICE_MEAN_S,
    BOT_S,
    CLASSES,
    CLOSING_CV,
    CLOSING_MEAN_S,
    CONTAINED_SHARE,
    DAY_S,
    LEADERS,
    PASSED_ON_SHARE,
    PATIENCE_MEAN_S,
    TALK_CV,
    Outcome,
    lognormal,
)

BOT_NODE, AGENTS_NODE, LEADERS_NODE = 1, 2, 3
CLOSING_FIRST, CLOSING = "closing_first", "closing"


def network() -> ciw.network.Network:
    """The network: bot, agents, leaders."""
    asking = [c.name for c in CLASSES]
    closing = [CLOSING_FIRST, CLOSING]
    every = asking + closing
    back_office = ciw.dists.Lognormal(*lognormal(BACK_OFFICE_MEAN_S, BACK_OFFICE_CV))
    closing_time = ciw.dists.Lognormal(*lognormal(CLOSING_MEAN_S, CLOSING_CV))
    comes_back_as = {c.name: CLOSING_FIRST if c.first else CLOSING for c in CLASSES} | {c: c for c in closing}
    unchanged = {one: {other: float(one == other) for other in every} for one in every}
    at_leaders = {one: {other: float(comes_back_as[one] == other) for other in every} for one in every}
    return ciw.create_network(
        arrival_distributions={c.name: [ciw.dists.Exponential(c.rate_per_s), None, None] for c in CLASSES}
        | {c: [None, None, None] for c in closing},
        service_distributions={
            c.name: [
                ciw.dists.Deterministic(BOT_S),
                ciw.dists.Lognormal(*lognormal(c.talk_mean_s, TALK_CV)),
                back_office,
            ]
            for c in CLASSES
        }
        | {c: [ciw.dists.Deterministic(BOT_S), closing_time, back_office] for c in closing},
        reneging_time_distributions={c: [None, ciw.dists.Exponential(1 / PATIENCE_MEAN_S), None] for c in asking}
        | {c: [None, None, None] for c in closing},
        priority_classes={c.name: 0 if c.first else 1 for c in CLASSES} | {CLOSING_FIRST: 0, CLOSING: 1},
        class_change_matrices=[unchanged, unchanged, at_leaders],
        routing={c: [[0.0, 1.0 - CONTAINED_SHARE, 0.0], [0.0, 0.0, PASSED_ON_SHARE], [0.0, 1.0, 0.0]] for c in asking}
        | {c: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0]] for c in closing},
        number_of_servers=[float("inf"), AGENTS, LEADERS],
    )


def run(days: float, seed: int) -> Outcome:
    """Run the centre for some days."""
    ciw.seed(seed)
    simulation = ciw.Simulation(network())
    simulation.simulate_until_max_time(days * DAY_S)
    records = simulation.get_all_records()
    first = {c.name for c in CLASSES}
    asked = [
        r
        for r in records
        if r.node == AGENTS_NODE and r.original_customer_class in first and r.record_type in ("service", "renege")
    ]
    return Outcome(
        contacts=simulation.nodes[0].number_of_individuals,
        offered=len(asked),
        abandoned=sum(r.record_type == "renege" for r in asked),
        wait_mean_s=sum(r.waiting_time for r in asked) / len(asked),
        agents_occupancy=simulation.nodes[AGENTS_NODE].server_utilisation,
        leaders_occupancy=simulation.nodes[LEADERS_NODE].server_utilisation,
    )
