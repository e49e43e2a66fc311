"""Annotated CT cases of the user's own data: one form for LUNA16, LIDC and MSD-style folders, loaded one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ThoraxAILib.image.spheres import paint_sphere, sphere_diameter_mm
from ThoraxAILib.image.volume import Volume

MIN_READERS = 3  # of LIDC's four, as LUNA16 chose


@dataclass(frozen=True)
class TrainingNodule:
    """One annotated nodule: center RAS mm and diameter mm as the data set defines it; what is not known is None."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    volume_mm3: float | None = None
    type: str | None = None
    readers: int | None = None

    @property
    def equivalent_diameter_mm(self) -> float:
        """Diameter of the sphere of the same volume where the volume is known, else the annotated diameter."""
        return self.diameter_mm if self.volume_mm3 is None else sphere_diameter_mm(self.volume_mm3)


@dataclass(frozen=True)
class IgnoredPlace:
    """Something marked that is neither a nodule to learn nor surely none."""

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float | None
    reason: str


@dataclass(frozen=True, eq=False)
class TrainingCase:
    """One CT (int16 HU) with its nodules; ``mask`` (uint16, grid of ``volume``) is n where nodule n-1 lies, or None.

    ``notes`` say in one sentence each what was left out or repaired.
    """

    name: str
    volume: Volume
    nodules: tuple[TrainingNodule, ...]
    mask: np.ndarray | None = None
    ignored: tuple[IgnoredPlace, ...] = ()
    notes: tuple[str, ...] = ()

    def label_mask(self) -> np.ndarray:
        """Return the mask, or one with a sphere of its diameter for every nodule (at least the voxel at its center)."""
        if self.mask is not None:
            return self.mask
        mask = np.zeros(self.volume.array.shape, dtype=np.uint16)
        for number, nodule in enumerate(self.nodules, start=1):
            paint_sphere(mask, self.volume, nodule.center_ras_mm, nodule.diameter_mm, number)
        return mask

    def boxes_ras_mm(self) -> np.ndarray:
        """(n, 6) lowest and highest R, A, S of every nodule: around its mask, or around its sphere."""
        boxes = np.empty((len(self.nodules), 6))
        for number, nodule in enumerate(self.nodules, start=1):
            center, half = np.array(nodule.center_ras_mm), nodule.diameter_mm / 2
            low, high = center - half, center + half
            if self.mask is not None:
                low, high = _mask_box(self.mask == number, self.volume)
            boxes[number - 1] = np.stack([low, high], axis=1).ravel()
        return boxes


class TrainingData(Protocol):
    """A folder of annotated cases: its form, the names of its cases, and what was wrong with the folder as a whole."""

    @property
    def kind(self) -> str:
        """Name of the format."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the cases that can be loaded."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what cannot be used."""

    def load(self, name: str) -> TrainingCase:
        """Read one case; raises InputError with one sentence when it cannot be used."""
        ...


def inside(volume: Volume, center_ras_mm: np.ndarray | tuple[float, float, float]) -> bool:
    """Whether a point lies within the voxels of a volume."""
    place = volume.kji_from_ras(np.asarray(center_ras_mm))
    return bool(((place > -0.5) & (place < np.array(volume.array.shape) - 0.5)).all())


def _mask_box(mask: np.ndarray, volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest R, A, S of the voxels of a mask, faces included."""
    places = np.argwhere(mask)
    faces = np.stack([places.min(axis=0) - 0.5, places.max(axis=0) + 0.5])
    corners = np.array([[faces[c, axis] for axis, c in enumerate(pick)] for pick in np.ndindex(2, 2, 2)])
    ras = volume.ras_from_kji(corners)
    return ras.min(axis=0), ras.max(axis=0)
