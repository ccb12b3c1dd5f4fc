"""The rules of ``sim.service.rules``, one by one, on networks so small that every row can be worked out by hand.

Times are in seconds from midnight, work and waits are constant; ``served`` rows are (item, step, server, requested,
granted, ended), in the order in which the engine wrote them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import draws
from sim.consistency import check
from sim.naming import stable_hash
from sim.run import ENGINES, join, make_engine, replicate
from sim.scenario import Scenario
from sim.service.arrivals import arrivals_of_day
from sim.service.build import build
from sim.service.presence import windows
from sim.service.record import Record
from sim.service.tables import NONE, ClockEnd, Outcome, Trace, VisitEnd


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn: the rules are the same."""
    return str(request.param)


Steps = list[dict[str, Any]]


# ── writing a network down ───────────────────────────────────────────────────────────────────────────────────────────


def constant(seconds: float) -> dict[str, object]:
    return {"family": "constant", "value_s": seconds}


def serve(seconds: float, step: str = "work", station: str = "desk", **fields: Any) -> dict[str, Any]:
    return {"do": "serve", "step": step, "station": station, "duration": constant(seconds), **fields}


def seize(step: str, station: str = "desk", **fields: Any) -> dict[str, Any]:
    return {"do": "seize", "step": step, "station": station, **fields}


def work(seconds: float, step: str) -> dict[str, Any]:
    return {"do": "work", "step": step, "duration": constant(seconds)}


def wait(seconds: float, step: str = "pause") -> dict[str, Any]:
    return {"do": "wait", "step": step, "duration": constant(seconds)}


def mark(moment: str, step: str | None = None) -> dict[str, Any]:
    return {"do": "mark", "moment": moment, "step": step}


def level(name: str) -> dict[str, Any]:
    return {"do": "level", "level": name}


def end(outcome: str = "done", step: str | None = None) -> dict[str, Any]:
    return {"do": "end", "outcome": outcome, "step": step}


RELEASE = {"do": "release"}


def source(kind: str, *times: float, **fields: Any) -> dict[str, Any]:
    return {"source": f"{kind}{fields.get('level', '')}", "kind": kind, "times_s": list(times), **fields}


def pool(servers: int = 1, *more: dict[str, Any], slow: tuple[float, ...] = (1.0,), **fields: Any) -> dict[str, Any]:
    groups = [{"group": "first", "servers": servers, **fields}]
    groups += [{"group": f"more{i}", **group} for i, group in enumerate(more)]
    return {"groups": groups, "slow_factors": list(slow)}


def route(*pools: str | tuple[str, float], **fields: Any) -> dict[str, Any]:
    rows = [{"pool": p} if isinstance(p, str) else {"pool": p[0], "after_s": p[1]} for p in pools]
    return {"route": rows, **fields}


def scenario(journeys: dict[str, Steps], arrivals: list[dict[str, Any]], **parts: Any) -> Scenario:
    made = Scenario.model_validate(
        {
            "name": "rules",
            "horizon": {"days": 1},
            "levels": ["urgent", "normal"],
            "pools": {"agents": pool()},
            "stations": {"desk": route("agents")},
            "kinds": {kind: {} for kind in journeys},
            "regime": "only",
            "regimes": {"only": journeys},
            "arrivals": arrivals,
            **parts,
        }
    )
    assert check(made) == []
    return made


def run(engine: str, journeys: dict[str, Steps], arrivals: list[dict[str, Any]], **parts: Any) -> Record:
    return replicate(build(scenario(journeys, arrivals, **parts)), 1, 0, engine=engine)


def seconds(ms: int) -> float | None:
    return None if ms == NONE else ms // 1000 if ms % 1000 == 0 else ms / 1000


def visits(record: Record, *, ends: tuple[VisitEnd, ...], still: bool = False) -> list[tuple[object, ...]]:
    rows = record.open_rows.visits if still else record.trace.visits
    return [
        (
            int(rows.item[i]),
            record.names.steps[rows.step[i]],
            int(rows.server[i]),
            *(seconds(int(column[i])) for column in (rows.requested, rows.granted, rows.ended)),
        )
        for i in range(rows.item.size)
        if rows.end[i] in ends
    ]


def served(record: Record) -> list[tuple[object, ...]]:
    return visits(record, ends=(VisitEnd.SERVED,))


def abandoned(record: Record) -> list[tuple[object, ...]]:
    return visits(record, ends=(VisitEnd.ABANDONED,))


def grants(record: Record) -> list[tuple[int, int, float | None]]:
    """(item, server, granted) by time of grant."""
    return sorted(((row[0], row[2], row[4]) for row in served(record)), key=lambda row: (row[2], row[0]))  # type: ignore[arg-type, return-value]


def marks(record: Record) -> list[tuple[int, str, float | None]]:
    rows = record.trace.marks
    return [
        (int(rows.item[i]), record.names.moments[rows.moment[i]], seconds(int(rows.t[i])))
        for i in range(rows.item.size)
    ]


def clocks(record: Record) -> list[tuple[object, ...]]:
    """(item, clock, started, ended, how)."""
    rows = record.trace.clocks
    return [
        (
            int(rows.item[i]),
            record.names.clocks[rows.clock[i]],
            seconds(int(rows.started[i])),
            seconds(int(rows.ended[i])),
            ClockEnd(rows.end[i]).name.lower(),
        )
        for i in range(rows.item.size)
    ]


def ended(record: Record) -> list[tuple[int, float | None, str]]:
    rows = record.trace.items
    return [
        (int(rows.item[i]), seconds(int(rows.ended[i])), Outcome(rows.outcome[i]).name.lower())
        for i in range(rows.item.size)
    ]


# ── choice of work ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_is_chosen_by_priority_then_request_time_then_number(engine: str) -> None:
    calls = [source("call", 0, 1, 3, 3, level="normal"), source("call", 2, level="urgent")]
    assert served(run(engine, {"call": [serve(10), end()]}, calls)) == [
        (0, "work", 0, 0, 0, 10),
        (2, "work", 0, 2, 10, 20),
        (1, "work", 0, 1, 20, 30),
        (3, "work", 0, 3, 30, 40),
        (4, "work", 0, 3, 40, 50),
    ]


def test_a_head_start_counts_as_time_waited_and_ties_go_to_the_lower_number(engine: str) -> None:
    lanes = {"urgent": {"priority": 0, "head_start_s": 5}, "normal": {"priority": 0}}
    calls = [source("call", 0, 1, level="normal"), source("call", 3, 6, level="urgent"), source("call", 7)]
    calls[2] = source("late", 7, level="normal")
    found = run(
        engine,
        {"call": [serve(10), end()], "late": [serve(10), end()]},
        calls,
        stations={"desk": route("agents", levels=lanes)},
    )
    # Ranks: item 1 at 1, item 2 at 3 − 5, item 3 at 6 − 5 = 1, item 4 at 7.
    assert [row[0] for row in served(found)] == [0, 2, 1, 3, 4]


