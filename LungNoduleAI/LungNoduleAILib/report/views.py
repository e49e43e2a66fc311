"""What the sections of pictures hold: the chest in three planes through the most important finding, and each finding.

Every picture says its window and, where it is a slice, which one; sizes can be read off its scale bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from LungNoduleAILib.analysis.importance import by_suspicion, is_doubtful
from LungNoduleAILib.model.anatomy import AIRWAY, LEFT_LUNG_LABELS, LLL, LUL, RIGHT_LUNG_LABELS, RLL, RML, RUL
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.prior_exam import PriorExam
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import PLANES, Box, Overlay, draw_boxes, render, with_title
from ThoraxAILib.report.drawing import draw_lines, draw_scale_bar
from ThoraxAILib.report.page import Figure, number, position
from ThoraxAILib.report.slices import LUNG_WINDOW, SOFT_WINDOW, Picture, Window

COLORS = {
    RUL: (90, 180, 255),
    RML: (70, 220, 190),
    RLL: (60, 110, 255),
    LUL: (255, 190, 90),
    LLL: (255, 110, 120),
    AIRWAY: (200, 160, 255),
}
FINDING_COLOR, CALIPER_COLOR = (0, 230, 230), (255, 220, 60)
OVERVIEW_PIXELS = 620  # shown at a third of the page, sharp in print
FINDING_PIXELS = 300
SHOWN_FINDINGS = 60
SPARSE = 4
FIELD_MM = (40.0, 180.0)  # least and most of a finding's picture; in between it is as large as the finding needs
FIELD_BY_AXIS = 3.0
_LEFT_SIDE = {"axial": "R", "coronal": "R", "sagittal": "A"}
_ACROSS = {"axial": 0, "coronal": 1, "sagittal": 2}  # in LPS order
WINDOWS = (("lung window", LUNG_WINDOW), ("soft-tissue window", SOFT_WINDOW))


@dataclass(frozen=True)
class View:
    """A picture with its caption, before it becomes part of a page."""

    picture: Picture
    caption: str

    def figure(self) -> Figure:
        """Return it for an HTML page."""
        return Figure.of(self.picture, self.caption)


_DRAWN: WeakKeyDictionary[AnalysisResult, dict[Finding, tuple[View, ...]]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Overview:
    """The chest in three planes, and what the colors mean."""

    views: tuple[View, ...]
    words: str

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The views for an HTML page."""
        return tuple(view.figure() for view in self.views)


