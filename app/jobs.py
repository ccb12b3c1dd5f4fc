"""What a page asks of the simulator: queue a question, look how far it is, take the answers, cancel.

The service keeps a crew of worker processes (``app.worker``) and replaces those that die. All it knows is in the store:
another service on the same store, in this process or in another, sees the same jobs and answers. Only one of them has
a crew at a time; another takes over when that one is gone.

>>> service = JobService("linli.store")              # doctest: +SKIP
>>> service.start()                                  # doctest: +SKIP
>>> ticket = service.ask("owner", load("today"), 20) # doctest: +SKIP
>>> service.status(ticket.job).done                  # doctest: +SKIP
3
>>> summarise([o.figures for o in service.answers(ticket.key)])  # doctest: +SKIP
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from sim.problems import InputError
from sim.run import ENGINES
from sim.store import Question, Status, Store
from sim.study.replicate import Outcome

if TYPE_CHECKING:
    from sim.library import Loaded

ROOT = Path(__file__).resolve().parents[1]
COMMAND = (sys.executable, "-m", "app.worker")
"""How a worker is started; store, name and engine follow. It is a fresh interpreter and no ``multiprocessing`` process,
because those import the main module of their parent, which is the web server, or the page that it happens to run."""

TICK_S = 0.1
"""How often the crew is looked after."""
GRACE_S = 0.6
"""A worker whose replication nobody wants any more is ended if it has not noticed for so long (within one long day)."""
LONGEST_PAUSE_S = 30.0
"""Workers that end before they do anything are replaced after pauses that double up to this."""
STOP_S = 5.0

log = logging.getLogger("linli.jobs")


@dataclass(frozen=True)
class Ticket:
    """What was asked: ``key`` names the question (for ``answers``), ``job`` the job (for ``status`` and ``cancel``)."""

    key: str
    job: int


@dataclass
class _Member:
    """A worker of the crew, and since when. ``unwanted`` : the claim that nobody wants any more, and since when."""

    name: str
    process: subprocess.Popen[bytes]
    since: float
    dismissed: bool = False
    unwanted: tuple[str, float] | None = None


def spare_cores() -> int:
    """Cores that this process may use, less one for the server."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


