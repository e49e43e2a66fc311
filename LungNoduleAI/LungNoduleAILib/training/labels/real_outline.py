"""The second stage of the outline's training: real nodules with the outlines of readers, beside the synthetic bodies.

A stack holds only the slices that carry its nodule. So that the network does not learn the cut, stacks are padded in
several ways, some are cut short, and voxels whose truth the cut took away do not count. PyTorch at file scope.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage as ndi

from LungNoduleAILib.datasets.nodule_stacks import NoduleStack, edge_slices, fingerprint, open_stacks, stacks_of
from LungNoduleAILib.delineation.cubes import ACROSS, PATCH, cube
from LungNoduleAILib.delineation.learned import MAKER, SCHEMA
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE, TrainingVolumes
from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining
from LungNoduleAILib.training.labels.outline import CLASS_WEIGHTS, COARSE_CHANCE, draw_cube
from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings
from ThoraxAILib.networks.learner import Learner
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.trainer import ONLY
from ThoraxAILib.networks.weights_file import Weights, load_weights, save_weights

if TYPE_CHECKING:
    from LungNoduleAILib.training.request import TrainingRequest

FIRST_STAGE = "nodule_segmentation_synthetic.pt"
RIGHT_SCALE, ANY_SCALE = (0.65, 1.6), (0.2, 3.0)  # size looked for, relative to the nodule's
ANY_SCALE_CHANCE = 0.3
FAR_CLICK_CHANCE = 0.4  # a click on any voxel of the nodule; else within CLICK_ERROR of the radius
CLICK_ERROR = 0.35
CUT_SHORT_CHANCE, EDGE_CHANCE = 0.2, 0.1
PADDED = 6  # slices; beyond them a cube repeats the last one
MAX_FADE = 0.45  # of the nodule, in the slice beyond the last that readers drew
MAX_NOISE_HU, SHIFT_HU, GAIN = 25.0, 15.0, 0.03
LARGE_MM, MIDDLE_MM = 15.0, 10.0
LARGE_WEIGHT, MIDDLE_WEIGHT, SUBSOLID_WEIGHT = 3.0, 1.7, 1.6
SUBSOLID_TEXTURE = 3.0  # and less, as readers rate it


@dataclass(frozen=True)
class RealRecipe:
    """How the second stage is made: ``real_share`` of the cubes come from ``people`` (``nodules``, ``real_sha256``)."""

    steps: int = 1500
    seed: int = 2000
    bodies: int = 8
    batch: int = 4
    real_share: float = 0.65
    learning_rate: float = 7e-4
    average: float = 0.998
    real_sha256: str = ""
    nodules: int = 0
    people: int = 0
    first_sha256: str = ""


class MixedSamples:
    """Sample ``step``: a batch of cubes, the larger part of them of real nodules."""

    def __init__(self, stacks: Sequence[NoduleStack], volumes: TrainingVolumes, recipe: RealRecipe) -> None:
        self._stacks, self._volumes, self._recipe = stacks, volumes, recipe
        weights = np.array([weight_of(stack) for stack in stacks])
        self._chance = weights / weights.sum()

    def __call__(self, step: int) -> LabelSample:
        """HU and labels (batch, k, j, i)."""
        drawn = [self._cube(np.random.default_rng((self._recipe.seed, 78, step, n))) for n in range(self._recipe.batch)]
        return LabelSample(np.stack([hu for hu, _ in drawn]), np.stack([labels for _, labels in drawn]))

    def _cube(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        wrong = draw_scale(rng)
        if rng.random() < self._recipe.real_share:
            return draw_real_cube(self._stacks[int(rng.choice(len(self._stacks), p=self._chance))], wrong, rng)
        level = COARSE if rng.random() < COARSE_CHANCE else FINE
        number = int(rng.integers(self._recipe.bodies))
        far = 0.9 if rng.random() < FAR_CLICK_CHANCE else CLICK_ERROR
        return draw_cube(self._volumes(number, level), level, self._volumes(number, COARSE), rng, wrong, far)


def draw_scale(rng: np.random.Generator) -> float:
    """Return the size looked for as a share of the nodule's: mostly about right, sometimes far off as in a search."""
    low, high = ANY_SCALE if rng.random() < ANY_SCALE_CHANCE else RIGHT_SCALE
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def weight_of(stack: NoduleStack) -> float:
    """How often a nodule is drawn: the large and the sub-solid ones, which are few, more often."""
    size = stack.diameter_mm
    weight = LARGE_WEIGHT if size >= LARGE_MM else MIDDLE_WEIGHT if size >= MIDDLE_MM else 1.0
    return weight * (SUBSOLID_WEIGHT if stack.ratings.get("texture", 5.0) <= SUBSOLID_TEXTURE else 1.0)


