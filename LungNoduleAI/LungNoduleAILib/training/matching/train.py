"""Trains the Siamese network on synthetic pairs: InfoNCE over all nodules and look-alike places of one person.

Every step is one person on two dates, a function of (seed, step) alone; checkpoints let a stopped training go on to
exactly the same weights. PyTorch at file scope.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from LungNoduleAILib.followup.matching.siamese import SCHEMA
from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork, SiameseSettings, info_nce
from LungNoduleAILib.followup.matching.siamese_patches import normalized_hu
from LungNoduleAILib.synthesis.cohort import load_or_make_body, make_cohort
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.training.matching.cases import draw_case
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.learner import Learner, MovingAverage
from ThoraxAILib.networks.precision import channels_last
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.trainer import ONLY, Loss, Trainer
from ThoraxAILib.networks.weights_file import save_weights

logger = logging.getLogger(__name__)
WEIGHTS_NAME, BODIES = "siamese.pt", "bodies"
MAX_GRADIENT = 5.0
BODY_SPACING_MM = (1.5, 1.5, 1.5)


@dataclass(frozen=True)
class SiameseRecipe:
    """How the network is trained; ``bodies`` persons of the training setting with seeds from ``first_body`` on."""

    steps: int = 140
    seed: int = 5000
    bodies: int = 20
    first_body: int = 5000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up: int = 20
    average: float = 0.98


def train(request: TrainingRequest, progress: Progress | None = None) -> Path:
    """Train in the folder of the request and return the weights file; goes on where a stopped run ended."""
    given = {name: getattr(request, name) for name in ("steps", "seed", "bodies") if getattr(request, name) is not None}
    recipe = SiameseRecipe(**given)
    progress = progress or Progress()
    cache = request.output / BODIES
    seeds = range(recipe.first_body, recipe.first_body + recipe.bodies)
    make_cohort(seeds, "training", BODY_SPACING_MM, cache, request.jobs, progress.part(0.0, 0.2))
    training = SiameseTraining(request.output, recipe, cache)
    training.run(progress.part(0.2, 1.0))
    return training.write_weights()


class SiameseTraining(Trainer[SiameseNetwork]):
    """One training in a folder that keeps ``checkpoint.pt``."""

    checkpoint_every = 20

    def __init__(self, folder: Path, recipe: SiameseRecipe, cache: Path) -> None:
        """Start or resumes; raises InputError when the folder holds a training of another recipe."""
        self._folder, self._siamese_recipe, self._cache = folder, recipe, cache
        schedule = Schedule(recipe.learning_rate, recipe.steps, recipe.warm_up, fall=0.98)
        super().__init__(folder, schedule, recipe.seed, asdict(recipe), threads=1)

    def make_learners(self) -> dict[str, Learner[SiameseNetwork]]:
        """Return the one network."""
        recipe = self._siamese_recipe
        network = channels_last(SiameseNetwork(SiameseSettings()))
        optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        return {ONLY: Learner(network, optimizer, MAX_GRADIENT, WeightedSum(network, recipe.average, rise=9))}

    def loss(self, step: int) -> Loss:
        """How the network tells apart the nodules of the person of a step."""
        case, network = draw_case(self._body(step), self._siamese_recipe.seed, step), self.learners[ONLY].network
        images = torch.from_numpy(normalized_hu(np.concatenate(case.patches)))[:, None]
        embedded = network(
            images.contiguous(memory_format=torch.channels_last_3d), torch.from_numpy(np.concatenate(case.places))
        )
        count = len(case.patches[0])
        likeness = network.likeness(embedded[:count], embedded[count:])
        return Loss(info_nce(likeness, case.prior_index, case.current_index))

    def _body(self, step: int) -> Body:
        """Return the person of a step; bodies that are no chest are passed over."""
        recipe = self._siamese_recipe
        random = np.random.default_rng([recipe.seed, 70, step])
        for pick in random.permutation(recipe.bodies):
            body = load_or_make_body(recipe.first_body + int(pick), "training", BODY_SPACING_MM, self._cache)
            if body.is_chest:
                return body
        raise InputError("None of the bodies is a chest: give more --bodies.")

    def write_weights(self) -> Path:
        """Write the averaged weights with how they were made."""
        path, learner = self._folder / WEIGHTS_NAME, self.learners[ONLY]
        note = {
            "recipe": asdict(self._siamese_recipe),
            "steps": self.step,
            "last_loss": round(float(np.mean(self.losses[ONLY][-20:])), 4),
        }
        save_weights(path, SCHEMA, learner.network.settings.to_dict(), learner.kept_weights, note)
        logger.info("learned in %.0f CPU seconds", self.seconds)
        return path


class WeightedSum(MovingAverage):
    """An average whose last digits are those of the shipped network, which was made with this formula."""

    def blend(self, average: Tensor, value: Tensor, keep: float) -> None:
        """Scale and add, where lerp_ would round once."""
        average.mul_(keep).add_(value, alpha=1 - keep)
