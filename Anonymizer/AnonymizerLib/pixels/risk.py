"""Could these pixels hold burned-in text? Judged by SOP class, modality, image type and what the image says of itself.

Nothing is decoded. Captured screens and anything that admits to burned-in annotation never pass by themselves;
ultrasound and projection radiography pass when the device states Burned In Annotation (0028,0301) = NO.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STORAGE = "1.2.840.10008.5.1.4.1.1."
CAPTURES = tuple(STORAGE + suffix for suffix in ("7", "7.1", "7.2", "7.3", "7.4"))
FREE_CAMERA = tuple(
    STORAGE + suffix
    for suffix in ("77.1.1", "77.1.1.1", "77.1.2", "77.1.2.1", "77.1.4", "77.1.4.1", "77.1.5.1", "77.1.5.2")
)
LABELLED_BY_DEVICE = tuple(
    STORAGE + suffix
    for suffix in (
        "1",
        "1.1",
        "1.2",
        "1.3",
        "1.1.1",
        "1.2.1",
        "1.3.1",
        "3",
        "3.1",
        "6",
        "6.1",
        "6.2",
        "12.1",
        "12.1.1",
        "12.2",
        "12.2.1",
        "12.3",
    )
)
CROSS_SECTIONAL = ("CT", "MR", "PT", "NM")
CAPTURE_WORDS = ("SCREEN", "CAPTURE", "REPORT", "DOSE", "PROTOCOL", "RESULT", "LABEL", "TABLE", "GRAPH", "SUMMARY")
ENCODING = ["ascii"]
SOP_CLASS, IMAGE_TYPE, MODALITY, CONVERSION = 0x00080016, 0x00080008, 0x00080060, 0x00080064
BURNED_IN, FACES, PHOTOMETRIC = 0x00280301, 0x00280302, 0x00280004


@dataclass(frozen=True)
class PixelRisk:
    """Why the pixels are doubtful; nothing when they are not."""

    reasons: tuple[str, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether a person or a cleaning step has to deal with the pixels."""
        return bool(self.reasons)


def assess(ds: Dataset) -> PixelRisk:
    """The risk of burned-in text in an image data set, by its attributes alone."""
    sop_class, modality = raw_text(ds, SOP_CLASS, ENCODING), raw_text(ds, MODALITY, ENCODING)
    stated = raw_text(ds, BURNED_IN, ENCODING)
    reasons = []
    if stated == "YES":
        reasons.append("the image states burned-in annotation")
    if sop_class in CAPTURES or raw_text(ds, CONVERSION, ENCODING) in ("WSD", "SI", "DF"):
        reasons.append("a captured or scanned image")
    elif sop_class in FREE_CAMERA and stated != "NO":
        reasons.append("a photograph or endoscopic image")
    elif sop_class in LABELLED_BY_DEVICE and stated != "NO":
        reasons.append(f"{modality or 'this modality'} often has burned-in text and the image does not deny it")
    kinds = raw_text(ds, IMAGE_TYPE, ENCODING).upper()
    if any(word in kinds for word in CAPTURE_WORDS):
        reasons.append("its image type names a screen, report or label")
    if modality in CROSS_SECTIONAL and raw_text(ds, PHOTOMETRIC, ENCODING) in ("RGB", "PALETTE COLOR", "YBR_FULL"):
        reasons.append("a color image where gray is expected")
    return PixelRisk(tuple(reasons))


def states_faces(ds: Dataset) -> bool:
    """Whether the image says a person can be recognized in it (0028,0302)."""
    return raw_text(ds, FACES, ENCODING) == "YES"
