"""What to do with the pixels of one instance: leave them, blank them, or hand them to a person.

A doubtful image passes only when someone said so, or when two independent passes over the whole frame find no writing
left: a network that sees letters, and OCR. Where a person or the device states where the text is, one of the two
passes is enough when the other is not installed. Everything else waits, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from AnonymizerLib.letters import ocr
from AnonymizerLib.letters.ocr import TextReader
from AnonymizerLib.objects.method_codes import PixelWork
from AnonymizerLib.pixels.blackout import clear_embedded_overlays, has_embedded_overlay
from AnonymizerLib.pixels.editor import PixelEditor
from AnonymizerLib.pixels.reading import find_writing, hidden_by, reads_anything
from AnonymizerLib.pixels.regions import boxes_for, outside_ultrasound
from AnonymizerLib.pixels.risk import PIXELS, PixelRisk, assess, is_slice
from AnonymizerLib.pixels.screen import seems_drawn_on
from AnonymizerLib.profile.options import Option, Profile
from AnonymizerLib.profile.regions import Box, RegionRule

MOST_ROUNDS = 4  # looks at a frame, each after blanking what the one before found
MOST_BLANKED = 0.25  # of a frame: more is hardly text alone
NO_READER = "no region was given and no OCR is installed: install tesseract-ocr, or look at it"


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


def clean_pixels(
    editor: PixelEditor, profile: Profile, policy: PixelPolicy, reader: TextReader | None = None
) -> PixelVerdict:
    """Deal with the pixels of one instance, in memory; InputError when they cannot be decoded.

    ``reader`` takes the place of tesseract.
    """
    file = editor.file
    if has_embedded_overlay(file.dataset):
        clear_embedded_overlays(file)
    risk = risk_of(editor, is_thorough=profile.has(Option.CLEAN_PIXELS))
    if not profile.has(Option.CLEAN_PIXELS):
        waits = risk.is_doubtful and not policy.accept_doubtful
        return PixelVerdict(quarantine=_sentence(risk, "") if waits else "")
    given = boxes_for(file.dataset, policy.regions) + (policy.boxes if risk.is_doubtful else ())
    if not given and not risk.is_doubtful:
        return PixelVerdict()
    if reader is None and policy.use_ocr and ocr.is_available():
        reader = ocr.Tesseract()
    return _blank_and_check(editor, policy, risk, given, reader)


def risk_of(editor: PixelEditor, is_thorough: bool) -> PixelRisk:
    """Judge the risk by what kind of object it is, and for slices also by what is drawn on them."""
    file = editor.file
    has_pixels = len(file.pixels) > 0 or any(tag in file.dataset for tag in PIXELS)
    risk = assess(file.dataset, has_pixels)
    if has_pixels and not risk.is_doubtful and is_slice(file.dataset) and seems_drawn_on(editor, is_thorough):
        return risk.also("writing seems to be drawn into the slice")
    return risk


def _blank_and_check(
    editor: PixelEditor, policy: PixelPolicy, risk: PixelRisk, given: tuple[Box, ...], reader: TextReader | None
) -> PixelVerdict:
    """Blank what a person and the device point at and what both passes find; say whether that is enough."""
    if reader is None and not given and not policy.accept_doubtful:
        return PixelVerdict(quarantine=_sentence(risk, NO_READER))
    boxes = given + outside_ultrasound(editor.file.dataset)
    if boxes:
        editor.blank(boxes)
    if reader is None and policy.accept_doubtful:
        return PixelVerdict(PixelWork(text_removed=bool(boxes)), boxes)
    frames: set[int] = set()
    written_on: tuple[Box, ...] = ()
    for _ in range(MOST_ROUNDS):
        found = find_writing(editor, reader, boxes)
        frames.update(found.frames)
        if found.unread and not policy.accept_doubtful:
            return PixelVerdict(quarantine=_sentence(risk, _unread(len(found.unread))))
        if not found.read:
            break
        written_on += found.boxes
        shape = (editor.layout.rows, editor.layout.columns)
        if hidden_by(written_on, shape).mean() > MOST_BLANKED and not policy.accept_doubtful:
            return PixelVerdict(quarantine=_sentence(risk, "more would be blanked than text usually covers"))
        editor.blank(found.boxes)
        boxes += found.boxes
    if policy.accept_doubtful:
        return PixelVerdict(PixelWork(text_removed=bool(boxes)), boxes)
    if found.read:
        return PixelVerdict(quarantine=_sentence(risk, "text is left after blanking"))
    if reader is not None and reads_anything(editor, reader, sorted(frames), boxes):
        return PixelVerdict(quarantine=_sentence(risk, "OCR reads text that was not blanked"))
    if not boxes and risk.admits:
        return PixelVerdict(quarantine=_sentence(risk, "no text was found in it"))
    return PixelVerdict(PixelWork(text_removed=bool(boxes), frame_judged=True), boxes)


def _unread(count: int) -> str:
    places = "one place looks" if count == 1 else f"{count} places look"
    return f"{places} like writing that OCR does not read"


def _sentence(risk: PixelRisk, more: str) -> str:
    return "Pixels may show text: " + "; ".join([*risk.reasons, *([more] if more else [])]) + "."
