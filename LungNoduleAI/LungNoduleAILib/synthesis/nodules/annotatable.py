"""What a reader could annotate: how much of a nodule lies in the lung, and which disease looks like a nodule."""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np

from LungNoduleAILib.synthesis.model.structures import GROUND_GLASS, LUNG_VESSEL
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import nodule_share
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three

PATCH_MM = (5.0, 60.0)
ROUND = 0.25  # a patch fills so much of the ball around it
MIN_IN_LUNG = 0.5


@dataclass(frozen=True)
class Patch:
    """A round patch of ground glass and the diameter of the ball of its volume."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    type: str = "ground-glass"


def lies_in_lung(structures: np.ndarray, grid: Grid, nodule: PlantedNodule) -> bool:
    """Whether half of a nodule lies in the lung or it is calcified: painted into the wall it has the wall's density."""
    return nodule.type == "calcified" or share_in_lung(structures, grid, nodule) >= MIN_IN_LUNG


def share_in_lung(structures: np.ndarray, grid: Grid, nodule: PlantedNodule) -> float:
    """How much of a nodule's volume replaces lung or its vessels; ``structures`` know nothing of nodules."""
    box, share = nodule_share(grid, nodule)
    inside = (structures[box] > 0) & (structures[box] <= LUNG_VESSEL)
    return float(share[inside].sum() / max(float(share.sum()), 1e-6))


def ground_glass_patches(patterns: np.ndarray, grid: Grid) -> tuple[Patch, ...]:
    """Return the round patches of ground-glass disease, by their connected parts; without planted nodules."""
    parts = cc3d.connected_components(patterns == GROUND_GLASS, connectivity=6)
    facts, spacing = cc3d.statistics(parts), grid.spacing_kji_mm
    found = []
    for part in range(1, len(facts["voxel_counts"])):
        size_mm = float(sphere_diameter_mm(facts["voxel_counts"][part] * spacing.prod()))
        if not PATCH_MM[0] <= size_mm <= PATCH_MM[1]:
            continue
        widest_mm = max((b.stop - b.start) * mm for b, mm in zip(facts["bounding_boxes"][part], spacing, strict=True))
        if (size_mm / widest_mm) ** 3 >= ROUND:
            center = grid.ijk_to_ras[:3, :3] @ facts["centroids"][part][::-1] + grid.ijk_to_ras[:3, 3]
            found.append(Patch(three(float(x) for x in center), size_mm))
    return tuple(found)
