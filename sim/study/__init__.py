"""Studies: many replications of one or more scenarios."""
