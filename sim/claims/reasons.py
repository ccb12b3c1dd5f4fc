"""Why a claim is missed, in words: what makes up most of the shortfall, computed from the figures of groups.

A contribution to a mean beyond its target is (number × (mean − target)) of a group; shares are of all contributions
that point away from the target, so that they add up to the whole of what has to be gained there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.claims.crossed import CROSS
from sim.claims.promises import Claim
from sim.claims.values import peaks
from sim.study.replicate import Outcome

if TYPE_CHECKING:
    from sim.library import Loaded

Row = Mapping[str, float]
Parts = dict[str, float]

WORDS = {
    "group": "leaders' groups",
    "own_entry": "the platform's own entry",
    "regulator": "12315",
    "social": "social media",
    "passed_around": "being passed around",
    "late": "late goods",
    "quality": "quality",
    "pick_up": "pick-up",
    "none": "no problem",
    "missing": "missing goods",
    "weight": "weight",
    "other": "other problems",
    "problem": "problems in chat",
    "call_problem": "problems by phone",
    "group_problem": "problems told to leaders",
}
"""Names of groups as people say them; others stay as the scenario has them."""

MOST_NAMED = 3
LEAST_SHARE = 0.05
"""So many contributors are named, none below that share."""

MONTH_DAYS = 30


@dataclass(frozen=True)
class Evidence:
    """Replications of a scenario, and of the baseline over the same days."""

    loaded: Loaded
    baseline: Loaded
    own: Sequence[Outcome]
    nothing: Sequence[Outcome]

    def mean(self, name: str, outcomes: Sequence[Outcome] | None = None) -> float:
        """Mean of a figure of the whole over replications; of the scenario's unless others are given."""
        return _mean([o.figures.get(name, math.nan) for o in (self.own if outcomes is None else outcomes)])

    def before(self, name: str) -> float:
        """Mean of a figure of the whole in the baseline."""
        return self.mean(name, self.nothing)

    def parts(self, by: str, amount: Callable[[Row], float], outcomes: Sequence[Outcome] | None = None) -> Parts:
        """Mean over replications of an amount of each group; groups without one are left out."""
        found: dict[str, list[float]] = {}
        chosen = self.own if outcomes is None else outcomes
        for outcome in chosen:
            for key, row in outcome.by.get(by, {}).items():
                number = amount(row)
                if math.isfinite(number):
                    found.setdefault(str(key), []).append(number)
        return {key: math.fsum(numbers) / len(chosen) for key, numbers in found.items()}


def reason(claim: Claim, evidence: Evidence) -> str:
    """Why a claim is missed; empty where nothing is known about it."""
    return WHY[claim.why](claim, evidence) if claim.why in WHY else ""


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────


def called(key: str) -> str:
    """A group as people call it."""
    return WORDS.get(key, key.replace("_", " "))


def shares(parts: Parts, most: int = MOST_NAMED) -> str:
    """The largest contributors with their shares: ``chat 40 %, phone 12 %``."""
    total = math.fsum(x for x in parts.values() if x > 0)
    named = sorted(parts.items(), key=lambda one: -one[1])[:most]
    return ", ".join(f"{called(key)} {share_text(x / total)}" for key, x in named if x >= LEAST_SHARE * total > 0)


def share_text(share: float, digits: int = 0) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f} %"


def by_first(parts: Parts) -> Parts:
    """Contributions added up by the first part of their keys."""
    found: Parts = {}
    for key, number in parts.items():
        first = key.partition(CROSS)[0]
        found[first] = found.get(first, 0.0) + number
    return found


def spans(parts: Parts) -> Parts:
    """Contributions of ``group/hour`` as spans of the day: hours in which a group adds more than in its mean hour, put
    together where they touch (over midnight too). What lies in no span is left out."""
    by_group: dict[str, list[float]] = {}
    for key, number in parts.items():
        group, _, hour = key.rpartition(CROSS)
        by_group.setdefault(group, [0.0] * 24)[int(hour)] = max(number, 0.0)
    found: Parts = {}
    for group, hours in by_group.items():
        level = math.fsum(hours) / 24
        high = [x > level for x in hours]
        for start in (h for h in range(24) if high[h] and not high[h - 1]):
            end = start
            while high[end % 24]:
                end += 1
            sum_ = math.fsum(hours[h % 24] for h in range(start, end))
            found[f"{called(group)} {start}–{end % 24 or 24} h".strip()] = sum_
    return found


