"""What a scenario is: frozen models with units in the field names.

A scenario describes a network of queues and what happens in it: who arrives, the journeys through it, stations,
pools of servers and their presence. Textbook queues, a bank's call centre and the platform are all scenarios. The
models check each field by itself; ``sim.consistency`` checks that the parts fit together.

Every number may be written in the file as a reference ``$name`` to an entry of ``inputs`` or ``assumptions``, or
as ``{product: [...]}``, ``{ratio: [a, b]}`` or ``{complement: share}`` (1 − share) of such; ``sim.library`` resolves
these before the models see them.
"""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.fields import (
    ClockTime,
    Days,
    Model,
    Name,
    NotNegative,
    Positive,
    Share,
    Weekday,
    WeekSpans,
)
from sim.fields import wrong as _wrong
from sim.sections.world import World

# ── numbers with a story ─────────────────────────────────────────────────────────────────────────────────────────


class Input(Model):
    """A number that the plan or the situation gives (kind *input* of the facts)."""

    value: float
    unit: str = ""
    fact: Annotated[str, Field(pattern=r"^F[0-9]{1,3}(, ?F[0-9]{1,3})*$")] | None = None
    note: str = ""


class Assumption(Model):
    """A number nobody has told us: default, range and reason; ``value``, if given, is used instead of the default."""

    default: float
    low: float
    high: float
    reason: Annotated[str, Field(min_length=3)]
    unit: str = ""
    value: float | None = None

    @model_validator(mode="after")
    def _inside(self) -> Assumption:
        if not self.low <= self.default <= self.high:
            raise _wrong(f"default {self.default:g} is outside the range; allowed: {self.low:g} to {self.high:g}")
        if self.value is not None and not self.low <= self.value <= self.high:
            raise _wrong(f"value {self.value:g} is outside the range; allowed: {self.low:g} to {self.high:g}")
        return self

    @property
    def used(self) -> float:
        """The number that the model uses."""
        return self.default if self.value is None else self.value


# ── durations ────────────────────────────────────────────────────────────────────────────────────────────────────


class Component(Model):
    """One part of a mixture."""

    share: Share
    duration: Duration


