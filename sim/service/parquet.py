"""Traces on disk: Parquet parts of each table and replication, times as int64 ms.

A part is written to a temporary name, synced and renamed, so that it is there whole or not at all; parts are written as
the run goes, so that a year never has to fit in memory.
"""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from sim.service.tables import Trace, concatenate, rows_of

ROWS_PER_PART = 750_000


class TraceParts:
    """Writes one replication's trace into a folder, as ``visits-00003-0000.parquet`` and so on.

    Parameters
    ----------
    folder : where the parts go; made if missing.
    replication : number of the replication.
    rows_per_part : a part is written as soon as so many rows of its table have come together.
    """

    def __init__(self, folder: str | Path, replication: int, rows_per_part: int = ROWS_PER_PART) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.replication = replication
        self.rows_per_part = rows_per_part
        self.waiting: dict[str, list[Any]] = {f.name: [] for f in fields(Trace)}
        self.parts = dict.fromkeys(self.waiting, 0)

    def add(self, trace: Trace) -> None:
        """Take the rows of a day (or the open ones at the end: ended −1) and write the parts that are full."""
        for name, blocks in self.waiting.items():
            blocks.append(getattr(trace, name))
            if sum(rows_of(block) for block in blocks) >= self.rows_per_part:
                self._write(name)

    def close(self) -> None:
        """Write what is left; a table without any row gets one empty part, so that it can be read."""
        for name, blocks in self.waiting.items():
            if self.parts[name] == 0 or any(rows_of(block) > 0 for block in blocks):
                self._write(name)

    def _write(self, name: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        block = concatenate(self.waiting[name])
        path = self.folder / f"{name}-{self.replication:05d}-{self.parts[name]:04d}.parquet"
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            pq.write_table(pa.table({f.name: getattr(block, f.name) for f in fields(block)}), file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        self.parts[name] += 1
        self.waiting[name] = []