def test_a_server_chooses_over_all_stations_that_route_to_its_pool(engine: str) -> None:
    journeys = {"a": [serve(10, "a", "left"), end()], "b": [serve(10, "b", "right"), end()]}
    stations = {"left": route("agents"), "right": route("agents")}
    found = run(engine, journeys, [source("a", 0, 2), source("b", 1, 3)], stations=stations)
    assert [row[0] for row in served(found)] == [0, 1, 2, 3]


def test_whoever_waits_goes_before_who_comes_in_the_same_instant(engine: str) -> None:
    found = run(engine, {"call": [serve(10), end()]}, [source("call", 0, 5, 10, 20)])
    assert grants(found) == [(0, 0, 0), (1, 0, 10), (2, 0, 20), (3, 0, 30)]


def test_skills_are_needed(engine: str) -> None:
    journeys = {"plain": [serve(10, "plain"), end()], "special": [serve(10, "special", "expert_desk"), end()]}
    stations = {"desk": route("agents"), "expert_desk": route("agents", needs=["expert"])}
    found = run(
        engine,
        journeys,
        [source("special", 0, 1), source("plain", 2)],
        skills=["expert"],
        pools={"agents": pool(1, {"servers": 1, "skills": ["expert"]})},
        stations=stations,
    )
    assert grants(found) == [(0, 1, 0), (2, 0, 2), (1, 1, 10)]


# ── choice of server ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_server_who_is_idle_longest_is_chosen_then_the_lower_number(engine: str) -> None:
    journeys = {"a": [serve(10, "a"), end()], "b": [serve(5, "b"), end()], "c": [serve(7, "c"), end()]}
    calls = [source("a", 0, 20), source("b", 0, 20), source("c", 0, 20)]
    found = run(engine, journeys, calls, pools={"agents": pool(3)})
    assert grants(found) == [(0, 0, 0), (1, 1, 0), (2, 2, 0), (3, 1, 20), (4, 2, 20), (5, 0, 20)]


def test_coming_on_counts_as_a_change(engine: str) -> None:
    agents = pool(1, {"servers": 1}, presence={"mon-sun": ["01:00-02:00"]})
    found = run(engine, {"call": [serve(10), end()]}, [source("call", 4000, 4000)], pools={"agents": agents})
    assert grants(found) == [(0, 1, 4000), (1, 0, 4000)]


def test_fewest_items_held_goes_before_longest_idle(engine: str) -> None:
    found = run(
        engine, {"call": [serve(100), end()]}, [source("call", 0, 1, 2, 3, 4)], pools={"agents": pool(2, slots=2)}
    )
    assert grants(found) == [(0, 0, 0), (1, 1, 1), (2, 0, 2), (3, 1, 3), (4, 0, 100)]


def test_fewest_items_held_goes_before_longest_idle_even_for_who_has_just_given(engine: str) -> None:
    journeys = {"long": [serve(100, "long"), end()], "short": [serve(5, "short"), end()]}
    found = run(engine, journeys, [source("long", 0), source("short", 1, 10)], pools={"agents": pool(2, slots=2)})
    # At 10, server 0 has held one item since 0; server 1 holds none, but gave back its last at 6.
    assert grants(found) == [(0, 0, 0), (1, 1, 1), (2, 1, 10)]


def test_pools_are_tried_in_the_order_of_the_route(engine: str) -> None:
    found = run(
        engine,
        {"call": [serve(10), end()]},
        [source("call", 0, 0, 0)],
        pools={"first": pool(1), "second": pool(1)},
        stations={"desk": route("second", "first")},
    )
    assert grants(found) == [(0, 1, 0), (1, 0, 0), (2, 1, 10)]


# ── route ages ───────────────────────────────────────────────────────────────────────────────────────────────────────

TWO_POOLS = {"near": pool(1), "far": pool(1)}
OVERFLOW = {"desk": route("near", ("far", 10.0))}


def test_a_later_pool_serves_when_the_wait_reaches_its_age(engine: str) -> None:
    found = run(engine, {"call": [serve(100), end()]}, [source("call", 0, 5, 6)], pools=TWO_POOLS, stations=OVERFLOW)
    # Item 1 has waited 10 s at 15; at 16 the far server is busy, and the near one is free first.
    assert grants(found) == [(0, 0, 0), (1, 1, 15), (2, 0, 100)]


def test_a_route_age_is_inclusive_when_a_server_chooses(engine: str) -> None:
    journeys = {"call": [serve(100), end()], "own": [serve(15, "own", "own_desk"), end()]}
    found = run(
        engine,
        journeys,
        [source("call", 0, 5), source("own", 0, 6)],
        pools=TWO_POOLS,
        stations={**OVERFLOW, "own_desk": route("far")},
    )
    # At 15 the far server chooses between item 2 (asked at 5, waited exactly 10 s) and item 3 (asked at 6).
    assert grants(found) == [(0, 0, 0), (1, 1, 0), (2, 1, 15), (3, 1, 115)]


def test_a_server_who_is_free_before_the_age_does_not_take_the_request(engine: str) -> None:
    journeys = {"call": [serve(100), end()], "own": [serve(14, "own", "own_desk"), end()]}
    found = run(
        engine,
        journeys,
        [source("call", 0, 5), source("own", 0, 6)],
        pools=TWO_POOLS,
        stations={**OVERFLOW, "own_desk": route("far")},
    )
    assert grants(found) == [(0, 0, 0), (1, 1, 0), (3, 1, 14), (2, 1, 28)]


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────

MORNING_AND_NOON = {"mon-sun": ["08:00-09:00", "12:00-13:00"]}


def test_a_server_whose_shift_ends_finishes_and_takes_nothing_more(engine: str) -> None:
    found = run(
        engine,
        {"call": [serve(60), end()]},
        [source("call", 32_390, 32_391)],
        pools={"agents": pool(1, presence=MORNING_AND_NOON)},
    )
    assert served(found) == [(0, "work", 0, 32_390, 32_390, 32_450), (1, "work", 0, 32_391, 43_200, 43_260)]
    assert found.server_time.overtime.tolist() == [50_000]
    assert found.server_time.busy.tolist() == [120_000]
    assert found.server_time.idle.tolist() == [7_200_000 - 10_000 - 60_000]


