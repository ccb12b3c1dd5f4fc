"""A record that does not add up is caught, whichever way it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from test_measures_by_hand import ANN, BEN, COMPLAINT, DESK, EVE, RODE, SERVED, S, morning

from sim.measures import ConservationError, assert_conserved, conservation
from sim.measures.servers import open_leads
from sim.service.record import Record
from sim.service.tables import (
    NONE,
    ClockRows,
    Items,
    Marks,
    Outcome,
    ServerTime,
    Trace,
    VisitEnd,
    Visits,
    concatenate,
    table,
    take,
)


def with_visits(record: Record, change: Callable[[Visits], Visits]) -> Record:
    """The record with other ended visits."""
    return replace(record, trace=replace(record.trace, visits=change(record.trace.visits)))


def with_items(record: Record, change: Callable[[Items], Items]) -> Record:
    """The record with other ended items."""
    return replace(record, trace=replace(record.trace, items=change(record.trace.items)))


def setting(column: str, item: int, value: int, row: int = 0) -> Callable[[Items | Visits], Items | Visits]:
    """Set one value in the row (of several: the given one) of an item."""

    def change(rows: Items | Visits) -> Items | Visits:
        values = getattr(rows, column).copy()
        values[np.flatnonzero(rows.item == item)[row]] = value
        return replace(rows, **{column: values})

    return change


def without(item: int) -> Callable[[Items | Visits], Items | Visits]:
    """Drop an item's rows."""
    return lambda rows: take(rows, rows.item != item)


def with_server_time(column: str, server: int, more: int) -> Record:
    """The record with another account of a server by the engine."""
    record = morning()
    values = getattr(record.server_time, column).copy()
    values[server] += more
    return replace(record, server_time=replace(record.server_time, **{column: values}))


