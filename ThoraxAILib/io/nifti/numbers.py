"""How many values of a NIfTI file are no numbers: ITK's NIfTI library reads NaN and infinity as 0 and says nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ThoraxAILib.io.nifti.header import CHUNK, open_unpacked, read_header

FLOATS = {16: "f4", 64: "f8"}  # of the header's datatype


def count_not_finite(path: Path) -> int:
    """Voxels of a whole .nii or .nii.gz file that are NaN or infinite; 0 for whole numbers and for NIfTI-2."""
    with open_unpacked(path) as file:
        header = read_header(file)
        if header is None or header.datatype not in FLOATS or not header.holds_voxels:
            return 0
        file.seek(header.offset)
        bad = 0
        while chunk := file.read(CHUNK):
            values = np.frombuffer(chunk[: len(chunk) // 8 * 8], dtype=f"{header.byte_order}{FLOATS[header.datatype]}")
            bad += int(np.count_nonzero(~np.isfinite(values)))
        return bad
