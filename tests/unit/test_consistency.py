"""Whether the parts of a scenario fit together: what is refused, and above all what is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim import consistency
from sim.consistency import check, draw_names
from sim.journeys import MAX_HELD, journeys, takes_no_time
from sim.library import load_text, names
from sim.naming import stable_hash
from sim.problems import did_you_mean, listed, quoted
from sim.scenario import Duration, Scenario, Step
from sim.service import rules, tables

END = {"do": "end", "outcome": "done"}
RELEASE = {"do": "release"}
NO_TIME = {"family": "constant", "value_s": 0}
MINUTE = {"family": "constant", "value_min": 1}


def scenario(steps: list[dict[str, Any]], *, other: list[dict[str, Any]] | None = None, **parts: Any) -> Scenario:
    """A small network with a journey of these steps for kind ``call`` (and ``other`` for kind ``task``)."""
    given: dict[str, Any] = {
        "name": "small",
        "horizon": {"days": 1},
        "pools": {"agents": {"groups": [{"group": "all", "servers": 2}]}},
        "stations": {
            "desk": {"route": [{"pool": "agents"}]},
            "chat": {"route": [{"pool": "agents"}], "batch_limit": 9},
        },
        "clocks": {"promise": {"limit_min": 1}},
        "gates": {"gate": {}},
        "kinds": {"call": {}, "task": {}},
        "regimes": {"r": {"call": steps, "task": other or [END]}},
        "regime": "r",
        "arrivals": [{"source": "calls", "kind": "call", "rate_per_h": 1}],
    }
    return Scenario.model_validate(given | parts, strict=True)


def said(given: Scenario) -> list[str]:
    """Field and message of each problem."""
    return [f"{problem.field}: {problem.message}" for problem in check(given)]


def seize(step: str, **more: Any) -> dict[str, Any]:
    return {"do": "seize", "step": step, "station": "desk", **more}


def wait(step: str) -> dict[str, Any]:
    return {"do": "wait", "step": step, "duration": MINUTE}


def branch(step: str, **shares: float) -> dict[str, Any]:
    return {"do": "branch", "step": step, "options": [{"share": share, "to": to} for to, share in shares.items()]}


def work(step: str = "talk", duration: dict[str, Any] = MINUTE) -> dict[str, Any]:
    return {"do": "work", "step": step, "duration": duration}


# ── what is not refused ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "steps",
    [
        [END],
        [seize("a"), work(), RELEASE, END],
        [seize("a"), work(), END],
        [*[seize(name) for name in "abcd"], work(), RELEASE, {"do": "own"}, *[RELEASE] * 3, END],
        [{"do": "serve", "step": "a", "station": "desk", "duration": MINUTE, "own": True}, END],
        [seize("a", patience=MINUTE, impatient_to="lost"), work(), RELEASE, END, {**END, "step": "lost"}],
        [seize("a", patience=MINUTE), work(), RELEASE, END],
        [seize("a", patience=MINUTE, impatient_to="b"), work(), RELEASE, END, wait("b"), {"do": "go", "to": "a"}],
        [branch("a", x=0.3, y=0.7), {"do": "mark", "step": "x", "moment": "m"}, {**END, "step": "y"}],
        [wait("a"), wait("b"), wait("c"), branch("d", a=0.7, b=0.2, c=0.1)],
        [seize("a", station="chat"), work("t"), wait("w"), RELEASE, END],
        [{"do": "wait_gate", "gate": "gate"}, {"do": "open_gate", "gate": "gate", "stays_open": True}, END],
        [{"do": "spawn", "step": "s", "kind": "call", "delay": MINUTE}, END],
        [{"do": "spawn", "step": "s", "kind": "task"}, END],
    ],
)  # fmt: skip
def test_a_sound_journey_is_not_refused(steps: list[dict[str, Any]]) -> None:
    assert said(scenario(steps)) == []


def test_an_empty_route_is_no_fault_where_everybody_waits_for_their_own_server() -> None:
    stations: dict[str, Any] = {"desk": {}}
    ask = {"prefer": "owner", "if_absent": "wait"}
    assert said(scenario([seize("a", **ask), RELEASE, END], stations=stations)) == []
    assert said(scenario([END], stations=stations)) == []
    for change in ({"fallback_min": 1}, {"if_absent": "route"}):
        (problem,) = said(scenario([seize("a", **ask | change), RELEASE, END], stations=stations))
        assert problem.startswith("stations.desk.route: nobody can serve at 'desk'")


def test_a_pool_without_servers_is_an_experiment() -> None:
    pools = {"agents": {"groups": [{"group": "all", "servers": 0}]}}
    assert said(scenario([seize("a"), RELEASE, END], pools=pools)) == []


def test_a_home_is_asked_for_only_where_items_without_one_certainly_come() -> None:
    steps = [seize("a", prefer="home"), RELEASE, END]
    assert said(scenario([END], other=steps)) == []  # nobody sends this kind: a log may
    spawned = [{"do": "spawn", "step": "s", "kind": "task"}, END]
    (problem,) = said(scenario(spawned, other=steps))
    assert problem.startswith("regimes.r.task[0].prefer: no item that comes here has a home server")
    homes = [
        {"source": "calls", "kind": "call", "rate_per_h": 1},
        {"source": "more", "kind": "call", "rate_per_h": 1, "home_pool": "agents"},
    ]
    assert said(scenario(spawned, other=steps, arrivals=homes)) == []


def test_a_name_may_be_used_in_several_journeys() -> None:
    assert said(scenario([seize("a"), work(), RELEASE, END], other=[seize("a"), work(), RELEASE, END])) == []


def test_shares_of_one_and_of_nothing_keep_a_journey_sound() -> None:
    for share in (0.0, 0.4, 1.0):
        assert said(scenario([branch("bot", done=share), seize("a"), work(), RELEASE, {**END, "step": "done"}])) == []


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_branch_at_the_end_must_not_fall_through() -> None:
    assert said(scenario([wait("a"), branch("b", a=0.9)])) == [
        "regimes.r.call[1]: the journey runs off its end after step 'b'"
    ]


def test_servers_held_must_agree_on_the_impatient_way_too() -> None:
    steps = [seize("a", patience=MINUTE, impatient_to="talk"), work(), RELEASE, END]
    assert said(scenario(steps)) == [
        "regimes.r.call[1]: step 'talk' is reached holding 1 servers by one way and 0 by another"
    ]


def test_five_servers_are_too_many_also_for_serve() -> None:
    steps = [
        *[seize(name) for name in "abcd"],
        {"do": "serve", "step": "e", "station": "desk", "duration": MINUTE},
        END,
    ]
    assert said(scenario(steps)) == ["regimes.r.call[4]: an item would hold 5 servers"]


def test_a_loop_that_seizes_without_release_is_refused() -> None:
    assert any("holding" in text for text in said(scenario([seize("a"), work(), {"do": "go", "to": "a"}])))


def test_whatever_a_clock_may_move_into_a_batch_obeys_the_rule_of_batches() -> None:
    start = {"do": "start_clock", "clock": "promise"}
    steps = [start, seize("a"), {"do": "mark", "moment": "m"}, RELEASE, END]
    clocks = {"promise": {"limit_min": 1, "action": "jump", "station": "chat"}}
    assert said(scenario(steps)) == []
    assert said(scenario(steps, clocks=clocks)) == ["regimes.r.call[2]: mark while a batch is served"]


@pytest.mark.parametrize("do", ["wait", "work"])
def test_a_circle_needs_time_in_it(do: str) -> None:
    for duration, sound in ((MINUTE, True), (NO_TIME, False), ({"family": "exponential", "mean_s": 1}, True)):
        steps = [seize("a"), {"do": do, "step": "b", "duration": duration}, RELEASE, {"do": "go", "to": "a"}]
        assert (said(scenario(steps)) == []) is sound


def test_a_circle_through_two_kinds_that_spawn_each_other_is_found() -> None:
    spawn = {"do": "spawn", "step": "send", "kind": "task"}
    back = {"do": "spawn", "step": "back", "kind": "call", "delay": NO_TIME}
    (problem,) = said(scenario([spawn, END], other=[back, END]))
    assert problem.endswith("step 'send' → step 'back' → step 'send' is a circle that takes no time")
    assert said(scenario([spawn, END], other=[{**back, "delay": MINUTE}, END])) == []


def test_each_circle_is_reported_once() -> None:
    steps = [{"do": "branch_parent", "step": "a", "to": "a"}, {"do": "branch_parent", "step": "b", "to": "a"}]
    found = said(scenario([*steps, {"do": "branch_parent", "step": "c", "to": "c"}, END]))
    assert sorted(text.split(":")[0] for text in found) == ["regimes.r.call[0]", "regimes.r.call[2]"]


def part(share: float, duration: dict[str, Any]) -> dict[str, Any]:
    return {"share": share, "duration": duration}


@pytest.mark.parametrize(
    ("duration", "none"),
    [
        ({"family": "constant", "value_s": 0.0004}, True),
        ({"family": "constant", "value_s": 0.0005}, False),
        ({"family": "exponential", "mean_s": 1e-9}, True),
        ({"family": "exponential", "mean_s": 1}, False),
        ({"family": "exponential", "mean_s": 1, "at_most_s": 1e-5}, True),
        ({"family": "exponential", "mean_s": 1e-9, "at_least_s": 1}, False),
        ({"family": "empirical", "quantiles_s": {0: 0, 1: 0}}, True),
        ({"family": "empirical", "quantiles_min": {0: 0, 1: 1}}, False),
        ({"family": "mixture", "components": [part(1, NO_TIME)]}, True),
        ({"family": "mixture", "components": [part(1, NO_TIME), part(0, MINUTE)]}, True),
        ({"family": "mixture", "components": [part(0.5, NO_TIME), part(0.5, MINUTE)]}, False),
    ],
)
def test_a_duration_that_is_always_rounded_to_nothing_takes_no_time(duration: dict[str, Any], none: bool) -> None:
    assert takes_no_time(Duration.model_validate(duration)) is none


def test_fast_servers_may_turn_work_into_no_time() -> None:
    pools = {"agents": {"groups": [{"group": "all", "servers": 2, "speed": 100}], "slow_factors": [0.1]}}
    steps = [seize("a"), work("b", {"family": "constant", "value_s": 0.4}), RELEASE, {"do": "go", "to": "a"}]
    assert said(scenario(steps)) == []
    assert len(said(scenario(steps, pools=pools))) == 1


def test_all_problems_of_all_parts_are_collected() -> None:
    found = said(
        scenario(
            [seize("a"), {"do": "level", "level": "x"}, {"do": "go", "to": "nowhere"}],
            regime="q",
            arrivals=[{"source": "calls", "kind": "cal", "rate_per_h": 1, "profile": "p", "level": "l"}],
            stations={"desk": {"needs": ["law"], "route": [{"pool": "agent"}], "levels": {"vip": {}}}},
        )
    )
    assert sorted(text.split(": ")[0] for text in found) == [
        "arrivals[0].kind",
        "arrivals[0].level",
        "arrivals[0].profile",
        "regime",
        "regimes.r.call[1].level",
        "regimes.r.call[2].to",
        "stations.desk.levels.vip",
        "stations.desk.needs[0]",
        "stations.desk.route[0].pool",
    ]


def test_very_many_problems_are_cut_short() -> None:
    steps = [*[{"do": "level", "level": "x"}] * 999, END]
    kinds: dict[str, Any] = {f"k{i}": {} for i in range(4)}
    given = scenario([END], kinds={"call": {}, "task": {}, **kinds}, regimes={"r": dict.fromkeys(kinds, steps)})
    assert len(check(given)) == consistency.MOST_PROBLEMS


# ── the same numbers elsewhere ───────────────────────────────────────────────────────────────────────────────────


def test_limits_are_those_of_the_engines() -> None:
    assert tables.MAX_HELD == MAX_HELD
    assert rules.MAX_ROUTE == consistency.MOST_POOLS_OF_ROUTE


def test_names_of_draws_are_those_that_the_program_hashes() -> None:
    from sim.service.build import build

    for name in names():
        given = load_text(f"extends: {name}\n").scenario
        program = build(given).tables.program
        seizes = build(given).tables.seizes
        steps: list[Step] = [step for journey in journeys(given) for step in journey.steps]
        hashes = {stable_hash(text) for step in steps for text in draw_names(step)}
        used = {int(x) for x in program.purpose if x}
        used |= {int(x) for x, dist in zip(seizes.patience_purpose, seizes.patience, strict=True) if dist >= 0}
        used |= {int(x) for x, dist in zip(seizes.notice_purpose, seizes.notice, strict=True) if dist >= 0}
        assert used <= hashes


# ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sentences_stay_short_and_on_one_line() -> None:
    assert quoted("a\n b") == "'a b'"
    assert len(quoted("x" * 1000)) < 70
    assert listed(["a", "b"]) == "a, b"
    assert listed(range(100)).endswith("39, … (100 in all)")
    assert did_you_mean("Servrs", ["servers", "skills"]) == "; did you mean 'servers'?"
    assert did_you_mean("zzz", ["servers", "skills"]) == ""


def test_the_malformed_base_has_nothing_to_complain_about() -> None:
    base = Path(__file__).parent / "malformed" / "base.yaml"
    assert check(load_text(base.read_text(encoding="utf-8")).scenario) == []
