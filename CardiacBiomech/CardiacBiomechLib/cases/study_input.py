"""What a study is read from: a DICOM exam (folder or archive), an ACDC patient, frames, or a 4-D file, with labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.analysis.study import GivenLabels
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cine.acdc import is_patient, patients_below, read_patient
from CardiacBiomechLib.cine.dicom_cine import look_through, read_exam_cine
from CardiacBiomechLib.cine.image_frames import read_image_frames
from CardiacBiomechLib.cine.long_axis import LongAxisView, read_long_axes
from CardiacBiomechLib.cine.read_cine import exam_files, one_beat, read_images, require_there
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.person import Person
from ThoraxAILib.errors import InputError
from ThoraxAILib.io.opened import opened
from ThoraxAILib.jobs.progress import Progress


@dataclass(frozen=True, eq=False)
class StudyInput:
    """A cine with its long-axis views, labels, options and person, completed by what the source says."""

    cine: Cine
    views: tuple[LongAxisView, ...]
    given: GivenLabels | None
    options: StudyOptions
    person: Person
    group: str = ""


def read_study(
    path: Path,
    label: Path | None,
    frame: int,
    use_readers_labels: bool,
    options: StudyOptions,
    person: Person,
    progress: Progress,
    series: Sequence[int] = (),
) -> StudyInput:
    """Read a study; raises InputError with one sentence for what cannot be used."""
    require_there(path)
    with opened(path) as inside:
        found = _read(patient_in(inside), path.name, use_readers_labels, options, person, progress, series)
    return found if label is None else replace(found, given=_of_file(label, frame, found.cine))


def patient_in(inside: Path) -> Path:
    """Return the one ACDC folder in an opened archive, else ``inside`` itself."""
    below = [] if inside.is_file() or is_patient(inside) else patients_below(inside)
    return below[0] if len(below) == 1 else inside


def _read(
    inside: Path,
    name: str,
    use_readers_labels: bool,
    options: StudyOptions,
    person: Person,
    progress: Progress,
    series: Sequence[int],
) -> StudyInput:
    """Read what was given, opened: an ACDC folder, image files, or the DICOM files of an exam called ``name``."""
    if is_patient(inside):
        return _read_patient(inside, use_readers_labels, options, person)
    cine = read_images(inside)
    if cine is not None:
        return StudyInput(cine, (), None, options, person)
    with exam_files(inside, name) as files:
        exam = look_through(files, name, progress.part(0.0, 0.3), series)
        cine = one_beat(read_exam_cine(exam, progress.part(0.3, 0.8)))
        views = tuple(read_long_axes(exam, progress.part(0.8, 1.0))) if options.long_axis else ()
    return StudyInput(cine, views, None, options, person)


def _read_patient(folder: Path, use_readers_labels: bool, options: StudyOptions, person: Person) -> StudyInput:
    patient = read_patient(folder)
    options = replace(
        options,
        ed_frame=options.ed_frame or patient.ed + 1,
        es_frame=options.es_frame or patient.es + 1,
    )
    person = replace(
        person,
        height_cm=person.height_cm or patient.height_cm,
        weight_kg=person.weight_kg or patient.weight_kg,
    )
    labels, count = patient.labels, len(patient.cine.frames)
    given = _of_patient(labels, count, patient.ed, folder.name) if use_readers_labels else None
    return StudyInput(patient.cine, (), given, options, person, patient.group)


def _of_patient(labels: dict, count: int, ed: int, name: str) -> GivenLabels:
    if ed not in labels:
        raise InputError(f"'{name}' holds no readers' labels of end-diastole: leave --readers-labels out.")
    if len(labels) == count:
        return GivenLabels(tuple(labels[index] for index in range(count)), ed)
    return GivenLabels((labels[ed],), ed)


def _of_file(label: Path, frame: int, cine: Cine) -> GivenLabels:
    if not label.is_file():
        raise InputError(f"The label file '{label}' does not exist: check the path.")
    images = read_image_frames(label, is_labels=True).frames
    if len(images) not in (1, len(cine.frames)):
        raise InputError(
            f"'{label.name}' holds {len(images)} frames, the cine {len(cine.frames)}: give the labels of one frame or "
            "of every frame."
        )
    return GivenLabels(tuple(images), cine.index(frame))
