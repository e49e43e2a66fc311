"""British Thoracic Society 2015 as data: size bands, doubling-time and risk bands, and the management of each.

Source: Callister et al., British Thoracic Society guidelines for the investigation and management of pulmonary nodules,
Thorax 2015;70 Suppl 2:ii1-ii54. Volumetry first, where it is missing the maximum diameter.
"""

from __future__ import annotations

from decimal import Decimal

from LungNoduleAILib.guidelines.terms.bands import bands

RULE = "bts-2015"
EDITION = "British Thoracic Society 2015 (Thorax 2015;70 Suppl 2)"
SOURCE = "BTS 2015"
MIN_AGE = 18

DISCHARGE, NOT_APPLICABLE = "discharge", "not_applicable"
BROCK, SURVEILLANCE = "brock_risk_assessment", "ct_surveillance"
SOLID_DIAMETER = bands((DISCHARGE, "5", 80), ("ct_12m", "6", 80), ("ct_3m_then_12m", "8", 300), BROCK)
SOLID_VOLUME = bands((DISCHARGE, "5", 80), ("ct_3m_then_12m", "8", 300), BROCK)
SUBSOLID = bands((DISCHARGE, "5", 80), "ct_3m")

# Printed: diffuse, central, laminated, popcorn; these two are other words for the first and the third
CALCIFICATION_SYNONYMS = {"complete": "diffuse", "concentric_rings": "laminated"}
BENIGN_SHAPES = ("lentiform", "triangular")
TYPICAL_BELOW_MM, TYPICAL_BELOW_MM3 = Decimal(10), Decimal(524)  # perifissural or subpleural

GROWTH_PERCENT = 25  # volume; printed with >= and with >
VDT_DAYS = (400, 600)  # below, between (both ends included here), above
BY_VDT = ("further_investigation", "yearly_surveillance_or_biopsy", "consider_discharge_or_surveillance")
STABLE_AT_3_MONTHS = "ct_12m"
STABLE_AT_12_MONTHS = {"volumetry": DISCHARGE, "diameter": "ct_24m"}
INVESTIGATE = "further_investigation"

BROCK_PERCENT = 10
BROCK_ABOVE = "pet_ct_with_herder"
SUBSOLID_STABLE, SUBSOLID_CONCERNING, SUBSOLID_GROWING = (
    "ct_1y_2y_4y",
    "discuss_surveillance_biopsy_or_resection",
    "favour_resection",
)
HERDER_PERCENT = (10, 70)
BY_HERDER = (SURVEILLANCE, "image_guided_biopsy", "excision_or_nonsurgical_treatment")

# The most urgent last: which nodule leads when several are listed
URGENCY = (
    NOT_APPLICABLE,
    DISCHARGE,
    "consider_discharge_or_surveillance",
    "ct_24m",
    "ct_12m",
    "ct_1y_2y_4y",
    SURVEILLANCE,
    "ct_3m_then_12m",
    "ct_3m",
    BROCK,
    "yearly_surveillance_or_biopsy",
    BROCK_ABOVE,
    "discuss_surveillance_biopsy_or_resection",
    INVESTIGATE,
    "image_guided_biopsy",
    "favour_resection",
    "excision_or_nonsurgical_treatment",
)
ADVICE = {
    DISCHARGE: "discharge",
    "ct_12m": "CT at 1 year",
    "ct_3m_then_12m": "CT at 3 months, then at 1 year",
    "ct_3m": "CT at 3 months",
    "ct_24m": "CT at 2 years",
    SURVEILLANCE: "CT surveillance",
    BROCK: "assess the risk with the Brock model",
    BROCK_ABOVE: "PET-CT, then assess the risk with the Herder model",
    INVESTIGATE: "further investigation: biopsy, imaging or resection",
    "yearly_surveillance_or_biopsy": "yearly surveillance or biopsy, by preference",
    "consider_discharge_or_surveillance": "consider discharge or ongoing surveillance, by preference",
    SUBSOLID_STABLE: "CT at 1, 2 and 4 years from baseline",
    SUBSOLID_CONCERNING: "discuss surveillance, image-guided biopsy or resection",
    SUBSOLID_GROWING: "favour resection or non-surgical treatment",
    "image_guided_biopsy": "consider image-guided biopsy",
    "excision_or_nonsurgical_treatment": "excision or non-surgical treatment",
    NOT_APPLICABLE: "BTS 2015 gives no answer here",
}
