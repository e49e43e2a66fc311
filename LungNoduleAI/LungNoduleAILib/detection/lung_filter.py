"""Keeps candidates in or near the lungs, in millimetres, and says of every other one why it was removed."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.detection.voxel_rule import is_far_from_lung, why_removed
from LungNoduleAILib.model.anatomy import AIRWAY, Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Removed
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

MOST_DIGITS = 6  # of a confidence, to show that it differs from a threshold


def filter_candidates(
    candidates: list[Candidate], volume: Volume, anatomy: Anatomy, threshold: float, margin_mm: float
) -> tuple[list[Candidate], list[Removed]]:
    """Split candidates (best first) by confidence and by distance to the filled lungs (``margin_mm`` is allowed).

    A mass may have its centre outside the lung: what counts is whether its ball comes within the margin.
    """
    kept, removed = [], []
    for candidate in candidates:
        reason = _reason(candidate, volume, anatomy, threshold, margin_mm)
        if reason is None:
            kept.append(candidate)
        else:
            removed.append(as_removed(candidate, reason))
    return kept, removed


def filter_by_voxel_rule(
    candidates: list[Candidate], volume: Volume, anatomy: Anatomy, threshold: float, margin_mm: float
) -> tuple[list[Candidate], list[Removed], str]:
    """Split candidates as ``filter_candidates`` does, but near the lungs is what the report's study called so.

    The third value says which reported candidates the rule in mm would have removed, and a removed one says whether it
    would have stayed: so both lists are kept.
    """
    kept, removed = [], []
    only_here = []
    for candidate in candidates:
        by_mm = _reason(candidate, volume, anatomy, threshold, margin_mm)
        if candidate.confidence < threshold:
            removed.append(as_removed(candidate, _below(candidate.confidence, threshold)))
        elif is_far_from_lung(candidate, volume, anatomy):
            other = "; the rule in mm keeps it" if by_mm is None else "; the rule in mm removes it too"
            removed.append(as_removed(candidate, why_removed(anatomy.labels.shape) + other))
        else:
            kept.append(candidate)
            if by_mm is not None:
                only_here.append(f"({', '.join(f'{x:.1f}' for x in candidate.center_ras_mm)}) {by_mm}")
    return kept, removed, "; ".join(only_here) or "none"


def as_removed(candidate: Candidate, reason: str) -> Removed:
    """Return the record of a candidate that is not reported."""
    return Removed(
        three(round(x, 2) for x in candidate.center_ras_mm),
        round(candidate.diameter_mm, 1),
        round(candidate.confidence, 3),
        reason,
    )


def _reason(candidate: Candidate, volume: Volume, anatomy: Anatomy, threshold: float, margin_mm: float) -> str | None:
    if candidate.confidence < threshold:
        return _below(candidate.confidence, threshold)
    gap_mm = _gap_to_lung_mm(candidate, volume, anatomy)
    if gap_mm > margin_mm:
        return f"lies {gap_mm:.0f} mm outside the lungs (allowed: {margin_mm:g} mm)"
    return None


def _gap_to_lung_mm(candidate: Candidate, volume: Volume, anatomy: Anatomy) -> float:
    """Distance in mm from the candidate's ball to the nearest lung voxel; up to 60 mm are looked at."""
    center = np.round(volume.kji_from_ras(np.array(candidate.center_ras_mm))).astype(int)
    half = np.ceil((0.5 * candidate.diameter_mm + 60.0) / volume.spacing_kji_mm).astype(int)
    box = tuple(
        slice(max(0, c - h), min(n, c + h + 1)) for c, h, n in zip(center, half, anatomy.labels.shape, strict=True)
    )
    labels = anatomy.labels[box]
    lung = (labels > 0) & (labels < AIRWAY)
    local = tuple(int(np.clip(c - b.start, 0, b.stop - b.start - 1)) for c, b in zip(center, box, strict=True))
    if lung[local]:
        return 0.0
    if not lung.any():
        return 60.0
    strides = tuple(max(1, int(1.5 / s)) for s in volume.spacing_kji_mm)
    coarse = np.argwhere(lung[tuple(slice(None, None, s) for s in strides)]) * np.array(strides)
    distance = np.linalg.norm((coarse - np.array(local)) * volume.spacing_kji_mm, axis=1).min()
    return max(0.0, float(distance) - 0.5 * candidate.diameter_mm)


def _below(confidence: float, threshold: float) -> str:
    """Return that a confidence is below the threshold, with as many digits as it takes to see it."""
    digits = next((d for d in range(2, MOST_DIGITS) if round(confidence, d) < round(threshold, d)), MOST_DIGITS)
    return f"confidence {confidence:.{digits}f} is below the threshold {threshold:.{digits}f}"
