"""Fit the classical detector's confidence on phantoms.

``python -m LungNoduleAILib.training.detector.classical_score --output FILE``.

Every phantom is another person with its own vessels, noise and slice thickness. Blobs on planted nodules are positive,
all others negative; blobs inside a nodule but of another size are left out. Real CT is never used for fitting.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.detection.classical import find_candidates
from LungNoduleAILib.detection.examine import FEATURES
from LungNoduleAILib.detection.score import terms
from LungNoduleAILib.synthesis import NoduleRecipe, SyntheticCT, make_small_chest, mass_recipe
from ThoraxAILib.jobs.pool import in_order, open_pool
from ThoraxAILib.jobs.progress import Progress

SLICES_MM = (0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 8.0)
PENALTY = 0.02
LOBES = ("RUL", "RML", "RLL", "LUL", "LLL")
TYPES = ("solid", "solid", "solid", "solid", "part-solid", "ground-glass", "calcified")
PLACEMENTS = ("isolated", "isolated", "juxtavascular", "juxtapleural")


def random_phantom(seed: int) -> SyntheticCT:
    """Return a phantom with 12 random nodules of 4 to 30 mm and mostly a mass; random noise, blood and slice
    thickness.
    """
    rng = np.random.default_rng(seed)
    recipes = []
    for _ in range(12):
        kind = str(rng.choice(TYPES))
        smallest = 6.0 if kind in ("part-solid", "ground-glass") else 4.0
        diameter = float(np.exp(rng.uniform(np.log(smallest), np.log(30.0))))
        hu = {
            "solid": rng.uniform(-20, 80),
            "part-solid": rng.uniform(-700, -550),
            "ground-glass": rng.uniform(-700, -500),
            "calcified": rng.uniform(250, 600),
        }[kind]
        recipes.append(NoduleRecipe(diameter, kind, str(rng.choice(PLACEMENTS)), str(rng.choice(LOBES)), hu=float(hu)))
    if rng.random() < 0.7:
        recipes.append(mass_recipe(float(rng.uniform(32.0, 75.0)), str(rng.choice(("RUL", "RLL", "LUL", "LLL")))))
    in_plane = float(rng.uniform(0.65, 0.9))
    return make_small_chest(
        seed,
        (in_plane, in_plane, float(rng.choice(SLICES_MM))),
        noise_hu=float(rng.uniform(8, 60)),
        psf_fwhm_mm=float(rng.uniform(0.8, 1.6)),
        blood_hu=float(rng.choice([42, 60, 180])),
        nodules=recipes,
    )


def examples(phantom: SyntheticCT) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, f) and truth (n,) 1 nodule, 0 other, of all blobs of one phantom."""
    volume = phantom.volume.in_lps_order()
    volume = volume.with_array(np.ascontiguousarray(volume.array))
    anatomy = ClassicalSegmenter().segment(volume, Progress())
    centers = np.array([nodule.center_ras_mm for nodule in phantom.nodules])
    diameters = np.array([nodule.diameter_mm for nodule in phantom.nodules])
    rows, truth = [], []
    for center, features, _density in find_candidates(volume, anatomy, Progress()):
        distance = np.linalg.norm(centers - center, axis=1)
        nearest = int(np.argmin(distance / diameters))
        ratio = features["diameter_mm"] / diameters[nearest]
        inside = distance[nearest] < 0.6 * diameters[nearest] + 1.0
        if inside and not (distance[nearest] < 0.3 * diameters[nearest] + 1.0 and 0.4 < ratio < 1.6):
            continue
        rows.append([features[name] for name in FEATURES])
        truth.append(float(inside))
    return np.array(rows), np.array(truth)


def _examples_of_seed(seed: int) -> tuple[np.ndarray, np.ndarray]:
    return examples(random_phantom(seed))


def fit(features: np.ndarray, truth: np.ndarray) -> dict:
    """Logistic weights (JSON form) by penalized maximum likelihood, both classes weighing the same."""
    from scipy.optimize import minimize

    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    design = terms((features - mean) / scale)
    weight = np.where(truth > 0, 0.5 / truth.sum(), 0.5 / (1 - truth).sum())
    sign = 2 * truth - 1

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (design @ parameters[:-1] + parameters[-1])
        slope = -sign * weight / (1 + np.exp(np.clip(margin, -50, 50)))
        value = float((weight * np.logaddexp(0, -margin)).sum()) + PENALTY * float(parameters[:-1] @ parameters[:-1])
        return value, np.append(design.T @ slope + 2 * PENALTY * parameters[:-1], slope.sum())

    best = minimize(loss, np.zeros(design.shape[1] + 1), jac=True, method="L-BFGS-B").x
    rounded = [round(float(v), 5) for v in best]
    return {
        "features": list(FEATURES),
        "mean": [round(float(v), 5) for v in mean],
        "scale": [round(float(v), 5) for v in scale],
        "weights": rounded[:-1],
        "bias": rounded[-1],
    }


def main() -> int:
    """Make phantoms, fit, write the weights and how they were made."""
    parser = argparse.ArgumentParser(description="Fit the classical detector's confidence on phantoms.")
    parser.add_argument("--seeds", type=int, default=24, help="number of phantoms")
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--examples", type=Path, help="keep the collected examples in this .npz")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    parts = []
    with open_pool(0 if arguments.jobs == 1 else arguments.jobs) as pool:
        found = in_order(pool, _examples_of_seed, ((seed,) for seed in seeds))
        for seed, part in zip(seeds, found, strict=True):
            parts.append(part)
            print(f"phantom {seed}: {len(part[1])} blobs, {int(part[1].sum())} on nodules", flush=True)
    features, truth = (np.concatenate(part) for part in zip(*parts, strict=True))
    if arguments.examples:
        np.savez_compressed(arguments.examples, features=features, truth=truth)
    entry = {
        "made_by": "LungNoduleAILib.training.detector.classical_score",
        "first_seed": arguments.first_seed,
        "phantoms": arguments.seeds,
        "positives": int(truth.sum()),
        "negatives": int((1 - truth).sum()),
        **fit(features, truth),
    }
    arguments.output.write_text(json.dumps(entry, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
