"""Verdicts on the chest beyond nodules: what takes the place of lung, told with place, size and volume, never dropped.

An opacity that a finding explains is told with the finding; everything else of 3 cm or more gets a verdict of its own,
also candidates of the detector that were not reported.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LungNoduleAILib.measurement.vetting import CONTRAST_HU, VESSEL_SHARE, blood_hu
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.findings import Finding, QualityNote, Removed
from LungNoduleAILib.opacity.opacity import AIR, FLUID, TISSUE, Opacity
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume

LARGE_MM = 30.0
LEAST_CONFIDENCE = 0.1
EXPLAINED_SHARE = 0.4  # of an opacity's volume that its finding must measure
UNEQUAL = 0.6  # of the larger lung's volume; healthy adults: left 0.8 to 0.95 of right
LEAST_LUNG = 0.12  # smaller: the verdict on a missing lung tells it
BRONCHI_SHARE = 0.02
WITHIN_MM = 5.0
DENSE_HU, DENSE_SHARE, IN_LUNG_SHARE = -300.0, 0.4, 0.2


def chest_verdicts(
    opacities: Sequence[Opacity],
    findings: Sequence[Finding],
    removed: Sequence[Removed],
    lungs_ml: tuple[float, float] | None,
    volume: Volume,
    anatomy: Anatomy,
) -> tuple[QualityNote, ...]:
    """Return all verdicts on a CT (LPS order); ``lungs_ml``: right and left, None when not known."""
    notes = [_finding_verdict(finding) for finding in findings if finding.mean_diameter_mm > LARGE_MM]
    for opacity in opacities:
        within = [f for f in findings if opacity.kind == TISSUE and opacity.holds(f.center_ras_mm, WITHIN_MM)]
        measured_ml = sum(finding.volume_mm3 for finding in within) / 1000.0
        if not within or measured_ml < EXPLAINED_SHARE * opacity.volume_ml:
            notes.append(_opacity_verdict(opacity, within, measured_ml))
    notes += [] if lungs_ml is None else _unequal(lungs_ml)
    told = [*notes]
    for candidate in removed:
        if candidate.diameter_mm < LARGE_MM or candidate.confidence < LEAST_CONFIDENCE:
            continue
        if any(_near(candidate, note) for note in told) or any(o.holds(candidate.center_ras_mm) for o in opacities):
            continue
        if _is_opaque(candidate, volume, anatomy):
            told.append(_candidate_verdict(candidate))
    return tuple(told)


def _where(point: tuple[float, float, float]) -> str:
    return ", ".join(f"{axis}{value:.0f}" for axis, value in zip("RAS", point, strict=True)) + " mm"


def _finding_verdict(finding: Finding) -> QualityNote:
    low, high = np.array(finding.bounds_ras_mm).reshape(3, 2).T
    size = three(round(float(s), 1) for s in high - low)
    return QualityNote(
        "large_opacity",
        f"A large opacity of about {finding.mean_diameter_mm:.0f} mm lies at {_where(finding.center_ras_mm)} "
        f"({finding.id}): lung volumes leave it out in part.",
        "warning",
        finding.center_ras_mm,
        size,
        round(finding.volume_mm3 / 1000.0, 1),
    )


def _opacity_verdict(opacity: Opacity, within: Sequence[Finding], measured_ml: float) -> QualityNote:
    extent = " x ".join(f"{mm:.0f}" for mm in opacity.size_mm)
    place = f"{opacity.volume_ml:.0f} mL ({extent} mm) at {_where(opacity.center_ras_mm)} on the {opacity.side}"
    if opacity.kind == FLUID:
        code = "pleural_fluid"
        text = f"A layer of fluid of about {place}, {opacity.mean_hu:.0f} HU: a pleural effusion?"
    elif opacity.kind == AIR:
        code = "pleural_air"
        text = f"Air without vessels along the chest wall, about {place}: a pneumothorax or bulla?"
    else:
        code = "large_opacity"
        has_bronchi = opacity.bronchi_share > BRONCHI_SHARE
        hint = "consolidation, with air in its bronchi?" if has_bronchi else "a mass, consolidation or collapse?"
        names = " and ".join(finding.id for finding in within)
        measured = f"of which {names} measures {measured_ml:.0f} mL" if within else "that no finding measures"
        text = f"Airless tissue of about {place}, {measured}: {hint}"
    return QualityNote(code, text, "warning", opacity.center_ras_mm, opacity.size_mm, opacity.volume_ml)


def _unequal(lungs_ml: tuple[float, float]) -> list[QualityNote]:
    larger = max(lungs_ml)
    share = min(lungs_ml) / larger if larger > 0 else 1.0
    if not LEAST_LUNG <= share < UNEQUAL:
        return []
    small = "right" if lungs_ml[0] < lungs_ml[1] else "left"
    return [
        QualityNote(
            "lungs_unequal",
            f"The {small} lung holds only {100 * share:.0f} % of the volume of the other ({min(lungs_ml):.0f} and "
            f"{larger:.0f} mL): look for collapse, fluid, a mass or an earlier operation.",
        )
    ]


def _near(candidate: Removed, note: QualityNote) -> bool:
    """Whether a verdict already tells of the place of a candidate."""
    if note.center_ras_mm is None:
        return False
    gap = np.linalg.norm(np.subtract(candidate.center_ras_mm, note.center_ras_mm))
    return bool(gap < 0.5 * candidate.diameter_mm + 0.5 * max(note.size_mm or (0.0,)))


def _is_opaque(candidate: Removed, volume: Volume, anatomy: Anatomy) -> bool:
    """Whether the ball of a candidate holds tissue, reaches into the filled lungs and is no vessel with contrast."""
    center = volume.kji_from_ras(np.array(candidate.center_ras_mm))
    half = 0.4 * candidate.diameter_mm / volume.spacing_kji_mm
    box = tuple(
        slice(max(0, int(c - h)), min(n, int(c + h) + 1))
        for c, h, n in zip(center, half, volume.array.shape, strict=True)
    )
    hu, labels = volume.array[box], anatomy.labels[box]
    if not hu.size:
        return False
    blood = blood_hu(volume, anatomy)
    if blood > CONTRAST_HU and float(np.median(hu)) > VESSEL_SHARE * blood:
        return False
    return bool((hu > DENSE_HU).mean() > DENSE_SHARE and (labels > 0).mean() > IN_LUNG_SHARE)


def _candidate_verdict(candidate: Removed) -> QualityNote:
    return QualityNote(
        "unsure_opacity",
        f"An opacity of about {candidate.diameter_mm:.0f} mm at {_where(candidate.center_ras_mm)} is not reported "
        f"({candidate.reason}): look at it.",
        "info",
        candidate.center_ras_mm,
        (candidate.diameter_mm,) * 3,
    )
