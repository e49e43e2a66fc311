"""What a trainee has done so far with nodules: what an entry holds, and all of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from LungNoduleAILib.practice.score import Score
from ThoraxAILib.practice.score_book import ScoreBook

COLUMNS = ("seed", "difficulty", "nodules", "found", "missed", "false_marks", "size_error_mm", "seconds")
BOOK = ScoreBook("thoraxai.practice/1", COLUMNS)


def add_progress(path: Path, seed: int, difficulty: str, score: Score) -> list[dict]:
    """Add a case to the file, which is written at once, and return all entries."""
    entry = {
        "seed": seed,
        "difficulty": difficulty,
        "nodules": len(score.found) + len(score.missed),
        "found": len(score.found),
        "missed": len(score.missed),
        "false_marks": len(score.false_marks),
        "size_error_mm": score.size_error_mm,
        "seconds": score.seconds,
    }
    return BOOK.add(path, entry)


def progress_words(entries: Sequence[dict]) -> str:
    """Return how many nodules of all cases were found, and how many marks were false per case."""
    nodules, found = (sum(entry[name] for entry in entries) for name in ("nodules", "found"))
    false_marks = sum(entry["false_marks"] for entry in entries)
    cases = f"{len(entries)} case{'s' * (len(entries) != 1)}"
    return f"{cases}: {found} of {nodules} nodules found, {false_marks / max(len(entries), 1):.1f} false marks per case"
