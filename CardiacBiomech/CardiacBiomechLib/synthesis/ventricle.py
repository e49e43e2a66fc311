"""An analytic left ventricle: thick-walled spheroid whose wall motion is exactly incompressible, with a closed inverse.

With s = sqrt(x^2 + y^2 + (z/e)^2) the wall is s_endo <= s <= s_epi. Three volume-preserving maps follow each other:
radial s'^3 = s^3 + a(direction), torsion by an angle proportional to z, and a stretch diag(l^-1/2, l^-1/2, l).
After Arts et al., J. Biomech. 25:1119 (1992) and Waks et al., MMBIA 1996, in the spheroidal form of Moore's phantom.
Positions are RAS mm with the long axis along z, the apex at negative z and the right ventricle towards +x.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

DECAY_MM = 14.0  # over this distance the wall's motion fades in the tissue around it


@dataclass(frozen=True)
class Infarct:
    """A region that contracts less: ``direction`` (RAS, need not be of unit length), ``remaining`` share of motion."""

    direction: tuple[float, float, float] = (0.0, 1.0, 0.0)
    half_angle_deg: float = 45.0
    remaining: float = 0.2


@dataclass(frozen=True)
class RightVentricle:
    """A crescent beside the septum; ``emptying`` in 0..1 is how far its free wall comes towards the septum."""

    center_mm: tuple[float, float, float] = (30.0, 8.0, 6.0)
    radii_mm: tuple[float, float, float] = (26.0, 34.0, 46.0)
    wall_mm: float = 3.5
    emptying: float = 0.75


@dataclass(frozen=True)
class Ventricle:
    """Shape at end-diastole and motion to end-systole (``phase`` 1); ``at_phase`` gives the states between."""

    endo_mm: float = 24.0
    epi_mm: float = 34.0
    elongation: float = 1.9
    base_mm: float | None = 30.0
    ejection_fraction: float = 0.60
    longitudinal_stretch: float = 0.97
    torsion_rad_per_mm: float = float(np.deg2rad(12.0) / 60.0)
    infarct: Infarct | None = None
    right: RightVentricle | None = field(default_factory=RightVentricle)

    def at_phase(self, phase: float) -> Ventricle:
        """Return the same heart whose full motion is ``phase`` (0 end-diastole .. 1 end-systole) of this one's."""
        right = None if self.right is None else replace(self.right, emptying=phase * self.right.emptying)
        return replace(
            self,
            ejection_fraction=phase * self.ejection_fraction,
            longitudinal_stretch=1.0 + phase * (self.longitudinal_stretch - 1.0),
            torsion_rad_per_mm=phase * self.torsion_rad_per_mm,
            right=right,
        )

    def radial_coordinate(self, points_mm: np.ndarray) -> np.ndarray:
        """s of points (..., 3): ``endo_mm`` on the endocardium, ``epi_mm`` on the epicardium at end-diastole."""
        x, y, z = points_mm[..., 0], points_mm[..., 1], points_mm[..., 2] / self.elongation
        return np.sqrt(x * x + y * y + z * z)

    def in_wall(self, points_mm: np.ndarray) -> np.ndarray:
        """Which end-diastolic points lie in the wall below the base."""
        s = self.radial_coordinate(points_mm)
        below = True if self.base_mm is None else points_mm[..., 2] < self.base_mm
        return (s >= self.endo_mm) & (s <= self.epi_mm) & below

    def forward(self, points_mm: np.ndarray) -> np.ndarray:
        """Where end-diastolic points (..., 3) are at end-systole; also takes complex points (for ``gradient``)."""
        s = self.radial_coordinate(points_mm) + 1e-12
        direction = points_mm / np.array([1.0, 1.0, self.elongation]) / s[..., None]
        moved = points_mm * (self._radius_after(s, direction) / s)[..., None]
        return self._stretch() * self._twist(moved, 1.0)

    def inverse(self, points_mm: np.ndarray) -> np.ndarray:
        """Where end-systolic points (..., 3) were at end-diastole; exact in the wall, Newton to 1e-9 mm outside."""
        moved = self._twist(points_mm / self._stretch(), -1.0)
        after = self.radial_coordinate(moved) + 1e-12
        direction = moved / np.array([1.0, 1.0, self.elongation]) / after[..., None]
        return moved * (self._radius_before(after, direction) / after)[..., None]

    def displacement(self, points_mm: np.ndarray) -> np.ndarray:
        """u = forward(X) - X at end-diastolic points."""
        return self.forward(points_mm) - points_mm

    def deformation_gradient(self, points_mm: np.ndarray) -> np.ndarray:
        """F (3, 3, ...) at end-diastolic points by the complex step, exact to rounding (Squire and Trapp 1998)."""
        step = 1e-30
        columns = []
        for axis in range(3):
            shifted = points_mm.astype(complex)
            shifted[..., axis] += 1j * step
            columns.append(np.moveaxis(self.forward(shifted).imag / step, -1, 0))
        return np.stack(columns, 1)

    def local_axes(self, points_mm: np.ndarray) -> np.ndarray:
        """Return unit vectors (3, ..., 3): radial (outward), circumferential, longitudinal (base to apex at -z) at
        points.
        """
        radial = points_mm / np.array([1.0, 1.0, self.elongation**2])
        radial = radial / (np.linalg.norm(radial, axis=-1, keepdims=True) + 1e-12)
        around = np.stack([-points_mm[..., 1], points_mm[..., 0], np.zeros(points_mm.shape[:-1])], -1)
        around = around / (np.linalg.norm(around, axis=-1, keepdims=True) + 1e-12)
        return np.stack([radial, around, np.cross(around, radial)])

    def _stretch(self) -> np.ndarray:
        along = self.longitudinal_stretch
        return np.array([along**-0.5, along**-0.5, along])

    def _twist(self, points_mm: np.ndarray, sign: float) -> np.ndarray:
        """Rotation about z by an angle that depends on z and s only, so that it keeps both and all volumes."""
        s = self.radial_coordinate(points_mm)
        angle = sign * self.torsion_rad_per_mm * points_mm[..., 2] * _decay(s, self.epi_mm)
        c, d = np.cos(angle), np.sin(angle)
        x, y = points_mm[..., 0], points_mm[..., 1]
        return np.stack([c * x - d * y, d * x + c * y, points_mm[..., 2]], -1)

    def _shift(self, direction: np.ndarray) -> np.ndarray:
        """a(direction) < 0 in mm^3: the cavity of a full spheroid loses exactly the ejection fraction."""
        whole = -self.ejection_fraction * self.endo_mm**3
        if self.infarct is None:
            return whole + 0.0 * direction[..., 0]
        axis = np.array(self.infarct.direction, dtype=float)
        axis /= np.linalg.norm(axis)
        cosine = direction @ axis
        width = 1.0 - np.cos(np.deg2rad(self.infarct.half_angle_deg))
        return whole * (1.0 - (1.0 - self.infarct.remaining) * np.exp(-(((1.0 - cosine) / width) ** 2)))

    def _free_wall(self, direction: np.ndarray) -> np.ndarray:
        """How much of the right ventricle's motion acts in a direction."""
        if self.right is None:
            return 0.0 * direction[..., 0]
        axis = np.array(self.right.center_mm) / np.array([1.0, 1.0, self.elongation])
        cosine = direction @ (axis / np.linalg.norm(axis))
        return self.right.emptying * np.exp(-(((1.0 - cosine) / 0.55) ** 2))

    def _squeeze(self, s: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """s after the right ventricle's free wall has come nearer; changes nothing inside the left ventricle."""
        if self.right is None:
            return s
        distance = s - self.epi_mm
        reach = 0.9 * self.right.radii_mm[0]
        outside = distance * (1.0 - self._free_wall(direction) * np.exp(-((distance / reach) ** 2)))
        return np.where(distance.real > 0, self.epi_mm + outside, s)

    def _radius_after(self, s: np.ndarray, direction: np.ndarray) -> np.ndarray:
        shift = self._shift(direction)
        squeezed = self._squeeze(s, direction)
        wall = (
            np.where(s.real >= self.endo_mm, squeezed, self.endo_mm) ** 3 + shift * _decay(squeezed, self.epi_mm)
        ) ** (1.0 / 3.0)
        cavity = s / self.endo_mm * (self.endo_mm**3 + shift) ** (1.0 / 3.0)
        return np.where(s.real >= self.endo_mm, wall, cavity)

    def _radius_before(self, after: np.ndarray, direction: np.ndarray) -> np.ndarray:
        shift = self._shift(direction)
        endo, epi = np.cbrt(self.endo_mm**3 + shift), np.cbrt(self.epi_mm**3 + shift)
        before = np.where(after < endo, after * self.endo_mm / endo, np.cbrt(np.maximum(after**3 - shift, 0.0)))
        outside = after > epi
        if outside.any():
            before[outside] = self._solve_outside(after[outside], direction[outside])
        return before

    def _solve_outside(self, after: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Bisection, then Newton steps, on the monotone radius outside the wall."""
        low = np.full_like(after, self.epi_mm)
        high = after + 2.0 * self.epi_mm
        for _ in range(24):
            middle = (low + high) / 2.0
            below = self._radius_after(middle, direction) < after
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        radius = (low + high) / 2.0
        for _ in range(2):
            value = self._radius_after(radius + 1e-30j, direction)
            radius = radius - (value.real - after) / np.maximum(value.imag / 1e-30, 1e-3)
        return radius


def _decay(s: np.ndarray, epi_mm: float) -> np.ndarray:
    """1 inside the epicardium, falling off outside; smooth at the epicardium."""
    outside = np.where(s.real > epi_mm, s - epi_mm, 0.0)
    return np.exp(-((outside / DECAY_MM) ** 2))
