"""Builds data/concept_words.json: words that coded concepts of the standard are made of.

Source: meanings of the codes in PS3.16 (DCM, SCT, UCUM) as shipped with pydicom 3.0.2. Such meanings write eponyms with
a capital letter ("Circle of Willis") and all other words but the first in small letters, so only words in small letters
are taken.

Run: python -m AnonymizerLib.profile.generate.concept_words
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "data" / "concept_words.json"
SOURCE = "meanings of PS3.16 codes as shipped with pydicom 3.0.2, words in small letters"
WORD = re.compile(r"(?<![A-Za-z])[a-z]{2,}(?![A-Za-z])")
SCHEMES = ("DCM", "SCT", "SRT")


def words() -> set[str]:
    """Every word in small letters."""
    from pydicom.sr._concepts_dict import concepts

    found: set[str] = set()
    for scheme in SCHEMES:
        codes: Any  # by value: (meaning, ...)
        for codes in concepts.get(scheme, {}).values():
            for meaning, *_ in codes.values():
                found |= set(WORD.findall(meaning))
    return found


def main() -> None:
    """Write the list."""
    TARGET.write_text(json.dumps({"source": SOURCE, "words": " ".join(sorted(words()))}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
