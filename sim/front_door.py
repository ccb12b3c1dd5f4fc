"""``make run``: today's service against the plan's, with intervals, and what to try next."""

from __future__ import annotations

import os
import sys

FIGURES = (
    "offered",
    "first_response_mean_min",
    "first_response_p90_min",
    "wait_p90_s",
    "service_level_share",
    "abandoned_share",
    "resolved_first_contact_share",
    "closed_within_24h_share",
    "asks_per_case",
    "transfers_per_contact",
    "contained_share",
    "occupancy_share",
    "backlog_end",
)
REPLICATIONS = 10


def main() -> None:
    """Run the city's week under today's service and under the plan, and print both."""
    from sim import show
    from sim.library import load
    from sim.run import ENGINES
    from sim.session import Session

    results = []
    for name in ("today", "plan"):
        loaded = load(name)
        session = Session(loaded, ENGINES[0], seed=1, workers=os.cpu_count() or 1, by=("pool",))
        results.append(session.run(REPLICATIONS, None, ""))
        if results[-1].interrupted:
            sys.exit(130)
    screen = show.console()
    screen.print("[bold]One city, one week: today's service against the plan's[/bold]")
    screen.print("50 communities, 50,000 users, 100 leaders; everything the plan does not say is an assumption.")
    show.side_by_side(results, FIGURES)
    screen.print("The same by who is asked first:")
    show.side_by_side_by(results, "pool", "first_response_mean_min", ("chat_agents", "phone_agents", "leaders"))
    show.side_by_side_by(results, "pool", "occupancy_share", ("chat_agents", "phone_agents", "leaders", "suppliers"))
    screen.print("What each figure means:  .venv/bin/linli measures")
    screen.print("Try a lever:             .venv/bin/linli run plan --set inputs.users_per_agent=1500")


if __name__ == "__main__":
    main()
