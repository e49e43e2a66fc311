"""Relative stiffness of six sectors of the wall as cardiac.json tells it: two estimates, and how sure each is."""

from __future__ import annotations

import numpy as np

from CardiacBiomechLib.diagnosis.features.catalog import SECTORS
from CardiacBiomechLib.mechanics.sector_stiffness import SectorStiffness
from CardiacBiomechLib.mechanics.stiffness import MAX_CONFIDENCE, RegionalStiffness

DEFINITION = (
    "relative stiffness of the wall, mean of the sectors 1, with 95 % intervals; loads are not seen in images, so no "
    "stiffness in kPa can follow"
)
APPARENT = (
    "apparent stiffness index: inverse energy of shape change at end-systole for a shear modulus of 1; it ranks "
    "sectors, its size is no ratio of stiffness"
)
VIRTUAL_FIELDS = (
    "virtual fields: the moduli with which the wall, stretched from end-systole to end-diastole by the pressure in its "
    "cavity alone, comes nearest to equilibrium"
)
WITHHELD = "withheld: the motion is not exact enough for it"


def stiffness_section(found: SectorStiffness) -> dict:
    """Return both estimates in plain values; those of virtual fields are None when they cannot be used."""
    apparent, virtual = found.apparent, found.virtual_fields
    return {
        "definition": DEFINITION,
        "apparent": {"definition": APPARENT, "same_first": round(apparent.same_first, 2)},
        "virtual_fields": {
            "definition": VIRTUAL_FIELDS,
            "same_first": round(virtual.same_first, 2),
            "singular_value_ratio": round(virtual.confidence or 0.0, 3),
            "usable": virtual.is_usable,
            "reason": _reason(virtual),
        },
        "sectors": [
            {
                "sector": name,
                **_values("apparent", apparent, index),
                **_values("virtual_fields", virtual if virtual.is_usable else None, index),
            }
            for index, name in enumerate(SECTORS)
        ],
    }


def _values(name: str, found: RegionalStiffness | None, index: int) -> dict[str, float | None]:
    ends: dict[str, np.ndarray | None] = dict.fromkeys(("index", "low", "high"))
    if found is not None:
        ends = {"index": found.index, "low": found.low, "high": found.high}
    return {f"{name}_{end}": None if values is None else round(float(values[index]), 2) for end, values in ends.items()}


def _reason(found: RegionalStiffness) -> str:
    if found.is_usable:
        return "equilibrium is met by positive values in every sector"
    if (found.low <= 0).any():
        return f"{WITHHELD} (the interval of a sector reaches zero)"
    return f"{WITHHELD} (singular value ratio {found.confidence:.2f}, above {MAX_CONFIDENCE})"
