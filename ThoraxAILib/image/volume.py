"""The one image type of the suite: voxels in (k, j, i) order together with where they lie in the patient.

Positions are RAS millimetres as in Slicer's scene. LPS appears only inside readers and engines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.placed import Placed
from ThoraxAILib.image.tuples import three


@dataclass(frozen=True)
class SeriesIdentity:
    """What identifies a series without identifying a person; empty strings when the source does not say."""

    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    study_date: str = ""
    kernel: str = ""
    slice_thickness_mm: float | None = None
    contrast: str = ""
    manufacturer: str = ""


@dataclass(frozen=True, eq=False)
class Volume(Placed):
    """A scalar image in the patient.

    ``array`` is (k, j, i); ``ijk_to_ras`` is the 4x4 matrix from (i, j, k, 1) to RAS mm.
    ``notes`` are the repairs and choices made while reading, one sentence each.
    """

    array: np.ndarray
    ijk_to_ras: np.ndarray
    modality: str = "CT"
    identity: SeriesIdentity = field(default_factory=SeriesIdentity)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        matrix = np.asarray(self.ijk_to_ras, dtype=float)
        if self.array.ndim != 3:
            raise InputError(f"The image must have three dimensions, it has {self.array.ndim}: give one 3-D series.")
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9:
            raise InputError("The image has no usable geometry (its IJK-to-RAS matrix is singular): export it again.")
        object.__setattr__(self, "ijk_to_ras", matrix)

    def with_array(self, array: np.ndarray) -> Volume:
        """Return the same geometry and identity around another array of the same shape."""
        if array.shape != self.array.shape:
            raise ValueError(f"array of shape {array.shape} does not fit a volume of shape {self.array.shape}")
        return replace(self, array=array)

    def axis_order_to_lps(self) -> AxisOrder:
        """How the array axes must be permuted and flipped so that k runs superior, j posterior, i left."""
        return AxisOrder.nearest_to_lps(self.ijk_to_ras)

    def in_lps_order(self) -> Volume:
        """Return the same image with k towards superior, j towards posterior, i towards left (nearest axes, no
        resampling).
        """
        return self.axis_order_to_lps().apply(self)


@dataclass(frozen=True)
class AxisOrder:
    """A permutation and flips of the three array axes: exact, without interpolation."""

    permutation: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @staticmethod
    def nearest_to_lps(ijk_to_ras: np.ndarray) -> AxisOrder:
        """Best assignment of array axes (k, j, i) to superior, posterior, left."""
        directions = ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
        array_axes_ras = directions[:, ::-1]  # columns: RAS direction of array axes 0 (k), 1 (j), 2 (i)
        wanted_ras = np.array([[0, 0, 1], [0, -1, 0], [-1, 0, 0]], dtype=float)
        score = wanted_ras @ array_axes_ras
        permutations = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
        best = max(permutations, key=lambda p: sum(abs(score[row, axis]) for row, axis in enumerate(p)))
        return AxisOrder(best, three(bool(score[row, axis] < 0) for row, axis in enumerate(best)))

    def apply(self, volume: Volume) -> Volume:
        """Return the volume with its axes in this order; the array is a view."""
        array = self.apply_array(volume.array)
        shape = volume.array.shape
        step = np.zeros((4, 4))  # maps new (i, j, k, 1) to old (i, j, k, 1)
        step[3, 3] = 1
        for new_axis, (old_axis, flip) in enumerate(zip(self.permutation, self.flips, strict=True)):
            step[2 - old_axis, 2 - new_axis] = -1 if flip else 1
            step[2 - old_axis, 3] = shape[old_axis] - 1 if flip else 0
        return replace(volume, array=array, ijk_to_ras=volume.ijk_to_ras @ step)

    def apply_array(self, array: np.ndarray) -> np.ndarray:
        """Return a view of an array (k, j, i) with its axes in this order."""
        turned = array.transpose(self.permutation)
        return turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]

    def undo_array(self, array: np.ndarray) -> np.ndarray:
        """Return a view that takes an array in this order back to the original axes."""
        unflipped = array[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]
        return unflipped.transpose(np.argsort(self.permutation))
