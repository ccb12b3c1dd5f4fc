"""What the page says follows from the figures: answers, verdicts, and the instant estimate beside the simulation."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from conftest import simulate

from app.components import charts, markup
from app.components.answer import CHANNELS, PARTS, TARGETS, Answer, differences, scaled, simulated, theory, values
from app.components.levers import levers_of, sets_of
from app.components.verdict import verdict
from app.components.words import LANGUAGES, words
from sim.instant import estimate
from sim.library import load
from sim.measures import Estimate
from sim.study.replicate import Outcome

SETTINGS: dict[str, tuple[str, dict[str, float]]] = {
    "plan": ("plan", {}),
    "plan, few agents": ("plan", {"u": 4000.0}),
    "plan, quick leaders": ("plan", {"l": 10.0}),
    "plan, much demand": ("plan", {"d": 0.3}),
    "today": ("today", {}),
    "today, few agents": ("today", {"u": 3000.0}),
    "today, all bot": ("today", {"b": 90.0}),
}


@pytest.fixture(scope="module")
def both() -> dict[str, tuple[Answer, Answer]]:
    """Theory's answer and four replications of several settings."""
    answers = {}
    for name, (scenario, moved) in SETTINGS.items():
        loaded = load(scenario, sets=sets_of(load(scenario).scenario, moved))
        answers[name] = theory(estimate(loaded.scenario)), simulated(simulate(loaded, 4))
    return answers


# The estimate waits too short: 0.83 of the simulated mean in the scenarios as they are, 0.69 to 0.74 near full load. It
# has no complaints that go further, which wait for days (2 min of the mean), no hour that is busier by chance than its
# day, and no urgent case that overtakes others by its clock; the last two tell near full load. Four replications know
# the mean to some 5 % there. Shares are off by up to 0.06: fewer give up where the waits are too short, so that more is
# solved at first; and agents are too busy at much demand, since the fortnight holds as many days of offers as the four
# weeks do, and nobody who was disappointed orders less in it.
SHORTEST, LONGEST = 0.62, 1.15
OFF = {"resolved": 0.07, "occupancy": 0.07}


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_estimate_has_the_simulations_size(both: dict[str, tuple[Answer, Answer]], setting: str) -> None:
    instant, slow = both[setting]
    response = [answer.figures["response"].mean for answer in (instant, slow)]
    assert SHORTEST < response[0] / response[1] < LONGEST
    for share, off in OFF.items():
        assert instant.figures[share].mean == pytest.approx(slow.figures[share].mean, abs=off)


@pytest.mark.parametrize("setting", [s for s in SETTINGS if ", " in s])
def test_the_estimate_has_the_simulations_direction(both: dict[str, tuple[Answer, Answer]], setting: str) -> None:
    before, after = both[setting.split(", ")[0]], both[setting]
    for figure, enough in (("response", 3.0), ("occupancy", 0.03)):
        change = [after[i].figures[figure].mean - before[i].figures[figure].mean for i in range(2)]
        if abs(change[1]) > enough:
            assert change[0] * change[1] > 0, (figure, change)


@pytest.mark.parametrize("scenario", ["plan", "today"])
def test_the_estimated_day_has_the_simulations_shape(both: dict[str, tuple[Answer, Answer]], scenario: str) -> None:
    for one, other in zip(both[scenario][0].hours, both[scenario][1].hours, strict=True):
        assert 1 / 2.5 < one.value.mean / other.value.mean < 2.5, one.hour


def test_the_estimate_has_no_randomness() -> None:
    one, other = (estimate(load("plan").scenario) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_parts_add_up_to_the_response(both: dict[str, tuple[Answer, Answer]], setting: str) -> None:
    for answer in both[setting]:
        assert sum(answer.parts.values()) == pytest.approx(answer.figures["response"].mean, rel=0.03)


def test_an_estimate_taken_from_a_baseline_is_the_baseline_when_nothing_moves(
    both: dict[str, tuple[Answer, Answer]],
) -> None:
    instant, slow = both["plan"]
    same = scaled(instant, instant, slow)
    for name, figure in same.figures.items():
        assert figure.mean == pytest.approx(slow.figures[name].mean)
        assert figure.replications == 0
    assert not same.simulated
    assert sum(same.parts.values()) == pytest.approx(same.figures["response"].mean)


def test_an_estimate_taken_from_a_baseline_is_nearer(both: dict[str, tuple[Answer, Answer]]) -> None:
    base, moved = both["plan"], both["plan, quick leaders"]
    taken = scaled(moved[0], base[0], base[1])
    truth = moved[1].figures["response"].mean
    assert abs(taken.figures["response"].mean - truth) < abs(moved[0].figures["response"].mean - truth)


def test_differences_are_paired(answered: dict[str, list[Outcome]]) -> None:
    same = differences(answered["plan"], answered["plan"])
    assert all((d.mean, d.low, d.high) == (0, 0, 0) for d in same.values())
    assert differences(answered["plan"], answered["plan"][:1]) == {}
    more = differences(answered["opening"], answered["plan"])["occupancy"]
    assert more.low is not None
    assert more.low > 0


def test_every_channel_of_a_contact_is_shown(both: dict[str, tuple[Answer, Answer]]) -> None:
    scenario = load("plan").scenario
    used = {kind.channel for kind in scenario.kinds.values() if kind.counts_as == "contact"}
    assert used <= set(CHANNELS)
    instant, slow = both["plan"]
    assert {channel for channel, _ in slow.channels} <= used
    assert {"phone", "chat", "group"} <= {channel for channel, _ in slow.channels}
    assert instant.channels == ()


def test_the_benefit_of_a_month_does_not_depend_on_the_length_of_the_run(answered: dict[str, list[Outcome]]) -> None:
    horizon = load("plan").scenario.horizon
    for outcome, month in zip(answered["plan"], values(answered["plan"], "benefit"), strict=True):
        counted = horizon.days - horizon.warm_up_days
        assert month == pytest.approx(outcome.figures["net_benefit_yuan"] * 30 / counted)


def test_goods_that_wait_are_nobodys_queue(both: dict[str, tuple[Answer, Answer]]) -> None:
    for instant, slow in both.values():
        assert all(answer.busiest is not None and answer.busiest.station != "goods" for answer in (instant, slow))


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mean", "low", "high", "state"),
    [(9.0, 8.0, 9.9, "met"), (11.0, 10.1, 12.0, "missed"), (10.0, 9.0, 11.0, "near"), (10.0, None, None, "met")],
)
def test_a_target_is_kept_missed_or_near(mean: float, low: float | None, high: float | None, state: str) -> None:
    assert TARGETS["response"].verdict(Estimate(mean, low, high, "min", 5)) == state


