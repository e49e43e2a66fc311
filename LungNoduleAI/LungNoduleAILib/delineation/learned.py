"""A nodule's voxels from one click: a small network says where, on a scale that it finds itself or is told.

The network sees a cube in which a nodule is about 16 voxels wide. A click without a size is answered in rounds: each
looks at the scale that the one before suggests, and one more looks wider, because a piece of a large lesion can look
like a small nodule. Where the size stays in doubt, the answer says so. Research use only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from LungNoduleAILib.delineation.cubes import ACROSS, PATCH, at_middle, box_of_cube, cube, on_ct
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
FIRST_GUESS_MM = 10.0
OTHER_GUESSES_MM = (5.5, 20.0, 40.0, 75.0)  # when nothing is seen at the first
MIN_MM, MAX_MM = 3.0, 120.0
SAME_SIZE = 1.35  # the scale is right when the nodule found differs less than this from the size looked for
MAX_ROUNDS = 4
WIDER = 2.0  # times its size, to see whether a nodule is a piece of something larger
SURER = 0.02  # how much more probable the voxels of the larger one must be
FROM_TOLD = 1.6  # a nodule that differs more from the size told is looked at once more, at its own size
SURE = 0.5  # of a voxel, in a look
BORDER = 0.55  # of a voxel of the outline: with it volumes are those of readers (people that validate)
SPECK = 0.25  # of the size looked for: something smaller is no nodule on this scale
CENTERED = 1.0  # voxels of the cube
VISIBLE_HU = 100.0  # rise from outside to inside that counts as a border one can see
CUT_SHARE = 0.25  # of its border without one: the outline says so
UNSURE_NOTE = (
    "Its size cannot be told from one point: it may measure {0:.0f} mm or {1:.0f} mm. Give its rough size to decide."
)
CUT_NOTE = "{0:.0f} % of its border lies against tissue as dense as itself: there the network alone drew it."
EDGE_NOTE = "It reaches the edge of the image: what lies beyond is not counted."


@dataclass(frozen=True, eq=False)
class Delineation:
    """``mask`` on the grid of the CT; the diameter of the ball of its volume; ``share`` (float32) around the mask.

    ``share`` is the network's chance of every voxel of the CT from ``share_offset_kji`` on to be the nodule; the border
    lies where it is BORDER. ``notes`` say what is in doubt: its size, a border that cannot be seen, the edge of the
    image; ``size_is_sure`` is False for the first of these.
    """

    mask: Mask
    diameter_mm: float
    share: np.ndarray
    share_offset_kji: tuple[int, int, int]
    notes: tuple[str, ...] = ()
    size_is_sure: bool = True


@dataclass(frozen=True, eq=False)
class Look:
    """What one look saw: the chance of the nodule in a cube of ``spacing_mm`` around ``center_kji``, and its size.

    ``middle_kji`` is the centroid of what was seen, ``off_voxels`` how far it lies from the middle of the cube (voxels
    of the cube), ``seen_mm`` its diameter as a ball, ``chance`` its mean.
    """

    center_kji: np.ndarray
    size_mm: float
    spacing_mm: float
    share: np.ndarray
    middle_kji: np.ndarray
    off_voxels: float
    seen_mm: float
    chance: float

    @property
    def agrees(self) -> bool:
        """Whether the nodule seen has the size that was looked for."""
        return 1 / SAME_SIZE < self.seen_mm / self.size_mm < SAME_SIZE

    @property
    def is_centered(self) -> bool:
        """Whether another look from its middle would show the same."""
        return self.off_voxels < CENTERED


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
        notes: tuple[str, ...] = ()
        if diameter_mm is not None:
            chosen = self._look(volume, center, diameter_mm)
            if chosen is not None and not 1 / FROM_TOLD < chosen.seen_mm / diameter_mm < FROM_TOLD:
                chosen = self._look(volume, chosen.middle_kji, _clipped(chosen.seen_mm)) or chosen
        else:
            chosen, rival_mm = self._searched(volume, center)
            if chosen is not None and rival_mm is not None:
                notes = (UNSURE_NOTE.format(*sorted((chosen.seen_mm, rival_mm))),)
        if chosen is None:
            raise InputError("No nodule is seen at this point: click on its middle, or give its --diameter.")
        last = chosen if chosen.is_centered else self._look(volume, chosen.middle_kji, chosen.size_mm) or chosen
        return _on_ct(volume, last, notes)

    def _searched(self, volume: Volume, center_kji: np.ndarray) -> tuple[Look | None, float | None]:
        """Return the look at the scale that fits, and the size it may have as well when that cannot be told."""
        step_mm = float(volume.spacing_kji_mm.max())
        for guess_mm in (FIRST_GUESS_MM, *OTHER_GUESSES_MM):
            first = self._settled(volume, center_kji, guess_mm)
            if first is not None and first.seen_mm > step_mm:  # what fits between two slices cannot be outlined
                break
        else:
            return None, None
        wide = self._look(volume, first.middle_kji, _clipped(WIDER * first.seen_mm))
        if wide is None or wide.seen_mm < SAME_SIZE * first.seen_mm:
            return first, None if first.agrees or wide is None else wide.seen_mm
        other = self._settled(volume, wide.middle_kji, _clipped(wide.seen_mm))
        if other is None or other.seen_mm < SAME_SIZE * first.seen_mm:
            return first, None
        if other.agrees and (not first.agrees or other.chance > first.chance + SURER):
            return other, None if other.chance > first.chance + 2 * SURER else first.seen_mm
        return first, other.seen_mm

    def _settled(self, volume: Volume, center_kji: np.ndarray, size_mm: float) -> Look | None:
        """Look again at the size and middle of what was seen until both agree; the last look, None without any."""
        look = None
        for _ in range(MAX_ROUNDS):
            found = self._look(volume, center_kji, size_mm)
            if found is None:
                return look
            look, center_kji, size_mm = found, found.middle_kji, _clipped(found.seen_mm)
            if look.agrees:
                break
        return look

    def _look(self, volume: Volume, center_kji: np.ndarray, diameter_mm: float) -> Look | None:
        """Look at a place on the scale of a size; None when no nodule is seen near its middle."""
        import torch

        from ThoraxAILib.networks.threads import torch_threads

        spacing_mm = diameter_mm / ACROSS
        hu = cube(volume.array, volume.spacing_kji_mm, center_kji, spacing_mm)
        with torch_threads(None):
            logits = self._network.answer(hu[None, None])
            share = torch.from_numpy(logits).softmax(1)[0, 1].numpy()
        found = at_middle(share > SURE)
        if found is None:
            return None
        off = np.argwhere(found).mean(axis=0) - (PATCH - 1) / 2
        away = off * spacing_mm / volume.spacing_kji_mm
        seen_mm = float(sphere_diameter_mm(found.sum()) * spacing_mm)
        middle = np.clip(center_kji + away, 0, np.array(volume.array.shape) - 1)
        if seen_mm < SPECK * diameter_mm:
            return None
        chance = float(share[found].mean())
        return Look(center_kji, diameter_mm, spacing_mm, share, middle, float(np.linalg.norm(off)), seen_mm, chance)


def _clipped(size_mm: float) -> float:
    return float(np.clip(size_mm, MIN_MM, MAX_MM))


def segment_nodule(
    volume: Volume,
    center_ras_mm: tuple[float, float, float],
    diameter_mm: float | None = None,
    weights: Path = SHIPPED,
    device: str = "cpu",
) -> Delineation:
    """Return the nodule at a point (RAS mm) of a CT (HU, any axis order); ``diameter_mm`` is its rough size if known.

    Raises InputError when the point lies outside the image, the size is not between MIN_MM and MAX_MM, or nothing is
    there; MissingDependencyError without PyTorch.
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


