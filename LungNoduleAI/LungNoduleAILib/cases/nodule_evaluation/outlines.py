"""What each way of outlining says of one nodule, beside its readers: Dice, volume, diameter, type, suspicion."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.analysis.stack_site import StackSite, on_padded, place_of
from LungNoduleAILib.datasets.nodule_stacks import AGREED, NoduleStack, Padding, person_number
from LungNoduleAILib.delineation.classical import ClassicalDelineator
from LungNoduleAILib.delineation.combined import LearnedDelineator
from LungNoduleAILib.delineation.learned import NoduleNetwork
from LungNoduleAILib.delineation.looks import Delineation
from LungNoduleAILib.delineation.region import background_hu, distance_from
from LungNoduleAILib.guidelines.risk_models import brock
from LungNoduleAILib.guidelines.terms.inputs import Inputs
from LungNoduleAILib.measurement.size import axial_size
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.mask import Mask

CENTER, RANDOM, ANALYZED = "click at the center", "click on a random voxel", "as lung analyze reports it"
GROWN, HALF, BALL = "region growing, told the size", "half maximum, told the size", "ball of the readers' volume"
READER = "one reader against the others"
WALL, VESSEL, FREE = "on the wall", "on a vessel", "free"
SOFT_HU, VESSEL_HU, WALL_OPENING_MM, WALL_MM, VESSEL_SHARE = -300.0, -400.0, 4.0, 3.0, 0.03
BROCK_AGE, BROCK_SEX = Decimal(62), "F"  # the same for everyone: the files do not say


@dataclass(frozen=True)
class NoduleScores:
    """One nodule: ``dice`` and ``volume_error`` (relative) by way of outlining, readers' own, and what was told."""

    name: str
    person: str
    diameter_mm: float
    slice_mm: float
    attachment: str
    ratings: dict[str, float]
    dice: dict[str, float]
    volume_error: dict[str, float]
    reader_dice: tuple[float, ...]
    reader_volume_error: tuple[float, ...]
    size_is_sure: dict[str, bool]
    type: str | None
    mean_diameter_mm: float | None
    consensus_diameter_mm: float
    suspicion: float | None
    suspicion_interval: tuple[float, float] | None
    brock: float | None
    masks: dict[str, np.ndarray] = field(repr=False, default_factory=dict)


