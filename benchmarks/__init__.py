"""The workload of ``scenarios/textbook/contact_centre.yaml`` as users of other simulators would write it."""
