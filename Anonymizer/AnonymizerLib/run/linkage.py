"""How well people hide in the crowd: k-anonymity over what an outsider could know (Sweeney 2002).

A study is told apart by sex, age band, month of study, modality, device, institution, height and weight band. k is
the number of patients that share all of these; the prosecutor risk of a patient is 1/k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

SMALL_GROUP = 5
BANDS = {"age": 5, "height": 10, "weight": 10}
HINTS = {
    "age": "drop retain-patient-characteristics or replace ages by bands",
    "study_date": "use modified dates or no dates",
    "model": "drop retain-device",
    "institution": "drop retain-institution",
    "height": "remove PatientSize",
    "weight": "remove PatientWeight",
    "sex": "remove PatientSex",
    "modality": "share the modalities apart",
}


@dataclass(frozen=True)
class Linkage:
    """The k-anonymity of a set of studies."""

    patients: int
    smallest_k: int
    share_below_five: float
    diversity: int
    rare_descriptions: int
    suggestions: tuple[str, ...]

    @property
    def largest_risk(self) -> float:
        """The prosecutor risk of the patient who hides worst."""
        return 1.0 / self.smallest_k if self.smallest_k else 0.0


def band_of(name: str, value: str) -> str:
    """Make a quasi-identifier as coarse as an outsider would know it; empty when unknown."""
    value = value.strip()
    if name == "study_date":
        return value[:6]
    if name not in BANDS or not value:
        return value.upper()
    try:
        number = _years(value) if name == "age" else float(value) * (100 if name == "height" else 1)
    except ValueError:
        return value
    low = int(number // BANDS[name]) * BANDS[name]
    return f"{low}-{low + BANDS[name] - 1}"


def _years(age: str) -> float:
    return float(age[:3]) / {"Y": 1, "M": 12, "W": 52, "D": 365}[age[3:4]] if age[3:4] in "YMWD" else float(age)


def linkage(studies: Iterable[tuple[str, dict[str, str]]]) -> Linkage:
    """k-anonymity of (patient, quasi-identifiers) of each study."""
    rows = [
        (patient, {name: band_of(name, quasi.get(name, "")) for name in HINTS}, quasi.get("study_description", ""))
        for patient, quasi in studies
    ]
    groups = _groups(rows, tuple(HINTS))
    sizes = {patient: len(patients) for patients in groups.values() for patient in patients}
    for patients in groups.values():  # a patient in several groups is as exposed as in the smallest
        for patient in patients:
            sizes[patient] = min(sizes[patient], len(patients))
    described: dict[str, set[str]] = defaultdict(set)
    for patient, _, description in rows:
        described[description].add(patient)
    smallest = min(sizes.values(), default=0)
    small = sum(1 for size in sizes.values() if size < SMALL_GROUP)
    diversity = min(
        (len({text for patient, _, text in rows if patient in members}) for members in groups.values()), default=0
    )
    rare = sum(1 for text, patients in described.items() if text and len(patients) == 1)
    return Linkage(
        len(sizes), smallest, small / len(sizes) if sizes else 0.0, diversity, rare, _suggestions(rows, small)
    )


def _groups(rows: list, names: tuple[str, ...]) -> dict[tuple, set[str]]:
    groups: dict[tuple, set[str]] = defaultdict(set)
    for patient, quasi, _ in rows:
        groups[tuple(quasi[name] for name in names)].add(patient)
    return groups


def _suggestions(rows: list, small: int) -> tuple[str, ...]:
    """Which single generalization would take most patients out of small groups, best first."""
    gains = []
    for name in HINTS:
        rest = tuple(other for other in HINTS if other != name)
        left = len(
            {
                patient
                for patients in _groups(rows, rest).values()
                if len(patients) < SMALL_GROUP
                for patient in patients
            }
        )
        if left < small:
            gains.append((left, HINTS[name]))
    return tuple(hint for _, hint in sorted(gains)[:3])
