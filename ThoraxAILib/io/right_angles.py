"""Image axes that are not at right angles: straightened where rounding bends them, else resampled, else refused."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk

from ThoraxAILib.errors import InputError

RIGHT_ANGLE = 1e-6  # largest cosine between axes that needs no word
MOVED_SHARE = 0.1  # of the smallest voxel: how far straightening may move any voxel without resampling
MAX_DEGREES = 40.0  # off right angles; a gantry is tilted by at most 30
ON_EDGE = 1e-3  # voxels
MAX_GROWTH = 3.0  # of the number of voxels, through the corners that a sheared image needs


@dataclass(frozen=True, eq=False)
class Straightened:
    """An image whose axes are at right angles: ``array`` (k, j, i), 4x4 matrix to LPS mm, and what was done."""

    array: np.ndarray
    ijk_to_lps: np.ndarray
    notes: tuple[str, ...] = ()


def straighten(
    array: np.ndarray, ijk_to_lps: np.ndarray, fill: float, name: str, is_labels: bool = False
) -> Straightened:
    """Return the image with axes at right angles, all voxels where they were; raises InputError beyond MAX_DEGREES.

    What lies outside the sheared image is ``fill``; of labels each voxel takes the nearest.
    """
    axes = ijk_to_lps[:3, :3]
    spacing = np.linalg.norm(axes, axis=0)
    if not np.isfinite(ijk_to_lps).all() or spacing.min() <= 0 or abs(np.linalg.det(axes / spacing)) < 1e-3:
        raise InputError(f"'{name}' has no usable geometry (its axes do not span a volume): export it again.")
    directions = axes / spacing
    cosine = float(np.abs(directions.T @ directions - np.eye(3)).max())
    if cosine <= RIGHT_ANGLE:
        return Straightened(array, ijk_to_lps)
    degrees = float(np.degrees(np.arcsin(min(1.0, cosine))))
    near = _nearest_rotation(directions) * spacing
    middle = (np.array(array.shape[::-1]) - 1) / 2
    corners = np.array(list(product((-1.0, 1.0), repeat=3))) * middle
    moved_mm = float(np.linalg.norm(corners @ (near - axes).T, axis=1).max())
    if moved_mm <= MOVED_SHARE * float(spacing.min()):
        straight = np.eye(4)
        straight[:3, :3] = near
        straight[:3, 3] = ijk_to_lps[:3, 3] + (axes - near) @ middle
        if moved_mm < 0.01:
            return Straightened(array, straight)
        note = (
            f"The image axes were {degrees:.2g} degrees off right angles: they were straightened without resampling, "
            f"which moved no voxel by more than {moved_mm:.2g} mm."
        )
        return Straightened(array, straight, (note,))
    if degrees > MAX_DEGREES:
        raise InputError(
            f"'{name}' has axes that are not at right angles ({degrees:.0f} degrees off): resample it to a "
            "right-angled grid."
        )
    return _resampled(array, ijk_to_lps, fill, name, degrees, is_labels)


def _nearest_rotation(directions: np.ndarray) -> np.ndarray:
    """Return the orthonormal axes nearest to given ones (orthogonal Procrustes, Schoenemann 1966)."""
    left, _, right = np.linalg.svd(directions)
    return left @ right


def _resampled(
    array: np.ndarray, ijk_to_lps: np.ndarray, fill: float, name: str, degrees: float, is_labels: bool
) -> Straightened:
    """Return the image on the smallest right-angled grid around it that keeps its rows, linear between voxels."""
    axes, origin = ijk_to_lps[:3, :3], ijk_to_lps[:3, 3]
    straight, upper = np.linalg.qr(axes)
    sign = np.sign(np.diag(upper))
    straight, spacing = straight * sign, np.abs(np.diag(upper))
    corners = np.array(list(product((0.0, 1.0), repeat=3))) * (np.array(array.shape[::-1]) - 1)
    along = (corners @ axes.T) @ straight  # mm along the straight axes
    low = np.floor(along.min(axis=0) / spacing + 1e-6)
    size = np.ceil(along.max(axis=0) / spacing - 1e-6) - low + 1
    if np.prod(size) > MAX_GROWTH * array.size:
        raise InputError(
            f"'{name}' has axes so far off right angles that {np.prod(size) / array.size:.0f} times its voxels would "
            "be needed: resample it to a right-angled grid."
        )
    matrix = np.eye(4)
    matrix[:3, :3] = straight * spacing
    matrix[:3, 3] = origin + straight @ (low * spacing)
    to_index = np.linalg.inv(axes)
    transform = sitk.AffineTransform(3)
    transform.SetMatrix((to_index @ matrix[:3, :3]).ravel().tolist())
    transform.SetTranslation((to_index @ (matrix[:3, 3] - origin)).tolist())
    image = sitk.GetImageFromArray(array.astype(np.float32))  # its physical space is its index space
    grid = [int(count) for count in size]
    between = sitk.sitkNearestNeighbor if is_labels else sitk.sitkLinear
    result = sitk.Resample(image, grid, transform, between, (0.0,) * 3, (1.0,) * 3, np.eye(3).ravel().tolist(), fill)
    off = f"({degrees:.2g} degrees off)"
    note = f"The image axes were not at right angles {off}: it was resampled onto a right-angled grid."
    resampled = sitk.GetArrayFromImage(result)  # float: ITK would cut fractions off instead of rounding
    if np.issubdtype(array.dtype, np.integer):
        resampled = np.rint(resampled).astype(array.dtype)
    _fill_outside(resampled, to_index @ matrix[:3, :3], to_index @ (matrix[:3, 3] - origin), array.shape, fill)
    return Straightened(resampled, matrix, (note,))


def _fill_outside(
    resampled: np.ndarray, step: np.ndarray, start: np.ndarray, shape_kji: tuple[int, ...], fill: float
) -> None:
    """Set what lies beyond the outermost voxel centres of the sheared image; ITK repeats these for half a voxel."""
    j, i = np.ogrid[: resampled.shape[1], : resampled.shape[2]]
    for k, plane in enumerate(resampled):
        for axis, last in enumerate(np.array(shape_kji[::-1]) - 1):
            index = start[axis] + step[axis, 0] * i + step[axis, 1] * j + step[axis, 2] * k
            plane[(index < -ON_EDGE) | (index > last + ON_EDGE)] = fill