def hours_text(parts: Parts, most: int = MOST_NAMED) -> str:
    """The spans that contribute most, as shares of all contributions."""
    total = math.fsum(x for x in parts.values() if x > 0)
    named = sorted(spans(parts).items(), key=lambda one: -one[1])[:most]
    return ", ".join(f"{span} {share_text(x / total)}" for span, x in named if x >= LEAST_SHARE * total > 0)


def change_text(now: float, then: float) -> str:
    """A relative change with its sign."""
    return f"{(now / then - 1) * 100:+.1f} %".replace("-", "−") if then else "–"


def _mean(numbers: Sequence[float]) -> float:
    known = [x for x in numbers if math.isfinite(x)]
    return math.fsum(known) / len(known) if known else math.nan


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part and not part.endswith(": "))


# ── one for each kind of claim ───────────────────────────────────────────────────────────────────────────────────


def _response(claim: Claim, evidence: Evidence) -> str:
    def beyond(row: Row) -> float:
        answered = row.get("offered", 0.0) * (1 - row.get("unanswered_share", math.nan))
        return answered * (row.get("first_response_mean_min", math.nan) - claim.target)

    cells = evidence.parts(f"channel{CROSS}hour", beyond)
    late = {key: x for key, x in cells.items() if x > 0}
    channels = by_first(late) or evidence.parts("channel", beyond)
    least = LEAST_SHARE * math.fsum(x for x in channels.values() if x > 0)
    slow = sorted((key for key, x in channels.items() if x > 0 and x >= least), key=lambda key: -channels[key])
    who = ", ".join(f"{called(key)} {_response_of(evidence, key):.0f} min" for key in slow[:MOST_NAMED])
    opening = evidence.mean("first_response_open_mean_min")
    return _sentence(
        f"beyond {claim.target:g} min: {shares(channels)}" + (f" (their means: {who})" if who else ""),
        f"by hours: {hours_text(cells)}",
        f"on a clock that stops outside the opening hours: {opening:.1f} min" if math.isfinite(opening) else "",
    )


def _response_of(evidence: Evidence, channel: str) -> float:
    rows = [o.by.get("channel", {}).get(channel, {}) for o in evidence.own]
    return _mean([row.get("first_response_mean_min", math.nan) for row in rows])


def _clock(claim: Claim, evidence: Evidence) -> str:
    assert claim.figure is not None
    name = claim.figure.keys[0]

    def of_clock(by: str) -> Parts:
        expired = evidence.parts(f"clock{CROSS}{by}", lambda row: row.get("clocks_expired", math.nan))
        return {key.partition(CROSS)[2]: x for key, x in expired.items() if key.partition(CROSS)[0] == name}

    hours = {f"{CROSS}{hour}": x for hour, x in of_clock("hour").items()}
    return _sentence(f"ran out: {shares(of_clock('kind'))}", f"started at: {hours_text(hours)}")


def _call_backs(claim: Claim, evidence: Evidence) -> str:
    missing = evidence.parts("kind", lambda row: row.get("cases", 0.0) * (1 - row.get("called_back_share", math.nan)))
    weeks = evidence.parts("week", lambda row: row.get("called_back_share", math.nan))
    *earlier, last = [weeks[week] for week in sorted(weeks, key=int)] or [math.nan]
    return _sentence(
        f"without a call-back by the end of the run: {shares(missing)}",
        f"of the cases of earlier weeks {share_text(_mean(earlier), 1)} have been called, of the last week's "
        f"{share_text(last, 1)}, some of which are still to come"
        if earlier
        else "",
    )


def _fruit(claim: Claim, evidence: Evidence) -> str:
    assert claim.figure is not None
    cause, within = claim.figure.keys[0], f" within {claim.figure.within_h:g} h"

    def later(by: str) -> Parts:
        def number(row: Row) -> float:
            return row.get("cases", 0.0) * (1 - row.get("closed_within_24h_share", math.nan))

        found = evidence.parts(f"cause{CROSS}{by}{within}", number)
        return {key.partition(CROSS)[2]: x for key, x in found.items() if key.partition(CROSS)[0] == cause}

    hours = {f"{CROSS}{hour}": x for hour, x in later("hour").items()}
    return _sentence(
        f"later or never, by where they came in: {shares(later('channel'))}",
        f"by when: {hours_text(hours)}",
        f"of all cases {share_text(evidence.mean('closed_within_24h_share'))} are settled within the scenario's time",
    )


