"""Which planted nodules can be seen at all: their HU against the lung around them in the finished CT.

A lesion is called seen from a contrast of two standard deviations of its surroundings on, and of 100 HU, below which
readers' thresholds for ground glass lie. What is not seen is left out of a score as LUNA16 leaves out what too few
readers marked: it is neither to be found, nor a false positive when it is.
"""

from __future__ import annotations

import numpy as np
from LungNoduleAILib.phantom.nodules import PlantedNodule
from LungNoduleAILib.phantom.thorax import ThoraxPhantom

CORE = 0.6  # of the radius: where the nodule's HU are taken
GAP_MM = 1.5
SHELL_MM = 6.0
LEAST_HU, LEAST_DEVIATIONS = 100.0, 2.0


def stands_out(phantom: ThoraxPhantom, nodule: PlantedNodule) -> bool:
    """Whether a nodule differs from the lung around it by more than the lung does from itself."""
    volume, radius = phantom.volume, nodule.diameter_mm / 2
    spacing = volume.spacing_kji_mm
    middle = volume.kji_from_ras(np.array(nodule.center_ras_mm))
    outer = radius + GAP_MM + max(SHELL_MM, radius)
    low = np.maximum(np.floor(middle - outer / spacing), 0).astype(int)
    high = np.minimum(np.ceil(middle + outer / spacing) + 1, volume.array.shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    squares = [((np.arange(a, b) - m) * s) ** 2 for a, b, m, s in zip(low, high, middle, spacing, strict=True)]
    distance = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])
    hu, labels = volume.array[box].astype(float), phantom.labels[box]
    core = distance <= max(CORE * radius, float(distance.min()))
    around = (distance > radius + GAP_MM) & (distance < outer) & (labels > 0) & (labels < 6)
    if around.sum() < 50:
        return True
    middle_hu, high_hu = np.percentile(hu[around], (50, 84))
    contrast = float(np.median(hu[core]) - middle_hu)  # the median: a vessel beside it does not make it seen
    return contrast >= max(LEAST_HU, LEAST_DEVIATIONS * float(high_hu - middle_hu))
