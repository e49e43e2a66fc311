"""A practice case as files: the CT alone, and after the marks are locked the truth, the score and the look-alikes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict

from LungNoduleAILib.cases.requests import PracticeRequest
from LungNoduleAILib.practice.cases import PracticeCase, make_practice_case
from LungNoduleAILib.practice.progress import BOOK, add_progress, progress_words
from LungNoduleAILib.practice.score import Mark, Score, score_marks
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress

CT_FILE, SCORE_FILE = "ct.nrrd", "score.json"


def write_case(request: PracticeRequest, progress: Progress) -> None:
    """Write the CT of the case; nothing beside it tells where its nodules are."""
    import SimpleITK as sitk

    from ThoraxAILib.image.itk_geometry import placed_image

    progress(0.0, "Making a practice case")
    volume = make_practice_case(request.seed, request.difficulty).phantom.volume
    with OutputFolder(request.output, (SCORE_FILE, CT_FILE)) as folder:
        image = placed_image(sitk.GetImageFromArray(volume.array), volume)
        sitk.WriteImage(image, str(folder / CT_FILE), useCompression=True)


def score_case(
    request: PracticeRequest,
    rows: Sequence[tuple[float, ...]],
    software: Sequence[tuple[float, ...]] | None,
    progress: Progress | None = None,
) -> list[str]:
    """Score the marks of a case, write score.json, add it to the progress, and return all of it in lines.

    ``software`` are the marks of the software; with ``request.analyze`` it reads the case now instead.
    """
    progress = progress or Progress()
    progress(0.0, "Making the case once more, with its truth")
    case = make_practice_case(request.seed, request.difficulty)
    marks = _marks(rows)
    ai_marks = None if software is None else _marks(software)
    if request.analyze:
        ai_marks = _marks_of_software(case, progress.part(0.2, 0.95))
    own = score_marks(marks, case.phantom.nodules, request.seconds)
    theirs = None if ai_marks is None else score_marks(ai_marks, case.phantom.nodules)
    with OutputFolder(request.output, (SCORE_FILE,)) as folder:
        text = json.dumps(_document(case, (marks, own), (ai_marks, theirs)), indent=2)
        (folder / SCORE_FILE).write_text(text + "\n", encoding="utf-8")
    lines = [_words("You", own)] + ([] if theirs is None else [_words("The software", theirs)])
    lines += [f"  {_nodule_words(case, name)}: found" for name in own.found]
    lines += [f"  {_nodule_words(case, name)}: missed" for name in own.missed]
    lines += [f"  mark {number + 1}: no nodule is there" for number in own.false_marks]
    lines += [
        f"Looks like a nodule: {one.what} at RAS {_place(one.center_ras_mm)}. {one.why}" for one in case.look_alikes
    ]
    if request.progress is not None:
        entries = add_progress(request.progress, request.seed, request.difficulty, own)
        BOOK.export(entries, request.progress.with_suffix(".csv"))
        lines.append(f"So far {progress_words(entries)}.")
    return lines


def _marks(rows: Sequence[tuple[float, ...]]) -> list[Mark]:
    marks = []
    for right, anterior, superior, diameter in rows:
        if not all(math.isfinite(mm) for mm in (right, anterior, superior)):
            raise InputError("A mark has no place: give r_mm, a_mm and s_mm of each.")
        marks.append(Mark((right, anterior, superior), diameter if math.isfinite(diameter) else None))
    return marks


def _marks_of_software(case: PracticeCase, progress: Progress) -> list[Mark]:
    """Return what an analysis of the case reports, as it stands in the findings table of the panel."""
    from LungNoduleAILib.analysis.analyze import analyze
    from LungNoduleAILib.analysis.engines import choose_engines
    from LungNoduleAILib.model.options import AnalysisOptions
    from ThoraxAILib.jobs.stages import Stages

    options = AnalysisOptions()
    result = analyze(case.phantom.volume, options, progress, Stages(), choose_engines(options))
    return [Mark(one.center_ras_mm, one.mean_diameter_mm) for one in result.findings.findings]


def _document(
    case: PracticeCase, own: tuple[list[Mark], Score], theirs: tuple[list[Mark] | None, Score | None]
) -> dict:
    """Return score.json: both scores with the marks that their numbers count, nodules and look-alikes."""
    ai_marks, ai_score = theirs
    return {
        "seed": case.seed,
        "difficulty": case.difficulty,
        "score": own[1].to_dict(),
        "marks": [asdict(mark) for mark in own[0]],
        "software": None if ai_score is None else ai_score.to_dict(),
        "software_marks": None if ai_marks is None else [asdict(mark) for mark in ai_marks],
        "nodules": [nodule.to_dict() for nodule in case.phantom.nodules],
        "look_alikes": [one.to_dict() for one in case.look_alikes],
    }


def _words(who: str, score: Score) -> str:
    total = len(score.found) + len(score.missed)
    size = "" if score.size_error_mm is None else f", sizes off by {score.size_error_mm:.1f} mm on average"
    time = "" if score.seconds is None else f", in {score.seconds:.0f} s"
    return f"{who}: {len(score.found)} of {total} nodules found, {len(score.false_marks)} false marks{size}{time}"


def _nodule_words(case: PracticeCase, name: str) -> str:
    nodule = next(one for one in case.phantom.nodules if one.id == name)
    return f"{name}, {nodule.lobe}, {nodule.diameter_mm:.1f} mm {nodule.type} at RAS {_place(nodule.center_ras_mm)}"


def _place(point: tuple[float, float, float]) -> str:
    return f"({', '.join(f'{mm:.0f}' for mm in point)}) mm"
