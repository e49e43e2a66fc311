"""A DICOM measurement report (SR, TID 1500): one group of measurements for each finding; the writing is highdicom's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.errors import known
from ThoraxAILib.image.lps import flip_lps_ras
from ThoraxAILib.io.dicom_objects.codes import concept
from ThoraxAILib.io.dicom_objects.segmentation import MANUFACTURER, MODEL
from ThoraxAILib.io.dicom_objects.source_images import SourceImages
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from highdicom.seg import Segmentation
    from highdicom.sr import Comprehensive3DSR, Measurement, MeasurementsAndQualitativeEvaluations
    from pydicom.dataset import Dataset

UNITS = {"mm": ("mm", "millimeter"), "mm3": ("mm3", "cubic millimeter"), "HU": ("[hnsf'U]", "Hounsfield unit")}
UNITS |= {"mL": ("mL", "milliliter"), "g": ("g", "gram"), "%": ("%", "percent"), "d": ("d", "day")}
UNITS["1"] = ("1", "no units")


@dataclass(frozen=True)
class Quantity:
    """One number: concept names of codes.py, unit, and for an axis its two ends in RAS mm.

    ``segments`` are further segments it was taken from, each as (number of the evidence, segment).
    """

    name: str
    value: float
    unit: str
    derivation: str = ""
    ends_ras_mm: tuple[float, float, float, float, float, float] | None = None
    segments: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class FindingGroup:
    """One finding: tracking identifier and UID, segment number in a segmentation (0: none), what it is and where.

    ``evidence`` says on which images it lies, ``category`` what kind of thing the finding is, ``evaluations`` are pairs
    of concept names (question, answer), and ``time_point`` names the date where there are several. A finding without a
    segment lies at ``center_ras_mm``: one of the two must be given.
    """

    tracking: tuple[str, str]
    segment: int
    finding: str
    site: str
    laterality: str
    quantities: tuple[Quantity, ...]
    evaluations: tuple[tuple[str, str], ...] = ()
    evidence: int = 0
    category: str = "altered structure"
    time_point: str = ""
    center_ras_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Observer:
    """Who says so: the software with its fingerprint, and the reader who verified it; an empty name: nobody did."""

    device_uid: str
    device_name: str
    algorithm: tuple[str, str]
    reader: str = ""
    organization: str = ""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Images of one date or phase, and the segmentation that was made of them; None when nothing was outlined."""

    sources: SourceImages
    found: Segmentation | None


def measurement_report(
    groups: Sequence[FindingGroup],
    evidence: Sequence[Evidence],
    observer: Observer,
    new: NewInstance,
    previous: Dataset | None = None,
    procedure: str = "ct procedure",
    about_case: Sequence[tuple[str, str]] = (),
) -> Comprehensive3DSR:
    """Return the report: UNVERIFIED as the software's, VERIFIED with its predecessor when a reader stands for it.

    The report belongs to the study of the first evidence. Without a group it says that nothing was found, which is a
    result too. ``about_case``: evaluations (name, value) of the case as a whole (TID 1500, Qualitative Evaluations).
    """
    import highdicom as hd

    context = hd.sr.ObservationContext(
        observer_person_context=_person(observer.reader), observer_device_context=_device(observer)
    )
    algorithm = hd.sr.AlgorithmIdentification(name=observer.algorithm[0], version=observer.algorithm[1])
    told = [_group(group, evidence, algorithm) for group in groups] or [_nothing(observer, algorithm)]
    content = hd.sr.MeasurementReport(
        observation_context=context,
        procedure_reported=concept(procedure),
        imaging_measurements=told,
        title=_dcm("126000", "Imaging Measurement Report"),
        referenced_images=list(evidence[0].sources.images),
    )
    if about_case:
        content[0].ContentSequence.append(_evaluations(about_case))
    return hd.sr.Comprehensive3DSR(
        evidence=_unique(evidence),
        content=content,
        series_number=new.series_number,
        series_instance_uid=new.series_uid,
        sop_instance_uid=new.instance_uid,
        instance_number=1 if previous is None else 2,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number="none",
        series_description="ThoraxAI measurements",
        is_complete=True,
        is_final=True,
        is_verified=bool(observer.reader),
        verifying_observer_name=observer.reader or None,
        verifying_organization=(observer.organization or "not stated") if observer.reader else None,
        previous_versions=None if previous is None else [previous],
    )


def _evaluations(about_case: Sequence[tuple[str, str]]):
    """Return the container of what is said of the case as a whole; in a measurement group it would need a region."""
    import highdicom as hd
    from pydicom.sr.coding import Code

    contains = hd.sr.RelationshipTypeValues.CONTAINS
    made = hd.sr.ContainerContentItem(
        name=Code("C0034375", "UMLS", "Qualitative Evaluations"), relationship_type=contains
    )
    said = [
        hd.sr.CodeContentItem(name=concept(name), value=concept(value), relationship_type=contains)
        for name, value in about_case
    ]
    made.ContentSequence = hd.sr.ContentSequence(said)
    return made


def _unique(evidence: Sequence[Evidence]) -> list[Dataset]:
    """Return all images and segmentations, each once."""
    every = [one for part in evidence for one in (*part.sources.images, part.found) if one is not None]
    return list({str(one.SOPInstanceUID): one for one in every}.values())


def _device(observer: Observer):
    import highdicom as hd

    return hd.sr.ObserverContext(
        observer_type=_dcm("121007", "Device"),
        observer_identifying_attributes=hd.sr.DeviceObserverIdentifyingAttributes(
            uid=observer.device_uid,
            name=observer.device_name,
            manufacturer_name=MANUFACTURER,
            model_name=MODEL,
            serial_number="none",
        ),
    )