class Duration(Model):
    """A distribution of times, given as people know it.

    ``constant``: value. ``exponential``: mean (or median). ``lognormal``: mean and cv, or median and mean, or median
    and p90. ``gamma``: mean and cv. ``weibull``: mean and cv, or mean and shape. ``hyperexponential``: mean and cv ≥ 1
    (two phases, balanced means). ``mixture``: components. ``empirical``: quantiles, probability → time, from 0 to 1,
    straight lines between. ``at_least`` and ``at_most`` cut any of them off (the rest keeps its shape, so the mean
    moves). cv is the coefficient of variation: standard deviation over mean.
    """

    family: Literal[
        "constant", "exponential", "lognormal", "gamma", "weibull", "hyperexponential", "mixture", "empirical"
    ]
    value_s: NotNegative | None = None
    value_min: NotNegative | None = None
    value_h: NotNegative | None = None
    mean_s: Positive | None = None
    mean_min: Positive | None = None
    mean_h: Positive | None = None
    median_s: Positive | None = None
    median_min: Positive | None = None
    median_h: Positive | None = None
    p90_s: Positive | None = None
    p90_min: Positive | None = None
    p90_h: Positive | None = None
    cv: Annotated[float, Field(gt=0, le=20)] | None = None
    shape: Annotated[float, Field(gt=0.05, le=1000)] | None = None
    components: Annotated[list[Component], Field(min_length=1, max_length=64)] | None = None
    quantiles_s: dict[Share, NotNegative] | None = None
    quantiles_min: dict[Share, NotNegative] | None = None
    at_least_s: NotNegative | None = None
    at_least_min: NotNegative | None = None
    at_least_h: NotNegative | None = None
    at_most_s: Positive | None = None
    at_most_min: Positive | None = None
    at_most_h: Positive | None = None

    @model_validator(mode="after")
    def _complete(self) -> Duration:
        recipes = {
            "constant": [{"value"}],
            "exponential": [{"mean"}, {"median"}],
            "lognormal": [{"mean", "cv"}, {"median", "mean"}, {"median", "p90"}],
            "gamma": [{"mean", "cv"}],
            "weibull": [{"mean", "cv"}, {"mean", "shape"}],
            "hyperexponential": [{"mean", "cv"}],
            "mixture": [{"components"}],
            "empirical": [{"quantiles"}],
        }[self.family]
        allowed = " or ".join(" and ".join(sorted(recipe)) for recipe in recipes)
        bases = []
        for base in ("value", "mean", "median", "p90", "quantiles", "at_least", "at_most"):
            given = self.given(base)
            if len(given) > 1:
                raise _wrong(f"{given[0]} and {given[1]} are both given; allowed: one unit")
            bases += [base] if given and not base.startswith("at_") else []
        bases += [b for b in ("cv", "shape", "components") if getattr(self, b) is not None]
        if set(bases) not in recipes:
            raise _wrong(
                f"{self.family} cannot be given by {' and '.join(sorted(bases)) or 'nothing'}; allowed: {allowed}, "
                "times with a unit (_s, _min, _h)"
            )
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        median, mean, p90 = self.time_ms("median"), self.time_ms("mean"), self.time_ms("p90")
        if self.family == "lognormal" and median and mean and mean <= median:
            raise _wrong("the mean of a lognormal is above its median; allowed: mean > median")
        if self.family == "lognormal" and median and p90 and p90 <= median:
            raise _wrong("p90 is not above the median; allowed: p90 > median")
        if self.family == "hyperexponential" and self.cv is not None and self.cv < 1:
            raise _wrong(f"cv {self.cv:g} is too small for a hyperexponential; allowed: at least 1")
        if self.family in ("gamma", "weibull") and self.cv is not None and self.cv < 0.01:
            raise _wrong(f"cv {self.cv:g} is too small; allowed: at least 0.01 (or family constant)")
        if self.components and abs(sum(c.share for c in self.components) - 1) > 1e-9:
            raise _wrong(f"shares add up to {sum(c.share for c in self.components):g}; allowed: exactly 1")
        low, high = self.time_ms("at_least"), self.time_ms("at_most")
        if low is not None and high is not None and low >= high:
            raise _wrong("at_least is not below at_most; allowed: at_least < at_most")
        quantiles = self.quantiles_min if self.quantiles_s is None else self.quantiles_s
        if quantiles is not None:
            points = sorted(quantiles.items())
            if not points or points[0][0] != 0 or points[-1][0] != 1:
                raise _wrong("quantiles do not reach from 0 to 1; allowed: first probability 0, last 1")
            if any(b[1] < a[1] for a, b in itertools.pairwise(points)):
                raise _wrong("quantiles fall; allowed: times that do not fall as the probability rises")


Component.model_rebuild()


# ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Group(Model):
    """Servers of a pool that are alike: number, skills, pace, slots and roster.

    A roster is the same shift for everybody, with days off that rotate from server to server (``days_per_week``, out
    of all seven, also where ``presence`` names fewer), whole days of absence drawn for each server and day
    (``absence_share``), and one break per shift (``break_min``), staggered over the middle half of the shift.
    """

    group: Name
    servers: Annotated[float, Field(ge=0, le=1_000_000, description="head count, rounded half up")]
    skills: list[Name] = []
    speed: Annotated[float, Field(ge=0.01, le=100, description="pace of work: 2 halves every duration")] = 1.0
    slots: Annotated[int, Field(ge=1, le=100, description="items held at once (chats)")] = 1
    presence: Literal["always"] | WeekSpans = "always"
    days_per_week: Annotated[int, Field(ge=1, le=7)] = 7
    absence_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    break_min: NotNegative = 0.0

    @property
    def head_count(self) -> int:
        """Whole servers."""
        return int(self.servers + 0.5)


class Pool(Model):
    """Servers that are interchangeable but for skills. ``slow_factors``: duration factor at 1, 2, … items held (the
    last one holds beyond); a home pool's servers are individuals that items belong to (leaders)."""

    groups: Annotated[list[Group], Field(min_length=1)]
    slow_factors: Annotated[list[Annotated[float, Field(ge=0.1, le=100)]], Field(min_length=1)] = [1.0]


