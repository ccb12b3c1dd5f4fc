"""A leader's round from the shop to the doors and back: by habit, by the shortest way, or by the quickest (F31).

What a round of n doors takes is computed once, for sampled neighbourhoods of which each has a list of doors: a round
of n doors goes to the first n of a list. A day picks a neighbourhood for each leader. Streets run at right angles, so
a way is |Δx| + |Δy|; the traffic of the day multiplies each way between two doors by a factor of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sim.naming import stable_hash
from sim.sections.fleet import FleetSection, Rounds
from sim.service.tables import Float64, Int64
from sim.world.chance import Chance, binomial_counts
from sim.world.drive import lognormal

Order = Literal["habit", "optimised", "traffic_aware"]

EXACT_DOORS = 6
"""Up to so many doors all orders are tried; above, local search."""

LONGEST_MOVED = 3
"""Doors that local search moves together."""

QUANTILES = 256
"""Steps of the tabulated distribution of the hand-over time of a round."""

MOST_LOOKED_UP = 256
"""Orders of a leader for which the number of doors is looked up; beyond, it is computed."""

_SAMPLES = Chance(0, 0)
"""Neighbourhoods are the same in every run."""


@dataclass(frozen=True)
class RoundTable:
    """Rounds of 0 … N doors: float64 ``way_min`` (N + 1, samples) and ``hand_over_min`` (N + 1, ``QUANTILES``).

    Each row of ``hand_over_min`` has the mean of so many hand-overs, exactly.
    """

    way_min: Float64
    hand_over_min: Float64

    def round_min(self, doors: Int64, u_way: Float64, u_hand_over: Float64, weather: Float64) -> Float64:
        """Length of rounds (same shapes), way × weather + hand-overs, 0 without doors.

        A round of more doors than the table has counts as so many rounds of that many doors.
        """
        row = np.minimum(doors, self.way_min.shape[0] - 1)
        times = np.maximum(doors / (self.way_min.shape[0] - 1), 1.0)
        way = self.way_min[row, (u_way * self.way_min.shape[1]).astype(np.int64)]
        return times * (way * weather + self.hand_over_min[row, (u_hand_over * QUANTILES).astype(np.int64)])


class ShareTable:
    """Binomial counts for one share: what ``Chance.binomial`` gives, looked up instead of added up.

    Row n of the table, its cumulative probabilities moved up by n, follows row n − 1 in one rising list.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        n, k = np.tril_indices(MOST_LOOKED_UP + 1)
        self.rising = n + (special.bdtr(k, n, share) if 0 < share < 1 else (k >= n * share).astype(np.float64))
        self.row = np.arange(MOST_LOOKED_UP + 1) * (np.arange(MOST_LOOKED_UP + 1) + 1) // 2

    def counts(self, u: Float64, n: Int64) -> Int64:
        """Counts of ``n`` (0 allowed) from one uniform each."""
        row = np.minimum(n, MOST_LOOKED_UP)
        counts = np.minimum(np.searchsorted(self.rising, row + u) - self.row[row], row)
        more = np.flatnonzero(n > MOST_LOOKED_UP)
        if more.size:
            counts[more] = binomial_counts(u[more], n[more], np.asarray(self.share))
        return counts


@lru_cache(maxsize=64)
def share_table(share: float) -> ShareTable:
    """The table of a share."""
    return ShareTable(share)


@lru_cache(maxsize=64)
def round_table(rounds: Rounds, order: Order) -> RoundTable:
    """The table of rounds driven in one of the three orders."""
    km, factor = _neighbourhoods(rounds)
    felt_km = km * factor
    minutes = felt_km * (60 / rounds.speed_km_per_h)
    if order == "habit":
        way = _along(minutes, _habitual_tours(rounds))
    else:
        way = _along(minutes, _shortest_tours(km if order == "optimised" else felt_km))
    table = RoundTable(way, _hand_over_min(rounds))
    table.way_min.flags.writeable = table.hand_over_min.flags.writeable = False
    return table


def order_of(section: FleetSection) -> Order:
    """In which order leaders make their rounds."""
    if section.traffic_aware:
        return "traffic_aware"
    return section.round_order


