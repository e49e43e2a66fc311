"""What tissue is where in the phantom at end-diastole, and how bright it is in a cine image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from CardiacBiomechLib.synthesis.ventricle import RightVentricle, Ventricle

BACKGROUND, RV, MYOCARDIUM, LV = 0, 1, 2, 3  # as in ACDC


@dataclass(frozen=True)
class Brightness:
    """Relative signal of tissues in a balanced steady-state cine image."""

    blood: float = 1.0
    myocardium: float = 0.35
    surroundings: float = 0.55
    papillary_mm: float = 0.0


def labels_at(ventricle: Ventricle, points_mm: np.ndarray) -> np.ndarray:
    """ACDC labels (uint8) of end-diastolic points."""
    s = ventricle.radial_coordinate(points_mm)
    below = np.ones(s.shape, dtype=bool) if ventricle.base_mm is None else points_mm[..., 2] < ventricle.base_mm
    labels = np.zeros(s.shape, dtype=np.uint8)
    if ventricle.right is not None:
        labels[(_right_coordinate(ventricle.right, points_mm) < 1.0) & below] = RV
    labels[(s <= ventricle.epi_mm) & below] = MYOCARDIUM
    labels[(s < ventricle.endo_mm) & below] = LV
    return labels


def brightness_at(
    ventricle: Ventricle, points_mm: np.ndarray, brightness: Brightness, edge_mm: float = 0.6
) -> np.ndarray:
    """Signal of end-diastolic points, with edges as soft as ``edge_mm``. Blood goes on above the base (atria)."""
    s = ventricle.radial_coordinate(points_mm)
    signal = np.full(s.shape, brightness.surroundings)
    if ventricle.right is not None:
        outer = _right_coordinate(ventricle.right, points_mm)
        size = min(ventricle.right.radii_mm)
        free_wall = _inside((1.0 - outer) * size + ventricle.right.wall_mm, edge_mm)
        signal += free_wall * (brightness.myocardium - signal)
        signal += _inside((1.0 - outer) * size, edge_mm) * (brightness.blood - signal)
    wall = _inside(ventricle.epi_mm - s, edge_mm)
    if ventricle.base_mm is not None:
        wall = wall * _inside(ventricle.base_mm - points_mm[..., 2], edge_mm)
    signal += wall * (brightness.myocardium - signal)
    signal += _inside(ventricle.endo_mm - s, edge_mm) * (brightness.blood - signal)
    if brightness.papillary_mm > 0:
        signal += _papillary(ventricle, points_mm, brightness, edge_mm) * (brightness.myocardium - signal)
    return signal


def _papillary(ventricle: Ventricle, points_mm: np.ndarray, brightness: Brightness, edge_mm: float) -> np.ndarray:
    """Two muscles along the long axis near the free wall of the cavity; they move as the cavity does."""
    share = np.zeros(points_mm.shape[:-1])
    for angle in (150.0, 250.0):
        x, y = 0.62 * ventricle.endo_mm * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        across = np.hypot(points_mm[..., 0] - x, points_mm[..., 1] - y)
        along = np.abs(points_mm[..., 2] + 15.0)
        share = np.maximum(share, _inside(brightness.papillary_mm - across, edge_mm) * _inside(20.0 - along, edge_mm))
    return share


def _right_coordinate(right: RightVentricle, points_mm: np.ndarray) -> np.ndarray:
    """Below 1 inside the right ventricle's spheroid (the left ventricle is cut out of it)."""
    offset = (points_mm - np.array(right.center_mm)) / np.array(right.radii_mm)
    return np.linalg.norm(offset, axis=-1)


def _inside(distance_mm: np.ndarray, edge_mm: float) -> np.ndarray:
    """Share of tissue at a signed distance from its border, 0..1."""
    return 0.5 * (1.0 + np.tanh(distance_mm / edge_mm))


class Texture:
    """Speckle that moves with the tissue: a fixed random field of unit variance in end-diastolic coordinates."""

    def __init__(self, seed: int, grain_mm: float = 1.8, reach_mm: float = 80.0, step_mm: float = 1.5) -> None:
        size = int(2 * reach_mm / step_mm) + 1
        noise = np.random.default_rng(seed).standard_normal((size, size, size)).astype(np.float32)
        smooth = gaussian_filter(noise, grain_mm / step_mm)
        self._field = smooth / smooth.std()
        self._reach_mm, self._step_mm = reach_mm, step_mm

    def at(self, points_mm: np.ndarray) -> np.ndarray:
        """Value at end-diastolic points (..., 3); repeats outside its reach."""
        index = np.moveaxis((points_mm + self._reach_mm) / self._step_mm, -1, 0)
        return map_coordinates(self._field, index, order=1, mode="grid-wrap")


class Surroundings:
    """Organs of piecewise constant brightness around the heart: level sets of smooth noise, blended in with distance.

    ``variety`` 0 gives the plain surroundings. The organs follow the heart's motion as far as it reaches.
    """

    LEVELS = np.array([0.1, 0.25, 0.5, 0.6, 0.8, 1.0])

    def __init__(self, seed: int, variety: float, near_mm: float = 6.0) -> None:
        self._random = Texture(seed + 7919, grain_mm=12.0, reach_mm=96.0, step_mm=3.0)
        self._variety, self._near_mm = variety, near_mm

    def at(self, ventricle: Ventricle, points_mm: np.ndarray) -> np.ndarray:
        """Return what to add to the plain brightness at end-diastolic points."""
        distance = ventricle.radial_coordinate(points_mm) - ventricle.epi_mm
        if ventricle.right is not None:
            right = (_right_coordinate(ventricle.right, points_mm) - 1.0) * min(ventricle.right.radii_mm)
            distance = np.minimum(distance, right - ventricle.right.wall_mm)
        rank = np.clip((self._random.at(points_mm) + 1.5) / 3.0, 0.0, 0.999)
        organ = self.LEVELS[(rank * len(self.LEVELS)).astype(int)]
        far = _inside(distance - self._near_mm, 2.0)
        return self._variety * far * (organ - 0.55)
