"""What a reader could have annotated in a synthetic CT: which nodules can be seen, and what else looks like one.

A lesion is called seen from a contrast of two standard deviations of its surroundings on, and of 100 HU, below which
readers' thresholds for ground glass lie, and when at least half of it lies in the lung or it is calcified: what is
painted into the wall has the wall's density. A round patch of the ground-glass disease that some bodies have cannot be
told from a ground-glass nodule. Both kinds are left out of a score as LUNA16 leaves out what too few readers marked:
neither to be found, nor a false positive when they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import cc3d
import numpy as np
from LungNoduleAILib.anatomy.protocol import AIRWAY
from LungNoduleAILib.phantom.conspicuity import conspicuity
from LungNoduleAILib.phantom.grid import Grid
from LungNoduleAILib.phantom.nodule_share import nodule_share
from LungNoduleAILib.phantom.nodules import PlantedNodule
from LungNoduleAILib.phantom.structures import GROUND_GLASS, LUNG_VESSEL
from LungNoduleAILib.phantom.thorax import ThoraxPhantom

LEAST_IN_LUNG = 0.5
LEAST_HU, LEAST_DEVIATIONS = 100.0, 2.0
PATCH_MM = (5.0, 60.0)
ROUND = 0.25  # a patch fills so much of the ball around it


@dataclass(frozen=True)
class Patch:
    """A round patch of ground glass and the diameter of the ball of its volume."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    type: str = "ground-glass"


def stands_out(phantom: ThoraxPhantom, nodule: PlantedNodule) -> bool:
    """Whether a nodule lies in the lung and differs from what is around it by more than that does from itself."""
    if nodule.type != "calcified" and share_in_lung(phantom, nodule) < LEAST_IN_LUNG:
        return False
    volume = phantom.volume
    lung = (phantom.labels > 0) & (phantom.labels < AIRWAY)
    found = conspicuity(volume.array, lung, volume.kji_from_ras(np.array(nodule.center_ras_mm)), nodule.diameter_mm,
                        volume.spacing_kji_mm)
    return found.at_least(LEAST_HU, LEAST_DEVIATIONS)


def share_in_lung(phantom: ThoraxPhantom, nodule: PlantedNodule) -> float:
    """How much of a nodule's volume replaced lung or its vessels; the structures know nothing of nodules."""
    box, share = nodule_share(Grid(phantom.volume.array.shape, phantom.volume.ijk_to_ras), nodule)
    structures = phantom.structures[box]
    inside = (structures > 0) & (structures <= LUNG_VESSEL)
    return float(share[inside].sum() / max(float(share.sum()), 1e-6))


def ground_glass_patches(phantom: ThoraxPhantom) -> tuple[Patch, ...]:
    """The round patches of ground-glass disease, by their connected parts; without planted nodules."""
    spacing, ras = phantom.volume.spacing_kji_mm, phantom.volume.ras_from_kji
    parts = cc3d.connected_components(phantom.patterns == GROUND_GLASS, connectivity=6)
    facts = cc3d.statistics(parts)
    found = []
    for part in range(1, len(facts["voxel_counts"])):
        size_mm = float((facts["voxel_counts"][part] * spacing.prod() * 6 / np.pi) ** (1 / 3))
        if not PATCH_MM[0] <= size_mm <= PATCH_MM[1]:
            continue
        widest_mm = max((b.stop - b.start) * mm for b, mm in zip(facts["bounding_boxes"][part], spacing, strict=True))
        if (size_mm / widest_mm) ** 3 >= ROUND:
            center = ras(np.array(facts["centroids"][part]))
            found.append(Patch(tuple(float(x) for x in center), size_mm))
    return tuple(found)
