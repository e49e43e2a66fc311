"""The nodules of one CT as segments and measurement groups; a solid part is a segment and a group of its own."""

from __future__ import annotations

import numpy as np

from LungNoduleAILib.measurement.density import SOLID_HU
from LungNoduleAILib.model.anatomy import LLL, LUL, RLL, RML, RUL
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.result import AnalysisResult
from ThoraxAILib import __version__
from ThoraxAILib.errors import known
from ThoraxAILib.io.dicom_objects.measurement_report import FindingGroup, Quantity
from ThoraxAILib.io.dicom_objects.segmentation import SegmentItem
from ThoraxAILib.io.dicom_objects.uids import uid_of

LOBES = {
    RUL: ("Right upper lobe", "upper lobe", "right"),
    RML: ("Right middle lobe", "middle lobe", "right"),
    RLL: ("Right lower lobe", "lower lobe", "right"),
    LUL: ("Left upper lobe", "upper lobe", "left"),
    LLL: ("Left lower lobe", "lower lobe", "left"),
}
SITES = {"RUL": RUL, "RML": RML, "RLL": RLL, "LUL": LUL, "LLL": LLL}
SOLID_PART = "solid part"


def tracking(finding: Finding, series_uid: str) -> tuple[str, str]:
    """Return the tracking identifier and UID of a finding: the same whenever the series is analyzed again."""
    return finding.id, uid_of("tracking", series_uid, finding.id)


class Nodules:
    """The findings of one analysis with their segments: first those of whole nodules, then those of solid parts.

    ``names`` are tracking identifier and UID by finding, where a nodule has some from an earlier date already.
    """

    def __init__(self, result: AnalysisResult, names: dict[str, tuple[str, str]] | None = None) -> None:
        self._result = result
        series = result.volume.identity.series_uid
        self._names = {one.id: tracking(one, series) for one in result.findings.findings} | (names or {})
        self._outlined = [one for one in result.findings.findings if one.mask is not None]
        masks = {one.id: self._solid_mask(one) for one in self._outlined}
        self._solid_masks = {name: mask for name, mask in masks.items() if mask.any()}
        first_solid = len(self._outlined) + 1
        self.segments = {one.id: number for number, one in enumerate(self._outlined, start=1)}
        self.solid_segments = {name: number for number, name in enumerate(self._solid_masks, start=first_solid)}

    def items(self) -> list[SegmentItem]:
        """Return the segments in the order of their numbers."""
        solid = [one for one in self._outlined if one.id in self.solid_segments]
        return [self._item(one) for one in self._outlined] + [self._solid_item(one) for one in solid]

    def groups(self) -> list[FindingGroup]:
        """Return a group for each finding, and behind it one for its solid part."""
        found = []
        for finding in self._result.findings.findings:
            found.append(self.group(finding))
            if finding.id in self.solid_segments:
                found.append(self._solid_group(finding))
        return found

    def group(self, finding: Finding, evidence: int = 0) -> FindingGroup:
        """Return the group of a finding whose images are this evidence of the report."""
        site, side = _site(finding)
        return FindingGroup(
            self._names[finding.id],
            self.segments.get(finding.id, 0),
            "mass" if finding.kind == "mass" else "nodule",
            site,
            side,
            tuple(self._quantities(finding, evidence)),
            (("attenuation class", finding.type), ("assessment", finding.status)),
            evidence,
            center_ras_mm=finding.center_ras_mm,
        )

    def _quantities(self, finding: Finding, evidence: int) -> list[Quantity]:
        """Return the numbers of a finding; those of the solid part refer to both segments."""
        quantities = [
            Quantity("volume", finding.volume_mm3, "mm3"),
            Quantity("diameter", finding.mean_diameter_mm, "mm", "mean"),
            Quantity("long axis", finding.long_axis_mm, "mm", ends_ras_mm=finding.long_axis_ras_mm),
            Quantity("short axis", finding.short_axis_mm, "mm", ends_ras_mm=finding.short_axis_ras_mm),
            Quantity("attenuation", finding.mean_hu, "HU", "mean"),
            Quantity("probability", finding.confidence, "1"),
        ]
        numbers = (self.segments.get(finding.id), self.solid_segments.get(finding.id))
        both = tuple((evidence, number) for number in numbers if number) if numbers[1] else ()
        for name, value, unit, derivation in (
            ("solid part diameter", finding.solid_mean_diameter_mm, "mm", "mean"),
            ("solid part volume", finding.solid_volume_mm3, "mm3", ""),
        ):
            if value is not None:
                quantities.append(Quantity(name, value, unit, derivation, segments=both))
        return quantities

    def _solid_group(self, finding: Finding) -> FindingGroup:
        site, side = _site(finding)
        quantities = []
        if finding.solid_volume_mm3 is not None:
            quantities.append(Quantity("volume", finding.solid_volume_mm3, "mm3"))
        if finding.solid_mean_diameter_mm is not None:
            quantities.append(Quantity("diameter", finding.solid_mean_diameter_mm, "mm", "mean"))
        names = self._solid_names(finding)
        number = self.solid_segments[finding.id]
        solid = (("attenuation class", "solid"),)
        return FindingGroup(names, number, SOLID_PART, site, side, tuple(quantities), solid)

    def _item(self, finding: Finding) -> SegmentItem:
        whole = self._whole(finding, known(finding.mask, "the mask").array)
        kind = "mass" if finding.kind == "mass" else "nodule"
        side = finding.side or ""
        names = self._names[finding.id]
        return SegmentItem(finding.id, whole, "altered structure", kind, self._made_by(finding), side, names)

    def _solid_item(self, finding: Finding) -> SegmentItem:
        whole = self._whole(finding, self._solid_masks[finding.id])
        names, side = self._solid_names(finding), finding.side or ""
        return SegmentItem(names[0], whole, "altered structure", SOLID_PART, self._made_by(finding), side, names)

    def _solid_names(self, finding: Finding) -> tuple[str, str]:
        name, uid = self._names[finding.id]
        return f"{name} {SOLID_PART}", uid_of(SOLID_PART, uid)

    def _solid_mask(self, finding: Finding) -> np.ndarray:
        """Return the voxels of a part-solid nodule that are solid, on the grid of its mask; none of other nodules."""
        mask = known(finding.mask, "the mask")
        if finding.solid_volume_mm3 is None:
            return np.zeros(mask.array.shape, dtype=bool)
        return mask.array.astype(bool) & (self._result.volume.array[mask.slices] > SOLID_HU)

    def _whole(self, finding: Finding, part: np.ndarray) -> np.ndarray:
        whole = np.zeros(self._result.volume.array.shape, dtype=bool)
        whole[known(finding.mask, "the mask").slices] = part
        return whole

    def _made_by(self, finding: Finding) -> tuple[str, str] | None:
        if finding.source == "reader":
            return None
        methods = self._result.methods
        name = f"ThoraxAI delineator {methods.get('delineator', '')}".strip()
        return name, methods.get("delineator_fingerprint", __version__)


def _site(finding: Finding) -> tuple[str, str]:
    """Return the concepts of lobe and side; the middle lobe has no side of its own."""
    value = SITES.get(finding.lobe or "")
    _, site, side = LOBES[value] if value is not None else ("", "lung", finding.side or "")
    return site, "" if site == "middle lobe" else side
