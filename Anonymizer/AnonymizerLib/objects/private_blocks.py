"""Private elements under the Retain Safe Private option (PS3.15 E.3.10): kept by creator, group and offset only.

Two sources say what is safe: the generated list of device elements, and the data set itself where its Private Data
Element Characteristics Sequence (0008,0300) declares a block without identity (PS3.3 C.12.1.1.7).
"""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DATA = Path(__file__).resolve().parents[1] / "profile" / "data"
CHARACTERISTICS = 0x00080300
Block = tuple[int, str]


@lru_cache(maxsize=1)
def safe_elements() -> dict[Block, frozenset[int]]:
    """(group, creator) to the safe offsets."""
    data = json.loads((DATA / "safe_private.json").read_text(encoding="utf-8"))
    return {
        (int(group, 16), creator): frozenset(int(offset, 16) for offset in offsets.split())
        for creator, groups in data["creators"].items()
        for group, offsets in groups.items()
    }


def declared_safe(ds: Dataset) -> dict[Block, frozenset[int] | None]:
    """Blocks this data set declares safe: None for the whole block, else its safe offsets."""
    declared: dict[Block, frozenset[int] | None] = {}
    for shared in (ds[CHARACTERISTICS].value or ()) if CHARACTERISTICS in ds else ():
        item = copy.deepcopy(shared)  # reading converts elements, and the walk needs the raw ones
        block = (int(item.get("PrivateGroupReference", 0)), str(item.get("PrivateCreatorReference", "")))
        status = item.get("BlockIdentifyingInformationStatus", "UNSAFE")
        if status == "SAFE":
            declared[block] = None
        elif status == "MIXED":
            offsets = item.get("NonidentifyingPrivateElements") or []
            offsets = [offsets] if isinstance(offsets, int) else offsets
            declared[block] = frozenset(int(offset) & 0xFF for offset in offsets)
    return declared


def is_safe(group: int, creator: str, offset: int, declared: dict[Block, frozenset[int] | None]) -> bool:
    """Whether this private element may stay."""
    if offset in safe_elements().get((group, creator), frozenset()):
        return True
    if (group, creator) not in declared:
        return False
    offsets = declared[group, creator]
    return offsets is None or offset in offsets
