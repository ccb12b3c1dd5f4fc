"""From a log to what a replay is fed: the scenario with the log's times in it, the contacts, and who was present.

The scenario says the structure – stations, discipline, journeys – and the log everything else, by one convention:

* a kind of the log is the kind of the same name; its journey is that of the scenario's regime;
* in each journey the step ``talk`` (``work``, or ``serve``) gets the recorded service times of the kind, and the
  request for the server that talks (the nearest ``seize`` before it, or the ``serve`` itself) the patience that the
  kind's censored waits tell;
* the ``work`` step ``wrap_up`` behind it gets the work that the log does not show. Where there is also a step
  ``wrap_up_queued``, reached by a ``branch_queue`` when somebody waits as the talk ends, that one gets the work after
  such talks, and ``wrap_up`` the work after the others. A journey without these steps has no such work;
* the pool that stands first in the route of that request's station gets as many servers as the log names, all alike,
  with all skills of the pool, at normal pace. Other pools stay as they are.

What a replication is fed:

* **contacts** as recorded: time, kind and priority (high: the scenario's first level; else the second or only one).
  Where the log does not know the priority, it is drawn by contact. Rows that were set aside are not fed;
* **presence** by the rule of ``calibration.presence``: the same shifts in every replication, but for their ends. How
  long a server is there before the first contact and after the last is not in the log; the rule's guess is multiplied
  by one number, drawn for each replication evenly between 0 and 2. Time that servers spent on what they started
  themselves is taken out of their presence, since the log says when it was. (A simulated server who happens to talk at
  that time loses less of it than the real one; fed as contacts, these works could be taken by anybody.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.durations import service_times
from calibration.errors import LogError
from calibration.logs import NONE, TOOK_PLACE, ContactLog
from calibration.mapping import MINUTE_MS, WEEKDAYS
from calibration.patience import estimate_patience
from calibration.presence import PresenceRule, presence_windows, without_own_work
from calibration.quantiles import PROBABILITIES, QuantileTable
from calibration.unobserved import queue_length
from sim.draws import uniforms
from sim.library import Loaded
from sim.naming import stable_hash
from sim.problems import InputError, Path, Problem, listed
from sim.scenario import AnyStep, Duration, Group, Journey, Scenario, Seize, Serve, Work
from sim.service.build import Network
from sim.service.keys import day_keys
from sim.service.presence import windows
from sim.service.tables import Arrivals, Int32, Int64, Windows, concatenate

TALK, WRAP_UP, WRAP_UP_QUEUED = "talk", "wrap_up", "wrap_up_queued"
FEWEST_ENDS = 30
EM_STEPS = 300


@dataclass(frozen=True)
class Fit:
    """A log, fitted.

    Attributes
    ----------
    scenario : Scenario
        With the log's times, servers and horizon (one day more, so that the last waits come to their end).
    pool : str
        The pool that the log's servers are, in the order of ``servers``.
    servers : tuple of str
        Their names in the log.
    presence : pandas.DataFrame
        From ``presence_windows``, by server and time.
    high_share : array of float
        For each contact, its chance of high priority where the log does not know; not a number where it does.
    notes : tuple of str
        What could not be told from the log.
    """

    log: ContactLog
    scenario: Scenario
    pool: str
    servers: tuple[str, ...]
    presence: pd.DataFrame
    high_share: npt.NDArray[np.float64]
    notes: tuple[str, ...]


def fit_log(log: ContactLog, loaded: Loaded, rule: PresenceRule | None = None) -> Fit:
    """Fit what a replay takes from a log.

    Raises
    ------
    InputError
        If the log and the scenario do not fit together: a kind without a journey, a journey without ``talk``, kinds
        that ask different pools first; ``LogError`` if the log names no server.
    """
    rule = rule or PresenceRule()
    pool = _pool_of(loaded, [str(kind) for kind in sorted(log.contacts["kind"].unique())])
    presence = presence_windows(log, rule)
    if presence.empty:
        message = "the log names no server who answered anybody"
        raise LogError(file=log.file, line=None, field="", message=message, allowed="a log with servers")
    scenario, notes = _with_times(log, loaded.scenario, rule)
    hours = float((presence["until_ms"] - presence["from_ms"]).sum()) / 3_600_000
    notes.append(
        f"who was there is inferred from who served when: {presence['server'].nunique()} servers, {hours:,.0f} hours"
    )
    servers = tuple(str(name) for name in sorted(presence["server"].unique()))
    share, note = _high_share(log.contacts)
    horizon = scenario.horizon.model_copy(
        update={"days": log.days + 1, "first_weekday": WEEKDAYS[log.first_day.weekday()], "warm_up_days": 0.0}
    )
    scenario = _with_servers(scenario, pool, len(servers)).model_copy(update={"horizon": horizon})
    return Fit(log, scenario, pool, servers, presence, share, (*notes, *note))


# ── what a replication is fed ────────────────────────────────────────────────────────────────────────────────────


def arrivals_of(fit: Fit, network: Network, seed: int, replication: int) -> Arrivals:
    """The log's contacts as arrivals. Slot *n* of a day is its *n*-th contact, so a caller keeps their luck."""
    contacts = fit.log.contacts
    day = contacts["day"].to_numpy()
    keys = np.empty(len(day), dtype=np.int64)
    for one in np.unique(day):
        rows = np.flatnonzero(day == one)
        keys[rows] = day_keys(stable_hash("log"), int(one), np.arange(rows.size, dtype=np.int64))
    chance = uniforms(seed, replication, keys, stable_hash("log:priority"))
    high = np.where(np.isnan(fit.high_share), contacts["priority_high"].to_numpy(), chance < fit.high_share)
    kinds = contacts["kind"].tolist()
    number = {name: n for n, name in enumerate(network.names.kinds)}
    none = np.full(len(day), NONE, dtype=np.int64)
    return Arrivals(
        t=contacts["arrived_ms"].to_numpy(),
        entry_pc=np.array([network.entry[fit.scenario.regime, kind] for kind in kinds], dtype=np.int32),
        kind=np.array([number[kind] for kind in kinds], dtype=np.int32),
        level=np.where(high, 0, min(1, len(fit.scenario.levels) - 1)).astype(np.int32),
        draw_key=keys,
        home_server=none.astype(np.int32),
        topic=none.astype(np.int32),
        case=none,
        work_ms=none.astype(np.int32),
    )


