"""The order in which a reader should see findings: by suspicion, not by the detector's confidence.

First the category that Lung-RADS v2022 gives by size, type, growth and what the reader stated (as for a baseline exam
where no earlier one is known: for the order alone, no category is told without a stated exam), then size, then type.
Doubtful marks come last, rejected ones after them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from LungNoduleAILib.guidelines.from_findings import NoduleBefore, nodule_inputs
from LungNoduleAILib.guidelines.lung_rads.category import lung_rads_2022
from LungNoduleAILib.guidelines.tables.lung_rads_2022 import ORDER
from LungNoduleAILib.guidelines.terms.reading import read_inputs
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.volume import Volume

MIN_NODULE_MM = 3.0  # smaller marks are not what the detector is made for
LONG_AS_A_VESSEL = 2.5  # length by thickness of the outline, from the spread of its voxels
SUSPICIOUS = ("4A", "4B", "4X")
_TYPES = ("calcified", "ground-glass", "solid", "part-solid")  # the most suspicious of equal size last


def category_for_order(finding: Finding, before: NoduleBefore | None = None) -> str:
    """Return the Lung-RADS category by which a finding is put in order; empty where its values make none."""
    try:
        inputs = read_inputs({"exam": "baseline" if before is None else "follow_up", **nodule_inputs(finding, before)})
        return lung_rads_2022(inputs).category or ""
    except InputError:
        return ""


def is_doubtful(finding: Finding) -> bool:
    """Whether it is probably no nodule, and the reader has not accepted it."""
    return bool(finding.doubt) and finding.status != "accepted"


def by_suspicion(findings: Sequence[Finding], before: Mapping[str, NoduleBefore] | None = None) -> tuple[Finding, ...]:
    """Return the findings, the most suspicious first, doubtful and then rejected ones last."""
    return tuple(sorted(findings, key=lambda finding: _key(finding, (before or {}).get(finding.id))))


def _key(finding: Finding, before: NoduleBefore | None) -> tuple:
    category = category_for_order(finding, before)
    rank = ORDER.index(category) if category in ORDER else -1
    kind = _TYPES.index(finding.type) if finding.type in _TYPES else 0
    is_rejected = finding.status == "rejected"
    return is_rejected, is_doubtful(finding), -rank, -finding.mean_diameter_mm, -kind, finding.id


def with_doubt(finding: Finding, volume: Volume) -> Finding:
    """Return the finding with what speaks against a nodule: too small, in one slice only, long like a vessel."""
    doubts = []
    if finding.mean_diameter_mm < MIN_NODULE_MM:
        doubts.append(f"smaller than {MIN_NODULE_MM:g} mm")
    if finding.mask is not None and finding.mask.array.any():
        spacing = volume.spacing_kji_mm
        voxels = np.argwhere(finding.mask.array)
        thick = int(np.argmax(spacing))
        if spacing[thick] > 1.0 and len(np.unique(voxels[:, thick])) == 1:
            doubts.append(f"seen in one slice of {spacing[thick]:g} mm only")
        stretch = elongation(voxels * spacing, spacing)
        if stretch >= LONG_AS_A_VESSEL:
            doubts.append(f"{stretch:.1f} times as long as thick, like a vessel")
    return replace(finding, doubt="; ".join(doubts))


def elongation(points_mm: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Return length by middle thickness of a body: the roots of the first two eigenvalues of the spread of its voxels.

    The spread within a voxel (spacing^2 / 12) is added, so that one row of voxels has a thickness too. A sphere has 1,
    an ellipsoid the ratio of its longest and second axis.
    """
    if len(points_mm) < 2:
        return 1.0
    spread = np.cov(points_mm.T, bias=True) + np.diag(np.asarray(spacing_mm, dtype=float) ** 2 / 12)
    values = np.linalg.eigvalsh(spread)
    return float(np.sqrt(values[2] / values[1]))
