"""How long it takes until something runs: compilation, the start of Python, imports, a small run in all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from sim.bench.child import ask
from sim.bench.figure import CannotMeasureError, Effort, Figure, Section, figure, missing
from sim.bench.timing import interleaved, wall_seconds

SECONDS = "s"
SMALL = "erlang_c"
"""The small scenario."""


def compilation(effort: Effort) -> list[Figure]:
    """Compilation without a cache, and what is left of it in a second process that finds the cache."""
    names = ("compile_s", "compile_second_process_s")
    goals = ("≤ 30", "0")
    if effort.quick:
        return [missing(n, SECONDS, "--quick leaves it out", goal=g) for n, g in zip(names, goals, strict=True)]
    try:
        with tempfile.TemporaryDirectory() as cache:
            environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
            answers = [ask("compilation", environment=environment) for _ in names]
    except CannotMeasureError as error:
        return [missing(n, SECONDS, str(error), goal=g) for n, g in zip(names, goals, strict=True)]
    notes = ("first run without a cache", "first run of a second process, which loads what the first compiled")
    return [
        figure(name, [max(answer["first_s"] - answer["second_s"], 0.0)], SECONDS, goal=goal, note=note)
        for name, goal, note, answer in zip(names, goals, notes, answers, strict=True)
    ]


def small_run(effort: Effort) -> list[Figure]:
    """``linli run`` of a small scenario, and what of it is Python's own start and imports."""
    linli = [sys.executable, "-c", "from sim.cli import main; main()", "run", SMALL, "--json"]
    goal = "≤ 2.5"
    try:
        _quietly(linli)  # fills the caches
        imported = [sum(ask("imports").values()) for _ in range(effort.runs)]
    except CannotMeasureError as error:
        return [missing("small_run_s", SECONDS, str(error), goal=goal)]
    measured = interleaved(
        {
            "python": lambda: wall_seconds(lambda: _quietly([sys.executable, "-c", "pass"])),
            "all": lambda: wall_seconds(lambda: _quietly(linli)),
            "one": lambda: wall_seconds(lambda: _quietly([*linli, "--workers", "1"])),
        },
        effort.runs,
    )
    run = f"linli run {SMALL}"
    return [
        figure("python_start_s", measured["python"], SECONDS, note="python -c pass"),
        figure("imports_s", imported, SECONDS, note="what linli run imports"),
        figure("small_run_s", measured["all"], SECONDS, goal=goal, note=run),
        figure("small_run_one_worker_s", measured["one"], SECONDS, goal=goal, note=f"{run} --workers 1"),
    ]


def _quietly(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CannotMeasureError(f"'{' '.join(command[3:])}' failed: {last}")


SECTIONS: tuple[Section, ...] = (compilation, small_run)
