"""The nodule detector that needs no download: blobs of two kinds, a close look, a feature-based confidence."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.detection.blobs import LARGE_MM, MEDIUM_MM, SMALL_MM, Blobs, find_blobs
from LungNoduleAILib.detection.examine import examine
from LungNoduleAILib.detection.protocol import DETECTOR
from LungNoduleAILib.detection.score import load_score
from LungNoduleAILib.detection.search_maps import SearchMaps, make_search_maps
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.engines.engine import SUITE_LICENCE, Engine
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

SOLID_WINDOW_HU = (-1000.0, 100.0)
GLASS_WINDOW_HU = (-950.0, -450.0)
MIN_SOLID_STEP = 0.28
MIN_GLASS_STEP = 0.22
MIN_ROUNDNESS = 0.18
MIN_MASS_ROUNDNESS = 0.08
MASS_MM = 17.0
RULES_VERSION = 3  # raise with every change of what this file or the blob search does
LARGE_OPACITY_MM = 30.0
COARSE_MM = 2.0
MAX_BLOBS = 700
MIN_DIAMETER_MM = 3.0
MIN_PIXELS = 2.5  # across; smaller things have no shape
MIN_CONFIDENCE = 0.02
MIN_INSIDE_SHARE = 0.1


class ClassicalDetector:
    """Multi-scale blobs in a solid and a ground-glass window, examined one by one."""

    name = "classical"
    operating_point = 0.6
    device = "cpu"

    def __init__(self) -> None:
        self._score = load_score()
        self.fingerprint = _fingerprint()

    def detect(self, volume: Volume, anatomy: Anatomy, progress: Progress) -> list[Candidate]:
        """Candidates in ``volume`` (HU, LPS order), best first; see Detector."""
        candidates = [
            self._candidate(*blob) for blob in find_candidates(volume, anatomy, progress) if not _is_wall(blob[1])
        ]
        candidates = [candidate for candidate in candidates if candidate.confidence >= MIN_CONFIDENCE]
        # A large opacity comes before the small blobs inside it, whatever their confidence.
        candidates.sort(key=lambda c: (c.kind != "mass" or c.confidence < self.operating_point, -c.confidence))
        return sorted(suppress_duplicates(candidates), key=lambda c: -c.confidence)

    def _candidate(self, center_ras_mm: np.ndarray, features: dict[str, float], density: str) -> Candidate:
        confidence = self._score.confidence(features)
        if _stands_in_lung(features):
            confidence = max(confidence, self.operating_point)
        kind = "mass" if features["diameter_mm"] > LARGE_OPACITY_MM else "nodule"
        place = three(float(x) for x in center_ras_mm)
        return Candidate(place, features["diameter_mm"], confidence, density, kind, features)


def _stands_in_lung(features: dict[str, float]) -> bool:
    """Return a compact opacity above 3 cm that lung surrounds: reported even where the score, made for nodules, is
    low.
    """
    return (
        features["diameter_mm"] > LARGE_OPACITY_MM
        and features["lung_share"] > 0.65
        and features["inside_share"] > 0.25
        and features["flatness"] > 0.6
        and features["fill"] > 0.75
    )


def _is_wall(features: dict[str, float]) -> bool:
    """Return part of chest wall, diaphragm or great vessels: hardly inside the lung and flat, long, or with little lung
    around it. A tumor on the wall is round and lung surrounds it; the descending aorta is 0.53 to 0.59 as wide as long.
    """
    if features["inside_share"] >= MIN_INSIDE_SHARE:
        return False
    return features["flatness"] < 0.6 or features["elongation"] < 0.65 or features["lung_share"] < 0.45


def find_candidates(
    volume: Volume, anatomy: Anatomy, progress: Progress
) -> list[tuple[np.ndarray, dict[str, float], str]]:
    """Every blob that has a region: centre (RAS mm), features, window ("solid" or "ground-glass")."""
    maps = make_search_maps(volume, anatomy)
    if maps is None:
        return []
    coarse = maps.coarser(COARSE_MM)
    seen = []
    passes = (
        ("solid", SOLID_WINDOW_HU, SMALL_MM + MEDIUM_MM + LARGE_MM, MIN_SOLID_STEP),
        ("ground-glass", GLASS_WINDOW_HU, MEDIUM_MM + LARGE_MM[:3], MIN_GLASS_STEP),
    )
    for number, (density, (low, high), diameters_mm, least) in enumerate(passes):
        part = progress.part(0.5 * number, 0.5 * number + 0.5)
        image = (np.clip(maps.hu, low, high) - low) / np.float32(high - low)
        blobs = _worth_a_look(find_blobs(image, maps, diameters_mm, least, part.part(0.0, 0.5)))
        seen += _examine_all(maps, coarse, blobs, density, part.part(0.5, 1.0))
    return seen


def _worth_a_look(blobs: Blobs) -> Blobs:
    """Round blobs, and of too many those that stand out most for their size."""
    round_enough = blobs.roundness > np.where(blobs.diameter_mm > MASS_MM, MIN_MASS_ROUNDNESS, MIN_ROUNDNESS)
    blobs = blobs.take(round_enough)
    rank = np.argsort(-blobs.contrast * (0.3 + blobs.roundness) * np.sqrt(blobs.diameter_mm))
    return blobs.take(rank[:MAX_BLOBS])


def _examine_all(
    fine: SearchMaps, coarse: SearchMaps, blobs: Blobs, density: str, progress: Progress
) -> list[tuple[np.ndarray, dict[str, float], str]]:
    """Close looks at all blobs, large ones on the coarse maps."""
    seen = []
    centers_ras_mm = fine.grid.ras_from_kji(blobs.center_kji)
    least_mm = max(MIN_DIAMETER_MM, MIN_PIXELS * float(fine.grid.spacing_kji_mm[1:].max()))
    for n, (center, diameter_mm) in enumerate(zip(centers_ras_mm, blobs.diameter_mm, strict=True)):
        if n % 25 == 0:
            progress(n / len(blobs), f"Looking at {len(blobs)} {density} candidates")
        chosen = coarse if diameter_mm > MASS_MM else fine
        answer = examine(chosen, chosen.grid.kji_from_ras(center), float(diameter_mm), float(blobs.roundness[n]))
        if answer is not None and answer[1]["diameter_mm"] >= least_mm:
            seen.append((chosen.grid.ras_from_kji(answer[2]), answer[1], density))
    return seen


def suppress_duplicates(candidates: list[Candidate]) -> list[Candidate]:
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


def _fingerprint() -> str:
    return f"{load_score().fingerprint}-{RULES_VERSION}"


ENGINE = Engine(
    DETECTOR,
    ClassicalDetector.name,
    "multi-scale blobs and shape features; no download, CPU",
    SUITE_LICENCE,
    lambda device: ClassicalDetector(),
    version=_fingerprint,
)
