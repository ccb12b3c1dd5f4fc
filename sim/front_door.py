"""``make run``: today's service against the plan's, with intervals, and what to try next."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sim.run import ENGINES
from sim.study.replicate import Outcome, Plan, outcomes_of

if TYPE_CHECKING:
    from sim.library import Loaded

SCENARIOS = ("today", "plan")
REPLICATIONS = 16
PLAN = Plan(ENGINES[0], seed=1, by=("channel",))

FIGURES = {
    "Service": (
        "contacts",
        "first_response_mean_min",
        "first_response_with_bot_mean_min",
        "first_response_p90_min",
        "abandoned_share",
    ),
    "Cases": (
        "resolved_first_contact_share",
        "closed_within_24h_share",
        "asks_per_case",
        "satisfaction_recorded_mean",
        "satisfaction_true_mean",
    ),
    "Goods": (
        "problems_per_order",
        "complaints_per_order",
        "late_delivery_share",
        "leader_round_mean_min",
    ),
    "Users": ("orders", "users_lost_per_month_share"),
    "Money": (
        "contribution_yuan",
        "service_cost_yuan",
        "cost_per_contact_yuan",
        "compensation_yuan",
        "net_benefit_yuan",
    ),
}

PROMISED = {
    "first_response_mean_min": "≤ 10 (F50)",
    "first_response_with_bot_mean_min": "≤ 8 (F50)",
    "resolved_first_contact_share": "≥ 90 % (F51)",
    "closed_within_24h_share": "100 % (F23)",
    "satisfaction_recorded_mean": "≥ 4.5 (F52)",
    "complaints_per_order": "−50 % (F53)",
    "leader_round_mean_min": "≤ 90 (F31)",
    "users_lost_per_month_share": "≤ 3 % (F54)",
}
"""What the plan claims: shown beside what comes out, never typed into it."""

CHANNELS = ("phone", "chat", "group")


def main() -> None:
    """Run a city under today's service and under the plan, and print both."""
    from sim import show
    from sim.library import load
    from sim.progress import progress
    from sim.session import Result, build_loaded

    loaded = {name: load(name) for name in SCENARIOS}
    networks = {name: build_loaded(loaded[name]) for name in SCENARIOS}
    jobs = [(name, replication) for replication in range(REPLICATIONS) for name in SCENARIOS]
    found: dict[str, list[Outcome]] = {name: [] for name in SCENARIOS}
    try:
        with progress(" and ".join(SCENARIOS), len(jobs)) as advance:
            for name, outcome in outcomes_of(networks, PLAN, jobs, os.cpu_count() or 1):
                found[name].append(outcome)
                advance()
    except KeyboardInterrupt:
        sys.exit(130)
    results = [Result(loaded[n], PLAN, tuple(sorted(found[n], key=lambda o: o.replication))) for n in SCENARIOS]
    screen = show.console()
    screen.print("[bold]One city, four weeks after a week of warm-up: today's service against the plan's[/bold]")
    screen.print(_about(loaded[SCENARIOS[0]]))
    show.side_by_side(results, FIGURES, PROMISED)
    screen.print("The same by where users ask:")
    show.side_by_side_by(results, "channel", ("first_response_mean_min", "resolved_first_contact_share"), CHANNELS)
    screen.print("What each figure means:  .venv/bin/linli measures")
    screen.print("Try a lever:             .venv/bin/linli run plan --set inputs.users_per_agent=1500")


def _about(loaded: Loaded) -> str:
    """What is simulated, and what the numbers are worth."""
    scenario = loaded.scenario
    communities, users, leaders = (
        scenario.inputs[name].value if name in scenario.inputs else scenario.assumptions[name].used
        for name in ("communities", "users", "leaders")
    )
    return (
        f"{communities:,.0f} communities, {users:,.0f} users, {leaders:,.0f} leaders; orders, problems, moods, staff "
        "and money follow from day to day. Everything that the plan does not say is an assumption."
    )


if __name__ == "__main__":
    main()
