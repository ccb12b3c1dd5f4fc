"""Both languages say the same things, and the configuration keeps visitors and server safe."""

from __future__ import annotations

import math
import re
import string
import tomllib

import pytest
from conftest import ROOT

from app.components import address
from app.components.answer import CHANNELS, FIGURES, OF_CHANNEL, PARTS, UNITS
from app.components.levers import LEVERS, SCENARIOS, entry, levers_of, sets_of
from app.components.words import LANGUAGES, words
from sim.library import load


def fields(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    english, chinese = (words(language).entries for language in LANGUAGES)
    assert english.keys() == chinese.keys()


@pytest.mark.parametrize("key", words("en").entries)
def test_a_text_has_the_same_fields_in_both_languages(key: str) -> None:
    # A sentence may leave out a field that another language needs, but not ask for one that the page does not give.
    english, chinese = (words(language).entries[key] for language in LANGUAGES)
    assert fields(chinese) == fields(english)


def test_no_text_is_left_in_the_other_language() -> None:
    same = {key for key, text in words("en").entries.items() if text == words("zh").entries[key]}
    assert same <= {"unit.share", "unit.1", "clock", "chart.base"}
    assert not any(re.search(r"[一-鿿]", text) for text in words("en").entries.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_named_has_a_name(language: str) -> None:
    entries = words(language).entries
    needed = [f"lever.{x.code}{end}" for x in LEVERS for end in ("", "_help")]
    needed += [f"verdict.{x.code}_moved" for x in LEVERS]
    needed += [f"{what}.{name}" for name in FIGURES for what in ("figure", "definition")]
    needed += [f"{what}.{name}" for name in PARTS for what in ("parts", "verdict.cause", "verdict.second")]
    needed += [f"scenario.{end}{name}" for name in SCENARIOS for end in ("", "baseline.")]
    needed += [f"channel.{name}" for name in CHANNELS] + [f"channel_figure.{name}" for name in OF_CHANNEL]
    needed += [f"unit.{unit}" for unit in UNITS.values()]
    needed += [f"station.{name}" for scenario in SCENARIOS for name in load(scenario).scenario.stations]
    assert set(needed) <= set(entries)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (22.94, "min", "22.9"),
        (0.915, "share", "91.5"),
        (1.0, "share", "100"),
        (426.4, "min", "426"),
        (99.97, "min", "100"),
        (-0.04, "min", "0.0"),
        (-0.5, "min", "−0.5"),
        (math.nan, "min", "–"),
        (4.32, "point", "4.32"),
        (0.426, "per_thousand", "0.43"),
        (84.2, "per_thousand", "84.2"),
        (-104_422.0, "yuan_per_month", "−104"),
        (5_912.0, "yuan_per_month", "5.9"),
    ],
)
def test_numbers_are_shown_as_people_read_them(value: float, unit: str, shown: str) -> None:
    assert words("en").number(value, unit) == shown


def test_money_is_told_in_each_languages_large_unit() -> None:
    told = [words(language).amount(-104_422.0, "yuan_per_month") for language in LANGUAGES]
    assert told == ["−104 thousand yuan", "−10.4 万元"]


def test_lists_of_one_two_and_three() -> None:
    listed = words("en").listed
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_an_address_reads_back_as_what_was_written() -> None:
    moved = {lever.code: lever.snapped((lever.low + lever.high) / 2) for lever in LEVERS}
    written = address.written("plan", moved, "zh", "abcdefghijkl")
    read = address.read({code: [value] for code, value in written.items()})
    assert (read.scenario, dict(read.moved), read.language, read.owner) == ("plan", moved, "zh", "abcdefghijkl")
    assert read.ignored == 0


@pytest.mark.parametrize(
    "parameters",
    [
        {"u": ["nan"]},
        {"u": ["1500", "1600"]},
        {"u": ["499"]},
        {"u": ["4001"]},
        {"u": [""]},
        {"d": ["0.15; drop"]},
        {"lang": ["<en>"]},
        {"id": ["short"]},
        {"id": ["x" * 33]},
        {"unknown": ["1"]},
        {"u": ["9" * 10_000]},
    ],
)
def test_nonsense_in_an_address_is_ignored(parameters: dict[str, list[str]]) -> None:
    read = address.read({"s": ["plan"]} | parameters)
    assert read.ignored == 1
    assert dict(read.moved) == {}


def test_a_scenario_that_is_none_gives_the_opening_question() -> None:
    read = address.read({"s": ["../today"]})
    assert (read.scenario, dict(read.moved), read.ignored) == ("plan", address.OPENING, 1)


def test_an_endless_address_is_read_to_a_limit() -> None:
    read = address.read({f"x{i}": ["1"] for i in range(10_000)})
    assert read.ignored == 10_000


def test_a_shared_link_names_nobody() -> None:
    assert address.link("http://host:1/?id=abcdefghijkl", "plan", {"u": 1500.0}, "en") == (
        "http://host:1/?s=plan&u=1500&lang=en"
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_end_of_every_lever_is_a_scenario(name: str) -> None:
    scenario = load(name).scenario
    for lever in levers_of(scenario):
        for value in (lever.low, lever.high):
            assert load(name, sets=sets_of(scenario, {lever.code: value})).hash != load(name).hash


@pytest.mark.parametrize("name", SCENARIOS)
def test_levers_at_rest_change_nothing(name: str) -> None:
    scenario = load(name).scenario
    at_rest = {lever.code: lever.base(scenario) for lever in levers_of(scenario)}
    assert sets_of(scenario, at_rest) == ()
    assert all(lever.snapped(lever.base(scenario)) == lever.base(scenario) for lever in levers_of(scenario))


def test_the_leaders_lever_moves_median_and_mean_together() -> None:
    scenario = load("plan").scenario
    moved = load("plan", sets=sets_of(scenario, {"l": 70.0})).scenario
    assert entry(moved, "leader_notice_mean_min") == 70
    median, mean = "leader_notice_median_min", "leader_notice_mean_min"
    ratio = entry(scenario, median) / entry(scenario, mean)
    assert entry(moved, median) == pytest.approx(70 * ratio, rel=1e-5)


def test_the_configuration_is_safe() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["enableCORS"] is True
    assert config["server"]["enableXsrfProtection"] is True
    assert config["server"]["maxUploadSize"] <= 5
    assert config["server"]["address"] == "127.0.0.1"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] == "none"
    assert config["client"]["toolbarMode"] == "minimal"
    assert "Noto Sans CJK SC" in config["theme"]["font"]
