"""The log that ships with the project is what its generator makes, and its truth is found again."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from calibration.durations import service_times
from calibration.generated import (
    AFTER_CALL_MEAN_S,
    EXAMPLE_LOG,
    PATIENCE_MEAN_S,
    SERVICE_MEAN_S,
    generate,
    write_log,
)
from calibration.logs import REASONS, read_log
from calibration.mapping import DAY_MS
from calibration.patience import FEWEST_ABANDONED, estimate_patience
from calibration.presence import presence_windows
from calibration.queue_by_hand import Caller, Window, serve
from calibration.unobserved import hidden_work


def test_generating_again_gives_the_log_that_ships(example_truth):
    assert gzip.decompress(EXAMPLE_LOG.read_bytes()).decode() == example_truth.text


def test_the_same_text_gives_the_same_bytes(example_truth, tmp_path):
    for name in ("a", "b"):
        write_log(example_truth, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_seed_gives_another_log(example_mapping, example_truth):
    assert generate(example_mapping, seed=1).text != example_truth.text


def test_every_wrong_row_is_found_for_its_reason_and_every_reason_occurs(example_log, example_truth):
    assert example_log.rows_set_aside == example_truth.rows_set_aside
    assert set(example_truth.rows_set_aside) == set(REASONS)
    assert example_log.rows_read == example_truth.text.count("\n") - 1


def test_every_caller_is_read_with_their_time_and_kind(example_log, example_truth):
    read = zip(example_log.contacts["arrived_ms"], example_log.contacts["kind"], strict=True)
    asked = [(caller.arrived_ms // 1000 * 1000, caller.kind) for caller in example_truth.callers]
    assert sorted(read) == sorted(asked)


def test_some_calls_pass_midnight(example_log):
    contacts = example_log.contacts
    assert (contacts["served_until_ms"] >= (contacts["day"] + 1) * DAY_MS).any()


def test_patience_is_found_within_its_interval(example_log, example_mapping):
    found = estimate_patience(example_log)
    for kind, mean_s in zip(example_mapping.kind.keep, PATIENCE_MEAN_S, strict=True):
        _, low, high = found[kind].share_above(60_000)
        assert low <= np.exp(-60 / mean_s) <= high
        assert not found[kind].pooled


def test_patience_from_those_who_left_alone_would_be_far_too_short(example_log, example_mapping):
    contacts = example_log.contacts
    left = contacts[(contacts["outcome"] == "abandoned") & (contacts["kind"] == example_mapping.kind.keep[0])]
    assert left["wait_ms"].mean() < 0.5 * 1000 * PATIENCE_MEAN_S[0]


def test_a_kind_that_hardly_anybody_left_gets_the_patience_of_all(write_rows, mapping):
    left = {"result": "left", "start": "0:00:00", "end": "0:00:00"}
    many = [{**left, "released": f"9:00:{n + 1:02d}"} for n in range(FEWEST_ABANDONED)]
    log = read_log(write_rows(*many, {}, {"topic": "blue"}), mapping)
    found = estimate_patience(log)
    assert (found["red"].pooled, found["blue"].pooled) == (False, True)
    assert (found["red"].abandoned, found["red"].answered, found["blue"].answered) == (FEWEST_ABANDONED, 1, 1)
    assert found["blue"].quantiles.observations == FEWEST_ABANDONED + 2


def test_who_left_in_the_second_of_queueing_is_reported_and_not_counted(write_rows, mapping):
    left = {"result": "left", "start": "0:00:00", "end": "0:00:00"}
    found = estimate_patience(read_log(write_rows(left, {**left, "released": "9:00:00"}), mapping))
    assert (found["red"].abandoned, found["red"].left_at_once) == (1, 1)


def test_service_times_are_those_of_the_kind(example_log, example_mapping):
    tables = service_times(example_log)
    for kind, mean_s in zip(example_mapping.kind.keep, SERVICE_MEAN_S, strict=True):
        contacts = example_log.contacts[example_log.contacts["kind"] == kind]
        served = contacts[contacts["outcome"] == "answered"]
        lengths = (served["served_until_ms"] - served["served_from_ms"]).to_numpy()
        assert tables[kind].observations == len(lengths)
        assert tables[kind].mean_ms == pytest.approx(lengths.mean(), rel=0.02)
        assert abs(lengths.mean() - 1000 * mean_s) < 3 * lengths.std() / np.sqrt(len(lengths))


def test_presence_is_found_within_five_per_cent(example_log, example_truth):
    windows = presence_windows(example_log)
    true = sum(window.until_ms - window.from_ms for window in example_truth.windows)
    assert (windows["until_ms"] - windows["from_ms"]).sum() == pytest.approx(true, rel=0.05)


def test_hidden_work_is_found(example_log):
    found = hidden_work(example_log, longest_ms=20 * 60_000)
    low, high = (found.survival.loc[found.survival["time_ms"] <= 12_000].iloc[-1])[["low", "high"]]
    # A whole second of the log holds whatever ends within it, so the truth lies between two neighbouring seconds.
    assert low <= np.exp(-11 / AFTER_CALL_MEAN_S)
    assert np.exp(-13 / AFTER_CALL_MEAN_S) <= high


def test_one_server_takes_callers_in_turn_and_head_starts_move_them_forward():
    callers = [Caller(0, "a", 100, 10**6), Caller(10, "a", 100, 10**6), Caller(20, "a", 100, 10**6, head_start_ms=15)]
    served = {visit.caller: visit.served_from_ms for visit in serve(callers, [Window("A", 0, 10**6)])}
    assert served == {0: 0, 2: 100, 1: 200}


def test_patience_runs_out_a_shift_ends_and_work_goes_on_after_the_call():
    callers = [Caller(0, "a", 100, 10**6, after_ms=50), Caller(10, "a", 100, 60), Caller(20, "a", 5, 10**3)]
    visits = {visit.caller: visit for visit in serve(callers, [Window("A", 0, 120), Window("B", 400, 500)])}
    assert (visits[0].served_until_ms, visits[1].queued_until_ms, visits[1].server) == (100, 70, "")
    assert (visits[2].served_from_ms, visits[2].server) == (400, "B")


def test_own_work_starts_only_when_nobody_waits():
    callers = [Caller(0, "a", 100, 10**6, own_work_ms=30), Caller(50, "a", 100, 10**6, own_work_ms=30)]
    visits = serve(callers, [Window("A", 0, 10**6)])
    assert [(visit.caller, visit.served_from_ms, visit.served_until_ms) for visit in visits] == [
        (0, 0, 100),
        (1, 100, 200),
        (-1, 200, 230),
    ]
