"""Measuring: tasks in turn, so that whatever disturbs the machine hits all of them alike.

What runs on one core is measured in processor time, which hardly notices other programs; what runs on several cores, or
waits for the disk, in time by the wall clock.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping

Task = Callable[[], float]
"""Does some work and returns what was measured."""


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time that a piece of work takes, garbage of earlier pieces collected before."""
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def wall_seconds(work: Callable[[], object]) -> float:
    """Time by the wall clock that a piece of work takes."""
    gc.collect()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(tasks: Mapping[str, Task], rounds: int) -> dict[str, list[float]]:
    """Do all tasks in turn, several rounds; what each measured, by round."""
    measured: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            measured[name].append(task())
    return measured


def ratios(over: list[float], under: list[float]) -> list[float]:
    """Ratio of two tasks within each round."""
    return [a / b for a, b in zip(over, under, strict=True)]
