"""From a log to what a replay needs: the scenario with the log's times in it, the arrivals, and who was present.

The scenario says the structure – stations, discipline, journeys – and the log everything else, by one convention:

* a kind of the log is the kind of the same name; its journey is that of the scenario's regime;
* in each journey the step ``talk`` (``work``, or ``serve``) gets the recorded service times of the kind, and the request
  for the server that talks (the nearest ``seize`` before it, or the ``serve`` itself) the patience that the kind's
  censored waits tell;
* a ``work`` step ``wrap_up`` gets the work after a contact that the log does not show; a journey without one has none;
* the pool that stands first in the route of that request's station gets as many servers as the log names, all alike,
  with all skills of the pool, at normal pace, present when the log lets them be. Other pools stay as they are;
* a contact of high priority comes at the first of the scenario's levels, every other at the second (or only) one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.durations import service_times
from calibration.errors import LogError
from calibration.logs import ContactLog
from calibration.mapping import DAY_MS, MINUTE_MS, WEEKDAYS
from calibration.patience import estimate_patience
from calibration.presence import PresenceRule, presence_windows, without_own_work
from calibration.quantiles import QuantileTable
from calibration.unobserved import hidden_work
from sim.draws import uniforms
from sim.library import Loaded
from sim.naming import stable_hash
from sim.problems import InputError, Problem, listed
from sim.scenario import AnyStep, Duration, Group, Journey, Scenario, Seize, Serve, Work
from sim.service.build import Network
from sim.service.keys import day_keys
from sim.service.presence import windows
from sim.service.tables import NONE, Arrivals, Windows, concatenate

TALK, WRAP_UP = "talk", "wrap_up"


@dataclass(frozen=True)
class Fit:
    """A log, ready to be replayed.

    Attributes
    ----------
    scenario : Scenario
        With the fitted times, the pool of the log's servers and the log's horizon (one day more, for the last waits).
    pool : str
        The pool that the log's servers are.
    windows : pandas.DataFrame
        Their presence: ``server`` (from 0), ``enter``, ``leave``, by server and time; they do not touch.
    arrived_ms, kind, high : arrays
        The contacts in order of arrival.
    high_share : array of float
        Chance of high priority where the log does not say; not a number where ``high`` says it.
    notes : tuple of str
        What the reader of the results should know.
    """

    scenario: Scenario
    pool: str
    windows: pd.DataFrame
    arrived_ms: npt.NDArray[np.int64]
    kind: npt.NDArray[np.object_]
    high: npt.NDArray[np.bool_]
    high_share: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def fit_log(log: ContactLog, loaded: Loaded, rule: PresenceRule | None = None) -> Fit:
    """Fit what a replay takes from a log.

    Raises
    ------
    InputError
        If the log and the scenario do not fit together: a kind without a journey, a journey without ``talk``, contacts
        that are served first by different pools, a log that names no server.
    """
    rule = rule or PresenceRule()
    present = without_own_work(presence_windows(log, rule), log)
    if present.empty:
        message = "the log names no server who answered anybody"
        raise LogError(file=log.file, line=None, field="", message=message, allowed="a log with servers")
    pool = _pool_of(loaded, [str(kind) for kind in sorted(log.contacts["kind"].unique())])
    scenario, notes = _with_times(log, loaded.scenario, rule)
    names = sorted(present["server"].unique())
    high_share, known = _high_share(log.contacts)
    if not known:
        notes.append(
            f"priority is recorded only for who queued: the other {np.isfinite(high_share).sum():,} contacts have it "
            "by chance, with the share of their kind"
        )
    return Fit(
        scenario=_with_servers(scenario, pool, len(names)).model_copy(
            update={
                "horizon": scenario.horizon.model_copy(
                    update={
                        "days": log.days + 1,
                        "first_weekday": WEEKDAYS[log.first_day.weekday()],
                        "warm_up_days": 0.0,
                    }
                )
            }
        ),
        pool=pool,
        windows=_joined(present, names),
        arrived_ms=log.contacts["arrived_ms"].to_numpy(),
        kind=log.contacts["kind"].to_numpy(dtype=object),
        high=log.contacts["priority_high"].to_numpy(),
        high_share=high_share,
        notes=tuple(notes),
    )


# ── the scenario ─────────────────────────────────────────────────────────────────────────────────────────────────


def _request_of(journey: list[AnyStep]) -> int | None:
    """Place of the request for the server of the step ``talk``; None without such a step."""
    for at, step in enumerate(journey):
        if step.step == TALK and isinstance(step, Serve):
            return at
        if step.step == TALK and isinstance(step, Work):
            return next((n for n in range(at - 1, -1, -1) if isinstance(journey[n], Seize)), None)
    return None


def _pool_of(loaded: Loaded, kinds: list[str]) -> str:
    """The pool that the kinds of the log ask first; raises where log and scenario do not fit."""
    scenario = loaded.scenario
    journeys = scenario.regimes[scenario.regime]
    place: tuple[str | int, ...] = ("regimes", scenario.regime)
    problems: list[Problem] = []
    first: dict[str, str] = {}
    if missing := [kind for kind in kinds if kind not in journeys]:
        message = f"the log has contacts of kind {listed(missing)}, and the regime has no journey for them"
        problems.append(loaded.problem(place, message, f"a journey for each of {listed(kinds)}"))
    for kind in [kind for kind in kinds if kind in journeys]:
        at = _request_of(journeys[kind])
        if at is None:
            message = f"the journey has no step '{TALK}', so the log's service times have no place"
            allowed = f"a step '{TALK}': serve, or work behind a seize"
            problems.append(loaded.problem((*place, kind), message, allowed))
            continue
        request = journeys[kind][at]
        assert isinstance(request, (Seize, Serve))
        if route := scenario.stations[request.station].route:
            first[kind] = route[0].pool
        else:
            message = "the station has no route, so the log's servers have no place"
            problems.append(loaded.problem(("stations", request.station), message, "a route with a pool"))
    if len(set(first.values())) > 1:
        said = ", ".join(f"{kind} {pool}" for kind, pool in first.items())
        message = f"the kinds of the log ask different pools first ({said}), and its servers cannot be told apart"
        problems.append(loaded.problem(("stations",), message, "one pool, first in every route"))
    if problems:
        raise InputError(problems)
    return next(iter(first.values()))


def _with_times(log: ContactLog, scenario: Scenario, rule: PresenceRule) -> tuple[Scenario, list[str]]:
    """The scenario with the log's service times, patience and hidden work, and what could not be told."""
    notes: list[str] = []

    def told(what: str, estimate: Callable[[], dict[str, QuantileTable]]) -> dict[str, QuantileTable]:
        try:
            return estimate()
        except LogError as error:
            notes.append(f"{error.message}: {what} stays as the scenario has it")
            return {}

    service = service_times(log)
    patience = told("patience", lambda: {kind: found.quantiles for kind, found in estimate_patience(log).items()})
    longest = round(rule.break_gap_min * MINUTE_MS)
    hidden = told("work after a contact", lambda: {"": hidden_work(log, longest_ms=longest).quantiles}).get("")
    journeys = dict(scenario.regimes[scenario.regime])
    for kind in sorted(log.contacts["kind"].unique()):
        if kind not in service:
            notes.append(f"nobody of kind {kind} was answered: its service time stays as the scenario has it")
        journeys[kind] = _fitted_journey(journeys[kind], service.get(kind), patience.get(kind), hidden)
    if hidden is not None and not any(step.step == WRAP_UP for journey in journeys.values() for step in journey):
        notes.append(f"the journeys have no step '{WRAP_UP}': work after a contact is left out")
    return scenario.model_copy(update={"regimes": {**scenario.regimes, scenario.regime: journeys}}), notes


