"""What changed between two registered scans: a difference map inside the lungs and its significant blobs.

The warped prior gets the local lung density of the current scan (two anchors: parenchyma and soft tissue), so that
breath level, kernel and noise do not light up. Structures are diluted by their own volume change relative to the lung
around (mass is kept), because a registration stretches a small nodule over the large one it became. A difference
counts when it exceeds what noise and registration uncertainty can explain: an error of e mm explains e |grad I|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter, gaussian_gradient_magnitude, map_coordinates, maximum_filter

from LungNoduleAILib.followup.difference.blobs import DifferenceBlob, find_blobs
from LungNoduleAILib.followup.difference.scan_pair import ScanPair
from LungNoduleAILib.followup.registration.lung_image import reduce_lungs
from LungNoduleAILib.followup.registration.register import LungRegistration
from LungNoduleAILib.followup.registration.shared_lungs import shared_lungs
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.quality import jacobian

STEP_MM = 1.5
WINDOW_HU = (-1000.0, 200.0)
SOFT_HU = 40.0  # the anchor that breath does not change
PARENCHYMA_HU = -600.0
NEIGHBORHOOD_MM = 12.0
RESOLUTION_MM = 1.0  # sigma that hides kernel and noise
STRETCH_AROUND_MM = 15.0
STRETCH_FREE = 0.2  # of log volume change, neither growth nor shrinking
STRETCH_RANGE = (0.2, 2.0)
SCALES_MM = (2.0, 4.0)  # sigmas at which blobs are looked for


@dataclass(frozen=True, eq=False)
class DifferenceMap:
    """``volume`` is current minus prior in HU (int16) on cubes around the current lungs, 0 outside the shared lungs.

    ``blobs`` are the significant changes, the most significant first; ``suppressed`` counts those that lie where the
    registration is too uncertain to say.
    """

    volume: Volume
    blobs: tuple[DifferenceBlob, ...]
    suppressed: int
    compared_ml: float

    def to_dict(self) -> dict:
        """JSON form, without the volume."""
        return {
            "compared_ml": round(self.compared_ml, 1),
            "suppressed": self.suppressed,
            "blobs": [blob.to_dict() for blob in self.blobs],
        }


def difference_map(
    registration: LungRegistration,
    prior: Volume,
    current: Volume,
    prior_labels: np.ndarray,
    current_labels: np.ndarray,
    current_findings: Sequence[Finding] = (),
    prior_findings: Sequence[Finding] = (),
    progress: Progress | None = None,
) -> DifferenceMap:
    """Compare two scans (HU) through their registration; findings name the blobs that lie on them."""
    progress = progress or Progress()
    progress(0.0, "Comparing the lungs")
    shared = shared_lungs(prior, current, prior_labels, current_labels)
    compared = pair_scans(registration, prior, current, shared.prior, shared.current)
    progress(0.5, "Looking for changes")
    scores = [significance(compared, sigma) for sigma in SCALES_MM]
    blobs, suppressed = find_blobs(compared, scores, registration, current_findings, prior_findings)
    progress(1.0, f"{len(blobs)} changes")
    difference = np.rint(compared.difference).astype(np.int16)
    voxel_ml = float(np.prod(compared.grid.spacing_kji_mm)) / 1000
    return DifferenceMap(
        compared.grid.volume(difference, "CT"), blobs, suppressed, float(compared.inside.sum()) * voxel_ml
    )


def pair_scans(
    registration: LungRegistration, prior: Volume, current: Volume, prior_lungs: np.ndarray, current_lungs: np.ndarray
) -> ScanPair:
    """Both scans on one grid of cubes around the current lungs, alike but for what changed."""
    now = reduce_lungs(current, current_lungs, STEP_MM, WINDOW_HU, paint_outside=False)
    then = reduce_lungs(prior, prior_lungs, STEP_MM, WINDOW_HU, paint_outside=False)
    grid = now.grid(STEP_MM)
    points = grid.centers_ras_mm()
    one = now.on(grid)
    other = then.at(grid, registration.map_points_to_prior(points))
    inside = binary_erosion(one.lung & other.lung & one.valid & other.valid)
    smooth = RESOLUTION_MM / grid.spacing_kji_mm
    seen, before = (gaussian_filter(_hu(image.image), smooth) for image in (one, other))
    parenchyma = inside & (seen < PARENCHYMA_HU) & (before < PARENCHYMA_HU)
    level, level_before = _levels((seen, before), parenchyma, grid)
    matched = SOFT_HU + (before - SOFT_HU) * (level - SOFT_HU) / (level_before - SOFT_HU)
    index = np.moveaxis(registration.uncertainty_mm.kji_from_ras(points), -1, 0).astype(np.float32)
    error, stretch = (
        map_coordinates(part, index, order=1, mode="nearest")
        for part in (registration.uncertainty_mm.array, _own_volume_change(registration))
    )
    diluted = np.where(matched > level, level + (matched - level) * stretch, matched)
    return ScanPair(grid, seen, diluted, matched, level, inside, parenchyma, error)


def _own_volume_change(registration: LungRegistration) -> np.ndarray:
    """Prior volume per current volume, as far as it goes beyond what lung around or incompressible vessels would do."""
    lung = (registration.uncertainty_mm.array > 0).astype(np.float32)
    step = registration.field.grid.spacing_kji_mm
    growth = np.log(jacobian(registration.field).clip(0.05)).astype(np.float32)
    around = gaussian_filter(growth * lung, STRETCH_AROUND_MM / step)
    around /= gaussian_filter(lung, STRETCH_AROUND_MM / step).clip(1e-3)
    low, high = np.minimum(around, 0) - STRETCH_FREE, np.maximum(around, 0) + STRETCH_FREE
    return np.exp((growth - growth.clip(low, high)) * lung).clip(*STRETCH_RANGE)


def significance(compared: ScanPair, sigma_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the difference at a scale in HU, and how many times it exceeds noise and registration error (signed)."""
    sigma = sigma_mm / compared.grid.spacing_kji_mm
    difference = gaussian_filter(compared.difference, sigma)
    wide = NEIGHBORHOOD_MM / compared.grid.spacing_kji_mm
    share = gaussian_filter(compared.parenchyma.astype(np.float32), wide).clip(1e-3)
    noise = gaussian_filter(difference**2 * compared.parenchyma, wide) / share
    explained = np.where(
        difference > 0, _slope(compared.prior, compared, sigma_mm), _slope(compared.current, compared, sigma_mm)
    )
    score = difference / np.sqrt(noise + (explained * compared.error_mm) ** 2 + 1.0)
    return difference, score * compared.inside


