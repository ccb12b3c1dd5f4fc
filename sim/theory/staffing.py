"""The smallest number of servers that keeps a promise, by Erlang C or Erlang A."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sim.theory.abandonment import ErlangA, erlang_a
from sim.theory.erlang import ErlangC, erlang_c
from sim.theory.inputs import TheoryError, not_negative, open_share, patience, positive


@dataclass(frozen=True)
class ServiceTarget:
    """What is promised; every part that is given has to hold. Waits are over all offered.

    Attributes
    ----------
    answered_within_share_at_least
        Share of the offered answered within `within_s`, strictly between 0 and 1.
    within_s
        Seconds, at least 0.
    wait_mean_at_most_s
        Mean wait in seconds, above 0.
    wait_probability_at_most
        Share of arrivals that wait at all, strictly between 0 and 1.
    abandoned_share_at_most
        Share of the offered that leave, strictly between 0 and 1; for Erlang A only.

    Raises
    ------
    TheoryError
        When nothing is promised, or something that no or any number of servers keeps.
    """

    answered_within_share_at_least: float | None = None
    within_s: float = 20.0
    wait_mean_at_most_s: float | None = None
    wait_probability_at_most: float | None = None
    abandoned_share_at_most: float | None = None

    def __post_init__(self) -> None:
        not_negative("within_s", self.within_s)
        for name in ("answered_within_share_at_least", "wait_probability_at_most", "abandoned_share_at_most"):
            share = getattr(self, name)
            if share is not None:
                open_share(name, share)
        if self.wait_mean_at_most_s is not None:
            positive("wait_mean_at_most_s", self.wait_mean_at_most_s)
        parts = (
            self.answered_within_share_at_least,
            self.wait_mean_at_most_s,
            self.wait_probability_at_most,
            self.abandoned_share_at_most,
        )
        if all(part is None for part in parts):
            raise TheoryError(
                "the service target promises nothing: give answered_within_share_at_least, wait_mean_at_most_s, "
                "wait_probability_at_most or abandoned_share_at_most"
            )

    def met_by(self, queue: ErlangC | ErlangA) -> bool:
        """Whether the queue keeps every part of the promise."""
        abandoned = queue.abandoned_share if isinstance(queue, ErlangA) else 0.0
        return (
            (self.wait_probability_at_most is None or queue.wait_probability <= self.wait_probability_at_most)
            and (self.wait_mean_at_most_s is None or queue.wait_mean_s <= self.wait_mean_at_most_s)
            and (self.abandoned_share_at_most is None or abandoned <= self.abandoned_share_at_most)
            and (
                self.answered_within_share_at_least is None
                or queue.answered_within_share(self.within_s) >= self.answered_within_share_at_least
            )
        )

    def met_without_servers(self, patience_mean_s: float) -> bool:
        """Whether the promise holds when everybody waits until their patience runs out: a mean wait can."""
        shares = (self.answered_within_share_at_least, self.wait_probability_at_most, self.abandoned_share_at_most)
        return (
            all(share is None for share in shares)
            and self.wait_mean_at_most_s is not None
            and patience_mean_s <= self.wait_mean_at_most_s
        )


def erlang_c_servers(arrival_rate_per_s: float, service_mean_s: float, target: ServiceTarget) -> int:
    """Smallest whole number of servers with which an M/M/c queue meets the target; 0 when nobody arrives.

    Raises
    ------
    TheoryError
        For rates or times that are not allowed, or a target on abandonment, which Erlang C does not know.
    """
    not_negative("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    if target.abandoned_share_at_most is not None:
        raise TheoryError("abandoned_share_at_most is given: in Erlang C nobody leaves; use erlang_a_servers")
    load = arrival_rate_per_s * service_mean_s
    if load == 0:
        return 0
    return _smallest(int(load), load, lambda servers: erlang_c(arrival_rate_per_s, service_mean_s, servers), target)


def erlang_a_servers(
    arrival_rate_per_s: float, service_mean_s: float, patience_mean_s: float, target: ServiceTarget
) -> int:
    """Smallest whole number of servers with which an M/M/c+M queue meets the target.

    0 when nobody arrives, or when the target is met with every customer leaving unserved.

    Raises
    ------
    TheoryError
        For rates or times that are not allowed.
    """
    not_negative("arrival_rate_per_s", arrival_rate_per_s)
    positive("service_mean_s", service_mean_s)
    patience(patience_mean_s)
    load = arrival_rate_per_s * service_mean_s
    if load == 0:
        return 0
    if target.met_without_servers(patience_mean_s):
        return 0
    floor = int(load) if patience_mean_s == float("inf") else 0
    return _smallest(
        floor, load, lambda servers: erlang_a(arrival_rate_per_s, service_mean_s, patience_mean_s, servers), target
    )


def _smallest(too_few: int, load: float, queue_with: Callable[[int], ErlangC | ErlangA], target: ServiceTarget) -> int:
    """Bisect between a number that fails and one that meets the target: every part improves with more servers."""
    enough = max(too_few, int(load)) + 1
    step = 1
    while not target.met_by(queue_with(enough)):
        too_few = enough
        enough += step
        step *= 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if target.met_by(queue_with(middle)):
            enough = middle
        else:
            too_few = middle
    return enough