def test_nobody_takes_work_at_the_instant_a_shift_ends(engine: str) -> None:
    found = run(
        engine,
        {"call": [serve(10), end()]},
        [source("call", 32_390, 32_391)],
        pools={"agents": pool(1, presence=MORNING_AND_NOON)},
    )
    assert grants(found) == [(0, 0, 32_390), (1, 0, 43_200)]


def test_who_comes_on_serves_who_waits_at_once(engine: str) -> None:
    found = run(
        engine,
        {"call": [serve(10), end()]},
        [source("call", 28_800, 5, 6)],
        pools={"agents": pool(2, presence=MORNING_AND_NOON)},
    )
    assert grants(found) == [(0, 0, 28_800), (1, 1, 28_800), (2, 0, 28_810)]


def test_who_comes_on_serves_whose_patience_ends_in_that_instant(engine: str) -> None:
    evening = {"mon-sun": ["18:00-19:00"]}
    found = run(
        engine,
        {"call": [serve(10, patience=constant(10)), end()]},
        [source("call", 28_790)],
        pools={"agents": pool(1, {"servers": 1, "presence": MORNING_AND_NOON}, presence=evening)},
    )
    assert grants(found) == [(0, 1, 28_800)]


def test_what_waits_at_the_end_of_the_run_is_open(engine: str) -> None:
    found = run(engine, {"call": [serve(100), end()]}, [source("call", 86_350, 86_360)])
    assert served(found) == []
    assert visits(found, ends=(VisitEnd.OPEN,), still=True) == [
        (0, "work", 0, 86_350, 86_350, None),
        (1, "work", NONE, 86_360, None, None),
    ]
    assert found.open_rows.items.item.tolist() == [0, 1]
    assert found.item_time_ms == 50_000 + 40_000


# ── patience ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("patience", "is_served"), [(9.999, False), (10, True)])
def test_who_is_granted_in_the_tick_in_which_patience_ends_is_served(
    engine: str, patience: float, is_served: bool
) -> None:
    steps = [serve(10, patience=constant(patience), impatient_to="gone"), end(), end("abandoned", "gone")]
    found = run(engine, {"call": steps}, [source("call", 0, 0)])
    assert served(found)[1:] == ([(1, "work", 0, 0, 10, 20)] if is_served else [])
    assert abandoned(found) == ([] if is_served else [(1, "work", NONE, 0, None, 9.999)])


def test_a_route_age_in_the_tick_in_which_patience_ends_comes_first(engine: str) -> None:
    steps = [serve(100, patience=constant(10)), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 5)], pools=TWO_POOLS, stations=OVERFLOW)
    assert grants(found) == [(0, 0, 0), (1, 1, 15)]


def test_who_has_no_patience_is_served_if_a_server_is_free(engine: str) -> None:
    steps = [serve(10, patience=constant(0)), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 5, 10)])
    assert grants(found) == [(0, 0, 0), (2, 0, 10)]
    assert abandoned(found) == [(1, "work", NONE, 5, None, 5)]
    assert ended(found) == [(1, 5, "abandoned"), (0, 10, "done"), (2, 20, "done")]


def test_patience_leads_elsewhere_and_may_come_back(engine: str) -> None:
    steps = [
        serve(100, patience=constant(5), impatient_to="later"),
        end(),
        wait(50, "later"),
        {"do": "go", "to": "work"},
    ]
    found = run(engine, {"call": steps}, [source("call", 0, 10)])
    assert abandoned(found) == [(1, "work", NONE, 10, None, 15), (1, "work", NONE, 65, None, 70)]
    assert served(found) == [(0, "work", 0, 0, 0, 100), (1, "work", 0, 120, 120, 220)]


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_gives_a_server_goes_on_until_it_blocks_before_who_was_granted(engine: str) -> None:
    steps = [seize("talk"), mark("granted"), work(10, "talking"), RELEASE, mark("released"), wait(1), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 1)])
    assert marks(found) == [(0, "granted", 0), (0, "released", 10), (1, "granted", 10), (1, "released", 20)]


def test_an_item_that_is_served_at_once_does_not_pause(engine: str) -> None:
    steps = [seize("talk"), mark("granted"), work(0, "talking"), RELEASE, mark("released"), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 0)], pools={"agents": pool(2)})
    # Item 0 blocks in its work of 0 ms; its end is a STEP of this tick, before item 1 arrives.
    assert marks(found) == [(0, "granted", 0), (0, "released", 0), (1, "granted", 0), (1, "released", 0)]


def test_several_who_are_granted_in_one_instant_go_on_first_in_first_out(engine: str) -> None:
    journeys = {
        "long": [serve(100, "long"), end()],
        "call": [seize("talk"), mark("granted"), work(10, "talking"), end()],
    }
    agents = pool(3, presence={"mon-sun": ["01:00-02:00"]})
    calls = [source("call", 1, 2, level="normal"), source("call", 3, level="urgent")]
    found = run(engine, journeys, calls, pools={"agents": agents})
    assert marks(found) == [(2, "granted", 3600), (0, "granted", 3600), (1, "granted", 3600)]


def test_end_gives_back_what_is_held_in_reverse_order(engine: str) -> None:
    steps = [seize("outer"), seize("inner", "back"), work(10, "both"), end()]
    found = run(
        engine,
        {"call": steps},
        [source("call", 0)],
        pools={"agents": pool(1), "suppliers": pool(1)},
        stations={"desk": route("agents"), "back": route("suppliers")},
    )
    assert served(found) == [(0, "inner", 1, 0, 0, 10), (0, "outer", 0, 0, 0, 10)]


def test_a_consultation_keeps_the_first_server_seized(engine: str) -> None:
    steps = [seize("talk"), work(5, "ask"), serve(20, "consult", "back"), work(5, "tell"), RELEASE, end()]
    found = run(
        engine,
        {"call": steps},
        [source("call", 0, 0)],
        pools={"agents": pool(1), "suppliers": pool(1)},
        stations={"desk": route("agents"), "back": route("suppliers")},
    )
    assert served(found) == [
        (0, "consult", 1, 5, 5, 25),
        (0, "talk", 0, 0, 0, 30),
        (1, "consult", 1, 35, 35, 55),
        (1, "talk", 0, 0, 30, 60),
    ]


def test_each_visit_of_a_step_draws_anew_under_its_own_number(engine: str) -> None:
    steps = [
        {"do": "serve", "step": "work", "station": "desk", "duration": {"family": "exponential", "mean_s": 60}},
        {"do": "branch", "step": "again", "options": [{"share": 0.7, "to": "work"}]},
        end(),
    ]
    network = build(scenario({"call": steps}, [source("call", 0, 3600, 7200)]))
    record = replicate(network, 5, 6, engine=engine)
    key = dict(zip(record.trace.items.item.tolist(), record.trace.items.draw_key.tolist(), strict=True))
    rows, count = record.trace.visits, dict.fromkeys(key, 0)
    d = network.tables.durations
    for item, spent in zip(rows.item.tolist(), (rows.ended - rows.granted).tolist(), strict=True):
        purpose = stable_hash("work:work")
        assert spent == draws.duration_ms(5, 6, key[item], purpose, count[item], 0, d.span, d.component, d.knot)
        again = draws.uniform_of(5, 6, key[item], stable_hash("again"), count[item]) < 0.7
        count[item] += 1
        assert again == (count[item] < np.count_nonzero(rows.item == item))
    assert max(count.values()) > 1


