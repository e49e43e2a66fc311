"""Two dates of one synthetic chest whose motion is known in closed form: breath level, shift and elastic waves.

The prior is the phantom as it is; the current scan shows at x what the phantom holds at ``motion.to_prior(x)``, with
lung density following the volume change, and its own blur and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from LungNoduleAILib.synthesis.geometry.grid import Grid
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.scanner.point_spread import scan
from LungNoduleAILib.synthesis.test_phantom.thorax import CENTER_RAS_MM, make_thorax
from scipy.ndimage import map_coordinates

from ThoraxAILib.image.volume import SeriesIdentity, Volume

SIZE_MM = (330.0, 240.0, 300.0)


@dataclass(frozen=True)
class Motion:
    """Current to prior (pull-back), RAS mm: shift, diaphragm motion of ``breath_mm``, waves of ``wave_mm``."""

    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    breath_mm: float = 0.0
    wave_mm: float = 0.0
    wave_length_mm: float = 130.0

    def to_prior(self, points: np.ndarray) -> np.ndarray:
        """Where points (..., 3) of the current scan lie in the prior scan."""
        r, a, s = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
        depth = 1.0 / (1.0 + np.exp((s + 30.0) / 35.0))  # 0 at the apex, 1 at the base
        turn = 2 * np.pi / self.wave_length_mm
        u = np.stack([
            self.wave_mm * np.sin(turn * a + 1.0) * np.cos(turn * s / 1.3),
            0.15 * self.breath_mm * depth + self.wave_mm * np.sin(turn * s + 2.0) * np.cos(turn * r / 1.3),
            self.breath_mm * depth + self.wave_mm * np.sin(turn * r + 0.5) * np.cos(turn * a / 1.3)], -1)
        return np.asarray(points, dtype=float) + u + np.array(self.shift_mm)

    def to_current(self, points: np.ndarray) -> np.ndarray:
        """Inverse of ``to_prior`` by iteration."""
        found = np.asarray(points, dtype=float) - np.array(self.shift_mm)
        for _ in range(60):
            found = found + 0.7 * (points - self.to_prior(found))
        return found


@dataclass(frozen=True)
class Scanner:
    """Voxel size (i, j, k) in mm, blur and noise of one date."""

    spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.5)
    psf_fwhm_mm: float = 1.5
    noise_hu: float = 20.0


@dataclass(frozen=True, eq=False)
class Date:
    """One scan with its labels (as Anatomy) on the same grid."""

    volume: Volume
    labels: np.ndarray


def patient(seed: int, nodules: Sequence[PlantedNodule] = (), spacing_mm: float = 1.5) -> Date:
    """The chest of ``seed`` without noise: only these nodules."""
    phantom = make_thorax(seed, (spacing_mm,) * 3, shape_ijk=tuple(int(s / spacing_mm) for s in SIZE_MM), noise_hu=0,
                          psf_fwhm_mm=0.5, nodules=nodules, table=False)
    return Date(phantom.volume, phantom.labels)


def scanned(clean: Date, motion: Motion, scanner: Scanner, seed: int, date: str = "",
            size_mm: tuple[float, float, float] = SIZE_MM) -> Date:
    """A scan of the patient after ``motion``: lungs thinned or thickened by its volume change, blurred, noisy."""
    shape = tuple(int(size / step) for size, step in zip(size_mm, scanner.spacing_mm, strict=True))
    center = motion.to_current(np.array(CENTER_RAS_MM))
    grid = Grid.around(center, scanner.spacing_mm, shape)
    empty = Volume(np.zeros(grid.shape_kji, np.int16), grid.ijk_to_ras)
    points = empty.ras_from_kji(np.moveaxis(np.indices(grid.shape_kji), 0, -1))
    targets = motion.to_prior(points)
    index = np.moveaxis(clean.volume.kji_from_ras(targets), -1, 0)
    hu = map_coordinates(clean.volume.array.astype(np.float32), index, order=1, mode="constant", cval=-1000)
    labels = map_coordinates(clean.labels, np.rint(index), order=0, mode="constant", cval=0)
    growth = _volume_change(targets, grid)
    tissue = (labels > 0) & (hu < -500)
    hu[tissue] = (hu[tissue] + 1000) * growth[tissue] - 1000
    image = scan(hu, grid.spacing_kji_mm, scanner.psf_fwhm_mm, scanner.noise_hu, np.random.default_rng(seed))
    return Date(Volume(image, grid.ijk_to_ras, identity=SeriesIdentity(study_date=date)), labels)


def _volume_change(targets: np.ndarray, grid: Grid) -> np.ndarray:
    """Prior volume per current volume at every voxel."""
    steps = [np.stack(np.gradient(targets[..., axis]), -1) for axis in range(3)]
    voxel = abs(np.linalg.det(grid.ijk_to_ras[:3, :3]))
    return np.abs(np.linalg.det(np.stack(steps, -2))).astype(np.float32) / np.float32(voxel)


def lung_points(date: Date, count: int = 400, seed: int = 0) -> np.ndarray:
    """RAS points of random lung voxels of a date."""
    index = np.argwhere((date.labels >= 1) & (date.labels <= 5))
    chosen = np.random.default_rng(seed).choice(len(index), count, replace=False)
    return date.volume.ras_from_kji(index[chosen])
