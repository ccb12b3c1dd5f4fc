"""The parts of a scenario's ``world``: what changes from day to day, as data."""
