"""A practice case as files: the CT alone, and after the marks are locked the truth, the score and the look-alikes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from LungNoduleAILib.cases.requests import PracticeRequest
from LungNoduleAILib.practice.cases import PracticeCase, make_practice_case
from LungNoduleAILib.practice.progress import add_progress, export_progress, progress_words
from LungNoduleAILib.practice.score import Mark, Score, score_marks
from ThoraxAILib.errors import InputError
from ThoraxAILib.jobs.output_folder import OutputFolder
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
    request: PracticeRequest, rows: Sequence[tuple[float, ...]], software: Sequence[tuple[float, ...]] | None
) -> list[str]:
    """Score the marks of a case, write score.json, add it to the progress, and return all of it in lines."""
    case = make_practice_case(request.seed, request.difficulty)
    own = score_marks(_marks(rows), case.phantom.nodules, request.seconds)
    theirs = None if software is None else score_marks(_marks(software), case.phantom.nodules)
    with OutputFolder(request.output, (SCORE_FILE,)) as folder:
        text = json.dumps(_document(case, own, theirs), indent=2)
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
        export_progress(entries, request.progress.with_suffix(".csv"))
        lines.append(f"So far {progress_words(entries)}.")
    return lines


def _marks(rows: Sequence[tuple[float, ...]]) -> list[Mark]:
    marks = []
    for right, anterior, superior, diameter in rows:
        if not all(math.isfinite(mm) for mm in (right, anterior, superior)):
            raise InputError("A mark has no place: give r_mm, a_mm and s_mm of each.")
        marks.append(Mark((right, anterior, superior), diameter if math.isfinite(diameter) else None))
    return marks


def _document(case: PracticeCase, own: Score, theirs: Score | None) -> dict:
    return {
        "seed": case.seed,
        "difficulty": case.difficulty,
        "score": own.to_dict(),
        "software": None if theirs is None else theirs.to_dict(),
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
