"""Masks and results turned to another order of the axes, and back.

Slicer turns a CT with left-handed axes when it reads it again, and its voxels get other numbers. In LPS order they have
the same numbers before and after, so what is kept of a review is kept in this order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LungNoduleAILib.analysis.analyze import turned_back
from LungNoduleAILib.model.findings import Findings
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import AxisOrder, Volume

__all__ = ["in_lps", "masks_turned_back", "turned", "turned_back", "volume_in_lps"]


def turned(mask: Mask, order: AxisOrder, shape: tuple[int, int, int]) -> Mask:
    """Return a mask on a grid of ``shape`` on the axes of ``order``; the inverse of turned_back."""
    array = np.ascontiguousarray(order.apply_array(np.asarray(mask.array)))
    start = [mask.offset_kji[axis] for axis in order.permutation]
    whole = [shape[axis] for axis in order.permutation]
    along = zip(start, array.shape, whole, order.flips, strict=True)
    return Mask(three(int(n - (o + size) if flip else o) for o, size, n, flip in along), array)


def volume_in_lps(volume: Volume) -> Volume:
    """Return the CT with its axes in LPS order, without resampling."""
    ordered = volume.axis_order_to_lps().apply(volume)
    return ordered.with_array(np.ascontiguousarray(ordered.array))


def in_lps(result: AnalysisResult) -> AnalysisResult:
    """Return a result with CT, labels and masks in LPS order; the same result where they are already."""
    order, shape = result.volume.axis_order_to_lps(), three(result.volume.array.shape)
    findings = tuple(
        finding if finding.mask is None else replace(finding, mask=turned(finding.mask, order, shape))
        for finding in result.findings.findings
    )
    structures, named = result.structures, result.named
    return replace(
        result,
        volume=volume_in_lps(result.volume),
        labels=np.ascontiguousarray(order.apply_array(result.labels)),
        structures=None if structures is None else np.ascontiguousarray(order.apply_array(structures)),
        named=None if named is None else named.with_labels(order.apply_array(named.labels)),
        findings=replace(result.findings, findings=findings),
    )


def masks_turned_back(findings: Findings, volume: Volume) -> Findings:
    """Return findings whose masks are in LPS order with the masks on the grid of ``volume``."""
    order = volume.axis_order_to_lps()
    shape = three(order.apply_array(volume.array).shape)
    rows = (
        finding if finding.mask is None else replace(finding, mask=turned_back(finding.mask, order, shape))
        for finding in findings.findings
    )
    return replace(findings, findings=tuple(rows))
