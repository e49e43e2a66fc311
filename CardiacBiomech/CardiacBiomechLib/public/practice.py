"""``thoraxai.practice_cine`` and ``thoraxai.score_cine``: a hidden heart to read, and the truth once it is read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from CardiacBiomechLib.cases.practice.practice_case import SCORE_FILE, score_case, write_case
from CardiacBiomechLib.cases.practice.requests import PracticeRequest
from CardiacBiomechLib.practice.reading import Reading
from ThoraxAILib.jobs.progress import Progress, Report


def practice_cine(
    output: Path | str,
    seed: int = 1,
    difficulty: str = "medium",
    *,
    cases: Path | str | None = None,
    progress: Report | None = None,
) -> Path:
    """Write a cine to practise with; nothing beside it tells what is true of it.

    Args:
        output: Folder for cine.seq.nrrd and case.json (height and weight).
        seed: Which case; the same arguments give the same one.
        difficulty: easy, medium or hard.
        cases: Folder of ACDC patients with readers' labels, instead of synthetic hearts.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.

    Returns:
        The folder.

    Raises:
        InputError: There is no such case; one sentence says why and what to do.
        OutputError: The folder cannot be written.

    Example:
        >>> thoraxai.practice_cine("case", seed=3)
        >>> told = thoraxai.score_cine("case", 1, 7, 35.0, "DCM", seed=3)
        >>> print(told["score"], told["truth"]["why"])
    """
    folder = Path(os.fspath(output))
    request = PracticeRequest(folder, seed, difficulty, _path(cases))
    write_case(request, Progress(progress))
    return folder


def score_cine(
    output: Path | str,
    ed_frame: int,
    es_frame: int,
    ef_percent: float,
    diagnosis: str,
    seed: int = 1,
    difficulty: str = "medium",
    *,
    cases: Path | str | None = None,
    analyze: bool = False,
    model: Path | str | None = None,
    progress: Report | None = None,
) -> dict[str, Any]:
    """Score a reading of a practice cine, and say what is true and why.

    Args:
        output: Folder for score.json.
        ed_frame: Your end-diastole, counted from 1.
        es_frame: Your end-systole.
        ef_percent: Your ejection fraction of the left ventricle.
        diagnosis: DCM, HCM, MINF, NOR or RV.
        seed: Which case, as it was asked for.
        difficulty: Its difficulty.
        cases: Its folder, for patients of ACDC.
        analyze: Whether the software reads the case too, and says why it answers so (needs PyTorch).
        model: Folder of the diagnosis the software takes; without it the one trained on synthetic hearts.
        progress: Called with a fraction (0 to 1) and a sentence; may raise Cancelled to stop.

    Returns:
        The content of score.json: ``reading``, ``truth`` with ``why``, ``score``, ``software``.

    Raises:
        InputError: There is no such case, frame or group; one sentence says why and what to do.
        OutputError: The folder cannot be written.

    Example:
        >>> told = thoraxai.score_cine("case", 1, 7, 35.0, "DCM", seed=3)
    """
    reading = Reading(ed_frame, es_frame, float(ef_percent), diagnosis)
    folder = Path(os.fspath(output))
    request = PracticeRequest(folder, seed, difficulty, _path(cases), analyze=analyze, model=_path(model))
    score_case(request, reading, Progress(progress))
    return json.loads((folder / SCORE_FILE).read_text(encoding="utf-8"))


def _path(given: Path | str | None) -> Path | None:
    return None if given is None else Path(os.fspath(given))
