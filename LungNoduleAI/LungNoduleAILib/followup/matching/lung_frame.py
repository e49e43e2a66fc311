"""Distances between nodules of two dates: lungs laid over one another without registration, or through a field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.followup.matching.evidence import MatchItem
from LungNoduleAILib.followup.matching.points import PointOptions, match_positions
from LungNoduleAILib.model.anatomy import AIRWAY
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field

STEP_MM = 4.0
PERCENTILES = (1.0, 99.0)
MIN_HALF_MM = 20.0
# Once the lungs' boxes lie over one another only breathing and a cropped box shift them further.
IN_LUNG_BOXES = PointOptions(shift_mm=(6.0, 6.0, 10.0))


@dataclass(frozen=True, eq=False)
class LungFrame:
    """The box of the lungs of one date: center and half extents (R, A, S) in RAS mm."""

    center_ras_mm: np.ndarray
    half_mm: np.ndarray

    @staticmethod
    def of(volume: Volume, labels: np.ndarray) -> LungFrame:
        """Return the box that holds 98 % of the lungs along each axis; raises InputError when there are no lungs.

        ``labels`` are those of Anatomy on the grid of ``volume``.
        """
        stride = np.maximum(1, (STEP_MM / volume.spacing_kji_mm).astype(int))
        part = labels[tuple(slice(None, None, int(s)) for s in stride)]
        points = volume.ras_from_kji(np.argwhere((part > 0) & (part < AIRWAY)) * stride)
        return LungFrame.around(points)

    @staticmethod
    def around(lung_points_ras_mm: np.ndarray) -> LungFrame:
        """Return the frame of lungs given as points (n, 3)."""
        if len(lung_points_ras_mm) < 8:
            raise InputError("No lungs were found, so positions cannot be told relative to them: give a chest CT.")
        low, high = np.percentile(lung_points_ras_mm, PERCENTILES, axis=0)
        return LungFrame((low + high) / 2, np.maximum((high - low) / 2, MIN_HALF_MM))

    def normalized(self, points_ras_mm: np.ndarray) -> np.ndarray:
        """Points (..., 3) with the box of the lungs at -1..1."""
        return (np.asarray(points_ras_mm, dtype=float) - self.center_ras_mm) / self.half_mm

    def placed(self, normalized: np.ndarray) -> np.ndarray:
        """Inverse of ``normalized``."""
        return np.asarray(normalized) * self.half_mm + self.center_ras_mm


def aligned_distances(
    prior: Sequence[MatchItem], current: Sequence[MatchItem], prior_frame: LungFrame, current_frame: LungFrame
) -> np.ndarray:
    """Distance in mm (n_prior, n_current) in the current scan after aligning the lungs' boxes, then the points."""
    moved = current_frame.placed(prior_frame.normalized(points_of(prior)))
    return match_positions(moved, points_of(current), IN_LUNG_BOXES).distance_mm


def registered_distances(prior: Sequence[MatchItem], current: Sequence[MatchItem], field: Field) -> np.ndarray:
    """Distance in mm (n_prior, n_current) in the prior scan; ``field`` leads from the current to the prior scan."""
    at = points_of(current)
    in_prior = at + field.at(at) if len(at) else at
    return np.linalg.norm(points_of(prior)[:, None] - in_prior[None], axis=2)


def points_of(items: Sequence[MatchItem]) -> np.ndarray:
    """Centers (n, 3) in RAS mm."""
    return np.array([item.center_ras_mm for item in items], dtype=float).reshape(-1, 3)
