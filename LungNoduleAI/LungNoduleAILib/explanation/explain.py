"""Why the detector and the suspicion say what they say of one nodule. Research use only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.delineation.patch import cut_patch
from LungNoduleAILib.delineation.protocol import Delineator, Site
from LungNoduleAILib.detection.detector_file import SHIPPED, read_detector
from LungNoduleAILib.explanation.detector_patch import DetectorPatch, PatchScore, confidence
from LungNoduleAILib.explanation.faithfulness import SHARES, Faithfulness, faithfulness, rank_correlation, shuffled
from LungNoduleAILib.explanation.moved import Moved, moved_by
from LungNoduleAILib.explanation.occlusion import Blocks, falls
from LungNoduleAILib.measurement.appearance import appearance
from LungNoduleAILib.measurement.judgement import load_judgement
from LungNoduleAILib.model.anatomy import RLL, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress

SCHEMA = "thoraxai.explanation/1"
SHUFFLED_LIMIT = 0.3  # a map that correlates more with that of a shuffled network shows the image


@dataclass(frozen=True, eq=False)
class Explanation:
    """Importance of every voxel of ``patch`` (log odds that fall when it is covered), and how far it can be believed.

    ``shuffled_correlation`` is Spearman's with the map of the same network with shuffled weights; ``rating`` is the
    suspicion's mean nodule and ``moved`` what each feature adds, both None without an outline.
    """

    patch: DetectorPatch
    importance: np.ndarray
    confidence: float
    faithfulness: Faithfulness
    shuffled_correlation: float
    fingerprint: str
    mean_rating: float | None = None
    moved: tuple[Moved, ...] | None = None

    def to_dict(self) -> dict:
        """JSON form."""
        curves = self.faithfulness
        suspicion = None
        if self.moved is not None and self.mean_rating is not None:
            suspicion = {
                "mean_nodule": round(self.mean_rating, 2),
                "moved": [{"feature": m.feature, "points": round(m.points, 2)} for m in self.moved],
            }
        return {
            "schema": SCHEMA,
            "method": "occlusion",
            "detector_fingerprint": self.fingerprint,
            "level": self.patch.level,
            "confidence_at_the_place": round(self.confidence, 3),
            "shares": list(SHARES),
            "deletion": [round(float(v), 3) for v in curves.deletion],
            "insertion": [round(float(v), 3) for v in curves.insertion],
            "deletion_area": round(curves.deletion_area, 3),
            "insertion_area": round(curves.insertion_area, 3),
            "random_deletion_area": round(curves.random_deletion, 3),
            "random_insertion_area": round(curves.random_insertion, 3),
            "shuffled_correlation": round(self.shuffled_correlation, 3),
            "is_faithful": self.is_faithful,
            "suspicion": suspicion,
        }

    @property
    def is_faithful(self) -> bool:
        """Whether deletion beats a random order, and the map forgets when the network does.

        Insertion is told, not asked: a part of a nodule that comes back alone is a smaller nodule to a detector.
        """
        curves = self.faithfulness
        return curves.deletion_area < curves.random_deletion and abs(self.shuffled_correlation) < SHUFFLED_LIMIT


def explain_nodule(
    volume: Volume,
    center_ras_mm: tuple[float, float, float],
    diameter_mm: float,
    delineator: Delineator | None = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Explanation:
    """Explain a nodule of a CT (HU, any axis order) at a place (RAS mm) and size.

    With a ``delineator`` also what moved its suspicion. Raises InputError when the place lies outside of the image,
    MissingDependencyError without PyTorch.
    """
    progress = progress or Progress()
    volume = volume.in_lps_order()
    center = volume.kji_from_ras(np.array(center_ras_mm, dtype=float))
    if not ((center > -0.5) & (center < np.array(volume.array.shape) - 0.5)).all():
        raise InputError("The point lies outside of the image: give the middle of a nodule in R, A, S mm.")
    networks, calibration, sha256 = read_detector(SHIPPED)
    patch = DetectorPatch.around(volume, center_ras_mm, diameter_mm)
    score = PatchScore(networks[patch.level], calibration, patch.level)
    blocks = Blocks.of(patch, diameter_mm)
    values = falls(patch, score, blocks, progress.part(0.0, 0.45))
    progress(0.45, "Deleting and inserting what matters most")
    curves = faithfulness(patch, score, blocks, values, seed)
    forgotten = PatchScore(shuffled(networks[patch.level], seed), calibration, patch.level)
    without = falls(patch, forgotten, blocks, progress.part(0.55, 0.95))
    mean_rating, moved = None, None
    looks = None if delineator is None else _looks(volume, center_ras_mm, diameter_mm, delineator)
    if looks is not None:
        mean_rating, moved = moved_by(load_judgement(), looks)
    progress(1.0, "Explained")
    return Explanation(
        patch,
        blocks.spread(values),
        float(confidence(score.log_odds(patch.hu[None]))[0]),
        curves,
        rank_correlation(values, without),
        sha256[:16],
        mean_rating,
        moved,
    )


def _looks(
    volume: Volume, center_ras_mm: tuple[float, float, float], diameter_mm: float, delineator: Delineator
) -> dict[str, float] | None:
    """Return the appearance of the nodule as outlined; None without an outline."""
    anatomy = Anatomy(np.full(volume.array.shape, RLL, np.uint8))  # the outline asks for no lobe
    patch = cut_patch(volume, anatomy, volume.kji_from_ras(np.array(center_ras_mm)), diameter_mm)
    site = Site(volume, Candidate(center_ras_mm, diameter_mm, 1.0), patch, np.ones(patch.hu.shape, bool))
    outline = delineator.outline(site)
    if outline is None:
        return None
    return appearance(patch.hu, outline.region.mask, outline.share, patch.spacing_kji_mm)
