"""The training of the parenchyma pattern network: ``thoraxai lung train patterns``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from LungNoduleAILib.parenchyma.pattern_map import PATTERNS, SCHEMA, WEIGHTS
from LungNoduleAILib.training.labels.pattern_samples import CLASS_WEIGHTS, SPACING_MM, PatternSamples
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.jobs.progress import Progress

STEPS, SEED = 700, 11
CHANNELS = (16, 32, 64)
WINDOWS_HU = ((-1024.0, -300.0), (-1024.0, 300.0))


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Train, or go on training, and write the weights into the request's folder; returns their file."""
    from LungNoduleAILib.training.labels.label_training import LabelRecipe, LabelTraining
    from ThoraxAILib.networks.label_network import LabelNetworkSettings

    steps = STEPS if request.steps is None else request.steps
    seed = SEED if request.seed is None else request.seed
    samples = PatternSamples(seed, cache=str(request.output / "bodies"))
    if request.bodies is not None:
        pool = min(samples.pool, request.bodies)
        samples = replace(
            samples, pool=pool, pieces=min(samples.pieces, pool), reuse=max(1, -(-steps // request.bodies))
        )
    recipe = LabelRecipe(
        steps,
        seed,
        CLASS_WEIGHTS,
        frozen_norm_from=0.5,
        norm_momentum=0.05,
        workers=request.jobs - 1,
        device=request.device,
    )
    settings = LabelNetworkSettings(len(PATTERNS), CHANNELS, SPACING_MM, WINDOWS_HU)
    training = LabelTraining(request.output, recipe, settings, samples)
    training.run(progress)
    return training.write(request.output / WEIGHTS.name, SCHEMA, samples, PATTERNS)
