"""Small DICOM CT series on disk whose voxel values tell their own position, so that geometry can be checked anywhere.

The values are a linear ramp of the LPS position: linear interpolation reproduces it exactly on any grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

from ThoraxAILib.image.volume import Volume

PATIENT_NAME = "Doe^Secret"
RAMP_HU_PER_MM = np.array([16.0, 13.0, 9.0])
RAMP_CENTER_HU = -400.0
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
Change = Callable[[Dataset, int], None]


@dataclass(frozen=True)
class SeriesPlan:
    """What to write. ``origins_lps_mm`` overrides the even ladder of ``count`` slices every ``step_mm``."""

    count: int = 12
    step_mm: float = 2.5
    rows: int = 20
    columns: int = 24
    pixel_spacing_mm: tuple[float, float] = (1.1, 0.9)
    orientation: tuple[float, ...] = AXIAL
    origins_lps_mm: Sequence[Sequence[float]] | None = None
    intercept: float | None = -1024.0
    slope: float | None = 1.0
    signed: bool = False
    series_uid: str = "1.2.826.0.1.3680043.10.1.1"
    study_uid: str = "1.2.826.0.1.3680043.10.1"
    series_number: int = 1
    kernel: str = "B30f"
    modality: str = "CT"


def ramp_hu(points_lps_mm: np.ndarray) -> np.ndarray:
    """HU at LPS points (..., 3): between about -950 and 150 within the default series."""
    return RAMP_CENTER_HU + points_lps_mm @ RAMP_HU_PER_MM


def directions(plan: SeriesPlan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors (LPS) of a row, of a column, and of the slice normal."""
    row, column = np.reshape(plan.orientation, (2, 3))
    return row, column, np.cross(row, column)


def origins(plan: SeriesPlan) -> np.ndarray:
    """First pixel of each slice (LPS mm): the stack is centered on the LPS origin."""
    if plan.origins_lps_mm is not None:
        return np.asarray(plan.origins_lps_mm, dtype=float)
    row, column, normal = directions(plan)
    between_rows, between_columns = plan.pixel_spacing_mm
    corner = -row * between_columns * (plan.columns - 1) / 2 - column * between_rows * (plan.rows - 1) / 2
    depths = (np.arange(plan.count) - (plan.count - 1) / 2) * plan.step_mm
    return corner + depths[:, None] * normal


def slice_hu(plan: SeriesPlan, origin_lps_mm: np.ndarray) -> np.ndarray:
    """The ramp on one slice, (rows, columns)."""
    row, column, _ = directions(plan)
    j, i = np.mgrid[:plan.rows, :plan.columns]
    points = (origin_lps_mm + i[..., None] * plan.pixel_spacing_mm[1] * row
              + j[..., None] * plan.pixel_spacing_mm[0] * column)
    return ramp_hu(points)


def write_series(folder: Path, plan: SeriesPlan | None = None, change: Change | None = None,
                 prefix: str = "image") -> list[Path]:
    """Write one file per slice; ``change(dataset, k)`` may alter each before it is saved. File order is reversed."""
    plan = plan or SeriesPlan()
    folder.mkdir(parents=True, exist_ok=True)
    places = origins(plan)
    paths = []
    for k, origin in enumerate(places):
        dataset = slice_dataset(plan, origin, k)
        if change is not None:
            change(dataset, k)
        path = folder / f"{prefix}{len(places) - k:03d}.dcm"
        dcmwrite(path, dataset, enforce_file_format=True)
        paths.append(path)
    return paths


def slice_dataset(plan: SeriesPlan, origin_lps_mm: np.ndarray, k: int) -> FileDataset:
    """One CT image with a patient name that must never be seen again."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID = PATIENT_NAME, "SECRET-77"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = plan.study_uid, plan.series_uid
    dataset.FrameOfReferenceUID = plan.study_uid + ".7"
    dataset.StudyDate, dataset.Modality, dataset.Manufacturer = "20240131", plan.modality, "Maker"
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = plan.series_number, 1, 999 - k
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ConvolutionKernel, dataset.SliceThickness = plan.kernel, 7.0  # not the spacing, on purpose
    dataset.ContrastBolusAgent = "Agent"
    dataset.ImagePositionPatient = [f"{value:.6f}" for value in origin_lps_mm]
    dataset.ImageOrientationPatient = [f"{value:.9f}" for value in plan.orientation]
    dataset.PixelSpacing = list(plan.pixel_spacing_mm)
    dataset.Rows, dataset.Columns = plan.rows, plan.columns
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, int(plan.signed)
    if plan.slope is not None:
        dataset.RescaleSlope, dataset.RescaleIntercept = plan.slope, plan.intercept
    set_hu(dataset, slice_hu(plan, np.asarray(origin_lps_mm)))
    return dataset


def set_hu(dataset: Dataset, hu: np.ndarray) -> None:
    """Store HU as the dataset's own rescale and sign say."""
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    stored = np.rint((hu - intercept) / slope)
    dataset.PixelData = stored.astype("<i2" if dataset.PixelRepresentation else "<u2").tobytes()


def stored_values(dataset: Dataset) -> np.ndarray:
    """The stored pixels of a dataset made here, as a copy (rows, columns)."""
    kind = "<i2" if dataset.PixelRepresentation else "<u2"
    return np.frombuffer(dataset.PixelData, dtype=kind).reshape(dataset.Rows, dataset.Columns).copy()


def write_enhanced(path: Path, plan: SeriesPlan | None = None) -> Path:
    """The same series as one enhanced multi-frame CT file with its frames in shuffled order."""
    plan = plan or SeriesPlan()
    places = origins(plan)[np.random.default_rng(3).permutation(plan.count)]
    dataset = slice_dataset(plan, places[0], 0)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    dataset.NumberOfFrames = plan.count
    dataset.PixelData = b"".join(slice_dataset(plan, place, 0).PixelData for place in places)
    shared = Dataset()
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=dataset.ImageOrientationPatient)
    shared.PixelMeasuresSequence = _item(PixelSpacing=dataset.PixelSpacing, SliceThickness="7")
    shared.PixelValueTransformationSequence = _item(
        RescaleSlope=plan.slope, RescaleIntercept=plan.intercept, RescaleType="HU")
    shared.CTReconstructionSequence = _item(ConvolutionKernel="B45f")
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames = []
    for place in places:
        frame = Dataset()
        frame.PlanePositionSequence = _item(ImagePositionPatient=[f"{value:.6f}" for value in place])
        frames.append(frame)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope",
                 "RescaleIntercept", "ConvolutionKernel"):
        delattr(dataset, name)
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def _item(**attributes: object) -> DicomSequence:
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return DicomSequence([dataset])


def largest_ramp_error_hu(volume: Volume, air_hu: int = -1024) -> float:
    """How far the voxels of a read series are from the ramp at their RAS position; filled air is left out."""
    points_ras = volume.ras_from_kji(np.moveaxis(np.indices(volume.array.shape), 0, -1))
    expected = ramp_hu(points_ras * (-1, -1, 1))
    known = volume.array != air_hu
    if np.count_nonzero(known) < 0.5 * known.size:
        return float("inf")
    return float(np.abs(volume.array - expected)[known].max())


def is_right_angled(volume: Volume) -> bool:
    """Whether the axes of a volume are perpendicular to each other."""
    axes = volume.ijk_to_ras[:3, :3] / volume.spacing_ijk_mm
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < 1e-6)
