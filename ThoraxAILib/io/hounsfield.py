"""Are these values Hounsfield units? Air near -1000, tissue near 0; padding below -1024 becomes air.

Anything else (normalized, gray levels, stored values without rescale, NaN) is refused with what was found: a guessed
offset would shift every density that is measured later.
"""

from __future__ import annotations

import numpy as np

from ThoraxAILib.errors import InputError

AIR_HU = -1024
PADDING_BELOW_HU = -1500  # reconstruction noise in air stays above; -2048 and -3024 mark pixels outside the scan
DARKEST_EXPECTED_HU = -200  # fat is about -100: darker than this there is air or lung in every chest
BRIGHTEST_EXPECTED_HU = 32000
SAMPLES_PER_AXIS = 64


def to_hounsfield(array: np.ndarray, name: str, inverted_possible: bool = False) -> tuple[np.ndarray, tuple[str, ...]]:
    """``array`` as contiguous int16 HU with the repairs made; raises InputError when the values are not HU.

    An int16 array is changed in place. ``inverted_possible`` also checks that dark is air (MONOCHROME1).
    """
    if np.issubdtype(array.dtype, np.floating):
        refuse_non_finite(_not_finite(array), name)
    low, high = float(array.min()), float(array.max())
    sample = _sample(array)
    tissue = sample[sample > PADDING_BELOW_HU]
    _refuse_other_units(tissue, low, high, name)
    if inverted_possible and np.count_nonzero(tissue > 300) > np.count_nonzero(tissue < -300):
        raise InputError(
            f"'{name}' is stored as MONOCHROME1 with inverted values (most of the image is brighter than "
            "300 HU): export the original CT series."
        )
    rounded = np.issubdtype(array.dtype, np.floating) and bool((tissue != np.rint(tissue)).any())
    volume, padded, below = _clipped(array)
    notes: tuple[str, ...] = ()
    if padded > 0.0005 * array.size:
        notes += (
            f"Voxels outside the scanned field (stored as {low:.0f}, {100 * padded / array.size:.1f} % of the "
            f"image) were set to {AIR_HU} HU.",
        )
    elif below > 0.001 * array.size:
        notes += (f"Voxels below {AIR_HU} HU ({100 * below / array.size:.1f} % of the image) were set to {AIR_HU} HU.",)
    if rounded:
        notes += ("Fractional values were rounded to whole HU.",)
    return volume, notes


def to_scalar(array: np.ndarray, name: str) -> np.ndarray:
    """Return an image of another modality: contiguous int16 when every value is whole and fits, else float32."""
    if np.issubdtype(array.dtype, np.floating):
        refuse_non_finite(_not_finite(array), name)
    low, high = float(array.min()), float(array.max())
    if low == high:
        raise InputError(f"Every voxel of '{name}' has the same value ({low:g}): give an image that is not empty.")
    whole = np.issubdtype(array.dtype, np.integer) or not np.mod(array, 1).any()
    fits = -32768 <= low and high <= 32767
    return np.ascontiguousarray(array, dtype=np.int16 if whole and fits else np.float32)


def refuse_non_finite(bad: int, name: str) -> None:
    """Raise InputError when ``bad`` voxels of an image are NaN or infinite."""
    if bad:
        raise InputError(
            f"'{name}' holds {bad} voxels that are not numbers (NaN or infinite): replace them, for "
            f"example by {AIR_HU} outside the body of a CT, and save the image again."
        )


def _not_finite(array: np.ndarray) -> int:
    return sum(int(np.count_nonzero(~np.isfinite(image))) for image in array)


def _sample(array: np.ndarray) -> np.ndarray:
    """About a quarter of a million voxels spread over the image."""
    return array[tuple(slice(None, None, max(1, size // SAMPLES_PER_AXIS)) for size in array.shape)].astype(np.float64)


def _refuse_other_units(tissue: np.ndarray, low: float, high: float, name: str) -> None:
    """Raise InputError with the likeliest unit when the values (padding left out) cannot be HU of a chest."""
    if low == high or not tissue.size:
        raise InputError(f"Every voxel of '{name}' has the same value ({low:g}): give an image that is not empty.")
    dark, bright = np.percentile(tissue, (0.5, 99.5))
    if dark <= DARKEST_EXPECTED_HU and bright <= BRIGHTEST_EXPECTED_HU:
        return
    low = float(tissue.min())
    if bright > BRIGHTEST_EXPECTED_HU:
        guess = "another unit or a damaged file"
    elif low >= -1.5 and high <= 1.5:
        guess = "a mask or a normalized image"
    elif low >= 0 and high <= 255:
        guess = "gray levels or labels"
    elif low >= 0 and 500 < bright <= 5000:
        guess = "stored values without their rescale, where air is near 0 instead of -1000"
    else:
        guess = "no air or lung is in the image"
    raise InputError(
        f"The values of '{name}' run from {low:g} to {high:g} and are not Hounsfield units of a chest CT "
        f"({guess}): export the CT again in HU."
    )


def _clipped(array: np.ndarray) -> tuple[np.ndarray, int, int]:
    """int16 with nothing below air, the count of padding voxels and of all voxels that were below air."""
    volume = array if array.dtype == np.int16 and array.flags.writeable else np.empty(array.shape, dtype=np.int16)
    padded = below = 0
    for source, target in zip(array, volume, strict=True):
        padded += int(np.count_nonzero(source < PADDING_BELOW_HU))
        below += int(np.count_nonzero(source < AIR_HU))
        values = np.rint(source) if np.issubdtype(source.dtype, np.floating) else source
        target[...] = np.clip(values, AIR_HU, np.iinfo(np.int16).max)
    return np.ascontiguousarray(volume), padded, below
