"""Masks grown and shrunk by a length in mm: distances are computed where they can matter, in the box of the mask."""

from __future__ import annotations

import numpy as np

from ThoraxAILib.image.boxes import mask_box, whole_voxels


def within_mm(mask: np.ndarray, spacing_kji_mm: np.ndarray, reach_mm: float) -> np.ndarray:
    """Return where a mask (bool, k, j, i) is no further than ``reach_mm`` away, centre to centre; as its shape."""
    import edt

    grown = np.zeros(mask.shape, bool)
    box = mask_box(mask, whole_voxels(reach_mm, spacing_kji_mm) + 1)
    if box is not None:
        grown[box] = edt.edt(~mask[box], anisotropy=_three(spacing_kji_mm)) <= reach_mm
    return grown


def deeper_mm(mask: np.ndarray, spacing_kji_mm: np.ndarray, depth_mm: float) -> np.ndarray:
    """Return where a mask (bool, k, j, i) is left further than ``depth_mm``, centre to centre; as its shape.

    What lies outside the array counts as inside the mask. The nearest voxel outside a mask lies in its box and the
    voxels around it, so that no other is looked at.
    """
    import edt

    shrunk = np.zeros(mask.shape, bool)
    box = mask_box(mask, 1)
    if box is not None:
        shrunk[box] = edt.edt(mask[box], anisotropy=_three(spacing_kji_mm)) > depth_mm
    return shrunk


def _three(spacing_kji_mm: np.ndarray) -> tuple[float, float, float]:
    k, j, i = (float(mm) for mm in spacing_kji_mm)
    return k, j, i
