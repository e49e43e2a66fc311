"""Write the result of an analysis as DICOM objects beside the images it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.dicom_results.drawings import drawings_of
from LungNoduleAILib.dicom_results.nodules import LOBES, Nodules, tracking
from LungNoduleAILib.model.anatomy import AIRWAY, HEART, LLL, LUL, RLL, RML, RUL
from LungNoduleAILib.model.files import DICOM_FILES
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.published.structure_terms import StructureTerm, structure_terms
from LungNoduleAILib.published.structures import LABEL_OF_NAME
from LungNoduleAILib.triage.priority import priority_of
from ThoraxAILib import __version__
from ThoraxAILib.io.dicom_objects.key_objects import key_object_selection
from ThoraxAILib.io.dicom_objects.measurement_report import Evidence, FindingGroup, Observer, measurement_report
from ThoraxAILib.io.dicom_objects.presentation_state import presentation_state
from ThoraxAILib.io.dicom_objects.secondary_capture import secondary_capture
from ThoraxAILib.io.dicom_objects.segmentation import (
    CodedTerm,
    LabelItem,
    SegmentItem,
    segmentation,
    segmentation_of_labels,
    share_voxels,
)
from ThoraxAILib.io.dicom_objects.source_images import SourceImages
from ThoraxAILib.io.dicom_objects.uids import NewInstance, uid_of

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from pydicom.dataset import Dataset

(
    ANATOMY_FILE,
    STRUCTURES_FILE,
    NODULES_FILE,
    REPORT_FILE,
    VERIFIED_FILE,
    KEY_IMAGES_FILE,
    OUTLINES_FILE,
    CAPTURE_FILE,
) = DICOM_FILES
SERIES_NUMBERS = {
    ANATOMY_FILE: 9001,
    NODULES_FILE: 9002,
    REPORT_FILE: 9003,
    KEY_IMAGES_FILE: 9004,
    OUTLINES_FILE: 9005,
    CAPTURE_FILE: 9006,
    STRUCTURES_FILE: 9008,  # 9007 is that of an explanation
}
VERIFIED, LABEL_MAP = "verified", "label map"  # versions of an object


def write_dicom_results(
    folder: Path,
    result: AnalysisResult,
    sources: SourceImages,
    reader: str = "",
    organization: str = "",
    pictures: Sequence[np.ndarray] = (),
    label_maps: bool = False,
) -> list[Path]:
    """Write segmentations, report and key images (through each finding) into ``folder``; what was written.

    For archives that show no SEG there are outlines over the images (a presentation state) and, where ``pictures`` are
    given, these as a secondary capture.
    With ``reader`` the report is VERIFIED, follows the software's own as its predecessor, and leaves out nothing: a
    rejected finding stands there as rejected. A result without findings is written too. With ``label_maps`` segments
    that share no voxel become a label map: the lobes instead of whole lungs, and nodules apart from each other.
    Raises InputError when the sources are not those of the result.
    """
    nodules = Nodules(result)
    segmentations = _segmentations(result, sources, nodules, label_maps)
    written: list[tuple[str, Dataset]] = list(segmentations)
    evidence = Evidence(sources, dict(segmentations).get(NODULES_FILE))
    written += _reports(result, evidence, nodules, reader, organization)
    key_images = _key_images(result, sources)
    if key_images:
        told = f"ThoraxAI: images through {len(result.findings.findings)} findings; research use only, unverified"
        written.append((KEY_IMAGES_FILE, key_object_selection(key_images, told, _new(result, KEY_IMAGES_FILE))))
    written += _for_plain_viewers(result, sources, pictures)
    return _saved(folder, written)


def _new(result: AnalysisResult, name: str, version: str = "") -> NewInstance:
    """Return number and UID of the series of a file, and the UID of this instance of it."""
    made = (result.volume.identity.series_uid, name, __version__, *sorted(result.methods.values()), version)
    return NewInstance(
        SERIES_NUMBERS[name],
        uid_of("series", *made[:3]),
        uid_of("instance", *made, *_state(result, version == VERIFIED)),
    )


def _segmentations(
    result: AnalysisResult, sources: SourceImages, nodules: Nodules, label_maps: bool
) -> list[tuple[str, Segmentation]]:
    """Return what there is to see of anatomy and nodules."""
    written: list[tuple[str, Segmentation]] = []
    for name, items, words in (
        (ANATOMY_FILE, _anatomy_items(result, with_lungs=not label_maps), "ThoraxAI anatomy"),
        (NODULES_FILE, nodules.items(), "ThoraxAI nodules"),
    ):
        if items:
            is_map = label_maps and not share_voxels(items)
            new = _new(result, name, LABEL_MAP if is_map else "")
            written.append((name, segmentation(items, result.volume, sources, words, new, as_label_map=is_map)))
    structures, labels = named_items(result)
    if structures:
        new = _new(result, STRUCTURES_FILE)
        made = segmentation_of_labels(structures, labels, result.volume, sources, "ThoraxAI structures", new)
        written.append((STRUCTURES_FILE, made))
    return written


def _reports(
    result: AnalysisResult, evidence: Evidence, nodules: Nodules, reader: str, organization: str
) -> list[tuple[str, Dataset]]:
    """Return the report of the software, and that of the reader, if there is one."""
    groups = nodules.groups()
    undecided = [without_reader(group) for group in groups]
    case = [("reading priority", priority_of(result.findings).level)]  # by the rule of the triage
    new = _new(result, REPORT_FILE)
    software = measurement_report(undecided, [evidence], observer_of(result), new, about_case=case)
    if not reader:
        return [(REPORT_FILE, software)]
    who = observer_of(result, reader, organization)
    new = _new(result, REPORT_FILE, VERIFIED)
    verified = measurement_report(groups, [evidence], who, new, previous=software, about_case=case)
    return [(REPORT_FILE, software), (VERIFIED_FILE, verified)]


def _for_plain_viewers(
    result: AnalysisResult, sources: SourceImages, pictures: Sequence[np.ndarray]
) -> list[tuple[str, Dataset]]:
    """Return outlines over the images and the pictures, as far as there are any."""
    made: list[tuple[str, Dataset]] = []
    series = result.volume.identity.series_uid
    drawings = drawings_of(result, sources, {one.id: tracking(one, series) for one in result.findings.findings})
    if drawings:
        state = presentation_state(drawings, "THORAXAI", "Findings, research use only", _new(result, OUTLINES_FILE))
        made.append((OUTLINES_FILE, state))
    if pictures:
        capture = secondary_capture(pictures, sources.first, "ThoraxAI key images", _new(result, CAPTURE_FILE))
        made.append((CAPTURE_FILE, capture))
    return made


def _saved(folder: Path, written: list[tuple[str, Dataset]]) -> list[Path]:
    for name, dataset in written:
        dataset.save_as(folder / name, enforce_file_format=True)
    return [folder / name for name, _dataset in written]


def _key_images(result: AnalysisResult, sources: SourceImages) -> list[Dataset]:
    """Return the image through the center of each finding; none where slices are no images of their own."""
    if sources.slices is None:
        return []
    depth = len(sources.slices)
    centers = [result.volume.kji_from_ras(np.array(one.center_ras_mm)) for one in result.findings.findings]
    return [sources.slices[round(float(center[0]))] for center in centers if 0 <= round(float(center[0])) < depth]


def _state(result: AnalysisResult, with_decisions: bool) -> list[str]:
    """Return what another instance of the same series must differ in."""
    return [
        f"{finding.id} {finding.volume_mm3:.3f} {finding.status if with_decisions else ''}"
        for finding in result.findings.findings
    ]


def named_items(result: AnalysisResult) -> tuple[list[LabelItem], np.ndarray]:
    """Return the structures that a published segmenter named and found, and a label map of their numbers from 1 on.

    Lobes and trachea are in the segmentation of the anatomy already; a name without codes is left out.
    """
    if result.named is None:
        return [], np.zeros(0, np.uint8)
    terms, named = structure_terms(), result.named
    values = [
        int(value)
        for value in np.unique(named.labels)
        if named.names[value] in terms and named.names[value] not in LABEL_OF_NAME
    ]
    number_of = np.zeros(len(named.names), np.uint8)
    number_of[values] = np.arange(1, len(values) + 1)
    found = (terms[named.names[value]] for value in values)
    return [LabelItem(term.words, _coded(term), _anatomy_algorithm(result)) for term in found], number_of[named.labels]


def _coded(term: StructureTerm) -> CodedTerm:
    return CodedTerm(term.category, term.type, term.modifier, term.region, term.region_modifier)


def _anatomy_algorithm(result: AnalysisResult) -> tuple[str, str]:
    methods = result.methods
    return f"ThoraxAI anatomy {methods.get('anatomy', '')}".strip(), methods.get("anatomy_fingerprint", __version__)


def _anatomy_items(result: AnalysisResult, with_lungs: bool = True) -> list[SegmentItem]:
    made_by = _anatomy_algorithm(result)
    items = [
        SegmentItem(label, result.labels == value, "anatomical structure", kind, made_by, side)
        for value, (label, kind, side) in LOBES.items()
    ]
    items.append(
        SegmentItem(
            "Trachea and main bronchi", result.labels == AIRWAY, "anatomical structure", "trachea and bronchus", made_by
        )
    )
    lungs = (("Right lung", (RUL, RML, RLL), "right"), ("Left lung", (LUL, LLL), "left")) if with_lungs else ()
    for label, values, side in lungs:
        items.append(SegmentItem(label, np.isin(result.labels, values), "anatomical structure", "lung", made_by, side))
    if result.structures is not None:
        items.append(SegmentItem("Heart", result.structures == HEART, "anatomical structure", "heart", made_by))
    return [item for item in items if item.mask.any()]


def without_reader(group: FindingGroup) -> FindingGroup:
    """Return a group as the software alone would write it."""
    return replace(group, evaluations=tuple(pair for pair in group.evaluations if pair[0] != "assessment"))


def observer_of(result: AnalysisResult, reader: str = "", organization: str = "") -> Observer:
    """Return the software that made a result, with its detector, and the reader who stands for it."""
    methods = result.methods
    name, fingerprint = methods.get("detector", "unknown"), methods.get("detector_fingerprint", "")
    return Observer(
        uid_of("device", name, fingerprint, __version__),
        f"ThoraxAI {__version__}",
        (f"ThoraxAI detector {name}", fingerprint or __version__),
        reader,
        organization,
    )