def _person(name: str):
    import highdicom as hd

    if not name:
        return None
    return hd.sr.ObserverContext(
        observer_type=_dcm("121006", "Person"),
        observer_identifying_attributes=hd.sr.PersonObserverIdentifyingAttributes(name=name),
    )


def _group(group: FindingGroup, evidence: Sequence[Evidence], algorithm):
    """Return the group of one finding (TID 1411): its segment or its place, and all numbers.

    Every finding has the same template, since DicomSRValidator holds all groups of a report to that of one. highdicom
    takes no coordinates into such a group, though a number may be inferred from some (TID 300, TID 320), so the ends of
    an axis are added below its number.
    """
    import highdicom as hd

    frame_of_reference = str(evidence[group.evidence].sources.first.FrameOfReferenceUID)
    made = hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        **_region(group, evidence[group.evidence], frame_of_reference),
        tracking_identifier=hd.sr.TrackingIdentifier(uid=group.tracking[1], identifier=group.tracking[0]),
        finding_category=concept(group.category),
        finding_type=concept(group.finding),
        finding_sites=[_site(group)] if group.site else None,
        algorithm_id=algorithm,
        time_point_context=hd.sr.TimePointContext(time_point=group.time_point) if group.time_point else None,
        measurements=[_measurement(replace(quantity, ends_ras_mm=None), "") for quantity in group.quantities],
        qualitative_evaluations=[
            hd.sr.QualitativeEvaluation(name=concept(name), value=concept(value)) for name, value in group.evaluations
        ],
    )
    _add_ends(
        made, [_measurement(quantity, frame_of_reference) for quantity in group.quantities if quantity.ends_ras_mm]
    )
    _add_segments(made, group.quantities, evidence)
    return made


def _region(group: FindingGroup, evidence: Evidence, frame_of_reference: str) -> dict[str, Any]:
    """Return where a finding is, as an argument of highdicom's group: its segment, else the point in its middle."""
    import highdicom as hd

    series, found = hd.sr.SourceSeriesForSegmentation(evidence.sources.first.SeriesInstanceUID), evidence.found
    if group.segment and found is not None:
        segment = hd.sr.ReferencedSegment(
            sop_class_uid=found.SOPClassUID,
            sop_instance_uid=found.SOPInstanceUID,
            segment_number=group.segment,
            source_series=series,
        )
        return {"referenced_segment": segment}
    center_ras_mm = known(group.center_ras_mm, f"the segment or center of {group.tracking[0]}")
    point = flip_lps_ras(np.array([center_ras_mm], dtype=float))
    kind = hd.sr.GraphicTypeValues3D.POINT
    return {"referenced_volume_surface": hd.sr.VolumeSurface(kind, point, frame_of_reference, source_series=series)}


def _add_segments(group: Any, quantities: Sequence[Quantity], evidence: Sequence[Evidence]) -> None:
    """Put below a number the segments that it was taken from (TID 320, inferred from an image)."""
    import highdicom as hd

    for quantity in quantities:
        code = concept(quantity.name).value
        for number, segment in quantity.segments:
            found = evidence[number].found
            if found is None:
                continue
            reference = hd.sr.ImageContentItem(
                name=_dcm("121112", "Source of Measurement"),
                referenced_sop_class_uid=found.SOPClassUID,
                referenced_sop_instance_uid=found.SOPInstanceUID,
                referenced_segment_numbers=segment,
                relationship_type=hd.sr.RelationshipTypeValues.INFERRED_FROM,
            )
            for item in group[0].ContentSequence:
                if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == code:
                    item.ContentSequence = [*(item.get("ContentSequence") or ()), reference]


def _add_ends(group: Any, axes: Sequence[Measurement]) -> None:
    """Put the coordinates of each axis below the number of the same name."""
    for axis in axes:
        name = axis[0].ConceptNameCodeSequence[0].CodeValue
        ends = [item for item in axis[0].ContentSequence if item.ValueType == "SCOORD3D"]
        for item in group[0].ContentSequence:
            if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == name:
                item.ContentSequence = [*(item.get("ContentSequence") or ()), *ends]


def _nothing(observer: Observer, algorithm) -> MeasurementsAndQualitativeEvaluations:
    import highdicom as hd

    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(uid=observer.device_uid + ".0", identifier="No finding"),
        finding_type=concept("no finding"),
        finding_sites=[hd.sr.FindingSite(anatomic_location=concept("lung"))],
        algorithm_id=algorithm,
        qualitative_evaluations=[],
    )


def _site(group: FindingGroup):
    import highdicom as hd

    side = concept(group.laterality) if group.laterality else None
    return hd.sr.FindingSite(anatomic_location=concept(group.site), laterality=side)


def _measurement(quantity: Quantity, frame_of_reference: str) -> Measurement:
    import highdicom as hd
    from pydicom.sr.coding import Code

    value, meaning = UNITS[quantity.unit]
    coordinates = None
    if quantity.ends_ras_mm is not None:
        ends = flip_lps_ras(np.array(quantity.ends_ras_mm, dtype=float).reshape(2, 3))
        coordinates = [
            hd.sr.CoordinatesForMeasurement3D(
                graphic_type=hd.sr.GraphicTypeValues3D.POLYLINE,
                graphic_data=ends,
                frame_of_reference_uid=frame_of_reference,
            )
        ]
    return hd.sr.Measurement(
        name=concept(quantity.name),
        value=round(float(quantity.value), 4),
        unit=Code(value, "UCUM", meaning),
        derivation=concept(quantity.derivation) if quantity.derivation else None,
        referenced_coordinates=coordinates,
    )


def _dcm(value: str, meaning: str):
    from pydicom.sr.coding import Code

    return Code(value, "DCM", meaning)
