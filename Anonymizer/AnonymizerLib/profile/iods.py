"""What a SOP class defines: its attributes and their types (1, 1C, 2, 2C), from PS3.3 as generated data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
STRICTEST_FIRST = ("1", "1C", "2", "2C", "3")
Location = tuple[int, ...]


@dataclass(frozen=True)
class Iod:
    """One SOP class: attributes at the root, attributes inside its sequences, and types by location."""

    known: bool
    top: frozenset[int]
    nested: frozenset[int]
    types: dict[Location, str]

    def defines(self, location: Location) -> bool:
        """Whether the attribute belongs here; for a SOP class that the data does not list: anywhere."""
        return location[-1] in (self.top if len(location) == 1 else self.nested)

    def type_of(self, location: Location) -> str | None:
        """Type of the attribute at this location; '3' when optional, None when the SOP class does not define it."""
        found = self.types.get(location)
        if found is not None:
            return found
        return "3" if self.known and self.defines(location) else None


@lru_cache(maxsize=1)
def _data() -> dict:
    return json.loads((DATA / "iod_types.json").read_text(encoding="utf-8"))


def _tags(text: str) -> set[int]:
    return {int(tag, 16) for tag in text.split()}


@lru_cache(maxsize=256)
def iod_of(sop_class_uid: str) -> Iod:
    """Look up the attributes of a SOP class; for a private or unlisted one those of all classes, without types."""
    data = _data()
    key = data["sop_classes"].get(sop_class_uid)
    if key is None:
        modules = data["modules"].values()
        return Iod(
            False,
            frozenset().union(*(_tags(module["top"]) for module in modules)),
            frozenset().union(*(_tags(module["nested"]) for module in modules)),
            {},
        )
    top: set[int] = set()
    nested: set[int] = set()
    types: dict[Location, str] = {}
    for name in data["iods"][key]:
        module = data["modules"].get(name)
        if module is None:
            continue
        top |= _tags(module["top"])
        nested |= _tags(module["nested"])
        for path, kind in module["types"].items():
            location = tuple(int(tag, 16) for tag in path.split("/"))
            types[location] = min(kind, types.get(location, "3"), key=STRICTEST_FIRST.index)
    return Iod(True, frozenset(top), frozenset(nested), types)
