"""Points followed through a cine of one slice: each frame registered with the first, from the field before it.

SimpleITK's diffeomorphic Demons on a crop around the points, coarse to fine; a point of the first frame at x is at
x + u(x) in another one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import map_coordinates

from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

MARGIN_MM = 30.0
LEVELS = ((4, 40), (2, 30), (1, 15))  # shrink factor, iterations
SMOOTH_VOXELS = 1.5


def follow(frames: Sequence[Volume], points_ras_mm: np.ndarray, start: int, progress: Progress) -> np.ndarray:
    """Return points (frames, n, 3) in RAS mm; they are given (n, 3) in frame ``start`` and stay in the plane."""
    import SimpleITK as sitk

    first = frames[start]
    places = first.kji_from_ras(points_ras_mm)[:, 1:]
    spacing = first.spacing_kji_mm[1:]
    low = np.maximum(np.floor(places.min(0) - MARGIN_MM / spacing).astype(int), 0)
    high = np.minimum(np.ceil(places.max(0) + MARGIN_MM / spacing).astype(int) + 1, first.array.shape[1:])
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    images = [sitk.GetImageFromArray(frame.array[0][box].astype(np.float32)) for frame in frames]
    for image in images:
        image.SetSpacing([float(spacing[1]), float(spacing[0])])
    moved = np.zeros((len(frames), *places.shape))
    count = len(frames)
    for sign in (1, -1):  # both ways round, so that no chain is longer than half a cycle
        field = None
        for step in range(1, count // 2 + 1 if sign == 1 else (count - 1) // 2 + 1):
            index = (start + sign * step) % count
            progress(step / count * 0.5 + (0.5 if sign < 0 else 0.0), "Following the long-axis view")
            field = _registered(sitk, images[start], images[index], field)
            moved[index] = _displaced(sitk.GetArrayFromImage(field), places - low, spacing)
    tracked = places[None] + moved
    flat = np.concatenate([np.zeros((*tracked.shape[:2], 1)), tracked], -1)
    return np.stack([first.ras_from_kji(frame) for frame in flat])


def _registered(sitk, fixed, moving, initial):
    """Return the field (mm) from fixed to moving; the coarsest level begins with ``initial``."""
    matcher = sitk.HistogramMatchingImageFilter()
    moving = matcher.Execute(moving, fixed)
    field = initial
    for shrink, iterations in LEVELS:
        small = [sitk.Shrink(sitk.SmoothingRecursiveGaussian(i, 0.5 * shrink), [shrink] * 2) for i in (fixed, moving)]
        demons = sitk.DiffeomorphicDemonsRegistrationFilter()
        demons.SetNumberOfIterations(iterations)
        demons.SetStandardDeviations(SMOOTH_VOXELS)
        demons.SetNumberOfThreads(1)
        if field is None:
            field = demons.Execute(*small)
        else:
            start = sitk.Resample(field, small[0], sitk.Transform(), sitk.sitkLinear, 0.0, field.GetPixelID())
            field = demons.Execute(*small, start)
    return sitk.Resample(field, fixed, sitk.Transform(), sitk.sitkLinear, 0.0, field.GetPixelID())


def _displaced(field: np.ndarray, places: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Displacement (n, 2) in pixels along rows and columns of an (x, y) field in mm."""
    across, down = (map_coordinates(field[..., axis], places.T, order=1, mode="nearest") for axis in (0, 1))
    return np.column_stack([down / spacing[0], across / spacing[1]])