def _round(claim: Claim, evidence: Evidence) -> str:
    now, then = evidence.mean("leader_round_mean_min"), evidence.before("leader_round_mean_min")
    days = evidence.parts("weekday", lambda row: row.get("leader_round_mean_min", math.nan))
    longest = sorted(days.items(), key=lambda one: -one[1])[:2]
    orders = evidence.mean("orders") / evidence.mean("leaders_mean") if evidence.mean("leaders_mean") else math.nan
    had = evidence.before("orders") / evidence.before("leaders_mean") if evidence.before("leaders_mean") else math.nan
    return _sentence(
        f"{change_text(now, then)} against the baseline's {then:.0f} min, "
        f"{change_text(claim.target, then)} are asked for",
        f"orders per leader {change_text(orders, had)}",
        "longest on " + " and ".join(f"{day} ({x:.0f} min)" for day, x in longest),
    )


def _peaks(claim: Claim, evidence: Evidence) -> str:
    assert claim.figure is not None
    busy = {key for outcome in evidence.own for key in peaks(claim.figure, outcome)}
    late = evidence.parts(
        f"channel{CROSS}hour",
        lambda row: row.get("offered", 0.0) * (1 - row.get("service_level_share", math.nan)),
    )
    named = {_at_hour(key): late[key] for key in sorted(busy) if key in late}
    return f"not within ten minutes in the busiest hours: {shares(named)}"


def _at_hour(key: str) -> str:
    channel, _, hour = key.partition(CROSS)
    return f"{called(channel)} {hour}–{int(hour) + 1} h"


def _agents(claim: Claim, evidence: Evidence) -> str:
    agents, users = evidence.mean("agents_mean"), evidence.mean("users_mean")
    had, users_then = evidence.before("agents_mean"), evidence.before("users_mean")
    wanted = had * (1 + claim.target)
    work, worked = (_agent_hours(evidence, outcomes) for outcomes in (evidence.own, evidence.nothing))
    more = "F40 increases them" if agents > had else "head count"
    return _sentence(
        f"{more}: 1 agent per {users / agents:.0f} users instead of {users_then / had:.0f}, "
        f"{agents:.0f} instead of {had:.0f}; {share_text(-claim.target)} less would be {wanted:.0f}, 1 per "
        f"{users_then / wanted:.0f}: both cannot be",
        f"their work (busy hours) changes by {change_text(work, worked)}" if worked else "",
    )


def _agent_hours(evidence: Evidence, outcomes: Sequence[Outcome]) -> float:
    world = evidence.loaded.scenario.world
    pools = set(world.staff.agents.pools) if world is not None else set()
    hours = evidence.parts("pool", lambda row: row.get("busy_h", math.nan), outcomes)
    return math.fsum(x for pool, x in hours.items() if pool in pools)


def _compensation(claim: Claim, evidence: Evidence) -> str:
    def per_order(outcomes: Sequence[Outcome]) -> Parts:
        orders = evidence.mean("orders", outcomes)
        paid = evidence.parts(
            "cause", lambda row: row.get("compensation_yuan", math.nan) + row.get("refunds_yuan", math.nan), outcomes
        )
        return {cause: x / orders for cause, x in paid.items()} if orders else {}

    now, then = per_order(evidence.own), per_order(evidence.nothing)
    more = {cause: now[cause] - then.get(cause, 0.0) for cause in now}
    by_hand = evidence.mean("compensation_yuan"), evidence.before("compensation_yuan")
    return _sentence(
        f"{sum(now.values()):.2f} instead of {sum(then.values()):.2f} yuan per order",
        f"what rises: {shares(more)}",
        f"paid by decision {change_text(*by_hand)}, without one "
        f"{change_text(evidence.mean('refunds_yuan'), evidence.before('refunds_yuan'))}",
        f"problems per order {change_text(evidence.mean('problems_per_order'), evidence.before('problems_per_order'))}",
    )


def _orders(claim: Claim, evidence: Evidence) -> str:
    def moved(name: str) -> str:
        return change_text(evidence.mean(name), evidence.before(name))

    now, then = evidence.mean("satisfaction_true_mean"), evidence.before("satisfaction_true_mean")
    silent = share_text(evidence.mean("problems_silent_share"))
    late = share_text(evidence.mean("orders_lost_enquiries_share"), 1)
    return _sentence(
        f"users {moved('users_mean')}, orders per user {moved('orders_per_user_per_day')}",
        f"true satisfaction of those who ask {now:.2f} instead of {then:.2f}",
        f"but problems per order only {moved('problems_per_order')}, and {silent} of them are never told",
        f"late answers cost {late} of the orders",
    )


