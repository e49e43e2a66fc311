"""A person's own value for an attribute, checked against the attribute's value representation (PS3.5 Table 6.2-1)."""

from __future__ import annotations

INTEGERS = {
    "US": (0, 2**16 - 1),
    "SS": (-(2**15), 2**15 - 1),
    "UL": (0, 2**32 - 1),
    "SL": (-(2**31), 2**31 - 1),
    "UV": (0, 2**64 - 1),
    "SV": (-(2**63), 2**63 - 1),
}
NUMBERS = frozenset({"FL", "FD"})
NOT_TEXT = frozenset({"OB", "OW", "OF", "OD", "OL", "OV", "UN", "AT", "SQ"})
SHOWN = 40


def checked_value(tag: int, text: str) -> str | int | float | list[int] | list[float]:
    """Convert a text to the value to write for a tag; ValueError says in a few words why it cannot be one.

    Several values are separated by a backslash. An empty text empties the attribute, whatever it is.
    """
    from pydicom.datadict import dictionary_VR

    try:
        kinds = dictionary_VR(tag).split(" or ")
    except KeyError:  # a tag without a name: it is written as it stands
        return text
    kind = kinds[0]
    if not text:
        return "" if kind not in INTEGERS and kind not in NUMBERS else []
    if kind in NOT_TEXT:
        raise ValueError(f"it holds {'items' if kind == 'SQ' else 'bytes'}, not text; use remove")
    if kind in INTEGERS or kind in NUMBERS:
        values = [_number(kind, part.strip()) for part in text.split("\\")]
        return values[0] if len(values) == 1 else values
    _check_text(kind, text)
    return text


def _number(kind: str, text: str) -> int | float:
    try:
        number = float(text) if kind in NUMBERS else int(text)
    except ValueError:
        raise ValueError(f"'{text[:SHOWN]}' is not a {'number' if kind in NUMBERS else 'whole number'}") from None
    if kind in INTEGERS and not INTEGERS[kind][0] <= number <= INTEGERS[kind][1]:
        raise ValueError(f"{number} is outside of {INTEGERS[kind][0]} to {INTEGERS[kind][1]}")
    return number


def _check_text(kind: str, text: str) -> None:
    from pydicom import config
    from pydicom.valuerep import validate_value

    try:
        for part in [text] if kind in ("LT", "ST", "UT", "UR") else text.split("\\"):
            validate_value(kind, part, config.RAISE)
            if kind == "DS":
                float(part)
            elif kind == "IS":
                int(part)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text[:SHOWN]}' is no value of the kind {kind}") from None
