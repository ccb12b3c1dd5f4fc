"""A process that works: it takes replications from the store one by one and enters what comes out.

``app.jobs`` starts it with a pipe as standard input. A byte in the pipe says that there may be work. The end of the
pipe says that whoever started the process is gone, however that happened, and the process ends at once; the store is
made for that. Nothing of the browser's side is imported here.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from sim.library import load, load_text
from sim.problems import InputError, Problem, quoted
from sim.run import ENGINES
from sim.service.build import Network, build
from sim.store import Claim, Question, Store, kept_of, named
from sim.study.replicate import Outcome, Plan, one

NICENESS = 10
NETWORKS = 8
"""So many built networks are kept."""
REPORT_S = 0.2
"""Progress within a replication is entered no more often."""
IDLE_S = 0.5
"""After so long, look for work that another process may have queued."""

WORLD = "plan"
"""A day of this loads the world's modules, and what they look up once."""

# The compiled engine is loaded by this before the first job comes, or compiled, where that was not done yet.
WARM_UP = """
name: warm_up
horizon: {days: 1}
pools: {servers: {groups: [{group: all, servers: 1}]}}
stations: {desk: {route: [{pool: servers}]}}
kinds: {customer: {}}
regime: standard
regimes:
  standard:
    customer:
      - {do: serve, step: service, station: desk, duration: {family: exponential, mean_min: 20}}
      - {do: end, outcome: solved}
arrivals: [{source: customers, kind: customer, rate_per_h: 1}]
"""

Compute = Callable[[Network, Plan, int, Callable[[int], None]], Outcome]

log = logging.getLogger("linli.worker")


class UnwantedError(Exception):
    """Raised between two days of a replication that nobody wants any more."""


class Worker:
    """What the process does, step by step.

    Parameters
    ----------
    store : where the work is, and where it goes.
    name : under which it claims work; no two workers ever have the same.
    engine : one of ``sim.run.ENGINES``; the figures are the same for all.
    compute, clock_s : what computes a replication, and a clock that never goes back.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        engine: str = ENGINES[0],
        *,
        compute: Compute = one,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store, self.name, self.engine = store, name, engine
        self._compute, self._clock_s = compute, clock_s
        self._networks: OrderedDict[str, Network] = OrderedDict()

    def step(self) -> bool:
        """Compute one replication, if there is one to compute; whether there was.

        A replication that fails fails its jobs, with one sentence, and the worker lives on.

        Raises
        ------
        InputError
            The store cannot be used.
        """
        claim = self.store.claim(self.name)
        if claim is None:
            return False
        try:
            network = self._network(claim.question)
            plan = Plan(self.engine, claim.question.seed, kept_of(network.scenario))
            self.store.finish(claim, self._compute(network, plan, claim.replication, self._between_days(claim)))
        except UnwantedError:
            self.store.give_up(claim)
        except InputError as error:
            self.store.fail(claim, str(error.problems[0]))
        except Exception as error:
            what = named(claim.question, claim.replication)
            log.exception("%s failed", what)
            self.store.fail(claim, f"{what}: failed with {type(error).__name__} {quoted(error)}")
        return True

    def warm_up(self) -> None:
        """Load what the first replication would have to wait for. What fails here fails again, in a job, by name."""
        with suppress(Exception):
            one_day = load(WORLD, sets=("horizon.days=1", "horizon.warm_up_days=0"))
            for scenario in (load_text(WARM_UP).scenario, one_day.scenario):
                one(build(scenario), Plan(self.engine, 1, kept_of(scenario)), 0)

    def _network(self, question: Question) -> Network:
        """The question's network, kept or built."""
        network = self._networks.pop(question.scenario_hash, None)
        if network is None:
            loaded = load_text(question.text, file_name=f"{question.name}.yaml")
            if loaded.hash != question.scenario_hash:
                raise InputError([Problem((), f"{question.name} in the store is not what its hash says")])
            network = build(loaded.scenario)
        self._networks[question.scenario_hash] = network
        if len(self._networks) > NETWORKS:
            self._networks.popitem(last=False)
        return network

    def _between_days(self, claim: Claim) -> Callable[[int], None]:
        """Called after each day: stops what nobody wants, and enters progress now and then."""
        reported = self._clock_s()

        def on_day(day: int) -> None:
            nonlocal reported
            if not self.store.is_wanted(claim):
                raise UnwantedError
            if self._clock_s() - reported >= REPORT_S:
                reported = self._clock_s()
                self.store.report(claim, day + 1)

        return on_day


def main(compute: Compute = one) -> None:
    """Work until whoever started the process is gone."""
    parser = argparse.ArgumentParser(prog="python -m app.worker", description="Started by the app, not by people.")
    parser.add_argument("store")
    parser.add_argument("name")
    parser.add_argument("engine", choices=ENGINES)
    arguments = parser.parse_args()
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too, but our end is the parent's business
    wake = threading.Event()
    threading.Thread(target=_listen, args=(wake,), daemon=True).start()
    try:
        with Store(arguments.store) as store:
            worker = Worker(store, arguments.name, arguments.engine, compute=compute)
            worker.warm_up()
            while True:
                wake.clear()
                if not worker.step():
                    wake.wait(IDLE_S)
    except InputError as error:
        sys.exit(str(error))


def _listen(wake: threading.Event) -> None:
    """Wake up for each byte of standard input; end the process, whatever it is doing, with the input's end."""
    while os.read(0, 1024):
        wake.set()
    os._exit(0)


if __name__ == "__main__":
    main()
