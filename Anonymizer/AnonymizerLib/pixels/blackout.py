"""Blank rectangles in pixel data: native data is changed in place, byte by byte; compressed data is decoded first.

Every pixel outside the boxes keeps its stored value. Decoded data is stored uncompressed (Explicit VR Little Endian)
without color conversion, so what a viewer decoded before and what is stored now agree.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from AnonymizerLib.bounds.maxima import MAX_DECODED_BYTES
from AnonymizerLib.objects.dicom_file import EXPLICIT, DicomFile, encode
from AnonymizerLib.objects.element import raw_text, set_raw_value
from AnonymizerLib.pixels.stated_size import stated_pixel_bytes
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset

    from AnonymizerLib.objects.element import Element

NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2")
PLAIN = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")  # native and not deflated
PIXEL_DATA, PHOTOMETRIC, MODALITY, IMAGE_GROUP = 0x7FE00010, 0x00280004, 0x00080060, 0x0028
LAYOUT_TAGS = (
    0x00280002,
    0x00280004,
    0x00280006,
    0x00280008,
    0x00280010,
    0x00280011,
    0x00280100,
    0x00280101,
    0x00280103,
)
SHORT_HEADER, LONG_HEADER = 8, 12  # bytes before the value (PS3.5 7.1)
PIXEL_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")
CHANGED_BY_DECODING = (
    "PhotometricInterpretation",
    "SamplesPerPixel",
    "PlanarConfiguration",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "NumberOfFrames",
)


@dataclass(frozen=True)
class Layout:
    """How native pixel data is laid out."""

    frames: int
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    planar: bool
    photometric: str
    signed: bool
    bits_stored: int

    @classmethod
    def of(cls, ds: Dataset) -> Layout:
        """Read from the image attributes (PS3.3 C.7.6.3); InputError when one is missing."""
        try:
            samples = int(ds.SamplesPerPixel)
            return cls(
                int(ds.get("NumberOfFrames") or 1),
                int(ds.Rows),
                int(ds.Columns),
                samples,
                int(ds.BitsAllocated),
                samples > 1 and int(ds.get("PlanarConfiguration") or 0) == 1,
                str(ds.PhotometricInterpretation),
                bool(ds.get("PixelRepresentation") or 0),
                int(ds.get("BitsStored") or ds.BitsAllocated),
            )
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError("The image lacks the attributes that say how its pixels are laid out.") from error

    @classmethod
    def of_raw(cls, ds: Dataset) -> Layout:
        """Read the same from raw elements, without converting them in the data set; a series shares it."""
        from pydicom.dataelem import RawDataElement

        elements: list[Any] = [ds.get_item(tag) for tag in LAYOUT_TAGS if tag in ds]
        raw = [element for element in elements if isinstance(element, RawDataElement)]
        if len(raw) < len(elements):  # some were converted already
            return cls.of(_with_elements(elements))
        return _shared_layout(tuple(element._replace(value_tell=0) for element in raw))

    @property
    def pixel_bytes(self) -> int:
        """Bytes of all frames, without padding."""
        bits = self.frames * self.rows * self.columns * self.samples * self.bits_allocated
        return (bits + 7) // 8


@lru_cache(maxsize=64)
def _shared_layout(elements: tuple[RawDataElement, ...]) -> Layout:
    return Layout.of(_with_elements(elements))


def _with_elements(elements: Iterable[Element]) -> Dataset:
    from pydicom.dataset import Dataset

    ds = Dataset()
    for element in elements:
        ds[element.tag] = element
    return ds


def check_decodable(ds: Dataset) -> None:
    """Raise InputError when the pixels that the attributes promise are more than one file may take in memory."""
    stated = stated_pixel_bytes(ds)
    if stated is not None and stated > MAX_DECODED_BYTES:
        raise InputError(
            f"Its pixels would take {stated >> 20} MB in memory, more than {MAX_DECODED_BYTES >> 20}: "
            "look at it, and blank them on the device or accept them as they are."
        )


def pixel_dataset(file: DicomFile) -> Dataset:
    """Parse the file by pydicom with its pixel data, as a separate copy to read from; InputError when too large."""
    from pydicom import dcmread

    check_decodable(file.dataset)
    head, pixels = encode(file, "1.2.3", "1.2.3")
    return dcmread(BytesIO(head + bytes(pixels)), force=True)


def native_pixels(file: DicomFile) -> memoryview | None:
    """Return the bytes of uncompressed pixels as they stand in the file, without a copy.

    None when they are stored in another way, or as fewer samples than pixels: then pydicom has to read them.
    """
    if file.transfer_syntax not in PLAIN or len(file.pixels) < LONG_HEADER:
        return None
    check_decodable(file.dataset)
    if raw_text(file.dataset, PHOTOMETRIC, ["ascii"]).startswith("YBR"):
        return None
    order = "<" if file.is_little_endian else ">"
    if struct.unpack_from(order + "HH", file.pixels) != (PIXEL_DATA >> 16, PIXEL_DATA & 0xFFFF):
        return None
    if file.is_implicit:
        (length,), start = struct.unpack_from("<I", file.pixels, 4), SHORT_HEADER
    elif bytes(file.pixels[4:6]) in (b"OB", b"OW"):
        (length,), start = struct.unpack_from(order + "I", file.pixels, 8), LONG_HEADER
    else:
        return None
    return file.pixels[start:] if length == len(file.pixels) - start else None


def image_attributes(ds: Dataset) -> Dataset:
    """Copy the attributes of the image pixels (group 0028) and the modality into a data set to be read freely."""
    return _with_elements(
        ds.get_item(tag) for tag in list(ds.keys()) if int(tag) >> 16 == IMAGE_GROUP or int(tag) == MODALITY
    )


def decode(source: Dataset) -> None:
    """Decompress without color conversion; InputError when that cannot be done here."""
    try:
        source.decompress(as_rgb=False, generate_instance_uid=False)
    except (RuntimeError, NotImplementedError, AttributeError, ValueError, KeyError) as error:
        raise InputError(
            "The compressed pixels cannot be decoded here: install pylibjpeg, or blank them on the device."
        ) from error


def take_over(source: Dataset, file: DicomFile) -> None:
    """Carry the image attributes that decoding changed over to the file, which is uncompressed from now on."""
    for keyword in CHANGED_BY_DECODING:
        if keyword in source:
            file.dataset[keyword] = source[keyword]
    if file.transfer_syntax not in NATIVE:
        file.transfer_syntax = EXPLICIT


def blank_native(data: bytearray, layout: Layout, boxes: list[Box], black: tuple[int, ...], little: bool) -> None:
    """Blank boxes inside the image in every frame of native pixel data, in place."""
    if layout.bits_allocated == 1:
        _blank_bits(data, layout, boxes)
        return
    kind = f"{'<' if little else '>'}u{layout.bits_allocated // 8}"
    pixels = np.frombuffer(data, dtype=kind, count=layout.pixel_bytes // (layout.bits_allocated // 8))
    shape = (
        (layout.frames, layout.samples, layout.rows, layout.columns)
        if layout.planar
        else (layout.frames, layout.rows, layout.columns, layout.samples)
    )
    pixels = pixels.reshape(shape)
    for box in boxes:
        rows, columns = slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)
        for sample, value in enumerate(black):
            if layout.planar:
                pixels[:, sample, rows, columns] = value
            else:
                pixels[:, rows, columns, sample] = value


def _blank_bits(data: bytearray, layout: Layout, boxes: list[Box]) -> None:
    """One bit per pixel, packed over frame borders (PS3.5 8.1.1)."""
    count = layout.frames * layout.rows * layout.columns
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    pixels = bits[:count].reshape(layout.frames, layout.rows, layout.columns)
    for box in boxes:
        pixels[:, box.top : box.top + box.height, box.left : box.left + box.width] = 0
    bits[:count] = pixels.ravel()
    data[:] = np.packbits(bits, bitorder="little").tobytes()


def black_of(ds: Dataset, layout: Layout) -> tuple[int, ...]:
    """Return the stored value that shows as black, one per sample, as an unsigned pattern of the stored bits."""
    if layout.photometric == "PALETTE COLOR":
        return (_darkest_entry(ds),)
    if layout.photometric.startswith("YBR"):
        middle = 1 << (layout.bits_stored - 1)
        return (0, middle, middle)
    half = 1 << (layout.bits_stored - 1)
    if layout.signed:
        lowest, highest = (1 << layout.bits_allocated) - half, half - 1  # two's complement in the allocated bits
    else:
        lowest, highest = 0, 2 * half - 1
    return (highest if layout.photometric == "MONOCHROME1" else lowest,) * layout.samples


def _darkest_entry(ds: Dataset) -> int:
    """Find the index of the darkest color of the palette."""
    first = int(ds.RedPaletteColorLookupTableDescriptor[1])
    wide = int(ds.RedPaletteColorLookupTableDescriptor[2]) == 16
    total: np.ndarray | None = None
    for color in ("Red", "Green", "Blue"):
        table = ds.get(f"{color}PaletteColorLookupTableData")
        if table is None:
            return first
        values = np.frombuffer(table, "<u2" if wide else np.uint8).astype(np.int64)
        total = values if total is None else total[: values.size] + values[: total.size]
    return first if total is None else first + int(np.argmin(total))


def store(file: DicomFile, data: bytes) -> None:
    """Put native pixel data back behind the attributes."""
    if len(data) % 2:
        data += b"\0"
    if PIXEL_DATA in file.dataset:  # a deflated file is held in one piece
        set_raw_value(file.dataset, PIXEL_DATA, data)
        return
    order = "<" if file.is_little_endian else ">"
    if file.is_implicit:
        header = struct.pack("<HHI", 0x7FE0, 0x0010, len(data))
    else:
        wide = file.dataset.BitsAllocated > 8
        header = struct.pack(order + "HH2sHI", 0x7FE0, 0x0010, b"OW" if wide else b"OB", 0, len(data))
    file.pixels = memoryview(header + data)


def has_embedded_overlay(ds: Dataset) -> bool:
    """Whether an overlay lives in unused high bits of the pixels (retired, PS3.5 8.1.2): no data of its own."""
    return any(
        0x6000 <= tag >> 16 <= 0x601E
        and tag & 0xFFFF == 0x0102
        and ((tag >> 16) << 16 | 0x3000) not in ds
        and any(ds.get_item(tag).value or b"")
        for tag in map(int, list(ds.keys()))
    )


def clear_embedded_overlays(file: DicomFile) -> None:
    """Set the bits outside the stored ones to zero; values of pixels do not change. InputError when compressed."""
    source = pixel_dataset(file)
    layout = Layout.of(source)
    unused = layout.bits_allocated - layout.bits_stored
    if file.transfer_syntax not in NATIVE or layout.bits_allocated not in (8, 16) or layout.signed:
        raise InputError("An overlay is hidden in the pixel bits and cannot be taken out here: export without it.")
    data = bytearray(source[PIXEL_DATA].value)
    kind = f"{'<' if file.is_little_endian else '>'}u{layout.bits_allocated // 8}"
    pixels = np.frombuffer(data, kind, count=len(data) // (layout.bits_allocated // 8))
    pixels &= (1 << layout.bits_allocated) - 1 >> unused
    store(file, bytes(data))
