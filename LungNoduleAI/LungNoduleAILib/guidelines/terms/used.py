"""Which inputs each rule uses, in the order in which a person would state them; a test finds all others without effect.

An input that a rule only mentions (calcification for Brock and Mayo) stands here too.
"""

from __future__ import annotations

_SIZE = ("mean_diameter_mm", "long_axis_mm", "short_axis_mm", "max_diameter_mm", "diameter_mm", "volume_mm3")
_CALCIUM = ("calcified", "benign_calcification", "calcification_pattern", "fat_containing")
_FORM = ("margin", "shape", "juxtapleural", "perifissural")
_COURSE = ("change", "prior_mean_diameter_mm", "prior_max_diameter_mm", "months_since_prior", "days_since_prior")
_PART = ("solid_mean_diameter_mm", "solid_max_diameter_mm", "solid_volume_mm3")

LUNG_RADS = (
    "type",
    *_SIZE,
    *_PART,
    "spiculation",
    "suspicious_features",
    *_CALCIUM,
    *_FORM,
    "tree_in_bud",
    "cavitary",
    "airway_level",
    "multiple_tubular",
    "cyst_locules",
    "wall_thickness_mm",
    "exam",
    "is_new",
    *_COURSE,
    "prior_volume_mm3",
    "prior_solid_mean_diameter_mm",
    "prior_type",
    "prior_category",
    "prior_cyst_locules",
    "diameter_history_mm",
    "history_months_ago",
    "slow_growth_over_multiple_exams",
    "proven_benign",
    "prior_exam_pending",
    "lungs_fully_evaluable",
    "suspected_infection",
    "immunosuppressed",
    "nodule_count",
    "new_nodule_count",
    "significant_other_finding",
    "nodules",
    "query",
)
FLEISCHNER = (
    "type",
    *_SIZE,
    *_PART,
    *_CALCIUM,
    *_FORM,
    "multiple",
    "nodule_count",
    "nodules",
    "exam",
    *_COURSE,
    "age",
    "risk",
    "cancer_history",
    "extrathoracic_cancer_over_5y_ago",
    "immunosuppressed",
    "query",
)
BTS = (
    "type",
    *_SIZE,
    *_CALCIUM,
    *_FORM,
    "spiculation",
    "suspicious_features",
    "nodule_count",
    "nodules",
    "stage",
    "method",
    *_COURSE,
    "prior_volume_mm3",
    "prior_type",
    "prior_solid_mean_diameter_mm",
    "age",
    "cancer_history",
    "brock_percent",
    "herder_percent",
    "query",
)
BROCK = (
    "age",
    "sex",
    "type",
    *_SIZE[:2],
    *_SIZE[3:5],
    "family_history_lung_cancer",
    "emphysema",
    "upper_lobe",
    "nodule_count",
    "spiculation",
    "margin",
    *_CALCIUM,
    "model",
    "nodules",
    "query",
)
MAYO = (
    "age",
    *_SIZE[:2],
    *_SIZE[3:5],
    "smoker_ever",
    "extrathoracic_cancer_over_5y_ago",
    "spiculation",
    "margin",
    "upper_lobe",
    *_CALCIUM,
    "nodules",
    "query",
)
