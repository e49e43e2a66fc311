"""Foreign findings as the result of a CT: beside those of an analysis, or with lungs found for them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LungNoduleAILib.analysis.foreign.findings import ForeignFindings, foreign_findings
from LungNoduleAILib.analysis.reader_measurement import ReaderMeasurement
from LungNoduleAILib.anatomy.classical import ClassicalSegmenter
from LungNoduleAILib.delineation.classical import ClassicalDelineator
from LungNoduleAILib.model.anatomy import LEFT_LUNG_LABELS, RIGHT_LUNG_LABELS
from LungNoduleAILib.model.findings import Findings, Lungs
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.jobs.progress import Progress


def with_foreign_findings(result: AnalysisResult, files: Sequence[Path]) -> tuple[AnalysisResult, ForeignFindings]:
    """Return a result with what other programs found behind its own findings, and what the files hold beside that.

    Masks are on the grid of the result. Raises InputError for a file that is no SEG, SR or RTSTRUCT.
    """
    withheld = result.findings.lungs.sides_withheld
    measured = ReaderMeasurement(
        result.volume, result.labels, result.lobes_approximate, ClassicalDelineator(), withheld
    )
    found = foreign_findings(files, result.volume, measured.of_mask)
    taken = {finding.id for finding in result.findings.findings}
    own = tuple(replace(one, id=_free(one.id, taken)) for one in found.findings)
    told = replace(result.findings, findings=(*result.findings.findings, *own))
    return replace(result, findings=told), replace(found, findings=own)


def lungs_alone(volume: Volume, progress: Progress | None = None) -> AnalysisResult:
    """Return a result that holds the lungs and lobes of a CT and no finding: findings of others get their place."""
    order = volume.axis_order_to_lps()
    turned = order.apply(volume)
    turned = turned.with_array(np.ascontiguousarray(turned.array))
    anatomy = ClassicalSegmenter().segment(turned, progress or Progress())
    labels = np.ascontiguousarray(order.undo_array(anatomy.labels))
    sides = (LEFT_LUNG_LABELS, RIGHT_LUNG_LABELS)
    left, right = (float(np.isin(labels, side).sum()) * volume.voxel_mm3 / 1000.0 for side in sides)
    told = Findings(volume.identity.series_uid, Lungs(round(left, 1), round(right, 1)), notes=volume.notes)
    methods = {"anatomy": "classical", "detector": "none: findings of other programs"}
    return AnalysisResult(volume, labels, told, anatomy.lobes_approximate, methods)


def _free(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}_{number}"
    taken.add(unique)
    return unique