def _fitted_journey(
    journey: Journey, service: QuantileTable | None, patience: QuantileTable | None, hidden: QuantileTable | None
) -> Journey:
    steps = list(journey)
    request = _request_of(steps)
    assert request is not None

    def put(at: int, field: str, times: QuantileTable | None) -> None:
        if times is not None:
            steps[at] = steps[at].model_copy(update={field: _duration(times)})

    put(request, "patience", patience)
    talk = next(n for n, step in enumerate(steps) if step.step == TALK)
    put(talk, "duration", service)
    for n in range(talk + 1, len(steps)):
        if steps[n].step == WRAP_UP and isinstance(steps[n], Work):
            put(n, "duration", hidden)
    return steps


def _duration(times: QuantileTable) -> Duration:
    points = zip(times.probabilities, times.values_ms, strict=True)
    return Duration(family="empirical", quantiles_s={probability: value / 1000 for probability, value in points})


def _with_servers(scenario: Scenario, pool: str, count: int) -> Scenario:
    """The scenario with the log's servers in a pool; their presence comes from elsewhere."""
    was = scenario.pools[pool]
    group = Group(
        group="log",
        servers=count,
        skills=list(dict.fromkeys(skill for one in was.groups for skill in one.skills)),
        slots=was.groups[0].slots,
        presence={},
    )
    return scenario.model_copy(update={"pools": {**scenario.pools, pool: was.model_copy(update={"groups": [group]})}})


# ── the log's contacts and servers ───────────────────────────────────────────────────────────────────────────────


def _high_share(contacts: pd.DataFrame) -> tuple[npt.NDArray[np.float64], bool]:
    """Chance of high priority where it is unknown, and whether the log knows it of everybody.

    Some logs write a priority only when somebody queues. So it is if some who queued have a high one and nobody else
    has: those who did not queue then have it with the share among those of their kind who did. Whether somebody has
    to queue is decided before their priority counts.
    """
    queued = (contacts["queued_from_ms"] >= 0).to_numpy()
    high = contacts["priority_high"].to_numpy()
    if not (high & queued).any() or (high & ~queued).any():
        return np.full(len(contacts), np.nan), True
    of_kind = contacts[queued].groupby("kind")["priority_high"].mean()
    share = contacts["kind"].map(of_kind).fillna(float(high[queued].mean())).to_numpy(dtype=float)
    return np.where(queued, np.nan, share), False


def _joined(present: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Windows by the server's number, those that touch joined (an own work of no length cuts a window and leaves no gap)."""
    frame = pd.DataFrame(
        {
            "server": present["server"].map({name: n for n, name in enumerate(names)}),
            "enter": present["from_ms"],
            "leave": present["until_ms"],
        }
    ).sort_values(["server", "enter"], ignore_index=True)
    before = frame.groupby("server")["leave"].shift(fill_value=NONE - 1)
    run = (frame["enter"] > before).cumsum()
    return frame.groupby(run.to_numpy(), sort=False).agg({"server": "first", "enter": "first", "leave": "max"})
