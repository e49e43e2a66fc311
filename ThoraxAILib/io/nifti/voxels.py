"""The voxels of a NIfTI file by its own header, for the files that ITK refuses though nothing is wrong with them."""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np

from ThoraxAILib.io.nifti.geometry import NiftiGeometry
from ThoraxAILib.io.nifti.header import CHUNK, open_unpacked

MAX_BYTES = 16 << 30  # of one volume: 1,600 slices of 2048 x 2048 in 16 bits
SMALL_WHOLE = 2**31


def read_voxels(path: Path, geometry: NiftiGeometry, axes: int = 3) -> np.ndarray:
    """Return scaled values of so many axes, the last of the file first: (k, j, i).

    Axes behind them must have length one. Whole numbers stay whole numbers where slope and intercept are. Raises
    ValueError when the file is cut short, too large or holds no numbers.
    """
    dtype = geometry.dtype
    sizes = (*geometry.sizes, *[1] * axes)[:axes]
    if dtype is None or prod(geometry.sizes) != prod(sizes) or not geometry.holds_voxels:
        raise ValueError("no scalar volume in this file")
    expected = prod(sizes) * dtype.itemsize
    if expected > MAX_BYTES:
        raise ValueError("the header states more voxels than any volume has")
    stored = np.frombuffer(_bytes_at(path, geometry.offset, expected), dtype=dtype).reshape(sizes[::-1])
    stored = stored.astype(dtype.newbyteorder("="), copy=False)
    slope, intercept = geometry.slope, geometry.intercept
    if (slope, intercept) == (1.0, 0.0):
        return stored.copy()
    if stored.dtype.kind in "iu" and slope == int(slope) and intercept == int(intercept):
        scaled = stored.astype(np.int64) * int(slope) + int(intercept)
        return scaled.astype(np.int32) if np.abs(scaled).max(initial=0) < SMALL_WHOLE else scaled
    return stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _bytes_at(path: Path, offset: int, count: int) -> bytearray:
    """Return ``count`` bytes of a file that may be packed; memory grows with what is there."""
    found = bytearray()
    with open_unpacked(path) as file:
        file.seek(max(0, offset))
        while len(found) < count and (chunk := file.read(min(CHUNK, count - len(found)))):
            found += chunk
    if len(found) < count:
        raise ValueError("the file ends before its last voxel")
    return found
