"""Rows become contacts in integer milliseconds, or are set aside with a reason; none is lost."""

from __future__ import annotations

import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration.errors import LogError
from calibration.logs import NONE, REASONS, TOOK_PLACE, ReadRules, read_log
from calibration.mapping import DAY_MS, Mapping

HOUR = 3_600_000


def test_a_good_row_becomes_a_contact_in_milliseconds_from_the_first_midnight(write_rows, mapping):
    log = read_log(write_rows({}, {"on": "2024-01-02", "level": "2"}), mapping)
    first, second = log.contacts.to_dict("records")
    assert first == {
        "row": 2,
        "contact": "7",
        "kind": "red",
        "arrived_ms": 9 * HOUR,
        "queued_from_ms": 9 * HOUR,
        "queued_until_ms": 9 * HOUR + 10_000,
        "served_from_ms": 9 * HOUR + 10_000,
        "served_until_ms": 9 * HOUR + 120_000,
        "wait_ms": 10_000,
        "server": "Ann",
        "outcome": "answered",
        "priority_high": False,
        "day": 0,
        "weekday": 0,
        "open": True,
    }
    assert (second["arrived_ms"], second["day"], second["weekday"]) == (DAY_MS + 9 * HOUR, 1, 1)
    assert second["priority_high"]
    assert (log.first_day, log.days, log.date(1)) == (dt.date(2024, 1, 1), 2, dt.date(2024, 1, 2))
    assert (log.rows_read, log.rows_set_aside, log.remarks) == (2, {}, {})


def test_times_are_int64_and_none_is_minus_one(write_rows, mapping):
    left = {"result": "left", "start": "0:00:00", "end": "0:00:00", "who": "NOBODY"}
    log = read_log(write_rows(left), mapping)
    times = [name for name in log.contacts if str(name).endswith("_ms")]
    assert {str(log.contacts[name].dtype) for name in times} == {"int64"}
    assert log.contacts[["served_from_ms", "served_until_ms"]].to_numpy().tolist() == [[NONE, NONE]]
    assert log.contacts["server"].tolist() == [""]


WRONG = {
    "outcome to ignore": {"result": "test"},
    "outcome not in the mapping": {"result": "???"},
    "time unreadable": {"released": "nine"},
    "date far from the others": {"on": "1970-01-01"},
    "left before queueing": {"result": "left", "hold": "0:00:00", "released": "0:00:00"},
    "incomplete times": {"end": ""},
    "negative duration": {"released": "8:59:59"},
    "absurd duration": {"end": "13:30:00"},
    "kind not kept": {"topic": "green"},
    "clocks disagree": {"start": "9:01:30"},
    "answered by nobody": {"who": "NOBODY"},
    "answered without a service time": {"start": "0:00:00", "end": "0:00:00"},
}


@pytest.mark.parametrize(("reason", "change"), WRONG.items())
def test_a_wrong_row_is_set_aside_with_its_reason(write_rows, mapping, reason, change):
    log = read_log(write_rows({}, change, {}), mapping)
    assert log.rows_set_aside == {reason: 1}
    assert log.set_aside[["row", "reason"]].to_numpy().tolist() == [[3, reason]]
    assert len(log.contacts) == 2


def test_every_reason_is_tested():
    assert {"wrong number of fields", *WRONG} == set(REASONS)


def test_a_wait_of_more_than_the_longest_is_absurd(write_rows, mapping):
    long = {"released": "13:00:01", "start": "13:00:01", "end": "13:00:02"}
    assert read_log(write_rows({}, long), mapping).rows_set_aside == {"absurd duration": 1}
    assert read_log(write_rows(long), mapping, ReadRules(longest_wait_ms=5 * HOUR)).rows_set_aside == {}


def test_a_row_with_two_faults_has_the_first_reason_in_the_written_order(write_rows, mapping):
    for earlier, later in zip(WRONG, list(WRONG)[1:], strict=False):
        if WRONG[earlier].keys() & WRONG[later].keys() or "left" in (WRONG[earlier] | WRONG[later]).values():
            continue
        log = read_log(write_rows({}, WRONG[earlier] | WRONG[later]), mapping)
        assert list(log.rows_set_aside) == [earlier]


