"""What was planted in the sample pair beside what the follow-up told: the truth table of the panel."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from LungNoduleAILib.model.growth import percent_words
from LungNoduleAILib.model.pairs import MATCHED, FollowUp, Pair
from LungNoduleAILib.scene.follow_up_nodes import pair_label

PAIR_TRUTH_ATTRIBUTE = "ThoraxAI.pairTruth"
LEAST_REACH_MM = 5.0


@dataclass(frozen=True)
class PlantedRow:
    """One planted nodule: where and what it is, its fate, the sizes of both dates, and what the follow-up says."""

    what: str
    fate: str
    sizes: str
    told: str
    place_ras_mm: tuple[float, float, float]


def planted_rows(current_node: Any, found: FollowUp | None) -> tuple[PlantedRow, ...]:
    """Return the truth kept with the current CT of the sample pair, line by line; nothing for every other CT."""
    text = None if current_node is None else current_node.GetAttribute(PAIR_TRUTH_ATTRIBUTE)
    try:
        entries = json.loads(text)["nodules"] if text else ()
        return tuple(_row(entry, () if found is None else found.intervals[-1].pairs) for entry in entries)
    except (ValueError, KeyError, TypeError):
        return ()


def _row(entry: Mapping[str, Any], pairs: Sequence[Pair]) -> PlantedRow:
    sizes = [entry[f"{when}_diameter_mm"] for when in ("prior", "current")]
    change = entry["volume_change_percent"]
    grown = "" if change is None else f" ({percent_words(change)})"
    right, anterior, superior = entry["center_ras_mm"]
    return PlantedRow(
        f"{entry['lobe']}, {entry['type']}",
        entry["fate"],
        " \u2192 ".join("\u2013" if mm is None else f"{mm:.1f}" for mm in sizes) + f" mm{grown}",
        _told(entry, pairs),
        (right, anterior, superior),
    )


def _told(entry: Mapping[str, Any], pairs: Sequence[Pair]) -> str:
    """Return 'P2: growing, +118 %' of the pair that lies in the nodule; 'not found' without one."""
    largest = max(mm or 0.0 for mm in (entry["prior_diameter_mm"], entry["current_diameter_mm"]))
    near = []
    for number, pair in enumerate(pairs, start=1):
        places = [place for place in (pair.current_center_ras_mm, pair.prior_center_ras_mm) if place is not None]
        gap = min((math.dist(place, entry["center_ras_mm"]) for place in places), default=math.inf)
        if gap <= max(LEAST_REACH_MM, largest / 2):
            near.append((gap, number, pair))
    if not near:
        return "not found" if pairs else ""
    _gap, number, pair = min(near, key=lambda one: one[0])
    words = pair.growth.growth if pair.growth is not None and pair.status == MATCHED else pair.status
    change = "" if pair.growth is None else f", {percent_words(pair.growth.volume_change_percent)}"
    return f"{pair_label(number)}: {words}{change}"
