"""How many bytes the pixels of an image take by its own attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.pixels.regions import number_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


ROWS, COLUMNS, SAMPLES, BITS, FRAMES, PHOTOMETRIC = (
    0x00280010,
    0x00280011,
    0x00280002,
    0x00280100,
    0x00280008,
    0x00280004,
)


def stated_pixel_bytes(ds: Dataset) -> int | None:
    """Bytes of all frames by the attributes (PS3.3 C.7.6.3), unpadded; None when one of them is missing."""
    rows, columns, samples, bits = (number_of(ds, tag) for tag in (ROWS, COLUMNS, SAMPLES, BITS))
    frames = raw_text(ds, FRAMES, ["ascii"]).split("\\")[0].strip() or "1"
    if rows is None or columns is None or samples is None or bits is None or not frames.isdecimal():
        return None
    return (rows * columns * samples * bits * int(frames) + 7) // 8
