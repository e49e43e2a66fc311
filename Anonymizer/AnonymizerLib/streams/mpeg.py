"""MPEG video without user data: MPEG-2 elementary streams, H.264 and H.265 elementary streams, and MP4 files.

Nothing is coded again. In elementary streams the units of user data go. In MP4 files, where tables count bytes, what
may hold text (udta, meta, free boxes, names of handlers, dates of making, user data between the pictures, bytes that
belong to no picture) is overwritten by zeros or filler of the same length. Sound, subtitles and other containers are
refused: nobody can check them here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from AnonymizerLib.streams.movie_file import without_metadata as movie_without_metadata
from AnonymizerLib.streams.units import is_user_data
from ThoraxAILib.errors import InputError

START = b"\0\0\1"
START_CODE = re.compile(rb"\x00\x00\x01")
USER_DATA, SEQUENCE, PICTURE, GROUP, EXTENSION, END, ERROR = 0xB2, 0xB3, 0x00, 0xB8, 0xB5, 0xB7, 0xB4
MPEG2_UNITS = frozenset({SEQUENCE, PICTURE, GROUP, EXTENSION, END, *range(0x01, 0xB0)})


def mpeg2_without_metadata(data: bytes) -> bytes:
    """Strip an MPEG-2 elementary stream (ISO 13818-2) of user data; InputError for program and transport streams."""
    if data[:4] != START + bytes((SEQUENCE,)):
        raise InputError("The video is no plain MPEG-2 stream: it may hold text or sound that cannot be checked here.")
    parts = []
    for unit in _units(data):
        code = unit[3] if len(unit) > 3 else END
        if code == USER_DATA:
            continue
        if code not in MPEG2_UNITS:
            raise InputError("The MPEG-2 video holds a part that is not understood: look at it.")
        parts.append(unit[:4] if code == END else unit)
        if code == END:
            break
    return b"".join(parts)


def mpeg4_without_metadata(data: bytes, is_h265: bool) -> bytes:
    """H.264 or H.265 video, as MP4 file or elementary stream, without user data."""
    if data[4:8] == b"ftyp":
        return movie_without_metadata(data, is_h265)
    if not data.startswith((START, b"\0" + START)):
        raise InputError("The video is in a container that cannot be searched for text here: look at it.")
    parts = [b"\0" * (data[2] == 0)]
    for unit in _units(data):
        if not is_user_data(unit[3:], is_h265):
            parts.append(unit)
    return b"".join(parts)


def _units(data: bytes) -> Iterator[bytes]:
    """Split an elementary stream into its parts, each with its start code."""
    starts = [match.start() for match in START_CODE.finditer(data)]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        yield data[start:end]
