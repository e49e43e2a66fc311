"""The truth of a case beside what trainee and software read, line by line and in words, from score.json."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PracticeRow:
    """One line of the comparison: what was asked, what is true, what trainee and software said."""

    what: str
    truth: str
    you: str
    software: str


def practice_rows(document: dict[str, Any]) -> tuple[PracticeRow, ...]:
    """Return a line for either frame, the ejection fraction and the diagnosis."""
    true, own = document["truth"], document["reading"]
    theirs = document["software"] if document["software"] and "failed" not in document["software"] else None
    rows = []
    for what, name, form in (
        ("End-diastole", "ed_frame", "frame {}"),
        ("End-systole", "es_frame", "frame {}"),
        ("LV ejection fraction", "ef_percent", "{:.0f} %"),
        ("Diagnosis", "diagnosis", "{}"),
    ):
        truth = form.format(true[name]) if true[name] != "" else "not known"
        you = form.format(own[name]) + _off(name, document["score"])
        software = "" if theirs is None else form.format(theirs[name]) + _off(name, theirs["score"])
        rows.append(PracticeRow(what, truth, you, software))
    return tuple(rows)


def _off(name: str, score: dict[str, Any]) -> str:
    if name == "diagnosis":
        return {True: " (right)", False: " (wrong)", None: ""}[score["right"]]
    if name == "ef_percent":
        return f" ({score['ef_points_off']:.0f} off)"
    off = score["ed_frames_off" if name == "ed_frame" else "es_frames_off"]
    return f" ({off} off)" if off else " (right)"


def score_words(document: dict[str, Any]) -> str:
    """Return the score of the trainee and of the software in two lines."""
    lines = [_score_words("You", document["score"])]
    software = document["software"]
    if software is not None:
        failed = software.get("failed")
        lines.append(f"The software read nothing: {failed}" if failed else _score_words("Software", software["score"]))
    return "\n".join(lines)


def _score_words(who: str, score: dict[str, Any]) -> str:
    right = {True: "diagnosis right", False: "diagnosis wrong", None: "true diagnosis not known"}[score["right"]]
    frames = f"ED {score['ed_frames_off']} and ES {score['es_frames_off']} frames off"
    words = [right, frames, f"EF {score['ef_points_off']:.0f} points off"]
    if score["seconds"] is not None:
        words.append(f"{score['seconds']:.0f} s")
    return f"{who}: {', '.join(words)}."


def reasons(document: dict[str, Any]) -> tuple[str, ...]:
    """Return why the truth is what it is, and why the software answered as it did."""
    true, software = document["truth"], document["software"] or {}
    found = [f"Truth ({true['source']}): {sentence}" for sentence in true["why"]]
    return (*found, *(f"Software: {sentence}" for sentence in software.get("why", ())))
