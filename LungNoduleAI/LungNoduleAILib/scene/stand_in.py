"""A result of a few voxels that makes the same nodes as the whole one: what Slicer writes before the arrays come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask import Mask

LABELS = 256  # of a byte


def stand_in(result: AnalysisResult, stored: np.dtype) -> AnalysisResult:
    """Return a result on one row of voxels that has the labels, structures and findings of ``result``, one voxel each.

    ``stored`` is the type of its image. First voxel and axes lie as those of the whole result.
    """
    findings = result.findings.findings
    width = max(LABELS, len(findings))
    small = tuple(_with_one_voxel(finding, number) for number, finding in enumerate(findings))
    return replace(
        result,
        volume=replace(result.volume, array=np.zeros((1, 1, width), stored)),
        labels=_one_voxel_each(result.labels, width),
        structures=None if result.structures is None else _one_voxel_each(result.structures, width),
        named=None if result.named is None else result.named.with_labels(_one_voxel_each(result.named.labels, width)),
        findings=replace(result.findings, findings=small),
    )


def _one_voxel_each(labels: np.ndarray, width: int) -> np.ndarray:
    row = np.zeros((1, 1, width), np.uint8)
    for value in range(1, int(labels.max(initial=0)) + 1):
        row[0, 0, value] = value * any((plane == value).any() for plane in labels)
    return row


def _with_one_voxel(finding: Finding, place: int) -> Finding:
    if finding.mask is None or not finding.mask.array.any():
        return finding
    return replace(finding, mask=Mask((0, 0, place), np.ones((1, 1, 1), finding.mask.array.dtype)))
