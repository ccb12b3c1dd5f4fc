"""A small platform with staff, and days for it to live through: what the tests of staff share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.scenario import Scenario
from sim.sections.places import Places
from sim.sections.staff import StaffSection
from sim.service.tables import Float64, Int64, Windows
from sim.world.chance import Chance
from sim.world.flows import CaseRows, ContactRows, Delivery, Today, Turnover
from sim.world.geography import Geography, geography
from sim.world.staff import Staff

HOUR = 3_600_000
DAY = 24 * HOUR
SHIFT = {"mon-sun": ["08:00-16:00"]}


def platform(agents: int = 10, leaders: int = 4, days: int = 400, **of_agents: Any) -> Scenario:
    """Agents in two groups (chat: all but two; phone: two, where there are more than two), leaders, a supplier."""
    group = {"presence": SHIFT, "days_per_week": 7, **of_agents}
    phone = 2 if agents > 2 else 0
    return Scenario.model_validate(
        {
            "name": "platform",
            "horizon": {"days": days},
            "pools": {
                "chat": {"groups": [{"group": "day", "servers": agents - phone, **group}]},
                "phone": {"groups": [{"group": "day", "servers": phone, **group}]},
                "leaders": {"groups": [{"group": "all", "servers": leaders, "presence": {"mon-sun": ["07:00-23:00"]}}]},
                "suppliers": {"groups": [{"group": "office", "servers": 1, "presence": {"mon-fri": ["09:00-18:00"]}}]},
            },
            "stations": {"desk": {"route": [{"pool": "chat"}]}},
            "kinds": {"call": {}},
            "regime": "only",
            "regimes": {"only": {"call": [{"do": "end", "outcome": "done"}]}},
        }
    )


def places(communities: int = 2, leaders_each: int = 2, users_each: int = 1000) -> Geography:
    """Communities that are alike."""
    return geography(
        Places(
            communities_per_city=communities, leaders_per_community=leaders_each, users_per_community=float(users_each)
        )
    )


def staff(
    section: dict[str, Any] | None = None,
    scenario: Scenario | None = None,
    where: Geography | None = None,
    seed: int = 1,
    replication: int = 0,
) -> Staff:
    """Staff of a platform; agents are both pools, leaders as many as the places have."""
    where = places() if where is None else where
    scenario = platform(leaders=int(where.leader_key.size)) if scenario is None else scenario
    given = section or {}
    merged = {
        **given,
        "agents": {"pools": ["chat", "phone"], **given.get("agents", {})},
        "leaders": {"pool": "leaders", **given.get("leaders", {})},
    }
    labels = [
        f"{pool}/{group.group}"
        for pool, of in scenario.pools.items()
        for group in of.groups
        for _ in range(group.head_count)
    ]
    return Staff(
        StaffSection.model_validate(merged), scenario, tuple(labels), where, Chance(seed, replication), first_weekday=0
    )


def today(day: int, away: float = 0.0, festival: str = "") -> Today:
    """An ordinary day, or one of a festival; day 0 is a Monday."""
    return Today(
        day=day,
        weekday=day % 7,
        orders_factor=1.0,
        staff_absent_share=away,
        festival=festival,
        working_day=True,
        weather=np.ones(1),
    )


def case_rows(server: Any = (), solved: Any = ()) -> CaseRows:
    """Cases that closed, by the server who closed them."""
    last = np.asarray(server, dtype=np.int32)
    n = last.size
    zeros, none = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    return CaseRows(
        case=np.arange(n),
        draw_key=np.arange(n),
        kind=np.zeros(n, dtype=np.int16),
        community=np.zeros(n, dtype=np.int32),
        channel=np.zeros(n, dtype=np.int8),
        cause=np.zeros(n, dtype=np.int8),
        arrived=zeros,
        closed=zeros + HOUR,
        first_response=zeros,
        asks=zeros + 1,
        hops=zeros,
        solved=np.asarray(solved, dtype=np.bool_) if np.size(solved) else ~none,
        resolved_first=~none,
        given_up=none,
        called_back=none,
        reopened=none,
        incident=none,
        last_server=last,
    )


def contact_rows(server: Any = (), minutes: float | NDArray[np.float64] = 5.0) -> ContactRows:
    """Contacts that ended, by the server who answered first, and how long they took from there."""
    first = np.asarray(server, dtype=np.int32)
    n = first.size
    zeros = np.zeros(n, dtype=np.int64)
    return ContactRows(
        item=np.arange(n),
        case=np.arange(n),
        kind=np.zeros(n, dtype=np.int16),
        community=np.zeros(n, dtype=np.int32),
        channel=np.zeros(n, dtype=np.int8),
        cause=np.zeros(n, dtype=np.int8),
        arrived=zeros,
        ended=zeros + np.rint(np.broadcast_to(minutes, n) * 60_000).astype(np.int64),
        outcome=np.zeros(n, dtype=np.int8),
        answered_at=zeros,
        wait=zeros,
        left=np.zeros(n, dtype=np.bool_),
        server=first,
    )


def delivery(where: Geography, hand_outs: Int64 | int = 0, round_min: Float64 | float = 0.0) -> Delivery:
    """Goods of a day, as far as leaders feel them."""
    c, leaders = np.zeros(where.size, dtype=np.int64), where.leader_key.size
    none = np.zeros(where.size)
    return Delivery(
        orders=c,
        late=c,
        warm=c,
        short=c,
        announced_share=none,
        goods_at_min=none,
        incident=c,
        short_incident=c,
        doors=np.zeros(leaders, dtype=np.int64),
        round_min=np.broadcast_to(np.asarray(round_min, dtype=np.float64), leaders),
        hand_outs=np.broadcast_to(np.asarray(hand_outs, dtype=np.int64), leaders),
        van_min=np.zeros(1),
        van_km=np.zeros(1),
        vans=np.zeros(1, dtype=np.int64),
    )


def evening(
    of: Staff,
    where: Geography,
    day: int,
    cases: CaseRows | None = None,
    satisfaction: Any = None,
    contacts: ContactRows | None = None,
    goods: Delivery | None = None,
    orders: int = 0,
) -> Turnover:
    """An evening after a day of which only some things are of interest."""
    cases = case_rows() if cases is None else cases
    return of.evening(
        today(day),
        cases,
        np.full(cases.case.size, 3.0) if satisfaction is None else np.asarray(satisfaction, dtype=np.float64),
        contact_rows() if contacts is None else contacts,
        delivery(where) if goods is None else goods,
        where.users,
        np.full(where.size, orders),
    )


def windows_of(found: Windows, server: int) -> list[tuple[float, float]]:
    """Windows of a server in hours from the first midnight."""
    own = found.server == server
    return [(a / HOUR, b / HOUR) for a, b in zip(found.enter[own].tolist(), found.leave[own].tolist(), strict=True)]
