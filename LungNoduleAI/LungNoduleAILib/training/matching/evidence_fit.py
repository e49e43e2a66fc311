"""Fits the weights of the matching's log odds on synthetic pairs of the training setting: its probabilities hold there.

Maximum likelihood of the true partners (or "none") of all nodules of both dates under the same one-to-one model that
the matching uses; persons and pairs are others than the network was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.optimize import minimize

from LungNoduleAILib.followup.matching.association import pair_probabilities
from LungNoduleAILib.followup.matching.evidence import FEATURES, Evidence, MatchItem, pair_features
from LungNoduleAILib.followup.matching.lung_frame import aligned_distances, points_of
from LungNoduleAILib.followup.matching.siamese import WEIGHTS_FILE
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.two_dates.plan import LongitudinalPlan, plan_case
from LungNoduleAILib.training.matching.cases import DatePlaces, draw_places, render_patches
from LungNoduleAILib.training.request import TrainingRequest
from ThoraxAILib.image.spheres import sphere_volume_mm3
from ThoraxAILib.image.tuples import three
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.networks.weights_file import sha256

if TYPE_CHECKING:
    from LungNoduleAILib.followup.matching.siamese import SiameseNetwork

SIZE_ERROR = 0.15  # deviation of ln volume between scans of unlike settings
TYPE_ERROR = 0.08
MISSED, FALSE_ALARMS = 0.08, 2
REGISTRATION_ERROR_MM, REGISTRATION_REACH_MM = (1.0, 4.0), 40.0
RIDGE = 0.02
CASES, FIT_SEED, FIT_BODIES = 80, 7000, 10
BODY_SPACING_MM = (1.5, 1.5, 1.5)


@dataclass(frozen=True, eq=False)
class FitCase:
    """The findings of both dates of one person, the evidence on their pairs, and which pairs are the same nodule.

    ``box_mm`` are the distances after laying the lungs' boxes over one another, and nothing more.
    """

    prior: tuple[MatchItem, ...]
    current: tuple[MatchItem, ...]
    evidence: Evidence
    truth: tuple[tuple[int, int], ...]
    box_mm: np.ndarray


def draw_fit_case(
    plan: LongitudinalPlan,
    rng: np.random.Generator,
    network: SiameseNetwork | None,
    *,
    missed: float = MISSED,
    false_alarms: int = FALSE_ALARMS,
) -> FitCase:
    """Return a plan seen as by a detector: ``missed`` nodules, ``false_alarms`` at most on look-alike places, errors.

    Centers, sizes and types are off as measurements are. ``network`` embeds rendered patches (a SiameseNetwork); None
    leaves the similarity out. Registered distances carry a ``registration_error``.
    """
    dates = draw_places(plan, rng)
    kept = [_detected(date, rng, missed, false_alarms) for date in dates]
    items = [_items(plan, number, dates[number], kept[number], rng) for number in (0, 1)]
    distance = registered_distances(plan, items, rng)
    similarity = None
    if network is not None:
        from LungNoduleAILib.followup.matching.siamese import embed_patches

        told = [
            embed_patches(network, render_patches(view, date.centers_ras_mm[keep], rng), date.values()[keep])
            for view, date, keep in zip((plan.prior, plan.current), dates, kept, strict=True)
        ]
        similarity = told[0] @ told[1].T
    aligned = aligned_distances(items[0], items[1], dates[0].frame, dates[1].frame)
    names = [[date.names[n] for n in keep] for date, keep in zip(dates, kept, strict=True)]
    truth = tuple((names[0].index(name), names[1].index(name)) for name in names[0] if name in names[1])
    moved = dates[1].frame.placed(dates[0].frame.normalized(points_of(items[0])))
    box = np.linalg.norm(moved[:, None] - points_of(items[1])[None], axis=2)
    return FitCase(tuple(items[0]), tuple(items[1]), Evidence(similarity, aligned, distance), truth, box)


def _detected(date: DatePlaces, rng: np.random.Generator, missed: float, false_alarms: int) -> list[int]:
    """Return indices of what a detector reports: most nodules and a few other places."""
    found = [n for n in range(date.nodules) if rng.random() >= missed]
    others = np.arange(date.nodules, len(date.names))
    return found + sorted(int(n) for n in rng.permutation(others)[: rng.integers(false_alarms + 1)])


def _items(
    plan: LongitudinalPlan, number: int, date: DatePlaces, kept: list[int], rng: np.random.Generator
) -> list[MatchItem]:
    true = {link.id: (link.prior, link.current)[number] for link in plan.links}
    items = []
    for n in kept:
        nodule = true.get(date.names[n])
        volume = sphere_volume_mm3(date.diameters_mm[n]) * np.exp(rng.normal(0, SIZE_ERROR))
        kind = "solid" if nodule is None else nodule.type
        if rng.random() < TYPE_ERROR:
            kind = str(rng.choice(["solid", "part-solid", "ground-glass"]))
        center = date.centers_ras_mm[n]
        side = "right" if center[0] > date.frame.center_ras_mm[0] else "left"
        items.append(MatchItem(date.names[n], three(float(x) for x in center), float(volume), kind, side))
    return items


def registered_distances(
    plan: LongitudinalPlan, items: Sequence[Sequence[MatchItem]], rng: np.random.Generator
) -> np.ndarray:
    """Distances (n_prior, n_current) after the true motion plus a registration error."""
    prior, current = (points_of(some) for some in items)
    back = plan.motion.to_prior(current) + registration_error(current, rng)
    return np.linalg.norm(prior[:, None] - back[None], axis=2)


def registration_error(points_ras_mm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a registration's error (n, 3) at points: smooth over about 40 mm, 1-4 mm root mean square in length."""
    noise = gaussian_filter(rng.standard_normal((28, 28, 28, 3)), (1, 1, 1, 0), mode="wrap")
    noise *= rng.uniform(*REGISTRATION_ERROR_MM) / np.sqrt((noise**2).sum(axis=-1).mean())
    index = np.asarray(points_ras_mm).T / (REGISTRATION_REACH_MM / 2)
    return np.stack([map_coordinates(noise[..., axis], index, order=1, mode="grid-wrap") for axis in range(3)], axis=-1)


