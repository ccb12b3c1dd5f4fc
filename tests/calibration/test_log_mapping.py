"""A mapping says what a log's columns are, and an unclear one is refused with a sentence."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from calibration.errors import LogError
from calibration.mapping import DAY_MS, Mapping, load_mapping, mapping_from

SHIPPED = sorted((Path(__file__).parents[2] / "calibration" / "mappings").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_mapping_loads(path):
    assert load_mapping(path).columns


def test_columns_are_those_that_the_mapping_names(mapping):
    expected = {"id", "topic", "on", "at", "hold", "released", "start", "end", "who", "result", "level"}
    assert set(mapping.columns) == expected


def test_opening_hours_count_in_milliseconds_by_weekday(mapping):
    hour = 3_600_000
    assert mapping.opening_ms == {**dict.fromkeys(range(5), (8 * hour, 20 * hour)), 5: (10 * hour, 12 * hour)}


def test_a_range_of_days_may_pass_the_end_of_the_week(mapping_data):
    mapping_data["open"] = {"sat-mon": "00:00-24:00"}
    assert Mapping.model_validate(mapping_data).opening_ms == dict.fromkeys((5, 6, 0), (0, DAY_MS))


def test_without_opening_hours_it_is_always_open(mapping_data):
    del mapping_data["open"]
    assert Mapping.model_validate(mapping_data).opening_ms == dict.fromkeys(range(7), (0, DAY_MS))


def test_numbers_stand_for_their_digits(mapping):
    assert mapping.priority is not None
    assert mapping.priority.high == ("2",)


def test_a_mapping_cannot_be_changed(mapping):
    with pytest.raises(ValueError, match="frozen"):
        mapping.contact = "other"


@pytest.mark.parametrize(
    ("part", "value", "field", "said"),
    [
        ("colour", "red", "colour", "is no part of a mapping"),
        ("contact", None, "contact", "valid string"),
        ("log", {"format": "xlsx"}, "log.format", "'csv', 'tsv', 'parquet' or 'xes'"),
        ("log", {"format": "parquet", "compressed": "gzip"}, "log", "compresses itself"),
        ("kind", {"column": "topic", "keep": []}, "kind.keep", "at least 1"),
        ("kind", {"column": "topic", "keep": [False]}, "kind.keep.0", "put it in quotes"),
        ("kind", {"column": "topic", "keep": ["red", "red"]}, "kind.keep", "more than once"),
        ("queued", {"from": "hold", "until": "released", "none": 0}, "queued.none", "valid string"),
        ("outcome", {"column": "r", "answered": ["x"], "abandoned": ["x"]}, "outcome", "more than once"),
        ("arrived", {"date": "on", "time": "at", "format": "%Y-%m-%d"}, "arrived", "hour"),
        ("arrived", {"date": "on", "time": "at", "format": "%H:%M %Y-%m-%d"}, "arrived", "one space"),
        ("arrived", {"time": "at", "format": "%Y-%m-%dT%H:%M:%S%z"}, "arrived", "without a zone"),
        ("open", {"mon": "08:00-25:00"}, "open", "no range within a day"),
        ("open", {"mon": "20:00-08:00"}, "open", "no range within a day"),
        ("open", {"monday": "08:00-20:00"}, "open", "no range of days"),
        ("open", {"mon-wed": "08:00-20:00", "tue": "09:00-10:00"}, "open", "more than one range"),
    ],
)
def test_a_wrong_mapping_is_refused_by_field(mapping_data, part, value, field, said):
    mapping_data[part] = value
    with pytest.raises(LogError) as caught:
        mapping_from(mapping_data, file="m.yaml", lines={(part,): ("m.yaml", 12)})
    assert (caught.value.file, caught.value.line, caught.value.field) == ("m.yaml", 12, field)
    assert said in str(caught.value)


def test_a_missing_part_is_named(mapping_data):
    del mapping_data["served"]
    with pytest.raises(LogError, match="served: is missing"):
        mapping_from(mapping_data)


@pytest.mark.parametrize(
    "content",
    [b"a: &x 1\nb: *x\n", b"a: [1\n", b"- 1\n", b"", b"\xff\xfe\x00", b"[" * 20_000, b"contact: a\ncontact: b\n"],
    ids=["alias", "not closed", "list", "empty", "binary", "deep", "doubled"],
)
def test_a_file_that_is_no_mapping_is_refused_with_one_line(tmp_path, content):
    path = tmp_path / "m.yaml"
    path.write_bytes(content)
    with pytest.raises(LogError) as caught:
        load_mapping(path)
    assert caught.value.file == str(path)
    assert "\n" not in str(caught.value)


def test_a_fault_in_a_file_has_its_line(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(SHIPPED[0].read_text().replace("served: {", "served: {hidden: x, "))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), start=1) if text.startswith("served"))
    with pytest.raises(LogError) as caught:
        load_mapping(path)
    assert (caught.value.line, caught.value.field) == (line, "served.hidden")


def test_a_mapping_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LogError) as caught:
        load_mapping(tmp_path / "none.yaml")
    assert "none.yaml" in str(caught.value)


def test_an_error_says_file_line_field_message_and_what_is_allowed_and_survives_another_process():
    error = LogError(file="a.tsv", line=3, field="at", message="is no time", allowed="h:mm:ss")
    assert str(error) == "a.tsv:3: at: is no time; allowed: h:mm:ss"
    again = pickle.loads(pickle.dumps(error))
    assert vars(again) == vars(error)
    assert str(again) == str(error)
