"""The store: what is computed once stays computed, what is asked is worked on in turn, nothing is lost on the way."""

from __future__ import annotations

import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim.library import load, load_text
from sim.problems import InputError
from sim.store import BY, DEATHS, Claim, Question, Store, kept_of, model_version
from sim.study.replicate import Outcome


def question(name: str = "one", seed: int = 1) -> Question:
    return Question(name, f"hash of {name}", 4, seed, f"name: {name}", model_version())


def result(replication: int) -> Outcome:
    return Outcome(replication, {"offered": replication + 0.1})


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "linli.store"


@pytest.fixture
def store(path: Path, clock: Clock) -> Store:
    return Store(path, now=clock)


def claimed(store: Store, worker: str = "w") -> Claim:
    claim = store.claim(worker)
    assert claim is not None
    return claim


def work(store: Store, worker: str = "w") -> list[tuple[str, int]]:
    """Finish all that is to be done; what was done, in order."""
    done = []
    while claim := store.claim(worker):
        assert store.finish(claim, result(claim.replication))
        done.append((claim.question.name, claim.replication))
    return done


def states(store: Store, *jobs: int) -> list[str]:
    return [store.status(job).state for job in jobs]


# ── questions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_question_does_not_depend_on_how_its_scenario_is_written_down() -> None:
    loaded = load("mmc")
    again = load_text(f"# the same\n{loaded.text}")
    assert Question.of(loaded).key == Question.of(again).key


@pytest.mark.parametrize("change", [{"scenario_hash": "other"}, {"days": 5}, {"seed": 2}, {"model": "other"}])
def test_each_thing_that_figures_depend_on_makes_another_question(change: dict[str, object]) -> None:
    assert replace(question(), **change).key != question().key


def test_a_question_keeps_what_is_needed_to_ask_it_again() -> None:
    loaded = load("mmc", sets=["horizon.days=2"])
    asked = Question.of(loaded, seed=7)
    assert (asked.days, asked.seed) == (2, 7)
    assert load_text(asked.text).hash == asked.scenario_hash


# ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_outcomes_come_back_bit_for_bit_with_the_types_of_their_keys(store: Store) -> None:
    by = {"hour": {0: {"wait_mean_min": 0.1 + 0.2, "share": math.nan}, 1: {"wait_mean_min": 5e-324, "share": 1 / 3}}}
    named = {"pool": {"chat": {"wait_mean_min": 1e300, "share": -0.0}}}
    kept = Outcome(0, {"offered": 2 / 3, "nothing": math.nan}, {**by, **named, "kind": {}})
    store.keep(question(), [kept])
    assert repr(store.outcomes(question().key)) == repr([kept])


def test_outcomes_are_there_for_another_process_that_opens_the_file_later(store: Store, path: Path) -> None:
    store.keep(question(), [result(0)])
    store.close()
    with Store(path) as again:
        assert again.outcomes(question().key) == [result(0)]


def test_what_is_in_the_ledger_is_never_replaced(store: Store) -> None:
    store.keep(question(), [result(0)])
    store.keep(question(), [Outcome(0, {"offered": 99.0}), result(1)])
    assert store.outcomes(question().key) == [result(0), result(1)]


def test_answers_end_before_the_first_replication_that_is_missing(store: Store) -> None:
    store.keep(question(), [result(r) for r in (3, 0, 1)])
    assert store.outcomes(question().key) == [result(0), result(1)]


def test_answers_belong_to_their_question(store: Store) -> None:
    store.keep(question(), [result(0)])
    assert store.outcomes(question(seed=2).key) == []


