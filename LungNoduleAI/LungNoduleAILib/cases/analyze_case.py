"""One case from its files to its folder of results: read, analyze, write, and record how it came about."""

from __future__ import annotations

import hashlib
import json
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.cases.label_map_files import write_label_map
from LungNoduleAILib.cases.requests import NO_LABEL_MAP, CaseRequest
from LungNoduleAILib.guarantee.calibration import calibration_file
from LungNoduleAILib.model.files import (
    ANALYSIS_FILES,
    FINDINGS_CSV,
    FINDINGS_FILE,
    LABEL_MAP_FILES,
    REPORT_FILE,
    REPORT_PDF,
    REPORT_TEXT,
)
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.engines.rules import rules_fingerprint
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import read_volume
from ThoraxAILib.io.slices.dicom_headers import files_below
from ThoraxAILib.jobs.outputs.file_stamp import stamp_of
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.run_record import (
    RunInput,
    RunRecord,
    finish,
    has_result_of,
    has_result_of_files,
    now,
    write_run_record,
)
from ThoraxAILib.jobs.stages import Stages

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.engines import LungEngines
    from LungNoduleAILib.guidelines.terms.person import PersonAndExam
    from LungNoduleAILib.report.prior_exam import PriorExam
    from ThoraxAILib.scene.files.packed_ahead import PackedAhead


@dataclass(frozen=True)
class CaseOutcome:
    """What was found, what was noted while reading, and whether an earlier equal run was taken over."""

    findings: Findings
    notes: tuple[str, ...]
    resumed: bool = False


def analyze_case(request: CaseRequest, progress: Progress, engines: LungEngines | None = None) -> CaseOutcome:
    """Analyze one case into its folder; raises ThoraxAIError with one sentence, and then leaves nothing there.

    ``engines`` are those of the run when they are chosen already; None chooses them by the options.
    """
    from LungNoduleAILib.analysis.engines import choose_engines

    stages, started = Stages(), now()
    engines = engines or choose_engines(request.options)
    with stages.stage("read"):
        volume = read_volume(request.case.path, request.case.selection, progress.part(0.0, 0.1))
    if request.with_dicom:
        from ThoraxAILib.io.dicom_objects.source_images import check_can_be_referred_to

        check_can_be_referred_to(volume)
    record = case_record(request, engines, volume, started)
    if request.resume and has_result_of(request.output, record):
        return CaseOutcome(_findings_in(request.output), volume.notes, resumed=True)
    with OutputFolder(request.output, ANALYSIS_FILES) as folder, _image_ahead(request, volume, folder) as ahead:
        from LungNoduleAILib.analysis.analyze import analyze

        result = analyze(volume, request.options, progress.part(0.1, 0.75), stages, engines)
        record = replace(record, models=engines.models())
        write_case(folder, request, result, record, progress.part(0.75, 1.0), stages, ahead)
    progress(1.0, "Done")
    return CaseOutcome(result.findings, volume.notes)


def _image_ahead(request: CaseRequest, volume: Volume, folder: Path) -> AbstractContextManager[PackedAhead | None]:
    """Return the image of the scene, compressed while the analysis runs; nothing where no scene is written."""
    if not request.with_scene:
        return nullcontext()
    from ThoraxAILib.scene.files.packed_ahead import PackedAhead

    return PackedAhead(volume.array, folder)


def case_record(
    request: CaseRequest, engines: LungEngines, volume: Volume, started: str, files: int | None = None
) -> RunRecord:
    """Return what is known before the analysis; also what --resume compares.

    ``files`` is how many files held the volume, None for those at the path of the case.
    """
    in_files = _count_files(request.case.path) if files is None else files
    stamp = case_stamp(request) if files is None else ""
    source = RunInput.of_volume(volume, request.case.name, in_files, stamp)
    return RunRecord(
        "lung analyze",
        _asked(request),
        (source,),
        engines.models(),
        engines.device,
        engines.device_reason,
        started,
        warnings=volume.notes,
        rules=_rules(),
    )


def _rules() -> str:
    """Return what changes with the source of the analysis; each engine says that of its own."""
    return rules_fingerprint("LungNoduleAILib.analysis.analyze", without=("LungNoduleAILib.analysis.engines",))


def case_stamp(request: CaseRequest) -> str:
    """Return what changes with the files of a case and with the series that is asked for."""
    return stamp_of(request.case.path, request.case.selection or "")


def has_earlier_result(request: CaseRequest, engines: LungEngines) -> bool:
    """Whether an equal run of the same files is there; asks for nothing but the times of files."""
    stamp = case_stamp(request)
    known = _asked(request), (), engines.models(), engines.device, engines.device_reason, ""
    wanted = RunRecord("lung analyze", *known, rules=_rules())
    return bool(stamp) and has_result_of_files(request.output, wanted, stamp)


