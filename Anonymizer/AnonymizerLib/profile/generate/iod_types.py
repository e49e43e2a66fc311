"""Builds data/iod_types.json: which attributes each SOP class has, and their types where Table E.1-1 needs them.

Source: the tables of PS3.3 and PS3.4 as machine-readable JSON in PyPI ``highdicom`` 0.28.2 (MIT):
``sop_class_iod_map.json``, ``iod_module_map.json``, ``module_attribute_map.json``. Kept per module:
``top`` (tags at the root of the data set), ``nested`` (tags anywhere inside its sequences) and ``types``
(path of tags -> type, only where an action depends on it: listed attributes, dates, names, all of Type 2 and free
text of Type 1).

Run: python -m AnonymizerLib.profile.generate.iod_types HIGHDICOM_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"
SOURCE = "DICOM PS3.3 and PS3.4 as listed in PyPI highdicom 0.28.2 (MIT)"
TYPE_DEPENDENT = {"X/Z", "X/D", "X/Z/D", "Z/D", "X/Z/U*", "X", "Z", "D"}
DATE_TIME = ("DA", "TM", "DT")
FREE_TEXT = ("LO", "SH", "ST", "LT", "UT", "UC")
CODE_TAGS = ("00080100", "00080102", "00080103", "00080104")  # decided with their whole code, not one by one


def tag_of(keyword: str) -> str | None:
    """Eight hex digits of a keyword; None when the dictionary does not know it."""
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    return None if tag is None else f"{tag:08x}"


def wanted_tags() -> set[str]:
    """List the tags whose outcome depends on any IOD type: listed ones, and every date, time and name."""
    from pydicom.datadict import DicomDictionary

    rows = json.loads((DATA / "confidentiality_table.json").read_text(encoding="utf-8"))["rows"]
    listed = {row["tag"] for row in rows if row["basic"] in TYPE_DEPENDENT}
    return listed | {f"{tag:08x}" for tag, entry in DicomDictionary.items() if entry[0] in (*DATE_TIME, "PN")}


def _falls_to_its_type(tag: str, kind: str) -> bool:
    """Whether an unlisted attribute, when its value may not stay, is emptied (Type 2) or told as removed (Type 1 text).

    A number or a code string of Type 1 has no honest dummy: it goes, and the instance is incomplete as it was wrong.
    """
    from pydicom.datadict import dictionary_VR

    return kind == "2" or (kind == "1" and tag not in CODE_TAGS and dictionary_VR(int(tag, 16)) in FREE_TEXT)


def module_entry(attributes: list[dict], wanted: set[str]) -> dict:
    """One module: its root tags, its nested tags, and the types of the wanted ones by path."""
    top: set[str] = set()
    nested: set[str] = set()
    types: dict[str, str] = {}
    for attribute in attributes:
        tag = tag_of(attribute["keyword"])
        keywords = attribute["path"]
        path = [step for keyword in keywords if (step := tag_of(keyword)) is not None]
        if tag is None or len(path) < len(keywords):
            continue
        (nested if path else top).add(tag)
        if (tag in wanted and attribute["type"] != "3") or _falls_to_its_type(tag, attribute["type"]):
            types["/".join([*path, tag])] = attribute["type"]
    return {"top": " ".join(sorted(top)), "nested": " ".join(sorted(nested)), "types": types}


def build(folder: Path) -> dict:
    """Build the whole data set as JSON-ready data."""

    def read(name: str) -> dict:
        return json.loads((folder / "_standard" / name).read_text(encoding="utf-8"))

    wanted, classes = wanted_tags(), read("sop_class_iod_map.json")
    iods = {key: modules for key, modules in read("iod_module_map.json").items() if key in set(classes.values())}
    used = {module["key"] for modules in iods.values() for module in modules}
    modules = {
        key: module_entry(rows, wanted) for key, rows in read("module_attribute_map.json").items() if key in used
    }
    return {
        "source": SOURCE,
        "sop_classes": classes,
        "iods": {key: [module["key"] for module in modules_of] for key, modules_of in iods.items()},
        "modules": modules,
    }


def main() -> None:
    """Write the data; argument: the folder of the installed highdicom package."""
    data = build(Path(sys.argv[1]))
    parts = []
    for key, value in data.items():
        if isinstance(value, str):
            parts.append(f' "{key}": {json.dumps(value)}')
        else:
            rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(value.items()))
            parts.append(f' "{key}": {{\n{rows}\n }}')
    (DATA / "iod_types.json").write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