def test_a_branch_reads_the_queue_of_shared_lanes_at_all_levels(engine: str) -> None:
    steps = [
        {"do": "branch_queue", "station": "desk", "at_least": 2, "to": "full"},
        serve(10),
        end(),
        end("blocked", "full"),
    ]
    calls = [source("call", 0, 1, level="normal"), source("call", 2, level="urgent"), source("late", 3, 10)]
    found = run(engine, {"call": steps, "late": steps}, calls)
    assert [row for row in ended(found) if row[2] == "blocked"] == [(3, 3, "blocked")]


# ── slots and pace ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_work_is_stretched_by_what_is_held_when_it_starts_and_divided_by_pace(engine: str) -> None:
    found = run(
        engine,
        {"chat": [serve(100), end()]},
        [source("chat", 0, 10, 20, 85)],
        pools={"agents": pool(1, slots=3, speed=1.25, slow=(1.0, 1.5, 2.0))},
    )
    # 100 / 1.25 = 80; with two 120, with three 160; when the fourth comes the first has gone, so it is the third again.
    assert served(found) == [
        (0, "work", 0, 0, 0, 80),
        (1, "work", 0, 10, 10, 130),
        (2, "work", 0, 20, 20, 180),
        (3, "work", 0, 85, 85, 245),
    ]
    assert found.server_time.busy.tolist() == [245_000]
    assert found.server_time.slot_time.tolist() == [80_000 + 120_000 + 160_000 + 160_000]


def test_work_is_rounded_to_the_millisecond_half_up(engine: str) -> None:
    found = run(engine, {"chat": [serve(1), end()]}, [source("chat", 0)], pools={"agents": pool(1, speed=1.5)})
    assert served(found) == [(0, "work", 0, 0, 0, 0.667)]


def test_the_last_slow_factor_holds_beyond(engine: str) -> None:
    found = run(
        engine,
        {"chat": [serve(100), end()]},
        [source("chat", 0, 0, 0)],
        pools={"agents": pool(1, slots=3, slow=(1.0, 1.5))},
    )
    assert [row[5] for row in served(found)] == [100, 150, 150]


# ── ownership ────────────────────────────────────────────────────────────────────────────────────────────────────────


def owned(**second: Any) -> Steps:
    return [serve(10, "first", own=True), wait(90), serve(10, "second", prefer="owner", **second), end()]


def busy_with(times: float) -> Steps:
    return [serve(times, "other"), end()]


def test_the_owner_is_asked_first_even_if_another_is_idle_longer(engine: str) -> None:
    found = run(engine, {"call": owned()}, [source("call", 0)], pools={"agents": pool(3)})
    assert served(found) == [(0, "first", 0, 0, 0, 10), (0, "second", 0, 100, 100, 110)]


def test_a_request_to_a_busy_owner_falls_back_to_the_route_after_its_time(engine: str) -> None:
    journeys = {"call": owned(fallback_s=5), "other": busy_with(50)}
    found = run(engine, journeys, [source("call", 0), source("other", 60, 60, 60)], pools={"agents": pool(3)})
    # All three are busy until 110; the fallback at 105 finds nobody, and the route's first free server is number 1.
    assert served(found)[-1] == (0, "second", 1, 100, 110, 120)


def test_fallback_goes_to_another_server_in_its_tick(engine: str) -> None:
    journeys = {"call": owned(fallback_s=5), "other": busy_with(50)}
    found = run(engine, journeys, [source("call", 0), source("other", 20, 90)], pools={"agents": pool(2)})
    # Server 1 serves from 20 to 70, the owner (idle since 10) from 90 to 140; at 105 server 1 is free.
    assert (0, "second", 1, 100, 105, 115) in served(found)


def test_without_fallback_the_request_waits_for_its_owner(engine: str) -> None:
    journeys = {"call": owned(), "other": busy_with(50)}
    found = run(engine, journeys, [source("call", 0), source("other", 20, 90)], pools={"agents": pool(2)})
    assert served(found)[-1] == (0, "second", 0, 100, 140, 150)


def test_private_requests_compete_by_rank_without_precedence(engine: str) -> None:
    journeys = {"call": owned(), "other": busy_with(50)}
    found = run(engine, journeys, [source("call", 0), source("other", 60, 99, 101)])
    # At 110 wait item 2 (shared, since 99), item 0 (private, since 100), item 3 (shared, since 101).
    assert grants(found)[2:] == [(2, 0, 110), (0, 0, 160), (3, 0, 170)]


def test_private_requests_do_not_count_in_the_queue(engine: str) -> None:
    full = [
        {"do": "branch_queue", "station": "desk", "at_least": 1, "to": "full"},
        serve(5),
        end(),
        end("blocked", "full"),
    ]
    journeys = {"call": owned(), "other": busy_with(50), "late": full}
    found = run(engine, journeys, [source("call", 0), source("other", 60), source("late", 105, 106)])
    assert [row for row in ended(found) if row[2] == "blocked"] == [(3, 106, "blocked")]


@pytest.mark.parametrize(("if_absent", "server", "granted"), [("route", 1, 36_000), ("wait", 0, 43_200)])
def test_an_absent_owner(engine: str, if_absent: str, server: int, granted: int) -> None:
    steps = [serve(10, "first", own=True), wait(7190), serve(10, "second", prefer="owner", if_absent=if_absent), end()]
    agents = pool(1, {"servers": 1, "presence": {"mon-sun": ["09:00-12:00"]}}, presence=MORNING_AND_NOON)
    found = run(engine, {"call": steps}, [source("call", 28_800)], pools={"agents": agents})
    assert served(found) == [
        (0, "first", 0, 28_800, 28_800, 28_810),
        (0, "second", server, 36_000, granted, granted + 10),
    ]


def test_an_owner_without_the_stations_skills_is_passed_over(engine: str) -> None:
    steps = [serve(10, "first", own=True), serve(10, "second", "expert_desk", prefer="owner", if_absent="wait"), end()]
    found = run(
        engine,
        {"call": steps},
        [source("call", 0)],
        skills=["expert"],
        pools={"agents": pool(1, {"servers": 1, "skills": ["expert"]})},
        stations={"desk": route("agents"), "expert_desk": route("agents", needs=["expert"])},
    )
    assert served(found) == [(0, "first", 0, 0, 0, 10), (0, "second", 1, 10, 10, 20)]


