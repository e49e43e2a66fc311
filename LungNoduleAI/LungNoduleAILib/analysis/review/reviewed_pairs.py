"""A follow-up beside the findings of both dates as they stand now: the reader has decided and corrected since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from LungNoduleAILib.analysis.review.decisions import grown
from LungNoduleAILib.analysis.review.rejections import with_rejections
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.pairs import FollowUp, Pair, ScanEntry

_WORDS = ("status", "reason", "notes", "ai_values", "doubt", "confidence", "suspicion", "suspicion_interval")


def as_reviewed(follow_up: FollowUp, prior: Sequence[Finding], current: Sequence[Finding]) -> FollowUp:
    """Return the follow-up with the findings of its last two dates as they stand now; unknown ids stay as they were.

    Growth is told anew where the reader changed an outline, an axis or the type; notes on rejections follow.
    """
    last, scans = follow_up.intervals[-1], list(follow_up.scans)
    for index, found in ((last.prior, prior), (last.current, current)):
        now = {one.id: one for one in found}
        scans[index] = replace(scans[index], findings=tuple(now.get(one.id, one) for one in scans[index].findings))
    old = follow_up.scans[last.prior], follow_up.scans[last.current]
    new = scans[last.prior], scans[last.current]
    pairs = [_measured_anew(pair, last.days, old, new) for pair in last.pairs]
    told = with_rejections(pairs, new[0].findings, new[1].findings)
    return replace(follow_up, scans=tuple(scans), intervals=(*follow_up.intervals[:-1], replace(last, pairs=told)))


def came_and_went(
    follow_up: FollowUp, prior: Sequence[Finding] | None, current: Sequence[Finding] | None
) -> tuple[str, ...]:
    """Return sentences on nodules that were added or removed since the comparison; None is a date that is not known."""
    last, told = follow_up.intervals[-1], []
    for when, index, found in (("prior", last.prior, prior), ("current", last.current, current)):
        if found is None:
            continue
        then, now = {one.id for one in follow_up.scans[index].findings}, {one.id for one in found}
        for ids, words in ((now - then, "added to"), (then - now, "removed from")):
            if ids:
                names = ", ".join(sorted(ids))
                told.append(f"{names}: {words} the {when} CT since the comparison. Compare again to take this in.")
    return tuple(told)


def _measured_anew(
    pair: Pair, days: int | None, old: tuple[ScanEntry, ScanEntry], new: tuple[ScanEntry, ScanEntry]
) -> Pair:
    """Return the pair with places as they are now, and its growth anew where a measurement changed."""
    ids = pair.prior_id, pair.current_id
    was, now = ([_find(scan, name) for scan, name in zip(scans, ids, strict=True)] for scans in (old, new))
    places = [None if one is None else one.center_ras_mm for one in now]
    pair = replace(
        pair,
        prior_center_ras_mm=places[0] or pair.prior_center_ras_mm,
        current_center_ras_mm=places[1] or pair.current_center_ras_mm,
    )
    first, second = now
    if pair.growth is None or first is None or second is None:
        return pair
    if [_measures(one) for one in was] == [_measures(one) for one in now]:
        return pair
    return replace(pair, growth=grown(first, second, days, *new))


def _find(scan: ScanEntry, name: str | None) -> Finding | None:
    return next((one for one in scan.findings if one.id == name), None)


def _measures(finding: Finding | None) -> dict | None:
    if finding is None:
        return None
    return {name: value for name, value in finding.to_dict().items() if name not in _WORDS}
