"""Both engines give the same trace on every scenario that is shipped, and on a sample with bounds checked."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
from cut_runs import Cut, Plan, content_of, first_difference, states

from sim.library import load, names
from sim.run import built_of, make_engine
from sim.service.build import DAY, build
from sim.world.ordinary import ordinary

pytestmark = pytest.mark.agreement

HERE = pathlib.Path(__file__).parent
HOUR = 3_600_000
SEED = 7


@pytest.mark.parametrize("name", sorted(names()))
def test_engines_agree_on_each_shipped_scenario(name: str) -> None:
    network = build(load(name, sets=["horizon.days=2", "horizon.warm_up_days=0"]).scenario)
    if network.scenario.world is not None:
        # The network of a world with the arrivals of an ordinary fortnight; whole worlds: test_world_agrees.py.
        network = build(ordinary(built_of(network)).scenario)
    cuts = (
        Cut(10 * HOUR, ("speeds",), 1),
        Cut(11 * HOUR + 1234),
        Cut(DAY, ("shares", "skills"), 2),
        Cut(network.until_ms),
    )
    plan = Plan(SEED, cuts, in_pieces=True)
    content = content_of(network, plan)
    runs = []
    for engine in ("reference", "compiled"):
        machine = make_engine(engine, network.tables, SEED, 0)
        runs.append(states(machine, network, plan, content))
    assert sum(state.trace.items.item.size for state in runs[0]) > 0
    assert first_difference(*runs) == ""


CHECKED = """
import numba.core.config
from test_agreement import disagreement
from random_scenarios import by_seed
assert numba.core.config.BOUNDSCHECK == 1
wrong = [f"seed {seed}: {found}" for seed in range(60) if (found := disagreement(by_seed(seed)))]
print(wrong or "agree")
"""


@pytest.mark.slow
def test_the_kernel_never_leaves_its_arrays_on_a_sample_with_bounds_checked(tmp_path: pathlib.Path) -> None:
    environment = dict(os.environ, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", CHECKED], cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "agree", done.stdout + done.stderr[-4000:]
