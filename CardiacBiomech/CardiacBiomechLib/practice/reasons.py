"""Why a heart belongs to its group, in sentences: the published definition, criterion by criterion, and its infarct."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from CardiacBiomechLib.diagnosis.explanation.rules import by_rules, definitions
from CardiacBiomechLib.synthesis.ventricle import Infarct

# where the phantom's right ventricle lies towards +x, from there anti-clockwise towards +y
WALLS = ("septal", "anterior", "lateral", "inferior")


def true_reasons(group: str, features: Mapping[str, float], infarct: Infarct | None = None) -> tuple[str, ...]:
    """Return what the published definition of a group asks and what was found, and where an infarct lies."""
    criteria = [one for one in by_rules(features).criteria if one.group == group]
    source = definitions()["source"].split(",")[0]
    found = [f"{group} by {source}: {one.sentence}, {one.state}" for one in criteria]
    if infarct is not None:
        angle = float(np.arctan2(infarct.direction[1], infarct.direction[0]))
        wall = WALLS[round(angle / (np.pi / 2)) % len(WALLS)]
        found.append(f"the {wall} wall keeps {100 * infarct.remaining:.0f} % of the motion of the rest: an infarct")
    return tuple(found)
