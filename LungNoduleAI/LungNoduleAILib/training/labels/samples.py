"""What a label network is shown in one step, and the pool of synthetic bodies that samples are cut from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import SimpleITK as sitk

IGNORED = 255

Thing = TypeVar("Thing")


@dataclass(frozen=True, eq=False)
class LabelSample:
    """``hu`` float32 and ``labels`` uint8 (k, j, i) or (n, k, j, i) of one step; voxels of IGNORED do not count."""

    hu: np.ndarray
    labels: np.ndarray


class Pool(Generic[Thing]):
    """The last things made by ``make(number)``, kept in memory; a thing made again is the same as before."""

    def __init__(self, make: Callable[[int], Thing], size: int) -> None:
        self._make, self._size = make, size
        self._kept: OrderedDict[int, Thing] = OrderedDict()

    def __call__(self, number: int) -> Thing:
        """Return the thing of a number, made now or before."""
        if number not in self._kept:
            self._kept[number] = self._make(number)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(number)
        return self._kept[number]


def window_of_pool(step: int, reuse: int, size: int, rng: np.random.Generator) -> int:
    """Return number of the body a step takes: a window of ``size`` bodies that moves on by one every ``reuse``
    steps.
    """
    return step // reuse + int(rng.integers(size))


@dataclass(frozen=True, eq=False)
class Placement:
    """Where a sample lies in a body: its size in voxels, its middle in body mm (k, j, i), its turn and its scale."""

    shape_kji: tuple[int, int, int]
    middle_mm: np.ndarray
    angles_deg: np.ndarray
    scale: float

    def cut(
        self, array: np.ndarray, spacing_kji_mm: np.ndarray, spacing_mm: float, outside: float, linear: bool
    ) -> np.ndarray:
        """Return the array (k, j, i) as seen by this sample with voxels of ``spacing_mm``; ``outside`` beyond its
        border.
        """
        image = sitk.GetImageFromArray(array)
        image.SetSpacing([float(s) for s in spacing_kji_mm[::-1]])
        turn = sitk.Euler3DTransform([0.0] * 3, *(float(a) for a in np.radians(self.angles_deg[::-1])))
        size = np.array(self.shape_kji)
        transform = sitk.AffineTransform(
            (np.array(turn.GetMatrix()).reshape(3, 3) / self.scale).ravel().tolist(),
            [float(m) for m in self.middle_mm[::-1]],
        )
        origin = [-(n - 1) / 2 * spacing_mm for n in size[::-1]]
        cut = sitk.Resample(
            image,
            [int(n) for n in size[::-1]],
            transform,
            sitk.sitkLinear if linear else sitk.sitkNearestNeighbor,
            origin,
            [spacing_mm] * 3,
            [1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0],
            outside,
            image.GetPixelID(),
        )
        return sitk.GetArrayFromImage(cut)
