"""One follow-up from its files to its folder of results: read, follow, write, and record how it came about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from LungNoduleAILib.analysis.engines import LungEngines, choose_engines
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.saved_reviews import read_reviews
from LungNoduleAILib.model.files import FOLLOW_UP_FILES, MAX_SCANS
from LungNoduleAILib.model.pairs import FollowUp
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io import find_cases, read_volume
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.run_record import RunInput, RunRecord, finish, now, write_run_record
from ThoraxAILib.jobs.stages import Stages

if TYPE_CHECKING:
    from LungNoduleAILib.analysis.follow_up import FollowUpResult


def follow_up_case(request: FollowUpRequest, progress: Progress) -> FollowUp:
    """Follow one person's scans into a folder; raises ThoraxAIError with one sentence and then leaves nothing."""
    from LungNoduleAILib.followup.growth.scans import check_scans

    if len(request.inputs) > MAX_SCANS:
        raise InputError(f"At most {MAX_SCANS} scans can be followed at once, {len(request.inputs)} were given.")
    stages, started = Stages(), now()
    engines = choose_engines(request.options)
    names = [case_name(path) for path in request.inputs]
    with stages.stage("read"):
        volumes = [read_volume(path, None, progress.part(0.0, 0.08)) for path in request.inputs]
        reviews = read_reviews(request.reviewed, volumes)
    check_scans(volumes, request.options.days)
    if request.with_dicom:
        from ThoraxAILib.io.dicom_objects.source_images import check_can_be_referred_to

        for volume in volumes[-2:]:
            check_can_be_referred_to(volume)
    record = follow_up_record(request, engines, volumes, names, started)
    with OutputFolder(request.output, FOLLOW_UP_FILES) as folder:
        from LungNoduleAILib.analysis.follow_up import follow_up

        result = follow_up(volumes, request.options, progress.part(0.08, 0.8), stages, engines, reviews)
        record = replace(record, models=engines.models())
        write_follow_up(folder, request, result, record, progress.part(0.8, 1.0), stages)
    progress(1.0, "Done")
    return result.follow_up


def write_follow_up(
    folder: Path,
    request: FollowUpRequest,
    result: FollowUpResult,
    record: RunRecord,
    progress: Progress,
    stages: Stages,
) -> None:
    """Write every file of a follow-up into ``folder``, the run record as the last."""
    from LungNoduleAILib.cases.two_dates.follow_up_files import write_results

    summary = _summary(result.follow_up)
    write_results(folder, result, request, finish(record, stages, folder, summary).to_dict(), progress, stages)
    write_run_record(folder, finish(record, stages, folder, summary))


def case_name(path: Path) -> str:
    """Return the case name of an input: that of its file or folder."""
    cases = find_cases([path]) if path.is_file() else []
    return cases[0].name if cases else path.resolve().name


def follow_up_record(
    request: FollowUpRequest, engines: LungEngines, volumes: list[Volume], names: list[str], started: str
) -> RunRecord:
    """Return what is known before the work begins."""
    sources = tuple(RunInput.of_volume(volume, name, 1) for volume, name in zip(volumes, names, strict=True))
    warnings = tuple(
        f"Scan {number}: {note}" for number, volume in enumerate(volumes, start=1) for note in volume.notes
    )
    return RunRecord(
        "lung follow-up",
        {
            **request.options.recorded(),
            "scene": request.with_scene,
            **_more(request),
            **_reviewed(request),
            **request.person.stated(),
        },
        sources,
        engines.models(),
        engines.device,
        engines.device_reason,
        started,
        warnings=warnings,
    )


def _more(request: FollowUpRequest) -> dict:
    """Return that DICOM results were asked for, where they were."""
    return {"dicom": True} if request.with_dicom else {}


def _reviewed(request: FollowUpRequest) -> dict:
    """Return which scans brought a review, where some did."""
    numbers = [one.scan for one in request.reviewed]
    return {"reviewed_scans": numbers} if numbers else {}


def _summary(follow_up: FollowUp) -> dict:
    last = follow_up.intervals[-1]
    statuses = [pair.status for pair in last.pairs]
    growths = [pair.growth.growth for pair in last.pairs if pair.growth is not None]
    return {
        "scans": len(follow_up.scans),
        "pairs": {name: statuses.count(name) for name in sorted(set(statuses))},
        "growth": {name: growths.count(name) for name in sorted(set(growths))},
        "days": last.days,
        "differences": len(last.differences),
        "warnings": list(json.loads(json.dumps(last.warnings))),
    }
