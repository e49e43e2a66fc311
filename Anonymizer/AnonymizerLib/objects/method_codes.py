"""What a de-identified data set says about itself: PS3.15 E.1.1 and E.3, attributes 0012,006x and 0028,030x."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from AnonymizerLib.objects.dummies import code
from AnonymizerLib.profile.options import BASIC_PROFILE_CODE, Option, Profile
from AnonymizerLib.profile.table import table

if TYPE_CHECKING:
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset

METHOD_LIMIT = 64  # LO, PS3.5 Table 6.2-1


@dataclass(frozen=True)
class PixelWork:
    """What was really done to the pixels of one instance; ``frame_judged``: the whole frame was found free of text."""

    text_removed: bool = False
    frame_judged: bool = False
    face_removed: bool = False


def options_applied(profile: Profile, work: PixelWork) -> list[Option]:
    """List the options an instance may claim: the pixel options only where its pixels were dealt with."""
    claimed = {Option.CLEAN_PIXELS: work.text_removed or work.frame_judged, Option.CLEAN_FACES: work.face_removed}
    return [option for option in Option if profile.has(option) and claimed.get(option, True)]


def methods(profile: Profile, options: list[Option]) -> list[str]:
    """De-identification Method (0012,0063): one line per thing done."""
    lines = [f"ThoraxAI Anonymizer, PS3.15 {table()[0]} Basic Profile", *(option.label for option in options)]
    if profile.strict:
        lines.append("allow-list of the SOP class")
    if profile.rules is not None and len(profile.rules):
        lines.append(f"{len(profile.rules)} own rules")
    return [line[:METHOD_LIMIT] for line in lines]


def mark(
    ds: Dataset, profile: Profile, work: PixelWork, subject_pseudonym: str, is_implicit: bool, is_little_endian: bool
) -> None:
    """Write the marks into a cleaned data set, already encoded as the data set will be."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    for element in _encoded_marks(profile, work, is_implicit, is_little_endian):
        ds[element.tag] = element
    name = subject_pseudonym.encode("utf-8")
    name += b" " * (len(name) % 2)
    for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO")):
        ds[Tag(tag)] = RawDataElement(Tag(tag), vr, len(name), name, 0, is_implicit, is_little_endian)


@lru_cache(maxsize=32)
def _encoded_marks(
    profile: Profile, work: PixelWork, is_implicit: bool, is_little_endian: bool
) -> tuple[RawDataElement, ...]:
    """Encode the marks as raw elements; they are the same for every instance of a run."""
    from pydicom.dataelem import RawDataElement
    from pydicom.filebase import DicomBytesIO
    from pydicom.filereader import read_dataset
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = is_little_endian, is_implicit
    write_dataset(buffer, _marks(profile, work))
    buffer.seek(0)
    marks = read_dataset(buffer, is_implicit, is_little_endian)  # type: ignore[arg-type]  # it reads its own buffers too
    return tuple(element for element in marks.values() if isinstance(element, RawDataElement))


def _marks(profile: Profile, work: PixelWork) -> Dataset:
    from pydicom.dataset import Dataset

    ds = Dataset()
    options = options_applied(profile, work)
    ds.PatientIdentityRemoved = "YES"
    ds.DeidentificationMethod = methods(profile, options)
    codes = [BASIC_PROFILE_CODE, *((option.code, option.meaning) for option in options)]
    ds.DeidentificationMethodCodeSequence = [code(value, "DCM", meaning) for value, meaning in codes]
    ds.LongitudinalTemporalInformationModified = profile.temporal_information
    if work.frame_judged:
        ds.BurnedInAnnotation = "NO"
    if work.face_removed:
        ds.RecognizableVisualFeatures = "NO"
    return ds
