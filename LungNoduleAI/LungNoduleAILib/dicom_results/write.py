"""Write the result of an analysis as DICOM objects beside the images it was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LungNoduleAILib.dicom_results.drawings import drawings_of
from LungNoduleAILib.model.anatomy import AIRWAY, HEART, LLL, LUL, RLL, RML, RUL
from LungNoduleAILib.model.files import DICOM_FILES
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.published.structure_terms import StructureTerm, structure_terms
from LungNoduleAILib.published.structures import LABEL_OF_NAME
from ThoraxAILib import __version__
from ThoraxAILib.io.dicom_objects.key_objects import key_object_selection
from ThoraxAILib.io.dicom_objects.measurement_report import FindingGroup, Observer, Quantity, measurement_report
from ThoraxAILib.io.dicom_objects.presentation_state import presentation_state
from ThoraxAILib.io.dicom_objects.secondary_capture import secondary_capture
from ThoraxAILib.io.dicom_objects.segmentation import (
    CodedTerm,
    LabelItem,
    SegmentItem,
    segmentation,
    segmentation_of_labels,
)
from ThoraxAILib.io.dicom_objects.source_images import SourceImages

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
UID_ROOT = "2.25."
LOBES = {
    RUL: ("Right upper lobe", "upper lobe", "right"),
    RML: ("Right middle lobe", "middle lobe", "right"),
    RLL: ("Right lower lobe", "lower lobe", "right"),
    LUL: ("Left upper lobe", "upper lobe", "left"),
    LLL: ("Left lower lobe", "lower lobe", "left"),
}
SITES = {"RUL": RUL, "RML": RML, "RLL": RLL, "LUL": LUL, "LLL": LLL}


def uid_of(*parts: str) -> str:
    """Return a UID that depends on these texts only (PS3.5 B.2: 2.25 and a 128-bit number)."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8")).digest()
    return UID_ROOT + str(int.from_bytes(digest[:16], "big"))


def write_dicom_results(
    folder: Path,
    result: AnalysisResult,
    sources: SourceImages,
    reader: str = "",
    organization: str = "",
    pictures: Sequence[np.ndarray] = (),
) -> list[Path]:
    """Write segmentations, report and key images (through each finding) into ``folder``; what was written.

    For archives that show no SEG there are outlines over the images (a presentation state) and, where ``pictures`` are
    given, these as a secondary capture.
    With ``reader`` the report is VERIFIED, follows the software's own as its predecessor, and leaves out nothing: a
    rejected finding stands there as rejected. A result without findings is written too. Raises InputError when the
    sources are not those of the result.
    """
    written, found = _segmentations(result, sources)
    written += _reports(result, sources, found, reader, organization)
    key_images = _key_images(result, sources)
    if key_images:
        told = f"ThoraxAI: images through {len(result.findings.findings)} findings; research use only, unverified"
        written.append((KEY_IMAGES_FILE, key_object_selection(key_images, told, **_uids(result, KEY_IMAGES_FILE))))
    written += _for_plain_viewers(result, sources, pictures)
    return _saved(folder, written)


def _uids(result: AnalysisResult, name: str, version: str = "") -> dict:
    """Return number and UID of the series of a file, and the UID of this instance of it."""
    made = (result.volume.identity.series_uid, name, __version__, *sorted(result.methods.values()), version)
    return {
        "series_number": SERIES_NUMBERS[name],
        "series_uid": uid_of("series", *made[:3]),
        "instance_uid": uid_of("instance", *made, *_state(result, bool(version))),
    }


def _outlined(result: AnalysisResult) -> list[Finding]:
    """Return the findings with an outline, in the order of their segments."""
    return [finding for finding in result.findings.findings if finding.mask is not None]


def _segmentations(
    result: AnalysisResult, sources: SourceImages
) -> tuple[list[tuple[str, Dataset]], Segmentation | None]:
    """Return what there is to see of anatomy and nodules, and the segmentation of the nodules."""
    written: list[tuple[str, Dataset]] = []
    anatomy = _anatomy_items(result)
    if anatomy:
        made = segmentation(anatomy, result.volume, sources, "ThoraxAI anatomy", **_uids(result, ANATOMY_FILE))
        written.append((ANATOMY_FILE, made))
    structures, labels = named_items(result)
    if structures:
        uids = _uids(result, STRUCTURES_FILE)
        made = segmentation_of_labels(structures, labels, result.volume, sources, "ThoraxAI structures", **uids)
        written.append((STRUCTURES_FILE, made))
    items = [_nodule_item(finding, result) for finding in _outlined(result)]
    if not items:
        return written, None
    found = segmentation(items, result.volume, sources, "ThoraxAI nodules", **_uids(result, NODULES_FILE))
    return [*written, (NODULES_FILE, found)], found


