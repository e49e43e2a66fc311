"""Trains a label network on samples that depend on (seed, step) only: a stopped training goes on exactly.

Loss = weighted cross entropy over all voxels + soft Dice over one of the eight sub-lattices of each step (an eighth of
the work, the same expectation). Normalization statistics are frozen for the last part, so that the network learns with
those it will run with, and the weights that are kept are an exponential average. PyTorch at file scope.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.pool import in_order, open_pool
from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings, to_half_resolution
from ThoraxAILib.networks.learner import Learner, MovingAverage, freeze_normalization
from ThoraxAILib.networks.precision import channels_last
from ThoraxAILib.networks.schedule import Schedule
from ThoraxAILib.networks.trainer import ONLY, Loss, Trainer
from ThoraxAILib.networks.weights_file import save_weights

logger = logging.getLogger(__name__)
MAX_GRADIENT, WARM_UP = 2.0, 50


@dataclass(frozen=True)
class LabelRecipe:
    """How a label network is trained; ``class_weights`` weigh the cross entropy, one per class.

    ``precision`` is "bfloat16" or "float32". Normalization follows the samples with ``norm_momentum`` and stays as it
    is from the share ``frozen_norm_from`` of the steps on. Where samples differ much from each other, a small momentum
    and an early freeze keep what the network learns true for whole images.
    """

    steps: int
    seed: int
    class_weights: tuple[float, ...]
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    average: float = 0.995
    frozen_norm_from: float = 0.6
    norm_momentum: float = 0.1
    threads: int = 1
    workers: int = 0
    device: str = "cpu"
    precision: str = "bfloat16"

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"Training needs at least one step, {self.steps} was given.")
        if self.seed < 0 or self.threads < 1 or self.workers < 0:
            raise InputError("The seed, the threads and the workers of a training must not be negative.")

    def settled(self) -> dict:
        """Return what decides the result; the rest may change between two parts of a training."""
        left_out = {"threads", "workers", "device"} | ({"precision"} if self.precision == "bfloat16" else set())
        return {name: value for name, value in asdict(self).items() if name not in left_out}


class LabelTraining(Trainer[LabelNetwork]):
    """One training in a folder that keeps ``checkpoint.pt``; ``draw`` gives the sample of a step."""

    checkpoint_every = 100

    def __init__(
        self, folder: Path, recipe: LabelRecipe, settings: LabelNetworkSettings, draw: Callable[[int], LabelSample]
    ) -> None:
        """Start or resumes; raises InputError when the folder holds a training of another recipe."""
        self._label_recipe, self._settings, self._draw = recipe, settings, draw
        self._samples: Iterator[LabelSample] | None = None
        self._weights = torch.tensor(recipe.class_weights, device=recipe.device)
        schedule = Schedule(recipe.learning_rate, recipe.steps, WARM_UP, power=0.9)
        super().__init__(folder, schedule, recipe.seed, recipe.settled(), recipe.device, recipe.threads)

    def make_learners(self) -> dict[str, Learner[LabelNetwork]]:
        """Return the one network."""
        recipe = self._label_recipe
        network = channels_last(LabelNetwork(self._settings).to(recipe.device))
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm3d):
                layer.momentum = recipe.norm_momentum
        optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        average = MovingAverage(network, recipe.average, with_statistics=False)
        return {ONLY: Learner(network, optimizer, MAX_GRADIENT, average)}

    def averaged(self) -> LabelNetwork:
        """Return the network with the averaged weights, on the CPU."""
        network = LabelNetwork(self._settings)
        network.load_state_dict({name: value.cpu() for name, value in self.learners[ONLY].kept_weights.items()})
        return network.eval()

    def write(self, weights: Path, schema: str, samples: Any, classes: Sequence[str]) -> Path:
        """Write the averaged network with how it was made, and return its file; ``samples`` is a dataclass."""
        note = {
            "recipe": self._label_recipe.settled(),
            "samples": asdict(replace(samples, cache="")),
            "classes": list(classes),
        }
        logger.info("learned in %.0f CPU seconds", self.seconds)
        save_weights(weights, schema, asdict(self._settings), self.averaged().state_dict(), note)
        return weights

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Yield the processes that draw samples."""
        with open_pool(self._label_recipe.workers) as pool:
            self._samples = in_order(pool, self._draw, ((step,) for step in range(self.step, self.steps)))
            yield

    def loss(self, step: int) -> Loss:
        """How the network labels the sample of a step."""
        recipe, network, sample = (
            self._label_recipe,
            self.learners[ONLY].network,
            next(known(self._samples, "where samples are drawn")),
        )
        network.train()
        if step / recipe.steps >= recipe.frozen_norm_from:
            freeze_normalization(network)
        hu = torch.from_numpy(sample.hu).reshape(-1, 1, *sample.hu.shape[-3:]).to(recipe.device)
        with torch.autocast(recipe.device, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            half = network.half_resolution(hu)
        labels = torch.from_numpy(sample.labels).reshape(-1, *sample.labels.shape[-3:]).to(recipe.device)
        return Loss(label_loss(half, to_half_resolution(labels), self._weights, step % 8))


def label_loss(half: Tensor, labels: Tensor, class_weights: Tensor, part: int) -> Tensor:
    """Loss of logits as LabelNetwork.half gives them and labels (n, 2, 2, 2, k, j, i); IGNORED voxels do not count."""
    n, width = half.shape[:2]
    classes = width // 8
    logits = half.float().reshape(n, classes, 8, -1)
    truth = labels.reshape(n, 8, -1).long()
    entropy = functional.cross_entropy(logits, truth, class_weights, ignore_index=IGNORED)
    shown = truth[:, part]
    counted = shown != IGNORED
    chance = functional.softmax(logits[:, :, part], 1) * counted[:, None]
    wanted = functional.one_hot(shown.clamp(max=classes - 1), classes).transpose(1, 2) * counted[:, None]
    both, all_of_it = (chance * wanted).sum((0, 2)), (chance + wanted).sum((0, 2))
    dice = (2 * both + 10.0) / (all_of_it + 10.0)
    return entropy + (1 - dice).mean()
