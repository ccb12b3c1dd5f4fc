"""The command line: exit codes, JSON alone on standard output, one line per fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim import cli
from sim.cli import linli
from sim.study import replicate as study


def run(*arguments: str) -> tuple[int, str, str]:
    """Run ``linli`` as its own process: exit status, standard output, standard error."""
    done = subprocess.run(
        [sys.executable, "-c", "from sim.cli import main; main()", *arguments], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def in_process(*arguments: str) -> str:
    """Run ``linli`` in this process and return its standard output; it must succeed."""
    done = CliRunner().invoke(linli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_check_says_that_a_sound_scenario_is_sound() -> None:
    assert json.loads(in_process("check", "mmc", "--json")) == {"ok": True, "errors": []}


def test_check_lists_every_fault_with_file_line_field_and_what_is_allowed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: bad\nextends: mmc\nhorizon: {days: 0}\nstations: {desk: {rout: []}}\n", encoding="utf-8")
    status, out, err = run("check", str(bad), "--json")
    assert (status, err) == (2, "")
    errors = json.loads(out)["errors"]
    assert [(e["line"], e["field"]) for e in errors] == [(3, "horizon.days"), (4, "stations.desk.rout")]
    assert all(e["file"].endswith("bad.yaml") and e["message"] and e["allowed"] for e in errors)


def test_a_wrong_scenario_ends_every_command_with_status_2_and_one_line_per_fault(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("extends: mmc\nhorizon: {days: 0}\n", encoding="utf-8")
    status, out, err = run("run", str(bad))
    assert (status, out) == (2, "")
    assert err.startswith(f"{bad}:2: horizon.days: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "no-such-scenario"), "no-such-scenario"),
        (("run", "mmc", "--engine", "steam"), "allowed: "),
        (("run", "mmc", "--by", "moon"), "no breakdown 'moon'"),
        (("run", "mmc", "--precision", "0.1", "--of", "joy"), "no measure 'joy'"),
        (("run", "mmc", "--replications", "0"), "0"),
        (("run", "mmc", "--seed", "-1"), "-1"),
        (("run", "mmc", "--seed", "4294967296"), "4294967295"),
        (("run", "mmc", "--set", "arrivals.customers.rate_per_x=1"), "rate_per_x"),
        (("run", "mmc", "--override", "nothing"), "nothing"),
        (("run",), "SCENARIO"),
        (("fly",), "fly"),
        (("replay", "no.tsv", "mmc"), "mapping"),
    ],
)
def test_bad_arguments_are_one_line_and_status_2(arguments: tuple[str, ...], words: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_run_prints_the_promised_object_and_nothing_else() -> None:
    arguments = ("mmc", "--replications", "2", "--days", "2", "--seed", "7", "--workers", "1", "--by", "hour,pool")
    data = json.loads(in_process("run", *arguments, "--json"))
    assert {"scenario", "hash", "engine", "seed", "replications", "days", "measures", "by"} <= data.keys()
    assert (data["scenario"], data["seed"], data["replications"], data["days"]) == ("mmc", 7, 2, 2)
    assert {"mean", "low", "high", "unit"} <= data["measures"]["wait_mean_s"].keys()
    assert {"key", "measures"} <= data["by"]["pool"][0].keys()
    assert len(data["by"]["hour"]) == 24


def test_one_replication_has_no_interval() -> None:
    data = json.loads(in_process("run", "mmc", "--replications", "1", "--days", "2", "--json"))
    assert data["measures"]["offered"]["low"] is None
    assert data["measures"]["offered"]["high"] is None


def test_two_workers_give_the_same_bits_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(workers: str) -> dict[str, object]:
        arguments = ("mmc", "--replications", "3", "--days", "2", "--workers", workers, "--by", "day", "--json")
        return json.loads(in_process("run", *arguments))

    alone = figures("1")
    started: list[object] = []
    real = study.ProcessPoolExecutor
    monkeypatch.setattr(study, "WORTH_A_PROCESS_S", 0.0)
    monkeypatch.setattr(study, "ProcessPoolExecutor", lambda *a: started.append(a) or real(*a))
    assert figures("2") == alone
    assert len(started) == 1


def test_a_sequential_run_stops_once_it_is_precise_enough() -> None:
    loose = ("run", "mmc", "--days", "2", "--precision", "0.9", "--of", "offered", "--workers", "1", "--json")
    assert json.loads(in_process(*loose))["replications"] == 5
    tight = ("run", "mmc", "--days", "2", "--precision", "0.02", "--of", "offered", "--workers", "1", "--json")
    data = json.loads(in_process(*tight))
    offered = data["measures"]["offered"]
    assert data["replications"] > 5
    assert offered["high"] - offered["mean"] <= 0.02 * offered["mean"]


def test_measures_lists_name_unit_and_definition_of_every_promised_figure() -> None:
    rows = json.loads(in_process("measures", "--json"))["measures"]
    names = {row["name"] for row in rows}
    promised = {
        *("offered", "answered", "abandoned_share", "wait_mean_s", "wait_p90_s", "wait_positive_share"),
        *("service_level_share", "first_response_mean_min", "closed_within_24h_share"),
        *("resolved_first_contact_share", "asks_per_case", "transfers_per_contact", "occupancy_share"),
        *("queue_mean", "backlog_end"),
    }
    assert promised <= names
    assert all(row["unit"] and row["definition"] for row in rows)


def test_out_keeps_scenario_figures_and_trace_and_the_scenario_can_be_run_again(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    arguments = ("--replications", "2", "--days", "2", "--workers", "1", "--json")
    first = json.loads(in_process("run", "mmc", *arguments, "--out", str(folder)))
    assert json.loads((folder / "figures.json").read_text(encoding="utf-8")) == first
    assert len(list((folder / "trace").glob("visits-*.parquet"))) == 2
    again = json.loads(in_process("run", str(folder / "scenario.yaml"), *arguments))
    assert again == first


def test_out_refuses_a_folder_that_holds_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    status, _, err = run("run", "mmc", "--days", "2", "--replications", "1", "--out", str(tmp_path))
    assert status == 2
    assert "already holds something" in err
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "keep me"


def test_a_fault_of_ours_is_status_1_and_not_dressed_up_as_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(cli, "_load", broken)
    monkeypatch.setattr(sys, "argv", ["linli", "run", "mmc"])
    with pytest.raises(RuntimeError):
        cli.main()


def test_an_interrupt_ends_with_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_load", interrupted)
    monkeypatch.setattr(sys, "argv", ["linli", "run", "mmc"])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 130
