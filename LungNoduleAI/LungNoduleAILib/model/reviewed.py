"""Findings with their outlines in one JSON, as a reader left them: how a review is handed to a later run.

The content of findings.json, with the outline of each finding (voxels of the CT in LPS order, see mask_text) and the
grid they lie on beside. ``ReviewedScan`` says which scan of a follow-up a saved review belongs to.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.mask_text import mask_from_dict, mask_to_dict
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.options import Options, option

OUTLINES, CT_GRID = "outlines", "ct"
SAME_GRID_MM = 0.01


@dataclass(frozen=True)
class ReviewedScan(Options):
    """A scan of a follow-up by its number, the oldest is 1, and what a reader said of it earlier."""

    scan: int = option(at_least=1)
    review: Path = option()


def reviewed_to_dict(findings: Findings, volume: Volume) -> dict[str, Any]:
    """Return findings whose masks are on ``volume`` (LPS order) as JSON."""
    outlines = {one.id: mask_to_dict(one.mask) for one in findings.findings if one.mask is not None}
    grid = {"shape_kji": list(volume.array.shape), "ijk_to_ras": volume.ijk_to_ras.tolist()}
    return {**findings.to_dict(), OUTLINES: outlines, CT_GRID: grid}


def reviewed_from_dict(entry: dict[str, Any], volume: Volume) -> Findings:
    """Return the findings with masks on ``volume`` (LPS order).

    Raises ValueError for another content, InputError when they are of a CT with other voxels.
    """
    if not isinstance(entry, dict):
        raise ValueError("it is no review")
    outlines, grid = entry.get(OUTLINES), entry.get(CT_GRID)
    if not isinstance(outlines, dict) or not isinstance(grid, dict):
        raise ValueError("there are no outlines in it")
    if not fits(volume, tuple(grid["shape_kji"]), np.array(grid["ijk_to_ras"], dtype=float)):
        raise InputError("The review is of a CT with other voxels: give the review of the same series.")
    found = Findings.from_dict(entry)
    rows = (
        replace(one, mask=mask_from_dict(outlines[one.id])) if one.id in outlines else one for one in found.findings
    )
    return replace(found, findings=tuple(rows))


def fits(volume: Volume, shape_kji: tuple[int, ...], ijk_to_ras: np.ndarray) -> bool:
    """Whether a grid is that of ``volume``: as many voxels, all corners within a hundredth of a millimetre."""
    if tuple(shape_kji) != volume.array.shape or ijk_to_ras.shape != (4, 4):
        return False
    return bool(np.abs(_corners(ijk_to_ras, shape_kji) - _corners(volume.ijk_to_ras, shape_kji)).max() <= SAME_GRID_MM)


def _corners(ijk_to_ras: np.ndarray, shape_kji: tuple[int, ...]) -> np.ndarray:
    """Return the first voxel and the last along each axis, RAS mm."""
    ends = np.diag([float(n - 1) for n in reversed(shape_kji)])
    ijk = np.vstack([np.zeros(3), ends])
    return ijk @ ijk_to_ras[:3, :3].T + ijk_to_ras[:3, 3]
