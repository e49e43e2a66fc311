"""Table E.1-1 of PS3.15 2026c: every row at several depths, every option, and the choice by IOD type."""

from __future__ import annotations

from collections import Counter

import pytest
from pydicom.tag import Tag

from AnonymizerLib.objects.dicom_file import EXPLICIT, DicomFile, encode_attributes
from AnonymizerLib.profile.actions import Action, choose
from AnonymizerLib.profile.decisions import PATIENT_ID, PATIENT_NAME, TRIAL_SUBJECT, Decisions
from AnonymizerLib.profile.options import Option
from AnonymizerLib.profile.table import Row, table
from fixtures.anonymizer_studies import at_depth, engine, holder_at, minimal, profile, raw, raw_dataset

CANARY = b"Zanzibarquux"
VALUES = {
    "UI": b"1.2.826.0.1.99.5.31415926",
    "DA": b"20031105",
    "TM": b"031455.123",
    "DT": b"20031105031455",
    "AS": b"093Y",
    "DS": b"3.14159",
    "IS": b"271828",
    "US": b"\x39\x30",
    "FD": bytes(range(17, 25)),
    "UL": b"\x39\x30\0\0",
    "SL": b"\x39\x30\0\0",
    "FL": b"\x39\x30\x10\x40",
    "SS": b"\x39\x30",
    "CS": b"ZANZIBARQUUX",
}
# What patients' characteristics say in honest files: any other text in their place goes, whatever option keeps them
HONEST = {"00100040": b"F", "00102160": b"White", "001021a0": b"NO", "00102203": b"ALTERED", "0072005f": b"050Y"}
PSEUDONYMOUS = (PATIENT_NAME, PATIENT_ID, TRIAL_SUBJECT)
WILDCARD_TAGS = {"50xxxxxx": 0x50042600, "60xx3000": 0x60023000, "60xx4000": 0x60024000, "private": 0x00291010}
ROWS = table()[1]


def tag_of(row: Row) -> int:
    return WILDCARD_TAGS[row.tag] if row.is_wildcard else int(row.tag, 16)


def original(row: Row) -> bytes | list:
    """A value of the row's representation; a sequence holds a name and a text."""
    if row.vr == "SQ":
        return [raw_dataset((0x00100010, "PN", CANARY), (0x00081155, "UI", VALUES["UI"]))]
    return VALUES.get(row.vr, CANARY)


def cleaned(row: Row, depth: int, *options: str, said: bytes | None = None) -> tuple[object, bytes]:
    """The value after the walk (None when the attribute is gone), and the whole data set encoded."""
    meant = said if said is not None else original(row)
    ds = minimal("1.2.840.10008.5.1.4.1.1.2", at_depth(depth, (tag_of(row), row.vr or "LO", meant)))
    engine(*options).clean(ds)
    holder = holder_at(ds, depth)
    tag = Tag(tag_of(row))
    value = holder.get_item(tag).value if tag in holder else None
    if isinstance(value, bytes) and value == raw(tag, row.vr, meant).value:
        value = meant
    return value, encode_attributes(DicomFile(ds, EXPLICIT))


def complaint(row: Row, depth: int) -> str:
    """What is wrong with the outcome of a row under the basic profile; empty when it is as the table says."""
    value, encoded = cleaned(row, depth)
    got = "X" if value is None else "Z" if not value else "kept" if value == original(row) else "D"
    allowed = {"X/Z/U*": ["D"], "U": ["D"]}.get(row.basic, row.basic.split("/"))
    if tag_of(row) in PSEUDONYMOUS:
        allowed = ["D"]
    if got not in allowed:
        return f"{row.tag} {row.name}: {got} instead of {row.basic}"
    if row.basic == "U" and not bytes(value).startswith(b"2.25."):
        return f"{row.tag} {row.name}: not a new UID"
    leaked = CANARY in encoded or (row.vr in ("UI", "DA", "DT") and VALUES[row.vr] in encoded)
    return f"{row.tag} {row.name}: leaks" if leaked else ""


def test_the_table_has_the_rows_of_edition_2026c():
    assert table()[0] == "2026c"
    assert Counter(row.basic for row in ROWS) == {
        "X": 416,
        "D": 93,
        "U": 55,
        "Z": 42,
        "X/D": 23,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }
    assert len({row.tag for row in ROWS}) == 656


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_every_row_is_obeyed_at_every_depth(depth):
    assert [text for row in ROWS if (text := complaint(row, depth))] == []


