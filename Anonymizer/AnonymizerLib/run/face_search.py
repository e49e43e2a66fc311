"""Before the cleaning: look for a head in every frame of reference of a folder, in workers that may die.

Headers and pixels of unknown origin are read and decoded by the same bounded worker processes that clean files. What
cannot be looked at is remembered: nobody knows whether it shows a head, so its images wait for a person.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from AnonymizerLib.bounds.worker_limits import FileLimits
from AnonymizerLib.bounds.worker_pool import results
from AnonymizerLib.objects.dicom_file import DicomFile, looks_like_dicom, read_dicom
from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.objects.input_file import read_regular
from AnonymizerLib.pixels.blackout import pixel_dataset
from AnonymizerLib.pixels.face_picture import write_face_picture
from AnonymizerLib.pixels.face_removal import (
    ASCII,
    FRAME_OF_REFERENCE,
    MODALITY,
    SERIES,
    Faces,
    SliceGeometry,
    is_single_slice,
)
from AnonymizerLib.pixels.faces import FaceMask, find_face
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.private_files import make_private_folder, restrict_file
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.untrusted.parse_errors import parse_errors

VOLUMETRIC = ("CT", "MR", "PT")
FEWEST_SLICES = 8
PART = ".part"
Slice = tuple[str, str]  # frame of reference and series of a file


@dataclass(frozen=True)
class Workforce:
    """How many processes may be used, what each may take, and whether even one is kept apart from this process."""

    jobs: int = 1
    limits: FileLimits = field(default_factory=FileLimits)
    is_isolated: bool = False


@dataclass(frozen=True)
class HeaderJob:
    """The frame of reference and series of every slice of a folder; None for any other file."""

    source: Path

    def begin(self) -> Callable[[str], Slice | None]:
        """Return what reads one header."""
        return self._read

    def _read(self, name: str) -> Slice | None:
        try:
            data = read_regular(self.source / name)
            ds = read_dicom(data).dataset if looks_like_dicom(data[:132]) else None
            if ds is None or raw_text(ds, MODALITY, ASCII) not in VOLUMETRIC or not is_single_slice(ds):
                return None
            return raw_text(ds, FRAME_OF_REFERENCE, ASCII), raw_text(ds, SERIES, ASCII)
        except parse_errors(InputError):  # the cleaning will say what is wrong with this file
            return None

    def lost(self, _name: str, _reason: str) -> None:
        """Leave a file out on which its worker ended: it will be set aside when it is cleaned."""

    def size_bytes(self, name: str) -> int:
        """Return the size of the file."""
        return _size_bytes(self.source / name)

    def clear(self, _pid: int) -> None:
        """Do nothing: a reader leaves nothing unfinished."""


@dataclass(frozen=True)
class FaceJob:
    """The mask of every frame of reference, made from the slices of its largest series; True when it was judged."""

    source: Path
    faces: Faces
    slices: Mapping[str, tuple[str, ...]]

    def begin(self) -> Callable[[str], bool]:
        """Return what looks at one frame of reference."""
        return self._judge

    def _judge(self, frame: str) -> bool:
        try:
            array, kji_to_ras, modality = _volume([self.source / name for name in self.slices[frame]])
            seed = int.from_bytes(hashlib.sha256(self.faces.key.digest("face noise", frame)).digest()[:8], "big")
            mask = find_face(array, kji_to_ras, modality == "CT", seed)
        except parse_errors(InputError):
            return False
        path = self.faces.path_of(frame)
        try:
            if mask is not None:
                picture = path.with_suffix(".png")
                write_face_picture(array, kji_to_ras, mask, picture, modality == "CT")
                restrict_file(picture)
            _write_mask(mask, path)
        except OSError as error:
            raise OutputError(
                f"The private folder cannot be written ({error.strerror}): free space, then start again."
            ) from error
        return True

    def lost(self, _frame: str, _reason: str) -> bool:
        """Count a frame of reference on which its worker ended as not judged."""
        return False

    def size_bytes(self, frame: str) -> int:
        """Return the size of all slices together."""
        return sum(_size_bytes(self.source / name) for name in self.slices[frame])

    def clear(self, pid: int) -> None:
        """Remove the unfinished mask of a worker that ended."""
        (self.faces.folder / f"{pid}{PART}").unlink(missing_ok=True)


def look_for_faces(source: Path, files: list[str], faces: Faces, workforce: Workforce, progress: Progress) -> Faces:
    """Make masks and pictures in the private folder; the same ``faces``, with what could not be judged.

    Raises OutputError when the private folder cannot be written.
    """
    make_private_folder(faces.folder)
    slices = _largest_series(source, files, workforce, progress.part(0.0, 0.4))
    todo = {
        frame: names
        for frame, names in slices.items()
        if len(names) >= FEWEST_SLICES and not faces.path_of(frame).is_file()
    }
    how = (workforce.jobs, workforce.limits, workforce.is_isolated)
    not_judged = set()
    for number, (frame, is_judged) in enumerate(
        zip(todo, results(FaceJob(source, faces, todo), list(todo), *how), strict=True), start=1
    ):
        if not is_judged:
            not_judged.add(faces.name_of(frame))
        progress(0.4 + 0.6 * number / len(todo), f"Looking for faces, {number} of {len(todo)}")
    return replace(faces, not_judged=frozenset(not_judged))


def _largest_series(
    source: Path, files: list[str], workforce: Workforce, progress: Progress
) -> dict[str, tuple[str, ...]]:
    """Find the slices of the largest series of every frame of reference."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    how = (workforce.jobs, workforce.limits, workforce.is_isolated)
    for number, (name, place) in enumerate(zip(files, results(HeaderJob(source), files, *how), strict=True), start=1):
        progress(number / len(files), "Looking for faces")
        if place is not None and place[0]:
            found[place[0]][place[1]].append(name)
    return {frame: max(map(tuple, series.values()), key=len) for frame, series in found.items()}


