"""A border shifted and tilted as a whole to where few vessels cross it and a bright sheet is seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.anatomy.fissures.border import CELL_MM, Border
from LungNoduleAILib.anatomy.fissures.evidence import LEVELS_MM, REACH_MM, STEP_MM, Evidence

TILTS = np.tan(np.radians(np.arange(-25, 26, 5)))
SHIFTS_MM = np.arange(-24, 24.1, 1.5)
USUAL_SHIFT_MM, USUAL_TILT = 15.0, 0.3
SHEET_WEIGHT, VESSEL_WEIGHT, UNUSUAL_WEIGHT = 0.3, 0.1, 0.03
LEAST_SHARE = 0.5  # of the border that has to lie inside the lung
FREE_OF_VESSELS = 0.6  # of the mean density of vessels around, below which a place is a band without vessels
SEEN = 0.25  # of a sheet, from which a piece of border lies on it
SEEN_SHARE = 0.3  # of a border, from which its sheet alone tells where it is
TOUCHING_MM = 1.5


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a border was put: ``moved`` whether the CT shows a fissure there, else it is where it was.

    ``vessel_density`` is that along the border, relative to the mean around it; ``seen_share`` of the border lies on a
    bright sheet that the CT shows.
    """

    border: Border
    moved: bool
    vessel_density: float
    seen_share: float


def place(border: Border, evidence: Evidence) -> Placement:
    """Return the border where vessels avoid it most, or where it was when no band and no sheet is there."""
    cells = tuple(along[::2] for along in np.nonzero(border.reached))
    still = np.zeros_like(border.height_mm)
    shift = _best_shift(border, evidence, (cells[0], cells[1]))
    density, seen = _looks(border, evidence, shift)
    if density <= FREE_OF_VESSELS or seen >= SEEN_SHARE:
        return Placement(replace(border, height_mm=border.height_mm + shift), True, density, seen)
    return Placement(border, False, *_looks(border, evidence, still))


def _best_shift(border: Border, evidence: Evidence, cells: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Return the heights (u, v) by which the best of all shifts and tilts moves a border."""
    score = SHEET_WEIGHT * ndi.gaussian_filter1d(evidence.sheet, 1.0, axis=2) - VESSEL_WEIGHT * evidence.vessels
    middle = [float((along * CELL_MM).mean()) if len(along) else 0.0 for along in cells]
    u, v = (along * CELL_MM - at for along, at in zip(cells, middle, strict=True))
    best, pose = -np.inf, (0.0, 0.0, 0.0)
    for tilt_u in TILTS:
        for tilt_v in TILTS:
            mean, share = _mean_at(score, evidence.inside, cells, SHIFTS_MM[:, None] + (tilt_u * u + tilt_v * v))
            unusual = (SHIFTS_MM / USUAL_SHIFT_MM) ** 2 + (tilt_u / USUAL_TILT) ** 2 + (tilt_v / USUAL_TILT) ** 2
            value = np.where(share >= LEAST_SHARE, mean - UNUSUAL_WEIGHT * unusual, -np.inf)
            number = int(np.argmax(value))
            if value[number] > best:
                best, pose = float(value[number]), (float(SHIFTS_MM[number]), float(tilt_u), float(tilt_v))
    all_u, all_v = np.indices(border.height_mm.shape) * CELL_MM
    return pose[0] + pose[1] * (all_u - middle[0]) + pose[2] * (all_v - middle[1])


def _mean_at(
    score: np.ndarray, inside: np.ndarray, cells: tuple[np.ndarray, np.ndarray], heights_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean score over the cells at each row of heights (poses, cells), and the share of them that was inside."""
    levels = np.rint((heights_mm + REACH_MM) / STEP_MM).astype(int)
    held = np.clip(levels, 0, len(LEVELS_MM) - 1)
    u, v = cells
    counted = inside[u, v, held] & (levels == held)
    count = counted.sum(axis=1)
    return (score[u, v, held] * counted).sum(axis=1) / np.maximum(count, 1), count / max(len(u), 1)


def _looks(border: Border, evidence: Evidence, shift_mm: np.ndarray) -> tuple[float, float]:
    """Density of vessels along a border moved by ``shift_mm`` (u, v), and the share of it on a bright sheet."""
    u, v = np.nonzero(border.reached)
    level = np.clip(np.rint((shift_mm[u, v] + REACH_MM) / STEP_MM).astype(int), 0, len(LEVELS_MM) - 1)
    counted = evidence.inside[u, v, level]
    if not counted.any():
        return 1.0, 0.0
    near = ndi.maximum_filter1d(evidence.sheet, 2 * round(TOUCHING_MM / STEP_MM) + 1, axis=2)
    density = float(evidence.vessels[u, v, level][counted].mean())
    return density, float((near[u, v, level] >= SEEN).mean())
