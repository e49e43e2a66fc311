"""What a reader rejected at one date, told with the pair it belongs to: a rejected mark never comes back unsaid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from LungNoduleAILib.followup.matching.evidence import Evidence
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import NEW, Pair

REJECTED = "rejected"
LEAST_REACH_MM = 5.0  # as other_date.MIN_REACH_MM, and a millimetre for outlines that differ
_OF_PAIR = re.compile(r"\S+ was rejected on the (prior|current) CT")
_AT_PLACE = re.compile(r"At its place (\S+) was rejected on the prior CT")


def with_rejections(
    pairs: Sequence[Pair], before: Sequence[Finding], after: Sequence[Finding], evidence: Evidence | None = None
) -> tuple[Pair, ...]:
    """Return the pairs with a note on each nodule of theirs that the reader rejected at one date, with the reason.

    With ``evidence`` a new nodule also says what was rejected at its place on the prior CT, though it is no partner.
    Notes on what is not rejected any more are left out.
    """
    prior, current = {one.id: one for one in before}, {one.id: one for one in after}
    told = []
    for pair in pairs:
        ends = ((prior.get(pair.prior_id or ""), "prior"), (current.get(pair.current_id or ""), "current"))
        notes = [note for note in pair.notes if _stands(note, prior)]
        notes += [_words(one, when) for one, when in ends if one is not None and one.status == REJECTED]
        if pair.status == NEW and evidence is not None:
            notes += _at_its_place(pair.current_id, before, after, evidence)
        told.append(replace(pair, notes=tuple(dict.fromkeys(notes))))
    return tuple(told)


def _stands(note: str, prior: dict[str, Finding]) -> bool:
    """Whether a note is none on a rejection, or on one at the place of a new nodule that was not taken back."""
    at_place = _AT_PLACE.match(note)
    if at_place is not None:
        there = prior.get(at_place[1])
        return there is not None and there.status == REJECTED
    return _OF_PAIR.match(note) is None


def _words(finding: Finding, when: str) -> str:
    reason = f": {finding.reason.rstrip('.')}" if finding.reason else ", without a reason"
    return f"{finding.id} was rejected on the {when} CT{reason}."


def _at_its_place(
    current_id: str | None, before: Sequence[Finding], after: Sequence[Finding], evidence: Evidence
) -> list[str]:
    """Return what was rejected on the prior CT where a nodule of the current one lies."""
    gaps = evidence.aligned_mm if evidence.registered_mm is None else evidence.registered_mm
    column = next((n for n, one in enumerate(after) if one.id == current_id), None)
    if gaps is None or column is None:
        return []
    near = [
        (float(gaps[row, column]), one)
        for row, one in enumerate(before)
        if one.status == REJECTED and gaps[row, column] <= max(LEAST_REACH_MM, one.mean_diameter_mm / 2)
    ]
    return [words_at_place(one) for _gap, one in sorted(near, key=lambda entry: entry[0])[:1]]


def words_at_place(rejected: Finding) -> str:
    """Return the note of a new nodule where this one was rejected on the prior CT."""
    return f"At its place {_words(rejected, 'prior')}"
