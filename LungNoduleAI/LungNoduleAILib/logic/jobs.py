"""The analysis as a child process: the command line is the worker, so panel and batch run the same code."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import slicer

from LungNoduleAILib.analysis.turned_masks import volume_in_lps
from LungNoduleAILib.cases.requests import (
    ANALYZE,
    EXPLAIN,
    FOLLOW_UP,
    PHANTOM,
    PRACTICE,
    AnalyzeRequest,
    ExplainRequest,
    FollowUpRequest,
    PhantomRequest,
    PracticeRequest,
)
from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.logic.practice import PracticeState, write_marks
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.options import AnalysisOptions
from LungNoduleAILib.model.reviewed import ReviewedScan, reviewed_to_dict
from ThoraxAILib.errors import OutputError
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_command, child_environment
from ThoraxAILib.jobs.work_folder import WorkFolder

PACKAGES = ("ThoraxAILib", "LungNoduleAILib")


def analysis_job(
    logic: LungNoduleAILogic, volume_node: slicer.vtkMRMLScalarVolumeNode, options: AnalysisOptions
) -> ChildJob:
    """Return a job, not yet started, that analyzes a copy of the volume; its ``output`` is for
    LungNoduleAILogic.load_result.

    Raises InputError or OutputError, with nothing left behind, when the volume cannot be handed over.
    """
    folder, image = _handed_over(logic, volume_node)
    request = AnalyzeRequest((image,), folder.path / "result", options, with_scene=False)
    return ChildJob(child_command(ANALYZE, request), child_environment(PACKAGES), folder)


def explain_job(logic: LungNoduleAILogic, volume_node: slicer.vtkMRMLScalarVolumeNode, finding: Finding) -> ChildJob:
    """Return a job that explains a finding on a copy of its CT; its ``output`` is for explanation.show_explanation.

    Raises InputError or OutputError, with nothing left behind, when the volume cannot be handed over.
    """
    folder, image = _handed_over(logic, volume_node)
    request = ExplainRequest(image, folder.path / "result", finding.center_ras_mm, finding.mean_diameter_mm)
    return ChildJob(child_command(EXPLAIN, request), child_environment(PACKAGES), folder)


def _handed_over(logic: LungNoduleAILogic, volume_node: slicer.vtkMRMLScalarVolumeNode) -> tuple[WorkFolder, Path]:
    """Return a new work folder and the copy of the volume in it; nothing is left behind when it cannot be written."""
    folder = WorkFolder()
    with ExitStack() as on_failure:
        on_failure.callback(folder.remove)
        image = logic.export_volume(volume_node, folder.path / "ct.nrrd")
        on_failure.pop_all()
    return folder, image


def follow_up_job(
    logic: LungNoduleAILogic,
    prior_node: slicer.vtkMRMLScalarVolumeNode,
    current_node: slicer.vtkMRMLScalarVolumeNode,
    options: FollowUpOptions,
) -> ChildJob:
    """Return a job that compares copies of two volumes; its ``output`` is for LungNoduleAILogic.load_follow_up.

    What a reader left of an earlier analysis of either goes along. Raises InputError or OutputError, with nothing left
    behind, when a volume cannot be handed over.
    """
    folder = WorkFolder()
    with ExitStack() as on_failure:
        on_failure.callback(folder.remove)
        scans = [
            logic.export_volume(node, folder.path / f"{name}.nrrd")
            for name, node in (("prior", prior_node), ("current", current_node))
        ]
        reviews = [
            ReviewedScan(number, written)
            for number, node in enumerate((prior_node, current_node), start=1)
            if (written := _write_review(logic, node, folder.path / f"review_{number}.json")) is not None
        ]
        on_failure.pop_all()
    request = FollowUpRequest(tuple(scans), folder.path / "result", options, False, tuple(reviews))
    return ChildJob(child_command(FOLLOW_UP, request), child_environment(PACKAGES), folder)


def _write_review(logic: LungNoduleAILogic, volume_node, path: Path) -> Path | None:
    """Write what a reader left of the analysis of a CT; None where nobody said anything. Raises OutputError."""
    found = logic.review_of(volume_node)
    if found is None:
        return None
    document = reviewed_to_dict(found, volume_in_lps(logic.volume_from_node(volume_node)))
    try:
        path.write_text(json.dumps(document), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"The review cannot be handed over ({error.strerror}): free some space.") from error
    return path


def sample_pair_job() -> ChildJob:
    """Return a job that makes two dates of the sample person; its ``output`` is for sample_data.load_sample_pair."""
    folder = WorkFolder()
    request = PhantomRequest(folder.path / "sample", pair=True)
    return ChildJob(child_command(PHANTOM, request), child_environment(PACKAGES), folder)


def practice_case_job(seed: int, difficulty: str) -> ChildJob:
    """Return a job that makes a practice case; its ``output`` is for LungPractice.show_case."""
    folder = WorkFolder()
    request = PracticeRequest(folder.path / "case", seed, difficulty)
    return ChildJob(child_command(PRACTICE, request), child_environment(PACKAGES), folder)


def practice_score_job(case: PracticeState, progress_file: Path) -> ChildJob:
    """Return a job that scores locked marks, lets the software read the case too, and adds to the progress.

    Its ``output`` is for LungPractice.show_score. Raises OutputError when the marks cannot be handed over.
    """
    folder = WorkFolder()
    with ExitStack() as on_failure:
        on_failure.callback(folder.remove)
        marks = write_marks(folder.path / "marks.csv", case.marks)
        on_failure.pop_all()
    request = PracticeRequest(
        folder.path / "score", case.seed, case.difficulty, marks, case.seconds, analyze=True, progress=progress_file
    )
    return ChildJob(child_command(PRACTICE, request), child_environment(PACKAGES), folder)


def sample_job() -> ChildJob:
    """Return a job that makes the sample CT; its ``output`` is for sample_data.load_sample."""
    folder = WorkFolder()
    request = PhantomRequest(folder.path / "sample")
    return ChildJob(child_command(PHANTOM, request), child_environment(PACKAGES), folder)
