"""The most likely label of every voxel by tiles, as MONAI's sliding window finds it, in a small part of its memory.

MONAI keeps the answer of every class for the whole image (105 classes of 512 x 512 x 300 voxels at 1.5 mm: 5 GB).
Here planes get their label as soon as no later tile reaches them. PyTorch and MONAI at file scope.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch import Tensor, nn
from torch.nn import functional

EDGE = "replicate"


def tiled_labels(
    network: nn.Module,
    image: Tensor,
    tile: tuple[int, int, int],
    overlap: float,
    device: str,
    on_tile: Callable[[int, int], None],
) -> Tensor:
    """Return the labels (uint8, i, j, k) of an image (1, i, j, k).

    Tiles are weighted by a Gaussian and their answers summed (MONAI's ``mode="gaussian"``); ``on_tile(done, total)`` is
    called before each one and may raise to stop.
    """
    padded, cut = _padded(image, tile)
    shape = tuple(padded.shape[1:])
    steps = [max(1, int(size * (1 - overlap))) if n > size else size for n, size in zip(shape, tile, strict=True)]
    places = dense_patch_slices(shape, tile, steps)
    weight = compute_importance_map(tile, mode="gaussian", device="cpu")[None]
    labels = torch.zeros(shape, dtype=torch.uint8)
    sums = torch.zeros(0)
    first = 0  # plane of the image that is the first of ``sums``
    with torch.no_grad():
        for number, place in enumerate(places):
            on_tile(number, len(places))
            answer = network(padded[(slice(None), *place)][None].to(device))[0].float().cpu() * weight
            start = place[0].start
            if not sums.numel():
                sums = torch.zeros((answer.shape[0], tile[0], *shape[1:]))
            elif start > first:
                done = start - first
                labels[first:start] = sums[:, :done].argmax(0).to(torch.uint8)
                sums = torch.cat([sums[:, done:], torch.zeros_like(sums[:, :done])], dim=1)
                first = start
            sums[(slice(None), slice(0, tile[0]), *place[1:])] += answer
    labels[first : first + tile[0]] = sums.argmax(0).to(torch.uint8)
    return labels[cut]


def _padded(image: Tensor, tile: tuple[int, int, int]) -> tuple[Tensor, tuple[slice, ...]]:
    """Return an image at least as large as a tile, its edges repeated on both sides, and where it lies in that."""
    sides: list[int] = []
    cut = []
    for n, size in zip(image.shape[1:], tile, strict=True):
        before = max(size - n, 0) // 2
        cut.append(slice(before, before + n))
        sides = [before, max(size - n, 0) - before, *sides]
    return (functional.pad(image[None], sides, mode=EDGE)[0] if any(sides) else image), tuple(cut)
