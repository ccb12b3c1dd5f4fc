"""Fits a scenario to historical logs and shows how well it predicts weeks that it has not seen."""
