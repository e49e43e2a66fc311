"""The XML files of LIDC-IDRI: what up to four readers outlined and marked in one CT series.

Nodules from 3 mm on have an outline on every slice and ratings; smaller ones and non-nodules are single points. An
outline runs through the first pixels outside the nodule (McNitt-Gray et al., Acad Radiol 14:1464, 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.plain_xml import read_plain_xml

ROOT = "LidcReadMessage"
HEAD_BYTES = 2000
SMALL_NODULE, NON_NODULE, UNRATED = "nodule below 3 mm", "marked as no nodule", "outlined without ratings"


@dataclass(frozen=True, eq=False)
class Outline:
    """One closed outline on the slice at LPS z = ``z_mm``: pixels (n, 2) as column, row; holes are not ``included``."""

    z_mm: float
    pixels_xy: np.ndarray
    included: bool


@dataclass(frozen=True, eq=False)
class Reading:
    """One nodule as one reader (0..) drew it; ratings are None where the reader gave none."""

    reader: int
    outlines: tuple[Outline, ...]
    texture: int | None = None
    calcification: int | None = None


@dataclass(frozen=True)
class PointMark:
    """A single point: column, row, LPS z in mm, and what was meant."""

    reader: int
    x: float
    y: float
    z_mm: float
    meaning: str


@dataclass(frozen=True)
class LidcReport:
    """Everything one file says about one series."""

    series_uid: str
    readers: int
    readings: tuple[Reading, ...]
    points: tuple[PointMark, ...]


def is_lidc_xml(path: Path) -> bool:
    """Whether a file is an XML file of LIDC's CT readings, by its beginning."""
    try:
        with path.open("rb") as file:
            return ROOT.encode() in file.read(HEAD_BYTES)
    except OSError:
        return False


def read_lidc_xml(path: Path) -> LidcReport:
    """Return the readings of one file; raises InputError when it is damaged or of another kind."""
    try:
        root = read_plain_xml(path)
        for element in root.iter():
            element.tag = element.tag.rsplit("}", 1)[-1]
        series_uid = (root.findtext(".//SeriesInstanceUid") or root.findtext(".//SeriesInstanceUID") or "").strip()
        sessions = root.findall("readingSession")
        marks = [
            _nodule(nodule, reader)
            for reader, session in enumerate(sessions)
            for nodule in session.findall("unblindedReadNodule")
        ]
        marks += [
            _non_nodule(entry, reader)
            for reader, session in enumerate(sessions)
            for entry in session.findall("nonNodule")
        ]
    except InputError:
        raise
    except (ElementTree.ParseError, ValueError, TypeError, OSError):
        raise InputError(f"'{path.name}' cannot be read as an XML file of LIDC: download it again.") from None
    if root.tag != ROOT or not series_uid:
        raise InputError(f"'{path.name}' is no XML file of LIDC's CT readings: give those with {ROOT}.")
    readings = tuple(mark for mark in marks if isinstance(mark, Reading))
    points = tuple(mark for mark in marks if isinstance(mark, PointMark))
    return LidcReport(series_uid, len(sessions), readings, points)


def _nodule(nodule: ElementTree.Element, reader: int) -> Reading | PointMark | None:
    """Return a reading, a point for a nodule below 3 mm, or None for an entry without any place."""
    outlines = [_outline(roi) for roi in nodule.findall("roi")]
    drawn = tuple(outline for outline in outlines if len(outline.pixels_xy) > 1)
    texture, calcification = (_rating(nodule, name) for name in ("texture", "calcification"))
    # a single point among outlines is a slip of the pen, and without ratings it is no large nodule, as in pylidc
    is_outlined = any(outline.included for outline in drawn)
    if is_outlined and texture is not None:
        return Reading(reader, drawn, texture, calcification)
    if not outlines:
        return None
    every = np.concatenate([outline.pixels_xy for outline in outlines])
    if not len(every):
        return None
    x, y = every.mean(axis=0)
    return PointMark(
        reader, float(x), float(y), float(np.mean([o.z_mm for o in outlines])), UNRATED if is_outlined else SMALL_NODULE
    )


def _outline(roi: ElementTree.Element) -> Outline:
    pixels = [(_number(edge, "xCoord"), _number(edge, "yCoord")) for edge in roi.findall("edgeMap")]
    included = (roi.findtext("inclusion") or "TRUE").strip().upper() == "TRUE"
    return Outline(_number(roi, "imageZposition"), np.array(pixels).reshape(-1, 2), included)


def _number(element: ElementTree.Element, name: str) -> float:
    """Return a number that must be there; ValueError when it is missing or is none."""
    return float(element.findtext(name, ""))


def _rating(nodule: ElementTree.Element, name: str) -> int | None:
    text = (nodule.findtext(f"characteristics/{name}") or "").strip()
    return int(text) if text.isdigit() and int(text) > 0 else None


def _non_nodule(entry: ElementTree.Element, reader: int) -> PointMark | None:
    """Return the point of a non-nodule, None when it has no place."""
    texts = [entry.findtext(name) for name in ("locus/xCoord", "locus/yCoord", "imageZposition")]
    stated = [text for text in texts if text is not None]
    if len(stated) < len(texts):
        return None
    x, y, z_mm = (float(text) for text in stated)
    return PointMark(reader, x, y, z_mm, NON_NODULE)
