"""Closed cases written down by hand, and numbers of moods to judge them by, for the tests of moods and complaints."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.sections.moods import MoodSection
from sim.sections.places import Places
from sim.sections.segments import Segment
from sim.service.day_records import DayRecords
from sim.service.record import Names
from sim.service.topics import CAUSES
from sim.world.chance import Chance, mixed
from sim.world.columns import COLUMNS
from sim.world.flows import CHANNELS, CaseRows, Delivery, Moods, Problems, Today
from sim.world.geography import geography
from sim.world.moods import Mood
from sim.world.segments import SegmentMix

H, MINUTE, DAY = 3_600_000, 60_000, 86_400_000
BASKET_YUAN = 25.0
SERVERS = 5

NUMBERS: dict[str, Any] = {
    "satisfaction": {
        "solved_start": 4.5,
        "unsolved_start": 2.7,
        "given_up_start": 2.0,
        "wait_points": 0.12,
        "wait_scale_min": 5,
        "hop_points": 0.15,
        "ask_points": 0.2,
        "time_points": 0.12,
        "time_scale_h": 2,
        "reopened_points": 0.3,
        "cause_points": {"quality": 0.4, "late": 0.3},
        "announced_points": 0.2,
        "compensation_points": 0.4,
        "compensation_most_ratio": 1.5,
        "refund_points": 0.2,
        "call_back_points": 0.15,
        "grade_points": 0.15,
        "noise_sd": 0.7,
        "mood_weight": 0.05,
        "mood_neutral": 3.5,
    },
    "rating": {
        "rated_share": 0.08,
        "unhappy_extra": 1.5,
        "happy_extra": 1.0,
        "given_up_factor": 0.3,
        "closed_early_share": 0.0,
        "closed_early_points": 1.0,
    },
    "second_call": {"share": 0.0, "unhappy_at_most": 2, "mends_share": 0.5, "points": 1.0},
    "compensation": {
        "coupon_share": 0.5,
        "coupon_yuan": 5,
        "refund_share": {"quality": 0.3},
        "claim_basket_share": 0.8,
        "claim_cv": 1.0,
        "severe_share": 0.02,
        "severe_yuan": 500,
    },
    "loss": {
        "case_most_share": 0.4,
        "case_middle": 2.0,
        "case_spread": 0.6,
        "silent_share": 0.12,
        "refunded_share": 0.03,
        "unhappy_below": 2.5,
        "happy_above": 4.5,
        "silent_unhappy_weight": 0.5,
        "refunded_happy_weight": 0.1,
    },
    "posts": {
        "post_share": 0.2,
        "post_below": 3.0,
        "group_factor": 2.0,
        "incident_factor": 2.0,
        "deed_share": 0.1,
        "deed_above": 4.5,
        "scandal_share": 0.001,
    },
    "escalation": {
        "discontent_per_point": 0.02,
        "content_from": 4.0,
        "waiting_per_h": 0.01,
        "waiting_most_h": 24,
        "per_hop": 0.02,
        "given_up": 0.05,
        "voiced_power": 1.0,
        "place_weights": {"own_entry": 1.0, "group": 0.6, "regulator": 0.8, "social": 0.3},
        "group_case_factor": 4.0,
        "claim_powers": {"regulator": 0.5},
        "passed_around_above_hops": 1,
        "passed_around_above_asks": 2,
    },
}

BARE: dict[str, Any] = {
    "satisfaction.wait_points": 0,
    "satisfaction.hop_points": 0,
    "satisfaction.ask_points": 0,
    "satisfaction.time_points": 0,
    "satisfaction.reopened_points": 0,
    "satisfaction.cause_points": {},
    "satisfaction.announced_points": 0,
    "satisfaction.compensation_points": 0,
    "satisfaction.refund_points": 0,
    "satisfaction.call_back_points": 0,
    "satisfaction.grade_points": 0,
    "satisfaction.noise_sd": 0,
    "satisfaction.mood_weight": 0,
}
"""Every influence on satisfaction switched off: what remains is the start."""


def section(changes: dict[str, Any] | None = None) -> MoodSection:
    """The numbers above, with some (``part.name``) changed."""
    data = {part: dict(numbers) for part, numbers in NUMBERS.items()}
    for path, value in (changes or {}).items():
        part, name = path.split(".")
        assert name in data[part]
        data[part][name] = value
    return MoodSection.model_validate(data)


def cases(n: int, communities: int = 1, **columns: Any) -> CaseRows:
    """Cases of one ask, solved within the hour by server 0 who answered after ten minutes, unless columns say otherwise
    (one value for all, or one for each)."""
    number = np.arange(n, dtype=np.int64)
    values: dict[str, Any] = {
        "case": number,
        "draw_key": mixed(number, 77),
        "kind": 0,
        "community": number % communities,
        "channel": CHANNELS.index("chat"),
        "cause": CAUSES.index("other"),
        "arrived": 8 * H,
        "first_response": 10 * MINUTE,
        "asks": 1,
        "hops": 0,
        "solved": True,
        "given_up": False,
        "called_back": False,
        "reopened": False,
        "incident": False,
        "last_server": 0,
    } | columns
    values.setdefault("closed", np.asarray(values["arrived"]) + H)
    values.setdefault("resolved_first", np.asarray(values["solved"]) & (np.asarray(values["asks"]) == 1))
    types = {
        **dict.fromkeys(("community", "last_server"), np.int32),
        **dict.fromkeys(("channel", "cause"), np.int8),
        **dict.fromkeys(("solved", "resolved_first", "given_up", "called_back", "reopened", "incident"), np.bool_),
        "kind": np.int16,
    }
    return CaseRows(
        **{
            name: np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=types.get(name, np.int64)), n))
            for name, value in values.items()
        }
    )


def today(day: int = 0) -> Today:
    return Today(day, day % 7, 1.0, 0.0, "", True, np.ones(1))


def problems(communities: int = 1, silent: int = 0, refunded: int = 0) -> Problems:
    """So many silent and refunded problems of one cause in each community."""
    shape = (communities, len(CAUSES))
    none = np.zeros(shape, dtype=np.int64)
    unsaid, paid = none.copy(), none.copy()
    unsaid[:, 1], paid[:, 1] = silent, refunded
    return Problems(unsaid + paid, none, paid, unsaid, none, np.zeros((communities, len(CHANNELS)), dtype=np.int64))


def delivery(communities: int = 1, announced: float = 0.0) -> Delivery:
    none, nothing = np.zeros(communities, dtype=np.int64), np.zeros(communities)
    return Delivery(
        orders=none,
        late=none,
        warm=none,
        short=none,
        announced_share=np.full(communities, announced),
        goods_at_min=nothing,
        incident=none - 1,
        short_incident=none - 1,
        doors=none,
        round_min=nothing,
        hand_outs=none,
        van_min=nothing,
        van_km=nothing,
        vans=none,
    )


class Evening:
    """Moods of a place of some communities, with the numbers above and some changed."""

    def __init__(
        self,
        changes: dict[str, Any] | None = None,
        communities: int = 1,
        segments: dict[str, Segment] | None = None,
        seed: int = 5,
    ) -> None:
        self.communities = communities
        place = geography(Places(communities_per_city=communities))
        self.sums = DayRecords(COLUMNS, 100, place.cities, CHANNELS, CAUSES)
        names = Names(
            server_groups=("agents/all",) * SERVERS,
            **dict.fromkeys(
                ("kinds", "counts_as", "is_case", "stations", "pools", "levels", "clocks", "moments", "steps"), ()
            ),
        )
        mix = SegmentMix(segments or {"all": Segment(share=1.0)}, 0.25)
        self.mood = Mood(section(changes), mix, place, names, Chance(seed, 0), BASKET_YUAN, self.sums)

    def judge(
        self,
        rows: CaseRows,
        day: int = 0,
        silent: int = 0,
        refunded: int = 0,
        announced: float = 0.0,
        grade: float = 3.0,
    ) -> Moods:
        c = self.communities
        return self.mood.evening(
            today(day), rows, problems(c, silent, refunded), delivery(c, announced), np.full(SERVERS, grade)
        )


def judged(rows: CaseRows, changes: dict[str, Any] | None = None, **rest: Any) -> Moods:
    """Moods of one evening of one community."""
    return Evening(changes).judge(rows, **rest)
