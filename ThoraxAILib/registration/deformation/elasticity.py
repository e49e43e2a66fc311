"""Deformation gradient, its invariants and the compressible Neo-Hookean energy, for numpy arrays and torch tensors.

Tensors lead: F[a, b] is du_a/dx_b + delta_ab with any shape behind. Phi = mu/2 (I1 J^(-2/3) - 3) + kappa/2 (J - 1)^2,
I1 = tr(F^T F), J = det F (isochoric split; Bonet and Wood, Nonlinear Continuum Mechanics, 2nd ed., eq. 6.55).
Two-dimensional motion is plane strain: F is still 3x3 with F33 = 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", np.ndarray, "Tensor")
MIN_J = 0.05  # below it J^(-2/3) is frozen, so that the energy stays finite when tissue folds
BARRIER_J = 0.15  # below it the quadratic barrier acts; the energy is exact above
BARRIER_WEIGHT = 50.0


def determinant(F: Array) -> Array:
    """J = det F of tensors (3, 3, ...)."""
    return (
        F[0, 0] * (F[1, 1] * F[2, 2] - F[1, 2] * F[2, 1])
        - F[0, 1] * (F[1, 0] * F[2, 2] - F[1, 2] * F[2, 0])
        + F[0, 2] * (F[1, 0] * F[2, 1] - F[1, 1] * F[2, 0])
    )


def first_invariant(F: Array) -> Array:
    """I1 = tr(F^T F) of tensors (3, 3, ...)."""
    first, *others = (F[a, b] * F[a, b] for a in range(3) for b in range(3))
    return sum(others, first)


def isochoric_term(F: Array) -> Array:
    """I1 J^(-2/3) - 3: change of shape without change of volume; 0 for rotations and dilations."""
    return first_invariant(F) * determinant(F).clip(MIN_J, None) ** (-2.0 / 3.0) - 3.0


def neo_hookean(F: Array, mu: Array | float = 1.0, kappa: Array | float = 1.0) -> Array:
    """Energy density of F (3, 3, ...), in the unit of the moduli; exact wherever J >= ``MIN_J``."""
    volume_change = determinant(F) - 1.0
    return mu / 2.0 * isochoric_term(F) + kappa / 2.0 * volume_change * volume_change


def fold_barrier(J: Array) -> Array:
    """Return a penalty that is 0 above ``BARRIER_J`` and grows quadratically as tissue collapses and folds."""
    missing = (1.0 - J / BARRIER_J).clip(0.0, None)
    return BARRIER_WEIGHT / 2.0 * missing * missing


def first_piola_kirchhoff(F: np.ndarray, mu: float = 1.0, kappa: float = 1.0) -> np.ndarray:
    """dPhi/dF = mu J^(-2/3) (F - I1/3 F^-T) + kappa J (J - 1) F^-T for tensors (3, 3, ...), J > 0."""
    J = determinant(F)
    inverse_transposed = np.moveaxis(np.linalg.inv(np.moveaxis(F, (0, 1), (-1, -2))), (-2, -1), (0, 1))
    isochoric = mu * J ** (-2.0 / 3.0) * (F - first_invariant(F) / 3.0 * inverse_transposed)
    return isochoric + kappa * J * (J - 1.0) * inverse_transposed


def deformation_gradient(components_mm: np.ndarray, spacing_kji_mm: np.ndarray) -> np.ndarray:
    """F (3, 3, k, j, i) in the array axes of a field (3, k, j, i) in mm, by central differences in mm/mm.

    An axis of one voxel has no derivative: F is the identity along it (plane strain).
    """
    F = np.zeros((3, 3, *components_mm.shape[1:]))
    for b in range(3):
        if components_mm.shape[1 + b] > 1:
            F[:, b] = np.gradient(components_mm.astype(float), float(spacing_kji_mm[b]), axis=1 + b)
        F[b, b] += 1.0
    return F


def green_lagrange(F: np.ndarray) -> np.ndarray:
    """E = (F^T F - I) / 2 of tensors (3, 3, ...)."""
    E = np.einsum("ca...,cb...->ab...", F, F) / 2.0
    for a in range(3):
        E[a, a] -= 0.5
    return E
