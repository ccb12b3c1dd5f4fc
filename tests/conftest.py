"""Settings that all tests share."""

from hypothesis import settings

# No time limit for an example: the first call of a compiled function takes seconds. The same examples on every run, so
# that a test does not fail for one person and pass for the next.
settings.register_profile("linli", deadline=None, derandomize=True)
settings.load_profile("linli")
