"""One pass of a trained cascade over a pair of images. PyTorch at file scope."""

from __future__ import annotations

import time

import numpy as np
import torch
from scipy.ndimage import zoom

from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.grid import Grid
from ThoraxAILib.registration.inputs import check_image, check_same_grid, normalized
from ThoraxAILib.registration.result import Registration
from ThoraxAILib.registration.threads import torch_threads
from ThoraxAILib.volume import Volume


def predict(cascade: Cascade, fixed: Volume, moving: Volume, progress: Progress | None = None,
            threads: int | None = None) -> Registration:
    """The field on the fixed grid; rows and columns are resampled to the voxel size the cascade was trained at."""
    progress = progress or Progress()
    check_image(fixed, "fixed image")
    check_image(moving, "moving image")
    check_same_grid(fixed, "fixed image", moving, "moving image")
    started = time.perf_counter()
    progress(0.0, "Registering")
    grid = Grid.of(fixed)
    factors = [1.0, *(float(step) / cascade.settings.in_plane_mm for step in grid.spacing_kji_mm[1:])]
    images = [_resampled(normalized(volume.array), factors) for volume in (fixed, moving)]
    spacing = [float(step) * (n - 1) / max(m - 1, 1) for step, n, m in
               zip(grid.spacing_kji_mm, grid.shape_kji, images[0].shape, strict=True)]
    with torch_threads(threads), torch.inference_mode():
        total, increments = cascade(*(torch.from_numpy(image)[None] for image in images), spacing)
    fields = tuple(_field(increment.numpy(), grid) for increment in increments)
    progress(1.0, "Registered")
    return Registration(_field(total.numpy(), grid), fields, float("nan"), float("nan"), time.perf_counter() - started)


def _resampled(image: np.ndarray, factors: list[float]) -> np.ndarray:
    if all(abs(factor - 1.0) < 0.05 for factor in factors):
        return image
    return np.ascontiguousarray(zoom(image, factors, order=1, mode="nearest", grid_mode=False), dtype=np.float32)


def _field(components: np.ndarray, grid: Grid) -> Field:
    if components.shape[1:] != grid.shape_kji:
        factors = [new / old for new, old in zip(grid.shape_kji, components.shape[1:], strict=True)]
        components = np.stack([zoom(part, factors, order=1, mode="nearest", grid_mode=False) for part in components])
    return Field.from_axes(components, grid)
