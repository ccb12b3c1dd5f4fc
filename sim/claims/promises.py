"""The plan's promises as data: every claim of FACTS with the figure it is about, the comparison and the target.

Nothing here is ever an input of a model. Targets are the plan's numbers; where its words give none, ``reading`` says
which of its other numbers is taken. What the model cannot judge yet has no figure, but a reason and what would be
needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Comparison = Literal["<=", ">="]

Why = Literal[
    "",
    "agents",
    "call_backs",
    "clock",
    "compensation",
    "complaints",
    "first_contact",
    "fruit",
    "income",
    "late_complaints",
    "lost",
    "orders",
    "peaks",
    "response",
    "round",
    "satisfaction",
]
"""What is looked at to say why a claim is missed (``sim.claims.reasons``)."""

AGENT_CHANNELS = ("phone", "chat")
"""Channels whose contacts come to agents; those of the chat groups come to leaders."""

PEAK_HOURS = 3
"""So many busiest hours of the day are its peaks."""

COMPLIANCE = 0.90
"""F75: rules kept less often than that are an alarm. The plan says how soon, never how often: taken as how often."""

TRADE_GROWTH = 0.45
"""F14: growth of the trade's complaints in a year."""


UNDATED = "the plan names no date: over the whole run"
"""When most claims are due."""


@dataclass(frozen=True)
class Figure:
    """What a claim is about, made from figures of ``sim.measures``.

    ``above`` : figures that are added up. ``below`` : figures that they are divided by; "days" for the days of the run.
    ``by``, ``keys`` : only these groups of a breakdown; several are averaged, weighted by ``weight``. ``peak_hours`` :
    of these groups, only so many hours of the day: those with the largest ``weight``. ``otherwise`` : figure that is
    taken where the first has no value. ``within_h`` : time within which a case has to be closed, instead of the
    scenario's.
    """

    above: tuple[str, ...]
    below: tuple[str, ...] = ()
    by: str = ""
    keys: tuple[str, ...] = ()
    weight: str = ""
    peak_hours: int = 0
    otherwise: str = ""
    within_h: float = 0.0

    @property
    def name(self) -> str:
        """The figure's name, as in ``linli measures``; a sum or quotient of several is written out."""
        return "/".join(("+".join(self.above), *self.below))

    @property
    def group(self) -> str:
        """The group it is of: ``clock=reply``; empty for the whole."""
        parts = [f"{self.by}={','.join(self.keys)}"] if self.by else []
        parts += [f"busiest hours={self.peak_hours}"] if self.peak_hours else []
        parts += [f"closed within h={self.within_h:g}"] if self.within_h else []
        return "; ".join(parts)


@dataclass(frozen=True)
class Claim:
    """One promise.

    ``fact`` : its number in FACTS. ``text`` : what is promised, short. ``target`` : a level, or where ``relative`` a
    change against the baseline (−0.5 for half). ``trend`` : whether the baseline that does nothing grows with the
    trade's complaints (F14). ``due`` : by when. ``reading`` : how the plan's words are taken where they leave something
    open. ``missing``, ``needed`` : why the model cannot judge it, and what it would take; only without a figure.
    """

    fact: str
    text: str
    comparison: Comparison
    target: float
    figure: Figure | None = None
    relative: bool = False
    trend: bool = False
    why: Why = ""
    due: str = UNDATED
    reading: str = ""
    missing: str = ""
    needed: str = ""

    def met(self, value: float) -> bool:
        """Whether a value (or change) meets the target."""
        return value <= self.target if self.comparison == "<=" else value >= self.target


def _of(*above: str, below: tuple[str, ...] = (), otherwise: str = "") -> Figure:
    return Figure(above, below, otherwise=otherwise)


def _clock(name: str) -> Figure:
    return Figure(("clock_kept_share",), by="clock", keys=(name,))


KEPT = f"how often is not said: in {100 * COMPLIANCE:.0f} % of the cases, below which F75 rings"
PER_ORDER = "paid per order, with refunds that nobody decided on, so that shifting it there gains nothing"

