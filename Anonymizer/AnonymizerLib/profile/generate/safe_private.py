"""Builds data/safe_private.json: private elements known to carry no identity, by creator, group and offset.

Source: the TCIA private tag knowledge base (02-01-2024, The Cancer Imaging Archive, CC BY 4.0), disposition
"keep" only. An element is listed when every row about it says keep; creators without a name of their own
("Unnamed Private Block") and creators of archives and research software are left out, since their content
depends on a site and not on a device.

Run: python -m AnonymizerLib.profile.generate.safe_private TCIAPrivateTagKB-02-01-2024-formatted.csv
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "data" / "safe_private.json"
SOURCE = "TCIA private tag knowledge base 02-01-2024, dispositions 'keep', CC BY 4.0"
ELEMENT = re.compile(r"\(([0-9a-fA-F]{4}),\s*\"*([^\"()]+?)\"+,([0-9a-fA-F]{2})\)$")
DEVICE_MAKERS = (
    "GEMS",
    "GEHC",
    "PHILIPS",
    "MMCPRIVATE",
    "SIEMENS",
    "FDMS",
    "TOSHIBA",
    "ELSCINT",
    "HOLOGIC",
    "LORAD",
    "SPI",
    "AGFA",
)
TEXT_VRS = {"LT", "ST", "UT", "UC", "PN", "DA", "DT", "TM", "UI", "AE", "AS", "UR"}


def dispositions(listing: Path) -> dict[tuple[str, int, int], set[str]]:
    """(creator, group, offset) to every disposition given to it, text-like representations marked 'text'."""
    found: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    with listing.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            match = ELEMENT.search(row["element_sig_pattern"].strip())
            if match and int(match[1], 16) % 2:
                key = (match[2].strip(), int(match[1], 16), int(match[3], 16))
                verdict = row["private_disposition"].strip().lower() or "unknown"
                found[key].add("text" if row["vr"].strip() in TEXT_VRS and verdict == "k" else verdict)
    return found


def build(listing: Path) -> dict:
    """Creator to 'gggg' to the list of offsets (two hex digits)."""
    creators: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (creator, group, offset), verdicts in sorted(dispositions(listing).items()):
        if verdicts <= {"k", "na"} and creator.upper().startswith(DEVICE_MAKERS):
            creators[creator][f"{group:04x}"].append(f"{offset:02x}")
    return {"source": SOURCE, "creators": creators}


def main() -> None:
    """Write the list; argument: the knowledge base as CSV."""
    data = build(Path(sys.argv[1]))
    rows = ",\n".join(
        f"  {json.dumps(creator)}: " + json.dumps({group: " ".join(offsets) for group, offsets in groups.items()})
        for creator, groups in data["creators"].items()
    )
    TARGET.write_text(
        f'{{\n "source": {json.dumps(data["source"])},\n "creators": {{\n{rows}\n }}\n}}\n', encoding="utf-8"
    )


if __name__ == "__main__":
    main()
