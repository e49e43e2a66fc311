"""A cine from a 4-D image file, a Slicer volume sequence, a folder of frames, or the DICOM files of a whole exam."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardiacBiomechLib.cine.beats import MIN_PHASES, beat_frames, closes, differences
from CardiacBiomechLib.cine.dicom_cine import read_dicom_cine
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib.archives.unpack import unpacked
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.itk_geometry import ijk_to_lps_of
from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.image_file import image_ending, image_io
from ThoraxAILib.io.nifti.header import HEADER_BYTES, open_unpacked
from ThoraxAILib.io.slices.dicom_headers import files_below, looks_like_dicom
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.registration.inputs import check_same_grid
from ThoraxAILib.untrusted.detached_data import require_data_beside

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
ACCEPTED = "a 4-D NIfTI, MetaImage or NRRD file, a Slicer sequence (.seq.nrrd) or a folder of DICOM slices"
FRAME_FILE = re.compile(r"^(?P<stem>.*?)_?frame(?P<number>\d+)(?P<ending>\.nii\.gz|\.nii|\.nrrd|\.mha)$", re.IGNORECASE)
STEP_RANGE_MS = (4.0, 200.0)  # between two frames of a cine: what a file says outside of it is no time
CYCLE_RANGE_MS = (200.0, 3000.0)
NIFTI_TIME_UNITS = {8: 1000.0, 16: 1.0, 24: 0.001}  # xyzt_units & 0x38 to ms (nifti1.h)


def read_cine(path: Path, progress: Progress | None = None) -> Cine:
    """Return the frames at ``path`` in order of time; raises InputError with one sentence when there is no cine."""
    path, progress = Path(path), progress or Progress()
    if not path.exists():
        raise InputError(f"'{path.name}' does not exist: check the path.")
    if path.is_file() and path.name.lower().endswith(ENDINGS):
        return one_beat(Cine(tuple(read_frames(path)), _nifti_times(path)))
    if path.is_dir():
        frames = frame_files(path)
        if frames:
            return one_beat(_from_frame_files(frames))
    with exam_files(path) as files:
        return one_beat(read_dicom_cine(files, path.name, progress))


@contextmanager
def exam_files(path: Path) -> Iterator[list[Path]]:
    """Yield the files of an exam: a folder, a DICOM file, or zip and tar archives of them, unpacked meanwhile."""
    if path.is_file() and not path.name.lower().endswith(ARCHIVES) and not looks_like_dicom(path):
        raise InputError(f"'{path.name}' is no cine this program reads: give {ACCEPTED}.")
    files = files_below(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"The folder '{path.name}' is empty: give {ACCEPTED}.")
    with ExitStack() as stack:
        found: list[Path] = []
        for file in files:
            packed = file.name.lower().endswith(ARCHIVES)
            found += files_below(stack.enter_context(unpacked(file))) if packed else [file]
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
        return replace(cine, frames=cine.frames[:beat], times_ms=times, notes=(*cine.notes, note))
    if not closes(apart):
        note = "The last frame does not lead back to the first: the cine covers a part of the heart cycle."
        return replace(cine, notes=(*cine.notes, note), whole_cycle=False)
    return cine


def _nifti_times(path: Path) -> tuple[float, ...] | None:
    """Return frame times in ms from pixdim[4] and its unit; None when it tells no time a cine can have."""
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        return None
    try:
        with open_unpacked(path) as file:
            header = file.read(HEADER_BYTES)
    except OSError:
        return None
    if len(header) < HEADER_BYTES:
        return None
    order = "<" if struct.unpack_from("<i", header)[0] == HEADER_BYTES else ">"
    count = struct.unpack_from(f"{order}8h", header, 40)[4]
    step = abs(struct.unpack_from(f"{order}8f", header, 76)[4])
    unit = NIFTI_TIME_UNITS.get(header[123] & 0x38)
    if unit is None:
        unit = 1.0 if step >= STEP_RANGE_MS[0] else 1000.0
    step_ms = step * unit
    if not (STEP_RANGE_MS[0] <= step_ms <= STEP_RANGE_MS[1] and count > 1):
        return None
    if not CYCLE_RANGE_MS[0] <= step_ms * count <= 2 * CYCLE_RANGE_MS[1]:
        return None
    return tuple(step_ms * frame for frame in range(count))


def read_frames(path: Path) -> list[Volume]:
    """Every 3-D frame of an image file: one for a 3-D image, n for a 4-D image or a sequence of n."""
    if not image_ending(path):
        raise InputError(f"'{path.name}' is no image file this program reads: give a NIfTI, MetaImage or NRRD file.")
    require_data_beside(path)
    try:
        image = sitk.ReadImage(str(path), imageIO=image_io(path))
    except RuntimeError as error:
        if "orthonormal" in str(error):
            raise InputError(
                f"'{path.name}' has axes that are not at right angles in its header: resample it to a right-angled "
                "grid."
            ) from None
        raise InputError(
            f"'{path.name}' cannot be read (damaged, incomplete or another format): save it again."
        ) from None
    array, dimension = sitk.GetArrayFromImage(image), image.GetDimension()
    components = image.GetNumberOfComponentsPerPixel()
    if dimension == 5 and components == 1 and 1 in array.shape[:2]:
        array, dimension = array.reshape(-1, *array.shape[2:]), 4  # x, y, z, 1, t as some converters write it
    if dimension == 4 and components == 1:
        frames = array
    elif dimension == 3:
        frames = np.moveaxis(array, -1, 0) if components > 1 else array[None]
    else:
        raise InputError(f"'{path.name}' is a {dimension}-D image with {components} values per voxel: give {ACCEPTED}.")
    if frames.dtype.kind not in "iuf":
        raise InputError(f"'{path.name}' holds {frames.dtype.name} values: give a scalar image.")
    matrix = ijk_to_ras_from_lps(ijk_to_lps_of(image))
    return [Volume(np.ascontiguousarray(frame), matrix, "MR") for frame in frames]


def read_frame_labels(path: Path, frame: int, count: int) -> Volume:
    """Return labels of frame ``frame`` (an index): the file, or that frame of a file with one label image per frame.

    ``count`` is the number of frames of the cine. Raises InputError when the file is missing or fits neither.
    """
    if not path.is_file():
        raise InputError(f"The label file '{path.name}' does not exist: check the path.")
    images = read_frames(path)
    if len(images) not in (1, count):
        raise InputError(
            f"'{path.name}' holds {len(images)} frames, the cine {count}: give the labels of one frame or "
            "of every frame."
        )
    return images[0] if len(images) == 1 else images[frame]
