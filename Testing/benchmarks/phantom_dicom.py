"""A synthetic chest CT as a folder of DICOM slices, for benchmarks that start where a user starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ThoraxAILib.image.volume import Volume

INTERCEPT_HU = -1024


def write_dicom_folder(volume: Volume, folder: Path) -> None:
    """Write one uncompressed CT image per slice of ``volume`` (axes in LPS order)."""
    folder.mkdir(parents=True)
    for k, pixels in enumerate(volume.array):
        origin_lps_mm = volume.ras_from_kji(np.array([k, 0, 0])) * (-1, -1, 1)
        _slice(volume, pixels, origin_lps_mm, k).save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)


def _slice(volume: Volume, pixels: np.ndarray, origin_lps_mm: np.ndarray, k: int):
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = "2.25.730", volume.identity.series_uid
    image.FrameOfReferenceUID = "2.25.731"
    image.Modality, image.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.PatientName, image.PatientID = "Phantom", "phantom"
    image.SeriesNumber, image.InstanceNumber, image.ConvolutionKernel = 1, k + 1, "B30f"
    image.ImagePositionPatient = [f"{mm:.6f}" for mm in origin_lps_mm]
    image.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    image.PixelSpacing = [f"{mm:.6f}" for mm in volume.spacing_ijk_mm[[1, 0]]]
    image.SliceThickness = f"{volume.spacing_ijk_mm[2]:.6f}"
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.RescaleSlope, image.RescaleIntercept = 1, INTERCEPT_HU
    image.PixelData = np.clip(pixels.astype(np.int32) - INTERCEPT_HU, 0, 65535).astype("<u2").tobytes()
    return image