class Route(Model):
    """A pool that serves a station, from a wait on."""

    pool: Name
    after_s: NotNegative | None = None
    after_min: NotNegative | None = None
    after_h: NotNegative | None = None

    @model_validator(mode="after")
    def _one(self) -> Route:
        if len(self.given("after")) > 1:
            raise _wrong("after is given in two units; allowed: one of after_s, after_min, after_h")
        return self


class Lane(Model):
    """Discipline of one level at one station: smaller priority first; a head start counts as time waited."""

    priority: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    head_start_s: NotNegative = 0.0


class Station(Model):
    """Where work is asked for: needed skills, pools in order of preference, discipline of levels, batches."""

    needs: list[Name] = []
    route: list[Route] = []
    levels: dict[Name, Lane] = {}
    batch_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Clock(Model):
    """A service clock: what happens to a waiting item when it runs out."""

    limit_s: NotNegative | None = None
    limit_min: NotNegative | None = None
    limit_h: NotNegative | None = None
    action: Literal["record", "raise", "jump"] = "record"
    level: Name | None = None
    station: Name | None = None

    @model_validator(mode="after")
    def _complete(self) -> Clock:
        if len(self.given("limit")) != 1:
            raise _wrong("a clock needs one limit; allowed: one of limit_s, limit_min, limit_h")
        if (self.level is not None) != (self.action == "raise"):
            raise _wrong(f"action {self.action} and level do not fit; allowed: a level with 'raise', and only there")
        if (self.station is not None) != (self.action == "jump"):
            raise _wrong(f"action {self.action} and station do not fit; allowed: a station with 'jump', and only there")
        return self


class Gate(Model):
    """A gate that items wait at until it is opened for everybody, for one topic, for one home server's items, or for an
    incident: the cause and number of a topic, whatever the community (``sim.service.topics``)."""

    scope: Literal["run", "topic", "home", "incident"] = "topic"


# ── journeys ─────────────────────────────────────────────────────────────────────────────────────────────────────


Cause = Literal["none", "quality", "late", "missing", "weight", "pick_up", "other", "passed_around"]
"""What a topic may be about; the same as in ``sim.service.topics``, which needs NumPy."""


class Step(Model):
    """A step of a journey; its name is a target for jumps and names its draws, so that they are the same elsewhere."""

    step: Name | None = None


class Wait(Step):
    """Time that passes without a server: a bot's answer, a parcel's way, the time until somebody asks again."""

    do: Literal["wait"]
    step: Name
    duration: Duration


class Request(Step):
    """Fields of a request for a server.

    ``prefer``: whom to ask first: the route, the owner of the case, or the item's home server; ``if_absent``: while
    that one is absent, take the route at once or wait for them; ``fallback``: wait after which a request to a preferred
    server goes to the route (none: never); ``notice``: time until the preferred server notices it. ``lapses_at``: time
    of the day at which patience ends in any case (asked at 23:00 for 23:00 means tomorrow's).
    """

    step: Name
    station: Name
    patience: Duration | None = None
    lapses_at: ClockTime | None = None
    impatient_to: Name | None = None
    prefer: Literal["route", "owner", "home"] = "route"
    if_absent: Literal["route", "wait"] = "route"
    fallback_s: NotNegative | None = None
    fallback_min: NotNegative | None = None
    fallback_h: NotNegative | None = None
    notice: Duration | None = None

    @model_validator(mode="after")
    def _fits(self) -> Request:
        if len(self.given("fallback")) > 1:
            raise _wrong("fallback is given in two units; allowed: one of fallback_s, fallback_min, fallback_h")
        if self.prefer == "route" and (self.given("fallback") or self.notice or self.if_absent == "wait"):
            raise _wrong("fallback, notice and if_absent need a preferred server; allowed: with prefer owner or home")
        if self.impatient_to is not None and self.patience is None and self.lapses_at is None:
            raise _wrong("impatient_to without patience; allowed: with patience or lapses_at")
        return self


class Seize(Request):
    """Ask for a server and keep it until ``release``; nested seizes hold several."""

    do: Literal["seize"]


