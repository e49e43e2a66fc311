"""Headers of DICOM files without their pixels: one SliceHeader per image, nothing that names a person.

Only the attributes listed in TAGS are read (PS3.3: CT Image, Image Plane, Multi-frame Functional Groups modules).
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ThoraxAILib.image.tuples import two
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from pydicom import Dataset

logger = logging.getLogger(__name__)

TAGS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "FrameOfReferenceUID",
    "StudyDate",
    "AcquisitionDate",
    "AcquisitionDateTime",
    "Modality",
    "ImageType",
    "Manufacturer",
    "SeriesNumber",
    "SeriesDescription",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "NominalPercentageOfCardiacPhase",
    "TriggerTime",
    "NominalInterval",
    "HeartRate",
    "AcquisitionTime",
    "ContentTime",
    "ComplexImageComponent",
    "InstanceNumber",
    "SliceThickness",
    "ConvolutionKernel",
    "ContrastBolusAgent",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
GE_CREATOR, GE_RAW_DATA_TYPE = 0x00430010, 0x0043102F  # 0 magnitude, 1 phase, 2 real, 3 imaginary (GEMS_PARM_01)
GE_PARTS = ("MAGNITUDE", "PHASE", "REAL", "IMAGINARY")
IMAGE_MODALITIES = ("CT", "MR", "PT")
# PS3.4 B.5: what an image is by its SOP class, for files that do not state their modality
MODALITY_OF_CLASS = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
}
DIRECTORY_CLASS = "1.2.840.10008.1.3.10"  # Media Storage Directory (DICOMDIR), PS3.4 B.5
MAC_FILE, MAC_FOLDER = "._", "__MACOSX"
_SALT = secrets.token_bytes(16)  # of this process: tells persons apart in memory and nowhere else
# What pydicom raises on damaged files; it has no common base class.
READ_FAULTS = (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, NotImplementedError, RuntimeError)


MAX_REMEMBERED = 8192  # images, about 10 MB, at the beginning of a scan
_REMEMBERED: dict[tuple[Path, int, int], tuple[list[SliceHeader], str]] = {}


@dataclass(frozen=True)
class SlicePlane:
    """Where the pixels of an image lie, in LPS mm as in DICOM.

    ``orientation_lps`` holds the directions of a row and of a column; ``pixel_spacing_mm`` is (between rows, between
    columns).
    """

    position_lps_mm: tuple[float, ...]
    orientation_lps: tuple[float, ...]
    pixel_spacing_mm: tuple[float, float]


@dataclass(frozen=True)
class SliceHeader:
    """One image: a single-frame file, or one ``frame`` of a multi-frame file. Positions are LPS mm as in DICOM.

    ``pixel_spacing_mm`` is (between rows, between columns). ``interval_ms`` is the length of a heart cycle, ``clock``
    the time of day (HHMMSS.f), ``acquired_s`` the same in seconds, and ``complex_part`` MAGNITUDE, PHASE, REAL or
    IMAGINARY where the file says so. ``person`` only tells whether two images are of the same person, within this
    process. Absent values are None or empty.
    """

    path: Path
    frame: int | None = None
    sop_uid: str = ""
    series_uid: str = ""
    study_uid: str = ""
    frame_of_reference_uid: str = ""
    study_date: str = ""
    person: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    acquired_on: str = ""
    acquired_s: float | None = None
    modality: str = ""
    image_type: tuple[str, ...] = ()
    manufacturer: str = ""
    series_number: int | None = None
    acquisition: str = ""
    temporal_position: str = ""
    cardiac_phase: str = ""
    trigger_ms: float | None = None
    instance: int | None = None
    interval_ms: float | None = None
    clock: str = ""
    complex_part: str = ""
    thickness_mm: float | None = None
    kernel: str = ""
    contrast: str = ""
    position_lps_mm: tuple[float, ...] | None = None
    orientation_lps: tuple[float, ...] | None = None
    pixel_spacing_mm: tuple[float, ...] | None = None
    rows: int = 0
    columns: int = 0
    samples: int = 1
    photometric: str = ""
    frames: int = 1
    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""

    @property
    def is_localizer(self) -> bool:
        """Whether this is a scout view, by the third value of ImageType."""
        return "LOCALIZER" in self.image_type

    @property
    def has_plane(self) -> bool:
        """Whether position, orientation and pixel spacing are all stated."""
        return self._stated_plane() is not None

    @property
    def plane(self) -> SlicePlane:
        """Where the pixels lie; only for an image that ``has_plane``, else ValueError."""
        plane = self._stated_plane()
        if plane is None:
            raise ValueError("the image does not state where it lies")
        return plane

    def _stated_plane(self) -> SlicePlane | None:
        if self.position_lps_mm is None or self.orientation_lps is None or self.pixel_spacing_mm is None:
            return None
        if min(self.pixel_spacing_mm) <= 0:
            return None
        return SlicePlane(self.position_lps_mm, self.orientation_lps, two(self.pixel_spacing_mm))


@dataclass(frozen=True)
class HeaderScan:
    """The images among the files looked at, and how many files were something else or unreadable."""

    headers: tuple[SliceHeader, ...] = ()
    other_files: int = 0
    unreadable_files: int = 0
    other_objects: Counter[str] = field(default_factory=Counter)

    def found(self) -> str:
        """Return what was found, in words for an error or a note."""
        images = Counter(header.modality or "unknown modality" for header in self.headers)
        parts = [f"{count} {kind} image{'s' * (count > 1)}" for kind, count in sorted(images.items())]
        parts += [f"{count} {kind} object{'s' * (count > 1)}" for kind, count in sorted(self.other_objects.items())]
        if self.unreadable_files:
            parts.append(f"{self.unreadable_files} unreadable DICOM file{'s' * (self.unreadable_files > 1)}")
        if self.other_files:
            parts.append(f"{self.other_files} file{'s' * (self.other_files > 1)} of another kind")
        return ", ".join(parts) or "nothing"


def files_below(folder: Path) -> list[Path]:
    """Every file in ``folder`` and its subfolders, in a fixed order; links to folders are not followed.

    What macOS leaves beside files (``._name``, ``__MACOSX``) is no file of the person.
    """
    found: list[Path] = []
    for directory, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if name != MAC_FOLDER)
        found.extend(Path(directory) / name for name in sorted(names) if not name.startswith(MAC_FILE))
    return found


def looks_like_dicom(path: Path) -> bool:
    """Whether a file starts as DICOM: the DICM mark, or a bare data set of group 0002 or 0008."""
    try:
        with path.open("rb") as file:
            start = file.read(132)
    except OSError:
        return False
    return start[128:132] == b"DICM" or (start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00")


def is_directory_file(path: Path) -> bool:
    """Whether a file is the table of contents of a DICOM medium, by its name (PS3.10 8.6) or by what it says it is."""
    from pydicom.filereader import read_file_meta_info

    if path.name.upper().split(".")[0] == "DICOMDIR":
        return True
    try:
        with path.open("rb") as file:
            start = file.read(512)
        if DIRECTORY_CLASS.encode() not in start:
            return False
        return str(read_file_meta_info(path).get("MediaStorageSOPClassUID", "")) == DIRECTORY_CLASS
    except READ_FAULTS:
        return False


def scan_headers(paths: Iterable[Path], progress: Progress | None = None) -> HeaderScan:
    """Headers of every DICOM image among ``paths``, about 1 ms each; damaged and other files are counted."""
    from pydicom.config import disable_value_validation

    if sum(len(images) for images, _ in _REMEMBERED.values()) > MAX_REMEMBERED:
        _REMEMBERED.clear()
    paths = list(paths)
    headers: list[SliceHeader] = []
    objects: Counter[str] = Counter()
    others = unreadable = 0
    with disable_value_validation():  # its warnings would quote header values
        for number, path in enumerate(paths):
            if progress is not None and number % 16 == 0:
                progress(number / len(paths), "Reading DICOM headers")
            if not looks_like_dicom(path):
                others += 1
                continue
            if is_directory_file(path):
                objects.update(["DICOMDIR"])
                continue
            try:
                images, kind = _known_headers(path)
            except READ_FAULTS as error:
                logger.info("a DICOM header could not be read (%s)", type(error).__name__)
                unreadable += 1
                continue
            headers.extend(images)
            objects.update([kind] if kind else [])
    return HeaderScan(tuple(headers), others, unreadable, objects)


def _known_headers(path: Path) -> tuple[list[SliceHeader], str]:
    """Return what ``_read_headers`` does, from memory while the file is as it was: cases are found, then read."""
    status = path.stat()
    key = (path, status.st_mtime_ns, status.st_size)
    if key not in _REMEMBERED:
        _REMEMBERED[key] = _read_headers(path)
    return _REMEMBERED[key]


def _read_headers(path: Path) -> tuple[list[SliceHeader], str]:
    """Return the images of one file, or the kind of object it is when it holds no image."""
    from pydicom import dcmread
    from pydicom.tag import Tag

    tags = [Tag(tag) for tag in (*TAGS, GE_CREATOR, GE_RAW_DATA_TYPE)]
    dataset = dcmread(path, stop_before_pixels=True, force=True, specific_tags=tags)
    if not dataset:
        raise ValueError("no DICOM attribute could be read")
    if not dataset.get("Rows") and dataset.get("Modality") in IMAGE_MODALITIES:
        raise ValueError("the header of an image ends before its size")
    if not dataset.get("Rows") or dataset.get("Modality") == "SEG":
        return [], str(dataset.get("Modality") or "non-image")
    header = _header(dataset, path)
    if header.frames > 1 and "PerFrameFunctionalGroupsSequence" in dataset:
        return _frame_headers(dataset, header), ""
    return [header], ""


def _header(dataset: Dataset, path: Path) -> SliceHeader:
    return SliceHeader(
        path=path,
        sop_uid=_text(dataset, "SOPInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        frame_of_reference_uid=_text(dataset, "FrameOfReferenceUID"),
        study_date=_text(dataset, "StudyDate"),
        person=_person(dataset),
        description=_text(dataset, "SeriesDescription"),
        acquired_on=_text(dataset, "AcquisitionDate") or _text(dataset, "AcquisitionDateTime")[:8],
        acquired_s=_time_of_day_s(dataset),
        modality=_text(dataset, "Modality") or MODALITY_OF_CLASS.get(_text(dataset, "SOPClassUID"), ""),
        image_type=tuple(_text(dataset, "ImageType").split("\\")),
        manufacturer=_text(dataset, "Manufacturer"),
        series_number=_whole(dataset, "SeriesNumber"),
        acquisition=_text(dataset, "AcquisitionNumber"),
        temporal_position=_text(dataset, "TemporalPositionIdentifier"),
        cardiac_phase=_text(dataset, "NominalPercentageOfCardiacPhase"),
        trigger_ms=_number(dataset, "TriggerTime"),
        instance=_whole(dataset, "InstanceNumber"),
        interval_ms=_interval_ms(dataset),
        clock=_text(dataset, "AcquisitionTime") or _text(dataset, "ContentTime"),
        complex_part=_complex_part(dataset),
        thickness_mm=_number(dataset, "SliceThickness"),
        kernel=_text(dataset, "ConvolutionKernel"),
        contrast=_text(dataset, "ContrastBolusAgent"),
        position_lps_mm=_numbers(dataset, "ImagePositionPatient", 3),
        orientation_lps=_numbers(dataset, "ImageOrientationPatient", 6),
        pixel_spacing_mm=_numbers(dataset, "PixelSpacing", 2),
        rows=_whole(dataset, "Rows") or 0,
        columns=_whole(dataset, "Columns") or 0,
        samples=_whole(dataset, "SamplesPerPixel") or 1,
        photometric=_text(dataset, "PhotometricInterpretation"),
        frames=_whole(dataset, "NumberOfFrames") or 1,
        slope=_number(dataset, "RescaleSlope"),
        intercept=_number(dataset, "RescaleIntercept"),
        rescale_type=_text(dataset, "RescaleType").upper(),
    )


def _frame_headers(dataset: Dataset, header: SliceHeader) -> list[SliceHeader]:
    """One header per frame of an enhanced multi-frame file, from its functional groups (PS3.3 C.7.6.16)."""
    shared: Dataset | None = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    headers = []
    for number, own in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        measures = _group("PixelMeasuresSequence", own, shared)
        values = _group("PixelValueTransformationSequence", own, shared)
        content = _group("FrameContentSequence", own, shared)
        kind = _group("CTImageFrameTypeSequence", own, shared) or _group("MRImageFrameTypeSequence", own, shared)
        frame_type = _text(kind, "FrameType")
        heart = _group("CardiacSynchronizationSequence", own, shared)
        headers.append(
            replace(
                header,
                frame=number,
                position_lps_mm=_numbers(_group("PlanePositionSequence", own, shared), "ImagePositionPatient", 3),
                orientation_lps=_numbers(_group("PlaneOrientationSequence", own, shared), "ImageOrientationPatient", 6),
                pixel_spacing_mm=_numbers(measures, "PixelSpacing", 2),
                thickness_mm=_number(measures, "SliceThickness"),
                kernel=_text(_group("CTReconstructionSequence", own, shared), "ConvolutionKernel"),
                image_type=tuple(frame_type.split("\\")) if frame_type else header.image_type,
                acquisition=_text(content, "FrameAcquisitionNumber"),
                temporal_position=_text(content, "TemporalPositionIndex"),
                acquired_s=_frame_time_s(content, header),
                trigger_ms=_first_number(heart, "NominalCardiacTriggerDelayTime", "ActualCardiacTriggerDelayTime"),
                cardiac_phase=_text(heart, "NominalPercentageOfCardiacPhase") or header.cardiac_phase,
                complex_part=_text(kind, "ComplexImageComponent") or header.complex_part,
                instance=number + 1,
                slope=_number(values, "RescaleSlope"),
                intercept=_number(values, "RescaleIntercept"),
                rescale_type=_text(values, "RescaleType").upper(),
            )
        )
    return headers


def _frame_time_s(content: Dataset, header: SliceHeader) -> float | None:
    own = _seconds(_text(content, "FrameAcquisitionDateTime")[8:])
    return header.acquired_s if own is None else own


def _first_number(dataset: Dataset, *names: str) -> float | None:
    """Return the first of some attributes that is there."""
    found = (_number(dataset, name) for name in names)
    return next((value for value in found if value is not None), None)


def _interval_ms(dataset: Dataset) -> float | None:
    """Length of a heart cycle: NominalInterval, else 60 000 / HeartRate; None when neither says so."""
    interval, rate = _number(dataset, "NominalInterval"), _number(dataset, "HeartRate")
    if interval:
        return interval
    return 60000.0 / rate if rate else None


def _complex_part(dataset: Dataset) -> str:
    """MAGNITUDE, PHASE, REAL or IMAGINARY as the standard attribute or GE's private one says."""
    stated = _text(dataset, "ComplexImageComponent").upper()
    if stated or not str(_private(dataset, GE_CREATOR)).startswith("GEMS_PARM"):
        return stated
    value = _private(dataset, GE_RAW_DATA_TYPE)
    return GE_PARTS[value] if isinstance(value, int) and 0 <= value < len(GE_PARTS) else ""


