"""Trains the Siamese network on synthetic pairs: InfoNCE over all nodules and look-alike places of one person.

Every step is one person on two dates, a function of (seed, step) alone; checkpoints let a stopped training go on to
exactly the same weights. PyTorch at file scope.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from LungNoduleAILib.followup.matching.siamese import SCHEMA
from LungNoduleAILib.followup.matching.siamese_network import SiameseNetwork, SiameseSettings, info_nce
from LungNoduleAILib.followup.matching.siamese_patches import normalized_hu
from LungNoduleAILib.synthesis.cohort import load_or_make_body, make_cohort
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.training.matching.cases import SiameseCase, draw_case
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import save_weights

logger = logging.getLogger(__name__)
WEIGHTS_NAME, CHECKPOINT_NAME, BODIES = "siamese.pt", "checkpoint.pt", "bodies"
CHECKPOINT_EVERY = 20
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

    def rate(self, step: int) -> float:
        """Learning rate of a step: a short rise, then a straight fall to 2 %."""
        rise = min(1.0, (step + 1) / self.warm_up)
        return self.learning_rate * rise * (1.0 - 0.98 * step / self.steps)


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


class SiameseTraining:
    """One training in a folder that keeps ``checkpoint.pt``."""

    def __init__(self, folder: Path, recipe: SiameseRecipe, cache: Path) -> None:
        """Starts or resumes; raises InputError when the folder holds a training of another recipe."""
        self._folder, self._recipe, self._cache = folder, recipe, cache
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(1)
        self.network = SiameseNetwork(SiameseSettings()).to(memory_format=torch.channels_last_3d)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.step, self.losses, self.seconds = 0, [], 0.0
        if (folder / CHECKPOINT_NAME).is_file():
            self._resume()

    def run(self, progress: Progress) -> None:
        """Train to the last step; a cancel keeps the last checkpoint."""
        while self.step < self._recipe.steps:
            recent = self.losses[-20:]
            told = f", loss {np.mean(recent):.3f}" if recent else ""
            progress(self.step / self._recipe.steps, f"Step {self.step + 1} of {self._recipe.steps}{told}")
            started = time.process_time()
            self._train_one()
            self.seconds += time.process_time() - started
            if self.step % CHECKPOINT_EVERY == 0 or self.step == self._recipe.steps:
                self._save()

    def write_weights(self) -> Path:
        """Write the averaged weights with how they were made."""
        path = self._folder / WEIGHTS_NAME
        note = {
            "recipe": asdict(self._recipe),
            "steps": self.step,
            "last_loss": round(float(np.mean(self.losses[-20:])), 4),
        }
        save_weights(path, SCHEMA, self.network.settings.to_dict(), self.average, note)
        logger.info("learned in %.0f CPU seconds", self.seconds)
        return path

    def _train_one(self) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.rate(self.step)
        loss = self._loss(draw_case(self._body(), self._recipe.seed, self.step))
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self._optimizer.step()
        keep = min(self._recipe.average, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            self.average[name].mul_(keep).add_(value.detach(), alpha=1 - keep)
        self.step += 1
        self.losses.append(float(loss.detach()))
        logger.info("step %d loss %.4f", self.step, self.losses[-1])

    def _body(self) -> Body:
        """The person of the present step; bodies that are no chest are passed over."""
        random = np.random.default_rng([self._recipe.seed, 70, self.step])
        for pick in random.permutation(self._recipe.bodies):
            body = load_or_make_body(self._recipe.first_body + int(pick), "training", BODY_SPACING_MM, self._cache)
            if body.is_chest:
                return body
        raise InputError("None of the bodies is a chest: give more --bodies.")

    def _loss(self, case: SiameseCase) -> torch.Tensor:
        images = torch.from_numpy(normalized_hu(np.concatenate(case.patches)))[:, None]
        embedded = self.network(
            images.contiguous(memory_format=torch.channels_last_3d), torch.from_numpy(np.concatenate(case.places))
        )
        count = len(case.patches[0])
        return info_nce(self.network.likeness(embedded[:count], embedded[count:]), case.prior_index, case.current_index)

    def _save(self) -> None:
        path = self._folder / CHECKPOINT_NAME
        partial = path.with_name(path.name + ".partial")
        torch.save(
            {
                "recipe": asdict(self._recipe),
                "network": self.network.state_dict(),
                "average": self.average,
                "optimizer": self._optimizer.state_dict(),
                "step": self.step,
                "losses": self.losses,
                "seconds": self.seconds,
            },
            partial,
        )
        partial.replace(path)

    def _resume(self) -> None:
        state = torch.load(self._folder / CHECKPOINT_NAME, map_location="cpu", weights_only=True)
        if state["recipe"] != asdict(self._recipe):
            raise InputError(
                "The folder holds a training of another recipe: choose another --output or the same options."
            )
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.average = state["average"]
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