def _slope(image: np.ndarray, compared: ScanPair, sigma_mm: float) -> np.ndarray:
    """Largest slope in HU/mm near each voxel of an image that is lung outside the lungs."""
    step = compared.grid.spacing_kji_mm
    filled = np.where(compared.inside, image, compared.level)
    slope = gaussian_gradient_magnitude(filled, sigma_mm / step) / step[0]
    return maximum_filter(slope, [2 * max(1, round(sigma_mm / s / 2)) + 1 for s in step])


def _hu(image: np.ndarray) -> np.ndarray:
    low, high = WINDOW_HU
    return low + image * np.float32(high - low)


def _levels(images: Sequence[np.ndarray], parenchyma: np.ndarray, grid: Grid) -> list[np.ndarray]:
    """Local mean HU of the lung tissue of each image; wider means where there is little tissue nearby."""
    weight = parenchyma.astype(np.float32)
    levels = [
        np.full(weight.shape, float(image[parenchyma].mean()) if parenchyma.any() else -850.0, np.float32)
        for image in images
    ]
    for reach_mm in (4 * NEIGHBORHOOD_MM, NEIGHBORHOOD_MM):
        sigma = reach_mm / grid.spacing_kji_mm
        share = gaussian_filter(weight, sigma)
        trust = share / (share + 0.05)
        for image, level in zip(images, levels, strict=True):
            mean = gaussian_filter(image * weight, sigma) / share.clip(1e-6)
            level += trust * (mean - level)
    return levels