class Serve(Request):
    """Ask for a server, work, release it: the ordinary visit. ``duration: own``: the work that the item brings.
    ``own``: the server becomes the case's owner."""

    do: Literal["serve"]
    duration: Duration | Literal["own"]
    own: bool = False


class Work(Step):
    """Work of the server seized last. ``duration: own``: the work that the item brings, none if it brings none."""

    do: Literal["work"]
    step: Name
    duration: Duration | Literal["own"]


class Release(Step):
    """Give back the server seized last."""

    do: Literal["release"]


class Option(Model):
    """One way on, with its share."""

    share: Share
    to: Name


class Branch(Step):
    """Chance: each option with its share, the next step with what is left."""

    do: Literal["branch"]
    step: Name
    options: Annotated[list[Option], Field(min_length=1)]

    @model_validator(mode="after")
    def _at_most_one(self) -> Branch:
        total = sum(option.share for option in self.options)
        if total > 1 + 1e-9:
            raise _wrong(f"shares add up to {total:g}; allowed: at most 1 (the rest goes to the next step)")
        return self


class BranchQueue(Step):
    """Go elsewhere when at least so many wait at a station."""

    do: Literal["branch_queue"]
    station: Name
    at_least: Annotated[int, Field(ge=1)]
    to: Name


class BranchClock(Step):
    """Go elsewhere when a clock of this item has run out."""

    do: Literal["branch_clock"]
    clock: Name
    to: Name


class BranchParent(Step):
    """Go elsewhere while the item that spawned this one is still in the system."""

    do: Literal["branch_parent"]
    to: Name


class BranchCause(Step):
    """Go elsewhere when the item's topic has this cause. Topics have one where a world gives them a structure
    (``sim.service.topics``); those of a source that numbers its ``topics`` plainly mean nothing here."""

    do: Literal["branch_cause"]
    cause: Cause
    to: Name


class BranchIncident(Step):
    """Go elsewhere when the item's topic is part of an incident; as ``branch_cause``, of a world's topics."""

    do: Literal["branch_incident"]
    to: Name


class Level(Step):
    """Set the item's priority level."""

    do: Literal["level"]
    level: Name


class StartClock(Step):
    """Start (or restart) a service clock."""

    do: Literal["start_clock"]
    clock: Name


class StopClock(Step):
    """Stop a service clock."""

    do: Literal["stop_clock"]
    clock: Name


class Own(Step):
    """Make the server seized last the owner of the case (F25)."""

    do: Literal["own"]


class Spawn(Step):
    """Send off another item of the same case, now or after a delay."""

    do: Literal["spawn"]
    step: Name
    kind: Name
    delay: Duration | None = None


class WaitGate(Step):
    """Wait until a gate is opened."""

    do: Literal["wait_gate"]
    gate: Name


class OpenGate(Step):
    """Open a gate: its waiters go on; with ``stays_open`` later ones pass too."""

    do: Literal["open_gate"]
    gate: Name
    stays_open: bool = False


class Mark(Step):
    """Write down that this moment was reached."""

    do: Literal["mark"]
    moment: Name


class Go(Step):
    """Go to a step."""

    do: Literal["go"]
    to: Name


class End(Step):
    """Leave the system."""

    do: Literal["end"]
    outcome: Literal["solved", "unsolved", "abandoned", "contained", "blocked", "done"]


AnyStep = Annotated[
    Wait
    | Seize
    | Serve
    | Work
    | Release
    | Branch
    | BranchQueue
    | BranchClock
    | BranchParent
    | BranchCause
    | BranchIncident
    | Level
    | StartClock
    | StopClock
    | Own
    | Spawn
    | WaitGate
    | OpenGate
    | Mark
    | Go
    | End,
    Field(discriminator="do"),
]

Journey = Annotated[list[AnyStep], Field(min_length=1, max_length=1000)]


Channel = Literal["none", "phone", "chat", "group", "own_entry", "regulator", "social"]


