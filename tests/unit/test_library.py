"""Scenarios by name: what extends what, overrides, settings, references, the hash."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from sim.library import FOLDER, Loaded, hash_of, load, load_text, names, save_text, text_of
from sim.problems import InputError, Problem
from sim.scenario import Seize, Wait
from sim.yaml_guard import load_yaml

BASE = (Path(__file__).parent / "malformed" / "base.yaml").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of its own: base, a child and a grandchild in a subfolder, and overrides."""
    library = tmp_path / "scenarios"
    for name, text in {
        "base": BASE,
        "child": """
            extends: base
            title: Child
            horizon: {days: 14}
            levels: [normal, urgent, low]
            gates: {answered: {scope: run}}
            profiles: {office: {weekdays: {sat: null}}}
            overrides:
              busy:
                arrivals:
                  - {source: users, kind: question, rate_per_h: 99, home_pool: leaders}
              longer: {horizon: {days: 21}, title: Longer}
            """,
        "rollouts/grandchild": """
            extends: ../child.yaml
            name: the-grandchild
            overrides:
              busy: {title: Busy grandchild}
            """,
        "overrides/shorter": "horizon: {days: 3}\n",
        "overrides/quiet": "assumptions: {handle: {value: 2}}\nhorizon: {days: 5}\n",
        "overrides/wrong": "horizon: {dayz: 3}\n",
    }.items():
        file = library / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")
    return library


def problems(scenario: str, folder: Path, *, overrides: list[str] | None = None, sets: list[str] | None = None) -> str:
    """All problems of a load as one text."""
    with pytest.raises(InputError) as caught:
        load(scenario, overrides or [], sets or [], folder=folder)
    return str(caught.value)


def loaded(*sets: str) -> Loaded:
    """The base with settings."""
    return load_text(BASE, sets=sets)


# ── names and files ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_name_is_found_in_the_folder_and_its_subfolders(folder: Path) -> None:
    assert load("base", folder=folder).scenario.title == "Base"
    assert load("grandchild", folder=folder).scenario.horizon.days == 14


def test_a_path_is_read_as_a_file(folder: Path) -> None:
    assert load(str(folder / "child.yaml"), folder=folder).scenario.title == "Child"


def test_the_name_of_a_scenario_is_that_of_its_file_unless_the_file_says_otherwise(folder: Path) -> None:
    assert load("child", folder=folder).scenario.name == "child"
    assert load("grandchild", folder=folder).scenario.name == "the-grandchild"


def test_an_unknown_name_is_refused_with_the_nearest_one(folder: Path) -> None:
    message = problems("grandchilt", folder)
    assert "did you mean 'grandchild'?" in message
    assert "allowed: base, child, grandchild" in message


@pytest.mark.parametrize("name", ["", "a b", "../base", "x" * 65, "base.txt", "naïve", "a/b", "base\n"])
def test_what_is_no_name_is_refused(folder: Path, name: str) -> None:
    assert "is no name of a scenario" in problems(name, folder)


@pytest.mark.parametrize("path", ["missing.yaml", "\0.yaml", "x" * 5000 + ".yaml"])
def test_a_file_that_cannot_be_read_is_refused(folder: Path, path: str) -> None:
    assert problems(path, folder)


def test_a_name_in_two_subfolders_is_refused(folder: Path) -> None:
    (folder / "textbook").mkdir()
    (folder / "textbook" / "grandchild.yaml").write_text("a: 1")
    assert "more than one" in problems("grandchild", folder)


def test_a_file_in_the_folder_itself_goes_before_one_in_a_subfolder(folder: Path) -> None:
    (folder / "rollouts" / "base.yaml").write_text("a: 1")
    assert load("base", folder=folder).scenario.title == "Base"