def round_lengths(section: FleetSection, orders_per_leader: float) -> dict[Order, float]:
    """Mean length (min) of a round, on a day of ordinary weather, in each of the three orders (F31).

    The doors of a leader's round are binomial: each of ``orders_per_leader`` orders goes to the door with
    ``home_delivery_share``; days without doors are left out.
    """
    n, p = round(orders_per_leader), section.home_delivery_share
    up_to = special.bdtr(np.arange(n + 1), n, p) if 0 < p < 1 else (np.arange(n + 1) >= n * p).astype(np.float64)
    weights = np.diff(np.concatenate([[0.0], up_to]))
    weights[0] = 0.0
    lengths: dict[Order, float] = {}
    for order in ("habit", "optimised", "traffic_aware"):
        table = round_table(section.rounds, order)
        row = np.minimum(np.arange(n + 1), table.way_min.shape[0] - 1)
        times = np.maximum(np.arange(n + 1) / (table.way_min.shape[0] - 1), 1.0)
        mean = times * (table.way_min.mean(axis=1) + table.hand_over_min.mean(axis=1))[row]
        lengths[order] = float(mean @ weights / weights.sum()) if weights.sum() > 0 else 0.0
    return lengths


def _hand_over_min(rounds: Rounds) -> Float64:
    """Sums of so many hand-overs at the doors: gamma, as many times the shape of one, in the middles of equal parts."""
    doors = np.arange(rounds.most_doors + 1)[:, None] * np.ones(QUANTILES)
    if rounds.hand_over_cv == 0:
        return doors * rounds.hand_over_min
    shape = np.maximum(doors, 1) / rounds.hand_over_cv**2
    quantiles = special.gammaincinv(shape, (np.arange(QUANTILES) + 0.5) / QUANTILES)
    return doors * rounds.hand_over_min * quantiles / quantiles.mean(axis=1, keepdims=True)


def _doors(rounds: Rounds) -> tuple[Float64, Float64]:
    """Places of the shop (0, in the middle) and the doors of each list, km: two of shape (samples, N + 1)."""
    size = (rounds.sampled_neighbourhoods, rounds.most_doors)
    sample = np.full(size, stable_hash("neighbourhood")) + np.arange(size[0])[:, None]
    door = np.broadcast_to(np.arange(size[1]), size)
    places = []
    for axis in ("door: x", "door: y"):
        at = rounds.neighbourhood_km * (_SAMPLES.uniform(axis, sample, door) - 0.5)
        places.append(np.concatenate([np.zeros((size[0], 1)), at], axis=1))
    return places[0], places[1]


def _neighbourhoods(rounds: Rounds) -> tuple[Float64, Float64]:
    """Ways in km and the day's factors on them, both symmetric, float64 (samples, N + 1, N + 1)."""
    x, y = _doors(rounds)
    km = np.abs(x[:, :, None] - x[:, None, :]) + np.abs(y[:, :, None] - y[:, None, :])
    if rounds.street_cv == 0:
        return km, np.ones_like(km)
    node = np.arange(x.shape[1])
    low, high = np.minimum(node[:, None], node), np.maximum(node[:, None], node)
    sample = stable_hash("streets") + np.arange(x.shape[0])[:, None, None]
    scores = _SAMPLES.normal("street's day", np.broadcast_to(sample, km.shape), low * x.shape[1] + high)
    return km, lognormal(scores, rounds.street_cv)


def _habitual_tours(rounds: Rounds) -> list[Int64]:
    """Block by block to and fro, inside a block as the list stands; entry n: (samples, n + 1), the shop first."""
    x, y = _doors(rounds)
    side, blocks = rounds.neighbourhood_km, int(rounds.habit_blocks + 0.5)
    column = np.clip(((x[:, 1:] / side + 0.5) * blocks).astype(np.int64), 0, blocks - 1)
    line = np.clip(((y[:, 1:] / side + 0.5) * blocks).astype(np.int64), 0, blocks - 1)
    block = line * blocks + np.where(line % 2 == 0, column, blocks - 1 - column)
    order = np.argsort(block, axis=1, kind="stable") + 1
    samples = order.shape[0]
    shop = np.zeros((samples, 1), dtype=np.int64)
    return [np.concatenate([shop, order[order <= n].reshape(samples, n)], axis=1) for n in range(rounds.most_doors + 1)]


def _along(minutes: Float64, tours: list[Int64]) -> Float64:
    """Lengths of closed tours, float64 (N + 1, samples)."""
    sample = np.arange(minutes.shape[0])[:, None]
    return np.array([minutes[sample, tour, np.roll(tour, -1, axis=1)].sum(axis=1) for tour in tours])