def fit_weights(cases: Sequence[FitCase], method: str) -> dict[str, float]:
    """Return the weights of a method's features that make the true partners most likely."""
    shape = len(cases), max(len(c.prior) for c in cases), max(len(c.current) for c in cases)
    features = np.zeros((*shape, len(FEATURES[method])))
    exists, truth = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for n, case in enumerate(cases):
        box = (n, slice(len(case.prior)), slice(len(case.current)))
        features[box], exists[box] = pair_features(case.prior, case.current, case.evidence, method), True
        for i, j in case.truth:
            truth[n, i, j] = True

    def loss(weights: np.ndarray) -> float:
        probability = pair_probabilities(np.where(exists, features @ weights, -np.inf))
        return -_log_likelihood(probability, truth, exists) / len(cases) + RIDGE * float((weights[1:] ** 2).sum())

    start = np.array([_START[name] for name in FEATURES[method]])
    found = minimize(loss, start, method="L-BFGS-B", options={"maxiter": 40, "ftol": 1e-6, "eps": 1e-3})
    return {name: round(float(w), 4) for name, w in zip(FEATURES[method], found.x, strict=True)}


_START = {
    "constant": 2.0,
    "similarity": 5.0,
    "aligned_near": -1.5,
    "aligned_far": -1.0,
    "registered_near": -2.0,
    "registered_far": -2.0,
    "size": -0.5,
    "type": -0.5,
    "side": -3.0,
}


def _log_likelihood(probability: np.ndarray, truth: np.ndarray, exists: np.ndarray) -> float:
    """Log probability of every nodule's true partner, or of none, seen from both dates."""
    total = 0.0
    for axis in (1, 2):
        there = exists.any(axis=axis)
        alone = there & ~truth.any(axis=axis)
        total += float(np.log(np.maximum(1 - probability.sum(axis=axis), 1e-9))[alone].sum())
    return total + 2 * float(np.log(np.maximum(probability[truth], 1e-9)).sum())


def write_weights(weights: dict[str, dict[str, float]], made: dict, path: Path) -> None:
    """Write ``matching_weights.json`` with how it was made."""
    path.write_text(json.dumps({"made": made, "weights": weights}, indent=2) + "\n", encoding="utf-8")


def train(request: TrainingRequest, progress: Progress | None = None) -> Path:
    """Draw cases of persons the network was not trained on, fit all methods, and write the weights file.

    ``steps`` of the request is the number of cases. Needs the network's weights where they are shipped.
    """
    from LungNoduleAILib.followup.matching.siamese import loaded_network

    progress = progress or Progress()
    network = loaded_network(WEIGHTS_FILE)
    count, seed, bodies = request.steps or CASES, request.seed or FIT_SEED, request.bodies or FIT_BODIES
    cases = []
    for n in range(count):
        progress(n / count, f"Case {n + 1} of {count}")
        body = load_or_make_body(seed + n % bodies, "training", BODY_SPACING_MM, request.output / "bodies")
        if not body.is_chest:
            continue
        plan = plan_case(seed + n, "training", body=body)
        cases.append(draw_fit_case(plan, np.random.default_rng([seed, 72, n]), network))
    weights = {method: fit_weights(cases, method) for method in FEATURES}
    made = {
        "setting": "training",
        "cases": len(cases),
        "seed": seed,
        "bodies": bodies,
        "network": sha256(WEIGHTS_FILE)[:12],
    }
    path = request.output / "matching_weights.json"
    write_weights(weights, made, path)
    return path