def test_the_ledger_says_what_made_an_outcome_and_from_which_scenario(store: Store, path: Path) -> None:
    store.keep(question(), [result(0)])
    row = sqlite3.connect(path).execute("SELECT text, seed, model, made_by FROM questions JOIN outcomes USING (key)")
    text, seed, model, made_by = row.fetchone()
    assert (text, seed, model) == ("name: one", 1, model_version())
    assert "NumPy" in made_by


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_computed_before_is_done_at_once_whoever_asks(store: Store) -> None:
    store.keep(question(), [result(r) for r in range(3)])
    job = store.ask("ann", question(), 3)
    assert store.status(job).state == "done"
    assert store.claim("w") is None


def test_only_what_is_missing_is_computed(store: Store) -> None:
    store.keep(question(), [result(0), result(2)])
    store.ask("ann", question(), 4)
    assert work(store) == [("one", 1), ("one", 3)]


def test_two_who_ask_the_same_share_the_work(store: Store) -> None:
    jobs = store.ask("ann", question(), 3), store.ask("bob", question(), 2)
    assert sorted(work(store)) == [("one", 0), ("one", 1), ("one", 2)]
    assert states(store, *jobs) == ["done", "done"]


def test_a_newer_job_supersedes_what_its_owner_still_waits_for_and_nobody_elses(store: Store) -> None:
    done = store.ask("ann", question("before"), 1)
    work(store)
    old, other = store.ask("ann", question("old"), 5), store.ask("bob", question("other"), 5)
    claimed(store)
    new = store.ask("ann", question("new"), 5)
    assert states(store, done, old, other, new) == ["done", "superseded", "running", "queued"]


def test_asking_the_same_again_gives_the_same_job_while_it_lives_and_when_it_is_done(store: Store) -> None:
    job = store.ask("ann", question(), 2)
    assert store.ask("ann", question(), 2) == job
    work(store)
    assert store.ask("ann", question(), 2) == job
    assert store.ask("ann", question(), 1) == job


def test_asking_for_more_replications_goes_on_from_those_that_are_there(store: Store) -> None:
    job = store.ask("ann", question(), 2)
    assert store.ask("ann", question(), 3) == job
    work(store)
    more = store.ask("ann", question(), 4)
    assert (store.status(more).done, store.status(more).wanted) == (3, 4)
    assert work(store) == [("one", 3)]


def test_a_job_that_ended_otherwise_is_asked_anew(store: Store) -> None:
    job = store.ask("ann", question(), 1)
    store.cancel(job)
    assert store.ask("ann", question(), 1) != job


def test_going_back_to_an_earlier_question_asks_it_anew_and_finds_what_is_done(store: Store) -> None:
    first = store.ask("ann", question("first"), 3)
    store.finish(claimed(store), result(0))
    store.ask("ann", question("second"), 3)
    back = store.ask("ann", question("first"), 3)
    assert back != first
    assert store.status(back).done == 1


@pytest.mark.parametrize("replications", [0, -1, 1001])
def test_a_number_of_replications_that_makes_no_sense_is_refused(store: Store, replications: int) -> None:
    with pytest.raises(InputError, match="allowed: 1 to 1000"):
        store.ask("ann", question(), replications)


def test_a_seed_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="-1 is no seed"):
        Question.of(load("mmc"), seed=-1)


def test_a_job_that_does_not_exist_is_refused_in_a_sentence(store: Store) -> None:
    with pytest.raises(InputError, match="there is no job 17"):
        store.status(17)


# ── whose turn it is ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_owners_take_turns_and_each_gets_replication_0_first(store: Store) -> None:
    store.ask("ann", question("ann's"), 3)
    assert claimed(store).replication == 0
    store.ask("bob", question("bob's"), 2)
    order = [(claimed(store).question.name, claim) for claim in range(4)]
    assert [name for name, _ in order] == ["bob's", "ann's", "bob's", "ann's"]


def test_an_owner_who_asks_again_and_again_does_not_get_more_turns(store: Store) -> None:
    store.ask("bob", question("bob's"), 9)
    names = []
    for number in range(4):
        store.ask("ann", question(f"ann's {number}"), 9)
        names += [claimed(store).question.name, claimed(store).question.name]
    assert sum(name == "bob's" for name in names) == 4


