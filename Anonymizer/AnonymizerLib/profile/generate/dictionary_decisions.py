"""Builds data/dictionary_decisions.json: what was decided about every public attribute that Table E.1-1 does not list.

The dictionary of PS3.6 was gone through attribute by attribute (pydicom 3.0.2, 4,464 unlisted attributes). ``explicit``
holds those that say something about a person, a place, a route or a file, each with its reason. All others are decided
by their value representation, and are listed all the same: an attribute that a newer dictionary adds is in neither list
and is removed until somebody has decided it.

Run: python -m AnonymizerLib.profile.generate.dictionary_decisions
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from AnonymizerLib.profile.table import row_of

TARGET = Path(__file__).resolve().parents[1] / "data" / "dictionary_decisions.json"
REMOVE, CHARACTERISTICS, DEVICE = "remove", "retain-patient-characteristics", "retain-device"
WHOLE_GROUPS = {
    0x0000: (REMOVE, "command group"),
    0x0002: (REMOVE, "file meta information, written anew"),
    0x0004: (REMOVE, "directory of a medium"),
    0x4010: (REMOVE, "security screening of travellers"),
}
KEYWORDS = {
    "PatientBirthDateInAlternativeCalendar": (REMOVE, "birth date"),
    "PatientDeathDateInAlternativeCalendar": (REMOVE, "death date"),
    "PatientAlternativeCalendar": (REMOVE, "calendar of a removed date, hints at origin"),
    "IssuerOfPatientIDQualifiersSequence": (REMOVE, "who issued the patient ID"),
    "SourcePatientGroupIdentificationSequence": (REMOVE, "patient IDs of a group"),
    "GroupOfPatientsIdentificationSequence": (REMOVE, "patient IDs of a group"),
    "PatientSizeCodeSequence": (CHARACTERISTICS, "size of the patient"),
    "PatientBodyMassIndex": (CHARACTERISTICS, "derived from size and weight"),
    "MeasuredAPDimension": (CHARACTERISTICS, "size of the patient"),
    "MeasuredLateralDimension": (CHARACTERISTICS, "size of the patient"),
    "ExaminedBodyThickness": (CHARACTERISTICS, "size of the patient"),
    "StrainStockNumber": (REMOVE, "number of an animal stock"),
    "BreedRegistrationNumber": (REMOVE, "number of an animal"),
    "BreedRegistrationSequence": (REMOVE, "number of an animal"),
    "DischargeDiagnosisCodeSequence": (REMOVE, "diagnosis of a visit"),
    "PertinentDocumentsSequence": (REMOVE, "documents about the patient"),
    "PertinentResourcesSequence": (REMOVE, "documents about the patient"),
    "PatientClinicalTrialParticipationSequence": (REMOVE, "trials of the patient"),
    "PrivateDataElementCharacteristicsSequence": (REMOVE, "what a file says about its private blocks is not believed"),
    "NTPSourceAddress": (REMOVE, "network address"),
    "OwnerID": (REMOVE, "a person"),
    "ContactDisplayName": (REMOVE, "a person"),
    "ContactURI": (REMOVE, "a person"),
    "HangingProtocolCreator": (REMOVE, "a person"),
    "HangingProtocolUserGroupName": (REMOVE, "people"),
    "ComponentWelderIDs": (REMOVE, "people"),
    "RepairID": (REMOVE, "an order"),
    "SOPAuthorizationComment": (REMOVE, "remark of a person"),
    "AuthorizationEquipmentCertificationNumber": (REMOVE, "number of a device"),
    "DeviceID": (DEVICE, "number of a device"),
    "GridID": (DEVICE, "number of a device"),
    "PlacerOrderNumberProcedure": (REMOVE, "an order"),
    "FillerOrderNumberProcedure": (REMOVE, "an order"),
    "PlacerOrderNumberImagingServiceRequestRetired": (REMOVE, "an order"),
    "FillerOrderNumberImagingServiceRequestRetired": (REMOVE, "an order"),
    "LocalNamespaceEntityID": (REMOVE, "who issued a number"),
    "UniversalEntityID": (REMOVE, "who issued a number"),
    "UniversalEntityIDType": (REMOVE, "who issued a number"),
    "HL7InstanceIdentifier": (REMOVE, "a document elsewhere"),
    "StorageMediaFileSetID": (REMOVE, "a medium"),
    "ReferenceToRecordedSound": (REMOVE, "a recording"),
    "DataSetSource": (REMOVE, "who made a normative data set"),
    "PrintJobID": (REMOVE, "a job"),
    "PrintQueueID": (REMOVE, "a queue"),
    "PrinterName": (REMOVE, "a device in a place"),
    "CommentsOnTheScheduledProcedureStep": (REMOVE, "remark of a person"),
    "CommentsOnPatientPerformanceOfVisualField": (REMOVE, "remark of a person"),
    "TreatmentStatusComment": (REMOVE, "remark of a person"),
    "SetupImageComment": (REMOVE, "remark of a person"),
    "AssertionComments": (REMOVE, "remark of a person"),
}
STARTS = {
    "GPS": (REMOVE, "where a picture was taken"),
    "CodingSchemeResponsibleOrganization": (REMOVE, "an organization"),
    "Retrieve": (REMOVE, "an address"),
    "StoredInstanceBaseURI": (REMOVE, "an address"),
    "FolderAccessURI": (REMOVE, "an address"),
    "FileAccessURI": (REMOVE, "an address"),
    "FilenameInContainer": (REMOVE, "a file"),
    "StorageURL": (REMOVE, "an address"),
    "PixelDataProviderURL": (REMOVE, "an address"),
    "RelativeURI": (REMOVE, "a file"),
}


def explicit(tag: int, keyword: str) -> tuple[str, str] | None:
    """Decide about an attribute that says something about a person or a place; None for all others."""
    if tag >> 16 in WHOLE_GROUPS:
        return WHOLE_GROUPS[tag >> 16]
    if keyword in KEYWORDS:
        return KEYWORDS[keyword]
    return next((decision for start, decision in STARTS.items() if keyword.startswith(start)), None)


def build() -> dict:
    """Explicit decisions, and the other unlisted tags by representation."""
    from pydicom import __version__
    from pydicom.datadict import DicomDictionary

    decided: dict[str, dict[str, str]] = {}
    others: dict[str, list[str]] = defaultdict(list)
    for tag, (vr, _, name, _, keyword) in sorted(DicomDictionary.items()):
        if row_of(tag) is not None:
            continue
        decision = explicit(tag, keyword)
        if decision is None:
            others[vr.split(" or ")[0]].append(f"{tag:08x}")
        else:
            decided[f"{tag:08x}"] = {"name": name, "action": decision[0], "why": decision[1]}
    return {
        "dictionary": f"PS3.6 as in pydicom {__version__}",
        "explicit": decided,
        "by_representation": {vr: " ".join(tags) for vr, tags in sorted(others.items())},
    }


def main() -> None:
    """Write the list."""
    TARGET.write_text(json.dumps(build(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
