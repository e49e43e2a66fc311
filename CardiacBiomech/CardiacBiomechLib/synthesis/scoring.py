"""How far a field is from the phantom's exact motion: end-point error, strain, volume change, overlap.

Strain and J of a field and of the truth go through the same finite differences on the same voxels, at least
``CORE_MM`` inside the wall, so that only the motion is compared. Global strain is the mean over those voxels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from CardiacBiomechLib.mechanics.strain import strain_along_axes
from CardiacBiomechLib.motion.volumes import dice
from CardiacBiomechLib.synthesis.cine import Frame, true_field
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.registration.deformation.elasticity import deformation_gradient, determinant
from ThoraxAILib.registration.field import Field, invert, warp_labels
from ThoraxAILib.registration.quality import folded_cells, jacobian

CORE_MM = 1.5


@dataclass(frozen=True)
class PhantomScore:
    """Errors of one field (end-diastole fixed); lengths in mm, strains Green-Lagrange, mean absolute errors."""

    epe_mean_mm: float
    epe_p95_mm: float
    ecc_error: float
    err_error: float
    ell_error: float
    global_ecc: float
    global_err: float
    true_global_ecc: float
    true_global_err: float
    wall_j_mean: float
    wall_j_sd: float
    folded_percent: float
    folded_cells_percent: float
    wall_dice: float


def score(field: Field, ventricle: Ventricle, frames: tuple[Frame, Frame], top_mm: float | None = None) -> PhantomScore:
    """Compare ``field`` with the exact motion from ``frames[0]`` to ``frames[1]``; ``top_mm`` cuts the wall there."""
    moved = ventricle.at_phase(frames[1].phase)
    truth = true_field(ventricle, field.grid, frames[1].phase)
    centers = field.grid.centers_ras_mm()
    wall = ventricle.in_wall(centers)
    if top_mm is not None:
        wall &= centers[..., 2] < top_mm
    error = np.linalg.norm(field.displacement_ras_mm - truth.displacement_ras_mm, axis=-1)[wall]
    core = _core(wall, centers, ventricle)
    axes = moved.local_axes(centers[core])
    found, exact = (_wall_strain(one, core, axes) for one in (field, truth))
    errors = np.abs(found - exact).mean(1)
    J = determinant(_gradient(field, core))
    carried = warp_labels(frames[0].labels, invert(field)).array
    return PhantomScore(
        float(error.mean()),
        float(np.percentile(error, 95)),
        float(errors[1]),
        float(errors[0]),
        float(errors[2]),
        float(found[1].mean()),
        float(found[0].mean()),
        float(exact[1].mean()),
        float(exact[0].mean()),
        float(J.mean()),
        float(J.std()),
        100.0 * float((jacobian(field) <= 0).mean()),
        100.0 * float(folded_cells(field).mean()),
        dice(carried, frames[1].labels.array, 2),
    )


def _core(wall: np.ndarray, centers: np.ndarray, ventricle: Ventricle) -> np.ndarray:
    """Wall voxels away from both surfaces and from the first and last slice."""
    s = ventricle.radial_coordinate(centers)
    core = wall & (s > ventricle.endo_mm + CORE_MM) & (s < ventricle.epi_mm - CORE_MM)
    core[0], core[-1] = False, False
    if ventricle.base_mm is not None:
        core &= centers[..., 2] < ventricle.base_mm - 8.0
    return core


def _gradient(field: Field, where: np.ndarray) -> np.ndarray:
    """F (3, 3, n) in RAS axes at some voxels."""
    F = deformation_gradient(field.along_axes_mm(), field.grid.spacing_kji_mm)[:, :, where]
    axes = field.grid.axes_ras
    return np.einsum("ab,bcn,dc->adn", axes, F, axes)


def _wall_strain(field: Field, where: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return strain_along_axes(_gradient(field, where), axes)
