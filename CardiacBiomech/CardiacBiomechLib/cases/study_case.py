"""One study from its files to its folder of results: read, analyze, write, and record how it came about."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from CardiacBiomechLib.cases.study_diagnosis import (
    chosen_diagnosis,
    diagnosis_folder,
    diagnosis_hash,
    diagnosis_section,
)
from CardiacBiomechLib.cases.study_files import (
    BULLS_EYES,
    CONTOURS,
    DRIVERS,
    REPORT,
    RESULT,
    SCENE,
    owned_names,
    write_data,
    write_result,
)
from CardiacBiomechLib.cases.study_input import StudyInput, read_study
from CardiacBiomechLib.cases.study_requests import AnalyzeStudyRequest, EnginesOfStudy
from CardiacBiomechLib.cine.acdc import is_patient
from CardiacBiomechLib.motion.engines import choose_motion_engine
from CardiacBiomechLib.motion.protocol import MotionEngine
from CardiacBiomechLib.segmentation.protocol import HEART_SEGMENTER, HeartSegmenter
from ThoraxAILib.engines.chosen import ChosenEngine
from ThoraxAILib.engines.registry import AUTO, REGISTRY
from ThoraxAILib.engines.rules import rules_fingerprint
from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.jobs.outputs.file_stamp import stamp_of
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.run_record import (
    RunInput,
    RunRecord,
    finish,
    has_result_of,
    has_result_of_files,
    hash_volume,
    now,
    write_run_record,
)
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.networks.device import select_device

if TYPE_CHECKING:
    import numpy as np

    from CardiacBiomechLib.analysis.study import StudyResult


@dataclass(frozen=True)
class StudyOutcome:
    """What cardiac.json holds, and whether an earlier equal run was taken over."""

    result: dict
    resumed: bool = False


@dataclass(frozen=True, eq=False)
class StudyEngines:
    """The engines of a run: what is chosen here is what runs and what the record names."""

    motion: ChosenEngine[MotionEngine]
    segmenter: ChosenEngine[HeartSegmenter] | None
    device: str
    device_reason: str


def choose_engines(asked: EnginesOfStudy, needs_segmenter: bool) -> StudyEngines:
    """Return the engines; without a segmenter that can run ``segmenter`` is None unless one was asked for by name."""
    device, reason = select_device(asked.device)
    motion = choose_motion_engine(asked.motion, asked.preset, None, asked.threads, asked.device)
    segmenter: ChosenEngine[HeartSegmenter] | None = None
    if needs_segmenter:
        _known_segmenters()
        try:
            engine, why = REGISTRY.choose(HEART_SEGMENTER, asked.segmenter)
            given = {} if asked.segmenter_weights is None else {"weights": asked.segmenter_weights}
            segmenter = ChosenEngine(engine, why, device if engine.uses_device else "cpu", given)
        except MissingDependencyError:
            if asked.segmenter != AUTO:
                raise
    return StudyEngines(motion, segmenter, device, reason)


def _known_segmenters() -> None:
    """Let the module's own segmenters come into the registry."""
    importlib.import_module("CardiacBiomechLib.segmentation.engines")


def segmenter_names() -> tuple[str, ...]:
    """Return the names of the segmenters that can be chosen, "auto" first."""
    _known_segmenters()
    return REGISTRY.names(HEART_SEGMENTER)


def analyze_study_case(request: AnalyzeStudyRequest, path: Path, output: Path, progress: Progress) -> StudyOutcome:
    """Analyze one study into its folder; raises ThoraxAIError with one sentence, and then leaves nothing there."""
    stages, started = Stages(), now()
    if request.resume:
        engines = choose_engines(request.engines, needs_segmenter(request, path))
        if has_earlier_result(request, path, output, engines):
            return StudyOutcome(_result_in(output), resumed=True)
    with stages.stage("read"):
        read = read_study(
            path,
            request.label,
            request.frame,
            request.readers_labels,
            request.options,
            request.person,
            progress.part(0.0, 0.1),
            request.series,
        )
    if request.with_dicom:
        from CardiacBiomechLib.dicom_results.write import check_can_be_referred_to

        check_can_be_referred_to(read.cine)
    engines = choose_engines(request.engines, read.given is None)
    record = _record(request, path, read, engines, started)
    if request.resume and has_result_of(output, record):
        return StudyOutcome(_result_in(output), resumed=True)
    with OutputFolder(output, owned_names()) as folder:
        found = _write(folder, request, path, read, engines, record, progress.part(0.1, 1.0), stages)
    progress(1.0, "Done")
    return StudyOutcome(found)


