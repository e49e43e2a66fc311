"""The reader's acts on the findings of one analysis: each returns new findings with the change in the history.

Pure functions on Findings, the same for panel, script and command line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from LungNoduleAILib.analysis.review.review_record import (
    By,
    as_one_change,
    changed_to,
    checked_words,
    entry_of,
    finding_of,
    recorded,
    unused_id,
)
from LungNoduleAILib.guidelines.terms.person import PersonAndExam
from LungNoduleAILib.model.findings import LOBES, NODULE_TYPES, STATUSES, Finding, Findings
from LungNoduleAILib.model.review import (
    ATTACHMENTS,
    CALCIFICATIONS,
    LOCKED,
    MARGINS,
    PERSON,
    READ_FIRST,
    READER,
    READING,
    SHAPES,
    Edit,
)
from ThoraxAILib.errors import InputError

# what the reader may state of a finding, and the words there are; None takes a statement back
STATABLE: dict[str, tuple[str, ...]] = {
    "type": NODULE_TYPES,
    "lobe": LOBES,
    "attachment": ATTACHMENTS,
    "margin": MARGINS,
    "shape": SHAPES,
    "calcification_pattern": CALCIFICATIONS,
}
MEASURED_BY_AI = ("type", "lobe")  # the others are None until the reader states them
_OWN = frozenset(
    {"id", "status", "reason", "source", "ai_values", "confidence", "detector", "attachment", "margin", "shape"}
    | {"calcification_pattern"}
)
SIDE_OF_LOBE = {"R": "right", "L": "left"}
SAME_PLACE_MM = 3.0  # as guidelines.from_findings


# Decisions and statements


def decide(findings: Findings, finding_id: str, status: str, reason: str, by: By) -> Findings:
    """Return the findings with the reader's decision; raises InputError for an unknown finding or status."""
    finding = finding_of(findings, finding_id)
    if status not in STATUSES:
        raise InputError(f"The decision '{status}' is not known: say {' or '.join(STATUSES)}.")
    changed = finding.with_status(status, checked_words(reason, "reason"))
    return changed_to(findings, [(finding, changed)], f"{finding_id} {status}", by)


def state(findings: Findings, finding_id: str, field: str, value: str | None, by: By) -> Findings:
    """Return the findings with the reader's word on one property (see STATABLE); None takes the word back.

    The software's value of a measured property stays in ``ai_values``. Raises InputError for unknown words.
    """
    finding = finding_of(findings, finding_id)
    if field not in STATABLE:
        raise InputError(f"A reader cannot state '{field}': choose {', '.join(STATABLE)}.")
    if value is not None and value not in STATABLE[field]:
        raise InputError(f"'{value}' is no {field.replace('_', ' ')}: choose {', '.join(STATABLE[field])}.")
    return changed_to(findings, [(finding, _stated(finding, field, value))], f"{finding_id} {_words(field)}", by)


def _stated(finding: Finding, field: str, value: str | None) -> Finding:
    new: dict[str, Any] = {field: value}
    if field not in MEASURED_BY_AI:
        return replace(finding, **new)
    new = {field: finding.ai_values.get(field, getattr(finding, field)) if value is None else value}
    if field == "lobe" and new["lobe"] is not None:
        new["side"] = SIDE_OF_LOBE[new["lobe"][0]]
    if field == "lobe":
        own = finding.ai_values.get("lobe_confidence", finding.lobe_confidence)
        new["lobe_confidence"] = own if value is None else None
    return with_ai_beside(finding, replace(finding, **new))


def _words(field: str) -> str:
    return field.replace("_", " ") + " changed"


def state_person(findings: Findings, person: Mapping[str, Any], by: By) -> Findings:
    """Return the findings with what was stated of person and exam (fields of PersonAndExam, None is not stated)."""
    stated = PersonAndExam(**person).stated()
    old = findings.review.person
    names = [name for name in {**old, **stated} if old.get(name) != stated.get(name)]
    if not names:
        return findings
    edit = Edit(PERSON, {name: old.get(name) for name in names}, {name: stated.get(name) for name in names})
    review = replace(findings.review, person=stated)
    return recorded(replace(findings, review=review), [edit], "person and exam stated", by)


# Measurements


def remeasured(findings: Findings, finding_id: str, new: Finding, action: str, by: By) -> Findings:
    """Return the findings with another outline or other sizes of one finding; ``new`` carries mask and measurements.

    Decision, statements and name stay; the software's values stand beside.
    """
    old = finding_of(findings, finding_id)
    kept = {name: getattr(old, name) for name in _OWN}
    kept |= {name: getattr(old, name) for name in MEASURED_BY_AI if name in old.ai_values}
    if "lobe" in old.ai_values:
        kept |= {"side": old.side, "lobe_confidence": old.lobe_confidence}
    changed = with_ai_beside(old, replace(new, **kept))
    return changed_to(findings, [(old, changed)], f"{finding_id} {action}", by)


