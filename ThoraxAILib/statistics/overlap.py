"""How well two masks agree: Dice, normalized surface distance, 95 % Hausdorff distance, volume.

NSD after Nikolov et al. 2018 (arXiv 1809.04430) on boundary voxels: the share of both boundaries that lies within a
tolerance of the other one. Boundary voxels are those with a face towards the outside; distances are between centers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.boxes import mask_box

TOLERANCE_MM = 2.0
FAR_PERCENTILE = 95.0


@dataclass(frozen=True)
class Agreement:
    """Scores of one mask against its reference; None where they are not defined (see ``compare_masks``)."""

    dice: float | None
    nsd: float | None
    hausdorff_95_mm: float | None
    volume_ml: float
    reference_volume_ml: float
    volume_error_percent: float | None

    def to_dict(self) -> dict:
        """JSON form, six decimals."""
        return {name: None if value is None else round(value, 6) for name, value in asdict(self).items()}


def compare_masks(
    mask: np.ndarray, reference: np.ndarray, spacing_kji_mm: np.ndarray, tolerance_mm: float = TOLERANCE_MM
) -> Agreement:
    """Scores of two boolean arrays (k, j, i) on one grid.

    Both empty: Dice and NSD are None. One empty: both are 0 and the distance is None. Raises InputError for arrays of
    different shapes or a tolerance below zero.
    """
    if mask.shape != reference.shape:
        raise InputError(f"The masks have shapes {mask.shape} and {reference.shape}: bring them onto one grid.")
    if not tolerance_mm >= 0:
        raise InputError(f"The tolerance must be 0 mm or more, {tolerance_mm:g} was given.")
    voxel_ml = float(np.prod(spacing_kji_mm)) / 1000.0
    found, wanted = int(np.count_nonzero(mask)), int(np.count_nonzero(reference))
    volumes = found * voxel_ml, wanted * voxel_ml
    error = 100.0 * (found - wanted) / wanted if wanted else None
    if not found and not wanted:
        return Agreement(None, None, None, *volumes, error)
    box = mask_box(mask.astype(bool) | reference.astype(bool))
    mask, reference = mask[box].astype(bool), reference[box].astype(bool)
    dice = 2.0 * int(np.count_nonzero(mask & reference)) / (found + wanted)
    if not found or not wanted:
        return Agreement(0.0, 0.0, None, *volumes, error)
    there, back = surface_distances_mm(mask, reference, spacing_kji_mm)
    near = np.count_nonzero(there <= tolerance_mm) + np.count_nonzero(back <= tolerance_mm)
    far = max(float(np.percentile(distances, FAR_PERCENTILE)) for distances in (there, back))
    return Agreement(dice, float(near / (len(there) + len(back))), far, *volumes, error)


def surface_distances_mm(
    mask: np.ndarray, reference: np.ndarray, spacing_kji_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances in mm of every boundary voxel to the other mask's boundary: of the mask, then of the reference."""
    import edt

    mask_rim, reference_rim = boundary(mask), boundary(reference)
    spacing = tuple(float(mm) for mm in spacing_kji_mm)
    to_reference = edt.edt(~reference_rim, anisotropy=spacing, black_border=False, parallel=1)
    to_mask = edt.edt(~mask_rim, anisotropy=spacing, black_border=False, parallel=1)
    return to_reference[mask_rim], to_mask[reference_rim]


def boundary(mask: np.ndarray) -> np.ndarray:
    """Voxels of a mask with a face towards the outside; beyond the array is outside."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1, 1:-1].copy()
    for axis in range(3):
        for step in (0, 2):
            window = [slice(1, -1)] * 3
            window[axis] = slice(step, step + mask.shape[axis])
            inner &= padded[tuple(window)]
    return mask & ~inner
