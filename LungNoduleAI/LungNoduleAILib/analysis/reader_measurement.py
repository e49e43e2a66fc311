"""Measure what the reader points at or draws, on the CT of one result: a click, an outline, a move, a resize."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from LungNoduleAILib.analysis.turned_masks import turned, turned_back
from LungNoduleAILib.delineation.protocol import Delineator
from LungNoduleAILib.measurement.lung_depth import LungDepth
from LungNoduleAILib.measurement.measure import MASS_MM, measure
from LungNoduleAILib.measurement.outline import measure_outline
from LungNoduleAILib.measurement.size import mean_of_axes
from LungNoduleAILib.model.anatomy import Anatomy
from LungNoduleAILib.model.candidates import Candidate
from LungNoduleAILib.model.findings import Finding
from LungNoduleAILib.model.review import READER
from ThoraxAILib.errors import InputError
from ThoraxAILib.image.mask import Mask
from ThoraxAILib.image.tuples import three
from ThoraxAILib.image.volume import AxisOrder, Volume

FIRST_GUESSES_MM = (9.0, 5.0, 18.0, 32.0)
MIN_MM, MAX_MM = 3.0, 100.0
SAME_SIZE = 1.25  # ratio of two sizes from which a click needs another look
MAX_LOOKS = 6  # each may see half as much again
MAX_AXIS_MM = 300.0
ROUNDING = 1e-6
Ends = tuple[float, float, float, float, float, float]


class ReaderMeasurement:
    """Measures places and outlines on one CT; keeps the CT turned to LPS order between calls.

    ``labels`` are those of the result, on the grid of ``volume``. All masks are on that grid. With ``sides_withheld``
    no lobe and no side is given, as in the analysis of a CT that contradicts its orientation.
    """

    def __init__(
        self,
        volume: Volume,
        labels: np.ndarray,
        lobes_approximate: bool,
        delineator: Delineator,
        sides_withheld: bool = False,
    ) -> None:
        self._given, self._delineator, self._withheld = volume, delineator, sides_withheld
        self._order: AxisOrder = volume.axis_order_to_lps()
        turned = self._order.apply(volume)
        self._volume = turned.with_array(np.ascontiguousarray(turned.array))
        self._anatomy = Anatomy(
            np.ascontiguousarray(self._order.apply_array(labels)), lobes_approximate=lobes_approximate
        )
        self._lung_depth = LungDepth(self._volume, self._anatomy)

    def at_point(self, center_ras_mm: tuple[float, float, float]) -> Finding:
        """Return the nodule at a click (RAS mm), outlined and measured; its size is found out.

        Raises InputError when the point lies outside the CT or nothing there rises above the lung.
        """
        kji = self._volume.kji_from_ras(np.array(center_ras_mm, dtype=float))
        if not ((kji > -0.5) & (kji < np.array(self._volume.array.shape) - 0.5)).all():
            raise InputError("The point lies outside the CT: click into the nodule in a slice view.")
        looks = (self._look(center_ras_mm, guess_mm) for guess_mm in FIRST_GUESSES_MM)
        found = next((finding for finding in looks if finding is not None), None)
        if found is None:
            raise InputError(
                "No nodule is seen at this point: click into its middle, or draw its outline in the Segment Editor."
            )
        return self._placed(found)

    def _placed(self, found: Finding) -> Finding:
        return replace(found, lobe=None, side=None, lobe_confidence=None) if self._withheld else found

    def _look(self, center_ras_mm: tuple[float, float, float], diameter_mm: float) -> Finding | None:
        """Outline with a first guess of the size until the size stays; None when the click is not in what is found."""
        found = None
        for _ in range(MAX_LOOKS):
            candidate = Candidate(three(float(x) for x in center_ras_mm), diameter_mm, 1.0)
            found = measure(self._volume, self._anatomy, self._lung_depth, candidate, "", self._delineator)
            if found is None or 1 / SAME_SIZE < found.mean_diameter_mm / diameter_mm < SAME_SIZE:
                break
            diameter_mm = min(max(found.mean_diameter_mm, MIN_MM), MAX_MM)
        if found is None or found.mask is None:
            return None
        if math.dist(found.center_ras_mm, center_ras_mm) > max(2.0, 0.75 * found.long_axis_mm):
            return None
        note = f"Outlined by the {self._delineator.name} delineator from a click of the reader."
        mask = turned_back(found.mask, self._order, self._volume.array.shape)
        return replace(found, mask=mask, source=READER, notes=(*found.notes, note))

    def of_mask(self, mask: Mask) -> Finding:
        """Return the measurements of an outline; raises InputError for an empty one."""
        found = measure_outline(self._volume, self._anatomy, self._lung_depth, turned(mask, self._order, self._shape))
        if found is None or found.mask is None:
            raise InputError("The outline is empty: draw it again, undo, or reject the finding.")
        return self._placed(replace(found, mask=turned_back(found.mask, self._order, self._volume.array.shape)))

    def moved(self, mask: Mask, shift_mm: tuple[float, float, float]) -> Finding:
        """Return the measurements of an outline shifted by whole voxels nearest to ``shift_mm`` (R, A, S)."""
        inverse = np.linalg.inv(self._given.ijk_to_ras[:3, :3])
        step = np.rint(inverse @ np.array(shift_mm, dtype=float))[::-1].astype(int)
        return self.of_mask(_within(Mask(three(int(v) for v in mask.offset_kji + step), mask.array), self._shape))

    def resized(self, mask: Mask, margin_mm: float) -> Finding:
        """Return the measurements of an outline grown (or shrunk, below 0) by ``margin_mm`` on every side."""
        import edt

        spacing = tuple(float(s) for s in self._given.spacing_kji_mm)
        margin_mm *= 1 + ROUNDING  # a margin of one voxel takes the next voxel along
        pad = [max(1, math.ceil(abs(margin_mm) / s) + 1) for s in spacing]
        drawn = np.pad(np.asarray(mask.array) > 0, [(p, p) for p in pad])
        if margin_mm >= 0:
            drawn = drawn | (edt.edt(~drawn, anisotropy=spacing) <= margin_mm)
        else:
            drawn = drawn & (edt.edt(drawn, anisotropy=spacing, black_border=False) > -margin_mm)
        offset = three(int(o - p) for o, p in zip(mask.offset_kji, pad, strict=True))
        return self.of_mask(_within(Mask(offset, drawn), self._shape))

    def together(self, one: Mask, other: Mask) -> Finding:
        """Return the measurements of two outlines as one."""
        return self.of_mask(union(one, other))

    def parts(self, mask: Mask) -> list[Finding]:
        """Return the measurements of the two largest separate parts of an outline, the larger first; one when it hangs
        together.
        """
        import scipy.ndimage as ndi

        labels, count = ndi.label(np.asarray(mask.array) > 0)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        return [self.of_mask(Mask(mask.offset_kji, labels == n + 1)) for n in np.argsort(-sizes)[:2]]

    @property
    def _shape(self) -> tuple[int, int, int]:
        return three(self._given.array.shape)


def with_calipers(finding: Finding, long_ras_mm: Ends, short_ras_mm: Ends) -> Finding:
    """Return a finding whose axes are these two lines (RAS mm), their lengths the diameters.

    Raises InputError for a line without length or longer than a chest.
    """
    lengths = [round(math.dist(ends[:3], ends[3:]), 1) for ends in (long_ras_mm, short_ras_mm)]
    if min(lengths) <= 0 or max(lengths) > MAX_AXIS_MM:
        raise InputError("A caliper has an impossible length: put its ends on the border of the nodule.")
    ends = [long_ras_mm, short_ras_mm]
    if lengths[1] > lengths[0]:
        lengths.reverse()
        ends.reverse()
    mean_mm = mean_of_axes(*lengths)
    changed: dict[str, Any] = {
        "long_axis_mm": lengths[0],
        "short_axis_mm": lengths[1],
        "mean_diameter_mm": mean_mm,
        "kind": "mass" if mean_mm > MASS_MM else "nodule",
        "long_axis_ras_mm": tuple(round(float(v), 2) for v in ends[0]),
        "short_axis_ras_mm": tuple(round(float(v), 2) for v in ends[1]),
    }
    return replace(finding, **changed)


def union(one: Mask, other: Mask) -> Mask:
    """Return a mask that holds both."""
    low = np.minimum(one.offset_kji, other.offset_kji)
    ends = [np.array(mask.offset_kji) + mask.array.shape for mask in (one, other)]
    array = np.zeros(np.maximum(*ends) - low, bool)
    for mask in (one, other):
        where = tuple(slice(o - a, o - a + n) for o, a, n in zip(mask.offset_kji, low, mask.array.shape, strict=True))
        array[where] |= np.asarray(mask.array) > 0
    return Mask(three(int(v) for v in low), array)


def _within(mask: Mask, shape: tuple[int, int, int]) -> Mask:
    """Return what of a mask lies inside the grid; raises InputError when nothing does."""
    low = np.maximum(mask.offset_kji, 0)
    high = np.minimum(np.array(mask.offset_kji) + mask.array.shape, shape)
    if (high <= low).any():
        raise InputError("The outline would lie outside the CT: move it less far.")
    where = tuple(slice(int(a - o), int(b - o)) for a, b, o in zip(low, high, mask.offset_kji, strict=True))
    return Mask(three(int(v) for v in low), np.asarray(mask.array)[where])