def _asked(request: CaseRequest) -> dict:
    """Return the options of a case, as they are recorded."""
    written = {
        "scene": request.with_scene,
        "dicom": request.with_dicom and _kind_of_dicom(request),
        "label_map": request.label_map,
    }
    options = {**request.options.recorded(), **written, **request.person.stated()}
    if request.options.calibration is not None:
        options["calibration_sha256"] = hashlib.sha256(
            calibration_file(request.options.calibration).read_bytes()
        ).hexdigest()
    return options


def _kind_of_dicom(request: CaseRequest) -> bool | str:
    return "label maps" if request.dicom_label_maps else True


def _count_files(path: Path) -> int:
    return 1 if path.is_file() else len(files_below(path))


def write_case(
    folder: Path,
    request: CaseRequest,
    result: AnalysisResult,
    record: RunRecord,
    progress: Progress,
    stages: Stages,
    ahead: PackedAhead | None = None,
) -> None:
    """Write every file of a case into ``folder``, the run record as the last.

    ``ahead`` is the image of the scene as far as it is compressed already.
    """
    from LungNoduleAILib.cases.cohort.findings_csv import write_findings_csv
    from LungNoduleAILib.triage.priority import priority_of

    findings = result.findings
    summary = {
        "findings": len(findings.findings),
        "removed": len(findings.removed),
        **{name: findings.lungs.to_dict()[name] for name in ("left_ml", "right_ml", "both_ml")},
        "quality": [note.code for note in findings.lungs.quality],
        "methods": result.methods,
        "priority": priority_of(findings).to_dict(),
    }
    text = json.dumps(findings.to_dict(), indent=2)
    (folder / FINDINGS_FILE).write_text(text + "\n", encoding="utf-8")
    write_findings_csv(folder / FINDINGS_CSV, findings)
    run = finish(record, stages, folder, summary).to_dict()
    progress(0.0, "Writing the report")
    with stages.stage("report"):
        write_reports(folder, result, run, request.case.name, request.person)
    progress(0.4, "Writing the scene" if request.with_scene else "Writing the arrays")
    with stages.stage("scene" if request.with_scene else "arrays"):
        if request.with_scene:
            _write_scene(folder, request.case.name, result, run, ahead)
        else:
            result.save_arrays(folder)
    if request.label_map != NO_LABEL_MAP:
        with stages.stage("label map"):
            write_label_map(folder, result, LABEL_MAP_FILES[request.label_map])
    if request.with_dicom:
        with stages.stage("DICOM results"):
            _write_dicom(folder, request, result)
    write_run_record(folder, finish(record, stages, folder, summary))


def write_reports(
    folder: Path,
    result: AnalysisResult,
    run: dict,
    name: str,
    person: PersonAndExam,
    prior: PriorExam | None = None,
) -> None:
    """Write the report as HTML, as PDF where fpdf2 is installed, and as text for a RIS."""
    from LungNoduleAILib.report.analysis_pdf import write_pdf
    from LungNoduleAILib.report.analysis_report import write_report
    from LungNoduleAILib.report.plain_text import report_text
    from ThoraxAILib.errors import MissingDependencyError

    content = write_report(folder / REPORT_FILE, result, run, person, prior)
    (folder / REPORT_TEXT).write_text(report_text(result, name, person, prior), encoding="utf-8")
    with suppress(MissingDependencyError):
        write_pdf(folder / REPORT_PDF, content)


def _write_scene(folder: Path, name: str, result: AnalysisResult, run: dict, ahead: PackedAhead | None = None) -> None:
    """Write the result as Slicer's own files, made of the same nodes the module shows."""
    from ThoraxAILib.scene import host

    host.install()
    from LungNoduleAILib.scene.analysis_scene import write_analysis_scene

    write_analysis_scene(folder, name, result, run, ahead)


def _write_dicom(folder: Path, request: CaseRequest, result: AnalysisResult) -> None:
    """Write SEG and SR that refer to the images of the case."""
    from LungNoduleAILib.dicom_results.write import write_dicom_results
    from LungNoduleAILib.report.key_pictures import key_pictures
    from ThoraxAILib.io.dicom_objects.source_images import source_images

    sources = source_images(request.case.path, result.volume)
    pictures = key_pictures(result)
    write_dicom_results(folder, result, sources, pictures=pictures, label_maps=request.dicom_label_maps)


def _findings_in(folder: Path) -> Findings:
    return Findings.from_dict(json.loads((folder / FINDINGS_FILE).read_text(encoding="utf-8")))
