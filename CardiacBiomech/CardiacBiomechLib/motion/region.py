"""The part of a short-axis image around the heart: smaller images, faster registration, no distant anatomy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt

from ThoraxAILib.image.boxes import Box, in_plane_box
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field

MARGIN_MM = 25.0
FADE_MM = 30.0


@dataclass(frozen=True, eq=False)
class Region:
    """A box of voxels in a larger grid; all slices are kept."""

    box: Box
    whole: Grid

    @staticmethod
    def around(labels: Volume, margin_mm: float = MARGIN_MM) -> Region:
        """Return the box of the labeled voxels with an in-plane margin."""
        return Region(in_plane_box(labels.array > 0, labels.spacing_kji_mm, margin_mm), Grid.of(labels))

    @property
    def grid(self) -> Grid:
        """The grid of the box."""
        return self.whole.part(self.box)

    def cut(self, volume: Volume) -> Volume:
        """Return the box of a volume on the whole grid."""
        return self.grid.volume(np.ascontiguousarray(volume.array[self.box]), volume.modality)

    def put_back(self, array: np.ndarray, outside: Volume) -> Volume:
        """``outside`` with its box replaced by ``array``."""
        whole = outside.array.copy()
        whole[self.box] = array
        return outside.with_array(whole)

    def extend(self, field: Field) -> Field:
        """Return the field on the whole grid: its border values fade to zero within ``FADE_MM`` outside the box."""
        pads = [(part.start, size - part.stop) for part, size in zip(self.box, self.whole.shape_kji, strict=True)]
        padded = np.pad(field.displacement_ras_mm, [*pads, (0, 0)], mode="edge")
        outside = np.ones(self.whole.shape_kji, dtype=bool)
        outside[self.box] = False
        if outside.any():
            distance = distance_transform_edt(outside, sampling=self.whole.spacing_kji_mm)
            fade = 0.5 * (1.0 + np.cos(np.pi * np.clip(distance / FADE_MM, 0.0, 1.0)))
            padded = padded * fade[..., None]
        return Field(padded.astype(np.float32), self.whole)