# ── home servers and notices ─────────────────────────────────────────────────────────────────────────────────────────


def at_home(seconds_of_work: float = 10, **fields: Any) -> Steps:
    return [serve(seconds_of_work, prefer="home", **fields), end()]


def goods(*clock: str) -> dict[str, Any]:
    """One item for each leader at each clock time."""
    return {"source": "goods", "kind": "goods", "at": list(clock), "for_each_server_of": "leaders"}


HOME = {"pools": {"agents": pool(1), "leaders": pool(2)}}


def test_a_request_is_noticed_later_even_by_a_free_server(engine: str) -> None:
    found = run(engine, {"goods": at_home(notice=constant(5))}, [goods("00:00")], **HOME)
    assert served(found) == [(0, "work", 1, 0, 5, 15), (1, "work", 2, 0, 5, 15)]


def test_an_unnoticed_request_is_not_taken_by_a_server_who_becomes_free(engine: str) -> None:
    journeys = {"goods": at_home(notice=constant(70)), "busy": [serve(10, "other", "leaders_desk"), end()]}
    stations = {"desk": route("agents"), "leaders_desk": route("leaders")}
    found = run(engine, journeys, [goods("00:01"), source("busy", 58, 58)], stations=stations, **HOME)
    assert grants(found) == [(0, 1, 58), (1, 2, 58), (2, 1, 130), (3, 2, 130)]


def test_a_request_that_is_noticed_by_a_busy_server_waits_for_it(engine: str) -> None:
    journeys = {"goods": at_home(notice=constant(5)), "busy": [serve(10, "other", "leaders_desk"), end()]}
    stations = {"desk": route("agents"), "leaders_desk": route("leaders")}
    found = run(engine, journeys, [goods("00:01"), source("busy", 58, 61)], stations=stations, **HOME)
    assert grants(found) == [(0, 1, 58), (3, 2, 61), (1, 1, 68), (2, 2, 71)]


def test_a_fallback_takes_an_unnoticed_request_to_the_route(engine: str) -> None:
    found = run(engine, {"goods": at_home(notice=constant(50), fallback_s=20)}, [goods("00:00")], **HOME)
    assert grants(found) == [(0, 0, 20), (1, 0, 30)]


def test_when_the_home_server_leaves_its_requests_move_in_rank_order(engine: str) -> None:
    journeys = {
        "goods": [level("normal"), serve(60, prefer="home", if_absent="route", notice=constant(30)), end()],
        "query": [serve(60, "answer", prefer="home", if_absent="route"), end()],
        "long": [serve(3600, "long", "leaders_desk"), end()],
    }
    leaders = pool(1, presence={"mon-sun": ["00:00-01:00"]})
    query = {"source": "query", "kind": "query", "times_s": [3590, 3592], "home_pool": "leaders"}
    found = run(
        engine,
        journeys,
        [source("long", 3000), goods("00:59"), query],
        pools={"agents": pool(1), "leaders": leaders},
        stations={"desk": route("agents"), "leaders_desk": route("leaders")},
    )
    # All wait for the leader, who leaves at 3600: queries (urgent) go first, then the goods.
    assert grants(found) == [(0, 1, 3000), (2, 0, 3600), (3, 0, 3660), (1, 0, 3720)]


def test_requests_that_wait_for_an_absent_home_server_stay(engine: str) -> None:
    leaders = pool(1, presence={"mon-sun": ["00:00-01:00", "02:00-03:00"]})
    found = run(
        engine,
        {"goods": at_home(100, if_absent="wait")},
        [goods("00:59", "01:30")],
        pools={"agents": pool(1), "leaders": leaders},
    )
    assert grants(found) == [(0, 1, 3540), (1, 1, 7200)]


# ── clocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

CLOCK = {"do": "start_clock", "clock": "promise"}
STOP = {"do": "stop_clock", "clock": "promise"}


def promise(limit_s: float, **fields: Any) -> dict[str, Any]:
    return {"clocks": {"promise": {"limit_s": limit_s, **fields}}}


def test_a_clock_that_runs_out_raises_who_waits(engine: str) -> None:
    journeys = {
        "call": [level("normal"), CLOCK, serve(10), STOP, end()],
        "urgent": [serve(10), end()],
        "long": [serve(30), end()],
    }
    calls = [source("long", 0), source("call", 1, 2), source("urgent", 3, 21)]
    found = run(engine, journeys, calls, **promise(20, action="raise", level="urgent"))
    # Raised at 21 and 22, items 1 and 2 go by their request time among the urgent: before items 3 and 4.
    assert [row[0] for row in served(found)] == [0, 1, 2, 3, 4]
    assert found.trace.visits.level.tolist() == [0, 0, 0, 0, 0]
    assert clocks(found) == [(1, "promise", 1, 21, "expired"), (2, "promise", 2, 22, "expired")]
    later = run(engine, journeys, calls, **promise(40, action="raise", level="urgent"))
    assert [row[0] for row in served(later)] == [0, 3, 4, 1, 2]


def test_a_clock_that_runs_out_during_service_changes_the_level_of_what_comes_next(engine: str) -> None:
    journeys = {"call": [level("normal"), CLOCK, serve(10, "one"), wait(0), serve(10, "two"), end()]}
    found = run(engine, journeys, [source("call", 0, 1)], **promise(5, action="raise", level="urgent"))
    rows = found.trace.visits
    steps = [found.names.steps[s] for s in rows.step]
    assert list(zip(rows.item.tolist(), steps, rows.level.tolist(), strict=True)) == [
        (0, "one", 1),
        (1, "one", 0),
        (0, "two", 0),
        (1, "two", 0),
    ]


def jump_scenario(engine: str, limit_s: float, **call: Any) -> Record:
    journeys = {"call": [CLOCK, serve(10, **call), STOP, mark("after"), end()], "long": [serve(100, "long"), end()]}
    return run(
        engine,
        journeys,
        [source("long", 0), source("call", 1)],
        pools={"agents": pool(1), "boss": pool(1)},
        stations={"desk": route("agents"), "escalation": route("boss")},
        **promise(limit_s, action="jump", station="escalation"),
    )


def test_a_clock_takes_who_waits_to_another_station_and_the_journey_goes_on(engine: str) -> None:
    found = jump_scenario(engine, 20)
    assert served(found)[0] == (1, "work", 1, 1, 21, 31)
    rows = found.trace.visits
    assert [found.names.stations[s] for s in (rows.station[0], rows.served_at[0])] == ["desk", "escalation"]
    assert marks(found) == [(1, "after", 31)]


