"""``thoraxai.analyze_cine``: a cine exam to volumes, function, strain and segments, in a folder of results."""

from __future__ import annotations

import os
from pathlib import Path

from CardiacBiomechLib.analysis.study_options import StudyOptions
from CardiacBiomechLib.cases.study_case import analyze_study_case
from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest, EnginesOfStudy
from CardiacBiomechLib.model.person import Person
from ThoraxAILib.jobs.progress import Progress, Report


def analyze_cine(
    exam: Path | str,
    output: Path | str,
    label: Path | str | None = None,
    frame: int = 1,
    options: StudyOptions | None = None,
    *,
    person: Person | None = None,
    engines: EnginesOfStudy | None = None,
    with_scene: bool = False,
    with_dicom: bool = False,
    resume: bool = False,
    progress: Report | None = None,
) -> dict:
    """Analyze a cine exam of the heart into a folder.

    Args:
        exam: Folder or archive of DICOM files, an ACDC folder, or a 4-D image file.
        output: Folder for the results; older ones in it are replaced, all at once.
        label: Labels of one frame or of every frame; without it the frames are segmented.
        frame: Which frame the labels belong to, counted from 1.
        options: What is measured; the defaults without it.
        person: Height, weight and sex, for indices and normal ranges.
        engines: What segments the frames and follows the wall.
        with_scene: Whether scene.mrb is written too (needs slicer-core).
        with_dicom: Whether DICOM results are written too: SEG of the heart at end-diastole and end-systole, SR of
            the numbers, a capture of the contours (needs highdicom and a DICOM exam of single-frame images).
        resume: Whether an earlier equal result is kept.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.

    Returns:
        The content of cardiac.json (schema thoraxai.cardiac/1).

    Raises:
        InputError: Exam, labels or an option cannot be used; one sentence says why and what to do.
        OutputError: The folder cannot be written.

    Example:
        >>> found = thoraxai.analyze_cine("exam", "out")
        >>> print(found["lv"]["ef_percent"], found["quality"])
    """
    study, folder = Path(os.fspath(exam)), Path(os.fspath(output))
    request = AnalyzeStudyRequest(
        (study,), folder, None if label is None else Path(os.fspath(label)), frame, options=options or StudyOptions(),
        person=person or Person(), engines=engines or EnginesOfStudy(), with_scene=with_scene, with_dicom=with_dicom,
        resume=resume,
    )  # fmt: skip
    return analyze_study_case(request, study, folder, Progress(progress)).result
