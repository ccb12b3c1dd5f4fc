"""The first page, run without a browser: every state of it, in both languages."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SEEDED, opening, seed
from streamlit.testing.v1 import AppTest

from app.components import crew
from app.components.answer import CONSEQUENCES, FIGURES, KEY_FIGURES, simulated
from app.components.levers import levers_of
from app.components.words import LANGUAGES, words
from sim.library import load
from sim.problems import InputError, Problem
from sim.store import Question, Store
from sim.study.replicate import Outcome

Open = Callable[..., AppTest]


def base_of(code: str) -> str:
    """The plan's own value of a lever, as the page writes it."""
    scenario = load("plan").scenario
    lever = next(x for x in levers_of(scenario) if x.code == code)
    return f"{lever.base(scenario):,.{lever.digits}f}"


def text(at: AppTest) -> str:
    """All HTML of the page."""
    bodies = [element.proto.body for element in at.get("html")]
    return html.unescape("\n".join(body for body in bodies if not body.startswith("<style>")))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty store, and nobody who simulates."""
    path = tmp_path / "app.store"
    monkeypatch.setenv(crew.STORE, str(path))
    monkeypatch.setenv(crew.WORKERS, "0")
    monkeypatch.setattr(crew, "REPLICATIONS", SEEDED)
    caches: list[Any] = [crew.service, crew.outcomes, crew.by_simulation, crew.against]
    for cache in caches:
        cache.clear()
    yield path
    made = crew.service()
    if made is not None:
        made.stop()
    for cache in caches:
        cache.clear()


@pytest.fixture
def visit() -> Open:
    """Open the page at an address."""

    def run(**parameters: str) -> AppTest:
        at = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
        for code, value in parameters.items():
            at.query_params[code] = value
        at.run()
        assert not at.exception
        return at

    return run


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answered_question_is_shown_as_simulated(
    store: Path, visit: Open, answered: dict[str, list[Outcome]], language: str
) -> None:
    seed(store, answered)
    shown = text(visit(lang=language))
    spoken = words(language)
    assert spoken("badge.simulated", n=SEEDED) in shown
    assert spoken("verdict.u_moved", value="1,500", base="1,000") in shown
    for figure in FIGURES:
        assert spoken(f"figure.{figure}") in shown
        assert spoken(f"definition.{figure}") in shown
    for figure in (*KEY_FIGURES, *CONSEQUENCES):
        assert f'data-figure="{figure}"' in shown
    for channel in ("phone", "chat", "group"):
        assert spoken(f"channel.{channel}") in shown
    assert "li-stale" not in shown
    busiest = simulated(answered["opening"]).busiest
    assert busiest is not None
    assert spoken(f"station.{busiest.station}") in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_new_question_gets_an_estimate_at_once_and_keeps_dimmed_what_theory_cannot_say(
    store: Path, visit: Open, answered: dict[str, list[Outcome]], language: str
) -> None:
    seed(store, answered)
    at = visit(lang=language)
    before = f"{100 * sum(o.figures['closed_within_24h_share'] for o in answered['opening']) / SEEDED:.1f}"
    at.slider(key="plan_u").set_value(2500).run()
    assert not at.exception
    shown = text(at)
    assert words(language)("badge.instant") in shown
    assert words(language)("verdict.u_moved", value="2,500", base="1,000") in shown
    stale = shown[shown.index("li-stale") :]
    assert words(language)("figure.stale") in stale
    assert before in stale
    for figure in CONSEQUENCES:
        assert f'<div class="li-follow li-stale" data-figure="{figure}">' in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_screen_of_an_empty_store_is_an_estimate_and_not_empty(
    store: Path, visit: Open, language: str
) -> None:
    shown = text(visit(lang=language))
    assert words(language)("badge.instant") in shown
    assert words(language)("figure.unknown") in shown
    assert words(language)("badge.queued") in shown


def test_without_a_store_the_page_still_estimates(store: Path, visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    store.mkdir()
    shown = text(visit(lang="en"))
    assert words("en")("badge.no_simulation") in shown


def test_the_address_follows_the_levers(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    at = visit(s="plan", lang="en")
    at.slider(key="plan_b").set_value(40)
    at.slider(key="plan_d").set_value(0.2).run()
    parameters = dict(at.query_params)
    assert parameters.pop("id")
    assert parameters == {"s": "plan", "b": "40", "d": "0.2", "lang": "en"}


def test_the_link_in_the_address_gives_the_same_question_in_the_other_language(
    store: Path, visit: Open, answered: dict[str, list[Outcome]]
) -> None:
    seed(store, answered)
    one, other = (visit(s="plan", u="2000", l="20", lang=language) for language in LANGUAGES)
    assert one.session_state.asked == other.session_state.asked
    assert one.session_state.asked != load("plan").hash


def test_changing_the_language_keeps_the_levers(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    at = visit(s="plan", u="1500", lang="en")
    at.slider(key="plan_l").set_value(10).run()
    at.session_state.language = "zh"
    at.run()
    assert at.slider(key="plan_l").value == 10
    assert at.slider(key="plan_u").value == 1500
    assert words("zh")("verdict.l_moved", value="10", base=base_of("l")) in text(at)


def test_reset_goes_back_to_the_baseline(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    at = visit(lang="en")
    at.button[-1].click().run()
    assert at.slider(key="plan_u").value == 1000
    assert at.session_state.asked == load("plan").hash
    assert "u" not in at.query_params
    assert words("en")("verdict.u_same", value="1,000") in text(at)


def test_only_the_plan_has_service_clocks(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    keys = {slider.key for slider in visit(s="today", lang="en").slider}
    assert keys == {"today_u", "today_b", "today_d", "today_l"}


def test_levers_go_beyond_what_an_assumption_thinks_likely(
    store: Path, visit: Open, answered: dict[str, list[Outcome]]
) -> None:
    seed(store, answered)
    at = visit(s="today", u="500", l="90", d="0.05", lang="en")
    assert words("en")("badge.instant") in text(at)


HOSTILE = {"s": "<script>alert(1)</script>", "u": "1e9", "b": "-5", "zz": "<b>x</b>", "id": "../../etc", "lang": "xx"}


def test_nonsense_in_the_address_is_left_out_counted_and_not_repeated(
    store: Path, visit: Open, answered: dict[str, list[Outcome]]
) -> None:
    seed(store, answered)
    at = visit(**HOSTILE)
    shown = text(at)
    assert words("en")("note.ignored", n=len(HOSTILE)) in shown
    assert not any(value in shown for value in HOSTILE.values())
    assert at.slider(key="plan_u").value == 1500


def test_cancelling_stops_the_job_and_offers_to_go_on(
    store: Path, visit: Open, answered: dict[str, list[Outcome]]
) -> None:
    seed(store, {"plan": answered["plan"]})
    at = visit(s="plan", u="3000", lang="en")
    at.button(key="stop").click().run()
    assert words("en")("badge.cancelled", done=0, wanted=SEEDED) in text(at)
    at.button(key="go_on").click().run()
    assert at.button(key="stop")


def test_a_failure_is_a_sentence(
    store: Path, visit: Open, answered: dict[str, list[Outcome]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(store, answered)
    real = crew.loaded_with

    def broken(scenario: str, sets: tuple[str, ...] = ()) -> object:
        if sets:
            raise InputError([Problem(("inputs",), "this cannot be", "something else")])
        return real(scenario, sets)

    monkeypatch.setattr(crew, "service", lambda: None)
    monkeypatch.setattr(crew, "loaded_with", broken)
    shown = text(visit(s="plan", u="2000", lang="en"))
    assert "this cannot be" in shown
    assert "Traceback" not in shown


def test_two_visitors_share_one_computation(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    one, other = (visit(s="plan", u="1700", lang="en") for _ in range(2))
    assert one.session_state.owner != other.session_state.owner
    assert one.session_state.ticket.key == other.session_state.ticket.key


def test_the_opening_question_is_prepared(store: Path, visit: Open, answered: dict[str, list[Outcome]]) -> None:
    seed(store, answered)
    visit(lang="en")
    with Store(store) as kept:
        assert len(kept.outcomes(Question.of(opening()).key)) == SEEDED
