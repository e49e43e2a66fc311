"""Could these pixels hold burned-in text? Judged by what kind of object they are, not by what the image says of itself.

Only classes whose pixels a scanner or a computation makes (slices, doses, segmentations, maps, tissue of whole
slides) pass by their class, and only when type, modality and color fit it. Every other class, private ones too, is at
risk: "Burned In Annotation = NO" from outside is not believed there. Nothing is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from AnonymizerLib.objects.element import raw_text
from AnonymizerLib.profile.code_strings import is_defined

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STORAGE = "1.2.840.10008.5.1.4.1.1."
SLICES = {
    STORAGE + "2": ("CT",),
    STORAGE + "2.1": ("CT",),
    STORAGE + "2.2": ("CT",),
    STORAGE + "4": ("MR",),
    STORAGE + "4.1": ("MR",),
    STORAGE + "4.2": ("MR",),
    STORAGE + "4.4": ("MR",),
    STORAGE + "20": ("NM",),
    STORAGE + "128": ("PT",),
    STORAGE + "128.1": ("PT",),
    STORAGE + "130": ("PT",),
}
COMPUTED = frozenset(
    STORAGE + suffix for suffix in ("481.2", "66", "66.1", "66.2", "66.4", "66.5", "66.7", "30", "67", "68.1", "68.2")
)
WHOLE_SLIDE = STORAGE + "77.1.6"
CAPTURES = tuple(STORAGE + suffix for suffix in ("7", "7.1", "7.2", "7.3", "7.4"))
CAMERAS = STORAGE + "77."
CAPTURE_WORDS = ("SCREEN", "CAPTURE", "REPORT", "DOSE", "PROTOCOL", "RESULT", "LABEL", "TABLE", "GRAPH", "SUMMARY")
PICTURES_OF_A_SLIDE = ("LABEL", "OVERVIEW", "THUMBNAIL")
TISSUE = "VOLUME"
GRAY, INDEXED = ("MONOCHROME1", "MONOCHROME2"), ("PALETTE COLOR",)
ENCODING = ["ascii"]
SOP_CLASS, IMAGE_TYPE, MODALITY, CONVERSION = 0x00080016, 0x00080008, 0x00080060, 0x00080064
BURNED_IN, FACES, PHOTOMETRIC = 0x00280301, 0x00280302, 0x00280004
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


@dataclass(frozen=True)
class PixelRisk:
    """Why the pixels are doubtful; nothing when they are not. ``admits`` says that the image itself states text."""

    reasons: tuple[str, ...] = ()
    admits: bool = False

    @property
    def is_doubtful(self) -> bool:
        """Whether a person or a cleaning step has to deal with the pixels."""
        return bool(self.reasons)

    def also(self, reason: str) -> PixelRisk:
        """Return the same with one more reason."""
        return PixelRisk((*self.reasons, reason), self.admits)


def assess(ds: Dataset, has_pixels: bool = True) -> PixelRisk:
    """Judge the risk of burned-in text in a data set by its attributes alone; none for an object without pixels."""
    if not has_pixels:
        return PixelRisk()
    sop_class, modality = raw_text(ds, SOP_CLASS, ENCODING), raw_text(ds, MODALITY, ENCODING)
    kinds = raw_text(ds, IMAGE_TYPE, ENCODING).upper()
    admits = raw_text(ds, BURNED_IN, ENCODING).upper() == "YES"
    reasons = []
    if admits:
        reasons.append("the image states burned-in annotation")
    if sop_class in CAPTURES or raw_text(ds, CONVERSION, ENCODING) in ("WSD", "SI", "DF", "DV", "DI", "DRW"):
        reasons.append("a captured or scanned image")
    elif sop_class in SLICES:
        reasons += _doubts_about_a_slice(ds, sop_class, modality, kinds)
    elif sop_class == WHOLE_SLIDE:
        reasons += _doubts_about_a_slide(kinds)
    elif sop_class.startswith(CAMERAS):
        reasons.append("a photograph or endoscopic image")
    elif sop_class.startswith(STORAGE) and sop_class not in COMPUTED:
        reasons.append(f"images of this class ({_told(modality, 'no modality')}) often have burned-in text")
    elif sop_class not in COMPUTED:
        reasons.append("images of a private class may show anything")
    elif raw_text(ds, PHOTOMETRIC, ENCODING) not in (*GRAY, *INDEXED, ""):
        reasons.append("a color image where a computed one is expected")
    if any(word in kinds for word in CAPTURE_WORDS):
        reasons.append("its image type names a screen, report or label")
    return PixelRisk(tuple(reasons), admits)


def _doubts_about_a_slice(ds: Dataset, sop_class: str, modality: str, kinds: str) -> list[str]:
    """List what does not fit an image that claims to be a slice."""
    doubts = []
    if modality not in SLICES[sop_class]:
        doubts.append(f"its class is of {SLICES[sop_class][0]}, its modality {_told(modality, 'is missing')}")
    if raw_text(ds, PHOTOMETRIC, ENCODING) not in GRAY:
        doubts.append("a color image where gray is expected")
    if not kinds:
        doubts.append("it does not say what kind of image it is")
    return doubts


def _told(modality: str, without: str) -> str:
    """Name a modality when it is a term of the standard; anything else may be a piece of somebody's name."""
    return modality if modality and is_defined(MODALITY, modality) else "is no known one" if modality else without


def _doubts_about_a_slide(kinds: str) -> list[str]:
    """Only tissue of a whole slide passes: label and overview show what is written on the glass."""
    if any(word in kinds for word in PICTURES_OF_A_SLIDE):
        return ["it shows the label of a slide or may show it"]
    return [] if TISSUE in kinds else ["it does not say that it shows tissue alone"]


def is_slice(ds: Dataset) -> bool:
    """Whether the class of an image is one of slices of a scanner."""
    return raw_text(ds, SOP_CLASS, ENCODING) in SLICES


def states_faces(ds: Dataset) -> bool:
    """Whether the image says a person can be recognized in it (0028,0302)."""
    return raw_text(ds, FACES, ENCODING) == "YES"
