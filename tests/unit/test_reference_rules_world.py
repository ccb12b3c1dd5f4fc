"""Rules that a world needs, by hand: own work, topics with a structure, requests that lapse, items that are pending.

Written as in ``test_reference_rules``: times in seconds from midnight; ``served`` rows are (item, step, server,
requested, granted, ended).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_reference_rules import (
    RELEASE,
    Steps,
    abandoned,
    constant,
    end,
    ended,
    mark,
    marks,
    pool,
    route,
    run,
    scenario,
    seize,
    serve,
    served,
    source,
    visits,
    wait,
)

from sim.consistency import check
from sim.draws import child_key_of
from sim.naming import stable_hash
from sim.run import ENGINES, make_engine, replicate
from sim.scenario import Scenario
from sim.service.arrivals import arrivals_of_day
from sim.service.build import build
from sim.service.presence import windows
from sim.service.record import Record
from sim.service.rules import next_lapse
from sim.service.tables import NONE, Arrivals, Items, Outcome, VisitEnd
from sim.service.topics import CAUSES, topic_of

H, DAY = 3600, 86_400


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn: the rules are the same."""
    return str(request.param)


def run_with(
    engine: str, journeys: dict[str, Steps], arrivals: list[dict[str, Any]], given: dict[str, list[int]], **parts: Any
) -> Record:
    """A run of the scenario's items, some columns of which are given."""
    network = build(scenario(journeys, arrivals, **parts))
    drawn = arrivals_of_day(network.sources, 0, 1, 0)
    columns = {name: np.array(values, dtype=np.int32) for name, values in given.items()}
    return replicate(network, 1, 0, engine=engine, given=replace(drawn, **columns))


# ── own work ─────────────────────────────────────────────────────────────────────────────────────────────────────────

OWN = {"do": "serve", "step": "work", "station": "desk", "duration": "own"}
OWN_WORK = {"do": "work", "step": "doing", "duration": "own"}


def test_own_work_lasts_as_long_as_the_item_brings(engine: str) -> None:
    calls = [source("long", 0, work_min=1), source("short", 10, work_s=2.5), source("other", 20)]
    found = run(engine, {kind: [OWN, end()] for kind in ("long", "short", "other")}, calls)
    # Who brings none works 0 ms.
    assert served(found) == [
        (0, "work", 0, 0, 0, 60),
        (1, "work", 0, 10, 60, 62.5),
        (2, "work", 0, 20, 62.5, 62.5),
    ]


def test_own_work_is_different_from_item_to_item(engine: str) -> None:
    given = {"work_ms": [5000, NONE, 1, 0, 2**31 - 1]}
    found = run_with(engine, {"call": [OWN, end()]}, [source("call", 0, 10, 20, 30, 40)], given, horizon={"days": 30})
    assert [row[-1] for row in served(found)] == [5, 10, 20.001, 30, 40 + 2_147_483.647]


def test_own_work_is_slowed_and_paced_like_any_draw(engine: str) -> None:
    pools = {"agents": pool(1, slots=2, speed=1.25, slow=(1.0, 1.5))}
    found = run(engine, {"call": [OWN, end()]}, [source("call", 0, 4, work_s=10)], pools=pools)
    # 10 / 1.25, and 10 · 1.5 / 1.25 beside the first.
    assert served(found) == [(0, "work", 0, 0, 0, 8), (1, "work", 0, 4, 4, 16)]


def test_own_work_may_be_done_again_by_each_server_that_is_seized(engine: str) -> None:
    steps = [seize("outer"), OWN_WORK, seize("inner", "expert"), OWN_WORK | {"step": "asking"}, RELEASE, RELEASE, end()]
    pools = {"agents": pool(1), "experts": pool(1, speed=2.0)}
    stations = {"desk": route("agents"), "expert": route("experts")}
    found = run(engine, {"call": steps}, [source("call", 0, work_s=10)], pools=pools, stations=stations)
    assert served(found) == [(0, "inner", 1, 10, 10, 15), (0, "outer", 0, 0, 0, 15)]


