"""Trains a label network on samples that depend on (seed, step) only: a stopped training goes on exactly.

Loss = weighted cross entropy over all voxels + soft Dice over one of the eight sub-lattices of each step (an eighth of
the work, the same expectation). Normalization statistics are frozen for the last part, so that the network learns with
those it will run with, and the weights that are kept are an exponential average. PyTorch at file scope.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from LungNoduleAILib.training.labels.samples import IGNORED, LabelSample
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.label_network import LabelNetwork, LabelNetworkSettings, to_half_resolution

logger = logging.getLogger(__name__)
CHECKPOINT_EVERY = 100


@dataclass(frozen=True)
class LabelRecipe:
    """How a label network is trained; ``class_weights`` weigh the cross entropy, one per class.

    Normalization follows the samples with ``norm_momentum`` and stays as it is from the share ``frozen_norm_from`` of
    the steps on. Where samples differ much from each other, a small momentum and an early freeze keep what the
    network learns true for whole images.
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

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"Training needs at least one step, {self.steps} was given.")
        if self.seed < 0 or self.threads < 1 or self.workers < 0:
            raise InputError("The seed, the threads and the workers of a training must not be negative.")

    def settled(self) -> dict:
        """What decides the result; the rest may change between two parts of a training."""
        return {name: value for name, value in asdict(self).items() if name not in ("threads", "workers", "device")}


class LabelTraining:
    """One training in a folder that keeps ``checkpoint.pt``; ``draw`` gives the sample of a step."""

    def __init__(
        self, folder: Path, recipe: LabelRecipe, settings: LabelNetworkSettings, draw: Callable[[int], LabelSample]
    ) -> None:
        """Starts or resumes; raises InputError when the folder holds a training of another recipe."""
        self._checkpoint = folder / "checkpoint.pt"
        folder.mkdir(parents=True, exist_ok=True)
        self._recipe, self._draw = recipe, draw
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(recipe.threads)
        self.network = LabelNetwork(settings).to(recipe.device, memory_format=torch.channels_last_3d)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm3d):
                layer.momentum = recipe.norm_momentum
        self._weights = torch.tensor(recipe.class_weights, device=recipe.device)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.step, self.losses = 0, []
        if self._checkpoint.is_file():
            self._resume()

    def run(self, progress: Progress | None = None) -> LabelNetwork:
        """Train to the last step; returns the averaged network. A cancel keeps the last checkpoint."""
        progress = progress or Progress()
        total = self._recipe.steps
        for sample in drawn_ahead(self._draw, self.step, total, self._recipe.workers):
            mean = float(np.mean(self.losses[-50:])) if self.losses else float("nan")
            progress(self.step / total, f"Training step {self.step + 1} of {total}, loss {mean:.3f}")
            self._train_one(sample)
            if self.step % CHECKPOINT_EVERY == 0:
                self._save()
                logger.info("step %d of %d, loss %.4f", self.step, total, np.mean(self.losses[-CHECKPOINT_EVERY:]))
        self._save()
        averaged = LabelNetwork(self.network.settings)
        averaged.load_state_dict({name: value.cpu() for name, value in self.average.items()})
        return averaged.eval()

    def _train_one(self, sample: LabelSample) -> None:
        recipe = self._recipe
        done = self.step / recipe.steps
        for group in self._optimizer.param_groups:
            group["lr"] = recipe.learning_rate * min(1.0, (self.step + 1) / 50) * (1.0 - done) ** 0.9
        self.network.train()
        if done >= recipe.frozen_norm_from:
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm3d):
                    layer.eval()
        hu = torch.from_numpy(sample.hu).reshape(-1, 1, *sample.hu.shape[-3:]).to(recipe.device)
        with torch.autocast(recipe.device, torch.bfloat16):
            half = self.network.half_resolution(hu)
        labels = torch.from_numpy(sample.labels).reshape(-1, *sample.labels.shape[-3:]).to(recipe.device)
        labels = to_half_resolution(labels)
        loss = label_loss(half, labels, self._weights, self.step % 8)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimizer.step()
        self.step += 1
        self._follow()
        self.losses.append(float(loss.detach()))

    def _follow(self) -> None:
        """Move the averaged weights towards the present ones; statistics and counters are taken as they are."""
        keep = min(self._recipe.average, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point() and "running" not in name:
                self.average[name].lerp_(value.detach(), 1 - keep)
            else:
                self.average[name].copy_(value)

    def _save(self) -> None:
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average,
                "step": self.step,
                "optimizer": self._optimizer.state_dict(),
                "losses": self.losses,
                "recipe": self._recipe.settled(),
            },
            partial,
        )
        partial.replace(self._checkpoint)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location=self._recipe.device, weights_only=True)
        if state["recipe"] != self._recipe.settled():
            raise InputError(
                "The folder holds a training with other settings: choose another folder or the same settings."
            )
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.losses = state["step"], state["losses"]


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


def drawn_ahead(draw: Callable[[int], LabelSample], start: int, stop: int, workers: int) -> Iterator[LabelSample]:
    """Samples ``start`` to ``stop`` in their order; with ``workers`` they are made ahead in that many processes."""
    if workers == 0:
        yield from (draw(number) for number in range(start, stop))
        return
    with ProcessPoolExecutor(workers) as pool:
        waiting = deque()
        for number in range(start, stop):
            waiting.append(pool.submit(draw, number))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