def test_a_clock_that_runs_out_during_service_does_not_take_the_item_away(engine: str) -> None:
    found = jump_scenario(engine, 105)
    assert served(found)[1] == (1, "work", 0, 1, 100, 110)
    assert clocks(found) == [(1, "promise", 1, 106, "expired")]


def test_patience_survives_a_jump(engine: str) -> None:
    journeys = {
        "call": [CLOCK, serve(10, patience=constant(30)), end()],
        "long": [serve(100, "long"), end()],
        "boss_too": [serve(100, "busy", "escalation"), end()],
    }
    found = run(
        engine,
        journeys,
        [source("long", 0), source("boss_too", 0), source("call", 1)],
        pools={"agents": pool(1), "boss": pool(1)},
        stations={"desk": route("agents"), "escalation": route("boss")},
        **promise(20, action="jump", station="escalation"),
    )
    assert abandoned(found) == [(2, "work", NONE, 1, None, 31)]
    rows = found.trace.visits
    left = int(np.flatnonzero(rows.end == VisitEnd.ABANDONED)[0])
    assert found.names.stations[rows.served_at[left]] == "escalation"


def test_a_clock_records_and_a_branch_reads_it(engine: str) -> None:
    steps = [
        CLOCK,
        serve(10),
        STOP,
        {"do": "branch_clock", "clock": "promise", "to": "late"},
        end("solved"),
        end("unsolved", "late"),
    ]
    found = run(engine, {"call": steps}, [source("call", 0, 0, 0)], **promise(20))
    # Item 1 ends its work at 20: STEP comes before RULE, so its clock is stopped in time.
    assert ended(found) == [(0, 10, "solved"), (1, 20, "solved"), (2, 30, "unsolved")]
    assert clocks(found) == [
        (0, "promise", 0, 10, "kept"),
        (1, "promise", 0, 20, "kept"),
        (2, "promise", 0, 20, "expired"),
    ]


def test_a_clock_may_be_restarted_and_that_clears_its_flag(engine: str) -> None:
    steps = [
        CLOCK,
        wait(15, "early"),
        CLOCK,
        wait(25, "too_long"),
        CLOCK,
        {"do": "branch_clock", "clock": "promise", "to": "late"},
        wait(5, "short"),
        end("solved"),
        end("unsolved", "late"),
    ]
    found = run(engine, {"call": steps}, [source("call", 0)], **promise(20))
    assert clocks(found) == [
        (0, "promise", 0, 15, "restarted"),
        (0, "promise", 15, 35, "expired"),
        (0, "promise", 40, 45, "item_ended"),
    ]
    assert ended(found) == [(0, 45, "solved")]


def test_stopping_a_clock_that_ran_out_leaves_its_flag(engine: str) -> None:
    steps = [
        CLOCK,
        wait(25),
        STOP,
        {"do": "branch_clock", "clock": "promise", "to": "late"},
        end("solved"),
        end("unsolved", "late"),
    ]
    assert ended(run(engine, {"call": steps}, [source("call", 0)], **promise(20))) == [(0, 25, "unsolved")]


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────────

BATCH = {"stations": {"group": route("agents", batch_limit=3)}}


def asks(topics: int, *times: float) -> dict[str, Any]:
    return {"source": "question", "kind": "question", "times_s": list(times), "topics": topics}


def test_one_answer_serves_those_who_wait_with_the_same_question_up_to_the_limit(engine: str) -> None:
    steps = [serve(10, "answer", "group"), mark("answered"), end()]
    found = run(engine, {"question": steps}, [asks(1, 0, 1, 2, 3, 4, 5)], **BATCH)
    assert served(found) == [(0, "answer", 0, 0, 0, 10), (1, "answer", 0, 1, 10, 20), (4, "answer", 0, 4, 20, 30)]
    assert visits(found, ends=(VisitEnd.RODE_ALONG,)) == [
        (2, "answer", 0, 2, 10, 20),
        (3, "answer", 0, 3, 10, 20),
        (5, "answer", 0, 5, 20, 30),
    ]
    assert [item for item, _, _ in marks(found)] == [0, 1, 2, 3, 4, 5]
    assert found.server_time.slot_time.tolist() == [30_000]


def test_questions_of_other_topics_do_not_ride(engine: str) -> None:
    found = run(engine, {"question": [serve(10, "answer", "group"), end()]}, [asks(1000, 0, 1, 2, 3)], **BATCH)
    assert len(set(found.arrivals.topic.tolist())) == 4
    assert grants(found) == [(0, 0, 0), (1, 0, 10), (2, 0, 20), (3, 0, 30)]


def test_riders_have_the_topic_of_the_lead(engine: str) -> None:
    found = run(engine, {"question": [serve(10, "answer", "group"), end()]}, [asks(2, 0, 1, 2, 3, 4)], **BATCH)
    assert found.arrivals.topic.tolist() == [0, 0, 0, 1, 0]
    assert served(found) == [(0, "answer", 0, 0, 0, 10), (1, "answer", 0, 1, 10, 20), (3, "answer", 0, 3, 20, 30)]
    riders = visits(found, ends=(VisitEnd.RODE_ALONG,))
    assert riders == [(2, "answer", 0, 2, 10, 20), (4, "answer", 0, 4, 10, 20)]


def test_riders_go_on_before_whom_the_freed_server_is_granted(engine: str) -> None:
    journeys = {
        "question": [seize("answer", "group"), work(10, "answering"), RELEASE, mark("on"), end()],
        "call": [level("normal"), seize("talk"), mark("on"), work(5, "talking"), end()],
    }
    stations = {"group": route("agents", batch_limit=3), "desk": route("agents")}
    found = run(engine, journeys, [asks(1, 0, 1, 2), source("call", 3)], stations=stations)
    # The lead of the second batch (item 1) goes on itself, then its rider, then the call that the server took.
    assert marks(found) == [(0, "on", 10), (1, "on", 20), (2, "on", 20), (3, "on", 20)]


def test_a_rider_neither_leaves_nor_jumps_while_it_rides(engine: str) -> None:
    steps = [serve(10, "answer", "group", patience=constant(12)), end()]
    found = run(engine, {"question": steps}, [asks(1, 0, 1, 2)], **BATCH)
    assert abandoned(found) == []
    assert len(visits(found, ends=(VisitEnd.RODE_ALONG,))) == 1


def test_batches_take_riders_in_rank_order(engine: str) -> None:
    steps = [serve(10, "answer", "group"), end()]
    journeys = {"question": steps}
    found = run(
        engine,
        journeys,
        [{**asks(1, 0, 1, 2), "level": "normal"}],
        stations={"group": route("agents", batch_limit=2)},
    )
    assert visits(found, ends=(VisitEnd.RODE_ALONG,)) == [(2, "answer", 0, 2, 10, 20)]