def test_a_spawned_item_brings_its_parents_work(engine: str) -> None:
    journeys = {
        "call": [{"do": "spawn", "step": "pass_on", "kind": "ticket"}, wait(100), end()],
        "ticket": [OWN, {"do": "spawn", "step": "again", "kind": "round"}, end()],
        "round": [OWN, end()],
    }
    found = run(engine, journeys, [source("call", 0, work_s=7)])
    assert served(found) == [(1, "work", 0, 0, 0, 7), (2, "work", 0, 7, 7, 14)]


def test_own_work_of_a_batch_is_that_of_its_lead(engine: str) -> None:
    stations = {"desk": route("agents", batch_limit=3)}
    given = {"work_ms": [9000, 4000, 60_000]}
    found = run_with(engine, {"call": [OWN, end()]}, [source("call", 0, 1, 2)], given, stations=stations)
    assert served(found) == [(0, "work", 0, 0, 0, 9), (1, "work", 0, 1, 9, 13)]
    assert visits(found, ends=(VisitEnd.RODE_ALONG,)) == [(2, "work", 0, 2, 9, 13)]


def test_own_work_counts_visits_and_draws_nothing(engine: str) -> None:
    """The draws of the other steps are the same as beside work of a given length."""
    drawn = {"family": "exponential", "mean_s": 60}

    def steps(duration: Any) -> Steps:
        ask = {"do": "serve", "step": "ask", "station": "desk", "duration": drawn}
        again = {"do": "branch", "step": "again", "options": [{"share": 0.7, "to": "ask"}]}
        return [ask, OWN | {"duration": duration}, again, end()]

    calls = [source("call", 0, 100, 200, work_s=30)]
    own, given = (run(engine, {"call": steps(duration)}, calls) for duration in ("own", constant(30)))
    assert served(own) == served(given)
    assert len(served(own)) > 6
    counted = build(scenario({"call": steps("own")}, calls)).tables.program.visit_slot
    assert (counted[[1, 4]] >= 0).all()


# ── topics ───────────────────────────────────────────────────────────────────────────────────────────────────────────

LATE, MISSING = CAUSES.index("late"), CAUSES.index("missing")


def test_a_branch_by_cause_is_taken_by_topics_of_that_cause_alone(engine: str) -> None:
    steps = [{"do": "branch_cause", "cause": "late", "to": "there"}, mark("here"), end(), mark("there", "there"), end()]
    topics = [topic_of(0, LATE, 0), topic_of(2047, LATE, 131_071), topic_of(0, MISSING, 0), topic_of(0, 0, 70), NONE]
    given = {"topic": [int(topic) for topic in topics]}
    found = run_with(engine, {"call": steps}, [source("call", 0, 1, 2, 3, 4)], given)
    assert marks(found) == [(0, "there", 0), (1, "there", 1), (2, "here", 2), (3, "here", 3), (4, "here", 4)]


@pytest.mark.parametrize(("cause", "taken"), [("none", [0]), ("passed_around", [1])])
def test_no_topic_has_no_cause_not_even_the_first_or_the_last(engine: str, cause: str, taken: list[int]) -> None:
    steps = [{"do": "branch_cause", "cause": cause, "to": "there"}, end(), mark("there", "there"), end()]
    given = {"topic": [int(topic_of(3, 0, 5)), int(topic_of(3, 7, 5)), NONE]}
    found = run_with(engine, {"call": steps}, [source("call", 0, 1, 2)], given)
    assert [row[0] for row in marks(found)] == taken


def test_a_branch_by_incident_is_taken_from_the_number_64_on(engine: str) -> None:
    steps = [{"do": "branch_incident", "to": "there"}, mark("here"), end(), mark("there", "there"), end()]
    topics = [topic_of(2047, 7, 63), topic_of(0, 0, 64), topic_of(0, 0, 131_071), topic_of(1, 1, 0), NONE]
    given = {"topic": [int(topic) for topic in topics]}
    found = run_with(engine, {"call": steps}, [source("call", 0, 1, 2, 3, 4)], given)
    assert marks(found) == [(0, "here", 0), (1, "there", 1), (2, "there", 2), (3, "here", 3), (4, "here", 4)]


