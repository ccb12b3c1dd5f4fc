"""What has to be measured in a process of its own: ``python -m sim.bench.child NAME [ARGUMENT …]``.

It prints a JSON object of numbers.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.bench.figure import CannotMeasureError

CANNOT = 3
"""Exit status when something is missing; the reason is on standard error."""


def ask(name: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run one of this module's functions in a new process and return what it prints.

    Raises
    ------
    CannotMeasureError
        If something that it needs is missing, or the process fails.
    """
    command = [sys.executable, "-m", "sim.bench.child", name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CannotMeasureError(last if done.returncode == CANNOT else f"its process failed: {last}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def peer(name: str, days: str) -> dict[str, float]:
    """Contacts per second of processor time of a peer's model, after a short run that compiles and warms up."""
    from sim.bench.peers import peer as model
    from sim.bench.timing import processor_seconds

    module = model(name)
    module.run(0.01, 0)
    outcomes = []
    seconds = processor_seconds(lambda: outcomes.append(module.run(float(days), 1)))
    return {"contacts": outcomes[0].contacts, "contacts_per_s": outcomes[0].contacts / seconds}


def peak(contacts: str) -> dict[str, float]:
    """Largest resident memory of a run of so many contacts with figures only."""
    from sim.bench.networks import COMPILED, contact_centre, require_engine, stream

    engine = require_engine(COMPILED)
    tally = stream(contact_centre(1), engine, int(contacts))
    return {"peak_mib": peak_mib(), "contacts": tally.contacts, "requests": tally.requests}


def national_year(days: str) -> dict[str, float]:
    """Processor seconds of so many days of the nation by part, and the largest resident memory."""
    from sim.bench.world import NATION, shipped, spent

    spent(shipped(NATION, 1), 0)  # loads what is compiled
    return spent(shipped(NATION, int(days)), 1) | {"peak_gib": peak_mib() / 1024}


def peak_mib() -> float:
    """Largest resident memory of this process so far.

    On Linux ``ru_maxrss`` begins with what the parent had, so that the system's own account is preferred.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        status = ""
    high = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    if high:
        return int(high[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def item(number: str) -> dict[str, float]:
    """Bytes that one more item in the system takes: twice as many that wait, against so many.

    Both numbers are a little below a power of two, so that arrays that grow by doubling are full.
    """
    import tracemalloc

    import numpy as np

    from sim.bench.networks import COMPILED, SEED, require_engine
    from sim.library import load
    from sim.run import make_engine
    from sim.service.build import build
    from sim.service.presence import windows
    from sim.service.tables import Arrivals

    engine = require_engine(COMPILED)
    network = build(load("erlang_a").scenario)
    entry = next(iter(network.entry.values()))

    def held(count: int) -> int:
        long, short = np.zeros(count, np.int64), np.zeros(count, np.int32)
        nobody = short - 1
        arrivals = Arrivals(long, short + entry, short, short, np.arange(count), nobody, nobody, long - 1, nobody)
        machine = make_engine(engine, network.tables, SEED, 0)
        machine.add_windows(windows(network.scenario, 1, SEED, 0))
        tracemalloc.start()
        machine.add_arrivals(arrivals)
        machine.run(1)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return held

    items = int(number)
    held(16)
    return {"bytes": (held(2 * items - 64) - held(items - 64)) / items}


def compilation() -> dict[str, float]:
    """Seconds that a first run of a small scenario takes beyond the second."""
    from sim.bench.networks import COMPILED, contact_centre, require_engine
    from sim.run import replicate

    engine = require_engine(COMPILED)
    network = contact_centre(1, times=0.01)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        replicate(network, 1, 0, engine=engine)
        seconds.append(time.perf_counter() - start)
    return {"first_s": seconds[0], "second_s": seconds[1]}


def imports() -> dict[str, float]:
    """Seconds that the imports of ``linli run`` take, by module."""
    import importlib

    seconds = {}
    for name in ("sim.cli", "sim.session", "sim.library", "sim.run", "sim.show", "sim.service.compiled"):
        start = time.perf_counter()
        importlib.import_module(name)
        seconds[name] = time.perf_counter() - start
    return seconds


TASKS: dict[str, Any] = {
    "peer": peer,
    "peak": peak,
    "item": item,
    "national_year": national_year,
    "compilation": compilation,
    "imports": imports,
}


def main() -> None:
    """Do what the command line says."""
    try:
        answer = TASKS[sys.argv[1]](*sys.argv[2:])
    except CannotMeasureError as error:
        print(error, file=sys.stderr)
        sys.exit(CANNOT)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
