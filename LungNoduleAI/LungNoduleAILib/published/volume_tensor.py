"""A volume of the suite as MONAI's transforms want it, and back. PyTorch and MONAI at file scope."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Orientation, Spacing

from ThoraxAILib.image.volume import Volume

AXES = (("L", "R"), ("P", "A"), ("I", "S"))


def as_meta_tensor(volume: Volume) -> MetaTensor:
    """Return the volume as (1, i, j, k) in float32 with its matrix to RAS mm, as MONAI reads a NIfTI file."""
    array = np.ascontiguousarray(volume.array.transpose(2, 1, 0), dtype=np.float32)
    return MetaTensor(torch.from_numpy(array)[None], affine=torch.from_numpy(volume.ijk_to_ras.copy()))


def towards_ras(image: MetaTensor) -> MetaTensor:
    """Turn the axes towards right, anterior and superior, without interpolation."""
    return cast(MetaTensor, Orientation(axcodes="RAS", labels=AXES)(image))


def with_spacing(image: MetaTensor, spacing_mm: tuple[float, float, float]) -> MetaTensor:
    """Interpolate to another spacing as the bundles do (linear, edges repeated)."""
    return cast(MetaTensor, Spacing(pixdim=spacing_mm, mode="bilinear")(image))
