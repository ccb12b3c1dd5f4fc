"""The world: what changes between days, vectorised over communities, once for both engines.

A morning makes the day's arrivals, windows and paces; the service runs the day; an evening takes in what became of it.
The order of a day and everything that passes between the parts is in ``sim.world.flows`` and ``sim.world.day``.
"""
