"""Journeys, written as named steps, compiled to one program of operations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sim import scenario as s
from sim.fields import clock_minutes
from sim.naming import stable_hash
from sim.service.durations import DurationTable
from sim.service.tables import NONE, Choices, IfAbsent, Op, Outcome, Prefer, Program, Seizes, TopicField, table
from sim.service.topics import CAUSES

DRAWING = (Op.WAIT, Op.SEIZE, Op.WORK, Op.BRANCH_SHARE, Op.SPAWN)
"""Operations that draw random numbers and therefore count how often an item executes them."""


@dataclass
class Numbers:
    """Numbers of the scenario's named things."""

    stations: dict[str, int]
    levels: dict[str, int]
    clocks: dict[str, int]
    gates: dict[str, int]
    kinds: dict[str, int]
    moments: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)


@dataclass
class _Row:
    """One operation under construction; a target that is a text is a step's name, resolved at the journey's end."""

    op: Op
    a: int = NONE
    b: int = NONE
    c: int = NONE
    step: str = ""
    purpose: int = 0
    to: str | None = None
    spawns: str | None = None


@dataclass
class Compiler:
    """Compiles the journeys of all regimes into one program."""

    numbers: Numbers
    durations: DurationTable
    rows: list[_Row] = field(default_factory=list)
    choices: list[tuple[float, str]] = field(default_factory=list)
    seizes: list[tuple[int, ...]] = field(default_factory=list)
    entry: dict[tuple[str, str], int] = field(default_factory=dict)
    _impatient: list[tuple[int, str | None]] = field(default_factory=list)

    def compile(self, regimes: dict[str, dict[str, list[s.AnyStep]]]) -> tuple[Program, Choices, Seizes, int]:
        """Program, choices, seizes and the number of visit counters that an item needs."""
        targets: list[int] = []
        slots: list[int] = []
        for regime, journeys in regimes.items():
            for kind, steps in journeys.items():
                self.entry[regime, kind] = len(self.rows)
                self._journey(regime, steps, targets)
                slots += _visit_slots(self.rows, self.entry[regime, kind], targets, self.seizes)
        for row in self.rows:
            if row.spawns is not None:
                regime, _, kind = row.spawns.partition("/")
                row.a = self.entry[regime, kind]
        program = table(
            Program,
            [
                (r.op, r.a, r.b, r.c, self.numbers.steps[r.step], r.purpose, slot)
                for r, slot in zip(self.rows, slots, strict=True)
            ],
        )
        choices = table(Choices, [(share, to) for (share, _), to in zip(self.choices, targets, strict=True)])
        return program, choices, table(Seizes, self.seizes), max(slots, default=NONE) + 1

    def _journey(self, regime: str, steps: list[s.AnyStep], targets: list[int]) -> None:
        first_row, first_choice, first_seize = len(self.rows), len(self.choices), len(self.seizes)
        place: dict[str, int] = {}
        for step in steps:
            if step.step is not None:
                place[step.step] = len(self.rows)
                self.numbers.steps.setdefault(step.step, len(self.numbers.steps))
            self._step(step, regime)
        patient = [i for i in range(first_seize, len(self.seizes)) if {self.seizes[i][1], self.seizes[i][-1]} != {NONE}]
        impatient = dict(self._impatient)
        if any(impatient[i] is None for i in patient):
            place[""] = len(self.rows)
            self.rows.append(_Row(Op.END, a=Outcome.ABANDONED))
        for i in patient:
            seize = self.seizes[i]
            self.seizes[i] = (*seize[:3], place[impatient[i] or ""], *seize[4:])
        for row in self.rows[first_row:]:
            if row.to is not None:
                row.c = place[row.to]
        targets += [place[to] for _, to in self.choices[first_choice:]]

    def _step(self, step: s.AnyStep, regime: str) -> None:
        name, n = step.step or "", self.numbers
        match step:
            case s.Wait():
                self._add(Op.WAIT, name, a=self.durations.add(step.duration), purpose=stable_hash(name))
            case s.Serve():
                self._request(step)
                if step.own:
                    self._add(Op.OWN, name)
                self._work(name, step.duration)
                self._add(Op.RELEASE, name)
            case s.Seize():
                self._request(step)
            case s.Work():
                self._work(name, step.duration)
            case s.Release():
                self._add(Op.RELEASE, name)
            case s.Branch():
                first, below = len(self.choices), 0.0
                for option in step.options:
                    below += option.share
                    # Shares such as 0.3 + 0.3 + 0.4 mean all, whatever the last bit says.
                    below = 1.0 if abs(below - 1.0) < 1e-9 else below
                    self.choices.append((below, option.to))
                self._add(Op.BRANCH_SHARE, name, a=first, b=len(step.options), purpose=stable_hash(name))
            case s.BranchQueue():
                self._add(Op.BRANCH_QUEUE, name, a=n.stations[step.station], b=step.at_least, to=step.to)
            case s.BranchClock():
                self._add(Op.BRANCH_CLOCK, name, a=n.clocks[step.clock], to=step.to)
            case s.BranchParent():
                self._add(Op.BRANCH_PARENT, name, to=step.to)
            case s.BranchCause():
                self._add(Op.BRANCH_TOPIC, name, a=TopicField.CAUSE, b=CAUSES.index(step.cause), to=step.to)
            case s.BranchIncident():
                self._add(Op.BRANCH_TOPIC, name, a=TopicField.INCIDENT, to=step.to)
            case s.Level():
                self._add(Op.LEVEL, name, a=n.levels[step.level])
            case s.StartClock():
                self._add(Op.CLOCK_START, name, a=n.clocks[step.clock])
            case s.StopClock():
                self._add(Op.CLOCK_STOP, name, a=n.clocks[step.clock])
            case s.Own():
                self._add(Op.OWN, name)
            case s.Spawn():
                delay = NONE if step.delay is None else self.durations.add(step.delay)
                self._add(Op.SPAWN, name, b=n.kinds[step.kind], c=delay, purpose=stable_hash(name))
                self.rows[-1].spawns = f"{regime}/{step.kind}"
            case s.WaitGate():
                self._add(Op.GATE_WAIT, name, a=n.gates[step.gate])
            case s.OpenGate():
                self._add(Op.GATE_OPEN, name, a=n.gates[step.gate], b=int(step.stays_open))
            case s.Mark():
                self._add(Op.MARK, name, a=n.moments.setdefault(step.moment, len(n.moments)))
            case s.Go():
                self._add(Op.GOTO, name, to=step.to)
            case s.End():
                self._add(Op.END, name, a=Outcome[step.outcome.upper()])

    def _add(
        self, op: Op, step: str, a: int = NONE, b: int = NONE, c: int = NONE, purpose: int = 0, to: str | None = None
    ) -> None:
        self.rows.append(_Row(op, int(a), b, c, step, purpose, to))

    def _work(self, name: str, duration: s.Duration | Literal["own"]) -> None:
        if duration == "own":
            self._add(Op.WORK, name)
        else:
            self._add(Op.WORK, name, a=self.durations.add(duration), purpose=stable_hash(f"{name}:work"))

    def _request(self, step: s.Request) -> None:
        fallback = step.time_ms("fallback")
        self._impatient.append((len(self.seizes), step.impatient_to))
        self._add(Op.SEIZE, step.step, a=len(self.seizes))
        self.seizes.append(
            (
                self.numbers.stations[step.station],
                NONE if step.patience is None else self.durations.add(step.patience),
                stable_hash(f"{step.step}:patience"),
                NONE,
                Prefer[step.prefer.upper()],
                IfAbsent[step.if_absent.upper()],
                NONE if fallback is None else round(fallback),
                NONE if step.notice is None else self.durations.add(step.notice),
                stable_hash(f"{step.step}:notice"),
                NONE if step.lapses_at is None else clock_minutes(step.lapses_at) * 60_000,
            )
        )


def _visit_slots(rows: list[_Row], first: int, targets: list[int], seizes: list[tuple[int, ...]]) -> list[int]:
    """Counter of each operation of a journey, −1 for those that no item can execute twice or that draw nothing."""

    def successors(pc: int) -> list[int]:
        row = rows[pc]
        following = [] if row.op in (Op.GOTO, Op.END) else [pc + 1]
        if row.op == Op.BRANCH_SHARE:
            following += targets[row.a : row.a + row.b]
        elif row.op == Op.SEIZE and seizes[row.a][3] != NONE:
            following.append(seizes[row.a][3])
        elif row.to is not None:
            following.append(row.c)
        return [pc for pc in following if pc < len(rows)]

    def returns(start: int) -> bool:
        seen: set[int] = set()
        stack = successors(start)
        while stack:
            pc = stack.pop()
            if pc == start:
                return True
            if pc not in seen:
                seen.add(pc)
                stack += successors(pc)
        return False

    slots, used = [], 0
    for pc in range(first, len(rows)):
        counted = rows[pc].op in DRAWING and returns(pc)
        slots.append(used if counted else NONE)
        used += counted
    return slots