class Kind(Model):
    """What an item is, and therefore which figures count it."""

    counts_as: Literal["contact", "consultation", "call_back", "goods", "round", "ticket", "task"] = "contact"
    case: Annotated[bool, Field(description="counts in the figures of after-sales cases (F51)")] = False
    channel: Annotated[Channel, Field(description="where a contact of this kind comes in (F8)")] = "none"


# ── arrivals ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Profile(Model):
    """When in the week: relative weights of equal parts of the day (24: hours, 48: half-hours), and factors by weekday.

    The weights are scaled to mean 1, so that the rate of an arrival is its mean over the day; the factors are not.
    ``hours_by_weekday`` replaces the weights on some days.
    """

    hours: Annotated[list[NotNegative], Field(min_length=1, max_length=1440)]
    weekdays: dict[Days, NotNegative] = {}
    hours_by_weekday: dict[Days, list[NotNegative]] = {}

    @model_validator(mode="after")
    def _even(self) -> Profile:
        for hours in (self.hours, *self.hours_by_weekday.values()):
            if not hours or 86_400 % len(hours) or sum(hours) <= 0:
                raise _wrong(
                    f"{len(hours)} weights do not divide the day, or are all 0; "
                    "allowed: 1, 2, 3, 4, 6, 8, 12, 24, 48, 96, … weights, one of them above 0"
                )
        return self


class Overdispersion(Model):
    """More spread than Poisson: gamma factors of mean 1, one for the day and one for each interval of it, those of
    neighbouring intervals correlated (a Gaussian copula of first order)."""

    daily_cv: Annotated[float, Field(ge=0, le=5)] = 0.0
    interval_cv: Annotated[float, Field(ge=0, le=5)] = 0.0
    interval_min: Annotated[float, Field(ge=1, le=1440)] = 30.0
    correlation: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @model_validator(mode="after")
    def _even(self) -> Overdispersion:
        if abs(1440 / self.interval_min - round(1440 / self.interval_min)) > 1e-9:
            raise _wrong(f"interval_min {self.interval_min:g} does not divide the day; allowed: 5, 10, 15, 30, 60, …")
        return self


MOST_QUESTIONS = 64
"""Different questions that a source of the world may have: numbers from there on name incidents."""


class Driven(Model):
    """What the world makes of a day, and the share of it that this source takes.

    ``enquiries``, ``questions`` and ``problems`` come with orders and goods; ``escalations`` are yesterday's complaints
    at a ``channel``; ``incidents`` parent tickets; ``announcements`` messages about late goods, one for each leader
    concerned; ``hand_outs`` and ``rounds`` a leader's own work with the goods, at the clock times ``at``.
    """

    by: Literal[
        "enquiries", "questions", "problems", "escalations", "incidents", "announcements", "hand_outs", "rounds"
    ]
    share: Share = 1.0
    channel: Channel | None = None

    @model_validator(mode="after")
    def _fits(self) -> Driven:
        if (self.channel is not None) != (self.by == "escalations"):
            raise _wrong(f"by {self.by} and channel do not fit; allowed: a channel with 'escalations', and only there")
        return self