def with_ai_beside(old: Finding, new: Finding) -> Finding:
    """Return ``new`` with the software's value of each changed field in ``ai_values``; nothing for a reader's finding.

    A field that is as the software had it has no entry.
    """
    if old.source == READER:
        return new
    before, after = entry_of(old), entry_of(new)
    original = {name: old.ai_values.get(name, before[name]) for name in before if name not in _OWN}
    beside = {name: value for name, value in original.items() if value != after[name]}
    return replace(new, ai_values=beside)


# Findings that come and go


def added(findings: Findings, new: Finding, by: By) -> tuple[Findings, Finding]:
    """Return the findings with a nodule the reader marked, and the nodule: named, ``source`` reader, accepted."""
    named = replace(
        new,
        id=unused_id(findings, new.kind),
        source=READER,
        status="accepted",
        confidence=1.0,
        detector="",
        ai_values={},
    )
    edit = Edit(named.id, None, entry_of(named), len(findings.findings))
    changed = replace(findings, findings=(*findings.findings, named))
    return recorded(changed, [edit], f"{named.id} added", by), named


def deleted(findings: Findings, finding_id: str, by: By) -> Findings:
    """Return the findings without a nodule that the reader had added; the software's are rejected instead.

    Raises InputError for a finding of the software.
    """
    finding = finding_of(findings, finding_id)
    if finding.source != READER:
        raise InputError(f"{finding_id} was found by the software: reject it instead, so that the record keeps it.")
    position = findings.findings.index(finding)
    rest = (*findings.findings[:position], *findings.findings[position + 1 :])
    edit = Edit(finding_id, entry_of(finding), None, position)
    return recorded(replace(findings, findings=rest), [edit], f"{finding_id} deleted", by)


def merged(findings: Findings, finding_id: str, other_id: str, new: Finding, by: By) -> Findings:
    """Return the findings with ``new`` (both outlines, measured) as the first; the other goes or is rejected."""
    other = finding_of(findings, other_id)
    first = finding_of(findings, finding_id)
    if first is other:
        raise InputError("A nodule cannot be merged with itself: choose another one.")
    together = remeasured(findings, finding_id, new, f"merged with {other_id}", by)
    if other.source == READER:
        rest = deleted(together, other_id, by)
    else:
        rest = decide(together, other_id, "rejected", f"part of {finding_id}", by)
    return as_one_change(findings, rest, f"{other_id} merged into {finding_id}", by)


def split(findings: Findings, finding_id: str, parts: Sequence[Finding], by: By) -> tuple[Findings, Finding]:
    """Return the findings with one nodule as two: the first part keeps the name, the second is the reader's."""
    if len(parts) != 2:
        raise InputError(f"{finding_id} has {len(parts)} part: draw a gap through its outline, then split it.")
    first = remeasured(findings, finding_id, parts[0], "split", by)
    second, new = added(first, parts[1], by)
    return as_one_change(findings, second, f"{finding_id} split into {finding_id} and {new.id}", by), new


# Reading first


def start_reading_first(findings: Findings, by: By) -> Findings:
    """Return the findings in the mode that hides the software's until the reader has locked their own."""
    return _in_mode(findings, READ_FIRST, "read first", by)


def lock_reading(findings: Findings, by: By) -> Findings:
    """Return the findings after the reader's own reading, the software's shown again.

    A finding of the software where the reader had marked one is accepted, and the mark becomes it; what only one of
    the two saw stays as it is.
    """
    if findings.review.mode != READ_FIRST:
        raise InputError("There is no reading to lock: choose Read first before.")
    changed = _in_mode(findings, LOCKED, "reading locked", by)
    marks = [finding for finding in findings.findings if finding.source == READER]
    theirs = [finding for finding in findings.findings if finding.source != READER]
    for mark, finding in same_places(marks, theirs):
        changed = decide(changed, finding.id, "accepted", "marked before the software was shown", by)
        changed = deleted(changed, mark.id, by)
    return as_one_change(findings, changed, "reading locked", by)


def _in_mode(findings: Findings, mode: str, action: str, by: By) -> Findings:
    edit = Edit(READING, {"mode": findings.review.mode}, {"mode": mode})
    return recorded(replace(findings, review=replace(findings.review, mode=mode)), [edit], action, by)


# The same nodule in two lists


def same_places(ones: Sequence[Finding], others: Sequence[Finding]) -> list[tuple[Finding, Finding]]:
    """Return the pairs (one, other) that mark the same nodule, the nearest first, none twice.

    The centers lie within 3 mm or within half of the larger diameter, as for double findings of one analysis.
    """
    gaps = []
    for one in ones:
        for other in others:
            gap_mm = math.dist(one.center_ras_mm, other.center_ras_mm)
            if gap_mm <= max(SAME_PLACE_MM, 0.5 * max(one.mean_diameter_mm, other.mean_diameter_mm)):
                gaps.append((gap_mm, one, other))
    pairs: list[tuple[Finding, Finding]] = []
    for _gap, one, other in sorted(gaps, key=lambda entry: entry[0]):
        if all(one is not a and other is not b for a, b in pairs):
            pairs.append((one, other))
    return pairs
