"""Whether the parts of a scenario fit together: everything named exists, and the network can do what it is asked to.

``sim.scenario`` checks each field by itself and ``sim.journeys`` the ways through the journeys; here is what takes
two places to see. What is merely unwise is not refused: a pool without servers, a gate that nobody opens, a kind that
nobody sends are experiments.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator

from sim.fields import span_minutes, weekdays
from sim.journeys import journeys, label, problems_of_journeys
from sim.naming import stable_hash
from sim.problems import Path, Problem, did_you_mean, listed, quoted
from sim.scenario import (
    Arrival,
    Branch,
    BranchClock,
    BranchQueue,
    Group,
    Level,
    Mark,
    OpenGate,
    Request,
    Scenario,
    Serve,
    Spawn,
    StartClock,
    StopClock,
    Wait,
    WaitGate,
    Work,
)

MOST_PER_DAY = 1_000_000
"""Items of one source a day: their slots have 20 bits, and a Poisson count lies above its mean."""

MOST_PROBLEMS = 2000
MOST_SERVERS = 2_000_000
MOST_NUMBERED = 32_767
"""Kinds, stations, moments and names of steps are numbered in 16 bits."""

MOST_TOPICS = 2**31 - 1
MOST_POOLS_OF_ROUTE = 64


def check(scenario: Scenario) -> list[Problem]:
    """What does not fit together, each with its place in the tree: all of it, or the first ``MOST_PROBLEMS``."""
    checks = (
        _pools,
        _stations,
        _clocks,
        _profiles,
        _regimes,
        _arrivals,
        _steps,
        problems_of_journeys,
        _nobody,
        _homes,
        _sizes,
        _hashes,
    )
    return list(itertools.islice(itertools.chain.from_iterable(part(scenario) for part in checks), MOST_PROBLEMS))


def _known(path: Path, name: str | None, names: Collection[str], what: str) -> Iterator[Problem]:
    """A problem if a name is given and unknown."""
    if name is not None and name not in names:
        message = f"there is no {what} {quoted(name)}{did_you_mean(name, names)}"
        yield Problem(path, message, listed(names) or f"none: no {what} is declared")


def _once(path: Path, names: Iterable[str], what: str, key: str | None = None) -> Iterator[Problem]:
    """A problem for each name of a list that was there before."""
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            place = (*path, i) if key is None else (*path, i, key)
            yield Problem(place, f"the {what} {quoted(name)} is there twice", "each name once")
        seen.add(name)


# ── the network ──────────────────────────────────────────────────────────────────────────────────────────────────


def _pools(scenario: Scenario) -> Iterator[Problem]:
    yield from _once(("skills",), scenario.skills, "skill")
    yield from _once(("levels",), scenario.levels, "level")
    for name, pool in scenario.pools.items():
        path = ("pools", name, "groups")
        yield from _once(path, [group.group for group in pool.groups], "group", "group")
        for i, group in enumerate(pool.groups):
            for j, skill in enumerate(group.skills):
                yield from _known((*path, i, "skills", j), skill, scenario.skills, "skill")
            longest = _longest_shift_min(group)
            if group.break_min and longest and group.break_min * 2 >= longest:
                message = f"a break of {group.break_min:g} min is too long for shifts of {longest} min"
                yield Problem((*path, i, "break_min"), message, "below half of the longest shift")


def _longest_shift_min(group: Group) -> int:
    if group.presence == "always":
        return 1440
    spans = [span_minutes(text) for texts in group.presence.values() for text in texts]
    return max((end - start for start, end in spans), default=0)


def _stations(scenario: Scenario) -> Iterator[Problem]:
    for name, station in scenario.stations.items():
        path = ("stations", name)
        for i, skill in enumerate(station.needs):
            yield from _known((*path, "needs", i), skill, scenario.skills, "skill")
        for level in station.levels:
            yield from _known((*path, "levels", level), level, scenario.levels, "level")
        for i, route in enumerate(station.route):
            yield from _known((*path, "route", i, "pool"), route.pool, scenario.pools, "pool")
        yield from _once((*path, "route"), [route.pool for route in station.route], "pool", "pool")
        if len(station.route) > MOST_POOLS_OF_ROUTE:
            message = f"{len(station.route)} pools are too many for a route"
            yield Problem((*path, "route"), message, f"at most {MOST_POOLS_OF_ROUTE}")
        ages = [route.time_ms("after") or 0.0 for route in station.route]
        for i in range(1, len(ages)):
            if ages[i] < ages[i - 1]:
                message = f"pool {quoted(station.route[i].pool)} may serve earlier than the one before it"
                yield Problem((*path, "route", i), message, "waits that do not fall along the route")


def _clocks(scenario: Scenario) -> Iterator[Problem]:
    for name, clock in scenario.clocks.items():
        yield from _known(("clocks", name, "level"), clock.level, scenario.levels, "level")
        yield from _known(("clocks", name, "station"), clock.station, scenario.stations, "station")


def _profiles(scenario: Scenario) -> Iterator[Problem]:
    """A weekday has one factor and one set of weights: no order of the keys would say which of two."""
    for name, profile in scenario.profiles.items():
        for field in ("weekdays", "hours_by_weekday"):
            taken: dict[int, str] = {}
            for days in getattr(profile, field):
                other = next((taken[day] for day in weekdays(days) if day in taken), None)
                if other is not None:
                    message = f"{quoted(days)} and {quoted(other)} name the same day"
                    yield Problem(("profiles", name, field, days), message, "each weekday once")
                taken |= dict.fromkeys(weekdays(days), days)


def _regimes(scenario: Scenario) -> Iterator[Problem]:
    yield from _known(("regime",), scenario.regime, scenario.regimes, "regime")
    for regime, kinds in scenario.regimes.items():
        for kind in kinds:
            yield from _known(("regimes", regime, kind), kind, scenario.kinds, "kind")


def _steps(scenario: Scenario) -> Iterator[Problem]:
    """What steps name: stations, clocks, gates, levels, kinds."""
    for journey in journeys(scenario):
        for i, step in enumerate(journey.steps):
            path = (*journey.path, i)
            match step:
                case Request() | BranchQueue():
                    yield from _known((*path, "station"), step.station, scenario.stations, "station")
                case BranchClock() | StartClock() | StopClock():
                    yield from _known((*path, "clock"), step.clock, scenario.clocks, "clock")
                case WaitGate() | OpenGate():
                    yield from _known((*path, "gate"), step.gate, scenario.gates, "gate")
                case Level():
                    yield from _known((*path, "level"), step.level, scenario.levels, "level")
                case Spawn():
                    yield from _known((*path, "kind"), step.kind, scenario.kinds, "kind")
                    yield from _journey_of((*path, "kind"), step.kind, journey.regime, scenario)


def _journey_of(path: Path, kind: str, regime: str, scenario: Scenario) -> Iterator[Problem]:
    """A problem if a known kind has no journey in a known regime."""
    kinds = scenario.regimes.get(regime)
    if kinds is not None and kind in scenario.kinds and kind not in kinds:
        message = f"the kind {quoted(kind)} has no journey in the regime {quoted(regime)}"
        yield Problem(path, message, listed(kinds) or "none: the regime is empty")


def _nobody(scenario: Scenario) -> Iterator[Problem]:
    """Stations where somebody asks and nobody can serve."""
    asks: dict[str, str] = {}
    for journey in journeys(scenario):
        for i, step in journey.requests():
            private = step.prefer != "route" and step.if_absent == "wait" and not step.given("fallback")
            if not private:
                asks.setdefault(step.station, f"{label(journey, i)} of {quoted(journey.kind)} asks there")
    for name, clock in scenario.clocks.items():
        if clock.station is not None:
            asks.setdefault(clock.station, f"the clock {quoted(name)} sends there")
    for name, station in scenario.stations.items():
        path = ("stations", name, "route")
        pools = [scenario.pools[route.pool] for route in station.route if route.pool in scenario.pools]
        if not station.route and name in asks:
            message = f"nobody can serve at {quoted(name)}: its route is empty, and {asks[name]}"
            yield Problem(path, message, "a route with a pool")
        elif len(pools) == len(station.route) > 0 and set(station.needs) <= set(scenario.skills):
            skills = [set(group.skills) for pool in pools for group in pool.groups]
            if not any(own.issuperset(station.needs) for own in skills):
                message = f"nobody can serve at {quoted(name)}: no group of its pools has {listed(station.needs)}"
                yield Problem(("stations", name, "needs"), message, "skills that a group of one of its pools has")


# ── arrivals ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _arrivals(scenario: Scenario) -> Iterator[Problem]:
    yield from _once(("arrivals",), [arrival.source for arrival in scenario.arrivals], "source", "source")
    for i, arrival in enumerate(scenario.arrivals):
        path = ("arrivals", i)
        yield from _known((*path, "kind"), arrival.kind, scenario.kinds, "kind")
        yield from _known((*path, "regime"), arrival.regime, scenario.regimes, "regime")
        yield from _known((*path, "level"), arrival.level, scenario.levels, "level")
        yield from _known((*path, "profile"), arrival.profile, scenario.profiles, "profile")
        yield from _journey_of((*path, "kind"), arrival.kind, arrival.regime or scenario.regime, scenario)
        for field in ("home_pool", "for_each_server_of"):
            pool = getattr(arrival, field)
            yield from _known((*path, field), pool, scenario.pools, "pool")
            if pool in scenario.pools and _head_count(scenario, pool) == 0:
                message = f"the pool {quoted(pool)} has no servers that items could belong to"
                yield Problem((*path, field), message, "a pool with at least one server")
        most = _most_per_day(scenario, arrival)
        if most > MOST_PER_DAY:
            message = f"the source makes {most:,.0f} items on a day"
            yield Problem(path, message, f"at most {MOST_PER_DAY:,} a day from one source; divide it into several")


def _head_count(scenario: Scenario, pool: str) -> int:
    return sum(group.head_count for group in scenario.pools[pool].groups)


def _most_per_day(scenario: Scenario, arrival: Arrival) -> float:
    """Mean number of items on the busiest weekday."""
    if arrival.at is not None:
        each = arrival.for_each_server_of
        return len(arrival.at) * (_head_count(scenario, each) if each in scenario.pools else 1)
    profile = scenario.profiles.get(arrival.profile or "")
    factors = [1.0] if profile is None else [*profile.weekdays.values()]
    if profile is not None and len({day for days in profile.weekdays for day in weekdays(days)}) < 7:
        factors.append(1.0)
    return arrival.mean_per_day * max(factors)


def _homes(scenario: Scenario) -> Iterator[Problem]:
    """Requests to the home server by items that certainly have none."""
    reached: dict[tuple[str, str], bool] = {}
    by_place = {(journey.regime, journey.kind): journey for journey in journeys(scenario)}
    for arrival in scenario.arrivals:
        has_home = bool(arrival.home_pool or arrival.for_each_server_of)
        stack = [(arrival.regime or scenario.regime, arrival.kind)]
        while stack:
            place = stack.pop()
            if place in by_place and (place not in reached or (has_home and not reached[place])):
                reached[place] = has_home
                stack += [(place[0], step.kind) for step in by_place[place].steps if isinstance(step, Spawn)]
    for place, has_home in reached.items():
        for i, step in by_place[place].requests():
            if step.prefer == "home" and not has_home:
                message = f"no item that comes here has a home server: no source of {quoted(place[1])} gives one"
                path = (*by_place[place].path, i, "prefer")
                yield Problem(path, message, "route or owner, or home_pool at the arrivals")


# ── numbers and names ────────────────────────────────────────────────────────────────────────────────────────────


def _sizes(scenario: Scenario) -> Iterator[Problem]:
    servers = sum(_head_count(scenario, pool) for pool in scenario.pools)
    if servers > MOST_SERVERS:
        yield Problem(("pools",), f"there are {servers:,} servers", f"at most {MOST_SERVERS:,}")
    steps = [step for journey in journeys(scenario) for step in journey.steps]
    counts = {
        ("kinds",): len(scenario.kinds),
        ("stations",): len(scenario.stations),
        ("regimes",): max(
            len({step.step for step in steps}), len({step.moment for step in steps if isinstance(step, Mark)})
        ),
    }
    for path, count in counts.items():
        if count > MOST_NUMBERED:
            yield Problem(path, f"there are {count:,} different names", f"at most {MOST_NUMBERED:,}")
    topics = 0
    for i, arrival in enumerate(scenario.arrivals):
        pool = arrival.home_pool or arrival.for_each_server_of
        topics += (arrival.topics or 0) * (max(_head_count(scenario, pool), 1) if pool in scenario.pools else 1)
        if topics > MOST_TOPICS:
            message = f"there are {topics:,} topics up to here, with those of each home server"
            yield Problem(("arrivals", i, "topics"), message, f"at most {MOST_TOPICS:,}")
            return


def _hashes(scenario: Scenario) -> Iterator[Problem]:
    """Names whose draws would be the same because their hashes are."""
    sources = [((("arrivals", i, "source"), arrival.source)) for i, arrival in enumerate(scenario.arrivals)]
    groups: list[tuple[Path, str]] = [
        (("pools", name, "groups", i, "group"), f"{name}/{group.group}")
        for name, pool in scenario.pools.items()
        for i, group in enumerate(pool.groups)
    ]
    steps = [
        ((*journey.path, i, "step"), name)
        for journey in journeys(scenario)
        for i, step in enumerate(journey.steps)
        for name in draw_names(step)
    ]
    for names in (sources, groups, steps):
        first: dict[int, str] = {}
        for path, name in names:
            other = first.setdefault(stable_hash(name), name)
            if other != name:
                message = f"{quoted(name)} and {quoted(other)} would draw the same random numbers"
                yield Problem(path, message, "another name (their hashes are equal by chance)")


def draw_names(step: object) -> list[str]:
    """Names of what a step draws, as ``sim.service.program`` hashes them."""
    names: list[str] = []
    if isinstance(step, (Wait, Branch, Spawn)):
        names.append(step.step)
    if isinstance(step, Request):
        names += [f"{step.step}:patience"] if step.patience else []
        names += [f"{step.step}:notice"] if step.notice else []
    if isinstance(step, (Work, Serve)) and step.duration != "own":
        names.append(f"{step.step}:work")
    return names
