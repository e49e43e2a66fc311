"""Pictures as a DICOM secondary capture (multi-frame true color): what any archive can show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib import __version__
from ThoraxAILib.errors import InputError
from ThoraxAILib.io.dicom_objects.segmentation import MANUFACTURER, MODEL
from ThoraxAILib.io.dicom_objects.uids import NewInstance

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MULTI_FRAME_TRUE_COLOR = "1.2.840.10008.5.1.4.1.1.7.4"
PAGE_NUMBER_VECTOR = 0x00182001
CT_KEPT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime")
STUDY_KEPT = ("StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription")


def secondary_capture(
    pictures: Sequence[np.ndarray],
    source: Dataset,
    description: str,
    new: NewInstance,
) -> Dataset:
    """Return the pictures (rows, columns, 3; uint8, all of one size) as frames beside the study of ``source``.

    The pictures name nobody: BurnedInAnnotation is NO. Raises InputError for none, or pictures of several sizes.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    if not pictures or len({picture.shape for picture in pictures}) > 1 or pictures[0].ndim != 3:
        raise InputError("A secondary capture needs color pictures of one size.")
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = UID(MULTI_FRAME_TRUE_COLOR)
    ds.file_meta.MediaStorageSOPInstanceUID = UID(new.instance_uid)
    ds.SOPClassUID, ds.SOPInstanceUID = MULTI_FRAME_TRUE_COLOR, new.instance_uid
    for keyword in (*CT_KEPT, *STUDY_KEPT):
        setattr(ds, keyword, source.get(keyword, None) or "")
    ds.SpecificCharacterSet = source.get("SpecificCharacterSet", None) or "ISO_IR 192"
    ds.Modality, ds.ConversionType = "OT", "WSD"
    ds.SeriesInstanceUID, ds.SeriesNumber, ds.InstanceNumber = new.series_uid, new.series_number, 1
    ds.SeriesDescription = description
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = MANUFACTURER, MODEL, __version__
    ds.PatientOrientation = ""
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.BurnedInAnnotation = "NO"
    ds.Laterality = ""
    ds.LossyImageCompression = "00"
    _put_pixels(ds, np.stack(pictures))
    return ds


def _put_pixels(ds: Dataset, frames: np.ndarray) -> None:
    ds.NumberOfFrames, ds.Rows, ds.Columns, ds.SamplesPerPixel = frames.shape
    ds.PhotometricInterpretation, ds.PlanarConfiguration = "RGB", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation = 7, 0
    if len(frames) > 1:  # PS3.3 C.8.6.3: a single frame has no increment
        ds.PageNumberVector = list(range(1, len(frames) + 1))
        ds.FrameIncrementPointer = PAGE_NUMBER_VECTOR
    data = np.ascontiguousarray(frames, np.uint8).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OB"
