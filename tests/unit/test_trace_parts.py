"""Traces on disk: parts hold every row once, whole, in order, and a run need not keep them in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sim.library import load
from sim.run import ENGINES, replicate
from sim.service.build import Network, build
from sim.service.parquet import TraceParts
from sim.service.record import Record
from sim.service.tables import Trace


@pytest.fixture(scope="module")
def network() -> Network:
    return build(load("today", sets=["horizon.days=2", "horizon.warm_up_days=0"]).scenario)


def columns(trace: Trace) -> dict[str, np.ndarray]:
    return {
        f"{block.name}.{column.name}": getattr(getattr(trace, block.name), column.name)
        for block in fields(trace)
        for column in fields(getattr(trace, block.name))
    }


def same(one: Record, other: Record) -> None:
    for mine, theirs in ((one.trace, other.trace), (one.open_rows, other.open_rows)):
        theirs_by_name = columns(theirs)
        for name, column in columns(mine).items():
            assert np.array_equal(column, theirs_by_name[name]), name


@pytest.mark.parametrize("rows_per_part", [1, 400, 10**9])
def test_parts_hold_the_finished_and_then_the_open_rows_in_order(
    network: Network, tmp_path: Path, rows_per_part: int
) -> None:
    parts = TraceParts(tmp_path, 7, rows_per_part)
    streamed = replicate(network, 1, 7, on_trace=parts.add, keep_trace=False)
    parts.close()
    whole = replicate(network, 1, 7)
    assert streamed.trace.visits.item.size == 0
    assert streamed.item_time_ms == whole.item_time_ms
    for block in fields(whole.trace):
        files = sorted(tmp_path.glob(f"{block.name}-00007-*.parquet"))
        assert len(files) >= (2 if rows_per_part < 10**9 and block.name == "visits" else 1)
        stored = [pq.read_table(file) for file in files]
        for column in fields(getattr(whole.trace, block.name)):
            expected = np.concatenate(
                [getattr(getattr(part, block.name), column.name) for part in (whole.trace, whole.open_rows)]
            )
            found = np.concatenate([table[column.name].to_numpy() for table in stored])
            assert np.array_equal(found, expected)
            assert found.dtype == expected.dtype
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_give_the_same_bits_as_one_after_the_other(network: Network, engine: str) -> None:
    def run(replication: int) -> Record:
        return replicate(network, 5, replication, engine=engine)

    alone = [run(r) for r in range(4)]
    with ThreadPoolExecutor(2) as pool:
        for mine, theirs in zip(alone, pool.map(run, range(4)), strict=True):
            same(mine, theirs)
