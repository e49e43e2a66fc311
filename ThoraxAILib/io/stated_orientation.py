"""Does a NRRD or MetaImage file say in which directions of the patient its axes run?"""

from __future__ import annotations

from pathlib import Path

HEADER_BYTES = 1 << 16
# Spaces of NRRD (teem.sourceforge.net/nrrd/format.html, section 5) that name patient directions, as words or letters.
PATIENT_WORDS = (b"right", b"left", b"anterior", b"posterior", b"superior", b"inferior")
PATIENT_LETTERS = (b"ras", b"las", b"lps", b"rast", b"last", b"lpst")
META_KEYS = (b"transformmatrix", b"orientation", b"rotation")


def states_orientation(path: Path, kind: str) -> bool:
    """Whether the header of a NRRD or MetaImage file states the directions of its axes in the patient."""
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    if kind == "NRRD":
        lines = start.split(b"\n\n")[0].split(b"\r\n\r\n")[0].splitlines()
        fields = {name.strip().lower(): value.strip().lower() for name, _, value in (n.partition(b":") for n in lines)}
        space = fields.get(b"space", b"")
        named = space in PATIENT_LETTERS or (any(word in space for word in PATIENT_WORDS) and b"handed" not in space)
        return named and b"space directions" in fields
    keys = (line.partition(b"=")[0].strip().lower() for line in start.split(b"ElementDataFile")[0].splitlines())
    return any(key in META_KEYS for key in keys)
