"""The files of a registration: aligned prior and difference map as NRRD, transform and affine as Slicer reads them.

The transform file is a composite: the displacement on the lungs, then the affine, which alone acts beyond the lungs.
In Slicer, the prior scan under this transform lies over the current one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LungNoduleAILib.followup.difference.difference_map import DifferenceMap
from LungNoduleAILib.followup.registration.register import LungRegistration
from LungNoduleAILib.model.files import AFFINE_FILE, DIFFERENCE_FILE, TRANSFORM_FILE, WARPED_FILE
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.io.transform_files import write_affine, write_field_then_affine, write_labels
from ThoraxAILib.registration.field import Field

EVERY = 2  # nodes of the field that are kept: 4 mm apart, control points are 10 mm apart


def save_registration(folder: Path, registration: LungRegistration, difference: DifferenceMap | None = None) -> None:
    """Write the files into ``folder``, the difference map when there is one."""
    write_labels(registration.warped_prior, folder / WARPED_FILE)
    write_field_then_affine(_thinned(registration.transform.local), registration.affine, folder / TRANSFORM_FILE)
    write_affine(registration.affine, folder / AFFINE_FILE)
    if difference is not None:
        write_labels(difference.volume, folder / DIFFERENCE_FILE)


def _thinned(field: Field) -> Field:
    """Every second node along each axis: an eighth of the size."""
    matrix = np.array(field.grid.ijk_to_ras)
    matrix[:3, :3] *= EVERY
    kept = np.ascontiguousarray(field.displacement_ras_mm[::EVERY, ::EVERY, ::EVERY])
    return Field(kept, Grid(kept.shape[:3], matrix))