def _shortest_tours(way: Float64) -> list[Int64]:
    """Closed tours of least length through the shop and the first n doors, n = 0 … N: entry n is (samples, n + 1).

    All orders are tried for few doors. From there on a door more is put in where it costs least, and then the best of
    all 2-opt moves (turn a stretch round) and or-opt moves (put up to three doors elsewhere, either way round) is made
    for as long as one helps.
    """
    samples, nodes, _ = way.shape
    sample = np.arange(samples)[:, None]
    tours = [np.zeros((samples, 1), dtype=np.int64)]
    for n in range(1, nodes):
        if n <= EXACT_DOORS:
            orders = np.array([(0, *one) for one in permutations(range(1, n + 1)) if one[0] <= one[-1]], dtype=np.int64)
            lengths = way[:, orders, np.roll(orders, -1, axis=1)].sum(axis=2)
            tours.append(orders[np.argmin(lengths, axis=1)])
            continue
        tour = tours[-1]
        after = np.roll(tour, -1, axis=1)
        detour = way[sample, tour, n] + way[sample, n, after] - way[sample, tour, after]
        place = np.argmin(detour, axis=1)[:, None] + 1
        at = np.arange(n + 1)
        tour = np.where(at == place, n, tour[sample, np.minimum(at - (at > place), n - 1)])
        tours.append(_improved(tour, way))
    return tours


def _improved(tour: Int64, way: Float64) -> Int64:
    """Tours (samples, m) after local search, all samples at once; each makes its own best move in a step."""
    tour = tour.copy()
    going = np.arange(tour.shape[0])
    while going.size:
        part = tour[going]
        between = way[going[:, None, None], part[:, :, None], part[:, None, :]]
        gain_turn, i, j = _best_turn(between)
        gain_move, keys = _best_move(between)
        turn = gain_turn >= gain_move
        at = np.arange(part.shape[1])
        inside = (at > i[:, None]) & (at <= j[:, None])
        turned = np.where(inside, (i + j + 1)[:, None] - at, at)
        source = np.where(turn[:, None], turned, np.argsort(keys, axis=1, kind="stable"))
        better = np.maximum(gain_turn, gain_move) > 1e-9
        tour[going[better]] = np.take_along_axis(part, source, axis=1)[better]
        going = going[better]
    return tour


def _best_turn(between: Float64) -> tuple[Float64, Int64, Int64]:
    """Best 2-opt move: gain, and the places i < j of which i + 1 … j is turned round, each (samples,)."""
    m = between.shape[1]
    after = np.roll(between, -1, axis=2)
    edge = np.diagonal(after, axis1=1, axis2=2)
    gain = edge[:, :, None] + edge[:, None, :] - between - np.roll(after, -1, axis=1)
    gain[:, np.tri(m, dtype=np.bool_)] = -np.inf
    best = gain.reshape(-1, m * m).argmax(axis=1)
    return np.take_along_axis(gain.reshape(-1, m * m), best[:, None], axis=1)[:, 0], best // m, best % m


def _best_move(between: Float64) -> tuple[Float64, Float64]:
    """Best or-opt move: gain (samples,), and for each place of the tour a number (samples, m) that sorts it anew."""
    samples, m, _ = between.shape
    rows = np.arange(samples)
    after = np.roll(between, -1, axis=2)
    edge = np.diagonal(after, axis1=1, axis2=2)
    at = np.arange(m)
    best_gain, keys = np.full(samples, -np.inf), np.broadcast_to(at.astype(np.float64), (samples, m)).copy()
    for length in range(1, min(LONGEST_MOVED, m - 2) + 1):
        start = np.arange(m - length)  # the stretch ends before the tour does, so that it has a place after it
        end = start + length - 1
        before = (start - 1) % m
        freed = edge[:, before] + edge[:, end] - between[:, before, (end + 1) % m]
        allowed: NDArray[np.bool_] = ~((at >= start[:, None]) & (at <= end[:, None])) & (at != before[:, None])
        for turned in (False, True):
            head, tail = (end, start) if turned else (start, end)
            cost = between[:, head, :] + after[:, tail, :] - edge[:, None, :]
            gain = np.where(allowed, freed[:, :, None] - cost, -np.inf).reshape(samples, -1)
            place = gain.argmax(axis=1)
            better = gain[rows, place] > best_gain
            s, to = place // m, place % m
            offset = at - s[:, None]
            inside = (offset >= 0) & (offset < length)
            step = (length - offset if turned else offset + 1) / (length + 1)
            moved = np.where(inside, to[:, None] + step, at)
            best_gain = np.where(better, gain[rows, place], best_gain)
            keys = np.where(better[:, None], moved, keys)
    return best_gain, keys
