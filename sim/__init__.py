"""A discrete-event testbed for a customer-service plan: scenario in, figures with intervals out."""
