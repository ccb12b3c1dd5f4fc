"""What a journey's steps can lead to: ways that end nowhere, servers that nobody holds, circles that take no time."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sim.problems import Path, Problem, did_you_mean, listed, quoted
from sim.scenario import (
    AnyStep,
    Branch,
    BranchCause,
    BranchClock,
    BranchIncident,
    BranchParent,
    BranchQueue,
    Duration,
    End,
    Go,
    Own,
    Release,
    Request,
    Scenario,
    Seize,
    Serve,
    Spawn,
    StartClock,
    Wait,
    Work,
)

MAX_HELD = 4
"""Servers that an item may hold at once; the same as in ``sim.service.tables``, which needs NumPy."""

MOST_CIRCLES = 20
"""Circles that are reported; whoever has more mends these first."""

SHORTEST_MS = 0.5
"""Anything shorter is rounded to no time at all."""


@dataclass(frozen=True)
class Journey:
    """The steps of one kind in one regime."""

    regime: str
    kind: str
    steps: list[AnyStep]

    @property
    def path(self) -> Path:
        return ("regimes", self.regime, self.kind)

    @functools.cached_property
    def places(self) -> dict[str, int]:
        """Number of the first step of each name."""
        places: dict[str, int] = {}
        for i, step in enumerate(self.steps):
            if step.step is not None:
                places.setdefault(step.step, i)
        return places

    def place(self, name: str | None) -> int | None:
        """Number of the step of a name."""
        return None if name is None else self.places.get(name)

    def requests(self) -> Iterator[tuple[int, Request]]:
        """Steps that ask for a server."""
        return ((i, step) for i, step in enumerate(self.steps) if isinstance(step, Request))


def journeys(scenario: Scenario) -> list[Journey]:
    """All journeys of all regimes."""
    return [Journey(regime, kind, steps) for regime, kinds in scenario.regimes.items() for kind, steps in kinds.items()]


def targets(step: AnyStep) -> list[tuple[Path, str]]:
    """Steps that a step may jump to, by name, each with its place inside the step."""
    match step:
        case Branch():
            return [(("options", i, "to"), option.to) for i, option in enumerate(step.options)]
        case BranchQueue() | BranchClock() | BranchParent() | BranchCause() | BranchIncident() | Go():
            return [(("to",), step.to)]
        case Request() if step.impatient_to is not None:
            return [(("impatient_to",), step.impatient_to)]
    return []


def problems_of_journeys(scenario: Scenario) -> Iterator[Problem]:
    """Everything wrong with the ways through the journeys; unknown names of other things are left to the caller."""
    for journey in journeys(scenario):
        yield from _names(journey)
        yield from _ways(journey)
        yield from _held(journey)
        yield from _batches(journey, scenario)
    yield from _circles(scenario)


# ── one journey ──────────────────────────────────────────────────────────────────────────────────────────────────


def _names(journey: Journey) -> Iterator[Problem]:
    names = journey.places
    first: dict[str, int] = {}
    for i, step in enumerate(journey.steps):
        if step.step is not None and first.setdefault(step.step, i) != i:
            message = f"the step {quoted(step.step)} is there twice"
            yield Problem((*journey.path, i, "step"), message, "each name once in a journey")
        for place, name in targets(step):
            if name not in names:
                message = f"there is no step {quoted(name)} in this journey{did_you_mean(name, names)}"
                yield Problem((*journey.path, i, *place), message, listed(names) or "none: no step has a name")


def _complete(step: Branch) -> bool:
    return sum(option.share for option in step.options) >= 1 - 1e-9


def _goes_on(step: AnyStep, *, by_shares: bool = True) -> bool:
    """Whether an item may go to the next step; without ``by_shares`` a branch always lets some go on."""
    return not isinstance(step, (Go, End)) and not (by_shares and isinstance(step, Branch) and _complete(step))


def _following(journey: Journey, i: int, *, by_shares: bool = True) -> list[int]:
    """Steps that may come after a step; one that does not exist is left out."""
    step = journey.steps[i]
    following = [i + 1] if _goes_on(step, by_shares=by_shares) and i + 1 < len(journey.steps) else []
    return following + [to for _, name in targets(step) if (to := journey.place(name)) is not None]


def _ways(journey: Journey) -> Iterator[Problem]:
    """The last step must not run off the end, and a way must lead to each step."""
    last = len(journey.steps) - 1
    if _goes_on(journey.steps[last]):
        message = f"the journey runs off its end after {label(journey, last)}"
        yield Problem((*journey.path, last), message, "end, go, or a branch with shares that add up to 1, as last step")
    if any(journey.place(name) is None for step in journey.steps for _, name in targets(step)):
        return
    reached, stack = {0}, [0]
    while stack:
        # Shares are numbers that people change: a share of 1 does not make the steps after it wrong.
        for to in _following(journey, stack.pop(), by_shares=False):
            if to not in reached:
                reached.add(to)
                stack.append(to)
    for i in range(1, len(journey.steps)):
        if i not in reached and i - 1 in reached:
            allowed = "a step before it that goes on, or a jump to its name"
            yield Problem((*journey.path, i), f"no way leads to {label(journey, i)}", allowed)


def _held(journey: Journey) -> Iterator[Problem]:
    """How many servers an item holds must be the same on every way to a step, and enough for what it does."""
    held = {0: 0}
    stack = [0]
    refused: set[int] = set()
    while stack:
        i = stack.pop()
        step, now = journey.steps[i], held[i]
        if isinstance(step, (Work, Release, Own)) and now == 0:
            message = f"{step.do} without a server"
            yield Problem((*journey.path, i), message, "after seize and before its release")
        if isinstance(step, (Seize, Serve)) and now + 1 > MAX_HELD:
            yield Problem((*journey.path, i), f"an item would hold {now + 1} servers", f"at most {MAX_HELD}")
            continue
        after = now + 1 if isinstance(step, Seize) else max(now - 1, 0) if isinstance(step, Release) else now
        impatient = journey.place(step.impatient_to) if isinstance(step, Request) else None
        following = [(to, after) for to in _following(journey, i) if to != impatient or to == i + 1]
        if impatient is not None:
            following.append((impatient, now))
        for to, count in following:
            if to not in held:
                held[to] = count
                stack.append(to)
            elif held[to] != count and to not in refused:
                refused.add(to)
                message = (
                    f"{label(journey, to)} is reached holding {held[to]} servers by one way and {count} by another"
                )
                yield Problem((*journey.path, to), message, "the same number on every way")


def _batches(journey: Journey, scenario: Scenario) -> Iterator[Problem]:
    """What is done for a batch is work and waiting only: the others ride along and skip everything else."""
    batches = {name for name, station in scenario.stations.items() if station.batch_limit > 1}
    jumps = {name for name, clock in scenario.clocks.items() if clock.station in batches}
    may_jump = any(isinstance(step, StartClock) and step.clock in jumps for step in journey.steps)
    for i, step in journey.requests():
        if isinstance(step, Serve) and step.own and step.station in batches:
            message = "own at a station that serves in batches, where the others of a batch would have no owner"
            yield Problem((*journey.path, i, "own"), message, "false, or batch_limit 1")
        if not isinstance(step, Seize) or not (step.station in batches or may_jump):
            continue
        end = i + 1
        while end < len(journey.steps) and isinstance(journey.steps[end], (Work, Wait)):
            end += 1
        if end < len(journey.steps) and not isinstance(journey.steps[end], Release):
            message = f"{journey.steps[end].do} while a batch is served"
            yield Problem((*journey.path, end), message, "work and wait between seize and release")


def label(journey: Journey, i: int) -> str:
    """How messages call a step."""
    step = journey.steps[i]
    return f"step {quoted(step.step)}" if step.step else f"step {i + 1} ({step.do})"


# ── circles that take no time ────────────────────────────────────────────────────────────────────────────────────

Node = tuple[str, str, int]
"""Regime, kind and number of a step."""


def takes_no_time(duration: Duration | Literal["own"], factor: float = 1.0) -> bool:
    """Whether every draw, times a factor, is rounded to 0 ms (a mean below 0.01 ms counts as none; an item may bring no
    work of its own)."""
    if duration == "own":
        return True
    low, high = duration.time_ms("at_least"), duration.time_ms("at_most")
    if high is not None and high * factor < SHORTEST_MS:
        return True
    if low is not None and low * factor >= SHORTEST_MS:
        return False
    if duration.family == "constant":
        return (duration.time_ms("value") or 0.0) * factor < SHORTEST_MS
    if duration.family == "mixture":
        return all(takes_no_time(c.duration, factor) for c in duration.components or [] if c.share > 0)
    if duration.family == "empirical":
        longest = max(duration.quantiles_s.values()) * 1000 if duration.quantiles_s else 0.0
        longest = max(duration.quantiles_min.values()) * 60_000 if duration.quantiles_min else longest
        return longest * factor < SHORTEST_MS
    return max(duration.time_ms(base) or 0.0 for base in ("mean", "median", "p90")) * factor < 0.01


def _circles(scenario: Scenario) -> Iterator[Problem]:
    """One problem for each circle of steps (spawned items' included) that can be run through in no time."""
    all_journeys = {(j.regime, j.kind): j for j in journeys(scenario)}
    groups = [group for pool in scenario.pools.values() for group in pool.groups]
    slow = min((factor for pool in scenario.pools.values() for factor in pool.slow_factors), default=1.0)
    factor = slow / max((group.speed for group in groups), default=1.0)
    ways: dict[Node, list[Node]] = {}
    for (regime, kind), journey in all_journeys.items():
        for i in range(len(journey.steps)):
            ways[regime, kind, i] = [(regime, kind, to) for to in _at_once(journey, i, factor)]
            step = journey.steps[i]
            if isinstance(step, Spawn) and (step.delay is None or takes_no_time(step.delay)):
                ways[regime, kind, i] += [(regime, step.kind, 0)] * ((regime, step.kind) in all_journeys)
    for _ in range(MOST_CIRCLES):
        circle = _circle(ways)
        if not circle:
            return
        journey = all_journeys[circle[0][:2]]
        steps = [label(all_journeys[node[:2]], node[2]) for node in [*circle[:8], circle[0]]]
        message = f"{' → '.join(steps)} is a circle that takes no time"
        yield Problem((*journey.path, circle[0][2]), message, "a wait or work that takes time within it")
        for node in circle:
            ways[node] = []


def _at_once(journey: Journey, i: int, factor: float) -> list[int]:
    """Steps that may follow a step in no time. Drawn patience may be none; until a lapse some time passes."""
    step = journey.steps[i]
    timed = (isinstance(step, Wait) and not takes_no_time(step.duration)) or (
        isinstance(step, (Work, Serve)) and not takes_no_time(step.duration, factor)
    )
    if not isinstance(step, Request):
        return [] if timed else _following(journey, i)
    served = [] if timed or i + 1 == len(journey.steps) else [i + 1]
    impatient = None if step.patience is None else journey.place(step.impatient_to)
    return served if impatient is None else [*served, impatient]


def _circle(ways: dict[Node, list[Node]]) -> list[Node]:
    """A circle of the graph, from its first step in the scenario's order; empty if there is none."""
    before: dict[Node, list[Node]] = {node: [] for node in ways}
    left = {node: len(following) for node, following in ways.items()}
    for node, following in ways.items():
        for to in following:
            before[to].append(node)
    # Steps that lead nowhere are taken away until none is left, or each that is left leads to another one.
    stack = [node for node, count in left.items() if count == 0]
    while stack:
        gone = stack.pop()
        del left[gone]
        for node in before[gone]:
            left[node] -= 1
            if left[node] == 0:
                stack.append(node)
    if not left:
        return []
    node = next(node for node in ways if node in left)
    seen: dict[Node, int] = {}
    walked: list[Node] = []
    while node not in seen:
        seen[node] = len(walked)
        walked.append(node)
        node = next(to for to in ways[node] if to in left)
    circle = walked[seen[node] :]
    order = {node: number for number, node in enumerate(ways)}
    first = min(range(len(circle)), key=lambda i: order[circle[i]])
    return circle[first:] + circle[:first]