class JobService:
    """The queue, its answers and the crew that computes them; may be used by several threads at a time.

    Parameters
    ----------
    store_path : the store's file; made if there is none.
    workers : processes; by default one per core less one.
    engine : one of ``sim.run.ENGINES``.
    now, command : the clock (seconds of the epoch) and how a worker is started, for tests.

    Raises
    ------
    InputError
        From every method: the store cannot be used, or what is asked for makes no sense.
    """

    def __init__(
        self,
        store_path: str | os.PathLike[str],
        workers: int | None = None,
        *,
        engine: str = ENGINES[0],
        now: Callable[[], float] = time.time,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.store = Store(store_path, now=now)
        self._path = self.store.path.resolve()
        self._engine, self._command = engine, tuple(command)
        self._size = spare_cores() if workers is None else workers
        self._crew: list[_Member] = []
        self._crew_lock = threading.Lock()
        self._turn: IO[str] | None = None
        self._hired = 0
        self._name = uuid.uuid4().hex[:8]
        self._pause_s, self._not_before = 0.0, 0.0
        self._stopping = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, name="linli-jobs", daemon=True)

    def __enter__(self) -> JobService:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ── for pages ────────────────────────────────────────────────────────────────────────────────────────────────

    def ask(self, owner: str, loaded: Loaded, replications: int, seed: int = 1) -> Ticket:
        """Queue a question; returns at once.

        An owner's new question supersedes the one that they still wait for, so a page that needs two at a time asks as
        two owners. Asking the same thing again, after a reload for instance, gives the same job, with as many
        replications as are asked for now; what anybody has asked before is done at once.
        """
        question = Question.of(loaded, seed)
        job = self.store.ask(owner, question, replications)
        self._wake()
        return Ticket(question.key, job)

    def prepare(self, questions: Iterable[Question], replications: int) -> list[Ticket]:
        """Queue questions that will be asked, to be computed while nobody else waits for anything."""
        tickets = [Ticket(q.key, self.store.ask_in_background(q, replications)) for q in questions]
        self._wake()
        return tickets

    def status(self, job: int) -> Status:
        """How far a job is."""
        return self.store.status(job)

    def cancel(self, job: int) -> None:
        """Cancel a job unless it has ended; its finished replications are kept."""
        self.store.cancel(job)

    def answers(self, key: str) -> list[Outcome]:
        """The finished replications 0, 1, 2, … of a question, by whomever it was asked."""
        return self.store.outcomes(key)

    # ── the crew ─────────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the workers, and look after them until ``stop``."""
        self._tend()
        self._supervisor.start()

    def stop(self) -> None:
        """End the workers and close the store; what was not finished stays queued. A stopped service stays stopped."""
        self._stopping.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        with self._crew_lock:
            crew, self._crew = self._crew, []
        for member in crew:
            _pipe(member).close()
        for member in crew:
            try:
                member.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                member.process.kill()
                member.process.wait()
        try:
            for member in crew:
                self.store.release(member.name, died=False)
        finally:
            if self._turn:
                self._turn.close()
            self.store.close()

    def worker_pids(self) -> list[int]:
        """Process numbers of the workers."""
        with self._crew_lock:
            return [member.process.pid for member in self._crew]

    def _supervise(self) -> None:
        while not self._stopping.wait(TICK_S):
            try:
                self._tend()
            except (InputError, OSError) as error:  # a full disk, for instance: it may be mended while we wait
                log.error("%s", error)
                self._stopping.wait(10 * TICK_S)

    def _tend(self) -> None:
        if not self._is_our_turn():
            return
        unwanted = self.store.unwanted()
        with self._crew_lock:
            for member in list(self._crew):
                if member.process.poll() is None:
                    self._end_if_deaf(member, unwanted)
                else:
                    self._bury(member)
                    self._crew.remove(member)
            while len(self._crew) < self._size and time.monotonic() >= self._not_before:
                self._hire()

    def _is_our_turn(self) -> bool:
        """Whether this service has the crew. The system takes the lock back when the process ends, however it does."""
        if self._turn is None:
            turn = open(f"{self._path}.crew", "a")  # noqa: SIM115
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self.store.recover()
            except BlockingIOError:
                turn.close()
                return False
            except BaseException:
                turn.close()
                raise
            self._turn = turn
        return True

    def _hire(self) -> None:
        self._hired += 1
        name = f"{self._name}-{self._hired}"
        # One thread a worker: workers are as many as there are cores to spare.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        command = [*self._command, str(self._path), name, self._engine]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, cwd=ROOT, env=environment)
        member = _Member(name, process, time.monotonic())
        os.set_blocking(_pipe(member).fileno(), False)
        self._crew.append(member)

    def _bury(self, member: _Member) -> None:
        """Return what a dead worker had claimed; one that had nothing may be unable to start, so do not hurry."""
        _pipe(member).close()
        held = self.store.release(member.name, died=not member.dismissed)
        if held or time.monotonic() - member.since > LONGEST_PAUSE_S:
            self._pause_s = 0.0
        else:
            self._pause_s = min(max(2 * self._pause_s, TICK_S), LONGEST_PAUSE_S)
            self._not_before = time.monotonic() + self._pause_s

    def _end_if_deaf(self, member: _Member, unwanted: set[tuple[str, str]]) -> None:
        keys = [key for name, key in unwanted if name == member.name]
        if not keys:
            member.unwanted = None
        elif member.unwanted is None or member.unwanted[0] != keys[0]:
            member.unwanted = (keys[0], time.monotonic())
        elif time.monotonic() - member.unwanted[1] > GRACE_S:
            member.dismissed = True
            member.process.kill()

    def _wake(self) -> None:
        with self._crew_lock:
            for member in self._crew:
                with suppress(OSError):  # it has just died, or has more wake-ups than it can read
                    os.write(_pipe(member).fileno(), b"!")


def _pipe(member: _Member) -> IO[bytes]:
    assert member.process.stdin is not None
    return member.process.stdin
