"""What speaks for each pair of findings of two scans: likeness, lungs laid over one another, registration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.followup.matching.evidence import Evidence, MatchItem
from LungNoduleAILib.followup.matching.lung_frame import LungFrame, aligned_distances
from LungNoduleAILib.followup.matching.protocol import DatedNodules, Reidentifier
from LungNoduleAILib.followup.registration.register import LungRegistration
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.errors import InputError


@dataclass(frozen=True, eq=False)
class Views:
    """Two analyzed scans with what places a nodule in them; frames are None where a scan shows no lungs."""

    prior: AnalysisResult
    current: AnalysisResult
    registration: LungRegistration | None
    reidentifier: Reidentifier
    prior_frame: LungFrame | None
    current_frame: LungFrame | None

    @staticmethod
    def of(
        prior: AnalysisResult,
        current: AnalysisResult,
        registration: LungRegistration | None,
        reidentifier: Reidentifier,
    ) -> Views:
        """Return the views of two scans."""
        return Views(prior, current, registration, reidentifier, _frame(prior), _frame(current))


def pair_evidence(views: Views, before: Sequence[Finding], after: Sequence[Finding]) -> Evidence:
    """Evidence (n_prior, n_current) for all pairs; without lungs the positions alone count."""
    items = [MatchItem.of(finding) for finding in before], [MatchItem.of(finding) for finding in after]
    aligned = similarity = registered = None
    if views.prior_frame is not None and views.current_frame is not None:
        aligned = aligned_distances(*items, views.prior_frame, views.current_frame)
        similarity = views.reidentifier.likeness(
            DatedNodules(views.prior.volume, items[0], views.prior_frame),
            DatedNodules(views.current.volume, items[1], views.current_frame),
        )
    if views.registration is not None:
        registered = _registered_mm(views.registration, before, after)
    return Evidence(similarity, aligned, registered)


def _registered_mm(registration: LungRegistration, before: Sequence[Finding], after: Sequence[Finding]) -> np.ndarray:
    """Distance in mm in the prior scan."""
    at = np.array([finding.center_ras_mm for finding in before], dtype=float).reshape(-1, 3)
    moved = np.array([finding.center_ras_mm for finding in after], dtype=float).reshape(-1, 3)
    moved = registration.map_points_to_prior(moved) if len(moved) else moved
    return np.linalg.norm(at[:, None] - moved[None], axis=2)


def _frame(result: AnalysisResult) -> LungFrame | None:
    try:
        return LungFrame.of(result.volume, result.labels)
    except InputError:
        return None
