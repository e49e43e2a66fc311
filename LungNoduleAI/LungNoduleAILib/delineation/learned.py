"""A nodule's voxels from one click: a small network says where, on a scale that it finds itself or is told.

The network sees a cube in which a nodule is about 16 voxels wide. A click without a size is answered in rounds: each
looks at the scale that the one before suggests, and one more looks wider, because a piece of a large lesion can look
like a small nodule. Where the size stays in doubt, the answer says so. Research use only.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.delineation.cubes import ACROSS, PATCH, at_middle, cube, on_scale
from LungNoduleAILib.delineation.looks import NOTHING_SEEN, SAME_SIZE, Delineation, Look, held_within, outline_on_ct
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.spheres import sphere_diameter_mm
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
MAX_ROUNDS = 4
WIDER = 2.0  # times its size, to see whether a nodule is a piece of something larger
SURER = 0.02  # how much more probable the voxels of the larger one must be
NEIGHBORS = (0.85, 1.18)  # scales beside the one of its size
SURE = 0.5  # of a voxel, in a look
SPECK = 0.25  # of the size looked for: something smaller is no nodule on this scale
UNSURE_NOTE = (
    "Its size cannot be told from one point: it may measure {0:.0f} mm or {1:.0f} mm. Give its rough size to decide."
)


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
        else:
            chosen, rival_mm = self._searched(volume, center)
            if chosen is not None and rival_mm is not None:
                notes = (UNSURE_NOTE.format(*sorted((chosen.seen_mm, rival_mm))),)
        if chosen is None:
            raise InputError(NOTHING_SEEN)
        last = self._look(volume, chosen.middle_kji, _clipped(chosen.seen_mm)) or chosen
        return outline_on_ct(volume, self._averaged(volume, last), notes)

    def segment_within(
        self, volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float, radius_mm: float, note: str
    ) -> Delineation:
        """Return what is seen at a point on the scale of a size, cut at a distance from it; ``note`` says so."""
        center = _checked_center(volume, center_ras_mm, diameter_mm)
        look = self._look(volume, center, diameter_mm)
        if look is None:
            raise InputError(NOTHING_SEEN)
        return outline_on_ct(volume, held_within(volume, self._averaged(volume, look), center, radius_mm), (note,))

    def _averaged(self, volume: Volume, look: Look) -> Look:
        """Return a look with the mean chance of looks on neighboring scales too: its border is steadier than of one."""
        sizes = [_clipped(look.size_mm * scale) for scale in NEIGHBORS]
        shares = [look.share]
        for size_mm, share in zip(sizes, self._shares(volume, look.center_kji, sizes), strict=True):
            shares.append(on_scale(share, look.size_mm / size_mm))
        return replace(look, share=np.mean(shares, axis=0))

    def _shares(self, volume: Volume, center_kji: np.ndarray, sizes_mm: list[float]) -> np.ndarray:
        """Return the chance of the nodule (n, PATCH^3) in cubes around a place, one for each size looked for."""
        import torch

        from ThoraxAILib.networks.threads import torch_threads

        cubes = [cube(volume.array, volume.spacing_kji_mm, center_kji, size_mm / ACROSS) for size_mm in sizes_mm]
        with torch_threads(None):
            logits = self._network.answer(np.stack(cubes)[:, None])
            return torch.from_numpy(logits).softmax(1)[:, 1].numpy()

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
        spacing_mm = diameter_mm / ACROSS
        share = self._shares(volume, center_kji, [diameter_mm])[0]
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
        return Look(center_kji, diameter_mm, spacing_mm, share, middle, seen_mm, chance)


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
