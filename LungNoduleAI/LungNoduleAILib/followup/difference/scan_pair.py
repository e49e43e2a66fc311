"""Both dates on one grid, alike but for what changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ThoraxAILib.image.grid import Grid


@dataclass(frozen=True, eq=False)
class ScanPair:
    """Both dates on one grid in HU: smoothed to one resolution, the prior with the current lung density.

    ``prior_seen`` is the prior before structures were diluted by their volume change, ``level`` the HU of lung tissue
    nearby. ``inside`` is where both show lung, ``parenchyma`` where both show nothing but lung tissue, ``error_mm`` the
    registration uncertainty.
    """

    grid: Grid
    current: np.ndarray
    prior: np.ndarray
    prior_seen: np.ndarray
    level: np.ndarray
    inside: np.ndarray
    parenchyma: np.ndarray
    error_mm: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """Current minus prior, 0 outside."""
        return (self.current - self.prior) * self.inside
