"""UIDs of results: the same whenever the same thing is written again; and what they make up, a new instance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

UID_ROOT = "2.25."


@dataclass(frozen=True)
class NewInstance:
    """One instance that is written: number and UID of its series, and its own UID."""

    series_number: int
    series_uid: str
    instance_uid: str


def uid_of(*parts: str) -> str:
    """Return a UID that depends on these texts only (PS3.5 B.2: 2.25 and a 128-bit number)."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()
    return UID_ROOT + str(int.from_bytes(digest[:16], "big"))
