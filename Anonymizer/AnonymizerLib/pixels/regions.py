"""Which rectangles to blank: a person's regions by device and size, and what ultrasound says about its own layout."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MATCHED_TAGS = {"modality": 0x00080060, "manufacturer": 0x00080070, "model": 0x00081090, "sop_class": 0x00080016}
ULTRASOUND_REGIONS = 0x00186011


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

    def matches(self, ds: Dataset) -> bool:
        """Whether this rule is about this image."""
        if self.rows not in (None, number_of(ds, 0x00280010)) or self.columns not in (None, number_of(ds, 0x00280011)):
            return False
        return all(raw_text(ds, MATCHED_TAGS[name], ["latin-1"]).casefold().startswith(text.casefold())
                   for name, text in self.texts.items())


def boxes_for(ds: Dataset, rules: Iterable[RegionRule]) -> tuple[Box, ...]:
    """Every box of every matching rule."""
    return tuple(box for rule in rules if rule.matches(ds) for box in rule.boxes)


def outside_ultrasound(ds: Dataset) -> tuple[Box, ...]:
    """The rectangles around the scan area of an ultrasound image (0018,6011); nothing when it states no region.

    Device labels, patient name and date stand outside the stated regions (PS3.3 C.8.5.5).
    """
    regions = ds[ULTRASOUND_REGIONS].value if ULTRASOUND_REGIONS in ds else ()
    corners = [tuple(number_of(region, tag) for tag in (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E))
               for region in regions]
    corners = [corner for corner in corners if None not in corner and corner[2] > corner[0] and corner[3] > corner[1]]
    rows, columns = number_of(ds, 0x00280010), number_of(ds, 0x00280011)
    if not corners or not rows or not columns:
        return ()
    left, top = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
    right, bottom = max(corner[2] for corner in corners) + 1, max(corner[3] for corner in corners) + 1
    around = (Box(0, 0, columns, top), Box(0, bottom, columns, rows - bottom),
              Box(0, top, left, bottom - top), Box(right, top, columns - right, bottom - top))
    return tuple(box for box in around if box.width > 0 and box.height > 0)


def parse_box(text: str) -> Box:
    """A box from 'left,top,width,height'."""
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"'{text}' is not a region: write left,top,width,height in pixels.") from error
    if width < 1 or height < 1:
        raise InputError(f"The region '{text}' has no area: width and height must be positive.")
    return Box(left, top, width, height)


def number_of(ds: Dataset, tag: int) -> int | None:
    """A US or UL value straight from the bytes, so that the element stays raw."""
    if tag not in ds:
        return None
    element = ds.get_item(tag)
    value = element.value
    if isinstance(value, bytes):
        order = "little" if getattr(element, "is_little_endian", True) else "big"
        return int.from_bytes(value[:4 if len(value) == 4 else 2], order) if value else None
    return None if value is None else int(value)