class NoduleGrader:
    """Grades nodules with one network; ``seed`` decides the noise of the padding and the random clicks."""

    def __init__(self, device: str, seed: int, padding: Padding) -> None:
        self._network, self._analyzed = NoduleNetwork(device=device), LearnedDelineator(device)
        self._seed, self._padding = seed, padding

    def grade(self, stack: NoduleStack) -> NoduleScores:
        """Outline a nodule in every way and compare."""
        place = StackSite.of(stack, self._seed, self._padding)
        truth, finding = place.truth, place.measured(self._analyzed)
        clicks = {CENTER: stack.middle_kji, RANDOM: self._random_voxel(stack)}
        clicked = {way: self._clicked(place, at) for way, at in clicks.items()}
        masks = {way: _whole(None if found is None else found.mask, truth.shape) for way, found in clicked.items()}
        masks[ANALYZED] = _whole(None if finding is None else finding.mask, truth.shape)
        masks[GROWN], masks[HALF], masks[BALL] = _grown(place), _half_maximum(place), _ball(place)
        errors = {way: float(mask.sum() / truth.sum() - 1) for way, mask in masks.items()}
        if finding is not None:
            errors[ANALYZED] = finding.volume_mm3 / (truth.sum() * place.volume.voxel_mm3) - 1
        readers = [_against_others(stack.readers, n) for n in range(len(stack.readers))] if _enough(stack) else []
        return NoduleScores(
            stack.name,
            stack.person,
            stack.diameter_mm,
            float(stack.spacing_kji_mm[0]),
            attachment(stack),
            stack.ratings,
            {way: dice(mask, truth) for way, mask in masks.items()},
            errors,
            tuple(overlap for overlap, _ in readers),
            tuple(error for _, error in readers),
            {way: found is not None and found.size_is_sure for way, found in clicked.items()},
            None if finding is None else finding.type,
            None if finding is None else finding.mean_diameter_mm,
            axial_size(truth.astype(np.float32), truth, 0.5, place.volume.spacing_kji_mm).mean_diameter_mm,
            None if finding is None else finding.suspicion,
            None if finding is None else finding.suspicion_interval,
            None if finding is None else _brock(finding),
            {**masks, "consensus": truth, "union": on_padded(stack.union), "hu": place.volume.array},
        )

    def _random_voxel(self, stack: NoduleStack) -> np.ndarray:
        index = np.argwhere(stack.consensus)
        rng = np.random.default_rng((self._seed, person_number(stack.person), len(index)))
        return index[int(rng.integers(len(index)))]

    def _clicked(self, place: StackSite, at_kji: np.ndarray) -> Delineation | None:
        try:
            return self._network.segment(place.volume, place_of(place.volume, at_kji))
        except InputError:  # nothing is seen there
            return None


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice of two masks."""
    return float(2 * (one & other).sum() / max(int(one.sum() + other.sum()), 1))


def attachment(stack: NoduleStack) -> str:
    """Return whether a nodule lies on the wall (or mediastinum), on a vessel in its planes, or free.

    Wall: soft tissue that a disk of WALL_OPENING_MM fits into within WALL_MM. Vessel: more than VESSEL_SHARE of the
    ring two pixels around what any reader drew is dense.
    """
    import edt

    pixel = tuple(float(s) for s in stack.spacing_kji_mm[1:])
    dense, near = 0, False
    ring_size = 0
    for hu, union, agreed in zip(stack.hu, stack.union, stack.consensus, strict=True):
        if not agreed.any():
            continue
        soft = (hu > SOFT_HU) & ~union
        thick = edt.edt(soft, anisotropy=pixel) > WALL_OPENING_MM
        if thick.any():
            wall = soft & (edt.edt(~thick, anisotropy=pixel) <= WALL_OPENING_MM)
            near = near or bool(edt.edt(~wall, anisotropy=pixel)[agreed].min() <= WALL_MM)
        ring = ndi.binary_dilation(union, iterations=2) & ~union
        dense, ring_size = dense + int((hu[ring] > VESSEL_HU).sum()), ring_size + int(ring.sum())
    return WALL if near else VESSEL if dense > VESSEL_SHARE * max(ring_size, 1) else FREE


def _whole(mask: Mask | None, shape: tuple[int, ...]) -> np.ndarray:
    whole = np.zeros(shape, bool)
    if mask is not None:
        whole[tuple(slice(o, o + n) for o, n in zip(mask.offset_kji, mask.array.shape, strict=True))] = mask.array
    return whole


def _grown(place: StackSite) -> np.ndarray:
    site = place.site()
    outline = ClassicalDelineator().outline(site)
    mask = None if outline is None else site.patch.mask_on_ct_grid(outline.region.mask, place.volume.array.shape)
    return _whole(mask, place.truth.shape)


def _half_maximum(place: StackSite) -> np.ndarray:
    """Half-way between the lung around and the middle, the part at the middle, within 0.75 diameters and 1 mm."""
    spacing, hu, size = place.volume.spacing_kji_mm, place.volume.array, place.candidate.diameter_mm
    center = place.volume.kji_from_ras(np.array(place.candidate.center_ras_mm))
    away = distance_from(center, hu.shape, spacing)
    near = away <= max(0.2 * size, float(spacing.min()))
    core = float(hu[near if near.any() else away <= away.min()].mean())
    labels, _ = ndi.label((hu > 0.5 * (core + background_hu(hu, away, size))) & (away <= 0.75 * size + 1.0))
    middle = labels[tuple(np.rint(center).astype(int))]
    return labels == middle if middle else np.zeros(hu.shape, bool)


def _ball(place: StackSite) -> np.ndarray:
    spacing, truth = place.volume.spacing_kji_mm, place.truth
    away = distance_from(np.argwhere(truth).mean(axis=0), truth.shape, spacing)
    return away <= np.sort(away.ravel())[int(truth.sum()) - 1]


def _enough(stack: NoduleStack) -> bool:
    return len(stack.readers) > AGREED + 1


def _against_others(readers: np.ndarray, number: int) -> tuple[float, float]:
    """Dice and relative volume error of one reader against what AGREED of the others drew."""
    others = np.delete(readers, number, axis=0).sum(axis=0) >= AGREED
    return dice(readers[number], others), float(readers[number].sum() / max(int(others.sum()), 1) - 1)


def _brock(finding: Finding) -> float | None:
    kind = "solid" if finding.type == "calcified" else finding.type
    inputs = Inputs(age=BROCK_AGE, sex=BROCK_SEX, type=kind, diameter_mm=Decimal(repr(finding.mean_diameter_mm)))
    answer = brock(inputs)
    return None if answer.probability is None else float(answer.probability)
