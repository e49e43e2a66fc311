"""XML of unknown origin: bounded in size, depth and elements, no document type, so no entities and no other files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

MIB = 1 << 20
MAX_BYTES = 64 * MIB  # LIDC's readings take about 1 MiB, a scene with a thousand nodes about 2 MiB
MAX_ELEMENTS = 2_000_000
DEEPEST = 100


def read_plain_xml(path: Path) -> ElementTree.Element:
    """Return the root element; InputError for a document type or a file beyond the bounds, ParseError when it is
    damaged.
    """
    try:
        text = read_bounded(path, MAX_BYTES)
    except TooLarge as error:
        raise InputError(
            f"'{path.name}' is an XML file of more than {MAX_BYTES // MIB} MiB: no file of its kind is that large."
        ) from error
    return parse_plain_xml(text, path.name)


def parse_plain_xml(text: bytes, name: str) -> ElementTree.Element:
    """Return the same for the bytes of a file; ``name`` appears in error messages."""
    builder = _Builder(name)
    try:
        builder.parser.Parse(text, True)
        return builder.tree.close()
    except expat.ExpatError as error:
        raise ElementTree.ParseError(str(error)) from error


class _Builder:
    """Feeds a TreeBuilder from expat and refuses on the way; tags as ElementTree writes them, '{namespace}tag'."""

    def __init__(self, name: str) -> None:
        self.tree, self.parser = ElementTree.TreeBuilder(), expat.ParserCreate(namespace_separator="}")
        self._name, self._depth, self._elements = name, 0, 0
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse_document_type
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.tree.data

    def _refuse_document_type(self, *_declaration: object) -> None:
        raise InputError(
            f"'{self._name}' declares a document type (DOCTYPE), which can name other files and repeat "
            "text without end: remove the declaration."
        )

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth, self._elements = self._depth + 1, self._elements + 1
        if self._depth > DEEPEST or self._elements > MAX_ELEMENTS:
            raise InputError(
                f"'{self._name}' is XML of more than {DEEPEST} levels or {MAX_ELEMENTS} elements: no "
                "file of its kind holds as much."
            )
        self.tree.start(_tag(tag), {_tag(key): value for key, value in attributes.items()})

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self.tree.end(_tag(tag))


def _tag(name: str) -> str:
    return "{" + name if "}" in name else name
