"""How long contacts are willing to wait, from waits that were mostly cut short by an answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from calibration.errors import LogError
from calibration.logs import ContactLog
from calibration.quantiles import QuantileTable
from calibration.survival import censored_quantiles, product_limit, survival_at

FEWEST_ABANDONED = 20


@dataclass(frozen=True)
class Patience:
    """What a log says about the patience of one kind of contact.

    Attributes
    ----------
    kind : str
        The kind.
    survival : pandas.DataFrame
        Kaplan–Meier estimate with Greenwood's interval: see ``calibration.survival.product_limit``.
    quantiles : QuantileTable
        The same as a table, with the tail rule of ``calibration.survival.censored_quantiles``.
    abandoned, answered : int
        Waits that ended the patience, and waits that an answer cut off.
    left_at_once : int
        Abandoned with a recorded wait of 0, and not counted: see ``estimate_patience``.
    pooled : bool
        Whether the estimate is that of all kinds together, since too few of this kind abandoned.
    """

    kind: str
    survival: pd.DataFrame
    quantiles: QuantileTable
    abandoned: int
    answered: int
    left_at_once: int
    pooled: bool

    def share_above(self, time_ms: float) -> tuple[float, float, float]:
        """Share whose patience is longer than ``time_ms``, with the low and high end of its interval."""
        return (
            survival_at(self.survival, time_ms),
            survival_at(self.survival, time_ms, "low"),
            survival_at(self.survival, time_ms, "high"),
        )


def estimate_patience(
    log: ContactLog,
    *,
    weekdays: Collection[int] | None = None,
    opening_hours_only: bool = False,
    also_counted: Collection[str] = (),
) -> dict[str, Patience]:
    """Patience by kind.

    Who abandoned shows their patience; who was answered shows that it was longer than their wait. Only contacts
    that waited are counted: an answer at once tells nothing, and who left in the very second of queueing did not
    wait (they are reported as ``left_at_once``). Who left in the voice menu is not in the log's contacts at all. A
    kind of which fewer than ``FEWEST_ABANDONED`` gave up has the estimate of all kinds together, and says so.

    Parameters
    ----------
    log : ContactLog
        The log.
    weekdays, opening_hours_only, also_counted
        Of which contacts: see ``ContactLog.offered``.

    Raises
    ------
    LogError
        If nobody abandoned at all.
    """
    contacts = log.offered(weekdays=weekdays, opening_hours_only=opening_hours_only, also_counted=also_counted)
    gave_up = contacts["outcome"] == "abandoned"
    waited = contacts["wait_ms"] > 0
    if not (gave_up & waited).any():
        message = "nobody gave up waiting, so the log says nothing about patience"
        raise LogError(file=log.file, line=None, field="", message=message, allowed="a log with abandoned contacts")
    found = {}
    for name in sorted(contacts["kind"].unique()):
        own = contacts["kind"] == name
        pooled = int((own & waited & gave_up).sum()) < FEWEST_ABANDONED
        used = contacts[waited if pooled else waited & own]
        waits, ends = used["wait_ms"].to_numpy(), (used["outcome"] == "abandoned").to_numpy()
        found[str(name)] = Patience(
            kind=str(name),
            survival=product_limit(waits, ends),
            quantiles=censored_quantiles(waits, ends),
            abandoned=int((own & waited & gave_up).sum()),
            answered=int((own & waited & ~gave_up).sum()),
            left_at_once=int((own & ~waited & gave_up).sum()),
            pooled=pooled,
        )
    return found
