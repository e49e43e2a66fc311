"""``thoraxai lung train appearance --real FOLDER``: type and suspicion as readers rate them, fitted to their ratings.

Nodules are outlined by the shipped network at their true size, as the analysis does at the detector's. Fitted on the
people that train; the limits of the types and the interval of the rating come from leaving groups of people out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.analysis.stack_site import StackSite
from LungNoduleAILib.datasets.nodule_stacks import (
    NoduleStack,
    fingerprint,
    open_stacks,
    person_number,
    stacks_of,
)
from LungNoduleAILib.delineation.combined import LearnedDelineator
from LungNoduleAILib.measurement.appearance import appearance
from LungNoduleAILib.measurement.judgement import CLIP, Judgement, Linear, judged_terms
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from LungNoduleAILib.training.request import TrainingRequest

FILE = "appearance_weights.json"
GROUPS = 6  # of people, left out in turn
TYPE_PENALTY, RATING_PENALTY = 10.0, 30.0
SUBSOLID_WEIGHT, PART_SOLID_WEIGHT = 3.0, 4.0
ALMOST_SOLID = 0.35  # how much a nodule of texture 4 counts as sub-solid
ALMOST_GROUND_GLASS = 0.75  # how much one of texture 2 counts as pure ground glass
MAX_SMALL_SOLID_AS_SUBSOLID, SMALL_MM = 0.06, 6.0
PART_SOLID_GAIN = 0.2  # kappa given for finding all part-solid nodules
COVERAGE = 0.9
SEED = 11


def train(request: TrainingRequest, progress: Progress) -> Path:
    """Fit to the nodules of ``request.real`` and write ``appearance_weights.json``; returns its path."""
    if request.real is None:
        raise InputError("Type and suspicion are fitted to readers' ratings: give --real FOLDER with nodules.")
    stacks = stacks_of(open_stacks(request.real), "train", "validation")
    stacks = tuple(s for s in stacks if {"texture", "malignancy"} <= s.ratings.keys())
    if len({person_number(stack.person) // 5 % GROUPS for stack in stacks}) < GROUPS:
        raise InputError(f"'{request.real.name}' holds too few people with ratings to fit to: give more.")
    found = []
    delineator = LearnedDelineator(request.device)
    for number, stack in enumerate(stacks):
        progress(number / len(stacks), f"Outlining nodule {number + 1} of {len(stacks)}")
        found.append(features_of(stack, delineator))
    used = [(stack, terms) for stack, terms in zip(stacks, found, strict=True) if terms is not None]
    kept = [stack for stack, _ in used]
    judgement = fit(
        np.stack([judged_terms(terms) for _, terms in used]),
        np.array([stack.ratings["texture"] for stack in kept]),
        np.array([stack.ratings["malignancy"] for stack in kept]),
        np.array([stack.diameter_mm for stack in kept]),
        np.array([person_number(stack.person) // 5 % GROUPS for stack in kept]),
        {
            "nodules": len(kept),
            "people": len({stack.person for stack in kept}),
            "real_sha256": fingerprint(kept),
            "outlines": delineator.fingerprint,
        },
    )
    path = request.output / FILE
    path.write_text(json.dumps(judgement.to_dict(), indent=1) + "\n", encoding="utf-8")
    return path


def features_of(stack: NoduleStack, delineator: LearnedDelineator) -> dict[str, float] | None:
    """Return the appearance of a nodule as the delineator outlines it at its size; None without an outline."""
    site = StackSite.of(stack, SEED).site()
    outline = delineator.outline(site)
    if outline is None:
        return None
    return appearance(site.patch.hu, outline.region.mask, outline.share, site.patch.spacing_kji_mm)


def fit(
    terms: np.ndarray,
    texture: np.ndarray,
    malignancy: np.ndarray,
    diameter_mm: np.ndarray,
    groups: np.ndarray,
    note: dict,
) -> Judgement:
    """Return the models for terms (n, t), readers' texture and malignancy (1 to 5), sizes, and groups of people."""
    subsolid = np.where(texture <= 3, 1.0, np.where(texture < 5, ALMOST_SOLID, 0.0))
    pure = np.where(texture <= 1, 1.0, np.where(texture < 3, ALMOST_GROUND_GLASS, 0.0))
    weight = np.where(texture <= 3, SUBSOLID_WEIGHT, 1.0)
    among = texture < 5
    pure_weight = np.where(texture < 3, 1.0, np.where(texture < 4, PART_SOLID_WEIGHT, 0.3))

    def subsolid_of(rows: np.ndarray) -> Linear:
        return logistic(terms[rows], subsolid[rows], weight[rows], TYPE_PENALTY)

    def pure_of(rows: np.ndarray) -> Linear:
        chosen = rows & among
        return logistic(terms[chosen], pure[chosen], pure_weight[chosen], TYPE_PENALTY)

    def rating_of(rows: np.ndarray) -> Linear:
        return ridge(terms[rows], malignancy[rows], RATING_PENALTY)

    left_out = [left_out_values(make, terms, groups) for make in (subsolid_of, pure_of, rating_of)]
    limits, kappa = best_limits(left_out[0], left_out[1], texture, diameter_mm)
    errors = np.quantile(malignancy - left_out[2], ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
    everyone = np.ones(len(terms), bool)
    return Judgement(
        subsolid_of(everyone),
        pure_of(everyone),
        rating_of(everyone),
        limits,
        (round(float(errors[0]), 3), round(float(errors[1]), 3)),
        COVERAGE,
        {**note, "kappa_left_out": round(kappa, 3)},
    )


def left_out_values(make: Callable[[np.ndarray], Linear], terms: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the value of every nodule by the model made without its group of people."""
    values = np.zeros(len(terms))
    for group in np.unique(groups):
        out = groups == group
        values[out] = make(~out)(terms[out])
    return values


def best_limits(
    subsolid: np.ndarray, pure: np.ndarray, texture: np.ndarray, diameter_mm: np.ndarray
) -> tuple[tuple[float, float], float]:
    """Return the limits with the best kappa and share of part-solid nodules found, and that kappa.

    Few small solid nodules may be called sub-solid.
    """
    truth = types_of_texture(texture)
    small_solid = (truth == 2) & (diameter_mm < SMALL_MM)
    best: tuple[float, float, tuple[float, float]] | None = None
    for first in np.arange(-1.5, 2.6, 0.1):
        for second in np.arange(-1.5, 2.6, 0.1):
            told = np.where(subsolid <= first, 2, np.where(pure > second, 0, 1))
            if small_solid.any() and (told[small_solid] < 2).mean() > MAX_SMALL_SOLID_AS_SUBSOLID:
                continue
            kappa = cohen_kappa(truth, told)
            value = kappa + PART_SOLID_GAIN * float((told[truth == 1] == 1).mean() if (truth == 1).any() else 0)
            if best is None or value > best[0]:
                best = value, kappa, (round(float(first), 3), round(float(second), 3))
    if best is None:
        raise InputError("No limit of the types leaves small solid nodules solid: give more nodules with ratings.")
    return best[2], best[1]


def types_of_texture(texture: np.ndarray) -> np.ndarray:
    """0 ground-glass, 1 part-solid, 2 solid of readers' texture (1 non-solid to 5 solid)."""
    return np.where(texture < 2.5, 0, np.where(texture < 3.5, 1, 2))


def cohen_kappa(truth: np.ndarray, told: np.ndarray) -> float:
    """Cohen's kappa of two lists of classes 0, 1, 2."""
    table = np.zeros((3, 3))
    np.add.at(table, (truth, told), 1)
    count = table.sum()
    agreed, chance = np.trace(table) / count, (table.sum(0) * table.sum(1)).sum() / count**2
    return float((agreed - chance) / (1 - chance)) if chance < 1 else 1.0


def logistic(terms: np.ndarray, wanted: np.ndarray, weight: np.ndarray, penalty: float) -> Linear:
    """Fit log odds to ``wanted`` (0 to 1) by Newton's method with a penalty on the squared weights."""
    mean, scale, design = _standardized(terms)
    beta = np.zeros(design.shape[1])
    ridge_of = np.eye(len(beta)) * penalty
    ridge_of[-1, -1] = 1e-6
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (weight * (wanted - chance)) - ridge_of @ beta
        curve = (design * (weight * chance * (1 - chance) + 1e-9)[:, None]).T @ design + ridge_of
        step = np.linalg.solve(curve, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return Linear(mean, scale, beta[:-1], float(beta[-1]))


def ridge(terms: np.ndarray, wanted: np.ndarray, penalty: float) -> Linear:
    """Fit a line to ``wanted`` with a penalty on the squared weights."""
    mean, scale, design = _standardized(terms)
    ridge_of = np.eye(design.shape[1]) * penalty
    ridge_of[-1, -1] = 0.0
    beta = np.linalg.solve(design.T @ design + ridge_of, design.T @ wanted)
    return Linear(mean, scale, beta[:-1], float(beta[-1]))


def _standardized(terms: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean, scale = terms.mean(axis=0), terms.std(axis=0) + 1e-6
    standardized = np.clip((terms - mean) / scale, -CLIP, CLIP)
    return mean, scale, np.hstack([standardized, np.ones((len(terms), 1))])
