"""What a record says in figures: one definition of each, for every screen, report and study.

``figures`` and ``figures_by`` turn one replication's record into numbers; ``MEASURES`` holds their definitions;
``summarise`` turns several replications' numbers into estimates with intervals; ``conservation`` checks a record.
"""

from sim.measures.breakdown import BREAKDOWNS, Key
from sim.measures.conservation import ConservationError, assert_conserved, conservation
from sim.measures.definitions import MEASURES, definitions
from sim.measures.figures import figures, figures_by
from sim.measures.intervals import (
    Estimate,
    by_as_json,
    estimate,
    half_width,
    measures_as_json,
    relative_half_width,
    replications_needed,
    summarise,
    summarise_by,
)
from sim.measures.measure import Measure

__all__ = [
    "BREAKDOWNS",
    "MEASURES",
    "ConservationError",
    "Estimate",
    "Key",
    "Measure",
    "assert_conserved",
    "by_as_json",
    "conservation",
    "definitions",
    "estimate",
    "figures",
    "figures_by",
    "half_width",
    "measures_as_json",
    "relative_half_width",
    "replications_needed",
    "summarise",
    "summarise_by",
]
