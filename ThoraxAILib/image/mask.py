"""A mask that covers a part of a volume's grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.image.tuples import three


@dataclass(frozen=True, eq=False)
class Mask:
    """A small binary mask inside a larger array: ``array`` starts at ``offset_kji`` of the full grid."""

    offset_kji: tuple[int, int, int]
    array: np.ndarray

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Where the mask lies in the full (k, j, i) array."""
        return three(slice(o, o + n) for o, n in zip(self.offset_kji, self.array.shape, strict=True))
