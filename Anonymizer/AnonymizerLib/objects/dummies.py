"""Dummy values: harmless, valid for their value representation, and recognizably not real (PS3.15 E.1.1, action D)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

TEXT = b"REMOVED "
DUMMY_BYTES: dict[str, bytes] = {
    "DA": b"19000101",
    "TM": b"000000",
    "DT": b"19000101000000",
    "AS": b"000Y",
    "PN": b"Anonymous ",
    "AE": TEXT,
    "CS": TEXT,
    "LO": TEXT,
    "SH": TEXT,
    "ST": TEXT,
    "LT": TEXT,
    "UT": TEXT,
    "UC": TEXT,
    "UR": b"about:blank ",
    "DS": b"0 ",
    "IS": b"0 ",
    "OB": b"\0\0",
    "UN": b"\0\0",
    "OW": b"\0\0",
    "US": bytes(2),
    "SS": bytes(2),
    "UL": bytes(4),
    "SL": bytes(4),
    "FL": bytes(4),
    "FD": bytes(8),
    "AT": bytes(4),
    "SV": bytes(8),
    "UV": bytes(8),
    "OF": bytes(4),
    "OD": bytes(8),
    "OL": bytes(4),
    "OV": bytes(8),
}
CONTENT, GRAPHICS, FLOW, OBSERVERS, STEPS = 0x0040A730, 0x00700001, 0x00340001, 0x0040A073, 0x00081111


def dummy_bytes(vr: str) -> bytes:
    """Return the dummy value of a representation; unknown ones get the one for UN."""
    return DUMMY_BYTES.get(vr, DUMMY_BYTES["UN"])


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One coded concept (PS3.3 Table 8.8-1)."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def dummy_items(tag: int) -> list[Dataset]:
    """Make the items of a sequence that must not be empty: one valid item without any original content."""
    from pydicom.dataset import Dataset

    item = Dataset()
    if tag == CONTENT:
        item.RelationshipType, item.ValueType = "CONTAINS", "TEXT"
        item.ConceptNameCodeSequence = [code("121106", "DCM", "Comment")]
        item.TextValue = "Content removed by de-identification"
    elif tag == GRAPHICS:
        item.GraphicLayer = "REMOVED"
        item.GraphicObjectSequence = [_point()]
    elif tag == FLOW:
        item.FlowIdentifier, item.SourceIdentifier = b"\0\0", b"\0\0"
    elif tag == OBSERVERS:
        item.VerifyingOrganization, item.VerificationDateTime = "REMOVED", "19000101000000"
        item.VerifyingObserverName, item.VerifyingObserverIdentificationCodeSequence = "Anonymous", []
    elif tag == STEPS:
        return []
    else:
        item = code("REMOVED", "99THORAXAI", "Removed by de-identification")
    return [item]


def _point() -> Dataset:
    """Make a single point in the corner of the image, in place of a drawn annotation (PS3.3 C.10.5)."""
    from pydicom.dataset import Dataset

    point = Dataset()
    point.GraphicAnnotationUnits, point.GraphicDimensions, point.NumberOfGraphicPoints = "PIXEL", 2, 1
    point.GraphicData, point.GraphicType = [1.0, 1.0], "POINT"
    return point
