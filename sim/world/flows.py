"""What passes between the parts of the world within a day: plain arrays, one row per community unless stated.

The order of a day (``sim.world.day``): calendar → people say what is demanded → the fleet delivers yesterday's orders →
contacts make the day's arrivals → leaders and agents say who is present → **service runs the day** → the ledger sums up
what ended → moods judge the closed cases, some escalate or post → people leave, join and order again → leaders and
agents quit or learn → money → alarms. What is decided in an evening acts from the next morning on.

Axes: C communities, K cities, L leaders, S servers, A = ``len(CAUSES)`` causes, H = ``len(CHANNELS)`` channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.service.tables import Float64, Int32, Int64

CHANNELS = ("none", "phone", "chat", "group", "own_entry", "regulator", "social")
"""Where a contact comes in (F8, F13): telephone, chat in app and mini-program, the leader's chat group, the platform's
own entry for complaints, the regulator's line 12315, social media. 0: what is no contact."""

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Today:
    """What the calendar says of a day.

    ``day`` : number from 0. ``weekday`` : Monday 0. ``orders_factor`` : season, weekday, promotion and festival
    together. ``staff_absent_share`` : share of staff that a festival keeps away, beside ordinary absence.
    ``festival`` : its name or ''. ``working_day`` : offices work (regulator, suppliers). ``weather`` : float64 (K,),
    factor ≥ 1 on driving times. ``vans_later_min`` : float64 (K,) or one for all, minutes that vans leave later than
    usual.
    """

    day: int
    weekday: int
    orders_factor: float
    staff_absent_share: float
    festival: str
    working_day: bool
    weather: Float64
    vans_later_min: Float64 | float = 0.0


@dataclass(frozen=True)
class Demand:
    """What users want today. ``users`` : int64 (C,) in the morning. ``expected`` : float64 (C,), expected orders.
    ``wanted`` : int64 (C,), orders that users mean to place today, before slow answers lose some (F10)."""

    users: Int64
    expected: Float64
    wanted: Int64


@dataclass(frozen=True)
class Delivery:
    """What became of yesterday's orders on their way, by community unless stated.

    ``orders`` : int64, to be handed out today. ``late`` : int64, after the due time. ``warm`` : int64, over-heated.
    ``short`` : int64, with something missing or wrong (sorting error, stock-out). ``announced_share`` : float64, share
    of the late orders whose users were told before they asked. ``goods_at_min`` : float64, minute of the day at which
    the last of the community's goods came (may pass 1440; NaN without orders). ``incident`` : int64, number of the
    incident (from 64, see ``sim.service.topics``) that made the community's goods late, −1 for none. ``short_incident``
    : int64, the same for a bad night of sorting. ``doors`` : int64 (L,), home deliveries of each leader's round.
    ``round_min`` : float64 (L,), length of that round, 0 without doors. ``hand_outs`` : int64 (L,), orders that each
    leader hands out. ``van_min``, ``van_km`` : float64 (K,). ``vans`` : int64 (K,).
    """

    orders: Int64
    late: Int64
    warm: Int64
    short: Int64
    announced_share: Float64
    goods_at_min: Float64
    incident: Int64
    short_incident: Int64
    doors: Int64
    round_min: Float64
    hand_outs: Int64
    van_min: Float64
    van_km: Float64
    vans: Int64


@dataclass(frozen=True)
class Problems:
    """Problems with today's goods, int64 (C, A): all of them; ``voiced`` to agents or leaders; ``refunded`` without
    anybody (by amount and record); the rest are silent: all = voiced + refunded + silent. ``abused`` : claims without
    a problem, part of neither; they come in beside the voiced ones. ``escalations`` : complaints from yesterday
    that came in today as contacts, int64 (C, H)."""

    all: Int64
    voiced: Int64
    refunded: Int64
    silent: Int64
    abused: Int64
    escalations: Int64


@dataclass(frozen=True)
class ContactRows:
    """Contacts that ended today (finished items that count as contacts), one row each.

    int64 ``item``, ``case``, ``arrived``, ``ended``, ``answered_at`` (first grant at any visit, or −1), ``wait``
    (request to grant or to leaving, at the first staffed visit; −1 where none was asked for); int32 ``community``,
    ``server`` (who answered first, or −1); int8 ``kind``-derived ``channel``; int8 ``cause``, ``outcome``; int16
    ``kind``; bool ``left`` : the first wait ended in abandonment.
    """

    item: Int64
    case: Int64
    kind: NDArray[np.int16]
    community: Int32
    channel: NDArray[np.int8]
    cause: NDArray[np.int8]
    arrived: Int64
    ended: Int64
    outcome: NDArray[np.int8]
    answered_at: Int64
    wait: Int64
    left: Bool
    server: Int32


