"""A log read by a mapping: the contacts that make sense, and every other row with the reason why it was set aside.

No row is lost. ``rows_read`` is the number of contacts plus the rows set aside, and the rows set aside keep what
could be read of them: a call that an agent started is no arrival, but it keeps the agent busy; a caller whom a
wrong row says nobody answered did call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.errors import LogError
from calibration.mapping import DAY_MS, Mapping
from calibration.source import Block, FileLimits, read_blocks

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NONE = -1  # a time that there is not
_NOT_A_TIME = np.iinfo(np.int64).min  # the same before the log's first midnight is known

# Why a row is set aside: the first reason, in this order, that holds.
REASONS = (
    "wrong number of fields",
    "outcome to ignore",
    "outcome not in the mapping",
    "time unreadable",
    "date far from the others",
    "left before queueing",
    "incomplete times",
    "negative duration",
    "absurd duration",
    "kind not kept",
    "clocks disagree",
    "answered by nobody",
    "answered without a service time",
)
# Of these, the ones whose rows are events that took place: they queued, or kept a server busy.
TOOK_PLACE = REASONS[REASONS.index("kind not kept") :]

_TIMES = ("arrived_ms", "queued_from_ms", "queued_until_ms", "served_from_ms", "served_until_ms")
COLUMNS = ("row", "contact", "kind", *_TIMES, "wait_ms", "server", "outcome", "priority_high", "day", "weekday", "open")


@dataclass(frozen=True)
class ReadRules:
    """What counts as wrong in a row; the defaults suit a call centre, a help desk needs longer ones.

    Attributes
    ----------
    longest_wait_ms, longest_service_ms : int
        Above these a duration is absurd (four hours).
    clocks_apart_ms : int
        The clocks of queue and service disagree when a contact's service starts further than this from the end of
        its wait (or from its arrival, when it did not wait), or its wait further than this from its arrival (one
        minute).
    furthest_date_days : int
        A date further than this from the log's median date is a wrong one (five years).
    file : FileLimits
        What the file may hold at most.
    """

    longest_wait_ms: int = 4 * 3_600_000
    longest_service_ms: int = 4 * 3_600_000
    clocks_apart_ms: int = 60_000
    furthest_date_days: int = 1_830
    file: FileLimits = field(default_factory=FileLimits)


@dataclass(frozen=True)
class ContactLog:
    """What a log holds.

    Attributes
    ----------
    contacts : pandas.DataFrame
        One row per contact in order of arrival: ``row`` (line in the file), ``contact``, ``kind``, ``arrived_ms``,
        ``queued_from_ms``, ``queued_until_ms``, ``served_from_ms``, ``served_until_ms`` (int64 milliseconds from
        the log's first midnight, −1 for none), ``wait_ms`` (queued_until − queued_from; 0 for who did not queue),
        ``server`` (empty for none), ``outcome`` (``answered`` or ``abandoned``), ``priority_high``, ``day`` (0 is
        the first), ``weekday`` (0 is Monday), ``open`` (arrived within the mapping's opening hours).
    set_aside : pandas.DataFrame
        The other rows, with the same columns as far as they could be read, and ``reason``.
    first_day : datetime.date
        The day whose midnight is time 0.
    rows_read : int
        Rows of the file, without header and blank lines.
    rows_set_aside : dict of str to int
        Rows set aside by reason (one of ``REASONS``).
    remarks : dict of str to int
        What was left out of contacts that were kept.
    file : str
        Where it was read from.
    """

    contacts: pd.DataFrame
    set_aside: pd.DataFrame
    first_day: dt.date
    rows_read: int
    rows_set_aside: dict[str, int]
    remarks: dict[str, int]
    file: str

    def __post_init__(self) -> None:
        """No row may be lost."""
        assert self.rows_read == len(self.contacts) + len(self.set_aside)
        assert len(self.set_aside) == sum(self.rows_set_aside.values())

    @property
    def days(self) -> int:
        """Days from the first to the last arrival, both included, whether or not anybody called on all of them."""
        return int(self.contacts["day"].max()) + 1

    def date(self, day: int) -> dt.date:
        """Date of a day of the log."""
        return self.first_day + dt.timedelta(days=int(day))

    def offered(
        self,
        *,
        weekdays: Collection[int] | None = None,
        opening_hours_only: bool = False,
        also_counted: Collection[str] = (),
    ) -> pd.DataFrame:
        """Contacts that asked for a server, in order of arrival.

        Parameters
        ----------
        weekdays : collection of int, optional
            Only these (0 is Monday).
        opening_hours_only : bool
            Only those who arrived within the mapping's opening hours.
        also_counted : collection of str
            Reasons, out of ``TOOK_PLACE``, whose rows are counted too, with the outcome that the log gives them.

        Returns
        -------
        pandas.DataFrame
            With the columns of ``contacts``.
        """
        unknown = set(also_counted) - set(TOOK_PLACE)
        if unknown:
            message = f"rows set aside as '{min(unknown)}' cannot be counted"
            raise LogError(file=self.file, line=None, field="", message=message, allowed=", ".join(TOOK_PLACE))
        also = self.set_aside[self.set_aside["reason"].isin(list(also_counted))]
        frame = pd.concat([self.contacts, also[list(COLUMNS)]]) if len(also) else self.contacts
        chosen = np.ones(len(frame), dtype=bool)
        if weekdays is not None:
            chosen &= frame["weekday"].isin(list(weekdays)).to_numpy()
        if opening_hours_only:
            chosen &= frame["open"].to_numpy()
        return frame[chosen].sort_values(["arrived_ms", "row"], kind="stable", ignore_index=True)

    def works(self) -> pd.DataFrame:
        """Every time a named server was busy, with what servers started themselves.

        Returns
        -------
        pandas.DataFrame
            ``server``, ``kind``, ``from_ms``, ``until_ms`` and ``arrival`` (whether it is one of ``contacts``), by
            server and start.
        """
        kept, aside = self.contacts, self.set_aside[self.set_aside["reason"].isin(TOOK_PLACE)]
        frame = pd.concat([kept.assign(arrival=True), aside.assign(arrival=False)[[*COLUMNS, "arrival"]]])
        frame = frame[(frame["server"] != "") & (frame["served_from_ms"] >= 0)]
        frame = frame.rename(columns={"served_from_ms": "from_ms", "served_until_ms": "until_ms"})
        frame = frame.sort_values(["server", "from_ms", "until_ms", "row"], kind="stable", ignore_index=True)
        return frame[["server", "kind", "from_ms", "until_ms", "arrival"]]


def read_log(path: Path, mapping: Mapping, rules: ReadRules | None = None) -> ContactLog:
    """Read a log.

    A clock time without a date lies as near as possible to the time before it in the row (arrival, start and end of
    the wait, start and end of the service), so a row may pass midnight, and a difference of less than twelve hours
    keeps its sign.

    Who abandoned without ever queueing left inside the voice menu: that is no demand for a server ("left before
    queueing"). Rows whose service columns are filled although the contact abandoned keep their wait and lose the
    service (a remark).

    Parameters
    ----------
    path : pathlib.Path
        The log.
    mapping : Mapping
        What its columns are.
    rules : ReadRules, optional
        What counts as wrong in a row.

    Raises
    ------
    LogError
        If the file cannot be read at all, or no row of it can be used.
    """
    rules = rules or ReadRules()
    parts, unreadable = [], []
    for block in read_blocks(path, mapping, rules.file):
        parts.append(_interpret(block, mapping, rules))
        unreadable += block.unreadable
    rows = pd.concat(parts, ignore_index=True)
    rows_read = len(rows) + len(unreadable)
    if not rows_read:
        raise LogError(file=str(path), line=None, field="", message="the log has no rows", allowed="one per contact")

    rows, first_midnight = _in_log_time(rows, mapping, rules)
    usable = rows["reason"].to_numpy() == ""
    wrong = rows[~usable]
    if unreadable:
        lines = pd.DataFrame({"row": np.asarray(unreadable, dtype=np.int64), **_BLANK, "reason": REASONS[0]})
        wrong = pd.concat([wrong, lines[list(rows.columns)].astype(rows.dtypes)])
    wrong = wrong.sort_values("row", kind="stable", ignore_index=True)
    found = wrong["reason"].value_counts()
    counts = {reason: int(found[reason]) for reason in REASONS if reason in found.index}
    if not usable.any():
        said = ", ".join(f"{count:,} × {reason}" for reason, count in counts.items())
        message = f"none of the {rows_read:,} rows can be used: {said}"
        raise LogError(file=str(path), line=None, field="", message=message, allowed="a mapping that fits the log")

    contacts = rows[usable].sort_values(["arrived_ms", "row"], kind="stable", ignore_index=True)
    stripped = int(contacts["stripped"].sum())
    return ContactLog(
        contacts=contacts[list(COLUMNS)],
        set_aside=wrong[[*COLUMNS, "reason"]],
        first_day=dt.date(1970, 1, 1) + dt.timedelta(days=first_midnight // DAY_MS),
        rows_read=rows_read,
        rows_set_aside=counts,
        remarks={"abandoned, so its service columns were left out": stripped} if stripped else {},
        file=str(path),
    )


_BLANK = {
    **dict.fromkeys(("contact", "kind", "server", "outcome"), ""),
    **dict.fromkeys((*_TIMES, "wait_ms", "day", "weekday"), NONE),
    **dict.fromkeys(("priority_high", "open", "stripped"), False),
}


def _moments(text: list[str], form: str) -> Ints:
    """Milliseconds from 1970, ``_NOT_A_TIME`` where the text is no time."""
    parsed = pd.to_datetime(pd.Series(text, dtype=object), format=form, errors="coerce").to_numpy()
    values: Ints = parsed.astype("datetime64[ms]").astype(np.int64)
    return np.where(np.isnat(parsed), _NOT_A_TIME, values)


def _beside(clock: Ints, before: Ints) -> Ints:
    """Put clock times on the date that brings them nearest to the times before them."""
    both = (clock != _NOT_A_TIME) & (before != _NOT_A_TIME)
    difference = (np.where(both, clock - before, 0) + DAY_MS // 2) % DAY_MS - DAY_MS // 2
    return np.where(both, before + difference, _NOT_A_TIME)


def _interpret(block: Block, mapping: Mapping, rules: ReadRules) -> pd.DataFrame:
    """Turn text into times and find each row's reason, if any; times are still from 1970."""
    text = block.text
    given = {
        column: np.array([cell not in ("", mapping.queued.none) for cell in text[column]], dtype=bool)
        for column in text
    }
    arrived, clock_format = mapping.arrived, mapping.arrived.clock_format
    at = _moments(text[arrived.time], clock_format)
    if arrived.date is not None:
        date = _moments(text[arrived.date], arrived.date_format)
        unreadable = (at == _NOT_A_TIME) | (date == _NOT_A_TIME)
        at = np.where(unreadable, _NOT_A_TIME, date + at % DAY_MS)
    else:
        unreadable = at == _NOT_A_TIME

    # A pair is missing when both of its times are: 0:00:00 alone may be midnight.
    times: list[Ints] = []
    incomplete = np.zeros(len(at), dtype=bool)
    before = at
    for from_column, until_column in (
        (mapping.queued.from_, mapping.queued.until),
        (mapping.served.from_, mapping.served.until),
    ):
        there = given[from_column] | given[until_column]
        for column in (from_column, until_column):
            moment = _moments(text[column], clock_format)
            blank = ~given[column] & (moment == _NOT_A_TIME)
            incomplete |= there & blank
            unreadable |= there & ~blank & (moment == _NOT_A_TIME)
            moment = _beside(moment, before) if arrived.date is not None else moment
            moment = np.where(there, moment, _NOT_A_TIME)
            before = np.where(moment != _NOT_A_TIME, moment, before)
            times.append(moment)
    queued_from, queued_until, served_from, served_until = times

    said = np.array(text[mapping.outcome.column], dtype=object)
    answered, abandoned = np.isin(said, mapping.outcome.answered), np.isin(said, mapping.outcome.abandoned)
    kind = np.array(text[mapping.kind.column], dtype=object)
    server = np.array(text[mapping.served.by], dtype=object)
    server[server == mapping.served.nobody] = ""
    queued = (queued_from != _NOT_A_TIME) & (queued_until != _NOT_A_TIME)
    served = (served_from != _NOT_A_TIME) & (served_until != _NOT_A_TIME) & answered
    wait = np.where(queued, queued_until - queued_from, 0)
    service = np.where(served, served_until - served_from, 0)
    known = at != _NOT_A_TIME
    apart = np.where(served & (known | queued), np.abs(served_from - np.where(queued, queued_until, at)), 0)
    apart = np.maximum(apart, np.where(queued & known, np.abs(queued_from - at), 0))
    holds: dict[str, Flags] = {
        "outcome to ignore": np.isin(said, mapping.outcome.ignore),
        "outcome not in the mapping": ~answered & ~abandoned,
        "time unreadable": unreadable,
        "left before queueing": abandoned & ~queued & ~incomplete,
        "incomplete times": incomplete,
        "negative duration": (wait < 0) | (service < 0),
        "absurd duration": (wait > rules.longest_wait_ms) | (service > rules.longest_service_ms),
        "kind not kept": ~np.isin(kind, mapping.kind.keep),
        "clocks disagree": apart > rules.clocks_apart_ms,
        "answered by nobody": answered & (server == ""),
        "answered without a service time": answered & ~served,
    }
    stripped = abandoned & (times[2] != _NOT_A_TIME)
    high = np.zeros(len(at), dtype=bool)
    if mapping.priority is not None:
        high = np.isin(np.array(text[mapping.priority.column], dtype=object), mapping.priority.high)
    return pd.DataFrame(
        {
            "row": np.asarray(block.rows, dtype=np.int64),
            "contact": np.array(text[mapping.contact], dtype=object),
            "kind": kind,
            **dict(zip(_TIMES, (at, *times[:2], *(np.where(served, t, _NOT_A_TIME) for t in times[2:])), strict=True)),
            "wait_ms": wait,
            "server": np.where(abandoned, "", server),
            "outcome": np.select([answered, abandoned], ["answered", "abandoned"], ""),
            "priority_high": high,
            "stripped": stripped,
            "reason": np.select(list(holds.values()), list(holds), ""),
        }
    )


def _in_log_time(rows: pd.DataFrame, mapping: Mapping, rules: ReadRules) -> tuple[pd.DataFrame, int]:
    """Set far dates aside, then count all times from the first midnight (which is returned, from 1970)."""
    at = rows["arrived_ms"].to_numpy()
    there = at != _NOT_A_TIME
    # One of the dates, not a mean of two: of two dates that are far apart the later one is taken to be right.
    median = int(np.quantile(at[there], 0.5, method="higher")) if there.any() else 0
    near = there & (np.abs(np.where(there, at, median) - median) <= rules.furthest_date_days * DAY_MS)
    reason = rows["reason"].to_numpy(dtype=object)
    late_reasons = ("", *REASONS[REASONS.index("date far from the others") :])
    reason = np.where(there & ~near & np.isin(reason, late_reasons), "date far from the others", reason)
    first = int(at[near].min()) // DAY_MS * DAY_MS if near.any() else 0
    changed: dict[str, object] = {"reason": reason}
    for name in _TIMES:
        moment = rows[name].to_numpy()
        # A time a little before the first midnight, of a row that passes it, is put on it: below zero means none.
        changed[name] = np.where(near & (moment != _NOT_A_TIME), np.maximum(moment - first, 0), NONE)
    at = np.where(near, at - first, NONE)
    day = np.where(near, at // DAY_MS, NONE)
    weekday = np.where(near, (day + dt.date(1970, 1, 1).weekday() + first // DAY_MS) % 7, NONE)
    opens, closes = np.zeros(8, dtype=np.int64), np.zeros(8, dtype=np.int64)  # the last for no weekday
    for which, (from_, until) in mapping.opening_ms.items():
        opens[which], closes[which] = from_, until
    of_day = at % DAY_MS
    changed.update(day=day, weekday=weekday, open=near & (opens[weekday] <= of_day) & (of_day < closes[weekday]))
    return rows.assign(**changed), first
