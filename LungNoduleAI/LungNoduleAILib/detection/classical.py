"""The nodule detector that needs no download: blobs of two kinds, a close look, a feature-based confidence."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.protocol import Anatomy
from LungNoduleAILib.detection.blobs import LARGE_MM, MEDIUM_MM, SMALL_MM, Blobs, find_blobs
from LungNoduleAILib.detection.examine import examine
from LungNoduleAILib.detection.protocol import Candidate
from LungNoduleAILib.detection.score import load_score
from LungNoduleAILib.detection.search_grid import SearchGrid, make_search_grid
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.volume import Volume

SOLID_WINDOW_HU = (-1000.0, 100.0)
GLASS_WINDOW_HU = (-950.0, -450.0)
LEAST_SOLID_STEP = 0.28
LEAST_GLASS_STEP = 0.22
LEAST_ROUNDNESS = 0.18
LEAST_MASS_ROUNDNESS = 0.08
MASS_MM = 17.0
MOST_BLOBS = 700
LEAST_DIAMETER_MM = 3.0
LEAST_CONFIDENCE = 0.02


class ClassicalDetector:
    """Multi-scale blobs in a solid and a ground-glass window, examined one by one."""

    name = "classical"
    operating_point = 0.5

    def __init__(self) -> None:
        self._score = load_score()
        self.fingerprint = self._score.fingerprint

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, LPS order), best first; see Detector."""
        seen = look(volume, anatomy, progress)
        candidates = [
            Candidate(tuple(float(x) for x in volume.ras_from_kji(center)), features["diameter_mm"],
                      self._score.confidence(features), density,
                      "mass" if features["diameter_mm"] > 30.0 else "nodule", features)
            for center, features, density in seen]
        candidates = [c for c in candidates if c.confidence >= LEAST_CONFIDENCE]
        return without_doubles(sorted(candidates, key=lambda c: -c.confidence))


def look(volume: Volume, anatomy: Anatomy, progress: Progress) -> list[tuple[np.ndarray, dict[str, float], str]]:
    """Every blob that has a region: centre (CT voxels k, j, i), features, window ("solid" or "ground-glass")."""
    grid = make_search_grid(volume, anatomy)
    if grid is None:
        return []
    depth_mm = _depth(grid)
    seen = []
    passes = (("solid", SOLID_WINDOW_HU, SMALL_MM + MEDIUM_MM + LARGE_MM, LEAST_SOLID_STEP),
              ("ground-glass", GLASS_WINDOW_HU, MEDIUM_MM + LARGE_MM[:3], LEAST_GLASS_STEP))
    for number, (density, (low, high), diameters_mm, least) in enumerate(passes):
        part = progress.part(0.5 * number, 0.5 * number + 0.5)
        image = (np.clip(grid.hu, low, high) - low) / np.float32(high - low)
        blobs = find_blobs(image, grid, depth_mm, diameters_mm, least, part.part(0.0, 0.5))
        seen += _examine_all(grid, depth_mm, _worth_a_look(blobs), density, part.part(0.5, 1.0))
    return seen


def _depth(grid: SearchGrid) -> np.ndarray:
    """Distance in mm to the border of the filled lung, positive inside."""
    import edt

    spacing = tuple(float(s) for s in grid.spacing_kji_mm)
    return edt.edt(grid.lung, anisotropy=spacing) - edt.edt(~grid.lung, anisotropy=spacing)


def _worth_a_look(blobs: Blobs) -> Blobs:
    """Round blobs, and of too many those that stand out most for their size."""
    round_enough = blobs.roundness > np.where(blobs.diameter_mm > MASS_MM, LEAST_MASS_ROUNDNESS, LEAST_ROUNDNESS)
    blobs = blobs.take(round_enough)
    rank = np.argsort(-blobs.contrast * (0.3 + blobs.roundness) * np.sqrt(blobs.diameter_mm))
    return blobs.take(rank[:MOST_BLOBS])


def _examine_all(grid: SearchGrid, depth_mm: np.ndarray, blobs: Blobs, density: str, progress: Progress
                 ) -> list[tuple[np.ndarray, dict[str, float], str]]:
    seen = []
    for n in range(len(blobs)):
        if n % 25 == 0:
            progress(n / max(len(blobs), 1), f"Looking at {len(blobs)} {density} candidates")
        answer = examine(grid, depth_mm, blobs.center_kji[n], float(blobs.diameter_mm[n]), float(blobs.roundness[n]))
        if answer is not None and answer[1]["diameter_mm"] >= LEAST_DIAMETER_MM:
            seen.append((grid.full_from_search_kji(answer[2]), answer[1], density))
    return seen


def without_doubles(candidates: list[Candidate]) -> list[Candidate]:
    """Of candidates that lie within each other only the first (candidates sorted, best first)."""
    kept: list[Candidate] = []
    for candidate in candidates:
        center = np.array(candidate.center_ras_mm)
        if not any(_within(center, candidate.diameter_mm, other) for other in kept):
            kept.append(candidate)
    return kept


def _within(center_ras_mm: np.ndarray, diameter_mm: float, other: Candidate) -> bool:
    gap_mm = np.linalg.norm(center_ras_mm - np.array(other.center_ras_mm))
    return bool(gap_mm < 0.5 * max(diameter_mm, other.diameter_mm))
