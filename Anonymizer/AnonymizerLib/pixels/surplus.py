"""Native pixel data of exactly the length that its attributes say: what stands behind the last pixel goes.

Every pixel element (Pixel Data, Float, Double Float) and every color layout is measured. Where the attributes do not
say how long the pixels are, nobody can tell pixels from text: such an instance waits.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from AnonymizerLib.objects.dicom_file import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, LONG_VRS, UNDEFINED, DicomFile
from AnonymizerLib.objects.element import raw_text, set_raw_value
from AnonymizerLib.pixels.regions import number_of
from AnonymizerLib.pixels.stated_size import BITS, COLUMNS, FRAMES, PHOTOMETRIC, ROWS, SAMPLES
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
FLOAT, DOUBLE, PIXELS = 0x7FE00008, 0x7FE00009, 0x7FE00010
OFFSETS = (0x7FE00001, 0x7FE00002)
BITS_OF = {FLOAT: 32, DOUBLE: 64}
SUBSAMPLED = {"YBR_FULL_422": 2.0, "YBR_PARTIAL_422": 2.0, "YBR_PARTIAL_420": 1.5}  # samples a pixel, PS3.3 C.7.6.3.1.2


def cut_surplus(file: DicomFile) -> bool:
    """Cut native pixel elements to their pixels, in memory; whether there was more. InputError: length unknown."""
    if file.transfer_syntax == DEFLATED:  # a deflated file is held in one piece
        return _cut_deflated(file.dataset)
    if file.transfer_syntax not in NATIVE or not len(file.pixels):
        return False
    parts: list[bytes | memoryview] = []
    position, has_more = 0, False
    order = "<" if file.is_little_endian else ">"
    while position < len(file.pixels):
        tag, header, length = _element_at(file, position, order)
        value = file.pixels[position + header : position + header + length]
        exact = _exact_swapped(file, tag, value, position)
        if exact is None:
            parts.append(file.pixels[position : position + header + length])
        else:
            has_more = True
            head = bytes(file.pixels[position : position + header - 4]) + struct.pack(order + "I", len(exact))
            parts += [head, exact] if exact else []
        position += header + length
    if has_more:
        file.pixels = memoryview(b"".join(parts))
    return has_more


def _cut_deflated(ds: Dataset) -> bool:
    has_more = False
    for tag in (*OFFSETS, FLOAT, DOUBLE, PIXELS):
        if tag not in ds:
            continue
        element = ds.get_item(tag)
        exact = _exact(ds, tag, memoryview(element.value or b""))
        if exact == b"":
            del ds[tag]
        elif exact is not None:
            set_raw_value(ds, tag, bytes(exact))
        has_more = has_more or exact is not None
    return has_more


def _element_at(file: DicomFile, position: int, order: str) -> tuple[int, int, int]:
    """Tag, length of the header and of the value of the pixel element at this place."""
    group, element = struct.unpack_from(order + "HH", file.pixels, position)
    if file.is_implicit:
        header, (length,) = 8, struct.unpack_from(order + "I", file.pixels, position + 4)
    elif bytes(file.pixels[position + 4 : position + 6]) in LONG_VRS:
        header, (length,) = 12, struct.unpack_from(order + "I", file.pixels, position + 8)
    else:
        raise InputError("The pixels are stored with a kind of value that pixels cannot have.")
    if length == UNDEFINED:
        raise InputError("Pixels that are not compressed are stored in fragments: they cannot be checked.")
    return group << 16 | element, header, length


def _exact_swapped(file: DicomFile, tag: int, value: memoryview, position: int) -> bytes | None:
    """As ``_exact``; 8-bit pixels in 16-bit words of a big endian file stand in swapped pairs (PS3.5 Annex D)."""
    is_swapped = not file.is_little_endian and bytes(file.pixels[position + 4 : position + 6]) == b"OW"
    if not is_swapped or (number_of(file.dataset, BITS) or 16) > 8:
        return _exact(file.dataset, tag, value)
    exact = _exact(file.dataset, tag, memoryview(_pairs_swapped(value)))
    return None if exact is None else _pairs_swapped(exact)


def _pairs_swapped(value: bytes | memoryview) -> bytes:
    swapped = bytearray(value[: len(value) // 2 * 2])
    swapped[::2], swapped[1::2] = swapped[1::2], swapped[::2]
    return bytes(swapped)


def _exact(ds: Dataset, tag: int, value: memoryview) -> bytes | None:
    """Return the value as it must be: only its pixels, zero padding; None when it is so already."""
    if tag in OFFSETS:
        return b""  # tables of compressed frames have no place here
    expected = expected_bytes(ds, tag, len(value))
    padded = expected + expected % 2
    if len(value) < padded:
        return None  # cut off, which its readers will notice: there is nothing behind it
    if len(value) == padded and (expected == padded or value[-1] == 0):
        return None
    return bytes(value[:expected]) + b"\0" * (padded - expected)


def expected_bytes(ds: Dataset, tag: int, found: int) -> int:
    """Count the bytes that a native pixel element must have; InputError when its attributes do not say."""
    rows, columns = number_of(ds, ROWS), number_of(ds, COLUMNS)
    samples = number_of(ds, SAMPLES) or (1 if tag in BITS_OF else None)
    bits = BITS_OF.get(tag) or number_of(ds, BITS)
    frames = raw_text(ds, FRAMES, ["ascii"]) or "1"
    if not (rows and columns and samples and bits) or not frames.isdigit() or not int(frames):
        raise InputError("It holds pixels but not the attributes that say how many: text could hide among them.")
    photometric = raw_text(ds, PHOTOMETRIC, ["ascii"])
    per_pixel = SUBSAMPLED.get(photometric, float(samples)) if samples == 3 else float(samples)
    pixels = rows * columns * int(frames)
    expected = (int(pixels * per_pixel * bits) + 7) // 8
    if per_pixel != samples and found >= pixels * samples * bits // 8:
        raise InputError(f"Its color is stated as {photometric} but it holds as many bytes as full color: look at it.")
    return expected
