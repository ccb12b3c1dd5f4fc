"""Figures have one definition, for recorded and for simulated contacts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from calibration.compare import figures, side_by_side, visits
from calibration.logs import read_log
from calibration.mapping import DAY_MS

HALF_HOUR = 1_800_000


def frame(*rows: tuple[str, int, float, bool]) -> pd.DataFrame:
    """Visits of (kind, half-hours since the first midnight, seconds of wait, answered)."""
    columns = {"kind": [], "arrived_ms": [], "wait_ms": [], "answered": []}
    for kind, half_hours, wait_s, answered in rows:
        for name, value in zip(columns, (kind, half_hours * HALF_HOUR, int(wait_s * 1000), answered), strict=True):
            columns[name].append(value)
    return pd.DataFrame(columns)


def value(table: pd.DataFrame, measure: str, by: str = "all", key: str = "") -> float:
    (found,) = table.loc[(table["measure"] == measure) & (table["by"] == by) & (table["key"] == key), "value"]
    return float(found)


SOME = frame(("red", 18, 0, True), ("red", 18, 20, True), ("red", 19, 20.001, True), ("blue", 66, 10, False))


def test_each_figure_follows_its_definition():
    table = figures(SOME)
    assert value(table, "offered") == 4
    assert value(table, "abandoned") == 1
    assert value(table, "abandoned_share") == 0.25
    assert value(table, "waited_share") == 0.75
    assert value(table, "wait_mean_s") == pytest.approx(50.001 / 4)
    assert value(table, "service_level_share") == 0.5  # who left within the limit was not answered
    assert value(figures(SOME, within_s=21), "service_level_share") == 0.75


def test_figures_come_by_kind_half_hour_day_and_kind_and_half_hour():
    table = figures(SOME)
    assert value(table, "offered", "kind", "red") == 3
    assert value(table, "offered", "half_hour", "09:00") == 3
    assert value(table, "offered", "day", "1") == 1
    assert value(table, "abandoned_share", "kind_half_hour", "blue 09:00") == 1
    assert set(figures(SOME, by=["kind"])["by"]) == {"kind"}
    with pytest.raises(ValueError, match="no grouping"):
        figures(SOME, by=["hour"])


def test_every_grouping_adds_up_to_the_whole(example_log):
    table = figures(visits(example_log))
    for measure in ("offered", "abandoned"):
        sums = table[table["measure"] == measure].groupby("by")["value"].sum()
        assert sums.nunique() == 1


def test_visits_of_a_log_are_its_contacts(write_rows, mapping):
    log = read_log(write_rows({}, {"result": "left", "released": "9:00:07"}, {"topic": "green"}), mapping)
    assert visits(log)[["wait_ms", "answered"]].to_numpy().tolist() == [[10_000, True], [7_000, False]]
    assert len(visits(log, also_counted=["kind not kept"])) == 3


def test_the_interval_holds_a_further_replication_as_often_as_it_says():
    random = np.random.default_rng(8)

    def one() -> pd.DataFrame:
        return figures(frame(*(("red", 18, wait, True) for wait in random.exponential(30, 50))), by=["all"])

    inside = 0
    for _ in range(100):
        table = side_by_side(one(), [one() for _ in range(6)])
        inside += bool(table.loc[table["measure"] == "wait_mean_s", "inside"].iloc[0])
    assert abs(inside / 100 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 100)


def test_replications_that_agree_hold_only_the_same_value():
    table = side_by_side(figures(SOME), [figures(SOME)] * 3)
    assert table["inside"].all()
    other = frame(("red", 18, 0, True))
    assert not side_by_side(figures(other, by=["all"]), [figures(SOME, by=["all"])] * 3)["inside"].all()


def test_one_replication_has_no_interval():
    table = side_by_side(figures(SOME), [figures(SOME)])
    assert table[["low", "high", "inside"]].isna().all().all()
    assert (table["actual"] == table["simulated"]).all()


def test_a_group_that_one_side_lacks_counts_nobody_there_and_has_no_shares():
    simulated = [figures(frame(("red", 18, 5, True), ("red", 18, wait, True))) for wait in (4, 6)]
    table = side_by_side(figures(SOME), simulated).set_index(["measure", "by", "key"])
    assert table.loc[("offered", "kind", "blue"), "simulated"] == 0
    assert np.isnan(table.loc[("wait_mean_s", "kind", "blue"), "simulated"])
    assert pd.isna(table.loc[("wait_mean_s", "kind", "blue"), "inside"])


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="no replication"):
        side_by_side(figures(SOME), [])


def test_days_count_from_the_logs_first(write_rows, mapping):
    log = read_log(write_rows({}, {"on": "2024-01-03"}), mapping)
    assert visits(log)["arrived_ms"].tolist() == [9 * 3_600_000, 2 * DAY_MS + 9 * 3_600_000]
    assert set(figures(visits(log), by=["day"])["key"]) == {"0", "2"}
