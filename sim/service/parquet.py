"""Traces on disk: one Parquet file per table and replication, times as int64 ms."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from sim.service.record import Record


def write_trace(record: Record, folder: str) -> list[Path]:
    """Write finished and open rows of a replication; each file appears whole or not at all.

    Open rows have ended −1 and stand behind the finished ones. Returns the files: visits, items, clocks, marks.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for name in (f.name for f in fields(record.trace)):
        finished, still_open = getattr(record.trace, name), getattr(record.open_rows, name)
        columns = {
            column.name: pa.chunked_array([getattr(finished, column.name), getattr(still_open, column.name)])
            for column in fields(finished)
        }
        path = target / f"{name}-{record.replication:05d}.parquet"
        part = path.with_suffix(".part")
        pq.write_table(pa.table(columns), part, compression="zstd")
        part.replace(path)
        written.append(path)
    return written
