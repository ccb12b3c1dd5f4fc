"""First page: move a lever and see what it would do to the service.

A full run of the script reads the levers and asks the question; the answer is drawn by a fragment that looks for new
replications until all are there. Nothing here waits: what is not simulated yet is estimated by theory, and what theory
cannot say is shown as it was, dimmed.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.components import address, charts, crew, markup
from app.components.answer import FIGURES, UNITS, Answer, agents_on_payroll, open_hours, scaled
from app.components.levers import CLOCKS, LEVERS, SCENARIOS, Lever, entry, levers_of, sets_of
from app.components.verdict import verdict
from app.components.words import DEFAULT, LANGUAGES, Words, words
from app.jobs import JobService, Ticket
from sim.library import Loaded
from sim.measures import Estimate
from sim.problems import InputError
from sim.store import Question, Status

POLL_S = 0.35
"""How often the page looks for new replications while there are more to come."""


@dataclass(frozen=True)
class View:
    """What the page was asked: a scenario, the levers that were moved, a language, and how to get the answers."""

    words: Words
    scenario: str
    moved: dict[str, float]
    base: Loaded
    loaded: Loaded
    sets: tuple[str, ...]
    made: JobService | None
    polling: bool

    @property
    def baseline_name(self) -> str:
        """What the baseline is called in a sentence."""
        return self.words(f"scenario.baseline.{self.scenario}")


def show() -> None:
    """The page."""
    st.html(markup.style())
    _open_view()
    spoken = words(st.session_state.language)
    made = crew.service()
    _header(spoken)
    if st.session_state.ignored:
        st.html(f'<div class="li-note">{markup.text(spoken("note.ignored", n=st.session_state.ignored))}</div>')
    answer, side = st.columns([3.55, 1], gap="medium")
    scenario = st.session_state.scenario
    base = crew.loaded_with(scenario)
    with side, st.container(key="levers"):
        moved = _levers(spoken, base)
    _write_address(moved)
    try:
        sets = sets_of(base.scenario, moved)
        loaded = crew.loaded_with(scenario, sets)
        if made is not None:
            _ask(made, base, loaded)
    except InputError as error:
        with answer:
            st.html(f'<div class="li-note">{markup.text(spoken("note.broken", error=str(error.problems[0])))}</div>')
        return
    polling = made is not None and _more_to_come(made)
    view = View(spoken, scenario, moved, base, loaded, sets, made, polling)
    with answer:
        st.fragment(_answer, run_every=POLL_S if polling else None)(view)


# ── the view: address and session ────────────────────────────────────────────────────────────────────────────────


def _open_view() -> None:
    """At the first run of a session, take the view from the address."""
    state = st.session_state
    if "owner" in state:
        return
    asked = address.read({code: st.query_params.get_all(code) for code in st.query_params})
    own = {lever.code: lever for lever in levers_of(crew.loaded_with(asked.scenario).scenario)}
    state.owner = asked.owner or address.new_owner()
    state.ignored = asked.ignored + sum(code not in own for code in asked.moved)
    state.scenario = asked.scenario
    locale = (st.context.locale or "").lower()
    state.language = asked.language or ("zh" if locale.startswith("zh") else DEFAULT)
    for code, value in asked.moved.items():
        if code in own:
            state[_key(asked.scenario, own[code])] = _typed(own[code], value)


def _key(scenario: str, lever: Lever) -> str:
    return f"{scenario}_{lever.code}"


def _typed(lever: Lever, value: float) -> float | int:
    """Sliders of whole numbers are given whole numbers."""
    return float(value) if lever.digits else int(value)


def _write_address(moved: dict[str, float]) -> None:
    state = st.session_state
    wanted = address.written(state.scenario, moved, state.language, state.owner)
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


# ── header and levers ────────────────────────────────────────────────────────────────────────────────────────────


def _header(spoken: Words) -> None:
    with st.container(key="header", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.html(
            f'<div class="li-brand"><b>{markup.text(spoken("app.name"))}</b>'
            f"<span>{markup.text(spoken('app.subtitle'))}</span></div>",
            width="content",
        )
        with st.container(key="tools", horizontal=True, width="content", vertical_alignment="center"):
            with st.popover(spoken("share.label"), width="content"):
                st.write(spoken("share.text"))
                st.code(_link(), language=None, wrap_lines=True)
            st.segmented_control(
                spoken("language.label"),
                list(LANGUAGES),
                format_func=LANGUAGES.__getitem__,
                key="language",
                required=True,
                label_visibility="collapsed",
            )


def _link() -> str:
    scenario = crew.loaded_with(st.session_state.scenario).scenario
    moved = {lever.code: _value(scenario.name, lever) for lever in levers_of(scenario)}
    moved = {x.code: moved[x.code] for x in levers_of(scenario) if moved[x.code] not in (None, x.base(scenario))}
    return address.link(st.context.url or "", scenario.name, moved, st.session_state.language)


def _value(scenario: str, lever: Lever) -> float:
    state = st.session_state
    value = state.get(_key(scenario, lever))
    return lever.base(crew.loaded_with(scenario).scenario) if value is None else float(value)


def _levers(spoken: Words, base: Loaded) -> dict[str, float]:
    """The levers of a scenario, and which of them were moved."""
    scenario = base.scenario
    st.segmented_control(
        spoken("scenario.label"),
        list(SCENARIOS),
        format_func=lambda code: spoken(f"scenario.{code}"),
        key="scenario",
        required=True,
        width="stretch",
    )
    moved: dict[str, float] = {}
    clocks_begun = False
    for lever in levers_of(scenario):
        if lever.code in CLOCKS and not clocks_begun:
            clocks_begun = True
            st.html(f"<h3>{markup.text(spoken('lever.clocks'))}</h3>")
        value = _slider(spoken, scenario.name, lever, lever.base(scenario))
        if value != lever.base(scenario):
            moved[lever.code] = value
    if moved:
        baseline = spoken(f"scenario.baseline.{scenario.name}")
        st.button(spoken("lever.reset", baseline=baseline), on_click=_reset, args=(scenario.name,), width="stretch")
    return moved


def _slider(spoken: Words, scenario: str, lever: Lever, base: float) -> float:
    key = _key(scenario, lever)
    if key not in st.session_state:
        st.session_state[key] = _typed(lever, base)
    value = st.slider(
        spoken(f"lever.{lever.code}"),
        _typed(lever, lever.low),
        _typed(lever, lever.high),
        step=_typed(lever, lever.step),
        format="%,d" if not lever.digits else f"%.{lever.digits}f",
        key=key,
        help=spoken(f"lever.{lever.code}_help"),
    )
    return round(float(value), 6)


def _reset(scenario: str) -> None:
    for lever in LEVERS:
        st.session_state.pop(_key(scenario, lever), None)


# ── the question ─────────────────────────────────────────────────────────────────────────────────────────────────


def _ask(made: JobService, base: Loaded, loaded: Loaded) -> None:
    """Ask what is not asked yet: the setting for this visitor, the baseline for everybody."""
    state = st.session_state
    if state.get("asked") != loaded.hash:
        state.ticket = made.ask(state.owner, loaded, crew.REPLICATIONS)
        state.asked = loaded.hash
    if state.get("base_asked") != base.hash:
        state.base_ticket = made.prepare([Question.of(base)], crew.REPLICATIONS)[0]
        state.base_asked = base.hash


def _ask_again(made: JobService, loaded: Loaded) -> None:
    st.session_state.ticket = made.ask(st.session_state.owner, loaded, crew.REPLICATIONS)


def _more_to_come(made: JobService) -> bool:
    state = st.session_state
    return made.status(state.ticket.job).live or made.status(state.base_ticket.job).live


# ── the answer ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Found:
    """What there is to show: the setting's answer, the baseline's by the same means, and their differences."""

    answer: Answer
    baseline: Answer
    differences: dict[str, Estimate]
    status: Status | None
    base_status: Status | None = None


def _find(view: View) -> Found:
    """The best that is known now: replications, or theory while there are none."""
    estimate = crew.by_theory(view.scenario)
    if view.made is None:
        return Found(crew.by_theory(view.scenario, view.sets), estimate, {}, None)
    ticket: Ticket = st.session_state.ticket
    base: Ticket = st.session_state.base_ticket
    status, base_status = view.made.status(ticket.job), view.made.status(base.job)
    answer = crew.by_simulation(ticket.key, status.done, view.made)
    baseline = crew.by_simulation(base.key, base_status.done, view.made)
    if answer is None:
        guess = crew.by_theory(view.scenario, view.sets)
        if baseline is None:
            return Found(guess, estimate, {}, status, base_status)
        return Found(scaled(guess, estimate, baseline), baseline, {}, status, base_status)
    if baseline is None:
        return Found(answer, estimate, {}, status, base_status)
    different = crew.against(ticket.key, status.done, base.key, base_status.done, view.made) if view.moved else {}
    return Found(answer, baseline, different, status, base_status)


def _answer(view: View) -> None:
    """Everything that changes as replications come in."""
    found = _find(view)
    spoken, answer = view.words, found.answer
    before: Answer | None = st.session_state.get("shown")
    if answer.simulated:
        st.session_state.shown = answer
    _bar(view, found)
    bases = {lever.code: lever.base(view.base.scenario) for lever in levers_of(view.base.scenario)}
    said = verdict(
        spoken,
        answer,
        view.moved,
        bases,
        view.baseline_name,
        found.baseline,
        found.differences.get("response"),
    )
    st.html(markup.verdict(spoken, said))
    st.html(
        markup.cards(
            spoken,
            answer,
            before,
            found.baseline,
            view.baseline_name,
            found.differences,
            agents_on_payroll(view.loaded.scenario),
            moved=bool(view.moved),
        )
        + markup.consequences(
            spoken,
            answer,
            before,
            found.baseline,
            view.baseline_name,
            found.differences,
            moved=bool(view.moved),
        )
    )
    curve, side = st.columns([2.5, 1], gap="medium")
    with curve, st.container(key="chart"):
        st.html(markup.legend(spoken, view.baseline_name, answer, moved=bool(view.moved)))
        baseline = found.baseline if view.moved else None
        chart = charts.day(spoken, answer, baseline, open_hours(view.loaded.scenario))
        st.altair_chart(chart, width="stretch", theme=None, alt=_told(spoken, answer), key="day")
    with side, st.container(key="side"):
        st.html(markup.parts(spoken, answer) + markup.busiest(spoken, answer))
    _more(view, found)
    if view.polling and view.made is not None and not _more_to_come(view.made):
        st.rerun()  # once more as a whole, which ends the looking


def _bar(view: View, found: Found) -> None:
    """What the figures are made of, how far, and the way to stop."""
    spoken, status = view.words, found.status
    with st.container(key="bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.html(markup.badge(spoken, found.answer, _progress(view, found)), width="content")
        if status is None or view.made is None:
            return
        if status.live:
            st.button(
                spoken("badge.cancel"), on_click=view.made.cancel, args=(st.session_state.ticket.job,), key="stop"
            )
        elif status.state in ("cancelled", "superseded"):
            st.button(spoken("badge.resume"), on_click=_ask_again, args=(view.made, view.loaded), key="go_on")


def _progress(view: View, found: Found) -> str:
    """How far the setting is, and after it the baseline."""
    spoken, status, base = view.words, found.status, found.base_status
    if status is None:
        return spoken("badge.no_simulation")
    if status.state == "done":
        if base is None or not base.live or not view.moved:
            return ""
        return spoken("badge.baseline", baseline=view.baseline_name, done=base.done, wanted=base.wanted)
    fields = {"done": status.done, "wanted": status.wanted}
    if not status.live:
        return spoken(f"badge.{status.state}", **fields, error=status.error)
    if not status.done:
        return spoken("badge.queued")
    left = status.expected_finish_s
    if left is None or left < 2:
        return spoken("badge.running", **fields)
    return spoken("badge.running_left", **fields, seconds=f"{left:.0f}")


def _told(spoken: Words, answer: Answer) -> str:
    """The curve in a sentence, for who cannot see it."""
    known = [h for h in answer.hours if h.value.mean == h.value.mean]
    low, high = min(known, key=lambda h: h.value.mean), max(known, key=lambda h: h.value.mean)
    return spoken(
        "chart.alt",
        n=answer.replications,
        low=spoken.number(low.value.mean, "min"),
        low_hour=spoken("clock", hour=low.hour),
        high=spoken.number(high.value.mean, "min"),
        high_hour=spoken("clock", hour=high.hour),
    )


def _more(view: View, found: Found) -> None:
    """All figures as tables, their definitions, and the limits of the estimate."""
    spoken, answer, base = view.words, found.answer, found.baseline
    with st.expander(spoken("more.title")):
        head = [spoken(f"more.{name}") for name in ("figure", "value", "interval")]
        head += [spoken("more.baseline", baseline=view.baseline_name)]
        head += [spoken(f"more.{name}") for name in ("difference", "replications", "definition")]
        rows = []
        for name in FIGURES:
            figure, other = answer.figures.get(name), base.figures.get(name)
            different = found.differences.get(name)
            rows.append(
                [
                    spoken(f"figure.{name}"),
                    spoken.amount(figure.mean, UNITS[name]) if figure else spoken("figure.unknown"),
                    markup.interval(spoken, figure, UNITS[name]) if figure else "–",
                    spoken.amount(other.mean, UNITS[name]) if other else "–",
                    markup.difference_text(spoken, different, UNITS[name]) if different else "–",
                    str(answer.replications),
                    spoken(f"definition.{name}"),
                ]
            )
        st.html(markup.table(head, rows))
        if by_channel := markup.channels(spoken, answer):
            st.html(f"<h3>{markup.text(spoken('more.by_channel'))}</h3>" + by_channel)
        st.html(f'<p class="li-about">{markup.text(spoken("definition.difference"))}</p>')
        st.html(f"<h3>{markup.text(spoken('more.hourly'))}</h3>" + _hourly(view, found))
        horizon = view.base.scenario.horizon
        numbers = {name: f"{entry(view.base.scenario, name):,.0f}" for name in ("communities", "users", "leaders")}
        days = {"days": f"{horizon.days - horizon.warm_up_days:g}", "warm_up": f"{horizon.warm_up_days:g}"}
        about = spoken("more.about", **numbers, **days, baseline=view.baseline_name)
        st.html(
            f'<p class="li-about">{markup.text(about)}</p><p class="li-about">'
            f"<b>{markup.text(spoken('more.limits_title'))}.</b> {markup.text(spoken('more.limits'))}</p>"
        )


def _hourly(view: View, found: Found) -> str:
    spoken = view.words
    rows = [
        [
            spoken("clock", hour=hour.hour),
            spoken.number(hour.value.mean, "min"),
            markup.interval(spoken, hour.value, "min"),
            spoken.number(other.value.mean, "min"),
        ]
        for hour, other in zip(found.answer.hours, found.baseline.hours, strict=True)
    ]
    return markup.table([spoken(f"more.{name}") for name in ("hour", "mean", "interval", "base")], rows)