CLAIMS: tuple[Claim, ...] = (
    # The standard's clocks
    Claim("F23", "pre-sales reply within 15 s", ">=", COMPLIANCE, _clock("reply"), why="clock", reading=KEPT),
    Claim("F23", "after-sales started within 2 h", ">=", COMPLIANCE, _clock("started"), why="clock", reading=KEPT),
    Claim("F23", "after-sales closed within 24 h", ">=", COMPLIANCE, _clock("closed"), why="clock", reading=KEPT),
    Claim("F23", "closed cases confirmed by call-back", ">=", 1.0, _of("called_back_share"), why="call_backs"),
    Claim(
        "F23",
        "delays announced before users ask",
        ">=",
        1.0,
        missing="the share of late orders that is announced is set by the scenario, not a result",
        needed="drivers and leaders who report a delay as work, in time or not",
    ),
    Claim(
        "F23",
        "pick-up code an hour before pick-up",
        ">=",
        1.0,
        missing="the share of codes sent in time is set by the scenario, not a result",
        needed="sending codes as a task of leaders, with a clock",
    ),
    Claim("F24", "photo reviewed within 10 min", ">=", COMPLIANCE, _clock("photo"), why="clock", reading=KEPT),
    Claim(
        "F24",
        "bad fruit settled within 2 h",
        ">=",
        COMPLIANCE,
        Figure(("closed_within_24h_share",), by="cause", keys=("quality",), within_h=2.0),
        why="fruit",
        reading=f"all cases about quality; {KEPT}",
    ),
    # Rounds
    Claim("F31", "leader's round, routes optimised", "<=", 90.0, _of("leader_round_mean_min"), why="round"),
    Claim("F31", "leader's round, traffic and weather too", "<=", 85.0, _of("leader_round_mean_min"), why="round"),
    # Staff and money
    Claim(
        "F40",
        "peaks answered without delay",
        ">=",
        0.90,
        Figure(
            ("service_level_share",),
            by="channel",
            keys=AGENT_CHANNELS,
            weight="offered",
            peak_hours=PEAK_HOURS,
        ),
        why="peaks",
        reading=(
            "no number in the plan: 90 % of the contacts with agents within the ten minutes of F50, in the "
            f"{PEAK_HOURS} busiest hours of the day"
        ),
    ),
    Claim(
        "F46",
        "agents needed",
        "<=",
        -0.30,
        _of("agents_mean"),
        relative=True,
        why="agents",
        reading="the base is not named: today's head count on the payroll",
    ),
    Claim(
        "F46",
        "compensation",
        "<=",
        -0.40,
        _of("compensation_yuan", "refunds_yuan", below=("orders",)),
        relative=True,
        why="compensation",
        reading=PER_ORDER,
    ),
    Claim(
        "F46",
        "revenue from repeat purchase",
        ">=",
        0.20,
        _of("gmv_yuan", below=("days",)),
        relative=True,
        why="orders",
        reading="value of all orders a day: nearly all of them are by users who have bought before",
    ),
    Claim("F46", "repeat purchase", ">=", 0.15, _of("orders_per_user_per_day"), relative=True, why="orders"),
    Claim(
        "F46",
        "acquisition cost",
        "<=",
        -0.20,
        relative=True,
        missing="whoever joins costs the same, and how many join is set by the scenario",
        needed="users won by word of mouth apart from users who are paid for, and the price of these",
    ),
    Claim(
        "F46",
        "complaint handling cost",
        "<=",
        -0.30,
        relative=True,
        trend=True,
        missing="costs are not split by what the work was about",
        needed="a figure of paid time by kind of item, and its wage",
    ),
    Claim(
        "F46",
        "value of orders (seen once)",
        ">=",
        0.18,
        _of("gmv_yuan", below=("days",)),
        relative=True,
        why="orders",
    ),
    Claim(
        "F46",
        "repeat purchase (seen once)",
        ">=",
        0.25,
        _of("orders_per_user_per_day"),
        relative=True,
        why="orders",
    ),
    Claim(
        "F46",
        "leader's income (seen once)",
        ">=",
        0.30,
        _of("commission_yuan", below=("leaders_mean", "days")),
        relative=True,
        why="income",
        reading="commission for each leader",
    ),
    Claim(
        "F46",
        "jobs for leaders",
        ">=",
        100_000.0,
        missing="the number of leaders is set by the scenario",
        needed="a model of the platform's expansion",
    ),
    # Targets
    Claim("F50", "mean response time", "<=", 10.0, _of("first_response_mean_min"), why="response"),
    Claim("F50", "mean response time, with bot", "<=", 8.0, _of("first_response_with_bot_mean_min"), why="response"),
    Claim(
        "F51",
        "resolved at first contact",
        ">=",
        0.90,
        _of("resolved_first_contact_window_over_share", otherwise="resolved_first_contact_share"),
        why="first_contact",
        reading="of cases whose window for a second contact is over; a run without its rows: of all cases",
    ),
    Claim("F52", "recorded satisfaction", ">=", 4.5, _of("satisfaction_recorded_mean"), why="satisfaction"),
    Claim(
        "F53",
        "complaint rate",
        "<=",
        -0.50,
        _of("complaints_per_order"),
        relative=True,
        trend=True,
        why="complaints",
    ),
    Claim("F54", "users lost in a month", "<=", 0.03, _of("users_lost_per_month_share"), why="lost"),
    Claim(
        "F55",
        "standard known, training done",
        ">=",
        1.0,
        due="two months after training begins (F34)",
        missing="training is not a process of this scenario: the standard is in force from the first day",
        needed="a rollout that trains people off the floor in waves, with exams (F34, F41, F43)",
    ),
    Claim(
        "F56",
        "complaints about late delivery",
        "<=",
        -0.60,
        Figure(("complaints_per_order",), by="cause", keys=("late",)),
        relative=True,
        trend=True,
        why="late_complaints",
    ),
)
"""All claims, in the order of the facts."""

FACTS = tuple(dict.fromkeys(claim.fact for claim in CLAIMS))
"""Facts that hold claims."""
