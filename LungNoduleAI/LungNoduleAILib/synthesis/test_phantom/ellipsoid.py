"""One ellipsoid of exactly known volume in a small block of lung: the measuring stick of volumetry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.synthesis.nodules.planted import TYPICAL_HU, PlantedNodule, paint_nodule
from LungNoduleAILib.synthesis.scanner.point_spread import scan
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import SeriesIdentity, Volume

LUNG_HU = -850.0


@dataclass(frozen=True, eq=False)
class EllipsoidPhantom:
    """A block of lung (``volume``) around one nodule with its exact truth."""

    volume: Volume
    nodule: PlantedNodule


def make_ellipsoid(
    diameter_mm: float | None = None,
    *,
    semi_axes_mm: tuple[float, float, float] | None = None,
    spacing_mm: tuple[float, float, float] = (0.7, 0.7, 1.0),
    noise_hu: float = 20.0,
    hu: float = TYPICAL_HU["solid"],
    background_hu: float = LUNG_HU,
    psf_fwhm_mm: float = 1.1,
    seed: int = 0,
    center_offset_mm: tuple[float, float, float] | None = None,
    axes_ras: np.ndarray | None = None,
    block_mm: float | None = None,
    direction: np.ndarray | None = None,
) -> EllipsoidPhantom:
    """Return a sphere of ``diameter_mm`` or an ellipsoid of ``semi_axes_mm`` (along the rows of ``axes_ras``) in lung.

    ``spacing_mm`` is (i, j, k); slices are averaged over their thickness, then blurred by ``psf_fwhm_mm`` and noised.
    The centre lies ``center_offset_mm`` (RAS) from the middle of the block, by default a random part of a voxel.
    Raises InputError unless exactly one of diameter and semi-axes is given.
    """
    if (diameter_mm is None) == (semi_axes_mm is None):
        raise InputError("Give either the diameter of a sphere or the semi-axes of an ellipsoid, in mm.")
    semi = (known(diameter_mm, "the diameter") / 2,) * 3 if semi_axes_mm is None else semi_axes_mm
    rng = np.random.default_rng([seed, 3])
    offset = rng.uniform(-0.5, 0.5, 3) * spacing_mm if center_offset_mm is None else np.array(center_offset_mm)
    size = max(60.0, 2 * max(semi) + 30) if block_mm is None else block_mm
    grid = Grid.around(np.zeros(3), spacing_mm, three(int(np.ceil(size / step)) for step in spacing_mm), direction)
    rows = np.eye(3) if axes_ras is None else np.asarray(axes_ras, dtype=float)
    kind = "solid" if hu > -300 else "ground-glass"
    nodule = PlantedNodule(
        three(float(x) for x in offset),
        three(float(x) for x in semi),
        kind,
        hu,
        axes_ras=tuple(three(float(x) for x in row) for row in rows),
        id="N1",
    )
    image = np.full(grid.shape_kji, background_hu, dtype=np.float32)
    paint_nodule(image, grid, nodule)
    scanned = scan(image, grid.spacing_kji_mm, psf_fwhm_mm, noise_hu, rng)
    identity = SeriesIdentity(kernel="phantom", slice_thickness_mm=float(spacing_mm[2]))
    return EllipsoidPhantom(Volume(scanned, grid.ijk_to_ras, identity=identity), nodule)