BROKEN = {
    "an item was lost": (
        lambda: with_items(morning(), without(4)),
        "kind question: 11 arrivals + 0 spawned, but 8 closed + 1 abandoned + 1 open",
    ),
    "an arrival left no item": (
        lambda: with_items(morning(), without(4)),
        "kind question: an arrival at 600000 ms left no item",
    ),
    "an item changed its kind": (
        lambda: with_items(morning(), setting("kind", 4, COMPLAINT)),
        "kind complaint: an item at 600000 ms came from nowhere",
    ),
    "an item came from nowhere": (
        lambda: with_items(
            morning(),
            lambda i: concatenate([i, replace(take(i, i.item == 4), item=np.array([99]), case=np.array([99]))]),
        ),
        "kind question: an item at 600000 ms came from nowhere",
    ),
    "an item more than the engine's integral knows": (
        lambda: with_items(morning(), lambda i: concatenate([i, replace(take(i, i.item == 4), item=np.array([99]))])),
        "items were in the system for 5493000 ms by their rows, 5463000 ms by the engine",
    ),
    "an item is there twice": (
        lambda: with_items(morning(), lambda i: concatenate([i, take(i, i.item == 4)])),
        "item 4 is there 2 times",
    ),
    "an item ended later than the engine's integral says": (
        lambda: with_items(morning(), setting("ended", 4, 640 * S)),
        "items were in the system for 5473000 ms by their rows, 5463000 ms by the engine",
    ),
    "an item ended before it arrived": (
        lambda: with_items(morning(), setting("ended", 4, 590 * S)),
        "trace: item 4, arrived 600000 ms, ended 590000 ms",
    ),
    "an item ended without an outcome": (
        lambda: with_items(morning(), setting("outcome", 4, Outcome.OPEN)),
        "trace: item 4, arrived 600000 ms",
    ),
    "a visit lies outside its item's stay": (
        lambda: with_visits(morning(), setting("requested", 0, 99 * S)),
        "visit of item 0 from 99000 to 400000 ms is not within its stay from 100000 to 400000 ms",
    ),
    "a visit is longer than its item's stay": (
        lambda: with_items(morning(), setting("ended", 0, 399 * S)),
        "visit of item 0 from 100000 to 400000 ms is not within its stay from 100000 to 399000 ms",
    ),
    "a visit's item does not exist": (
        lambda: with_visits(morning(), setting("item", 0, 77)),
        "visit of item 77, which is not there",
    ),
    "an open visit's item has ended": (
        lambda: replace(
            morning(),
            open_rows=replace(morning().open_rows, visits=setting("item", 16, 4)(morning().open_rows.visits)),  # type: ignore[arg-type]
        ),
        "open visit of item 4",
    ),
    "a grant comes before its request": (
        lambda: with_visits(morning(), setting("granted", 1, 209 * S)),
        "trace: visit of item 1, requested 210000 ms, granted 209000 ms",
    ),
    "an abandoned visit has a server": (
        lambda: with_visits(morning(), setting("server", 2, ANN)),
        "trace: visit of item 2, requested 300000 ms, granted -1 ms",
    ),
    "a visit was never written": (
        lambda: with_visits(morning(), without(9)),
        "server 0: time busy is 500000 ms by the rows and windows, 610000 ms by the engine",
    ),
    "a server was released too late": (
        lambda: with_server_time("slot_time", ANN, 1),
        "server 0: slot time is 785000 ms by the rows and windows, 785001 ms by the engine",
    ),
    "the engine's busy time is off": (
        lambda: with_server_time("busy", BEN, -1),
        "server 1: presence 5400000 + overtime 0 is not busy 2129999 + idle 3270000 ms",
    ),
    "the engine's idle time is off": (
        lambda: with_server_time("idle", BEN, 1),
        "server 1: presence 5400000 + overtime 0 is not busy 2130000 + idle 3270001 ms",
    ),
    "the engine's presence is off": (
        lambda: with_server_time("present", EVE, 1),
        "server 2: scheduled presence is 7200000 ms by the rows and windows, 7200001 ms by the engine",
    ),
    "the engine's overtime is off": (
        lambda: with_server_time("overtime", ANN, -1),
        "server 0: overtime is 100000 ms by the rows and windows, 99999 ms by the engine",
    ),
    "a server holds more than its slots": (
        lambda: replace(morning(), servers=replace(morning().servers, slots=np.array([1, 1, 1], dtype=np.int32))),
        "server 0: holds 2 items at once, with 1 slots",
    ),
    "a rider is counted as a service of its own": (
        lambda: with_visits(morning(), setting("end", 11, VisitEnd.SERVED)),
        "server 1: slot time is 2230000 ms by the rows and windows, 2130000 ms by the engine",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_record_is_caught(what: str) -> None:
    make, sentence = BROKEN[what]
    record = make()
    with pytest.raises(ConservationError) as caught:
        assert_conserved(record)
    assert sentence in str(caught.value)


def test_a_sound_record_passes() -> None:
    assert_conserved(morning())


def test_items_that_fit_no_arrival_pass_as_spawned_only_when_their_case_is_an_earlier_items() -> None:
    record = with_items(morning(), setting("case", 13, 13))
    assert any("kind call_back: an item at 3000000 ms came from nowhere" in line for line in conservation(record))


def test_many_offenders_of_one_kind_are_counted_not_listed() -> None:
    record = with_visits(morning(), lambda v: replace(v, requested=np.full_like(v.requested, -1)))
    assert len(conservation(record)) == 4
    assert conservation(record)[-1] == "… and 14 more of that"


def test_two_items_released_and_taken_in_one_millisecond_do_not_count_as_held_at_once() -> None:
    # Ben releases 12 at 5100 s and takes 10 then; with one slot that is no more than one at a time.
    assert conservation(morning()) == []


def open_batches(rows: list[tuple[int, int, int]], slot_seconds: int) -> Record:
    """A record in which open visits (item, granted, topic) may ride along."""
    visits = [(i, DESK, DESK, BEN, 0, granted * S, NONE, 0, 0, NONE) for i, granted, _ in rows]
    items = [(i, i, i, 0, NONE, COMPLAINT, topic, NONE) for i, _, topic in rows]
    zeros = np.zeros(3, dtype=np.int64)
    nothing = Trace(table(Visits, []), table(Items, []), table(ClockRows, []), table(Marks, []))
    return replace(
        morning(),
        servers=replace(morning().servers, slots=np.array([2, 4, 1], dtype=np.int32)),
        trace=nothing,
        open_rows=Trace(table(Visits, visits), table(Items, items), nothing.clocks, nothing.marks),
        server_time=ServerTime(zeros, zeros, zeros, zeros, np.array([0, slot_seconds * S, 0])),
        until_ms=100 * S,
    )


@pytest.mark.parametrize(
    ("rows", "slot_seconds", "leads"),
    [
        ([(0, 40, 1), (1, 50, 1)], 110, [True, True]),  # two grants: two leads
        ([(0, 40, 1), (1, 40, 2)], 120, [True, True]),  # two questions: two leads
        ([(0, 40, 1), (1, 40, 1)], 60, [True, False]),  # one rides along
        ([(0, 40, 1), (1, 40, 1)], 120, [True, True]),  # two batches of one in the same millisecond
        ([(0, 40, 1), (1, 40, 1), (2, 70, 2), (3, 70, 2)], 60 + 60, [True, False, True, True]),
        ([(0, 40, 1), (1, 40, 1), (2, 70, 2), (3, 70, 2)], 120 + 30, [True, True, True, False]),
        ([(0, 40, 1), (1, 40, 1), (2, 40, 1)], 77, [True, False, False]),  # nothing fits: the check will say so
    ],
)
def test_among_open_visits_those_that_ride_along_are_told_by_the_servers_slot_time(
    rows: list[tuple[int, int, int]], slot_seconds: int, leads: list[bool]
) -> None:
    assert open_leads(open_batches(rows, slot_seconds)).tolist() == leads


def test_a_ride_on_a_broken_lead_shows_in_the_slot_time() -> None:
    record = open_batches([(0, 40, 1), (1, 40, 1), (2, 40, 1)], 77)
    assert any("server 1: slot time is 60000 ms by the rows and windows, 77000 ms" in s for s in conservation(record))


def test_rows_that_rode_along_and_led_are_both_in_the_morning() -> None:
    ends = morning().trace.visits.end
    assert np.count_nonzero(ends == RODE) == 1
    assert np.count_nonzero(ends == SERVED) == 14
