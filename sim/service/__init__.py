"""The service day: tables in, an exact trace of queues, servers and journeys out."""
