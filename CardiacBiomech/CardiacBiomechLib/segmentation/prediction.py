"""What the network thinks of a frame: where the heart is, then the chance of every part around it.

The whole field is looked at first, to find the heart; then a square around it, whose intensities are not shaped by
what lies elsewhere. Both slice orders are averaged.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, label

from CardiacBiomechLib.model.heart_classes import CLASSES, LV, MYOCARDIUM, RV
from CardiacBiomechLib.segmentation.intensities import normalized
from ThoraxAILib.errors import InputError
from ThoraxAILib.networks.file_cache import cached_by_file

if TYPE_CHECKING:
    from CardiacBiomechLib.segmentation.slice_network import SliceNetwork

SCHEMA = "thoraxai.cardiac-segmentation/1"
MAKER = "thoraxai cardiac train-segmentation"
WEIGHTS = Path(__file__).with_name("heart_segmentation.pt")
SQUARE = 96  # pixels around the heart, as in training
FOUND = 0.5
SMALLEST_ML = 5.0  # of cavity and wall together: less is no heart
BLUR_PIXELS = 1.0


@cached_by_file
def load_network(path: Path) -> SliceNetwork:
    """Return the network of a weights file, kept for the next image; raises InputError for a file of another kind."""
    from CardiacBiomechLib.segmentation.slice_network import SliceNetwork, SliceNetworkSettings
    from ThoraxAILib.networks.weights_file import load_weights

    weights = load_weights(path, SCHEMA, MAKER)
    settings = SliceNetworkSettings.from_dict(weights.settings)
    if settings.classes != CLASSES:
        raise InputError(
            f"'{path.name}' knows {settings.classes} classes instead of {CLASSES}: give a file that {MAKER} wrote."
        )
    network = SliceNetwork(settings)
    network.load_state_dict(weights.state)
    return network.eval()


def chances(network: SliceNetwork, pixels: np.ndarray, device: str = "cpu", both_orders: bool = True) -> np.ndarray:
    """Return the chance (classes, k, j, i) of every class in pixels (k, j, i) of the network's size."""
    import torch

    neighbors = network.settings.slices // 2
    stack = np.pad(pixels, ((neighbors, neighbors), (0, 0), (0, 0)), mode="edge")
    seen = np.stack([normalized(stack[k : k + network.settings.slices]) for k in range(len(pixels))])
    total = np.zeros((CLASSES, *pixels.shape), dtype=np.float32)
    orders = (seen, np.ascontiguousarray(seen[:, ::-1])) if both_orders else (seen,)
    network = network.to(device)
    with torch.inference_mode():
        for order in orders:
            for k in range(len(order)):
                logits = network(torch.from_numpy(order[k : k + 1]).to(device))
                total[:, k] += torch.softmax(logits, 1)[0].cpu().numpy()
    return total / len(orders)


def find_heart(network: SliceNetwork, pixels: np.ndarray, slice_mm: float, device: str = "cpu") -> tuple[int, int]:
    """Return (row, column) of the middle of the heart in pixels (k, j, i); raises InputError when there is none."""
    chance = chances(network, pixels, device, both_orders=False)
    left = gaussian_filter(chance[LV] + chance[MYOCARDIUM], (0, BLUR_PIXELS, BLUR_PIXELS))
    parts, count = label(left > FOUND)
    weights = np.bincount(parts.ravel(), left.ravel(), minlength=count + 1)
    weights[0] = 0.0
    voxel_ml = slice_mm * network.settings.pixel_mm**2 / 1000.0
    if count == 0 or weights.max() * voxel_ml < SMALLEST_ML:
        raise InputError(
            "No heart was found in the image: give short-axis slices of bright-blood cine MR, or a label of your own."
        )
    heart = left * (parts == int(weights.argmax())) + 0.5 * chance[RV] * (chance[RV] > FOUND)
    rows, columns = heart.sum(axis=(0, 2)), heart.sum(axis=(0, 1))
    return _middle(rows), _middle(columns)


def chances_around(
    network: SliceNetwork, pixels: np.ndarray, middle: tuple[int, int], device: str = "cpu"
) -> np.ndarray:
    """Return the chances (classes, k, j, i) on all pixels: of a square around ``middle``, background elsewhere."""
    spans = [slice(max(0, at - SQUARE // 2), at + SQUARE // 2) for at in middle]
    result = np.zeros((CLASSES, *pixels.shape), dtype=np.float32)
    result[0] = 1.0
    result[:, :, spans[0], spans[1]] = chances(network, pixels[:, spans[0], spans[1]], device)
    return result


def _middle(weights: np.ndarray) -> int:
    return round(float((np.arange(len(weights)) * weights).sum() / weights.sum()))