def test_the_background_waits_for_people_and_supersedes_nothing(store: Store) -> None:
    baselines = [store.ask_in_background(question(name), 1) for name in ("today", "plan")]
    store.ask("ann", question("ann's"), 2)
    assert work(store) == [("ann's", 0), ("ann's", 1), ("today", 0), ("plan", 0)]
    assert states(store, *baselines) == ["done", "done"]


def test_the_background_is_asked_once(store: Store) -> None:
    job = store.ask_in_background(question(), 2)
    assert store.ask_in_background(question(), 2) == job
    work(store)
    assert store.ask_in_background(question(), 2) == job


def test_what_people_ask_of_the_background_comes_to_the_front(store: Store) -> None:
    for name in ("today", "plan"):
        store.ask_in_background(question(name), 1)
    store.ask("ann", question("plan"), 1)
    assert work(store) == [("plan", 0), ("today", 0)]


def test_no_replication_is_given_out_twice_at_a_time(store: Store) -> None:
    store.ask("ann", question(), 3)
    store.ask("bob", question(), 4)
    assert [claimed(store, f"w{i}").replication for i in range(4)] == [0, 1, 2, 3]
    assert store.claim("w4") is None


# ── progress ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_progress_counts_replications_and_the_days_of_the_running_one(store: Store, clock: Clock) -> None:
    job = store.ask("ann", question(), 4)
    status = store.status(job)
    assert (status.state, status.done, status.expected_finish_s) == ("queued", 0, None)
    first = claimed(store)
    assert (store.status(job).state, store.status(job).expected_finish_s) == ("running", None)
    clock.time += 10
    store.finish(first, result(0))
    claim = claimed(store)
    clock.time += 5
    store.report(claim, 2)
    status = store.status(job)
    assert (status.done, status.wanted, status.day_share, status.progress_share) == (1, 4, 0.5, 1.5 / 4)
    assert status.expected_finish_s == pytest.approx(2.5 * 15 / 1.5)
    store.finish(claim, result(1))
    work(store)
    status = store.status(job)
    assert (status.state, status.progress_share, status.expected_finish_s) == ("done", 1.0, 0.0)


def test_the_pace_does_not_count_what_was_there_before(store: Store, clock: Clock) -> None:
    store.keep(question(), [result(r) for r in range(6)])
    job = store.ask("ann", question(), 8)
    claim = claimed(store)
    clock.time += 3
    store.finish(claim, result(6))
    assert store.status(job).expected_finish_s == pytest.approx(3)


def test_a_job_that_has_ended_shows_no_running_day(store: Store) -> None:
    job = store.ask("ann", question(), 2)
    store.report(claimed(store), 2)
    store.cancel(job)
    assert (store.status(job).day_share, store.status(job).live) == (0.0, False)


# ── cancelling ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_cancelled_job_enters_nothing_more(store: Store) -> None:
    job = store.ask("ann", question(), 3)
    claim = claimed(store)
    assert store.is_wanted(claim)
    store.cancel(job)
    assert not store.is_wanted(claim)
    assert store.unwanted() == {("w", question().key)}
    assert not store.finish(claim, result(0))
    assert store.outcomes(question().key) == []
    assert store.claim("w") is None
    assert store.status(job).state == "cancelled"
    assert store.unwanted() == set()


def test_work_goes_on_while_somebody_else_wants_it(store: Store) -> None:
    job, other = store.ask("ann", question(), 1), store.ask("bob", question(), 1)
    claim = claimed(store)
    store.cancel(job)
    assert store.is_wanted(claim)
    assert store.finish(claim, result(0))
    assert states(store, job, other) == ["cancelled", "done"]


def test_cancelling_what_has_ended_changes_nothing(store: Store) -> None:
    job = store.ask("ann", question(), 1)
    work(store)
    store.cancel(job)
    assert store.status(job).state == "done"


