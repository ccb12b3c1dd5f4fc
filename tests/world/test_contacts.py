"""Who comes on a day: counts, times, homes, topics, and what stays the same when something else changes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from contacts_town import ARRIVALS, BLOCKS, DAY, KINDS, PROFILES, Town, cause, driven, rows

from sim.fields import clock_minutes
from sim.problems import InputError
from sim.scenario import Arrival, Overdispersion, Profile, Scenario
from sim.sections.places import Community, Places
from sim.service.tables import Arrivals, take
from sim.service.topics import ORDINARY, cause_of, community_of, number_of
from sim.world.flows import CHANNELS
from sim.world.sources import problems_of_driven

CONTACTS = [kind for kind, what in KINDS.items() if what.counts_as == "contact"]
PROBLEMS = ("problem", "group_problem")


def counted(town: Town, arrivals: Arrivals, *kinds: str) -> int:
    return int(town.of(arrivals, *kinds).sum())


def over_days(town: Town, days: int, *kinds: str, **columns: object) -> int:
    return sum(counted(town, town.day(day, **columns)[0], *kinds) for day in range(days))


def by_chance(expected: float) -> object:
    return pytest.approx(expected, abs=3.5 * math.sqrt(expected))


# ── counts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "share"), [("enquiry", 0.4), ("group_enquiry", 0.6)])
def test_enquiries_come_per_expected_order_in_the_shares_of_their_sources(kind: str, share: float) -> None:
    assert over_days(Town(), 20, kind) == by_chance(20 * 50 * 150 * 0.06 * share)


def test_questions_come_partly_on_the_day_of_the_order_and_partly_with_the_goods() -> None:
    town, days = Town(), 20
    unnoticed = 1 - 0.6 * 0.6
    with_goods = 80 * 0.08 * 0.75 * (0.8 + 0.2 * unnoticed)
    expected = days * 50 * (150 * 0.08 * 0.25 + with_goods)
    assert over_days(town, days, "question", "group_question", orders=80) == by_chance(expected)


def test_late_orders_make_users_ask_where_they_are_unless_it_was_announced() -> None:
    town = Town()

    def asked(**columns: object) -> int:
        got = [town.day(day, **columns)[0] for day in range(10)]
        late = [town.of(a, "question", "group_question") & (cause_of(a.topic) == cause("late")) for a in got]
        return sum(int(mask.sum()) for mask in late)

    assert asked() == 0
    assert asked(late=20) == by_chance(10 * 50 * 20 * 0.3)
    assert asked(late=20, announced_share=1.0) == by_chance(10 * 50 * 20 * 0.3 * 0.5)


def test_problem_contacts_are_exactly_the_voiced_and_abused_ones() -> None:
    town = Town(incidents__bad_batch_share=0.5, claims__abuse_share=0.2)
    for day in range(5):
        arrivals, problems = town.day(day, late=40, short=6, warm=5)
        of = town.of(arrivals, *PROBLEMS)
        got = np.zeros_like(problems.voiced)
        np.add.at(got, (community_of(arrivals.topic[of]), cause_of(arrivals.topic[of])), 1)
        assert (got == problems.voiced + problems.abused).all()


def test_problems_divide_among_their_sources_by_share() -> None:
    town = Town()
    agents = over_days(town, 10, "problem")
    all_ = agents + over_days(town, 10, "group_problem")
    assert agents / all_ == pytest.approx(0.7, abs=3.5 * math.sqrt(0.21 / all_))


def test_when_nobody_speaks_up_no_problem_comes() -> None:
    town = Town(claims__voiced_share=0.0)
    arrivals, problems = town.day(late=60, short=5)
    assert counted(town, arrivals, *PROBLEMS) == 0
    assert (problems.silent == problems.all).all()
    assert problems.all.sum() > 0


def test_escalations_come_to_the_unit_at_their_channel() -> None:
    town = Town()
    escalations = np.zeros((50, len(CHANNELS)), dtype=np.int64)
    escalations[7, CHANNELS.index("regulator")] = 3
    escalations[9, CHANNELS.index("regulator")] = 1
    escalations[9, CHANNELS.index("social")] = 5
    arrivals, problems = town.day(escalations=escalations)
    of = town.of(arrivals, "complaint")
    assert sorted(community_of(arrivals.topic[of]).tolist()) == [7, 7, 7, 9]
    assert (problems.escalations == escalations).all()
    assert counted(town, town.day()[0], "complaint") == 0


def test_overdispersion_spreads_the_days_and_leaves_the_mean() -> None:
    wide = [
        a.model_copy(update={"overdispersion": Overdispersion(daily_cv=0.4)}) if a.source == "enquiries" else a
        for a in ARRIVALS
    ]
    plain, spread = Town(), Town(arrivals=wide)
    daily = [np.array([counted(town, town.day(day)[0], "enquiry") for day in range(120)]) for town in (plain, spread)]
    assert daily[0].std() / daily[0].mean() < 0.15
    assert daily[1].std() / daily[1].mean() == pytest.approx(0.4, abs=0.12)
    assert daily[1].mean() == pytest.approx(180, abs=3.5 * 180 * 0.41 / math.sqrt(120))
    others = [kind for kind in KINDS if kind != "enquiry"]
    (a, _), (b, _) = plain.day(5), spread.day(5)
    # Times may differ by the millisecond to which they are rounded, nothing else does.
    assert sorted(a.draw_key[plain.of(a, *others)]) == sorted(b.draw_key[spread.of(b, *others)])


# ── common random numbers ────────────────────────────────────────────────────────────────────────────────────────


def test_more_late_orders_bring_more_that_is_about_lateness_and_leave_every_other_row() -> None:
    town = Town(stilled_share=0.3)
    few, _ = town.day(late=10)
    many, _ = town.day(late=30)
    of_late = cause_of(many.topic) == cause("late")
    kept = cause_of(few.topic) == cause("late")
    assert of_late.sum() > kept.sum() > 0
    assert rows(take(few, ~kept)) == rows(take(many, ~of_late))
    problems = [a.draw_key[town.of(a, *PROBLEMS)] for a in (few, many)]
    assert set(problems[0].tolist()) < set(problems[1].tolist())


def test_late_problems_rise_and_nothing_else_where_nobody_asks_where_goods_are() -> None:
    town = Town(questions_per_late_order=0.0)
    few, many = town.day(late=10)[0], town.day(late=40)[0]
    assert rows(few) < rows(many)
    new = ~np.isin(many.draw_key, few.draw_key)
    assert (cause_of(many.topic[new]) == cause("late")).all()
    assert town.of(many, *PROBLEMS)[new].all()


def test_more_demand_keeps_who_was_there() -> None:
    town = Town()
    assert rows(town.day(expected=100.0)[0]) < rows(town.day(expected=140.0)[0])


def test_one_more_community_leaves_the_rows_of_the_others() -> None:
    def places(n: int) -> Places:
        listed = [
            Community(community=f"c{i}", city=f"city{i % 2}", users=1000, leaders=2, x_km=i, y_km=0) for i in range(n)
        ]
        return Places(listed=listed)

    few, more = Town(places=places(20), stilled_share=0.3), Town(places=places(21), stilled_share=0.3)
    few_rows, more_rows = (
        rows(few.day(late=10, doors=3, round_min=20.0)[0]),
        more.day(late=10, doors=3, round_min=20.0)[0],
    )
    others = community_of(more_rows.topic) < 20
    assert few_rows == rows(Arrivals(**{f: getattr(more_rows, f)[others] for f in more_rows.__dataclass_fields__}))


def test_the_same_day_is_the_same_and_other_days_and_seeds_differ() -> None:
    town = Town()
    assert rows(town.day(3)[0]) == rows(town.day(3)[0])
    assert not set(town.day(3)[0].draw_key.tolist()) & set(town.day(4)[0].draw_key.tolist())
    # A key names who it is, whatever the seed; times differ.
    assert not rows(town.day(3)[0]) & rows(Town(seed=8).day(3)[0])


def test_draw_keys_are_all_different() -> None:
    town = Town(200, incidents__bad_batch_share=1.0)
    keys = np.concatenate(
        [town.day(day, late=40, short=9, short_incident=80, doors=2, round_min=9.0)[0].draw_key for day in range(5)]
    )
    assert np.unique(keys).size == keys.size > 40_000


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_in_order_of_time_within_their_day() -> None:
    arrivals, _ = Town().day(5, late=40, doors=2, round_min=30.0)
    assert (np.diff(arrivals.t) >= 0).all()
    assert arrivals.t[0] >= 5 * DAY
    assert arrivals.t[-1] < 6 * DAY


def test_times_follow_the_profile() -> None:
    town = Town()
    got = [town.day(day)[0] for day in range(20)]
    hours = np.concatenate([(a.t[town.of(a, "enquiry", "group_enquiry")] % DAY) // 3_600_000 for a in got])
    weights = np.array(PROFILES["day"].hours)
    expected = weights / weights.sum() * hours.size
    assert (np.abs(np.bincount(hours, minlength=24) - expected) < 4 * np.sqrt(expected)).all()


def test_nobody_has_a_problem_before_the_goods_and_nobody_piles_up_when_they_come() -> None:
    town = Town(200, problems__quality_share=0.08)
    arrivals, _ = town.day(0, late=40, goods_at_min=18 * 60 + 30.0)
    of, minute = town.of(arrivals, *PROBLEMS), arrivals.t / 60_000
    late = of & (cause_of(arrivals.topic) == cause("late"))
    assert minute[late].min() >= 16 * 60
    in_hand = of & np.isin(cause_of(arrivals.topic), [cause(name) for name in ("quality", "weight", "pick_up")])
    assert minute[in_hand].min() >= 18 * 60 + 30
    # After half past six the profile has 5 + 10 + 9 + 7 + 5 + 2 of its weight: the first ten minutes get 10/6 of 38.
    first = int(((minute >= 1110) & (minute < 1120) & in_hand).sum())
    assert first == by_chance(in_hand.sum() * (10 / 6) / 38)
    asked = town.of(arrivals, "question", "group_question") & (cause_of(arrivals.topic) == cause("late"))
    assert minute[asked].min() >= 16 * 60
    other = of & (cause_of(arrivals.topic) == cause("other"))
    assert minute[other].min() < 12 * 60


def test_problems_of_goods_that_come_after_midnight_are_told_at_the_end_of_the_day() -> None:
    town = Town()
    arrivals, problems = town.day(0, goods_at_min=1500.0)
    quality = town.of(arrivals, *PROBLEMS) & (cause_of(arrivals.topic) == cause("quality"))
    assert quality.sum() == problems.voiced[:, cause("quality")].sum() + problems.abused[:, cause("quality")].sum()
    assert (arrivals.t[quality] == DAY - 1).all()


def test_a_profile_that_has_nothing_left_spreads_evenly_over_the_rest_of_the_day() -> None:
    town = Town(200, profiles={"day": Profile(hours=[1] * 12 + [0] * 12)})
    arrivals, _ = town.day(0)
    quality = town.of(arrivals, *PROBLEMS) & (cause_of(arrivals.topic) == cause("quality"))
    hours = arrivals.t[quality] // 3_600_000
    expected = quality.sum() / 8
    assert hours.min() == 16
    assert (np.abs(np.bincount(hours, minlength=24)[16:] - expected) < 4 * np.sqrt(expected)).all()


# ── homes and topics ─────────────────────────────────────────────────────────────────────────────────────────────


def test_homes_are_leaders_of_the_own_community_evenly() -> None:
    town = Town(leaders=4)
    arrivals, _ = town.day()
    homed = town.of(arrivals, "group_enquiry", "group_question", *PROBLEMS)
    leader = arrivals.home_server[homed] - 1000
    assert (town.places.leader_community[leader] == community_of(arrivals.topic[homed])).all()
    expected = homed.sum() / 4
    assert (np.abs(np.bincount(leader % 4) - expected) < 4 * np.sqrt(expected)).all()
    assert (arrivals.home_server[town.of(arrivals, "enquiry", "question", "complaint")] == -1).all()


def test_a_leader_who_stops_moves_only_the_own_items() -> None:
    town = Town()
    all_ = town.day()[0]
    active = np.ones(100, dtype=np.bool_)
    active[10] = False
    some = town.day(active=active)[0]
    own = all_.home_server == 1010
    contacts = town.of(all_, *CONTACTS)
    moved = some.draw_key[some.home_server == 1011]
    assert own.any()
    assert set(all_.draw_key[own & contacts].tolist()) <= set(moved.tolist())
    assert rows(take(all_, ~own)) <= rows(some)
    assert 1010 not in some.home_server


def test_where_there_is_no_leader_users_write_to_the_platform_instead() -> None:
    town = Town()
    active = np.ones(100, dtype=np.bool_)
    active[[0, 1]] = False
    all_, some = town.day()[0], town.day(active=active, doors=2, round_min=9.0)[0]
    here = community_of(some.topic) == 0
    assert here.any()
    assert (some.home_server[here] == -1).all()
    assert not (town.of(some, "group_enquiry", "group_question", "group_problem", "hand_out", "round") & here).any()
    before = (community_of(all_.topic) == 0) & town.of(all_, *CONTACTS)
    assert set(all_.draw_key[before].tolist()) == set(some.draw_key[here].tolist())
    enquiry = town.of(some, "enquiry") & here
    assert (some.entry_pc[enquiry] == town.kind_names.index("enquiry")).all()


def test_without_a_chat_the_groups_contacts_stay_without_a_home() -> None:
    town = Town(arrivals=[driven("group_enquiries", "group_enquiry", "enquiries", home_pool="leaders", topics=4)])
    arrivals, _ = town.day(active=np.zeros(100, dtype=np.bool_))
    assert town.of(arrivals, "group_enquiry").all()
    assert (arrivals.home_server == -1).all()


def test_ordinary_questions_have_the_numbers_of_their_source_and_late_ones_are_one_question() -> None:
    town = Town()
    arrivals, _ = town.day(late=40)
    group = town.of(arrivals, "group_question")
    ordinary = group & (cause_of(arrivals.topic) == cause("none"))
    assert sorted(set(number_of(arrivals.topic[ordinary]).tolist())) == [0, 1, 2, 3]
    late = group & (cause_of(arrivals.topic) == cause("late"))
    assert set(number_of(arrivals.topic[late]).tolist()) == {0}
    assert (number_of(arrivals.topic) < ORDINARY).all()
    assert (number_of(arrivals.topic[town.of(arrivals, "enquiry", *PROBLEMS)]) == 0).all()


def test_a_question_that_was_asked_before_in_the_group_is_stilled_and_the_first_one_never() -> None:
    loud, quiet = Town(stilled_share=0.0), Town(stilled_share=1.0)
    all_, left = loud.day(late=40)[0], quiet.day(late=40)[0]
    assert rows(left) < rows(all_)
    group = ("group_enquiry", "group_question")

    def questions(town: Town, a: Arrivals) -> list[tuple[int, ...]]:
        of = town.of(a, *group)
        return list(zip(a.kind[of].tolist(), a.home_server[of].tolist(), a.topic[of].tolist(), strict=True))

    assert len(questions(quiet, left)) == len(set(questions(quiet, left)))
    assert set(questions(quiet, left)) == set(questions(loud, all_))
    first: dict[tuple[int, ...], int] = {}
    of = loud.of(all_, *group)
    for key, t in zip(questions(loud, all_), all_.t[of].tolist(), strict=True):
        first.setdefault(key, t)
    kept = dict(zip(questions(quiet, left), left.t[quiet.of(left, *group)].tolist(), strict=True))
    assert kept == first


def test_a_stilled_share_takes_that_share_of_the_repeats() -> None:
    none, half, all_ = (over_days(Town(stilled_share=share), 10, "group_question", late=30) for share in (0, 0.5, 1))
    assert none - half == pytest.approx((none - all_) / 2, abs=3.5 * math.sqrt((none - all_) / 4))


# ── leaders' work ────────────────────────────────────────────────────────────────────────────────────────────────


def test_hand_outs_add_up_to_the_leaders_orders_with_one_item_for_each_block() -> None:
    town = Town(pick_up__hand_out_cv=0.0)
    arrivals, _ = town.day(0, orders=157)
    of = town.of(arrivals, "hand_out")
    orders = np.bincount(arrivals.home_server[of] - 1000, weights=arrivals.work_ms[of]) / 50_000
    assert (orders == 78).all()
    cells = set(zip(arrivals.home_server[of].tolist(), arrivals.t[of].tolist(), strict=True))
    assert len(cells) == of.sum() == 100 * len(BLOCKS)
    assert sorted(set((arrivals.t[of] // 60_000).tolist())) == [clock_minutes(at) for at in BLOCKS]
    # Weights 2, 3, 3, 2 by hour: the blocks of the second hour get 15 % each.
    half_past_five = of & (arrivals.t == 17.5 * 3_600_000)
    assert arrivals.work_ms[half_past_five].sum() / 50_000 == pytest.approx(0.15 * 7800, abs=40)


def test_work_of_a_block_is_drawn_around_its_mean() -> None:
    town = Town(200)
    arrivals, _ = town.day()
    work = arrivals.work_ms[town.of(arrivals, "hand_out")]
    assert work.sum() / (400 * 75 * 50_000) == pytest.approx(1, abs=3.5 * 0.5 / math.sqrt(30_000))
    assert len(set(work.tolist())) > 0.9 * work.size


def test_who_comes_before_the_goods_is_served_in_the_first_block_after_them() -> None:
    town = Town(pick_up__hand_out_cv=0.0)
    arrivals, _ = town.day(0, goods_at_min=17 * 60 + 45.0)
    of = town.of(arrivals, "hand_out")
    assert arrivals.t[of].min() == 18 * 3_600_000
    first = of & (arrivals.t == 18 * 3_600_000)
    # 20 % + 30 % came before, 15 % of the block's own.
    assert arrivals.work_ms[first].sum() / 50_000 == pytest.approx(0.65 * 7500, abs=40)
    assert arrivals.work_ms[of].sum() == 7500 * 50_000
    none_left, _ = town.day(0, goods_at_min=20 * 60 + 15.0)
    of = town.of(none_left, "hand_out")
    assert of.sum() == 100
    assert (none_left.t[of] == (20 * 60 + 15) * 60_000).all()


def test_rounds_are_as_long_as_their_way_and_wait_for_the_goods() -> None:
    town = Town()
    doors = np.zeros(100, np.int64)
    doors[3], doors[8] = 5, 2
    minutes = np.where(doors > 0, 41.5, 0.0)
    arrivals, _ = town.day(1, doors=doors, round_min=minutes)
    of = town.of(arrivals, "round")
    assert sorted(arrivals.home_server[of].tolist()) == [1003, 1008]
    assert (arrivals.work_ms[of] == 41.5 * 60_000).all()
    assert (arrivals.t[of] == DAY + 20 * 3_600_000).all()
    late, _ = town.day(1, doors=doors, round_min=minutes, goods_at_min=1230.0)
    assert (late.t[town.of(late, "round")] == DAY + 1230 * 60_000).all()


# ── regimes, empty cases ─────────────────────────────────────────────────────────────────────────────────────────


def test_items_follow_the_regime_of_their_community() -> None:
    regimes = ["standard" if i < 10 else "today" for i in range(50)]
    for given in (regimes, lambda day: regimes if day > 2 else ["today"] * 50):
        town = Town(regimes=given)
        arrivals, _ = town.day(3)
        assert ((arrivals.entry_pc >= 100) == (community_of(arrivals.topic) < 10)).all()
    assert (town.day(1)[0].entry_pc < 100).all()


def test_a_regime_without_the_journey_is_refused_in_one_line() -> None:
    town = Town(regimes=["standard"] * 50)
    town.contacts.sources.entry[0, 1] = -1
    with pytest.raises(InputError, match="the regime 'standard' has no journey for the kind 'enquiry'"):
        town.day()


def test_a_day_without_orders_or_users_is_empty() -> None:
    town = Town()
    arrivals, problems = town.day(orders=0, expected=0.0)
    assert arrivals.t.size == 0
    assert problems.all.sum() == 0
    assert arrivals.topic.dtype == arrivals.work_ms.dtype == np.int32
    assert arrivals.draw_key.dtype == np.int64


def test_one_community_and_no_sources_work() -> None:
    assert Town(1, leaders=1).day()[0].t.size > 0
    arrivals, problems = Town(arrivals=[]).day(late=10)
    assert arrivals.t.size == 0
    assert problems.voiced.sum() > 0


def test_a_community_that_never_had_a_leader_works() -> None:
    town = Town(leaders=0)
    arrivals, _ = town.day()
    assert town.of(arrivals, "enquiry", "question", "problem").all()


# ── what does not fit together ───────────────────────────────────────────────────────────────────────────────────


def scenario(arrivals: list[Arrival], **profile: object) -> Scenario:
    return Scenario.model_construct(
        arrivals=arrivals, kinds=KINDS, profiles={"day": Profile(hours=[1.0], **profile)}, pools={}
    )


def test_the_towns_sources_fit_together() -> None:
    assert problems_of_driven(scenario(ARRIVALS)) == []


@pytest.mark.parametrize(
    ("arrivals", "field", "message"),
    [
        ([driven("a", "enquiry", "enquiries", 0.5)], "share", "add up to 0.5"),
        ([driven(s, "complaint", "escalations", channel="social") for s in "ab"], "channel", "come twice"),
        ([driven(s, "ticket", "incidents") for s in "ab"], "by", "two sources of incidents"),
        ([driven("a", "hand_out", "hand_outs", at=["16:00"])], "home_pool", "belong to a leader"),
        ([driven("a", "group_enquiry", "enquiries")], "home_pool", "the leader's chat group"),
        ([driven("a", "round", "rounds", at=["16:00", "17:00"], home_pool="l")], "at", "one round a day"),
        ([driven("a", "ticket", "incidents", 0.5)], "driven", "the share is 0.5"),
        ([driven("a", "problem", "problems", topics=3)], "topics", "topics of their own"),
        ([driven("a", "round", "rounds", at=["16:00"], home_pool="l", work_s=3)], "work_s", "comes from the goods"),
        ([driven("a", "ticket", "incidents").model_copy(update={"profile": "day"})], "profile", "time of incidents"),
        (
            [driven("a", "problem", "problems").model_copy(update={"overdispersion": Overdispersion(daily_cv=0.1)})],
            "overdispersion",
            "would have no effect",
        ),
        (
            [driven(s, "enquiry", "enquiries", 0.5, home_pool=pool) for s, pool in (("a", "x"), ("b", "y"))],
            "home_pool",
            "belong to 'x' and 'y'",
        ),
    ],
)  # fmt: skip
def test_sources_that_do_not_fit_are_named(arrivals: list[Arrival], field: str, message: str) -> None:
    faults = problems_of_driven(scenario(arrivals))
    assert len(faults) == 1
    path, text, allowed = faults[0]
    assert path[:2] == ("arrivals", len(arrivals) - 1)
    assert field in path
    assert message in text
    assert allowed


def test_weekdays_of_a_profile_are_refused_because_the_orders_bring_them() -> None:
    faults = problems_of_driven(scenario([driven("a", "enquiry", "enquiries")], weekdays={"sat-sun": 1.2}))
    assert "factors by weekday" in faults[0][1]
