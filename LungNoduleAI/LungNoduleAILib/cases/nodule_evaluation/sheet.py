"""One picture of graded nodules, the worst and some at random: ours red, two readers green, any reader cyan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.cases.nodule_evaluation.outlines import CENTER, NoduleScores
from ThoraxAILib.report import LUNG_WINDOW, Picture, contact_sheet, with_title

SHOWN_WORST, SHOWN_RANDOM, COLUMNS = 12, 20, 8
CELL_PIXELS, CELL_MARGIN = 168, 10
NO_PLACE = np.eye(4)[:3]  # positions in a sheet are of no use
OURS, AGREED, ANY = (235, 60, 50), (70, 200, 90), (60, 190, 210)


def draw_sheet(rows: Sequence[NoduleScores], seed: int, way: str = CENTER) -> np.ndarray:
    """RGB pixels: the nodules with the lowest Dice first, then some at random, each on its largest slice."""
    order = sorted(rows, key=lambda row: row.dice[way])
    worst, rest = order[:SHOWN_WORST], order[SHOWN_WORST:]
    picked = np.random.default_rng(seed).permutation(len(rest))[:SHOWN_RANDOM]
    return contact_sheet([_picture(row, way) for row in [*worst, *(rest[int(n)] for n in sorted(picked))]], COLUMNS)


def _picture(row: NoduleScores, way: str) -> Picture:
    masks = {name: row.masks[name] for name in (way, "consensus", "union", "hu")}
    k = int(np.argmax(masks["consensus"].sum(axis=(1, 2))))
    seen = masks["union"][k] | masks[way][k]
    middle = np.argwhere(masks["consensus"][k]).mean(axis=0)
    half = max(CELL_MARGIN + int(np.abs(np.argwhere(seen) - middle).max()), 12)
    low = np.clip(np.rint(middle).astype(int) - half, 0, None)
    box = tuple(slice(int(a), int(a) + 2 * half + 1) for a in low)
    factor = max(1, CELL_PIXELS // (2 * half + 1))
    pixels = np.repeat(_larger(LUNG_WINDOW.gray(masks["hu"][k][box]), factor)[..., None], 3, axis=2)
    for name, color in (("union", ANY), ("consensus", AGREED), (way, OURS)):
        large = _larger(masks[name][k][box], factor)
        pixels[large & ~ndi.binary_erosion(large)] = color
    title = f"{row.dice[way]:.2f}  {row.diameter_mm:.0f} mm"
    return with_title(Picture(pixels, NO_PLACE, 1.0 / factor), title)


def _larger(plane: np.ndarray, factor: int) -> np.ndarray:
    return np.repeat(np.repeat(plane, factor, axis=0), factor, axis=1)
