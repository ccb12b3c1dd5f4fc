"""The simulation behind the page: one job service for all visitors, and answers that are read from the store once."""

from __future__ import annotations

import atexit
import logging
import os
from pathlib import Path

import streamlit as st

from app.components.address import OPENING
from app.components.answer import Answer, differences, simulated, theory
from app.components.levers import SCENARIOS, sets_of
from app.jobs import JobService
from sim.instant import estimate
from sim.library import Loaded, load
from sim.measures import Estimate
from sim.problems import InputError
from sim.store import Question
from sim.study.replicate import Outcome

STORE, WORKERS, WANTED = "LINLI_STORE", "LINLI_WORKERS", "LINLI_REPLICATIONS"
"""Environment variables: where results are kept, how many processes simulate, how many replications they make."""

REPLICATIONS = int(os.environ.get(WANTED) or 20)
"""Replications of every question: with 20, the interval of the mean response is about ± 2 %."""

DEFAULT_STORE = Path(__file__).resolve().parents[2] / "results" / "app.store"

log = logging.getLogger("linli.app")


@st.cache_resource(show_spinner=False)
def service() -> JobService | None:
    """The job service, with the questions of the first screen asked; None if the store cannot be used."""
    path = Path(os.environ.get(STORE) or DEFAULT_STORE)
    workers = os.environ.get(WORKERS, "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made = JobService(path, int(workers) if workers.isdigit() else None)
        made.start()
        made.prepare([Question.of(loaded_with(name)) for name in SCENARIOS], REPLICATIONS)
        opening = sets_of(loaded_with(SCENARIOS[0]).scenario, OPENING)
        made.prepare([Question.of(loaded_with(SCENARIOS[0], opening))], REPLICATIONS)
    except (InputError, OSError) as error:
        log.error("no simulation: %s", error)
        return None
    atexit.register(made.stop)
    return made


@st.cache_resource(show_spinner=False, max_entries=256)
def loaded_with(scenario: str, sets: tuple[str, ...] = ()) -> Loaded:
    """A scenario of the library with settings."""
    return load(scenario, sets=sets)


@st.cache_resource(show_spinner=False, max_entries=256)
def by_theory(scenario: str, sets: tuple[str, ...] = ()) -> Answer:
    """What theory says of it."""
    return theory(estimate(loaded_with(scenario, sets).scenario))


@st.cache_resource(show_spinner=False, max_entries=64)
def outcomes(key: str, done: int, _service: JobService) -> list[Outcome]:
    """Finished replications of a question, of which there are ``done``."""
    return _service.answers(key)


@st.cache_resource(show_spinner=False, max_entries=256)
def by_simulation(key: str, done: int, _service: JobService) -> Answer | None:
    """What ``done`` finished replications say; None without any."""
    found = outcomes(key, done, _service)[:REPLICATIONS]
    return simulated(found) if found else None


@st.cache_resource(show_spinner=False, max_entries=256)
def against(key: str, done: int, base_key: str, base_done: int, _service: JobService) -> dict[str, Estimate]:
    """Paired differences of one question's figures from another's."""
    return differences(outcomes(key, done, _service), outcomes(base_key, base_done, _service))


def finished(made: JobService, ticket_job: int) -> int:
    """Finished replications of a job's question."""
    return made.status(ticket_job).done
