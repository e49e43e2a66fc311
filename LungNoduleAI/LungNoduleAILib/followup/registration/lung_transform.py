"""From the current to the prior scan and back: an affine after a displacement on the current lungs.

The tissue seen at x in the current scan lies at A (x + u(x)) in the prior scan (pull-back, RAS mm). Beyond the grid of
u its border values go on, so that points of the chest wall have a place too.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.affine import then_affine
from ThoraxAILib.registration.field import Field

NODE_MM = 3.0  # the map is computed at nodes this far apart and interpolated: control points are at least 8 mm apart
AIR_HU = -1024
ROUNDS, DAMPED_FROM, DAMPING = 80, 6, 0.6
CLOSE_ENOUGH_MM = 1e-3


@dataclass(frozen=True, eq=False)
class LungTransform:
    """``local`` is u on a grid around the current lungs, ``matrix`` (4x4) is A."""

    local: Field
    matrix: np.ndarray

    def to_prior(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the current scan lie in the prior scan, RAS mm."""
        points = np.asarray(points_ras_mm, dtype=float)
        return self._through_matrix(points + self.local.at(points))

    def to_current(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the prior scan lie in the current scan, RAS mm: x = A^-1 p - u(x) by iteration."""
        goal = (np.asarray(points_ras_mm, dtype=float) - self.matrix[:3, 3]) @ np.linalg.inv(self.matrix[:3, :3]).T
        found = goal - self.local.at(goal)
        for number in range(ROUNDS):
            missing = goal - self.local.at(found) - found
            found = found + (missing if number < DAMPED_FROM else DAMPING * missing)
            if missing.size == 0 or np.abs(missing).max() < CLOSE_ENOUGH_MM:
                break
        return found

    def total(self) -> Field:
        """Displacement and affine in one field on the grid of ``local``: what files and Slicer hold."""
        return then_affine(self.local, self.matrix)

    def warped(self, prior: Volume, grid: Grid, fill: float = AIR_HU) -> Volume:
        """Return the prior scan as the current one would see it, on any grid, linear, in the prior's voxel type."""
        nodes = [_nodes(size, step) for size, step in zip(grid.shape_kji, grid.spacing_kji_mm, strict=True)]
        index = np.stack(np.meshgrid(*nodes, indexing="ij"), -1).astype(float)
        ras = index[..., ::-1] @ grid.ijk_to_ras[:3, :3].T + grid.ijk_to_ras[:3, 3]
        places = np.moveaxis(prior.kji_from_ras(self.to_prior(ras)), -1, 0).astype(np.float32)
        result = np.empty(grid.shape_kji, dtype=prior.array.dtype)

        def fill_slice(k: int) -> None:
            below, weight = _between(nodes[0], np.array([k]))
            plane = places[:, below[0]] * (1 - weight[0]) + places[:, below[0] + 1] * weight[0]
            full = _stretched(_stretched(plane, nodes[1], grid.shape_kji[1], 1), nodes[2], grid.shape_kji[2], 2)
            values = map_coordinates(prior.array, full, order=1, mode="constant", cval=fill, output=np.float32)
            result[k] = np.rint(values) if result.dtype.kind in "iu" else values

        with ThreadPoolExecutor(2) as workers:
            list(workers.map(fill_slice, range(grid.shape_kji[0])))
        return grid.volume(result, prior.modality)

    def _through_matrix(self, points: np.ndarray) -> np.ndarray:
        return points @ self.matrix[:3, :3].T + self.matrix[:3, 3]


def _nodes(size: int, step_mm: float) -> np.ndarray:
    """Voxel numbers about ``NODE_MM`` apart, the first and the last among them; at least two."""
    count = max(2, int(np.ceil((size - 1) * step_mm / NODE_MM)) + 1)
    return np.linspace(0, max(size - 1, 1), count)


def _between(nodes: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the node below each place and how far it is to the next one, 0..1."""
    relative = places / (nodes[1] - nodes[0])
    below = np.clip(relative.astype(int), 0, len(nodes) - 2)
    return below, (relative - below).astype(np.float32)


def _stretched(values: np.ndarray, nodes: np.ndarray, size: int, axis: int) -> np.ndarray:
    """Linear interpolation from nodes to all voxels along one axis."""
    below, weight = _between(nodes, np.arange(size))
    weight = weight.reshape([-1 if other == axis else 1 for other in range(values.ndim)])
    step = np.take(np.diff(values, axis=axis), below, axis=axis)
    step *= weight
    step += np.take(values, below, axis=axis)
    return step
