"""Which part of a cube makes the detector see a nodule: parts are covered with lung, and the score is asked again.

Occlusion sensitivity (Zeiler and Fergus, ECCV 2014). It asks nothing of the inside of the network, so that it holds for
any detector; how much a part matters is how far the log odds fall without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LungNoduleAILib.explanation.detector_patch import AT_ONCE, DetectorPatch, PatchScore
from ThoraxAILib.jobs.progress import Progress

BEYOND_MM = 6.0  # looked at around the nodule
MIN_BLOCK_MM = 5.0
BLOCK_SHARE = 0.8  # of the nodule's size: a smaller cover leaves enough of it to be seen
BLOCKS_ACROSS = 5  # at most: a cube of 5^3 questions
SOFT_EDGE = 1.0  # voxels: a sharp edge would be something to see itself


@dataclass(frozen=True, eq=False)
class Blocks:
    """Soft covers of a cube: ``centers`` (n, 3) in voxels and the half width of each; ``region`` (bool) is what they
    cover together."""

    centers: np.ndarray
    half_width: float
    region: np.ndarray

    @staticmethod
    def of(patch: DetectorPatch, diameter_mm: float) -> Blocks:
        """Lay blocks, each overlapping the next by half or more, over the nodule and around it."""
        side = patch.hu.shape[0]
        reach = min((diameter_mm / 2 + BEYOND_MM) / patch.spacing_mm, side / 2 - 2)
        width = max(BLOCK_SHARE * diameter_mm, MIN_BLOCK_MM) / patch.spacing_mm
        across = int(np.clip(np.ceil(2 * reach / (width / 2)), 3, BLOCKS_ACROSS))
        step = 2 * reach / across
        half = max(width / 2, step / 2)
        along = (side - 1) / 2 - reach + step * (np.arange(across) + 0.5)
        centers = np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1).reshape(-1, 3)
        places = np.abs(np.arange(side) - (side - 1) / 2) <= reach
        return Blocks(centers, half, places[:, None, None] & places[None, :, None] & places[None, None])

    def cover(self, number: int) -> np.ndarray:
        """Return how much of each voxel a block covers, 0 to 1 (float32)."""
        side = self.region.shape[0]
        lines = [
            np.clip((self.half_width + SOFT_EDGE / 2 - np.abs(np.arange(side) - c)) / SOFT_EDGE, 0, 1)
            for c in self.centers[number]
        ]
        return (lines[0][:, None, None] * lines[1][None, :, None] * lines[2][None, None]).astype(np.float32)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Return a value for each voxel: the mean of the blocks that cover it, smoothed; 0 outside of the region."""
        total, weight = np.zeros(self.region.shape, np.float32), np.zeros(self.region.shape, np.float32)
        for number, value in enumerate(values):
            cover = self.cover(number)
            total += np.float32(value) * cover
            weight += cover
        mean = np.divide(total, weight, out=np.zeros_like(total), where=weight > 0)
        return np.where(self.region, ndimage.gaussian_filter(mean, self.half_width / 3), 0.0).astype(np.float32)


def covered(hu: np.ndarray, cover: np.ndarray, lung_hu: float) -> np.ndarray:
    """Return HU with lung in the place of what is covered."""
    return (hu * (1 - cover) + np.float32(lung_hu) * cover).astype(np.float32)


def falls(patch: DetectorPatch, score: PatchScore, blocks: Blocks, progress: Progress) -> np.ndarray:
    """Return by how much the log odds fall (n,) when each block is covered; below 0 where they rise."""
    whole = float(score.log_odds(patch.hu[None])[0])
    found = np.zeros(len(blocks.centers))
    for start in range(0, len(found), AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, len(found)))
        progress(start / len(found), "Covering one part after the other")
        cubes = np.stack([covered(patch.hu, blocks.cover(n), patch.lung_hu) for n in numbers])
        found[list(numbers)] = whole - score.log_odds(cubes)
    return found
