"""Trains the cine cascade on phantoms without supervision: likeness and elasticity at the last output only.

Loss = -multi-scale local correlation + weight * Neo-Hookean energy with the tissue of the fixed frame. The true motion
of the phantoms is never shown; it only grades the result. Data and learning rate of a step depend on the recipe and
the step's number alone, so a training that goes on from its checkpoint ends with the same weights, bit for bit.
PyTorch at file scope.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from CardiacBiomechLib.model.heart_labels import ACDC
from CardiacBiomechLib.training.options import TrainingOptions
from CardiacBiomechLib.training.pairs import IN_PLANE_MM, Heart, load_or_make, random_pair
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.cascade.network import Cascade
from ThoraxAILib.registration.cascade.settings import CascadeSettings
from ThoraxAILib.registration.cascade.weights import save_cascade
from ThoraxAILib.registration.deformation.dense import DenseDeformation, warp
from ThoraxAILib.registration.regularizers.protocol import Material
from ThoraxAILib.registration.regularizers.registry import regularizer
from ThoraxAILib.registration.similarity import LocalCorrelation, SquaredDifference

logger = logging.getLogger(__name__)
CHECKPOINT_EVERY = 50
LOG_SCHEMA = "thoraxai.cardiac-training/1"


class CascadeTraining:
    """One run in a folder: ``hearts`` (cache of phantoms), ``checkpoint.pt``, at the end weights and training.json."""

    def __init__(self, folder: Path, options: TrainingOptions, settings: CascadeSettings) -> None:
        self._folder, self._options = folder, options
        self._checkpoint = folder / "checkpoint.pt"
        (folder / "hearts").mkdir(parents=True, exist_ok=True)
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        self.cascade = Cascade(settings)
        self._optimizer = torch.optim.AdamW(self.cascade.parameters(), lr=options.learning_rate, amsgrad=True)
        self._regularizer = regularizer(options.regularizer)
        self.step, self.losses, self.seconds = 0, [], 0.0
        if self._checkpoint.is_file():
            self._resume()

    def run(self, weights: Path, progress: Progress | None = None) -> None:
        """Train to the last step, then write ``weights``; a cancel keeps the last checkpoint."""
        progress = progress or Progress()
        total = self._options.steps
        while self.step < total:
            started = time.perf_counter()
            progress(self.step / total, f"Training step {self.step + 1} of {total}")
            self._train_one()
            self.seconds += time.perf_counter() - started
            if self.step % CHECKPOINT_EVERY == 0:
                self._save()
        self._save()
        save_cascade(self.cascade, weights, {"recipe": asdict(self._options), "steps": self.step})
        self._write_log()

    def _train_one(self) -> None:
        options = self._options
        random = np.random.default_rng((options.seed, self.step))
        heart = load_or_make(options.seed + int(random.integers(options.hearts)), self._folder / "hearts")
        for group in self._optimizer.param_groups:
            group["lr"] = options.learning_rate * (1.0 - 0.95 * self.step / options.steps) ** 0.9
        loss, similarity = self._loss(heart, random)
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.cascade.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        self.losses.append(similarity)
        logger.info("step %d loss %.4f similarity %.4f", self.step, float(loss.detach()), similarity)

    def _loss(self, heart: Heart, random: np.random.Generator) -> tuple[Tensor, float]:
        fixed_array, moving_array, labels = random_pair(heart, random)
        spacing = heart.spacing_kji_mm
        fixed, moving = torch.from_numpy(fixed_array)[None], torch.from_numpy(moving_array)[None]
        displacement, _ = self.cascade(fixed, moving, spacing)
        warped = warp(moving, displacement, spacing)
        similarity = LocalCorrelation(fixed, spacing, self._options.windows_mm)(warped)
        difference = SquaredDifference(fixed)(warped)
        tissue = ACDC.tissue(labels, "fixed", self._options.bulk).maps()[:, :-1, :-1, :-1]
        mu, kappa = torch.from_numpy(np.ascontiguousarray(tissue))
        energy = self._regularizer.energy(DenseDeformation(displacement, spacing), Material(mu[None], kappa[None]))
        loss = self._options.intensity_weight * difference + self._options.weight * energy - similarity
        return loss, float(similarity.detach())

    def _save(self) -> None:
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                "cascade": self.cascade.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "step": self.step,
                "losses": self.losses,
                "seconds": self.seconds,
                "in_plane_mm": IN_PLANE_MM,
            },
            partial,
        )
        partial.replace(self._checkpoint)

    def _write_log(self) -> None:
        """Likeness of every step and the seconds taken: apart from the weights, which are the same at any speed."""
        log = {
            "schema": LOG_SCHEMA,
            "recipe": asdict(self._options),
            "seconds": round(self.seconds, 1),
            "similarity": [round(value, 5) for value in self.losses],
        }
        partial = self._folder / ".training.json.partial"
        partial.write_text(json.dumps(log, indent=1), encoding="utf-8")
        partial.replace(self._folder / "training.json")

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        self.cascade.load_state_dict(state["cascade"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
