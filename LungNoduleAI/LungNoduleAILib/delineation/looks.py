"""What a look of the network saw, and its outline on the voxels of the CT with what is in doubt about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from LungNoduleAILib.delineation.cubes import PATCH, box_of_cube, halved, on_ct
from LungNoduleAILib.delineation.region import distance_from
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.image.boxes import mask_box
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

SAME_SIZE = 1.35  # the scale is right when the nodule found differs less than this from the size looked for
BORDER = 0.55  # of a voxel of the outline: with it volumes are those of readers (people that validate)
HALF_A_VOXEL = 0.5
VISIBLE_HU = 100.0  # rise from outside to inside that counts as a border one can see
CUT_SHARE = 0.25  # of its border without one: the outline says so
CUT_NOTE = "{0:.0f} % of its border lies against tissue as dense as itself: there the network alone drew it."
NOTHING_SEEN = "No nodule is seen at this point: click on its middle, or give its --diameter."
EDGE_NOTE = "It reaches the edge of the image: what lies beyond is not counted."


@dataclass(frozen=True, eq=False)
class Delineation:
    """``mask`` on the grid of the CT; the diameter of the ball of its volume; ``share`` (float32) around the mask.

    ``volume_mm3`` lies inside the outline before it is cut into voxels: on thick slices it repeats better than theirs.
    ``share`` is the network's chance of every voxel of the CT from ``share_offset_kji`` on to be the nodule; the border
    lies where it is BORDER. ``notes`` say what is in doubt: its size, a border that cannot be seen, the edge of the
    image; ``size_is_sure`` is False for the first of these.
    """

    mask: Mask
    diameter_mm: float
    share: np.ndarray
    share_offset_kji: tuple[int, int, int]
    volume_mm3: float
    notes: tuple[str, ...] = ()
    size_is_sure: bool = True


@dataclass(frozen=True, eq=False)
class Look:
    """What one look saw: the chance of the nodule in a cube of ``spacing_mm`` around ``center_kji``, and its size.

    ``middle_kji`` is the centroid of what was seen, ``seen_mm`` its diameter as a ball, ``chance`` its mean.
    """

    center_kji: np.ndarray
    size_mm: float
    spacing_mm: float
    share: np.ndarray
    middle_kji: np.ndarray
    seen_mm: float
    chance: float

    @property
    def agrees(self) -> bool:
        """Whether the nodule seen has the size that was looked for."""
        return 1 / SAME_SIZE < self.seen_mm / self.size_mm < SAME_SIZE


def held_within(volume: Volume, look: Look, center_kji: np.ndarray, radius_mm: float) -> Look:
    """Return a look without what lies farther than ``radius_mm`` from a place (k, j, i) of the CT."""
    at = (PATCH - 1) / 2 + (center_kji - look.center_kji) * volume.spacing_kji_mm / look.spacing_mm
    away_mm = distance_from(at, look.share.shape, np.full(3, look.spacing_mm))
    return replace(look, share=np.where(away_mm <= radius_mm, look.share, 0.0).astype(np.float32))


def outline_on_ct(volume: Volume, look: Look, notes: tuple[str, ...]) -> Delineation:
    """Return the nodule of a look on the voxels of the CT, with what is in doubt."""
    low, high = box_of_cube(volume, look.center_kji, look.spacing_mm)
    likely = on_ct(look.share, volume, look.center_kji, look.spacing_mm, low, high)
    hu = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    mask = drawn(likely)
    if not mask.any():
        raise InputError(NOTHING_SEEN)
    box = known(mask_box(mask), "the box of the mask")
    first = np.array([span.start for span in box])
    cut = unseen_border(hu, mask)
    told = notes + ((CUT_NOTE.format(100 * cut),) if cut > CUT_SHARE else ())
    if _reaches_edge(low + first, mask[box].shape, volume.array.shape):
        told += (EDGE_NOTE,)
    diameter = float(sphere_diameter_mm(mask.sum() * volume.voxel_mm3))
    placed = Mask(three(int(x) for x in low + first), mask[box].copy())
    own = np.where(ndimage.binary_dilation(mask, iterations=2), likely, 0.0).astype(np.float32)
    return Delineation(
        placed, diameter, own, three(int(x) for x in low), smooth_volume_mm3(volume, look), told, not notes
    )


def drawn(likely: np.ndarray) -> np.ndarray:
    """Return the mask in a box of the CT: where the network is sure enough, filled, its likeliest part alone."""
    mask = likely > BORDER
    labels, count = ndimage.label(mask)
    if count > 1:
        weight = ndimage.sum_labels(likely, labels, np.arange(1, count + 1))
        mask = labels == int(np.argmax(weight)) + 1
    return ndimage.binary_fill_holes(mask)


def smooth_volume_mm3(volume: Volume, look: Look) -> float:
    """Return the volume inside the outline of a look as far as it lies in the image, on steps finer than the look's."""
    step_mm, likely = look.spacing_mm / 2, halved(look.share)
    inside = drawn(likely)
    steps = (np.arange(likely.shape[0]) - (likely.shape[0] - 1) / 2) * step_mm
    for axis, (center, spacing, count) in enumerate(
        zip(look.center_kji, volume.spacing_kji_mm, volume.array.shape, strict=True)
    ):
        at = center + steps / spacing
        np.moveaxis(inside, axis, 0)[(at < -HALF_A_VOXEL) | (at > count - HALF_A_VOXEL)] = False
    return float(inside.sum()) * step_mm**3


def unseen_border(hu: np.ndarray, mask: np.ndarray) -> float:
    """Return the share of a nodule's border in its planes beyond which the tissue is as dense as inside, 0 to 1.

    The border is compared across two voxels on both sides.
    """
    plane = np.zeros((3, 3, 3), bool)
    plane[1] = ndimage.generate_binary_structure(2, 1)
    outside = ndimage.binary_dilation(mask, plane, iterations=2) & ~ndimage.binary_dilation(mask, plane)
    if not outside.any():
        return 0.0
    core = float(np.median(hu[mask]))
    return float((hu[outside] > core - VISIBLE_HU).mean())


def _reaches_edge(first: np.ndarray, shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    return bool((first <= 0).any() or (first + np.array(shape) >= np.array(whole)).any())
