"""The geometry of SimpleITK images, which is LPS, from and to what is placed in RAS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.image.lps import ijk_to_ras_from_lps

if TYPE_CHECKING:
    import SimpleITK as sitk

    from ThoraxAILib.image.placed import Placed


def ijk_to_lps_of(image: sitk.Image) -> np.ndarray:
    """Return 4x4 matrix from IJK to LPS mm of an ITK image; of one with more axes (frames), that of its first three."""
    axes = image.GetDimension()
    matrix = np.eye(4)
    directions = np.array(image.GetDirection()).reshape(axes, axes)[:3, :3]
    matrix[:3, :3] = directions * np.array(image.GetSpacing())[:3]
    matrix[:3, 3] = np.array(image.GetOrigin())[:3]
    return matrix


def placed_image(image: sitk.Image, place: Placed) -> sitk.Image:
    """Return the same image with spacing, origin and direction of a volume or grid (changed in place)."""
    lps, spacing = ijk_to_ras_from_lps(place.ijk_to_ras), place.spacing_ijk_mm
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image
