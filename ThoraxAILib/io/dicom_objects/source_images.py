"""The images a result refers to: headers of the series that was read, one for each slice of the volume."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.errors import InputError, MissingDependencyError
from ThoraxAILib.image.lps import LPS_TO_RAS
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TOLERANCE_MM = 0.05
MAX_HEADER_BYTES = 1 << 20
# Type 2 in Patient and General Study (PS3.3 C.7.1.1, C.7.2.1): often left out by anonymizers
NAMED_BY_EVERY_IMAGE = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)
NO_SERIES = "The CT is no DICOM series, so no DICOM result can refer to it: analyze the DICOM folder."


@dataclass(frozen=True, eq=False)
class SourceImages:
    """Headers of the series; ``slices`` holds for each k of the volume the image that lies there, when all do."""

    images: tuple[Dataset, ...]
    slices: tuple[Dataset, ...] | None

    @property
    def first(self) -> Dataset:
        """An image of the series: person, study and frame of reference are the same in all."""
        return self.images[0]


def check_can_be_referred_to(volume: Volume) -> None:
    """Raise InputError when no DICOM result can refer to a volume, MissingDependencyError without highdicom."""
    if not volume.identity.study_uid:
        raise InputError(NO_SERIES)
    check_can_be_written()


def check_can_be_written() -> None:
    """Raise MissingDependencyError without highdicom."""
    if importlib.util.find_spec("highdicom") is None:
        raise MissingDependencyError('DICOM results need highdicom: install it with pip install "thoraxai[dicom]".')


def source_images(path: Path | Sequence[Path], volume: Volume) -> SourceImages:
    """Read the headers of the series a volume came from; raises InputError when it is no DICOM or lies elsewhere.

    ``path`` is a file, a folder, or the files themselves.
    """
    wanted = volume.identity.series_uid
    if not wanted:
        raise InputError(NO_SERIES)
    found = [header for header in _headers(_files(path)) if str(header.get("SeriesInstanceUID", "")) == wanted]
    return _placed(found, volume, "The images of the analyzed series are not at this path: give the folder that was")


def images_named(files: Sequence[Path], sop_uids: Collection[str], volume: Volume) -> SourceImages:
    """Read the headers of these instances, whatever series they belong to; raises InputError when none is there.

    For what is read out of several series, such as a cine whose slices are a breath-hold each.
    """
    found = [header for header in _headers(files) if str(header.get("SOPInstanceUID", "")) in sop_uids]
    return _placed(found, volume, "The images of the analyzed exam are not at this path: give the exam that was")


def _headers(files: Iterable[Path]) -> Iterator[Dataset]:
    """Read the header of every file that is DICOM."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    for file in files:
        if not looks_like_dicom(file):
            continue
        try:
            yield dcmread(file, stop_before_pixels=True, force=True, defer_size=MAX_HEADER_BYTES)
        except (InvalidDicomError, OSError, ValueError, AttributeError, KeyError, TypeError):
            continue


def _placed(found: Iterable[Dataset], volume: Volume, missing: str) -> SourceImages:
    """Return each instance once; raises InputError without any, or when they do not say where they lie."""
    unique = {str(header.get("SOPInstanceUID", "")): _completed(header) for header in found}
    if not unique:
        raise InputError(f"{missing} analyzed.")
    images = tuple(unique.values())
    if not images[0].get("FrameOfReferenceUID"):
        raise InputError(
            "The images name no frame of reference (0020,0052), so no DICOM result can refer to a place in them."
        )
    return SourceImages(images, _of_slices(images, volume))


def _completed(header: Dataset) -> Dataset:
    """Return the header with what every image must name, empty where it does not: results copy it from there."""
    for keyword in NAMED_BY_EVERY_IMAGE:
        if keyword not in header:
            setattr(header, keyword, None)
    return header


def _files(path: Path | Sequence[Path]) -> Sequence[Path]:
    if not isinstance(path, Path):
        return path
    return [path] if path.is_file() else files_below(path)


def _of_slices(images: Sequence[Dataset], volume: Volume) -> tuple[Dataset, ...] | None:
    """Return the image at every k; None when the volume was resampled, or a file holds several frames."""
    if any("ImagePositionPatient" not in image or "ImageOrientationPatient" not in image for image in images):
        return None
    to_lps = LPS_TO_RAS @ volume.ijk_to_ras
    depth, rows, columns = volume.array.shape
    origins = (to_lps @ np.stack([np.zeros(depth), np.zeros(depth), np.arange(depth), np.ones(depth)]))[:3].T
    axes = to_lps[:3, :2] / np.linalg.norm(to_lps[:3, :2], axis=0)
    positions = np.array([[float(x) for x in image.ImagePositionPatient] for image in images])
    chosen = []
    for origin in origins:
        gaps = np.linalg.norm(positions - origin, axis=1)
        image = images[int(gaps.argmin())]
        along = np.array([float(x) for x in image.ImageOrientationPatient]).reshape(2, 3).T
        size = int(image.get("Rows", 0)), int(image.get("Columns", 0))
        if gaps.min() > TOLERANCE_MM or size != (rows, columns) or not np.allclose(along, axes, atol=1e-3):
            return None
        chosen.append(image)
    return tuple(chosen)
