"""A log's file as blocks of text columns, with its size known before any of it is parsed.

A file comes from a stranger. A 1.9 MB gzip can hold 2 GB and a 4.4 MB Parquet 10⁹ rows, so bytes, lines, the
longest line and the columns are counted first, in a stream of constant memory, and a file above a limit is refused
with a sentence.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NoReturn, cast

from calibration.errors import LogError
from calibration.mapping import Mapping

_CHUNK_BYTES = 1 << 20
_BLOCK_ROWS = 50_000
_GZIP_MAGIC = b"\x1f\x8b"
_DELIMITERS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class FileLimits:
    """What a log's file may hold at most; counted before parsing."""

    bytes: int = 512 << 20  # decompressed
    rows: int = 2_000_000
    columns: int = 500
    line_bytes: int = 65_536


@dataclass(frozen=True)
class Block:
    """Some rows of a log: the mapped columns as text, in step with each other.

    Attributes
    ----------
    rows : list of int
        Where each row stands: the line of a text file (the header is line 1), or the row of a Parquet file, from 1.
    text : dict of str to list of str
        The cells by column name, without surrounding blanks.
    unreadable : list of int
        Lines that are no rows, because their number of fields is wrong or a quotation mark is not closed.
    """

    rows: list[int] = field(default_factory=list)
    text: dict[str, list[str]] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)


def read_blocks(path: Path, mapping: Mapping, limits: FileLimits) -> Iterator[Block]:
    """Count the file, then read the mapping's columns in blocks.

    Raises
    ------
    LogError
        If there is no such file, it is not in the mapping's format, is broken, lacks a column, or is above a limit.
    """
    if not path.is_file():
        _refuse(path, "there is no such file", "the path of a log")
    if mapping.log.format == "xes":
        _refuse(path, "XES logs cannot be read yet", "csv, tsv or parquet", field="log.format")
    if mapping.log.format == "parquet":
        yield from _parquet_blocks(path, mapping, limits)
    else:
        _count(path, mapping, limits)
        yield from _text_blocks(path, mapping, limits)


def _refuse(path: Path, message: str, allowed: str = "", *, field: str = "", line: int | None = None) -> NoReturn:
    raise LogError(file=str(path), line=line, field=field, message=message, allowed=allowed) from None


def _open(path: Path, mapping: Mapping) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path, "rb")) if mapping.log.compressed == "gzip" else path.open("rb")


def _count(path: Path, mapping: Mapping, limits: FileLimits) -> None:
    """Refuse a text file that is above a limit, is binary, or ends in the middle of its compression."""
    try:
        with path.open("rb") as stream:
            magic = stream.read(2)
    except OSError as error:
        _refuse(path, f"the file cannot be read: {error.strerror}", "a file that you may read")
    if not magic:
        _refuse(path, "the file is empty", "a header line and one row per contact")
    if (magic == _GZIP_MAGIC) != (mapping.log.compressed == "gzip"):
        said = "is not" if mapping.log.compressed == "gzip" else "is"
        _refuse(path, f"the file {said} compressed by gzip", "what the file is", field="log.compressed")
    total, lines, tail = 0, 0, 0  # tail: bytes since the last line's end
    try:
        with _open(path, mapping) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                total += len(chunk)
                if total > limits.bytes:
                    _refuse(path, "the log is too long", f"at most {limits.bytes:,} bytes, decompressed")
                if b"\0" in chunk:
                    _refuse(path, "the file holds zero bytes, so it is no text in UTF-8", "text", field="log.format")
                lengths = list(map(len, chunk.split(b"\n")))
                lengths[0] += tail
                longest = max(range(len(lengths)), key=lengths.__getitem__)
                if lengths[longest] > limits.line_bytes:
                    allowed = f"at most {limits.line_bytes:,} bytes"
                    _refuse(path, "a line is too long", allowed, line=lines + longest + 1)
                lines += len(lengths) - 1
                tail = lengths[-1]
                if lines > limits.rows + 1:
                    _refuse(path, "the log has too many rows", f"at most {limits.rows:,}")
    except EOFError:
        _refuse(path, f"the gzip stream breaks off after {total:,} bytes", "a complete file")
    except (gzip.BadGzipFile, zlib.error) as error:
        _refuse(path, f"the gzip stream is broken after {total:,} bytes: {error}", "a complete file")
    except OSError as error:
        _refuse(path, f"the file cannot be read: {error.strerror}", "a file that you may read")
    if not total:
        _refuse(path, "the file is empty", "a header line and one row per contact")


