"""What was decided about the attributes that Table E.1-1 does not list, one by one, as generated data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class DictionaryDecision:
    """``action`` is 'remove' or the name of the option that keeps the attribute."""

    action: str
    why: str


@lru_cache(maxsize=1)
def _data() -> dict:
    return json.loads((DATA / "dictionary_decisions.json").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def explicit_decisions() -> dict[int, DictionaryDecision]:
    """Attributes that say something about a person, a place or a file, by tag."""
    return {
        int(tag, 16): DictionaryDecision(entry["action"], entry["why"]) for tag, entry in _data()["explicit"].items()
    }


@lru_cache(maxsize=1)
def reviewed() -> frozenset[int]:
    """Every unlisted tag that somebody has decided; any other one is new and goes."""
    by_vr = (int(tag, 16) for tags in _data()["by_representation"].values() for tag in tags.split())
    return frozenset(by_vr) | frozenset(explicit_decisions())