def _write_mask(mask: FaceMask | None, path: Path) -> None:
    """Write a mask, or that there is no head, whole or not at all."""
    unfinished = path.with_name(f"{os.getpid()}{PART}")
    action = np.empty((0, 0, 0), np.uint8) if mask is None else mask.action
    with unfinished.open("wb") as file:
        np.savez_compressed(file, action=action, kji_to_ras=np.eye(4) if mask is None else mask.kji_to_ras)
    restrict_file(unfinished)
    unfinished.replace(path)


def _volume(paths: list[Path]) -> tuple[np.ndarray, np.ndarray, str]:
    """Stack slices in rescaled values (k, j, i); with their matrix to RAS mm and the modality."""
    slices = []
    for path in paths:
        file = read_dicom(read_regular(path))
        geometry = SliceGeometry.of(file.dataset)
        if geometry is None:
            raise InputError("A slice does not say where it lies.")
        slices.append((geometry, _rescaled(file), raw_text(file.dataset, MODALITY, ASCII)))
    first = slices[0][0]
    normal = np.cross(first.along_row_mm, first.down_column_mm)
    slices.sort(key=lambda entry: float(entry[0].origin_ras_mm @ normal))
    kept = [entry for entry in slices if entry[1].shape == slices[0][1].shape]
    step = (kept[-1][0].origin_ras_mm - kept[0][0].origin_ras_mm) / max(len(kept) - 1, 1)
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = step, first.down_column_mm, first.along_row_mm
    matrix[:3, 3] = kept[0][0].origin_ras_mm
    if abs(np.linalg.det(matrix)) < 1e-6:
        raise InputError("The slices do not make a volume.")
    return np.stack([entry[1] for entry in kept]), matrix, kept[0][2]


def _rescaled(file: DicomFile) -> np.ndarray:
    from pydicom.pixels import apply_rescale, pixel_array

    source = pixel_dataset(file)
    return np.asarray(apply_rescale(pixel_array(source), source), np.float32)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
