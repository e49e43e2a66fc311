"""Keyed replacements: UIDs, patient pseudonyms and the whole-day date shift of each patient."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Mapping
from pathlib import Path

from AnonymizerLib.identity.project_key import ProjectKey
from ThoraxAILib.errors import InputError

# UIDs under the DICOM root name classes and encodings, never an instance (PS3.6 Annex A).
DICOM_ROOT = "1.2.840.10008."
LONGEST_SHIFT_DAYS = 3650
CACHE_LIMIT = 50_000
DATE = re.compile(r"^(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})$")
ZONE = re.compile(r"[+-]\d{4}$")


class Identities:
    """Replaces identifiers; equal input and key give equal output in every process and on every machine."""

    def __init__(self, key: ProjectKey, patients: Mapping[str, str] | None = None, prefix: str = "P") -> None:
        self.key = key
        self.prefix = prefix
        self._patients = dict(patients or {})
        self._uids: dict[str, str] = {}

    def uid(self, original: str) -> str:
        """The replacement of a UID: 2.25 and a keyed 128-bit number (PS3.5 B.2); DICOM's own UIDs stay."""
        if not original or original.startswith(DICOM_ROOT):
            return original
        new = self._uids.get(original)
        if new is None:
            if len(self._uids) >= CACHE_LIMIT:
                self._uids.clear()
            number = int.from_bytes(self.key.digest("uid", original)[:16], "big")
            new = self._uids[original] = f"2.25.{number}"
        return new

    def patient(self, patient: str) -> str:
        """The pseudonym of a patient: from the user's table when listed there, else derived from the key."""
        known = self._patients.get(patient)
        return known if known else f"{self.prefix}-{self.key.short_name('patient', patient)}"

    def days_back(self, patient: str) -> int:
        """How many whole days (1 to 3650) every date of this patient moves into the past."""
        return 1 + int.from_bytes(self.key.digest("date", patient)[:4], "big") % LONGEST_SHIFT_DAYS

    def shifted_date(self, value: str, patient: str) -> str:
        """A DA value moved by the patient's shift; empty when it is not a date that can be moved."""
        match = DATE.match(value.strip())
        if match is None:
            return ""
        try:
            date = datetime.date(int(match[1]), int(match[2]), int(match[3]))
            return (date - datetime.timedelta(days=self.days_back(patient))).strftime("%Y%m%d").rjust(8, "0")
        except (ValueError, OverflowError):
            return ""

    def shifted_datetime(self, value: str, patient: str) -> str:
        """A DT value with its date moved and its time zone dropped; empty when it names no full date."""
        value = ZONE.sub("", value.strip())
        date = self.shifted_date(value[:8], patient)
        return date + value[8:] if date else ""


def read_patient_table(path: Path) -> dict[str, str]:
    """A CSV of 'original,pseudonym' rows; InputError when two patients would share a pseudonym."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("not a file")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row and any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"The patient table {path.name} cannot be read: give a UTF-8 CSV file.") from error
    table: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not row[0].strip() or not row[1].strip():
            raise InputError(f"{path.name} row {number}: two columns are expected, original and pseudonym.")
        original, pseudonym = row[0].strip(), row[1].strip()
        if pseudonym in table.values():
            raise InputError(f"{path.name} row {number}: this pseudonym is given to two patients, use another.")
        table[original] = pseudonym
    return table
