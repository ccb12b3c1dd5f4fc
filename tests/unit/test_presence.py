"""Rosters to presence: shifts, nights, days off, absence, breaks, and windows that neither touch nor overlap."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.fields import WEEKDAYS
from sim.scenario import Scenario
from sim.service.presence import _merge, windows
from sim.service.record import presence_in
from sim.service.tables import Windows

MINUTE = 60_000
HOUR = 3_600_000
DAY = 86_400_000
CONFIDENCE = 0.999


def roster(*groups: dict[str, object], days: int = 7, first_weekday: str = "mon") -> Scenario:
    return Scenario.model_validate(
        {
            "name": "roster",
            "horizon": {"days": days, "first_weekday": first_weekday},
            "pools": {"agents": {"groups": list(groups)}},
            "stations": {"desk": {"route": [{"pool": "agents"}]}},
            "kinds": {"call": {}},
            "regime": "only",
            "regimes": {"only": {"call": [{"do": "end", "outcome": "done"}]}},
        }
    )


def group(servers: int = 1, name: str = "all", **fields: object) -> dict[str, object]:
    return {"group": name, "servers": servers, **fields}


def in_hours(found: Windows, server: int = 0) -> list[tuple[float, float]]:
    """Windows of a server in hours from the first midnight."""
    own = found.server == server
    return [(a / HOUR, b / HOUR) for a, b in zip(found.enter[own].tolist(), found.leave[own].tolist(), strict=True)]


def of(scenario: Scenario, days: int = 7, seed: int = 1, replication: int = 0) -> Windows:
    return windows(scenario, days, seed, replication)


# ── shifts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_always_there_has_one_window() -> None:
    assert in_hours(of(roster(group(2))), 1) == [(0, 168)]


def test_shifts_repeat_on_their_weekdays() -> None:
    found = of(roster(group(presence={"mon-fri": ["09:00-17:30"], "sun": ["10:00-12:00"]})))
    assert in_hours(found) == [(24 * day + 9, 24 * day + 17.5) for day in range(5)] + [(154, 156)]


def test_the_calendar_starts_on_the_first_weekday() -> None:
    found = of(roster(group(presence={"mon": ["09:00-10:00"]}), first_weekday="sat"))
    assert in_hours(found) == [(57, 58)]


def test_a_range_of_weekdays_may_run_over_sunday() -> None:
    found = of(roster(group(presence={"sat-mon": ["09:00-10:00"]})))
    assert in_hours(found) == [(9, 10), (129, 130), (153, 154)]


def test_a_night_shift_belongs_to_its_first_day_and_the_one_before_day_0_counts() -> None:
    found = of(roster(group(presence={"mon-sun": ["22:00-06:00"]})), days=2)
    assert in_hours(found) == [(0, 6), (22, 30), (46, 54)]


def test_a_night_shift_of_another_weekday_does_not_spill_into_day_0() -> None:
    found = of(roster(group(presence={"mon": ["22:00-06:00"]})), days=2)
    assert in_hours(found) == [(22, 30)]


def test_shifts_of_two_spans_leave_the_hole_between_them() -> None:
    found = of(roster(group(presence={"mon-sun": ["08:00-12:00", "13:00-17:00"]})), days=1)
    assert in_hours(found) == [(8, 12), (13, 17)]


def test_spans_that_touch_or_overlap_are_one_window() -> None:
    found = of(roster(group(presence={"mon-sun": ["08:00-12:00", "12:00-14:00", "13:00-17:00"]})), days=1)
    assert in_hours(found) == [(8, 17)]


def test_a_shift_that_ends_when_the_next_days_begins_never_ends() -> None:
    found = of(roster(group(presence={"mon-sun": ["06:00-06:00"]})), days=3)
    assert in_hours(found) == [(0, 78)]
    assert in_hours(of(roster(group(presence={"mon-sun": ["00:00-24:00"]})), days=3)) == [(0, 72)]


def test_servers_of_all_groups_are_numbered_through() -> None:
    found = of(roster(group(2, "a", presence={"mon": ["08:00-09:00"]}), group(0, "b"), group(1, "c")), days=1)
    assert found.server.tolist() == [0, 1, 2]
    assert in_hours(found, 2) == [(0, 24)]


@pytest.mark.parametrize("presence", [{}, {"sun": ["09:00-10:00"]}])
def test_a_horizon_in_which_nobody_comes_has_no_windows(presence: dict[str, list[str]]) -> None:
    found = of(roster(group(3, presence=presence)), days=2)
    assert found.enter.size == found.leave.size == found.server.size == 0


def test_a_pool_without_servers_has_no_windows() -> None:
    assert of(roster(group(0)), days=2).enter.size == 0


# ── days off and absence ─────────────────────────────────────────────────────────────────────────────────────────────

SHIFT = {"mon-sun": ["09:00-17:00"]}


@pytest.mark.parametrize("servers", [1, 3, 7, 10, 20])
@pytest.mark.parametrize("days_per_week", [1, 5, 6])
def test_everybody_works_the_days_of_the_week_and_every_weekday_is_staffed_alike(
    servers: int, days_per_week: int
) -> None:
    found = of(roster(group(servers, presence=SHIFT, days_per_week=days_per_week)), days=14)
    day = found.enter // DAY
    table = np.zeros((servers, 14), dtype=int)
    np.add.at(table, (found.server, day), 1)
    assert table.max() == 1
    assert (table[:, :7].sum(axis=1) == days_per_week).all()
    assert (table[:, :7] == table[:, 7:]).all()
    per_day = table.sum(axis=0)
    assert per_day.max() - per_day.min() <= 1


def test_days_off_follow_each_other() -> None:
    found = of(roster(group(1, presence=SHIFT, days_per_week=5)), days=14)
    off = sorted(set(range(14)) - set((found.enter // DAY).tolist()))
    assert off == [5, 6, 12, 13]


def test_one_more_colleague_changes_nobody_elses_roster() -> None:
    def windows_of_first(servers: int) -> set[tuple[int, int, int]]:
        lot = group(servers, presence=SHIFT, days_per_week=5, absence_share=0.2, break_min=30)
        found = of(roster(lot), days=21)
        rows = zip(found.server.tolist(), found.enter.tolist(), found.leave.tolist(), strict=True)
        return {row for row in rows if row[0] < 12}

    assert windows_of_first(12) == windows_of_first(13) == windows_of_first(40)


def test_absence_takes_whole_days_at_the_stated_share() -> None:
    share, servers, days = 0.1, 50, 200
    found = of(roster(group(servers, presence=SHIFT, absence_share=share), days=days), days=days)
    missing = servers * days - found.enter.size
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    assert abs(missing - share * servers * days) < z * math.sqrt(servers * days * share * (1 - share))
    assert set((found.leave - found.enter).tolist()) == {8 * HOUR}


def test_absence_is_drawn_anew_for_each_replication_and_does_not_hang_on_other_groups() -> None:
    absent = group(20, "absent", presence=SHIFT, absence_share=0.3)
    alone = of(roster(absent))
    assert in_hours(alone) == in_hours(of(roster(absent)))
    assert alone.enter.tolist() != of(roster(absent), replication=1).enter.tolist()
    beside = of(roster(group(5, "others"), absent))
    assert all(in_hours(beside, 5 + number) == in_hours(alone, number) for number in range(20))


def test_a_higher_absence_share_only_takes_more_people_away() -> None:
    few, many = (of(roster(group(30, presence=SHIFT, absence_share=share)), days=7) for share in (0.1, 0.3))
    before, after = (set(zip(w.server.tolist(), w.enter.tolist(), strict=True)) for w in (few, many))
    assert after < before


# ── breaks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("break_min", [1, 30, 60, 200])
def test_a_break_lies_in_the_middle_half_of_the_shift_and_has_its_length(break_min: int) -> None:
    found = of(roster(group(40, presence=SHIFT, break_min=break_min)), days=1)
    starts = []
    for server in range(40):
        (start, pause), (back, end) = in_hours(found, server)
        assert (start, end) == (9, 17)
        assert back - pause == pytest.approx(break_min / 60)
        assert pause >= 11
        assert back <= 15 + 1e-9
        starts.append(pause)
    assert len(set(starts)) == 40


def test_breaks_are_staggered_so_that_few_are_away_at_once() -> None:
    servers, break_min = 40, 30
    found = of(roster(group(servers, presence=SHIFT, break_min=break_min)), days=1)
    times = np.arange(11 * HOUR, 15 * HOUR, MINUTE)
    there = ((found.enter[:, None] <= times) & (times < found.leave[:, None])).sum(axis=0)
    away = servers - there
    assert away.max() <= 2 * math.ceil(servers * break_min / (4 * 60 - break_min))


def test_who_is_always_there_has_a_break_too() -> None:
    found = of(roster(group(1, break_min=60)), days=1)
    assert presence_in(found, 1, 0, DAY).tolist() == [23 * HOUR]


# ── merging ──────────────────────────────────────────────────────────────────────────────────────────────────────────

spans = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=40)


@given(spans)
def test_merged_windows_cover_the_same_time_and_neither_touch_nor_overlap(rows: list[tuple[int, int, int]]) -> None:
    server, enter, length = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    merged = _merge(enter, enter + length, server.astype(np.int32))
    for number in range(5):
        covered = {t for s, a, n in rows if s == number for t in range(a, a + n)}
        own = sorted(zip(merged.enter[merged.server == number], merged.leave[merged.server == number], strict=True))
        assert {t for a, b in own for t in range(a, b)} == covered
        assert all(a < b for a, b in own)
        assert all(first[1] < second[0] for first, second in itertools.pairwise(own))


minutes = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02d}:{quarter % 4 * 15:02d}")
weeks = st.dictionaries(
    st.sampled_from([*WEEKDAYS, "mon-fri", "sat-sun", "fri-mon"]),
    st.lists(st.tuples(minutes, minutes).map("-".join), max_size=3),
    max_size=4,
)
groups = st.builds(
    dict,
    servers=st.integers(0, 9),
    presence=st.one_of(st.just("always"), weeks),
    days_per_week=st.integers(1, 7),
    absence_share=st.sampled_from([0.0, 0.2, 0.9]),
    break_min=st.sampled_from([0, 15, 45, 600]),
)


@given(st.lists(groups, min_size=1, max_size=3), st.integers(1, 9), st.sampled_from(WEEKDAYS))
def test_windows_of_any_roster_are_in_order_and_neither_touch_nor_overlap(
    rosters: list[dict[str, object]], days: int, first_weekday: str
) -> None:
    scenario = roster(
        *(group(name=f"g{i}", **fields) for i, fields in enumerate(rosters)), first_weekday=first_weekday, days=days
    )
    found = windows(scenario, days, 1, 0)
    assert (found.enter >= 0).all()
    assert (found.enter < found.leave).all()
    assert (found.leave <= (days + 1) * DAY).all()
    same = found.server[1:] == found.server[:-1]
    assert (found.server[1:] >= found.server[:-1]).all()
    assert (found.enter[1:][same] > found.leave[:-1][same]).all()


def test_presence_between_two_times_counts_the_part_inside() -> None:
    found = of(roster(group(2, presence={"mon-sun": ["22:00-06:00"]})), days=2)
    assert presence_in(found, 3, 5 * HOUR, 23 * HOUR).tolist() == [2 * HOUR, 2 * HOUR, 0]
