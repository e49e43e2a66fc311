"""The files of a follow-up: pairs, findings of each date, difference map, warped prior, transform, report, scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.follow_up import FollowUpResult
from LungNoduleAILib.cases.requests import FollowUpRequest
from LungNoduleAILib.cases.two_dates.pairs_csv import write_pairs_csv
from LungNoduleAILib.cases.two_dates.registration_files import save_registration
from LungNoduleAILib.model import files
from LungNoduleAILib.model.links import write_links
from LungNoduleAILib.report.follow_up import FollowUpPictures, write_follow_up_report
from LungNoduleAILib.report.follow_up_pdf import write_follow_up_pdf
from LungNoduleAILib.report.follow_up_pictures import contact_sheets
from ThoraxAILib.errors import MissingDependencyError
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages
from ThoraxAILib.report.kept_pictures import pictures_to_text
from ThoraxAILib.report.slices import Picture


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
        content = write_follow_up_report(folder / files.REPORT_FILE, result.follow_up, pictures, run, request.person)
        with suppress(MissingDependencyError):
            write_follow_up_pdf(folder / files.REPORT_PDF, content)
    if not request.with_scene:
        progress(0.8, "Writing the arrays")
        with stages.stage("arrays"):
            write_sheets(folder / files.SHEETS_FILE, drawn)
            for number, analysis in enumerate(result.analyses, start=1):
                analysis.save_arrays(folder, f"arrays_{number}.npz")
    if request.with_dicom:
        with stages.stage("DICOM results"):
            write_dicom(folder, result, request.inputs)
    if request.with_scene:
        progress(0.6, "Writing the scene")
        with stages.stage("scene"):
            _write_scene(folder, result, drawn)


def write_dicom(folder: Path, result: FollowUpResult, inputs: Sequence[Path]) -> None:
    """Write SEG of both last dates and SR of growth; ``inputs`` are where the scans were read from."""
    from LungNoduleAILib.dicom_results.follow_up import write_follow_up_results
    from ThoraxAILib.io.dicom_objects.source_images import source_images

    last = zip(inputs[-2:], result.analyses[-2:], strict=True)
    sources = [source_images(path, analysis.volume) for path, analysis in last]
    write_follow_up_results(folder, result.follow_up, result.analyses, sources)


def write_sheets(path: Path, sheets: Sequence[tuple[str, Picture]]) -> None:
    """Write captions and pictures of what changed: how a worker hands them to Slicer."""
    arrays = {f"pixels_{number}": picture.pixels for number, (_, picture) in enumerate(sheets)}
    np.savez_compressed(path, captions=np.array([caption for caption, _ in sheets], dtype=str), **arrays)  # type: ignore[arg-type]


def read_sheets(path: Path) -> tuple[tuple[str, Picture], ...]:
    """Return what write_sheets wrote; raises ValueError or OSError for another file."""
    with np.load(path) as arrays:
        captions = [str(text) for text in arrays["captions"]]
        return tuple(
            (caption, Picture(arrays[f"pixels_{number}"], np.zeros((3, 4)), 1.0))
            for number, caption in enumerate(captions)
        )


def _write_tables(folder: Path, result: FollowUpResult, request: FollowUpRequest) -> None:
    text = json.dumps(result.follow_up.to_dict(), indent=2)
    (folder / files.PAIRS_FILE).write_text(text + "\n", encoding="utf-8")
    write_pairs_csv(folder / files.PAIRS_CSV, result.follow_up)
    write_links(request.options.decisions, folder / files.LINKS_FILE)
    for number, analysis in enumerate(result.analyses, start=1):
        found = json.dumps(analysis.findings.to_dict(), indent=2)
        (folder / f"findings_{number}.json").write_text(found + "\n", encoding="utf-8")


def _write_scene(folder: Path, result: FollowUpResult, drawn: Sequence[tuple[str, Picture]]) -> None:
    """Both last scans with their nodules as segments and the follow-up, as one Slicer bundle."""
    from ThoraxAILib.scene import host

    host.install()
    from LungNoduleAILib.scene.follow_up_scene import write_follow_up_scene

    transform = folder / files.TRANSFORM_FILE
    registered = transform if transform.is_file() else None
    write_follow_up_scene(folder / files.SCENE_FILE, result, registered, pictures_to_text(drawn))
