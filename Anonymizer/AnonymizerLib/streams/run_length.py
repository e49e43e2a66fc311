"""RLE Lossless frames (PS3.5 Annex G) without bytes behind or between their segments."""

from __future__ import annotations

from itertools import pairwise

from ThoraxAILib.errors import InputError

HEADER = 64
MOST_SEGMENTS = 15


def without_metadata(data: bytes, pixels: int, segments: int) -> bytes:
    """One frame whose segments hold exactly ``pixels`` bytes each; InputError when they hold other numbers."""
    numbers = [int.from_bytes(data[start : start + 4], "little") for start in range(0, HEADER, 4)]
    count, offsets = numbers[0], numbers[1:]
    if len(data) < HEADER or count != segments or not 0 < count <= MOST_SEGMENTS:
        raise InputError("A run-length frame does not have the segments its attributes ask for.")
    starts = [*offsets[:count], len(data)]
    if starts[0] < HEADER or any(later < earlier for earlier, later in pairwise(starts)):
        raise InputError("A run-length frame is damaged: its segments do not follow each other.")
    parts = []
    for start, end in pairwise(starts):
        used = _used(data, start, end, pixels)
        parts.append(data[start:used] + b"\0" * ((used - start) % 2))
    header, position = [count], HEADER
    for part in parts:
        header.append(position)
        position += len(part)
    header += [0] * (16 - len(header))
    return b"".join(number.to_bytes(4, "little") for number in header) + b"".join(parts)


def _used(data: bytes, start: int, end: int, pixels: int) -> int:
    """Where the runs end that hold this many bytes."""
    position, made = start, 0
    while made < pixels:
        if position >= end:
            raise InputError("A run-length frame holds fewer pixels than its attributes say.")
        head = data[position]
        if head < 128:
            position += head + 2
            made += head + 1
        elif head > 128:
            position += 2
            made += 257 - head
        else:
            position += 1
    if made > pixels or position > end:
        raise InputError("A run-length frame holds more pixels than its attributes say.")
    return position
