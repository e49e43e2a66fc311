"""One pass of a trained cascade over a pair of images. PyTorch at file scope."""

from __future__ import annotations

import time

import torch
from torch import Tensor
from torch.nn import functional

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.threads import torch_threads
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import check_image, check_same_grid, normalized
from ThoraxAILib.registration.result import Registration


def predict(
    cascade: Cascade,
    fixed: Volume,
    moving: Volume,
    progress: Progress | None = None,
    threads: int | None = None,
    device: str = "cpu",
) -> Registration:
    """Return the field on the fixed grid; rows and columns are resampled to the voxel size the cascade was trained at.

    ``device`` is "cpu" or "cuda"; the cascade is moved there.
    """
    progress = progress or Progress()
    check_image(fixed, "fixed image")
    check_image(moving, "moving image")
    check_same_grid(fixed, "fixed image", moving, "moving image")
    started = time.perf_counter()
    progress(0.0, "Registering")
    grid = Grid.of(fixed)
    size = _trained_size(grid, cascade.settings.in_plane_mm)
    spacing = [
        float(step) * (n - 1) / max(m - 1, 1)
        for step, n, m in zip(grid.spacing_kji_mm, grid.shape_kji, size, strict=True)
    ]
    with torch_threads(threads), torch.inference_mode():
        images = [
            _resized(torch.from_numpy(normalized(volume.array))[None].to(device), size) for volume in (fixed, moving)
        ]
        total, increments = cascade.to(device)(*images, spacing)
        fields = [Field.from_axes(_resized(part, grid.shape_kji).cpu().numpy(), grid) for part in (total, *increments)]
    progress(1.0, "Registered")
    return Registration(fields[0], tuple(fields[1:]), float("nan"), float("nan"), time.perf_counter() - started)


def _trained_size(grid: Grid, in_plane_mm: float) -> tuple[int, int, int]:
    """Rows and columns that bring voxels to the size of the training, unless they are within 5 % of it."""
    slices, *in_plane = grid.shape_kji
    factors = [float(step) / in_plane_mm for step in grid.spacing_kji_mm[1:]]
    rows, columns = (
        n if abs(factor - 1.0) < 0.05 else max(2, round(n * factor))
        for n, factor in zip(in_plane, factors, strict=True)
    )
    return slices, rows, columns


def _resized(images: Tensor, size: tuple[int, int, int]) -> Tensor:
    """Linear interpolation of (C, k, j, i) to another number of voxels between the same outer centers."""
    if tuple(images.shape[1:]) == tuple(size):
        return images
    return functional.interpolate(images[None], size=size, mode="trilinear", align_corners=True)[0]
