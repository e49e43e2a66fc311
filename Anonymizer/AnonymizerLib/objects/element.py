"""One element on its way through the walk: where it is, what it is, and how to change it without decoding the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from AnonymizerLib.objects.lengths import checked_items
from AnonymizerLib.profile.actions import Action, Decision
from AnonymizerLib.profile.iods import Iod, Location

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement
    from pydicom.dataset import Dataset

    Element = DataElement | RawDataElement

ORIGINAL_VRS = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "UR", "AE", "DA", "DT", "UI", "UN", "CS"})
CHARACTER_SET = 0x00080005
DELIMITERS = {0x5C, 0x0A, 0x0C, 0x0D, 0x3D, 0x5E}  # PS3.5 6.1.2.5.3: where an escaped character set ends


class Original(NamedTuple):
    """A value that was taken out, kept in memory only, for the search of leaks."""

    tag: int
    vr: str
    value: bytes


@dataclass
class Outcome:
    """What the walk did: one entry per changed element, and the values it took out.

    ``subject`` is the original patient identity and ``patient_id`` its ID alone; neither must leave the process.
    ``is_nobody`` says that the ID is a placeholder.
    """

    subject: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    is_nobody: bool = False
    changes: list[tuple[Location, Action, str]] = field(default_factory=list)
    originals: list[Original] = field(default_factory=list, repr=False)


def names_nobody(_text: str) -> bool:
    """Answer for every text that it names nobody, while the identifiers of the patient are not known."""
    return False


class Place(NamedTuple):
    """What is the same for all elements of one data set or item.

    ``names_somebody`` knows the identifiers of this patient.
    """

    iod: Iod
    subject: str
    encodings: list[str]
    outcome: Outcome
    names_somebody: Callable[[str], bool] = names_nobody
    patient_id: str = ""


class At(NamedTuple):
    """One element: its data set, itself, its VR, the tags that lead to it, and what was decided."""

    ds: Dataset
    element: Element
    vr: str
    location: Location
    decision: Decision
    place: Place

    @property
    def tag(self) -> int:
        """The tag as a number."""
        return self.location[-1]

    @property
    def is_empty(self) -> bool:
        """Whether there is no value."""
        return not self.element.value

    @property
    def value(self) -> bytes:
        """The bytes of the value."""
        value = self.element.value
        return value if isinstance(value, bytes) else _encoded(value)

    @property
    def text(self) -> str:
        """The value decoded, without padding."""
        return text_of(self.value, self.place.encodings)

    @property
    def items(self) -> list[Dataset]:
        """The items of a sequence (parsed now, if they were not yet); InputError when one is cut off."""
        return checked_items(self.ds[self.element.tag].value or ())

    def because(self, reason: str, choices: str = "X/Z/D") -> At:
        """Return the same element with another reason and its alternatives."""
        return self._replace(decision=Decision(Action.BY_TYPE, reason, choices))

    def put(self, value: bytes) -> None:
        """Set the bytes of the value, padded to even length; a sequence becomes empty."""
        from pydicom.dataelem import DataElement, RawDataElement

        if self.vr == "SQ" or not isinstance(self.element, RawDataElement):
            self.ds[self.element.tag] = DataElement(self.element.tag, self.vr, [] if self.vr == "SQ" else value)
            return
        padded = value if len(value) % 2 == 0 else value + (b"\0" if self.vr in ("UI", "OB", "UN") else b" ")
        self.ds[self.element.tag] = self.element._replace(value=padded, length=len(padded))

    def put_items(self, items: list[Dataset]) -> None:
        """Set the items of a sequence."""
        from pydicom.dataelem import DataElement

        self.ds[self.element.tag] = DataElement(self.element.tag, "SQ", items)

    def drop(self) -> None:
        """Take the element out of its data set."""
        del self.ds[self.element.tag]


def text_of(value: bytes | None, encodings: list[str]) -> str:
    """Decode a text value and strip it of its padding."""
    if not value:
        return ""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip("\0 ")
    from pydicom.charset import decode_bytes

    return decode_bytes(value, encodings, DELIMITERS).strip("\0 ")


def encodings_of(ds: Dataset, inherited: list[str]) -> list[str]:
    """Python encodings of the data set's own character sets, else those around it."""
    value = raw_value(ds, CHARACTER_SET)
    if value is None:
        return inherited
    from pydicom.charset import convert_encodings

    terms = [term.strip() for term in value.decode("ascii", "replace").split("\\")]
    return convert_encodings(terms if len(terms) > 1 else terms[0])


def raw_value(ds: Dataset, tag: int) -> bytes | None:
    """Return the bytes of an element without converting it; None when it is absent."""
    element = ds.get_item(tag)
    if element is None:
        return None
    value = element.value
    return value if isinstance(value, bytes) else _encoded(value)


def raw_text(ds: Dataset, tag: int, encodings: list[str]) -> str:
    """Decode the text of an element without converting it; empty when it is absent."""
    return text_of(raw_value(ds, tag), encodings)


def _encoded(value: Any) -> bytes:
    """Encode a value that pydicom has already converted."""
    if value is None:
        return b""
    values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    return "\\".join(str(part) for part in values).encode("utf-8")


def set_raw_value(ds: Dataset, tag: int, value: bytes) -> None:
    """Put other bytes behind a raw element; ValueError for one that was taken apart."""
    from pydicom.dataelem import RawDataElement

    element = ds.get_item(tag)
    if not isinstance(element, RawDataElement):
        raise ValueError("an element that was taken apart has no bytes of its own")
    ds[tag] = element._replace(value=value, length=len(value))
