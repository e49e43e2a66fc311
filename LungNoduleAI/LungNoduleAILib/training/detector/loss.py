"""What the detector's network should answer for a patch, and how far its answer is from that.

Heat: quality focal loss (Li et al., NeurIPS 2020, eq. 4, beta 2) against a Gaussian around each centre, nodules of all
sizes weighing the same. Size and offset: smooth L1 near the centres. PyTorch at file scope.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from LungNoduleAILib.detection.heatmap_network import HEAT, OFFSET, SIZE, STRIDE, SUBSOLID
from LungNoduleAILib.training.detector.patches import Patch

MIN_SIGMA = 0.8  # cells
SIGMA_OF_RADIUS = 0.3
FULL_MASS = 8.0  # sum of the Gaussian of the smallest nodules
IGNORED_FROM = 0.05  # of the Gaussian: what belongs to a nodule
NEAR = 0.5  # of the Gaussian: where size, offset and kind are taught
SIZE_WEIGHT, OFFSET_WEIGHT, SUBSOLID_WEIGHT = 0.3, 0.3, 0.1


@dataclass(frozen=True, eq=False)
class Targets:
    """Dense targets (n, k, j, i) of a batch: ``heat``, ``weight`` of its loss, log2 radius ``size`` in cells,
    ``subsolid`` and ``offset`` (n, 3, k, j, i), which count where ``near``; ``nodules`` their number."""

    heat: Tensor
    weight: Tensor
    size: Tensor
    subsolid: Tensor
    offset: Tensor
    near: Tensor
    nodules: int

    def to(self, device: str) -> Targets:
        """Return the same on a device."""
        return Targets(
            self.heat.to(device),
            self.weight.to(device),
            self.size.to(device),
            self.subsolid.to(device),
            self.offset.to(device),
            self.near.to(device),
            self.nodules,
        )


def make_targets(patches: list[Patch]) -> Targets:
    """Targets of patches of the same size."""
    shape = (len(patches), *(n // STRIDE for n in patches[0].hu.shape))
    heat, size, subsolid = (np.zeros(shape, np.float32) for _ in range(3))
    weight, offset = np.ones(shape, np.float32), np.zeros((shape[0], 3, *shape[1:]), np.float32)
    for n, patch in enumerate(patches):
        for m in np.argsort(patch.seen, kind="stable"):  # what is seen has the last word
            cell, cells = (patch.center_kji[m] - 0.5) / STRIDE, patch.radius[m] / STRIDE
            box, gap, around = _around(cell, max(MIN_SIGMA, SIGMA_OF_RADIUS * cells), shape[1:])
            inside = around > IGNORED_FROM
            if not patch.seen[m]:
                weight[n][box] = np.where(inside, 0.0, weight[n][box])
                continue
            mine = around > heat[n][box]
            heat[n][box] = np.where(mine, around, heat[n][box])
            weight[n][box] = np.where(mine & inside, min(1.0, FULL_MASS / around.sum()), weight[n][box])
            size[n][box] = np.where(mine, np.log2(cells), size[n][box])
            subsolid[n][box] = np.where(mine, float(patch.subsolid[m]), subsolid[n][box])
            offset[n][(slice(None), *box)] = np.where(mine, gap, offset[n][(slice(None), *box)])
    tensor = torch.from_numpy
    return Targets(
        tensor(heat),
        tensor(weight),
        tensor(size),
        tensor(subsolid),
        tensor(offset),
        tensor(heat > NEAR),
        sum(int(patch.seen.sum()) for patch in patches),
    )


def _around(cell: np.ndarray, sigma: float, shape: tuple[int, ...]) -> tuple[tuple[slice, ...], np.ndarray, np.ndarray]:
    """Box of cells around a centre, the way from each to it (3, k, j, i), and the Gaussian, 1 at its peak."""
    low = np.clip(np.floor(cell - 3 * sigma), 0, shape).astype(int)
    high = np.clip(np.ceil(cell + 3 * sigma) + 1, 0, shape).astype(int)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    gap = np.stack(np.meshgrid(*(c - np.arange(a, b) for c, a, b in zip(cell, low, high, strict=True)), indexing="ij"))
    around = np.exp(-0.5 * (gap**2).sum(axis=0) / sigma**2)
    return box, gap.astype(np.float32), (around / max(float(around.max(initial=0.0)), 1e-6)).astype(np.float32)


def detector_loss(answer: Tensor, targets: Targets) -> Tensor:
    """Loss of the network's logits (n, 6, k, j, i), float32."""
    answer = answer.float()
    logit = answer[:, HEAT]
    miss = (targets.heat - logit.sigmoid()).detach().abs() ** 2
    heat = functional.binary_cross_entropy_with_logits(logit, targets.heat, reduction="none") * miss * targets.weight
    loss = heat.sum() / (FULL_MASS * (targets.nodules + 1))
    near = targets.near
    if not bool(near.any()):
        return loss
    share = targets.weight[near] / targets.weight[near].sum()
    size = functional.smooth_l1_loss(answer[:, SIZE][near], targets.size[near], reduction="none", beta=0.25)
    kind = functional.binary_cross_entropy_with_logits(
        answer[:, SUBSOLID][near], targets.subsolid[near], reduction="none"
    )
    way = functional.smooth_l1_loss(
        answer[:, OFFSET].movedim(1, -1)[near], targets.offset.movedim(1, -1)[near], reduction="none", beta=0.5
    ).sum(dim=-1)
    return loss + (share * (SIZE_WEIGHT * size + OFFSET_WEIGHT * way + SUBSOLID_WEIGHT * kind)).sum()
