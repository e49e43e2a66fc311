"""Trains the network behind ``thoraxai lung segment``: cubes around random nodules, seen at about the right scale.

Bodies are those of the detector training; a sample is a function of (seed, step). PyTorch at file scope.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from LungNoduleAILib.delineation.cubes import ACROSS, PATCH, cube
from LungNoduleAILib.delineation.learned import SCHEMA, SHIPPED
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.share import nodule_share, paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import draw_scanner
from LungNoduleAILib.training.detector.training_volumes import COARSE, FINE, Level, TrainingVolume, TrainingVolumes
from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining
from LungNoduleAILib.training.labels.samples import LabelSample
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.label_network import LabelNetworkSettings
from ThoraxAILib.networks.weights_file import save_weights

CLASS_WEIGHTS = (1.0, 2.0)
COARSE_CHANCE = 0.15
SIZE_ERROR = (0.6, 1.8)  # size looked for, relative to the nodule's
CLICK_ERROR = 0.35  # of the radius
NEIGHBOR_CHANCE = 0.3
COARSE_FROM_MM = 2.0


@dataclass(frozen=True)
class SegmentationRecipe:
    """How the shipped network is made."""

    steps: int = 3000
    seed: int = 1000
    bodies: int = 40
    batch: int = 4
    channels: tuple[int, ...] = (16, 32, 64)


class SegmentationSamples:
    """Sample ``step``: a batch of cubes with their nodules; looks at the volumes of a detector training."""

    def __init__(self, volumes: TrainingVolumes, recipe: SegmentationRecipe) -> None:
        self._volumes, self._recipe = volumes, recipe

    def __call__(self, step: int) -> LabelSample:
        """HU and labels (batch, k, j, i)."""
        drawn = []
        for place in range(self._recipe.batch):
            rng = np.random.default_rng((self._recipe.seed, 77, step, place))
            level = COARSE if rng.random() < COARSE_CHANCE else FINE
            number = int(rng.integers(self._recipe.bodies))
            drawn.append(draw_cube(self._volumes(number, level), level, self._volumes(number, COARSE), rng))
        return LabelSample(np.stack([hu for hu, _ in drawn]), np.stack([labels for _, labels in drawn]))


def draw_cube(
    volume: TrainingVolume,
    level: Level,
    coarse: TrainingVolume,
    rng: np.random.Generator,
    wrong: float | None = None,
    click_error: float = CLICK_ERROR,
) -> tuple[np.ndarray, np.ndarray]:
    """HU (float32) and labels (uint8, 1 nodule), both PATCH^3, of one click on a random nodule.

    ``wrong`` is the size looked for, relative to the nodule's (None: drawn from SIZE_ERROR).
    """
    chosen = int(rng.integers(len(volume.nodules)))
    nodule = volume.nodules[chosen]
    if wrong is None:
        wrong = float(np.exp(rng.uniform(*np.log(SIZE_ERROR))))
    spacing = float(np.clip(nodule.diameter_mm * wrong, 3.0, 100.0)) / ACROSS
    away = rng.standard_normal(3)
    away *= click_error * rng.random() * nodule.diameter_mm / 2 / np.linalg.norm(away)
    center = np.array(nodule.center_ras_mm) + away
    seen = coarse if spacing > COARSE_FROM_MM else volume if level is FINE else coarse
    at = seen.grid.frame_mm(center) / seen.grid.spacing_kji_mm
    hu = cube(seen.hu, seen.grid.spacing_kji_mm, at, spacing)
    grid = _grid(seen.grid, at, spacing)
    painted = [nodule]
    for other in (volume.nodules[int(n)] for n in rng.integers(len(volume.nodules), size=6)):
        gap = np.linalg.norm(np.subtract(other.center_ras_mm, nodule.center_ras_mm))
        if rng.random() < NEIGHBOR_CHANCE and gap > 0.6 * (other.diameter_mm + nodule.diameter_mm) + 2:
            painted.append(other)
    for one in painted[::-1]:
        paint_into(hu, grid, one)
    scanner = draw_scanner(rng)
    return acquire(hu, grid.spacing_kji_mm, scanner, rng), _labels(grid, nodule)


def _grid(grid: Grid, at_kji: np.ndarray, spacing_mm: float) -> Grid:
    """Return the grid of a cube around a voxel position of another grid."""
    direction = grid.ijk_to_ras[:3, :3] / grid.spacing_ijk_mm
    middle = grid.ijk_to_ras[:3, :3] @ at_kji[::-1] + grid.ijk_to_ras[:3, 3]
    return Grid.around(middle, (spacing_mm,) * 3, (PATCH,) * 3, direction)


def _labels(grid: Grid, nodule: PlantedNodule) -> np.ndarray:
    labels = np.zeros((PATCH, PATCH, PATCH), np.uint8)
    box, share = nodule_share(grid, nodule)
    labels[box] = share > 0.5
    return labels


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Make the bodies, train, write ``nodule_segmentation.pt``; returns its path.

    With ``request.real`` this is the second stage, on real nodules beside the bodies, from weights of the first.
    """
    if request.real is not None:
        from LungNoduleAILib.training.labels.real_outline import FIRST_STAGE, train_on_real

        return train_on_real(request, request.first_stage or SHIPPED.with_name(FIRST_STAGE), progress)
    if request.first_stage is not None:
        raise InputError("--first-stage belongs to the second stage: give --real FOLDER with it.")
    chosen = {name: getattr(request, name) for name in ("steps", "seed", "bodies")}
    recipe = SegmentationRecipe(**{name: value for name, value in chosen.items() if value is not None})
    volumes = TrainingVolumes(request.output / "bodies", recipe.seed, recipe.bodies)
    settings = LabelNetworkSettings(2, recipe.channels, 1.0, ((-1000.0, 400.0), (-950.0, -350.0)))
    rules = LabelRecipe(recipe.steps, recipe.seed, CLASS_WEIGHTS, device=request.device)
    training = LabelTraining(request.output / "segmentation", rules, settings, SegmentationSamples(volumes, recipe))
    with volumes.made_ahead(request.jobs):
        training.run(progress)
    path = request.output / "nodule_segmentation.pt"
    save_weights(path, SCHEMA, asdict(settings), training.averaged().state_dict(), {"recipe": asdict(recipe)})
    return path
