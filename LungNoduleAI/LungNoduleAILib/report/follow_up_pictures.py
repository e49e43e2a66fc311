"""Pictures of a registration: both dates blended, as a checkerboard, and the difference over the current scan.

Blended: the current scan is cyan, the warped prior red; what fits is gray. Checkerboard: fields of both dates in turn,
vessels must go on across the borders. Difference: red appeared or grew, blue vanished or shrank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from LungNoduleAILib.followup.difference.blobs import DifferenceBlob
from LungNoduleAILib.followup.difference.difference_map import DifferenceMap
from LungNoduleAILib.followup.registration.register import LungRegistration
from ThoraxAILib.image.tuples import two
from ThoraxAILib.image.volume import Volume
from ThoraxAILib.report import PLANES, Box, Picture, Window, contact_sheet, draw_boxes, render, with_title
from ThoraxAILib.report.slices import LUNG_WINDOW

FIELD_MARGIN_MM = 10.0
PIXELS = 380
SQUARE_PIXELS = 38
FULL_HU, FAINT_HU = 700.0, 80.0  # differences drawn in full color, and those too faint to be drawn
RED, BLUE = (255, 70, 40), (60, 130, 255)
LEFT_SIDE = {"axial": "R", "coronal": "R", "sagittal": "A"}
SHOWN_BLOBS = 3

Sheet = tuple[str, Picture]


def contact_sheets(
    current: Volume, registration: LungRegistration, difference: DifferenceMap | None = None
) -> tuple[Sheet, ...]:
    """Caption and picture of each view in three planes; the difference is cut at the first change."""
    blobs = () if difference is None else difference.blobs
    frame = _LungFrame.of(registration)
    found = [
        (
            "Blended: current cyan, prior red, gray where both agree.",
            _three(lambda plane: _blended(*_pair(current, registration, plane, frame))),
        ),
        (
            "Checkerboard of the current scan and the aligned prior.",
            _three(lambda plane: _checkerboard(*_pair(current, registration, plane, frame))),
        ),
    ]
    if difference is not None:
        through = frame.through(blobs[0].center_ras_mm) if blobs else frame
        found.append(
            (
                "Difference: red appeared or grew, blue vanished or shrank.",
                _three(lambda plane: _colored(current, difference, plane, through.place(plane), frame.field_mm, blobs)),
            )
        )
        found += [_close_up(current, registration, difference, blob) for blob in blobs[:SHOWN_BLOBS]]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _LungFrame:
    """A square around all compared lungs: its ``center`` and, for each RAS axis, where the plane across it is cut."""

    center: np.ndarray
    cut: np.ndarray
    field_mm: float

    @staticmethod
    def of(registration: LungRegistration) -> _LungFrame:
        """Cut where most lung is seen."""
        lungs = registration.uncertainty_mm
        inside = np.argwhere(lungs.array > 0)
        corners = lungs.ras_from_kji(np.stack([inside.min(0), inside.max(0)]))
        fullest = [float(np.bincount(inside[:, axis]).argmax()) for axis in range(3)]
        size = float(np.abs(corners[1] - corners[0]).max()) + 2 * FIELD_MARGIN_MM
        return _LungFrame(corners.mean(0), lungs.ras_from_kji(np.array(fullest)), size)

    def through(self, point_ras_mm: tuple[float, float, float]) -> _LungFrame:
        """Return the same square, cut at a point."""
        return _LungFrame(self.center, np.array(point_ras_mm), self.field_mm)

    def place(self, plane: str) -> np.ndarray:
        """Center of the picture of a plane."""
        across = {"sagittal": 0, "coronal": 1, "axial": 2}[plane]
        place = self.center.copy()
        place[across] = self.cut[across]
        return place


def _three(view: Callable[[str], Picture]) -> Picture:
    parts = [with_title(view(plane), plane, LEFT_SIDE[plane]) for plane in PLANES]
    return Picture(contact_sheet(parts, 3), np.zeros((3, 4)), parts[0].pixel_mm)


def _shown(volume: Volume, plane: str, place: np.ndarray, field_mm: float, window: Window = LUNG_WINDOW) -> Picture:
    return render(volume, plane, place, field_mm=field_mm, pixel_mm=field_mm / PIXELS, window=window)


def _pair(current: Volume, registration: LungRegistration, plane: str, frame: _LungFrame) -> tuple[Picture, Picture]:
    return two(
        _shown(volume, plane, frame.place(plane), frame.field_mm) for volume in (current, registration.warped_prior)
    )


def _blended(current: Picture, prior: Picture) -> Picture:
    pixels = current.pixels.copy()
    pixels[..., 0] = prior.pixels[..., 0]
    return current.with_pixels(pixels)


def _checkerboard(current: Picture, prior: Picture) -> Picture:
    rows, columns = np.indices(current.pixels.shape[:2]) // SQUARE_PIXELS
    odd = ((rows + columns) % 2 == 1)[..., None]
    return current.with_pixels(np.where(odd, prior.pixels, current.pixels))


def _colored(
    current: Volume,
    difference: DifferenceMap,
    plane: str,
    place: np.ndarray,
    field_mm: float,
    blobs: tuple[DifferenceBlob, ...],
) -> Picture:
    """Return the current scan with differences in color, and boxes around the blobs."""
    picture = _shown(current, plane, place, field_mm)
    pixels = picture.pixels.astype(np.float32)
    window = Window((FULL_HU + FAINT_HU) / 2, FULL_HU - FAINT_HU)
    for sign, color in ((1, RED), (-1, BLUE)):
        part = difference.volume.with_array(np.maximum(sign * difference.volume.array, 0))
        strength = _shown(part, plane, place, field_mm, window).pixels[..., :1].astype(np.float32) / 255
        pixels += strength * (np.array(color, np.float32) - pixels)
    boxes = [
        Box(
            blob.center_ras_mm,
            ((size := blob.diameter_mm + 6.0),) * 3,
            blob.kind if abs(picture.position(blob.center_ras_mm)[2]) < size / 2 else "",
        )
        for blob in blobs
    ]
    return draw_boxes(picture.with_pixels(np.rint(pixels).astype(np.uint8)), boxes)


def _close_up(
    current: Volume, registration: LungRegistration, difference: DifferenceMap, blob: DifferenceBlob
) -> Sheet:
    """Aligned prior, current and difference around one change, axial."""
    place, field_mm = np.array(blob.center_ras_mm), max(50.0, 3 * blob.diameter_mm)
    now, then = (_shown(volume, "axial", place, field_mm) for volume in (current, registration.warped_prior))
    colored = _colored(current, difference, "axial", place, field_mm, ())
    parts = [
        with_title(picture, title, "R")
        for picture, title in ((then, "prior, aligned"), (now, "current"), (colored, "difference"))
    ]
    caption = f"{blob.kind.capitalize()}: {blob.diameter_mm:.0f} mm, {blob.mean_difference_hu:+.0f} HU."
    return caption, Picture(contact_sheet(parts, 3), np.zeros((3, 4)), parts[0].pixel_mm)
