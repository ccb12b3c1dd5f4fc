"""Workers and their service: the same figures as anywhere, stopped at once, and never lost, whoever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import worker as worker_module
from app.jobs import JobService, Ticket
from app.worker import NETWORKS, REPORT_S, Worker
from sim.library import Loaded, load_text
from sim.service.build import Network, build
from sim.store import Question, Store, kept_of
from sim.study.replicate import Outcome, Plan, one

ENGINE = "reference"  # needs no compilation; which engine it is makes no difference here
LONG_S = 90.0
"""Nothing here takes so long, unless it hangs."""

OnDay = Callable[[int], None]


def loaded(name: str = "desk", days: int = 2) -> Loaded:
    text = worker_module.WARM_UP.replace("warm_up", name).replace("days: 1", f"days: {days}")
    return load_text(text)


def question(name: str = "desk", days: int = 2, seed: int = 1) -> Question:
    return Question.of(loaded(name, days), seed)


def expected(name: str, days: int, seed: int, replications: int) -> list[Outcome]:
    """What ``linli run`` computes."""
    network = build(loaded(name, days).scenario)
    plan = Plan(ENGINE, seed, kept_of(network.scenario))
    return [one(network, plan, r) for r in range(replications)]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    end, pause = time.monotonic() + LONG_S, threading.Event()
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        pause.wait(0.01)


def until_ended(service: JobService, *tickets: Ticket) -> list[str]:
    until(lambda: not any(service.status(t.job).live for t in tickets))
    return [service.status(t.job).state for t in tickets]


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and that nobody has asked after does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ── a worker, step by step ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "linli.store") as opened:
        yield opened


def test_a_worker_computes_what_anybody_else_would(store: Store) -> None:
    job = store.ask("ann", question(seed=3), 2)
    worker = Worker(store, "w", ENGINE)
    assert [worker.step(), worker.step(), worker.step()] == [True, True, False]
    assert store.status(job).state == "done"
    assert repr(store.outcomes(question(seed=3).key)) == repr(expected("desk", 2, 3, 2))


@pytest.mark.parametrize("stopped_by", ["cancel", "newer job"])
def test_a_replication_that_nobody_wants_any_more_stops_after_the_day_and_enters_nothing(
    store: Store, stopped_by: str
) -> None:
    job = store.ask("ann", question(days=9), 5)
    days = []

    def compute(network: Network, plan: Plan, replication: int, on_day: OnDay) -> Outcome:
        def stop_on_day_3(day: int) -> None:
            days.append(day)
            if network.scenario.name == "desk" and day == 3:
                if stopped_by == "cancel":
                    store.cancel(job)
                else:
                    store.ask("ann", question("newer"), 1)
            on_day(day)

        return one(network, plan, replication, stop_on_day_3)

    worker = Worker(store, "w", ENGINE, compute=compute)
    assert worker.step()
    assert days == [0, 1, 2, 3]
    while worker.step():
        pass
    assert store.outcomes(question(days=9).key) == []
    assert store.status(job).state == {"cancel": "cancelled", "newer job": "superseded"}[stopped_by]
    assert len(store.outcomes(question("newer").key)) == (stopped_by == "newer job")


def test_the_newest_question_is_next_after_the_one_that_it_superseded(store: Store) -> None:
    for number in range(5):
        store.ask("ann", question(f"lever_{number}"), 1)
    worker = Worker(store, "w", ENGINE)
    worker.step()
    assert len(store.outcomes(question("lever_4").key)) == 1
    assert not worker.step()


def test_a_failure_is_one_sentence_and_the_worker_lives_on(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def compute(network: Network, plan: Plan, replication: int, on_day: OnDay) -> Outcome:
        if network.scenario.name == "bad":
            raise ZeroDivisionError("nobody\nthere")
        return one(network, plan, replication, on_day)

    bad, good = store.ask("ann", question("bad", seed=5), 3), store.ask("bob", question("good"), 1)
    worker = Worker(store, "w", ENGINE, compute=compute)
    while worker.step():
        pass
    assert store.status(bad).state == "failed"
    assert store.status(bad).error == "bad, seed 5, replication 0: failed with ZeroDivisionError 'nobody there'"
    assert store.status(good).state == "done"
    assert "ZeroDivisionError" in caplog.text, "the traceback goes to the log"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("pools: {", "desk.yaml:"), (loaded("other").text, "desk in the store is not what its hash says")],
)
def test_a_scenario_that_is_not_what_it_should_be_fails_in_a_sentence(store: Store, text: str, sentence: str) -> None:
    asked = question()
    broken = Question(asked.name, asked.scenario_hash, asked.days, asked.seed, text, asked.model)
    job = store.ask("ann", broken, 1)
    Worker(store, "w", ENGINE).step()
    assert store.status(job).state == "failed"
    assert store.status(job).error.startswith(sentence)


def test_built_networks_are_kept_the_last_few_of_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    built = []

    def counted(scenario: object) -> Network:
        built.append(scenario.name)  # type: ignore[attr-defined]
        return build(scenario)  # type: ignore[arg-type]

    monkeypatch.setattr(worker_module, "build", counted)
    worker = Worker(store, "w", ENGINE, compute=lambda network, plan, replication, on_day: Outcome(replication, {}))

    def work(name: str, seed: int) -> None:
        store.ask("ann", question(name, seed=seed), 2)
        while worker.step():
            pass

    for seed in (1, 2):
        work("first", seed)
    assert built == ["first"]
    for number in range(NETWORKS):
        work(f"n{number}", 1)
    work(f"n{NETWORKS - 1}", 2)
    assert built.count(f"n{NETWORKS - 1}") == 1
    work("first", 3)
    assert built.count("first") == 2


def test_progress_within_a_replication_is_entered_now_and_then(store: Store) -> None:
    job = store.ask("ann", question(days=4), 1)
    now = 0.0
    shares = []

    def compute(network: Network, plan: Plan, replication: int, on_day: OnDay) -> Outcome:
        nonlocal now
        for day, passed in enumerate((0.6 * REPORT_S, 0.6 * REPORT_S, 0.1 * REPORT_S, REPORT_S)):
            now += passed
            on_day(day)
            shares.append(store.status(job).day_share)
        return Outcome(replication, {})

    Worker(store, "w", ENGINE, compute=compute, clock_s=lambda: now).step()
    assert shares == [0.0, 0.5, 0.5, 1.0]


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────

STRANGE_WORKER = """
import os, signal, sys, time
from pathlib import Path
from app import worker
from sim.study.replicate import one