def draw_real_cube(stack: NoduleStack, wrong: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """HU (float32) and labels (uint8; 1 nodule, IGNORED where the cut hides the truth), PATCH^3, of one click."""
    hu, labels, first = pad_with_truth(stack, rng)
    size = stack.diameter_mm
    within = float((np.array(hu.shape[1:]) * stack.spacing_kji_mm[1:]).min()) * ACROSS / PATCH
    spacing = float(np.clip(size * wrong, 3.0, max(3.0, min(100.0, 1.2 * within)))) / ACROSS
    center = _click(stack, rng) + np.array([first, 0, 0])
    values = cube(hu, stack.spacing_kji_mm, center, spacing)
    truth = _nearest_cube(labels, stack.spacing_kji_mm, center, spacing)
    values = values * (1 + GAIN * np.float32(rng.standard_normal())) + np.float32(rng.normal(0, SHIFT_HU))
    grain = rng.normal(0, rng.uniform(0, MAX_NOISE_HU), values.shape)
    values = values + ndi.gaussian_filter(grain, 0.8 * rng.random(), truncate=2.0).astype(np.float32)
    return _turned(values, truth, rng)


def _click(stack: NoduleStack, rng: np.random.Generator) -> np.ndarray:
    """Return a place on the nodule in voxels of the stack."""
    if rng.random() < FAR_CLICK_CHANCE:
        index = np.argwhere(stack.consensus)
        return index[int(rng.integers(len(index)))] + rng.uniform(-0.5, 0.5, 3)
    away = rng.standard_normal(3)
    away *= CLICK_ERROR * rng.random() * stack.diameter_mm / 2 / np.linalg.norm(away)
    return stack.middle_kji + away / stack.spacing_kji_mm


def pad_with_truth(stack: NoduleStack, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Return HU and labels of a stack with slices added on both sides, and the place of the stack's first slice.

    Mostly the nodule fades or ends beyond its last slice; sometimes it goes on or is cut short, and then the voxels
    that any reader drew in the last slice do not count where it would be.
    """
    low, high = 0, len(stack.hu)
    cut_short = high >= 5 and rng.random() < CUT_SHORT_CHANCE
    if cut_short:
        low, high = int(rng.integers(0, high // 4 + 1)), high - int(rng.integers(0, high // 4 + 1))
    goes_on = cut_short or rng.random() < EDGE_CHANCE
    hu, labels = stack.hu[low:high], stack.consensus[low:high].astype(np.uint8)
    removed, pads, truths = edge_slices(stack, rng), [], []
    for side, k in enumerate((low, high - 1)):
        place = ndi.binary_dilation(stack.union[k], iterations=2)
        unknown = np.where(place, IGNORED, 0).astype(np.uint8)
        if goes_on:
            pads.append(np.repeat(stack.hu[k][None], PADDED, 0))
            truths.append(np.repeat(unknown[None], PADDED, 0))
            continue
        fade = np.float32(rng.uniform(0, MAX_FADE))
        near = fade * stack.hu[k] + (1 - fade) * removed[side]
        pads.append(np.stack([near] + [removed[side]] * (PADDED - 1)))
        truths.append(np.stack([unknown] + [np.zeros_like(unknown)] * (PADDED - 1)))
    hu = np.concatenate([pads[0][::-1], hu, pads[1]])
    return hu, np.concatenate([truths[0][::-1], labels, truths[1]]), PADDED - low


def _nearest_cube(
    labels: np.ndarray, spacing_kji_mm: np.ndarray, center_kji: np.ndarray, spacing_mm: float
) -> np.ndarray:
    """Return labels around a place as ``cube`` shows the HU: the nodule where more than half of it lies."""
    nodule = cube((labels == 1).astype(np.float32), spacing_kji_mm, center_kji, spacing_mm) > 0.5
    unknown = cube((labels == IGNORED).astype(np.float32), spacing_kji_mm, center_kji, spacing_mm) > 0.5
    return np.where(nodule, 1, np.where(unknown, IGNORED, 0)).astype(np.uint8)


def _turned(hu: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Flip along random axes and exchange rows and columns half of the time: a nodule has no side."""
    flips = tuple(int(axis) for axis in np.flatnonzero(rng.random(3) < 0.5))
    if rng.random() < 0.5:
        hu, labels = hu.swapaxes(1, 2), labels.swapaxes(1, 2)
    return np.ascontiguousarray(np.flip(hu, flips)), np.ascontiguousarray(np.flip(labels, flips))


class SecondStage(LabelTraining):
    """A training that begins with the weights of the first stage, its learning rate the same to the end."""

    def __init__(self, folder: Path, recipe: RealRecipe, first: Weights, draw: MixedSamples, device: str) -> None:
        self._first = first
        settings = LabelNetworkSettings.from_dict(first.settings)
        rules = LabelRecipe(
            recipe.steps,
            recipe.seed,
            CLASS_WEIGHTS,
            recipe.learning_rate,
            average=recipe.average,
            frozen_norm_from=0.0,
            device=device,
            precision="float32",
        )
        super().__init__(folder, rules, settings, draw)
        self._schedule = Schedule(recipe.learning_rate, recipe.steps, 50, fall=0.0)

    def make_learners(self) -> dict[str, Learner[LabelNetwork]]:
        """Return the one network with the weights of the first stage, its average beginning there too."""
        learners = super().make_learners()
        learner = learners[ONLY]
        learner.network.load_state_dict(self._first.state)
        if learner.average is not None:
            learner.average.state = {name: value.clone() for name, value in learner.network.state_dict().items()}
        return learners


def train_on_real(request: TrainingRequest, first: Path, progress: Progress) -> Path:
    """Train on ``request.real`` and synthetic bodies, write ``nodule_segmentation.pt``; returns its path.

    ``first`` are the weights of the first stage. People that test, validate or judge take no part.
    """
    if request.real is None:
        raise InputError("The second stage needs a folder of real nodules: give --real FOLDER.")
    stacks = stacks_of(open_stacks(request.real), "train")
    if not stacks:
        raise InputError(f"'{request.real.name}' holds no nodule of a person that may train: give more people.")
    weights = load_weights(first, SCHEMA, MAKER)
    chosen = {name: getattr(request, name) for name in ("steps", "seed", "bodies")}
    recipe = RealRecipe(
        **{name: value for name, value in chosen.items() if value is not None},
        real_sha256=fingerprint(stacks),
        nodules=len(stacks),
        people=len({stack.person for stack in stacks}),
        first_sha256=weights.sha256,
    )
    volumes = TrainingVolumes(request.output / "bodies", 1000, recipe.bodies)
    draw = MixedSamples(stacks, volumes, recipe)
    training = SecondStage(request.output / "segmentation_real", recipe, weights, draw, request.device)
    with volumes.made_ahead(request.jobs):
        training.run(progress)
    return write_second_stage(request.output, training, recipe, weights)


def write_second_stage(output: Path, training: SecondStage, recipe: RealRecipe, first: Weights) -> Path:
    """Write the averaged weights with how they were made; returns the path."""
    path = output / "nodule_segmentation.pt"
    note = {"recipe": asdict(recipe), "first_stage": first.note}
    save_weights(path, SCHEMA, first.settings, training.averaged().state_dict(), note)
    return path
