"""What every store of DICOM objects can do, whatever the way there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ThoraxAILib.errors import ThoraxAIError
from ThoraxAILib.store.instance import Instance

MAX_STUDIES = 10_000
MAX_INSTANCES = 200_000  # of one study: more is no answer of a store


class StoreError(ThoraxAIError):
    """The store refused, or answered what cannot be used; trying again will not help."""


class StoreUnreachable(StoreError):
    """No answer, or a busy one: the same request may succeed later."""


@dataclass(frozen=True)
class StudyEntry:
    """One study in a list of studies; texts as the store gives them, empty where it gives none."""

    study_uid: str
    patient_id: str = ""
    date: str = ""
    modalities: tuple[str, ...] = ()
    instances: int | None = None


class Store(Protocol):
    """A place for DICOM objects. Every method raises StoreError, or StoreUnreachable when trying again may help."""

    @property
    def address(self) -> str:
        """Where it is, without user and password."""

    @property
    def keeps_files(self) -> bool:
        """Whether files come back byte by byte; otherwise only their data sets do (DIMSE knows no files)."""

    def studies(self, patient_id: str = "", limit: int = 100) -> list[StudyEntry]:
        """Return at most ``limit`` studies, those of one patient when ``patient_id`` is given."""

    def instances(self, study_uid: str) -> frozenset[str]:
        """Return the SOP instance UIDs of a study; empty when the store does not know it."""

    def send(self, files: Sequence[Instance]) -> dict[str, str]:
        """Store the files as they are; return why each one that was refused was, by SOP instance UID."""

    def retrieve(self, study_uid: str, series_uid: str = "", sop_uid: str = "") -> Iterator[Instance]:
        """Return the objects of a study, a series or an instance, one after the other."""

    def close(self) -> None:
        """Give connections back."""
