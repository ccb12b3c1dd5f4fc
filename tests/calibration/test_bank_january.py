"""The bank's January gives the yardsticks that were found on it before. The log is not part of the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from calibration.compare import figures, visits
from calibration.durations import service_times
from calibration.logs import TOOK_PLACE, read_log
from calibration.mapping import load_mapping
from calibration.patience import estimate_patience
from calibration.presence import presence_windows
from calibration.survival import median_ms, survival_at
from calibration.unobserved import hidden_work

PROJECT = Path(__file__).parents[2]
LOG = PROJECT.parent / "shared" / "data" / "anonymous_bank_1999_01.tsv.gz"
SUNDAY_TO_THURSDAY = (6, 0, 1, 2, 3)

pytestmark = [
    pytest.mark.regression,
    pytest.mark.skipif(
        not LOG.is_file(),
        reason="The bank's log of January 1999 is not there; put it into ../shared/data to run this.",
    ),
]


@pytest.fixture(scope="module")
def january():
    return read_log(LOG, load_mapping(PROJECT / "calibration" / "mappings" / "bank_1999.yaml"))


def overall(log, **which) -> dict[str, float]:
    chosen = visits(log, weekdays=SUNDAY_TO_THURSDAY, opening_hours_only=True, **which)
    return figures(chosen, by=["all"]).set_index("measure")["value"].to_dict()


def test_every_row_is_a_contact_or_set_aside(january):
    assert (january.rows_read, len(january.contacts)) == (31_599, 28_840)
    assert january.rows_set_aside == {
        "outcome to ignore": 240,
        "left before queueing": 1_198,
        "kind not kept": 914,
        "clocks disagree": 19,
        "answered by nobody": 350,
        "answered without a service time": 38,
    }


def test_the_yardstick_counts_call_backs_and_wrong_rows_too_and_comes_out(january):
    found = overall(january, also_counted=TOOK_PLACE)
    assert found["offered"] == 27_065
    assert found["abandoned_share"] == pytest.approx(0.109, abs=0.0005)
    assert found["waited_share"] == pytest.approx(0.580, abs=0.0005)
    assert found["wait_mean_s"] == pytest.approx(40.1, abs=0.05)
    assert found["service_level_share"] == pytest.approx(0.519, abs=0.0005)
    assert found["service_level_share"] / (1 - found["abandoned_share"]) == pytest.approx(0.582, abs=0.0006)


def test_contacts_alone_are_fewer_and_wait_a_little_longer(january):
    found = overall(january)
    assert (found["offered"], found["abandoned"]) == (25_906, 2_891)
    assert found["wait_mean_s"] == pytest.approx(41.04, abs=0.01)


def test_patience_comes_out(january):
    which = {"weekdays": SUNDAY_TO_THURSDAY, "opening_hours_only": True}
    found = estimate_patience(january, **which, also_counted=TOOK_PLACE)
    assert found["PS"].share_above(60_000)[0] == pytest.approx(0.854, abs=0.0005)
    assert found["NW"].share_above(60_000)[0] == pytest.approx(0.733, abs=0.0005)
    without = estimate_patience(january, **which)
    assert without["PS"].share_above(60_000)[0] == pytest.approx(0.854, abs=0.0005)
    assert without["NW"].share_above(60_000)[0] == pytest.approx(0.732, abs=0.0005)


def test_hidden_work_comes_out(january):
    found = hidden_work(january, weekdays=SUNDAY_TO_THURSDAY)
    assert median_ms(found.survival) == 5_000
    assert survival_at(found.survival, 30_000) == pytest.approx(0.18, abs=0.005)
    assert survival_at(found.survival, 300_000) == pytest.approx(0.05, abs=0.005)


def test_servers_a_day_come_out(january):
    windows = presence_windows(january)
    assert windows.groupby("day")["server"].nunique().mean() == pytest.approx(14.1, abs=0.05)


def test_service_times_come_out_near(january):
    tables = service_times(january, weekdays=SUNDAY_TO_THURSDAY, opening_hours_only=True)
    for kind, mean_s in {"PS": 191, "NE": 326, "NW": 106, "IN": 263}.items():
        assert tables[kind].mean_ms / 1000 == pytest.approx(mean_s, rel=0.02)
