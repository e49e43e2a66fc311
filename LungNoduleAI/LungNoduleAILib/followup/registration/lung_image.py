"""The lungs of a CT as registration sees them: a lung window inside, one constant outside, on a grid of about 2 mm.

Painting everything outside the lungs with the brightest value of the window, in both scans, makes the pleura an edge
to match and leaves ribs and wall, along which the lungs slide, without a say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from ThoraxAILib.errors import known
from ThoraxAILib.image.block_mean import block_mean
from ThoraxAILib.image.boxes import mask_box, whole_voxels
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume

LOW_HU, HIGH_HU = -1000.0, -200.0
NOT_SEEN_HU = -1500  # padding outside the scanner's circle is below any tissue
MARGIN_MM = 12.0


@dataclass(frozen=True, eq=False)
class ReducedLungs:
    """Block means of a CT around its lungs: ``image`` 0..1 of the window, ``lung`` and ``seen`` shares 0..1.

    ``scan_grid`` is the grid of the whole CT: beyond it nothing is known.
    """

    image: Volume
    lung: Volume
    seen: Volume
    scan_grid: Grid

    def grid(self, step_mm: float) -> Grid:
        """Return a grid of cubes in LPS order (k superior, j posterior, i left) that covers the lungs with a margin."""
        index = np.argwhere(self.lung.array > 0.5)
        corners = self.lung.ras_from_kji(
            np.array(np.meshgrid(*zip(index.min(0), index.max(0), strict=True))).reshape(3, -1).T
        )
        return Grid.covering(corners.min(0) - MARGIN_MM, corners.max(0) + MARGIN_MM, step_mm)

    def on(self, grid: Grid, matrix: np.ndarray | None = None) -> LungImage:
        """Return the lungs on ``grid``; ``matrix`` (4x4) takes its RAS mm to the RAS mm of this CT, None is the
        identity.
        """
        points = grid.centers_ras_mm()
        return self.at(grid, points if matrix is None else points @ matrix[:3, :3].T + matrix[:3, 3])

    def at(self, grid: Grid, points: np.ndarray) -> LungImage:
        """Return what this CT shows at ``points`` (k, j, i, 3), RAS mm of this CT, as an image on ``grid``."""
        index = np.moveaxis(self.image.kji_from_ras(points), -1, 0).astype(np.float32)
        image, lung, seen = (
            map_coordinates(part.array, index, order=1, mode="nearest") for part in (self.image, self.lung, self.seen)
        )
        whole = np.moveaxis(self.scan_grid.kji_from_ras(points), -1, 0)
        size = np.array(self.scan_grid.shape_kji).reshape(3, 1, 1, 1)
        valid = ((whole >= -0.5) & (whole <= size - 0.5)).all(0) & (seen > 0.5)
        return LungImage(grid, image, lung > 0.5, valid)


@dataclass(frozen=True, eq=False)
class LungImage:
    """Values 0..1 (k, j, i), where the lungs are, and where the scan shows anything at all."""

    grid: Grid
    image: np.ndarray
    lung: np.ndarray
    valid: np.ndarray

    def near_lung(self, reach_mm: float) -> np.ndarray:
        """Seen voxels in the lungs or at most ``reach_mm`` from them."""
        return (distance_transform_edt(~self.lung, sampling=self.grid.spacing_kji_mm) <= reach_mm) & self.valid


def reduce_lungs(
    volume: Volume,
    lungs: np.ndarray,
    step_mm: float,
    window_hu: tuple[float, float] = (LOW_HU, HIGH_HU),
    paint_outside: bool = True,
) -> ReducedLungs:
    """Return a CT (HU, any axis order) and its lung mask as block means of at most ``step_mm`` around the lungs.

    ``window_hu`` becomes 0..1; ``paint_outside`` puts 1 outside the lungs.
    """
    factors = np.maximum(1, np.floor(step_mm / volume.spacing_kji_mm + 1e-6)).astype(int)
    box = known(mask_box(lungs, whole_voxels(MARGIN_MM, volume.spacing_kji_mm)), "the box of the lungs")
    hu, mask = volume.array[box], lungs[box]
    low, high = window_hu
    windowed = (np.clip(hu, low, high).astype(np.float32) - np.float32(low)) / np.float32(high - low)
    if paint_outside:
        windowed[~mask] = 1.0
    whole = Grid.of(volume)
    place = whole.part(box, factors).ijk_to_ras
    image, lung, seen = (
        Volume(block_mean(array, factors, fill=True), place, volume.modality)
        for array in (windowed, mask, hu > NOT_SEEN_HU)
    )
    return ReducedLungs(image, lung, seen, whole)