def _private(dataset: Dataset, tag: int) -> object:
    return dataset[tag].value if tag in dataset else ""


def _group(name: str, own: Dataset, shared: Dataset | None) -> Dataset:
    """Return a functional group of one frame, or the one all frames share, or an empty data set."""
    from pydicom import Dataset

    for holder in (own, shared):
        if holder is not None and holder.get(name):
            return holder[name].value[0]
    return Dataset()


def _person(dataset: Dataset) -> str:
    """Return a mark that is equal for images of the same person while this process lives, and says nothing else."""
    stated = "\n".join(_text(dataset, name) for name in ("PatientID", "PatientName", "PatientBirthDate"))
    return hashlib.blake2b(stated.encode("utf-8", "replace"), key=_SALT, digest_size=8).hexdigest()


def _time_of_day_s(dataset: Dataset) -> float | None:
    """Return when an image was acquired, or else made, in seconds since midnight (PS3.5 6.2, TM)."""
    for name, skipped in (("AcquisitionTime", 0), ("AcquisitionDateTime", 8), ("ContentTime", 0)):
        seconds = _seconds(_text(dataset, name)[skipped:])
        if seconds is not None:
            return seconds
    return None


def _seconds(time: str) -> float | None:
    """Return a TM value as seconds since midnight; colons as in older files are taken too."""
    digits = time.replace(":", "")
    try:
        return int(digits[0:2]) * 3600.0 + int(digits[2:4] or 0) * 60.0 + float(digits[4:13] or 0)
    except ValueError:
        return None


def _text(dataset: Dataset, name: str) -> str:
    """Return an attribute as text; several values joined by a backslash as in the file."""
    value = dataset.get(name)
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value).strip()
    return "\\".join(str(part) for part in value).strip()


def _number(dataset: Dataset, name: str) -> float | None:
    """One number; None when it is absent or not finite."""
    value = dataset.get(name)
    number = math.nan if value in (None, "") else float(value)
    return number if math.isfinite(number) else None


def _whole(dataset: Dataset, name: str) -> int | None:
    value = _number(dataset, name)
    return None if value is None else int(value)


def _numbers(dataset: Dataset, name: str, count: int) -> tuple[float, ...] | None:
    """``count`` numbers, or None when the attribute is absent, not finite or has another count."""
    value = dataset.get(name)
    if not value or isinstance(value, str | int | float) or len(value) != count:
        return None
    numbers = tuple(float(part) for part in value)
    return numbers if all(math.isfinite(number) for number in numbers) else None