def test_plain_topics_of_a_source_have_no_cause_and_are_no_incident(engine: str) -> None:
    steps = [
        {"do": "branch_incident", "to": "there"},
        {"do": "branch_cause", "cause": "late", "to": "there"},
        end("solved"),
        end("unsolved", "there"),
    ]
    found = run(engine, {"call": steps}, [source("call", *range(50), topics=50)])
    assert {row[2] for row in ended(found)} == {"solved"}


def test_a_gate_of_incidents_opens_for_all_communities_of_one_cause_and_number(engine: str) -> None:
    gate = {"gate": "fixed"}
    journeys = {
        "report": [{"do": "wait_gate", **gate}, mark("told"), end()],
        "fix": [{"do": "open_gate", **gate}, end()],
    }
    calls = [source("report", 0, 1, 2, 3, 4, 5), source("fix", 10, 20)]
    topics = [
        *(topic_of(0, LATE, 70), topic_of(9, LATE, 70), topic_of(2047, LATE, 70)),
        *(topic_of(9, MISSING, 70), topic_of(9, LATE, 71), NONE),
        *(topic_of(5, LATE, 70), NONE),
    ]
    given = {"topic": [int(topic) for topic in topics]}
    found = run_with(engine, journeys, calls, given, gates={"fixed": {"scope": "incident"}})
    # Those without topic have a key of their own.
    assert marks(found) == [(0, "told", 10), (1, "told", 10), (2, "told", 10), (5, "told", 20)]
    assert found.open_rows.items.item.tolist() == [3, 4]


def test_a_gate_of_topics_keeps_communities_apart(engine: str) -> None:
    gate = {"gate": "fixed"}
    journeys = {
        "report": [{"do": "wait_gate", **gate}, end("solved")],
        "fix": [{"do": "open_gate", **gate}, end()],
    }
    given = {"topic": [int(topic_of(0, LATE, 70)), int(topic_of(1, LATE, 70)), int(topic_of(1, LATE, 70))]}
    found = run_with(engine, journeys, [source("report", 0, 1), source("fix", 10)], given, gates={"fixed": {}})
    assert ended(found) == [(2, 10, "done"), (1, 10, "solved")]


# ── requests that lapse ──────────────────────────────────────────────────────────────────────────────────────────────


def lapsing(seconds: float, at: str, **fields: Any) -> Steps:
    """A request that lapses, and what marks who lapsed."""
    return [serve(seconds, lapses_at=at, impatient_to="gone", **fields), end(), end("abandoned", "gone")]


def test_the_next_lapse_lies_strictly_after_the_request() -> None:
    day = DAY * 1000
    assert next_lapse(0, 0) == day
    assert next_lapse(0, 1) == 1
    assert next_lapse(5, 5) == day + 5
    assert next_lapse(3 * day - 1, 0) == 3 * day
    assert next_lapse(3 * day, day - 1) == 4 * day - 1


def test_who_still_waits_at_the_time_of_day_leaves(engine: str) -> None:
    found = run(engine, {"call": lapsing(2 * H, "01:00")}, [source("call", 0, 1800, 3599)])
    assert abandoned(found) == [(1, "work", NONE, 1800, None, H), (2, "work", NONE, 3599, None, H)]
    assert ended(found) == [(1, H, "abandoned"), (2, H, "abandoned"), (0, 2 * H, "done")]


def test_who_asks_at_the_time_of_day_or_later_lapses_on_the_next_day(engine: str) -> None:
    calls = [source("call", 0, H, H + 1), source("late", 23 * H)]
    journeys = {"call": lapsing(3 * DAY, "01:00"), "late": lapsing(1, "00:00")}
    found = run(engine, journeys, calls, horizon={"days": 4})
    assert abandoned(found) == [
        (3, "work", NONE, 23 * H, None, DAY),
        (1, "work", NONE, H, None, DAY + H),
        (2, "work", NONE, H + 1, None, DAY + H),
    ]


