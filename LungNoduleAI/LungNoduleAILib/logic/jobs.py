"""The analysis as a child process: the command line is the worker, so panel and batch run the same code."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import slicer

from LungNoduleAILib.logic.logic import LungNoduleAILogic
from LungNoduleAILib.model.options import AnalysisOptions
from ThoraxAILib.jobs.child_job import ChildJob
from ThoraxAILib.jobs.child_python import child_environment, python_interpreter
from ThoraxAILib.jobs.work_folder import WorkFolder

PACKAGES = ("ThoraxAILib", "LungNoduleAILib")


def analysisJob(
    logic: LungNoduleAILogic, volumeNode: slicer.vtkMRMLScalarVolumeNode, options: AnalysisOptions
) -> ChildJob:
    """A job, not yet started, that analyzes a copy of the volume; its ``output`` is for LungNoduleAILogic.loadResult.

    Raises InputError or OutputError, with nothing left behind, when the volume cannot be handed over.
    """
    folder = WorkFolder()
    with ExitStack() as onFailure:
        onFailure.callback(folder.remove)
        image = logic.exportVolume(volumeNode, folder.path / "ct.nrrd")
        onFailure.pop_all()
    command = [
        python_interpreter(),
        "-m",
        "ThoraxAILib",
        "lung",
        "analyze",
        str(image),
        "--output",
        str(folder.path / "result"),
        "--scene",
        "none",
        "--events",
        "-",
        "--detector",
        options.detector,
        "--anatomy",
        options.anatomy,
        "--device",
        options.device,
    ]
    if options.threshold is not None:
        command += ["--threshold", str(options.threshold)]
    return ChildJob(command, child_environment(PACKAGES), folder)


def followUpJob(
    exportVolume: Callable,
    priorNode: slicer.vtkMRMLScalarVolumeNode,
    currentNode: slicer.vtkMRMLScalarVolumeNode,
    options: AnalysisOptions,
    days: int | None,
) -> ChildJob:
    """A job that compares copies of two volumes; its ``output`` is for LungFollowUpLogic.loadResult.

    Raises InputError or OutputError, with nothing left behind, when a volume cannot be handed over.
    """
    folder = WorkFolder()
    with ExitStack() as onFailure:
        onFailure.callback(folder.remove)
        scans = [
            exportVolume(node, folder.path / f"{name}.nrrd")
            for name, node in (("prior", priorNode), ("current", currentNode))
        ]
        onFailure.pop_all()
    command = [
        python_interpreter(),
        "-m",
        "ThoraxAILib",
        "lung",
        "follow-up",
        *(str(scan) for scan in scans),
        "--output",
        str(folder.path / "result"),
        "--scene",
        "none",
        "--events",
        "-",
        "--detector",
        options.detector,
        "--anatomy",
        options.anatomy,
        "--device",
        options.device,
    ]
    if options.threshold is not None:
        command += ["--threshold", str(options.threshold)]
    if days is not None:
        command += ["--days", str(days)]
    return ChildJob(command, child_environment(PACKAGES), folder)


def sampleJob() -> ChildJob:
    """A job that makes the sample CT; its ``output`` is for sample_data.loadSample."""
    folder = WorkFolder()
    command = [
        python_interpreter(),
        "-m",
        "ThoraxAILib",
        "lung",
        "phantom",
        "--output",
        str(folder.path / "sample"),
        "--events",
        "-",
    ]
    return ChildJob(command, child_environment(PACKAGES), folder)
