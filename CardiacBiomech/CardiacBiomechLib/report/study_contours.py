"""The strip of frames of a study: outlines on a basal, middle and apical slice from end-diastole over end-systole."""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.analysis.study import StudyResult
from CardiacBiomechLib.report.contour_sheet import MAX_COLUMNS, frames_with_contours


def study_contours(result: StudyResult) -> np.ndarray:
    """RGB pixels; both end-diastole and end-systole are among the frames."""
    count, ed, es = result.study.frames, result.study.ed_frame - 1, result.study.es_frame - 1
    spread = {round(step) for step in np.linspace(0, count - 1, min(count, MAX_COLUMNS - 1))}
    if count > MAX_COLUMNS:
        spread = {frame for frame in spread if abs(frame - es) > 1 or frame == es}
    return frames_with_contours(result.labels, result.parts, ed, result.cine, sorted({*spread, ed, es}))
