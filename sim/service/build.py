"""From a scenario to a network: the tables that the engines interpret, and the names to read their traces by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sim.fields import WEEKDAYS, span_minutes, weekdays
from sim.problems import InputError, Problem
from sim.scenario import Scenario
from sim.service.arrivals import Source, sources
from sim.service.durations import DurationTable
from sim.service.program import Compiler, Numbers
from sim.service.record import FigureSettings, Names
from sim.service.tables import (
    NONE,
    ClockAction,
    Clocks,
    GateScope,
    Lanes,
    Routes,
    Servers,
    Stations,
    Tables,
    table,
)

DAY = 86_400_000


@dataclass(frozen=True)
class Network:
    """A scenario, ready to run: ``tables`` for the engines, ``sources`` for the arrivals, names and settings."""

    scenario: Scenario
    tables: Tables
    sources: tuple[Source, ...]
    names: Names
    settings: FigureSettings
    entry: dict[tuple[str, str], int]

    @property
    def until_ms(self) -> int:
        """End of the horizon."""
        return self.scenario.horizon.days * DAY

    @property
    def from_ms(self) -> int:
        """End of the warm-up."""
        return round(self.scenario.horizon.warm_up_days * DAY)


def build(scenario: Scenario) -> Network:
    """Compile a scenario whose parts fit together (``sim.consistency``).

    Raises
    ------
    InputError
        If a distribution is cut to nothing (found only here, where it is computed).
    """
    try:
        return _build(scenario)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        message, _, allowed = str(error).partition("; allowed: ")
        raise InputError([Problem((), message, allowed)]) from error


def _numbers(names: Iterable[str]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}


def _build(scenario: Scenario) -> Network:
    numbers = Numbers(
        stations=_numbers(scenario.stations),
        levels=_numbers(scenario.levels),
        clocks=_numbers(scenario.clocks),
        gates=_numbers(scenario.gates),
        kinds=_numbers(scenario.kinds),
        steps={"": 0},
    )
    durations = DurationTable()
    compiler = Compiler(numbers, durations)
    program, choices, seizes, visit_slots = compiler.compile(scenario.regimes)
    servers, groups = _servers(scenario)
    stations, routes = _stations(scenario)
    tables = Tables(
        program=program,
        choices=choices,
        seizes=seizes,
        stations=stations,
        routes=routes,
        lanes=_lanes(scenario),
        clocks=_clocks(scenario, numbers),
        servers=servers,
        slow_pm=_slow(scenario),
        durations=durations.tables(),
        gate_scope=np.array([GateScope[g.scope.upper()] for g in scenario.gates.values()], dtype=np.int32),
        moments=len(numbers.moments),
        visit_slots=visit_slots,
    )
    names = Names(
        kinds=tuple(scenario.kinds),
        counts_as=tuple(kind.counts_as for kind in scenario.kinds.values()),
        is_case=tuple(kind.case for kind in scenario.kinds.values()),
        stations=tuple(scenario.stations),
        pools=tuple(scenario.pools),
        levels=tuple(scenario.levels),
        clocks=tuple(scenario.clocks),
        moments=tuple(numbers.moments),
        steps=tuple(numbers.steps),
        server_groups=tuple(groups),
        channels=tuple(kind.channel for kind in scenario.kinds.values()),
        community_city=tuple(scenario.world.places.city_of_community) if scenario.world else (),
        cities=tuple(scenario.world.places.city_names) if scenario.world else (),
    )
    by_pool = {pool: np.flatnonzero(servers.pool == i).astype(np.int32) for i, pool in enumerate(scenario.pools)}
    made = sources(scenario, compiler.entry, numbers.kinds, by_pool)
    return Network(scenario, tables, made, names, _settings(scenario), compiler.entry)


def _servers(scenario: Scenario) -> tuple[Servers, list[str]]:
    bit = {skill: 1 << i for i, skill in enumerate(scenario.skills)}
    rows: list[tuple[int | float, ...]] = []
    groups: list[str] = []
    for number, (name, pool) in enumerate(scenario.pools.items()):
        for group in pool.groups:
            skills = sum(bit[skill] for skill in set(group.skills))
            speed = max(round(group.speed * 1000), 1)
            rows += [(number, skills, speed, group.slots)] * group.head_count
            groups += [f"{name}/{group.group}"] * group.head_count
    return table(Servers, rows), groups


def _stations(scenario: Scenario) -> tuple[Stations, Routes]:
    pool_number = _numbers(scenario.pools)
    bit = {skill: 1 << i for i, skill in enumerate(scenario.skills)}
    stations: list[tuple[int | float, ...]] = []
    routes: list[tuple[int | float, ...]] = []
    for station in scenario.stations.values():
        first = len(routes)
        routes += [(pool_number[route.pool], round(route.time_ms("after") or 0)) for route in station.route]
        need = sum(bit[skill] for skill in set(station.needs))
        stations.append((need, first, len(routes), station.batch_limit))
    return table(Stations, stations), table(Routes, routes)


def _lanes(scenario: Scenario) -> Lanes:
    shape = (len(scenario.stations), len(scenario.levels))
    priority = np.tile(np.arange(shape[1], dtype=np.int32), (shape[0], 1))
    head_start = np.zeros(shape, dtype=np.int64)
    for s, station in enumerate(scenario.stations.values()):
        for name, lane in station.levels.items():
            level = scenario.levels.index(name)
            if lane.priority is not None:
                priority[s, level] = lane.priority
            head_start[s, level] = round(lane.head_start_s * 1000)
    return Lanes(priority, head_start)


def _clocks(scenario: Scenario, numbers: Numbers) -> Clocks:
    rows: list[tuple[int | float, ...]] = []
    for clock in scenario.clocks.values():
        arg = numbers.levels[clock.level] if clock.level else numbers.stations[clock.station] if clock.station else NONE
        rows.append((round(clock.time_ms("limit") or 0), ClockAction[clock.action.upper()], arg))
    return table(Clocks, rows)


def _slow(scenario: Scenario) -> np.ndarray:
    most = max((group.slots for pool in scenario.pools.values() for group in pool.groups), default=1)
    slow = np.full((len(scenario.pools), most + 1), 1000, dtype=np.int64)
    for p, pool in enumerate(scenario.pools.values()):
        for held in range(1, most + 1):
            slow[p, held] = round(pool.slow_factors[min(held, len(pool.slow_factors)) - 1] * 1000)
    return slow


def _settings(scenario: Scenario) -> FigureSettings:
    numbers = scenario.definitions
    spans: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for days, texts in numbers.opening_hours.items():
        for weekday in weekdays(days):
            for start, end in map(span_minutes, texts):
                spans[weekday].append((start * 60_000, min(end, 1440) * 60_000))
                if end > 1440:
                    spans[(weekday + 1) % 7].append((0, (end - 1440) * 60_000))
    return FigureSettings(
        service_level_within_ms=round(numbers.service_level_within_s * 1000),
        short_abandon_ms=round(numbers.short_abandon_s * 1000),
        closed_within_ms=round(numbers.closed_within_h * 3_600_000),
        first_contact_window_ms=round(numbers.first_contact_window_days * DAY),
        first_weekday=WEEKDAYS.index(scenario.horizon.first_weekday),
        opening_spans=tuple(_joined(day) for day in spans),
    )


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, those that touch or overlap joined."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
