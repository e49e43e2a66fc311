"""Volumes of every frame, with the base of the ventricle handled by a stated convention.

The valve plane comes down during systole and leaves the topmost slices, while labels that were carried from
end-diastole stay in them. With long-axis views the plane's way is measured and a slice counts for the part of it that
is still below the plane. Without them a slice counts while half of the circumference or more of what its labels call
wall is dark muscle (SCMR, J Cardiovasc Magn Reson 22:19, 2020: half of the circumference). Frames that were segmented
one by one need neither: their labels end where the ventricle ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.mechanics.aha import HeartAxes
from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.image.volume import Volume

DENSITY_G_ML = 1.05
HALF = 0.5
SECTORS = 24
BASES = {
    "long-axis": "the valve plane's way is measured in long-axis views; a slice counts for its part below the plane",
    "muscle": "a basal slice counts while muscle surrounds half of its cavity or more",
    "labels": "every labeled slice counts in the frame in which it was segmented",
}


@dataclass(frozen=True, eq=False)
class SliceVolumes:
    """Volume (frames, slices) in mL of each part in each slice, and how much of a slice counts (frames, slices)."""

    lv: np.ndarray
    wall: np.ndarray
    rv: np.ndarray | None
    share: np.ndarray
    base: str

    @property
    def lv_ml(self) -> np.ndarray:
        """Volume of the left cavity by frame."""
        return (self.lv * self.share).sum(1)

    @property
    def rv_ml(self) -> np.ndarray | None:
        """Volume of the right cavity by frame."""
        return None if self.rv is None else (self.rv * self.share).sum(1)

    @property
    def wall_ml(self) -> np.ndarray:
        """Volume of the wall by frame."""
        return (self.wall * self.share).sum(1)


def slice_volumes(labels: Sequence[Volume], parts: HeartLabels, share: np.ndarray, base: str) -> SliceVolumes:
    """Return volumes by slice: voxels times voxel volume, the slice distance and not the thickness."""
    voxel_ml = labels[0].voxel_mm3 / 1000.0

    def counted(value: int) -> np.ndarray:
        return np.array([(frame.array == value).sum((1, 2)) for frame in labels]) * voxel_ml

    return SliceVolumes(
        counted(parts.lv), counted(parts.myocardium), None if parts.rv is None else counted(parts.rv), share, base
    )


def share_below_plane(labels: Sequence[Volume], axes: HeartAxes, down_mm: np.ndarray) -> np.ndarray:
    """Return how much of each slice (frames, slices) lies below a valve plane that comes down by ``down_mm``."""
    step, count = axes.slice_mm, labels[0].array.shape[0]
    share = np.ones((len(labels), count))
    top = axes.height_mm(axes.middles_ras_mm[0]) + step / 2
    for number, k in enumerate(axes.slices):
        low = axes.height_mm(axes.middles_ras_mm[number]) - step / 2
        share[:, k] = np.clip((top - np.maximum(down_mm, 0.0) - low) / step, 0.0, 1.0)
    return share


def share_with_muscle(
    frames: Sequence[Volume], labels: Sequence[Volume], parts: HeartLabels, axes: HeartAxes
) -> tuple[np.ndarray, np.ndarray]:
    """Return which slices count (frames, slices; 0 or 1) and what part of the circumference is muscle (same shape).

    A slice is left out only together with all slices above it, and never the lower half of the ventricle.
    """
    count = labels[0].array.shape[0]
    muscle = np.ones((len(labels), count))
    counts = np.ones((len(labels), count))
    upper = axes.slices[: max(1, len(axes.slices) // 2)]
    for number, (image, marked) in enumerate(zip(frames, labels, strict=True)):
        threshold = _between(image, marked, parts, axes)
        for k in upper:
            muscle[number, k] = _dark_part(image, marked, parts, axes, k, threshold)
        gone = True
        for k in upper:
            gone = gone and muscle[number, k] < HALF
            counts[number, k] = 0.0 if gone else 1.0
    return counts, muscle


def _between(image: Volume, labels: Volume, parts: HeartLabels, axes: HeartAxes) -> float:
    """Signal half-way between blood and muscle of the lower half of the ventricle."""
    lower = list(axes.slices[len(axes.slices) // 2 :])
    pixels, marked = image.array[lower], labels.array[lower]
    blood, muscle = pixels[marked == parts.lv], pixels[marked == parts.myocardium]
    return float(np.median(blood) + np.median(muscle)) / 2 if len(blood) and len(muscle) else float("inf")


def _dark_part(image: Volume, labels: Volume, parts: HeartLabels, axes: HeartAxes, k: int, threshold: float) -> float:
    """Part of the sectors of a slice whose wall is darker than the threshold."""
    places = np.argwhere(labels.array[k] == parts.myocardium)
    cavity = np.argwhere(labels.array[k] == parts.lv)
    if len(places) < SECTORS or not len(cavity):
        return 0.0
    offset = (places - cavity.mean(0)) * labels.spacing_kji_mm[1:]
    sector = ((np.degrees(np.arctan2(offset[:, 0], offset[:, 1])) % 360.0) / 360.0 * SECTORS).astype(int) % SECTORS
    values = image.array[k][tuple(places.T)]
    dark = [np.median(values[sector == s]) < threshold for s in range(SECTORS) if (sector == s).any()]
    return float(np.sum(dark)) / SECTORS
