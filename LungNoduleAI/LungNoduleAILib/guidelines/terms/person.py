"""PersonAndExam: what only a person can tell about the person examined and the kind of exam, None where not stated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from LungNoduleAILib.guidelines.terms.reading import read_inputs
from LungNoduleAILib.guidelines.terms.vocabulary import EXAMS
from ThoraxAILib.options import Options, option


@dataclass(frozen=True)
class PersonAndExam(Options):
    """Fields and values are keys of vocabulary.py; raises InputError for an impossible value.

    Which guideline is asked follows from ``exam``: Lung-RADS for baseline, follow_up and screening, Fleischner and BTS
    for incidental. No kind of exam is ever taken for granted.
    """

    exam: str | None = option(None, "kind of exam: it decides which guideline fits", metavar="|".join(EXAMS))
    age: int | float | None = option(None, "age of the person", metavar="YEARS")
    sex: str | None = option(None, "sex of the person, for the Brock model", metavar="F|M")
    risk: str | None = option(None, "risk of lung cancer, for Fleischner 2017", metavar="low|high")
    smoker_ever: bool | None = option(None, "whether the person ever smoked, for the Mayo model", flag="--smoker")
    cancer_history: bool | None = option(None, "whether the person ever had cancer, for Fleischner 2017 and BTS")
    immunosuppressed: bool | None = option(None, "whether the immune system is suppressed, for Fleischner 2017")
    extrathoracic_cancer_over_5y_ago: bool | None = option(
        None, "whether there was cancer outside the chest, more than five years ago, for the Mayo model"
    )
    family_history_lung_cancer: bool | None = option(
        None, "whether lung cancer runs in the family, for the Brock model"
    )
    emphysema: bool | None = option(None, "whether the lungs have emphysema, for the Brock model")

    def __post_init__(self) -> None:
        super().__post_init__()
        read_inputs(self.stated())

    def stated(self) -> dict[str, Any]:
        """Return what was stated, as inputs of a rule."""
        return {name: value for name, value in self.to_dict().items() if value is not None}
