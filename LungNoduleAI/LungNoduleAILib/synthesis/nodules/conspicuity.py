"""How far a planted nodule stands out from what is around it in a finished image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CORE = 0.6  # of the radius: where the nodule's HU are taken
GAP_MM = 1.5
SHELL_MM = 6.0
MIN_VOXELS = 50


@dataclass(frozen=True)
class Conspicuity:
    """HU of a nodule's core above its surroundings and their own deviation; whether these are lung."""

    contrast_hu: float
    deviation_hu: float
    beside_lung: bool

    def at_least(self, hu: float, deviations: float) -> bool:
        """Whether the contrast reaches so many HU and so many deviations."""
        return self.contrast_hu >= max(hu, deviations * self.deviation_hu)


def conspicuity(
    hu: np.ndarray, lung: np.ndarray, center_kji: np.ndarray, diameter_mm: float, spacing_kji_mm: np.ndarray
) -> Conspicuity:
    """Of a nodule in ``hu`` (k, j, i) with ``lung`` (bool); with hardly any lung around it, against all that is there.

    The deviation is that above the median (50th to 84th percentile), where vessels and disease lie.
    """
    radius = diameter_mm / 2
    outer = radius + GAP_MM + max(SHELL_MM, radius)
    low = np.maximum(np.floor(center_kji - outer / spacing_kji_mm), 0).astype(int)
    high = np.minimum(np.ceil(center_kji + outer / spacing_kji_mm) + 1, hu.shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    squares = [
        ((np.arange(a, b) - at) * mm) ** 2 for a, b, at, mm in zip(low, high, center_kji, spacing_kji_mm, strict=True)
    ]
    distance = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])
    shell = (distance > radius + GAP_MM) & (distance < outer)
    around = shell & lung[box]
    beside_lung = int(around.sum()) >= MIN_VOXELS
    middle_hu, high_hu = np.percentile(hu[box][around if beside_lung else shell], (50, 84))
    core = distance <= max(CORE * radius, float(distance.min()))
    contrast = float(np.median(hu[box][core])) - middle_hu  # the median: a vessel beside it does not make it seen
    return Conspicuity(float(contrast), float(high_hu - middle_hu), beside_lung)
