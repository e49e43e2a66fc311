"""Scores become probabilities, and the operating point is chosen, on bodies that no training step saw.

Platt scaling (Platt 1999, with his target values) of each network's logit on peaks in whole synthetic scans.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.detection.heatmap_search import MIN_HEAT
from LungNoduleAILib.detection.search_image import within_hull
from LungNoduleAILib.detection.two_levels import MASSES, NODULES, Calibration, Places, find_places, logit
from LungNoduleAILib.synthesis.cohort import load_or_make_body
from LungNoduleAILib.synthesis.model.body import Body
from LungNoduleAILib.synthesis.nodules.planted import PlantedNodule
from LungNoduleAILib.synthesis.nodules.planting import NodulePlanter
from LungNoduleAILib.synthesis.nodules.share import paint_into
from LungNoduleAILib.synthesis.scanner.acquisition import acquire
from LungNoduleAILib.synthesis.scanner.settings import draw_scanner
from LungNoduleAILib.training.detector.training_volumes import MASSES_MM, SPACING, body_box, shows_lungs
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from LungNoduleAILib.detection.heatmap_network import HeatmapNetwork

logger = logging.getLogger(__name__)
SEED_OFFSET = 500_000
CASES = 16
NODULES_PER_CASE = 8
MASS_CHANCE = 0.6
FALSE_ALARMS_PER_CASE = 0.5  # at the operating point; patients have more that imitates nodules than synthetic bodies
START = Calibration({NODULES: (1.0, 0.0), MASSES: (1.0, 0.0)}, 0.5)


def calibrate(
    networks: dict[str, HeatmapNetwork], seed: int, folder: Path, device: str, progress: Progress, cases: int = CASES
) -> Calibration:
    """Scaling and operating point from scans of bodies with the seeds from ``seed`` + SEED_OFFSET on."""
    results: list[tuple[Places, np.ndarray, np.ndarray]] = []
    number = 0
    while len(results) < cases and number < 3 * cases:
        progress(len(results) / cases, f"Calibrating on body {len(results) + 1} of {cases}")
        body = load_or_make_body(seed + SEED_OFFSET + number, "training", SPACING, folder)
        if shows_lungs(body):
            rng = np.random.default_rng((seed, SEED_OFFSET + number))
            hu, wanted, centers, diameters = scan_of(body, rng)
            places = find_places(networks, hu, wanted, device, Progress())
            results.append((places, *graded(places, centers, diameters)))
        number += 1
    scaling = {level: _platt(results, level) for level in (NODULES, MASSES)}
    return Calibration(scaling, _operating_point(results, Calibration(scaling, 0.5)))


def scan_of(body: Body, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return a scan of a body: HU, where to search (bool), centres (n, 3) in voxels, diameters (n,) in mm of its
    nodules.
    """
    box = body_box(body)
    grid = body.grid.part(box)
    planter = NodulePlanter(body)
    nodules: list[PlantedNodule] = []
    for n in range(NODULES_PER_CASE + int(rng.random() < MASS_CHANCE)):
        size = MASSES_MM if n == NODULES_PER_CASE else None
        nodule = planter.draw(rng, diameter_mm=size)
        if all(
            np.linalg.norm(np.subtract(nodule.center_ras_mm, other.center_ras_mm))
            > (nodule.diameter_mm + other.diameter_mm) / 2 + 5
            for other in nodules
        ):
            nodules.append(nodule)
    hu = body.clean_hu[box].astype(np.float32)
    for nodule in nodules:
        paint_into(hu, grid, nodule)
    hu = acquire(hu, grid.spacing_kji_mm, draw_scanner(rng), rng)
    centers = np.array([grid.frame_mm(np.array(n.center_ras_mm)) for n in nodules]) / grid.spacing_kji_mm
    return hu, within_hull(body.labels[box]), centers, np.array([n.diameter_mm for n in nodules])


def graded(places: Places, centers_kji: np.ndarray, diameters_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per place: whether it hits a nodule (distance < radius), and whether it counts (not a double of one)."""
    hits, counts = np.zeros(len(places), bool), np.ones(len(places), bool)
    taken: set[tuple[int, bool]] = set()
    for n in np.argsort(-places.heat, kind="stable"):
        gap = np.linalg.norm(centers_kji - places.center_kji[n], axis=1) * SPACING[0]
        inside = np.flatnonzero(gap < diameters_mm / 2)
        hits[n] = len(inside) > 0
        mine = {(int(m), bool(places.of_masses[n])) for m in inside}
        counts[n] = not mine or bool(mine - taken)
        taken |= mine
    return hits, counts


def _platt(results: list[tuple[Places, np.ndarray, np.ndarray]], level: str) -> tuple[float, float]:
    """Slope and offset of the logit."""
    from scipy.optimize import minimize

    of_level = [places.of_masses == (level == MASSES) for places, _, _ in results]
    used = [mine & counts for mine, (_, _, counts) in zip(of_level, results, strict=True)]
    score = np.concatenate([logit(places.heat[u]) for u, (places, _, _) in zip(used, results, strict=True)])
    hit = np.concatenate([hits[u] for u, (_, hits, _) in zip(used, results, strict=True)])
    goal = np.where(hit, (hit.sum() + 1) / (hit.sum() + 2), 1 / ((~hit).sum() + 2))

    def loss(pair: np.ndarray) -> float:
        margin = pair[0] * score + pair[1]
        return float((np.logaddexp(0, margin) - goal * margin).sum() + 0.01 * (pair[0] - 1) ** 2)

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    logger.info("%s: %d peaks, %d on nodules, slope %.2f, offset %.2f", level, len(hit), hit.sum(), slope, offset)
    return round(float(slope), 4), round(float(offset), 4)


def _operating_point(results: list[tuple[Places, np.ndarray, np.ndarray]], calibration: Calibration) -> float:
    """Return the probability above which FALSE_ALARMS_PER_CASE false alarms per scan remain, between 0.05 and 0.9."""
    false = [
        np.where(
            places.of_masses,
            calibration.probability(MASSES, places.heat),
            calibration.probability(NODULES, places.heat),
        )[~hits]
        for places, hits, _ in results
    ]
    scores = np.sort(np.concatenate([*false, [calibration.probability(NODULES, np.array(MIN_HEAT)).item()]]))[::-1]
    allowed = min(int(FALSE_ALARMS_PER_CASE * len(results)), len(scores) - 1)
    return round(float(np.clip(scores[allowed], 0.05, 0.9)), 3)
