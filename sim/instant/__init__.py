"""An answer at once: what queueing theory says of a scenario before it is simulated.

``estimate`` turns a scenario into expected figures of an average day, with a world into those of an ordinary fortnight.
It is an estimate and says so on the page; the simulation that follows is the answer. What it leaves out is listed in
``LIMITS``.
"""

from sim.instant.estimate import LIMITS, InstantEstimate, StationEstimate, estimate

__all__ = ["LIMITS", "InstantEstimate", "StationEstimate", "estimate"]
