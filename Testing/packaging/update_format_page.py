"""Writes docs/formats/README.md from the JSON Schemas beside it: one table of fields per object.

Run it after a schema was changed: ``python Testing/packaging/update_format_page.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FORMATS = Path(__file__).resolve().parents[2] / "docs" / "formats"
PAGE = FORMATS / "README.md"
INTRODUCTION = """# File formats

Every JSON file that ThoraxAI writes, field by field. This page is made from the JSON Schemas (draft 2020-12) beside it,
which can check a file: no other field occurs, and every field is there unless it is marked *optional*. `unit` is an
annotation of these schemas; `1` means a number without unit. Positions are RAS mm: towards right, anterior, superior.

## Voxels of an analysis

`segmentation.seg.nrrd` holds one segment for each structure and finding, in layers where they overlap; 3D Slicer opens
it. `thoraxai lung analyze --label-map nrrd` (or `nifti`) writes the same once more as one layer on the grid of the CT,
`labels.nrrd` or `labels.nii.gz`: 1 to 5 are RUL, RML, RLL, LUL and LLL, 6 is trachea and main bronchi, and from 101 on
come the findings in the order of `findings.json` (uint16 for more than 155 of them). Where structures overlap the
finding stands, of two findings the first; where the image contradicts its orientation, 1 is both lungs. `labels.csv`
lists every value with its name, how many voxels carry it and their volume in mL. `arrays.npz` (`--scene none`) holds
the arrays (k, j, i) with `ijk_to_ras`, `origin_ras_mm`, `spacing_ijk_mm` and `axis_order`.

The volume of a finding stands twice in `findings.json`: `volume_mm3` counts voxels at its border by the share of them
that it fills, `mask_volume_mm3` is the number of voxels of its mask times the volume of one.
"""


def schemas() -> dict[str, dict]:
    """The schemas by file name."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FORMATS.glob("*.schema.json"))}


def page() -> str:
    """The text of the page."""
    return "\n".join([INTRODUCTION, *(_format(name, schema) for name, schema in schemas().items())])


def _format(name: str, schema: dict) -> str:
    parts = [f"## {schema['title']}\n\n{schema['description']} Schema: [{name}]({name}).\n", _table(schema)]
    for key, definition in schema.get("$defs", {}).items():
        parts.append(f"### {key} ({name.removesuffix('.schema.json')})\n\n{definition['description']}\n")
        parts.append(_table(definition))
    return "\n".join(parts)


def _table(schema: dict) -> str:
    rows = ["| Field | Kind | Unit | Meaning |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *_rows(schema, "")]) + "\n"


def _rows(schema: dict, prefix: str) -> list[str]:
    rows = []
    for name, entry in schema["properties"].items():
        optional = "" if name in schema["required"] else " *optional*"
        rows.append(f"| `{prefix}{name}` | {_kind(entry)}{optional} | {_unit(entry)} | {_meaning(entry)} |")
        inner = entry.get("items", entry) if isinstance(entry.get("items", entry), dict) else {}
        if "properties" in inner:
            rows += _rows(inner, f"{prefix}{name}{'[]' if 'items' in entry else ''}.")
    return rows


def _unit(entry: dict) -> str:
    """The unit of a field, or of the values of a table by name."""
    values = entry.get("additionalProperties")
    within = values.get("unit", "") if isinstance(values, dict) else ""
    return entry.get("unit", within)


def _meaning(entry: dict) -> str:
    words = entry["description"]
    chosen = [value for value in entry.get("enum", ()) if value is not None]
    return words + (" One of " + ", ".join(f"`{value}`" for value in chosen) + "." if chosen else "")


def _kind(entry: dict) -> str:
    if "$ref" in entry:
        return _named(entry["$ref"])
    if "oneOf" in entry:
        return " or ".join(_kind(one) for one in entry["oneOf"])
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry and "type" not in entry:
        return "string"
    kinds = entry["type"] if isinstance(entry["type"], list) else [entry["type"]]
    return " or ".join(_whole(kind, entry) for kind in kinds)


def _whole(kind: str, entry: dict) -> str:
    if kind == "array":
        return f"list of {_kind(entry['items'])}"
    if kind == "object" and isinstance(entry.get("additionalProperties"), dict):
        return f"{_kind(entry['additionalProperties'])} by name"
    return kind


def _named(reference: str) -> str:
    file, _, place = reference.partition("#/$defs/")
    return f"{place} ({file.removesuffix('.schema.json')})" if file else place


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
