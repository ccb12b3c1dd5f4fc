"""The command line: ``linli check|run|compare|checks|claims|measures|replay|bench``.

Exit status: 0 done, 1 a fault of ours, 2 the input is wrong (one line per error), 3 a claim that ``--require`` asks for
is missed, 130 interrupted (what was finished is kept and shown). With ``--json``, standard output carries one object
and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sim.library import Loaded

INPUT_IS_WRONG = 2
CLAIM_MISSED = 3
INTERRUPTED = 130
LARGEST_KEY = 2**32 - 1


def scenario_options(command: Any) -> Any:
    """Options of every command that reads a scenario."""
    for option in (
        click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Set a field of the scenario."),
        click.option("--override", "overrides", multiple=True, metavar="NAME", help="Apply a named override."),
    ):
        command = option(command)
    return command


def json_option(command: Any) -> Any:
    """``--json`` of every command."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def linli() -> None:
    """Linli: try a customer-service plan before it is deployed."""


@linli.command()
@click.argument("scenario")
@scenario_options
@json_option
def check(scenario: str, sets: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """What is wrong with a scenario, or nothing."""
    from sim.problems import InputError
    from sim.session import build_loaded

    try:
        loaded = _load(scenario, sets, overrides)
        build_loaded(loaded)
    except InputError as error:
        if not as_json:
            raise
        keys = ("file", "line", "field", "message", "allowed")
        _print_json({"ok": False, "errors": [{key: getattr(p, key) for key in keys} for p in error.problems]})
        sys.exit(INPUT_IS_WRONG)
    if as_json:
        _print_json({"ok": True, "errors": []})
    else:
        click.echo(f"{loaded.scenario.name} is sound (hash {loaded.hash})")


@linli.command()
@click.argument("scenario")
@scenario_options
@click.option("--engine", default=None, help="Which engine runs it.")
@click.option("--replications", type=click.IntRange(1, 100_000), default=None, help="Number of replications [5].")
@click.option(
    "--precision", type=click.FloatRange(0, 1, min_open=True), help="Replicate until this relative half-width."
)
@click.option("--of", "measure", default="wait_mean_s", show_default=True, help="Measure that --precision is about.")
@click.option("--seed", type=click.IntRange(0, LARGEST_KEY), default=1, show_default=True, help="Seed of all draws.")
@click.option(
    "--days",
    type=click.IntRange(1, 4000),
    default=None,
    help="Length of the run instead of the scenario's, warm-up included if it leaves anything.",
)
@click.option("--workers", type=click.IntRange(1, 1000), default=None, help="Worker processes [all cores].")
@click.option(
    "--by", default="", help="Breakdowns, separated by commas: hour, day, city, channel, cause, kind, pool, …"
)
@click.option("--out", type=click.Path(file_okay=False), default=None, help="Folder for scenario, figures and traces.")
@json_option
def run(
    scenario: str,
    sets: tuple[str, ...],
    overrides: tuple[str, ...],
    engine: str | None,
    replications: int | None,
    precision: float | None,
    measure: str,
    seed: int,
    days: int | None,
    workers: int | None,
    by: str,
    out: str | None,
    as_json: bool,
) -> None:
    """Run a scenario and print its figures with intervals over replications."""
    from sim import show
    from sim.session import Session

    session = Session(
        loaded=_load(scenario, (*sets, *_horizon(scenario, sets, overrides, days)), overrides),
        engine=_engine(engine),
        seed=seed,
        workers=workers or os.cpu_count() or 1,
        by=_breakdowns(by),
        out=out,
    )
    _check_measure(measure)
    result = session.run(replications, precision, measure)
    if as_json:
        _print_json(result.as_json())
    else:
        show.figures(result)
    if result.interrupted:
        sys.exit(INTERRUPTED)


@linli.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO SCENARIO...")
@scenario_options
@click.option("--engine", default=None, help="Which engine runs them.")
@click.option(
    "--replications",
    type=click.IntRange(1, 100_000),
    default=None,
    help="Replications of each option [10]; the most with --precision or --until-best.",
)
@click.option(
    "--precision",
    type=click.FloatRange(0, 1, min_open=True),
    help="Replicate until each difference of --best is known to this share of the baseline's mean.",
)
@click.option("--until-best", is_flag=True, help="Replicate until the best is chosen.")
@click.option(
    "--days",
    type=click.IntRange(1, 4000),
    default=None,
    help="Length of the runs instead of the scenarios', warm-up included if it leaves anything.",
)
@click.option("--seed", type=click.IntRange(0, LARGEST_KEY), default=1, show_default=True, help="Seed of all draws.")
@click.option("--workers", type=click.IntRange(1, 1000), default=None, help="Worker processes [all cores].")
@click.option("--baseline", default=None, metavar="NAME", help="Option that the others are compared with [the first].")
@click.option("--measures", default="", help="Figures to show, separated by commas.")
@click.option(
    "--best",
    default=None,
    metavar="MEASURE",
    help="Figure by which the best is chosen [net_benefit_yuan; wait_mean_s without a world].",
)
@click.option(
    "--guarantee",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Probability that the best is chosen rightly.",
)
@click.option(
    "--indifference",
    type=click.FloatRange(0, min_open=True),
    default=None,
    metavar="DELTA",
    help="Difference of --best that is worth detecting, in its unit [1 % of the baseline's mean].",
)
@json_option
def compare(
    scenarios: tuple[str, ...],
    sets: tuple[str, ...],
    overrides: tuple[str, ...],
    engine: str | None,
    replications: int | None,
    precision: float | None,
    until_best: bool,
    days: int | None,
    seed: int,
    workers: int | None,
    baseline: str | None,
    measures: str,
    best: str | None,
    guarantee: float,
    indifference: float | None,
    as_json: bool,
) -> None:
    """Set options side by side under the same luck, and say which is best."""
    from sim.study.compare import Asked
    from sim.study.compare import compare as compared

    result = compared(
        Asked(
            options=tuple(_load(one, (*sets, *_horizon(one, sets, overrides, days)), overrides) for one in scenarios),
            engine=_engine(engine),
            seed=seed,
            workers=workers or os.cpu_count() or 1,
            baseline=baseline,
            replications=replications,
            precision=precision,
            until_best=until_best,
            measures=tuple(name.strip() for name in measures.split(",") if name.strip()),
            best=best,
            guarantee=guarantee,
            indifference=indifference,
        )
    )
    if as_json:
        _print_json(result.as_json())
    else:
        from sim.show_compare import show_compare

        show_compare(result)
    if result.interrupted:
        sys.exit(INTERRUPTED)


@linli.command()
@click.argument("scenario")
@scenario_options
@click.option("--engine", default=None, help="Which engine runs it.")
@click.option("--replications", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(0, LARGEST_KEY), default=1, show_default=True, help="Seed of all draws.")
@click.option(
    "--days",
    type=click.IntRange(1, 4000),
    default=None,
    help="Longest run [half a year after late goods]; checks that need a longer one cannot be told.",
)
@click.option("--workers", type=click.IntRange(1, 1000), default=None, help="Worker processes [all cores].")
@click.option("--against", default=None, metavar="SCENARIO", help="Scenario whose complaints F14 compares with.")
@json_option
def checks(
    scenario: str,
    sets: tuple[str, ...],
    overrides: tuple[str, ...],
    engine: str | None,
    replications: int,
    seed: int,
    days: int | None,
    workers: int | None,
    against: str | None,
    as_json: bool,
) -> None:
    """Hold the plan's slopes and totals against the model's, each with interval and verdict."""
    from sim.study.checks import hold

    result = hold(
        _load(scenario, sets, overrides),
        engine=_engine(engine),
        seed=seed,
        replications=replications,
        workers=workers or os.cpu_count() or 1,
        days=days,
        against=_load(against, (), ()) if against else None,
    )
    if as_json:
        _print_json(result.as_json())
    else:
        from sim.show_checks import show_checks

        show_checks(result)
    if result.interrupted:
        sys.exit(INTERRUPTED)


@linli.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@scenario_options
@click.option("--baseline", default="today", show_default=True, help="Scenario that changes are against.")
@click.option("--engine", default=None, help="Which engine runs it.")
@click.option("--replications", type=click.IntRange(1, 100_000), default=10, show_default=True)
@click.option("--seed", type=click.IntRange(0, LARGEST_KEY), default=1, show_default=True, help="Seed of all draws.")
@click.option(
    "--days", type=click.IntRange(1, 4000), default=None, help="Length of all runs instead of the scenario's."
)
@click.option(
    "--over-assumptions",
    "draws",
    type=click.IntRange(1, 100_000),
    default=None,
    help="Probabilities over so many draws of all assumptions within their ranges.",
)
@click.option(
    "--trade-growth",
    type=click.FloatRange(-0.9, 10),
    default=0.45,
    show_default=True,
    help="Growth of complaints in a year if nothing is done (F14); 0 for none.",
)
@click.option("--facts", default="", help="Only claims of these facts, separated by commas: F50,F51.")
@click.option("--workers", type=click.IntRange(1, 1000), default=None, help="Worker processes [all cores].")
@click.option("--require", is_flag=True, help="Exit status 3 if the estimate of a claim misses its target.")
@json_option
def claims(
    scenarios: tuple[str, ...],
    sets: tuple[str, ...],
    overrides: tuple[str, ...],
    baseline: str,
    engine: str | None,
    replications: int,
    seed: int,
    days: int | None,
    draws: int | None,
    trade_growth: float,
    facts: str,
    workers: int | None,
    require: bool,
    as_json: bool,
) -> None:
    """The plan's promises: estimate, interval, probability, since when, and why not. --set and --override change the
    scenarios, not the baseline."""
    from sim.claims import hold

    found = hold(
        [_load(one, (*sets, *_horizon(one, sets, overrides, days)), overrides) for one in scenarios],
        _load(baseline, (), ()),
        engine=_engine(engine),
        seed=seed,
        replications=replications,
        draws=draws or 0,
        workers=workers or os.cpu_count() or 1,
        trade_growth=trade_growth,
        facts=tuple(one.strip() for one in facts.split(",") if one.strip()),
    )
    if as_json:
        objects = [one.as_json() for one in found]
        _print_json(objects[0] if len(objects) == 1 else {"scenarios": objects})
    else:
        from sim.show_claims import show_claims

        for one in found:
            show_claims(one)
    if any(one.interrupted for one in found):
        sys.exit(INTERRUPTED)
    if require and any(one.missed for one in found):
        sys.exit(CLAIM_MISSED)


@linli.command()
@json_option
def measures(as_json: bool) -> None:
    """All figures: name, unit and definition."""
    from sim.measures import definitions

    rows = definitions()
    if as_json:
        _print_json({"measures": rows})
        return
    from sim import show

    show.definitions(rows)


@linli.command()
@click.argument("log", type=click.Path())
@click.argument("scenario")
@click.option("--mapping", required=True, type=click.Path(), help="YAML file that says what the log's columns are.")
@scenario_options
@click.option("--engine", default=None, help="Which engine runs it.")
@click.option("--replications", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(0, LARGEST_KEY), default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 1000), default=None, help="Worker processes [all cores].")
@json_option
def replay(
    log: str,
    scenario: str,
    mapping: str,
    sets: tuple[str, ...],
    overrides: tuple[str, ...],
    engine: str | None,
    replications: int,
    seed: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Feed a real log's arrivals through a scenario and compare simulated with actual figures."""
    from calibration.replay import replay_log

    result = replay_log(
        log,
        mapping,
        _load(scenario, sets, overrides),
        engine=_engine(engine),
        seed=seed,
        replications=replications,
        workers=workers or os.cpu_count() or 1,
    )
    if as_json:
        _print_json(result.as_json())
        return
    from sim import show

    show.comparison(result)


@linli.command()
@click.argument("what", default="all")
@click.option("--runs", type=click.IntRange(1, 100), default=5, show_default=True, help="Times everything is measured.")
@click.option("--quick", is_flag=True, help="Tiny sizes: whether it works, not how fast it is.")
@json_option
def bench(what: str, runs: int, quick: bool, as_json: bool) -> None:
    """How fast it is: WHAT is a part (engine, world, start, studies) or all."""
    from sim.bench import ALL, PARTS, measure
    from sim.bench import as_json as bench_as_json
    from sim.bench.figure import Effort

    if what not in (*PARTS, ALL):
        raise click.UsageError(f"WHAT: no part '{what}' of the bench; allowed: {', '.join((*PARTS, ALL))}")
    effort = Effort(runs, quick)
    figures = measure(what, effort)
    if as_json:
        _print_json(bench_as_json(figures, effort))
        return
    from sim.bench.table import show_figures

    show_figures(figures)


@linli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve at.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8501, show_default=True)
def app(host: str, port: int) -> None:
    """Start the app in the browser."""
    from pathlib import Path

    root = Path(__file__).resolve().parents[1]
    where = ["--server.address", host, "--server.port", str(port)]
    if host not in ("127.0.0.1", "localhost"):
        where += ["--server.allowedHosts", host]
    click.echo(f"Linli answers at http://{host}:{port} – stop it with Ctrl-C", err=True)
    os.chdir(root)
    # The estimate's matrices are small: more threads only wait for each other, and take the workers' cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", "app/main.py", *where])


