"""A second analysis of the same CT: what the reader said of the first stays.

A finding is the same when both lie in one place (see ``same_places``). It keeps its name, decision, statements and
drawn outline, with the new values of the software beside. What the reader added, decided or changed and the software
no longer finds stays too, with a note.
"""

from __future__ import annotations

import json
from dataclasses import replace

from LungNoduleAILib.analysis.review.review_record import OUTLINE, By, applied, entry_of, recorded
from LungNoduleAILib.analysis.review.reviewing import same_places
from LungNoduleAILib.analysis.turned_masks import in_lps, masks_turned_back
from LungNoduleAILib.model.findings import Finding, Findings
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.model.review import READER, Change, Edit

NOT_FOUND_AGAIN = "Kept from the review: the analysis of {when} did not find it again."
_OF_READER = ("id", "status", "reason", "source", "attachment", "margin", "shape", "calcification_pattern")


def has_words_of_reader(finding: Finding) -> bool:
    """Whether the reader said anything of a finding: marked it, decided, or changed a value."""
    stated = (finding.attachment, finding.margin, finding.shape, finding.calcification_pattern)
    return finding.source == READER or finding.status != "unreviewed" or bool(finding.ai_values) or any(stated)


def carried_over(old: Findings, new: Findings, by: By) -> Findings:
    """Return ``new`` (a fresh analysis, with masks) with all that the reader said of ``old`` (with masks).

    The change is in the record like any other, and can be undone.
    """
    if old.review.is_empty and not any(has_words_of_reader(finding) for finding in old.findings):
        return new
    found_again = {id(theirs): ours for ours, theirs in same_places(old.findings, new.findings)}
    kept_ids = {finding.id for finding in old.findings}
    rows: list[Finding] = []
    for finding in new.findings:
        ours = found_again.get(id(finding))
        rows.append(_free_id(finding, kept_ids | {r.id for r in rows}) if ours is None else _taken_over(ours, finding))
    seen = {id(ours) for ours in found_again.values()}
    note = NOT_FOUND_AGAIN.format(when=by.when[:10])
    for ours in old.findings:
        if id(ours) not in seen and has_words_of_reader(ours):
            notes = ours.notes if ours.source == READER else tuple(dict.fromkeys((*ours.notes, note)))
            rows.append(replace(ours, notes=notes))
    together = replace(new, findings=tuple(rows), review=old.review)
    return recorded(together, _edits(old, together), "analyzed again", by)


def with_review_of(old: Findings, result: AnalysisResult, by: By) -> AnalysisResult:
    """Return a fresh result with what the reader said of ``old`` (masks on the CT in LPS order)."""
    fresh = in_lps(result).findings
    carried = carried_over(old, fresh, by)
    return result if carried is fresh else replace(result, findings=masks_turned_back(carried, result.volume))


def continued(now: Findings, carried: Findings) -> Findings:
    """Return ``carried``, which another process made of an earlier state of ``now``, with what was changed since.

    ``carried`` is what carried_over returned there. What it says of findings that are gone in it is added to it.
    """
    handed = len(carried.review.history) - 1
    since = now.review.history[max(handed, 0) :]
    if _as_text(now.review.history[: max(handed, 0)]) != _as_text(carried.review.history[:handed]):
        since = ()  # of another history: what the reader said is kept below
    found = replace(carried, review=replace(carried.review, reader=now.review.reader))
    for change in since:
        for edit in change.edits:
            found = applied(found, edit)
        undoes = change.undoes if change.undoes is None or change.undoes < handed else change.undoes + 1
        history = (*found.review.history, replace(change, undoes=undoes))
        found = replace(found, review=replace(found.review, history=history))
    there = {id(ours) for ours, _theirs in same_places(now.findings, found.findings)}
    lost = [ours for ours in now.findings if id(ours) not in there and has_words_of_reader(ours)]
    rows = [*found.findings]
    for ours in lost:
        rows.append(_free_id(ours, {row.id for row in rows}))
    return replace(found, findings=tuple(rows))


def _as_text(history: tuple[Change, ...]) -> str:
    return json.dumps([change.to_dict() for change in history])


def _taken_over(ours: Finding, theirs: Finding) -> Finding:
    """Return the finding of the new analysis with the reader's words on the old one."""
    if ours.source == READER:
        return ours
    words = {name: getattr(ours, name) for name in _OF_READER}
    drawn = {name: getattr(ours, name) for name in ours.ai_values if name != OUTLINE}
    if OUTLINE in ours.ai_values:  # the reader drew the outline: all that was measured in it stays
        names = [name for name in entry_of(ours) if name not in (*_OF_READER, OUTLINE, "confidence", "detector")]
        drawn = {name: getattr(ours, name) for name in names if name != "ai_values"} | {"mask": ours.mask}
    taken = replace(theirs, **words, **drawn)
    mine, before = entry_of(taken), entry_of(theirs)
    skipped = (*_OF_READER, "ai_values", "confidence", "detector", OUTLINE)
    beside = {name: before[name] for name in before if name not in skipped and before[name] != mine[name]}
    if mine[OUTLINE] != before[OUTLINE]:
        beside[OUTLINE] = before[OUTLINE]
    return replace(taken, ai_values=beside)


def _free_id(finding: Finding, taken: set[str]) -> Finding:
    """Return a finding under a name that no other has."""
    number, name = 1, finding.id
    while name in taken:
        name = f"{finding.kind.capitalize()}_{number:02d}"
        number += 1
    return replace(finding, id=name)


def _edits(old: Findings, new: Findings) -> list[Edit]:
    """Return what the second analysis changed, to be taken back: findings that came, went or were measured anew."""
    before = {finding.id: entry_of(finding) for finding in old.findings}
    after = {finding.id: entry_of(finding) for finding in new.findings}
    edits = []
    for place, (name, entry) in reversed(list(enumerate(before.items()))):
        if name not in after:
            edits.append(Edit(name, entry, None, place))
    for place, (name, entry) in enumerate(after.items()):
        was = before.get(name)
        if was is None:
            edits.append(Edit(name, None, entry, place))
            continue
        changed = [field for field in entry if entry[field] != was[field]]
        if changed:
            edits.append(Edit(name, {f: was[f] for f in changed}, {f: entry[f] for f in changed}))
    return edits
