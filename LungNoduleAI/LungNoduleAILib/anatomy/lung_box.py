"""The box of the lungs in a label image."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY
from ThoraxAILib.image.boxes import Box, mask_box, whole_voxels


def lung_box(labels: np.ndarray, spacing_kji_mm: np.ndarray, margin_mm: float) -> Box | None:
    """Return box (k, j, i) of the lobes in ``labels`` with a margin, within the image; None when there are no lungs."""
    return mask_box((labels > 0) & (labels < AIRWAY), whole_voxels(margin_mm, spacing_kji_mm))