def presence_of(fit: Fit, network: Network, seed: int, replication: int) -> Windows:
    """Presence of the log's servers in one replication, and of the scenario's other pools by their rosters."""
    who = day_keys(stable_hash("log:presence"), 0, np.zeros(1, dtype=np.int64))
    factor = 2.0 * float(uniforms(seed, replication, who, stable_hash("log:presence"))[0])
    present = without_own_work(with_ends(fit.presence, fit.log, factor), fit.log)
    first = next(n for n, group in enumerate(network.names.server_groups) if group.startswith(f"{fit.pool}/"))
    number = {name: first + n for n, name in enumerate(fit.servers)}
    own = _joined(
        present["server"].map(number).to_numpy(dtype=np.int32),
        present["from_ms"].to_numpy(dtype=np.int64),
        present["until_ms"].to_numpy(dtype=np.int64),
    )
    return concatenate([own, windows(fit.scenario, fit.scenario.horizon.days, seed, replication)])


def with_ends(presence: pd.DataFrame, log: ContactLog, factor: float) -> pd.DataFrame:
    """Windows whose time before the first work in them, and after the last, is multiplied by a factor."""
    start, until = presence["from_ms"].to_numpy(), presence["until_ms"].to_numpy()
    first, last = until.copy(), start.copy()
    works = log.works()
    works = works[works["server"].isin(presence["server"].unique())]
    code = {name: n for n, name in enumerate(sorted(presence["server"].unique()))}
    apart = int(max(until.max(), works["until_ms"].max())) + 1
    begins = presence["server"].map(code).to_numpy(dtype=np.int64) * apart + start
    at = works["server"].map(code).to_numpy(dtype=np.int64) * apart + works["from_ms"].to_numpy()
    window = np.searchsorted(begins, at, side="right") - 1  # both are by server and time
    inside = (window >= 0) & (works["until_ms"].to_numpy() <= until[window])
    np.minimum.at(first, window[inside], works["from_ms"].to_numpy()[inside])
    np.maximum.at(last, window[inside], works["until_ms"].to_numpy()[inside])
    enter = np.maximum(first - np.rint((first - start) * factor).astype(np.int64), 0)
    leave = np.maximum(last + np.rint((until - last) * factor).astype(np.int64), enter + 1)
    return presence.assign(from_ms=enter, until_ms=leave)


