"""A nodule's voxels from one click: a small network says where, the half-way HU between lung and nodule where it ends.

The network sees a cube in which a nodule is about 16 voxels wide. A click without a size is answered in rounds: each
looks at the scale that the one before suggests. Research use only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from LungNoduleAILib.delineation.region import background_hu, distance_from
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.boxes import mask_box
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.networks.device import NetworkDevice
from ThoraxAILib.networks.file_cache import cached_by_file

if TYPE_CHECKING:
    from ThoraxAILib.networks.label_network import LabelNetwork

SCHEMA = "thoraxai.nodule-segmentation/1"
SHIPPED = Path(__file__).with_name("nodule_segmentation.pt")
MAKER = "thoraxai lung train segmentation"
PATCH = 40
ACROSS = 16.0  # voxels of the patch across a nodule of the size looked for
FIRST_GUESS_MM = 10.0
MIN_MM, MAX_MM = 3.0, 100.0
SAME_SIZE = 1.35  # the scale is right when the nodule found differs less than this from the size looked for
MAX_ROUNDS = 4
SURE, POSSIBLE = 0.5, 0.25


@dataclass(frozen=True, eq=False)
class Delineation:
    """``mask`` on the grid of the CT; the diameter of the ball of its volume, and its HU threshold (None: no edge)."""

    mask: Mask
    diameter_mm: float
    threshold_hu: float | None


class NoduleNetwork:
    """The trained network on one device, ready to segment; ``device`` is where it runs, or really ran."""

    def __init__(self, weights: Path = SHIPPED, device: str = "cpu") -> None:
        """Raise InputError for a file of another kind, MissingDependencyError without PyTorch."""
        network = read_network(weights)
        from ThoraxAILib.networks.whole_inputs import WholeInputs

        self._device = NetworkDevice(device)
        self._network = WholeInputs(network, self._device)

    @property
    def device(self) -> str:
        """Where it ran."""
        return self._device.used

    def segment(
        self, volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float | None = None
    ) -> Delineation:
        """Return the nodule at a point; see ``segment_nodule``."""
        center = _checked_center(volume, center_ras_mm, diameter_mm)
        size = diameter_mm or FIRST_GUESS_MM
        for _ in range(MAX_ROUNDS):
            share, spacing_mm = self._look(volume, center, size)
            found = _at_middle(share > SURE)
            if found is None:
                if diameter_mm is None and size > MIN_MM * 1.5:
                    size /= 1.8
                    continue
                raise InputError("No nodule is seen at this point: click on its middle, or give its --diameter.")
            seen_mm = sphere_diameter_mm(found.sum()) * spacing_mm
            middle = np.argwhere(found).mean(axis=0) - (PATCH - 1) / 2
            center = center + middle * spacing_mm / volume.spacing_kji_mm
            if diameter_mm is not None or 1 / SAME_SIZE < seen_mm / size < SAME_SIZE:
                break
            size = float(np.clip(seen_mm, MIN_MM, MAX_MM))
        share, spacing_mm = self._look(volume, center, size)
        return _on_ct(volume, center, share, spacing_mm, size)

    def _look(self, volume: Volume, center_kji: np.ndarray, diameter_mm: float) -> tuple[np.ndarray, float]:
        """Probability of the nodule in a cube of PATCH voxels around a point, and the edge of its voxels in mm."""
        import torch

        from ThoraxAILib.networks.threads import torch_threads

        spacing_mm = diameter_mm / ACROSS
        hu = cube(volume.array, volume.spacing_kji_mm, center_kji, spacing_mm)
        with torch_threads(None):
            logits = self._network.answer(hu[None, None])
            return torch.from_numpy(logits).softmax(1)[0, 1].numpy(), spacing_mm


def segment_nodule(
    volume: Volume,
    center_ras_mm: tuple[float, float, float],
    diameter_mm: float | None = None,
    weights: Path = SHIPPED,
    device: str = "cpu",
) -> Delineation:
    """Return the nodule at a point (RAS mm) of a CT (HU, any axis order); ``diameter_mm`` is its rough size if known.

    Raises InputError when the point lies outside the image, the size is not between 3 and 100 mm, or nothing is there;
    MissingDependencyError without PyTorch.
    """
    _checked_center(volume, center_ras_mm, diameter_mm)
    return NoduleNetwork(weights, device).segment(volume, center_ras_mm, diameter_mm)


def _checked_center(volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float | None) -> np.ndarray:
    """Return the point in voxels (k, j, i); raises InputError for a point or size that cannot be."""
    if diameter_mm is not None and not MIN_MM <= diameter_mm <= MAX_MM:
        raise InputError(f"The diameter must lie between {MIN_MM:g} and {MAX_MM:g} mm, {diameter_mm:g} was given.")
    center = volume.kji_from_ras(np.array(center_ras_mm, dtype=float))
    if not ((center > -0.5) & (center < np.array(volume.array.shape) - 0.5)).all():
        place = ", ".join(f"{x:g}" for x in center_ras_mm)
        raise InputError(f"The point {place} (R, A, S in mm) lies outside the image: click on the nodule.")
    return center


def read_network(path: Path = SHIPPED) -> LabelNetwork:
    """Return the trained network, kept while its file stays as it is; raises InputError for a file of another kind."""
    return _network_of(path)


@cached_by_file
def _network_of(path: Path) -> LabelNetwork:
    from ThoraxAILib.networks.weights_file import load_weights

    weights = load_weights(path, SCHEMA, MAKER)
    from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings

    network = LabelNetwork(LabelNetworkSettings.from_dict(weights.settings))
    network.load_state_dict(weights.state)
    return network.eval()


def cube(array: np.ndarray, spacing_kji_mm: np.ndarray, center_kji: np.ndarray, spacing_mm: float) -> np.ndarray:
    """HU (PATCH^3, float32) around a voxel position at isotropic ``spacing_mm``; finer voxels are averaged first."""
    reach = (PATCH / 2 + 1) * spacing_mm / spacing_kji_mm + 2
    low = np.floor(center_kji - reach).astype(int)
    high = np.ceil(center_kji + reach).astype(int) + 1
    inside = [np.clip(np.arange(a, b), 0, n - 1) for a, b, n in zip(low, high, array.shape, strict=True)]
    part = array[np.ix_(*inside)].astype(np.float32)
    sigma = 0.35 * np.maximum(spacing_mm / spacing_kji_mm - 1, 0)
    if sigma.any():
        part = ndimage.gaussian_filter(part, sigma, truncate=2.5)
    steps = (np.arange(PATCH) - (PATCH - 1) / 2) * spacing_mm
    axes = [c + steps / s - a for c, s, a in zip(center_kji, spacing_kji_mm, low, strict=True)]
    return _sampled(part, axes)


def _sampled(array: np.ndarray, axes: list[np.ndarray]) -> np.ndarray:
    """Linear interpolation at the crossings of three lists of voxel positions."""
    for axis, places in enumerate(axes):
        below = np.clip(places.astype(int), 0, max(array.shape[axis] - 2, 0))
        above = np.minimum(below + 1, array.shape[axis] - 1)
        weight = np.clip(places - below, 0, 1).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        array = np.take(array, below, axis) * (1 - weight) + np.take(array, above, axis) * weight
    return np.ascontiguousarray(array)


def _at_middle(mask: np.ndarray) -> np.ndarray | None:
    """Return the part of a mask at or nearest to the middle, at most 5 voxels away; None when there is none."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return None
    gap = distance_from(np.full(3, (PATCH - 1) / 2), mask.shape, np.ones(3))
    gap[labels == 0] = np.inf
    nearest = np.unravel_index(int(np.argmin(gap)), mask.shape)
    return labels == labels[nearest] if gap[nearest] <= 5 else None