def test_names_lists_titles_and_leaves_out_overrides(folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: [")
    assert names(folder) == {"base": "Base", "broken": "", "child": "Child", "grandchild": "Child"}


@pytest.mark.parametrize("name", sorted(names()))
def test_every_scenario_of_the_project_loads_and_its_text_too(name: str) -> None:
    scenario = load(name)
    assert load_text(scenario.text).hash == scenario.hash


# ── extends ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_maps_are_merged_lists_and_scalars_replaced_and_null_removes(folder: Path) -> None:
    child = load("child", folder=folder).scenario
    assert (child.horizon.days, child.horizon.warm_up_days) == (14, 1)
    assert child.levels == ["normal", "urgent", "low"]
    assert set(child.gates) == {"repaired", "answered"}
    assert child.profiles["office"].weekdays == {"sun": 0}


def test_a_circle_of_scenarios_is_refused(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: b\n")
    (folder / "b.yaml").write_text("\nextends: a.yaml\n")
    assert "scenarios/b.yaml:2: extends: 'a.yaml' extends itself" in problems("a", folder)


def test_a_long_chain_is_refused(folder: Path) -> None:
    for i in range(20):
        (folder / f"link{i}.yaml").write_text(f"extends: link{i + 1}\n" if i < 19 else BASE)
    assert "too many scenarios extend each other" in problems("link0", folder)
    assert load("link10", folder=folder).scenario.horizon.days == 7


@pytest.mark.parametrize("wanted", ["3", "[base]", "nothing", "nothing.yaml", "/etc/x.yaml", "'a b'"])
def test_what_cannot_be_extended_is_refused_with_its_line(folder: Path, wanted: str) -> None:
    (folder / "a.yaml").write_text(f"title: x\nextends: {wanted}\n")
    assert problems("a", folder).startswith("scenarios/a.yaml:2: extends: ")


def test_a_text_extends_scenarios_of_the_library(folder: Path) -> None:
    scenario = load_text("extends: child\nname: mine\n", folder=folder).scenario
    assert (scenario.name, scenario.title) == ("mine", "Child")


def test_a_fault_of_a_base_is_reported_with_the_file_it_stands_in(folder: Path) -> None:
    (folder / "base.yaml").write_text(BASE.replace("servers: 4", "servers: four"))
    (folder / "child.yaml").write_text("extends: base\nhorizon: {days: none}\n")
    first, second = problems("child", folder).splitlines()
    assert first.startswith("scenarios/child.yaml:2: horizon.days: 'none' is no whole number")
    line = BASE[: BASE.index("servers: 4")].count("\n") + 1
    assert second.startswith(f"scenarios/base.yaml:{line}: pools.leaders.groups[0].servers: 'four' is no number")


# ── overrides ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_overrides_are_applied_in_the_order_given(folder: Path) -> None:
    assert load("child", ["longer", "shorter"], folder=folder).scenario.horizon.days == 3
    assert load("child", ["shorter", "longer"], folder=folder).scenario.horizon.days == 21


def test_settings_come_after_overrides(folder: Path) -> None:
    assert load("child", ["longer"], ["horizon.days=9"], folder=folder).scenario.horizon.days == 9


def test_overrides_of_a_base_are_known_and_the_nearest_one_is_taken(folder: Path) -> None:
    assert load("grandchild", ["longer"], folder=folder).scenario.title == "Longer"
    assert load("grandchild", ["busy"], folder=folder).scenario.title == "Busy grandchild"
    (arrival,) = load("child", ["busy"], folder=folder).scenario.arrivals
    assert arrival.rate_per_h == 99


def test_an_override_may_change_assumptions(folder: Path) -> None:
    assert load("base", ["quiet"], folder=folder).scenario.assumptions["handle"].used == 2


def test_an_unknown_override_is_refused_with_the_nearest_one(folder: Path) -> None:
    message = problems("child", folder, overrides=["langer"])
    assert "did you mean 'longer'?" in message
    assert "allowed: busy, longer, quiet, shorter, wrong" in message


def test_a_fault_of_an_override_is_reported_with_its_file(folder: Path) -> None:
    assert problems("child", folder, overrides=["wrong"]).startswith(
        "scenarios/overrides/wrong.yaml:1: horizon.dayz: unknown key 'dayz'; did you mean 'days'?"
    )


def test_a_fault_of_an_override_in_the_file_is_reported_with_its_line(folder: Path) -> None:
    (folder / "a.yaml").write_text("extends: base\noverrides:\n  x:\n    horizon:\n      days: 0\n")
    assert load("a", folder=folder).scenario.horizon.days == 7
    assert problems("a", folder, overrides=["x"]).startswith("scenarios/a.yaml:5: horizon.days: 0 is too small")


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_setting_changes_a_number_a_text_a_list_or_a_map() -> None:
    scenario = loaded(
        "horizon.days=9", "title='A: b'", "levels=[normal, urgent, low]", "definitions={closed_within_h: 3}"
    ).scenario
    assert scenario.horizon.days == 9
    assert scenario.title == "A: b"
    assert scenario.levels[-1] == "low"
    assert scenario.definitions.closed_within_h == 3


def test_a_setting_names_entries_of_lists_by_number_or_by_name() -> None:
    by_number = loaded("arrivals[0].rate_per_h=30", "pools.agents.groups[1].slots=3")
    by_name = loaded("arrivals.users.rate_per_h=30", "pools.agents.groups.late.slots=3")
    assert by_number.hash == by_name.hash
    assert by_name.scenario.arrivals[0].rate_per_h == 30
    route = loaded("stations.desk.route.leaders.after_min=7").scenario.stations["desk"].route
    assert route[1].after_min == 7
    step = loaded("regimes.today.question.ask.fallback_min=8").scenario.regimes["today"]["question"][2]
    assert isinstance(step, Seize)
    assert step.fallback_min == 8


def test_the_short_form_sets_the_value_of_an_assumption_or_input() -> None:
    scenario = loaded("assumptions.handle=6", "inputs.agents=8").scenario
    assert scenario.assumptions["handle"].used == 6
    assert scenario.assumptions["handle"].default == 5
    assert scenario.pools["agents"].groups[0].head_count == 8
    assert scenario.pools["agents"].groups[1].head_count == 16


def test_a_setting_may_name_what_the_file_leaves_to_the_default() -> None:
    assert loaded("definitions.closed_within_h=48").scenario.definitions.closed_within_h == 48
    assert loaded("stations.desk.batch_limit=1").scenario.stations["desk"].batch_limit == 1
    without = BASE.replace("    overdispersion: {daily_cv: 0.2}\n", "").replace("    topics: 5\n", "")
    sets = ["arrivals.users.topics=3", "arrivals.users.overdispersion.interval_cv=0.3"]
    arrival = load_text(without, sets=sets).scenario.arrivals[0]
    assert arrival.topics == 3
    assert arrival.overdispersion is not None
    assert arrival.overdispersion.interval_cv == 0.3


def test_null_removes_what_is_set() -> None:
    assert loaded("arrivals.users.topics=null").scenario.arrivals[0].topics is None


def test_a_setting_may_be_a_reference() -> None:
    assert loaded("horizon.days=$agents", "horizon.warm_up_days=0").scenario.horizon.days == 3


def test_a_new_quantile_is_a_number() -> None:
    think = loaded("regimes.today.question.think.duration.quantiles_s[0.9]=50").scenario.regimes["today"]["question"][8]
    assert isinstance(think, Wait)
    assert think.duration.quantiles_s == {0: 1, 0.5: 12, 0.9: 50, 1: 60}


@pytest.mark.parametrize(
    ("setting", "message", "allowed"),
    [
        ("horizon.dayz=3", "horizon.dayz: unknown key 'dayz'; did you mean 'days'?", "days, first_weekday"),
        ("horizn.days=3", "unknown key 'horizn'; did you mean 'horizon'?", "horizon"),
        ("assumptions.handel=3", "unknown name 'handel'; did you mean 'handle'?", "handle"),
        ("arrivals.user.rate_per_h=3", "unknown entry 'user'; did you mean 'users'?", "evening, users"),
        ("arrivals[2].rate_per_h=3", "arrivals: has no entry [2]", "[0] to [1]"),
        ("arrivals[x].rate_per_h=3", "has no entry [x]", "[0] to [1]"),
        ("pools.agent.groups.late.slots=3", "unknown name 'agent'; did you mean 'agents'?", "agents, leaders"),
        ("regimes.today.chaser[0].lavel=3", "unknown key 'lavel'; did you mean 'level'?", "do, level, step"),
        ("horizon.days.more=3", "has nothing inside", "the whole"),
        ("arrivals.users.rate_per_s.x=3", "has nothing inside", "the whole"),
        ("arrivals.evening.times_s[0]=3", "has nothing inside", "the whole"),
        ("horizon.days", "sets nothing", "path.to.field=value"),
        ("=3", "sets nothing", "path.to.field=value"),
        ("", "sets nothing", "path.to.field=value"),
        ("a..b=3", "is no path", "by name"),
        ("a[=3", "is no path", "by name"),
        ("horizon.days=", "no value is given", "null to remove"),
        ("horizon.days=[1", "is not closed", "[a, b, c]"),
        ("horizon.days=&a 1", "is an anchor", "write values out"),
        ("horizon.days=.inf", "no finite number", "finite"),
        ("horizon.days=soon", "--set: horizon.days: 'soon' is no whole number", "1 to 4000"),
        ("arrivals[0]=null", "cannot be removed", "the whole list"),
        ("arrivals.users.kind=nobody", "--set: arrivals[0].kind: there is no kind 'nobody'", "question"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(setting: str, message: str, allowed: str) -> None:
    with pytest.raises(InputError) as caught:
        loaded(setting)
    (problem,) = caught.value.problems
    assert problem.file == "--set"
    assert message in str(problem)
    assert allowed in problem.allowed


def test_all_wrong_settings_are_reported_at_once() -> None:
    with pytest.raises(InputError) as caught:
        loaded("horizon.dayz=3", "title=fine", "gates.x=3", "kindz=4")
    assert [problem.field for problem in caught.value.problems] == ["gates.x", "horizon.dayz", "kindz"]


def test_two_entries_of_one_name_are_told_apart_by_number_only() -> None:
    with pytest.raises(InputError, match="has 2 entries called 'users'"):
        load_text(BASE.replace("source: evening", "source: users"), sets=["arrivals.users.level=urgent"])


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("$handle", 5),
        ("$agents", 3),
        ("{product: [2, $agents, 0.5]}", 3),
        ("{ratio: [$agents, 4]}", 0.75),
        ("{complement: 0.25}", 0.75),
        ("{complement: {ratio: [1, {product: [2, $agents]}]}}", 1 - 1 / 6),
        ("{product: [$agents]}", 3),
    ],
)
def test_numbers_may_be_references_and_calculations(written: str, number: float) -> None:
    assert loaded(f"arrivals.users.rate_per_h={written}").scenario.arrivals[0].rate_per_h == pytest.approx(number)


def test_references_stay_visible_in_the_text() -> None:
    text = loaded().text
    assert "$agents" in text
    assert "product:" in text


def test_the_value_of_an_assumption_goes_before_its_default() -> None:
    assert loaded("assumptions.handle=7", "arrivals.users.rate_per_h=$handle").scenario.arrivals[0].rate_per_h == 7


def test_a_calculated_whole_number_may_count_things() -> None:
    assert loaded("arrivals.users.topics={product: [$agents, 2.0]}").scenario.arrivals[0].topics == 6


def test_text_with_a_dollar_is_no_reference_where_text_is_wanted() -> None:
    assert loaded("title=$5 off").scenario.title == "$5 off"


def test_a_pool_may_be_called_product() -> None:
    text = """
        name: x
        horizon: {days: 1}
        pools:
          product: {groups: [{group: product, servers: 1}]}
        stations: {desk: {route: [{pool: product}]}}
        kinds: {ratio: {}}
        regimes:
          today: {ratio: [{do: end, outcome: done}]}
        regime: today
    """
    assert list(load_text(textwrap.dedent(text)).scenario.pools) == ["product"]


# ── text and hash ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_text_of_a_loaded_scenario_gives_the_same_hash(folder: Path) -> None:
    for name, overrides, sets in (
        ("base", [], []),
        ("child", ["busy", "shorter"], ["assumptions.handle=3", "title='010'"]),
        ("grandchild", [], ["title=on", "horizon.warm_up_days=0"]),
    ):
        first = load(name, overrides, sets, folder=folder)
        again = load_text(first.text, folder=folder)
        assert again.hash == first.hash
        assert again.scenario == first.scenario
        assert again.text == first.text


@pytest.mark.parametrize(
    "title", ["010", "1e3", "on", "null", "~", "08:00", "a: b", "x\ny", "'", '"', " ", "é – 中", "&x"]
)
def test_any_text_survives_writing_and_reading(title: str) -> None:
    assert load_yaml(text_of({"title": title}), "f.yaml")[0] == {"title": title}


def test_layout_comments_and_order_of_keys_do_not_change_the_hash() -> None:
    data, _ = load_yaml(BASE, "base.yaml")
    turned = {key: data[key] for key in reversed(data)}
    turned["pools"] = {key: data["pools"][key] for key in reversed(data["pools"])}
    shuffled = load_text("# another comment\n" + yaml.safe_dump(turned, sort_keys=False, indent=7))
    assert shuffled.hash == loaded().hash
    assert list(shuffled.scenario.pools) == list(loaded().scenario.pools)


def test_a_number_written_in_another_way_does_not_change_the_hash() -> None:
    assert (
        loaded("arrivals.users.rate_per_h=20.0").hash == loaded("arrivals.users.rate_per_h=2e1").hash == loaded().hash
    )
    assert loaded("horizon.days=7.0").hash == loaded().hash


@pytest.mark.parametrize(
    "setting",
    [
        "horizon.days=8",
        "title=Other",
        "assumptions.handle=5",
        "assumptions.handle.high=10",
        "arrivals.users.rate_per_h=20.000000001",
        "pools.leaders.groups[0].servers=5",
        "levels=[urgent, normal]",
        "gates.another={}",
    ],
)
def test_any_value_changes_the_hash(setting: str) -> None:
    assert loaded(setting).hash != loaded().hash


def test_the_hash_is_sixteen_hexadecimal_digits_of_the_model() -> None:
    scenario = loaded()
    assert scenario.hash == hash_of(scenario.scenario)
    assert len(scenario.hash) == 16
    assert int(scenario.hash, 16) >= 0


def test_text_is_saved_whole(tmp_path: Path) -> None:
    file = tmp_path / "saved.yaml"
    save_text(loaded().text, file)
    save_text(loaded("title=Größe").text, file)
    assert load(str(file)).scenario.title == "Größe"
    assert list(tmp_path.iterdir()) == [file]


# ── where later faults are ───────────────────────────────────────────────────────────────────────────────────────


def test_a_later_fault_is_placed_at_the_nearest_known_line(folder: Path) -> None:
    scenario = load("child", ["longer"], ["gates.more={}"], folder=folder)
    assert scenario.problem(("horizon", "days"), "x").file == "scenarios/child.yaml"
    line = BASE[: BASE.index("days: 7")].count("\n") + 1
    assert scenario.problem(("horizon", "first_weekday"), "x") == Problem(
        ("horizon", "first_weekday"), "x", "", "scenarios/base.yaml", line
    )
    assert scenario.problem(("gates", "more", "scope"), "x").file == "--set"
    assert scenario.problem(("nowhere", 3), "x", "y").line == 1


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys; from sim.library import load; load('today'); "
        "print([m for m in ('numpy', 'numba', 'scipy', 'pandas', 'simpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
