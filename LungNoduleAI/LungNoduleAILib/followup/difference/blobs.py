"""Significant places of a difference map as blobs: where, how large, appeared, grew, shrank or vanished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import maximum_filter

from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.grid import Grid
from ThoraxAILib.image.spheres import sphere_diameter_mm
from ThoraxAILib.image.tuples import three

if TYPE_CHECKING:
    from LungNoduleAILib.followup.difference.scan_pair import ScanPair
    from LungNoduleAILib.followup.registration.register import LungRegistration

APPEARED, GREW, SHRANK, VANISHED = "appeared", "grew", "shrank", "vanished"
MIN_SCORE = 5.0
MIN_HU = (120.0, 80.0)  # at the two scales: a solid sphere of about 4 mm, ground glass of about 8 mm
MIN_DIAMETER_MM = 3.5
MAX_ERROR_MM = 5.0  # above it nothing is said
BOX_MM = 40.0
ALREADY_THERE = 0.4  # share of the structure's contrast that the other date shows within a few mm
NEAR_MM = 3.0


@dataclass(frozen=True)
class DifferenceBlob:
    """One change, placed in the current scan; ``mean_difference_hu`` is current minus prior over its voxels.

    ``diameter_mm`` is that of the sphere of its volume; ``finding_id`` names a finding of the current scan (appeared,
    grew) or of the prior one (shrank, vanished) at this place.
    """

    center_ras_mm: tuple[float, float, float]
    diameter_mm: float
    volume_mm3: float
    mean_difference_hu: float
    kind: str
    score: float
    uncertainty_mm: float
    prior_center_ras_mm: tuple[float, float, float]
    finding_id: str | None = None

    def to_dict(self) -> dict:
        """JSON form."""
        entry: dict[str, Any] = {
            name: round(value, 2) if isinstance(value, float) else value for name, value in asdict(self).items()
        }
        for name in ("center_ras_mm", "prior_center_ras_mm"):
            entry[name] = [round(value, 2) for value in entry[name]]
        return entry


@dataclass(frozen=True, eq=False)
class _Peak:
    place: tuple[int, int, int]
    score: float
    sign: int


def find_blobs(
    compared: ScanPair,
    scores: Sequence[tuple[np.ndarray, np.ndarray]],
    registration: LungRegistration,
    current_findings: Sequence[Finding],
    prior_findings: Sequence[Finding],
) -> tuple[tuple[DifferenceBlob, ...], int]:
    """Blobs, best first, and how many places were left out because the registration is too uncertain there."""
    difference = compared.difference
    taken = np.zeros(difference.shape, dtype=bool)
    blobs, suppressed = [], 0
    for peak in _peaks(compared.grid, scores):
        if taken[peak.place]:
            continue
        region = _region(difference * peak.sign, peak.place, compared.grid)
        if region is None:
            continue
        box, mask = region
        overlapping = bool((taken[box] & mask).any())
        taken[box] |= mask
        blob = _measured(compared, difference, peak, box, mask, registration)
        if overlapping or blob.diameter_mm < MIN_DIAMETER_MM:
            continue
        if blob.uncertainty_mm > MAX_ERROR_MM:
            suppressed += 1
            continue
        blobs.append(_named(blob, current_findings, prior_findings))
    return tuple(blobs), suppressed


def _peaks(grid: Grid, scores: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[_Peak]:
    """Local extremes of significance that are large enough in HU, over all scales, best first."""
    found = []
    for (difference, score), least_hu in zip(scores, MIN_HU, strict=True):
        size = [2 * round(NEAR_MM / step) + 1 for step in grid.spacing_kji_mm]
        height = np.abs(score)
        top = (height == maximum_filter(height, size)) & (height >= MIN_SCORE) & (np.abs(difference) >= least_hu)
        for place in np.argwhere(top):
            at = three(int(p) for p in place)
            found.append(_Peak(at, float(height[at]), 1 if difference[at] > 0 else -1))
    return sorted(found, key=lambda peak: -peak.score)


def _region(
    signed: np.ndarray, place: tuple[int, int, int], grid: Grid
) -> tuple[tuple[slice, slice, slice], np.ndarray] | None:
    """Box and mask of the connected voxels above half of the highest difference near a place."""
    import cc3d

    reach = np.ceil(BOX_MM / 2 / grid.spacing_kji_mm).astype(int)
    near = np.ceil(NEAR_MM / grid.spacing_kji_mm).astype(int)
    close = tuple(slice(max(0, p - n), p + n + 1) for p, n in zip(place, near, strict=True))
    top = signed[close]
    peak = np.array(np.unravel_index(int(top.argmax()), top.shape)) + [s.start for s in close]
    height = float(signed[tuple(peak)])
    if height <= 0:
        return None
    box = three(slice(max(0, int(p - r)), int(p + r + 1)) for p, r in zip(peak, reach, strict=True))
    labels = cc3d.connected_components(signed[box] > 0.5 * height, connectivity=6)
    own = labels[tuple(int(p - s.start) for p, s in zip(peak, box, strict=True))]
    return box, labels == own


def _measured(
    compared: ScanPair,
    difference: np.ndarray,
    peak: _Peak,
    box: tuple[slice, slice, slice],
    mask: np.ndarray,
    registration: LungRegistration,
) -> DifferenceBlob:
    grid = compared.grid
    index = np.argwhere(mask).mean(0) + [s.start for s in box]
    center = grid.ijk_to_ras[:3, :3] @ index[::-1] + grid.ijk_to_ras[:3, 3]
    volume = float(mask.sum() * np.prod(grid.spacing_kji_mm))
    prior_center = registration.map_points_to_prior(center[None])[0]
    return DifferenceBlob(
        three(float(x) for x in center),
        float(sphere_diameter_mm(volume)),
        volume,
        float(difference[box][mask].mean()),
        _kind(compared, peak.sign, box, mask),
        peak.score,
        float(compared.error_mm[box][mask].mean()),
        three(float(x) for x in prior_center),
    )


def _kind(compared: ScanPair, sign: int, box: tuple[slice, slice, slice], mask: np.ndarray) -> str:
    """Appeared or grew (brighter), shrank or vanished (darker), by what the other date shows at the place."""
    above_lung = [(image[box] - compared.level[box]) for image in (compared.current, compared.prior_seen)]
    present, absent = above_lung if sign > 0 else above_lung[::-1]
    contrast = float(np.percentile(present[mask], 90))
    already = float(np.percentile(absent[mask], 90)) > ALREADY_THERE * contrast
    if sign > 0:
        return GREW if already else APPEARED
    return SHRANK if already else VANISHED


def _named(
    blob: DifferenceBlob, current_findings: Sequence[Finding], prior_findings: Sequence[Finding]
) -> DifferenceBlob:
    """Return the blob with the nearest finding it touches, of the date that shows more of it."""
    brighter = blob.mean_difference_hu > 0
    findings, center = (
        (current_findings, blob.center_ras_mm) if brighter else (prior_findings, blob.prior_center_ras_mm)
    )
    best, best_gap = None, np.inf
    for finding in findings:
        gap = float(np.linalg.norm(np.array(finding.center_ras_mm) - center))
        touches = gap <= (finding.mean_diameter_mm + blob.diameter_mm) / 2 + blob.uncertainty_mm
        if touches and gap < best_gap:
            best, best_gap = finding.id, gap
    return DifferenceBlob(**{**blob.__dict__, "finding_id": best})
