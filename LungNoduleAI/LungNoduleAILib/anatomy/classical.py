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


class ClassicalSegmenter:
    """Lungs, approximate lobes and large airways by thresholds and morphology on about 1.5 mm."""

    name = "classical"

    def segment(self, volume: Volume, progress: Progress) -> Anatomy:
        """Anatomy on the grid of ``volume`` (HU, axes in LPS order); see AnatomySegmenter."""
        progress(0.0, "Finding the lungs")
        grid = make_work_grid(volume.array, volume.spacing_kji_mm)
        air = find_lung_air(grid)
        progress(0.3, "Finding trachea and bronchi")
        airways = find_airways(grid, air.mask)
        progress(0.5, "Telling right from left")
        i_of_x_zero = float(volume.kji_from_ras(np.zeros(3))[2]) / grid.factors_kji[2]
        middle, certain_middle = middle_of_body(grid, airways, i_of_x_zero)
        sides = split_sides(grid, air.mask, airways, middle)
        filled = fill_lungs(grid, sides.labels, airways)
        progress(0.7, "Placing the lobes")
        lobes = label_lobes(grid, filled)
        quality = judge(grid, air, filled, sides.certain or certain_middle)
        progress(0.85, "Drawing the lungs on the CT")
        labels = _on_full_grid(grid, lobes, airways)
        progress(1.0, "Lungs found")
        return Anatomy(labels, quality, lobes_approximate=True)


def _on_full_grid(grid: WorkGrid, lobes: np.ndarray, airways: np.ndarray) -> np.ndarray:
    """Labels with smooth outer borders: the mask is interpolated, the lobe is that of the nearest labelled work voxel."""
    lungs = grid.mask_to_full(lobes > 0)
    labels = np.where(lungs, grid.labels_to_full(_spread(lobes)), 0).astype(np.uint8)
    if airways.any():
        labels[grid.mask_to_full(airways)] = AIRWAY
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
