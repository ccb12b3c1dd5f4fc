"""What was computed and what is to be computed, in one file that several processes share.

The **ledger** holds finished replications by question: scenario, days, seed and model version. Whoever asks the same
question gets them, and nobody computes them again. The **queue** holds jobs: who asked which question, how many
replications are wanted, and what became of it. What a worker computes is a *claim*, one replication of a question:
claims are given out so that no replication is computed twice at a time, several workers may share one job, and owners
take turns.

The file is SQLite in WAL mode. Every change is one short transaction that has the write lock from its start, so readers
and writers of several processes wait for each other, but never fail; a process that dies leaves the file as it was
before its last transaction. Times are seconds of the epoch.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures import MEASURES, Key
from sim.problems import InputError, Problem, quoted
from sim.study.replicate import Outcome

if TYPE_CHECKING:
    from sim.library import Loaded
    from sim.scenario import Scenario

RESULTS = 2
"""Raised by one whenever a change of the code changes any figure of any scenario."""

BY = ("hour", "pool", "station", "channel")
"""Breakdowns that are kept with every replication, where the scenario has them (``kept_of``)."""

MOST_REPLICATIONS = 1000
BACKGROUND = "(background)"
"""Owner of the jobs that nobody waits for."""

SCHEMA_VERSION = 1
APPLICATION = 0x4C494E4C  # "LINL"
BUSY_S = 20.0
DEATHS = 2
"""So many workers may die of a replication before it counts as its fault."""

_SCHEMA = """
CREATE TABLE questions (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, scenario_hash TEXT NOT NULL, days INTEGER NOT NULL, seed INTEGER NOT NULL,
    model TEXT NOT NULL, text TEXT NOT NULL, asked_at REAL NOT NULL
);
CREATE TABLE outcomes (
    key TEXT NOT NULL REFERENCES questions, replication INTEGER NOT NULL, content TEXT NOT NULL,
    made_by TEXT NOT NULL, finished_at REAL NOT NULL, PRIMARY KEY (key, replication)
);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, key TEXT NOT NULL REFERENCES questions,
    wanted INTEGER NOT NULL, background INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'cancelled', 'superseded', 'failed')),
    error TEXT NOT NULL DEFAULT '', turn INTEGER NOT NULL DEFAULT 0, done_before INTEGER NOT NULL DEFAULT 0,
    asked_at REAL NOT NULL, started_at REAL, finished_at REAL
);
CREATE INDEX live_jobs ON jobs (key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_of_owner ON jobs (owner);
CREATE TABLE claims (
    key TEXT NOT NULL REFERENCES questions, replication INTEGER NOT NULL, worker TEXT NOT NULL,
    days_done INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (key, replication)
);
"""
# A claim whose worker is '' is nobody's: it only remembers how many workers died of it.

_LIVE = "state IN ('queued', 'running')"


@functools.cache
def model_version() -> str:
    """What results depend on besides scenario and seed: package, ``RESULTS``, and which figures there are."""
    content = json.dumps([sorted(MEASURES), BY])
    return f"{_version('linli')}.{RESULTS}.{hashlib.sha256(content.encode()).hexdigest()[:8]}"


def kept_of(scenario: Scenario) -> tuple[str, ...]:
    """Breakdowns that are kept with a scenario's replications: no channels where no kind has one."""
    channels = any(kind.channel != "none" for kind in scenario.kinds.values())
    return tuple(name for name in BY if name != "channel" or channels)


@functools.cache
def _made_by() -> str:
    return f"linli {_version('linli')}, Python {platform.python_version()}, NumPy {np.__version__}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class Question:
    """All that figures depend on. ``text`` is the resolved scenario, of this ``name``, that the hash stands for."""

    name: str
    scenario_hash: str
    days: int
    seed: int
    text: str
    model: str

    @classmethod
    def of(cls, loaded: Loaded, seed: int = 1) -> Question:
        """The question what a loaded scenario gives with a seed (0 … 2**32 − 1)."""
        if not 0 <= seed < 2**32:
            raise InputError([Problem(("seed",), f"{seed} is no seed", "whole numbers from 0 to 4294967295")])
        scenario = loaded.scenario
        return cls(scenario.name, loaded.hash, scenario.horizon.days, seed, loaded.text, model_version())

    @functools.cached_property
    def key(self) -> str:
        """Name of the question: equal for equal questions, in every process."""
        content = json.dumps([self.scenario_hash, self.days, self.seed, self.model])
        return hashlib.sha256(content.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Status:
    """What became of a job.

    ``state`` is queued, running, done, cancelled, superseded or failed. ``done`` counts finished replications of the
    ``wanted`` ones; ``day_share`` (0–1) is how far the furthest running one is, ``progress_share`` (0–1) how far all
    is. ``expected_finish_s`` is how many seconds are left at the pace so far, None while there is no pace. ``error`` is
    one sentence when the job failed, else empty.
    """

    key: str
    state: str
    done: int
    wanted: int
    day_share: float
    progress_share: float
    expected_finish_s: float | None
    error: str

    @property
    def live(self) -> bool:
        """Whether more is still to come."""
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Claim:
    """One replication that one worker has taken on."""

    worker: str
    question: Question
    replication: int


def named(question: Question, replication: int) -> str:
    """A replication as it is called in sentences."""
    return f"{question.name}, seed {question.seed}, replication {replication}"


class Store:
    """An open store; made if there is none. It may be used by several threads at a time.

    Raises
    ------
    InputError
        From every method: the file is damaged, no store, of another version, locked or not writable. Such a file is
        left as it is.
    """

    def __init__(self, path: str | os.PathLike[str], *, now: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._now = now
        self._lock = threading.RLock()
        with self._in_sentences():
            if not self.path.exists():
                _create(self.path)
            self._db = sqlite3.connect(self.path, BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._check_kind()
                self._db.execute("PRAGMA synchronous = NORMAL")
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    # ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────────

    def keep(self, question: Question, outcomes: Iterable[Outcome]) -> None:
        """Enter finished replications, whoever computed them; those that are there already stay."""
        rows = [(question.key, o.replication, _as_json(o), _made_by(), self._now()) for o in outcomes]
        with self._writing() as db:
            self._enter(db, question)
            db.executemany("INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?)", rows)
            self._settle(db, question.key)

    def outcomes(self, key: str) -> list[Outcome]:
        """Finished replications 0, 1, 2, … of a question, up to the first that is missing.

        What comes after a gap is left out: replications that happen to be short must not be counted before long ones.
        """
        with self._reading() as db:
            rows = db.execute("SELECT replication, content FROM outcomes WHERE key = ? ORDER BY 1", (key,)).fetchall()
        unbroken = [row for i, row in enumerate(rows) if row[0] == i]
        return [_from_json(replication, content) for replication, content in unbroken]

    # ── the queue, for those who ask ─────────────────────────────────────────────────────────────────────────────

    def ask(self, owner: str, question: Question, replications: int) -> int:
        """Queue a job and return its number.

        It supersedes what the owner asked before and has not got. Asking the same thing again gives the same job, and
        what is in the ledger already is done at once.
        """
        if not owner or owner == BACKGROUND:
            raise InputError([Problem(("owner",), f"{quoted(owner)} is no owner", "any other name")])
        _check_replications(replications)
        with self._writing() as db:
            self._enter(db, question)
            last = db.execute(
                f"SELECT id, {_LIVE}, state, wanted, turn FROM jobs WHERE owner = ? AND key = ? "
                "AND id = (SELECT max(id) FROM jobs WHERE owner = ?)",
                (owner, question.key, owner),
            ).fetchone()
            if last and (last[1] or (last[2] == "done" and last[3] >= replications)):
                job = int(last[0])
                if last[1]:
                    db.execute("UPDATE jobs SET wanted = ? WHERE id = ?", (replications, job))
            else:
                turn = db.execute("SELECT coalesce(max(turn), 0) FROM jobs WHERE owner = ?", (owner,)).fetchone()[0]
                db.execute(
                    f"UPDATE jobs SET state = 'superseded', finished_at = ? WHERE owner = ? AND {_LIVE}",
                    (self._now(), owner),
                )
                job = self._add_job(db, owner, question.key, replications, 0, turn)
            self._settle(db, question.key)
        return job

    def ask_in_background(self, question: Question, replications: int) -> int:
        """Queue a job that nobody waits for: it runs when no other does, and supersedes nothing."""
        _check_replications(replications)
        with self._writing() as db:
            self._enter(db, question)
            same = db.execute(
                f"SELECT id FROM jobs WHERE owner = ? AND key = ? AND wanted >= ? AND ({_LIVE} OR state = 'done')",
                (BACKGROUND, question.key, replications),
            ).fetchone()
            job = int(same[0]) if same else self._add_job(db, BACKGROUND, question.key, replications, 1, 0)
            self._settle(db, question.key)
        return job

    def cancel(self, job: int) -> None:
        """Cancel a job unless it has ended."""
        with self._writing() as db:
            db.execute(
                f"UPDATE jobs SET state = 'cancelled', finished_at = ? WHERE id = ? AND {_LIVE}", (self._now(), job)
            )

    def status(self, job: int) -> Status:
        """State and progress of a job."""
        with self._reading() as db:
            row = db.execute(
                "SELECT key, state, wanted, error, done_before, started_at, days, "
                "(SELECT count(*) FROM outcomes o WHERE o.key = j.key AND o.replication < j.wanted) "
                "FROM jobs j JOIN questions USING (key) WHERE id = ?",
                (job,),
            ).fetchone()
            if row is None:
                raise InputError([Problem(("job",), f"there is no job {job}", "", self.path.name)])
            key, state, wanted, error, before, started_at, days, done = row
            running = [
                days_done / days
                for (days_done,) in db.execute(
                    "SELECT days_done FROM claims WHERE key = ? AND replication < ? AND worker <> ''", (key, wanted)
                )
            ]
        if state not in ("queued", "running"):
            running = []
        reached = min(done + sum(running), wanted)
        left: float | None = 0.0 if state == "done" else None
        if state == "running" and reached > before and self._now() > started_at:
            left = (wanted - reached) * (self._now() - started_at) / (reached - before)
        return Status(key, state, done, wanted, max(running, default=0.0), reached / wanted, left, error)

    # ── the queue, for those who work ────────────────────────────────────────────────────────────────────────────

    def claim(self, worker: str) -> Claim | None:
        """Take on the next replication, or None when nothing is to be done.

        People come before the background; among them, who had no turn for the longest time; in a job, replication 0
        comes first. Jobs of another model version are left alone.
        """
        with self._writing() as db:
            jobs = db.execute(
                "SELECT id, key, wanted FROM jobs JOIN questions USING (key) "
                f"WHERE {_LIVE} AND model = ? ORDER BY background, turn, id",
                (model_version(),),
            ).fetchall()
            for job, key, wanted in jobs:
                taken = db.execute(
                    "SELECT replication FROM outcomes WHERE key = ? "
                    "UNION SELECT replication FROM claims WHERE key = ? AND worker <> ''",
                    (key, key),
                )
                free = sorted(set(range(wanted)).difference(r for (r,) in taken))
                if free:
                    self._start(db, job, key, free[0], worker)
                    return Claim(worker, self._question(db, key), free[0])
        return None

    def is_wanted(self, claim: Claim) -> bool:
        """Whether the claim is still this worker's and some live job wants it."""
        with self._reading() as db:
            return self._is_wanted(db, claim)

    def report(self, claim: Claim, days_done: int) -> None:
        """Say how far a replication is."""
        with self._writing() as db:
            db.execute(
                "UPDATE claims SET days_done = ? WHERE key = ? AND replication = ? AND worker = ?",
                (days_done, claim.question.key, claim.replication, claim.worker),
            )

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """Enter a replication; False, and nothing is entered, when nobody wants it any more."""
        content, key = _as_json(outcome), claim.question.key
        with self._writing() as db:
            wanted = self._is_wanted(db, claim)
            if wanted:
                row = (key, claim.replication, content, _made_by(), self._now())
                db.execute("INSERT OR IGNORE INTO outcomes VALUES (?, ?, ?, ?, ?)", row)
                self._settle(db, key)
            self._drop(db, claim)
        return wanted

    def give_up(self, claim: Claim) -> None:
        """Return a claim unfinished."""
        with self._writing() as db:
            self._drop(db, claim)
            self._requeue(db, claim.question.key)

    def fail(self, claim: Claim, error: str) -> None:
        """Mark the jobs that want a replication as failed, with one sentence."""
        with self._writing() as db:
            if self._holds(db, claim):
                self._drop(db, claim)
                self._fail(db, claim.question.key, claim.replication, error)

    def release(self, worker: str, *, died: bool) -> bool:
        """Return what a worker that has ended had claimed; whether it had claimed anything.

        Jobs go back to the queue. ``died`` : of itself, so that a replication that every worker dies of ends as failed.
        """
        with self._writing() as db:
            held = db.execute("SELECT key, replication, deaths FROM claims WHERE worker = ?", (worker,)).fetchall()
            for key, replication, deaths in held:
                self._free(db, key, replication, deaths + died)
                self._requeue(db, key)
        return bool(held)

    def unwanted(self) -> set[tuple[str, str]]:
        """Workers whose claim no live job wants any more, each with the key of that claim."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT worker, key FROM claims c WHERE worker <> '' AND NOT EXISTS "
                f"(SELECT 1 FROM jobs WHERE key = c.key AND wanted > c.replication AND {_LIVE})"
            ).fetchall()
        return {(worker, key) for worker, key in rows}

    def recover(self) -> None:
        """Put in order what an earlier crew left: for a new one, when no worker of the old one is left."""
        with self._writing() as db:
            db.execute("UPDATE claims SET worker = '', days_done = 0 WHERE worker <> ''")
            db.execute("UPDATE jobs SET state = 'queued', started_at = NULL WHERE state = 'running'")
            db.execute(
                "UPDATE jobs SET state = 'failed', finished_at = ?, error = ? "
                f"WHERE {_LIVE} AND key IN (SELECT key FROM questions WHERE model <> ?)",
                (self._now(), "asked of another version of Linli and not finished; ask again", model_version()),
            )

    # ── pieces of transactions ───────────────────────────────────────────────────────────────────────────────────

    def _enter(self, db: sqlite3.Connection, question: Question) -> None:
        q = question
        db.execute(
            "INSERT INTO questions VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (key) DO UPDATE SET asked_at = excluded.asked_at",
            (q.key, q.name, q.scenario_hash, q.days, q.seed, q.model, q.text, self._now()),
        )

    def _question(self, db: sqlite3.Connection, key: str) -> Question:
        sql = "SELECT name, scenario_hash, days, seed, text, model FROM questions WHERE key = ?"
        return Question(*db.execute(sql, (key,)).fetchone())

    def _add_job(
        self, db: sqlite3.Connection, owner: str, key: str, replications: int, background: int, turn: int
    ) -> int:
        cursor = db.execute(
            "INSERT INTO jobs (owner, key, wanted, background, state, turn, asked_at) "
            "VALUES (?, ?, ?, ?, 'queued', ?, ?)",
            (owner, key, replications, background, turn, self._now()),
        )
        return int(cursor.lastrowid or 0)

    def _start(self, db: sqlite3.Connection, job: int, key: str, replication: int, worker: str) -> None:
        """A replication's work begins on behalf of one job, and of all others that want it."""
        db.execute("UPDATE jobs SET turn = 1 + (SELECT max(turn) FROM jobs) WHERE id = ?", (job,))
        db.execute(
            "UPDATE jobs SET state = 'running', started_at = ?, done_before = "
            "(SELECT count(*) FROM outcomes o WHERE o.key = jobs.key AND o.replication < jobs.wanted) "
            "WHERE key = ? AND wanted > ? AND state = 'queued'",
            (self._now(), key, replication),
        )
        db.execute(
            "INSERT INTO claims (key, replication, worker) VALUES (?, ?, ?) "
            "ON CONFLICT (key, replication) DO UPDATE SET worker = excluded.worker, days_done = 0",
            (key, replication, worker),
        )

    def _settle(self, db: sqlite3.Connection, key: str) -> None:
        """Jobs that have all they want are done."""
        db.execute(
            f"UPDATE jobs SET state = 'done', finished_at = ? WHERE key = ? AND {_LIVE} AND wanted <= "
            "(SELECT count(*) FROM outcomes o WHERE o.key = jobs.key AND o.replication < jobs.wanted)",
            (self._now(), key),
        )

    def _requeue(self, db: sqlite3.Connection, key: str) -> None:
        """Jobs that nobody works on any more are queued again."""
        db.execute(
            "UPDATE jobs SET state = 'queued', started_at = NULL WHERE key = ? AND state = 'running' "
            "AND NOT EXISTS (SELECT 1 FROM claims c WHERE c.key = jobs.key AND c.worker <> '')",
            (key,),
        )

    def _free(self, db: sqlite3.Connection, key: str, replication: int, deaths: int) -> None:
        """A claim's worker has ended; too many deaths are the replication's fault."""
        if deaths < DEATHS:
            db.execute(
                "UPDATE claims SET worker = '', days_done = 0, deaths = ? WHERE key = ? AND replication = ?",
                (deaths, key, replication),
            )
            return
        db.execute("DELETE FROM claims WHERE key = ? AND replication = ?", (key, replication))
        what = named(self._question(db, key), replication)
        self._fail(db, key, replication, f"{what}: the process that computed it ended without a word, {deaths} times")

    def _fail(self, db: sqlite3.Connection, key: str, replication: int, error: str) -> None:
        db.execute(
            f"UPDATE jobs SET state = 'failed', error = ?, finished_at = ? WHERE key = ? AND wanted > ? AND {_LIVE}",
            (error, self._now(), key, replication),
        )

    def _holds(self, db: sqlite3.Connection, claim: Claim) -> bool:
        sql = "SELECT 1 FROM claims WHERE key = ? AND replication = ? AND worker = ?"
        return db.execute(sql, (claim.question.key, claim.replication, claim.worker)).fetchone() is not None

    def _is_wanted(self, db: sqlite3.Connection, claim: Claim) -> bool:
        sql = f"SELECT 1 FROM jobs WHERE key = ? AND wanted > ? AND {_LIVE}"
        row = db.execute(sql, (claim.question.key, claim.replication)).fetchone()
        return row is not None and self._holds(db, claim)

    def _drop(self, db: sqlite3.Connection, claim: Claim) -> None:
        sql = "DELETE FROM claims WHERE key = ? AND replication = ? AND worker = ?"
        db.execute(sql, (claim.question.key, claim.replication, claim.worker))

    # ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the store, however many queries look at it."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One change, whole or not at all; it has the write lock from its start, so it cannot fail half-way."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, self._in_sentences():
            self._db.execute(begin)
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _in_sentences(self) -> Iterator[None]:
        """Faults of the file become sentences for the person who can mend it."""
        try:
            yield
        except sqlite3.OperationalError as error:
            allowed = "a local file that may be written, with room on its disk"
            raise self._refusal(f"the store cannot be used ({error})", allowed) from error
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:  # a fault of ours: a closed store, a broken constraint
                raise
            raise self._refusal(f"damaged, or no store of Linli ({error})", _MOVE) from error
        except OSError as error:
            raise self._refusal(
                f"the store cannot be made ({error.strerror})", "a folder that may be written"
            ) from error

    def _check_kind(self) -> None:
        if self._pragma("application_id") != APPLICATION:
            raise self._refusal("this file is no store of Linli", _MOVE)
        version = self._pragma("user_version")
        if version != SCHEMA_VERSION:
            raise self._refusal(f"a store of version {version}; this Linli reads version {SCHEMA_VERSION}", _MOVE)

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def _refusal(self, message: str, allowed: str) -> InputError:
        return InputError([Problem((), message, allowed, self.path.name)])


_MOVE = "another path, or the file moved away (nothing in it was changed)"


def _create(path: Path) -> None:
    """Make an empty store under another name, then link it into place, so that it is there whole or not at all.

    When several processes make one at the same time, the first link wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        db = sqlite3.connect(temporary, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA_VERSION}; "
                f"{_SCHEMA} COMMIT;"
            )
        finally:
            db.close()
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _check_replications(replications: int) -> None:
    if not 1 <= replications <= MOST_REPLICATIONS:
        message = f"{replications} replications cannot be asked for"
        raise InputError([Problem(("replications",), message, f"1 to {MOST_REPLICATIONS}")])


# ── outcomes as JSON ─────────────────────────────────────────────────────────────────────────────────────────────
# Figures that do not exist (NaN) are null. Breakdowns are kept by column, in half the room; keys keep their type.


def _as_json(outcome: Outcome) -> str:
    by = {}
    for name, groups in outcome.by.items():
        measures = list(next(iter(groups.values()), {}))
        columns = {m: [_or_none(figures[m]) for figures in groups.values()] for m in measures}
        by[name] = {"keys": list(groups), "figures": columns}
    figures = {name: _or_none(value) for name, value in outcome.figures.items()}
    return json.dumps({"figures": figures, "by": by}, separators=(",", ":"), allow_nan=False)


def _from_json(replication: int, text: str) -> Outcome:
    content: dict[str, Any] = json.loads(text)
    by: dict[str, dict[Key, dict[str, float]]] = {}
    for name, part in content["by"].items():
        columns = {m: [_or_nan(value) for value in column] for m, column in part["figures"].items()}
        by[name] = {key: {m: column[i] for m, column in columns.items()} for i, key in enumerate(part["keys"])}
    return Outcome(replication, {name: _or_nan(value) for name, value in content["figures"].items()}, by)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
