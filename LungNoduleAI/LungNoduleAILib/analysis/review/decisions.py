"""The reader's word on pairs that are already there: link two nodules, or say that a pair is not one nodule.

Works on pairs.json alone, without images: nodules that lose their partner become resolved or new.
"""

from __future__ import annotations

from dataclasses import replace

from LungNoduleAILib.analysis.review.rejections import REJECTED, with_rejections, words_at_place
from LungNoduleAILib.followup.growth.assessment import ScanContext, assess_growth
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.growth import Growth
from LungNoduleAILib.model.links import LINK, LinkDecision, checked_decisions
from LungNoduleAILib.model.pairs import MATCHED, NEW, RESOLVED, FollowUp, Interval, Pair, ScanEntry

READER = "reader"


def with_decision(follow_up: FollowUp, decision: LinkDecision) -> FollowUp:
    """Return follow-up with one decision about its last two dates; raises InputError for nodules that do not exist."""
    last = follow_up.intervals[-1]
    prior, current = follow_up.scans[last.prior], follow_up.scans[last.current]
    checked_decisions([decision], [f.id for f in prior.findings], [f.id for f in current.findings])
    changed = _linked if decision.decision == LINK else _unlinked
    pairs = with_rejections(changed(last, prior, current, decision), prior.findings, current.findings)
    return replace(follow_up, intervals=(*follow_up.intervals[:-1], replace(last, pairs=pairs)))


def grown(prior: Finding, current: Finding, days: int | None, before: ScanEntry, after: ScanEntry) -> Growth:
    """Growth between two findings of two scans."""
    contexts = (ScanContext(scan.date, scan.kernel, scan.slice_mm, scan.contrast) for scan in (before, after))
    return assess_growth(prior, current, days, *contexts)


def _linked(interval: Interval, prior: ScanEntry, current: ScanEntry, decision: LinkDecision) -> list[Pair]:
    """Return the rows of both nodules become one; who was paired with either stays alone."""
    ids = decision.prior_id, decision.current_id
    rows, alone = [], []
    for row in interval.pairs:
        if row.prior_id != ids[0] and row.current_id != ids[1]:
            rows.append(row)
            continue
        if row.prior_id not in (None, ids[0]):
            alone.append(_alone(row, RESOLVED))
        if row.current_id not in (None, ids[1]):
            alone.append(_alone(row, NEW))
    before, after = _find(prior, ids[0]), _find(current, ids[1])
    growth = grown(before, after, interval.days, prior, current)
    pair = Pair(*ids, before.center_ras_mm, after.center_ras_mm, MATCHED, 1.0, growth=growth, decided_by=READER)
    return [pair, *rows, *alone]


def _unlinked(interval: Interval, prior: ScanEntry, _current: ScanEntry, decision: LinkDecision) -> list[Pair]:
    """Return the row of the pair becomes a resolved and a new nodule, which says so where the other was rejected."""
    rows: list[Pair] = []
    before = _find(prior, decision.prior_id)
    notes = (words_at_place(before),) if before.status == REJECTED else ()
    for row in interval.pairs:
        if (row.prior_id, row.current_id) == (decision.prior_id, decision.current_id):
            rows += [_alone(row, RESOLVED), replace(_alone(row, NEW), notes=notes)]
        else:
            rows.append(row)
    return rows


def _alone(row: Pair, status: str) -> Pair:
    """One end of a row as a nodule without partner."""
    if status == RESOLVED:
        return Pair(row.prior_id, None, row.prior_center_ras_mm, None, RESOLVED, 0.0, decided_by=READER)
    return Pair(None, row.current_id, None, row.current_center_ras_mm, NEW, 0.0, decided_by=READER)


def _find(scan: ScanEntry, name: str) -> Finding:
    return next(finding for finding in scan.findings if finding.id == name)