def has_earlier_result(request: AnalyzeStudyRequest, path: Path, output: Path, engines: StudyEngines) -> bool:
    """Whether an equal run of the same files is there; asks for nothing but the times of files."""
    stamp = study_stamp(request, path)
    device = engines.device, engines.device_reason
    wanted = RunRecord("cardiac analyze", {}, (), _models(engines), *device, "", rules=_rules())
    return bool(stamp) and has_result_of_files(output, wanted, stamp, options_in_stamp=True)


def study_stamp(request: AnalyzeStudyRequest, path: Path) -> str:
    """Return what changes with the files of a study, its labels, the diagnosis model and all that is asked."""
    labels = "" if request.label is None else stamp_of(request.label)
    model = diagnosis_folder(request)
    return stamp_of(path, labels, "" if model is None else stamp_of(model), request.asked())


def needs_segmenter(request: AnalyzeStudyRequest, path: Path) -> bool:
    """Whether no labels are given with a study, as far as that can be seen without opening it."""
    return request.label is None and not (request.readers_labels and is_patient(path))


def _result_in(folder: Path) -> dict:
    return json.loads((folder / RESULT).read_text(encoding="utf-8"))


def _write(
    folder: Path,
    request: AnalyzeStudyRequest,
    path: Path,
    read: StudyInput,
    engines: StudyEngines,
    record: RunRecord,
    progress: Progress,
    stages: Stages,
) -> dict:
    from CardiacBiomechLib.report.study_report import write_study_report

    name = path.resolve().name
    result = _analyzed(request, read, engines, progress.part(0.0, 0.8), stages)
    with stages.stage("write"):
        progress(0.8, "Writing the results")
        write_data(result, folder)
        write_result(result.study, folder)
        contours = _write_pictures(folder, result)
    if request.with_dicom:
        with stages.stage("DICOM results"):
            _write_dicom(folder, path, result, engines, contours)
    summary = _summary(result, read)
    record = replace(record, models=_models(engines))
    with stages.stage("report"):
        progress(0.9, "Writing the report")
        run = finish(record, stages, folder, summary).to_dict()
        write_study_report(folder / REPORT, result, run, name)
    if request.with_scene:
        with stages.stage("scene"):
            progress(0.95, "Writing the scene")
            _write_scene(folder, name, result)
    write_run_record(folder, finish(record, stages, folder, summary))
    return result.study.to_dict()


def _analyzed(
    request: AnalyzeStudyRequest, read: StudyInput, engines: StudyEngines, progress: Progress, stages: Stages
) -> StudyResult:
    """Return the analysis, with its diagnosis where one is asked for."""
    from CardiacBiomechLib.analysis.study import analyze_study

    diagnosis = chosen_diagnosis(request)
    motion, segmenter = engines.motion.made, None if engines.segmenter is None else engines.segmenter.made
    given, views = read.given, read.views
    result = analyze_study(read.cine, read.options, read.person, motion, segmenter, given, views, progress, stages)
    if diagnosis is None:
        return result
    with stages.stage("diagnose"):
        said = diagnosis_section(diagnosis, result.study, read.person)
    return replace(result, study=replace(result.study, diagnosis=said))


def _summary(result: StudyResult, read: StudyInput) -> dict:
    """Return what the run record says of the results."""
    return {
        "read": result.study.source,
        "lv_ef_percent": round(result.study.lv.ef_percent, 1),
        "quality": [verdict.code for verdict in result.study.quality],
        "group": read.group,
    }


