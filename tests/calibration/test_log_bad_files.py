"""A file that cannot be used is refused with one sentence, before its content is unpacked."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import Any

import pandas as pd
import pytest

from calibration.errors import LogError
from calibration.logs import ReadRules, read_log
from calibration.mapping import Mapping
from calibration.source import FileLimits


def read(path, data: dict[str, Any], form: str = "tsv", compressed: str = "none", **limits: int):
    mapping = Mapping.model_validate({**data, "log": {"format": form, "compressed": compressed}})
    return read_log(path, mapping, ReadRules(file=FileLimits(**limits)))


def test_a_column_that_the_log_does_not_have_is_named_with_those_that_it_has(write_rows, mapping_data):
    mapping_data["contact"] = "ticket"
    with pytest.raises(LogError, match="'ticket', which the log does not have") as caught:
        read(write_rows({}), mapping_data)
    assert (caught.value.line, caught.value.field) == (1, "ticket")
    assert "released" in caught.value.allowed


def test_a_column_that_occurs_twice_is_refused_only_if_the_mapping_names_it(write_rows, mapping_data):
    path = write_rows({})
    head, row = path.read_text().splitlines()
    path.write_text(f"{head}\tspare\tspare\n{row}\ta\tb\n")
    assert read(path, mapping_data).rows_read == 1
    path.write_text(f"{head}\twho\n{row}\ta\n")
    with pytest.raises(LogError, match="2 times"):
        read(path, mapping_data)


@pytest.mark.parametrize("form", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n", b"PAR1", "\ufeff".encode()])
def test_a_file_that_is_something_else_is_refused(tmp_path, mapping_data, form, content):
    path = tmp_path / "log"
    path.write_bytes(content)
    with pytest.raises(LogError) as caught:
        read(path, mapping_data, form)
    assert caught.value.file == str(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path, mapping_data):
    for path in (tmp_path / "none.tsv", tmp_path):
        with pytest.raises(LogError, match="no such file"):
            read(path, mapping_data)


def test_xes_is_refused_with_what_can_be_read(write_rows, mapping_data):
    with pytest.raises(LogError, match=r"XES.*allowed: csv, tsv or parquet"):
        read(write_rows({}), mapping_data, "xes")


def test_gzip_that_is_not_said_and_gzip_that_is_not_there_are_refused(write_rows, mapping_data):
    path = write_rows({})
    with pytest.raises(LogError, match="is not compressed"):
        read(path, mapping_data, compressed="gzip")
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(LogError, match="is compressed"):
        read(path, mapping_data)


@pytest.mark.parametrize("keep", [3, 15, 0.5, -4])
def test_a_gzip_that_breaks_off_is_refused(write_rows, mapping_data, keep):
    path = write_rows(*[{"id": str(n)} for n in range(3000)])
    whole = gzip.compress(path.read_bytes())
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(LogError, match="breaks off"):
        read(path, mapping_data, compressed="gzip")


def test_a_gzip_with_changed_bytes_is_refused(write_rows, mapping_data):
    path = write_rows(*[{"id": str(n)} for n in range(3000)])
    whole = bytearray(gzip.compress(path.read_bytes()))
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(LogError, match="gzip stream"):
        read(path, mapping_data, compressed="gzip")


@pytest.mark.parametrize("line", [b"a" * (1 << 20), b"a\tb\n" * (1 << 18)])
def test_a_gzip_that_unpacks_to_too_much_is_refused_in_little_memory(tmp_path, mapping_data, line):
    path = tmp_path / "bomb.tsv.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        for _ in range(8):
            stream.write(line)
    tracemalloc.start()
    with pytest.raises(LogError, match=r"too long|too many rows"):
        read(path, mapping_data, compressed="gzip", bytes=4 << 20, line_bytes=1 << 30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


def test_too_many_rows_columns_and_too_long_lines_are_refused_with_the_limit(write_rows, mapping_data):
    path = write_rows({}, {}, {"who": "x" * 500})
    assert read(path, mapping_data, rows=3, columns=11, line_bytes=700).rows_read == 3
    with pytest.raises(LogError, match=r"too many rows; allowed: at most 2"):
        read(path, mapping_data, rows=2)
    with pytest.raises(LogError, match=r"11 columns; allowed: at most 10"):
        read(path, mapping_data, columns=10)
    with pytest.raises(LogError, match=r":4: a line is too long; allowed: at most 400"):
        read(path, mapping_data, line_bytes=400)


def test_a_line_is_too_long_also_when_it_is_read_in_pieces(write_rows, mapping_data, monkeypatch):
    monkeypatch.setattr("calibration.source._CHUNK_BYTES", 64)
    path = write_rows({}, {"who": "x" * 500}, {})
    assert read(path, mapping_data, line_bytes=700).rows_read == 3
    with pytest.raises(LogError, match=":3: a line is too long"):
        read(path, mapping_data, line_bytes=400)


def test_a_parquet_is_measured_by_its_own_account_before_it_is_read(write_rows, tmp_path, mapping_data):
    table = pd.read_csv(write_rows(*[{}] * 5000), sep="\t", dtype=str)
    path = tmp_path / "log.parquet"
    table.to_parquet(path)
    assert read(path, mapping_data, "parquet").rows_read == 5000
    with pytest.raises(LogError, match=r"5,000 rows; allowed: at most 4,999"):
        read(path, mapping_data, "parquet", rows=4_999)
    with pytest.raises(LogError, match="11 columns"):
        read(path, mapping_data, "parquet", columns=10)
    with pytest.raises(LogError, match="too long"):
        read(path, mapping_data, "parquet", bytes=100)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(LogError, match="no Parquet file"):
        read(path, mapping_data, "parquet")


def test_a_long_cell_that_a_parquet_repeats_in_every_row_is_refused(write_rows, tmp_path, mapping_data):
    table = pd.read_csv(write_rows(*[{}] * 2000), sep="\t", dtype=str)
    table["who"] = "x" * 100_000
    table.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(LogError, match="who: a cell is too long"):
        read(tmp_path / "log.parquet", mapping_data, "parquet")


def test_a_parquet_column_of_lists_is_refused(write_rows, tmp_path, mapping_data):
    table = pd.read_csv(write_rows({}), sep="\t", dtype=str)
    table["who"] = [["Ann", "Bob"]]
    table.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(LogError, match="who: the column holds list"):
        read(tmp_path / "log.parquet", mapping_data, "parquet")


def test_a_log_without_rows_is_refused(write_rows, mapping_data):
    with pytest.raises(LogError, match="no rows"):
        read(write_rows(), mapping_data)


def test_a_log_of_nothing_but_wrong_rows_is_refused_with_the_reasons(write_rows, mapping_data):
    path = write_rows({"at": "noon"}, {"at": "night"}, {"result": "test"})
    with pytest.raises(LogError, match=r"none of the 3 rows can be used: 1 × outcome to ignore, 2 × time unreadable"):
        read(path, mapping_data)
    path.write_text(path.read_text().splitlines()[0] + "\n1\n2\n")
    with pytest.raises(LogError, match="2 × wrong number of fields"):
        read(path, mapping_data)


def test_bytes_that_are_no_utf8_spoil_their_row_at_most(write_rows, mapping_data):
    path = write_rows({}, {"result": "d?ne"})
    path.write_bytes(path.read_bytes().replace(b"d?ne", b"d\xffne"))
    assert read(path, mapping_data).rows_set_aside == {"outcome not in the mapping": 1}