def _on_ct(volume: Volume, look: Look, notes: tuple[str, ...]) -> Delineation:
    """Return the nodule of a look on the voxels of the CT, with what is in doubt."""
    low, high = box_of_cube(volume, look.center_kji, look.spacing_mm)
    likely = on_ct(look.share, volume, look.center_kji, look.spacing_mm, low, high)
    hu = volume.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    mask = drawn(likely)
    if not mask.any():
        raise InputError("No nodule is seen at this point: click on its middle, or give its --diameter.")
    box = known(mask_box(mask), "the box of the mask")
    first = np.array([span.start for span in box])
    cut = unseen_border(hu, mask)
    told = notes + ((CUT_NOTE.format(100 * cut),) if cut > CUT_SHARE else ())
    if _reaches_edge(low + first, mask[box].shape, volume.array.shape):
        told += (EDGE_NOTE,)
    diameter = float(sphere_diameter_mm(mask.sum() * volume.voxel_mm3))
    placed = Mask(three(int(x) for x in low + first), mask[box].copy())
    own = np.where(ndimage.binary_dilation(mask, iterations=2), likely, 0.0).astype(np.float32)
    return Delineation(placed, diameter, own, three(int(x) for x in low), told, not notes)


def drawn(likely: np.ndarray) -> np.ndarray:
    """Return the mask in a box of the CT: where the network is sure enough, filled, its likeliest part alone."""
    mask = likely > BORDER
    labels, count = ndimage.label(mask)
    if count > 1:
        weight = ndimage.sum_labels(likely, labels, np.arange(1, count + 1))
        mask = labels == int(np.argmax(weight)) + 1
    return ndimage.binary_fill_holes(mask)


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
