"""Fleischner Society 2017 as data: size bands, and the management of each cell.

Source: MacMahon et al., Guidelines for Management of Incidental Pulmonary Nodules Detected on CT Images,
Radiology 2017;284:228-243. Diameters are whole mm (rounded half up), so "8 mm" ends below 9.
"""

from __future__ import annotations

from decimal import Decimal

from LungNoduleAILib.guidelines.terms.bands import bands

RULE = "fleischner-2017"
EDITION = "Fleischner Society 2017 (Radiology 2017;284:228-243)"
SOURCE = "Fleischner 2017"
MIN_AGE = 35
GROWTH_MM = Decimal(2)  # at least

SOLID = bands(("<6", "6", 100), ("6-8", "9", 251), ">8")
SUBSOLID = bands(("<6", "6", 100), ">=6")
BENIGN_SHAPES = ("triangular", "lentiform")

NOT_APPLICABLE, NONE = "not_applicable", "no_routine_followup"
# (band, risk) -> management
SOLID_SINGLE = {
    ("<6", "low"): NONE,
    ("<6", "high"): "optional_ct_12m",
    ("6-8", "low"): "ct_6_12m_then_consider_ct_18_24m",
    ("6-8", "high"): "ct_6_12m_then_ct_18_24m",
    (">8", "low"): "consider_ct_3m_or_pet_ct_or_tissue_sampling",
    (">8", "high"): "consider_ct_3m_or_pet_ct_or_tissue_sampling",
}
SOLID_MULTIPLE = {
    ("<6", "low"): NONE,
    ("<6", "high"): "optional_ct_12m",
    ("6-8", "low"): "ct_3_6m_then_consider_ct_18_24m",
    ("6-8", "high"): "ct_3_6m_then_ct_18_24m",
    (">8", "low"): "ct_3_6m_then_consider_ct_18_24m",
    (">8", "high"): "ct_3_6m_then_ct_18_24m",
}
BANDS_WITHOUT_RISK = {"single": (">8",), "multiple": ()}  # cells that are the same for low and high risk
GROUND_GLASS_SINGLE = {"<6": NONE, ">=6": "ct_6_12m_then_every_2y_until_5y"}
# from 6 mm the solid part decides
PART_SOLID_SINGLE = {
    "<6": NONE,
    "solid part <6": "ct_3_6m_then_annual_5y_if_unchanged_and_solid_lt_6",
    "solid part >=6": "ct_3_6m_if_persistent_highly_suspicious_pet_ct_biopsy_or_resection",
}
SUBSOLID_MULTIPLE = {"<6": "ct_3_6m_if_stable_consider_ct_2y_and_4y", ">=6": "ct_3_6m_then_by_most_suspicious"}

# The most urgent last: which nodule leads when several are listed
URGENCY = (
    NOT_APPLICABLE,
    NONE,
    "optional_ct_12m",
    "ct_6_12m_then_consider_ct_18_24m",
    "ct_6_12m_then_every_2y_until_5y",
    "ct_6_12m_then_ct_18_24m",
    "ct_3_6m_if_stable_consider_ct_2y_and_4y",
    "ct_3_6m_then_consider_ct_18_24m",
    "ct_3_6m_then_ct_18_24m",
    "ct_3_6m_then_annual_5y_if_unchanged_and_solid_lt_6",
    "ct_3_6m_then_by_most_suspicious",
    "ct_3_6m_if_persistent_highly_suspicious_pet_ct_biopsy_or_resection",
    "consider_ct_3m_or_pet_ct_or_tissue_sampling",
)
ADVICE = {
    NONE: "no routine follow-up",
    "optional_ct_12m": "optional CT at 12 months",
    "ct_6_12m_then_consider_ct_18_24m": "CT at 6 to 12 months, then consider CT at 18 to 24 months",
    "ct_6_12m_then_ct_18_24m": "CT at 6 to 12 months, then CT at 18 to 24 months",
    "consider_ct_3m_or_pet_ct_or_tissue_sampling": "consider CT at 3 months, PET/CT or tissue sampling",
    "ct_3_6m_then_consider_ct_18_24m": "CT at 3 to 6 months, then consider CT at 18 to 24 months",
    "ct_3_6m_then_ct_18_24m": "CT at 3 to 6 months, then CT at 18 to 24 months",
    "ct_6_12m_then_every_2y_until_5y": "CT at 6 to 12 months to confirm persistence, then every 2 years until 5 years",
    "ct_3_6m_then_annual_5y_if_unchanged_and_solid_lt_6": (
        "CT at 3 to 6 months to confirm persistence; if unchanged and the solid part stays below 6 mm, CT every year "
        "for 5 years"
    ),
    "ct_3_6m_if_persistent_highly_suspicious_pet_ct_biopsy_or_resection": (
        "CT at 3 to 6 months; if it persists it is highly suspicious: PET/CT, biopsy or resection then"
    ),
    "ct_3_6m_if_stable_consider_ct_2y_and_4y": "CT at 3 to 6 months; if stable consider CT at 2 and 4 years",
    "ct_3_6m_then_by_most_suspicious": "CT at 3 to 6 months, then by the most suspicious nodule",
    NOT_APPLICABLE: "Fleischner 2017 does not apply",
}
