"""Names turned into numbers that are the same everywhere."""

from __future__ import annotations

import hashlib


def stable_hash(text: str) -> int:
    """32-bit hash of a name that is the same in every process, on every machine and in every version."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=4).digest(), "big")
