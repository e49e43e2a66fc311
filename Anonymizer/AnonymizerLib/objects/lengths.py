"""Do the lengths of a parsed data set lead where they should? Parsers read on in silence when they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom.dataset import Dataset

UNDEFINED = 0xFFFFFFFF
DAMAGED = "The length of an element leads beyond its end: the file is damaged or cut off."


def check_lengths(ds: Dataset) -> None:
    """Raise InputError when an element of a data set or item holds fewer bytes than it says."""
    for element in list(ds.values()):
        length = getattr(element, "length", None)  # raw elements only: others were taken apart without a mistake
        if length is not None and length != UNDEFINED and length != len(element.value or b""):
            raise InputError(DAMAGED)


def checked_items(items: Iterable[Dataset]) -> list[Dataset]:
    """List the items of a sequence; InputError when an element of one is cut off."""
    checked = list(items)
    for item in checked:
        check_lengths(item)
    return checked


def check_end(ds: Dataset, end: int) -> None:
    """Raise InputError when bytes are left between the last element and ``end``, where the parser stopped."""
    from pydicom.dataelem import RawDataElement

    last = max(
        (element for element in list(ds.values()) if isinstance(element, RawDataElement)),
        key=lambda element: element.value_tell,
        default=None,
    )
    if last is None or last.length == UNDEFINED or int(last.tag) != max(map(int, ds.keys())):
        return
    if last.value_tell + last.length != end:
        raise InputError(DAMAGED)
