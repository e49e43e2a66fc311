"""What the sections of pictures hold: the chest in three planes with all findings, each finding from four sides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LLL, LUL, RIGHT_LUNG_LABELS, RLL, RML, RUL
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.tuples import three
from ThoraxAILib.report import PLANES, Box, Overlay, draw_boxes, render, with_title
from ThoraxAILib.report.page import Figure, number, position

COLORS = {
    RUL: (90, 180, 255),
    RML: (70, 220, 190),
    RLL: (60, 110, 255),
    LUL: (255, 190, 90),
    LLL: (255, 110, 120),
    AIRWAY: (200, 160, 255),
}
FINDING_COLOR = (0, 230, 230)
OVERVIEW_PIXELS = 620  # shown at a third of the page, sharp in print
FINDING_PIXELS = 230
SHOWN_FINDINGS = 60
SPARSE = 4
_LEFT_SIDE = {"axial": "R", "coronal": "R", "sagittal": "A"}


@dataclass(frozen=True)
class Overview:
    """The chest in three planes, and what the colors mean."""

    figures: tuple[Figure, ...]
    words: str


@dataclass(frozen=True)
class FindingCard:
    """One finding in words and pictures; ``status`` is the reader's decision."""

    status: str
    title: str
    facts: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class FindingCards:
    """The cards that are shown, and how many findings have none to keep the file small."""

    cards: tuple[FindingCard, ...]
    more: int


def overview_content(result: AnalysisResult) -> Overview:
    """Axial and coronal through the middle of the lungs, sagittal of the larger one; outlines, a box per finding."""
    volume = result.volume
    widest_mm = float((np.array(volume.array.shape) * volume.spacing_kji_mm)[1:].max())
    overlay = Overlay(result.labels, COLORS, fill=0.10, outline=0.85)
    boxes = [_box(finding) for finding in result.findings.findings]
    sparse = result.labels[::SPARSE, ::SPARSE, ::SPARSE]
    figures = []
    for plane in PLANES:
        middle = volume.ras_from_kji(_middle_kji(sparse, result.labels.shape, one_lung=plane == "sagittal"))
        picture = render(volume, plane, middle, overlay=overlay, pixel_mm=widest_mm / OVERVIEW_PIXELS)
        picture = with_title(draw_boxes(picture, boxes), plane.capitalize(), _LEFT_SIDE[plane])
        figures.append(Figure.of(picture, f"{plane.capitalize()} at RAS ({position(middle)}) mm"))
    words = (
        ("Lungs" if result.findings.lungs.sides_withheld else "Lobes")
        + " in color"
        + (" (approximate)" if result.lobes_approximate and not result.findings.lungs.sides_withheld else "")
        + ", airways violet. Bright boxes cross the plane shown, dim ones lie before or behind it."
    )
    return Overview(tuple(figures), words)


def finding_cards(result: AnalysisResult) -> FindingCards:
    """Return a card per finding with its pictures, as far as the page shows them."""
    findings = result.findings.findings
    shown = findings[:SHOWN_FINDINGS]
    return FindingCards(tuple(_card(result, finding) for finding in shown), len(findings) - len(shown))


def _card(result: AnalysisResult, finding: Finding) -> FindingCard:
    """Axial, coronal and sagittal views with the outline of the mask, and a slab without it."""
    field_mm = float(np.clip(3.5 * finding.long_axis_mm, 50, 180))
    overlay = _mask_overlay(result, finding)
    view = partial(render, field_mm=field_mm, pixel_mm=field_mm / FINDING_PIXELS)
    figures = [
        Figure.of(
            with_title(view(result.volume, plane, finding.center_ras_mm, overlay=overlay), "", _LEFT_SIDE[plane]),
            plane.capitalize(),
        )
        for plane in PLANES
    ]
    slab_mm = max(10.0, 1.2 * finding.long_axis_mm)
    slab = view(result.volume, "axial", finding.center_ras_mm, slab_mm=slab_mm)
    figures.append(Figure.of(slab, f"Axial, brightest over {slab_mm:.0f} mm"))
    title = f"{finding.id}: {number(finding.mean_diameter_mm)} mm {finding.type} {finding.kind}"
    return FindingCard(finding.status, title, " ".join((_facts(finding), *finding.notes)), tuple(figures))


def _facts(finding: Finding) -> str:
    where = finding.lobe or (f"{finding.side} lung" if finding.side else "outside the lobes")
    solid = ""
    if finding.solid_mean_diameter_mm is not None:
        solid = f" Solid part {number(finding.solid_mean_diameter_mm)} mm"
        solid += "." if finding.solid_volume_mm3 is None else f", {number(finding.solid_volume_mm3, 0)} mm3."
    status = f" {finding.status.capitalize()}" + (f": {finding.reason}." if finding.reason else ".")
    return (
        f"{where}, RAS ({position(finding.center_ras_mm)}) mm, {number(finding.volume_mm3, 0)} mm3, mean "
        f"{number(finding.mean_hu, 0)} HU, confidence {number(finding.confidence, 2)}.{solid}{status}"
    )


def _mask_overlay(result: AnalysisResult, finding: Finding) -> Overlay | None:
    """Return the outline of one mask, on an array that costs memory only where it is touched."""
    if finding.mask is None:
        return None
    labels = np.zeros(result.volume.array.shape, dtype=np.uint8)
    labels[finding.mask.slices] = finding.mask.array
    return Overlay(labels, {1: FINDING_COLOR})


def _box(finding: Finding) -> Box:
    """Return the box of a finding: its bounds where known, else a cube of its long axis."""
    text = finding.id
    if finding.bounds_ras_mm is None:
        return Box(finding.center_ras_mm, (finding.long_axis_mm,) * 3, text)
    low, high = np.array(finding.bounds_ras_mm[::2]), np.array(finding.bounds_ras_mm[1::2])
    return Box(three(float(x) for x in (low + high) / 2), three(float(x) for x in high - low), text)


def _middle_kji(sparse: np.ndarray, shape: tuple[int, ...], one_lung: bool) -> np.ndarray:
    """Middle of the lungs or of the larger one, from every SPARSE-th label; of the array when nothing is labeled."""
    right, left = (np.isin(sparse, lobes) for lobes in (RIGHT_LUNG_LABELS, LEFT_LUNG_LABELS))
    larger = right if right.sum() >= left.sum() else left
    found = np.argwhere(larger if one_lung else right | left)
    if not len(found):
        return (np.array(shape) - 1) / 2
    return np.clip(found.mean(axis=0) * SPARSE, 0, np.array(shape) - 1)
