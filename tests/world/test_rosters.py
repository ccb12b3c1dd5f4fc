"""Rosters of a world: the same presence as without one, windows that engines take, seats and those who sit on them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staff_days import DAY, HOUR, evening, places, platform, staff, today, windows_of

from sim.fields import WEEKDAYS
from sim.scenario import Scenario
from sim.sections.staff import StaffSection
from sim.service.presence import windows as presence
from sim.service.tables import Windows
from sim.world.chance import Chance
from sim.world.rosters import Rosters, Seats, own_pace, per_day
from sim.world.staff import Staff


def scenario(*groups: dict[str, object], days: int = 7, first_weekday: str = "mon") -> Scenario:
    return Scenario.model_validate(
        {
            "name": "roster",
            "horizon": {"days": days, "first_weekday": first_weekday},
            "pools": {"agents": {"groups": list(groups[:1])}, "others": {"groups": list(groups[1:] or groups[:1])}},
            "stations": {"desk": {"route": [{"pool": "agents"}]}},
            "kinds": {"call": {}},
            "regime": "only",
            "regimes": {"only": {"call": [{"do": "end", "outcome": "done"}]}},
        }
    )


def group(servers: int = 1, name: str = "all", **fields: object) -> dict[str, object]:
    return {"group": name, "servers": servers, **fields}


def lived(of: Scenario, days: int = 7, seed: int = 1, daily: tuple[str, ...] = ()) -> list[Windows]:
    """Windows day by day, with nobody kept away but by the roster."""
    rosters, first = Rosters(of, seed, 0, daily), WEEKDAYS.index(of.horizon.first_weekday)
    return [rosters.windows(day, (first + day) % 7, ~rosters.absent(day)) for day in range(days)]


def joined(blocks: list[Windows]) -> Windows:
    """All windows in order of server and time, gaps of 1 ms closed."""
    enter, leave, server = (np.concatenate([getattr(b, name) for b in blocks]) for name in ("enter", "leave", "server"))
    order = np.lexsort((enter, server))
    enter, leave, server = enter[order], leave[order], server[order]
    if not enter.size:
        return Windows(enter, leave, server)
    apart = (server[1:] != server[:-1]) | (enter[1:] - leave[:-1] > 1)
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    return Windows(enter[first], leave[last], server[first])


def same(a: Windows, b: Windows) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("enter", "leave", "server"))


def groups(spans: list[str], breaks: list[int]) -> st.SearchStrategy[dict[str, object]]:
    days = st.sampled_from(["mon-fri", "sat-sun", "wed"])
    shifts = st.dictionaries(days, st.lists(st.sampled_from(spans), min_size=1, max_size=2))
    return st.fixed_dictionaries(
        {
            "group": st.just("all"),
            "servers": st.integers(0, 5),
            "presence": st.one_of(st.just("always"), shifts) if 0 in breaks else shifts,
            "days_per_week": st.integers(3, 7),
            "absence_share": st.sampled_from([0.0, 0.3]),
            "break_min": st.sampled_from(breaks),
        }
    )


# Shifts of one server that overlap from day to day have no breaks here: a break is not filled by the next day's shift.
GROUPS = st.one_of(
    groups(["08:00-16:00", "15:00-23:00", "22:00-06:00", "00:00-24:00", "06:00-06:00"], [0]),
    groups(["08:00-16:00", "15:00-20:00", "22:00-06:00"], [45]),
)


@given(GROUPS, GROUPS, st.sampled_from(WEEKDAYS), st.booleans())
@settings(max_examples=60)
def test_a_world_in_which_nothing_happens_has_the_presence_of_a_scenario_without_one(
    one: dict[str, object], other: dict[str, object], first_weekday: str, daily: bool
) -> None:
    of = scenario(one, other, days=9, first_weekday=first_weekday)
    found = joined(lived(of, days=9, daily=("agents",) if daily else ()))
    assert same(found, presence(of, 9, 1, 0))


@given(GROUPS, GROUPS, st.sampled_from(WEEKDAYS))
@settings(max_examples=40)
def test_windows_of_a_server_neither_touch_nor_overlap_nor_begin_before_their_day(
    one: dict[str, object], other: dict[str, object], first_weekday: str
) -> None:
    last: dict[int, int] = {}
    for day, found in enumerate(lived(scenario(one, other, days=9, first_weekday=first_weekday), days=9)):
        keys = list(zip(found.server.tolist(), found.enter.tolist(), strict=True))
        assert keys == sorted(keys)
        for (server, enter), leave in zip(keys, found.leave.tolist(), strict=True):
            assert day * DAY <= enter < leave
            assert enter > last.get(server, -1)
            last[server] = leave


def test_who_is_always_there_has_one_window_over_the_horizon_on_day_0() -> None:
    days = lived(scenario(group(2), days=7))
    assert windows_of(days[0], 1) == [(0, 168)]
    assert not any(found.enter.size for found in days[1:])


def test_around_the_clock_by_shifts_loses_a_millisecond_at_midnight() -> None:
    one, two, *_ = lived(scenario(group(presence={"mon-sun": ["00:00-24:00"]})))
    assert (one.enter[0], one.leave[0]) == (0, DAY)
    assert (two.enter[0], two.leave[0]) == (DAY + 1, 2 * DAY)


def test_a_night_shift_belongs_to_the_day_it_starts_and_the_one_before_day_0_counts() -> None:
    night = scenario(group(presence={"mon-sun": ["22:00-06:00"]}), days=2)
    one, two = lived(night, days=2)
    assert windows_of(one, 0) == [(0, 6), (22, 30)]
    assert windows_of(two, 0) == [(46, 54)]


def test_who_is_kept_away_on_a_day_still_finishes_the_night_before() -> None:
    rosters = Rosters(scenario(group(presence={"mon-sun": ["22:00-06:00"]})), 1, 0)
    here = np.ones(rosters.size, dtype=np.bool_)
    assert windows_of(rosters.windows(0, 0, here), 0) == [(0, 6), (22, 30)]
    assert rosters.windows(1, 1, ~here).enter.size == 0


def test_a_later_start_cuts_the_first_hours_of_the_day_and_may_swallow_a_window() -> None:
    of = scenario(group(2, presence={"mon-sun": ["08:00-10:00", "12:00-16:00"]}))
    rosters = Rosters(of, 1, 0)
    here, later = np.ones(rosters.size, dtype=np.bool_), np.zeros(rosters.size, dtype=np.int64)
    later[0], later[1] = HOUR // 6, 3 * HOUR
    found = rosters.windows(0, 0, here, later)
    assert windows_of(found, 0) == [(8 + 1 / 6, 10), (12, 16)]
    assert windows_of(found, 1) == [(12, 16)]


def test_one_more_server_in_a_group_leaves_all_others_where_they_are() -> None:
    fields = {"presence": {"mon-sun": ["08:00-16:00"]}, "days_per_week": 5, "absence_share": 0.4, "break_min": 30}
    few, many = (lived(scenario(group(n, "all", **fields), group(3, "b", **fields), days=20), days=20) for n in (4, 5))
    for one, other in zip(few, many, strict=True):
        for server in range(4):
            assert windows_of(one, server) == windows_of(other, server)
        for server in range(3):
            assert windows_of(one, 4 + server) == windows_of(other, 5 + server)


def test_no_servers_have_no_windows() -> None:
    for found in lived(scenario(group(0))):
        assert found.enter.size == 0


def test_a_day_without_draw_key_is_refused() -> None:
    with pytest.raises(ValueError, match="day 4095 has no draw key; allowed: -1 to 4094"):
        Rosters(scenario(group(1, absence_share=0.5)), 1, 0).absent(4095)


def test_scheduled_hours_are_those_of_shifts_with_their_breaks_and_0_on_days_off() -> None:
    rosters = Rosters(scenario(group(7, presence={"mon-sun": ["08:00-16:30"]}, days_per_week=5, break_min=60)), 1, 0)
    week = np.array([rosters.hours(weekday)[:7] for weekday in range(7)])
    assert set(week.ravel().tolist()) == {0.0, 8.5}
    assert week.sum(axis=0).tolist() == [5 * 8.5] * 7


def test_a_month_of_daily_chances_makes_the_monthly_one() -> None:
    assert 1 - (1 - per_day(np.array([0.125]), 30)) ** 30 == pytest.approx(0.125)
    assert per_day(np.array([0.0, 1.0]), 30).tolist() == pytest.approx([0.0, 0.602], abs=0.001)


def test_own_times_have_mean_1_and_the_spread_asked_for() -> None:
    scores = Chance(1, 0).normal("x", np.arange(200_000))
    times = 1 / own_pace(scores, 0.3)
    assert times.mean() == pytest.approx(1, abs=0.003)
    assert times.std() == pytest.approx(0.3, abs=0.005)
    assert (own_pace(scores, 0.0) == 1).all()


def test_progress_runs_in_a_straight_line_from_the_first_day_on_the_floor() -> None:
    seats = Seats(np.arange(2), np.zeros(2), Chance(1, 0))
    seats.empty(np.array([1]), np.array([5]))
    assert seats.fill(4, np.zeros(2, dtype=np.int64)).size == 0
    assert seats.fill(5, np.array([0, 3])).tolist() == [1]
    full = np.array([20.0, 20.0])
    assert [seats.progress(day, full)[1] for day in (5, 8, 13, 28, 40)] == [0, 0, 0.25, 1, 1]
    assert seats.progress(5, full)[0] == 1


def test_how_long_people_have_been_there_is_drawn_from_the_long_run() -> None:
    hazard = per_day(np.full(20_000, 0.125), 30)
    seats = Seats(np.arange(20_000), hazard, Chance(1, 0))
    newer_than_a_month = (seats.since > -30).mean()
    assert newer_than_a_month == pytest.approx(0.125, abs=0.008)


# ── the whole staff, with nothing happening ──────────────────────────────────────────────────────────────────────────


def test_staff_to_whom_nothing_happens_is_present_as_without_a_world_and_keeps_its_pace() -> None:
    where = places()
    of = platform(days_per_week=5, absence_share=0.2, break_min=60, speed=1.1)
    one = staff(scenario=of, where=where)
    found, speeds = [], []
    for day in range(20):
        morning = one.morning(today(day))
        found.append(Windows(morning.enter, morning.leave, morning.server))
        speeds.append(morning.speed_pm)
        assert morning.leaders_active.all()
        assert morning.trained_h == 0
    assert same(joined(found), presence(of, 20, 1, 0))
    assert all(speed is speeds[0] for speed in speeds)
    assert speeds[0].tolist() == [1100] * 10 + [1000] * 5


def test_festivals_keep_staff_away_the_same_ones_on_all_days_and_more_with_a_larger_share() -> None:
    of = platform(agents=200, leaders=4)
    present = {}
    for share in (0.0, 0.3, 0.6):
        one = staff(scenario=of)
        days = [one.morning(today(day, away=share, festival="spring" if share else "")) for day in range(3)]
        present[share] = [set(day.server.tolist()) for day in days]
    assert present[0.6][0] < present[0.3][0] < present[0.0][0]
    assert present[0.6][1] - {204} <= present[0.6][0]
    assert len(present[0.6][0]) == pytest.approx(0.4 * 205, abs=25)
    calm = {"others_festival_factor": 0.0, "agents": {"festival_factor": 0.0}, "leaders": {"festival_factor": 0.0}}
    assert set(staff(calm, of).morning(today(0, 0.6, "spring")).server.tolist()) == present[0.0][0]


def test_two_festivals_keep_different_people_away() -> None:
    one = staff(scenario=platform(agents=200))
    first = one.morning(today(0, away=0.5, festival="spring"))
    one.morning(today(1))
    second = one.morning(today(2, away=0.5, festival="lantern"))
    assert set(first.server.tolist()) != set(second.server.tolist())


def test_paid_hours_are_those_of_the_shifts_whether_absent_or_not() -> None:
    morning = staff(scenario=platform(absence_share=0.5)).morning(today(0))
    assert morning.paid_h.tolist() == [8 * 8, 2 * 8, 4 * 16, 9]


def test_who_leaves_before_the_festival_is_away_for_all_of_it() -> None:
    one = staff(scenario=platform(agents=200))
    before = set(one.morning(today(0, away=0.2)).server.tolist())
    festival = set(one.morning(today(1, away=0.5, festival="spring")).server.tolist())
    assert festival < before


def test_staff_without_agents_and_leaders_works() -> None:
    where, of = places(leaders_each=0), platform(agents=0, leaders=0)
    one = Staff(StaffSection(), of, ("suppliers/office",), where, Chance(1, 0), 0)
    for day in range(3):
        assert one.morning(today(day)).server.tolist() == [0]
        turnover = evening(one, where, day)
        assert (turnover.agents_lost, turnover.agents_hired) == (0, 0)
        assert turnover.leaders_lost.tolist() == [0, 0]
    assert one.leaders_active.size == 0


def test_servers_of_another_scenario_are_refused() -> None:
    with pytest.raises(ValueError, match="the servers are not those of the scenario's pools"):
        Staff(StaffSection(), platform(leaders=0), ("suppliers/office",), places(leaders_each=0), Chance(1, 0), 0)
