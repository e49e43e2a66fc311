"""What the network sees of a place: a cube of 60 mm at 1.25 mm in LPS order, and where it lies in the lungs."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ThoraxAILib.image.volume import Volume

PATCH_MM, PATCH_VOXELS = 1.25, 48
FINE_VOXELS = 32  # the network's close look; its wide look is the whole cube at 2.5 mm
LPS_AXES_RAS = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])  # rows: k superior, j posterior, i left
LOW_HU, HIGH_HU = -1000.0, 400.0


def cut_patches(volume: Volume, centers_ras_mm: np.ndarray) -> np.ndarray:
    """Cubes (n, 48, 48, 48) float32 HU around RAS places; beyond the image its border is continued.

    Voxels finer than the cube's are averaged by a Gaussian first, so that the noise of thin slices does not alias.
    """
    offsets = (np.arange(PATCH_VOXELS) - (PATCH_VOXELS - 1) / 2) * PATCH_MM
    k, j, i = (offsets.reshape([-1 if a == axis else 1 for a in range(3)])[..., None] for axis in range(3))
    around = k * LPS_AXES_RAS[0] + j * LPS_AXES_RAS[1] + i * LPS_AXES_RAS[2]
    return np.array(
        [_sampled(volume, around + center) for center in np.asarray(centers_ras_mm).reshape(-1, 3)], dtype=np.float32
    ).reshape(-1, *(PATCH_VOXELS,) * 3)


def _sampled(volume: Volume, places_ras_mm: np.ndarray) -> np.ndarray:
    index = volume.kji_from_ras(places_ras_mm)
    last = np.array(volume.array.shape) - 1
    low = np.clip(np.floor(index.min(axis=(0, 1, 2))).astype(int) - 3, 0, last)
    high = np.clip(np.ceil(index.max(axis=(0, 1, 2))).astype(int) + 3, low, last) + 1
    box = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    sigma = 0.42 * np.sqrt(np.maximum(PATCH_MM**2 - volume.spacing_kji_mm**2, 0.0)) / volume.spacing_kji_mm
    box = ndimage.gaussian_filter(np.maximum(box, LOW_HU), sigma, truncate=3.0)
    return ndimage.map_coordinates(box, np.moveaxis(index - low, -1, 0), order=1, mode="nearest", output=np.float32)


def normalized_hu(patches: np.ndarray) -> np.ndarray:
    """HU clipped to -1000..400 and brought to about -1..2, float32."""
    return ((np.clip(patches, LOW_HU, HIGH_HU) + 600.0) / 500.0).astype(np.float32)
