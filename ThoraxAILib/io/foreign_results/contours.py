"""Contours of an RTSTRUCT as masks on the grid of a CT: even-odd filling, slice by slice (PS3.3 C.8.8.6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.image.lps import flip_lps_ras
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.io.foreign_results.coded import read_header, text_of
from ThoraxAILib.io.foreign_results.segments import PlacedSegment

CLASSES = ("1.2.840.10008.5.1.4.1.1.481.3",)
FILLED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR", "CLOSED_PLANAR_XOR")
MAX_POINTS = 20_000_000
HALF = 0.5


@dataclass(frozen=True, eq=False)
class ForeignContours:
    """One region of interest: closed contours, each (n, 3) in RAS mm; ``kept`` names other geometry."""

    number: int
    name: str
    type: str
    contours_ras_mm: tuple[np.ndarray, ...]
    kept: tuple[str, ...]


def read_contours(path: Path) -> tuple[ForeignContours, ...]:
    """Read all regions of interest; raises InputError for another or a damaged object."""
    ds = read_header(path, CLASSES, "contours (RTSTRUCT)")
    try:
        names = {int(one.ROINumber): text_of(one.get("ROIName")) for one in ds.get("StructureSetROISequence") or ()}
        types = {
            int(one.ReferencedROINumber): text_of(one.get("RTROIInterpretedType"))
            for one in ds.get("RTROIObservationsSequence") or ()
        }
        found = []
        points = 0
        for roi in ds.get("ROIContourSequence") or ():
            number = int(roi.ReferencedROINumber)
            closed, kept = [], []
            for contour in roi.get("ContourSequence") or ():
                kind = text_of(contour.get("ContourGeometricType"))
                lps = np.array(contour.get("ContourData") or (), dtype=float).reshape(-1, 3)
                points += len(lps)
                if points > MAX_POINTS:
                    raise InputError(f"The contours '{path.name}' hold more points than can be read.")
                if kind in FILLED and len(lps) >= 3:
                    closed.append(flip_lps_ras(lps))
                else:
                    kept.append(f"{kind or 'contour without a kind'}, {len(lps)} points")
            found.append(
                ForeignContours(number, names.get(number, ""), types.get(number, ""), tuple(closed), tuple(kept))
            )
        return tuple(found)
    except (ValueError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The contours '{path.name}' are damaged ({type(error).__name__}).") from error


def fill_on(contours: ForeignContours, volume: Volume) -> PlacedSegment:
    """Return the filled contours on the grid of a CT; contours beside its slices count as outside.

    ``inside`` and ``outside`` of the result count contours here, not voxels.
    """
    depth, rows, columns = volume.array.shape
    ras_to_ijk = np.linalg.inv(volume.ijk_to_ras)
    mask = np.zeros(volume.array.shape, dtype=bool)
    inside = outside = 0
    for points in contours.contours_ras_mm:
        ijk = points @ ras_to_ijk[:3, :3].T + ras_to_ijk[:3, 3]
        k = round(float(ijk[:, 2].mean()))
        is_in_plane = np.abs(ijk[:, 2] - k).max() <= HALF + 1e-3
        is_over = (ijk[:, :2] >= -HALF).all() and (ijk[:, :2] <= np.array([columns, rows]) - HALF).all()
        if not (is_in_plane and 0 <= k < depth and is_over):
            outside += 1
        else:
            inside += 1
        if is_in_plane and 0 <= k < depth:
            mask[k] ^= _even_odd(ijk[:, :2], rows, columns)
    return PlacedSegment(mask, inside, outside)


def _even_odd(points: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return which pixel centers lie within a closed polygon of points (x, y) in pixels."""
    mask = np.zeros((rows, columns), dtype=bool)
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    for y in range(max(0, math.ceil(y0.min())), min(rows - 1, math.floor(y0.max())) + 1):
        is_crossed = (y0 <= y) != (y1 <= y)
        a, b, c, d = x0[is_crossed], x1[is_crossed], y0[is_crossed], y1[is_crossed]
        crossings = np.sort(a + (y - c) * (b - a) / (d - c))
        for left, right in zip(crossings[::2], crossings[1::2], strict=False):
            mask[y, max(0, math.ceil(left)) : max(0, math.floor(right) + 1)] ^= True
    return mask