def _joined(server: Int32, enter: Int64, leave: Int64) -> Windows:
    """Windows in order, those of one server that touch or overlap joined: own work of no length leaves no gap."""
    order = np.lexsort((enter, server))
    server, enter, leave = server[order], enter[order], leave[order]
    apart = server.astype(np.int64) * (int(leave.max()) + 2)
    reached = np.maximum.accumulate(leave + apart)
    begins = np.append(True, (enter + apart)[1:] > reached[:-1])
    last = np.append(np.flatnonzero(begins)[1:] - 1, server.size - 1)
    return Windows(enter[begins], reached[last] - apart[last], server[begins])


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
    place: Path = ("regimes", scenario.regime)
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
    service = service_times(log)
    patience: dict[str, QuantileTable] = {}
    try:
        patience = {kind: found.quantiles for kind, found in estimate_patience(log).items()}
    except LogError as error:
        notes.append(f"{error.message}: patience stays as the scenario has it")
    journeys = dict(scenario.regimes[scenario.regime])
    ends = ends_of_service(log, longest_ms=round(rule.break_gap_min * MINUTE_MS))
    for kind in sorted(log.contacts["kind"].unique()):
        times = {TALK: service[kind]} if kind in service else {}
        if kind not in service:
            notes.append(f"nobody of kind {kind} was answered: its service time stays as the scenario has it")
        named = {step.step for step in journeys[kind]} & {WRAP_UP, WRAP_UP_QUEUED}
        times |= _hidden_by_step(ends, named)
        if not named <= set(times):
            notes.append(f"too few services to tell the work after them: {kind} keeps that of the scenario")
        journeys[kind] = _fitted_journey(journeys[kind], times, patience.get(kind))
    if not any(step.step == WRAP_UP for journey in journeys.values() for step in journey):
        notes.append(f"the journeys have no step '{WRAP_UP}': work after a contact is left out")
    return scenario.model_copy(update={"regimes": {**scenario.regimes, scenario.regime: journeys}}), notes


def _fitted_journey(journey: Journey, times: dict[str, QuantileTable], patience: QuantileTable | None) -> Journey:
    steps = list(journey)
    request = _request_of(steps)
    assert request is not None
    if patience is not None:
        steps[request] = steps[request].model_copy(update={"patience": _duration(patience)})
    for n in range(request, len(steps)):
        step = steps[n]
        if step.step in times and isinstance(step, (Work, Serve)):
            steps[n] = step.model_copy(update={"duration": _duration(times[step.step])})
    return steps


def _duration(times: QuantileTable) -> Duration:
    points = zip(times.probabilities, times.values_ms, strict=True)
    return Duration(family="empirical", quantiles_s={probability: value / 1000 for probability, value in points})


def _with_servers(scenario: Scenario, pool: str, count: int) -> Scenario:
    """The scenario with the log's servers in a pool; their presence comes from elsewhere."""
    was = scenario.pools[pool]
    skills = list(dict.fromkeys(skill for one in was.groups for skill in one.skills))
    group = Group(group="log", servers=count, skills=skills, slots=was.groups[0].slots, presence={})
    return scenario.model_copy(update={"pools": {**scenario.pools, pool: was.model_copy(update={"groups": [group]})}})


# ── what the log does not say ────────────────────────────────────────────────────────────────────────────────────


