"""A log through a scenario: a model that is right is found right, a wrong one wrong, and every fault has its line."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from calibration.fit import Fit, fit_log
from calibration.generated import EXAMPLE_LOG, EXAMPLE_MAPPING
from calibration.replay import Comparison, compared, replay_log, replicated
from sim.cli import linli
from sim.library import load, load_text
from sim.problems import InputError

ROOT = Path(__file__).parents[2]
JANUARY = ROOT.parent / "shared" / "data" / "anonymous_bank_1999_01.tsv.gz"
BANK_MAPPING = ROOT / "calibration" / "mappings" / "bank_1999.yaml"
REPLICATIONS = 20
CONFIDENCE = 0.99
OVERALL = ("wait_mean_s", "abandoned_share", "service_level_share", "wait_positive_share")
EXAMPLE = (str(EXAMPLE_LOG), "generated_log", "--mapping", str(EXAMPLE_MAPPING))


def run(*arguments: str) -> tuple[int, str, str]:
    """Run ``linli`` as its own process: exit status, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-c", "from sim.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def fit(example_log) -> Fit:
    return fit_log(example_log, load("generated_log"))


@pytest.fixture(scope="module")
def result() -> Comparison:
    return replay_log(
        str(EXAMPLE_LOG),
        str(EXAMPLE_MAPPING),
        load("generated_log"),
        engine="reference",
        seed=1,
        replications=REPLICATIONS,
        confidence=CONFIDENCE,
    )


@pytest.mark.parametrize("by", ["all", "whole_log"])
@pytest.mark.parametrize("measure", OVERALL)
def test_what_the_same_kind_of_centre_recorded_lies_inside_the_99_per_cent_interval(result, measure, by):
    row = result.row(measure, by)
    assert row.inside is True
    assert row.simulated.low < row.actual < row.simulated.high
    assert row.simulated.replications == REPLICATIONS


def test_of_the_half_hours_hardly_more_lie_outside_than_the_confidence_allows(result):
    assert result.distances["half_hours_wait_inside_share"] >= 0.9
    assert result.distances["half_hours_abandoned_inside_share"] >= 0.9


def test_with_half_of_the_servers_every_overall_figure_lies_outside(fit, example_mapping):
    half = fit.presence[fit.presence["server"].isin(fit.servers[::2])].reset_index(drop=True)
    wrong = dataclasses.replace(fit, presence=half)
    found = compared(wrong, example_mapping, replicated(wrong, engine="reference", seed=1, replications=5), CONFIDENCE)
    assert [found.row(measure).inside for measure in OVERALL] == [False] * len(OVERALL)
    assert found.row("wait_mean_s").simulated.mean > 2 * found.row("wait_mean_s").actual


def test_without_the_hidden_work_the_model_is_too_good(fit, result, example_mapping):
    text = load("generated_log").text.replace("step: wrap_up", "step: nothing").replace("mean_s: 12", "mean_s: 0.001")
    quick = fit_log(fit.log, load_text(text))
    assert any("no step 'wrap_up'" in note for note in quick.notes)
    found = compared(quick, example_mapping, replicated(quick, engine="reference", seed=1, replications=8))
    for measure in ("wait_mean_s", "wait_positive_share", "abandoned_share"):
        assert found.row(measure).simulated.mean < result.row(measure).simulated.mean


def test_everybody_who_was_fed_is_counted_on_both_sides(result, example_log):
    row = result.row("offered", "whole_log")
    assert row.actual == row.simulated.mean == len(example_log.contacts)
    by_kind = [row for row in result.rows if (row.measure, row.by) == ("offered", "kind")]
    assert sum(row.actual for row in by_kind) == result.row("offered").actual


def test_the_answer_does_not_depend_on_the_number_of_workers(fit):
    alone = replicated(fit, engine="reference", seed=3, replications=2)
    together = replicated(fit, engine="reference", seed=3, replications=2, workers=2)
    assert all(a.equals(b) for a, b in zip(alone, together, strict=True))
    assert not alone[0].equals(alone[1])


