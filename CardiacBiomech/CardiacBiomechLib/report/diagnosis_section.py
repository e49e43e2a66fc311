"""The section of a study's report about its diagnosis: answer, set, contributions, what would change it, rules."""

from __future__ import annotations

from typing import Any

from CardiacBiomechLib.model.study import SegmentRow, Study
from CardiacBiomechLib.report.bulls_eye import Measure, bulls_eye
from ThoraxAILib.report.page import Figure, Table
from ThoraxAILib.report.slices import Picture

BESIDE = {  # sectors around an apical segment
    13: ("anterior",),
    14: ("anteroseptal", "inferoseptal"),
    15: ("inferior",),
    16: ("inferolateral", "anterolateral"),
}


def diagnosis_content(study: Study) -> dict[str, Any] | None:
    """Return what the template shows, None without a diagnosis."""
    said = study.diagnosis
    if not said:
        return None
    source = f"The model was trained on {said['model']['trained_on']}. Research use only, not a medical device."
    if "missing" in said:
        return {"answer": f"No diagnosis: the study lacks {', '.join(said['missing'])}", "source": source}
    shares = ", ".join(f"{group} {100 * share:.0f} %" for group, share in said["probabilities"].items())
    unit = f"{said['diagnosis']} against {said['against']}, {said['contributions_unit']}"
    head = (("What speaks", False), (unit, True))
    rows = [(entry["sentence"], f"{entry['contribution']:+.2f}") for entry in said["contributions"]]
    picture = region_picture(study)
    near = ", ".join(f"number {one['row']} ({one['group']})" for one in said["nearest_training_studies"])
    return {
        "answer": f"{said['diagnosis']} ({shares})",
        "set": said["set_in_words"],
        "table": Table.of(head, rows),
        "bulls_eye": None if picture is None else Figure.of(picture, _title(study)),
        "sentences": [*said["changes_in_words"], f"nearest training studies: {near}"],
        "rule": said["rule"]["in_words"],
        "agrees": said["rule"]["agrees"],
        "source": source,
    }


def region_picture(study: Study) -> Picture | None:
    """Return the bull's-eye of what regions of the wall contributed, None when no regional feature took part."""
    by_region = study.diagnosis.get("by_region") or {}
    if not by_region:
        return None
    most = max(abs(value) for value in by_region.values()) or 1.0
    measure = Measure(_title(study), lambda row: _of_segment(row, by_region), (-most, most), 2, True)
    return bulls_eye(study.segments, measure)


def _title(study: Study) -> str:
    return f"Speaks for {study.diagnosis['diagnosis']} (red) or {study.diagnosis['against']} (blue)"


def _of_segment(row: SegmentRow, by_region: dict[str, float]) -> float | None:
    """Contribution of the region a segment lies in, None when it took no part."""
    names = BESIDE.get(row.number) or (row.name.split()[-1],)
    found = [by_region[name] for name in (*names, f"segment{row.number:02d}") if name in by_region]
    return sum(found) if found else None