def test_of_lapse_and_patience_the_first_counts(engine: str) -> None:
    journeys = {
        "soon": lapsing(2 * H, "01:00", patience=constant(10)),
        "late": lapsing(2 * H, "01:00", patience=constant(H)),
        "both": lapsing(2 * H, "01:00", patience=constant(600)),
    }
    calls = [source("soon", 0, 3580, 3595), source("late", 1800), source("both", 3000)]
    found = run(engine, journeys, calls)
    # Items 1 late, 2 both, 3 and 4 soon: the lapse at 3600 beats 5400; 3590 and 3605 against it.
    assert abandoned(found) == [
        (3, "work", NONE, 3580, None, 3590),
        (1, "work", NONE, 1800, None, H),
        (2, "work", NONE, 3000, None, H),
        (4, "work", NONE, 3595, None, H),
    ]


def test_the_order_of_leaving_is_that_of_the_items_whether_they_lapse_or_lose_patience(engine: str) -> None:
    journeys = {"lapse": lapsing(2 * H, "01:00"), "patience": lapsing(2 * H, "12:00", patience=constant(1800))}
    calls = [source("lapse", 0, 1799, 1801), source("patience", 1800, 1800)]
    found = run(engine, journeys, calls)
    assert [row[0] for row in abandoned(found)] == [1, 2, 3, 4]


def test_who_is_granted_in_the_tick_of_the_lapse_is_served(engine: str) -> None:
    found = run(engine, {"call": lapsing(H, "01:00")}, [source("call", 0, 1, 2)])
    assert served(found) == [(0, "work", 0, 0, 0, H), (1, "work", 0, 1, H, 2 * H)]
    assert abandoned(found) == [(2, "work", NONE, 2, None, H)]


def test_a_lapse_survives_a_move(engine: str) -> None:
    clock = {"limit_s": 600, "action": "jump", "station": "other"}
    steps = [{"do": "start_clock", "clock": "late"}, *lapsing(2 * H, "01:00")]
    stations = {"desk": route("agents"), "other": route("agents")}
    found = run(engine, {"call": steps}, [source("call", 0, 10)], stations=stations, clocks={"late": clock})
    assert abandoned(found) == [(1, "work", NONE, 10, None, H)]
    assert found.trace.visits.served_at.tolist() == [1, 0]


def test_without_another_step_who_lapses_leaves_as_abandoned(engine: str) -> None:
    steps = [serve(2 * H, lapses_at="01:00"), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 1)])
    assert ended(found) == [(1, H, "abandoned"), (0, 2 * H, "done")]


def test_who_lapses_may_ask_again_until_the_next_day(engine: str) -> None:
    steps = [serve(2 * DAY - H, lapses_at="01:00", impatient_to="work"), end()]
    found = run(engine, {"call": steps}, [source("call", 0, 10)], horizon={"days": 4})
    assert abandoned(found) == [(1, "work", NONE, 10, None, H), (1, "work", NONE, H, None, DAY + H)]
    assert served(found)[0] == (0, "work", 0, 0, 0, 2 * DAY - H)


def test_a_nested_request_lapses_and_keeps_the_outer_server(engine: str) -> None:
    steps = [
        seize("outer"),
        seize("inner", "expert", lapses_at="01:00", impatient_to="alone"),
        {"do": "work", "step": "asking", "duration": constant(2 * H)},
        RELEASE,
        {"do": "work", "step": "alone", "duration": constant(60)},
        RELEASE,
        end(),
    ]
    pools = {"agents": pool(2), "experts": pool(1)}
    stations = {"desk": route("agents"), "expert": route("experts")}
    found = run(engine, {"call": steps}, [source("call", 0, 1)], pools=pools, stations=stations)
    assert abandoned(found) == [(1, "inner", NONE, 1, None, H)]
    assert served(found) == [
        (1, "outer", 1, 1, 1, H + 60),
        (0, "inner", 2, 0, 0, 2 * H),
        (0, "outer", 0, 0, 0, 2 * H + 60),
    ]


