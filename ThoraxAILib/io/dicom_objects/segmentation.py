"""A DICOM Segmentation (SEG, binary or a label map) of masks on the grid of a volume; the writing is highdicom's."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import LPS_TO_RAS
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_objects.codes import CONCEPTS
from ThoraxAILib.io.dicom_objects.source_images import SourceImages
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

MANUFACTURER, MODEL = "ThoraxAI", "ThoraxAI"


Coded = tuple[str, str]  # value and meaning in SNOMED CT; empty texts where nothing is said
NOTHING: Coded = ("", "")


@dataclass(frozen=True)
class CodedTerm:
    """What a segment is, in SNOMED CT: category, type and its modifier, region and its modifier."""

    category: Coded
    type: Coded
    modifier: Coded = NOTHING
    region: Coded = NOTHING
    region_modifier: Coded = NOTHING


@dataclass(frozen=True, eq=False)
class SegmentItem:
    """One segment: its mask (k, j, i) on the whole grid, label, and concept names of codes.py.

    ``tracking`` is a readable identifier and a UID, the same in segmentation and report; None for anatomy.
    ``made_by`` names the algorithm with its fingerprint; empty for one that a person drew.
    """

    label: str
    mask: np.ndarray
    category: str
    type: str
    made_by: tuple[str, str] | None
    laterality: str = ""
    tracking: tuple[str, str] | None = None

    @property
    def term(self) -> CodedTerm:
        """Its codes."""
        category, kind = (CONCEPTS[name] for name in (self.category, self.type))
        side = CONCEPTS[self.laterality] if self.laterality else ("", "", "")
        return CodedTerm((category[0], category[2]), (kind[0], kind[2]), (side[0], side[2]))


@dataclass(frozen=True)
class LabelItem:
    """One segment of a label map: label, codes, and the algorithm that made it with its fingerprint."""

    label: str
    term: CodedTerm
    made_by: tuple[str, str] | None
    tracking: tuple[str, str] | None = None


def segmentation(
    items: Sequence[SegmentItem],
    volume: Volume,
    sources: SourceImages,
    description: str,
    new: NewInstance,
    as_label_map: bool = False,
) -> Segmentation:
    """Return a SEG of the items, frames without a voxel left out; raises InputError without a voxel at all.

    It is binary; with ``as_label_map`` one label map, which takes items that share no voxel (else InputError).
    """
    if not any(item.mask.any() for item in items):
        raise InputError("No segment holds a voxel, so there is no segmentation to write.")
    pixels = _label_map(items) if as_label_map else np.stack([item.mask for item in items], axis=-1).astype(np.uint8)
    return _written(items, pixels, volume, sources, description, new, as_label_map)


def segmentation_of_labels(
    items: Sequence[LabelItem],
    labels: np.ndarray,
    volume: Volume,
    sources: SourceImages,
    description: str,
    new: NewInstance,
) -> Segmentation:
    """Return a binary SEG of a label map (k, j, i) whose value n is the n-th item.

    Many structures take the memory of one array this way. Raises InputError without a voxel at all.
    """
    if not labels.any():
        raise InputError("No segment holds a voxel, so there is no segmentation to write.")
    return _written(items, labels, volume, sources, description, new)


def _written(
    items: Sequence[SegmentItem | LabelItem],
    pixels: np.ndarray,
    volume: Volume,
    sources: SourceImages,
    description: str,
    new: NewInstance,
    as_label_map: bool = False,
) -> Segmentation:
    """Return the SEG of pixels (k, j, i), or (k, j, i, segment) where segments overlap."""
    import highdicom as hd

    kind = hd.seg.SegmentationTypeValues
    common: dict[str, Any] = {
        "segmentation_type": kind.LABELMAP if as_label_map else kind.BINARY,
        "segment_descriptions": [_described(number, item) for number, item in enumerate(items, start=1)],
        "series_instance_uid": new.series_uid,
        "series_number": new.series_number,
        "sop_instance_uid": new.instance_uid,
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": __version__,
        "device_serial_number": "none",
        "series_description": description,
        "content_description": description,
        "content_label": "SEGMENTATION",
        "omit_empty_frames": True,
    }
    images = _as_one_series(sources.images if sources.slices is None else sources.slices)
    if sources.slices is not None:
        made = hd.seg.Segmentation(source_images=images, pixel_array=pixels, **common)
    else:
        numbered: Any = {hd.ChannelDescriptor("SegmentNumber"): list(range(1, len(items) + 1))}
        placed = hd.Volume(
            array=pixels,
            affine=_index_to_lps(volume),
            coordinate_system="PATIENT",
            channels=numbered if pixels.ndim == 4 else None,
            frame_of_reference_uid=str(sources.first.FrameOfReferenceUID),
        )
        made = hd.seg.Segmentation(source_images=images, pixel_array=placed, **common)
    _refer_to_their_series(made, sources)
    return made


def share_voxels(items: Sequence[SegmentItem]) -> bool:
    """Whether a voxel belongs to two of the items, so that they make no label map."""
    taken = np.zeros(items[0].mask.shape, dtype=np.uint8)
    for item in items:
        taken += item.mask
    return bool((taken > 1).any())


def _label_map(items: Sequence[SegmentItem]) -> np.ndarray:
    if share_voxels(items):
        raise InputError("Segments that share voxels make no label map: write them as binary segments.")
    labels = np.zeros(items[0].mask.shape, dtype=np.uint16 if len(items) > 255 else np.uint8)
    for number, item in enumerate(items, start=1):
        labels[item.mask] = number
    return labels


def _as_one_series(images: Sequence[Dataset]) -> list[Dataset]:
    """Return images that highdicom takes: those of several series (a cine of breath-holds) as copies of one."""
    if len({str(image.SeriesInstanceUID) for image in images}) == 1:
        return list(images)
    copies = [deepcopy(image) for image in images]
    for copy in copies:
        copy.SeriesInstanceUID = images[0].SeriesInstanceUID
    return copies


def _refer_to_their_series(made: Segmentation, sources: SourceImages) -> None:
    """Sort the references to instances by the series that they are really of (PS3.3 C.12.2)."""
    from pydicom.dataset import Dataset

    series_of = {str(image.SOPInstanceUID): str(image.SeriesInstanceUID) for image in sources.images}
    if len(set(series_of.values())) == 1:
        return
    by_series: dict[str, list[Dataset]] = {}
    for item in made.ReferencedSeriesSequence:
        for reference in item.ReferencedInstanceSequence:
            by_series.setdefault(series_of[str(reference.ReferencedSOPInstanceUID)], []).append(reference)
    found = []
    for series_uid, references in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID, item.ReferencedInstanceSequence = series_uid, references
        found.append(item)
    made.ReferencedSeriesSequence = found


def _index_to_lps(volume: Volume) -> np.ndarray:
    """Return the matrix from (k, j, i, 1) to LPS mm."""
    matrix = LPS_TO_RAS @ volume.ijk_to_ras
    return matrix[:, [2, 1, 0, 3]]


def _described(number: int, item: SegmentItem | LabelItem) -> SegmentDescription:
    import highdicom as hd

    method = hd.seg.SegmentAlgorithmTypeValues.MANUAL
    algorithm = None
    if item.made_by is not None:
        from pydicom.sr.codedict import codes

        name, version = item.made_by
        method = hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC
        algorithm = hd.AlgorithmIdentificationSequence(
            name=name[:64], version=version[:64], family=codes.DCM.ArtificialIntelligence
        )
    described = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=item.label[:64],
        segmented_property_category=_code(item.term.category),
        segmented_property_type=_code(item.term.type),
        algorithm_type=method,
        algorithm_identification=algorithm,
        tracking_id=None if item.tracking is None else item.tracking[0],
        tracking_uid=None if item.tracking is None else item.tracking[1],
    )
    if item.term.modifier[0]:
        side = hd.sr.CodedConcept.from_code(_code(item.term.modifier))
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    if item.term.region[0]:
        region = hd.sr.CodedConcept.from_code(_code(item.term.region))
        if item.term.region_modifier[0]:
            region.AnatomicRegionModifierSequence = [hd.sr.CodedConcept.from_code(_code(item.term.region_modifier))]
        described.AnatomicRegionSequence = [region]
    return described


def _code(coded: Coded) -> Code:
    from pydicom.sr.coding import Code

    return Code(coded[0], "SCT", coded[1])
