"""Which rectangles to blank: a person's regions by device and size, and what ultrasound says about its own layout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.profile.regions import MATCHED_TAGS, Box, RegionRule

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ULTRASOUND_REGIONS = 0x00186011


def boxes_for(ds: Dataset, rules: Iterable[RegionRule]) -> tuple[Box, ...]:
    """Every box of every matching rule."""
    return tuple(box for rule in rules if is_about(rule, ds) for box in rule.boxes)


def is_about(rule: RegionRule, ds: Dataset) -> bool:
    """Whether a rule is about this image."""
    if rule.rows not in (None, number_of(ds, 0x00280010)) or rule.columns not in (None, number_of(ds, 0x00280011)):
        return False
    return all(
        raw_text(ds, MATCHED_TAGS[name], ["latin-1"]).casefold().startswith(text.casefold())
        for name, text in rule.texts.items()
    )


def outside_ultrasound(ds: Dataset) -> tuple[Box, ...]:
    """List the rectangles around the scan area of an ultrasound image (0018,6011); none when it states no region.

    Device labels, patient name and date stand outside the stated regions (PS3.3 C.8.5.5).
    """
    regions = ds[ULTRASOUND_REGIONS].value if ULTRASOUND_REGIONS in ds else ()
    corners = [corner for region in regions if (corner := _corners(region)) is not None]
    rows, columns = number_of(ds, 0x00280010), number_of(ds, 0x00280011)
    if not corners or not rows or not columns:
        return ()
    left, top = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
    right, bottom = max(corner[2] for corner in corners) + 1, max(corner[3] for corner in corners) + 1
    around = (
        Box(0, 0, columns, top),
        Box(0, bottom, columns, rows - bottom),
        Box(0, top, left, bottom - top),
        Box(right, top, columns - right, bottom - top),
    )
    return tuple(box for box in around if box.width > 0 and box.height > 0)


def _corners(region: Dataset) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom pixel of an ultrasound region; None unless they are stated and enclose something."""
    left, top, right, bottom = (number_of(region, tag) for tag in (0x00186018, 0x0018601A, 0x0018601C, 0x0018601E))
    if left is None or top is None or right is None or bottom is None or right <= left or bottom <= top:
        return None
    return left, top, right, bottom


def number_of(ds: Dataset, tag: int) -> int | None:
    """Read a US or UL value straight from the bytes, so that the element stays raw; None when absent or empty."""
    if tag not in ds:
        return None
    element = ds.get_item(tag)
    value = element.value
    if isinstance(value, bytes):
        number = value[: 4 if len(value) == 4 else 2]
        return (
            int.from_bytes(number, "little" if getattr(element, "is_little_endian", True) else "big") if value else None
        )
    return None if value is None else int(value)