# ── pending items ────────────────────────────────────────────────────────────────────────────────────────────────────


def pending(engine: str, asked: Scenario, *cuts: float) -> list[Items]:
    """Pending items after calls that end at these times."""
    network = build(asked)
    machine = make_engine(engine, network.tables, 1, 0)
    machine.add_windows(windows(asked, 1, 1, 0))
    machine.add_arrivals(arrivals_of_day(network.sources, 0, 1, 0))
    found = []
    for cut in cuts:
        machine.run(round(cut * 1000))
        found.append(machine.pending_items())
    return found


def test_pending_items_are_those_that_are_here_and_those_spawned_that_are_still_to_arrive(engine: str) -> None:
    journeys = {
        "call": [
            {"do": "spawn", "step": "later", "kind": "back", "delay": constant(60)},
            {"do": "spawn", "step": "now", "kind": "back"},
            serve(10),
            end(),
        ],
        "back": [wait(30), end()],
    }
    asked = scenario(journeys, [source("call", 5, 8, topics=1)])
    first, second, third, last = pending(engine, asked, 5, 9, 40, 200)
    assert first.item.size == 0
    assert second.item.tolist() == [0, 1, 2, 3, 4, 5]
    assert second.arrived.tolist() == [5000, NONE, 5000, 8000, NONE, 8000]
    assert second.kind.tolist() == [0, 1, 1, 0, 1, 1]
    assert second.case.tolist() == [0, 0, 0, 3, 3, 3]
    assert set(second.ended.tolist()) == {NONE}
    assert set(second.outcome.tolist()) == {int(Outcome.OPEN)}
    assert set(second.topic.tolist()) == {0}
    assert third.item.tolist() == [1, 4]
    assert third.arrived.tolist() == [NONE, NONE]
    assert last.item.size == 0


def test_pending_items_know_their_draw_keys(engine: str) -> None:
    journeys = {
        "call": [{"do": "spawn", "step": "later", "kind": "back", "delay": constant(60)}, end()],
        "back": [end()],
    }
    asked = scenario(journeys, [source("call", 5)])
    (found,) = pending(engine, asked, 10)
    key = int(arrivals_of_day(build(asked).sources, 0, 1, 0).draw_key[0])
    assert found.draw_key.tolist() == [int(child_key_of(key, stable_hash("later"), 0))]
    assert (found.item.tolist(), found.case.tolist()) == ([1], [0])


def test_an_item_is_no_longer_pending_in_the_tick_after_its_end(engine: str) -> None:
    asked = scenario({"call": [wait(10), end()]}, [source("call", 0)])
    before, after = pending(engine, asked, 10, 10.001)
    assert (before.item.tolist(), after.item.tolist()) == ([0], [])


# ── what a scenario may not do ───────────────────────────────────────────────────────────────────────────────────────


def test_a_circle_through_own_work_takes_no_time_and_one_through_a_lapse_does() -> None:
    def problems(steps: Steps) -> list[str]:
        tree = scenario({"call": [end()]}, []).model_dump(exclude_unset=True)
        tree["regimes"]["only"]["call"] = steps
        return [problem.message for problem in check(Scenario.model_validate(tree))]

    (message,) = problems([OWN, {"do": "go", "to": "work"}])
    assert "a circle that takes no time" in message
    assert problems([serve(10, lapses_at="01:00", impatient_to="work"), end()]) == []
    (message,) = problems([serve(10, lapses_at="01:00", patience=constant(5), impatient_to="work"), end()])
    assert "a circle that takes no time" in message


def test_sources_bring_no_work_unless_they_say_so() -> None:
    network = build(scenario({"call": [end()]}, [source("call", 0)]))
    arrivals: Arrivals = arrivals_of_day(network.sources, 0, 1, 0)
    assert (arrivals.work_ms.dtype, arrivals.work_ms.tolist()) == (np.dtype(np.int32), [NONE])
