"""A practice case as files: the cine alone, and after the reading is locked the truth, the score and the reasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from CardiacBiomechLib.cases.practice.requests import PracticeRequest
from CardiacBiomechLib.cases.practice.software import software_reading
from CardiacBiomechLib.cine.frame_sequence import write_frame_sequence
from CardiacBiomechLib.model.person import Person
from CardiacBiomechLib.practice.cases import PracticeCase, make_practice_case
from CardiacBiomechLib.practice.comparison import practice_rows, reasons, score_words
from CardiacBiomechLib.practice.own_cases import OWN, own_case
from CardiacBiomechLib.practice.progress import BOOK, entry_of, of_cases, progress_words
from CardiacBiomechLib.practice.reading import Reading, Score, Truth, score_reading
from CardiacBiomechLib.synthesis.groups import GROUPS
from ThoraxAILib.errors import InputError, OutputError
from ThoraxAILib.jobs.outputs.output_folder import OutputFolder
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.practice.open_case import close_case, keep_open_case, read_open_case
from ThoraxAILib.practice.score_book import next_seed

CINE_FILE, CASE_FILE, SCORE_FILE = "cine.seq.nrrd", "case.json", "score.json"
SCHEMA = "thoraxai.cardiac-practice-score/1"
T = TypeVar("T")


@dataclass(frozen=True)
class CaseName:
    """Which case: number, difficulty (``own`` for cases of one's own), and the name of their folder."""

    seed: int
    difficulty: str
    cases: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"seed": self.seed, "difficulty": self.difficulty, "cases": self.cases}


def write_case(request: PracticeRequest, progress: Progress) -> CaseName:
    """Write the cine of the case, with height and weight; nothing beside it tells what is true of it."""
    name = _name_of(request)
    progress(0.0, "Making a practice case")
    case = _case(request, name)
    cine = case.cine()
    with OutputFolder(request.output, (SCORE_FILE, CINE_FILE, CASE_FILE)) as folder:
        write_frame_sequence(cine.frames, folder / CINE_FILE)
        shown = {**name.to_dict(), "frames": len(cine.frames), "person": _shown(case.person)}
        (folder / CASE_FILE).write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")
    if request.progress is not None:
        _kept(lambda: keep_open_case(request.progress or Path(), name.to_dict()))
    return name


def score_case(request: PracticeRequest, reading: Reading, progress: Progress | None = None) -> list[str]:
    """Score a reading, write score.json, add it to the progress, and return all of it in lines.

    A case counts once: its truth was shown. The same reading again shows the same score and is not added; raises
    InputError for another reading.
    """
    progress = progress or Progress()
    name = _name_of(request)
    entries = [] if request.progress is None else BOOK.read(request.progress)
    earlier = _earlier(entries, name)
    if earlier is not None and any(earlier[key] != value for key, value in vars(reading).items()):
        raise InputError(f"Case {name.seed} was locked before and its truth was shown: go on to the next one.")
    progress(0.0, "Making the case once more, with its truth")
    case = _case(request, name)
    truth = case.truth()
    reading.check(truth.frames, tuple(GROUPS))
    score = score_reading(reading, truth, request.seconds)
    software, theirs = None, None
    if request.analyze:
        software, theirs = _software(case, truth, request.model, progress.part(0.1, 0.95))
    if request.progress is not None and earlier is None:
        path, entry = request.progress, entry_of(name.seed, name.difficulty, name.cases, reading, score, theirs)
        entries = _kept(lambda: BOOK.add(path, entry))
    document = _document(name, truth, reading, score, software)
    with OutputFolder(request.output, (SCORE_FILE,)) as folder:
        (folder / SCORE_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    lines = score_words(document).split("\n")
    lines += [
        f"  {row.what}: {row.truth}; you {row.you}" + (f"; software {row.software}" if row.software else "")
        for row in practice_rows(document)
    ]
    lines += [f"  {sentence}" for sentence in reasons(document)]
    if request.progress is not None:
        path = request.progress
        _kept(lambda: close_case(path))
        _kept(lambda: BOOK.export(entries, path.with_suffix(".csv")))
        lines.append(f"So far {progress_words(entries)}.")
    return lines


def _name_of(request: PracticeRequest) -> CaseName:
    """Return the case that is asked for: by its number, else the open one, else the next one of its kind."""
    difficulty = request.difficulty if request.cases is None else OWN
    folder = "" if request.cases is None else request.cases.resolve().name
    if request.seed is not None:
        return CaseName(request.seed, difficulty, folder)
    if request.progress is None:
        return CaseName(1, difficulty, folder)
    entries, kept = BOOK.read(request.progress), read_open_case(request.progress) or {}
    if (kept.get("difficulty"), kept.get("cases")) == (difficulty, folder) and isinstance(kept.get("seed"), int):
        name = CaseName(kept["seed"], difficulty, folder)
        if request.reading is not None or _earlier(entries, name) is None:
            return name
    return CaseName(next_seed(of_cases(entries, folder), difficulty), difficulty, folder)


def _earlier(entries: list[dict[str, Any]], name: CaseName) -> dict[str, Any] | None:
    """Return the entry of a case that was locked before, None without one."""
    return next((one for one in entries if all(one[key] == value for key, value in name.to_dict().items())), None)


def _case(request: PracticeRequest, name: CaseName) -> PracticeCase:
    if request.cases is not None:
        return own_case(request.cases, name.seed)
    return make_practice_case(name.seed, name.difficulty)


def _software(
    case: PracticeCase, truth: Truth, model: Path | None, progress: Progress
) -> tuple[dict[str, Any], Score | None]:
    told = software_reading(case, model, progress)
    if "failed" in told:
        return told, None
    reading = Reading(told["ed_frame"], told["es_frame"], told["ef_percent"], told["diagnosis"])
    score = score_reading(reading, truth)
    return {**told, "score": score.to_dict()}, score


def _document(
    name: CaseName, truth: Truth, reading: Reading, score: Score, software: dict[str, Any] | None
) -> dict[str, Any]:
    """Return score.json."""
    return {
        "schema": SCHEMA,
        "research_use": "Research use only, not a medical device.",
        **name.to_dict(),
        "frames": truth.frames,
        "reading": vars(reading),
        "truth": {**vars(truth.reading), "source": truth.source, "why": list(truth.why)},
        "score": score.to_dict(),
        "software": software,
    }


def _shown(person: Person) -> dict[str, Any]:
    return {"height_cm": person.height_cm, "weight_kg": person.weight_kg}


def _kept(write: Callable[[], T]) -> T:
    """Return what writing the progress returns; raises OutputError."""
    try:
        return write()
    except OSError as error:
        raise OutputError(f"The progress cannot be kept ({error.strerror}): name another file.") from error
