"""One DICOM file in memory: which instance it is, and fingerprints of the file and of its data set alone."""

from __future__ import annotations

import hashlib
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO

from ThoraxAILib.errors import InputError
from ThoraxAILib.untrusted.parse_errors import parse_errors

PREAMBLE_BYTES, MAGIC = 128, b"DICM"
UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")
LONGEST_UID = 64
LONG_VR = frozenset({b"OB", b"OW", b"UN", b"SQ", b"UT", b"UC", b"UR", b"OD", b"OF", b"OL", b"OV", b"SV", b"UV"})
UIDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
NAMED = (*UIDS, "PatientIdentityRemoved", "Modality", "PatientID")


@dataclass(frozen=True, eq=False)
class Instance:
    """The bytes of a DICOM file and what they say of themselves."""

    data: bytes
    sop_class: str
    sop_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax: str
    modality: str
    patient_id: str
    is_identity_removed: bool

    @cached_property
    def sha256(self) -> str:
        """SHA-256 of the whole file."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def data_set_sha256(self) -> str:
        """SHA-256 of transfer syntax and data set: what a store keeps that writes preamble and group 2 anew."""
        digest = hashlib.sha256(self.transfer_syntax.encode("ascii", "replace") + b"\0")
        digest.update(memoryview(self.data)[data_set_start(self.data) :])
        return digest.hexdigest()


def is_uid(text: str) -> bool:
    """Whether a text is a UID (PS3.5 9.1) and so can name a file or stand in an address."""
    return 0 < len(text) <= LONGEST_UID and UID.fullmatch(text) is not None


def looks_like_dicom(beginning: bytes) -> bool:
    """Whether a file begins as PS3.10 says."""
    return beginning[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == MAGIC


def read_instance(data: bytes) -> Instance:
    """Return what a DICOM file says of itself; raises InputError when it is none or lacks a UID."""
    from pydicom import dcmread

    if not looks_like_dicom(data[: PREAMBLE_BYTES + 4]):
        raise InputError("This is no DICOM file: its preamble is missing.")
    try:
        ds = dcmread(BytesIO(data), stop_before_pixels=True, specific_tags=list(NAMED))
        values = {name: str(ds.get(name) or "").strip() for name in NAMED}
        syntax = str(ds.file_meta.get("TransferSyntaxUID", "") or "")
    except parse_errors() as error:
        raise InputError(f"This DICOM file cannot be read ({type(error).__name__}).") from error
    if not all(is_uid(uid) for uid in (*(values[name] for name in UIDS), syntax)):
        raise InputError("This DICOM file lacks a UID, or one of its UIDs is none.")
    return Instance(
        data,
        values["SOPClassUID"],
        values["SOPInstanceUID"],
        values["StudyInstanceUID"],
        values["SeriesInstanceUID"],
        syntax,
        values["Modality"],
        values["PatientID"],
        values["PatientIdentityRemoved"].upper() == "YES",
    )


def data_set_start(data: bytes) -> int:
    """Return where the data set begins, behind preamble and file meta (PS3.10 7.1); raises InputError without meta."""
    place = PREAMBLE_BYTES + len(MAGIC)
    while place + 8 <= len(data) and data[place : place + 2] == b"\x02\x00":
        if data[place + 4 : place + 6] in LONG_VR:
            place += 12 + struct.unpack_from("<I", data, place + 8)[0] if place + 12 <= len(data) else len(data)
        else:
            place += 8 + struct.unpack_from("<H", data, place + 6)[0]
    if not PREAMBLE_BYTES + len(MAGIC) < place <= len(data):
        raise InputError("The file meta information of this DICOM file is damaged.")
    return place
