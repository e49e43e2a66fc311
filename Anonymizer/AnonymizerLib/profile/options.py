"""The twelve options of PS3.15 Annex E, each with its CID 7050 code, and the profile a person chose."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ThoraxAILib.errors import InputError

if TYPE_CHECKING:
    from AnonymizerLib.profile.rules import UserRules

BASIC_PROFILE_CODE = ("113100", "Basic Application Confidentiality Profile")


class Option(enum.Enum):
    """One option of the standard: its name on the command line, its code and meaning in CID 7050 (scheme DCM)."""

    CLEAN_PIXELS = ("clean-pixels", "113101", "Clean Pixel Data Option")
    CLEAN_FACES = ("clean-faces", "113102", "Clean Recognizable Visual Features Option")
    CLEAN_GRAPHICS = ("clean-graphics", "113103", "Clean Graphics Option")
    CLEAN_STRUCTURED_CONTENT = ("clean-structured-content", "113104", "Clean Structured Content Option")
    CLEAN_DESCRIPTORS = ("clean-descriptors", "113105", "Clean Descriptors Option")
    FULL_DATES = ("full-dates", "113106", "Retain Longitudinal Temporal Information Full Dates Option")
    MODIFIED_DATES = ("modified-dates", "113107", "Retain Longitudinal Temporal Information Modified Dates Option")
    PATIENT_CHARACTERISTICS = ("retain-patient-characteristics", "113108", "Retain Patient Characteristics Option")
    DEVICE = ("retain-device", "113109", "Retain Device Identity Option")
    UIDS = ("retain-uids", "113110", "Retain UIDs Option")
    SAFE_PRIVATE = ("retain-safe-private", "113111", "Retain Safe Private Option")
    INSTITUTION = ("retain-institution", "113112", "Retain Institution Identity Option")

    def __init__(self, label: str, code: str, meaning: str) -> None:
        self.label, self.code, self.meaning = label, code, meaning


OPTION_BY_LABEL = {option.label: option for option in Option}


def parse_options(labels: Iterable[str]) -> frozenset[Option]:
    """Options from their names; InputError names the first unknown one and lists what exists."""
    chosen = set()
    for label in labels:
        if label not in OPTION_BY_LABEL:
            raise InputError(f"There is no option '{label}': choose from {', '.join(sorted(OPTION_BY_LABEL))}.")
        chosen.add(OPTION_BY_LABEL[label])
    return frozenset(chosen)


@dataclass(frozen=True)
class Profile:
    """What to do with attributes: options of the standard, the allow-list switch, and a person's own rules.

    ``strict`` also drops every public attribute that does not belong to the SOP class and every free text
    outside the word list.
    """

    options: frozenset[Option] = frozenset()
    strict: bool = False
    rules: UserRules | None = field(default=None)
    name: str = "basic"

    def __post_init__(self) -> None:
        if {Option.FULL_DATES, Option.MODIFIED_DATES} <= self.options:
            raise InputError("full-dates and modified-dates contradict each other: choose one of the two.")

    def has(self, option: Option) -> bool:
        """Whether this option is switched on."""
        return option in self.options

    @property
    def temporal_information(self) -> str:
        """The value of Longitudinal Temporal Information Modified (0028,0303), PS3.15 E.1.1 and E.3.6."""
        if self.has(Option.FULL_DATES):
            return "UNMODIFIED"
        return "MODIFIED" if self.has(Option.MODIFIED_DATES) else "REMOVED"
