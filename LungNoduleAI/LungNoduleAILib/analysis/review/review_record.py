"""The record of a review: who changed what, when, from what to what; and how a change is taken back.

Outlines stand in it as text, so that every change can be undone, also in a scene that was saved and opened again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.mask_text import mask_from_dict, mask_to_dict
from LungNoduleAILib.model.review import MAX_WORDS, PERSON, READING, UNDO, Change, Edit
from ThoraxAILib.errors import InputError

OUTLINE = "outline"


@dataclass(frozen=True)
class By:
    """Who changes something, and when (UTC, ISO 8601)."""

    who: str
    when: str

    @staticmethod
    def now(who: str = "") -> By:
        """Return ``who`` at this moment."""
        return By(checked_words(who, "reader's name"), datetime.now(UTC).isoformat(timespec="seconds"))


def checked_words(text: str, what: str) -> str:
    """Return a reason or a name on one line; raises InputError when it is too long."""
    text = " ".join(str(text).split())
    if len(text) > MAX_WORDS:
        raise InputError(f"The {what} has {len(text)} letters: use at most {MAX_WORDS}.")
    return text


def undo(findings: Findings, by: By) -> Findings:
    """Return the findings as before the newest change that stands; raises InputError when there is none."""
    number = findings.review.last_to_undo()
    if number is None:
        raise InputError("There is nothing to undo.")
    return _take_back(findings, number, f"{UNDO}: {findings.review.history[number].action}", by)


def redo(findings: Findings, by: By) -> Findings:
    """Return the findings with the newest undone change done again; raises InputError when there is none."""
    number = findings.review.last_to_redo()
    if number is None:
        raise InputError("There is nothing to do again.")
    again = findings.review.history[findings.review.history[number].undoes or 0]
    return _take_back(findings, number, f"again: {again.action}", by)


def _take_back(findings: Findings, number: int, action: str, by: By) -> Findings:
    edits = [edit.turned() for edit in reversed(findings.review.history[number].edits)]
    for edit in edits:
        findings = applied(findings, edit)
    change = Change(by.when, by.who, action, tuple(edits), undoes=number)
    return replace(findings, review=replace(findings.review, history=(*findings.review.history, change)))


def applied(findings: Findings, edit: Edit) -> Findings:
    """Return the findings after one edit."""
    review = findings.review
    if edit.subject == PERSON:
        person = {**review.person, **(edit.after or {})}
        person = {name: value for name, value in person.items() if value is not None}
        return replace(findings, review=replace(review, person=person))
    if edit.subject == READING:
        return replace(findings, review=replace(review, mode=(edit.after or {}).get("mode", "")))
    kept = [finding for finding in findings.findings if finding.id != edit.subject]
    if edit.after is None:
        return replace(findings, findings=tuple(kept))
    if edit.before is None:
        place = len(kept) if edit.position is None else min(edit.position, len(kept))
        return replace(findings, findings=(*kept[:place], from_entry(edit.after), *kept[place:]))
    rows = (
        from_entry({**entry_of(finding), **edit.after}, finding) if finding.id == edit.subject else finding
        for finding in findings.findings
    )
    return replace(findings, findings=tuple(rows))


def finding_of(findings: Findings, finding_id: str) -> Finding:
    """Return the finding of this name; raises InputError when there is none."""
    found = next((finding for finding in findings.findings if finding.id == finding_id), None)
    if found is None:
        raise InputError(f"There is no finding {finding_id} in this result: choose one of the table.")
    return found


def unused_id(findings: Findings, kind: str) -> str:
    """Return the next name of a kind that no finding has or ever had."""
    gone = {edit.subject for change in findings.review.history for edit in change.edits}
    taken = gone | {finding.id for finding in findings.findings}
    number = 1
    while f"{kind.capitalize()}_{number:02d}" in taken:
        number += 1
    return f"{kind.capitalize()}_{number:02d}"


def changed_to(findings: Findings, pairs: Sequence[tuple[Finding, Finding]], action: str, by: By) -> Findings:
    """Return the findings with some of them replaced (old, new), in the record; the same findings when nothing
    changed."""
    edits, new_of = [], {}
    for old, new in pairs:
        before, after = entry_of(old), entry_of(new)
        names = [name for name in before if before[name] != after[name]]
        if names:
            edits.append(Edit(old.id, {n: before[n] for n in names}, {n: after[n] for n in names}))
        new_of[old.id] = new
    if not edits:
        return findings
    rows = tuple(new_of.get(finding.id, finding) for finding in findings.findings)
    return recorded(replace(findings, findings=rows), edits, action, by)


def recorded(findings: Findings, edits: Sequence[Edit], action: str, by: By) -> Findings:
    review = findings.review
    change = Change(by.when, by.who, action, tuple(edits))
    return replace(findings, review=replace(review, reader=by.who or review.reader, history=(*review.history, change)))


def as_one_change(before: Findings, after: Findings, action: str, by: By) -> Findings:
    """Return ``after`` with all that was recorded since ``before`` as one change."""
    since = after.review.history[len(before.review.history) :]
    edits = tuple(edit for change in since for edit in change.edits)
    one = Change(by.when, by.who, action, edits)
    return replace(after, review=replace(after.review, history=(*before.review.history, one)))


def entry_of(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON with its outline."""
    return {**finding.to_dict(), OUTLINE: None if finding.mask is None else mask_to_dict(finding.mask)}


def from_entry(entry: Mapping[str, Any], like: Finding | None = None) -> Finding:
    """Inverse of entry_of; the mask object of ``like`` is kept where the outline is the same."""
    outline = entry.get(OUTLINE)
    finding = Finding.from_dict({name: value for name, value in entry.items() if name != OUTLINE})
    if outline is None:
        return replace(finding, mask=None)
    if like is not None and like.mask is not None and mask_to_dict(like.mask) == outline:
        return replace(finding, mask=like.mask)
    return replace(finding, mask=mask_from_dict(outline))
