"""The key image of each finding as one picture: lung and soft-tissue window side by side; its words name nobody."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.analysis.importance import by_suspicion
from LungNoduleAILib.model.result import AnalysisResult
from LungNoduleAILib.report.views import SHOWN_FINDINGS, key_views
from ThoraxAILib.report import with_title
from ThoraxAILib.report.page import number

AXIAL_VIEWS = 2  # the first two: axial in lung and in soft-tissue window


def key_pictures(result: AnalysisResult) -> list[np.ndarray]:
    """Return a picture (rows, columns, 3; uint8) of each finding, the most suspicious first, all of one size."""
    pictures = []
    for finding in by_suspicion(result.findings.findings)[:SHOWN_FINDINGS]:
        views = key_views(result, finding)[:AXIAL_VIEWS]
        title = f"{finding.id} {number(finding.mean_diameter_mm)} mm {finding.type} {finding.lobe or ''}".strip()
        left = with_title(views[0].picture, title)
        right = with_title(views[1].picture, views[1].caption.rpartition(", ")[2])
        pictures.append(np.hstack([left.pixels, right.pixels]))
    rows = max((len(picture) for picture in pictures), default=0)
    columns = max((picture.shape[1] for picture in pictures), default=0)
    return [
        np.pad(picture, ((0, rows - len(picture)), (0, columns - picture.shape[1]), (0, 0))) for picture in pictures
    ]
