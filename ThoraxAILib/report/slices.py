"""A slice or slab of a Volume as RGB pixels, in radiological orientation and with square pixels in mm.

Axial and coronal: the patient's right is at the left of the picture. Sagittal: anterior is at the left. Superior is up.
Oblique volumes are shown along their own nearest axes, without resampling between slices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import two
from ThoraxAILib.image.volume import Volume

PLANES = ("axial", "coronal", "sagittal")
# Axes of a volume in LPS order (k superior, j posterior, i left): across the plane, down the picture, along its rows.
_AXES = {"axial": (0, 1, 2), "coronal": (1, 0, 2), "sagittal": (2, 0, 1)}


@dataclass(frozen=True)
class Window:
    """The HU shown as black to white: ``center_hu`` plus and minus half of ``width_hu``."""

    center_hu: float
    width_hu: float

    def gray(self, hu: np.ndarray) -> np.ndarray:
        """uint8 gray of HU values."""
        low = self.center_hu - self.width_hu / 2
        return (np.clip((hu - np.float32(low)) / np.float32(self.width_hu), 0, 1) * 255).astype(np.uint8)


LUNG_WINDOW = Window(-600, 1500)
SOFT_WINDOW = Window(40, 400)


@dataclass(frozen=True, eq=False)
class Overlay:
    """Labels on the grid of the volume, with an RGB color each; labels without a color are not drawn."""

    labels: np.ndarray
    colors: dict[int, tuple[int, int, int]]
    fill: float = 0.0
    outline: float = 1.0


@dataclass(frozen=True, eq=False)
class Picture:
    """RGB pixels (rows, columns, 3), and where RAS positions lie in them: ``ras_to_pixel`` is 3x4 to (x, y, depth).

    ``depth`` is the distance in mm from the plane shown.
    """

    pixels: np.ndarray
    ras_to_pixel: np.ndarray
    pixel_mm: float

    def position(self, point_ras_mm: tuple[float, float, float] | np.ndarray) -> tuple[float, float, float]:
        """Column, row (pixels) and distance from the plane (mm) of a RAS point."""
        x, y, depth = self.ras_to_pixel[:, :3] @ np.asarray(point_ras_mm, dtype=float) + self.ras_to_pixel[:, 3]
        return float(x), float(y), float(depth)

    def with_pixels(self, pixels: np.ndarray) -> Picture:
        """Return the same geometry with other pixels of the same size."""
        return replace(self, pixels=pixels)


def render(
    volume: Volume,
    plane: str,
    point_ras_mm: tuple[float, float, float] | np.ndarray,
    *,
    window: Window = LUNG_WINDOW,
    overlay: Overlay | None = None,
    field_mm: float | None = None,
    pixel_mm: float | None = None,
    slab_mm: float = 0.0,
) -> Picture:
    """Return the slice through a RAS point, or the brightest value over a slab of ``slab_mm`` around it.

    ``field_mm`` crops a square around the point (black outside the image), None shows the whole slice; ``pixel_mm``
    None takes the finer spacing of the plane. Raises InputError for an unknown plane or a point outside the image.
    """
    if plane not in _AXES:
        raise InputError(f"The plane '{plane}' is not known: use one of {', '.join(PLANES)}.")
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    across, down, along = _AXES[plane]
    place = turned.kji_from_ras(np.asarray(point_ras_mm, dtype=float))
    index = int(np.rint(place[across]))
    if not 0 <= index < turned.array.shape[across]:
        raise InputError(f"The point {_text(point_ras_mm)} lies outside the image: choose a point inside it.")
    spacing = turned.spacing_kji_mm
    cut = _Cut(across, down, along, index, float(spacing[across]))
    size = float(min(spacing[down], spacing[along])) if pixel_mm is None else pixel_mm
    frame = _Frame.around(turned, cut, place, field_mm, size)
    gray = frame.resampled(window.gray(cut.slab(turned.array, slab_mm)), smooth=True)
    pixels = np.repeat(gray[..., None], 3, axis=2)
    if overlay is not None:
        labels = cut.single(order.apply_array(overlay.labels))
        pixels = _overlaid(pixels, frame.resampled(labels, smooth=False), overlay)
    return Picture(pixels, frame.ras_to_pixel(turned, cut), size)


@dataclass(frozen=True)
class _Cut:
    """Which slice of a turned array; rows run down the picture, so superior comes first."""

    across: int
    down: int
    along: int
    index: int
    thickness_mm: float

    @property
    def flipped(self) -> bool:
        """Whether rows run against the array axis: where that axis points to superior."""
        return self.down == 0

    def single(self, array: np.ndarray) -> np.ndarray:
        """One slice (rows, columns)."""
        taken = array[(slice(None),) * self.across + (self.index,)]
        return taken[::-1] if self.flipped else taken

    def slab(self, array: np.ndarray, slab_mm: float) -> np.ndarray:
        """Brightest values over a slab around the slice (rows, columns)."""
        half = int(np.rint(slab_mm / 2 / self.thickness_mm))
        if half == 0:
            return self.single(array)
        span = slice(max(0, self.index - half), self.index + half + 1)
        taken = array[(slice(None),) * self.across + (span,)].max(axis=self.across)
        return taken[::-1] if self.flipped else taken


@dataclass(frozen=True)
class _Frame:
    """The rectangle of a slice that is shown: first row and column (slice pixels, may be negative), extent, output."""

    first: tuple[float, float]
    extent: tuple[float, float]
    output: tuple[int, int]
    step: tuple[float, float]

    @staticmethod
    def around(turned: Volume, cut: _Cut, place: np.ndarray, field_mm: float | None, pixel_mm: float) -> _Frame:
        """Return the whole slice, or a square of ``field_mm`` around a place."""
        axes = (cut.down, cut.along)
        step = two(float(turned.spacing_kji_mm[axis]) for axis in axes)
        count = tuple(turned.array.shape[axis] for axis in axes)
        if field_mm is None:
            first, extent = (-0.5, -0.5), (float(count[0]), float(count[1]))
        else:
            row = count[0] - 1 - place[cut.down] if cut.flipped else place[cut.down]
            extent = two(field_mm / mm for mm in step)
            first = (row - extent[0] / 2, place[cut.along] - extent[1] / 2)
        output = two(max(1, round(n * mm / pixel_mm)) for n, mm in zip(extent, step, strict=True))
        return _Frame(first, extent, output, step)

    def resampled(self, image: np.ndarray, smooth: bool) -> np.ndarray:
        """Return the frame of a uint8 slice at output size, zero outside the slice."""
        from PIL import Image

        margins = [
            (max(0, int(np.ceil(-start))), max(0, int(np.ceil(start + length + 0.5)) - count))
            for start, length, count in zip(self.first, self.extent, image.shape, strict=True)
        ]
        if any(low or high for low, high in margins):
            image = np.pad(image, margins)
        top, left = (start + 0.5 + low for start, (low, _) in zip(self.first, margins, strict=True))
        box = (left, top, min(left + self.extent[1], image.shape[1]), min(top + self.extent[0], image.shape[0]))
        method = Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST
        picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.uint8))
        return np.array(picture.resize((self.output[1], self.output[0]), method, box=box))

    def ras_to_pixel(self, turned: Volume, cut: _Cut) -> np.ndarray:
        """3x4 from RAS mm to column, row and mm from the plane."""
        kji = np.linalg.inv(turned.ijk_to_ras)[2::-1]  # rows give k, j, i
        row, column, depth = kji[cut.down].copy(), kji[cut.along].copy(), kji[cut.across].copy()
        if cut.flipped:
            row = -row
            row[3] += turned.array.shape[cut.down] - 1
        rows_per, columns_per = (out / n for out, n in zip(self.output, self.extent, strict=True))
        row[3] -= self.first[0]
        column[3] -= self.first[1]
        depth[3] -= cut.index
        row, column = row * rows_per, column * columns_per
        row[3] -= 0.5
        column[3] -= 0.5
        return np.stack([column, row, depth * cut.thickness_mm])


def _overlaid(pixels: np.ndarray, labels: np.ndarray, overlay: Overlay) -> np.ndarray:
    """Pixels with filled and outlined labels."""
    result = pixels.astype(np.float32)
    for label, color in overlay.colors.items():
        inside = labels == label
        for where, strength in ((inside, overlay.fill), (_rim(inside), overlay.outline)):
            if strength > 0:
                result[where] += strength * (np.array(color, dtype=np.float32) - result[where])
    return np.rint(result).astype(np.uint8)


def _rim(mask: np.ndarray) -> np.ndarray:
    """Return the pixels of a mask that touch its outside by an edge."""
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return mask & ~inner


def _text(point_ras_mm: tuple[float, float, float] | np.ndarray) -> str:
    return "(" + ", ".join(f"{float(x):.1f}" for x in point_ras_mm) + ") mm"
