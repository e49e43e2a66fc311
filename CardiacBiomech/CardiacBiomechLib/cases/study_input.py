"""What a study is read from: a DICOM exam (folder or archive), an ACDC patient, frames, or a 4-D file, with labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from CardiacBiomechLib.analysis.study import GivenLabels
from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cine.acdc import is_patient, read_patient
from CardiacBiomechLib.cine.dicom_cine import look_through, read_exam_cine
from CardiacBiomechLib.cine.long_axis import LongAxisView, read_long_axes
from CardiacBiomechLib.cine.read_cine import ENDINGS, exam_files, frame_files, one_beat, read_cine, read_frames
from CardiacBiomechLib.model.cine import Cine
from CardiacBiomechLib.model.person import Person
from ThoraxAILib.errors import InputError
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
) -> StudyInput:
    """Read a study; raises InputError with one sentence for what cannot be used."""
    if not path.exists():
        raise InputError(f"'{path.name}' does not exist: check the path.")
    views: tuple[LongAxisView, ...] = ()
    given, group = None, ""
    if is_patient(path):
        patient = read_patient(path)
        cine, group = patient.cine, patient.group
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
        if use_readers_labels:
            given = _of_patient(patient.labels, len(cine.frames), patient.ed, path.name)
    elif (path.is_file() and path.name.lower().endswith(ENDINGS)) or (path.is_dir() and frame_files(path)):
        cine = read_cine(path, progress)
    else:
        with exam_files(path) as files:
            exam = look_through(files, path.name, progress.part(0.0, 0.3))
            cine = one_beat(read_exam_cine(exam, progress.part(0.3, 0.8)))
            if options.long_axis:
                views = tuple(read_long_axes(exam, progress.part(0.8, 1.0)))
    if label is not None:
        given = _of_file(label, frame, cine)
    return StudyInput(cine, views, given, options, person, group)


def _of_patient(labels: dict, count: int, ed: int, name: str) -> GivenLabels:
    if ed not in labels:
        raise InputError(f"'{name}' holds no readers' labels of end-diastole: leave --readers-labels out.")
    if len(labels) == count:
        return GivenLabels(tuple(labels[index] for index in range(count)), ed)
    return GivenLabels((labels[ed],), ed)


def _of_file(label: Path, frame: int, cine: Cine) -> GivenLabels:
    if not label.is_file():
        raise InputError(f"The label file '{label.name}' does not exist: check the path.")
    images = read_frames(label)
    if len(images) not in (1, len(cine.frames)):
        raise InputError(
            f"'{label.name}' holds {len(images)} frames, the cine {len(cine.frames)}: give the labels of one frame or "
            "of every frame."
        )
    return GivenLabels(tuple(images), cine.index(frame))
