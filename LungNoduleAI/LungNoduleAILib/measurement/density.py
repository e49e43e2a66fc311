"""Solid, part-solid, ground-glass or calcified: what a nodule is made of, and its mass.

Calcified is a rule on HU; the other three are told as readers tell them (``judgement``), from voxels that blur leaves
as they are.

Mass = volume x (mean HU + 1000) / 1000 mg, from the linear relation of HU and physical density (de Hoop et al.,
Radiology 255:199, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.measurement.appearance import appearance
from LungNoduleAILib.measurement.judgement import load_judgement

SOLID_HU = -300.0  # ground glass lets vessels show through; above this it does not
CALCIFIED_HU = 200.0
MIN_SOLID_MM3 = 12.0


@dataclass(frozen=True)
class Density:
    """``type`` as in findings.NODULE_TYPES; mean HU of all voxels; volume of the solid part in mm3 when part-solid."""

    type: str
    mean_hu: float
    solid_volume_mm3: float | None


def classify_density(
    hu: np.ndarray, mask: np.ndarray, spacing_kji_mm: np.ndarray, looks: dict[str, float] | None = None
) -> Density:
    """Density type of a nodule given its HU patch and mask (k, j, i), and its ``appearance`` if that was taken."""
    import scipy.ndimage as ndi

    values = hu[mask]
    voxel = float(np.prod(spacing_kji_mm))
    inner = ndi.binary_erosion(mask)
    core = hu[inner] if inner.sum() >= 8 else values
    solid_mm3 = float((values > SOLID_HU).sum()) * voxel
    mean_hu = float(values.mean())
    if float((core > CALCIFIED_HU).mean()) > 0.5:
        return Density("calcified", mean_hu, None)
    kind = load_judgement().type_of(looks or appearance(hu, mask, None, spacing_kji_mm))
    if kind == "part-solid" and solid_mm3 > MIN_SOLID_MM3:
        return Density(kind, mean_hu, solid_mm3)
    return Density("solid" if kind == "solid" else "ground-glass", mean_hu, None)


def mass_mg(volume_mm3: float, mean_hu: float) -> float:
    """Mass in mg of a nodule of this volume and mean HU."""
    return max(volume_mm3 * (mean_hu + 1000.0) / 1000.0, 0.0)
