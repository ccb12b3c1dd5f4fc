"""The registry of figures: every figure's definition, for screens, reports and whoever asks by name."""

from __future__ import annotations

from sim.measures.case_figures import CASES
from sim.measures.contact_figures import CONTACTS, FIRST_RESPONSE
from sim.measures.item_figures import ITEMS
from sim.measures.measure import Measure
from sim.measures.money_figures import MONEY
from sim.measures.server_figures import SERVER_TIME
from sim.measures.world_figures import WORLD

MEASURES: dict[str, Measure] = {
    m.name: m for m in (*CONTACTS, *FIRST_RESPONSE, *CASES, *ITEMS, *SERVER_TIME, *WORLD, *MONEY)
}
"""All figures by name: of the service network, then of the world around it."""


def definitions() -> list[dict[str, str]]:
    """Name, unit, definition and better direction of every figure, as ``linli measures --json`` prints them."""
    return [{"name": m.name, "unit": m.unit, "definition": m.definition, "better": m.better} for m in MEASURES.values()]
