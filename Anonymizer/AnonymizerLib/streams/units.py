"""Units of H.264 (ISO 14496-10) and H.265 (ISO 23008-2) video: which of them hold no picture."""

from __future__ import annotations

from ThoraxAILib.errors import InputError

H264_PICTURE = frozenset({1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 19, 20})
H264_INFORMATION, H264_FILLER = 6, 12
H265_PICTURE = frozenset({*range(10), *range(16, 22), 32, 33, 34, 35, 36, 37})
H265_INFORMATION, H265_FILLER = (39, 40), 38


def is_user_data(unit: bytes, is_h265: bool) -> bool:
    """Whether a unit (its header first) is supplemental information or filler, which no decoder needs for pictures.

    InputError for units that the standard leaves open: their content cannot be known.
    """
    if not unit:
        return True
    kind = unit[0] >> 1 & 0x3F if is_h265 else unit[0] & 0x1F
    known: frozenset[int]
    goes: tuple[int, ...]
    if is_h265:
        known, goes = H265_PICTURE, (*H265_INFORMATION, H265_FILLER)
    else:
        known, goes = H264_PICTURE, (H264_INFORMATION, H264_FILLER)
    if kind not in known and kind not in goes:
        raise InputError("The video holds a unit that is not understood: look at it.")
    return kind in goes


def filler(size: int, is_h265: bool) -> bytes:
    """Make a unit of filler of exactly this size, for places where tables count bytes."""
    head = bytes((H265_FILLER << 1, 1)) if is_h265 else bytes((H264_FILLER,))
    if size <= len(head):
        return head[:size]
    return head + b"\xff" * (size - len(head) - 1) + b"\x80"
