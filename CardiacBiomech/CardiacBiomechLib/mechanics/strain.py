"""Green-Lagrange strain of the wall in the heart's own axes: radial, circumferential, longitudinal.

E = (F^T F - I)/2 about end-diastole, E_vv = v . E v. Vendors often print the engineering strain sqrt(1 + 2E) - 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.registration.deformation.elasticity import green_lagrange

DEFINITION = (
    "Green-Lagrange strain about end-diastole, E = (F^T F - I)/2 along the local axis; "
    "global = mean over the continuous wall"
)


@dataclass(frozen=True)
class WallStrain:
    """Mean strain over the wall along the three local axes; see ``DEFINITION``."""

    radial: float
    circumferential: float
    longitudinal: float


def strain_along_axes(F: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(3, n) strains of tensors F (3, 3, n) along unit vectors axes (3, n, 3), both in the same frame."""
    E = green_lagrange(F)
    return np.einsum("dna,abn,dnb->dn", axes, E, axes)


def wall_strain(strains: np.ndarray) -> WallStrain:
    """Return the mean over points of (3, n) strains."""
    return WallStrain(*(float(value) for value in strains.mean(1)))
