"""Which measured findings are no nodules after all, each with its reason: rules on size, HU and place.

Set by what was reported falsely on real CT: dots below 3 mm, domes of the diaphragm that one thick slice cuts, vessels
of the hilum, and masks whose diameter and volume contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.model.anatomy import AIRWAY, AORTA, HEART, Anatomy
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.errors import known
from ThoraxAILib.image.spheres import ellipsoid_volume_mm3
from ThoraxAILib.image.volume import Volume

MIN_MM = 3.0
SMALL_MM = 10.0  # a larger nodule may be flat or branched and is none the less one
CONTRADICTION = 3.0  # factor between the volume and that of a ball of the diameter
HILUM_MM = 28.0  # from trachea and main bronchi to the border of a finding; coarse voxels hide lobar bronchi
# From a lobar artery to all vessels of a hilum outlined as one (42 mm on real CT). What is set aside from 30 mm on is
# told as a verdict with its place.
HILAR_FROM_MM, HILAR_TO_MM = 12.0, 50.0
# by how much the log odds of a nodule are less at the hilum: on real CT five vessels had 0.45 to 0.60, a mass 0.68
HILAR_LOGIT = 1.0
CONTRAST_HU, VESSEL_SHARE = 90.0, 0.75
DOME_BELOW_MM, DOME_SHARE, DOME_FLATNESS = 6.0, 0.7, 0.7


@dataclass(frozen=True, eq=False)
class Vetting:
    """Judges findings of one CT (HU, LPS order); ``threshold`` is the least confidence that is reported."""

    volume: Volume
    anatomy: Anatomy
    threshold: float

    def reason_against(self, finding: Finding) -> str | None:
        """Return why a measured finding (mask on the grid of the CT) is not reported; None when it is."""
        if finding.mean_diameter_mm < MIN_MM:
            return f"measures {finding.mean_diameter_mm:.1f} mm: below {MIN_MM:g} mm nothing is reported"
        if finding.mean_diameter_mm < SMALL_MM:
            ball = ellipsoid_volume_mm3([finding.mean_diameter_mm / 2] * 3)
            if not 1 / CONTRADICTION < finding.volume_mm3 / ball < CONTRADICTION:
                return (
                    f"its diameter ({finding.mean_diameter_mm:.1f} mm) and volume ({finding.volume_mm3:.0f} mm3) "
                    "contradict each other: it could not be measured"
                )
        if self._is_dome(finding):
            return "is the top of the diaphragm, cut by one slice"
        return self._hilar_reason(finding)

    def _hilar_reason(self, finding: Finding) -> str | None:
        if finding.mean_diameter_mm < HILAR_FROM_MM or self._to_airway_mm(finding) > HILUM_MM:
            return None
        blood = blood_hu(self.volume, self.anatomy)
        if blood > CONTRAST_HU and finding.mean_hu > VESSEL_SHARE * blood:
            return f"is as bright as blood with contrast ({finding.mean_hu:.0f} HU) at the hilum: a vessel"
        if finding.mean_diameter_mm >= HILAR_TO_MM:
            return None
        odds = finding.confidence / max(1 - finding.confidence, 1e-3) * np.exp(-HILAR_LOGIT)
        if odds / (1 + odds) < self.threshold:
            return (
                f"confidence {finding.confidence:.2f} is too low at the hilum, where vessels look alike "
                f"(as {odds / (1 + odds):.2f} elsewhere, the threshold is {self.threshold:.2f})"
            )
        return None

    def _to_airway_mm(self, finding: Finding) -> float:
        """Distance in mm from the border of a finding's ball to trachea and main bronchi; infinite beyond 100 mm."""
        center = self.volume.kji_from_ras(np.array(finding.center_ras_mm))
        half = np.ceil(100.0 / self.volume.spacing_kji_mm)
        box = tuple(
            slice(max(0, int(c - h)), min(n, int(c + h) + 1))
            for c, h, n in zip(center, half, self.anatomy.labels.shape, strict=True)
        )
        step = tuple(max(1, int(1.5 / s)) for s in self.volume.spacing_kji_mm)
        airway = np.argwhere(self.anatomy.labels[box][tuple(slice(None, None, s) for s in step)] == AIRWAY)
        if not len(airway):
            return float("inf")
        places = airway * np.array(step) + np.array([b.start for b in box])
        gap = np.linalg.norm((places - center) * self.volume.spacing_kji_mm, axis=1).min()
        return float(gap) - finding.mean_diameter_mm / 2

    def _is_dome(self, finding: Finding) -> bool:
        """Whether tissue that is no lung lies under most of a flat finding, as under the top of a dome."""
        mask = known(finding.mask, "the mask")
        k, j, i = np.nonzero(mask.array)
        spacing = self.volume.spacing_kji_mm
        height = (np.ptp(k) + 1) * spacing[0]
        width = max((np.ptp(j) + 1) * spacing[1], (np.ptp(i) + 1) * spacing[2])
        if height > max(DOME_FLATNESS * width, 2 * spacing[0]):
            return False
        _, first = np.unique(j * mask.array.shape[2] + i, return_index=True)  # the lowest voxel of every column
        offset = np.array(mask.offset_kji)
        low, j, i = k[first] + offset[0], j[first] + offset[1], i[first] + offset[2]
        steps = max(1, round(DOME_BELOW_MM / spacing[0]))
        below = np.maximum(low - steps, 0)
        labels = self.anatomy.labels[below, j, i]
        dense = self.volume.array[below, j, i] > -200
        return bool((dense & (labels == 0)).mean() > DOME_SHARE)


def blood_hu(volume: Volume, anatomy: Anatomy) -> float:
    """Median HU of heart and aorta; 0 where they are not known."""
    structures = anatomy.structures
    if structures is None:
        return 0.0
    sampled = tuple(slice(None, None, max(1, int(5.0 / s))) for s in volume.spacing_kji_mm)
    blood = volume.array[sampled][np.isin(structures[sampled], (HEART, AORTA))]
    return float(np.median(blood)) if blood.size else 0.0
