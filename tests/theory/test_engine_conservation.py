"""What holds exactly, to the millisecond, in every textbook scenario: conservation, Little's law, slots, repetition."""

import numpy as np
import pytest
import yaml
from engine_runs import SEED, every_engine, runs

from sim.library import FOLDER
from sim.service.record import Record, presence_in
from sim.service.tables import NONE, Items, VisitEnd, Visits, concatenate, take

FILES = sorted((FOLDER / "textbook").glob("*.yaml"))
VARIANTS = [
    (file.stem, overrides)
    for file in FILES
    for overrides in [(), *((name,) for name in yaml.safe_load(file.read_text(encoding="utf-8")).get("overrides", {}))]
]

pytestmark = [pytest.mark.theory, every_engine]
every_variant = pytest.mark.parametrize(
    ("name", "overrides"), VARIANTS, ids=["-".join([name, *overrides]) for name, overrides in VARIANTS]
)


def one_day(name: str, overrides: tuple[str, ...], engine: str, replications: int = 1) -> list[Record]:
    short = ["horizon.days=1", "horizon.warm_up_days=0"]
    return list(runs(name, overrides, replications, engine, short).records)


def items_of(record: Record) -> Items:
    return concatenate([record.trace.items, record.open_rows.items])


def visits_of(record: Record) -> Visits:
    return concatenate([record.trace.visits, record.open_rows.visits])


@every_variant
def test_conservation_laws_hold_exactly(name: str, overrides: tuple[str, ...], engine: str) -> None:
    (record,) = one_day(name, overrides, engine)
    items, visits = items_of(record), visits_of(record)
    assert items.item.size > 0

    # Everybody who came from outside ended or is open, once; the others were spawned for the case of one of these.
    assert np.unique(items.item).size == items.item.size
    from_outside = np.isin(items.draw_key, record.arrivals.draw_key)
    assert np.array_equal(np.sort(items.draw_key[from_outside]), np.sort(record.arrivals.draw_key))
    assert np.isin(items.case, items.item[from_outside]).all()
    assert (items.arrived >= 0).all()
    assert (record.trace.items.ended >= record.trace.items.arrived).all()

    # Little's law: the integral of the number inside is the time spent inside.
    inside_until = np.where(items.ended >= 0, items.ended, record.until_ms)
    assert record.item_time_ms == int((inside_until - items.arrived).sum())

    # Every visit lies within its item's stay, in order.
    stay = {
        n: (a, e) for n, a, e in zip(items.item.tolist(), items.arrived.tolist(), inside_until.tolist(), strict=True)
    }
    ended = np.where(visits.ended >= 0, visits.ended, record.until_ms)
    granted = np.where(visits.granted >= 0, visits.granted, visits.requested)
    arrived, left = np.array([stay[n] for n in visits.item.tolist()]).T
    assert (arrived <= visits.requested).all()
    assert (visits.requested <= granted).all()
    assert (granted <= ended).all()
    assert (ended <= left).all()
    assert ((visits.server == NONE) == (visits.granted == NONE)).all()

    # Time of each server: presence + overtime = busy + idle, and what it held is what its visits say.
    time = record.server_time
    servers = record.servers.pool.size
    assert np.array_equal(time.present, presence_in(record.windows, servers, 0, record.until_ms))
    assert np.array_equal(time.present + time.overtime, time.busy + time.idle)
    held = take(visits, (visits.granted >= 0) & (visits.end != VisitEnd.RODE_ALONG) & ~rides(record, visits))
    spent = np.where(held.ended >= 0, held.ended, record.until_ms) - held.granted
    assert np.array_equal(time.slot_time, np.bincount(held.server, weights=spent, minlength=servers).astype(np.int64))
    assert (time.busy <= time.slot_time).all()
    assert (most_held(record, held) <= record.servers.slots).all()


def rides(record: Record, visits: Visits) -> np.ndarray:
    """Open visits that ride along: a server with one slot was granted to several in one instant; the first leads."""
    open_rows = np.flatnonzero((visits.granted >= 0) & (visits.ended < 0))
    single = open_rows[record.servers.slots[visits.server[open_rows]] == 1]
    order = single[np.lexsort((visits.item[single], visits.requested[single], visits.server[single]))]
    riding = np.zeros(visits.item.size, dtype=bool)
    riding[order[1:][visits.server[order[1:]] == visits.server[order[:-1]]]] = True
    return riding


def most_held(record: Record, held: Visits) -> np.ndarray:
    """Largest number of items that each server held at once; who gives and takes in one instant holds them in turn."""
    most = np.zeros(record.servers.pool.size, dtype=np.int64)
    for server in range(most.size):
        own = held.server == server
        t = np.concatenate([held.granted[own], np.where(held.ended[own] >= 0, held.ended[own], record.until_ms + 1)])
        change = np.repeat([1, -1], own.sum())
        most[server] = np.cumsum(change[np.lexsort((change, t))]).max(initial=0)
    return most


@pytest.mark.parametrize("name", ["call_back", "multi_skill", "home_servers", "incident", "consultation"])
def test_the_same_seed_and_replication_give_the_same_trace_and_others_do_not(name: str, engine: str) -> None:
    first, second = one_day(name, (), engine, replications=2)
    (again,) = one_day(name, (), engine)
    for block in ("visits", "items", "clocks", "marks"):
        columns = vars(getattr(first.trace, block))
        assert all(np.array_equal(c, getattr(getattr(again.trace, block), field)) for field, c in columns.items())
    assert first.seed == SEED
    assert first.trace.visits.requested.tolist() != second.trace.visits.requested.tolist()


def busy_periods(record: Record) -> list[tuple[int, int]]:
    visits = visits_of(record)
    periods: list[tuple[int, int]] = []
    served = take(visits, visits.granted >= 0)
    for start, end in sorted(zip(served.granted.tolist(), served.ended.tolist(), strict=True)):
        end = record.until_ms if end < 0 else end
        if periods and start <= periods[-1][1]:
            periods[-1] = (periods[-1][0], max(periods[-1][1], end))
        else:
            periods.append((start, end))
    return periods


def test_one_servers_busy_periods_do_not_depend_on_who_goes_first(engine: str) -> None:
    fewer = [
        "pools.agents.groups[0].servers=1",
        "arrivals[0].rate_per_h=5",
        "arrivals[1].rate_per_h=12",
        "horizon.days=7",
    ]
    fair, strict = (runs("head_start", overrides, 1, engine, fewer).records[0] for overrides in ((), ("strict",)))
    assert fair.trace.visits.server.tolist() != []
    assert fair.trace.visits.item.tolist() != strict.trace.visits.item.tolist()
    assert busy_periods(fair) == busy_periods(strict)


def test_the_same_customer_brings_the_same_work_whoever_serves(engine: str) -> None:
    few, many = (runs("erlang_a", (), 1, engine, [f"pools.agents.groups[0].servers={n}"]).records[0] for n in (10, 14))

    def work(record: Record) -> dict[int, int]:
        key = dict(zip(record.trace.items.item.tolist(), record.trace.items.draw_key.tolist(), strict=True))
        visits = take(record.trace.visits, record.trace.visits.granted >= 0)
        spent = (visits.ended - visits.granted).tolist()
        return {key[n]: ms for n, ms in zip(visits.item.tolist(), spent, strict=True) if n in key}

    before, after = work(few), work(many)
    both = before.keys() & after.keys()
    assert len(before) < len(after)
    assert len(both) > 1000
    assert all(before[key] == after[key] for key in both)
