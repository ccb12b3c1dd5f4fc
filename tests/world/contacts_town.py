"""A small town for the tests of contacts: sources, places, a day's delivery, all by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from sim.scenario import Arrival, Kind, Profile
from sim.sections.contacts import ContactsSection
from sim.sections.places import Places
from sim.sections.segments import Segment
from sim.service.tables import Arrivals, Int64
from sim.service.topics import CAUSES
from sim.world.chance import Chance
from sim.world.contacts import Contacts
from sim.world.flows import CHANNELS, Delivery, Demand, Problems, Today
from sim.world.geography import Geography, geography
from sim.world.segments import SegmentMix
from sim.world.sources import Numbers

DAY = 86_400_000
DUE_MIN = 16 * 60.0

SECTION: dict[str, Any] = {
    "enquiries_per_order": 0.06,
    "questions_per_order": 0.08,
    "questions_on_order_day_share": 0.25,
    "code_questions_share": 0.2,
    "questions_per_late_order": 0.3,
    "stilled_share": 0.0,
    "problems": {
        "quality_share": 0.04,
        "badly_packed_share": 0.1,
        "packing_fault_today_share": 0.35,
        "packing_fault_share": 0.35,
        "quality_when_warm_share": 0.25,
        "late_share": 0.08,
        "late_share_per_h": 0.05,
        "short_refunded_share": 0.3,
        "weighed_share": 0.5,
        "packed_weight_cv": 0.025,
        "weight_tolerance_share": 0.05,
        "weight_noticed_share": 0.5,
        "pick_up_share": 0.02,
        "other_share": 0.012,
    },
    "claims": {
        "voiced_share": 0.4,
        "refund_without_agent_below_yuan": 20,
        "claim_mean_yuan": 15,
        "claim_cv": 0.7,
        "clean_record_share": 0.9,
        "refund_button_share": 0.25,
        "refundable": ["quality", "missing", "weight"],
        "abuse_share": 0.01,
        "abuse_per_leniency": 0.05,
    },
    "incidents": {
        "bad_batch_share": 0.0,
        "bad_batch_orders_share": 0.06,
        "bad_batch_problem_share": 0.6,
        "parent_ticket_share": 1.0,
    },
    "pick_up": {
        "weights": [0] * 16 + [2, 3, 3, 2] + [0] * 4,
        "hand_out_s": 50,
        "hand_out_cv": 0.5,
        "notice_share": 0.6,
        "notice_stills_share": 0.6,
        "announce_before_min": 60,
        "announced_stills_share": 0.5,
    },
}

PROFILES = {"day": Profile(hours=[1, 1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 6, 4, 3, 3, 4, 6, 9, 10, 10, 9, 7, 5, 2])}
KINDS = {
    "enquiry": Kind(channel="chat"),
    "question": Kind(channel="chat"),
    "problem": Kind(channel="chat", case=True),
    "group_enquiry": Kind(channel="group"),
    "group_question": Kind(channel="group"),
    "group_problem": Kind(channel="group", case=True),
    "complaint": Kind(channel="regulator", case=True),
    "ticket": Kind(counts_as="ticket"),
    "announcement": Kind(counts_as="task"),
    "hand_out": Kind(counts_as="goods"),
    "round": Kind(counts_as="round"),
}
BLOCKS = ["16:00", "16:30", "17:00", "17:30", "18:00", "18:30", "19:00", "19:30"]


def driven(source: str, kind: str, by: str, share: float = 1.0, **more: Any) -> Arrival:
    """A driven source."""
    channel = {"channel": more.pop("channel")} if "channel" in more else {}
    timed = {"profile": "day"} if by in ("enquiries", "questions", "problems", "escalations") else {}
    return Arrival(source=source, kind=kind, driven={"by": by, "share": share, **channel}, **timed, **more)


ARRIVALS = [
    driven("enquiries", "enquiry", "enquiries", 0.4),
    driven("group_enquiries", "group_enquiry", "enquiries", 0.6, home_pool="leaders", topics=4),
    driven("questions", "question", "questions", 0.5),
    driven("group_questions", "group_question", "questions", 0.5, home_pool="leaders", topics=4),
    driven("problems", "problem", "problems", 0.7, home_pool="leaders"),
    driven("group_problems", "group_problem", "problems", 0.3, home_pool="leaders"),
    driven("complaints", "complaint", "escalations", channel="regulator"),
    driven("tickets", "ticket", "incidents"),
    driven("announcements", "announcement", "announcements", home_pool="leaders"),
    driven("hand_outs", "hand_out", "hand_outs", home_pool="leaders", at=BLOCKS),
    driven("rounds", "round", "rounds", home_pool="leaders", at=["20:00"]),
]


def changed(section: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A section with other values; ``problems__late_share=1`` changes a part's field."""
    new = {key: dict(value) if isinstance(value, dict) else value for key, value in section.items()}
    for name, value in changes.items():
        part, _, field = name.partition("__")
        if field:
            new[part][field] = value
        else:
            new[name] = value
    return new