def test_a_target_from_below() -> None:
    assert TARGETS["resolved"].verdict(Estimate(0.95, 0.94, 0.96, "share", 5)) == "met"
    assert TARGETS["resolved"].verdict(Estimate(0.80, 0.79, 0.81, "share", 5)) == "missed"
    assert TARGETS["resolved"].verdict(Estimate(0.90, 0.89, 0.91, "share", 5)) == "near"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_verdict_names_what_keeps_the_target_from_being_met(
    both: dict[str, tuple[Answer, Answer]], language: str
) -> None:
    spoken, scenario = words(language), load("plan").scenario
    bases = {lever.code: lever.base(scenario) for lever in levers_of(scenario)}
    few, plenty = both["plan, few agents"][1], both["plan"][1]
    # Words that stand before the first number of each cause.
    causes = {part: spoken.entries[f"verdict.cause.{part}"].split("{")[0] for part in PARTS}
    for answer, moved, free in ((few, {"u": 4000.0}, False), (plenty, {}, True)):
        said = verdict(spoken, answer, moved, bases, "baseline", plenty, None)
        told = "".join(said.reasons)
        largest = max(answer.parts, key=lambda part: answer.parts[part])
        assert causes[largest] in told
        assert (spoken.entries["verdict.agents_free"].split("{")[0] in told) is free
        assert said.state == "missed"
        assert "{" not in said.headline + told


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(-1.0, 1.0, "none"), (0.1, 0.3, "small"), (4.0, 6.0, "more"), (-6.0, -4.0, "less")],
)
def test_the_verdict_calls_a_change_what_it_is(
    both: dict[str, tuple[Answer, Answer]], language: str, low: float, high: float, text: str
) -> None:
    spoken, answer = words(language), both["plan"][1]
    change = Estimate((low + high) / 2, low, high, "min", 9)
    said = verdict(spoken, answer, {"u": 1500.0}, {"u": 1000.0}, "X", answer, change)
    expected = spoken(
        f"verdict.change_{text}",
        baseline="X",
        base=spoken.number(answer.figures["response"].mean, "min"),
        minutes=spoken.number(abs(change.mean), "min"),
    )
    assert said.reasons[0] == expected


@pytest.mark.parametrize(
    ("difference", "unit", "text"),
    [
        (Estimate(-0.0412, -0.05, -0.03, "point", 9), "point", "−0.04 (−0.05 to −0.03)"),
        (Estimate(0.016, 0.014, 0.018, "1", 9), "share", "+1.6 points (1.4 to 1.8)"),
        (Estimate(0.0003, 0.0002, 0.0004, "1", 9), "share", "+0.03 points (0.02 to 0.04)"),
        (Estimate(118_000.0, 117_000.0, 119_000.0, "yuan", 9), "yuan_per_month", "+118 (117 to 119)"),
        (Estimate(0.1, -0.1, 0.3, "min", 9), "min", "no detectable difference"),
    ],
)
def test_a_difference_is_told_with_sign_and_interval(difference: Estimate, unit: str, text: str) -> None:
    assert markup.difference_text(words("en"), difference, unit) == text


def test_text_is_escaped_and_only_stars_become_bold() -> None:
    assert markup.text("<script>**a & b**</script>") == "&lt;script&gt;<b>a &amp; b</b>&lt;/script&gt;"


def test_the_chart_is_binned_before_it_is_sent(both: dict[str, tuple[Answer, Answer]]) -> None:
    instant, slow = both["plan"]
    chart = charts.day(words("zh"), slow, instant, (8.0, 23.0)).to_dict()
    assert max(len(rows) for rows in chart["datasets"].values()) == 24
    assert "http" not in str({key: value for key, value in chart.items() if key != "$schema"})
    assert "Noto Sans CJK SC" in chart["config"]["font"]


def test_a_day_without_contacts_is_drawn_without_them(both: dict[str, tuple[Answer, Answer]]) -> None:
    slow = both["plan"][1]
    nobody = Estimate(math.nan, None, None, "min", 0)
    hours = tuple(replace(h, value=nobody) if h.hour < 6 else h for h in slow.hours)
    assert len(charts.frame(replace(slow, hours=hours))) == 18
