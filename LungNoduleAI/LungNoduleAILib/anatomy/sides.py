"""Right and left lung, also where thin junction lines leave them fused, and which side a single lung is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage as ndi
import SimpleITK as sitk

from LungNoduleAILib.anatomy.work_image import WorkImage

RIGHT, LEFT = 1, 2
SECOND_LUNG_SHARE = 0.12  # of the larger one, from which two parts are two lungs
EROSIONS_MM = (1.5, 3.0, 4.5, 6.0, 8.0, 10.0, 13.0, 16.0)


@dataclass(frozen=True, eq=False)
class Sides:
    """``labels`` uint8 on the work grid: 1 right, 2 left; not ``certain`` when a lone lung was told by position."""

    labels: np.ndarray
    certain: bool = True


def split_sides(work: WorkImage, lung_air: np.ndarray, airways: np.ndarray, middle_i: float) -> Sides:
    """Label lung air without airways as right (towards low i, LPS order) and left of ``middle_i``."""
    import edt

    spacing = tuple(float(s) for s in work.spacing_kji_mm)
    wall = edt.edt(~airways, anisotropy=spacing) <= 2.0 if airways.any() else airways
    lungs = lung_air & ~wall
    seeds, certain = _seeds(lungs, spacing, middle_i)
    if seeds is None:
        return Sides(np.zeros(lungs.shape, np.uint8))
    if seeds.max() < LEFT or not (seeds == RIGHT).any():
        side = int(seeds.max())
        return Sides(lungs.astype(np.uint8) * side, certain)
    return Sides(flood_sides(work.hu, lungs, seeds), certain)


def _seeds(lungs: np.ndarray, spacing: tuple[float, ...], middle_i: float) -> tuple[np.ndarray | None, bool]:
    """Markers of the two lungs: the mask eroded until it falls into two large parts, or one marker for a lone lung."""
    import cc3d
    import edt

    distance = edt.edt(lungs, anisotropy=spacing, black_border=True)
    for radius in (0.0, *EROSIONS_MM):
        labels = cc3d.connected_components(distance > radius, connectivity=6)
        voxels = np.bincount(labels.ravel())
        voxels[0] = 0
        order = np.argsort(voxels)[::-1]
        if len(order) > 1 and voxels[order[1]] > SECOND_LUNG_SHARE * voxels[order[0]]:
            centers = [ndi.center_of_mass(labels == label)[2] for label in order[:2]]
            if _apart(centers, lungs, middle_i):
                right, left = order[:2] if centers[0] < centers[1] else order[1::-1]
                return np.where(labels == right, RIGHT, np.where(labels == left, LEFT, 0)).astype(np.uint8), True
    if not lungs.any():
        return None, False
    return _seeds_by_position(lungs, middle_i)


def _apart(centers: list[float], lungs: np.ndarray, middle_i: float) -> bool:
    """Two parts are two lungs when they lie on either side of the middle, or far apart from side to side."""
    extent = np.flatnonzero(lungs.any(axis=(0, 1)))
    width = extent[-1] - extent[0] + 1
    low, high = sorted(centers)
    return (low < middle_i < high and high - low > 0.2 * width) or high - low > 0.35 * width


def _seeds_by_position(lungs: np.ndarray, middle_i: float) -> tuple[np.ndarray, bool]:
    """Return a mask that never falls apart: cut at the middle when it reaches well beyond it on both sides, else one
    lung.
    """
    right_of_middle = lungs & (np.arange(lungs.shape[2]) < middle_i)
    share = float(right_of_middle.sum()) / float(lungs.sum())
    if 0.25 < share < 0.75:
        return np.where(right_of_middle, RIGHT, np.where(lungs, LEFT, 0)).astype(np.uint8), False
    return lungs.astype(np.uint8) * (RIGHT if share >= 0.5 else LEFT), False


def flood_sides(hu: np.ndarray, lungs: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Sides (uint8) of all lungs by flooding HU from seeds of both: they meet on the bright junction line."""
    smooth = ndi.gaussian_filter(hu, 0.5)
    elevation = sitk.GetImageFromArray(np.where(lungs, smooth, 3000.0).astype(np.float32))
    outside = ~ndi.binary_dilation(lungs)
    markers = sitk.GetImageFromArray(np.where(outside, 3, seeds).astype(np.uint8))
    flooded = sitk.GetArrayFromImage(
        sitk.MorphologicalWatershedFromMarkers(elevation, markers, markWatershedLine=False, fullyConnected=False)
    )
    return np.where(lungs & (flooded < 3), flooded, 0).astype(np.uint8)


def middle_of_body(work: WorkImage, airways: np.ndarray, i_of_x_zero: float) -> tuple[float, bool]:
    """Return the i index of the midline, and whether anatomy told it: trachea, else spine, else the middle of the
    scanner.
    """
    if airways.any():
        k = np.flatnonzero(airways.any(axis=(1, 2)))
        upper = airways[k[len(k) // 2] :]
        return float(ndi.center_of_mass(upper)[2]), True
    spine = _spine_i(work)
    return (spine, True) if spine is not None else (i_of_x_zero, False)


def _spine_i(work: WorkImage) -> float | None:
    """Where the vertebral column stands: the thickest posterior block of bone over most slices."""
    import edt

    bone = ndi.gaussian_filter(work.hu, 2.0 / work.spacing_kji_mm) > 150
    spacing = tuple(float(s) for s in work.spacing_kji_mm)
    thick = edt.edt(bone, anisotropy=spacing, black_border=True) > 8.0
    half = work.hu.shape[1] // 2
    posterior = thick[:, half:]
    if posterior.any(axis=(1, 2)).mean() < 0.5:
        return None
    return float(ndi.center_of_mass(posterior)[2])
