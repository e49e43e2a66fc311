"""Inputs: what was stated about one nodule or exam, checked, with lengths as decimals so that boundaries are exact."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal

from LungNoduleAILib.guidelines.terms.vocabulary import MARGINS_WITHOUT_SPICULES, NODULE_KEYS
from ThoraxAILib.errors import InputError


class MissingInput(InputError):
    """A rule needs something that was not stated; ``keys`` name what would do."""

    def __init__(self, sentence: str, *keys: str) -> None:
        super().__init__(sentence)
        self.keys = keys


@dataclass(frozen=True)
class Inputs:
    """Everything that can be stated, units in the names, None where nothing was stated; see vocabulary.py."""

    exam: str | None = None
    type: str | None = None
    mean_diameter_mm: Decimal | None = None
    long_axis_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    max_diameter_mm: Decimal | None = None
    diameter_mm: Decimal | None = None
    volume_mm3: Decimal | None = None
    solid_mean_diameter_mm: Decimal | None = None
    solid_max_diameter_mm: Decimal | None = None
    solid_volume_mm3: Decimal | None = None
    is_new: bool | None = None
    prior_mean_diameter_mm: Decimal | None = None
    prior_max_diameter_mm: Decimal | None = None
    prior_volume_mm3: Decimal | None = None
    prior_solid_mean_diameter_mm: Decimal | None = None
    prior_type: str | None = None
    prior_category: str | None = None
    months_since_prior: Decimal | None = None
    days_since_prior: Decimal | None = None
    diameter_history_mm: tuple[Decimal, ...] | None = None
    history_months_ago: tuple[Decimal, ...] | None = None
    slow_growth_over_multiple_exams: bool | None = None
    proven_benign: bool | None = None
    calcified: bool | None = None
    benign_calcification: bool | None = None
    calcification_pattern: str | None = None
    fat_containing: bool | None = None
    margin: str | None = None
    shape: str | None = None
    juxtapleural: bool | None = None
    perifissural: bool | None = None
    tree_in_bud: bool | None = None
    spiculation: bool | None = None
    suspicious_features: tuple[str, ...] | None = None
    airway_level: str | None = None
    multiple_tubular: bool | None = None
    cyst_locules: str | None = None
    prior_cyst_locules: str | None = None
    wall_thickness_mm: Decimal | None = None
    cavitary: bool | None = None
    change: str | None = None
    prior_exam_pending: bool | None = None
    lungs_fully_evaluable: bool | None = None
    new_nodule_count: int | None = None
    suspected_infection: bool | None = None
    nodule_count: int | None = None
    nodules: tuple[Inputs, ...] | None = None
    significant_other_finding: bool | None = None
    age: Decimal | None = None
    sex: str | None = None
    cancer_history: bool | None = None
    immunosuppressed: bool | None = None
    risk: str | None = None
    multiple: bool | None = None
    smoker_ever: bool | None = None
    extrathoracic_cancer_over_5y_ago: bool | None = None
    family_history_lung_cancer: bool | None = None
    emphysema: bool | None = None
    upper_lobe: bool | None = None
    stage: str | None = None
    method: str | None = None
    brock_percent: Decimal | None = None
    herder_percent: Decimal | None = None
    query: str | None = None
    model: str | None = None

    @property
    def is_spiculated(self) -> bool | None:
        """Whether the margin is spiculated, as stated by either input; None where neither tells."""
        if self.spiculation is not None or self.margin is None:
            return self.spiculation
        return True if self.margin == "spiculated" else False if self.margin in MARGINS_WITHOUT_SPICULES else None

    @property
    def tells_of_a_nodule(self) -> bool:
        """Whether anything is stated about a nodule, apart from a list of nodules."""
        return any(getattr(self, name) is not None for name in NODULE_KEYS)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is stated."""
        return all(getattr(self, field.name) is None for field in fields(self))
