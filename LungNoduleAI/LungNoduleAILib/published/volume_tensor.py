"""A volume of the suite as MONAI's transforms want it, and back. PyTorch and MONAI at file scope."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Orientation, Spacing, SpatialResample

from ThoraxAILib.image.volume import Volume

AXES = (("L", "R"), ("P", "A"), ("I", "S"))
SLAB = 32  # voxels along the first axis that are interpolated at a time


def as_meta_tensor(volume: Volume) -> MetaTensor:
    """Return the volume as (1, i, j, k) in float32 with its matrix to RAS mm, as MONAI reads a NIfTI file."""
    array = np.ascontiguousarray(volume.array.transpose(2, 1, 0), dtype=np.float32)
    return MetaTensor(torch.from_numpy(array)[None], affine=torch.from_numpy(volume.ijk_to_ras.copy()))


def towards_ras(image: MetaTensor) -> MetaTensor:
    """Turn the axes towards right, anterior and superior, without interpolation."""
    return cast(MetaTensor, Orientation(axcodes="RAS", labels=AXES)(image))


def with_spacing(image: MetaTensor, spacing_mm: tuple[float, float, float]) -> MetaTensor:
    """Interpolate to another spacing as the bundles do (linear, edges repeated).

    Piece by piece along the first axis: MONAI lays out the place of every voxel in double precision, which for a whole
    CT takes more memory than all that follows.
    """
    asked = cast(MetaTensor, Spacing(pixdim=spacing_mm, mode="bilinear")(image, lazy=True))
    matrix, shape = asked.peek_pending_affine(), [int(n) for n in asked.peek_pending_shape()]
    asked.clear_pending_operations()
    resample = SpatialResample(mode="bilinear")
    whole = torch.empty((image.shape[0], *shape))
    for first in range(0, shape[0], SLAB):
        there = torch.eye(4, dtype=torch.float64)
        there[0, 3] = first
        size = (min(SLAB, shape[0] - first), *shape[1:])
        part = cast(MetaTensor, resample(image, dst_affine=matrix @ there, spatial_size=size))
        whole[:, first : first + size[0]] = part.as_tensor()
    return MetaTensor(whole, affine=matrix)
