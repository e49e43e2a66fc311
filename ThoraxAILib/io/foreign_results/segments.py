"""A segmentation (SEG) of any producer as masks on the grid of a CT; the decoding is highdicom's."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.lps import LPS_TO_RAS
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.foreign_results.coded import Coded, coded, read_header, text_of
from ThoraxAILib.untrusted.parse_errors import parse_errors

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
MAX_VOXELS = 1 << 31
HALF = 0.5  # of a fractional segment, what is more than half is inside


@dataclass(frozen=True, eq=False)
class ForeignSegment:
    """One segment on its own grid: ``mask`` (k, j, i) and ``kji_to_ras`` (4 x 4, mm)."""

    number: int
    label: str
    category: Coded | None
    type: Coded | None
    side: Coded | None
    tracking_id: str
    tracking_uid: str
    algorithm: str
    mask: np.ndarray
    kji_to_ras: np.ndarray

    @property
    def volume_mm3(self) -> float:
        """Voxels times the size of one."""
        return float(self.mask.sum() * abs(np.linalg.det(self.kji_to_ras[:3, :3])))


@dataclass(frozen=True, eq=False)
class PlacedSegment:
    """A segment on the grid of a CT, and how many of its voxels lie outside of it."""

    mask: np.ndarray
    inside: int
    outside: int


def read_segments(path: Path) -> tuple[ForeignSegment, ...]:
    """Read all segments; raises InputError for another object or one that has no place in a patient."""
    ds = read_header(path, CLASSES, "a segmentation (SEG)")
    if not ds.get("FrameOfReferenceUID") or "TotalPixelMatrixColumns" in ds:
        raise InputError(
            f"The segmentation '{path.name}' states no place in the patient's body, so none can be given it."
        )
    frames = int(ds.get("NumberOfFrames") or 1)
    segments = ds.get("SegmentSequence") or []
    if int(ds.get("Rows", 0)) * int(ds.get("Columns", 0)) * frames > MAX_VOXELS:
        raise InputError(f"The segmentation '{path.name}' holds more voxels than can be read.")
    try:
        import highdicom as hd
    except ImportError as error:
        raise MissingDependencyError('Segmentations need highdicom: pip install "thoraxai[dicom]".') from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = hd.seg.segread(path)
            return tuple(_segment(whole, item) for item in segments if int(item.SegmentNumber) > 0)
    except InputError:
        raise
    except parse_errors() as error:
        raise InputError(
            f"The segmentation '{path.name}' cannot be placed ({type(error).__name__}): its frames are no stack."
        ) from error


def place_on(segment: ForeignSegment, volume: Volume) -> PlacedSegment:
    """Return the segment on the grid of a CT (nearest voxel), and how many voxels lie outside of it.

    Voxels of the CT are filled whose center lies in a voxel of the segment, so coarse segments leave no holes.
    """
    ras_to_ijk = np.linalg.inv(volume.ijk_to_ras)
    own = np.argwhere(segment.mask)
    centers = own @ segment.kji_to_ras[:3, :3].T + segment.kji_to_ras[:3, 3]
    ijk = centers @ ras_to_ijk[:3, :3].T + ras_to_ijk[:3, 3]
    shape_ijk = np.array(volume.array.shape[::-1])
    is_inside = ((ijk >= -HALF) & (ijk < shape_ijk - HALF)).all(axis=1)
    mask = np.zeros(volume.array.shape, dtype=bool)
    if is_inside.any():
        _fill(mask, segment, volume, ijk[is_inside])
    return PlacedSegment(mask, int(is_inside.sum()), int((~is_inside).sum()))


def _fill(mask: np.ndarray, segment: ForeignSegment, volume: Volume, ijk: np.ndarray) -> None:
    """Look up every voxel of the CT around the segment in the segment's own grid."""
    step = np.abs(np.linalg.inv(volume.ijk_to_ras)[:3, :3] @ segment.kji_to_ras[:3, :3]).sum(axis=1)
    shape_ijk = np.array(mask.shape[::-1])
    low = np.maximum(np.floor(ijk.min(axis=0) - step), 0).astype(int)
    high = np.minimum(np.ceil(ijk.max(axis=0) + step) + 1, shape_ijk).astype(int)
    i, j, k = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
    points = np.stack([i.ravel(), j.ravel(), k.ravel()], axis=1)
    to_own = np.linalg.inv(segment.kji_to_ras) @ volume.ijk_to_ras
    own = np.rint(points @ to_own[:3, :3].T + to_own[:3, 3]).astype(int)
    is_in = ((own >= 0) & (own < segment.mask.shape)).all(axis=1)
    hit = np.zeros(len(points), dtype=bool)
    hit[is_in] = segment.mask[tuple(own[is_in].T)]
    mask[tuple(points[hit][:, ::-1].T)] = True


def _segment(whole, item: Dataset) -> ForeignSegment:
    number = int(item.SegmentNumber)
    made = whole.get_volume(segment_numbers=[number], combine_segments=False, allow_missing_positions=True)
    array = np.asarray(made.array)
    array = array[..., 0] if array.ndim == 4 else array
    type_sequence = item.get("SegmentedPropertyTypeCodeSequence") or [None]
    side = None if type_sequence[0] is None else coded(type_sequence[0], "SegmentedPropertyTypeModifierCodeSequence")
    return ForeignSegment(
        number,
        text_of(item.get("SegmentLabel")),
        coded(item, "SegmentedPropertyCategoryCodeSequence"),
        coded(item, "SegmentedPropertyTypeCodeSequence"),
        side,
        text_of(item.get("TrackingID")),
        text_of(item.get("TrackingUID")),
        f"{text_of(item.get('SegmentAlgorithmType'))} {text_of(item.get('SegmentAlgorithmName'))}".strip(),
        array > HALF,
        LPS_TO_RAS @ np.asarray(made.affine, dtype=float),
    )