def compute(network, plan, replication, on_day):
    name = network.scenario.name
    if name == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "deaf":
        time.sleep(3600)
    if name == "endless":
        while True:
            on_day(0)
            time.sleep(0.001)
    if name == "curious":
        mine = sorted({name.partition(".")[0] for name in sys.modules})
        Path(sys.argv[1]).with_name("modules").write_text(f"{os.nice(0)} {' '.join(mine)}")
    return one(network, plan, replication, on_day)

worker.main(compute)
"""
# What happens to it is decided by the name of the scenario: it dies, does not look up, never ends, or looks around.

SERVER = """
import sys, time
from app.jobs import JobService
from sim.library import load_text

service = JobService(sys.argv[1], 1, engine="reference", command=(sys.executable, sys.argv[2]))
service.start()
service.ask("ann", load_text(sys.stdin.readline().replace("|", "\\n")), 1)
while service.status(1).state != "running":
    time.sleep(0.01)
print(*service.worker_pids(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def strange(tmp_path: Path) -> tuple[str, str]:
    script = tmp_path / "strange_worker.py"
    script.write_text(STRANGE_WORKER)
    return sys.executable, str(script)


def test_a_service_answers_as_a_single_process_would_and_only_once(tmp_path: Path) -> None:
    with JobService(tmp_path / "linli.store", 2, engine=ENGINE) as service:
        [baseline] = service.prepare([question("baseline")], 2)
        asked = service.ask("ann", loaded("desk"), 12, seed=5)
        assert until_ended(service, asked, baseline) == ["done", "done"]
        assert repr(service.answers(asked.key)) == repr(expected("desk", 2, 5, 12))
        again = service.ask("bob", loaded("desk"), 12, seed=5)
        assert again.key == asked.key
        assert service.status(again.job).state == "done"
        assert service.status(service.ask("ann", loaded("baseline"), 2).job).state == "done"
        pids = service.worker_pids()
    assert not any(map(is_alive, pids)), "no worker outlives its service"


def test_whatever_happens_to_workers_other_jobs_are_answered(tmp_path: Path, strange: tuple[str, str]) -> None:
    with JobService(tmp_path / "linli.store", 1, engine=ENGINE, command=strange) as service:
        curious = service.ask("ann", loaded("curious"), 1)
        assert until_ended(service, curious) == ["done"]
        niceness, *modules = (tmp_path / "modules").read_text().split()
        assert int(niceness) >= worker_module.NICENESS
        assert "sim" in modules
        assert "streamlit" not in modules

        # Killed from outside: replaced, and what it had is computed by the next.
        endless = service.ask("ann", loaded("endless"), 1)
        until(lambda: service.status(endless.job).state == "running")
        [pid] = service.worker_pids()
        os.kill(pid, signal.SIGKILL)
        until(lambda: service.worker_pids() not in ([], [pid]) and service.status(endless.job).state == "running")
        service.cancel(endless.job)
        until(lambda: not service.store.unwanted())

        # Cancelled, and does not look up: ended and replaced; that is nobody's death.
        [pid] = service.worker_pids()
        deaf = service.ask("ann", loaded("deaf"), 1)
        until(lambda: service.status(deaf.job).state == "running")
        good = service.ask("ann", loaded("good"), 1)
        assert until_ended(service, good) == ["done"]
        assert service.status(deaf.job).state == "superseded"
        assert not is_alive(pid)

        # Kills every worker: fails alone.
        deadly, other = service.ask("ann", loaded("deadly"), 3, seed=7), service.ask("bob", loaded("other"), 1)
        assert until_ended(service, deadly, other) == ["failed", "done"]
        assert service.status(deadly.job).error.startswith("deadly, seed 7, replication 0: ")


def test_workers_end_with_their_server_and_its_jobs_live_on(tmp_path: Path, strange: tuple[str, str]) -> None:
    path = tmp_path / "linli.store"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(path), strange[1]], **pipes)
    assert server.stdin
    assert server.stdout
    server.stdin.write(loaded("deaf").text.replace("\n", "|") + "\n")
    server.stdin.flush()
    [pid] = [int(text) for text in server.stdout.readline().split()]
    assert is_alive(pid)

    # Another service on the same store has no crew of its own while the first is there.
    service = JobService(path, 1, engine=ENGINE)
    service.start()
    assert service.worker_pids() == []
    assert service.status(1).state == "running"

    os.kill(server.pid, signal.SIGKILL)
    server.communicate(timeout=LONG_S)
    until(lambda: not is_alive(pid))
    until(lambda: service.status(1).state == "done")
    assert repr(service.answers(question("deaf").key)) == repr(expected("deaf", 2, 1, 1))
    service.stop()


def test_a_service_whose_workers_cannot_start_still_serves_its_pages(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    script = f"open({str(starts)!r}, 'a').write('x')"
    with JobService(tmp_path / "linli.store", 1, engine=ENGINE, command=(sys.executable, "-c", script)) as service:
        until(lambda: starts.exists() and len(starts.read_text()) >= 3)
        ticket = service.ask("ann", loaded(), 1)
        assert service.status(ticket.job).state == "queued"
        service.cancel(ticket.job)
        assert service.status(ticket.job).state == "cancelled"
