"""The verdict in plain words: what the setting does, why, and what would not help."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.components.answer import PARTS, TARGETS, Answer
from app.components.levers import CLOCKS, LEVERS, Moved
from app.components.words import Words
from sim.measures import Estimate

SMALL_MIN = 0.5
"""A change of the mean response that nobody would notice, in minutes, even if it is certain."""
FREE_SHARE, FULL_SHARE = 0.15, 0.35
"""Share of the minutes that is spent waiting for agents by day: below, more of them would not help; above, they are
the bottleneck."""


@dataclass(frozen=True)
class Verdict:
    """One sentence that says it, and those that say why; ``**`` marks what matters. ``state`` : met, missed, near."""

    headline: str
    reasons: tuple[str, ...]
    state: str


def verdict(
    words: Words,
    answer: Answer,
    moved: Moved,
    bases: Mapping[str, float],
    baseline_name: str,
    baseline: Answer,
    difference: Estimate | None,
) -> Verdict:
    """Say what an answer means.

    Parameters
    ----------
    moved, bases : levers that were moved, and the scenario's own values of all levers.
    baseline : the scenario unmoved, by the same means as ``answer``; ``difference`` : of the mean response, simulated.
    """
    response = answer.figures["response"]
    state = TARGETS["response"].verdict(response)
    headline = words(
        "verdict.with",
        what=words.listed(_setting(words, moved, bases)),
        minutes=words.number(response.mean, "min"),
        target=words(f"verdict.{state}"),
    )
    reasons = [_change(words, response, baseline, baseline_name, difference)] if moved else []
    reasons += [_why(words, answer, state), _agents(words, answer)]
    if "resolved" in answer.figures:
        resolved = answer.figures["resolved"]
        reasons.append(
            words(
                f"verdict.resolved_{TARGETS['resolved'].verdict(resolved)}",
                value=words.amount(resolved.mean, "share"),
                target=words.amount(TARGETS["resolved"].value, "share", 0),
            )
        )
    return Verdict(headline, tuple(reason for reason in reasons if reason), state)


def _setting(words: Words, moved: Moved, bases: Mapping[str, float]) -> list[str]:
    """What was set, in words; service clocks last, since they move least."""
    said = []
    for lever in sorted(LEVERS, key=lambda x: x.code in CLOCKS):
        if lever.code not in bases:
            continue
        value, base = (f"{x.get(lever.code, bases[lever.code]):,.{lever.digits}f}" for x in (moved, bases))
        if lever.code in moved:
            said.append(words(f"verdict.{lever.code}_moved", value=value, base=base))
        elif lever.code == "u":
            said.append(words("verdict.u_same", value=value))
    return said


def _change(words: Words, response: Estimate, baseline: Answer, name: str, difference: Estimate | None) -> str:
    base = baseline.figures["response"].mean
    change = response.mean - base if difference is None else difference.mean
    known = difference is not None and difference.low is not None and difference.high is not None
    fields = {"baseline": name, "base": words.number(base, "min"), "minutes": words.number(abs(change), "min")}
    if known and difference is not None and (difference.low or 0) <= 0 <= (difference.high or 0):
        return words("verdict.change_none", **fields)
    if abs(change) < SMALL_MIN:
        return words("verdict.change_small", **fields)
    return words("verdict.change_more" if change > 0 else "verdict.change_less", **fields)


def _why(words: Words, answer: Answer, state: str) -> str:
    parts = sorted(PARTS, key=lambda part: -answer.parts[part])
    if not all(math.isfinite(answer.parts[part]) for part in parts):
        return ""
    mean = {"leaders": answer.leaders_min, "agents": answer.agents_min}
    first, second = parts[:2]
    return words(
        "verdict.why_met" if state == "met" else "verdict.why_missed",
        first=words(
            f"verdict.cause.{first}",
            part=words.number(answer.parts[first], "min"),
            total=words.number(answer.figures["response"].mean, "min"),
            mean=words.number(mean.get(first, math.nan), "min", 0),
        ),
        second=words(f"verdict.second.{second}", part=words.number(answer.parts[second], "min")),
    )


def _agents(words: Words, answer: Answer) -> str:
    """Whether more agents would help: how much of the waiting is for agents during opening hours."""
    if "occupancy" not in answer.figures or not math.isfinite(answer.parts["agents"]):
        return ""
    share = answer.parts["agents"] / max(sum(answer.parts.values()), 1e-9)
    text = "agents_free" if share < FREE_SHARE else "agents_full" if share > FULL_SHARE else "agents_part"
    return words(f"verdict.{text}", busy=words.amount(answer.figures["occupancy"].mean, "share", 0))
