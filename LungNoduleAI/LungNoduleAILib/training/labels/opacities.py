"""The training of the opacity network: ``thoraxai lung train opacities``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from LungNoduleAILib.opacity.classes import CLASS_WEIGHTS, CLASSES, SCHEMA, WEIGHTS
from LungNoduleAILib.training.labels.opacity_samples import SPACING_MM, OpacitySamples
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.jobs.progress import Progress

STEPS, SEED = 5000, 19
CHANNELS = (16, 32, 64, 72, 72)  # five levels: the deepest sees most of a chest at once
WINDOWS_HU = ((-1024.0, 400.0), (-200.0, 200.0), (-1024.0, -800.0))  # everything, tissue and fluid, lung and free air


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Train, or go on training, and write the weights into the request's folder; returns their file."""
    from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining
    from ThoraxAILib.networks.label_network import LabelNetworkSettings

    steps = STEPS if request.steps is None else request.steps
    seed = SEED if request.seed is None else request.seed
    samples = OpacitySamples(seed, cache=str(request.output / "bodies"))
    if request.bodies is not None:
        patients = request.bodies * samples.per_body
        samples = replace(samples, pool=min(samples.pool, patients), reuse=max(1, -(-steps // patients)))
    recipe = LabelRecipe(steps, seed, CLASS_WEIGHTS, workers=request.jobs - 1, device=request.device)
    settings = LabelNetworkSettings(len(CLASSES), CHANNELS, SPACING_MM, WINDOWS_HU)
    training = LabelTraining(request.output, recipe, settings, samples)
    training.run(progress)
    return training.write(request.output / WEIGHTS.name, SCHEMA, samples, CLASSES)
