"""Keyed replacements: UIDs, patient pseudonyms and the whole-day date shift of each patient."""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Mapping
from pathlib import Path

from AnonymizerLib.bounds.maxima import MAX_PATIENT_TABLE_BYTES
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.identity.subject import Person, is_placeholder
from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.bounded_bytes import TooLarge, read_bounded

# UIDs under the DICOM root name classes and encodings, never an instance (PS3.6 Annex A).
DICOM_ROOT = "1.2.840.10008."
LONGEST_SHIFT_DAYS = 3650
CACHE_LIMIT = 50_000
DATE = re.compile(r"^(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})$")
ZONE = re.compile(r"[+-]\d{4}$")
TIME_OF_DAY = re.compile(r"^(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?$")
SAME = "same"


class Identities:
    """Replaces identifiers; equal input and key give equal output in every process and on every machine."""

    def __init__(self, key: ProjectKey, patients: Mapping[str, str] | None = None, prefix: str = "P") -> None:
        self.key = key
        self.prefix = prefix
        self._patients = dict(patients or {})
        self._first: dict[str, str] = {}
        for original, pseudonym in self._patients.items():
            self._first.setdefault(pseudonym, original)
        self._uids: dict[str, str] = {}

    def uid(self, original: str) -> str:
        """Replace a UID by 2.25 and a keyed 128-bit number (PS3.5 B.2); DICOM's own UIDs stay."""
        if not original or original.startswith(DICOM_ROOT):
            return original
        new = self._uids.get(original)
        if new is None:
            if len(self._uids) >= CACHE_LIMIT:
                self._uids.clear()
            number = int.from_bytes(self.key.digest("uid", original)[:16], "big")
            new = self._uids[original] = f"2.25.{number}"
        return new

    def subject_of(self, person: Person) -> str:
        """Name this person for pseudonyms and date shifts: one name for all that the user's table joins."""
        for name in person.names:
            pseudonym = self._patients.get(name)
            if pseudonym:
                return self._first[pseudonym]
        return person.subject

    def patient(self, patient: str) -> str:
        """Look up the pseudonym of a patient in the user's table, else derive it from the key."""
        known = self._patients.get(patient)
        return known if known else f"{self.prefix}-{self.key.short_name('patient', patient)}"

    def days_back(self, patient: str) -> int:
        """How many whole days (1 to 3650) every date of this patient moves into the past."""
        return 1 + int.from_bytes(self.key.digest("date", patient)[:4], "big") % LONGEST_SHIFT_DAYS

    def shifted_date(self, value: str, patient: str) -> str:
        """Move a DA value by the patient's shift; empty when it is not a date that can be moved."""
        match = DATE.match(value.strip())
        if match is None:
            return ""
        try:
            date = datetime.date(int(match[1]), int(match[2]), int(match[3]))
            return (date - datetime.timedelta(days=self.days_back(patient))).strftime("%Y%m%d").rjust(8, "0")
        except (ValueError, OverflowError):
            return ""

    def shifted_datetime(self, value: str, patient: str) -> str:
        """Move the date of a DT value and drop its zone; empty when it names no full date or holds anything else."""
        value = ZONE.sub("", value.strip())
        if TIME_OF_DAY.match(value[8:]) is None:
            return ""
        date = self.shifted_date(value[:8], patient)
        return date + value[8:] if date else ""


def read_patient_table(path: Path) -> dict[str, str]:
    """Read a CSV of 'original,pseudonym' rows; InputError when two patients would share a pseudonym by mistake.

    An original is a patient ID, 'ID@issuer', or the Study Instance UID of a study without ID. A third column 'same'
    says that it is the same person as the row above with the same pseudonym: one pseudonym, one date shift.
    """
    try:
        if path.exists() and not path.is_file():
            raise OSError("not a file")
        text = read_bounded(path, MAX_PATIENT_TABLE_BYTES).decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row and any(map(str.strip, row))]
    except (TooLarge, OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The patient table {path.name} cannot be read: give a UTF-8 CSV file.") from error
    table: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if len(cells) not in (2, 3) or not cells[0] or not cells[1]:
            raise InputError(f"{path.name} row {number}: two columns are expected, original and pseudonym.")
        original, pseudonym, *joined = cells
        if joined and joined[0].casefold() not in ("", SAME):
            raise InputError(f"{path.name} row {number}: the third column may only say 'same' or stay empty.")
        if is_placeholder(original):
            raise InputError(
                f"{path.name} row {number}: this ID is a placeholder and names nobody, give the Study Instance UID."
            )
        is_same = bool(joined and joined[0])
        if (pseudonym in table.values()) != is_same:
            raise InputError(
                f"{path.name} row {number}: no row above has this pseudonym, so 'same' says nothing."
                if is_same
                else f"{path.name} row {number}: this pseudonym is given to two patients, use another, or add a third "
                "column 'same' when it is one person."
            )
        table[original] = pseudonym
    return table
