"""Takes the last folds out of a field: where cells turn inside out, the field is smoothed until none do.

A projection after the search, for fields whose regularizer makes folds rare but cannot exclude them.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.quality import folded_cells

MAX_ROUNDS = 30
SIGMA_VOXELS = 1.5
REACH_VOXELS = 3


def unfolded(field: Field, rounds: int = MAX_ROUNDS) -> tuple[Field, int]:
    """Return the field without inverted cells, changed only near them, and how many rounds of smoothing it took.

    Folds that are left after ``rounds`` stay; ``quality.folded_cells`` counts them.
    """
    components = field.along_axes_mm()
    for done in range(rounds):
        cells = folded_cells(Field.from_axes(components, field.grid))
        if not cells.any():
            return (field if done == 0 else Field.from_axes(components, field.grid)), done
        near = np.zeros(field.grid.shape_kji, dtype=bool)
        near[:-1, :-1, :-1] |= cells
        near[1:, 1:, 1:] |= cells
        share = gaussian_filter(binary_dilation(near, iterations=REACH_VOXELS).astype(np.float32), 1.0)
        for axis in range(3):
            smooth = gaussian_filter(components[axis], SIGMA_VOXELS, mode="nearest")
            components[axis] += share * (smooth - components[axis])
    return Field.from_axes(components, field.grid), rounds
