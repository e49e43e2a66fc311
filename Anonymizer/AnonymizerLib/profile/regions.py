"""Rectangles to blank, and which images a person's rule is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from ThoraxAILib.errors import InputError

MATCHED_TAGS = {"modality": 0x00080060, "manufacturer": 0x00080070, "model": 0x00081090, "sop_class": 0x00080016}


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: column and row of its first pixel, its width and height."""

    left: int
    top: int
    width: int
    height: int

    def clipped(self, rows: int, columns: int) -> Box | None:
        """The part inside an image of this size; None when nothing is."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.left + self.width, columns), min(self.top + self.height, rows)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None

    def grown(self, margin: int) -> Box:
        """The box with a margin on every side."""
        return Box(self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin)


@dataclass(frozen=True)
class RegionRule:
    """Boxes to blank in images that match: texts by beginning (case ignored), sizes exactly."""

    boxes: tuple[Box, ...]
    texts: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None


def parse_box(text: str) -> Box:
    """A box from 'left,top,width,height'."""
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"'{text}' is not a region: write left,top,width,height in pixels.") from error
    if width < 1 or height < 1:
        raise InputError(f"The region '{text}' has no area: width and height must be positive.")
    return Box(left, top, width, height)
