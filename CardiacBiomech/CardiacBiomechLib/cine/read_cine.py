"""A cine from a 4-D image file, a Slicer volume sequence, a folder of frames, or the DICOM files of a whole exam."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from CardiacBiomechLib.cine.beats import MIN_PHASES, beat_frames, closes, differences
from CardiacBiomechLib.cine.dicom_cine import read_dicom_cine
from CardiacBiomechLib.cine.image_frames import ACCEPTED, read_frames, read_image_frames
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.data_set_folders import is_named_mask, masks_note, without_data_files
from ThoraxAILib.io.image_file import image_ending, is_segmentation
from ThoraxAILib.io.opened import is_archive, not_an_image, opened
from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.inputs import check_same_grid

FRAME_FILE = re.compile(r"^(?P<stem>.*?)_?frame(?P<number>\d+)(?P<ending>\.nii\.gz|\.nii|\.nrrd|\.mha)$", re.IGNORECASE)


def read_cine(path: Path, progress: Progress | None = None) -> Cine:
    """Return the frames at ``path`` in order of time; raises InputError with one sentence when there is no cine."""
    path, progress = Path(path), progress or Progress()
    require_there(path)
    with opened(path) as inside:
        found = read_images(inside)
        if found is not None:
            return found
        with exam_files(inside, path.name) as files:
            return one_beat(read_dicom_cine(files, path.name, progress))


def require_there(path: Path) -> None:
    """Raise InputError when nothing is at a path that a person gave."""
    if not path.exists():
        raise InputError(f"'{path}' does not exist: check the path.")


def read_images(inside: Path) -> Cine | None:
    """Return the cine of an image file, or of a folder of frames or of one image file; None for DICOM.

    ``inside`` is what was given, opened. Raises InputError for a folder of several cines.
    """
    if inside.is_file():
        return _of_file(inside) if image_ending(inside) else None
    frames = frame_files(inside)
    if frames:
        return one_beat(_from_frame_files(frames))
    files = without_data_files(files_below(inside))
    images = [file for file in files if image_ending(file) and not is_segmentation(file)]
    if not images or any(looks_like_dicom(file) for file in files if not image_ending(file)):
        return None
    masks = [image for image in images if is_named_mask(image, inside)]
    scans = [image for image in images if image not in masks]
    folders = {file.parent for file in scans}
    if len(scans) > 1 and len(folders) == 1 and folders != {inside}:  # an archive of a folder of frames
        return read_images(folders.pop())
    if len(scans) != 1:
        raise InputError(f"The folder '{inside.name}' holds {len(images)} image files and no DICOM: give one of them.")
    cine = _of_file(scans[0])
    return replace(cine, notes=(masks_note(masks), *cine.notes)) if masks else cine


def _of_file(path: Path) -> Cine:
    found = read_image_frames(path)
    return one_beat(Cine(found.frames, found.times_ms, found.notes))


@contextmanager
def exam_files(path: Path, name: str = "") -> Iterator[list[Path]]:
    """Yield the files of an exam: a folder or a DICOM file; zip and tar archives among them are unpacked meanwhile.

    ``name`` is what a person gave, when ``path`` is where that was unpacked.
    """
    name = name or path.name
    if path.is_file() and not is_archive(path) and not looks_like_dicom(path):
        raise not_an_image(path, ACCEPTED)
    files = files_below(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"The folder '{name}' is empty: give {ACCEPTED}.")
    with ExitStack() as stack:
        found: list[Path] = []
        for file in files:
            found += files_below(stack.enter_context(unpacked(file))) if is_archive(file) else [file]
        yield found


def frame_files(folder: Path) -> dict[int, Path]:
    """Return images named ...frameNN of a folder by number; empty when there are not two of one name."""
    groups: dict[str, dict[int, Path]] = {}
    for file in sorted(folder.iterdir()):
        match = FRAME_FILE.match(file.name)
        if match and file.is_file():
            groups.setdefault(match["stem"], {})[int(match["number"])] = file
    found = max(groups.values(), key=len, default={})
    return dict(sorted(found.items())) if len(found) > 1 else {}


def _from_frame_files(files: dict[int, Path]) -> Cine:
    frames: list[Volume] = []
    for number, file in files.items():
        images = read_frames(file)
        if len(images) != 1:
            raise InputError(f"'{file.name}' holds {len(images)} frames: give one 3-D image per frame.")
        check_same_grid(images[0], f"frame {number} of the cine", frames[0] if frames else images[0], "first frame")
        frames.append(images[0])
    numbers = list(files)
    notes = (
        ()
        if numbers == list(range(1, len(numbers) + 1))
        else (f"The folder holds frames {', '.join(map(str, numbers))}: they are counted from 1 here.",)
    )
    return Cine(tuple(frames), None, notes)


def one_beat(cine: Cine) -> Cine:
    """Return the cine of one heart cycle: of two beats the first, and what is less than a cycle says so."""
    count = len(cine.frames)
    if count < 2:
        return cine
    if count < MIN_PHASES:
        note = f"The cine has {count} phases only: their volumes can be told, curves and times to peak cannot."
        return replace(cine, notes=(*cine.notes, note), whole_cycle=False)
    if any(frame.array.shape != cine.frames[0].array.shape for frame in cine.frames):
        return cine
    apart = differences(cine.frames)
    beat = beat_frames(apart)
    if beat < count:
        note = f"The {count} frames show more than one beat ({beat} frames each): the first one was read."
        times = None if cine.times_ms is None else cine.times_ms[:beat]
        images = cine.sop_uids[:beat]
        return replace(cine, frames=cine.frames[:beat], times_ms=times, notes=(*cine.notes, note), sop_uids=images)
    if not closes(apart):
        note = "The last frame does not lead back to the first: the cine covers a part of the heart cycle."
        return replace(cine, notes=(*cine.notes, note), whole_cycle=False)
    return cine


def read_frame_labels(path: Path, frame: int, count: int) -> Volume:
    """Return labels of frame ``frame`` (an index): the file, or that frame of a file with one label image per frame.

    ``count`` is the number of frames of the cine. Raises InputError when the file is missing or fits neither.
    """
    if not path.is_file():
        raise InputError(f"The label file '{path}' does not exist: check the path.")
    images = read_image_frames(path, is_labels=True).frames
    if len(images) not in (1, count):
        raise InputError(
            f"'{path.name}' holds {len(images)} frames, the cine {count}: give the labels of one frame or "
            "of every frame."
        )
    return images[0] if len(images) == 1 else images[frame]
