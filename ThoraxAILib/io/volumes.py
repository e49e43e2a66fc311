"""The two questions every caller has about a path: which series are there, and give me the volume."""

from __future__ import annotations

from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.dicom_headers import files_below, looks_like_dicom
from ThoraxAILib.io.dicom_volume import read_dicom, stacks_below
from ThoraxAILib.io.image_file import image_ending, is_segmentation, read_image_file
from ThoraxAILib.io.series import SeriesSummary
from ThoraxAILib.jobs.progress import Progress

ACCEPTED = "DICOM, NRRD, NIfTI or MetaImage"


def read_volume(
    path: Path, series_uid: str | None = None, progress: Progress | None = None, modalities: tuple[str, ...] = ("CT",)
) -> Volume:
    """The volume at ``path``: a DICOM folder or file, or a NRRD, NIfTI or MetaImage file; CT as int16 HU.

    Of several DICOM series the one with ``series_uid`` (a SeriesSummary.choice) is read, else one is chosen by rule;
    choice and repairs are in ``Volume.notes``. Raises InputError with one sentence when nothing usable is there.
    """
    path, progress = Path(path), progress or Progress()
    source = _source(path)
    if _is_image_file(source):
        return read_image_file(source, modalities[0], progress)
    return read_dicom(path, series_uid, modalities, progress)


def find_series(
    path: Path, progress: Progress | None = None, modalities: tuple[str, ...] = ("CT",)
) -> list[SeriesSummary]:
    """Every series at ``path``, usable as ``modalities`` or not and why; an image file counts as one series."""
    path, progress = Path(path), progress or Progress()
    source = _source(path)
    if _is_image_file(source):
        return [_image_summary(read_image_file(source, modalities[0], progress), source)]
    return [stack.summary for stack in stacks_below(path, modalities, progress)[0]]


def _is_image_file(path: Path) -> bool:
    return path.is_file() and bool(image_ending(path))


def _source(path: Path) -> Path:
    """The image file to read, or ``path`` itself when it is DICOM; raises InputError when it is neither."""
    if not path.exists():
        raise InputError(f"'{path.name}' does not exist: check the path.")
    if path.is_file():
        if image_ending(path) or looks_like_dicom(path):
            return path
        raise InputError(f"'{path.name}' is not an image this program reads: give {ACCEPTED}.")
    files = files_below(path)
    images = [file for file in files if image_ending(file) and not is_segmentation(file)]
    if not files:
        raise InputError(f"The folder '{path.name}' is empty: give a folder with one CT series.")
    if not images or any(looks_like_dicom(file) for file in files if not image_ending(file)):
        return path
    if len(images) > 1:
        raise InputError(f"The folder '{path.name}' holds {len(images)} image files and no DICOM: give one of them.")
    return images[0]


def _image_summary(volume: Volume, path: Path) -> SeriesSummary:
    slices, rows, columns = volume.array.shape
    return SeriesSummary(
        series_uid=volume.identity.series_uid,
        study_uid="",
        modality=volume.modality,
        files=(path,),
        slice_count=slices,
        rows=rows,
        columns=columns,
        spacing_ijk_mm=three(float(size) for size in volume.spacing_ijk_mm),
    )
