"""Registration by instance optimization: the loss of a registration network, minimized for one pair, no weights.

Multi-resolution B-spline displacement, multi-scale local correlation, any registered regularizer with its tissue.
Needs no training data and runs on the CPU. PyTorch is imported at file scope.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.threads import torch_threads
from ThoraxAILib.registration.deformation.dense import sample
from ThoraxAILib.registration.deformation.spline import SplineDeformation, SplineLattice, SplineSampler, apply_separable
from ThoraxAILib.registration.field import Field
from ThoraxAILib.registration.inputs import check_image, check_same_grid, normalized
from ThoraxAILib.registration.options import InstanceOptions, Level
from ThoraxAILib.registration.regularizers.protocol import Material
from ThoraxAILib.registration.regularizers.registry import regularizer
from ThoraxAILib.registration.result import Registration
from ThoraxAILib.registration.similarity import LocalCorrelation, SquaredDifference
from ThoraxAILib.registration.tissue import TissueMap

logger = logging.getLogger(__name__)

# Change of the loss per mm and control point (times their number) below which a control point moves slower than
# the step: without it Adam walks at full step on the noise of flat regions.
STILL_GRADIENT = 0.1


@dataclass(frozen=True, eq=False)
class _Pair:
    """Normalized images on one grid, and the moduli of their tissue."""

    fixed: np.ndarray
    moving: np.ndarray
    weight: np.ndarray | None
    spacing_mm: np.ndarray
    moduli: np.ndarray | None
    moduli_frame: str

    @property
    def extent_mm(self) -> tuple[float, float, float]:
        return three(float((n - 1) * s) for n, s in zip(self.fixed.shape, self.spacing_mm, strict=True))


def register(
    fixed: Volume,
    moving: Volume,
    options: InstanceOptions | None = None,
    tissue: TissueMap | None = None,
    mask: np.ndarray | None = None,
    initial: Field | None = None,
    progress: Progress | None = None,
) -> Registration:
    """Return the field on the fixed grid that makes ``moving`` look like ``fixed`` (same grid).

    ``mask`` (k, j, i) says where in the fixed image likeness counts; ``initial`` is where to start. Raises InputError
    for images that cannot be registered and Cancelled when ``progress`` is told to stop.
    """
    options = options or InstanceOptions()
    check_image(fixed, "fixed image")
    check_image(moving, "moving image")
    check_same_grid(fixed, "fixed image", moving, "moving image")
    grid = Grid.of(fixed)
    pair = _Pair(
        normalized(fixed.array, mask),
        normalized(moving.array, mask),
        None if mask is None else mask.astype(np.float32),
        grid.spacing_kji_mm,
        None if tissue is None else tissue.maps(),
        "fixed" if tissue is None else tissue.frame,
    )
    with torch_threads(options.threads):
        return _optimize(pair, grid, options, initial, progress or Progress())


def _optimize(
    pair: _Pair, grid: Grid, options: InstanceOptions, initial: Field | None, progress: Progress
) -> Registration:
    started = time.perf_counter()
    axes_mm = [np.arange(n) * s for n, s in zip(grid.shape_kji, pair.spacing_mm, strict=True)]
    start = torch.zeros(3, *grid.shape_kji) if initial is None else torch.from_numpy(initial.along_axes_mm()).float()
    lattice: SplineLattice | None = None
    coefficients: Tensor | None = None
    total_work = sum(level.iterations for level in options.levels)
    done, previous, increments, last = 0, start, [], (0.0, 0.0)
    for level in options.levels:
        finer = _lattice(pair, level)
        coefficients = (
            _fit(start, finer, axes_mm)
            if lattice is None or coefficients is None
            else lattice.refit(coefficients, finer)
        )
        lattice = finer
        share = progress.part(done / total_work, (done + level.iterations) / total_work)
        objective = _Objective(pair, level, lattice, options)
        coefficients = _minimize(objective, coefficients, level.iterations, options, share)
        last = objective.last
        done += level.iterations
        dense = SplineSampler(lattice, axes_mm).values(coefficients)
        increments.append(Field.from_axes((dense - previous).numpy(), grid))
        previous = dense
    seconds = time.perf_counter() - started
    logger.info("registered in %.1f s: similarity %.4f, energy %.4f", seconds, *last)
    return Registration(Field.from_axes(previous.numpy(), grid), tuple(increments), *last, seconds)


def _lattice(pair: _Pair, level: Level) -> SplineLattice:
    spacing = three(max(level.control_mm, float(step)) for step in pair.spacing_mm)
    return SplineLattice(pair.extent_mm, spacing)


def _fit(dense: Tensor, lattice: SplineLattice, axes_mm: list[np.ndarray]) -> Tensor:
    """Least-squares coefficients of a voxel-wise displacement."""
    if not dense.any():
        return lattice.zeros()
    inverses = [
        torch.linalg.pinv(lattice.basis(points, axis).double(), rtol=1e-6).float()
        for axis, points in enumerate(axes_mm)
    ]
    return apply_separable(dense, inverses)


class _Objective:
    """Loss of spline coefficients at one level: images, similarity, regularizer with its material points."""

    def __init__(self, pair: _Pair, level: Level, lattice: SplineLattice, options: InstanceOptions) -> None:
        shrink = [max(1, round(level.image_mm / step)) for step in pair.spacing_mm]
        self.spacing_mm = pair.spacing_mm * shrink
        fixed, self.moving = (_shrink(image, shrink) for image in (pair.fixed, pair.moving))
        weight = None if pair.weight is None else _shrink(pair.weight, shrink)[0]
        self.sampler = SplineSampler(
            lattice, [np.arange(n) * s for n, s in zip(fixed.shape[1:], self.spacing_mm, strict=True)]
        )
        self.positions = self.sampler.points_mm()
        self.correlation = LocalCorrelation(fixed, self.spacing_mm, level.windows_mm, options.noise_floor, weight)
        self.difference = SquaredDifference(fixed, weight)
        self.regularizer = regularizer(options.regularizer)
        self.options, self.weight = options, options.weight * level.prior
        self.elastic_sampler = SplineSampler(lattice, _material_points(pair, lattice))
        self.elastic_positions = self.elastic_sampler.points_mm()
        self.pair_spacing_mm, self.frame = pair.spacing_mm, pair.moduli_frame
        self.moduli = None if pair.moduli is None else torch.from_numpy(pair.moduli)
        self.material = self._material(self.elastic_positions)
        self.last = (0.0, 0.0)

    def __call__(self, coefficients: Tensor) -> Tensor:
        displacement = self.sampler.values(coefficients)
        warped = sample(self.moving, self.positions + displacement, self.spacing_mm)
        similarity = warped.new_zeros(())
        if self.options.correlation_weight > 0:
            similarity = similarity + self.options.correlation_weight * self.correlation(warped)
        if self.options.intensity_weight > 0:
            similarity = similarity - self.options.intensity_weight * self.difference(warped)
        if self.frame == "moving" and self.moduli is not None:
            with torch.no_grad():
                self.material = self._material(self.elastic_positions + self.elastic_sampler.values(coefficients))
        energy = self.regularizer.energy(SplineDeformation(self.elastic_sampler, coefficients), self.material)
        self.last = (float(similarity.detach()), float(energy.detach()))
        return self.weight * energy - similarity

    def _material(self, positions_mm: Tensor) -> Material:
        if self.moduli is None:
            return Material()
        mu, kappa = sample(self.moduli, positions_mm, self.pair_spacing_mm, mode="nearest")
        return Material(mu, kappa)


def _material_points(pair: _Pair, lattice: SplineLattice) -> list[np.ndarray]:
    """Two points per control distance along each axis, but never denser than the voxels except between thick slices."""
    points = []
    for extent, control, step in zip(pair.extent_mm, lattice.spacing_mm, pair.spacing_mm, strict=True):
        distance = max(control / 2.0, min(float(step), 2.0))
        points.append(np.linspace(0.0, extent, max(2, round(extent / distance) + 1)))
    return points


def _shrink(image: np.ndarray, factors: list[int]) -> Tensor:
    """Every n-th voxel of the smoothed image, (1, k, j, i); the first voxel stays where it was."""
    sigma = [0.0 if factor == 1 else 0.4 * factor for factor in factors]
    smooth = gaussian_filter(image, sigma, mode="nearest") if any(sigma) else image
    return torch.from_numpy(np.ascontiguousarray(smooth[tuple(slice(None, None, f) for f in factors)]))[None]


def _minimize(
    objective: Callable[[Tensor], Tensor],
    coefficients: Tensor,
    iterations: int,
    options: InstanceOptions,
    progress: Progress,
) -> Tensor:
    coefficients = coefficients.clone(memory_format=torch.contiguous_format).requires_grad_(True)
    coefficients.register_hook(lambda gradient: gradient.contiguous())
    if options.optimizer == "adam":
        _adam(objective, coefficients, iterations, options.step_mm, progress)
    else:
        _lbfgs(objective, coefficients, iterations, progress)
    return coefficients.detach()


def _adam(
    objective: Callable[[Tensor], Tensor], coefficients: Tensor, iterations: int, step_mm: float, progress: Progress
) -> None:
    controls = coefficients[0].numel()
    optimizer = torch.optim.Adam([coefficients], lr=step_mm, eps=STILL_GRADIENT / controls)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations, eta_min=0.1 * step_mm)
    for step in range(iterations):
        progress(step / iterations, "Registering")
        optimizer.zero_grad()
        objective(coefficients).backward()
        optimizer.step()
        schedule.step()


def _lbfgs(objective: Callable[[Tensor], Tensor], coefficients: Tensor, iterations: int, progress: Progress) -> None:
    optimizer = torch.optim.LBFGS(
        [coefficients],
        lr=1.0,
        max_iter=iterations,
        max_eval=iterations + 10,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_change=1e-9,
    )
    evaluations = 0

    def closure() -> Tensor:
        nonlocal evaluations
        progress(min(evaluations / iterations, 1.0), "Registering")
        evaluations += 1
        optimizer.zero_grad()
        loss = objective(coefficients)
        loss.backward()
        return loss

    optimizer.step(closure)
