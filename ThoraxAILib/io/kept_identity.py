"""What identifies a series, kept in the header of an NRRD file, so that date and kernel are not lost on the way.

The keys begin with ``ThoraxAI.``; other programs ignore them. Nothing about a person is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ThoraxAILib.image.volume import SeriesIdentity

PREFIX = "ThoraxAI."
TEXTS = ("study_date", "kernel", "contrast", "manufacturer")
THICKNESS = "slice_thickness_mm"
MAX_LETTERS, MAX_THICKNESS_MM = 64, 100.0
_DATE = re.compile(r"\d{8}")


def to_header(identity: SeriesIdentity) -> dict[str, str]:
    """Return the entries of a header, only for what is known."""
    texts = {name: str(getattr(identity, name))[:MAX_LETTERS] for name in TEXTS}
    if identity.slice_thickness_mm is not None:
        texts[THICKNESS] = f"{identity.slice_thickness_mm:g}"
    return {PREFIX + name: text for name, text in texts.items() if text and text.isprintable()}


def from_header(entries: Mapping[str, str], without: SeriesIdentity) -> SeriesIdentity:
    """Return ``without`` with what a header tells; an entry that is no date or number is left out."""
    known = {name: entries[PREFIX + name][:MAX_LETTERS].strip() for name in TEXTS if PREFIX + name in entries}
    if not _DATE.fullmatch(known.get("study_date", "")):
        known.pop("study_date", None)
    texts = {name: text if text.isprintable() else "" for name, text in known.items()}
    return replace(
        without,
        study_date=texts.get("study_date") or without.study_date,
        kernel=texts.get("kernel") or without.kernel,
        contrast=texts.get("contrast") or without.contrast,
        manufacturer=texts.get("manufacturer") or without.manufacturer,
        slice_thickness_mm=_thickness(entries.get(PREFIX + THICKNESS, "")) or without.slice_thickness_mm,
    )


def _thickness(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= MAX_THICKNESS_MM else None
