"""Small DICOM data sets for the tests of Anonymizer, built element by element, with invented people only."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from AnonymizerLib.deidentify.walk import Deidentifier
from AnonymizerLib.identity.identities import Identities
from AnonymizerLib.identity.project_key import ProjectKey
from AnonymizerLib.profile.options import OPTION_BY_LABEL, Profile
from pydicom import dcmwrite
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

CT = "1.2.840.10008.5.1.4.1.1.2"
KEY = ProjectKey(bytes(range(32)), "TESTKEY")
OTHER_KEY = ProjectKey(bytes(range(1, 33)), "OTHERKEY")
# A public sequence that Table E.1-1 does not list, so that what stands in it is reached by recursion alone.
NEUTRAL_SEQUENCE = 0x52009229


def profile(*labels: str, **more: object) -> Profile:
    """A profile with options by name."""
    return Profile(frozenset(OPTION_BY_LABEL[label] for label in labels), **more)


def engine(*labels: str, key: ProjectKey = KEY, **more: object) -> Deidentifier:
    """An engine with options by name."""
    return Deidentifier(profile(*labels, **more), Identities(key))


def raw(tag: int, vr: str, value: bytes) -> RawDataElement:
    """An element as pydicom reads it from a file."""
    value += b"\0" * (len(value) % 2)
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def put(ds: Dataset, tag: int, vr: str, value: bytes | list[Dataset]) -> None:
    """Add an element to a data set, raw, or a sequence."""
    ds[Tag(tag)] = DataElement(Tag(tag), "SQ", value) if vr == "SQ" else raw(tag, vr, value)


def raw_dataset(*elements: tuple[int, str, bytes | list[Dataset]]) -> Dataset:
    """A data set of raw elements."""
    ds = Dataset()
    for tag, vr, value in elements:
        put(ds, tag, vr, value)
    return ds


def minimal(sop_class: str = CT, *elements: tuple[int, str, bytes | list[Dataset]]) -> Dataset:
    """The attributes without which nothing is an instance, and the given ones."""
    return raw_dataset((0x00080016, "UI", sop_class.encode()), (0x00080018, "UI", b"1.2.826.0.1.77.1.1"),
                       (0x0020000D, "UI", b"1.2.826.0.1.77.1"), (0x00100020, "LO", b"MRN-4711"), *elements)


def at_depth(depth: int, element: tuple[int, str, bytes | list[Dataset]]) -> tuple[int, str, bytes | list[Dataset]]:
    """The element wrapped into ``depth`` neutral sequences."""
    for _ in range(depth):
        element = (NEUTRAL_SEQUENCE, "SQ", [raw_dataset(element)])
    return element


def holder_at(ds: Dataset, depth: int) -> Dataset:
    """The data set that holds what ``at_depth`` wrapped."""
    for _ in range(depth):
        ds = ds[NEUTRAL_SEQUENCE].value[0]
    return ds


def ct(number: int = 1, patient: str = "MRN-4711", date: str = "20240229", name: str = "Quillfeather^Ottoline",
       study: str = "1.2.826.0.1.77.1", size: int = 16) -> Dataset:
    """A whole CT instance, valid enough for a viewer, with pixel data that depends on its number."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CT, f"{study}.2.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, f"{study}.2", f"{study}.3"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = name, patient, "19510407", "F"
    ds.PatientAge, ds.PatientWeight = "072Y", "61"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = date
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = "101112"
    ds.AccessionNumber, ds.StudyID, ds.ReferringPhysicianName = "ACC-990017", "STDY77", "Brackenbury^Lucius"
    ds.InstitutionName, ds.StationName, ds.DeviceSerialNumber = "Mosswood Infirmary", "MOSSCT9", "SN-55417"
    ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "CT CHEST", "LUNG 1.0 B70f", "Chest routine"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "Acme", "Model Nine"
    ds.ImageType, ds.BodyPartExamined, ds.ConvolutionKernel = ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST", "B70f"
    ds.KVP, ds.SliceThickness, ds.SeriesNumber, ds.InstanceNumber = "120", "1", 2, number
    ds.AcquisitionNumber, ds.PatientPosition, ds.PositionReferenceIndicator = 1, "HFS", ""
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = [0.7, 0.7], -1024, 1, "HU"
    ds.Rows = ds.Columns = size
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    pixels = np.random.default_rng(number).integers(0, 4096, (size, size), dtype=np.uint16)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def file_bytes(ds: Dataset, implicit: bool = False) -> bytes:
    """The data set as a DICOM file in memory."""
    if implicit:
        ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def save(ds: Dataset, path: Path) -> Path:
    """The data set as a DICOM file on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file_bytes(ds))
    return path