def _columns(path: Path, header: list[str], mapping: Mapping, limits: FileLimits) -> dict[str, int]:
    """Position of each mapped column; refuses too many, missing and doubled ones."""
    if len(header) > limits.columns:
        _refuse(path, f"the log has {len(header):,} columns", f"at most {limits.columns:,}", line=1)
    for name in mapping.columns:
        if name not in header:
            shown = ", ".join(header[:30]) + (", …" if len(header) > 30 else "")
            message = f"the mapping names the column '{name}', which the log does not have"
            _refuse(path, message, shown[:500], field=name, line=1)
        if header.count(name) > 1:
            message = f"the mapping names the column '{name}', which the log has {header.count(name)} times"
            _refuse(path, message, "a name that occurs once", field=name, line=1)
    return {name: header.index(name) for name in mapping.columns}


def _text_blocks(path: Path, mapping: Mapping, limits: FileLimits) -> Iterator[Block]:
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if mapping.log.format == "csv" else csv.QUOTE_NONE
    with _open(path, mapping) as raw, io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.reader(stream, delimiter=_DELIMITERS[mapping.log.format], quoting=quoting)
        try:
            header = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            _refuse(path, f"the header cannot be read: {error}", "the names of the columns", line=1)
        place = _columns(path, header, mapping, limits)
        block = Block(text={name: [] for name in place})
        line = reader.line_num
        while True:
            cells: list[str] | None
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error:
                cells = None
            first, line = line + 1, reader.line_num
            if cells is None or (cells and len(cells) != len(header)):
                block.unreadable.extend(range(first, line + 1))
            elif cells:
                block.rows.append(first)
                for name, at in place.items():
                    block.text[name].append(cells[at].strip())
            if len(block.rows) >= _BLOCK_ROWS:
                yield block
                block = Block(text={name: [] for name in place})
        yield block


def _parquet_blocks(path: Path, mapping: Mapping, limits: FileLimits) -> Iterator[Block]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as head:
            meta, schema = head.metadata, head.schema_arrow
    except (pa.ArrowException, OSError):
        _refuse(path, "the file is no Parquet file, or is broken", "what the file is", field="log.format")
    if meta.num_rows > limits.rows:
        _refuse(path, f"the log has {meta.num_rows:,} rows", f"at most {limits.rows:,}")
    if sum(meta.row_group(n).total_byte_size for n in range(meta.num_row_groups)) > limits.bytes:
        _refuse(path, "the log is too long", f"at most {limits.bytes:,} bytes, decompressed")
    place = _columns(path, list(schema.names), mapping, limits)
    # Strings stay in their dictionary: a long one that is repeated in every row would otherwise be written out each
    # time.
    kinds = {name: schema.field(name).type for name in place}
    words = [name for name, kind in kinds.items() if pa.types.is_string(kind) or pa.types.is_large_string(kind)]
    row = 1
    try:
        with pq.ParquetFile(path, read_dictionary=words) as table:
            for batch in table.iter_batches(_BLOCK_ROWS, columns=list(place)):
                text = {name: _cells(path, batch.column(name), name, mapping, limits) for name in place}
                yield Block(rows=list(range(row, row + batch.num_rows)), text=text)
                row += batch.num_rows
    except (pa.ArrowException, OSError):
        _refuse(path, f"the file is broken after {row - 1:,} rows", "a complete file")


def _cells(path: Path, column: Any, name: str, mapping: Mapping, limits: FileLimits) -> list[str]:
    """Write a Parquet column as a text file would hold it: moments in the mapping's format, nothing for null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
        if longest > limits.line_bytes:
            _refuse(path, "a cell is too long", f"at most {limits.line_bytes:,} bytes", field=name)
    elif pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        _refuse(path, f"the column holds {column.type}", "text, numbers, dates or times", field=name)
    arrived = mapping.arrived
    known = arrived.date_format if name == arrived.date else arrived.clock_format
    values = column.to_pylist()
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type) or pa.types.is_time(column.type):
        return ["" if value is None else value.strftime(known) for value in values]
    if pa.types.is_floating(column.type):  # a column of whole numbers with gaps is often stored so
        values = [int(value) if value is not None and value.is_integer() else value for value in values]
    return ["" if value is None else str(value).strip() for value in values]
