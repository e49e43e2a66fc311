"""How good a lung registration is: folding, volume change, likeness, inverse consistency, and where it is unsure.

The uncertainty of a place is a length in mm that rises with the disagreement between both directions and with the
share of the local structure that stayed unlike. Its two constants were fitted on phantom pairs with known motion.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from LungNoduleAILib.followup.registration.lung_image import LungImage
from LungNoduleAILib.followup.registration.lung_transform import LungTransform
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.quality import folded_cells, jacobian

WINDOW_MM = 20.0
SMOOTHING_MM = 6.0
MIN_VOXEL = 0.25  # of a voxel it was computed on (0.5 mm on the default 2 mm): no registration is better than that
UNLIKE_MM = 4.0  # of uncertainty where nothing of the local structure was matched
FLAT = 1e-4  # variance of a window (values 0..1) below which it has no structure: 8 HU
POOR_MM = 4.0


@dataclass(frozen=True)
class RegionQuality:
    """One lobe or lung: mean and 95th percentile of the uncertainty, percent of it that is poorly matched."""

    name: str
    uncertainty_mean_mm: float
    uncertainty_p95_mm: float
    poor_percent: float


@dataclass(frozen=True)
class LungQuality:
    """What can be said about a registration without knowing the truth; percentages of voxels or cells.

    ``similarity`` is the mean local correlation (0..1) in the lungs after the registration, ``similarity_affine``
    before its non-rigid part; ``lung_dice`` compares the current with the warped prior lung mask.
    """

    folded_percent: float
    folded_cells_percent: float
    lung_folded_percent: float
    sd_log_j: float
    min_j: float
    j_mean: float
    similarity: float
    similarity_affine: float
    lung_dice: float
    lung_dice_affine: float
    overlap: float
    mean_displacement_mm: float
    max_displacement_mm: float
    uncertainty_mean_mm: float
    poor_percent: float
    inverse_consistency_mean_mm: float | None = None
    inverse_consistency_p95_mm: float | None = None
    regions: tuple[RegionQuality, ...] = ()

    def to_dict(self) -> dict:
        """JSON form, rounded, without what was not measured."""
        entry: dict[str, object] = {
            name: round(value, 4) for name, value in asdict(self).items() if isinstance(value, float)
        }
        entry["regions"] = [
            {
                "name": r.name,
                "uncertainty_mean_mm": round(r.uncertainty_mean_mm, 2),
                "uncertainty_p95_mm": round(r.uncertainty_p95_mm, 2),
                "poor_percent": round(r.poor_percent, 1),
            }
            for r in self.regions
        ]
        return entry


def local_correlation(fixed: LungImage, warped: np.ndarray) -> np.ndarray:
    """Squared local correlation (k, j, i) over windows of ``WINDOW_MM``; 1 where there is no structure."""
    size = [max(3, int(WINDOW_MM / step) | 1) for step in fixed.grid.spacing_kji_mm]
    a, b = fixed.image, warped
    mean_a, mean_b = uniform_filter(a, size), uniform_filter(b, size)
    variance_a = uniform_filter(a * a, size) - mean_a**2
    variance_b = uniform_filter(b * b, size) - mean_b**2
    covariance = uniform_filter(a * b, size) - mean_a * mean_b
    likeness = covariance.clip(0) ** 2 / (variance_a.clip(1e-9) * variance_b.clip(1e-9))
    return np.where(np.maximum(variance_a, variance_b) < FLAT, 1.0, likeness.clip(0, 1)).astype(np.float32)


def inconsistency_mm(forward: LungTransform, backward: LungTransform, grid: Grid) -> np.ndarray:
    """|backward(forward(x)) - x| in mm on ``grid`` in the current scan; computed at every second voxel."""
    points = grid.centers_ras_mm()[::2, ::2, ::2]
    error = np.linalg.norm(backward.to_prior(forward.to_prior(points)) - points, axis=-1).astype(np.float32)
    for axis, size in enumerate(grid.shape_kji):
        between = np.repeat(error, 2, axis=axis)
        after = np.roll(error, -1, axis=axis)
        after[(slice(None),) * axis + (-1,)] = error[(slice(None),) * axis + (-1,)]
        between[(slice(None),) * axis + (slice(1, None, 2),)] = (error + after) / 2
        error = between[(slice(None),) * axis + (slice(0, size),)]
    return error


def uncertainty_map(fixed: LungImage, likeness: np.ndarray, inconsistency: np.ndarray | None) -> Volume:
    """Uncertainty in mm (k, j, i) on the grid of ``fixed``, smoothed within the lungs; 0 outside them."""
    least_mm = MIN_VOXEL * float(max(fixed.grid.spacing_kji_mm))
    squared = (least_mm**2 + (UNLIKE_MM * (1 - likeness)) ** 2).astype(np.float32)
    if inconsistency is not None:
        squared += inconsistency**2
    inside = fixed.lung.astype(np.float32)
    sigma = SMOOTHING_MM / fixed.grid.spacing_kji_mm
    share = gaussian_filter(inside, sigma)
    smooth = gaussian_filter(squared * inside, sigma) / share.clip(1e-6)
    return fixed.grid.volume(np.sqrt(smooth) * fixed.lung, "CT")


def region_quality(uncertainty: Volume, regions: dict[str, np.ndarray]) -> tuple[RegionQuality, ...]:
    """Return the uncertainty within named masks on its grid; empty masks are left out."""
    result = []
    for name, mask in regions.items():
        values = uncertainty.array[mask]
        if values.size:
            result.append(
                RegionQuality(
                    name,
                    float(values.mean()),
                    float(np.percentile(values, 95)),
                    100.0 * float((values > POOR_MM).mean()),
                )
            )
    return tuple(result)


@dataclass(frozen=True, eq=False)
class FieldMeasures:
    """Folding and volume change of a total field in a lung mask."""

    folded_percent: float
    folded_cells_percent: float
    lung_folded_percent: float
    sd_log_j: float
    min_j: float
    j_mean: float

    @staticmethod
    def of(field: Field, lung: np.ndarray) -> FieldMeasures:
        """Measure a field; SD of log J, least and mean J are of the lungs."""
        J = jacobian(field)
        inside = J[lung]
        return FieldMeasures(
            100.0 * float((J <= 0).mean()),
            100.0 * float(folded_cells(field).mean()),
            100.0 * float((inside <= 0).mean()),
            float(np.log(inside.clip(1e-9)).std()),
            float(inside.min()),
            float(inside.mean()),
        )


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice coefficient of two masks; 0 when both are empty."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * float((one & other).sum()) / total if total else 0.0
