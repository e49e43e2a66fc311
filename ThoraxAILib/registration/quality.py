"""One report on a displacement field, used by every caller: folding, volume change, consistency, in mm and percent."""

from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass

import numpy as np

from ThoraxAILib.registration.deformation.elasticity import deformation_gradient, determinant
from ThoraxAILib.registration.field import Field, add, compose


@dataclass(frozen=True)
class FieldQuality:
    """What can be said about a field without knowing the true motion; percentages of voxels or cells."""

    folded_percent: float
    folded_cells_percent: float
    sd_log_j: float
    min_j: float
    mean_displacement_mm: float
    max_displacement_mm: float
    tissue_folded_percent: float | None = None
    tissue_j_mean: float | None = None
    tissue_j_sd: float | None = None
    tissue_mean_abs_j_minus_1: float | None = None
    inverse_consistency_mean_mm: float | None = None
    inverse_consistency_p95_mm: float | None = None
    summed_vs_composed_mean_mm: float | None = None
    summed_vs_composed_max_mm: float | None = None
    temporal_drift_mean_mm: float | None = None

    def as_json(self) -> dict[str, float]:
        """Return the measured entries only."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def jacobian(field: Field) -> np.ndarray:
    """J = det(I + grad u) at every voxel centre, by central differences in mm."""
    return determinant(deformation_gradient(field.along_axes_mm(), field.grid.spacing_kji_mm))


def folded_cells(field: Field) -> np.ndarray:
    """Cells between 8 neighboring voxel centres that turn inside out at one or more of their corners.

    Stricter than central differences, which miss folds of one voxel (Liu et al., Int. J. Comput. Vis. 132, 2024).
    """
    spacing = field.grid.spacing_kji_mm
    position = field.along_axes_mm() + np.stack(
        np.meshgrid(
            *(np.arange(size) * step for size, step in zip(field.grid.shape_kji, spacing, strict=True)), indexing="ij"
        )
    )
    edges = [np.diff(position, axis=1 + axis) / spacing[axis] for axis in range(3)]
    cell_shape = tuple(size - 1 for size in field.grid.shape_kji)
    folded = np.zeros(cell_shape, dtype=bool)
    for corner in itertools.product((0, 1), repeat=3):
        columns = []
        for axis in range(3):
            start = [0 if other == axis else corner[other] for other in range(3)]
            window = tuple(slice(s, s + n) for s, n in zip(start, cell_shape, strict=True))
            columns.append(edges[axis][(slice(None), *window)])
        folded |= determinant(np.stack(columns, axis=1)) <= 0
    return folded


def inverse_consistency_mm(forward: Field, backward: Field) -> np.ndarray:
    """|phi_backward(phi_forward(x)) - x| in mm at every voxel centre of the forward field."""
    return np.linalg.norm(compose(forward, backward).displacement_ras_mm, axis=-1)


def summed_vs_composed_mm(increments: list[Field]) -> np.ndarray:
    """Distance in mm between the sum of a cascade's fields and their composition, at every voxel centre."""
    composed = increments[0]
    for increment in increments[1:]:
        composed = compose(increment, composed)
    return np.linalg.norm(add(increments).displacement_ras_mm - composed.displacement_ras_mm, axis=-1)


def temporal_drift_mm(steps: list[Field]) -> np.ndarray:
    """How far a point ends from where it began after going through all steps of a closed cycle, in mm."""
    total = steps[0]
    for step in steps[1:]:
        total = compose(total, step)
    return np.linalg.norm(total.displacement_ras_mm, axis=-1)


def assess(
    field: Field, tissue: np.ndarray | None = None, backward: Field | None = None, increments: list[Field] | None = None
) -> FieldQuality:
    """Return the report on ``field``; ``tissue`` (k, j, i) is where J should be 1, ``backward`` the reversed
    registration.
    """
    J = jacobian(field)
    length = np.linalg.norm(field.displacement_ras_mm, axis=-1)
    cells = folded_cells(field)
    extra: dict[str, float] = {}
    if tissue is not None and tissue.any():
        inside = J[tissue.astype(bool)]
        extra.update(
            tissue_folded_percent=100.0 * float((inside <= 0).mean()),
            tissue_j_mean=float(inside.mean()),
            tissue_j_sd=float(inside.std()),
            tissue_mean_abs_j_minus_1=float(np.abs(inside - 1).mean()),
        )
    if backward is not None:
        error = inverse_consistency_mm(field, backward)
        extra.update(
            inverse_consistency_mean_mm=float(error.mean()), inverse_consistency_p95_mm=float(np.percentile(error, 95))
        )
    if increments is not None and len(increments) > 1:
        distance = summed_vs_composed_mm(increments)
        extra.update(summed_vs_composed_mean_mm=float(distance.mean()), summed_vs_composed_max_mm=float(distance.max()))
    return FieldQuality(
        folded_percent=100.0 * float((J <= 0).mean()),
        folded_cells_percent=100.0 * float(cells.mean()) if cells.size else 0.0,
        sd_log_j=float(np.log(J.clip(1e-9)).std()),
        min_j=float(J.min()),
        mean_displacement_mm=float(length.mean()),
        max_displacement_mm=float(length.max()),
        **extra,
    )
