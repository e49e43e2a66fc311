"""How sure the lobe of a place is: the further from the border of the lobes, the surer.

Borders are placed by a network or by planes and may lie beside the fissure. How far beside they lie was measured on
synthetic bodies of the training setting (``Testing/benchmarks/lung_lobe_confidence.py``).
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import LEFT_LUNG_LABELS, LOBE_OF_LABEL, RIGHT_LUNG_LABELS, Anatomy
from ThoraxAILib.image.volume import Volume

FAR_MM = 40.0  # further away nothing changes any more
ERROR_MM = 8.0  # in which the chance of the wrong lobe falls to a third; 6.5 fits best, real fissures vary more
AT_BORDER = 0.5
STEP_MM = 1.5


def lobe_confidence(
    volume: Volume, anatomy: Anatomy, center_ras_mm: tuple[float, float, float], lobe: str | None
) -> float | None:
    """Return the chance (0.5 to 1) that a point of a CT in LPS order lies in a lobe; None for no lobe."""
    if lobe is None:
        return None
    label = next(number for number, name in LOBE_OF_LABEL.items() if name == lobe)
    center = volume.kji_from_ras(np.array(center_ras_mm))
    return round(confidence_at(to_other_lobe_mm(volume, anatomy, center, label)), 2)


def confidence_at(gap_mm: float) -> float:
    """Return the chance that the lobe is right at a distance from the border of the lobes."""
    return float(1 - (1 - AT_BORDER) * np.exp(-gap_mm / ERROR_MM))


def to_other_lobe_mm(volume: Volume, anatomy: Anatomy, center_kji: np.ndarray, label: int) -> float:
    """Return how far another lobe of the same lung is, FAR_MM at most."""
    side = LEFT_LUNG_LABELS if label in LEFT_LUNG_LABELS else RIGHT_LUNG_LABELS
    spacing = volume.spacing_kji_mm
    half = FAR_MM / spacing
    low = np.maximum(np.floor(center_kji - half), 0).astype(int)
    high = np.minimum(np.ceil(center_kji + half) + 1, anatomy.labels.shape).astype(int)
    step = np.maximum(1, np.floor(STEP_MM / spacing)).astype(int)
    box = tuple(slice(a, b, s) for a, b, s in zip(low, high, step, strict=True))
    labels = anatomy.labels[box]
    other = np.argwhere(np.isin(labels, [n for n in side if n != label]))
    if not len(other):
        return FAR_MM
    away = (other * step + low - center_kji) * spacing
    return float(min(np.sqrt((away**2).sum(axis=1).min()), FAR_MM))
