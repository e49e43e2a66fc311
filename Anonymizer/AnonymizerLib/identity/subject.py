"""To whom an instance belongs: the patient ID with its issuer, or nobody when the ID is a placeholder.

The same ID from two issuers is two people (PS3.3 C.7.1.1: a patient ID is unique within its issuer). "UNKNOWN", "0" and
an empty ID name nobody: such a study is kept apart from every other, until a table of the user says whose it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from AnonymizerLib.objects.element import raw_text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PATIENT_ID, ISSUER, QUALIFIERS, UNIVERSAL_ENTITY = 0x00100020, 0x00100021, 0x00100024, 0x00400032
STUDY = 0x0020000D
NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
REPEATED = 4  # the same letter or digit so many times is no ID: 9999, 1111
PLACEHOLDERS = frozenset(
    (
        "unknown unknownid unknownpatient unk unkn none null nil na nan noid nopid nopatientid noname notavailable "
        "notapplicable undefined anonymous anon anonym anonymized anonymised removed deidentified unbekannt unbek "
        "inconnu desconocido desconhecido onbekend sconosciuto okand test testpatient patient patientid pid id dummy "
        "default temp temporary emergency notfall johndoe janedoe"
    ).split()
)


@dataclass(frozen=True)
class Person:
    """Whose instance it is: the ID and its issuer as written, and the study, which stands for a person without ID."""

    patient_id: str
    issuer: str
    study: str

    @property
    def is_nobody(self) -> bool:
        """Whether the ID names nobody."""
        return is_placeholder(self.patient_id)

    @property
    def names(self) -> tuple[str, ...]:
        """How a user's table may call this person, the most exact name first."""
        if self.is_nobody:
            return (self.study,)
        with_issuer = (f"{self.patient_id}@{self.issuer}",) if self.issuer else ()
        return (*with_issuer, self.patient_id, self.study)

    @property
    def subject(self) -> str:
        """What pseudonym and date shift are derived from when no table says otherwise."""
        if self.is_nobody:
            return f"study {self.study}"
        return f"{self.patient_id}\x1f{self.issuer}" if self.issuer else self.patient_id


@lru_cache(maxsize=1024)
def is_placeholder(patient_id: str) -> bool:
    """Whether a patient ID stands for no person: empty, zeros, one repeated letter, or a word like UNKNOWN."""
    letters = NOT_ALPHANUMERIC.sub("", patient_id.casefold())
    if not letters or letters in PLACEHOLDERS:
        return True
    return len(set(letters)) == 1 and (letters[0] in "0x" or len(letters) >= REPEATED)


def person_of(ds: Dataset, encodings: list[str], study: str = "") -> Person:
    """Read whose a data set is, or an item that holds a patient ID of its own."""
    issuer = raw_text(ds, ISSUER, encodings)
    if not issuer and QUALIFIERS in ds and ds[QUALIFIERS].VR == "SQ":
        items: Any = ds[QUALIFIERS].value or ()
        issuer = raw_text(items[0], UNIVERSAL_ENTITY, encodings) if len(items) else ""
    return Person(raw_text(ds, PATIENT_ID, encodings).strip(), issuer.strip(), study or raw_text(ds, STUDY, encodings))
