"""A nodule that was reported at one date is looked for and measured at its place on the other date.

A detector that just missed its threshold at one date would otherwise make a nodule look new or resolved.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LungNoduleAILib.delineation.protocol import Delineator
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import measure
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import AxisOrder

DETECTOR = "measured again"
MIN_VOLUME_RATIO, MAX_VOLUME_RATIO = 0.1, 4.0


class Remeasurement:
    """Measures places of one analyzed CT; keeps the CT turned to LPS order between calls."""

    def __init__(self, result: AnalysisResult, delineator: Delineator) -> None:
        self._delineator = delineator
        self._order: AxisOrder = result.volume.axis_order_to_lps()
        turned = self._order.apply(result.volume)
        self._volume = turned.with_array(np.ascontiguousarray(turned.array))
        labels = np.ascontiguousarray(self._order.apply_array(result.labels))
        self._anatomy = Anatomy(labels, lobes_approximate=result.lobes_approximate)
        self._lung_depth = LungDepth(self._volume, self._anatomy)

    def at(self, center_ras_mm: np.ndarray, like: Finding, reach_mm: float) -> Finding | None:
        """Return a finding within ``reach_mm`` of a RAS place that may be ``like`` at another date; None without one.

        It must have a border, lie in the lungs, and be a tenth to four times as large.
        """
        candidate = Candidate(three(float(x) for x in center_ras_mm), like.mean_diameter_mm, like.confidence)
        if not self._is_inside(np.asarray(center_ras_mm)):
            return None
        found = measure(self._volume, self._anatomy, self._lung_depth, candidate, DETECTOR, self._delineator)
        if found is None or found.lobe is None or found.mask is None:
            return None
        gap_mm = float(np.linalg.norm(np.array(found.center_ras_mm) - np.asarray(center_ras_mm)))
        ratio = found.volume_mm3 / max(like.volume_mm3, 1e-6)
        if gap_mm > reach_mm or not MIN_VOLUME_RATIO <= ratio <= MAX_VOLUME_RATIO:
            return None
        return replace(found, mask=self._turned_back(found.mask))

    def _is_inside(self, center_ras_mm: np.ndarray) -> bool:
        place = self._volume.kji_from_ras(center_ras_mm)
        return bool(((place >= 0) & (place <= np.array(self._volume.array.shape) - 1)).all())

    def _turned_back(self, mask: Mask) -> Mask:
        from LungNoduleAILib.analysis.analyze import turned_back

        return turned_back(mask, self._order, self._volume.array.shape)
