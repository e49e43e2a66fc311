"""From lung air to whole lungs: vessels, hilum and juxtapleural nodules belong to the lung, the heart does not."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.work_image import WorkImage
from ThoraxAILib.image.boxes import mask_box

CLOSING_MM = 12.0


def fill_lungs(work: WorkImage, sides: np.ndarray, airways: np.ndarray, closing_mm: float = CLOSING_MM) -> np.ndarray:
    """Sides (uint8, work grid) with each lung closed by a ball and its holes filled; airways stay outside."""
    filled = sides.copy()
    for side in (1, 2):
        lung = sides == side
        if lung.any():
            whole = _close_and_fill(lung, work.spacing_kji_mm, closing_mm)
            filled[whole & (filled == 0) & ~airways] = side
    return filled


def _close_and_fill(lung: np.ndarray, spacing_kji_mm: np.ndarray, radius_mm: float) -> np.ndarray:
    """Return closing by a ball through two distance transforms, on the lung's own box, then hole filling."""
    import cc3d
    import edt

    spacing = tuple(float(s) for s in spacing_kji_mm)
    margin = [int(np.ceil(radius_mm / s)) + 2 for s in spacing]
    box = mask_box(lung)
    padded = np.pad(lung[box], [(margin[0],) * 2, (margin[1],) * 2, (margin[2],) * 2])
    dilated = edt.edt(~padded, anisotropy=spacing) <= radius_mm
    closed = (edt.edt(dilated, anisotropy=spacing) > radius_mm) | padded
    background = cc3d.connected_components(~closed, connectivity=6)
    closed |= background != background[0, 0, 0]
    inner = tuple(slice(m, n - m) for m, n in zip(margin, padded.shape, strict=True))
    whole = np.zeros_like(lung)
    whole[box] = closed[inner]
    return whole