class Town:
    """Places with contacts, and days by hand. ``orders`` are what each community gets."""

    def __init__(
        self,
        communities: int = 50,
        leaders: int = 2,
        cities: int = 1,
        arrivals: list[Arrival] | None = None,
        places: Places | None = None,
        seed: int = 7,
        regimes: Any = None,
        profiles: dict[str, Profile] | None = None,
        **changes: Any,
    ) -> None:
        self.places: Geography = geography(
            places or Places(cities=cities, communities_per_city=communities, leaders_per_community=leaders)
        )
        self.section = ContactsSection.model_validate(changed(SECTION, **changes))
        self.arrivals = ARRIVALS if arrivals is None else arrivals
        self.kind_names = list(KINDS)
        entry = {
            (regime, kind): 100 * r + k
            for r, regime in enumerate(("today", "standard"))
            for k, kind in enumerate(KINDS)
        }
        # Servers of leaders are known by name, so that one more community leaves the others' numbers as they were.
        self.servers = np.arange(self.places.leader_community.size, dtype=np.int32) + 1000
        numbers = Numbers(entry, {kind: k for k, kind in enumerate(KINDS)}, ["normal"], self.servers)
        mix = SegmentMix({"all": Segment(share=1.0)})
        self.contacts = Contacts(
            self.section,
            mix,
            self.places,
            self.arrivals,
            profiles or PROFILES,
            KINDS,
            numbers,
            DUE_MIN,
            0,
            regimes or ["today"] * self.places.size,
            Chance(seed, 0),
        )

    def whole(self, value: float, kind: type = np.int64) -> Any:
        """The same for each community."""
        return np.full(self.places.size, value, dtype=kind)

    def delivery(self, orders: int = 150, **columns: Any) -> Delivery:
        """What came; ``late=…`` and the others are numbers for all communities, or arrays."""
        leaders = self.places.leader_community.size
        each = self.places.leaders[self.places.leader_community]
        hand_outs = orders // np.maximum(each, 1)
        base = Delivery(
            orders=self.whole(orders),
            late=self.whole(0),
            warm=self.whole(0),
            short=self.whole(0),
            announced_share=self.whole(0, np.float64),
            goods_at_min=self.whole(900.0 if orders else np.nan, np.float64),
            incident=self.whole(-1),
            short_incident=self.whole(-1),
            doors=np.zeros(leaders, np.int64),
            round_min=np.zeros(leaders),
            hand_outs=hand_outs,
            van_min=np.zeros(len(self.places.cities)),
            van_km=np.zeros(len(self.places.cities)),
            vans=np.zeros(len(self.places.cities), np.int64),
        )
        arrays = {
            name: value if isinstance(value, np.ndarray) else np.full_like(getattr(base, name), value)
            for name, value in columns.items()
        }
        return replace(base, **arrays)

    def day(
        self,
        day: int = 3,
        orders: int = 150,
        expected: float = 150.0,
        active: np.ndarray | None = None,
        escalations: Int64 | None = None,
        **columns: Any,
    ) -> tuple[Arrivals, Problems]:
        """A day's arrivals and problems."""
        today = Today(day, day % 7, 1.0, 0.0, "", True, np.ones(len(self.places.cities)))
        demand = Demand(self.whole(1000), self.whole(expected, np.float64), self.whole(expected))
        if active is None:
            active = np.ones(self.places.leader_community.size, dtype=np.bool_)
        if escalations is None:
            escalations = np.zeros((self.places.size, len(CHANNELS)), dtype=np.int64)
        return self.contacts.morning(today, demand, self.delivery(orders, **columns), active, escalations)

    def of(self, arrivals: Arrivals, *kinds: str) -> np.ndarray:
        """Mask of the rows of some kinds."""
        return np.isin(arrivals.kind, [self.kind_names.index(kind) for kind in kinds])


def rows(arrivals: Arrivals) -> set[tuple[int, ...]]:
    """The rows as a set of tuples."""
    columns = (
        arrivals.t,
        arrivals.entry_pc,
        arrivals.kind,
        arrivals.draw_key,
        arrivals.home_server,
        arrivals.topic,
        arrivals.work_ms,
    )
    return set(zip(*(column.tolist() for column in columns), strict=True))


def cause(name: str) -> int:
    """Code of a cause."""
    return CAUSES.index(name)
