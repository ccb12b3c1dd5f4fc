"""How long a contact keeps its server, by kind."""

from __future__ import annotations

from collections.abc import Collection

from calibration.logs import ContactLog
from calibration.quantiles import QuantileTable, from_durations


def service_times(
    log: ContactLog, *, weekdays: Collection[int] | None = None, opening_hours_only: bool = False
) -> dict[str, QuantileTable]:
    """Service times of the answered contacts, from the start to the end of the service as recorded.

    Work that goes on after the contact has left is not part of it: see ``calibration.unobserved``. Services of no
    length are kept, since the server was taken for them.

    Parameters
    ----------
    log : ContactLog
        The log.
    weekdays, opening_hours_only
        Of which contacts: see ``ContactLog.offered``.

    Returns
    -------
    dict of str to QuantileTable
        By kind, in the order of their names; a kind that nobody answered is not in it.
    """
    contacts = log.offered(weekdays=weekdays, opening_hours_only=opening_hours_only)
    served = contacts[contacts["served_from_ms"] >= 0]
    durations = served["served_until_ms"] - served["served_from_ms"]
    return {str(kind): from_durations(some.to_numpy()) for kind, some in durations.groupby(served["kind"])}
