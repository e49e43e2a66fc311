"""Coefficients of the Brock and Mayo models of the probability that a nodule is malignant.

Brock: McWilliams et al., Probability of cancer in pulmonary nodules detected on first screening CT, N Engl J Med
2013;369:910-919, models 2a and 2b (both full; the parsimonious 1a and 1b are not offered, no source was at hand).
Mayo: Swensen et al., The probability of malignancy in solitary pulmonary nodules, Arch Intern Med 1997;157:849-855.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BrockModel:
    """x = intercept + age (years - 62) + ...; ``size`` multiplies (d/10)^-0.5 - 1.58113883, d in mm."""

    name: str
    intercept: float
    age: float
    female: float
    family: float
    emphysema: float
    size: float
    part_solid: float
    ground_glass: float
    upper_lobe: float
    count: float
    spiculation: float


BROCK_RULE, MAYO_RULE = "brock", "mayo"
BROCK_SOURCE, MAYO_SOURCE = "Brock, McWilliams 2013", "Mayo, Swensen 1997"
MAYO_EDITION = "Mayo (Swensen 1997, Arch Intern Med 157:849-855)"
BROCK_EDITION = "Brock model {name} (McWilliams 2013, N Engl J Med 369:910-919)"
BROCK_AGE_YEARS, BROCK_COUNT = 62, 4
BROCK_SIZE_OFFSET = 1.58113883  # (4/10)^-0.5
BROCK = {
    "2a_full_without_spiculation": BrockModel(
        "2a, full without spiculation",
        -6.8071,
        0.0321,
        0.5635,
        0.3013,
        0.3462,
        -5.6693,
        0.3395,
        -0.3055,
        0.7116,
        -0.0803,
        0.0,
    ),
    "2b_full_with_spiculation": BrockModel(
        "2b, full with spiculation",
        -6.7892,
        0.0287,
        0.6011,
        0.2961,
        0.2953,
        -5.3854,
        0.377,
        -0.1276,
        0.6581,
        -0.0824,
        0.7729,
    ),
}
DEFAULT_BROCK = "2b_full_with_spiculation"


@dataclass(frozen=True)
class MayoModel:
    """x = intercept + age (years) + ...; ``diameter`` per mm."""

    intercept: float = -6.8272  # one printed table says -6.872: a dropped digit
    age: float = 0.0391
    smoker_ever: float = 0.7917
    extrathoracic_cancer: float = 1.3388
    diameter: float = 0.1274
    spiculation: float = 1.0407
    upper_lobe: float = 0.7838


MAYO = MayoModel()
MAYO_SIZES_MM = (4, 30)  # solitary nodules that the model was made on: Swensen 1997
