"""What a trainee has done so far with cines: what an entry holds, and all of them in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from CardiacBiomechLib.practice.reading import Reading, Score
from ThoraxAILib.practice.score_book import ScoreBook

COLUMNS = (
    "seed",
    "difficulty",
    "cases",
    "ed_frame",
    "es_frame",
    "ef_percent",
    "diagnosis",
    "ed_frames_off",
    "es_frames_off",
    "ef_points_off",
    "right",
    "seconds",
    "software_ef_points_off",
    "software_right",
)
BOOK = ScoreBook("thoraxai.cardiac-practice/1", COLUMNS)


def entry_of(
    seed: int, difficulty: str, cases: str, reading: Reading, score: Score, software: Score | None
) -> dict[str, Any]:
    """Return the entry of a scored case; ``cases`` is the name of a folder of one's own, empty for synthetic ones."""
    return {
        "seed": seed,
        "difficulty": difficulty,
        "cases": cases,
        **vars(reading),
        **score.to_dict(),
        "software_ef_points_off": None if software is None else software.ef_points_off,
        "software_right": None if software is None else software.right,
    }


def of_cases(entries: Sequence[dict[str, Any]], cases: str) -> list[dict[str, Any]]:
    """Return the entries of one folder, or with an empty name of the synthetic cases."""
    return [entry for entry in entries if entry["cases"] == cases]


def progress_words(entries: Sequence[dict[str, Any]]) -> str:
    """Return how often the diagnosis was right, and how far frames and ejection fraction were off on average."""
    count = len(entries)
    told = [entry["right"] for entry in entries if entry["right"] is not None]
    frames = [entry[name] for entry in entries for name in ("ed_frames_off", "es_frames_off")]
    points = [entry["ef_points_off"] for entry in entries]
    return (
        f"{count} case{'s' * (count != 1)}: {sum(told)} of {len(told)} diagnoses right, frames off by "
        f"{sum(frames) / max(len(frames), 1):.1f}, EF by {sum(points) / max(count, 1):.1f} points on average"
    )
