"""Nodules as peaks of a heat map: the image at a network's voxel size, the map in tiles, its peaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ThoraxAILib.image.tuples import three
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

TILE = 128
OVERLAP = 32
MIN_HEAT = 0.02
MAX_PEAKS = 300
AIR_HU = -1000.0


@dataclass(frozen=True, eq=False)
class Peaks:
    """Centres (n, 3) and radii (n,) in voxels of the image, heat 0..1, subsolid share, all (n,); best first."""

    center_kji: np.ndarray
    radius: np.ndarray
    heat: np.ndarray
    subsolid: np.ndarray

    def __len__(self) -> int:
        return len(self.heat)

    def take(self, which: np.ndarray) -> Peaks:
        """Return the peaks at these indices or where this mask is true."""
        return Peaks(self.center_kji[which], self.radius[which], self.heat[which], self.subsolid[which])


def search(
    network: HeatmapNetwork,
    hu: np.ndarray,
    wanted: np.ndarray,
    device: str | NetworkDevice,
    progress: Progress,
    text: str,
) -> Peaks:
    """Peaks where ``wanted`` (bool) holds of an image (float32 HU, k, j, i, voxels of the network's size)."""
    from LungNoduleAILib.detection.heatmap_network import STRIDE, Probabilities
    from ThoraxAILib.networks.tiles import Tiles, run_tiled

    tiles = Tiles((TILE,) * 3, OVERLAP, network.multiple, STRIDE, AIR_HU)
    maps = run_tiled(Probabilities(network), hu, tiles, device, wanted=wanted, progress=progress, text=text)
    if len(maps) == 1:  # nothing was wanted anywhere
        return Peaks(np.zeros((0, 3)), *(np.zeros(0) for _ in range(3)))
    return find_peaks(maps, wanted[::STRIDE, ::STRIDE, ::STRIDE])


def find_peaks(maps: np.ndarray, wanted: np.ndarray) -> Peaks:
    """Local maxima of the heat in maps (6, k, j, i) of cells; of peaks within each other's ball the hottest stays."""
    from LungNoduleAILib.detection.heatmap_network import HEAT, OFFSET, SIZE, STRIDE, SUBSOLID

    heat = maps[HEAT]
    top = (heat >= MIN_HEAT) & wanted
    top &= heat == ndimage.maximum_filter(heat, 3, mode="constant")
    cells = np.argwhere(top)
    cells = cells[np.argsort(-heat[tuple(cells.T)], kind="stable")][: 4 * MAX_PEAKS]
    at = three(cells.T)
    shift = np.clip(maps[OFFSET][:, at[0], at[1], at[2]].T, -3.0, 3.0)
    center = (cells + shift) * STRIDE + 0.5
    radius = 2.0 ** np.clip(maps[SIZE][at], -2.0, 5.0) * STRIDE
    peaks = Peaks(center, radius, heat[at].astype(float), maps[SUBSOLID][at].astype(float))
    return peaks.take(_apart(peaks))


def _apart(peaks: Peaks) -> np.ndarray:
    """Return indices of the peaks that lie in no hotter peak's ball."""
    kept: list[int] = []
    for n in range(len(peaks)):
        gap = np.linalg.norm(peaks.center_kji[kept] - peaks.center_kji[n], axis=1)
        if (gap >= np.maximum(peaks.radius[kept], 1.5)).all():
            kept.append(n)
            if len(kept) == MAX_PEAKS:
                break
    return np.array(kept, dtype=int)