class Arrival(Model):
    """A source of items: a rate with a profile, a list of times, or clock times of the day.

    ``source`` names the draws of its items. Rates are means over the day. ``times_s`` are seconds from the first
    midnight. ``at`` makes an item at each clock time of the days in ``on``, for each server of ``for_each_server_of``
    if that is given. ``home_pool``: each item belongs to one server of this pool, drawn evenly. ``topics``: number of
    different questions (per home server, if there is one); each item asks one of them, drawn evenly. They are numbered
    plainly: their numbers have no cause. ``work``: the work that each item brings, for steps with ``duration: own``.
    """

    source: Name
    kind: Name
    regime: Name | None = None
    level: Name | None = None
    rate_per_s: NotNegative | None = None
    rate_per_min: NotNegative | None = None
    rate_per_h: NotNegative | None = None
    rate_per_day: NotNegative | None = None
    profile: Name | None = None
    overdispersion: Overdispersion | None = None
    times_s: list[NotNegative] | None = None
    at: list[ClockTime] | None = None
    on: list[Days] = ["mon-sun"]
    for_each_server_of: Name | None = None
    home_pool: Name | None = None
    topics: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    work_s: Annotated[float, Field(ge=0, le=2_000_000)] | None = None
    work_min: Annotated[float, Field(ge=0, le=30_000)] | None = None
    driven: Driven | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Arrival:
        ways = ("rate_per_s", "rate_per_min", "rate_per_h", "rate_per_day", "times_s", "at")
        given = [way for way in ways if getattr(self, way) is not None]
        if self.driven is not None:
            return self._driven_by_the_world(given)
        if len(given) != 1:
            raise _wrong(f"{' and '.join(given) or 'no rate'} given; allowed: exactly one of {', '.join(ways)}")
        if not given[0].startswith("rate") and (self.profile or self.overdispersion):
            raise _wrong("profile and overdispersion need a rate; allowed: with one of rate_per_s … rate_per_day")
        if self.for_each_server_of and self.at is None:
            raise _wrong("for_each_server_of needs clock times; allowed: with at")
        if self.for_each_server_of and self.home_pool:
            raise _wrong("for_each_server_of and home_pool both say whose item it is; allowed: one of them")
        return self

    def _driven_by_the_world(self, given: list[str]) -> Arrival:
        assert self.driven is not None
        at_times = self.driven.by in ("hand_outs", "rounds")
        if given != (["at"] if at_times else []):
            raise _wrong(
                f"{' and '.join(given) or 'no time'} given for {self.driven.by} of the world; allowed: "
                + ("clock times (at) and no rate" if at_times else "no rate, no times")
            )
        if self.for_each_server_of or self.on != ["mon-sun"]:
            raise _wrong("for_each_server_of and on are the world's own business here; allowed: without them")
        if self.topics is not None and self.topics > MOST_QUESTIONS:
            raise _wrong(f"{self.topics} topics are too many for the world; allowed: at most {MOST_QUESTIONS}")
        return self

    @model_validator(mode="after")
    def _one_unit(self) -> Arrival:
        if len(self.given("work")) > 1:
            raise _wrong("work is given in two units; allowed: one of work_s, work_min")
        return self

    @property
    def mean_per_day(self) -> float:
        """Mean number a day of a source that has a rate."""
        per_day = {"rate_per_s": 86_400, "rate_per_min": 1440, "rate_per_h": 24, "rate_per_day": 1}
        return sum(getattr(self, name) * factor for name, factor in per_day.items() if getattr(self, name) is not None)


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────


class Horizon(Model):
    """How long: whole days from a midnight; figures leave out what arrived in the warm-up."""

    days: Annotated[int, Field(ge=1, le=4000)]
    first_weekday: Weekday = "mon"
    warm_up_days: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _something_left(self) -> Horizon:
        if self.warm_up_days >= self.days:
            raise _wrong(f"warm_up_days {self.warm_up_days:g} leaves nothing; allowed: below days ({self.days})")
        return self


class Definitions(Model):
    """Numbers that define figures."""

    service_level_within_s: Positive = 20.0
    short_abandon_s: NotNegative = 5.0
    closed_within_h: Positive = 24.0
    first_contact_window_days: Positive = 7.0
    opening_hours: WeekSpans = {"mon-sun": ["00:00-24:00"]}


class Scenario(Model):
    """Everything that is asked of a run but its seed and number of replications."""

    name: Name
    title: str = ""
    description: str = ""
    horizon: Horizon
    definitions: Definitions = Definitions()
    inputs: dict[Name, Input] = {}
    assumptions: dict[Name, Assumption] = {}
    levels: Annotated[list[Name], Field(min_length=1, max_length=100)] = ["normal"]
    skills: Annotated[list[Name], Field(max_length=62)] = []
    pools: dict[Name, Pool]
    stations: dict[Name, Station]
    clocks: Annotated[dict[Name, Clock], Field(max_length=32)] = {}
    gates: dict[Name, Gate] = {}
    kinds: Annotated[dict[Name, Kind], Field(min_length=1)]
    regimes: Annotated[dict[Name, dict[Name, Journey]], Field(min_length=1)]
    regime: Name
    profiles: dict[Name, Profile] = {}
    arrivals: list[Arrival] = []
    world: World | None = None
