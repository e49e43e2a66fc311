"""Where the voxels of a NIfTI file lie, by its own header: what ITK refuses, leaves out, or takes for known.

ITK refuses a sform whose axes are not at right angles though only rounding bends them, and takes NIfTI-2 for damaged.
Fields and units: nifti1.h and nifti2.h (qform, sform, xyzt_units). The rule of the standard: qform for the scanner's
own axes, sform where it is stated; here the sform counts, and the qform where no sform is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ThoraxAILib.io.nifti.header import open_unpacked

NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown, meter, millimeter, micrometer
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
MAX_AXES = 7
SAME_SIZE = 0.01  # relative: two sizes of a voxel that differ by less are one, rounded


@dataclass(frozen=True, eq=False)
class NiftiGeometry:
    """``ijk_to_lps`` in mm (4x4) as the header states it, bent axes included; ``stated`` is False where it does not.

    ``sizes`` are those of all axes; ``slope`` and ``intercept`` turn stored values into the image's. ``step`` is
    pixdim[4], in the unit of time that ``units`` (xyzt_units) names.
    """

    version: int
    byte_order: str
    sizes: tuple[int, ...]
    datatype: int
    offset: int
    slope: float
    intercept: float
    ijk_to_lps: np.ndarray
    stated: bool
    holds_voxels: bool
    step: float = 0.0
    units: int = 0
    by_sform: bool = False

    @property
    def dtype(self) -> np.dtype | None:
        """How a voxel is stored; None for what is no number (colors, complex, bits)."""
        name = TYPES.get(self.datatype)
        return None if name is None else np.dtype(self.byte_order + name)

    def place(self, ijk_to_lps: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the matrix to LPS mm to take when ITK made ``ijk_to_lps``, and a note when it is another.

        ITK takes voxel sizes from pixdim even where the sform, which counts (nifti1.h, method 3), states others.
        """
        size, itk = (np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (self.ijk_to_lps, ijk_to_lps))
        if not self.by_sform or np.allclose(size, itk, rtol=SAME_SIZE, atol=0):
            return ijk_to_lps, ()
        of, other = (" x ".join(f"{mm:.4g}" for mm in sizes) for sizes in (size, itk))
        note = f"The header states two voxel sizes: {of} mm of its sform was taken, not {other} mm of its pixdim."
        return self.ijk_to_lps, (note,)


def read_geometry(path: Path) -> NiftiGeometry | None:
    """Return what the header of a .nii, .nii.gz, .hdr or .img pair states; None when there is no NIfTI header."""
    with open_unpacked(path) as file:
        header = file.read(NIFTI2_BYTES)
    for order in "<>":
        if len(header) >= NIFTI1_BYTES and struct.unpack_from(f"{order}i", header)[0] == NIFTI1_BYTES:
            return _nifti1(header, order) if header[344:347] in (b"n+1", b"ni1") else None
        if len(header) >= NIFTI2_BYTES and struct.unpack_from(f"{order}i", header)[0] == NIFTI2_BYTES:
            return _nifti2(header, order) if header[4:7] in (b"n+2", b"ni2") else None
    return None


def _nifti1(header: bytes, order: str) -> NiftiGeometry | None:
    dim = struct.unpack_from(f"{order}8h", header, 40)
    (datatype,) = struct.unpack_from(f"{order}h", header, 70)
    pixdim = struct.unpack_from(f"{order}8f", header, 76)
    offset, slope, intercept = struct.unpack_from(f"{order}3f", header, 108)
    qcode, scode = struct.unpack_from(f"{order}2h", header, 252)
    quaternion = struct.unpack_from(f"{order}6f", header, 256)
    rows = struct.unpack_from(f"{order}12f", header, 280)
    held = header[344:347] == b"n+1"
    return _geometry(
        1, order, dim, datatype, pixdim, offset, slope, intercept, qcode, scode, quaternion, rows, header[123], held
    )


def _nifti2(header: bytes, order: str) -> NiftiGeometry | None:
    (datatype,) = struct.unpack_from(f"{order}h", header, 12)
    dim = struct.unpack_from(f"{order}8q", header, 16)
    pixdim = struct.unpack_from(f"{order}8d", header, 104)
    (offset,) = struct.unpack_from(f"{order}q", header, 168)
    slope, intercept = struct.unpack_from(f"{order}2d", header, 176)
    qcode, scode = struct.unpack_from(f"{order}2i", header, 344)
    quaternion = struct.unpack_from(f"{order}6d", header, 352)
    rows = struct.unpack_from(f"{order}12d", header, 400)
    (units,) = struct.unpack_from(f"{order}i", header, 500)
    held = header[4:7] == b"n+2"
    return _geometry(
        2, order, dim, datatype, pixdim, offset, slope, intercept, qcode, scode, quaternion, rows, units, held
    )


def _geometry(
    version: int,
    order: str,
    dim: tuple[int, ...],
    datatype: int,
    pixdim: tuple[float, ...],
    offset: float,
    slope: float,
    intercept: float,
    qcode: int,
    scode: int,
    quaternion: tuple[float, ...],
    rows: tuple[float, ...],
    units: int,
    held: bool,
) -> NiftiGeometry | None:
    if not 1 <= dim[0] <= MAX_AXES or any(size < 1 for size in dim[1 : 1 + dim[0]]):
        return None
    if scode > 0:
        matrix = np.vstack([np.reshape(rows, (3, 4)), (0.0, 0.0, 0.0, 1.0)])
    elif qcode > 0:
        matrix = _of_quaternion(quaternion, pixdim)
    else:
        matrix = np.diag([*(abs(size) or 1.0 for size in pixdim[1:4]), 1.0])
    matrix[:3] *= UNIT_MM.get(units & 7, 1.0)
    scaled = np.isfinite([slope, intercept]).all() and slope != 0.0
    # where neither is stated, the axes are taken as those of the array, in LPS as ITK does
    lps = RAS_TO_LPS @ matrix if scode > 0 or qcode > 0 else matrix
    return NiftiGeometry(
        version,
        order,
        tuple(dim[1 : 1 + dim[0]]),
        datatype,
        int(offset) if np.isfinite(offset) else 0,
        float(slope) if scaled else 1.0,
        float(intercept) if scaled else 0.0,
        lps,
        scode > 0 or qcode > 0,
        held,
        float(pixdim[4]),
        units,
        scode > 0,
    )


def _of_quaternion(quaternion: tuple[float, ...], pixdim: tuple[float, ...]) -> np.ndarray:
    """Return the matrix of method 2 of nifti1.h: a rotation, the voxel size, a sign of the third axis, an offset."""
    b, c, d = quaternion[:3]
    a = np.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.abs(pixdim[1:4])
    matrix[:3, 2] *= -1.0 if pixdim[0] < 0 else 1.0
    matrix[:3, 3] = quaternion[3:6]
    return matrix
