"""What a presentation state draws over the images: outline, axes and words of each finding, in its middle slice."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask_outline import outline_of_mask
from ThoraxAILib.io.dicom_objects.presentation_state import Drawing
from ThoraxAILib.io.dicom_objects.source_images import SourceImages

PIXEL_CENTER = 0.5  # of the coordinates of PS3.3 C.10.5, which begin at the outer corner of a pixel
WORDS_GAP_PIXELS = 4.0
IN_SLICE = 0.75  # slices: how far the ends of an axis may lie from the slice that shows it


def drawings_of(result: AnalysisResult, sources: SourceImages, tracking: dict[str, tuple[str, str]]) -> list[Drawing]:
    """Return a drawing for every finding that lies on a stored image; none where slices are no images of their own."""
    if sources.slices is None:
        return []
    found = []
    for finding in result.findings.findings:
        center = result.volume.kji_from_ras(np.array(finding.center_ras_mm))
        k = round(float(center[0]))
        if 0 <= k < len(sources.slices):
            lines = (*_outline(finding, k), *_axes(finding, result, k))
            words = f"{finding.id} {finding.type} {finding.mean_diameter_mm:.1f} mm"
            right = max((line[:, 0].max() for line in lines), default=center[2])
            place = float(right) + WORDS_GAP_PIXELS, float(center[1])
            found.append(Drawing(sources.slices[k], lines, words, place, tracking[finding.id]))
    return found


def _outline(finding: Finding, k: int) -> list[np.ndarray]:
    """Return the outline in slice k, or in the nearest slice of the mask."""
    mask = finding.mask
    if mask is None:
        return []
    first = mask.offset_kji[0]
    plane = mask.array[int(np.clip(k - first, 0, mask.array.shape[0] - 1))]
    corner = np.array(mask.offset_kji[:0:-1], float)
    return [line + corner for line in outline_of_mask(plane)]


def _axes(finding: Finding, result: AnalysisResult, k: int) -> list[np.ndarray]:
    lines = []
    for axis in (finding.long_axis_ras_mm, finding.short_axis_ras_mm):
        if axis is not None:
            ends = result.volume.kji_from_ras(np.array(axis, float).reshape(2, 3))
            if np.abs(ends[:, 0] - k).max() <= IN_SLICE:
                lines.append(ends[:, :0:-1] + PIXEL_CENTER)
    return lines
