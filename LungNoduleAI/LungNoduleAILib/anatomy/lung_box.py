"""The box of the lungs in a label image."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.protocol import AIRWAY


def lung_box(labels: np.ndarray, spacing_kji_mm: np.ndarray, margin_mm: float) -> tuple[slice, slice, slice] | None:
    """The box (k, j, i) of the lobes in ``labels`` with a margin, within the image; None when there are no lungs."""
    inside = (labels > 0) & (labels < AIRWAY)
    along = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if len(along[0]) == 0:
        return None
    margins = np.ceil(margin_mm / spacing_kji_mm).astype(int)
    return tuple(slice(max(0, int(a[0]) - m), min(n, int(a[-1]) + m + 1))
                 for a, m, n in zip(along, margins, labels.shape, strict=True))