@dataclass(frozen=True)
class CaseRows:
    """Cases (of kinds marked ``case``) that closed for good today: nothing of them is open or yet to come.

    int64 ``case``, ``draw_key`` (of the first contact), ``arrived`` (first contact), ``closed`` (last contact's
    end), ``first_response`` (ms, −1: never), ``asks`` (contacts), ``hops`` (changes from one person to another over all
    visits, in order of grant); int32 ``community``; int8 ``cause``, ``channel`` (of the first contact), int16 ``kind``;
    bool ``solved`` (the last contact ended solved or contained), ``resolved_first`` (solved with one contact),
    ``given_up`` (the last contact was abandoned), ``called_back``, ``reopened``, ``supplier`` (a supplier or leader
    was consulted or the case was passed on); int32 ``last_server`` or −1; bool ``incident``.
    """

    case: Int64
    draw_key: Int64
    kind: NDArray[np.int16]
    community: Int32
    channel: NDArray[np.int8]
    cause: NDArray[np.int8]
    arrived: Int64
    closed: Int64
    first_response: Int64
    asks: Int64
    hops: Int64
    solved: Bool
    resolved_first: Bool
    given_up: Bool
    called_back: Bool
    reopened: Bool
    incident: Bool
    last_server: Int32


@dataclass(frozen=True)
class Moods:
    """What the evening's closed cases, silent problems and refunds leave behind.

    Rows of ``CaseRows``: ``satisfaction`` float64 (1–5, true), ``rated`` bool and ``recorded`` float64 (NaN unless
    rated), ``compensation_yuan`` float64, ``complains`` bool with ``place`` int8 (``CHANNELS``) and ``complaint_cause``
    int8 (``CAUSES``; 7: passed around), ``third_party`` bool.
    By community: ``unhappy`` float64 (C,), bad experiences today that make a user leave or order less (voiced and
    silent, weighted); ``happy`` float64 (C,), good ones; ``leaves`` int64 (C,), users who leave for them; ``posts``
    int64 (C,), bad news told in the group; ``good_deeds`` int64 (C,), good news (F18); ``scandal`` bool.
    ``escalations`` int64 (C, H): complaints that become contacts tomorrow at regulator, social and own entry.
    """

    satisfaction: Float64
    rated: Bool
    recorded: Float64
    compensation_yuan: Float64
    complains: Bool
    place: NDArray[np.int8]
    complaint_cause: NDArray[np.int8]
    third_party: Bool
    unhappy: Float64
    happy: Float64
    leaves: Int64
    posts: Int64
    good_deeds: Int64
    scandal: bool
    escalations: Int64


@dataclass(frozen=True)
class Orders:
    """The evening's count of orders and users, by community: ``placed`` int64 (delivered tomorrow) = wanted −
    ``lost_enquiries`` (answered too late or never, F10); ``users_lost``, ``users_joined`` int64; ``lost_no_problem``
    int64, those of the lost who had no problem at all (the base)."""

    placed: Int64
    lost_enquiries: Int64
    users_lost: Int64
    lost_no_problem: Int64
    users_joined: Int64


@dataclass(frozen=True)
class Presence:
    """Who works today. ``enter``, ``leave`` int64 ms, ``server`` int32: windows of the day, in order of server and
    time. ``speed_pm`` int64 (S,). ``leaders_active`` bool (L,): leaders who have a shop today (present or not).
    ``paid_h`` float64 (pools,) hours paid by pool; ``trained_h`` float64, hours spent in training."""

    enter: Int64
    leave: Int64
    server: Int32
    speed_pm: Int64
    leaders_active: Bool
    paid_h: Float64
    trained_h: float


@dataclass(frozen=True)
class Turnover:
    """Who went in the evening: int64 (C,) ``leaders_lost``, ``leaders_replaced``; int64 (C,) ``users_taken`` along by
    leaders; ``agents_lost``, ``agents_hired`` int."""

    leaders_lost: Int64
    leaders_replaced: Int64
    users_taken: Int64
    agents_lost: int
    agents_hired: int
