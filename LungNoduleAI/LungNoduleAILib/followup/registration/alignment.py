"""Large motion first: the affine that brings the lungs of one scan onto those of another. PyTorch at file scope.

Robust to a shifted table, another breath level and a cropped scan: several starts (lung centroids, tops, bottoms,
scanner positions) are tried on 8 mm, the best goes on to 4 mm. The objective is the one of the non-rigid step (local
correlation and squared difference of the masked lung images), counted only where both scans see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from LungNoduleAILib.followup.registration.lung_image import LungImage, ReducedLungs
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.deformation.dense import sample, voxel_positions
from ThoraxAILib.registration.similarity import LocalCorrelation

STEPS_MM = (8.0, 4.0)
TRIES, COARSE, FINE = 15, 40, 25  # iterations: of every start, of the best one, of the finer grid
WINDOWS_MM = (32.0,)
REACH_MM = 12.0
LEVER_MM = 100.0  # one step of a matrix entry moves points at this distance as far as one step of the shift
SHAPE_WEIGHT = 1.0
INTENSITY_WEIGHT = 0.3
OVERLAP_WEIGHT = 0.2
MIN_OVERLAP = 0.2


@dataclass(frozen=True)
class Alignment:
    """``matrix`` (4x4) from current to prior RAS mm; ``overlap`` is the share of the current lungs the prior sees."""

    matrix: np.ndarray
    overlap: float
    start: str


def align_lungs(current: ReducedLungs, prior: ReducedLungs, progress: Progress) -> Alignment:
    """Return the affine pull-back from the current to the prior lungs; the caller runs it inside ``torch_threads``."""
    progress(0.0, "Aligning the lungs")
    pair = _Pair(current, prior, STEPS_MM[0])
    starts = _starts(pair)
    tried = []
    for number, (name, shift) in enumerate(starts):
        progress(0.5 * number / len(starts), "Aligning the lungs")
        parameters = torch.zeros(3, 4)
        parameters[:, 3] = torch.from_numpy(shift).float()
        loss, parameters = pair.minimized(parameters, TRIES, 4.0)
        tried.append((loss, name, parameters))
    _, name, parameters = min(tried, key=lambda entry: entry[0])
    progress(0.5, "Aligning the lungs")
    _, parameters = pair.minimized(parameters, COARSE, 2.0)
    matrix = pair.matrix(parameters)
    progress(0.7, "Aligning the lungs")
    finer = _Pair(current, prior, STEPS_MM[1])
    _, parameters = finer.minimized(finer.parameters(matrix), FINE, 1.0)
    progress(1.0, "Lungs aligned")
    return Alignment(finer.matrix(parameters), finer.overlap(parameters), name)


class _Pair:
    """Both lung images on cubes of one size with equal axes, and the objective of 3x4 affine parameters in mm.

    The position of frame point x (mm along k, j, i from the first voxel) in the prior's frame is
    c_prior + shift + (I + M) (x - c_current), with c the lung centroids; columns of the parameters are M times
    ``LEVER_MM`` and the shift.
    """

    def __init__(self, current: ReducedLungs, prior: ReducedLungs, step_mm: float) -> None:
        self.current, self.prior = (lungs.on(lungs.grid(step_mm)) for lungs in (current, prior))
        self.spacing = (step_mm,) * 3
        self.centers = [step_mm * np.argwhere(image.lung).mean(0) for image in (self.current, self.prior)]
        self.positions = voxel_positions(self.current.grid.shape_kji, self.spacing)
        self.near = torch.from_numpy(self.current.near_lung(REACH_MM).astype(np.float32))
        self.moving = torch.from_numpy(np.stack([self.prior.image, self.prior.valid]).astype(np.float32))
        self.fixed = torch.from_numpy(self.current.image.astype(np.float32))[None]
        scale = self.fixed[0][self.near > 0].std().clip(min=1e-3)
        self.fixed, self.moving[0] = self.fixed / scale, self.moving[0] / scale
        self.correlation = LocalCorrelation(self.fixed, self.spacing, WINDOWS_MM)

    def minimized(self, parameters: Tensor, iterations: int, step_mm: float) -> tuple[float, Tensor]:
        """Loss and parameters after Adam steps of at most ``step_mm``, falling to a tenth."""
        parameters = parameters.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([parameters], lr=step_mm)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, iterations, eta_min=0.1 * step_mm)
        for _ in range(iterations):
            optimizer.zero_grad()
            self._loss(parameters).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            return float(self._loss(parameters)), parameters.detach()

    def overlap(self, parameters: Tensor) -> float:
        """Share of the current lungs that the prior scan sees."""
        lung = torch.from_numpy(self.current.lung & self.current.valid)
        seen = sample(self.moving[1:], self._targets(parameters), self.spacing)[0]
        return float(seen[lung].mean()) if bool(lung.any()) else 0.0

    def _loss(self, parameters: Tensor) -> Tensor:
        values = sample(self.moving, self._targets(parameters), self.spacing)
        weight = self.near * values[1].detach()
        overlap = float(weight.sum() / self.near.sum())
        change = parameters[:, :3] / LEVER_MM
        penalty = SHAPE_WEIGHT * (change**2).sum() + OVERLAP_WEIGHT * (1.0 - overlap)
        if overlap < MIN_OVERLAP:
            return penalty + 1.0
        unlike = INTENSITY_WEIGHT * (values[:1] - self.fixed) ** 2 - self.correlation.local(values[:1], 0)
        return (unlike[0] * weight).sum() / weight.sum() + penalty

    def _targets(self, parameters: Tensor) -> Tensor:
        change, shift = parameters[:, :3] / LEVER_MM, parameters[:, 3]
        own, other = (torch.from_numpy(center).float().reshape(3, 1, 1, 1) for center in self.centers)
        offset = self.positions - own
        return other + shift.reshape(3, 1, 1, 1) + offset + torch.einsum("ab,bkji->akji", change, offset)

    def matrix(self, parameters: Tensor) -> np.ndarray:
        """Parameters as 4x4 from current to prior RAS mm."""
        values = parameters.double().numpy()
        axes = self.current.grid.axes_ras
        linear = axes @ (np.eye(3) + values[:, :3] / LEVER_MM) @ axes.T
        own, other = (
            _ras(image, center) for image, center in zip((self.current, self.prior), self.centers, strict=True)
        )
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = linear, other + axes @ values[:, 3] - linear @ own
        return matrix

    def parameters(self, matrix: np.ndarray) -> Tensor:
        """Inverse of ``matrix``."""
        axes = self.current.grid.axes_ras
        own, other = (
            _ras(image, center) for image, center in zip((self.current, self.prior), self.centers, strict=True)
        )
        linear = axes.T @ matrix[:3, :3] @ axes
        shift = axes.T @ (matrix[:3, :3] @ own + matrix[:3, 3] - other)
        return torch.from_numpy(np.c_[(linear - np.eye(3)) * LEVER_MM, shift]).float()


def _ras(image: LungImage, frame_mm: np.ndarray) -> np.ndarray:
    return image.grid.ijk_to_ras[:3, 3] + image.grid.axes_ras @ frame_mm


def _starts(pair: _Pair) -> Sequence[tuple[str, np.ndarray]]:
    """Shifts (k, j, i mm) relative to equal centroids."""
    own, other = (np.flatnonzero(image.lung.any(axis=(1, 2))) * pair.spacing[0] for image in (pair.current, pair.prior))
    relative = [ends - center[0] for ends, center in zip((own, other), pair.centers, strict=True)]
    up = np.array([1.0, 0.0, 0.0])
    axes = pair.current.grid.axes_ras
    same_place = axes.T @ (_ras(pair.current, pair.centers[0]) - _ras(pair.prior, pair.centers[1]))
    return (
        ("centroids", 0.0 * up),
        ("tops", up * (relative[1][-1] - relative[0][-1])),
        ("bottoms", up * (relative[1][0] - relative[0][0])),
        ("scanner positions", same_place),
    )
