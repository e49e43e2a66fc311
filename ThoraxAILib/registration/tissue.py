"""Stiffness of labeled tissue: which parts of an image behave like solid, and how strongly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Moduli:
    """Relative shear weight mu and bulk weight kappa; kappa/mu = 5 is Poisson's ratio 0.41, 50 is 0.49."""

    mu: float
    kappa: float


@dataclass(frozen=True, eq=False)
class TissueMap:
    """Labels (k, j, i) with the moduli of each; ``frame`` says which image the labels belong to.

    Labels that ``moduli`` does not name get ``background``. Blood and lung must not be held like a solid.
    """

    labels: np.ndarray
    moduli: Mapping[int, Moduli]
    frame: str = "fixed"
    background: Moduli = field(default_factory=lambda: Moduli(0.1, 0.1))

    def __post_init__(self) -> None:
        if self.frame not in ("fixed", "moving"):
            raise ValueError(f"frame must be 'fixed' or 'moving', not {self.frame!r}")

    def maps(self) -> np.ndarray:
        """mu and kappa of every voxel, (2, k, j, i) float32."""
        result = np.empty((2, *self.labels.shape), dtype=np.float32)
        result[0], result[1] = self.background.mu, self.background.kappa
        for label, moduli in self.moduli.items():
            here = self.labels == label
            result[0][here], result[1][here] = moduli.mu, moduli.kappa
        return result
