"""The files of a follow-up: pairs, findings of each date, difference map, warped prior, transform, report, scene."""

from __future__ import annotations

import json
from pathlib import Path

from LungNoduleAILib.analysis.follow_up import FollowUpResult
from LungNoduleAILib.cases.pairs_csv import write_pairs_csv
from LungNoduleAILib.cases.registration_files import save_registration
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.model import files
from LungNoduleAILib.model.links import write_links
from LungNoduleAILib.report.follow_up import FollowUpPictures, write_follow_up_report
from LungNoduleAILib.report.follow_up_pictures import contact_sheets
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages


def write_results(
    folder: Path, result: FollowUpResult, request: FollowUpRequest, run: dict, progress: Progress, stages: Stages
) -> None:
    """Write everything but the run record into ``folder``; ``run`` is the run record so far."""
    _write_tables(folder, result, request)
    last = result.comparisons[-1]
    progress(0.1, "Writing the registration")
    with stages.stage("volumes"):
        if last.registration is not None:
            save_registration(folder, last.registration, last.difference)
    progress(0.4, "Writing the report")
    with stages.stage("report"):
        prior, current = result.analyses[-2].volume, result.analyses[-1].volume
        drawn = () if last.registration is None else contact_sheets(current, last.registration, last.difference)
        warped = None if last.registration is None else last.registration.warped_prior
        masks = tuple({one.id: one for one in analysis.findings.findings} for analysis in result.analyses[-2:])
        pictures = FollowUpPictures(prior, current, warped, drawn, masks[0], masks[1])
        write_follow_up_report(folder / files.REPORT_FILE, result.follow_up, pictures, run, request.person)
    if request.with_scene:
        progress(0.6, "Writing the scene")
        with stages.stage("scene"):
            _write_scene(folder, result, request)


def _write_tables(folder: Path, result: FollowUpResult, request: FollowUpRequest) -> None:
    text = json.dumps(result.follow_up.to_dict(), indent=2)
    (folder / files.PAIRS_FILE).write_text(text + "\n", encoding="utf-8")
    write_pairs_csv(folder / files.PAIRS_CSV, result.follow_up)
    write_links(request.options.decisions, folder / files.LINKS_FILE)
    for number, analysis in enumerate(result.analyses, start=1):
        found = json.dumps(analysis.findings.to_dict(), indent=2)
        (folder / f"findings_{number}.json").write_text(found + "\n", encoding="utf-8")


def _write_scene(folder: Path, result: FollowUpResult, request: FollowUpRequest) -> None:
    """Both last scans with their nodules as segments and the follow-up, as one Slicer bundle."""
    from ThoraxAILib.scene import host

    host.install()
    from LungNoduleAILib.scene.follow_up_scene import write_follow_up_scene

    transform = folder / files.TRANSFORM_FILE
    write_follow_up_scene(folder / files.SCENE_FILE, result, transform if transform.is_file() else None)
