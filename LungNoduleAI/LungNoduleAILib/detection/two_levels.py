"""Nodules and masses together: two networks on two voxel sizes, their scores made probabilities, one list of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.detection.heatmap_search import Peaks, search
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.device import NetworkDevice

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

NODULES, MASSES = "nodules", "masses"
SPACING_MM = 1.0
SHRINK = 3  # of the mass network's voxels
MASS_FROM_MM = 26.0  # what the mass network reports below is left to the nodule network


@dataclass(frozen=True)
class Calibration:
    """Platt scaling per network (slope, offset of the logit), and the probability from which nodules are reported."""

    scaling: dict[str, tuple[float, float]]
    operating_point: float

    def probability(self, level: str, heat: np.ndarray) -> np.ndarray:
        """Probability (n,) that peaks of this heat are nodules."""
        slope, offset = self.scaling[level]
        return 1 / (1 + np.exp(-(slope * logit(heat) + offset)))


@dataclass(frozen=True, eq=False)
class Places:
    """Candidates of both networks: centre (n, 3) in voxels of SPACING_MM, diameter in mm, heat, subsolid share, and
    whether the mass network found them (all (n,))."""

    center_kji: np.ndarray
    diameter_mm: np.ndarray
    heat: np.ndarray
    subsolid: np.ndarray
    of_masses: np.ndarray

    def __len__(self) -> int:
        return len(self.heat)


def logit(share: np.ndarray) -> np.ndarray:
    """Log odds, finite for 0 and 1."""
    clipped = np.clip(share, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def find_places(
    networks: dict[str, HeatmapNetwork],
    hu: np.ndarray,
    wanted: np.ndarray,
    device: str | NetworkDevice,
    progress: Progress,
) -> Places:
    """All peaks where ``wanted`` (bool) holds in an image (float32 HU, voxels of SPACING_MM)."""
    fine = search(networks[NODULES], hu, wanted, device, progress.part(0.0, 0.85), "Looking for nodules")
    coarse_hu, coarse_wanted = block_mean(hu, SHRINK, fill=True), block_mean(wanted, SHRINK, fill=True) > 0.5
    coarse = search(networks[MASSES], coarse_hu, coarse_wanted, device, progress.part(0.85, 1.0), "Looking for masses")
    coarse = coarse.take(2 * coarse.radius * SPACING_MM * SHRINK >= MASS_FROM_MM)
    middle = (SHRINK - 1) / 2
    return _together(
        fine, Peaks(coarse.center_kji * SHRINK + middle, coarse.radius * SHRINK, coarse.heat, coarse.subsolid)
    )


def _together(fine: Peaks, coarse: Peaks) -> Places:
    both = [
        np.concatenate([getattr(fine, name), getattr(coarse, name)])
        for name in ("center_kji", "radius", "heat", "subsolid")
    ]
    of_masses = np.arange(len(both[2])) >= len(fine)
    return Places(both[0], 2 * both[1] * SPACING_MM, both[2], both[3], of_masses)
