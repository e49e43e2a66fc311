"""Rectangles to blank, and which images a person's rule is about."""

from __future__ import annotations

from dataclasses import dataclass, field

MATCHED_TAGS = {"modality": 0x00080060, "manufacturer": 0x00080070, "model": 0x00081090, "sop_class": 0x00080016}


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels: column and row of its first pixel, its width and height."""

    left: int
    top: int
    width: int
    height: int

    def clipped(self, rows: int, columns: int) -> Box | None:
        """Return the part inside an image of this size; None when nothing is."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.left + self.width, columns), min(self.top + self.height, rows)
        return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None

    def grown(self, margin: int) -> Box:
        """Return the box with a margin on every side."""
        return Box(self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin)


@dataclass(frozen=True)
class RegionRule:
    """Boxes to blank in images that match: texts by beginning (case ignored), sizes exactly."""

    boxes: tuple[Box, ...]
    texts: dict[str, str] = field(default_factory=dict)
    rows: int | None = None
    columns: int | None = None