def test_lines_with_too_few_or_too_many_fields_are_set_aside(write_rows, mapping):
    path = write_rows({})
    path.write_text(path.read_text() + "1\t2\n" + "\t".join("x" * 30) + "\n\n")
    log = read_log(path, mapping)
    assert (log.rows_read, log.rows_set_aside) == (3, {"wrong number of fields": 2})
    assert log.set_aside["row"].tolist() == [3, 4]


def test_a_quotation_mark_that_is_never_closed_hides_no_row(write_rows, mapping_data):
    mapping_data["log"] = {"format": "csv"}
    path = write_rows({}, {"id": '"8'}, {}, {})
    path.write_text(path.read_text().replace("\t", ","))
    log = read_log(path, Mapping.model_validate(mapping_data))
    assert (log.rows_read, len(log.contacts), log.rows_set_aside) == (4, 1, {"wrong number of fields": 3})


def test_a_contact_that_passes_midnight_keeps_its_order(write_rows, mapping):
    late = {"at": "23:59:50", "hold": "23:59:50", "released": "0:00:05", "start": "0:00:04", "end": "0:03:00"}
    contact = read_log(write_rows(late), mapping).contacts.iloc[0]
    assert contact["wait_ms"] == 15_000
    assert contact["served_from_ms"] == DAY_MS + 4_000
    assert contact["served_until_ms"] == DAY_MS + 180_000
    assert contact["day"] == 0


def test_a_wait_that_ends_at_midnight_sharp_is_no_missing_time(write_rows, mapping):
    late = {"at": "23:59:50", "hold": "23:59:50", "released": "0:00:00", "start": "0:00:00", "end": "0:03:00"}
    contact = read_log(write_rows(late), mapping).contacts.iloc[0]
    assert (contact["wait_ms"], contact["served_from_ms"]) == (10_000, DAY_MS)


def test_who_was_answered_at_once_waited_nothing(write_rows, mapping):
    at_once = {"hold": "0:00:00", "released": "0:00:00", "start": "9:00:01"}
    contact = read_log(write_rows(at_once), mapping).contacts.iloc[0]
    assert (contact["wait_ms"], contact["queued_from_ms"]) == (0, NONE)


def test_service_columns_of_who_abandoned_are_left_out_with_a_remark(write_rows, mapping):
    log = read_log(write_rows({"result": "left"}), mapping)
    assert log.contacts[["served_from_ms", "server"]].to_numpy().tolist() == [[NONE, ""]]
    assert list(log.remarks.values()) == [1]
    assert log.works().empty


def test_the_clocks_of_queue_and_service_may_differ_by_the_stated_tolerance(write_rows, mapping):
    path = write_rows({}, {"start": "9:00:09"}, {"start": "9:01:10"}, {"start": "9:01:11"})
    assert read_log(path, mapping).rows_set_aside == {"clocks disagree": 1}
    assert read_log(path, mapping, ReadRules(clocks_apart_ms=500)).rows_set_aside == {"clocks disagree": 3}


def test_opening_hours_include_their_start_and_exclude_their_end(write_rows, mapping):
    def at(clock: str) -> dict[str, str]:
        return {"at": clock, "hold": "0:00:00", "released": "0:00:00", "start": clock, "end": clock}

    path = write_rows(at("7:59:59"), at("8:00:00"), at("19:59:59"), at("20:00:00"))
    assert read_log(path, mapping).contacts["open"].tolist() == [False, True, True, False]
    sunday = write_rows({"on": "2024-01-07"})
    assert read_log(sunday, mapping).contacts["open"].tolist() == [False]


def test_rows_set_aside_that_took_place_can_be_counted_and_keep_servers_busy(write_rows, mapping):
    log = read_log(
        write_rows({}, WRONG["kind not kept"], WRONG["answered by nobody"], WRONG["negative duration"]), mapping
    )
    assert len(log.offered()) == 1
    assert log.offered(also_counted=["kind not kept"])["kind"].tolist() == ["red", "green"]
    assert len(log.offered(also_counted=TOOK_PLACE)) == 3
    works = log.works()
    assert works[["server", "kind", "arrival"]].to_numpy().tolist() == [["Ann", "red", True], ["Ann", "green", False]]
    with pytest.raises(LogError, match="cannot be counted"):
        log.offered(also_counted=["negative duration"])


