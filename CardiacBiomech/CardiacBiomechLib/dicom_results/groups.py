"""The measurement groups of a study's report: both ventricles, their segments at two phases, and the AHA segments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.mechanics.wall_motion import engineering
from CardiacBiomechLib.model.heart_labels import HeartLabels
from CardiacBiomechLib.model.study import ERROR, Chamber, SegmentRow, Study
from ThoraxAILib.io.dicom_objects.measurement_report import FindingGroup, Quantity

Track = Callable[[str], tuple[str, str]]  # what is followed over dates -> its tracking identifier and UID
ANATOMY = "anatomical structure"
PERCENT = 100.0
PARTS = {  # part of the labels: name in words, and concept
    "LV": ("Left ventricular cavity", "left ventricle"),
    "MYO": ("Wall of the left ventricle", "left ventricular wall"),
    "RV": ("Right ventricular cavity", "right ventricle"),
}


def groups_of(result: StudyResult, track: Track) -> list[FindingGroup]:
    """Return the groups: function of both ventricles first, then what is outlined, then AHA segments 1 to 16.

    Each refers to its segment; an AHA segment without a voxel of its own to the whole wall.
    """
    study = result.study
    parts = {name: number for number, name in enumerate(shown_parts(result, study.ed_frame - 1), start=1)}
    groups = [_left(study, parts["LV"], track)]
    if study.rv is not None and "RV" in parts:
        groups.append(_right(study.rv, parts["RV"], track))
    for number, (phase, frame) in enumerate(phases(study)):
        groups += _outlined(result, frame, number, phase, track)
    numbers = {name: number for number, name in enumerate(aha_masks(result), start=len(parts) + 1)}
    with_strain = not strain_is_withheld(study)
    found = [(row, _quantities(row, with_strain)) for row in study.segments]
    return groups + [_segment(row, numbers.get(row.number, parts["MYO"]), told, track) for row, told in found if told]


def phases(study: Study) -> tuple[tuple[str, int], tuple[str, int]]:
    """Return end-diastole and end-systole in words with the index of their frames."""
    return ("end-diastole", study.ed_frame - 1), ("end-systole", study.es_frame - 1)


def shown_parts(result: StudyResult, frame: int) -> dict[str, int]:
    """Return the parts of the heart that have a voxel in a frame, with their label values."""
    return {name: value for name, value in _parts(result.parts).items() if (result.labels[frame].array == value).any()}


def aha_masks(result: StudyResult) -> dict[int, np.ndarray]:
    """Return the wall at end-diastole (k, j, i) by AHA segment, those of 1 to 16 that have a voxel."""
    labels = result.labels[result.study.ed_frame - 1]
    wall = np.argwhere(labels.array == result.parts.myocardium)
    segment = result.axes.segment_of(labels.ras_from_kji(wall))
    masks = {}
    for row in result.study.segments:
        mask = np.zeros(labels.array.shape, dtype=bool)
        mask[tuple(wall[segment == row.number].T)] = True
        if mask.any():
            masks[row.number] = mask
    return masks


def _parts(labels: HeartLabels) -> dict[str, int]:
    return {name: value for name, value in labels.parts().items() if name in PARTS}


def _left(study: Study, segment: int, track: Track) -> FindingGroup:
    quantities = (
        Quantity("lv end-diastolic volume", study.lv.edv_ml, "mL"),
        Quantity("lv end-systolic volume", study.lv.esv_ml, "mL"),
        Quantity("stroke volume", study.lv.stroke_ml, "mL"),
        Quantity("lv ejection fraction", study.lv.ef_percent, "%"),
        Quantity("lv mass", study.mass_g, "g"),
        *_global_strain(study),
    )
    return _of_heart("Left ventricle", "left ventricle", segment, quantities, track)


def _right(chamber: Chamber, segment: int, track: Track) -> FindingGroup:
    quantities = (
        Quantity("rv end-diastolic volume", chamber.edv_ml, "mL"),
        Quantity("rv end-systolic volume", chamber.esv_ml, "mL"),
        Quantity("rv stroke volume", chamber.stroke_ml, "mL"),
        Quantity("rv ejection fraction", chamber.ef_percent, "%"),
    )
    return _of_heart("Right ventricle", "right ventricle", segment, quantities, track)


def _of_heart(name: str, concept: str, segment: int, quantities: tuple[Quantity, ...], track: Track) -> FindingGroup:
    """Return the group of a ventricle; its segment is the cavity at end-diastole."""
    return FindingGroup(track(name), segment, concept, concept, "", quantities, category=ANATOMY)


def strain_is_withheld(study: Study) -> bool:
    """Whether a verdict calls the strain wrong: another program would show the number without the verdict."""
    return any(verdict.severity == ERROR and "strain" in verdict.touches for verdict in study.quality)


def _global_strain(study: Study) -> tuple[Quantity, ...]:
    """Return peaks of the global strain as change of length; the longitudinal one of long-axis views."""
    if strain_is_withheld(study):
        return ()
    found = [
        Quantity(f"{name} strain", PERCENT * study.strain[name]["peak_engineering"], "%", _extreme(name))
        for name in ("radial", "circumferential")
        if name in study.strain
    ]
    if study.long_axis is not None:
        value = PERCENT * study.long_axis["global_longitudinal_strain"]
        found.append(Quantity("longitudinal strain", value, "%", "minimum"))
    return tuple(found)


def _extreme(direction: str) -> str:
    return "maximum" if direction == "radial" else "minimum"


def _outlined(result: StudyResult, frame: int, evidence: int, phase: str, track: Track) -> list[FindingGroup]:
    """Return a group for each segment of a phase with the volume of its voxels."""
    labels = result.labels[frame]
    voxel_ml = labels.voxel_mm3 / 1000.0
    groups = []
    for number, (part, value) in enumerate(shown_parts(result, frame).items(), start=1):
        words, concept = PARTS[part]
        volume = Quantity("volume", float((labels.array == value).sum()) * voxel_ml, "mL")
        tracking = track(f"{words} at {phase}")
        groups.append(FindingGroup(tracking, number, concept, "", "", (volume,), evidence=evidence, category=ANATOMY))
    return groups


def aha_name(number: int) -> str:
    """Return what an AHA segment is called in segmentation and report."""
    return f"AHA segment {number}"


def _segment(row: SegmentRow, segment: int, told: tuple[Quantity, ...], track: Track) -> FindingGroup:
    concept, name = f"aha {row.number}", aha_name(row.number)
    return FindingGroup(track(name), segment, "left ventricular wall", concept, "", told, category=ANATOMY)


def _quantities(row: SegmentRow, with_strain: bool) -> tuple[Quantity, ...]:
    """Return what was measured of a segment."""
    found = [
        Quantity("thickness at end-diastole", row.thickness_ed_mm, "mm") if row.thickness_ed_mm is not None else None,
        Quantity("thickness at end-systole", row.thickness_es_mm, "mm") if row.thickness_es_mm is not None else None,
        Quantity("thickening", row.thickening_percent, "%") if row.thickening_percent is not None else None,
    ]
    for name in ("radial", "circumferential") if with_strain else ():
        peak = row.peak.get(name)
        if peak is not None:
            found.append(
                Quantity(f"{name} strain", PERCENT * float(engineering(np.asarray(peak))), "%", _extreme(name))
            )
    return tuple(quantity for quantity in found if quantity is not None)
