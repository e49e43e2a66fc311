"""Lung-RADS v2022 as data: size cells, airway and cyst rows, step-downs, and what each category advises.

Source: American College of Radiology, Lung-RADS v2022 assessment categories (November 2022), as in the ACR/RSNA common
data element set; mm and mm3 are the table's own pairs (mm3 = whole number of pi/6 d^3).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from LungNoduleAILib.guidelines.terms.bands import bands

RULE = "lung-rads-2022"
EDITION = "ACR Lung-RADS v2022 (November 2022)"
SOURCE = "Lung-RADS v2022"

# mean diameter, or volume, of the nodule; the last cell of "new" (at least 8 mm, 268 mm3) is also printed under
# category 0 as "appearing fast": infection or cancer, which the reader decides by stating 'suspected_infection'
SOLID = {
    "baseline": bands(("2", "6", 113), ("3", "8", 268), ("4A", "15", 1767), "4B"),
    "new": bands(("2", "4", 34), ("3", "6", 113), ("4A", "8", 268), "4B"),
    "growing": bands(("4A", "8", 268), "4B"),
}
# whole part-solid nodule: from 6 mm the solid part decides
PART_SOLID_TOTAL = {"baseline": bands(("2", "6", 113), "by solid part"), "new": bands(("3", "6", 113), "by solid part")}
SOLID_PART = {
    "baseline": bands(("3", "6", 113), ("4A", "8", 268), "4B"),
    "new or growing": bands(("4A", "4", 34), "4B"),
}
LARGE_GROUND_GLASS_MM, LARGE_GROUND_GLASS_MM3 = Decimal(30), Decimal(14137)
GROUND_GLASS = {
    "baseline": bands(("2", "30", 14137), "3"),
    "new": bands(("2", "30", 14137), "3"),
    "growing": bands(("2", "30", 14137), "3"),
    "stable or slowly growing": bands("2"),
}
JUXTAPLEURAL = bands(("2", "10", 524), "by size")
JUXTAPLEURAL_SHAPES = ("oval", "lentiform", "triangular")

# Printed: complete, central, popcorn, concentric rings; these two are other words for the first and the last
CALCIFICATION_SYNONYMS = {"diffuse": "complete", "laminated": "concentric_rings"}

GROWTH_MM = Decimal("1.5")  # strictly more, within GROWTH_MONTHS
GROWTH_MONTHS = 12
MAX_NEW_NODULES = 6  # more suggest infection

PROXIMAL_AIRWAYS = ("trachea", "mainstem", "lobar", "segmental")
AIRWAY = {
    ("proximal", "baseline"): "4A",
    ("proximal", "new"): "4A",
    ("proximal", "stable or growing"): "4B",
    ("subsegmental", "baseline"): "2",
    ("subsegmental", "new"): "2",
    ("subsegmental", "stable"): "2",
}

THICK_WALL_MM = Decimal(2)
CYST_AT_BASELINE = {"thick-walled": "4A", "multilocular": "4A", "thin-walled unilocular": "not_classified"}
# (cyst, change) -> category, the printed rows
CYST_CHANGE = {
    ("thick-walled", "cystic_component_growing"): "3",
    ("thick-walled", "wall_thickness_growing"): "4B",
    ("thick-walled", "nodularity_growing"): "4B",
    ("multilocular", "mean_diameter_growing"): "4B",
    ("multilocular", "increased_loculation"): "4B",
    ("multilocular", "new_opacity"): "4B",
}


@dataclass(frozen=True)
class StepDown:
    """A followed nodule that is stable or smaller after ``months`` goes down from its category."""

    category: str
    months: int


STEP_DOWN = {"3": StepDown("2", 6), "4A": StepDown("3", 3)}

ORDER = ("not_classified", "1", "2", "3", "4A", "4B", "4X", "0")
ADVICE = {
    "0": "obtain the awaited comparison or additional imaging; when infection or inflammation is suspected, low-dose "
    "CT in 1 to 3 months may be recommended",
    "1": "low-dose CT in 12 months",
    "2": "low-dose CT in 12 months",
    "3": "low-dose CT in 6 months",
    "4A": "low-dose CT in 3 months; PET/CT is possible with a solid nodule or part of at least 8 mm (268 mm3)",
    "4B": "diagnostic work-up: further CT, PET/CT from a solid part of 8 mm (268 mm3), tissue sampling or referral",
    "4X": "diagnostic work-up: further CT, PET/CT from a solid part of 8 mm (268 mm3), tissue sampling or referral",
    "not_classified": "none: thin-walled unilocular cysts are neither classified nor managed",
}
# Published with v1.x, not with v2022
PROBABILITY_V1 = {
    "1": "less than 1 %",
    "2": "less than 1 %",
    "3": "1 to 2 %",
    "4A": "5 to 15 %",
    "4B": "more than 15 %",
    "4X": "more than 15 %",
}
