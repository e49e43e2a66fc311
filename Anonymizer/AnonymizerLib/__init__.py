"""DICOM de-identification after PS3.15 Annex E."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ThoraxAILib.public.lazy_names import lazy_names

if TYPE_CHECKING:
    from AnonymizerLib.public.anonymization import Anonymization, anonymize
    from AnonymizerLib.run.request import AnonymizeOptions

_HOMES = {
    "Anonymization": "AnonymizerLib.public.anonymization",
    "AnonymizeOptions": "AnonymizerLib.run.request",
    "anonymize": "AnonymizerLib.public.anonymization",
}

__all__ = ["Anonymization", "AnonymizeOptions", "anonymize"]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
