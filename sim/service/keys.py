"""Draw keys of what comes from outside: 32 bits of the source's name, 12 of the day, 20 of the slot."""

from __future__ import annotations

import numpy as np

from sim.service.tables import Int64

DAYS = 1 << 12
SLOTS = 1 << 20


def day_keys(source_hash: int, day: int, slots: Int64) -> Int64:
    """Keys of the slots of a source on a day, as the bit pattern of an int64, shape of ``slots``.

    Raises
    ------
    ValueError
        If the day or a slot is out of range (4096 days, 1,048,576 slots).
    """
    if not 0 <= day < DAYS or (slots.size and not 0 <= int(slots.max()) < SLOTS):
        raise ValueError(
            f"day {day} or slot {slots.max() if slots.size else 0} has no draw key; allowed: {DAYS}, {SLOTS}"
        )
    base = np.uint64((source_hash << 32) | (day << 20))
    return (base | slots.astype(np.uint64)).view(np.int64)
