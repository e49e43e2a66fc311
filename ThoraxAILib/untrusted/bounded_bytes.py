"""The content of a file up to a bound, in memory that grows with what is there."""

from __future__ import annotations

import errno
from pathlib import Path

CHUNK_BYTES = 1 << 18


class TooLarge(ValueError):
    """A file holds more than its kind does."""


def read_bounded(path: Path, largest_bytes: int) -> bytes:
    """All bytes of a regular file; raises OSError for anything else, TooLarge beyond the bound."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is no regular file")
    parts, taken = [], 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            taken += len(chunk)
            if taken > largest_bytes:
                raise TooLarge(f"{path.name} is larger than {largest_bytes} bytes")
            parts.append(chunk)
    return b"".join(parts)