def _high_share(contacts: pd.DataFrame) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Chance of high priority where it is unknown, and a note about it.

    Some logs write a priority only when somebody queues. So it is if some who queued have a high one and nobody else
    has: those who did not queue then have it with the share among those of their kind who did. Whether somebody has
    to queue is decided before their priority counts.
    """
    queued = (contacts["queued_from_ms"] >= 0).to_numpy()
    high = contacts["priority_high"].to_numpy()
    if queued.all() or not (high & queued).any() or (high & ~queued).any():
        return np.full(len(contacts), np.nan), []
    of_kind = contacts[queued].groupby("kind")["priority_high"].mean()
    share = contacts["kind"].map(of_kind).fillna(float(high[queued].mean())).to_numpy(dtype=float)
    note = (
        f"priority is recorded only for who queued: the other {(~queued).sum():,} contacts have a high one by chance, "
        "as often as those of their kind who queued"
    )
    return np.where(queued, np.nan, share), [note]


@dataclass(frozen=True)
class EndsOfService:
    """For each end of a service that its server followed by another: how long the server was not available.

    ``at_least_ms`` to ``at_most_ms`` (equal when it is known exactly); ``queued``: somebody waited at the end.
    """

    at_least_ms: npt.NDArray[np.int64]
    at_most_ms: npt.NDArray[np.int64]
    queued: npt.NDArray[np.bool_]
    longest_ms: int


def ends_of_service(log: ContactLog, *, longest_ms: int) -> EndsOfService:
    """What a log tells about the time that servers are not available after a service.

    A server who is there and has nothing to do does not let anybody wait. So it was busy with something else at every
    moment at which somebody waited, up to its next start, and had nothing to do any more at that start. If the next
    contact had waited, its start is the very end of that work. If not, the end lies between the last moment at which
    anybody waited and the start. Gaps above ``longest_ms`` are breaks, and left out.
    """
    everybody = log.offered(also_counted=TOOK_PLACE)
    waited = everybody[everybody["wait_ms"] > 0]
    times, waiting = queue_length(waited["queued_from_ms"].to_numpy(), waited["queued_until_ms"].to_numpy())
    times, waiting = np.append(np.iinfo(np.int64).min, times), np.append(0, waiting)
    works = log.works()
    server, end, start = works["server"].to_numpy(), works["until_ms"].to_numpy()[:-1], works["from_ms"].to_numpy()[1:]
    followed = (server[1:] == server[:-1]) & (start - end <= longest_ms)
    end, start = end[followed], np.maximum(start, end)[followed]
    before = np.searchsorted(times, start, side="left") - 1
    exact = (waiting[before] > 0) & (start > end)
    known_busy_until = np.where(exact, start, np.maximum(times[before], end))
    return EndsOfService(
        at_least_ms=known_busy_until - end,
        at_most_ms=start - end,
        queued=waiting[np.searchsorted(times, end, side="right") - 1] > 0,
        longest_ms=longest_ms,
    )


def _hidden_by_step(ends: EndsOfService, named: set[str | None]) -> dict[str, QuantileTable]:
    """Hidden work of the steps that a journey has; nothing for those of which the log shows too little.

    Nobody is quicker when nobody waits: where the estimates say so (an interval leaves room below), the slower holds.
    """
    if WRAP_UP_QUEUED not in named:
        survival = _survival(ends, np.ones(len(ends.queued), dtype=bool)) if WRAP_UP in named else None
        return {} if survival is None else {WRAP_UP: _table(ends, survival)}
    queued, quiet = _survival(ends, ends.queued), _survival(ends, ~ends.queued)
    if queued is None or quiet is None:
        return {}
    return {WRAP_UP_QUEUED: _table(ends, queued), WRAP_UP: _table(ends, np.maximum(queued, quiet))}


def _edges_ms(longest_ms: int) -> npt.NDArray[np.float64]:
    """Bins of hidden work, fine where it is short: bounds between whole seconds, as logs give them."""
    seconds = np.concatenate(
        [
            [0.0],
            np.arange(60) + 0.5,
            np.arange(61, 121, 2) + 0.5,
            np.arange(125, 301, 5) + 0.5,
            np.arange(320, 86_400, 20),
        ]
    )
    return np.append(seconds[seconds * 1000 < longest_ms] * 1000, float(longest_ms))


def _survival(ends: EndsOfService, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    """Share of hidden work that lasts beyond each bound of the bins, from interval-censored times.

    Turnbull's self-consistent estimate (1976), by EM. None below ``FEWEST_ENDS`` ends.
    """
    if which.sum() < FEWEST_ENDS:
        return None
    edges = _edges_ms(ends.longest_ms)
    bins = len(edges) - 1
    ranges = [np.searchsorted(edges, t[which], side="right") - 1 for t in (ends.at_least_ms, ends.at_most_ms)]
    pairs, counts = np.unique(np.minimum(ranges, bins - 1), axis=1, return_counts=True)
    mass = np.full(bins, 1 / bins)
    for _ in range(EM_STEPS):
        total = np.append(0.0, np.cumsum(mass))
        weight = counts / np.maximum(total[pairs[1] + 1] - total[pairs[0]], 1e-300)
        change = np.bincount(pairs[0], weight, bins + 1) - np.bincount(pairs[1] + 1, weight, bins + 1)
        mass = mass * np.cumsum(change)[:-1] / counts.sum()
    return np.append(1.0, 1.0 - np.cumsum(mass / mass.sum()))


def _table(ends: EndsOfService, survival: npt.NDArray[np.float64]) -> QuantileTable:
    edges = _edges_ms(ends.longest_ms)
    values = np.interp(PROBABILITIES, 1.0 - survival + 1e-12 * np.arange(len(edges)), edges)
    return QuantileTable(PROBABILITIES, tuple(int(value) for value in np.rint(values)), len(ends.queued))