def test_a_replication_that_was_given_up_can_be_taken_on_again(store: Store) -> None:
    store.cancel(store.ask("ann", question(), 1))
    job = store.ask("ann", question(), 1)
    store.give_up(claimed(store))
    assert store.status(job).state == "queued"
    assert work(store) == [("one", 0)]


# ── failing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_failure_ends_the_jobs_that_need_the_replication_and_no_others(store: Store) -> None:
    store.keep(question(), [result(0)])
    bad, other = store.ask("ann", question(), 2), store.ask("bob", question("other"), 1)
    store.fail(claimed(store), "no good")
    assert states(store, bad, other) == ["failed", "queued"]
    assert store.status(bad).error == "no good"
    assert work(store) == [("other", 0)]


def test_a_dead_workers_job_returns_to_the_queue(store: Store) -> None:
    job = store.ask("ann", question(), 1)
    claimed(store)
    assert store.release("w", died=True)
    assert store.status(job).state == "queued"
    assert work(store) == [("one", 0)]
    assert not store.release("w", died=True)


def test_a_replication_that_kills_every_worker_fails_alone_by_name_and_seed(store: Store) -> None:
    bad, good = store.ask("ann", question("deadly", seed=7), 1), store.ask("bob", question("good"), 1)
    for number in range(DEATHS):
        assert store.status(bad).live
        claim = claimed(store, f"w{number}")
        while claim.question.name != "deadly":
            store.finish(claim, result(0))
            claim = claimed(store, f"w{number}")
        store.release(f"w{number}", died=True)
    work(store)
    assert states(store, bad, good) == ["failed", "done"]
    assert store.status(bad).error.startswith("deadly, seed 7, replication 0: ")


def test_deaths_are_counted_in_a_row_and_only_of_themselves(store: Store) -> None:
    job = store.ask("ann", question(), 2)
    for worker in ("a", "b", "c"):
        claimed(store, worker)
        store.release(worker, died=False)
    claimed(store, "d")
    store.release("d", died=True)
    store.finish(claimed(store, "e"), result(0))
    claimed(store, "f")
    store.release("f", died=True)
    assert store.status(job).state == "queued"


def test_a_late_worker_cannot_enter_what_was_taken_from_it(store: Store) -> None:
    store.ask("ann", question(), 1)
    late = claimed(store, "late")
    store.release("late", died=True)
    claimed(store, "new")
    store.report(late, 3)
    store.fail(late, "too late")
    assert not store.is_wanted(late)
    assert not store.finish(late, Outcome(0, {"offered": 99.0}))
    assert store.outcomes(question().key) == []
    assert store.status(1).state == "running"


def test_a_new_crew_takes_up_what_an_old_one_left(store: Store) -> None:
    job = store.ask("ann", question(), 2)
    claimed(store, "old")
    store.recover()
    assert store.status(job).state == "queued"
    assert work(store) == [("one", 0), ("one", 1)]


def test_questions_of_another_model_version_are_left_alone_then_failed(store: Store) -> None:
    job = store.ask("ann", replace(question(), model="0.0.1"), 1)
    assert store.claim("w") is None
    store.recover()
    assert store.status(job).state == "failed"
    assert "ask again" in store.status(job).error


# ── files that cannot be used ────────────────────────────────────────────────────────────────────────────────────────


def refused(path: Path, match: str) -> None:
    before = path.read_bytes()
    with pytest.raises(InputError, match=match) as caught:
        Store(path)
    assert str(caught.value).startswith(f"{path.name}: ")
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be one" * 100, b"SQLite format 3\0 no"]
)
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refused(path, "damaged, or no store of Linli")


def test_an_empty_file_is_refused(path: Path) -> None:
    path.touch()
    refused(path, "no store of Linli")


def test_somebody_elses_database_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE jobs (id INTEGER)")
    db.close()
    refused(path, "no store of Linli")