# ── gates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def gate_scenario(engine: str, stays_open: bool, scope: str = "run") -> Record:
    journeys = {
        "late_first": [wait(9, "nine"), {"do": "wait_gate", "gate": "news"}, mark("through"), end()],
        "report": [{"do": "wait_gate", "gate": "news"}, mark("through"), end()],
        "news": [{"do": "open_gate", "gate": "news", "stays_open": stays_open}, mark("told"), wait(1), end()],
    }
    calls = [source("late_first", 0), source("report", 1, 2, 30), source("news", 20)]
    return run(engine, journeys, calls, gates={"news": {"scope": scope}})


def test_an_open_gate_lets_its_waiters_go_on_in_the_order_of_their_numbers(engine: str) -> None:
    found = gate_scenario(engine, stays_open=False)
    # Item 0 came to the gate last; who opens it goes on first.
    assert marks(found) == [(3, "told", 20), (0, "through", 20), (1, "through", 20), (2, "through", 20)]
    assert found.open_rows.items.item.tolist() == [4]


def test_a_gate_that_stays_open_lets_later_items_pass(engine: str) -> None:
    found = gate_scenario(engine, stays_open=True)
    assert marks(found)[-1] == (4, "through", 30)


def test_a_gate_of_topics_opens_for_those_of_the_same_topic(engine: str) -> None:
    journeys = {
        "incident": [
            {"do": "spawn", "step": "told", "kind": "report"},
            wait(60),
            {"do": "open_gate", "gate": "fixed"},
            end(),
        ],
        "report": [{"do": "wait_gate", "gate": "fixed"}, end("solved")],
    }
    incident = {"source": "incident", "kind": "incident", "times_s": [0, 10], "topics": 100_000}
    found = run(engine, journeys, [incident], gates={"fixed": {"scope": "topic"}})
    assert ended(found) == [(0, 60, "done"), (1, 60, "solved"), (2, 70, "done"), (3, 70, "solved")]


def test_a_gate_of_homes_opens_for_those_of_the_same_home(engine: str) -> None:
    journeys = {
        "busy": [serve(30, "other", "leaders_desk"), end()],
        "round": [
            {"do": "spawn", "step": "told", "kind": "parcel"},
            serve(60, prefer="home"),
            {"do": "open_gate", "gate": "shop"},
            end(),
        ],
        "parcel": [{"do": "wait_gate", "gate": "shop"}, end("solved")],
    }
    rounds = {"source": "round", "kind": "round", "at": ["00:00"], "for_each_server_of": "leaders"}
    found = run(
        engine,
        journeys,
        [source("busy", 0), rounds],
        gates={"shop": {"scope": "home"}},
        stations={"desk": route("agents"), "leaders_desk": route("leaders")},
        **HOME,
    )
    # The first leader (server 1) is busy until 30. Items: 1 and 3 are the rounds, 2 and 4 their parcels.
    assert ended(found) == [(0, 30, "done"), (3, 60, "done"), (4, 60, "solved"), (1, 90, "done"), (2, 90, "solved")]


# ── spawned items ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_spawned_item_arrives_in_its_tick_after_the_arrivals_of_the_table(engine: str) -> None:
    journeys = {
        "parent": [{"do": "spawn", "step": "off", "kind": "child"}, mark("parent"), wait(5), end()],
        "child": [mark("child"), end()],
    }
    found = run(engine, journeys, [source("parent", 0, 0)])
    # Item 1 is item 0's child, numbered when it was spawned; item 2 comes from the table and goes first.
    assert marks(found) == [(0, "parent", 0), (2, "parent", 0), (1, "child", 0), (3, "child", 0)]
    rows = found.trace.items
    assert dict(zip(rows.item.tolist(), rows.case.tolist(), strict=True)) == {0: 0, 1: 0, 2: 2, 3: 2}


def test_a_spawned_item_inherits_level_owner_topic_and_home(engine: str) -> None:
    journeys = {
        "parent": [
            level("normal"),
            serve(10, own=True),
            {"do": "spawn", "step": "off", "kind": "child", "delay": constant(30)},
            end(),
        ],
        "child": [serve(10, "by_owner", prefer="owner"), serve(10, "at_home", prefer="home"), end()],
    }
    parent = {"source": "parent", "kind": "parent", "times_s": [0], "home_pool": "leaders", "topics": 9}
    found = run(engine, journeys, [parent], pools={"agents": pool(3), "leaders": pool(2)})
    (home,), (topic,) = found.arrivals.home_server.tolist(), found.arrivals.topic.tolist()
    assert served(found)[1:] == [(1, "by_owner", 0, 40, 40, 50), (1, "at_home", home, 50, 50, 60)]
    assert found.trace.items.topic.tolist() == [topic, topic]
    assert found.trace.visits.level.tolist() == [1, 1, 1]
    parents_key, childs_key = found.trace.items.draw_key.tolist()
    assert childs_key == draws.child_key_of(parents_key, stable_hash("off"), 0)


@pytest.mark.parametrize(("delay", "outcome"), [(9.999, "unsolved"), (10, "solved"), (11, "solved")])
def test_a_chaser_asks_whether_its_parent_is_still_there(engine: str, delay: float, outcome: str) -> None:
    journeys = {
        "message": [{"do": "spawn", "step": "chase", "kind": "chaser", "delay": constant(delay)}, wait(10), end()],
        "chaser": [{"do": "branch_parent", "to": "open"}, end("solved"), end("unsolved", "open")],
    }
    found = run(engine, journeys, [source("message", 0)])
    assert (1, delay, outcome) in ended(found)


def test_an_item_from_outside_has_no_parent(engine: str) -> None:
    journeys = {"chaser": [{"do": "branch_parent", "to": "open"}, end("solved"), end("unsolved", "open")]}
    assert ended(run(engine, journeys, [source("chaser", 3)])) == [(0, 3, "solved")]


# ── between calls ────────────────────────────────────────────────────────────────────────────────────────────────────


