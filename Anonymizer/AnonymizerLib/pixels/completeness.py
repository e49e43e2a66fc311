"""Is a parsed file all there? A damaged length swallows what follows, and what is swallowed is missed by no search.

So a file passes only when every length leads to where it should, and when what its SOP class cannot be without is
there: its study and series, and for an image its pixels, as many as its rows and columns say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.pixels.blackout import NATIVE
from AnonymizerLib.pixels.stated_size import BITS, COLUMNS, PHOTOMETRIC, ROWS, stated_pixel_bytes
from AnonymizerLib.profile.iods import iod_of
from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from AnonymizerLib.objects.dicom_file import DicomFile

SOP_CLASS, STUDY, SERIES = 0x00080016, 0x0020000D, 0x0020000E
PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
PIXEL_PROVIDER = 0x00287FE0  # PS3.5 A.6: the pixels lie on a server
RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"  # may be a dose-volume histogram alone
# What may stand where pixels would begin in an object that has none: signatures, padding, private groups.
MAY_FOLLOW = frozenset({0xFFFAFFFA, 0xFFFCFFFC})


def check_complete(file: DicomFile) -> None:
    """Raise InputError when the file lacks its study, its series or its pixels."""
    ds = file.dataset
    sop_class = raw_text(ds, SOP_CLASS, ["ascii"])
    iod = iod_of(sop_class)
    for tag, name in ((STUDY, "Study"), (SERIES, "Series")):
        if iod.known and iod.defines((tag,)) and not raw_text(ds, tag, ["ascii"]):
            raise InputError(f"It lacks its {name} Instance UID: it is damaged or not what it says.")
    has_pixels = len(file.pixels) > 0 or any(tag in ds for tag in PIXELS) or PIXEL_PROVIDER in ds
    if not has_pixels:
        stray = [tag for tag in file.dropped if tag not in MAY_FOLLOW and not (tag >> 16) % 2]
        if stray:
            raise InputError("Its elements are out of order: a tag or a length is damaged.")
        if _is_image(ds, sop_class):
            raise InputError("It is an image without pixel data: a length in it is damaged, or it was cut off.")
    elif len(file.pixels):
        _check_native_length(file)


def _is_image(ds: Dataset, sop_class: str) -> bool:
    iod = iod_of(sop_class)
    describes_pixels = all(tag in ds for tag in (ROWS, COLUMNS, BITS))
    if sop_class == RT_DOSE or not iod.known:
        return describes_pixels
    return describes_pixels or any(iod.defines((tag,)) for tag in PIXELS)


def _check_native_length(file: DicomFile) -> None:
    stated = stated_pixel_bytes(file.dataset)
    if file.transfer_syntax not in NATIVE or stated is None:
        return
    if raw_text(file.dataset, PHOTOMETRIC, ["ascii"]).endswith(("422", "420")):  # fewer samples than pixels
        stated = stated // 2
    if len(file.pixels) < stated:
        raise InputError("Its pixel data is shorter than its rows, columns and frames say: it is damaged or cut off.")
