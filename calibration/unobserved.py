"""What a log does not show: how long a server is still busy after its contact has left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from calibration.errors import LogError
from calibration.logs import NONE, TOOK_PLACE, ContactLog
from calibration.mapping import DAY_MS
from calibration.quantiles import QuantileTable
from calibration.survival import censored_quantiles, product_limit


@dataclass(frozen=True)
class HiddenWork:
    """Work after a contact that nobody recorded.

    Attributes
    ----------
    survival : pandas.DataFrame
        Kaplan–Meier estimate with its interval: see ``calibration.survival.product_limit``.
    quantiles : QuantileTable
        The same as a table; its tail follows ``calibration.survival.censored_quantiles``.
    seen, cut_off : int
        Ends of service after which the server took the next contact while the queue lasted, and those after which
        the queue emptied first.
    """

    survival: pd.DataFrame
    quantiles: QuantileTable
    seen: int
    cut_off: int


def hidden_work(
    log: ContactLog, *, weekdays: Collection[int] | None = None, longest_ms: int | None = None
) -> HiddenWork:
    """How long a server takes from the end of one service to the start of its next while somebody waits.

    A server that had nothing else to do would take the next contact at once. So, at each end of a service at which
    the queue is not empty, the time to the same server's next start is an observation; it is cut off when the queue
    empties first, since from then on idle time cannot be told from work. The queue is everybody who waits, of
    whatever kind: a server who may serve only some of them looks busier than it is. Without this work simulated
    waits are far too short.

    Parameters
    ----------
    log : ContactLog
        The log.
    weekdays : collection of int, optional
        Only ends of service on these (0 is Monday).
    longest_ms : int, optional
        Longer times are breaks: they are left out, and the table ends there. Give the rule's ``break_gap_min`` when
        presence is inferred with breaks taken out, or a break is counted twice.

    Raises
    ------
    LogError
        If no server was ever seen to go on while somebody waited.
    """
    everybody = log.offered(also_counted=TOOK_PLACE)
    waited = everybody[everybody["wait_ms"] > 0]
    times, waiting = queue_length(waited["queued_from_ms"].to_numpy(), waited["queued_until_ms"].to_numpy())

    works = log.works()
    end = works["until_ms"].to_numpy()
    same = works["server"].to_numpy()[1:] == works["server"].to_numpy()[:-1]
    never = np.iinfo(np.int64).max // 2
    begins = np.append(np.where(same, works["from_ms"].to_numpy()[1:], never), never)[: len(works)]
    place = np.searchsorted(times, end, side="right") - 1
    somebody = (place >= 0) & (np.append(waiting, 0)[place] > 0)
    if weekdays is not None:
        weekday = (log.first_day.weekday() + end // DAY_MS) % 7
        somebody &= np.isin(weekday, list(weekdays))
    empties = np.append(times[waiting == 0], never)
    emptied = empties[np.searchsorted(empties, end, side="right").clip(max=len(empties) - 1)]

    gap, until_empty = np.maximum(begins - end, 0)[somebody], (emptied - end)[somebody]
    ended, duration = gap <= until_empty, np.minimum(gap, until_empty)
    if longest_ms is not None:
        usable = duration <= longest_ms
        ended, duration = ended[usable], duration[usable]
    if not ended.any():
        message = "no server was seen to take a next contact while somebody waited"
        raise LogError(file=log.file, line=None, field="", message=message, allowed="a log with queues")
    return HiddenWork(
        survival=product_limit(duration, ended),
        quantiles=censored_quantiles(duration, ended, longest_ms=longest_ms),
        seen=int(ended.sum()),
        cut_off=int((~ended).sum()),
    )


def queue_length(
    from_ms: npt.NDArray[np.int64], until_ms: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number waiting after each moment at which it changes.

    Parameters
    ----------
    from_ms, until_ms : array of int
        Waits; somebody waits from the first to just before the second.

    Returns
    -------
    times, waiting : array of int
        Rising times, and how many wait from each until the next.
    """
    assert NONE not in from_ms, "only who waited"
    times, place = np.unique(np.concatenate([from_ms, until_ms]), return_inverse=True)
    change = np.bincount(place, np.repeat([1.0, -1.0], len(from_ms)), len(times))
    return times, np.cumsum(change).round().astype(np.int64)
