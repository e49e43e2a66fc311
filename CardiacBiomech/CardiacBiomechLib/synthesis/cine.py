"""How a scanner sees the phantom: thick short-axis slices, mis-shifted breath-holds, bias field, Rician noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter

from CardiacBiomechLib.synthesis.anatomy import Brightness, Surroundings, Texture, brightness_at, labels_at
from CardiacBiomechLib.synthesis.ventricle import Ventricle
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.registration.field import Field


@dataclass(frozen=True)
class Scanner:
    """Imaging settings; ``texture`` is the speckle's standard deviation (0: flat myocardium as in real cine).

    ``organs`` is the contrast of organs around the heart (0: plain surroundings).
    """

    shape_kji: tuple[int, int, int] = (16, 128, 128)
    spacing_kji_mm: tuple[float, float, float] = (8.0, 1.4, 1.4)
    center_ras_mm: tuple[float, float, float] = (0.0, 0.0, -14.0)
    texture: float = 0.0
    signal_to_noise: float = 25.0
    slice_shift_mm: float = 0.0
    bias: float = 0.0
    organs: float = 0.0
    samples_per_slice: int = 5
    brightness: Brightness = field(default_factory=Brightness)

    def grid(self) -> Grid:
        """Return the voxel centres around ``center_ras_mm``, in LPS order."""
        grid = Grid.centered(self.shape_kji, self.spacing_kji_mm)
        grid.ijk_to_ras[:3, 3] += self.center_ras_mm
        return grid


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of the cine with its true labels."""

    image: Volume
    labels: Volume
    phase: float


def phase_curve(frames: int, systole: float = 0.35) -> np.ndarray:
    """Share of the end-systolic motion at equally spaced times of one cycle: ejection, early filling, atrial kick."""
    time = np.arange(frames) / frames
    ejection = 0.5 * (1.0 - np.cos(np.pi * np.clip(time / systole, 0, 1)))
    early = 0.5 * (1.0 - np.cos(np.pi * np.clip((time - systole) / 0.25, 0, 1)))
    late = 0.5 * (1.0 - np.cos(np.pi * np.clip((time - 0.85) / 0.15, 0, 1)))
    return ejection - 0.8 * early - 0.2 * late


def acquire(ventricle: Ventricle, scanner: Scanner, phases: np.ndarray, seed: int = 0) -> list[Frame]:
    """Images and labels of one heart at the given phases; slice shifts, bias and speckle are the heart's own."""
    random = np.random.default_rng(seed)
    shifts_mm = random.uniform(-scanner.slice_shift_mm, scanner.slice_shift_mm, (scanner.shape_kji[0], 2))
    coil = gaussian_filter(random.standard_normal(scanner.shape_kji), [n / 4 for n in scanner.shape_kji])
    gain = np.exp(scanner.bias * coil / (coil.std() + 1e-12))
    paint = _Paint(
        ventricle,
        scanner,
        Texture(seed) if scanner.texture > 0 else None,
        Surroundings(seed, scanner.organs) if scanner.organs > 0 else None,
    )
    return [_frame(paint, float(phase), shifts_mm, gain, random) for phase in phases]


def true_field(ventricle: Ventricle, grid: Grid, phase: float = 1.0) -> Field:
    """End-diastole fixed, ``phase`` moving: u on the end-diastolic grid."""
    centers = grid.centers_ras_mm()
    return Field(ventricle.at_phase(phase).displacement(centers).astype(np.float32), grid)


def true_inverse_field(ventricle: Ventricle, grid: Grid, phase: float = 1.0) -> Field:
    """``phase`` fixed, end-diastole moving: u on the grid of that phase."""
    centers = grid.centers_ras_mm()
    return Field((ventricle.at_phase(phase).inverse(centers) - centers).astype(np.float32), grid)


@dataclass(frozen=True, eq=False)
class _Paint:
    """Brightness of end-diastolic points of one heart."""

    ventricle: Ventricle
    scanner: Scanner
    texture: Texture | None
    surroundings: Surroundings | None

    def at(self, material_mm: np.ndarray) -> np.ndarray:
        signal = brightness_at(self.ventricle, material_mm, self.scanner.brightness)
        if self.surroundings is not None:
            signal = signal + self.surroundings.at(self.ventricle, material_mm)
        if self.texture is not None:
            signal = signal + self.scanner.texture * self.texture.at(material_mm)
        return signal


def _frame(paint: _Paint, phase: float, shifts_mm: np.ndarray, gain: np.ndarray, random: np.random.Generator) -> Frame:
    ventricle, scanner = paint.ventricle, paint.scanner
    grid = scanner.grid()
    moved = ventricle.at_phase(phase)
    centers = grid.centers_ras_mm()
    centers[..., :2] += shifts_mm[:, None, None, :]
    signal = np.zeros(scanner.shape_kji)
    for offset in _slice_offsets_mm(scanner):
        material = moved.inverse(centers + np.array([0.0, 0.0, offset]))
        signal += paint.at(material) / scanner.samples_per_slice
    image = _noisy(signal * gain, scanner.brightness.blood / scanner.signal_to_noise, random)
    labels = labels_at(ventricle, moved.inverse(centers))
    return Frame(grid.volume(image.astype(np.float32)), grid.volume(labels), phase)


def _slice_offsets_mm(scanner: Scanner) -> np.ndarray:
    count = scanner.samples_per_slice
    return (np.arange(count) + 0.5 - count / 2) / count * scanner.spacing_kji_mm[0]


def _noisy(signal: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    """Rician magnitude of a complex signal with Gaussian noise (Gudbjartsson and Patz 1995)."""
    real = signal + sigma * random.standard_normal(signal.shape)
    return np.hypot(real, sigma * random.standard_normal(signal.shape))
