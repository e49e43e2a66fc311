"""How many values of a NIfTI file are no numbers: ITK's NIfTI library reads NaN and infinity as 0 and says nothing.

Header offsets as in nifti_length, datatype at 70 (16: float32, 64: float64). NIfTI-2 files are not checked.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from ThoraxAILib.readers.nifti_length import CHUNK, HEADER_BYTES

FLOATS = {16: "f4", 64: "f8"}


def count_not_finite(path: Path) -> int:
    """Voxels of a whole .nii or .nii.gz file that are NaN or infinite; 0 for whole numbers."""
    with (gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb")) as file:
        header = file.read(HEADER_BYTES)
        order = next((o for o in "<>" if struct.unpack_from(f"{o}i", header)[0] == HEADER_BYTES), None)
        if order is None:
            return 0
        kind = FLOATS.get(struct.unpack_from(f"{order}h", header, 70)[0])
        offset, = struct.unpack_from(f"{order}f", header, 108)
        if kind is None or header[344:347] != b"n+1":  # "ni1": the voxels lie in another file
            return 0
        file.seek(int(offset))
        bad = 0
        while chunk := file.read(CHUNK):
            values = np.frombuffer(chunk[:len(chunk) // 8 * 8], dtype=f"{order}{kind}")
            bad += int(np.count_nonzero(~np.isfinite(values)))
        return bad
