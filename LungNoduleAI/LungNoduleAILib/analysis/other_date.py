"""Nodules of one date that have no partner are looked for at their place on the other date.

The place comes from the registration, so its nearness proves nothing, and neither does the network, for which a place
with and without its nodule are alike. What is found there must look like the nodule: same type, not much fainter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from LungNoduleAILib.analysis.remeasure import Remeasurement
from LungNoduleAILib.delineation.protocol import Delineator
from LungNoduleAILib.followup.matching.match import NEW, RESOLVED, Match
from LungNoduleAILib.followup.matching.pair_evidence import Views
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import known

MAX_FAINTER_HU = 250.0  # as MIN_REACH_MM from synthetic pairs: Testing/benchmarks/lung_follow_up.py again
MIN_REACH_MM = 4.0
NOTE = "Below the detector's threshold at this date; found and measured at the place of its partner."


def search_other_date(
    views: Views,
    before: Sequence[Finding],
    after: Sequence[Finding],
    rows: Sequence[Match],
    delineator: Delineator,
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Return findings to add to the prior and to the current date, outlined by ``delineator``."""
    new = [finding for finding in after if finding.id in {row.current_id for row in rows if row.status == NEW}]
    gone = [finding for finding in before if finding.id in {row.prior_id for row in rows if row.status == RESOLVED}]
    return (
        _looked_for(views, new, before, delineator, in_prior=True),
        _looked_for(views, gone, after, delineator, in_prior=False),
    )


def _looked_for(
    views: Views, lonely: Sequence[Finding], others: Sequence[Finding], delineator: Delineator, in_prior: bool
) -> tuple[Finding, ...]:
    """Return the partners of ``lonely`` findings that are really there and not reported yet."""
    if not lonely:
        return ()
    registration = known(views.registration, "the registration")
    again = Remeasurement(views.prior if in_prior else views.current, delineator)
    found: list[Finding] = []
    for finding in lonely:
        center = np.array([finding.center_ras_mm])
        place = registration.map_points_to_prior(center) if in_prior else registration.map_points_to_current(center)
        unsure_mm = float(registration.uncertainty_at(center if in_prior else place)[0])
        reach_mm = max(MIN_REACH_MM, 1.5 * unsure_mm, 0.3 * finding.mean_diameter_mm)
        partner = again.at(place[0], finding, reach_mm)
        if partner is None or _is_known(partner, [*others, *found]):
            continue
        if looks_like(partner, finding):
            named = replace(partner, id=_free_id([*others, *found]), notes=(*partner.notes, NOTE))
            found.append(named)
    return tuple(found)


def looks_like(partner: Finding, finding: Finding) -> bool:
    """Whether what was measured at a nodule's place may be the nodule, rather than a vessel that passes there."""
    return partner.type == finding.type and partner.mean_hu >= finding.mean_hu - MAX_FAINTER_HU


def _free_id(findings: Sequence[Finding]) -> str:
    """Again_01, Again_02, ...: the first that no finding of this date has."""
    taken = {finding.id for finding in findings}
    return next(name for name in (f"Again_{n:02d}" for n in range(1, len(findings) + 2)) if name not in taken)


def _is_known(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether a reported finding lies at the same place."""
    center = np.array(finding.center_ras_mm)
    return any(
        np.linalg.norm(center - other.center_ras_mm) < 0.5 * max(finding.mean_diameter_mm, other.mean_diameter_mm)
        for other in others
    )
