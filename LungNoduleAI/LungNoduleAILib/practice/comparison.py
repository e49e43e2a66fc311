"""The truth of a case beside what trainee and software marked, line by line and in words, from score.json."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LungNoduleAILib.practice.score import LEAST_REACH_MM
from ThoraxAILib.image.tuples import three


@dataclass(frozen=True)
class PracticeRow:
    """One line of the comparison: what is there, how large, what trainee and software said of it, and why."""

    what: str
    size: str
    you: str
    software: str
    why: str
    place_ras_mm: tuple[float, float, float]


def practice_rows(document: dict) -> tuple[PracticeRow, ...]:
    """Return nodules first, then false marks of trainee and software, then the look-alikes."""
    own, theirs = document["score"], document["software"]
    marks, ai_marks = document["marks"], document["software_marks"] or []
    rows = [_nodule_row(nodule, (own, marks), (theirs, ai_marks)) for nodule in document["nodules"]]
    rows += [_false_row(marks[number], "false", "") for number in own["false_marks"]]
    rows += [_false_row(ai_marks[number], "", "false") for number in (theirs or {}).get("false_marks", ())]
    for one in document["look_alikes"]:
        you, software = _marked(one, marks), _marked(one, ai_marks)
        rows.append(PracticeRow(one["what"], "", you, software, one["why"], three(one["center_ras_mm"])))
    return tuple(rows)


def _nodule_row(nodule: dict, own: tuple[dict, list], theirs: tuple[dict | None, list]) -> PracticeRow:
    what = ", ".join(text for text in (nodule["lobe"], nodule["type"], nodule["placement"]) if text)
    you, software = _said(nodule["id"], *own), _said(nodule["id"], *theirs)
    return PracticeRow(
        what, f"{nodule['diameter_mm']:.1f} mm", you, software, "A nodule.", three(nodule["center_ras_mm"])
    )


def _said(name: str, score: dict | None, marks: list[dict]) -> str:
    """Return 'found, 8.1 mm' or 'missed'; empty where nobody looked."""
    if score is None:
        return ""
    number = next((mark for mark, nodule in score["pairs"] if nodule == name), None)
    if number is None:
        return "missed"
    size = marks[number]["diameter_mm"]
    return "found" if size is None else f"found, {size:.1f} mm"


def _false_row(mark: dict, you: str, software: str) -> PracticeRow:
    size = "" if mark["diameter_mm"] is None else f"{mark['diameter_mm']:.1f} mm"
    return PracticeRow("no nodule", size, you, software, "No nodule is here.", three(mark["center_ras_mm"]))


def _marked(one: dict, marks: list[dict]) -> str:
    """Return 'marked' for a look-alike that a mark lies on."""
    near = (math.dist(mark["center_ras_mm"], one["center_ras_mm"]) <= LEAST_REACH_MM for mark in marks)
    return "marked" if any(near) else ""


def score_words(document: dict) -> str:
    """Return what was found, missed and false, of trainee and software, in two lines."""
    lines = [_score_words("You", document["score"])]
    if document["software"] is not None:
        lines.append(_score_words("The software", document["software"]))
    return "\n".join(lines)


def _score_words(who: str, score: dict) -> str:
    found, missed, false = (len(score[name]) for name in ("found", "missed", "false_marks"))
    words = [f"{who}: {found} of {found + missed} found", f"{missed} missed", f"{false} false"]
    if score["size_error_mm"] is not None:
        words.append(f"sizes off by {score['size_error_mm']:.1f} mm")
    if score["seconds"] is not None:
        words.append(f"{score['seconds']:.0f} s")
    return ", ".join(words) + "."
