"""Benchmark: one nodule's voxels from a click, the network beside the region growing, on synthetic CTs of a setting.

``python Testing/benchmarks/lung_segmentation.py [--cases N] [--first-seed S] [--setting NAME] [--weights FILE]``;
nothing is asserted. Both are given the same point near the centre; the region growing also a size, as from a detector.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.engines import choose_engines
from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.delineation.learned import SHIPPED, segment_nodule
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.synthesis import PlantedNodule, draw_case
from LungNoduleAILib.synthesis.nodules.share import nodule_share
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

DELINEATOR = choose_engines(AnalysisOptions()).delineator.made

FIRST_SEED = 70_000
CLICK_ERROR, SIZE_ERROR = 0.3, 0.25
ROWS = ("network, click", "network, click and size", "region growing")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--setting", default="held-out")
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    arguments = parser.parse_args()
    scores: dict[str, list[tuple[float, float]]] = {row: [] for row in ROWS}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.cases):
        phantom = draw_case(seed, arguments.setting)
        volume = phantom.volume.in_lps_order()
        volume = volume.with_array(np.ascontiguousarray(volume.array))
        grade_case(seed, volume, phantom.nodules, arguments.weights, scores)
    print(f"{len(scores[ROWS[0]])} nodules of {arguments.cases} scans")
    for row, values in scores.items():
        print(describe(row, np.array(values)))
    return 0


def grade_case(
    seed: int,
    volume: Volume,
    nodules: tuple[PlantedNodule, ...],
    weights: Path,
    scores: dict[str, list[tuple[float, float]]],
) -> None:
    """Add Dice and relative volume error of every nodule of one scan to ``scores``; a failure is 0 and -1."""
    anatomy = ClassicalSegmenter().segment(volume, Progress())
    depth = LungDepth(volume, anatomy)
    rng = np.random.default_rng((seed, 3))
    for nodule in nodules:
        away = rng.standard_normal(3)
        away *= CLICK_ERROR * rng.random() * nodule.diameter_mm / 2 / np.linalg.norm(away)
        point = tuple(float(x) for x in np.array(nodule.center_ras_mm) + away)
        size = nodule.diameter_mm * float(np.exp(rng.uniform(-SIZE_ERROR, SIZE_ERROR)))
        truth = true_mask(volume, nodule)
        found = measure(volume, anatomy, depth, Candidate(point, size, 1.0), "click", DELINEATOR)
        masks = (
            _clicked(volume, point, None, weights),
            _clicked(volume, point, size, weights),
            None if found is None else found.mask,
        )
        for row, mask in zip(ROWS, masks, strict=True):
            scores[row].append(graded(mask, truth, volume, nodule.volume_mm3))


def _clicked(volume: Volume, point: tuple[float, float, float], size_mm: float | None, weights: Path) -> Mask | None:
    try:
        return segment_nodule(volume, point, size_mm and float(np.clip(size_mm, 3, 100)), weights).mask
    except InputError:
        return None


def true_mask(volume: Volume, nodule: PlantedNodule) -> Mask:
    """The voxels of the CT of which more than half lie in a nodule."""
    box, share = nodule_share(Grid(volume.array.shape, volume.ijk_to_ras), nodule)
    return Mask(tuple(b.start for b in box), share > 0.5)


def graded(mask: Mask | None, truth: Mask, volume: Volume, true_mm3: float) -> tuple[float, float]:
    """Dice and (volume - true) / true."""
    if mask is None:
        return 0.0, -1.0
    low = np.minimum(mask.offset_kji, truth.offset_kji)
    high = np.maximum(np.add(mask.offset_kji, mask.array.shape), np.add(truth.offset_kji, truth.array.shape))
    one, other = (np.zeros(high - low, bool) for _ in range(2))
    for whole, part in ((one, mask), (other, truth)):
        start = np.subtract(part.offset_kji, low)
        whole[tuple(slice(s, s + n) for s, n in zip(start, part.array.shape, strict=True))] = part.array
    dice = 2 * (one & other).sum() / max(one.sum() + other.sum(), 1)
    return float(dice), float(one.sum() * volume.voxel_mm3 / true_mm3 - 1)


def describe(row: str, values: np.ndarray) -> str:
    """Mean Dice with its 95 % interval, median and the volume errors."""
    dice, error = values.T
    half = 1.96 * dice.std(ddof=1) / np.sqrt(len(dice))
    return (
        f"{row:<26}Dice {dice.mean():.3f} +/- {half:.3f}, median {np.median(dice):.3f}; volume error median "
        f"{100 * np.median(error):+.0f} %, absolute median {100 * np.median(np.abs(error)):.0f} %, "
        f"not found {(dice == 0).sum()}"
    )


if __name__ == "__main__":
    sys.exit(main())
