"""Write the result of a study as DICOM objects beside the images it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.dicom_results.groups import (
    ANATOMY,
    PARTS,
    aha_masks,
    aha_name,
    groups_of,
    phases,
    shown_parts,
)
from CardiacBiomechLib.model.cine import Cine
from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError
from ThoraxAILib.io.dicom_objects.measurement_report import Evidence, Observer, measurement_report
from ThoraxAILib.io.dicom_objects.secondary_capture import secondary_capture
from ThoraxAILib.io.dicom_objects.segmentation import SegmentItem, segmentation
from ThoraxAILib.io.dicom_objects.source_images import SourceImages, check_can_be_written, images_named
from ThoraxAILib.io.dicom_objects.uids import NewInstance, uid_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DICOM_FILES = ("heart_ed.seg.dcm", "heart_es.seg.dcm", "measurements.sr.dcm", "contours.sc.dcm")
ED_FILE, ES_FILE, REPORT_FILE, CAPTURE_FILE = DICOM_FILES
SERIES_NUMBERS = {ED_FILE: 9101, ES_FILE: 9102, REPORT_FILE: 9103, CAPTURE_FILE: 9104}
NO_IMAGES = (
    "The cine was not read from DICOM images of one frame each, so no DICOM result can refer to it: analyze the DICOM "
    "exam; NIfTI, NRRD, ACDC and multi-frame files cannot be referred to."
)


def check_can_be_referred_to(cine: Cine) -> None:
    """Raise InputError when no DICOM result can refer to a cine, MissingDependencyError without highdicom."""
    if not cine.sop_uids:
        raise InputError(NO_IMAGES)
    check_can_be_written()


def write_dicom_results(
    folder: Path,
    result: StudyResult,
    files: Sequence[Path],
    made_by: dict[str, tuple[str, str]],
    pictures: Sequence[np.ndarray] = (),
) -> list[Path]:
    """Write SEG of both phases, the report and a capture of ``pictures`` into ``folder``; what was written.

    ``files`` are those of the exam. ``made_by`` names the engines by what they did ("labels", "motion"): name and
    fingerprint; labels without one were drawn by a person. Raises InputError when the images are not among the files.
    """
    check_can_be_referred_to(result.cine)
    images = [_of_phase(result, files, frame) for _phase, frame in phases(result.study)]
    first = images[0].first
    told = _Identity(str(first.StudyInstanceUID), result, made_by)
    written: list[tuple[str, Dataset]] = []
    evidence = []
    for name, (phase, frame), sources in zip((ED_FILE, ES_FILE), phases(result.study), images, strict=True):
        items = _items(result, frame, phase, told, made_by.get("labels"))
        if name == ED_FILE:
            items += _aha_items(result, told)
        found = segmentation(items, result.labels[frame], sources, f"ThoraxAI heart, {phase}", told.new(name))
        written.append((name, found))
        evidence.append(Evidence(sources, found))
    groups = groups_of(result, told.tracking)
    new = told.new(REPORT_FILE)
    report = measurement_report(groups, evidence, told.observer(), new, procedure="mr procedure")
    written.append((REPORT_FILE, report))
    if pictures:
        capture = secondary_capture(pictures, first, "ThoraxAI contours", told.new(CAPTURE_FILE))
        written.append((CAPTURE_FILE, capture))
    for name, dataset in written:
        dataset.save_as(folder / name, enforce_file_format=True)
    return [folder / name for name, _dataset in written]


def _of_phase(result: StudyResult, files: Sequence[Path], frame: int) -> SourceImages:
    return images_named(files, set(result.cine.sop_uids[frame]), result.labels[frame])


def _items(
    result: StudyResult, frame: int, phase: str, told: _Identity, made_by: tuple[str, str] | None
) -> list[SegmentItem]:
    labels = result.labels[frame].array
    items = []
    for part, value in shown_parts(result, frame).items():
        words, concept = PARTS[part]
        label = f"{words} at {phase}"
        items.append(SegmentItem(label, labels == value, ANATOMY, concept, made_by, tracking=told.tracking(label)))
    return items


def _aha_items(result: StudyResult, told: _Identity) -> list[SegmentItem]:
    made_by = ("ThoraxAI AHA segments", __version__)
    return [
        SegmentItem(aha_name(number), mask, ANATOMY, f"aha {number}", made_by, tracking=told.tracking(aha_name(number)))
        for number, mask in aha_masks(result).items()
    ]


class _Identity:
    """UIDs of what is written about one exam: the same when the same analysis is done again."""

    def __init__(self, study_uid: str, result: StudyResult, made_by: dict[str, tuple[str, str]]) -> None:
        self._study_uid, self._made_by = study_uid, made_by
        first = result.cine.sop_uids[result.study.ed_frame - 1][0]
        self._made = (study_uid, first, __version__, *(word for name in sorted(made_by) for word in made_by[name]))
        study = result.study
        self._state = (
            f"{study.ed_frame} {study.es_frame} {study.lv.edv_ml:.3f} {study.lv.esv_ml:.3f} {study.mass_g:.3f}"
        )

    def tracking(self, name: str) -> tuple[str, str]:
        """Return tracking identifier and UID of a part of this exam."""
        return name, uid_of("tracking", self._study_uid, name)

    def new(self, name: str) -> NewInstance:
        """Return number and UID of the series of a file, and the UID of this instance of it."""
        return NewInstance(
            SERIES_NUMBERS[name],
            uid_of("series", name, *self._made),
            uid_of("instance", name, *self._made, self._state),
        )

    def observer(self) -> Observer:
        """Return the software that says so, with what labeled the frames and what followed the wall."""
        words = [f"{role} {name}" for role, (name, _fingerprint) in sorted(self._made_by.items())]
        prints = [fingerprint for _name, fingerprint in (self._made_by[role] for role in sorted(self._made_by))]
        algorithm = ("ThoraxAI " + ", ".join(words), " ".join(prints) or __version__)
        return Observer(uid_of("device", *self._made[2:]), f"ThoraxAI {__version__}", algorithm)
