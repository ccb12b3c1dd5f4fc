"""Runs of textbook scenarios and intervals over their replications: what the engine's theory tests share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import stdtrit

from sim.library import load
from sim.run import ENGINES, replicate
from sim.service.build import build
from sim.service.record import Record
from sim.service.tables import Visits, concatenate, take

CONFIDENCE = 0.999
SEED = 20_240_617


@dataclass(frozen=True)
class Estimate:
    """A mean over independent replications with the half-width of its confidence interval."""

    mean: float
    half_width: float

    def contains(self, value: float) -> bool:
        return abs(self.mean - value) <= self.half_width


def estimate(values: np.ndarray, controls: np.ndarray | None = None, together: int = 1) -> Estimate:
    """Student's interval of 99.9 % from one value per replication.

    Parameters
    ----------
    values : one per replication.
    controls : shape (replications, controls); other figures of the same replications, less their known means. What
        they explain of the values by linear regression is taken out (S. S. Lavenberg and P. D. Welch, A perspective on
        the use of control variables, 1981); each costs a degree of freedom.
    together : intervals that are to hold all at once (Bonferroni).
    """
    ones = np.ones((values.size, 1))
    design = ones if controls is None else np.column_stack([ones, controls])
    fitted, *_ = np.linalg.lstsq(design, values, rcond=None)
    freedom = values.size - design.shape[1]
    variance = float(((values - design @ fitted) ** 2).sum()) / freedom
    quantile = float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / 2 / together))
    return Estimate(float(fitted[0]), quantile * math.sqrt(variance * float(np.linalg.inv(design.T @ design)[0, 0])))


@dataclass(frozen=True)
class Runs:
    """Independent replications of one scenario; its methods give one number per replication.

    ``times`` : how many times as many as the test asked for, which is what the reference engine can do.
    """

    records: tuple[Record, ...]
    times: int = 1

    def assert_agrees(
        self,
        values: np.ndarray,
        expected: float,
        within: float | None = None,
        controls: np.ndarray | None = None,
        together: int = 1,
    ) -> None:
        """The interval contains the number and, if that is asked, its half-width is at most that share of the number
        (or of what is left of it with more replications)."""
        found = estimate(values, controls, together)
        assert found.contains(expected), f"{found.mean:.6g} ± {found.half_width:.2g} does not contain {expected:.6g}"
        if within is not None:
            widest = within * abs(expected) / math.sqrt(self.times)
            assert found.half_width <= widest, f"± {found.half_width:.2g} is wide for {expected:.6g}"

    def controls(self, arrival_rate_per_s: float, service_mean_s: float | None = None) -> np.ndarray:
        """How far each replication's arrivals, and its mean service time unless that is constant, are off."""
        columns = [self.each(arrival_rate) - arrival_rate_per_s]
        if service_mean_s is not None:
            columns.append(self.each(mean_service_s) - service_mean_s)
        return np.column_stack(columns)

    def each(self, figure: Callable[[Record], float]) -> np.ndarray:
        return np.array([figure(record) for record in self.records])

    def over_visits(self, figure: Callable[[Record, Visits], float], station: str | None = None) -> np.ndarray:
        """A figure of the visits that were asked for after the warm-up."""
        return self.each(lambda record: figure(record, visits_after_warm_up(record, station)))

    def wait_mean_s(self, station: str | None = None) -> np.ndarray:
        return self.over_visits(lambda record, visits: float(waits_ms(record, visits).mean()) / 1000, station)

    def wait_share(self, station: str | None = None) -> np.ndarray:
        return self.over_visits(lambda record, visits: float((waits_ms(record, visits) > 0).mean()), station)

    def abandoned_share(self, station: str | None = None) -> np.ndarray:
        return self.over_visits(lambda _, visits: float(((visits.granted < 0) & (visits.ended >= 0)).mean()), station)

    def answered_within_share(self, seconds: float, station: str | None = None) -> np.ndarray:
        def share(_: Record, visits: Visits) -> float:
            return float(((visits.granted >= 0) & (visits.granted - visits.requested <= seconds * 1000)).mean())

        return self.over_visits(share, station)

    def number_mean(self, station: str | None = None) -> np.ndarray:
        """Time average of the number at a station, waiting or served."""
        return self.each(lambda record: time_average(record, station, "requested", "ended"))

    def queue_mean(self, station: str | None = None) -> np.ndarray:
        return self.each(
            lambda record: (
                time_average(record, station, "requested", "ended") - time_average(record, station, "granted", "ended")
            )
        )

    def busy_mean(self, station: str | None = None) -> np.ndarray:
        """Time average of the number in service."""
        return self.each(lambda record: time_average(record, station, "granted", "ended"))


def all_visits(record: Record, station: str | None = None) -> Visits:
    """Ended and open visits."""
    visits = concatenate([record.trace.visits, record.open_rows.visits])
    return visits if station is None else take(visits, visits.station == record.names.stations.index(station))


def visits_after_warm_up(record: Record, station: str | None = None) -> Visits:
    visits = all_visits(record, station)
    return take(visits, visits.requested >= record.from_ms)


def waits_ms(record: Record, visits: Visits) -> np.ndarray:
    """Request to grant or to leaving; who still waits at the end has waited until then."""
    left = np.where(visits.ended >= 0, visits.ended, record.until_ms)
    return np.where(visits.granted >= 0, visits.granted, left) - visits.requested


def time_average(record: Record, station: str | None, begins: str, ends: str) -> float:
    """Mean number of visits between two of their moments, over the time after the warm-up."""
    visits = all_visits(record, station)
    start, end = getattr(visits, begins), getattr(visits, ends)
    end = np.where(end >= 0, end, record.until_ms)
    inside = np.minimum(end, record.until_ms) - np.maximum(start, record.from_ms)
    return float(inside[(start >= 0) & (inside > 0)].sum()) / (record.until_ms - record.from_ms)


def arrival_rate(record: Record) -> float:
    """Arrivals per second after the warm-up."""
    return 1000 * float((record.arrivals.t >= record.from_ms).sum()) / (record.until_ms - record.from_ms)


def mean_service_s(record: Record) -> float:
    """Mean service time of visits after the warm-up, but for the last ones, of which the long ones are still open."""
    visits = record.trace.visits
    last = record.until_ms - (record.until_ms - record.from_ms) // 20
    counted = (visits.requested >= record.from_ms) & (visits.requested < last) & (visits.granted >= 0)
    return float((visits.ended - visits.granted)[counted].mean()) / 1000


def runs(name: str, overrides: Sequence[str], replications: int, engine: str, sets: Sequence[str] = ()) -> Runs:
    """Replications of a scenario of the library."""
    network = build(load(name, overrides, sets).scenario)
    return Runs(tuple(replicate(network, SEED, number, engine=engine) for number in range(replications)))


def many_runs(name: str, overrides: Sequence[str], replications: int, engine: str) -> Runs:
    """As ``runs``, and as many times more of them as the engine is quick."""
    times = 1 if engine == "reference" else 8
    return Runs(runs(name, overrides, replications * times, engine).records, times)


every_engine = pytest.mark.parametrize("engine", ENGINES)