def _write_dicom(folder: Path, path: Path, result: StudyResult, engines: StudyEngines, contours: np.ndarray) -> None:
    """Write SEG, SR and a capture that refer to the images of the exam."""
    from CardiacBiomechLib.cine.read_cine import exam_files
    from CardiacBiomechLib.dicom_results.write import write_dicom_results
    from ThoraxAILib.io.opened import opened

    made_by = {"motion": (engines.motion.name, engines.motion.fingerprint)}
    labels = {"segmented": engines.segmenter, "carried": engines.motion}.get(result.study.methods["labels"])
    if labels is not None:
        made_by["labels"] = (labels.name, labels.fingerprint)
    with opened(path) as inside, exam_files(inside, path.name) as files:
        write_dicom_results(folder, result, files, made_by, (contours,))


def _write_pictures(folder: Path, result: StudyResult) -> np.ndarray:
    """Write the pictures; the contours (RGB) are given back."""
    from CardiacBiomechLib.report.bulls_eye import bulls_eye_sheet
    from CardiacBiomechLib.report.diagnosis_section import region_picture
    from CardiacBiomechLib.report.study_contours import study_contours
    from ThoraxAILib.report import encoded

    contours = study_contours(result)
    (folder / CONTOURS).write_bytes(encoded(contours))
    (folder / BULLS_EYES).write_bytes(encoded(bulls_eye_sheet(result.study)))
    drivers = region_picture(result.study)
    if drivers is not None:
        (folder / DRIVERS).write_bytes(encoded(drivers))
    return contours


def _write_scene(folder: Path, name: str, result) -> None:
    from ThoraxAILib.scene import host

    host.install()
    from CardiacBiomechLib.report.bulls_eye import bulls_eye_sheet
    from CardiacBiomechLib.scene.study_scene import write_study_scene

    write_study_scene(folder / SCENE, name, result, bulls_eye_sheet(result.study))


def _record(
    request: AnalyzeStudyRequest, path: Path, read: StudyInput, engines: StudyEngines, started: str
) -> RunRecord:
    """Return what is known before the analysis; also what --resume compares."""
    first = read.cine.frames[0]
    digest = hashlib.sha256("".join(hash_volume(frame) for frame in read.cine.frames).encode())
    for view in read.views:
        digest.update("".join(hash_volume(frame) for frame in view.frames).encode())
    source = replace(
        RunInput.of_volume(first, path.resolve().name, len(read.cine.frames), study_stamp(request, path)),
        sha256=digest.hexdigest(),
    )
    inputs = [source]
    if read.given is not None:
        inputs += [
            RunInput.of_volume(labels, f"labels {number}", 1) for number, labels in enumerate(read.given.labels, 1)
        ]
    options = {
        **read.options.to_dict(),
        "person": read.person.to_dict(),
        "frame": request.frame if read.given is not None else None,
        "readers_labels": request.readers_labels,
        "series": list(request.series),
        "engines": {
            **request.engines.to_dict(),
            "segmenter_weights": None
            if request.engines.segmenter_weights is None
            else request.engines.segmenter_weights.name,
        },
        "scene": request.with_scene,
        "dicom": request.with_dicom,
        "diagnosis": diagnosis_hash(request),
    }
    return RunRecord(
        "cardiac analyze",
        options,
        tuple(inputs),
        _models(engines),
        engines.device,
        engines.device_reason,
        started,
        warnings=read.cine.notes,
        rules=_rules(),
    )


def _rules() -> str:
    """Return what changes with the source of analysis and diagnosis; each engine says that of its own."""
    return rules_fingerprint("CardiacBiomechLib.analysis.study", "CardiacBiomechLib.diagnosis.explanation.explain")


def _models(engines: StudyEngines) -> tuple:
    found = [engines.motion.model("motion")]
    if engines.segmenter is not None:
        found.append(engines.segmenter.model("segmenter"))
    return tuple(found)
