"""Slices of a short-axis stack lie shifted against each other by different breath-holds: put them back in line.

The centroid of the left ventricle (cavity and wall) of each slice should follow a smooth long axis. What departs from
a robust quadratic through all slices is taken as the slice's shift; the heart's own tilt and bend remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import shift as shift_image

from CardiacBiomechLib.model.heart_labels import HeartLabels
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

MIN_SLICES = 5
ROUNDS = 15
OUTLIER_MM = 1.0


@dataclass(frozen=True, eq=False)
class SliceShifts:
    """In-plane shift (n, 2) of every slice in mm along the array axes j and i; 0 where the heart is not seen."""

    shifts_mm: np.ndarray
    measured: np.ndarray

    def undo(self, volume: Volume, order: int = 1) -> Volume:
        """Return the volume with every slice moved to where the heart's axis has it; ``order`` 0 for labels."""
        return self._moved(volume, -self.shifts_mm, order)

    def redo(self, volume: Volume, order: int = 1) -> Volume:
        """Return the volume with every slice moved back to where it was acquired: the opposite of ``undo``."""
        return self._moved(volume, self.shifts_mm, order)

    def _moved(self, volume: Volume, shifts_mm: np.ndarray, order: int) -> Volume:
        spacing = volume.spacing_kji_mm[1:]
        moved = [
            shift_image(part.astype(np.float32), offset / spacing, order=order, mode="nearest")
            for part, offset in zip(volume.array, shifts_mm, strict=True)
        ]
        return volume.with_array(np.stack(moved).astype(volume.array.dtype))


def measure_slice_shifts(labels: Volume, parts: HeartLabels) -> SliceShifts:
    """Shifts from the labels of one frame; raises InputError when too few slices show the left ventricle."""
    left = (labels.array == parts.lv) | (labels.array == parts.myocardium)
    enough = left.sum((1, 2)) > 20
    if enough.sum() < MIN_SLICES:
        raise InputError(
            f"The left ventricle is labeled in {int(enough.sum())} slices, {MIN_SLICES} are needed to "
            "tell a shifted slice from a tilted heart: leave the slices as they are."
        )
    index = np.nonzero(enough)[0]
    spacing = labels.spacing_kji_mm
    centers = np.array([np.argwhere(left[k]).mean(0) for k in index]) * spacing[1:]
    axis = _robust_quadratic(index * spacing[0], centers)
    shifts = np.zeros((labels.array.shape[0], 2))
    shifts[index] = centers - axis
    return SliceShifts(shifts, enough)


def _robust_quadratic(position_mm: np.ndarray, centers_mm: np.ndarray) -> np.ndarray:
    """Values of a quadratic fit that listens little to slices far off (iteratively reweighted least squares)."""
    scaled = (position_mm - position_mm.mean()) / max(np.ptp(position_mm), 1e-6)
    design = np.stack([np.ones_like(scaled), scaled, scaled**2], 1)
    weight = np.ones(len(scaled))
    fitted = centers_mm
    for _ in range(ROUNDS):
        root = np.sqrt(weight)[:, None]
        fitted = design @ np.linalg.lstsq(design * root, centers_mm * root, rcond=None)[0]
        distance = np.linalg.norm(centers_mm - fitted, axis=1)
        weight = 1.0 / np.maximum(distance, OUTLIER_MM)
    return fitted
