"""The figures of the engines: speed, growth, memory."""

from __future__ import annotations

from sim.bench.figure import Section
from sim.bench.growth import by_crowd, by_length, by_pools
from sim.bench.memory import peak, per_item, per_row
from sim.bench.speed import on_contact_centre, on_today, on_two_cores

SECTIONS: tuple[Section, ...] = (
    on_contact_centre,
    on_today,
    on_two_cores,
    by_length,
    by_crowd,
    by_pools,
    peak,
    per_item,
    per_row,
)
