"""The anatomy segmenter that needs no weights: enclosed air, airways out, sides, filling, approximate lobes."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.airways import find_airways
from LungNoduleAILib.anatomy.filling import fill_lungs
from LungNoduleAILib.anatomy.lobes import label_lobes
from LungNoduleAILib.anatomy.lung_air import find_lung_air
from LungNoduleAILib.anatomy.protocol import AIRWAY, Anatomy
from LungNoduleAILib.anatomy.quality import judge
from LungNoduleAILib.anatomy.sides import middle_of_body, split_sides
from LungNoduleAILib.anatomy.work_grid import WorkGrid, make_work_grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.volume import Volume

MARGIN_MM = 20.0


class ClassicalSegmenter:
    """Lungs, approximate lobes and large airways by thresholds and morphology on about 1.8 mm."""

    name = "classical"

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        progress(0.0, "Finding the lungs")
        grid = make_work_grid(volume.array, volume.spacing_kji_mm)
        air = find_lung_air(grid)
        box = _box_around(air.mask, grid.spacing_kji_mm)
        part, part_air = grid.part(box), np.ascontiguousarray(air.mask[box])
        progress(0.3, "Finding trachea and bronchi")
        airways = find_airways(part, part_air)
        progress(0.5, "Telling right from left")
        i_of_x_zero = float(volume.kji_from_ras(np.zeros(3))[2]) / grid.factors_kji[2] - box[2].start
        middle, certain_middle = middle_of_body(part, airways, i_of_x_zero)
        sides = split_sides(part, part_air, airways, middle)
        filled = fill_lungs(part, sides.labels, airways)
        progress(0.7, "Placing the lobes")
        lobes = label_lobes(part, filled)
        quality = judge(grid, air, filled, sides.certain or certain_middle)
        progress(0.85, "Drawing the lungs on the CT")
        labels = _on_full_grid(grid, box, lobes, airways)
        progress(1.0, "Lungs found")
        return Anatomy(labels, quality, lobes_approximate=True)


def _box_around(mask: np.ndarray, spacing_kji_mm: np.ndarray) -> tuple[slice, slice, slice]:
    """All slices, in-plane the box around a mask with its margin; everything when the mask is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=(0, 2))), np.flatnonzero(mask.any(axis=(0, 1)))
    if len(rows) == 0:
        return (slice(0, mask.shape[0]), slice(0, mask.shape[1]), slice(0, mask.shape[2]))
    margin = np.ceil(MARGIN_MM / spacing_kji_mm).astype(int)
    return (slice(0, mask.shape[0]),
            slice(max(0, int(rows[0]) - margin[1]), min(mask.shape[1], int(rows[-1]) + margin[1] + 1)),
            slice(max(0, int(columns[0]) - margin[2]), min(mask.shape[2], int(columns[-1]) + margin[2] + 1)))


def _on_full_grid(grid: WorkGrid, box: tuple[slice, slice, slice], lobes: np.ndarray, airways: np.ndarray
                  ) -> np.ndarray:
    """Labels with smooth outer borders: the mask is interpolated, the lobe is that of the nearest work voxel."""
    whole = np.zeros(grid.hu.shape, np.uint8)
    whole[box] = lobes
    labels = grid.labels_to_full(_spread(whole))
    labels[~grid.mask_to_full(whole > 0)] = 0
    if airways.any():
        lumen = np.zeros(grid.hu.shape, bool)
        lumen[box] = airways
        labels[grid.mask_to_full(lumen)] = AIRWAY
    return labels


def _spread(labels: np.ndarray) -> np.ndarray:
    """Labels grown by two voxels, so that interpolated borders always find one."""
    spread = labels
    for _ in range(2):
        grown = spread.copy()
        for axis in range(3):
            for step in (1, -1):
                moved = np.roll(spread, step, axis)
                grown = np.where(grown == 0, moved, grown)
        spread = grown
    return spread