def _load(scenario: str, sets: tuple[str, ...], overrides: tuple[str, ...]) -> Loaded:
    from sim.library import load

    return load(scenario, overrides, sets)


def _horizon(scenario: str, sets: tuple[str, ...], overrides: tuple[str, ...], days: int | None) -> list[str]:
    """Settings for a run of so many days; a warm-up that would leave nothing of them is left out."""
    if days is None:
        return []
    warm_up = _load(scenario, sets, overrides).scenario.horizon.warm_up_days
    return [f"horizon.days={days}", *(["horizon.warm_up_days=0"] if warm_up >= days else [])]


def _engine(name: str | None) -> str:
    from sim.run import ENGINES

    if name is not None and name not in ENGINES:
        raise click.UsageError(f"--engine: no engine '{name}'; allowed: {', '.join(ENGINES)}")
    return name or ENGINES[0]


def _breakdowns(text: str) -> tuple[str, ...]:
    from sim.measures import BREAKDOWNS

    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in BREAKDOWNS:
            raise click.UsageError(f"--by: no breakdown '{name}'; allowed: {', '.join(BREAKDOWNS)}")
    return names


def _check_measure(name: str) -> None:
    from sim.measures import MEASURES

    if name not in MEASURES:
        raise click.UsageError(f"--of: no measure '{name}'; allowed: {', '.join(MEASURES)}")


def _print_json(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False))


def main() -> None:
    """Entry point: turns exceptions into one line and an exit status."""
    from sim.problems import InputError

    try:
        linli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        click.echo(f"linli: {' '.join(error.format_message().split())}", err=True)
        sys.exit(INPUT_IS_WRONG)
    except InputError as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        sys.exit(INPUT_IS_WRONG)
    except BrokenPipeError:
        # Whoever read our output has seen enough; leave without a traceback at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
