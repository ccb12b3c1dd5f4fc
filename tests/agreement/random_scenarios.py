"""Random scenarios full of ties, each with a plan of how its run is cut into calls.

A scenario plays within half an hour, on a coarse grid of whole time units: durations, waits, shift ends, clocks, ages
and cuts fall on the same instants.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cut_runs import Cut, Plan
from hypothesis import Phase, given, settings
from hypothesis import seed as hypothesis_seed
from hypothesis import strategies as st

from sim.consistency import check
from sim.library import text_of
from sim.scenario import Scenario
from sim.service.build import DAY

T = TypeVar("T")
Tree = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A scenario as its tree, and a plan."""

    tree: Tree
    plan: Plan

    @property
    def scenario(self) -> Scenario:
        """The validated scenario; one that is refused is a fault of this generator."""
        scenario = Scenario.model_validate(self.tree, strict=True)
        if problems := check(scenario):
            raise AssertionError(f"the generator made a scenario that is refused: {problems}")
        return scenario

    def text(self) -> str:
        """YAML that ``linli run`` accepts, with the plan in a comment that ``saved`` reads."""
        return f"# plan: {self.plan.text()}\n{text_of(self.tree)}"


def by_seed(seed: int | str) -> Case:
    """The case of a seed."""
    world = _World(Choices(random.Random(seed)))
    return Case(world.tree(), world.plan())


def for_each(wanted: int, number: int, check_one: Callable[[Case], None]) -> None:
    """Check so many different cases, always the same for a number and others for another number.

    Hypothesis draws the seeds only: the many small decisions of a case, drawn by it one by one, come out so alike that
    rare rules fire half as often. ``smaller`` makes a failing case smaller instead.
    """

    @hypothesis_seed(number)
    @settings(max_examples=wanted, deadline=None, database=None, phases=(Phase.generate,), report_multiple_bugs=False)
    @given(st.integers(0, 2**63 - 1))
    def check_all(seed: int) -> None:
        check_one(by_seed(f"{number} {seed}"))

    check_all()


