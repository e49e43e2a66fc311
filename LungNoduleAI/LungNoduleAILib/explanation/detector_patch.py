"""What the detector sees of one nodule: a cube of the CT on its network's grid, and its score for changed cubes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.detection.heatmap_search import AIR_HU
from LungNoduleAILib.detection.search_image import averaged
from LungNoduleAILib.detection.two_levels import MASS_FROM_MM, MASSES, NODULES, SHRINK, SPACING_MM, Calibration, logit
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

SIDE = 48  # voxels of the network around the nodule
AT_ONCE = 8  # cubes in one run of the network
NEAR_CELLS = 2  # the peak of a changed cube may lie this far from the nodule
LUNG_HU = (-1000.0, -600.0)  # what aerated lung measures: its median takes the place of what is covered
USUAL_LUNG_HU = -850.0


@dataclass(frozen=True, eq=False)
class DetectorPatch:
    """HU (float32, SIDE^3) around a nodule on ``grid``, ``level`` (NODULES or MASSES) and the HU of the lung there."""

    hu: np.ndarray
    grid: Grid
    level: str
    lung_hu: float

    @staticmethod
    def around(volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float) -> DetectorPatch:
        """Cut the cube of a CT (HU, LPS order) as the detector would see it; air lies beyond the image."""
        level = MASSES if diameter_mm >= MASS_FROM_MM else NODULES
        shrink = SHRINK if level == MASSES else 1
        count = SIDE * shrink
        step = SPACING_MM / volume.spacing_kji_mm
        center = volume.kji_from_ras(np.array(center_ras_mm))
        first = center - step * (count - 1) / 2
        places = [at + np.arange(count) * s for at, s in zip(first, step, strict=True)]
        inside = [(at >= 0) & (at <= n - 1) for at, n in zip(places, volume.array.shape, strict=True)]
        fine = np.full((count,) * 3, AIR_HU, np.float32)
        if all(held.any() for held in inside):
            fine[np.ix_(*inside)] = _on_grid(volume, [at[held] for at, held in zip(places, inside, strict=True)], step)
        hu = block_mean(fine, shrink, fill=True) if shrink > 1 else fine
        start = first + step * (shrink - 1) / 2
        lung = hu[(hu > LUNG_HU[0]) & (hu < LUNG_HU[1])]
        lung_hu = float(np.median(lung)) if lung.size else USUAL_LUNG_HU
        return DetectorPatch(hu, Grid.of(volume).stepped(start, step * shrink, hu.shape), level, lung_hu)

    @property
    def spacing_mm(self) -> float:
        """Size of a voxel."""
        return SPACING_MM * (SHRINK if self.level == MASSES else 1)


def _on_grid(volume: Volume, places: list[np.ndarray], step: np.ndarray) -> np.ndarray:
    """Values at voxel positions, from the box of the CT that bears on them."""
    reach = np.ceil(np.maximum(step, 1.0)).astype(int) + 1
    low = [max(0, int(at[0]) - r) for at, r in zip(places, reach, strict=True)]
    high = [min(n, int(at[-1]) + r + 1) for at, r, n in zip(places, reach, volume.array.shape, strict=True)]
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return averaged(volume.array[box], [at - a for at, a in zip(places, low, strict=True)], step)


class PatchScore:
    """The detector's log odds that a nodule lies in the middle of a cube; ``confidence`` is the same as 0 to 1."""

    def __init__(self, network: HeatmapNetwork, calibration: Calibration, level: str) -> None:
        """Take the network of ``level``; needs PyTorch."""
        from LungNoduleAILib.detection.heatmap_network import Probabilities

        self._probabilities = Probabilities(network).eval()
        self._slope, self._offset = calibration.scaling[level]

    def log_odds(self, cubes: np.ndarray) -> np.ndarray:
        """Return the log odds (n,) for cubes (n, SIDE, SIDE, SIDE) in HU, float32."""
        import torch

        from LungNoduleAILib.detection.heatmap_network import HEAT
        from ThoraxAILib.networks.threads import torch_threads

        heats = []
        with torch_threads(None), torch.inference_mode():
            for start in range(0, len(cubes), AT_ONCE):
                batch = torch.from_numpy(np.ascontiguousarray(cubes[start : start + AT_ONCE, None]))
                heat = self._probabilities(batch)[:, HEAT].numpy()
                middle = heat.shape[-1] // 2
                near = slice(middle - NEAR_CELLS, middle + NEAR_CELLS)
                heats.append(heat[:, near, near, near].max(axis=(1, 2, 3)))
        return self._slope * logit(np.concatenate(heats).astype(float)) + self._offset


def confidence(log_odds: np.ndarray) -> np.ndarray:
    """Return 0 to 1 of log odds."""
    return 1 / (1 + np.exp(-log_odds))
