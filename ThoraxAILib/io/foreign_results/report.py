"""A measurement report (SR) of any producer as groups of measurements; TID 1500 (PS3.16) is what is looked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import flip_lps_ras
from ThoraxAILib.image.tuples import three
from ThoraxAILib.io.foreign_results.coded import Coded, coded, read_header, text_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.88.{number}" for number in (11, 22, 33, 34, 35, 65))
MAX_DEPTH, MAX_ITEMS = 40, 200_000
GROUP = ("125007", "DCM")
TRACKING_ID, TRACKING_UID = ("112039", "DCM"), ("112040", "DCM")
FINDING = {("121071", "DCM")}
CATEGORY = {("276214006", "SCT"), ("G-C0E3-2", "SRT"), ("M-01000", "SRT")}
SITE = {("363698007", "SCT"), ("G-C0E3", "SRT")}
DERIVATION = {("121401", "DCM")}
SIDE = {("272741003", "SCT"), ("G-C171", "SRT")}


@dataclass(frozen=True)
class ForeignMeasurement:
    """One number with its unit (UCUM); ``points_ras_mm`` are the coordinates it was taken from, (n, 3)."""

    name: Coded
    value: float
    unit: str
    derivation: Coded | None = None
    points_ras_mm: tuple[tuple[float, float, float], ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class ForeignGroup:
    """One measurement group; ``segment`` is SOP instance UID and number, ``kept`` what was not understood.

    ``point_ras_mm`` is where a group without an outline lies, if it says so by one point.
    """

    tracking_id: str
    tracking_uid: str
    finding: Coded | None
    category: Coded | None
    sites: tuple[tuple[Coded, Coded | None], ...]
    measurements: tuple[ForeignMeasurement, ...]
    evaluations: tuple[tuple[Coded, Coded], ...]
    segment: tuple[str, int] | None
    regions: tuple[str, ...]
    kept: tuple[str, ...]
    point_ras_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class ForeignReport:
    """A report: its title, who made it, its groups, and what stands outside of them."""

    title: Coded | None
    manufacturer: str
    is_verified: bool
    study_uid: str
    groups: tuple[ForeignGroup, ...]
    kept: tuple[str, ...]


def read_report(path: Path) -> ForeignReport:
    """Read a report; raises InputError for another object, or one that is nested or long beyond reason."""
    ds = read_header(path, CLASSES, "a measurement report (SR)")
    found: list[Dataset] = []
    outside: list[str] = []
    try:
        for item, depth in _walk(ds, 0, [0]):
            if _name(item) == GROUP and text_of(item.get("ValueType")) == "CONTAINER":
                found.append(item)
            elif depth > 0 and not any(item is inner for inner in found):
                outside.append(described(item))
        return ForeignReport(
            coded(ds, "ConceptNameCodeSequence"),
            text_of(ds.get("Manufacturer")),
            text_of(ds.get("VerificationFlag")) == "VERIFIED",
            text_of(ds.get("StudyInstanceUID")),
            tuple(_group(item) for item in found),
            tuple(outside),
        )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The report '{path.name}' is damaged ({type(error).__name__}).") from error


def _walk(item: Dataset, depth: int, count: list[int]) -> Iterator[tuple[Dataset, int]]:
    """Return items in their order, without what stands inside measurement groups."""
    count[0] += 1
    if depth > MAX_DEPTH or count[0] > MAX_ITEMS:
        raise InputError("The report is nested too deeply or too long to be read.")
    yield item, depth
    if _name(item) != GROUP:
        for child in item.get("ContentSequence") or ():
            yield from _walk(child, depth + 1, count)


def _name(item: Dataset) -> tuple[str, str]:
    name = coded(item, "ConceptNameCodeSequence")
    return ("", "") if name is None else (name.value, name.scheme)


def _group(group: Dataset) -> ForeignGroup:
    tracking = {"id": "", "uid": ""}
    finding = category = None
    segment: tuple[str, int] | None = None
    point: tuple[float, float, float] | None = None
    kept: list[str] = []
    sites, measurements, evaluations, regions = [], [], [], []
    for item in group.get("ContentSequence") or ():
        kind, name = text_of(item.get("ValueType")), _name(item)
        concept = coded(item, "ConceptNameCodeSequence")
        value = coded(item, "ConceptCodeSequence")
        if name == TRACKING_ID:
            tracking["id"] = text_of(item.get("TextValue"))
        elif name == TRACKING_UID:
            tracking["uid"] = text_of(item.get("UID"))
        elif name in FINDING and value is not None:
            finding = value
        elif name in CATEGORY and value is not None:
            category = value
        elif name in SITE and value is not None:
            modifier = _modifier(item)
            sites.append((value, None if modifier is None else coded(modifier, "ConceptCodeSequence")))
            kept += _below(item, modifier)
        elif kind == "NUM" and concept is not None and _measurement(item, concept) is not None:
            measurements.append(_measurement(item, concept))
        elif kind == "CODE" and concept is not None and value is not None:
            evaluations.append((concept, value))
            kept += _below(item)
        elif kind in ("SCOORD", "SCOORD3D"):
            point = _point_ras_mm(item) or point
            regions.append(described(item))
            kept += _below(item)
        elif kind == "IMAGE" and _segment(item) is not None:
            segment = _segment(item)
            kept += _below(item)
        else:
            kept += [described(item), *_below(item)]
    return ForeignGroup(
        tracking["id"],
        tracking["uid"],
        finding,
        category,
        tuple(sites),
        tuple(one for one in measurements if one is not None),
        tuple(evaluations),
        segment,
        tuple(regions),
        tuple(kept),
        point,
    )


def _measurement(item: Dataset, name: Coded) -> ForeignMeasurement | None:
    values = item.get("MeasuredValueSequence")
    if not values:
        return None
    unit = coded(values[0], "MeasurementUnitsCodeSequence")
    derivation = None
    points: list[tuple[float, float, float]] = []
    kept: list[str] = []
    for child in item.get("ContentSequence") or ():
        if _name(child) in DERIVATION:
            derivation = coded(child, "ConceptCodeSequence")
        elif text_of(child.get("ValueType")) == "SCOORD3D":
            points += _points_ras_mm(child)
        else:
            kept += [described(child), *_below(child)]
    return ForeignMeasurement(
        name,
        float(values[0].NumericValue),
        "" if unit is None else unit.value,
        derivation,
        tuple(points),
        tuple(kept),
    )


def _point_ras_mm(item: Dataset) -> tuple[float, float, float] | None:
    """Return where a single point in space lies; None for any other region."""
    is_point = text_of(item.get("ValueType")) == "SCOORD3D" and text_of(item.get("GraphicType")) == "POINT"
    return _points_ras_mm(item)[0] if is_point else None


def _points_ras_mm(item: Dataset) -> list[tuple[float, float, float]]:
    lps = np.array(item.GraphicData, dtype=float).reshape(-1, 3)
    return [three(float(x) for x in point) for point in flip_lps_ras(lps)]


def _below(item: Dataset, without: Dataset | None = None, depth: int = 0) -> list[str]:
    """Return all that stands below an item, described, but for one child that was understood."""
    if depth > MAX_DEPTH:
        raise InputError("The report is nested too deeply or too long to be read.")
    children = [child for child in item.get("ContentSequence") or () if child is not without]
    return [text for child in children for text in (described(child), *_below(child, depth=depth + 1))]


def _modifier(item: Dataset) -> Dataset | None:
    """Return the side of a site, or the first other modifier."""
    children = list(item.get("ContentSequence") or ())
    sides = [child for child in children if _name(child) in SIDE]
    others = [child for child in children if text_of(child.get("RelationshipType")) == "HAS CONCEPT MOD"]
    return next(iter([*sides, *others]), None)


def _segment(item: Dataset) -> tuple[str, int] | None:
    references = item.get("ReferencedSOPSequence")
    if not references or not references[0].get("ReferencedSegmentNumber"):
        return None
    number = references[0].ReferencedSegmentNumber
    return str(references[0].get("ReferencedSOPInstanceUID", "")), int(
        number if isinstance(number, int) else next(iter(number))
    )


def described(item: Dataset) -> str:
    """Return an item as one line: concept, kind and value."""
    kind = text_of(item.get("ValueType"))
    name = coded(item, "ConceptNameCodeSequence")
    value = coded(item, "ConceptCodeSequence")
    values = item.get("MeasuredValueSequence")
    text = str(value) if value is not None else ""
    for keyword in ("TextValue", "UID", "PersonName", "Date", "Time", "DateTime"):
        text = text or text_of(item.get(keyword))
    if values:
        text = text_of(values[0].get("NumericValue"))
    if kind in ("SCOORD", "SCOORD3D"):
        text = f"{text_of(item.get('GraphicType'))}, {len(item.get('GraphicData') or ())} numbers"
    if item.get("ReferencedSOPSequence"):
        text = text_of(item.ReferencedSOPSequence[0].get("ReferencedSOPInstanceUID"))
    return f"{kind} {name if name is not None else ''}: {text}".strip()
