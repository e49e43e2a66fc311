"""The two questions every caller has about a path: which series are there, and give me the volume."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.data_set_folders import masks_note, split_masks, without_data_files
from ThoraxAILib.io.dicom_volume import read_dicom, stacks_below
from ThoraxAILib.io.image_file import image_ending, is_segmentation, read_image_file
from ThoraxAILib.io.opened import is_archive, not_an_image, opened
from ThoraxAILib.io.series import SeriesSummary
from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom
from ThoraxAILib.jobs.progress import Progress

ACCEPTED = "DICOM, NRRD, NIfTI or MetaImage"


def read_volume(
    path: Path, series_uid: str | None = None, progress: Progress | None = None, modalities: tuple[str, ...] = ("CT",)
) -> Volume:
    """Read the volume at a path, and note every choice and repair.

    Args:
        path: A DICOM folder, file or DICOMDIR, a NRRD, NIfTI or MetaImage file, or a .zip or .tar.gz of these.
        series_uid: Which of several DICOM series (a ``choice`` of find_series), or ``study:UID`` for the one the rule
            prefers in a study; without it one is chosen by rule.
        progress: Told how far it is; may stop the work.
        modalities: What is wanted; CT is returned as int16 HU.

    Returns:
        The Volume: values in ``array`` (k, j, i), ``ijk_to_ras`` from (i, j, k, 1) to RAS mm, and ``notes``, one
        sentence for each choice and repair.

    Raises:
        InputError: Nothing usable is there; one sentence says why and what to do.

    Example:
        >>> volume = thoraxai.read_volume("ct.nrrd")
        >>> print(volume.array.shape, volume.spacing_ijk_mm, volume.notes)
    """
    path, progress = Path(path), progress or Progress()
    _require_there(path)
    with opened(path) as inside:
        source, note = _source(inside)
        if not _is_image_file(source):
            return read_dicom(source, series_uid, modalities, progress)
        volume = read_image_file(source, modalities[0], progress)
        return replace(volume, notes=(note, *volume.notes)) if note else volume


def find_series(
    path: Path, progress: Progress | None = None, modalities: tuple[str, ...] = ("CT",)
) -> list[SeriesSummary]:
    """List every image series at a path; an image file counts as one series.

    Args:
        path: A DICOM folder, file or DICOMDIR, a NRRD, NIfTI or MetaImage file, or a .zip or .tar.gz of these.
        progress: Told how far it is; may stop the work.
        modalities: What a series must be to count as usable.

    Returns:
        One SeriesSummary each, with ``usable``, the ``reason`` where it is not, and the ``choice`` for read_volume.

    Raises:
        InputError: The path does not exist or holds no image.

    Example:
        >>> for series in thoraxai.find_series("dicom"):
        ...     print(series.label, series.usable)
    """
    path, progress = Path(path), progress or Progress()
    _require_there(path)
    with opened(path) as inside:
        source, _note = _source(inside)
        if _is_image_file(source):
            found = [_image_summary(read_image_file(source, modalities[0], progress), source)]
        else:
            found = [stack.summary for stack in stacks_below(source, modalities, progress)[0]]
    return [replace(series, files=(path,)) for series in found] if is_archive(path) else found


def _is_image_file(path: Path) -> bool:
    return path.is_file() and bool(image_ending(path))


def _require_there(path: Path) -> None:
    if not path.exists():
        raise InputError(f"'{path}' does not exist: check the path.")


def _source(path: Path) -> tuple[Path, str]:
    """Return the image file to read, or ``path`` itself when it is DICOM, and what was left out.

    Raises InputError when it is neither.
    """
    if path.is_file():
        if image_ending(path) or looks_like_dicom(path):
            return path, ""
        raise not_an_image(path, ACCEPTED)
    files = without_data_files(files_below(path))
    images = [file for file in files if image_ending(file) and not is_segmentation(file)]
    if not files:
        raise InputError(f"The folder '{path.name}' is empty: give a folder with one CT series.")
    if not images or any(looks_like_dicom(file) for file in files if not image_ending(file)):
        return path, ""
    scans, masks = split_masks(path, images) if len(images) > 1 else (images, [])
    if len(scans) > 1:
        raise InputError(f"The folder '{path.name}' holds {len(scans)} image files and no DICOM: give one of them.")
    return scans[0], masks_note(masks)


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