@dataclass
class Choices:
    """Decisions at random."""

    random: random.Random

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def between(self, low: int, high: int) -> int:
        return self.random.randint(low, high)

    def below(self, bound: int) -> int:
        return self.random.randrange(bound)

    def one(self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    def some(self, options: Sequence[T], percent: int) -> list[T]:
        return [option for option in options if self.chance(percent)]

    def weighted(self, options: dict[str, int]) -> str:
        return self.random.choices(list(options), list(options.values()))[0]


# ── the network ──────────────────────────────────────────────────────────────────────────────────────────────────


class _World:
    """One scenario under construction."""

    def __init__(self, choose: Choices) -> None:
        self.choose = c = choose
        self.unit_s = c.one((60, 60, 30, 20))
        self.days = 2 if c.chance(12) else 1
        self.start_min = 1430 if self.days == 2 else c.one((1400, 0, 600, 1420))
        self.first_weekday = c.one(("mon", "sun"))
        self.levels = [f"level_{i}" for i in range(c.between(1, 3))]
        self.skills = [f"skill_{i}" for i in range(c.one((2, 0, 1, 2, 3)))]
        self.batches, self.homes, self.slots = c.chance(60), c.chance(70), c.chance(60)
        self.gates = {
            f"gate_{i}": {"scope": c.one(("topic", "run", "home", "incident"))} for i in range(c.one((1, 0, 2, 3)))
        }
        self.pools = {f"pool_{i}": self._pool() for i in range(c.between(1, 3))}
        self.staffed = [name for name, pool in self.pools.items() if any(g["servers"] for g in pool["groups"])]
        self.homes = self.homes and bool(self.staffed)
        self.stations = {f"station_{i}": self._station() for i in range(c.between(1, 3))}
        self.batch_stations = [name for name, station in self.stations.items() if station["batch_limit"] > 1]
        self.first_action = c.below(3)
        self.clocks = {f"clock_{i}": self._clock(i) for i in range(c.one((3, 2, 4, 3, 4, 0)))}
        self.kinds = [f"kind_{i}" for i in range(c.one((2, 3, 4, 1)))]

    def tree(self) -> Tree:
        c = self.choose
        regimes = {
            regime: {kind: _Journey(self, i).steps for i, kind in enumerate(self.kinds)}
            for regime in (["now", "later"] if c.chance(20) else ["now"])
        }
        profiles = {"rush": self._profile()}
        return {
            "name": "random",
            "horizon": {
                "days": self.days,
                "first_weekday": self.first_weekday,
                "warm_up_days": c.one((0.0, 0.0, 0.25, 0.5)),
            },
            "levels": self.levels,
            "skills": self.skills,
            "pools": self.pools,
            "stations": self.stations,
            "clocks": self.clocks,
            "gates": self.gates,
            "kinds": {kind: {"counts_as": c.one(("contact", "contact", "task"))} for kind in self.kinds},
            "regimes": regimes,
            "regime": "now",
            "profiles": profiles,
            "arrivals": self._arrivals(regimes),
        }

    def times(self, low: int, high: int) -> float:
        """A multiple of the time unit, in seconds."""
        return float(self.choose.between(low, high) * self.unit_s)

    def _pool(self) -> Tree:
        c = self.choose
        groups = [self._group(f"group_{i}") for i in range(c.one((1, 1, 2, 3)))]
        factors = [1.0, *(c.one((1.0, 1.25, 1.5, 2.0)) for _ in range(c.between(0, 2)))] if self.slots else [1.0]
        return {"groups": groups, "slow_factors": factors}

    def _group(self, name: str) -> Tree:
        c = self.choose
        group: Tree = {"group": name, "servers": float(c.one((1, 2, 3, 2, 4, 0))), "skills": c.some(self.skills, 50)}
        group["speed"] = c.one((1.0, 1.0, 1.0, 2.0, 0.5, 1.25))
        group["slots"] = c.one((1, 2, 3)) if self.slots else 1
        if c.chance(60):
            spans = [self._span() for _ in range(c.one((2, 1, 3)))]
            group["presence"] = {"mon-sun": spans} if c.chance(80) else {self.first_weekday: spans, "wed-fri": spans}
            group["break_min"] = float(c.one((0, 0, 0, 1, 2)))
        group["days_per_week"] = c.one((7, 7, 7, 6))
        group["absence_share"] = c.one((0.0, 0.0, 0.0, 0.25))
        return group

    def _span(self) -> str:
        """A shift near the start; at least six minutes, so that a break fits."""
        first = self.start_min + self.choose.one((0, 0, 1, 2, 8, 8, 16, -8))
        last = first + self.choose.one((6, 7, 8, 8, 16, 24))
        return "-".join(f"{minute % 1440 // 60:02}:{minute % 60:02}" for minute in (first, last))

    def _station(self) -> Tree:
        c = self.choose
        pools = list(self.pools)
        first = c.below(len(pools))
        route = [pools[(first + i) % len(pools)] for i in range(c.between(1, len(pools)))]
        ages = sorted(self.times(0, 3) for _ in route)
        if c.chance(70):
            ages = [age - ages[0] for age in ages]
        groups = [group for pool in route for group in self.pools[pool]["groups"]]
        levels = {
            level: {"priority": c.one((0, 1, 1, 2)), "head_start_s": self.times(0, 3)}
            for level in c.some(self.levels, 60)
        }
        return {
            "needs": c.some(c.one(groups)["skills"], 80),
            "route": [{"pool": pool, "after_s": age} for pool, age in zip(route, ages, strict=True)],
            "levels": levels,
            "batch_limit": c.one((3, 2, 4, 6)) if self.batches and c.chance(85) else 1,
        }

    def _clock(self, number: int) -> Tree:
        c = self.choose
        action = ("record", "raise", "jump")[(number + self.first_action) % 3]
        clock: Tree = {"limit_s": self.times(0, 3), "action": action}
        if action == "raise":
            clock["level"] = c.one(self.levels)
        elif action == "jump":
            clock["station"] = c.one(list(self.stations))
        return clock

    def duration(self, *, plain: int = 75, low: int = 0, high: int = 3) -> Tree:
        """A distribution: ``plain`` per cent are constants on the grid."""
        c = self.choose
        if c.chance(plain):
            value = self.times(low, high)
            return {"family": "constant", "value_min": value / 60} if c.chance(20) else constant(value)
        mean = float(self.unit_s * c.between(1, 2))
        recipes: dict[str, list[Tree]] = {
            "exponential": [{"mean_s": mean}, {"median_min": mean / 60}],
            "lognormal": [
                {"mean_s": mean, "cv": 0.7},
                {"median_s": mean, "p90_s": 2 * mean},
                {"median_s": mean, "mean_s": 2 * mean},
            ],
            "gamma": [{"mean_s": mean, "cv": 0.5}],
            "weibull": [{"mean_s": mean, "cv": 1.5}, {"mean_s": mean, "shape": 2.0}],
            "hyperexponential": [{"mean_s": mean, "cv": 2.0}],
            "mixture": [
                {
                    "components": [
                        {"share": 0.25, "duration": constant(mean)},
                        {"share": 0.25, "duration": {"family": "exponential", "mean_s": mean}},
                        {"share": 0.5, "duration": constant(2 * mean)},
                    ]
                }
            ],
            "empirical": [{"quantiles_s": {0.0: 0.0, 0.25: mean, 0.75: mean, 1.0: 3 * mean}}],
        }
        family = c.one(list(recipes))
        cut = {"at_least_s": mean / 4, "at_most_s": 2.5 * mean} if c.chance(30) else {}
        return {"family": family, **c.one(recipes[family]), **cut}

    # ── arrivals ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _profile(self) -> Tree:
        """All weight in the hour of the start and the next."""
        hour = self.start_min // 60
        hours = [1.0 if part in (hour, (hour + 1) % 24) else 0.0 for part in range(24)]
        return {"hours": hours, "weekdays": {"tue": 0.5}, "hours_by_weekday": {"wed": hours[::-1]}}

    def _arrivals(self, regimes: dict[str, dict[str, list[Tree]]]) -> list[Tree]:
        c = self.choose
        found = [self._source(0, self.kinds[0], "now", home=self.homes)]
        for i in range(c.between(3, 5)):
            found.append(self._source(i + 1, c.one(self.kinds), c.one(list(regimes)), home=self.homes and c.chance(70)))
        # A request to the home server is refused where certainly nobody has one.
        for regime, kind in _homeless(found, regimes):
            found.append(self._source(len(found), kind, regime, home=True))
        return found

    def _source(self, number: int, kind: str, regime: str, *, home: bool) -> Tree:
        c = self.choose
        source: Tree = {"source": f"source_{number}", "kind": kind, "regime": regime, "level": c.one(self.levels)}
        way = c.weighted({"times": 6, "at": 2, "rate": 2})
        if way == "times":
            source["times_s"] = sorted(t for _ in range(c.between(2, 8)) for t in self._burst())
        elif way == "at":
            minutes = [self.start_min + c.between(0, 9) for _ in range(c.between(1, 5))]
            source["at"] = [f"{minute % 1440 // 60:02}:{minute % 60:02}" for minute in minutes]
            source["on"] = c.one((["mon-sun"], [self.first_weekday], ["sat-tue", "thu"]))
        else:
            per_day = float(c.between(1, 4) * 20)
            rates = {"rate_per_day": per_day, "rate_per_h": per_day / 24, "rate_per_min": per_day / 1440}
            rates["rate_per_s"] = per_day / 86_400
            field = c.one(list(rates))
            source |= {field: rates[field], "profile": "rush"}
            if c.chance(40):
                spread = {"daily_cv": 0.5, "interval_cv": 0.8, "interval_min": 60.0, "correlation": 0.5}
                source["overdispersion"] = spread
        if home:
            source["for_each_server_of" if way == "at" and c.chance(60) else "home_pool"] = c.one(self.staffed)
        if c.chance(75):
            source["topics"] = c.one((1, 2, 3, 2, 3, 40))
        if c.chance(20):
            source["work_s"] = self.times(0, 3)
        return source

    def _burst(self) -> list[float]:
        """Several at one instant, or one after the other; now and then off the grid, or a crowd."""
        c = self.choose
        first = self.start_min * 60 + self.times(0, 9) + (0.5 if c.chance(15) else 0.0)
        apart = c.one((0, 0, 1)) * self.unit_s
        return [first + i * apart for i in range(c.between(1, 10) if c.chance(95) else 60)]

    # ── the plan ─────────────────────────────────────────────────────────────────────────────────────────────────

    def plan(self) -> Plan:
        c = self.choose
        cuts = []
        for _ in range(c.one((2, 0, 1, 3, 5, 7))):
            until = int(self.start_min * 60 + self.times(0, 12)) * 1000
            until += c.one((0, 0, 0, 1, -1)) if c.chance(80) else c.below(100) * self.unit_s * 10
            changes = c.some(("shares", "speeds", "skills"), 45) if c.chance(75) else []
            cuts.append(Cut(max(until, 0), tuple(changes), c.below(100)))
        ends = [Cut(day * DAY) for day in range(1, self.days + 1)]
        cuts = sorted([cut for cut in cuts if cut.until <= self.days * DAY] + ends, key=lambda cut: cut.until)
        return Plan(c.below(100), tuple(cuts), c.chance(50), c.chance(60))


def constant(seconds: float) -> Tree:
    """A duration that is always the same."""
    return {"family": "constant", "value_s": seconds}


def _homeless(sources: list[Tree], regimes: dict[str, dict[str, list[Tree]]]) -> list[tuple[str, str]]:
    """Places (regime, kind) that items reach, none of them with a home server, and that ask for it."""
    reached: dict[tuple[str, str], bool] = {}
    for source in sources:
        home, stack = bool({"home_pool", "for_each_server_of"} & set(source)), [(source["regime"], source["kind"])]
        while stack:
            place = stack.pop()
            if place not in reached or (home and not reached[place]):
                reached[place] = home
                stack += [(place[0], step["kind"]) for step in regimes[place[0]][place[1]] if step["do"] == "spawn"]
    asks = {
        (regime, kind)
        for regime, kinds in regimes.items()
        for kind, steps in kinds.items()
        if any(step.get("prefer") == "home" for step in steps)
    }
    return [place for place, home in reached.items() if not home and place in asks]


# ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────────────


THEMES: tuple[dict[str, int], ...] = (
    {},
    {"clock": 4, "expired": 4, "serve": 2},
    {"seize": 8, "deep": 15, "work": 2, "own": 2, "gate": 6},
    {"serve": 5, "private": 4},
    {"again": 4, "spawn": 6, "serve": 2},
    {"gate": 4, "open": 2, "spawn": 2},
)
"""What a journey has more of: factors of the weights of fragments, and of private requests."""


class _Journey:
    """Steps of one kind. Where ways part and join again, moments are marked, so that the trace tells the way taken."""

    def __init__(self, world: _World, number: int) -> None:
        self.world, self.choose, self.number = world, world.choose, number
        self.steps: list[Tree] = []
        self.named = 0
        self.spawns_same = False
        # A clock that may send an item into a batch leaves only work and waiting between seize and release.
        self.theme = self.choose.one(THEMES)
        sends = [name for name, clock in world.clocks.items() if clock.get("station") in world.batch_stations]
        self.clocks = (
            list(world.clocks)
            if self.choose.chance(90) and "deep" not in self.theme
            else [c for c in world.clocks if c not in sends]
        )
        self.simple = bool(set(self.clocks) & set(sends))
        self.left = self.choose.between(9, 20)
        if number > 0 and self.choose.chance(60):
            self._fork(0, 1, {"do": "branch_parent"}, "parent")
        if "deep" in self.theme:
            self._deep()
        self._block(0, 3)
        self._add("end", outcome=self.choose.one(("solved", "unsolved", "contained", "blocked", "done")))

    def _add(self, do: str, **fields: Any) -> None:
        self.steps.append({"do": do, **fields})

    def _name(self, what: str) -> str:
        self.named += 1
        return f"{what}_{self.named}"

    def _land(self, name: str, moment: str) -> None:
        self._add("mark", step=name, moment=moment)

    def _block(self, held: int, depth: int) -> None:
        """A few fragments; the item holds as many servers after it as before."""
        for _ in range(self.choose.between(1, 4) + 3 * (depth == 3)):
            if self.left > 0:
                self.left -= 1
                self._fragment(held, depth)

    def _fragment(self, held: int, depth: int) -> None:
        c, world = self.choose, self.world
        weights = {"wait": 1, "level": 1, "mark": 1, "share": depth, "queue": depth, "again": depth}
        weights |= {
            "seize": (3 * depth + 6 * held) * (held < 4),
            "impatient": 2 * depth * (held < 4),
            "serve": 5 * (held < 4),
            "cause": depth,
            "incident": depth,
        }
        weights |= {"work": 2 * bool(held), "own": 2 * bool(held)}
        weights |= {"clock": 4 * bool(self.clocks), "expired": depth * bool(self.clocks) * (held < 4)}
        weights |= {"gate": (2 + 8 * bool(held)) * bool(world.gates), "open": 2 * bool(world.gates)}
        weights |= {"spawn": 3 * (self.number + 1 < len(world.kinds)), "same": depth == 3 and not self.spawns_same}
        weights |= {"deep": 2 * depth * (held == 0 and not self.simple)}
        match c.weighted({name: weight * self.theme.get(name, 1) for name, weight in weights.items()}):
            case "serve":
                self._serve()
            case "wait":
                self._add("wait", step=self._name("wait"), duration=world.duration())
            case "level":
                self._add("level", level=c.one(world.levels))
            case "mark":
                self._add("mark", moment="passed")
            case "work":
                self._work()
            case "own":
                self._add("own")
            case "seize":
                self._seize(held, depth)
            case "deep":
                self._deep()
            case "impatient":
                self._fork(held, depth, self._serve_step() | {"patience": world.duration(high=2)}, "impatient")
            case "share":
                self._fork(held, depth, {"do": "branch", "step": self._name("branch")}, "share")
            case "queue":
                step = {"do": "branch_queue", "station": c.one(list(world.stations)), "at_least": c.between(1, 3)}
                self._fork(held, depth, step, "queue")
            case "cause":
                step = {"do": "branch_cause", "cause": c.one(("late", "late", "none", "passed_around"))}
                self._fork(held, depth, step, "cause")
            case "incident":
                self._fork(held, depth, {"do": "branch_incident"}, "incident")
            case "expired":
                clock = c.one(self.clocks)
                self._add("start_clock", clock=clock)
                self._serve()
                if c.chance(40):
                    self._add("stop_clock", clock=clock)
                self._fork(held, depth, {"do": "branch_clock", "clock": clock}, "clock")
            case "again":
                self._again(held, depth)
            case "clock":
                self._clock(held)
            case "gate":
                self._gate(held, depth)
            case "open":
                self._add("open_gate", gate=c.one(list(world.gates)), stays_open=c.chance(25))
            case "spawn":
                self._spawn()
            case "same":
                self._spawn_same()

    def _clock(self, held: int) -> None:
        """Start clocks, do something, and perhaps stop one."""
        c, world = self.choose, self.world
        for _ in range(c.one((2, 1, 3))):
            clock = c.one(self.clocks)
            self._add("start_clock", clock=clock)
        if held < 4 and c.chance(80):
            others = [name for name in world.stations if name != world.clocks[clock].get("station")]
            step = self._serve_step(world.batch_stations if c.chance(60) else others)
            self.steps.append(step | {"duration": world.duration(low=1)})
        if c.chance(50):
            self._add("stop_clock", clock=c.one(self.clocks))

    def _request(self, stations: Sequence[str] = ()) -> Tree:
        """A station (of these, or any), patience, and whom to ask first."""
        c, world = self.choose, self.world
        request: Tree = {"station": c.one(stations or list(world.stations))}
        if c.chance(45):
            request["patience"] = world.duration()
        if c.chance(20):
            minute = world.start_min + c.between(0, 14)
            request["lapses_at"] = f"{minute % 1440 // 60:02}:{minute % 60:02}"
        private = self.theme.get("private", 1)
        prefer = c.weighted({"route": 4, "owner": 3 * private, "home": 5 * private * world.homes})
        if prefer != "route":
            request |= {"prefer": prefer, "if_absent": c.one(("route", "wait"))}
            if c.chance(60):
                request["fallback_s"] = world.times(0, 4)
            if c.chance(55):
                request["notice"] = world.duration(high=4)
        return request

    def _serve_step(self, stations: Sequence[str] = ()) -> Tree:
        request = self._request(stations)
        may_own = request["station"] not in self.world.batch_stations
        own = may_own and self.choose.chance(60)
        duration = self._work_duration()
        return {"do": "serve", "step": self._name("serve"), **request, "duration": duration, "own": own}

    def _serve(self, stations: Sequence[str] = ()) -> None:
        self.steps.append(self._serve_step(stations))

    def _work(self) -> None:
        self._add("work", step=self._name("work"), duration=self._work_duration())

    def _work_duration(self) -> Tree | str:
        """A distribution, or now and then what the item brings."""
        return "own" if self.choose.chance(15) else self.world.duration()

    def _seize(self, held: int, depth: int) -> None:
        """Hold a server over several steps; the impatient land behind its release."""
        c = self.choose
        request = self._request()
        simple = self.simple or request["station"] in self.world.batch_stations
        impatient = {"patience", "lapses_at"} & set(request)
        gone = self._name("gone") if impatient and c.chance(50) else None
        to = {} if gone is None else {"impatient_to": gone}
        self._add("seize", step=self._name("seize"), **request, **to)
        if simple:
            for _ in range(c.between(0, 2)):
                self._add("wait", step=self._name("wait"), duration=self.world.duration())
                self._work()
        else:
            if c.chance(60):
                self._add("own")
            self._work()
            self._block(held + 1, max(depth - 1, 1))
            if c.chance(20):
                self._ending()
        self._add("release")
        if gone is not None:
            self._land(gone, "after_release")

    def _deep(self) -> None:
        """Hold up to four servers, one within the other."""
        c, world = self.choose, self.world
        stations = [name for name in world.stations if name not in world.batch_stations]
        seizes = c.one((4, 4, 4, 4, 3)) if stations else 0
        for i in range(seizes):
            station = stations[i % len(stations)]
            request = {"station": station} if c.chance(90) else self._request([station])
            self._add("seize", step=self._name("seize"), **request)
            if c.chance(30):
                self._work()
        if seizes and c.chance(75):
            self._ending()
        for _ in range(seizes):
            self._add("release")

    def _ending(self) -> None:
        """Some leave here, with whatever they hold."""
        on = self._name("on")
        self._add("branch", step=self._name("branch"), options=[{"share": 0.6, "to": on}])
        self._add("end", outcome=self.choose.one(("abandoned", "unsolved", "done")))
        self._land(on, "stayed")

    def _fork(self, held: int, depth: int, step: Tree, moment: str) -> None:
        """A step that some jump from; both ways do something and join again."""
        c = self.choose
        taken, joined = self._name("taken"), self._name("joined")
        if step["do"] == "branch":
            shares = c.one(((0.5,), (0.25, 0.25), (0.125,), (0.75, 0.25)))
            options = [{"share": share, "to": to} for share, to in zip(shares, (taken, joined), strict=False)]
            step = {**step, "options": options}
        else:
            step = {**step, ("impatient_to" if step["do"] == "serve" else "to"): taken}
        self.steps.append(step)
        self._add("mark", moment=f"{moment}_passed")
        self._block(held, depth - 1)
        self._add("go", to=joined)
        self._land(taken, f"{moment}_taken")
        self._block(held, depth - 1)
        self._land(joined, "joined")

    def _again(self, held: int, depth: int) -> None:
        """A block that is done again after a wait, until chance leads out of it; the impatient meet that chance too."""
        c = self.choose
        again, out, leave = self._name("again"), self._name("out"), self._name("leave")
        self._land(again, "again")
        if held < 4 and c.chance(50):
            self.steps.append(self._serve_step() | {"patience": self.world.duration(high=2), "impatient_to": leave})
        self._block(held, depth - 1)
        if self.number + 1 < len(self.world.kinds) and c.chance(40):
            self._spawn()
        self._add("branch", step=leave, options=[{"share": c.one((0.7, 0.5)), "to": out}])
        self._add("wait", step=self._name("wait"), duration=self.world.duration(plain=100, low=1))
        self._add("go", to=again)
        self._land(out, "out")

    def _gate(self, held: int, depth: int) -> None:
        """Most wait at a gate, some open it after a while (topics are a source's own, so they must be of the same)."""
        c, gate = self.choose, self.choose.one(list(self.world.gates))
        opens, joined = self._name("opens"), self._name("joined")
        self._add("branch", step=self._name("branch"), options=[{"share": 0.25, "to": opens}])
        self._add("wait_gate", gate=gate)
        self._add("mark", moment="through_gate")
        self._add("go", to=joined)
        self._land(opens, "opens")
        self._add("wait", step=self._name("wait"), duration=self.world.duration())
        self._add("open_gate", gate=gate, stays_open=c.chance(30))
        self._land(joined, "joined")

    def _spawn(self) -> None:
        """Send off an item of a later kind."""
        c = self.choose
        kind = f"kind_{c.between(self.number + 1, len(self.world.kinds) - 1)}"
        delay = {"delay": self.world.duration()} if c.chance(50) else {}
        self._add("spawn", step=self._name("spawn"), kind=kind, **delay)

    def _spawn_same(self) -> None:
        """Few send off another one of their own kind, later (once, never in a loop: there must be fewer each time)."""
        self.spawns_same = True
        on = self._name("on")
        self._add("branch", step=self._name("branch"), options=[{"share": 0.8, "to": on}])
        delay = self.world.duration(plain=100, low=1)
        self._add("spawn", step=self._name("spawn"), kind=f"kind_{self.number}", delay=delay)
        self._land(on, "stayed")