def _on_ct(volume: Volume, center_kji: np.ndarray, share: np.ndarray, spacing_mm: float, size_mm: float) -> Delineation:
    """Return the nodule on the voxels of the CT: possible for the network and above the half-way HU."""
    reach = (PATCH - 1) / 2 * spacing_mm / volume.spacing_kji_mm
    low = np.clip(np.ceil(center_kji - reach), 0, np.array(volume.array.shape) - 1).astype(int)
    high = np.clip(np.floor(center_kji + reach) + 1, low + 1, volume.array.shape).astype(int)
    scale = spacing_mm / volume.spacing_kji_mm
    axes = [
        (np.arange(a, b) - c) / s + (PATCH - 1) / 2 for a, b, c, s in zip(low, high, center_kji, scale, strict=True)
    ]
    likely = _sampled(share, axes)
    hu = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    mask, threshold = _with_edge(hu, likely, center_kji - low, volume.spacing_kji_mm, size_mm)
    if not mask.any():
        raise InputError("No nodule is seen at this point: click on its middle, or give its --diameter.")
    box = known(mask_box(mask), "the box of the mask")
    first = np.array([span.start for span in box])
    diameter = sphere_diameter_mm(mask.sum() * volume.voxel_mm3)
    return Delineation(Mask(three(int(x) for x in low + first), mask[box].copy()), float(diameter), threshold)


def _with_edge(
    hu: np.ndarray, likely: np.ndarray, center: np.ndarray, spacing_kji_mm: np.ndarray, size_mm: float
) -> tuple[np.ndarray, float | None]:
    """Mask and half-way HU in a box of the CT; without a rise above the lung the network's own mask."""
    core = hu[likely > 0.9]
    background = background_hu(hu, distance_from(center, hu.shape, spacing_kji_mm), size_mm)
    threshold = None if core.size == 0 else 0.5 * (background + float(np.median(core)))
    if threshold is None or float(np.median(core)) - background < 100.0:
        mask, threshold = likely > SURE, None
    else:
        mask = (likely > POSSIBLE) & (hu > threshold)
    labels, count = ndimage.label(mask)
    if count > 1:
        weight = ndimage.sum_labels(likely, labels, np.arange(1, count + 1))
        mask = labels == int(np.argmax(weight)) + 1
    return ndimage.binary_fill_holes(mask), threshold
