"""The plan's promises held against simulated figures: what comes true, how surely, since when, and why not.

``CLAIMS`` are the promises as data; ``hold`` runs scenarios beside a baseline and judges them; ``claims_of`` judges
runs that there are; ``watch`` makes such runs.
"""

from sim.claims.judge import Claims, Probability, Runs, Verdict, claims_of
from sim.claims.promises import CLAIMS, Claim, Figure
from sim.claims.runs import hold, watch

__all__ = [
    "CLAIMS",
    "Claim",
    "Claims",
    "Figure",
    "Probability",
    "Runs",
    "Verdict",
    "claims_of",
    "hold",
    "watch",
]
