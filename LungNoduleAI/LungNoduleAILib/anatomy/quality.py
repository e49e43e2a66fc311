"""Verdicts on a lung segmentation: what a reader must know before trusting the mask, with reasons and numbers."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.anatomy.lung_air import LungAir
from LungNoduleAILib.anatomy.work_image import WorkImage
from LungNoduleAILib.model.findings import QualityNote

PLAUSIBLE_ML = (1000.0, 9000.0)
NO_LUNG_ML = 150.0
SECOND_LUNG_SHARE = 0.12
CUT_MM2 = 1000.0
CUT_AT_END_MM2 = 2500.0
GAS_HU = -975.0
GAS_SHARE = 0.2
THICK_MM = 3.5


def assess_quality(work: WorkImage, air: LungAir, sides: np.ndarray, sides_certain: bool) -> tuple[QualityNote, ...]:
    """All verdicts, the gravest first; a single ``ok`` when nothing is to be said about the lungs."""
    ml = np.bincount(sides.ravel(), minlength=3)[1:3] * work.voxel_mm3 / 1000.0
    if ml.sum() < NO_LUNG_ML:
        return (
            QualityNote(
                "not_a_chest",
                f"No lungs were found ({ml.sum():.0f} mL of lung-like air): this does not "
                "look like a CT of the chest; choose another series.",
                "error",
            ),
        )
    notes = [*_missing_lung(ml, sides_certain), *_volume(ml), *_cut(work, air, sides), *_leak(work, air, ml)]
    notes.sort(key=lambda note: note.severity != "error")
    if not notes:
        notes.append(QualityNote("ok", f"Both lungs found, {ml[0]:.0f} mL right and {ml[1]:.0f} mL left.", "info"))
    return (*notes, *_resolution(work))


def is_no_chest(quality: tuple[QualityNote, ...]) -> bool:
    """Whether the verdict is that the image shows no chest; such an image is given no lungs."""
    return any(note.code == "not_a_chest" for note in quality)


def _missing_lung(ml: np.ndarray, certain: bool) -> list[QualityNote]:
    smaller = int(np.argmin(ml))
    if ml[smaller] >= SECOND_LUNG_SHARE * ml[1 - smaller]:
        if certain:
            return []
        return [
            QualityNote(
                "sides_uncertain",
                "The lungs could not be told apart along a junction line: right and "
                "left were cut at the middle of the body; check the sides.",
            )
        ]
    missing, present = ("right", "left") if smaller == 0 else ("left", "right")
    return [
        QualityNote(
            "one_lung_missing",
            f"Only the {present} lung was found ({ml[1 - smaller]:.0f} mL; "
            f"{missing} {ml[smaller]:.0f} mL): a cropped image, a removed or an airless {missing} lung; "
            "volumes of both lungs cannot be compared.",
            "error",
        )
    ]


def _volume(ml: np.ndarray) -> list[QualityNote]:
    total = float(ml.sum())
    if PLAUSIBLE_ML[0] <= total <= PLAUSIBLE_ML[1]:
        return []
    return [
        QualityNote(
            "volume_out_of_range",
            f"The lungs measure {total:.0f} mL, outside the plausible 1000 to "
            "9000 mL: check the mask before using any volume.",
            "error",
        )
    ]


def _cut(work: WorkImage, air: LungAir, sides: np.ndarray) -> list[QualityNote]:
    notes = []
    if air.border_mm2 > CUT_MM2:
        notes.append(
            QualityNote(
                "cut_by_field_of_view",
                f"Lung reaches the side of the image over "
                f"{air.border_mm2 / 100:.0f} cm2: the field of view cuts it, volumes are too small.",
                "error" if air.border_mm2 > 10 * CUT_MM2 else "warning",
            )
        )
    pixel_mm2 = float(work.spacing_kji_mm[1] * work.spacing_kji_mm[2])
    for name, plane in (("bottom", sides[0]), ("top", sides[-1])):
        area_mm2 = float((plane > 0).sum()) * pixel_mm2
        if area_mm2 > CUT_AT_END_MM2:
            notes.append(
                QualityNote(
                    "cut_by_field_of_view",
                    f"The {name} slice still holds {area_mm2 / 100:.0f} cm2 "
                    f"of lung: the scan does not reach the {name} of the lungs.",
                )
            )
    return notes


def _leak(work: WorkImage, air: LungAir, ml: np.ndarray) -> list[QualityNote]:
    gas_share = float((work.hu[air.mask] < GAS_HU).mean()) if air.mask.any() else 0.0
    if gas_share <= GAS_SHARE:
        return []
    return [
        QualityNote(
            "leak",
            f"{100 * gas_share:.0f} % of the lung mask is as dark as free air (below "
            f"{GAS_HU:.0f} HU): severe emphysema, or the mask leaked into bowel or room air; check it.",
        )
    ]


def _resolution(work: WorkImage) -> list[QualityNote]:
    slice_mm = float(work.spacing_kji_mm[0] / work.factors_kji[0])
    if slice_mm <= THICK_MM:
        return []
    return [
        QualityNote(
            "thick_slices",
            f"Slices are {slice_mm:.1f} mm apart: nodules smaller than about "
            f"{2 * slice_mm:.0f} mm are missed or mismeasured.",
        )
    ]
