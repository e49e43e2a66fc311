"""Pixels of a stack of DICOM images, rescaled (PS3.3 C.11.1) into one preallocated array.

Uncompressed 16-bit images are read directly; everything else by pydicom's decoders, and compressed files for which no
decoder is installed by SimpleITK (GDCM).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ThoraxAILib.errors import InputError
from ThoraxAILib.io.slices.dicom_headers import READ_FAULTS, SliceHeader
from ThoraxAILib.jobs.progress import Progress

if TYPE_CHECKING:
    from pydicom import Dataset

PIXEL_TAGS = (
    "PixelData",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "NumberOfFrames",
    "PlanarConfiguration",
)
THREADS = min(4, os.cpu_count() or 1)
FrameTarget = tuple[int, SliceHeader]


def read_stack(headers: Sequence[SliceHeader], as_int16: bool, progress: Progress) -> np.ndarray:
    """Rescaled values (k, rows, columns) in the order of ``headers``: int16 (rounded) or float32.

    Raises InputError for a truncated or undecodable file.
    """
    shape = (len(headers), headers[0].rows, headers[0].columns)
    array = np.empty(shape, dtype=np.int16 if as_int16 else np.float32)
    targets: dict[Path, list[FrameTarget]] = {}
    for k, header in enumerate(headers):
        targets.setdefault(header.path, []).append((k, header))
    with ThreadPoolExecutor(THREADS) as pool:
        pending = [pool.submit(_read_file, path, frames, array) for path, frames in targets.items()]
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                future.result()
                progress(done / len(pending), "Reading slices")
        finally:  # after an error or a cancel the remaining files need not be read
            pool.shutdown(cancel_futures=True)
    return array


def fingerprint(header: SliceHeader) -> str:
    """Return a hash of the stored pixels of one image, to tell a copied slice from another one at the same place."""
    dataset = _dataset(header.path)
    frame = "" if header.frame is None else str(header.frame)
    return hashlib.sha256(dataset.PixelData).hexdigest() + frame


def _read_file(path: Path, frames: Sequence[FrameTarget], array: np.ndarray) -> None:
    """Read one file and write its frames, rescaled, to their places in ``array``."""
    for (k, header), (stored, rescaled) in zip(frames, _stored_frames(path, frames), strict=True):
        if stored.shape != array.shape[1:]:
            raise InputError(
                f"The pixels of '{path.name}' are {stored.shape} where its header says "
                f"{array.shape[1:]}: export the series again."
            )
        _rescale(stored, header, rescaled, array[k])


def _rescale(stored: np.ndarray, header: SliceHeader, rescaled: bool, target: np.ndarray) -> None:
    slope = 1.0 if rescaled or header.slope is None else header.slope
    intercept = 0.0 if rescaled or header.intercept is None else header.intercept
    if target.dtype == np.float32:
        target[...] = stored * np.float32(slope) + np.float32(intercept)
        return
    if slope == 1.0 and intercept == int(intercept):
        values = stored.astype(np.int32) + int(intercept)
    else:
        values = np.rint(stored * slope + intercept)
    target[...] = np.clip(values, -32768, 32767)


def _stored_frames(path: Path, frames: Sequence[FrameTarget]) -> Iterator[tuple[np.ndarray, bool]]:
    """Yield the wanted frames of one file in order, each with whether the decoder already applied the rescale."""
    dataset = _dataset(path)
    if dataset.file_meta.get("TransferSyntaxUID") is not None and dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        decoded, rescaled = _decompressed(dataset, path, frames)
    else:
        decoded, rescaled = _native(dataset, path), False
    for _, header in frames:
        yield decoded[header.frame or 0], rescaled


def _dataset(path: Path) -> Dataset:
    """Return the pixel attributes of one file; raises InputError when they cannot be read to the end."""
    from pydicom import dcmread

    try:
        dataset = dcmread(path, force=True, specific_tags=list(PIXEL_TAGS))
        if "PixelData" in dataset:
            return dataset
    except READ_FAULTS:
        pass
    raise InputError(f"The DICOM file '{path.name}' ends before its pixels: copy or export the series again.")


def _native(dataset: Dataset, path: Path) -> np.ndarray:
    """Return stored values (frames, rows, columns) of an uncompressed file."""
    frames = int(dataset.get("NumberOfFrames") or 1)
    bits = dataset.BitsAllocated
    shape = (frames, dataset.Rows, dataset.Columns)
    expected = int(np.prod(shape)) * dataset.SamplesPerPixel * bits // 8
    if len(dataset.PixelData) < expected:
        raise InputError(
            f"The DICOM file '{path.name}' is truncated ({expected} bytes of pixels expected, "
            f"{len(dataset.PixelData)} found): copy or export the series again."
        )
    if bits != 16:
        return _by_pydicom(dataset).reshape(shape)
    order = "<" if dataset.original_encoding[1] is not False else ">"
    values = np.frombuffer(dataset.PixelData, dtype=f"{order}u2", count=expected // 2).reshape(shape)
    return _without_unused_bits(values, int(dataset.BitsStored), bool(dataset.PixelRepresentation))


def _without_unused_bits(values: np.ndarray, bits_stored: int, signed: bool) -> np.ndarray:
    """Values from their lowest ``bits_stored`` bits; the others may hold an overlay (PS3.5 8.1.1)."""
    spare = 16 - bits_stored
    if spare == 0:
        return values.view(values.dtype.str.replace("u", "i")) if signed else values
    shifted = np.left_shift(values.astype(np.uint16), spare)
    return (shifted.view(np.int16) if signed else shifted) >> spare


def _by_pydicom(dataset: Dataset) -> np.ndarray:
    from pydicom.pixels import pixel_array

    return pixel_array(dataset, raw=True)


def _decompressed(dataset: Dataset, path: Path, frames: Sequence[FrameTarget]) -> tuple[np.ndarray, bool]:
    """Values (frames, rows, columns) of a compressed file and whether they are rescaled already."""
    import SimpleITK as sitk

    shape = (-1, dataset.Rows, dataset.Columns)
    try:
        return _by_pydicom(dataset).reshape(shape), False
    except READ_FAULTS:
        pass  # no decoder installed, or one that cannot read this file
    identity = all((header.slope, header.intercept) in ((None, None), (1.0, 0.0)) for _, header in frames)
    try:
        if len(frames) == 1 or identity:  # GDCM applies one rescale to the whole file
            return sitk.GetArrayFromImage(sitk.ReadImage(str(path), imageIO="GDCMImageIO")).reshape(shape), True
    except (RuntimeError, ValueError):
        pass
    syntax = dataset.file_meta.TransferSyntaxUID.name
    raise InputError(
        f"The pixels of '{path.name}' cannot be decompressed ({syntax}): convert the series to an "
        "uncompressed transfer syntax."
    )