def test_json_is_one_object_with_the_promised_keys_and_all_rows_set_aside(example_log):
    arguments = ("--engine", "reference", "--replications", "2", "--workers", "1", "--json")
    status, out, err = run("replay", *EXAMPLE, *arguments)
    assert (status, err) == (0, "")
    found = json.loads(out)
    assert set(found) == {"rows_read", "rows_set_aside", "results", "distances"}
    assert found["rows_read"] == example_log.rows_read
    assert found["rows_set_aside"] == example_log.rows_set_aside
    keys = {"measure", "by", "key", "actual", "simulated", "low", "high", "inside"}
    assert all(set(row) == keys for row in found["results"])
    assert {row["by"] for row in found["results"]} == {"all", "whole_log", "kind", "half_hour", "day"}
    assert all(value is None or isinstance(value, float) for value in found["distances"].values())
    assert {"wait_mean_relative_error", "abandoned_share_difference", "wait_wasserstein_s"} <= set(found["distances"])


def test_the_text_says_what_is_compared_how_close_it_is_and_what_was_set_aside():
    done = CliRunner().invoke(linli, ["replay", *EXAMPLE, "--engine", "reference", "--replications", "1"])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "mon, tue, wed, thu, fri, 09:00 to 24:00" in said
    assert "mean wait" in said
    assert "no interval" in said
    for words in ("left before queueing", "by kind", "by half_hour", "09:30", "refund"):
        assert words in said


def test_one_replication_has_no_interval_and_says_nothing_about_inside(fit, example_mapping):
    found = compared(fit, example_mapping, replicated(fit, engine="reference", seed=1, replications=1))
    assert all(row.inside is None and row.simulated.low is None for row in found.rows)
    assert found.distances["half_hours_wait_inside_share"] is None
    json.dumps(found.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("log", "scenario", "mapping", "words"),
    [
        ("no-such-log.tsv.gz", "generated_log", str(EXAMPLE_MAPPING), "no-such-log.tsv.gz"),
        (str(EXAMPLE_LOG), "generated_log", "no-such-mapping.yaml", "no-such-mapping.yaml"),
        (str(EXAMPLE_LOG), "erlang_a", str(EXAMPLE_MAPPING), "kind complaint, order, refund"),
        (str(EXAMPLE_LOG), "no-such-scenario", str(EXAMPLE_MAPPING), "no-such-scenario"),
        (str(EXAMPLE_LOG), "bank_1999", str(BANK_MAPPING), "call_id"),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(log, scenario, mapping, words):
    status, out, err = run("replay", log, scenario, "--mapping", mapping)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert words in err


def test_a_wrong_key_of_a_mapping_is_said_with_file_line_and_field(tmp_path):
    path = tmp_path / "mapping.yaml"
    path.write_text(EXAMPLE_MAPPING.read_text(encoding="utf-8").replace("served:", "surved:"), encoding="utf-8")
    status, out, err = run("replay", str(EXAMPLE_LOG), "generated_log", "--mapping", str(path))
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"{path}:")
    assert "served" in err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("step: talk", "step: speak"), "no step 'talk'"),
        (("complaint:\n", "grumble:\n"), "kind complaint, and the regime has no journey"),
    ],
)
def test_a_journey_that_has_no_place_for_the_log_is_named_with_its_line(example_log, change, words):
    text = (ROOT / "scenarios" / "generated_log.yaml").read_text(encoding="utf-8")
    text = text.replace(*change).replace("refund: {}, complaint: {}", "refund: {}, complaint: {}, grumble: {}")
    text = text[: text.index("\nprofiles:")] + "\narrivals: []\n"
    with pytest.raises(InputError, match=words) as caught:
        fit_log(example_log, load_text(text, file_name="mine.yaml"))
    assert all(problem.file == "mine.yaml" and problem.line > 0 for problem in caught.value.problems)


@pytest.mark.skipif(
    not JANUARY.is_file(),
    reason="The bank's log of January 1999 is not there; put it into ../shared/data to run this.",
)
def test_january_runs_and_is_compared_with_nothing_hidden(capsys):
    result = replay_log(
        str(JANUARY), str(BANK_MAPPING), load("bank_1999"), engine="reference", seed=1, replications=2, workers=2
    )
    assert (result.log.rows_read, sum(result.log.rows_set_aside.values())) == (31_599, 2_759)
    assert result.row("offered").actual == result.row("offered").simulated.mean == 25_906
    assert any("27,065 offered, 10.9 % abandoned, mean wait 40.1 s" in note for note in result.notes)
    assert sum("recorded only for who queued" in note for note in result.notes) == 1
    from sim import show

    show.comparison(result)
    assert "Simulated against recorded: mean wait" in " ".join(capsys.readouterr().out.split())