def _income(claim: Claim, evidence: Evidence) -> str:
    now, then = evidence.mean("leaders_mean"), evidence.before("leaders_mean")
    orders = change_text(evidence.mean("orders"), evidence.before("orders"))
    return f"the commission goes with the orders ({orders}); leaders to share it: {change_text(now, then)}"


def _first_contact(claim: Claim, evidence: Evidence) -> str:
    def unsolved(row: Row) -> float:
        return row.get("cases", 0.0) * (1 - row.get("resolved_first_contact_share", math.nan))

    reopened = evidence.mean("reopened_share")
    return _sentence(
        f"not resolved: {shares(evidence.parts('kind', unsolved))}",
        f"by cause: {shares(evidence.parts('cause', unsolved))}",
        f"{share_text(reopened, 1)} of all cases come back after they were closed as solved, "
        f"{share_text(1 - claim.target)} may fail in all",
    )


def _satisfaction(claim: Claim, evidence: Evidence) -> str:
    def short(row: Row) -> float:
        rated = row.get("cases", 0.0) * row.get("ratings_share", math.nan)
        return rated * (claim.target - row.get("satisfaction_recorded_mean", math.nan))

    return _sentence(
        f"below {claim.target:g}: {shares(evidence.parts('channel', short))}",
        f"by cause: {shares(evidence.parts('cause', short))}",
        f"true satisfaction, of those who do not rate too: {evidence.mean('satisfaction_true_mean'):.2f}",
    )


def _complaints(claim: Claim, evidence: Evidence) -> str:
    causes, places = (evidence.parts(by, lambda row: row.get("complaints", math.nan)) for by in ("cause", "channel"))
    return _sentence(f"what is left: {shares(causes)}", f"by place: {shares(places)}")


def _late_complaints(claim: Claim, evidence: Evidence) -> str:
    def late(outcomes: Sequence[Outcome]) -> float:
        rows = evidence.parts("cause", lambda row: row.get("complaints", math.nan), outcomes)
        return rows.get("late", 0.0)

    return _sentence(
        f"{late(evidence.own):.1f} instead of {late(evidence.nothing):.1f} such complaints in a run",
        f"late orders {share_text(evidence.mean('late_delivery_share'), 1)} instead of "
        f"{share_text(evidence.before('late_delivery_share'), 1)}",
    )


def _lost(claim: Claim, evidence: Evidence) -> str:
    parts = lost_parts(evidence)
    lost = evidence.mean("users_lost_per_month_share")
    named = sorted(parts.items(), key=lambda one: -one[1])
    rest = max(claim.target - parts["without a problem"], 0.0)
    return _sentence(
        f"of {share_text(lost, 1)} in a month: " + ", ".join(f"{name} {share_text(x, 1)}" for name, x in named),
        f"{share_text(rest, 1)} at most may go for all but the first of these"
        if named[0][0] == "without a problem"
        else f"beside those without a problem, {share_text(rest, 1)} at most may go",
    )


def lost_parts(evidence: Evidence) -> Parts:
    """Users lost in a month, over all users, by what drove them away.

    What silent problems cost is their number times the scenario's share of users that they drive away; what is left
    of the users whom problems drove away had spoken up, or were refunded.
    """
    lost = evidence.mean("users_lost_per_month_share")
    without = lost * evidence.mean("users_lost_without_problem_share")
    taken = lost * evidence.mean("users_taken_along_share")
    world = evidence.loaded.scenario.world
    leave = world.moods.loss.silent_share if world is not None else 0.0
    orders = MONTH_DAYS * evidence.mean("orders_per_user_per_day")
    silent = orders * evidence.mean("problems_per_order") * evidence.mean("problems_silent_share") * leave
    silent = min(silent, max(lost - without - taken, 0.0))
    return {
        "without a problem": without,
        "leaders who left took along": taken,
        "silent problems": silent,
        "problems spoken about": max(lost - without - taken - silent, 0.0),
    }


WHY: dict[str, Callable[[Claim, Evidence], str]] = {
    "agents": _agents,
    "call_backs": _call_backs,
    "clock": _clock,
    "compensation": _compensation,
    "complaints": _complaints,
    "first_contact": _first_contact,
    "fruit": _fruit,
    "income": _income,
    "late_complaints": _late_complaints,
    "lost": _lost,
    "orders": _orders,
    "peaks": _peaks,
    "response": _response,
    "round": _round,
    "satisfaction": _satisfaction,
}
"""What says why, by ``Claim.why``."""
