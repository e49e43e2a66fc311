"""PersonAndExam: what only a person can tell about the person examined and the kind of exam, None where not stated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from LungNoduleAILib.guidelines.terms.reading import read_inputs


@dataclass(frozen=True)
class PersonAndExam:
    """Fields and values are keys of vocabulary.py; raises InputError for an impossible value.

    Which guideline is asked follows from ``exam``: Lung-RADS for baseline, follow_up and screening, Fleischner and BTS
    for incidental. No kind of exam is ever taken for granted.
    """

    exam: str | None = None
    age: float | None = None
    sex: str | None = None
    risk: str | None = None
    smoker_ever: bool | None = None
    cancer_history: bool | None = None
    immunosuppressed: bool | None = None
    extrathoracic_cancer_over_5y_ago: bool | None = None
    family_history_lung_cancer: bool | None = None
    emphysema: bool | None = None

    def __post_init__(self) -> None:
        read_inputs(self.stated())

    def stated(self) -> dict[str, Any]:
        """What was stated, as inputs of a rule."""
        return {name: value for name, value in asdict(self).items() if value is not None}
