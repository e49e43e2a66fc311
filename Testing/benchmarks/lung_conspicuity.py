"""What a reader could have annotated in a synthetic CT: which nodules can be seen, and what else looks like one.

A lesion is called seen from a contrast of two standard deviations of its surroundings on, and of 100 HU, below which
readers' thresholds for ground glass lie, and when at least half of it lies in the lung or it is calcified: what is
painted into the wall has the wall's density. A round patch of the ground-glass disease that some bodies have cannot be
told from a ground-glass nodule. Both kinds are left out of a score as LUNA16 leaves out what too few readers marked:
neither to be found, nor a false positive when they are.
"""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY
from LungNoduleAILib.synthesis.model.synthetic_ct import SyntheticCT
from LungNoduleAILib.synthesis.nodules.annotatable import Patch, ground_glass_patches, lies_in_lung
from LungNoduleAILib.synthesis.nodules.conspicuity import conspicuity
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from ThoraxAILib.image.grid import Grid

MIN_HU, MIN_DEVIATIONS = 100.0, 2.0


def stands_out(phantom: SyntheticCT, nodule: PlantedNodule) -> bool:
    """Whether a nodule lies in the lung and differs from what is around it by more than that does from itself."""
    if not lies_in_lung(phantom.structures, _grid(phantom), nodule):
        return False
    volume = phantom.volume
    lung = (phantom.labels > 0) & (phantom.labels < AIRWAY)
    found = conspicuity(
        volume.array,
        lung,
        volume.kji_from_ras(np.array(nodule.center_ras_mm)),
        nodule.diameter_mm,
        volume.spacing_kji_mm,
    )
    return found.at_least(MIN_HU, MIN_DEVIATIONS)


def round_patches(phantom: SyntheticCT) -> tuple[Patch, ...]:
    """The round patches of ground-glass disease of a phantom."""
    return ground_glass_patches(phantom.patterns, _grid(phantom))


def _grid(phantom: SyntheticCT) -> Grid:
    return Grid(phantom.volume.array.shape, phantom.volume.ijk_to_ras)