def test_offered_can_be_limited_to_weekdays_and_opening_hours(write_rows, mapping):
    log = read_log(write_rows({}, {"on": "2024-01-02"}, {"on": "2024-01-07"}), mapping)
    assert log.offered(weekdays=[0, 6])["day"].tolist() == [0, 6]
    assert log.offered(opening_hours_only=True)["day"].tolist() == [0, 1]


def test_one_column_may_hold_the_whole_moment(tmp_path, mapping_data):
    mapping_data["arrived"] = {"time": "at", "format": "%Y-%m-%dT%H:%M:%S"}
    mapping_data["queued"] = {"from": "hold", "until": "released"}
    cells = "7,red,2024-01-01T09:00:00,,,2024-01-01T09:00:00,2024-01-02T08:00:00,Ann,done,1"
    path = tmp_path / "log.csv"
    path.write_text("id,topic,at,hold,released,start,end,who,result,level\n" + cells + "\n")
    mapping_data["log"] = {"format": "csv"}
    mapping = Mapping.model_validate(mapping_data)
    log = read_log(path, mapping, ReadRules(longest_service_ms=30 * HOUR))
    assert log.contacts["served_until_ms"].tolist() == [DAY_MS + 8 * HOUR]


def test_gzip_parquet_and_plain_text_give_the_same_contacts(write_rows, tmp_path, mapping, mapping_data):
    path = write_rows({}, {"id": "8", "level": "2"}, WRONG["time unreadable"])
    plain = read_log(path, mapping)
    (tmp_path / "log.tsv.gz").write_bytes(gzip.compress(path.read_bytes()))
    mapping_data["log"] = {"format": "tsv", "compressed": "gzip"}
    zipped = read_log(tmp_path / "log.tsv.gz", Mapping.model_validate(mapping_data))
    table = pd.read_csv(path, sep="\t", dtype=str)
    table["level"] = table["level"].astype(float)  # as a column with gaps would be
    table["on"] = pd.to_datetime(table["on"]).dt.date
    table.to_parquet(tmp_path / "log.parquet")
    mapping_data["log"] = {"format": "parquet"}
    parquet = read_log(tmp_path / "log.parquet", Mapping.model_validate(mapping_data))
    columns = [name for name in plain.contacts if name != "row"]
    for other in (zipped, parquet):
        pd.testing.assert_frame_equal(plain.contacts[columns], other.contacts[columns])
        assert other.rows_set_aside == plain.rows_set_aside


cell = st.one_of(
    st.sampled_from(["", "0:00:00", "9:00:00", "9:00:10", "23:59:59", "25:00:00", "-1:00:00", "red", "done", "left"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\0"), max_size=8),
)
COLUMNS = 11


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(cell, min_size=COLUMNS, max_size=COLUMNS + 1), max_size=12))
def test_whatever_stands_in_the_rows_none_is_lost_and_kept_ones_make_sense(write_rows, mapping, rows):
    path = write_rows({})
    written = ["\t".join(row) for row in rows]
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.writelines(line + "\n" for line in written)
    log = read_log(path, mapping)
    assert log.rows_read == 1 + len(rows)
    assert log.rows_read == len(log.contacts) + sum(log.rows_set_aside.values())
    assert set(log.rows_set_aside) <= set(REASONS)
    kept = log.contacts
    assert (kept["wait_ms"] >= 0).all()
    assert (kept["served_until_ms"] >= kept["served_from_ms"]).all()
    assert kept["outcome"].isin(["answered", "abandoned"]).all()
    assert np.array_equal(kept["day"], kept["arrived_ms"] // DAY_MS)


clock = st.integers(0, 86_399)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=clock, wait=st.integers(1, 3_000), service=st.integers(0, 7_000))
def test_durations_survive_any_time_of_day(write_rows, mapping, start, wait, service):
    def text(second: int) -> str:
        second %= 86_400
        return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"

    ends = [text(start), text(start + wait), text(start + wait), text(start + wait + service)]
    row = dict(zip(("hold", "released", "start", "end"), ends, strict=True))
    if row["hold"] == row["released"] == "0:00:00" or row["start"] == row["end"] == "0:00:00":
        return  # no length at midnight sharp is what this log writes for "none"
    contact = read_log(write_rows({"at": text(start), **row}), mapping).contacts.iloc[0]
    assert contact["wait_ms"] == wait * 1000
    assert contact["served_until_ms"] - contact["served_from_ms"] == service * 1000
    assert contact["served_from_ms"] == (start + wait) * 1000
