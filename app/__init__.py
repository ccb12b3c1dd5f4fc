"""The testbed in a browser, and the processes that compute for it."""