def rich() -> Scenario:
    """A bit of everything, with many ties: times are whole tens of seconds."""
    journeys = {
        "call": [
            level("normal"),
            CLOCK,
            seize("talk", patience={"family": "exponential", "mean_s": 300}, impatient_to="later"),
            {"do": "own"},
            work(60, "talking"),
            RELEASE,
            STOP,
            {"do": "branch", "step": "more", "options": [{"share": 0.3, "to": "again"}, {"share": 0.2, "to": "ask"}]},
            end("solved"),
            wait(120, "again"),
            serve(60, "second", prefer="owner", fallback_s=60),
            {"do": "spawn", "step": "note", "kind": "note", "delay": constant(30)},
            end("solved"),
            serve(120, "ask", "back"),
            end("solved"),
            wait(600, "later"),
            {"do": "go", "to": "talk"},
        ],
        "note": [{"do": "branch_parent", "to": "out"}, serve(20, "note", "group"), end("done", "out")],
    }
    calls = [
        {"source": "calls", "kind": "call", "rate_per_h": 60, "topics": 3},
        source("call", *range(0, 6000, 60), level="normal"),
    ]
    return scenario(
        journeys,
        calls,
        pools={
            "agents": pool(2, {"servers": 1, "presence": MORNING_AND_NOON}),
            "back": pool(1, slots=2, slow=(1, 1.5)),
        },
        stations={
            "desk": route("agents", ("back", 120)),
            "back": route("back"),
            "group": route("agents", batch_limit=4),
        },
        **promise(180, action="raise", level="urgent"),
    )


def columns(trace: Trace) -> list[list[int]]:
    return [column.tolist() for block in vars(trace).values() for column in vars(block).values()]


@pytest.mark.parametrize("pieces", [2, 7, 1440])
def test_a_run_cut_into_several_calls_gives_the_same_trace(engine: str, pieces: int) -> None:
    network = build(rich())
    whole = replicate(network, 1, 0, engine=engine)
    machine = make_engine(engine, network.tables, 1, 0)
    machine.add_windows(windows(network.scenario, 1, 1, 0))
    machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    traces = []
    for piece in range(1, pieces + 1):
        machine.run(network.until_ms * piece // pieces)
        traces.append(machine.take_trace())
        machine.open_rows()
        machine.server_time()
    assert columns(join(traces)) == columns(whole.trace)
    assert columns(machine.open_rows()) == columns(whole.open_rows)
    assert machine.item_time() == whole.item_time_ms
    times = [getattr(machine.server_time(), name).tolist() for name in vars(whole.server_time)]
    assert times == [column.tolist() for column in vars(whole.server_time).values()]
    assert len(whole.trace.visits.item) > 1500


def test_a_call_executes_events_before_its_end_only(engine: str) -> None:
    network = build(scenario({"call": [serve(10), end()]}, [source("call", 0, 10)]))
    machine = make_engine(engine, network.tables, 1, 0)
    machine.add_windows(windows(network.scenario, 1, 1, 0))
    machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    machine.run(10_000)
    assert machine.take_trace().items.item.tolist() == []
    assert machine.open_rows().items.item.tolist() == [0]
    machine.run(10_001)
    assert machine.take_trace().items.item.tolist() == [0]
    assert machine.open_rows().items.item.tolist() == [1]


def test_servers_whose_skills_change_choose_work_at_the_start_of_the_next_call(engine: str) -> None:
    made = scenario(
        {"special": [serve(10), end()]},
        [source("special", 0, 0, 0)],
        skills=["expert", "other"],
        pools={"agents": pool(2, {"servers": 1, "skills": ["expert"]})},
        stations={"desk": route("agents", needs=["expert"])},
    )
    network = build(made)
    machine = make_engine(engine, network.tables, 1, 0)
    machine.add_windows(windows(made, 1, 1, 0))
    machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    machine.run(5_000)
    machine.set_skills(np.array([1, 3, 1], dtype=np.int64))
    machine.run(6_000)
    machine.set_speeds(np.array([2000, 1000, 1000], dtype=np.int64))
    machine.run(60_000)
    rows = machine.take_trace().visits
    # Granted at the time reached; the pace changed only after their work had begun.
    assert list(zip(*(c.tolist() for c in (rows.item, rows.server, rows.granted, rows.ended)), strict=True)) == [
        (0, 2, 0, 10_000),
        (1, 0, 5_000, 15_000),
        (2, 1, 5_000, 15_000),
    ]


def test_shares_may_change_between_calls(engine: str) -> None:
    steps = [
        {"do": "branch", "step": "luck", "options": [{"share": 1.0, "to": "good"}]},
        end("unsolved"),
        end("solved", "good"),
    ]
    network = build(scenario({"call": steps}, [source("call", 0, 10)]))
    machine = make_engine(engine, network.tables, 1, 0)
    machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    machine.run(5_000)
    machine.set_shares(np.zeros(1))
    machine.run(20_000)
    assert machine.take_trace().items.outcome.tolist() == [Outcome.SOLVED, Outcome.UNSOLVED]


def test_arrivals_and_windows_of_the_past_are_refused(engine: str) -> None:
    network = build(scenario({"call": [serve(10), end()]}, [source("call", 5)]))
    machine = make_engine(engine, network.tables, 1, 0)
    machine.run(10_000)
    with pytest.raises(ValueError, match="arrival at 5000 ms"):
        machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    with pytest.raises(ValueError, match="window 0"):
        machine.add_windows(windows(network.scenario, 1, 1, 0))


# ── cost ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def operations(monkeypatch: pytest.MonkeyPatch, backlog: int) -> float:
    """Heap operations and comparisons of candidates per item, when so many wait at once."""
    import simpy.core

    from sim.service import reference

    done = [0]

    def counted(function: Any) -> Any:
        def call(*arguments: Any) -> Any:
            done[0] += 1
            return function(*arguments)

        return call

    with monkeypatch.context() as patch:
        for module in (reference, simpy.core):
            for name in ("heappush", "heappop", "rank", "server_order"):
                if hasattr(module, name):
                    patch.setattr(module, name, counted(getattr(module, name)))
        journeys = {
            "call": [level("normal"), CLOCK, serve(2, patience=constant(backlog / 2)), STOP, end()],
            "question": [serve(2, "answer", "group"), end()],
            "goods": [serve(1, "hand_out", prefer="home", notice=constant(3), fallback_s=2 * backlog), end()],
        }
        moments = np.linspace(0, 60, backlog // 4).tolist()
        calls = [source("call", *moments), {**asks(50, *moments), "level": "normal"}]
        calls += [{"source": "goods", "kind": "goods", "times_s": moments * 2, "home_pool": "leaders"}]
        found = run(
            "reference",
            journeys,
            calls,
            pools={"agents": pool(1), "leaders": pool(1)},
            stations={"desk": route("agents"), "group": route("agents", batch_limit=3)},
            **promise(backlog / 4, action="raise", level="urgent"),
        )
    assert found.trace.items.item.size >= backlog * 0.99
    assert len(abandoned(found)) > 0
    return done[0] / backlog


def test_the_work_for_an_item_does_not_grow_with_the_backlog(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (operations(monkeypatch, backlog) for backlog in (1_000, 10_000))
    assert many < 1.5 * few
