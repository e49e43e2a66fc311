"""The pixels of one instance: decoded once when somebody first needs them, edited in memory, stored once at the end.

Nothing is stored when nothing was changed: compressed pixels that only were looked at stay as they were coded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from AnonymizerLib.objects.dicom_file import DicomFile
from AnonymizerLib.pixels.blackout import (
    NATIVE,
    PIXEL_DATA,
    Layout,
    black_of,
    blank_native,
    decode,
    pixel_dataset,
    store,
    take_over,
)
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError, known

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SUBSAMPLED = ("YBR_FULL_422", "YBR_PARTIAL")


class PixelEditor:
    """Pixels of a file, decoded when first needed; InputError from any use when they cannot be decoded."""

    def __init__(self, file: DicomFile) -> None:
        self.file = file
        self.is_changed = False
        self.times_decoded = 0
        self._source: Dataset | None = None
        self._data = bytearray()
        self._is_decompressed = False

    @property
    def source(self) -> Dataset:
        """The attributes of the decoded pixels; its pixel element is not kept up to date."""
        if self._source is None:
            self._decode()
        return known(self._source, "the decoded pixels")

    @property
    def layout(self) -> Layout:
        """How the decoded pixels are laid out."""
        return Layout.of(self.source)

    def _decode(self) -> None:
        source = pixel_dataset(self.file)
        if PIXEL_DATA not in source:
            raise InputError("It has no pixels of whole numbers: text in them cannot be looked for.")
        self.times_decoded += 1
        is_compressed = self.file.transfer_syntax not in NATIVE
        if is_compressed:
            decode(source)
        photometric = str(source.get("PhotometricInterpretation", ""))
        if not is_compressed and photometric.startswith(SUBSAMPLED):
            _make_full_color(source)
        self._is_decompressed = is_compressed or photometric.startswith(SUBSAMPLED)
        layout = Layout.of(source)
        if layout.bits_allocated not in (1, 8, 16, 32):
            raise InputError("The layout of these pixels is not supported: blank them on the device.")
        data = bytearray(source[PIXEL_DATA].value)
        if len(data) < layout.pixel_bytes:
            raise InputError("The pixel data is shorter than its attributes say.")
        self._source, self._data = source, data

    @property
    def is_little_endian(self) -> bool:
        """Whether the decoded numbers are little endian."""
        return self._is_decompressed or self.file.is_little_endian

    def stored_values(self) -> np.ndarray:
        """Stored values of 8 bits and more, writable, (frames, samples, rows, columns) or (frames, rows, columns,
        samples) by the planar configuration."""
        layout = self.layout
        if layout.bits_allocated == 1:
            raise InputError("The layout of these pixels is not supported: blank them on the device.")
        kind = f"{'<' if self.is_little_endian else '>'}{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}"
        count = layout.frames * layout.rows * layout.columns * layout.samples
        shape = (
            (layout.frames, layout.samples, layout.rows, layout.columns)
            if layout.planar
            else (layout.frames, layout.rows, layout.columns, layout.samples)
        )
        return np.frombuffer(self._data, kind, count).reshape(shape)

    @property
    def frame_count(self) -> int:
        """How many frames there are."""
        return self.layout.frames

    def frame(self, index: int) -> np.ndarray:
        """One frame as it is shown, (rows, columns) of stored values or (rows, columns, 3) of RGB."""
        layout = self.layout
        if layout.bits_allocated == 1:
            size = layout.rows * layout.columns
            bits = np.unpackbits(np.frombuffer(self._data, np.uint8), bitorder="little")
            return bits[index * size : (index + 1) * size].reshape(layout.rows, layout.columns)
        values = self.stored_values()[index]
        values = values.transpose(1, 2, 0) if layout.planar else values
        if layout.samples == 1:
            return self._with_palette(_in_stored_bits(values[..., 0], layout), layout)
        if layout.photometric.startswith("YBR") and layout.photometric not in ("YBR_RCT", "YBR_ICT"):
            from pydicom.pixels import convert_color_space

            return convert_color_space(np.ascontiguousarray(values[..., :3]), "YBR_FULL", "RGB")
        return values[..., :3]

    def _with_palette(self, values: np.ndarray, layout: Layout) -> np.ndarray:
        if layout.photometric != "PALETTE COLOR":
            return values
        from pydicom.pixels import apply_color_lut

        try:
            return apply_color_lut(np.ascontiguousarray(values), self.source)[..., :3]
        except (ValueError, AttributeError, KeyError, IndexError) as error:
            raise InputError("The palette of colors cannot be read: look at the image.") from error

    def blank(self, boxes: Iterable[Box]) -> None:
        """Blank the boxes in every frame; every other pixel keeps its stored value."""
        layout = self.layout
        kept = [clipped for box in boxes if (clipped := box.clipped(layout.rows, layout.columns)) is not None]
        if kept:
            blank_native(self._data, layout, kept, black_of(self.source, layout), self.is_little_endian)
            self.is_changed = True

    def mark_changed(self) -> None:
        """Say that ``stored_values`` were written to."""
        self.is_changed = True

    def finish(self) -> None:
        """Store changed pixels in the file, uncompressed; nothing when nothing changed."""
        if not self.is_changed:
            return
        if self._is_decompressed:
            take_over(self.source, self.file)
        store(self.file, bytes(self._data))
        self.is_changed = False


def _in_stored_bits(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Values without what stands in the unused high bits, with the sign of the stored bits."""
    unused = layout.bits_allocated - layout.bits_stored
    if unused <= 0:
        return values
    native = values.astype(values.dtype.newbyteorder("="))
    return np.right_shift(np.left_shift(native, unused), unused)


def _make_full_color(source: Dataset) -> None:
    """Native subsampled color with every sample written out: nothing is lost, colors stay as they were."""
    from pydicom.pixels import pixel_array

    try:
        values = pixel_array(source, raw=True)
    except (RuntimeError, NotImplementedError, AttributeError, ValueError, KeyError) as error:
        raise InputError("The layout of these pixels is not supported: blank them on the device.") from error
    source.PhotometricInterpretation, source.PlanarConfiguration = "YBR_FULL", 0
    data = np.ascontiguousarray(values).astype(np.uint8).tobytes()
    source.PixelData = data + b"\0" * (len(data) % 2)
    source["PixelData"].VR = "OB"