def test_a_store_of_another_version_is_refused_and_left_as_it_is(store: Store, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    refused(path, "a store of version 99; this Linli reads version 1")


def test_damage_inside_a_store_is_reported_in_a_sentence_when_it_is_met(store: Store, path: Path) -> None:
    for seed in range(200):
        store.keep(question(seed=seed), [result(0)])
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with Store(path) as damaged, pytest.raises(InputError, match="damaged"):
        damaged.outcomes(question().key)


def test_a_folder_that_does_not_exist_is_made(tmp_path: Path) -> None:
    Store(tmp_path / "new" / "folder" / "x.store").close()
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["x.store"]


def test_a_place_where_no_file_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="the store cannot be"):
        Store(tmp_path / "file" / "x.store")
    with pytest.raises(InputError, match="the store cannot be"):
        Store(tmp_path)


def test_a_change_that_fails_half_way_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.keep(question(), [result(0), Outcome(1, {"offered": math.inf})])
    assert store.outcomes(question().key) == []
    store.keep(question(), [result(0)])
    assert store.outcomes(question().key) == [result(0)]


# ── several processes ────────────────────────────────────────────────────────────────────────────────────────────────

CROWD = """
import json, sys
from sim.store import Question, Store, model_version
from sim.study.replicate import Outcome

path, me = sys.argv[1], sys.argv[2]
sys.stdin.readline()
store, done = Store(path), []
questions = [Question(n, n, 4, 1, n, model_version()) for n in ("shared", me)]
for number, question in enumerate(questions):
    job = store.ask(f"{me} {number}", question, 15)
    while store.status(job).live:
        claim = store.claim(me)
        if claim and store.finish(claim, Outcome(claim.replication, {"offered": 0.5})):
            done.append([claim.question.name, claim.replication])
        store.outcomes(question.key)
print(json.dumps(done))
"""


def test_processes_that_make_and_use_a_store_at_once_compute_everything_exactly_once(path: Path) -> None:
    names = ["a", "b", "c", "d"]
    command = [sys.executable, "-c", CROWD, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    crowd = [subprocess.Popen([*command, name], **pipes) for name in names]
    for process in crowd:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    done = [tuple(entry) for process in crowd for entry in json.loads(process.communicate(timeout=120)[0])]
    assert sorted(done) == sorted((name, r) for name in ["shared", *names] for r in range(15))
    with Store(path) as store:
        shared = Question("shared", "shared", 4, 1, "shared", model_version())
        assert len(store.outcomes(shared.key)) == 15
    assert not list(path.parent.glob(".*")), "no temporary file is left"


WRITER = """
import itertools, sys
from sim.store import Question, Store, model_version
from sim.study.replicate import Outcome

store = Store(sys.argv[1])
question = Question("one", "hash of one", 4, 1, "name: one", model_version())
by = {"hour": {h: {f"figure {i}": h + i / 3 for i in range(50)} for h in range(24)}}
for number in itertools.count():
    store.keep(question, [Outcome(2 * number, {"offered": 1.5}, by), Outcome(2 * number + 1, {"offered": 1.5}, by)])
    print(number, flush=True)
"""


def test_a_process_killed_while_it_writes_leaves_whole_entries_only(path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    seen = [int(writer.stdout.readline()) for _ in range(20)]
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate(timeout=60)
    with Store(path) as store:
        kept = store.outcomes(question().key)
        assert len(kept) >= 2 * (seen[-1] + 1)
        assert len(kept) % 2 == 0, "both outcomes of a transaction or none"
        assert all(len(o.by["hour"]) == 24 and len(o.by["hour"][23]) == 50 for o in kept)
        store.keep(question("other"), [result(0)])


def test_channels_are_kept_where_there_are_any() -> None:
    assert kept_of(load("today").scenario) == BY
    assert kept_of(load("mmc").scenario) == tuple(name for name in BY if name != "channel")