@dataclass(frozen=True)
class FindingCard:
    """One finding in words and pictures; ``status`` is the reader's decision."""

    status: str
    title: str
    facts: str
    views: tuple[View, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The views for an HTML page."""
        return tuple(view.figure() for view in self.views)


@dataclass(frozen=True)
class FindingCards:
    """The cards that are shown, and how many findings have none to keep the file small."""

    cards: tuple[FindingCard, ...]
    more: int


def overview_content(result: AnalysisResult, ordered: Sequence[Finding] | None = None) -> Overview:
    """Return three planes through the first of ``ordered``, or the middle of the lungs; outlines, a box per finding.

    Only findings that are neither rejected nor doubtful are marked, the first ones first where words are short of room.
    """
    volume = result.volume
    findings = by_suspicion(result.findings.findings) if ordered is None else ordered
    marked = [finding for finding in findings if finding.status != "rejected" and not is_doubtful(finding)]
    widest_mm = float((np.array(volume.array.shape) * volume.spacing_kji_mm)[1:].max())
    overlay = Overlay(result.labels, COLORS, fill=0.10, outline=0.85)
    boxes = [_box(finding) for finding in marked]
    sparse = result.labels[::SPARSE, ::SPARSE, ::SPARSE]
    views = []
    for plane in PLANES:
        if marked:
            middle = np.array(marked[0].center_ras_mm)
        else:
            middle = volume.ras_from_kji(_middle_kji(sparse, result.labels.shape, one_lung=plane == "sagittal"))
        picture = render(volume, plane, middle, overlay=overlay, pixel_mm=widest_mm / OVERVIEW_PIXELS)
        picture = with_title(draw_boxes(picture, boxes), plane.capitalize(), _LEFT_SIDE[plane])
        views.append(View(draw_scale_bar(picture, 50.0), f"{plane.capitalize()}, {slice_words(volume, plane, middle)}"))
    through = f"Through {marked[0].id}. " if marked else ""
    words = (
        f"{through}Lung window. "
        + ("Lungs" if result.findings.lungs.sides_withheld else "Lobes")
        + " in color"
        + (" (approximate)" if result.lobes_approximate and not result.findings.lungs.sides_withheld else "")
        + ", airways violet. Bright boxes cross the plane shown, dim ones lie before or behind it."
    )
    return Overview(tuple(views), words)


def slice_words(volume: Volume, plane: str, point_ras_mm: np.ndarray | tuple[float, float, float]) -> str:
    """Return 'slice 41 of 140' of the images as they were read, or the place where the plane is no stored slice."""
    order = volume.axis_order_to_lps()
    axis = order.permutation[_ACROSS[plane]]  # of the array as it was read
    index = int(np.rint(volume.kji_from_ras(np.asarray(point_ras_mm, dtype=float))[axis]))
    count = volume.array.shape[axis]
    if axis == 0:
        return f"slice {index + 1} of {count}"
    letter = {"axial": "S", "coronal": "A", "sagittal": "R"}[plane]
    return f"{letter} {number(float(np.asarray(point_ras_mm)['RAS'.index(letter)]))} mm"


def finding_cards(
    result: AnalysisResult, ordered: Sequence[Finding] | None = None, prior: PriorExam | None = None
) -> FindingCards:
    """Return a card per finding with its pictures, in their order, as far as the page shows them.

    Where there is a ``prior`` CT, the nodule as it was stands beside each.
    """
    findings = by_suspicion(result.findings.findings) if ordered is None else tuple(ordered)
    shown = findings[:SHOWN_FINDINGS]
    return FindingCards(tuple(_card(result, finding, prior) for finding in shown), len(findings) - len(shown))


def _card(result: AnalysisResult, finding: Finding, prior: PriorExam | None = None) -> FindingCard:
    title = f"{finding.id}: {number(finding.mean_diameter_mm)} mm {finding.type} {finding.kind}"
    told = (prior.told[finding.id],) if prior is not None and finding.id in prior.told else ()
    facts = " ".join((_facts(finding), *told, *finding.notes))
    return FindingCard(finding.status, title, facts, key_views(result, finding, prior))


def nodule_field_mm(finding: Finding) -> float:
    """Return how wide a picture of a finding is: as large as the finding needs."""
    return float(np.clip(FIELD_BY_AXIS * finding.long_axis_mm, *FIELD_MM))


def key_views(result: AnalysisResult, finding: Finding, prior: PriorExam | None = None) -> tuple[View, ...]:
    """Axial in lung and soft-tissue window with outline and calipers, coronal and sagittal in lung window.

    The axial view of the ``prior`` CT comes first, where the nodule has a place in it. What was drawn of a result is
    kept as long as the result is, since report and DICOM results show the same pictures.
    """
    drawn = _DRAWN.setdefault(result, {})
    if finding not in drawn:
        drawn[finding] = _views_now(result, finding)
    return *_prior_views(prior, finding.id, nodule_field_mm(finding)), *drawn[finding]


def _views_now(result: AnalysisResult, finding: Finding) -> tuple[View, ...]:
    overlay, field = outline_of(result.volume, finding), nodule_field_mm(finding)
    view = partial(render, result.volume, field_mm=field, pixel_mm=field / FINDING_PIXELS, overlay=overlay)
    return (
        _key_view(view, finding, result.volume, "axial", *WINDOWS[0]),
        _key_view(view, finding, result.volume, "axial", *WINDOWS[1]),
        _key_view(view, finding, result.volume, "coronal", *WINDOWS[0]),
        _key_view(view, finding, result.volume, "sagittal", *WINDOWS[0]),
    )


def _prior_views(prior: PriorExam | None, name: str, field_mm: float) -> tuple[View, ...]:
    if prior is None or prior.volume is None or name not in prior.places:
        return ()
    place, then = prior.places[name], prior.findings.get(name)
    overlay = None if then is None else outline_of(prior.volume, then)
    window = WINDOWS[0]
    size = {"field_mm": field_mm, "pixel_mm": field_mm / FINDING_PIXELS}
    try:
        picture = render(prior.volume, "axial", place, window=window[1], overlay=overlay, **size)
    except InputError:  # the place lies outside the prior CT
        return ()
    if then is not None:
        picture = draw_lines(picture, calipers_of(then), CALIPER_COLOR)
    picture = draw_scale_bar(with_title(picture, "Prior", _LEFT_SIDE["axial"]), 10.0)
    when = f"Prior {prior.date}".strip()
    return (View(picture, f"{when}, axial, {window[0]}, {slice_words(prior.volume, 'axial', place)}"),)


def _key_view(view: partial, finding: Finding, volume: Volume, plane: str, name: str, window: Window) -> View:
    picture = view(plane=plane, point_ras_mm=finding.center_ras_mm, window=window)
    if plane == "axial":
        picture = draw_lines(picture, calipers_of(finding), CALIPER_COLOR)
    picture = draw_scale_bar(with_title(picture, "", _LEFT_SIDE[plane]), 10.0)
    return View(picture, f"{plane.capitalize()}, {name}, {slice_words(volume, plane, finding.center_ras_mm)}")


def calipers_of(finding: Finding) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the ends of long and short axis as far as they are kept."""
    axes = (finding.long_axis_ras_mm, finding.short_axis_ras_mm)
    return [(np.array(axis[:3]), np.array(axis[3:])) for axis in axes if axis is not None]


def _facts(finding: Finding) -> str:
    where = finding.where("outside the lobes")
    solid = ""
    if finding.solid_mean_diameter_mm is not None:
        solid = f" Solid part {number(finding.solid_mean_diameter_mm)} mm"
        solid += "." if finding.solid_volume_mm3 is None else f", {number(finding.solid_volume_mm3, 0)} mm3."
    suspicion = ""
    if finding.suspicion is not None and finding.suspicion_interval is not None:
        low, high = (number(bound) for bound in finding.suspicion_interval)
        suspicion = f" Readers' suspicion {number(finding.suspicion)} of 5 ({low} to {high}; a rating, no pathology)."
    status = f" {finding.status.capitalize()}" + (f": {finding.reason}." if finding.reason else ".")
    doubt = f" Doubtful: {finding.doubt}." if finding.doubt else ""
    return (
        f"{where}, RAS ({position(finding.center_ras_mm)}) mm, {number(finding.long_axis_mm)} x "
        f"{number(finding.short_axis_mm)} mm, {number(finding.volume_mm3, 0)} mm3, mean "
        f"{number(finding.mean_hu, 0)} HU, confidence {number(finding.confidence, 2)}.{solid}{suspicion}"
        f"{_of_reader(finding)}{doubt}{status}"
    )


def _of_reader(finding: Finding) -> str:
    """Return what the reader stated or changed, with the software's value beside it."""
    stated = [
        f"{name.replace('_', ' ')} {str(getattr(finding, name)).replace('_', ' ')}"
        for name in ("margin", "shape", "attachment", "calcification_pattern")
        if getattr(finding, name) is not None
    ]
    changed = [f"{name.replace('_', ' ')} (software: {value})" for name, value in finding.ai_values.items()]
    words = [f"Reader: {', '.join(stated)}."] if stated else []
    words += [f"Changed by the reader: {', '.join(changed)}."] if changed else []
    return "".join(f" {text}" for text in words)


def outline_of(volume: Volume, finding: Finding) -> Overlay | None:
    """Return the outline of one mask, on an array that costs memory only where it is touched."""
    if finding.mask is None:
        return None
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
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
