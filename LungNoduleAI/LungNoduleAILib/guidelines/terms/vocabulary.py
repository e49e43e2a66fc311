"""The words a person can state about a nodule, an exam and a person: name, kind, unit and range of every input key.

One vocabulary for all rules; a key that is absent means that it was not stated. ``inputs.py`` applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

NODULE_TYPES = ("solid", "part-solid", "ground-glass", "calcified", "airway", "cyst")
EXAMS = ("baseline", "follow_up", "screening", "incidental")
LUNG_RADS_CATEGORIES = ("0", "1", "2", "3", "4A", "4B", "4X", "not_classified")
LOCULES = ("unilocular", "multilocular")
BENIGN_PATTERNS = ("complete", "central", "popcorn", "concentric_rings", "laminated", "diffuse")
MARGINS_WITHOUT_SPICULES = ("smooth", "lobulated", "notched", "well_defined")
BROCK_MODELS = ("2a_full_without_spiculation", "2b_full_with_spiculation")
CHANGES = (
    "stable",
    "growing",
    "new_opacity",
    "mean_diameter_growing",
    "wall_thickness_growing",
    "nodularity_growing",
    "cystic_component_growing",
    "increased_loculation",
)
MARGINS = (
    "smooth",
    "lobulated",
    "irregular",
    "spiculated",
    "notched",
    "ill_defined",
    "well_defined",
    "indistinct",
    "other",
)
SHAPES = (
    "oval",
    "lentiform",
    "triangular",
    "round",
    "rounded",
    "spherical",
    "polygonal",
    "rectangular",
    "tubular",
    "flat",
    "nodular",
    "lobulated",
    "irregular",
    "other",
)
NUMBER, WHOLE, YES_NO, CHOICE, TEXTS, NUMBERS, NODULES = (
    "number",
    "whole number",
    "yes or no",
    "choice",
    "list of texts",
    "list of numbers",
    "list of nodules",
)


@dataclass(frozen=True)
class Key:
    """One input: ``least`` and ``most`` are allowed values themselves unless ``above_least``."""

    name: str
    kind: str
    unit: str = ""
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    above_least: bool = False
    values: tuple[str, ...] = ()


def _sizes(unit: str, most: int, *names: str, zero: bool = False) -> list[Key]:
    return [Key(name, NUMBER, unit, Decimal(0), Decimal(most), not zero) for name in names]


def _kind(kind: str, *names: str) -> list[Key]:
    return [Key(name, kind) for name in names]


def _numbers(unit: str, least: int, most: int, *names: str, kind: str = NUMBER) -> list[Key]:
    return [Key(name, kind, unit, Decimal(least), Decimal(most)) for name in names]


def _choices(**values: tuple[str, ...]) -> list[Key]:
    return [Key(name, CHOICE, values=allowed) for name, allowed in values.items()]


_MAX_MM, _MAX_MM3 = 400, 40_000_000  # wider than any chest

KEYS: dict[str, Key] = {
    key.name: key
    for key in (
        *_choices(
            exam=EXAMS,
            type=NODULE_TYPES,
            prior_type=NODULE_TYPES,
            prior_category=LUNG_RADS_CATEGORIES,
            calcification_pattern=(*BENIGN_PATTERNS, "eccentric"),
            margin=MARGINS,
            shape=SHAPES,
            airway_level=("trachea", "mainstem", "lobar", "segmental", "subsegmental"),
            cyst_locules=LOCULES,
            prior_cyst_locules=LOCULES,
            change=CHANGES,
            sex=("F", "M"),
            risk=("low", "high"),
            stage=("initial", "ct_3m", "ct_12m", "after_pet"),
            method=("volumetry", "diameter"),
            query=("growth", "vdt_days"),
            model=BROCK_MODELS,
        ),
        *_sizes(
            "mm",
            _MAX_MM,
            "mean_diameter_mm",
            "long_axis_mm",
            "short_axis_mm",
            "max_diameter_mm",
            "diameter_mm",
            "prior_mean_diameter_mm",
            "prior_max_diameter_mm",
        ),
        *_sizes(
            "mm",
            _MAX_MM,
            "solid_mean_diameter_mm",
            "solid_max_diameter_mm",
            "prior_solid_mean_diameter_mm",
            "wall_thickness_mm",
            zero=True,
        ),
        *_sizes("mm3", _MAX_MM3, "volume_mm3", "prior_volume_mm3"),
        *_sizes("mm3", _MAX_MM3, "solid_volume_mm3", zero=True),
        *_sizes("months", 1200, "months_since_prior"),
        *_sizes("days", 36500, "days_since_prior"),
        Key("diameter_history_mm", NUMBERS, "mm", Decimal(0), Decimal(_MAX_MM), True),
        Key("history_months_ago", NUMBERS, "months", Decimal(0), Decimal(1200)),
        *_numbers("years", 0, 120, "age"),
        *_numbers("percent", 0, 100, "brock_percent", "herder_percent"),
        *_numbers("", 0, 10_000, "new_nodule_count", "nodule_count", kind=WHOLE),
        *_kind(
            YES_NO,
            "is_new",
            "slow_growth_over_multiple_exams",
            "proven_benign",
            "calcified",
            "benign_calcification",
            "fat_containing",
            "juxtapleural",
            "perifissural",
            "tree_in_bud",
            "spiculation",
            "multiple_tubular",
            "cavitary",
            "prior_exam_pending",
            "lungs_fully_evaluable",
            "suspected_infection",
            "significant_other_finding",
            "cancer_history",
            "immunosuppressed",
            "multiple",
            "smoker_ever",
            "extrathoracic_cancer_over_5y_ago",
            "family_history_lung_cancer",
            "emphysema",
            "upper_lobe",
        ),
        *_kind(TEXTS, "suspicious_features"),
        *_kind(NODULES, "nodules"),
    )
}

# Stated once for an exam or a person; the nodules of a list take them over
SHARED_KEYS = (
    "exam",
    "months_since_prior",
    "days_since_prior",
    "stage",
    "method",
    "age",
    "sex",
    "cancer_history",
    "immunosuppressed",
    "risk",
    "smoker_ever",
    "extrathoracic_cancer_over_5y_ago",
    "family_history_lung_cancer",
    "emphysema",
    "multiple",
    "nodule_count",
    "model",
)
# Stated for the exam as a whole, not inside its list of nodules
EXAM_KEYS = (
    "prior_exam_pending",
    "lungs_fully_evaluable",
    "new_nodule_count",
    "suspected_infection",
    "significant_other_finding",
    "nodules",
    "query",
)
# Without one of these nothing is said about a nodule
NODULE_KEYS = tuple(name for name in KEYS if name not in (*SHARED_KEYS, *EXAM_KEYS))