def _reports(
    result: AnalysisResult, sources: SourceImages, found: Segmentation | None, reader: str, organization: str
) -> list[tuple[str, Dataset]]:
    """Return the report of the software, and that of the reader, if there is one."""
    series = result.volume.identity.series_uid
    numbers = {finding.id: number for number, finding in enumerate(_outlined(result), start=1)}
    groups = [_group(finding, numbers.get(finding.id, 0), series) for finding in result.findings.findings]
    undecided = [_without_reader(group) for group in groups]
    software = measurement_report(undecided, sources, found, _observer(result), **_uids(result, REPORT_FILE))
    if not reader:
        return [(REPORT_FILE, software)]
    who = _observer(result, reader, organization)
    uids = _uids(result, REPORT_FILE, "verified")
    verified = measurement_report(groups, sources, found, who, previous=software, **uids)
    return [(REPORT_FILE, software), (VERIFIED_FILE, verified)]


def _for_plain_viewers(
    result: AnalysisResult, sources: SourceImages, pictures: Sequence[np.ndarray]
) -> list[tuple[str, Dataset]]:
    """Return outlines over the images and the pictures, as far as there are any."""
    made: list[tuple[str, Dataset]] = []
    series = result.volume.identity.series_uid
    drawings = drawings_of(result, sources, {one.id: tracking(one, series) for one in result.findings.findings})
    if drawings:
        state = presentation_state(drawings, "THORAXAI", "Findings, research use only", **_uids(result, OUTLINES_FILE))
        made.append((OUTLINES_FILE, state))
    if pictures:
        capture = secondary_capture(pictures, sources.first, "ThoraxAI key images", **_uids(result, CAPTURE_FILE))
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


def _anatomy_items(result: AnalysisResult) -> list[SegmentItem]:
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
    for label, values, side in (("Right lung", (RUL, RML, RLL), "right"), ("Left lung", (LUL, LLL), "left")):
        items.append(SegmentItem(label, np.isin(result.labels, values), "anatomical structure", "lung", made_by, side))
    if result.structures is not None:
        items.append(SegmentItem("Heart", result.structures == HEART, "anatomical structure", "heart", made_by))
    return [item for item in items if item.mask.any()]


def _nodule_item(finding: Finding, result: AnalysisResult) -> SegmentItem:
    from ThoraxAILib.errors import known

    mask = known(finding.mask, "the mask")
    whole = np.zeros(result.volume.array.shape, dtype=bool)
    box = tuple(slice(o, o + n) for o, n in zip(mask.offset_kji, mask.array.shape, strict=True))
    whole[box] = mask.array
    made_by = None
    if finding.source != "reader":
        methods = result.methods
        name = f"ThoraxAI delineator {methods.get('delineator', '')}".strip()
        made_by = (name, methods.get("delineator_fingerprint", __version__))
    series = result.volume.identity.series_uid
    kind = "mass" if finding.kind == "mass" else "nodule"
    return SegmentItem(
        finding.id, whole, "altered structure", kind, made_by, finding.side or "", tracking(finding, series)
    )


def tracking(finding: Finding, series_uid: str) -> tuple[str, str]:
    """Return the tracking identifier and UID of a finding: the same whenever the series is analyzed again."""
    return finding.id, uid_of("tracking", series_uid, finding.id)


def _group(finding: Finding, segment: int, series_uid: str) -> FindingGroup:
    quantities = [
        Quantity("volume", finding.volume_mm3, "mm3"),
        Quantity("diameter", finding.mean_diameter_mm, "mm", "mean"),
        Quantity("long axis", finding.long_axis_mm, "mm", ends_ras_mm=finding.long_axis_ras_mm),
        Quantity("short axis", finding.short_axis_mm, "mm", ends_ras_mm=finding.short_axis_ras_mm),
        Quantity("attenuation", finding.mean_hu, "HU", "mean"),
        Quantity("probability", finding.confidence, "1"),
    ]
    if finding.solid_mean_diameter_mm is not None:
        quantities.append(Quantity("solid part diameter", finding.solid_mean_diameter_mm, "mm", "mean"))
    if finding.solid_volume_mm3 is not None:
        quantities.append(Quantity("solid part volume", finding.solid_volume_mm3, "mm3"))
    value = SITES.get(finding.lobe or "")
    _, site, side = LOBES[value] if value is not None else ("", "lung", finding.side or "")
    return FindingGroup(
        tracking(finding, series_uid),
        segment,
        "mass" if finding.kind == "mass" else "nodule",
        site,
        "" if site == "middle lobe" else side,
        tuple(quantities),
        (("attenuation class", finding.type), ("assessment", finding.status)),
    )


def _without_reader(group: FindingGroup) -> FindingGroup:
    from dataclasses import replace

    return replace(group, evaluations=tuple(pair for pair in group.evaluations if pair[0] != "assessment"))


def _observer(result: AnalysisResult, reader: str = "", organization: str = "") -> Observer:
    methods = result.methods
    name, fingerprint = methods.get("detector", "unknown"), methods.get("detector_fingerprint", "")
    return Observer(
        uid_of("device", name, fingerprint, __version__),
        f"ThoraxAI {__version__}",
        (f"ThoraxAI detector {name}", fingerprint or __version__),
        reader,
        organization,
    )
