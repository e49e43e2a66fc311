"""Two successive scans compared: registered, nodules matched and measured at the other date, growth, what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from LungNoduleAILib.analysis.engines import LungEngines
from LungNoduleAILib.analysis.other_date import search_other_date
from LungNoduleAILib.analysis.review.rejections import with_rejections
from LungNoduleAILib.followup.difference.difference_map import DifferenceMap, difference_map
from LungNoduleAILib.followup.growth.assessment import ScanContext, assess_growth
from LungNoduleAILib.followup.growth.scans import interval_days, interval_warnings
from LungNoduleAILib.followup.matching.evidence import Evidence, MatchItem
from LungNoduleAILib.followup.matching.match import Match, match
from LungNoduleAILib.followup.matching.pair_evidence import Views, pair_evidence
from LungNoduleAILib.followup.registration.register import LungRegistration, register_lungs
from LungNoduleAILib.followup.registration.same_person import plausibly_same_person
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.follow_up_options import FollowUpOptions
from LungNoduleAILib.model.links import LinkDecision
from LungNoduleAILib.model.pairs import MATCHED, Interval, Pair
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.errors import InputError, known
from ThoraxAILib.jobs.progress import Progress
from ThoraxAILib.jobs.stages import Stages


@dataclass(frozen=True, eq=False)
class Comparison:
    """An interval, the findings of both dates with those measured again, and what the registration gave."""

    interval: Interval
    prior_findings: tuple[Finding, ...]
    current_findings: tuple[Finding, ...]
    registration: LungRegistration | None
    difference: DifferenceMap | None


def compare_scans(
    scans: Sequence[AnalysisResult],
    order: tuple[int, int],
    options: FollowUpOptions,
    engines: LungEngines,
    decisions: Sequence[LinkDecision],
    progress: Progress,
    stages: Stages,
) -> Comparison:
    """Compare the analyzed scans number ``order`` (prior, current) of ``scans``.

    A registration that fails becomes a warning: the nodules are then matched without it. Raises Cancelled.
    """
    prior, current = (scans[index] for index in order)
    days = interval_days(prior.volume, current.volume, options.days)
    warnings = list(interval_warnings(prior.volume, current.volume, days))
    registration = None
    if options.registration:
        with stages.stage("registration"):
            registration, told = _registered(prior, current, progress.part(0.0, 0.6))
            warnings += told
    with stages.stage("matching"):
        progress(0.6, "Matching nodules")
        before, after, rows, evidence = _matched(prior, current, registration, options, engines, decisions)
    difference = None
    if registration is not None:
        with stages.stage("difference"):
            difference = difference_map(
                registration,
                prior.volume,
                current.volume,
                prior.labels,
                current.labels,
                after,
                before,
                progress.part(0.7, 1.0),
            )
    pairs = _pairs(rows, before, after, evidence, days, prior, current)
    interval = Interval(*order, days, pairs, tuple(warnings), _summary(registration), _listed(difference))
    progress(1.0, f"{len(pairs)} pairs")
    return Comparison(interval, before, after, registration, difference)


def _registered(
    prior: AnalysisResult, current: AnalysisResult, progress: Progress
) -> tuple[LungRegistration | None, list[str]]:
    """Return the registration, or why there is none; and whether the two look like one person."""
    try:
        found = register_lungs(prior.volume, current.volume, prior.labels, current.labels, progress=progress)
    except InputError as error:
        return None, [f"The scans were not registered: {error}"]
    same, reason = plausibly_same_person(found)
    return found, [*found.notes, *([] if same else [reason])]


def _matched(
    prior: AnalysisResult,
    current: AnalysisResult,
    registration: LungRegistration | None,
    options: FollowUpOptions,
    engines: LungEngines,
    decisions: Sequence[LinkDecision],
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], list[Match], Evidence]:
    """Return findings of both dates, their rows, and the evidence in the order of the findings."""
    views = Views.of(prior, current, registration, known(engines.reidentifier, "the re-identifier").made)
    before, after = prior.findings.findings, current.findings.findings
    evidence = pair_evidence(views, before, after)
    rows = match(_items(before), _items(after), evidence, decisions=decisions)
    if options.measure_again and registration is not None:
        more_before, more_after = search_other_date(
            views, before, after, rows, known(engines.delineator, "the delineator").made
        )
        if more_before or more_after:
            before, after = (*before, *more_before), (*after, *more_after)
            evidence = pair_evidence(views, before, after)
            rows = match(_items(before), _items(after), evidence, decisions=decisions)
    return before, after, rows, evidence


def _items(findings: Sequence[Finding]) -> list[MatchItem]:
    return [MatchItem.of(finding) for finding in findings]


def _pairs(
    rows: Sequence[Match],
    before: Sequence[Finding],
    after: Sequence[Finding],
    evidence: Evidence,
    days: int | None,
    prior: AnalysisResult,
    current: AnalysisResult,
) -> tuple[Pair, ...]:
    contexts = ScanContext.of(prior.volume), ScanContext.of(current.volume)
    index = {finding.id: n for n, finding in enumerate(before)}, {finding.id: n for n, finding in enumerate(after)}
    pairs = []
    for row in rows:
        first = None if row.prior_id is None else before[index[0][row.prior_id]]
        second = None if row.current_id is None else after[index[1][row.current_id]]
        pair = Pair(
            row.prior_id,
            row.current_id,
            None if first is None else first.center_ras_mm,
            None if second is None else second.center_ras_mm,
            row.status,
            row.match_probability,
            row.method_agreement,
            candidates=_candidates(row),
            decided_by="reader" if row.decided_by == "reader" else "software",
        )
        if first is not None and second is not None:
            growth = assess_growth(first, second, days, *contexts) if row.status == MATCHED else None
            place = index[0][first.id], index[1][second.id]
            pair = replace(pair, growth=growth, evidence=_evidence_of(evidence, place))
        pairs.append(pair)
    return with_rejections(pairs, before, after, evidence)


def _candidates(row: Match) -> tuple[str, ...]:
    """Return the pairs an uncertain row could not decide between."""
    return tuple(f"{c.prior_id} - {c.current_id} ({c.probability:.2f})" for c in row.candidates)


def _evidence_of(evidence: Evidence, place: tuple[int, int]) -> dict[str, float]:
    names = {
        "similarity": evidence.similarity,
        "aligned_distance_mm": evidence.aligned_mm,
        "registered_distance_mm": evidence.registered_mm,
    }
    return {name: float(values[place]) for name, values in names.items() if values is not None}


def _summary(registration: LungRegistration | None) -> dict | None:
    return None if registration is None else registration.quality.to_dict()


def _listed(difference: DifferenceMap | None) -> tuple[dict, ...]:
    return () if difference is None else tuple(blob.to_dict() for blob in difference.blobs)
