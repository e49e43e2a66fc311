"""How alike two images are: local normalized cross-correlation over several window sizes. PyTorch at file scope.

Squared local correlation of Avants et al., Med. Image Anal. 12:26 (2008), averaged over windows of several sizes.
Box means are separable, one axis at a time: 13-30 times faster than k^3 pooling for the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional


def window_voxels(window_mm: float, spacing_kji_mm: Sequence[float], shape_kji: Sequence[int]) -> tuple[int, ...]:
    """Odd window sizes along k, j, i that come nearest to ``window_mm``, clipped to the image."""
    sizes = []
    for spacing, size in zip(spacing_kji_mm, shape_kji, strict=True):
        radius = round((window_mm / float(spacing) - 1) / 2)
        sizes.append(2 * int(min(max(radius, 0), (size - 1) // 2)) + 1)
    return tuple(sizes)


def box_mean(images: Tensor, window: Sequence[int]) -> Tensor:
    """Mean of (C, k, j, i) over a box, counting only voxels inside the image."""
    batch = images[None]
    for axis, size in enumerate(window):
        if size > 1:
            kernel, padding = [1, 1, 1], [0, 0, 0]
            kernel[axis], padding[axis] = size, size // 2
            batch = functional.avg_pool3d(batch, kernel, 1, padding, count_include_pad=False)
    return batch[0]


MIN_PRODUCT = 1e-5  # of two local variances, relative to images of unit variance


class LocalCorrelation:
    """Mean squared local correlation with a fixed image (1, k, j, i), 0 (unlike) to 1 (alike up to a local line).

    A window counts by v / (v + ``noise_floor``), v the local variance of the fixed image of unit variance: windows of
    noise are silent. A floor in the denominator, as commonly added, would instead reward contrast: an image registered
    with itself then moves. ``weight`` (k, j, i) says where to look.
    """

    def __init__(
        self,
        fixed: Tensor,
        spacing_kji_mm: Sequence[float],
        windows_mm: Sequence[float],
        noise_floor: float = 0.1,
        weight: Tensor | None = None,
    ) -> None:
        self._fixed = fixed
        self._weight = None if weight is None else weight / weight.sum().clip(min=1e-6)
        self._windows = sorted({window_voxels(size, spacing_kji_mm, fixed.shape[1:]) for size in windows_mm})
        self._statistics, self._trust = [], []
        for window in self._windows:
            mean = box_mean(fixed, window)
            variance = (box_mean(fixed * fixed, window) - mean * mean).clip(min=0)
            self._statistics.append((mean, variance))
            self._trust.append(variance / (variance + noise_floor))

    def local(self, warped: Tensor, scale: int) -> Tensor:
        """Squared correlation map (1, k, j, i) at the ``scale``-th window, weighted by the trust in the window."""
        fixed_mean, fixed_variance = self._statistics[scale]
        means = box_mean(torch.cat([warped, warped * warped, warped * self._fixed]), self._windows[scale])
        covariance = means[2:3] - means[0:1] * fixed_mean
        variance = (means[1:2] - means[0:1] ** 2).clip(min=0)
        return self._trust[scale] * covariance**2 / (variance * fixed_variance + MIN_PRODUCT)

    def __call__(self, warped: Tensor) -> Tensor:
        """Return the mean over windows and voxels for a warped image (1, k, j, i)."""
        maps = reduce(torch.add, (self.local(warped, scale) for scale in range(len(self._windows)))) / len(
            self._windows
        )
        return maps.mean() if self._weight is None else (maps[0] * self._weight).sum()


class SquaredDifference:
    """Mean squared difference to a fixed image, for frames of one cine whose tissues keep their brightness."""

    def __init__(self, fixed: Tensor, weight: Tensor | None = None) -> None:
        self._fixed = fixed
        self._weight = None if weight is None else weight / weight.sum().clip(min=1e-6)

    def __call__(self, warped: Tensor) -> Tensor:
        """Return the mean over voxels for a warped image (1, k, j, i)."""
        squared = (warped - self._fixed) ** 2
        return squared.mean() if self._weight is None else (squared[0] * self._weight).sum()
