"""Presence and unrecorded work are inferred from who served when, by the stated rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration.errors import LogError
from calibration.logs import read_log
from calibration.mapping import DAY_MS
from calibration.presence import PresenceRule, heads, presence_windows, without_own_work
from calibration.unobserved import hidden_work, queue_length

MINUTE = 60_000


def work(start: str, end: str, **change: str) -> dict[str, str]:
    """An answer at once."""
    return {"at": start, "hold": "0:00:00", "released": "0:00:00", "start": start, "end": end, **change}


def spans(windows) -> list[tuple[int, int]]:
    """Windows as minutes of the log."""
    return [(f / MINUTE, u / MINUTE) for f, u in zip(windows["from_ms"], windows["until_ms"], strict=True)]


def test_a_short_gap_is_presence_a_longer_one_a_break_and_the_longest_the_way_home(write_rows, mapping):
    rows = [
        work("8:00:00", "8:10:00"),
        work("8:20:00", "8:30:00"),  # 10 minutes: present
        work("8:50:00", "9:00:00"),  # 20 minutes: present still
        work("9:20:01", "9:30:00"),  # 20 minutes and a second: a break
        work("11:30:00", "11:40:00"),  # two hours: a break still
        work("13:40:01", "13:50:00"),  # more: went home and came again
    ]
    windows = presence_windows(read_log(write_rows(*rows), mapping), PresenceRule(fewest_gaps=99))
    typical = 15.0  # the mean of the two short gaps, in minutes
    assert spans(windows) == [
        (480 - typical, 540),
        (560 + 1 / 60, 570),
        (690, 700 + typical),
        (820 + 1 / 60 - typical, 830 + typical),
    ]
    assert windows["works"].tolist() == [3, 1, 1, 1]


def test_the_ends_of_a_span_follow_its_own_short_gaps_when_there_are_enough(write_rows, mapping):
    rows = [work(f"8:{n * 3:02d}:00", f"8:{n * 3 + 1:02d}:00") for n in range(5)]
    rows += [work(f"18:{minute:02d}:00", f"18:{minute + 1:02d}:00") for minute in (0, 5, 20, 39)]  # gaps of 4, 14, 18
    windows = presence_windows(read_log(write_rows(*rows), mapping))
    assert spans(windows) == [(480 - 2, 493 + 2), (1080 - 12, 1120 + 12)]


def test_calls_that_servers_started_count_for_presence_and_can_be_taken_out_again(write_rows, mapping):
    rows = [work("8:00:00", "8:10:00"), work("8:10:00", "8:20:00", topic="green"), work("8:20:00", "8:30:00")]
    log = read_log(write_rows(*rows), mapping)
    windows = presence_windows(log)
    assert spans(windows) == [(480, 510)]
    assert spans(without_own_work(windows, log)) == [(480, 490), (500, 510)]


def test_works_that_overlap_leave_no_gap(write_rows, mapping):
    rows = [work("8:00:00", "9:00:00"), work("8:05:00", "8:06:00"), work("9:10:00", "9:20:00")]
    assert len(presence_windows(read_log(write_rows(*rows), mapping))) == 1


def test_a_span_may_pass_midnight_and_counts_for_the_day_on_which_it_starts(write_rows, mapping):
    rows = [work("23:50:00", "23:58:00"), work("0:02:00", "0:10:00", on="2024-01-02")]
    windows = presence_windows(read_log(write_rows(*rows), mapping))
    assert windows["day"].tolist() == [0]
    assert windows["until_ms"].tolist() == [DAY_MS + 14 * MINUTE]


def test_gaps_that_would_let_spans_meet_are_refused():
    with pytest.raises(ValueError, match="at least twice"):
        PresenceRule(span_gap_min=30, break_gap_min=20)


def test_without_any_server_there_are_no_windows(write_rows, mapping):
    left = {"result": "left", "start": "0:00:00", "end": "0:00:00"}
    assert presence_windows(read_log(write_rows(left), mapping)).empty


starts = st.lists(
    st.tuples(st.integers(0, 86_000), st.integers(0, 300), st.sampled_from("AB")), min_size=1, max_size=25
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(starts)
def test_windows_of_a_server_hold_all_its_works_and_neither_touch_nor_overlap(write_rows, mapping, works):
    def text(second: int) -> str:
        return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"

    log = read_log(write_rows(*[work(text(s + 1), text(s + 1 + n), who=who) for s, n, who in works]), mapping)
    windows, done = presence_windows(log), log.works()
    assert windows["works"].sum() == len(done)
    for server, own in windows.groupby("server"):
        assert (own["from_ms"] < own["until_ms"]).all()
        assert (own["from_ms"].to_numpy()[1:] > own["until_ms"].to_numpy()[:-1]).all()
        for one in done[done["server"] == server].itertuples():
            assert ((own["from_ms"] <= one.from_ms) & (one.until_ms <= own["until_ms"])).any()
    total = (windows["until_ms"] - windows["from_ms"]).sum()
    assert heads(windows)["servers"].sum() * 30 * MINUTE == pytest.approx(total)


def test_heads_are_weighted_by_time(write_rows, mapping):
    log = read_log(write_rows(work("8:00:00", "8:45:00"), work("8:00:00", "8:30:00", who="Bob")), mapping)
    present = heads(presence_windows(log)).set_index("from_ms")["servers"]
    assert present.loc[[8 * 3_600_000, 8 * 3_600_000 + 30 * MINUTE]].tolist() == [2.0, 0.5]
    assert present.loc[: 8 * 3_600_000 - 1].sum() == 0


def test_queue_length_counts_from_the_start_of_a_wait_to_before_its_end():
    times, waiting = queue_length(np.array([10, 20, 20]), np.array([20, 30, 25]))
    assert (times.tolist(), waiting.tolist()) == ([10, 20, 25, 30], [1, 2, 1, 0])


@pytest.mark.parametrize("change", [{}, {"topic": "green"}, {"who": "NOBODY"}])
def test_hidden_work_is_seen_when_somebody_comes_as_the_contact_leaves_whoever_that_is(write_rows, mapping, change):
    waits = {"at": "9:01:00", "hold": "9:01:00", "released": "9:05:00", "start": "9:05:00", "end": "9:06:00"}
    rows = [work("8:50:00", "9:01:00"), {**waits, "who": "Bob", **change}, work("9:02:00", "9:03:00")]
    found = hidden_work(read_log(write_rows(*rows), mapping))
    assert (found.seen, found.cut_off, found.survival["time_ms"].tolist()) == (1, 1, [60_000])


def test_hidden_work_is_seen_while_somebody_waits_and_cut_off_when_the_queue_empties(write_rows, mapping):
    waits = {"hold": "9:00:00", "at": "9:00:00"}
    rows = [
        work("8:50:00", "9:01:00", who="Ann"),  # Ann takes the next caller 20 s later, while Cid's still waits
        work("8:50:00", "9:02:00", who="Cid"),  # the queue empties 30 s later, and Cid has taken nobody
        {**waits, "released": "9:01:20", "start": "9:01:20", "end": "9:20:00", "who": "Ann"},
        {**waits, "released": "9:02:30", "start": "9:02:30", "end": "9:20:00", "who": "Bob"},
    ]
    log = read_log(write_rows(*rows), mapping)
    found = hidden_work(log)
    assert (found.seen, found.cut_off) == (1, 1)
    assert found.survival[["time_ms", "at_risk"]].to_numpy().tolist() == [[20_000, 2]]
    assert (hidden_work(log, longest_ms=25_000).seen, hidden_work(log, longest_ms=25_000).cut_off) == (1, 0)
    with pytest.raises(LogError, match="while somebody waited"):
        hidden_work(log, weekdays=[6])
