"""What to do with the pixels of one instance: leave them, blank them, or hand them to a person.

A doubtful image passes only when someone said so, when someone gave the regions to blank, or when blanking and a
second reading by OCR left no text. Images that admit to burned-in text never pass on OCR alone finding nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from AnonymizerLib.objects.dicom_file import DicomFile
from AnonymizerLib.objects.method_codes import PixelWork
from AnonymizerLib.pixels import ocr
from AnonymizerLib.pixels.blackout import blank, clear_embedded_overlays, frames_to_read, has_embedded_overlay
from AnonymizerLib.pixels.regions import boxes_for, outside_ultrasound
from AnonymizerLib.pixels.risk import PixelRisk, assess
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.regions import Box, RegionRule

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class PixelPolicy:
    """How far to go with pixels.

    ``regions`` apply to the images they match, ``boxes`` to every doubtful image; ``accept_doubtful`` means that a
    person has looked at them; ``use_ocr`` reads frames with tesseract when it is installed.
    """

    regions: tuple[RegionRule, ...] = ()
    boxes: tuple[Box, ...] = ()
    use_ocr: bool = True
    accept_doubtful: bool = False


@dataclass(frozen=True)
class PixelVerdict:
    """What was done to the pixels, or why the instance has to wait for a person."""

    work: PixelWork = field(default_factory=PixelWork)
    boxes: tuple[Box, ...] = ()
    quarantine: str = ""


def clean_pixels(file: DicomFile, profile: Profile, policy: PixelPolicy) -> PixelVerdict:
    """Deal with the pixels of one instance, in memory; InputError when they cannot be decoded."""
    if has_embedded_overlay(file.dataset):
        clear_embedded_overlays(file)
    risk = assess(file.dataset)
    if not profile.has(Option.CLEAN_PIXELS):
        waits = risk.is_doubtful and not policy.accept_doubtful
        return PixelVerdict(quarantine=_sentence(risk, "") if waits else "")
    given = boxes_for(file.dataset, policy.regions) + (policy.boxes if risk.is_doubtful else ())
    if not given and not risk.is_doubtful:
        return PixelVerdict()
    return _blank_and_check(file, policy, risk, given)


def _blank_and_check(file: DicomFile, policy: PixelPolicy, risk: PixelRisk, given: tuple[Box, ...]) -> PixelVerdict:
    """Blank what a person, the device and OCR point at; say whether that is enough."""
    reads = policy.use_ocr and ocr.is_available()
    found = tuple(_read(file)) if reads else ()
    boxes = given + outside_ultrasound(file.dataset) + found
    if boxes:
        blank(file, boxes)
    done = PixelVerdict(PixelWork(text_removed=bool(boxes)), boxes)
    if given or policy.accept_doubtful:
        return done
    if not reads:
        return PixelVerdict(quarantine=_sentence(risk, "no region was given and no OCR is installed"))
    if not boxes:
        return PixelVerdict(quarantine=_sentence(risk, "OCR found nothing to blank"))
    if any(True for _ in _read(file)):
        return PixelVerdict(quarantine=_sentence(risk, "text is left after blanking"))
    return done


def _read(file: DicomFile) -> Iterable[Box]:
    for frame in frames_to_read(file):
        yield from ocr.find_text(frame)


def _sentence(risk: PixelRisk, more: str) -> str:
    return "Pixels may show text: " + "; ".join([*risk.reasons, *([more] if more else [])]) + "."
