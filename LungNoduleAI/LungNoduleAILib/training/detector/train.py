"""Trains the nodule detector on synthetic bodies: ``thoraxai lung train detector``. PyTorch at file scope.

Two networks learn in turn, nodules on 1 mm and masses on 3 mm voxels. Step n is a function of (seed, n) alone, so
that a stopped training goes on exactly. On the way the nodule network searches bodies without nodules, and what it then
reports wrongly becomes centres of later patches.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork, HeatmapSettings
from LungNoduleAILib.detection.heatmap_search import search
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import draw_scanner
from LungNoduleAILib.training.detector.batches import Batches, DetectorRecipe
from LungNoduleAILib.training.detector.loss import detector_loss, make_targets
from LungNoduleAILib.training.detector.patches import COARSE, FINE, Level
from LungNoduleAILib.training.detector.scenes import Scenes
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.precision import choose_precision

logger = logging.getLogger(__name__)
LEVELS = {level.name: level for level in (FINE, COARSE)}
CHECKPOINT_EVERY = 50
THREADS = 2  # always as many, so that sums are taken in one order: the same weights from the same seed


class Learner:
    """One network with its optimizer and the running average of its weights, which is what is kept."""

    def __init__(self, level: Level, recipe: DetectorRecipe, device: str) -> None:
        self.network = HeatmapNetwork(HeatmapSettings(level.spacing_mm, recipe.channels))
        self.network.to(device, memory_format=torch.channels_last_3d)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self._recipe, self._precision, self.step = recipe, choose_precision(device), 0

    def learn(self, patches: list, rate: float, frozen: bool) -> float:
        """One step; returns the loss."""
        device = self._precision.device
        self.network.train()
        if frozen:
            for module in self.network.modules():
                if isinstance(module, torch.nn.BatchNorm3d):
                    module.eval()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        hu = torch.from_numpy(np.stack([patch.hu for patch in patches])[:, None]).to(device)
        with self._precision.running():
            answer = self.network(hu)
        loss = detector_loss(answer, make_targets(patches).to(device))
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self._optimizer.step()
        self._follow()
        return float(loss.detach())

    def _follow(self) -> None:
        """Move the average toward the weights, faster at the start."""
        self.step += 1
        keep = min(self._recipe.average, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value.detach(), 1 - keep)
            else:
                self.average[name].copy_(value)

    def averaged(self) -> HeatmapNetwork:
        """A network with the averaged weights, on the same device."""
        network = HeatmapNetwork(self.network.settings).to(self._precision.device)
        network.load_state_dict(self.average)
        return network.eval()

    def state(self) -> dict:
        """Everything that ``resume`` needs."""
        return {
            "network": self.network.state_dict(),
            "average": self.average,
            "step": self.step,
            "optimizer": self._optimizer.state_dict(),
        }

    def resume(self, state: dict) -> None:
        """Go on from a saved state."""
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.average, self.step = state["average"], state["step"]


class DetectorTraining:
    """One training in a folder: ``bodies``, ``checkpoint.pt``; made again with the same recipe it goes on."""

    def __init__(
        self, folder: Path, recipe: DetectorRecipe, scenes: Scenes, device: str = "cpu", jobs: int = 1
    ) -> None:
        """With ``jobs`` above 1 another process draws the patches; raises InputError when the folder holds a training
        of another recipe."""
        self._checkpoint, self.recipe, self._scenes, self._device = folder / "checkpoint.pt", recipe, scenes, device
        self._jobs = jobs
        torch.manual_seed(recipe.seed)
        self.learners = {name: Learner(level, recipe, device) for name, level in LEVELS.items()}
        self.step, self.seconds = 0, 0.0
        self.losses: dict[str, list[float]] = {name: [] for name in LEVELS}
        self.mined: dict[int, torch.Tensor] | None = None
        if self._checkpoint.is_file():
            self._resume()

    def run(self, progress: Progress) -> None:
        """Train to the last step; after a cancel the next run goes on from the last checkpoint."""
        total = self.recipe.steps
        with Batches(self.recipe, self._scenes, self._jobs) as batches:
            while self.step < total:
                started = time.process_time()
                recent = self.losses[FINE.name][-100:]
                shown = f", loss {np.mean(recent):.3f}" if recent else ""
                progress(self.step / total, f"Step {self.step + 1} of {total}{shown}")
                if self.mined is None and self.step >= self.recipe.mine_step:
                    self.mined = self._mine(progress)
                self._train_one(batches)
                self.seconds += time.process_time() - started
                if self.step % CHECKPOINT_EVERY == 0 or self.step == total:
                    self.save()

    def _train_one(self, batches: Batches) -> None:
        recipe, level = self.recipe, self.recipe.level_at(self.step)
        mined = None if self.mined is None else {number: found.numpy() for number, found in self.mined.items()}
        batch = batches.draw(self.step, mined)
        if self._jobs > 1:  # drawn by another process, whose time is not in this one's
            self.seconds += batch.seconds
        done = self.step / recipe.steps
        rate = (
            recipe.learning_rate
            * min(1.0, (self.step + 1) / recipe.warm_up)
            * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
        )
        loss = self.learners[level.name].learn(batch.patches, float(rate), done >= recipe.freeze_at)
        self.losses[level.name].append(loss)
        self.step += 1
        if self.step % CHECKPOINT_EVERY == 0:
            recent = {name: round(float(np.mean(values[-50:])), 4) for name, values in self.losses.items() if values}
            logger.info("step %d, CPU seconds %.0f, losses %s", self.step, self.seconds, recent)

    def _mine(self, progress: Progress) -> dict[int, torch.Tensor]:
        """Centres (n, 3), in voxels of the scene, of what the network reports in bodies without nodules."""
        network = self.learners[FINE.name].averaged()
        found = {}
        for number in range(min(self.recipe.mined_bodies, self.recipe.bodies)):
            progress(self.step / self.recipe.steps, f"Searching healthy body {number + 1} for false alarms")
            scene = self._scenes(number, FINE)
            rng = np.random.default_rng((self.recipe.seed, 1_000_000 + number))
            hu = acquire(scene.hu.astype(np.float32), scene.grid.spacing_kji_mm, draw_scanner(rng), rng)
            peaks = search(network, hu, np.ones(hu.shape, bool), self._device, Progress(), "")
            found[number] = torch.from_numpy(peaks.center_kji[peaks.heat > 0.1][:40].copy())
        logger.info("false alarms collected per body: %s", [len(centers) for centers in found.values()])
        return found

    def save(self) -> None:
        """Keep the state of the training; the file appears whole or not at all."""
        partial = self._checkpoint.with_suffix(".partial")
        torch.save(
            {
                "recipe": asdict(self.recipe),
                "step": self.step,
                "losses": self.losses,
                "seconds": self.seconds,
                "mined": self.mined,
                "learners": {name: one.state() for name, one in self.learners.items()},
            },
            partial,
        )
        partial.replace(self._checkpoint)

    def _resume(self) -> None:
        state = torch.load(self._checkpoint, map_location=self._device, weights_only=True)
        if state["recipe"] != asdict(self.recipe):
            raise InputError(
                f"The folder '{self._checkpoint.parent.name}' holds a training with other settings: "
                "choose another --output, or the same --steps, --seed and --bodies."
            )
        self.step, self.losses, self.seconds = state["step"], state["losses"], state["seconds"]
        self.mined = state["mined"]
        for name, learner in self.learners.items():
            learner.resume(state["learners"][name])


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Make the bodies, train, calibrate, write ``nodule_detector.pt``; returns its path."""
    from LungNoduleAILib.detection.detector_file import write_detector
    from LungNoduleAILib.training.detector.calibration import calibrate

    chosen = {name: getattr(request, name) for name in ("steps", "seed", "bodies")}
    recipe = DetectorRecipe(**{name: value for name, value in chosen.items() if value is not None})
    torch.set_num_threads(THREADS)
    bodies = scenes = Scenes(request.output / "bodies", recipe.seed, recipe.bodies)
    if request.data is not None:
        from LungNoduleAILib.training.detector.real_cases import mix_in

        scenes, recipe = mix_in(request, recipe, bodies, progress.part(0.0, 0.1))
    training = DetectorTraining(request.output, recipe, scenes, request.device, request.jobs)
    with bodies.made_ahead(request.jobs):
        training.run(progress.part(0.0, 0.95))
    networks = {name: learner.averaged() for name, learner in training.learners.items()}
    calibration = calibrate(networks, recipe.seed, request.output / "bodies", request.device, progress.part(0.95, 1.0))
    path = request.output / "nodule_detector.pt"
    note = {"recipe": asdict(recipe)}  # no time: the same training writes the same bytes
    if scenes is not bodies:
        note["own_cases"] = scenes.case_count
    write_detector(path, networks, calibration, note)
    return path
