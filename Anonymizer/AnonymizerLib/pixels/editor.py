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
    image_attributes,
    native_pixels,
    pixel_dataset,
    store,
    take_over,
)
from AnonymizerLib.profile.regions import Box
from ThoraxAILib.errors import InputError

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
        self._layout: Layout | None = None
        self._data: bytearray | memoryview = bytearray()
        self._is_decompressed = False

    @property
    def source(self) -> Dataset:
        """The attributes of the decoded pixels; its pixel element is not kept up to date."""
        if self._layout is None:
            self._decode()
        if self._source is None:
            self._source = image_attributes(self.file.dataset)
        return self._source

    @property
    def layout(self) -> Layout:
        """How the decoded pixels are laid out."""
        return self._layout or self._decode()

    def _decode(self) -> Layout:
        """Make the pixels available, once."""
        native = native_pixels(self.file)
        if native is not None:
            return self._take(Layout.of_raw(self.file.dataset), native)
        source = pixel_dataset(self.file)
        if PIXEL_DATA not in source:
            raise InputError("It has no pixels of whole numbers: text in them cannot be looked for.")
        is_compressed = self.file.transfer_syntax not in NATIVE
        if is_compressed:
            decode(source)
        photometric = str(source.get("PhotometricInterpretation", ""))
        if not is_compressed and photometric.startswith(SUBSAMPLED):
            _make_full_color(source)
        self._is_decompressed = is_compressed or photometric.startswith(SUBSAMPLED)
        self._source = source
        return self._take(Layout.of(source), bytearray(source[PIXEL_DATA].value))

    def _take(self, layout: Layout, data: bytearray | memoryview) -> Layout:
        """Keep uncompressed pixels and how they are laid out; InputError when that is not supported."""
        if layout.bits_allocated not in (1, 8, 16, 32):
            raise InputError("The layout of these pixels is not supported: blank them on the device.")
        self.times_decoded += 1
        if len(data) < layout.pixel_bytes:
            raise InputError("The pixel data is shorter than its attributes say.")
        self._data, self._layout = data, layout
        return layout

    @property
    def is_little_endian(self) -> bool:
        """Whether the decoded numbers are little endian."""
        return self._is_decompressed or self.file.is_little_endian

    def _own_data(self) -> bytearray:
        """Return the pixels as a copy that may be written to; made when somebody first needs it."""
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data)
        return self._data

    def stored_values(self) -> np.ndarray:
        """Return stored values of 8 bits and more, writable.

        (frames, samples, rows, columns) or (frames, rows, columns, samples) by the planar configuration. InputError
        for one bit per pixel.
        """
        layout = self.layout
        self._own_data()
        return self._values(layout)

    def _values(self, layout: Layout) -> np.ndarray:
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
        values = self._values(layout)[index]
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
            blank_native(self._own_data(), layout, kept, black_of(self.source, layout), self.is_little_endian)
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
    if unused <= 0 or not values.size:
        return values
    lowest, highest = (
        (-(1 << layout.bits_stored - 1), (1 << layout.bits_stored - 1) - 1)
        if layout.signed
        else (0, (1 << layout.bits_stored) - 1)
    )
    if lowest <= values.min() and values.max() <= highest:  # nothing stands in them, as nearly always
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
