"""All frames of a cine in one file: a sequence NRRD as Slicer writes it, which opens there as a sequence."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ThoraxAILib.image.lps import ijk_to_ras_from_lps
from ThoraxAILib.image.volume import Volume

IMAGES, LABEL_MAPS = "vtkMRMLScalarVolumeNode", "vtkMRMLLabelMapVolumeNode"
NRRD_KINDS = {"uint8": "uint8", "uint16": "uint16", "int16": "int16", "float32": "float"}


def write_frame_sequence(frames: Sequence[Volume], path: Path, first: int = 1, node: str = IMAGES) -> None:
    """Write images on one grid and of one type (``NRRD_KINDS``), frame axis last, numbered from ``first``."""
    lps = ijk_to_ras_from_lps(frames[0].ijk_to_ras)
    kind = frames[0].array.dtype
    columns = " ".join(_vector(lps[:3, axis]) for axis in range(3))
    slices, rows, width = frames[0].array.shape
    numbers = " ".join(str(first + index) for index in range(len(frames)))
    header = (
        "NRRD0005",
        f"type: {NRRD_KINDS[kind.name]}",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: {width} {rows} {slices} {len(frames)}",
        f"space directions: {columns} none",
        "kinds: domain domain domain list",
        'labels: "" "" "" "frame"',
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(lps[:3, 3])}",
        f"DataNodeClassName:={node}",
        "axis 3 index type:=numeric",
        f"axis 3 index values:={numbers}",
    )
    content = np.stack([volume.array.astype(kind.newbyteorder("<")) for volume in frames]).tobytes()
    path.write_bytes("\n".join(header).encode("ascii") + b"\n\n" + gzip.compress(content, mtime=0))


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"
