"""Make findings of what other programs say of a CT: SEG, SR (TID 1500) and RTSTRUCT.

A nodule is a segment or contour that is called one, or a measurement group about one. Sizes that a report states are
kept as they are; what it does not state is measured in the outline on the CT. What is no nodule, or has no place in the
CT, is named in ``kept`` and never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LungNoduleAILib.analysis.foreign.terms import QUANTITIES, UNITS, is_mass, is_nodule
from LungNoduleAILib.model.findings import Finding
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.foreign_results import contours, report, segments
from ThoraxAILib.io.foreign_results.coded import Coded, read_header
from ThoraxAILib.io.foreign_results.report import ForeignGroup, ForeignReport

TARGETS = ("GTV", "CTV", "PTV")  # RT ROI Interpreted Type (PS3.3 C.8.8.8) of what is treated
KINDS = "SEG, SR or RTSTRUCT"
MAX_NOTES = 40
MeasureMask = Callable[[Mask], Finding]


@dataclass(frozen=True)
class ForeignFindings:
    """What became findings, and a line for everything else that the files hold."""

    findings: tuple[Finding, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Region:
    """A region on the grid of the CT; ``name`` is how its program calls it, ``said`` what lies outside of the CT."""

    key: tuple[str, int]
    name: str
    kind: Coded | None
    mask: np.ndarray
    said: str
    is_target: bool = False

    @property
    def is_nodule(self) -> bool:
        """Whether its program calls it a nodule, mass or lesion, or a target of radiotherapy."""
        return self.is_target or is_nodule(self.kind)


def foreign_findings(files: Sequence[Path], volume: Volume, measure: MeasureMask) -> ForeignFindings:
    """Return what the files say; raises InputError for a file that is none of these or is damaged.

    ``measure`` measures an outline on the grid of ``volume`` (see ReaderMeasurement.of_mask).
    """
    regions: dict[tuple[str, int], Region] = {}
    reports: list[tuple[str, ForeignReport]] = []
    for path in files:
        uid, sop_class = _kind_of(path)
        if sop_class in report.CLASSES:
            reports.append((path.name, report.read_report(path)))
        else:
            regions |= {region.key: region for region in _regions(path, uid, sop_class, volume)}
    made = _Findings(volume, measure, regions)
    for name, found in reports:
        made.add_report(name, found)
    made.add_regions()
    return ForeignFindings(tuple(made.findings), (*made.kept, *made.beside))


def _kind_of(path: Path) -> tuple[str, str]:
    ds = read_header(path, (*report.CLASSES, *segments.CLASSES, *contours.CLASSES), KINDS)
    return str(ds.get("SOPInstanceUID", "")), str(ds.SOPClassUID)


def _regions(path: Path, uid: str, sop_class: str, volume: Volume) -> list[Region]:
    found = []
    if sop_class in segments.CLASSES:
        for one in segments.read_segments(path):
            placed = segments.place_on(one, volume)
            name = one.tracking_id or one.label or f"segment {one.number}"
            found.append(Region((uid, one.number), name, one.type, placed.mask, _outside(placed, "voxels")))
        return found
    for roi in contours.read_contours(path):
        placed = contours.fill_on(roi, volume)
        said = "; ".join(filter(None, (_outside(placed, "contours"), *(f"kept: {text}" for text in roi.kept))))
        is_target = roi.type.upper() in TARGETS
        found.append(Region((uid, roi.number), roi.name, None, placed.mask, said, is_target))
    return found


def _outside(placed: segments.PlacedSegment, unit: str) -> str:
    if not placed.outside:
        return ""
    return f"{placed.outside} of {placed.inside + placed.outside} {unit} lie outside of the CT"


class _Findings:
    """Findings as they are made, and lines for the rest."""

    def __init__(self, volume: Volume, measure: MeasureMask, regions: dict[tuple[str, int], Region]) -> None:
        self._volume, self._measure, self._regions = volume, measure, regions
        self._used: set[tuple[str, int]] = set()
        self._names: set[str] = set()
        self.findings: list[Finding] = []
        self.kept: list[str] = []
        self.beside: list[str] = []  # what stands in reports outside of their groups

    def add_report(self, name: str, found: ForeignReport) -> None:
        """Make findings of the groups of a report."""
        made_by = found.manufacturer or "another program"
        self.beside += [f"{name}: {text}" for text in found.kept]
        for number, group in enumerate(found.groups, start=1):
            self._add_group(f"{name}: {group.tracking_id or f'group {number}'}", group, made_by)

    def _add_group(self, name: str, group: ForeignGroup, made_by: str) -> None:
        region = None if group.segment is None else self._regions.get(group.segment)
        if region is not None:
            self._used.add(region.key)
        if not (is_nodule(group.finding) or (region is not None and region.is_nodule)):
            self.kept.append(f"{name}: {group.finding or 'no finding named'}, {len(group.measurements)} numbers")
            return
        finding = self._measured(region, group)
        if finding is None:
            reason = region.said if region is not None else "it names no place, or its segment was not given"
            self.kept.append(f"{name}: no place in this CT ({reason})")
            return
        mass = is_mass(group.finding)
        stated = {**_stated(group), **({"kind": "mass"} if mass else {})}
        notes = _notes(group, made_by, region)
        self._take(replace(finding, **stated, notes=notes), group.tracking_id)

    def _measured(self, region: Region | None, group: ForeignGroup) -> Finding | None:
        """Return what is measured in the segment, else in a ball where the group lies; None without a place."""
        if region is not None:
            return self._of_mask(region.mask)
        ball = _center_and_radius_mm(group)
        if ball is None:
            return None
        center, radius = ball
        found = self._of_mask(_ball(self._volume, center, radius))
        if found is None:
            return None
        place = three(round(float(x), 2) for x in center)
        return replace(found, mask=None, mask_volume_mm3=None, bounds_ras_mm=None, center_ras_mm=place)

    def _of_mask(self, mask: np.ndarray) -> Finding | None:
        if not mask.any():
            return None
        low, high = (end(np.nonzero(mask), axis=1) for end in (np.min, np.max))
        box = tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))
        return self._measure(Mask(three(int(v) for v in low), mask[box].copy()))

    def add_regions(self) -> None:
        """Make findings of nodules that no report speaks of, and name all other regions."""
        for region in self._regions.values():
            if region.key in self._used:
                continue
            finding = self._of_mask(region.mask) if region.is_nodule else None
            if finding is None:
                what = f"{region.kind or 'no type'}"
                self.kept.append(f"{region.name}: {what}" + (f"; {region.said}" if region.said else ""))
                continue
            kind = "mass" if is_mass(region.kind) else finding.kind
            notes = ("Outlined by another program.", *((region.said,) if region.said else ()))
            self._take(replace(finding, kind=kind, notes=notes), region.name)

    def _take(self, finding: Finding, name: str) -> None:
        """Add a finding under a name that no other has; its confidence is that of somebody who drew it."""
        wanted = "".join(c if c.isalnum() else "_" for c in name)[:32].strip("_") or "Foreign"
        unique, number = wanted, 1
        while unique in self._names:
            number += 1
            unique = f"{wanted}_{number}"
        self._names.add(unique)
        self.findings.append(replace(finding, id=unique, confidence=1.0, detector="foreign"))


def _center_and_radius_mm(group: ForeignGroup) -> tuple[np.ndarray, float] | None:
    """Return the middle (RAS) and the half of the ends of the axes, else the point of a group and half its diameter."""
    points = np.array([point for one in group.measurements for point in one.points_ras_mm], dtype=float)
    if len(points):
        center = points.mean(axis=0)
        return center, float(np.linalg.norm(points - center, axis=1).max())
    diameter_mm = _stated(group).get("mean_diameter_mm")
    if group.point_ras_mm is None or diameter_mm is None:
        return None
    return np.array(group.point_ras_mm), diameter_mm / 2


def _stated(group: ForeignGroup) -> dict[str, Any]:
    """Return the sizes that a group states, by the name of the field; ends of the axes where it has two points."""
    found: dict[str, Any] = {}
    for one in group.measurements:
        field = QUANTITIES.get((one.name.value, one.name.scheme))
        factor = UNITS.get(one.unit)
        if field is None or factor is None or field in found:
            continue
        found[field] = round(one.value * factor, 3)
        if field in ("long_axis_mm", "short_axis_mm") and len(one.points_ras_mm) == 2:
            found[field.replace("_mm", "_ras_mm")] = tuple(x for point in one.points_ras_mm for x in point)
    if "mean_diameter_mm" not in found and {"long_axis_mm", "short_axis_mm"} <= set(found):
        found["mean_diameter_mm"] = round((found["long_axis_mm"] + found["short_axis_mm"]) / 2, 3)
    return found


def _notes(group: ForeignGroup, made_by: str, region: Region | None) -> tuple[str, ...]:
    """Return in words what a group says beside its sizes: nothing of it is dropped."""
    notes = [f"Read from a report of {made_by}."]
    if region is not None and region.said:
        notes.append(region.said)
    if group.finding is not None:
        notes.append(f"finding: {group.finding}")
    notes += [f"site: {place}" + (f" ({side})" if side else "") for place, side in group.sites]
    notes += [
        f"{one.name}: {one.value:g} {one.unit}"
        for one in group.measurements
        if (one.name.value, one.name.scheme) not in QUANTITIES or one.unit not in UNITS
    ]
    notes += [f"{name}: {value}" for name, value in group.evaluations]
    notes += [f"kept: {text}" for text in (*group.regions, *group.kept)]
    more = len(notes) - MAX_NOTES
    return (*notes[:MAX_NOTES], *((f"{more} more items",) if more > 0 else ()))


def _ball(volume: Volume, center_ras_mm: np.ndarray, radius_mm: float) -> np.ndarray:
    """Return the voxels (k, j, i) of a ball."""
    mask = np.zeros(volume.array.shape, dtype=bool)
    center = volume.kji_from_ras(center_ras_mm)
    reach = np.ceil(radius_mm / np.asarray(volume.spacing_kji_mm)) + 1
    low = np.maximum(np.floor(center - reach), 0).astype(int)
    high = np.minimum(np.ceil(center + reach) + 1, mask.shape).astype(int)
    if (low >= high).any():
        return mask
    index = np.moveaxis(np.mgrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], 0, -1)
    away = np.linalg.norm(volume.ras_from_kji(index) - center_ras_mm, axis=-1)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = away <= radius_mm
    return mask