@pytest.mark.parametrize(
    ("label", "kept", "cleaned_rows"),
    [
        ("retain-uids", 60, 0),
        ("retain-device", 46, 11),
        ("retain-institution", 10, 0),
        ("retain-patient-characteristics", 9, 4),
        ("full-dates", 169, 0),
        ("modified-dates", 0, 169),
        ("clean-descriptors", 0, 125),
        ("clean-structured-content", 0, 3),
        ("clean-graphics", 0, 4),
        ("retain-safe-private", 0, 1),
    ],
)
def test_each_option_changes_exactly_its_rows(label, kept, cleaned_rows):
    columns = Counter(row.options[label] for row in ROWS if label in row.options)
    assert (columns["K"], columns["C"]) == (kept, cleaned_rows)
    basic, with_option = Decisions(profile()), Decisions(profile(label))
    public = [row for row in ROWS if row.tag != "private"]
    changed = {row.tag for row in public if basic.of(tag_of(row), row.vr) != with_option.of(tag_of(row), row.vr)}
    assert changed == {row.tag for row in public if label in row.options}


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize(
    "label", ["retain-uids", "retain-device", "retain-institution", "full-dates", "retain-patient-characteristics"]
)
def test_what_an_option_retains_keeps_its_value(label, depth):
    rows = [row for row in ROWS if row.options.get(label) == "K" and row.vr != "SQ" and row.tag != "00101010"]
    lost = []
    for row in rows:
        value, _ = cleaned(row, depth, label, said=HONEST.get(row.tag))
        if value != HONEST.get(row.tag, original(row)):
            lost.append(row.name)
    assert lost == []


def test_dates_of_the_modified_dates_rows_move_and_times_stay():
    wrong = []
    for row in (row for row in ROWS if "modified-dates" in row.options and row.vr in ("DA", "DT", "TM")):
        value, _ = cleaned(row, 1, "modified-dates")
        if value is None or (value == VALUES[row.vr]) != (row.vr == "TM"):
            wrong.append(row.name)
    assert wrong == []


@pytest.mark.parametrize(
    ("choices", "iod_type", "expected"),
    [
        ("X/Z/D", "1", "D"),
        ("X/Z/D", "2", "Z"),
        ("X/Z/D", "3", "X"),
        ("X/Z/D", "1C", "D"),
        ("X/Z/D", "2C", "Z"),
        ("X/Z", "2", "Z"),
        ("X/Z", "3", "X"),
        ("X/D", "1", "D"),
        ("X/D", "3", "X"),
        ("Z/D", "1", "D"),
        ("Z/D", "2", "Z"),
        ("Z/D", "3", "Z"),
    ],
)
def test_the_iod_type_decides_between_the_alternatives(choices, iod_type, expected):
    assert choose(choices, iod_type, iod_known=True) is Action(expected)


def test_an_attribute_unknown_to_the_iod_goes_and_in_an_unknown_iod_gets_a_valid_dummy():
    assert choose("X/Z/D", None, iod_known=True) is Action.REMOVE
    assert choose("X/Z/D", None, iod_known=False) is Action.DUMMY


@pytest.mark.parametrize(
    ("sop_class", "tag", "vr", "value", "expected"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", 0x00080023, "DA", b"20240101", "Z"),  # CT: Content Date 2C
        ("1.2.840.10008.5.1.4.1.1.88.33", 0x00080023, "DA", b"20240101", "D"),  # SR: Content Date 1
        ("1.2.840.10008.5.1.4.1.1.2", 0x00081070, "PN", b"Ope^Rator", "X"),  # CT: Operators' Name 3
        ("1.2.840.10008.5.1.4.1.1.2", 0x0008002A, "DT", b"20240101", "X"),  # CT: Acquisition DateTime 3
        ("1.2.840.10008.5.1.4.1.1.2.1", 0x0008002A, "DT", b"20240101", "D"),  # Enhanced CT: 1C
    ],
)
def test_the_sop_class_decides_what_becomes_of_a_type_dependent_attribute(sop_class, tag, vr, value, expected):
    ds = minimal(sop_class, (tag, vr, value))
    engine().clean(ds)
    found = "X" if tag not in ds else "D" if ds.get_item(tag).value else "Z"
    assert found == expected


def test_every_option_has_its_own_code_of_cid_7050():
    from pydicom.sr.codedict import codes

    known = {getattr(codes.cid7050, name).value for name in codes.cid7050.dir()}
    assert {option.code for option in Option} | {"113100"} == known
