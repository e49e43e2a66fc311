"""A sheet of pictures: the outlines of the carried labels on a basal, middle and apical slice over the cycle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from CardiacBiomechLib.analysis.track import Track
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.heart_labels import HeartLabels
from CardiacBiomechLib.motion.region import Region
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import Picture, contact_sheet, with_title

COLORS = {"LV": (230, 60, 60), "MYO": (70, 200, 90), "RV": (80, 140, 255)}
MARGIN_MM = 12.0
PIXEL_MM = 0.5
MAX_COLUMNS = 6
LEVELS = (0.2, 0.5, 0.8)  # of the slices that show the left ventricle


def contour_sheet(track: Track, cine: Cine) -> np.ndarray:
    """RGB pixels: rows are slices, columns are frames spread over the cycle; slices as stored, not mirrored."""
    count = len(track.frames)
    shown = sorted({round(step) for step in np.linspace(0, count - 1, min(count, MAX_COLUMNS))})
    return frames_with_contours([frame.labels for frame in track.frames], track.parts, track.labeled_frame, cine, shown)


def frames_with_contours(
    labels_of: Sequence[Volume], parts: HeartLabels, labeled: int, cine: Cine, shown: Sequence[int]
) -> np.ndarray:
    """RGB pixels of the ``shown`` frames (indices): slices are chosen in the ``labeled`` one."""
    region = Region.around(labels_of[labeled], MARGIN_MM)
    slices = _levels(region.cut(labels_of[labeled]).array == parts.lv)
    low, high = np.percentile(region.cut(cine.frames[labeled]).array, (1, 99))
    pictures = []
    for k in slices:
        for frame in shown:
            image, labels = region.cut(cine.frames[frame]), region.cut(labels_of[frame])
            gray = np.clip((image.array[k] - low) / max(high - low, 1e-6), 0.0, 1.0)
            pixels = _outlined(gray, labels, k, parts)
            picture = Picture(pixels, np.zeros((3, 4)), PIXEL_MM)
            pictures.append(with_title(picture, f"frame {frame + 1}, slice {k + 1}"))
    return contact_sheet(pictures, len(shown))


def _levels(cavity: np.ndarray) -> list[int]:
    seen = np.nonzero(cavity.any((1, 2)))[0]
    return sorted({int(seen[round(level * (len(seen) - 1))]) for level in LEVELS}, reverse=True)


def _outlined(gray: np.ndarray, labels: Volume, k: int, parts: HeartLabels) -> np.ndarray:
    """One slice enlarged to ``PIXEL_MM`` with a line around each part, the wall's outer border only."""
    from PIL import Image

    rows, columns = (
        max(1, round(n * mm / PIXEL_MM)) for n, mm in zip(gray.shape, labels.spacing_kji_mm[1:], strict=True)
    )
    smooth = Image.fromarray((255 * gray).astype(np.uint8)).resize((columns, rows), Image.Resampling.BICUBIC)
    pixels = np.repeat(np.array(smooth)[..., None], 3, axis=2)
    values = parts.parts()
    for part in ("RV", "MYO", "LV"):
        filled = [values[name] for name in ((part, "LV") if part == "MYO" else (part,)) if name in values]
        share = Image.fromarray(np.isin(labels.array[k], filled).astype(np.float32))
        inside = np.array(share.resize((columns, rows), Image.Resampling.BILINEAR)) > 0.5
        pixels[inside & ~_shrunk(inside)] = COLORS[part]
    return pixels


def _shrunk(inside: np.ndarray) -> np.ndarray:
    """Without its outermost pixels."""
    padded = np.pad(inside, 1)
    return padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
